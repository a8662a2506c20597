package main

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/steps"
)

// vocabularyStep is a step for people and programs.
type vocabularyStep struct {
	Noun       string `json:"noun"`
	Example    string `json:"example"`
	Meaning    string `json:"meaning"`
	Expression string `json:"expression"`
	// Needs are the features that a target must have for the step.
	Needs []string `json:"needs,omitempty"`
}

// vocabularyPhrase follows a step, joined to others by "and".
type vocabularyPhrase struct {
	Example string   `json:"example"`
	Needs   []string `json:"needs,omitempty"`
}

// vocabulary is all that a scenario can say.
type vocabulary struct {
	Steps []vocabularyStep `json:"steps"`
	// Ways and ChannelProperties follow steps, joined by and.
	Ways              []vocabularyPhrase `json:"waysToCall"`
	ChannelProperties []vocabularyPhrase `json:"channelProperties"`
}

func newSteps() *cobra.Command {
	output := pageFormat{textFormat}
	cmd := &cobra.Command{
		Use:   "steps [WORD…]",
		Short: "Prints the vocabulary: every step that a scenario can say",
		Long: `Prints the vocabulary, each step with an example and what it means, sorted by what it is about, and
what a target must have for it ("gatehouse test --target"); most steps need nothing but a tenant.
With words, only steps in which all of them occur.`,
		Example: `  gatehouse steps access log
  gatehouse steps --output html > steps.html`,
		RunE: classified(func(cmd *cobra.Command, words []string) error {
			all, err := findSteps(words)
			if err != nil {
				return err
			}
			switch output.format {
			case jsonFormat:
				return showJSON(cmd.OutOrStdout(), all)
			case htmlFormat:
				var b strings.Builder
				if err := stepsPage.Execute(&b, all); err != nil {
					return fmt.Errorf("making the page of steps: %w", err)
				}
				return show(cmd.OutOrStdout(), b.String())
			}
			return show(cmd.OutOrStdout(), all.text())
		}),
	}
	cmd.Flags().Var(&output, "output", "text for people, json for programs, html for a page")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json", "html"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// findSteps finds the steps in which all words occur.
func findSteps(words []string) (vocabulary, error) {
	has := func(texts ...string) bool {
		text := strings.ToLower(strings.Join(texts, " "))
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, strings.ToLower(word)) })
	}
	out := vocabulary{Steps: []vocabularyStep{}}
	var spoken []string
	for _, d := range steps.Vocabulary() {
		spoken = append(spoken, strings.Fields(d.Noun+" "+d.Example+" "+d.Meaning)...)
		if has(d.Noun, d.Example, d.Meaning, strings.Join(d.Needs, " ")) {
			out.Steps = append(out.Steps, vocabularyStep{d.Noun, d.Example, d.Meaning, d.Expression(), d.Needs})
		}
	}
	phrases := func(title string, all []steps.Phrase) []vocabularyPhrase {
		found := []vocabularyPhrase{}
		for _, p := range all {
			if has(title, p.Example, strings.Join(p.Needs, " ")) {
				found = append(found, vocabularyPhrase(p))
			}
		}
		return found
	}
	out.Ways = phrases("way to call", steps.Ways())
	out.ChannelProperties = phrases("property of a channel", steps.ChannelProperties())
	if len(out.Steps)+len(out.Ways)+len(out.ChannelProperties) == 0 {
		return out, invocation("no step has %q%s", strings.Join(words, " "), document.DidYouMean(strings.Join(words, " "), spoken))
	}
	return out, nil
}

func (v vocabulary) text() string {
	var b strings.Builder
	head := func(text string) {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(heading.Render(text) + "\n")
	}
	noun := ""
	for _, s := range v.Steps {
		if s.Noun != noun {
			noun = s.Noun
			head(noun)
		}
		fmt.Fprintf(&b, "  %s\n      %s\n", journey.Printable(s.Example), faint.Render(journey.Printable(s.Meaning)))
		if len(s.Needs) > 0 {
			fmt.Fprintf(&b, "      %s\n", faint.Render("needs of a target: "+strings.Join(s.Needs, ", ")))
		}
	}
	list := func(title string, phrases []vocabularyPhrase) {
		if len(phrases) > 0 {
			head(title)
			for _, p := range phrases {
				fmt.Fprintf(&b, "  %s\n", journey.Printable(p.Example))
				if len(p.Needs) > 0 {
					fmt.Fprintf(&b, "      %s\n", faint.Render("needs of a target: "+strings.Join(p.Needs, ", ")))
				}
			}
		}
	}
	list(`ways to call, which follow "warehouse" calls and the path, joined by and`, v.Ways)
	list(`properties of a channel, which follow a channel "/http/orders", joined by and`, v.ChannelProperties)
	return b.String()
}

// Nouns are the nouns of the steps, for the page.
func (v vocabulary) Nouns() []string {
	var out []string
	for _, s := range v.Steps {
		if !slices.Contains(out, s.Noun) {
			out = append(out, s.Noun)
		}
	}
	return out
}

// Of are the steps of a noun, for the page.
func (v vocabulary) Of(noun string) []vocabularyStep {
	return slices.DeleteFunc(slices.Clone(v.Steps), func(s vocabularyStep) bool { return s.Noun != noun })
}

//go:embed steps_page.html
var stepsPageText string

var stepsPage = template.Must(template.New("steps").Parse(stepsPageText))
