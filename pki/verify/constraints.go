package verify

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// nameConstraints is the extension of that name.
type nameConstraints struct{ permitted, excluded []subtree }

// subtree is a GeneralSubtree. bounded: it has a minimum other than 0 or a maximum.
type subtree struct {
	base    generalName
	bounded bool
}

// constraintLimit is how many comparisons of the names of one certificate with the constraints of
// another OpenSSL makes at most.
const constraintLimit = 1 << 20

// constraintBudget is how much all comparisons of one verification may cost together. OpenSSL has
// no such limit; a hundred certificates that constrain each other could keep it busy for minutes.
const constraintBudget = 2 << 20

// weight is how much one constraint costs for all names of c, and beside is what the names cost
// without any: in units of some nanoseconds.
func (c *Certificate) weight() (weight, beside int) {
	weight = 1 + c.subject.entries + len(c.subject.raw)/64
	for i := range c.info().altNames {
		n := &c.info().altNames[i]
		weight += 1 + (len(n.value)+len(n.other))/64
	}
	return weight, weight + 4*c.subject.entries
}

const (
	oidCommonName   = "\x55\x04\x03"
	oidEmailAddress = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"
	// oidSmtpUTF8Mailbox is id-on-SmtpUTF8Mailbox, RFC 8398.
	oidSmtpUTF8Mailbox = "\x2b\x06\x01\x05\x05\x07\x08\x09"
)

func readConstraints(s cryptobyte.String) *nameConstraints {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.SEQUENCE) {
		return nil
	}
	nc := &nameConstraints{}
	for n, to := range []*[]subtree{&nc.permitted, &nc.excluded} {
		if !peekList(&content, explicit(uint8(n))) {
			continue
		}
		var list cryptobyte.String
		if !readList(&content, &list, explicit(uint8(n))) {
			return nil
		}
		*to = make([]subtree, 0, elements(list))
		for !list.Empty() {
			t, ok := readSubtree(&list)
			if !ok {
				return nil
			}
			*to = append(*to, t)
		}
	}
	if !content.Empty() {
		return nil
	}
	return nc
}

func readSubtree(s *cryptobyte.String) (subtree, bool) {
	var t subtree
	var entry cryptobyte.String
	if !readElement(s, &entry, asn1.SEQUENCE) {
		return t, false
	}
	var ok bool
	if t.base, ok = readGeneralName(&entry); !ok {
		return t, false
	}
	for n := uint8(0); n <= 1; n++ {
		if !entry.PeekASN1Tag(contextual(n)) {
			continue
		}
		bound, ok := readInteger(&entry, contextual(n))
		if !ok {
			return t, false
		}
		t.bounded = t.bounded || n == 1 || !isZeroInteger(bound)
	}
	return t, entry.Empty()
}

// check is NAME_CONSTRAINTS_check: the code for the names of c, 0 if all are allowed.
func (nc *nameConstraints) check(c *Certificate) int {
	names := c.subject.entries + len(c.info().altNames)
	if names > 0 && len(nc.permitted)+len(nc.excluded) > constraintLimit/names {
		return Unspecified
	}
	if c.subject.entries > 0 {
		if code := nc.match(&generalName{kind: kindDirectory, directory: &c.subject}); code != 0 {
			return code
		}
		code := 0
		c.subject.attributes(func(a attribute) bool {
			if string(a.oid) != oidEmailAddress {
				return true
			}
			if a.tag != tagIA5String {
				code = UnsupportedNameSyntax
				return false
			}
			code = nc.match(&generalName{kind: kindEmail, value: a.value})
			return code == 0
		})
		if code != 0 {
			return code
		}
	}
	alt := c.info().altNames
	for i := range alt {
		if code := nc.match(&alt[i]); code != 0 {
			return code
		}
	}
	return 0
}

// undecodable is what checkCommonNames answers for a common name that is no string. OpenSSL
// then ends the verification with an internal error.
const undecodable = -1

// checkCommonNames is NAME_CONSTRAINTS_check_CN: common names that look like host names.
func (nc *nameConstraints) checkCommonNames(c *Certificate) int {
	code := 0
	c.subject.attributes(func(a attribute) bool {
		if string(a.oid) != oidCommonName {
			return true
		}
		host, fault := hostInCommonName(a)
		if fault != 0 {
			code = fault
			return false
		}
		if host == nil {
			return true
		}
		code = nc.match(&generalName{kind: kindDNS, value: host})
		return code == 0
	})
	return code
}

// hostInCommonName returns the common name if it looks like a host name of two labels or more.
func hostInCommonName(a attribute) (host []byte, code int) {
	if (folded|1<<tagNumericString)>>a.tag&1 == 0 {
		return nil, undecodable
	}
	text, ok := appendUTF8(nil, a.tag, a.value)
	if !ok {
		return nil, undecodable
	}
	text = bytes.TrimRight(text, "\x00")
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, UnsupportedNameSyntax
	}
	dotted := false
	for i, c := range text {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' {
			continue
		}
		if i == 0 || i == len(text)-1 {
			return nil, 0
		}
		switch {
		case c == '-':
		case c == '.' && text[i+1] != '.' && text[i-1] != '-' && text[i+1] != '-':
			dotted = true
		default:
			return nil, 0
		}
	}
	if !dotted {
		return nil, 0
	}
	return text, 0
}

// match is nc_match: one name against all subtrees of its kind.
func (nc *nameConstraints) match(n *generalName) int {
	const (
		noneOfKind = iota
		unmatched
		matched
	)
	kind := n.kind
	if kind == kindOther && string(n.value) == oidSmtpUTF8Mailbox {
		kind = kindEmail
	}
	applies := func(t *subtree) bool {
		return t.base.kind == kind && (kind != kindOther || bytes.Equal(t.base.value, n.value))
	}
	state := noneOfKind
	for i := range nc.permitted {
		t := &nc.permitted[i]
		if !applies(t) {
			continue
		}
		if t.bounded {
			return SubtreeMinmax
		}
		if state == matched {
			continue
		}
		state = unmatched
		switch code := n.matchOne(kind, &t.base); code {
		case 0:
			state = matched
		case PermittedViolation:
		default:
			return code
		}
	}
	if state == unmatched {
		return PermittedViolation
	}
	for i := range nc.excluded {
		t := &nc.excluded[i]
		if !applies(t) {
			continue
		}
		if t.bounded {
			return SubtreeMinmax
		}
		switch code := n.matchOne(kind, &t.base); code {
		case 0:
			return ExcludedViolation
		case PermittedViolation:
		default:
			return code
		}
	}
	return 0
}

// matchOne returns 0 if the name is within base, PermittedViolation if not, or another code.
func (n *generalName) matchOne(kind uint8, base *generalName) int {
	within := func(ok bool) int {
		if ok {
			return 0
		}
		return PermittedViolation
	}
	switch n.kind {
	case kindDirectory:
		return within(n.directory.within(*base.directory))
	case kindDNS:
		return within(dnsWithin(n.value, base.value))
	case kindEmail:
		return emailWithin(n.value, base.value)
	case kindURI:
		return uriWithin(n.value, base.value)
	case kindIP:
		return addressWithin(n.value, base.value)
	case kindOther:
		if kind == kindEmail {
			return mailboxWithin(n.other, base.value)
		}
	}
	return UnsupportedConstraintType
}

// hasDNSName tells whether there is a dNSName among the alternative names.
func (x *extensionInfo) hasDNSName() bool {
	for i := range x.altNames {
		if x.altNames[i].kind == kindDNS {
			return true
		}
	}
	return false
}
