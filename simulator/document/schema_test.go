package document_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/document"
)

type garden struct {
	Name   string        `yaml:"name"`
	Beds   []bed         `yaml:"beds,omitempty"`
	Water  time.Duration `yaml:"water,omitempty"`
	Opened time.Time     `yaml:"opened,omitempty"`
	Gate   *int          `yaml:"gate,omitempty"`
	Closed bool          `yaml:"closed,omitempty"`
	hidden int
}

type bed struct {
	Plant   string   `yaml:"plant"`
	Colours []string `yaml:"colours,omitempty"`
	Row     string   `yaml:"row,omitempty"`
}

func gardenSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := document.Schema(garden{hidden: 1}, document.SchemaOptions{
		Title:    "A garden",
		Describe: func(t reflect.Type, field string) string { return t.Name() + " " + field },
		Refine: map[string]func(*invopop.Schema){
			"bed.plant": document.OneOf("rose", "leek"), "bed.colours": document.OneOfOr("^#", "red"), "bed.row": document.TextOrNumber(""),
		},
	})
	require.NoError(t, err)
	assert.Contains(t, string(data), `"description": "bed Colours"`)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("garden.json", parsed))
	schema, err := compiler.Compile("garden.json")
	require.NoError(t, err)
	return schema
}

func valid(t *testing.T, schema *jsonschema.Schema, text string) bool {
	t.Helper()
	var value any
	require.NoError(t, yaml.Unmarshal([]byte(text), &value))
	plain, err := json.Marshal(value)
	require.NoError(t, err)
	again, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	require.NoError(t, err)
	return schema.Validate(again) == nil
}

func TestSchemaSaysWhatTheReaderSays(t *testing.T) {
	t.Parallel()
	schema := gardenSchema(t)
	for text, want := range map[string]bool{
		"{name: a}": true, "{name: a, beds: []}": true, "{name: a, gate: 3, closed: true}": true,
		"{name: a, water: 10s}": true, "{name: a, water: 1m30s}": true, "{name: a, opened: \"2027-01-31T12:00:00Z\"}": true,
		"{name: a, beds: [{plant: rose, colours: [red]}]}": true,

		"{name: a, bed: []}": false, "{name: [a]}": false, "{name: true}": false, "{name: a, beds: {}}": false,
		"{name: a, beds: [rose]}": false, "{name: a, gate: x}": false, "{name: a, gate: 1.5}": false, "{name: a, closed: yes please}": false,
		"{name: a, water: 10}": false, "{name: a, water: soon}": false, "{name: a, opened: tomorrow}": false, "[]": false,
		"{name: a, beds: [{plant: rose, height: 1}]}": false,
	} {
		_, err := document.Read("garden.yaml", []byte(text), new(garden))
		assert.Equal(t, want, err == nil, "the reader: %s: %v", text, err)
		assert.Equal(t, want, valid(t, schema, text), "the schema: %s", text)
	}
}

func TestSchemaSaysMore(t *testing.T) {
	t.Parallel()
	schema := gardenSchema(t)
	for text, want := range map[string]bool{
		"{beds: []}": false, "{name: a, beds: [{plant: rse}]}": false, "{name: a, beds: [{}]}": false,
		"{name: a, beds: [{plant: leek, colours: [blue]}]}": false, "{name: a, beds: [{plant: leek, colours: ['#0000ff']}]}": true,
		"{name: a, beds: [{plant: leek, row: 1.2}]}": true, "{name: a, beds: [{plant: leek, row: true}]}": false,
	} {
		assert.Equal(t, want, valid(t, schema, text), text)
	}
	for _, key := range []string{"bed.weeds", "weed.plant", "garden.bed"} {
		_, err := document.Schema(garden{}, document.SchemaOptions{Refine: map[string]func(*invopop.Schema){key: document.OneOf("a")}})
		assert.ErrorContains(t, err, "making the schema of garden", key)
	}
}
