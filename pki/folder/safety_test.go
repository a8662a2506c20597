package folder_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/folder"
)

const small = `
- {name: root, ca: true}
- {name: leaf, issuer: root}
`

func put(t require.TestingT, dir, name, content string) {
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
}

func TestOtherPeoplesFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt", "leaf.pem", ".DS_Store"} {
		put(t, dir, name, "mine")
	}
	before := snapshot(t, dir)
	_, err := folder.Compare(t.Context(), dir, describe(t, small), options())
	var foreign *folder.ForeignError
	require.ErrorAs(t, err, &foreign)
	assert.Len(t, foreign.Files, 7)
	assert.ErrorContains(t, err, `"a.txt", "b.txt", "c.txt", "d.txt", "e.txt" and 2 more; nothing was changed. Choose another folder`)
	assert.Equal(t, before, snapshot(t, dir))

	// Forced: they stay beside ours, and the one that is in the way is replaced, which the plan says.
	p := compare(t, dir, small, force)
	assert.Equal(t, []string{"leaf.pem"}, p.Entries()[1].Conflicts)
	_, err = p.Apply(t.Context())
	require.NoError(t, err)
	after := snapshot(t, dir)
	assert.Equal(t, "mine", after["a.txt"])
	assert.Contains(t, after["leaf.pem"], "BEGIN CERTIFICATE")

	// Those that may stay are known from then on; a new one is not.
	assert.True(t, compare(t, dir, small).NothingToDo())
	put(t, dir, "g.txt", "mine")
	_, err = folder.Compare(t.Context(), dir, describe(t, small), options())
	require.ErrorAs(t, err, &foreign)
	assert.Equal(t, []string{"g.txt"}, foreign.Files)
}

func TestForeignReadmeIsForeign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, folder.ReadmeName, "mine")
	_, err := folder.Compare(t.Context(), dir, describe(t, small), options())
	assert.ErrorContains(t, err, `"README.txt"`)
}

func TestChangedByHand(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"out of date":   replace(small, "name: leaf, issuer: root", "name: leaf, issuer: root, key: P-384"),
		"as described":  small,
		"not described": replace(small, "- {name: leaf, issuer: root}\n", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			apply(t, dir, small)
			put(t, dir, "leaf.pem", "changed by hand")
			before := snapshot(t, dir)
			prune := func(o *folder.Options) { o.Prune = true }
			p := compare(t, dir, document, prune)
			_, err := p.Apply(t.Context())
			var conflict *folder.ConflictError
			require.ErrorAs(t, err, &conflict)
			assert.Equal(t, []string{"leaf.pem"}, conflict.Files)
			assert.ErrorContains(t, err, "somebody changed leaf.pem; nothing was written")
			assert.Equal(t, before, snapshot(t, dir))

			p = compare(t, dir, document, prune, force)
			_, err = p.Apply(t.Context())
			require.NoError(t, err)
			assert.NotEqual(t, "changed by hand", snapshot(t, dir)["leaf.pem"])
			assert.True(t, compare(t, dir, document, prune).NothingToDo())
		})
	}
}

func TestReadmeIsWrittenAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apply(t, dir, small)
	before := snapshot(t, dir)
	require.NoError(t, os.Remove(filepath.Join(dir, folder.ReadmeName)))
	p := compare(t, dir, small)
	assert.False(t, p.NothingToDo())
	_, err := p.Apply(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before, snapshot(t, dir))

	put(t, dir, folder.ReadmeName, "my notes")
	_, err = compare(t, dir, small).Apply(t.Context())
	assert.ErrorContains(t, err, "somebody changed README.txt")
}

func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("mine"), 0o600))
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "leaf.pem")); err != nil {
		t.Skipf("SKIPPED: no symbolic links here: %v", err)
	}
	_, err := folder.Compare(t.Context(), dir, describe(t, small), options(force))
	assert.ErrorContains(t, err, "leaf.pem in the folder "+dir+" is not a regular file")

	// A file of ours that somebody made a link of is not read through, and not written through.
	other := t.TempDir()
	apply(t, other, small)
	require.NoError(t, os.Remove(filepath.Join(other, "leaf.cer")))
	require.NoError(t, os.Symlink(outside, filepath.Join(other, "leaf.cer")))
	_, err = folder.Compare(t.Context(), other, describe(t, small), options(force))
	assert.ErrorContains(t, err, "leaf.cer in the folder "+other+" is not a regular file")
	data, err := os.ReadFile(outside)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(data))
}

func TestNotAFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := folder.Compare(t.Context(), file, describe(t, small), options())
	assert.ErrorContains(t, err, "is not a folder")
}

func TestRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{
		`{name: "../x", issuer: root}`:                                                "name: \"../x\": expected printable characters without slash",
		`{name: "..", issuer: root}`:                                                  "name: \"..\" cannot be a file name",
		`{name: "a:b", issuer: root}`:                                                 "name: \"a:b\" cannot be a file name",
		`{name: nul, issuer: root}`:                                                   "reserved on Windows",
		`{name: ROOT, issuer: root}`:                                                  `its file ROOT.cer is one of "root" too`,
		`{name: leaf-chain, issuer: root}`:                                            `its file leaf-chain.pem is one of "leaf" too`,
		`{name: x, issuer: y, ca: true}, {name: y, issuer: x, ca: true}`:              "goes round in a circle",
		`{name: x, issuer: rot}`:                                                      `did you mean "root"?`,
		`{name: x, issuer: root, export: {formats: [pen]}}`:                           `export.formats[0]: unknown format "pen"`,
		`{name: y, issuer: root, export: {formats: [truststore-p1]}}`:                 `did you mean "truststore-p12"?`,
		`{name: x, issuer: root, export: {formats: [pem, pem]}}`:                      "export.formats[1]: pem stands twice",
		`{name: x, issuer: root, export: {formats: []}}`:                              "export.formats: found none",
		`{name: x, issuer: root, export: {formats: [p12]}}`:                           "export.formats[0]: p12 needs a password",
		`{name: x, issuer: root, export: {formats: [crl]}}`:                           "export.formats[0]: crl is a list of what a CA has revoked",
		`{name: x, issuer: root, key: ed25519, export: {formats: [key-traditional]}}`: "export.formats[0]: an Ed25519 key has no traditional format",
		`{name: x, file: x.pem, export: {formats: [key]}}`:                            "export.formats[0]: key holds the private key, which is not there",
		`{name: x, issuer: root, export: {passwordEnv: A, passwordFile: b}}`:          "export.passwordFile: does not go with passwordEnv",
	} {
		t.Run(entry, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "out")
			document := small + "- " + strings.ReplaceAll(entry, "}, {name: y", "}\n- {name: y")
			_, err := folder.Compare(t.Context(), dir, describe(t, document), options())
			var problems pki.Problems
			require.ErrorAs(t, err, &problems)
			assert.Contains(t, err.Error(), want)
			assert.NotZero(t, problems[0].Index)
			assert.NoDirExists(t, dir)
		})
	}
	_, err := folder.Compare(t.Context(), t.TempDir(), describe(t, small), options(func(o *folder.Options) { o.Names = []string{"nobody"} }))
	assert.EqualError(t, err, `no entry is named "nobody"`)
	_, err = folder.Compare(t.Context(), t.TempDir(), describe(t, small), options(func(o *folder.Options) {
		o.Password = func(pki.Description) (string, error) { return "", errors.New("no such variable") }
	}))
	assert.EqualError(t, err, "pki entry 1, export.passwordEnv: no such variable\npki entry 2, export.passwordEnv: no such variable")
}

// interrupt cancels the context when so many steps are done.
func interrupt(after int, cancel func()) func(*folder.Options) {
	return func(o *folder.Options) {
		o.Progress = func(done, total int) {
			if done >= after {
				cancel()
			}
		}
	}
}

