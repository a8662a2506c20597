package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"example.com/gatehouse/pki/privatekey"
)

// maxFile bounds a file that a description names.
const maxFile = 1 << 20

// parseCertificate reads the first certificate of a PEM file, or a DER file.
func parseCertificate(data []byte) (*x509.Certificate, error) {
	der, err := firstBlock(data, "a certificate", func(kind string) bool { return kind == "CERTIFICATE" })
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("not a certificate: %w", err)
	}
	return c, nil
}

// parseKey reads the first private key of a PEM file, or a DER file: PKCS#8, PKCS#1 or SEC 1.
func parseKey(data []byte) (crypto.Signer, error) {
	der, err := firstBlock(data, "a private key", func(kind string) bool {
		return privatekey.IsBlock(kind)
	})
	if err != nil {
		return nil, err
	}
	return privatekey.Parse(der)
}

// firstBlock finds the first PEM block that is wanted; data without PEM is returned as it is.
func firstBlock(data []byte, expected string, wanted func(kind string) bool) ([]byte, error) {
	switch {
	case len(data) == 0:
		return nil, fmt.Errorf("the file is empty, expected %s", expected)
	case len(data) > maxFile:
		return nil, fmt.Errorf("the file has %d bytes, expected %d at most", len(data), maxFile)
	case !bytes.Contains(data, []byte("-----BEGIN ")):
		return data, nil
	}
	found := ""
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if privatekey.IsEncrypted(block) {
			return nil, errors.New("the private key is encrypted; decrypt it first")
		}
		if wanted(block.Type) {
			return block.Bytes, nil
		}
		if found == "" {
			found = block.Type
		}
	}
	if found == "" {
		return nil, fmt.Errorf("the PEM is damaged, expected %s", expected)
	}
	return nil, fmt.Errorf("found %s, expected %s", found, expected)
}
