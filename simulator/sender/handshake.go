package sender

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
)

func (s *Sender) tlsConfig(c *connection, t target, presented [][]byte) *tls.Config {
	host := ""
	if s.CheckHostName {
		host = t.host
	}
	config := &tls.Config{
		// Trust, host name and server name are three settings here, and crypto/tls knows two:
		// VerifyConnection does the checking, in resumed sessions too.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			c.servers = state.PeerCertificates
			return s.Trust.verify(state.PeerCertificates, host, s.now())
		},
		GetClientCertificate: func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return s.offer(c, request, presented), nil
		},
		ServerName: t.sni,
		NextProtos: []string{"http/1.1"},
		MinVersion: s.MinTLS,
		MaxVersion: s.MaxTLS,
		Time:       s.now,
	}
	if cache := s.sessionCache(); cache != nil {
		config.ClientSessionCache = sessions{cache, t.key()}
	}
	return config
}

// sessions is a session cache under a key of ours, as that of crypto/tls does not tell apart two
// hosts at one address when no server name is sent.
type sessions struct {
	tls.ClientSessionCache
	key string
}

func (s sessions) Get(string) (*tls.ClientSessionState, bool) { return s.ClientSessionCache.Get(s.key) }
func (s sessions) Put(_ string, state *tls.ClientSessionState) {
	s.ClientSessionCache.Put(s.key, state)
}

// offer answers the load balancer's request for a certificate; an empty one means none.
func (s *Sender) offer(c *connection, request *tls.CertificateRequestInfo, presented [][]byte) *tls.Certificate {
	c.asked = true
	c.cas = s.names(request.AcceptableCAs)
	none := func(why string) *tls.Certificate {
		c.unsent = why
		return new(tls.Certificate)
	}
	key := s.proof()
	switch {
	case len(s.Keystore.Certificate) == 0:
		return none("the keystore is empty")
	case len(presented) == 0:
		return none("the sender is set to send none")
	case key == nil:
		return none("the private key of the certificate is missing")
	}
	certificate := &tls.Certificate{Certificate: presented, PrivateKey: key}
	if s.OnlyIfIssuerNamed {
		if len(request.AcceptableCAs) > 0 && !issuerNamed(presented, request.AcceptableCAs) {
			return none("the load balancer names no issuer of it")
		}
		anyCA := *request
		anyCA.AcceptableCAs = nil
		if err := anyCA.SupportsCertificate(certificate); err != nil {
			return none("the load balancer does not support its kind of key")
		}
	}
	c.sent = presented
	return certificate
}

// names are the DNs for people. A load balancer names the same CAs every time.
func (s *Sender) names(cas [][]byte) []string {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	if !slices.EqualFunc(cas, s.live.casRaw, bytes.Equal) {
		names := make([]string, len(cas))
		for i, raw := range cas {
			names[i] = pki.TraceDN(raw)
		}
		s.live.casRaw, s.live.casNames = cas, names
	}
	return slices.Clone(s.live.casNames)
}

// describe notes what the handshake came to, as far as it went.
func (c *connection) describe(t target) {
	state := c.tls.ConnectionState()
	c.info.ServerName = serverName(t.sni)
	if state.Version != 0 {
		c.info.Version = tls.VersionName(state.Version)
	}
	if state.CipherSuite != 0 {
		c.info.Cipher = tls.CipherSuiteName(state.CipherSuite)
	}
	c.info.Resumed = state.DidResume
	c.late = state.Version == tls.VersionTLS13 || state.DidResume
	switch {
	case c.asked:
	case state.DidResume:
		c.unsent = "the TLS session was resumed"
	case state.HandshakeComplete:
		c.unsent = "the load balancer asked for none"
	}
}

// serverName is what crypto/tls really asks for: no addresses, and no dot at the end.
func serverName(sni string) string {
	if net.ParseIP(sni) != nil {
		return ""
	}
	for len(sni) > 0 && sni[len(sni)-1] == '.' {
		sni = sni[:len(sni)-1]
	}
	return sni
}

// alertOf finds the alert that goes with an error of the TLS connection, whoever sent it.
func (c *connection) alertOf(err error) *journey.Alert {
	if alert, ok := journey.ReceivedAlert(err, journey.LoadBalancerSide); ok {
		return &alert
	}
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) {
		// What crypto/tls sends for every error of verification; other stacks would tell an
		// unknown CA (48) from the rest.
		return alertOf(journey.SenderSide, 42)
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "local error" && op.Err != nil {
		if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
			return alertOf(journey.SenderSide, uint8(v.Uint()))
		}
	}
	if number, ok := c.raw.sentAlert(); ok {
		return alertOf(journey.SenderSide, number)
	}
	if errors.As(err, &op) && op.Op == "write" {
		// The other side ended the handshake while ours was being written: what it said may still
		// lie in the receive buffer.
		_ = c.raw.SetReadDeadline(time.Now().Add(time.Second))
		record := make([]byte, 7)
		if n, _ := io.ReadFull(c.raw, record); n == len(record) {
			if number, ok := alertRecord(record); ok {
				return alertOf(journey.LoadBalancerSide, number)
			}
		}
	}
	return nil
}

func alertOf(side journey.Side, number uint8) *journey.Alert {
	return &journey.Alert{From: side, Number: number, Name: journey.AlertName(number)}
}
