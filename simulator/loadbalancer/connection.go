package loadbalancer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

// connection is a sender's connection after its handshake. The HTTP server reads and writes
// through it, which shows what net/http answers on its own account.
type connection struct {
	*tls.Conn
	lb   *LoadBalancer
	wire *wire
	site *site
	// What was found out in the handshake; the same for every call of the connection.
	tls          journey.TLS
	verification journey.Verification
	identity     forwarding.Identity
	stop         journey.Stop
	judged       judgement

	// requests counts the calls that reached a handler.
	requests atomic.Int64
	// inCall is true from the beginning of a handler until its answer is written. Bytes written
	// while it is false come from net/http itself.
	inCall atomic.Bool
	// received tells that bytes of the next request have been read.
	received atomic.Bool
	// faulted is set when a request's fault was written down; one is enough.
	faulted atomic.Bool
}

func (lb *LoadBalancer) newConnection(w *wire, secured *tls.Conn) *connection {
	state := secured.ConnectionState()
	c := &connection{Conn: secured, lb: lb, wire: w, site: w.site}
	c.judged = c.site.judge(state.PeerCertificates)
	result := c.judged.result
	c.tls = journey.TLS{
		Version:    tls.VersionName(state.Version),
		Cipher:     tls.CipherSuiteName(state.CipherSuite),
		ServerName: w.serverName,
		Resumed:    state.DidResume,
	}
	c.verification = verification(result, state.PeerCertificates)
	c.identity = identity(result, state.PeerCertificates)
	c.stop = stop(c.site, result, c.verification)
	c.stop.Saw = facts(c.tls, c.verification)
	return c
}

type connectionKey struct{}

// withConnection makes the connection known to its handlers.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// stateChanged follows the HTTP server: idle means that an answer is written.
func (lb *LoadBalancer) stateChanged(n net.Conn, state http.ConnState) {
	c := n.(*connection) // a handover gives out no others
	switch state {
	case http.StateIdle:
		c.received.Store(false)
		c.inCall.Store(false)
		lb.tracker.end(c.wire)
	case http.StateClosed:
		if closed := lb.config.Observer.Closed; closed != nil {
			requests := int(c.requests.Load())
			if c.faulted.Load() {
				requests++
			}
			closed(c.wire.RemoteAddr().String(), requests)
		}
		lb.tracker.remove(c.wire)
	}
}

// Read notes requests that are begun and not finished in time.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.inCall.Load() {
		return n, err
	}
	if n > 0 && !c.received.Swap(true) && c.requests.Load() > 0 {
		// net/http waits for four bytes of a further request before it takes the limit of an idle
		// connection off.
		_ = c.SetReadDeadline(time.Now().Add(c.lb.limits.HeaderTimeout))
	}
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		switch {
		case c.received.Load():
			c.fault(journey.RequestTimeout, 0, int(c.requests.Load())+1,
				fmt.Sprintf("the header of a request was not complete after %s; the connection was closed", c.lb.limits.HeaderTimeout))
		case c.requests.Load() == 0:
			c.fault(journey.RequestTimeout, 0, 0,
				fmt.Sprintf("no request came for %s after the handshake; the connection was closed", c.lb.limits.HeaderTimeout))
		}
	}
	return n, err
}

// Write notes answers that net/http gives itself, which are about requests that it could not read.
func (c *connection) Write(p []byte) (int, error) {
	if !c.inCall.Load() {
		if status := statusOf(p); status >= 400 {
			reason, decided := journey.BadRequest, "the request is not well-formed; answered with %d and closed"
			if status == http.StatusRequestHeaderFieldsTooLarge {
				reason = journey.HeaderTooLarge
				decided = fmt.Sprintf("the header is larger than %d bytes", c.lb.limits.HeaderBytes) + "; answered with %d and closed"
			}
			c.fault(reason, status, int(c.requests.Load())+1, fmt.Sprintf(decided, status))
		}
		// The deadline of a call does not count here, and a sender that does not read must not
		// hold the connection.
		_ = c.SetWriteDeadline(time.Now().Add(c.lb.limits.HeaderTimeout))
	}
	return c.Conn.Write(p)
}

// statusOf reads the status from the first line of an answer; 0 if there is none.
func statusOf(p []byte) int {
	rest, ok := bytes.CutPrefix(p, []byte("HTTP/1."))
	if !ok || len(rest) < 5 {
		return 0
	}
	status, _ := strconv.Atoi(string(rest[2:5])) // 0 for what is no number
	return status
}

// Close says good-bye so that the sender gets to read what was last written.
func (c *connection) Close() error {
	if c.faulted.Load() && !c.wire.parting.Load() {
		if c.Conn.CloseWrite() == nil {
			c.wire.linger()
		}
	}
	return c.Conn.Close()
}

// farewell closes a connection without a call when the load balancer ends.
func (c *connection) farewell() {
	c.wire.parting.Store(true)
	_ = c.Close()
}

// fault writes down a request that reached no handler.
func (c *connection) fault(reason journey.Reason, status, request int, decided string) {
	if c.faulted.Swap(true) || !c.lb.records() {
		return
	}
	now := c.lb.now()
	begun := now
	if request <= 1 {
		begun = c.wire.started
	}
	c.lb.keep(journey.Journey{
		ID:           c.wire.id + "-" + strconv.Itoa(request),
		Started:      begun,
		Ended:        now,
		Client:       c.wire.RemoteAddr().String(),
		Request:      request,
		Host:         c.site.host.Name,
		Status:       status,
		TLS:          c.tls,
		Verification: c.verification,
		Stops: []journey.Stop{{
			Station: journey.LoadBalancer, At: now, Verdict: journey.Refused, Reason: reason,
			Decided: decided, Saw: c.stop.Saw, Took: now.Sub(begun),
		}},
	})
}
