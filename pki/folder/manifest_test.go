package folder

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
)

// A manifest may have been changed by anybody: whatever is in it, it is refused or can be written
// again, and names no file outside of the folder.
func FuzzManifest(f *testing.F) {
	whole, err := (&manifest{Seed: "seeded 00", Entries: []record{{
		Name: "a", Described: pki.Description{Name: "a", CA: true, NotAfter: pki.MomentFromNow(pki.Span{Years: 1})},
		Certificate: []byte{1}, Files: []fileRecord{{Name: "a.cer", Format: "cer", SHA256: "00"}},
	}}, Pending: &pending{}}).encode()
	require.NoError(f, err)
	f.Add(whole)
	f.Add([]byte(`{"version":1,"entries":[{"name":"a","described":{"name":"a"},"certificate":"AA==","files":[{"name":"..\\x"}]}]}`))
	f.Add([]byte(`{"version":9}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil {
			return
		}
		for _, r := range m.Entries {
			for _, file := range r.Files {
				assert.NotContains(t, file.Name, "/")
				assert.NotContains(t, file.Name, `\`)
				assert.NotContains(t, []string{"", ".", ".."}, file.Name)
			}
		}
		out, err := m.encode()
		require.NoError(t, err)
		again, err := parseManifest(out)
		require.NoError(t, err)
		third, err := again.encode()
		require.NoError(t, err)
		assert.Equal(t, string(out), string(third))
	})
}

// Every field of a description is compared, and is inherited unless it is the entry's own.
func TestEffective(t *testing.T) {
	n := 1
	from := pki.Description{
		Name: "from", Subject: "CN=from", Issuer: "root", Defect: "expired", CA: true, Key: "P-256", KeyUsage: []string{"cRLSign"},
		Usage: []string{"any"}, DNS: []string{"a"}, IP: []string{"::1"}, Email: []string{"a@b"}, URI: []string{"urn:a"},
		NotBefore: pki.MomentFromNow(pki.Span{Days: 1}), NotAfter: pki.MomentFromNow(pki.Span{Days: 2}), ValidFor: pki.Span{Days: 3},
		CrossSigns: "x", Serial: "1", PathLen: &n, CRL: []string{"c"}, OCSP: []string{"o"}, CAIssuers: []string{"i"},
		Extensions: []pki.ExtensionDescription{{OID: "1.2"}}, KeyFile: "k",
		Export: pki.ExportDescription{Formats: []string{"pem"}, Alias: "al", PasswordEnv: "E"},
	}
	all := []pki.Description{{Name: "heir", Like: "from"}, from, {Name: "own", Like: "heir", Usage: []string{}, ValidFor: pki.Span{Years: 1},
		Export: pki.ExportDescription{PasswordFile: "f"}}}
	eff := effective(all)
	heir := eff["heir"]
	want := from
	want.Name, want.Serial, want.KeyFile = "heir", "", ""
	assert.Equal(t, want, heir)
	own := eff["own"]
	assert.Equal(t, []string{}, own.Usage)
	assert.Equal(t, pki.Span{Years: 1}, own.ValidFor)
	assert.True(t, own.NotAfter.IsZero(), "one of the two gives the end")
	assert.Equal(t, pki.ExportDescription{Formats: []string{"pem"}, Alias: "al", PasswordFile: "f"}, own.Export)

	data, err := json.Marshal(from)
	require.NoError(t, err)
	var read pki.Description
	require.NoError(t, json.Unmarshal(data, &read))
	fields, export := changedFields(from, read)
	assert.Empty(t, fields, "what the manifest says is what was written")
	assert.False(t, export)
	fields, export = changedFields(from, pki.Description{})
	assert.Len(t, fields, 23, "every field counts: %v", fields)
	assert.True(t, export)
}
