package request

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"
)

// KeyName says what a public key is, "RSA 2048" or "EC P-256" for instance.
func KeyName(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		name := fmt.Sprintf("RSA %d", key.N.BitLen())
		if key.E != 65537 {
			name += fmt.Sprintf(" with exponent %d", key.E)
		}
		return name
	case *ecdsa.PublicKey:
		return "EC " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	case nil:
		return "not supported"
	default:
		return fmt.Sprintf("%T", public)
	}
}

// WeakKey says what is wrong with a key that OpenSSL refuses at security level 2, the level of
// the load balancer; empty if nothing is.
func WeakKey(public crypto.PublicKey) string {
	if key, isRSA := public.(*rsa.PublicKey); isRSA && key.N.BitLen() < minRSA {
		return fmt.Sprintf("an RSA key of %d bits is too short, expected 2048 at least", key.N.BitLen())
	}
	return ""
}

// minRSA is the shortest RSA key that OpenSSL counts as 112 bits of security.
const minRSA = 1963

// SignatureName is the signature algorithm as people write it, "SHA-256 with RSA" for instance.
func SignatureName(a x509.SignatureAlgorithm) string {
	switch a {
	case x509.MD2WithRSA:
		return "MD2 with RSA"
	case x509.MD5WithRSA:
		return "MD5 with RSA"
	case x509.SHA1WithRSA:
		return "SHA-1 with RSA"
	case x509.SHA256WithRSA:
		return "SHA-256 with RSA"
	case x509.SHA384WithRSA:
		return "SHA-384 with RSA"
	case x509.SHA512WithRSA:
		return "SHA-512 with RSA"
	case x509.SHA256WithRSAPSS:
		return "SHA-256 with RSA-PSS"
	case x509.SHA384WithRSAPSS:
		return "SHA-384 with RSA-PSS"
	case x509.SHA512WithRSAPSS:
		return "SHA-512 with RSA-PSS"
	case x509.ECDSAWithSHA1:
		return "SHA-1 with ECDSA"
	case x509.ECDSAWithSHA256:
		return "SHA-256 with ECDSA"
	case x509.ECDSAWithSHA384:
		return "SHA-384 with ECDSA"
	case x509.ECDSAWithSHA512:
		return "SHA-512 with ECDSA"
	case x509.PureEd25519:
		return "Ed25519"
	case x509.UnknownSignatureAlgorithm:
		return "not known"
	default:
		return a.String()
	}
}

// WeakDigest names a digest that nobody should sign with any more; empty for the others.
func WeakDigest(a x509.SignatureAlgorithm) string {
	switch name, _, _ := strings.Cut(SignatureName(a), " with "); name {
	case "MD2", "MD5", "SHA-1":
		return name
	default:
		return ""
	}
}

var keyUsageNames = []struct {
	bit  x509.KeyUsage
	name string
}{
	{x509.KeyUsageDigitalSignature, "digitalSignature"},
	{x509.KeyUsageContentCommitment, "nonRepudiation"},
	{x509.KeyUsageKeyEncipherment, "keyEncipherment"},
	{x509.KeyUsageDataEncipherment, "dataEncipherment"},
	{x509.KeyUsageKeyAgreement, "keyAgreement"},
	{x509.KeyUsageCertSign, "keyCertSign"},
	{x509.KeyUsageCRLSign, "cRLSign"},
	{x509.KeyUsageEncipherOnly, "encipherOnly"},
	{x509.KeyUsageDecipherOnly, "decipherOnly"},
}

// KeyUsageNames lists the names that RFC 5280 has for the bits of a key usage.
func KeyUsageNames(usage x509.KeyUsage) []string {
	var out []string
	for _, u := range keyUsageNames {
		if usage&u.bit != 0 {
			out = append(out, u.name)
		}
	}
	return out
}

// The extended key usages that are spoken of here.
const (
	ServerAuth = "serverAuth"
	ClientAuth = "clientAuth"
)

var usageNames = map[string]string{
	"2.5.29.37.0":             "anyExtendedKeyUsage",
	"1.3.6.1.5.5.7.3.1":       ServerAuth,
	"1.3.6.1.5.5.7.3.2":       ClientAuth,
	"1.3.6.1.5.5.7.3.3":       "codeSigning",
	"1.3.6.1.5.5.7.3.4":       "emailProtection",
	"1.3.6.1.5.5.7.3.8":       "timeStamping",
	"1.3.6.1.5.5.7.3.9":       "OCSPSigning",
	"1.3.6.1.4.1.311.20.2.2":  "smartcardLogon",
	"1.3.6.1.4.1.311.10.3.3":  "serverGatedCrypto",
	"2.16.840.1.113730.4.1":   "serverGatedCrypto (Netscape)",
	"1.3.6.1.5.5.7.3.17":      "ipsecIKE",
	"1.3.6.1.4.1.311.10.3.12": "documentSigning",
}

// UsageName is the name of an extended key usage, "clientAuth" for instance, or the dotted object
// identifier itself.
func UsageName(dotted string) string {
	if name, known := usageNames[dotted]; known {
		return name
	}
	return dotted
}
