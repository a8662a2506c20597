package loadbalancer

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

// refusing is a verifier that refuses everything with a code that nothing else gives.
type refusing struct{ honest Verifier }

func (r refusing) Verify(chain [][]byte) verify.Result {
	if len(chain) == 0 {
		panic("nothing was presented")
	}
	result := r.honest.Verify(chain)
	result.Code, result.Text = 23, "refused for the test"
	return result
}

// Each part that is exchanged does its work in the place of the honest one.
func TestPartsAreExchanged(t *testing.T) {
	var asked []string
	h := open(t, func(c *Config) {
		c.Domains = []Host{testPKI().host(ordersHost, Request, testPKI().trust()...)}
		c.Parts = Parts{
			Verifier: func(host Host, honest Verifier) Verifier {
				asked = append(asked, host.Name)
				return refusing{honest}
			},
			TLS: func(_ Host, config *tls.Config) { config.MinVersion = tls.VersionTLS13 },
			Forward: func(h http.Header, p Passing, honest func(http.Header, Passing)) {
				honest(h, p)
				h.Set("X-Passing", fmt.Sprintf("%d %s %s", p.Identity.Result, p.Client, p.Host))
			},
			Handler: func(honest http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Handler", "exchanged")
					honest.ServeHTTP(w, r)
				})
			},
		}
	})
	assert.Equal(t, []string{tenantHost, ordersHost}, asked)
	a, j := h.call(t, h.as(h.pki.client))
	assert.Equal(t, 200, a.status)
	assert.Equal(t, "exchanged", a.header.Get("X-Handler"))
	assert.Equal(t, 23, j.Verification.Code)
	assert.Equal(t, "23 127.0.0.1 "+tenantHost, h.node.last(t).Header.Get("X-Passing"))
	assert.Empty(t, h.node.last(t).Header.Get(forwarding.CertificateHeader))

	_, j = h.call(t, h.as(nil))
	assert.Zero(t, j.Verification, "nothing was presented, so nothing is judged")

	old := h.as(nil)
	old.MaxVersion = tls.VersionTLS12
	_, err := h.tryDial(old)
	require.Error(t, err, "the exchanged settings speak TLS 1.3 only")

	twin := open(t, nil)
	a, j = twin.call(t, twin.as(twin.pki.client))
	assert.Empty(t, a.header.Get("X-Handler"))
	assert.Zero(t, j.Verification.Code)
}

func TestDefaultLimits(t *testing.T) {
	want := Limits{HandshakeTimeout: 10 * time.Second, HeaderBytes: 32768, HeaderTimeout: 10 * time.Second, BodyStall: 20 * time.Second, // [C] body and call
		Call: 10 * time.Minute, Idle: 5 * time.Minute, Connections: 10000}
	assert.Equal(t, want, Limits{}.withDefaults())
	assert.Equal(t, want, Limits{-1, -1, -1, -1, -1, -1, -1}.withDefaults())
	given := Limits{1, 5000, 2, 3, 4, 5, 6}
	assert.Equal(t, given, given.withDefaults())
	assert.Equal(t, 4096, Limits{HeaderBytes: 1}.withDefaults().HeaderBytes)
}

func TestBodyErrorSaysWhatWasReached(t *testing.T) {
	stalled := &BodyError{Stalled: true, Limit: 20 * time.Second}
	assert.EqualError(t, stalled, "the request body paused for more than 20s")
	assert.EqualError(t, &BodyError{Limit: 20 * time.Second}, "the call reached its time limit while its body was read")
	require.ErrorIs(t, stalled, os.ErrDeadlineExceeded)
	require.NotErrorIs(t, stalled, io.EOF)
	assert.True(t, stalled.Timeout())
}

func TestHostNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"": true, "tenant.example": true, "a-b_c.0z9": true, strings.Repeat("a", 253): true,
		strings.Repeat("a", 254): false, "A": false, "a b": false, "a/b": false, "a:1": false, "ä": false, "a\n": false, "`": false, "{": false,
	} {
		assert.Equal(t, valid, validHostName(name), "%q", name)
	}
}

func TestStatusOfAnAnswer(t *testing.T) {
	for answer, want := range map[string]int{
		"HTTP/1.1 400 Bad Request\r\n": 400, "HTTP/1.0 431": 431, "HTTP/1.1 200": 200,
		"HTTP/1.1 40": 0, "HTTP/1.1 4x0 Bad": 0, "HTTP/2 400 Bad": 0, "": 0, "400": 0,
	} {
		assert.Equal(t, want, statusOf([]byte(answer)), "%q", answer)
	}
}

