package verify

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// name is a distinguished name.
type name struct {
	raw []byte // the DER, with the SEQUENCE header
	// canonical is equal for two names if OpenSSL's X509_NAME_cmp takes them for equal, and a
	// prefix of it is that of a name with fewer RDNs. Empty for an empty name.
	canonical []byte
	entries   int
}

// attribute is one attribute of a name. set counts RDNs: attributes of a multi-valued RDN
// have the same number.
type attribute struct {
	set   int
	oid   []byte
	tag   asn1.Tag
	value []byte
}

// stringTags are the types that OpenSSL accepts as value of an attribute (its ASN1_PRINTABLE);
// a certificate with another one cannot be read.
const stringTags = 1<<tagBitString | 1<<7 | 1<<8 | 1<<9 | 1<<11 | 1<<tagUTF8String | 1<<13 | 1<<14 | 1<<15 |
	1<<tagSequence | 1<<tagNumericString | 1<<tagPrintableString | 1<<tagT61String | 1<<tagIA5String |
	1<<tagUniversalString | 1<<29 | 1<<tagBMPString

// folded are the types whose case and blanks do not count. Others are compared octet by octet.
const folded = 1<<tagUTF8String | 1<<tagPrintableString | 1<<tagT61String | 1<<tagIA5String |
	1<<tagVisibleString | 1<<tagUniversalString | 1<<tagBMPString

// readUsualAttribute is readAttribute for what nearly all names are made of: a type 2.5.4.n and a
// short string of a type whose content may be anything. It tells whether it was one.
func readUsualAttribute(rdn *cryptobyte.String, a *attribute) bool {
	b := *rdn
	if len(b) < 9 || b[0] != byte(asn1.SEQUENCE) || b[2] != byte(asn1.OBJECT_IDENTIFIER) || b[3] != 3 ||
		b[4] != 0x55 || b[5] != 4 || b[6] >= 0x80 || b[8] >= 0x80 || b[1] != 7+b[8] {
		return false
	}
	end := 2 + int(b[1])
	if b[1] >= 0x80 || end > len(b) {
		return false
	}
	switch b[7] {
	case tagUTF8String, tagPrintableString, tagIA5String:
		a.oid, a.tag, a.value = b[4:7:7], asn1.Tag(b[7]), b[9:end:end]
		*rdn = b[end:]
		return true
	}
	return false
}

func readAttribute(rdn *cryptobyte.String) (attribute, bool) {
	var usual attribute
	if readUsualAttribute(rdn, &usual) {
		return usual, true
	}
	var entry, value cryptobyte.String
	var a attribute
	var ok bool
	if !readElement(rdn, &entry, asn1.SEQUENCE) {
		return a, false
	}
	if a.oid, ok = readOID(&entry, asn1.OBJECT_IDENTIFIER); !ok {
		return a, false
	}
	if !readAnyElement(&entry, &value, &a.tag) || !entry.Empty() {
		return a, false
	}
	number := a.tag
	switch number {
	case asn1.SEQUENCE:
		number = tagSequence
	case tagSequence:
		return a, false
	}
	if number > 31 || stringTags>>number&1 == 0 || !validContent(number, value) {
		return a, false
	}
	a.tag, a.value = number, value
	return a, true
}

// attributes calls visit for each attribute of a name that was read by parseName, until visit
// returns false.
func (n name) attributes(visit func(attribute) bool) {
	der := cryptobyte.String(n.raw)
	var rdns cryptobyte.String
	if !readList(&der, &rdns, asn1.SEQUENCE) {
		return
	}
	for set := 0; !rdns.Empty(); set++ {
		var rdn cryptobyte.String
		if !readList(&rdns, &rdn, asn1.SET) {
			return
		}
		for !rdn.Empty() {
			a, ok := readAttribute(&rdn)
			if !ok {
				return
			}
			a.set = set
			if !visit(a) {
				return
			}
		}
	}
}

func readName(s *cryptobyte.String) (name, bool) { return readNameInto(nil, s) }

// readNameInto is readName that puts the canonical form behind space, if it fits into its
// capacity.
func readNameInto(space []byte, s *cryptobyte.String) (name, bool) {
	var element cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1Element(&element, &tag) {
		return name{}, false
	}
	n := name{raw: element}
	var rdns cryptobyte.String
	if !readList(&element, &rdns, asn1.SEQUENCE) {
		return name{}, false
	}
	if n.canonical = space; cap(space) < len(n.raw)+16 {
		n.canonical = make([]byte, 0, len(n.raw)+16)
	}
	for !rdns.Empty() {
		var rdn cryptobyte.String
		if !readList(&rdns, &rdn, asn1.SET) {
			return name{}, false
		}
		count, ok := 0, false
		if n.canonical, count, ok = appendRDN(n.canonical, rdn); !ok {
			return name{}, false
		}
		n.entries += count
	}
	return n, true
}

