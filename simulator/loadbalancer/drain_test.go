package loadbalancer

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
)

// load is many senders that call without a pause. Each call has an id of its own, so that what was
// processed can be compared with what was answered.
type load struct {
	h       *house
	senders sync.WaitGroup
	stop    atomic.Bool
	dialled atomic.Uint64 // connections whose handshake succeeded

	mu        sync.Mutex
	processed map[string]bool // ids that reached a node
	answered  map[string]int  // status by id
	lost      []string        // calls on a fresh connection that got no answer
	reused    int             // calls on a kept connection that was closed, and that were not processed
}

const loadSenders = 8

// node counts what it processes.
func (l *load) node(id string) *fakeNode {
	return &fakeNode{id: id, handle: func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.processed[r.Header.Get("X-Id")] = true
		l.mu.Unlock()
		runtime.Gosched()
		w.WriteHeader(http.StatusNoContent)
	}}
}

// begin lets the senders call: half of them keep their connections.
func (l *load) begin() {
	for n := range loadSenders {
		l.senders.Go(func() { l.send(n, n%2 == 0) })
	}
}

func (l *load) send(n int, keeps bool) {
	for i, call := 0, 0; !l.stop.Load(); i++ {
		c, err := l.h.tryDial(l.h.as(l.h.pki.client))
		if err != nil {
			return // nobody listens any more
		}
		l.dialled.Add(1)
		reader := bufio.NewReader(c)
		for first := true; ; first = false {
			call++
			id := fmt.Sprintf("%d-%d", n, call)
			a, err := l.call(c, reader, id)
			if err != nil {
				l.mu.Lock()
				if first || l.processed[id] {
					l.lost = append(l.lost, fmt.Sprintf("%s (first %t): %v", id, first, err))
				}
				l.reused++
				l.mu.Unlock()
			}
			if err != nil || a.closes || !keeps || l.stop.Load() {
				break
			}
		}
		_ = c.Close()
	}
}

func (l *load) call(c interface{ Write([]byte) (int, error) }, r *bufio.Reader, id string) (answer, error) {
	if _, err := c.Write([]byte(get(tenantHost, "X-Id: "+id))); err != nil {
		return answer{}, err
	}
	a, err := listen(r, nil)
	if err == nil {
		l.mu.Lock()
		l.answered[id] = a.status
		l.mu.Unlock()
	}
	return a, err
}

// underWay waits until so many calls were processed.
func (l *load) underWay(t *testing.T, calls int) {
	t.Helper()
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.processed) >= calls
	}, patience, time.Millisecond)
}

// check demands that every call that was processed was answered, and every one that was made.
func (l *load) check(t *testing.T) {
	t.Helper()
	assert.Empty(t, l.lost)
	assert.Equal(t, l.h.serial.Load(), l.dialled.Load(), "every connection that was accepted got its handshake")
	assert.Len(t, l.answered, len(l.processed))
	for id := range l.processed {
		assert.Equal(t, http.StatusNoContent, l.answered[id], id)
	}
	t.Logf("%d calls answered; %d were sent on a connection that had just been closed", len(l.answered), l.reused)
}

func newLoad(t *testing.T, change func(*Config, *load)) *load {
	l := &load{processed: map[string]bool{}, answered: map[string]int{}}
	l.h = open(t, func(c *Config) {
		c.Backends = []Backend{l.node("a"), l.node("b")}
		if change != nil {
			change(c, l)
		}
	})
	return l
}

// Not parallel, as the other one under load: others have limits of time.
func TestDrainLosesNoCallUnderLoad(t *testing.T) {
	l := newLoad(t, nil)
	l.begin()
	l.underWay(t, 5*loadSenders)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, l.h.Drain(ctx))
	l.senders.Wait()
	l.check(t)
	_, err := l.h.tryDial(l.h.as(nil))
	assert.Error(t, err, "nobody listens any more")
}

func TestDrainEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	h := open(t, func(c *Config) {
		c.Backends = []Backend{&fakeNode{id: "a", handle: func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
		}}}
	})
	c := h.dial(t, h.as(nil))
	_, err := c.Write([]byte(get(tenantHost)))
	require.NoError(t, err)
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Drain(ctx) }()
	<-h.LoadBalancer.refused
	cancel()
	assert.ErrorIs(t, <-ended, context.Canceled)
	_, err = listen(bufio.NewReader(c), nil)
	assert.Error(t, err, "the call was cut, and no answer pretends otherwise")
}

func TestReconfigureLosesNoCallUnderLoad(t *testing.T) {
	l := newLoad(t, nil)
	l.begin()
	for round := range 10 {
		l.underWay(t, (round+1)*loadSenders)
		require.NoError(t, l.h.Reconfigure(Settings{
			Default:  l.h.pki.host(tenantHost, Request, l.h.pki.trust()...),
			Domains:  []Host{l.h.pki.host(ordersHost, Request, l.h.pki.trust()...)},
			Backends: []Backend{l.node("a"), l.node(fmt.Sprintf("c%d", round))},
		}))
	}
	l.stop.Store(true)
	l.senders.Wait()
	assert.Zero(t, l.reused, "no connection was closed")
	l.check(t)
}

