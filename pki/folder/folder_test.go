package folder_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/folder"
	"example.com/gatehouse/pki/keystore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const base = `
- {name: root, subject: "CN=Example Root CA, O=Example, C=DE", ca: true}
- {name: issuing, issuer: root, ca: true}
- {name: warehouse, issuer: issuing, subject: "CN=warehouse, O=Example", validFor: 90d}
- {name: warehouse-expired, like: warehouse, defect: expired}
- {name: warehouse-early, like: warehouse, defect: not-yet-valid}
- {name: below-expired, like: warehouse, defect: intermediate-expired}
- {name: other-root, ca: true}
- {name: shop, issuer: other-root}
`

func describe(t require.TestingT, document string) []pki.Description {
	var out []pki.Description
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(document), &out, yaml.Strict()))
	return out
}

// readme names the certificates and their files, as a function of its argument alone.
func readme(written []folder.Written) []byte {
	var b bytes.Buffer
	for _, w := range written {
		fmt.Fprintf(&b, "%s (%s):", w.Certificate.Name(), pki.FormatDN(w.Certificate.X509().RawSubject))
		for _, f := range w.Files {
			fmt.Fprintf(&b, " %s", f.Name)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func options(change ...func(*folder.Options)) folder.Options {
	o := folder.Options{Now: func() time.Time { return noon }, Readme: readme}
	for _, c := range change {
		c(&o)
	}
	return o
}

func at(now time.Time) func(*folder.Options) {
	return func(o *folder.Options) { o.Now = func() time.Time { return now } }
}

func password(word string) func(*folder.Options) {
	return func(o *folder.Options) { o.Password = func(pki.Description) (string, error) { return word, nil } }
}

func force(o *folder.Options) { o.Force = true }

func compare(t require.TestingT, dir, document string, change ...func(*folder.Options)) *folder.Plan {
	p, err := folder.Compare(context.Background(), dir, describe(t, document), options(change...))
	require.NoError(t, err)
	return p
}

func apply(t require.TestingT, dir, document string, change ...func(*folder.Options)) *folder.Result {
	p := compare(t, dir, document, change...)
	r, err := p.Apply(context.Background())
	require.NoError(t, err)
	return r
}

// todo is what a plan says, without the entries that are kept.
func todo(p *folder.Plan) []string {
	var out []string
	for _, e := range p.Entries() {
		if e.Action == folder.Keep {
			continue
		}
		var why []string
		for _, r := range e.Reasons {
			why = append(why, r.String())
		}
		out = append(out, fmt.Sprintf("%s %s: %s", e.Action, e.Name, strings.Join(why, "; ")))
	}
	return out
}

func snapshot(t require.TestingT, dir string) map[string]string {
	out := map[string]string{}
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(data)
	}
	return out
}

// changes lists the files that differ between two states of a folder, but for the manifest and the
// README.
func changes(a, b map[string]string) []string {
	var out []string
	all := maps.Clone(a)
	maps.Copy(all, b)
	for name := range all {
		if a[name] != b[name] && name != folder.ManifestName && name != folder.ReadmeName {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func certificate(t require.TestingT, dir, name string) *x509.Certificate {
	data, err := os.ReadFile(filepath.Join(dir, name+".cer"))
	require.NoError(t, err)
	c, err := x509.ParseCertificate(data)
	require.NoError(t, err)
	return c
}

func replace(document, old, changed string) string {
	out := strings.Replace(document, old, changed, 1)
	if out == document {
		panic("nothing to replace: " + old)
	}
	return out
}

func TestFirstRunAndNothingToDo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "certificates")
	p := compare(t, dir, base)
	assert.Len(t, todo(p), 8)
	assert.Equal(t, "mint root: new", todo(p)[0])
	assert.NoDirExists(t, dir, "a plan writes nothing")
	r, err := p.Apply(t.Context())
	require.NoError(t, err)
	assert.Len(t, r.Written, 8)
	assert.Equal(t, 48, r.Files)
	before := snapshot(t, dir)
	assert.Len(t, before, 50)
	for _, w := range r.Written {
		assert.Len(t, w.Files, 6)
		for _, f := range w.Files {
			assert.Equal(t, before[f.Name], string(f.Data))
		}
	}
	info, err := os.Stat(filepath.Join(dir, "warehouse.key"))
	require.NoError(t, err)
	if os.PathSeparator == '/' {
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	}

	p = compare(t, dir, base, at(noon.Add(24*time.Hour)))
	assert.Empty(t, todo(p))
	assert.True(t, p.NothingToDo())
	again, err := p.Apply(t.Context())
	require.NoError(t, err)
	assert.Zero(t, again.Files)
	assert.Equal(t, before, snapshot(t, dir))
	// What was kept is known as well as what was minted.
	require.Len(t, again.Written, 8)
	for i, w := range again.Written {
		first := r.Written[i]
		assert.Equal(t, first.Certificate.Name(), w.Certificate.Name())
		assert.Equal(t, first.Certificate.DER(), w.Certificate.DER())
		assert.Equal(t, first.Certificate.Presented(), w.Certificate.Presented())
		assert.Equal(t, rawOf(first.Certificate.FullChain()), rawOf(w.Certificate.FullChain()))
		assert.Equal(t, first.Certificate.Defect(), w.Certificate.Defect())
		assert.Equal(t, first.Certificate.Key(), w.Certificate.Key())
		assert.Equal(t, first.Files, w.Files)
		assert.Equal(t, first.Exports, w.Exports)
	}
	assert.Equal(t, readme(r.Written), readme(again.Written))
}

func rawOf(list []*x509.Certificate) [][]byte {
	var out [][]byte
	for _, c := range list {
		out = append(out, c.Raw)
	}
	return out
}

// Every defect of the catalogue is taken from the folder as it was put there.
func TestEveryDefectIsKept(t *testing.T) {
	t.Parallel()
	document := "- {name: root, ca: true, key: RSA-2048}\n- {name: issuing, issuer: root, ca: true, key: RSA-2048}\n"
	for _, id := range pki.DefectIDs() {
		document += fmt.Sprintf("- {name: with-%s, issuer: issuing, defect: %s}\n", id, id)
	}
	dir := t.TempDir()
	r := apply(t, dir, document)
	p := compare(t, dir, document, at(noon.Add(time.Hour)))
	assert.Empty(t, todo(p))
	again, err := p.Apply(t.Context())
	require.NoError(t, err)
	require.Len(t, again.Written, len(r.Written))
	for i, w := range again.Written {
		first := r.Written[i].Certificate
		assert.Equal(t, first.DER(), w.Certificate.DER(), first.Name())
		assert.Equal(t, first.Presented(), w.Certificate.Presented(), first.Name())
		assert.Equal(t, rawOf(first.FullChain()), rawOf(w.Certificate.FullChain()), first.Name())
	}
}

// A list that is there and empty is not one that is not there, today and in the next run.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	document := replace(base, "name: shop, issuer: other-root", "name: shop, issuer: other-root, usage: []")
	apply(t, dir, document)
	assert.Empty(t, certificate(t, dir, "shop").ExtKeyUsage)
	assert.True(t, compare(t, dir, document).NothingToDo())
	assert.Equal(t, []string{"mint shop: changed: usage"}, todo(compare(t, dir, base)))
}

func TestWhatIsMintedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		change   func(o *folder.Options)
		disturb  func(t *testing.T, dir string)
		want     []string
	}{
		"a field of a leaf": {
			document: replace(base, "name: shop, issuer: other-root", "name: shop, issuer: other-root, dns: [shop.example]"),
			want:     []string{"mint shop: changed: dns"},
		},
		"a field that twins take too": {
			document: replace(base, "CN=warehouse, O=Example", "CN=warehouse, O=Other"),
			want: []string{"mint warehouse: changed: subject", "mint warehouse-expired: changed: subject",
				"mint warehouse-early: changed: subject", "mint below-expired: changed: subject"},
		},
		"a CA, and all below it": {
			document: replace(base, "name: other-root, ca: true", "name: other-root, ca: true, key: P-384"),
			want:     []string{"mint other-root: changed: key", "mint shop: issuer changed: other-root"},
		},
		"another issuer": {
			document: replace(base, "name: shop, issuer: other-root", "name: shop, issuer: issuing"),
			want:     []string{"mint shop: changed: issuer; issuer changed: issuing"},
		},
		"one more": {
			document: base + "- {name: more, issuer: issuing}\n",
			want:     []string{"mint more: new"},
		},
		"one less": {
			document: replace(base, "- {name: shop, issuer: other-root}\n", ""),
			want:     []string{"leave shop: no longer described"},
		},
		"one less, removed": {
			document: replace(base, "- {name: shop, issuer: other-root}\n", ""),
			change:   func(o *folder.Options) { o.Prune = true },
			want:     []string{"remove shop: no longer described"},
		},
		"expired, and a defect that time has mended": {
			document: base, change: at(noon.AddDate(0, 0, 100)),
			want: []string{
				"mint warehouse: expired: valid from 2026-11-23T11:00:00Z to 2027-02-21T11:00:00Z",
				"mint warehouse-early: defect needs renewal: valid from 2026-12-23T12:00:00Z to 2027-03-23T12:00:00Z",
				"mint below-expired: defect needs renewal: valid from 2026-11-23T11:00:00Z to 2027-02-21T11:00:00Z",
			},
		},
		"a clock that goes back": {
			document: base, change: at(noon.AddDate(-1, 0, 0)),
			want: []string{"mint root", "mint issuing", "mint warehouse", "mint warehouse-expired", "mint warehouse-early", "mint below-expired", "mint other-root", "mint shop"},
		},
		"a file is missing": {
			document: base, disturb: func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "issuing.pem"))) },
			want: []string{"write files issuing: file missing: issuing.pem"},
		},
		"the key is missing": {
			document: base, disturb: func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "shop.key"))) },
			want: []string{"mint shop: file missing: shop.key; private key is not in the folder"},
		},
		"the key of a CA is missing": {
			document: base, disturb: func(t *testing.T, dir string) {
				require.NoError(t, os.Remove(filepath.Join(dir, "other-root.key")))
			},
			want: []string{"mint other-root: file missing: other-root.key; private key is not in the folder", "mint shop: issuer changed: other-root"},
		},
		"one more format": {
			document: replace(base, "name: shop, issuer: other-root", "name: shop, issuer: other-root, export: {formats: [cer, pem, chain, fullchain, key, p7b, key-traditional]}"),
			want:     []string{"write files shop: export changed: key-traditional"},
		},
		"one format less": {
			document: replace(base, "name: shop, issuer: other-root", "name: shop, issuer: other-root, export: {formats: [cer, pem, chain, fullchain, key]}"),
			want:     []string{"write files shop: export changed: without shop.p7b"},
		},
		"a password for all": {
			document: base, change: password("s3cr3t"),
			want: []string{"write files root: export changed: p12", "write files issuing: export changed: p12", "write files warehouse: export changed: p12",
				"write files warehouse-expired: export changed: p12", "write files warehouse-early: export changed: p12",
				"write files below-expired: export changed: p12",
				"write files other-root: export changed: p12", "write files shop: export changed: p12"},
		},
		"a seed": {
			document: replace(base, "- {name: shop, issuer: other-root}\n", ""), change: func(o *folder.Options) { o.Seed, o.Prune = "s", true },
			want: []string{"mint root", "mint issuing", "mint warehouse", "mint warehouse-expired", "mint warehouse-early", "mint below-expired", "mint other-root", "remove shop"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			apply(t, dir, base)
			before := snapshot(t, dir)
			if c.disturb != nil {
				c.disturb(t, dir)
			}
			if c.change == nil {
				c.change = func(*folder.Options) {}
			}
			p := compare(t, dir, c.document, c.change)
			got := todo(p)
			require.Len(t, got, len(c.want), "%q", got)
			for i := range got {
				assert.True(t, strings.HasPrefix(got[i], c.want[i]), got[i])
			}
			_, err := p.Apply(t.Context())
			require.NoError(t, err)
			for _, file := range changes(before, snapshot(t, dir)) {
				touched := slices.ContainsFunc(p.Entries(), func(e folder.Entry) bool { return e.Action != folder.Keep && slices.Contains(e.Files, file) })
				assert.True(t, touched, "%s was changed and not planned", file)
			}
			next := compare(t, dir, c.document, c.change)
			assert.True(t, next.NothingToDo(), "%q", todo(next))
			code(t, dir, c.document)
		})
	}
}

// code checks that what is in the folder belongs together: each certificate was issued by the one
// that is there, and each key is that of its certificate.
func code(t require.TestingT, dir, document string) {
	for _, d := range describe(t, document) {
		c := certificate(t, dir, d.Name)
		data, err := os.ReadFile(filepath.Join(dir, d.Name+".key"))
		require.NoError(t, err)
		store, err := keystore.Read(data, "")
		require.NoError(t, err)
		require.Equal(t, c.PublicKey, store.Key.Public(), d.Name)
		if d.Issuer != "" {
			require.NoError(t, c.CheckSignatureFrom(certificate(t, dir, d.Issuer)), d.Name)
		}
		full, err := os.ReadFile(filepath.Join(dir, d.Name+"-fullchain.pem"))
		require.NoError(t, err)
		chain, err := keystore.Read(full, "")
		require.NoError(t, err)
		for i := range chain.Chain[1:] {
			require.NoError(t, chain.Chain[i].CheckSignatureFrom(chain.Chain[i+1]), d.Name)
		}
	}
}

// Whatever is changed about one entry: that entry is minted again, what is below it, and what is
// like it, and nothing else; and then there is nothing to do.
func TestChangeOneField(t *testing.T) {
	t.Parallel()
	seedDir := t.TempDir()
	apply(t, seedDir, base)
	before := snapshot(t, seedDir)
	all := describe(t, base)
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		require.NoError(r, err)
		for name, data := range before {
			require.NoError(r, os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600))
		}
		changed := slices.Clone(all)
		i := rapid.IntRange(0, len(all)-1).Draw(r, "entry")
		switch rapid.SampledFrom([]string{"subject", "serial", "crl", "key", "notAfter", "extensions"}).Draw(r, "field") {
		case "subject":
			changed[i].Subject = "CN=another"
		case "serial":
			changed[i].Serial = "0x40112233445566778899aabbccddeeff"
		case "crl":
			changed[i].CRL = []string{"http://crl.example.com/a.crl"}
		case "key":
			changed[i].Key = "Ed25519"
		case "notAfter":
			changed[i].NotAfter, changed[i].ValidFor = pki.MomentFromNow(pki.Span{Days: 700}), pki.Span{}
		case "extensions":
			changed[i].Extensions = []pki.ExtensionDescription{{OID: "1.2.3.4", Value: "05:00"}}
		}
		own := changed[i].Serial != ""
		want := map[string]bool{all[i].Name: true}
		for range all {
			for _, d := range all {
				if want[d.Issuer] || !own && d.Like == all[i].Name || d.Like != "" && want[issuerOf(all, d)] {
					want[d.Name] = true
				}
			}
		}
		p, err := folder.Compare(context.Background(), dir, changed, options())
		require.NoError(r, err)
		got := map[string]bool{}
		for _, e := range p.Entries() {
			if e.Action != folder.Keep {
				require.Equal(r, folder.Mint, e.Action)
				got[e.Name] = true
			}
		}
		require.Equal(r, want, got)
		_, err = p.Apply(context.Background())
		require.NoError(r, err)
		for _, file := range changes(before, snapshot(r, dir)) {
			require.True(r, slices.ContainsFunc(p.Entries(), func(e folder.Entry) bool { return want[e.Name] && slices.Contains(e.Files, file) }), file)
		}
		p, err = folder.Compare(context.Background(), dir, changed, options())
		require.NoError(r, err)
		require.True(r, p.NothingToDo(), "%q", todo(p))
	})
}

func issuerOf(all []pki.Description, d pki.Description) string {
	for d.Issuer == "" && d.Like != "" {
		d = all[slices.IndexFunc(all, func(o pki.Description) bool { return o.Name == d.Like })]
	}
	return d.Issuer
}
