package container_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/container"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/suite/result"
	"example.com/gatehouse/steps/target"
)

const behindLandscape = `
tenant: {host: tenant.example, nodes: 1}
management: {}
pki:
  - {name: example-root, file: ca/root.pem}
loadBalancer: {trust: [example-root]}
channels: [{address: /http/orders, csrfProtected: false}]
users: [{name: admin, password: an-example-for-admin}]
oauthClients: [{id: platform, secret: an-example-for-platform, scopes: [hcp.manageAuthorizationSettings, hcp.readAuthorizationSettings]}]
roles: [{user: admin, role: AuthGroup.Administrator, application: e100999tmn}]
`

// differs are the scenarios that come out differently, with the reason.
var differs = map[string]string{
	"A sender cannot choose the address that is logged":                "the container engine hides the sender's address from HAProxy",
	"The sender's address is passed on":                                "the container engine hides the sender's address from HAProxy",
	"A resumed session keeps the refusal of a certificate":             "a resumed session keeps the last error",
	"A certificate of an unknown CA is not accepted":                   "the depth of an error is not passed on",
	"Sending the unknown root does not help":                           "the depth of an error is not passed on",
	"A chain with the defect unknown-critical-extension does not hold": "HAProxy 2.6 ends the handshake for the codes 32 to 63",
}

// The scenarios of the load balancer run with HAProxy in a container in front of the runtime
// nodes in another: all that a tenant at a URL can do passes, but for what is listed above. With
// GATEHOUSE_WHOLE_SUITE all scenarios run, which takes minutes: the platform API takes 100 requests a
// minute.
func TestSuiteThroughHAProxy(t *testing.T) {
	name, base := image(t), os.Getenv("GATEHOUSE_NEIGHBOURS")
	require.NotEmpty(t, base, "GATEHOUSE_NEIGHBOURS does not name the image with HAProxy: run make container")
	ctx := t.Context()
	root := pki.NewRoot("Example Root CA", pki.Subject("CN=Example Root CA, O=Example, C=DE"))
	issuing := root.Intermediate("Example Issuing CA", pki.Subject("CN=Example Issuing CA, O=Example, C=DE"))

	nw, err := network.New(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, nw.Remove(context.Background())) })
	tenant := container.New(t, name, container.WithLandscape([]byte(behindLandscape)), container.WithFile("ca/root.pem", keystore.CertificatePEM(root)),
		container.WithHostNames(nw, "nodes.example"),
		testcontainers.WithCmdArgs("--behind", "haproxy", "--behind-listen", "0.0.0.0:8443", "--behind-folder", "/data/front", "--behind-seen-as", "/etc/front",
			"--node-host", "0.0.0.0", "--nodes-seen-at", "nodes.example"))
	at := startHAProxy(t, base, nw, tenant)

	document := describe(t, tenant, at, issuing)
	remote, err := target.Remote(ctx, document)
	require.NoError(t, err)
	var out bytes.Buffer
	tags := "@LB"
	if os.Getenv("GATEHOUSE_WHOLE_SUITE") != "" {
		tags = ""
	}
	report, err := suite.Run(ctx, suite.Config{
		Target: remote, Output: &out, Tags: tags, Secrets: document.Secrets(),
		Finish: func(ctx context.Context) []string { assert.NoError(t, remote.Close(ctx)); return nil },
	})
	require.NoError(t, err, out.String())
	passed, other := 0, map[result.Status]int{}
	for _, r := range report.Results {
		reason, expected := differs[r.Scenario.Name]
		switch {
		case r.Status == result.Passed:
			passed++
			assert.False(t, expected, "%s: is listed as a difference (%s), and passes", r.Scenario.Name, reason)
		case r.Status == result.NotSupported:
			other[r.Status]++
		case expected:
			other[r.Status]++
		default:
			t.Errorf("%s (%s): %s", r.Scenario.Name, r.Scenario.ID(), r.Status)
		}
	}
	t.Logf("through HAProxy: %d scenarios passed, others %v", passed, other)
	assert.Greater(t, passed, 35)
	if t.Failed() {
		t.Log(out.String())
	}
}

// startHAProxy runs HAProxy with what the tenant wrote for it, and returns where it listens.
func startHAProxy(t *testing.T, base string, nw *testcontainers.DockerNetwork, tenant *container.Container) string {
	t.Helper()
	files, err := tenant.Files(t.Context(), "/data/front")
	require.NoError(t, err)
	require.Contains(t, files, "haproxy.cfg")
	var given []testcontainers.ContainerFile
	for name, content := range files {
		given = append(given, testcontainers.ContainerFile{Reader: bytes.NewReader(content), ContainerFilePath: "/etc/front/" + name, FileMode: 0o600})
	}
	front, err := testcontainers.Run(t.Context(), base, network.WithNetwork(nil, nw), testcontainers.WithFiles(given...),
		testcontainers.WithCmd("haproxy", "-W", "-db", "-f", "/etc/front/haproxy.cfg"), testcontainers.WithExposedPorts("8443/tcp"),
		testcontainers.WithWaitStrategyAndDeadline(30*time.Second, wait.ForListeningPort("8443/tcp").SkipInternalCheck()))
	t.Cleanup(func() {
		if front != nil && t.Failed() {
			if said, err := front.Logs(context.Background()); err == nil {
				var b bytes.Buffer
				_, _ = b.ReadFrom(said)
				t.Logf("HAProxy said:\n%s", b.String())
			}
		}
		assert.NoError(t, testcontainers.TerminateContainer(front, testcontainers.StopTimeout(0)))
	})
	require.NoError(t, err)
	host, err := front.Host(t.Context())
	require.NoError(t, err)
	port, err := front.MappedPort(t.Context(), "8443/tcp")
	require.NoError(t, err)
	return net.JoinHostPort(host, port.Port())
}

// describe is the target document: calls go through HAProxy, all else to the tenant.
func describe(t *testing.T, tenant *container.Container, front string, issuing *pki.Certificate) target.Document {
	t.Helper()
	ctx, folder := t.Context(), t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	root, err := tenant.Root(ctx)
	require.NoError(t, err)
	management, err := tenant.ManagementRoot(ctx)
	require.NoError(t, err)
	key, err := keystore.KeyPEM(issuing.Key())
	require.NoError(t, err)
	write("root.pem", pemOf(root))
	write("management.pem", pemOf(management))
	write("issuing.pem", keystore.FullChainPEM(issuing))
	write("issuing.key", key)
	write("admin.txt", []byte("an-example-for-admin"))
	write("platform.txt", []byte("an-example-for-platform"))
	url, err := tenant.ManagementURL(ctx)
	require.NoError(t, err)
	document, err := target.ParseDocument("target.yaml", fmt.Appendf(nil, `
name: nodes behind HAProxy
call: {url: "https://tenant.example", address: %q, trust: root.pem}
management: {url: %q, trust: management.pem, user: admin, passwordFile: admin.txt}
platform: {url: %q, trust: management.pem, client: platform, passwordFile: platform.txt}
issuing: {certificate: issuing.pem, key: issuing.key}
`, front, url, url), folder)
	require.NoError(t, err, strings.TrimSpace(url))
	return document
}