func TestReconfigure(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	kept := h.dial(t, h.as(h.pki.client))
	reader := bufio.NewReader(kept)
	say := func(request string) answer {
		_, err := kept.Write([]byte(request))
		require.NoError(t, err)
		a, err := listen(reader, nil)
		require.NoError(t, err)
		return a
	}
	assert.Contains(t, say(get(tenantHost)).body, "3fa9c01")

	after := &fakeNode{id: "other"}
	require.NoError(t, h.Reconfigure(Settings{
		Default:  h.pki.host(tenantHost, Request, pki.NewRoot("Another Root CA").X509()),
		Domains:  []Host{h.pki.host(ordersHost, None)},
		Backends: []Backend{after},
	}))
	assert.Equal(t, "other:", say(get(tenantHost)).body, "a connection that is alive goes to the new node")
	assert.True(t, h.record(t, kept, 2).Verification.Accepted(), "and keeps its verdict")
	insists := h.as(nil)
	insists.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		own := h.pki.client.TLSCertificate()
		return &own, nil
	}
	_, j := h.call(t, insists)
	assert.False(t, j.Verification.Accepted(), "a new connection is judged by the new list")
	assert.Equal(t, 20, j.Verification.Code)
	orders := h.as(h.pki.client)
	orders.ServerName = ordersHost
	c := h.dial(t, orders)
	_, err := c.Write([]byte(get(ordersHost)))
	require.NoError(t, err)
	_, err = listen(bufio.NewReader(c), nil)
	require.NoError(t, err)
	assert.Equal(t, ordersHost, h.record(t, c, 1).Host, "the new domain is served")

	for name, wrong := range map[string]Settings{
		"no certificate": {Default: Host{Name: tenantHost}, Backends: []Backend{h.node}},
		"two of a name":  {Default: h.pki.host(tenantHost, Request), Domains: []Host{h.pki.host(tenantHost, Request)}},
		"same node":      {Default: h.pki.host(tenantHost, Request), Backends: []Backend{after, after}},
		"nil":            {Default: h.pki.host(tenantHost, Request, (*x509.Certificate)(nil))},
	} {
		assert.ErrorContains(t, h.Reconfigure(wrong), "changing the load balancer", name)
	}
	assert.Equal(t, "other:", say(get(tenantHost)).body, "the settings before stay")
}

func TestObserverIsTold(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var handshakes []Handshake
	var records []journey.Journey
	closed := make(chan int, 10)
	h := open(t, func(c *Config) {
		c.Observer = Observer{
			Handshake: func(one Handshake) { mu.Lock(); handshakes = append(handshakes, one); mu.Unlock() },
			Record:    func(j journey.Journey) { mu.Lock(); records = append(records, j); mu.Unlock() },
			Closed:    func(_ string, requests int) { closed <- requests },
		}
	})
	config := h.as(h.pki.client)
	_, j := h.call(t, config)
	for range 2 {
		c := h.dial(t, config)
		require.NoError(t, c.Close())
		assert.Zero(t, <-closed, "no request came")
	}
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, handshakes, 3)
	first := handshakes[0]
	assert.Positive(t, first.Verified)
	assert.Equal(t, j.Client, first.Client)
	assert.True(t, first.Began)
	assert.True(t, first.Asked)
	assert.False(t, first.Failed)
	assert.True(t, first.Result.OK())
	assert.False(t, first.Remembered)
	assert.Len(t, first.Presented, 2)
	assert.Positive(t, first.Took)
	assert.True(t, handshakes[1].Remembered, "the same chain again")
	require.Len(t, records, 1)
	assert.Equal(t, j.ID, records[0].ID)
}

func TestObserverIsToldOfFailures(t *testing.T) {
	t.Parallel()
	told := make(chan Handshake, 1)
	h := open(t, func(c *Config) { c.Observer.Handshake = func(one Handshake) { told <- one } })
	config := h.as(h.pki.client)
	config.RootCAs = x509.NewCertPool()
	_, err := h.tryDial(config)
	require.Error(t, err)
	got := <-told
	assert.True(t, got.Failed)
	assert.True(t, got.Began)
	assert.True(t, got.Asked)
	assert.Equal(t, tenantHost, got.Host)

	require.NoError(t, h.dialRaw(t).Close())
	got = <-told
	assert.True(t, got.Failed)
	assert.False(t, got.Began, "a mere connection")
	assert.False(t, got.Asked)
	assert.Empty(t, got.Host)

	raw := h.dialRaw(t)
	_, err = raw.Write([]byte{22})
	require.NoError(t, err)
	require.NoError(t, raw.Close())
	assert.True(t, (<-told).Began, "with its first byte")

	c := h.dial(t, h.as(nil))
	got = <-told
	assert.Equal(t, c.LocalAddr().String(), got.Client)
	assert.False(t, got.Failed)
	assert.Zero(t, got.Result)
	assert.False(t, got.Remembered)
	assert.Zero(t, got.Verified, "nothing was presented")
}
