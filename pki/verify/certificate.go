package verify

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Certificate is a certificate as far as verification needs it. It reads what OpenSSL reads
// and crypto/x509 refuses: unknown curves, negative serial numbers, extensions that stand twice
// or do not decode, strings with characters outside their type, dates that are none.
//
// Its exported methods may be called concurrently.
type Certificate struct {
	raw, tbs        []byte
	version         int64 // as encoded: 0 is v1
	serial          []byte
	inner, outer    algorithm
	issuer, subject name
	notBefore       asn1Time
	notAfter        asn1Time
	spki            []byte
	keyAlgorithm    algorithm // spki, taken apart
	keyBits         bitString
	signature       bitString
	extensions      []extension

	// Lazily read by info and key; certificates of a trust list have been read before they
	// are shared.
	known   *extensionInfo
	pub     *publicKey
	keyRead bool
	with    signedWith

	// Room for what most certificates have, so that a certificate is one allocation: known,
	// extensions and the canonical names point here if they fit.
	infoSpace      extensionInfo
	extensionSpace [10]extension
	nameSpace      [256]byte

	// Written forms of the names, filled by prepare or by the only verification that uses it.
	subjectText, issuerText string
}

// MaxCertificate is the size in octets above which ParseCertificate refuses a certificate.
const MaxCertificate = 1 << 20

// ParseCertificate reads one certificate, DER. It decodes names, dates, key and signature
// containers, and checks extensions for their outer form only, as OpenSSL's d2i_X509 does. BER
// that is not DER, which OpenSSL reads, is an error. The certificate keeps a reference to der,
// which must not be changed afterwards.
func ParseCertificate(der []byte) (*Certificate, error) {
	c := new(Certificate)
	if err := c.parse(der); err != nil {
		return nil, err
	}
	return c, nil
}

// parse is ParseCertificate for a zero certificate.
func (c *Certificate) parse(der []byte) error {
	if len(der) > MaxCertificate {
		return fmt.Errorf("certificate has %d octets, expected at most %d", len(der), MaxCertificate)
	}
	c.raw = der
	input := cryptobyte.String(der)
	var outer cryptobyte.String
	if !readElement(&input, &outer, asn1.SEQUENCE) {
		return errors.New("not a certificate: expected one DER SEQUENCE")
	}
	if !input.Empty() {
		return fmt.Errorf("%d octets after the certificate", len(input))
	}
	var tbs cryptobyte.String
	if !outer.ReadASN1Element(&tbs, asn1.SEQUENCE) {
		return errors.New("certificate without a signed part")
	}
	c.tbs = tbs
	var ok bool
	algorithm := outer
	if c.outer, ok = readAlgorithm(&outer); !ok {
		return errors.New("signature algorithm does not decode")
	}
	algorithm = algorithm[:len(algorithm)-len(outer)]
	if c.signature, ok = readBitString(&outer, asn1.BIT_STRING); !ok || !outer.Empty() {
		return errors.New("signature does not decode")
	}
	return c.parseSigned(tbs, algorithm)
}

// parseSigned reads the signed part; algorithm is the one that stands outside of it, which most
// certificates repeat octet by octet.
func (c *Certificate) parseSigned(element, algorithm cryptobyte.String) error {
	var s cryptobyte.String
	if !readElement(&element, &s, asn1.SEQUENCE) {
		return errors.New("signed part does not decode")
	}
	var ok bool
	if s.PeekASN1Tag(explicit(0)) {
		var wrapped cryptobyte.String
		if !readElement(&s, &wrapped, explicit(0)) {
			return errors.New("version does not decode")
		}
		version, ok := readInteger(&wrapped, asn1.INTEGER)
		if !ok || !wrapped.Empty() {
			return errors.New("version does not decode")
		}
		c.version = smallInteger(version)
	}
	if c.serial, ok = readInteger(&s, asn1.INTEGER); !ok {
		return errors.New("serial number does not decode")
	}
	if rest, same := bytes.CutPrefix(s, algorithm); same {
		c.inner, s = c.outer, rest
	} else if c.inner, ok = readAlgorithm(&s); !ok {
		return errors.New("signature algorithm in the signed part does not decode")
	}
	if c.issuer, ok = readNameInto(c.nameSpace[:0], &s); !ok {
		return errors.New("issuer does not decode")
	}
	var validity cryptobyte.String
	if !readElement(&s, &validity, asn1.SEQUENCE) {
		return errors.New("validity does not decode")
	}
	if c.notBefore, ok = readTime(&validity); !ok {
		return errors.New("notBefore is neither UTCTime nor GeneralizedTime")
	}
	if c.notAfter, ok = readTime(&validity); !ok || !validity.Empty() {
		return errors.New("notAfter is neither UTCTime nor GeneralizedTime")
	}
	if c.subject, ok = readNameInto(c.issuer.behind(), &s); !ok {
		return errors.New("subject does not decode")
	}
	var spki cryptobyte.String
	if !s.ReadASN1Element(&spki, asn1.SEQUENCE) {
		return errors.New("public key does not decode")
	}
	c.spki = spki
	if c.keyAlgorithm, c.keyBits, ok = splitKey(spki); !ok {
		return errors.New("public key does not decode")
	}
	for n := uint8(1); n <= 2; n++ { // issuerUniqueID, subjectUniqueID
		if s.PeekASN1Tag(contextual(n)) {
			if _, ok := readBitString(&s, contextual(n)); !ok {
				return errors.New("unique identifier does not decode")
			}
		}
	}
	if s.PeekASN1Tag(explicit(3)) {
		var wrapped, list cryptobyte.String
		if !readElement(&s, &wrapped, explicit(3)) || !readList(&wrapped, &list, asn1.SEQUENCE) || !wrapped.Empty() {
			return errors.New("extensions do not decode")
		}
		if c.extensions, ok = readExtensions(c.extensionSpace[:0], list); !ok {
			return errors.New("extensions do not decode")
		}
	}
	if !s.Empty() {
		return errors.New("unknown elements in the signed part")
	}
	return nil
}

