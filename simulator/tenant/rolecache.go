package tenant

import (
	"sync"
	"time"
)

// The role cache of the real tenant: more than 20 requests of one user within 2 minutes cache its
// roles for 5 minutes [C: platform API documentation].
const (
	RoleCacheRequests = 20
	RoleCacheWindow   = 2 * time.Minute
	RoleCacheLifetime = 5 * time.Minute
)

// maxCachedUsers bounds the role cache: users that come when it is full, and nobody in it can be
// forgotten, are not cached.
const maxCachedUsers = 10_000

// roleCache remembers the roles of users that send much. It is shared by all snapshots of a tenant
// and safe for use by many goroutines.
type roleCache struct {
	now func() time.Time

	mu    sync.Mutex
	users map[string]*cachedUser
}

// cachedUser is a user with the times of the newest requests, as a ring.
type cachedUser struct {
	requests [RoleCacheRequests]time.Time
	next     int
	count    int

	roles *person // what was cached, if until is not zero
	until time.Time
}

// request counts a request of the user, whose roles are now those given, and returns the roles that
// count for it.
func (c *roleCache) request(user string, present *person) (roles *person, cached bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.users[user]
	if u == nil {
		if c.users == nil {
			c.users = make(map[string]*cachedUser)
		}
		if len(c.users) >= maxCachedUsers && !c.forget(now) {
			return present, false
		}
		u = &cachedUser{}
		c.users[user] = u
	}
	if !u.until.IsZero() {
		// A clock that was set back ends the cache too.
		if now.Before(u.until) && u.until.Sub(now) <= RoleCacheLifetime {
			return u.roles, true
		}
		*u = cachedUser{}
	}
	oldest := u.requests[u.next]
	full := u.count == RoleCacheRequests
	u.requests[u.next] = now
	u.next = (u.next + 1) % RoleCacheRequests
	u.count = min(u.count+1, RoleCacheRequests)
	if age := now.Sub(oldest); full && age >= 0 && age <= RoleCacheWindow {
		u.roles, u.until = present, now.Add(RoleCacheLifetime)
	}
	return present, false
}

// forget removes users that need not be remembered any more and tells whether there were any.
func (c *roleCache) forget(now time.Time) bool {
	before := len(c.users)
	for name, u := range c.users {
		last := u.requests[(u.next+RoleCacheRequests-1)%RoleCacheRequests]
		if !now.Before(u.until) && now.Sub(last) > RoleCacheWindow {
			delete(c.users, name)
		}
	}
	return len(c.users) < before
}
