package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
)

// SchemaOptions say what a schema tells beyond the shape of the Go type.
type SchemaOptions struct {
	// Title is that of the document.
	Title string
	// Describe is the text about a type, or with the name of a Go field about that. Default: no
	// texts.
	Describe func(t reflect.Type, field string) string
	// Texts are the schemas of types that are read from a text.
	Texts map[reflect.Type]Text
	// Refine changes what is said of a field; its keys are "Type.key" with the key of the document,
	// "Channel.address" for instance. A key that no field has is an error.
	Refine map[string]func(*jsonschema.Schema)
}

// Text describes the texts of a type that is read from a text.
type Text struct {
	// Pattern is a regular expression that all texts match, and Format a format of JSON Schema.
	Pattern, Format string
	Examples        []string
}

// durations are texts such as 10s or 1m30s.
var durations = Text{Pattern: `^[+-]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$`, Examples: []string{"10s", "5m"}}

// Schema is the JSON Schema (2020-12) of the documents that [Read] reads into the value, which is a
// struct with yaml tags. It says what Read says of the shape: no other keys, values of the right
// type. A field whose tag has no omitempty is required, which Read leaves to whoever knows what the
// document means.
func Schema(value any, o SchemaOptions) ([]byte, error) {
	reflector := jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, FieldNameTag: "yaml",
		LookupComment: o.Describe,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			text, known := o.Texts[t]
			switch {
			case known:
			case t == reflect.TypeFor[time.Duration]():
				text = durations
			case t == reflect.TypeFor[time.Time]():
				text = Text{Format: "date-time", Examples: []string{"2027-01-31T12:00:00Z"}}
			default:
				return nil
			}
			return text.schema()
		},
	}
	t := reflect.TypeOf(value)
	schema := reflector.ReflectFromType(t)
	schema.Title = o.Title
	schema.Description = ""
	for key, refine := range o.Refine {
		typeName, property, _ := strings.Cut(key, ".")
		within := schema.Definitions[typeName]
		if typeName == t.Name() {
			within = schema
		}
		if within == nil || within.Properties == nil {
			return nil, fmt.Errorf("making the schema of %s: it has no type %q", t.Name(), typeName)
		}
		found, there := within.Properties.Get(property)
		if !there {
			return nil, fmt.Errorf("making the schema of %s: %s has no key %q", t.Name(), typeName, property)
		}
		refine(found)
	}
	plain, err := json.Marshal(schema)
	if err != nil {
		return nil, fmt.Errorf("making the schema of %s: %w", t.Name(), err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, plain, "", "  "); err != nil {
		return nil, fmt.Errorf("making the schema of %s: %w", t.Name(), err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func (t Text) schema() *jsonschema.Schema {
	out := &jsonschema.Schema{Type: "string", Pattern: t.Pattern, Format: t.Format}
	for _, example := range t.Examples {
		out.Examples = append(out.Examples, example)
	}
	return out
}

// OneOf lets a field have one of these values only; in a list, each of its items.
func OneOf(values ...string) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		into := itemsOf(s)
		into.Type, into.Enum = "string", anyOf(values)
	}
}

// OneOfOr proposes these values and accepts every other text that matches the pattern; in a list,
// for each of its items.
func OneOfOr(pattern string, values ...string) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		into := itemsOf(s)
		into.Type = ""
		into.AnyOf = []*jsonschema.Schema{{Type: "string", Enum: anyOf(values)}, {Type: "string", Pattern: pattern}}
	}
}

// TextOrNumber accepts a number too where a text is meant: what looks like a number in YAML is one
// for an editor.
func TextOrNumber(pattern string) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		into := itemsOf(s)
		into.Type = ""
		into.AnyOf = []*jsonschema.Schema{{Type: "string", Pattern: pattern}, {Type: "number"}}
	}
}

// itemsOf is what is said of the single values of a list, or of the value itself. What other fields
// are described by too is copied first.
func itemsOf(s *jsonschema.Schema) *jsonschema.Schema {
	if s.Items == nil {
		return s
	}
	own := *s.Items
	s.Items = &own
	return &own
}

func anyOf(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
