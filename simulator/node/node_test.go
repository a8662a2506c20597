package node

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire sends raw bytes to the node over a socket and returns the raw answer.
func (f *fixture) wire(request string) string {
	f.t.Helper()
	server := httptest.NewServer(f.Node)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(f.t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(f.t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(f.t, err)
	return string(answer)
}

func TestA401OnTheWireIsAnEmptyBodyInChunks(t *testing.T) { // AUT-10, LOG-3
	f := newFixture(t)
	answer := f.wire("POST /http/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	head, rest, found := strings.Cut(answer, "\r\n\r\n")
	require.True(t, found)
	assert.True(t, strings.HasPrefix(head, "HTTP/1.1 401 Unauthorized\r\n"))
	assert.Contains(t, head, "Transfer-Encoding: chunked")
	assert.Contains(t, head, `WWW-Authenticate: Basic realm="Cloud Integration"`)
	assert.NotContains(t, head, "Content-Length")
	assert.Equal(t, "0\r\n\r\n", rest, "five bytes")
	assert.EqualValues(t, 5, f.log.lines[0].Bytes)
	assert.Equal(t, "127.0.0.1", f.log.lines[0].LoadBalancer)

	answer = f.wire("HEAD /http/orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	assert.True(t, strings.HasSuffix(answer, "\r\n\r\n") && !strings.Contains(answer, "\r\n\r\n0"), "HEAD has no body")
}

func TestOtherAnswersOnTheWireHaveALength(t *testing.T) {
	f := newFixture(t)
	user := "Authorization: " + basicHeader("alice:right") + "\r\n"
	for request, want := range map[string]string{
		"POST /http/orders HTTP/1.1\r\nHost: a\r\n" + user + "Content-Length: 5\r\nConnection: close\r\n\r\nhello": "Content-Length: 5\r\n",
		"POST /http/oneway HTTP/1.1\r\nHost: a\r\n" + user + "Content-Length: 0\r\nConnection: close\r\n\r\n":      "Content-Length: 0\r\n",
		"POST /cxf/table HTTP/1.1\r\nHost: a\r\n" + user + "Content-Length: 0\r\nConnection: close\r\n\r\n":        "Content-Length: 0\r\n",
		"GET /cxf/index.html HTTP/1.1\r\nHost: a\r\n" + user + "Connection: close\r\n\r\n":                         "Content-Length: 162\r\n",
		"POST /cxf/none HTTP/1.1\r\nHost: a\r\n" + user + "Content-Length: 0\r\nConnection: close\r\n\r\n":         "Content-Length: 47\r\n",
	} {
		answer := f.wire(request)
		assert.Contains(t, answer, want)
		assert.NotContains(t, answer, "chunked")
	}
	answer := f.wire("POST /http/none HTTP/1.1\r\nHost: a\r\n" + user + "Content-Length: 0\r\nConnection: close\r\n\r\n")
	assert.True(t, strings.HasPrefix(answer, "HTTP/1.1 204 No Content\r\n"))
	assert.NotContains(t, answer, "Content-Length")
	assert.Contains(t, answer, "SAP_MessageProcessingLogID: AG")
}

// Whoever has the answer finds the line: it is written before the answer is sent.
func TestTheLogIsWrittenBeforeTheAnswer(t *testing.T) {
	f := newFixture(t)
	server := httptest.NewServer(f.Node)
	defer server.Close()
	for n := range 50 {
		request, err := http.NewRequest("POST", server.URL+"/http/orders", strings.NewReader(strings.Repeat("a", n*1000)))
		require.NoError(t, err)
		if n%2 == 0 {
			request.SetBasicAuth("alice", "right")
		}
		response, err := server.Client().Do(request)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		f.log.mu.Lock()
		assert.Len(t, f.log.lines, n+1)
		f.log.mu.Unlock()
	}
}

func TestAClientThatWaitsForTheChallengeLeavesTwoLines(t *testing.T) { // LOG-5
	f := newFixture(t)
	f.call("POST", "/http/orders").endsWith(401, "", journey.NoIdentity)
	f.call("POST", "/http/orders", password("alice", "right")).endsWith(200, "alice", "")
	assert.Equal(t, "10.0.0.14 (198.51.100.49) - - [12/Apr/2021:12:00:03 +0000] POST /http/orders HTTP/1.1 401 5 0 e100999-iflmap.hcisbp.eu1.hana.ondemand.com:443 -", f.log.lines[0].String())
	assert.Equal(t, "alice", f.log.lines[1].User)
}

func TestClientAddress(t *testing.T) { // LB-12
	for value, want := range map[string]string{
		"198.51.100.49":           "198.51.100.49",
		"10.1.1.1, 198.51.100.49": "198.51.100.49",
		" 2001:db8::1 ":           "2001:db8::1",
		"unknown":                 "",
		"198.51.100.49, evil\" -": "",
		"":                        "",
	} {
		assert.Equal(t, want, clientAddress([]string{value}), value)
	}
	assert.Equal(t, "10.0.0.2", clientAddress([]string{"10.0.0.1", "10.0.0.2"}))
	assert.Empty(t, clientAddress(nil))
}

func TestHostColumn(t *testing.T) {
	f := newFixture(t)
	assert.Equal(t, host+":443", f.call("POST", "/http/orders").line.Host, "the node's own, if none is forwarded")
	assert.Equal(t, "api.example:443", f.call("POST", "/http/orders", header(forwarding.HostHeader, "api.example")).line.Host)
	twice := f.call("POST", "/http/orders", header(forwarding.HostHeader, "a"), header(forwarding.HostHeader, "b"))
	assert.Equal(t, host+":443", twice.line.Host)
	long := f.call("POST", "/http/orders", header(forwarding.HostHeader, strings.Repeat("a", 254)))
	assert.Equal(t, host+":443", long.line.Host)
}

// testPassport makes a passport of version 3 with ids that can be told apart.
func testPassport() []byte {
	raw := bytes.Repeat([]byte{' '}, passportSize)
	copy(raw, passportMark)
	raw[4], raw[5], raw[6] = 3, 0, passportSize
	copy(raw[passportTransaction:], "00505684abcd1ed7a5f2c3d4e5f60718")
	for i := range 16 {
		raw[passportRoot+i] = 0xa0 + byte(i)
		raw[passportConnection+i] = byte(i)
	}
	copy(raw[passportSize-4:], passportMark)
	return raw
}

func TestPassport(t *testing.T) { // LOG-6
	f := newFixture(t)
	o := f.call("POST", "/http/orders", notAccepted(20), header("sap-passport", hex.EncodeToString(testPassport())))
	assert.Equal(t, "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF/00505684ABCD1ED7A5F2C3D4E5F60718/1/000102030405060708090A0B0C0D0E0F", o.line.Passport)
	assert.Contains(t, o.journey.Trace[0], "#ae17f860e#A0A1A2A3A4A5A6A7A8A9AAABACADAEAF#00505684ABCD1ED7A5F2C3D4E5F60718#000102030405060708090A0B0C0D0E0F#1#client")
	assert.Empty(t, f.call("POST", "/http/orders").line.Passport)

	for name, spoil := range map[string]func([]byte) []byte{
		"short":       func(b []byte) []byte { return b[:229] },
		"mark":        func(b []byte) []byte { b[0] = 'x'; return b },
		"end":         func(b []byte) []byte { b[229] = 'x'; return b },
		"length":      func(b []byte) []byte { b[6]++; return b },
		"transaction": func(b []byte) []byte { b[passportTransaction] = '\n'; return b },
	} {
		value := hex.EncodeToString(spoil(testPassport()))
		assert.Empty(t, f.call("POST", "/http/orders", header("sap-passport", value)).line.Passport, name)
	}
	for _, value := range []string{"", "-", "zz", strings.Repeat("zz", 230), strings.Repeat("2A", 10_000)} {
		_, ok := parsePassport(value)
		assert.False(t, ok)
	}
}

func FuzzParsePassport(f *testing.F) {
	f.Add(hex.EncodeToString(testPassport()))
	f.Add("")
	f.Add(strings.Repeat("2A54482A", 60))
	f.Fuzz(func(t *testing.T, value string) {
		p, ok := parsePassport(value)
		if !ok {
			if p != (passport{}) {
				t.Fatal("something of a passport that was not read")
			}
			return
		}
		for _, id := range p.fields() {
			if len(id) != 32 || strings.Trim(id, "0123456789ABCDEF") != "" {
				t.Fatalf("%q is no id", id)
			}
		}
	})
}

type brokenTenant struct{ Tenant }

func (brokenTenant) Snapshot() *tenant.Snapshot { panic("secret of the tenant") }

func TestAPanicEndsOneCallOnly(t *testing.T) {
	f := newFixture(t)
	var logged bytes.Buffer
	f.config.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	good := f.config.Tenant
	f.config.Tenant = brokenTenant{}
	o := f.call("POST", "/http/orders", accepted(f.warehouse)).endsWith(500, "", journey.FlowFailed)
	assert.NotContains(t, o.body, "secret")
	assert.Contains(t, logged.String(), "secret of the tenant")
	f.config.Tenant = good
	f.call("POST", "/http/orders", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")

	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		r := httptest.NewRequest("POST", "/http/orders", nil)
		accepted(f.warehouse)(r)
		r.Body = aborting{}
		f.ServeHTTP(httptest.NewRecorder(), r)
	}, "the load balancer's way to cut a connection")
}

type aborting struct{ io.ReadCloser }

func (aborting) Read([]byte) (int, error) { panic(http.ErrAbortHandler) }

func TestALogThatCannotBeWrittenEndsNoCall(t *testing.T) {
	f := newFixture(t)
	var logged bytes.Buffer
	f.config.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	f.call("POST", "/http/orders", notAccepted(20), password("alice", "right")).endsWith(200, "alice", "")
	require.NotEmpty(t, f.log.traces)
	require.Empty(t, logged.String(), "the good twin")
	f.log.err = errors.New("disk full")
	f.call("POST", "/http/orders", notAccepted(20), password("alice", "right")).endsWith(200, "alice", "")
	assert.Contains(t, logged.String(), "the access log could not be written")
	assert.Contains(t, logged.String(), "the trace could not be written")
}

func TestNewChecksWhatItIsGiven(t *testing.T) {
	tn, err := tenant.New(tenant.Config{}, nil)
	require.NoError(t, err)
	n, err := New(Config{Tenant: tn})
	require.NoError(t, err)
	assert.Equal(t, systemlog.NodeID("e100999", 1), n.ID())
	assert.Regexp(t, `^a[0-9a-f]{8}$`, n.config.TenantID)
	assert.True(t, n.Up())
	assert.Empty(t, n.config.Host)

	for want, c := range map[string]Config{
		"making a runtime node: no tenant was given":                                              {},
		`making a runtime node: found id "1A2B3C4", expected 7 lower-case hex digits`:             {Tenant: tn, ID: "1A2B3C4"},
		`making a runtime node: found id "1a2b", expected 7 lower-case hex digits`:                {Tenant: tn, ID: "1a2b"},
		`making a runtime node: found tenant id "17f860ea1", expected a letter and 8 hex digits`:  {Tenant: tn, TenantID: "17f860ea1"},
		`making a runtime node: found tenant id "ax7f860ea", expected a letter and 8 hex digits`:  {Tenant: tn, TenantID: "ax7f860ea"},
		`making a runtime node: found tenant id "a7f860ea12", expected a letter and 8 hex digits`: {Tenant: tn, TenantID: "a7f860ea12"},
		`making a runtime node: found id "../../x", expected 7 lower-case hex digits`:             {Tenant: tn, ID: "../../x"},
	} {
		_, err := New(c)
		assert.EqualError(t, err, want)
	}
	n, err = New(Config{Tenant: tn, Host: "a.example:8443"})
	require.NoError(t, err)
	assert.Equal(t, "a.example:8443", n.config.Host)
}

func TestARandomSourceThatEnds(t *testing.T) {
	f := newFixture(t)
	f.config.Rand = bytes.NewReader(make([]byte, 21))
	first := f.call("POST", "/http/orders", accepted(f.warehouse)).response.Header.Get("Sap_messageprocessinglogid")
	second := f.call("POST", "/http/orders", accepted(f.warehouse)).response.Header.Get("Sap_messageprocessinglogid")
	assert.Equal(t, "AGAAAAAAAAAAAAAAAAAAAAAAAAAA", first)
	assert.NotEqual(t, first, second)
	assert.Len(t, second, 28)
}

func TestWithoutRecorder(t *testing.T) {
	f := newFixture(t)
	r := httptest.NewRequest("POST", "/http/orders", strings.NewReader("hello"))
	accepted(f.warehouse)(r)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	assert.Equal(t, 200, w.Code)
	assert.Equal(t, "hello", w.Body.String())
	assert.Len(t, f.log.lines, 1)
}

// Calls and changes at the same time: with the real log, whole lines and one for each call.
func TestManyCallsAtOnce(t *testing.T) {
	f := newFixture(t)
	folder := t.TempDir()
	writer, err := systemlog.New(folder, "1a2b3c4", f.config.Now)
	require.NoError(t, err)
	f.config.Log = writer
	const callers, each = 8, 50
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for range each {
				r := httptest.NewRequest("POST", "/http/orders", strings.NewReader("hello"))
				if caller%2 == 0 {
					accepted(f.warehouse)(r)
				} else {
					notAccepted(20)(r)
				}
				w := httptest.NewRecorder()
				f.ServeHTTP(w, r)
				if want := []int{200, 401}[caller%2]; w.Code != want {
					t.Errorf("status %d, expected %d", w.Code, want)
				}
			}
		})
	}
	all.Go(func() {
		for range each {
			if err := f.tenant.Update(func(*tenant.Config) error { return nil }); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	require.NoError(t, writer.Close())
	file, err := os.Open(folder + "/" + systemlog.FileName(systemlog.HTTP, "1a2b3c4", noon))
	require.NoError(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	count := 0
	for ; lines.Scan(); count++ {
		_, err := systemlog.ParseAccessLine(lines.Text())
		assert.NoError(t, err)
	}
	assert.Equal(t, callers*each, count)
}

func ExampleNode() {
	tn, err := tenant.New(tenant.Config{
		Users:    []tenant.User{{Name: "alice", Password: "secret"}},
		Roles:    []tenant.Assignment{{User: "alice", Role: tenant.DefaultRole}},
		Channels: []tenant.Channel{{Address: "/http/orders"}},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := New(Config{Tenant: tn})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range []string{"/http/orders", "/orders"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("hello"))
		r.SetBasicAuth("alice", "secret")
		recorder := journey.NewRecorder(journey.Journey{})
		n.ServeHTTP(httptest.NewRecorder(), r.WithContext(journey.NewContext(r.Context(), recorder)))
		end, _ := recorder.Journey().End()
		fmt.Println(recorder.Journey().Status, end.Station, end.Verdict)
	}
	// Output:
	// 200 flow passed
	// 404 endpoint refused
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkCall(b *testing.B) {
	f := newFixture(b)
	for name, row := range map[string]struct {
		path   string
		option option
		record bool
	}{
		"mapped":              {"/http/orders", accepted(f.warehouse), false},
		"mapped, recorded":    {"/http/orders", accepted(f.warehouse), true},
		"table, recorded":     {"/http/table", accepted(f.unmapped), true},
		"basic, recorded":     {"/http/orders", password("alice", "right"), true},
		"not mapped":          {"/http/orders", accepted(f.unmapped), true},
		"nobody":              {"/http/orders", func(*http.Request) {}, true},
		"refused certificate": {"/http/orders", notAccepted(20), true},
	} {
		b.Run(name, func(b *testing.B) {
			n, err := New(Config{Tenant: f.tenant, Host: host})
			require.NoError(b, err)
			r := httptest.NewRequest("POST", row.path, nil)
			r.Header.Set(forwarding.ClientAddressHeader, "198.51.100.49")
			row.option(r)
			content := strings.NewReader("hello")
			w := &discard{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				content.Reset("hello")
				r.Body, r.ContentLength = io.NopCloser(content), 5
				clear(w.h)
				call := r
				if row.record {
					call = r.WithContext(journey.NewContext(r.Context(), journey.NewRecorder(journey.Journey{})))
				}
				n.ServeHTTP(w, call)
			}
		})
	}
}
