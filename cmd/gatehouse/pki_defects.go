package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
)

// defect is an entry of the catalogue as programs get it.
type defect struct {
	ID           string `json:"id"`
	Title        string `json:"title"`
	Level        string `json:"level"`
	VerifyResult int    `json:"verifyResult"`
	Depth        int    `json:"depth"`
	InLife       string `json:"inLife"`
}

func newDefects() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "defects [ID…]",
		Short: "Lists what can be broken about a certificate",
		Long: `Lists the defects that a certificate of the pki section can be given, with the verify result that
OpenSSL has for them and the depth where it finds it (0 is the sender's own certificate); a result
of 0 means that OpenSSL does not mind. With ids: how each comes about in life.`,
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			list, err := selectDefects(args)
			if err != nil {
				return err
			}
			if output == jsonFormat {
				return showJSON(cmd.OutOrStdout(), list)
			}
			return show(cmd.OutOrStdout(), defectText(list, len(args) > 0))
		}),
		ValidArgsFunction: cobra.FixedCompletions(pki.DefectIDs(), cobra.ShellCompDirectiveNoFileComp),
	}
	outputFlag(cmd, &output)
	return cmd
}

func selectDefects(ids []string) ([]defect, error) {
	for _, id := range ids {
		if known := pki.DefectIDs(); !slices.Contains(known, id) {
			return nil, invocation("no defect has the id %q%s", id, document.DidYouMean(id, known))
		}
	}
	var list []defect
	for _, d := range pki.Defects() {
		if len(ids) == 0 || slices.Contains(ids, d.ID) {
			list = append(list, defect{ID: d.ID, Title: d.Title, Level: string(d.Level), VerifyResult: d.Code, Depth: d.Depth, InLife: d.InLife})
		}
	}
	return list, nil
}

func defectText(list []defect, details bool) string {
	if details {
		var b strings.Builder
		for i, d := range list {
			if i > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s  %s\n  level          %s\n  verify result  %d at depth %d\n  in life        %s\n",
				heading.Render(d.ID), d.Title, d.Level, d.VerifyResult, d.Depth, d.InLife)
		}
		return b.String()
	}
	cells := make([][]string, len(list))
	for i, d := range list {
		cells[i] = []string{d.ID, d.Level, strconv.Itoa(d.VerifyResult), strconv.Itoa(d.Depth), d.Title}
	}
	return rows([]string{"ID", "LEVEL", "RESULT", "DEPTH", "TITLE"}, cells) + fmt.Sprintf("\n%d defects\n", len(list))
}
