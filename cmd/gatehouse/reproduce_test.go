package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/reproduction"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/target"
)

// customer is what a customer's call with the cause looks like: no name is one that a reproduction
// invents.
func customer(cause diagnosis.Cause) reproduction.Known {
	k := reproduction.Known{
		Cause: cause, At: time.Date(2026, 11, 20, 7, 30, 0, 0, time.UTC), Host: "acmeprod7-iflmap.hcisbp.us3.hana.ondemand.com",
		Subject: "CN=edi.acme-works.test, OU=EDI Hub, O=Acme Works, L=Lyon, C=FR", Issuer: "CN=Acme Works Issuing CA 3, O=Acme Works, C=FR",
		Path: "/http/AcmeWorks/Inbound",
	}
	if strings.HasPrefix(cause.ID, "domain-") || cause.ID == "intermediate-as-anchor" {
		k.Host = "edi.acme-works.test"
	}
	switch cause.ID {
	case "path-lacks-prefix":
		k.Path = "/AcmeWorks/Inbound"
	case "sap-passport":
		k.Subject, k.Issuer = "CN=S0012345678, O=SAP Trust Community, C=DE", "CN=SAP Passport CA, O=SAP Trust Community, C=DE"
	case "path-other-case", "ping-405":
		k.Path = "/cxf/AcmeWorks/Inbound"
	}
	return k
}

// logsOf runs the failing scenario of a customer's landscape and returns its logs as a real tenant would
// have them: without the trace texts that the simulator words itself.
func logsOf(t *testing.T, k reproduction.Known) string {
	t.Helper()
	made, err := reproduction.Make(k)
	require.NoError(t, err)
	dir, raw, logs := filepath.Join(t.TempDir(), "customer"), t.TempDir(), t.TempDir()
	require.NoError(t, made.Write(dir))
	ran, err := suite.Run(t.Context(), suite.Config{
		Paths: []string{filepath.Join(dir, reproduction.FeatureName)}, Names: []string{"^The failure"}, Concurrency: 1,
		Initializer: steps.RegisterOn(target.Embedded(simulator.Options{LogFolder: raw})),
	})
	require.NoError(t, err)
	defer ran.Close()
	require.True(t, ran.OK(), "control: the customer's call fails for this cause: %+v", ran.Results)
	files, err := os.ReadDir(raw)
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(raw, f.Name()))
		require.NoError(t, err)
		if strings.HasPrefix(f.Name(), "ljs_trace_") {
			var kept bytes.Buffer
			for r, err := range systemlog.ReadTrace(bytes.NewReader(data)) {
				require.NoError(t, err)
				if _, _, confirmed := systemlog.ParseNotInTable(r.Text); confirmed || !strings.HasPrefix(r.Logger, "gatehouse.") {
					kept.WriteString(r.String() + "\n")
				}
			}
			data = kept.Bytes()
		}
		require.NoError(t, os.WriteFile(filepath.Join(logs, f.Name()), data, 0o600))
	}
	around(t, logs, k)
	return logs
}

// around writes what else stands in the log of the day: others are let in; and some causes are told by
// what the same client, or others, did before.
func around(t *testing.T, logs string, k reproduction.Known) {
	t.Helper()
	line := func(minutes int, client, user string, status int) string {
		return systemlog.AccessLine{
			LoadBalancer: "10.0.0.14", Client: client, User: user, Time: k.At.Add(time.Duration(minutes) * time.Minute), Method: "POST",
			URI: k.Path, Status: status, Bytes: 5, Host: k.Host + ":443",
		}.String() + "\n"
	}
	before, after := strings.Replace(line(-300, "198.51.100.9", "ACME_OTHER", 200), k.Path, "/http/AcmeWorks/Other", 1), ""
	switch k.Cause.ID {
	case "renewal-without-client-auth", "session-without-certificate", "flow-undeployed":
		before += line(-60, "127.0.0.1", "ACME_EDI", 200)
		after = line(60, "127.0.0.1", "ACME_EDI", 200)
		if k.Cause.ID != "session-without-certificate" {
			after = ""
		}
	case "mappings-lost":
		for i, client := range []string{"127.0.0.1", "198.51.100.2", "198.51.100.3"} {
			before += line(-60, client, "ACME_"+string(rune('A'+i)), 200)
		}
		after = line(1, "198.51.100.2", "b.acme-works.test@Acme Works Issuing CA 3", 403) + line(2, "198.51.100.3", "c.acme-works.test@Acme Works Issuing CA 3", 403)
	}
	files, err := filepath.Glob(filepath.Join(logs, "http_access_*"))
	require.NoError(t, err)
	if len(files) == 0 {
		files = []string{filepath.Join(logs, systemlog.FileName(systemlog.HTTP, systemlog.NodeID("acmeprod7", 1), k.At))}
		require.NoError(t, os.WriteFile(files[0], nil, 0o600))
	}
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], []byte(before+string(data)+after), 0o600))
}

