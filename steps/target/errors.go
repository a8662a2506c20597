package target

import "fmt"

// UnsupportedError says that a target cannot do what a scenario needs. The scenario is then "not
// supported": neither passed nor failed, and the run is partial at best.
type UnsupportedError struct {
	// Feature is the name of what the target lacks, such as "clock" or "trace".
	Feature string
	// Reason says why it lacks it, for the report.
	Reason string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the target does not support %q: %s", e.Feature, e.Reason)
}

// FaultError says that the harness, or the way to the target, failed. The scenario has the result
// "error": nothing is proved about the target.
type FaultError struct {
	// Doing is what was being done, such as "reading the access log".
	Doing string
	Err   error
}

func (e *FaultError) Error() string { return e.Doing + ": " + e.Err.Error() }

func (e *FaultError) Unwrap() error { return e.Err }
