package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidCRLNumber  = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidReasonCode = asn1.ObjectIdentifier{2, 5, 29, 21}
)

// statusList is a CRL that is to be made.
type statusList struct {
	status
	revoked  []revokedCertificate
	critical bool // has a critical extension that nobody knows
	damaged  bool // its signature is broken
}

type revokedCertificate struct {
	serial *big.Int
	at     time.Time
	reason Reason
}

// CRL makes a certificate revocation list of this CA, DER, that lists the given certificates. It
// says so of every serial number, and does not look whether this CA issued it. With the same
// randomness and clock ([Rand], [Clock]) the same list comes out each time.
//
// It returns an error if this is no CA or its private key is not there. The options are
// [ThisUpdate], [NextUpdate], [RevokedAt], [CRLNumber], [StatusSignedBy] and a [Reason]; time of
// revocation and reason are those of all certificates listed.
func (c *Certificate) CRL(revoked []*Certificate, options ...StatusOption) ([]byte, error) {
	s, err := c.newStatus(false, options)
	if err != nil {
		return nil, fmt.Errorf("making a CRL of %q: %w", c.name, err)
	}
	l := &statusList{status: s}
	for _, one := range revoked {
		if err := l.revoke(one); err != nil {
			return nil, fmt.Errorf("making a CRL of %q: %w", c.name, err)
		}
	}
	der, err := l.make()
	if err != nil {
		return nil, fmt.Errorf("making a CRL of %q: %w", c.name, err)
	}
	return der, nil
}

// CRLs lists what the CAs above this certificate say of their certificates: one CRL for each CA of
// the path, DER, that of its issuer first, made now. Those above a good certificate are empty. A
// defect of the group Revocation shows here: give them to the verifier and have it look into them
// for all certificates of the chain. A CA whose private key is not there, or that cannot sign, is
// left out.
func (c *Certificate) CRLs() [][]byte {
	path := c.path()
	var out [][]byte
	for depth, of := range path {
		ca := of.issuer
		if ca == nil {
			// A root speaks of itself in the list that speaks of what it issued.
			if len(path) > 1 || !of.IsCA() {
				continue
			}
			ca = of
		}
		s, err := ca.newStatus(false, nil)
		if err != nil {
			continue
		}
		l := &statusList{status: s}
		if c.defect != nil && c.defect.crl != nil && !c.defect.crl(depth, of, l) {
			continue
		}
		if der, err := l.make(); err == nil {
			out = append(out, der)
		}
	}
	return out
}

// revoke puts a certificate on the list.
func (l *statusList) revoke(c *Certificate) error {
	if c == nil {
		return fmt.Errorf("a certificate to be revoked is not there")
	}
	serial, err := serialOf(c.der)
	if err != nil {
		return fmt.Errorf("revoking %q: %w", c.name, err)
	}
	l.revoked = append(l.revoked, revokedCertificate{serial: serial, at: l.revokedAt, reason: l.reason})
	return nil
}

func (l *statusList) make() ([]byte, error) {
	algorithm, signature, err := l.signing()
	if err != nil {
		return nil, err
	}
	signed, err := l.signedPart(algorithm)
	if err != nil {
		return nil, err
	}
	return l.sign(signed, algorithm, signature, l.damaged)
}

// signedPart is the TBSCertList, version 2.
func (l *statusList) signedPart(algorithm []byte) ([]byte, error) {
	var spki cryptobyte.String
	subject, err := subjectOf(l.issuer.der, &spki)
	if err != nil {
		return nil, err
	}
	keyID, err := keyIdentifier(spki)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddBytes(algorithm)
		b.AddBytes(subject)
		addTime(b, l.thisUpdate)
		addTime(b, l.nextUpdate)
		if len(l.revoked) > 0 {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, r := range l.revoked {
					r.add(b)
				}
			})
		}
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { l.addExtensions(b, keyID) })
		})
	})
	return b.Bytes()
}

func (l *statusList) addExtensions(b *cryptobyte.Builder, keyID []byte) {
	value := func(write func(*cryptobyte.Builder)) []byte {
		var inner cryptobyte.Builder
		write(&inner)
		der, err := inner.Bytes()
		if err != nil {
			b.SetError(err)
		}
		return der
	}
	addExtension(b, pkix.Extension{Id: oidAuthorityKeyID, Value: value(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(keyID) })
		})
	})})
	addExtension(b, pkix.Extension{Id: oidCRLNumber, Value: value(func(b *cryptobyte.Builder) { b.AddASN1BigInt(l.number) })})
	if l.critical {
		addExtension(b, unknownCritical)
	}
}

// add writes one entry of the list.
func (r revokedCertificate) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(r.serial)
		addTime(b, r.at)
		if r.reason == Unspecified {
			return
		}
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addExtension(b, pkix.Extension{Id: oidReasonCode, Value: []byte{byte(cbasn1.ENUM), 1, byte(r.reason)}})
		})
	})
}
