package sender

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

func TestRequestAsItGoesOut(t *testing.T) {
	lb := serve(t, nil)
	call := lb.call()
	call.URL = "https://" + serverHost + ":8443/ignored"
	call.Path = "/http/Orders/%zz?a=b"
	call.Method = "PATCH"
	call.Header = http.Header{"sOAPAction": {"x"}, "X-Two": {"1", "2"}}
	call.RawHeader = []string{"ssl_client_cert: AAAA", "SSL_CLIENT_CERT: BBBB", "Ssl-Client-Cert:CCCC", "ssl_client_cert: DDDD"}
	call.Body = []byte("<order/>")
	r := do(t, good(), call)
	require.NotNil(t, r.Err) // the server's parser refuses %zz: it must have gone out as it is
	assert.Equal(t, journey.NoAnswer, r.Stop().Reason)

	call.Path = "/http/Orders//x/../y?a=b"
	r = letIn(t, good(), call)
	assert.Equal(t, strings.Join([]string{
		"PATCH /http/Orders//x/../y?a=b HTTP/1.1",
		"Host: " + serverHost + ":8443",
		"User-Agent: gatehouse-sender",
		"Content-Length: 8",
		"X-Two: 1",
		"X-Two: 2",
		"sOAPAction: x",
		"ssl_client_cert: AAAA",
		"SSL_CLIENT_CERT: BBBB",
		"Ssl-Client-Cert:CCCC",
		"ssl_client_cert: DDDD",
	}, "\r\n"), lb.last().raw)
	assert.Equal(t, "<order/>", string(lb.last().body))
	assert.Equal(t, "ok", string(r.Body))
	assert.Equal(t, "PATCH", r.Method)
	assert.Equal(t, call.URL, r.URL)
	assert.Equal(t, "2", r.Header.Get("Content-Length"))
}

func TestOwnHeadersGiveWay(t *testing.T) {
	lb := serve(t, nil)
	call := lb.call()
	call.Header = http.Header{"host": {"spoofed.example"}, "user-agent": {"Mine"}, "Authorization": {"Custom x"},
		"Content-Length": {"2"}, "cookie": {"a=b"}, "X-CSRF-Token": {"own"}}
	call.Body = []byte("hi")
	letIn(t, good().With(func(s *Sender) { s.Basic = &Credentials{"u", "p"}; s.CSRF = true }), call)
	assert.Equal(t, strings.Join([]string{
		"POST /http/orders HTTP/1.1", "Authorization: Custom x", "Content-Length: 2", "X-CSRF-Token: own",
		"cookie: a=b", "host: spoofed.example", "user-agent: Mine",
	}, "\r\n"), lb.last().raw)
	assert.Len(t, lb.seen(), 1, "a token that is given need not be fetched")
}

func TestMethods(t *testing.T) {
	for _, test := range []struct {
		call Call
		want string
		body string
	}{
		{Call{}, "GET", ""},
		{Call{Body: []byte("x")}, "POST", "x"},
		{Call{Body: []byte{}}, "POST", ""},
		{Call{BodyFrom: strings.NewReader("streamed")}, "POST", "streamed"},
		{Call{BodyFrom: strings.NewReader("streamed"), Header: http.Header{"Content-Length": {"8"}}}, "POST", "streamed"},
		{Call{Method: "POST"}, "POST", ""},
		{Call{Method: "PUT", Body: bytes.Repeat([]byte("long"), 20<<10)}, "PUT", strings.Repeat("long", 20<<10)},
		{Call{Method: "DELETE"}, "DELETE", ""},
	} {
		lb := serve(t, nil)
		test.call.URL, test.call.Address = lb.call().URL, lb.address()
		letIn(t, good(), test.call)
		got := lb.last()
		assert.Equal(t, test.want, got.method)
		assert.Equal(t, test.body, string(got.body))
		assert.NoError(t, got.bodyErr)
	}
	lb := serve(t, func(s *server) {
		s.answer = func(request) string { return "HTTP/1.1 405 No\r\nContent-Length: 99\r\n\r\n" }
	})
	call := lb.call()
	call.Method = "HEAD"
	r := do(t, good(), call)
	assert.NoError(t, r.Err)
	assert.Equal(t, 405, r.Status)
	assert.Empty(t, r.Body)
	assert.Equal(t, journey.Passed, r.Stop().Verdict, "every status is an answer")
}

