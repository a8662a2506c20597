package management

import (
	"net/http"
	"strings"

	"example.com/gatehouse/simulator/management/odata"
)

// The CSRF token and the cookies of its session. [C]
const (
	csrfHeader    = "X-CSRF-Token"
	csrfFetch     = "Fetch"
	csrfRequired  = "Required" // [I: Tomcat]
	sessionCookie = "JSESSIONID"
	tenantCookie  = "JTENANTSESSIONID_" // and the tenant's id
	cookiePath    = "/api"
)

// maxCookies bounds how many cookies of one name are looked at.
const maxCookies = 4

// tenantCookieName is the cookie that names the tenant. [C for the beginning, ? for the id: the
// account]
func tenantCookieName(account string) string { return tenantCookie + account }

// sessionIDs are the sessions that the cookies of a request may belong to: both have to be there.
func sessionIDs(r *http.Request, account string) []string {
	var ids []string
	tenants := r.CookiesNamed(tenantCookieName(account))
	for i, session := range r.CookiesNamed(sessionCookie) {
		for j, t := range tenants {
			if i < maxCookies && j < maxCookies {
				ids = append(ids, session.Value+" "+t.Value)
			}
		}
	}
	return ids
}

// fetchToken answers "X-CSRF-Token: Fetch" of a reading request: with the token of the user's
// session, or of a new one and its cookies. [C]
func (s *Server) fetchToken(w http.ResponseWriter, r *http.Request, user, account string) {
	if !strings.EqualFold(r.Header.Get(csrfHeader), csrfFetch) {
		return
	}
	now := s.config.Now()
	token, known := s.sessions.Token(sessionIDs(r, account), user, now)
	if !known {
		session, tenantSession := s.randomHex(), s.randomHex()
		token = s.randomHex()
		s.sessions.Open(session+" "+tenantSession, user, token, now)
		for _, c := range []http.Cookie{{Name: sessionCookie, Value: session}, {Name: tenantCookieName(account), Value: tenantSession}} {
			c.Path, c.Secure, c.HttpOnly = cookiePath, true, true
			http.SetCookie(w, &c)
		}
	}
	w.Header().Set(csrfHeader, token)
}

// checkToken demands token and cookies of a modifying request, however the user logged on. [C]
func (s *Server) checkToken(w http.ResponseWriter, r *http.Request, user, account string) *odata.Error {
	sent := r.Header.Get(csrfHeader)
	ids := sessionIDs(r, account)
	problem := ""
	switch {
	case sent == "" || strings.EqualFold(sent, csrfFetch):
		problem = "none was sent"
	case len(ids) == 0:
		problem = "the cookies " + sessionCookie + " and " + tenantCookieName(account) + " were not sent with it"
	case !s.sessions.Valid(ids, user, sent, s.config.Now()):
		problem = "it is not that of the session, or the session has ended"
	default:
		return nil
	}
	w.Header().Set(csrfHeader, csrfRequired)
	return odata.Errorf(http.StatusForbidden, "CSRF token validation failed: %s. Fetch one with GET %s/ and %s: %s.", problem, rootOData, csrfHeader, csrfFetch)
}
