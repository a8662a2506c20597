package management

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/management/odata"
)

// Landscape is what is around a tenant, as far as Gatehouse's own interface shows and changes it.
// It is safe for use by many goroutines. Its errors are for the caller: they say what was found and
// what to do.
type Landscape interface {
	Facts() Facts
	Journeys() *journey.Log
	// SetClock moves the clock to a time, from which it runs on.
	SetClock(time.Time)
	// Mint makes certificates that may be issued by, or be like, those of the landscape; load reads
	// the files that the descriptions name.
	Mint(ctx context.Context, descriptions []pki.Description, load func(string) ([]byte, error)) ([]*pki.Certificate, error)
	// SetTrust replaces the trust list of a host by named certificates.
	SetTrust(host string, names ...string) error
	// SetNode switches a runtime node, counted from 1, up or down.
	SetNode(number int, up bool) error
}

// Facts are what a client has to know of a landscape to call it.
type Facts struct {
	Account        string `json:"account"`
	Application    string `json:"application"`
	Host           string `json:"host"`
	ManagementHost string `json:"managementHost"`
	// CallAddress is what the load balancer listens on.
	CallAddress string `json:"callAddress"`
	// Root is the root certificate above the load balancer's, as PEM.
	Root         string    `json:"root"`
	Clock        time.Time `json:"clock"`
	Hosts        []Host    `json:"hosts"`
	Nodes        []Node    `json:"nodes"`
	Certificates []string  `json:"certificates"`
	// Features are what a suite can do on the landscape.
	Features []string `json:"features"`
}

// Host is a host of the load balancer.
type Host struct {
	Name string `json:"name"`
	// Mode is request, require or none.
	Mode string `json:"mode"`
	// Trust names the certificates of its trust list.
	Trust []string `json:"trust"`
}

// Node is a runtime node.
type Node struct {
	Number int    `json:"number"`
	ID     string `json:"id"`
	Up     bool   `json:"up"`
}

// notice stands in every answer of the interface.
const notice = "This is Gatehouse's own interface: no real tenant has it."

// maxOwnBody bounds a body, in bytes.
const maxOwnBody = 4 << 20

// ownCall is one call of Gatehouse's own interface.
type ownCall struct {
	server *Server
	w      http.ResponseWriter
	http   *http.Request
	user   string
	query  map[string]string
	// rest is what follows the name of the resource in the path.
	rest string
}

// ownResource says what can be done with a resource, by method. takes names its query parameters,
// rest tells that a name follows in the path.
type ownResource struct {
	takes   []string
	rest    bool
	methods map[string]func(*ownCall) (any, *odata.Error)
}

var ownResources = map[string]ownResource{
	"landscape":    {methods: methods{"GET": ownFacts}},
	"journeys":     {takes: []string{"limit", "after", "client", "request", "logged", "line", "wait"}, methods: methods{"GET": ownJourneys}},
	"diagnoses":    {rest: true, methods: methods{"GET": ownDiagnosis}},
	"clock":        {methods: methods{"GET": ownClock, "POST": ownSetClock}},
	"certificates": {methods: methods{"POST": ownMint}},
	"connectivity": {methods: methods{"POST": ownConnectivity}},
	"trust":        {methods: methods{"PUT": ownTrust}},
	"nodes":        {rest: true, methods: methods{"PUT": ownNode}},
	"audit":        {takes: []string{"limit"}, methods: methods{"GET": ownAudit}},
	"flows":        {rest: true, methods: methods{"GET": ownFlow}},
	"users":        {rest: true, methods: methods{"PUT": ownPutUser, "DELETE": ownDeleteUser}},
	"keystore":     {rest: true, methods: methods{"PUT": ownPutKeystore, "DELETE": ownDeleteKeystore}},
	"clients":      {rest: true, methods: methods{"PUT": ownPutClient, "DELETE": ownDeleteClient}},
}

type methods = map[string]func(*ownCall) (any, *odata.Error)

