package reproduction

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/roots"
)

// Described is the make of a certificate: all that a test certificate gets of it. Key, serial number
// and signature are the test certificate's own.
type Described struct {
	// Subject and Issuer as RFC 4514 writes them.
	Subject, Issuer string
	SelfSigned, CA  bool
	// Key is the type of the key pair, empty if it cannot be minted; Digest that of the signature.
	Key, Digest         string
	NotBefore, NotAfter time.Time
	// KeyUsage and Usage are nil if there is no such extension.
	KeyUsage, Usage      []string
	DNS, IP, Email, URI  []string
	PathLen              *int
	ListedRoot, SHA1Made bool
}

// mostChain bounds the certificates that are taken over of a chain.
const mostChain = 10

// describe follows the chain from the sender's own certificate upward.
func describe(store *keystore.Store) []Described {
	at := store.Leaf()
	if at == nil || len(at.RawSubject) == 0 && at.PublicKey == nil {
		return nil
	}
	out := []Described{describeOne(at)}
	for len(out) < mostChain && !bytes.Equal(at.RawSubject, at.RawIssuer) {
		i := slices.IndexFunc(store.Chain, func(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, at.RawIssuer) })
		if i < 0 {
			break
		}
		at = store.Chain[i]
		out = append(out, describeOne(at))
	}
	return out
}

func describeOne(c *x509.Certificate) Described {
	d := Described{
		Subject: pki.FormatDN(c.RawSubject), Issuer: pki.FormatDN(c.RawIssuer), SelfSigned: bytes.Equal(c.RawSubject, c.RawIssuer),
		CA: c.IsCA, Key: keyType(c.PublicKey), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
		DNS: c.DNSNames, Email: c.EmailAddresses, Digest: digest(c.SignatureAlgorithm),
	}
	d.SHA1Made = c.SignatureAlgorithm == x509.SHA1WithRSA || c.SignatureAlgorithm == x509.ECDSAWithSHA1
	for _, ip := range c.IPAddresses {
		d.IP = append(d.IP, ip.String())
	}
	for _, u := range c.URIs {
		d.URI = append(d.URI, u.String())
	}
	for i, name := range keyUsageNames {
		if c.KeyUsage&(1<<i) != 0 {
			d.KeyUsage = append(d.KeyUsage, name)
		}
	}
	d.Usage = usages(c)
	if c.IsCA && (c.MaxPathLen > 0 || c.MaxPathLenZero) {
		n := c.MaxPathLen
		d.PathLen = &n
	}
	if list, ok := roots.ByName(roots.NeoUntil2022, time.Time{}); ok {
		d.ListedRoot = len(list.ByNameOf(d.Issuer)) > 0
	}
	if list, ok := roots.ByName(roots.Neo2022, time.Time{}); ok && !d.ListedRoot {
		d.ListedRoot = len(list.ByNameOf(d.Issuer)) > 0
	}
	return d
}

// keyUsageNames are the names of the bits of the key usage, in their order (RFC 5280 4.2.1.3).
var keyUsageNames = []string{"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

// usageName are the names that package pki has for the usages of crypto/x509.
var usageName = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageAny: "any", x509.ExtKeyUsageServerAuth: "serverAuth", x509.ExtKeyUsageClientAuth: "clientAuth",
	x509.ExtKeyUsageCodeSigning: "codeSigning", x509.ExtKeyUsageEmailProtection: "emailProtection",
	x509.ExtKeyUsageTimeStamping: "timeStamping", x509.ExtKeyUsageOCSPSigning: "ocspSigning",
}

func usages(c *x509.Certificate) []string {
	var out []string
	for _, u := range c.ExtKeyUsage {
		if name, ok := usageName[u]; ok {
			out = append(out, name)
		}
	}
	for _, oid := range c.UnknownExtKeyUsage {
		out = append(out, oid.String())
	}
	return out
}

func keyType(public any) string {
	name := ""
	switch k := public.(type) {
	case *rsa.PublicKey:
		name = fmt.Sprintf("RSA-%d", k.N.BitLen())
	case *ecdsa.PublicKey:
		name = k.Curve.Params().Name
	case ed25519.PublicKey:
		name = "Ed25519"
	}
	if _, err := pki.ParseKeyType(name); err != nil || name == "" {
		return ""
	}
	return name
}

// digest is the digest in the name of a signature algorithm, such as SHA-256.
func digest(a x509.SignatureAlgorithm) string {
	for _, name := range []string{"SHA256", "SHA384", "SHA512", "SHA1", "MD5"} {
		if strings.Contains(a.String(), name) {
			return name
		}
	}
	return a.String()
}

// description makes an entry of the pki section. A CA has no usages there; as an extension it can.
func (d Described) description(name, issuer string, ca bool) pki.Description {
	out := pki.Description{
		Name: name, Subject: d.Subject, Issuer: issuer, CA: d.CA || ca, Key: d.Key, KeyUsage: d.KeyUsage, PathLen: d.PathLen,
		NotBefore: pki.FixedMoment(d.NotBefore), NotAfter: pki.FixedMoment(d.NotAfter),
	}
	if !out.CA {
		out.Usage, out.DNS, out.IP, out.Email, out.URI = d.Usage, d.DNS, d.IP, d.Email, d.URI
	} else if value, err := usageExtension(d.Usage); err == nil && len(d.Usage) > 0 {
		out.Extensions = []pki.ExtensionDescription{{OID: usageOID, Value: value}}
	}
	return out
}

// usageOID is that of the extension extKeyUsage (RFC 5280 4.2.1.12), under which usages have names.
const usageOID = "2.5.29.37"

var usageOIDs = map[string]string{
	"any": "2.5.29.37.0", "serverAuth": "1.3.6.1.5.5.7.3.1", "clientAuth": "1.3.6.1.5.5.7.3.2", "codeSigning": "1.3.6.1.5.5.7.3.3",
	"emailProtection": "1.3.6.1.5.5.7.3.4", "timeStamping": "1.3.6.1.5.5.7.3.8", "ocspSigning": "1.3.6.1.5.5.7.3.9",
}

// usageExtension is the content of the extension in hexadecimal.
func usageExtension(usages []string) (string, error) {
	oids := make([]asn1.ObjectIdentifier, len(usages))
	for i, u := range usages {
		oid, err := parseOID(or(usageOIDs[u], u))
		if err != nil {
			return "", err
		}
		oids[i] = oid
	}
	der, err := asn1.Marshal(oids)
	return hex.EncodeToString(der), err
}

func parseOID(s string) (asn1.ObjectIdentifier, error) {
	var out asn1.ObjectIdentifier
	for _, part := range strings.Split(s, ".") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is not an object identifier", s)
		}
		out = append(out, n)
	}
	return out, nil
}

// withoutUsages takes the usages from a CA.
func withoutUsages(d *pki.Description) {
	d.Extensions = slices.DeleteFunc(slices.Clone(d.Extensions), func(e pki.ExtensionDescription) bool { return e.OID == usageOID })
}

// plainMake leaves only the names of a certificate.
func plainMake(d *pki.Description) {
	d.Defect, d.Key, d.KeyUsage, d.Usage, d.PathLen = "", "", nil, nil, nil
	d.NotBefore, d.NotAfter = pki.Moment{}, pki.Moment{}
}
