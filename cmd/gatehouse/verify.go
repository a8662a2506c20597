package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
)

// standardInput is the name of a file that means the standard input.
const standardInput = "-"

type verifyOptions struct {
	trust    string
	at       string
	crls     []string
	level    int
	warnDays int
	alias    string
	password passwordOptions
	output   format
}

func newVerify() *cobra.Command {
	o := verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify CHAIN",
		Short: "Would this chain pass that load balancer?",
		Long: `Checks a certificate chain, as a sender would present it, against a trust list, and answers as the
load balancer's OpenSSL does: yes, or the verify result with the certificate at fault and what to
do. CHAIN is a file with the sender's own certificate first: PEM, DER, PKCS#7, PKCS#12 or JKS, or -
for the standard input. Of a keystore the key's chain is checked; the key itself is not used.

--trust is a file with the trusted root certificates, or a list that the load balancers of the Neo
environment supported:
  neo             the list in force at the time of --at
  neo-2022        since 9 September 2022, 31 roots
  neo-until-2022  before that, 46 roots
Of some of their roots only the fingerprint is published; the answer says so where it matters.

A CRL is checked for the sender's own certificate, as "openssl verify -crl_check" does.`,
		Example: `  gatehouse verify chain.pem --trust neo
  gatehouse verify warehouse.p12 --password-env P12 --trust roots.pem --at 2027-01-01T00:00:00Z
  openssl s_client -connect host:443 -showcerts </dev/null | gatehouse verify - --trust neo`,
		Args: arguments(1, 1, "name the file with the chain, or - for the standard input"),
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.trust, "trust", "", "the trusted roots: a file, neo, neo-2022 or neo-until-2022")
	flags.StringVar(&o.at, "at", "", "the time to check at, RFC 3339 such as 2027-01-31T12:00:00Z or 2027-01-31 (default now)")
	flags.StringArrayVar(&o.crls, "crl", nil, "a file with a CRL, PEM or DER; may be given several times")
	flags.IntVar(&o.level, "level", 2, "OpenSSL's security level, 0 to 5")
	flags.IntVar(&o.warnDays, "warn-days", int(check.DefaultExpiresWithin/(24*time.Hour)), "warn of certificates that expire within so many days")
	flags.StringVar(&o.alias, "alias", "", "the entry of a keystore with several keys")
	o.password.flags(cmd, "the keystores")
	outputFlag(cmd, &o.output)
	_ = cmd.RegisterFlagCompletionFunc("trust", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return roots.Names(), cobra.ShellCompDirectiveDefault
	})
	return cmd
}

func (o *verifyOptions) run(cmd *cobra.Command, chain string) error {
	options, err := o.options()
	if err != nil {
		return err
	}
	password, err := o.password.read()
	if err != nil {
		return err
	}
	trust, trustText, err := o.readTrust(options.At, password)
	if err != nil {
		return err
	}
	for _, file := range o.crls {
		crls, err := readCRLs(file)
		if err != nil {
			return err
		}
		options.CRLs = append(options.CRLs, crls...)
	}
	presented, err := readChain(cmd, chain, password, o.alias)
	if err != nil {
		return err
	}
	report, err := check.Chain(presented, trust, options)
	if err != nil {
		return unusable(chain, err)
	}
	if o.output == jsonFormat {
		err = showJSON(cmd.OutOrStdout(), report)
	} else {
		err = show(cmd.OutOrStdout(), reportText(report, trustText, options.Level))
	}
	if err == nil && !report.OK {
		err = &failure{code: exitFailed}
	}
	return err
}

// options reads what the flags say about time and level.
func (o *verifyOptions) options() (check.Options, error) {
	at, err := moment("--at", o.at)
	if err != nil {
		return check.Options{}, err
	}
	options := check.Options{At: at()}
	level, err := verify.LevelNumber(o.level)
	if err != nil {
		return options, invocation("--level: %w", err)
	}
	options.Level = level
	const mostDays = 100 * 366
	if o.warnDays < 0 || o.warnDays > mostDays {
		return options, invocation("--warn-days: found %d, expected 0 to %d", o.warnDays, mostDays)
	}
	options.ExpiresWithin = time.Duration(o.warnDays) * 24 * time.Hour
	if o.warnDays == 0 {
		options.ExpiresWithin = -1 // nothing expires within less than no time
	}
	return options, nil
}

// readTrust reads --trust; the second result says in words what it is.
func (o *verifyOptions) readTrust(at time.Time, password string) (check.Trust, string, error) {
	if o.trust == "" {
		return check.Trust{}, "", invocation("--trust is missing: name a file with the trusted root certificates, or one of %s", strings.Join(roots.Names(), ", "))
	}
	if list, known := roots.ByName(o.trust, at); known {
		return check.Trust{List: list}, fmt.Sprintf("the list %s (%d roots, of which %d are known by more than their fingerprint)",
			list.Name, len(list.Roots()), len(list.Certificates())), nil
	}
	if _, err := os.Stat(o.trust); errors.Is(err, fs.ErrNotExist) {
		return check.Trust{}, "", invocation("--trust: there is no file %q, and no list of that name%s", o.trust, document.DidYouMean(o.trust, roots.Names()))
	}
	data, err := readInput(nil, o.trust)
	if err != nil {
		return check.Trust{}, "", err
	}
	store, err := keystore.ReadCertificates(data, password)
	if err != nil {
		return check.Trust{}, "", unusable(o.trust, err)
	}
	text := fmt.Sprintf("%s (%d certificates)", o.trust, len(store.Presented))
	if len(store.Presented) == 1 {
		text = o.trust + " (1 certificate)"
	}
	if _, err := verify.NewTrustList(store.Presented...); err != nil {
		return check.Trust{}, "", unusable(o.trust, err)
	}
	return check.Trust{Certificates: store.Presented}, text, nil
}