func TestBackendsAreCounted(t *testing.T) {
	good := &fakeNode{id: "a"}
	for says, backends := range map[string][]Backend{
		"backend 1 is nil":             {nil},
		"backend 2 is nil":             {good, nil},
		"backend 1 has no id":          {&fakeNode{}},
		"backend 2 has no id":          {good, &fakeNode{}},
		`two backends have the id "a"`: {good, &fakeNode{id: "b"}, &fakeNode{id: "a"}},
	} {
		_, err := newSpread(backends, strings.NewReader(strings.Repeat("k", 32)))
		assert.EqualError(t, err, says)
	}
	_, err := newSpread([]Backend{good}, strings.NewReader(strings.Repeat("k", 31)))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = newSpread([]Backend{good}, strings.NewReader(strings.Repeat("k", 32)))
	require.NoError(t, err)
}

// What the load balancer answers on its own account says nothing of the node's.
func TestAnswerOfItsOwn(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("X-Secret", "of the node")
	w.Header().Set("Connection", "close")
	r := &response{ResponseWriter: w, setCookie: "BIGip=1", draining: &(&LoadBalancer{}).draining}
	r.refuse(503, "No runtime node is available.")
	assert.Equal(t, 503, w.Code)
	assert.Equal(t, "No runtime node is available.\n", w.Body.String())
	assert.Equal(t, http.Header{
		"Connection": {"close"}, "Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"},
	}, w.Header())

	w = httptest.NewRecorder()
	r = &response{ResponseWriter: w, setCookie: "BIGip=1", draining: &(&LoadBalancer{}).draining}
	require.NoError(t, r.FlushError())
	assert.Equal(t, 200, r.status, "the header is on its way")
	assert.True(t, w.Flushed)
	_, err := r.Write([]byte("a"))
	require.NoError(t, err)
	assert.Equal(t, 200, r.status)
	assert.Equal(t, []string{"BIGip=1"}, w.Header()["Set-Cookie"], "once")

	w = httptest.NewRecorder()
	r = &response{ResponseWriter: w, setCookie: "BIGip=1", draining: &(&LoadBalancer{}).draining}
	r.WriteHeader(103)
	assert.Zero(t, r.status, "an answer in advance is not the answer")
	assert.Empty(t, w.Header())
}

func TestHTTP2IsToldThatTheConnectionEnds(t *testing.T) {
	h := open(t, nil)
	c := h.dial(t, h.as(nil))
	a, err := say(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	require.NoError(t, err)
	ended(t, c)
	j := h.record(t, c, 1)
	assert.Equal(t, 505, j.Status)
	require.Len(t, j.Stops, 1)
	assert.Equal(t, journey.BadRequest, j.Stops[0].Reason)
	assert.Equal(t, "the request is HTTP/2.0, only HTTP/1.1 is spoken; answered with 505 and closed", j.Stops[0].Decided)
	assert.Equal(t, 505, a.status)
	assert.True(t, a.closes)
	assert.Equal(t, "Only HTTP/1.1 is spoken here.\n", a.body)
}

// A connection on which no TLS was spoken has neither version nor cipher suite.
func TestRecordWithoutTLS(t *testing.T) {
	h := open(t, nil)
	c := h.dialRaw(t)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
	_, _ = io.Copy(io.Discard, c)
	j, stop := h.refused(t, c.LocalAddr().String(), journey.NotTLS)
	assert.Empty(t, j.TLS.Version)
	assert.Empty(t, j.TLS.Cipher)
	assert.Empty(t, j.Host)
	assert.Empty(t, stop.Saw)
}

func TestTrackerTellsWhenNothingIsOpen(t *testing.T) {
	var tr tracker
	closed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	first, second := &wire{}, &wire{}
	require.Equal(t, admitted, tr.admit(first, 2))
	require.Equal(t, admitted, tr.admit(second, 2))
	require.Equal(t, tooMany, tr.admit(&wire{}, 2))
	none := tr.drained()
	assert.Equal(t, none, tr.drained(), "there is one channel")
	assert.False(t, closed(none))
	tr.remove(first)
	tr.remove(first)
	assert.False(t, closed(none))
	assert.Equal(t, []*wire{second}, tr.rest())
	tr.remove(second)
	assert.True(t, closed(none))
	require.Equal(t, admitted, tr.admit(first, 2))
	require.True(t, tr.established(first, nil))
	require.True(t, tr.begin(first))
	quiet := tr.close()
	assert.Empty(t, quiet, "a call is under way")
	tr.end(first)
	empty := tr.empty
	quiet = tr.close()
	assert.Equal(t, empty, tr.empty, "who waits already is told as well")
	assert.Equal(t, []*wire{first}, quiet)
	assert.False(t, tr.begin(first))
	assert.False(t, tr.established(first, nil))
	assert.Equal(t, closing, tr.admit(second, 2))
	tr.remove(first)
	tr.remove(first)
	require.NoError(t, tr.wait(t.Context()))
	assert.True(t, closed((&tracker{}).drained()), "nothing was ever open")
}

// What a record shows of a chain is bounded.
func TestLongChainIsCutInTheRecord(t *testing.T) {
	cert := testPKI().client.X509()
	chain := func(n int) []*x509.Certificate {
		var out []*x509.Certificate
		for range n {
			out = append(out, cert)
		}
		return out
	}
	v := verification(verify.Result{}, chain(maxChainShown))
	assert.Len(t, v.Chain, maxChainShown)
	for _, more := range []int{1, 3} {
		v = verification(verify.Result{}, chain(maxChainShown+more))
		assert.Len(t, v.Chain, maxChainShown+1)
		assert.Equal(t, fmt.Sprintf("and %d more", more), v.Chain[maxChainShown])
	}
	assert.Equal(t, journey.Verification{}, verification(verify.Result{Code: 20}, nil))

	assert.Equal(t, "SSL 2.0", versionNames(nil))
	many := versionNames(make([]uint16, 11))
	assert.Equal(t, 9, strings.Count(many, ", "), "ten versions are named")
	assert.Equal(t, "TLS 1.0, TLS 1.1", versionNames([]uint16{tls.VersionTLS10, tls.VersionTLS11}))
}

// from is a connection of which only the address is asked.
type from struct {
	net.Conn
	address net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.address }

type textAddress string

func (textAddress) Network() string  { return "test" }
func (a textAddress) String() string { return string(a) }

func TestClientIP(t *testing.T) {
	for want, address := range map[string]net.Addr{
		"192.0.2.1":   &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5},
		"fe80::1":     &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 5},
		"2001:db8::1": textAddress("[2001:db8::1]:5"),
		"192.0.2.2":   textAddress("192.0.2.2:5"),
		"pipe":        textAddress("pipe"),
	} {
		assert.Equal(t, want, (&wire{Conn: from{address: address}}).clientIP())
	}
}

