package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/reproduction"
	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/target"
)

type reproduceOptions struct {
	evidence  diagnoseOptions
	cause     string
	number    int
	dir       string
	anonymise bool
	output    format
}

func newReproduce() *cobra.Command {
	var o reproduceOptions
	cmd := &cobra.Command{
		Use:   "reproduce [FILE…]",
		Short: "Shows the failure of a diagnosis on the spot: landscape, scenarios, and the mended state",
		Long: `Takes the same evidence as "gatehouse diagnose", or with --cause a cause by its name alone, and writes
a folder that shows the same failure on this machine:

  landscape.yaml        with test certificates of the same make: names, chain, usages, dates and types
                        of keys as in the evidence; the keys are others
  mended.yaml           the same without the cause
  reproduction.feature  scenarios that show the failure, and the mended state
  README.md             what it is, what to change, and what had to be invented
  reproduction.json     what the evidence shows, for programs

It then runs the scenarios and compares what the landscape did with the evidence: status, user
column, request and trace texts. With --anonymise no name of the evidence comes into the folder, so
that it can be handed on; times, usages and types of keys stay.

Exit code 1: something differs from the evidence, or a scenario failed; the folder is there all the
same. A folder with other files is left alone.`,
		Example: `  gatehouse reproduce logs.zip -o customer
  gatehouse reproduce http_access_*.log ljs_trace_*.log --chain warehouse.pem --anonymise
  gatehouse reproduce --cause chain-not-sent`,
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.cause, "cause", "", "the cause to show, by its id (see gatehouse causes; default: the likeliest that a landscape can have)")
	flags.IntVar(&o.number, "case", 0, "which of the failures that gatehouse diagnose numbers (default: the first one that can be shown)")
	flags.StringVarP(&o.dir, "out", "o", "reproduction", "the folder")
	flags.BoolVar(&o.anonymise, "anonymise", false, "replace all names: those in certificates, users, hosts, paths, roles and addresses")
	o.evidence.evidenceFlags(cmd)
	outputFlag(cmd, &o.output)
	_ = cmd.MarkFlagDirname("out")
	_ = cmd.RegisterFlagCompletionFunc("cause", cobra.FixedCompletions(reproduction.Causes(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *reproduceOptions) run(cmd *cobra.Command, files []string) error {
	if o.dir == "" {
		return invocation("--out: found nothing, expected the name of a folder")
	}
	if o.number < 0 || o.number > 100_000 {
		return invocation("--case: found %d, expected 1 or more", o.number)
	}
	known, choice, err := o.known(cmd, files)
	if err != nil {
		return err
	}
	if o.anonymise {
		known = reproduction.Anonymise(known)
	}
	made, err := reproduction.Make(known)
	if err != nil {
		return invocation("%w", err)
	}
	foreign := (*reproduction.ForeignError)(nil)
	switch err := made.Write(o.dir); {
	case errors.As(err, &foreign):
		return invocation("%w", err)
	case err != nil:
		return unreachable("%w", err)
	}
	shown, err := replay(cmd.Context(), o.dir)
	if err != nil {
		return err
	}
	out := newReproduceResult(o.dir, made, shown, choice)
	if o.output == jsonFormat {
		err = showJSON(cmd.OutOrStdout(), out)
	} else {
		err = show(cmd.OutOrStdout(), out.text(made))
	}
	if err == nil && !out.Agrees {
		err = &failure{code: exitFailed}
	}
	return err
}

// known takes over what the evidence tells, and finds the cause.
func (o *reproduceOptions) known(cmd *cobra.Command, files []string) (reproduction.Known, reproduction.Choice, error) {
	var none reproduction.Known
	var cause diagnosis.Cause
	if o.cause != "" {
		id := strings.ToLower(o.cause)
		found := false
		if cause, found = diagnosis.ByID(id); !found {
			return none, reproduction.Choice{}, invocation("--cause: no cause has the id %q%s (\"gatehouse causes\" lists them)", o.cause, document.DidYouMean(id, causeIDs()))
		}
		if ok, reason := reproduction.Makable(id); !ok {
			return none, reproduction.Choice{}, invocation("--cause %s: no landscape can have this cause: %s", id, reason)
		}
	}
	if given := len(files) > 0 || o.evidence.stdin || len(o.evidence.hosts) > 0 || o.evidence.tenant.url != ""; !given {
		switch {
		case o.number > 0:
			return none, reproduction.Choice{}, invocation("--case: there is no evidence of which it could be a case")
		case o.cause == "":
			return none, reproduction.Choice{}, invocation("what is to be shown? Name log files, or a cause with --cause; \"gatehouse causes\" lists them")
		case o.evidence.chain == "":
			return reproduction.NoneKnown(cause), reproduction.Choice{Cause: cause}, nil
		}
		// Of a chain alone there is no call to diagnose, but its make can be taken over.
		var e diagnosis.Evidence
		password, err := o.evidence.password.read()
		if err == nil {
			err = diagnosis.Reader{Password: password}.Chain(&e, o.evidence.chain)
		}
		if err == nil {
			err = o.evidence.time(&e)
		}
		return reproduction.WithoutCase(cause, atSomeTime(e), &diagnosis.Report{}), reproduction.Choice{Cause: cause}, err
	}
	o.evidence.cases = max(diagnosis.DefaultCases, o.number)
	e, report, err := o.evidence.diagnose(cmd, files)
	if err != nil {
		return none, reproduction.Choice{}, err
	}
	e = atSomeTime(e)
	if o.number > len(report.Cases) {
		return none, reproduction.Choice{}, invocation("--case: found %d, and the evidence has %s", o.number, counted(len(report.Cases), "case"))
	}
	choice, found := reproduction.Choose(report, o.number, cause.ID)
	switch {
	case found:
		return reproduction.FromEvidence(e, report, choice), choice, nil
	case o.cause == "":
		return none, choice, o.nothing(report)
	case o.number > 0:
		return none, choice, invocation("--cause: case %d does not look like %s; it looks like %s", o.number, cause.ID, looks(report.Cases[o.number-1]))
	case len(report.Cases) > 0 && leavesLine(cause):
		return none, choice, invocation("--cause: nothing in the evidence looks like %s; the first case looks like %s. Leave the evidence out to show the cause by itself", cause.ID, looks(report.Cases[0]))
	}
	return reproduction.WithoutCase(cause, e, report), reproduction.Choice{Cause: cause}, nil
}

// atSomeTime gives the time now to evidence that has none.
func atSomeTime(e diagnosis.Evidence) diagnosis.Evidence {
	if e.At.IsZero() {
		e.At = time.Now().UTC().Truncate(time.Second)
	}
	return e
}

// leavesLine tells whether a call with the cause leaves an access log line.
func leavesLine(cause diagnosis.Cause) bool {
	made, err := reproduction.Make(reproduction.NoneKnown(cause))
	return err == nil && !strings.Contains(strings.Join(made.Failure.Steps, "\n"), "has no line of the call")
}

func looks(c diagnosis.Case) string {
	var ids []string
	for _, f := range c.Causes {
		ids = append(ids, f.Cause.ID)
	}
	if len(ids) == 0 {
		return "no cause that is known"
	}
	return strings.Join(ids, ", ")
}

// nothing says why no case can be shown.
func (o *reproduceOptions) nothing(report *diagnosis.Report) error {
	if !slices.ContainsFunc(report.Cases, reproduction.TellsOfCall) {
		if report.Read.AccessLines == 0 {
			return invocation("nothing to look at was found: neither access log lines nor the output of a client; %s", notRead(report))
		}
		return invocation("no call failed in the evidence: there is nothing to show. Name a cause with --cause to show it by itself")
	}
	c := report.Cases[max(o.number-1, 0)]
	if len(c.Causes) == 0 {
		return invocation("the cause is not known (%s); name one with --cause to show it", clean(c.What))
	}
	return invocation("no landscape can have what this looks like: %s; name another cause with --cause to show it by itself", looks(c))
}

// replayed is what came out of running a folder.
type replayed struct {
	seen    reproduction.Seen
	results []suite.Result
	reason  string
}

// replay runs the scenarios of a folder.
func replay(ctx context.Context, dir string) (replayed, error) {
	feature := filepath.Join(dir, reproduction.FeatureName)
	ran, err := suite.Run(ctx, suite.Config{
		Paths: []string{feature}, AllEvidence: true, Version: readBuild().Version,
		// The mended scenario is the good call without which the failure would prove nothing.
		Initializer: steps.RegisterOn(target.Embedded(simulator.Options{})),
	})
	defer func() { _ = ran.Close() }() // a temporary file
	switch {
	case err != nil && ctx.Err() != nil:
		return replayed{}, unreachable("interrupted: the folder is there, and its scenarios were not run to their end: %w", err)
	case err != nil:
		return replayed{}, err
	}
	out := replayed{results: ran.Results, reason: ran.Reason}
	if len(ran.Results) == 0 {
		return out, fmt.Errorf("%s has no scenario", feature)
	}
	calls, err := ran.Calls(&ran.Results[0])
	if err != nil {
		return out, err
	}
	out.seen = seenOf(calls)
	return out, nil
}

// seenOf is what the failing call left: the first one that has a line with an error, else the last one.
func seenOf(calls []evidence.Call) reproduction.Seen {
	var last reproduction.Seen
	for _, c := range calls {
		last = reproduction.Seen{Lines: c.AccessLines, Records: c.TraceRecords}
		if _, err := fmt.Sscanf(c.Saw, "HTTP %d", &last.Answer); err != nil {
			last.Answer = 0 // no answer came
		}
		if last.Shown().Status >= 400 {
			return last
		}
	}
	return last
}
