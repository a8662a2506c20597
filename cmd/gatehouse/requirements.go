package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/features"
	"example.com/gatehouse/simulator/document"
)

func newRequirements() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "requirements [ID…]",
		Short: "Lists what a call must and must not do, and how well that is known",
		Long: `Lists the requirement catalogue that the built-in suite proves, or the entries with the given ids
with their sources. The mark of an entry says how well the behaviour of the real system is known:

  confirmed    the source says it
  inferred     it follows from the source
  conflicting  sources say different things
  choice       it is not known; the simulator's own decision`,
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			list, err := selectRequirements(args)
			if err != nil {
				return err
			}
			if output == jsonFormat {
				return showJSON(cmd.OutOrStdout(), list)
			}
			return show(cmd.OutOrStdout(), requirementText(list, len(args) > 0))
		}),
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
	outputFlag(cmd, &output)
	return cmd
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
