package pki_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const landscape = `
- {name: example-root, subject: "CN=Example Root CA, O=Example, C=DE", ca: true}
- {name: example-issuing, issuer: example-root, ca: true, pathLen: 0}
- {name: warehouse, issuer: example-issuing, subject: "CN=warehouse, O=Example, C=DE", usage: [clientAuth], validFor: 365d}
- {name: warehouse-renewed, like: warehouse}
- {name: warehouse-expired, like: warehouse, defect: expired}
- {name: warehouse-root-expired, like: warehouse, defect: root-expired}
- {name: warehouse-intermediate-expired, like: warehouse, defect: intermediate-expired}
- {name: warehouse-self-signed, like: warehouse, defect: self-signed}
- {name: other-root, ca: true, key: P-384, notBefore: -5y, notAfter: "2040-01-31"}
- {name: cross, crossSigns: example-issuing, issuer: other-root}
- {name: warehouse-cross, issuer: cross, serial: "0x1f"}
- {name: gateway, issuer: example-issuing, usage: [serverAuth], dns: [gateway.example], ip: [127.0.0.1, "::1"]}
- {name: any-purpose, issuer: example-issuing, usage: []}
`

func describe(t testing.TB, document string) []pki.Description {
	t.Helper()
	var out []pki.Description
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(document), &out, yaml.Strict()))
	return out
}

func mint(t testing.TB, document string) *pki.Set {
	t.Helper()
	set, err := pki.Mint(t.Context(), describe(t, document), pki.Options{Now: atNoon})
	require.NoError(t, err)
	return set
}

func get(t testing.TB, set *pki.Set, name string) *pki.Certificate {
	t.Helper()
	c, ok := set.Get(name)
	require.True(t, ok, name)
	return c
}

func TestMint(t *testing.T) {
	set := mint(t, landscape)
	good := get(t, set, "warehouse")
	assert.Equal(t, "CN=warehouse, O=Example, C=DE", pki.FormatDN(good.X509().RawSubject))
	assert.WithinDuration(t, noon.Add(-time.Hour).AddDate(0, 0, 365), good.X509().NotAfter, 0)
	renewed := get(t, set, "warehouse-renewed")
	assert.Empty(t, differences(good.X509(), renewed.X509()))
	assert.NotEqual(t, good.X509().SerialNumber, renewed.X509().SerialNumber)
	assert.Equal(t, "warehouse-expired", get(t, set, "warehouse-expired").Name())
	assert.Equal(t, "31", get(t, set, "warehouse-cross").X509().SerialNumber.String())
	assert.Equal(t, "CN=other-root", pki.FormatDN(get(t, set, "other-root").X509().RawSubject))
	assert.WithinDuration(t, noon.AddDate(-5, 0, 0), get(t, set, "other-root").X509().NotBefore, 0)
	assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, get(t, set, "gateway").X509().ExtKeyUsage)
	assert.Equal(t, []string{"127.0.0.1", "::1"}, ips(get(t, set, "gateway")))
	assert.Empty(t, get(t, set, "any-purpose").X509().ExtKeyUsage)
	assert.True(t, get(t, set, "example-issuing").X509().MaxPathLenZero)

	trust := derOf(set.TrustFor("example-root"))
	for name, expected := range map[string][2]int{
		"warehouse": {}, "warehouse-renewed": {}, "any-purpose": {},
		"warehouse-expired": {10, 0}, "warehouse-root-expired": {10, 2},
		"warehouse-intermediate-expired": {10, 1}, "warehouse-self-signed": {18, 0}, "gateway": {26, 0},
		"warehouse-cross": {20, 1},
	} {
		code, depth := verdict(t, get(t, set, name).Presented(), trust)
		assert.Equal(t, expected, [2]int{code, depth}, name)
	}
	code, _ := verdict(t, get(t, set, "warehouse-cross").Presented(), derOf(set.TrustFor("other-root")))
	assert.Zero(t, code)
}

func derOf(certificates []*x509.Certificate) [][]byte {
	var out [][]byte
	for _, c := range certificates {
		out = append(out, c.Raw)
	}
	return out
}

