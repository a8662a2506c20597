package inspect

import (
	"crypto/x509"
	"crypto/x509/pkix"
)

const (
	oidKeyUsage          = "2.5.29.15"
	oidBasicConstraints  = "2.5.29.19"
	oidAuthorityKeyID    = "2.5.29.35"
	oidPolicyConstraints = "2.5.29.36"
	oidExtKeyUsage       = "2.5.29.37"
)

// oddExtensions says what is odd about the extensions of a certificate: what OpenSSL does not
// mind, and RFC 5280 or other programs do.
func oddExtensions(e *Entry, c *x509.Certificate) {
	if c.Version < 3 {
		return // it has none, which is told already
	}
	byID := map[string]pkix.Extension{}
	for _, x := range c.Extensions {
		byID[x.Id.String()] = x
	}
	usage, hasUsage := byID[oidKeyUsage]
	constraints, hasConstraints := byID[oidBasicConstraints]
	selfSigned := e.Subject == e.Issuer
	switch {
	case !hasUsage && c.IsCA:
		e.find(OddExtension, 0, "it is a CA without a key usage, where RFC 5280 (4.2.1.3) asks for keyCertSign: OpenSSL takes it, others may not; use a CA that follows it")
	case !hasUsage && !selfSigned:
		e.find(NoUsage, 0, "it has no key usage: OpenSSL takes that, other servers may not; ask for digitalSignature when it is renewed")
	case hasUsage && !usage.Critical:
		e.find(OddExtension, 0, "its key usage is not marked critical, as RFC 5280 (4.2.1.3) asks for; have that corrected when it is renewed")
	}
	if c.IsCA && hasConstraints && !constraints.Critical {
		e.find(OddExtension, 0, "it is a CA whose basic constraints are not marked critical, as RFC 5280 (4.2.1.9) demands: strict programs refuse it; use a CA that follows it")
	}
	if selfSigned && !hasConstraints && e.PairOf == 0 {
		e.find(OddExtension, 0, "it is self-signed and has no basic constraints, so that it does not say whether it is a CA; as a root, use one that says so (RFC 5280 4.2.1.9)")
	}
	if byID[oidExtKeyUsage].Critical {
		e.find(OddExtension, 0, "its extended key usage is marked critical, which RFC 5280 (4.2.1.12) allows and programs that know only other usages refuse; ask for one that is not")
	}
	if _, demands := byID[oidPolicyConstraints]; demands {
		e.find(OddExtension, 0, "it has policy constraints, which can demand certificate policies below it: OpenSSL does not look at them unless asked to, other programs refuse a chain without; ask the CA which policies it issues by")
	}
	if _, has := byID[oidAuthorityKeyID]; !has && !selfSigned {
		e.find(OddExtension, 0, "it does not say by which key it was signed (authorityKeyIdentifier, RFC 5280 4.2.1.1): where a CA has two certificates of one name, a program may take the wrong one; have it issued with one")
	}
}
