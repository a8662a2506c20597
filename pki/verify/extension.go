package verify

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of extensions, as DER content.
const (
	oidSubjectKeyID     = "\x55\x1d\x0e"
	oidKeyUsage         = "\x55\x1d\x0f"
	oidSubjectAltName   = "\x55\x1d\x11"
	oidIssuerAltName    = "\x55\x1d\x12"
	oidBasicConstraints = "\x55\x1d\x13"
	oidCRLNumber        = "\x55\x1d\x14"
	oidReason           = "\x55\x1d\x15"
	oidDeltaCRL         = "\x55\x1d\x1b"
	oidIssuingPoint     = "\x55\x1d\x1c"
	oidCertIssuer       = "\x55\x1d\x1d"
	oidNameConstraints  = "\x55\x1d\x1e"
	oidCRLPoints        = "\x55\x1d\x1f"
	oidPolicies         = "\x55\x1d\x20"
	oidPolicyMappings   = "\x55\x1d\x21"
	oidAuthorityKeyID   = "\x55\x1d\x23"
	oidPolicyConstraint = "\x55\x1d\x24"
	oidExtKeyUsage      = "\x55\x1d\x25"
	oidInhibitAny       = "\x55\x1d\x36"
	oidIPBlocks         = "\x2b\x06\x01\x05\x05\x07\x01\x07"
	oidASNumbers        = "\x2b\x06\x01\x05\x05\x07\x01\x08"
	oidProxyInfo        = "\x2b\x06\x01\x05\x05\x07\x01\x0e"
	oidOCSPNoCheck      = "\x2b\x06\x01\x05\x05\x07\x30\x01\x05"
	oidNetscapeCertType = "\x60\x86\x48\x01\x86\xf8\x42\x01\x01"

	oidClientAuth = "\x2b\x06\x01\x05\x05\x07\x03\x02"
)

// handled are the extensions that may be critical. OpenSSL does not count the key identifiers
// among them.
func handled(oid []byte) bool {
	switch string(oid) {
	case oidNetscapeCertType, oidKeyUsage, oidSubjectAltName, oidBasicConstraints, oidPolicies,
		oidCRLPoints, oidExtKeyUsage, oidIPBlocks, oidASNumbers, oidOCSPNoCheck,
		oidPolicyConstraint, oidProxyInfo, oidNameConstraints, oidPolicyMappings, oidInhibitAny:
		return true
	}
	return false
}

// extension is one extension in its outer form.
type extension struct {
	oid      []byte
	critical bool
	value    []byte
}

// readExtensions reads the content of a SEQUENCE OF Extension.
func readExtensions(list cryptobyte.String) ([]extension, bool) {
	var all []extension
	if !list.Empty() {
		all = make([]extension, 0, 8)
	}
	for !list.Empty() {
		var entry, value cryptobyte.String
		var e extension
		var ok bool
		if !list.ReadASN1(&entry, asn1.SEQUENCE) {
			return nil, false
		}
		if e.oid, ok = readOID(&entry, asn1.OBJECT_IDENTIFIER); !ok {
			return nil, false
		}
		if e.critical, ok = readOptionalBoolean(&entry, asn1.BOOLEAN); !ok {
			return nil, false
		}
		if !entry.ReadASN1(&value, asn1.OCTET_STRING) || !entry.Empty() {
			return nil, false
		}
		e.value = value
		all = append(all, e)
	}
	return all, true
}

// lookup is X509_get_ext_d2i: the value of the extension with that OID. twice is set if it
// stands more than once, which OpenSSL treats like one that does not decode.
func lookup(all []extension, oid string) (value []byte, found, twice bool) {
	for _, e := range all {
		if string(e.oid) != oid {
			continue
		}
		if found {
			return nil, true, true
		}
		value, found = e.value, true
	}
	return value, found, false
}

// Bits of the first octet of a key usage.
const (
	usageDigitalSignature = 0x80
	usageKeyAgreement     = 0x08
	usageCertSign         = 0x04
	usageCRLSign          = 0x02
)

