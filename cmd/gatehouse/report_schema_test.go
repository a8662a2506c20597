package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps/suite/result"
)

// The schema of reports is a file that others build on: a change of it shows in a review. "make
// docs" writes it anew.
func TestDocumentsAreFreshReportSchema(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "report.schema.json")
	schema, err := result.JSONSchema()
	require.NoError(t, err)
	if os.Getenv("GATEHOUSE_DOCS") == "write" {
		require.NoError(t, os.WriteFile(file, schema, 0o644))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(schema), strings.ReplaceAll(string(have), "\r\n", "\n"), "stale: run make docs. What a report means must not change without another version in result.Schema")
}
