package neighbour

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

// Backend is a runtime node; *node.Node is one.
type Backend interface {
	http.Handler
	ID() string
	Up() bool
}

// GateConfig describes the door of one node.
type GateConfig struct {
	// Address to listen on. Default: 127.0.0.1:0.
	Address string
	// Kind is the neighbour whose headers are understood.
	Kind Kind
	// Identity is the one that the neighbour's configuration was written with.
	Identity Identity
	// Node is what stands behind the door.
	Node Backend
	// Journeys keeps the records of calls. Default: they are not kept.
	Journeys *journey.Log
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Logger takes what goes wrong: callers that are not the neighbour, for instance. Default:
	// discarded.
	Logger *slog.Logger
}

// Limits of a door. A neighbour is no stranger, so they are wide.
const (
	gateHandshake = 10 * time.Second
	gateHeader    = 64 << 10
	// maxUnread is how much of a body is read that the node had no use for. It is above the limit
	// of a channel that names none.
	maxUnread = 64 << 20
	// CloseLimit is how long Close waits for calls that are under way.
	CloseLimit = 10 * time.Second
)

// checkHeader marks a neighbour's own question whether a node is up.
const checkHeader = "X-Gatehouse-Check"

// nodeDown stands in that header of the answer of a node that is down.
const nodeDown = "down"

// Gate is the door of a runtime node: a TLS listener that lets the neighbour in and nobody else,
// reads from its headers who the sender is, and hands the call to the node.
type Gate struct {
	config   GateConfig
	listener net.Listener
	server   *http.Server
	calls    atomic.Uint64
	done     chan error
}

// Listen opens the door of a node. Close, or the end of ctx, closes it.
func Listen(ctx context.Context, c GateConfig) (*Gate, error) {
	if c.Address == "" {
		c.Address = "127.0.0.1:0"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Identity.nodes == nil || c.Node == nil {
		return nil, errors.New("opening a runtime node for a load balancer: identity or node is missing")
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("opening runtime node %s for a load balancer: %w", c.Node.ID(), err)
	}
	g := &Gate{config: c, listener: listener, done: make(chan error, 1)}
	g.server = &http.Server{
		Handler: g, TLSConfig: c.Identity.server(), ReadHeaderTimeout: gateHandshake, MaxHeaderBytes: gateHeader,
		ErrorLog:     log.New(logWriter{c.Logger, c.Node.ID()}, "", 0),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	go func() {
		err := g.server.ServeTLS(listener, "", "")
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		g.done <- err
	}()
	context.AfterFunc(ctx, func() { _ = g.server.Close() })
	return g, nil
}

// Addr is where the door is.
func (g *Gate) Addr() net.Addr { return g.listener.Addr() }

// Close lets calls that are under way end, for CloseLimit at most.
func (g *Gate) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), CloseLimit)
	defer cancel()
	err := g.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, g.server.Close())
	}
	if err = errors.Join(err, <-g.done); err != nil {
		return fmt.Errorf("closing the door of runtime node %s: %w", g.config.Node.ID(), err)
	}
	return nil
}

// ServeHTTP takes one call from the neighbour.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := g.config
	if !c.Node.Up() {
		// For a call that came before the neighbour noticed: it takes another node, or says itself that
		// there is none.
		w.Header().Set(checkHeader, nodeDown)
		http.Error(w, "The runtime node is down.", http.StatusBadGateway)
		return
	}
	if r.Header.Get(checkHeader) != "" {
		return // the neighbour asks whether the node is up, and does not pass such a header on
	}
	identity, err := c.Kind.read(r.Header)
	depth, depthKnown, badDepth := c.Kind.depth(r.Header)
	err = errors.Join(err, badDepth)
	client, host := r.Header.Get(forwarding.ClientAddressHeader), r.Header.Get(forwarding.HostHeader)
	began := c.Now()
	recorder := journey.NewRecorder(journey.Journey{
		ID: c.Node.ID() + "-" + strconv.FormatUint(g.calls.Add(1), 10), Started: began, Client: client, Request: 1,
		Host: host, Method: r.Method, Path: r.URL.Path, Node: c.Node.ID(), Verification: verification(identity, depth, depthKnown),
	})
	out := r.Clone(journey.NewContext(r.Context(), recorder))
	forwarding.Strip(out.Header)
	out.Header.Set(forwarding.ClientAddressHeader, client)
	out.Header.Set(forwarding.ProtocolHeader, "https")
	out.Header.Set(forwarding.HostHeader, host)
	out.Trailer, out.TLS = nil, nil
	stop := g.stop(identity, err)
	stop.At = began
	recorder.Stop(stop)
	answer := &statusWriter{ResponseWriter: w}
	if err != nil {
		c.Logger.Warn("the load balancer in front contradicts itself", "node", c.Node.ID(), "error", err)
		http.Error(answer, "What the load balancer says of the certificate contradicts itself.", http.StatusBadRequest)
	} else {
		forwarding.Set(out.Header, identity)
		c.Node.ServeHTTP(answer, out)
	}
	// A neighbour that is still sending takes a closed connection for a dead node, and the answer is
	// lost.
	_, _ = io.CopyN(io.Discard, r.Body, maxUnread)
	if c.Journeys != nil {
		j := recorder.Journey()
		j.Ended, j.Status = c.Now(), answer.status
		c.Journeys.Add(j)
	}
}

// verification is what is known of the neighbour's judgement: it does not tell the chain, and the
// depth of an error only if it can.
func verification(id forwarding.Identity, depth int, depthKnown bool) journey.Verification {
	if !id.Presented() {
		return journey.Verification{}
	}
	out := journey.Verification{
		Presented: true, Code: id.Result, Name: verify.Name(id.Result), Text: verify.Text(id.Result),
		Subject: id.Subject, SenderSubject: id.Subject,
	}
	if !id.Accepted() {
		out.Depth, out.DepthUnknown = depth, !depthKnown
	}
	if out.Depth > 0 {
		out.Subject = "" // that of a certificate above the sender's, which is not passed on
	}
	return out
}

// stop is what the load balancer decided, as far as it tells.
func (g *Gate) stop(id forwarding.Identity, err error) journey.Stop {
	out := journey.Stop{Station: journey.LoadBalancer, Verdict: journey.Passed}
	switch {
	case err != nil:
		out.Verdict, out.Reason = journey.Refused, journey.ForwardedBadly
		out.Decided = fmt.Sprintf("%s contradicts itself: %v; nobody is let in on its word", g.config.Kind, err)
	case !id.Presented():
		out.Decided = fmt.Sprintf("%s passed the call on without a certificate", g.config.Kind)
	case id.Accepted():
		out.Decided = fmt.Sprintf("verify result 0 (ok): %s passed the certificate of %s on", g.config.Kind, id.Subject)
	default:
		out.Verdict, out.Reason = journey.Withheld, journey.CertificateNotAccepted
		out.Decided = fmt.Sprintf("verify result %d (%s): %s; %s did not pass the certificate on", id.Result, verify.Text(id.Result), id.Subject, g.config.Kind)
	}
	return out
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logWriter hands what net/http complains about to a logger.
type logWriter struct {
	logger *slog.Logger
	node   string
}

func (w logWriter) Write(p []byte) (int, error) {
	w.logger.Warn("a connection to a runtime node failed", "node", w.node, "error", string(p))
	return len(p), nil
}

var _ io.Writer = logWriter{}
