package verify

import (
	"crypto"
	"crypto/dsa"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// The vectors of RFC 8032, section 7.4: blank, and one octet.
func TestEd448(t *testing.T) {
	for _, v := range []struct{ key, message, sig string }{
		{
			"5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180", "",
			"533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980" +
				"ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600",
		},
		{
			"43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c235160627b4c3a9480", "03",
			"26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e" +
				"0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0ff3348ab21aa4adafd1d234441cf807c03a00",
		},
	} {
		key, message, sig := unhex(t, v.key), unhex(t, v.message), unhex(t, v.sig)
		assert.True(t, verifyEd448(key, message, sig))
		assert.False(t, verifyEd448(key, append(message, 1), sig), "another message")
		for _, i := range []int{0, 56, 57, 113} {
			changed := append([]byte(nil), sig...)
			changed[i] ^= 1
			assert.False(t, verifyEd448(key, message, changed), "octet %d of the signature changed", i)
		}
		assert.False(t, verifyEd448(key[1:], message, sig))
		assert.False(t, verifyEd448(key, message, sig[1:]))
	}
}

// The generic arithmetic agrees with crypto/ecdsa where both know the curve, and refuses what
// is not a signature.
func TestGenericCurve(t *testing.T) {
	for name, curve := range map[string]elliptic.Curve{oidP224: elliptic.P224(), oidP256: elliptic.P256(), oidP384: elliptic.P384(), oidP521: elliptic.P521()} {
		c := namedCurve([]byte(name))
		require.NotNil(t, c)
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(t, err)
		octets, err := key.PublicKey.Bytes()
		require.NoError(t, err)
		q, ok := c.decode(octets)
		require.True(t, ok)
		point := &curvePoint{c, q.x, q.y}
		for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA512} {
			sum := digest(hash, []byte("message"))
			der, err := ecdsa.SignASN1(rand.Reader, key, sum)
			require.NoError(t, err)
			r, s, ok := splitSignature(der)
			require.True(t, ok)
			assert.True(t, point.verifies(sum, r, s))
			assert.False(t, point.verifies(digest(hash, []byte("another")), r, s))
			assert.False(t, point.verifies(sum, s, r))
			assert.False(t, point.verifies(sum, new(big.Int), s))
			assert.False(t, point.verifies(sum, r, c.n))
			assert.False(t, (&curvePoint{curve: c}).verifies(sum, r, s), "infinity")
		}
		// Compressed and hybrid forms decode to the same point; a point beside the curve does not.
		size := (c.p.BitLen() + 7) / 8
		parity := byte(q.y.Bit(0))
		for _, form := range [][]byte{append([]byte{2 + parity}, octets[1:1+size]...), append([]byte{6 + parity}, octets[1:]...)} {
			p, ok := c.decode(form)
			require.True(t, ok)
			assert.Zero(t, p.x.Cmp(q.x))
			assert.Zero(t, p.y.Cmp(q.y))
		}
		_, ok = c.decode(append([]byte{7 - parity}, octets[1:]...))
		assert.False(t, ok, "hybrid with the wrong parity")
		octets[len(octets)-1] ^= 1
		_, ok = c.decode(octets)
		assert.False(t, ok, "not on the curve")
	}
}

// Every curve of the table is one: its base point is on it and has the order given.
func TestCurveTable(t *testing.T) {
	for id := range primeCurves {
		c := namedCurve([]byte(id))
		require.NotNil(t, c, "%x", id)
		g := jacobian{c.gx, c.gy, big.NewInt(1)}
		sum := jacobian{big.NewInt(1), big.NewInt(1), new(big.Int)}
		for i := c.n.BitLen() - 1; i >= 0; i-- {
			sum = c.double(sum)
			if c.n.Bit(i) == 1 {
				sum = c.add(sum, g)
			}
		}
		assert.Zero(t, sum.z.Sign(), "%x", id)
	}
}

