package verify

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// revocationList is a CRL.
type revocationList struct {
	signed         []byte
	inner, outer   algorithm
	signature      bitString
	issuer         name
	thisUpdate     asn1Time
	nextUpdate     asn1Time
	hasNextUpdate  bool
	revoked        map[string][]revokedEntry // by serial number
	authority      *authorityKeyID
	isDelta        bool
	critical       bool // an extension, of the list or of an entry, is critical and not handled
	point          *distributionPoint
	onlyUsers      bool
	onlyCAs        bool
	onlyAttributes bool
	unusable       bool // indirect, for some reasons only, or contradictory

	checked atomic.Pointer[crlSignature]
}

// crlSignature is what was found out about the signature of a CRL last.
type crlSignature struct {
	spki []byte
	good bool
}

// MaxCRL is the size in octets above which a CRL is refused. The largest that public CAs publish
// have some ten million.
const MaxCRL = 64 << 20

// signedBy verifies the signature with the key of a certificate. The last answer is remembered:
// a CRL can be large, and is most often asked with the same key.
func (l *revocationList) signedBy(issuer *Certificate) bool {
	if last := l.checked.Load(); last != nil && bytes.Equal(last.spki, issuer.spki) {
		return last.good
	}
	good := issuer.key().verifies(l.outer, l.signed, l.signature)
	l.checked.Store(&crlSignature{spki: bytes.Clone(issuer.spki), good: good})
	return good
}

// revokedEntry is an entry of a CRL. issuers is set in indirect CRLs.
type revokedEntry struct {
	issuers []generalName
	removed bool // reason removeFromCRL
}

const reasonRemoveFromCRL = 8

// parseCRL reads a CRL, DER.
func parseCRL(der []byte) (*revocationList, error) {
	if len(der) > MaxCRL {
		return nil, fmt.Errorf("CRL has %d octets, expected at most %d", len(der), MaxCRL)
	}
	l := &revocationList{revoked: map[string][]revokedEntry{}}
	input := cryptobyte.String(der)
	var outer, tbs cryptobyte.String
	if !input.ReadASN1(&outer, asn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1Element(&tbs, asn1.SEQUENCE) {
		return nil, errors.New("not a CRL: expected one DER SEQUENCE")
	}
	l.signed = tbs
	var ok bool
	if l.outer, ok = readAlgorithm(&outer); !ok {
		return nil, errors.New("signature algorithm does not decode")
	}
	if l.signature, ok = readBitString(&outer, asn1.BIT_STRING); !ok || !outer.Empty() {
		return nil, errors.New("signature does not decode")
	}
	var s cryptobyte.String
	tbs.ReadASN1(&s, asn1.SEQUENCE)
	if s.PeekASN1Tag(asn1.INTEGER) {
		if _, ok := readInteger(&s, asn1.INTEGER); !ok {
			return nil, errors.New("version does not decode")
		}
	}
	if l.inner, ok = readAlgorithm(&s); !ok {
		return nil, errors.New("inner signature algorithm does not decode")
	}
	if l.issuer, ok = readName(&s); !ok {
		return nil, errors.New("issuer does not decode")
	}
	if l.thisUpdate, ok = readTime(&s); !ok {
		return nil, errors.New("thisUpdate is neither UTCTime nor GeneralizedTime")
	}
	if s.PeekASN1Tag(asn1.UTCTime) || s.PeekASN1Tag(asn1.GeneralizedTime) {
		l.hasNextUpdate = true
		if l.nextUpdate, ok = readTime(&s); !ok {
			return nil, errors.New("nextUpdate does not decode")
		}
	}
	var entries cryptobyte.String
	if peekList(&s, asn1.SEQUENCE) && !readList(&s, &entries, asn1.SEQUENCE) {
		return nil, errors.New("list of revoked certificates does not decode")
	}
	var extensions []extension
	if s.PeekASN1Tag(explicit(0)) {
		var wrapped, list cryptobyte.String
		if !s.ReadASN1(&wrapped, explicit(0)) || !readList(&wrapped, &list, asn1.SEQUENCE) || !wrapped.Empty() {
			return nil, errors.New("extensions do not decode")
		}
		if extensions, ok = readExtensions(nil, list); !ok {
			return nil, errors.New("extensions do not decode")
		}
	}
	if !s.Empty() {
		return nil, errors.New("unknown elements in the signed part")
	}
	l.readExtensions(extensions)
	if err := l.readEntries(entries); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *revocationList) readExtensions(all []extension) {
	if value, found, twice := lookup(all, oidAuthorityKeyID); found && !twice {
		l.authority = readAuthority(value)
	}
	_, l.isDelta, _ = lookup(all, oidDeltaCRL)
	if value, found, twice := lookup(all, oidIssuingPoint); found && !twice {
		l.readIssuingPoint(value)
	}
	for _, e := range all {
		switch string(e.oid) {
		case oidIssuingPoint, oidAuthorityKeyID, oidDeltaCRL:
		default:
			l.critical = l.critical || e.critical
		}
	}
}

// readIssuingPoint reads an IssuingDistributionPoint; one that does not decode is ignored, as
// OpenSSL does.
func (l *revocationList) readIssuingPoint(s cryptobyte.String) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.SEQUENCE) {
		return
	}
	p := distributionPoint{}
	if content.PeekASN1Tag(explicit(0)) {
		var wrapped, fragment cryptobyte.String
		var ok bool
		if !content.ReadASN1(&wrapped, explicit(0)) {
			return
		}
		if fragment, ok = p.readPointName(&wrapped); !ok || !wrapped.Empty() {
			return
		}
		if p.isRelative {
			p.relative, p.resolved = l.issuer.extended(fragment)
		}
	}
	var flags [6]bool
	for n := uint8(1); n <= 5; n++ {
		if !content.PeekASN1Tag(contextual(n)) {
			continue
		}
		var ok bool
		if n == 3 {
			_, ok = readBitString(&content, contextual(n))
			flags[n] = true
		} else {
			flags[n], ok = readBoolean(&content, contextual(n))
		}
		if !ok {
			return
		}
	}
	if !content.Empty() {
		return
	}
	l.point = &p
	l.onlyUsers, l.onlyCAs, l.onlyAttributes = flags[1], flags[2], flags[5]
	several := flags[1] && flags[2] || flags[1] && flags[5] || flags[2] && flags[5]
	// Some reasons (3) and indirect (4) need OpenSSL's extended CRL support, which is off.
	l.unusable = several || flags[3] || flags[4]
}

