package loadbalancer

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stubborn lets the node's calls go on until they are let go, whatever becomes of their context.
func stubborn(h *house) (letGo func()) {
	out := make(chan struct{})
	h.node.handle = func(w http.ResponseWriter, _ *http.Request) { <-out }
	return func() { close(out) }
}

// took is how long something takes in the time of a bubble.
func took(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

func TestCloseDoesNotWaitForeverForANode(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		letGo := stubborn(h)
		calls := []<-chan result{p.call(t, h), p.call(t, h)}
		var err error
		assert.Equal(t, closeGrace+nodeGrace, took(func() { err = h.Close() }))
		assert.EqualError(t, err, "closing the load balancer: 2 calls did not end 5s after they were cut: a node does not heed its context")
		h.loops.Wait() // nothing is taken any more, whatever the node does
		for _, call := range calls {
			assert.Error(t, (<-call).err, "the sender does not wait either")
		}
		letGo()
		synctest.Wait()
		assert.Empty(t, h.tracker.rest())
		assert.NoError(t, h.Close(), "now that the node has returned")
	})
}

// The end of the context is Close: what goes wrong then has only the log to go to.
func TestContextEndsItAndTheLogSaysIfNotCleanly(t *testing.T) {
	for _, heeds := range []bool{true, false} {
		inBubble(t, func(t *testing.T) {
			var logged lockedBuffer
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := newPipes(t)
			h := openBy(t, func(c *Config) { c.ErrorLog = slog.New(slog.NewTextHandler(&logged, nil)) }, p.serve(ctx))
			letGo := stubborn(h)
			if heeds {
				h.node.handle = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			}
			call := p.call(t, h)
			cancel()
			assert.Error(t, (<-call).err)
			time.Sleep(nodeGrace) // of the bubble's time
			synctest.Wait()
			if heeds {
				assert.Empty(t, logged.String(), "that a call was cut is no fault")
			} else {
				assert.Contains(t, logged.String(), `msg="the load balancer did not end cleanly" error="closing the load balancer: 1 calls did not end`)
			}
			letGo()
		})
	}
}

// Nothing of the load balancer goes on when Close returns.
func TestCloseWaitsForItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		p.lag = time.Second
		assert.Equal(t, p.lag, took(func() { assert.NoError(t, h.Close()) }))
	})
}

// watched is a context that tells how many wait for its end.
type watched struct {
	context.Context
	done    chan struct{}
	waiting int
}

func (w *watched) Done() <-chan struct{} { return w.done }
func (w *watched) AfterFunc(func()) func() bool {
	w.waiting++
	return func() bool { w.waiting--; return true }
}

// A load balancer that has ended does not wait for the end of its context.
func TestTheContextIsForgotten(t *testing.T) {
	for name, end := range map[string]func(*LoadBalancer) error{
		"Close": (*LoadBalancer).Close, "Shutdown": func(lb *LoadBalancer) error { return lb.Shutdown(t.Context()) },
	} {
		ctx := &watched{Context: t.Context(), done: make(chan struct{})}
		lb, err := prepare(Config{Default: testPKI().host(tenantHost, Request)})
		require.NoError(t, err)
		lb.begin(ctx, newPipes(t))
		assert.Equal(t, 1, ctx.waiting, name)
		require.NoError(t, end(lb))
		assert.Zero(t, ctx.waiting, name)
	}
}

// A call that ends within the grace of Close is answered, one that takes longer is not.
func TestGraceOfClose(t *testing.T) {
	for work, answered := range map[time.Duration]bool{closeGrace - 1: true, closeGrace + 1: false} {
		inBubble(t, func(t *testing.T) {
			h, p := piped(t, nil)
			h.node.handle = func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(work):
				case <-r.Context().Done():
				}
			}
			call := p.call(t, h)
			assert.Equal(t, min(work, closeGrace), took(func() { assert.NoError(t, h.Close()) }))
			if got := <-call; answered {
				assert.NoError(t, got.err)
				assert.Equal(t, 200, got.status)
				assert.True(t, got.closes)
			} else {
				assert.Error(t, got.err)
			}
		})
	}
}

