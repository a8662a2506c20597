package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // for a defect, as SHA-1 is
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for a defect: signatures that nobody should make any more
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	ecdsaSignatures = map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1:   {1, 2, 840, 10045, 4, 1},
		crypto.SHA256: {1, 2, 840, 10045, 4, 3, 2},
		crypto.SHA384: {1, 2, 840, 10045, 4, 3, 3},
		crypto.SHA512: {1, 2, 840, 10045, 4, 3, 4},
	}
	rsaSignatures = map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.MD5:    {1, 2, 840, 113549, 1, 1, 4},
		crypto.SHA1:   {1, 2, 840, 113549, 1, 1, 5},
		crypto.SHA256: {1, 2, 840, 113549, 1, 1, 11},
		crypto.SHA384: {1, 2, 840, 113549, 1, 1, 12},
		crypto.SHA512: {1, 2, 840, 113549, 1, 1, 13},
	}
	ed25519Signature = asn1.ObjectIdentifier{1, 3, 101, 112}
)

// signatureAlgorithm is the DER of the AlgorithmIdentifier for a signer's key and hash (0: the
// hash that fits the key), and the hash.
func signatureAlgorithm(pub crypto.PublicKey, hash crypto.Hash) ([]byte, crypto.Hash, error) {
	var oid asn1.ObjectIdentifier
	var nullParameters bool
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		if hash == 0 {
			switch bits := pub.Curve.Params().BitSize; {
			case bits <= 256:
				hash = crypto.SHA256
			case bits <= 384:
				hash = crypto.SHA384
			default:
				hash = crypto.SHA512
			}
		}
		oid = ecdsaSignatures[hash]
	case *rsa.PublicKey:
		if hash == 0 {
			hash = crypto.SHA256
		}
		oid, nullParameters = rsaSignatures[hash], true
	case ed25519.PublicKey:
		if hash == 0 {
			oid = ed25519Signature
		}
	default:
		return nil, 0, fmt.Errorf("keys of type %T cannot sign certificates here", pub)
	}
	if oid == nil {
		return nil, 0, fmt.Errorf("no signature algorithm for %s with a key of type %T", hash, pub)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if nullParameters {
			b.AddASN1NULL()
		}
	})
	der, err := b.Bytes()
	return der, hash, err
}

// source is the randomness of one certificate: the system's if reader is nil.
type source struct{ reader io.Reader }

func (s *source) sign(key crypto.Signer, message []byte, hash crypto.Hash) ([]byte, error) {
	digest := message
	if hash != 0 {
		h := hash.New()
		h.Write(message)
		digest = h.Sum(nil)
	}
	if _, own := key.(*ecdsa.PrivateKey); own && s.reader != nil {
		// Without randomness the standard library signs as RFC 6979 says: the same
		// certificate comes out each time.
		return key.Sign(nil, digest, hash)
	}
	return key.Sign(rand.Reader, digest, hash)
}

// serial is a positive number of 128 bits. The top bit is clear and the next one set, so that
// all are of one length.
func (s *source) serial() (*big.Int, error) {
	reader := s.reader
	if reader == nil {
		reader = rand.Reader
	}
	raw := make([]byte, 16)
	if _, err := io.ReadFull(reader, raw); err != nil {
		return nil, fmt.Errorf("reading randomness for a serial number: %w", err)
	}
	raw[0] = raw[0]&0x7f | 0x40
	return new(big.Int).SetBytes(raw), nil
}
