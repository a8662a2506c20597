package verify

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The CA of an accepted chain is kept parsed, the sender's own certificate is not, and nothing of a
// chain that was refused; another trust list begins anew. The answers are those of a verifier that
// keeps nothing.
func TestKnownCAs(t *testing.T) {
	root, _, _ := goodChain()
	list, err := NewTrustList(root.mint())
	require.NoError(t, err)
	chains := chainsOfOneCA(3)
	v := New(list, Options{Now: atTestTime, CacheSize: 1})
	known := func(der []byte) bool { return v.state.Load().known.get(der) != nil }

	broken := [][]byte{append([]byte{}, chains[0][0]...), chains[0][1]}
	broken[0][len(broken[0])-1] ^= 1
	require.False(t, v.Verify(broken).OK())
	assert.False(t, known(chains[0][1]), "nothing of a refused chain is kept")

	fresh := New(list, Options{Now: atTestTime, CacheSize: -1})
	for _, chain := range chains {
		assert.Equal(t, fresh.Verify(chain), v.Verify(chain))
	}
	assert.True(t, known(chains[0][1]))
	assert.False(t, known(chains[0][0]), "a sender's own certificate is parsed each time")
	assert.Nil(t, fresh.state.Load().known, "who remembers nothing keeps nothing")
	assert.Equal(t, fresh.Verify(broken), v.Verify(broken), "a known CA does not make a broken signature good")

	chains[1][1][len(chains[1][1])-1] ^= 1 // the caller's own; all chains share it
	assert.Equal(t, fresh.Verify(chains[1]), v.Verify(chains[1]), "what is kept is not what the caller holds")

	v.SetTrust(list)
	assert.Empty(t, v.state.Load().known.byDER)
}

// What is kept is bounded.
func TestKnownCAsAreBounded(t *testing.T) {
	var k knownCAs
	_, intermediate, _ := goodChain()
	for i := range maxKnownCAs + 10 {
		intermediate.serial = serialOf(uint64(i + 1))
		c, err := ParseCertificate(intermediate.mint())
		require.NoError(t, err, fmt.Sprint(i))
		k.keep([]*Certificate{c})
	}
	assert.Len(t, k.byDER, maxKnownCAs)
}

// Of a chain of CAs those that are not known yet are kept, ready to be shared.
func TestKnownCAsAreKeptReady(t *testing.T) {
	var k knownCAs
	root, ca, leaf := fixedChain()
	var chain []*Certificate
	for _, m := range []*mintable{root, ca, leaf} {
		c, err := ParseCertificate(m.mint())
		require.NoError(t, err)
		chain = append(chain, c)
	}
	k.keep(chain[:1])
	first := k.get(chain[0].raw)
	k.keep(chain)
	assert.Len(t, k.byDER, 3)
	assert.Same(t, first, k.get(chain[0].raw), "what is known is not parsed again")
	for _, c := range chain {
		kept := k.get(c.raw)
		require.NotNil(t, kept)
		assert.NotSame(t, c, kept)
		assert.Equal(t, c.Subject(), kept.subjectText)
		assert.True(t, kept.keyRead && kept.with.read)
		assert.NotNil(t, kept.known)
	}
}
