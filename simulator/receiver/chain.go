package receiver

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/inspect"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
)

// certificate: what was presented, and what the load balancer says of it.
func (r *Receiver) certificate(l *list, c *connection, call Call) {
	h := c.handshake
	end, _ := call.Journey.End()
	switch {
	case len(h.Presented) > 0:
		l.add(PointSent, Good, "", "%s, the sender's own being %q", certificates(len(h.Presented)), pki.FormatDN(h.Presented[0].RawSubject))
	case end.Reason == journey.CertificateUnreadable:
		l.add(PointSent, Bad, end.Remedy(), "%s", end.Decided).cause = notKnown
		return
	case call.Ended == InHandshake:
		l.add(PointSent, Open, "", "the handshake ended before it was the sender's turn to present one, or with it")
		return
	case !h.Asked:
		l.add(PointSent, Open, "", "none was asked for: nobody is trusted here")
		return
	default:
		l.add(PointSent, Bad, "configure the client certificate with its private key in the sender, and see that its keystore holds the whole chain and that this leads to a CA that was named: many senders send nothing otherwise",
			"a certificate was asked for, with the names of %s, and the sender sent none", cas(r.config)).cause = noCertificate
		return
	}
	if c.chain.report == nil {
		return
	}
	l.chain(c.chain)
	l.eachCertificate(c.chain)
	l.verdict(c.chain, r.config.Against)
}

func certificates(n int) string {
	if n == 1 {
		return "1 certificate"
	}
	return fmt.Sprintf("%d certificates", n)
}

// cas says how many CAs a sender is told of.
func cas(c Config) string {
	named := len(c.Trust.Certificates)
	unnamed := 0
	if c.Trust.List != nil {
		n := len(c.Trust.List.Certificates())
		named, unnamed = named+n, len(c.Trust.List.Roots())-n
	}
	text := fmt.Sprintf("%d trusted CAs", named)
	if named == 1 {
		text = "1 trusted CA"
	}
	if unnamed > 0 {
		text += fmt.Sprintf(" (the real load balancer names %d more, of which only fingerprints are published)", unnamed)
	}
	return text
}

// chain: is it whole, is the root in it, is it in order?
func (l *list) chain(c chain) {
	r := c.report
	top := topOf(*r)
	switch r.Code {
	case verify.OK:
		l.add(PointChain, Good, "", "whole: %s", pathText(*r))
	case verify.UnableToGetIssuerCertLocally, verify.UnableToVerifyLeafSignature:
		l.add(PointChain, Bad, r.Advice, "it ends at %q: its issuer %q was neither sent nor is it in the trust list", top.Subject, top.Issuer).cause = incomplete
	case verify.DepthZeroSelfSignedCert:
		l.add(PointChain, Bad, r.Advice, "there is none: the certificate is self-signed").cause = otherCA
	default:
		l.add(PointChain, Good, "", "whole as far as its end: %s", pathText(*r))
	}
	root := 0
	for i, der := range c.ders {
		if read, err := verify.ParseCertificate(der); err == nil && i > 0 && bytes.Equal(read.RawSubject(), read.RawIssuer()) && read.SelfIssued() {
			root = i + 1
		}
	}
	if root > 0 {
		l.add(PointRoot, Note, "it may be left out: the load balancer looks for roots in its own list only", "the root %q was sent, needlessly", c.subject(root)).Certificate = root
	} else {
		l.add(PointRoot, Good, "", "no root was sent, and none is needed")
	}
	order := Good
	for _, f := range c.file.Findings {
		switch f.Kind {
		case inspect.ChainOrder:
			order = Warning
			l.add(PointOrder, Warning, "put the sender's own certificate first, then each issuer: OpenSSL does not mind, other servers do", "%s", f.Text)
		case inspect.Unrelated:
			order = Warning
			l.add(PointOrder, Warning, "leave out what does not belong to the chain", "%s", f.Text)
		}
	}
	for _, e := range c.file.Entries {
		for _, f := range e.Findings {
			if f.Kind == inspect.Duplicate {
				order = Warning
				l.add(PointOrder, Warning, "send each certificate once", "certificate %d: %s", e.Number, f.Text).Certificate = e.Number
			}
		}
	}
	if order == Good {
		l.add(PointOrder, Good, "", "each certificate certifies the one before, and nothing else was sent")
	}
}

