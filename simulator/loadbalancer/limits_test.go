package loadbalancer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

// ended asserts that the other side closed the connection, within the patience of its deadline.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	var timeout net.Error
	if errors.As(err, &timeout) {
		assert.False(t, timeout.Timeout(), "the connection stayed open")
	}
}

// sized is a request whose request line and headers have exactly n bytes.
func sized(n int) string {
	const start, end = "GET / HTTP/1.1\r\nHost: x\r\nA: ", "\r\n\r\n"
	return start + strings.Repeat("a", n-len(start)-len(end)) + end
}

func TestHeaderBytes(t *testing.T) {
	for name, test := range map[string]struct{ limit, size, status int }{
		"as large as may be":        {0, 32 << 10, 200},
		"a byte too large":          {0, 32<<10 + 1, 431},
		"much too large":            {0, 40 << 10, 431},
		"the least limit there is":  {1, 4 << 10, 200},
		"and what is more than it":  {1, 4<<10 + 2, 431},
		"another limit":             {5000, 5000, 200},
		"and a byte more than that": {5000, 5001, 431},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, p := piped(t, func(c *Config) { c.Limits.HeaderBytes = test.limit })
				c := p.dial(t, h)
				go func() { _, _ = io.WriteString(c, sized(test.size)) }() // as far as it is read
				a, err := listen(bufio.NewReader(c), nil)
				require.NoError(t, err)
				assert.Equal(t, test.status, a.status)
				j := h.record(t, c, 1)
				assert.Equal(t, test.status, j.Status)
				stop, _ := j.At(journey.LoadBalancer)
				if test.status == 200 {
					assert.Equal(t, journey.Passed, stop.Verdict)
					return
				}
				ended(t, c)
				assert.Equal(t, journey.HeaderTooLarge, stop.Reason)
				assert.Equal(t, fmt.Sprintf("the header is larger than %d bytes; answered with 431 and closed", h.limits.HeaderBytes), stop.Decided)
			})
		})
	}
}

// A connection whose first request does not come is dated from its beginning, as is that request;
// a later one is dated from when it was given up.
func TestSlowHeader(t *testing.T) {
	const half = "GET / HTTP/1.1\r\nHost:"
	for name, test := range map[string]struct {
		sends   []string
		request int
		decided string
		took    time.Duration
	}{
		"never begun":          {nil, 0, "no request came for 10s after the handshake; the connection was closed", time.Minute},
		"half of the first":    {[]string{half}, 1, "the header of a request was not complete after 10s; the connection was closed", time.Minute},
		"a byte of the second": {[]string{get(tenantHost), half[:1]}, 2, "the header of a request was not complete after 10s; the connection was closed", 0},
		"half of the second":   {[]string{get(tenantHost), half}, 2, "the header of a request was not complete after 10s; the connection was closed", 0},
		"half of the third":    {[]string{get(tenantHost), get(tenantHost), half}, 3, "the header of a request was not complete after 10s; the connection was closed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				closed := make(chan int, 1)
				h, p := piped(t, func(c *Config) { c.Observer.Closed = func(_ string, requests int) { closed <- requests } })
				c := p.dial(t, h)
				h.advance(time.Minute)
				for _, text := range test.sends {
					if strings.HasPrefix(half, text) {
						_, err := io.WriteString(c, text)
						require.NoError(t, err)
						continue
					}
					a, err := say(c, text)
					require.NoError(t, err)
					require.Equal(t, 200, a.status)
					synctest.Wait() // the call is over for the load balancer, too
				}
				assert.Equal(t, 10*time.Second, took(func() { ended(t, c) }))
				assert.Equal(t, max(1, test.request), <-closed)
				j := h.record(t, c, test.request)
				require.Len(t, h.journeys.All(), max(1, len(test.sends)))
				assert.Regexp(t, fmt.Sprintf("^[0-9a-f]{6}-%d$", test.request), j.ID)
				assert.Zero(t, j.Status)
				assert.True(t, j.Verification.Accepted())
				assert.Equal(t, tenantHost, j.Host)
				require.Len(t, j.Stops, 1)
				stop := j.Stops[0]
				assert.Equal(t, journey.Refused, stop.Verdict)
				assert.Equal(t, journey.RequestTimeout, stop.Reason)
				assert.Equal(t, test.decided, stop.Decided)
				assert.Equal(t, test.took, stop.Took)
				assert.Equal(t, test.took, j.Ended.Sub(j.Started))
				assert.True(t, j.Ended.Equal(*h.clock.Load()))
				assert.True(t, stop.At.Equal(j.Ended))
			})
		})
	}
}

