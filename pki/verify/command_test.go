package verify

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The files of a job in a folder.
const (
	leafFile  = "leaf.pem" // also the first of the chain; the command would skip one that it cannot read there
	chainFile = "chain.pem"
	rootsFile = "roots.pem"
	crlFile   = "crl.pem"
)

// commandLine is the openssl command about a job whose files are in the current folder.
func (j job) commandLine() []string {
	args := []string{"openssl", "verify", "-purpose", "sslclient", "-attime", strconv.FormatInt(j.at.Unix(), 10),
		"-auth_level", strconv.Itoa(j.level), "-nameopt", "sname,sep_comma_plus_space,esc_ctrl,esc_msb"}
	if j.depth > 0 && j.depth != defaultDepth {
		args = append(args, "-verify_depth", strconv.Itoa(j.depth))
	}
	switch j.crlCheck {
	case CRLLeaf:
		args = append(args, "-crl_check")
	case CRLAll:
		args = append(args, "-crl_check_all")
	}
	if len(j.crls) > 0 {
		args = append(args, "-CRLfile", crlFile)
	}
	if len(j.trusted) > 0 {
		args = append(args, "-trusted", rootsFile)
	} else { // it takes no empty file
		args = append(args, "-no-CAfile", "-no-CApath", "-no-CAstore")
	}
	return append(args, "-untrusted", chainFile, leafFile)
}

// The command prints the subject of the certificate on a line of its own before each error.
var printedError = regexp.MustCompile(`(?m)^(?:(.*)\n)?error (\d+) at (\d+) depth lookup: (.*)$`)

// commandContinues are the errors after which the openssl command goes on to the next check.
var commandContinues = map[int]bool{
	CertHasExpired: true, DepthZeroSelfSignedCert: true, InvalidCA: true, InvalidNonCA: true,
	PathLengthExceeded: true, InvalidPurpose: true, CRLHasExpired: true, CRLNotYetValid: true, UnhandledCriticalExtension: true,
}

// printed is one error as the command prints it.
type printed struct {
	subject     string
	code, depth int
	text        string
}

func (p printed) String() string {
	return fmt.Sprintf("error %d at %d depth lookup: %s", p.code, p.depth, p.text)
}

// expectPrinted is what the openssl command prints of a sequence of errors.
func expectPrinted(errors []Error) []printed {
	var lines []printed
	for _, e := range errors {
		lines = append(lines, printed{e.Subject, e.Code, e.Depth, e.Text})
		if !commandContinues[e.Code] {
			break
		}
	}
	return lines
}

// answer is what the openssl command says.
type answer struct {
	lines []printed
	// gaveUp: it failed without naming an error, for which it has no code but "unspecified": a key
	// of a CA that does not decode, for instance, at a level where keys are not looked at first.
	gaveUp bool
	// unreadable: it cannot read the leaf.
	unreadable bool
}

func (a answer) String() string {
	switch {
	case a.unreadable:
		return "the leaf cannot be read"
	case a.gaveUp:
		return "internal error"
	}
	return describe(a.lines)
}

func describe(lines []printed) string {
	if len(lines) == 0 {
		return "OK"
	}
	all := make([]string, len(lines))
	for i, l := range lines {
		all[i] = l.String()
	}
	return strings.Join(all, "; ")
}

// runCommand runs a command of commandLine in a folder.
func runCommand(t testing.TB, dir string, line []string) answer {
	t.Helper()
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var a answer
	for _, m := range printedError.FindAllStringSubmatch(string(out), -1) {
		code, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		depth, err := strconv.Atoi(m[3])
		require.NoError(t, err)
		a.lines = append(a.lines, printed{m[1], code, depth, m[4]})
	}
	switch {
	case err == nil:
		require.Empty(t, a.lines, "%s", out)
		require.Contains(t, string(out), leafFile+": OK")
	case len(a.lines) > 0:
	case strings.Contains(string(out), ":internal error:") || strings.Contains(string(out), leafFile+": verification failed"):
		a.gaveUp = true
	case strings.Contains(string(out), "Could not read") || strings.Contains(string(out), "nable to load"):
		a.unreadable = true
	default:
		t.Fatalf("%s: %v\n%s", strings.Join(line, " "), err, out)
	}
	return a
}

