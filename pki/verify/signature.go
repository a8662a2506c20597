package verify

import (
	"bytes"
	"crypto"
	"crypto/dsa"
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // registered: old signatures are verified before they are refused
	"crypto/rsa"
	_ "crypto/sha1" // see above
	"crypto/sha256"
	_ "crypto/sha3"   // registered for crypto.Hash
	_ "crypto/sha512" // registered for crypto.Hash
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	_ "golang.org/x/crypto/ripemd160" //nolint:staticcheck // OpenSSL verifies it
)

// signatureAlgorithm is what an algorithm identifier of a signature stands for.
type signatureAlgorithm struct {
	key keyKind
	// hash is 0 where the key's kind decides (Ed25519, Ed448, PSS), and where OpenSSL knows
	// the identifier but has no such digest, as with MD2: see known.
	hash crypto.Hash
	// unrated: OpenSSL verifies with its default digest but knows no strength of it, so that
	// the signature is too weak above level 0.
	unrated bool
}

// signatureAlgorithms are the identifiers that OpenSSL 3.0 assigns to a kind of key.
var signatureAlgorithms = map[string]signatureAlgorithm{
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02": {key: rsaKey}, // MD2
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x03": {key: rsaKey}, // MD4: in the legacy provider only
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04": {key: rsaKey, hash: crypto.MD5},
	"\x2b\x0e\x03\x02\x03":                 {key: rsaKey, hash: crypto.MD5},
	"\x2b\x0e\x03\x02\x0f":                 {key: rsaKey}, // SHA
	"\x55\x08\x03\x64":                     {key: rsaKey}, // MDC2
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05": {key: rsaKey, hash: crypto.SHA1},
	"\x2b\x0e\x03\x02\x1d":                 {key: rsaKey, hash: crypto.SHA1},
	"\x2b\x24\x03\x03\x01\x02":             {key: rsaKey, hash: crypto.RIPEMD160},
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b": {key: rsaKey, hash: crypto.SHA256},
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c": {key: rsaKey, hash: crypto.SHA384},
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d": {key: rsaKey, hash: crypto.SHA512},
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e": {key: rsaKey, hash: crypto.SHA224},
	"\x60\x86\x48\x01\x65\x03\x04\x03\x0d": {key: rsaKey, hash: crypto.SHA3_224},
	"\x60\x86\x48\x01\x65\x03\x04\x03\x0e": {key: rsaKey, hash: crypto.SHA3_256},
	"\x60\x86\x48\x01\x65\x03\x04\x03\x0f": {key: rsaKey, hash: crypto.SHA3_384},
	"\x60\x86\x48\x01\x65\x03\x04\x03\x10": {key: rsaKey, hash: crypto.SHA3_512},
	oidRSAPSS:                              {key: rsaPSSKey},
	"\x2a\x86\x48\xce\x3d\x04\x01":         {key: ecKey, hash: crypto.SHA1},
	"\x2a\x86\x48\xce\x3d\x04\x02":         {key: ecKey, hash: crypto.SHA256, unrated: true}, // ecdsa-with-Recommended
	"\x2a\x86\x48\xce\x3d\x04\x03":         {key: ecKey, hash: crypto.SHA256, unrated: true}, // ecdsa-with-Specified
	"\x2a\x86\x48\xce\x3d\x04\x03\x01":     {key: ecKey, hash: crypto.SHA224},
	"\x2a\x86\x48\xce\x3d\x04\x03\x02":     {key: ecKey, hash: crypto.SHA256},
	"\x2a\x86\x48\xce\x3d\x04\x03\x03":     {key: ecKey, hash: crypto.SHA384},
	"\x2a\x86\x48\xce\x3d\x04\x03\x04":     {key: ecKey, hash: crypto.SHA512},
	"\x2a\x86\x48\xce\x38\x04\x03":         {key: dsaKey, hash: crypto.SHA1},
	"\x60\x86\x48\x01\x65\x03\x04\x03\x01": {key: dsaKey, hash: crypto.SHA224},
	"\x60\x86\x48\x01\x65\x03\x04\x03\x02": {key: dsaKey, hash: crypto.SHA256},
	oidEd25519:                             {key: ed25519Key},
	oidEd448:                               {key: ed448Key},
}