func TestMisusedCalls(t *testing.T) {
	for _, test := range []struct {
		want string
		call Call
	}{
		{"is not one of https", Call{URL: "http://host/"}},
		{"names no host", Call{URL: "https:///x"}},
		{"cannot be read", Call{URL: "https://a b/"}},
		{"holds a logon", Call{URL: "https://user:secret@host/"}},
		{"not host:port", Call{URL: "https://host/", Address: "host"}},
		{"expected one at most", Call{URL: "https://host/", Body: []byte{}, BodyFrom: strings.NewReader("")}},
		{"does not begin with /", Call{URL: "https://host/", Path: "x"}},
		{"holds blanks", Call{URL: "https://host/", Path: "/x HTTP/1.1\r\nEvil: 1"}},
		{"is not one of HTTP", Call{URL: "https://host/", Method: "GET /"}},
		{"RawHeader sends any line", Call{URL: "https://host/", Header: http.Header{"a b": {"c"}}}},
		{"holds a line end", Call{URL: "https://host/", Header: http.Header{"A": {"c\r\nd: e"}}}},
		{"is empty or holds a line end", Call{URL: "https://host/", RawHeader: []string{"a: b\r\n"}}},
		{"is empty or holds a line end", Call{URL: "https://host/", RawHeader: []string{""}}},
	} {
		_, err := good().Do(context.Background(), test.call)
		assert.ErrorContains(t, err, test.want)
		assert.NotContains(t, fmt.Sprint(err), "secret")
	}
	_, err := good().With(func(s *Sender) { s.Basic, s.WaitForChallenge = &Credentials{}, true }).
		Do(context.Background(), Call{URL: "https://host/", BodyFrom: strings.NewReader("")})
	assert.ErrorContains(t, err, "cannot be sent again after a challenge")
}

