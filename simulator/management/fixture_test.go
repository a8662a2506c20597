package management_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tmn    = "e100999tmn"
	iflmap = "e100999iflmap"
	secret = "right-password"
)

var noon = time.Date(2021, 4, 12, 12, 0, 0, 0, time.UTC)

// fixture is a server with a tenant of known contents.
type fixture struct {
	t      testing.TB
	tenant *tenant.Tenant
	logs   systemlog.Dir
	server *httptest.Server

	mu  sync.Mutex
	now time.Time
}

// Now is the fixture's clock.
func (f *fixture) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// advance moves the clock.
func (f *fixture) advance(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(by)
}

// setup is a tenant with administrators, one mapping, channels and a keystore.
func setup(t testing.TB) tenant.Config {
	return tenant.Config{
		Users: []tenant.User{{Name: "admin", Password: secret}, {Name: "developer", Password: secret}, {Name: "reader", Password: secret}, {Name: "nobody", Password: secret}},
		Clients: []tenant.Client{
			{ID: "robot", Secret: "robot-secret"},
			{ID: "platform", Secret: "platform-secret", Scopes: tenant.Scopes()},
			{ID: "looker", Secret: "looker-secret", Scopes: []string{tenant.ScopeRead}},
		},
		Roles: []tenant.Assignment{
			{User: "admin", Role: "AuthGroup.Administrator", Application: tmn},
			{User: "developer", Role: "AuthGroup.IntegrationDeveloper", Application: tmn},
			{User: "reader", Role: "AuthGroup.ReadOnly", Application: tmn},
			{User: "oauth_client_robot", Role: "AuthGroup.Administrator", Application: tmn},
			{User: "WAREHOUSE", Role: tenant.DefaultRole},
		},
		Mappings: []tenant.Mapping{{Certificate: mint(t, "warehouse"), User: "WAREHOUSE", CreatedBy: "admin", Created: noon, LastModifiedBy: "admin", LastModified: noon}},
		Channels: []tenant.Channel{
			{Address: "/http/orders"},
			{Address: "/cxf/stock", Flow: "stock", Authorization: tenant.Authorization{Table: []tenant.DNPair{{Subject: "CN=a", Issuer: "CN=b"}}}},
		},
		Credentials: []tenant.Credential{{Name: "backend", User: "BACKEND", Password: "secret-of-backend", Description: "of the backend"}},
		Keystore:    []tenant.KeystoreEntry{{Alias: "sap_cloudintegrationcertificate", Certificate: mint(t, "keystore")}},
		Groups:      []tenant.Group{{Name: "Senders", Users: []string{"alice"}}, {Name: "AuthGroup.Administrator", Users: []string{"bob"}}},
	}
}

// start serves a tenant.
func start(t testing.TB, c tenant.Config) *fixture {
	t.Helper()
	return startWith(t, c, func(*management.Config) {})
}

// startWith serves a tenant through interfaces that are set otherwise.
func startWith(t testing.TB, c tenant.Config, set func(*management.Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, now: noon, logs: systemlog.Dir(t.TempDir())}
	var err error
	f.tenant, err = tenant.New(c, f.Now)
	require.NoError(t, err)
	config := management.Config{
		Tenant: f.tenant, Logs: f.logs, Host: "e100999-iflmap.example", ManagementHost: "e100999-tmn.example", Now: f.Now, Rand: &counting{},
	}
	set(&config)
	handler, err := management.New(config)
	require.NoError(t, err)
	f.server = httptest.NewServer(handler)
	t.Cleanup(f.server.Close)
	return f
}

// counting is a source of bytes that are not random, for golden answers.
type counting struct{ n byte }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		c.n++
		p[i] = c.n
	}
	return len(p), nil
}

// mint makes a self-signed certificate, which suffices for all that only compares bytes.
func mint(t testing.TB, cn string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: cn, Organization: []string{"Example"}}, NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(240 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return der
}

