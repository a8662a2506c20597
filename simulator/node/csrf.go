package node

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

const (
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
	case !c.node.sessions.Valid(ids, c.user, sent, now):
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
	token, known := c.node.sessions.Token(ids, c.user, now)
	p := permission{stop: journey.Stop{Station: journey.Authorization, Verdict: journey.Answered, Reason: journey.CSRFTokenFetched,
		Decided: fmt.Sprintf("user %q fetched a CSRF token for channel %q; the message was not processed", clip(c.user), channel.Address)}}
	if !known {
		var id string
		id, token = c.node.randomHex(), c.node.randomHex()
		c.node.sessions.Open(id, c.user, token, now)
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
