package target_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/tenant"
	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a landscape that stands for a target somewhere else, with the folder of a document that
// leads to it.
type running struct {
	sim    *simulator.Simulator
	folder string
}

const landscape = `
tenant: {nodes: 2}
management: {downtime: 50ms, platformRequests: 1000}
pki:
  - {name: example-root, subject: "CN=Somebody's Root CA, O=Somebody, C=DE", ca: true}
loadBalancer: {trust: [example-root]}
channels:
  - {address: /http/orders, csrfProtected: false}
users:
  - {name: operator, password: operators-password}
oauthClients:
  - {id: platform, secret: platforms-secret, scopes: [hcp.manageAuthorizationSettings, hcp.readAuthorizationSettings]}
roles:
  - {user: operator, role: AuthGroup.Administrator, application: e100999tmn}
  - {user: operator, role: AuthGroup.IntegrationDeveloper, application: e100999tmn}
`

func start(t *testing.T) running {
	t.Helper()
	l, err := simulator.Read("landscape.yaml", []byte(landscape))
	require.NoError(t, err)
	sim, err := simulator.Start(context.WithoutCancel(t.Context()), l, simulator.Options{Management: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sim.Close()) })
	r := running{sim: sim, folder: t.TempDir()}
	r.write(t, "lb.pem", string(keystore.CertificatePEM(sim.Root())))
	r.write(t, "management.pem", string(keystore.CertificatePEM(sim.ManagementRoot())))
	return r
}

func (r running) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(r.folder, name), []byte(text), 0o600))
}

// document is a target document with these sections beside call.
func (r running) document(t *testing.T, sections string) target.Document {
	t.Helper()
	text := "call: {url: 'https://" + r.sim.Host() + "', address: '" + r.sim.Address() + "', trust: lb.pem}\n" +
		"limits: {log: 20s, trace: 1s, absence: 1s}\n" + strings.ReplaceAll(sections, "MANAGEMENT", r.sim.ManagementURL())
	d, err := target.ParseDocument("target.yaml", []byte(text), r.folder)
	require.NoError(t, err)
	return d
}

// whole has everything that a running simulator offers.
const whole = `
management: {url: 'MANAGEMENT', trust: management.pem, user: operator, passwordEnv: GATEHOUSE_TEST_OPERATOR}
platform: {url: 'MANAGEMENT', trust: management.pem, client: platform, passwordEnv: GATEHOUSE_TEST_PLATFORM}
`

func secrets(t *testing.T) {
	t.Setenv("GATEHOUSE_TEST_OPERATOR", "operators-password")
	t.Setenv("GATEHOUSE_TEST_PLATFORM", "platforms-secret")
}

func connect(t *testing.T, d target.Document) target.Target {
	t.Helper()
	r, err := target.Remote(t.Context(), d)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close(context.WithoutCancel(t.Context()))) })
	return r
}

func runOn(t *testing.T, on target.Target, config suite.Config) *suite.Report {
	t.Helper()
	config.Target, config.Initializer = on, steps.RegisterOn(on)
	report, err := suite.Run(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, report.Close()) })
	return &report
}

// Of a target of which nothing is known but its URL, the scenarios that need nothing else are run
// and pass; the others are not supported, each with the reason.
func TestURLAlone(t *testing.T) {
	r := start(t)
	on := connect(t, r.document(t, ""))
	require.NoError(t, on.Sanity(t.Context()))
	report := runOn(t, on, suite.Config{Tags: "not @slow"})
	passed := 0
	for _, result := range report.Results {
		needs := slices.ContainsFunc(result.Scenario.Tags, func(tag string) bool { return strings.HasPrefix(tag, "@needs-") })
		if needs {
			assert.Equal(t, suite.NotSupported, result.Status, result.Scenario.Name)
			continue
		}
		assert.Equal(t, suite.Passed, result.Status, "%s: %+v", result.Scenario.Name, result.Steps)
		passed++
	}
	assert.GreaterOrEqual(t, passed, 20)
	assert.False(t, report.OK(), "a run of which parts are not supported is partial at best")
}

