package loadbalancer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

var versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

// onVersions runs a test with a sender of each TLS version.
func onVersions(t *testing.T, test func(t *testing.T, only func(*tls.Config) *tls.Config, version uint16)) {
	for _, v := range versions {
		t.Run(tls.VersionName(v), func(t *testing.T) {
			test(t, func(c *tls.Config) *tls.Config {
				c.MinVersion, c.MaxVersion = v, v
				return c
			}, v)
		})
	}
}

// alertAt waits for the alert with which the load balancer ends a connection, as a sender sees it.
// With TLS 1.3 a sender's own handshake is over before its certificate is judged.
func (h *house) alertAt(t *testing.T, config *tls.Config) (client string, alert journey.Alert) {
	t.Helper()
	raw := h.dialRaw(t)
	c := tls.Client(raw, config)
	err := c.Handshake()
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	require.Error(t, err, "the load balancer let the sender in")
	alert, ok := journey.ReceivedAlert(err, journey.LoadBalancerSide)
	require.True(t, ok, "no alert but %v", err)
	return raw.LocalAddr().String(), alert
}

// What is presented to a host in mode request never ends the handshake; only what verifies is
// passed on. LB-1, LB-3, LB-4, LB-5, LB-6, LB-8, LB-10.
func TestRequestPassesOnWhatVerifies(t *testing.T) {
	h := open(t, nil)
	a := h.pki
	leafOnly := a.client.TLSCertificate()
	leafOnly.Certificate = leafOnly.Certificate[:1]
	trust, err := verify.NewTrustListFrom(a.trust())
	require.NoError(t, err)
	judge := verify.New(trust, verify.Options{})
	tests := []struct {
		name    string
		present tls.Certificate
		code    int
	}{
		{"good", a.client.TLSCertificate(), 0},
		{"without its intermediate", leafOnly, 20},
		{"of a foreign CA", a.foreign.TLSCertificate(), 20},
		{"expired", a.issuing.Client("expired.example", pki.Expired()).TLSCertificate(), 10},
		{"self-signed", a.issuing.Client("selfsigned.example", pki.SelfSigned()).TLSCertificate(), 18},
		{"for servers only", a.issuing.Client("serveronly.example", pki.ServerOnly()).TLSCertificate(), 26},
	}
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, version uint16) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				config := only(h.as(nil))
				// Whatever the load balancer names, it is presented.
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &test.present, nil
				}
				a, j := h.call(t, config)
				require.Equal(t, 200, a.status)
				leaf, err := x509.ParseCertificate(test.present.Certificate[0])
				require.NoError(t, err)

				told, err := forwarding.Read(h.node.last(t).Header)
				require.NoError(t, err)
				stop, ok := j.At(journey.LoadBalancer)
				require.True(t, ok)
				assert.Equal(t, test.code, j.Verification.Code)
				assert.True(t, j.Verification.Presented)
				assert.Equal(t, pki.TraceDN(leaf.RawSubject), told.Subject)
				assert.Equal(t, told.Subject, j.Verification.SenderSubject)
				assert.Len(t, j.Verification.Chain, len(test.present.Certificate))
				assert.Equal(t, fmt.Sprintf("%x", sha256.Sum256(leaf.Raw)), j.Verification.Fingerprint)
				assert.Equal(t, tls.VersionName(version), j.TLS.Version)
				assert.NotEmpty(t, j.TLS.Cipher)
				assert.Equal(t, tenantHost, j.TLS.ServerName)
				assert.Contains(t, stop.Saw, journey.Fact{Name: "certificate 0", Value: told.Subject})
				if test.code == 0 {
					assert.Equal(t, leaf.Raw, told.Certificate)
					assert.Equal(t, journey.Passed, stop.Verdict)
					assert.Empty(t, stop.Reason)
					assert.Equal(t, "verify result 0 (ok): certificate of "+told.Subject+" passed on", stop.Decided)
					return
				}
				assert.Equal(t, test.code, told.Result)
				assert.Empty(t, told.Certificate)
				assert.Equal(t, journey.Withheld, stop.Verdict)
				assert.Equal(t, journey.CertificateNotAccepted, stop.Reason)
				assert.Equal(t, fmt.Sprintf("verify result %d (%s) at depth %d: %s; certificate not passed on",
					test.code, j.Verification.Text, j.Verification.Depth, j.Verification.Subject), stop.Decided)
				assert.Equal(t, verify.Advice(judge.Verify(test.present.Certificate)), stop.Fix)
				assert.NotEmpty(t, stop.Remedy())
			})
		}
		t.Run("none", func(t *testing.T) {
			a, j := h.call(t, only(h.as(nil)))
			require.Equal(t, 200, a.status)
			told, err := forwarding.Read(h.node.last(t).Header)
			require.NoError(t, err)
			assert.False(t, told.Presented())
			stop, _ := j.At(journey.LoadBalancer)
			assert.Equal(t, journey.Passed, stop.Verdict)
			assert.Contains(t, stop.Decided, "none was presented")
			assert.False(t, j.Verification.Presented)
		})
	})
}

