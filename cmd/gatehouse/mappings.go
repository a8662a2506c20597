package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	tenantclient "example.com/gatehouse/simulator/management/client"
	"example.com/gatehouse/simulator/tenant"
)

type mappingsOptions struct {
	file, at string
	tenant   tenantOptions
	within   string
	output   format
}

// mapping is a mapping as programs get it.
type mapping struct {
	ID      string `json:"id"`
	User    string `json:"user"`
	Subject string `json:"subject,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	// Serial is the serial number in hexadecimal.
	Serial     string     `json:"serialNumber,omitempty"`
	ValidUntil *time.Time `json:"validUntil"`
	// DaysLeft are whole days, negative for an expired certificate.
	DaysLeft *int         `json:"daysLeft"`
	State    mappingState `json:"state"`
}

type mappingState string

const (
	mappingValid    mappingState = "valid"
	mappingExpiring mappingState = "expiring"
	mappingExpired  mappingState = "expired"
	// mappingUnknown: neither the tenant nor the certificate says when it expires.
	mappingUnknown mappingState = "unknown"
)

// mappingReport is what programs get.
type mappingReport struct {
	Tenant   string    `json:"tenant"`
	At       time.Time `json:"at"`
	Within   string    `json:"within,omitempty"`
	Total    int       `json:"total"`
	Mappings []mapping `json:"mappings"`
}

func newMappings() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mappings",
		Short: "Lists certificate-to-user mappings, and those that expire",
		Long: `Reads the certificate-to-user mapping of a tenant: of the one that a landscape document describes (-f),
or of one that runs, real or simulated, at the URL of its management node (--url). The password of
the user, or the secret of the OAuth client, comes from an environment variable or a file.`,
	}
	group(cmd)
	cmd.AddCommand(newMappingsList(), newMappingsExpiring())
	return cmd
}

func newMappingsList() *cobra.Command {
	var o mappingsOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Lists the certificate-to-user mappings",
		Example: `  gatehouse mappings list
  gatehouse mappings list --url https://e100999-tmn.hci.eu1.hana.ondemand.com --user ADMIN --password-env TENANT_PASSWORD`,
		Args: arguments(0, 0, ""),
		RunE: classified(func(cmd *cobra.Command, _ []string) error {
			report, err := o.read(cmd, 0)
			if err != nil {
				return err
			}
			return o.show(cmd, report)
		}),
	}
	o.flags(cmd)
	return cmd
}

func newMappingsExpiring() *cobra.Command {
	var o mappingsOptions
	cmd := &cobra.Command{
		Use:   "expiring",
		Short: "Lists the mapped certificates that expire soon, for a nightly job",
		Long: `Lists the mapped certificates that have expired or expire soon, and those of which nobody can say
when. Exit code 1 if there is any, 0 if there is none; 3 if nothing is mapped at all, which is
rather the wrong tenant than good news.

A renewed certificate needs a mapping of its own: add it beside the old one, switch the sender, and
remove the old mapping.`,
		Example: `  gatehouse mappings expiring --within 30d
  gatehouse mappings expiring --within 6w --url https://e100999-tmn.hci.eu1.hana.ondemand.com --client-id nightly --password-file secret.txt --output json`,
		Args: arguments(0, 0, ""),
		RunE: classified(func(cmd *cobra.Command, _ []string) error { return o.expiring(cmd) }),
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.within, "within", "30d", "how soon is soon: days, weeks or hours such as 30d, 6w or 12h")
	return cmd
}

func (o *mappingsOptions) flags(cmd *cobra.Command) {
	fileFlag(cmd, &o.file)
	o.tenant.flags(cmd)
	cmd.Flags().StringVar(&o.at, "at", "", "the time to look at it, RFC 3339 such as 2027-01-31T12:00:00Z or 2027-01-31 (default: that of the landscape, or now)")
	outputFlag(cmd, &o.output)
}

func (o *mappingsOptions) expiring(cmd *cobra.Command) error {
	within, err := parseWithin(o.within)
	if err != nil {
		return err
	}
	report, err := o.read(cmd, within)
	if err != nil {
		return err
	}
	report.Within = o.within
	if report.Total == 0 {
		return invocation("%s has no certificate-to-user mappings: is it the right tenant?", report.Tenant)
	}
	report.Mappings = slices.DeleteFunc(report.Mappings, func(m mapping) bool { return m.State == mappingValid })
	if err := o.show(cmd, report); err != nil {
		return err
	}
	if len(report.Mappings) > 0 {
		return &failure{code: exitFailed}
	}
	return nil
}

// maxWithin bounds --within: a hundred years.
const maxWithin = 100 * 366 * 24 * time.Hour

// parseWithin reads a duration, also in days and weeks.
func parseWithin(text string) (time.Duration, error) {
	wrong := invocation("--within: found %q, expected days, weeks or hours such as 30d, 6w or 12h", text)
	for unit, hours := range map[string]time.Duration{"d": 24, "w": 7 * 24} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(number, 10, 32)
			if d := time.Duration(n) * hours * time.Hour; err == nil && n <= uint64(maxWithin/time.Hour) && d <= maxWithin {
				return d, nil
			}
			return 0, wrong
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxWithin {
		return 0, wrong
	}
	return d, nil
}

