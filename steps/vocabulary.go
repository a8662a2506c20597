package steps

import (
	"regexp"
	"slices"
	"strings"
)

// Definition is one step of the vocabulary.
type Definition struct {
	// Noun is what the step is about; the vocabulary is sorted by it.
	Noun string
	// Example is a sentence that the step understands.
	Example string
	// Meaning says what the step does or demands.
	Meaning string

	expr *regexp.Regexp
	bind func(*world) any
}

// Expression is the step's regular expression.
func (d Definition) Expression() string { return d.expr.String() }

// Matches tells whether the step understands a sentence.
func (d Definition) Matches(sentence string) bool { return d.expr.MatchString(sentence) }

var vocabulary = slices.Concat(landscapeSteps, channelSteps, senderSteps, tenantSteps, callSteps, outcomeSteps, logSteps, receiverSteps)

// Vocabulary lists all steps.
func Vocabulary() []Definition { return slices.Clone(vocabulary) }

// step makes a definition; its expression is compiled once for all scenarios.
func step(noun, expr, example, meaning string, bind func(*world) any) Definition {
	return Definition{Noun: noun, Example: example, Meaning: meaning, expr: regexp.MustCompile("^" + expr + "$"), bind: bind}
}

// phrase is a part of a step that can be combined with others by "and": a way to call, or a
// property of a channel.
type phrase[T any] struct {
	expr    *regexp.Regexp
	example string
	apply   func(w *world, to T, args []string) error
}

func say[T any](expr, example string, apply func(w *world, to T, args []string) error) phrase[T] {
	return phrase[T]{regexp.MustCompile("^" + expr + "$"), example, apply}
}

// split divides phrases at " and ", outside of quotes.
func split(text string) []string {
	var parts []string
	quoted, begin := false, 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(text[i:], " and "):
			parts = append(parts, text[begin:i])
			begin = i + len(" and ")
			i = begin - 1
		}
	}
	if rest := strings.TrimSpace(text[begin:]); rest != "" {
		parts = append(parts, rest)
	}
	return parts
}

// Ways lists examples of all phrases that may follow `"X" calls`.
func Ways() []string {
	var out []string
	for _, p := range ways {
		out = append(out, p.example)
	}
	return out
}

// ChannelProperties lists examples of all phrases that may follow `a channel "…"`.
func ChannelProperties() []string {
	var out []string
	for _, p := range channelProperties {
		out = append(out, p.example)
	}
	return out
}
