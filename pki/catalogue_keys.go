package pki

import (
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var keyDefects = []Defect{
	{
		ID: "rsa-1024", Title: "RSA key of 1024 bits", Group: Keys, Level: AtLeaf,
		Clause: "NIST SP 800-131A, CA/Browser Forum BR 6.1.5", Code: 66, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "a key that is strong enough",
		InLife: "The key pair is from an old system and was signed anew again and again. At security level 2, the default of present distributions, OpenSSL asks for 112 bits of security, which are 2048 bits of RSA, and reports 66 before it looks at anything else. " +
			"Make a new key pair; renewing the certificate for the old one does not help.",
		change: ownKey(rsa1024),
	},
	{
		ID: "rsa-512", Title: "RSA key of 512 bits", Group: Keys, Level: AtLeaf,
		Clause: "NIST SP 800-131A", Code: 66, Go: GoAccepted, Handshake: HandshakeWithout,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "a key that is strong enough",
		InLife: "Export versions of the nineties were limited to 512 bits, and devices from that time made keys for their whole life. Such a key is broken within hours. OpenSSL reports 66. " +
			"Go neither signs nor verifies with less than 1024 bits, so that a sender in Go presents no certificate, and the call arrives without one.",
		change: ownKey(rsa512),
	},
	{
		ID: "rsa-1023", Title: "RSA key of 1023 bits", Group: Keys, Level: AtLeaf,
		Clause: "CA/Browser Forum BR 6.1.5", Code: 66, Go: GoAccepted, Handshake: HandshakeEnds,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "a key that is strong enough",
		InLife: "Careless key generators multiply two primes without setting their top bits, so that one key in two is a bit short of what was asked for. OpenSSL reports 66 as for 1024 bits. " +
			"Go's limit is 1024 bits exactly: a sender in Go starts the handshake, fails at its signature and hangs up.",
		change: ownKey(rsa1023),
	},
	{
		ID: "rsa-1536", Title: "RSA key of 1536 bits", Group: Keys, Level: AtLeaf,
		Clause: "NIST SP 800-131A, CA/Browser Forum BR 6.1.5", Code: 66, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "a key that is strong enough",
		InLife: "A compromise from the days when 2048 bits were slow on smart cards and routers. It is enough for security level 1 and not for 2, so it works with one server and fails with 66 at the next. " +
			"The level of the receiver decides; take at least 2048 bits.",
		change: ownKey(rsa1536),
	},
	{
		ID: "rsa-2047", Title: "RSA key of 2047 bits", Group: Keys, Level: AtLeaf,
		Clause: "CA/Browser Forum BR 6.1.5 (divisible by 8)", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "an RSA key of 2048 bits",
		InLife: "The same careless generators, asked for 2048 bits. OpenSSL takes everything from 1963 bits on for 112 bits of security and accepts. Public CAs must refuse such a key in a signing request, " +
			"so that the sender learns of it only at the next renewal.",
		change: ownKey(rsa2047),
	},
	{
		ID: "rsa-exponent-3", Title: "RSA key with exponent 3", Group: Keys, Level: AtLeaf,
		Clause: "NIST FIPS 186-5 A.1.1, CA/Browser Forum BR 6.1.6", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "a key with exponent 65537",
		InLife: "Some hardware made keys with exponent 3 to verify faster. Verifiers accept it; attacks have always needed an implementation with careless padding checks besides. " +
			"Systems in FIPS mode refuse it, which hits a sender that moves to such a platform.",
		change: ownKey(rsaExponent3),
	},
	{
		ID: "p-224", Title: "elliptic curve P-224", Group: Keys, Level: AtLeaf,
		Clause: "RFC 8446 4.2.3, CA/Browser Forum BR 6.1.5", Code: 0, Go: GoAccepted, Handshake: HandshakeWithout,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "a key on P-256",
		InLife: "P-224 has just the 112 bits that level 2 asks for, so OpenSSL's chain verification accepts it. TLS 1.3 has no signature scheme for it, and a client in Go or Java then presents nothing: the load balancer sees no certificate instead of a bad one. " +
			"Take P-256.",
		change: ownKey(p224),
	},
	{
		ID: "ed25519-key", Title: "Ed25519 key", Group: Keys, Level: AtLeaf,
		Clause: "RFC 8410, RFC 8446 4.2.3", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "an RSA or P-256 key",
		InLife: "OpenSSL and Go accept it. Whether the real load balancer does is not known; hardware modules, Java before 15 and all public CAs have no Ed25519. " +
			"It is here to find out which stations of a way can take it.",
		change: ownKey(Ed25519),
	},
	{
		ID: "rsa-pss-key", Title: "RSA key for PSS signatures only", Group: Keys, Level: AtLeaf,
		Clause: "RFC 4055 1.2, RFC 8446 4.2.3", Code: 0, Go: GoAccepted, Handshake: HandshakeEnds,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "an RSA key for any signature",
		InLife: "openssl genpkey -algorithm RSA-PSS makes keys that say in their identifier that they sign with PSS only. OpenSSL verifies them. Go reads the certificate but not the key: a server in Go ends the handshake. " +
			"Ask for an ordinary RSA key, with which TLS 1.3 signs PSS anyway.",
		change: func(s *settings) error {
			if err := ownKey(RSA2048)(s); err != nil {
				return err
			}
			s.raw.spki = forPSSOnly
			return nil
		},
	},
	{
		ID: "ec-explicit-parameters", Title: "elliptic curve written out instead of named", Group: Keys, Level: AtLeaf,
		Clause: "RFC 5480 2.1.1", Code: 94, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "the same curve by its name",
		InLife: "Old Java providers and some smart cards write the curve's parameters into the key, even where it is the common P-256. Since a forged curve made signatures forgeable on Windows in 2020, verifiers refuse that: OpenSSL with 94, Go by not parsing. " +
			"Make the key again with a named curve (openssl: -param_enc named_curve).",
		change: func(s *settings) error {
			if err := ownKey(P256)(s); err != nil {
				return err
			}
			s.raw.spki = withExplicitCurve
			return nil
		},
	},
	{
		ID: "ca-rsa-1024", Title: "issuing CA with an RSA key of 1024 bits", Group: Keys, Level: AtIntermediate,
		Clause: "NIST SP 800-131A, CA/Browser Forum BR 6.1.5", Code: 67, Depth: 1, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subjectPublicKeyInfo"}, Twin: "an issuing CA with a key that is strong enough",
		InLife: "The internal CA is older than the rules. OpenSSL has a code of its own for that, 67 in place of 66, at the depth of the CA. A new key for the sender changes nothing, " +
			"since the weak key is the one that vouches for it: the certificate must come from another CA.",
		change: func(s *settings) error {
			s.keyType = rsa1024
			return nil
		},
	},
}

// forPSSOnly changes the algorithm of an RSA key to id-RSASSA-PSS, without parameters.
func forPSSOnly(spki []byte) ([]byte, error) {
	algorithm, err := algorithmIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}, false)
	if err != nil {
		return nil, err
	}
	return withKeyAlgorithm(spki, algorithm)
}