func readTime(s *cryptobyte.String) (asn1Time, bool) {
	var text cryptobyte.String
	switch {
	case s.PeekASN1Tag(asn1.UTCTime):
		ok := readElement(s, &text, asn1.UTCTime)
		return newTime(true, text), ok
	case s.PeekASN1Tag(asn1.GeneralizedTime):
		ok := readElement(s, &text, asn1.GeneralizedTime)
		return newTime(false, text), ok
	default:
		return asn1Time{}, false
	}
}

// splitKey separates a SubjectPublicKeyInfo into algorithm and key.
func splitKey(spki cryptobyte.String) (algorithm, bitString, bool) {
	var s cryptobyte.String
	if !readElement(&spki, &s, asn1.SEQUENCE) {
		return algorithm{}, bitString{}, false
	}
	a, ok := readAlgorithm(&s)
	if !ok {
		return algorithm{}, bitString{}, false
	}
	key, ok := readBitString(&s, asn1.BIT_STRING)
	return a, key, ok && s.Empty()
}

// prepare reads what is otherwise read when first needed, so that the certificate can be shared.
func (c *Certificate) prepare() {
	if key := c.key(); key != nil {
		key.standard()
	}
	c.info()
	c.signatureFits(c)
	c.subjectText, c.issuerText = c.subject.String(), c.issuer.String()
}

// key returns the public key, nil if it does not decode or is of an unknown kind.
func (c *Certificate) key() *publicKey {
	if !c.keyRead {
		c.keyRead = true
		// The key of a CA is asked for a signature soon, that of a sender never.
		c.pub = decodeKey(c.keyAlgorithm, c.keyBits, c.known != nil && c.known.ca)
	}
	return c.pub
}

// info returns what the extensions say.
func (c *Certificate) info() *extensionInfo {
	if c.known == nil {
		c.known = &c.infoSpace
		c.known.read(c)
	}
	return c.known
}

// same tells whether two certificates are the same octets.
func (c *Certificate) same(d *Certificate) bool { return c == d || bytes.Equal(c.raw, d.raw) }

// validAt tells whether the dates are well formed and now is between them.
func (c *Certificate) validAt(now int64) bool {
	return c.notBefore.compare(now) < 0 && c.notAfter.compare(now) > 0
}

// Raw returns the DER that was parsed. It must not be changed.
func (c *Certificate) Raw() []byte { return c.raw }

// RawSubject returns the DER of the subject.
func (c *Certificate) RawSubject() []byte { return bytes.Clone(c.subject.raw) }

// RawIssuer returns the DER of the issuer.
func (c *Certificate) RawIssuer() []byte { return bytes.Clone(c.issuer.raw) }

// Subject returns the subject in the order of the certificate, such as
// "C=DE, O=Example, CN=sender.example". Characters that do not print are written as \xHH.
func (c *Certificate) Subject() string { return c.subject.String() }

// Issuer returns the issuer in the form of Subject.
func (c *Certificate) Issuer() string { return c.issuer.String() }

// SerialNumber returns the serial number, which may be negative.
func (c *Certificate) SerialNumber() *big.Int {
	n := new(big.Int).SetBytes(c.serial)
	if c.serial[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(c.serial))))
	}
	return n
}

// NotBefore returns the first moment of validity; the zero time if it is not a date.
func (c *Certificate) NotBefore() time.Time { return c.notBefore.time() }

// NotAfter returns the moment of expiry, at which OpenSSL takes the certificate for expired;
// the zero time if it is not a date.
func (c *Certificate) NotAfter() time.Time { return c.notAfter.time() }

// SelfIssued tells whether subject and issuer are the same name. It does not look at the
// signature.
func (c *Certificate) SelfIssued() bool { return c.subject.equal(c.issuer) }
