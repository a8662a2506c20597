package target_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps/target"
)

// The page about targets holds a document that is read as it stands, every feature, and every limit.
// GATEHOUSE_DOCS=write brings its tables up to date.
func TestPageAboutTargets(t *testing.T) {
	page := filepath.Join("..", "..", "docs", "targets.md")
	data, err := os.ReadFile(page)
	require.NoError(t, err)
	text := string(data)

	var rows []string
	for _, f := range target.Features() {
		rows = append(rows, fmt.Sprintf("| `%s` | … %s |", f.Feature, f.Meaning))
	}
	want := table(t, text, "| feature | the target … |", rows)
	want = table(t, want, "| wait | limit | key |", []string{
		fmt.Sprintf("| the access log line of a call that was answered | %s | `limits.log` |", target.DefaultLogLimit),
		fmt.Sprintf("| trace records once the line is there | %s | `limits.trace` |", target.DefaultTraceLimit),
		fmt.Sprintf("| nothing, before there is no line | %s | `limits.absence` |", target.DefaultAbsenceLimit),
		fmt.Sprintf("| a change of the tenant: a deployment, the platform API | %s | `limits.change` |", target.DefaultChangeLimit),
		fmt.Sprintf("| finding out what the target can do | %s | |", target.ProbeLimit),
		fmt.Sprintf("| putting back what one scenario changed | %s | |", target.RestoreLimit),
	})
	if want != text && os.Getenv("GATEHOUSE_DOCS") == "write" {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		text = want
	}
	assert.Equal(t, want, text, "run: GATEHOUSE_DOCS=write go test ./steps/target -run TestPage")

	document := strings.Split(strings.Split(text, "```yaml\n")[1], "```")[0]
	folder := t.TempDir()
	for _, file := range regexp.MustCompile(`[\w-]+\.(pem|key|p12|txt)\b`).FindAllString(document, -1) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), nil, 0o600))
	}
	for _, env := range regexp.MustCompile(`passwordEnv: (\w+)`).FindAllStringSubmatch(document, -1) {
		t.Setenv(env[1], "x")
	}
	_, err = target.ParseDocument("target.yaml", []byte(document), folder)
	require.NoError(t, err)
}

// table replaces the rows of the table with that head.
func table(t *testing.T, text, head string, rows []string) string {
	t.Helper()
	before, rest, found := strings.Cut(text, head+"\n")
	require.True(t, found, head)
	line, rest, _ := strings.Cut(rest, "\n")
	_, after, more := strings.Cut(rest, "\n\n")
	out := before + head + "\n" + line + "\n" + strings.Join(rows, "\n") + "\n"
	if more {
		out += "\n" + after
	}
	return out
}
