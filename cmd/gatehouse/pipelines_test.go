package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps/suite"
)

var block = regexp.MustCompile("(?s)```(yaml|console)\n(.*?)```")

// The pipelines of docs/pipelines.md can be copied: the YAML can be read, and each command in it
// exists and takes the flags.
func TestPipelinesCanBeCopied(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "pipelines.md"))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	documents, commands := 0, 0
	for _, found := range block.FindAllStringSubmatch(text, -1) {
		if found[1] == "yaml" {
			file, err := parser.ParseBytes([]byte(found[2]), 0)
			require.NoError(t, err, found[2])
			for _, doc := range file.Docs {
				var value map[string]any
				require.NoError(t, yaml.NodeToValue(doc.Body, &value))
				require.NotEmpty(t, value)
				documents++
			}
		}
		for _, line := range strings.Split(found[2], "\n") {
			if _, command, ok := strings.Cut(line, "gatehouse test"); ok && !strings.Contains(line, "#") {
				checkCommand(t, "test"+command)
				commands++
			} else if _, command, ok := strings.Cut(line, "gatehouse report merge"); ok {
				checkCommand(t, "report merge"+command)
				commands++
			} else if _, command, ok := strings.Cut(line, "gatehouse requirements"); ok {
				checkCommand(t, "requirements"+command)
				commands++
			}
		}
	}
	assert.Equal(t, 7, documents, "GitHub twice, GitLab, three of Kubernetes, known failures")
	assert.GreaterOrEqual(t, commands, 11)
	assert.Contains(t, text, suite.ShardTotal)

	// The known failures are a document that is read.
	_, known, _ := strings.Cut(text, "# known.yaml\n")
	known, _, _ = strings.Cut(known, "```")
	file := filepath.Join(t.TempDir(), "known.yaml")
	require.NoError(t, os.WriteFile(file, []byte(known), 0o600))
	expected, err := suite.ReadExpectations(file)
	require.NoError(t, err)
	assert.Len(t, expected, 2)
}

var variable = regexp.MustCompile(`\$\{\{[^}]*\}\}|\$[A-Za-z_]+`)

// checkCommand looks the command up and parses its flags, with numbers in place of variables.
func checkCommand(t *testing.T, line string) {
	t.Helper()
	line = strings.TrimSuffix(line, " || true")
	line = strings.ReplaceAll(line, "$balance", "--durations durations.json")
	words := strings.Fields(strings.TrimSpace(variable.ReplaceAllString(line, "1")))
	cmd, rest, err := newRoot().Find(words)
	require.NoError(t, err, line)
	require.True(t, cmd.Runnable(), line)
	require.NoError(t, cmd.ParseFlags(rest), line)
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "report" && cmd.Name() != "requirements" {
			values, err := cmd.Flags().GetStringArray("report")
			require.NoError(t, err)
			for i, value := range values {
				values[i] = strings.ReplaceAll(value, "=/", "="+t.TempDir()+"/")
			}
			_, err = parseReports(values)
			assert.NoError(t, err, line)
		}
		if f.Name == "shard" && f.Value.String() != "auto" {
			_, err := suite.ParseShard(f.Value.String())
			assert.NoError(t, err, line)
		}
		if f.Name == "order" {
			_, err := suite.ParseOrder(f.Value.String(), func() uint64 { return 1 })
			assert.NoError(t, err, line)
		}
	})
}
