package verify

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
)

// TrustList is the list of certificates that a verifier trusts, in the order of their file. It
// is immutable and may be shared. Only a self-signed one is an anchor: one that is not makes
// the search go on above it (code 2 if that leads nowhere).
//
// The zero value and nil are empty lists.
type TrustList struct {
	certs     []*Certificate
	bySubject map[string][]*Certificate // canonical subject → in file order
	dates     []int64                   // each date of a certificate, sorted
	version   string
}

// NewTrustList reads trusted certificates, DER, in file order: of two that could be the issuer,
// the first that is valid is taken. It fails if one cannot be read; the error says which. No
// certificate makes an empty list, which trusts nobody.
func NewTrustList(certs ...[]byte) (*TrustList, error) {
	t := &TrustList{bySubject: make(map[string][]*Certificate, len(certs))}
	hash := sha256.New()
	var size [8]byte
	for i, der := range certs {
		der = slices.Clone(der)
		c, err := ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("trust list: certificate %d of %d: %w", i+1, len(certs), err)
		}
		c.prepare()
		t.certs = append(t.certs, c)
		key := string(c.subject.canonical)
		t.bySubject[key] = append(t.bySubject[key], c)
		t.dates = c.appendDates(t.dates)
		binary.BigEndian.PutUint64(size[:], uint64(len(der)))
		hash.Write(size[:])
		hash.Write(der)
	}
	slices.Sort(t.dates)
	t.version = hex.EncodeToString(hash.Sum(nil))
	return t, nil
}

// NewTrustListFrom is NewTrustList for certificates that crypto/x509 has parsed.
func NewTrustListFrom(certs []*x509.Certificate) (*TrustList, error) {
	raw := make([][]byte, len(certs))
	for i, c := range certs {
		raw[i] = c.Raw
	}
	return NewTrustList(raw...)
}

// Version identifies the content: a SHA-256 over the certificates in their order, hexadecimal.
func (t *TrustList) Version() string {
	if t == nil || t.version == "" {
		return hex.EncodeToString(sha256.New().Sum(nil))
	}
	return t.version
}

// Len is the number of certificates.
func (t *TrustList) Len() int {
	if t == nil {
		return 0
	}
	return len(t.certs)
}

// Subjects returns the DER of the subjects in file order: what a TLS server names in its
// certificate request.
func (t *TrustList) Subjects() [][]byte {
	if t == nil {
		return nil
	}
	all := make([][]byte, len(t.certs))
	for i, c := range t.certs {
		all[i] = c.RawSubject()
	}
	return all
}

// Certificates returns the certificates in file order.
func (t *TrustList) Certificates() []*Certificate {
	if t == nil {
		return nil
	}
	return slices.Clone(t.certs)
}

// appendDates appends the dates that are compared with the clock.
func (c *Certificate) appendDates(to []int64) []int64 {
	for _, t := range [...]asn1Time{c.notBefore, c.notAfter} {
		if t.strict {
			to = append(to, t.unix)
		}
	}
	return to
}
