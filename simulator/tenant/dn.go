package tenant

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"example.com/gatehouse/pki"
)

// DNPair is one row of a channel's table: the subject DN and the issuer DN of a certificate, and
// nothing else of it [C: SAP-docs/btp-integration-suite, docs/ci; format of exported flows].
//
// Both are strings in the form of RFC 4514, "CN=warehouse, O=Example, C=DE". Names are compared
// attribute by attribute: keywords without regard to case, values exactly, blanks after a comma do
// not count. A name may also be written from the other end, as the trace shows it ("C=DE,
// O=Example, CN=warehouse"): a name and the same name reversed count as one [?].
type DNPair struct {
	Subject string
	Issuer  string
}

// DNPairOf is the row that uploading the certificate makes.
func DNPairOf(cert *x509.Certificate) DNPair {
	return DNPair{Subject: pki.FormatDN(cert.RawSubject), Issuer: pki.FormatDN(cert.RawIssuer)}
}

// Matches tells whether the row is of a certificate with these encoded names. Names that cannot
// be read match nothing.
func (p DNPair) Matches(rawSubject, rawIssuer []byte) bool {
	row, err := p.key()
	if err != nil {
		return false
	}
	got, ok := keyOfNames(rawSubject, rawIssuer)
	return ok && row == got
}

// pairKey is a DN pair in the one form in which pairs are compared.
type pairKey struct{ subject, issuer string }

func (p DNPair) key() (pairKey, error) {
	subject, err := pki.ParseDN(p.Subject)
	if err != nil {
		return pairKey{}, fmt.Errorf("subject %q: %w", p.Subject, err)
	}
	issuer, err := pki.ParseDN(p.Issuer)
	if err != nil {
		return pairKey{}, fmt.Errorf("issuer %q: %w", p.Issuer, err)
	}
	return pairKey{canonical(subject), canonical(issuer)}, nil
}

func keyOfNames(rawSubject, rawIssuer []byte) (pairKey, bool) {
	subject, err := pki.ParseRawDN(rawSubject)
	if err != nil {
		return pairKey{}, false
	}
	issuer, err := pki.ParseRawDN(rawIssuer)
	if err != nil {
		return pairKey{}, false
	}
	return pairKey{canonical(subject), canonical(issuer)}, true
}

// canonical writes a name so that equal names give equal strings: each attribute with the length
// of its value in front, so that no value can imitate a separator; of both directions the one that
// sorts first.
func canonical(dn pki.DN) string {
	elements := make([]string, len(dn))
	for i, rdn := range dn {
		attributes := make([]string, len(rdn))
		for j, a := range rdn {
			if a.Raw != nil {
				attributes[j] = fmt.Sprintf("%s#%d:%s", a.Type, len(a.Raw), a.Raw)
				continue
			}
			attributes[j] = fmt.Sprintf("%s=%d:%s", a.Type, len(a.Value), a.Value)
		}
		slices.Sort(attributes) // the attributes of one element are a set
		elements[i] = strings.Join(attributes, "+")
	}
	there := strings.Join(elements, ",")
	slices.Reverse(elements)
	return min(there, strings.Join(elements, ","))
}
