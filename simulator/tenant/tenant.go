// Package tenant holds what is configured in a tenant: certificate-to-user mappings, users,
// groups, roles, OAuth clients and the sender channels of deployed integration flows.
//
// Config is the plain description, which can be changed; Snapshot is the immutable form in which a
// call looks things up; Tenant joins the two and swaps one snapshot for the next, whole or not at
// all. The package answers questions ("which user is this certificate?", "has the user the
// role?", "which channel serves this path?") and decides nothing about a call: that is for the
// runtime node. It reads no files and no requests, and keeps everything in memory.
//
// Statements about the real system carry a mark: [C] confirmed by a source, [I] inferred, [X]
// sources conflict, [?] not known and therefore a choice made here.
package tenant

import (
	"bytes"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Tenant is a tenant that runs. It is safe for use by many goroutines; reading takes no lock.
type Tenant struct {
	now    func() time.Time
	tokens [sha256.Size]byte

	snapshot atomic.Pointer[Snapshot]

	mu     sync.Mutex // guards what follows, and the order of snapshots
	config Config
	// designed holds changed channels that are not deployed yet, by the key of the runtime
	// version.
	designed map[string]Channel
	running  []deployment
}

// New makes a tenant of a configuration, which is copied. now nil is time.Now. The error is a
// *ProblemsError that names everything that is wrong.
func New(c Config, now func() time.Time) (*Tenant, error) {
	if now == nil {
		now = time.Now
	}
	t := &Tenant{now: now, designed: make(map[string]Channel)}
	cryptorand.Read(t.tokens[:]) // never fails
	if err := accept(c); err != nil {
		return nil, err
	}
	t.config = c.clone()
	t.publish()
	return t, nil
}

func accept(c Config) error {
	if problems := c.Validate(); len(problems) > 0 {
		return &ProblemsError{Problems: problems}
	}
	return nil
}

// publish makes the configuration visible. The caller holds the lock, or is alone.
func (t *Tenant) publish() {
	t.snapshot.Store(newSnapshot(t.config.withDefaults(), t.tokens, t.running))
}

// Snapshot is what is configured now.
func (t *Tenant) Snapshot() *Snapshot { return t.snapshot.Load() }

// Config returns a copy of the configuration, as it was given: defaults are not filled in.
func (t *Tenant) Config() Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.config.clone()
}

// Update changes the configuration: all of the change takes effect at once, or nothing of it if
// the function returns an error or the result is not valid. The function gets a copy of its own
// and must not call the tenant. Changed channels take effect immediately, without the
// downtime of a deployment; see Design and Deploy for that.
func (t *Tenant) Update(change func(*Config) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := t.config.clone()
	if err := change(&next); err != nil {
		return fmt.Errorf("changing the tenant's configuration: %w", err)
	}
	if err := accept(next); err != nil {
		return err
	}
	t.config = next.clone() // the function may have kept what it was given
	t.forgetRemoved()
	t.publish()
	return nil
}

// forgetRemoved drops designed versions and running deployments of channels that are gone.
func (t *Tenant) forgetRemoved() {
	there := make(map[string]bool, len(t.config.Channels))
	for _, c := range t.config.Channels {
		there[c.key()] = true
	}
	for k := range t.designed {
		if !there[k] {
			delete(t.designed, k)
		}
	}
	t.running = slices.DeleteFunc(t.running, func(d deployment) bool { return !there[d.address] })
}

// MapCertificate maps a certificate, given as its DER, to a user. One that is mapped already only
// changes its user, as when a mapping is posted again. [C: management interface of the tenant]
func (t *Tenant) MapCertificate(certificate []byte, user string) error {
	return t.Update(func(c *Config) error {
		for i, m := range c.Mappings {
			if bytes.Equal(m.Certificate, certificate) {
				c.Mappings[i].User = user
				return nil
			}
		}
		c.Mappings = append(c.Mappings, Mapping{Certificate: certificate, User: user})
		return nil
	})
}

// Unmap removes the mapping of a certificate and tells whether there was one.
func (t *Tenant) Unmap(certificate []byte) (removed bool) {
	// Removing cannot make a valid configuration invalid.
	_ = t.Update(func(c *Config) error {
		before := len(c.Mappings)
		c.Mappings = slices.DeleteFunc(c.Mappings, func(m Mapping) bool { return bytes.Equal(m.Certificate, certificate) })
		removed = len(c.Mappings) < before
		return nil
	})
	return removed
}

// Assign gives a role. An assignment that exists already is not made twice.
func (t *Tenant) Assign(a Assignment) error {
	return t.Update(func(c *Config) error {
		if !slices.ContainsFunc(c.Roles, func(b Assignment) bool { return c.same(a, b) }) {
			c.Roles = append(c.Roles, a)
		}
		return nil
	})
}

// Unassign takes a role away again and tells whether it had been given.
func (t *Tenant) Unassign(a Assignment) (removed bool) {
	_ = t.Update(func(c *Config) error {
		before := len(c.Roles)
		c.Roles = slices.DeleteFunc(c.Roles, func(b Assignment) bool { return c.same(a, b) })
		removed = len(c.Roles) < before
		return nil
	})
	return removed
}

// same tells whether two assignments mean the same.
func (c *Config) same(a, b Assignment) bool {
	application := func(name string) string {
		if name == "" {
			return c.withDefaults().Application
		}
		return name
	}
	return a.User == b.User && strings.EqualFold(a.Group, b.Group) && a.Role == b.Role &&
		application(a.Application) == application(b.Application)
}

// CheckClient tells whether the OAuth client exists and this is its secret.
func (t *Tenant) CheckClient(id, secret string) bool {
	key, known := t.Snapshot().clients[id]
	given := newTokenKey(t.tokens, Client{ID: id, Secret: secret})
	return known && subtle.ConstantTimeCompare(key[:], given[:]) == 1
}
