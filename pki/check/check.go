// Package check answers the question of a sender's owner: would this chain pass that load
// balancer, and if not, which certificate is at fault and what is to be done? It adds to the
// verify result of package verify what only the lists of package roots tell (that a CA has left
// the list, that of a root only the fingerprint is known), where a missing certificate can be
// fetched, and what is coming: dates, usages and digests that will matter soon.
//
// What is not here: reading files (package keystore), the rules of verification (package verify),
// and the tenant behind the load balancer. It fetches nothing.
package check

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/pki/verify"
)

// DefaultExpiresWithin is how far ahead an expiry is warned of, unless [Options] say otherwise.
const DefaultExpiresWithin = 30 * 24 * time.Hour

// Trust is what the load balancer trusts: certificates, or a published list.
type Trust struct {
	// Certificates are the trusted ones, DER, in the order of their file.
	Certificates [][]byte
	// List is a published list; its certificates are trusted too, as far as they are known, and
	// so is whatever of the presented chain has a fingerprint of the list.
	List *roots.List
}

// Options of [Chain]. The zero value checks now, at security level 2, without CRLs.
type Options struct {
	// At is the time at which the chain is presented. Default: now.
	At time.Time
	// Level is the security level. Default: level 2.
	Level verify.Level
	// CRLs are revocation lists, DER. With one at least the leaf is looked up in them, as
	// openssl verify -crl_check does.
	CRLs [][]byte
	// ExpiresWithin is how far ahead an expiry is warned of. Default: 30 days.
	ExpiresWithin time.Duration
}

// Report is the answer.
type Report struct {
	// OK: the load balancer accepts the chain and passes the certificate on.
	OK bool `json:"ok"`
	// Code, Name and Text are OpenSSL's verify result; 0 is good.
	Code int    `json:"code"`
	Name string `json:"name"`
	Text string `json:"text"`
	// Depth counts from the sender's own certificate, 0. Subject is that of the certificate there.
	Depth   int    `json:"depth"`
	Subject string `json:"subject"`
	// Advice says what to do; empty if the chain passes.
	Advice string `json:"advice"`
	// Unreadable says why a certificate cannot be read, Depth which of those presented it is.
	Unreadable string `json:"unreadable,omitempty"`
	// Errors are all errors that OpenSSL meets, the first one, which is the answer, included.
	Errors []verify.Error `json:"errors,omitempty"`
	// Path tells how the path was built.
	Path []verify.PathStep `json:"path,omitempty"`
	// Notes say what the answer rests on where that is not plain.
	Notes []string `json:"notes,omitempty"`
	// Warnings say what is coming.
	Warnings []Warning `json:"warnings,omitempty"`
	// At is the time that was asked about.
	At time.Time `json:"at"`
}

// Chain checks what a sender presents: DER, leaf first. The error is about the trust list or a
// CRL that cannot be read; a chain that cannot be read is a Report.
func Chain(presented [][]byte, trust Trust, o Options) (Report, error) {
	at := o.At
	if at.IsZero() {
		at = time.Now()
	}
	at = at.UTC().Truncate(time.Second)
	options := verify.Options{Now: func() time.Time { return at }, Level: o.Level, CRLs: o.CRLs, CacheSize: -1}
	if len(o.CRLs) > 0 {
		options.CRLCheck = verify.CRLLeaf
	}
	if err := options.CheckCRLs(); err != nil {
		return Report{}, err
	}
	trusted, notes := trust.certificates(presented)
	list, err := verify.NewTrustList(trusted...)
	if err != nil {
		return Report{}, err
	}
	result := verify.New(list, options).Verify(presented)
	r := Report{
		OK: result.OK(), Code: result.Code, Name: result.Name, Text: result.Text,
		Depth: result.Depth, Subject: result.Subject, Advice: verify.Advice(result),
		Unreadable: result.Unreadable, Errors: result.Errors, Path: result.Path, Notes: notes, At: at,
	}
	if result.Unreadable != "" || !result.Presented {
		return r, nil
	}
	c := &inspection{presented: parsed(presented), trust: trust, result: result, at: at, within: o.ExpiresWithin}
	if c.within == 0 {
		c.within = DefaultExpiresWithin
	}
	c.refine(&r)
	r.Notes = append(r.Notes, c.shape()...)
	r.Warnings = c.warnings(trusted)
	return r, nil
}

// certificates are all that is trusted. A root of the list whose certificate is not known here is
// known once it is presented: nobody else can have one with its fingerprint.
func (t Trust) certificates(presented [][]byte) (ders [][]byte, notes []string) {
	ders = slices.Clone(t.Certificates)
	if t.List == nil {
		return ders, nil
	}
	ders = append(ders, t.List.Certificates()...)
	for _, der := range presented {
		root, found := t.List.Find(der)
		if !found || slices.ContainsFunc(ders, func(d []byte) bool { return string(d) == string(der) }) {
			continue
		}
		if _, err := verify.ParseCertificate(der); err != nil {
			continue
		}
		ders = append(ders, der)
		notes = append(notes, fmt.Sprintf("The root %q of the list was recognised among the presented certificates by its SHA-1 fingerprint %s.", root.Subject, root.SHA1))
	}
	return ders, notes
}

// inspection is what the answer is refined from.
type inspection struct {
	presented []certificate
	trust     Trust
	result    verify.Result
	at        time.Time
	within    time.Duration
}

// certificate is one that verification could read. Its names are written as results write them.
type certificate struct {
	subject, issuer string
	// x509 is nil if crypto/x509 cannot read it.
	x509 *x509.Certificate
}

func parsed(ders [][]byte) []certificate {
	var out []certificate
	for _, der := range ders {
		c, err := verify.ParseCertificate(der)
		if err != nil {
			continue
		}
		one := certificate{subject: c.Subject(), issuer: c.Issuer()}
		if x, err := x509.ParseCertificate(der); err == nil {
			one.x509 = x
		}
		out = append(out, one)
	}
	return out
}
