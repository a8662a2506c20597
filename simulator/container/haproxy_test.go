package container_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
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
	"example.com/gatehouse/simulator/neighbour"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/suite/result"
	"example.com/gatehouse/steps/target"
)

// behindLandscape is a tenant with so many runtime nodes, which has all that a scenario may ask for that
// others use it at the same time. The roles of nobody make the platform API know these applications
// and roles: it knows none that nothing was assigned on.
func behindLandscape(nodes int) []byte {
	return fmt.Appendf(nil, `
tenant: {host: tenant.example, nodes: %d}
management: {downtime: 100ms, platformRequests: 100000}
pki:
  - {name: example-root, file: ca/root.pem}
  - {name: other-root, subject: "CN=Other Root CA, O=Example, C=DE", ca: true}
loadBalancer:
  trust: [example-root]
  domains:
    - {host: asks.example, mode: request, trust: [example-root]}
    - {host: demands.example, mode: require, trust: [example-root]}
    - {host: never.example, mode: none}
    - {host: others.example, mode: request, trust: [other-root]}
channels:
  - {address: /http/orders, csrfProtected: false}
  - {address: /http/one-way, csrfProtected: false, answer: oneWay}
  - {address: /http/no-content, csrfProtected: false, answer: noContent}
  - {address: /http/fails, csrfProtected: false, answer: fail}
  - {address: /gw/odata/SAP/STOCK}
users: [{name: admin, password: an-example-for-admin}]
oauthClients: [{id: platform, secret: an-example-for-platform, scopes: [hcp.manageAuthorizationSettings, hcp.readAuthorizationSettings]}]
roles:
  - {user: admin, role: AuthGroup.Administrator, application: e100999tmn}
  - {user: admin, role: AuthGroup.IntegrationDeveloper, application: e100999tmn}
  - {user: NOBODY, role: ESBMessaging.send, application: provision}
  - {user: NOBODY, role: ESBMessaging.send, application: e100999tmn}
  - {user: NOBODY, role: ESBMessaging.send, application: e100999hcioem}
  - {user: NOBODY, role: Returns.send}
`, nodes)
}

// parts say in the target document what plays which part.
const parts = `
domains:
  - {plays: orders.example, host: asks.example, mode: request}
  - {plays: orders.example, host: demands.example, mode: require}
  - {plays: orders.example, host: never.example, mode: none}
  - {plays: orders.example, host: others.example, mode: request, otherBundle: true}
channels:
  - {plays: /http/flow, address: /http/one-way, answer: oneWay}
  - {plays: /http/flow, address: /http/no-content, answer: noContent}
  - {plays: /http/flow, address: /http/fails, answer: fail}
  - {plays: /gw/odata/SAP/STOCK, address: /gw/odata/SAP/STOCK, adapter: OData}
limits: {log: 5s, trace: 1s, absence: 1s}
`

// concurrency is how many scenarios run at once where they do not change what others use: most of their
// time they wait for logs.
const concurrency = 8

// The whole bundled suite runs with HAProxy in a container in front of the runtime nodes in another.
// What does not pass is listed in package neighbour, with the reason.
func TestSuiteThroughHAProxy(t *testing.T) {
	name, base := image(t), os.Getenv("GATEHOUSE_NEIGHBOURS")
	require.NotEmpty(t, base, "GATEHOUSE_NEIGHBOURS does not name the image with HAProxy: run make container")
	var all outcomes
	one := startTenant(t, name, base, 1)
	all.add(t, one.run(t, "", suite.Config{Concurrency: concurrency}))
	// What a scenario does to the nodes, others would notice.
	const mine = "features: {nodes: true}\n"
	all.add(t, one.run(t, mine, suite.Config{Concurrency: 1, Tags: "@LB-20"}))
	all.add(t, startTenant(t, name, base, 2).run(t, mine, suite.Config{Concurrency: 1, Tags: "@needs-nodes"}))
	all.add(t, startTenant(t, name, base, 3).run(t, mine, suite.Config{Concurrency: 1, Tags: "@LOG-9"}))
	all.compare(t, one.engineHides)
}

// outcomes are what came out of each scenario, over several runs: it passed if it passed in one of them
// and failed in none.
type outcomes struct {
	order []string
	by    map[string]suite.Result
}

func (o *outcomes) add(t *testing.T, report suite.Report) {
	t.Helper()
	if o.by == nil {
		o.by = map[string]suite.Result{}
	}
	for _, r := range report.Results {
		id := r.Scenario.ID()
		before, known := o.by[id]
		if !known {
			o.order = append(o.order, id)
		}
		if !known || before.Status == result.NotSupported || before.Status == result.Passed && r.Status != result.NotSupported {
			o.by[id] = r
		}
	}
}

// compare finds that what did not pass is listed, and that what is listed did not pass.
func (o *outcomes) compare(t *testing.T, engineHides bool) {
	t.Helper()
	listed := neighbour.ScenarioDifferences(neighbour.HAProxy)
	if engineHides {
		listed = append(listed, neighbour.ScenarioDifference{
			Run: true, Reason: "the container engine hides the sender's address from HAProxy",
			Scenarios: []string{"A sender cannot choose the address that is logged", "The sender's address is passed on"},
		})
	}
	found := make([]int, len(listed))
	counts := map[result.Status]int{}
	for _, id := range o.order {
		r := o.by[id]
		counts[r.Status]++
		i := slices.IndexFunc(listed, func(d neighbour.ScenarioDifference) bool { return d.Has(r.Scenario.Name, r.Scenario.Tags) })
		if i >= 0 {
			found[i]++
		}
		switch {
		case r.Status == result.Passed && i >= 0:
			t.Errorf("%s (%s): is listed (%s), and passes", r.Scenario.Name, id, listed[i].Reason)
		case r.Status == result.Passed:
		case i < 0:
			failure, _ := r.Failure()
			t.Errorf("%s (%s): %s, and is not listed: %s %s", r.Scenario.Name, id, r.Status, r.Reason, failure.Message)
		case listed[i].Run != (r.Status != result.NotSupported):
			t.Errorf("%s (%s): %s, and is listed otherwise (%s)", r.Scenario.Name, id, r.Status, listed[i].Reason)
		}
	}
	for i, d := range listed {
		assert.Positive(t, found[i], "no scenario is one of %v %s", d.Scenarios, d.Tag)
		t.Logf("%d do not pass: %s", found[i], d.Reason)
	}
	t.Logf("through HAProxy: of %d scenarios %d passed; others: %v", len(o.order), counts[result.Passed], counts)
}