// RSASSA-PSS with parameters that crypto/rsa does not take, and keys restricted to some.
func TestPSS(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ours := &rsaPublicKey{n: key.N, e: big.NewInt(int64(key.E)), std: &key.PublicKey}
	slow := &rsaPublicKey{n: key.N, e: ours.e}
	sum := digest(crypto.SHA256, []byte("message"))
	for _, salt := range []int{1, 20, 32, 190} {
		sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum, &rsa.PSSOptions{SaltLength: salt})
		require.NoError(t, err)
		for _, k := range []*rsaPublicKey{ours, slow} {
			assert.True(t, k.verifyPSS(&pssParameters{hash: crypto.SHA256, mask: crypto.SHA256, salt: salt}, sum, sig))
			assert.False(t, k.verifyPSS(&pssParameters{hash: crypto.SHA256, mask: crypto.SHA256, salt: salt + 1}, sum, sig), "salt length")
			assert.False(t, k.verifyPSS(&pssParameters{hash: crypto.SHA256, mask: crypto.SHA1, salt: salt}, sum, sig), "mask")
			assert.False(t, k.verifyPSS(&pssParameters{hash: crypto.SHA256, mask: crypto.SHA256, salt: salt}, sum[1:], sig), "digest")
			assert.False(t, k.verifyPSS(&pssParameters{hash: crypto.SHA256, mask: crypto.SHA256, salt: salt}, sum, sig[1:]), "length")
		}
	}
	defaults, ok := parsePSS(seq())
	require.True(t, ok)
	assert.Equal(t, &pssParameters{hash: crypto.SHA1, mask: crypto.SHA1, salt: 20}, defaults)
	for name, params := range map[string][]byte{
		"absent":           nil,
		"NULL":             {5, 0},
		"trailer 2":        seq(tlv(explicit(3), integer(2))),
		"negative salt":    seq(tlv(explicit(2), integer(-1))),
		"unknown digest":   seq(tlv(explicit(0), seq(oid("\x2a\x03")))),
		"mask not MGF1":    seq(tlv(explicit(1), seq(oid("\x2a\x03"), seq(oid(digestOIDs[crypto.SHA1]))))),
		"unknown element":  seq(tlv(explicit(4), integer(1))),
		"salt not INTEGER": seq(tlv(explicit(2), boolean(1))),
	} {
		_, ok := parseSignaturePSS(params)
		assert.False(t, ok, name)
	}
	restricted := &pssParameters{hash: crypto.SHA256, mask: crypto.SHA256, salt: 32}
	assert.True(t, restricted.allows(&pssParameters{hash: crypto.SHA256, mask: crypto.SHA256, salt: 33}))
	assert.False(t, restricted.allows(&pssParameters{hash: crypto.SHA256, mask: crypto.SHA256, salt: 31}))
	assert.False(t, restricted.allows(&pssParameters{hash: crypto.SHA384, mask: crypto.SHA256, salt: 32}))
	assert.False(t, restricted.allows(&pssParameters{hash: crypto.SHA256, mask: crypto.SHA384, salt: 32}))
}

// PKCS#1 with the package's own arithmetic, for keys that crypto/rsa refuses.
func TestPKCS1(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	sum := digest(crypto.SHA256, []byte("message"))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum)
	require.NoError(t, err)
	k := &rsaPublicKey{n: key.N, e: big.NewInt(int64(key.E))}
	assert.True(t, k.verifyPKCS1(crypto.SHA256, sum, sig))
	assert.False(t, k.verifyPKCS1(crypto.SHA1, sum[:20], sig))
	assert.False(t, k.verifyPKCS1(crypto.SHA256, sum, sig[1:]))
	sig[3] ^= 1
	assert.False(t, k.verifyPKCS1(crypto.SHA256, sum, sig))

	// Out of OpenSSL's bounds: nothing is computed.
	huge := new(big.Int).Lsh(big.NewInt(1), maxRSAModulus)
	_, ok := (&rsaPublicKey{n: huge, e: big.NewInt(3)}).open(make([]byte, maxRSAModulus/8+1))
	assert.False(t, ok, "modulus")
	n := new(big.Int).SetBit(big.NewInt(1), 4095, 1)
	_, ok = (&rsaPublicKey{n: n, e: new(big.Int).Lsh(big.NewInt(1), 65)}).open(make([]byte, 512))
	assert.False(t, ok, "exponent")
	_, ok = (&rsaPublicKey{n: big.NewInt(15), e: big.NewInt(17)}).open([]byte{2})
	assert.False(t, ok, "exponent larger than modulus")
}

// The strength of keys: the sizes at which OpenSSL's levels begin.
func TestStrength(t *testing.T) {
	for size, want := range map[int]int{919: 0, 920: 80, 1962: 80, 1963: 112, 2670: 112, 2671: 128, 6946: 128, 6947: 192, 13913: 192, 13914: 256} {
		assert.Equal(t, want, modulusStrength(size), size)
	}
	for size, want := range map[int]int{112: 56, 160: 80, 223: 80, 224: 112, 256: 128, 384: 192, 521: 256} {
		assert.Equal(t, want, orderStrength(size), size)
	}
}

