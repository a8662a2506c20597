// Package steps is the Gherkin vocabulary: what a scenario can say about senders, the tenant, the
// load balancer, calls, and what became of them. One file a noun. Register adds it to any godog
// suite and gives every scenario a landscape of its own; RegisterOn lets the scenarios run against
// a target of one's choice (package target).
//
// The steps hold no rules of the simulated system: they change what the scenario needs, let
// senders call and compare what came out with what the scenario says.
package steps

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/cucumber/godog"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/target"
)

// world is the state of one scenario.
type world struct {
	target  target.Target
	setup   target.Setup
	session target.Session
	actors  map[string]*actor
	calls   []*call
	opened  []*sender.Sender
	minted  int
	refusal error  // of a landscape document
	folder  string // that of the feature file, with slashes
	real    realSender
}

// actor is a sender of the scenario.
type actor struct {
	name        string
	certificate *pki.Certificate // nil without one, and for a declared key pair
	keystore    sender.Keystore
	former      []byte // the certificate before a renewal
	user        string // the user that its certificate is mapped to, if any
	from        *sender.Sender
}

// call is a call that was made, with what it left behind.
type call struct {
	*target.Call
	actor *actor
}

type worldKey struct{}

// Register adds the vocabulary to a scenario of a godog suite; it runs against the embedded
// simulator:
//
//	godog.TestSuite{ScenarioInitializer: steps.Register, …}
func Register(sc *godog.ScenarioContext) { RegisterOn(target.Embedded(simulator.Options{}))(sc) }

// RegisterOn is Register for a target. A scenario that carries the tag @needs-<feature> of a feature
// that the target lacks ends with a *target.UnsupportedError before its first step.
func RegisterOn(t target.Target) func(*godog.ScenarioContext) {
	return func(sc *godog.ScenarioContext) {
		w := &world{target: t, actors: map[string]*actor{}}
		sc.Before(func(ctx context.Context, s *godog.Scenario) (context.Context, error) {
			ctx = context.WithValue(ctx, worldKey{}, w)
			w.folder = path.Dir(s.Uri)
			for _, tag := range s.Tags {
				feature, needs := strings.CutPrefix(tag.Name, "@"+target.TagPrefix)
				if !needs {
					continue
				}
				if ok, reason := t.Supports(feature); !ok {
					return ctx, &target.UnsupportedError{Feature: feature, Reason: reason}
				}
			}
			return ctx, nil
		})
		sc.After(func(ctx context.Context, _ *godog.Scenario, _ error) (context.Context, error) {
			return ctx, w.close(ctx)
		})
		for _, d := range Vocabulary() {
			sc.Step(d.expr, d.bind(w))
		}
	}
}

// start begins the session, once.
func (w *world) start(ctx context.Context) (target.Session, error) {
	if w.session != nil {
		return w.session, nil
	}
	if w.refusal != nil {
		return nil, fmt.Errorf("the landscape of this scenario is refused: %w", w.refusal)
	}
	session, err := w.target.Open(ctx, w.setup)
	if err != nil {
		return nil, err
	}
	w.session = session
	return session, nil
}

// before lets a step describe the landscape, which cannot be done once it runs.
func (w *world) before(change func(*target.Setup)) error {
	if w.session != nil {
		return errors.New("this step describes the landscape and must stand before the first sender")
	}
	change(&w.setup)
	return nil
}

// close ends the session, also after an interrupt: what was changed is put back all the same. What
// the calls left behind becomes evidence only now, since steps may still have looked for more of it.
func (w *world) close(ctx context.Context) error {
	for _, c := range w.calls {
		evidence.Record(ctx, c.evidence())
	}
	real := w.real.close()
	for _, s := range w.opened {
		_ = s.Close() // connections only
	}
	if w.session == nil {
		return real
	}
	return errors.Join(real, w.session.Close(context.WithoutCancel(ctx)))
}

func (w *world) actor(name string) (*actor, error) {
	if a, ok := w.actors[name]; ok {
		return a, nil
	}
	return nil, fmt.Errorf("the scenario has no sender %q: a Given must name it first", name)
}

// holder is an actor that has a certificate.
func (w *world) holder(name string) (*actor, error) {
	a, err := w.actor(name)
	if err == nil && len(a.keystore.Certificate) == 0 {
		err = fmt.Errorf("the sender %q has no certificate", name)
	}
	return a, err
}

// mintedActor is an actor of whose certificate twins can be made.
func (w *world) mintedActor(a *actor) (*pki.Certificate, error) {
	switch {
	case a.certificate != nil:
		return a.certificate, nil
	case len(a.keystore.Certificate) == 0:
		return nil, fmt.Errorf("the sender %q has no certificate", a.name)
	}
	return nil, &target.UnsupportedError{Feature: target.MintTrusted, Reason: fmt.Sprintf("%q has a key pair that the target's document declares, and no twin of it can be minted", a.name)}
}

// last is the newest call with what the features let one see of it.
func (w *world) last(ctx context.Context, features ...string) (*call, error) {
	if len(w.calls) == 0 {
		return nil, errors.New("no call was made yet: a When must stand before")
	}
	c := w.calls[len(w.calls)-1]
	return c, w.observe(ctx, c, features...)
}

func (w *world) observe(ctx context.Context, c *call, features ...string) error {
	for _, f := range features {
		if err := w.session.Observe(ctx, c.Call, f); err != nil {
			return err
		}
	}
	return nil
}

// options are those of certificates that steps mint.
func (w *world) options(more ...pki.Option) []pki.Option {
	return append([]pki.Option{pki.Clock(w.session.Now)}, more...)
}

// name makes a name for a certificate that the scenario does not name.
func (w *world) name(base string) string {
	w.minted++
	return fmt.Sprintf("%s-%d", base, w.minted)
}

// evidence is the call as reports show it.
func (c *call) evidence() evidence.Call {
	e := evidence.Call{Journey: c.Journey, Certificates: evidence.OfDER(c.Result.Sent...)}
	if c.actor != nil {
		e.Sender = c.actor.name
	}
	switch {
	case c.Result.Err != nil:
		e.Saw = c.Result.Err.Error()
	case c.Result.Status != 0:
		e.Saw = fmt.Sprintf("HTTP %d", c.Result.Status)
	}
	for _, l := range c.Lines {
		e.AccessLines = append(e.AccessLines, l.AccessLine.String())
	}
	for _, r := range c.Records {
		e.TraceRecords = append(e.TraceRecords, r.TraceRecord.String())
	}
	return e
}

// differs is the error of a Then: what was expected, what was found, and the way of the call.
func (c *call) differs(expected, found string) error {
	var b strings.Builder
	_ = journey.WriteText(&b, c.Journey)
	if c.Result.Err != nil {
		fmt.Fprintf(&b, "sender     %v\n", c.Result.Err)
	}
	for _, l := range c.Lines {
		fmt.Fprintf(&b, "log %s %s\n", l.Node, journey.Printable(l.AccessLine.String()))
	}
	for _, r := range c.Records {
		fmt.Fprintf(&b, "trace %s %s\n", r.Node, journey.Printable(r.TraceRecord.Text))
	}
	return &evidence.Mismatch{Expected: expected, Found: found, More: strings.TrimSpace(b.String())}
}

// mismatch is the error of a Then that is not about one call.
func mismatch(expected, found string) error {
	return &evidence.Mismatch{Expected: expected, Found: found}
}
