package verify

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Tags of values that appear in names and general names.
const (
	tagBitString       = 3
	tagOctetString     = 4
	tagUTF8String      = 12
	tagSequence        = 16
	tagSet             = 17
	tagNumericString   = 18
	tagPrintableString = 19
	tagT61String       = 20
	tagIA5String       = 22
	tagUTCTime         = 23
	tagGeneralizedTime = 24
	tagVisibleString   = 26
	tagUniversalString = 28
	tagBMPString       = 30
)

// contextual returns the tag [n] of a primitive, IMPLICIT value.
func contextual(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific() }

// explicit returns the tag [n] of a constructed value.
func explicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// readElement reads one element with that tag and leaves its content. It is ReadASN1 with a short
// way for short elements, of which certificates are full.
func readElement(s, content *cryptobyte.String, tag asn1.Tag) bool {
	b := *s
	if len(b) < 2 || b[0] != byte(tag) {
		return false
	}
	if end := 2 + int(b[1]); b[1] < 0x80 && b[0]&0x1f != 0x1f {
		if end > len(b) {
			return false
		}
		*content, *s = b[2:end:end], b[end:]
		return true
	}
	return s.ReadASN1(content, tag)
}

// readAnyElement is readElement for any tag: ReadAnyASN1.
func readAnyElement(s, content *cryptobyte.String, tag *asn1.Tag) bool {
	b := *s
	if len(b) < 2 {
		return false
	}
	*tag = asn1.Tag(b[0])
	return readElement(s, content, *tag)
}

// readList reads a SEQUENCE OF or SET OF, which OpenSSL reads with and without the bit that
// says "constructed".
func readList(s *cryptobyte.String, list *cryptobyte.String, tag asn1.Tag) bool {
	if primitive := tag &^ 0x20; s.PeekASN1Tag(primitive) {
		return readElement(s, list, primitive)
	}
	return readElement(s, list, tag)
}

// peekList tells whether a list with that tag is next.
func peekList(s *cryptobyte.String, tag asn1.Tag) bool {
	return s.PeekASN1Tag(tag) || s.PeekASN1Tag(tag&^0x20)
}

// readInteger reads an INTEGER and returns its content. OpenSSL refuses empty content and a
// superfluous first octet, and takes negative numbers.
func readInteger(s *cryptobyte.String, tag asn1.Tag) ([]byte, bool) {
	var content cryptobyte.String
	if !readElement(s, &content, tag) || !minimalInteger(content) {
		return nil, false
	}
	return content, true
}

func minimalInteger(content []byte) bool {
	switch {
	case len(content) == 0:
		return false
	case len(content) == 1:
		return true
	case content[0] == 0:
		return content[1]&0x80 != 0
	case content[0] == 0xff:
		return content[1]&0x80 == 0
	default:
		return true
	}
}

// smallInteger is the value of an INTEGER's content, or -1 if it does not fit into 64 bits:
// OpenSSL's ASN1_INTEGER_get.
func smallInteger(content []byte) int64 {
	if len(content) == 0 || len(content) > 8 {
		return -1
	}
	value := int64(int8(content[0]))
	for _, b := range content[1:] {
		value = value<<8 | int64(b)
	}
	return value
}

func isZeroInteger(content []byte) bool { return len(content) == 1 && content[0] == 0 }

// readOID reads an OBJECT IDENTIFIER and returns its content.
func readOID(s *cryptobyte.String, tag asn1.Tag) ([]byte, bool) {
	var content cryptobyte.String
	if !readElement(s, &content, tag) || !validOID(content) {
		return nil, false
	}
	return content, true
}

// validOID tells whether each arc is complete and has no leading zero septet.
func validOID(content []byte) bool {
	if len(content) == 0 || content[len(content)-1]&0x80 != 0 {
		return false
	}
	for i, b := range content {
		if b == 0x80 && (i == 0 || content[i-1]&0x80 == 0) {
			return false
		}
	}
	return true
}

