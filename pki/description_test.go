package pki_test

import (
	"crypto/x509"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
)

const described = `
- {name: root, ca: true, keyUsage: [keyCertSign]}
- name: leaf
  issuer: root
  key: RSA-2048
  keyUsage: [digitalSignature, contentCommitment, dataEncipherment, keyAgreement, encipherOnly, decipherOnly]
  usage: [clientAuth, timeStamping, ocspSigning, 1.2.3.4]
  dns: [a.example]
  email: [orders@example.com]
  uri: ["urn:example:warehouse"]
  crl: [http://crl.example.com/1.crl, http://crl.example.com/2.crl]
  ocsp: [http://ocsp.example.com]
  caIssuers: [http://pki.example.com/root.cer]
  extensions: [{oid: 2.5.29.14, value: "04:02:01:02"}, {oid: 1.3.6.1.4.1.99999.1, critical: true, value: "0c 02 68 69"}]
- {name: twin, like: leaf}
- {name: other, like: leaf, keyUsage: [], usage: [], email: [], uri: [], crl: [], ocsp: [], caIssuers: [], extensions: []}
- {name: plain, issuer: root}
`

func TestDescribedExtensions(t *testing.T) {
	set := mint(t, described)
	root := get(t, set, "root").X509()
	assert.Equal(t, x509.KeyUsageCertSign, root.KeyUsage)
	for _, name := range []string{"leaf", "twin"} {
		c := get(t, set, name).X509()
		assert.Equal(t, x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment|x509.KeyUsageDataEncipherment|
			x509.KeyUsageKeyAgreement|x509.KeyUsageEncipherOnly|x509.KeyUsageDecipherOnly, c.KeyUsage, "an RSA key adds nothing")
		assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageOCSPSigning}, c.ExtKeyUsage)
		assert.Equal(t, []asn1.ObjectIdentifier{{1, 2, 3, 4}}, c.UnknownExtKeyUsage)
		assert.Equal(t, []string{"a.example"}, c.DNSNames)
		assert.Equal(t, []string{"orders@example.com"}, c.EmailAddresses)
		require.Len(t, c.URIs, 1)
		assert.Equal(t, "urn:example:warehouse", c.URIs[0].String())
		assert.Equal(t, []string{"http://crl.example.com/1.crl", "http://crl.example.com/2.crl"}, c.CRLDistributionPoints)
		assert.Equal(t, []string{"http://ocsp.example.com"}, c.OCSPServer)
		assert.Equal(t, []string{"http://pki.example.com/root.cer"}, c.IssuingCertificateURL)
		assert.Equal(t, []byte{1, 2}, c.SubjectKeyId, "in place of the one that would be made")
		last := c.Extensions[len(c.Extensions)-1]
		assert.Equal(t, "1.3.6.1.4.1.99999.1", last.Id.String())
		assert.True(t, last.Critical)
		assert.Equal(t, []byte("\x0c\x02hi"), last.Value)
	}
	other := get(t, set, "other").X509()
	for _, e := range other.Extensions {
		assert.NotContains(t, []string{"2.5.29.15", "2.5.29.37", "2.5.29.31", "1.3.6.1.5.5.7.1.1", "1.3.6.1.4.1.99999.1"}, e.Id.String())
	}
	assert.Len(t, other.SubjectKeyId, 20)
	assert.Equal(t, []string{"a.example"}, other.DNSNames)
	assert.Equal(t, x509.KeyUsageDigitalSignature, get(t, set, "plain").X509().KeyUsage)
}

func TestValidateFields(t *testing.T) {
	assert.Empty(t, pki.Validate(describe(t, described)))
	for entry, want := range map[string]string{
		`keyUsage: [keyCertsign]`:                                  `keyUsage: unknown key usage "keyCertsign"; did you mean "keyCertSign"?`,
		`keyUsage: [clientAuth]`:                                   `keyUsage: unknown key usage "clientAuth", expected digitalSignature, `,
		`keyUsage: [nonRepudiation, contentCommitment]`:            `keyUsage: contentCommitment stands twice`,
		`usage: [1.2.3.4, 1.2.3.4]`:                                `usage: 1.2.3.4 stands twice`,
		`usage: ["1"]`:                                             `usage: unknown usage "1"`,
		`usage: ["9.9.9"]`:                                         `usage: unknown usage "9.9.9"`,
		`email: ["Orders <orders@example.com>"]`:                   `is not a mail address`,
		`email: [orders]`:                                          `email: "orders" is not a mail address`,
		`uri: [warehouse]`:                                         `uri: "warehouse" is not a URI`,
		`crl: [crl.example.com]`:                                   `crl: "crl.example.com": expected one such as`,
		`ocsp: ["http://a b"]`:                                     `ocsp: `,
		`caIssuers: ["file:///etc"]`:                               `caIssuers: `,
		`extensions: [{oid: x, value: ""}]`:                        `extensions[0].oid: "x" is not an object identifier`,
		`extensions: [{oid: 1.2.99999999999999999999, value: ""}]`: `extensions[0].oid: "1.2.99999999999999999999" is not an object identifier that fits here`,
		`extensions: [{oid: 1.2.3, value: 0}]`:                     `extensions[0].value: "0": expected the content in hexadecimal`,
		`extensions: [{oid: 1.2.3, value: "00"}, {oid: 1.2.3, value: "01"}]`:              `extensions[1].oid: 1.2.3 stands twice`,
		`usage: [any], extensions: [{oid: 2.5.29.37, value: "00"}]`:                       `extensions[0].oid: 2.5.29.37 is what usage makes`,
		`email: [a@example.com], extensions: [{oid: 2.5.29.17, value: "00"}]`:             `extensions[0].oid: 2.5.29.17 is what email makes`,
		`ocsp: ["http://a.example"], extensions: [{oid: 1.3.6.1.5.5.7.1.1, value: "00"}]`: `is what ocsp makes`,
		`export: {alias: "a/b"}`:       `export.alias: "a/b": expected printable characters without slash`,
		`export: {formats: [""]}`:      `export.formats[0]: expected the id of a format`,
		`export: {passwordEnv: "A=b"}`: `export.passwordEnv: "A=b" cannot be the name of an environment variable`,
	} {
		problems := pki.Validate(describe(t, "- {name: root, ca: true}\n- {name: x, issuer: root, "+entry+"}"))
		require.Len(t, problems, 1, "%s: %v", entry, problems)
		assert.Contains(t, problems[0].Field+": "+problems[0].Message, want)
	}
	many := "- {name: root, ca: true, extensions: [" + strings.Repeat("{oid: 1.2.3, value: \"00\"},", 51) + "]}"
	assert.Contains(t, pki.Validate(describe(t, many))[0].Message, "found 51, expected 50 at most")
	large := "- {name: root, ca: true, extensions: [{oid: 1.2.3, value: \"" + strings.Repeat("00", 16<<10+1) + "\"}]}"
	assert.Contains(t, pki.Validate(describe(t, large))[0].Message, "found 16385 bytes, expected 16384 at most")
}

