package odata

import (
	"slices"
	"strings"
)

const (
	// maxFilter bounds a filter in bytes, maxNodes in comparisons and calls, and maxDepth in
	// parentheses within parentheses. [?]
	maxFilter = 4 << 10
	maxNodes  = 200
	maxDepth  = 16
)

// Filter is a $filter that was read and fits its entity type.
type Filter struct{ root condition }

// Match tells whether an entity passes.
func (f *Filter) Match(entity any) bool { return f == nil || f.root.holds(entity) }

// condition is true or false of an entity.
type condition interface{ holds(entity any) bool }

// all and any hold if all or any of their parts do.
type (
	allOf []condition
	anyOf []condition
)

func (c allOf) holds(entity any) bool {
	return !slices.ContainsFunc(c, func(part condition) bool { return !part.holds(entity) })
}

func (c anyOf) holds(entity any) bool {
	return slices.ContainsFunc(c, func(part condition) bool { return part.holds(entity) })
}

// operand is a property, or if that is nil a value.
type operand struct {
	property *Property
	value    any
}

func (o operand) of(entity any) any {
	if o.property != nil {
		return o.property.value(entity)
	}
	return o.value
}

// comparison is eq, or if negated ne.
type comparison struct {
	left, right operand
	negated     bool
}

func (c comparison) holds(entity any) bool {
	return (compare(c.left.of(entity), c.right.of(entity)) == 0) != c.negated
}

// truth is an operand that is true or false itself.
type truth struct{ operand operand }

func (t truth) holds(entity any) bool {
	yes, _ := t.operand.of(entity).(bool)
	return yes
}

// constant is a condition whose result is compared: startswith(…) eq false.
type constant struct {
	condition condition
	want      bool
}

func (c constant) holds(entity any) bool { return c.condition.holds(entity) == c.want }

// textual is startswith or substringof.
type textual struct {
	in, part operand
	test     func(s, part string) bool
}

func (t textual) holds(entity any) bool {
	in, ok := t.in.of(entity).(string)
	part, okPart := t.part.of(entity).(string)
	return ok && okPart && t.test(in, part) // nothing is true of null
}

// parser reads a filter. It goes down by precedence: or, and, comparison.
type parser struct {
	lexer lexer
	token token // the next one
	typ   *EntityType
	nodes int
	depth int
}

// unsupported are operators and functions of OData 2 that the interface does not offer. [C: eq,
// and, or are used; ne and the two functions: as OData says]
var (
	unsupportedOperators = []string{"lt", "le", "gt", "ge", "add", "sub", "mul", "div", "mod", "not"}
	unsupportedFunctions = []string{"endswith", "length", "indexof", "replace", "substring", "tolower", "toupper", "trim", "concat",
		"day", "hour", "minute", "month", "second", "year", "round", "floor", "ceiling", "isof", "cast"}
)

// ParseFilter reads a $filter on entities of the type.
func ParseFilter(text string, t *EntityType) (*Filter, *Error) {
	if len(text) > maxFilter {
		return nil, badRequest("$filter has %d bytes, expected %d at most.", len(text), maxFilter)
	}
	p := parser{lexer: lexer{text: text}, typ: t}
	if err := p.advance(); err != nil {
		return nil, p.wrap(err)
	}
	root, err := p.or()
	if err != nil {
		return nil, p.wrap(err)
	}
	if p.token.kind != endOfText {
		return nil, p.wrap(p.unexpected("and, or, or the end"))
	}
	return &Filter{root: root}, nil
}

func (p *parser) wrap(err *Error) *Error {
	return &Error{Status: err.Status, Message: "$filter: " + err.Message}
}

func (p *parser) advance() (err *Error) {
	p.token, err = p.lexer.next()
	return err
}

func (p *parser) unexpected(expected string) *Error {
	if p.token.kind == endOfText {
		return badRequest("It ends where %s is expected.", expected)
	}
	rest := p.lexer.text[p.token.at:]
	if p.token.kind == word && slices.Contains(unsupportedOperators, p.token.text) {
		return notImplemented("The operator %q is not supported: use eq, ne, and, or.", p.token.text)
	}
	return badRequest("Found %q at position %d, expected %s.", clip(rest), p.token.at+1, expected)
}

func (p *parser) is(kind kind, text string) bool { return p.token.kind == kind && p.token.text == text }

func (p *parser) or() (condition, *Error) {
	first, err := p.and()
	if err != nil || !p.is(word, "or") {
		return first, err
	}
	parts := anyOf{first}
	for p.is(word, "or") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		next, err := p.and()
		if err != nil {
			return nil, err
		}
		parts = append(parts, next)
	}
	return parts, nil
}

func (p *parser) and() (condition, *Error) {
	first, err := p.comparison()
	if err != nil || !p.is(word, "and") {
		return first, err
	}
	parts := allOf{first}
	for p.is(word, "and") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		next, err := p.comparison()
		if err != nil {
			return nil, err
		}
		parts = append(parts, next)
	}
	return parts, nil
}

