package verify

import (
	"crypto"
	"crypto/elliptic"
	"math"
	"math/big"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Which RSA keys are left to crypto/rsa: those of a usual size with a usual exponent.
func TestKeysThatAreLeftToTheStandardLibrary(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(4, 4))
	number := func(n *big.Int) []byte { return tlv(2, append([]byte{0}, n.Bytes()...)) }
	for _, row := range []struct {
		size int
		even bool
		e    int64
		want bool
	}{
		{1023, false, 65537, false}, {1024, false, 65537, true}, {1025, false, 3, true}, {8192, false, 65537, true}, {8193, false, 65537, false}, {2048, true, 65537, false},
		{2048, false, 1, false}, {2048, false, 2, false}, {2048, false, 3, true}, {2048, false, 65536, false}, {2048, false, math.MaxInt32, true}, {2048, false, math.MaxInt32 + 2, false}, {2048, false, 1 << 40, false},
	} {
		n := pseudoRandom(rng, row.size)
		if row.even {
			n.SetBit(n, 0, 0)
		}
		k := parseRSA(rsaKey, seq(number(n), number(big.NewInt(row.e))))
		require.NotNil(t, k)
		assert.Equal(t, row.want, k.rsa.std != nil, "%d bits, exponent %d", row.size, row.e)
		assert.Equal(t, !row.want, k.slow())
		if row.want {
			assert.Equal(t, int(row.e), k.rsa.std.E)
		}
		assert.Zero(t, k.rsa.n.Cmp(n))
	}
	for name, k := range keyPool() {
		_, generic := map[string]bool{"secp256k1": true, "secp160r1": true, "brainpoolP256r1": true, "explicit": true}[name]
		assert.Equal(t, generic, parsePublicKey(k.spki).slow(), name)
	}
	assert.True(t, parsePublicKey(newDSAKey(t).spki).slow())
	assert.True(t, (&publicKey{kind: ed448Key}).slow())
}

// A point on one of the usual curves is kept in uncompressed form, however it is written.
func TestFormsOfPoints(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		p := curve.Params()
		size := (p.BitSize + 7) / 8
		for _, y := range []*big.Int{p.Gy, new(big.Int).Sub(p.P, p.Gy)} {
			xs, ys := p.Gx.FillBytes(make([]byte, size)), y.FillBytes(make([]byte, size))
			parity := byte(y.Bit(0))
			want := slices.Concat([]byte{4}, xs, ys)
			for _, point := range [][]byte{want, slices.Concat([]byte{2 + parity}, xs), slices.Concat([]byte{6 + parity}, xs, ys)} {
				assert.Equal(t, want, uncompress(curve, point), "%x", point)
				spki := seq(seq(oid(oidEC), oid(map[int]string{224: oidP224, 256: oidP256, 384: oidP384, 521: oidP521}[p.BitSize])), bits(0, point...))
				k := parsePublicKey(spki)
				require.NotNil(t, k)
				assert.Equal(t, want, k.nist)
				assert.Nil(t, k.point)
				require.NotNil(t, k.standard())
				assert.Same(t, k.standard(), k.standard(), "made once")
			}
			for _, point := range [][]byte{
				nil, {0}, {4}, slices.Concat([]byte{7 - parity}, xs, ys), slices.Concat([]byte{5}, xs, ys), slices.Concat([]byte{8}, xs, ys), slices.Concat([]byte{1}, xs), slices.Concat([]byte{4}, xs),
				slices.Concat([]byte{2}, xs, ys), want[:2*size], slices.Concat(want, []byte{0}), slices.Concat([]byte{2}, xs[1:]), slices.Concat([]byte{5}, xs),
			} {
				assert.Nil(t, uncompress(curve, point), "%x", point)
			}
		}
	}
	assert.Nil(t, (&publicKey{kind: ecKey, point: &curvePoint{}}).standard())
}

