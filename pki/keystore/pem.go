package keystore

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"

	"example.com/gatehouse/pki/privatekey"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const pemBegin = "-----BEGIN "

func readPEM(data []byte, password string) (*contents, error) {
	c := &contents{format: PEMFormat}
	var others []string
	blocks, bags := 0, 0
	for rest := data; ; blocks++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		known, err := c.addBlock(block, password)
		if err != nil {
			return nil, err
		}
		if !known {
			others = append(others, block.Type)
		}
		if isPKCS7Block(block.Type) {
			bags++
		}
	}
	if begun := bytes.Count(data, []byte(pemBegin)); begun > blocks {
		return nil, fmt.Errorf("the PEM is cut off or damaged: %d blocks begin, %d can be read", begun, blocks)
	}
	if len(c.entries) == 0 {
		return nil, fmt.Errorf("found %s, %w", listed(others), errNoCertificate)
	}
	if bags > 0 && bags == blocks {
		c.format = PKCS7Format
	}
	return c, nil
}

func isPKCS7Block(kind string) bool {
	return kind == "PKCS7" || kind == "PKCS #7 SIGNED DATA" || kind == "CMS"
}

// addBlock adds what a block holds; false tells that its type is not known.
func (c *contents) addBlock(block *pem.Block, password string) (bool, error) {
	switch kind := block.Type; {
	case kind == certificateBlock, kind == "X509 CERTIFICATE":
		// Some tools put PKCS#7 under the name of a certificate.
		if what := recognize(block.Bytes); what == isPKCS7 {
			return true, c.addPKCS7(block.Bytes)
		}
		return true, c.addCertificate(block.Bytes, "", noTime)
	case kind == "TRUSTED CERTIFICATE":
		// OpenSSL puts what it trusts the certificate for behind it.
		in := cryptobyte.String(block.Bytes)
		var der cryptobyte.String
		if !in.ReadASN1Element(&der, cbasn1.SEQUENCE) {
			der = block.Bytes
		}
		return true, c.addCertificate(der, "", noTime)
	case privatekey.IsBlock(kind):
		if err := c.countKey(); err != nil {
			return true, err
		}
		key, err := privatekey.Decrypt(block, password)
		if err != nil {
			return true, keyError(err)
		}
		c.entries = append(c.entries, Entry{Kind: PrivateKeyEntry, Key: key})
		return true, nil
	case isPKCS7Block(kind):
		return true, c.addPKCS7(block.Bytes)
	case kind == "CERTIFICATE REQUEST" || kind == "NEW CERTIFICATE REQUEST":
		if recognize(block.Bytes) != isRequest {
			return true, errors.New("the certificate signing request is cut off or damaged")
		}
		return true, c.addRaw(RequestEntry, block.Bytes)
	case kind == "X509 CRL":
		if recognize(block.Bytes) != isCRL {
			return true, errors.New("the certificate revocation list (CRL) is cut off or damaged")
		}
		return true, c.addRaw(CRLEntry, block.Bytes)
	case kind == "OPENSSH PRIVATE KEY":
		return true, errors.New("found a private key of OpenSSH, expected PKCS#8, PKCS#1 or SEC 1; convert it with ssh-keygen -p -m PKCS8")
	default:
		return false, nil
	}
}

// keyError says of bytes that should be a key what they may be.
func keyError(err error) error {
	if errors.Is(err, privatekey.ErrNotKey) {
		return errors.New("found neither a certificate nor a private key in PKCS#8, PKCS#1 or SEC 1, or it is damaged")
	}
	return err
}

// listed names PEM blocks as they stand in a file, in bounds and without control characters.
func listed(types []string) string {
	if len(types) == 0 {
		return "nothing that can be read"
	}
	return shown(types[0])
}
