package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

// keyUsageByName are the names of RFC 5280 4.2.1.3; the bit of nonRepudiation has two.
var keyUsageByName = map[string]x509.KeyUsage{
	"digitalSignature":  x509.KeyUsageDigitalSignature,
	"nonRepudiation":    x509.KeyUsageContentCommitment,
	"contentCommitment": x509.KeyUsageContentCommitment,
	"keyEncipherment":   x509.KeyUsageKeyEncipherment,
	"dataEncipherment":  x509.KeyUsageDataEncipherment,
	"keyAgreement":      x509.KeyUsageKeyAgreement,
	"keyCertSign":       x509.KeyUsageCertSign,
	"cRLSign":           x509.KeyUsageCRLSign,
	"encipherOnly":      x509.KeyUsageEncipherOnly,
	"decipherOnly":      x509.KeyUsageDecipherOnly,
}

// KeyUsageNames lists the key usages that a description can name, in the order of RFC 5280.
func KeyUsageNames() []string {
	return []string{"digitalSignature", "nonRepudiation", "contentCommitment", "keyEncipherment", "dataEncipherment",
		"keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}
}

// UsageNames lists the extended key usages that a description can name; dotted OIDs stand for all
// others.
func UsageNames() []string {
	return []string{"clientAuth", "serverAuth", "codeSigning", "emailProtection", "timeStamping", "ocspSigning", "any"}
}

// KeyUsage gives the key usages in place of the default; 0 stands for no such extension. An RSA
// key adds nothing to them.
func KeyUsage(usage x509.KeyUsage) Option {
	return option(func(s *settings) error {
		s.keyUsage, s.raw.fixedUsage = usage, true
		return nil
	})
}

// Email gives the mail addresses of the subject alternative name. Default: none.
func Email(addresses ...string) Option {
	return option(func(s *settings) error {
		for _, address := range addresses {
			if !isMailAddress(address) {
				return fmt.Errorf("%q is not a mail address", clip(address))
			}
		}
		s.emails = slices.Clone(addresses)
		return nil
	})
}

// URI gives the URIs of the subject alternative name. Default: none.
func URI(uris ...string) Option {
	return option(func(s *settings) error {
		for _, uri := range uris {
			if !isURI(uri) {
				return fmt.Errorf("%q is not a URI", clip(uri))
			}
		}
		s.uris = slices.Clone(uris)
		return nil
	})
}

// CAIssuersAt gives the addresses of the issuer's certificate, for the extension
// authorityInfoAccess. Nothing here fetches from them. Default: none.
func CAIssuersAt(urls ...string) Option {
	return option(func(s *settings) error {
		if err := checkAddresses(urls); err != nil {
			return fmt.Errorf("address of the issuer's certificate: %w", err)
		}
		s.caIssuersAt = slices.Clone(urls)
		return nil
	})
}

// rawExtensions gives extensions as they are. Unlike [Extension] it takes the place of what was
// given before, and of the extension that would be made with the same OID.
func rawExtensions(extensions []pkix.Extension) Option {
	return option(func(s *settings) error {
		s.given = slices.Clone(extensions)
		return nil
	})
}

func isMailAddress(s string) bool {
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s && isIA5(s)
}

func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && isIA5(s)
}

