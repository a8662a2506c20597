package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/connectivity"
)

// startExample runs the example landscape in this process, and writes the root of its load balancer
// into a file.
func startExample(t *testing.T, change ...func(*simulator.Landscape)) (sim *simulator.Simulator, root string) {
	t.Helper()
	l, err := simulator.Read("landscape.yaml", simulator.ExampleDocument())
	require.NoError(t, err)
	for _, c := range change {
		c(&l)
	}
	sim, err = simulator.Start(t.Context(), l, simulator.Options{LogFolder: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sim.Close()) })
	root = filepath.Join(t.TempDir(), "root.pem")
	require.NoError(t, os.WriteFile(root, keystore.CertificatePEM(sim.Root()), 0o600))
	return sim, root
}

// called runs the command in this process.
func called(t *testing.T, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = run(t.Context(), arguments, strings.NewReader(""), &out, &problems)
	return code, out.String(), problems.String()
}

func TestConnect(t *testing.T) {
	t.Parallel()
	sim, root := startExample(t)

	code, out, stderr := called(t, "connect", sim.Address(), "--trust", root, "--server-name", sim.Host())
	assert.Equal(t, exitOK, code, stderr)
	assert.Contains(t, out, "yes  "+sim.Address()+" is trusted\n")
	assert.Contains(t, out, "TLS 1.3")
	assert.Contains(t, out, "the server asks for a client certificate and goes on without one; it accepts those of CN=Example Root CA")
	assert.Contains(t, out, "3_Example_Server_Root_CA.cer  (root, from the trust store)\n")
	assert.Contains(t, out, "Add 3_Example_Server_Root_CA.cer, the root certificate, to the sender's trust store.")

	code, out, _ = called(t, "connect", sim.Address(), "--server-name", sim.Host())
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, out, "no   trust: no trusted certificate of the issuer CN=Example Server Root CA")
	assert.Contains(t, out, "what to do   Add the root certificate to the trust store")
	assert.Contains(t, out, "2_Example_Server_CA.cer  (intermediate)", "the chain is listed all the same")

	code, out, _ = called(t, "connect", sim.Address(), "--server-name", "other.example", "--trust", root)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, out, "no   host name: the certificate is not for other.example: it is for "+sim.Host())

	code, out, _ = called(t, "connect", sim.Address(), "--trust", root, "--at", "2099-01-01")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, out, "no   trust: the certificate of ")
	assert.Contains(t, out, " expired on ")
}

func TestConnectDownloads(t *testing.T) {
	t.Parallel()
	sim, root := startExample(t)
	file := filepath.Join(t.TempDir(), "certificates.zip")
	code, out, stderr := called(t, "connect", sim.Address(), "--no-validate", "--download", file)
	assert.Equal(t, exitOK, code, stderr)
	assert.Contains(t, out, "was reached; its certificates were not judged")
	assert.Contains(t, out, "certificates.zip holds these certificates.")
	archive, err := zip.OpenReader(file)
	require.NoError(t, err)
	defer archive.Close()
	require.Len(t, archive.File, 2, "what the server presents; the root is not known")
	assert.Equal(t, "2_Example_Server_CA.cer", archive.File[1].Name)

	code, _, stderr = called(t, "connect", sim.Address(), "--no-validate", "--download", file)
	assert.Equal(t, exitInvocation, code)
	assert.Contains(t, stderr, "is there already: choose another name, or replace it with --force")
	code, _, stderr = called(t, "connect", sim.Address(), "--trust", root, "--download", file, "--force")
	assert.Equal(t, exitOK, code, stderr)
}

func TestConnectForPrograms(t *testing.T) {
	t.Parallel()
	sim, root := startExample(t, func(l *simulator.Landscape) {
		l.LoadBalancer.Domains = []simulator.Domain{{Host: "api.example", Mode: "require", Trust: l.LoadBalancer.Trust}}
	})
	code, out, stderr := called(t, "connect", sim.Address(), "--trust", root, "--server-name", "api.example", "--output", "json")
	assert.Equal(t, exitOK, code, stderr)
	var r connectivity.Result
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.True(t, r.OK)
	assert.Equal(t, connectivity.Demanded, r.ClientCertificate, "mode require")
	assert.Len(t, r.Chain, 3)
	assert.NotEmpty(t, r.RootFile)
}

func TestConnectToNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	file := filepath.Join(t.TempDir(), "certificates.zip")
	code, out, _ := called(t, "connect", address, "--download", file)
	assert.Equal(t, exitInterrupted, code)
	assert.Contains(t, out, "no   dial: 127.0.0.1 refused the connection: nothing listens on port")
	assert.NoFileExists(t, file)
}