// A key with unused bits in its BIT STRING is read with zeros there.
func TestUnusedBitsOfAKey(t *testing.T) {
	good := parsePublicKey(keyPool()["rsa2048a"].spki)
	require.NotNil(t, good)
	alg, key, ok := splitKey(keyPool()["rsa2048a"].spki)
	require.True(t, ok)
	odd := parsePublicKey(seq(seq(alg.raw), bits(1, key.octets...)))
	require.NotNil(t, odd)
	assert.Equal(t, int64(65536), odd.rsa.e.Int64(), "the last bit of 65537 is gone")
}

func TestRefusesKeys(t *testing.T) {
	for name, spki := range map[string][]byte{
		"unknown algorithm":        seq(seq(oid("\x2a\x03")), bits(0, 1)),
		"binary field":             seq(seq(oid(oidEC), oid("\x2b\x81\x04\x00\x01")), bits(0, 4, 1, 2)),
		"RSA that does not decode": seq(seq(oid(oidRSA)), bits(0, 1)),
		"Ed25519 of another size":  seq(seq(oid(oidEd25519)), bits(0, 1)),
		"Ed25519 with parameters":  seq(seq(oid(oidEd25519), []byte{5, 0}), bits(0, make([]byte, 32)...)),
		"PSS parameters":           seq(seq(oid(oidRSAPSS), seq(boolean(1))), bits(0, seq(integer(3), integer(3))...)),
		"DSA without parameters":   seq(seq(oid(oidDSA)), bits(0, integer(3)...)),
	} {
		assert.Nil(t, parsePublicKey(spki), name)
	}
	dsaKey := seq(seq(oid(oidDSA), seq(integer(23), integer(11), integer(4))), bits(0, integer(3)...))
	k := parsePublicKey(dsaKey)
	require.NotNil(t, k)
	assert.Zero(t, k.strength)
	assert.False(t, k.verifies(algorithm{oid: []byte("\x2a\x86\x48\xce\x38\x04\x03")}, nil, bitString{octets: build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(1); b.AddASN1Int64(1) })
	})}))
}

func TestDSA(t *testing.T) {
	key := newDSAKey(t)
	k := parsePublicKey(key.spki)
	require.NotNil(t, k)
	assert.Equal(t, 80, k.strength)
	sig := bitString{octets: key.sign(crypto.SHA1, false, []byte("message"))}
	alg := algorithm{oid: []byte("\x2a\x86\x48\xce\x38\x04\x03")}
	assert.True(t, k.verifies(alg, []byte("message"), sig))
	assert.False(t, k.verifies(alg, []byte("another"), sig))
	sig.unused = 1
	assert.False(t, k.verifies(alg, []byte("message"), sig))
}

// A chain that DSA keys sign, against OpenSSL.
func TestOracleDSALibrary(t *testing.T) {
	lib := startLibrary(t)
	root, intermediate, leaf := goodChain()
	key := newDSAKey(t)
	intermediate.key = key
	intermediate.set(oidSubjectKeyID, false, octets(key.id))
	leaf.signer, leaf.hash = key, crypto.SHA1
	leaf.set(oidAuthorityKeyID, false, seq(tlv(contextual(0), key.id)))
	j := job{at: testTime, trusted: [][]byte{root.mint()}, chain: [][]byte{leaf.mint(), intermediate.mint()}}
	for j.level = 0; j.level < 3; j.level++ {
		assert.Equal(t, lib.ask(t, j).String(), j.ours(t).String(), "level %d", j.level)
	}
	j.level = 0
	assert.Equal(t, "0", j.ours(t).String(), "control")
}

func newDSAKey(t testing.TB) *testKey {
	t.Helper()
	var key dsa.PrivateKey
	require.NoError(t, dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160))
	require.NoError(t, dsa.GenerateKey(&key, rand.Reader))
	number := func(n *big.Int) []byte { return build(func(b *cryptobyte.Builder) { b.AddASN1BigInt(n) }) }
	spki := seq(seq(oid(oidDSA), seq(number(key.P), number(key.Q), number(key.G))), bits(0, number(key.Y)...))
	return &testKey{
		kind: dsaKey, spki: spki, id: digest(crypto.SHA1, spki),
		sign: func(hash crypto.Hash, _ bool, message []byte) []byte {
			r, s, err := dsa.Sign(rand.Reader, &key, digest(hash, message)[:20])
			require.NoError(t, err)
			return seq(number(r), number(s))
		},
	}
}
