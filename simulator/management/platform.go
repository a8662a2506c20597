package management

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/simulator/logon"
	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

const (
	// DefaultPlatformRequests is how many requests of the platform API are taken within ratePeriod. [C]
	DefaultPlatformRequests = 100
	// MaxPlatformRequests is the most that Config.PlatformRequests may be: the time of each is kept.
	MaxPlatformRequests = 100_000
	ratePeriod          = time.Minute
	// maxPlatformBody bounds a body, in bytes, and maxNames the names in it.
	maxPlatformBody = 1 << 20
	maxNames        = 10_000
)

// platform is what the platform API remembers: when its last requests came.
type platform struct {
	mu    sync.Mutex
	times []time.Time // of the last requests, at most as many as are taken
}

// take counts a request, and tells how long to wait if it is one too many. A clock that was moved
// back begins anew.
func (p *platform) take(now time.Time, limit int) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.times = slices.DeleteFunc(p.times, func(t time.Time) bool { return now.Sub(t) >= ratePeriod || t.After(now) })
	if len(p.times) >= limit {
		return ratePeriod - now.Sub(p.times[0]), false
	}
	p.times = append(p.times, now)
	return 0, true
}

// platformCall is one call of the platform API.
type platformCall struct {
	server   *Server
	http     *http.Request
	w        http.ResponseWriter
	snapshot *tenant.Snapshot
	query    url.Values
	// app is the application of the path, if it names one.
	app string
}

// operation is one call of the platform API: it returns what is answered, nil for nothing.
type operation struct {
	// change tells which scope it needs.
	change bool
	// needs and takes name the query parameters that it must and may have.
	needs, takes []string
	do           func(*platformCall) (status int, answer any, err *odata.Error)
}

// operations by method and path behind the account; {app} is an application. [C: those of the
// reference; writing groups, their users and roles: I, SAP-docs/btp-neo-environment]
var operations = map[string]operation{
	"GET apps/{app}/roles":          {takes: []string{"providerAccount"}, do: getAppRoles},
	"POST apps/{app}/roles":         {change: true, takes: []string{"providerAccount"}, do: postAppRoles},
	"DELETE apps/{app}/roles":       {change: true, needs: []string{"roles"}, takes: []string{"providerAccount"}, do: deleteAppRoles},
	"GET apps/{app}/roles/users":    {needs: []string{"roleName"}, takes: []string{"providerAccount"}, do: getRoleUsers},
	"PUT apps/{app}/roles/users":    {change: true, needs: []string{"roleName"}, takes: []string{"providerAccount"}, do: putRoleUsers},
	"DELETE apps/{app}/roles/users": {change: true, needs: []string{"roleName", "users"}, takes: []string{"providerAccount"}, do: deleteRoleUsers},
	"GET users/roles":               {needs: []string{"userId"}, do: getUserRoles},
	"DELETE users/roles":            {change: true, needs: []string{"userId", "roles"}, do: deleteUserRoles},
	"GET users/groups":              {needs: []string{"userId"}, do: getUserGroups},
	"GET groups":                    {do: getGroups},
	"POST groups":                   {change: true, do: postGroups},
	"DELETE groups":                 {change: true, needs: []string{"groups"}, do: deleteGroups},
	"GET groups/roles":              {needs: []string{"groupName"}, do: getGroupRoles},
	"PUT groups/roles":              {change: true, needs: []string{"groupName"}, do: putGroupRoles},
	"DELETE groups/roles":           {change: true, needs: []string{"groupName", "roles"}, do: deleteGroupRoles},
	"GET groups/users":              {needs: []string{"groupName"}, do: getGroupUsers},
	"PUT groups/users":              {change: true, needs: []string{"groupName"}, do: putGroupUsers},
	"DELETE groups/users":           {change: true, needs: []string{"groupName", "users"}, do: deleteGroupUsers},
}

// servePlatform answers a call of the platform API; path is what follows its root.
func (s *Server) servePlatform(w http.ResponseWriter, r *http.Request, path string) {
	c := &platformCall{server: s, http: r, w: w, snapshot: s.config.Tenant.Snapshot()}
	status, answer, err := c.answer(path)
	if err != nil {
		if err.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		if len(err.Allow) > 0 {
			w.Header().Set("Allow", strings.Join(err.Allow, ", "))
		}
		s.respond(w, r, odata.ErrorAnswer(err, odata.JSON))
		return
	}
	if answer == nil {
		s.respond(w, r, odata.Answer{Status: status})
		return
	}
	s.json(w, r, status, answer)
}

func (c *platformCall) answer(path string) (status int, answer any, err *odata.Error) {
	s, r := c.server, c.http
	client, scopes, err := c.client()
	if err != nil {
		s.audit("", "log on", r.URL.Path, err, "")
		return 0, nil, err
	}
	user := tenant.ClientUserPrefix + client
	if wait, ok := s.platform.take(s.config.Now(), s.config.PlatformRequests); !ok {
		c.w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
		return 0, nil, odata.Errorf(http.StatusTooManyRequests, "More than %d requests came within a minute.", s.config.PlatformRequests)
	}
	op, err := c.find(path)
	if err != nil {
		return 0, nil, err
	}
	needs := tenant.ScopeRead
	if op.change {
		needs = tenant.ScopeManage
	}
	if !slices.Contains(scopes, needs) {
		err = odata.Errorf(http.StatusForbidden, "The client lacks the scope %s.", needs)
	}
	if err == nil {
		err = c.readQuery(op)
	}
	if err == nil {
		status, answer, err = op.do(c)
	}
	if op.change || err != nil && err.Status == http.StatusForbidden {
		s.audit(user, action(r.Method), strings.TrimSuffix(path+"?"+r.URL.RawQuery, "?"), err, "")
	}
	return status, answer, err
}

