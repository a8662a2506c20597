package logon

import (
	"container/list"
	"crypto/subtle"
	"sync"
	"time"
)

// DefaultSessions is how many CSRF sessions are kept if nothing else is said. [?] A choice.
const DefaultSessions = 10_000

// SessionIdle is how long an unused session lasts. [I] Tomcat's default.
const SessionIdle = 30 * time.Minute

// Sessions are the CSRF sessions of one server, bounded in number and time: the one unused for
// longest goes first. They are safe for use by many goroutines.
type Sessions struct {
	mu   sync.Mutex
	most int
	byID map[string]*list.Element
	used list.List // of *session, the one used last in front
}

type session struct {
	id, user, token string
	used            time.Time
}

// NewSessions keeps that many sessions at most. Default: DefaultSessions.
func NewSessions(most int) *Sessions {
	if most <= 0 {
		most = DefaultSessions
	}
	return &Sessions{most: most, byID: make(map[string]*list.Element)}
}

// find returns the first of the sessions that is alive and the user's, and counts as a use of it.
// The caller holds the lock.
func (s *Sessions) find(ids []string, user string, now time.Time) *session {
	for _, id := range ids {
		element, ok := s.byID[id]
		if !ok {
			continue
		}
		found := element.Value.(*session)
		if now.Sub(found.used) >= SessionIdle {
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

// Token returns the token of the first of the sessions that is alive and the user's.
func (s *Sessions) Token(ids []string, user string, now time.Time) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.find(ids, user, now); found != nil {
		return found.token, true
	}
	return "", false
}

// Valid tells whether the token is that of the user's session.
func (s *Sessions) Valid(ids []string, user, token string, now time.Time) bool {
	want, ok := s.Token(ids, user, now)
	return ok && subtle.ConstantTimeCompare([]byte(want), []byte(token)) == 1
}

// Open begins a session with its token.
func (s *Sessions) Open(id, user, token string, now time.Time) {
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

// Clear ends all sessions.
func (s *Sessions) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byID)
	s.used.Init()
}
