package management_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/tenant"
)

// permission is a row of "Who may do what": a task, its roles, and calls that do it.
type permission struct {
	task  string
	roles []string
	calls [][3]string // method, path, body
	want  []int       // their status with all of the roles
}

// permissions are the rows of the reference, and those of the simulator's own choice.
func permissions(t *testing.T, f *fixture) []permission {
	id := tenant.MappingID(f.tenant.Snapshot().Mappings()[0].Certificate)
	zip, err := iflow.Describe("new", "new", []tenant.Channel{{Address: "/http/new"}}).Zip()
	require.NoError(t, err)
	return []permission{
		{"view mappings", []string{"IntegrationOperationServer.read", "NodeManager.read"},
			[][3]string{{"GET", "CertificateUserMappings", ""}, {"GET", "CertificateUserMappings('" + id + "')", ""}, {"GET", "CertificateUserMappings/$count", ""}},
			[]int{200, 200, 200}},
		{"change mappings", []string{"IntegrationOperationServer.read", "NodeManager.deploysecuritycontent", "NodeManager.read"},
			[][3]string{{"POST", "CertificateUserMappings", `{"User":"SHOP","Certificate":"` + encoded(mint(t, "shop")) + `"}`}, {"DELETE", "CertificateUserMappings('" + id + "')", ""}},
			[]int{201, 204}},
		{"configure and deploy flows", []string{"WebToolingWorkspace.Read", "WebTooling.IntegrationFlowConfigure", "GenerationAndBuild.generationandbuildcontent", "NodeManager.deploycontent"},
			[][3]string{
				{"POST", "IntegrationPackages", `{"Id":"p","Name":"P"}`},
				{"POST", "IntegrationDesigntimeArtifacts", `{"Id":"new","Name":"new","PackageId":"landscape","ArtifactContent":"` + base64Of(zip) + `"}`},
				{"PUT", "IntegrationDesigntimeArtifacts(Id='orders',Version='active')", `{"ArtifactContent":"` + base64Of(zip) + `"}`},
				{"POST", "DeployIntegrationDesigntimeArtifact?Id='stock'&Version='active'", ""},
				{"DELETE", "IntegrationRuntimeArtifacts('stock')", ""},
				{"DELETE", "IntegrationDesigntimeArtifacts(Id='stock',Version='active')", ""},
			},
			[]int{201, 201, 200, 202, 202, 200}},
		{"read log files", []string{"IntegrationOperationServer.read", "AuditLog.Read"},
			[][3]string{{"GET", "LogFiles", ""}, {"GET", "LogFileArchives(Scope='all',LogFileType='http',NodeScope='worker')/$value", ""}},
			[]int{200, 200}},
		{"view security material", []string{"IntegrationOperationServer.read", "NodeManager.read"},
			[][3]string{{"GET", "UserCredentials", ""}, {"GET", "KeystoreEntries", ""}}, []int{200, 200}},
		{"change security material", []string{"IntegrationOperationServer.read", "NodeManager.deploysecuritycontent", "NodeManager.read"},
			[][3]string{{"POST", "UserCredentials", `{"Name":"n","User":"u","Password":"p"}`}, {"PUT", "UserCredentials('backend')", `{"User":"u"}`}, {"DELETE", "UserCredentials('backend')", ""}},
			[]int{202, 202, 202}},
		{"view flows", []string{"WebToolingWorkspace.Read"},
			[][3]string{{"GET", "IntegrationPackages", ""}, {"GET", "IntegrationDesigntimeArtifacts", ""}, {"GET", "NodeProfiles", ""}, {"GET", "Roles", ""}}, []int{200, 200, 200, 200}},
		{"view deployed flows", []string{"IntegrationOperationServer.read", "NodeManager.read"},
			[][3]string{{"GET", "IntegrationRuntimeArtifacts", ""}, {"GET", "ServiceEndpoints", ""}}, []int{200, 200}},
	}
}

