package pbe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"
)

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
	oidPBMAC1 = "1.2.840.113549.1.5.14"
	oidScrypt = "1.3.6.1.4.1.11591.4.11"

	oidTripleDES = "1.2.840.113549.3.7"
	oidAES128    = "2.16.840.1.101.3.4.1.2"
	oidAES192    = "2.16.840.1.101.3.4.1.22"
	oidAES256    = "2.16.840.1.101.3.4.1.42"
)

// The hashes of HMAC, for deriving and for PBMAC1.
var hmacs = map[string]func() hash.Hash{
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
	"1.2.840.113549.2.12": sha512.New512_224,
	"1.2.840.113549.2.13": sha512.New512_256,
}

// pbes2 is the cipher of RFC 8018, section 6.2.
func (o *Opener) pbes2(parameters cryptobyte.String) (cipher.Block, []byte, error) {
	var body, kdf, scheme cryptobyte.String
	if !parameters.ReadASN1(&body, cbasn1.SEQUENCE) || !parameters.Empty() ||
		!body.ReadASN1Element(&kdf, cbasn1.SEQUENCE) || !body.ReadASN1Element(&scheme, cbasn1.SEQUENCE) {
		return nil, nil, errDamaged
	}
	oid, rest, err := readAlgorithm(scheme)
	if err != nil {
		return nil, nil, err
	}
	size, newCipher := 0, aes.NewCipher
	switch oid {
	case oidAES128:
		size = 16
	case oidAES192:
		size = 24
	case oidAES256:
		size = 32
	case oidTripleDES:
		size, newCipher = 24, des.NewTripleDESCipher
	default:
		return nil, nil, &UnsupportedError{What: "encryption", Algorithm: oid}
	}
	var iv cryptobyte.String
	if !rest.ReadASN1(&iv, cbasn1.OCTET_STRING) {
		return nil, nil, errDamaged
	}
	key, err := o.derived(kdf, size)
	if err != nil {
		return nil, nil, err
	}
	block, err := newCipher(key)
	return block, iv, err
}

// derived is the key that an AlgorithmIdentifier for PBKDF2 or scrypt derives. A length that
// stands there must be the expected one; size 0 takes the one that stands there.
func (o *Opener) derived(kdf []byte, size int) ([]byte, error) {
	oid, rest, err := readAlgorithm(kdf)
	if err != nil {
		return nil, err
	}
	var body, salt cryptobyte.String
	if oid != oidPBKDF2 && oid != oidScrypt {
		return nil, &UnsupportedError{What: "key derivation", Algorithm: oid}
	}
	if !rest.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1(&salt, cbasn1.OCTET_STRING) {
		return nil, errDamaged
	}
	if oid == oidScrypt {
		return o.scrypt(salt, body, size)
	}
	count, err := readIterations(&body)
	if err != nil {
		return nil, err
	}
	if size, err = readLength(&body, size); err != nil {
		return nil, err
	}
	h := sha1.New
	if !body.Empty() {
		var prf cryptobyte.String
		if !body.ReadASN1Element(&prf, cbasn1.SEQUENCE) {
			return nil, errDamaged
		}
		name, _, err := readAlgorithm(prf)
		if err != nil {
			return nil, err
		}
		if h = hmacs[name]; h == nil {
			return nil, &UnsupportedError{What: "key derivation", Algorithm: name}
		}
	}
	if err := o.spend(count); err != nil {
		return nil, err
	}
	return pbkdf2.Key(h, o.password, salt, count, size)
}

// readLength reads the optional length of a key.
func readLength(in *cryptobyte.String, expected int) (int, error) {
	length := expected
	if in.PeekASN1Tag(cbasn1.INTEGER) && !in.ReadASN1Integer(&length) {
		return 0, errDamaged
	}
	// Without an expectation it is a MAC's key, which RFC 9579 wants to be 20 bytes at least.
	if expected == 0 && (length < 20 || length > sha512.Size) || expected != 0 && length != expected {
		return 0, errDamaged
	}
	return length, nil
}

// scrypt derives with what follows the salt: cost, block size, parallelization, length.
func (o *Opener) scrypt(salt []byte, body cryptobyte.String, size int) ([]byte, error) {
	var n, r, p int
	if !body.ReadASN1Integer(&n) || !body.ReadASN1Integer(&r) || !body.ReadASN1Integer(&p) || n < 2 || n&(n-1) != 0 || r < 1 || p < 1 {
		return nil, errDamaged
	}
	size, err := readLength(&body, size)
	if err != nil {
		return nil, err
	}
	// 128·N·r bytes of memory and N·r·p units of work: 64 MiB and about two seconds.
	const maxMemory, maxWork = 1 << 19, 1 << 20
	if n > maxMemory || r > maxMemory/n || p > maxWork/(n*r) {
		return nil, fmt.Errorf("scrypt with N=%d, r=%d and p=%d asks for too much memory or time: %w", n, r, p, ErrTooMuchWork)
	}
	if err := o.spend(min(n*r*p, MaxIterations)); err != nil {
		return nil, err
	}
	return scrypt.Key([]byte(o.password), salt, n, r, p, size)
}
