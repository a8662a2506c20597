package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/tenant/sqlite"
)

func stateFlag(cmd *cobra.Command, file *string, usage string) {
	cmd.Flags().StringVar(file, "state", "", usage)
	_ = cmd.MarkFlagFilename("state")
}

// openState opens a state file for a landscape that runs.
func openState(ctx context.Context, file string) (*sqlite.Store, error) {
	store, err := sqlite.Open(ctx, file)
	return store, stateError(err)
}

// stateError gives an error of a state file its exit code: a file that is none, or a damaged or newer
// one, is a wrong document.
func stateError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sqlite.ErrNotState), errors.Is(err, sqlite.ErrNewer), errors.Is(err, sqlite.ErrDamaged):
		return &failure{exitDocument, fmt.Errorf("--state: %w", err)}
	case errors.Is(err, sqlite.ErrInUse):
		return unreachable("--state: %w", err)
	case errors.Is(err, sqlite.ErrUnusable):
		return invocation("--state: %w", err)
	}
	return err
}

// stateLine says of a landscape what its tenant began with.
func stateLine(file string, sim *simulator.Simulator) string {
	if !sim.Restored() {
		return fmt.Sprintf("%s (new; it begins as the document says)", file)
	}
	s := sim.Tenant().Snapshot()
	return fmt.Sprintf("%s (%d mappings, %d channels; it takes the place of what the document says of mappings, users, roles and channels)",
		file, s.MappingCount(), len(s.Channels()))
}

// present is the landscape with the channels that are deployed now.
func present(l simulator.Landscape, sim *simulator.Simulator) simulator.Landscape {
	if sim.Restored() {
		l.Channels = nil
		for _, c := range sim.Tenant().Snapshot().Channels() {
			l.Channels = append(l.Channels, simulator.Channel{Address: c.Address})
		}
	}
	return l
}
