package loadbalancer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"example.com/gatehouse/simulator/journey"
)

// acceptLoop takes connections until the listener is closed. Each is shaken hands with in a
// goroutine of its own, so that a slow sender holds up nobody.
func (lb *LoadBalancer) acceptLoop() {
	defer close(lb.refused)
	var pause time.Duration
	for {
		raw, err := lb.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || lb.draining.Load() {
				return
			}
			// Out of file descriptors, or the like: wait for it to pass, as net/http does.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			lb.log.Error("the load balancer cannot accept a connection", "error", err, "pause", pause)
			select {
			case <-time.After(pause):
			case <-lb.finished.done: // the listener is closed as well
			}
			continue
		}
		pause = 0
		w := &wire{Conn: raw, id: fmt.Sprintf("%06x", lb.serial.Add(1)), started: lb.now(), accepted: time.Now()}
		switch lb.tracker.admit(w, lb.limits.Connections) {
		case admitted:
			go lb.shakeHands(w)
		case tooMany:
			lb.keepRefusal(w, refusal{
				reason:  journey.HandshakeFailed,
				decided: fmt.Sprintf("%d connections are open, the limit; this one was closed", lb.limits.Connections),
				fix:     "Close connections that are no longer needed, or send less in parallel",
			}, nil)
			_ = raw.Close()
		case closing:
			_ = raw.Close()
		}
	}
}

// shakeHands does the TLS handshake and hands the connection over to the HTTP server; one that
// fails is written down and closed.
func (lb *LoadBalancer) shakeHands(w *wire) {
	// The error of a deadline shows at the next read or write.
	_ = w.SetDeadline(time.Now().Add(lb.limits.HandshakeTimeout))
	secured := tls.Server(w, lb.outer)
	if err := secured.Handshake(); err != nil {
		why := lb.explain(w, secured, err)
		if !lb.tracker.isClosing() {
			lb.observe(w, secured, true, judgement{result: why.result})
			lb.keepRefusal(w, why, secured)
		}
		if why.alert != nil && why.alert.From == journey.LoadBalancerSide {
			w.linger()
		}
		_ = w.Close()
		lb.tracker.remove(w)
		return
	}
	_ = w.SetDeadline(time.Time{})
	w.records.done = true
	c := lb.newConnection(w, secured)
	lb.observe(w, secured, false, c.judged)
	if !lb.tracker.established(w, c) || !lb.finished.give(c) {
		_ = w.Close()
		lb.tracker.remove(w)
	}
}

// handover is the listener of the HTTP server: it gives out connections whose handshake is done.
type handover struct {
	address net.Addr
	ready   chan *connection
	done    chan struct{}
	once    sync.Once
}

func newHandover(address net.Addr) *handover {
	return &handover{address: address, ready: make(chan *connection), done: make(chan struct{})}
}

// give tells whether the connection was taken.
func (h *handover) give(c *connection) bool {
	select {
	case h.ready <- c:
		return true
	case <-h.done:
		return false
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.ready:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handover) Addr() net.Addr { return h.address }