// comparison reads an operand or a condition, and what it is compared with, if it is.
func (p *parser) comparison() (condition, *Error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, badRequest("It has more than %d comparisons.", maxNodes)
	}
	left, c, err := p.primary()
	if err != nil {
		return nil, err
	}
	negated := p.is(word, "ne")
	if !negated && !p.is(word, "eq") {
		if p.token.kind == word && slices.Contains(unsupportedOperators, p.token.text) {
			return nil, p.unexpected("")
		}
		if c != nil {
			return c, nil
		}
		if left.typ() != Boolean {
			return nil, p.unexpected("eq or ne")
		}
		return truth{left}, nil
	}
	at := p.token.at
	if err := p.advance(); err != nil {
		return nil, err
	}
	right, other, err := p.primary()
	if err != nil {
		return nil, err
	}
	switch {
	case c != nil && other == nil && right.property == nil && right.typ() == Boolean:
		return constant{c, right.value.(bool) != negated}, nil
	case c != nil || other != nil:
		return nil, badRequest("A condition can be compared with true or false only, at position %d.", at+1)
	case !fit(left, right):
		return nil, badRequest("%s and %s cannot be compared, at position %d.", left.describe(), right.describe(), at+1)
	}
	return comparison{left, right, negated}, nil
}

// primary reads an operand, or a condition: one in parentheses, or a function.
func (p *parser) primary() (operand, condition, *Error) {
	switch {
	case p.token.kind == literal:
		o := operand{value: p.token.value}
		return o, nil, p.advance()
	case p.is(symbol, "("):
		if p.depth++; p.depth > maxDepth {
			return operand{}, nil, badRequest("Parentheses are nested more than %d deep.", maxDepth)
		}
		defer func() { p.depth-- }()
		if err := p.advance(); err != nil {
			return operand{}, nil, err
		}
		c, err := p.or()
		if err != nil {
			return operand{}, nil, err
		}
		return operand{}, c, p.expect(")")
	case p.token.kind == word && !slices.Contains(unsupportedOperators, p.token.text):
		name := p.token
		if err := p.advance(); err != nil {
			return operand{}, nil, err
		}
		if p.is(symbol, "(") {
			c, err := p.call(name)
			return operand{}, c, err
		}
		o, err := p.property(name)
		return o, nil, err
	}
	return operand{}, nil, p.unexpected("a property, a value or a function")
}

func (p *parser) expect(text string) *Error {
	if !p.is(symbol, text) {
		return p.unexpected(`"` + text + `"`)
	}
	return p.advance()
}

// call reads the arguments of a function; its name was read.
func (p *parser) call(name token) (condition, *Error) {
	switch {
	case slices.Contains(unsupportedFunctions, name.text):
		return nil, notImplemented("The function %q is not supported: use startswith or substringof.", name.text)
	case name.text != "startswith" && name.text != "substringof":
		return nil, badRequest("There is no function %q: use startswith or substringof.", clip(name.text))
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	first, err := p.textArgument(name.text)
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	second, err := p.textArgument(name.text)
	if err != nil {
		return nil, err
	}
	if name.text == "substringof" { // the part comes first
		return textual{in: second, part: first, test: strings.Contains}, p.expect(")")
	}
	return textual{in: first, part: second, test: strings.HasPrefix}, p.expect(")")
}

func (p *parser) textArgument(function string) (operand, *Error) {
	var o operand
	switch p.token.kind {
	case literal:
		o.value = p.token.value
		if err := p.advance(); err != nil {
			return o, err
		}
	case word:
		name := p.token
		if err := p.advance(); err != nil {
			return o, err
		}
		var err *Error
		if o, err = p.property(name); err != nil {
			return o, err
		}
	default:
		return o, p.unexpected("a property or a value")
	}
	if o.typ() != String {
		return o, badRequest("%s takes strings, and %s is none.", function, o.describe())
	}
	return o, nil
}

// property finds the property of a name.
func (p *parser) property(name token) (operand, *Error) {
	if strings.Contains(name.text, "/") {
		return operand{}, notImplemented("The path %q is not supported: name a property of %s itself.", clip(name.text), p.typ.Name)
	}
	property, ok := p.typ.property(name.text)
	if !ok {
		return operand{}, badRequest("%s has no property %q, at position %d.", p.typ.Name, clip(name.text), name.at+1)
	}
	if !property.Filter {
		return operand{}, notImplemented("%s cannot be filtered by %q%s.", p.typ.Name, property.Name, p.typ.filterable())
	}
	return operand{property: property}, nil
}

// filterable says which properties a filter may name.
func (t *EntityType) filterable() string {
	var names []string
	for _, p := range t.Properties {
		if p.Filter {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return ", nor by any other property"
	}
	return ", only by " + strings.Join(names, ", ")
}
