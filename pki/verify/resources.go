package verify

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// validIPBlocks tells whether an RFC 3779 extension of address blocks decodes. Whether the
// blocks nest (codes 41 and 46) is not checked: see Limits.
func validIPBlocks(s cryptobyte.String) bool {
	var families cryptobyte.String
	if !readList(&s, &families, asn1.SEQUENCE) {
		return false
	}
	for !families.Empty() {
		var family cryptobyte.String
		if !families.ReadASN1(&family, asn1.SEQUENCE) || !family.SkipASN1(asn1.OCTET_STRING) {
			return false
		}
		if !validChoice(&family, func(s *cryptobyte.String, tag asn1.Tag) bool {
			_, ok := readBitString(s, tag)
			return ok
		}, asn1.BIT_STRING) || !family.Empty() {
			return false
		}
	}
	return true
}

// validASNumbers is validIPBlocks for autonomous system numbers.
func validASNumbers(s cryptobyte.String) bool {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.SEQUENCE) {
		return false
	}
	for n := uint8(0); n <= 1; n++ {
		if !content.PeekASN1Tag(explicit(n)) {
			continue
		}
		var wrapped cryptobyte.String
		if !content.ReadASN1(&wrapped, explicit(n)) {
			return false
		}
		if !validChoice(&wrapped, func(s *cryptobyte.String, tag asn1.Tag) bool {
			_, ok := readInteger(s, tag)
			return ok
		}, asn1.INTEGER) || !wrapped.Empty() {
			return false
		}
	}
	return content.Empty()
}

// validChoice reads "inherit" (NULL) or a list of single values and ranges of two.
func validChoice(s *cryptobyte.String, one func(*cryptobyte.String, asn1.Tag) bool, tag asn1.Tag) bool {
	if s.PeekASN1Tag(asn1.NULL) {
		var null cryptobyte.String
		return s.ReadASN1(&null, asn1.NULL) && null.Empty()
	}
	var list cryptobyte.String
	if !readList(s, &list, asn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		if list.PeekASN1Tag(tag) {
			if !one(&list, tag) {
				return false
			}
			continue
		}
		var span cryptobyte.String
		if !list.ReadASN1(&span, asn1.SEQUENCE) || !one(&span, tag) || !one(&span, tag) || !span.Empty() {
			return false
		}
	}
	return true
}