// A running simulator supports most of what the embedded one does; what is not supported has a
// reason, and what was changed on it is put back.
func TestRunningSimulator(t *testing.T) {
	secrets(t)
	r := start(t)
	on := connect(t, r.document(t, whole))
	before := r.sim.Tenant().Config()
	require.NoError(t, on.Sanity(t.Context()))
	// Those that show every way of the target; the whole suite runs on one in package container.
	const tags = "(@SND-3 or @LB-8 or @LB-10 or @AUT-2 or @AUT-9 or @AUT-14 or @LOG-5 or @LOG-6 or @TRC-1 or @CHN-8 or @CHN-12 or @EP-3) and not @slow"
	report := runOn(t, on, suite.Config{Tags: tags, Concurrency: 4})
	// How calls are spread over nodes, calls of other scenarios would change.
	spread := runOn(t, on, suite.Config{Tags: "@LB-13", Concurrency: 1})
	counts := map[suite.Status]int{}
	for _, result := range slices.Concat(report.Results, spread.Results) {
		counts[result.Status]++
		failure, _ := result.Failure()
		switch result.Status {
		case suite.Passed:
		case suite.NotSupported:
			t.Logf("not supported: %s: %s", result.Scenario.Name, failure.Message)
		default:
			t.Errorf("%s %s: %s", result.Status, result.Scenario.Name, failure.Message)
		}
	}
	assert.GreaterOrEqual(t, counts[suite.Passed], 40)
	after := r.sim.Tenant().Config()
	assert.Equal(t, before.Mappings, after.Mappings)
	assert.Equal(t, before.Roles, after.Roles)
	assert.Equal(t, before.Users, after.Users)
	assert.Equal(t, before.Channels, after.Channels)
}

// changes lets a scenario change everything that has to be put back.
func changes(t *testing.T, on target.Target) target.Session {
	t.Helper()
	ctx := t.Context()
	s, err := on.Open(ctx, target.Setup{})
	require.NoError(t, err)
	p, err := s.Good(ctx, "warehouse")
	require.NoError(t, err)
	require.NoError(t, s.AddUser(ctx, "erika", "opensesame"))
	require.NoError(t, s.AddClient(ctx, "d2c1"))
	require.NoError(t, s.AddCredential(ctx, "backend", "opensesame"))
	require.NoError(t, s.AddToKeystore(ctx, "warehouse", p.Keystore.Certificate))
	require.NoError(t, s.AddGroup(ctx, "Senders", "DEPOT"))
	require.NoError(t, s.Assign(ctx, tenant.Assignment{Group: "Senders", Role: "ESBMessaging.send"}))
	require.NoError(t, s.Assign(ctx, tenant.Assignment{User: "DEPOT", Role: "AuthGroup.Administrator"}))
	require.NoError(t, s.Map(ctx, p.Keystore.Certificate, "DEPOT"))
	off := false
	require.NoError(t, s.PutChannel(ctx, simulator.Channel{Address: "/http/returns", CSRFProtected: &off}))
	return s
}

// What a scenario changed is put back also if it never ended, as after an interrupt: the target's own
// Close does it.
func TestWhatWasLeftIsPutBack(t *testing.T) {
	secrets(t)
	r := start(t)
	on, err := target.Remote(t.Context(), r.document(t, whole))
	require.NoError(t, err)
	before := r.sim.Tenant().Config()
	changes(t, on)
	during := r.sim.Tenant().Config()
	assert.NotEqual(t, before.Mappings, during.Mappings)
	assert.NotEqual(t, before.Roles, during.Roles)
	assert.NotEqual(t, before.Users, during.Users)
	assert.NotEqual(t, before.Clients, during.Clients)
	assert.NotEqual(t, before.Credentials, during.Credentials)
	require.Len(t, during.Keystore, len(before.Keystore)+1)
	require.Len(t, during.Groups, len(before.Groups)+1)
	assert.True(t, slices.ContainsFunc(during.Roles, func(a tenant.Assignment) bool {
		return a.Role == "AuthGroup.Administrator" && a.Application == "e100999tmn" && strings.HasSuffix(a.User, "-DEPOT")
	}), "the authorization groups are those of the management node: %v", during.Roles)
	assert.Greater(t, len(during.Channels), len(before.Channels))

	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, on.Close(interrupted))
	after := r.sim.Tenant().Config()
	assert.Equal(t, before.Mappings, after.Mappings)
	assert.Equal(t, before.Roles, after.Roles)
	assert.Equal(t, before.Users, after.Users)
	assert.Equal(t, before.Clients, after.Clients)
	assert.Equal(t, before.Credentials, after.Credentials)
	assert.Equal(t, before.Groups, after.Groups)
	assert.Equal(t, before.Keystore, after.Keystore)
	assert.Equal(t, before.Channels, after.Channels)
	assert.Equal(t, before.Artifacts, after.Artifacts)
}

