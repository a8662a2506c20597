package pki_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// taken is a certificate taken apart with encoding/asn1: independently of the builder and of the
// proof, which rest on cryptobyte, and without crypto/x509, which refuses some.
type taken struct {
	Signed struct {
		Raw        asn1.RawContent
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     asn1.RawValue
		Algorithm  asn1.RawValue
		Issuer     asn1.RawValue
		Validity   struct{ NotBefore, NotAfter asn1.RawValue }
		Subject    asn1.RawValue
		Key        takenKey
		Extensions []takenExtension `asn1:"omitempty,optional,explicit,tag:3"`
	}
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

type takenKey struct {
	Algorithm asn1.RawValue
	Bits      asn1.BitString
}

type takenExtension struct {
	ID       asn1.ObjectIdentifier
	Critical bool `asn1:"optional"`
	Value    []byte
}

var takenNames = map[string]string{
	"2.5.29.14": "subjectKeyIdentifier", "2.5.29.15": "keyUsage", "2.5.29.17": "subjectAltName",
	"2.5.29.19": "basicConstraints", "2.5.29.30": "nameConstraints", "2.5.29.35": "authorityKeyIdentifier",
	"2.5.29.36": "policyConstraints", "2.5.29.37": "extKeyUsage", "2.16.840.1.113730.1.1": "netscapeCertType",
}

func (k takenKey) id() []byte {
	sum := sha256.Sum256(k.Bits.Bytes)
	return sum[:20]
}

// fields are the parts by their names. What differs between any two good twins is left out.
func fields(t testing.TB, chain [][]byte, at int) map[string]string {
	t.Helper()
	read := func(der []byte) (c taken) {
		rest, err := asn1.Unmarshal(der, &c)
		require.NoError(t, err)
		require.Empty(t, rest)
		return c
	}
	c := read(chain[at])
	above := c
	if at+1 < len(chain) {
		above = read(chain[at+1])
	}
	out := map[string]string{
		"version": fmt.Sprint(c.Signed.Version), "serialNumber": fmt.Sprint(len(c.Signed.Serial.Bytes), c.Signed.Serial.Bytes[0]>>7),
		"signature": string(c.Signed.Algorithm.FullBytes), "signatureAlgorithm": string(c.Algorithm.FullBytes),
		"issuer": string(c.Signed.Issuer.FullBytes), "subject": string(c.Signed.Subject.FullBytes),
		"notBefore": string(c.Signed.Validity.NotBefore.FullBytes), "notAfter": string(c.Signed.Validity.NotAfter.FullBytes),
		"subjectPublicKeyInfo": fmt.Sprintf("%x %s", c.Signed.Key.Algorithm.FullBytes, kindOf(c.Signed.Key)),
	}
	if len(c.Signed.Serial.Bytes) == 1 {
		out["serialNumber"] = fmt.Sprintf("%x", c.Signed.Serial.Bytes)
	}
	for _, e := range c.Signed.Extensions {
		name, known := takenNames[e.ID.String()]
		if !known {
			name = "extension " + e.ID.String()
		}
		value := bytes.ReplaceAll(e.Value, c.Signed.Key.id(), []byte("own"))
		value = bytes.ReplaceAll(value, above.Signed.Key.id(), []byte("above"))
		if name == "authorityKeyIdentifier" {
			value = bytes.ReplaceAll(value, []byte("own"), []byte("above"))
		}
		out[name] += fmt.Sprintf("%t %x", e.Critical, value)
	}
	return out
}

func kindOf(k takenKey) string {
	var rsa struct{ N, E asn1.RawValue }
	if _, err := asn1.Unmarshal(k.Bits.Bytes, &rsa); err != nil || len(rsa.N.Bytes) < 2 {
		return fmt.Sprint(len(k.Bits.Bytes))
	}
	return fmt.Sprintf("%d bits, exponent %x", new(big.Int).SetBytes(rsa.N.Bytes).BitLen(), rsa.E.Bytes)
}

// A defective certificate differs from its good twin in nothing but what the catalogue names, and
// the other certificates of its chain in nothing at all.
func TestDefectsChangeOneThing(t *testing.T) {
	t.Parallel()
	seen := map[string]map[string]bool{}
	for _, key := range []pki.KeyType{pki.P256, pki.RSA2048} {
		root := pki.NewRoot("Example Root CA", key, pki.Clock(atNoon))
		issuing := root.Intermediate("Example Issuing CA", key, pki.PathLen(0))
		good := issuing.Client("warehouse", pki.Subject("CN=warehouse, O=Example, C=DE"), pki.DNS("warehouse.example"),
			pki.P256, pki.CRLAt("http://crl.example.com/issuing.crl"), pki.OCSPAt("http://ocsp.example.com"))
		for _, d := range pki.Defects() {
			bad := good.Twin("warehouse", pki.WithDefect(d.ID))
			if seen[d.ID] == nil {
				seen[d.ID] = map[string]bool{}
			}
			for name := range thingsThatDiffer(t, d, good, bad) {
				seen[d.ID][name] = true
			}
		}
	}
	for _, d := range pki.Defects() {
		assert.ElementsMatch(t, d.Differs, slices.Collect(maps.Keys(seen[d.ID])), "%s", d.ID)
	}
}

func thingsThatDiffer(t *testing.T, d pki.Defect, good, bad *pki.Certificate) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	goodPath, badPath := path(good), path(bad)
	depth := map[pki.Level]int{pki.AtLeaf: 0, pki.AtIntermediate: 1, pki.AtRoot: 2, pki.AtChain: 0}[d.Level]
	for i := range min(len(goodPath), len(badPath)) {
		a, b := fields(t, goodPath, i), fields(t, badPath, i)
		for _, name := range slices.Sorted(maps.Keys(union(a, b))) {
			switch {
			case a[name] == b[name]:
			case slices.Contains(d.Differs, "CAs above") && i > 0:
				out["CAs above"] = true
			case i == depth || slices.Contains(d.Differs, "CAs above"):
				out[name] = true
			case d.ID == "md5" && i == 1 && name == "subjectPublicKeyInfo":
				// Only an RSA key signs with MD5.
			case d.ID == "ca-rsa-1024" && i == 0 && (name == "signature" || name == "signatureAlgorithm"):
				// An RSA key signs with RSA.
			default:
				assert.Fail(t, "something else differs too", "%s: %s of certificate %d", d.ID, name, i)
			}
		}
	}
	if d.ID == "look-alike-ca" { // only keys differ
		out["CAs above"] = !bytes.Equal(goodPath[2], badPath[2])
	}
	if len(badPath) == len(goodPath) && !slices.Contains(d.Differs, "CAs above") {
		around(t, d, good, bad, out)
	}
	return out
}

// around looks at what is not in a certificate.
func around(t *testing.T, d pki.Defect, good, bad *pki.Certificate, out map[string]bool) {
	t.Helper()
	if !slices.Equal(shape(path(good), good.Presented()), shape(path(bad), bad.Presented())) {
		out["presented chain"] = true
	}
	if lists(t, good) != lists(t, bad) {
		out["CRL"] = true
	}
	if status(t, good) != status(t, bad) {
		out["OCSP response"] = true
	}
	if len(out) == 0 && (d.ID == "wrong-signer" || d.ID == "broken-signature" || d.ID == "ca-broken-signature") {
		out["signatureValue"] = true // that it is wrong is proved elsewhere
	}
}

func union(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func path(c *pki.Certificate) [][]byte {
	var out [][]byte
	for one := c; one != nil; one = one.Issuer() {
		out = append(out, one.DER())
	}
	return out
}

// shape says of each presented certificate at which place of the path it stands.
func shape(path, presented [][]byte) []int {
	var out []int
	for _, der := range presented {
		out = append(out, slices.IndexFunc(path, func(one []byte) bool { return bytes.Equal(one, der) }))
	}
	return out
}

func pemOf(kind string, ders ...[]byte) []byte {
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	return out
}
