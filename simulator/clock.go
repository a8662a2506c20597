package simulator

import (
	"sync"
	"time"
)

// Clock is the time of a landscape. It runs as fast as real time and can be moved, so that expiry
// can be tested. The zero value shows the machine's time; it is safe for use by many goroutines.
type Clock struct {
	mu     sync.RWMutex
	offset time.Duration
}

// Now is the landscape's time.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return time.Now().Add(c.offset)
}

// Set moves the clock to a time, forwards or backwards; it runs on from there.
func (c *Clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = time.Until(to)
}

// Advance moves the clock by a duration.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += by
}
