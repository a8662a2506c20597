package sender

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

func TestTrust(t *testing.T) {
	a := minted()
	for _, test := range []struct {
		name    string
		change  func(*Sender)
		reason  journey.Reason // "" for a call that gets in
		decided string
	}{
		{"root trusted", func(s *Sender) {}, "", "trusted the certificate"},
		{"nothing trusted", func(s *Sender) { s.Trust = TrustNone() }, journey.ServerNotTrusted,
			"the trust store does not vouch for"},
		{"another root trusted", func(s *Sender) { s.Trust = TrustRoots([]*x509.Certificate{a.root.X509(), nil}) },
			journey.ServerNotTrusted, "issued by CN=Server Root CA"},
		{"nothing checked", func(s *Sender) { s.Trust, s.CheckHostName = TrustAll(), true }, "", "did not check the certificate"},
		{"host checked", func(s *Sender) { s.CheckHostName = true }, "", ""},
		{"host checked, whatever is asked for", func(s *Sender) { s.CheckHostName, s.ServerName = true, new("other.example") }, "", ""},
		{"expired by the sender's clock", func(s *Sender) { s.Now = func() time.Time { return time.Now().AddDate(3, 0, 0) } },
			journey.ServerNotTrusted, "is not valid"},
		{"not yet valid by the sender's clock", func(s *Sender) { s.Now = func() time.Time { return time.Now().AddDate(-1, 0, 0) } },
			journey.ServerNotTrusted, "is not valid"},
		{"checking nothing, time does not matter", func(s *Sender) {
			s.Trust, s.Now = TrustAll(), func() time.Time { return time.Now().AddDate(30, 0, 0) }
		}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, version uint16) {
				lb := serve(t, func(s *server) { s.config.MaxVersion = version })
				r := do(t, good().With(test.change), lb.call())
				stop := r.Stop()
				assert.Equal(t, test.reason, stop.Reason, r.String())
				assert.Contains(t, stop.Decided, test.decided)
				assert.Len(t, r.ServerChain, 1)
				if test.reason == "" {
					assert.Equal(t, 200, r.Status)
					assert.Equal(t, journey.Passed, stop.Verdict)
					return
				}
				assert.Equal(t, journey.Refused, stop.Verdict)
				assert.Equal(t, StageTLS, r.Stage)
				assert.Equal(t, &journey.Alert{From: journey.SenderSide, Number: 42, Name: "bad_certificate"}, r.Alert)
				assert.Zero(t, r.Request)
				// And this is what the load balancer really got.
				got, ok := journey.ReceivedAlert(lb.handshakeError(), journey.SenderSide)
				require.True(t, ok)
				assert.Equal(t, *r.Alert, got)
				assert.Empty(t, lb.seen())
			})
		})
	}
}

func TestZeroSenderTrustsNothing(t *testing.T) {
	lb := serve(t, nil)
	r := do(t, new(Sender), lb.call())
	assert.Equal(t, journey.ServerNotTrusted, r.Stop().Reason)
	assert.Contains(t, r.String(), "sender: GET https://host.example/http/orders: server-not-trusted: ")
}

func TestHostName(t *testing.T) {
	each(t, func(t *testing.T, version uint16) {
		lb := serve(t, func(s *server) { s.config.MaxVersion = version })
		call := lb.call()
		call.URL = "https://alias.example/http/orders"
		letIn(t, good(), call)
		letIn(t, good().With(func(s *Sender) { s.CheckHostName = true }), lb.call())
		r := do(t, good().With(func(s *Sender) { s.CheckHostName = true }), call)
		stop := r.Stop()
		assert.Equal(t, journey.ServerNameDiffers, stop.Reason)
		assert.Contains(t, stop.Decided, "alias.example")
		assert.Contains(t, stop.Decided, "bad_certificate (42) from the sender")

		// An unknown root weighs more than a wrong name.
		r = do(t, good().With(func(s *Sender) { s.CheckHostName, s.Trust = true, TrustNone() }), call)
		assert.Equal(t, journey.ServerNotTrusted, r.Stop().Reason)
	})
}

func TestServerName(t *testing.T) {
	for _, test := range []struct {
		name, url string
		sni       *string
		want      string
	}{
		{"host of the URL", "https://" + serverHost + "/", nil, serverHost},
		{"host with port", "https://" + serverHost + ":8443/", nil, serverHost},
		{"another", "https://" + serverHost + "/", new("Other.example."), "Other.example"},
		{"none", "https://" + serverHost + "/", new(""), ""},
		{"address", "https://127.0.0.1/", nil, ""},
		{"IPv6 address", "https://[::1]/", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := make(chan string, 1)
			lb := serve(t, func(s *server) {
				s.config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
					asked <- hello.ServerName
					return nil, nil
				}
			})
			r := letIn(t, good().With(func(s *Sender) { s.ServerName = test.sni }), Call{URL: test.url, Address: lb.address()})
			assert.Equal(t, test.want, <-asked)
			assert.Equal(t, test.want, r.TLS.ServerName)
		})
	}
}

