package sqlite

import (
	"path/filepath"
	"testing"

	"example.com/gatehouse/simulator/tenant"
	"example.com/gatehouse/simulator/tenant/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t storetest.TB) storetest.Open {
		path := filepath.Join(t.TempDir(), "state")
		return func() (tenant.Store, error) { return Open(t.Context(), path) }
	})
}
