package verify

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Chains at the limits of number and size: one certificate or one octet more is refused unread.
func TestLimitsOfAChain(t *testing.T) {
	_, chain := good(t)
	v := New(nil, Options{Now: atTestTime})
	refused := func(chain [][]byte) bool { return v.Verify(chain).Unreadable != "" }
	many := slices.Repeat(chain[1:], maxPresented)
	assert.False(t, refused(many), "as many as there may be")
	assert.True(t, refused(append(many, chain[1])))

	// A certificate of any size: an extension is as long as it takes.
	sized := func(size int) []byte {
		root, _, _ := fixedChain()
		root.exts = nil
		root.set("\x2a\x03", false, make([]byte, size-1000))
		der := root.mint()
		root.set("\x2a\x03", false, make([]byte, 2*size-1000-len(der)))
		return root.mint()
	}
	half := sized(maxChain/2 - 4)
	require.Len(t, half, maxChain/2-4)
	assert.False(t, refused([][]byte{half, half}), "as large as it may be")
	larger := sized(maxChain/2 - 3)
	require.Len(t, larger, maxChain/2-3)
	assert.True(t, refused([][]byte{half, larger}))
	whole := sized(MaxCertificate)
	require.Len(t, whole, MaxCertificate)
	_, err := ParseCertificate(whole)
	require.NoError(t, err)
	_, err = ParseCertificate(append(whole, 0))
	assert.EqualError(t, err, fmt.Sprintf("certificate has %d octets, expected at most %d", MaxCertificate+1, MaxCertificate))
	_, err = parseCRL(make([]byte, MaxCRL+1))
	assert.EqualError(t, err, fmt.Sprintf("CRL has %d octets, expected at most %d", MaxCRL+1, MaxCRL))
	_, err = parseCRL(make([]byte, MaxCRL))
	assert.EqualError(t, err, "not a CRL: expected one DER SEQUENCE")

	// Verdicts on chains of up to a size are remembered.
	cached := newCounted(nil, Options{})
	for size, want := range map[int]bool{maxCachedChain: true, maxCachedChain + 1: false} {
		chain := [][]byte{sized(size - 4)}
		require.Equal(t, size, chainSize(chain))
		_, remembered := cached.VerifyCached(chain)
		assert.False(t, remembered)
		_, remembered = cached.VerifyCached(chain)
		assert.Equal(t, want, remembered, size)
	}
	_, remembered := cached.VerifyCached(nil)
	assert.False(t, remembered)
}

// Copies of one certificate are known as such, in few and in many.
func TestCopiesOfACertificate(t *testing.T) {
	_, chain := good(t)
	root, other, _ := goodChain()
	a, b, c := chain[0], root.mint(), other.mint()
	for _, presented := range [][][]byte{{a, b, c}, {a, a, a}, {a, b, b, a}, {a, b, c, b, c, a, b, c}, {a, b, c, b, c, a, b, c, c}, {a, b, a, b, a, b, a, b, a, b, c, c}} {
		r := &run{}
		at, err := r.read(presented, nil)
		require.NoError(t, err)
		assert.Zero(t, at)
		for i := range presented {
			first := slices.IndexFunc(presented, func(der []byte) bool { return bytes.Equal(der, presented[i]) })
			assert.Equal(t, first, r.twin[i])
			assert.Equal(t, presented[i], r.presented[i].raw)
		}
	}
	for n := range 12 {
		presented := append(slices.Repeat([][]byte{a}, n), []byte{1})
		at, err := (&run{}).read(presented, nil)
		require.Error(t, err)
		assert.Equal(t, n, at, "the first that cannot be read")
	}
}