// The limit of a header is one for all of it, however it comes: for the first request it begins with
// the end of the handshake, for others with their first byte.
func TestHeadersThatDrip(t *testing.T) {
	for name, test := range map[string]struct {
		before string
		after  time.Duration // that of a second byte
		lasts  time.Duration // from the first byte
	}{
		"the first":  {"", 4 * time.Second, 5 * time.Second},
		"the second": {get(tenantHost), 9 * time.Second, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, p := piped(t, nil)
				c := p.dial(t, h)
				if test.before != "" {
					_, err := say(c, test.before)
					require.NoError(t, err)
				}
				time.Sleep(5 * time.Second)
				_, err := io.WriteString(c, "G")
				require.NoError(t, err)
				assert.Equal(t, test.lasts, took(func() {
					time.Sleep(test.after)
					_, err = io.WriteString(c, "E")
					require.NoError(t, err)
					ended(t, c)
				}))
			})
		})
	}
}

// A connection that waits for its next request has a limit of its own, and leaves no record.
func TestIdleConnectionEndsQuietly(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		c := p.dial(t, h)
		a, err := say(c, get(tenantHost))
		require.NoError(t, err)
		require.Equal(t, 200, a.status)
		assert.Equal(t, 5*time.Minute, took(func() { ended(t, c) }))
		assert.Len(t, h.journeys.All(), 1)
	})
}

// LB-18: the node sees an os.ErrDeadlineExceeded; what it answers reaches the sender.
func TestBodyStall(t *testing.T) {
	for name, head := range map[string]string{
		"with a length": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello",
		"of one byte":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n",
		"in chunks":     "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, p := piped(t, nil)
				h.node.handle = func(w http.ResponseWriter, r *http.Request) {
					var err error
					assert.Equal(t, 20*time.Second, took(func() { _, err = io.ReadAll(r.Body) }))
					assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
					var why *BodyError
					if assert.ErrorAs(t, err, &why) {
						assert.Equal(t, BodyError{Stalled: true, Limit: 20 * time.Second}, *why)
						assert.True(t, why.Timeout())
					}
					n, again := r.Body.Read(make([]byte, 1))
					assert.Zero(t, n)
					assert.Same(t, err, again, "reading on waits no longer")
					w.WriteHeader(http.StatusRequestTimeout)
				}
				c := p.dial(t, h)
				a, err := say(c, head)
				require.NoError(t, err)
				assert.Equal(t, 408, a.status)
				assert.Zero(t, took(func() { ended(t, c) }), "what stalled once is not waited for again")
			})
		})
	}
	t.Run("slow but steady is no stall", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, p := piped(t, nil)
			h.node.handle = func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				_, _ = w.Write(body)
			}
			c := p.dial(t, h)
			_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
			require.NoError(t, err)
			for range 10 { // the whole body takes longer, each pause does not
				time.Sleep(20*time.Second - 1)
				_, err = io.WriteString(c, "x")
				require.NoError(t, err)
			}
			a, err := listen(bufio.NewReader(c), nil)
			require.NoError(t, err)
			assert.Equal(t, "xxxxxxxxxx", a.body)
		})
	})
}

// After the body is read, its deadline no longer counts: neither for a node that takes its time,
// nor for the next request.
func TestBodyDeadlineEndsWithTheBody(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		h.node.handle = func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			_, err = r.Body.Read(make([]byte, 1)) // reading on at the end sets no new deadline
			assert.ErrorIs(t, err, io.EOF)
			select {
			case <-r.Context().Done():
				t.Error("the call was cut:", context.Cause(r.Context()))
			case <-time.After(4 * 20 * time.Second):
			}
			_, _ = w.Write(body)
		}
		c := p.dial(t, h)
		for request, body := range map[string]string{
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello":                         "hello",
			"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n": "he",
			get(tenantHost): "",
		} {
			a, err := say(c, request)
			require.NoError(t, err)
			assert.Equal(t, body, a.body)
		}
	})
}

