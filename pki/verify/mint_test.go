package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The builder here makes certificates octet by octet, so that it can make broken ones.

// build makes DER.
func build(f func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

// tlv is one element.
func tlv(tag asn1.Tag, content ...[]byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(tag, func(b *cryptobyte.Builder) {
			for _, c := range content {
				b.AddBytes(c)
			}
		})
	})
}

func seq(content ...[]byte) []byte { return tlv(asn1.SEQUENCE, content...) }
func oid(content string) []byte    { return tlv(asn1.OBJECT_IDENTIFIER, []byte(content)) }
func octets(b []byte) []byte       { return tlv(asn1.OCTET_STRING, b) }
func bits(unused byte, b ...byte) []byte {
	return tlv(asn1.BIT_STRING, []byte{unused}, b)
}
func integer(n int64) []byte {
	return build(func(b *cryptobyte.Builder) { b.AddASN1Int64(n) })
}
func boolean(b byte) []byte { return tlv(asn1.BOOLEAN, []byte{b}) }

// rdnPart is one attribute of a name under construction.
type rdnPart struct {
	oid   string
	tag   asn1.Tag
	value []byte
}

// dnOf makes a name: each argument is an RDN.
func dnOf(rdns ...[]rdnPart) []byte {
	var sets [][]byte
	for _, rdn := range rdns {
		var parts [][]byte
		for _, p := range rdn {
			parts = append(parts, seq(oid(p.oid), tlv(p.tag, p.value)))
		}
		sets = append(sets, tlv(asn1.SET, parts...))
	}
	return seq(sets...)
}

func text(oid, value string) []rdnPart {
	return []rdnPart{{oid, tagUTF8String, []byte(value)}}
}

// simpleName is "C=DE, O=Example, CN=cn".
func simpleName(cn string) []byte {
	return dnOf([]rdnPart{{"\x55\x04\x06", tagPrintableString, []byte("DE")}}, text("\x55\x04\x0a", "Example"), text(oidCommonName, cn))
}

// ext is one extension.
func ext(oidText string, critical bool, value []byte) []byte {
	if critical {
		return seq(oid(oidText), boolean(0xff), octets(value))
	}
	return seq(oid(oidText), octets(value))
}

// testKey is a key pair for minting.
type testKey struct {
	name string
	kind keyKind
	spki []byte
	id   []byte // subject key identifier
	sign func(hash crypto.Hash, pss bool, message []byte) []byte
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// saltFor is short enough for RSA 1024 with SHA-512.
func saltFor(hash crypto.Hash) int { return min(hash.Size(), 48) }

func newRSAKey(size int) *testKey {
	key := must(rsa.GenerateKey(rand.Reader, size))
	return &testKey{
		kind: rsaKey, spki: must(x509.MarshalPKIXPublicKey(&key.PublicKey)),
		sign: func(hash crypto.Hash, pss bool, message []byte) []byte {
			if pss {
				return must(rsa.SignPSS(rand.Reader, key, hash, digest(hash, message), &rsa.PSSOptions{SaltLength: saltFor(hash)}))
			}
			return must(rsa.SignPKCS1v15(nil, key, 0, digestInfo(hash, digest(hash, message))))
		},
	}
}

func newECKey(curve elliptic.Curve) *testKey {
	key := must(ecdsa.GenerateKey(curve, rand.Reader))
	return &testKey{
		kind: ecKey, spki: must(x509.MarshalPKIXPublicKey(&key.PublicKey)),
		sign: func(hash crypto.Hash, _ bool, message []byte) []byte {
			return must(ecdsa.SignASN1(rand.Reader, key, digest(hash, message)))
		},
	}
}

func newEd25519Key() *testKey {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return &testKey{
		kind: ed25519Key, spki: must(x509.MarshalPKIXPublicKey(pub)),
		sign: func(_ crypto.Hash, _ bool, message []byte) []byte { return ed25519.Sign(key, message) },
	}
}

// newCurveKey makes a key on one of the curves that crypto/elliptic does not have, with the
// curve named or with explicit parameters.
func newCurveKey(curveOID string, explicit bool) *testKey {
	c := namedCurve([]byte(curveOID))
	d := new(big.Int).Add(must(rand.Int(rand.Reader, new(big.Int).Sub(c.n, big.NewInt(1)))), big.NewInt(1))
	q := c.times(d)
	size := (c.p.BitLen() + 7) / 8
	point := append([]byte{4}, q.x.FillBytes(make([]byte, size))...)
	point = append(point, q.y.FillBytes(make([]byte, size))...)
	params := oid(curveOID)
	if explicit {
		params = must(hex.DecodeString(primeCurves[curveOID]))
	}
	return &testKey{
		kind: ecKey, spki: seq(seq(oid(oidEC), params), bits(0, point...)),
		sign: func(hash crypto.Hash, _ bool, message []byte) []byte {
			return c.sign(d, digest(hash, message))
		},
	}
}

// times is the base point taken k times.
func (c *primeCurve) times(k *big.Int) affine {
	sum := jacobian{big.NewInt(1), big.NewInt(1), new(big.Int)}
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = c.double(sum)
		if k.Bit(i) == 1 {
			sum = c.add(sum, jacobian{c.gx, c.gy, big.NewInt(1)})
		}
	}
	inverse := new(big.Int).ModInverse(sum.z, c.p)
	square := c.mul(inverse, inverse)
	return affine{c.mul(sum.x, square), c.mul(sum.y, c.mul(square, inverse))}
}

