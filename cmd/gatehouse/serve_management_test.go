package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/iflow"
	managementclient "example.com/gatehouse/simulator/management/client"
	"example.com/gatehouse/simulator/tenant"
)

// managementURL is the address that serve printed.
func (s *served) managementURL(t *testing.T) string {
	return match(t, s.text(), `(?m)^  manage +(https://\S+)/api/v1/`)
}

// administrator is a client of the tenant's own interfaces, as the example's user of that name.
func (s *served) administrator(t *testing.T, user string) managementclient.Config {
	t.Helper()
	data, err := os.ReadFile(match(t, s.text(), `(?m)^  manage .*\(its root: (.*)\)$`))
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	require.NotNil(t, block)
	root, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return managementclient.Config{URL: s.managementURL(t), Credentials: managementclient.Credentials{User: user, Password: "an-example-for-" + user}, Trusted: []*x509.Certificate{root}}
}

func open(t *testing.T, c managementclient.Config) *managementclient.Client {
	t.Helper()
	one, err := managementclient.New(c)
	require.NoError(t, err)
	t.Cleanup(one.Close)
	return one
}

// What was changed through the interfaces is there again after the process was killed.
func TestChangesThroughTheInterfacesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "tenant.state")
	s := serveExample(t, "--state", state)
	ctx := t.Context()
	certificate, err := pki.Create(nil, pki.CA, "shop", pki.Subject("CN=shop")) // any will do
	require.NoError(t, err)
	admin := open(t, s.administrator(t, "admin"))
	mapped, err := admin.Map(ctx, certificate.DER(), "SHOP")
	require.NoError(t, err)
	assert.Equal(t, "admin", mapped.CreatedBy)

	developer := open(t, s.administrator(t, "developer"))
	zip, err := iflow.Describe("invoices", "Invoices", []tenant.Channel{{Address: "/http/invoices", Adapter: tenant.HTTPS}}).Zip()
	require.NoError(t, err)
	require.NoError(t, developer.Upload(ctx, managementclient.Artifact{ID: "invoices", Name: "Invoices", Package: "landscape"}, zip))
	task, err := developer.Deploy(ctx, "invoices")
	require.NoError(t, err)
	require.NoError(t, developer.WaitDeployed(ctx, task, 50*time.Millisecond))

	config := s.administrator(t, "admin")
	config.Credentials = managementclient.Credentials{ClientID: "platform", ClientSecret: "an-example-for-platform"}
	api, err := managementclient.NewPlatform(managementclient.PlatformConfig{Config: config, Account: "e100999", ProviderAccount: "e100999"})
	require.NoError(t, err)
	t.Cleanup(api.Close)
	require.NoError(t, api.Assign(ctx, "e100999iflmap", tenant.DefaultRole, "SHOP"))
	assert.NotZero(t, s.stop(t, os.Kill))

	again := serveExample(t, "--state", state)
	mappings, err := open(t, again.administrator(t, "admin")).Mappings(ctx, "SHOP")
	require.NoError(t, err)
	require.Len(t, mappings, 1)
	assert.Equal(t, certificate.DER(), mappings[0].Certificate)
	flow, err := open(t, again.administrator(t, "developer")).RuntimeFlow(ctx, "invoices")
	require.NoError(t, err)
	assert.Equal(t, "STARTED", flow.Status)
	config.URL, config.Trusted = again.managementURL(t), again.administrator(t, "admin").Trusted
	api, err = managementclient.NewPlatform(managementclient.PlatformConfig{Config: config, Account: "e100999"})
	require.NoError(t, err)
	t.Cleanup(api.Close)
	users, err := api.RoleUsers(ctx, "e100999iflmap", tenant.DefaultRole)
	require.NoError(t, err)
	assert.Contains(t, users, "SHOP")
}
