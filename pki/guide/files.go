package guide

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// role is what a certificate is for.
type role int

const (
	senderRole role = iota
	serverRole
	intermediateRole
	rootRole
)

func roleOf(c *pki.Certificate) role {
	usages := c.X509().ExtKeyUsage
	switch {
	case c.IsCA() && c.Issuer() == nil:
		return rootRole
	case c.IsCA():
		return intermediateRole
	case c.Defect() == "" && slices.Contains(usages, x509.ExtKeyUsageServerAuth) && !slices.Contains(usages, x509.ExtKeyUsageClientAuth):
		return serverRole
	default:
		return senderRole
	}
}

// find is the name of the item's file of one of the kinds, the first that is there; empty if none
// is.
func (i Item) find(kinds ...keystore.Export) string {
	for _, kind := range kinds {
		for _, f := range i.Files {
			if f.Export == kind {
				return f.Name
			}
		}
	}
	return ""
}

// hasKey tells whether the private key is in one of the files.
func (i Item) hasKey() bool {
	return slices.ContainsFunc(i.Files, func(f keystore.File) bool { return f.Export.Info().Private })
}

// The ones that get files.
const (
	toSender       = "sender"
	toRequester    = "sender that made the request"
	toTenant       = "tenant"
	toBoth         = "tenant, sender"
	toLoadBalancer = "load balancer (test only)"
	toServer       = "server"
	toNobody       = "nobody"
)

// goesTo says who gets a file.
func (i Item) goesTo(kind keystore.Export) string {
	if kind == keystore.ArchiveFile {
		return toNobody
	}
	trust := kind == keystore.PKCS12TrustFile || kind == keystore.JKSTrustFile
	public := kind == keystore.DERFile || kind == keystore.PEMFile
	switch roleOf(i.Certificate) {
	case rootRole:
		if public || trust || kind == keystore.CRLFile {
			return toLoadBalancer
		}
		return toNobody
	case intermediateRole:
		switch {
		case public:
			return toSender
		case trust || kind == keystore.CRLFile:
			return toLoadBalancer
		default:
			return toNobody
		}
	case serverRole:
		if trust {
			return toSender
		}
		return toServer
	}
	switch {
	case kind == keystore.DERFile:
		return toTenant
	case kind == keystore.PEMFile:
		return toBoth
	case trust || kind == keystore.CRLFile:
		return toLoadBalancer
	case !i.hasKey():
		return toRequester
	default:
		return toSender
	}
}

// meanings say in the words of those who get them what the files are.
var meanings = map[keystore.Export]string{
	keystore.DERFile:          "certificate (DER)",
	keystore.PEMFile:          "certificate (PEM)",
	keystore.ChainFile:        "certificate and intermediate CAs (PEM)",
	keystore.FullChainFile:    "the same and the root (PEM)",
	keystore.KeyFile:          "PRIVATE KEY, not encrypted (PKCS#8)",
	keystore.TraditionalFile:  "PRIVATE KEY, not encrypted (PKCS#1 or SEC 1)",
	keystore.EncryptedKeyFile: "PRIVATE KEY, encrypted (PKCS#8)",
	keystore.PKCS7File:        "certificate, CAs and root as certificate response (PKCS#7)",
	keystore.PKCS12File:       "PRIVATE KEY and chain (PKCS#12)",
	keystore.LegacyPKCS12File: "PRIVATE KEY and chain for old software (PKCS#12)",
	keystore.PFXFile:          "PRIVATE KEY and chain (PKCS#12, as Windows names it)",
	keystore.JKSFile:          "PRIVATE KEY and chain (Java keystore)",
	keystore.PKCS12TrustFile:  "the root as trust store (PKCS#12)",
	keystore.JKSTrustFile:     "the root as trust store (Java)",
	keystore.CRLFile:          "certificate revocation list",
	keystore.ArchiveFile:      "all the other files, PRIVATE KEY included",
}

func (i Item) meaning(kind keystore.Export) string {
	switch {
	case kind == keystore.ArchiveFile && !i.hasKey():
		return "all the other files"
	case meanings[kind] == "":
		return kind.Info().Meaning
	case roleOf(i.Certificate) == rootRole && (kind == keystore.ChainFile || kind == keystore.FullChainFile || kind == keystore.PKCS7File):
		return "the root once more"
	default:
		return meanings[kind]
	}
}

var roleNames = map[role]string{
	senderRole: "a sender", serverRole: "a server", intermediateRole: "an issuing CA", rootRole: "a root",
}

// table lists every file once, certificate by certificate.
func (p *page) table(items []Item) {
	if len(items) == 0 {
		p.text("There are none.")
		return
	}
	names, whats := len("FILE"), len("WHAT IT IS")
	for _, item := range items {
		for _, f := range item.Files {
			names = max(names, len([]rune(f.Name)))
			whats = max(whats, len([]rune(item.meaning(f.Export))))
		}
	}
	row := func(name, what, who string) {
		pad := func(s string, n int) string { return s + strings.Repeat(" ", n-len([]rune(s))) }
		fmt.Fprintf(&p.out, "  %s  %s  %s\n", pad(name, names), pad(what, whats), who)
	}
	p.out.WriteByte('\n')
	row("FILE", "WHAT IT IS", "GOES TO")
	for _, item := range items {
		c := item.Certificate
		title := fmt.Sprintf("%s, %s", c.Name(), roleNames[roleOf(c)])
		if defect := c.Defect(); defect != "" {
			title += ", defect " + defect
		}
		if subject := subjectOf(c); subject != "" {
			title += ": " + subject
		}
		fmt.Fprintf(&p.out, "\n  %s\n", title)
		for _, f := range item.Files {
			row(f.Name, item.meaning(f.Export), item.goesTo(f.Export))
		}
	}
}

// subjectOf is the subject as text; empty if the certificate cannot be read, which some defects
// bring about. Subjects of hundreds of characters, which others do, are cut.
func subjectOf(c *pki.Certificate) string {
	if len(c.X509().RawSubject) == 0 {
		return ""
	}
	const most = 120
	text := []rune(pki.FormatDN(c.X509().RawSubject))
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}
