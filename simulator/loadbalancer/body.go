package loadbalancer

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// BodyError is why a request body could not be read to its end in time. It is an
// os.ErrDeadlineExceeded: a node recognises it by errors.Is without knowing this package.
type BodyError struct {
	// Stalled tells that the body paused too long; else the call as a whole took too long.
	Stalled bool
	// Limit is the limit that was reached.
	Limit time.Duration
}

func (e *BodyError) Error() string {
	if e.Stalled {
		return fmt.Sprintf("the request body paused for more than %s", e.Limit)
	}
	return "the call reached its time limit while its body was read"
}

// Is makes errors.Is(err, os.ErrDeadlineExceeded) hold.
func (e *BodyError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// Timeout marks the error as a timeout, as of net.Error.
func (e *BodyError) Timeout() bool { return true }

// body gives every read of a request body its own deadline.
//
// The deadline is set before a read and never after: at the end of a body net/http begins to
// read in the background, to notice senders that go away, and takes the deadline off for it.
type body struct {
	from  io.ReadCloser
	c     *connection
	stall time.Duration
	end   time.Time
	// waits tells that the sender waits for "100 Continue" before it sends the body.
	waits bool

	mu   sync.Mutex
	done error
}

// guardBody returns nil for a request without a body.
func guardBody(r *http.Request, c *connection, stall time.Duration, end time.Time) *body {
	if r.ContentLength == 0 {
		return nil
	}
	waits := strings.EqualFold(r.Header.Get("Expect"), "100-continue")
	return &body{from: r.Body, c: c, stall: stall, end: end, waits: waits}
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done != nil {
		return 0, b.done
	}
	deadline := time.Now().Add(b.stall)
	stalled := deadline.Before(b.end)
	if !stalled {
		deadline = b.end
	}
	if err := b.c.SetReadDeadline(deadline); err != nil {
		b.done = fmt.Errorf("reading the request body: %w", err)
		return 0, b.done
	}
	n, err := b.from.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = &BodyError{Stalled: stalled, Limit: b.stall}
	}
	b.done = err
	return n, err
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// Close leaves the rest of the body to net/http.
func (b *body) Close() error { return nil }

// release bounds what net/http does with the rest of a body: before it writes the header of the
// answer and after the call it reads on for a while, so that the connection can be used again.
func (b *body) release() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.done == io.EOF:
	case b.done != nil, b.waits:
		// What stalled once is not waited for again; and a sender that waits to be told to go on,
		// and was not, sends no body: what comes from it would be its next request.
		_ = b.c.SetReadDeadline(longAgo)
	default:
		_ = b.c.SetReadDeadline(time.Now().Add(b.stall))
	}
}
