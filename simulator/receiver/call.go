package receiver

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/inspect"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/systemlog"
)

// Ended says how far a call came.
type Ended string

const (
	// InHandshake: the TLS handshake did not succeed.
	InHandshake Ended = "in the handshake"
	// WithoutRequest: the handshake succeeded, and no request came.
	WithoutRequest Ended = "without a request"
	// Answered: a request was answered.
	Answered Ended = "answered"
)

// Call is one call of a real sender, or its attempt at one, and what is to be said of it.
type Call struct {
	// Number counts the calls of a receiver from 1.
	Number int       `json:"call"`
	At     time.Time `json:"at"`
	// From is the sender's address and port.
	From  string `json:"from"`
	Ended Ended  `json:"ended"`
	// Accepted: the load balancer takes the certificate and the tenant lets the call in, provided
	// that the certificate is mapped to a user with the channel's role.
	Accepted bool `json:"accepted"`
	// Ping: it is no message but a HEAD request, with which a sender looks whether somebody is
	// there. The real system answers it with 405 under /cxf [C: KBA 2400906, 2584066]; that is no
	// refusal.
	Ping bool `json:"ping"`
	// System is the kind of sender that its User-Agent names; empty: not known.
	System System      `json:"system,omitempty"`
	TLS    journey.TLS `json:"tls"`
	// Request is what was asked for; zero if no request came.
	Request Request `json:"request,omitzero"`
	// Checks are the points of the checklist in its order.
	Checks []Check `json:"checks"`
	// Verdict is the answer to the presented chain; nil if there is none.
	Verdict *check.Report `json:"verdict,omitempty"`
	// Certificates explain what was presented, in its order.
	Certificates []inspect.Entry `json:"certificates,omitempty"`
	// Outcomes are what the real tenant would answer and log. The first is what the receiver
	// itself has answered.
	Outcomes []Outcome `json:"outcomes"`
	// Hints say what to change in the sender, where its kind is known for that kind only.
	Hints []Hint `json:"hints,omitempty"`
	// Journey is the record of the call.
	Journey journey.Journey `json:"journey"`
}

// Request is what is kept of a request: neither its credentials nor its body.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Query has the names of its parameters and stars for the values.
	Query string `json:"query,omitempty"`
	// Host is the header of that name, UserAgent what the sender calls itself.
	Host      string `json:"host"`
	UserAgent string `json:"userAgent,omitempty"`
	// Credentials are of this kind: Basic, Bearer, other; empty: none were sent.
	Credentials string `json:"credentials,omitempty"`
	// CSRFToken: an X-CSRF-Token header was sent.
	CSRFToken bool `json:"csrfToken"`
	// Length is the announced length of the body, -1 if it is sent in chunks.
	Length int64 `json:"length"`
}

// request is what one request needs until its record is complete.
type request struct {
	Request
	// reached: the request got as far as the runtime node.
	reached  bool
	outcomes []Outcome
}

// chain is what is found out about presented certificates, once for each connection.
type chain struct {
	ders   [][]byte
	report *check.Report
	file   inspect.Report
}

// look judges and explains what was presented in a handshake.
func (r *Receiver) look(h loadbalancer.Handshake) chain {
	var c chain
	if len(h.Presented) == 0 {
		return c
	}
	var file bytes.Buffer
	for _, presented := range h.Presented {
		c.ders = append(c.ders, presented.Raw)
		_ = pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: presented.Raw}) // to memory
	}
	at := r.config.At
	if at.IsZero() {
		at = r.config.Now()
	}
	report, err := check.Chain(c.ders, r.config.Trust, check.Options{At: at, Level: r.config.Level})
	if err != nil {
		r.config.Logger.Error("a presented chain could not be checked", "error", err)
		return c
	}
	c.report = &report
	if c.file, err = inspect.File(file.Bytes(), "", inspect.Options{At: at, Trust: r.config.Trust}); err != nil {
		r.config.Logger.Error("presented certificates could not be explained", "error", err)
	}
	return c
}

// accepted tells whether the load balancer takes the certificate.
func (c chain) accepted() bool { return c.report != nil && c.report.OK }

func (c chain) leaf() []byte {
	if len(c.ders) == 0 {
		return nil
	}
	return c.ders[0]
}

// backend is the runtime node behind the receiver's load balancer.
type backend struct{ *Receiver }

