package management_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/tenant"
)

// platform calls the platform API with a client's token.
type platform struct {
	f      *fixture
	header string
}

func (f *fixture) platform(id string) platform {
	f.t.Helper()
	return platform{f, "Authorization: Bearer " + f.platformToken(id, id+"-secret")}
}

func (p platform) do(method, path, body string) answer {
	p.f.t.Helper()
	return p.f.call(method, "/authorization/v1/accounts/e100999/"+path, body, p.header)
}

// with reports what fails to another test.
func (p platform) with(t *testing.T) platform {
	return platform{&fixture{t: t, tenant: p.f.tenant, server: p.f.server}, p.header}
}

func TestPlatformToken(t *testing.T) {
	f := start(t, setup(t))
	a := f.raw("POST /oauth2/apitoken/v1?grant_type=client_credentials HTTP/1.1\nHost: api.hana.example\nAuthorization: Basic cGxhdGZvcm06cGxhdGZvcm0tc2VjcmV0\nContent-Length: 0").is(200)
	var body map[string]any
	a.into(&body)
	assert.Equal(t, "Bearer", body["token_type"])
	assert.Equal(t, 1500.0, body["expires_in"])
	assert.Equal(t, "hcp.manageAuthorizationSettings hcp.readAuthorizationSettings", body["scope"])
	header := "Authorization: Bearer " + body["access_token"].(string)
	f.advance(1499 * time.Second)
	f.call("GET", "/authorization/v1/accounts/e100999/groups", "", header).is(200)
	f.advance(time.Second)
	f.call("GET", "/authorization/v1/accounts/e100999/groups", "", header).is(401).says("has expired")
}

// Recorded answers of the platform API, letter by letter.
func TestPlatformReads(t *testing.T) {
	c := setup(t)
	c.ApplicationRoles = []tenant.ApplicationRole{{Application: iflmap, Name: "Orders.send"}}
	c.Roles = append(c.Roles, tenant.Assignment{Group: "Senders", Role: tenant.DefaultRole})
	f := start(t, c)
	p := f.platform("looker")
	for path, want := range map[string]string{
		"apps/e100999iflmap/roles":                                                             `{"roles":[{"name":"ESBMessaging.send","type":"PREDEFINED","applicationRole":true,"shared":true},{"name":"Orders.send","type":"CUSTOM","applicationRole":false,"shared":false}]}`,
		"apps/e100999iflmap/roles?providerAccount=e100999":                                     `{"roles":[{"name":"ESBMessaging.send","type":"PREDEFINED","applicationRole":true,"shared":true},{"name":"Orders.send","type":"CUSTOM","applicationRole":false,"shared":false}]}`,
		"apps/e100999iflmap/roles/users?providerAccount=e100999&roleName=ESBMessaging.send":    `{"users":[{"name":"WAREHOUSE"}]}`,
		"apps/e100999iflmap/roles/users?roleName=Orders.send":                                  `{"users":[]}`,
		"apps/e100999tmn/roles/users?providerAccount=e100999&roleName=AuthGroup.Administrator": `{"users":[{"name":"admin"},{"name":"oauth_client_robot"}]}`,
		"users/roles/?userId=WAREHOUSE":                                                        `{"roles":[{"name":"ESBMessaging.send","applicationName":"e100999iflmap","providerAccount":"e100999"}]}`,
		"users/roles?userId=nobody":                                                            `{"roles":[]}`,
		"groups":                                                                               `{"groups":[{"name":"Senders"},{"name":"AuthGroup.Administrator"}]}`,
		"groups/roles?groupName=SENDERS":                                                       `{"roles":[{"name":"ESBMessaging.send","applicationName":"e100999iflmap","providerAccount":"e100999"}]}`,
		"groups/users?groupName=senders":                                                       `{"users":[{"name":"alice"}]}`,
		"users/groups?userId=alice":                                                            `{"groups":[{"name":"Senders"}]}`,
	} {
		a := p.do("GET", path, "").is(200)
		assert.Equal(t, want, a.body, path)
		assert.Equal(t, "application/json", a.header.Get("Content-Type"))
	}
}

