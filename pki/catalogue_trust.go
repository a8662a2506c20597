package pki

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// unreadableSerial is a number that Go does not read.
func unreadableSerial() *big.Int { return big.NewInt(-4711) }

var trustDefects = []Defect{
	{
		ID: "self-signed", Title: "signed by its own key", Group: Trust, Level: AtLeaf, needsNoIssuer: true,
		Clause: "RFC 5280 6.1", Code: 18, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"issuer", "authorityKeyIdentifier", "signature", "signatureAlgorithm"}, Twin: "the same certificate, issued by a CA",
		InLife: "Somebody made the key pair with a tool's defaults, as keytool and every application server do, and never had it signed. Mapping it to a user does not help: self-signed certificates are never supported, and the verify result is 18. " +
			"Make a signing request for the same key pair, have it signed by a CA of the list and import the answer.",
		change: func(s *settings) error {
			s.selfSigned = true
			return nil
		},
	},
	{
		ID: "unknown-ca", Title: "of a CA that is not on the list", Group: Trust, Level: AtRoot, leafOnly: true,
		Clause: "RFC 5280 6.1.1 (d)", Code: 20, Depth: 1, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"issuer", "CAs above"}, Twin: "issued below a root that is on the list",
		InLife: "The CA is well known, has a good name and is in every browser, and still it is not among the few roots that the load balancer supports. The chain is complete, the result is 20 at depth 1: the top of what was sent has no issuer there. " +
			"Compare the root with the published list before buying; a certificate of another CA is the only remedy.",
		issuers: otherCAs(func(level int, isRoot bool) string {
			return caName("Unlisted", level, isRoot)
		}),
	},
	{
		ID: "unknown-ca-with-root", Title: "of a CA that is not on the list, root sent too", Group: Trust, Level: AtRoot, leafOnly: true,
		Clause: "RFC 5280 6.1.1 (d)", Code: 19, Depth: 2, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"issuer", "CAs above"}, Twin: "issued below a root that is on the list",
		InLife: "After a 20 somebody reads that the chain must be complete and adds the root. Now the chain ends in a self-signed certificate that the receiver does not have, which is a code of its own: 19. " +
			"The change of the code is progress in the diagnosis only. Trust cannot be sent along.",
		issuers: otherCAs(func(level int, isRoot bool) string {
			return caName("Unlisted", level, isRoot)
		}),
		present: withRoot,
	},
	{
		ID: "internal-ca", Title: "issued directly by a company's own root", Group: Trust, Level: AtRoot, leafOnly: true,
		Clause: "RFC 5280 6.1.1 (d)", Code: 20, Followers: []Finding{{21, 0}}, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"issuer", "CAs above"}, Twin: "issued below a root that is on the list",
		InLife: "The company has a CA of its own, and all systems inside trust it. Outside nobody knows it. There is no intermediate to be sent, so a lone certificate arrives and the result, 20 at depth 0, is the same as for a forgotten chain. " +
			"Look at the issuer in the certificate before adding certificates: a company's name there means that none will help, unless a custom domain trusts that CA.",
		issuers: func(s *settings) error {
			if s.issuer == nil {
				return errors.New("a certificate without an issuer has no other one")
			}
			keyType := s.issuer.plan.keyType
			root, err := strangersRoot(s, "Example Internal CA", func(o *settings) { o.keyType = keyType })
			s.issuer = root
			return err
		},
	},
	{
		ID: "ca-left-list", Title: "of a CA that left the list", Group: Trust, Level: AtRoot, leafOnly: true,
		Clause: "RFC 5280 6.1.1 (d)", Code: 20, Depth: 1, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"issuer", "CAs above"}, Twin: "issued below a root that is still on the list",
		InLife: "The list of supported roots was renewed, last in September 2022, and the sender's root is no more in it. What worked for years fails from one day to the next with 20, although neither certificate nor sender has changed; guides on the web go on recommending it. " +
			"Move to a CA of the present list, and map the new certificate beside the old one.",
		issuers: otherCAs(func(level int, isRoot bool) string {
			return caName("Departed", level, isRoot)
		}),
	},
	{
		ID: "look-alike-ca", Title: "of CAs that only have the names of the trusted ones, root sent too", Group: Trust, Level: AtRoot, leafOnly: true,
		Clause: "RFC 5280 6.1.3 (a)", Code: 19, Depth: 2, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"CAs above"}, Twin: "issued by the CAs that really have these names",
		InLife: "Test systems are built with copies of the productive CA's names and keys of their own, and a certificate from there gets into production; or somebody tries it on purpose. All names are right in every table and log line. Keys and identifiers are not, and the result is 19. " +
			"Compare fingerprints, never names.",
		issuers: otherCAs(func(int, bool) string { return "" }),
		present: withRoot,
	},
	{
		ID: "cross-signed-dead-path", Title: "cross-certificate of an unknown root sent before the right one", Group: Trust, Level: AtIntermediate, leafOnly: true,
		Clause: "RFC 4158 2.4", Code: 20, Depth: 1, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: presentedChain, Twin: "the right intermediate only",
		InLife: "Public CAs cross-sign each other, so that an intermediate exists twice, with one key and name and two issuers. The sender presents both. OpenSSL takes the first that fits and does not go back: through the one whose root is not trusted the path is dead, 20 at depth 1. " +
			"Go tries all paths and accepts. Remove the cross-certificate, or put it last.",
		extra: crossCertificate,
		present: func(c *Certificate, chain []*Certificate) []*Certificate {
			return slices.Insert(slices.Clone(chain), 1, c.extra)
		},
	},
	{
		ID: "cross-signed-two-paths", Title: "cross-certificate of an unknown root sent after the right one", Group: Trust, Level: AtIntermediate, leafOnly: true,
		Clause: "RFC 4158 2.4", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: presentedChain, Twin: "the right intermediate only",
		InLife: "The same two certificates in the other order: OpenSSL meets the good one first and never looks at the other. That the order decides is what makes such chains fail on one sender and pass on its neighbour. " +
			"Whoever exports a keystore again may turn this case into cross-signed-dead-path.",
		extra: crossCertificate,
		present: func(c *Certificate, chain []*Certificate) []*Certificate {
			return append(slices.Clone(chain), c.extra)
		},
	},
}

// caName is the subject of a CA that is nobody's: invented, and of no trust list.
func caName(word string, level int, isRoot bool) string {
	kind := "Issuing CA"
	if isRoot {
		kind = "Root CA"
	}
	number := ""
	if level > 0 && !isRoot {
		number = fmt.Sprintf(" %d", level+1)
	}
	return fmt.Sprintf("CN=Example %s %s%s, O=Example %s Trust", word, kind, number, word)
}

// crossCertificate is one for the issuer's name and key, from a root that nobody trusts.
func crossCertificate(s *settings) (*Certificate, error) {
	other, err := strangersRoot(s, "Example Cross Root CA", nil)
	if err != nil {
		return nil, err
	}
	return s.issuer.crossSign(other, s.issuer.name+"-cross", []Option{option(func(o *settings) error {
		o.now, o.rand = s.now, s.rand
		return nil
	})})
}
