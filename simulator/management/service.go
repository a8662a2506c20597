package management

import (
	"net/http"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// The bodies that are taken, in bytes. [?] Choices: a mapping's certificate may have 2,095,152
// bytes of Base64 [C]; a flow is sent as Base64 too.
const (
	maxBody     = 4 << 20
	maxFlowBody = 90 << 20
)

// resource is what can be done with an entity set. What is nil is not allowed there.
type resource struct {
	typ *odata.EntityType
	// read and change are the tasks that reading and changing need.
	read, change task
	// custom names the query options without a dollar sign of the set, contentCustom those of
	// $value.
	custom, contentCustom []string
	// list returns all entities.
	list func(*request) ([]any, *odata.Error)
	// get returns the entity with a key. Default: it is looked for in the list.
	get func(*request, odata.Key) (any, *odata.Error)
	// listless: the set has entities, but cannot be listed.
	listless bool

	create func(*request, odata.Body) (odata.Answer, *odata.Error)
	update func(*request, any, odata.Body) (odata.Answer, *odata.Error)
	remove func(*request, any) (odata.Answer, *odata.Error)
	// link changes what the navigation of an entity leads to.
	link map[string]func(*request, any, odata.Key, []byte) (odata.Answer, *odata.Error)
	// content writes the content of a media entity.
	content func(*request, any) *odata.Error
	// bodyLimit bounds a body, in bytes. Default: maxBody.
	bodyLimit int64
}

// request is one call of the OData interface.
type request struct {
	server   *Server
	w        http.ResponseWriter
	http     *http.Request
	method   string
	snapshot *tenant.Snapshot
	user     string
	path     odata.Resource
	service  odata.Service
	// content is true once the content of a media entity is on its way: then there is no other
	// answer.
	content bool
}

// serveOData answers a call below /api/v1; path is what follows that.
func (s *Server) serveOData(w http.ResponseWriter, r *http.Request, path string) {
	q := &request{server: s, w: w, http: r, method: method(r), snapshot: s.config.Tenant.Snapshot()}
	format, err := odata.Negotiate(formatOption(r.URL.RawQuery), r.Header["Accept"])
	q.service = odata.Service{Model: s.model, Base: s.base(r), Format: format, Now: s.config.Now()}
	w.Header().Set("DataServiceVersion", "2.0")
	var a odata.Answer
	if err == nil {
		a, err = q.answer(path)
	}
	if q.content {
		return
	}
	if err != nil {
		if err.Status == http.StatusUnauthorized {
			challenge(w)
		}
		if len(err.Allow) > 0 {
			w.Header().Set("Allow", strings.Join(err.Allow, ", "))
		}
		a = odata.ErrorAnswer(err, format)
	}
	s.respond(w, r, a)
}

// method is the method of a request. Clients behind old proxies send POST and the real one in
// X-HTTP-Method [I: Olingo], which counts, so that nothing is done that was not meant.
func method(r *http.Request) string {
	if r.Method != http.MethodPost {
		return r.Method
	}
	for _, name := range []string{"X-HTTP-Method", "X-HTTP-Method-Override"} {
		if other := r.Header.Get(name); other != "" {
			return strings.ToUpper(other)
		}
	}
	return r.Method
}

func reading(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// formatOption is $format as far as it can be read; what is wrong with the query is told later.
func formatOption(query string) string {
	pairs, err := odata.Pairs(query)
	if err != nil {
		return ""
	}
	for _, p := range pairs {
		if p[0] == "$format" {
			return p[1]
		}
	}
	return ""
}

// base is the service root as the client calls it. A host without a port gets the real one [C:
// answers name :443].
func (s *Server) base(r *http.Request) string {
	host := r.Host
	plain := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(".-:[]", c))
	}
	if host == "" || len(host) > 255 || strings.ContainsFunc(host, plain) {
		host = s.config.ManagementHost
	}
	if !strings.Contains(strings.TrimPrefix(host[strings.LastIndexByte(host, ']')+1:], "]"), ":") {
		host += ":443"
	}
	return "https://" + host + rootOData + "/"
}