// A role of one's own is made, given to a user and taken away again, with effect on the next call.
func TestPlatformRoles(t *testing.T) {
	f := start(t, setup(t))
	p := f.platform("platform")
	has := func() bool { return f.tenant.Snapshot().Role("SHOP", "Orders.send").Has }
	p.do("POST", "apps/e100999iflmap/roles?providerAccount=e100999", `{"roles":[{"name":"Orders.send"}]}`).is(201)
	assert.Contains(t, p.do("GET", "apps/e100999iflmap/roles", "").body, `{"name":"Orders.send","type":"CUSTOM","applicationRole":false,"shared":false}`)
	assert.Contains(t, f.developer().do("GET", "NodeProfiles('iflmap')/Roles", "").is(200).body, `"Name":"Orders.send"`, "the channel's Select button offers it")
	p.do("PUT", "apps/e100999iflmap/roles/users?providerAccount=e100999&roleName=Orders.send", `{"users":[{"name":"SHOP"},{"name":"never seen"}]}`).is(201)
	assert.True(t, has(), "at once")
	assert.Equal(t, `{"users":[{"name":"SHOP"},{"name":"never seen"}]}`, p.do("GET", "apps/e100999iflmap/roles/users?roleName=Orders.send", "").body)
	p.do("PUT", "apps/e100999iflmap/roles/users?providerAccount=e100999&roleName=Orders.send", `{"users":[{"name":"SHOP"}]}`).is(201)
	p.do("DELETE", "apps/e100999iflmap/roles/users?users=SHOP;nobody&roleName=Orders.send&providerAccount=e100999", "").is(200)
	assert.False(t, has())

	p.do("PUT", "apps/e100999iflmap/roles/users?roleName=Orders.send", `{"users":[{"name":"SHOP"}]}`).is(201)
	p.do("DELETE", "users/roles?userId=SHOP&roles=*", "").is(200)
	assert.False(t, has())

	p.do("PUT", "apps/e100999iflmap/roles/users?roleName=Orders.send", `{"users":[{"name":"SHOP"}]}`).is(201)
	p.do("DELETE", "apps/e100999iflmap/roles?roles=Orders.send;absent&providerAccount=e100999", "").is(200)
	assert.False(t, has(), "with the role its assignments go")
	assert.NotContains(t, p.do("GET", "apps/e100999iflmap/roles", "").body, "Orders.send")
}

func TestPlatformGroups(t *testing.T) {
	f := start(t, setup(t))
	p := f.platform("platform")
	has := func() bool { return f.tenant.Snapshot().Role("SHOP", tenant.DefaultRole).Has }
	p.do("POST", "groups", `{"groups":[{"name":"Shops"}]}`).is(201)
	p.do("PUT", "groups/users?groupName=shops", `{"users":[{"name":"SHOP"}]}`).is(201)
	p.do("PUT", "groups/roles?groupName=SHOPS", `{"roles":[{"name":"ESBMessaging.send","applicationName":"e100999iflmap","providerAccount":"e100999"}]}`).is(201)
	assert.True(t, has())
	p.do("DELETE", "groups/roles?groupName=Shops&roles=ESBMessaging.send", "").is(200)
	assert.False(t, has())
	p.do("PUT", "groups/roles?groupName=SHOPS", `{"roles":[{"name":"ESBMessaging.send"}]}`).is(201)
	assert.True(t, has())
	p.do("DELETE", "groups/users?groupName=Shops&users=SHOP", "").is(200)
	assert.False(t, has())
	p.do("DELETE", "groups?groups=SHOPS;absent", "").is(200)
	assert.NotContains(t, p.do("GET", "groups", "").body, "Shops")
}

func TestPlatformCallThatIsRefused(t *testing.T) {
	f := start(t, setup(t))
	p := f.platform("platform")
	for name, row := range map[string]struct {
		method, path, body string
		status             int
		message            string
	}{
		"unknown path":       {"GET", "apps", "", 404, "nothing at this path"},
		"unknown app":        {"GET", "apps/provision/roles", "", 404, `no application "provision"`},
		"unknown role":       {"PUT", "apps/e100999iflmap/roles/users?roleName=None", `{"users":[{"name":"x"}]}`, 404, `no role "None"`},
		"role elsewhere":     {"GET", "apps/e100999tmn/roles/users?roleName=ESBMessaging.send", "", 404, "no role"},
		"provider":           {"GET", "apps/e100999iflmap/roles?providerAccount=other", "", 404, "provides no application"},
		"no role":            {"GET", "apps/e100999iflmap/roles/users", "", 400, `"roleName" is missing`},
		"unknown parameter":  {"GET", "groups?x=y", "", 400, `"x" is not known`},
		"twice":              {"GET", "users/roles?userId=a&userId=b", "", 400, "more than once"},
		"no group":           {"GET", "groups/users?groupName=none", "", 404, "There is no group"},
		"body":               {"PUT", "groups/users?groupName=Senders", `[]`, 400, "not as expected"},
		"body of another":    {"PUT", "groups/users?groupName=Senders", `{"roles":[{"name":"x"}]}`, 400, "not as expected"},
		"empty list":         {"PUT", "groups/users?groupName=Senders", `{"users":[]}`, 400, "not as expected"},
		"empty name":         {"PUT", "groups/users?groupName=Senders", `{"users":[{"name":""}]}`, 400, "Found the name"},
		"unknown member":     {"POST", "groups", `{"groups":[{"name":"x","y":1}]}`, 400, "not as expected"},
		"control characters": {"POST", "groups", `{"groups":[{"name":"a\nb"}]}`, 400, "control characters"},
		"predefined":         {"DELETE", "apps/e100999iflmap/roles?roles=ESBMessaging.send", "", 400, "cannot be removed"},
		"method":             {"POST", "users/roles?userId=x", "", 405, "allowed are GET, DELETE"},
		"too large":          {"POST", "groups", strings.Repeat(" ", 1<<20+1), 413, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			f.unchanged(func() { p.with(t).do(row.method, row.path, row.body).is(row.status).says(row.message) })
		})
	}
	f.call("GET", "/authorization/v1/accounts/other/groups", "", p.header).is(404).says(`There is no account "other", only e100999`)
	f.unchanged(func() {
		f.platform("looker").do("POST", "groups", `{"groups":[{"name":"x"}]}`).is(403).says("lacks the scope hcp.manageAuthorizationSettings")
		for _, header := range []string{"X: y", basic("platform", "platform-secret"), basic("admin", secret), "Authorization: Bearer " + f.token("robot", "robot-secret")} {
			a := f.call("POST", "/authorization/v1/accounts/e100999/groups", `{"groups":[{"name":"x"}]}`, header).is(401)
			assert.Equal(t, "Bearer", a.header.Get("Www-Authenticate"))
		}
	})
}

