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
