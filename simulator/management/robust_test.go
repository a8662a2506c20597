package management_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/tenant"
)

// Whatever an administrator sends, the server answers, and with a server's error only where the
// real one does.
func FuzzServer(f *testing.F) {
	for _, seed := range [][4]string{
		{"GET", "/api/v1/CertificateUserMappings?$filter=User eq 'x'", "", "application/json"},
		{"POST", "/api/v1/CertificateUserMappings", `{"User":"a","Certificate":"YQ=="}`, "application/json"},
		{"POST", "/api/v1/UserCredentials", "<entry/>", "application/atom+xml"},
		{"PUT", "/api/v1/IntegrationDesigntimeArtifacts(Id='orders',Version='active')", `{"ArtifactContent":"UEsDBA=="}`, "application/json"},
		{"GET", "/api/v1/LogFiles(Name='a',Application='b')/$value", "", ""},
		{"POST", "/oauth2/api/v1/token?grant_type=client_credentials&client_id=robot", "", ""},
		{"PUT", "/authorization/v1/accounts/e100999/groups/users?groupName=Senders", `{"users":[{"name":"x"}]}`, "application/json"},
		{"POST", "/gatehouse/v1/clock", `{"advance":"1h"}`, "application/json"},
		{"GET", "/gatehouse/v1/flows/orders", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	config := setup(f)
	config.Roles = append(config.Roles, tenant.Assignment{User: "admin", Role: "AuthGroup.IntegrationDeveloper", Application: tmn})
	f.Fuzz(func(t *testing.T, method, target, body, contentType string) {
		one, err := tenant.New(config, nil)
		require.NoError(t, err)
		server, err := management.New(management.Config{Tenant: one})
		require.NoError(t, err)
		send := func(method, target, body string, headers http.Header) *httptest.ResponseRecorder {
			r, err := http.NewRequest(method, "http://e100999-tmn.example", strings.NewReader(body))
			if err != nil {
				return nil
			}
			if r.URL, err = r.URL.Parse(target); err != nil {
				return nil
			}
			r.Header = headers
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			return w
		}
		authorization := strings.TrimPrefix(basic("admin", secret), "Authorization: ")
		login := send("GET", "/api/v1/", "", http.Header{"Authorization": {authorization}, "X-Csrf-Token": {"Fetch"}})
		headers := http.Header{"Authorization": {authorization}, "X-Csrf-Token": {login.Header().Get("X-Csrf-Token")}, "Content-Type": {contentType}}
		for _, c := range login.Result().Cookies() {
			headers.Add("Cookie", c.Name+"="+c.Value)
		}
		w := send(method, target, body, headers)
		if w == nil {
			return
		}
		if w.Code == 500 && !strings.Contains(w.Body.String(), "No509Certificate") {
			t.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
		}
		if problems := one.Config().Validate(); len(problems) > 0 {
			t.Fatalf("%s %s left a tenant that is not valid: %v", method, target, problems)
		}
	})
}

// Many clients at once, each with its own session: nothing is lost.
func TestManyClientsAtOnce(t *testing.T) {
	f := start(t, setup(t))
	const clients, each = 8, 5
	var wait sync.WaitGroup
	for range clients {
		certificates := make([]string, each)
		for i := range certificates {
			certificates[i] = encoded(mint(t, "many"))
		}
		wait.Go(func() {
			s := f.admin()
			for _, c := range certificates {
				assert.Equal(t, 201, s.do("POST", "CertificateUserMappings", `{"User":"MANY","Certificate":"`+c+`"}`).status)
				assert.Equal(t, 200, s.do("GET", "CertificateUserMappings?$select=Id", "").status)
			}
		})
	}
	wait.Wait()
	assert.Equal(t, 1+clients*each, f.tenant.Snapshot().MappingCount())
	assert.Len(t, f.tenant.AuditLog(), clients*each)
}

func TestServerNeedsATenant(t *testing.T) {
	_, err := management.New(management.Config{})
	assert.ErrorContains(t, err, "no tenant was given")
}

// BenchmarkListMappings lists 2,000 mappings as JSON. The promise: under 20 ms.
func BenchmarkListMappings(b *testing.B) {
	config := setup(b)
	config.MappingStore = -1
	der := mint(b, "many")
	for i := range 2000 {
		// Only the bytes have to differ: those of the signature, at the end.
		one := append([]byte(nil), der...)
		one[len(one)-1], one[len(one)-2] = byte(i), byte(i>>8)
		config.Mappings = append(config.Mappings, tenant.Mapping{Certificate: one, User: "MANY"})
	}
	one, err := tenant.New(config, nil)
	require.NoError(b, err)
	server, err := management.New(management.Config{Tenant: one})
	require.NoError(b, err)
	for _, query := range []string{"", "?$select=Id,User,ValidUntil", "?$filter=User%20eq%20'MANY'"} {
		b.Run("query"+query, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest("GET", "https://tmn.example/api/v1/CertificateUserMappings"+query, nil)
				r.SetBasicAuth("admin", secret)
				r.Header.Set("Accept", "application/json")
				w := &counted{header: http.Header{}}
				server.ServeHTTP(w, r)
				if w.status != 200 {
					b.Fatal(w.status)
				}
				b.SetBytes(w.n)
			}
		})
	}
}

// counted is a client that only counts what it gets.
type counted struct {
	header http.Header
	status int
	n      int64
}

func (c *counted) Header() http.Header    { return c.header }
func (c *counted) WriteHeader(status int) { c.status = status }
func (c *counted) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
