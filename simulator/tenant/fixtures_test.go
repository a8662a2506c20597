package tenant

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noon is the time of all tests that need one.
var noon = time.Date(2021, 4, 12, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// der is something that has the outer form of a certificate and differs by n.
func der(n int) []byte {
	return []byte{0x30, 0x06, 0x02, 0x04, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// named makes a certificate with these names as subject and issuer, in the order of the
// certificate: only its names matter here.
func named(t testing.TB, subject, issuer pkix.Name) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject, NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0)}
	parent := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: issuer, NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0)}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return cert
}

func newTenant(t testing.TB, c Config) *Tenant {
	t.Helper()
	out, err := New(c, at(noon))
	require.NoError(t, err)
	return out
}
