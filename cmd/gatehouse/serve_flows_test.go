package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/tenant"
)

func TestServeFlows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.Equal(t, exitOK, run(t.Context(), []string{"init", dir}, nil, io.Discard, io.Discard))
	parameterized := iflow.Describe("Returns", "Returns", []tenant.Channel{{Address: "/http/{{Path of returns}}"}})
	parameterized.Parameters = []iflow.Parameter{{Key: "Path of returns", Value: "from-file"}}
	unresolved := iflow.Describe("Stock", "Stock", []tenant.Channel{{Address: "/cxf/{{Path of stock}}"}, {Address: "/cxf/known"}})
	pack, err := iflow.Package("Warehouse", parameterized, unresolved, iflow.Describe("Second", "Second", []tenant.Channel{{Address: "/http/orders"}}))
	require.NoError(t, err)
	file := filepath.Join(dir, "package.zip")
	require.NoError(t, os.WriteFile(file, pack, 0o600))
	bare := filepath.Join(dir, "Bare.iflw")
	require.NoError(t, os.WriteFile(bare, iflow.Describe("Bare", "Bare", []tenant.Channel{{Address: "/as2/as2/bare"}}).XML(), 0o600))
	document := filepath.Join(dir, defaultLandscape)

	code, stdout, stderr := serveHere(t, "-f", document, "--iflow", file, "--iflow", bare)
	assert.Equal(t, exitOK, code, stderr)
	for _, path := range []string{"/http/orders", "/http/from-file", "/cxf/known", "/as2/as2/bare"} {
		assert.Regexp(t, `https://[^/]+`+path+`\n`, stdout, path)
	}
	assert.Regexp(t, `package\.zip: [0-9a-f]{32}_content!src/main/resources/scenarioflows/integrationflow/Stock\.iflw: address: channel "SOAP 1": the parameter "Path of stock" has no value in parameters\.prop, and none was given\n`, stderr)
	assert.Regexp(t, `package\.zip: the flow Second does not start: "/http/orders" is the address of channels\[0\] already`, stderr)
	assert.NotContains(t, stdout, "{{")

	require.NoError(t, os.WriteFile(bare, iflow.Describe("Bare", "Bare", []tenant.Channel{{Address: "/http/{{Path}}"}}).XML(), 0o600))
	code, _, stderr = serveHere(t, "-f", document, "--iflow", bare)
	assert.Equal(t, exitOK, code)
	assert.Contains(t, stderr, bare+`: urlPath: channel "HTTPS 1": the parameter "Path" has no value`)
	assert.Contains(t, stderr, bare+": the flow Bare has no sender channel that is served\n")

	code, stdout, stderr = serveHere(t, "-f", document, "--iflow", file, "--parameter", "Path of stock=stock", "--parameter", "Returns/Path of returns=given")
	assert.Equal(t, exitOK, code, stderr)
	assert.Regexp(t, `https://[^/]+/cxf/stock-?\n`, stdout)
	assert.NotContains(t, stderr, "no value")
	assert.Contains(t, stdout, "/http/given\n")
}