// crossOrigin refuses what a page of another site makes a browser send.
var crossOrigin http.CrossOriginProtection

// serveOwn answers a call of Gatehouse's own interface; path is what follows its root. Administrators
// log on with Basic or with a token; there is no CSRF token, requests of other sites are refused.
func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("X-Gatehouse-Notice", notice)
	answer, err := s.own(w, r, path)
	if err != nil {
		if err.Status == http.StatusUnauthorized {
			challenge(w)
		}
		if len(err.Allow) > 0 {
			w.Header().Set("Allow", strings.Join(err.Allow, ", "))
		}
		s.json(w, r, err.Status, map[string]any{"notice": notice, "error": err.Message})
		return
	}
	s.json(w, r, http.StatusOK, map[string]any{"notice": notice, "answer": answer})
}

func (s *Server) own(w http.ResponseWriter, r *http.Request, path string) (answer any, err *odata.Error) {
	if crossOrigin.Check(r) != nil {
		return nil, odata.Errorf(http.StatusForbidden, "A page of another site may not call this interface.")
	}
	snapshot := s.config.Tenant.Snapshot()
	user, tried, err := s.caller(r, snapshot)
	if err != nil {
		s.audit(tried, "log on", r.URL.EscapedPath(), err, "")
		return nil, err
	}
	name, rest, _ := strings.Cut(path, "/")
	resource, ok := ownResources[name]
	needs := administer
	if name == "audit" {
		needs = readAudit
	}
	err = allow(snapshot, user, needs)
	if err == nil {
		c := &ownCall{server: s, w: w, http: r, user: user, query: map[string]string{}}
		answer, err = c.answer(resource, ok, rest)
	}
	if !reading(r.Method) || err != nil && err.Status == http.StatusForbidden {
		s.audit(user, action(r.Method), r.URL.EscapedPath(), err, "")
	}
	return answer, err
}

func (c *ownCall) answer(resource ownResource, known bool, rest string) (any, *odata.Error) {
	names := make([]string, 0, len(ownResources))
	for name := range ownResources {
		names = append(names, name)
	}
	slices.Sort(names)
	if !known || resource.rest == (rest == "") || strings.Contains(rest, "/") {
		return nil, odata.Errorf(http.StatusNotFound, "Nothing is at this path: below %s there are %s; diagnoses, nodes, flows, users and clients are followed by a name.", rootOwn, strings.Join(names, ", "))
	}
	do := resource.methods[c.http.Method]
	if do == nil {
		var allowed []string
		for method := range resource.methods {
			allowed = append(allowed, method)
		}
		slices.Sort(allowed)
		return nil, notAllowed(c.http.Method, allowed...)
	}
	query, err := values(c.http.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	for name := range query {
		if !slices.Contains(resource.takes, name) {
			return nil, odata.Errorf(http.StatusBadRequest, "The parameter %q is not known here.", clip(name))
		}
		c.query[name] = query.Get(name)
	}
	if c.rest, err = unescape(rest); err != nil {
		return nil, err
	}
	return do(c)
}

// body reads the body into a value; members that it does not have are an error.
func (c *ownCall) body(into any) *odata.Error {
	data, err := readBody(c.w, c.http, maxOwnBody)
	if err != nil {
		return err
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if problem := in.Decode(into); problem != nil {
		return odata.Errorf(http.StatusBadRequest, "The body is not as expected: %s.", clip(problem.Error()))
	}
	if in.More() {
		return odata.Errorf(http.StatusBadRequest, "Something is behind the JSON in the body.")
	}
	return nil
}

// landscape is what is around the tenant.
func (c *ownCall) landscape() (Landscape, *odata.Error) {
	if c.server.config.Landscape == nil {
		return nil, odata.Errorf(http.StatusNotImplemented, "There is no landscape around this tenant.")
	}
	return c.server.config.Landscape, nil
}

func ownFacts(c *ownCall) (any, *odata.Error) {
	l, err := c.landscape()
	if err != nil {
		return nil, err
	}
	return l.Facts(), nil
}
