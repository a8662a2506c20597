package pki_test

import (
	"bytes"
	"crypto/x509"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefectsLeaveTheGoodOnesAlone(t *testing.T) {
	t.Parallel()
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
		{"revoked", "defect revoked is one of a leaf's chain and cannot be given to the intermediate"},
		{"server-only", "defect server-only concerns the leaf of a chain and cannot be given to the intermediate"},
		{"root-expired", "defect root-expired concerns the root of a chain and cannot be given to the intermediate"},
		{"expierd", `unknown defect "expierd"; did you mean "expired"?`},
	} {
		_, err := pki.Create(root, pki.CA, "x", pki.WithDefect(c.defect))
		assert.ErrorContains(t, err, c.message)
	}
	for _, id := range []string{"intermediate-expired", "path-length-exceeded", "chain-not-sent"} {
		_, err := pki.Create(root, pki.Client, "x", pki.WithDefect(id))
		assert.ErrorContains(t, err, "needs an intermediate CA between leaf and root", id)
	}
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
	count := map[pki.Group]int{}
	groups := pki.Groups()
	last := 0
	for _, d := range pki.Defects() {
		assert.Regexp(t, id, d.ID)
		assert.False(t, seen[d.ID], d.ID)
		seen[d.ID] = true
		count[d.Group]++
		at := slices.Index(groups, d.Group)
		assert.GreaterOrEqual(t, at, last, "%s: the catalogue goes group by group", d.ID)
		last = at
		for what, text := range map[string]string{
			"title": d.Title, "clause": d.Clause, "twin": d.Twin, "Go": string(d.Go), "handshake": string(d.Handshake),
		} {
			assert.NotEmpty(t, text, "%s: %s", d.ID, what)
		}
		assert.NotEmpty(t, d.Differs, d.ID)
		assert.GreaterOrEqual(t, sentences(d.InLife), 2, "%s: tell it in two sentences at least", d.ID)
		assert.Contains(t, []pki.Level{pki.AtLeaf, pki.AtIntermediate, pki.AtRoot, pki.AtChain}, d.Level, d.ID)
		if d.Code == 0 {
			assert.Empty(t, d.Expected(), d.ID)
			assert.Zero(t, d.Depth, d.ID)
			assert.Empty(t, d.Followers, d.ID)
			assert.False(t, d.NeedsCRL, d.ID)
		} else {
			assert.Equal(t, pki.Finding{Code: d.Code, Depth: d.Depth}, d.Expected()[0], d.ID)
		}
	}
	assert.GreaterOrEqual(t, len(seen), 60)
	for _, g := range groups {
		assert.NotZero(t, count[g], "the group %s is empty", g)
	}
	list := pki.Defects()
	list[0].ID, list[0].Differs[0] = "changed", "changed"
	assert.NotEqual(t, "changed", pki.Defects()[0].ID, "the catalogue cannot be changed from outside")
	assert.NotEqual(t, "changed", pki.Defects()[0].Differs[0])
	// Suites name these.
	for _, id := range []string{
		"self-signed", "expired", "not-yet-valid", "no-client-auth", "server-only", "any-eku-only", "trailing-space-cn",
		"wrong-signer", "broken-signature", "unknown-critical-extension", "sha1", "rsa-1024", "intermediate-expired",
		"issuer-not-ca", "no-basic-constraints", "ca-key-usage-missing", "root-expired", "chain-not-sent",
	} {
		assert.True(t, seen[id], "%s was there and must stay", id)
	}
}

func sentences(text string) int { return strings.Count(text+" ", ". ") }

func pool(certificates ...*x509.Certificate) *x509.CertPool {
	out := x509.NewCertPool()
	for _, c := range certificates {
		out.AddCert(c)
	}
	return out
}
