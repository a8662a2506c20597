package sender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
)

var versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

// each runs the test for both versions of TLS: they differ in who speaks when.
func each(t *testing.T, test func(t *testing.T, version uint16)) {
	for _, version := range versions {
		t.Run(tls.VersionName(version), func(t *testing.T) { test(t, version) })
	}
}

func ders(certs ...*pki.Certificate) [][]byte {
	var out [][]byte
	for _, c := range certs {
		out = append(out, c.DER())
	}
	return out
}

// What the server saw is compared, not what the sender says that it sent.
func TestSends(t *testing.T) {
	a := minted()
	for _, test := range []struct {
		name   string
		change func(*Sender)
		want   [][]byte
	}{
		{"default", func(s *Sender) {}, ders(a.warehouse, a.issuing, a.upper)},
		{"chain", func(s *Sender) { s.Sends = Chain }, ders(a.warehouse, a.issuing, a.upper)},
		{"leaf only", func(s *Sender) { s.Sends = LeafOnly }, ders(a.warehouse)},
		{"with root", func(s *Sender) { s.Sends = WithRoot }, ders(a.warehouse, a.issuing, a.upper, a.root)},
		{"wrong order", func(s *Sender) { s.Sends = WrongOrder }, ders(a.warehouse, a.upper, a.issuing)},
		{"wrong order, one intermediate", func(s *Sender) {
			s.Sends, s.Keystore.Chain = WrongOrder, ders(a.issuing)
		}, ders(a.warehouse, a.root, a.issuing)},
		{"without one", func(s *Sender) { s.Without = []string{"Example Upper CA"} }, ders(a.warehouse, a.issuing)},
		{"without the issuer, with root", func(s *Sender) {
			s.Without, s.Sends = []string{"Example Issuing CA"}, WithRoot
		}, ders(a.warehouse, a.upper, a.root)},
		{"extra", func(s *Sender) { s.Extra = ders(a.strangerRoot, a.stranger) },
			ders(a.warehouse, a.issuing, a.upper, a.strangerRoot, a.stranger)},
		{"duplicate", func(s *Sender) { s.Sends, s.Duplicate = LeafOnly, true }, ders(a.warehouse, a.warehouse)},
		{"nothing", func(s *Sender) { s.Sends = Nothing }, nil},
		{"empty keystore", func(s *Sender) { s.Keystore = Keystore{} }, nil},
		{"no private key", func(s *Sender) { s.Keystore.Key = nil }, nil},
		{"RSA", func(s *Sender) { s.Keystore = FromPKI(a.rsa) }, ders(a.rsa, a.issuing, a.upper)},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, version uint16) {
				lb := serve(t, nil)
				s := good().With(test.change)
				s.MaxTLS = version
				r := letIn(t, s, lb.call())
				assert.Equal(t, test.want, presentedTo(lb.last()))
				assert.Equal(t, test.want, r.Sent)
				assert.Equal(t, test.want != nil, r.CertificateSent)
				assert.True(t, r.CertificateAsked)
				assert.Equal(t, tls.VersionName(version), r.TLS.Version)
			})
		})
	}
}

func TestSendsChangesNothingInTheKeystore(t *testing.T) {
	k := FromPKI(minted().warehouse)
	before := fmt.Sprintf("%x", k.Chain)
	for _, sends := range AllSends() {
		s := &Sender{Keystore: k, Sends: sends, Duplicate: true, Extra: ders(minted().stranger)}
		for range 2 {
			_, err := s.presented()
			require.NoError(t, err, sends)
		}
	}
	assert.Equal(t, before, fmt.Sprintf("%x", k.Chain))
}

func TestWhyNoCertificateWasSent(t *testing.T) {
	for _, test := range []struct {
		want   string
		change func(*Sender)
	}{
		{"the keystore is empty", func(s *Sender) { s.Keystore = Keystore{} }},
		{"the sender is set to send none", func(s *Sender) { s.Sends = Nothing }},
		{"the private key of the certificate is missing", func(s *Sender) { s.Keystore.Key = nil }},
	} {
		lb := serve(t, nil)
		r := letIn(t, good().With(test.change), lb.call())
		assert.Contains(t, r.Stop().Decided, "sent no certificate ("+test.want+")")
	}
	t.Run("not asked", func(t *testing.T) {
		each(t, func(t *testing.T, version uint16) {
			lb := serve(t, func(s *server) { s.config.ClientAuth = tls.NoClientCert; s.config.MaxVersion = version })
			r := letIn(t, good(), lb.call())
			assert.False(t, r.CertificateAsked)
			assert.False(t, r.CertificateSent)
			assert.Contains(t, r.Stop().Decided, "sent no certificate (the load balancer asked for none)")
		})
	})
}