// digestOIDs are the digests that RSA signatures name inside.
var digestOIDs = map[crypto.Hash]string{
	crypto.MD5:        "\x2a\x86\x48\x86\xf7\x0d\x02\x05",
	crypto.SHA1:       "\x2b\x0e\x03\x02\x1a",
	crypto.RIPEMD160:  "\x2b\x24\x03\x02\x01",
	crypto.SHA224:     "\x60\x86\x48\x01\x65\x03\x04\x02\x04",
	crypto.SHA256:     "\x60\x86\x48\x01\x65\x03\x04\x02\x01",
	crypto.SHA384:     "\x60\x86\x48\x01\x65\x03\x04\x02\x02",
	crypto.SHA512:     "\x60\x86\x48\x01\x65\x03\x04\x02\x03",
	crypto.SHA512_224: "\x60\x86\x48\x01\x65\x03\x04\x02\x05",
	crypto.SHA512_256: "\x60\x86\x48\x01\x65\x03\x04\x02\x06",
	crypto.SHA3_224:   "\x60\x86\x48\x01\x65\x03\x04\x02\x07",
	crypto.SHA3_256:   "\x60\x86\x48\x01\x65\x03\x04\x02\x08",
	crypto.SHA3_384:   "\x60\x86\x48\x01\x65\x03\x04\x02\x09",
	crypto.SHA3_512:   "\x60\x86\x48\x01\x65\x03\x04\x02\x0a",
}

func digestByOID(oid []byte) (crypto.Hash, bool) {
	for hash, known := range digestOIDs {
		if known == string(oid) {
			return hash, true
		}
	}
	return 0, false
}

// signedWith is what the algorithm identifier in the signed part of a certificate stands for, once it
// was looked up.
type signedWith struct {
	signatureAlgorithm
	known, read bool
}

// algorithm looks it up.
func (c *Certificate) algorithm() *signedWith {
	if !c.with.read {
		c.with.signatureAlgorithm, c.with.known = signatureAlgorithms[string(c.inner.oid)]
		c.with.read = true
	}
	return &c.with
}

// signatureFits tells whether the issuer's key is of the kind that signs with the algorithm
// named in the signed part of c. The signature is not looked at.
func (issuer *Certificate) signatureFits(c *Certificate) bool {
	want, key := c.algorithm().key, issuer.key()
	if key == nil || want == noKey {
		return false
	}
	return want == key.kind || want == rsaPSSKey && key.kind == rsaKey
}

// digestStrength is the security of the signature's digest in bits; ok is false for
// algorithms that OpenSSL knows nothing of.
func (c *Certificate) digestStrength() (bits int, ok bool) {
	alg, ok := signatureAlgorithms[string(c.outer.oid)]
	if bytes.Equal(c.outer.oid, c.inner.oid) { // as nearly always
		alg, ok = c.algorithm().signatureAlgorithm, c.with.known
	}
	if !ok || alg.unrated {
		return 0, false
	}
	hash := alg.hash
	switch alg.key {
	case ed25519Key:
		return 128, true
	case ed448Key:
		return 224, true
	case rsaPSSKey:
		pss, ok := parseSignaturePSS(c.outer.params)
		if !ok {
			return 0, false
		}
		hash = pss.hash
	}
	switch hash {
	case 0:
		return 0, false
	case crypto.MD5:
		return 39, true
	case crypto.SHA1:
		return 63, true
	default:
		return hash.Size() * 4, true
	}
}

// signedBy verifies the signature with an issuer's key: X509_verify. It is false too if the
// two algorithm identifiers of the certificate differ.
func (c *Certificate) signedBy(key *publicKey) bool {
	return c.outer.equal(c.inner) && c.algorithm().known && key.verifiesWith(c.with.signatureAlgorithm, c.outer, c.tbs, c.signature)
}

// verifies checks a signature over signed.
func (k *publicKey) verifies(alg algorithm, signed []byte, signature bitString) bool {
	known, ok := signatureAlgorithms[string(alg.oid)]
	return ok && k.verifiesWith(known, alg, signed, signature)
}

