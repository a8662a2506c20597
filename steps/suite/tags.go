package suite

import (
	"fmt"
	"strings"

	"example.com/gatehouse/simulator/document"
)

// TagExpression chooses scenarios by their tags: names with and, or, not and parentheses. "@LB"
// stands for a tag of that name and for all requirements LB-1, LB-2 and so on.
type TagExpression struct {
	source string
	match  func(tags map[string]bool) bool
	names  []string
}

// ParseTags reads a tag expression; an empty one chooses everything.
func ParseTags(text string) (TagExpression, error) {
	p := &tagParser{text: text}
	p.next()
	if p.token == "" {
		return TagExpression{match: func(map[string]bool) bool { return true }}, nil
	}
	match, err := p.or(0)
	if err == nil && p.token != "" {
		err = p.fail("expected \"and\", \"or\" or the end")
	}
	if err != nil {
		return TagExpression{}, err
	}
	return TagExpression{source: text, match: match, names: p.names}, nil
}

// Match tells whether a scenario with these tags is chosen.
func (e TagExpression) Match(tags []string) bool {
	set := make(map[string]bool, 2*len(tags))
	for _, t := range tags {
		set[t] = true
		if group, number, ok := strings.Cut(t, "-"); ok && number != "" && strings.Trim(number, "0123456789") == "" {
			set[group] = true
		}
	}
	return e.match(set)
}

// check finds names in the expression that no scenario has: they would choose silently wrong.
func (e TagExpression) check(known []string) error {
	all := map[string]bool{}
	for _, t := range known {
		all[t] = true
		if group, _, ok := strings.Cut(t, "-"); ok {
			all[group] = true
		}
	}
	words := make([]string, 0, len(all))
	for t := range all {
		words = append(words, t)
	}
	for _, name := range e.names {
		if !all[name] {
			return &TagError{Expression: e.source, Message: fmt.Sprintf("no scenario has the tag %s%s", name, document.DidYouMean(name, words))}
		}
	}
	return nil
}

// TagError is a tag expression that cannot be used.
type TagError struct {
	Expression string
	// Column counts from 1; 0 if the whole expression is meant.
	Column  int
	Message string
}

func (e *TagError) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("tag expression %q: %s", e.Expression, e.Message)
	}
	return fmt.Sprintf("tag expression %q, column %d: %s", e.Expression, e.Column, e.Message)
}

type tagParser struct {
	text  string
	at    int // behind the token
	begin int // of the token
	token string
	names []string
}

func (p *tagParser) next() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
	p.begin = p.at
	if p.at < len(p.text) && (p.text[p.at] == '(' || p.text[p.at] == ')') {
		p.at++
	} else {
		for p.at < len(p.text) && !strings.ContainsRune(" \t()", rune(p.text[p.at])) {
			p.at++
		}
	}
	p.token = p.text[p.begin:p.at]
}

func (p *tagParser) fail(format string, args ...any) error {
	found := fmt.Sprintf("found %q", p.token)
	if p.token == "" {
		found = "found the end"
	}
	return &TagError{Expression: p.text, Column: p.begin + 1, Message: found + ", " + fmt.Sprintf(format, args...)}
}

type matcher = func(map[string]bool) bool

func (p *tagParser) or(depth int) (matcher, error) {
	left, err := p.and(depth)
	for err == nil && p.token == "or" {
		p.next()
		var right matcher
		if right, err = p.and(depth); err == nil {
			a, b := left, right
			left = func(t map[string]bool) bool { return a(t) || b(t) }
		}
	}
	return left, err
}

func (p *tagParser) and(depth int) (matcher, error) {
	left, err := p.not(depth)
	for err == nil && p.token == "and" {
		p.next()
		var right matcher
		if right, err = p.not(depth); err == nil {
			a, b := left, right
			left = func(t map[string]bool) bool { return a(t) && b(t) }
		}
	}
	return left, err
}

func (p *tagParser) not(depth int) (matcher, error) {
	if depth > 100 {
		return nil, p.fail("which is nested deeper than 100")
	}
	switch {
	case p.token == "not":
		p.next()
		inner, err := p.not(depth + 1)
		if err != nil {
			return nil, err
		}
		return func(t map[string]bool) bool { return !inner(t) }, nil
	case p.token == "(":
		p.next()
		inner, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.token != ")" {
			return nil, p.fail("expected \")\"")
		}
		p.next()
		return inner, nil
	case strings.HasPrefix(p.token, "@") && len(p.token) > 1:
		name := p.token
		p.names = append(p.names, name)
		p.next()
		return func(t map[string]bool) bool { return t[name] }, nil
	}
	return nil, p.fail("expected a tag such as @LB-3, \"not\" or \"(\"")
}
