package verify

import (
	"bytes"

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
// It puts them behind space, if they fit.
func readExtensions(space []extension, list cryptobyte.String) ([]extension, bool) {
	all := space
	for !list.Empty() {
		var entry, value cryptobyte.String
		var e extension
		var ok bool
		if !readElement(&list, &entry, asn1.SEQUENCE) {
			return nil, false
		}
		if e.oid, ok = readOID(&entry, asn1.OBJECT_IDENTIFIER); !ok {
			return nil, false
		}
		if e.critical, ok = readOptionalBoolean(&entry, asn1.BOOLEAN); !ok {
			return nil, false
		}
		if !readElement(&entry, &value, asn1.OCTET_STRING) || !entry.Empty() {
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
	authority       *authorityKeyID // in authoritySpace, nil if there is none
	authoritySpace  authorityKeyID

	altNames    []generalName
	constraints *nameConstraints
	crlPoints   []distributionPoint
}

// known is a kind of extension that OpenSSL looks into when it reads a certificate.
type known uint8

const (
	unknown known = iota
	knownBasic
	knownProxy
	knownUsage
	knownExtUsage
	knownNetscape
	knownSubjectKeyID
	knownAuthorityKeyID
	knownSubjectAltName
	knownIssuerAltName
	knownConstraints
	knownCRLPoints
	knownIPBlocks
	knownASNumbers
	kindsOfKnown
)

func kindOfExtension(oid []byte) known {
	switch string(oid) {
	case oidBasicConstraints:
		return knownBasic
	case oidProxyInfo:
		return knownProxy
	case oidKeyUsage:
		return knownUsage
	case oidExtKeyUsage:
		return knownExtUsage
	case oidNetscapeCertType:
		return knownNetscape
	case oidSubjectKeyID:
		return knownSubjectKeyID
	case oidAuthorityKeyID:
		return knownAuthorityKeyID
	case oidSubjectAltName:
		return knownSubjectAltName
	case oidIssuerAltName:
		return knownIssuerAltName
	case oidNameConstraints:
		return knownConstraints
	case oidCRLPoints:
		return knownCRLPoints
	case oidIPBlocks:
		return knownIPBlocks
	case oidASNumbers:
		return knownASNumbers
	}
	return unknown
}

// read interprets the extensions in the order of OpenSSL's ossl_x509v3_cache_extensions.
func (x *extensionInfo) read(c *Certificate) {
	x.pathLen, x.proxyPathLen = -1, -1
	var values [kindsOfKnown]cryptobyte.String
	var found, twice [kindsOfKnown]bool
	for i := range c.extensions {
		e := &c.extensions[i]
		kind := kindOfExtension(e.oid)
		values[kind], found[kind], twice[kind] = e.value, true, found[kind]
		x.critical = x.critical || e.critical && !handled(e.oid)
	}
	for kind := unknown + 1; kind < kindsOfKnown; kind++ {
		if kind == knownSubjectAltName && c.subject.equal(c.issuer) { // before the extensions that follow
			x.selfIssued = true
			x.selfSigned = x.authority.matches(c, x) && c.signatureFits(c)
		}
		// What does not decode makes the certificate invalid. OpenSSL ignores what follows a
		// complete value, and does not look into issuer alternative names.
		if found[kind] && kind != knownIssuerAltName && (twice[kind] || !x.readKnown(c, kind, values[kind])) {
			x.invalid = true
		}
	}
	if x.proxy && (x.ca || found[knownSubjectAltName] || found[knownIssuerAltName]) {
		x.invalid = true
	}
}

// readKnown decodes the value of an extension.
func (x *extensionInfo) readKnown(c *Certificate, kind known, s cryptobyte.String) (ok bool) {
	switch kind {
	case knownBasic:
		return x.readBasic(s)
	case knownProxy:
		x.proxy = x.readProxy(s)
		return x.proxy
	case knownUsage:
		return x.readUsage(s)
	case knownExtUsage:
		return x.readExtUsage(s)
	case knownNetscape:
		bits, ok := readBitString(&s, asn1.BIT_STRING)
		x.hasNetscape, x.netscape = ok, bits.octet(0)
		return ok
	case knownSubjectKeyID:
		var id cryptobyte.String
		x.hasSubjectKeyID = readElement(&s, &id, asn1.OCTET_STRING)
		x.subjectKeyID = id
		return x.hasSubjectKeyID
	case knownAuthorityKeyID:
		if ok = x.authoritySpace.read(s); ok {
			x.authority = &x.authoritySpace
		}
		return ok
	case knownSubjectAltName:
		x.altNames, ok = readGeneralNames(&s, asn1.SEQUENCE)
		return ok
	case knownConstraints:
		x.constraints = readConstraints(s)
		return x.constraints != nil
	case knownCRLPoints:
		x.crlPoints, ok = readDistributionPoints(s, c.issuer)
		return ok
	case knownIPBlocks:
		return validIPBlocks(s)
	default:
		return validASNumbers(s)
	}
}

func (x *extensionInfo) readBasic(s cryptobyte.String) bool {
	var content cryptobyte.String
	if !readElement(&s, &content, asn1.SEQUENCE) {
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
	if !readElement(&s, &content, asn1.SEQUENCE) {
		return false
	}
	if content.PeekASN1Tag(asn1.INTEGER) {
		limit, ok := readInteger(&content, asn1.INTEGER)
		if !ok {
			return false
		}
		x.proxyPathLen = smallInteger(limit)
	}
	if !readElement(&content, &policy, asn1.SEQUENCE) || !content.Empty() {
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
	a := &authorityKeyID{}
	if !a.read(s) {
		return nil
	}
	return a
}

func (a *authorityKeyID) read(s cryptobyte.String) bool {
	var content cryptobyte.String
	if !readElement(&s, &content, asn1.SEQUENCE) {
		return false
	}
	if content.PeekASN1Tag(contextual(0)) {
		var id cryptobyte.String
		if !readElement(&content, &id, contextual(0)) {
			return false
		}
		a.keyID, a.hasKeyID = id, true
	}
	if peekList(&content, explicit(1)) {
		names, ok := readGeneralNames(&content, explicit(1))
		if !ok {
			return false
		}
		for i := range names {
			if names[i].kind == kindDirectory {
				a.issuer = names[i].directory
				break
			}
		}
	}
	if content.PeekASN1Tag(contextual(2)) {
		var ok bool
		if a.serial, ok = readInteger(&content, contextual(2)); !ok {
			return false
		}
	}
	if !content.Empty() {
		return false
	}
	return true
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
