package client_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/simulator/management/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reference is a server as the reference describes a real tenant, and no more.
type reference struct {
	*httptest.Server
	mu       sync.Mutex
	csrf     string // the token of the session
	sessions int
	fetches  atomic.Int32
}

// serve answers with the handler, behind logon and CSRF protection.
func serve(t *testing.T, handler http.HandlerFunc) *reference {
	t.Helper()
	r := &reference{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		user, password, _ := q.BasicAuth()
		if user != "ADMIN" || password != "secret" {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.mu.Lock()
		if strings.EqualFold(q.Header.Get("X-CSRF-Token"), "Fetch") {
			r.fetches.Add(1)
			r.sessions++
			r.csrf = fmt.Sprintf("%032x", r.sessions)
			w.Header().Set("X-CSRF-Token", r.csrf)
			http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: r.csrf, Path: "/api", Secure: true, HttpOnly: true})
			http.SetCookie(w, &http.Cookie{Name: "JTENANTSESSIONID_kn0", Value: "x", Secure: true})
		}
		csrf := r.csrf
		r.mu.Unlock()
		if q.Method != http.MethodGet {
			cookie, err := q.Cookie("JSESSIONID")
			if err != nil || cookie.Value != csrf || csrf == "" || q.Header.Get("X-CSRF-Token") != csrf {
				w.Header().Set("X-CSRF-Token", "Required")
				w.WriteHeader(http.StatusForbidden)
				return
			}
		}
		if q.URL.Path == "/api/v1/" {
			answer(w, `{"d":{"EntitySets":["CertificateUserMappings"]}}`)
			return
		}
		handler(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

func answer(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	_, _ = io.WriteString(w, text)
}

func to(t *testing.T, server *httptest.Server) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{
		URL: server.URL + "/itspaces/shell", Trusted: []*x509.Certificate{server.Certificate()}, Timeout: waitLimit,
		Credentials: client.Credentials{User: "ADMIN", Password: "secret"},
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

const recorded = `{"__metadata":{"id":"x","uri":"x","type":"com.sap.hci.api.CertificateUserMapping"},
 "Id":"0123456789abcdef0123456789abcdef","User":"WAREHOUSE","Certificate":%q,"LastModifiedBy":"ADMIN","LastModifiedTime":"/Date(1620000000000+0060)/",
 "CreatedBy":"ADMIN","CreatedTime":"/Date(1610000000000)/","ValidUntil":%s}`

func TestMappingAsRecorded(t *testing.T) {
	t.Parallel()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("der")})
	certificate := base64.StdEncoding.EncodeToString(text)
	s := serve(t, func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"d":`+recorded+`}`, certificate, "null") // ValidUntil may be null in a POST answer [C]
			return
		}
		answer(w, fmt.Sprintf(`{"d":{"results":[`+recorded+`,`+recorded+`,`+recorded+`]}}`, certificate, `"1700000000000"`, "", "null", base64.StdEncoding.EncodeToString([]byte("der")), "1700000000000"))
	})
	c := to(t, s.Server)
	made, err := c.Map(t.Context(), []byte("der"), "WAREHOUSE")
	require.NoError(t, err)
	assert.True(t, made.ValidUntil.IsZero())
	list, err := c.Mappings(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, list, 3)
	assert.Equal(t, client.Mapping{
		ID: "0123456789abcdef0123456789abcdef", User: "WAREHOUSE", Certificate: []byte("der"), CreatedBy: "ADMIN", LastModifiedBy: "ADMIN",
		Created: time.UnixMilli(1610000000000).UTC(), LastModified: time.UnixMilli(1620000000000).UTC(), ValidUntil: time.UnixMilli(1700000000000).UTC(),
	}, list[0])
	assert.Nil(t, list[1].Certificate)
	assert.Equal(t, []byte("der"), list[2].Certificate, "without PEM around it")
	assert.Equal(t, list[0].ValidUntil, list[2].ValidUntil, "a number is understood too")
}

func TestCSRF(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, q *http.Request) { w.WriteHeader(http.StatusNoContent) })
	c := to(t, s.Server)
	require.NoError(t, c.Unmap(t.Context(), "a"))
	require.NoError(t, c.Unmap(t.Context(), "b"))
	assert.EqualValues(t, 1, s.fetches.Load(), "one token serves a session")

	s.mu.Lock()
	s.csrf = "" // the session has ended
	s.mu.Unlock()
	require.NoError(t, c.Unmap(t.Context(), "c"), "it is fetched again")
	assert.EqualValues(t, 2, s.fetches.Load())

	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { assert.NoError(t, c.Unmap(t.Context(), "d")) })
	}
	group.Wait()
	assert.EqualValues(t, 2, s.fetches.Load())
}

func TestForbiddenIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := serve(t, func(w http.ResponseWriter, q *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusForbidden)
	})
	require.ErrorIs(t, to(t, s.Server).Unmap(t.Context(), "a"), client.ErrForbidden)
	assert.EqualValues(t, 1, calls.Load())
}

func TestPages(t *testing.T) {
	t.Parallel()
	var address string
	page := func(id, next string) string {
		if next != "" {
			next = fmt.Sprintf(`,"__next":%q`, next)
		}
		return fmt.Sprintf(`{"d":{"results":[{"Id":%q}]%s}}`, id, next)
	}
	s := serve(t, func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Query().Get("$skiptoken") {
		case "":
			answer(w, page("first", address+"/api/v1/CertificateUserMappings?$skiptoken=1"))
		case "1":
			answer(w, page("second", "/api/v1/CertificateUserMappings?%24skiptoken=2"))
		default:
			answer(w, page("third", ""))
		}
	})
	address = s.URL
	list, err := to(t, s.Server).Mappings(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, list, 3)
	assert.Equal(t, "third", list[2].ID)

	for _, next := range []string{"https://evil.example/api/v1/X", "/other/X", "%zz", "/api/v1/CertificateUserMappings?for=ever"} {
		s := serve(t, func(w http.ResponseWriter, q *http.Request) { answer(w, page("a", next)) })
		_, err := to(t, s.Server).Mappings(t.Context(), "")
		require.ErrorContains(t, err, "which cannot be", next)
	}
}

func TestErrorsInEveryShape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status        int
		kind, body    string
		code, message string
	}{
		"JSON":        {404, "application/json", `{"error":{"code":"Not Found","message":{"lang":"en","value":"Requested entity could not be found."}}}`, "Not Found", "Requested entity could not be found."},
		"plain JSON":  {400, "application/json", `{"error":{"code":"X","message":"said plainly"}}`, "X", "said plainly"},
		"Atom":        {400, "application/xml", `<?xml version="1.0"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><code>Bad Request</code><message xml:lang="en">no such option</message></error>`, "Bad Request", "no such option"},
		"OAuth":       {401, "application/json", `{"error":"invalid_client","error_description":"no"}`, "invalid_client", "invalid_client no"},
		"page":        {503, "text/html", `<html><title>Service unavailable</title>`, "", ""},
		"text":        {500, "text/plain", "went wrong\x1b[2J", "", "went wrong [2J"},
		"entity bomb": {500, "application/xml", `<!DOCTYPE e [<!ENTITY a "aaa">]><error><code>&a;</code></error>`, "", ""},
		"endless":     {500, "text/plain", strings.Repeat("x", 1<<20), "", strings.Repeat("x", 2000)},
	} {
		s := serve(t, func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		_, err := to(t, s.Server).Mapping(t.Context(), "a'b/c")
		var refused *client.Error
		require.ErrorAs(t, err, &refused, name)
		assert.Equal(t, c.status, refused.Status, name)
		assert.Equal(t, c.code, refused.Code, name)
		assert.Equal(t, c.message, refused.Message, name)
		assert.Equal(t, "/api/v1/CertificateUserMappings('a''b/c')", refused.Path, name)
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := to(t, s.Server).Mappings(t.Context(), "")
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	require.ErrorIs(t, err, client.ErrTooMany)
	assert.Equal(t, 17*time.Second, refused.RetryAfter)
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, body, want string }{
		"logon page": {"text/html;charset=utf-8", "<html>log on</html>", "the answer is a page for people and no data: is the URL that of the management node"},
		"Atom":       {"application/atom+xml", "<feed/>", `found an answer of type "application/atom+xml", expected JSON`},
		"broken":     {"application/json", `{"d":`, "the answer is not what it should be"},
		"no list":    {"application/json", `{"d":{"a":1}}`, "the answer holds no list"},
		"no d":       {"application/json", `{}`, "the answer holds no list"},
		"bad time":   {"application/json", `{"d":{"results":[{"CreatedTime":"yesterday"}]}}`, "the answer"},
		"bad number": {"application/json", `{"d":{"results":[{"ValidUntil":"soon"}]}}`, "the answer"},
	} {
		s := serve(t, func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			_, _ = io.WriteString(w, c.body)
		})
		_, err := to(t, s.Server).Mappings(t.Context(), "")
		assert.ErrorContains(t, err, c.want, name)
		assert.ErrorContains(t, err, "listing the mappings: ", name)
	}
	s := serve(t, func(w http.ResponseWriter, q *http.Request) { answer(w, `{"d":[{"Id":"a"}]}`) })
	list, err := to(t, s.Server).Mappings(t.Context(), "")
	require.NoError(t, err, "a bare list, as services of OData 1 write it")
	assert.Len(t, list, 1)
}

// The password goes to no other server.
func TestRedirectionIsNotFollowed(t *testing.T) {
	t.Parallel()
	var stolen atomic.Bool
	thief := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Store(true) }))
	t.Cleanup(thief.Close)
	s := serve(t, func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, thief.URL, http.StatusFound) })
	_, err := to(t, s.Server).Mappings(t.Context(), "")
	require.ErrorContains(t, err, "HTTP 302")
	assert.False(t, stolen.Load())
}

func TestLogOfAHostileServer(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "a line\n")
	require.NoError(t, z.Close())
	body := packed.Bytes()
	s := serve(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/gzip")
		_, _ = w.Write(body)
	})
	c := to(t, s.Server)
	read := func() (string, error) {
		r, err := c.OpenLogFile(t.Context(), client.LogFile{Name: "x", Application: "y"})
		if err != nil {
			return "", err
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		return string(data), err
	}
	text, err := read()
	require.NoError(t, err)
	assert.Equal(t, "a line\n", text)
	body = body[:len(body)-3]
	_, err = read()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "a log that is cut off is not taken for a whole one")
	body = []byte("a line\n")
	text, err = read()
	require.NoError(t, err)
	assert.Equal(t, "a line\n", text, "a server that does not pack it is understood")
	body = []byte{0x1f, 0x8b, 0, 0}
	_, err = read()
	require.Error(t, err)
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c := to(t, s.Server)
	s.Close()
	_, err := c.EntitySets(t.Context())
	var away *client.UnreachableError
	require.ErrorAs(t, err, &away)
	assert.NotContains(t, err.Error(), "secret")

	other := serve(t, nil)
	c, err = client.New(client.Config{URL: other.URL, Credentials: client.Credentials{User: "ADMIN", Password: "secret"}, Timeout: waitLimit})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.EntitySets(t.Context())
	require.ErrorAs(t, err, &away)
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown, "a server that is not trusted gets no password")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = to(t, other.Server).EntitySets(ctx)
	require.True(t, errors.Is(err, context.Canceled), err)
}

func TestWaitDeployed(t *testing.T) {
	t.Parallel()
	statuses := make(chan string, 3)
	s := serve(t, func(w http.ResponseWriter, q *http.Request) {
		answer(w, fmt.Sprintf(`{"d":{"TaskId":"t","Status":%q}}`, <-statuses))
	})
	c := to(t, s.Server)
	statuses <- client.Deploying
	statuses <- client.Success
	require.NoError(t, c.WaitDeployed(t.Context(), "t", time.Millisecond))
	statuses <- client.Fail
	require.ErrorContains(t, c.WaitDeployed(t.Context(), "t", time.Millisecond), "ended with status FAIL")
	ctx, cancel := context.WithCancel(t.Context())
	statuses <- client.Deploying
	done := make(chan error, 1)
	go func() { done <- c.WaitDeployed(ctx, "t", time.Hour) }()
	require.Eventually(t, func() bool { return len(statuses) == 0 }, waitLimit, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// A token is kept until shortly before its end.
func TestTokens(t *testing.T) {
	t.Parallel()
	var fetched atomic.Int32
	current := atomic.Value{}
	current.Store("")
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/oauth2/api/v1/token" {
			id, secret, _ := q.BasicAuth()
			if id != "id" || secret != "hidden" || q.Method != http.MethodPost || q.URL.Query().Get("grant_type") != "client_credentials" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			current.Store(fmt.Sprintf("token%d", fetched.Add(1)))
			answer(w, fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":1500,"scopes":[]}`, current.Load()))
			return
		}
		if q.Header.Get("Authorization") != "Bearer "+current.Load().(string) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, `{"d":{"EntitySets":[]}}`)
	}))
	t.Cleanup(s.Close)
	var now atomic.Int64
	c, err := client.New(client.Config{
		URL: s.URL, Trusted: []*x509.Certificate{s.Certificate()}, Timeout: waitLimit,
		Credentials: client.Credentials{ClientID: "id", ClientSecret: "hidden"}, Now: func() time.Time { return time.Unix(now.Load(), 0) },
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	for i, want := range []int32{1, 1, 2, 3} {
		if i == 2 {
			now.Add(1480)
		}
		if i == 3 {
			current.Store("revoked")
		}
		_, err := c.EntitySets(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, fetched.Load(), i)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	admin := client.Credentials{User: "ADMIN", Password: "secret"}
	for text, want := range map[string]string{
		"":                           `found "", expected the URL of the management node`,
		"e100999-tmn.example":        "expected the URL of the management node",
		"http://e100999-tmn.example": `found the scheme "http", expected https`,
		"https://ADMIN:secret@host":  "the URL holds a user or password",
		"https://a b":                "expected the URL",
		"//ADMIN:secret@ho st":       "expected the URL",
	} {
		_, err := client.New(client.Config{URL: text, Credentials: admin})
		require.ErrorContains(t, err, want, text)
		assert.NotContains(t, err.Error(), "secret")
	}
	_, err := client.New(client.Config{URL: "https://host"})
	require.ErrorContains(t, err, "neither a user nor an OAuth client is named")
	_, err = client.New(client.Config{URL: "https://host", Credentials: client.Credentials{ClientID: "a", TokenURL: "http://x"}})
	require.ErrorContains(t, err, "the token URL")
	_, err = client.NewPlatform(client.PlatformConfig{Config: client.Config{URL: "https://host"}})
	require.ErrorContains(t, err, "the platform API needs an account")
	for _, c := range []client.Credentials{admin, {ClientID: "id", ClientSecret: "secret"}} {
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", c, c, c, c), "secret")
	}
}
