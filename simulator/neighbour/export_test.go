package neighbour

import "testing"

// What the tests outside of the package need of those inside.

// Recorded is a recorded chain with its answers.
type Recorded = recorded

// RecordedFolder holds the recorded chains.
var RecordedFolder = recordedFolder

// Recordings are all recorded chains.
func Recordings(t testing.TB) []Recorded { return recordings(t) }
