package journey

import (
	"context"
	"fmt"
	"sync"
)

// DefaultKept is how many journeys a Log keeps when its Limit is 0.
const DefaultKept = 1000

// Log keeps the newest journeys of a landscape. The zero value is ready for use; it is safe for
// use by many goroutines.
type Log struct {
	// Limit is how many journeys are kept; the oldest are forgotten. Default: DefaultKept.
	Limit int

	mu      sync.Mutex
	kept    []Journey // a ring once it is full
	next    int       // where the next journey goes
	changed chan struct{}
}

// Add keeps a journey and wakes those who wait.
func (l *Log) Add(j Journey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.Limit
	if limit <= 0 {
		limit = DefaultKept
	}
	if len(l.kept) < limit {
		l.kept = append(l.kept, j)
	} else {
		l.kept[l.next] = j
		l.next = (l.next + 1) % limit
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// All returns what is kept, oldest first.
func (l *Log) All() []Journey {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all()
}

func (l *Log) all() []Journey {
	out := make([]Journey, 0, len(l.kept))
	out = append(out, l.kept[l.next:]...)
	return append(out, l.kept[:l.next]...)
}

// Wait returns the newest journey for which match holds, and waits for one if there is none
// yet. The record of a call may be kept a moment after its response was read. It ends with the
// context's error.
func (l *Log) Wait(ctx context.Context, match func(Journey) bool) (Journey, error) {
	for {
		l.mu.Lock()
		kept := l.all()
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		for i := len(kept) - 1; i >= 0; i-- {
			if match(kept[i]) {
				return kept[i], nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Journey{}, fmt.Errorf("waiting for the record of a call (%d kept): %w", len(kept), ctx.Err())
		}
	}
}

// Call matches the n-th call (from 1) of the connection that came from the client address; n 0
// matches a connection that ended before a request came.
func Call(client string, n int) func(Journey) bool {
	return func(j Journey) bool { return j.Client == client && j.Request == n }
}
