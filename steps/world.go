// Package steps is the Gherkin vocabulary: what a scenario can say about senders, the tenant, the
// load balancer, calls, and what became of them. One file a noun. Register adds it to any godog
// suite; every scenario gets a world of its own, with a landscape of its own.
//
// The steps hold no rules of the simulated system: they change the landscape, let senders call
// and compare what came out with what the scenario says.
package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cucumber/godog"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
)

// The names that every scenario begins with.
const (
	baseRoot    = "example-root"
	baseIssuing = "example-issuing"
	baseChannel = "/http/orders"
	defaultRole = "ESBMessaging.send"
)

// world is the state of one scenario.
type world struct {
	landscape simulator.Landscape
	sim       *simulator.Simulator
	actors    map[string]*actor
	calls     []*call
	opened    []*sender.Sender
	minted    int
	refusal   error // of a landscape document
	real      realSender
}

// actor is a sender of the scenario.
type actor struct {
	name        string
	certificate *pki.Certificate
	user        string // the user that its certificate is mapped to, if any
	from        *sender.Sender
}

// call is a call that was made, with what it left behind.
type call struct {
	actor   *actor
	outcome simulator.Outcome
	lines   []systemlog.NodeLine
	records []systemlog.NodeRecord
}

func newWorld() *world {
	off := false
	return &world{
		actors: map[string]*actor{},
		landscape: simulator.Landscape{
			PKI: []pki.Description{
				{Name: baseRoot, Subject: "CN=Example Root CA, O=Example, C=DE", CA: true},
				{Name: baseIssuing, Subject: "CN=Example Issuing CA, O=Example, C=DE", Issuer: baseRoot, CA: true},
			},
			LoadBalancer: simulator.LoadBalancer{Trust: []string{baseRoot}},
			Channels:     []simulator.Channel{{Address: baseChannel, CSRFProtected: &off}},
		},
	}
}

type worldKey struct{}

// Register adds the vocabulary to a scenario of a godog suite:
//
//	godog.TestSuite{ScenarioInitializer: steps.Register, …}
func Register(sc *godog.ScenarioContext) {
	w := newWorld()
	sc.Before(func(ctx context.Context, _ *godog.Scenario) (context.Context, error) {
		return context.WithValue(ctx, worldKey{}, w), nil
	})
	sc.After(func(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
		return ctx, w.close()
	})
	for _, d := range Vocabulary() {
		sc.Step(d.expr, d.bind(w))
	}
}

// start runs the landscape, once.
func (w *world) start(ctx context.Context) (*simulator.Simulator, error) {
	if w.sim != nil {
		return w.sim, nil
	}
	sim, err := simulator.Start(context.WithoutCancel(ctx), w.landscape, simulator.Options{})
	if err != nil {
		return nil, fmt.Errorf("the landscape of this scenario does not start: %w", err)
	}
	w.sim = sim
	return sim, nil
}

// before lets a step describe the landscape, which cannot be done once it runs.
func (w *world) before(change func(*simulator.Landscape)) error {
	if w.sim != nil {
		return errors.New("this step describes the landscape and must stand before the first sender")
	}
	change(&w.landscape)
	return nil
}

func (w *world) close() error {
	for _, s := range w.opened {
		_ = s.Close() // connections only; the load balancer ends them in any case
	}
	real := w.real.close()
	if w.sim == nil {
		return real
	}
	return errors.Join(real, w.sim.Close())
}

func (w *world) actor(name string) (*actor, error) {
	if a, ok := w.actors[name]; ok {
		return a, nil
	}
	return nil, fmt.Errorf("the scenario has no sender %q: a Given must name it first", name)
}

func (w *world) last() (*call, error) {
	if len(w.calls) == 0 {
		return nil, errors.New("no call was made yet: a When must stand before")
	}
	return w.calls[len(w.calls)-1], nil
}

// issuing is the CA below which the scenario's senders have their certificates.
func (w *world) issuing() *pki.Certificate {
	c, _ := w.sim.Certificates().Get(baseIssuing)
	return c
}

// options are those of certificates that steps mint.
func (w *world) options(more ...pki.Option) []pki.Option {
	return append([]pki.Option{pki.Clock(w.sim.Clock().Now)}, more...)
}

// name makes a name for a certificate that the scenario does not name.
func (w *world) name(base string) string {
	w.minted++
	return fmt.Sprintf("%s-%d", base, w.minted)
}

// differs is the error of a Then: what was expected, what was found, and the way of the call.
func (c *call) differs(expected, found string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "expected %s\n   found %s\n", expected, found)
	_ = journey.WriteText(&b, c.outcome.Journey)
	if c.outcome.Result.Err != nil {
		fmt.Fprintf(&b, "sender     %v\n", c.outcome.Result.Err)
	}
	for _, l := range c.lines {
		fmt.Fprintf(&b, "log %s %s\n", l.Node, journey.Printable(l.AccessLine.String()))
	}
	for _, r := range c.records {
		fmt.Fprintf(&b, "trace %s %s\n", r.Node, journey.Printable(r.TraceRecord.Text))
	}
	return errors.New(strings.TrimSpace(b.String()))
}
