package sender

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

func TestKeepAlive(t *testing.T) {
	lb := serve(t, nil)
	s := good()
	s.KeepAlive = true
	for n := 1; n <= 3; n++ {
		call := lb.call()
		call.Body = []byte("x")
		r := letIn(t, s, call)
		assert.Equal(t, n, r.Request)
		assert.Equal(t, 1, lb.last().connection)
		assert.Equal(t, lb.last().remote, r.LocalAddr)
		assert.True(t, r.CertificateSent, "what the connection's handshake came to is told with every call")
	}
	// Another host is another connection, and the only one that is kept then.
	call := lb.call()
	call.URL = "https://alias.example/"
	assert.Equal(t, 1, letIn(t, s, call).Request)
	assert.Equal(t, 1, letIn(t, s, lb.call()).Request)
	require.NoError(t, s.Close())
	assert.Equal(t, 1, letIn(t, s, lb.call()).Request, "a closed sender begins anew")

	one := good()
	assert.Equal(t, 1, letIn(t, one, lb.call()).Request)
	assert.Equal(t, 1, letIn(t, one, lb.call()).Request, "not asked to keep the connection, it does not")
}

func TestAnswerThatEndsTheConnection(t *testing.T) {
	lb := serve(t, func(s *server) {
		s.answer = func(request) string { return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" }
	})
	s := good()
	s.KeepAlive = true
	for range 2 {
		r := letIn(t, s, lb.call())
		assert.Equal(t, 1, r.Request)
		assert.Empty(t, r.Attempts)
	}
}

// A kept connection that the other side closed meanwhile is found out, and the request is sent
// again; on a new connection the same end is the result.
func TestStaleConnection(t *testing.T) {
	each(t, func(t *testing.T, version uint16) {
		lb := serve(t, func(s *server) {
			served := map[int]int{}
			s.config.MaxVersion = version
			s.answer = func(r request) string {
				if served[r.connection]++; served[r.connection] > 1 || r.header.Get("X-Never") != "" {
					return ""
				}
				return ok
			}
		})
		s := good()
		s.KeepAlive = true
		first := letIn(t, s, lb.call())
		call := lb.call()
		call.Body = []byte("order")
		r := letIn(t, s, call)
		require.Len(t, r.Attempts, 1)
		assert.ErrorIs(t, r.Attempts[0].Err, io.EOF)
		r.Attempts[0].Err = nil
		assert.Equal(t, Attempt{Purpose: Stale, Method: "POST", LocalAddr: first.LocalAddr, Request: 2}, r.Attempts[0])
		assert.NotEqual(t, first.LocalAddr, r.LocalAddr)
		assert.Equal(t, "order", string(lb.last().body))

		call = lb.call()
		call.BodyFrom = strings.NewReader("once")
		r = do(t, s, call)
		assert.ErrorIs(t, r.Err, io.EOF, "a stream cannot be sent again")
		assert.Empty(t, r.Attempts)

		call = lb.call()
		call.Header = http.Header{"X-Never": {"1"}}
		r = do(t, s, call)
		assert.ErrorIs(t, r.Err, io.EOF)
		assert.Empty(t, r.Attempts, "a new connection is tried once")
		assert.Equal(t, journey.NoAnswer, r.Stop().Reason)
		assert.Equal(t, StageResponse, r.Stage)
	})
}

func TestResume(t *testing.T) {
	each(t, func(t *testing.T, version uint16) {
		lb := serve(t, func(s *server) { s.config.MaxVersion = version })
		s := good()
		s.Resume = true
		r := letIn(t, s, lb.call())
		assert.False(t, r.TLS.Resumed)
		assert.False(t, lb.last().state.DidResume)

		r = letIn(t, s, lb.call())
		assert.True(t, r.TLS.Resumed)
		assert.True(t, lb.last().state.DidResume)
		assert.Equal(t, minted().warehouse.DER(), presentedTo(lb.last())[0], "the session brings its certificate")
		assert.False(t, r.CertificateSent)
		assert.False(t, r.CertificateAsked)
		assert.Contains(t, r.Stop().Decided, "sent no certificate (the TLS session was resumed)")
		assert.Len(t, r.ServerChain, 1)

		// Without a server name too, a session belongs to one host.
		call := lb.call()
		call.URL = "https://alias.example/"
		none := s.With(func(s *Sender) { s.ServerName = new("") })
		letIn(t, none, lb.call())
		assert.True(t, letIn(t, none, lb.call()).TLS.Resumed)
		assert.False(t, letIn(t, none, call).TLS.Resumed)

		require.NoError(t, s.Close())
		assert.False(t, letIn(t, s, lb.call()).TLS.Resumed, "a closed sender has forgotten its sessions")
		plain := good()
		letIn(t, plain, lb.call())
		assert.False(t, letIn(t, plain, lb.call()).TLS.Resumed)
	})
}

func TestResumedSessionIsVerifiedAgain(t *testing.T) {
	each(t, func(t *testing.T, version uint16) {
		lb := serve(t, func(s *server) { s.config.MaxVersion = version })
		s := good()
		s.Resume = true
		letIn(t, s, lb.call())
		letIn(t, s, lb.call())
		s.Trust = TrustNone() // against the rules, to see what a resumed session does
		r := do(t, s, lb.call())
		assert.Equal(t, journey.ServerNotTrusted, r.Stop().Reason)
		assert.True(t, r.TLS.Resumed)
	})
}

func TestConcurrentCalls(t *testing.T) {
	lb := serve(t, nil)
	s := good()
	s.KeepAlive, s.Resume, s.Cookies = true, true, true
	t.Cleanup(func() { s.Close() })
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 5 {
				call := lb.call()
				call.Body = []byte("order")
				r, err := s.Do(context.Background(), call)
				assert.NoError(t, err)
				assert.NoError(t, r.Err)
				assert.Equal(t, 200, r.Status)
			}
		})
	}
	all.Wait()
	assert.Len(t, lb.seen(), 16*5)
	seen := map[string]bool{}
	for _, r := range lb.seen() {
		seen[r.remote] = true
	}
	assert.Less(t, len(seen), 16*5, "some connection served twice")
}

