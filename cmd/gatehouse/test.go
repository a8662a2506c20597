package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8/cwriter"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/suite/result"
	"example.com/gatehouse/steps/target"
)

type testOptions struct {
	config       suite.Config
	list         bool
	output       format
	order        string
	shard        string
	rerun        string
	durations    string
	expected     string
	evidence     string
	target       string
	reports      []string
	allowPartial bool
}

func newTest() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test [PATH…]",
		Short: "Runs suites: who gets in, who stays out, and whether the log says why",
		Long: `Runs the scenarios of feature files, of all those below a folder, or the one at FILE:LINE (a row of
examples too); without a path, the built-in suite. The last line is "N passed, N failed, N skipped",
with whatever else there was behind it:

  failed         the target is wrong
  error          the feature, the harness or the way to the target is wrong: nothing is proved
  not supported  the target cannot do what the scenario needs
  skipped        not run; the reason stands beside it

One good call is made first: if it does not get in, nothing is run and the result is an error.
Nothing selected is an error (exit code 3), and so is a feature file that cannot be read (2). A run
in which something was not run is partial: exit code 1, unless --allow-partial is given. Errors end
with 2 (a step that nothing understands), 4 (the way to the target) or 5 (a fault in gatehouse).

Reports are written when the run ends, also after Ctrl-C: ` + formatNames() + `.
Pipelines to copy are in docs/pipelines.md.`,
		Example: `  gatehouse test --tags @LB-3
  gatehouse test our-suites --tags "@LB and not @slow" --report html=report.html
  gatehouse test our-suites/orders.feature:12 --verbose
  gatehouse test --shard 2/5 --durations last.json --report json=part-2.json
  gatehouse test --rerun last.json
  gatehouse test --target tenant.yaml --allow-partial`,
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.config.Tags, "tags", "t", "", `run only scenarios with these tags, such as "@LB-3 or (@LB and not @slow)"; @LB is all of LB-1, LB-2…`)
	flags.StringArrayVarP(&o.config.Names, "name", "n", nil, "run only scenarios whose name matches this regular expression, in whatever case; repeatable: one must match")
	flags.StringVar(&o.target, "target", "", "run against a running gatehouse serve or a real tenant, which this `FILE` describes (default: the embedded simulator)")
	flags.StringVar(&o.rerun, "rerun", "", "run only what did not come out as it should in this report (JSON `FILE`)")
	flags.StringVar(&o.expected, "expected-failures", "", "`FILE` with the failures that are known, with reasons (YAML); one that passes turns the run red")
	flags.StringVar(&o.shard, "shard", "", "run one `PART` of the scenarios, such as 2/5; auto takes it from the CI system or the Kubernetes indexed Job")
	flags.StringVar(&o.durations, "durations", "", "balance the shards by the durations in this report (JSON `FILE`); all shards need the same")
	flags.StringVar(&o.order, "order", "defined", "`ORDER` in which scenarios begin: defined, random, or random:SEED for the same order again")
	flags.BoolVar(&o.config.FailFast, "fail-fast", false, "begin no more scenarios once one came out as it should not")
	flags.IntVarP(&o.config.Concurrency, "concurrency", "c", runtime.GOMAXPROCS(0), "how many scenarios run at the same time (default: the number of cores)")
	flags.Lookup("concurrency").DefValue = "0" // the text tells; no machine's number in the help
	flags.DurationVar(&o.config.StepTimeout, "step-timeout", suite.DefaultStepTimeout, "how long one step may take; one that takes longer is an error that says where it hung")
	reportFlag(cmd, &o.reports)
	flags.StringVar(&o.evidence, "evidence", "failed", "keep calls, log lines and certificates in reports of `WHICH` scenarios: failed (all that did not pass) or all")
	flags.BoolVar(&o.allowPartial, "allow-partial", false, "end with exit code 0 though something was skipped, pending or not supported")
	flags.BoolVarP(&o.config.Verbose, "verbose", "v", false, "print a line for scenarios that pass, too")
	flags.BoolVar(&o.list, "list", false, "list what would run, and run nothing")
	outputFlag(cmd, &o.output)
	return cmd
}

