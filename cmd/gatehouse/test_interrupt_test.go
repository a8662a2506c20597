package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps/suite/result"
)

// interrupting cancels a context with what is written first.
type interrupting struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (w *interrupting) Write(data []byte) (int, error) {
	w.cancel()
	return w.Buffer.Write(data)
}

// Ctrl-C ends the run, and what came out until then is printed and stands in the reports.
func TestInterruptKeepsResults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var feature strings.Builder
	feature.WriteString("Feature: long\n")
	const scenarios = 30
	for i := range scenarios {
		fmt.Fprintf(&feature, "  Scenario: number %d\n    Given a sender \"warehouse\" that is let in\n", i)
	}
	file := filepath.Join(dir, "long.feature")
	require.NoError(t, os.WriteFile(file, []byte(feature.String()), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stderr := &interrupting{cancel: cancel}, &bytes.Buffer{}
	report := filepath.Join(dir, "report.json")
	code := run(ctx, []string{"test", file, "--verbose", "--concurrency", "1", "--report", "json=" + report, "--report", "html=" + filepath.Join(dir, "report.html")}, nil, stdout, stderr)
	assert.Equal(t, exitInterrupted, code)
	assert.Contains(t, stderr.String(), "the run was interrupted after 1 of 30 scenarios")
	assert.Contains(t, stdout.String(), "1 passed, 0 failed, 29 skipped\n")
	r, err := result.ReadFile(report)
	require.NoError(t, err)
	assert.Len(t, r.Results, scenarios)
	assert.Equal(t, result.VerdictError, r.Verdict)
	assert.Equal(t, "the run was interrupted", r.Reason)
	assert.FileExists(t, filepath.Join(dir, "report.html"))
}

// closed is an output that nobody reads any more, as behind "gatehouse test | head".
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestReportsAreWrittenThoughNobodyReadsTheOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, report := filepath.Join(dir, "x.feature"), filepath.Join(dir, "report.json")
	require.NoError(t, os.WriteFile(file, []byte("Feature: x\n  Scenario: y\n    Given a sender \"warehouse\" that is let in\n"), 0o600))
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"test", file, "--verbose", "--report", "json=" + report}, nil, closed{}, &stderr)
	assert.Equal(t, exitInterrupted, code)
	assert.Contains(t, stderr.String(), "writing the output: broken pipe")
	r, err := result.ReadFile(report)
	require.NoError(t, err)
	assert.True(t, r.OK())
}
