package loadbalancer

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// inBubble runs a test whose time passes only while everybody waits, and then at once: how long
// something takes is exact there, and costs nothing. Sockets know no such time; see pipes.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	testPKI() // lasts longer than the bubble, and is not of its time
	synctest.Test(t, test)
}

// pipes is a listener without sockets: a test connects, lets Accept fail, and can do both in a
// bubble.
type pipes struct {
	t        testing.TB
	arriving chan net.Conn
	failing  chan error
	closed   chan struct{}
	once     sync.Once
	serial   int
	lag      time.Duration // how long after Close an Accept that waits returns
}

func newPipes(t testing.TB) *pipes {
	return &pipes{t: t, arriving: make(chan net.Conn), failing: make(chan error), closed: make(chan struct{})}
}

// serve is Start, but on the pipes, and until the context ends.
func (p *pipes) serve(ctx context.Context) func(context.Context, Config) (*LoadBalancer, error) {
	return func(_ context.Context, config Config) (*LoadBalancer, error) {
		lb, err := prepare(config)
		if err == nil {
			lb.begin(ctx, p)
		}
		return lb, err
	}
}

// piped starts a load balancer that listens on pipes.
func piped(t *testing.T, change func(*Config)) (*house, *pipes) {
	t.Helper()
	p := newPipes(t)
	return openBy(t, change, p.serve(t.Context())), p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arriving:
		return c, nil
	case err := <-p.failing:
		return nil, err
	case <-p.closed:
		time.Sleep(p.lag) // of the bubble's time
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return textAddress("pipes") }

// SetDeadline lets the Accept fail that waits at that time.
func (p *pipes) SetDeadline(at time.Time) error {
	time.AfterFunc(time.Until(at), func() {
		select {
		case p.failing <- os.ErrDeadlineExceeded:
		case <-p.closed:
		}
	})
	return nil
}

// connect is a TCP connection to the load balancer.
func (p *pipes) connect() net.Conn {
	near, far := net.Pipe()
	// Without TLS's good-bye: what is written to a pipe waits for whoever reads it, and the load
	// balancer may be saying its own at that moment.
	p.t.Cleanup(func() { _ = near.Close() })
	p.serial++
	address := textAddress(fmt.Sprintf("192.0.2.1:%d", p.serial))
	p.arriving <- farEnd{from{far, address}}
	return to{near, address}
}

// farEnd is the load balancer's end of a pipe. It can be told that nothing more will be written, as a
// TCP connection can, which the other end does not notice.
type farEnd struct{ from }

func (farEnd) CloseWrite() error { return nil }

// to is the sender's end of a pipe.
type to struct {
	net.Conn
	address net.Addr
}

func (c to) LocalAddr() net.Addr { return c.address }

// dial is a connection whose handshake is done.
func (p *pipes) dial(t *testing.T, h *house) *tls.Conn {
	t.Helper()
	config := h.as(h.pki.client)
	config.Time = func() time.Time { return *h.clock.Load() }
	c := tls.Client(p.connect(), config)
	require.NoError(t, c.Handshake())
	synctest.Wait() // the load balancer is that far as well
	return c
}

// call sends a request on a new connection, which is read from to its end. It returns when the call
// is under way.
func (p *pipes) call(t *testing.T, h *house) <-chan result {
	t.Helper()
	c, out := p.dial(t, h), make(chan result, 1)
	go func() {
		a, err := say(c, get(tenantHost))
		out <- result{a, err}
		_, _ = io.Copy(io.Discard, c)
	}()
	synctest.Wait()
	return out
}
