package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

func TestLoopback(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"", "127.0.0.1:0", "127.8.9.1:8443", "[::1]:8443", "localhost:8443"} {
		assert.True(t, loopback(listen), listen)
	}
	for _, listen := range []string{":8443", "0.0.0.0:8443", "[::]:8443", "192.168.1.7:8443", "localhost.example:8443", "nonsense"} {
		assert.False(t, loopback(listen), listen)
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for listening, want := range map[string]string{
		"127.0.0.1:8443": "127.0.0.1", "0.0.0.0:8443": "127.0.0.1", "[::]:8443": "127.0.0.1",
		"[::1]:8443": "[::1]", "192.168.1.7:8443": "192.168.1.7",
	} {
		assert.Equal(t, want, reachable(listening), listening)
	}
}

func plain(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, show(&b, text))
	return b.String()
}

func TestCallLine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	accepted := journey.Verification{Presented: true, SenderSubject: "CN=warehouse"}
	letIn := journey.Journey{Started: at, Request: 1, Method: "GET", Path: "/http/orders", Status: 200, User: "WAREHOUSE",
		Verification: accepted, Stops: []journey.Stop{{Station: journey.Flow, Verdict: journey.Passed}}}
	assert.Equal(t, "2026-03-04T05:06:07Z  200  CN=warehouse  GET /http/orders  let in as WAREHOUSE\n", plain(t, callLine(letIn)))

	refused := letIn
	refused.Status, refused.User = 401, ""
	refused.Stops = []journey.Stop{
		{Station: journey.LoadBalancer, Verdict: journey.Withheld, Reason: journey.CertificateNotAccepted, Decided: "verify result 20"},
		{Station: journey.RuntimeNode, Verdict: journey.Refused, Reason: journey.NoIdentity, Decided: "nobody"},
	}
	assert.Regexp(t, `^2026-03-04T05:06:07Z  401  CN=warehouse  GET /http/orders  load balancer: verify result 20 \(certificate-not-accepted, LB-\d+\)\n$`, plain(t, callLine(refused)))

	nobody := journey.Journey{Started: at, Stops: []journey.Stop{{Station: journey.LoadBalancer, Verdict: journey.Refused, Reason: journey.NotTLS, Decided: "no TLS"}}}
	assert.Contains(t, plain(t, callLine(nobody)), "  ---  no certificate  no request  load balancer: no TLS (not-tls")
}

func TestCallLineShowsNothingThatACallerCouldForge(t *testing.T) {
	t.Parallel()
	hostile := "\x1b[2J\n2026-01-01T00:00:00Z  200  \u202e" + strings.Repeat("a", 5000)
	j := journey.Journey{Request: 1, Method: hostile, Path: hostile, User: hostile,
		Verification: journey.Verification{Presented: true, SenderSubject: hostile},
		Stops:        []journey.Stop{{Station: journey.Flow, Verdict: journey.Passed}}}
	line := plain(t, callLine(j))
	assert.Equal(t, 1, strings.Count(line, "\n"))
	assert.Equal(t, journey.Printable(strings.TrimSuffix(line, "\n")), strings.TrimSuffix(line, "\n"))
	assert.Contains(t, line, `\u001b[2J\u000a2026`)
	assert.Less(t, len(line), 4*(maxShown+64))
}

func TestFollowerPrintsEachCallOnce(t *testing.T) {
	t.Parallel()
	log := &journey.Log{Limit: 10}
	printed := make(chan string, 100)
	f := &follower{log: log, print: func(j journey.Journey) error { printed <- callLine(j); return nil }}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	add := func(i int) { log.Add(journey.Journey{ID: fmt.Sprint(i), Request: 1, Path: fmt.Sprintf("/n%d", i)}) }
	add(0)
	ended := make(chan error, 1)
	go func() { ended <- f.follow(ctx) }()
	for i := range 30 {
		if i > 0 {
			add(i)
		}
		select {
		case line := <-printed:
			assert.Contains(t, line, fmt.Sprintf("  /n%d  ", i))
		case <-time.After(10 * time.Second):
			require.Fail(t, "call was not printed", "%d", i)
		}
	}
	cancel()
	require.NoError(t, <-ended)
	add(30)
	require.NoError(t, f.flush(), "what came at the end is printed too")
	assert.Contains(t, <-printed, "/n30")
	assert.Equal(t, 31, f.count)
	assert.Empty(t, printed)

	f.print = func(journey.Journey) error { return errors.New("closed") }
	add(31)
	assert.EqualError(t, f.follow(t.Context()), "closed")
}
