package check_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/pki/verify"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// authority is a root with one intermediate below it.
func authority() (root, issuing *pki.Certificate) {
	root = pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	return root, root.Intermediate("Example Issuing CA")
}

func trusting(certs ...*pki.Certificate) check.Trust {
	var t check.Trust
	for _, c := range certs {
		t.Certificates = append(t.Certificates, c.DER())
	}
	return t
}

func chain(t testing.TB, presented [][]byte, trust check.Trust, o check.Options) check.Report {
	t.Helper()
	if o.At.IsZero() {
		o.At = noon
	}
	r, err := check.Chain(presented, trust, o)
	require.NoError(t, err)
	return r
}

func kinds(r check.Report) []check.Kind {
	var out []check.Kind
	for _, w := range r.Warnings {
		out = append(out, w.Kind)
	}
	return out
}

func TestGoodChainPassesWithoutWords(t *testing.T) {
	root, issuing := authority()
	r := chain(t, issuing.Client("warehouse").Presented(), trusting(root), check.Options{})
	assert.True(t, r.OK)
	assert.Zero(t, r.Code)
	assert.Empty(t, r.Advice)
	assert.Empty(t, r.Notes)
	assert.Empty(t, r.Warnings)
	assert.Len(t, r.Path, 3)
}

func TestMissingIntermediateIsNamedWithItsAddress(t *testing.T) {
	root, issuing := authority()
	address := pki.Extension(pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}, Value: caIssuers(t, "http://ca.example/issuing.cer")})
	r := chain(t, issuing.Client("warehouse", address).Presented()[:1], trusting(root), check.Options{})
	assert.False(t, r.OK)
	assert.Equal(t, 20, r.Code)
	assert.Contains(t, r.Advice, `Send also the certificate of the CA "CN=Example Issuing CA"`)
	require.Len(t, r.Notes, 1)
	assert.Contains(t, r.Notes[0], "http://ca.example/issuing.cer")

	hostile := pki.Extension(pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}, Value: caIssuers(t, "http://ca.example/\x1b[2J")})
	r = chain(t, issuing.Client("warehouse", hostile).Presented()[:1], trusting(root), check.Options{})
	assert.Equal(t, 20, r.Code)
	assert.Empty(t, r.Notes, "an address that does not print is not shown")
}

func caIssuers(t testing.TB, url string) []byte {
	t.Helper()
	der, err := asn1.Marshal([]struct {
		Method   asn1.ObjectIdentifier
		Location asn1.RawValue
	}{{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 2}, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(url)}}})
	require.NoError(t, err)
	return der
}

func TestListTellsOfAnIssuerThatLeft(t *testing.T) {
	passport := pki.NewRoot("passport", pki.Subject("CN=SAP Passport CA, O=SAP Trust Community, C=DE"), pki.Clock(atNoon))
	leaf := passport.Client("somebody")
	now, _ := roots.ByName(roots.Neo, noon)
	for name, presented := range map[string][][]byte{
		"leaf alone": {leaf.DER()}, "with its root": {leaf.DER(), passport.DER()},
	} {
		t.Run(name, func(t *testing.T) {
			r := chain(t, presented, check.Trust{List: now}, check.Options{})
			assert.False(t, r.OK)
			assert.Contains(t, []int{19, 20}, r.Code)
			assert.Contains(t, r.Advice, "left the list on 9 September 2022")
		})
	}
	// While it was on the list, only its fingerprint was known here.
	before, _ := roots.ByName(roots.Neo, roots.Changed.AddDate(-1, 0, 0))
	r := chain(t, [][]byte{leaf.DER()}, check.Trust{List: before}, check.Options{})
	assert.Equal(t, 20, r.Code)
	assert.Contains(t, r.Advice, "only its fingerprint is known here")
	require.Len(t, r.Notes, 1)
	assert.Contains(t, r.Notes[0], "10:BD:99:32:E8:3A:01:CD:C4:4F:56:10:05:47:30:A8:73:18:16:6D")
	// A root of that name with another key is not the one on the list.
	r = chain(t, [][]byte{leaf.DER(), passport.DER()}, check.Trust{List: before}, check.Options{})
	assert.Equal(t, 19, r.Code)
	assert.Contains(t, r.Advice, "another one was presented")
}

