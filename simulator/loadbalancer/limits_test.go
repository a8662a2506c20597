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
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

const short = 150 * time.Millisecond

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
	h := open(t, nil)
	for size, want := range map[int]int{32 << 10: 200, 32<<10 + 1: 431, 40 << 10: 431} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			c := h.dial(t, h.as(h.pki.client))
			a, err := say(c, sized(size))
			require.NoError(t, err)
			assert.Equal(t, want, a.status)
			j := h.record(t, c, 1)
			assert.Equal(t, want, j.Status)
			stop, _ := j.At(journey.LoadBalancer)
			if want == 200 {
				assert.Equal(t, journey.Passed, stop.Verdict)
				return
			}
			assert.Equal(t, journey.HeaderTooLarge, stop.Reason)
			assert.Contains(t, stop.Decided, "larger than 32768 bytes")
			ended(t, c)
		})
	}
}

func TestSlowHeader(t *testing.T) {
	h := open(t, func(c *Config) { c.Limits.HeaderTimeout = short })
	t.Run("never begun", func(t *testing.T) {
		c := h.dial(t, h.as(h.pki.client))
		ended(t, c)
		j, stop := h.refused(t, c.LocalAddr().String(), journey.RequestTimeout)
		assert.Contains(t, stop.Decided, "no request came")
		assert.True(t, j.Verification.Accepted())
	})
	t.Run("half of the first", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost:")
		require.NoError(t, err)
		ended(t, c)
		assert.Equal(t, journey.RequestTimeout, h.record(t, c, 1).Stops[0].Reason)
	})
	t.Run("half of the second", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		a, err := say(c, get(tenantHost)+"")
		require.NoError(t, err)
		require.Equal(t, 200, a.status)
		_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost:")
		require.NoError(t, err)
		ended(t, c)
		j := h.record(t, c, 2)
		assert.Equal(t, journey.RequestTimeout, j.Stops[0].Reason)
		assert.Zero(t, j.Status)
	})
}

// A connection that waits for its next request has a limit of its own, and leaves no record.
func TestIdleConnectionEndsQuietly(t *testing.T) {
	h := open(t, func(c *Config) { c.Limits.Idle = short })
	c := h.dial(t, h.as(nil))
	a, err := say(c, get(tenantHost))
	require.NoError(t, err)
	require.Equal(t, 200, a.status)
	ended(t, c)
	assert.Len(t, h.journeys.All(), 1)
}

// LB-18: the node sees an os.ErrDeadlineExceeded; what it answers reaches the sender.
func TestBodyStall(t *testing.T) {
	stalled := make(chan error, 1)
	h := open(t, func(c *Config) { c.Limits.BodyStall = short })
	h.node.handle = func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			stalled <- err
			w.WriteHeader(http.StatusRequestTimeout)
			return
		}
		_, _ = w.Write(body)
	}
	for name, head := range map[string]string{
		"with a length": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello",
		"in chunks":     "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := h.dial(t, h.as(nil))
			a, err := say(c, head)
			require.NoError(t, err)
			assert.Equal(t, 408, a.status)
			err = <-stalled
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
			var why *BodyError
			require.ErrorAs(t, err, &why)
			assert.True(t, why.Stalled)
			assert.Equal(t, short, why.Limit)
			assert.True(t, why.Timeout())
			ended(t, c)
		})
	}
	t.Run("slow but steady is no stall", func(t *testing.T) {
		const limit = time.Second // the whole body takes longer, each pause is much shorter
		h := open(t, func(c *Config) { c.Limits.BodyStall = limit })
		h.node.handle = func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
		c := h.dial(t, h.as(nil))
		_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
		require.NoError(t, err)
		tick := time.NewTicker(limit * 3 / 20)
		defer tick.Stop()
		for range 10 {
			<-tick.C
			_, err = io.WriteString(c, "x")
			require.NoError(t, err)
		}
		a, err := listen(bufio.NewReader(c), nil)
		require.NoError(t, err)
		assert.Equal(t, "xxxxxxxxxx", a.body)
	})
}

