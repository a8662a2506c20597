package pki

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// StatusOption changes what a CA says of its certificates, in a CRL ([Certificate.CRL]) or in an
// OCSP response ([Certificate.OCSPResponse]).
type StatusOption interface {
	applyStatus(*status) error
}

// status is what a CRL and an OCSP response have in common.
type status struct {
	issuer     *Certificate // whose certificates it speaks of
	signer     *Certificate // usually the issuer
	thisUpdate time.Time
	nextUpdate time.Time // zero: none is named
	number     *big.Int  // of a CRL; nil: none
	revokedAt  time.Time
	reason     Reason
	isOCSP     bool
}

type statusOption func(*status) error

func (o statusOption) applyStatus(s *status) error { return o(s) }

// How long an answer is good for, if the caller does not say: what public CAs do with CRLs.
const statusLifetime = 7 * 24 * time.Hour

// newStatus is what the CA says by default, changed by the options.
func (c *Certificate) newStatus(isOCSP bool, options []StatusOption) (status, error) {
	if !c.IsCA() {
		return status{}, errors.New("it is not a CA")
	}
	now := c.now().UTC().Truncate(time.Second)
	s := status{
		issuer: c, signer: c, thisUpdate: now.Add(-headStart), number: big.NewInt(1),
		revokedAt: now.Add(-24 * time.Hour), isOCSP: isOCSP,
	}
	for _, o := range options {
		if err := o.applyStatus(&s); err != nil {
			return status{}, err
		}
	}
	if s.nextUpdate.IsZero() {
		s.nextUpdate = s.thisUpdate.Add(statusLifetime)
	}
	if !s.thisUpdate.Before(s.nextUpdate) {
		return status{}, fmt.Errorf("nextUpdate %s is not after thisUpdate %s",
			s.nextUpdate.Format(time.RFC3339), s.thisUpdate.Format(time.RFC3339))
	}
	return s, s.check()
}

func (s *status) check() error {
	for _, t := range []time.Time{s.thisUpdate, s.nextUpdate, s.revokedAt} {
		if y := t.Year(); y < 1950 || y > 9999 {
			return fmt.Errorf("date %s: expected years from 1950 to 9999", t)
		}
	}
	if s.signer.key == nil {
		return fmt.Errorf("the private key of %q is not there", s.signer.name)
	}
	return nil
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// ThisUpdate gives the moment from which the answer holds, to the second. Default: an hour ago.
func ThisUpdate(t time.Time) StatusOption {
	return statusOption(func(s *status) error {
		s.thisUpdate = second(t)
		return nil
	})
}

// NextUpdate gives the moment by which there will be a newer answer, to the second; after it this
// one counts no more. Default: seven days after ThisUpdate.
func NextUpdate(t time.Time) StatusOption {
	return statusOption(func(s *status) error {
		s.nextUpdate = second(t)
		return nil
	})
}

// RevokedAt gives the moment of the revocation, to the second. Default: a day ago.
func RevokedAt(t time.Time) StatusOption {
	return statusOption(func(s *status) error {
		s.revokedAt = second(t)
		return nil
	})
}

// CRLNumber numbers a CRL; every new one of a CA has a higher number. Default: 1. An OCSP response
// has none, and the option is an error there.
func CRLNumber(n int64) StatusOption {
	return statusOption(func(s *status) error {
		if s.isOCSP {
			return errors.New("an OCSP response has no CRL number")
		}
		if n < 0 {
			return fmt.Errorf("CRL number %d: expected 0 or more", n)
		}
		s.number = big.NewInt(n)
		return nil
	})
}

// StatusSignedBy has another certificate's key sign in the CA's name, as somebody who is not
// entitled to. Default: the CA's own.
func StatusSignedBy(other *Certificate) StatusOption {
	return statusOption(func(s *status) error {
		if other == nil {
			return errors.New("there is no certificate to sign with")
		}
		s.signer = other
		return nil
	})
}

// Reason says why a certificate was revoked, in the numbering of RFC 5280 5.3.1.
type Reason int

// The reasons. The zero value says nothing, and is not written down.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	OnHold               Reason = 6
	PrivilegeWithdrawn   Reason = 9
)

func (r Reason) applyStatus(s *status) error {
	switch r {
	case Unspecified, KeyCompromise, CACompromise, AffiliationChanged, Superseded, CessationOfOperation, OnHold, PrivilegeWithdrawn:
		s.reason = r
		return nil
	}
	return fmt.Errorf("unknown reason %d for a revocation", int(r))
}

// sign signs the signed part as the signer does, and puts the three parts together. damaged
// breaks the signature.
func (s *status) sign(signed []byte, algorithm []byte, signature func([]byte) ([]byte, error), damaged bool) ([]byte, error) {
	value, err := signature(signed)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if damaged {
		value[len(value)-1] ^= 1
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(signed)
		b.AddBytes(algorithm)
		b.AddASN1BitString(value)
	})
	return b.Bytes()
}

// signing is the algorithm with which the signer signs, and the signing.
func (s *status) signing() (algorithm []byte, signature func([]byte) ([]byte, error), err error) {
	algorithm, hash, err := signatureAlgorithm(s.signer.key.Public(), 0)
	if err != nil {
		return nil, nil, err
	}
	random := &source{reader: s.signer.rand}
	return algorithm, func(message []byte) ([]byte, error) { return random.sign(s.signer.key, message, hash) }, nil
}
