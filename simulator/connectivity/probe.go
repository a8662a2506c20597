package connectivity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"example.com/gatehouse/pki"
)

const (
	// maxRead bounds what is read of a server, in bytes; a handshake with a large chain takes a
	// tenth of it.
	maxRead = 1 << 20
	// maxCAs bounds how many acceptable CAs are listed.
	maxCAs = 500
)

// handshake is what a handshake shows, also one that fails in the end.
type handshake struct {
	presented []*x509.Certificate
	asked     bool
	cas       []string
}

// probe connects and lets the server present its chain. It does not judge it.
func (r *Result) probe(ctx context.Context, o Options) []*x509.Certificate {
	raw, err := o.Dial(ctx, "tcp", r.Address)
	if err != nil {
		r.Failures = append(r.Failures, dialFailure(r.Address, err))
		return nil
	}
	defer raw.Close()
	r.Connected = raw.RemoteAddr().String()

	var seen handshake
	conn := tls.Client(&boundedConn{Conn: raw, left: maxRead}, &tls.Config{
		ServerName: o.ServerName,
		MinVersion: tls.VersionTLS10, // what an old server presents is of interest too
		// The chain is judged afterwards, so that it can be shown whatever it is worth.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			seen.presented = s.PeerCertificates
			return nil
		},
		GetClientCertificate: func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			seen.asked = true
			for _, ca := range info.AcceptableCAs[:min(len(info.AcceptableCAs), maxCAs)] {
				seen.cas = append(seen.cas, pki.FormatDN(ca))
			}
			return &tls.Certificate{}, nil // none
		},
	})
	err = conn.HandshakeContext(ctx)
	if err == nil {
		state := conn.ConnectionState()
		r.Version, r.CipherSuite = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	}
	r.ClientCertificate, r.AcceptableCAs = NotAsked, seen.cas
	if seen.asked {
		r.ClientCertificate = Asked
	}
	switch {
	case err == nil && seen.asked && demands(conn, deadline(ctx)):
		r.ClientCertificate = Demanded
	case err == nil:
	case seen.asked && len(seen.presented) > 0 && endedByServer(err):
		r.ClientCertificate = Demanded
	default:
		r.ClientCertificate = ""
		r.Failures = append(r.Failures, tlsFailure(err))
	}
	return seen.presented
}

// maxFarewell bounds the wait for what a server says to a client that takes its leave.
const maxFarewell = 5 * time.Second

func deadline(ctx context.Context) time.Time {
	end := time.Now().Add(maxFarewell)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		return d
	}
	return end
}

// demands tells whether the server, which was not given the certificate that it asked for, ends the
// connection for it. With TLS 1.3 the client's side of the handshake is done before the server has
// judged; so the client takes its leave, and the server either does too or sends its alert.
func demands(conn *tls.Conn, end time.Time) bool {
	if conn.SetDeadline(end) != nil || conn.CloseWrite() != nil {
		return false
	}
	_, err := io.Copy(io.Discard, conn)
	return err != nil && isAlert(err)
}

// isAlert tells whether the server sent a TLS alert; crypto/tls has no type for it.
func isAlert(err error) bool { return strings.Contains(err.Error(), "remote error: tls:") }

// endedByServer tells whether the server gave up the handshake: with an alert, or by closing or
// resetting the connection.
func endedByServer(err error) bool {
	var op *net.OpError
	return isAlert(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &op) && op.Op == "read" && !op.Timeout()
}

// boundedConn ends a connection whose server sends more than it may.
type boundedConn struct {
	net.Conn
	left int
}

var errTooMuch = errors.New("the server sends more than a handshake takes")

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
