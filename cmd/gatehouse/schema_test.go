package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
)

// The schemas in docs/ and the texts in them are made from the Go types and their comments.
func TestDocumentsAreFreshSchemas(t *testing.T) {
	fresh := map[string][]byte{"schema_texts.json": schemaTextsOf(t, "../../simulator/landscape.go", "../../simulator/landscape_content.go", "../../pki/description.go", "../../steps/target/document.go", "schema.go")}
	for _, k := range schemaKinds {
		data, err := k.schema(fresh["schema_texts.json"])
		require.NoError(t, err)
		fresh[filepath.Join("..", "..", "docs", k.name+".schema.json")] = data
	}
	for file, want := range fresh {
		if os.Getenv("GATEHOUSE_DOCS") == "write" {
			require.NoError(t, os.WriteFile(file, want, 0o644))
		}
		have, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(want), strings.ReplaceAll(string(have), "\r\n", "\n"), "%s is stale: run make docs", file)
	}
}

// schemaTextsOf reads the comments of the exported fields of structs.
func schemaTextsOf(t *testing.T, files ...string) []byte {
	t.Helper()
	texts := map[string]string{}
	link := regexp.MustCompile(`\[([A-Z][A-Za-z.]*)\]`)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, isType := n.(*ast.TypeSpec)
			if !isType {
				return true
			}
			structure, isStruct := spec.Type.(*ast.StructType)
			if !isStruct {
				return false
			}
			above := ""
			for _, field := range structure.Fields.List {
				text := strings.Join(strings.Fields(link.ReplaceAllString(field.Doc.Text(), "$1")), " ")
				if text == "" {
					text = above // one comment for several fields
				}
				for _, name := range field.Names {
					if name.IsExported() && text != "" {
						texts[parsed.Name.Name+"."+spec.Name.Name+"."+name.Name] = text
					}
				}
				above = text
			}
			return false
		})
	}
	out, err := json.MarshalIndent(texts, "", "  ")
	require.NoError(t, err)
	return append(out, '\n')
}

func compiled(t *testing.T, k schemaKind) *jsonschema.Schema {
	t.Helper()
	data, err := k.schema(schemaTexts)
	require.NoError(t, err)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource(k.name+".json", parsed))
	schema, err := compiler.Compile(k.name + ".json")
	require.NoError(t, err)
	return schema
}

func validates(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var value any
	require.NoError(t, yaml.Unmarshal([]byte(text), &value))
	plain, err := json.Marshal(value)
	require.NoError(t, err)
	again, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	require.NoError(t, err)
	return schema.Validate(again)
}

