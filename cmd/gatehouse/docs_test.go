package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/features"
	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/steps"
)

// The pages of docs/ are made from what the program itself knows. "make docs" writes them anew.
func TestDocumentsAreFresh(t *testing.T) {
	folder := filepath.Join("..", "..", "docs")
	for name, page := range map[string]string{
		"commands.md":     commandsPage(t),
		"vocabulary.md":   vocabularyPage(),
		"requirements.md": requirementsPage(t),
		"defects.md":      defectsPage(),
		"causes.md":       causesPage(),
		"limits.md":       limitsPage(),
		"neighbours.md":   neighboursPage(),
	} {
		file := filepath.Join(folder, name)
		page = "<!-- Made by \"make docs\": do not edit. -->\n\n" + page
		if os.Getenv("GATEHOUSE_DOCS") == "write" {
			require.NoError(t, os.MkdirAll(folder, 0o755))
			require.NoError(t, os.WriteFile(file, []byte(page), 0o644))
		}
		have, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, page, strings.ReplaceAll(string(have), "\r\n", "\n"), "%s is stale: run make docs", name)
	}
}

func commandsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Commands\n")
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		var out bytes.Buffer
		c.SetOut(&out)
		require.NoError(t, c.Help())
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n```\n", c.CommandPath(), strings.TrimSpace(out.String()))
		for _, child := range c.Commands() {
			if child.IsAvailableCommand() {
				walk(child)
			}
		}
	}
	walk(newRoot())
	return b.String()
}

func vocabularyPage() string {
	var b strings.Builder
	b.WriteString("# Vocabulary\n\nWhat a scenario can say. Given, When and Then are interchangeable. What a step needs is a feature of the target, and a tag `@needs-…` of the scenario: see [targets](targets.md).\n")
	noun := ""
	needs := func(features []string) string {
		if len(features) == 0 {
			return ""
		}
		return "  \n  needs `" + strings.Join(features, "`, `") + "`"
	}
	for _, d := range steps.Vocabulary() {
		if d.Noun != noun {
			noun = d.Noun
			fmt.Fprintf(&b, "\n## %s\n\n", noun)
		}
		fmt.Fprintf(&b, "- `%s`  \n  %s%s\n", d.Example, d.Meaning, needs(d.Needs))
	}
	b.WriteString("\n## Ways to call\n\nThey follow `\"warehouse\" calls` and the path, joined by `and`.\n\n")
	for _, way := range steps.Ways() {
		fmt.Fprintf(&b, "- `%s`%s\n", way.Example, needs(way.Needs))
	}
	b.WriteString("\n## Properties of a channel\n\nThey follow `a channel \"/http/orders\"`, joined by `and`.\n\n")
	for _, property := range steps.ChannelProperties() {
		fmt.Fprintf(&b, "- `%s`%s\n", property.Example, needs(property.Needs))
	}
	return b.String()
}

func requirementsPage(t *testing.T) string {
	requirements, err := features.Requirements()
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString("# Requirements\n\nMarks: confirmed (a source says so), inferred (the reason is given), conflicting (sources differ), choice (not known; the simulator's own decision).\n\n| id | station | requirement | mark | source |\n|---|---|---|---|---|\n")
	for _, r := range requirements {
		mark := r.Mark
		if r.Why != "" {
			mark += ": " + r.Why
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.ID, r.Station, cell(r.Sentence), cell(mark), cell(r.Source))
	}
	return b.String()
}

func defectsPage() string {
	var b strings.Builder
	b.WriteString("# Defects\n\nWhat `defect:` in a landscape can break, group by group. The verify result is OpenSSL's first error (numbering of 3.x, security level 2, purpose sslclient) for a leaf below one intermediate; 0 means that OpenSSL does not mind. Each certificate has a good twin, which differs in what is named and in nothing else; this is checked whenever one is minted.\n\nHandshake: whether crypto/tls completes it. Where it ends, the load balancer of the simulator, which is written in Go, cannot report the verify result that one with OpenSSL would have.\n")
	all := pki.Defects()
	for _, group := range pki.Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n| id | of | verify result | crypto/x509 | handshake | what is broken |\n|---|---|---|---|---|---|\n", group)
		for _, d := range all {
			if d.Group == group {
				one := defectOf(d)
				fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s | %s |\n", d.ID, d.ID, d.Level, cell(one.verdictAtLength()), d.Go, d.Handshake, cell(d.Title))
			}
		}
		for _, d := range all {
			if d.Group == group {
				fmt.Fprintf(&b, "\n### %s\n\n%s\n\nBreaks: %s. Differs in: %s. Its good twin: %s.\n", d.ID, strings.ReplaceAll(d.InLife, "<", "&lt;"), d.Clause, strings.Join(d.Differs, ", "), d.Twin)
			}
		}
	}
	return b.String()
}

func causesPage() string {
	var b strings.Builder
	all := diagnosis.Causes()
	fmt.Fprintf(&b, "# Causes\n\nWhat can be wrong with a call, by station: the catalogue of `gatehouse diagnose` and `gatehouse causes`, %d causes. A test makes each of them with the simulator (three, which it cannot make, by the lines that they would leave: revoked, method-not-allowed, call-too-long) and shows that the diagnosis finds it, without the trace texts that are the simulator's own. What each needs beside the logs to be told from those that look the same stands there too. Behind them are the words in which a station's record gives its reason.\n", len(all))
	for _, station := range journey.Stations() {
		fmt.Fprintf(&b, "\n## %s\n\n| id | what is wrong | requirement | needs beside the logs |\n|---|---|---|---|\n", station)
		for _, c := range all {
			if c.Station == station {
				fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", c.ID, c.ID, cell(c.Title), c.Requirement, cell(c.Needs))
			}
		}
		for _, c := range all {
			if c.Station != station {
				continue
			}
			fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n", c.ID, prose(c.Title))
			for _, line := range [][2]string{{"Symptom", c.Symptom}, {"Evidence", c.Evidence}, {"Cause", c.Why}, {"To do", c.Fix}, {"Check", c.Check}} {
				fmt.Fprintf(&b, "- %s: %s\n", line[0], prose(line[1]))
			}
			fmt.Fprintf(&b, "- Requirement: %s; shown by the scenarios of %s. Mark: %s (%s).\n", c.Requirement, c.Scenario, c.Mark, c.Source)
		}
	}
	b.WriteString("\n# Reasons\n\nThe words in `because of \"…\"`, by station.\n")
	for _, station := range journey.Stations() {
		fmt.Fprintf(&b, "\n## Reasons at the %s\n\n| reason | what happened | what to do | requirement |\n|---|---|---|---|\n", station)
		for _, r := range journey.Reasons() {
			if about, _ := r.About(); about.Station == station {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r, cell(about.Sentence), cell(about.Fix), about.Requirement)
			}
		}
	}
	return b.String()
}

// prose is a text in a page of Markdown.
func prose(text string) string { return strings.ReplaceAll(text, "<", "&lt;") }

func limitsPage() string {
	var b strings.Builder
	b.WriteString("# Limits of the verifier\n\nWhere verify results are known to differ from OpenSSL 3.0.\n\n")
	for _, limit := range verify.Limits() {
		fmt.Fprintf(&b, "- %s\n", limit)
	}
	return b.String()
}

func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", "\\|"), "<", "&lt;")
}
