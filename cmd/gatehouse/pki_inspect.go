package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/inspect"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/simulator/document"
)

type inspectOptions struct {
	trust    string
	at       string
	password passwordOptions
	output   format
}

// inspected is a file that was explained, as programs get it.
type inspected struct {
	File string `json:"file"`
	inspect.Report
}

func newInspect() *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect FILE…",
		Short: "Explains a certificate, chain, keystore, signing request or CRL",
		Long: `Explains what a file is, what is in it, where each part belongs (the sender, the tenant, the load
balancer, nobody), and what is wrong with it. FILE is PEM, DER, PKCS#7, PKCS#12 or JKS, a signing
request or a CRL, or - for the standard input. No private key is ever shown.

A chain whose root is or was on a list of the Neo environment is checked against the list in force;
with --trust against that list or file (neo, neo-2022, neo-until-2022, or roots in a file).

What is wrong with a file does not change the exit code: it is 0 if every file could be read, and 2
if one could not. To have a chain decide the exit code, use "gatehouse verify".`,
		Example: `  gatehouse pki inspect warehouse.p12 --password-env P12
  gatehouse pki inspect chain.pem --trust neo
  openssl s_client -connect host:443 -showcerts </dev/null | gatehouse pki inspect -`,
		Args: arguments(1, -1, "name the files to be explained, or - for the standard input"),
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.trust, "trust", "", "the trusted roots: a file, neo, neo-2022 or neo-until-2022 (default: neo for chains of public CAs)")
	flags.StringVar(&o.at, "at", "", "the time to look at it, RFC 3339 such as 2027-01-31T12:00:00Z or 2027-01-31 (default now)")
	o.password.flags(cmd, "the keystores or keys")
	outputFlag(cmd, &o.output)
	_ = cmd.RegisterFlagCompletionFunc("trust", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return roots.Names(), cobra.ShellCompDirectiveDefault
	})
	return cmd
}

func (o *inspectOptions) run(cmd *cobra.Command, files []string) error {
	asVerify := verifyOptions{trust: o.trust, at: o.at, level: 2}
	options, err := asVerify.options()
	if err != nil {
		return err
	}
	look := inspect.Options{At: options.At}
	password, err := o.password.read()
	if err != nil {
		return err
	}
	if o.trust != "" {
		if look.Trust, _, err = asVerify.readTrust(options.At, password); err != nil {
			return err
		}
	}
	var list []inspected
	var problems document.Problems
	for _, file := range files {
		report, err := o.file(cmd, file, password, look)
		if found := (document.Problems)(nil); errors.As(err, &found) {
			problems = append(problems, found...)
			continue
		}
		if err != nil {
			return err
		}
		list = append(list, inspected{File: fileName(file), Report: report})
	}
	if len(list) > 0 {
		if o.output == jsonFormat {
			err = showJSON(cmd.OutOrStdout(), list)
		} else {
			err = show(cmd.OutOrStdout(), inspectText(list))
		}
		if err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

func (o *inspectOptions) file(cmd *cobra.Command, file, password string, look inspect.Options) (inspect.Report, error) {
	data, err := readInput(cmd, file)
	if err != nil {
		return inspect.Report{}, err
	}
	report, err := inspect.File(data, password, look)
	if err != nil {
		return inspect.Report{}, unusable(file, err)
	}
	return report, nil
}

// inspectText is what was found, for people.
func inspectText(list []inspected) string {
	var b bytes.Buffer
	for i, one := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s  %s\n\n", heading.Render(clean(one.File)), clean(one.What))
		cells := make([][]string, len(one.Entries))
		for j, e := range one.Entries {
			wrong := "-"
			if n := len(e.Findings); n > 0 {
				wrong = fmt.Sprint(n)
			}
			kind := string(e.Kind)
			if e.PairOf > 0 {
				kind = fmt.Sprintf("chain of %d", e.PairOf)
			}
			cells[j] = []string{fmt.Sprint(e.Number), kind, dash(e.Validity), wrong, clip(dash(e.Subject), 70)}
		}
		b.WriteString(rows([]string{"NO", "KIND", "VALIDITY", "WRONG", "SUBJECT"}, cells))
		for _, e := range one.Entries {
			entryText(&b, e)
		}
		b.WriteByte('\n')
		line := func(label, text string) { fmt.Fprintf(&b, "%-12s %s\n", label, clean(text)) }
		count := 0
		for _, f := range one.Findings {
			line("wrong", f.Text)
			count++
		}
		for _, e := range one.Entries {
			count += len(e.Findings)
		}
		if one.Verdict != nil {
			b.WriteString(verdictText(*one.Verdict, one.Against))
		}
		for _, n := range one.Notes {
			line("note", n)
		}
		switch count {
		case 0:
			fmt.Fprintf(&b, "%s\n", good.Render("nothing is wrong with it"))
		case 1:
			fmt.Fprintf(&b, "%s\n", bad.Render("1 thing is wrong"))
		default:
			fmt.Fprintf(&b, "%s\n", bad.Render(fmt.Sprintf("%d things are wrong", count)))
		}
	}
	return b.String()
}

func entryText(b *bytes.Buffer, e inspect.Entry) {
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(b, "  %-14s %s\n", label, clean(text))
		}
	}
	fmt.Fprintf(b, "\n%s %s\n", heading.Render(fmt.Sprint(e.Number)), e.Kind)
	line("alias", e.Alias)
	line("subject", e.Subject)
	line("issuer", e.Issuer)
	line("serial", e.Serial)
	if !e.NotBefore.IsZero() && !e.NotAfter.IsZero() {
		line("valid", fmt.Sprintf("%s to %s, %s", e.NotBefore.UTC().Format(time.RFC3339), e.NotAfter.UTC().Format(time.RFC3339), e.Validity))
	}
	line("key", e.Key)
	line("signature", e.Signature)
	line("key usage", strings.Join(e.KeyUsage, ", "))
	line("usage", strings.Join(e.Usage, ", "))
	line("names", strings.Join(e.Names, ", "))
	if slices.Contains([]keystore.EntryKind{keystore.CertificateEntry, keystore.KeyPairEntry}, e.Kind) {
		line("CA", yesNo(e.CA))
	}
	line("SHA-1", e.SHA1)
	line("SHA-256", e.SHA256)
	if !e.Created.IsZero() {
		line("created", e.Created.UTC().Format(time.RFC3339))
	}
	line("belongs to", e.Belongs)
	for _, f := range e.Findings {
		line("wrong", f.Text)
	}
}

// verdictText is the load balancer's answer in a line or two.
func verdictText(r check.Report, against string) string {
	var b bytes.Buffer
	switch {
	case r.OK:
		fmt.Fprintf(&b, "%-12s %s, it passes a load balancer that trusts %s\n", "verdict", good.Render("yes"), clean(against))
	case r.Unreadable != "":
		fmt.Fprintf(&b, "%-12s %s, certificate %d cannot be read\n", "verdict", bad.Render("no"), r.Depth+1)
	default:
		fmt.Fprintf(&b, "%-12s %s, verify result %d at depth %d (%s) with %s\n", "verdict", bad.Render("no"), r.Code, r.Depth, r.Text, clean(against))
	}
	if r.Advice != "" {
		fmt.Fprintf(&b, "%-12s %s\n", "what to do", clean(r.Advice))
	}
	return b.String()
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