// Wherever a run ends, what it leaves is whole, known to be ours, and completed by the next run.
func TestInterruptedRun(t *testing.T) {
	t.Parallel()
	changed := replace(base, "CN=warehouse, O=Example", "CN=warehouse, O=Other")
	for after := 0; after < 60; after += 4 {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := compare(t, dir, base, interrupt(after, cancel)).Apply(ctx)
		cancel()
		if err != nil {
			assert.ErrorIs(t, err, context.Canceled)
			for name, data := range snapshot(t, dir) {
				assert.NotEmpty(t, data, name)
				assert.False(t, strings.HasPrefix(name, ".gatehouse-"), name)
			}
			apply(t, dir, base)
		}
		code(t, dir, base)
		require.True(t, compare(t, dir, base).NothingToDo())

		// The same with a folder that has something to change.
		ctx, cancel = context.WithCancel(t.Context())
		_, err = compare(t, dir, changed, interrupt(after, cancel)).Apply(ctx)
		cancel()
		if err != nil {
			p := compare(t, dir, changed)
			for _, e := range p.Entries() {
				require.Empty(t, e.Conflicts, "after %d steps", after)
			}
			_, err = p.Apply(t.Context())
			require.NoError(t, err)
		}
		code(t, dir, changed)
		require.True(t, compare(t, dir, changed).NothingToDo())
	}
}

// A killed run can leave a file that is not complete; it goes with the next one.
func TestLeftoversOfAKilledRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apply(t, dir, small)
	put(t, dir, ".gatehouse-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "half a fi")
	p := compare(t, dir, replace(small, "name: leaf, issuer: root", "name: leaf, issuer: root, key: P-384"))
	_, err := p.Apply(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, snapshot(t, dir), ".gatehouse-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	put(t, dir, ".gatehouse-notes", "mine")
	_, err = folder.Compare(t.Context(), dir, describe(t, small), options())
	assert.ErrorContains(t, err, ".gatehouse-notes")
}

func TestNamedEntriesOnly(t *testing.T) {
	t.Parallel()
	only := func(names ...string) func(*folder.Options) {
		return func(o *folder.Options) { o.Names = names }
	}
	dir := t.TempDir()
	r := apply(t, dir, base, only("warehouse-expired"))
	var names []string
	for _, w := range r.Written {
		names = append(names, w.Certificate.Name())
	}
	assert.Equal(t, []string{"root", "issuing", "warehouse-expired"}, names)
	assert.NoFileExists(t, filepath.Join(dir, "warehouse.cer"))
	assert.True(t, compare(t, dir, base, only("warehouse-expired")).NothingToDo())
	before := snapshot(t, dir)
	apply(t, dir, base, only("shop"))
	after := snapshot(t, dir)
	assert.Len(t, changes(before, after), 12)
	assert.Contains(t, after[folder.ReadmeName], "warehouse-expired.cer", "the README tells of all that is there")
	apply(t, dir, base)
	code(t, dir, base)
	assert.Empty(t, slices.DeleteFunc(changes(after, snapshot(t, dir)), func(name string) bool {
		return strings.HasPrefix(name, "warehouse") && !strings.HasPrefix(name, "warehouse-expired") || strings.HasPrefix(name, "warehouse-early") || strings.HasPrefix(name, "below-expired")
	}))
}

const stores = `
- {name: root, ca: true, export: {formats: [cer, crl, key]}}
- {name: leaf, issuer: root, export: {formats: [p12, jks, key-encrypted, truststore-p12, zip], alias: sender, passwordEnv: P}}
- {name: gone, issuer: root, defect: revoked, export: {formats: [cer]}}
`

func TestPasswords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apply(t, dir, stores, password("s3cr3t"))
	before := snapshot(t, dir)
	for name, data := range before {
		assert.NotContains(t, data, "s3cr3t", name)
	}
	assert.Empty(t, todo(compare(t, dir, stores, password("s3cr3t"))))

	// With another password the key cannot be had from the folder.
	p := compare(t, dir, stores, password("other"))
	assert.Equal(t, []string{"mint leaf: password changed; private key is not in the folder"}, todo(p))

	// The alias changes nothing about the certificate.
	p = compare(t, dir, replace(stores, "alias: sender", "alias: other"), password("s3cr3t"))
	assert.Equal(t, []string{"write files leaf: export changed: alias"}, todo(p))
	_, err := p.Apply(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"leaf-encrypted.key", "leaf-truststore.p12", "leaf.jks", "leaf.p12", "leaf.zip"}, changes(before, snapshot(t, dir)))

	// By default a key store is written if there is a password, and stays if there is none.
	other := t.TempDir()
	apply(t, other, small, password("s3cr3t"))
	assert.True(t, compare(t, other, small).NothingToDo())
	assert.Contains(t, snapshot(t, other), "leaf.p12")
	apply(t, other, replace(small, "name: leaf, issuer: root", "name: leaf, issuer: root, key: P-384"))
	assert.NotContains(t, snapshot(t, other), "leaf.p12", "it would hold the certificate of before")
	assert.Contains(t, snapshot(t, other), "root.p12")
}