func TestTrustFor(t *testing.T) {
	set := mint(t, landscape)
	root, twin := get(t, set, "example-root"), get(t, set, "warehouse-root-expired").Root()
	assert.Equal(t, root, twin.TwinOf())
	assert.Equal(t, []*x509.Certificate{root.X509(), twin.X509()}, set.TrustFor("example-root"))
	assert.Len(t, set.TrustFor("other-root"), 1)
	assert.Nil(t, set.TrustFor("nobody"))

	late := get(t, set, "example-issuing").Client("late", pki.RootExpired())
	require.NoError(t, set.Add("late", late))
	assert.Len(t, set.TrustFor("example-root"), 3)
	assert.EqualError(t, set.Add("late", late), `adding certificate "late": the name is taken`)
	assert.ErrorContains(t, set.Add("a/b", late), "without slash")
	assert.ErrorContains(t, set.Add("none", nil), "there is none")
	assert.Equal(t, "late", set.Names()[len(set.Names())-1])
	assert.NoError(t, new(pki.Set).Add("x", late), "the zero value is ready")
}

func TestLikeTakesTheDefectToo(t *testing.T) {
	set := mint(t, landscape+`
- {name: again, like: warehouse-expired}
- {name: other, like: warehouse-expired, defect: server-only}
- {name: moved, like: warehouse, issuer: other-root}
- {name: prolonged, like: warehouse, notAfter: +5y}
- {name: old, like: warehouse, notAfter: -1y}
- {name: later, like: warehouse, notBefore: +10d}
- {name: deeper, like: other-root, issuer: example-root}
`)
	assert.Equal(t, "expired", get(t, set, "again").Defect())
	other := get(t, set, "other")
	assert.Equal(t, "server-only", other.Defect())
	assert.True(t, other.X509().NotAfter.After(noon), "one defect at a time")
	assert.Same(t, get(t, set, "other-root"), get(t, set, "moved").Issuer())
	assert.WithinDuration(t, noon.AddDate(5, 0, 0), get(t, set, "prolonged").X509().NotAfter, 0)
	assert.WithinDuration(t, noon.AddDate(-1, 0, 0), get(t, set, "old").X509().NotAfter, 0)
	assert.WithinDuration(t, noon.AddDate(0, 0, 375), get(t, set, "later").X509().NotAfter, 0)
	assert.Same(t, get(t, set, "example-root"), get(t, set, "deeper").Root())
}

func TestMintDoesNotMindTheOrder(t *testing.T) {
	t.Parallel()
	all := describe(t, landscape)
	rapid.Check(t, func(r *rapid.T) {
		shuffled := rapid.Permutation(all).Draw(r, "order")
		seed := bytes.Repeat([]byte{7}, 32)
		set, err := pki.Mint(context.Background(), shuffled, pki.Options{Now: atNoon, Rand: bytes.NewReader(seed)})
		require.NoError(r, err)
		ordered, err := pki.Mint(context.Background(), all, pki.Options{Now: atNoon, Rand: bytes.NewReader(seed)})
		require.NoError(r, err)
		for _, d := range all {
			a, _ := set.Get(d.Name)
			b, _ := ordered.Get(d.Name)
			require.Equal(r, b.FullChain(), a.FullChain(), d.Name)
		}
	})
}

func TestMintRepeatsWithoutOtherEntries(t *testing.T) {
	all := describe(t, landscape)
	options := func() pki.Options {
		return pki.Options{Now: atNoon, Rand: mathrand.NewChaCha8([32]byte{1})}
	}
	whole, err := pki.Mint(t.Context(), all, options())
	require.NoError(t, err)
	part, err := pki.Mint(t.Context(), all[:3], options())
	require.NoError(t, err)
	assert.Equal(t, get(t, whole, "warehouse").DER(), get(t, part, "warehouse").DER())

	_, err = pki.Mint(t.Context(), all, pki.Options{Rand: strings.NewReader("short")})
	assert.ErrorContains(t, err, "reading the seed")
}