// The time for which a verdict holds: from the last date before now to the next one after it, of all
// certificates and CRLs; what is no date does not count.
func TestForHowLongAVerdictHolds(t *testing.T) {
	hour := func(n int) time.Time { return testTime.Add(time.Duration(n) * time.Hour) }
	root, ca, leaf := fixedChain()
	leaf.notBefore, leaf.notAfter = utcTime(hour(-30)), utcTime(hour(30))
	ca.notBefore, ca.notAfter = utcTime(hour(-20)), utcTime(hour(20))
	root.notBefore, root.notAfter = utcTime(hour(-10)), utcTime(hour(10))
	crl := crlOf(&authority{name: ca.subject, key: ca.key}, hour(-5), hour(5))
	chain := [][]byte{leaf.mint(), ca.mint()}
	other := root.clone()
	other.notBefore, other.notAfter = utcTime(hour(-2)), timeText{0x17, "x"}
	list, err := NewTrustList(other.mint(), root.mint())
	require.NoError(t, err)
	alone, err := NewTrustList(root.mint())
	require.NoError(t, err)
	for name, row := range map[string]struct {
		list        *TrustList
		crls        [][]byte
		at          time.Time
		from, until time.Time
	}{
		"nothing trusted":           {nil, nil, testTime, hour(-20), hour(20)},
		"a root":                    {alone, nil, testTime, hour(-10), hour(10)},
		"two roots":                 {list, nil, testTime, hour(-2), hour(10)},
		"a CRL":                     {alone, [][]byte{crl}, testTime, hour(-5), hour(5)},
		"a CRL, and one unreadable": {alone, [][]byte{{1}, crl}, testTime, hour(-5), hour(5)},
		"at a date":                 {alone, nil, hour(10), hour(10), hour(20)},
		"before a date":             {alone, nil, hour(10).Add(-time.Second), hour(-10), hour(10)},
		"after all dates":           {alone, [][]byte{crl}, hour(31), hour(30), time.Time{}},
		"before all dates":          {alone, [][]byte{crl}, hour(-31), time.Time{}, hour(-30)},
		"between roots":             {list, nil, hour(-3), hour(-10), hour(-2)},
	} {
		v := New(row.list, Options{CRLs: row.crls, Level: Level1})
		result, from, until := v.run(v.state.Load(), chain, chainSize(chain), row.at.Unix())
		wantFrom, wantUntil := int64(math.MinInt64), int64(math.MaxInt64)
		if !row.from.IsZero() {
			wantFrom = row.from.Unix()
		}
		if !row.until.IsZero() {
			wantUntil = row.until.Unix()
		}
		assert.Equal(t, wantFrom, from, name)
		assert.Equal(t, wantUntil, until, name)
		assert.Equal(t, row.until, result.Until, name)
	}
	assert.Equal(t, []int64{hour(-10).Unix(), hour(-2).Unix(), hour(10).Unix()}, list.dates)
}

// Verdicts of many errors are remembered up to a number of them.
func TestErrorsOfARememberedVerdict(t *testing.T) {
	// Each certificate is against the constraints of all above it: n certificates make a known number.
	chainOf := func(n, extra int) [][]byte {
		root, _, _ := fixedChain()
		subject := func(i int) []byte { return dnOf(text(oidCommonName, fmt.Sprint(i))) }
		excluded := seq(tlv(explicit(1), seq(general(kindDirectory, dnOf()))))
		var chain [][]byte
		for i := range n {
			m := root.clone()
			m.exts, m.subject, m.issuer = nil, subject(i), subject(i+1)
			if i >= n-extra {
				m.set(oidNameConstraints, false, excluded)
			}
			chain = append(chain, m.mint())
		}
		return chain
	}
	v := newCounted(nil, Options{Level: Level1, Report: Last})
	for n := 20; n < 24; n++ {
		for extra := range n {
			chain := chainOf(n, extra)
			if chainSize(chain) > maxCachedChain {
				continue
			}
			r := v.Verify(chain)
			few := len(r.Errors) <= maxCachedErrors
			require.Equal(t, few, v.remembers(chain), "%d errors", len(r.Errors))
		}
	}
}

// What names and constraints weigh, against the budget.
func TestWeightOfNames(t *testing.T) {
	root, _, _ := fixedChain()
	of := func(subject []byte, names ...[]byte) (int, int) {
		m := root.clone()
		m.subject = subject
		if names != nil {
			m.set(oidSubjectAltName, false, seq(names...))
		}
		c, err := ParseCertificate(m.mint())
		require.NoError(t, err)
		return c.weight()
	}
	two := dnOf(text(oidCommonName, "a"), text(oidCommonName, "b"))
	long := dnOf(text(oidCommonName, string(bytes.Repeat([]byte("x"), 115)))) // 128 octets
	require.Len(t, long, 128)
	other := func(n int) []byte {
		return general(kindOther, slices.Concat(oid("\x2a\x03"), tlv(explicit(0), octets(make([]byte, n)))))
	}
	for name, row := range map[string]struct {
		subject        []byte
		names          [][]byte
		weight, beside int
	}{
		"empty": {dnOf(), nil, 1, 1}, "two attributes": {two, nil, 3, 11}, "long": {long, nil, 1 + 1 + 2, 8},
		"names":           {dnOf(), [][]byte{ia5(kindDNS, string(make([]byte, 63))), ia5(kindDNS, string(make([]byte, 64)))}, 1 + 1 + 2, 4},
		"another name":    {dnOf(), [][]byte{other(58)}, 1 + 1, 2},
		"a longer one":    {dnOf(), [][]byte{other(60)}, 1 + 2, 3},
		"name and others": {two, [][]byte{ia5(kindDNS, ""), other(124)}, 3 + 1 + 3, 7 + 8},
	} {
		weight, beside := of(row.subject, row.names...)
		assert.Equal(t, row.weight, weight, name)
		assert.Equal(t, row.beside, beside, name)
	}
}