// encoded is a certificate as the interface takes it: Base64 of PEM.
func encoded(der []byte) string {
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// raw sends a request as it stands, with line ends of HTTP, and reads one answer.
func (f *fixture) raw(request string) answer {
	f.t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	lines := strings.Split(head, "\n")
	if body != "" {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	connection, err := net.Dial("tcp", f.server.Listener.Addr().String())
	require.NoError(f.t, err)
	defer connection.Close()
	require.NoError(f.t, connection.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(connection, strings.Join(lines, "\r\n")+"\r\n\r\n"+body)
	require.NoError(f.t, err)
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	require.NoError(f.t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return answer{f.t, response.StatusCode, response.Header, string(data)}
}

// call makes a request with headers given as "Name: value".
func (f *fixture) call(method, path, body string, headers ...string) answer {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), method, f.server.URL+path, strings.NewReader(body))
	require.NoError(f.t, err)
	request.Host = "e100999-tmn.example"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Add(name, value)
	}
	response, err := f.server.Client().Do(request)
	require.NoError(f.t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return answer{f.t, response.StatusCode, response.Header, string(data)}
}

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

const jsonAccept = "Accept: application/json"

// session is somebody who has fetched a CSRF token.
type session struct {
	f       *fixture
	headers []string
}

// as logs on with a header and fetches a token.
func (f *fixture) as(authorization string) session {
	f.t.Helper()
	a := f.call("GET", "/api/v1/", "", authorization, "X-CSRF-Token: Fetch").is(200)
	headers := []string{authorization, "X-CSRF-Token: " + a.header.Get("X-Csrf-Token"), jsonAccept}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		headers = append(headers, "Cookie: "+c.Name+"="+c.Value)
	}
	return session{f, headers}
}

func (f *fixture) admin() session     { return f.as(basic("admin", secret)) }
func (f *fixture) developer() session { return f.as(basic("developer", secret)) }

// do calls the OData interface.
func (s session) do(method, path, body string, headers ...string) answer {
	s.f.t.Helper()
	return s.f.call(method, "/api/v1/"+path, body, append(headers, s.headers...)...)
}

// is checks the status.
func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	return a
}

// says checks what is said about an error, in the form of OData in JSON, or of the other interfaces.
func (a answer) says(message string) answer {
	a.t.Helper()
	var body struct {
		Error struct {
			Code    string
			Message struct{ Lang, Value string }
		}
	}
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &body), a.body)
	require.Equal(a.t, http.StatusText(a.status), body.Error.Code)
	require.Equal(a.t, "en", body.Error.Message.Lang)
	require.Contains(a.t, body.Error.Message.Value, message)
	return a
}

// entity reads {"d":{…}}.
func (a answer) entity() map[string]any {
	a.t.Helper()
	var body struct{ D map[string]any }
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &body), a.body)
	return body.D
}

// results reads {"d":{"results":[…]}}.
func (a answer) results() []map[string]any {
	a.t.Helper()
	var body struct {
		D struct{ Results []map[string]any }
	}
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &body), a.body)
	require.NotNil(a.t, body.D.Results)
	return body.D.Results
}

// into reads the body as JSON.
func (a answer) into(value any) {
	a.t.Helper()
	in := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	require.NoError(a.t, in.Decode(value), a.body)
}

// unchanged runs something and checks that the tenant's configuration stays as it was.
func (f *fixture) unchanged(do func()) {
	f.t.Helper()
	before := f.tenant.Config()
	do()
	require.Equal(f.t, before, f.tenant.Config(), "something was changed")
}

// writeLogs writes a line and a record of two nodes, on two days.
func (f *fixture) writeLogs() {
	f.t.Helper()
	for _, node := range []string{"aaaaaaa", "bbbbbbb"} {
		for day := range 2 {
			at := noon.Add(time.Duration(day-1) * 24 * time.Hour)
			w, err := systemlog.New(string(f.logs), node, func() time.Time { return at })
			require.NoError(f.t, err)
			require.NoError(f.t, w.Access(systemlog.AccessLine{User: "u", Time: at, Method: "GET", URI: "/http/orders", Status: 200}))
			require.NoError(f.t, w.Trace(systemlog.TraceRecord{Text: "text", Time: at}))
			require.NoError(f.t, w.Close())
		}
	}
	entries, err := os.ReadDir(string(f.logs))
	require.NoError(f.t, err)
	require.Len(f.t, entries, 8)
}
