package pki

import (
	"bytes"
	"slices"
	"strings"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	oidSerialNumber = "2.5.4.5"
	oidOrganization = "2.5.4.10"
)

var nameDefects = []Defect{
	{
		ID: "trailing-space-cn", Title: "common name ends in a space", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 7.1", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the common name without the space",
		InLife: "A name was pasted into the signing request with a space behind it, and the CA signed what it got. OpenSSL does not mind: " +
			"the load balancer accepts the certificate, the tenant does not take it for a client certificate. In most viewers the space cannot be seen. " +
			"Ask for a new certificate; a name may have any value, only not a space at its end.",
		change: editCN(func(value string) Attribute { return Attribute{Type: oidCommonName, Value: value + " "} }),
	},
	{
		ID: "empty-subject", Title: "no subject at all", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.6", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject", "subjectAltName"}, Twin: "a subject with a common name",
		InLife: "CAs for machines identify by subject alternative name only and leave the subject empty, which is allowed if that extension is critical. " +
			"The load balancer accepts the certificate. What is made of the subject afterwards is empty: the DN in the trace, the user CN@issuer, the subject in a channel's table. " +
			"Ask the CA for a profile with a common name.",
		change: func(s *settings) error {
			s.subject = bytes.Clone(emptyName)
			return nil
		},
	},
	{
		ID: "no-cn", Title: "subject without a common name", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the same text as common name",
		InLife: "Public CAs have stopped filling in the common name of organisations, and some private profiles have only O and OU. " +
			"Every verifier accepts it. Where the user name is built from the common name there is nothing to build it from: map the whole certificate to a user, which does not depend on names.",
		change: editName(func(dn DN) (DN, error) {
			i, j, err := lastCommonName(dn)
			if err != nil {
				return nil, err
			}
			dn[i][j].Type = oidOrganization
			return dn, nil
		}),
	},
	{
		ID: "two-cns", Title: "two common names", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the first common name only",
		InLife: "Directory services append a technical common name to the person's or machine's one. Nothing forbids it, and nobody says which of the two counts: " +
			"products take the first, the last or the most specific one. Whatever is matched against a name becomes a matter of luck; compare whole certificates instead.",
		change: editName(func(dn DN) (DN, error) {
			i, j, err := lastCommonName(dn)
			if err != nil {
				return nil, err
			}
			second := Attribute{Type: oidCommonName, Value: dn[i][j].Value + " 2"}
			return slices.Insert(dn, i+1, RDN{second}), nil
		}),
	},
	{
		ID: "multi-valued-rdn", Title: "common name and serial number in one element of the subject", Group: Names, Level: AtLeaf,
		Clause: "X.501 9.3", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the common name alone in its element",
		InLife: "Some national and smart card CAs put a serial number beside the name into one set, written CN=…+serialNumber=…. It is valid everywhere. " +
			"Tables that compare written names fail on it, since tools differ in the order of the two and in the plus sign. Compare the encoded name, or the certificate.",
		change: editName(func(dn DN) (DN, error) {
			i, _, err := lastCommonName(dn)
			if err != nil {
				return nil, err
			}
			dn[i] = append(dn[i], Attribute{Type: oidSerialNumber, Value: "4711"})
			return dn, nil
		}),
	},
	{
		ID: "nul-in-cn", Title: "NUL character in the common name", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the part before the NUL",
		InLife: "The attack of 2009: a CA validates the end of the name, a program in C reads only up to the NUL and takes the holder for somebody else. " +
			"OpenSSL's chain verification does not look at the name. Whoever builds a user name or a log line from it must not cut it off, and must not print it raw.",
		change: editCN(func(value string) Attribute {
			return commonName(cbasn1.UTF8String, []byte(value+"\x00.attacker.example"))
		}),
	},
	{
		ID: "very-long-cn", Title: "common name of more than 300 characters", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 Appendix A (ub-common-name 64)", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the name up to the 64 characters that are allowed",
		InLife: "A generated name, a path of a directory for instance, goes beyond the 64 characters of the standard. Verifiers do not count. " +
			"Columns of databases, fields of user names and header limits do: the name is cut off somewhere behind the load balancer, and then matches nothing, or the wrong thing.",
		change: editCN(func(value string) Attribute {
			return Attribute{Type: oidCommonName, Value: value + strings.Repeat(" of a long line of names", 13)}
		}),
	},
	{
		ID: "utf8-cn", Title: "common name with an umlaut, as UTF8String", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the name in ASCII",
		InLife: "This is the right way to write such a name, and it is here because of what happens behind the verification. " +
			"Trace, access log and command line tools print the two bytes of the umlaut, \\C3\\B6, \\xC3\\xB6 or a question mark, so that a name copied from there matches nothing. Copy names from the certificate.",
		change: editCN(func(value string) Attribute { return Attribute{Type: oidCommonName, Value: value + " Köln"} }),
	},
	{
		ID: "t61-cn", Title: "common name with an umlaut, as T61String", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the name in ASCII, as PrintableString",
		InLife: "CA software of the nineties wrote names in T61String (TeletexString) and meant Latin-1. Everybody reads it so, against the standard, and OpenSSL accepts it. " +
			"The byte F6 is no UTF-8: it turns up as a replacement character wherever a name is taken for UTF-8. Have the profile of the CA changed to UTF8String.",
		change: editCN(func(value string) Attribute { return commonName(cbasn1.T61String, []byte(value+" K\xf6ln")) }),
	},
	{
		ID: "bmp-cn", Title: "common name as BMPString", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"subject"}, Twin: "the same text as PrintableString",
		InLife: "Older Windows CAs write names with two bytes a character. The text is the same for everybody who decodes it, and OpenSSL compares the text. " +
			"Go and strict Java code compare bytes: the certificate and its renewal by another CA then have different names that look equal.",
		change: editCN(func(value string) Attribute { return commonName(tagBMPString, wide(value, 2)) }),
	},
	{
		ID: "universal-cn", Title: "common name as UniversalString", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4", Code: 0, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"subject"}, Twin: "the same text as PrintableString",
		InLife: "Four bytes a character are allowed and next to never seen; test tools of standards bodies make them. OpenSSL reads the name. Go refuses the " +
			"certificate, so that a load balancer in Go ends the handshake where the real one would go on.",
		change: editCN(func(value string) Attribute { return commonName(tagUniversalString, wide(value, 4)) }),
	},
	{
		ID: "bad-printable-cn", Title: "at sign in a PrintableString", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4, X.680 41.4", Code: 0, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"subject"}, Twin: "the common name without the at sign",
		InLife: "PrintableString has no @, _, * or #, and many CAs write them into it all the same. OpenSSL and Java never check. Go does and refuses to " +
			"parse, which hits users of tools written in Go only: the certificate that has worked for years cannot be read there. Ask for a reissue with UTF8String.",
		change: editCN(func(value string) Attribute { return commonName(cbasn1.PrintableString, []byte(value+"@example")) }),
	},
	{
		ID: "invalid-utf8-cn", Title: "common name that is not the UTF-8 it claims to be", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.4, RFC 3629", Code: 1, Unreadable: true, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"subject"}, Twin: "the name in ASCII",
		InLife: "A script put a name in Latin-1 into a field that says UTF8String. OpenSSL cannot bring the name into the form in which it compares names, and so cannot read the certificate at all: " +
			"there is no verify result, the handshake ends with a decode_error and no log of the tenant has a line. Convert the name before it goes into the signing request.",
		change: editCN(func(value string) Attribute { return commonName(cbasn1.UTF8String, []byte(value+" K\xf6ln")) }),
	},
	{
		ID: "issuer-name-case", Title: "names its issuer in other letters of case", Group: Names, Level: AtLeaf,
		Clause: "RFC 5280 7.1", Code: 0, Go: GoUnknownAuthority, Handshake: HandshakeCompletes,
		Differs: []string{"issuer"}, Twin: "the issuer exactly as the CA writes its own subject",
		InLife: "A CA was set up again with its name in another spelling, and its older certificates stayed in use. By the standard, case and runs of blanks do not count, and OpenSSL keeps to it. " +
			"Go and many others compare bytes and find no issuer. It works at the load balancer and fails in the sender's own checks.",
		change: func(s *settings) error {
			issuer, _, err := s.issuedBy()
			if err != nil {
				return err
			}
			dn, err := ParseRawDN(issuer)
			if err != nil {
				return err
			}
			for _, rdn := range dn {
				for i := range rdn {
					if rdn[i].Type == oidCommonName {
						rdn[i].Value = otherCase(rdn[i].Value)
					}
				}
			}
			s.raw.issuerName, err = dn.Marshal()
			return err
		},
	},
}

// otherCase writes a name in capital letters, or in small ones if it is in capital letters.
func otherCase(name string) string {
	if upper := strings.ToUpper(name); upper != name {
		return upper
	}
	return strings.ToLower(name)
}
