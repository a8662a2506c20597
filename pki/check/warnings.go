package check

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/verify"
)

// Kind says what a warning is about.
type Kind string

const (
	// Expires: a certificate of the path ends soon.
	Expires Kind = "expires"
	// NoClientAuth: a certificate is not, or at its renewal may no longer be, for clients.
	NoClientAuth Kind = "no-client-auth"
	// WeakDigest: a certificate is signed with SHA-1 or MD5.
	WeakDigest Kind = "weak-digest"
	// TrailingSpace: the common name ends in a blank, which the tenant does not take.
	TrailingSpace Kind = "trailing-space"
	// Next: an error that shows once the first one is mended.
	Next Kind = "next"
)

// Warning is something that does not decide today's answer.
type Warning struct {
	Kind Kind `json:"kind"`
	// Depth and Subject tell the certificate: its place in the path, or among those presented if
	// it is in no path.
	Depth   int    `json:"depth"`
	Subject string `json:"subject"`
	// Text says what is coming and what to do.
	Text string `json:"text"`
	// At is the day on which it comes; zero if that is not known.
	At time.Time `json:"at,omitzero"`
}

// warnings finds what is coming. trusted are the certificates of the trust list.
func (c *inspection) warnings(trusted [][]byte) []Warning {
	var out []Warning
	for depth, cert := range c.chain(trusted) {
		if cert.x509 == nil {
			continue
		}
		subject, cert := cert.subject, cert.x509
		add := func(kind Kind, at time.Time, format string, args ...any) {
			out = append(out, Warning{Kind: kind, Depth: depth, Subject: subject, At: at, Text: fmt.Sprintf(format, args...)})
		}
		// At the very second of its end a certificate has expired for OpenSSL.
		if left := cert.NotAfter.Sub(c.at); left > 0 && left <= c.within {
			add(Expires, cert.NotAfter, "%q expires on %s, in %s: renew it, and put the new one beside the old one in the tenant before the sender changes.",
				subject, cert.NotAfter.UTC().Format("2 January 2006, 15:04 UTC"), days(left))
		}
		if depth == 0 {
			c.leafWarnings(subject, cert, add)
		}
		selfIssued := bytes.Equal(cert.RawSubject, cert.RawIssuer)
		if digest := weakDigest(cert.SignatureAlgorithm); digest != "" && !selfIssued && !c.answers(verify.CAMDTooWeak, depth) {
			add(WeakDigest, time.Time{}, "%q is signed with %s: have it issued again with SHA-256; from security level 1 on OpenSSL refuses it (verify result 68).", subject, digest)
		}
	}
	for _, e := range c.result.Errors[min(1, len(c.result.Errors)):] {
		if e.Code == c.result.Code && e.Depth == c.result.Depth || e.Code == verify.UnableToVerifyLeafSignature {
			continue // follows from the first
		}
		kind := Next
		switch e.Name {
		case verify.Name(verify.InvalidPurpose):
			kind = NoClientAuth
		case verify.Name(verify.CAMDTooWeak):
			kind = WeakDigest
		}
		if slices.ContainsFunc(out, func(w Warning) bool { return w.Kind == kind && w.Depth == e.Depth && kind != Next }) {
			continue // told already, and better
		}
		out = append(out, Warning{Kind: kind, Depth: e.Depth, Subject: e.Subject,
			Text: fmt.Sprintf("When that is mended, the next is verify result %d at depth %d, %s (%q).", e.Code, e.Depth, e.Text, e.Subject)})
	}
	return out
}

func (c *inspection) leafWarnings(subject string, leaf *x509.Certificate, add func(kind Kind, at time.Time, format string, args ...any)) {
	client, server := slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth), slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	switch {
	case len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0:
		add(NoClientAuth, time.Time{}, "%q names no extended key usage: OpenSSL accepts that, other servers may not; ask for clientAuth when it is renewed.", subject)
	case !client && !c.answers(verify.InvalidPurpose, 0):
		add(NoClientAuth, time.Time{}, "%q is not for clients: its extended key usage lacks clientAuth (1.3.6.1.5.5.7.3.2), which shows as verify result 26 once the rest is right. Ask your CA for a client certificate.", subject)
	case client && server:
		// [C: KBA 3711618, by the reference]
		add(NoClientAuth, leaf.NotAfter, "%q is a server certificate that may be used by clients too. Public CAs stopped issuing that between September 2025 and May 2026: its renewal may lack clientAuth and be refused with verify result 26. See that the next one has it, from another CA or product if need be.", subject)
	}
	if cn := pki.CommonName(leaf.RawSubject); cn != strings.TrimRight(cn, " ") {
		add(TrailingSpace, time.Time{}, "The common name of %q ends in a space: the load balancer takes that, the tenant does not. Ask for a certificate without it.", subject)
	}
}

// answers tells whether the answer is this error already.
func (c *inspection) answers(code, depth int) bool {
	return c.result.Name == verify.Name(code) && c.result.Depth == depth
}

// chain is the path as far as it was built, leaf first.
func (c *inspection) chain(trusted [][]byte) []certificate {
	out := []certificate{c.presented[0]}
	var anchors []certificate
	for _, s := range c.result.Path {
		if s.Depth != len(out) {
			continue
		}
		from := c.presented
		if s.Origin == verify.FromTrustList {
			if anchors == nil {
				anchors = parsed(trusted)
			}
			from = anchors
		}
		i := slices.IndexFunc(from, func(cert certificate) bool { return cert.subject == s.Subject && cert.issuer == s.Issuer })
		if i < 0 {
			break
		}
		out = append(out, from[i])
	}
	return out
}

func weakDigest(a x509.SignatureAlgorithm) string {
	switch a {
	case x509.MD2WithRSA:
		return "MD2"
	case x509.MD5WithRSA:
		return "MD5"
	case x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return "SHA-1"
	default:
		return ""
	}
}

func days(left time.Duration) string {
	switch n := int(left / (24 * time.Hour)); n {
	case 0:
		return "less than a day"
	case 1:
		return "one day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}