func TestWithCopiesEverything(t *testing.T) {
	var full Sender
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		switch f := v.Field(i); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("x")
		case reflect.Uint16, reflect.Int64:
			f.Set(reflect.ValueOf(7).Convert(f.Type()))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		}
	}
	full.Keystore, full.WrongKey, full.Trust = FromPKI(minted().warehouse), minted().other.Key(), TrustAll()
	full.Now = good().now
	c := reflect.ValueOf(full.With(nil)).Elem()
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() {
			assert.False(t, c.Field(i).IsZero(), "With leaves out %s", field.Name)
		}
	}
	changed := full.With(func(s *Sender) { s.Name = "other" })
	assert.Equal(t, "other", changed.Name)
	assert.Equal(t, "x", full.Name)
}

// FuzzAnswer reads whatever a server may send.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{ok, "", "HTTP/1.1 100 Continue\r\n\r\n" + ok, "HTTP/1.1 200 OK\r\n\r\nbody",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: a\r\n\r\n",
		"HTTP/1.1 204 x\r\nSet-Cookie: a=b\r\nWWW-Authenticate: Basic\r\n\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := &connection{raw: new(watched), limit: &limited{from: bytes.NewReader(answer)}, tls: new(tls.Conn)}
		c.reader = bufio.NewReader(c.limit)
		var r Result
		failed := c.read(context.Background(), "GET", &r)
		if failed == nil && (r.Status < 101 || r.Status > 999) {
			t.Fatalf("status %d of %q", r.Status, answer)
		}
		if failed != nil && failed.err == nil {
			t.Fatalf("a failure without an error for %q", answer)
		}
		if len(r.Body) > maxBody {
			t.Fatalf("a body of %d bytes", len(r.Body))
		}
		asksForBasic(r.Header)
		var j jar
		j.set("h", "/", r.Header, good().now())
		if cookies := j.header("h", "/", false, good().now()); strings.ContainsAny(cookies, "\r\n") {
			t.Fatalf("cookies with a line end: %q", cookies)
		}
		_, _ = r.Stop(), r.String()
	})
}

func FuzzAsksForBasic(f *testing.F) {
	for _, seed := range []string{`Basic realm="x"`, `Digest a="\", Basic", b=c`, `Basic =`, `,,"`, `"\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if asksForBasic(http.Header{"Www-Authenticate": {value}}) && !strings.Contains(strings.ToLower(value), "basic") {
			t.Fatalf("Basic found in %q", value)
		}
		if joined := strings.Join(splitUnquoted(value), ","); joined != value {
			t.Fatalf("split and joined: %q, expected %q", joined, value)
		}
	})
}