// reproduceLogs is what the command does with logs alone.
func reproduceLogs(t *testing.T, logs string, cause diagnosis.Cause, anonymise bool) (*reproduction.Reproduction, reproduceResult, string) {
	t.Helper()
	return reproduceEvidence(t, diagnosis.Evidence{Logs: []string{logs}}, cause, anonymise)
}

func reproduceEvidence(t *testing.T, e diagnosis.Evidence, cause diagnosis.Cause, anonymise bool) (*reproduction.Reproduction, reproduceResult, string) {
	t.Helper()
	report, err := diagnosis.Diagnose(context.Background(), e, diagnosis.Options{})
	require.NoError(t, err)
	choice, found := reproduction.Choose(report, 0, cause.ID)
	k := reproduction.WithoutCase(cause, e, report)
	if found {
		k = reproduction.FromEvidence(e, report, choice)
	}
	if anonymise {
		k = reproduction.Anonymise(k)
	}
	made, err := reproduction.Make(k)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "again")
	require.NoError(t, made.Write(dir))
	shown, err := replay(t.Context(), dir)
	require.NoError(t, err)
	return made, newReproduceResult(dir, made, shown, choice), dir
}

// chainOf mints the chain that the customer has, with a defect if one is given.
func chainOf(t *testing.T, k reproduction.Known, defect string) *diagnosis.Chain {
	t.Helper()
	now := pki.Clock(func() time.Time { return k.At.Add(-30 * 24 * time.Hour) })
	if defect == "expired" || defect == "not-yet-valid" || defect == "intermediate-expired" {
		now = pki.Clock(func() time.Time { return k.At })
	}
	root, err := pki.Create(nil, pki.CA, "root", now, pki.Subject("CN=Acme Works Root, O=Acme Works, C=FR"))
	require.NoError(t, err)
	issuing, err := pki.Create(root, pki.CA, "issuing", now, pki.Subject(k.Issuer))
	require.NoError(t, err)
	leaf, err := pki.Create(issuing, pki.Client, "leaf", now, pki.Subject(k.Subject), pki.KeyUsage(x509.KeyUsageDigitalSignature|x509.KeyUsageKeyAgreement), pki.ValidFor(90*24*time.Hour))
	require.NoError(t, err)
	if defect != "" {
		leaf = leaf.Twin("twin", now, pki.WithDefect(defect))
	}
	store, err := keystore.Read(keystore.ChainPEM(leaf), "")
	if err != nil {
		store, err = keystore.Inspect(keystore.ChainPEM(leaf), "")
	}
	require.NoError(t, err)
	return &diagnosis.Chain{Name: "chain.pem", Store: store}
}

// With the sender's chain beside the logs the certificates are of its make, and the failure is the same.
func TestReproducedWithTheChain(t *testing.T) {
	t.Parallel()
	for id, defect := range map[string]string{
		"certificate-expired": "expired", "ca-expired": "intermediate-expired", "certificate-not-yet-valid": "not-yet-valid",
		"server-certificate": "server-only", "ca-without-client-auth": "ca-server-only", "weak-key": "rsa-1024", "weak-digest": "sha1",
		"trailing-space": "trailing-space-cn", "broken-signature": "", "unknown-critical-extension": "", "chain-not-sent": "",
		"path-too-long": "", "not-mapped": "", "role-missing": "", "dns-not-in-table": "", "ca-not-listed": "", "issuer-is-no-ca": "",
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			cause, _ := diagnosis.ByID(id)
			k := customer(cause)
			if id == "path-too-long" || id == "ca-not-listed" || id == "issuer-is-no-ca" {
				k.Subject = "CN=" + id + ".acme-works.test, O=Acme Works, C=FR"
			}
			e := diagnosis.Evidence{Logs: []string{logsOf(t, k)}, Sender: chainOf(t, k, defect)}
			made, result, dir := reproduceEvidence(t, e, cause, false)
			assert.True(t, result.Agrees, "%s", result.text(made))
			assert.NotEmpty(t, made.Known.Chain, "control: the chain was taken over; %v", made.Known.Notes)
			landscape, err := os.ReadFile(filepath.Join(dir, reproduction.LandscapeName))
			require.NoError(t, err)
			assert.Contains(t, string(landscape), "notBefore")
		})
	}
}

