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
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Group        string        `json:"group"`
	Level        string        `json:"level"`
	Clause       string        `json:"clause"`
	VerifyResult int           `json:"verifyResult"`
	Depth        int           `json:"depth"`
	Followers    []pki.Finding `json:"followers,omitempty"`
	NeedsCRL     bool          `json:"needsCRL"`
	Unreadable   bool          `json:"unreadable"`
	Go           string        `json:"go"`
	Handshake    string        `json:"handshake"`
	Differs      []string      `json:"differs"`
	Twin         string        `json:"twin"`
	InLife       string        `json:"inLife"`
}

func defectOf(d pki.Defect) defect {
	return defect{
		ID: d.ID, Title: d.Title, Group: string(d.Group), Level: string(d.Level), Clause: d.Clause,
		VerifyResult: d.Code, Depth: d.Depth, Followers: d.Followers, NeedsCRL: d.NeedsCRL, Unreadable: d.Unreadable,
		Go: string(d.Go), Handshake: string(d.Handshake), Differs: d.Differs, Twin: d.Twin, InLife: d.InLife,
	}
}

func newDefects() *cobra.Command {
	var output format
	var group string
	cmd := &cobra.Command{
		Use:   "defects [ID…]",
		Short: "Lists what can be broken about a certificate",
		Long: `Lists the defects that a certificate of the pki section can be given, with the verify result that
OpenSSL has for them and the depth where it finds it (0 is the sender's own certificate), and with
what Go's crypto/x509 says. A result of 0 means that OpenSSL does not mind; one with "+CRL" counts
only where CRLs are looked at. With ids: each at length, with how it comes about in life.`,
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			list, err := selectDefects(group, args)
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
	cmd.Flags().StringVar(&group, "group", "", "only the defects of a group: "+strings.Join(groupNames(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("group", cobra.FixedCompletions(groupNames(), cobra.ShellCompDirectiveNoFileComp))
	outputFlag(cmd, &output)
	return cmd
}

func groupNames() []string {
	var out []string
	for _, g := range pki.Groups() {
		out = append(out, string(g))
	}
	return out
}

func selectDefects(group string, ids []string) ([]defect, error) {
	if known := groupNames(); group != "" && !slices.Contains(known, group) {
		return nil, invocation("no group of defects is named %q%s; the groups are %s", group, document.DidYouMean(group, known), strings.Join(known, ", "))
	}
	for _, id := range ids {
		if known := pki.DefectIDs(); !slices.Contains(known, id) {
			return nil, invocation("no defect has the id %q%s", id, document.DidYouMean(id, known))
		}
	}
	var list []defect
	for _, d := range pki.Defects() {
		if (len(ids) == 0 || slices.Contains(ids, d.ID)) && (group == "" || group == string(d.Group)) {
			list = append(list, defectOf(d))
		}
	}
	if len(list) == 0 {
		return nil, invocation("none of the defects %s is in the group %q", strings.Join(ids, ", "), group)
	}
	return list, nil
}

// verdict is the verify result in short.
func (d defect) verdict() string {
	switch {
	case d.Unreadable:
		return "none"
	case d.NeedsCRL:
		return strconv.Itoa(d.VerifyResult) + "+CRL"
	default:
		return strconv.Itoa(d.VerifyResult)
	}
}

// verdictAtLength is the verify result in words.
func (d defect) verdictAtLength() string {
	switch {
	case d.Unreadable:
		return "none: OpenSSL cannot read the certificate"
	case d.VerifyResult == 0:
		return "0: OpenSSL does not mind"
	}
	text := fmt.Sprintf("%d at depth %d", d.VerifyResult, d.Depth)
	for _, f := range d.Followers {
		text += fmt.Sprintf(", then %d at depth %d", f.Code, f.Depth)
	}
	if d.NeedsCRL {
		text += ", where CRLs are looked at; else 0"
	}
	return text
}

func defectText(list []defect, details bool) string {
	if !details {
		cells := make([][]string, len(list))
		for i, d := range list {
			cells[i] = []string{d.ID, d.Group, d.Level, d.verdict(), strconv.Itoa(d.Depth), d.Go, d.Title}
		}
		return rows([]string{"ID", "GROUP", "LEVEL", "RESULT", "DEPTH", "GO", "TITLE"}, cells) + fmt.Sprintf("\n%d defects\n", len(list))
	}
	var b strings.Builder
	for i, d := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s  %s\n", heading.Render(d.ID), d.Title)
		for _, line := range [][2]string{
			{"group", d.Group}, {"level", d.Level}, {"clause", d.Clause}, {"verify result", d.verdictAtLength()},
			{"crypto/x509", d.Go}, {"handshake", d.Handshake + " with crypto/tls"},
			{"differs in", strings.Join(d.Differs, ", ")}, {"good twin", d.Twin}, {"in life", d.InLife},
		} {
			fmt.Fprintf(&b, "  %-13s  %s\n", line[0], line[1])
		}
	}
	return b.String()
}