func TestRootIsRecognisedByItsFingerprint(t *testing.T) {
	root, issuing := authority()
	list := roots.NewList("ours", []roots.Root{{Subject: "CN=Example Root CA", Issuer: "CN=Example Root CA", SHA1: roots.Fingerprint(root.DER())}})
	presented := issuing.Client("warehouse").Presented()
	r := chain(t, presented, check.Trust{List: list}, check.Options{})
	assert.Equal(t, 20, r.Code)
	assert.Equal(t, 1, r.Depth)
	assert.Contains(t, r.Advice, `Append the root certificate "CN=Example Root CA"`)

	r = chain(t, append(presented, root.DER()), check.Trust{List: list}, check.Options{})
	assert.True(t, r.OK, r.Text)
	require.Len(t, r.Notes, 1)
	assert.Contains(t, r.Notes[0], "was recognised")
}

func TestListTellsThatNoRootHasTheName(t *testing.T) {
	_, issuing := authority()
	list, _ := roots.ByName(roots.Neo, noon)
	r := chain(t, issuing.Client("warehouse").Presented(), check.Trust{List: list}, check.Options{})
	assert.Equal(t, 20, r.Code)
	assert.Equal(t, 1, r.Depth)
	assert.Contains(t, r.Advice, `no root of the list neo-2022 has that name`)
}

func TestWarnings(t *testing.T) {
	root, issuing := authority()
	soon := func(days int) pki.Option { return pki.NotAfter(noon.AddDate(0, 0, days)) }
	both := pki.Usage(x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth)
	for name, test := range map[string]struct {
		presented [][]byte
		options   check.Options
		code      int
		expected  []check.Kind
		text      string
	}{
		"expires in 30 days":           {issuing.Client("a", soon(30)).Presented(), check.Options{}, 0, []check.Kind{check.Expires}, "in 30 days"},
		"expires in 31 days":           {issuing.Client("a", soon(31)).Presented(), check.Options{}, 0, nil, ""},
		"asked for 60 days":            {issuing.Client("a", soon(31)).Presented(), check.Options{ExpiresWithin: 60 * 24 * time.Hour}, 0, []check.Kind{check.Expires}, "in 31 days"},
		"its issuer expires":           {root.Intermediate("i", soon(5)).Client("a").Presented(), check.Options{}, 0, []check.Kind{check.Expires}, `"CN=i" expires`},
		"has expired":                  {issuing.Client("a", soon(0)).Presented(), check.Options{}, 10, nil, ""},
		"no extended key usage":        {issuing.Client("a", pki.Usage()).Presented(), check.Options{}, 0, []check.Kind{check.NoClientAuth}, "names no extended key usage"},
		"server only":                  {issuing.Client("a", pki.WithDefect("server-only")).Presented(), check.Options{}, 26, nil, ""},
		"server only, chain not sent":  {issuing.Client("a", pki.WithDefect("server-only")).Presented()[:1], check.Options{}, 20, []check.Kind{check.NoClientAuth}, "verify result 26 once the rest is right"},
		"server and client":            {issuing.Client("a", both).Presented(), check.Options{}, 0, []check.Kind{check.NoClientAuth}, "renewal may lack clientAuth"},
		"SHA-1":                        {issuing.Client("a", pki.WithDefect("sha1")).Presented(), check.Options{}, 68, nil, ""},
		"SHA-1 at level 0":             {issuing.Client("a", pki.WithDefect("sha1")).Presented(), check.Options{Level: verify.Level0}, 0, []check.Kind{check.WeakDigest}, "SHA-1"},
		"SHA-1, chain not sent":        {issuing.Client("a", pki.WithDefect("sha1")).Presented()[:1], check.Options{}, 20, []check.Kind{check.WeakDigest}, "SHA-1"},
		"space behind the common name": {issuing.Client("a", pki.WithDefect("trailing-space-cn")).Presented(), check.Options{}, 0, []check.Kind{check.TrailingSpace}, "the tenant does not"},
	} {
		t.Run(name, func(t *testing.T) {
			r := chain(t, test.presented, trusting(root), test.options)
			assert.Equal(t, test.code, r.Code)
			assert.Equal(t, test.expected, kinds(r))
			if test.text != "" {
				assert.Contains(t, r.Warnings[0].Text, test.text)
			}
		})
	}
}

