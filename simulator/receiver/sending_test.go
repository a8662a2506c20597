package receiver_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/receiver"
	"example.com/gatehouse/simulator/sender"
)

func rootsOf(h *house) []*x509.Certificate {
	return []*x509.Certificate{h.Identity().Root}
}

func pool(h *house) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(h.Identity().Root)
	return p
}

func send(ctx context.Context, s *sender.Sender, c sender.Call) (sender.Result, error) {
	return s.Do(ctx, c)
}

func itoa(n int) string { return strconv.Itoa(n) }

// toolLimit is how long one call of curl or openssl may take on a machine that is busy with others.
const toolLimit = 60 * time.Second

// tool finds a real sender; without it the test fails, or is skipped if that was asked for.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") == "1" {
			t.Skipf("%s is not installed and GATEHOUSE_SKIP_ORACLES is set: it did not call", name)
		}
		t.Fatalf("%s is not installed: install it, or set GATEHOUSE_SKIP_ORACLES=1 to skip its calls", name)
	}
	return path
}

// with runs a real sender and returns what it prints; how it ends is for the receiver to say.
func with(t *testing.T, stdin, program string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toolLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	require.NoError(t, ctx.Err(), out.String())
	if err != nil {
		t.Logf("%s: %v", program, err)
	}
	return out.String()
}

// files writes a sender's key pair and the receiver's root.
func files(t *testing.T, h *house, c *pki.Certificate) string {
	t.Helper()
	dir := t.TempDir()
	_, err := keystore.Write(dir, c, keystore.Options{})
	require.NoError(t, err)
	require.NoError(t, h.Identity().Save(dir))
	return dir
}

func TestCurlCalls(t *testing.T) {
	t.Parallel()
	curl := tool(t, "curl")
	h := open(t, nil)
	dir := files(t, h, h.pki.client)
	name := filepath.Join(dir, h.pki.client.Name())
	_, port, _ := strings.Cut(h.Addr().String(), ":")
	call := func(path string, more ...string) receiver.Call {
		t.Helper()
		with(t, "", curl, append([]string{"-s", "-S", "-i", "--max-time", "30", "--resolve", "tenant.example:" + port + ":127.0.0.1",
			"https://tenant.example:" + port + path}, more...)...)
		return h.next()
	}
	trust := []string{"--cacert", receiver.RootFile(dir)}
	key := append([]string{"--key", name + ".key"}, trust...)

	c := call("/http/orders", append([]string{"-d", "x", "--cert", name + "-chain.pem"}, key...)...)
	assert.True(t, c.Accepted, "%+v", c.Bad())
	assert.Equal(t, receiver.Curl, c.System)
	assert.Empty(t, c.Hints)

	c = call("/http/orders", append([]string{"-d", "x", "--cert", name + ".pem"}, key...)...)
	assert.False(t, c.Accepted)
	assert.Equal(t, receiver.PointChain, c.Bad()[0].Point)
	assert.Contains(t, c.Hints[0].Text, "put the intermediate certificates behind the sender's own into the file of --cert")

	c = call("/cxf/orders", append([]string{"-I", "--cert", name + "-chain.pem"}, key...)...)
	assert.True(t, c.Accepted)
	assert.True(t, c.Ping)

	c = call("/http/orders", append([]string{"-u", "EVE:s3cret"}, trust...)...)
	assert.False(t, c.Accepted)
	assert.Equal(t, "Basic", c.Request.Credentials)

	c = call("/http/orders", "--cert", name+"-chain.pem", "--key", name+".key")
	assert.Equal(t, receiver.InHandshake, c.Ended)
	require.NotNil(t, c.TLS.Alert, "%+v", c.Journey)
	assert.Equal(t, "unknown_ca", c.TLS.Alert.Name)
}

func TestOpenSSLCalls(t *testing.T) {
	t.Parallel()
	openssl := tool(t, "openssl")
	h := open(t, nil)
	dir := files(t, h, h.pki.client)
	name := filepath.Join(dir, h.pki.client.Name())
	const request = "GET /http/orders HTTP/1.1\r\nHost: tenant.example\r\nConnection: close\r\n\r\n"
	call := func(stdin string, more ...string) (receiver.Call, string) {
		t.Helper()
		out := with(t, stdin, openssl, append([]string{"s_client", "-quiet", "-ign_eof", "-connect", h.Addr().String(), "-verify_return_error"}, more...)...)
		return h.next(), out
	}
	named := []string{"-servername", "tenant.example", "-CAfile", receiver.RootFile(dir)}
	own := append([]string{"-cert", name + ".pem", "-key", name + ".key"}, named...)

	c, out := call(request, append([]string{"-cert_chain", name + "-chain.pem"}, own...)...)
	assert.Contains(t, out, "HTTP/1.1 202")
	assert.True(t, c.Accepted, "%+v", c.Bad())

	c, _ = call(request, append([]string{"-tls1_2", "-cert_chain", name + "-fullchain.pem"}, own...)...)
	assert.True(t, c.Accepted)
	assert.Equal(t, "TLS 1.2", c.TLS.Version)
	assert.Equal(t, receiver.Note, point(t, c, receiver.PointRoot).Mark)

	c, out = call(request, own...)
	assert.Contains(t, out, "HTTP/1.1 401")
	assert.False(t, c.Accepted)
	assert.Equal(t, 20, c.Verdict.Code)

	c, _ = call(request, named...)
	assert.Equal(t, receiver.PointSent, c.Bad()[0].Point)

	c, _ = call(request, "-noservername", "-CAfile", receiver.RootFile(dir))
	assert.Equal(t, receiver.Warning, point(t, c, receiver.PointServerName).Mark)

	// Without the root it ends the handshake, and says why.
	c, _ = call(request, "-servername", "tenant.example", "-CAfile", name+".pem")
	assert.Equal(t, receiver.InHandshake, c.Ended)
	require.NotNil(t, c.TLS.Alert)
	assert.Equal(t, "unknown_ca", c.TLS.Alert.Name)
}
