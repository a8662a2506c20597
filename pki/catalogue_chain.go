package pki

import "slices"

// presentedChain is what the defects of this group differ in: no certificate has them.
var presentedChain = []string{"presented chain"}

var chainDefects = []Defect{
	{
		ID: "chain-not-sent", Title: "intermediate certificates not sent", Group: ChainSent, Level: AtChain,
		Clause: "RFC 8446 4.4.2", Code: 20, Followers: []Finding{{21, 0}}, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: presentedChain, Twin: "the whole chain but the root",
		InLife: "The sender's keystore holds its own certificate only. The load balancer holds nothing but roots and cannot fill the gap, so it reports 20, the most frequent result of all. Browsers fetch missing intermediates, which is why a look at the certificate on a desktop shows a complete path. " +
			"Import the CA's answer with its whole chain into the sender's keystore.",
		present: func(_ *Certificate, chain []*Certificate) []*Certificate { return chain[:1] },
	},
	{
		ID: "wrong-intermediate", Title: "another intermediate of the same CA sent", Group: ChainSent, Level: AtChain, leafOnly: true,
		Clause: "RFC 8446 4.4.2", Code: 20, Followers: []Finding{{21, 0}}, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: presentedChain, Twin: "the intermediate that issued the certificate",
		InLife: "Public CAs have dozens of intermediates with names that differ in a number, and the sender has the one of its previous certificate, or the one that a guide names. There is a chain, and it leads nowhere: 20 at depth 0. " +
			"The issuer's name in the own certificate must be the subject of the next one, to the letter.",
		extra: func(s *settings) (*Certificate, error) {
			issuer := s.issuer
			return issuer.remade(issuer.issuer, issuer.name+"-2", *s, func(s *settings) error {
				var err error
				s.subject, err = commonNameOnly("Example Other Issuing CA")
				return err
			})
		},
		present: func(c *Certificate, chain []*Certificate) []*Certificate {
			chain = slices.Clone(chain)
			chain[1] = c.extra
			return chain
		},
	},
	{
		ID: "leaf-last", Title: "chain sent from the top down, own certificate last", Group: ChainSent, Level: AtChain, leafOnly: true,
		Clause: "RFC 8446 4.4.2, RFC 5246 7.4.2", Code: 26, Go: GoAccepted, Handshake: HandshakeEnds,
		Differs: presentedChain, Twin: "the own certificate first",
		InLife: "The PEM file was put together in the order in which one reads a path, root first. The first certificate counts as the sender's own, and the key does not belong to it: the handshake ends with decrypt_error, before anything is verified or logged. " +
			"The verify result is what the file itself gives, a CA in the role of a client. Put the own certificate first.",
		present: func(_ *Certificate, chain []*Certificate) []*Certificate {
			chain = slices.Clone(chain)
			slices.Reverse(chain)
			return chain
		},
	},
	{
		ID: "chain-reordered", Title: "own certificate first, the rest from the top down", Group: ChainSent, Level: AtChain, leafOnly: true,
		Clause: "RFC 5246 7.4.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: presentedChain, Twin: "each certificate followed by its issuer",
		InLife: "Keystores on some platforms write the chain in the order of import. TLS 1.2 demands that each certificate certifies the one before it, TLS 1.3 tolerates any order, and OpenSSL and Go search among all that was sent. " +
			"Older receivers stop at the first that does not fit.",
		present: func(c *Certificate, chain []*Certificate) []*Certificate {
			chain = withRoot(c, chain)
			slices.Reverse(chain[1:])
			return chain
		},
	},
	{
		ID: "chain-duplicated", Title: "chain sent twice", Group: ChainSent, Level: AtChain, leafOnly: true,
		Clause: "RFC 8446 4.4.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: presentedChain, Twin: "each certificate once",
		InLife: "The CA's file with the chain holds the own certificate too, and somebody put both files together. Verifiers do not mind what is there twice. " +
			"It costs some thousand bytes in each handshake, and devices with a small limit for it fail.",
		present: func(_ *Certificate, chain []*Certificate) []*Certificate { return slices.Concat(chain, chain) },
	},
	{
		ID: "chain-with-root", Title: "root sent too", Group: ChainSent, Level: AtChain, leafOnly: true,
		Clause: "RFC 8446 4.4.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: presentedChain, Twin: "the chain without the root",
		InLife: "Many keystores hold the root as well and send everything. It is allowed and useless: a root counts only if the receiver has it already. " +
			"It does no harm, but it does not help either, see unknown-ca-with-root.",
		present: withRoot,
	},
	{
		ID: "chain-with-extra", Title: "unrelated certificate sent too", Group: ChainSent, Level: AtChain, leafOnly: true,
		Clause: "RFC 8446 4.4.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: presentedChain, Twin: "nothing but the chain",
		InLife: "A keystore that has been in use for years collects certificates of former CAs, and the sender presents all of them. OpenSSL and Go take what fits and leave the rest. " +
			"Tidy up all the same: one of the leftovers may fit by name and be met first.",
		extra: func(s *settings) (*Certificate, error) { return strangersRoot(s, "Example Unrelated CA", nil) },
		present: func(c *Certificate, chain []*Certificate) []*Certificate {
			return append(slices.Clone(chain), c.extra)
		},
	},
	{
		ID: "chain-with-unreadable-extra", Title: "unrelated certificate with a negative serial number sent too", Group: ChainSent, Level: AtChain, leafOnly: true,
		Clause: "RFC 5280 4.1.2.2, RFC 8446 4.4.2", Code: 0, Go: GoAccepted, Handshake: HandshakeEnds,
		Differs: presentedChain, Twin: "nothing but the chain",
		InLife: "One of the leftovers is a certificate that Go does not parse. OpenSSL never looks at it. A server in Go parses everything that is presented before it verifies, and ends the handshake: " +
			"a perfectly good sender is locked out by a certificate that nobody needs.",
		extra: func(s *settings) (*Certificate, error) {
			return strangersRoot(s, "Example Unrelated CA", func(s *settings) {
				s.serial = unreadableSerial()
			})
		},
		present: func(c *Certificate, chain []*Certificate) []*Certificate {
			return append(slices.Clone(chain), c.extra)
		},
	},
}