// What is handed on runs as well, and no name of the customer is in it.
func TestAnonymousReproductionsRun(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"chain-not-sent", "dns-not-in-table", "not-mapped", "role-missing", "path-other-case", "domain-bundle-wrong"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			cause, _ := diagnosis.ByID(id)
			logs := logsOf(t, customer(cause))
			made, result, dir := reproduceLogs(t, logs, cause, true)
			assert.True(t, result.Agrees, "%s", result.text(made))
			assert.True(t, made.Shows().Line, "control: it was made of the evidence")
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, f := range files {
				data, err := os.ReadFile(filepath.Join(dir, f.Name()))
				require.NoError(t, err)
				for _, name := range []string{"acme", "edi hub", "lyon", "hcisbp", "inbound"} {
					assert.NotContains(t, strings.ToLower(string(data)), name, f.Name())
				}
			}
		})
	}
}

// An interruption leaves a whole folder, and its own exit code.
func TestReproduceIsInterrupted(t *testing.T) {
	t.Parallel()
	cause, _ := diagnosis.ByID("not-mapped")
	made, err := reproduction.Make(reproduction.NoneKnown(cause))
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, made.Write(dir))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = replay(ctx, dir)
	failed := (*failure)(nil)
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, exitInterrupted, failed.code)
	assert.ErrorContains(t, err, "the folder is there")
}

// Every scenario that is written carries the tags of what its steps need, and each step is understood.
func TestReproductionsCarryWhatTheyNeed(t *testing.T) {
	t.Parallel()
	for _, id := range reproduction.Causes() {
		cause, _ := diagnosis.ByID(id)
		made, err := reproduction.Make(reproduction.NoneKnown(cause))
		require.NoError(t, err)
		for _, s := range []reproduction.Scenario{made.Failure, made.Success} {
			for _, step := range s.Steps {
				_, sentence, _ := strings.Cut(step, " ")
				features, understood := steps.Needs(sentence)
				assert.True(t, understood, "%s: %s", id, step)
				for _, f := range features {
					assert.Contains(t, s.Tags, "@needs-"+f, "%s: %s", id, step)
				}
			}
		}
	}
}

// leavesNoLine are the causes of calls that end before a runtime node writes a line.
var leavesNoLine = []string{
	"server-not-trusted", "server-name-differs", "key-does-not-fit", "leaf-not-first", "not-tls", "tls-version-too-old",
	"domain-requires-certificate", "domain-refuses-certificate", "certificate-unreadable", "no-node-up",
}

func TestEveryCauseIsReproducedFromItsLogs(t *testing.T) {
	t.Parallel()
	made := reproduction.Causes()
	t.Logf("%d of %d causes can be made by a landscape", len(made), len(diagnosis.Causes()))
	require.GreaterOrEqual(t, len(made), 70)
	for _, id := range made {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			cause, _ := diagnosis.ByID(id)
			logs := logsOf(t, customer(cause))
			again, result, dir := reproduceLogs(t, logs, cause, false)
			assert.True(t, result.Agrees, "%s", result.text(again))
			require.Len(t, result.Scenarios, 2)
			shows := again.Shows()
			assert.NotEmpty(t, result.Compared)
			noLine := false
			for _, other := range leavesNoLine {
				noLine = noLine || other == id
			}
			assert.Equal(t, noLine, shows.NoLine, "the evidence has a line, and it is compared")
			assert.Equal(t, !noLine, shows.Line)
			if !noLine {
				assert.GreaterOrEqual(t, shows.Status, 400)
				assert.NotEmpty(t, shows.User)
				landscape, err := os.ReadFile(filepath.Join(dir, reproduction.LandscapeName))
				require.NoError(t, err)
				assert.Contains(t, string(landscape), "acme", "the customer's names are in it")
			}
		})
	}
}
