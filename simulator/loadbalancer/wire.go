package loadbalancer

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// wire is the TCP connection below TLS. It looks at the first bytes that arrive, and remembers
// what the ClientHello asked for: crypto/tls hands it to the callback that picks the host.
type wire struct {
	net.Conn
	id      string
	started time.Time
	// accepted is started by the machine's clock, for durations.
	accepted time.Time

	// Written by the goroutine of the handshake only.
	first      [8]byte
	seen       int
	site       *site // nil: no ClientHello was understood
	serverName string
	versions   []uint16
	records    records

	// Guarded by the tracker.
	phase      phase
	connection *connection // nil before the handshake is done

	// parting is set when the load balancer ends: a good-bye must not wait for a sender then.
	parting atomic.Bool
}

// partingTime is how long a good-bye may take when the load balancer ends.
const partingTime = 100 * time.Millisecond

// SetWriteDeadline bounds what crypto/tls allows for its good-bye (five seconds).
func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.parting.Load() {
		if latest := time.Now().Add(partingTime); t.IsZero() || t.After(latest) {
			t = latest
		}
	}
	return w.Conn.SetWriteDeadline(t)
}

// errNotTLS ends a connection whose first byte cannot begin TLS.
var errNotTLS = errors.New("not a TLS record")

// Read refuses garbage at its first byte, so that it cannot wait for the rest of a record.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.records.see(p[:n])
	if n > 0 {
		begins := w.seen == 0
		w.seen += copy(w.first[w.seen:], p[:n])
		if begins && !beginsTLS(w.first[0]) {
			return 0, errNotTLS
		}
	}
	return n, err
}

// beginsTLS knows a handshake record (22), an alert (21), and the ClientHello of SSL 2.0 (128),
// to which crypto/tls answers with the alert that belongs to it.
func beginsTLS(b byte) bool { return b == 22 || b == 21 || b == 0x80 }

const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// linger lets the sender read the last words before the connection is closed: closing a socket
// that holds unread input resets it, which can destroy what is still on its way to the sender.
func (w *wire) linger() {
	half, ok := w.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	if w.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	// Whatever comes now is of no interest, nor is how it ends.
	_, _ = io.CopyN(io.Discard, w.Conn, lingerBytes)
}

// clientIP is the sender's address without the port.
func (w *wire) clientIP() string {
	if tcp, ok := w.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.IP.String()
	}
	host, _, err := net.SplitHostPort(w.RemoteAddr().String())
	if err != nil {
		return w.RemoteAddr().String()
	}
	return host
}