func TestWhatComesNextIsTold(t *testing.T) {
	root, _ := authority()
	old := root.Intermediate("Example Issuing CA", pki.NotAfter(noon.AddDate(0, 0, -1)))
	r := chain(t, old.Client("a", pki.WithDefect("server-only")).Presented(), trusting(root), check.Options{})
	assert.Equal(t, 26, r.Code)
	require.Equal(t, []check.Kind{check.Next}, kinds(r))
	assert.Contains(t, r.Warnings[0].Text, "verify result 10 at depth 1")
}

func TestShapeIsNoted(t *testing.T) {
	root, issuing := authority()
	leaf := issuing.Client("a")
	lower := issuing.Intermediate("Lower CA").Client("b").Presented()
	r := chain(t, [][]byte{lower[0], lower[2], lower[1]}, trusting(root), check.Options{})
	assert.True(t, r.OK)
	assert.Contains(t, strings.Join(r.Notes, " "), "not in the order of the chain")
	r = chain(t, [][]byte{issuing.DER(), leaf.DER()}, trusting(root), check.Options{})
	assert.Contains(t, strings.Join(r.Notes, " "), "The first certificate, \"CN=Example Issuing CA\", is a CA certificate")
}

func TestBadInput(t *testing.T) {
	root, issuing := authority()
	leaf := issuing.Client("a").Presented()
	r := chain(t, [][]byte{leaf[0], []byte("nonsense")}, trusting(root), check.Options{})
	assert.False(t, r.OK)
	assert.Equal(t, 1, r.Depth)
	assert.NotEmpty(t, r.Unreadable)
	r = chain(t, nil, trusting(root), check.Options{})
	assert.False(t, r.OK)
	assert.Contains(t, r.Advice, "Send a client certificate")
	_, err := check.Chain(leaf, check.Trust{Certificates: [][]byte{[]byte("x")}}, check.Options{})
	assert.ErrorContains(t, err, "trust list: certificate 1 of 1")
	_, err = check.Chain(leaf, trusting(root), check.Options{CRLs: [][]byte{[]byte("x")}})
	assert.ErrorContains(t, err, "CRL 1 of 1")
}

// The result is that of package verify, whatever else is said.
func TestResultIsThatOfTheVerifier(t *testing.T) {
	root, issuing := authority()
	list, err := verify.NewTrustList(root.DER())
	require.NoError(t, err)
	verifier := verify.New(list, verify.Options{Now: atNoon})
	for _, d := range pki.Defects() {
		bad, err := pki.Create(issuing, pki.Client, "a", pki.WithDefect(d.ID))
		if err != nil {
			continue // needs another kind of chain
		}
		expected := verifier.Verify(bad.Presented())
		r := chain(t, bad.Presented(), trusting(root), check.Options{})
		assert.Equal(t, expected.Code, r.Code, d.ID)
		assert.Equal(t, expected.Depth, r.Depth, d.ID)
		assert.Equal(t, expected.OK(), r.OK, d.ID)
		assert.Equal(t, r.OK, r.Advice == "", d.ID)
	}
}
