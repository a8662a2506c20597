package client_test

import (
	"context"
	"crypto/x509"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/management/client"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// waitLimit is how long one thing may take on a busy machine.
const waitLimit = 30 * time.Second

// simulated is a simulated tenant with its interfaces.
type simulated struct {
	tenant *tenant.Tenant
	server *httptest.Server
	config client.Config
}

func simulate(t *testing.T) simulated {
	t.Helper()
	account := tenant.DefaultAccount
	config := tenant.Config{
		Users:    []tenant.User{{Name: "ADMIN", Password: "secret"}, {Name: "NOBODY", Password: "secret"}},
		Clients:  []tenant.Client{{ID: "client", Secret: "hidden"}, {ID: "platform", Secret: "hidden", Scopes: tenant.Scopes()}},
		Keystore: []tenant.KeystoreEntry{{Alias: "sap_root", Certificate: certificate(t, "root")}},
	}
	for _, user := range []string{"ADMIN", tenant.ClientUserPrefix + "client"} {
		for _, group := range []string{"AuthGroup.Administrator", "AuthGroup.IntegrationDeveloper"} {
			config.Roles = append(config.Roles, tenant.Assignment{User: user, Role: group, Application: account + "tmn"})
		}
	}
	tn, err := tenant.New(config, time.Now)
	require.NoError(t, err)
	logs := t.TempDir()
	writer, err := systemlog.New(logs, systemlog.NodeID(account, 1), time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { writer.Close() })
	require.NoError(t, writer.Access(systemlog.AccessLine{Time: time.Now(), User: "WAREHOUSE", Method: "POST", URI: "/http/orders", Status: 200, Host: "h"}))
	handler, err := management.New(management.Config{Tenant: tn, Logs: systemlog.Dir(logs), Downtime: -1})
	require.NoError(t, err)
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return simulated{tn, server, client.Config{
		URL: server.URL, Trusted: []*x509.Certificate{server.Certificate()}, Timeout: waitLimit,
		Credentials: client.Credentials{User: "ADMIN", Password: "secret"},
	}}
}

func certificate(t *testing.T, name string) []byte {
	t.Helper()
	c, err := pki.Create(nil, pki.CA, name)
	require.NoError(t, err)
	return c.DER()
}

func (s simulated) client(t *testing.T, change ...func(*client.Config)) *client.Client {
	t.Helper()
	config := s.config
	for _, c := range change {
		c(&config)
	}
	c, err := client.New(config)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func asOAuth(c *client.Config) {
	c.Credentials = client.Credentials{ClientID: "client", ClientSecret: "hidden"}
}

func TestEntitySets(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	for _, c := range []*client.Client{s.client(t), s.client(t, asOAuth)} {
		sets, err := c.EntitySets(t.Context())
		require.NoError(t, err)
		assert.Contains(t, sets, "CertificateUserMappings")
	}
	wrong := s.client(t, func(c *client.Config) { c.Credentials.Password = "wrong" })
	_, err := wrong.EntitySets(t.Context())
	require.ErrorIs(t, err, client.ErrUnauthorized)
	assert.Contains(t, err.Error(), "GET /api/v1/: HTTP 401")
	assert.NotContains(t, err.Error(), "secret")

	_, err = s.client(t, asOAuth, func(c *client.Config) { c.Credentials.ClientSecret = "wrong" }).EntitySets(t.Context())
	require.ErrorIs(t, err, client.ErrUnauthorized)
	assert.ErrorContains(t, err, "fetching a token: ")
}

func TestMappings(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	for name, c := range map[string]*client.Client{"Basic": s.client(t), "OAuth": s.client(t, asOAuth)} {
		ctx := t.Context()
		der := certificate(t, "warehouse")
		made, err := c.Map(ctx, der, "WAREHOUSE")
		require.NoError(t, err, name)
		assert.Equal(t, tenant.MappingID(der), made.ID)

		list, err := c.Mappings(ctx, "")
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, der, list[0].Certificate)
		assert.Equal(t, "WAREHOUSE", list[0].User)
		parsed, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		assert.Equal(t, parsed.NotAfter.UTC(), list[0].ValidUntil)
		assert.WithinRange(t, list[0].Created, parsed.NotBefore.Add(-time.Hour), parsed.NotAfter)

		_, err = c.Map(ctx, der, "O'NEILL & Söhne")
		require.NoError(t, err, "the same certificate only changes its user")
		list, err = c.Mappings(ctx, "O'NEILL & Söhne")
		require.NoError(t, err)
		require.Len(t, list, 1)
		none, err := c.Mappings(ctx, "WAREHOUSE")
		require.NoError(t, err)
		assert.Empty(t, none)

		one, err := c.Mapping(ctx, made.ID)
		require.NoError(t, err)
		assert.Equal(t, list[0], one)

		require.NoError(t, c.Unmap(ctx, made.ID))
		_, err = c.Mapping(ctx, made.ID)
		require.ErrorIs(t, err, client.ErrNotFound)
		assert.ErrorContains(t, err, "Requested entity could not be found")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	nobody := s.client(t, func(c *client.Config) { c.Credentials.User = "NOBODY" })
	_, err := nobody.Map(t.Context(), certificate(t, "a"), "A")
	require.ErrorIs(t, err, client.ErrForbidden)
	assert.Empty(t, s.tenant.Config().Mappings, "and nothing has changed")

	_, err = s.client(t).Map(t.Context(), []byte("no certificate"), "A")
	require.Error(t, err)
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 500, refused.Status)
	assert.Contains(t, refused.Message, "[NodeManagerApi][CONTENT_STORE][No509Certificate]")
}

func TestLogs(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	c := s.client(t)
	files, err := c.LogFiles(t.Context(), "http")
	require.NoError(t, err)
	require.Len(t, files, 1)
	assert.Equal(t, "http", files[0].Type)
	body, err := c.OpenLogFile(t.Context(), files[0])
	require.NoError(t, err)
	text, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	assert.Contains(t, string(text), "WAREHOUSE")

	archive, err := c.LogArchive(t.Context(), "all", "http", time.Time{})
	require.NoError(t, err)
	data, err := io.ReadAll(archive)
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	assert.Equal(t, "PK", string(data[:2]))

	later, err := c.LogArchive(t.Context(), "all", "http", time.Now().Add(time.Hour))
	require.NoError(t, err)
	less, err := io.ReadAll(later)
	require.NoError(t, err)
	require.NoError(t, later.Close())
	assert.Less(t, len(less), len(data), "nothing was modified after that")

	_, err = c.OpenLogFile(t.Context(), client.LogFile{Name: "http_access_../../x.log", Application: "a'b"})
	require.Error(t, err)
}

func TestFlows(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	c := s.client(t)
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	d := iflow.Describe("Orders", "Orders from the warehouse", []tenant.Channel{{Address: "/http/{{Path}}"}})
	d.Parameters = []iflow.Parameter{{Key: "Path", Value: "orders"}}
	data, err := d.Zip()
	require.NoError(t, err)
	artifact := client.Artifact{ID: "Orders", Name: "Orders from the warehouse", Package: tenant.LandscapePackage}
	require.NoError(t, c.Upload(ctx, artifact, data))
	require.NoError(t, c.Upload(ctx, artifact, data), "again: it is replaced")
	got, err := c.Artifact(ctx, "Orders")
	require.NoError(t, err)
	assert.Equal(t, "Orders from the warehouse", got.Name)
	content, err := c.Download(ctx, "Orders")
	require.NoError(t, err)
	assert.Equal(t, data, content)
	parameters, err := c.Configurations(ctx, "Orders")
	require.NoError(t, err)
	require.Len(t, parameters, 1)
	assert.Equal(t, "Path", parameters[0].Key)
	assert.Equal(t, "orders", parameters[0].Value)

	_, err = c.RuntimeFlow(ctx, "Orders")
	require.ErrorIs(t, err, client.ErrNotFound, "nothing takes effect until it is deployed")
	task, err := c.Deploy(ctx, "Orders")
	require.NoError(t, err)
	require.NoError(t, c.WaitDeployed(ctx, task, 10*time.Millisecond))
	flow, err := c.RuntimeFlow(ctx, "Orders")
	require.NoError(t, err)
	assert.Equal(t, client.Started, flow.Status)
	assert.Equal(t, "ADMIN", flow.DeployedBy)
	flows, err := c.RuntimeFlows(ctx)
	require.NoError(t, err)
	require.Len(t, flows, 1)
	endpoints, err := c.ServiceEndpoints(ctx)
	require.NoError(t, err)
	require.Len(t, endpoints, 1)
	require.Len(t, endpoints[0].URLs, 1)
	assert.Contains(t, endpoints[0].URLs[0], "/http/orders")

	require.NoError(t, c.Undeploy(ctx, "Orders"))
	require.NoError(t, c.RemoveArtifact(ctx, "Orders"))
	_, err = c.Deploy(ctx, "Orders")
	require.ErrorIs(t, err, client.ErrNotFound)
	_, err = c.DeployStatus(ctx, "no such task")
	require.ErrorIs(t, err, client.ErrNotFound)
}

func TestSecurityContent(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	c := s.client(t)
	credential := client.UserCredential{Name: "ERP", Kind: "default", User: "SALES", Description: "outbound"}
	require.NoError(t, c.AddUserCredential(t.Context(), credential, "secret"))
	list, err := c.UserCredentials(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []client.UserCredential{credential}, list)
	err = c.AddUserCredential(t.Context(), credential, "secret")
	require.ErrorIs(t, err, client.ErrConflict)
	require.NoError(t, c.RemoveUserCredential(t.Context(), "ERP"))
	list, err = c.UserCredentials(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list)
	require.ErrorIs(t, c.RemoveUserCredential(t.Context(), "ERP"), client.ErrNotFound)

	entries, err := c.KeystoreEntries(t.Context())
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Equal(t, "sap_root", entries[0].Alias)
	assert.Contains(t, entries[0].SubjectDN, "CN=root")
	assert.False(t, entries[0].NotAfter.IsZero())
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	config := s.config
	config.Credentials = client.Credentials{ClientID: "platform", ClientSecret: "hidden"}
	p, err := client.NewPlatform(client.PlatformConfig{Config: config, Account: tenant.DefaultAccount})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	ctx, app := t.Context(), tenant.DefaultAccount+"iflmap"
	require.NoError(t, p.AddRoles(ctx, app, "Orders.send", "Returns.send"))
	roles, err := p.Roles(ctx, app)
	require.NoError(t, err)
	assert.Contains(t, roles, client.Role{Name: "Orders.send", Type: "CUSTOM"})
	require.NoError(t, p.RemoveRoles(ctx, app, "Returns.send", "absent"))

	require.NoError(t, p.Assign(ctx, app, "Orders.send", "WAREHOUSE", "SHOP"))
	users, err := p.RoleUsers(ctx, app, "Orders.send")
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"WAREHOUSE", "SHOP"}, users)
	require.NoError(t, p.Unassign(ctx, app, "Orders.send", "SHOP"))
	mine, err := p.UserRoles(ctx, "WAREHOUSE")
	require.NoError(t, err)
	require.Len(t, mine, 1)
	assert.Equal(t, "Orders.send", mine[0].Name)
	require.NoError(t, p.RemoveUserRoles(ctx, "WAREHOUSE"))
	users, err = p.RoleUsers(ctx, app, "Orders.send")
	require.NoError(t, err)
	assert.Empty(t, users)
	groups, err := p.Groups(ctx)
	require.NoError(t, err)
	assert.Empty(t, groups)
	groups, err = p.UserGroups(ctx, "WAREHOUSE")
	require.NoError(t, err)
	assert.Empty(t, groups)

	require.NoError(t, p.AddGroup(ctx, "Senders", "WAREHOUSE", "SHOP"))
	require.NoError(t, p.AssignGroup(ctx, app, tenant.DefaultRole, "Senders"))
	members, err := p.GroupUsers(ctx, "senders")
	require.NoError(t, err)
	assert.Equal(t, []string{"WAREHOUSE", "SHOP"}, members)
	theirs, err := p.GroupRoles(ctx, "Senders")
	require.NoError(t, err)
	assert.Equal(t, []client.AssignedRole{{Name: tenant.DefaultRole, Application: app, ProviderAccount: tenant.DefaultAccount}}, theirs)
	require.ErrorIs(t, p.AssignGroup(ctx, app, "none.such", "Senders"), client.ErrNotFound)
	require.NoError(t, p.RemoveGroup(ctx, "Senders"))
	require.NoError(t, p.RemoveGroup(ctx, "Senders"), "absent ones are no error")
	groups, err = p.Groups(ctx)
	require.NoError(t, err)
	assert.Empty(t, groups)
}
