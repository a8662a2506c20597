package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// doneAfter is a context that is cancelled when it has been asked so many times, as by a Ctrl-C in
// the middle of the work.
type doneAfter struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func (d *doneAfter) Err() error {
	if d.left.Add(-1) < 0 {
		d.cancel()
	}
	return d.Context.Err()
}

func TestInterruptedMintIsCompletedByTheNextRun(t *testing.T) {
	t.Parallel()
	var document strings.Builder
	document.WriteString("pki:\n  - {name: root, ca: true}\n")
	for i := range 20 {
		document.WriteString("  - {name: leaf-" + string(rune('a'+i)) + ", issuer: root}\n")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "pki.yaml")
	require.NoError(t, os.WriteFile(file, []byte(document.String()), 0o600))
	interruptedWhileWriting := 0
	for asked := int64(1); ; asked += 23 {
		out := filepath.Join(dir, "out")
		require.NoError(t, os.RemoveAll(out))
		inner, cancel := context.WithCancel(t.Context())
		var stdout, stderr bytes.Buffer
		ctx := &doneAfter{Context: inner, cancel: cancel}
		ctx.left.Store(asked)
		code := run(ctx, []string{"pki", "mint", "-f", file, "-o", out}, nil, &stdout, &stderr)
		cancel()
		if code == exitOK {
			break
		}
		require.Equal(t, exitInterrupted, code, stderr.String())
		assert.Contains(t, stderr.String(), "interrupted")
		list, err := os.ReadDir(out)
		if err == nil && len(list) > 1 {
			interruptedWhileWriting++
		}
		for _, entry := range list {
			info, err := entry.Info()
			require.NoError(t, err)
			assert.NotZero(t, info.Size(), entry.Name())
			assert.False(t, strings.HasPrefix(entry.Name(), ".gatehouse-"), entry.Name())
		}
		stderr.Reset()
		require.Equal(t, exitOK, run(t.Context(), []string{"pki", "mint", "-f", file, "-o", out}, nil, &stdout, &stderr), stderr.String())
		list, err = os.ReadDir(out)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, len(list), 21*6+1)
		require.Equal(t, exitOK, run(t.Context(), []string{"pki", "mint", "-f", file, "-o", out, "--check"}, nil, &stdout, &stderr))
	}
	assert.Positive(t, interruptedWhileWriting, "the test must meet the middle of the writing")
}
