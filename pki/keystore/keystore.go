// Package keystore writes certificates and keys to files in the formats that sender systems take,
// and reads such files: PEM, DER and PKCS#12.
//
// What is not here: the minting of certificates (package pki), and whether a chain that was read
// is any good (package verify). Files are read by the caller, who hands the bytes over; only
// [Write] touches the disk.
package keystore

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"example.com/gatehouse/pki"
	"software.sslmate.com/src/go-pkcs12"
)

// The types of PEM blocks that are written.
const (
	certificateBlock = "CERTIFICATE"
	privateKeyBlock  = "PRIVATE KEY"
)

// CertificatePEM is the certificate alone.
func CertificatePEM(c *pki.Certificate) []byte { return encodeCertificates([][]byte{c.DER()}) }

// ChainPEM is the chain as a sender presents it: the certificate and its intermediates upward,
// without the root.
func ChainPEM(c *pki.Certificate) []byte { return encodeCertificates(c.Presented()) }

// FullChainPEM is the certificate, its intermediates upward, and the root.
func FullChainPEM(c *pki.Certificate) []byte {
	var ders [][]byte
	for _, one := range c.FullChain() {
		ders = append(ders, one.Raw)
	}
	return encodeCertificates(ders)
}

// KeyPEM is the private key in PKCS#8, not encrypted. It returns an error for a key that does not
// give itself away, such as one in hardware.
func KeyPEM(key crypto.Signer) ([]byte, error) {
	if key == nil {
		return nil, errNoKey
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key of type %T: it does not encode as PKCS#8", key)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateKeyBlock, Bytes: der}), nil
}

// PKCS12 is the key pair with the chain of [ChainPEM], encrypted as today's tools do it (AES-256
// and SHA-256). Java before 8u301 and Windows before 2019 cannot read that. The password must not
// be empty, since Java takes an empty one for none.
func PKCS12(c *pki.Certificate, password string) ([]byte, error) {
	switch {
	case c.Key() == nil:
		return nil, errNoKey
	case password == "":
		return nil, errors.New("a PKCS#12 file needs a password")
	}
	presented := c.Chain()
	out, err := pkcs12.Modern.WithRand(rand.Reader).Encode(c.Key(), presented[0], presented[1:], password)
	if err != nil {
		return nil, fmt.Errorf("encoding %q as PKCS#12: %w", c.Name(), err)
	}
	return out, nil
}

var errNoKey = errors.New("there is no private key, only a certificate")

func encodeCertificates(ders [][]byte) []byte {
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: der})...)
	}
	return out
}
