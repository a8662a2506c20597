package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
)

func newInit() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Writes a commented landscape.yaml to begin with",
		Long: `Writes a commented landscape.yaml into the folder (default: the current one), which works at once
with "gatehouse serve" and "gatehouse send". A file that is there already is left alone.`,
		Args: arguments(0, 1, ""),
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return initialize(cmd, dir, force)
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a landscape.yaml that is there already")
	return cmd
}

func initialize(cmd *cobra.Command, dir string, force bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return invocation("making the folder: %w", err)
	}
	file := filepath.Join(dir, defaultLandscape)
	err := writeFile(file, simulator.ExampleDocument(), force)
	switch {
	case errors.Is(err, fs.ErrExist):
		return invocation("%s is there already: choose another folder, or replace it with --force", file)
	case err != nil:
		return invocation("%w", err)
	}
	with := ""
	if dir != "." {
		with = " -f " + shellQuote(file)
	}
	return show(cmd.OutOrStdout(), "Wrote "+journey.Printable(file)+". Now\n\n"+rows(nil, [][]string{
		{"  gatehouse serve" + with, "runs the landscape"},
		{"  gatehouse send" + with + " warehouse", "lets one sender call, told station by station"},
		{"  gatehouse pki defects", "lists what can be broken about a certificate"},
	}))
}
