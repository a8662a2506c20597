package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator/journey"
)

// format is the value of --output.
type format string

const (
	textFormat format = "text"
	jsonFormat format = "json"
)

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "FORMAT" }

func (f *format) Set(s string) error {
	switch format(s) {
	case textFormat, jsonFormat:
		*f = format(s)
		return nil
	}
	return fmt.Errorf("expected text or json")
}

// outputFlag adds --output to a command.
func outputFlag(cmd *cobra.Command, f *format) {
	*f = textFormat
	cmd.Flags().Var(f, "output", "text for people, json for programs")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{string(textFormat), string(jsonFormat)}, cobra.ShellCompDirectiveNoFileComp))
}

// The styles of text on a terminal.
var (
	heading = lipgloss.NewStyle().Bold(true)
	good    = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad     = lipgloss.NewStyle().Foreground(lipgloss.Red)
	faint   = lipgloss.NewStyle().Faint(true)
)

// show prints styled text: with its colours on a terminal, unless NO_COLOR is set, and plain
// everywhere else.
func show(w io.Writer, text string) error {
	_, err := io.WriteString(&colorprofile.Writer{Forward: w, Profile: profile(w)}, text)
	return written(err)
}

// profile is what the output can show. What a terminal can do has been found out once, not for
// each line; CLICOLOR_FORCE makes a pipe one.
func profile(w io.Writer) colorprofile.Profile {
	if os.Getenv("NO_COLOR") != "" || w != io.Writer(os.Stdout) {
		return colorprofile.NoTTY
	}
	return lipgloss.Writer.Profile
}

func written(err error) error {
	if err != nil {
		return unreachable("writing the output: %w", err)
	}
	return nil
}

// checkedWriter keeps the first error of writing, for a caller that does not look.
type checkedWriter struct {
	io.Writer
	err error
}

func (w *checkedWriter) Write(data []byte) (int, error) {
	n, err := w.Writer.Write(data)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// rows renders a table, with a heading if there is one. Cells are made printable.
func rows(head []string, cells [][]string) string {
	return styledRows(head, cells, func(int) lipgloss.Style { return lipgloss.NewStyle() })
}

// styledRows is rows with a style for each row, counted from 0.
func styledRows(head []string, cells [][]string, styleOf func(row int) lipgloss.Style) string {
	t := table.New().
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderColumn(false).BorderRow(false).BorderHeader(false).
		StyleFunc(func(row, column int) lipgloss.Style {
			style := heading
			if row != table.HeaderRow {
				style = styleOf(row)
			}
			if len(cells) == 0 || column < len(cells[0])-1 {
				style = style.PaddingRight(2)
			}
			return style
		})
	if len(head) > 0 {
		t.Headers(head...)
	}
	for _, row := range cells {
		clean := make([]string, len(row))
		for i, cell := range row {
			clean[i] = journey.Printable(cell)
		}
		t.Row(clean...)
	}
	var b strings.Builder
	for line := range strings.Lines(t.Render()) {
		b.WriteString(strings.TrimRight(line, " \n"))
		b.WriteByte('\n')
	}
	return b.String()
}

// showJSON prints a value as indented JSON that is fit for a terminal too: characters that could
// hide or forge output stand there as \u escapes, which mean the same.
func showJSON(w io.Writer, value any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	_, err := io.WriteString(w, printableJSON(b.String()))
	return written(err)
}

// printableJSON escapes what does not print. Outside of strings JSON has only line ends of that
// kind, and inside of them an escape is allowed for every character.
func printableJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || r == utf8.RuneError || journey.Printable(string(r)) == string(r) {
			b.WriteRune(r)
			continue
		}
		if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
			fmt.Fprintf(&b, `\u%04x\u%04x`, r1, r2)
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

// clip shortens a text that came from a caller to so many characters.
func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