// askCommand asks the openssl command, by way of files in dir.
func (j job) askCommand(t testing.TB, dir string) answer {
	t.Helper()
	j.write(t, dir)
	return runCommand(t, dir, j.commandLine())
}

// forCommand leaves out what cannot be put into a file for the openssl command: what cannot be
// read. It tells whether the job can be put at all, which it cannot if the leaf is unreadable.
func (j job) forCommand() (job, bool) {
	unreadable := func(der []byte) bool {
		_, err := ParseCertificate(der)
		return err != nil
	}
	if unreadable(j.chain[0]) {
		return j, false
	}
	j.chain = slices.DeleteFunc(slices.Clone(j.chain), unreadable)
	j.trusted = slices.DeleteFunc(slices.Clone(j.trusted), unreadable)
	j.crls = slices.DeleteFunc(slices.Clone(j.crls), func(der []byte) bool {
		_, err := parseCRL(der)
		return err != nil
	})
	return j, true
}

// verifier answers jobs; a test can put a wrong one in the place of this package.
type verifier func(testing.TB, job) Result

func thisPackage(t testing.TB, j job) Result {
	t.Helper()
	return New(j.list(t), j.options()).Verify(j.chain)
}

// withCommand compares a verifier with the openssl command: every line that it prints.
func withCommand(t testing.TB, ours verifier) compare {
	t.Helper()
	requireOpenSSL3(t)
	dir := t.TempDir()
	return func(j job) (string, string, bool) {
		result, theirs := ours(t, j), j.askCommand(t, dir)
		lines := expectPrinted(result.Errors)
		return describe(lines), theirs.String(), theirs.agrees(result, lines)
	}
}

func (a answer) agrees(result Result, lines []printed) bool {
	switch {
	case a.unreadable:
		return result.Unreadable != "" && result.Depth == 0
	case a.gaveUp:
		return result.Code == Unspecified
	case len(a.lines) != len(lines):
		return false
	}
	for i, l := range lines {
		if l.String() != a.lines[i].String() || !sameSubject(l.subject, a.lines[i].subject) {
			return false
		}
	}
	return true
}

// sameSubject compares names in which nothing is escaped and no RDN has several values, which the
// command writes in another way; of others it says nothing.
func sameSubject(ours, theirs string) bool {
	if strings.ContainsAny(ours+theirs, `\+`) {
		return true
	}
	return ours == theirs
}

// The recorded cases against the openssl command, word for word.
func TestOracleCasesCommand(t *testing.T) {
	t.Parallel()
	both := withCommand(t, thisPackage)
	tally := newTally()
	for _, c := range recordedCases(t) {
		t.Run(c.Case, func(t *testing.T) {
			tally.put(t, c.job(t), c.Case, both, nil)
		})
	}
	t.Logf("openssl command, recorded cases: %s", tally)
	assert.Equal(t, tally.compared, tally.agreed)
}

// requireOpenSSL3 makes sure that the openssl command is there and of release 3.
func requireOpenSSL3(t testing.TB) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		oracleMissing(t, "the openssl command is not installed: install OpenSSL 3.0 or later")
	}
	version, err := exec.Command(path, "version").Output()
	if err != nil || !strings.HasPrefix(string(version), "OpenSSL 3.") {
		oracleMissing(t, "the openssl command is %q, expected OpenSSL 3.0 or a later 3.x", strings.TrimSpace(string(version)))
	}
	if !strings.HasPrefix(string(version), "OpenSSL 3.0.") {
		t.Logf("the openssl command is %q: the order of checks and the texts are those of 3.0, and later releases may differ", strings.TrimSpace(string(version)))
	}
}
