package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

var noon = time.Date(2021, 4, 12, 12, 0, 3, 0, time.UTC)

// written is a Log that keeps what is written.
type written struct {
	mu     sync.Mutex
	lines  []systemlog.AccessLine
	traces []systemlog.TraceRecord
	// tracing counts the calls of Trace.
	tracing int
	err     error
}

func (w *written) Access(l systemlog.AccessLine) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, l)
	return w.err
}

func (w *written) Trace(r ...systemlog.TraceRecord) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.traces, w.tracing = append(w.traces, r...), w.tracing+1
	return w.err
}

var key = sync.OnceValue(func() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
})

// mint makes a certificate with these common names: a node reads nothing else of it.
func mint(t testing.TB, cn, issuer string) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	subject := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{Country: []string{"DE"}, Organization: []string{"Example"}, CommonName: cn}, NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0)}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"DE"}, CommonName: issuer}}
	raw, err := x509.CreateCertificate(rand.Reader, subject, ca, key().Public(), key())
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return cert
}

// fixture is a node with a tenant in which one of everything is configured.
type fixture struct {
	*Node
	t      testing.TB
	tenant *tenant.Tenant
	log    *written
	now    time.Time

	warehouse, unmapped, noRole, ca *x509.Certificate
}

const (
	issuer = "Example Issuing CA"
	host   = "e100999-iflmap.hcisbp.eu1.hana.ondemand.com"
)

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, log: &written{}, now: noon,
		warehouse: mint(t, "warehouse.example", issuer), unmapped: mint(t, "shop.example", issuer),
		noRole: mint(t, "norole.example", issuer), ca: mint(t, issuer, "Example Root CA"),
	}
	var err error
	f.tenant, err = tenant.New(tenant.Config{
		Account:     "e100999",
		Mappings:    []tenant.Mapping{{Certificate: f.warehouse.Raw, User: "WAREHOUSE"}, {Certificate: f.noRole.Raw, User: "NOROLE"}},
		Users:       []tenant.User{{Name: "alice", Password: "right"}, {Name: "norole", Password: "right"}},
		Credentials: []tenant.Credential{{Name: "backend", User: "BACKEND", Password: "right"}},
		Clients:     []tenant.Client{{ID: "1a2b", Secret: "s"}},
		Groups:      []tenant.Group{{Name: "Senders", Users: []string{"alice"}}},
		Roles: []tenant.Assignment{
			{User: "WAREHOUSE", Role: tenant.DefaultRole},
			{Group: "Senders", Role: tenant.DefaultRole},
			{User: "oauth_client_1a2b", Role: tenant.DefaultRole},
			{User: "WAREHOUSE", Role: "Custom.send"},
			{User: "NOROLE", Role: tenant.DefaultRole, Application: "provision"},
			{User: "norole", Role: "AuthGroup.Administrator"},
			// Somebody has the very name that a certificate without mapping stands for.
			{User: "shop.example@" + issuer, Role: tenant.DefaultRole},
		},
		Channels: []tenant.Channel{
			{Address: "/http/orders"},
			{Address: "/http/small", MaximumBodySize: 10},
			{Address: "/http/oneway", Answer: tenant.OneWay, MaximumBodySize: 10},
			{Address: "/http/none", Answer: tenant.NoContent},
			{Address: "/http/fail", Answer: tenant.Fail},
			{Address: "/http/csrf", CSRFProtected: true},
			{Address: "/http/custom", Authorization: tenant.Authorization{UserRole: "Custom.send"}},
			{Address: "/http/other", Authorization: tenant.Authorization{UserRole: "Other.send"}},
			{Address: "/http/old", OldAdapter: true},
			{Address: "/http/table", Authorization: tenant.Authorization{Table: []tenant.DNPair{tenant.DNPairOf(f.unmapped)}}},
			{Address: "/http/tableca", Authorization: tenant.Authorization{Table: []tenant.DNPair{tenant.DNPairOf(f.ca)}}},
			{Address: "/cxf/orders"}, {Address: "/cxf/idoc", Adapter: tenant.IDoc},
			{Address: "/cxf/table", Authorization: tenant.Authorization{Table: []tenant.DNPair{}}},
		},
		Keystore: []tenant.KeystoreEntry{{Alias: "shop", Certificate: f.unmapped.Raw}},
	}, func() time.Time { return f.now })
	require.NoError(t, err)
	f.Node, err = New(Config{
		ID: "1a2b3c4", Host: host, Tenant: f.tenant, Log: f.log, TenantID: "ae17f860e",
		Now: func() time.Time { return f.now }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return f
}

// option changes a request on its way.
type option func(*http.Request)

func accepted(cert *x509.Certificate) option {
	return func(r *http.Request) {
		forwarding.Set(r.Header, forwarding.Identity{Certificate: cert.Raw, Subject: "C=DE, CN=" + cert.Subject.CommonName})
	}
}

func notAccepted(code int) option {
	return func(r *http.Request) {
		forwarding.Set(r.Header, forwarding.Identity{Subject: "C=DE, O=Example, CN=sender.example", Result: code})
	}
}

func password(user, word string) option {
	return func(r *http.Request) { r.SetBasicAuth(user, word) }
}

func header(name, value string) option {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func body(text string) option {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

// outcome is all that a call leaves behind.
type outcome struct {
	t        testing.TB
	response *http.Response
	body     string
	line     systemlog.AccessLine
	traces   []systemlog.TraceRecord
	journey  journey.Journey
}

// call makes one call, without a socket: the recorder stands for the load balancer's side.
func (f *fixture) call(method, path string, options ...option) outcome {
	f.t.Helper()
	r := httptest.NewRequest(method, "https://"+host+path, nil)
	r.RequestURI = path
	r.RemoteAddr = "10.0.0.14:40404"
	r.Header.Set(forwarding.ClientAddressHeader, "198.51.100.49")
	for _, o := range options {
		o(r)
	}
	recorder := journey.NewRecorder(journey.Journey{ID: "1"})
	lines, traces := len(f.log.lines), len(f.log.traces)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r.WithContext(journey.NewContext(r.Context(), recorder)))
	require.Len(f.t, f.log.lines, lines+1, "every call leaves one line")
	response := w.Result()
	// The recorder keeps the product's spelling of header names; a client would not.
	for name, values := range response.Header {
		response.Header[http.CanonicalHeaderKey(name)] = values
	}
	content, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	out := outcome{t: f.t, response: response, body: string(content), line: f.log.lines[lines], traces: f.log.traces[traces:], journey: recorder.Journey()}
	out.consistent()
	return out
}

// consistent checks what holds for every call.
func (o outcome) consistent() {
	o.t.Helper()
	j := o.journey
	assert.Equal(o.t, o.response.StatusCode, o.line.Status)
	assert.Equal(o.t, o.response.StatusCode, j.Status)
	assert.Equal(o.t, o.line.User, j.User)
	assert.Equal(o.t, "1a2b3c4", j.Node)
	assert.Equal(o.t, o.line.String(), j.AccessLog)
	assert.Len(o.t, j.Trace, len(o.traces))
	for i, s := range j.Stops {
		assert.NotEmpty(o.t, s.Decided)
		assert.False(o.t, s.At.IsZero())
		if s.Verdict == journey.Passed {
			assert.Empty(o.t, s.Reason)
			continue
		}
		about, known := s.Reason.About()
		assert.True(o.t, known, s.Reason)
		assert.Equal(o.t, about.Station, s.Station, "the reason belongs to another station")
		assert.Equal(o.t, len(j.Stops)-1, i, "nothing comes after the end")
	}
	if o.response.StatusCode == http.StatusUnauthorized {
		assert.Empty(o.t, o.line.User)
		assert.EqualValues(o.t, 5, o.line.Bytes)
		assert.Equal(o.t, `Basic realm="Cloud Integration"`, o.response.Header.Get("WWW-Authenticate"))
		assert.Empty(o.t, o.body)
	}
	for _, text := range append([]string{j.AccessLog}, j.Trace...) {
		assert.NotContains(o.t, text, "right", "a password in a log")
	}
}

// endsWith asserts status, user and the last stop: refused or answered with the reason, or, if
// there is none, passed.
func (o outcome) endsWith(status int, user string, reason journey.Reason) outcome {
	o.t.Helper()
	end, ok := o.journey.End()
	require.True(o.t, ok)
	assert.Equal(o.t, status, o.response.StatusCode, end.Decided)
	assert.Equal(o.t, user, o.line.User)
	assert.Equal(o.t, reason, end.Reason, end.Decided)
	if reason == "" {
		assert.Equal(o.t, journey.Passed, end.Verdict)
	}
	return o
}

func (o outcome) texts() []string {
	var out []string
	for _, r := range o.traces {
		out = append(out, r.Text)
	}
	return out
}

func basicHeader(text string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(text))
}
