package management

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"example.com/gatehouse/simulator/logon"
	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// maxTokenBody bounds the body of a token request, in bytes.
const maxTokenBody = 16 << 10

// grant is a token request that was read: a client with its secret.
type grant struct{ id, secret string }

// tokenError is an error of a token service (RFC 6749, section 5.2).
type tokenError struct {
	status            int
	code, description string
}

// serveToken answers a token request. Client id and secret come with Basic, or in the body, or, as
// some clients do [C], in the query.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request, issue func(http.ResponseWriter, *http.Request, grant) *tokenError) {
	g, failed := grant{}, (*tokenError)(nil)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		failed = &tokenError{http.StatusMethodNotAllowed, "invalid_request", "A token is requested with POST."}
	} else {
		g, failed = readGrant(w, r)
	}
	if failed == nil {
		failed = issue(w, r, g)
	}
	if failed == nil {
		return
	}
	s.audit(g.id, "issue token", r.URL.Path, &odata.Error{Status: failed.status, Message: failed.description}, "")
	if failed.status == http.StatusUnauthorized {
		challenge(w)
	}
	s.json(w, r, failed.status, map[string]string{"error": failed.code, "error_description": failed.description})
}

// readGrant reads what a client sends. Credentials in two places that differ are an error.
func readGrant(w http.ResponseWriter, r *http.Request) (grant, *tokenError) {
	bad := func(description string) (grant, *tokenError) {
		return grant{}, &tokenError{http.StatusBadRequest, "invalid_request", description}
	}
	query, err := values(r.URL.RawQuery)
	if err != nil {
		return bad(err.Message)
	}
	data, err := readBody(w, r, maxTokenBody)
	if err != nil {
		return grant{}, &tokenError{err.Status, "invalid_request", err.Message}
	}
	form := url.Values{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err = values(string(data)); err != nil {
			return bad(err.Message)
		}
	}
	kind := query.Get("grant_type")
	if kind == "" {
		kind = form.Get("grant_type")
	}
	switch kind {
	case "client_credentials":
	case "":
		return bad("grant_type is missing: expected grant_type=client_credentials.")
	default:
		return grant{}, &tokenError{http.StatusBadRequest, "unsupported_grant_type", "Only client_credentials is supported."}
	}
	var found []grant
	switch given := logon.ReadCredentials(r.Header["Authorization"]); given.Scheme {
	case logon.Basic:
		found = append(found, grant{given.User, given.Password})
	case logon.None:
	default:
		return bad("The Authorization header holds no Basic credentials.")
	}
	for _, v := range []url.Values{query, form} {
		if g := (grant{v.Get("client_id"), v.Get("client_secret")}); g != (grant{}) {
			found = append(found, g)
		}
	}
	if len(found) == 0 {
		return grant{}, &tokenError{http.StatusUnauthorized, "invalid_client", "No client credentials were sent."}
	}
	for _, other := range found[1:] {
		if other != found[0] {
			return bad("Different client credentials were sent in two places.")
		}
	}
	return found[0], nil
}

// values reads a query or a form; no name may come twice.
func values(text string) (url.Values, *odata.Error) {
	pairs, err := odata.Pairs(text)
	if err != nil {
		return nil, err
	}
	out := url.Values{}
	for _, p := range pairs {
		if out.Has(p[0]) {
			return nil, odata.Errorf(http.StatusBadRequest, "The parameter %q is given more than once.", clip(p[0]))
		}
		out.Set(p[0], p[1])
	}
	return out, nil
}

// issueToken is the token service of the tenant: its tokens are for the runtime nodes and for
// OData. [C: the form of the answer]
func (s *Server) issueToken(w http.ResponseWriter, r *http.Request, g grant) *tokenError {
	return s.issue(w, r, g, false)
}

// issuePlatformToken is the token service of the platform API. [C: the form of the answer]
func (s *Server) issuePlatformToken(w http.ResponseWriter, r *http.Request, g grant) *tokenError {
	return s.issue(w, r, g, true)
}

func (s *Server) issue(w http.ResponseWriter, r *http.Request, g grant, platform bool) *tokenError {
	unknown := &tokenError{http.StatusUnauthorized, "invalid_client", "The client is not known here, or the secret is another."}
	scopes := s.config.Tenant.Snapshot().ClientScopes(g.id)
	if !s.config.Tenant.CheckClient(g.id, g.secret) || platform != (len(scopes) > 0) {
		return unknown
	}
	token, err := s.config.Tenant.IssueToken(g.id, TokenLifetime, randomReader{s})
	if err != nil { // the client is gone since
		return unknown
	}
	s.audit(tenant.ClientUserPrefix+g.id, "issue token", r.URL.Path, nil, "")
	answer := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(TokenLifetime.Seconds())}
	if platform {
		answer["scope"] = strings.Join(scopes, " ")
	} else {
		answer["scopes"] = []string{}
	}
	s.json(w, r, http.StatusOK, answer)
	return nil
}

// randomReader is the server's source of random bytes.
type randomReader struct{ s *Server }

func (r randomReader) Read(p []byte) (int, error) {
	r.s.random.Lock()
	defer r.s.random.Unlock()
	return r.s.config.Rand.Read(p)
}

// json answers with a value as JSON.
func (s *Server) json(w http.ResponseWriter, r *http.Request, status int, value any) {
	data, err := json.Marshal(value)
	if err != nil { // cannot be: only strings, numbers and lists are answered
		s.log.Error("an answer cannot be written as JSON", "path", r.URL.Path, "error", err)
		status, data = http.StatusInternalServerError, []byte("{}")
	}
	s.respond(w, r, odata.Answer{Status: status, ContentType: "application/json", Body: data})
}