func TestMintStopsWhenAskedTo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := pki.Mint(ctx, describe(t, landscape), pki.Options{})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestValidate(t *testing.T) {
	assert.Empty(t, pki.Validate(describe(t, landscape)))
	assert.Empty(t, pki.Validate(nil))
	base := `
- {name: root, ca: true}
- {name: issuing, issuer: root, ca: true}
- {name: leaf, issuer: issuing}
- {name: stored, file: a.pem, ca: true}
`
	cases := []struct{ entry, field, message string }{
		{`{name: "", ca: true}`, "name", "expected a name"},
		{`{name: root, issuer: root}`, "name", `"root" is the name of entry 1 already`},
		{`{name: "a/b", issuer: root}`, "name", "without slash"},
		{`{name: " a", issuer: root}`, "name", "begins or ends with a blank"},
		{`{name: x}`, "issuer", `expected the name of a CA; write "ca: true" for a root, or "defect: self-signed"`},
		{`{name: x, issuer: isuing}`, "issuer", `no entry is named "isuing"; did you mean "issuing"?`},
		{`{name: x, issuer: zzzzzzzz}`, "issuer", `no entry is named "zzzzzzzz"; known are root, issuing, leaf, stored, x`},
		{`{name: x, like: leef}`, "like", `did you mean "leaf"?`},
		{`{name: x, crossSigns: isuing, issuer: root}`, "crossSigns", `did you mean "issuing"?`},
		{`{name: x, issuer: leaf}`, "issuer", `"leaf" is not a CA`},
		{`{name: x, issuer: stored}`, "issuer", "cannot sign without its keyFile"},
		{`{name: x, crossSigns: stored, issuer: root}`, "crossSigns", "cannot be signed again without its keyFile"},
		{`{name: x, issuer: x, ca: true}`, "issuer", `goes round in a circle: "x" -> "x"`},
		{`{name: x, issuer: root, defect: expird}`, "defect", `unknown defect "expird"; did you mean "expired"?`},
		{`{name: x, issuer: root, defect: intermediate-expired}`, "defect", "needs an intermediate CA"},
		{`{name: x, issuer: root, ca: true, defect: server-only}`, "defect", "concerns the leaf of a chain and cannot be given to the intermediate"},
		{`{name: x, ca: true, defect: intermediate-expired}`, "defect", "cannot be given to the root"},
		{`{name: x, issuer: root, key: rsa-512}`, "key", `unknown key type "rsa-512"`},
		{`{name: x, issuer: root, usage: [clientauth]}`, "usage", `unknown usage "clientauth"`},
		{`{name: x, issuer: root, usage: [any, any]}`, "usage", "any stands twice"},
		{`{name: x, issuer: root, subject: "CN=a, b"}`, "subject", "column 7: expected ATTRIBUTE=value"},
		{`{name: x, issuer: root, subject: " "}`, "subject", "expected a name such as"},
		{`{name: x, issuer: root, dns: [a b]}`, "dns", `"a b" is not a host name`},
		{`{name: x, issuer: root, ip: [1.2.3]}`, "ip", `"1.2.3" is not an IP address`},
		{`{name: x, issuer: root, serial: "0"}`, "serial", "expected a positive number"},
		{`{name: x, issuer: root, serial: 0x}`, "serial", "expected a positive number"},
		{`{name: x, issuer: root, ca: true, pathLen: -1}`, "pathLen", "found -1, expected 0 or more"},
		{`{name: x, issuer: root, pathLen: 1}`, "pathLen", "only a CA"},
		{`{name: x, issuer: root, notBefore: +2y, notAfter: +1y}`, "notAfter", "+1y is not after notBefore +2y"},
		{`{name: x, issuer: root, notBefore: "2030-01-01", notAfter: "2029-01-01"}`, "notAfter", "is not after notBefore"},
		{`{name: x, issuer: root, notAfter: +1y, validFor: 1y}`, "validFor", "does not go with notAfter"},
		{`{name: x, issuer: root, ca: true, usage: [clientAuth]}`, "usage", "does not go with ca"},
		{`{name: x, like: issuing, dns: [a.example]}`, "dns", "does not go with ca"},
		{`{name: x, like: leaf, ca: true}`, "ca", `"leaf" is not a CA`},
		{`{name: x, crossSigns: issuing, issuer: root, key: P-256}`, "key", "does not go with crossSigns"},
		{`{name: x, crossSigns: issuing, issuer: root, like: leaf}`, "like", "does not go with crossSigns"},
		{`{name: x, crossSigns: issuing}`, "issuer", `expected the CA that cross-signs "issuing"`},
		{`{name: x, file: a.pem, defect: expired}`, "defect", "does not go with file"},
		{`{name: x, issuer: root, keyFile: a.key, key: P-256}`, "key", "does not go with keyFile"},
	}
	for _, c := range cases {
		t.Run(c.entry, func(t *testing.T) {
			all := describe(t, base+"- "+c.entry)
			problems := pki.Validate(all)
			require.Len(t, problems, 1, "%v", problems)
			assert.Equal(t, 4, problems[0].Index)
			assert.Equal(t, c.field, problems[0].Field)
			assert.Contains(t, problems[0].Message, c.message)

			_, err := pki.Mint(t.Context(), all, pki.Options{Load: func(string) ([]byte, error) {
				t.Error("nothing may be read before all is valid")
				return nil, fs.ErrNotExist
			}})
			var reported pki.Problems
			require.ErrorAs(t, err, &reported)
			assert.Equal(t, pki.Problems(problems), reported)
			assert.Contains(t, err.Error(), "pki entry 5, "+c.field+": ")
		})
	}
}

