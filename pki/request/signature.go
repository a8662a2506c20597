package request

import (
	"crypto"
	_ "crypto/md5" // old systems sign requests with it
	"crypto/rsa"
	_ "crypto/sha1" // as above
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
)

// digestPrefix is what PKCS#1 puts before a digest: the DER that names the algorithm.
var digestPrefix = map[crypto.Hash][]byte{
	crypto.MD5:    {0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04, 0x10},
	crypto.SHA1:   {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// rsaDigests are the digests of the signatures that the standard library may refuse to check,
// since they are weak or the key is short. A weak signature still shows that a private key was
// there, and that the request is weak is a finding, not a reason to take it for damaged.
var rsaDigests = map[x509.SignatureAlgorithm]crypto.Hash{
	x509.MD5WithRSA:    crypto.MD5,
	x509.SHA1WithRSA:   crypto.SHA1,
	x509.SHA256WithRSA: crypto.SHA256,
	x509.SHA384WithRSA: crypto.SHA384,
	x509.SHA512WithRSA: crypto.SHA512,
}

// checkSignature checks that the request is signed with its own key.
func checkSignature(csr *x509.CertificateRequest) error {
	if csr.PublicKey == nil {
		return fmt.Errorf("the public key of the certificate signing request is of a kind that is not supported, expected RSA, ECDSA with P-224 to P-521, or Ed25519")
	}
	key, isRSA := csr.PublicKey.(*rsa.PublicKey)
	hash, known := rsaDigests[csr.SignatureAlgorithm]
	if isRSA && known {
		if !signedByRSA(key, hash, csr.RawTBSCertificateRequest, csr.Signature) {
			return ErrNotSignedByItsKey
		}
		return nil
	}
	err := csr.CheckSignature()
	if errors.Is(err, x509.ErrUnsupportedAlgorithm) {
		return fmt.Errorf("the signature of the certificate signing request is of a kind that is not supported, expected RSA, ECDSA or Ed25519 with SHA-256 or better")
	}
	if err != nil {
		return ErrNotSignedByItsKey
	}
	return nil
}

// signedByRSA checks a signature of PKCS#1 v1.5 for keys of any size. Nothing in it is secret.
func signedByRSA(key *rsa.PublicKey, hash crypto.Hash, message, signature []byte) bool {
	size := key.Size()
	s := new(big.Int).SetBytes(signature)
	if len(signature) != size || key.E < 3 || key.E%2 == 0 || s.Cmp(key.N) >= 0 {
		return false
	}
	h := hash.New()
	h.Write(message)
	tail := append(digestPrefix[hash][:len(digestPrefix[hash]):len(digestPrefix[hash])], h.Sum(nil)...)
	padding := size - len(tail) - 3
	if padding < 8 {
		return false
	}
	expected := make([]byte, 0, size)
	expected = append(expected, 0, 1)
	for range padding {
		expected = append(expected, 0xff)
	}
	expected = append(append(expected, 0), tail...)
	return new(big.Int).Exp(s, big.NewInt(int64(key.E)), key.N).Cmp(new(big.Int).SetBytes(expected)) == 0
}