// answer goes through logon, CSRF, path, rights and options, in this order, and then does what is
// asked.
func (q *request) answer(path string) (odata.Answer, *odata.Error) {
	s, account := q.server, q.snapshot.Account()
	user, tried, err := s.caller(q.http, q.snapshot)
	if err != nil {
		s.audit(tried, "log on", q.object(path), err, "")
		return odata.Answer{}, err
	}
	q.user = user
	change := !reading(q.method)
	if !change {
		s.fetchToken(q.w, q.http, user, account)
	} else if err := s.checkToken(q.w, q.http, user, account); err != nil {
		s.audit(user, action(q.method), q.object(path), err, "")
		return odata.Answer{}, err
	}
	a, err := q.dispatch(path, change)
	// Reading leaves no entry, unless rights were lacking.
	if change || err != nil && err.Status == http.StatusForbidden {
		s.audit(user, action(q.method), q.object(path), err, "")
	}
	return a, err
}

// object names what a call is about, for the audit log: the path, and parameters of functions.
func (q *request) object(path string) string {
	if path == "" {
		return rootOData
	}
	if q.http.URL.RawQuery != "" && !reading(q.method) {
		return path + "?" + q.http.URL.RawQuery
	}
	return path
}

// action is a method in words.
func action(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead:
		return "read"
	case http.MethodPost:
		return "create"
	case http.MethodPut, "MERGE", http.MethodPatch:
		return "update"
	case http.MethodDelete:
		return "delete"
	}
	return "call"
}

func (q *request) dispatch(path string, change bool) (odata.Answer, *odata.Error) {
	r, err := q.server.model.ParsePath(path)
	if err != nil {
		return odata.Answer{}, err
	}
	q.path = r
	if r.Function != nil {
		return q.function(r.Function)
	}
	var set *resource
	var custom []string
	if r.Set.Name != "" {
		set = q.server.sets[r.Set.Name]
		needs := set.read
		if change {
			needs = set.change
		}
		if needs.roles != nil {
			if err := allow(q.snapshot, q.user, needs); err != nil {
				return odata.Answer{}, err
			}
		}
		custom = set.custom
		if r.Ending == odata.Content {
			custom = set.contentCustom
		}
	}
	options, err := odata.ParseOptions(q.http.URL.RawQuery, r, change, custom)
	if err != nil {
		return odata.Answer{}, err
	}
	q.service.Options = options
	switch {
	case set == nil && change:
		return odata.Answer{}, notAllowed(q.method, http.MethodGet, http.MethodHead)
	case r.Root:
		return q.service.Document(), nil
	case r.Metadata:
		return q.service.Metadata(), nil
	case change:
		return q.change(set)
	}
	return q.read(set)
}

func notAllowed(method string, allowed ...string) *odata.Error {
	e := odata.Errorf(http.StatusMethodNotAllowed, "The method %q is not allowed here; allowed are %s.", method, strings.Join(allowed, ", "))
	e.Allow = allowed
	return e
}

// read answers GET and HEAD.
func (q *request) read(set *resource) (odata.Answer, *odata.Error) {
	r := q.path
	if !r.HasKey {
		if set.listless {
			return odata.Answer{}, odata.Errorf(http.StatusNotImplemented, "%s cannot be listed: give the key of an entity.", r.Set.Name)
		}
		entities, err := set.list(q)
		if err != nil {
			return odata.Answer{}, err
		}
		return q.collection(set.typ, entities)
	}
	entity, err := set.find(q, r.Key)
	if err != nil {
		return odata.Answer{}, err
	}
	typ := set.typ
	for _, step := range r.Steps {
		entities := step.Navigation.Get(entity)
		if r.Ending == odata.Links {
			return q.service.Links(step.Navigation, entities), nil
		}
		typ = step.Navigation.To
		if step.Navigation.Many && !step.HasKey {
			return q.collection(typ, entities)
		}
		var ok bool
		if step.HasKey {
			entity, ok = typ.Find(entities, step.Key)
		} else if ok = len(entities) > 0; ok {
			entity = entities[0]
		}
		if !ok {
			return odata.Answer{}, odata.NotFound()
		}
	}
	switch {
	case r.Property != nil && r.Ending == odata.Content:
		return odata.Value(r.Property, entity)
	case r.Property != nil:
		return q.service.Property(r.Property, entity), nil
	case r.Ending == odata.Content:
		return odata.Answer{}, q.server.contentOf(typ)(q, entity)
	}
	return q.service.Entity(http.StatusOK, typ, entity), nil
}

