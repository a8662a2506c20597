package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/simulator"
)

const (
	// startLimit is how long a landscape may take to start, on a machine that is busy with others.
	startLimit = 60 * time.Second
	// clientLimit is how long one call of curl or openssl may take.
	clientLimit = 30 * time.Second
	// stopLimit is how long serve may take to end.
	stopLimit = 30 * time.Second
)

// served is a "gatehouse serve" in a process of its own.
type served struct {
	process *exec.Cmd
	folder  string // of the document
	keys    string
	curl    string // the line that it printed
	host    string
	address string
	done    chan struct{} // closed when its output has ended

	mu     sync.Mutex
	output strings.Builder
}

func (s *served) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// serveExample runs "gatehouse serve" with the example landscape and waits until it can be called.
func serveExample(t *testing.T, arguments ...string) *served {
	t.Helper()
	s := &served{folder: t.TempDir(), done: make(chan struct{})}
	file := filepath.Join(s.folder, defaultLandscape)
	require.NoError(t, os.WriteFile(file, simulator.ExampleDocument(), 0o600))
	executable, err := os.Executable()
	require.NoError(t, err)
	s.process = exec.CommandContext(t.Context(), executable, append([]string{"serve", "-f", file}, arguments...)...)
	s.process.Env = append(os.Environ(), asCommand+"=1")
	var stderr bytes.Buffer
	s.process.Stderr = &stderr
	stdout, err := s.process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.process.Start())
	t.Cleanup(func() { _ = s.process.Process.Kill() })
	ready := make(chan string, 1)
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			s.mu.Lock()
			s.output.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "curl ") {
				ready <- line
			}
		}
	}()
	select {
	case s.curl = <-ready:
	case <-s.done:
		require.Fail(t, "serve ended", "%s%s", s.text(), stderr.String())
	case <-time.After(startLimit):
		require.Fail(t, "serve printed no curl line", "%s", s.text())
	}
	s.keys = match(t, s.text(), `(?m)^  keys +(\S.*?)(?: \(removed.*)?$`)
	s.host = match(t, s.text(), `https://([^:/]+):`)
	s.address = match(t, s.text(), `is running on (\S+);`)
	return s
}

func match(t *testing.T, text, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	require.NotNil(t, found, "%s in\n%s", pattern, text)
	return found[1]
}

// stop sends the signal and returns the exit code.
func (s *served) stop(t *testing.T, signal os.Signal) int {
	t.Helper()
	require.NoError(t, s.process.Process.Signal(signal))
	select {
	case <-s.done:
	case <-time.After(stopLimit):
		require.Fail(t, "serve did not end after "+signal.String())
	}
	_ = s.process.Wait()
	return s.process.ProcessState.ExitCode()
}

// logs is the text of all log files of that kind.
func (s *served) logs(t *testing.T, kind string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.folder, "logs", "*"+kind+"*"))
	require.NoError(t, err)
	var b strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		b.Write(data)
	}
	return b.String()
}

// port is that of the address.
func (s *served) port() string { return s.address[strings.LastIndex(s.address, ":")+1:] }

// oracle finds a foreign client, without which the test cannot tell.
func oracle(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
		t.Skipf("SKIPPED: %s is not installed, and GATEHOUSE_SKIP_ORACLES is set", program)
	}
	t.Fatalf("%s is not installed: install it, or set GATEHOUSE_SKIP_ORACLES to go without", program)
	return ""
}

// client runs a foreign client and returns what it printed.
func client(t *testing.T, stdin, program string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientLimit)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, "%s %s\n%s%s", program, strings.Join(arguments, " "), out, stderr.String())
	return string(out)
}

func TestServeWithCurl(t *testing.T) {
	t.Parallel()
	curl := oracle(t, "curl")
	s := serveExample(t)

	// The line that it printed, as its user pastes it.
	if runtime.GOOS != "windows" {
		answer := client(t, "", "sh", "-c", s.curl)
		assert.Regexp(t, `^HTTP/1\.1 200`, answer)
		access := s.logs(t, "http")
		assert.Regexp(t, `WAREHOUSE \[.*GET /http/orders HTTP/1\.1 200`, access)
		assert.Empty(t, s.logs(t, "trace"))
	}

	// The same sender, which leaves out its intermediate certificate.
	url := "https://" + s.host + ":" + s.port() + "/http/orders"
	answer := client(t, "", curl, "-sS", "-i", "--resolve", s.host+":"+s.port()+":127.0.0.1", "--cacert", filepath.Join(s.keys, "load-balancer", "root.pem"),
		"--cert", filepath.Join(s.keys, "warehouse.pem"), "--key", filepath.Join(s.keys, "warehouse.key"), url)
	assert.Regexp(t, `^HTTP/1\.1 401`, answer)
	assert.Regexp(t, ` - \[.*GET /http/orders HTTP/1\.1 401`, s.logs(t, "http"))
	assert.Contains(t, s.logs(t, "trace"), "OpenSSL verify result code: 20")

	if runtime.GOOS == "windows" {
		return
	}
	assert.Equal(t, 0, s.stop(t, os.Interrupt))
	said := s.text()
	assert.Regexp(t, `Z  200  C=DE, .*CN=warehouse\.example  GET /http/orders  let in as WAREHOUSE\n`, said)
	// Below a refused call stands what is wrong, and what to do.
	assert.Regexp(t, `Z  401  C=DE, .*CN=warehouse\.example  GET /http/orders  load balancer: .* \(certificate-not-accepted, LB-.*\n  certain  .*\(chain-not-sent, LB-3\)\n  to do   Send also `, said)
	assert.True(t, strings.HasSuffix(said, "\nstopped after 2 calls\n"), said)
	assert.NoDirExists(t, s.keys, "temporary keys are removed")
	assert.DirExists(t, filepath.Join(s.folder, "logs"), "the logs stay")
}

