package tenant_test

import (
	"testing"

	"example.com/gatehouse/simulator/tenant"
	"example.com/gatehouse/simulator/tenant/storetest"
)

func TestMemoryConformance(t *testing.T) {
	storetest.Run(t, func(storetest.TB) storetest.Open {
		m := tenant.NewMemory()
		return func() (tenant.Store, error) {
			m.Reopen()
			return m, nil
		}
	})
}