func TestValidateFindsEverything(t *testing.T) {
	problems := pki.Validate(describe(t, `
- {name: a, issuer: b, ca: true}
- {name: b, issuer: c, ca: true}
- {name: c, issuer: a, ca: true, pathLen: -1}
- {name: d, issuer: a, key: x, serial: "-1"}
- {name: e, like: d}
`))
	var found []string
	for _, p := range problems {
		found = append(found, fmt.Sprintf("%d %s", p.Index, p.Field))
	}
	assert.Equal(t, []string{"2 issuer", "2 pathLen", "3 key", "3 serial"}, found)
	assert.Equal(t, `goes round in a circle: "a" -> "b" -> "c" -> "a"`, problems[0].Message)

	many := make([]pki.Description, 5001)
	assert.Len(t, pki.Validate(many), 1)
}

// A document of the permitted length is validated in no time, however its entries hang together.
func TestValidateLongChains(t *testing.T) {
	t.Parallel()
	all := []pki.Description{{Name: "n0", CA: true}}
	for i := 1; i < 5000; i++ {
		all = append(all, pki.Description{Name: fmt.Sprintf("n%d", i), Like: fmt.Sprintf("n%d", i-1)})
	}
	slices.Reverse(all)
	assert.Empty(t, pki.Validate(all))
}

func TestDatesThatOnlyTheClockOrders(t *testing.T) {
	all := describe(t, `[{name: r, ca: true, notBefore: "2026-01-01", notAfter: +0d}]`)
	assert.Empty(t, pki.Validate(all))
	_, err := pki.Mint(t.Context(), all, pki.Options{Now: atNoon})
	assert.NoError(t, err)
	_, err = pki.Mint(t.Context(), all, pki.Options{Now: func() time.Time { return noon.AddDate(-2, 0, 0) }})
	assert.ErrorContains(t, err, "pki entry 1, notAfter: now (now 2024-11-23T12:00:00Z) is not after notBefore")
}

