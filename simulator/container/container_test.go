package container_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"

	"example.com/gatehouse/simulator/container"
)

// image is the image under test: make container loads it and names it here.
func image(t testing.TB) string {
	t.Helper()
	if name := os.Getenv("GATEHOUSE_IMAGE"); name != "" {
		return name
	}
	const missing = "no container engine is there, or GATEHOUSE_IMAGE does not name the image: run make container"
	if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
		t.Skip(missing)
	}
	t.Fatal(missing)
	return ""
}

const landscape = `
tenant: {host: tenant.example, nodes: 2}
management: {}
pki:
  - {name: example-root, subject: "CN=Example Root CA, O=Example, C=DE", ca: true}
  - {name: example-issuing, subject: "CN=Example Issuing CA, O=Example, C=DE", issuer: example-root, ca: true}
  - {name: warehouse, issuer: example-issuing, subject: "CN=warehouse.example, O=Example, C=DE"}
  - {name: lapsed, like: warehouse, defect: expired}
loadBalancer: {trust: [example-root]}
channels: [{address: /http/orders, csrfProtected: false}]
mappings: [{certificate: warehouse, user: WAREHOUSE}]
roles: [{user: WAREHOUSE, role: ESBMessaging.send}]
senders: [{name: warehouse, certificate: warehouse}, {name: lapsed, certificate: lapsed}]
`

// One container serves the tests that change nothing in it.
var shared = sync.OnceValues(func() (*container.Container, error) {
	return container.Run(context.Background(), os.Getenv("GATEHOUSE_IMAGE"), container.WithLandscape([]byte(landscape)))
})

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("GATEHOUSE_IMAGE") != "" {
		if c, _ := shared(); c != nil {
			_ = testcontainers.TerminateContainer(c.Container)
		}
	}
	os.Exit(code)
}

func tenant(t testing.TB) *container.Container {
	t.Helper()
	image(t)
	c, err := shared()
	require.NoError(t, err)
	return c
}

func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

// A sender is let in, its twin whose certificate has expired is not, and the logs say why.
func TestCallsAndLogs(t *testing.T) {
	c := tenant(t)
	for name, want := range map[string]int{"warehouse": 200, "lapsed": 401, "": 401} {
		client, err := c.Client(t.Context(), name)
		require.NoError(t, err)
		status, _ := get(t, client, "https://tenant.example/http/orders?from="+name)
		assert.Equal(t, want, status, name)
	}
	url, err := c.CallURL(t.Context(), "/http/orders?at=localhost")
	require.NoError(t, err)
	config, err := c.TLSConfig(t.Context(), "warehouse")
	require.NoError(t, err)
	status, _ := get(t, &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, url)
	assert.Equal(t, 200, status, "the load balancer's certificate is valid for how it is reached")

	access, err := c.AccessLog(t.Context())
	require.NoError(t, err)
	assert.Contains(t, access, "- WAREHOUSE [")
	assert.Regexp(t, `- - \[[^\]]*\] GET /http/orders\?from=lapsed HTTP/1.1 401`, access)
	trace, err := c.Trace(t.Context())
	require.NoError(t, err)
	assert.Contains(t, trace, "OpenSSL verify result code: 10")
}

// The tenant's own interfaces answer; without logon they let nobody in.
func TestManagement(t *testing.T) {
	c := tenant(t)
	url, err := c.ManagementURL(t.Context())
	require.NoError(t, err)
	root, err := c.ManagementRoot(t.Context())
	require.NoError(t, err)
	config, err := c.TLSConfig(t.Context(), "")
	require.NoError(t, err)
	config.RootCAs.AddCert(root)
	status, _ := get(t, &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, url+"/api/v1/")
	assert.Equal(t, 401, status)
}

func TestKeyPairsOfOthersAreNotThere(t *testing.T) {
	c := tenant(t)
	_, err := c.KeyPair(t.Context(), "warehouze")
	assert.ErrorContains(t, err, `"warehouze"`)
	_, err = c.KeyPair(t.Context(), "../keys/warehouse")
	assert.ErrorContains(t, err, "expected that of a certificate")
}

