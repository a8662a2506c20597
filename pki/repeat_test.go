package pki_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	mathrand "math/rand/v2"
	"testing"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/assert"
)

// With the same source of randomness and the same clock each defect comes out the same, to the
// byte and on every machine, with its chain, its CRLs and its OCSP response. The sums were
// recorded; who changes what a defect looks like records them anew.
func TestDefectsRepeat(t *testing.T) {
	recorded := map[pki.KeyType]string{
		pki.P256:    "ae3ca49795197df842953088916854ea0281f51caab6d829e061ba00ab882924",
		pki.Ed25519: "74bd63a9aa3b45c8a76253df5d8f480e357504c23b376f6c01fea8c2eeee7f3a",
		pki.RSA2048: "ff3863badc44ec661cbb03aa24e3dcb7a7d4cbd7af49d43cccee3dc779b89c8e",
	}
	for key, expected := range recorded {
		t.Run(key.String(), func(t *testing.T) {
			t.Parallel()
			// One stream of its own for each, so that a new defect does not change the others.
			stream := func(name string) io.Reader { return mathrand.NewChaCha8(sha256.Sum256([]byte(key.String() + name))) }
			root := pki.NewRoot("Example Root CA", key, pki.Clock(atNoon), pki.Rand(stream("root")))
			issuing := root.Intermediate("Example Issuing CA", pki.Rand(stream("issuing")), key)
			one := func(id string) []byte {
				c := issuing.Client("warehouse", pki.Rand(stream(id)), pki.WithDefect(id))
				all := append(path(c), c.Presented()...)
				all = append(append(all, c.CRLs()...), c.OCSPResponses()...)
				return bytes.Join(all, nil)
			}
			sum := sha256.New()
			for _, id := range append([]string{""}, pki.DefectIDs()...) {
				made := one(id)
				sum.Write(made)
				if key == pki.P256 { // the recorded sums say it of the others
					assert.True(t, bytes.Equal(made, one(id)), "%s differs when it is minted again", id)
				}
			}
			assert.Equal(t, expected, hex.EncodeToString(sum.Sum(nil)))
		})
	}
}