func (l *revocationList) readEntries(s cryptobyte.String) error {
	var issuers []generalName
	for n := 1; !s.Empty(); n++ {
		var entry, list cryptobyte.String
		if !s.ReadASN1(&entry, asn1.SEQUENCE) {
			return fmt.Errorf("entry %d does not decode", n)
		}
		serial, ok := readInteger(&entry, asn1.INTEGER)
		if !ok {
			return fmt.Errorf("serial number of entry %d does not decode", n)
		}
		if _, ok := readTime(&entry); !ok {
			return fmt.Errorf("date of entry %d does not decode", n)
		}
		var extensions []extension
		if !entry.Empty() {
			if !readList(&entry, &list, asn1.SEQUENCE) || !entry.Empty() {
				return fmt.Errorf("entry %d does not decode", n)
			}
			if extensions, ok = readExtensions(nil, list); !ok {
				return fmt.Errorf("extensions of entry %d do not decode", n)
			}
		}
		e := revokedEntry{}
		if value, found, twice := lookup(extensions, oidCertIssuer); found && !twice {
			v := cryptobyte.String(value)
			if names, ok := readGeneralNames(&v, asn1.SEQUENCE); ok {
				issuers = append([]generalName{}, names...) // no name at all is nobody's, and not that of the list
			}
		}
		e.issuers = issuers
		if value, found, twice := lookup(extensions, oidReason); found && !twice {
			v := cryptobyte.String(value)
			reason, ok := readInteger(&v, asn1.ENUM)
			e.removed = ok && smallInteger(reason) == reasonRemoveFromCRL
		}
		for _, x := range extensions {
			l.critical = l.critical || x.critical && string(x.oid) != oidCertIssuer
		}
		l.revoked[string(serial)] = append(l.revoked[string(serial)], e)
	}
	return nil
}

// find returns the entry for a certificate.
func (l *revocationList) find(c *Certificate) (revokedEntry, bool) {
	for _, e := range l.revoked[string(c.serial)] {
		if e.issuers == nil {
			if c.issuer.equal(l.issuer) {
				return e, true
			}
			continue
		}
		for _, n := range e.issuers {
			if n.kind == kindDirectory && n.directory.equal(c.issuer) {
				return e, true
			}
		}
	}
	return revokedEntry{}, false
}

// covers is crl_crldp_check: whether the list is for c, and for which reasons. named tells
// whether the list's issuer is that of c.
func (l *revocationList) covers(c *Certificate, named bool) (reasons uint16, ok bool) {
	if l.onlyAttributes || c.info().ca && l.onlyUsers || !c.info().ca && l.onlyCAs {
		return 0, false
	}
	for i := range c.info().crlPoints {
		p := &c.info().crlPoints[i]
		if !l.issuerOf(p, named) {
			continue
		}
		if l.point == nil || p.overlaps(l.point) {
			return allReasons & p.reasons, true
		}
	}
	return allReasons, (l.point == nil || !l.point.hasName) && named
}

func (l *revocationList) issuerOf(p *distributionPoint, named bool) bool {
	if !p.hasIssuer {
		return named
	}
	for _, n := range p.issuer {
		if n.kind == kindDirectory && n.directory.equal(l.issuer) {
			return true
		}
	}
	return false
}

// overlaps is idp_check_dp: whether two distribution point names have one in common.
func (p *distributionPoint) overlaps(q *distributionPoint) bool {
	switch {
	case !p.hasName || !q.hasName:
		return true
	case p.isRelative && !p.resolved || q.isRelative && !q.resolved:
		return false
	case p.isRelative && q.isRelative:
		return p.relative.equal(q.relative)
	case q.isRelative:
		p, q = q, p
		fallthrough
	case p.isRelative:
		for _, n := range q.full {
			if n.kind == kindDirectory && p.relative.equal(relativeName{base: n.directory.canonical}) {
				return true
			}
		}
		return false
	}
	for i := range p.full {
		for j := range q.full {
			if p.full[i].equal(&q.full[j]) {
				return true
			}
		}
	}
	return false
}

func (n *generalName) equal(m *generalName) bool {
	if n.kind != m.kind {
		return false
	}
	if n.kind == kindDirectory {
		return n.directory.equal(*m.directory)
	}
	return bytes.Equal(n.value, m.value) && bytes.Equal(n.other, m.other)
}
