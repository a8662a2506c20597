package pbe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Scheme is a way to encrypt. The zero value is Modern.
type Scheme int

// The schemes.
const (
	// Modern is PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, its MAC of SHA-256: OpenSSL 1.1
	// and later, Java 8u301 and later, Windows Server 2019 and later.
	Modern Scheme = iota
	// Legacy is 3DES with the derivation of PKCS#12, its MAC of SHA-1, for tools that are older.
	Legacy
)

// Iterations is what [Encrypt] and [MAC] use, as OpenSSL does. What is encrypted here protects
// nothing, so that more of them would only cost time.
const Iterations = 2048

// Encrypt encrypts with a password, in UTF-8 and not empty. It returns the DER of the
// AlgorithmIdentifier and the ciphertext. Salt and initialization vector come from random.
func Encrypt(random io.Reader, scheme Scheme, password string, plain []byte) (algorithm, ciphertext []byte, err error) {
	if err := checkPassword(password); err != nil {
		return nil, nil, err
	}
	var block cipher.Block
	var iv []byte
	switch scheme {
	case Modern:
		salt := make([]byte, 16)
		iv = make([]byte, aes.BlockSize)
		if err := fill(random, salt, iv); err != nil {
			return nil, nil, err
		}
		key, err := pbkdf2.Key(sha256.New, password, salt, Iterations, 32)
		if err != nil {
			return nil, nil, fmt.Errorf("deriving the key: %w", err)
		}
		if block, err = aes.NewCipher(key); err != nil {
			return nil, nil, err
		}
		algorithm, err = modernAlgorithm(salt, iv)
		if err != nil {
			return nil, nil, err
		}
	case Legacy:
		salt := make([]byte, 8)
		if err := fill(random, salt); err != nil {
			return nil, nil, err
		}
		secret := bmpPassword(password)
		if block, err = des.NewTripleDESCipher(deriveKey(sha1.New, secret, salt, Iterations, keyPurpose, 24)); err != nil {
			return nil, nil, err
		}
		iv = deriveKey(sha1.New, secret, salt, Iterations, ivPurpose, des.BlockSize)
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, oidSHA1TripleDES)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(salt)
				b.AddASN1Int64(Iterations)
			})
		})
		if algorithm, err = b.Bytes(); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, fmt.Errorf("unknown scheme %d", int(scheme))
	}
	size := block.BlockSize()
	padding := size - len(plain)%size
	ciphertext = append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(ciphertext, ciphertext)
	return algorithm, ciphertext, nil
}

func modernAlgorithm(salt, iv []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oidPBES2)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addOID(b, oidPBKDF2)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1OctetString(salt)
					b.AddASN1Int64(Iterations)
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						addOID(b, "1.2.840.113549.2.9")
						b.AddASN1NULL()
					})
				})
			})
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addOID(b, oidAES256)
				b.AddASN1OctetString(iv)
			})
		})
	})
	return b.Bytes()
}

// MAC is the DER of a PKCS#12 file's MacData over its content.
func MAC(random io.Reader, scheme Scheme, password string, content []byte) ([]byte, error) {
	if err := checkPassword(password); err != nil {
		return nil, err
	}
	h, oid, salt := sha256.New, oidSHA256, make([]byte, 16)
	if scheme == Legacy {
		h, oid, salt = sha1.New, oidSHA1, make([]byte, 8)
	}
	if err := fill(random, salt); err != nil {
		return nil, err
	}
	return encodeMAC(h, oid, salt, password, content)
}

func encodeMAC(h func() hash.Hash, oid string, salt []byte, password string, content []byte) ([]byte, error) {
	mac := hmac.New(h, deriveKey(h, bmpPassword(password), salt, Iterations, macPurpose, h().Size()))
	mac.Write(content)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addOID(b, oid)
				b.AddASN1NULL()
			})
			b.AddASN1OctetString(mac.Sum(nil))
		})
		b.AddASN1OctetString(salt)
		b.AddASN1Int64(Iterations)
	})
	return b.Bytes()
}

func checkPassword(password string) error {
	switch {
	case password == "":
		return errors.New("the password is empty, expected one")
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return errors.New("the password is not text in UTF-8")
	default:
		return nil
	}
}

func fill(random io.Reader, parts ...[]byte) error {
	for _, part := range parts {
		if _, err := io.ReadFull(random, part); err != nil {
			return fmt.Errorf("reading randomness: %w", err)
		}
	}
	return nil
}

// addOID adds one of this package's identifiers.
func addOID(b *cryptobyte.Builder, text string) {
	var oid asn1.ObjectIdentifier
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			b.SetError(err)
			return
		}
		oid = append(oid, n)
	}
	b.AddASN1ObjectIdentifier(oid)
}
