package loadbalancer

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

// A sender that does not read what it is answered holds its connection for a while, and not forever.
func TestSendersThatDoNotRead(t *testing.T) {
	const goodBye = 5 * time.Second // what crypto/tls allows for it
	for name, test := range map[string]struct {
		request string
		reason  journey.Reason
		limit   time.Duration
	}{
		"the node's answer":            {get(tenantHost), journey.RequestTimeout, 10 * time.Minute},
		"an answer that net/http gave": {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", journey.BadRequest, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				closed := make(chan int, 1)
				h, p := piped(t, func(c *Config) { c.Observer.Closed = func(_ string, requests int) { closed <- requests } })
				h.node.handle = func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, strings.Repeat("a", 1<<16))
				}
				c := p.dial(t, h)
				_, err := io.WriteString(c, test.request)
				require.NoError(t, err)
				lasted := took(func() { assert.Equal(t, 1, <-closed) })
				assert.Equal(t, test.limit+goodBye, lasted)
				end, _ := h.record(t, c, 1).End()
				assert.Equal(t, test.reason, end.Reason)
			})
		})
	}
}

// A sender whose request cannot be read is given the time to read why; one whose connection ends for
// another reason, or with the load balancer, is not waited for.
func TestWhoseConnectionLingers(t *testing.T) {
	const broken = "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"
	// raw is the TCP connection of a sender, whose end is told from that of TLS.
	dial := func(t *testing.T, h *house, p *pipes) (raw net.Conn, c *tls.Conn) {
		config := h.as(nil)
		config.Time = h.now
		raw = p.connect()
		c = tls.Client(raw, config)
		require.NoError(t, c.Handshake())
		synctest.Wait()
		return raw, c
	}
	for name, test := range map[string]struct {
		request string
		status  int
		lingers time.Duration
	}{
		"cannot be read": {broken, 400, lingerTime},
		"a good one":     {get(tenantHost, "Connection: close"), 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, p := piped(t, nil)
				raw, c := dial(t, h, p)
				a, err := say(c, test.request)
				require.NoError(t, err)
				assert.Equal(t, test.status, a.status)
				ended(t, c)
				assert.Equal(t, test.lingers, took(func() {
					_, _ = io.WriteString(raw, "what it had sent already")
					_, _ = io.Copy(io.Discard, raw)
				}))
			})
		})
	}
	t.Run("the load balancer ends", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, p := piped(t, nil)
			_, c := dial(t, h, p)
			_, err := io.WriteString(c, broken) // and its answer is not read
			require.NoError(t, err)
			synctest.Wait()
			assert.Zero(t, took(func() { assert.NoError(t, h.Close()) }))
		})
	})
}

// What a node sends on its way is read before the node is done.
func TestFlushedAnswersAreOnTheirWay(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		h.node.handle = func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
			time.Sleep(time.Minute)
			_, _ = io.WriteString(w, " and done")
		}
		c := p.dial(t, h)
		_, err := io.WriteString(c, get(tenantHost))
		require.NoError(t, err)
		var response *http.Response
		begun := make([]byte, 5)
		assert.Zero(t, took(func() {
			response, err = http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(t, err)
			_, err = io.ReadFull(response.Body, begun)
			require.NoError(t, err)
		}))
		defer response.Body.Close()
		assert.Equal(t, "begun", string(begun))
		rest, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		assert.Equal(t, " and done", string(rest))
	})
}

// With a clock that goes on by a second whenever somebody looks at it: what is dated by what.
func TestRecordsAreDated(t *testing.T) {
	ticking := func(t *testing.T, change func(*Config)) *house {
		var looks atomic.Int64
		return open(t, func(c *Config) {
			c.Now = func() time.Time { return testPKI().made.Add(time.Duration(looks.Add(1)) * time.Second) }
			if change != nil {
				change(c)
			}
		})
	}
	t.Run("a call", func(t *testing.T) {
		_, j := func() (answer, journey.Journey) { h := ticking(t, nil); return h.call(t, h.as(nil)) }()
		require.Len(t, j.Stops, 1)
		assert.Equal(t, j.Started, j.Stops[0].At)
		assert.Equal(t, time.Second, j.Stops[0].Took)
		assert.Equal(t, 2*time.Second, j.Ended.Sub(j.Started))
	})
	t.Run("a call without a node", func(t *testing.T) {
		h := ticking(t, func(c *Config) { c.Backends = nil })
		a, j := h.call(t, h.as(nil))
		assert.Equal(t, "No runtime node is available.\n", a.body)
		require.Len(t, j.Stops, 1)
		assert.Equal(t, "none of 0 runtime nodes is up; answered with 503", j.Stops[0].Decided)
		assert.Equal(t, j.Started, j.Stops[0].At)
		assert.Equal(t, time.Second, j.Stops[0].Took)
		assert.Equal(t, 2*time.Second, j.Ended.Sub(j.Started))
	})
	t.Run("a connection without a call", func(t *testing.T) {
		h := ticking(t, nil)
		c := h.dialRaw(t)
		_, _ = io.WriteString(c, "x")
		j, stop := h.refused(t, c.LocalAddr().String(), journey.NotTLS)
		assert.Equal(t, j.Ended, stop.At)
		assert.Equal(t, time.Second, stop.Took)
		assert.Equal(t, time.Second, j.Ended.Sub(j.Started))
	})
}

// A body that cannot be read because its connection is gone says so, and goes on saying so.
func TestBodyOfAConnectionThatIsGone(t *testing.T) {
	c := &connection{Conn: tls.Server(&halfOpen{deadlines: os.ErrClosed}, &tls.Config{})}
	b := &body{from: io.NopCloser(strings.NewReader("text")), c: c, stall: time.Second, end: time.Now().Add(time.Hour)}
	for range 2 {
		n, err := b.Read(make([]byte, 4))
		assert.Zero(t, n)
		require.ErrorIs(t, err, os.ErrClosed)
		assert.ErrorContains(t, err, "reading the request body: ")
	}
	require.NoError(t, b.Close())
	assert.True(t, errors.Is(&BodyError{}, os.ErrDeadlineExceeded))
}
