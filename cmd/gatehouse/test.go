package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/steps/suite"
)

type testOptions struct {
	config suite.Config
	list   bool
}

func newTest() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test [PATH…]",
		Short: "Runs suites: who gets in, who stays out, and whether the log says why",
		Long: `Runs the scenarios of feature files, of all those below a folder, or the one at FILE:LINE; without
a path, the built-in suite. The last line is "N passed, N failed, N skipped".

Nothing selected is an error (exit code 3), and so is a feature file that cannot be read (2).`,
		Example: `  gatehouse test --tags @LB-3
  gatehouse test our-suites --tags "@LB and not @slow"`,
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.config.Tags, "tags", "t", "", `run only scenarios with these tags, such as "@LB-3 or (@LB and not @slow)"; @LB is all of LB-1, LB-2…`)
	flags.IntVarP(&o.config.Concurrency, "concurrency", "c", runtime.GOMAXPROCS(0), "how many scenarios run at the same time (default: the number of cores)")
	flags.Lookup("concurrency").DefValue = "0" // the text tells; no machine's number in the help
	flags.BoolVarP(&o.config.Verbose, "verbose", "v", false, "print a line for scenarios that pass, too")
	flags.BoolVar(&o.list, "list", false, "list what would run, and run nothing")
	return cmd
}

func (o testOptions) run(cmd *cobra.Command, paths []string) error {
	if o.config.Concurrency < 1 {
		return invocation("--concurrency: found %d, expected 1 or more", o.config.Concurrency)
	}
	out := &checkedWriter{Writer: cmd.OutOrStdout()}
	o.config.Paths, o.config.Output = paths, out
	if o.list {
		return o.show(cmd)
	}
	report, err := suite.Run(cmd.Context(), o.config)
	switch {
	case err != nil && cmd.Context().Err() != nil:
		return unreachable("%w", err)
	case err != nil:
		return err
	case out.err != nil:
		// Whoever reads the output must not take half of it for the whole.
		return written(out.err)
	case !report.OK():
		return &failure{code: exitFailed}
	}
	return nil
}

func (o testOptions) show(cmd *cobra.Command) error {
	chosen, err := suite.Select(o.config)
	if err != nil {
		return err
	}
	cells := make([][]string, len(chosen))
	for i, s := range chosen {
		cells[i] = []string{s.ID(), strings.Join(s.Tags, " "), s.Name}
	}
	return show(cmd.OutOrStdout(), rows([]string{"SCENARIO", "TAGS", "NAME"}, cells)+fmt.Sprintf("\n%d scenarios\n", len(chosen)))
}