// What was minted before is taken as it is, and what is minted below it belongs to it.
func TestMintWithExisting(t *testing.T) {
	all := describe(t, landscape)
	first, err := pki.Mint(t.Context(), all, pki.Options{Now: atNoon})
	require.NoError(t, err)
	existing := map[string]pki.Existing{}
	for _, name := range first.Names() {
		if name == "warehouse-renewed" || name == "warehouse-expired" || name == "cross" {
			continue
		}
		c := get(t, first, name)
		e := pki.Existing{DER: c.DER(), Key: c.Key(), Above: c.Above()}
		if extra := c.Extra(); extra != nil {
			e.Extra = extra.DER()
		}
		existing[name] = e
	}
	later := noon.AddDate(0, 1, 0)
	var made []string
	second, err := pki.Mint(t.Context(), all, pki.Options{Now: func() time.Time { return later }, Existing: existing, Progress: func(name string) { made = append(made, name) }})
	require.NoError(t, err)
	assert.ElementsMatch(t, first.Names(), made)
	for _, name := range first.Names() {
		a, b := get(t, first, name), get(t, second, name)
		if _, taken := existing[name]; !taken {
			assert.NotEqual(t, a.DER(), b.DER(), name)
			continue
		}
		assert.Equal(t, a.DER(), b.DER(), name)
		if name != "warehouse-cross" { // above it is a new one
			assert.Equal(t, a.Presented(), b.Presented(), name)
			assert.Equal(t, derOf(a.FullChain()), derOf(b.FullChain()), name)
		}
	}
	assert.Equal(t, get(t, second, "warehouse").X509().NotAfter, get(t, second, "warehouse-renewed").X509().NotAfter, "a twin has the dates of what it is like")
	trust := derOf(second.TrustFor("example-root"))
	assert.Len(t, trust, len(first.TrustFor("example-root")))
	for name, expected := range map[string][2]int{"warehouse-renewed": {}, "warehouse-expired": {10, 0}, "warehouse-root-expired": {10, 2}} {
		code, depth := verdict(t, get(t, second, name).Presented(), trust)
		assert.Equal(t, expected, [2]int{code, depth}, name)
	}

	_, err = pki.Mint(t.Context(), all, pki.Options{Now: atNoon, Existing: map[string]pki.Existing{"warehouse": {DER: []byte("no"), Key: nil}}})
	assert.ErrorContains(t, err, `minting "warehouse": reading the certificate that was minted before`)
	_, err = pki.Mint(t.Context(), all, pki.Options{Now: atNoon, Existing: map[string]pki.Existing{
		"warehouse": {DER: existing["warehouse"].DER, Key: existing["gateway"].Key}}})
	assert.ErrorContains(t, err, "the private key does not belong to the certificate")
	_, err = pki.Mint(t.Context(), all, pki.Options{Now: atNoon, Existing: map[string]pki.Existing{"example-issuing": {DER: existing["example-issuing"].DER}}})
	assert.ErrorContains(t, err, "private key")
}

func TestEntriesFor(t *testing.T) {
	names := func(list []pki.Description) []string {
		var out []string
		for _, d := range list {
			out = append(out, d.Name)
		}
		return out
	}
	all := describe(t, landscape)
	assert.Equal(t, []string{"example-root", "example-issuing", "warehouse", "warehouse-expired"}, names(pki.EntriesFor(all, "warehouse-expired")))
	assert.Equal(t, []string{"example-root", "example-issuing", "other-root", "cross", "warehouse-cross"}, names(pki.EntriesFor(all, "warehouse-cross", "nobody")))
	assert.Empty(t, pki.EntriesFor(all))
}
