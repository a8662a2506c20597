package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/folder"
	"example.com/gatehouse/pki/guide"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
)

// defaultPKI is the document that pki mint reads if it is there and none is named.
const defaultPKI = "pki.yaml"

type mintOptions struct {
	file, dir, seed, at string
	check, force, prune bool
	password            passwordOptions
	output              format
}

// minted is what was done with a certificate, or is to be done, as programs get it.
type minted struct {
	Name     string          `json:"name"`
	What     folder.Action   `json:"what"`
	Why      []folder.Reason `json:"why,omitempty"`
	Subject  string          `json:"subject,omitempty"`
	Defect   string          `json:"defect,omitempty"`
	NotAfter time.Time       `json:"notAfter,omitzero"`
	// Files are all files of a certificate; with --check those that would be written or removed.
	Files []string `json:"files"`
	// Conflicts are files that somebody else changed.
	Conflicts []string `json:"conflicts,omitempty"`
}

func newMint() *cobra.Command {
	var o mintOptions
	cmd := &cobra.Command{
		Use:   "mint [NAME…]",
		Short: "Mints the certificates of a document and writes them to files",
		Long: `Mints the pki section of a document, which need have no other section, and writes all of its
certificates, or those named with their issuers, into a folder. By default each is written as DER
(.cer) and PEM (.pem), with its chain (-chain.pem, -fullchain.pem, .p7b), its private key (.key,
readable only by you) and, if a password is given, as PKCS#12 (.p12); "export" in the document says
otherwise. The keys are for tests and protect nothing.

Running it again mints only what changed or expired, and whatever is below it. What is in the folder
is known from gatehouse-pki.json there. Files of other people are left alone, and if there are any,
nothing is written unless --force says that they may stay. A run that was interrupted is completed
by the next one.

--check tells what would be done and why, and writes nothing: exit code 0 if nothing would change,
1 if something would.

With --seed the same text gives the same bytes on every machine. Dates then count from the beginning
of the current day in UTC, unless the document has a clock or --at is given. Whoever knows the text
has the private keys.

The password of key stores is never given on the command line: the document names a variable or a
file for each certificate (passwordEnv, passwordFile), or --password-env or --password-file one for
all the others.`,
		Example: `  gatehouse pki mint -f pki.yaml -o certificates
  gatehouse pki mint --check
  gatehouse pki mint --seed "nightly run" --at 2027-01-31 warehouse`,
		RunE:              classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
		ValidArgsFunction: o.completion,
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "the document (default: pki.yaml if it is there, else landscape.yaml)")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	flags.StringVarP(&o.dir, "out", "o", "certificates", "the folder to write to; it is made if need be")
	flags.BoolVar(&o.check, "check", false, "tell what would be done, and write nothing")
	flags.StringVar(&o.seed, "seed", "", "make everything from this text: the same bytes come out each time")
	flags.StringVar(&o.at, "at", "", "the time to mint at, RFC 3339, a date, or a distance such as +90d (default: the document's clock, or now)")
	flags.BoolVar(&o.force, "force", false, "replace files that somebody changed or put there, and let others stay")
	flags.BoolVar(&o.prune, "prune", false, "remove the files of certificates that are no longer described")
	o.password.flags(cmd, "key stores")
	outputFlag(cmd, &o.output)
	return cmd
}

// completion lists the names of the document that would be read.
func (o *mintOptions) completion(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	l, _, err := o.readDocument()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return certificateNames(l), cobra.ShellCompDirectiveNoFileComp
}

