package node

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/logon"
	"example.com/gatehouse/simulator/tenant"
)

func TestUserRole(t *testing.T) { // CHN-1 to CHN-6, CHN-11, CHN-14
	f := newFixture(t)
	for _, row := range []struct {
		name    string
		who     option
		path    string
		user    string
		reason  journey.Reason
		decided string
	}{
		{"role", accepted(f.warehouse), "/http/orders", "WAREHOUSE", "",
			`user "WAREHOUSE" has role "ESBMessaging.send" on application "e100999iflmap", directly`},
		{"role through a group", password("alice", "right"), "/http/orders", "alice", "",
			`user "alice" has role "ESBMessaging.send" on application "e100999iflmap", through group "Senders"`},
		{"another role", accepted(f.warehouse), "/http/custom", "WAREHOUSE", "",
			`user "WAREHOUSE" has role "Custom.send" on application "e100999iflmap", directly`},
		{"another role missing", password("alice", "right"), "/http/custom", "alice", journey.RoleMissing,
			`user "alice" lacks role "Custom.send" on application "e100999iflmap", which channel "/http/custom" demands`},
		{"a role that nobody has", accepted(f.warehouse), "/http/other", "WAREHOUSE", journey.RoleMissing,
			`user "WAREHOUSE" lacks role "Other.send" on application "e100999iflmap", which channel "/http/other" demands`},
		{"old adapter", accepted(f.warehouse), "/http/old", "WAREHOUSE", "",
			`user "WAREHOUSE" has role "ESBMessaging.send" on application "e100999iflmap", directly; the adapter version is old, so the default role applies`},
		{"old adapter, role missing", accepted(f.noRole), "/http/old", "NOROLE", journey.RoleMissing,
			`user "NOROLE" lacks role "ESBMessaging.send" on application "e100999iflmap", which channel "/http/old" demands; the user has it on "provision", where it has no effect; the adapter version is old, so the default role applies`},
		{"role on another application", accepted(f.noRole), "/http/orders", "NOROLE", journey.RoleMissing,
			`user "NOROLE" lacks role "ESBMessaging.send" on application "e100999iflmap", which channel "/http/orders" demands; the user has it on "provision", where it has no effect`},
		{"administrator", password("norole", "right"), "/http/orders", "norole", journey.RoleMissing,
			`user "norole" lacks role "ESBMessaging.send" on application "e100999iflmap", which channel "/http/orders" demands; AuthGroup.Administrator, which the user has, does not include it`},
		{"not mapped, although a user of that name has the role", accepted(f.unmapped), "/http/orders", "shop.example@" + issuer, journey.NotMapped,
			`the certificate of "shop.example@Example Issuing CA" is not mapped to a user and so lacks role "ESBMessaging.send", which channel "/http/orders" demands`},
	} {
		t.Run(row.name, func(t *testing.T) {
			f.t = t
			status := 200
			if row.reason != "" {
				status = 403
			}
			o := f.call("POST", row.path, row.who).endsWith(status, row.user, row.reason)
			stop, _ := o.journey.At(journey.Authorization)
			assert.Equal(t, row.decided, stop.Decided)
			if row.reason == "" {
				assert.Empty(t, o.traces)
				return
			}
			require.Len(t, o.traces, 1)
			assert.Equal(t, "gatehouse.authorization", o.traces[0].Logger)
			assert.Equal(t, row.user, o.traces[0].User)
			assert.Contains(t, o.traces[0].Text, row.path)
			assert.Contains(t, stop.Fix, "e100999iflmap")
			assert.Contains(t, o.body, "<title>HTTP Status 403 – Forbidden</title>")
			assert.EqualValues(t, len(o.body), o.line.Bytes)
		})
	}
}

func TestA403UnderCXFHasNoBody(t *testing.T) {
	f := newFixture(t)
	o := f.call("POST", "/cxf/orders", accepted(f.unmapped)).endsWith(403, "shop.example@"+issuer, journey.NotMapped)
	assert.Empty(t, o.body)
	assert.Equal(t, `10.0.0.14 (198.51.100.49) - shop.example@Example Issuing CA [12/Apr/2021:12:00:03 +0000] POST /cxf/orders HTTP/1.1 403 - 0 e100999-iflmap.hcisbp.eu1.hana.ondemand.com:443 -`, o.line.String())
}

