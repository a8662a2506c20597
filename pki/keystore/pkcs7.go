package keystore

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The content types of PKCS#7 (RFC 2315); PKCS#12 uses them too.
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
)

// tag0 and tag1 are the constructed context-specific tags.
var (
	tag0 = cbasn1.Tag(0).Constructed().ContextSpecific()
	tag1 = cbasn1.Tag(1).Constructed().ContextSpecific()
)

var errDamagedPKCS7 = errors.New("the PKCS#7 file is cut off or damaged")

// readContentInfo takes a ContentInfo apart; the content is what stands within its explicit tag.
func readContentInfo(der []byte) (kind asn1.ObjectIdentifier, content cryptobyte.String, ok bool) {
	in := cryptobyte.String(der)
	var body cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() || !body.ReadASN1ObjectIdentifier(&kind) {
		return nil, nil, false
	}
	ok = body.Empty() || body.ReadASN1(&content, tag0)
	return kind, content, ok
}

// addPKCS7 adds the certificates and CRLs of signed data, whose signatures do not matter: a
// certificate response has none. crypto/x509 does not read this, and a library that does drops
// what it cannot parse.
func (c *contents) addPKCS7(der []byte) error {
	der, err := definite(der)
	if err != nil {
		return fmt.Errorf("reading PKCS#7: %w", err)
	}
	kind, content, ok := readContentInfo(der)
	if !ok {
		return errDamagedPKCS7
	}
	if !kind.Equal(oidSignedData) {
		return fmt.Errorf("found PKCS#7 of type %s, expected signed data (%s) with certificates", kind, oidSignedData)
	}
	var body, certificates, crls cryptobyte.String
	var has bool
	if !content.ReadASN1(&body, cbasn1.SEQUENCE) || !body.SkipASN1(cbasn1.INTEGER) || !body.SkipASN1(cbasn1.SET) ||
		!body.SkipASN1(cbasn1.SEQUENCE) || !body.ReadOptionalASN1(&certificates, &has, tag0) ||
		!body.ReadOptionalASN1(&crls, &has, tag1) {
		return errDamagedPKCS7
	}
	before := len(c.entries)
	for !certificates.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !certificates.ReadAnyASN1Element(&one, &tag) {
			return errDamagedPKCS7
		}
		if tag != cbasn1.SEQUENCE {
			continue // an attribute certificate
		}
		if err := c.addCertificate(one, "", noTime); err != nil {
			return err
		}
	}
	for !crls.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !crls.ReadAnyASN1Element(&one, &tag) {
			return errDamagedPKCS7
		}
		if recognize(one) != isCRL {
			continue // an answer of OCSP or the like
		}
		if err := c.addRaw(CRLEntry, one); err != nil {
			return err
		}
	}
	if len(c.entries) == before {
		return errors.New("the PKCS#7 file holds no certificate, expected one at least")
	}
	return nil
}

// encodePKCS7 is signed data without a signer around certificates, in their order. DER wants a SET
// sorted, but tools that import a certificate response look at the first one.
func encodePKCS7(ders [][]byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(tag0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				b.AddASN1(tag0, func(b *cryptobyte.Builder) {
					for _, der := range ders {
						b.AddBytes(der)
					}
				})
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
			})
		})
	})
	return b.Bytes()
}