// read reads the mappings from where the flags say, sorted by the time when they expire.
func (o *mappingsOptions) read(cmd *cobra.Command, within time.Duration) (mappingReport, error) {
	now, err := moment("--at", o.at)
	if err != nil {
		return mappingReport{}, err
	}
	var from string
	var list []tenantclient.Mapping
	if o.tenant.url == "" {
		if err := o.tenant.unused(cmd); err != nil {
			return mappingReport{}, err
		}
		var clock func() time.Time
		if list, clock, err = landscapeMappings(cmd, o.file); err != nil {
			return mappingReport{}, err
		}
		from = o.file
		if o.at == "" {
			now = clock
		}
	} else {
		if cmd.Flags().Changed("file") {
			return mappingReport{}, invocation("--url stands beside --file, expected one of them")
		}
		from = o.tenant.url
		if list, err = o.tenant.mappings(cmd.Context()); err != nil {
			return mappingReport{}, err
		}
	}
	report := mappingReport{Tenant: from, At: now().UTC(), Total: len(list), Mappings: make([]mapping, len(list))}
	for i, m := range list {
		report.Mappings[i] = judgeMapping(m, report.At, within)
	}
	slices.SortStableFunc(report.Mappings, func(a, b mapping) int {
		switch {
		case a.ValidUntil == nil && b.ValidUntil == nil:
			return 0
		case a.ValidUntil == nil:
			return -1
		case b.ValidUntil == nil:
			return 1
		}
		return a.ValidUntil.Compare(*b.ValidUntil)
	})
	return report, nil
}

// landscapeMappings are those of the tenant that a document describes.
func landscapeMappings(cmd *cobra.Command, file string) (list []tenantclient.Mapping, clock func() time.Time, err error) {
	l, err := readLandscape(file)
	if err != nil {
		return nil, nil, err
	}
	// The document's address may be in use by a "gatehouse serve".
	l.LoadBalancer.Listen = ""
	l.Tenant.ManagementCalls = false
	sim, err := simulator.Start(cmd.Context(), l, simulator.Options{})
	if err != nil {
		return nil, nil, startFailed(cmd, err)
	}
	for _, m := range sim.Tenant().Snapshot().Mappings() {
		list = append(list, tenantclient.Mapping{ID: tenant.MappingID(m.Certificate), User: m.User, Certificate: m.Certificate})
	}
	at := sim.Clock().Now()
	return list, func() time.Time { return at }, sim.Close()
}

// judgeMapping says how it stands with a mapping. What the certificate says counts; what the tenant
// says of it stands in where it cannot be read.
func judgeMapping(m tenantclient.Mapping, now time.Time, within time.Duration) mapping {
	out := mapping{ID: m.ID, User: m.User, State: mappingUnknown}
	until := m.ValidUntil
	if c, err := x509.ParseCertificate(m.Certificate); err == nil {
		out.Subject, out.Issuer, out.Serial = pki.FormatDN(c.RawSubject), pki.FormatDN(c.RawIssuer), fmt.Sprintf("%x", c.SerialNumber)
		until = c.NotAfter.UTC()
	}
	if until.IsZero() {
		return out
	}
	left := until.Sub(now)
	days := int(left / (24 * time.Hour))
	if left < 0 && left%(24*time.Hour) != 0 {
		days-- // whole days, downwards: expired an hour ago is -1
	}
	out.ValidUntil, out.DaysLeft = &until, &days
	switch {
	case left <= 0:
		out.State = mappingExpired
	case left <= within:
		out.State = mappingExpiring
	default:
		out.State = mappingValid
	}
	return out
}

func (o *mappingsOptions) show(cmd *cobra.Command, r mappingReport) error {
	if o.output == jsonFormat {
		return showJSON(cmd.OutOrStdout(), r)
	}
	return show(cmd.OutOrStdout(), mappingsText(r))
}

// mappingsText is the list for people; expired certificates are red, as in the tenant's own list [C:
// the blog].
func mappingsText(r mappingReport) string {
	if len(r.Mappings) == 0 {
		if r.Within != "" {
			return fmt.Sprintf("none of %d mapped certificates expires within %s\n", r.Total, r.Within)
		}
		return "no certificate is mapped to a user\n"
	}
	cells := make([][]string, len(r.Mappings))
	for i, m := range r.Mappings {
		until, left := "unknown", ""
		if m.ValidUntil != nil {
			until, left = m.ValidUntil.Format(time.RFC3339), daysText(*m.DaysLeft, m.State)
		}
		subject := m.Subject
		if subject == "" {
			subject = "(the certificate cannot be read)"
		}
		cells[i] = []string{m.User, subject, m.Issuer, until, left, m.ID}
	}
	text := styledRows([]string{"USER", "SUBJECT", "ISSUER", "VALID UNTIL", "LEFT", "ID"}, cells, func(row int) lipgloss.Style {
		switch r.Mappings[row].State {
		case mappingExpired, mappingUnknown:
			return bad
		case mappingExpiring:
			return heading
		}
		return lipgloss.NewStyle()
	})
	if r.Within != "" {
		text += fmt.Sprintf("\n%d of %d mapped certificates have expired or expire within %s.\n", len(r.Mappings), r.Total, r.Within)
	}
	return text
}

func daysText(days int, state mappingState) string {
	switch {
	case state == mappingExpired:
		return "expired"
	case days == 1:
		return "1 day"
	}
	return fmt.Sprintf("%d days", days)
}

// tenantFailed finds the exit code of what a tenant's interfaces answered.
func tenantFailed(ctx context.Context, err error) error {
	var away *tenantclient.UnreachableError
	var refused *tenantclient.Error
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case errors.As(err, &away) && errors.As(err, new(*tls.CertificateVerificationError)):
		return unreachable("%w: name the certificates that it is trusted by with --trust; \"gatehouse connect\" shows its chain", err)
	case errors.As(err, &away):
		return unreachable("%w", err)
	case errors.As(err, &refused) && (refused.Status/100 == 5 || refused.Status == http.StatusTooManyRequests):
		return unreachable("%w", err)
	}
	return invocation("%w", err)
}