// DOM-2: no HTTP status, nothing reaches a node; the alerts are a choice.
func TestRequireEndsTheHandshake(t *testing.T) {
	h := open(t, func(c *Config) {
		c.Domains = []Host{testPKI().host("strict.example", Require, testPKI().trust()...)}
	})
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, version uint16) {
		config := func(c *pki.Certificate) *tls.Config {
			out := only(h.as(nil))
			out.ServerName = "strict.example"
			if c != nil {
				cert := c.TLSCertificate()
				out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
			}
			return out
		}
		t.Run("a valid certificate gets in", func(t *testing.T) {
			a, j := h.call(t, config(h.pki.client))
			assert.Equal(t, 200, a.status)
			assert.True(t, j.Verification.Accepted())
			assert.Equal(t, "strict.example", j.Host)
		})
		t.Run("none", func(t *testing.T) {
			before := len(h.node.requests())
			client, alert := h.alertAt(t, config(nil))
			want := "certificate_required"
			if version == tls.VersionTLS12 {
				want = "handshake_failure"
			}
			assert.Equal(t, want, alert.Name)
			j, stop := h.refused(t, client, journey.CertificateRequired)
			require.NotNil(t, j.TLS.Alert)
			assert.Equal(t, alert, *j.TLS.Alert)
			assert.Equal(t, "strict.example", j.Host)
			assert.Contains(t, stop.Decided, "none was presented")
			assert.Contains(t, stop.Saw, journey.Fact{Name: "alert", Value: alert.String()})
			assert.Len(t, h.node.requests(), before)
		})
		t.Run("expired", func(t *testing.T) {
			before := len(h.node.requests())
			client, alert := h.alertAt(t, config(h.pki.issuing.Client("old.example", pki.Expired())))
			assert.Equal(t, "bad_certificate", alert.Name)
			j, stop := h.refused(t, client, journey.CertificateRequired)
			require.NotNil(t, j.TLS.Alert)
			assert.Equal(t, alert, *j.TLS.Alert)
			assert.Equal(t, 10, j.Verification.Code)
			assert.Len(t, j.Verification.Chain, 2)
			assert.Contains(t, stop.Decided, "verify result 10")
			assert.Equal(t, `Renew "CN=old.example": it has expired.`, stop.Fix)
			assert.Equal(t, tls.VersionName(version), j.TLS.Version)
			assert.NotEmpty(t, j.TLS.Cipher)
			assert.NotContains(t, j.TLS.Cipher, "0x")
			assert.False(t, j.TLS.Resumed)
			assert.Len(t, h.node.requests(), before)
		})
	})
}