func TestFiles(t *testing.T) {
	root := pki.NewRoot("Stored Root", pki.Subject("CN=Stored Root, O=Example"), pki.Clock(atNoon))
	issuing := root.Intermediate("Stored Issuing", pki.PathLen(0))
	leaf := issuing.Client("stored")
	keyDER := func(c *pki.Certificate) []byte {
		out, err := x509.MarshalPKCS8PrivateKey(c.Key())
		require.NoError(t, err)
		return out
	}
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	files := map[string][]byte{
		"root.cer":     root.DER(),
		"issuing.pem":  append(block("PRIVATE KEY", keyDER(issuing)), block("CERTIFICATE", issuing.DER())...),
		"leaf.pem":     block("CERTIFICATE", leaf.DER()),
		"leaf.key":     keyDER(leaf),
		"empty":        nil,
		"big":          make([]byte, 2<<20),
		"garbage":      []byte("hello"),
		"cut.pem":      []byte("-----BEGIN CERTIFICATE-----\nMII"),
		"secret.pem":   block("ENCRYPTED PRIVATE KEY", []byte{1}),
		"key-only.pem": block("PRIVATE KEY", keyDER(leaf)),
	}
	load := func(path string) ([]byte, error) {
		data, ok := files[path]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return data, nil
	}
	set, err := pki.Mint(t.Context(), describe(t, `
- {name: root, file: root.cer, ca: true}
- {name: issuing, file: issuing.pem, keyFile: issuing.pem, ca: true, issuer: root}
- {name: leaf, file: leaf.pem, keyFile: leaf.key, issuer: issuing}
- {name: minted, issuer: issuing}
- {name: same-key, issuer: issuing, keyFile: leaf.key}
- {name: renewed, like: leaf}
- {name: alone, file: leaf.pem}
`), pki.Options{Now: atNoon, Load: load})
	require.NoError(t, err)
	assert.Equal(t, leaf.DER(), get(t, set, "leaf").DER())
	assert.Len(t, get(t, set, "leaf").Chain(), 2)
	assert.Nil(t, get(t, set, "root").Key())
	assert.Nil(t, get(t, set, "alone").Key())
	assert.Nil(t, get(t, set, "alone").TLSCertificate().PrivateKey)
	assert.Len(t, get(t, set, "alone").Chain(), 1)
	assert.Equal(t, leaf.X509().RawSubjectPublicKeyInfo, get(t, set, "same-key").X509().RawSubjectPublicKeyInfo)
	assert.Empty(t, differences(leaf.X509(), get(t, set, "renewed").X509()))
	for _, name := range []string{"leaf", "minted", "same-key", "renewed"} {
		code, _ := verdict(t, get(t, set, name).Presented(), raw(root))
		assert.Zero(t, code, name)
	}

	for _, c := range []struct{ document, message string }{
		{`[{name: x, file: missing}]`, `minting "x": reading missing: file does not exist`},
		{`[{name: x, file: empty}]`, "the file is empty, expected a certificate"},
		{`[{name: x, file: big}]`, "the file has 2097152 bytes, expected 1048576 at most"},
		{`[{name: x, file: garbage}]`, "reading garbage: not a certificate"},
		{`[{name: x, file: cut.pem}]`, "the PEM is damaged, expected a certificate"},
		{`[{name: x, file: key-only.pem}]`, "found PRIVATE KEY, expected a certificate"},
		{`[{name: x, file: leaf.pem, keyFile: secret.pem}]`, "the private key is encrypted"},
		{`[{name: x, file: leaf.pem, keyFile: garbage}]`, "not a private key in PKCS#8, PKCS#1 or SEC 1"},
		{`[{name: x, file: leaf.pem, keyFile: issuing.pem}]`, "the key in issuing.pem does not belong to the certificate in leaf.pem"},
		{`[{name: x, file: leaf.pem, ca: true}]`, "the certificate in leaf.pem is not a CA"},
		{`[{name: x, file: leaf.pem, issuer: r}, {name: r, file: root.cer, ca: true}]`, `is "CN=Stored Issuing", expected "CN=Stored Root, O=Example"`},
		{`[{name: x, issuer: i, defect: intermediate-expired}, {name: i, file: issuing.pem, keyFile: issuing.pem, ca: true, issuer: r}, {name: r, file: root.cer, ca: true}]`,
			`the private key of the issuer "root" is not there`},
	} {
		document := strings.ReplaceAll(c.document, "name: r,", "name: root,")
		document = strings.ReplaceAll(document, "issuer: r}", "issuer: root}")
		_, err := pki.Mint(t.Context(), describe(t, document), pki.Options{Now: atNoon, Load: load})
		assert.ErrorContains(t, err, c.message, c.document)
	}
	_, err = pki.Mint(t.Context(), describe(t, `[{name: x, file: y}]`), pki.Options{})
	assert.ErrorContains(t, err, "files are not allowed here")
	assert.False(t, errors.As(err, new(pki.Problems)))
}

// Descriptions survive being written and read, which editors and reports rely on.
func TestDescriptionsReadBack(t *testing.T) {
	all := describe(t, landscape)
	out, err := yaml.Marshal(all)
	require.NoError(t, err)
	assert.Equal(t, all[:12], describe(t, string(out))[:12])
	assert.NotContains(t, string(out), "notBefore: \"\"")
}

func FuzzValidate(f *testing.F) {
	for _, seed := range []string{
		`[{"name":"r","ca":true,"pathLen":1},{"name":"l","issuer":"r","subject":"CN=l, C=DE","dns":["a.example"],"ip":["::1"],"usage":["any"]}]`,
		`[{"name":"a","like":"b"},{"name":"b","like":"a","defect":"expired","validFor":"1y","notBefore":"-1d"}]`,
		`[{"name":"a","crossSigns":"a","issuer":"a","serial":"0x1","key":"P-256"}]`,
		`[{"name":"a","file":"f","keyFile":"k"}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		var all []pki.Description
		if json.Unmarshal(document, &all) != nil {
			return
		}
		for _, p := range pki.Validate(all) {
			require.NotEmpty(t, p.Message)
			require.Less(t, p.Index, len(all))
		}
	})
}
