package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
)

// maxPassword bounds a password file, in bytes.
const maxPassword = 4096

type mintOptions struct {
	file, dir                 string
	force                     bool
	passwordEnv, passwordFile string
	output                    format
}

// minted is a certificate that was written, as programs get it.
type minted struct {
	Name     string    `json:"name"`
	Subject  string    `json:"subject"`
	Defect   string    `json:"defect,omitempty"`
	NotAfter time.Time `json:"notAfter,omitzero"`
	Files    []string  `json:"files"`
}

func newMint() *cobra.Command {
	var o mintOptions
	cmd := &cobra.Command{
		Use:   "mint [NAME…]",
		Short: "Mints the certificates of a document and writes them to files",
		Long: `Mints the pki section of a landscape document, which need have no other section, and writes all of
its certificates, or those named, into a folder: each as DER (.cer) and PEM (.pem), with its chain
(-chain.pem, -fullchain.pem), its private key (.key, readable only by you) and, if a password is
given, as PKCS#12 (.p12). Each run mints anew. The keys are for tests and protect nothing.`,
		RunE:              classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
		ValidArgsFunction: names(certificateNames),
	}
	fileFlag(cmd, &o.file)
	flags := cmd.Flags()
	flags.StringVarP(&o.dir, "out", "o", "certificates", "the folder to write to; it is made if need be")
	flags.BoolVar(&o.force, "force", false, "replace files that are there already")
	flags.StringVar(&o.passwordEnv, "password-env", "", "the environment variable with the password of the PKCS#12 files")
	flags.StringVar(&o.passwordFile, "password-file", "", "the file whose first line is the password of the PKCS#12 files")
	outputFlag(cmd, &o.output)
	return cmd
}

func (o mintOptions) run(cmd *cobra.Command, wanted []string) error {
	password, err := o.password()
	if err != nil {
		return err
	}
	set, err := o.mint(cmd)
	if err != nil {
		return err
	}
	known := set.Names()
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return invocation("%s describes no certificate called %q%s", o.file, name, document.DidYouMean(name, known))
		}
	}
	if len(wanted) == 0 {
		wanted = known
	}
	if len(wanted) == 0 {
		return invocation("%s describes no certificates: add a pki section", o.file)
	}
	list, err := o.write(set, wanted, password)
	if err != nil {
		return invocation("%w", err)
	}
	if o.output == jsonFormat {
		return showJSON(cmd.OutOrStdout(), list)
	}
	cells := make([][]string, len(list))
	files := 0
	for i, m := range list {
		defect := m.Defect
		if defect == "" {
			defect = "-"
		}
		cells[i] = []string{m.Name, defect, m.Subject}
		files += len(m.Files)
	}
	return show(cmd.OutOrStdout(), rows([]string{"NAME", "DEFECT", "SUBJECT"}, cells)+
		fmt.Sprintf("\n%d certificates in %d files in %s\n", len(list), files, o.dir))
}

// mint mints all that the document describes. What else is wrong with the landscape, a password
// that is not set for instance, does not matter here.
func (o mintOptions) mint(cmd *cobra.Command) (*pki.Set, error) {
	if err := documentExists(o.file); err != nil {
		return nil, err
	}
	var l simulator.Landscape
	source, err := document.ReadFile(o.file, &l)
	if err != nil {
		return nil, err
	}
	options := pki.Options{Load: func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(o.file), path)
		}
		return readFile(path, keystore.MaxSize)
	}}
	if !l.Clock.IsZero() {
		clock := &simulator.Clock{}
		clock.Set(l.Clock)
		options.Now = clock.Now
	}
	set, err := pki.Mint(cmd.Context(), l.PKI, options)
	if found := (pki.Problems)(nil); errors.As(err, &found) {
		var problems document.Problems
		for _, p := range found {
			problems = append(problems, source.Problem(fmt.Sprintf("pki[%d].%s", p.Index, p.Field), "%s", p.Message))
		}
		return nil, problems
	}
	var one *pki.MintError
	switch {
	case err != nil && cmd.Context().Err() != nil:
		return nil, unreachable("interrupted: not everything was minted")
	case errors.As(err, &one):
		return nil, document.Problems{source.Problem(fmt.Sprintf("pki[%d]", one.Index), "%s", one.Err)}
	case err != nil:
		// What is left can only be found in the files that the document names, and in its dates.
		return nil, document.Problems{source.Problem("pki", "%s", err)}
	}
	return set, nil
}

// write writes the certificates. If one cannot be written, none of the new files stays, since the
// rest would be of no use without it.
func (o mintOptions) write(set *pki.Set, wanted []string, password string) ([]minted, error) {
	var list []minted
	for _, name := range wanted {
		if slices.ContainsFunc(list, func(m minted) bool { return m.Name == name }) {
			continue
		}
		c, _ := set.Get(name)
		files, err := keystore.Write(o.dir, c, keystore.Options{Force: o.force, Password: password})
		if err != nil {
			if !o.force {
				for _, m := range list {
					for _, file := range m.Files {
						err = errors.Join(err, removed(os.Remove(file)))
					}
				}
			}
			return nil, err
		}
		list = append(list, minted{Name: name, Subject: pki.FormatDN(c.X509().RawSubject), Defect: c.Defect(), NotAfter: c.X509().NotAfter, Files: files})
	}
	return list, nil
}

// password reads the password of the PKCS#12 files; empty if none is wanted.
func (o mintOptions) password() (string, error) {
	switch {
	case o.passwordEnv != "" && o.passwordFile != "":
		return "", invocation("--password-env stands beside --password-file, expected one of them")
	case o.passwordEnv != "":
		password := os.Getenv(o.passwordEnv)
		if password == "" {
			return "", invocation("--password-env: the environment variable %s is not set or empty: set it to the password", o.passwordEnv)
		}
		return password, nil
	case o.passwordFile != "":
		data, err := readFile(o.passwordFile, maxPassword)
		if err != nil {
			return "", invocation("--password-file: %w", err)
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		password := strings.TrimSuffix(string(line), "\r")
		if password == "" {
			return "", invocation("--password-file: the first line of %s is empty, expected the password", o.passwordFile)
		}
		return password, nil
	}
	return "", nil
}

// readFile reads a file of so many bytes at most.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, path, most)
}

func readAll(r io.Reader, name string, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s is too large, expected at most %d bytes", name, most)
	}
	return data, nil
}