func (o testOptions) run(cmd *cobra.Command, paths []string) error {
	reports, err := o.prepare(paths)
	if err != nil {
		return err
	}
	if o.list {
		return o.show(cmd)
	}
	if err := o.aim(cmd.Context()); err != nil {
		return err
	}
	reports.check(cmd.ErrOrStderr())
	// Whoever reads the output may stop ("gatehouse test | head"): the reports are written all the same.
	signal.Ignore(syscall.SIGPIPE)

	live := newProgress(cmd, o.output, "scenarios")
	out := &checkedWriter{Writer: &besideBar{Writer: cmd.OutOrStdout(), bar: live}}
	if o.output == textFormat {
		o.config.Output = &colorprofile.Writer{Forward: out, Profile: profile(cmd.OutOrStdout())}
		o.config.Style = style
	}
	o.config.Progress = live.update
	ran, err := suite.Run(cmd.Context(), o.config)
	live.end()
	defer func() { _ = ran.Close() }() // a temporary file
	if err != nil && ran.Schema == "" {
		return err // nothing was run
	}
	if o.output == jsonFormat {
		if err := ran.WriteJSON(&printableWriter{Writer: out}); err != nil {
			return written(err)
		}
	}
	failed := reports.write(cmd.ErrOrStderr(), &ran)
	return o.verdict(cmd, &ran, err, out.err, failed)
}

// aim opens the target. A scenario is run again against the same.
func (o *testOptions) aim(ctx context.Context) error {
	if o.target == "" {
		return nil
	}
	described, err := target.ReadDocument(o.target)
	if err != nil {
		return err
	}
	remote, err := target.Remote(ctx, described)
	if fault := (*target.FaultError)(nil); errors.As(err, &fault) {
		return unreachable("--target %s: %w", o.target, err)
	}
	if err != nil {
		return &failure{exitDocument, fmt.Errorf("%s: %w", o.target, err)}
	}
	o.config.Target, o.config.Secrets = remote, described.Secrets()
	o.config.Finish = func(ctx context.Context) []string {
		if err := remote.Close(ctx); err != nil {
			return []string{err.Error()}
		}
		return nil
	}
	o.config.Again = func(s suite.Scenario) string {
		return "gatehouse test --target " + suite.Quote(o.target) + " " + suite.Quote(s.ID())
	}
	return nil
}

// verdict finds the exit code. That a test failed is more important than that a report could not be
// written: that was told already.
func (o testOptions) verdict(cmd *cobra.Command, ran *result.Report, err, output, reports error) error {
	insane := (*suite.SanityError)(nil)
	switch {
	case err != nil && cmd.Context().Err() != nil:
		return unreachable("%w", err)
	case output != nil:
		// Whoever reads the output must not take half of it for the whole.
		return written(output)
	case errors.As(err, &insane):
		return unreachable("%w", err)
	case err != nil:
		return err
	}
	if err := ended(ran, o.allowPartial); err != nil {
		return err
	}
	return reports
}

// ended turns the verdict of a report into an exit code.
func ended(ran *result.Report, allowPartial bool) error {
	switch ran.Verdict {
	case result.VerdictPassed:
		return nil
	case result.VerdictFailed:
		return &failure{code: exitFailed}
	case result.VerdictPartial:
		if allowPartial {
			return nil
		}
		return &failure{exitFailed, fmt.Errorf("the result is partial: %s; what was not run proves nothing, and --allow-partial accepts that", ran.Counts)}
	}
	if ran.Reason != "" {
		return unreachable("the result is an error: %s", ran.Reason)
	}
	code := originCode(ran)
	if code == exitDocument {
		return &failure{code, errors.New(strings.Join(misspelt(ran), "\n"))}
	}
	return &failure{code, fmt.Errorf("the result is an error: %s", ran.Counts)}
}

// misspelt are the steps that nothing understands, each with its place.
func misspelt(ran *result.Report) []string {
	var out []string
	for _, one := range ran.Results {
		for _, step := range one.Steps {
			if one.Origin == result.OfFeature && step.Status == result.Error {
				out = append(out, step.Message)
			}
		}
	}
	return out
}

