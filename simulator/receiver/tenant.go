package receiver

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// Names that stand in logs for what only the real tenant knows.
const (
	mappedUser = "MAPPED_USER"
	sentUser   = "THE_USER_THAT_WAS_SENT"
	sentClient = "THE_CLIENT_THAT_WAS_SENT"
)

// Outcome is what the real tenant would answer and log under an assumption about what is
// configured in it.
type Outcome struct {
	// When is the assumption.
	When string `json:"when"`
	// Status is 0 if the call ends in the handshake.
	Status int `json:"status"`
	// User is the user column of the access log; "-" if nobody is recognised.
	User string `json:"user"`
	// Reason is why the call is refused; empty if it is let in.
	Reason journey.Reason `json:"reason,omitempty"`
	// AccessLog and Trace are what the runtime node writes; empty if nothing.
	AccessLog string   `json:"accessLog,omitempty"`
	Trace     []string `json:"trace,omitempty"`
	// OwnWords: the real text of a trace record is not published [?], and the one in Trace is the
	// simulator's own; its logger begins with "gatehouse.".
	OwnWords bool `json:"ownWords,omitempty"`
}

// assumption is what is taken to be configured in the tenant.
type assumption struct {
	when string
	// mapped and role: the sender's certificate is mapped to a user, and this one has the role of
	// the channel.
	mapped, role bool
	// known: the credentials that were sent are right.
	known bool
	// csrf: the channel is CSRF-protected.
	csrf bool
}

// assumptions are those that make a difference to a call. The first is the one under which the
// receiver itself answers.
func assumptions(asked request, accepted bool) []assumption {
	var out []assumption
	if accepted {
		out = []assumption{
			{when: "the certificate is mapped to a user with the channel's role", mapped: true, role: true},
			{when: "the certificate is not mapped to a user", role: true},
			{when: "the mapped user lacks the channel's role", mapped: true},
		}
		if modifies(asked.Method) && strings.HasPrefix(asked.Path, "/http/") && !asked.CSRFToken {
			out = append(out, assumption{when: "all is right, but the channel is CSRF-protected, as HTTPS channels are by default", mapped: true, role: true, csrf: true})
		}
		return out
	}
	switch asked.Credentials {
	case "":
		return []assumption{{when: "whatever is configured"}}
	case "Basic":
		return []assumption{
			{when: "the identity provider has no such user with this password"},
			{when: "the user is one of the identity provider, the password is right, and it has the channel's role", known: true, role: true},
		}
	case "Bearer":
		return []assumption{
			{when: "the token is not one of the tenant's"},
			{when: "the token is that of an OAuth client with the channel's role", known: true, role: true},
		}
	}
	return []assumption{{when: "whatever is configured"}}
}

func modifies(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// tenants makes runtime nodes for assumptions, and keeps those of calls, so that a CSRF token that
// one call has fetched is good for the next.
type tenants struct {
	now    func() time.Time
	logger *slog.Logger

	mu   sync.Mutex
	kept map[string]station
}

// station is a runtime node with its tenant.
type station struct {
	*node.Node
	tenant *tenant.Tenant
}

// token stands for the bearer token that a sender sent: right or wrong, as assumed.
func (s station) token(a assumption) string {
	if a.known {
		if token, err := s.tenant.IssueToken(sentClient, 0, nil); err == nil {
			return token
		}
	}
	return "not.valid"
}

// mostNodes bounds how many nodes are kept: each path and certificate has its own.
const mostNodes = 256

// node is the runtime node that answers calls of the certificate to the path, under an assumption.
func (t *tenants) node(a assumption, leaf []byte, path string) (station, error) {
	key := fmt.Sprintf("%v%v%v%v\x00%s\x00%s", a.mapped, a.role, a.known, a.csrf, path, leaf)
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.kept[key]; ok {
		return s, nil
	}
	c := tenant.Config{
		Users:   []tenant.User{{Name: sentUser, Password: "right"}},
		Clients: []tenant.Client{{ID: sentClient, Secret: "right"}},
	}
	if a.mapped && leaf != nil {
		c.Mappings = []tenant.Mapping{{Certificate: leaf, User: mappedUser}}
	}
	if a.role {
		for _, user := range []string{mappedUser, sentUser, tenant.ClientUserPrefix + sentClient} {
			c.Roles = append(c.Roles, tenant.Assignment{User: user, Role: tenant.DefaultRole})
		}
	}
	configured, err := withChannel(c, path, a.csrf, t.now)
	if err != nil {
		return station{}, err
	}
	n, err := node.New(node.Config{Tenant: configured, Now: t.now, Logger: t.logger})
	if err != nil {
		return station{}, err
	}
	if t.kept == nil || len(t.kept) >= mostNodes {
		t.kept = map[string]station{}
	}
	t.kept[key] = station{n, configured}
	return t.kept[key], nil
}

// withChannel makes a tenant with a channel at the path, if one can be deployed there.
func withChannel(c tenant.Config, path string, csrf bool, now func() time.Time) (*tenant.Tenant, error) {
	addresses := []string{path}
	if rest, ok := strings.CutPrefix(path, "/http/"); ok {
		first, _, _ := strings.Cut(rest, "/")
		addresses = append(addresses, "/http/"+first+"/*")
	}
	for _, address := range addresses {
		c.Channels = []tenant.Channel{{
			Address: address, Answer: tenant.OneWay,
			CSRFProtected: csrf && strings.HasPrefix(address, "/http/"),
		}}
		if t, err := tenant.New(c, now); err == nil {
			return t, nil
		}
	}
	c.Channels = nil
	return tenant.New(c, now)
}

// harmless is the request as it is shown to a node: nothing in it that is secret. Credentials are
// replaced by those that the assumption makes right or wrong, and the values of the query by stars.
func harmless(r *http.Request, a assumption, s station) *http.Request {
	out := r.Clone(r.Context())
	out.RequestURI = pathOf(r.URL)
	if query := maskedQuery(r.URL.RawQuery); query != "" {
		out.RequestURI += "?" + query
	}
	for name := range out.Header {
		if secretHeader(name) {
			out.Header.Del(name)
		}
	}
	switch scheme := schemeOf(r.Header); {
	case scheme == "Basic":
		password := "wrong"
		if a.known {
			password = "right"
		}
		out.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(sentUser+":"+password)))
	case scheme == "Bearer":
		out.Header.Set("Authorization", "Bearer "+s.token(a))
	case scheme != "":
		out.Header.Set("Authorization", scheme)
	}
	return out
}