// What cannot be put back is told, by the session and once more at the end, with its name.
func TestWhatCannotBePutBackIsTold(t *testing.T) {
	secrets(t)
	r := start(t)
	on, err := target.Remote(t.Context(), r.document(t, whole))
	require.NoError(t, err)
	s := changes(t, on)
	require.NoError(t, r.sim.Close())
	var fault *target.FaultError
	err = s.Close(t.Context())
	require.ErrorAs(t, err, &fault)
	for _, part := range []string{"DEPOT", "ESBMessaging.send", "erika", "the integration flow GH_", "the group GH-", "the User Credentials artifact GH_", "the keystore entry gh"} {
		assert.ErrorContains(t, err, part)
	}
	require.NoError(t, s.Close(t.Context()), "it is told once")
	err = on.Close(t.Context())
	require.ErrorAs(t, err, &fault)
	assert.ErrorContains(t, err, "could not be undone")
}

// A declared key pair serves where nothing can be minted; it is called with, and never changed.
func TestDeclaredSender(t *testing.T) {
	r := start(t)
	minted := r.sim.Certificates()
	root, _ := minted.Get("example-root")
	own, shop := root.Intermediate("Somebody's Issuing CA").Client("p4711"), root.Client("p4712")
	for name, c := range map[string]*pki.Certificate{"own": own, "shop": shop} {
		key, err := keystore.KeyPEM(c.Key())
		require.NoError(t, err)
		r.write(t, name+".pem", string(keystore.ChainPEM(c)))
		r.write(t, name+".key", string(key))
	}
	require.NoError(t, r.sim.Tenant().MapCertificate(own.DER(), "P4711"))
	require.NoError(t, r.sim.Tenant().Assign(tenant.Assignment{User: "P4711", Role: "ESBMessaging.send"}))
	on := connect(t, r.document(t, "senders:\n  - {name: warehouse, certificate: own.pem, key: own.key, user: P4711}\n  - {certificate: shop.pem, key: shop.key}\n"))
	require.NoError(t, on.Sanity(t.Context()))
	for feature, want := range map[string]bool{target.GoodSender: true, target.MintTrusted: false, target.Mappings: false, target.AccessLog: false, target.Clock: false} {
		ok, reason := on.Supports(feature)
		assert.Equal(t, want, ok, "%s: %s", feature, reason)
		assert.Equal(t, want, reason == "", feature)
	}
	report := runOn(t, on, suite.Config{Tags: "@LB-17 or @LB-20 or @EP-1 or @FLD-12"})
	assert.Positive(t, report.Passed)
	assert.Zero(t, report.Failed, "%+v", report.Results)

	s, err := on.Open(t.Context(), target.Setup{})
	require.NoError(t, err)
	defer s.Close(t.Context())
	good, err := s.Good(t.Context(), "warehouse")
	require.NoError(t, err)
	assert.Equal(t, own.DER(), good.Keystore.Certificate)
	_, err = s.Good(t.Context(), "another")
	var unsupported *target.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
	unmapped, err := s.Unmapped(t.Context(), "shop", "")
	require.NoError(t, err)
	assert.Equal(t, shop.DER(), unmapped.Keystore.Certificate)
	require.ErrorAs(t, s.Map(t.Context(), shop.DER(), "X"), &unsupported)
}

