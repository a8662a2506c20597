package loadbalancer

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

// LB-9: what only the load balancer may set does not come from a sender, in no spelling and by no
// detour.
func TestForgedHeadersAreRemoved(t *testing.T) {
	h := open(t, nil)
	forged := []string{
		"SSL_CLIENT_CERT: forged", "Ssl-Client-Cert: forged", "ssl_client_user: forged",
		"SSL_CLIENT_VERIFY_RESULT: 0", "X-Forwarded-For: 192.0.2.66", "x_forwarded_host: forged",
		"Forwarded: for=192.0.2.66", "SSL_CLIENT_CERT: forged again",
	}
	for name, more := range map[string][]string{
		"plainly":                 nil,
		"named in Connection":     {"Connection: SSL_CLIENT_CERT, SSL_CLIENT_USER, X-Forwarded-For, keep-alive"},
		"two Connection headers":  {"Connection: ssl_client_cert", "Connection: X-Forwarded-Host"},
		"announced as trailers":   {"Trailer: SSL_CLIENT_CERT"},
		"with an upgrade besides": {"Connection: Upgrade", "Upgrade: websocket"},
	} {
		t.Run(name, func(t *testing.T) {
			h.call(t, h.as(nil), append(forged, more...)...)
			got := h.node.last(t)
			told, err := forwarding.Read(got.Header)
			require.NoError(t, err)
			assert.False(t, told.Presented(), "without a certificate nothing is forwarded")
			for header, values := range got.Header {
				assert.NotContains(t, values, "forged", header)
			}

			_, j := h.call(t, h.as(h.pki.client), append(forged, more...)...)
			got = h.node.last(t)
			told, err = forwarding.Read(got.Header)
			require.NoError(t, err)
			assert.Equal(t, h.pki.client.DER(), told.Certificate)
			assert.Equal(t, []string{"127.0.0.1"}, got.Header["X-Forwarded-For"])
			assert.Equal(t, []string{"https"}, got.Header["X-Forwarded-Proto"])
			assert.Equal(t, []string{tenantHost}, got.Header["X-Forwarded-Host"])
			assert.NotContains(t, got.Header, "Connection")
			assert.NotContains(t, got.Header, "Upgrade")
			assert.NotContains(t, got.Header, "Trailer")
			assert.True(t, j.Verification.Accepted())
		})
	}
}

func TestTrailersEndHere(t *testing.T) {
	var trailer http.Header
	h := open(t, nil)
	h.node.handle = func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		trailer = r.Trailer
		_, _ = w.Write(body)
	}
	c := h.dial(t, h.as(nil))
	a, err := say(c, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: SSL_CLIENT_CERT\r\n\r\n"+
		"5\r\nhello\r\n0\r\nSSL_CLIENT_CERT: forged\r\n\r\n")
	require.NoError(t, err)
	assert.Equal(t, "hello", a.body)
	assert.Empty(t, trailer)
}

// What passes is what the sender sent.
func TestRequestIsPassedOn(t *testing.T) {
	h := open(t, func(c *Config) { c.Address = "10.0.0.13" })
	c := h.dial(t, h.as(h.pki.client))
	for n := 1; n <= 3; n++ {
		a, err := say(c, "POST /http/Orders%2F1?a=b&c HTTP/1.1\r\nHost: tenant.example:8443\r\nContent-Length: 5\r\n"+
			"Authorization: Basic eDp5\r\nsap-passport: 2A54\r\n\r\nhello")
		require.NoError(t, err)
		assert.Equal(t, "3fa9c01:hello", a.body)
		assert.Empty(t, a.header["Set-Cookie"], "no affinity with one node")
		got := h.node.last(t)
		assert.Equal(t, "POST", got.Method)
		assert.Equal(t, "/http/Orders%2F1?a=b&c", got.RequestURI)
		assert.Equal(t, "tenant.example:8443", got.Host)
		assert.Equal(t, "HTTP/1.1", got.Proto)
		assert.Equal(t, "Basic eDp5", got.Header.Get("Authorization"))
		assert.Equal(t, "2A54", got.Header.Get("Sap-Passport"))
		assert.Nil(t, got.TLS, "TLS ends at the load balancer")
		host, _, err := net.SplitHostPort(got.RemoteAddr)
		require.NoError(t, err)
		assert.Equal(t, "10.0.0.13", host)

		j := h.record(t, c, n)
		assert.Equal(t, 200, j.Status)
		assert.Equal(t, "POST", j.Method)
		assert.Equal(t, "/http/Orders/1", j.Path)
		assert.Equal(t, "3fa9c01", j.Node)
		assert.Equal(t, tenantHost, j.Host)
		assert.Regexp(t, `^[0-9a-f]{6,}-[123]$`, j.ID)
	}
}

