package neighbour_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Of the recorded chains nobody has the private keys, so that they cannot be presented in TLS as they
// are. Re-keying makes chains of them that can: each public key is replaced by a new one of the same
// kind and strength, each signature by one that the same issuer makes with its new key, and all
// else stays octet by octet: names, serial numbers, extensions, key identifiers (they are only ever
// compared with one another), algorithm identifiers. Dates can be moved, so that a case is today what
// it was when it was recorded.
//
// A signature that was damaged after it had been made is damaged in the same way: how is found out by
// mending it. What cannot be given new keys is an error that says why.

// rekeying gives new keys to certificates and CRLs. The same octets always become the same octets.
type rekeying struct {
	keys  *keyring
	shift time.Duration
	done  map[string][]byte
}

// keyring is what new keys the recorded ones have. One goroutine may use it at a time.
type keyring struct {
	recorded   []*recordedKey
	bySPKI     map[string]*recordedKey
	successors map[string]*successor // by the SPKI of the recorded key
	signers    map[string]*signer    // by signed part and signature
}

// signer is who made a recorded signature.
type signer struct {
	spki   []byte // of the recorded key
	damage damage
}

// damage is what was done to a signature; the zero value is nothing.
type damage struct {
	fromEnd int // the octet, counted from the end, which is 1
	mask    byte
}

// masks are those that are tried. The recorded ones have 0x55 in the third octet from the end, which
// a search with all masks found.
var masks = []byte{0x01, 0x55, 0x80, 0xff}

// apply returns a signature with the damage.
func (d damage) apply(signature []byte) []byte {
	if d.mask == 0 || d.fromEnd > len(signature) {
		return signature
	}
	out := bytes.Clone(signature)
	out[len(out)-d.fromEnd] ^= d.mask
	return out
}

// newKeyring reads the keys of all certificates that can be issuers of one another.
func newKeyring(certificates ...[]byte) (*keyring, error) {
	r := &keyring{bySPKI: map[string]*recordedKey{}, successors: map[string]*successor{}, signers: map[string]*signer{}}
	for i, der := range certificates {
		c, err := takeApart(der)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of %d: %w", i+1, len(certificates), err)
		}
		k, known := r.bySPKI[string(c.spki())]
		if !known {
			if k, err = readKey(c.spki()); err != nil {
				return nil, fmt.Errorf("certificate %d of %d: %w", i+1, len(certificates), err)
			}
			r.bySPKI[string(c.spki())] = k
			r.recorded = append(r.recorded, k)
		}
		k.subjects = append(k.subjects, c.subject())
	}
	return r, nil
}

// rekey begins a re-keying with these keys that moves all dates.
func (r *keyring) rekey(shift time.Duration) *rekeying {
	return &rekeying{keys: r, shift: shift, done: map[string][]byte{}}
}

// successor is the new key of a recorded one.
func (r *keyring) successor(spki []byte) (*successor, error) {
	if n, ok := r.successors[string(spki)]; ok {
		return n, nil
	}
	k, ok := r.bySPKI[string(spki)]
	if !ok {
		return nil, errors.New("the public key is in none of the certificates that were read before")
	}
	n, err := k.succeed()
	if err != nil {
		return nil, err
	}
	r.successors[string(spki)] = n
	return n, nil
}

// signer finds whose key made a signature, whatever name the issuer has.
func (r *keyring) signer(how scheme, issuer, message, signature []byte) (*signer, error) {
	id := string(message) + string(signature)
	if found, ok := r.signers[id]; ok {
		return found, nil
	}
	keep := func(spki []byte, d damage) (*signer, error) {
		r.signers[id] = &signer{spki: spki, damage: d}
		return r.signers[id], nil
	}
	var named, others []*recordedKey
	for _, k := range r.recorded {
		if slices.ContainsFunc(k.subjects, func(subject []byte) bool { return bytes.Equal(subject, issuer) }) {
			named = append(named, k)
		} else if k.public != nil { // asking OpenSSL takes its time
			others = append(others, k)
		}
	}
	for _, k := range slices.Concat(named, others) {
		if k.verifies(how, message, signature) {
			return keep(k.spki, damage{})
		}
	}
	for _, k := range named {
		for at := range signature {
			for _, mask := range masks {
				d := damage{fromEnd: at + 1, mask: mask}
				if k.public != nil && k.verifies(how, message, d.apply(signature)) {
					return keep(k.spki, d)
				}
			}
		}
	}
	return nil, errors.New("none of the recorded keys made the signature, not even a damaged one")
}

// element is one element of DER.
func element(tag cbasn1.Tag, content ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, c := range content {
			b.AddBytes(c)
		}
	})
	return b.BytesOrPanic()
}

// elements splits a sequence.
func elements(der cryptobyte.String) ([][]byte, error) {
	var content cryptobyte.String
	if !der.ReadASN1(&content, cbasn1.SEQUENCE) || !der.Empty() {
		return nil, errors.New("not one DER SEQUENCE")
	}
	var out [][]byte
	for !content.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !content.ReadAnyASN1Element(&one, &tag) {
			return nil, errors.New("the content of a SEQUENCE is not DER")
		}
		out = append(out, one)
	}
	return out, nil
}

// signed is a certificate or a CRL, taken apart.
type signed struct {
	raw       []byte   // the signed part
	parts     [][]byte // of it
	first     int      // the part behind the version
	algorithm []byte   // outside of the signed part
	signature []byte
}

// The parts of a certificate, counted from the serial number, and those of a CRL, counted from the
// algorithm.
const (
	partIssuer   = 2
	partValidity = 3
	partSubject  = 4
	partKey      = 5

	crlIssuer = 1
	crlDates  = 2
)

func (s signed) subject() []byte { return s.parts[s.first+partSubject] }
func (s signed) spki() []byte    { return s.parts[s.first+partKey] }