// verifiesWith is verifies for an algorithm that was looked up.
func (k *publicKey) verifiesWith(known signatureAlgorithm, alg algorithm, signed []byte, signature bitString) bool {
	if signature.unused != 0 {
		return false
	}
	sig := signature.octets
	switch known.key {
	case ed25519Key: // parameters do not count, though RFC 8410 wants none
		return k.kind == ed25519Key && ed25519.Verify(k.edwds, signed, sig)
	case ed448Key:
		return k.kind == ed448Key && verifyEd448(k.edwds, signed, sig)
	case rsaPSSKey:
		pss, ok := parseSignaturePSS(alg.params)
		return ok && k.rsa != nil && k.pss.allows(pss) && k.rsa.verifyPSS(pss, digest(pss.hash, signed), sig)
	}
	if known.hash == 0 || k.kind != known.key {
		return false
	}
	sum := digest(known.hash, signed)
	switch k.kind {
	case rsaKey:
		return k.rsa.verifyPKCS1(known.hash, sum, sig)
	case ecKey:
		if std := k.standard(); std != nil {
			return ecdsa.VerifyASN1(std, sum, sig)
		}
		r, s, ok := splitSignature(sig)
		return ok && k.point.verifies(sum, r, s)
	case dsaKey:
		r, s, ok := splitSignature(sig)
		return ok && k.verifyDSA(sum, r, s)
	}
	return false
}

// slow tells whether signatures are verified with numbers of any size, not with the code that
// crypto/rsa, crypto/ecdsa and crypto/ed25519 have for the usual keys.
func (k *publicKey) slow() bool {
	switch k.kind {
	case rsaKey, rsaPSSKey:
		return k.rsa.std == nil
	case ecKey:
		return k.point != nil
	case ed25519Key:
		return false
	}
	return true
}

func digest(hash crypto.Hash, b []byte) []byte {
	if hash == crypto.SHA256 { // by far the most frequent
		sum := sha256.Sum256(b)
		return sum[:]
	}
	h := hash.New()
	h.Write(b)
	return h.Sum(nil)
}

// splitSignature reads SEQUENCE { r, s }.
func splitSignature(der cryptobyte.String) (r, s *big.Int, ok bool) {
	var content cryptobyte.String
	r, s = new(big.Int), new(big.Int)
	ok = der.ReadASN1(&content, asn1.SEQUENCE) && der.Empty() &&
		content.ReadASN1Integer(r) && content.ReadASN1Integer(s) && content.Empty()
	return r, s, ok
}

func (k *publicKey) verifyDSA(sum []byte, r, s *big.Int) bool {
	switch size := k.dsa.Q.BitLen(); size {
	case 160, 224, 256:
		return k.dsa.P.Sign() > 0 && k.dsa.P.BitLen() <= maxDSAModulus && dsa.Verify(k.dsa, sum[:min(len(sum), size/8)], r, s)
	}
	return false
}

// open is the public operation on a signature, or false if the key or the signature is out of
// OpenSSL's bounds. The result is as long as the modulus.
func (k *rsaPublicKey) open(sig []byte) ([]byte, bool) {
	size := k.n.BitLen()
	if size > maxRSAModulus || k.n.Cmp(k.e) <= 0 || size > smallRSA && k.e.BitLen() > 64 {
		return nil, false
	}
	s := new(big.Int).SetBytes(sig)
	if len(sig) != (size+7)/8 || s.Cmp(k.n) >= 0 || k.n.Bit(0) == 0 {
		return nil, false
	}
	return s.Exp(s, k.e, k.n).FillBytes(make([]byte, (size+7)/8)), true
}

func (k *rsaPublicKey) verifyPKCS1(hash crypto.Hash, sum, sig []byte) bool {
	info := digestInfo(hash, sum)
	if k.std != nil {
		return rsa.VerifyPKCS1v15(k.std, 0, info, sig) == nil
	}
	m, ok := k.open(sig)
	if !ok || len(m) < len(info)+11 {
		return false
	}
	padding := len(m) - len(info) - 1
	if m[0] != 0 || m[1] != 1 || m[padding] != 0 || string(m[padding+1:]) != string(info) {
		return false
	}
	for _, c := range m[2:padding] {
		if c != 0xff {
			return false
		}
	}
	return true
}

// digestInfo is the DigestInfo of PKCS#1.
func digestInfo(hash crypto.Hash, sum []byte) []byte {
	oid := digestOIDs[hash]
	info := make([]byte, 0, 10+len(oid)+len(sum))
	info = append(info, 0x30, byte(8+len(oid)+len(sum)), 0x30, byte(4+len(oid)), 6, byte(len(oid)))
	info = append(info, oid...)
	info = append(info, 5, 0, 4, byte(len(sum)))
	return append(info, sum...)
}