// ID implements loadbalancer.Backend.
func (b *backend) ID() string { return systemlog.NodeID("receiver", 1) }

// Up implements loadbalancer.Backend.
func (b *backend) Up() bool { return true }

// ServeHTTP answers as the tenant does under the first of the assumptions, and finds out about the
// others.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorder := journey.FromContext(r.Context())
	j := recorder.Journey()
	c := b.connectionOf(j.Client)
	b.agree(r, c)
	asked := request{Request: requestOf(r), reached: true}
	all := assumptions(asked, c.chain.accepted())
	for _, a := range all[1:] {
		o, err := b.tenants.outcome(r, a, c.chain.leaf())
		if err != nil {
			b.config.Logger.Error("the tenant's answer could not be worked out", "error", err)
			continue
		}
		asked.outcomes = append(asked.outcomes, o)
	}
	first := all[0]
	first.csrf = asked.CSRFToken // who knows of tokens is let through the whole exchange
	b.mu.Lock()
	c.requests[j.Request] = asked
	b.mu.Unlock()
	s, err := b.tenants.node(first, c.chain.leaf(), cleaned(r.URL))
	if err != nil {
		b.config.Logger.Error("the tenant cannot answer", "error", err)
		http.Error(w, "A fault in the receiver.", http.StatusInternalServerError)
		return
	}
	s.ServeHTTP(w, harmless(r, first, s))
}

// agree forwards the identity that the verdict on the chain allows. It differs from the load
// balancer's own where a root of a published list is known by its fingerprint only and was
// presented: package check recognises it.
func (b *backend) agree(r *http.Request, c *connection) {
	if !c.chain.accepted() || c.handshake.Result.OK() {
		return
	}
	client := r.Header.Values(forwarding.ClientAddressHeader)
	host := r.Header.Values(forwarding.HostHeader)
	forwarding.Strip(r.Header)
	r.Header[forwarding.ClientAddressHeader], r.Header[forwarding.HostHeader] = client, host
	forwarding.Set(r.Header, forwarding.Identity{Certificate: c.chain.leaf(), Subject: c.chain.report.Subject})
}

// requestOf keeps what may be shown of a request.
func requestOf(r *http.Request) Request {
	return Request{
		Method: r.Method, Path: pathOf(r.URL), Query: maskedQuery(r.URL.RawQuery), Host: r.Host,
		UserAgent: strings.Join(r.Header.Values("User-Agent"), " "), Credentials: schemeOf(r.Header),
		CSRFToken: r.Header.Get("X-CSRF-Token") != "", Length: r.ContentLength,
	}
}

// callOf puts together what is known of a call.
func (r *Receiver) callOf(c *connection, asked request, j journey.Journey) Call {
	call := Call{
		At: j.Started, From: j.Client, Journey: j, TLS: j.TLS, Request: asked.Request,
		Verdict: c.chain.report, Certificates: c.chain.file.Entries,
	}
	call.System = systemOf(asked.Request)
	end, _ := j.End()
	switch {
	case c.handshake.Failed || j.Request == 0 && c.handshake.Version == 0:
		call.Ended = InHandshake
	case j.Request == 0:
		call.Ended = WithoutRequest
	default:
		call.Ended = Answered
		call.Ping = j.Method == http.MethodHead && !asked.CSRFToken
		call.Accepted = c.chain.accepted() && (j.Succeeded() || call.Ping && end.Reason == journey.MethodNotAllowed)
	}
	if asked.reached {
		call.Outcomes = append([]Outcome{outcomeOf(assumptions(asked, c.chain.accepted())[0].when, j)}, asked.outcomes...)
	} else {
		// [C: blog] nothing reaches the tenant, and no log line is written.
		call.Outcomes = []Outcome{{When: "whatever is configured", User: "-", Reason: end.Reason}}
	}
	call.Checks = r.checklist(c, call)
	call.Hints = hintsFor(call)
	return call
}

// journeyTLS is the connection in the words of a record.
func journeyTLS(h loadbalancer.Handshake) journey.TLS {
	out := journey.TLS{ServerName: h.ServerName, Resumed: h.Resumed}
	if h.Version != 0 {
		out.Version, out.Cipher = tls.VersionName(h.Version), tls.CipherSuiteName(h.Cipher)
	}
	return out
}
