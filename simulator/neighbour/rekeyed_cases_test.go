package neighbour_test

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/neighbour"
)

// recordedCase is a recorded chain, as it stands or with new keys.
type recordedCase struct {
	neighbour.Recorded
	at                   time.Time
	chain, trusted, crls [][]byte
}

func readPEM(t testing.TB, path string) [][]byte {
	t.Helper()
	rest, err := os.ReadFile(path)
	require.NoError(t, err)
	var out [][]byte
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out
		}
		out = append(out, block.Bytes)
	}
}

// recordedCases reads all of them.
func recordedCases(t testing.TB) []recordedCase {
	t.Helper()
	var out []recordedCase
	for _, r := range neighbour.Recordings(t) {
		folder := filepath.Join(neighbour.RecordedFolder, r.Case)
		c := recordedCase{
			Recorded: r, at: r.At,
			chain: readPEM(t, filepath.Join(folder, "chain.pem")), trusted: readPEM(t, filepath.Join(folder, "roots.pem")),
		}
		if r.CRL {
			c.crls = readPEM(t, filepath.Join(folder, "crl.pem"))
		}
		out = append(out, c)
	}
	return out
}

// recordedKeys are all recorded cases and a keyring for their certificates. Tests share it, since keys
// take their time, and run one after the other.
func recordedKeys(t testing.TB) ([]recordedCase, *keyring) {
	t.Helper()
	installed(t, "openssl") // for kinds of keys that Go has not
	cases := recordedCases(t)
	recordedOnce.Do(func() {
		var all [][]byte
		for _, c := range cases {
			all = append(append(all, c.chain...), c.trusted...)
		}
		recordedRing, recordedErr = newKeyring(all...)
	})
	require.NoError(t, recordedErr)
	return cases, recordedRing
}

var (
	recordedOnce sync.Once
	recordedRing *keyring
	recordedErr  error
)

// with is the case with new keys.
func (c recordedCase) with(r *rekeying) (recordedCase, error) {
	all := func(ders [][]byte, one func([]byte) ([]byte, error)) ([][]byte, error) {
		var out [][]byte
		for i, der := range ders {
			n, err := one(der)
			if err != nil {
				return nil, fmt.Errorf("number %d: %w", i, err)
			}
			out = append(out, n)
		}
		return out, nil
	}
	var err error
	if c.chain, err = all(c.chain, r.certificate); err != nil {
		return c, fmt.Errorf("%s: what is presented: %w", c.Case, err)
	}
	if c.trusted, err = all(c.trusted, r.certificate); err != nil {
		return c, fmt.Errorf("%s: the trust list: %w", c.Case, err)
	}
	if c.crls, err = all(c.crls, r.crl); err != nil {
		return c, fmt.Errorf("%s: the CRLs: %w", c.Case, err)
	}
	c.at = c.at.Add(r.shift)
	return c, nil
}

// answers are those of package verify: all errors, the first, the last, and the first at level 1.
func (c recordedCase) answers(t testing.TB) string {
	t.Helper()
	list, err := verify.NewTrustList(c.trusted...)
	require.NoError(t, err)
	options := verify.Options{Now: func() time.Time { return c.at }, CRLs: c.crls, CacheSize: -1}
	if c.CRL {
		options.CRLCheck = verify.CRLLeaf
	}
	require.NoError(t, options.CheckCRLs())
	first := verify.New(list, options).Verify(c.chain)
	require.Empty(t, first.Unreadable)
	options.Report = verify.Last
	last := verify.New(list, options).Verify(c.chain)
	options.Report, options.Level = verify.First, verify.Level1
	weak := verify.New(list, options).Verify(c.chain)
	var errors []string
	for _, e := range first.Errors {
		errors = append(errors, fmt.Sprintf("%d@%d", e.Code, e.Depth))
	}
	return fmt.Sprintf("first %d@%d, last %d, at level 1 %d, all %s", first.Code, first.Depth, last.Code, weak.Code, strings.Join(errors, " "))
}

// expected are the recorded answers in the form of answers.
func (c recordedCase) expected() string {
	var errors []string
	for _, e := range c.All {
		errors = append(errors, fmt.Sprintf("%d@%d", e.Code, e.Depth))
	}
	return fmt.Sprintf("first %d@%d, last %d, at level 1 %d, all %s", c.First.Code, c.First.Depth, c.Last, c.FirstAtLevel1, strings.Join(errors, " "))
}

// Each recorded case is the same case with new keys, at its time and moved to another: all errors,
// the first, the last, and the first at level 1 are those that OpenSSL gave to the recorded one. That
// holds for today too, which the comparison of load balancers checks before it begins.
func TestRekeyedCasesAreTheRecordedOnes(t *testing.T) {
	cases, ring := recordedKeys(t)
	for _, shift := range []time.Duration{0, 5 * 365 * 24 * time.Hour} {
		r := ring.rekey(shift)
		for _, c := range cases {
			n, err := c.with(r)
			require.NoError(t, err)
			assert.Equal(t, c.expected(), n.answers(t), "%s (%s), moved by %s", c.Case, c.Description, shift)
		}
	}
	damaged := 0
	for _, s := range ring.signers {
		if s.damage.mask != 0 {
			damaged++
		}
	}
	t.Logf("%d cases with %d new keys; %d signatures were made again, %d of them damaged", len(cases), len(ring.successors), len(ring.signers), damaged)
	assert.Equal(t, 2, damaged, "those of 27 and 27b")
}
