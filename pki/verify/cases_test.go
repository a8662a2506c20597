package verify

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	t.Parallel()
	both := withLibrary(t, startLibrary(t), thisPackage)
	tally := newTally()
	for _, c := range recordedCases(t) {
		for level := 0; level <= 5; level++ {
			for _, crls := range []CRLCheck{CRLOff, CRLLeaf, CRLAll} {
				for _, depth := range []int{1, 2, 100} {
					j := c.job(t)
					j.level, j.crlCheck, j.depth = level, crls, depth
					tally.put(t, j, fmt.Sprintf("%s at level %d, CRL check %d, depth %d", c.Case, level, crls, depth), both, nil)
				}
			}
		}
	}
	t.Logf("OpenSSL library, recorded cases with all settings: %s", tally)
	assert.Equal(t, tally.compared, tally.agreed)
}
