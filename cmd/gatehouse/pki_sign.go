package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/guide"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/request"
	"example.com/gatehouse/simulator/document"
)

type signOptions struct {
	ca, caKey, caChain, alias string
	defect, subject, name     string
	validFor, at              string
	dir                       string
	force, show               bool
	password                  passwordOptions
	output                    format
}

// signed is what was asked for and what came of it, as programs get it.
type signed struct {
	Request     askedFor     `json:"request"`
	Certificate *certificate `json:"certificate,omitempty"`
	Files       []string     `json:"files,omitempty"`
	Next        []string     `json:"next,omitempty"`
}

type askedFor struct {
	request.Asks
	Findings []request.Finding `json:"findings,omitempty"`
}

// certificate is one that was issued.
type certificate struct {
	Name      string    `json:"name"`
	Subject   string    `json:"subject,omitempty"`
	Issuer    string    `json:"issuer,omitempty"`
	Serial    string    `json:"serial,omitempty"`
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
	Defect    string    `json:"defect,omitempty"`
}

func newSign() *cobra.Command {
	var o signOptions
	cmd := &cobra.Command{
		Use:   "sign REQUEST",
		Short: "Signs the certificate signing request of a real sender with a test CA",
		Long: `Shows what a certificate signing request (CSR) asks for, signs it with a test CA, and writes what the
sender needs: certificate (.cer, .pem), chain (-chain.pem, -fullchain.pem), the certificate response
for STRUST and keytool (.p7b), and a -README.txt that says which file goes where. REQUEST is a file
from STRUST, keytool, OpenSSL or others: PEM, DER or base64, or - for the standard input. The private
key stays where it is.

The certificate gets the subject and the alternative names of the request, and is one for clients,
whatever else is asked for. --defect breaks it in one way of "gatehouse pki defects"; those that need
another key than the requester's cannot be had this way.

--ca is the CA in a folder of "gatehouse pki mint", such as certificates/issuing.pem: its private key
is found beside it as issuing.key, and its issuers in issuing-fullchain.pem. It can also be a PKCS#12
file or Java keystore with a password. A defect of a CA needs the private keys of the CAs above it,
which are looked for in the same folder.`,
		Example: `  gatehouse pki sign request.csr --show
  gatehouse pki sign request.csr --ca certificates/issuing.pem -o signed
  keytool -certreq -alias erp -keystore erp.p12 | gatehouse pki sign - --ca certificates/issuing.pem --defect expired`,
		Args: arguments(1, 1, "name the file with the signing request, or - for the standard input"),
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.ca, "ca", "", "the certificate of the CA, or its keystore")
	flags.StringVar(&o.caKey, "ca-key", "", "the private key of the CA (default: the .key file beside it)")
	flags.StringVar(&o.caChain, "ca-chain", "", "the certificates above the CA (default: the -fullchain.pem file beside it)")
	flags.StringVar(&o.alias, "alias", "", "the entry of a keystore with several keys")
	flags.StringVar(&o.defect, "defect", "", "the id of one thing to break, see gatehouse pki defects")
	flags.StringVar(&o.subject, "subject", "", `another subject than the request's, such as "CN=warehouse, O=Example, C=DE"`)
	flags.StringVar(&o.name, "name", "", "the name of the files (default: made of the common name)")
	flags.StringVar(&o.validFor, "valid-for", "", "the time from now until it ends, such as 90d or 1y (default 1y)")
	flags.StringVar(&o.at, "at", "", "the time to sign at, RFC 3339, a date, or a distance such as -90d (default now)")
	flags.StringVarP(&o.dir, "out", "o", "signed", "the folder to write to; it is made if need be")
	flags.BoolVar(&o.force, "force", false, "replace files that are there")
	flags.BoolVar(&o.show, "show", false, "only tell what the request asks for")
	o.password.flags(cmd, "the CA's key or keystore")
	outputFlag(cmd, &o.output)
	_ = cmd.RegisterFlagCompletionFunc("defect", cobra.FixedCompletions(pki.DefectIDs(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagDirname("out")
	return cmd
}

func (o *signOptions) run(cmd *cobra.Command, file string) error {
	now, options, err := o.options()
	if err != nil {
		return err
	}
	data, err := readInput(cmd, file)
	if err != nil {
		return err
	}
	asked, err := request.Parse(data)
	if err != nil {
		return document.Problems{{File: fileName(file), Message: err.Error()}}
	}
	result := signed{Request: askedFor{asked.Asks(), asked.Findings()}}
	if o.show {
		return o.tell(cmd, result)
	}
	ca, err := o.readCA(now)
	if err != nil {
		return err
	}
	if o.name == "" {
		o.name = pki.SafeName(pki.CommonName(asked.RawSubject))
	} else if err := keystore.CheckFileName(o.name); err != nil {
		return invocation("--name: %w", err)
	}
	c, err := ca.SignRequest(o.name, asked.CertificateRequest, options...)
	if err != nil {
		return invocation("%w", err)
	}
	if result.Files, err = o.write(c, now); err != nil {
		return err
	}
	result.Certificate = issued(c)
	result.Next = o.next(c)
	return o.tell(cmd, result)
}

// options reads what the flags say about the certificate.
func (o *signOptions) options() (now time.Time, options []pki.Option, err error) {
	now = time.Now().UTC()
	if o.at != "" {
		at, err := pki.ParseMoment(o.at)
		if err != nil {
			return now, nil, invocation("--at: %w", err)
		}
		now = at.At(now)
	}
	if o.ca == "" && !o.show {
		return now, nil, invocation("--ca is missing: name the certificate of the CA that signs, or --show to see what the request asks for")
	}
	if o.defect != "" {
		if known := pki.DefectIDs(); !slices.Contains(known, o.defect) {
			return now, nil, invocation("--defect: no defect has the id %q%s", o.defect, document.DidYouMean(o.defect, known))
		}
		options = append(options, pki.WithDefect(o.defect))
	}
	if o.subject != "" {
		if _, err := pki.ParseDN(o.subject); err != nil {
			return now, nil, invocation("--subject %q: %w", o.subject, err)
		}
		options = append(options, pki.Subject(o.subject))
	}
	if o.validFor != "" {
		span, err := pki.ParseSpan(o.validFor)
		if err != nil {
			return now, nil, invocation("--valid-for: %w", err)
		}
		if span.AddTo(now).Sub(now) < time.Second {
			return now, nil, invocation("--valid-for: found %q, expected a second at least", o.validFor)
		}
		options = append(options, pki.NotAfter(span.AddTo(now)))
	}
	return now, options, nil
}

// write writes the files of the certificate, and returns their paths. If one cannot be written,
// none of the new ones stays.
func (o *signOptions) write(c *pki.Certificate, now time.Time) ([]string, error) {
	options := keystore.Options{Force: o.force, Now: func() time.Time { return now }, Exports: []keystore.Export{
		keystore.DERFile, keystore.PEMFile, keystore.ChainFile, keystore.FullChainFile, keystore.PKCS7File,
	}}
	crls := revocationLists(c)
	if len(crls) > 0 {
		options.CRL = crls[0]
		options.Exports = append(options.Exports, keystore.CRLFile)
	}
	files, err := keystore.Files(c, options)
	if err != nil {
		return nil, err
	}
	var more []keystore.File
	if len(crls) > 1 {
		var all []byte
		for _, crl := range crls {
			all = append(all, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl})...)
		}
		more = append(more, keystore.File{Export: keystore.CRLFile, Name: o.name + "-crls.pem", Data: all})
	}
	readme := guide.Readme([]guide.Item{{Certificate: c, Files: slices.Concat(files, more)}}, now)
	more = append(more, keystore.File{Name: o.name + "-README.txt", Data: readme})
	if !o.force {
		for _, m := range more {
			if _, err := os.Lstat(filepath.Join(o.dir, m.Name)); err == nil {
				return nil, invocation("%s is there already, and nothing was written; choose another folder or --name, or --force it to be replaced", filepath.Join(o.dir, m.Name))
			}
		}
	}
	paths, err := keystore.Write(o.dir, c, options)
	if err != nil {
		return nil, o.notWritten(err)
	}
	for _, m := range more {
		path := filepath.Join(o.dir, m.Name)
		if err := writeFile(path, m.Data, o.force); err != nil {
			if !o.force {
				for _, written := range paths {
					err = errors.Join(err, removed(os.Remove(written)))
				}
			}
			return nil, o.notWritten(err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func (o *signOptions) notWritten(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return invocation("%w (--force, --name or another folder)", err)
	}
	return invocation("%w", err)
}

// revocationLists are the CRLs that belong to a defect of revocation; nil for all others.
func revocationLists(c *pki.Certificate) [][]byte {
	for _, d := range pki.Defects() {
		if d.ID == c.Defect() && d.NeedsCRL {
			return c.CRLs()
		}
	}
	return nil
}

func issued(c *pki.Certificate) *certificate {
	out := &certificate{Name: c.Name(), Defect: c.Defect()}
	if parsed := c.X509(); len(parsed.RawSubject) > 0 {
		out.Subject, out.Issuer = pki.FormatDN(parsed.RawSubject), pki.FormatDN(parsed.RawIssuer)
		out.Serial = strings.ToUpper(parsed.SerialNumber.Text(16))
		out.NotBefore, out.NotAfter = parsed.NotBefore, parsed.NotAfter
	}
	return out
}

// next says what to do with the files.
func (o *signOptions) next(c *pki.Certificate) []string {
	file := func(suffix string) string { return filepath.Join(o.dir, o.name+suffix) }
	out := []string{
		fmt.Sprintf("STRUST: open the PSE that made the request, Import certificate response, %s", file(".p7b")),
		fmt.Sprintf("Java: keytool -importcert -noprompt -trustcacerts -alias ALIAS -file %s -keystore KEYSTORE", file(".p7b")),
		fmt.Sprintf("OpenSSL, curl and others: use %s with the private key of the request", file("-chain.pem")),
		fmt.Sprintf("tenant: Operations View > Manage Security > Certificate-to-User Mappings > Add, %s", file(".cer")),
	}
	return append(out,
		fmt.Sprintf("load balancer of a test: trust the root, the last certificate of %s", file("-fullchain.pem")),
		fmt.Sprintf("all of it again: %s", file("-README.txt")))
}

// tell prints what was asked for and what was done.
func (o *signOptions) tell(cmd *cobra.Command, s signed) error {
	if o.output == jsonFormat {
		return showJSON(cmd.OutOrStdout(), s)
	}
	var b bytes.Buffer
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-12s %s\n", label, clean(text))
		}
	}
	fmt.Fprintln(&b, heading.Render("The request"))
	asks := s.Request
	line("subject", asks.Subject)
	line("key", asks.Key)
	line("signature", asks.Signature+", by its own key")
	line("names", strings.Join(slices.Concat(labelled("DNS:", asks.DNS), labelled("IP:", asks.IP), labelled("email:", asks.Email), labelled("URI:", asks.URI)), ", "))
	if asks.OtherNames > 0 {
		line("other names", fmt.Sprint(asks.OtherNames))
	}
	line("key usage", strings.Join(asks.KeyUsage, ", "))
	line("usage", strings.Join(asks.Usage, ", "))
	if asks.CA {
		line("CA", "yes")
	}
	line("extensions", strings.Join(asks.Extensions, ", "))
	line("attributes", strings.Join(asks.Attributes, ", "))
	if asks.ChallengePassword {
		line("challenge", "a challenge password is in it; it is not shown")
	}
	for _, f := range asks.Findings {
		line("finding", f.Text)
	}
	if s.Certificate != nil {
		fmt.Fprintf(&b, "\n%s\n", heading.Render("The certificate"))
		line("subject", s.Certificate.Subject)
		line("issuer", s.Certificate.Issuer)
		line("serial", s.Certificate.Serial)
		if !s.Certificate.NotAfter.IsZero() {
			line("valid", s.Certificate.NotBefore.UTC().Format(time.RFC3339)+" to "+s.Certificate.NotAfter.UTC().Format(time.RFC3339))
		}
		line("defect", s.Certificate.Defect)
		for i, f := range s.Files {
			label := ""
			if i == 0 {
				label = "files"
			}
			line(label, f)
		}
		fmt.Fprintf(&b, "\n%s\n", heading.Render("What to do next"))
		for _, step := range s.Next {
			fmt.Fprintf(&b, "  %s\n", clean(step))
		}
	}
	return show(cmd.OutOrStdout(), b.String())
}

func labelled(label string, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = label + name
	}
	return out
}
