//go:debug x509negativeserial=1
//go:debug tlsmaxrsasize=16384

package loadbalancer

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/gatehouse/pki"
)

// With the settings that the command is built with, crypto/tls reads a negative serial number as
// OpenSSL does; package verify decides.
func TestNegativeSerialNumberIsNoReasonToEndTheHandshake(t *testing.T) {
	h := open(t, nil)
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, _ uint16) {
		for name, code := range map[string]int{"serial-negative": 0, "chain-with-unreadable-extra": 0} {
			t.Run(name, func(t *testing.T) {
				cert := h.pki.issuing.Client("warehouse.example", pki.WithDefect(name)).TLSCertificate()
				config := only(h.as(nil))
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
				a, j := h.call(t, config)
				assert.Equal(t, 200, a.status)
				assert.True(t, j.Verification.Presented)
				assert.Equal(t, code, j.Verification.Code)
			})
		}
	})
}
