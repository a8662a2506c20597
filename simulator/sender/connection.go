package sender

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"time"

	"example.com/gatehouse/simulator/journey"
)

// The most that is read of an answer: a test must not end because somebody answers without end.
const (
	maxHead = 1 << 20  // status line and header, with those of interim answers
	maxBody = 1 << 20  // what a Result holds
	maxWire = 16 << 20 // the body with its framing, and trailers
)

// connection is one TLS connection to the load balancer and what was learned while it was opened.
// It serves one request at a time.
type connection struct {
	key      string // where it leads to
	raw      *watched
	tls      *tls.Conn
	limit    *limited
	reader   *bufio.Reader
	requests int

	local    string
	info     journey.TLS
	servers  []*x509.Certificate
	asked    bool
	cas      []string
	sent     [][]byte
	unsent   string
	late     bool // the load balancer's verdict on the handshake may still be to come
	reusable bool
}

// failure is why a request got no answer.
type failure struct {
	stage Stage
	err   error
	alert *journey.Alert
	// silent: the other side ended the connection without one byte of an answer.
	silent bool
}

// open dials and does the handshake. The connection is never nil: after a failure it holds what
// was learned, and is closed.
func (s *Sender) open(ctx context.Context, t target, presented [][]byte) (*connection, *failure) {
	c := &connection{key: t.key()}
	local, err := localAddr(s.LocalAddr)
	if err != nil {
		return c, &failure{stage: StageDial, err: err}
	}
	dialer := net.Dialer{LocalAddr: local}
	raw, err := dialer.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return c, &failure{stage: StageDial, err: explain(ctx, "connecting", err)}
	}
	c.raw = &watched{Conn: raw}
	c.local = raw.LocalAddr().String()
	c.tls = tls.Client(c.raw, s.tlsConfig(c, t, presented))
	c.limit = &limited{from: c.tls}
	c.reader = bufio.NewReader(c.limit)

	release := c.watch(ctx)
	err = c.tls.Handshake()
	release()
	c.describe(t)
	if err == nil {
		c.reusable = true
		return c, nil
	}
	f := &failure{stage: StageTLS, alert: c.alertOf(err), err: explain(ctx, "in the TLS handshake", err)}
	c.close()
	return c, f
}

// key tells connections apart: one is used again only for the same place, host and server name.
func (t target) key() string { return t.address + "\x00" + t.host + "\x00" + t.sni }

// watch breaks off reads and writes when the context ends. The function that it returns stops
// that, and tells whether the connection can still be used.
func (c *connection) watch(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.raw.SetDeadline(time.Unix(1, 0)) })
}

// send sends one request and reads the answer into r. Writing and reading go on at the same time:
// the load balancer may answer, or end the connection with an alert, before all is sent.
func (c *connection) send(ctx context.Context, m message, r *Result) *failure {
	c.requests++
	first := c.requests == 1
	release := c.watch(ctx)
	written := make(chan error, 1)
	go func() {
		err := c.write(m)
		var body bodyError
		if errors.As(err, &body) {
			c.raw.Close() // nothing more will be sent, so no answer need be waited for
		}
		written <- err
	}()
	f := c.read(ctx, m.method, r)
	if !release() || f != nil {
		c.close() // also ends a write that is under way
	}
	done, writeErr := c.settle(m, written)
	if !done || writeErr != nil {
		c.close()
	}
	if f == nil {
		return nil
	}
	var body bodyError
	switch {
	case first && c.late && f.silent && f.alert != nil && f.alert.From == journey.LoadBalancerSide:
		// The handshake was not finished for the load balancer; no request ever was.
		f.stage = StageTLS
		c.requests--
	case errors.As(writeErr, &body):
		f.stage, f.err, f.silent = StageRequest, fmt.Errorf("reading the body to be sent: %w", body.err), false
	case writeErr != nil && f.silent:
		f.stage = StageRequest
	}
	return f
}