// isIA5 tells whether a text can be an IA5String without blanks, as in a subject alternative
// name.
func isIA5(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func parseKeyUsages(names []string) (x509.KeyUsage, error) {
	var out x509.KeyUsage
	for _, name := range names {
		bit, known := keyUsageByName[name]
		if !known {
			return 0, fmt.Errorf("unknown key usage %q%s", clip(name), orOneOf(name, KeyUsageNames()))
		}
		if out&bit != 0 {
			return 0, fmt.Errorf("%s stands twice", name)
		}
		out |= bit
	}
	return out, nil
}

func parseUsages(names []string) ([]string, error) {
	out := make([]string, 0, len(names))
	for _, name := range names {
		oid, known := usageByKnownName[name]
		if !known {
			if _, err := oidContent(name); err != nil || !isDotted(name) {
				return nil, fmt.Errorf("unknown usage %q%s, or a dotted OID", clip(name), orOneOf(name, UsageNames()))
			}
			oid = name
		}
		if slices.Contains(out, oid) {
			return nil, fmt.Errorf("%s stands twice", name)
		}
		out = append(out, oid)
	}
	return out, nil
}

// orOneOf is the middle of a sentence about an unknown word: the one that may have been meant, and
// all that could have been.
func orOneOf(word string, known []string) string {
	out := ", expected " + strings.Join(known, ", ")
	if name := nearest(word, known); name != "" {
		out = fmt.Sprintf("; did you mean %q?", name) + " Expected " + strings.Join(known, ", ")
	}
	return out
}

// maxOID bounds the text of an object identifier.
const maxOID = 200

func isDotted(s string) bool {
	return len(s) <= maxOID && strings.Contains(s, ".") && !strings.ContainsFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
}

// maxExtension bounds the value of an extension that is given as it is, in bytes.
const maxExtension = 16 << 10

// maxExtensions bounds their number.
const maxExtensions = 50

func (e ExtensionDescription) parse() (oid asn1.ObjectIdentifier, value []byte, field string, err error) {
	if !isDotted(e.OID) {
		return nil, nil, "oid", fmt.Errorf("%q is not an object identifier, expected one such as 2.5.29.32", clip(e.OID))
	}
	content, err := oidContent(e.OID)
	if err == nil {
		_, err = asn1.Unmarshal(append([]byte{asn1.TagOID, byte(len(content))}, content...), &oid)
	}
	if err != nil || len(content) > 127 {
		return nil, nil, "oid", fmt.Errorf("%q is not an object identifier that fits here, expected one such as 2.5.29.32", clip(e.OID))
	}
	digits := strings.NewReplacer(":", "", " ", "", "\n", "", "\t", "").Replace(e.Value)
	if value, err = hex.DecodeString(digits); err != nil {
		return nil, nil, "value", fmt.Errorf("%q: expected the content in hexadecimal, such as 0500 or 30:03:01:01:ff", clip(e.Value))
	}
	if len(value) > maxExtension {
		return nil, nil, "value", fmt.Errorf("found %d bytes, expected %d at most", len(value), maxExtension)
	}
	return oid, value, "", nil
}

// madeBy says which field of a description makes the extension with that OID; empty: none.
var madeBy = map[string]func(Description) string{
	oidKeyUsage.String(): func(d Description) string { return ifGiven(d.KeyUsage != nil, "keyUsage") },
	oidExtKeyUsage.String(): func(d Description) string {
		return ifGiven(d.Usage != nil, "usage")
	},
	oidSubjectAltName.String(): func(d Description) string {
		return ifGiven(d.DNS != nil, "dns") + ifGiven(d.DNS == nil && d.IP != nil, "ip") +
			ifGiven(d.DNS == nil && d.IP == nil && d.Email != nil, "email") +
			ifGiven(d.DNS == nil && d.IP == nil && d.Email == nil && d.URI != nil, "uri")
	},
	oidBasicConstraints.String(): func(d Description) string { return ifGiven(d.PathLen != nil, "pathLen") },
	oidCRLPoints.String():        func(d Description) string { return ifGiven(d.CRL != nil, "crl") },
	oidAuthorityInfo.String(): func(d Description) string {
		return ifGiven(d.OCSP != nil, "ocsp") + ifGiven(d.OCSP == nil && d.CAIssuers != nil, "caIssuers")
	},
}

func ifGiven(given bool, field string) string {
	if given {
		return field
	}
	return ""
}

// extensions checks the extensions that are given as they are.
func (c *checker) extensions(i int) {
	d := c.all[i]
	if len(d.Extensions) > maxExtensions {
		c.report(i, "extensions", "found %d, expected %d at most", len(d.Extensions), maxExtensions)
		return
	}
	seen := map[string]bool{}
	for k, e := range d.Extensions {
		at := fmt.Sprintf("extensions[%d]", k)
		oid, _, field, err := e.parse()
		if err != nil {
			c.report(i, at+"."+field, "%s", err)
			continue
		}
		if seen[oid.String()] {
			c.report(i, at+".oid", "%s stands twice; the defect duplicate-extension makes such a certificate", oid)
		}
		seen[oid.String()] = true
		if by := madeBy[oid.String()]; by != nil && by(d) != "" {
			c.report(i, at+".oid", "%s is what %s makes; give one of the two", oid, by(d))
		}
	}
}

// export checks the shape of an export. Which formats there are is for who writes them to say.
func (c *checker) export(i int) {
	e := c.all[i].Export
	if e.Formats != nil && len(e.Formats) == 0 {
		c.report(i, "export.formats", "found none, expected one at least; leave it out for the default")
	}
	for k, format := range e.Formats {
		switch {
		case format == "":
			c.report(i, fmt.Sprintf("export.formats[%d]", k), "expected the id of a format, such as pem or p12")
		case slices.Contains(e.Formats[:k], format):
			c.report(i, fmt.Sprintf("export.formats[%d]", k), "%s stands twice", clip(format))
		}
	}
	if e.Alias != "" {
		if err := checkName(e.Alias); err != nil {
			c.report(i, "export.alias", "%s", err)
		}
	}
	if e.PasswordEnv != "" && e.PasswordFile != "" {
		c.report(i, "export.passwordFile", "does not go with passwordEnv: one of the two has the password")
	}
	if strings.ContainsAny(e.PasswordEnv, "=\x00") {
		c.report(i, "export.passwordEnv", "%q cannot be the name of an environment variable", clip(e.PasswordEnv))
	}
}

// fieldOptions turns the fields that describe extensions into options. The description is valid.
func (d Description) fieldOptions() ([]Option, error) {
	var out []Option
	if d.KeyUsage != nil {
		usage, err := parseKeyUsages(d.KeyUsage)
		if err != nil {
			return nil, err
		}
		out = append(out, KeyUsage(usage))
	}
	if d.Email != nil {
		out = append(out, Email(d.Email...))
	}
	if d.URI != nil {
		out = append(out, URI(d.URI...))
	}
	if d.CRL != nil {
		out = append(out, CRLAt(d.CRL...))
	}
	if d.OCSP != nil {
		out = append(out, OCSPAt(d.OCSP...))
	}
	if d.CAIssuers != nil {
		out = append(out, CAIssuersAt(d.CAIssuers...))
	}
	if d.Extensions != nil {
		extensions := make([]pkix.Extension, len(d.Extensions))
		for i, e := range d.Extensions {
			oid, value, _, err := e.parse()
			if err != nil {
				return nil, fmt.Errorf("extension %d: %w", i+1, err)
			}
			extensions[i] = pkix.Extension{Id: oid, Critical: e.Critical, Value: value}
		}
		out = append(out, rawExtensions(extensions))
	}
	return out, nil
}

// Nearest is the name that is most like the word, for a message about an unknown one; empty if
// none is.
func Nearest(word string, among []string) string { return nearest(word, among) }