func (c *primeCurve) sign(d *big.Int, sum []byte) []byte {
	e := new(big.Int).SetBytes(sum)
	if excess := 8*len(sum) - c.n.BitLen(); excess > 0 {
		e.Rsh(e, uint(excess))
	}
	for {
		k := must(rand.Int(rand.Reader, c.n))
		if k.Sign() == 0 {
			continue
		}
		r := c.times(k).x
		r.Mod(r, c.n)
		s := new(big.Int).Mul(r, d)
		s.Add(s, e).Mul(s, new(big.Int).ModInverse(k, c.n)).Mod(s, c.n)
		if r.Sign() != 0 && s.Sign() != 0 {
			return build(func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1BigInt(r)
					b.AddASN1BigInt(s)
				})
			})
		}
	}
}

// keyPool are keys of every kind, made once.
var keyPool = sync.OnceValue(func() map[string]*testKey {
	pool := map[string]*testKey{
		"rsa2048a": newRSAKey(2048), "rsa2048b": newRSAKey(2048), "rsa1024": newRSAKey(1024), "rsa1536": newRSAKey(1536),
		"p224": newECKey(elliptic.P224()), "p384": newECKey(elliptic.P384()), "p521": newECKey(elliptic.P521()),
		"ed25519a": newEd25519Key(), "ed25519b": newEd25519Key(),
		"secp256k1":       newCurveKey("\x2b\x81\x04\x00\x0a", false),
		"secp160r1":       newCurveKey("\x2b\x81\x04\x00\x08", false),
		"brainpoolP256r1": newCurveKey("\x2b\x24\x03\x03\x02\x08\x01\x01\x07", false),
		"explicit":        newCurveKey(oidP256, true),
	}
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		pool["p256"+n] = newECKey(elliptic.P256())
	}
	for name, k := range pool {
		k.name = name
		k.id = digest(crypto.SHA1, k.spki)
	}
	return pool
})

var keyNames = sync.OnceValue(func() []string {
	var names []string
	for name := range keyPool() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
})

// algorithmFor is the AlgorithmIdentifier of a signature.
func algorithmFor(kind keyKind, hash crypto.Hash, pss bool) []byte {
	if kind == ed25519Key {
		return seq(oid(oidEd25519))
	}
	if pss && kind == rsaKey {
		h := seq(oid(digestOIDs[hash]), []byte{5, 0})
		return seq(oid(oidRSAPSS), seq(
			tlv(explicit(0), h), tlv(explicit(1), seq(oid(oidMGF1), h)), tlv(explicit(2), integer(int64(saltFor(hash))))))
	}
	for id, a := range signatureAlgorithms {
		if a.key == kind && a.hash == hash && !a.unrated && id != "\x2b\x0e\x03\x02\x03" && id != "\x2b\x0e\x03\x02\x1d" {
			if kind == rsaKey {
				return seq(oid(id), []byte{5, 0})
			}
			return seq(oid(id))
		}
	}
	panic("no such algorithm")
}

// timeText is a time as it will stand in a certificate.
type timeText struct {
	tag  asn1.Tag
	text string
}

func utcTime(t time.Time) timeText {
	if y := t.Year(); y >= 2050 || y < 1950 {
		return timeText{asn1.GeneralizedTime, t.UTC().Format("20060102150405Z")}
	}
	return timeText{asn1.UTCTime, t.UTC().Format("060102150405Z")}
}

func (t timeText) der() []byte { return tlv(t.tag, []byte(t.text)) }

// extItem is an extension under construction.
type extItem struct {
	oid      string
	critical bool
	value    []byte
}

// mintable describes a certificate to be minted.
type mintable struct {
	version             int // 0 is v1
	serial              []byte
	subject, issuer     []byte
	notBefore, notAfter timeText
	key, signer         *testKey
	spki                []byte // instead of the key's
	hash                crypto.Hash
	pss                 bool
	exts                []extItem
	innerAlg, outerAlg  []byte // instead of what fits the signer
	corrupt             bool   // the signature
	unused              byte   // bits of the signature
}