// collection answers with entities, or their number.
func (q *request) collection(t *odata.EntityType, entities []any) (odata.Answer, *odata.Error) {
	page, count := q.service.Options.Apply(entities)
	if q.path.Ending == odata.Count {
		return odata.Number(len(page)), nil
	}
	return q.service.Entities(t, page, count), nil
}

// find returns the entity with the key.
func (set *resource) find(q *request, key odata.Key) (any, *odata.Error) {
	if set.get != nil {
		return set.get(q, key)
	}
	entities, err := set.list(q)
	if err != nil {
		return nil, err
	}
	entity, ok := set.typ.Find(entities, key)
	if !ok {
		return nil, odata.NotFound()
	}
	return entity, nil
}

// contentOf finds who writes the content of entities of a type.
func (s *Server) contentOf(t *odata.EntityType) func(*request, any) *odata.Error {
	return s.sets[t.Set].content
}

// change answers the methods that change something.
func (q *request) change(set *resource) (odata.Answer, *odata.Error) {
	r := q.path
	whole := r.Ending == odata.Whole && r.Property == nil && len(r.Steps) == 0
	var allowed []string
	if !set.listless || r.HasKey || r.Ending != odata.Whole {
		allowed = []string{http.MethodGet, http.MethodHead}
	}
	offer := func(method string, yes bool) {
		if yes {
			allowed = append(allowed, method)
		}
	}
	link := q.linkChange(set)
	offer(http.MethodPost, whole && !r.HasKey && set.create != nil)
	offer(http.MethodPut, whole && r.HasKey && set.update != nil || link != nil)
	offer(http.MethodDelete, whole && r.HasKey && set.remove != nil)
	if !slices.Contains(allowed, q.method) {
		return odata.Answer{}, notAllowed(q.method, allowed...)
	}
	limit := set.bodyLimit
	if limit == 0 {
		limit = maxBody
	}
	data, err := readBody(q.w, q.http, limit)
	if err != nil {
		return odata.Answer{}, err
	}
	if q.method == http.MethodPost {
		body, err := odata.ReadBody(data, q.http.Header.Get("Content-Type"), set.typ)
		if err != nil {
			return odata.Answer{}, err
		}
		return set.create(q, body)
	}
	entity, err := set.find(q, r.Key)
	if err != nil {
		return odata.Answer{}, err
	}
	switch {
	case link != nil:
		return link(q, entity, r.Steps[0].Key, data)
	case q.method == http.MethodDelete:
		return set.remove(q, entity)
	}
	body, err := odata.ReadBody(data, q.http.Header.Get("Content-Type"), set.typ)
	if err != nil {
		return odata.Answer{}, err
	}
	return set.update(q, entity, body)
}

// linkChange finds who changes a link of the path, if it is one.
func (q *request) linkChange(set *resource) func(*request, any, odata.Key, []byte) (odata.Answer, *odata.Error) {
	r := q.path
	if r.Ending != odata.Links || len(r.Steps) != 1 || !r.Steps[0].HasKey {
		return nil
	}
	return set.link[r.Steps[0].Navigation.Name]
}

// status is an answer without content.
func status(code int) odata.Answer { return odata.Answer{Status: code} }

// required returns a property that a body has to have.
func required(body odata.Body, name string, limit int) (string, *odata.Error) {
	value, ok := body[name]
	switch {
	case !ok || value == "":
		return "", odata.Errorf(http.StatusBadRequest, "The property %q is missing.", name)
	case len(value) > limit:
		return "", odata.Errorf(http.StatusBadRequest, "The property %q has %d bytes, expected %d at most.", name, len(value), limit)
	}
	return value, nil
}

// refused is the answer when the tenant does not accept a change: what is wrong with it, or that
// the store has failed.
func (s *Server) refused(doing string, err error) *odata.Error {
	if problems := tenant.Problems(err); problems != nil {
		var texts []string
		for _, p := range problems[:min(len(problems), 5)] {
			texts = append(texts, p.String())
		}
		return odata.Errorf(http.StatusBadRequest, "%s: %s.", doing, strings.Join(texts, "; "))
	}
	s.log.Error("a change through the management interface failed", "doing", doing, "error", err)
	return odata.Errorf(http.StatusInternalServerError, "%s failed: the simulator could not keep the change.", doing)
}
