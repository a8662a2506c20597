package odata

import (
	"net/url"
	"slices"
	"strings"
)

const (
	// maxPath bounds a resource path, in bytes, and maxSegments the number of its segments. [?]
	maxPath     = 4 << 10
	maxSegments = 8
)

// Key is the key of an entity, as asked for: the value of each key property.
type Key struct {
	names  []string
	values []string
}

// Get returns the value of a key property.
func (k Key) Get(property string) string {
	if i := slices.Index(k.names, property); i >= 0 {
		return k.values[i]
	}
	return ""
}

// Step is one navigation of a path.
type Step struct {
	Navigation *Navigation
	HasKey     bool
	Key        Key
}

// Ending is what a path asks for of the resource that it leads to.
type Ending int

const (
	// Whole is the entity or the collection itself.
	Whole Ending = iota
	// Content is the content of a media entity, or the bare value of a property: $value.
	Content
	// Count is the number of entities.
	Count
	// Links is the link between two entities.
	Links
)

// Resource is what a path leads to.
type Resource struct {
	// Root is the service document, Metadata $metadata.
	Root     bool
	Metadata bool
	// Function is set for a function import.
	Function *FunctionImport
	// Set is the entity set that the path begins with.
	Set    EntitySet
	HasKey bool
	Key    Key
	// Steps are the navigations from there.
	Steps []Step
	// Property is set if the path leads to a property of an entity.
	Property *Property
	Ending   Ending
}

// Type is the type of the entities that the path leads to.
func (r Resource) Type() *EntityType {
	if n := len(r.Steps); n > 0 {
		return r.Steps[n-1].Navigation.To
	}
	return r.Set.Type
}

// Collection tells whether the path leads to a collection and not to one entity.
func (r Resource) Collection() bool {
	if n := len(r.Steps); n > 0 {
		last := r.Steps[n-1]
		return last.Navigation.Many && !last.HasKey
	}
	return r.Set.Name != "" && !r.HasKey
}

// ParsePath reads a resource path: what follows the service root, percent-encoded as on the wire.
func (m *Model) ParsePath(path string) (Resource, *Error) {
	if len(path) > maxPath {
		return Resource{}, Errorf(414, "The path has %d bytes, expected %d at most.", len(path), maxPath)
	}
	segments, err := split(path)
	if err != nil {
		return Resource{}, err
	}
	if len(segments) == 0 {
		return Resource{Root: true}, nil
	}
	if len(segments) > maxSegments {
		return Resource{}, badRequest("The path has %d segments, expected %d at most.", len(segments), maxSegments)
	}
	switch first := segments[0]; first {
	case "$metadata":
		if len(segments) > 1 {
			return Resource{}, badRequest("Nothing is expected behind $metadata.")
		}
		return Resource{Metadata: true}, nil
	case "$batch":
		return Resource{}, notImplemented("$batch is not supported: send the requests one by one.")
	}
	name, predicate, keyed, err := cutKey(segments[0])
	if err != nil {
		return Resource{}, err
	}
	if i := slices.IndexFunc(m.Functions, func(f FunctionImport) bool { return f.Name == name }); i >= 0 {
		if keyed || len(segments) > 1 {
			return Resource{}, badRequest("%s is a function: its parameters stand in the query.", name)
		}
		return Resource{Function: &m.Functions[i]}, nil
	}
	set, ok := m.set(name)
	if !ok {
		return Resource{}, Errorf(404, "Could not find an entity set or function import for %q.", clip(name))
	}
	r := Resource{Set: set, HasKey: keyed}
	if keyed {
		if r.Key, err = parseKey(predicate, set.Type); err != nil {
			return Resource{}, err
		}
	}
	return r, r.follow(segments[1:])
}

// follow reads the segments behind the entity set.
func (r *Resource) follow(segments []string) *Error {
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case "$value":
			if !last {
				return badRequest("Nothing is expected behind $value.")
			}
			r.Ending = Content
			return r.checkValue()
		case "$count":
			if !last {
				return badRequest("Nothing is expected behind $count.")
			}
			if !r.Collection() || r.Property != nil {
				return badRequest("$count counts a collection, and the path leads to one entity.")
			}
			r.Ending = Count
			return nil
		case "$links":
			if last || r.Collection() || r.Property != nil {
				return badRequest("$links stands between an entity and a navigation.")
			}
			r.Ending = Links
			continue
		}
		if r.Property != nil {
			return Errorf(404, "Nothing is behind the property %q.", r.Property.Name)
		}
		if err := r.step(segment); err != nil {
			return err
		}
	}
	if r.Ending == Links && len(r.Steps) == 0 {
		return badRequest("$links needs a navigation behind it.")
	}
	return nil
}