// originCode is the exit code of scenarios that are errors: what their author can mend comes first.
func originCode(ran *result.Report) int {
	code := exitFault
	for _, one := range ran.Results {
		if one.Status == result.Error {
			switch one.Origin {
			case result.OfFeature:
				return exitDocument
			case result.OfTarget:
				code = exitInterrupted
			}
		}
	}
	return code
}

// prepare reads what the flags name.
func (o *testOptions) prepare(paths []string) (reportFiles, error) {
	if o.config.Concurrency < 1 {
		return nil, invocation("--concurrency: found %d, expected 1 or more", o.config.Concurrency)
	}
	if o.config.StepTimeout <= 0 {
		return nil, invocation("--step-timeout: found %s, expected a time such as 30s or 5m", o.config.StepTimeout)
	}
	if evidence := []string{"failed", "all"}; !slices.Contains(evidence, o.evidence) {
		return nil, invocation("--evidence: found %q, expected failed or all%s", o.evidence, document.DidYouMean(o.evidence, evidence))
	}
	o.config.Paths, o.config.AllEvidence, o.config.Version = paths, o.evidence == "all", readBuild().Version
	reports, err := parseReports(o.reports)
	if err != nil {
		return nil, err
	}
	if o.config.Order, err = suite.ParseOrder(o.order, rand.Uint64); err != nil {
		return nil, invocation("--order: %w", err)
	}
	switch o.shard {
	case "":
	case "auto":
		if o.config.Shard, _, err = suite.DetectShard(os.Getenv); err != nil {
			return nil, invocation("--shard auto: %w", err)
		}
	default:
		if o.config.Shard, err = suite.ParseShard(o.shard); err != nil {
			return nil, invocation("--shard: %w", err)
		}
	}
	if o.durations != "" {
		earlier, err := result.ReadFile(o.durations)
		if err != nil {
			return nil, err
		}
		o.config.Durations = suite.DurationsOf(earlier)
	}
	if o.rerun != "" {
		if o.config.Rerun, err = result.ReadFile(o.rerun); err != nil {
			return nil, err
		}
		o.config.RerunName = o.rerun
	}
	if o.expected != "" {
		if o.config.Expected, err = suite.ReadExpectations(o.expected); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

func (o testOptions) show(cmd *cobra.Command) error {
	chosen, err := suite.Select(o.config)
	if err != nil {
		return err
	}
	if o.output == jsonFormat {
		return showJSON(cmd.OutOrStdout(), chosen)
	}
	cells := make([][]string, len(chosen))
	for i, s := range chosen {
		cells[i] = []string{s.ID(), strings.Join(s.Tags, " "), s.Name}
	}
	return show(cmd.OutOrStdout(), rows([]string{"SCENARIO", "TAGS", "NAME"}, cells)+fmt.Sprintf("\n%d scenarios%s\n", len(chosen), o.listed()))
}

// listed says what else decided about the list.
func (o testOptions) listed() string {
	text := ""
	if o.config.Shard.Total > 1 {
		text += ", shard " + o.config.Shard.String()
	}
	if o.config.Order.Random {
		text += ", order " + o.config.Order.String()
	}
	return text
}

// style colours a status.
func style(of result.Status, text string) string {
	switch of {
	case result.Passed:
		return good.Render(text)
	case result.Failed:
		return bad.Render(text)
	case result.Error:
		return odd.Render(text)
	}
	return faint.Render(text)
}

var odd = lipgloss.NewStyle().Foreground(lipgloss.Yellow)

// besideBar writes above the progress bar while there is one and both are on the same terminal.
type besideBar struct {
	io.Writer
	bar *progress
}

func (w *besideBar) Write(data []byte) (int, error) {
	if w.bar.all != nil && w.Writer == io.Writer(os.Stdout) && cwriter.New(os.Stdout).IsTerminal() {
		return w.bar.all.Write(data)
	}
	return w.Writer.Write(data)
}

// printableWriter makes JSON fit for a terminal, see printableJSON.
type printableWriter struct{ io.Writer }

func (w *printableWriter) Write(data []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, printableJSON(string(data))); err != nil {
		return 0, err
	}
	return len(data), nil
}
