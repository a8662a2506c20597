package pki_test

import (
	"bytes"
	"crypto/x509"
	"regexp"
	"testing"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefectsAreWhatOpenSSLFinds(t *testing.T) {
	openSSL(t)
	for _, key := range []pki.KeyType{pki.P256, pki.RSA2048} {
		t.Run(key.String(), func(t *testing.T) {
			root := pki.NewRoot("Example Root CA", key, pki.Clock(atNoon))
			issuing := root.Intermediate("Example Issuing CA", key)
			good := issuing.Client("warehouse", key)
			code, _ := verdict(t, good.Presented(), raw(root))
			require.Zero(t, code, "the good twin must be accepted")

			for _, d := range pki.Defects() {
				t.Run(d.ID, func(t *testing.T) {
					t.Parallel()
					bad := issuing.Client("warehouse", key, pki.WithDefect(d.ID))
					// Who trusts the good root trusts its twin.
					trusted := raw(root)
					if top := bad.Root(); top.TwinOf() == root {
						trusted = append(trusted, top.DER())
					}
					code, depth := verdict(t, bad.Presented(), trusted)
					assert.Equal(t, d.Code, code)
					assert.Equal(t, d.Depth, depth)
					assert.Equal(t, d.ID, bad.Defect())
				})
			}
		})
	}
}

func TestDefectsLeaveTheGoodOnesAlone(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA")
	before := bytes.Clone(issuing.DER())
	for _, d := range pki.Defects() {
		issuing.Client("warehouse", pki.WithDefect(d.ID))
	}
	assert.Equal(t, before, issuing.DER())
	good := issuing.Client("warehouse")
	_, err := good.X509().Verify(x509.VerifyOptions{
		Roots: pool(root.X509()), Intermediates: pool(issuing.X509()), CurrentTime: noon,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	assert.NoError(t, err)
}

// A defective certificate differs from its good twin in nothing but the defect.
func TestDefectsChangeOneThing(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA", pki.PathLen(0))
	good := issuing.Client("warehouse", pki.Subject("CN=warehouse, O=Example, C=DE"), pki.DNS("warehouse.example"))
	// What each defect may change, in the certificate of its level.
	allowed := map[string][]string{
		"self-signed": {"issuer", "authority key"}, "expired": {"validity"}, "not-yet-valid": {"validity"},
		"no-client-auth": {"usages"}, "server-only": {"usages"}, "any-eku-only": {"usages"},
		"trailing-space-cn": {"subject"}, "wrong-signer": nil, "broken-signature": nil,
		"unknown-critical-extension": {"extensions"}, "sha1": {"algorithm"},
		"rsa-1024": {"key type", "key usage"}, "intermediate-expired": {"validity"},
		"issuer-not-ca": {"constraints"}, "no-basic-constraints": {"constraints", "extensions"},
		"ca-key-usage-missing": {"key usage"}, "root-expired": {"validity"}, "chain-not-sent": nil,
	}
	for _, d := range pki.Defects() {
		t.Run(d.ID, func(t *testing.T) {
			expected, known := allowed[d.ID]
			require.True(t, known, "a new defect: say what it may change")
			bad := good.Twin("warehouse", pki.WithDefect(d.ID))
			goodPath, badPath := good.FullChain(), bad.FullChain()
			if d.ID != "self-signed" {
				require.Len(t, badPath, len(goodPath))
			}
			depth := map[pki.Level]int{pki.AtLeaf: 0, pki.AtIntermediate: 1, pki.AtRoot: 2, pki.AtChain: 0}[d.Level]
			for i := range badPath {
				changed := differences(goodPath[i], badPath[i])
				if i == depth {
					assert.ElementsMatch(t, expected, changed, "certificate %d", i)
				} else {
					assert.Empty(t, changed, "certificate %d", i)
				}
			}
			if d.Level == pki.AtChain {
				assert.NotEqual(t, len(good.Chain()), len(bad.Chain()))
			}
		})
	}
}

// differences names what differs, leaving out keys, serial numbers and signatures.
func differences(a, b *x509.Certificate) []string {
	var out []string
	note := func(what string, same bool) {
		if !same {
			out = append(out, what)
		}
	}
	note("subject", bytes.Equal(a.RawSubject, b.RawSubject))
	note("issuer", bytes.Equal(a.RawIssuer, b.RawIssuer))
	note("validity", a.NotBefore.Equal(b.NotBefore) && a.NotAfter.Equal(b.NotAfter))
	note("key type", a.PublicKeyAlgorithm == b.PublicKeyAlgorithm)
	note("algorithm", a.SignatureAlgorithm == b.SignatureAlgorithm)
	note("key usage", a.KeyUsage == b.KeyUsage)
	note("usages", assert.ObjectsAreEqual(a.ExtKeyUsage, b.ExtKeyUsage))
	note("names", assert.ObjectsAreEqual(a.DNSNames, b.DNSNames))
	note("constraints", a.IsCA == b.IsCA && a.BasicConstraintsValid == b.BasicConstraintsValid && a.MaxPathLen == b.MaxPathLen)
	note("authority key", (len(a.AuthorityKeyId) == 0) == (len(b.AuthorityKeyId) == 0))
	extensions := len(b.Extensions)
	if len(a.AuthorityKeyId) > 0 && len(b.AuthorityKeyId) == 0 {
		extensions++
	}
	note("extensions", len(a.Extensions) == extensions)
	return out
}

func TestDefectsOfACA(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	expired := root.Intermediate("Example Issuing CA", pki.Expired())
	code, depth := verdict(t, expired.Client("warehouse").Presented(), raw(root))
	assert.Equal(t, []int{10, 1}, []int{code, depth})

	own := root.Intermediate("Example Issuing CA", pki.WithDefect("intermediate-expired"))
	code, depth = verdict(t, own.Client("warehouse").Presented(), raw(root))
	assert.Equal(t, []int{10, 1}, []int{code, depth})
	assert.Nil(t, own.TwinOf(), "it has the defect itself and takes nobody's place")

	damaged := root.Intermediate("Example Issuing CA", pki.WithDefect("broken-signature"))
	code, depth = verdict(t, damaged.Client("warehouse").Presented(), raw(root))
	assert.Equal(t, []int{7, 1}, []int{code, depth})

	for _, c := range []struct{ defect, message string }{
		{"server-only", "defect server-only concerns the leaf of a chain and cannot be given to the intermediate"},
		{"root-expired", "defect root-expired concerns the root of a chain and cannot be given to the intermediate"},
		{"expierd", `unknown defect "expierd"; did you mean "expired"?`},
	} {
		_, err := pki.Create(root, pki.CA, "x", pki.WithDefect(c.defect))
		assert.ErrorContains(t, err, c.message)
	}
	_, err := pki.Create(root, pki.Client, "x", pki.IntermediateExpired())
	assert.ErrorContains(t, err, "needs an intermediate CA between leaf and root")
}

func TestRootExpiredHasTwinsOfAllCAs(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	upper := root.Intermediate("Upper CA")
	lower := upper.Intermediate("Lower CA")
	bad := lower.Client("warehouse", pki.RootExpired())
	require.Len(t, bad.FullChain(), 4)
	assert.Equal(t, root, bad.Root().TwinOf())
	assert.Equal(t, lower, bad.Issuer().TwinOf())
	assert.Equal(t, upper, bad.Issuer().Issuer().TwinOf())
	assert.NotEqual(t, root.X509().SubjectKeyId, bad.Root().X509().SubjectKeyId)
	code, depth := verdict(t, bad.Presented(), raw(root, bad.Root()))
	assert.Equal(t, []int{10, 3}, []int{code, depth})

	middle := lower.Client("warehouse", pki.IntermediateExpired())
	assert.Equal(t, upper, middle.Issuer().Issuer(), "only the issuing CA is replaced")
	code, depth = verdict(t, middle.Presented(), raw(root))
	assert.Equal(t, []int{10, 1}, []int{code, depth})
}

func TestCatalogue(t *testing.T) {
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, d := range pki.Defects() {
		assert.Regexp(t, id, d.ID)
		assert.False(t, seen[d.ID], d.ID)
		seen[d.ID] = true
		assert.NotEmpty(t, d.Title, d.ID)
		assert.NotEmpty(t, d.InLife, d.ID)
		assert.Contains(t, []pki.Level{pki.AtLeaf, pki.AtIntermediate, pki.AtRoot, pki.AtChain}, d.Level, d.ID)
	}
	list := pki.Defects()
	list[0].ID = "changed"
	assert.NotEqual(t, "changed", pki.Defects()[0].ID, "the catalogue cannot be changed from outside")
}

func pool(certificates ...*x509.Certificate) *x509.CertPool {
	out := x509.NewCertPool()
	for _, c := range certificates {
		out.AddCert(c)
	}
	return out
}
