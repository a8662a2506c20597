package inspect

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// outlined says what is odd about the outline of a certificate: what RFC 5280 forbids and OpenSSL
// does not mind. crypto/x509 need not be able to read it.
func outlined(e *Entry, der []byte) {
	in := cryptobyte.String(der)
	var outer, tbs, outerAlgorithm, innerAlgorithm, version, serial, validity, subject cryptobyte.String
	var hasVersion bool
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) || !outer.ReadASN1Element(&outerAlgorithm, cbasn1.SEQUENCE) ||
		!tbs.ReadOptionalASN1(&version, &hasVersion, cbasn1.Tag(0).Constructed().ContextSpecific()) ||
		!tbs.ReadASN1(&serial, cbasn1.INTEGER) || len(serial) == 0 ||
		!tbs.ReadASN1Element(&innerAlgorithm, cbasn1.SEQUENCE) || !tbs.SkipASN1(cbasn1.SEQUENCE) || !tbs.ReadASN1(&validity, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&subject, cbasn1.SEQUENCE) {
		return
	}
	if !bytes.Equal(outerAlgorithm, innerAlgorithm) {
		e.find(Unreadable, 0, "it names one signature algorithm in the signed part and another one outside, which RFC 5280 (4.1.1.2) forbids; have it issued again")
	}
	if !hasVersion {
		e.find(Unreadable, 0, "it is of version 1, which has no extensions: no usages, and no sign that a CA is one; have it issued again as version 3")
	}
	const lastUTCTime = 2049
	if bytes.Contains(validity, []byte{byte(cbasn1.GeneralizedTime), 15}) && e.NotAfter.Year() <= lastUTCTime && !e.NotAfter.IsZero() {
		e.find(OddDates, 0, "its end is written in the form that is for dates from 2050 on (GeneralizedTime), which RFC 5280 (4.1.2.5) forbids: strict programs refuse it; have it issued again")
	}
	oddSerial(e, serial)
	oddStrings(e, subject)
}

// oddSerial says what is odd about a serial number (RFC 5280, 4.1.2.2).
func oddSerial(e *Entry, content []byte) {
	zero := len(bytes.Trim(content, "\x00")) == 0
	switch {
	case zero:
		e.find(OddSerial, 0, "its serial number is 0, expected a positive one (RFC 5280 4.1.2.2); have it issued again")
	case content[0]&0x80 != 0:
		e.find(OddSerial, 0, "its serial number is negative, expected a positive one (RFC 5280 4.1.2.2): strict programs refuse it; have it issued again")
	case len(content) > 20:
		e.find(OddSerial, 0, "its serial number has %d octets, expected 20 at most (RFC 5280 4.1.2.2); have it issued again", len(content))
	}
}

// maxCommonName is the upper bound of RFC 5280, appendix A.1.
const maxCommonName = 64

// oddStrings says what is odd about the strings of a subject.
func oddStrings(e *Entry, name cryptobyte.String) {
	var list cryptobyte.String
	if !name.ReadASN1(&list, cbasn1.SEQUENCE) {
		return
	}
	for !list.Empty() {
		var set, pair, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var tag cbasn1.Tag
		if !list.ReadASN1(&set, cbasn1.SET) {
			return
		}
		for !set.Empty() {
			if !set.ReadASN1(&pair, cbasn1.SEQUENCE) || !pair.ReadASN1ObjectIdentifier(&oid) || !pair.ReadAnyASN1(&value, &tag) {
				return
			}
			isCN := oid.Equal(asn1.ObjectIdentifier{2, 5, 4, 3})
			switch kind := oddString[tag]; {
			case kind != "":
				e.find(OddName, 0, "its subject has a %s, which RFC 5280 (4.1.2.4) has CAs use no more: systems read other characters from it; have it issued again with UTF-8", kind)
			case bytes.IndexByte(value, 0) >= 0:
				e.find(OddName, 0, "its subject has a NUL character, behind which some systems stop reading; have it issued again")
			case !isPrintableTag(tag, value):
				e.find(OddName, 0, "its subject has characters that its type of string (PrintableString) cannot hold; have it issued again")
			}
			if isCN && len([]rune(string(value))) > maxCommonName {
				e.find(OddName, 0, "its common name (CN) has %d characters, expected %d at most (RFC 5280, appendix A.1); have it issued again with a shorter one", len([]rune(string(value))), maxCommonName)
			}
		}
	}
}

// oddString are the types of strings that new certificates must not have.
var oddString = map[cbasn1.Tag]string{
	cbasn1.T61String: "TeletexString (T61String)",
	cbasn1.Tag(28):   "UniversalString",
	cbasn1.Tag(30):   "BMPString",
}

func isPrintableTag(tag cbasn1.Tag, value []byte) bool {
	if tag != cbasn1.PrintableString {
		return true
	}
	for _, c := range value {
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alphanumeric && bytes.IndexByte([]byte(" '()+,-./:=?"), c) < 0 {
			return false
		}
	}
	return true
}

// oidPSSKey is the algorithm of a key that may make PSS signatures and no others.
var oidPSSKey = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a}

// oddKey says what is odd about a key that OpenSSL takes.
func oddKey(e *Entry, c *x509.Certificate) {
	if bytes.Contains(c.RawSubjectPublicKeyInfo[:min(len(c.RawSubjectPublicKeyInfo), 40)], oidPSSKey) {
		e.Key = "RSA for PSS signatures only"
		e.find(OddKey, 0, "its key is for RSA-PSS signatures only, which Java before 11, Go and many others cannot use or read; make an ordinary RSA key pair")
		return
	}
	if key, isEC := c.PublicKey.(*ecdsa.PublicKey); isEC && key.Curve == elliptic.P224() {
		e.find(OddKey, 0, "its key is on the curve P-224, which TLS 1.3 and public CAs do not know; make a new key pair on P-256")
	}
	key, isRSA := c.PublicKey.(*rsa.PublicKey)
	if !isRSA {
		return
	}
	bits := key.N.BitLen()
	if bits >= 1963 && bits%8 != 0 {
		e.find(OddKey, 0, "its RSA key has %d bits, which is no multiple of 8: some systems cannot work with it; make a new key pair of 2048 bits", bits)
	} else if bits >= 1963 && bits < 2048 {
		e.find(OddKey, 0, "its RSA key has %d bits, fewer than the 2048 that CAs and many servers ask for; make a new key pair", bits)
	}
	if key.E < 65537 {
		e.find(OddKey, 0, "its RSA key has the public exponent %d, expected 65537: CAs and some servers refuse it; make a new key pair", key.E)
	}
}

// usageOIDs lists the object identifiers of an extended key usage as they stand there.
func usageOIDs(der cryptobyte.String) []string {
	var list cryptobyte.String
	if !der.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil
	}
	var out []string
	for !list.Empty() {
		var content cryptobyte.String
		var oid x509.OID
		if !list.ReadASN1(&content, cbasn1.OBJECT_IDENTIFIER) || oid.UnmarshalBinary(content) != nil {
			return out
		}
		out = append(out, oid.String())
	}
	return out
}
