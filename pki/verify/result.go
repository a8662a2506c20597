package verify

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Result is the answer for one chain.
type Result struct {
	// Presented tells whether the client presented a certificate at all. If not, the code is
	// 0, as OpenSSL reports it: accepted means presented and 0.
	Presented bool `json:"presented"`
	// Code is the verify result in the numbering that was asked for; 0 is good.
	Code int `json:"code"`
	// Name is the code's name, such as "X509_V_ERR_CERT_HAS_EXPIRED".
	Name string `json:"name"`
	// Text is what OpenSSL 3.0 prints for the code.
	Text string `json:"text"`
	// Depth is where the error is: 0 for the leaf, 1 for its issuer, and so on.
	Depth int `json:"depth"`
	// Subject is the subject of the certificate at that depth, in the order of the certificate.
	Subject string `json:"subject,omitempty"`
	// Errors are all errors in the order in which OpenSSL meets them if a callback lets it go
	// on; empty if there are none.
	Errors []Error `json:"errors,omitempty"`
	// Path tells how the path was built.
	Path []PathStep `json:"path,omitempty"`
	// Unreadable says why the certificate number Depth of those presented cannot be read. The
	// code is then 1. A TLS server that uses OpenSSL ends the handshake with decode_error.
	Unreadable string `json:"unreadable,omitempty"`
	// Until is the next date at which the answer can change. Zero: none lies ahead.
	Until time.Time `json:"until,omitzero"`
}

// Error is one error that OpenSSL meets.
type Error struct {
	Code    int    `json:"code"`
	Name    string `json:"name"`
	Text    string `json:"text"`
	Depth   int    `json:"depth"`
	Subject string `json:"subject,omitempty"`
}

// Error prints the error in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("verify result %d at depth %d: %s (%s)", e.Code, e.Depth, e.Text, e.Subject)
}

// Origin says where a certificate of the path came from.
type Origin string

const (
	// FromClient: the client presented it.
	FromClient Origin = "presented"
	// FromTrustList: it is in the trust list.
	FromTrustList Origin = "trust list"
)

// PathStep is one step in building the path, in the order in which the steps were made.
type PathStep struct {
	Depth   int    `json:"depth"`
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	Origin  Origin `json:"origin"`
	// Note says what is special: that it is the anchor, a look-alike of one, or that the search
	// for its issuer failed.
	Note string `json:"note,omitempty"`
}

// OK tells whether a chain was presented and accepted.
func (r Result) OK() bool { return r.Presented && r.Code == OK }

// Err returns the reported error as *Error, or nil if the code is 0 – also if nothing was
// presented.
func (r Result) Err() error {
	if r.Code == OK {
		return nil
	}
	return &Error{Code: r.Code, Name: r.Name, Text: r.Text, Depth: r.Depth, Subject: r.Subject}
}

// String prints the result as openssl verify prints it: each error with its subject, or "OK".
func (r Result) String() string {
	switch {
	case !r.Presented:
		return "no certificate presented"
	case r.Unreadable != "":
		return fmt.Sprintf("certificate %d cannot be read: %s", r.Depth, r.Unreadable)
	case r.Code == OK:
		return "OK"
	}
	var b strings.Builder
	for i, e := range r.Errors {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\nerror %d at %d depth lookup: %s", e.Subject, e.Code, e.Depth, e.Text)
	}
	return b.String()
}

// result turns a finished run into the answer.
func (r *run) result(opts *Options) Result {
	leaf := r.presented[0]
	res := Result{Presented: true, Name: Name(OK), Text: Text(OK), Subject: r.nameOf(leaf)}
	res.Path = make([]PathStep, len(r.steps))
	for i, s := range r.steps {
		res.Path[i] = r.pathStep(s)
	}
	if len(r.faults) == 0 {
		return res
	}
	res.Errors = make([]Error, len(r.faults))
	for i, f := range r.faults {
		res.Errors[i] = Error{
			Code: opts.Numbering.number(f.code), Name: Name(f.code), Text: Text(f.code),
			Depth: f.depth, Subject: r.nameOf(f.cert),
		}
	}
	answer := res.Errors[0]
	if opts.Report == Last {
		answer = res.Errors[len(res.Errors)-1]
	}
	res.Code, res.Name, res.Text = answer.Code, answer.Name, answer.Text
	res.Depth, res.Subject = answer.Depth, answer.Subject
	return res
}

func (r *run) nameOf(c *Certificate) string {
	if c.subjectText == "" {
		c.subjectText = c.subject.String()
	}
	return c.subjectText
}

// issuerOf is the written form of the issuer, taken from the next certificate of the chain if
// that has the very name.
func (r *run) issuerOf(s step) string {
	c := s.cert
	if c.issuerText == "" {
		if next := s.depth + 1; next < len(r.chain) && bytes.Equal(r.chain[next].subject.raw, c.issuer.raw) {
			c.issuerText = r.nameOf(r.chain[next])
		} else {
			c.issuerText = c.issuer.String()
		}
	}
	return c.issuerText
}

func (r *run) pathStep(s step) PathStep {
	p := PathStep{Depth: s.depth, Subject: r.nameOf(s.cert), Origin: FromClient}
	if s.cert.issuer.equal(s.cert.subject) {
		p.Issuer = p.Subject
	} else {
		p.Issuer = r.issuerOf(s)
	}
	switch s.kind {
	case stepTrusted:
		p.Origin = FromTrustList
		if s.cert.info().selfSigned {
			p.Note = "trust anchor"
		} else {
			p.Note = "not self-signed, hence no anchor"
		}
	case stepReplaced:
		p.Origin = FromTrustList
		p.Note = "trust anchor, was presented too"
	case stepLookAlike:
		p.Origin = FromTrustList
		p.Note = "has the name of the certificate presented at this depth but is another one"
	case stepNoIssuer:
		if s.depth >= r.untrusted {
			p.Origin = FromTrustList
		}
		if s.cert.info().selfSigned {
			p.Note = "self-signed and not in the trust list"
		} else {
			p.Note = "its issuer is neither in the trust list nor among what was presented"
		}
	}
	return p
}