// Bits of a Netscape certificate type.
const (
	netscapeClient = 0x80
	netscapeSSLCA  = 0x04
	netscapeAnyCA  = 0x07
)

// authorityKeyID is an authority key identifier.
type authorityKeyID struct {
	keyID    []byte
	hasKeyID bool
	issuer   *name // the first directoryName
	serial   []byte
}

// extensionInfo is what the extensions of a certificate say: OpenSSL's ex_flags and neighbours.
type extensionInfo struct {
	// invalid: an extension that OpenSSL knows does not decode, stands twice or contradicts
	// another. Such a certificate is nobody's issuer and has none.
	invalid                bool
	selfIssued, selfSigned bool
	// critical: an extension is critical and not handled.
	critical bool

	hasBasic, ca bool
	pathLen      int64 // -1: none

	proxy        bool
	proxyPathLen int64 // -1: none

	hasUsage bool
	usage    byte

	hasExtUsage, clientAuth bool

	hasNetscape bool
	netscape    byte

	hasSubjectKeyID bool
	subjectKeyID    []byte
	authority       *authorityKeyID

	altNames    []generalName
	constraints *nameConstraints
	crlPoints   []distributionPoint
}

// readInfo interprets the extensions in the order of OpenSSL's ossl_x509v3_cache_extensions.
func readInfo(c *Certificate) *extensionInfo {
	x := &extensionInfo{pathLen: -1, proxyPathLen: -1}
	// decode hands the value of an extension to read; what read refuses makes the certificate
	// invalid. OpenSSL ignores what follows a complete value.
	decode := func(oid string, read func(cryptobyte.String) bool) {
		value, found, twice := lookup(c.extensions, oid)
		if found && (twice || !read(value)) {
			x.invalid = true
		}
	}
	decode(oidBasicConstraints, x.readBasic)
	decode(oidProxyInfo, func(s cryptobyte.String) bool {
		if !x.readProxy(s) {
			return false
		}
		x.proxy = true
		_, san, _ := lookup(c.extensions, oidSubjectAltName)
		_, ian, _ := lookup(c.extensions, oidIssuerAltName)
		return !x.ca && !san && !ian
	})
	decode(oidKeyUsage, x.readUsage)
	decode(oidExtKeyUsage, x.readExtUsage)
	decode(oidNetscapeCertType, func(s cryptobyte.String) bool {
		bits, ok := readBitString(&s, asn1.BIT_STRING)
		x.hasNetscape, x.netscape = ok, bits.octet(0)
		return ok
	})
	decode(oidSubjectKeyID, func(s cryptobyte.String) bool {
		var id cryptobyte.String
		x.hasSubjectKeyID = s.ReadASN1(&id, asn1.OCTET_STRING)
		x.subjectKeyID = id
		return x.hasSubjectKeyID
	})
	decode(oidAuthorityKeyID, func(s cryptobyte.String) bool {
		x.authority = readAuthority(s)
		return x.authority != nil
	})
	if c.subject.equal(c.issuer) {
		x.selfIssued = true
		x.selfSigned = x.authority.matches(c, x) && c.signatureFits(c)
	}
	decode(oidSubjectAltName, func(s cryptobyte.String) (ok bool) {
		x.altNames, ok = readGeneralNames(&s, asn1.SEQUENCE)
		return ok
	})
	decode(oidNameConstraints, func(s cryptobyte.String) bool {
		x.constraints = readConstraints(s)
		return x.constraints != nil
	})
	decode(oidCRLPoints, func(s cryptobyte.String) (ok bool) {
		x.crlPoints, ok = readDistributionPoints(s, c.issuer)
		return ok
	})
	decode(oidIPBlocks, validIPBlocks)
	decode(oidASNumbers, validASNumbers)
	x.critical = slices.ContainsFunc(c.extensions, func(e extension) bool {
		return e.critical && !handled(e.oid)
	})
	return x
}

