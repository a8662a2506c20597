package simulator_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExampleLetsItsSendersInAsItSays(t *testing.T) {
	sim := simulator.New(t, simulator.Example())
	for name, want := range map[string]struct {
		path   string
		status int
		reason journey.Reason
	}{
		"warehouse":               {"/http/orders", 200, ""},
		"shop":                    {"/cxf/stock", 200, ""},
		"warehouse-without-chain": {"/http/orders", 401, journey.CertificateNotAccepted},
		"warehouse-expired":       {"/http/orders", 401, journey.CertificateNotAccepted},
		"stranger":                {"/http/orders", 401, journey.NoIdentity},
	} {
		outcome, err := sim.Send(t.Context(), name, sender.Call{URL: want.path, Method: http.MethodPost, Body: []byte("<order/>")})
		require.NoError(t, err, name)
		assert.Equal(t, want.status, outcome.Result.Status, name)
		cause, _ := outcome.Journey.Cause()
		assert.Equal(t, want.reason, cause.Reason, name)
		assert.NotEmpty(t, outcome.Journey.AccessLog, name)
	}
	_, err := sim.Send(t.Context(), "wharehouse", sender.Call{URL: "/http/orders"})
	assert.ErrorContains(t, err, `did you mean "warehouse"?`)
}

// What is written as a document is the same landscape again.
func TestYAMLRoundTrip(t *testing.T) {
	first, err := simulator.Example().YAML()
	require.NoError(t, err)
	again, err := simulator.Read("again.yaml", first)
	require.NoError(t, err, string(first))
	second, err := again.YAML()
	require.NoError(t, err)
	assert.Equal(t, string(first), string(second))
	sim := simulator.New(t, again)
	outcome, err := sim.Send(t.Context(), "warehouse", sender.Call{URL: "/http/orders"})
	require.NoError(t, err)
	assert.Equal(t, "WAREHOUSE", outcome.Journey.User)
}

func TestZeroLandscapeStarts(t *testing.T) {
	sim := simulator.New(t, simulator.Landscape{})
	outcome, err := sim.Call(t.Context(), sim.NewSender("x", nil), sender.Call{URL: "/http/orders"})
	require.NoError(t, err)
	assert.Equal(t, 401, outcome.Result.Status)
}

// A wrong document is refused with position, what was expected and the nearest valid name, and
// nothing is started.
func TestWrongLandscapes(t *testing.T) {
	for text, want := range map[string]string{
		"tenant: {nodse: 2}":                                                                   `l.yaml:1:10: tenant: unknown key "nodse", did you mean "nodes"?`,
		"tenant: {nodes: 17}":                                                                  "l.yaml:1:17: tenant.nodes: found 17, expected 1 to 16",
		"tenant: {nodesDown: [2]}":                                                             "expected a node from 1 to 1",
		"tenant: {host: 'a b'}":                                                                "expected a host name",
		"tenant: {profile: iflmp}":                                                             `did you mean "iflmap"?`,
		"pki: [{name: r, ca: true}]\nloadBalancer: {trust: [s]}":                               `l.yaml:2:24: loadBalancer.trust[0]: no certificate is called "s"`,
		"pki: [{name: a, issuer: b}]":                                                          `pki[0].issuer`,
		"pki: [{name: r, ca: true, key: RSA-1}]":                                               `pki[0].key`,
		"pki: [{name: r, ca: true, defect: expierd}]":                                          `expired`,
		"loadBalancer: {listen: '8443'}":                                                       "expected address:port",
		"loadBalancer: {address: here}":                                                        "expected an IP address",
		"loadBalancer: {domains: [{mode: require}]}":                                           "loadBalancer.domains[0].host: is missing",
		"loadBalancer: {domains: [{host: a.example, mode: demand}]}":                           "expected one of request, require, none",
		"loadBalancer: {verification: {level: 6}}":                                             "found 6, expected 0 to 5",
		"loadBalancer: {limits: {idle: -1s}}":                                                  "is negative",
		"channels: [{address: /http/a}, {address: /http/A}]":                                   "l.yaml:1:",
		"channels: [{address: /http/a, authorization: {userRole: x, clientCertificates: []}}]": "has both",
		"channels: [{address: /cxf/a, csrfProtected: true}]":                                   "only HTTPS channels",
		"channels: [{address: /http/a, answer: ecko}]":                                         "channels[0].answer",
		"mappings: [{certificate: x, user: Y}]":                                                "the pki section is empty",
		"senders: [{name: a}, {name: a}]":                                                      `another sender is called "a"`,
		"senders: [{name: a, sends: leaf-only}]":                                               "add certificate",
		"senders: [{name: a, user: erika}]":                                                    `no user is called "erika"`,
		"senders: [{name: a, oauthClient: x}]":                                                 `no OAuth client is called "x"`,
		"users: [{name: a, passwordEnv: GATEHOUSE_NOT_SET}]":                                   "is not set",
		"roles: [{role: x}]":                                                                   "roles[0]",
	} {
		_, err := simulator.Read("l.yaml", []byte(text))
		var problems document.Problems
		if assert.ErrorAs(t, err, &problems, text) {
			assert.Contains(t, err.Error(), want, text)
			assert.Positive(t, problems[0].Line, "%s: %v", text, err)
		}
	}
}

