package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/steps/target"
)

// schemaTexts are the comments of the Go types that documents are read into, by type and field.
// "make docs" writes them anew.
//
//go:embed schema_texts.json
var schemaTexts []byte

// pkiDocument is a document with nothing but certificates.
type pkiDocument struct {
	// Clock is the time at which the certificates are minted, RFC 3339. Default: the machine's time.
	Clock time.Time `yaml:"clock,omitempty" json:"clock,omitzero"`
	// PKI lists the certificates.
	PKI []pki.Description `yaml:"pki" json:"pki"`
}

// schemaKind is a document that has a schema.
type schemaKind struct {
	name, title string
	value       any
}

var schemaKinds = []schemaKind{
	{"landscape", "Gatehouse: a landscape (landscape.yaml)", simulator.Landscape{}},
	{"pki", "Gatehouse: certificates (pki.yaml)", pkiDocument{}},
	{"target", "Gatehouse: a target of a suite (target.yaml)", target.Document{}},
}

func newSchema() *cobra.Command {
	names := make([]string, len(schemaKinds))
	for i, k := range schemaKinds {
		names[i] = k.name
	}
	return &cobra.Command{
		Use:   "schema DOCUMENT",
		Short: "Prints the JSON Schema of landscape.yaml, pki.yaml or target.yaml, for editors",
		Long: `Prints the JSON Schema (2020-12) of a document: landscape, pki or target. An editor that knows it
completes keys and values, shows what they mean and underlines what is wrong. With the YAML language
server, which most editors use, save it and begin the document with

  # yaml-language-server: $schema=pki.schema.json

The schema knows the shape. Names that lead nowhere, contradictions and everything else is told by
the commands that read the document.`,
		Example: `  gatehouse schema pki > pki.schema.json`,
		Args:    arguments(1, 1, "which document? expected landscape, pki or target"),
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			for _, k := range schemaKinds {
				if k.name != args[0] {
					continue
				}
				data, err := k.schema(schemaTexts)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(data)
				return written(err)
			}
			return invocation("%q has no schema, expected landscape, pki or target%s", args[0], document.DidYouMean(args[0], names))
		}),
		ValidArgs: names,
	}
}

// schema makes the schema with the texts, which are JSON.
func (k schemaKind) schema(texts []byte) ([]byte, error) {
	var about map[string]string
	if err := json.Unmarshal(texts, &about); err != nil {
		return nil, fmt.Errorf("reading the texts of the schema: %w", err)
	}
	return document.Schema(k.value, document.SchemaOptions{
		Title:    k.title,
		Describe: func(t reflect.Type, field string) string { return about[textKey(t, field)] },
		Texts: map[reflect.Type]document.Text{
			reflect.TypeFor[pki.Moment](): {
				Pattern:  `^(|now|[+-]([0-9]{1,6}(y|mo|w|d|h|m|s))+|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))?)$`,
				Examples: []string{"2027-01-31", "2027-01-31T12:00:00Z", "-30d", "+2y", "now"},
			},
			reflect.TypeFor[pki.Span](): {Pattern: `^([0-9]{1,6}(y|mo|w|d|h|m|s))+$`, Examples: []string{"365d", "1y6mo", "90m"}},
		},
		Refine: k.refinements(),
	})
}

func textKey(t reflect.Type, field string) string {
	key := path.Base(t.PkgPath()) + "." + t.Name()
	if field != "" {
		key += "." + field
	}
	return key
}

// refinements are the words that the fields know.
func (k schemaKind) refinements() map[string]func(*jsonschema.Schema) {
	if k.name == "target" {
		return map[string]func(*jsonschema.Schema){"PlayedDomain.mode": document.OneOf("request", "require", "none")}
	}
	var keys, formats []string
	for _, t := range pki.KeyTypes() {
		keys = append(keys, t.String())
	}
	for _, e := range keystore.Exports() {
		formats = append(formats, string(e.ID))
	}
	out := map[string]func(*jsonschema.Schema){
		"Description.defect":        document.OneOf(pki.DefectIDs()...),
		"Description.key":           document.OneOfOr(`^[A-Za-z0-9._: -]+$`, keys...),
		"Description.keyUsage":      document.OneOf(pki.KeyUsageNames()...),
		"Description.usage":         document.OneOfOr(`^[0-9]+(\.[0-9]+)+$`, pki.UsageNames()...),
		"Description.serial":        document.TextOrNumber(`^([0-9]+|0[xX][0-9a-fA-F]+)$`),
		"ExportDescription.formats": document.OneOf(formats...),
		"ExtensionDescription.oid":  pattern(`^[0-9]+(\.[0-9]+)+$`, "2.5.29.32"),
		"ExtensionDescription.value": func(s *jsonschema.Schema) {
			document.TextOrNumber(`^[0-9a-fA-F: \n\t]*$`)(s)
			s.Examples = []any{"0c:02:68:69"}
		},
	}
	if k.name == "landscape" {
		out["Tenant.profile"] = document.OneOf("iflmap", "hcioem")
		out["Sender.sends"] = document.OneOf("chain", "leaf-only", "with-root", "wrong-order", "leaf-last", "nothing")
		out["Verification.report"] = document.OneOf("first", "last")
		out["Verification.numbering"] = document.TextOrNumber(`^(3|1\.1)$`)
		out["Domain.mode"] = document.OneOf("request", "require", "none")
		out["Sender.tls"] = document.TextOrNumber(`^1\.[0-3]$`)
	}
	return out
}

func pattern(pattern, example string) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) { s.Pattern, s.Examples = pattern, []any{example} }
}
