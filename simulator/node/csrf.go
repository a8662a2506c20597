package node

import (
	"container/list"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// DefaultSessions is how many CSRF sessions a node keeps if nothing else is said. [?] A choice.
const DefaultSessions = 10_000

const (
	// sessionIdle is how long an unused session lasts. [I] Tomcat's default.
	sessionIdle = 30 * time.Minute
	// sessionCookie is the cookie of a session [I: Tomcat].
	sessionCookie = "JSESSIONID"
	// csrfHeader carries the word Fetch or a token, and in answers a token or the word Required.
	csrfHeader   = "X-CSRF-Token"
	csrfFetch    = "Fetch"
	csrfRequired = "Required"
)

// csrf checks the token of a call to a protected channel, after the channel's authorization. [C:
// SAP-docs/btp-integration-suite, docs/ci; "Required": I, Tomcat; that the role is checked first,
// and that a session belongs to the principal that opened it: ?]
//
//   - GET and HEAD with "X-CSRF-Token: Fetch" get a token, and the message is not processed.
//   - Methods that change nothing need no token.
//   - All others need the token of the session in their cookie; sessions are known to one node.
func (c *call) csrf(so permission, channel tenant.Channel) permission {
	r := c.request
	sent := r.Header.Get(csrfHeader)
	ids := make([]string, 0, 1)
	for _, cookie := range r.CookiesNamed(sessionCookie) {
		ids = append(ids, cookie.Value)
	}
	now := c.node.config.Now()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if strings.EqualFold(sent, csrfFetch) {
			return c.fetchToken(ids, channel, now)
		}
		fallthrough
	case http.MethodOptions, http.MethodTrace:
		so.stop.Decided += fmt.Sprintf("; %s needs no CSRF token", r.Method)
		return so
	}
	var problem string
	switch {
	case sent == "":
		problem = "none was sent"
	case strings.EqualFold(sent, csrfFetch):
		problem = "a token is fetched by GET or HEAD only"
	case len(ids) == 0:
		problem = "a token was sent without the session's cookie"
	case !c.node.sessions.valid(ids, c.user, sent, now):
		problem = "the token is not that of a session which this node knows"
	default:
		so.stop.Decided += "; the CSRF token is valid"
		return so
	}
	p := refusePermission(journey.CSRFTokenMissing, fmt.Sprintf("channel %q demands a CSRF token of %s: %s", channel.Address, clip(r.Method), problem))
	p.traces = []string{fmt.Sprintf("Forbidden. Channel %q demands a CSRF token of %s by user %q: %s.", channel.Address, clip(r.Method), clip(c.user), problem)}
	p.header = []headerField{{csrfHeader, csrfRequired}}
	return p
}

func (c *call) fetchToken(ids []string, channel tenant.Channel, now time.Time) permission {
	token, known := c.node.sessions.token(ids, c.user, now)
	p := permission{stop: journey.Stop{Station: journey.Authorization, Verdict: journey.Answered, Reason: journey.CSRFTokenFetched,
		Decided: fmt.Sprintf("user %q fetched a CSRF token for channel %q; the message was not processed", clip(c.user), channel.Address)}}
	if !known {
		var id string
		id, token = c.node.randomHex(), c.node.randomHex()
		c.node.sessions.open(id, c.user, token, now)
		cookie := http.Cookie{Name: sessionCookie, Value: id, Path: "/", Secure: true, HttpOnly: true}
		p.header = append(p.header, headerField{"Set-Cookie", cookie.String()})
	}
	p.header = append(p.header, headerField{csrfHeader, token})
	return p
}

// randomHex is 16 random bytes in upper-case hex, the look of Tomcat's session ids.
func (n *Node) randomHex() string {
	var raw [16]byte
	n.read(raw[:])
	return strings.ToUpper(hex.EncodeToString(raw[:]))
}

// sessions are the CSRF sessions of one node, bounded in number and time.
type sessions struct {
	mu   sync.Mutex
	most int
	byID map[string]*list.Element
	used list.List // of *session, the one used last in front
}

type session struct {
	id, user, token string
	used            time.Time
}

func newSessions(most int) *sessions {
	if most <= 0 {
		most = DefaultSessions
	}
	return &sessions{most: most, byID: make(map[string]*list.Element)}
}

// find returns the first of the sessions that is alive and the user's, and counts as a use of it.
// The caller holds the lock.
func (s *sessions) find(ids []string, user string, now time.Time) *session {
	for _, id := range ids {
		element, ok := s.byID[id]
		if !ok {
			continue
		}
		found := element.Value.(*session)
		if now.Sub(found.used) >= sessionIdle {
			s.used.Remove(element)
			delete(s.byID, id)
			continue
		}
		if found.user == user {
			found.used = now
			s.used.MoveToFront(element)
			return found
		}
	}
	return nil
}

// token returns the token of the user's session.
func (s *sessions) token(ids []string, user string, now time.Time) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.find(ids, user, now); found != nil {
		return found.token, true
	}
	return "", false
}

// valid tells whether the token is that of the user's session.
func (s *sessions) valid(ids []string, user, token string, now time.Time) bool {
	want, ok := s.token(ids, user, now)
	return ok && subtle.ConstantTimeCompare([]byte(want), []byte(token)) == 1
}

func (s *sessions) open(id, user, token string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if twin, ok := s.byID[id]; ok { // only from a source that is not random
		s.used.Remove(twin)
		delete(s.byID, id)
	}
	for len(s.byID) >= s.most {
		oldest := s.used.Back()
		s.used.Remove(oldest)
		delete(s.byID, oldest.Value.(*session).id)
	}
	s.byID[id] = s.used.PushFront(&session{id: id, user: user, token: token, used: now})
}

func (s *sessions) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byID)
	s.used.Init()
}
