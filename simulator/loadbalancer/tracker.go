package loadbalancer

import (
	"context"
	"sync"
)

// phase is how far a connection has come.
type phase uint8

const (
	// The zero value is a connection whose handshake is under way.
	_ phase = iota
	// idle: no call is under way.
	idle
	// busy: from the first line of a handler until its answer is written.
	busy
)

// admission is the answer to a new connection.
type admission uint8

const (
	admitted admission = iota
	tooMany
	closing
)

// tracker knows every open connection, so that closing needs no polling and leaves nothing
// behind. The zero value is ready for use.
type tracker struct {
	mu   sync.Mutex
	open map[*wire]struct{}
	// closing is set once the load balancer ends; empty is closed when the last connection is gone.
	closing bool
	empty   chan struct{}
	// none is closed when no connection is open, once somebody waits for that.
	none chan struct{}
}

// drained returns a channel that is closed as soon as no connection is open.
func (t *tracker) drained() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.none == nil {
		t.none = make(chan struct{})
		if len(t.open) == 0 {
			close(t.none)
		}
	}
	return t.none
}

func (t *tracker) admit(w *wire, limit int) admission {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return closing
	}
	if len(t.open) >= limit {
		return tooMany
	}
	if t.open == nil {
		t.open = make(map[*wire]struct{})
	}
	t.open[w] = struct{}{}
	return admitted
}

// established notes that the handshake is done; false if the load balancer is closing.
func (t *tracker) established(w *wire, c *connection) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return false
	}
	w.phase, w.connection = idle, c
	return true
}

// begin notes that a call is under way; false if the load balancer is closing.
func (t *tracker) begin(w *wire) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return false
	}
	w.phase = busy
	return true
}

// end notes that the call's answer is written.
func (t *tracker) end(w *wire) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.phase = idle
}

func (t *tracker) remove(w *wire) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.open[w]; !ok {
		return
	}
	delete(t.open, w)
	if t.none != nil && len(t.open) == 0 {
		select {
		case <-t.none:
		default:
			close(t.none)
		}
	}
	if t.closing && len(t.open) == 0 {
		close(t.empty)
	}
}

func (t *tracker) isClosing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closing
}

// close lets nothing new begin and returns the connections without a call.
func (t *tracker) close() (quiet []*wire) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closing {
		t.closing = true
		t.empty = make(chan struct{})
		if len(t.open) == 0 {
			close(t.empty)
		}
	}
	for w := range t.open {
		if w.phase != busy {
			quiet = append(quiet, w)
		}
	}
	return quiet
}

// rest returns the connections that are still open.
func (t *tracker) rest() []*wire {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := make([]*wire, 0, len(t.open))
	for w := range t.open {
		rest = append(rest, w)
	}
	return rest
}

// wait waits until the last connection is gone; close must have been called.
func (t *tracker) wait(ctx context.Context) error {
	t.mu.Lock()
	empty := t.empty
	t.mu.Unlock()
	select {
	case <-empty:
		return nil
	default:
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
