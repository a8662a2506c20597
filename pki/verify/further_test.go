package verify

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A long path that leads nowhere costs a bounded number of signature checks where the first error is
// the answer; where the last one is, all are made.
func TestSignaturesOfAChainWithAnError(t *testing.T) {
	chain := crossSigned(300, true, true)
	signatures := func(first bool) (n, code int) {
		r := run{now: testTime.Unix(), maxDepth: defaultDepth, firstCounts: first}
		_, err := r.read(chain, nil)
		require.NoError(t, err)
		r.verify()
		return r.signatures, r.faults[0].code
	}
	few, code := signatures(true)
	all, same := signatures(false)
	assert.Equal(t, furtherSignatures, few)
	assert.Greater(t, all, 90)
	assert.Equal(t, same, code)
}

// Of a chain whose signatures are all broken a number is told where the first error is the answer, and
// each where the last one is.
func TestBrokenSignaturesOfALongChain(t *testing.T) {
	chain := crossSigned(60, true, true)
	for i, der := range chain {
		chain[i] = append([]byte(nil), der...)
		chain[i][len(der)-1] ^= 1
	}
	broken := func(report Report) int {
		n := 0
		for _, e := range New(nil, Options{Now: atTestTime, Report: report}).Verify(chain).Errors {
			if e.Code == CertSignatureFailure {
				n++
			}
		}
		return n
	}
	assert.Equal(t, furtherSignatures, broken(First))
	assert.Equal(t, 60, broken(Last))
}
