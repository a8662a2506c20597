package diagnosis

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/tenant"
)

// chainFacts is what is known of the sender's chain.
type chainFacts struct {
	name string
	// leaf is the sender's own certificate.
	leaf      *x509.Certificate
	presented [][]byte
	certs     []*x509.Certificate
	// report is the verdict against the trust list at the time of the call; nil if it cannot be had.
	report *check.Report
	// list tells whether the verdict is against a published list, and not one that was given.
	list bool
	// keyed: the file holds the private key, too. files of certificates alone say nothing.
	keyed   bool
	bundled bool // the file is a keystore, in which the key would stand
}

// newChainFacts judges the sender's chain; nil if it is not known.
func newChainFacts(f *facts) *chainFacts {
	e := f.evidence
	if e.Sender == nil || e.Sender.Store == nil || len(e.Sender.Store.Presented) == 0 {
		return nil
	}
	store := e.Sender.Store
	c := &chainFacts{name: e.Sender.Name, presented: store.Presented, leaf: store.Leaf(), keyed: store.Key != nil}
	if string(store.Format) == "PKCS#7" {
		c.presented = store.RawChain
	}
	c.bundled = string(store.Format) == "PKCS#12" || string(store.Format) == "JKS"
	for _, der := range c.presented {
		if cert, err := x509.ParseCertificate(der); err == nil {
			c.certs = append(c.certs, cert)
		}
	}
	at := e.At
	if !f.read.To.IsZero() {
		at = f.read.To
	}
	trust := check.Trust{}
	if e.Trust != nil {
		trust = *e.Trust
	} else if list, ok := roots.ByName(roots.Neo, at); ok {
		trust.List, c.list = list, true
	}
	c.list = c.list || trust.List != nil
	if report, err := check.Chain(c.presented, trust, check.Options{At: at}); err == nil {
		c.report = &report
	} else {
		f.note("The chain %s could not be checked: %v", c.name, err)
	}
	return c
}

// is tells whether the chain's verdict is one of the codes; an unreadable chain is none.
func (c *chainFacts) is(codes ...int) bool {
	return c != nil && c.report != nil && c.report.Unreadable == "" && slices.Contains(codes, c.report.Code) && !c.report.OK
}

// passes tells whether the chain as it stands in the file would be accepted.
func (c *chainFacts) passes() bool { return c != nil && c.report != nil && c.report.OK }

// alone tells whether the file holds nothing but the sender's own certificate, which a CA issued.
func (c *chainFacts) alone() bool {
	return c != nil && len(c.presented) == 1 && c.leaf != nil && !bytes.Equal(c.leaf.RawSubject, c.leaf.RawIssuer)
}

// top is the issuer's name above the last certificate that can be reached from the leaf, and
// whether that is self-signed and there.
func (c *chainFacts) top() (raw []byte, present bool) {
	if c == nil || c.leaf == nil {
		return nil, false
	}
	at := c.leaf
	for range len(c.certs) + 1 {
		if bytes.Equal(at.RawSubject, at.RawIssuer) {
			return at.RawSubject, true
		}
		i := slices.IndexFunc(c.certs, func(other *x509.Certificate) bool { return bytes.Equal(other.RawSubject, at.RawIssuer) })
		if i < 0 {
			break
		}
		at = c.certs[i]
	}
	return at.RawIssuer, false
}

// fits tells whether the chain is that of a refused certificate: true too if one is not known.
func (c *chainFacts) fits(subject string) bool {
	return c != nil && (subject == "" || c.leaf == nil || sameName(pki.TraceDN(c.leaf.RawSubject), subject))
}

func sameName(a, b string) bool {
	x, err1 := pki.ParseDN(a)
	y, err2 := pki.ParseDN(b)
	if err1 != nil || err2 != nil {
		return strings.EqualFold(a, b)
	}
	if x.Trace() == y.Trace() {
		return true
	}
	slices.Reverse(y)
	return x.Trace() == y.Trace()
}

// principal is what an unmapped certificate stands for in the user column [C: <CN>@<issuer CN>].
func principal(c *x509.Certificate) string {
	return pki.CommonName(c.RawSubject) + "@" + pki.CommonName(c.RawIssuer)
}

// rootKind tells what is known of a root by its name.
type rootKind int

const (
	unknownRoot rootKind = iota
	listedRoot
	formerRoot // was on the published list until September 2022
	publicRoot // is in today's browsers, and not on the list
)

// kindOfRoot looks a name up in the published lists at a time, and among the public roots.
func kindOfRoot(raw []byte, at time.Time) rootKind {
	name := pki.FormatDN(raw)
	now, _ := roots.ByName(roots.Neo, at)
	before, _ := roots.ByName(roots.NeoUntil2022, at)
	switch {
	case len(now.ByNameOf(name)) > 0:
		return listedRoot
	case len(before.ByNameOf(name)) > 0:
		return formerRoot
	case roots.Public(raw):
		return publicRoot
	}
	return unknownRoot
}

// relation tells how a mapped certificate relates to the one that the sender has.
type relation int

const (
	unrelated relation = iota
	sameCertificate
	renewal  // another certificate with the same names
	sameKey  // another certificate with the same key
	issuerCA // the certificate of a CA above it
)

func (c *chainFacts) relationTo(der []byte) relation {
	if c == nil || c.leaf == nil {
		return unrelated
	}
	if bytes.Equal(c.leaf.Raw, der) {
		return sameCertificate
	}
	other, err := x509.ParseCertificate(der)
	if err != nil {
		return unrelated
	}
	switch {
	case bytes.Equal(other.RawSubject, c.leaf.RawSubject) && bytes.Equal(other.RawIssuer, c.leaf.RawIssuer):
		return renewal
	case bytes.Equal(other.RawSubjectPublicKeyInfo, c.leaf.RawSubjectPublicKeyInfo):
		return sameKey
	case bytes.Equal(other.RawSubject, c.leaf.RawIssuer),
		slices.ContainsFunc(c.certs[min(1, len(c.certs)):], func(ca *x509.Certificate) bool { return bytes.Equal(ca.Raw, der) }):
		return issuerCA
	}
	return unrelated
}

// channelFor finds the channel that serves a path among those that are known.
func (f *facts) channelFor(path string) (tenant.Channel, bool) {
	switch {
	case path == "" || len(f.evidence.Channels) == 0 && f.evidence.Routes == nil:
		return tenant.Channel{}, false
	case f.routes != nil:
		channel, answer := f.routes.Route(path)
		return channel, answer.Found
	}
	// Some of them stand in each other's way: the one with exactly this address, then.
	for _, c := range f.evidence.Channels {
		if strings.EqualFold(c.Address, path) {
			return c, true
		}
	}
	return tenant.Channel{}, false
}

// hintFor says what the caller of a path at which nothing is deployed may have meant.
func (f *facts) hintFor(path string) string {
	if f.routes == nil || path == "" || len(f.evidence.Channels) == 0 && f.evidence.Routes == nil {
		return ""
	}
	_, answer := f.routes.Route(path)
	return answer.Hint
}

// codeText is a verify result in words.
func codeText(code int) string { return verify.Text(code) }
