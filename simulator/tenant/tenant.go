// Package tenant holds what is configured in a tenant: certificate-to-user mappings, users,
// groups, roles, OAuth clients and the sender channels of deployed integration flows.
//
// Config is the plain description, which can be changed; Snapshot is the immutable form in which a
// call looks things up; Tenant joins the two and swaps one snapshot for the next, whole or not at
// all. The package answers questions ("which user is this certificate?", "has the user the
// role?", "which channel serves this path?") and decides nothing about a call: that is for the
// runtime node. It reads no requests. What it holds is kept in a Store: in memory, or in a file
// (package sqlite below it).
//
// Statements about the real system carry a mark: [C] confirmed by a source, [I] inferred, [X]
// sources conflict, [?] not known and therefore a choice made here.
package tenant

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Tenant is a tenant that runs. It is safe for use by many goroutines; reading takes no lock.
type Tenant struct {
	now      func() time.Time
	cache    *roleCache
	store    Store
	restored bool

	snapshot atomic.Pointer[Snapshot]

	mu     sync.Mutex // guards what follows, and the order of snapshots
	audit  auditLog
	closed bool
}

// New makes a tenant of a configuration, which is copied; what becomes of it lasts as long as
// the tenant. now nil is time.Now.
// The error is a *ProblemsError that names everything that is wrong.
func New(c Config, now func() time.Time) (*Tenant, error) {
	return Open(context.Background(), nil, c, now)
}

// Open makes a tenant of what a store holds. If that is nothing yet, the tenant begins with a copy
// of the seed, which is saved; otherwise the seed has no effect. The tenant uses the store until it
// is closed, and closes it then; if Open fails, the store stays open. now nil is time.Now. An error
// in the seed is a *ProblemsError; anything else is the store's.
func Open(ctx context.Context, store Store, seed Config, now func() time.Time) (*Tenant, error) {
	return OpenWith(ctx, store, func(kept map[string][]byte) (Config, map[string][]byte, error) { return seed, kept, nil }, now)
}

// Seed says what a tenant begins with. It is given what was kept beside the tenant the last time, and
// returns what to keep now: certificates that were minted, for instance. The configuration counts only
// if the store holds no tenant.
type Seed func(kept map[string][]byte) (c Config, keep map[string][]byte, err error)

// OpenWith is Open for a seed that has to be made, and for a store that may be nil: what becomes of the
// tenant then lasts as long as it. An error of the seed's is returned as it is.
func OpenWith(ctx context.Context, store Store, seed Seed, now func() time.Time) (*Tenant, error) {
	if now == nil {
		now = time.Now
	}
	if store == nil {
		store = discard{}
	}
	t := &Tenant{now: now, cache: &roleCache{now: now}, store: store}
	t.snapshot.Store((&Snapshot{}).with(newDraft(contents{}), t.cache))
	d := newDraft(contents{})
	found, err := store.Load(ctx, func(r Record) error {
		if r.Kind == auditKind {
			return t.audit.load(r)
		}
		k, known := kinds[r.Kind]
		if !known {
			return fmt.Errorf("found a record of the kind %q, which is not known", r.Kind)
		}
		return k.load(d, r)
	})
	if err != nil {
		return nil, fmt.Errorf("loading the tenant's state: %w", err)
	}
	if t.restored = found; found {
		t.audit.loaded()
		if err := d.done(nil); err != nil {
			return nil, err
		}
		t.snapshot.Store(t.Snapshot().with(d, t.cache))
	}
	before := make(map[string][]byte)
	for _, e := range t.Snapshot().attachments.ordered() {
		before[e.key] = e.value.Data
	}
	c, keep, err := seed(before)
	if err != nil {
		return nil, err
	}
	d = newDraft(t.Snapshot().contents)
	if !found {
		if err := accept(c); err != nil {
			return nil, err
		}
		replaceAll(d, c)
		var key [sha256.Size]byte
		cryptorand.Read(key[:]) // never fails
		put(d, secretKind, secretKey{Key: key[:]})
	}
	var attachments []attachment
	for _, name := range slices.Sorted(maps.Keys(keep)) {
		attachments = append(attachments, attachment{name, keep[name]})
	}
	replace(d, attachmentKind, attachments)
	return t, t.commit(ctx, d)
}

// Restored tells whether the tenant began with what its store held, and not with its seed.
func (t *Tenant) Restored() bool { return t.restored }

// Close ends the tenant and closes its store. Its last snapshot can still be read; changes fail.
// It may be called more than once.
func (t *Tenant) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	if err := t.store.Close(); err != nil {
		return fmt.Errorf("closing the tenant's store: %w", err)
	}
	return nil
}

func accept(c Config) error {
	if problems := c.Validate(); len(problems) > 0 {
		return &ProblemsError{Problems: problems}
	}
	return nil
}

// errClosed is the error of changes after Close.
var errClosed = errors.New("the tenant is closed")

// commit saves what the draft changed, and only then makes it visible. The caller holds the lock, or
// is alone.
func (t *Tenant) commit(ctx context.Context, d *draft) error {
	if t.closed {
		return errClosed
	}
	var change Change
	if err := d.done(&change); err != nil {
		return err
	}
	if change.Empty() {
		return nil
	}
	if err := t.store.Save(ctx, change); err != nil {
		return fmt.Errorf("saving the tenant's state: %w", err)
	}
	t.snapshot.Store(t.Snapshot().with(d, t.cache))
	return nil
}

