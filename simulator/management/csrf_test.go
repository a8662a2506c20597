package management_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFetchingAToken(t *testing.T) {
	f := start(t, setup(t))
	a := f.raw("GET /api/v1/ HTTP/1.1\nHost: e100999-tmn.example\nAuthorization: Basic YWRtaW46cmlnaHQtcGFzc3dvcmQ=\nX-CSRF-Token: Fetch").is(200)
	assert.Regexp(t, "^[0-9A-F]{32}$", a.header.Get("X-Csrf-Token"))
	cookies := (&http.Response{Header: a.header}).Cookies()
	require.Len(t, cookies, 2)
	assert.Equal(t, "JSESSIONID", cookies[0].Name)
	assert.Equal(t, "JTENANTSESSIONID_e100999", cookies[1].Name)
	for _, c := range cookies {
		assert.Equal(t, "/api", c.Path)
		assert.True(t, c.Secure && c.HttpOnly)
	}

	// Who has a session gets its token again, without new cookies; any GET will do.
	again := f.call("GET", "/api/v1/CertificateUserMappings", "", basic("admin", secret), "X-CSRF-Token: fetch",
		"Cookie: JSESSIONID="+cookies[0].Value, "Cookie: JTENANTSESSIONID_e100999="+cookies[1].Value).is(200)
	assert.Equal(t, a.header.Get("X-Csrf-Token"), again.header.Get("X-Csrf-Token"))
	assert.Empty(t, again.header["Set-Cookie"])
	other := f.call("GET", "/api/v1/", "", basic("admin", secret), "X-CSRF-Token: Fetch").is(200)
	assert.NotEqual(t, a.header.Get("X-Csrf-Token"), other.header.Get("X-Csrf-Token"))
	assert.Empty(t, f.call("GET", "/api/v1/", "", basic("admin", secret)).is(200).header.Get("X-Csrf-Token"), "without asking")
	assert.Empty(t, f.call("GET", "/api/v1/", "", "X-CSRF-Token: Fetch").is(401).header.Get("X-Csrf-Token"), "without logon")
}

// Every way in which token or cookies can be wrong, and the good twin of each.
func TestModifyingCallsNeedTokenAndCookies(t *testing.T) {
	f := start(t, setup(t))
	body := `{"User":"SHOP","Certificate":"` + encoded(mint(t, "shop")) + `"}`
	good := f.admin()
	find := func(prefix string) string {
		for _, h := range good.headers {
			if strings.HasPrefix(h, prefix) {
				return h
			}
		}
		return ""
	}
	token, session, tenantSession := find("X-CSRF-Token"), find("Cookie: JSESSIONID"), find("Cookie: JTENANTSESSIONID")
	otherUser := f.developer()
	for name, headers := range map[string][]string{
		"nothing":             {},
		"token only":          {token},
		"cookies only":        {session, tenantSession},
		"no tenant's cookie":  {token, session},
		"no session's cookie": {token, tenantSession},
		"word instead":        {"X-CSRF-Token: Fetch", session, tenantSession},
		"other token":         {"X-CSRF-Token: 0123456789ABCDEF0123456789ABCDEF", session, tenantSession},
		"other session":       {token, "Cookie: JSESSIONID=0123456789ABCDEF0123456789ABCDEF", tenantSession},
		"another user's":      otherUser.headers[1:],
	} {
		t.Run(name, func(t *testing.T) {
			f.unchanged(func() {
				a := f.call("POST", "/api/v1/CertificateUserMappings", body, append(headers, basic("admin", secret), jsonAccept)...).is(403)
				assert.Equal(t, "Required", a.header.Get("X-Csrf-Token"))
				a.says("CSRF token validation failed")
			})
		})
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "MERGE"} {
		f.unchanged(func() {
			f.call(method, "/api/v1/UserCredentials('backend')", "", basic("admin", secret), jsonAccept).is(403)
		})
	}
	good.do("POST", "CertificateUserMappings", body).is(201)

	f.advance(29 * time.Minute)
	good.do("POST", "CertificateUserMappings", body).is(201)
	f.advance(30 * time.Minute)
	f.unchanged(func() { good.do("DELETE", "UserCredentials('backend')", "").is(403).says("the session has ended") })
}

func TestModifyingCallsNeedTokenUnderOAuthToo(t *testing.T) {
	f := start(t, setup(t))
	bearer := "Authorization: Bearer " + f.token("robot", "robot-secret")
	body := `{"User":"SHOP","Certificate":"` + encoded(mint(t, "shop")) + `"}`
	f.unchanged(func() { f.call("POST", "/api/v1/CertificateUserMappings", body, bearer, jsonAccept).is(403) })
	a := f.as(bearer).do("POST", "CertificateUserMappings", body).is(201)
	assert.Equal(t, "oauth_client_robot", a.entity()["CreatedBy"])
}