func TestKeystoreFromTLS(t *testing.T) {
	a := minted()
	assert.Equal(t, FromPKI(a.warehouse), FromTLS(a.warehouse.TLSCertificate(), a.root.X509()))
	assert.Equal(t, Keystore{}, FromTLS(tls.Certificate{}, nil))
	assert.Equal(t, Keystore{}, FromPKI(nil))
	self := FromPKI(pki.NewRoot("me"))
	assert.Nil(t, self.Root, "a self-signed certificate has no root above it")
	assert.NotNil(t, self.Certificate)
}

func TestOnlyIfIssuerNamed(t *testing.T) {
	a := minted()
	naming := func(cas ...*pki.Certificate) func(*server) {
		return func(s *server) {
			s.config.ClientCAs = x509.NewCertPool()
			for _, ca := range cas {
				s.config.ClientCAs.AddCert(ca.X509())
			}
		}
	}
	for _, test := range []struct {
		name   string
		names  []*pki.Certificate
		change func(*Sender)
		sent   bool
	}{
		{"root named", []*pki.Certificate{a.strangerRoot, a.root}, nil, true},
		{"issuer named", []*pki.Certificate{a.issuing}, nil, true},
		{"none named", nil, nil, true},
		{"another one named", []*pki.Certificate{a.strangerRoot}, nil, false},
		{"another one named, not heeded", []*pki.Certificate{a.strangerRoot}, func(s *Sender) { s.OnlyIfIssuerNamed = false }, true},
		// The chain ends below the named root, so nothing connects them.
		{"root named, leaf only", []*pki.Certificate{a.root}, func(s *Sender) { s.Sends = LeafOnly }, false},
		{"root named, leaf only, not heeded", []*pki.Certificate{a.root},
			func(s *Sender) { s.Sends, s.OnlyIfIssuerNamed = LeafOnly, false }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, version uint16) {
				lb := serve(t, naming(test.names...))
				s := good()
				s.OnlyIfIssuerNamed, s.MaxTLS = true, version
				r := letIn(t, s.With(test.change), lb.call())
				assert.Equal(t, test.sent, len(lb.last().state.PeerCertificates) > 0)
				assert.Equal(t, test.sent, r.CertificateSent)
				var names []string
				for _, ca := range test.names {
					names = append(names, pki.TraceDN(ca.X509().RawSubject))
				}
				assert.ElementsMatch(t, names, r.AcceptableCAs)
				if !test.sent {
					assert.Contains(t, r.Stop().Decided, "the load balancer names no issuer of it")
				}
			})
		})
	}
}

func TestKeyThatDoesNotFit(t *testing.T) {
	a := minted()
	for _, test := range []struct {
		name   string
		change func(*Sender)
	}{
		{"key of another certificate", func(s *Sender) { s.WrongKey = a.other.Key() }},
		{"key of another kind", func(s *Sender) { s.WrongKey = a.rsa.Key() }},
		{"own certificate last", func(s *Sender) { s.Sends = LeafLast }},
		{"own certificate last, no intermediates", func(s *Sender) { s.Sends, s.Keystore.Chain = LeafLast, nil }},
		{"keystore put together badly", func(s *Sender) { s.Keystore.Key = a.other.Key() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, version uint16) {
				lb := serve(t, nil)
				letIn(t, good(), lb.call())

				s := good().With(test.change)
				s.MaxTLS = version
				r := do(t, s, lb.call())
				require.Error(t, r.Err)
				want := journey.Alert{From: journey.LoadBalancerSide, Number: 51, Name: "decrypt_error"}
				if version == tls.VersionTLS13 && test.name == "key of another kind" {
					// TLS 1.3 ties the signature scheme to the kind of key (RFC 8446, section 4.2.3).
					want.Number, want.Name = 47, "illegal_parameter"
				}
				assert.Equal(t, &want, r.Alert)
				assert.Equal(t, r.Alert, r.TLS.Alert)
				assert.Equal(t, StageTLS, r.Stage)
				assert.Zero(t, r.Request, "the load balancer never finished the handshake")
				assert.Zero(t, r.Status)
				stop := r.Stop()
				assert.Equal(t, journey.Refused, stop.Verdict)
				assert.Equal(t, journey.KeyDoesNotFit, stop.Reason)
				assert.Contains(t, stop.Decided, want.String())
				assert.Len(t, lb.seen(), 1, "only the good call came through")
			})
		})
	}
	t.Run("the right key as WrongKey fits", func(t *testing.T) {
		s := good()
		s.WrongKey = a.warehouse.Key()
		letIn(t, s, serve(t, nil).call())
	})
}

