package sender

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

// patient is a server of net/http with limits that are soon reached.
func patient(t *testing.T) string {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}))
	s.Config.ReadHeaderTimeout = 500 * time.Millisecond
	s.Config.ReadTimeout = 500 * time.Millisecond
	s.Config.MaxHeaderBytes = 32 << 10
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func waiting(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// What net/http makes of each.
func TestMisbehave(t *testing.T) {
	address := patient(t)
	for _, test := range []struct {
		how    Misbehaviour
		ending []Ending
		status int
		sent   int64
	}{
		{Garbage, []Ending{Closed, Reset}, 0, DefaultGarbage},
		{PlainHTTP, []Ending{Answered}, 400, 43},
		{HalfHandshake, []Ending{Closed}, 0, 0},
		{Silent, []Ending{Closed}, 0, 0},
		{SlowHeader, []Ending{Closed, Answered}, 0, 0},
		{HugeHeader, []Ending{Answered, Reset}, 431, 0},
		{StalledBody, []Ending{Answered}, 408, 0},
	} {
		t.Run(string(test.how), func(t *testing.T) {
			t.Parallel()
			o := Misbehave(waiting(t, waitLimit), address, test.how, Manner{})
			assert.Contains(t, test.ending, o.Ending, o.String())
			assert.Equal(t, test.how, o.How)
			if o.Ending == Answered && test.status != 0 {
				assert.Equal(t, test.status, o.Status)
				assert.NoError(t, o.Err)
			}
			if test.sent != 0 {
				assert.Equal(t, test.sent, o.Sent)
			}
			assert.Equal(t, test.how == Silent, o.Sent == 0)
			assert.NotEmpty(t, o.LocalAddr)
			assert.Positive(t, o.Took)
			assert.Contains(t, o.String(), string(test.how)+": ")
		})
	}
	// The control: this server answers a call that keeps to the rules.
	r := do(t, &Sender{Trust: TrustAll()}, Call{URL: "https://" + address + "/"})
	assert.Equal(t, 200, r.Status)
}

// What goes out, byte for byte.
func TestWhatMisbehaviourSends(t *testing.T) {
	for _, test := range []struct {
		how   Misbehaviour
		check func(t *testing.T, b []byte)
	}{
		{Garbage, func(t *testing.T, b []byte) {
			assert.Len(t, b, 100)
			assert.Less(t, b[0], byte(20), "not the type of a TLS record")
		}},
		{PlainHTTP, func(t *testing.T, b []byte) {
			assert.Equal(t, "GET /x HTTP/1.1\r\nHost: host.example\r\nA: b\r\n\r\n", string(b))
		}},
		{HalfHandshake, func(t *testing.T, b []byte) {
			require.Greater(t, len(b), 50)
			assert.Equal(t, []byte{22, 3, 1}, b[:3])
			announced := 5 + int(b[3])<<8 + int(b[4])
			assert.InDelta(t, announced, 2*len(b), 2)
		}},
		{Silent, func(t *testing.T, b []byte) { assert.Empty(t, b) }},
	} {
		t.Run(string(test.how), func(t *testing.T) {
			t.Parallel()
			run := func() []byte {
				got := make(chan []byte, 1)
				address := listenRaw(t, func(conn net.Conn) {
					b, _ := io.ReadAll(conn)
					got <- b
				})
				o := Misbehave(waiting(t, 250*time.Millisecond), address, test.how,
					Manner{ServerName: serverHost, Path: "/x", Header: []string{"A: b"}, Size: 100, Rand: rand.New(rand.NewSource(1))})
				assert.Equal(t, TimedOut, o.Ending, "the other side said nothing")
				assert.ErrorIs(t, o.Err, context.DeadlineExceeded)
				b := <-got
				assert.EqualValues(t, len(b), o.Sent)
				return b
			}
			b := run()
			test.check(t, b)
			if test.how == Garbage {
				assert.Equal(t, b, run(), "the same seed makes the same garbage")
			}
		})
	}
}

func TestMisbehaveOverTLS(t *testing.T) {
	lb := serve(t, func(s *server) { s.config.ClientAuth = tls.RequireAnyClientCert })
	o := Misbehave(waiting(t, waitLimit), lb.address(), StalledBody, Manner{Certificate: minted().warehouse.TLSCertificate(),
		ServerName: serverHost, Header: []string{"X-Do-Not-Read: 1"}, Size: 10})
	assert.Equal(t, Answered, o.Ending, o.String())
	assert.Equal(t, 200, o.Status)
	assert.Equal(t, ok, string(o.Received))
	assert.True(t, strings.HasPrefix(lb.last().raw, "POST / HTTP/1.1\r\nHost: host.example\r\nX-Do-Not-Read: 1\r\nContent-Length: 10"))
	assert.Equal(t, minted().warehouse.DER(), presentedTo(lb.last())[0])

	o = Misbehave(waiting(t, waitLimit), lb.address(), SlowHeader, Manner{})
	assert.Equal(t, &journey.Alert{From: journey.LoadBalancerSide, Number: 116, Name: "certificate_required"}, o.Alert)
	assert.Equal(t, Alerted, o.Ending)
}

func TestMisbehaviourMeetsAnAlert(t *testing.T) {
	address := listenRaw(t, func(conn net.Conn) {
		_, _ = io.ReadFull(conn, make([]byte, 5))
		_, _ = conn.Write([]byte{21, 3, 3, 0})
		_, _ = conn.Write([]byte{2, 2, 10})
		_, _ = io.Copy(io.Discard, conn)
	})
	o := Misbehave(waiting(t, waitLimit), address, HalfHandshake, Manner{})
	assert.Equal(t, Alerted, o.Ending)
	assert.Equal(t, &journey.Alert{From: journey.LoadBalancerSide, Number: 10, Name: "unexpected_message"}, o.Alert)
	assert.Contains(t, o.String(), "half-handshake: unexpected_message (10) from the load balancer after")
}

func TestMisbehaveWithoutConnection(t *testing.T) {
	o := Misbehave(context.Background(), "127.0.0.1:0", Silent, Manner{})
	assert.Equal(t, NotConnected, o.Ending)
	assert.ErrorContains(t, o.Err, "connecting")

	o = Misbehave(context.Background(), "127.0.0.1:0", "politeness", Manner{})
	assert.ErrorContains(t, o.Err, `the misbehaviour "politeness" is not known`)

	o = Misbehave(context.Background(), "127.0.0.1:0", Garbage, Manner{Rand: bytes.NewReader(nil)})
	assert.ErrorContains(t, o.Err, "making garbage")

	address := listenRaw(t, func(conn net.Conn) {})
	o = Misbehave(waiting(t, waitLimit), address, HugeHeader, Manner{})
	assert.Equal(t, NotConnected, o.Ending)
	assert.ErrorContains(t, o.Err, "in the TLS handshake")
}

func TestStatusLine(t *testing.T) {
	for line, want := range map[string]int{
		"HTTP/1.1 200 OK\r\n": 200, "HTTP/1.0 431\r\n": 431, "HTTP/1.1 400 Bad Request\n": 400,
		"HTTP/1.1 200 OK": 0, "HTTP/2 200 OK\r\n": 0, "HTTP/1.1 2000\r\n": 0, "HTTP/1.1 20\r\n": 0, "HTTP/1.1 099 x\r\n": 0,
		"HTTP/1.1 2x0 OK\r\n": 0, "": 0,
	} {
		got, found := statusLine([]byte(line))
		assert.Equal(t, want != 0, found, line)
		if found {
			assert.Equal(t, want, got)
		}
	}
}

func FuzzPlainAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\n"))
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40})
	f.Add([]byte{21, 3, 3, 0, 2, 1, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		o := Outcome{Received: b}
		if o.understood(false) != (o.Status != 0 || o.Alert != nil) {
			t.Fatalf("understood and yet not: %+v", o)
		}
		if o.Status != 0 && (o.Status < 100 || o.Status > 999) {
			t.Fatalf("status %d", o.Status)
		}
	})
}