// behind is a tenant behind HAProxy, both in containers.
type behind struct {
	tenant  *container.Container
	front   string
	root    *pki.Certificate
	issuing *pki.Certificate
	// engineHides tells that HAProxy sees the container engine's address in place of the sender's.
	engineHides bool
}

func startTenant(t *testing.T, image, base string, nodes int) *behind {
	t.Helper()
	b := &behind{root: pki.NewRoot("Example Root CA", pki.Subject("CN=Example Root CA, O=Example, C=DE"))}
	b.issuing = b.root.Intermediate("Example Issuing CA", pki.Subject("CN=Example Issuing CA, O=Example, C=DE"))
	nw, err := network.New(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, nw.Remove(context.Background())) })
	b.tenant = container.New(t, image, container.WithLandscape(behindLandscape(nodes)), container.WithFile("ca/root.pem", keystore.CertificatePEM(b.root)),
		container.WithHostNames(nw, "nodes.example"),
		testcontainers.WithCmdArgs("--behind", "haproxy", "--behind-listen", "0.0.0.0:8443", "--behind-folder", "/data/front", "--behind-seen-as", "/etc/front",
			"--node-host", "0.0.0.0", "--nodes-seen-at", "nodes.example"))
	b.front, b.engineHides = startHAProxy(t, base, nw, b.tenant)
	return b
}

// run runs a part of the suite; sections go into the target document.
func (b *behind) run(t *testing.T, sections string, config suite.Config) suite.Report {
	t.Helper()
	document := b.describe(t, sections)
	remote, err := target.Remote(t.Context(), document)
	require.NoError(t, err)
	var out bytes.Buffer
	config.Target, config.Output, config.Secrets = remote, &out, document.Secrets()
	config.Finish = func(ctx context.Context) []string { assert.NoError(t, remote.Close(ctx)); return nil }
	report, err := suite.Run(t.Context(), config)
	require.NoError(t, err, out.String())
	t.Cleanup(func() {
		assert.NoError(t, report.Close())
		if t.Failed() {
			t.Log(out.String())
		}
	})
	t.Logf("%q on a tenant: %s", config.Tags, report.Duration.Round(100*time.Millisecond))
	return report
}

// startHAProxy runs HAProxy with what the tenant wrote for it, and returns where it is called. That is the
// container's own address where it is reached from here, so that HAProxy sees who calls; else a port of
// the container engine.
func startHAProxy(t *testing.T, base string, nw *testcontainers.DockerNetwork, tenant *container.Container) (address string, hidden bool) {
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
	published := net.JoinHostPort(host, port.Port())
	own := published
	if ip, err := front.ContainerIP(t.Context()); err == nil && ip != "" {
		own = net.JoinHostPort(ip, "8443")
	}
	require.Eventually(t, func() bool {
		for _, address = range []string{own, published} {
			if answersTLS(t.Context(), address) {
				return true
			}
		}
		return false
	}, frontLimit, 100*time.Millisecond, "HAProxy answers neither at %s nor at %s", own, published)
	return address, address == published
}

// frontLimit is how long HAProxy may take until it answers.
const frontLimit = 20 * time.Second

// answersTLS tells whether somebody takes part in a TLS handshake there; who it is, a suite finds out.
func answersTLS(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// describe is the target document: calls go through HAProxy, all else to the tenant.
func (b *behind) describe(t *testing.T, sections string) target.Document {
	t.Helper()
	ctx, folder := t.Context(), t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	root, err := b.tenant.Root(ctx)
	require.NoError(t, err)
	management, err := b.tenant.ManagementRoot(ctx)
	require.NoError(t, err)
	key, err := keystore.KeyPEM(b.issuing.Key())
	require.NoError(t, err)
	rootKey, err := keystore.KeyPEM(b.root.Key())
	require.NoError(t, err)
	write("root.pem", pemOf(root))
	write("management.pem", pemOf(management))
	write("issuing.pem", keystore.FullChainPEM(b.issuing))
	write("issuing.key", key)
	write("root.key", rootKey)
	write("admin.txt", []byte("an-example-for-admin"))
	write("platform.txt", []byte("an-example-for-platform"))
	url, err := b.tenant.ManagementURL(ctx)
	require.NoError(t, err)
	document, err := target.ParseDocument("target.yaml", fmt.Appendf(nil, `
name: nodes behind HAProxy
call: {url: "https://tenant.example", address: %q, trust: root.pem}
management: {url: %q, trust: management.pem, user: admin, passwordFile: admin.txt}
platform: {url: %q, trust: management.pem, client: platform, passwordFile: platform.txt}
issuing: {certificate: issuing.pem, key: issuing.key, issuerKey: root.key}
`+parts+sections, b.front, url, url), folder)
	require.NoError(t, err, strings.TrimSpace(url))
	return document
}