// Without one of the roles that a task needs it is refused with 403 and nothing is changed; with all
// of them, and no others, it is done.
func TestEveryPermission(t *testing.T) {
	for i := range permissions(t, start(t, setup(t))) {
		f := start(t, setup(t))
		p := permissions(t, f)[i]
		t.Run(p.task, func(t *testing.T) {
			grant := func(roles []string, application string) {
				require.NoError(t, f.tenant.Update(func(c *tenant.Config) error {
					c.Roles = slices.DeleteFunc(c.Roles, func(a tenant.Assignment) bool { return a.User == "nobody" })
					for _, role := range roles {
						c.Roles = append(c.Roles, tenant.Assignment{User: "nobody", Role: role, Application: application})
					}
					return nil
				}))
			}
			refused := func(name, missing string) {
				for _, call := range p.calls {
					f.unchanged(func() {
						a := f.as(basic("nobody", secret)).do(call[0], call[1], call[2]).is(403)
						a.says(missing)
						require.Empty(t, a.header.Get("X-Csrf-Token"), "%s: it is the role that is missing", name)
					})
				}
			}
			for _, missing := range p.roles {
				grant(slices.DeleteFunc(slices.Clone(p.roles), func(r string) bool { return r == missing }), tmn)
				refused("without "+missing, missing)
			}
			grant(p.roles, iflmap)
			refused("on another application", p.roles[0])
			grant(p.roles, tmn)
			for k, call := range p.calls {
				f.as(basic("nobody", secret)).do(call[0], call[1], call[2]).is(p.want[k])
			}
		})
	}
}

// Which persona may do which task.
func TestAuthorizationGroups(t *testing.T) {
	may := map[string][]string{
		"view mappings":              {"AuthGroup.Administrator", "AuthGroup.Admin", "AuthGroup.IntegrationDeveloper", "AuthGroup.BusinessExpert", "AuthGroup.ReadOnly"},
		"change mappings":            {"AuthGroup.Administrator", "AuthGroup.Admin"},
		"configure and deploy flows": {"AuthGroup.IntegrationDeveloper"},
		"read log files":             {"AuthGroup.Administrator", "AuthGroup.Admin"},
	}
	for _, group := range []string{"AuthGroup.Administrator", "AuthGroup.Admin", "AuthGroup.IntegrationDeveloper", "AuthGroup.BusinessExpert", "AuthGroup.ReadOnly"} {
		f := start(t, setup(t))
		require.NoError(t, f.tenant.Assign(tenant.Assignment{User: "nobody", Role: group, Application: tmn}))
		for _, p := range permissions(t, f) {
			groups, documented := may[p.task]
			if !documented {
				continue
			}
			want := 403
			if slices.Contains(groups, group) {
				want = p.want[0]
			}
			assert.Equal(t, want, f.as(basic("nobody", secret)).do(p.calls[0][0], p.calls[0][1], p.calls[0][2]).status, "%s: %s", group, p.task)
		}
	}
}

func TestRolesThroughGroups(t *testing.T) {
	f := start(t, setup(t))
	call := func() int { return f.call("GET", "/api/v1/LogFiles", "", basic("nobody", secret)).status }
	assert.Equal(t, 403, call())
	require.NoError(t, f.tenant.Update(func(c *tenant.Config) error {
		c.Groups[0].Users = append(c.Groups[0].Users, "nobody")
		c.Roles = append(c.Roles, tenant.Assignment{Group: "senders", Role: "AuthGroup.Administrator", Application: tmn})
		return nil
	}))
	assert.Equal(t, 200, call(), "a role that is assigned to a group")
	require.NoError(t, f.tenant.Update(func(c *tenant.Config) error {
		c.Groups[0].Users = nil
		return nil
	}))
	assert.Equal(t, 403, call(), "at once")
	require.NoError(t, f.tenant.Update(func(c *tenant.Config) error {
		c.Groups[1].Users = append(c.Groups[1].Users, "nobody")
		return nil
	}))
	assert.Equal(t, 200, call(), "a group with the name of an authorization group")
}

// AuthGroup.Administrator does not include sending, and is worth nothing on another application.
func TestWhatMetadataNeeds(t *testing.T) {
	f := start(t, setup(t))
	for _, path := range []string{"/api/v1", "/api/v1/", "/api/v1/$metadata"} {
		f.call("GET", path, "", basic("nobody", secret)).is(200)
		f.call("GET", path, "").is(401)
	}
	assert.Equal(t, 403, f.call("GET", "/gatehouse/v1/landscape", "", basic("developer", secret)).status)
	assert.True(t, strings.Contains(f.call("GET", "/gatehouse/v1/landscape", "", basic("admin", secret)).is(501).body, "no real tenant has it"))
}