// settleTime is how long the end of a write is waited for once the answer is there. The write of a
// request that was answered is over, or never will be.
const settleTime = 50 * time.Millisecond

// settle waits until the goroutine that writes has ended, and makes it end; it leaves behind only
// one that waits for a reader which cannot be closed. done is false if the write was cut short.
func (c *connection) settle(m message, written <-chan error) (done bool, err error) {
	closer, closes := m.stream.(io.Closer)
	if closes {
		defer closer.Close()
	}
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case err := <-written:
		return true, err
	case <-timer.C:
	}
	c.close()
	if closes {
		closer.Close()
	}
	if m.stream == nil || closes {
		return false, <-written
	}
	return false, nil
}

func (c *connection) write(m message) error {
	if m.stream == nil && len(m.body) <= 16<<10 {
		_, err := c.tls.Write(slices.Concat(m.head, m.body))
		return err
	}
	if _, err := c.tls.Write(m.head); err != nil {
		return err
	}
	switch {
	case m.chunks:
		w := httputil.NewChunkedWriter(c.tls)
		if _, err := io.Copy(w, faultyBody{m.stream}); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		_, err := io.WriteString(c.tls, "\r\n")
		return err
	case m.stream != nil:
		_, err := io.Copy(c.tls, faultyBody{m.stream})
		return err
	}
	_, err := c.tls.Write(m.body)
	return err
}

// read reads one answer, passing over interim ones.
func (c *connection) read(ctx context.Context, method string, r *Result) *failure {
	c.limit.left = maxHead
	if _, err := c.reader.Peek(1); err != nil {
		alert := c.alertOf(err)
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the connection was closed: %w", err)
		}
		return &failure{stage: StageResponse, alert: alert, silent: !isTimeout(err) && !errors.Is(err, errTooLong),
			err: explain(ctx, "waiting for the answer", err)}
	}
	for {
		response, err := http.ReadResponse(c.reader, &http.Request{Method: method})
		if err != nil && c.limit.left <= 0 {
			err = errTooLong // whatever it was cut down to
		}
		if err != nil {
			return &failure{stage: StageResponse, alert: c.alertOf(err), err: explain(ctx, "reading the answer", err)}
		}
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		r.Status, r.Header = response.StatusCode, response.Header
		c.limit.left = maxWire
		r.Body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
		if len(r.Body) > maxBody {
			r.Body, r.Truncated = r.Body[:maxBody:maxBody], true
		}
		if response.Close || r.Truncated || c.reader.Buffered() > 0 || response.StatusCode == http.StatusSwitchingProtocols {
			c.reusable = false
		}
		if err != nil {
			return &failure{stage: StageResponse, alert: c.alertOf(err), err: explain(ctx, "reading the body of the answer", err)}
		}
		return nil
	}
}

// close ends the connection with the alert close_notify, as far as that can be sent at once.
func (c *connection) close() {
	c.reusable = false
	if c.tls == nil {
		return
	}
	_ = c.tls.Close()
}

// fill tells in the result what is known of the connection.
func (c *connection) fill(r *Result) {
	r.LocalAddr, r.Request, r.TLS = c.local, c.requests, c.info
	r.ServerChain, r.CertificateAsked, r.AcceptableCAs = c.servers, c.asked, c.cas
	r.CertificateSent, r.Sent, r.unsent = len(c.sent) > 0, c.sent, c.unsent
}

// explain says what was being done, and names the context's end where that was the cause.
func explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil && (isTimeout(err) || errors.Is(err, net.ErrClosed) || errors.Is(err, ctx.Err())) {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func localAddr(s string) (net.Addr, error) {
	if s == "" {
		return nil, nil
	}
	if net.ParseIP(s) != nil {
		s = net.JoinHostPort(s, "0")
	}
	a, err := net.ResolveTCPAddr("tcp", s)
	if err != nil {
		return nil, fmt.Errorf("the address to call from: %w", err)
	}
	return a, nil
}
