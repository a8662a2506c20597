package reproduction

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// Known is what is taken over from the evidence, and nothing else of it comes into the folder. With
// a cause alone everything is invented.
type Known struct {
	Cause diagnosis.Cause
	// Evidence tells that there is some; Logged that an access log line tells of the call, LogsRead
	// that there are access logs at all; Traced that the trace of the node and day is there.
	Evidence, Logged, LogsRead, Traced bool
	// NoAnswer tells that the sender's client says that no HTTP answer came.
	NoAnswer bool
	// At is when the first of the calls was.
	At time.Time

	// The call, as the access log shows it or the sender's client tells. Empty or 0: not known.
	Method, Path, Host string
	Status             int
	// User is the user column; empty for "-".
	User         string
	LoadBalancer string
	// Texts are the trace texts of the call whose wording is confirmed. Others counts those that
	// nobody can compare: the real system's wording is not known.
	Texts  []string
	Others int
	// Code is the verify result; 0 if it is not told.
	Code int
	// Subject and Issuer are DNs of the sender's certificate as RFC 4514 writes them, as the trace
	// or the user column tells them.
	Subject, Issuer string
	// Chain describes the sender's certificates, its own first, as far as they are there.
	Chain []Described
	// Channel is the one that serves the path; nil if it is not known. Roles are those of the user.
	Channel *Channel
	Roles   []diagnosis.AssignedRole
	// Notes say what of the evidence was not used, and why. They hold no names.
	Notes []string
}

// Channel is what is taken over of a channel.
type Channel struct {
	Address, Adapter, Role string
	OldAdapter             bool
	// Table holds its rows; nil if it demands a role.
	Table []tenant.DNPair
}

// NoneKnown is a cause by its name.
func NoneKnown(c diagnosis.Cause) Known { return Known{Cause: c} }

// FromEvidence takes over what the evidence tells of the chosen case.
func FromEvidence(e diagnosis.Evidence, report *diagnosis.Report, choice Choice) Known {
	c := choice.Case
	k := Known{
		Cause: choice.Cause, Evidence: true, Logged: c.Calls > 0, LogsRead: report.Read.AccessLines > 0,
		At: c.First, Method: c.Method, Path: c.Path, Host: c.Host, Status: c.Status, User: c.User,
		NoAnswer: c.Calls == 0 && c.Status == 0 && len(c.Quotes) > 0,
	}
	k.fromJourneys(report, c)
	k.names()
	k.fromChain(e)
	k.fromConfiguration(e)
	return k
}

// WithoutCase is a cause by its name beside evidence that holds no call of that kind: whatever the
// logs hold, no line is of it.
func WithoutCase(cause diagnosis.Cause, e diagnosis.Evidence, report *diagnosis.Report) Known {
	k := Known{Cause: cause, Evidence: true, LogsRead: report.Read.AccessLines > 0, At: report.Read.To}
	k.fromChain(e)
	return k
}

func (k *Known) note(format string, args ...any) {
	k.Notes = append(k.Notes, fmt.Sprintf(format, args...))
}

// fromJourneys reads the first call of the case.
func (k *Known) fromJourneys(report *diagnosis.Report, c diagnosis.Case) {
	for _, node := range c.Nodes {
		k.Traced = k.Traced || slices.ContainsFunc(report.Read.Files, func(f string) bool { return strings.Contains(f, "ljs_trace_"+node) })
	}
	if len(c.Journeys) == 0 {
		return
	}
	j := c.Journeys[0]
	if !j.Started.IsZero() {
		k.At = j.Started
	}
	if line, err := systemlog.ParseAccessLine(j.AccessLog); err == nil {
		if _, err := netip.ParseAddr(line.LoadBalancer); err == nil {
			k.LoadBalancer = line.LoadBalancer
		}
	}
	for _, text := range j.Trace {
		r, err := systemlog.ParseTraceRecord(text)
		if err != nil {
			k.note("A trace record is too long to be compared.")
			continue
		}
		k.Traced = true
		if confirmed(r.Text) {
			k.Texts = append(k.Texts, r.Text)
		} else {
			k.Others++
		}
	}
	if v := j.Verification; v.Presented {
		k.Code = v.Code
		k.Subject = fromTrace(v.SenderSubject)
	}
}

// confirmed tells whether the wording of a trace text is that of the real system [C].
func confirmed(text string) bool {
	_, received := systemlog.ParseCertificateReceived(text)
	_, status := systemlog.ParseCertificateStatus(text)
	_, _, table := systemlog.ParseNotInTable(text)
	return received || status || table
}

// fromTrace turns a DN in the order of the trace, country first [C], into that of RFC 4514.
func fromTrace(dn string) string {
	parsed, err := pki.ParseDN(dn)
	if err != nil {
		return ""
	}
	slices.Reverse(parsed)
	return parsed.String()
}