func TestAnswers(t *testing.T) {
	big := strings.Repeat("x", maxBody+1)
	for _, test := range []struct {
		name, answer string
		status       int
		body         string
		truncated    bool
		err          string
	}{
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, "hi", false, ""},
		{"empty chunked body of a 401", "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 401, "", false, ""},
		{"until the end", "HTTP/1.1 500 No\r\nConnection: close\r\n\r\nthe end", 500, "the end", false, ""},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", false, ""},
		{"interim answers", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + ok, 200, "ok", false, ""},
		{"switching protocols", "HTTP/1.1 101 Switching\r\n\r\n", 101, "", false, ""},
		{"as much as is kept", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", maxBody, big[1:]), 200, big[1:], false, ""},
		{"longer than what is kept", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(big), big), 200, big[1:], true, ""},
		{"broken off", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhi", 200, "hi", false, "unexpected EOF"},
		{"header without end", "HTTP/1.1 200 OK\r\nConnection: close\r\n" + strings.Repeat("A: b\r\n", maxHead/6), 0, "", false, errTooLong.Error()},
		{"interim answers without end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHead/25+1), 0, "", false, errTooLong.Error()},
		{"not HTTP", "220 mail.example ESMTP Connection: close\r\n", 0, "", false, "malformed HTTP"},
		{"none", "", 0, "", false, "the connection was closed: EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			lb := serve(t, func(s *server) { s.answer = func(request) string { return test.answer } })
			r := do(t, good(), lb.call())
			assert.Equal(t, test.status, r.Status)
			assert.Equal(t, test.truncated, r.Truncated)
			assert.True(t, test.body == string(r.Body), "the body differs")
			assert.Equal(t, 1, r.Request)
			if test.err == "" {
				assert.NoError(t, r.Err)
				assert.True(t, r.Answered())
				assert.Equal(t, StageDone, r.Stage)
				return
			}
			assert.ErrorContains(t, r.Err, test.err)
			assert.False(t, r.Answered())
			assert.Equal(t, StageResponse, r.Stage)
			assert.Equal(t, journey.NoAnswer, r.Stop().Reason)
		})
	}
}

// The load balancer may answer before it has read the body, and read no more of it.
func TestAnswerBeforeTheBodyIsSent(t *testing.T) {
	lb := serve(t, func(s *server) {
		s.answer = func(request) string { return "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n" }
	})
	call := lb.call()
	call.Header = http.Header{"X-Do-Not-Read": {"1"}}
	from, to := io.Pipe()
	defer to.Close()
	call.BodyFrom = from
	s := good()
	s.KeepAlive = true
	r := do(t, s, call)
	require.NoError(t, r.Err)
	assert.Equal(t, 413, r.Status)
	assert.Nil(t, s.live.kept, "a connection with half a request on it is of no more use")
	_, err := to.Write([]byte("x"))
	assert.ErrorIs(t, err, io.ErrClosedPipe, "the body is closed with the call")
}

func TestBodyThatCannotBeRead(t *testing.T) {
	lb := serve(t, nil)
	call := lb.call()
	call.BodyFrom = io.MultiReader(strings.NewReader("begin"), failing{})
	r := do(t, good(), call)
	assert.ErrorIs(t, r.Err, errBody)
	assert.Equal(t, StageRequest, r.Stage)
	assert.Equal(t, journey.NoAnswer, r.Stop().Reason)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBody }

func TestTimeoutAndCancel(t *testing.T) {
	never := make(chan struct{})
	arrived := make(chan struct{}, 10)
	lb := serve(t, func(s *server) {
		s.answer = func(r request) string {
			if r.header.Get("X-Wait") != "" {
				arrived <- struct{}{}
				<-never
			}
			return ok
		}
	})
	defer close(never)
	s := good()
	s.KeepAlive = true
	letIn(t, s, lb.call())
	call := lb.call()
	call.Header = http.Header{"X-Wait": {"1"}}

	slow := good()
	slow.KeepAlive = true
	letIn(t, slow, lb.call())            // so that the time is not spent in the handshake
	slow.Timeout = 50 * time.Millisecond // against the rules, for the same reason
	r := do(t, slow, call)
	assert.ErrorIs(t, r.Err, context.DeadlineExceeded)
	assert.ErrorContains(t, r.Err, "waiting for the answer: not finished within 50ms")
	assert.Equal(t, StageResponse, r.Stage)
	assert.Equal(t, journey.NoAnswer, r.Stop().Reason)
	assert.Equal(t, 2, r.Request)
	<-arrived

	ctx, cancel := context.WithCancel(context.Background())
	s.Timeout = -1
	go func() { <-arrived; cancel() }()
	r, err := s.Do(ctx, call)
	require.NoError(t, err)
	assert.ErrorIs(t, r.Err, context.Canceled)
	assert.Equal(t, 2, r.Request)
	assert.Empty(t, r.Attempts, "what timed out is not sent again")

	r, err = s.Do(ctx, lb.call())
	require.NoError(t, err)
	assert.ErrorIs(t, r.Err, context.Canceled)
	assert.Equal(t, StageDial, r.Stage)
}

func TestResultJoinsTheLoadBalancersRecord(t *testing.T) {
	lb := serve(t, nil)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	s := good()
	s.Trust, s.Now = TrustAll(), func() time.Time { return at }
	r := letIn(t, s, lb.call())
	assert.Equal(t, lb.last().remote, r.LocalAddr)
	assert.Equal(t, at, r.At)
	assert.Positive(t, r.Took)
	stop := r.Stop()
	assert.Equal(t, journey.Stop{Station: journey.Sender, At: at, Verdict: journey.Passed, Took: r.Took, Saw: stop.Saw,
		Decided: "did not check the certificate of the load balancer, sent 3 certificates, C=DE, O=Example, CN=warehouse first, and got HTTP 200"}, stop)
	saw := map[string]string{}
	for _, fact := range stop.Saw {
		saw[fact.Name] = fact.Value
	}
	assert.Equal(t, "TLS 1.3", saw["TLS version"])
	assert.Equal(t, serverHost, saw["server name asked for"])
	assert.Equal(t, "CN=Example Upper CA", saw["sent certificate 2"])
	assert.Equal(t, "HTTP 200", saw["answer"])
	assert.Equal(t, tls.CipherSuiteName(lb.last().state.CipherSuite), saw["cipher"])
	assert.Equal(t, "warehouse: GET https://host.example/http/orders: HTTP 200, TLS 1.3, sent 3 certificates, C=DE, O=Example, CN=warehouse first", r.String())
}