func TestSchemasAcceptWhatIsRight(t *testing.T) {
	t.Parallel()
	landscape, certificates := compiled(t, schemaKinds[0]), compiled(t, schemaKinds[1])
	assert.NoError(t, validates(t, landscape, string(simulator.ExampleDocument())))
	for _, text := range []string{
		`{pki: [{name: root, ca: true, key: ecdsa-p256, notBefore: -5y, notAfter: "2040-01-31", validFor: 1y6mo, serial: 31, pathLen: 0}]}`,
		`{pki: [{name: a, issuer: r, usage: [clientAuth, 1.2.3.4], keyUsage: [], defect: expired, extensions: [{oid: 1.2.3, critical: true, value: "05:00"}], export: {formats: [p12, jks], alias: a, passwordEnv: P}}]}`,
		`{clock: "2026-01-01T00:00:00Z", pki: []}`,
	} {
		assert.NoError(t, validates(t, certificates, text), text)
		assert.NoError(t, validates(t, landscape, text), text)
		_, err := document.Read("pki.yaml", []byte(text), new(pkiDocument))
		assert.NoError(t, err, text)
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	require.NoError(t, err)
	seen := 0
	for _, script := range scripts {
		data, err := os.ReadFile(script)
		require.NoError(t, err)
		for _, part := range strings.Split(string(data), "\n-- ")[1:] {
			name, text, _ := strings.Cut(part, " --\n")
			var l simulator.Landscape
			if !strings.HasSuffix(name, ".yaml") || strings.Contains(script, "mistakes") || !strings.Contains(text, ":\n") && !strings.Contains(text, ": ") {
				continue
			}
			if _, err := document.Read(name, []byte(text), &l); err != nil {
				continue // a document that is to be refused
			}
			seen++
			if err := l.Validate(); err == nil {
				assert.NoError(t, validates(t, landscape, text), "%s in %s", name, script)
			}
		}
	}
	assert.Greater(t, seen, 8, "the documents of the scripts were not found")
}

// What the strict reader refuses for its shape, the schema refuses too.
func TestSchemasRefuseWhatTheReaderRefuses(t *testing.T) {
	t.Parallel()
	landscape, certificates := compiled(t, schemaKinds[0]), compiled(t, schemaKinds[1])
	for _, text := range []string{
		`{pki: [{name: a, isuer: b}]}`, `{pki: [{name: [a]}]}`, `{pki: {name: a}}`, `{pki: [a]}`, `[]`, `{pkis: []}`,
		`{pki: [{name: a, ca: "yes"}]}`, `{pki: [{name: a, pathLen: many}]}`, `{pki: [{name: a, usage: clientAuth}]}`,
		`{pki: [{name: a, notAfter: soon}]}`, `{pki: [{name: a, notBefore: 5d}]}`, `{pki: [{name: a, validFor: 1}]}`, `{pki: [{name: a, validFor: +1y}]}`,
		`{pki: [{name: a, notAfter: 2027-13}]}`, `{clock: yesterday, pki: []}`,
		`{pki: [{name: a, export: [pem]}]}`, `{pki: [{name: a, export: {format: [pem]}}]}`, `{pki: [{name: a, export: {formats: pem}}]}`,
		`{pki: [{name: a, extensions: {oid: 1.2.3}}]}`, `{pki: [{name: a, extensions: [{oid: 1.2.3, value: "00", crit: true}]}]}`,
		`{pki: [{name: a, extensions: [{oid: 1.2.3, value: "00", critical: 1}]}]}`,
	} {
		_, err := document.Read("pki.yaml", []byte(text), new(pkiDocument))
		assert.Error(t, err, "the reader: %s", text)
		assert.Error(t, validates(t, certificates, text), "the schema of pki.yaml: %s", text)
		_, err = document.Read("landscape.yaml", []byte(text), new(simulator.Landscape))
		assert.Error(t, err, "the reader: %s", text)
		assert.Error(t, validates(t, landscape, text), "the schema of landscape.yaml: %s", text)
	}
	for _, text := range []string{
		`{tenants: {}}`, `{tenant: {node: 2}}`, `{tenant: {nodes: two}}`, `{tenant: []}`, `{tenant: {nodesDown: 1}}`,
		`{loadBalancer: {trust: root}}`, `{loadBalancer: {limits: {call: 10}}}`, `{loadBalancer: {limits: {call: long}}}`,
		`{channels: [{adress: /http/a}]}`, `{channels: [{address: /http/a, csrfProtected: maybe}]}`, `{channels: {address: a}}`,
		`{channels: [{address: a, authorization: {clientCertificates: [{certificates: a}]}}]}`, `{mappings: [{certificate: a, user: {}}]}`,
		`{senders: [{name: a, sends: [chain]}]}`, `{senders: [{name: a, keepsCookies: 1}]}`, `{roles: [{rolle: a}]}`,
	} {
		_, err := document.Read("landscape.yaml", []byte(text), new(simulator.Landscape))
		assert.Error(t, err, "the reader: %s", text)
		assert.Error(t, validates(t, landscape, text), "the schema: %s", text)
	}
}

// Words that are read only later are known to the schema all the same.
func TestSchemasKnowTheWords(t *testing.T) {
	t.Parallel()
	certificates := compiled(t, schemaKinds[1])
	for _, text := range []string{
		`{pki: [{ca: true}]}`, `{pki: [{name: a, defect: expird}]}`, `{pki: [{name: a, usage: [clientauth]}]}`, `{pki: [{name: a, keyUsage: [1.2.3]}]}`,
		`{pki: [{name: a, export: {formats: [pen]}}]}`, `{pki: [{name: a, serial: twelve}]}`, `{pki: [{name: a, extensions: [{oid: x, value: ""}]}]}`,
		`{pki: [{name: a, extensions: [{oid: 1.2.3, value: xyz}]}]}`, `{}`,
	} {
		assert.Error(t, validates(t, certificates, text), text)
	}
	for _, k := range schemaKinds[:2] {
		data, err := k.schema(schemaTexts)
		require.NoError(t, err)
		assert.Contains(t, string(data), `"description": "Serial is the serial number, decimal, or hexadecimal behind 0x. Default: 128 random bits."`)
		assert.NotContains(t, string(data), `"description": ""`)
	}
}