// withExplicitCurve changes the algorithm of a P-256 key to one with the curve's parameters (SEC 1
// C.2): version, field, coefficients, base point, order, cofactor.
func withExplicitCurve(spki []byte) ([]byte, error) {
	curve := elliptic.P256().Params()
	octets := func(n *big.Int) []byte { return n.FillBytes(make([]byte, 32)) }
	a := new(big.Int).Sub(curve.P, big.NewInt(3))
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1})
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(1)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1})
				b.AddASN1BigInt(curve.P)
			})
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(octets(a))
				b.AddASN1OctetString(octets(curve.B))
			})
			b.AddASN1OctetString(append(append([]byte{4}, octets(curve.Gx)...), octets(curve.Gy)...))
			b.AddASN1BigInt(curve.N)
			b.AddASN1Int64(1)
		})
	})
	algorithm, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return withKeyAlgorithm(spki, algorithm)
}

// withKeyAlgorithm puts another algorithm before the bits of a key.
func withKeyAlgorithm(spki, algorithm []byte) ([]byte, error) {
	bits, err := keyBits(spki)
	if err != nil {
		return nil, err
	}
	if len(bits) == 0 {
		return nil, errors.New("the public key is empty")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(algorithm)
		b.AddASN1BitString(bits)
	})
	return b.Bytes()
}
