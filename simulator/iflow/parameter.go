package iflow

import (
	"maps"
	"slices"
	"strings"
)

// parameters collects what has a value: from parameters.prop, and what the user gave instead.
func (b *builder) parameters(properties []property) {
	for _, p := range properties {
		parameter := Parameter{Key: p.key, Value: p.value, Source: PropertiesFile}
		if value, ok := b.givenValue(p.key); ok {
			parameter.Value, parameter.Source = value, Given
		}
		b.values[p.key] = parameter
		b.flow.Parameters = append(b.flow.Parameters, parameter)
	}
}

// givenValue is what the user gave for a parameter; for this flow only, before for all.
func (b *builder) givenValue(key string) (string, bool) {
	if value, ok := b.given[b.flow.ID+"/"+key]; ok {
		return value, true
	}
	value, ok := b.given[key]
	return value, ok
}

// resolve puts the values of parameters in the place of {{Name}}; a name may hold blanks and odd
// characters [C: exported flows]. What a value holds is not resolved again. Names without a value
// are told, and stay as they stand.
func (b *builder) resolve(text string) (value string, missing []string) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		name, after, closed := strings.Cut(rest, "}}")
		out.WriteString(before)
		if !found {
			return out.String(), missing
		}
		if !closed {
			out.WriteString("{{" + rest)
			return out.String(), missing
		}
		text = after
		if p, ok := b.parameter(name); ok {
			out.WriteString(p.Value)
			continue
		}
		out.WriteString("{{" + name + "}}")
		if !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
}

// parameter finds a parameter by its name and notes that the flow uses it.
func (b *builder) parameter(name string) (Parameter, bool) {
	p, known := b.values[name]
	if !known {
		trimmed := strings.TrimSpace(name)
		p, known = b.values[trimmed]
		if !known {
			p = Parameter{Key: trimmed, Source: Missing}
			if value, ok := b.givenValue(trimmed); ok {
				p.Value, p.Source = value, Given
			}
			b.values[trimmed] = p
		}
	}
	return p, p.Source != Missing
}

// finish adds to the flow's parameters what it uses and parameters.prop does not have.
func (b *builder) finish() {
	listed := make(map[string]bool, len(b.flow.Parameters))
	for _, p := range b.flow.Parameters {
		listed[p.Key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(b.values)) {
		if !listed[key] {
			b.flow.Parameters = append(b.flow.Parameters, b.values[key])
		}
	}
}