func (m *mintable) set(oid string, critical bool, value []byte) {
	m.drop(oid)
	m.exts = append(m.exts, extItem{oid, critical, value})
}

func (m *mintable) drop(oid string) {
	m.exts = slices.DeleteFunc(m.exts, func(e extItem) bool { return e.oid == oid })
}

// mint signs the certificate.
func (m *mintable) mint() []byte {
	if m.signer.kind == ecKey && !slices.Contains([]crypto.Hash{crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512}, m.hash) {
		m.hash = crypto.SHA256 // defects that came together: a digest for RSA, an EC key
	}
	alg := algorithmFor(m.signer.kind, m.hash, m.pss)
	inner, outer := alg, alg
	if m.innerAlg != nil {
		inner = m.innerAlg
	}
	if m.outerAlg != nil {
		outer = m.outerAlg
	}
	spki := m.spki
	if spki == nil {
		spki = m.key.spki
	}
	var parts [][]byte
	if m.version != 0 {
		parts = append(parts, tlv(explicit(0), integer(int64(m.version))))
	}
	parts = append(parts, tlv(asn1.INTEGER, m.serial), inner, m.issuer,
		seq(m.notBefore.der(), m.notAfter.der()), m.subject, spki)
	if len(m.exts) > 0 {
		var all [][]byte
		for _, e := range m.exts {
			all = append(all, ext(e.oid, e.critical, e.value))
		}
		parts = append(parts, tlv(explicit(3), seq(all...)))
	}
	tbs := seq(parts...)
	sig := m.signer.sign(m.hash, m.pss && m.signer.kind == rsaKey, tbs)
	if m.corrupt {
		sig = slices.Clone(sig)
		sig[len(sig)-1] ^= 1
	}
	return seq(tbs, outer, bits(m.unused, sig...))
}

// testTime is when the certificates of the tests are looked at.
var testTime = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func serialOf(n uint64) []byte {
	b := new(big.Int).SetUint64(n).Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return b
}

// caTemplate and leafTemplate are good certificates to begin with.
func caTemplate(subject, issuer []byte, key, signer *testKey, rng *mathrand.Rand) *mintable {
	m := &mintable{
		version: 2, serial: serialOf(rng.Uint64() >> 1), subject: subject, issuer: issuer, key: key, signer: signer,
		notBefore: utcTime(testTime.AddDate(-1, 0, 0)), notAfter: utcTime(testTime.AddDate(5, 0, 0)), hash: crypto.SHA256,
	}
	m.set(oidBasicConstraints, true, seq(boolean(0xff)))
	m.set(oidKeyUsage, true, bits(1, usageCertSign|usageCRLSign))
	m.set(oidSubjectKeyID, false, octets(key.id))
	m.set(oidAuthorityKeyID, false, seq(tlv(contextual(0), signer.id)))
	return m
}

func leafTemplate(subject, issuer []byte, key, signer *testKey, rng *mathrand.Rand) *mintable {
	m := caTemplate(subject, issuer, key, signer, rng)
	m.drop(oidBasicConstraints)
	m.set(oidKeyUsage, true, bits(7, usageDigitalSignature))
	m.set(oidExtKeyUsage, false, seq(oid(oidClientAuth)))
	return m
}

// goodChain is root, intermediate and leaf on P-256 keys.
func goodChain() (root, intermediate, leaf *mintable) {
	pool, rng := keyPool(), mathrand.New(mathrand.NewPCG(1, 2))
	rootName, caName := simpleName("Example Root CA"), simpleName("Example Issuing CA")
	root = caTemplate(rootName, rootName, pool["p256a"], pool["p256a"], rng)
	intermediate = caTemplate(caName, rootName, pool["p256b"], pool["p256a"], rng)
	leaf = leafTemplate(simpleName("sender.example"), caName, pool["p256c"], pool["p256b"], rng)
	return root, intermediate, leaf
}

// crlOf is a good CRL of an authority, with the serial numbers that are revoked.
func crlOf(a *authority, this, next time.Time, revoked ...[]byte) []byte {
	alg := algorithmFor(a.key.kind, crypto.SHA256, false)
	parts := [][]byte{integer(1), alg, a.name, utcTime(this).der(), utcTime(next).der()}
	if len(revoked) > 0 {
		entries := make([][]byte, len(revoked))
		for i, serial := range revoked {
			entries[i] = seq(tlv(asn1.INTEGER, serial), utcTime(this).der())
		}
		parts = append(parts, seq(entries...))
	}
	tbs := seq(parts...)
	return seq(tbs, alg, bits(0, a.key.sign(crypto.SHA256, false, tbs)...))
}
