package tenant

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func cachingTenant(t *testing.T, on bool, now *time.Time) *Tenant {
	t.Helper()
	tn, err := New(Config{RoleCache: on}, func() time.Time { return *now })
	require.NoError(t, err)
	return tn
}

// More than 20 requests of one user within 2 minutes cache its roles for 5 minutes.
func TestRoleCache(t *testing.T) {
	send := Assignment{User: "A", Role: DefaultRole}
	for _, row := range []struct {
		name     string
		on       bool
		requests int
		every    time.Duration
		cached   bool
	}{
		{"more than 20 within 2 minutes", true, 21, 6 * time.Second, true},
		{"20 only", true, 20, time.Second, false},
		{"more than 20, too slowly", true, 60, 6*time.Second + time.Millisecond, false},
		{"off", false, 1000, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			now := noon
			tn := cachingTenant(t, row.on, &now)
			for i := range row.requests {
				if i > 0 {
					now = now.Add(row.every)
				}
				assert.Equal(t, RoleAnswer{}, tn.Snapshot().Role("A", DefaultRole), "request %d", i+1)
			}
			require.NoError(t, tn.Assign(send))
			assert.Equal(t, RoleAnswer{Has: !row.cached, Cached: row.cached}, tn.Snapshot().Role("A", DefaultRole))
			assert.True(t, tn.Snapshot().RoleOn(DefaultAccount+"iflmap", "A", DefaultRole).Has, "the interfaces see the assignment at once")
			assert.False(t, tn.Snapshot().Role("B", DefaultRole).Cached, "another user")
			if !row.cached {
				return
			}
			now = now.Add(RoleCacheLifetime - time.Millisecond)
			assert.Equal(t, RoleAnswer{Cached: true}, tn.Snapshot().Role("A", DefaultRole))
			now = now.Add(time.Millisecond)
			assert.Equal(t, RoleAnswer{Has: true}, tn.Snapshot().Role("A", DefaultRole))
		})
	}
}

func TestARoleTakenAwayStaysCachedToo(t *testing.T) {
	now := noon
	tn := cachingTenant(t, true, &now)
	require.NoError(t, tn.Assign(Assignment{User: "A", Role: DefaultRole}))
	for range RoleCacheRequests + 1 {
		require.True(t, tn.Snapshot().Role("A", DefaultRole).Has)
	}
	require.True(t, tn.Unassign(Assignment{User: "A", Role: DefaultRole}))
	assert.Equal(t, RoleAnswer{Has: true, Cached: true}, tn.Snapshot().Role("A", DefaultRole))
	now = now.Add(-time.Hour)
	assert.Equal(t, RoleAnswer{}, tn.Snapshot().Role("A", DefaultRole), "a clock that is set back ends the cache")
	now = now.Add(time.Hour)
	assert.Equal(t, RoleAnswer{}, tn.Snapshot().Role("A", DefaultRole), "for good")
}

func TestTheRoleCacheIsBounded(t *testing.T) {
	now := noon
	tn := cachingTenant(t, true, &now)
	for i := range maxCachedUsers + 10 {
		tn.Snapshot().Role(fmt.Sprint(i), DefaultRole)
	}
	assert.Len(t, tn.cache.users, maxCachedUsers)
	assert.Equal(t, RoleAnswer{}, tn.Snapshot().Role("one more", DefaultRole), "what has no place comes from no cache")
	now = now.Add(RoleCacheWindow + time.Second)
	tn.Snapshot().Role("new", DefaultRole)
	assert.Len(t, tn.cache.users, 1, "those that send no more are forgotten")
}

func TestTheRoleCacheIsSafeForManyGoroutines(t *testing.T) {
	now := noon
	tn := cachingTenant(t, true, &now)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 200 {
				tn.Snapshot().Role(fmt.Sprint(i%7), DefaultRole)
			}
		})
	}
	group.Wait()
	assert.True(t, tn.Snapshot().Role("3", DefaultRole).Cached)
}

// At the very end of the window a user is still remembered, a moment later no more.
func TestWhenAUserIsForgotten(t *testing.T) {
	for age, left := range map[time.Duration]int{RoleCacheWindow: 1, RoleCacheWindow + 1: 0} {
		c := &roleCache{users: map[string]*cachedUser{"a": {next: 1}}}
		c.users["a"].requests[0] = noon
		assert.Equal(t, left == 0, c.forget(noon.Add(age)))
		assert.Len(t, c.users, left)
	}
	for next := range RoleCacheRequests { // wherever in the ring the last request stands
		u := &cachedUser{next: next}
		u.requests[(next+RoleCacheRequests-1)%RoleCacheRequests] = noon
		c := &roleCache{users: map[string]*cachedUser{"a": u}}
		assert.False(t, c.forget(noon.Add(RoleCacheWindow)))
	}
	name, ok := authGroup("authgroup.administrator")
	assert.True(t, ok)
	assert.Equal(t, "AuthGroup.Administrator", name)
	for _, other := range []string{"", "AuthGroup", "AuthGroup.", "AuthGroup.X", "XuthGroup.Administrator"} {
		_, ok := authGroup(other)
		assert.False(t, ok, other)
	}
}
