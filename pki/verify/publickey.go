package verify

import (
	"crypto/dsa"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// keyKind is the kind of a public key, and what a signature algorithm asks for.
type keyKind uint8

const (
	noKey keyKind = iota
	rsaKey
	rsaPSSKey // a key restricted to RSASSA-PSS
	ecKey
	ed25519Key
	ed448Key
	dsaKey
	otherKey // no signatures that certificates carry: X25519, X448, SM2
)

// publicKey is a decoded public key.
type publicKey struct {
	kind keyKind
	// strength is OpenSSL's EVP_PKEY_get_security_bits.
	strength int
	// explicit: an EC key with parameters instead of the name of a curve.
	explicit bool

	rsa *rsaPublicKey
	pss *pssParameters // restrictions of an RSA-PSS key; nil: none
	// nist is the point of an EC key on a curve that crypto/ecdsa has, uncompressed and known to
	// be on it. ecdsa is the same key, made when a signature is to be verified.
	nist  []byte
	curve elliptic.Curve
	ecdsa *ecdsa.PublicKey
	point *curvePoint // an EC key on a curve that crypto/ecdsa does not have
	edwds []byte      // Ed25519, Ed448
	dsa   *dsa.PublicKey
}

// rsaPublicKey keeps the numbers as they are, since crypto/rsa refuses some that OpenSSL takes.
type rsaPublicKey struct {
	n, e *big.Int
	// std is the same key for crypto/rsa; nil if it is outside of its limits.
	std *rsa.PublicKey
}

const (
	oidRSA         = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
	oidRSAPSS      = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
	oidEC          = "\x2a\x86\x48\xce\x3d\x02\x01"
	oidDSA         = "\x2a\x86\x48\xce\x38\x04\x01"
	oidX25519      = "\x2b\x65\x6e"
	oidX448        = "\x2b\x65\x6f"
	oidEd25519     = "\x2b\x65\x70"
	oidEd448       = "\x2b\x65\x71"
	oidP224        = "\x2b\x81\x04\x00\x21"
	oidP256        = "\x2a\x86\x48\xce\x3d\x03\x01\x07"
	oidP384        = "\x2b\x81\x04\x00\x22"
	oidP521        = "\x2b\x81\x04\x00\x23"
	oidSM2         = "\x2a\x81\x1c\xcf\x55\x01\x82\x2d"
	oidPrimeField  = "\x2a\x86\x48\xce\x3d\x01\x01"
	maxRSAModulus  = 16384
	smallRSA       = 3072 // above, OpenSSL takes exponents of at most 64 bits
	maxFieldBits   = 661
	maxDSAModulus  = 10000
	maxKeyIntegers = 1 << 16 // octets; nothing larger is decoded
)

// parsePublicKey decodes a SubjectPublicKeyInfo. It returns nil for a key that OpenSSL does not
// decode, and for the kinds named in Limits.
func parsePublicKey(spki cryptobyte.String) *publicKey {
	alg, bits, ok := splitKey(spki)
	if !ok {
		return nil
	}
	return decodeKey(alg, bits, false)
}

// decodeKey is parsePublicKey for a key that is taken apart. signer tells that a signature of it will
// probably be verified; it decides only when the work is done.
func decodeKey(alg algorithm, bits bitString, signer bool) *publicKey {
	if len(bits.octets) > maxKeyIntegers {
		return nil
	}
	key := bits.masked()
	switch string(alg.oid) {
	case oidRSA:
		return parseRSA(rsaKey, key)
	case oidRSAPSS:
		k := parseRSA(rsaPSSKey, key)
		if k != nil && alg.params != nil {
			pss, ok := parsePSS(alg.params)
			if !ok {
				return nil
			}
			k.pss = pss
		}
		return k
	case oidEC:
		return parseEC(alg.params, key, signer)
	case oidDSA:
		return parseDSA(alg.params, key)
	case oidEd25519:
		return parseFixed(ed25519Key, alg, key, ed25519.PublicKeySize, 128)
	case oidEd448:
		return parseFixed(ed448Key, alg, key, ed448Size, 224)
	case oidX25519:
		return parseFixed(otherKey, alg, key, 32, 128)
	case oidX448:
		return parseFixed(otherKey, alg, key, 56, 224)
	default:
		return nil
	}
}

func parseFixed(kind keyKind, alg algorithm, key []byte, size, strength int) *publicKey {
	if alg.params != nil || len(key) != size {
		return nil
	}
	return &publicKey{kind: kind, strength: strength, edwds: key}
}

// readBigNumber reads an INTEGER as OpenSSL's BIGNUM fields are read: the sign is ignored.
func readBigNumber(s *cryptobyte.String) (*big.Int, bool) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.INTEGER) {
		return nil, false
	}
	return new(big.Int).SetBytes(content), true
}

func parseRSA(kind keyKind, der cryptobyte.String) *publicKey {
	var s cryptobyte.String
	if !der.ReadASN1(&s, asn1.SEQUENCE) {
		return nil
	}
	n, ok := readBigNumber(&s)
	if !ok {
		return nil
	}
	e, ok := readBigNumber(&s)
	if !ok || !s.Empty() {
		return nil
	}
	k := &rsaPublicKey{n: n, e: e}
	size := n.BitLen()
	if size >= 1024 && size <= 8192 && n.Bit(0) == 1 &&
		e.Bit(0) == 1 && e.BitLen() > 1 && e.BitLen() < 32 && e.Int64() <= math.MaxInt32 {
		k.std = &rsa.PublicKey{N: n, E: int(e.Int64())}
	}
	return &publicKey{kind: kind, strength: modulusStrength(size), rsa: k}
}

