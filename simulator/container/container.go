// Package container runs Gatehouse in a container for tests: a simulated tenant behind its load
// balancer, as a module for testcontainers-go.
//
//	tenant := container.New(t, "gatehouse:dev", container.WithLandscapeFile("landscape.yaml"))
//	client := tenant.Client(t.Context(), "warehouse")
//
// It starts, waits, and reads what the container wrote. What the tenant does is the business of
// the image. This is a Go module of its own, so that nobody else has to take testcontainers in.
package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"
)

// The ports inside the container.
const (
	CallPort       = "8443/tcp"
	ManagementPort = "8444/tcp"
	OperatingPort  = "9090/tcp"
)

// StartLimit is how long a container may take until it is ready.
const StartLimit = 60 * time.Second

// Folders and files inside the container.
const (
	dataFolder    = "/data"
	landscapeFile = dataFolder + "/landscape.yaml"
	keysFolder    = dataFolder + "/keys"
	logsFolder    = dataFolder + "/logs"
)

// options are what the options of this package change.
type options struct{ landscape []byte }

// Option is a customizer of this package; it goes to Run among testcontainers' own.
type Option func(*testcontainers.GenericContainerRequest, *options) error

// Customize makes an Option a customizer.
func (o Option) Customize(request *testcontainers.GenericContainerRequest) error {
	return o(request, &options{})
}

// WithLandscape gives the landscape document. Default: the one of "gatehouse init".
func WithLandscape(document []byte) Option {
	return func(request *testcontainers.GenericContainerRequest, o *options) error {
		o.landscape = document
		return addFile(request, landscapeFile, document)
	}
}

// WithLandscapeFile reads the landscape document from a file. Files that it names have to be given
// with WithFile.
func WithLandscapeFile(file string) Option {
	return func(request *testcontainers.GenericContainerRequest, o *options) error {
		document, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading the landscape: %w", err)
		}
		return WithLandscape(document)(request, o)
	}
}

// WithFile puts a file beside the landscape document, under a name relative to it.
func WithFile(name string, content []byte) Option {
	return func(request *testcontainers.GenericContainerRequest, _ *options) error {
		clean := path.Clean("/" + name)
		if clean != "/"+name || name == "" {
			return fmt.Errorf("putting a file beside the landscape: found name %q, expected one relative to the landscape and within its folder", name)
		}
		return addFile(request, dataFolder+clean, content)
	}
}

// WithHostNames makes the container known under names to others in a network. The load
// balancer's certificate is for the hosts of the landscape document: use those names.
func WithHostNames(in *testcontainers.DockerNetwork, names ...string) Option {
	return func(request *testcontainers.GenericContainerRequest, _ *options) error {
		return network.WithNetwork(names, in)(request)
	}
}

func addFile(request *testcontainers.GenericContainerRequest, name string, content []byte) error {
	return testcontainers.WithFiles(testcontainers.ContainerFile{
		Reader: strings.NewReader(string(content)), ContainerFilePath: name, FileMode: 0o644,
	})(request)
}

// Container is a simulated tenant in a container.
type Container struct {
	testcontainers.Container
	landscape []byte
}

// Run starts a container of the image and waits, for StartLimit at most, until the tenant takes
// calls. On an error the container, which is returned as far as there is one, is to be ended all
// the same: testcontainers.TerminateContainer takes nil, too.
func Run(ctx context.Context, image string, opts ...testcontainers.ContainerCustomizer) (*Container, error) {
	var own options
	all := []testcontainers.ContainerCustomizer{
		testcontainers.WithExposedPorts(CallPort, ManagementPort, OperatingPort),
		testcontainers.WithCmd("serve", "-f", landscapeFile, "--listen", "0.0.0.0:8443", "--management-listen", "0.0.0.0:8444", "--metrics", "0.0.0.0:9090",
			"--allow-remote", "--keys", keysFolder, "--log-folder", logsFolder),
		testcontainers.WithWaitStrategyAndDeadline(StartLimit, wait.ForHTTP("/readyz").WithPort(OperatingPort).WithPollInterval(50*time.Millisecond)),
	}
	for _, o := range opts {
		if option, ok := o.(Option); ok {
			all = append(all, testcontainers.CustomizeRequestOption(func(request *testcontainers.GenericContainerRequest) error {
				return option(request, &own)
			}))
			continue
		}
		all = append(all, o)
	}
	c, err := testcontainers.Run(ctx, image, all...)
	var out *Container
	if c != nil {
		out = &Container{Container: c, landscape: own.landscape}
	}
	if err != nil {
		return out, fmt.Errorf("running gatehouse in a container: %w%s", err, out.lastWords(ctx))
	}
	return out, nil
}