// One byte tells which protocol was meant, if it is one of TLS, and nothing was if none came.
func TestConnectionsThatEndAtOnce(t *testing.T) {
	h := open(t, nil)
	for sent, reason := range map[string]journey.Reason{"": journey.SenderEndedHandshake, "\x16": journey.SenderEndedHandshake, "\x80": journey.TLSVersionNotOffered, "\x17": journey.NotTLS} {
		c := h.dialRaw(t)
		_, err := io.WriteString(c, sent)
		require.NoError(t, err)
		require.NoError(t, c.(*net.TCPConn).CloseWrite())
		_, _ = io.Copy(io.Discard, c)
		_, stop := h.refused(t, c.LocalAddr().String(), reason)
		if reason == journey.SenderEndedHandshake {
			assert.Equal(t, sent == "", strings.Contains(stop.Decided, "without sending anything"))
		}
	}
}

// Records are made if somebody takes them: the journal, the observer, or both.
func TestWhoTakesRecords(t *testing.T) {
	lb := &LoadBalancer{}
	assert.False(t, lb.records())
	lb.keep(journey.Journey{})
	var told []string
	lb.config.Observer.Record = func(j journey.Journey) { told = append(told, j.ID) }
	assert.True(t, lb.records())
	lb.keep(journey.Journey{ID: "1"})
	lb.config.Journeys = &journey.Log{}
	assert.True(t, lb.records())
	lb.keep(journey.Journey{ID: "2"})
	lb.config.Observer.Record = nil
	assert.True(t, lb.records())
	lb.keep(journey.Journey{ID: "3"})
	assert.Equal(t, []string{"1", "2"}, told)
	assert.Len(t, lb.config.Journeys.All(), 2)
}

func TestAnswersOfADrainingLoadBalancerEndTheirConnection(t *testing.T) {
	for _, draining := range []bool{false, true} {
		lb := &LoadBalancer{}
		lb.draining.Store(draining)
		w := httptest.NewRecorder()
		r := &response{ResponseWriter: w, draining: &lb.draining}
		r.WriteHeader(202)
		r.WriteHeader(500)
		assert.Equal(t, 202, w.Code)
		assert.Equal(t, 202, r.status, "the first one counts")
		assert.Equal(t, draining, w.Header().Get("Connection") == "close")
	}
}
