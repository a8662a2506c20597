package pki

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// parts takes a certificate apart, without crypto/x509, which does not read every defective one.
// The keys are the names that RFC 5280 has for the parts, the values are such that they are equal
// for two good certificates that differ in nothing but keys, serial number and signature: of a
// key and a serial number only their kind counts, and a key identifier that is the right one is
// as good as any other right one. issuer is the DER of the certificate above.
func parts(der, issuer []byte) (map[string]string, error) {
	in := cryptobyte.String(der)
	var outer, tbs, algorithm cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!outer.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) {
		return nil, errors.New("not a certificate")
	}
	out := map[string]string{"signatureAlgorithm": string(algorithm)}
	var wrapped, serial cryptobyte.String
	var hasVersion bool
	if !tbs.ReadOptionalASN1(&wrapped, &hasVersion, cbasn1.Tag(0).Constructed().ContextSpecific()) ||
		!tbs.ReadASN1(&serial, cbasn1.INTEGER) || len(serial) == 0 {
		return nil, errors.New("version or serial number does not decode")
	}
	out["version"] = string(wrapped)
	out["serialNumber"] = fmt.Sprintf("%d octets, sign %d", len(serial), signOf(serial))
	var validity, content, spki, extensions cryptobyte.String
	take := func(name string, from *cryptobyte.String) bool {
		var element cryptobyte.String
		ok := from.ReadAnyASN1Element(&element, new(cbasn1.Tag))
		out[name] = string(element)
		return ok
	}
	if !take("signature", &tbs) || !take("issuer", &tbs) || !tbs.ReadASN1(&validity, cbasn1.SEQUENCE) ||
		!take("notBefore", &validity) || !take("notAfter", &validity) || !take("subject", &tbs) ||
		!tbs.ReadASN1Element(&spki, cbasn1.SEQUENCE) {
		return nil, errors.New("the signed part does not decode")
	}
	kind, err := kindOfKey(spki)
	if err != nil {
		return nil, err
	}
	out["subjectPublicKeyInfo"] = kind
	if tbs.Empty() {
		return out, nil
	}
	own, err := keyIdentifier(spki)
	if err != nil {
		return nil, err
	}
	above := own
	if issuer != nil && !bytes.Equal(issuer, der) {
		if above, err = keyIdentifierOf(issuer); err != nil {
			return nil, err
		}
	}
	if !tbs.ReadASN1(&content, cbasn1.Tag(3).Constructed().ContextSpecific()) || !content.ReadASN1(&extensions, cbasn1.SEQUENCE) {
		return nil, errors.New("the extensions do not decode")
	}
	for !extensions.Empty() {
		var oid, rest cryptobyte.String
		if !extensions.ReadASN1(&rest, cbasn1.SEQUENCE) || !rest.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) {
			return nil, errors.New("an extension does not decode")
		}
		name, value := extensionName(oid), []byte(rest)
		switch name {
		case "subjectKeyIdentifier":
			value = bytes.ReplaceAll(value, own, []byte("<own key>"))
		case "authorityKeyIdentifier":
			value = bytes.ReplaceAll(value, above, []byte("<key of the issuer>"))
		}
		out[name] += fmt.Sprintf("%d:%s", len(value), value)
	}
	return out, nil
}

// partsThatDiffer lists the parts in which two certificates differ, sorted.
func partsThatDiffer(a, b map[string]string) []string {
	var out []string
	for name, value := range a {
		if other, both := b[name]; !both || other != value {
			out = append(out, name)
		}
	}
	for name := range b {
		if _, both := a[name]; !both {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func signOf(serial []byte) int {
	switch {
	case serial[0]&0x80 != 0:
		return -1
	case !slices.ContainsFunc(serial, func(c byte) bool { return c != 0 }):
		return 0
	default:
		return 1
	}
}

// kindOfKey is the algorithm of a key and its size, for RSA also the exponent.
func kindOfKey(spki []byte) (string, error) {
	var body, algorithm cryptobyte.String
	var raw []byte
	in := cryptobyte.String(spki)
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!body.ReadASN1BitStringAsBytes(&raw) {
		return "", errors.New("the public key does not decode")
	}
	n, e := new(big.Int), new(big.Int)
	key := cryptobyte.String(raw)
	var pair cryptobyte.String
	if key.ReadASN1(&pair, cbasn1.SEQUENCE) && pair.ReadASN1Integer(n) && pair.ReadASN1Integer(e) {
		return fmt.Sprintf("%x, %d bits, exponent %s", []byte(algorithm), n.BitLen(), e), nil
	}
	return fmt.Sprintf("%x, %d octets", []byte(algorithm), len(raw)), nil
}

// keyIdentifierOf is the key identifier of the key in a certificate.
func keyIdentifierOf(der []byte) ([]byte, error) {
	var spki cryptobyte.String
	if _, err := subjectOf(der, &spki); err != nil {
		return nil, err
	}
	return keyIdentifier(spki)
}

// subjectOf reads subject and public key, both DER, of a certificate that crypto/x509 may refuse.
func subjectOf(der []byte, spki *cryptobyte.String) (subject []byte, err error) {
	in := cryptobyte.String(der)
	var outer, tbs, name cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(cbasn1.Tag(0).Constructed().ContextSpecific()) ||
		!tbs.SkipASN1(cbasn1.INTEGER) || !tbs.SkipASN1(cbasn1.SEQUENCE) || !tbs.SkipASN1(cbasn1.SEQUENCE) ||
		!tbs.SkipASN1(cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&name, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(spki, cbasn1.SEQUENCE) {
		return nil, errors.New("the certificate does not decode")
	}
	return name, nil
}

// serialOf reads the serial number of a certificate that crypto/x509 may refuse.
func serialOf(der []byte) (*big.Int, error) {
	in := cryptobyte.String(der)
	var outer, tbs cryptobyte.String
	serial := new(big.Int)
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(cbasn1.Tag(0).Constructed().ContextSpecific()) || !tbs.ReadASN1Integer(serial) {
		return nil, errors.New("the serial number does not decode")
	}
	return serial, nil
}

var extensionNames = map[string]string{
	"2.5.29.14": "subjectKeyIdentifier", "2.5.29.15": "keyUsage", "2.5.29.17": "subjectAltName",
	"2.5.29.19": "basicConstraints", "2.5.29.30": "nameConstraints", "2.5.29.31": "cRLDistributionPoints",
	"2.5.29.32": "certificatePolicies", "2.5.29.35": "authorityKeyIdentifier",
	"2.5.29.36": "policyConstraints", "2.5.29.37": "extKeyUsage",
	"1.3.6.1.5.5.7.1.1": "authorityInfoAccess", "1.3.6.1.5.5.7.1.14": "proxyCertInfo",
	"2.16.840.1.113730.1.1": "netscapeCertType",
}

func extensionName(oid []byte) string {
	dotted, ok := dottedOID(oid)
	if !ok {
		return fmt.Sprintf("extension %x", oid)
	}
	if name, known := extensionNames[dotted]; known {
		return name
	}
	return "extension " + dotted
}
