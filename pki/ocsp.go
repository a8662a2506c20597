package pki

import (
	"crypto/sha1"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// OCSPStatus is what a responder says of a certificate.
type OCSPStatus int

// The statuses.
const (
	// OCSPGood: it is not revoked.
	OCSPGood OCSPStatus = iota
	// OCSPRevoked: it is.
	OCSPRevoked
	// OCSPUnknown: the responder does not know it.
	OCSPUnknown
)

var (
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidBasicResponse = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
)

// response is an OCSP response that is to be made.
type response struct {
	status
	serial  *big.Int
	answer  OCSPStatus
	damaged bool
}

// OCSPResponse makes an OCSP response, DER, in which this CA itself says the status of a
// certificate. It is written here and not by golang.org/x/crypto/ocsp, since that takes the time
// from the machine, signs at random and cannot use Ed25519: with the same randomness and clock
// ([Rand], [Clock]) the same response comes out each time.
//
// It returns an error if this is no CA or its private key is not there. The options are
// [ThisUpdate], [NextUpdate], [RevokedAt], [StatusSignedBy] and a [Reason].
func (c *Certificate) OCSPResponse(of *Certificate, answer OCSPStatus, options ...StatusOption) ([]byte, error) {
	r, err := c.newResponse(of, answer, options)
	if err == nil {
		var der []byte
		if der, err = r.make(); err == nil {
			return der, nil
		}
	}
	return nil, fmt.Errorf("making an OCSP response of %q: %w", c.name, err)
}

// OCSPResponses is what the issuer's OCSP responder says of this certificate, made now: one
// response, DER, which says that it is good, unless a defect of the group Revocation says
// otherwise. None for a certificate without an issuer, or whose issuer's private key is not there.
//
// Neither OpenSSL's chain verification nor package verify nor the load balancer looks at such a
// response; it is for those who do.
func (c *Certificate) OCSPResponses() [][]byte {
	if c.issuer == nil {
		return nil
	}
	r, err := c.issuer.newResponse(c, OCSPGood, nil)
	if err != nil {
		return nil
	}
	if c.defect != nil && c.defect.ocsp != nil {
		c.defect.ocsp(r)
	}
	der, err := r.make()
	if err != nil {
		return nil
	}
	return [][]byte{der}
}

func (c *Certificate) newResponse(of *Certificate, answer OCSPStatus, options []StatusOption) (*response, error) {
	if of == nil {
		return nil, errors.New("there is no certificate to speak of")
	}
	if answer < OCSPGood || answer > OCSPUnknown {
		return nil, fmt.Errorf("unknown status %d", int(answer))
	}
	s, err := c.newStatus(true, options)
	if err != nil {
		return nil, err
	}
	serial, err := serialOf(of.der)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", of.name, err)
	}
	return &response{status: s, serial: serial, answer: answer}, nil
}

func (r *response) make() ([]byte, error) {
	algorithm, signature, err := r.signing()
	if err != nil {
		return nil, err
	}
	signed, err := r.signedPart()
	if err != nil {
		return nil, err
	}
	basic, err := r.sign(signed, algorithm, signature, r.damaged)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0) // successful
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasicResponse)
				b.AddASN1OctetString(basic)
			})
		})
	})
	return b.Bytes()
}

// signedPart is the ResponseData, with one answer, by the key of the issuer.
func (r *response) signedPart() ([]byte, error) {
	var spki cryptobyte.String
	subject, err := subjectOf(r.issuer.der, &spki)
	if err != nil {
		return nil, err
	}
	key, err := keyBits(spki)
	if err != nil {
		return nil, err
	}
	nameHash, keyHash := sha1.Sum(subject), sha1.Sum(key) // RFC 6960 names both by SHA-1
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(2).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(keyHash[:])
		})
		b.AddASN1GeneralizedTime(r.thisUpdate)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				r.addCertID(b, nameHash[:], keyHash[:])
				r.addAnswer(b)
				b.AddASN1GeneralizedTime(r.thisUpdate)
				b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
					b.AddASN1GeneralizedTime(r.nextUpdate)
				})
			})
		})
	})
	return b.Bytes()
}

func (r *response) addCertID(b *cryptobyte.Builder, nameHash, keyHash []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidSHA1)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(nameHash)
		b.AddASN1OctetString(keyHash)
		b.AddASN1BigInt(r.serial)
	})
}

func (r *response) addAnswer(b *cryptobyte.Builder) {
	switch r.answer {
	case OCSPRevoked:
		b.AddASN1(cbasn1.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1GeneralizedTime(r.revokedAt)
			if r.reason != Unspecified {
				b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
					b.AddASN1Enum(int64(r.reason))
				})
			}
		})
	case OCSPUnknown:
		b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
	default:
		b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
	}
}

// keyBits is the content of the BIT STRING in a public key.
func keyBits(spki []byte) ([]byte, error) {
	var body, algorithm cryptobyte.String
	var bits []byte
	in := cryptobyte.String(spki)
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!body.ReadASN1BitStringAsBytes(&bits) {
		return nil, errors.New("the public key does not encode")
	}
	return bits, nil
}

// expiredAt moves both dates of an answer into the past.
func (s *status) expiredAt(end time.Time) {
	s.thisUpdate, s.nextUpdate = second(end).Add(-statusLifetime), second(end)
}
