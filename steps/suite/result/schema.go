package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"
)

// document is a report as it stands in a file: what WriteJSON writes.
type document struct {
	Report
	Results []written `json:"results"`
}

// JSONSchema is the JSON Schema (2020-12) of a report as JSON.
func JSONSchema() ([]byte, error) {
	reflector := jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			var words []any
			switch t {
			case reflect.TypeFor[Status]():
				for _, s := range append(Statuses(), NotRun) {
					words = append(words, s)
				}
			case reflect.TypeFor[Verdict]():
				words = []any{VerdictPassed, VerdictFailed, VerdictError, VerdictPartial}
			case reflect.TypeFor[Origin]():
				words = []any{OfFeature, OfTarget, OfHarness}
			default:
				return nil
			}
			return &jsonschema.Schema{Type: "string", Enum: words}
		},
	}
	schema := reflector.Reflect(document{})
	schema.Title = "Gatehouse: a report of gatehouse test (" + Schema + ")"
	if form, ok := schema.Properties.Get("schema"); ok {
		form.Const = Schema
	}
	plain, err := json.Marshal(schema)
	if err != nil {
		return nil, fmt.Errorf("making the schema of a report: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, plain, "", "  "); err != nil {
		return nil, fmt.Errorf("making the schema of a report: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
