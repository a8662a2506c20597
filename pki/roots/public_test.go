package roots

import (
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func TestPublicKnowsTheNamesOfMozillasRoots(t *testing.T) {
	t.Parallel()
	for r := range bundle.Roots() {
		c, err := x509.ParseCertificate(r.Certificate)
		require.NoError(t, err)
		assert.True(t, Public(c.RawSubject))
		assert.False(t, Public(append([]byte{0}, c.RawSubject...)))
		break
	}
	assert.False(t, Public(nil))
}
