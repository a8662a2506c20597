package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/simulator"
)

var landscapeSteps = []Definition{
	step("landscape", `a tenant with (\d+) runtime nodes?`, `a tenant with 2 runtime nodes`, "How many runtime nodes the tenant has; one unless said.",
		func(w *world) any {
			return func(n int) error {
				return w.before(func(l *simulator.Landscape) { l.Tenant.Nodes = n })
			}
		}),
	step("landscape", `a tenant of the profile "([^"]*)"`, `a tenant of the profile "hcioem"`, "The application of the worker node.",
		func(w *world) any {
			return func(profile string) error {
				return w.before(func(l *simulator.Landscape) { l.Tenant.Profile = profile })
			}
		}),
	step("landscape", `it is "([^"]*)"`, `it is "2026-11-23T23:59:59Z"`, "The landscape's clock begins at this time.",
		func(w *world) any {
			return func(text string) error {
				at, err := time.Parse(time.RFC3339, text)
				if err != nil {
					return fmt.Errorf("found %q, expected a time such as 2026-11-23T09:00:00Z", text)
				}
				return w.before(func(l *simulator.Landscape) { l.Clock = at })
			}
		}),
	step("landscape", `(\d+) (seconds?|minutes?|hours?|days?) pass(?:es)?`, `400 days pass`, "The landscape's clock moves on.",
		func(w *world) any {
			return func(ctx context.Context, n int, unit string) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				sim.Clock().Advance(time.Duration(n) * units[strings.TrimSuffix(unit, "s")])
				return nil
			}
		}),
	step("landscape", `a custom domain "([^"]*)" in mode "([^"]*)"`, `a custom domain "orders.example" in mode "require"`, "The load balancer has a custom domain, whose bundle holds the CA of the scenario's senders.",
		func(w *world) any {
			return func(host, mode string) error {
				return w.before(func(l *simulator.Landscape) {
					l.LoadBalancer.Domains = append(l.LoadBalancer.Domains, simulator.Domain{Host: host, Mode: mode, Trust: []string{baseRoot}})
				})
			}
		}),
	step("landscape", `a custom domain "([^"]*)" in mode "([^"]*)" with another CA bundle`, `a custom domain "orders.example" in mode "request" with another CA bundle`, "Its bundle does not hold the CA of the scenario's senders.",
		func(w *world) any {
			return func(host, mode string) error {
				return w.before(func(l *simulator.Landscape) {
					l.PKI = append(l.PKI, otherRoot)
					l.LoadBalancer.Domains = append(l.LoadBalancer.Domains, simulator.Domain{Host: host, Mode: mode, Trust: []string{otherRoot.Name}})
				})
			}
		}),
	step("landscape", `the load balancer reports the (first|last) error`, `the load balancer reports the last error`, "Which of several errors is the verify result.",
		func(w *world) any {
			return func(which string) error {
				return w.before(func(l *simulator.Landscape) { l.LoadBalancer.Verification.Report = which })
			}
		}),
	step("landscape", `the load balancer waits (\d+) milliseconds? for (a handshake|a header|a stalled body|a call)`, `the load balancer waits 200 milliseconds for a stalled body`, "One of the load balancer's limits.",
		func(w *world) any {
			return func(ms int, what string) error {
				d := time.Duration(ms) * time.Millisecond
				return w.before(func(l *simulator.Landscape) {
					limits := &l.LoadBalancer.Limits
					*map[string]*time.Duration{"a handshake": &limits.Handshake, "a header": &limits.Header, "a stalled body": &limits.BodyStall, "a call": &limits.Call}[what] = d
				})
			}
		}),
	step("landscape", `the load balancer does not trust the CA of the senders`, `the load balancer does not trust the CA of the senders`, "The CA is not on the list, or left it.",
		func(w *world) any {
			return func(ctx context.Context) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				if err := mintInto(w, otherRoot.Name); err != nil {
					return err
				}
				return sim.SetTrust(sim.Host(), otherRoot.Name)
			}
		}),
	step("landscape", `runtime node (\d+) is (down|up)`, `runtime node 2 is down`, "A runtime node takes calls, or does not.",
		func(w *world) any {
			return func(ctx context.Context, n int, state string) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				if n < 1 || n > len(sim.Nodes()) {
					return fmt.Errorf("there is no runtime node %d: the tenant has %d", n, len(sim.Nodes()))
				}
				sim.Nodes()[n-1].SetUp(state == "up")
				return nil
			}
		}),
	step("landscape", `a landscape:`, `a landscape:`, "A landscape document, in place of the scenario's own; its faults are the result.",
		func(w *world) any { return w.readLandscape }),
}

var units = map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
