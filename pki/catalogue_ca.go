package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
)

var (
	oidNameConstraints   = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidPolicyConstraints = asn1.ObjectIdentifier{2, 5, 29, 36}
)

var caDefects = []Defect{
	{
		ID: "issuer-not-ca", Title: "issuer is not a CA", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 6.1.4 (k)", Code: 79, Depth: 1, Followers: []Finding{{26, 1}}, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"basicConstraints"}, Twin: "cA TRUE",
		InLife: "Somebody signed with the key of an ordinary certificate, often with the company's server certificate since that is from a public CA. The chain reaches a trusted root and its signatures are right, and still nobody but a CA may issue: 79, or 24 with OpenSSL up to 1.1.1. " +
			"Verifiers that forgot this check are what famous attacks were made of.",
		change: func(s *settings) error {
			s.basicConstraints = &basicConstraints{pathLen: -1}
			return nil
		},
	},
	{
		ID: "no-basic-constraints", Title: "issuing CA does not say that it is one", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 6.1.4 (k)", Code: 79, Depth: 1, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"basicConstraints"}, Twin: "basicConstraints with cA TRUE",
		InLife: "An internal CA was made by hand, without the extension basicConstraints. Its key usage says that it signs certificates, which was enough once, and still is for a root. For an intermediate it is not: 79 at depth 1. " +
			"The CA's own certificate must be issued again; the leaves can stay if the key does.",
		change: func(s *settings) error {
			s.basicConstraints = nil
			return nil
		},
	},
	{
		ID: "ca-key-usage-missing", Title: "issuing CA may not sign certificates", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 6.1.4 (n)", Code: 79, Depth: 1, Followers: []Finding{{26, 1}, {32, 1}}, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "keyCertSign and cRLSign",
		InLife: "An internal CA was made with a key usage that allows to sign CRLs only. OpenSSL takes it for no CA: 79 at depth 1, and if it is made to go on also 26 and 32 for the same reason. Go says only that the authority is unknown. " +
			"The CA's certificate must be issued again, with keyCertSign; what it signed can stay if its key does.",
		change: func(s *settings) error {
			s.keyUsage &^= x509.KeyUsageCertSign
			return nil
		},
	},
	{
		ID: "ca-no-key-usage", Title: "issuing CA without key usage", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 4.2.1.3", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "keyCertSign and cRLSign",
		InLife: "A CA must have the extension, by the standard; without it every usage is allowed, and verifiers accept. With OpenSSL's strict mode (-x509_strict), which some products switch on, the chain fails. " +
			"It is the harmless neighbour of ca-key-usage-missing.",
		change: func(s *settings) error {
			s.keyUsage = 0
			return nil
		},
	},
	{
		ID: "ca-constraints-not-critical", Title: "issuing CA says not critically that it is one", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 4.2.1.9", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"basicConstraints"}, Twin: "the same, critical",
		InLife: "CAs of the nineties marked basicConstraints as not critical for the sake of browsers that did not know it. Nobody minds except OpenSSL's strict mode and linters. " +
			"A few such CAs are still in use, and there is nothing to be done as a sender.",
		change: editExtension(oidBasicConstraints, notCritical),
	},
	{
		ID: "ca-v1", Title: "issuing CA is a certificate of version 1", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 6.1.4 (k)", Code: 79, Depth: 1, Followers: []Finding{{26, 1}}, Go: GoNotCA, Handshake: HandshakeCompletes,
		Differs: []string{"version", "basicConstraints", "keyUsage", "subjectKeyIdentifier", "authorityKeyIdentifier"},
		Twin:    "version 3 with the extensions of a CA",
		InLife: "openssl x509 -req without an extension file makes certificates of version 1, which cannot say that they are a CA's. As a root that is let pass, in between it is not: 79 at depth 1. " +
			"Sign the CA again, with -extfile and the section for a CA.",
		change: func(s *settings) error {
			s.raw.v1 = true
			return nil
		},
	},
	{
		ID: "path-length-exceeded", Title: "root allows no CA below it", Group: CARules, Level: AtRoot, needsIntermediate: true,
		Clause: "RFC 5280 6.1.4 (l)", Code: 25, Depth: 2, Go: GoTooManyAbove, Handshake: HandshakeCompletes,
		Differs: []string{"basicConstraints"}, Twin: "no limit of the path length",
		InLife: "A CA was planned to issue leaves only (pathLenConstraint 0), and later somebody put another CA below it. Each certificate on its own is in order; the chain is one too long, and the verify result 25 points to the CA with the limit, not to the one too many. " +
			"The limit cannot be lifted from below: either the upper certificate or the structure has to change.",
		change: func(s *settings) error {
			s.basicConstraints = &basicConstraints{ca: true, pathLen: 0}
			return nil
		},
	},
	{
		ID: "name-not-permitted", Title: "issuing CA may issue for another organisation only", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 4.2.1.10, 6.1.3 (b)", Code: 47, Go: GoUnhandledCritical, Handshake: HandshakeCompletes,
		Differs: []string{"nameConstraints"}, Twin: "no name constraints",
		InLife: "A public CA has given a company a sub-CA that is constrained to the company's name, and after a merger or renaming that issues for the new name. The result is 47 and is reported for the leaf, at depth 0, while the constraint stands above it. " +
			"Go does not know constraints on directory names and gives up on every chain that has a critical one.",
		change: func(s *settings) error {
			base, err := DN{{{Type: oidOrganization, Value: "Example Elsewhere"}}}.Marshal()
			if err != nil {
				return err
			}
			return constrainNames(s, 0, base)
		},
	},
	{
		ID: "name-excluded", Title: "issuing CA may not issue for this name", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 4.2.1.10, 6.1.3 (c)", Code: 48, Go: GoUnhandledCritical, Handshake: HandshakeCompletes,
		Differs: []string{"nameConstraints"}, Twin: "no name constraints",
		InLife: "When CAs certify each other, each excludes the other's own names from what the partner may issue. A certificate for a name in the excluded part then fails on this path, with 48, and passes on another one. " +
			"Which path is taken depends on the chain that the sender presents.",
		change: func(s *settings) error {
			excluded := s.below
			if excluded == nil {
				excluded = emptyName // every name
			}
			return constrainNames(s, 1, excluded)
		},
	},
	{
		ID: "leaf-is-ca", Title: "sender's certificate is a CA", Group: CARules, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.9, CA/Browser Forum BR 7.1.2.7.8", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"basicConstraints"}, Twin: "no basic constraints",
		InLife: "Tools of developers make every certificate a CA, so that one section of the configuration serves all. OpenSSL and Go let a CA act as client if its usages allow it. " +
			"The danger lies elsewhere: whoever has this sender's key can issue certificates below the same root.",
		change: func(s *settings) error {
			s.basicConstraints = &basicConstraints{ca: true, pathLen: -1}
			return nil
		},
	},
	{
		ID: "root-v1", Title: "root is a certificate of version 1", Group: CARules, Level: AtRoot,
		Clause: "RFC 5280 6.1.1 (d)", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"version", "basicConstraints", "keyUsage", "subjectKeyIdentifier", "authorityKeyIdentifier"},
		Twin:    "version 3 with the extensions of a CA",
		InLife: "The oldest public roots were of version 1, and private ones still are made so. As trust anchor it is accepted everywhere, since of an anchor only name and key count. " +
			"A CA of version 1 further down is refused: see ca-v1.",
		change: func(s *settings) error {
			s.raw.v1 = true
			return nil
		},
	},
	{
		ID: "root-no-basic-constraints", Title: "root does not say that it is a CA", Group: CARules, Level: AtRoot,
		Clause: "RFC 5280 4.2.1.9", Code: 0, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"basicConstraints"}, Twin: "basicConstraints with cA TRUE",
		InLife: "A private root was made without the extension, with keyCertSign alone. OpenSSL accepts it at the top of a chain, Go does not accept it as an issuer and says that the authority is unknown, although it is in its list. " +
			"Who tests with a tool in Go looks for the wrong fault.",
		change: func(s *settings) error {
			s.basicConstraints = nil
			return nil
		},
	},
	{
		ID: "root-not-ca", Title: "root says that it is no CA", Group: CARules, Level: AtRoot, needsIntermediate: true,
		Clause: "RFC 5280 4.2.1.9", Code: 79, Depth: 2, Followers: []Finding{{26, 2}}, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"basicConstraints"}, Twin: "cA TRUE",
		InLife: "A self-signed server certificate was put into the trust list and then used to sign others. Being in the list is not enough: what says cA FALSE issues nothing, and OpenSSL reports 79 at the top of the chain. " +
			"Make a root that is one.",
		change: func(s *settings) error {
			s.basicConstraints = &basicConstraints{pathLen: -1}
			return nil
		},
	},
	{
		ID: "policy-required", Title: "issuing CA demands a certificate policy that is not there", Group: CARules, Level: AtIntermediate,
		Clause: "RFC 5280 4.2.1.11, 6.1.5 (g)", Code: 0, Go: GoNoValidChain, Handshake: HandshakeCompletes,
		Differs: []string{"policyConstraints"}, Twin: "no policy constraints",
		InLife: "CAs of governments and of aviation demand an explicit policy from everything below them. OpenSSL does not evaluate policies unless it is asked to, so the load balancer accepts the chain. " +
			"Go and Java evaluate them always and find no valid chain. The certificate needs the policy's object identifier.",
		change: func(s *settings) error {
			// requireExplicitPolicy [0] with 0 certificates to skip.
			return putExtension(pkix.Extension{Id: oidPolicyConstraints, Critical: true, Value: []byte{0x30, 0x03, 0x80, 0x01, 0x00}})(s)
		},
	},
}