func TestClientCertificate(t *testing.T) { // CHN-7, CHN-8, CHN-9
	f := newFixture(t)
	f.call("POST", "/http/table", accepted(f.unmapped)).endsWith(200, "shop.example@"+issuer, "")
	renewed := mint(t, "shop.example", issuer)
	require.NotEqual(t, f.unmapped.Raw, renewed.Raw)
	f.call("POST", "/http/table", accepted(renewed)).endsWith(200, "shop.example@"+issuer, "")
	require.NoError(t, f.tenant.MapCertificate(renewed.Raw, "NOBODY"))
	f.call("POST", "/http/table", accepted(renewed)).endsWith(200, "NOBODY", "")

	o := f.call("POST", "/http/table", accepted(f.warehouse)).endsWith(403, "WAREHOUSE", journey.DNsNotInTable)
	assert.Equal(t, []string{"Unauthorized. Subject and issuer (subject: cn=warehouse.example,o=Example,c=DE; issuer: cn=Example Issuing CA,c=DE) of the provided certificate is not contained in the accepted subjectAndIssuers list of the integration flow."}, o.texts())

	otherIssuer := mint(t, "shop.example", "Other CA")
	f.call("POST", "/http/table", accepted(otherIssuer)).endsWith(403, "shop.example@Other CA", journey.DNsNotInTable)

	o = f.call("POST", "/cxf/table", accepted(f.warehouse)).endsWith(403, "WAREHOUSE", journey.DNsNotInTable)
	assert.Empty(t, o.body)

	o = f.call("POST", "/http/table", password("alice", "right")).endsWith(403, "alice", journey.NoCertificateForTable)
	assert.Len(t, o.traces, 1)
}

func TestTheCertificateOfTheCADoesNotHelp(t *testing.T) { // CHN-9
	f := newFixture(t)
	o := f.call("POST", "/http/tableca", accepted(f.unmapped)).endsWith(403, "shop.example@"+issuer, journey.DNsNotInTable)
	stop, _ := o.journey.End()
	assert.NotContains(t, stop.Decided, "certificate of its CA", "the fixture's CA has an O, the issuer has none")

	rows := []tenant.DNPair{{Subject: "CN=" + issuer + ", C=DE", Issuer: "CN=Example Root CA, C=DE"}}
	require.NoError(t, f.tenant.Update(func(c *tenant.Config) error {
		c.Channels[10].Authorization.Table = rows
		return nil
	}))
	o = f.call("POST", "/http/tableca", accepted(f.unmapped)).endsWith(403, "shop.example@"+issuer, journey.DNsNotInTable)
	stop, _ = o.journey.End()
	assert.Contains(t, stop.Decided, "; a row holds the certificate of its CA, which does not help")
}

// csrfToken fetches a token and returns it with the session's cookie.
func (f *fixture) csrfToken(who option, more ...option) (token, cookie string) {
	f.t.Helper()
	o := f.call("GET", "/http/csrf", append(more, who, header("X-CSRF-Token", "Fetch"))...)
	require.Equal(f.t, 200, o.response.StatusCode)
	end, _ := o.journey.End()
	require.Equal(f.t, journey.Answered, end.Verdict)
	require.Equal(f.t, journey.CSRFTokenFetched, end.Reason)
	require.True(f.t, o.journey.Succeeded())
	_, processed := o.journey.At(journey.Flow)
	require.False(f.t, processed, "fetching a token does not process the message")
	require.Empty(f.t, o.body)
	require.EqualValues(f.t, -1, o.line.Bytes)
	cookie, _, _ = strings.Cut(o.response.Header.Get("Set-Cookie"), ";")
	return o.response.Header.Get("X-CSRF-Token"), cookie
}

