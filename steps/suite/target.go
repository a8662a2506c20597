package suite

import (
	"context"
	"errors"
	"fmt"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/sender"
)

// Target is what scenarios run against, as far as a suite must know it. Two more methods are used
// if there are any: Features() []string lists all names that Supports knows, and tags are checked
// against it; Secrets() []string lists what must not stand in any report.
type Target interface {
	// Name tells people which target it is. It holds no secret.
	Name() string
	// Supports tells whether the target can do what the tag "@needs-feature" asks for, and if not, why.
	Supports(feature string) (ok bool, reason string)
	// Sanity makes one good call, which must get in.
	Sanity(ctx context.Context) error
}

// SanityError says that the one good call did not get in: nothing was run.
type SanityError struct {
	Target string
	Err    error
}

func (e *SanityError) Error() string {
	return fmt.Sprintf("the target (%s) failed its sanity check, and no scenario was run: %v", e.Target, e.Err)
}

func (e *SanityError) Unwrap() error { return e.Err }

// embedded is the simulator in this process, with a landscape of its own for each scenario.
type embedded struct{}

func (embedded) Name() string { return "the embedded simulator" }

func (embedded) Supports(string) (bool, string) { return true, "" }

func (embedded) Sanity(ctx context.Context) error {
	sim, err := simulator.Start(ctx, simulator.Example(), simulator.Options{})
	if err != nil {
		return err
	}
	outcome, err := sim.Send(ctx, "warehouse", sender.Call{URL: "/http/orders"})
	if err == nil && !outcome.Journey.Succeeded() {
		err = fmt.Errorf("a good call was answered with HTTP %d", outcome.Result.Status)
	}
	return errors.Join(err, sim.Close())
}
