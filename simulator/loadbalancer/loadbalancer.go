// Package loadbalancer is the first station of a call in the tenant: it terminates TLS for the
// default host and for custom domains, judges the certificate that a sender presents, tells a
// runtime node in headers who the sender is, and spreads calls over the nodes.
//
// It knows nothing of users, channels and flows: a runtime node is a [Backend] to it. What the
// headers look like lives in package forwarding, how a chain is judged in package verify, what is
// written down about a call in package journey.
//
// # What is a fact and what is a choice
//
// The default host asks for a certificate without insisting [I]; custom domains have a mode and a
// CA bundle of their own [C]; only names of root certificates are sent to senders [C]; a
// certificate that does not verify is withheld and the call goes on [C]. Choices [?]:
//
//   - The alert for an invalid certificate in mode [Require] is bad_certificate, and the one for a
//     missing certificate certificate_required (TLS 1.3) or handshake_failure (TLS 1.2).
//   - A resumed session keeps its certificate and result [C]. The result is not stored in the
//     session but computed again from the certificate, so it differs from the first one if a
//     certificate above the sender's own has reached a date since; where the sender's own has,
//     crypto/tls does not resume.
//   - The verdict is computed once for each connection. A changed trust list or mode counts for
//     new connections at once, takes the right to resume from all sessions of that host, and
//     leaves connections that are alive as they are.
//   - Only HTTP/1.1 is spoken: real log lines show nothing else.
//   - What the sender lists in Connection, and its trailers, end at the load balancer.
//   - crypto/tls ends the handshake of a sender whose certificate it cannot parse, and of one
//     whose server name ends in a dot; OpenSSL would go on in both cases. The GODEBUG settings
//     x509negativeserial=1 and tlsmaxrsasize=16384, which the command gatehouse is built with, let
//     it parse negative serial numbers and large RSA keys; a program that embeds this package can
//     set them too.
//
// Limits are measured in real time, since they guard real sockets; everything else is dated by
// [Config].Now.
package loadbalancer

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
)

// Defaults of Config.
const (
	DefaultListen  = "127.0.0.1:0"
	DefaultAddress = "10.0.0.14"
)

// Backend is a runtime node as the load balancer sees it: in the same process, or a proxy to one
// that is elsewhere. It gets the same headers in both cases.
type Backend interface {
	// ID is the node's id, unique among the backends and constant.
	ID() string
	// Up tells whether the node takes calls now. It is asked for every call and must be quick.
	Up() bool
	http.Handler
}

// Config describes a load balancer. It is not changed by it, and must not be changed afterwards.
type Config struct {
	// Listen is the TCP address to listen on. Default: DefaultListen, a free port of this machine.
	Listen string
	// Default is the host for senders that name no server, or one that is no custom domain. Its
	// certificate is mandatory.
	Default Host
	// Domains are the custom domains (SSL hosts). Default: none.
	Domains []Host
	// Backends are the runtime nodes. Default: none, and every call is answered with 503.
	Backends []Backend
	// Address is the load balancer's own IP address as the nodes see and log it. Default:
	// DefaultAddress.
	Address string
	// Now is the clock by which certificates and sessions are judged and journeys are dated.
	// Default: time.Now.
	Now func() time.Time
	// Rand is where the keys of session tickets and affinity cookies come from; TLS itself always
	// uses the system's randomness. Default: crypto/rand.
	Rand io.Reader
	// Journeys keeps the record of every call and every refused connection. Default: none is kept.
	Journeys *journey.Log
	// Observer is told of handshakes, records and ended connections. Default: nobody is.
	Observer Observer
	// Limits guard against senders that misbehave. Default: each field's own.
	Limits Limits
	// Verification says how chains are judged; without a clock of its own, by Now. Default: the
	// verifier's own.
	Verification verify.Options
	// ErrorLog gets faults of the load balancer and its nodes, never those of senders: these are
	// journeys. Default: discarded.
	ErrorLog *slog.Logger
	// MinVersion is the oldest TLS version offered (tls.VersionTLS12, tls.VersionTLS13).
	// Default: TLS 1.2 [I]. Older versions cannot be offered.
	MinVersion uint16
	// Parts exchanges parts for others, in tests. Default: none.
	Parts Parts
}

// LoadBalancer is a running load balancer. Start makes it; Close or Shutdown must end it.
type LoadBalancer struct {
	config   Config
	limits   Limits
	now      func() time.Time
	rand     io.Reader
	log      *slog.Logger
	listener deadlineListener
	server   *http.Server
	finished *handover
	outer    *tls.Config

	sites atomic.Pointer[directory]
	// changing keeps changes of hosts in sequence.
	changing sync.Mutex

	// base is the parent of every call's context; cut ends it, and with it all calls.
	base    context.Context
	cut     context.CancelFunc
	release func() bool // forgets Start's context

	// draining is set when no connection is to be used again; refused is closed when none is taken
	// any more.
	draining atomic.Bool
	refused  chan struct{}

	serial  atomic.Uint64
	loops   sync.WaitGroup
	tracker tracker
}