// readBoolean reads a BOOLEAN: OpenSSL takes every octet but zero for true.
func readBoolean(s *cryptobyte.String, tag asn1.Tag) (value, ok bool) {
	var content cryptobyte.String
	if !readElement(s, &content, tag) || len(content) != 1 {
		return false, false
	}
	return content[0] != 0, true
}

// readOptionalBoolean reads a BOOLEAN if one is next.
func readOptionalBoolean(s *cryptobyte.String, tag asn1.Tag) (value, ok bool) {
	if !s.PeekASN1Tag(tag) {
		return false, true
	}
	return readBoolean(s, tag)
}

// bitString is the content of a BIT STRING.
type bitString struct {
	octets []byte
	unused uint8
}

func readBitString(s *cryptobyte.String, tag asn1.Tag) (bitString, bool) {
	var content cryptobyte.String
	if !readElement(s, &content, tag) || len(content) == 0 || content[0] > 7 {
		return bitString{}, false
	}
	return bitString{octets: content[1:], unused: content[0]}, true
}

// masked returns the octets with unused bits as zero, as OpenSSL reads them.
func (b bitString) masked() []byte {
	last := len(b.octets) - 1
	if last < 0 || b.octet(last) == b.octets[last] {
		return b.octets
	}
	octets := bytes.Clone(b.octets)
	octets[last] = b.octet(last)
	return octets
}

// octet returns one octet with unused bits as zero; 0 beyond the end.
func (b bitString) octet(i int) byte {
	switch {
	case i >= len(b.octets):
		return 0
	case i == len(b.octets)-1:
		return b.octets[i] & (0xff << b.unused)
	default:
		return b.octets[i]
	}
}

// algorithm is an AlgorithmIdentifier.
type algorithm struct {
	raw    []byte // content of the SEQUENCE
	oid    []byte
	params []byte // one element, nil if absent
}

func readAlgorithm(s *cryptobyte.String) (algorithm, bool) {
	var content cryptobyte.String
	if !readElement(s, &content, asn1.SEQUENCE) {
		return algorithm{}, false
	}
	a := algorithm{raw: content}
	var ok bool
	if a.oid, ok = readOID(&content, asn1.OBJECT_IDENTIFIER); !ok {
		return algorithm{}, false
	}
	if content.Empty() {
		return a, true
	}
	var params cryptobyte.String
	var tag asn1.Tag
	if !content.ReadAnyASN1Element(&params, &tag) || !content.Empty() || !validAny(params) {
		return algorithm{}, false
	}
	a.params = params
	return a, true
}

// validAny tells whether one element of any type decodes in a field of type ANY: types that
// OpenSSL knows must have the form and content of their type.
func validAny(element cryptobyte.String) bool {
	var content cryptobyte.String
	var tag asn1.Tag
	if !readAnyElement(&element, &content, &tag) {
		return false
	}
	if tag >= 0x40 { // not universal
		return true
	}
	number := tag & 0x1f
	if number == 0 { // two zeros end contents in BER; anything else with that tag passes
		return len(content) > 0
	}
	if constructed := tag&0x20 != 0; constructed != (number == tagSequence || number == tagSet) {
		return false
	}
	return validContent(number, content)
}

// validContent tells whether the content of a primitive, universal type decodes.
func validContent(tag asn1.Tag, content []byte) bool {
	switch tag {
	case asn1.BOOLEAN:
		return len(content) == 1
	case asn1.NULL:
		return len(content) == 0
	case asn1.OBJECT_IDENTIFIER:
		return validOID(content)
	case asn1.INTEGER, asn1.ENUM:
		return minimalInteger(content)
	case asn1.BIT_STRING:
		return len(content) > 0 && content[0] <= 7
	case tagBMPString:
		return len(content)%2 == 0
	case tagUniversalString:
		return len(content)%4 == 0
	default:
		return true
	}
}

func (a algorithm) equal(b algorithm) bool { return bytes.Equal(a.raw, b.raw) }