// names finds the DNs of the sender's certificate.
func (k *Known) names() {
	for _, text := range k.Texts {
		if subject, issuer, ok := systemlog.ParseNotInTable(text); ok {
			s, err1 := pki.ParseDN(subject)
			i, err2 := pki.ParseDN(issuer)
			if err1 == nil && err2 == nil {
				k.Subject, k.Issuer = s.String(), i.String()
			}
		}
	}
	if cn, issuer, ok := k.certificateUser(); ok && k.Subject == "" {
		k.Subject, k.Issuer = commonNameOnly(cn), commonNameOnly(issuer)
	}
}

func commonNameOnly(cn string) string {
	return pki.DN{pki.RDN{{Type: "2.5.4.3", Value: cn}}}.String()
}

// unmapped are the causes of calls whose user column shows a certificate.
var unmapped = []string{"not-mapped", "renewed-not-mapped", "ca-mapped", "other-certificate-mapped", "only-in-tenant-keystore", "mappings-lost"}

// certificateUser splits the user column of a certificate that is not mapped: the CN of its subject
// and that of its issuer with @ between [C]. An e-mail address looks the same; the issuer's name is
// seldom a host name.
func (k *Known) certificateUser() (cn, issuer string, ok bool) {
	i := strings.LastIndexByte(k.User, '@')
	if i <= 0 || i == len(k.User)-1 {
		return "", "", false
	}
	cn, issuer = k.User[:i], k.User[i+1:]
	mail := strings.Contains(issuer, ".") && !strings.Contains(issuer, " ")
	return cn, issuer, !mail || contains(unmapped, k.Cause.ID)
}

// fromChain describes the sender's certificates, if they are those of the call.
func (k *Known) fromChain(e diagnosis.Evidence) {
	if e.Sender == nil || e.Sender.Store == nil {
		return
	}
	chain := describe(e.Sender.Store)
	switch {
	case len(chain) == 0:
		k.note("The sender's certificate cannot be read and was not taken over.")
	case k.Subject != "" && k.Issuer == "" && !sameDN(chain[0].Subject, k.Subject),
		k.Issuer != "" && (commonName(chain[0].Subject) != commonName(k.Subject) || commonName(chain[0].Issuer) != commonName(k.Issuer)):
		k.note("The chain is not that of the call: the logs show other names. It was not taken over.")
	case chain[0].SelfSigned:
		k.Subject = or(k.Subject, chain[0].Subject) // there is no CA; its recipe makes it
	default:
		k.Chain = chain
		if k.At.IsZero() {
			k.At = e.At // whether it has expired is a question of when
		}
	}
}

func sameDN(a, b string) bool {
	x, err1 := pki.ParseDN(a)
	y, err2 := pki.ParseDN(b)
	if err1 != nil || err2 != nil {
		return strings.EqualFold(a, b)
	}
	return x.String() == y.String()
}

func commonName(dn string) string {
	parsed, err := pki.ParseDN(dn)
	if err != nil {
		return ""
	}
	return parsed.CommonName()
}

// mostRoles bounds the role assignments that are taken over.
const mostRoles = 50

// fromConfiguration takes over the channel of the path and the roles of the user.
func (k *Known) fromConfiguration(e diagnosis.Evidence) {
	if c, ok := serves(e.Channels, k.Path); ok {
		k.Channel = &Channel{Address: c.Address, Adapter: string(c.Adapter), Role: c.Authorization.UserRole, OldAdapter: c.OldAdapter, Table: c.Authorization.Table}
	}
	if e.Assignments == nil || k.User == "" {
		return
	}
	var groups []string
	for _, g := range e.Assignments.Groups {
		if contains(g.Users, k.User) {
			groups = append(groups, g.Name)
		}
	}
	for _, r := range e.Assignments.Roles {
		if (r.User == k.User || r.Group != "" && contains(groups, r.Group)) && len(k.Roles) < mostRoles {
			// Through which group it came does not matter to the call.
			k.Roles = append(k.Roles, diagnosis.AssignedRole{User: k.User, Role: r.Role, Application: application(r.Application)})
		}
	}
}

// application keeps what makes a difference of an application's name: whether it is that of the
// worker node, whose name has the account before it.
func application(name string) string {
	lower := strings.ToLower(name)
	if strings.HasSuffix(lower, "iflmap") || strings.HasSuffix(lower, "hcioem") {
		return ""
	}
	return name
}

func serves(channels []tenant.Channel, path string) (tenant.Channel, bool) {
	if path == "" {
		return tenant.Channel{}, false
	}
	if t, err := tenant.New(tenant.Config{Channels: channels}, nil); err == nil {
		c, answer := t.Snapshot().Route(path)
		return c, answer.Found
	}
	for _, c := range channels {
		if strings.EqualFold(c.Address, path) {
			return c, true
		}
	}
	return tenant.Channel{}, false
}

// knownMethod is the method if it is one that a scenario can use.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return http.MethodPost
}
