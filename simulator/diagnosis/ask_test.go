package diagnosis_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/management/client"
)

// managed runs a landscape with its management interfaces, and a user who may ask them.
func managed(t *testing.T, change func(*simulator.Landscape)) (*run, *client.Client) {
	t.Helper()
	l := goodLandscape()
	l.Users = append(l.Users, simulator.User{Name: "ADMIN", Password: "secret"})
	for _, group := range []string{"AuthGroup.Administrator", "AuthGroup.IntegrationDeveloper"} {
		l.Roles = append(l.Roles, simulator.Role{User: "ADMIN", Role: group, Application: "e100999tmn"})
	}
	change(&l)
	sim := simulator.New(t, l)
	require.NoError(t, sim.StartManagement())
	c, err := client.New(client.Config{
		URL: sim.ManagementURL(), Trusted: []*x509.Certificate{sim.ManagementRoot().X509()}, Timeout: 30 * time.Second,
		Credentials: client.Credentials{User: "ADMIN", Password: "secret"},
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &run{t: t, sim: sim}, c
}

func TestATenantIsAskedThroughItsInterfaces(t *testing.T) {
	t.Parallel()
	r, c := managed(t, func(l *simulator.Landscape) {
		renewed(l)
		l.Keystore = []string{"shop"}
		l.Channels[1].Authorization.ClientCertificates = []simulator.TableRow{{Certificate: "issuing"}}
	})
	r.call("renewed", "/http/orders")
	r.call("shop", "/http/orders")
	r.call("warehouse", "/cxf/stock")
	var e diagnosis.Evidence
	require.NoError(t, diagnosis.Ask(t.Context(), c, &e, diagnosis.Asking{Folder: t.TempDir()}))
	report, err := diagnosis.Diagnose(t.Context(), e, diagnosis.Options{})
	require.NoError(t, err)
	found := map[string]string{}
	for _, one := range report.Cases {
		first, _ := one.Likeliest()
		found[one.User+" "+one.Path] = first.Cause.ID
		assert.Empty(t, one.Apart, told(report))
	}
	assert.Equal(t, map[string]string{
		"warehouse.example@Example Issuing CA /http/orders": "renewed-not-mapped",
		"shop.example@Example Issuing CA /http/orders":      "only-in-tenant-keystore",
		"WAREHOUSE /cxf/stock":                              "ca-in-table",
	}, found, told(report))
}

func TestATenantThatLetsNobodyInIsAnError(t *testing.T) {
	t.Parallel()
	r, _ := managed(t, func(*simulator.Landscape) {})
	c, err := client.New(client.Config{
		URL: r.sim.ManagementURL(), Trusted: []*x509.Certificate{r.sim.ManagementRoot().X509()},
		Credentials: client.Credentials{User: "ADMIN", Password: "wrong"},
	})
	require.NoError(t, err)
	defer c.Close()
	var e diagnosis.Evidence
	require.ErrorIs(t, diagnosis.Ask(t.Context(), c, &e, diagnosis.Asking{}), client.ErrUnauthorized)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, diagnosis.Ask(ctx, c, &e, diagnosis.Asking{}), context.Canceled)
}

func TestTheInterfaceDiagnosesRefusedCalls(t *testing.T) {
	t.Parallel()
	r, _ := managed(t, func(l *simulator.Landscape) { l.Senders[0].Sends = "leaf-only" })
	r.call("warehouse", "/http/orders")
	refused := r.last().Journey
	pool := x509.NewCertPool()
	pool.AddCert(r.sim.ManagementRoot().X509())
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second}
	defer web.CloseIdleConnections()
	get := func(id string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.sim.ManagementURL()+"/gatehouse/v1/diagnoses/"+id, nil)
		require.NoError(t, err)
		request.SetBasicAuth("ADMIN", "secret")
		answer, err := web.Do(request)
		require.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(body)
	}
	status, body := get(refused.ID)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"chain-not-sent"`)
	assert.Contains(t, body, `"certain"`)
	status, body = get("no-such-call")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, body, "/gatehouse/v1/journeys")
}
