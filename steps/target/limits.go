package target

import "time"

// Every wait for a remote target, in one place. The section limits of a target document changes
// those that depend on the tenant.
const (
	// DefaultLogLimit is how long the access log line of a call that was answered is waited for
	// (limits.log).
	DefaultLogLimit = 60 * time.Second
	// DefaultTraceLimit is how long trace records of a call are waited for once its line is there; a
	// call without records takes that long where a step asks for its trace (limits.trace).
	DefaultTraceLimit = 5 * time.Second
	// DefaultAbsenceLimit is how long nothing must come of a call before a step may say that the
	// access log has no line of it (limits.absence).
	DefaultAbsenceLimit = 5 * time.Second
	// DefaultChangeLimit is how long a change of the tenant may take to have an effect: a mapping, a
	// role, a deployment (limits.change).
	DefaultChangeLimit = 60 * time.Second
	// PollInterval is the pause between two looks at something that is waited for.
	PollInterval = 500 * time.Millisecond
	// ProbeLimit is how long finding out what a target can do may take.
	ProbeLimit = 30 * time.Second
	// RestoreLimit is how long putting back what one scenario changed may take, also after an
	// interrupt.
	RestoreLimit = 60 * time.Second
)
