package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// receiving is a "gatehouse receive" in this process.
type receiving struct {
	stdout, stderr *pipeTo
	url, root      string
	ended          chan int
}

// receive starts the command and waits until it can be called.
func receive(t *testing.T, ctx context.Context, arguments ...string) *receiving {
	t.Helper()
	const ready = "-d x https://localhost:"
	r := &receiving{
		stdout: &pipeTo{want: ready, found: make(chan struct{})},
		stderr: &pipeTo{want: ready, found: make(chan struct{})},
		ended:  make(chan int, 1),
	}
	go func() { r.ended <- run(ctx, append([]string{"receive"}, arguments...), nil, r.stdout, r.stderr) }()
	var banner string
	select {
	case <-r.stdout.found:
		banner = r.stdout.text()
	case <-r.stderr.found:
		banner = r.stderr.text()
	case code := <-r.ended:
		require.Fail(t, "it ended", "exit code %d\n%s%s", code, r.stdout.text(), r.stderr.text())
	case <-ctx.Done():
		require.Fail(t, "it is not ready")
	}
	r.url = "https://localhost:" + match(t, banner, `https://localhost:(\d+)/http/orders\n`) + "/http/orders"
	r.root = match(t, banner, `(?m)^  root +(\S.*?)(?: \(removed.*)?$`)
	return r
}

// call sends a message with the certificates, which may be none.
func (r *receiving) call(t *testing.T, key any, chain ...[]byte) {
	t.Helper()
	trusted := x509.NewCertPool()
	data, err := os.ReadFile(r.root)
	require.NoError(t, err)
	require.True(t, trusted.AppendCertsFromPEM(data))
	config := &tls.Config{RootCAs: trusted}
	if len(chain) > 0 {
		// Whether the server names its issuer or not.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: chain, PrivateKey: key}, nil
		}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: clientLimit}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, strings.NewReader("<order/>"))
	require.NoError(t, err)
	request.SetBasicAuth("EVE-THE-USER", "s3cret-word")
	response, err := client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
}

func TestReceive(t *testing.T) {
	t.Parallel()
	root := pki.NewRoot("Example Root CA")
	warehouse := root.Intermediate("Example Issuing CA").Client("warehouse.example")
	trust := filepath.Join(t.TempDir(), "roots.pem")
	require.NoError(t, os.WriteFile(trust, keystore.CertificatePEM(root), 0o600))
	chain := warehouse.Presented()
	for name, one := range map[string]struct {
		arguments []string
		chain     [][]byte
		code      int
		shows     []string
	}{
		"accepted as expected":    {[]string{"--expect", "accepted"}, chain, exitOK, []string{"1 call, 1 accepted; as expected", "MAPPED_USER ["}},
		"refused unexpectedly":    {[]string{"--expect", "accepted"}, chain[:1], exitFailed, []string{"expected: every one accepted", "BAD  chain", "OpenSSL verify result code: 20"}},
		"refused as expected":     {[]string{"--expect", "refused"}, chain[:1], exitOK, []string{"1 call, 0 accepted; as expected"}},
		"accepted unexpectedly":   {[]string{"--expect", "refused"}, chain, exitFailed, []string{"expected: every one refused"}},
		"no certificate":          {[]string{"--calls", "1"}, nil, exitOK, []string{"BAD  certificate-sent", "STRUST", "Postman"}},
		"judged at another time":  {[]string{"--calls", "1", "--at", "2099-01-01"}, chain, exitOK, []string{"on 1 January 2099", "verify result 10"}},
		"judged by the real list": {[]string{"--calls", "1", "--trust", "neo-2022"}, chain, exitOK, []string{"the list neo-2022 (31 roots", "BAD  chain"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), startLimit)
			defer cancel()
			r := receive(t, ctx, append([]string{"--trust", trust}, one.arguments...)...)
			r.call(t, warehouse.Key(), one.chain...)
			code := <-r.ended
			text := r.stdout.text()
			assert.Equal(t, one.code, code, text)
			for _, want := range one.shows {
				assert.Contains(t, text, want)
			}
			assert.Contains(t, text, "Basic credentials (not shown, not checked)")
			assert.NotContains(t, text, "EVE-THE-USER")
			assert.NotContains(t, text, "s3cret-word")
			assert.Empty(t, r.stderr.text())
			assert.NoFileExists(t, r.root, "temporary keys are removed")
		})
	}
}

func TestReceiveForPrograms(t *testing.T) {
	t.Parallel()
	root := pki.NewRoot("Example Root CA")
	warehouse := root.Intermediate("Example Issuing CA").Client("warehouse.example")
	dir := t.TempDir()
	trust := filepath.Join(dir, "roots.pem")
	require.NoError(t, os.WriteFile(trust, keystore.CertificatePEM(root), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	keys := filepath.Join(dir, "keys")
	r := receive(t, ctx, "--trust", trust, "--calls", "2", "--expect", "accepted", "--output", "json", "--keys", keys)
	r.call(t, warehouse.Key(), warehouse.Presented()...)
	r.call(t, warehouse.Key(), warehouse.Presented()[:1]...)
	assert.Equal(t, exitFailed, <-r.ended)
	var result received
	decoder := json.NewDecoder(bytes.NewReader([]byte(r.stdout.text())))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&result), r.stdout.text())
	assert.False(t, result.Met)
	assert.Equal(t, 2, result.Count)
	require.Len(t, result.Calls, 2)
	assert.True(t, result.Calls[0].Accepted)
	assert.False(t, result.Calls[1].Accepted)
	require.NotNil(t, result.Calls[1].Verdict, r.stdout.text())
	assert.Equal(t, 20, result.Calls[1].Verdict.Code)
	assert.NotContains(t, r.stdout.text(), "s3cret-word")
	first, err := os.ReadFile(r.root)
	require.NoError(t, err)

	// The root stays the same in a named folder, and is interrupted without a complaint.
	ctx, interrupt := context.WithCancel(ctx)
	r = receive(t, ctx, "--trust", trust, "--keys", keys)
	second, err := os.ReadFile(r.root)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	r.call(t, warehouse.Key(), warehouse.Presented()...)
	interrupt()
	assert.Equal(t, exitOK, <-r.ended)
}

func TestReceiveInterruptedBeforeItsCalls(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r := receive(t, ctx, "--calls", "1")
	interrupt()
	assert.Equal(t, exitInterrupted, <-r.ended)
	assert.Contains(t, r.stderr.text(), "interrupted: 0 of 1 calls came")
}