// split takes apart what both have: SEQUENCE { signed part, algorithm, signature }.
func split(der []byte) (signed, error) {
	outer, err := elements(der)
	if err != nil || len(outer) != 3 {
		return signed{}, errors.New("not a signed part with algorithm and signature")
	}
	s := signed{raw: outer[0], algorithm: outer[1]}
	var bits asn1.BitString
	in := cryptobyte.String(outer[2])
	if !in.ReadASN1BitString(&bits) || bits.BitLength%8 != 0 {
		return signed{}, errors.New("the signature is not a string of whole octets")
	}
	s.signature = bits.Bytes
	if s.parts, err = elements(s.raw); err != nil {
		return signed{}, fmt.Errorf("the signed part: %w", err)
	}
	return s, nil
}

// takeApart takes apart a certificate.
func takeApart(der []byte) (signed, error) {
	s, err := split(der)
	if err != nil {
		return s, err
	}
	if len(s.parts) > 0 && s.parts[0][0] == byte(cbasn1.Tag(0).Constructed().ContextSpecific()) {
		s.first = 1
	}
	if len(s.parts) <= s.first+partKey {
		return s, errors.New("parts of the certificate are missing")
	}
	return s, nil
}

// certificate is a certificate with new keys. The error says why there is none.
func (r *rekeying) certificate(der []byte) ([]byte, error) {
	return r.once(der, func() ([]byte, error) {
		c, err := takeApart(der)
		if err != nil {
			return nil, err
		}
		key, err := r.keys.successor(c.spki())
		if err != nil {
			return nil, fmt.Errorf("replacing the public key: %w", err)
		}
		dates, err := elements(c.parts[c.first+partValidity])
		if err != nil {
			return nil, fmt.Errorf("the validity: %w", err)
		}
		for i := range dates {
			dates[i] = moveDate(dates[i], r.shift)
		}
		issuer := c.parts[c.first+partIssuer]
		c.parts[c.first+partValidity] = element(cbasn1.SEQUENCE, dates...)
		c.parts[c.first+partKey] = key.spki
		return r.sign(c, issuer)
	})
}

// crl is a CRL that the new key of its issuer signed. The dates of its entries stay: nobody compares
// them with the clock.
func (r *rekeying) crl(der []byte) ([]byte, error) {
	return r.once(der, func() ([]byte, error) {
		c, err := split(der)
		if err != nil {
			return nil, err
		}
		if len(c.parts) > 0 && c.parts[0][0] == byte(cbasn1.INTEGER) {
			c.first = 1
		}
		if len(c.parts) <= c.first+crlDates+1 {
			return nil, errors.New("parts of the CRL are missing")
		}
		for i := c.first + crlDates; i <= c.first+crlDates+1; i++ {
			c.parts[i] = moveDate(c.parts[i], r.shift) // only dates are moved
		}
		return r.sign(c, c.parts[c.first+crlIssuer])
	})
}

func (r *rekeying) once(der []byte, make func() ([]byte, error)) ([]byte, error) {
	if out, ok := r.done[string(der)]; ok {
		return out, nil
	}
	out, err := make()
	if err != nil {
		return nil, err
	}
	r.done[string(der)] = out
	return out, nil
}

// sign signs the changed parts as the recorded ones were signed.
func (r *rekeying) sign(c signed, issuer []byte) ([]byte, error) {
	how, err := readScheme(c.algorithm)
	if err != nil {
		return nil, err
	}
	by, err := r.keys.signer(how, issuer, c.raw, c.signature)
	if err != nil {
		return nil, fmt.Errorf("finding who signed it: %w", err)
	}
	key, err := r.keys.successor(by.spki)
	if err != nil {
		return nil, fmt.Errorf("replacing the issuer's key: %w", err)
	}
	body := element(cbasn1.SEQUENCE, c.parts...)
	signature, err := key.sign(how, body)
	if err != nil {
		return nil, fmt.Errorf("signing it again: %w", err)
	}
	return element(cbasn1.SEQUENCE, body, c.algorithm, element(cbasn1.BIT_STRING, []byte{0}, by.damage.apply(signature))), nil
}

// Forms of dates that OpenSSL compares with the clock. Others are a defect, and stay.
const (
	utcForm         = "060102150405Z"
	generalizedForm = "20060102150405Z"
)

// moveDate moves a date and keeps its form. What is no date stays, and so does one that would leave
// the years of its form, the end of time for instance (9999).
func moveDate(der []byte, shift time.Duration) []byte {
	in := cryptobyte.String(der)
	var text cryptobyte.String
	var tag cbasn1.Tag
	if !in.ReadAnyASN1(&text, &tag) || !in.Empty() {
		return der
	}
	form := utcForm
	switch {
	case tag == cbasn1.UTCTime && len(text) == len(utcForm):
	case tag == cbasn1.GeneralizedTime && len(text) == len(generalizedForm):
		form = generalizedForm
	default:
		return der
	}
	date, err := readDate(form, string(text))
	if err != nil {
		return der
	}
	moved := date.Add(shift)
	// Two digits are the years 1950 to 2049 (RFC 5280, section 4.1.2.5.1).
	if form == utcForm && (moved.Year() < 1950 || moved.Year() > 2049) || form == generalizedForm && (moved.Year() < 0 || date.Year() == 9999 || moved.Year() > 9999) {
		return der
	}
	return element(tag, []byte(moved.Format(form)))
}

// readDate reads a date; time.Parse has another opinion of two digits.
func readDate(form, text string) (time.Time, error) {
	if form == utcForm {
		century := "20"
		if text >= "5" {
			century = "19"
		}
		text, form = century+text, generalizedForm
	}
	return time.Parse(form, text)
}