// What the tenant does not have is not supported, and no fault: an application, a role on it, a group that
// the scenario did not make, as many nodes as a scenario takes down some of.
func TestWhatTheTenantLacksIsNotSupported(t *testing.T) {
	secrets(t)
	r := start(t)
	on := connect(t, r.document(t, whole+"features: {nodes: true}\n"))
	ctx := t.Context()
	s, err := on.Open(ctx, target.Setup{})
	require.NoError(t, err)
	defer s.Close(ctx)
	for what, err := range map[string]error{
		"provision":   s.Assign(ctx, tenant.Assignment{User: "SHOP", Role: "ESBMessaging.send", Application: "provision"}),
		"no role":     s.Assign(ctx, tenant.Assignment{User: "SHOP", Role: "none.such"}),
		"did not":     s.Assign(ctx, tenant.Assignment{Group: "Senders", Role: "ESBMessaging.send"}),
		"target has ": s.SetNodeUp(ctx, 1, false),
	} {
		var unsupported *target.UnsupportedError
		require.ErrorAs(t, err, &unsupported, what)
		assert.Contains(t, unsupported.Reason, what)
	}
	require.NoError(t, s.Assign(ctx, tenant.Assignment{User: "SHOP", Role: "ESBMessaging.send"}), "the good twin")
	two, err := on.Open(ctx, target.Setup{Nodes: 2})
	require.NoError(t, err)
	defer two.Close(ctx)
	require.NoError(t, two.SetNodeUp(ctx, 1, false), "the good twin")
}

// With the key of the CA above the issuing one, chains are broken above the sender's certificate, too.
func TestIssuingCAWithTheKeyAboveIt(t *testing.T) {
	secrets(t)
	r := start(t)
	root, _ := r.sim.Certificates().Get("example-root")
	issuing := root.Intermediate("Somebody's Issuing CA")
	for name, c := range map[string]*pki.Certificate{"issuing.key": issuing, "root.key": root} {
		key, err := keystore.KeyPEM(c.Key())
		require.NoError(t, err)
		r.write(t, name, string(key))
	}
	r.write(t, "issuing.pem", string(keystore.FullChainPEM(issuing)))
	for key, want := range map[string]suite.Status{"": suite.NotSupported, ", issuerKey: root.key": suite.Passed} {
		on := connect(t, r.document(t, whole+"issuing: {certificate: issuing.pem, key: issuing.key"+key+"}\n"))
		report := runOn(t, on, suite.Config{Names: []string{"^A chain with the defect issuer-not-ca does not hold$"}})
		require.Len(t, report.Results, 1)
		failure, _ := report.Results[0].Failure()
		assert.Equal(t, want, report.Results[0].Status, failure.Message)
	}
	for text, want := range map[string]string{
		"issuing: {certificate: issuing.pem, key: issuing.key, issuerKey: none.key}":    "there is no file",
		"issuing: {certificate: issuing.pem, key: issuing.key, issuerKey: issuing.pem}": "there is no private key in issuing.pem",
	} {
		d, err := target.ParseDocument("target.yaml", []byte("call: {url: https://a.example, trust: lb.pem}\n"+text), r.folder)
		if err == nil {
			_, err = target.Remote(t.Context(), d)
		}
		assert.ErrorContains(t, err, want)
	}
}

// One system that logs on with a password, and then does not, keeps its TLS session, as it does in the
// embedded simulator; and a 401 to user and password has the reason that the node's own record tells.
func TestLogonsOnARunningSimulator(t *testing.T) {
	secrets(t)
	r := start(t)
	on := connect(t, r.document(t, whole))
	report := runOn(t, on, suite.Config{Tags: "@FLD-15 or @AUT-6 or @AUT-7 or @FLD-8", Concurrency: 4})
	for _, result := range report.Results {
		failure, _ := result.Failure()
		assert.Equal(t, suite.Passed, result.Status, "%s: %s", result.Scenario.Name, failure.Message)
	}
}
