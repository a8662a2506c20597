package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// kind is the place in a chain that a certificate is made for.
type kind int

const (
	leafKind kind = iota
	intermediateKind
	rootKind
)

func (k kind) isCA() bool { return k != leafKind }

// template is what a certificate is made from. A defect changes one thing in it, before the keys
// are made and everything that depends on them is filled in.
type template struct {
	kind      kind
	subject   []byte   // DER of the name
	serial    *big.Int // nil: 128 random bits
	notBefore time.Time
	notAfter  time.Time
	keyType   KeyType
	issuer    *Certificate // nil: signs itself

	basicConstraints *basicConstraints // nil: no such extension
	keyUsage         x509.KeyUsage     // 0: no such extension; RSA adds keyEncipherment to a leaf
	usages           []string          // dotted OIDs; nil: no such extension
	dns              []string
	ips              []net.IP
	emails, uris     []string
	crlAt, ocspAt    []string         // addresses of the issuer's CRL and OCSP responder
	caIssuersAt      []string         // addresses of the issuer's certificate
	given            []pkix.Extension // in place of the one with the same OID; behind the others if there is none
	extensions       []pkix.Extension // put behind the others

	key           crypto.Signer // nil: a new one of keyType
	hash          crypto.Hash   // of the signature; 0: the one that fits the signer's key
	selfSigned    bool          // names itself as issuer and signs with its own key
	strangerSigns bool          // signed with a key that is not the issuer's

	raw raw
}

// raw is what only a defect does to a certificate: it goes past the rules that the rest keeps.
// The zero value does nothing.
type raw struct {
	v1             bool   // version 1, which has no extensions
	anyDates       bool   // notAfter may lie before notBefore
	notAfter       []byte // DER in place of the template's
	issuerName     []byte // DER in place of the issuer's subject
	fixedUsage     bool   // an RSA key does not add keyEncipherment
	spki           func(der []byte) ([]byte, error)
	extensions     func([]pkix.Extension) ([]pkix.Extension, error)
	innerAlgorithm func(outer []byte) ([]byte, error) // the algorithm in the signed part
	bothAlgorithms []byte                             // DER in place of the true algorithm, in both places
}

type basicConstraints struct {
	ca      bool
	pathLen int // -1: no limit
}

// clone copies the template so far that a defect can change the copy.
func (t template) clone() template {
	if t.basicConstraints != nil {
		own := *t.basicConstraints
		t.basicConstraints = &own
	}
	t.usages = slices.Clone(t.usages)
	t.dns = slices.Clone(t.dns)
	t.ips = slices.Clone(t.ips)
	t.emails, t.uris = slices.Clone(t.emails), slices.Clone(t.uris)
	t.crlAt, t.ocspAt, t.caIssuersAt = slices.Clone(t.crlAt), slices.Clone(t.ocspAt), slices.Clone(t.caIssuersAt)
	t.given = slices.Clone(t.given)
	t.extensions = slices.Clone(t.extensions)
	return t
}

// issuedBy is the encoded name of the issuer and its key identifier (nil: none).
func (t template) issuedBy() (name, keyID []byte, err error) {
	defer func() {
		if t.raw.issuerName != nil {
			name = t.raw.issuerName
		}
	}()
	if t.selfSigned || t.issuer == nil {
		return t.subject, nil, nil
	}
	issuer := t.issuer.X509()
	if len(issuer.RawSubject) == 0 {
		return nil, nil, fmt.Errorf("the issuer's certificate %q cannot be read", t.issuer.name)
	}
	keyID = issuer.SubjectKeyId
	if len(keyID) == 0 && t.issuer.defect != nil {
		// A defect took the identifier from the issuer. What it issues names the key all the same,
		// as it would without the defect.
		keyID, err = keyIdentifierOf(t.issuer.der)
	}
	return issuer.RawSubject, keyID, err
}

