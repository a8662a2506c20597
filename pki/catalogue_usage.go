package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
)

var (
	oidNetscapeType = asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 1, 1}
	emptySequence   = []byte{0x30, 0x00}
	// netscapeServer is a BIT STRING with the bit SSL server only.
	netscapeServer = []byte{0x03, 0x02, 0x06, 0x40}
)

var usageDefects = []Defect{
	{
		ID: "no-client-auth", Title: "for code signing and e-mail only", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.12", Code: 26, Go: GoIncompatibleUsage, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "the usage clientAuth",
		InLife: "A certificate that was bought for something else, to sign code or mail, is used because it was at hand. The chain is in order and the CA is on the list, " +
			"and still the verify result is 26. Only a certificate with the extended key usage clientAuth helps.",
		change: onlyUsages(usageCodeSigning, usageEmailProtection),
	},
	{
		ID: "server-only", Title: "for servers only", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.12, CA/Browser Forum BR 7.1.2.7.10", Code: 26, Go: GoIncompatibleUsage, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "the usage clientAuth",
		InLife: "The certificate was renewed. Public CAs stopped issuing the usage clientAuth between September 2025 and May 2026, so that the renewal of what always worked " +
			"now is for servers only; most people notice on the day on which the old one expires. Get a client certificate from a CA of the list that still issues them, and map it.",
		change: onlyUsages(usageServerAuth),
	},
	{
		ID: "server-only-critical", Title: "for servers only, and that critical", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.12", Code: 26, Go: GoIncompatibleUsage, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "the usage clientAuth, not critical",
		InLife: "Strict profiles mark the extension as critical to say that they mean it. For OpenSSL it makes no difference: a usage that is there binds, critical or not, " +
			"and the verify result is 26 in both cases. Removing the mark is no remedy.",
		change: putExtension(pkix.Extension{Id: oidExtKeyUsage, Critical: true, Value: usageList(usageServerAuth)}),
	},
	{
		ID: "any-eku-only", Title: "for any usage, but not named for clients", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.12", Code: 26, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "the usage clientAuth",
		InLife: "An internal CA writes anyExtendedKeyUsage and takes that for enough. Java and Go think so too, hence the sender's own tests pass. " +
			"OpenSSL asks for clientAuth by name and answers 26. Have clientAuth added beside it.",
		change: onlyUsages(usageAny),
	},
	{
		ID: "unknown-eku-only", Title: "for a usage of the company's own", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.12", Code: 26, Go: GoIncompatibleUsage, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "the usage clientAuth",
		InLife: "The template of an enterprise CA carries only an application policy of its own, for a VPN or a device management. Within the company everything works, since its products ask for that one. " +
			"For everybody else the certificate is for a purpose that they do not know. Let the template have clientAuth too.",
		change: onlyUsages("1.3.6.1.4.1.32473.3"),
	},
	{
		ID: "no-eku", Title: "without extended key usage", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.12", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "the usage clientAuth",
		InLife: "Old and simple CAs write no extended key usage, and then every use is allowed: OpenSSL and Go accept. It is the reason why a certificate from such a CA works where " +
			"a seemingly better one with serverAuth does not. Rules of a company or of a custom domain may ask for clientAuth by name all the same.",
		change: removeExtensions(oidExtKeyUsage),
	},
	{
		ID: "empty-eku", Title: "extended key usage without a usage in it", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.12 (SIZE 1..MAX)", Code: 26, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "the usage clientAuth",
		InLife: "A configuration names the extension and leaves its list empty. For OpenSSL the extension is there and does not have clientAuth: 26. For Go an empty list is as good as none. " +
			"Remove the extension or fill it.",
		change: editExtension(oidExtKeyUsage, func(e *pkix.Extension) { e.Value = emptySequence }),
	},
	{
		ID: "critical-eku", Title: "usage clientAuth marked critical", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.12", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "the same, not critical",
		InLife: "The standard leaves it to the CA whether the extension is critical. Every verifier of today knows it, so that nothing happens. " +
			"It is in the catalogue as the counterpart of server-only-critical: who blames the mark is wrong.",
		change: editExtension(oidExtKeyUsage, critical),
	},
	{
		ID: "no-key-usage", Title: "without key usage", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.3", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "the key usage digitalSignature",
		InLife: "Certificates that were made by hand often lack the extension; then the key may be used for everything, and OpenSSL accepts. Strict Java stacks of other companies may ask for digitalSignature. " +
			"A CA that follows the CA/Browser Forum always writes it.",
		change: removeExtensions(oidKeyUsage),
	},
	{
		ID: "ku-key-encipherment-only", Title: "key for encipherment of keys only", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.3", Code: 26, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "the key usage digitalSignature",
		InLife: "The template was one for old RSA servers, whose key decrypts and never signs. A client signs the handshake, so OpenSSL says 26; Go does not look at it. " +
			"In a viewer the extended key usage clientAuth is there and everything seems right: look one line further up, at the key usage.",
		change: onlyKeyUsage(bitKeyEncipherment, true),
	},
	{
		ID: "ku-wrong-not-critical", Title: "key for encipherment of keys only, not critical", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.3", Code: 26, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "the key usage digitalSignature, critical",
		InLife: "The same template in a CA that does not mark the extension as critical. The hope that a verifier then ignores it is in vain: whoever knows an extension heeds it. " +
			"The verify result is 26 as well.",
		change: onlyKeyUsage(bitKeyEncipherment, false),
	},
	{
		ID: "ku-non-repudiation-only", Title: "key for signing documents only", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.3", Code: 26, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "the key usage digitalSignature",
		InLife: "Signature cards and qualified certificates come in pairs: one for signing documents (nonRepudiation, today contentCommitment), one for logging on. Somebody took the wrong one of the two. " +
			"Both have the same name and often the same issuer; take the one with digitalSignature.",
		change: onlyKeyUsage(bitNonRepudiation, true),
	},
	{
		ID: "ku-cert-sign-only", Title: "key usage of a CA", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.3", Code: 26, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "the key usage digitalSignature",
		InLife: "A sender's certificate was made with the settings of a CA, usually by copying a section of a configuration file. It has keyCertSign and cRLSign but not digitalSignature, and so it is no client's: 26. " +
			"Without basic constraints that make it a CA it cannot issue either.",
		change: onlyKeyUsage(bitCertSign|bitCRLSign, true),
	},
	{
		ID: "ku-key-agreement-only", Title: "key for key agreement only", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.3", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "the key usage digitalSignature",
		InLife: "OpenSSL still lets a client pass whose key is for Diffie-Hellman alone, from the days of fixed DH certificates, although in TLS 1.3 every client signs. " +
			"So the load balancer accepts what other servers refuse. Ask for digitalSignature, which is what is really done with the key.",
		change: onlyKeyUsage(bitKeyAgreement, true),
	},
	{
		ID: "ku-not-critical", Title: "key usage not critical", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.3", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "the same, critical",
		InLife: "The standard wants the extension critical, and many enterprise CAs do not mark it so. Nobody at the load balancer minds. " +
			"An audit with a linter for certificates does.",
		change: editExtension(oidKeyUsage, notCritical),
	},
	{
		ID: "ku-empty", Title: "key usage without a single bit", Group: Usages, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.3", Code: 20, Followers: []Finding{{21, 0}}, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "the key usage digitalSignature",
		InLife: "A profile has the extension switched on and no usage ticked. OpenSSL takes the whole certificate for invalid and then finds no issuer for it: the result is 20, which points to a missing intermediate. " +
			"Sending more certificates does not help. If 20 stays although the chain is complete, look for an extension that makes no sense.",
		change: onlyKeyUsage(0, true),
	},
	{
		ID: "netscape-server-only", Title: "Netscape type: SSL server only", Group: Usages, Level: AtLeaf,
		Clause: "Netscape Certificate Extensions (nsCertType)", Code: 26, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"netscapeCertType"}, Twin: "no such extension",
		InLife: "The sample configurations of OpenSSL had nsCertType = server for decades, and internal CAs still carry it along. OpenSSL heeds it: 26 in spite of clientAuth. " +
			"All other software has forgotten the extension, and most viewers show it last or not at all.",
		change: putExtension(pkix.Extension{Id: oidNetscapeType, Value: netscapeServer}),
	},
	{
		ID: "ca-server-only", Title: "issuing CA for servers only", Group: Usages, Level: AtIntermediate,
		Clause: "RFC 5280 4.2.1.12, CA/Browser Forum BR 7.1.2.10.6", Code: 26, Depth: 1, Go: GoIncompatibleUsage, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "an issuing CA without extended key usage",
		InLife: "Public CAs have moved to hierarchies that are for TLS servers alone, so the restriction now stands in the CA's certificate. A leaf with clientAuth below it, from an older profile or a private CA under such an intermediate, " +
			"fails with 26 at depth 1. The own certificate shows nothing wrong. Have it issued by a hierarchy for clients.",
		change: onlyUsages(usageServerAuth),
	},
	{
		ID: "root-server-only", Title: "root for servers only", Group: Usages, Level: AtRoot, needsIntermediate: true,
		Clause: "RFC 5280 6.1.1 (d)", Code: 26, Depth: 2, Go: GoIncompatibleUsage, Handshake: HandshakeCompletes,
		Differs: []string{"extKeyUsage"}, Twin: "a root without extended key usage",
		InLife: "A root should say nothing about usages; a few private ones do. The standard does not ask a verifier to look, OpenSSL and Go look all the same, and every client below the root fails with 26 at the top of the chain. " +
			"The root has to be made again without the extension and the trust list of each receiver changed.",
		change: onlyUsages(usageServerAuth),
	},
}
