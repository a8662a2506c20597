package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// closeGrace is how long Close lets calls that are under way go on.
	closeGrace = 250 * time.Millisecond
	// nodeGrace is how long a node may take to return after its call was cut.
	nodeGrace = 5 * time.Second
)

// Close ends the load balancer: nothing new begins, connections without a call are closed at
// once, and calls under way may go on for a quarter of a second before they are cut. All
// goroutines have ended when it returns, unless a node does not return from a call that was cut
// for five seconds, which is an error. Closing again is no error.
func (lb *LoadBalancer) Close() error {
	lb.release()
	return lb.endSoon()
}

// endSoon is Close, also for the end of Start's context.
func (lb *LoadBalancer) endSoon() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	if err := lb.end(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// Shutdown is Close with a time of one's own for the calls that are under way: until ctx ends.
// The error is that of ctx if calls had to be cut.
func (lb *LoadBalancer) Shutdown(ctx context.Context) error {
	lb.release()
	return lb.end(ctx)
}

func (lb *LoadBalancer) end(ctx context.Context) error {
	quiet, first := lb.tracker.close()
	if first {
		_ = lb.listener.Close()
		// From now on the HTTP server closes a connection after its answer.
		lb.server.SetKeepAlivesEnabled(false)
	}
	for _, w := range quiet {
		if c := w.connection; c != nil {
			c.farewell()
		} else {
			_ = w.Close()
		}
	}
	interrupted := lb.tracker.wait(ctx)
	if interrupted != nil {
		for _, w := range lb.tracker.rest() {
			// Without TLS's good-bye, which could block on a sender that does not read. Before the
			// calls are told to end: what they answer then must not look like a whole answer.
			_ = w.Close()
		}
	}
	lb.cut()
	if interrupted != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), nodeGrace)
		defer cancel()
		if err := lb.tracker.wait(last); err != nil {
			_ = lb.server.Close()
			return fmt.Errorf("closing the load balancer: %d calls did not end %s after they were cut: a node does not heed its context",
				len(lb.tracker.rest()), nodeGrace)
		}
	}
	_ = lb.server.Close()
	lb.loops.Wait()
	if interrupted != nil {
		return fmt.Errorf("closing the load balancer: calls under way were cut: %w", interrupted)
	}
	return nil
}
