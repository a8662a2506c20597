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

// Limits of a drain.
const (
	// acceptTail is how long connections are taken that the system had accepted already.
	acceptTail = 50 * time.Millisecond
	// drainIdle is how long a connection without a call may stay when the load balancer drains: long
	// enough for a sender to finish a handshake and send its request.
	drainIdle = 2 * time.Second
)

// Drain is Shutdown without the loss of a call: connections that wait to be accepted are, handshakes
// are finished, every request that comes is answered, and after each answer its connection ends.
// Connections on which nothing comes for two seconds are closed. The error is that of ctx if calls had
// to be cut, which are told so by their connection, without an answer.
//
// A sender that sends a request on a connection in the very moment in which that is closed gets no
// answer, and the request was not processed: HTTP/1.1 knows no way around that (RFC 9112, section
// 9.6). The same goes for one that connects in the moment in which the listener is closed.
func (lb *LoadBalancer) Drain(ctx context.Context) error {
	if !lb.draining.Swap(true) {
		// The error of a listener that is closed already shows in the loop.
		_ = lb.listener.SetDeadline(time.Now().Add(acceptTail))
		select {
		case <-lb.refused:
		case <-ctx.Done():
		}
		_ = lb.listener.Close()
		timer := time.NewTimer(drainIdle)
		defer timer.Stop()
		select {
		case <-lb.tracker.drained():
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return lb.Shutdown(ctx)
}

func (lb *LoadBalancer) end(ctx context.Context) error {
	quiet := lb.tracker.close()
	_ = lb.listener.Close()
	// From now on the HTTP server closes a connection after its answer.
	lb.server.SetKeepAlivesEnabled(false)
	for _, w := range quiet {
		if c := w.connection; c != nil {
			c.farewell()
		} else {
			_ = w.Close()
		}
	}
	interrupted := lb.tracker.wait(ctx)
	for _, w := range lb.tracker.rest() {
		// Without TLS's good-bye, which could block on a sender that does not read. Before the
		// calls are told to end: what they answer then must not look like a whole answer.
		_ = w.Close()
	}
	lb.cut()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), nodeGrace)
	defer cancel()
	if err := lb.tracker.wait(last); err != nil {
		_ = lb.server.Close()
		return fmt.Errorf("closing the load balancer: %d calls did not end %s after they were cut: a node does not heed its context",
			len(lb.tracker.rest()), nodeGrace)
	}
	_ = lb.server.Close()
	lb.loops.Wait()
	if interrupted != nil {
		return fmt.Errorf("closing the load balancer: calls under way were cut: %w", interrupted)
	}
	return nil
}