func (o mintOptions) run(cmd *cobra.Command, wanted []string) error {
	password, err := o.password.read()
	if err != nil {
		return err
	}
	l, source, err := o.readDocument()
	if err != nil {
		return err
	}
	known := certificateNames(l)
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return invocation("%s describes no certificate called %q%s", o.file, name, document.DidYouMean(name, known))
		}
	}
	if len(known) == 0 {
		return invocation("%s describes no certificates: add a pki section", o.file)
	}
	now, err := o.instant(l)
	if err != nil {
		return err
	}
	progress := newProgress(cmd, o.output, "minting")
	defer progress.end()
	plan, err := folder.Compare(cmd.Context(), o.dir, l.PKI, folder.Options{
		Now: func() time.Time { return now }, Seed: o.seed, Load: o.load, Names: wanted,
		Password: func(d pki.Description) (string, error) { return o.passwordOf(d, password) },
		Force:    o.force, Prune: o.prune, Readme: readmeMaker(now), Progress: progress.update,
	})
	if err != nil {
		return o.failed(cmd, source, err)
	}
	if o.check {
		return o.showPlan(cmd, plan)
	}
	result, err := plan.Apply(cmd.Context())
	progress.end()
	if err != nil {
		return o.failed(cmd, source, err)
	}
	return o.showResult(cmd, plan, result)
}

// readDocument reads the document. What else is wrong with a landscape, a password that is not set
// for instance, does not matter here.
func (o *mintOptions) readDocument() (simulator.Landscape, *document.Source, error) {
	var l simulator.Landscape
	if o.file == "" {
		o.file = defaultLandscape
		if _, err := os.Stat(defaultPKI); !errors.Is(err, fs.ErrNotExist) {
			o.file = defaultPKI
		}
	}
	if err := documentExists(o.file); err != nil {
		return l, nil, err
	}
	source, err := document.ReadFile(o.file, &l)
	return l, source, err
}

// instant is the time to mint at.
func (o mintOptions) instant(l simulator.Landscape) (time.Time, error) {
	now := time.Now().UTC()
	switch {
	case o.at != "":
		at, err := pki.ParseMoment(o.at)
		if err != nil {
			return now, invocation("--at: %w", err)
		}
		return at.At(now), nil
	case !l.Clock.IsZero():
		return l.Clock, nil
	case o.seed != "":
		return now.Truncate(24 * time.Hour), nil
	}
	return now, nil
}

// beside is a path of the document: relative ones begin in its folder.
func (o mintOptions) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(o.file), path)
}

func (o mintOptions) load(path string) ([]byte, error) {
	data, err := readFile(o.beside(path), keystore.MaxSize)
	if found := (*fs.PathError)(nil); errors.As(err, &found) {
		return nil, found.Err // the path is said already
	}
	return data, err
}

// passwordOf is the password of one certificate: its own, or the one for all.
func (o mintOptions) passwordOf(d pki.Description, forAll string) (string, error) {
	switch e := d.Export; {
	case e.PasswordEnv != "":
		if password := os.Getenv(e.PasswordEnv); password != "" {
			return password, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set or empty: set it to the password", e.PasswordEnv)
	case e.PasswordFile != "":
		data, err := readFile(o.beside(e.PasswordFile), maxPassword)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		if password := strings.TrimSuffix(string(line), "\r"); password != "" {
			return password, nil
		}
		return "", fmt.Errorf("the first line of %s is empty, expected the password", e.PasswordFile)
	}
	return forAll, nil
}

// failed finds place and exit code of an error.
func (o mintOptions) failed(cmd *cobra.Command, source *document.Source, err error) error {
	var found pki.Problems
	var one *pki.MintError
	switch {
	case errors.As(err, &found):
		var problems document.Problems
		for _, p := range found {
			problems = append(problems, source.Problem(fmt.Sprintf("pki[%d].%s", p.Index, p.Field), "%s", p.Message))
		}
		return problems
	case cmd.Context().Err() != nil:
		return unreachable("interrupted: the folder %s is not complete; the next run completes it", o.dir)
	case errors.As(err, &one):
		return document.Problems{source.Problem(fmt.Sprintf("pki[%d]", one.Index), "%s", one.Err)}
	}
	foreign, conflict := (*folder.ForeignError)(nil), (*folder.ConflictError)(nil)
	if errors.As(err, &foreign) || errors.As(err, &conflict) {
		return invocation("%w (--force)", err)
	}
	return invocation("%w", err)
}

// showPlan tells what would be done.
func (o mintOptions) showPlan(cmd *cobra.Command, plan *folder.Plan) error {
	entries := plan.Entries()
	if o.output == jsonFormat {
		list := make([]minted, len(entries))
		for i, e := range entries {
			list[i] = minted{Name: e.Name, What: e.Action, Why: e.Reasons, Files: o.paths(e.Files), Conflicts: o.paths(e.Conflicts)}
		}
		if err := showJSON(cmd.OutOrStdout(), list); err != nil {
			return err
		}
	} else {
		var cells [][]string
		for _, e := range entries {
			cells = append(cells, []string{e.Name, string(e.Action), why(e)})
		}
		verdict := fmt.Sprintf("nothing to do: %s as described", count(len(entries), "certificate is", "certificates are"))
		if !plan.NothingToDo() {
			verdict = "something would change: run it without --check"
		}
		if err := show(cmd.OutOrStdout(), rows([]string{"NAME", "WHAT", "WHY"}, cells)+"\n"+verdict+"\n"); err != nil {
			return err
		}
	}
	if !plan.NothingToDo() {
		return &failure{code: exitFailed}
	}
	return nil
}

func why(e folder.Entry) string {
	var words []string
	for _, r := range e.Reasons {
		words = append(words, r.String())
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, "; ")
}

func (o mintOptions) paths(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = filepath.Join(o.dir, name)
	}
	return out
}

