package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// Existing is a certificate that was minted before, read back from where it was kept.
type Existing struct {
	// DER is the certificate.
	DER []byte
	// Key is its private key; nil if it is not there, and then nothing can be issued with it.
	Key crypto.Signer
	// Above are the certificates between it and the first one that it has in common with a good
	// certificate in its place; see [Certificate.Above].
	Above []Above
	// Extra is a certificate that is presented too, because of a defect; nil for most.
	Extra []byte
}

// Above is one certificate of a chain that was made for a single defective certificate.
type Above struct {
	// Name is that of the certificate.
	Name string `json:"name"`
	// DER is the certificate.
	DER []byte `json:"certificate"`
	// Twin tells that it stands in the place of the good CA of the same subject, so that who trusts
	// that one trusts it too.
	Twin bool `json:"twin,omitempty"`
}

// Above lists the CAs above the certificate that were made for it alone, because of a defect,
// upward: none for a good certificate. If the list ends in a root, nothing of the good chain is
// above the certificate.
func (c *Certificate) Above() []Above {
	var good []*Certificate
	if c.plan.issuer != nil {
		good = c.plan.issuer.path()
	}
	var out []Above
	for one := c.issuer; one != nil && !slices.Contains(good, one); one = one.issuer {
		out = append(out, Above{Name: one.name, DER: one.der, Twin: one.twinOf != nil})
	}
	return out
}

// Extra is a certificate that is presented beside the chain, because of a defect; nil for most.
func (c *Certificate) Extra() *Certificate { return c.extra }

// taken is the certificate that was minted before, as if it had been made from the settings.
func (e *Existing) taken(name string, s settings) (*Certificate, error) {
	if len(e.DER) == 0 {
		return nil, errors.New("the certificate that was minted before is empty")
	}
	c := &Certificate{
		name: name, der: e.DER, key: e.Key, issuer: s.issuer, defect: s.defect,
		plan: s.template, now: s.now, rand: s.rand,
	}
	parsed, err := x509.ParseCertificate(e.DER)
	switch {
	case err != nil && s.defect == nil:
		return nil, fmt.Errorf("reading the certificate that was minted before: %w", err)
	case err == nil && s.defect == nil:
		// What is like it has its dates, not those that it would be given today.
		c.plan.notBefore, c.plan.notAfter = parsed.NotBefore, parsed.NotAfter
	}
	if e.Key != nil && err == nil {
		public, comparable := e.Key.Public().(interface{ Equal(crypto.PublicKey) bool })
		if !comparable || !public.Equal(parsed.PublicKey) {
			return nil, errors.New("the private key does not belong to the certificate that was minted before")
		}
	}
	if err == nil && s.kind == leafKind && s.defect != nil && bytes.Equal(parsed.RawSubject, parsed.RawIssuer) {
		c.issuer = nil
	}
	if len(e.Above) > 0 {
		c.issuer = chainAbove(e.Above, s)
	}
	if e.Extra != nil {
		c.extra = &Certificate{name: name + "-extra", der: e.Extra, plan: s.template, now: s.now, rand: s.rand}
	}
	return c, nil
}

// chainAbove puts the CAs that were made for one certificate between it and the good ones.
func chainAbove(above []Above, s settings) *Certificate {
	good := func() []*Certificate {
		if s.issuer == nil {
			return nil
		}
		return s.issuer.path()
	}()
	var below, first *Certificate
	for k, one := range above {
		c := &Certificate{name: one.Name, der: one.DER, defect: s.defect, now: s.now, rand: s.rand}
		if k < len(good) {
			c.plan = good[k].plan
			if one.Twin {
				c.twinOf = good[k]
			}
		}
		c.plan.kind = intermediateKind
		if parsed := c.X509(); len(parsed.RawSubject) > 0 && bytes.Equal(parsed.RawSubject, parsed.RawIssuer) {
			c.plan.kind = rootKind
		}
		if below == nil {
			first = c
		} else {
			below.issuer = c
		}
		below = c
	}
	issuer := below.X509().RawIssuer
	if i := slices.IndexFunc(good, func(c *Certificate) bool { return bytes.Equal(c.X509().RawSubject, issuer) }); i >= 0 && below.plan.kind != rootKind {
		below.issuer = good[i]
	}
	return first
}

// EntriesFor lists the descriptions that are needed for the named ones: themselves, and whatever
// they are issued by, are like, or cross-sign, in the order of the document. A name that is not
// there is left out; the descriptions must be valid.
func EntriesFor(descriptions []Description, names ...string) []Description {
	c := newChecker(descriptions)
	wanted := make([]bool, len(descriptions))
	var pending []int
	add := func(name string) {
		if i, known := c.index[name]; known && !wanted[i] {
			wanted[i] = true
			pending = append(pending, i)
		}
	}
	for _, name := range names {
		add(name)
	}
	for len(pending) > 0 {
		i := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		_, above := c.dependsOn(i)
		for _, name := range above {
			add(name)
		}
	}
	var out []Description
	for i, d := range descriptions {
		if wanted[i] {
			out = append(out, d)
		}
	}
	return slices.Clip(out)
}
