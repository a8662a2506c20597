package suite

import (
	"context"
	"fmt"
)

// Target is what scenarios run against, as far as a suite must know it; those of package target are
// such targets. Two more methods are used if there are any: Features() []string lists all names that
// Supports knows, against which tags are checked in place of those of package target; Secrets()
// []string lists what must not stand in any report.
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
