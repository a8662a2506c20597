package pki

import (
	"crypto/x509/pkix"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var extensionDefects = []Defect{
	{
		ID: "unknown-critical-extension", Title: "critical extension that nobody knows", Group: Extensions, Level: AtLeaf, alsoCA: true,
		Clause: "RFC 5280 4.2, 6.1.4 (o)", Code: 34, Go: GoUnhandledCritical, Handshake: HandshakeCompletes,
		Differs: []string{"extension 1.3.6.1.4.1.32473.1"}, Twin: "no such extension",
		InLife: "An internal CA marks an extension of its own as critical, which says: whoever does not understand this must refuse the certificate. Everybody outside of the company does so, with 34. " +
			"The CA's template has to drop the mark; nothing else needs to change.",
		change: func(s *settings) error {
			s.extensions = append(s.extensions, unknownCritical)
			return nil
		},
	},
	{
		ID: "ca-unknown-critical-extension", Title: "issuing CA has a critical extension that nobody knows", Group: Extensions, Level: AtIntermediate,
		Clause: "RFC 5280 6.1.4 (o)", Code: 34, Depth: 1, Go: GoUnhandledCritical, Handshake: HandshakeCompletes,
		Differs: []string{"extension 1.3.6.1.4.1.32473.1"}, Twin: "no such extension",
		InLife: "The extension stands in the CA's certificate, where it hits all senders below it at once. Depth 1 of the verify result tells it from the case of the sender's own certificate. " +
			"Only the CA can mend it.",
		change: func(s *settings) error {
			s.extensions = append(s.extensions, unknownCritical)
			return nil
		},
	},
	{
		ID: "duplicate-extension", Title: "key usage stands twice", Group: Extensions, Level: AtLeaf,
		Clause: "RFC 5280 4.2", Code: 20, Followers: []Finding{{21, 0}}, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"keyUsage"}, Twin: "each extension once",
		InLife: "The signing request asked for an extension, the CA's profile added its own, and the CA copied both. OpenSSL takes such a certificate for invalid and finds no issuer: 20, which looks like a missing intermediate. " +
			"Go does not parse it. Ask for a certificate without extensions in the request.",
		change: editExtensions(func(list []pkix.Extension) ([]pkix.Extension, error) {
			for _, e := range list {
				if e.Id.Equal(oidKeyUsage) {
					return append(list, e), nil
				}
			}
			return nil, errors.New("the certificate has no key usage that could stand twice")
		}),
	},
	{
		ID: "malformed-san", Title: "subject alternative name that does not decode", Group: Extensions, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.6", Code: 20, Followers: []Finding{{21, 0}}, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"subjectAltName"}, Twin: "no such extension, or one that decodes",
		InLife: "A script put the plain text of a name into the extension, without its encoding. The certificate can be opened, and viewers show the extension as hexadecimal. OpenSSL takes it for invalid and reports 20 as if the issuer were missing; " +
			"Go refuses to parse. If 20 stays although the chain is complete, look at how the extensions are shown.",
		change: putExtension(pkix.Extension{Id: oidSubjectAltName, Value: []byte("warehouse.example")}),
	},
	{
		ID: "critical-key-identifier", Title: "subject key identifier marked critical", Group: Extensions, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.2", Code: 34, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"subjectKeyIdentifier"}, Twin: "the same, not critical",
		InLife: "A CA marks all its extensions as critical, to be on the safe side. OpenSSL does not count the key identifiers among those it handles, and refuses with 34 an extension that it knows well. " +
			"Go does not even parse it, so that a handshake with a server in Go ends. The CA's profile must leave the mark out.",
		change: editExtension(oidSubjectKeyID, critical),
	},
	{
		ID: "aki-mismatch", Title: "names another key of its issuer", Group: Extensions, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.1", Code: 20, Followers: []Finding{{21, 0}}, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"authorityKeyIdentifier"}, Twin: "the key identifier of its issuer",
		InLife: "The CA got a new key under its old name, or computes key identifiers in another way than before. OpenSSL does not accept an issuer with another identifier, even if its key verifies the signature: 20. " +
			"Go uses the identifier as a hint only. The sender needs the intermediate that carries the identifier named in its certificate.",
		change: putExtension(pkix.Extension{Id: oidAuthorityKeyID, Value: append([]byte{0x30, 0x16, 0x80, 0x14}, []byte("another-key-than-his")...)}),
	},
	{
		ID: "aki-serial-mismatch", Title: "names another certificate of its issuer", Group: Extensions, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.1", Code: 20, Followers: []Finding{{21, 0}}, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"authorityKeyIdentifier"}, Twin: "the key identifier of its issuer",
		InLife: "Some CAs name their own certificate by issuer and serial number instead of by key. When the CA's certificate is renewed for the same key, all that it issued before points to the old one, and with the new one in the chain the result is 20. " +
			"Present the intermediate from the time of issuance, or have the certificate issued again.",
		change: func(s *settings) error {
			if s.issuer == nil {
				return errors.New("a certificate without an issuer names none")
			}
			value, err := authorityBySerial(s.issuer)
			if err != nil {
				return err
			}
			return putExtension(pkix.Extension{Id: oidAuthorityKeyID, Value: value})(s)
		},
	},
	{
		ID: "no-key-identifiers", Title: "without key identifiers", Group: Extensions, Level: AtLeaf,
		Clause: "RFC 5280 4.2.1.1, 4.2.1.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"authorityKeyIdentifier", "subjectKeyIdentifier"}, Twin: "both identifiers",
		InLife: "Certificates from simple tools have neither. A verifier then has nothing but names to find the issuer by, and all goes well as long as each CA has one key. " +
			"With two generations of a CA under one name the first one met is taken, and the result is 7.",
		change: removeExtensions(oidAuthorityKeyID, oidSubjectKeyID),
	},
}

// authorityBySerial is an authority key identifier by issuer and serial number, which is one more
// than that of the CA's certificate.
func authorityBySerial(ca *Certificate) ([]byte, error) {
	serial, err := serialOf(ca.der)
	if err != nil {
		return nil, err
	}
	x := ca.X509()
	if len(x.RawIssuer) == 0 {
		return nil, errors.New("the issuer's certificate cannot be read")
	}
	serial.Add(serial, big.NewInt(1))
	var number cryptobyte.Builder
	number.AddASN1BigInt(serial)
	integer, err := number.Bytes()
	if err != nil {
		return nil, err
	}
	var content cryptobyte.String
	in := cryptobyte.String(integer)
	if !in.ReadASN1(&content, cbasn1.INTEGER) {
		return nil, errors.New("the serial number does not encode")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddBytes(directoryName(x.RawIssuer))
		})
		b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(content) })
	})
	return b.Bytes()
}