// The hundredth request within a minute is taken, the next is not.
func TestRateLimit(t *testing.T) {
	f := start(t, setup(t))
	p := f.platform("platform")
	for range 100 {
		p.do("GET", "groups", "").is(200)
	}
	f.advance(20 * time.Second)
	f.unchanged(func() {
		a := p.do("POST", "groups", `{"groups":[{"name":"x"}]}`).is(429).says("More than 100 requests")
		assert.Equal(t, "41", a.header.Get("Retry-After"))
	})
	f.call("GET", "/api/v1/", "", basic("admin", secret)).is(200) // only the platform API is limited
	f.advance(41 * time.Second)
	p.do("GET", "groups", "").is(200)
	f.advance(-time.Hour)
	p.do("GET", "groups", "").is(200) // a clock that was moved back begins anew
}

// A landscape that is somebody's own may take more of them, or fewer.
func TestRateLimitCanBeSet(t *testing.T) {
	f := startWith(t, setup(t), func(c *management.Config) { c.PlatformRequests = 3 })
	p := f.platform("platform")
	for range 3 {
		p.do("GET", "groups", "").is(200)
	}
	p.do("GET", "groups", "").is(429).says("More than 3 requests")
	f.advance(time.Minute)
	p.do("GET", "groups", "").is(200)

	f = startWith(t, setup(t), func(c *management.Config) { c.PlatformRequests = 150 })
	p = f.platform("platform")
	for range 150 {
		p.do("GET", "groups", "").is(200)
	}
	p.do("GET", "groups", "").is(429).says("More than 150 requests")
}

func TestAuditLog(t *testing.T) {
	f := start(t, setup(t))
	s := f.admin()
	der := mint(t, "shop")
	s.do("POST", "CertificateUserMappings", `{"User":"SHOP","Certificate":"`+encoded(der)+`"}`).is(201)
	s.do("GET", "CertificateUserMappings", "").is(200)
	s.do("POST", "CertificateUserMappings", `{}`).is(400)
	f.developer().do("DELETE", "CertificateUserMappings('"+tenant.MappingID(der)+"')", "").is(403)
	f.call("GET", "/api/v1/", "", basic("admin", "wrong-password")).is(401)
	f.platform("platform").do("POST", "groups", `{"groups":[{"name":"x"}]}`).is(201)
	var log struct {
		Notice string
		Answer struct {
			Entries []struct {
				Time                                 time.Time
				User, Action, Object, Result, Detail string
			}
		}
	}
	f.call("GET", "/gatehouse/v1/audit", "", basic("reader", secret)).is(403)
	f.call("GET", "/gatehouse/v1/audit?limit=100", "", basic("admin", secret)).is(200).into(&log)
	assert.Contains(t, log.Notice, "no real tenant has it")
	var got []string
	for _, e := range log.Answer.Entries {
		assert.True(t, noon.Equal(e.Time), "by the landscape's clock")
		got = append(got, e.User+" "+e.Action+" "+e.Object+" "+e.Result)
	}
	assert.Equal(t, []string{
		"admin create CertificateUserMappings success",
		"admin create CertificateUserMappings 400 Bad Request",
		"developer delete CertificateUserMappings('" + tenant.MappingID(der) + "') 403 Forbidden",
		"admin log on /api/v1 401 Unauthorized",
		"oauth_client_platform issue token /oauth2/apitoken/v1 success",
		"oauth_client_platform create accounts/e100999/groups success",
		"reader read /gatehouse/v1/audit 403 Forbidden",
	}, got)
	for _, word := range []string{secret, "wrong-password", "platform-secret"} {
		assert.NotContains(t, f.auditText(), word)
	}
	require.Len(t, log.Answer.Entries, 7)
	f.call("GET", "/gatehouse/v1/audit?limit=2", "", basic("admin", secret)).is(200).into(&log)
	assert.Len(t, log.Answer.Entries, 2, "the newest")
}
