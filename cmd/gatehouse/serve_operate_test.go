package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator"
)

// asks an operator's address.
func asks(t *testing.T, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	client := &http.Client{Timeout: clientLimit, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

// caller is a client with the key pair of a sender, as serve wrote it.
func (s *served) caller(t *testing.T, name string, keepAlive bool) *http.Client {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.keys, name+"-chain.pem"), filepath.Join(s.keys, name+".key"))
	require.NoError(t, err)
	root, err := os.ReadFile(filepath.Join(s.keys, "load-balancer", "root.pem"))
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM(root))
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{pair}}, DisableKeepAlives: !keepAlive,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: clientLimit}
}

func (s *served) post(client *http.Client, path string) (int, error) {
	response, err := client.Post("https://"+s.host+path, "text/plain", strings.NewReader("x"))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// awaits a text in what serve prints.
func (s *served) awaits(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(s.text(), text) }, startLimit, 10*time.Millisecond, "%q in\n%s", text, s.text())
}

func (s *served) rewrite(t *testing.T, old, replacement string) {
	t.Helper()
	document := string(simulator.ExampleDocument())
	require.Contains(t, document, old)
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, defaultLandscape), []byte(strings.Replace(document, old, replacement, 1)), 0o600))
}

func TestServeIsOperated(t *testing.T) {
	t.Parallel()
	s := serveExample(t, "--metrics", "127.0.0.1:0")
	operator := match(t, s.text(), `metrics +(http://\S+)/metrics,`)
	code, body := asks(t, http.MethodGet, operator+"/healthz")
	assert.Equal(t, http.StatusOK, code, body)
	require.Eventually(t, func() bool { code, _ := asks(t, http.MethodGet, operator+"/readyz"); return code == http.StatusOK }, startLimit, 10*time.Millisecond)
	warehouse := s.caller(t, "warehouse", true)
	status, err := s.post(warehouse, "/http/orders")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	_, body = asks(t, http.MethodGet, operator+"/metrics")
	assert.Contains(t, body, `gatehouse_calls_total{status="200"} 1`)

	// A changed document, by the request that works everywhere.
	s.rewrite(t, "  - {user: WAREHOUSE, role: ESBMessaging.send}", "  - {user: WAREHOUSE, role: Another.role}")
	code, body = asks(t, http.MethodPost, operator+"/-/reload")
	assert.Equal(t, http.StatusOK, code, body)
	s.awaits(t, "was reloaded: 5 certificates kept\n")
	status, err = s.post(warehouse, "/http/orders")
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, status, "on the connection that it had")

	// One that is wrong is refused with its position, and the landscape goes on as it was.
	s.rewrite(t, "{certificate: warehouse, user: WAREHOUSE}", "{certificate: warehose, user: WAREHOUSE}")
	code, body = asks(t, http.MethodPost, operator+"/-/reload")
	assert.Equal(t, http.StatusUnprocessableEntity, code)
	assert.Regexp(t, `landscape\.yaml:\d+:\d+: .*warehose.*did you mean "warehouse"`, body)
	status, err = s.post(warehouse, "/http/orders")
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, status)
	if runtime.GOOS == "windows" {
		return
	}

	// A new sender, by the signal; its key pair is there afterwards.
	s.rewrite(t, "  - {name: stranger}", "  - {name: stranger}\n  - {name: carrier, certificate: carrier}")
	s.add(t, "loadBalancer:\n", "  - {name: carrier, issuer: example-issuing}\nloadBalancer:\n")
	require.NoError(t, s.process.Process.Signal(syscall.SIGHUP))
	s.awaits(t, "was reloaded: 5 certificates kept, minted: carrier\n")
	status, err = s.post(s.caller(t, "carrier", false), "/http/orders")
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, status, "it is known to the load balancer, and not mapped")
	status, err = s.post(warehouse, "/http/orders")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status, "the key pair from before is still good")
	_, body = asks(t, http.MethodGet, operator+"/metrics")
	assert.Contains(t, body, "gatehouse_reloads_total{result=\"applied\"} 2\n")
	assert.Contains(t, body, "gatehouse_reloads_total{result=\"refused\"} 1\n")
	assert.Equal(t, exitOK, s.stop(t, syscall.SIGTERM))
}

