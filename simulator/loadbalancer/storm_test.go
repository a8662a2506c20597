package loadbalancer

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

// LB-19: two hundred connections that misbehave at once harm no other call, and nothing of them
// is left when the load balancer is closed (TestMain looks for goroutines).
func TestStormHarmsNobody(t *testing.T) {
	const rounds, goodSenders, goodCalls = 25, 8, 25
	h := open(t, func(c *Config) {
		c.Limits = Limits{
			// Long enough for good senders on a machine that has other things to do.
			HandshakeTimeout: 5 * time.Second, HeaderTimeout: 5 * time.Second,
			BodyStall: 5 * time.Second, Idle: 5 * time.Second,
		}
	})
	raw := func(send func(net.Conn)) func() error {
		return func() error {
			c, err := net.Dial("tcp", h.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			send(c)
			_, _ = io.Copy(io.Discard, c) // until the load balancer ends it
			return nil
		}
	}
	secured := func(send func(net.Conn)) func() error {
		return func() error {
			c, err := h.tryDial(h.as(nil))
			if err != nil {
				return err
			}
			defer c.Close()
			send(c)
			_, _ = io.Copy(io.Discard, c)
			return nil
		}
	}
	write := func(text string) func(net.Conn) {
		return func(c net.Conn) { _, _ = io.WriteString(c, text) }
	}
	enormous := strings.Repeat("a", 10<<20)
	misdeeds := map[string]func() error{
		"garbage":        raw(write("\x00garbage")),
		"silent":         raw(write("")),
		"half handshake": raw(write("\x16\x03\x01\x02\x00\x01\x00\x01\xfc")),
		"broken hello":   raw(write("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")),
		"slow header":    secured(write("GET / HTTP/1.1\r\nHost: ")),
		"10 MB header":   secured(write("GET / HTTP/1.1\r\nHost: x\r\nA: " + enormous)),
		"stalled body":   secured(write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")),
		"no request":     secured(write("")),
	}
	var bad, good sync.WaitGroup
	begin := make(chan struct{})
	for name, misdeed := range misdeeds {
		for range rounds {
			bad.Go(func() {
				<-begin
				assert.NoError(t, misdeed(), name)
			})
		}
	}
	close(begin)
	for n := range goodSenders {
		good.Go(func() {
			config := h.as(h.pki.client)
			for k := range goodCalls {
				c, err := h.tryDial(config)
				if !assert.NoError(t, err) {
					return
				}
				text := fmt.Sprintf("%d-%d", n, k)
				a, err := say(c, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(text), text))
				_ = c.Close()
				if !assert.NoError(t, err) {
					return
				}
				assert.Equal(t, 200, a.status)
				assert.Equal(t, h.node.id+":"+text, a.body)
			}
		})
	}
	good.Wait()
	bad.Wait()

	reasons := map[journey.Reason]int{}
	accepted := 0
	for _, j := range h.journeys.All() {
		end, _ := j.End()
		reasons[end.Reason]++
		if j.Verification.Accepted() {
			accepted++
		}
	}
	assert.Equal(t, goodSenders*goodCalls, accepted)
	assert.Equal(t, map[journey.Reason]int{
		journey.NotTLS:           rounds,
		journey.HandshakeTimeout: 2 * rounds,
		journey.HandshakeFailed:  rounds,
		journey.RequestTimeout:   2 * rounds,
		journey.HeaderTooLarge:   rounds,
		// Passed on: the good calls, and the stalled bodies, which the node refuses.
		"": goodSenders*goodCalls + rounds,
	}, reasons)
	require.NoError(t, h.Close())
	assert.Empty(t, h.tracker.rest())
}

// FuzzFirstFlight feeds a connection whatever a sender might write: it ends, and the record has
// a reason.
func FuzzFirstFlight(f *testing.F) {
	for _, seed := range []string{
		"", "x", "GET / HTTP/1.1\r\n\r\n", "\x80\x2e\x01\x00\x02", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
		"\x15\x03\x01\x00\x02\x02\x28", "\x15\x03\x01\x00\x02\x01\x00", "\x16\x03\x01\xff\xff", "\x16\x03\x01\x00\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Add(firstFlight(f))
	a := testPKI()
	journeys := &journey.Log{}
	lb, err := Start(f.Context(), Config{
		Default:  a.host(tenantHost, Require, a.trust()...),
		Journeys: journeys,
		Limits:   Limits{HandshakeTimeout: 50 * time.Millisecond},
	})
	require.NoError(f, err)
	f.Cleanup(func() { assert.NoError(f, lb.Close()) })
	f.Fuzz(func(t *testing.T, sent []byte) {
		c := &scripted{input: sent}
		w := &wire{Conn: c, id: "fuzz", started: time.Now()}
		require.Equal(t, admitted, lb.tracker.admit(w, 1000))
		lb.shakeHands(w)
		require.True(t, c.closed)
		all := journeys.All()
		require.NotEmpty(t, all)
		last := all[len(all)-1]
		_, known := last.Stops[0].Reason.About()
		require.True(t, known, last.Stops[0].Reason)
		require.NotEmpty(t, last.Stops[0].Decided)
	})
}

// firstFlight is the ClientHello of a good sender.
func firstFlight(t require.TestingT) []byte {
	c := &scripted{}
	require.Error(t, tls.Client(c, &tls.Config{ServerName: tenantHost}).Handshake())
	return c.output
}

// scripted is a connection on which the other side has said all that it will say.
type scripted struct {
	nowhere
	input, output []byte
	closed        bool
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.input) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.input)
	s.input = s.input[n:]
	return n, nil
}

func (s *scripted) Write(p []byte) (int, error) {
	s.output = append(s.output, p...)
	return len(p), nil
}

func (s *scripted) Close() error                     { s.closed = true; return nil }
func (s *scripted) SetDeadline(time.Time) error      { return nil }
func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }
