package suite

import (
	"testing"
	"time"
)

// SetAbandonAfter shortens a wait for a test.
func SetAbandonAfter(t *testing.T, d time.Duration) {
	old := abandonAfter
	abandonAfter = d
	t.Cleanup(func() { abandonAfter = old })
}