// A connection that has had its calls is closed at once, and with TLS's good-bye.
func TestIdleConnectionsAreNotWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		c := p.dial(t, h)
		_, err := say(c, get(tenantHost))
		require.NoError(t, err)
		synctest.Wait()
		end := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			end <- err
		}()
		assert.Zero(t, took(func() { assert.NoError(t, h.Close()) }))
		assert.Equal(t, io.EOF, <-end)
	})
}

// A sender that does not read its good-bye holds up nobody.
func TestGoodByeIsShort(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		p.dial(t, h) // and nobody reads from it
		assert.Equal(t, partingTime, took(func() { assert.NoError(t, h.Close()) }))
	})
}

// Once the load balancer ends, writing has a tight limit, and none that is tighter is loosened.
func TestDeadlineOfAGoodBye(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		latest := now.Add(partingTime)
		for _, row := range []struct{ given, usual, parting time.Time }{
			{noDeadline, noDeadline, latest}, {now.Add(time.Hour), now.Add(time.Hour), latest},
			{latest.Add(1), latest.Add(1), latest}, {latest.Add(-1), latest.Add(-1), latest.Add(-1)}, {longAgo, longAgo, longAgo},
		} {
			c := &halfOpen{}
			w := &wire{Conn: c}
			require.NoError(t, w.SetWriteDeadline(row.given))
			assert.Equal(t, row.usual, c.writable)
			w.parting.Store(true)
			require.NoError(t, w.SetWriteDeadline(row.given))
			assert.Equal(t, row.parting, c.writable)
		}
	})
}

func TestDrainTakesItsTime(t *testing.T) {
	t.Run("nothing is open", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, _ := piped(t, nil)
			assert.Equal(t, acceptTail, took(func() { assert.NoError(t, h.Drain(t.Context())) }))
			assert.Zero(t, took(func() { assert.NoError(t, h.Drain(t.Context())) }), "again")
		})
	})
	t.Run("an idle connection stays for a while", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, p := piped(t, nil)
			c := p.dial(t, h)
			end := make(chan time.Duration, 1)
			go func() {
				end <- took(func() { _, _ = io.Copy(io.Discard, c) })
			}()
			time.AfterFunc(acceptTail+1, func() {
				select {
				case <-p.closed:
				default:
					t.Error("the listener is not closed")
				}
			})
			assert.Equal(t, acceptTail+drainIdle, took(func() { assert.NoError(t, h.Drain(t.Context())) }))
			assert.Equal(t, acceptTail+drainIdle, <-end)
		})
	})
	t.Run("what was under way is answered", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, p := piped(t, nil)
			const work = 10 * time.Second
			h.node.handle = func(w http.ResponseWriter, _ *http.Request) { time.Sleep(work) }
			call := p.call(t, h)
			assert.Equal(t, work, took(func() { assert.NoError(t, h.Drain(t.Context())) }))
			got := <-call
			require.NoError(t, got.err)
			assert.True(t, got.closes)
		})
	})
	t.Run("a connection that waited to be accepted is served", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, p := piped(t, nil)
			drained := make(chan error, 1)
			go func() { drained <- h.Drain(t.Context()) }()
			time.Sleep(acceptTail - 1)
			c := p.dial(t, h)
			time.Sleep(time.Second)
			_, err := io.WriteString(c, get(tenantHost))
			require.NoError(t, err)
			a, err := listen(bufio.NewReader(c), nil)
			require.NoError(t, err)
			assert.Equal(t, 200, a.status)
			assert.True(t, a.closes)
			assert.NoError(t, <-drained)
		})
	})
	t.Run("its context ends first", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			for _, limit := range []time.Duration{acceptTail / 2, time.Second} {
				h, p := piped(t, nil)
				letGo := stubborn(h)
				call := p.call(t, h)
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				time.AfterFunc(limit+time.Second, letGo)
				assert.Equal(t, limit+time.Second, took(func() { assert.ErrorIs(t, h.Drain(ctx), context.DeadlineExceeded) }))
				assert.Error(t, (<-call).err)
			}
		})
	})
}