// As many comparisons as OpenSSL makes, and one more; a certificate without names has none.
func TestComparisonsOfNames(t *testing.T) {
	root, _, _ := fixedChain()
	of := func(subject []byte, names int) *Certificate {
		m := root.clone()
		m.subject = subject
		if names > 0 {
			m.set(oidSubjectAltName, false, seq(slices.Repeat([][]byte{ia5(kindDNS, "a")}, names)...))
		}
		c, err := ParseCertificate(m.mint())
		require.NoError(t, err)
		return c
	}
	trees := func(n int) []subtree {
		return slices.Repeat([]subtree{{base: generalName{kind: kindOID}}}, n)
	}
	one := of(dnOf(text(oidCommonName, "x")), 1023)
	require.Equal(t, 1024, one.subject.entries+len(one.info().altNames))
	assert.Zero(t, (&nameConstraints{permitted: trees(512), excluded: trees(512)}).check(one))
	assert.Equal(t, Unspecified, (&nameConstraints{permitted: trees(512), excluded: trees(513)}).check(one))
	assert.Equal(t, Unspecified, (&nameConstraints{permitted: trees(1025)}).check(one))
	assert.Zero(t, (&nameConstraints{permitted: trees(9)}).check(of(dnOf(), 0)))
}

// The version of a trust list tells lists apart whose octets are the same when put together, and
// certificates are ready to be shared.
func TestVersionsOfTrustLists(t *testing.T) {
	root, ca, _ := fixedChain()
	version := func(ders ...[]byte) string {
		list, err := NewTrustList(ders...)
		require.NoError(t, err)
		for _, c := range list.Certificates() {
			assert.NotEmpty(t, c.subjectText)
			assert.NotEmpty(t, c.issuerText)
			assert.True(t, c.keyRead)
			assert.True(t, c.with.read)
			assert.NotNil(t, c.known)
		}
		return list.Version()
	}
	a, b := root.mint(), ca.mint()
	all := []string{version(), version(a), version(b), version(a, b), version(b, a), version(a, a), version(a, a, b)}
	slices.Sort(all)
	assert.Len(t, slices.Compact(all), 7)
}

// The default settings: the real clock, a cache of a thousand verdicts, a depth of a hundred.
func TestDefaultSettings(t *testing.T) {
	_, chain := good(t)
	v := New(nil, Options{})
	assert.Equal(t, defaultCacheSize/2, v.state.Load().cache.half)
	assert.Equal(t, 2, New(nil, Options{CacheSize: 4}).state.Load().cache.half)
	before := time.Now()
	v.Verify(chain)
	got := v.state.Load().cache
	for _, kept := range got.young {
		assert.LessOrEqual(t, kept.from, time.Now().Unix())
		assert.Greater(t, kept.until, before.Unix())
	}
	_, remembered := v.VerifyCached(chain)
	assert.True(t, remembered)
	assert.Nil(t, New(nil, Options{CRLs: [][]byte{{1}}}).opts.CRLs, "they are read, and not kept")
	crl := crlOf(&authority{name: simpleName("x"), key: keyPool()["p256a"]}, testTime, testTime)
	assert.Len(t, New(nil, Options{CRLs: [][]byte{{1}, crl, {1}, crl}}).crls, 2)
	require.NoError(t, Options{CRLs: [][]byte{crl, crl}}.CheckCRLs())
	assert.EqualError(t, Options{CRLs: [][]byte{crl, {1}}}.CheckCRLs(), "CRL 2 of 2: not a CRL: expected one DER SEQUENCE")
}

// The keys of chains in the cache depend on all their octets and on where one certificate ends.
func TestKeysOfTheCache(t *testing.T) {
	c := newCache(8)
	chains := [][][]byte{{[]byte("ab"), []byte("c")}, {[]byte("a"), []byte("bc")}, {[]byte("abc")}, {[]byte("abd")}, {[]byte("abc"), nil}, {nil, []byte("abc")}, nil}
	seen := map[uint64]int{}
	for i, chain := range chains {
		assert.Equal(t, c.key(chain), c.key(chain))
		if k, ok := seen[c.key(chain)]; ok {
			t.Errorf("chains %d and %d have one key", k, i)
		}
		seen[c.key(chain)] = i
	}
	// What is put again is in the young half only, and an old one that is asked for moves there.
	v := &verdict{chain: flatten(chains[0]), until: 10}
	small := newCache(4)
	for key := range uint64(3) {
		small.put(key, v)
	}
	require.Len(t, small.old, 2)
	small.put(0, v)
	assert.Len(t, small.old, 1)
	assert.Len(t, small.young, 2)
	small.put(0, v)
	assert.Len(t, small.young, 2, "known already: nothing is forgotten")
	assert.Len(t, small.old, 1)
	small.get(77, chains[0], 5)
	assert.Len(t, small.young, 2, "what is not there is not kept")
}