func TestCSRF(t *testing.T) { // CHN-12, CHN-13
	f := newFixture(t)
	who := accepted(f.warehouse)
	token, cookie := f.csrfToken(who)
	assert.Regexp(t, `^[0-9A-F]{32}$`, token)
	assert.Regexp(t, `^JSESSIONID=[0-9A-F]{32}$`, cookie)
	o := f.call("POST", "/http/csrf", who, header("Cookie", cookie), header("X-CSRF-Token", token), body("hello")).endsWith(200, "WAREHOUSE", "")
	assert.Equal(t, "hello", o.body)
	f.call("DELETE", "/http/csrf", who, header("Cookie", "a=b; "+cookie), header("x-csrf-token", token)).endsWith(200, "WAREHOUSE", "")
	f.call("GET", "/http/csrf", who).endsWith(200, "WAREHOUSE", "")

	same, noCookie := f.csrfToken(who, header("Cookie", cookie))
	assert.Equal(t, token, same, "a session has one token")
	assert.Empty(t, noCookie)
	other, otherCookie := f.csrfToken(password("alice", "right"))

	for name, options := range map[string][]option{
		"no token":                {who, header("Cookie", cookie)},
		"no cookie":               {who, header("X-CSRF-Token", token)},
		"another token":           {who, header("Cookie", cookie), header("X-CSRF-Token", other)},
		"another session":         {who, header("Cookie", otherCookie), header("X-CSRF-Token", token)},
		"another user's session":  {who, header("Cookie", otherCookie), header("X-CSRF-Token", other)},
		"encoded cookie":          {who, header("Cookie", strings.Replace(cookie, "=", "%3D", 1)), header("X-CSRF-Token", token)},
		"a token fetched by POST": {who, header("Cookie", cookie), header("X-CSRF-Token", "Fetch")},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OTHER"} {
				o := f.call(method, "/http/csrf", options...).endsWith(403, "WAREHOUSE", journey.CSRFTokenMissing)
				assert.Equal(t, "Required", o.response.Header.Get("X-CSRF-Token"))
				assert.Len(t, o.traces, 1)
				assert.NotContains(t, o.traces[0].Text, token)
			}
		})
	}
	f.t = t
	f.call("POST", "/http/orders", who).endsWith(200, "WAREHOUSE", "") // not protected
}

func TestTheRoleIsCheckedBeforeTheCSRFToken(t *testing.T) {
	f := newFixture(t)
	f.call("POST", "/http/csrf", accepted(f.unmapped)).endsWith(403, "shop.example@"+issuer, journey.NotMapped)
	f.call("GET", "/http/csrf", accepted(f.unmapped), header("X-CSRF-Token", "Fetch")).endsWith(403, "shop.example@"+issuer, journey.NotMapped)
}

func TestCSRFSessionsEnd(t *testing.T) { // LB-14
	f := newFixture(t)
	who := accepted(f.warehouse)
	token, cookie := f.csrfToken(who)
	send := func(status int, reason journey.Reason) {
		f.call("POST", "/http/csrf", who, header("Cookie", cookie), header("X-CSRF-Token", token)).endsWith(status, "WAREHOUSE", reason)
	}
	f.now = f.now.Add(logon.SessionIdle - 1)
	send(200, "") // and this is a use of it
	f.now = f.now.Add(logon.SessionIdle - 1)
	send(200, "")
	f.now = f.now.Add(logon.SessionIdle)
	send(403, journey.CSRFTokenMissing)

	token, cookie = f.csrfToken(who)
	send(200, "")
	f.SetUp(false)
	assert.False(t, f.Up())
	f.SetUp(true)
	assert.True(t, f.Up())
	send(403, journey.CSRFTokenMissing)

	// Another node does not know the session.
	token, cookie = f.csrfToken(who)
	first := f.Node
	var err error
	f.Node, err = New(Config{ID: "1a2b3c4", Tenant: f.tenant, Log: f.log, Now: first.config.Now})
	require.NoError(t, err)
	send(403, journey.CSRFTokenMissing)
	f.Node = first
	send(200, "")
}
