package check

import (
	"fmt"
	"strings"

	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/pki/verify"
)

// refine replaces the advice where the list, or an address in a certificate, says more.
func (c *inspection) refine(r *Report) {
	switch r.Code {
	case verify.SelfSignedCertInChain, verify.UnableToGetIssuerCertLocally:
	default:
		return
	}
	top, ok := c.top()
	if !ok {
		return
	}
	// Code 19 is about the root that was presented, 20 about the issuer that was not found.
	wanted := top.Issuer
	if c.trust.List != nil {
		advice, note := c.listed(r.Code, wanted)
		if advice != "" {
			r.Advice = advice
		}
		if note != "" {
			r.Notes = append(r.Notes, note)
			return
		}
	}
	if r.Code != verify.UnableToGetIssuerCertLocally {
		return
	}
	if url := c.issuerAddress(top.Depth); url != "" {
		r.Notes = append(r.Notes, fmt.Sprintf("%q says that the certificate of its issuer can be had at %s.", top.Subject, url))
	}
}

// top is the last certificate of the path.
func (c *inspection) top() (verify.PathStep, bool) {
	if len(c.result.Path) == 0 {
		return verify.PathStep{}, false
	}
	top := c.result.Path[0]
	for _, s := range c.result.Path {
		if s.Depth >= top.Depth {
			top = s
		}
	}
	return top, true
}

// listed says what the published lists know of a root that was not found.
func (c *inspection) listed(code int, name string) (advice, note string) {
	list := c.trust.List
	for _, root := range list.ByNameOf(name) {
		switch {
		case code == verify.SelfSignedCertInChain:
			return fmt.Sprintf("Have the chain checked: the list %s has a root of the name %q, but with the fingerprint %s, and another one was presented.", list.Name, name, root.SHA1), ""
		case root.Certificate == nil:
			return fmt.Sprintf("Append the root certificate %q to the file and check again: the list %s has it, but only its fingerprint is known here, so that the chain could not be followed to its end. The sender need not send it.", root.Subject, list.Name),
				fmt.Sprintf("Only the SHA-1 fingerprint %s of the root %q is known; this answer is not the load balancer's last word.", root.SHA1, root.Subject)
		}
	}
	if root, left, found := c.formerly(name); found {
		return fmt.Sprintf("Get a certificate of a CA whose root is on the list: this CA, %q, left the list on %s.", root.Subject, left), ""
	}
	if code == verify.UnableToGetIssuerCertLocally && len(list.ByNameOf(name)) == 0 {
		return fmt.Sprintf("Send also the certificate of the CA %q if it is an intermediate. If it is a root, get a certificate of another CA: no root of the list %s has that name.", name, list.Name), ""
	}
	return "", ""
}

// formerly finds a root that the list in question has no longer.
func (c *inspection) formerly(name string) (root roots.Root, left string, found bool) {
	for _, other := range roots.Names() {
		l, known := roots.ByName(other, c.at)
		if !known {
			continue
		}
		for _, candidate := range l.ByNameOf(name) {
			if when := c.trust.List.Left(candidate); !when.IsZero() {
				return candidate, when.Format("2 January 2006"), true
			}
		}
	}
	return roots.Root{}, "", false
}

// issuerAddress is where the certificate at a depth of the path says that its issuer's can be
// had; empty if it does not, or if the address does not print.
func (c *inspection) issuerAddress(depth int) string {
	step, ok := c.top()
	if !ok || step.Depth != depth {
		return ""
	}
	for _, cert := range c.presented {
		if cert.x509 == nil || cert.subject != step.Subject || cert.issuer != step.Issuer {
			continue
		}
		for _, url := range cert.x509.IssuingCertificateURL {
			if strings.HasPrefix(url, "http://") && len(url) <= 200 && !strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
				return url
			}
		}
	}
	return ""
}

// shape says what is unusual about the chain as it was presented. OpenSSL does not mind.
func (c *inspection) shape() []string {
	var out []string
	first := c.presented[0]
	if first.x509 != nil && first.x509.IsCA && len(c.presented) > 1 {
		out = append(out, fmt.Sprintf("The first certificate, %q, is a CA certificate: a chain begins with the sender's own certificate, and the others follow upward.", first.subject))
	}
	if !inOrder(c.presented) {
		out = append(out, "The certificates are not in the order of the chain. OpenSSL does not mind; RFC 5246, section 7.4.2, asks each to certify the one before, and other servers insist.")
	}
	return out
}

func inOrder(chain []certificate) bool {
	for i := 1; i < len(chain); i++ {
		if chain[i-1].issuer != chain[i].subject {
			return false
		}
	}
	return true
}