// secretHeader tells whether a header may hold what identifies its sender. Cookies and CSRF tokens
// are not among them: they were made here.
func secretHeader(name string) bool {
	folded := strings.ToLower(name)
	return strings.Contains(folded, "authorization") || strings.Contains(folded, "api-key") || strings.Contains(folded, "apikey") || strings.Contains(folded, "password") || strings.Contains(folded, "secret")
}

// schemeOf names what kind of credentials a header has: "Basic", "Bearer", "other"; empty: none.
func schemeOf(h http.Header) string {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return ""
	}
	name, _, _ := strings.Cut(values[0], " ")
	for _, known := range []string{"Basic", "Bearer"} {
		if len(values) == 1 && strings.EqualFold(name, known) {
			return known
		}
	}
	return "other"
}

func pathOf(u *url.URL) string {
	if p := u.EscapedPath(); strings.HasPrefix(p, "/") {
		return p
	}
	return "/"
}

// maskedQuery keeps the names of a query and hides the values.
func maskedQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var out []string
	for part := range strings.SplitSeq(raw, "&") {
		if name, _, has := strings.Cut(part, "="); has {
			part = name + "=***"
		} else {
			part = "***"
		}
		out = append(out, part)
		if len(out) == 20 {
			break
		}
	}
	return strings.Join(out, "&")
}

// outcome asks a node under an assumption; nobody gets its answer.
func (t *tenants) outcome(r *http.Request, a assumption, leaf []byte) (Outcome, error) {
	path := cleaned(r.URL)
	s, err := t.node(a, leaf, path)
	if err != nil {
		return Outcome{}, err
	}
	recorder := journey.NewRecorder(journey.Journey{})
	// The call's own context may have ended; this one is over in no time.
	ctx := journey.NewContext(context.Background(), recorder)
	asked := harmless(r, a, s).WithContext(ctx)
	asked.Body, asked.ContentLength = http.NoBody, 0
	s.ServeHTTP(&discarded{header: http.Header{}}, asked)
	return outcomeOf(a.when, recorder.Journey()), nil
}

func outcomeOf(when string, j journey.Journey) Outcome {
	o := Outcome{When: when, Status: j.Status, User: j.User, AccessLog: j.AccessLog, Trace: j.Trace}
	if o.User == "" {
		o.User = "-"
	}
	for _, record := range j.Trace {
		if r, err := systemlog.ParseTraceRecord(record); err == nil && strings.HasPrefix(r.Logger, "gatehouse.") {
			o.OwnWords = true
		}
	}
	if end, ok := j.End(); ok && end.Verdict == journey.Refused {
		o.Reason = end.Reason
	}
	return o
}

// cleaned is the path as channels are compared with it, or else as it came.
func cleaned(u *url.URL) string {
	raw := pathOf(u)
	if clean, err := tenant.CleanPath(raw); err == nil {
		return clean
	}
	return raw
}

// discarded is an answer that nobody reads.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(int)             {}
func (d *discarded) Write(p []byte) (int, error) { return io.Discard.Write(p) }

// Flush is what a node calls after an answer in chunks.
func (d *discarded) Flush() {}