func (c chain) subject(number int) string {
	for _, e := range c.file.Entries {
		if e.Number == number {
			return e.Subject
		}
	}
	return ""
}

// topOf is the last certificate of the path.
func topOf(r check.Report) verify.PathStep {
	var top verify.PathStep
	for _, s := range r.Path {
		if s.Depth >= top.Depth {
			top = s
		}
	}
	return top
}

// pathText names the path from the sender's certificate upward.
func pathText(r check.Report) string {
	var parts []string
	for i, s := range r.Path {
		if i+1 < len(r.Path) && r.Path[i+1].Depth == s.Depth {
			continue // the next step says more of the same certificate
		}
		text := s.Subject
		if s.Origin == verify.FromTrustList {
			text += " (in the trust list)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ← ")
}

// eachCertificate: issuer, dates, usages, key and digest of each.
func (l *list) eachCertificate(c chain) {
	for _, e := range c.file.Entries {
		text := fmt.Sprintf("%s, issued by %s; valid %s to %s (%s); %s; signed with %s", e.Subject, e.Issuer,
			e.NotBefore.UTC().Format(time.DateOnly), e.NotAfter.UTC().Format(time.DateOnly), e.Validity, e.Key, e.Signature)
		if len(e.KeyUsage) > 0 {
			text += "; key usage " + strings.Join(e.KeyUsage, ", ")
		}
		if len(e.Usage) > 0 {
			text += "; for " + strings.Join(e.Usage, ", ")
		} else if !e.CA {
			text += "; no extended key usage"
		}
		mark := Good
		var todo []string
		for _, f := range e.Findings {
			switch {
			case f.Kind == inspect.Duplicate, f.Code == verify.UnableToGetIssuerCertLocally, f.Code == verify.UnableToVerifyLeafSignature:
				continue // told under order, and under chain
			}
			if f.Code > 0 && c.report.Code != verify.OK {
				mark = Bad
			} else if mark == Good {
				mark = Warning
			}
			todo = append(todo, f.Text)
		}
		l.add(PointCertificate, mark, strings.Join(todo, "; "), "%s", text).Certificate = e.Number
	}
	leaf, err := verify.ParseCertificate(c.leaf())
	if err != nil {
		return
	}
	cn := pki.CommonName(leaf.RawSubject())
	if strings.HasSuffix(cn, " ") {
		l.add(PointCommonName, Bad, "have the certificate issued again without the space", "the common name %q ends in a space: the load balancer takes it, the tenant does not", cn).cause = trailingSpace
	} else {
		l.add(PointCommonName, Good, "", "%q, without a space at its end", cn)
	}
}

// verdict: the answer of the load balancer, and what is coming.
func (l *list) verdict(c chain, against string) {
	r := c.report
	on := fmt.Sprintf("against %s on %s", against, r.At.UTC().Format("2 January 2006"))
	switch {
	case r.OK:
		l.add(PointVerdict, Good, "", "accepted, %s", on)
	case r.Unreadable != "":
		l.add(PointVerdict, Bad, r.Advice, "certificate %d cannot be read: %s", r.Depth+1, r.Unreadable).cause = notKnown
	default:
		l.add(PointVerdict, Bad, r.Advice, "verify result %d at depth %d (%s, %s), %s", r.Code, r.Depth, r.Text, r.Subject, on).cause = causeOf(r.Code)
	}
	for _, n := range r.Notes {
		l.add(PointVerdict, Note, "", "%s", n)
	}
	for _, w := range r.Warnings {
		if w.Kind == check.TrailingSpace {
			continue // told already
		}
		l.add(PointComing, Warning, "", "%s", w.Text)
	}
}
