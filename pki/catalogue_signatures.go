package pki

import (
	"crypto"
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var signatureDefects = []Defect{
	{
		ID: "wrong-signer", Title: "signed by another key in the issuer's name", Group: Signatures, Level: AtLeaf, alsoCA: true,
		Clause: "RFC 5280 6.1.3 (a)(1)", Code: 7, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"signatureValue"}, Twin: "signed by the issuer's key",
		InLife: "A CA was set up again under its old name and key identifier, and the intermediate that the sender presents is from before; or somebody forges. The names fit and the signature does not: 7. " +
			"Fetch the intermediate that belongs to the certificate; compare the CA's public key in both, not the name.",
		change: func(s *settings) error {
			if s.issuer == nil {
				return errors.New("a root has no other signer than itself")
			}
			s.strangerSigns = true
			return nil
		},
	},
	{
		ID: "broken-signature", Title: "signature damaged", Group: Signatures, Level: AtLeaf, alsoCA: true,
		Clause: "RFC 5280 6.1.3 (a)(1)", Code: 7, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"signatureValue"}, Twin: "the signature as it was made",
		InLife: "The file was damaged or changed after the CA had signed it: a conversion gone wrong, an editor for certificates, a text field with a limit. It can be opened and shows all its fields, hence nobody suspects it. " +
			"Verify result 7 at depth 0 says that its content is not what the CA signed. Take the file that the CA delivered.",
		signed: damageSignature,
	},
	{
		ID: "ca-broken-signature", Title: "signature of the issuing CA's certificate damaged", Group: Signatures, Level: AtIntermediate,
		Clause: "RFC 5280 6.1.3 (a)(1)", Code: 7, Depth: 1, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"signatureValue"}, Twin: "the signature as it was made",
		InLife: "It is the intermediate that was damaged on its way into the sender's keystore, while the own certificate is in order. The depth of the verify result, 1, tells which of the two it is. " +
			"Fetch the intermediate anew from the CA's site.",
		signed: damageSignature,
	},
	{
		ID: "algorithms-differ", Title: "names one signature algorithm inside and another outside", Group: Signatures, Level: AtLeaf,
		Clause: "RFC 5280 4.1.1.2", Code: 7, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"signature"}, Twin: "the same algorithm in both places",
		InLife: "The algorithm stands twice in a certificate, once inside the part that is signed. Where they differ, a home-made CA has been put together wrongly, or somebody has exchanged the outer one. " +
			"OpenSSL reports a signature failure; Go does not even parse, so that a handshake with a server in Go ends.",
		change: func(s *settings) error {
			s.raw.innerAlgorithm = anotherAlgorithm
			return nil
		},
	},
	{
		ID: "unknown-signature-algorithm", Title: "signed with an algorithm that nobody knows", Group: Signatures, Level: AtLeaf,
		Clause: "RFC 5280 4.1.1.2", Code: 20, Followers: []Finding{{21, 0}}, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"signature", "signatureAlgorithm"}, Twin: "the algorithm that fits the issuer's key",
		InLife: "A CA signs with an algorithm newer, or more national, than the library that verifies: today one of the post-quantum algorithms, some years ago GOST or SM2. To an OpenSSL that does not know it, no issuer fits. " +
			"There is nothing to be mended in the chain: have a certificate issued with RSA or ECDSA.",
		change: func(s *settings) error {
			var err error
			s.raw.bothAlgorithms, err = algorithmIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 2}, false)
			return err
		},
	},
	{
		ID: "sha1", Title: "signed with SHA-1", Group: Signatures, Level: AtLeaf, alsoCA: true,
		Clause: "RFC 6194, CA/Browser Forum BR 7.1.3.2.1", Code: 68, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"signature", "signatureAlgorithm"}, Twin: "signed with SHA-256",
		InLife: "An old internal CA still signs as it did in 2010. Below security level 1 nobody objected; at today's levels OpenSSL refuses with 68. The error appears when the other side updates, with nothing changed at the sender. " +
			"Have the CA's configuration set to SHA-256 and the certificate issued again.",
		change: weakHash(crypto.SHA1),
	},
	{
		ID: "md5", Title: "signed with MD5", Group: Signatures, Level: AtLeaf,
		Clause: "RFC 6151", Code: 68, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"signature", "signatureAlgorithm"}, Twin: "signed with SHA-256",
		InLife: "Appliances with a built-in CA signed with MD5 long after 2008, when a rogue CA was made by a collision. OpenSSL refuses with 68 even at security level 1. There is no MD5 with ECDSA or Ed25519, so that the issuer of this certificate always has an RSA key. " +
			"The appliance's CA is beyond repair; use another.",
		change: weakHash(crypto.MD5),
	},
	{
		ID: "ca-sha1", Title: "issuing CA signed with SHA-1", Group: Signatures, Level: AtIntermediate,
		Clause: "RFC 6194, CA/Browser Forum BR 7.1.3.2.1", Code: 68, Depth: 1, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"signature", "signatureAlgorithm"}, Twin: "an issuing CA signed with SHA-256",
		InLife: "The sender's own certificate is new and signed with SHA-256, the intermediate in its keystore is from the time before. Public CAs have reissued theirs for the same key, so that exchanging the one file is enough. " +
			"A root signed with SHA-1 does no harm: its signature is not looked at.",
		change: weakHash(crypto.SHA1),
	},
}

// damageSignature changes the last byte, which belongs to the signature: to its value s, or to the
// RSA number.
func damageSignature(der []byte) []byte {
	der[len(der)-1] ^= 1
	return der
}

func algorithmIdentifier(oid asn1.ObjectIdentifier, null bool) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if null {
			b.AddASN1NULL()
		}
	})
	return b.Bytes()
}

// anotherAlgorithm is one for the same type of key: with another hash, or for Ed25519, which has
// none, with parameters that do not belong there.
func anotherAlgorithm(outer []byte) ([]byte, error) {
	var body cryptobyte.String
	var oid asn1.ObjectIdentifier
	in := cryptobyte.String(outer)
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1ObjectIdentifier(&oid) {
		return nil, errors.New("the signature algorithm does not decode")
	}
	for _, known := range []map[crypto.Hash]asn1.ObjectIdentifier{ecdsaSignatures, rsaSignatures} {
		for _, one := range known {
			if !oid.Equal(one) {
				continue
			}
			other := known[crypto.SHA512]
			if oid.Equal(other) {
				other = known[crypto.SHA384]
			}
			return algorithmIdentifier(other, !body.Empty())
		}
	}
	return algorithmIdentifier(oid, body.Empty())
}
