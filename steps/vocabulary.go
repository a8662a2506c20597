package steps

import (
	"context"
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
	// Needs are the features that a target must have for it (package target), whatever the step's
	// words are; its phrases may need more: see Needs.
	Needs []string

	expr *regexp.Regexp
	bind func(*world) any
	// phrases, if set, tells what a phrase in the step's last word needs.
	phrases func(phrase string) []string
}

// Expression is the step's regular expression.
func (d Definition) Expression() string { return d.expr.String() }

// Matches tells whether the step understands a sentence.
func (d Definition) Matches(sentence string) bool { return d.expr.MatchString(sentence) }

var vocabulary = slices.Concat(landscapeSteps, channelSteps, senderSteps, tenantSteps, callSteps, outcomeSteps, logSteps, receiverSteps)

// Vocabulary lists all steps.
func Vocabulary() []Definition { return slices.Clone(vocabulary) }

// needs adds the features that a target must have for the step.
func (d Definition) needs(features ...string) Definition {
	d.Needs = append(d.Needs, features...)
	return d
}

// Needs lists the features that a target must have for a sentence, and whether any step understands
// it. A scenario carries a tag @needs-<feature> for each feature that one of its steps needs.
func Needs(sentence string) (features []string, understood bool) {
	for _, d := range vocabulary {
		m := d.expr.FindStringSubmatch(sentence)
		if m == nil {
			continue
		}
		features, understood = append(features, d.Needs...), true
		if d.phrases != nil {
			for _, part := range split(m[len(m)-1]) {
				features = append(features, d.phrases(part)...)
			}
		}
	}
	slices.Sort(features)
	return slices.Compact(features), understood
}

// step makes a definition; its expression is compiled once for all scenarios.
func step(noun, expr, example, meaning string, bind func(*world) any) Definition {
	return Definition{Noun: noun, Example: example, Meaning: meaning, expr: regexp.MustCompile("^" + expr + "$"), bind: bind}
}

// phrase is a part of a step that can be combined with others by "and": a way to call, or a
// property of a channel.
type phrase[T any] struct {
	expr     *regexp.Regexp
	example  string
	apply    func(ctx context.Context, w *world, to T, args []string) error
	features []string
}

func say[T any](expr, example string, apply func(ctx context.Context, w *world, to T, args []string) error) phrase[T] {
	return phrase[T]{expr: regexp.MustCompile("^" + expr + "$"), example: example, apply: apply}
}

// needs adds the features that a target must have for the phrase.
func (p phrase[T]) needs(features ...string) phrase[T] {
	p.features = append(p.features, features...)
	return p
}

// withPhrases has a step's last word be made of phrases.
func withPhrases[T any](d Definition, phrases *[]phrase[T]) Definition {
	d.phrases = func(text string) []string {
		for _, p := range *phrases {
			if p.expr.MatchString(text) {
				return p.features
			}
		}
		return nil
	}
	return d
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

// Phrase is a part of a step that can be combined with others by "and".
type Phrase struct {
	Example string
	// Needs are the features that a target must have for it, beside those of the step.
	Needs []string
}

// Ways lists all phrases that may follow `"X" calls`.
func Ways() []Phrase { return listed(ways) }

// ChannelProperties lists all phrases that may follow `a channel "…"`.
func ChannelProperties() []Phrase { return listed(channelProperties) }

func listed[T any](phrases []phrase[T]) []Phrase {
	out := make([]Phrase, len(phrases))
	for i, p := range phrases {
		out[i] = Phrase{p.example, slices.Clone(p.features)}
	}
	return out
}

func examples[T any](phrases []phrase[T]) []string {
	out := make([]string, len(phrases))
	for i, p := range phrases {
		out[i] = p.example
	}
	return out
}

// apply has the phrase that understands the text do its work; a text that none understands is
// answered with the nearest one.
func apply[T any](ctx context.Context, w *world, phrases []phrase[T], to T, text string) error {
	for _, p := range phrases {
		if m := p.expr.FindStringSubmatch(text); m != nil {
			return p.apply(ctx, w, to, m[1:])
		}
	}
	return unknownPhrase(text, examples(phrases))
}
