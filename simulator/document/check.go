package document

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// checker compares a parsed document with the Go type that it is to be read into, and collects
// every difference. The decoder behind it would stop at the first.
type checker struct {
	source   *Source
	problems Problems
	anchors  map[string]ast.Node
	values   int
	depth    int
}

const maxDepth = 64

func (c *checker) fail(node ast.Node, path, format string, args ...any) {
	if len(c.problems) < 100 {
		c.problems = append(c.problems, c.source.problem(node, path, format, args...))
	}
}

// value checks one value against a type. Aliases are followed, so that the bound on values
// counts what the decoder would really make of them.
func (c *checker) value(node ast.Node, t reflect.Type, path string) {
	c.values++
	c.depth++
	defer func() { c.depth-- }()
	if c.values > maxValues || c.depth > maxDepth {
		if c.values == maxValues+1 || c.depth == maxDepth+1 {
			c.fail(node, path, "the document has more than %d values or is nested deeper than %d, counted with its aliases: write it without them", maxValues, maxDepth)
			c.values = maxValues + 2
		}
		return
	}
	switch n := node.(type) {
	case *ast.AnchorNode:
		c.anchors[n.Name.GetToken().Value] = n.Value
		c.value(n.Value, t, path)
		return
	case *ast.AliasNode:
		target, ok := c.anchors[n.Value.GetToken().Value]
		if !ok {
			c.fail(node, path, "alias *%s: no anchor of that name stands before it", n.Value.GetToken().Value)
			return
		}
		c.value(target, t, path)
		return
	case *ast.TagNode:
		c.fail(node, path, "found the tag %s: tags are not used here, remove it", n.Start.Value)
		return
	case *ast.NullNode:
		return // the same as leaving it out
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(textUnmarshaler) {
		c.text(node, t, path)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		c.structure(node, t, path)
	case reflect.Slice, reflect.Array:
		n, ok := node.(*ast.SequenceNode)
		if !ok {
			c.fail(node, path, "found %s, expected a list", describe(node))
			return
		}
		for i, v := range n.Values {
			c.value(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Map:
		for _, v := range mappingValues(node) {
			c.value(v.Value, t.Elem(), join(path, keyOf(v)))
		}
	default:
		c.scalar(node, t, path)
	}
}

func (c *checker) structure(node ast.Node, t reflect.Type, path string) {
	values := mappingValues(node)
	if values == nil {
		if n, ok := node.(*ast.MappingNode); ok && len(n.Values) == 0 {
			return
		}
		c.fail(node, path, "found %s, expected %s", describe(node), fieldList(t))
		return
	}
	fields := fieldsOf(t)
	seen := map[string]bool{}
	for _, v := range values {
		key := keyOf(v)
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			c.value(v.Value, t, path)
			continue
		}
		field, ok := fields[key]
		switch {
		case !ok:
			c.fail(v.Key, path, "unknown key %q%s; the keys here are %s", key, DidYouMean(key, names(t)), strings.Join(names(t), ", "))
		case seen[key]:
			c.fail(v.Key, path, "key %q stands twice: remove one", key)
		default:
			seen[key] = true
			c.value(v.Value, field, join(path, key))
		}
	}
}

func (c *checker) scalar(node ast.Node, t reflect.Type, path string) {
	s, ok := node.(ast.ScalarNode)
	if !ok {
		c.fail(node, path, "found %s, expected %s", describe(node), typeName(t))
		return
	}
	text := s.GetToken().Value
	bad := false
	switch t.Kind() {
	case reflect.Bool:
		_, isBool := node.(*ast.BoolNode)
		bad = !isBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if t == reflect.TypeFor[time.Duration]() {
			_, err := time.ParseDuration(text)
			bad = err != nil
			break
		}
		_, err := strconv.ParseInt(text, 10, t.Bits())
		bad = err != nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		_, err := strconv.ParseUint(text, 10, t.Bits())
		bad = err != nil
	case reflect.String:
		switch node.(type) {
		case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode:
		default:
			bad = true
		}
	}
	if bad {
		c.fail(node, path, "found %s, expected %s", describe(node), typeName(t))
	}
}

func (c *checker) text(node ast.Node, t reflect.Type, path string) {
	s, ok := node.(ast.ScalarNode)
	if !ok {
		c.fail(node, path, "found %s, expected a text", describe(node))
		return
	}
	u := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	if err := u.UnmarshalText([]byte(s.GetToken().Value)); err != nil {
		c.fail(node, path, "%v", err)
	}
}

func mappingValues(node ast.Node) []*ast.MappingValueNode {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// fieldsOf returns the keys of a struct with their types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for _, f := range flat(t) {
		out[f.name] = f.typ
	}
	return out
}

func names(t reflect.Type) []string {
	var out []string
	for _, f := range flat(t) {
		out = append(out, f.name)
	}
	return out
}

// field is a key of a document.
type field struct {
	name string
	typ  reflect.Type
}

// flat lists the keys of a struct in order; those of a struct that is embedded with "inline" stand
// among them.
func flat(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		name, f := key(t, i)
		switch {
		case name == "":
		case f.Anonymous && f.Type.Kind() == reflect.Struct && strings.Contains(f.Tag.Get("yaml"), ",inline"):
			out = append(out, flat(f.Type)...)
		default:
			out = append(out, field{name, f.Type})
		}
	}
	return out
}

func key(t reflect.Type, i int) (string, reflect.StructField) {
	f := t.Field(i)
	if !f.IsExported() {
		return "", f
	}
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return "", f
	}
	if name == "" {
		name = strings.ToLower(f.Name)
	}
	return name, f
}

func fieldList(t reflect.Type) string {
	return "a mapping with the keys " + strings.Join(names(t), ", ")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func describe(node ast.Node) string {
	switch n := node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case ast.ScalarNode:
		return strconv.Quote(shorten(n.GetToken().Value))
	}
	return "a value"
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30s or 10m"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	}
	return "a whole number"
}
