package verify

import (
	mathrand "math/rand/v2"
	"slices"
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

// Signatures of CRLs are not among those that are counted: a path on which one CRL is looked up again
// and again still tells of a certificate that is signed wrongly.
func TestSignaturesOfCRLsDoNotCount(t *testing.T) {
	rng, pool := mathrand.New(mathrand.NewPCG(8, 8)), keyPool()
	one, other := simpleName("Example CA 1"), simpleName("Example CA 2")
	wrong := caTemplate(other, one, pool["p256b"], pool["p256a"], rng)
	wrong.corrupt = true
	list, err := NewTrustList(caTemplate(one, other, pool["p256a"], pool["p256b"], rng).mint(), wrong.mint())
	require.NoError(t, err)
	chain := [][]byte{leafTemplate(simpleName("sender.example"), one, pool["p256c"], pool["p256a"], rng).mint()}
	var crls [][]byte
	for _, a := range []*authority{{name: one, key: pool["p256a"]}, {name: other, key: pool["p256b"]}} {
		crls = append(crls, crlOf(a, testTime.AddDate(0, 0, -1), testTime.AddDate(0, 0, 7)))
	}
	r := New(list, Options{Now: atTestTime, CRLs: crls, CRLCheck: CRLAll}).Verify(chain)
	assert.Equal(t, CertChainTooLong, r.Code)
	assert.True(t, slices.ContainsFunc(r.Errors, func(e Error) bool { return e.Code == CertSignatureFailure }), "the wrong signature is not told of")
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