func (x *extensionInfo) readBasic(s cryptobyte.String) bool {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.SEQUENCE) {
		return false
	}
	ca, ok := readOptionalBoolean(&content, asn1.BOOLEAN)
	if !ok {
		return false
	}
	pathLen := []byte(nil)
	if !content.Empty() {
		if pathLen, ok = readInteger(&content, asn1.INTEGER); !ok || !content.Empty() {
			return false
		}
	}
	x.hasBasic, x.ca = true, ca
	if pathLen != nil {
		if pathLen[0]&0x80 != 0 {
			return false // negative: invalid, yet what was read stays
		}
		x.pathLen = smallInteger(pathLen)
	}
	return true
}

func (x *extensionInfo) readProxy(s cryptobyte.String) bool {
	var content, policy cryptobyte.String
	if !s.ReadASN1(&content, asn1.SEQUENCE) {
		return false
	}
	if content.PeekASN1Tag(asn1.INTEGER) {
		limit, ok := readInteger(&content, asn1.INTEGER)
		if !ok {
			return false
		}
		x.proxyPathLen = smallInteger(limit)
	}
	if !content.ReadASN1(&policy, asn1.SEQUENCE) || !content.Empty() {
		return false
	}
	if _, ok := readOID(&policy, asn1.OBJECT_IDENTIFIER); !ok {
		return false
	}
	return policy.Empty() || policy.SkipASN1(asn1.OCTET_STRING) && policy.Empty()
}

func (x *extensionInfo) readUsage(s cryptobyte.String) bool {
	bits, ok := readBitString(&s, asn1.BIT_STRING)
	if !ok {
		return false
	}
	x.hasUsage, x.usage = true, bits.octet(0)
	return x.usage != 0 || bits.octet(1) != 0
}

func (x *extensionInfo) readExtUsage(s cryptobyte.String) bool {
	var list cryptobyte.String
	if !readList(&s, &list, asn1.SEQUENCE) {
		return false
	}
	client := false
	for !list.Empty() {
		oid, ok := readOID(&list, asn1.OBJECT_IDENTIFIER)
		if !ok {
			return false
		}
		client = client || string(oid) == oidClientAuth
	}
	x.hasExtUsage, x.clientAuth = true, client
	return true
}

func readAuthority(s cryptobyte.String) *authorityKeyID {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.SEQUENCE) {
		return nil
	}
	a := &authorityKeyID{}
	if content.PeekASN1Tag(contextual(0)) {
		var id cryptobyte.String
		if !content.ReadASN1(&id, contextual(0)) {
			return nil
		}
		a.keyID, a.hasKeyID = id, true
	}
	if peekList(&content, explicit(1)) {
		names, ok := readGeneralNames(&content, explicit(1))
		if !ok {
			return nil
		}
		for i := range names {
			if names[i].kind == kindDirectory {
				a.issuer = &names[i].directory
				break
			}
		}
	}
	if content.PeekASN1Tag(contextual(2)) {
		var ok bool
		if a.serial, ok = readInteger(&content, contextual(2)); !ok {
			return nil
		}
	}
	if !content.Empty() {
		return nil
	}
	return a
}

// matches is X509_check_akid: whether the identifier points to issuer. A nil identifier matches.
func (a *authorityKeyID) matches(issuer *Certificate, info *extensionInfo) bool {
	if a == nil {
		return true
	}
	if a.hasKeyID && info.hasSubjectKeyID && !bytes.Equal(a.keyID, info.subjectKeyID) {
		return false
	}
	if a.serial != nil && !bytes.Equal(a.serial, issuer.serial) {
		return false
	}
	return a.issuer == nil || a.issuer.equal(issuer.issuer)
}

// usageLacks tells whether there is a key usage and none of its bits is among those given.
func (x *extensionInfo) usageLacks(bits byte) bool { return x.hasUsage && x.usage&bits == 0 }