// client finds out which client of the platform API calls.
func (c *platformCall) client() (id string, scopes []string, err *odata.Error) {
	given := logon.ReadCredentials(c.http.Header["Authorization"])
	if given.Scheme != logon.Bearer {
		return "", nil, unauthorized("The platform API takes a bearer token of " + rootPlatformToken + " only.")
	}
	id, ok := c.snapshot.Token(given.Token, c.server.config.Now())
	if scopes = c.snapshot.ClientScopes(id); !ok || len(scopes) == 0 {
		return "", nil, unauthorized("The token was not issued by the platform API, has expired, or its client is gone.")
	}
	return id, scopes, nil
}

// find finds the operation of a path: accounts/<account>/….
func (c *platformCall) find(path string) (operation, *odata.Error) {
	nothing := odata.Errorf(http.StatusNotFound, "The platform API has nothing at this path.")
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, segment := range segments {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			return operation{}, nothing
		}
		segments[i] = decoded
	}
	if len(segments) < 3 || segments[0] != "accounts" {
		return operation{}, nothing
	}
	if account := c.snapshot.Account(); segments[1] != account {
		return operation{}, odata.Errorf(http.StatusNotFound, "There is no account %q, only %s.", clip(segments[1]), account)
	}
	segments = segments[2:]
	if segments[0] == "apps" && len(segments) > 1 {
		c.app = segments[1]
		segments[1] = "{app}"
		if !slices.Contains(c.applications(), c.app) {
			return operation{}, odata.Errorf(http.StatusNotFound, "The account has no application %q, only %s.", clip(c.app), strings.Join(c.applications(), ", "))
		}
	}
	name := strings.Join(segments, "/")
	if op, ok := operations[c.http.Method+" "+name]; ok {
		return op, nil
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if _, ok := operations[method+" "+name]; ok {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		return operation{}, nothing
	}
	return operation{}, notAllowed(c.http.Method, allowed...)
}

// readQuery reads the parameters: those that the operation needs have to be there, and others than
// it takes are an error.
func (c *platformCall) readQuery(op operation) (err *odata.Error) {
	if c.query, err = values(c.http.URL.RawQuery); err != nil {
		return err
	}
	for name := range c.query {
		if !slices.Contains(op.needs, name) && !slices.Contains(op.takes, name) {
			return odata.Errorf(http.StatusBadRequest, "The parameter %q is not known here.", clip(name))
		}
	}
	for _, name := range op.needs {
		if c.query.Get(name) == "" {
			return odata.Errorf(http.StatusBadRequest, "The parameter %q is missing.", name)
		}
	}
	// The account that provides the applications is the tenant's own here. [?]
	if p := c.query.Get("providerAccount"); p != "" && p != c.snapshot.Account() {
		return odata.Errorf(http.StatusNotFound, "The account %q provides no application here, only %s does.", clip(p), c.snapshot.Account())
	}
	return nil
}

// named is an item of the lists that are sent and answered.
type named struct {
	Name string `json:"name"`
}

// sent reads the names in a body: {"users":[{"name":"…"}]}.
func (c *platformCall) sent(list string) ([]string, *odata.Error) {
	items, err := readItems[named](c, list)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = item.Name
	}
	return out, c.checkNames(list, out)
}

func (c *platformCall) checkNames(list string, names []string) *odata.Error {
	for _, name := range names {
		if name == "" || len(name) > maxName {
			return odata.Errorf(http.StatusBadRequest, "Found the name %q in %q, expected one of 1 to %d bytes.", clip(name), list, maxName)
		}
	}
	return nil
}

func readItems[T any](c *platformCall, list string) ([]T, *odata.Error) {
	data, err := readBody(c.w, c.http, maxPlatformBody)
	if err != nil {
		return nil, err
	}
	var body map[string][]T
	in := json.NewDecoder(strings.NewReader(string(data)))
	in.DisallowUnknownFields()
	if in.Decode(&body) != nil || in.More() || len(body) != 1 || len(body[list]) == 0 {
		return nil, odata.Errorf(http.StatusBadRequest, `The body is not as expected: {%q:[{"name":"…"}]}.`, list)
	}
	if len(body[list]) > maxNames {
		return nil, odata.Errorf(http.StatusBadRequest, "The body names more than %d.", maxNames)
	}
	return body[list], nil
}

// listed reads names that are separated by semicolons in a query parameter.
func (c *platformCall) listed(name string) ([]string, *odata.Error) {
	names := strings.Split(strings.TrimSuffix(c.query.Get(name), ";"), ";")
	return names, c.checkNames(name, names)
}

// answerNames makes an answer of names: {"users":[{"name":"…"}]}.
func answerNames(list string, names []string) any {
	items := make([]named, len(names))
	for i, name := range names {
		items[i].Name = name
	}
	return map[string][]named{list: items}
}

// update changes the tenant's configuration.
func (c *platformCall) update(doing string, change func(*tenant.Config)) *odata.Error {
	return c.server.update(doing, change)
}

func (s *Server) update(doing string, change func(*tenant.Config)) *odata.Error {
	err := s.config.Tenant.Update(func(config *tenant.Config) error {
		change(config)
		return nil
	})
	if err != nil {
		return s.refused(doing, err)
	}
	return nil
}
