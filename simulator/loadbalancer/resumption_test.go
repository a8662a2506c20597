package loadbalancer

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

// oneSession is a session cache that offers its session to every host.
type oneSession struct{ session *tls.ClientSessionState }

func (s *oneSession) Get(string) (*tls.ClientSessionState, bool) { return s.session, s.session != nil }
func (s *oneSession) Put(_ string, state *tls.ClientSessionState) {
	if state != nil {
		s.session = state
	}
}

// LB-15: a resumed session keeps the certificate and its result, good or bad.
func TestResumedSessionKeepsTheCertificate(t *testing.T) {
	h := open(t, nil)
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, _ uint16) {
		for name, c := range map[string]*pki.Certificate{"accepted": h.pki.client, "refused": h.pki.foreign} {
			t.Run(name, func(t *testing.T) {
				config := only(h.as(nil))
				asked := 0
				cert := c.TLSCertificate()
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					asked++
					return &cert, nil
				}
				config.ClientSessionCache = &oneSession{}
				_, first := h.call(t, config)
				told, err := forwarding.Read(h.node.last(t).Header)
				require.NoError(t, err)
				_, second := h.call(t, config)
				again, err := forwarding.Read(h.node.last(t).Header)
				require.NoError(t, err)
				assert.False(t, first.TLS.Resumed)
				assert.True(t, second.TLS.Resumed)
				assert.Equal(t, 1, asked, "a resumed session presents nothing")
				assert.Equal(t, told, again)
				assert.Equal(t, first.Verification, second.Verification)
				assert.Contains(t, second.Stops[0].Saw, journey.Fact{Name: "session", Value: "resumed"})
			})
		}
	})
}

// FLD-15: a session that was begun without a certificate stays without.
func TestSessionBegunWithoutCertificate(t *testing.T) {
	h := open(t, nil)
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, _ uint16) {
		sessions := &oneSession{}
		without := only(h.as(nil))
		without.ClientSessionCache = sessions
		h.call(t, without)
		with := only(h.as(h.pki.client))
		with.ClientSessionCache = sessions
		_, j := h.call(t, with)
		assert.True(t, j.TLS.Resumed)
		assert.False(t, j.Verification.Presented)

		with.ClientSessionCache = &oneSession{}
		_, j = h.call(t, with)
		assert.True(t, j.Verification.Accepted())
	})
}

// A session is good for the host, mode and trust list with which it was begun.
func TestSessionsDoNotWander(t *testing.T) {
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, _ uint16) {
		h := open(t, func(c *Config) {
			c.Domains = []Host{
				testPKI().host(ordersHost, Request, testPKI().foreign.Root().X509()),
				testPKI().host("open.example", None),
			}
		})
		sessions := &oneSession{}
		resumes := func(host string) journey.Journey {
			config := only(h.as(h.pki.client))
			config.ServerName, config.ClientSessionCache = host, sessions
			_, j := h.call(t, config)
			return j
		}
		require.False(t, resumes(tenantHost).TLS.Resumed)
		require.True(t, resumes(tenantHost).TLS.Resumed, "the control")
		assert.False(t, resumes(ordersHost).TLS.Resumed, "to another host")
		require.False(t, resumes(tenantHost).TLS.Resumed)
		j := resumes("open.example")
		assert.False(t, j.TLS.Resumed, "to a host that does not ask")
		assert.False(t, j.Verification.Presented)

		require.False(t, resumes(tenantHost).TLS.Resumed)
		require.NoError(t, h.SetTrust(tenantHost, []*x509.Certificate{h.pki.foreign.Root().X509()}))
		j = resumes(tenantHost)
		assert.False(t, j.TLS.Resumed, "after the trust list changed")
		assert.False(t, j.Verification.Accepted())

		require.NoError(t, h.SetTrust(tenantHost, h.pki.trust()))
		require.False(t, resumes(tenantHost).TLS.Resumed)
		require.NoError(t, h.SetMode(tenantHost, Require))
		assert.False(t, resumes(tenantHost).TLS.Resumed, "after the mode changed")
		j = resumes(tenantHost)
		assert.True(t, j.TLS.Resumed, "in mode require")
		assert.True(t, j.Verification.Accepted())
	})
}

// In mode require a resumed session is verified again, by the clock: an intermediate that has
// expired since counts.
func TestRequireVerifiesResumedSessions(t *testing.T) {
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, _ uint16) {
		a := testPKI()
		short := a.root.Intermediate("Short-lived CA", pki.NotAfter(time.Now().Add(time.Hour)))
		client := short.Client("client.example", pki.NotAfter(time.Now().Add(48*time.Hour)))
		h := open(t, func(c *Config) { c.Default.Mode = Require })
		config := only(h.as(client))
		config.ClientSessionCache = &oneSession{}
		h.call(t, config)
		_, j := h.call(t, config)
		require.True(t, j.TLS.Resumed)
		h.advance(2 * time.Hour)
		where, alert := h.alertAt(t, config)
		assert.Equal(t, "bad_certificate", alert.Name)
		j, _ = h.refused(t, where, journey.CertificateRequired)
		assert.Equal(t, 10, j.Verification.Code)
		assert.True(t, j.TLS.Resumed)
		assert.Equal(t, alert, *j.TLS.Alert)
	})
}