func TestServeWithOpenSSL(t *testing.T) {
	t.Parallel()
	openssl := oracle(t, "openssl")
	keys := filepath.Join(t.TempDir(), "keys")
	s := serveExample(t, "--keys", keys)
	assert.Equal(t, keys, s.keys)
	call := func(more ...string) string {
		return client(t, "GET /http/orders HTTP/1.1\r\nHost: "+s.host+"\r\nConnection: close\r\n\r\n", openssl,
			append([]string{"s_client", "-quiet", "-ign_eof", "-connect", s.address, "-servername", s.host,
				"-verify_return_error", "-CAfile", filepath.Join(keys, "load-balancer", "root.pem"),
				"-cert", filepath.Join(keys, "warehouse.pem"), "-key", filepath.Join(keys, "warehouse.key")}, more...)...)
	}
	assert.Regexp(t, `^HTTP/1\.1 200`, call("-cert_chain", filepath.Join(keys, "warehouse-chain.pem")))
	assert.Regexp(t, `WAREHOUSE \[.*GET /http/orders HTTP/1\.1 200`, s.logs(t, "http"))
	assert.Empty(t, s.logs(t, "trace"))

	assert.Regexp(t, `^HTTP/1\.1 401`, call())
	assert.Regexp(t, ` - \[.*GET /http/orders HTTP/1\.1 401`, s.logs(t, "http"))
	assert.Contains(t, s.logs(t, "trace"), "OpenSSL verify result code: 20")

	info, err := os.Stat(filepath.Join(keys, "warehouse.key"))
	require.NoError(t, err)
	if runtime.GOOS == "windows" {
		return
	}
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	assert.Equal(t, 0, s.stop(t, syscall.SIGTERM))
	assert.Contains(t, s.text(), "stopped after 2 calls\n")
	assert.FileExists(t, filepath.Join(keys, "warehouse.key"), "a named folder stays")
}

// pipeTo collects output and tells when a text is in it.
type pipeTo struct {
	mu    sync.Mutex
	b     strings.Builder
	want  string
	found chan struct{}
}

func (p *pipeTo) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := strings.Contains(p.b.String(), p.want)
	p.b.Write(data)
	if !before && strings.Contains(p.b.String(), p.want) {
		close(p.found)
	}
	return len(data), nil
}

func (p *pipeTo) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// serveHere runs serve in this process until the banner is out, and ends it again.
func serveHere(t *testing.T, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	out := &pipeTo{want: "Call it", found: make(chan struct{})}
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, append([]string{"serve"}, arguments...), nil, out, &errs) }()
	select {
	case <-out.found:
		cancel()
		code = <-ended
	case code = <-ended:
	}
	return code, out.text(), errs.String()
}

// Not parallel: it looks for goroutines that stay.
func TestServeEndsWithoutLeftovers(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	dir := t.TempDir()
	require.Equal(t, exitOK, run(t.Context(), []string{"init", dir}, nil, io.Discard, io.Discard))
	code, stdout, stderr := serveHere(t, "-f", filepath.Join(dir, defaultLandscape))
	assert.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "stopped after 0 calls\n")
	assert.NoDirExists(t, match(t, stdout, `(?m)^  keys +(\S.*) \(removed`))
	goleak.VerifyNone(t, ignore)
}

func TestServeReplacesOnlyItsOwnKeys(t *testing.T) {
	t.Parallel()
	dir, keys := t.TempDir(), t.TempDir()
	require.Equal(t, exitOK, run(t.Context(), []string{"init", dir}, nil, io.Discard, io.Discard))
	arguments := []string{"-f", filepath.Join(dir, defaultLandscape), "--keys", keys}

	own := filepath.Join(keys, "warehouse.key")
	require.NoError(t, os.WriteFile(own, []byte("a key of my own"), 0o600))
	code, _, stderr := serveHere(t, arguments...)
	assert.Equal(t, exitInvocation, code)
	assert.Contains(t, stderr, "choose another folder")
	data, err := os.ReadFile(own)
	require.NoError(t, err)
	assert.Equal(t, "a key of my own", string(data))

	require.NoError(t, os.RemoveAll(keys))
	code, _, stderr = serveHere(t, arguments...)
	require.Equal(t, exitOK, code, stderr)
	first, err := os.ReadFile(own)
	require.NoError(t, err)
	code, _, stderr = serveHere(t, arguments...)
	require.Equal(t, exitOK, code, stderr)
	second, err := os.ReadFile(own)
	require.NoError(t, err)
	assert.NotEqual(t, first, second, "each start mints anew")
}
