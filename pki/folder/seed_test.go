package folder_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/folder"
)

// everything has every kind of key in every format, with good certificates, defects and a CRL.
const everything = `
- {name: root, ca: true, key: P-256, export: {formats: [cer, pem, chain, fullchain, key, key-traditional, key-encrypted, p7b, p12, p12-legacy, pfx, jks, truststore-p12, truststore-jks, crl, zip]}}
- {name: issuing, issuer: root, ca: true, key: RSA-2048, export: {formats: [cer, pem, chain, fullchain, key, key-traditional, key-encrypted, p7b, p12, p12-legacy, pfx, jks, truststore-p12, truststore-jks, crl, zip]}}
- {name: ecdsa, issuer: issuing, key: P-384, export: {formats: [cer, pem, chain, fullchain, key, key-traditional, key-encrypted, p7b, p12, p12-legacy, pfx, jks, truststore-p12, truststore-jks, zip]}}
- {name: ed25519, issuer: issuing, key: Ed25519, export: {formats: [cer, pem, chain, fullchain, key, key-encrypted, p7b, p12, p12-legacy, pfx, jks, truststore-p12, truststore-jks, zip]}}
- {name: rsa, issuer: issuing, key: RSA-2048, export: {formats: [cer, pem, chain, fullchain, key, key-traditional, key-encrypted, p7b, p12, p12-legacy, pfx, jks, truststore-p12, truststore-jks, zip]}}
- {name: rsa-alone, like: rsa, defect: chain-not-sent}
- {name: gone, like: ecdsa, defect: revoked}
- {name: below-expired, like: ecdsa, defect: intermediate-expired}
`

func seeded(seed string) func(*folder.Options) {
	return func(o *folder.Options) { o.Seed = seed }
}

func digest(files map[string]string) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256([]byte(files[name])))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// With a seed the whole folder is a function of seed, clock and document. The recorded sum proves
// it for other machines, systems and days.
func TestSeededFoldersAreIdentical(t *testing.T) {
	t.Parallel()
	secret := password("s3cr3t")
	one, two := t.TempDir(), t.TempDir()
	apply(t, one, everything, seeded("a"), secret)
	apply(t, two, everything, seeded("a"), secret, func(o *folder.Options) { o.Names = []string{"rsa-alone", "ed25519"} })
	apply(t, two, everything, seeded("a"), secret) // the order of things does not matter
	first, second := snapshot(t, one), snapshot(t, two)
	require.Len(t, first, 121+2, "README and manifest too")
	for name := range first {
		assert.Equal(t, first[name], second[name], name)
	}
	assert.Len(t, second, len(first))
	assert.Equal(t, "7234309e8675f27b0e013dc19e3e9698d697b4b145645ecea51c652f1abf171a", digest(first))
	for name, data := range first {
		assert.NotContains(t, data, "s3cr3t", name)
	}

	assert.True(t, compare(t, one, everything, seeded("a"), secret, at(noon.Add(time.Hour))).NothingToDo())
	p := compare(t, one, everything, seeded("b"), secret)
	assert.Len(t, todo(p), 8, "another seed is another folder")

	// A lost file comes back as it was.
	for name := range first {
		if name != folder.ManifestName {
			put(t, two, name, "changed")
		}
	}
	apply(t, two, everything, seeded("a"), secret, force)
	assert.Empty(t, changes(first, snapshot(t, two)))
}
