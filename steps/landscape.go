package steps

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/steps/target"
)

var landscapeSteps = []Definition{
	step("landscape", `a tenant with (\d+) runtime nodes?`, `a tenant with 2 runtime nodes`, "How many runtime nodes the tenant has; one unless said.",
		func(w *world) any {
			return func(n int) error {
				return w.before(func(s *target.Setup) { s.Nodes = n })
			}
		}).needs(target.Nodes),
	step("landscape", `a tenant of the profile "([^"]*)"`, `a tenant of the profile "hcioem"`, "The application of the worker node.",
		func(w *world) any {
			return func(profile string) error {
				return w.before(func(s *target.Setup) { s.Profile = profile })
			}
		}).needs(target.Landscape),
	step("landscape", `a tenant that caches roles`, `a tenant that caches roles`, "The roles of a user who calls more than 20 times within 2 minutes are kept for 5 minutes, so that changes take effect late.",
		func(w *world) any {
			return func() error {
				return w.before(func(s *target.Setup) { s.RoleCache = true })
			}
		}).needs(target.Landscape),
	step("landscape", `it is "([^"]*)"`, `it is "2026-11-23T23:59:59Z"`, "The landscape's clock begins at this time.",
		func(w *world) any {
			return func(text string) error {
				at, err := time.Parse(time.RFC3339, text)
				if err != nil {
					return fmt.Errorf("found %q, expected a time such as 2026-11-23T09:00:00Z", text)
				}
				return w.before(func(s *target.Setup) { s.Clock = at })
			}
		}).needs(target.Clock),
	step("landscape", `(\d+) (seconds?|minutes?|hours?|days?) pass(?:es)?`, `400 days pass`, "The landscape's clock moves on.",
		func(w *world) any {
			return func(ctx context.Context, n int, unit string) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				return s.Advance(ctx, time.Duration(n)*units[strings.TrimSuffix(unit, "s")])
			}
		}).needs(target.Clock),
	step("landscape", `a custom domain "([^"]*)" in mode "([^"]*)"`, `a custom domain "orders.example" in mode "require"`, "The load balancer has a custom domain, whose bundle holds the CA of the scenario's senders.",
		func(w *world) any {
			return func(host, mode string) error {
				return w.before(func(s *target.Setup) { s.Domains = append(s.Domains, target.Domain{Host: host, Mode: mode}) })
			}
		}).needs(target.Domains),
	step("landscape", `a custom domain "([^"]*)" in mode "([^"]*)" with another CA bundle`, `a custom domain "orders.example" in mode "request" with another CA bundle`, "Its bundle does not hold the CA of the scenario's senders.",
		func(w *world) any {
			return func(host, mode string) error {
				return w.before(func(s *target.Setup) {
					s.Domains = append(s.Domains, target.Domain{Host: host, Mode: mode, OtherBundle: true})
				})
			}
		}).needs(target.Domains),
	step("landscape", `the load balancer reports the (first|last) error`, `the load balancer reports the last error`, "Which of several errors is the verify result.",
		func(w *world) any {
			return func(which string) error {
				return w.before(func(s *target.Setup) { s.Report = which })
			}
		}).needs(target.Landscape),
	step("landscape", `the load balancer waits (\d+) milliseconds? for (a handshake|a header|a stalled body|a call)`, `the load balancer waits 200 milliseconds for a stalled body`, "One of the load balancer's limits.",
		func(w *world) any {
			return func(ms int, what string) error {
				d := time.Duration(ms) * time.Millisecond
				return w.before(func(s *target.Setup) {
					*map[string]*time.Duration{"a handshake": &s.Limits.Handshake, "a header": &s.Limits.Header, "a stalled body": &s.Limits.BodyStall, "a call": &s.Limits.Call}[what] = d
				})
			}
		}).needs(target.Limits),
	step("landscape", `the load balancer does not trust the CA of the senders`, `the load balancer does not trust the CA of the senders`, "The CA is not on the list, or left it.",
		func(w *world) any {
			return func(ctx context.Context) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				return s.Distrust(ctx)
			}
		}).needs(target.CustomTrust),
	step("landscape", `runtime node (\d+) is (down|up)`, `runtime node 2 is down`, "A runtime node takes calls, or does not.",
		func(w *world) any {
			return func(ctx context.Context, n int, state string) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				return s.SetNodeUp(ctx, n, state == "up")
			}
		}).needs(target.Nodes),
	step("landscape", `a landscape:`, `a landscape:`, "A landscape document, in place of the scenario's own. Steps may look at its faults, or go on with senders; the CA of the scenario's senders is added and trusted.",
		func(w *world) any { return w.readLandscape }).needs(target.Landscape),
	step("landscape", `the landscape of the file "([^"]*)"`, `the landscape of the file "landscape.yaml"`, "The same, from a file beside the feature file.",
		func(w *world) any { return w.readLandscapeFile }).needs(target.Landscape),
	step("landscape", `the landscape is refused with "([^"]*)"`, `the landscape is refused with "channels[1].address"`, "The landscape document has a problem whose text contains this.",
		func(w *world) any { return w.landscapeIsRefused }).needs(target.Landscape),
	step("landscape", `the landscape is accepted`, `the landscape is accepted`, "The landscape document has no problem.",
		func(w *world) any {
			return func() error {
				if w.setup.Landscape == nil && w.refusal == nil {
					return errNoLandscape
				}
				return w.refusal
			}
		}).needs(target.Landscape),
}

var units = map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

var errNoLandscape = errors.New("the scenario gives no landscape document: the step \"a landscape:\" must stand before")

// readLandscape takes a document in place of the scenario's landscape.
func (w *world) readLandscape(doc *godog.DocString) error {
	l, err := simulator.Read("landscape.yaml", []byte(doc.Content))
	w.refusal = err
	return w.before(func(s *target.Setup) {
		s.Landscape = nil
		if err == nil {
			s.Landscape = &l
		}
	})
}

// readLandscapeFile takes a document beside the feature file in place of the scenario's landscape.
func (w *world) readLandscapeFile(name string) error {
	file := filepath.FromSlash(path.Join(w.folder, filepath.ToSlash(name)))
	if filepath.IsAbs(name) {
		file = name
	}
	l, err := simulator.ReadFile(file)
	w.refusal = err
	return w.before(func(s *target.Setup) {
		s.Landscape = nil
		if err == nil {
			s.Landscape = &l
		}
	})
}

func (w *world) landscapeIsRefused(want string) error {
	if w.refusal == nil {
		if w.setup.Landscape == nil {
			return errNoLandscape
		}
		return errors.New("expected a refusal, found a landscape without problems")
	}
	return refusal(w.refusal, want)
}
