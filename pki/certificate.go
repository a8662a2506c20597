// Package pki is a private certification authority for tests: it mints good certificates, and
// ones that are broken in exactly one way.
//
// A PKI is a graph. Its nodes are subjects with their key pairs, its edges are certificates from
// an issuer to a subject, and a defect is a label on an edge. Certificates are made either in
// code,
//
//	root := pki.NewRoot("Example Root CA")
//	leaf := root.Intermediate("Example Issuing CA").Client("warehouse", pki.Expired())
//
// or from descriptions such as a landscape document holds ([Mint]). The package also reads and
// writes distinguished names ([ParseDN], [FormatDN], [TraceDN]).
//
// What is not here: files and their formats (package keystore), and the verification of chains
// (package verify). The keys protect nothing and must never be trusted outside of a test.
package pki

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"io"
	"sync"
	"time"
)

// Certificate is a certificate together with what is known of it: its key, its issuer, the
// defect it was given. It does not change once made and is safe for concurrent use.
//
// Certificates come from [NewRoot], [Create], the methods of another certificate, or [Mint].
// The zero value is of no use.
type Certificate struct {
	name   string
	der    []byte
	key    crypto.Signer
	issuer *Certificate // nil for a root, and where the issuer is not known
	defect *Defect      // nil for a good certificate
	twinOf *Certificate // the good one whose place a CA of a defective chain takes
	extra  *Certificate // presented too, because of a defect of the chain
	plan   template     // what it was made from, before a defect changed anything
	now    func() time.Time
	rand   io.Reader

	parse  sync.Once
	parsed *x509.Certificate
}

// Name is the name that the certificate was given: the entry's name in a description, or the
// first argument of its constructor.
func (c *Certificate) Name() string { return c.name }

// DER is the certificate as signed. The slice is shared and must not be changed.
func (c *Certificate) DER() []byte { return c.der }

// X509 is the parsed certificate. It is shared and must not be changed. It is never nil: of a
// certificate that crypto/x509 cannot read, which some defects bring about, only Raw is set.
func (c *Certificate) X509() *x509.Certificate {
	c.parse.Do(func() {
		parsed, err := x509.ParseCertificate(c.der)
		if err != nil {
			parsed = &x509.Certificate{Raw: c.der}
		}
		c.parsed = parsed
	})
	return c.parsed
}

// Key is the private key; nil if only the certificate was loaded from a file.
func (c *Certificate) Key() crypto.Signer { return c.key }

// Issuer is the certificate of the CA that signed this one; nil for a self-signed certificate
// and for one from a file whose issuer was not named.
func (c *Certificate) Issuer() *Certificate { return c.issuer }

// Root is the topmost certificate above this one, or the certificate itself if it has no issuer.
// For a certificate whose defect concerns its CAs that is the root of the defective chain.
func (c *Certificate) Root() *Certificate {
	for c.issuer != nil {
		c = c.issuer
	}
	return c
}

// TwinOf is the good CA whose place this one takes in a chain whose defect is in a CA; nil for
// every other certificate. See [Set.TrustFor].
func (c *Certificate) TwinOf() *Certificate { return c.twinOf }

// Defect is the id of the defect that the certificate was given; empty for a good one. A leaf
// keeps the id of a defect that is really in one of its CAs.
func (c *Certificate) Defect() string {
	if c.defect == nil {
		return ""
	}
	return c.defect.ID
}

// IsCA tells whether the certificate was made to issue others. A defect may have taken the
// constraints away that say so.
func (c *Certificate) IsCA() bool { return c.plan.kind.isCA() }

// Chain is the chain as a sender presents it: this certificate first, its issuers upward, without
// the root. A certificate that has no issuer stands alone. A defect of the presented chain shows
// here.
func (c *Certificate) Chain() []*x509.Certificate { return parsedAll(c.presented()) }

// FullChain is this certificate and all its issuers, the root included, in this order and
// untouched by a defect of the presented chain.
func (c *Certificate) FullChain() []*x509.Certificate { return parsedAll(c.path()) }

// Presented is the DER of [Certificate.Chain].
func (c *Certificate) Presented() [][]byte {
	chain := c.presented()
	out := make([][]byte, len(chain))
	for i, one := range chain {
		out[i] = one.der
	}
	return out
}

// TLSCertificate is the presented chain with the private key, as crypto/tls wants it.
func (c *Certificate) TLSCertificate() tls.Certificate {
	out := tls.Certificate{Certificate: c.Presented(), Leaf: c.X509()}
	if c.key != nil {
		out.PrivateKey = c.key
	}
	return out
}

// path is this certificate and its issuers up to the root.
func (c *Certificate) path() []*Certificate {
	var out []*Certificate
	for one := c; one != nil; one = one.issuer {
		out = append(out, one)
	}
	return out
}

// presented is the path without the root, changed by the defect if that is in the chain.
func (c *Certificate) presented() []*Certificate {
	chain := c.path()
	// A topmost certificate whose issuer is not known is a root only if it issued itself.
	if top := chain[len(chain)-1]; len(chain) > 1 && top.plan.kind == rootKind {
		chain = chain[:len(chain)-1]
	}
	if c.defect != nil && c.defect.present != nil {
		chain = c.defect.present(c, chain)
	}
	return chain
}

func parsedAll(chain []*Certificate) []*x509.Certificate {
	out := make([]*x509.Certificate, len(chain))
	for i, one := range chain {
		out[i] = one.X509()
	}
	return out
}
