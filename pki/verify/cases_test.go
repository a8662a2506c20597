package verify

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded is one case of testdata/cases/cases.json: what OpenSSL 3.0.22 answered.
type recorded struct {
	Case        string
	Description string
	At          time.Time
	CRL         bool
	First       struct {
		Code, Depth int
		Text        string
	}
	All []struct{ Code, Depth int }
	// Last is the code that remains if a callback continues.
	Last          int
	FirstAtLevel1 int `json:"first_at_level_1"`
}

func recordedCases(t testing.TB) []recorded {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "cases", "cases.json"))
	require.NoError(t, err)
	var file struct{ Cases []recorded }
	require.NoError(t, json.Unmarshal(b, &file))
	require.NotEmpty(t, file.Cases)
	return file.Cases
}

func (c recorded) job(t testing.TB) job {
	dir := filepath.Join("testdata", "cases", c.Case)
	j := job{level: 2, at: c.At, trusted: readPEM(t, filepath.Join(dir, "roots.pem")), chain: readPEM(t, filepath.Join(dir, "chain.pem"))}
	if c.CRL {
		j.crlCheck = CRLLeaf
		if _, err := os.Stat(filepath.Join(dir, "crl.pem")); err == nil {
			j.crls = readPEM(t, filepath.Join(dir, "crl.pem"))
		}
	}
	return j
}

func (c recorded) sequence() sequence {
	s := sequence{unreadable: -1, final: c.Last}
	for _, e := range c.All {
		s.errors = append(s.errors, fmt.Sprintf("%d@%d", e.Code, e.Depth))
	}
	return s
}

// Each recorded case: the whole sequence, the first and the last error, the text, level 1.
func TestRecordedCases(t *testing.T) {
	for _, c := range recordedCases(t) {
		t.Run(c.Case, func(t *testing.T) {
			j := c.job(t)
			assert.Equal(t, c.sequence().String(), j.ours(t).String(), c.Description)

			list, err := NewTrustList(j.trusted...)
			require.NoError(t, err)
			opts := j.options()
			first := New(list, opts).Verify(j.chain)
			assert.True(t, first.Presented)
			assert.Equal(t, c.First.Code, first.Code)
			assert.Equal(t, c.First.Depth, first.Depth)
			assert.Equal(t, c.First.Text, first.Text)
			assert.Equal(t, c.First.Code == 0, first.OK())

			opts.Report = Last
			assert.Equal(t, c.Last, New(list, opts).Verify(j.chain).Code, "last error")

			opts.Report, opts.Level = First, Level1
			assert.Equal(t, c.FirstAtLevel1, New(list, opts).Verify(j.chain).Code, "at level 1")
		})
	}
}

// The recorded cases again, against the OpenSSL that is installed.
func TestOracleCasesLibrary(t *testing.T) {
	lib := startLibrary(t)
	for _, c := range recordedCases(t) {
		for level := 0; level <= 5; level++ {
			for _, crls := range []CRLCheck{CRLOff, CRLLeaf, CRLAll} {
				for _, depth := range []int{1, 2, 100} {
					j := c.job(t)
					j.level, j.crlCheck, j.depth = level, crls, depth
					ours, theirs := j.ours(t), lib.ask(t, j)
					assert.True(t, agree(ours, theirs), "%s at level %d, CRL check %d, depth %d: ours %s, OpenSSL %s",
						c.Case, level, crls, depth, ours, theirs)
				}
			}
		}
	}
}

var printedError = regexp.MustCompile(`(?m)^error (\d+) at (\d+) depth lookup: (.*)$`)

// commandContinues are the errors after which the openssl command goes on to the next check.
var commandContinues = map[int]bool{
	CertHasExpired: true, DepthZeroSelfSignedCert: true, InvalidCA: true, InvalidNonCA: true,
	PathLengthExceeded: true, InvalidPurpose: true, CRLHasExpired: true, CRLNotYetValid: true, UnhandledCriticalExtension: true,
}

// expectPrinted is what the openssl command prints of a sequence of errors.
func expectPrinted(errors []Error) []string {
	var lines []string
	for _, e := range errors {
		lines = append(lines, fmt.Sprintf("error %d at %d depth lookup: %s", e.Code, e.Depth, e.Text))
		if !commandContinues[e.Code] {
			break
		}
	}
	return lines
}

// internalError stands for a chain that OpenSSL cannot judge: a key of a CA that does not decode,
// for instance, at a level where keys are not looked at first.
const internalError = "internal error"

// command asks the openssl command about the first certificate of a chain.
func command(t testing.TB, openssl, dir string, j job) []string {
	t.Helper()
	args := []string{"verify", "-purpose", "sslclient", "-attime", strconv.FormatInt(j.at.Unix(), 10),
		"-auth_level", strconv.Itoa(j.level), "-trusted", filepath.Join(dir, "roots.pem"),
		"-untrusted", filepath.Join(dir, "chain.pem")}
	if j.crlCheck == CRLLeaf {
		args = append(args, "-crl_check")
	}
	if len(j.crls) > 0 {
		args = append(args, "-CRLfile", filepath.Join(dir, "crl.pem"))
	}
	out, err := exec.Command(openssl, append(args, filepath.Join(dir, "chain.pem"))...).CombinedOutput()
	lines := printedError.FindAllString(string(out), -1)
	if err != nil && len(lines) == 0 && strings.Contains(string(out), ":internal error:") {
		return []string{internalError}
	}
	if err != nil && len(lines) == 0 {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return lines
}

// The recorded cases against the openssl command, word for word.
func TestOracleCasesCommand(t *testing.T) {
	openssl := requireOpenSSL3(t)
	for _, c := range recordedCases(t) {
		t.Run(c.Case, func(t *testing.T) {
			j := c.job(t)
			list, err := NewTrustList(j.trusted...)
			require.NoError(t, err)
			ours := New(list, j.options()).Verify(j.chain)
			theirs := command(t, openssl, filepath.Join("testdata", "cases", c.Case), j)
			assert.Equal(t, expectPrinted(ours.Errors), theirs)
		})
	}
}
