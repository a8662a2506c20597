package pki

import (
	"crypto/x509"
	"strings"
)

const oidCommonName = "2.5.4.3"

// holds is what characters the values of an attribute may have.
type holds int

const (
	anyText       holds = iota
	printableOnly       // nothing else: X.520 allows countries no other type of string
	asciiFirst          // IA5String where the characters allow it
)

type attributeType struct {
	oid     string
	keyword string   // as printed
	aliases []string // read as well; case does not matter
	holds   holds
}

// attributeTypes are the types that have a keyword. What is printed are the keywords of RFC 4514,
// and beyond those OpenSSL's.
var attributeTypes = []attributeType{
	{oid: oidCommonName, keyword: "CN", aliases: []string{"commonName"}},
	{oid: "2.5.4.4", keyword: "SN", aliases: []string{"surname"}},
	{oid: "2.5.4.5", keyword: "serialNumber"},
	{oid: "2.5.4.6", keyword: "C", aliases: []string{"countryName"}, holds: printableOnly},
	{oid: "2.5.4.7", keyword: "L", aliases: []string{"localityName"}},
	{oid: "2.5.4.8", keyword: "ST", aliases: []string{"S", "SP", "stateOrProvinceName"}},
	{oid: "2.5.4.9", keyword: "STREET", aliases: []string{"streetAddress"}},
	{oid: "2.5.4.10", keyword: "O", aliases: []string{"organizationName"}},
	{oid: "2.5.4.11", keyword: "OU", aliases: []string{"organizationalUnitName"}},
	{oid: "2.5.4.12", keyword: "title", aliases: []string{"T"}},
	{oid: "2.5.4.15", keyword: "businessCategory"},
	{oid: "2.5.4.17", keyword: "postalCode"},
	{oid: "2.5.4.42", keyword: "GN", aliases: []string{"givenName", "G"}},
	{oid: "2.5.4.43", keyword: "initials"},
	{oid: "2.5.4.44", keyword: "generationQualifier"},
	{oid: "2.5.4.46", keyword: "dnQualifier"},
	{oid: "2.5.4.97", keyword: "organizationIdentifier"},
	{oid: "0.9.2342.19200300.100.1.1", keyword: "UID", aliases: []string{"userId"}},
	{oid: "0.9.2342.19200300.100.1.25", keyword: "DC", aliases: []string{"domainComponent"}, holds: asciiFirst},
	{oid: "1.2.840.113549.1.9.1", keyword: "emailAddress", aliases: []string{"E", "EMAIL"}, holds: asciiFirst},
}

var (
	attributeByOID     = map[string]attributeType{}
	oidByKeyword       = map[string]string{} // keyword or alias, lower case
	dottedByOIDContent = map[string]string{} // spares the conversion of those that occur
)

func init() {
	for _, t := range attributeTypes {
		attributeByOID[t.oid] = t
		oidByKeyword[strings.ToLower(t.keyword)] = t.oid
		for _, alias := range t.aliases {
			oidByKeyword[strings.ToLower(alias)] = t.oid
		}
		content, err := oidContent(t.oid)
		if err != nil {
			panic(err)
		}
		dottedByOIDContent[string(content)] = t.oid
	}
}

// keywordOf is the keyword of a type, or its dotted form.
func keywordOf(oid string) string {
	if t, known := attributeByOID[oid]; known {
		return t.keyword
	}
	return oid
}

// dottedOID is the dotted form of an encoded object identifier.
func dottedOID(content []byte) (string, bool) {
	if dotted, known := dottedByOIDContent[string(content)]; known {
		return dotted, true
	}
	// Longer ones are of no use, and the dotted form takes time that grows with the square.
	if len(content) > 256 {
		return "", false
	}
	var oid x509.OID
	if oid.UnmarshalBinary(content) != nil {
		return "", false
	}
	return oid.String(), true
}

// commonNameOnly is the DER of a name that is a common name alone.
func commonNameOnly(name string) ([]byte, error) {
	return DN{{{Type: oidCommonName, Value: name}}}.Marshal()
}