// DOM-3, and a domain without a CA bundle.
func TestNoneNeverAsks(t *testing.T) {
	h := open(t, func(c *Config) {
		c.Domains = []Host{
			testPKI().host("open.example", None, testPKI().trust()...),
			testPKI().host(ordersHost, Request),
		}
	})
	for _, test := range []struct {
		host string
		asks bool
	}{{tenantHost, true}, {"open.example", false}, {ordersHost, false}} {
		t.Run(test.host, func(t *testing.T) {
			asked := false
			config := h.as(nil)
			config.ServerName = test.host
			cert := h.pki.client.TLSCertificate()
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				asked = true
				return &cert, nil
			}
			_, j := h.call(t, config)
			assert.Equal(t, test.asks, asked)
			assert.Equal(t, test.asks, j.Verification.Presented)
			if stop, _ := j.At(journey.LoadBalancer); !test.asks {
				assert.Equal(t, journey.Passed, stop.Verdict)
				assert.Contains(t, stop.Decided, "does not ask")
			}
		})
	}
}

// LB-2: names of roots only. DOM-4: each domain has its own.
func TestNamesItsRoots(t *testing.T) {
	other := pki.NewRoot("Orders Root CA")
	ordersClient := other.Client("orders-client.example")
	h := open(t, func(c *Config) {
		c.Domains = []Host{testPKI().host(ordersHost, Request, other.X509())}
	})
	for _, test := range []struct {
		host     string
		root     *pki.Certificate
		in, kept *pki.Certificate
	}{
		{tenantHost, h.pki.root, h.pki.client, ordersClient},
		{ordersHost, other, ordersClient, h.pki.client},
	} {
		var named [][]byte
		present := func(c *pki.Certificate) journey.Journey {
			config := h.as(nil)
			config.ServerName = test.host
			cert := c.TLSCertificate()
			config.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
				named = info.AcceptableCAs
				return &cert, nil
			}
			_, j := h.call(t, config)
			return j
		}
		assert.Equal(t, 0, present(test.in).Verification.Code)
		assert.Equal(t, [][]byte{test.root.X509().RawSubject}, named)
		assert.NotEqual(t, 0, present(test.kept).Verification.Code)
	}
}

// LB-23.
func TestServerNamePicksTheHost(t *testing.T) {
	h := open(t, func(c *Config) {
		c.Domains = []Host{testPKI().host("Orders.Example.", None)}
	})
	for serverName, want := range map[string]string{
		"orders.example":  "Orders.Example.",
		"ORDERS.example":  "Orders.Example.",
		"tenant.example":  tenantHost,
		"unknown.example": tenantHost,
		"":                tenantHost,
	} {
		config := h.as(nil)
		config.ServerName, config.InsecureSkipVerify = serverName, true
		_, j := h.call(t, config)
		assert.Equal(t, want, j.Host, "server name %q", serverName)
	}
}

// LB-17.
func TestOldVersionsAreRefused(t *testing.T) {
	h := open(t, nil)
	old := h.as(nil)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	client, alert := h.alertAt(t, old)
	assert.Equal(t, "protocol_version", alert.Name)
	j, stop := h.refused(t, client, journey.TLSVersionNotOffered)
	require.NotNil(t, j.TLS.Alert)
	assert.Equal(t, alert, *j.TLS.Alert)
	assert.Contains(t, stop.Decided, "TLS 1.1")

	onlyNew := open(t, func(c *Config) { c.MinVersion = tls.VersionTLS13 })
	config := onlyNew.as(nil)
	config.MaxVersion = tls.VersionTLS12
	client, alert = onlyNew.alertAt(t, config)
	assert.Equal(t, "protocol_version", alert.Name)
	onlyNew.refused(t, client, journey.TLSVersionNotOffered)
	config.MaxVersion = tls.VersionTLS13
	a, _ := onlyNew.call(t, config)
	assert.Equal(t, 200, a.status)
}

