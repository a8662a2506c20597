package diagnosis_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/tenant"
)

const someLine = "10.0.0.14 (198.51.100.8) - WAREHOUSE [23/Nov/2026:09:00:10 +0000] POST /http/orders HTTP/1.1 403 - 3 h.hana.ondemand.com:443 -\n"

func archived(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestFilesAreTakenForWhatTheyAre(t *testing.T) {
	t.Parallel()
	root, err := pki.Create(nil, pki.CA, "Root")
	require.NoError(t, err)
	own, err := pki.Create(root, pki.Client, "sender.example")
	require.NoError(t, err)
	p12, err := keystore.Encode(own, keystore.PKCS12File, keystore.Options{Password: "secret"})
	require.NoError(t, err)
	flow := iflow.Describe("Orders", "Orders", []tenant.Channel{{Address: "/http/orders", Authorization: tenant.Authorization{UserRole: "Orders.send"}}})
	flowZip, err := flow.Zip()
	require.NoError(t, err)
	dir := t.TempDir()
	for name, one := range map[string]struct {
		data []byte
		want diagnosis.Kind
	}{
		"logs.zip":                           {archived(t, "http_access_aaaaaaa_2026-11-23.log", []byte(someLine)), diagnosis.KindLog},
		"download":                           {gzipped(t, []byte(someLine)), diagnosis.KindLog},
		"http_access_aaaaaaa_2026-11-23.log": {[]byte(someLine), diagnosis.KindLog},
		"pasted.txt":                         {[]byte("Hello\n" + someLine), diagnosis.KindText},
		"chain.pem":                          {keystore.ChainPEM(own), diagnosis.KindChain},
		"sender.cer":                         {own.DER(), diagnosis.KindChain},
		"sender.p12":                         {p12, diagnosis.KindChain},
		"orders.zip":                         {flowZip, diagnosis.KindFlow},
		"orders.iflw":                        {flow.XML(), diagnosis.KindFlow},
		"roles.csv":                          {[]byte("user,role\nWAREHOUSE,Orders.send\n"), diagnosis.KindAssignments},
		"roles.yaml":                         {[]byte("roles:\n  - {user: WAREHOUSE, role: Orders.send}\n"), diagnosis.KindAssignments},
		"s_client.txt":                       {append([]byte("CONNECTED(00000003)\n---\nCertificate chain\n"), keystore.ChainPEM(own)...), diagnosis.KindText},
		"empty.txt":                          {nil, diagnosis.KindText},
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, one.data, 0o600))
		var e diagnosis.Evidence
		got, err := diagnosis.Reader{Password: "secret"}.Take(&e, path)
		if assert.NoError(t, err, name) {
			assert.Equal(t, one.want, got, name)
		}
		switch one.want {
		case diagnosis.KindFlow:
			assert.Equal(t, "Orders.send", e.Channels[0].Role(), name)
		case diagnosis.KindChain:
			assert.Equal(t, own.DER(), e.Sender.Store.Leaf().Raw, name)
		}
	}
	var e diagnosis.Evidence
	kind, err := diagnosis.Reader{}.Take(&e, dir)
	require.NoError(t, err)
	assert.Equal(t, diagnosis.KindLog, kind)

	require.NoError(t, diagnosis.Reader{}.Mapped(&e, "WAREHOUSE="+filepath.Join(dir, "sender.cer")))
	assert.Equal(t, "WAREHOUSE", e.Mapped[0].User)
	assert.Equal(t, own.DER(), e.Mapped[0].DER)

	// The good twin of each stands above.
	for _, path := range []string{filepath.Join(dir, "sender.p12"), filepath.Join(dir, "no-such"), filepath.Join(dir, "damaged.zip")} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "damaged.zip"), []byte("PK\x03\x04damaged"), 0o600))
		_, err := diagnosis.Reader{}.Take(&e, path)
		var problems document.Problems
		require.ErrorAs(t, err, &problems, path)
	}
}

func TestAHostThatIsLookedAtIsEvidence(t *testing.T) {
	t.Parallel()
	l := goodLandscape()
	l.LoadBalancer.Domains = []simulator.Domain{{Host: "never.example", Mode: "none"}, {Host: "other.example", Mode: "request", Trust: []string{"stranger-root"}}}
	l.Senders[0].OnlyIfIssuerNamed = true
	sim := simulator.New(t, l)
	r := &run{t: t, sim: sim}
	look := func(host string) connectivity.Result {
		result, err := connectivity.Test(t.Context(), sim.Address(), connectivity.Options{ServerName: host, Trusted: []*x509.Certificate{sim.Root().X509()}})
		require.NoError(t, err)
		require.True(t, result.OK, "%v", result.Failures)
		return result
	}
	for host, want := range map[string]string{"never.example": "domain-never-asks", "other.example": "issuer-not-named"} {
		outcome := r.call("warehouse", sim.URLOn(host, "/http/orders"))
		require.Equal(t, 401, outcome.Result.Status)
		e := diagnosis.Evidence{
			Texts: []diagnosis.Text{{Name: "curl.txt", Data: []byte(curl(outcome))}},
			Hosts: []connectivity.Result{look(host)},
		}
		c := r.certificate("warehouse")
		e.Sender, e.Trust = r.store(c.Presented(), c), r.trusts("root")
		report := diagnose(t, e, sim.Clock().Now)
		first, ok := report.Cases[0].Likeliest()
		require.True(t, ok)
		assert.Equal(t, want, first.Cause.ID, told(report))
		assert.Empty(t, report.Cases[0].Apart, told(report))
	}
	nobody, err := connectivity.Test(t.Context(), "127.0.0.1:1", connectivity.Options{})
	require.NoError(t, err)
	report := diagnose(t, diagnosis.Evidence{Hosts: []connectivity.Result{nobody}}, sim.Clock().Now)
	first, _ := report.Cases[0].Likeliest()
	assert.Equal(t, "cannot-connect", first.Cause.ID)
}