func TestCertificateRequired(t *testing.T) {
	each(t, func(t *testing.T, version uint16) {
		lb := serve(t, func(s *server) { s.config.ClientAuth = tls.RequireAnyClientCert; s.config.MaxVersion = version })
		letIn(t, good(), lb.call())
		r := do(t, good().With(func(s *Sender) { s.Keystore = Keystore{} }), lb.call())
		want := map[uint16]string{tls.VersionTLS12: "handshake_failure", tls.VersionTLS13: "certificate_required"}[version]
		require.NotNil(t, r.Alert, r.String())
		assert.Equal(t, want, r.Alert.Name)
		assert.Equal(t, journey.LoadBalancerSide, r.Alert.From)
		assert.Equal(t, StageTLS, r.Stage)
		stop := r.Stop()
		assert.Equal(t, journey.HandshakeEnded, stop.Reason)
		assert.Contains(t, stop.Decided, want)
		assert.Contains(t, stop.Decided, "sent no certificate (the keystore is empty)")
	})
}

// A certificate that the load balancer refuses after the sender thinks that all is well, with a
// body of a size that it cannot finish writing: the alert is told all the same.
func TestLateAlertWhileWriting(t *testing.T) {
	lb := serve(t, func(s *server) {
		s.config.ClientAuth = tls.RequireAndVerifyClientCert
		s.config.ClientCAs = x509.NewCertPool()
		s.config.ClientCAs.AddCert(minted().root.X509())
	})
	call := lb.call()
	call.Body = make([]byte, 8<<20)
	letIn(t, good(), call)

	r := do(t, good().With(func(s *Sender) { s.Keystore = FromPKI(minted().stranger) }), call)
	require.Error(t, r.Err)
	assert.Equal(t, StageTLS, r.Stage, r.String())
	require.NotNil(t, r.Alert)
	assert.Equal(t, "unknown_ca", r.Alert.Name)
	assert.Equal(t, journey.HandshakeEnded, r.Stop().Reason)
}

func TestSettingsWithoutEffectAreErrors(t *testing.T) {
	a := minted()
	for _, test := range []struct {
		want   string
		change func(*Sender)
	}{
		{`the intermediate certificate "Nobody" is to be left out, but the chain has only "Example Issuing CA", "Example Upper CA"`,
			func(s *Sender) { s.Without = []string{"Nobody"} }},
		{`what is sent is "all", expected one of chain, leaf-only, with-root, wrong-order, leaf-last, nothing`,
			func(s *Sender) { s.Sends = "all" }},
		{"the root is to be sent, but the keystore has none",
			func(s *Sender) { s.Sends, s.Keystore.Root = WithRoot, nil }},
		{"the wrong order needs two certificates above the sender's own",
			func(s *Sender) { s.Sends, s.Keystore.Root, s.Keystore.Chain = WrongOrder, nil, ders(a.issuing) }},
		{"sending the own certificate last needs another one above it",
			func(s *Sender) { s.Sends, s.Keystore.Root, s.Keystore.Chain = LeafLast, nil, nil }},
		{"what is to be sent is set, but the keystore is empty",
			func(s *Sender) { s.Sends, s.Keystore = LeafOnly, Keystore{} }},
		{"the keystore holds a chain or a key, but no certificate of the sender",
			func(s *Sender) { s.Keystore.Certificate = nil }},
		{"both Basic and Bearer are set", func(s *Sender) { s.Basic, s.Bearer = &Credentials{}, "x" }},
		{"the bearer token holds a blank or a line end", func(s *Sender) { s.Bearer = "a\r\nb: c" }},
		{"MinTLS is above MaxTLS", func(s *Sender) { s.MinTLS, s.MaxTLS = tls.VersionTLS13, tls.VersionTLS12 }},
	} {
		_, err := good().With(test.change).Do(context.Background(), Call{URL: "https://127.0.0.1:1/"})
		assert.ErrorContains(t, err, "warehouse: "+test.want)
	}
}