func TestVersions(t *testing.T) {
	lb := serve(t, func(s *server) { s.config.MinVersion = tls.VersionTLS13 })
	assert.Equal(t, "TLS 1.3", letIn(t, good(), lb.call()).TLS.Version)
	r := do(t, good().With(func(s *Sender) { s.MaxTLS = tls.VersionTLS12 }), lb.call())
	assert.Equal(t, &journey.Alert{From: journey.LoadBalancerSide, Number: 70, Name: "protocol_version"}, r.Alert)
	assert.Equal(t, journey.HandshakeEnded, r.Stop().Reason)

	lb = serve(t, func(s *server) { s.config.MaxVersion = tls.VersionTLS12 })
	assert.Equal(t, "TLS 1.2", letIn(t, good(), lb.call()).TLS.Version)
	r = do(t, good().With(func(s *Sender) { s.MinTLS = tls.VersionTLS13 }), lb.call())
	assert.Equal(t, &journey.Alert{From: journey.LoadBalancerSide, Number: 70, Name: "protocol_version"}, r.Alert)
}

// A load balancer that answers with a record of nonsense: the sender ends the handshake, and
// tells which alert it sent.
func TestAlertOfTheSender(t *testing.T) {
	got := make(chan []byte, 1)
	address := listenRaw(t, func(conn net.Conn) {
		head := make([]byte, 5)
		_, _ = io.ReadFull(conn, head)
		_, _ = io.CopyN(io.Discard, conn, int64(head[3])<<8|int64(head[4]))
		_, _ = conn.Write([]byte{22, 3, 3, 0, 4, 14, 0, 0, 0}) // a ServerHelloDone in place of a ServerHello
		alert, _ := io.ReadAll(conn)
		got <- alert
	})
	r := do(t, good(), Call{URL: "https://" + serverHost + "/", Address: address})
	require.NotNil(t, r.Alert, r.String())
	assert.Equal(t, &journey.Alert{From: journey.SenderSide, Number: 10, Name: "unexpected_message"}, r.Alert)
	assert.Equal(t, journey.HandshakeFailed, r.Stop().Reason)
	select {
	case record := <-got:
		assert.Equal(t, []byte{21, 3, 1, 0, 2, 2, 10}, record)
	case <-time.After(waitLimit):
		assert.Fail(t, "no alert came")
	}
}

func TestCannotConnect(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	listener.Close()
	r := do(t, good(), Call{URL: "https://" + serverHost + "/", Address: address})
	assert.Equal(t, StageDial, r.Stage)
	assert.Nil(t, r.Alert)
	stop := r.Stop()
	assert.Equal(t, journey.CannotConnect, stop.Reason)
	assert.Contains(t, stop.Decided, address)
	assert.Empty(t, r.LocalAddr)

	r = do(t, good().With(func(s *Sender) { s.LocalAddr = "nonsense:x:y" }), Call{URL: "https://127.0.0.1:1/"})
	assert.Equal(t, StageDial, r.Stage)
	assert.ErrorContains(t, r.Err, "the address to call from")
}

func TestNotTLS(t *testing.T) {
	address := listenRaw(t, func(conn net.Conn) {
		_, _ = io.ReadFull(conn, make([]byte, 5))
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	r := do(t, good(), Call{URL: "https://" + serverHost + "/", Address: address})
	assert.Equal(t, StageTLS, r.Stage)
	stop := r.Stop()
	assert.Equal(t, journey.CannotConnect, stop.Reason)
	assert.Contains(t, stop.Decided, `what answered there is not TLS: it began with "HTTP/"`)
}

func TestHandshakeThatBreaksOff(t *testing.T) {
	closing := listenRaw(t, func(conn net.Conn) { _, _ = io.ReadFull(conn, make([]byte, 5)) })
	r := do(t, good(), Call{URL: "https://" + serverHost + "/", Address: closing})
	assert.Equal(t, StageTLS, r.Stage)
	assert.Nil(t, r.Alert)
	assert.Equal(t, journey.HandshakeEnded, r.Stop().Reason)
	assert.Contains(t, r.Stop().Decided, "without an alert")

	silent := listenRaw(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	r = do(t, good().With(func(s *Sender) { s.Timeout = 50 * time.Millisecond }), Call{URL: "https://" + serverHost + "/", Address: silent})
	assert.Equal(t, StageTLS, r.Stage)
	assert.Equal(t, journey.NoAnswer, r.Stop().Reason)
	assert.ErrorContains(t, r.Err, "not finished within 50ms")
}

func TestLocalAddr(t *testing.T) {
	lb := serve(t, nil)
	r := letIn(t, good().With(func(s *Sender) { s.LocalAddr = "127.0.0.1" }), lb.call())
	assert.Equal(t, lb.last().remote, r.LocalAddr)
	host, _, err := net.SplitHostPort(r.LocalAddr)
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1", host)
}