// A node may answer without reading the body: the rest is read and thrown away, for as long as a
// body may pause; and never taken for a request.
func TestAnswerWithoutReadingTheBody(t *testing.T) {
	in := func(name string, test func(t *testing.T, h *house, c net.Conn)) {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, p := piped(t, nil)
				h.node.handle = func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(http.StatusUnauthorized)
					w.(http.Flusher).Flush()
				}
				test(t, h, p.dial(t, h))
			})
		})
	}
	in("the body stalls", func(t *testing.T, h *house, c net.Conn) {
		var a answer
		assert.Equal(t, 20*time.Second, took(func() {
			var err error
			a, err = say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello")
			require.NoError(t, err)
		}))
		assert.Equal(t, 401, a.status)
		assert.True(t, a.closes)
		go func() { _, _ = io.WriteString(c, get(tenantHost)) }()
		ended(t, c)
		assert.Len(t, h.node.requests(), 1, "the rest of the body is no request")
	})
	in("the body is large", func(t *testing.T, _ *house, c net.Conn) {
		a, err := say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhello")
		require.NoError(t, err)
		assert.Equal(t, 401, a.status)
		assert.True(t, a.closes)
		ended(t, c)
	})
	in("the body comes after all", func(t *testing.T, h *house, c net.Conn) {
		_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
		require.NoError(t, err)
		time.Sleep(20*time.Second - 1)
		a, err := say(c, "world")
		require.NoError(t, err)
		assert.Equal(t, 401, a.status)
		a, err = say(c, get(tenantHost))
		require.NoError(t, err)
		assert.Equal(t, 401, a.status)
		assert.Equal(t, "GET", h.record(t, c, 2).Method)
	})
	in("the sender waits to be told to go on", func(t *testing.T, _ *house, c net.Conn) {
		assert.Zero(t, took(func() {
			a, err := say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-Continue\r\n\r\n")
			require.NoError(t, err)
			assert.Equal(t, 401, a.status)
			assert.True(t, a.closes)
			ended(t, c)
		}))
	})
}

func TestExpectContinue(t *testing.T) {
	h := open(t, nil)
	c := h.dial(t, h.as(nil))
	r := bufio.NewReader(c)
	_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	require.NoError(t, err)
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
	_, err = r.ReadString('\n')
	require.NoError(t, err)
	_, err = io.WriteString(c, "hello")
	require.NoError(t, err)
	a, err := listen(r, nil)
	require.NoError(t, err)
	assert.Equal(t, "3fa9c01:hello", a.body)
}

// LB-18: a call has a time limit.
func TestCallLimit(t *testing.T) {
	const limit = 10 * time.Minute
	in := func(name string, node http.HandlerFunc, test func(t *testing.T, h *house, c net.Conn)) {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, p := piped(t, func(c *Config) { c.Limits.BodyStall = 2 * limit })
				h.node.handle = node
				test(t, h, p.dial(t, h))
			})
		})
	}
	cut := func(t *testing.T, h *house, c net.Conn, request string) {
		t.Helper()
		assert.Equal(t, limit, took(func() {
			_, err := say(c, request)
			require.Error(t, err, "no answer comes")
		}))
		j := h.record(t, c, 1)
		assert.Zero(t, j.Status)
		end, _ := j.End()
		assert.Equal(t, journey.LoadBalancer, end.Station)
		assert.Equal(t, journey.Refused, end.Verdict)
		assert.Equal(t, journey.RequestTimeout, end.Reason)
		assert.Equal(t, "the call was not finished after 10m0s and was cut", end.Decided)
	}
	ends := make(chan error, 1)
	in("while the node works", func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		ends <- r.Context().Err()
		w.WriteHeader(http.StatusGatewayTimeout)
	}, func(t *testing.T, h *house, c net.Conn) {
		cut(t, h, c, get(tenantHost))
		assert.ErrorIs(t, <-ends, context.DeadlineExceeded)
	})
	in("while the body comes", func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		ends <- err
	}, func(t *testing.T, h *house, c net.Conn) {
		cut(t, h, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
		var why *BodyError
		require.ErrorAs(t, <-ends, &why)
		assert.False(t, why.Stalled)
	})
	in("just before", func(http.ResponseWriter, *http.Request) { time.Sleep(limit - 1) }, func(t *testing.T, _ *house, c net.Conn) {
		a, err := say(c, get(tenantHost))
		require.NoError(t, err)
		assert.Equal(t, 200, a.status)
	})
	in("each call has its own", func(http.ResponseWriter, *http.Request) { time.Sleep(limit - time.Second) }, func(t *testing.T, _ *house, c net.Conn) {
		for range 3 {
			a, err := say(c, get(tenantHost))
			require.NoError(t, err)
			assert.Equal(t, 200, a.status)
			time.Sleep(2 * time.Second) // the limit of the call before passes while the connection is idle
		}
	})
}

func TestConnectionLimit(t *testing.T) {
	h := open(t, func(c *Config) { c.Limits.Connections = 2 })
	first := h.dial(t, h.as(nil))
	h.dial(t, h.as(nil))
	c := h.dialRaw(t)
	ended(t, c)
	_, stop := h.refused(t, c.LocalAddr().String(), journey.HandshakeFailed)
	assert.Contains(t, stop.Decided, "2 connections are open")
	require.NoError(t, first.Close())
	require.Eventually(t, func() bool {
		again, err := h.tryDial(h.as(nil))
		if again != nil {
			defer again.Close()
		}
		return err == nil
	}, patience, time.Millisecond, "a place is free again")
}
