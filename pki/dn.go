package pki

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// DN is a distinguished name in the order of the certificate, which is the reverse of that of its
// string form: of "CN=warehouse, O=Example, C=DE" the first element is C. The zero value is the
// empty name.
type DN []RDN

// RDN is one element of a name: almost always one attribute, sometimes several.
type RDN []Attribute

// Attribute is a type and a value, such as CN and "warehouse".
type Attribute struct {
	// Type is the dotted object identifier, "2.5.4.3" for CN.
	Type string
	// Value is the text, exactly as it stands in the certificate.
	Value string
	// Raw is the DER of a value that is not a text; Value is empty then. Nil for a text.
	Raw []byte
}

// emptyName is the DER of the empty name.
var emptyName = []byte{0x30, 0x00}

// The types of string that occur in names and that cryptobyte has no name for.
const (
	tagNumericString   = cbasn1.Tag(18)
	tagVisibleString   = cbasn1.Tag(26)
	tagUniversalString = cbasn1.Tag(28)
	tagBMPString       = cbasn1.Tag(30)
)

// CommonName is the value of the last CN in the order of the certificate; empty if there is none.
func (d DN) CommonName() string {
	for _, rdn := range slices.Backward(d) {
		for _, a := range slices.Backward(rdn) {
			if a.Type == oidCommonName {
				return a.Value
			}
		}
	}
	return ""
}

// Marshal is the DER of the name. A value becomes a PrintableString if its characters allow it and
// a UTF8String if not; e-mail addresses and domain components become an IA5String if they are ASCII. It returns an
// error for a type that is not an object identifier, and for a value that its type cannot hold.
func (d DN) Marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, rdn := range d {
			parts := make([][]byte, len(rdn))
			for i, a := range rdn {
				part, err := a.marshal()
				if err != nil {
					b.SetError(err)
					return
				}
				parts[i] = part
			}
			slices.SortFunc(parts, bytes.Compare) // DER sorts sets
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
				for _, part := range parts {
					b.AddBytes(part)
				}
			})
		}
	})
	return b.Bytes()
}

func (a Attribute) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, a.Type)
		if a.Raw != nil {
			b.AddBytes(a.Raw)
			return
		}
		tag, err := stringTag(a.Type, a.Value)
		if err != nil {
			b.SetError(err)
			return
		}
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.Value)) })
	})
	return b.Bytes()
}

// stringTag chooses the type of string for a value.
func stringTag(oid, value string) (cbasn1.Tag, error) {
	name := keywordOf(oid)
	switch attributeByOID[oid].holds {
	case printableOnly:
		if !isPrintable(value) {
			return 0, fmt.Errorf("%s takes letters, digits, blanks and '()+,-./:=? only, found %q", name, value)
		}
		return cbasn1.PrintableString, nil
	case asciiFirst:
		if isASCII([]byte(value)) {
			return cbasn1.IA5String, nil
		}
	}
	switch {
	case isPrintable(value):
		return cbasn1.PrintableString, nil
	case utf8.ValidString(value):
		return cbasn1.UTF8String, nil
	default:
		return 0, fmt.Errorf("the value of %s is not UTF-8: %q", name, value)
	}
}

// isPrintable tells whether all characters are of ASN.1's PrintableString.
func isPrintable(s string) bool {
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alphanumeric && strings.IndexByte(" '()+,-./:=?", c) < 0 {
			return false
		}
	}
	return true
}

// ParseRawDN reads the DER of a name, such as a certificate's RawSubject.
func ParseRawDN(raw []byte) (DN, error) {
	in := cryptobyte.String(raw)
	var body cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, errMalformedName
	}
	var out DN
	for !body.Empty() {
		var set cryptobyte.String
		if !body.ReadASN1(&set, cbasn1.SET) || set.Empty() {
			return nil, errMalformedName
		}
		rdn := make(RDN, 0, 1)
		for !set.Empty() {
			a, ok := readAttribute(&set)
			if !ok {
				return nil, errMalformedName
			}
			rdn = append(rdn, a)
		}
		out = append(out, rdn)
	}
	return out, nil
}

var errMalformedName = fmt.Errorf("not the DER of a distinguished name")

func readAttribute(in *cryptobyte.String) (Attribute, bool) {
	var pair, oid, value, content cryptobyte.String
	var tag cbasn1.Tag
	if !in.ReadASN1(&pair, cbasn1.SEQUENCE) || !pair.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) ||
		!pair.ReadAnyASN1Element(&value, &tag) || !pair.Empty() {
		return Attribute{}, false
	}
	raw := []byte(value)
	if !value.ReadAnyASN1(&content, &tag) {
		return Attribute{}, false
	}
	dotted, ok := dottedOID(oid)
	if !ok {
		return Attribute{}, false
	}
	if text, ok := decodeString(tag, content); ok {
		return Attribute{Type: dotted, Value: text}, true
	}
	return Attribute{Type: dotted, Raw: bytes.Clone(raw)}, true
}

// decodeString decodes the content of a value; false if it is not a text of its type.
func decodeString(tag cbasn1.Tag, content []byte) (string, bool) {
	switch tag {
	case cbasn1.UTF8String:
		return string(content), utf8.Valid(content)
	case cbasn1.PrintableString, cbasn1.IA5String, tagVisibleString, tagNumericString:
		// Characters outside of the set are common; what is not ASCII cannot be told.
		return string(content), isASCII(content)
	case cbasn1.T61String: // read as Latin-1 by everybody
		runes := make([]rune, len(content))
		for i, c := range content {
			runes[i] = rune(c)
		}
		return string(runes), true
	case tagBMPString:
		return decodeWide(content, 2)
	case tagUniversalString:
		return decodeWide(content, 4)
	default:
		return "", false
	}
}

func isASCII(s []byte) bool {
	return !slices.ContainsFunc(s, func(c byte) bool { return c >= utf8.RuneSelf })
}

// decodeWide decodes big-endian characters of the width in bytes.
func decodeWide(content []byte, width int) (string, bool) {
	if len(content)%width != 0 {
		return "", false
	}
	var out strings.Builder
	for chunk := range slices.Chunk(content, width) {
		var r rune
		for _, c := range chunk {
			if r > utf8.MaxRune>>8+1 {
				return "", false
			}
			r = r<<8 | rune(c)
		}
		if !utf8.ValidRune(r) {
			return "", false
		}
		out.WriteRune(r)
	}
	return out.String(), true
}