// tbs is the signed part of the certificate.
func (t template) tbs(spki, algorithm []byte) ([]byte, error) {
	issuer, authority, err := t.issuedBy()
	if err != nil {
		return nil, err
	}
	keyID, err := keyIdentifier(spki)
	if err != nil {
		return nil, err
	}
	if t.kind == rootKind {
		authority = keyID
	}
	extensions, err := t.allExtensions(keyID, authority)
	if err != nil {
		return nil, err
	}
	if edit := t.raw.extensions; edit != nil {
		if extensions, err = edit(extensions); err != nil {
			return nil, err
		}
	}
	if y := t.notBefore.UTC().Year(); y < 1950 || t.notAfter.UTC().Year() > 9999 {
		return nil, fmt.Errorf("validity %s to %s: expected years from 1950 to 9999", t.notBefore, t.notAfter)
	}
	if !t.notBefore.Before(t.notAfter) && !t.raw.anyDates {
		return nil, fmt.Errorf("notAfter %s is not after notBefore %s",
			t.notAfter.UTC().Format(time.RFC3339), t.notBefore.UTC().Format(time.RFC3339))
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 1024))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if !t.raw.v1 {
			b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
				b.AddASN1Int64(2) // v3
			})
		}
		b.AddASN1BigInt(t.serial)
		b.AddBytes(algorithm)
		b.AddBytes(issuer)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addTime(b, t.notBefore)
			if t.raw.notAfter != nil {
				b.AddBytes(t.raw.notAfter)
			} else {
				addTime(b, t.notAfter)
			}
		})
		b.AddBytes(t.subject)
		b.AddBytes(spki)
		if t.raw.v1 || len(extensions) == 0 {
			return
		}
		b.AddASN1(cbasn1.Tag(3).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, e := range extensions {
					addExtension(b, e)
				}
			})
		})
	})
	return b.Bytes()
}

// addTime writes a time as RFC 5280 wants it: UTCTime through 2049, GeneralizedTime from 2050.
func addTime(b *cryptobyte.Builder, at time.Time) {
	at = at.UTC()
	if at.Year() < 2050 {
		b.AddASN1UTCTime(at)
	} else {
		b.AddASN1GeneralizedTime(at)
	}
}

// keyIdentifier is the leftmost 160 bits of the SHA-256 of the public key (RFC 7093, method 1).
func keyIdentifier(spki []byte) ([]byte, error) {
	bits, err := keyBits(spki)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bits)
	return sum[:20], nil
}

// usageOfLeaf is the key usage of every leaf; RSA adds keyEncipherment.
const usageOfLeaf = x509.KeyUsageDigitalSignature

// usageByKey is what an RSA key adds to the key usage of a leaf, by the type that was asked for.
func (t *template) usageByKey() x509.KeyUsage {
	isRSA := t.keyType.rsaBits() != 0
	if t.key != nil {
		_, isRSA = t.key.Public().(*rsa.PublicKey)
	}
	if isRSA {
		return x509.KeyUsageKeyEncipherment
	}
	return 0
}

// sign makes the certificate of the template: key first, then what depends on it, then the
// signature. The template's serial must be set.
func (t template) sign(stranger, key crypto.Signer, random *source) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("encoding the public key: %w", err)
	}
	if _, isRSA := key.Public().(*rsa.PublicKey); isRSA && t.kind == leafKind && t.keyUsage != 0 && !t.raw.fixedUsage {
		t.keyUsage |= x509.KeyUsageKeyEncipherment
	}
	signer := key
	switch {
	case t.selfSigned || t.issuer == nil:
	case t.strangerSigns:
		signer = stranger
	default:
		signer = t.issuer.key
	}
	if signer == nil {
		return nil, &IssuerKeyError{Issuer: t.issuer.name}
	}
	algorithm, hash, err := signatureAlgorithm(signer.Public(), t.hash)
	if err != nil {
		return nil, err
	}
	if t.raw.bothAlgorithms != nil {
		algorithm = t.raw.bothAlgorithms
	}
	inner := algorithm
	if t.raw.innerAlgorithm != nil {
		if inner, err = t.raw.innerAlgorithm(algorithm); err != nil {
			return nil, err
		}
	}
	if t.raw.spki != nil {
		if spki, err = t.raw.spki(spki); err != nil {
			return nil, err
		}
	}
	tbs, err := t.tbs(spki, inner)
	if err != nil {
		return nil, err
	}
	signature, err := random.sign(signer, tbs, hash)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(tbs)+len(signature)+32))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}

// IssuerKeyError says that a certificate cannot be signed for want of its issuer's private key.
type IssuerKeyError struct {
	// Issuer is the name of the issuer.
	Issuer string
}

func (e *IssuerKeyError) Error() string {
	return fmt.Sprintf("the private key of the issuer %q is not there", e.Issuer)
}
