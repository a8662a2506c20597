package verify

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Kinds of general name: their context-specific tags.
const (
	kindOther     = 0
	kindEmail     = 1
	kindDNS       = 2
	kindX400      = 3
	kindDirectory = 4
	kindEDI       = 5
	kindURI       = 6
	kindIP        = 7
	kindOID       = 8
)

// generalName is a GeneralName.
type generalName struct {
	kind      uint8
	value     []byte // content; of an otherName the type
	directory *name  // nil for other kinds
	other     []byte // of an otherName: the value, one element
}

// readGeneralNames reads a SEQUENCE OF GeneralName.
func readGeneralNames(s *cryptobyte.String, tag asn1.Tag) ([]generalName, bool) {
	var list cryptobyte.String
	if !readList(s, &list, tag) {
		return nil, false
	}
	if list.Empty() {
		return nil, true
	}
	all := make([]generalName, 0, elements(list))
	for !list.Empty() {
		n, ok := readGeneralName(&list)
		if !ok {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}

// elements counts the elements up to one that is none.
func elements(s cryptobyte.String) int {
	var content cryptobyte.String
	var tag asn1.Tag
	n := 0
	for readAnyElement(&s, &content, &tag) {
		n++
	}
	return n
}

func readGeneralName(s *cryptobyte.String) (generalName, bool) {
	var content cryptobyte.String
	var tag asn1.Tag
	if !readAnyElement(s, &content, &tag) {
		return generalName{}, false
	}
	n := generalName{kind: uint8(tag & 0x1f), value: content}
	switch tag {
	case contextual(kindEmail), contextual(kindDNS), contextual(kindURI), contextual(kindIP), explicit(kindX400):
		return n, true // an X.400 address is not looked into
	case contextual(kindOID):
		return n, validOID(content)
	case explicit(kindDirectory):
		directory, ok := readName(&content)
		n.directory = &directory
		return n, ok && content.Empty()
	case explicit(kindEDI):
		return n, validEDIParty(content)
	case explicit(kindOther):
		var value cryptobyte.String
		var ok bool
		if n.value, ok = readOID(&content, asn1.OBJECT_IDENTIFIER); !ok {
			return n, false
		}
		if !content.ReadASN1(&value, explicit(0)) || !content.Empty() {
			return n, false
		}
		n.other = value
		return n, skipOne(&value, new(asn1.Tag)) && value.Empty() && validAny(n.other)
	default:
		return n, false
	}
}

// skipOne skips one element of any tag.
func skipOne(s *cryptobyte.String, tag *asn1.Tag) bool {
	var element cryptobyte.String
	return s.ReadAnyASN1Element(&element, tag)
}

// validEDIParty checks an EDIPartyName: [0] assigner OPTIONAL, [1] party, both DirectoryString.
func validEDIParty(s cryptobyte.String) bool {
	directoryString := func(tag asn1.Tag) bool {
		var wrapped, text cryptobyte.String
		var inner asn1.Tag
		if !s.ReadASN1(&wrapped, tag) || !readAnyElement(&wrapped, &text, &inner) || !wrapped.Empty() {
			return false
		}
		switch inner {
		case tagUTF8String, tagPrintableString, tagT61String, tagUniversalString, tagBMPString:
			return validContent(inner, text)
		}
		return false
	}
	if s.PeekASN1Tag(explicit(0)) && !directoryString(explicit(0)) {
		return false
	}
	return directoryString(explicit(1)) && s.Empty()
}

// allReasons is the set of all reasons for revocation.
const allReasons = 0x807f

// relativeName is a name with one RDN more, in two parts: many points may be relative to one long
// name. Its canonical form is the two canonical forms put together.
type relativeName struct{ base, rdn []byte }

func (n relativeName) equal(m relativeName) bool {
	if len(n.base) > len(m.base) {
		n, m = m, n
	}
	rest, ok := bytes.CutPrefix(m.base, n.base)
	if !ok {
		return false
	}
	last, ok := bytes.CutPrefix(n.rdn, rest)
	return ok && bytes.Equal(last, m.rdn)
}

// distributionPoint is a DistributionPoint, or the name in an issuing distribution point.
type distributionPoint struct {
	hasName bool
	full    []generalName // fullName
	// relative is nameRelativeToCRLIssuer, appended to the issuer it is relative to.
	relative   relativeName
	isRelative bool
	resolved   bool
	hasIssuer  bool
	issuer     []generalName
	reasons    uint16
}

// readDistributionPoints reads a CRLDistributionPoints. A fragment is relative to the point's
// CRL issuer, or else to the issuer of the certificate.
//
// A point that has neither name nor issuer makes the extension invalid; OpenSSL keeps the
// points then, but that one and those behind it stand for no reason at all. A fragment that is
// no proper string ends the reading too, but is forgiven.
func readDistributionPoints(s cryptobyte.String, issuer name) ([]distributionPoint, bool) {
	var list cryptobyte.String
	if !readList(&s, &list, asn1.SEQUENCE) {
		return nil, false
	}
	var all []distributionPoint
	valid, ended := true, false
	for !list.Empty() {
		p, fragment, ok := readDistributionPoint(&list)
		if !ok {
			return nil, false
		}
		if !ended && !p.hasName && len(p.issuer) == 0 {
			valid, ended = false, true
		}
		if ended {
			p.reasons = 0
		} else if p.isRelative {
			base := issuer
			for _, n := range p.issuer {
				if n.kind == kindDirectory {
					base = *n.directory
					break
				}
			}
			p.relative, p.resolved = base.extended(fragment)
			ended = !p.resolved
		}
		all = append(all, p)
	}
	return all, valid
}

// readDistributionPoint reads one point and the fragment of its name, if it is relative.
func readDistributionPoint(list *cryptobyte.String) (p distributionPoint, fragment cryptobyte.String, ok bool) {
	var entry, wrapped cryptobyte.String
	if !list.ReadASN1(&entry, asn1.SEQUENCE) {
		return p, nil, false
	}
	p.reasons = allReasons
	if entry.PeekASN1Tag(explicit(0)) {
		if !entry.ReadASN1(&wrapped, explicit(0)) {
			return p, nil, false
		}
		if fragment, ok = p.readPointName(&wrapped); !ok || !wrapped.Empty() {
			return p, nil, false
		}
	}
	if entry.PeekASN1Tag(contextual(1)) {
		bits, ok := readBitString(&entry, contextual(1))
		if !ok {
			return p, nil, false
		}
		p.reasons = reasonMask(bits)
	}
	if peekList(&entry, explicit(2)) {
		p.hasIssuer = true
		if p.issuer, ok = readGeneralNames(&entry, explicit(2)); !ok {
			return p, nil, false
		}
	}
	return p, fragment, entry.Empty()
}

func reasonMask(bits bitString) uint16 {
	return (uint16(bits.octet(0)) | uint16(bits.octet(1))<<8) & allReasons
}

// readPointName reads a DistributionPointName. It returns the content of a relative name, which
// the caller has to put behind the name it is relative to.
func (p *distributionPoint) readPointName(s *cryptobyte.String) (cryptobyte.String, bool) {
	p.hasName = true
	if peekList(s, explicit(1)) {
		var fragment cryptobyte.String
		p.isRelative = true
		if !readList(s, &fragment, explicit(1)) {
			return nil, false
		}
		for rest := fragment; !rest.Empty(); {
			if _, ok := readAttribute(&rest); !ok {
				return nil, false
			}
		}
		return fragment, true
	}
	var ok bool
	p.full, ok = readGeneralNames(s, explicit(0))
	return nil, ok
}

// extended returns n with one RDN more.
func (n name) extended(rdn cryptobyte.String) (relativeName, bool) {
	canonical, _, ok := appendRDN(nil, rdn)
	return relativeName{base: n.canonical, rdn: canonical}, ok
}
