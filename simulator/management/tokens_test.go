package management_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// token fetches one as most clients do.
func (f *fixture) token(id, secret string) string {
	f.t.Helper()
	var body struct {
		Token string `json:"access_token"`
	}
	f.call("POST", "/oauth2/api/v1/token?grant_type=client_credentials", "", basic(id, secret)).is(200).into(&body)
	return body.Token
}

const form = "Content-Type: application/x-www-form-urlencoded"

// Clients send their credentials in three ways.
func TestToken(t *testing.T) {
	f := start(t, setup(t))
	for name, a := range map[string]answer{
		"basic": f.raw("POST /oauth2/api/v1/token?grant_type=client_credentials HTTP/1.1\nHost: oauthasservices-e100999.example\nAuthorization: Basic cm9ib3Q6cm9ib3Qtc2VjcmV0\nContent-Length: 0"),
		"query": f.raw("POST /oauth2/api/v1/token?grant_type=client_credentials&client_id=robot&client_secret=robot-secret HTTP/1.1\nHost: oauthasservices-e100999.example\nContent-Length: 0"),
		"form":  f.call("POST", "/oauth2/api/v1/token", "grant_type=client_credentials&client_id=robot&client_secret=robot-secret", form),
		"both":  f.call("POST", "/oauth2/api/v1/token?client_id=robot&client_secret=robot-secret", "grant_type=client_credentials", form, basic("robot", "robot-secret")),
	} {
		t.Run(name, func(t *testing.T) {
			a.is(200)
			assert.Equal(t, "application/json", a.header.Get("Content-Type"))
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
			var body map[string]any
			a.into(&body)
			assert.Equal(t, "Bearer", body["token_type"])
			assert.Equal(t, 1500.0, body["expires_in"])
			assert.Equal(t, []any{}, body["scopes"])
			bearer := "Authorization: Bearer " + body["access_token"].(string)
			f.call("GET", "/api/v1/CertificateUserMappings", "", bearer).is(200)
		})
	}
}

func TestTokenEnds(t *testing.T) {
	f := start(t, setup(t))
	bearer := "Authorization: Bearer " + f.token("robot", "robot-secret")
	f.advance(1499 * time.Second)
	f.call("GET", "/api/v1/", "", bearer).is(200)
	f.advance(time.Second)
	a := f.call("GET", "/api/v1/", "", bearer, jsonAccept).is(401).says("has expired")
	assert.Contains(t, a.header.Get("Www-Authenticate"), "Basic")
}

func TestTokenThatIsRefused(t *testing.T) {
	f := start(t, setup(t))
	const path = "/oauth2/api/v1/token?grant_type=client_credentials"
	for name, row := range map[string]struct {
		answer answer
		status int
		code   string
	}{
		"no credentials":                      {f.call("POST", path, ""), 401, "invalid_client"},
		"wrong secret":                        {f.call("POST", path, "", basic("robot", "wrong")), 401, "invalid_client"},
		"unknown client":                      {f.call("POST", path, "", basic("nobody", "robot-secret")), 401, "invalid_client"},
		"a user":                              {f.call("POST", path, "", basic("admin", secret)), 401, "invalid_client"},
		"platform client":                     {f.call("POST", path, "", basic("platform", "platform-secret")), 401, "invalid_client"},
		"get":                                 {f.call("GET", path, "", basic("robot", "robot-secret")), 405, "invalid_request"},
		"no grant type":                       {f.call("POST", "/oauth2/api/v1/token", "", basic("robot", "robot-secret")), 400, "invalid_request"},
		"other grant":                         {f.call("POST", "/oauth2/api/v1/token?grant_type=password", "", basic("robot", "robot-secret")), 400, "unsupported_grant_type"},
		"twice":                               {f.call("POST", path+"&grant_type=password", "", basic("robot", "robot-secret")), 400, "invalid_request"},
		"contradiction":                       {f.call("POST", path+"&client_id=robot&client_secret=x", "", basic("robot", "robot-secret")), 400, "invalid_request"},
		"bearer":                              {f.call("POST", path, "", "Authorization: Bearer x"), 400, "invalid_request"},
		"platform token of a tenant's client": {f.call("POST", "/oauth2/apitoken/v1?grant_type=client_credentials", "", basic("robot", "robot-secret")), 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			row.answer.is(row.status)
			var body map[string]string
			row.answer.into(&body)
			assert.Equal(t, row.code, body["error"])
			assert.NotContains(t, row.answer.body, "robot-secret")
			if row.status == 401 {
				assert.NotEmpty(t, row.answer.header.Get("Www-Authenticate"))
			}
		})
	}
	assert.NotContains(t, url.QueryEscape(f.auditText()), "robot-secret", "no secret is in the audit log")
}

func TestLogonThatIsRefused(t *testing.T) {
	f := start(t, setup(t))
	platform := "Authorization: Bearer " + f.platformToken("platform", "platform-secret")
	for name, header := range map[string]string{
		"nothing":               "X: y",
		"wrong password":        basic("admin", "wrong"),
		"mapping user":          basic("WAREHOUSE", ""),
		"credential":            basic("BACKEND", "secret-of-backend"),
		"unknown":               basic("stranger", secret),
		"invented token":        "Authorization: Bearer abc.def",
		"platform token":        platform,
		"unreadable":            "Authorization: Basic %",
		"client without a user": basic("robot", "robot-secret"),
	} {
		for _, path := range []string{"/api/v1/", "/api/v1/CertificateUserMappings", "/gatehouse/v1/audit"} {
			a := f.call("GET", path, "", header, jsonAccept).is(401)
			assert.Contains(t, a.header.Get("Www-Authenticate"), "Basic", name)
		}
		f.unchanged(func() { f.call("POST", "/api/v1/CertificateUserMappings", "{}", header).is(401) })
	}
}
