package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/connectivity"
)

type connectOptions struct {
	trust, serverName, download, at string
	noValidate, force               bool
	timeout                         time.Duration
	password                        passwordOptions
	output                          format
}

func newConnect() *cobra.Command {
	var o connectOptions
	cmd := &cobra.Command{
		Use:   "connect HOST[:PORT]",
		Short: "Tests the TLS connection to a host and lists its certificates",
		Long: `The connectivity test: connects to any host that this machine reaches, lists the chain of
certificates that the host presents, and says which of their files belongs into the trust store of
a sender. It connects directly, without a proxy. The default port is 443.

If something failed it says what: the name, the connection, the handshake (exit code 4: the host
cannot be reached), the trust in the chain, or the host name (exit code 1: validation failed). With
--no-validate the chain is listed without judging it. A server that demands a client certificate
presents its chain all the same.`,
		Example: `  gatehouse connect e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443
  gatehouse connect localhost:8443 --trust root.pem --server-name tenant.example
  gatehouse connect intranet.example --no-validate --download certificates.zip`,
		Args: arguments(1, 1, "name the host to connect to, such as e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443"),
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) }),
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.noValidate, "no-validate", false, "list the chain without judging it")
	flags.StringVar(&o.trust, "trust", "", "a file with the trusted certificates (default: those of the system)")
	flags.StringVar(&o.serverName, "server-name", "", "the name to ask for and to find in the certificate (default: the host)")
	flags.StringVar(&o.download, "download", "", "write a zip file with one .cer file for each certificate, such as "+connectivity.DownloadName)
	flags.BoolVar(&o.force, "force", false, "replace the file of --download if it is there")
	flags.StringVar(&o.at, "at", "", "the time at which certificates must be valid, RFC 3339 such as 2027-01-31T12:00:00Z or 2027-01-31 (default now)")
	flags.DurationVar(&o.timeout, "timeout", connectivity.DefaultTimeout, "how long the test may take")
	o.password.flags(cmd, "the file of --trust, if it has one")
	outputFlag(cmd, &o.output)
	_ = cmd.MarkFlagFilename("trust")
	_ = cmd.MarkFlagFilename("download", "zip")
	return cmd
}

func (o *connectOptions) run(cmd *cobra.Command, address string) error {
	if _, _, err := connectivity.ParseAddress(address); err != nil {
		return invocation("%w", err)
	}
	options, err := o.options()
	if err != nil {
		return err
	}
	result, err := connectivity.Test(cmd.Context(), address, options)
	if err != nil {
		return err
	}
	if o.download != "" && result.Reached() {
		if err := o.write(result, options.Now()); err != nil {
			return err
		}
	}
	if o.output == jsonFormat {
		err = showJSON(cmd.OutOrStdout(), result)
	} else {
		err = show(cmd.OutOrStdout(), connectText(result, o.download))
	}
	if err != nil {
		return err
	}
	switch first, failed := result.Failed(); {
	case !failed:
		return nil
	case first.Validation():
		return &failure{code: exitFailed}
	default:
		return &failure{code: exitInterrupted}
	}
}

func (o *connectOptions) options() (connectivity.Options, error) {
	at, err := moment("--at", o.at)
	if err != nil {
		return connectivity.Options{}, err
	}
	options := connectivity.Options{ServerName: o.serverName, SkipValidation: o.noValidate, Timeout: o.timeout, Now: at}
	if o.timeout <= 0 {
		return options, invocation("--timeout: found %s, expected a time such as 20s", o.timeout)
	}
	password, err := o.password.read()
	if err == nil && o.trust != "" {
		options.Trusted, err = readTrusted(o.trust, password)
	}
	return options, err
}

// moment is the clock of a command that may be told the time.
func moment(flag, text string) (func() time.Time, error) {
	if text == "" {
		return time.Now, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	if err != nil {
		return nil, invocation("%s: found %q, expected a time of RFC 3339 such as 2027-01-31T12:00:00Z, or a day such as 2027-01-31", flag, text)
	}
	return func() time.Time { return at }, nil
}

// readTrusted reads a file of certificates that servers are trusted by.
func readTrusted(file, password string) ([]*x509.Certificate, error) {
	data, err := readInput(nil, file)
	if err != nil {
		return nil, err
	}
	store, err := keystore.ReadCertificates(data, password)
	if err != nil {
		return nil, unusable(file, err)
	}
	out := make([]*x509.Certificate, 0, len(store.Presented))
	for i, der := range store.Presented {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, unusable(file, fmt.Errorf("certificate %d cannot be read: %w", i+1, err))
		}
		out = append(out, c)
	}
	return out, nil
}

func (o *connectOptions) write(result connectivity.Result, now time.Time) error {
	data, err := result.Zip(now)
	if err != nil {
		return err
	}
	switch err := writeFile(o.download, data, o.force); {
	case errors.Is(err, fs.ErrExist):
		return invocation("--download: %s is there already: choose another name, or replace it with --force", o.download)
	case err != nil:
		return invocation("--download: %w", err)
	}
	return nil
}

// connectText is the result for people.
func connectText(r connectivity.Result, download string) string {
	var b bytes.Buffer
	line := func(label, text string) { fmt.Fprintf(&b, "  %-12s %s\n", label, clean(text)) }
	switch {
	case !r.OK:
		for _, f := range r.Failures {
			fmt.Fprintf(&b, "%s   %s: %s\n", bad.Render("no"), f.Step, clean(f.Message))
			if f.Fix != "" {
				line("what to do", f.Fix)
			}
		}
	case r.Validated:
		fmt.Fprintf(&b, "%s  %s is trusted\n", good.Render("yes"), clean(r.Address))
	default:
		fmt.Fprintf(&b, "%s  %s was reached; its certificates were not judged\n", good.Render("yes"), clean(r.Address))
	}
	if r.Connected != "" {
		text := r.Connected
		if r.Version != "" {
			text += ", " + r.Version + ", " + r.CipherSuite
		}
		line("connected", text)
		line("server name", r.ServerName)
	}
	switch r.ClientCertificate {
	case connectivity.Demanded:
		line("client", "the server demands a client certificate and ended the connection without one"+acceptable(r))
	case connectivity.Asked:
		line("client", "the server asks for a client certificate and goes on without one"+acceptable(r))
	case connectivity.NotAsked:
		line("client", "the server does not ask for a client certificate")
	}
	for _, c := range r.Chain {
		b.WriteByte('\n')
		kind := string(c.Kind)
		if !c.Presented {
			kind += ", from the trust store"
		}
		fmt.Fprintf(&b, "%s  (%s)\n", heading.Render(clean(c.File)), kind)
		line("subject", c.Subject)
		line("issuer", c.Issuer)
		line("valid", fmt.Sprintf("%s to %s", c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339)))
		line("SHA-1", c.SHA1)
		line("SHA-256", c.SHA256)
	}
	if r.Advice != "" {
		fmt.Fprintf(&b, "\n%s.\n", clean(r.Advice))
	}
	if download != "" && r.Reached() {
		fmt.Fprintf(&b, "%s holds these certificates.\n", clean(download))
	}
	return b.String()
}

func acceptable(r connectivity.Result) string {
	if len(r.AcceptableCAs) == 0 {
		return ""
	}
	const most = 5
	list := r.AcceptableCAs
	more := ""
	if len(list) > most {
		list, more = list[:most], fmt.Sprintf("; and %d more", len(r.AcceptableCAs)-most)
	}
	return "; it accepts those of " + strings.Join(list, "; ") + more
}
