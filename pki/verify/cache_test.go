package verify

import (
	"crypto"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted is a verifier whose clock moves, with a way to tell whether it remembered.
type counted struct {
	*Verifier
	now time.Time
}

func newCounted(list *TrustList, opts Options) *counted {
	c := &counted{now: testTime}
	opts.Now = func() time.Time { return c.now }
	c.Verifier = New(list, opts)
	return c
}

func (c *counted) remembers(chain [][]byte) bool {
	cache := c.state.Load().cache
	_, ok := cache.get(cache.key(chain), chain, c.now.Unix())
	return ok
}

func TestRemembersVerdicts(t *testing.T) {
	list, chain := good(t)
	v := newCounted(list, Options{})
	assert.False(t, v.remembers(chain), "control")
	first := v.Verify(chain)
	assert.True(t, v.remembers(chain))
	assert.Equal(t, first, v.Verify(chain))

	first.Path[0].Subject = "changed by the caller"
	assert.NotEqual(t, first, v.Verify(chain), "a result is the caller's own")

	chain[0][20] ^= 1 // the caller's buffer is used again
	assert.False(t, v.remembers(chain))
	assert.NotEqual(t, OK, v.Verify(chain).Code)
}

func TestForgetsWhenACertificateExpires(t *testing.T) {
	root, intermediate, leaf := goodChain()
	leaf.notAfter = utcTime(testTime.Add(time.Hour))
	leaf.notBefore = utcTime(testTime.Add(-time.Hour))
	list, err := NewTrustList(root.mint())
	require.NoError(t, err)
	chain := [][]byte{leaf.mint(), intermediate.mint()}
	v := newCounted(list, Options{})
	require.True(t, v.Verify(chain).OK())
	v.now = testTime.Add(time.Hour - time.Second)
	assert.True(t, v.remembers(chain))
	assert.True(t, v.Verify(chain).OK())
	v.now = testTime.Add(time.Hour)
	assert.False(t, v.remembers(chain))
	assert.Equal(t, CertHasExpired, v.Verify(chain).Code)
	v.now = testTime
	assert.False(t, v.remembers(chain), "nor does the new verdict hold for earlier times")
	assert.True(t, v.Verify(chain).OK())
	v.now = testTime.Add(-2 * time.Hour)
	assert.Equal(t, CertNotYetValid, v.Verify(chain).Code)
}

// A date in the trust list can change an answer too, as can a CRL's.
func TestUntilLooksAtTrustListAndCRLs(t *testing.T) {
	root, intermediate, leaf := goodChain()
	other := *root
	otherEnd := testTime.Add(90 * time.Minute)
	other.notAfter = utcTime(otherEnd)
	list, err := NewTrustList(root.mint(), other.mint())
	require.NoError(t, err)
	chain := [][]byte{leaf.mint(), intermediate.mint()}
	assert.Equal(t, otherEnd, newCounted(list, Options{}).Verify(chain).Until)

	next := testTime.Add(30 * time.Minute)
	alg := algorithmFor(ecKey, crypto.SHA256, false)
	tbs := seq(integer(1), alg, intermediate.subject, utcTime(testTime.Add(-time.Hour)).der(), utcTime(next).der())
	crl := seq(tbs, alg, bits(0, intermediate.key.sign(crypto.SHA256, false, tbs)...))
	v := newCounted(list, Options{CRLs: [][]byte{crl}, CRLCheck: CRLLeaf})
	r := v.Verify(chain)
	assert.True(t, r.OK(), r)
	assert.Equal(t, next, r.Until)
	v.now = next
	assert.Equal(t, CRLHasExpired, v.Verify(chain).Code)
}

func TestForgetsWhenTheTrustListChanges(t *testing.T) {
	list, chain := good(t)
	v := newCounted(list, Options{})
	require.True(t, v.Verify(chain).OK())
	empty, err := NewTrustList()
	require.NoError(t, err)
	v.SetTrust(empty)
	assert.False(t, v.remembers(chain))
	assert.Equal(t, 20, v.Verify(chain).Code)
	v.SetTrust(list)
	assert.True(t, v.Verify(chain).OK())
	assert.Same(t, list, v.Trust())
}

func TestCacheIsBounded(t *testing.T) {
	list, chain := good(t)
	v := newCounted(list, Options{CacheSize: 16})
	for i := range 200 {
		v.Verify(append(slices.Clone(chain), slices.Repeat([][]byte{chain[1]}, i%100)...))
		v.Verify(chain) // in use all the time
	}
	cache := v.state.Load().cache
	assert.LessOrEqual(t, len(cache.young)+len(cache.old), 16)
	assert.True(t, v.remembers(chain), "what is in use stays")

	large := append(slices.Clone(chain), slices.Repeat([][]byte{chain[1]}, 100)...)
	require.Greater(t, chainSize(large), maxCachedChain)
	assert.True(t, v.Verify(large).OK())
	assert.False(t, v.remembers(large), "large chains are not kept")

	off := New(list, Options{Now: atTestTime, CacheSize: -1})
	assert.Nil(t, off.state.Load().cache)
	assert.True(t, off.Verify(chain).OK())
}

// Octets moved from one certificate to the next make another chain, as do two chains that
// happen to have one hash.
func TestChainsAreComparedOctetByOctet(t *testing.T) {
	c := newCache(8)
	v := &verdict{chain: flatten([][]byte{{1, 2}, {3}}), from: 0, until: 10}
	c.put(7, v)
	_, ok := c.get(7, [][]byte{{1, 2}, {3}}, 5)
	assert.True(t, ok, "control")
	for _, other := range [][][]byte{{{1}, {2, 3}}, {{1, 2, 3}}, {{1, 2}}, {{1, 2}, {3}, {}}, {{1, 2}, {4}}} {
		_, ok := c.get(7, other, 5)
		assert.False(t, ok, other)
	}
	for _, now := range []int64{-1, 10} {
		_, ok = c.get(7, [][]byte{{1, 2}, {3}}, now)
		assert.False(t, ok, now)
	}
}

func TestConcurrentUse(t *testing.T) {
	list, chain := good(t)
	v := New(list, Options{Now: atTestTime, CacheSize: 4})
	empty, err := NewTrustList()
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				if g == 0 && i%10 == 0 {
					v.SetTrust(empty)
					v.SetTrust(list)
				}
				r := v.Verify(append(slices.Clone(chain), slices.Repeat([][]byte{chain[1]}, (g+i)%7)...))
				if r.Code != OK && r.Code != UnableToGetIssuerCertLocally {
					t.Errorf("code %d", r.Code)
				}
			}
		})
	}
	wg.Wait()
}
