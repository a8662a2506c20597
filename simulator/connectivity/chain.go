package connectivity

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/pki"
)

// Kind says what a certificate is in the chain.
type Kind string

const (
	Server       Kind = "server"
	Intermediate Kind = "intermediate"
	Root         Kind = "root"
	// Unrelated: the server presents it, and the chain does not need it.
	Unrelated Kind = "unrelated"
)

// Certificate is one certificate of the chain.
type Certificate struct {
	// File is its name in the download.
	File    string `json:"file"`
	Kind    Kind   `json:"kind"`
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	// Serial is the serial number in hexadecimal.
	Serial    string    `json:"serialNumber"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	// SHA1 and SHA256 are the fingerprints, capitals with colons.
	SHA1   string `json:"sha1"`
	SHA256 string `json:"sha256"`
	// Presented is false for a certificate that came from the trust store.
	Presented bool `json:"presented"`
	// DER is the certificate itself.
	DER []byte `json:"-"`
}

// judge lists the chain and validates it unless that is off.
func (r *Result) judge(presented []*x509.Certificate, o Options) {
	now := o.Now()
	pool := o.pool()
	verified, err := verifiedChain(presented, pool, now)
	path := verified
	if err != nil {
		path = walk(presented, o.Trusted)
		// A chain that is only out of time has a root all the same.
		leaf := presented[0]
		if ended, err := verifiedChain(presented, pool, leaf.NotAfter.Add(-time.Second)); err == nil {
			path = ended
		}
	}
	if !o.SkipValidation {
		if err != nil {
			r.Failures = append(r.Failures, trustFailure(err, path, now))
		}
		if presented[0].VerifyHostname(o.ServerName) != nil {
			r.Failures = append(r.Failures, hostNameFailure(presented[0], o.ServerName))
		}
	}
	r.list(presented, path)
}

func verifiedChain(presented []*x509.Certificate, pool *x509.CertPool, now time.Time) ([]*x509.Certificate, error) {
	intermediates := x509.NewCertPool()
	for _, c := range presented[1:] {
		intermediates.AddCert(c)
	}
	chains, err := presented[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: intermediates, CurrentTime: now})
	if err != nil {
		return nil, err
	}
	// Several paths may lead to trusted roots. The one that uses most of what was presented is
	// meant: it is the one whose root the server's owner had in mind.
	best, most := chains[0], -1
	for _, chain := range chains {
		n := 0
		for _, c := range chain {
			if contains(presented, c) {
				n++
			}
		}
		if n > most {
			best, most = chain, n
		}
	}
	return best, nil
}

// walk follows the issuers upward as far as they are known, whether they are trusted or not.
func walk(presented, trusted []*x509.Certificate) []*x509.Certificate {
	path := []*x509.Certificate{presented[0]}
	for {
		top := path[len(path)-1]
		if selfIssued(top) {
			return path
		}
		next := issuerOf(top, path, presented)
		if next == nil {
			next = issuerOf(top, path, trusted)
		}
		if next == nil {
			return path
		}
		path = append(path, next)
	}
}

func issuerOf(c *x509.Certificate, path, among []*x509.Certificate) *x509.Certificate {
	for _, candidate := range among {
		if bytes.Equal(candidate.RawSubject, c.RawIssuer) && !contains(path, candidate) && c.CheckSignatureFrom(candidate) == nil {
			return candidate
		}
	}
	return nil
}

func contains(list []*x509.Certificate, c *x509.Certificate) bool {
	for _, other := range list {
		if other.Equal(c) {
			return true
		}
	}
	return false
}

func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// list fills the chain and says which file belongs into the trust store.
func (r *Result) list(presented, path []*x509.Certificate) {
	top := path[len(path)-1]
	kind := func(c *x509.Certificate) Kind {
		switch {
		case c == presented[0] && !(len(path) == 1 && selfIssued(top)):
			return Server
		case !contains(path, c):
			return Unrelated
		case c.Equal(top) && selfIssued(c):
			return Root
		}
		return Intermediate
	}
	add := func(c *x509.Certificate, wasPresented bool) {
		r.Chain = append(r.Chain, describe(c, kind(c), len(r.Chain)+1, wasPresented))
	}
	for _, c := range presented {
		add(c, true)
	}
	for _, c := range path {
		if !contains(presented, c) {
			add(c, false)
		}
	}
	for _, c := range r.Chain {
		if c.Kind == Root {
			r.RootFile = c.File
		}
	}
	switch {
	case len(path) == 1 && r.RootFile != "":
		r.Advice = fmt.Sprintf("The certificate is self-signed; only who adds %s itself to the sender's trust store trusts it", r.RootFile)
	case r.RootFile != "":
		r.Advice = fmt.Sprintf("Add %s, the root certificate, to the sender's trust store", r.RootFile)
	default:
		r.Advice = fmt.Sprintf("The server does not present its root certificate, as usual, and it is not known here: get the certificate of %q from its CA and add it to the sender's trust store", pki.FormatDN(top.RawIssuer))
	}
}

func describe(c *x509.Certificate, kind Kind, number int, presented bool) Certificate {
	one, two := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	return Certificate{
		File: fileName(number, c), Kind: kind, Subject: pki.FormatDN(c.RawSubject), Issuer: pki.FormatDN(c.RawIssuer),
		Serial: fmt.Sprintf("%x", c.SerialNumber), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
		SHA1: fingerprint(one[:]), SHA256: fingerprint(two[:]), Presented: presented, DER: c.Raw,
	}
}

func fingerprint(sum []byte) string {
	text := strings.ToUpper(hex.EncodeToString(sum))
	var b strings.Builder
	for i := 0; i < len(text); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(text[i : i+2])
	}
	return b.String()
}