// A version was agreed on, and no cipher suite.
func TestNoCommonCipherSuite(t *testing.T) {
	h := open(t, nil)
	config := h.as(nil)
	config.MaxVersion, config.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
	client, alert := h.alertAt(t, config)
	assert.Equal(t, "handshake_failure", alert.Name)
	j, stop := h.refused(t, client, journey.HandshakeFailed)
	assert.Equal(t, "TLS 1.2", j.TLS.Version)
	assert.Empty(t, j.TLS.Cipher)
	assert.Contains(t, stop.Decided, "the handshake failed: no cipher suite supported by both client and server")
}

// LB-21.
func TestPrivateKeyIsProved(t *testing.T) {
	h := open(t, nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, _ uint16) {
		cert := h.pki.client.TLSCertificate()
		cert.PrivateKey = impostor{key, cert.PrivateKey.(crypto.Signer).Public()}
		config := only(h.as(nil))
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		client, alert := h.alertAt(t, config)
		assert.Equal(t, "decrypt_error", alert.Name)
		j, stop := h.refused(t, client, journey.HandshakeFailed)
		require.NotNil(t, j.TLS.Alert)
		assert.Equal(t, alert, *j.TLS.Alert)
		assert.Contains(t, stop.Decided, "private key")
		assert.Contains(t, stop.Fix, "Give the sender the key pair")
	})
}

// impostor claims a public key and signs with another.
type impostor struct {
	crypto.Signer
	public crypto.PublicKey
}

func (i impostor) Public() crypto.PublicKey { return i.public }

func TestUnreadableCertificate(t *testing.T) {
	h := open(t, nil)
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, _ uint16) {
		cert := h.pki.client.TLSCertificate()
		good := append([][]byte(nil), cert.Certificate...)
		cert.Certificate = append(good, []byte("no certificate"))
		config := only(h.as(nil))
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		client, alert := h.alertAt(t, config)
		assert.Equal(t, "decode_error", alert.Name)
		j, _ := h.refused(t, client, journey.CertificateUnreadable)
		require.NotNil(t, j.TLS.Alert)
		assert.Equal(t, alert, *j.TLS.Alert)
	})
}

// SND-2.
func TestSenderThatDoesNotTrust(t *testing.T) {
	h := open(t, nil)
	onVersions(t, func(t *testing.T, only func(*tls.Config) *tls.Config, _ uint16) {
		config := only(h.as(h.pki.client))
		config.RootCAs = x509.NewCertPool()
		raw := h.dialRaw(t)
		err := tls.Client(raw, config).Handshake()
		var untrusted *tls.CertificateVerificationError
		require.ErrorAs(t, err, &untrusted)
		j, stop := h.refused(t, raw.LocalAddr().String(), journey.SenderEndedHandshake)
		require.NotNil(t, j.TLS.Alert)
		assert.Equal(t, journey.Alert{From: journey.SenderSide, Number: 42, Name: "bad_certificate"}, *j.TLS.Alert)
		assert.Contains(t, stop.Decided, "bad_certificate (42)")
	})
}

// A sender of TLS 1.3 may say that it does not trust before it encrypts anything, as OpenSSL does.
func TestSenderThatDoesNotTrustInTheClear(t *testing.T) {
	h := open(t, nil)
	c := h.dialRaw(t)
	_, err := c.Write(firstFlight(t))
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 5)) // the answer begins
	require.NoError(t, err)
	_, err = c.Write(record(recordAlert, 2, 48))
	require.NoError(t, err)
	j, stop := h.refused(t, c.LocalAddr().String(), journey.SenderEndedHandshake)
	require.NotNil(t, j.TLS.Alert)
	assert.Equal(t, journey.Alert{From: journey.SenderSide, Number: 48, Name: "unknown_ca"}, *j.TLS.Alert)
	assert.Equal(t, "the sender ended the handshake with alert unknown_ca (48)", stop.Decided)
}