// showResult tells what was done.
func (o mintOptions) showResult(cmd *cobra.Command, plan *folder.Plan, result *folder.Result) error {
	entries := plan.Entries()
	var list []minted
	for i, w := range result.Written {
		m := minted{
			Name: w.Certificate.Name(), What: entries[i].Action, Why: entries[i].Reasons, Defect: w.Certificate.Defect(),
			Subject: pki.FormatDN(w.Certificate.X509().RawSubject), NotAfter: w.Certificate.X509().NotAfter,
		}
		for _, f := range w.Files {
			m.Files = append(m.Files, filepath.Join(o.dir, f.Name))
		}
		list = append(list, m)
	}
	for _, e := range entries[len(result.Written):] {
		list = append(list, minted{Name: e.Name, What: e.Action, Why: e.Reasons, Files: o.paths(e.Files)})
	}
	if o.output == jsonFormat {
		return showJSON(cmd.OutOrStdout(), list)
	}
	var cells [][]string
	number := map[folder.Action]int{}
	for _, m := range list {
		number[m.What]++
		if m.What != folder.Keep {
			cells = append(cells, []string{m.Name, string(m.What), cmp.Or(m.Defect, "-"), cmp.Or(m.Subject, "-")})
		}
	}
	if plan.NothingToDo() {
		return show(cmd.OutOrStdout(), fmt.Sprintf("nothing to do: %s as described\n", count(number[folder.Keep], "certificate is", "certificates are")))
	}
	text := ""
	if len(cells) > 0 {
		text = rows([]string{"NAME", "WHAT", "DEFECT", "SUBJECT"}, cells) + "\n"
	}
	text += fmt.Sprintf("%s minted, %s written in %s", count(number[folder.Mint], "certificate", "certificates"), count(result.Files, "file", "files"), o.dir)
	if result.Removed > 0 {
		text += fmt.Sprintf(", %d removed", result.Removed)
	}
	if kept := number[folder.Keep]; kept > 0 {
		text += fmt.Sprintf("; %s as described", count(kept, "is", "are"))
	}
	return show(cmd.OutOrStdout(), text+"\n")
}

// count is a number with its word.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// readmeMaker makes the README of a folder, which names the day.
func readmeMaker(made time.Time) func([]folder.Written) []byte {
	return func(written []folder.Written) []byte {
		items := make([]guide.Item, len(written))
		for i, w := range written {
			items[i] = guide.Item{Certificate: w.Certificate, Files: w.Files}
		}
		return guide.Readme(items, made)
	}
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
