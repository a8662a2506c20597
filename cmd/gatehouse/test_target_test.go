package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/steps/suite/result"
)

// targetOf runs the example landscape, as "gatehouse serve" does, and writes a target document for it.
func targetOf(t *testing.T) (sim *simulator.Simulator, file string) {
	t.Helper()
	t.Setenv("GATEHOUSE_TEST_ADMIN", "an-example-for-admin")
	t.Setenv("GATEHOUSE_TEST_PLATFORM", "an-example-for-platform")
	sim, err := simulator.Start(context.WithoutCancel(t.Context()), simulator.Example(), simulator.Options{Management: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sim.Close()) })
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	write("lb.pem", string(keystore.CertificatePEM(sim.Root())))
	write("management.pem", string(keystore.CertificatePEM(sim.ManagementRoot())))
	return sim, write("target.yaml", fmt.Sprintf(`
name: my running simulator
call: {url: 'https://%s', address: '%s', trust: lb.pem}
management: {url: '%s', trust: management.pem, user: admin, passwordEnv: GATEHOUSE_TEST_ADMIN}
platform: {url: '%[3]s', trust: management.pem, client: platform, passwordEnv: GATEHOUSE_TEST_PLATFORM}
limits: {trace: 1s, absence: 1s}
`, sim.Host(), sim.Address(), sim.ManagementURL()))
}

// The same scenarios run on a running simulator; what it cannot do makes the result partial, which is
// no success unless that is accepted.
func TestTargetThatRunsElsewhere(t *testing.T) {
	sim, file := targetOf(t)
	before := sim.Tenant().Config()
	report := filepath.Join(t.TempDir(), "report.json")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"test", "--target", file, "--tags", "@LB-3 or @AUT-1 or @CHN-2", "--report", "json=" + report}, nil, &stdout, &stderr)
	assert.Equal(t, exitOK, code, "%s%s", stdout.String(), stderr.String())
	assert.Contains(t, stdout.String(), "0 failed, 0 skipped\n")
	r, err := result.ReadFile(report)
	require.NoError(t, err)
	assert.Equal(t, "my running simulator", r.Target)

	for want, arguments := range map[int][]string{exitFailed: nil, exitOK: {"--allow-partial"}} {
		stdout.Reset()
		code = run(t.Context(), append([]string{"test", "--target", file, "--tags", "@LB-1 or @EP-9"}, arguments...), nil, &stdout, &stderr)
		assert.Equal(t, want, code, "%s%s", stdout.String(), stderr.String())
		assert.Contains(t, stdout.String(), "not supported")
		assert.Contains(t, stdout.String(), "a target that scenarios share cannot be described by one")
	}
	after := sim.Tenant().Config()
	assert.Equal(t, before.Mappings, after.Mappings)
	assert.Equal(t, before.Roles, after.Roles)
	assert.NotContains(t, stdout.String()+stderr.String(), "an-example-for")
}

// What was changed is put back after Ctrl-C too.
func TestInterruptPutsTheTargetBack(t *testing.T) {
	sim, file := targetOf(t)
	before := sim.Tenant().Config()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stderr := &interrupting{cancel: cancel}, &bytes.Buffer{}
	code := run(ctx, []string{"test", "--target", file, "--tags", "@CHN", "--verbose", "--concurrency", "2"}, nil, stdout, stderr)
	assert.Equal(t, exitInterrupted, code, "%s%s", stdout.String(), stderr.String())
	after := sim.Tenant().Config()
	assert.Equal(t, before.Mappings, after.Mappings)
	assert.Equal(t, before.Roles, after.Roles)
	assert.Equal(t, before.Channels, after.Channels)
}