// behind is the room that is left behind the canonical form, for the next name.
func (n name) behind() []byte { return n.canonical[len(n.canonical):] }

// appendRDN appends one RDN in canonical form: its length, then its attributes, sorted.
func appendRDN(to []byte, rdn cryptobyte.String) ([]byte, int, bool) {
	if rdn.Empty() {
		return to, 0, true
	}
	start := len(to)
	to = append(to, 0, 0, 0, 0)
	var ends []int
	count := 0
	for !rdn.Empty() {
		a, ok := readAttribute(&rdn)
		if !ok {
			return nil, 0, false
		}
		if count++; count > 1 || !rdn.Empty() {
			ends = append(ends, len(to))
		}
		if to, ok = appendAttribute(to, a); !ok {
			return nil, 0, false
		}
	}
	if count > 1 {
		sortSet(to, ends)
	}
	binary.BigEndian.PutUint32(to[start:], uint32(len(to)-start-4))
	return to, count, true
}

// sortSet sorts the attributes that begin at starts and end with b.
func sortSet(b []byte, starts []int) {
	first := starts[0]
	parts := make([][]byte, len(starts))
	for i, from := range starts {
		to := len(b)
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		parts[i] = bytes.Clone(b[from:to])
	}
	slices.SortFunc(parts, bytes.Compare)
	copy(b[first:], bytes.Join(parts, nil))
}

func appendAttribute(to []byte, a attribute) ([]byte, bool) {
	to = append(to, byte(len(a.oid)>>8), byte(len(a.oid)))
	to = append(to, a.oid...)
	if len(a.oid) > 0xffff {
		return nil, false
	}
	tag := a.tag
	if folded>>tag&1 == 1 {
		tag = tagUTF8String
	}
	to = append(to, byte(tag), 0, 0, 0, 0)
	start := len(to)
	switch {
	case tag != tagUTF8String:
		to = append(to, a.value...)
	case a.tag != tagBMPString && a.tag != tagUniversalString && isASCII(a.value):
		to = appendFolded(to, a.value)
	default:
		var ok bool
		if to, ok = appendUTF8(to, a.tag, a.value); !ok {
			return nil, false
		}
		to = appendFolded(to[:start], to[start:])
	}
	binary.BigEndian.PutUint32(to[start-4:], uint32(len(to)-start))
	return to, true
}

// appendUTF8 appends a string of any ASN.1 type as UTF-8: ASN1_STRING_to_UTF8. Types of one
// octet a character are read as Latin-1.
func appendUTF8(to []byte, tag asn1.Tag, value []byte) ([]byte, bool) {
	switch tag {
	case tagUTF8String:
		return append(to, value...), utf8.Valid(value)
	case tagBMPString:
		if len(value)%2 != 0 {
			return nil, false
		}
		for ; len(value) > 0; value = value[2:] {
			r := rune(binary.BigEndian.Uint16(value))
			if !utf8.ValidRune(r) {
				return nil, false
			}
			to = utf8.AppendRune(to, r)
		}
		return to, true
	case tagUniversalString:
		if len(value)%4 != 0 {
			return nil, false
		}
		for ; len(value) > 0; value = value[4:] {
			r := binary.BigEndian.Uint32(value)
			if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
				return nil, false
			}
			to = utf8.AppendRune(to, rune(r))
		}
		return to, true
	default:
		for _, c := range value {
			if c < utf8.RuneSelf {
				to = append(to, c)
			} else {
				to = utf8.AppendRune(to, rune(c))
			}
		}
		return to, true
	}
}

func isASCII(s []byte) bool {
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// appendFolded appends s with white space trimmed and its runs made one blank, ASCII letters in
// lower case. It never writes behind what it has read, so that s may be what lies behind to.
func appendFolded(to, s []byte) []byte {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case isSpace(c):
			c = ' '
			for isSpace(s[i+1]) { // the last one is none: it was trimmed
				i++
			}
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func (n name) equal(m name) bool { return bytes.Equal(n.canonical, m.canonical) }

// within tells whether the RDNs of base are the first ones of n.
func (n name) within(base name) bool { return bytes.HasPrefix(n.canonical, base.canonical) }