// readChain reads what the sender presents.
func readChain(cmd *cobra.Command, file, password, alias string) ([][]byte, error) {
	data, err := readInput(cmd, file)
	if err != nil {
		return nil, err
	}
	var store *keystore.Store
	if alias == "" {
		store, err = keystore.ReadCertificates(data, password)
	} else if store, err = keystore.ReadEntry(data, password, alias); err == nil && len(store.Presented) == 0 {
		err = fmt.Errorf("the entry %q is a private key without a certificate, expected one with its chain", alias)
	}
	if err != nil {
		return nil, unusable(file, err)
	}
	if store.Format == keystore.PKCS7Format {
		return store.RawChain, nil // the bag has no order: a SET, RFC 5652, section 10.2.3
	}
	return store.Presented, nil
}

// unusable is what is wrong with a file; it says how to give a password where one is missing.
func unusable(file string, err error) error {
	if errors.Is(err, keystore.ErrPasswordNeeded) {
		err = fmt.Errorf("%w: give it with --password-env or --password-file", err)
	}
	return document.Problems{{File: fileName(file), Message: err.Error()}}
}

func readCRLs(file string) ([][]byte, error) {
	data, err := readInput(nil, file)
	if err != nil {
		return nil, err
	}
	store, err := keystore.Inspect(data, "")
	if err != nil {
		return nil, unusable(file, err)
	}
	crls := store.CRLs()
	if len(crls) == 0 {
		err = fmt.Errorf("found %s, expected a CRL", kindOf(store))
	} else {
		err = verify.Options{CRLs: crls}.CheckCRLs()
	}
	if err != nil {
		return nil, unusable(file, err)
	}
	return crls, nil
}

// kindOf says what the first thing in a file is.
func kindOf(store *keystore.Store) string {
	if len(store.Entries) == 0 {
		return "nothing"
	}
	return "a " + string(store.Entries[0].Kind)
}

// readInput reads a file of certificates, or the standard input of the command.
func readInput(cmd *cobra.Command, file string) ([]byte, error) {
	var data []byte
	var err error
	if file == standardInput && cmd != nil {
		data, err = readAll(cmd.InOrStdin(), "the standard input", keystore.MaxSize)
	} else {
		data, err = readFile(file, keystore.MaxSize)
	}
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed):
		return nil, document.Problems{{File: file, Message: fmt.Sprintf("cannot be read: %s", failed.Err)}}
	case err != nil:
		return nil, document.Problems{{File: fileName(file), Message: err.Error()}}
	}
	return data, nil
}

func fileName(file string) string {
	if file == standardInput {
		return "standard input"
	}
	return file
}

// reportText is the answer for people.
func reportText(r check.Report, trust string, level verify.Level) string {
	var b bytes.Buffer
	asked := fmt.Sprintf("%s, level %s, %s", trust, level, r.At.Format("2 January 2006, 15:04:05 UTC"))
	switch {
	case r.OK:
		fmt.Fprintf(&b, "%s  this chain passes\n", good.Render("yes"))
	case r.Unreadable != "":
		fmt.Fprintf(&b, "%s   certificate %d of those presented cannot be read: %s\n", bad.Render("no"), r.Depth+1, clean(r.Unreadable))
	default:
		fmt.Fprintf(&b, "%s   verify result %d at depth %d: %s\n", bad.Render("no"), r.Code, r.Depth, r.Text)
	}
	line := func(w io.Writer, label, text string) { fmt.Fprintf(w, "  %-12s %s\n", label, clean(text)) }
	if !r.OK {
		if r.Unreadable == "" {
			line(&b, "name", r.Name)
			line(&b, "certificate", r.Subject)
		}
		line(&b, "what to do", r.Advice)
	}
	line(&b, "checked", asked)
	label := "path"
	for i, s := range r.Path {
		if i+1 < len(r.Path) && r.Path[i+1].Depth == s.Depth {
			continue // the next says more of the same certificate
		}
		text := fmt.Sprintf("%d  %s  (%s", s.Depth, s.Subject, s.Origin)
		if s.Note != "" {
			text += ", " + s.Note
		}
		line(&b, label, text+")")
		label = ""
	}
	for _, n := range r.Notes {
		line(&b, "note", n)
	}
	for _, w := range r.Warnings {
		line(&b, "warning", w.Text)
	}
	return b.String()
}

// clean makes what came from a certificate fit for a terminal.
func clean(text string) string { return journey.Printable(text) }