// A landscape that is wrong ends the start, with what is wrong and where.
func TestWrongLandscapeIsToldAtOnce(t *testing.T) {
	name := image(t)
	began := time.Now()
	c, err := container.Run(t.Context(), name, container.WithLandscape([]byte("tenant: {hosst: x}\n")))
	if c != nil {
		defer func() { assert.NoError(t, testcontainers.TerminateContainer(c.Container)) }()
	}
	require.Error(t, err)
	assert.Contains(t, err.Error(), "hosst")
	assert.Contains(t, err.Error(), "host")
	assert.Less(t, time.Since(began), container.StartLimit, "a container that ended is not waited for")
}

// A failed test has the landscape and the logs in its own log.
func TestFailedTestsGetTheLogs(t *testing.T) {
	name := image(t)
	f := &failing{ctx: t.Context()}
	c := container.New(f, name, container.WithLandscape([]byte(landscape)))
	client, err := c.Client(t.Context(), "lapsed")
	require.NoError(t, err)
	get(t, client, "https://tenant.example/http/orders")
	f.end()
	said := strings.Join(f.said, "\n")
	for _, expected := range []string{"tenant.example", "http_access_", "OpenSSL verify result code: 10", "is running"} {
		assert.Contains(t, said, expected)
	}
	assert.NotContains(t, said, "PRIVATE KEY")
}

// failing is a test that fails.
type failing struct {
	ctx     context.Context
	said    []string
	cleanup []func()
}

func (f *failing) Helper()                           {}
func (f *failing) Failed() bool                      { return true }
func (f *failing) Context() context.Context          { return f.ctx }
func (f *failing) Cleanup(do func())                 { f.cleanup = append(f.cleanup, do) }
func (f *failing) Logf(format string, args ...any)   { f.said = append(f.said, sprintf(format, args...)) }
func (f *failing) Fatalf(format string, args ...any) { panic(sprintf(format, args...)) }
func (f *failing) end() {
	for _, do := range f.cleanup {
		do()
	}
}

// Files beside the landscape are found, host names are known in a network, and nothing leaves the
// folder.
func TestFilesAndHostNames(t *testing.T) {
	name := image(t)
	ctx := t.Context()
	nw, err := network.New(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, nw.Remove(context.Background())) })
	first := container.New(t, name, container.WithLandscape([]byte(landscape)))
	root, err := first.Root(ctx)
	require.NoError(t, err)
	document := strings.Replace(landscape, "pki:\n", "pki:\n  - {name: foreign, file: certs/foreign.pem}\n", 1)
	second := container.New(t, name, container.WithLandscape([]byte(document)), container.WithFile("certs/foreign.pem", pemOf(root)),
		container.WithHostNames(nw, "tenant.example"))
	client, err := second.Client(ctx, "warehouse")
	require.NoError(t, err)
	status, _ := get(t, client, "https://tenant.example/http/orders")
	assert.Equal(t, 200, status)
	names, err := second.Inspect(ctx)
	require.NoError(t, err)
	assert.Contains(t, names.NetworkSettings.Networks[nw.Name].Aliases, "tenant.example")

	_, err = container.Run(ctx, name, container.WithFile("../passwd", nil))
	assert.ErrorContains(t, err, "within its folder")
}

// The process in the container is not root, and its image has nothing but what it needs.
func TestImage(t *testing.T) {
	c := tenant(t)
	got, err := c.Inspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "65532:65532", got.Config.User)
	if docker, err := exec.LookPath("docker"); err == nil {
		said, err := exec.Command(docker, "image", "inspect", "-f", "{{.Size}}", image(t)).Output()
		require.NoError(t, err)
		size, err := strconv.Atoi(strings.TrimSpace(string(said)))
		require.NoError(t, err)
		assert.Less(t, size, 30_000_000, "30 MB")
	}
}
