package pki

import (
	"fmt"
	"strings"
)

// Description describes one certificate, as in the pki section of a landscape document. Only
// Name is mandatory; with CA or Issuer it describes a good certificate with all defaults.
//
// A list that is left out has its default, or with Like that of the other entry; one that is
// there and empty means none.
type Description struct {
	// Name is what other entries call the certificate, and what its files are called.
	Name string `yaml:"name" json:"name"`
	// Subject is the RFC 4514 string of the subject. Default: a CN alone, the name.
	Subject string `yaml:"subject,omitempty" json:"subject,omitempty"`
	// Issuer names the CA that signs. Default: for a CA none, which makes it a root.
	Issuer string `yaml:"issuer,omitempty" json:"issuer,omitempty"`
	// Like names an entry to take everything from that is not given here, with another key and
	// another serial number: a renewal, or with Defect a broken twin. The defect is taken too.
	Like string `yaml:"like,omitempty" json:"like,omitempty"`
	// Defect is the id of one thing to break; see [Defects].
	Defect string `yaml:"defect,omitempty" json:"defect,omitempty"`
	// CA makes the certificate one that issues others.
	CA bool `yaml:"ca,omitempty" json:"ca,omitempty"`
	// Key is the type of the key pair, see [ParseKeyType]. Default: P-256.
	Key string `yaml:"key,omitempty" json:"key,omitempty"`
	// KeyUsage lists key usages: digitalSignature, nonRepudiation (or contentCommitment),
	// keyEncipherment, dataEncipherment, keyAgreement, keyCertSign, cRLSign, encipherOnly,
	// decipherOnly. Default: for a CA keyCertSign and cRLSign, for a leaf digitalSignature, with an
	// RSA key keyEncipherment too. A list that is there and empty: no such extension.
	KeyUsage []string `yaml:"keyUsage,omitempty" json:"keyUsage,omitempty"`
	// Usage lists extended key usages: clientAuth, serverAuth, codeSigning, emailProtection,
	// timeStamping, ocspSigning, any, or a dotted OID. Default: for a leaf clientAuth, for a CA
	// none. A list that is there and empty: no such extension.
	Usage []string `yaml:"usage,omitempty" json:"usage,omitempty"`
	// DNS and IP are the names and addresses of the subject alternative name.
	DNS []string `yaml:"dns,omitempty" json:"dns,omitempty"`
	IP  []string `yaml:"ip,omitempty" json:"ip,omitempty"`
	// Email and URI are the mail addresses and URIs of the subject alternative name.
	Email []string `yaml:"email,omitempty" json:"email,omitempty"`
	URI   []string `yaml:"uri,omitempty" json:"uri,omitempty"`
	// NotBefore is the beginning of the validity. Default: an hour ago.
	NotBefore Moment `yaml:"notBefore,omitempty" json:"notBefore,omitzero"`
	// NotAfter is its end. Default: for a root in 10 years, for an intermediate in 5 years, for a
	// leaf in 1 year.
	NotAfter Moment `yaml:"notAfter,omitempty" json:"notAfter,omitzero"`
	// ValidFor gives the end as a distance from the beginning, in place of NotAfter.
	ValidFor Span `yaml:"validFor,omitempty" json:"validFor,omitzero"`
	// CrossSigns names an entry whose subject and key this certificate certifies a second time,
	// under another issuer.
	CrossSigns string `yaml:"crossSigns,omitempty" json:"crossSigns,omitempty"`
	// Serial is the serial number, decimal, or hexadecimal behind 0x. Default: 128 random bits.
	Serial string `yaml:"serial,omitempty" json:"serial,omitempty"`
	// PathLen limits the number of intermediates below a CA. Default: no limit.
	PathLen *int `yaml:"pathLen,omitempty" json:"pathLen,omitempty"`
	// CRL lists addresses of the issuer's CRL, for cRLDistributionPoints.
	CRL []string `yaml:"crl,omitempty" json:"crl,omitempty"`
	// OCSP lists addresses of the issuer's OCSP responder, for authorityInfoAccess.
	OCSP []string `yaml:"ocsp,omitempty" json:"ocsp,omitempty"`
	// CAIssuers lists addresses of the issuer's certificate, for authorityInfoAccess.
	CAIssuers []string `yaml:"caIssuers,omitempty" json:"caIssuers,omitempty"`
	// Extensions lists extensions as they are, behind the others or in place of the one with the
	// same OID.
	Extensions []ExtensionDescription `yaml:"extensions,omitempty" json:"extensions,omitempty"`
	// File is the path of an existing certificate, PEM or DER, to use as it is; the first one in
	// the file counts. Issuer tells who is above it.
	File string `yaml:"file,omitempty" json:"file,omitempty"`
	// KeyFile is the path of an existing private key, PEM or DER, not encrypted. With File it is
	// that certificate's; without, a certificate is minted for it.
	KeyFile string `yaml:"keyFile,omitempty" json:"keyFile,omitempty"`
	// Export says in which files the certificate is written. It does not matter where nothing is
	// written.
	Export ExportDescription `yaml:"export,omitempty" json:"export,omitzero"`
}

// ExtensionDescription is an extension as it stands in the certificate.
type ExtensionDescription struct {
	// OID is the object identifier with dots, 2.5.29.32 for instance.
	OID string `yaml:"oid" json:"oid"`
	// Critical makes it one that nobody may ignore. Default: false.
	Critical bool `yaml:"critical,omitempty" json:"critical,omitempty"`
	// Value is the content in hexadecimal, with or without colons and blanks between the bytes. It
	// should be DER, which is not checked: what is malformed is of use for tests.
	Value string `yaml:"value" json:"value"`
}

// ExportDescription says in which files a certificate is written.
type ExportDescription struct {
	// Formats lists the formats by the ids that package keystore has: cer, pem, chain, fullchain,
	// key, p7b, p12, jks and others. Default: those that need no password, and p12 if there is one.
	Formats []string `yaml:"formats,omitempty" json:"formats,omitempty"`
	// Alias is the name of the entry in key stores. Default: the certificate's name.
	Alias string `yaml:"alias,omitempty" json:"alias,omitempty"`
	// PasswordEnv names the environment variable that holds the password of key stores and
	// encrypted keys.
	PasswordEnv string `yaml:"passwordEnv,omitempty" json:"passwordEnv,omitempty"`
	// PasswordFile is the path of a file whose first line is that password, in place of PasswordEnv.
	PasswordFile string `yaml:"passwordFile,omitempty" json:"passwordFile,omitempty"`
}

// IsZero tells that nothing is given.
func (e ExportDescription) IsZero() bool {
	return e.Formats == nil && e.Alias == "" && e.PasswordEnv == "" && e.PasswordFile == ""
}

// Problem is one thing that is wrong with a list of descriptions.
type Problem struct {
	// Index counts the descriptions from 0.
	Index int
	// Field is the name of the field in the document, "issuer" or "export.alias" for instance.
	Field string
	// Message says what was found, what was expected and what to do, in one line.
	Message string
}

// Problems is an error that lists all that is wrong, in the order of the descriptions.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = fmt.Sprintf("pki entry %d, %s: %s", one.Index+1, one.Field, one.Message)
	}
	return strings.Join(lines, "\n")
}
