// Package privatekey reads private keys in PKCS#8, PKCS#1 and SEC 1, plain or encrypted, and
// encrypts them. Nothing of a key or a password gets into an error.
//
// What is not here: files that hold more than a key (package keystore), and the making of keys
// (package pki).
package privatekey

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"example.com/gatehouse/pki/privatekey/pbe"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	// ErrWrongPassword: the password does not open the key.
	ErrWrongPassword = pbe.ErrWrongPassword
	// ErrPasswordNeeded: the key is encrypted, and the password is empty.
	ErrPasswordNeeded = errors.New("a password is needed")
	// ErrNotKey: the bytes are no private key, or a damaged one.
	ErrNotKey = errors.New("not a private key in PKCS#8, PKCS#1 or SEC 1")
)

// maxSize bounds a key, in bytes: RSA with 16,384 bits takes 9,300. The parsers do arithmetic with
// the numbers of a key, which takes hours with numbers of a million bits.
const maxSize = 16 << 10

// The types of PEM blocks that hold private keys.
const (
	PKCS8Block     = "PRIVATE KEY"
	PKCS1Block     = "RSA PRIVATE KEY"
	SEC1Block      = "EC PRIVATE KEY"
	EncryptedBlock = "ENCRYPTED PRIVATE KEY"
)

// IsBlock tells whether PEM blocks of this type hold a private key.
func IsBlock(kind string) bool {
	return kind == PKCS8Block || kind == PKCS1Block || kind == SEC1Block || kind == EncryptedBlock
}

// IsEncrypted tells whether the PEM block holds an encrypted private key: PKCS#8's way, or the old
// one that a header announces.
func IsEncrypted(block *pem.Block) bool {
	return block.Type == EncryptedBlock || block.Headers["DEK-Info"] != ""
}

// Parse reads a private key that is not encrypted: PKCS#8, PKCS#1 or SEC 1 in DER. It returns
// [ErrNotKey] for other bytes, and says which algorithm a key has that cannot be used.
func Parse(der []byte) (crypto.Signer, error) {
	if len(der) > maxSize {
		return nil, fmt.Errorf("the private key has %d bytes, expected %d at most", len(der), maxSize)
	}
	// What the parsers say is of no help and is dropped, so that nothing of a key can get out.
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("a private key of type %T cannot sign", key)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	if oid := algorithm(der); oid != nil {
		return nil, fmt.Errorf("the private key is damaged or not supported (algorithm %s), expected RSA, ECDSA with P-224 to P-521, or Ed25519", oid)
	}
	return nil, ErrNotKey
}

// algorithm is the algorithm of what has the outline of PKCS#8; nil if it has not.
func algorithm(der []byte) asn1.ObjectIdentifier {
	in := cryptobyte.String(der)
	var body, id, key cryptobyte.String
	var version int
	var oid asn1.ObjectIdentifier
	if in.ReadASN1(&body, cbasn1.SEQUENCE) && in.Empty() && body.ReadASN1Integer(&version) &&
		body.ReadASN1(&id, cbasn1.SEQUENCE) && body.ReadASN1(&key, cbasn1.OCTET_STRING) && id.ReadASN1ObjectIdentifier(&oid) {
		return oid
	}
	return nil
}

// Decrypt reads the private key of a PEM block, which may but need not be encrypted; see
// [IsEncrypted]. The errors are those of [DecryptDER] and [Parse].
func Decrypt(block *pem.Block, password string) (crypto.Signer, error) {
	switch {
	case !IsEncrypted(block):
		return Parse(block.Bytes)
	case block.Type == EncryptedBlock:
		return DecryptDER(block.Bytes, password)
	case password == "":
		return nil, encrypted(ErrPasswordNeeded)
	}
	der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // weak, but what old tools write
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, encrypted(ErrWrongPassword)
	case err != nil:
		return nil, errors.New("the encryption of the private key is damaged or not supported, expected DES, 3DES or AES in CBC mode")
	}
	return opened(der)
}

// DecryptDER reads an encrypted private key in DER, the EncryptedPrivateKeyInfo of PKCS#8. The
// error is [ErrPasswordNeeded] for an empty password, [ErrWrongPassword] for a wrong one,
// [pbe.ErrTooMuchWork] for a key whose opening would take too long, and a [pbe.UnsupportedError] if
// the encryption is not known.
func DecryptDER(der []byte, password string) (crypto.Signer, error) {
	if password == "" {
		return nil, encrypted(ErrPasswordNeeded)
	}
	return Open(der, pbe.NewOpener(password))
}

// Open is [DecryptDER] for one key among other parts of a file, whose work the opener bounds. An
// empty password is tried as it is.
func Open(der []byte, opener *pbe.Opener) (crypto.Signer, error) {
	in := cryptobyte.String(der)
	var body, algorithm, ciphertext cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!body.ReadASN1(&ciphertext, cbasn1.OCTET_STRING) || !body.Empty() {
		return nil, errors.New("the encrypted private key is cut off or damaged")
	}
	plain, err := opener.Decrypt(algorithm, ciphertext)
	if err != nil {
		return nil, encrypted(err)
	}
	return opened(plain)
}

// opened reads what was decrypted. What is no key at all comes of a wrong password whose padding
// was right by chance.
func opened(der []byte) (crypto.Signer, error) {
	key, err := Parse(der)
	if errors.Is(err, ErrNotKey) {
		return nil, encrypted(ErrWrongPassword)
	}
	return key, err
}

func encrypted(err error) error { return fmt.Errorf("the private key is encrypted: %w", err) }

// Encrypt encodes the key as EncryptedPrivateKeyInfo of PKCS#8, in DER. The password is in UTF-8
// and not empty.
func Encrypt(random io.Reader, scheme pbe.Scheme, key crypto.Signer, password string) ([]byte, error) {
	der, err := Marshal(key)
	if err != nil {
		return nil, err
	}
	algorithm, ciphertext, err := pbe.Encrypt(random, scheme, password, der)
	if err != nil {
		return nil, fmt.Errorf("encrypting a private key: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(algorithm)
		b.AddASN1OctetString(ciphertext)
	})
	return b.Bytes()
}

// Marshal encodes the key as PKCS#8. It returns an error for a key that does not give itself away,
// such as one in hardware.
func Marshal(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key of type %T: it does not encode as PKCS#8", key)
	}
	return der, nil
}
