package verify_test

import (
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/verify"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every case of the catalogue of defects and its good twin, with keys of two kinds, with and
// without CRLs: the command in every line, the library in the whole sequence of errors.
func TestOracleCatalogue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	clock := pki.Clock(func() time.Time { return now })
	defects := pki.Defects()
	require.NotEmpty(t, defects)
	for _, key := range []pki.KeyType{pki.P256, pki.RSA2048} {
		t.Run(key.String(), func(t *testing.T) {
			t.Parallel()
			cases := verify.NewCatalogue(t)
			root := pki.NewRoot("Example Root CA", key, clock)
			issuing := root.Intermediate("Example Issuing CA", key)
			put := func(t *testing.T, id string, options ...pki.Option) {
				leaf := issuing.Client("warehouse", options...)
				trusted := [][]byte{root.DER()}
				if top := leaf.Root(); top.TwinOf() == root {
					trusted = append(trusted, top.DER())
				}
				cases.Put(t, id, now, trusted, leaf.Presented(), nil, verify.CRLOff)
				cases.Put(t, id+", CRL of the leaf", now, trusted, leaf.Presented(), leaf.CRLs(), verify.CRLLeaf)
				cases.Put(t, id+", all CRLs", now, trusted, leaf.Presented(), leaf.CRLs(), verify.CRLAll)
			}
			put(t, "without defect")
			for _, d := range defects {
				t.Run(d.ID, func(t *testing.T) { put(t, d.ID, pki.WithDefect(d.ID)) })
			}
			compared, agreed := cases.Report(t)
			assert.Equal(t, compared, agreed)
			assert.GreaterOrEqual(t, compared, 3*7*len(defects), "every case was compared")
		})
	}
}