// step reads a segment that names a navigation or a property.
func (r *Resource) step(segment string) *Error {
	name, predicate, keyed, err := cutKey(segment)
	if err != nil {
		return err
	}
	from := r.Type()
	if r.Collection() {
		return badRequest("%q stands behind a collection: give the key of an entity.", clip(name))
	}
	if n, ok := from.navigation(name); ok {
		s := Step{Navigation: n, HasKey: keyed}
		if keyed {
			if !n.Many {
				return badRequest("%q leads to one entity and has no key.", name)
			}
			if s.Key, err = parseKey(predicate, n.To); err != nil {
				return err
			}
		}
		r.Steps = append(r.Steps, s)
		return nil
	}
	if p, ok := from.property(name); ok && !keyed && r.Ending != Links {
		r.Property = p
		return nil
	}
	return Errorf(404, "%s has neither a property nor a navigation %q.", from.Name, clip(name))
}

func (r *Resource) checkValue() *Error {
	switch {
	case r.Property != nil && r.Property.Complex != nil:
		return badRequest("The property %q is complex and has no bare value.", r.Property.Name)
	case r.Property != nil:
		return nil
	case r.Collection():
		return badRequest("$value stands behind an entity, and the path leads to a collection.")
	case !r.Type().Media:
		return badRequest("%s has no content of its own: $value stands behind one of its properties.", r.Type().Name)
	}
	return nil
}

// split takes a path apart at its slashes, except those in quotes, and decodes the segments. A
// quote may be encoded, as some clients do.
func split(path string) ([]string, *Error) {
	var raw []string
	quoted := false
	begin := 0
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\'', strings.HasPrefix(path[i:], "%27"):
			quoted = !quoted
		case path[i] == '/' && !quoted:
			raw = append(raw, path[begin:i])
			begin = i + 1
		}
	}
	if quoted {
		return nil, badRequest("A quote is not closed in the path.")
	}
	raw = append(raw, path[begin:])
	if raw[len(raw)-1] == "" {
		raw = raw[:len(raw)-1] // a slash at the end
	}
	segments := make([]string, len(raw))
	for i, s := range raw {
		decoded, err := url.PathUnescape(s)
		if err != nil {
			return nil, badRequest("The path is not percent-encoded as it should be.")
		}
		if decoded == "" {
			return nil, badRequest("The path has an empty segment.")
		}
		segments[i] = decoded
	}
	return segments, nil
}

// cutKey cuts the key predicate from a segment.
func cutKey(segment string) (name, predicate string, keyed bool, err *Error) {
	name, rest, found := strings.Cut(segment, "(")
	if !found {
		return segment, "", false, nil
	}
	predicate, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return "", "", false, badRequest("The key in %q is not closed with a parenthesis.", clip(segment))
	}
	return name, predicate, predicate != "", nil // "Set()" is the set
}

// parseKey reads a key predicate: 'x' or A='x',B='y'. All keys of the interface are strings.
func parseKey(predicate string, t *EntityType) (Key, *Error) {
	bad := func() (Key, *Error) {
		return Key{}, badRequest("Found the key %q, expected %s.", clip(predicate), t.keyForm())
	}
	in := lexer{text: predicate}
	first, err := in.next()
	if err != nil {
		return bad()
	}
	if first.kind == literal {
		value, isString := first.value.(string)
		if end, err := in.next(); err != nil || end.kind != endOfText || !isString || len(t.Keys) != 1 {
			return bad()
		}
		return Key{names: t.Keys, values: []string{value}}, nil
	}
	var k Key
	for token := first; ; {
		if token.kind != word || !slices.Contains(t.Keys, token.text) || slices.Contains(k.names, token.text) {
			return bad()
		}
		if equals, err := in.next(); err != nil || equals.kind != symbol || equals.text != "=" {
			return bad()
		}
		given, err := in.next()
		value, isString := given.value.(string)
		if err != nil || given.kind != literal || !isString {
			return bad()
		}
		k.names, k.values = append(k.names, token.text), append(k.values, value)
		comma, err := in.next()
		if err != nil {
			return bad()
		}
		if comma.kind == endOfText {
			break
		}
		if comma.kind != symbol || comma.text != "," {
			return bad()
		}
		if token, err = in.next(); err != nil {
			return bad()
		}
	}
	if len(k.names) != len(t.Keys) {
		return bad()
	}
	return k, nil
}

// keyForm is an example of the type's key.
func (t *EntityType) keyForm() string {
	if len(t.Keys) == 1 {
		return "('" + t.Keys[0] + "')"
	}
	parts := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		parts[i] = k + "='…'"
	}
	return "(" + strings.Join(parts, ",") + ")"
}

// StringLiteral reads the value of a function's parameter: a string in quotes.
func StringLiteral(text string) (string, bool) {
	in := lexer{text: text}
	t, err := in.next()
	if err != nil || t.kind != literal {
		return "", false
	}
	value, ok := t.value.(string)
	if end, err := in.next(); err != nil || end.kind != endOfText {
		return "", false
	}
	return value, ok
}