func TestCRL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apply(t, dir, stores, password("s3cr3t"))
	list := func() *x509.RevocationList {
		crl, err := x509.ParseRevocationList([]byte(snapshot(t, dir)["root.crl"]))
		require.NoError(t, err)
		require.NoError(t, crl.CheckSignatureFrom(certificate(t, dir, "root")))
		return crl
	}
	first := list()
	require.Len(t, first.RevokedCertificateEntries, 1)
	assert.Equal(t, certificate(t, dir, "gone").SerialNumber, first.RevokedCertificateEntries[0].SerialNumber)

	more := stores + "- {name: gone-too, like: gone}\n"
	p := compare(t, dir, more, password("s3cr3t"))
	assert.Equal(t, []string{"write files root: CRL changed: other certificates are revoked", "mint gone-too: new"}, todo(p))
	root := certificate(t, dir, "root")
	_, err := p.Apply(t.Context())
	require.NoError(t, err)
	assert.Len(t, list().RevokedCertificateEntries, 2)
	assert.Equal(t, root, certificate(t, dir, "root"))

	late := at(first.NextUpdate.Add(time.Second))
	p = compare(t, dir, more, password("s3cr3t"), late)
	require.Len(t, todo(p), 1)
	assert.Contains(t, todo(p)[0], "write files root: CRL changed: it ran out at ")
	_, err = p.Apply(t.Context())
	require.NoError(t, err)
	assert.True(t, list().NextUpdate.After(first.NextUpdate))
	assert.True(t, compare(t, dir, more, password("s3cr3t"), late).NothingToDo())
}

func TestFilesThatAreNamed(t *testing.T) {
	t.Parallel()
	stored := pki.NewRoot("Stored Root", pki.Clock(func() time.Time { return noon }))
	second := pki.NewRoot("Stored Root", pki.Clock(func() time.Time { return noon }))
	key, err := x509.MarshalPKCS8PrivateKey(stored.Key())
	require.NoError(t, err)
	secondKey, err := x509.MarshalPKCS8PrivateKey(second.Key())
	require.NoError(t, err)
	files := map[string][]byte{"root.cer": stored.DER(), "root.key": key}
	load := func(o *folder.Options) {
		o.Load = func(path string) ([]byte, error) {
			if data, there := files[path]; there {
				return data, nil
			}
			return nil, fs.ErrNotExist
		}
	}
	document := "- {name: root, file: root.cer, keyFile: root.key, ca: true}\n- {name: leaf, issuer: root}\n"
	dir := t.TempDir()
	apply(t, dir, document, load)
	code(t, dir, document)
	assert.True(t, compare(t, dir, document, load, at(noon.AddDate(0, 1, 0))).NothingToDo())
	files["root.cer"], files["root.key"] = second.DER(), secondKey
	p := compare(t, dir, document, load)
	assert.Equal(t, []string{"mint root: changed: content of a file that is named", "mint leaf: issuer changed: root"}, todo(p))
	_, err = p.Apply(t.Context())
	require.NoError(t, err)
	code(t, dir, document)
	delete(files, "root.key")
	_, err = folder.Compare(t.Context(), dir, describe(t, document), options(load))
	assert.EqualError(t, err, "pki entry 1, keyFile: reading root.key: file does not exist")
}

func TestManifestOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"":                          "it is not the JSON that was written",
		"{":                         "it is not the JSON that was written",
		`{"version": 2}`:            "it was written by a later version",
		`{"version": 1, "more": 1}`: "unknown field",
		`{"version": 1, "entries": [{"name":"x","described":{"name":"x"},"certificate":"AA==","files":[{"name":"../../etc/passwd"}]}]}`: `"../../etc/passwd" is not a file in the folder`,
		`{"version": 1, "entries": [{"name":"x","described":{"name":"y"}}]}`:                                                            "its name is not that of its description",
	} {
		dir := t.TempDir()
		put(t, dir, folder.ManifestName, content)
		_, err := folder.Compare(t.Context(), dir, describe(t, small), options(force))
		assert.ErrorContains(t, err, want, content)
	}
}
