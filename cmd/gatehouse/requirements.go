package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/features"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/suite/result"
)

type requirementOptions struct {
	output format
	check  bool
	report string
	suites []string
}

func newRequirements() *cobra.Command {
	var o requirementOptions
	cmd := &cobra.Command{
		Use:   "requirements [ID…]",
		Short: "Lists what a call must and must not do, how well that is known, and what proves it",
		Long: `Lists the requirement catalogue that the built-in suite proves, or the entries with the given ids
with their sources. The mark of an entry says how well the behaviour of the real system is known:

  confirmed    the source says it
  inferred     it follows from the source
  conflicting  sources say different things
  choice       it is not known; the simulator's own decision

With --report it is a coverage table: the scenarios of each requirement and what came out of them.
--check ends with exit code 1 if a requirement has no scenario, a scenario proves none or one that
does not exist and, with --report, if a requirement is not proved by what was run.`,
		Example: `  gatehouse requirements LB-3
  gatehouse requirements --check
  gatehouse requirements --check --report report.json`,
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			list, err := selectRequirements(nil)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			var ids []string
			for _, r := range list {
				ids = append(ids, r.ID)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&o.check, "check", false, "fail if requirements and scenarios do not belong together")
	cmd.Flags().StringVar(&o.report, "report", "", "show what came out, from the report in this `FILE` (JSON)")
	cmd.Flags().StringArrayVar(&o.suites, "suite", nil, "look for scenarios in this `PATH`, repeatable (default: the built-in suite)")
	outputFlag(cmd, &o.output)
	return cmd
}

// covered is the catalogue with what proves it, for programs.
type covered struct {
	Requirements []result.Coverage `json:"requirements"`
	Gaps         []result.Gap      `json:"gaps"`
}

func (o requirementOptions) run(cmd *cobra.Command, ids []string) error {
	list, err := selectRequirements(ids)
	if err != nil {
		return err
	}
	if !o.check && o.report == "" && len(o.suites) == 0 {
		if o.output == jsonFormat {
			return showJSON(cmd.OutOrStdout(), list)
		}
		return show(cmd.OutOrStdout(), requirementText(list, len(ids) > 0))
	}
	all, err := o.cover(list, len(ids) > 0)
	if err != nil {
		return err
	}
	if o.output == jsonFormat {
		err = showJSON(cmd.OutOrStdout(), all)
	} else {
		err = show(cmd.OutOrStdout(), o.coverageText(all))
	}
	if err == nil && o.check && len(all.Gaps) > 0 {
		return &failure{code: exitFailed}
	}
	return err
}

// cover finds the scenarios of the requirements, what came out of them, and what is missing.
func (o requirementOptions) cover(list []features.Requirement, some bool) (covered, error) {
	out := covered{Gaps: []result.Gap{}}
	scenarios, err := suite.All(o.suites...)
	if err != nil {
		return out, err
	}
	var ran *result.Report
	if o.report != "" {
		if ran, err = result.ReadFile(o.report); err != nil {
			return out, err
		}
	}
	for _, r := range list {
		c := result.Coverage{Requirement: r, Verdict: result.NotRun}
		for _, s := range scenarios {
			if slices.Contains(s.Requirements(), r.ID) {
				c.Scenarios = append(c.Scenarios, s.ID())
			}
		}
		if ran != nil {
			if at := slices.IndexFunc(ran.Requirements, func(c result.Coverage) bool { return c.ID == r.ID }); at >= 0 {
				c.Scenarios, c.Verdict, c.Counts = ran.Requirements[at].Scenarios, ran.Requirements[at].Verdict, ran.Requirements[at].Counts
			}
			if c.Verdict != result.Passed {
				out.Gaps = append(out.Gaps, result.Gap{ID: r.ID, Message: fmt.Sprintf("is not proved by the report: %s", c.Verdict)})
			}
		}
		out.Requirements = append(out.Requirements, c)
	}
	for _, gap := range result.Gaps(list, scenarios) {
		// With chosen ids, tags of others are not unknown.
		if !some || gap.Scenario == "" {
			out.Gaps = append(out.Gaps, gap)
		}
	}
	return out, nil
}

func (o requirementOptions) coverageText(all covered) string {
	cells := make([][]string, len(all.Requirements))
	for i, c := range all.Requirements {
		cells[i] = []string{c.ID, c.Station, c.Mark, fmt.Sprint(len(c.Scenarios)), string(c.Verdict), c.Sentence}
		if o.report == "" {
			cells[i] = slices.Delete(cells[i], 4, 5)
		}
	}
	head := []string{"ID", "STATION", "MARK", "SCENARIOS", "VERDICT", "SENTENCE"}
	if o.report == "" {
		head = slices.Delete(head, 4, 5)
	}
	var b strings.Builder
	b.WriteString(rows(head, cells) + "\n")
	if len(all.Gaps) > 0 {
		for _, gap := range all.Gaps {
			fmt.Fprintf(&b, "%s  %s\n", bad.Render("gap"), printableLines(strings.TrimSpace(gap.Scenario+" "+gap.ID)+": "+gap.Message))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d requirements, %d gaps\n", len(all.Requirements), len(all.Gaps))
	return b.String()
}

// selectRequirements reads the catalogue and picks ids from it, in the order of the catalogue.
func selectRequirements(ids []string) ([]features.Requirement, error) {
	all, err := features.Requirements()
	if err != nil {
		return nil, fmt.Errorf("reading the built-in catalogue: %w", err)
	}
	var list []features.Requirement
	var known []string
	for _, r := range all {
		known = append(known, r.ID)
		if len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, r.ID) }) {
			continue
		}
		list = append(list, r)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(id, k) }) {
			return nil, invocation("no requirement has the id %q%s", id, document.DidYouMean(strings.ToUpper(id), known))
		}
	}
	return list, nil
}

func requirementText(list []features.Requirement, details bool) string {
	if details {
		var b strings.Builder
		for i, r := range list {
			if i > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s  %s\n  station  %s\n  mark     %s\n  source   %s\n", heading.Render(r.ID), r.Sentence, r.Station, r.Mark, r.Source)
			if r.Why != "" {
				fmt.Fprintf(&b, "  why      %s\n", r.Why)
			}
		}
		return b.String()
	}
	cells := make([][]string, len(list))
	for i, r := range list {
		cells[i] = []string{r.ID, r.Station, r.Mark, r.Sentence}
	}
	return rows([]string{"ID", "STATION", "MARK", "SENTENCE"}, cells) + fmt.Sprintf("\n%d requirements\n", len(list))
}