// Signatures are good with the key and the algorithm they were made with, and with no other.
func TestSignaturesFitOneKeyAndOneAlgorithm(t *testing.T) {
	message := []byte("message")
	pool := keyPool()
	ed448 := &testKey{spki: seq(seq(oid(oidEd448)), bits(0, unhex(t, "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180")...))}
	empty := unhex(t, "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600")
	type signed struct {
		by      string
		alg     []byte
		sig     []byte
		message []byte
	}
	dsa := newDSAKey(t)
	all := []signed{
		{"rsa2048a", algorithmFor(rsaKey, crypto.SHA256, false), pool["rsa2048a"].sign(crypto.SHA256, false, message), message},
		{"rsa2048a", algorithmFor(rsaKey, crypto.SHA384, false), pool["rsa2048a"].sign(crypto.SHA384, false, message), message},
		{"rsa2048a", algorithmFor(rsaKey, crypto.SHA256, true), pool["rsa2048a"].sign(crypto.SHA256, true, message), message},
		{"p256a", algorithmFor(ecKey, crypto.SHA256, false), pool["p256a"].sign(crypto.SHA256, false, message), message},
		{"p521", algorithmFor(ecKey, crypto.SHA1, false), pool["p521"].sign(crypto.SHA1, false, message), message},
		{"secp256k1", algorithmFor(ecKey, crypto.SHA512, false), pool["secp256k1"].sign(crypto.SHA512, false, message), message},
		{"ed25519a", algorithmFor(ed25519Key, 0, false), pool["ed25519a"].sign(0, false, message), message},
		{"dsa", seq(oid("\x2a\x86\x48\xce\x38\x04\x03")), dsa.sign(crypto.SHA1, false, message), message},
		{"ed448", seq(oid(oidEd448)), empty, nil},
	}
	keys := map[string]*publicKey{"ed448": parsePublicKey(ed448.spki), "dsa": parsePublicKey(dsa.spki)}
	for _, name := range []string{"rsa2048a", "rsa2048b", "p256a", "p256b", "p521", "secp256k1", "ed25519a", "ed25519b"} {
		keys[name] = parsePublicKey(pool[name].spki)
	}
	for i, s := range all {
		for name, key := range keys {
			for k, other := range all {
				alg, _, ok := splitKey(seq(other.alg, bits(0)))
				require.True(t, ok)
				want := s.by == name && i == k
				assert.Equal(t, want, key.verifies(alg, s.message, bitString{octets: s.sig}), "signature %d, key %s, algorithm %d", i, name, k)
				if want {
					assert.False(t, key.verifies(alg, s.message, bitString{octets: s.sig, unused: 1}), "unused bits")
					assert.False(t, key.verifies(alg, []byte("another"), bitString{octets: s.sig}))
				}
			}
			assert.False(t, key.verifies(algorithm{oid: []byte("\x2a\x03")}, s.message, bitString{octets: s.sig}), "an unknown algorithm")
			assert.False(t, key.verifies(algorithm{oid: []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02")}, s.message, bitString{octets: s.sig}), "MD2")
		}
	}
	for name, der := range map[string][]byte{
		"empty": nil, "one number": seq(integer(1)), "three": seq(integer(1), integer(2), integer(3)), "behind": slices.Concat(seq(integer(1), integer(2)), []byte{5, 0}), "no sequence": integer(1), "a string": seq(integer(1), octets([]byte{2})), "first a string": seq(octets([]byte{1}), integer(2)),
	} {
		_, _, ok := splitSignature(der)
		assert.False(t, ok, name)
	}
	r, s, ok := splitSignature(seq(integer(1), integer(2)))
	assert.True(t, ok)
	assert.Equal(t, []int64{1, 2}, []int64{r.Int64(), s.Int64()})
}

// Strengths of digests, and algorithms that have none.
func TestStrengthOfDigests(t *testing.T) {
	for id, alg := range signatureAlgorithms {
		want := map[crypto.Hash]int{crypto.MD5: 39, crypto.SHA1: 63}[alg.hash]
		if want == 0 && alg.hash != 0 {
			want = alg.hash.Size() * 4
		}
		switch {
		case alg.unrated:
			want = 0
		case id == oidEd25519:
			want = 128
		case id == oidEd448:
			want = 224
		}
		params := []byte(nil)
		if id == oidRSAPSS {
			want, params = 63, seq()
		}
		bits, ok := (&Certificate{outer: algorithm{oid: []byte(id), params: params}}).digestStrength()
		assert.Equal(t, want != 0, ok, "%x", id)
		assert.Equal(t, want, bits, "%x", id)
	}
	for _, a := range []algorithm{{oid: []byte("\x2a\x03")}, {oid: []byte(oidRSAPSS)}, {oid: []byte(oidRSAPSS), params: seq(tlv(explicit(2), integer(-1)))}} {
		bits, ok := (&Certificate{outer: a}).digestStrength()
		assert.False(t, ok)
		assert.Zero(t, bits)
	}
}

// Constraints of one kind among others: what is met first, a bound, a name that cannot be read.
func TestOneNameAgainstManyConstraints(t *testing.T) {
	dns := func(s string) generalName { return generalName{kind: kindDNS, value: []byte(s)} }
	mail := func(s string) generalName { return generalName{kind: kindEmail, value: []byte(s)} }
	tree := func(n generalName) subtree { return subtree{base: n} }
	bounded := func(n generalName) subtree { return subtree{base: n, bounded: true} }
	in, out, other := dns("a.example"), dns("b.example"), mail("x")
	host := dns("x.a.example")
	for name, row := range map[string]struct {
		permitted, excluded []subtree
		want                int
	}{
		"nothing":                       {nil, nil, 0},
		"of another kind":               {[]subtree{tree(other)}, []subtree{tree(other)}, 0},
		"inside":                        {[]subtree{tree(in)}, nil, 0},
		"inside the second":             {[]subtree{tree(out), tree(in)}, nil, 0},
		"inside the first":              {[]subtree{tree(in), tree(out)}, nil, 0},
		"behind another kind":           {[]subtree{tree(other), tree(out)}, nil, PermittedViolation},
		"outside":                       {[]subtree{tree(out), tree(out)}, nil, PermittedViolation},
		"bounded":                       {[]subtree{bounded(in)}, nil, SubtreeMinmax},
		"bounded of another kind":       {[]subtree{bounded(other)}, []subtree{bounded(other)}, 0},
		"bounded behind inside":         {[]subtree{tree(in), bounded(in)}, nil, SubtreeMinmax},
		"bounded behind two":            {[]subtree{tree(in), tree(out), bounded(in)}, nil, SubtreeMinmax},
		"excluded":                      {nil, []subtree{tree(in)}, ExcludedViolation},
		"excluded second":               {nil, []subtree{tree(out), tree(in)}, ExcludedViolation},
		"excluded behind another kind":  {nil, []subtree{tree(other), tree(in)}, ExcludedViolation},
		"not excluded":                  {nil, []subtree{tree(out)}, 0},
		"permitted and excluded":        {[]subtree{tree(in)}, []subtree{tree(in)}, ExcludedViolation},
		"neither":                       {[]subtree{tree(out)}, []subtree{tree(in)}, PermittedViolation},
		"excluded and bounded":          {nil, []subtree{bounded(in)}, SubtreeMinmax},
		"excluded, then bounded":        {nil, []subtree{tree(in), bounded(in)}, ExcludedViolation},
		"not excluded, then bounded":    {nil, []subtree{tree(out), bounded(in)}, SubtreeMinmax},
		"inside, then bounded excluded": {[]subtree{tree(in)}, []subtree{bounded(out)}, SubtreeMinmax},
	} {
		assert.Equal(t, row.want, (&nameConstraints{permitted: row.permitted, excluded: row.excluded}).match(&host), name)
	}
	unreadable := mail("nobody")
	for _, nc := range []*nameConstraints{{permitted: []subtree{tree(mail("b")), tree(mail("c"))}}, {excluded: []subtree{tree(mail("b")), tree(mail("c"))}}} {
		assert.Equal(t, UnsupportedNameSyntax, nc.match(&unreadable))
	}
	registered := generalName{kind: kindOID, value: []byte{42}}
	assert.Equal(t, UnsupportedConstraintType, (&nameConstraints{permitted: []subtree{tree(registered)}}).match(&registered))
}

// Names relative to others are compared as what they are together, however they are cut.
func TestRelativeNames(t *testing.T) {
	of := func(base, rdn string) relativeName { return relativeName{[]byte(base), []byte(rdn)} }
	for _, row := range []struct {
		a, b relativeName
		want bool
	}{
		{of("ab", "c"), of("ab", "c"), true}, {of("a", "bc"), of("abc", ""), true}, {of("abc", ""), of("a", "bc"), true}, {of("", "abc"), of("abc", ""), true}, {of("ab", "c"), of("a", "bc"), true},
		{of("ab", "c"), of("ab", "d"), false}, {of("ab", "c"), of("b", "ac"), false}, {of("a", "bc"), of("ab", "cd"), false}, {of("a", "bcd"), of("ab", "c"), false}, {of("abc", ""), of("abd", ""), false}, {of("a", "xc"), of("ab", "c"), false}, {of("", ""), of("", ""), true}, {of("", ""), of("a", ""), false},
	} {
		assert.Equal(t, row.want, row.a.equal(row.b), "%s, %s", row.a, row.b)
		assert.Equal(t, row.want, row.b.equal(row.a), "%s, %s", row.b, row.a)
	}
}

// An entry of a CRL is found by serial number and issuer.
func TestEntriesOfACRL(t *testing.T) {
	root, ca, leaf := fixedChain()
	c, err := ParseCertificate(leaf.mint())
	require.NoError(t, err)
	directory := func(n []byte) generalName {
		d := parsed(t, n)
		return generalName{kind: kindDirectory, directory: &d}
	}
	removed := revokedEntry{removed: true}
	by := func(names ...generalName) revokedEntry { return revokedEntry{issuers: names} }
	own, foreign := parsed(t, ca.subject), parsed(t, root.subject)
	dns := generalName{kind: kindDNS}
	for name, row := range map[string]struct {
		issuer  name
		serial  []byte
		entries []revokedEntry
		want    int // index of the entry; -1: none
	}{
		"one": {own, leaf.serial, []revokedEntry{removed}, 0}, "another serial number": {own, []byte{1}, []revokedEntry{removed}, -1}, "another issuer": {foreign, leaf.serial, []revokedEntry{removed}, -1},
		"of the issuer, in the list of another": {foreign, leaf.serial, []revokedEntry{removed, by(directory(ca.subject))}, 1},
		"of another, in the issuer's list":      {own, leaf.serial, []revokedEntry{by(directory(root.subject))}, -1},
		"of another, then of the issuer":        {own, leaf.serial, []revokedEntry{by(directory(root.subject)), by(dns, directory(ca.subject))}, 1},
		"of nobody":                             {own, leaf.serial, []revokedEntry{by(dns)}, -1}, "of no one at all": {own, leaf.serial, []revokedEntry{{issuers: []generalName{}}}, -1},
		"of several": {own, leaf.serial, []revokedEntry{by(directory(root.subject), directory(ca.subject))}, 0},
	} {
		l := &revocationList{issuer: row.issuer, revoked: map[string][]revokedEntry{string(row.serial): row.entries}}
		got, found := l.find(c)
		require.Equal(t, row.want >= 0, found, name)
		if found {
			assert.Equal(t, row.entries[row.want], got, name)
		}
	}
}

// A path may hold a number of slow signatures, and ends with code 1 at the next one.
func TestNumberOfSlowSignatures(t *testing.T) {
	for n, ended := range map[int]bool{slowBudget: false, slowBudget + 1: true} {
		r := &run{now: testTime.Unix(), level: Level0, maxDepth: defaultDepth}
		_, err := r.read(slowChain(keyPool()["secp160r1"], n), nil)
		require.NoError(t, err)
		r.verify()
		last := r.faults[len(r.faults)-1]
		assert.Equal(t, ended, last.code == Unspecified, n)
		require.Len(t, r.chain, n+1)
	}
}
