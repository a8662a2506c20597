package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/document"
)

func newCauses() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "causes [ID…]",
		Short: "Lists what can be wrong with a call, what shows it, and what to change",
		Long: `Lists the catalogue of causes that "gatehouse diagnose" knows, in the order of the way of a call, or
the entries with the given ids at length: symptom, evidence, cause, fix, and the requirement whose
scenarios show it.`,
		Example: `  gatehouse causes
  gatehouse causes chain-not-sent`,
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			list, err := selectCauses(args)
			if err != nil {
				return err
			}
			if output == jsonFormat {
				return showJSON(cmd.OutOrStdout(), list)
			}
			return show(cmd.OutOrStdout(), causesText(list, len(args) > 0))
		}),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return causeIDs(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func causeIDs() []string {
	var ids []string
	for _, c := range diagnosis.Causes() {
		ids = append(ids, c.ID)
	}
	return ids
}

// selectCauses picks ids from the catalogue, in its order.
func selectCauses(ids []string) ([]diagnosis.Cause, error) {
	for _, id := range ids {
		if _, ok := diagnosis.ByID(strings.ToLower(id)); !ok {
			return nil, invocation("no cause has the id %q%s", id, document.DidYouMean(strings.ToLower(id), causeIDs()))
		}
	}
	var list []diagnosis.Cause
	for _, c := range diagnosis.Causes() {
		if len(ids) == 0 || slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, c.ID) }) {
			list = append(list, c)
		}
	}
	return list, nil
}

func causesText(list []diagnosis.Cause, details bool) string {
	if !details {
		cells := make([][]string, len(list))
		for i, c := range list {
			cells[i] = []string{c.ID, string(c.Station), c.Requirement, c.Title}
		}
		return rows([]string{"ID", "STATION", "REQUIREMENT", "CAUSE"}, cells) + fmt.Sprintf("\n%d causes; \"gatehouse causes ID\" tells more of one\n", len(list))
	}
	var b strings.Builder
	for i, c := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s  %s\n", heading.Render(c.ID), c.Title)
		line := func(name, text string) {
			if text != "" {
				fmt.Fprintf(&b, "  %-12s %s\n", name, text)
			}
		}
		line("station", string(c.Station))
		line("symptom", c.Symptom)
		line("evidence", c.Evidence)
		line("cause", c.Why)
		line("to do", c.Fix)
		line("check", c.Check)
		line("needs", c.Needs)
		line("requirement", c.Requirement)
		if c.Scenario != c.Requirement {
			line("shown by", c.Scenario)
		}
		line("mark", c.Mark)
		line("source", c.Source)
		line("reason", string(c.Reason))
	}
	return b.String()
}
