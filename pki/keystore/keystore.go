// Package keystore writes certificates and keys to files in the formats that sender systems take,
// and reads such files: PEM, DER, PKCS#7, PKCS#12 and Java keystores (JKS).
//
// [Write] writes the files of a certificate, [Files] and [Encode] give their bytes, [Exports]
// lists the formats. [Read] reads any of them, [Inspect] lists what a file holds.
//
// What is not here: the minting of certificates (package pki), the encryption of keys (package
// privatekey), and whether a chain that was read is any good (package verify). Files are read by
// the caller, who hands the bytes over; only [Write] touches the disk.
package keystore

import (
	"crypto"
	"encoding/pem"
	"errors"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/privatekey"
)

// certificateBlock is the type of PEM blocks with a certificate.
const certificateBlock = "CERTIFICATE"

// CertificatePEM is the certificate alone.
func CertificatePEM(c *pki.Certificate) []byte { return encodeCertificates([][]byte{c.DER()}) }

// ChainPEM is the chain as a sender presents it: the certificate and its intermediates upward,
// without the root.
func ChainPEM(c *pki.Certificate) []byte { return encodeCertificates(c.Presented()) }

// FullChainPEM is the certificate, its intermediates upward, and the root.
func FullChainPEM(c *pki.Certificate) []byte { return encodeCertificates(fullChain(c)) }

// KeyPEM is the private key in PKCS#8, not encrypted. It returns an error for a key that does not
// give itself away, such as one in hardware.
func KeyPEM(key crypto.Signer) ([]byte, error) {
	if key == nil {
		return nil, errNoKey
	}
	der, err := privatekey.Marshal(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privatekey.PKCS8Block, Bytes: der}), nil
}

// PKCS12 is the key pair with the chain of [ChainPEM], encrypted as today's tools do it (AES-256
// and SHA-256), under the certificate's name for its alias; [Encode] offers more. Java before 8u301
// and Windows before 2019 cannot read that. The password must not be empty, since Java takes an
// empty one for none.
func PKCS12(c *pki.Certificate, password string) ([]byte, error) {
	switch {
	case c.Key() == nil:
		return nil, errNoKey
	case password == "":
		return nil, errors.New("a PKCS#12 file needs a password")
	}
	return Encode(c, PKCS12File, Options{Password: password})
}

var errNoKey = errors.New("there is no private key, only a certificate")

func encodeCertificates(ders [][]byte) []byte {
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: der})...)
	}
	return out
}

// fullChain is the DER of the certificate and all its issuers.
func fullChain(c *pki.Certificate) [][]byte {
	var out [][]byte
	for _, one := range c.FullChain() {
		out = append(out, one.Raw)
	}
	return out
}
