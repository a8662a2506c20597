package verify

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shortName is the name that OpenSSL gives an attribute type that is met in client certificates;
// other types are written as dotted numbers.
func shortName(oid []byte) (name string, ok bool) {
	switch string(oid) {
	case "\x55\x04\x03":
		return "CN", true
	case "\x55\x04\x04":
		return "SN", true
	case "\x55\x04\x05":
		return "serialNumber", true
	case "\x55\x04\x06":
		return "C", true
	case "\x55\x04\x07":
		return "L", true
	case "\x55\x04\x08":
		return "ST", true
	case "\x55\x04\x09":
		return "street", true
	case "\x55\x04\x0a":
		return "O", true
	case "\x55\x04\x0b":
		return "OU", true
	case "\x55\x04\x0c":
		return "title", true
	case "\x55\x04\x0d":
		return "description", true
	case "\x55\x04\x0f":
		return "businessCategory", true
	case "\x55\x04\x11":
		return "postalCode", true
	case "\x55\x04\x14":
		return "telephoneNumber", true
	case "\x55\x04\x29":
		return "name", true
	case "\x55\x04\x2a":
		return "GN", true
	case "\x55\x04\x2b":
		return "initials", true
	case "\x55\x04\x2c":
		return "generationQualifier", true
	case "\x55\x04\x2e":
		return "dnQualifier", true
	case "\x55\x04\x41":
		return "pseudonym", true
	case "\x55\x04\x61":
		return "organizationIdentifier", true
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01":
		return "emailAddress", true
	case "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01":
		return "UID", true
	case "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19":
		return "DC", true
	case "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01":
		return "jurisdictionL", true
	case "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02":
		return "jurisdictionST", true
	case "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03":
		return "jurisdictionC", true
	default:
		return "", false
	}
}

// String writes the name in the order of the certificate, as a trace has it:
// "C=DE, O=Example, CN=sender.example". Characters that do not print are written as \xHH.
func (n name) String() string {
	var b strings.Builder
	b.Grow(len(n.raw))
	last := -1
	n.attributes(func(a attribute) bool {
		switch {
		case last < 0:
		case a.set == last:
			b.WriteByte('+')
		default:
			b.WriteString(", ")
		}
		last = a.set
		if short, ok := shortName(a.oid); ok {
			b.WriteString(short)
		} else {
			writeDotted(&b, a.oid)
		}
		b.WriteByte('=')
		if plain(a) {
			b.Write(a.value)
		} else if text, ok := appendUTF8(nil, a.tag, a.value); ok && folded>>a.tag&1 == 1 || a.tag == tagNumericString {
			writePrintable(&b, string(text))
		} else {
			for _, c := range a.value {
				writeHex(&b, c)
			}
		}
		return true
	})
	return b.String()
}

// plain tells whether a value is printable ASCII already, as most are.
func plain(a attribute) bool {
	switch a.tag {
	case tagUTF8String, tagPrintableString, tagIA5String:
		for _, c := range a.value {
			if c < ' ' || c > '~' {
				return false
			}
		}
		return true
	}
	return false
}

func writeDotted(b *strings.Builder, oid []byte) {
	value, first := uint64(0), true
	for _, c := range oid {
		if value > 1<<56 { // absurdly large: not worth a big number
			b.WriteString("?")
			return
		}
		value = value<<7 | uint64(c&0x7f)
		if c&0x80 != 0 {
			continue
		}
		if first {
			top := min(value/40, 2)
			b.WriteString(strconv.FormatUint(top, 10))
			value -= top * 40
			first = false
		}
		b.WriteByte('.')
		b.WriteString(strconv.FormatUint(value, 10))
		value = 0
	}
}

func writePrintable(b *strings.Builder, s string) {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			for i := range size {
				writeHex(b, s[i])
			}
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
}

func writeHex(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	b.Write([]byte{'\\', 'x', digits[c>>4], digits[c&15]})
}