// modulusStrength is the security of a modulus of that many bits, as OpenSSL computes it; the
// steps between the levels are left out.
func modulusStrength(size int) int {
	switch {
	case size >= 13914:
		return 256
	case size >= 6947:
		return 192
	case size >= 2671:
		return 128
	case size >= 1963:
		return 112
	case size >= 920:
		return 80
	default:
		return 0
	}
}

// orderStrength is the security of a group whose order has that many bits.
func orderStrength(size int) int {
	switch {
	case size >= 512:
		return 256
	case size >= 384:
		return 192
	case size >= 256:
		return 128
	case size >= 224:
		return 112
	case size >= 160:
		return 80
	default:
		return size / 2
	}
}

func parseEC(params cryptobyte.String, point []byte, signer bool) *publicKey {
	if params.PeekASN1Tag(asn1.OBJECT_IDENTIFIER) {
		oid, ok := readOID(&params, asn1.OBJECT_IDENTIFIER)
		if !ok {
			return nil
		}
		switch string(oid) {
		case oidP256:
			return parseStandardEC(elliptic.P256(), ecdh.P256(), point, signer)
		case oidP384:
			return parseStandardEC(elliptic.P384(), ecdh.P384(), point, signer)
		case oidP521:
			return parseStandardEC(elliptic.P521(), ecdh.P521(), point, signer)
		case oidP224:
			return parseStandardEC(elliptic.P224(), nil, point, signer)
		}
		c := namedCurve(oid)
		if c == nil {
			return nil
		}
		k := parseGenericEC(c, point)
		if k != nil && string(oid) == oidSM2 {
			k.kind = otherKey
		}
		return k
	}
	c := parseCurve(params)
	if c == nil {
		return nil
	}
	k := parseGenericEC(c, point)
	switch {
	case k == nil:
	case c.same(namedCurve([]byte(oidSM2))):
		k.kind = otherKey // OpenSSL knows the curve by its numbers, and takes the key for one of SM2
	default:
		k.explicit = true
	}
	return k
}

// parseStandardEC reads a point. checker, which may be nil, tells in less time than curve whether
// it is on the curve: most keys are never asked for a signature.
func parseStandardEC(curve elliptic.Curve, checker ecdh.Curve, point []byte, signer bool) *publicKey {
	if uncompressed := uncompress(curve, point); uncompressed != nil {
		point = uncompressed
		k := &publicKey{kind: ecKey, strength: orderStrength(curve.Params().N.BitLen()), nist: point, curve: curve}
		on := false
		switch {
		case signer || checker == nil:
			on = k.standard() != nil
		case curve == elliptic.P256(): // nearly all
			on = onP256(point)
		default:
			_, err := checker.NewPublicKey(point)
			on = err == nil
		}
		if !on {
			return nil
		}
		return k
	}
	// Infinity, and what is no point.
	p := curve.Params()
	a := new(big.Int).Sub(p.P, big.NewInt(3))
	generic := &primeCurve{p: p.P, a: a, b: p.B, gx: p.Gx, gy: p.Gy, n: p.N}
	return parseGenericEC(generic, point)
}

func parseGenericEC(c *primeCurve, point []byte) *publicKey {
	p, ok := c.decode(point)
	if !ok {
		return nil
	}
	return &publicKey{
		kind: ecKey, strength: orderStrength(c.n.BitLen()),
		point: &curvePoint{curve: c, x: p.x, y: p.y},
	}
}

// uncompress returns a point in uncompressed form; nil for one that is in no form, is infinity, or
// has no second coordinate. It need not be on the curve.
func uncompress(curve elliptic.Curve, point []byte) []byte {
	size := (curve.Params().BitSize + 7) / 8
	switch {
	case len(point) == 1+2*size && point[0] == 4:
		return point
	case len(point) == 1+2*size && (point[0] == 6 || point[0] == 7) && point[0]&1 == point[2*size]&1: // hybrid
		return append([]byte{4}, point[1:]...)
	case len(point) == 1+size && (point[0] == 2 || point[0] == 3):
		x, y := elliptic.UnmarshalCompressed(curve, point)
		if x == nil {
			return nil
		}
		point = make([]byte, 1+2*size)
		point[0] = 4
		x.FillBytes(point[1 : 1+size])
		y.FillBytes(point[1+size:])
		return point
	}
	return nil
}

// standard returns the key for crypto/ecdsa; nil if it is none of its keys.
func (k *publicKey) standard() *ecdsa.PublicKey {
	if k.ecdsa == nil && k.nist != nil {
		k.ecdsa, _ = ecdsa.ParseUncompressedPublicKey(k.curve, k.nist)
	}
	return k.ecdsa
}

// parseDSA decodes a DSA key with parameters of its own. One that inherits them from its
// issuer is not supported.
func parseDSA(params, key cryptobyte.String) *publicKey {
	var s cryptobyte.String
	if !params.ReadASN1(&s, asn1.SEQUENCE) {
		return nil
	}
	pub := new(dsa.PublicKey)
	for _, to := range []**big.Int{&pub.P, &pub.Q, &pub.G} {
		var ok bool
		if *to, ok = readBigNumber(&s); !ok {
			return nil
		}
	}
	y, ok := readBigNumber(&key)
	if !ok || !s.Empty() {
		return nil
	}
	pub.Y = y
	strength := 0
	switch size := pub.P.BitLen(); {
	case size >= 15360:
		strength = 256
	case size >= 7680:
		strength = 192
	case size >= 3072:
		strength = 128
	case size >= 2048:
		strength = 112
	case size >= 1024:
		strength = 80
	}
	if half := pub.Q.BitLen() / 2; half < 80 {
		strength = 0
	} else {
		strength = min(strength, half)
	}
	return &publicKey{kind: dsaKey, strength: strength, dsa: pub}
}