// lastWords are what a container said that did not get ready.
func (c *Container) lastWords(ctx context.Context) string {
	if c == nil {
		return ""
	}
	said, err := c.Output(ctx)
	if err != nil || said == "" {
		return ""
	}
	return "\nit said:\n" + said
}

// Landscape is the document that the container was given; empty for the image's own.
func (c *Container) Landscape() string { return string(c.landscape) }

// Output is what gatehouse printed so far, at most maxOutput bytes of it.
func (c *Container) Output(ctx context.Context) (string, error) {
	logs, err := c.Logs(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the output of the container: %w", err)
	}
	defer logs.Close()
	data, err := io.ReadAll(io.LimitReader(logs, maxOutput))
	if err != nil {
		return "", fmt.Errorf("reading the output of the container: %w", err)
	}
	return string(data), nil
}

const maxOutput = 1 << 20

// Address is where the load balancer is reached from outside: host:port. Connect there, and ask
// for the host of the URL (SNI, Host).
func (c *Container) Address(ctx context.Context) (string, error) { return c.endpoint(ctx, CallPort) }

func (c *Container) endpoint(ctx context.Context, port string) (string, error) {
	host, err := c.Host(ctx)
	if err != nil {
		return "", fmt.Errorf("finding the container's host: %w", err)
	}
	mapped, err := c.MappedPort(ctx, port)
	if err != nil {
		return "", fmt.Errorf("finding the container's port %s: %w", port, err)
	}
	return net.JoinHostPort(host, mapped.Port()), nil
}

// CallURL is the URL of a channel's address, such as /http/orders, for a client that trusts Root.
// The load balancer's certificate is valid for localhost and the loopback addresses, too.
func (c *Container) CallURL(ctx context.Context, address string) (string, error) {
	at, err := c.Address(ctx)
	if err != nil {
		return "", err
	}
	return "https://" + at + address, nil
}

// ManagementURL is the URL of the tenant's own interfaces, below which /api/v1 is.
func (c *Container) ManagementURL(ctx context.Context) (string, error) {
	at, err := c.endpoint(ctx, ManagementPort)
	if err != nil {
		return "", err
	}
	return "https://" + at, nil
}

// Client is an HTTP client that calls as one of the landscape's senders: with its whole chain,
// trusting the load balancer. With an empty name it has no certificate. Whatever host a URL names,
// it connects to the container.
func (c *Container) Client(ctx context.Context, sender string) (*http.Client, error) {
	config, err := c.TLSConfig(ctx, sender)
	if err != nil {
		return nil, err
	}
	at, err := c.Address(ctx)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, at)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DialContext: dial}}, nil
}

// TB is what New needs of a test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	Failed() bool
	Context() context.Context
}

// New runs a container for a test and ends it with the test. A test that failed gets the
// landscape, the output and the logs of the runtime nodes into its own log.
func New(t TB, image string, opts ...testcontainers.ContainerCustomizer) *Container {
	t.Helper()
	c, err := Run(t.Context(), image, opts...)
	t.Cleanup(func() {
		// The test's context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), StartLimit)
		defer cancel()
		if c != nil {
			if t.Failed() {
				c.attach(ctx, t)
			}
			if err := testcontainers.TerminateContainer(c.Container); err != nil && !errors.Is(err, context.Canceled) {
				t.Logf("ending the container: %v", err)
			}
		}
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return c
}

// attach writes into the test's log what helps to understand its failure.
func (c *Container) attach(ctx context.Context, t TB) {
	if len(c.landscape) > 0 {
		t.Logf("the landscape:\n%s", c.landscape)
	}
	if said, err := c.Output(ctx); err == nil {
		t.Logf("gatehouse said:\n%s", said)
	}
	files, err := c.LogFiles(ctx)
	if err != nil {
		t.Logf("the logs could not be read: %v", err)
		return
	}
	for _, f := range files {
		t.Logf("%s:\n%s", f.Name, f.Content)
	}
}
