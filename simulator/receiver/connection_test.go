package receiver_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/receiver"
	"example.com/gatehouse/simulator/sender"
)

func TestTokenExchangeWorks(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s := h.as(h.pki.client)
	s.CSRF = true
	first, result := h.call(s, sender.Call{})
	assert.Equal(t, http.StatusAccepted, result.Status)
	assert.True(t, first.Request.CSRFToken)
	second := h.next()
	assert.True(t, second.Accepted)
	assert.Equal(t, "the sender knows of CSRF tokens", point(t, second, receiver.PointCSRF).Found)
	assert.Equal(t, "POST", second.Request.Method)
}

func TestCallsThatEndInTheHandshake(t *testing.T) {
	t.Parallel()
	a := testPKI()
	for name, one := range map[string]struct {
		change func(*sender.Sender)
		reason journey.Reason
		found  string
		hint   string
	}{
		"does not trust us": {func(s *sender.Sender) { s.Trust = sender.TrustNone() }, journey.SenderEndedHandshake, "the sender ended the handshake with alert ", "SSSLERR_PEER_CERT_UNTRUSTED"},
		"old TLS":           {func(s *sender.Sender) { s.MinTLS, s.MaxTLS = tls.VersionTLS10, tls.VersionTLS11 }, journey.TLSVersionNotOffered, "the sender offers TLS 1.1, TLS 1.0", "ssl/client_ciphersuites"},
		"another key":       {func(s *sender.Sender) { s.WrongKey = a.issuing.Client("other").Key() }, journey.HandshakeFailed, "did not prove that it has the private key", "any other has another key"},
		"leaf last":         {func(s *sender.Sender) { s.Sends = sender.LeafLast }, journey.HandshakeFailed, "did not prove", "any other has another key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			s := h.as(a.client)
			one.change(s)
			c, result := h.call(s, sender.Call{})
			assert.False(t, result.Answered())
			assert.False(t, c.Accepted)
			assert.Equal(t, receiver.InHandshake, c.Ended)
			end, _ := c.Journey.End()
			assert.Equal(t, one.reason, end.Reason)
			handshake := point(t, c, receiver.PointHandshake)
			assert.Equal(t, receiver.Bad, handshake.Mark)
			assert.Contains(t, handshake.Found, one.found)
			require.Len(t, c.Outcomes, 1)
			assert.Zero(t, c.Outcomes[0].Status)
			assert.Empty(t, c.Outcomes[0].AccessLog, "no line is written")
			require.NotEmpty(t, c.Hints)
			assert.Contains(t, c.Hints[0].Text, one.hint)
			if one.reason == journey.SenderEndedHandshake {
				require.NotNil(t, c.TLS.Alert)
				assert.Equal(t, "bad_certificate", c.TLS.Alert.Name, "that of crypto/tls; curl and openssl send unknown_ca")
				assert.Contains(t, handshake.Found, "its root is not trusted")
			}
			// Its good twin.
			good, _ := h.call(h.as(a.client), sender.Call{})
			assert.True(t, good.Accepted)
		})
	}
}

// Misbehaving senders are told of, and harm nobody.
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *receiver.Config) {
		c.Limits = loadbalancer.Limits{HandshakeTimeout: 300 * time.Millisecond, HeaderTimeout: 300 * time.Millisecond, BodyStall: 300 * time.Millisecond}
	})
	for how, reason := range map[sender.Misbehaviour]journey.Reason{
		sender.Garbage: journey.NotTLS, sender.PlainHTTP: journey.NotTLS, sender.HalfHandshake: journey.HandshakeTimeout,
		sender.SlowHeader: journey.RequestTimeout, sender.HugeHeader: journey.HeaderTooLarge, sender.StalledBody: journey.BodyStalled,
	} {
		t.Run(string(how), func(t *testing.T) {
			sender.Misbehave(t.Context(), h.Addr().String(), how, sender.Manner{
				ServerName: "tenant.example", Path: "/http/orders", Certificate: h.pki.client.TLSCertificate(), Interval: 5 * time.Millisecond,
			})
			c := h.next()
			assert.False(t, c.Accepted)
			end, _ := c.Journey.End()
			assert.Equal(t, reason, end.Reason)
			assert.NotEmpty(t, c.Bad(), "%+v", c.Checks)
		})
	}
	c, _ := h.call(h.as(h.pki.client), sender.Call{})
	assert.True(t, c.Accepted, "control: it still takes calls")
}

func TestOpenPortIsNoCall(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	raw, err := net.Dial("tcp", h.Addr().String())
	require.NoError(t, err)
	require.NoError(t, raw.Close())
	c, _ := h.call(h.as(h.pki.client), sender.Call{})
	assert.Equal(t, 1, c.Number, "the connection that sent nothing does not count")
	assert.Equal(t, 1, h.Count())
}

func TestHandshakeWithoutRequest(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s, err := tls.Dial("tcp", h.Addr().String(), &tls.Config{
		ServerName: "tenant.example", RootCAs: pool(h), Certificates: []tls.Certificate{h.pki.client.TLSCertificate()},
	})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	c := h.next()
	assert.Equal(t, receiver.WithoutRequest, c.Ended)
	assert.False(t, c.Accepted)
	assert.Contains(t, point(t, c, receiver.PointVerdict).Found, "accepted")
	assert.Contains(t, point(t, c, receiver.PointMethod).Found, "closed the connection without a request")
}

// Each call of a connection counts, and each has the chain of the connection.
func TestConnectionsThatAreKeptAndResumed(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s := h.as(h.pki.client)
	s.KeepAlive = true
	first, _ := h.call(s, sender.Call{})
	second, _ := h.call(s, sender.Call{})
	assert.Equal(t, first.From, second.From)
	assert.Equal(t, 2, second.Number)
	assert.True(t, second.Accepted)

	s = h.as(h.pki.client)
	s.Resume, s.MaxTLS = true, tls.VersionTLS12
	_, _ = h.call(s, sender.Call{})
	c, _ := h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	assert.Contains(t, point(t, c, receiver.PointHandshake).Found, "resumed an earlier session")
	assert.Contains(t, point(t, c, receiver.PointTLS).Found, "offers nothing newer")
}

func TestNoServerName(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s := h.as(h.pki.client)
	none := ""
	s.ServerName = &none
	c, _ := h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	assert.Equal(t, receiver.Warning, point(t, c, receiver.PointServerName).Mark)
}