// A question about the server as a whole is the node's to answer, as any other.
func TestOptionsOfTheServer(t *testing.T) {
	h := open(t, nil)
	a, err := say(h.dial(t, h.as(nil)), "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	assert.Equal(t, 200, a.status)
	assert.Equal(t, h.node.id+":", a.body)
	assert.Equal(t, "*", h.node.last(t).RequestURI)
}

// The node adds to the same record.
func TestRecorderReachesTheNode(t *testing.T) {
	h := open(t, nil)
	h.node.handle = func(w http.ResponseWriter, r *http.Request) {
		rec := journey.FromContext(r.Context())
		rec.Stop(journey.Stop{Station: journey.RuntimeNode, Verdict: journey.Refused, Reason: journey.NoIdentity})
		rec.Set(func(j *journey.Journey) { j.User = "WAREHOUSE" })
		w.WriteHeader(http.StatusUnauthorized)
	}
	a, j := h.call(t, h.as(h.pki.foreign))
	assert.Equal(t, 401, a.status)
	assert.Equal(t, 401, j.Status)
	assert.Equal(t, "WAREHOUSE", j.User)
	require.Len(t, j.Stops, 2)
	assert.Equal(t, journey.RuntimeNode, j.Stops[1].Station)
	cause, ok := j.Cause()
	require.True(t, ok)
	assert.Equal(t, journey.NoIdentity, cause.Reason, "a Go client sends no certificate to who does not name its CA")
}

// Requests that could be read in two ways are refused, and leave a record.
func TestAmbiguousRequestsAreRefused(t *testing.T) {
	h := open(t, nil)
	for name, test := range map[string]struct {
		request string
		status  int
	}{
		"two lengths":             {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
		"chunked twice":           {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
		"unknown coding":          {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
		"blank before the colon":  {"GET / HTTP/1.1\r\nHost: x\r\nSSL_CLIENT_CERT : forged\r\n\r\n", 400},
		"no host":                 {"GET / HTTP/1.1\r\n\r\n", 400},
		"two hosts":               {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		"no HTTP":                 {"hello\r\n\r\n", 400},
		"an unknown expectation":  {"GET / HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected\r\n\r\n", 417},
		"HTTP/2 without asking":   {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		"a line end in a header":  {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400},
		"negative content length": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(h.node.requests())
			c := h.dial(t, h.as(h.pki.client))
			a, err := say(c, get(tenantHost))
			require.NoError(t, err)
			require.Equal(t, 200, a.status)
			a, err = say(c, test.request)
			require.NoError(t, err)
			assert.Equal(t, test.status, a.status)
			j := h.record(t, c, 2)
			assert.Equal(t, test.status, j.Status)
			assert.True(t, j.Verification.Accepted())
			require.Len(t, j.Stops, 1)
			assert.Equal(t, journey.Refused, j.Stops[0].Verdict)
			assert.Equal(t, journey.BadRequest, j.Stops[0].Reason)
			assert.Len(t, h.node.requests(), before+1, "only the good one reached the node")
		})
	}
}

// A length together with chunks: the chunks count, the length is dropped, and nothing is taken
// for a second request.
func TestLengthAndChunks(t *testing.T) {
	h := open(t, nil)
	c := h.dial(t, h.as(nil))
	r := bufio.NewReader(c)
	_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	first, err := listen(r, nil)
	require.NoError(t, err)
	assert.Equal(t, 200, first.status)
	// The rest is a request of its own, with a record of its own and the same identity.
	second, err := listen(r, nil)
	if err == nil {
		assert.Equal(t, 200, second.status)
		assert.Equal(t, "/smuggled", h.record(t, c, 2).Path)
	}
}

// Whatever a sender writes into its headers, a node reads the identity that the load balancer set.
func TestForwardedIdentityIsOurs(t *testing.T) {
	names := rapid.OneOf(
		rapid.SampledFrom([]string{"SSL_CLIENT_CERT", "Ssl-Client-Cert", "ssl_client_user", "SSL-CLIENT_SUBJECT",
			"SSL_CLIENT_VERIFY_RESULT", "Connection", "Trailer", "Te", "X-Forwarded-For", "Cookie"}),
		rapid.StringMatching(`[A-Za-z_-]{1,12}`))
	values := rapid.OneOf(names, rapid.StringMatching(`[ -~]{0,20}`), rapid.StringMatching(`(ssl_client_cert, ?){1,3}close`))
	rapid.Check(t, func(t *rapid.T) {
		header := make(http.Header)
		for range rapid.IntRange(0, 12).Draw(t, "headers") {
			header.Add(names.Draw(t, "name"), values.Draw(t, "value"))
		}
		checkForwarded(t, header)
	})
}

func FuzzForwardedIdentity(f *testing.F) {
	f.Add("SSL_CLIENT_CERT", "x", "Connection", "ssl_client_cert, close")
	f.Add("Connection", ",,, ,\t,", "connection", "connection")
	f.Add("ſsl_client_cert", "x", "SSL_CLIENT_CERT ", "y")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		header := make(http.Header)
		header.Add(name1, value1)
		header.Add(name2, value2)
		checkForwarded(t, header)
	})
}

func checkForwarded(t require.TestingT, header http.Header) {
	want := forwarding.Identity{Subject: "C=DE, CN=x", Result: 20}
	c := &connection{identity: want, wire: &wire{Conn: nowhere{}}, site: &site{host: Host{Name: "x"}}}
	lb := &LoadBalancer{config: Config{Address: DefaultAddress}}
	out := lb.forward(&http.Request{Header: header, Host: "x"}, c, nil)
	got, err := forwarding.Read(out.Header)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, []string{"192.0.2.1"}, out.Header.Values(forwarding.ClientAddressHeader))
}

// nowhere is a connection with an address and nothing else.
type nowhere struct{ net.Conn }

func (nowhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711} }