// Start begins to listen and to serve. When ctx ends, the load balancer closes as by Close. An
// error names what in the configuration is wrong.
func Start(ctx context.Context, config Config) (*LoadBalancer, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("starting the load balancer: %w", err)
	}
	lb, err := prepare(config)
	if err != nil {
		return nil, fmt.Errorf("starting the load balancer: %w", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", lb.config.Listen)
	if err != nil {
		return nil, fmt.Errorf("starting the load balancer: listening on %s: %w", lb.config.Listen, err)
	}
	lb.begin(ctx, listener.(*net.TCPListener))
	return lb, nil
}

// prepare makes a load balancer that does not serve yet.
func prepare(config Config) (*LoadBalancer, error) {
	lb := &LoadBalancer{
		config: config,
		limits: config.Limits.withDefaults(),
		now:    config.Now,
		rand:   config.Rand,
		log:    config.ErrorLog,
	}
	if lb.now == nil {
		lb.now = time.Now
	}
	if lb.rand == nil {
		lb.rand = rand.Reader
	}
	if lb.log == nil {
		lb.log = slog.New(slog.DiscardHandler)
	}
	if lb.config.Address == "" {
		lb.config.Address = DefaultAddress
	}
	if lb.config.Listen == "" {
		lb.config.Listen = DefaultListen
	}
	switch lb.config.MinVersion {
	case 0:
		lb.config.MinVersion = tls.VersionTLS12
	case tls.VersionTLS12, tls.VersionTLS13:
	default:
		return nil, fmt.Errorf("oldest TLS version %s: TLS 1.2 or TLS 1.3 expected", tls.VersionName(lb.config.MinVersion))
	}
	if net.ParseIP(lb.config.Address) == nil {
		return nil, fmt.Errorf("own address %q: an IP address expected", lb.config.Address)
	}
	sites, err := lb.newDirectory(Settings{config.Default, config.Domains, config.Backends, config.Verification}, spread{})
	if err != nil {
		return nil, err
	}
	lb.sites.Store(sites)
	lb.outer = &tls.Config{GetConfigForClient: lb.configFor, MinVersion: lb.config.MinVersion, Time: lb.now}
	return lb, nil
}

// deadlineListener is a listener of which accepting can be given a time limit, as that of TCP.
type deadlineListener interface {
	net.Listener
	SetDeadline(t time.Time) error
}

// begin serves the connections that come from the listener, which it closes in the end. When ctx
// ends, that is as by Close.
func (lb *LoadBalancer) begin(ctx context.Context, listener deadlineListener) {
	lb.listener = listener
	lb.base, lb.cut = context.WithCancel(context.WithoutCancel(ctx))
	lb.finished = newHandover(listener.Addr())
	lb.server = lb.newServer()
	lb.refused = make(chan struct{})
	lb.loops.Go(lb.acceptLoop)
	// Serve ends when the server is closed, and there is no other error: a handover has none.
	lb.loops.Go(func() { _ = lb.server.Serve(lb.finished) })
	lb.release = context.AfterFunc(ctx, func() {
		if err := lb.endSoon(); err != nil {
			lb.log.Error("the load balancer did not end cleanly", "error", err)
		}
	})
}

// handler takes the calls.
func (lb *LoadBalancer) handler() http.Handler {
	if exchange := lb.config.Parts.Handler; exchange != nil {
		return exchange(http.HandlerFunc(lb.serve))
	}
	return http.HandlerFunc(lb.serve)
}

// newServer is the HTTP side: it gets connections whose handshake is done.
func (lb *LoadBalancer) newServer() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler: lb.handler(),
		// net/http allows 4 KiB above this number.
		MaxHeaderBytes:               max(lb.limits.HeaderBytes-4096, 1),
		ReadHeaderTimeout:            lb.limits.HeaderTimeout,
		IdleTimeout:                  lb.limits.Idle,
		ErrorLog:                     slog.NewLogLogger(lb.log.Handler(), slog.LevelWarn),
		BaseContext:                  func(net.Listener) context.Context { return lb.base },
		ConnContext:                  withConnection,
		ConnState:                    lb.stateChanged,
		Protocols:                    protocols,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is the node's to answer
	}
}

// Addr is the address that the load balancer listens on.
func (lb *LoadBalancer) Addr() net.Addr { return lb.listener.Addr() }