func TestUnreadableKeyIsRefusedWithItsEntry(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "l.yaml")
	require.NoError(t, os.WriteFile(file, []byte("pki:\n  - {name: root, ca: true}\n  - name: leaf\n    issuer: root\n    keyFile: leaf.key\n"), 0o600))
	l, err := simulator.ReadFile(file)
	require.NoError(t, err)
	key := filepath.Join(folder, "leaf.key")
	refused := func(want string) {
		_, err := simulator.Start(t.Context(), l, simulator.Options{})
		var problems document.Problems
		require.ErrorAs(t, err, &problems)
		assert.Contains(t, err.Error(), "l.yaml:3:5: pki[1]: reading leaf.key")
		assert.Contains(t, err.Error(), want)
	}
	refused("leaf.key")
	require.NoError(t, os.WriteFile(key, []byte("garbage"), 0o600))
	refused("not a private key")
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "gatehouse-*"))
	require.NoError(t, err)
	l, err := simulator.Read("l.yaml", []byte("loadBalancer:\n  listen: "+taken.Addr().String()+"\n"))
	require.NoError(t, err)
	_, err = simulator.Start(t.Context(), l, simulator.Options{})
	require.ErrorContains(t, err, "l.yaml:2:11: loadBalancer.listen")
	after, err := filepath.Glob(filepath.Join(os.TempDir(), "gatehouse-*"))
	require.NoError(t, err)
	assert.Len(t, after, len(before), "nothing is left behind")
}

func TestCloseEndsEverything(t *testing.T) {
	sim, err := simulator.Start(t.Context(), simulator.Example(), simulator.Options{})
	require.NoError(t, err)
	address, folder := sim.Address(), sim.LogFolder()
	_, err = sim.Send(t.Context(), "warehouse", sender.Call{URL: "/http/orders"})
	require.NoError(t, err)
	require.NoError(t, sim.Close())
	require.NoError(t, sim.Close(), "once more is no error")
	_, err = net.DialTimeout("tcp", address, time.Second)
	assert.Error(t, err)
	assert.NoDirExists(t, folder)
}

func TestLogFolderOfOnesOwnIsKept(t *testing.T) {
	folder := t.TempDir()
	sim, err := simulator.Start(t.Context(), simulator.Example(), simulator.Options{LogFolder: folder})
	require.NoError(t, err)
	_, err = sim.Send(t.Context(), "warehouse", sender.Call{URL: "/http/orders"})
	require.NoError(t, err)
	require.NoError(t, sim.Close())
	files, err := filepath.Glob(filepath.Join(folder, "http_access_*.log"))
	require.NoError(t, err)
	assert.Len(t, files, 1)
}

func TestTrustCanBeChanged(t *testing.T) {
	sim := simulator.New(t, simulator.Example())
	assert.ErrorContains(t, sim.SetTrust(sim.Host(), "example-rot"), `did you mean "example-root"?`)
	assert.ErrorContains(t, sim.SetTrust("nobody.example", "example-root"), "no such host")
	require.NoError(t, sim.SetTrust(sim.Host()))
	outcome, err := sim.Send(t.Context(), "warehouse", sender.Call{URL: "/http/orders"})
	require.NoError(t, err)
	assert.Equal(t, 401, outcome.Result.Status)
	require.NoError(t, sim.AddTrust(sim.Host(), "example-root"))
	outcome, err = sim.Send(t.Context(), "warehouse", sender.Call{URL: "/http/orders"})
	require.NoError(t, err)
	assert.Equal(t, 200, outcome.Result.Status)
}

func TestEndOfContextClosesManagementCalls(t *testing.T) {
	l := simulator.Example()
	l.Tenant.ManagementCalls = true
	sim := simulator.New(t, l)
	limit, cancel := context.WithTimeout(t.Context(), simulator.JourneyLimit)
	defer cancel()
	j, err := sim.Journeys().Wait(limit, func(j journey.Journey) bool { return j.Path == "/cxf/index.html" })
	require.NoError(t, err)
	assert.Equal(t, sim.ManagementHost()+"@Example Management CA", j.User)
}

func FuzzRead(f *testing.F) {
	f.Add(simulator.ExampleDocument())
	f.Add([]byte("pki: [{name: a, like: a}]"))
	f.Add([]byte("senders: [{name: a, trusts: [], tls: '1.1'}]\nloadBalancer: {domains: [{host: x, trust: [y]}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = simulator.Read("l.yaml", data) // files that it names are read at the start only
	})
}

// BenchmarkStartClose starts and closes a landscape of two nodes with ECDSA certificates. The
// promise on two cores: under 4 ms.
func BenchmarkStartClose(b *testing.B) {
	l := simulator.Example()
	for b.Loop() {
		sim, err := simulator.Start(b.Context(), l, simulator.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := sim.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend is a whole call with a new connection.
func BenchmarkSend(b *testing.B) {
	sim := simulator.New(b, simulator.Example())
	for b.Loop() {
		outcome, err := sim.Send(b.Context(), "warehouse", sender.Call{URL: "/http/orders"})
		if err != nil || outcome.Result.Status != 200 {
			b.Fatal(err, outcome.Result.Status)
		}
	}
}

func ExampleStart() {
	sim, err := simulator.Start(context.Background(), simulator.Example(), simulator.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sim.Close()
	outcome, err := sim.Send(context.Background(), "warehouse-without-chain", sender.Call{URL: "/http/orders"})
	if err != nil {
		fmt.Println(err)
		return
	}
	cause, _ := outcome.Journey.Cause()
	fmt.Println(outcome.Result.Status, "because of the", cause.Station, "with verify result", outcome.Journey.Verification.Code)
	// Output: 401 because of the load balancer with verify result 20
}
