package loadbalancer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for something that must happen.
const patience = 10 * time.Second

// noDeadline takes a deadline off.
var noDeadline time.Time

const (
	tenantHost = "tenant.example"
	ordersHost = "orders.example"
)

// authority is a PKI for the tests: made once, since keys take time.
type authority struct {
	root, issuing  *pki.Certificate
	client         *pki.Certificate
	foreign        *pki.Certificate // a client of a CA that nobody trusts
	server         *pki.Certificate
	serverRoot     *pki.Certificate
	serverRootPool *x509.CertPool
	made           time.Time // when all of them are valid
}

var testPKI = sync.OnceValue(func() authority {
	a := authority{root: pki.NewRoot("Example Root CA")}
	a.issuing = a.root.Intermediate("Example Issuing CA")
	a.client = a.issuing.Client("warehouse.example")
	a.foreign = pki.NewRoot("Foreign Root CA").Intermediate("Foreign Issuing CA").Client("foreign.example")
	a.serverRoot = pki.NewRoot("Server Root CA")
	a.server = a.serverRoot.Server(tenantHost, pki.DNS(tenantHost, ordersHost, "strict.example", "open.example"))
	a.serverRootPool = x509.NewCertPool()
	a.serverRootPool.AddCert(a.serverRoot.X509())
	a.made = time.Now()
	return a
})

func (a authority) trust() []*x509.Certificate { return []*x509.Certificate{a.root.X509()} }

// host is a host of the tests.
func (a authority) host(name string, mode Mode, trust ...*x509.Certificate) Host {
	return Host{Name: name, Certificate: a.server.TLSCertificate(), Mode: mode, Trust: trust}
}

// fakeNode is a runtime node that keeps what it got.
type fakeNode struct {
	id     string
	down   atomic.Bool
	handle func(http.ResponseWriter, *http.Request)

	mu  sync.Mutex
	got []*http.Request
}

func (n *fakeNode) ID() string { return n.id }
func (n *fakeNode) Up() bool   { return !n.down.Load() }
func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	n.got = append(n.got, r.Clone(context.Background()))
	n.mu.Unlock()
	if n.handle != nil {
		n.handle(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	_, _ = w.Write(append([]byte(n.id+":"), body...))
}

func (n *fakeNode) requests() []*http.Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]*http.Request(nil), n.got...)
}

func (n *fakeNode) last(t testing.TB) *http.Request {
	t.Helper()
	all := n.requests()
	require.NotEmpty(t, all, "no call reached the node")
	return all[len(all)-1]
}

// house is a running load balancer with what stands around it.
type house struct {
	*LoadBalancer
	pki      authority
	node     *fakeNode
	journeys *journey.Log
	clock    *atomic.Pointer[time.Time]
}

func (h *house) advance(d time.Duration) {
	now := h.clock.Load().Add(d)
	h.clock.Store(&now)
}

// open starts a load balancer with one node and lets change change its configuration.
func open(t testing.TB, change func(*Config)) *house {
	t.Helper()
	return openBy(t, change, Start)
}

func openBy(t testing.TB, change func(*Config), start func(context.Context, Config) (*LoadBalancer, error)) *house {
	t.Helper()
	h := &house{pki: testPKI(), node: &fakeNode{id: "3fa9c01"}, journeys: &journey.Log{}, clock: new(atomic.Pointer[time.Time])}
	now := h.pki.made
	h.clock.Store(&now)
	config := Config{
		Default:  h.pki.host(tenantHost, Request, h.pki.trust()...),
		Backends: []Backend{h.node},
		Now:      func() time.Time { return *h.clock.Load() },
		Journeys: h.journeys,
		ErrorLog: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&config)
	}
	var err error
	h.LoadBalancer, err = start(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

// as makes the TLS side of a sender that presents the certificate; nil presents none.
func (h *house) as(certificate *pki.Certificate) *tls.Config {
	c := &tls.Config{ServerName: tenantHost, RootCAs: h.pki.serverRootPool}
	if certificate != nil {
		c.Certificates = []tls.Certificate{certificate.TLSCertificate()}
	}
	return c
}

// dial opens a TLS connection.
func (h *house) dial(t testing.TB, config *tls.Config) *tls.Conn {
	t.Helper()
	c, err := h.tryDial(config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (h *house) tryDial(config *tls.Config) (*tls.Conn, error) {
	raw, err := net.Dial("tcp", h.Addr().String())
	if err != nil {
		return nil, err
	}
	_ = raw.SetDeadline(time.Now().Add(patience))
	c := tls.Client(raw, config)
	return c, c.Handshake()
}

func (h *house) dialRaw(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", h.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
	closes bool // the answer says that the connection ends
}

// say writes a request as it stands and reads the answer.
func say(c net.Conn, request string) (answer, error) {
	if _, err := io.WriteString(c, request); err != nil {
		return answer{}, err
	}
	return listen(bufio.NewReader(c), nil)
}

func listen(r *bufio.Reader, request *http.Request) (answer, error) {
	response, err := http.ReadResponse(r, request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body), response.Close}, err
}

// get is the plainest request.
func get(host string, headers ...string) string {
	var b bytes.Buffer
	b.WriteString("GET /http/orders HTTP/1.1\r\nHost: " + host + "\r\n")
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// call dials, sends one GET and returns answer and record.
func (h *house) call(t testing.TB, config *tls.Config, headers ...string) (answer, journey.Journey) {
	t.Helper()
	c := h.dial(t, config)
	a, err := say(c, get(tenantHost, headers...))
	require.NoError(t, err)
	return a, h.record(t, c, 1)
}

// record waits for the record of the n-th call of a connection.
func (h *house) record(t testing.TB, c net.Conn, n int) journey.Journey {
	t.Helper()
	return h.recordOf(t, c.LocalAddr().String(), n)
}

func (h *house) recordOf(t testing.TB, client string, n int) journey.Journey {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	j, err := h.journeys.Wait(ctx, journey.Call(client, n))
	require.NoError(t, err)
	return j
}

// refused asserts that the connection ended at the load balancer before a call came, and returns
// the load balancer's stop.
func (h *house) refused(t testing.TB, client string, reason journey.Reason) (journey.Journey, journey.Stop) {
	t.Helper()
	j := h.recordOf(t, client, 0)
	require.Len(t, j.Stops, 1)
	stop := j.Stops[0]
	assert.Equal(t, journey.LoadBalancer, stop.Station)
	assert.Equal(t, journey.Refused, stop.Verdict)
	assert.Equal(t, reason, stop.Reason, stop.Decided)
	assert.Zero(t, j.Status)
	assert.NotEmpty(t, stop.Decided)
	assert.NotEmpty(t, stop.Remedy())
	return j, stop
}
