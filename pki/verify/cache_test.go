package verify

import (
	mathrand "math/rand/v2"
	"slices"
	"strings"
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
	crl := crlOf(&authority{name: intermediate.subject, key: intermediate.key}, testTime.Add(-time.Hour), next)
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

// A date of any certificate that was presented ends a verdict: of the leaf, of the intermediate,
// of one that has no part in the path, and of the root in the trust list; so does a beginning.
func TestForgetsAtEveryDate(t *testing.T) {
	at := testTime.Add(time.Hour)
	for name, change := range map[string]func(root, intermediate, leaf, beside *mintable){
		"leaf expires":               func(_, _, leaf, _ *mintable) { leaf.notAfter = utcTime(at) },
		"intermediate expires":       func(_, intermediate, _, _ *mintable) { intermediate.notAfter = utcTime(at) },
		"root expires":               func(root, _, _, _ *mintable) { root.notAfter = utcTime(at) },
		"one beside expires":         func(_, _, _, beside *mintable) { beside.notAfter = utcTime(at) },
		"leaf becomes valid":         func(_, _, leaf, _ *mintable) { leaf.notBefore = utcTime(at) },
		"intermediate becomes valid": func(_, intermediate, _, _ *mintable) { intermediate.notBefore = utcTime(at) },
		"root becomes valid":         func(root, _, _, _ *mintable) { root.notBefore = utcTime(at) },
		"one beside becomes valid":   func(_, _, _, beside *mintable) { beside.notBefore = utcTime(at) },
	} {
		t.Run(name, func(t *testing.T) {
			root, intermediate, leaf := goodChain()
			beside, _, _ := goodChain()
			beside.subject, beside.issuer = simpleName("Another CA"), simpleName("Another CA")
			change(root, intermediate, leaf, beside)
			list, err := NewTrustList(root.mint())
			require.NoError(t, err)
			chain := [][]byte{leaf.mint(), intermediate.mint(), beside.mint()}
			v := newCounted(list, Options{})
			before := v.Verify(chain)
			assert.Equal(t, at, before.Until)
			v.now = at.Add(-time.Second)
			assert.True(t, v.remembers(chain))
			v.now = at
			assert.False(t, v.remembers(chain))
			after := v.Verify(chain)
			assert.Equal(t, after, New(list, Options{Now: func() time.Time { return at }, CacheSize: -1}).Verify(chain))
			if !strings.HasPrefix(name, "one beside") {
				assert.NotEqual(t, before.OK(), after.OK())
			}
		})
	}
}

// A CRL that takes over from another changes the answer when it begins, and other CRLs are
// another verifier, which knows nothing of the verdicts of the first.
func TestForgetsWhenACRLChanges(t *testing.T) {
	root, intermediate, leaf := goodChain()
	list, err := NewTrustList(root.mint())
	require.NoError(t, err)
	chain := [][]byte{leaf.mint(), intermediate.mint()}
	issuer := &authority{name: intermediate.subject, key: intermediate.key}
	next := testTime.Add(time.Hour)
	old := crlOf(issuer, testTime.Add(-time.Hour), testTime.AddDate(0, 0, 7))
	revoking := crlOf(issuer, next, testTime.AddDate(0, 0, 8), leaf.serial)
	v := newCounted(list, Options{CRLs: [][]byte{old, revoking}, CRLCheck: CRLLeaf})
	first := v.Verify(chain)
	assert.True(t, first.OK(), first)
	assert.Equal(t, next, first.Until)
	assert.True(t, v.remembers(chain))
	v.now = next.Add(time.Second)
	assert.False(t, v.remembers(chain))
	assert.Equal(t, CertRevoked, v.Verify(chain).Code)

	other := newCounted(list, Options{CRLs: [][]byte{old}, CRLCheck: CRLLeaf})
	other.now = v.now
	assert.False(t, other.remembers(chain))
	assert.True(t, other.Verify(chain).OK())
}

// What was found out about the signature of a CRL holds for one key only.
func TestCRLSignatureIsRememberedByKey(t *testing.T) {
	root, intermediate, _ := goodChain()
	l, err := parseCRL(crlOf(&authority{name: root.subject, key: root.key}, testTime, testTime))
	require.NoError(t, err)
	right, err := ParseCertificate(root.mint())
	require.NoError(t, err)
	wrong, err := ParseCertificate(intermediate.mint())
	require.NoError(t, err)
	for range 2 {
		assert.True(t, l.signedBy(right))
		assert.True(t, l.signedBy(right))
		assert.False(t, l.signedBy(wrong))
		assert.False(t, l.signedBy(wrong))
	}
}

// Verdicts with thousands of errors are not kept.
func TestVerdictsWithManyErrorsAreNotKept(t *testing.T) {
	rng, pool := mathrand.New(mathrand.NewPCG(6, 6)), keyPool()
	subject := func(i int) []byte { return dnOf(text(oidCommonName, string(rune('a'+i)))) }
	excluded := seq(tlv(explicit(1), seq(general(kindDirectory, dnOf()))))
	var chain [][]byte
	for i := range 30 {
		m := caTemplate(subject(i), subject(i+1), pool["p256a"], pool["p256a"], rng)
		m.exts = nil
		m.set(oidNameConstraints, false, excluded)
		chain = append(chain, m.mint())
	}
	require.Less(t, chainSize(chain), maxCachedChain, "control: it is not too large")
	v := newCounted(nil, Options{})
	assert.Greater(t, len(v.Verify(chain).Errors), maxCachedErrors)
	assert.False(t, v.remembers(chain))
}

// Many goroutines verify chains whose verdicts differ by the trust list, while others exchange it:
// each answer is that of one of the lists, never a mixture, and the last list stays.
func TestConcurrentUse(t *testing.T) {
	list, chain := good(t)
	empty, err := NewTrustList()
	require.NoError(t, err)
	other, _ := good(t) // another certificate of the same root
	crl := crlOf(&authority{name: simpleName("Example Issuing CA"), key: keyPool()["p256b"]}, testTime.AddDate(0, 0, -1), testTime.AddDate(0, 0, 7))
	v := New(list, Options{Now: atTestTime, CacheSize: 4, CRLs: [][]byte{crl}, CRLCheck: CRLLeaf})
	variants := make([][][]byte, 9)
	for i := range variants {
		variants[i] = append(slices.Clone(chain), slices.Repeat([][]byte{chain[1]}, i)...)
	}
	var verifying, exchanging sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		exchanging.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
					v.SetTrust([]*TrustList{empty, list, other}[i%3])
					_ = v.Trust().Version()
				}
			}
		})
	}
	for g := range 32 {
		verifying.Go(func() {
			for i := range 60 {
				r := v.Verify(variants[(g+i)%len(variants)])
				switch {
				case r.OK() && len(r.Path) == 3 && len(r.Errors) == 0:
				case r.Code == UnableToGetIssuerCertLocally && r.Depth == 1:
				default:
					t.Errorf("neither the answer with the root nor that without: %s", r)
				}
			}
		})
	}
	verifying.Wait()
	close(done)
	exchanging.Wait()
	v.SetTrust(empty)
	assert.Equal(t, UnableToGetIssuerCertLocally, v.Verify(chain).Code)
	v.SetTrust(list)
	assert.True(t, v.Verify(chain).OK())
}
