// Package receiver stands in for the load balancer of a tenant and checks the calls of real sender
// systems: a destination of transaction SM59, a consumer proxy of SOAMANAGER, a Java program,
// Postman, curl. For each call it says, point by point, what was found, what was expected and what
// to change in that system, and what the real tenant would have answered and logged.
//
// It decides nothing itself: TLS and the record of a connection come from package loadbalancer, the
// verdict on a chain from package check, what is said of a certificate from package inspect, and
// the answers of the tenant from package node, which is asked under several assumptions, since the
// mapping, roles and channels of the real tenant are not known here.
//
// Credentials that a sender sends beside its certificate are never kept, shown or checked, and
// neither are bodies.
package receiver

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/loadbalancer"
)

// DefaultKept is how many calls a receiver keeps.
const DefaultKept = 1000

// Config says where a receiver listens and what it trusts. The zero value trusts nobody and asks
// for no certificate.
type Config struct {
	// Listen is the TCP address to listen on. Default: a free port on loopback.
	Listen string
	// Trust is what the load balancer trusts.
	Trust check.Trust
	// Against says in words what Trust is. Default: "the trust list".
	Against string
	// At is the time by which chains are judged. Default: that of the call.
	At time.Time
	// Level is OpenSSL's security level. Default: level 2.
	Level verify.Level
	// Identity is what the receiver shows to senders. Default: one that is made for the start, for
	// localhost only.
	Identity *Identity
	// Kept is how many calls are kept; the oldest are forgotten. Default: DefaultKept.
	Kept int
	// Limits guard against senders that misbehave. Default: those of the load balancer.
	Limits loadbalancer.Limits
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Logger gets faults of the receiver. Default: discarded.
	Logger *slog.Logger
}

// Receiver is a running receiver. Start makes it, Close must end it. It is safe for use by many
// goroutines.
type Receiver struct {
	config   Config
	balancer *loadbalancer.LoadBalancer
	tenants  tenants

	mu      sync.Mutex
	open    map[string]*connection // by client address
	calls   []Call                 // the newest, oldest first
	count   int
	changed chan struct{}
	closing bool
}

// connection is what is known of a sender's connection.
type connection struct {
	handshake loadbalancer.Handshake
	chain     chain
	// requests are those whose record is not complete yet, by their number.
	requests map[int]request
}

// Start begins to listen. The error names what in the configuration is wrong. When ctx ends, the
// receiver closes.
func Start(ctx context.Context, c Config) (*Receiver, error) {
	if c.Kept <= 0 {
		c.Kept = DefaultKept
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Against == "" {
		c.Against = "the trust list"
	}
	if c.Identity == nil {
		identity, err := NewIdentity(nil, c.Now)
		if err != nil {
			return nil, err
		}
		c.Identity = identity
	}
	trust, err := trusted(c.Trust)
	if err != nil {
		return nil, fmt.Errorf("starting the receiver: %w", err)
	}
	r := &Receiver{config: c, open: map[string]*connection{}, tenants: tenants{now: c.Now, logger: c.Logger}}
	judged := verify.Options{Level: c.Level}
	if !c.At.IsZero() {
		judged.Now = func() time.Time { return c.At }
	}
	r.balancer, err = loadbalancer.Start(ctx, loadbalancer.Config{
		Listen:       c.Listen,
		Default:      loadbalancer.Host{Certificate: c.Identity.Certificate, Trust: trust},
		Backends:     []loadbalancer.Backend{&backend{r}},
		Now:          c.Now,
		Limits:       c.Limits,
		Verification: judged,
		ErrorLog:     c.Logger,
		Observer:     loadbalancer.Observer{Handshake: r.shaken, Record: r.recorded, Closed: r.ended},
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// trusted are the certificates whose names senders are shown when they are asked for theirs. Roots
// of a list of which only the fingerprint is known cannot be named.
func trusted(t check.Trust) ([]*x509.Certificate, error) {
	ders := t.Certificates
	if t.List != nil {
		ders = append(ders[:len(ders):len(ders)], t.List.Certificates()...)
	}
	out := make([]*x509.Certificate, 0, len(ders))
	for i, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("trusted certificate %d of %d: %w", i+1, len(ders), err)
		}
		out = append(out, c)
	}
	return out, nil
}

// Addr is the address that the receiver listens on.
func (r *Receiver) Addr() net.Addr { return r.balancer.Addr() }

// Identity is what the receiver shows to senders; they must trust its root.
func (r *Receiver) Identity() *Identity { return r.config.Identity }

// Close ends the receiver. Calls under way may go on for a moment. Closing again is no error.
func (r *Receiver) Close() error {
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	return r.balancer.Close()
}

// Count is how many calls came so far. A connection on which nothing was sent is no call.
func (r *Receiver) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// Next returns the oldest call that is kept with a number above after, and waits for it: Next(ctx,
// 0) is the first call. The error is that of ctx.
func (r *Receiver) Next(ctx context.Context, after int) (Call, error) {
	for {
		r.mu.Lock()
		for _, c := range r.calls {
			if c.Number > after {
				r.mu.Unlock()
				return c, nil
			}
		}
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Call{}, fmt.Errorf("waiting for call %d: %w", after+1, ctx.Err())
		}
	}
}

// shaken is told of a handshake.
func (r *Receiver) shaken(h loadbalancer.Handshake) {
	c := &connection{handshake: h, requests: map[int]request{}}
	c.chain = r.look(h)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[h.Client] = c
}

// connectionOf is what is known of a sender's connection; of one that was refused at once, nothing.
func (r *Receiver) connectionOf(client string) *connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.open[client]; c != nil {
		return c
	}
	return &connection{handshake: loadbalancer.Handshake{Client: client, Began: true}, requests: map[int]request{}}
}

// recorded is told of the record of a call, or of a connection that was refused.
func (r *Receiver) recorded(j journey.Journey) {
	c := r.connectionOf(j.Client)
	r.mu.Lock()
	asked := c.requests[j.Request]
	delete(c.requests, j.Request)
	if c.handshake.Failed {
		delete(r.open, j.Client)
	}
	r.mu.Unlock()
	if !c.handshake.Began {
		return // a look whether the port is open: no call of anybody
	}
	r.add(r.callOf(c, asked, j))
}

// ended is told that a connection whose handshake had succeeded is gone.
func (r *Receiver) ended(client string, requests int) {
	c := r.connectionOf(client)
	r.mu.Lock()
	delete(r.open, client)
	closing := r.closing
	r.mu.Unlock()
	if requests == 0 && !closing {
		r.add(r.callOf(c, request{}, r.silent(c)))
	}
}

// silent is the record of a connection on which no request came.
func (r *Receiver) silent(c *connection) journey.Journey {
	now := r.config.Now()
	h := c.handshake
	return journey.Journey{
		Started: now.Add(-h.Took), Ended: now, Client: h.Client, Host: h.ServerName, TLS: journeyTLS(h),
		Stops: []journey.Stop{{
			Station: journey.LoadBalancer, At: now, Verdict: journey.Refused, Reason: journey.NoAnswer,
			Decided: "the TLS handshake succeeded, and the sender closed the connection without a request",
		}},
	}
}

// add keeps a call and wakes those who wait.
func (r *Receiver) add(c Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	c.Number = r.count
	if len(r.calls) >= r.config.Kept {
		r.calls = append(r.calls[:0:0], r.calls[1:]...)
	}
	r.calls = append(r.calls, c)
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}
