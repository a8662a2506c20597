package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
	"example.com/gatehouse/simulator/tenant/sqlite"
)

// What serve keeps is there again with the next serve, and export writes it as a document.
func TestServeKeepsItsState(t *testing.T) {
	folder := t.TempDir()
	document, state := filepath.Join(folder, defaultLandscape), filepath.Join(folder, "tenant.state")
	require.NoError(t, os.WriteFile(document, simulator.ExampleDocument(), 0o600))
	code, stdout, stderr := serveHere(t, "-f", document, "--state", state)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "tenant.state (new; it begins as the document says)")

	// Something changes.
	store, err := sqlite.Open(t.Context(), state)
	require.NoError(t, err)
	tn, err := tenant.Open(t.Context(), store, tenant.Config{}, nil)
	require.NoError(t, err)
	require.True(t, tn.Restored())
	require.NoError(t, tn.Update(func(c *tenant.Config) error {
		c.Channels = append(c.Channels, tenant.Channel{Address: "/http/added"})
		c.Users = append(c.Users, tenant.User{Name: "alice", Password: "secret of alice"})
		return nil
	}))
	require.NoError(t, tn.MapCertificateAs("alice", tn.Snapshot().Mappings()[0].Certificate, "OTHER"))

	code, _, stderr = runHere(t, "serve", "-f", document, "--state", state)
	assert.Equal(t, exitInterrupted, code, "one process at a time")
	assert.Contains(t, stderr, "is in use by another process")
	code, _, stderr = runHere(t, "export", "-f", document, "--state", state, "-o", filepath.Join(folder, "running.yaml"))
	require.Zero(t, code, "export only looks: %s", stderr)
	want := tn.Config()
	require.NoError(t, tn.Close())

	code, stdout, stderr = serveHere(t, "-f", document, "--state", state)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "tenant.state (1 mappings, 3 channels; it takes the place of what the document says")
	assert.Contains(t, stdout, "/http/added", "the channels that there are")

	out := filepath.Join(folder, "out.yaml")
	code, stdout, stderr = runHere(t, "export", "-f", document, "--state", state, "-o", out)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "(1 mappings, 3 channels, 0 integration flows at designtime)")
	assert.NotContains(t, stdout+stderr, "secret of alice")
	running, err := os.ReadFile(filepath.Join(folder, "running.yaml"))
	require.NoError(t, err)
	ended, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, string(running), strings.ReplaceAll(string(ended), "out.files", "running.files"))
	if runtime.GOOS != "windows" {
		for _, name := range []string{"out.yaml", "out.files/minted.json", "tenant.state"} {
			info, err := os.Stat(filepath.Join(folder, name))
			require.NoError(t, err)
			assert.Zero(t, info.Mode().Perm()&0o077, name)
		}
	}
	l, err := simulator.ReadFile(out)
	require.NoError(t, err)
	sim := simulator.New(t, l)
	assert.Equal(t, want, sim.Tenant().Config())
	outcome, err := sim.Send(t.Context(), "warehouse", sender.Call{URL: "/http/added"})
	require.NoError(t, err)
	assert.Equal(t, 403, outcome.Result.Status, "OTHER has no role")

	code, _, stderr = runHere(t, "export", "-f", document, "--state", state, "-o", out)
	assert.Equal(t, exitInvocation, code)
	assert.Contains(t, stderr, "is there already: choose another name, or replace it with --force")
	code, _, stderr = runHere(t, "export", "-f", document, "--state", state, "-o", out, "--force")
	assert.Zero(t, code, stderr)
	code, _, stderr = runHere(t, "export", "-f", document, "--state", state, "-o", filepath.Join(folder, "none", "out.yaml"))
	assert.Equal(t, exitInvocation, code)
	assert.Contains(t, stderr, "make it first")

	other := filepath.Join(folder, "other.yaml")
	require.NoError(t, os.WriteFile(other, []byte("tenant: {account: e200}\n"), 0o600))
	code, _, stderr = runHere(t, "export", "-f", other, "--state", state, "-o", filepath.Join(folder, "x.yaml"))
	assert.Equal(t, exitDocument, code)
	assert.Contains(t, stderr, "is the state of tenant e100999")
	code, _, stderr = runHere(t, "serve", "-f", other, "--state", state)
	assert.Equal(t, exitDocument, code)
	assert.Contains(t, stderr, "other.yaml:1:19: tenant.account: the state is that of tenant e100999")
}

// runHere runs a command in this process.
func runHere(t *testing.T, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), arguments, nil, &out, &errs)
	return code, out.String(), errs.String()
}