// add changes the document as it stands.
func (s *served) add(t *testing.T, old, replacement string) {
	t.Helper()
	file := filepath.Join(s.folder, defaultLandscape)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(data), old, replacement, 1)), 0o600))
}

// Every call that serve counted was answered, and every one that was answered was counted.
func TestServeEndsWithoutLossUnderLoad(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows sends no signal to another process")
	}
	s := serveExample(t)
	var answered atomic.Int64
	var clients sync.WaitGroup
	for n := range 8 {
		client := s.caller(t, "warehouse", n%2 == 0)
		clients.Go(func() {
			for {
				status, err := s.post(client, "/http/orders")
				if err != nil {
					return // it has ended
				}
				assert.Equal(t, http.StatusOK, status)
				answered.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return answered.Load() >= 40 }, startLimit, time.Millisecond)
	assert.Equal(t, exitOK, s.stop(t, syscall.SIGTERM))
	clients.Wait()
	assert.Contains(t, s.text(), fmt.Sprintf("stopped after %d calls\n", answered.Load()))
}

func TestServeTellsPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.Equal(t, exitOK, run(t.Context(), []string{"init", dir}, nil, io.Discard, io.Discard))
	file := filepath.Join(dir, defaultLandscape)
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	out := &pipeTo{want: `"msg":"started"`, found: make(chan struct{})}
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "-f", file, "--log-format", "json", "--metrics", "127.0.0.1:0"}, nil, out, &stderr)
	}()
	<-out.found
	var started struct {
		Address, Metrics, Keys, Root string
		Hosts                        []string
	}
	require.NoError(t, json.Unmarshal([]byte(out.text()), &started), out.text())
	s := &served{keys: started.Keys, host: started.Hosts[0], address: started.Address}
	status, err := s.post(s.caller(t, "warehouse", false), "/http/orders")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	status, err = s.post(s.caller(t, "warehouse-expired", false), "/http/\u202eorders")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, status)
	require.NoError(t, os.WriteFile(file, []byte("tenant: {nods: 2}\n"), 0o600))
	code, _ := asks(t, http.MethodPost, "http://"+started.Metrics+"/-/reload")
	assert.Equal(t, http.StatusUnprocessableEntity, code)
	require.Eventually(t, func() bool { return strings.Count(out.text(), "\n") == 3 }, startLimit, 10*time.Millisecond)
	cancel()
	assert.Equal(t, exitOK, <-ended, stderr.String())

	var events []map[string]any
	for line := range strings.Lines(out.text()) {
		var event map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		events = append(events, event)
	}
	require.Len(t, events, 4)
	assert.Equal(t, "call", events[1]["msg"])
	assert.Equal(t, "WAREHOUSE", events[1]["user"])
	assert.Equal(t, true, events[1]["let_in"])
	assert.EqualValues(t, 200, events[1]["status"])
	assert.Equal(t, "load balancer", events[2]["station"])
	assert.Equal(t, "certificate-not-accepted", events[2]["reason"])
	assert.EqualValues(t, 10, events[2]["verify_result"])
	assert.NotContains(t, out.text(), "\u202e", "nothing that could forge output")
	assert.Equal(t, "stopped", events[3]["msg"])
	assert.EqualValues(t, 2, events[3]["calls"])
	var fault map[string]any
	require.NoError(t, json.Unmarshal(stderr.Bytes(), &fault), stderr.String())
	assert.Equal(t, "ERROR", fault["level"])
	assert.Contains(t, fmt.Sprint(fault["problems"]), `"nods"`)
}
