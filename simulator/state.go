package simulator

import (
	"context"
	"fmt"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/tenant"
)

// openTenant mints the certificates and opens the tenant: with what its store holds, or else as the
// document describes it.
func (s *Simulator) openTenant(ctx context.Context) error {
	l := s.landscape
	seed := func(kept map[string][]byte) (tenant.Config, map[string][]byte, error) {
		keep, err := s.mint(ctx, kept)
		if err != nil {
			return tenant.Config{}, nil, err
		}
		config, err := l.tenantConfig(s.set)
		return config, keep, err
	}
	var err error
	if s.tenant, err = tenant.OpenWith(ctx, s.store, seed, s.clock.Now); err != nil {
		return s.tenantProblems(err)
	}
	if !s.tenant.Restored() {
		return nil
	}
	want := l.Tenant.withDefaults()
	if have := s.tenant.Snapshot(); have.Account() != want.Account || have.Application() != want.Application() {
		return document.Problems{l.source.Problem("tenant.account", "the state is that of tenant %s (application %s), and this is %s (%s): name another state file, or the document that belongs to it",
			have.Account(), have.Application(), want.Account, want.Application())}
	}
	// How the simulator behaves is no state of the tenant: the document decides.
	if err := s.tenant.Configure(l.Tenant.MappingStore, l.Tenant.RoleCache); err != nil {
		return fmt.Errorf("configuring the tenant: %w", err)
	}
	return nil
}

// Restored tells whether the tenant began with the state in Options.Store, and not as the document
// describes it.
func (s *Simulator) Restored() bool { return s.tenant.Restored() }
