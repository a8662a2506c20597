package verify

import (
	"crypto"
	"crypto/dsa"
	"crypto/rand"
	"math/big"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Distribution points: what a fragment is relative to, and what one that stands for nothing does to
// those behind it.
func TestDistributionPoints(t *testing.T) {
	issuer, other := dnOf(text(oidCommonName, "CA")), dnOf(text(oidCommonName, "other"))
	fragment := func(value string) []byte {
		return tlv(explicit(0), tlv(explicit(1), seq(oid(oidCommonName), tlv(tagUTF8String, []byte(value)))))
	}
	full := tlv(explicit(0), tlv(explicit(0), ia5(kindURI, "x")))
	by := func(names ...[]byte) []byte { return tlv(explicit(2), names...) }
	directory := general(kindDirectory, other)
	nothing := seq(tlv(contextual(1), []byte{0}))
	read := func(points ...[]byte) ([]distributionPoint, bool) {
		return readDistributionPoints(seq(points...), parsed(t, issuer))
	}
	name := func(base []byte, value string) relativeName {
		rdn := parsed(t, dnOf(text(oidCommonName, value)))
		return relativeName{base: parsed(t, base).canonical, rdn: rdn.canonical}
	}
	for about, row := range map[string]struct {
		points   [][]byte
		valid    bool
		reasons  []uint16
		relative map[int]relativeName
	}{
		"full":                            {[][]byte{seq(full)}, true, []uint16{allReasons}, nil},
		"relative to the issuer":          {[][]byte{seq(fragment("a"))}, true, []uint16{allReasons}, map[int]relativeName{0: name(issuer, "a")}},
		"relative to a CRL issuer":        {[][]byte{seq(fragment("a"), by(directory))}, true, []uint16{allReasons}, map[int]relativeName{0: name(other, "a")}},
		"relative to the first directory": {[][]byte{seq(fragment("a"), by(ia5(kindDNS, "x"), directory, general(kindDirectory, issuer)))}, true, []uint16{allReasons}, map[int]relativeName{0: name(other, "a")}},
		"issuer without a directory":      {[][]byte{seq(fragment("a"), by(ia5(kindDNS, "x")))}, true, []uint16{allReasons}, map[int]relativeName{0: name(issuer, "a")}},
		"some reasons":                    {[][]byte{seq(full, tlv(contextual(1), []byte{1, 0x60})), seq(full, tlv(contextual(1), []byte{7, 0xff, 0xff})), seq(full, tlv(contextual(1), []byte{0}))}, true, []uint16{0x60, 0x807f, 0}, nil},
		"neither name nor issuer":         {[][]byte{seq(full), nothing, seq(fragment("a")), seq(full)}, false, []uint16{allReasons, 0, 0, 0}, nil},
		"an issuer only":                  {[][]byte{seq(by(directory))}, true, []uint16{allReasons}, nil},
		"an empty issuer only":            {[][]byte{seq(by()), seq(full)}, false, []uint16{0, 0}, nil},
		"a fragment that is no string":    {[][]byte{seq(fragment("\xff")), seq(fragment("a")), seq(full)}, true, []uint16{allReasons, 0, 0}, nil},
		"none":                            {nil, true, nil, nil},
	} {
		all, valid := read(row.points...)
		assert.Equal(t, row.valid, valid, about)
		require.Len(t, all, len(row.reasons), about)
		for i, p := range all {
			assert.Equal(t, row.reasons[i], p.reasons, "%s: %d", about, i)
			want, resolved := row.relative[i]
			assert.Equal(t, resolved, p.resolved, "%s: %d", about, i)
			if resolved {
				assert.True(t, want.equal(p.relative), "%s: %d", about, i)
			}
		}
	}
	for about, der := range map[string][]byte{
		"no list": integer(1), "a point that is none": seq(integer(1)), "a name that is none": seq(seq(tlv(explicit(0), integer(1)))), "two names": seq(seq(tlv(explicit(0), tlv(explicit(0)), tlv(explicit(0))))),
		"a fragment that is none": seq(seq(tlv(explicit(0), tlv(explicit(1), integer(1))))), "reasons that are none": seq(seq(full, tlv(contextual(1)))), "an issuer that is none": seq(seq(full, tlv(explicit(2), integer(1)))), "more": seq(seq(full, integer(1))),
		"a general name that is none": seq(seq(tlv(explicit(0), tlv(explicit(0), integer(1))))),
	} {
		_, ok := readDistributionPoints(der, parsed(t, issuer))
		assert.False(t, ok, about)
	}
}

// Names of distribution points that have one in common.
func TestPointsInCommon(t *testing.T) {
	a, b := generalName{kind: kindURI, value: []byte("a")}, generalName{kind: kindURI, value: []byte("b")}
	of := func(names ...generalName) distributionPoint { return distributionPoint{hasName: true, full: names} }
	directory := func(rdns ...[]rdnPart) generalName {
		n := parsed(t, dnOf(rdns...))
		return generalName{kind: kindDirectory, directory: &n}
	}
	relative := func(base, rdn string, resolved bool) distributionPoint {
		n := relativeName{base: parsed(t, dnOf(text(oidCommonName, base))).canonical, rdn: parsed(t, dnOf(text(oidCommonName, rdn))).canonical}
		return distributionPoint{hasName: true, isRelative: true, resolved: resolved, relative: n}
	}
	both := of(directory(text(oidCommonName, "x"), text(oidCommonName, "y")))
	for name, row := range map[string]struct {
		p, q distributionPoint
		want bool
	}{
		"no names": {distributionPoint{}, distributionPoint{}, true}, "one without": {of(a), distributionPoint{}, true}, "the same": {of(a), of(a), true}, "another": {of(a), of(b), false}, "the second": {of(a, b), of(b), true}, "empty": {of(), of(a), false},
		"relative, the same": {relative("x", "y", true), relative("x", "y", true), true}, "relative, another": {relative("x", "y", true), relative("x", "z", true), false}, "relative, unresolved": {relative("x", "y", false), relative("x", "y", true), false},
		"relative and full": {relative("x", "y", true), both, true}, "relative and another full": {relative("x", "z", true), both, false}, "relative and second full": {relative("x", "y", true), of(a, both.full[0]), true}, "relative and URI": {relative("x", "y", true), of(a), false}, "unresolved and full": {relative("x", "y", false), both, false},
		"another kind": {of(generalName{kind: kindDNS, value: []byte("a")}), of(a), false}, "directories": {both, of(directory(text(oidCommonName, "X"), text(oidCommonName, "y"))), true}, "other directories": {both, of(directory(text(oidCommonName, "x"))), false},
		"other values": {of(generalName{kind: kindOther, value: []byte("a"), other: []byte("1")}), of(generalName{kind: kindOther, value: []byte("a"), other: []byte("2")}), false},
	} {
		assert.Equal(t, row.want, row.p.overlaps(&row.q), name)
		assert.Equal(t, row.want, row.q.overlaps(&row.p), "%s, the other way round", name)
	}
}

// What makes a certificate invalid: nobody's issuer, and issued by nobody.
func TestInvalidExtensions(t *testing.T) {
	proxy := extItem{oidProxyInfo, true, seq(seq(oid("\x2b\x06\x01\x05\x05\x07\x15\x01")))}
	ca := extItem{oidBasicConstraints, true, seq(boolean(0xff))}
	user := extItem{oidBasicConstraints, true, seq()}
	alt := extItem{oidSubjectAltName, false, seq(ia5(kindDNS, "x"))}
	issuer := extItem{oidIssuerAltName, false, seq(ia5(kindDNS, "x"))}
	usage := extItem{oidKeyUsage, true, bits(7, usageDigitalSignature)}
	for name, row := range map[string]struct {
		exts []extItem
		want bool
	}{
		"none": {nil, false}, "a proxy": {[]extItem{proxy}, false}, "a proxy that is no CA": {[]extItem{proxy, user}, false}, "a proxy that is a CA": {[]extItem{proxy, ca}, true}, "a proxy with another name": {[]extItem{proxy, alt}, true},
		"a proxy with another issuer": {[]extItem{proxy, issuer}, true}, "a CA with other names": {[]extItem{ca, alt, issuer}, false}, "key usage twice": {[]extItem{usage, usage}, true}, "issuer names twice": {[]extItem{issuer, issuer}, false}, "three times": {[]extItem{usage, usage, usage}, true},
		"issuer names that are none": {[]extItem{{oidIssuerAltName, false, []byte{1}}}, false}, "names that are none": {[]extItem{{oidSubjectAltName, false, []byte{1}}}, true}, "unknown ones twice": {[]extItem{{"\x2a\x03", false, nil}, {"\x2a\x03", false, nil}}, false},
	} {
		root, _, _ := fixedChain()
		root.exts = row.exts
		c, err := ParseCertificate(root.mint())
		require.NoError(t, err)
		assert.Equal(t, row.want, c.info().invalid, name)
		assert.Equal(t, slices.ContainsFunc(row.exts, func(e extItem) bool { return e.oid == oidProxyInfo }), c.info().proxy, name)
	}
}

// DSA with orders of each size: OpenSSL verifies with those of FIPS 186-4 only.
func TestOrdersOfDSA(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(8, 8))
	one := big.NewInt(1)
	for size, want := range map[int]bool{152: false, 160: true, 168: false, 224: true, 232: false, 256: true, 264: false} {
		q := pseudoRandom(rng, size)
		for !q.ProbablyPrime(10) {
			q.Add(q, big.NewInt(2))
		}
		p, k := new(big.Int), new(big.Int).Lsh(one, uint(511-size))
		for p.Add(p.Mul(q, k), one); !p.ProbablyPrime(10); p.Add(p.Mul(q, k), one) {
			k.Add(k, one)
		}
		key := &dsa.PrivateKey{PublicKey: dsa.PublicKey{Parameters: dsa.Parameters{P: p, Q: q, G: new(big.Int).Exp(big.NewInt(2), k, p)}}}
		require.NoError(t, dsa.GenerateKey(key, rand.Reader))
		sum := digest(crypto.SHA256, []byte("message"))
		r, s, err := dsa.Sign(rand.Reader, key, sum[:min(len(sum), size/8)])
		require.NoError(t, err)
		ours := &publicKey{kind: dsaKey, dsa: &key.PublicKey}
		assert.Equal(t, want, ours.verifyDSA(sum, r, s), size)
		assert.False(t, ours.verifyDSA(digest(crypto.SHA256, []byte("another")), r, s), size)
		negative := &publicKey{kind: dsaKey, dsa: &dsa.PublicKey{Parameters: dsa.Parameters{P: new(big.Int), Q: q, G: key.G}, Y: key.Y}}
		assert.False(t, negative.verifyDSA(sum, r, s), "no modulus")
	}
}