// change makes a change that is whole or not at all.
func (t *Tenant) change(make func(s *Snapshot, d *draft) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.Snapshot()
	d := newDraft(s.contents)
	if err := make(s, d); err != nil {
		return err
	}
	return t.commit(context.Background(), d)
}

// moment is the tenant's time as it is kept: in milliseconds, as the interfaces show it.
func (t *Tenant) moment() time.Time { return t.now().UTC().Truncate(time.Millisecond) }

// Snapshot is what is configured now.
func (t *Tenant) Snapshot() *Snapshot { return t.snapshot.Load() }

// Config returns a copy of the configuration, as it was given: defaults are not filled in.
func (t *Tenant) Config() Config { return t.Snapshot().Config() }

// Config returns a copy of the configuration, as it was given: defaults are not filled in.
func (s *Snapshot) Config() Config { return s.shared().clone() }

// shared is the configuration, of which nothing may be changed.
func (s *Snapshot) shared() Config {
	raw := s.raw()
	return Config{
		Account: raw.Account, Application: raw.Application, MappingStore: raw.MappingStore, RoleCache: raw.RoleCache,
		Mappings: s.mappings.values(), Users: s.users.values(), Credentials: s.credentials.values(),
		Clients: s.clients.values(), Groups: s.groups.values(), Roles: s.roles.values(),
		ApplicationRoles: s.applicationRoles.values(), Channels: s.channels.values(), Deployments: s.deployments.values(),
		Designs: s.designs.values(), Packages: s.packages.values(), Artifacts: s.artifacts.values(),
		WithoutDesign: s.withoutDesign.values(), Keystore: s.keystore.values(),
	}
}

// replaceAll makes the configuration the one given, which is copied.
func replaceAll(d *draft, c Config) {
	replace(d, settingsKind, []settings{c.settings()})
	replace(d, mappingKind, c.Mappings)
	replace(d, userKind, c.Users)
	replace(d, credentialKind, c.Credentials)
	replace(d, clientKind, c.Clients)
	replace(d, groupKind, c.Groups)
	replace(d, roleKind, c.Roles)
	replace(d, applicationRoleKind, c.ApplicationRoles)
	replace(d, channelKind, c.Channels)
	replace(d, deploymentKind, c.Deployments)
	replace(d, designKind, c.Designs)
	replace(d, packageKind, c.Packages)
	replace(d, artifactKind, c.Artifacts)
	replace(d, withoutDesignKind, c.WithoutDesign)
	replace(d, keystoreKind, c.Keystore)
}

// Update changes the configuration: all of the change takes effect at once, or nothing of it if
// the function returns an error or the result is not valid. The function gets a copy of its own
// and must not call the tenant. Changed channels take effect immediately, without the
// downtime of a deployment; see Design, Deploy and DeployFlow for that.
//
// Copying and checking everything takes time where very much is configured; ChangeMappings, Assign
// and the other methods for one kind of item look only at what they change.
func (t *Tenant) Update(change func(*Config) error) error {
	return t.change(func(s *Snapshot, d *draft) error {
		next := s.Config()
		if err := change(&next); err != nil {
			return fmt.Errorf("changing the tenant's configuration: %w", err)
		}
		next.forgetRemoved()
		if err := accept(next); err != nil {
			return err
		}
		replaceAll(d, next)
		for _, e := range s.restarts.ordered() {
			if !next.hasChannel(e.key) {
				remove(d, restartKind, e.key)
			}
		}
		return nil
	})
}

// Configure changes the settings MappingStore and RoleCache of the configuration alone. A mapping store
// that is too small already only refuses what would make it fuller.
func (t *Tenant) Configure(mappingStore int64, roleCache bool) error {
	return t.change(func(s *Snapshot, d *draft) error {
		next := s.raw()
		next.MappingStore, next.RoleCache = mappingStore, roleCache
		if next == s.raw() {
			return nil
		}
		put(d, settingsKind, next)
		return nil
	})
}

// Kept is what is kept beside the tenant; see Seed.
func (t *Tenant) Kept() map[string][]byte {
	out := make(map[string][]byte)
	for _, e := range t.Snapshot().attachments.ordered() {
		out[e.key] = bytes.Clone(e.value.Data)
	}
	return out
}

func (c *Config) hasChannel(key string) bool {
	return slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch.key() == key })
}

// forgetRemoved drops what is only of interest as long as a channel or flow is there.
func (c *Config) forgetRemoved() {
	c.Designs = slices.DeleteFunc(c.Designs, func(d Design) bool { return !c.hasChannel(Channel{Address: d.Address}.key()) })
	c.WithoutDesign = slices.DeleteFunc(c.WithoutDesign, func(id string) bool {
		return !slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch.flow() == id })
	})
}

// CheckClient tells whether the OAuth client exists and this is its secret.
func (t *Tenant) CheckClient(id, secret string) bool {
	s := t.Snapshot()
	key, known := s.secrets[id]
	given := newTokenKey(s.signingKey(), Client{ID: id, Secret: secret})
	return known && subtle.ConstantTimeCompare(key[:], given[:]) == 1
}
