package loadbalancer

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A machine that has no file descriptor left is not asked for a connection again and again, and the
// load balancer goes on as soon as there is one.
func TestAcceptPausesAfterAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var logged lockedBuffer
		h, p := piped(t, func(c *Config) { c.ErrorLog = slog.New(slog.NewTextHandler(&logged, nil)) })
		none := errors.New("too many open files")
		pauses := func(milliseconds ...time.Duration) {
			t.Helper()
			p.failing <- none
			for _, want := range milliseconds {
				began := time.Now()
				p.failing <- none // as soon as Accept is called again
				assert.Equal(t, want*time.Millisecond, time.Since(began))
			}
			synctest.Wait()
		}
		pauses(5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000)
		assert.Contains(t, logged.String(), `msg="the load balancer cannot accept a connection" error="too many open files" pause=640ms`)
		assert.Equal(t, 11, strings.Count(logged.String(), "cannot accept"))

		require.NoError(t, p.dial(t, h).Close())
		pauses(5, 10)

		p.failing <- none
		began := time.Now()
		require.NoError(t, h.Close())
		assert.Zero(t, time.Since(began), "it does not wait for the end of the pause")
	})
}

// halfOpen is a connection of which each direction can be closed, with errors on demand.
type halfOpen struct {
	nowhere
	did                []string
	closing, deadlines error
	rest               io.Reader // what the sender still sends
	read               int
	until, writable    time.Time // the deadlines
}

func (h *halfOpen) CloseWrite() error { h.did = append(h.did, "close write"); return h.closing }
func (h *halfOpen) SetReadDeadline(t time.Time) error {
	h.did, h.until = append(h.did, "deadline"), t
	return h.deadlines
}
func (h *halfOpen) SetDeadline(time.Time) error        { return nil }
func (h *halfOpen) SetWriteDeadline(t time.Time) error { h.writable = t; return nil }
func (h *halfOpen) Write(p []byte) (int, error)        { return len(p), nil }
func (h *halfOpen) Close() error                       { h.did = append(h.did, "close"); return nil }
func (h *halfOpen) Read(p []byte) (int, error) {
	h.did = append(h.did, "read")
	n, err := h.rest.Read(p)
	h.read += n
	return n, err
}

// The last words of a connection: what the sender still sends is read, but neither for long nor
// without an end.
func TestLinger(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		linger := func(c net.Conn) { (&wire{Conn: c}).linger() }
		c := &halfOpen{rest: strings.NewReader("rest")}
		linger(c)
		assert.Equal(t, []string{"close write", "deadline", "read", "read"}, c.did)
		assert.Equal(t, 4, c.read)
		assert.Equal(t, 500*time.Millisecond, time.Until(c.until))

		c = &halfOpen{rest: endless{}}
		linger(c)
		assert.Equal(t, 256<<10, c.read)

		c = &halfOpen{closing: os.ErrClosed}
		linger(c)
		assert.Equal(t, []string{"close write"}, c.did, "nothing to wait for")
		c = &halfOpen{deadlines: os.ErrClosed}
		linger(c)
		assert.Equal(t, []string{"close write", "deadline"}, c.did, "it must not wait without a limit")
		linger(nowhere{}) // has no half to close, and nothing to read from
	})
}

// A sender that is told why its handshake failed gets the time to read it; what is not TLS, and a
// sender that ended the handshake itself, do not.
func TestWhoIsLingeredFor(t *testing.T) {
	lb, err := prepare(Config{Default: testPKI().host(tenantHost, Request)})
	require.NoError(t, err)
	for sent, lingers := range map[string]bool{
		"\x80\x2e\x01\x00\x02":                     true,  // SSL 2.0, which gets an alert
		"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00": true,  // no ClientHello, which gets one too
		"\x15\x03\x01\x00\x02\x02\x28":             false, // the sender's own alert
		"GET / HTTP/1.1\r\n\r\n":                   false,
		"":                                         false,
	} {
		c := &halfOpen{rest: strings.NewReader(sent)}
		w := &wire{Conn: c}
		require.Equal(t, admitted, lb.tracker.admit(w, 1))
		lb.shakeHands(w)
		assert.Equal(t, lingers, slices.Contains(c.did, "close write"), "%q", sent)
		assert.Equal(t, "close", c.did[len(c.did)-1], "%q", sent)
		assert.Empty(t, lb.tracker.rest())
	}
}

// A connection that comes, or whose handshake ends, when the load balancer ends is closed.
func TestConnectionsThatComeTooLate(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		early := p.connect()
		synctest.Wait()
		require.Len(t, h.tracker.close(), 1)
		ended(t, p.connect())

		config := h.as(nil)
		config.Time = h.now
		c := tls.Client(early, config)
		require.NoError(t, c.Handshake())
		ended(t, c)
		synctest.Wait()
		assert.Empty(t, h.tracker.rest())
		assert.Empty(t, h.node.requests())
		assert.Empty(t, h.journeys.All(), "that is no fault of the senders")
	})
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		require.NoError(t, h.finished.Close()) // the HTTP server takes no connection any more
		ended(t, p.dial(t, h))
		synctest.Wait()
		assert.Empty(t, h.tracker.rest())
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
