package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/tenant"
)

var noon = time.Date(2021, 4, 12, 12, 0, 0, 0, time.UTC)

// der is something that has the outer form of a certificate and differs by n.
func der(n byte) []byte { return []byte{0x30, 0x03, 0x02, 0x01, n} }

// Config is a configuration with something of everything.
func Config() tenant.Config {
	return tenant.Config{
		Account: "e100999", Application: "e100999hcioem", MappingStore: 4 << 20, RoleCache: true,
		Mappings: []tenant.Mapping{
			{Certificate: der(2), User: "SHOP"},
			{Certificate: der(1), User: "WAREHOUSE", CreatedBy: "alice", Created: noon, LastModifiedBy: "bob", LastModified: noon.Add(time.Hour)},
		},
		Users:            []tenant.User{{Name: "zoe", Password: "secret of zoe"}, {Name: "alice"}},
		Credentials:      []tenant.Credential{{Name: "backend", User: "BACKEND", Password: "secret", Description: "for orders"}},
		Clients:          []tenant.Client{{ID: "1a2b", Secret: "secret of client"}},
		Groups:           []tenant.Group{{Name: "Senders", Users: []string{"zoe", "alice"}}, {Name: "Empty"}},
		Roles:            []tenant.Assignment{{User: "WAREHOUSE", Role: tenant.DefaultRole}, {Group: "SENDERS", Role: "Orders.send", Application: "e100999tmn"}, {User: "WAREHOUSE", Role: tenant.DefaultRole}},
		ApplicationRoles: []tenant.ApplicationRole{{Application: "e100999hcioem", Name: "Orders.send"}},
		Channels: []tenant.Channel{
			{Address: "/http/Orders", Flow: "Orders", CSRFProtected: true, MaximumBodySize: 5 << 20},
			{Address: "/http/none", Authorization: tenant.Authorization{Table: []tenant.DNPair{}}},
			{Address: "/cxf/table", Authorization: tenant.Authorization{Table: []tenant.DNPair{{Subject: "CN=a", Issuer: "CN=b"}}}, Answer: tenant.OneWay},
			{Address: "/http/old", OldAdapter: true},
		},
		Deployments: []tenant.Deployment{{Flow: "Orders", Name: "Orders of the shop", Version: "1.0.3", By: "alice", On: noon}, {Flow: "Broken", Error: "no address"}},
		Designs:     []tenant.Design{{Address: "/http/old", Channel: tenant.Channel{Address: "/http/new", Authorization: tenant.Authorization{Table: []tenant.DNPair{}}}}},
		Packages:    []tenant.Package{{ID: "Shop", Name: "The shop", Description: "all of it", Version: "2.0.0"}},
		Artifacts: []tenant.Artifact{
			{ID: "Orders", Name: "Orders of the shop", Package: "Shop", Version: "1.0.4", Content: []byte("PK zip"), Parameters: map[string]string{"Role of sender": "Orders.send"},
				Channels: []tenant.Channel{{Address: "/http/Orders2", Flow: "Orders"}}, CreatedBy: "alice", Created: noon, ModifiedBy: "bob", Modified: noon.Add(time.Minute)},
			{ID: "Timer"},
		},
		WithoutDesign: []string{"none"},
		Keystore:      []tenant.KeystoreEntry{{Alias: "sap_cloudintegrationcertificate", Certificate: der(9)}},
	}
}

// wholeTenant changes everything that a tenant has, and opens it again.
func wholeTenant(t *testing.T, open Open) {
	now := noon
	clock := func() time.Time { return now }
	store, err := open()
	require.NoError(t, err)
	tn, err := tenant.Open(t.Context(), store, Config(), clock)
	require.NoError(t, err)
	reopen := func() {
		t.Helper()
		want, snapshot := tn.Config(), tn.Snapshot()
		audit := tn.AuditLog()
		require.NoError(t, tn.Close())
		require.Error(t, tn.MapCertificate(der(99), "LATE"), "a closed tenant takes no change")
		store, err := open()
		require.NoError(t, err)
		tn, err = tenant.Open(t.Context(), store, tenant.Config{Account: "other"}, clock)
		require.NoError(t, err)
		assert.Equal(t, want, tn.Config())
		assert.Equal(t, audit, tn.AuditLog())
		assert.Equal(t, snapshot.Artifacts(), tn.Snapshot().Artifacts())
		assert.Equal(t, snapshot.Runtime(), tn.Snapshot().Runtime())
	}
	defer func() { assert.NoError(t, tn.Close()) }()
	require.Equal(t, Config(), tn.Config())
	reopen()
	require.Equal(t, Config(), tn.Config(), "what was saved wins over the seed")

	require.NoError(t, tn.MapCertificateAs("carol", der(3), "THIRD"))
	removed, err := tn.UnmapByID("carol", tenant.MappingID(der(2)))
	require.NoError(t, err)
	require.True(t, removed)
	require.NoError(t, tn.MapCertificateAs("dave", der(1), "OTHER"))
	require.NoError(t, tn.Assign(tenant.Assignment{User: "THIRD", Role: tenant.DefaultRole}))
	require.True(t, tn.Unassign(tenant.Assignment{User: "WAREHOUSE", Role: tenant.DefaultRole}))
	require.NoError(t, tn.Audit(tenant.AuditEntry{User: "carol", Action: "create", Object: "mapping", Result: "201"}, tenant.AuditEntry{User: "dave"}))
	token, err := tn.IssueToken("1a2b", time.Hour, nil)
	require.NoError(t, err)
	reopen()
	mapping, ok := tn.Snapshot().MappingByID(tenant.MappingID(der(1)))
	require.True(t, ok)
	assert.Equal(t, tenant.Mapping{Certificate: der(1), User: "OTHER", CreatedBy: "alice", Created: noon, LastModifiedBy: "dave", LastModified: noon}, mapping)
	assert.Len(t, tn.Config().Roles, 2)
	_, ok = tn.Snapshot().Token(token, now)
	assert.True(t, ok, "tokens outlive the process")

	task, err := tn.DeployFlow("erin", "Orders", time.Minute)
	require.NoError(t, err)
	now = now.Add(30 * time.Second)
	reopen()
	state, ok := tn.DeployStatus(task)
	assert.True(t, ok)
	assert.Equal(t, tenant.Deploying, state)
	c, answer := tn.Snapshot().Route("/http/orders2")
	require.True(t, answer.Found)
	assert.True(t, tn.Snapshot().Restarting(c, now), "the downtime goes on")
	now = now.Add(30 * time.Second)
	state, _ = tn.DeployStatus(task)
	assert.Equal(t, tenant.DeploySuccess, state)
	assert.False(t, tn.Snapshot().Restarting(c, now))

	require.NoError(t, tn.Update(func(c *tenant.Config) error {
		c.Users = append(c.Users[:1], tenant.User{Name: "new", Password: "x"})
		c.Keystore, c.Credentials = nil, nil
		c.Groups[0].Users = nil
		return nil
	}))
	_, err = tn.Undeploy("erin", "Orders")
	require.NoError(t, err)
	_, err = tn.RemoveArtifact("erin", "Orders")
	require.NoError(t, err)
	reopen()
}