// After the body is read, its deadline no longer counts: neither for a node that takes its time,
// nor for the next request.
func TestBodyDeadlineEndsWithTheBody(t *testing.T) {
	h := open(t, func(c *Config) { c.Limits.BodyStall = 50 * time.Millisecond })
	h.node.handle = func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		_, err = r.Body.Read(make([]byte, 1)) // reading on at the end sets no new deadline
		assert.ErrorIs(t, err, io.EOF)
		select {
		case <-r.Context().Done():
			t.Error("the call was cut:", context.Cause(r.Context()))
		case <-time.After(4 * 50 * time.Millisecond):
		}
		_, _ = w.Write(body)
	}
	c := h.dial(t, h.as(nil))
	for range 2 {
		a, err := say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
		require.NoError(t, err)
		assert.Equal(t, "hello", a.body)
	}
}

// A node may answer without reading the body: the rest is read and thrown away, for as long as a
// body may pause; and never taken for a request.
func TestAnswerWithoutReadingTheBody(t *testing.T) {
	h := open(t, func(c *Config) { c.Limits.BodyStall = short })
	h.node.handle = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		w.(http.Flusher).Flush()
	}
	t.Run("the body stalls", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		a, err := say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello")
		require.NoError(t, err)
		assert.Equal(t, 401, a.status)
		assert.True(t, a.closes)
		_, _ = io.WriteString(c, get(tenantHost))
		ended(t, c)
		assert.Len(t, h.node.requests(), 1, "the rest of the body is no request")
	})
	t.Run("the body is large", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		a, err := say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhello")
		require.NoError(t, err)
		assert.Equal(t, 401, a.status)
		assert.True(t, a.closes)
		ended(t, c)
	})
	t.Run("the body comes after all", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
		require.NoError(t, err)
		a, err := say(c, "world")
		require.NoError(t, err)
		assert.Equal(t, 401, a.status)
		a, err = say(c, get(tenantHost))
		require.NoError(t, err)
		assert.Equal(t, 401, a.status)
		assert.Equal(t, "GET", h.record(t, c, 2).Method)
	})
	t.Run("the sender waits to be told to go on", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		a, err := say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
		require.NoError(t, err)
		assert.Equal(t, 401, a.status)
		assert.True(t, a.closes)
		began := time.Now()
		ended(t, c)
		assert.Less(t, time.Since(began), time.Second)
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
	ctxEnd := make(chan error, 1)
	h := open(t, func(c *Config) { c.Limits.Call = short })
	h.node.handle = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/quick" {
			return
		}
		if r.ContentLength > 0 {
			_, err := io.ReadAll(r.Body)
			ctxEnd <- err
			return
		}
		<-r.Context().Done()
		ctxEnd <- r.Context().Err()
		w.WriteHeader(http.StatusGatewayTimeout)
	}
	t.Run("while the node works", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		_, err := say(c, get(tenantHost))
		require.Error(t, err, "no answer comes")
		assert.ErrorIs(t, <-ctxEnd, context.DeadlineExceeded)
		j := h.record(t, c, 1)
		assert.Zero(t, j.Status)
		end, _ := j.End()
		assert.Equal(t, journey.LoadBalancer, end.Station)
		assert.Equal(t, journey.Refused, end.Verdict)
		assert.Equal(t, journey.RequestTimeout, end.Reason)
		assert.Contains(t, end.Decided, "150ms")
	})
	t.Run("while the body comes", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		_, err := say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
		require.Error(t, err)
		var why *BodyError
		require.ErrorAs(t, <-ctxEnd, &why)
		assert.False(t, why.Stalled)
	})
	t.Run("each call has its own", func(t *testing.T) {
		c := h.dial(t, h.as(nil))
		for range 2 {
			a, err := say(c, "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
			require.NoError(t, err)
			assert.Equal(t, 200, a.status)
			// The limit of the call before passes while the connection is idle.
			timer := time.NewTimer(2 * short)
			<-timer.C
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
