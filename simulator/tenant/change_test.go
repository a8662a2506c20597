package tenant

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Another application of the worker node: what was given on the old one by name has no effect any
// more, and what was given without a name moves along, also to the members of groups.
func TestAnotherApplicationMovesRoles(t *testing.T) {
	tn := newTenant(t, Config{
		Groups: []Group{{Name: "Senders", Users: []string{"alice"}}},
		Roles: []Assignment{
			{Group: "Senders", Role: DefaultRole}, {User: "bob", Role: DefaultRole},
			{User: "carol", Role: DefaultRole, Application: "e100999iflmap"}, {User: "dave", Role: DefaultRole, Application: "e100999hcioem"},
		},
	})
	has := func() map[string]bool {
		out := map[string]bool{}
		for _, user := range []string{"alice", "bob", "carol", "dave"} {
			out[user] = tn.Snapshot().Role(user, DefaultRole).Has
		}
		return out
	}
	require.Equal(t, map[string]bool{"alice": true, "bob": true, "carol": true, "dave": false}, has())
	require.NoError(t, tn.Update(func(c *Config) error { c.Application = "e100999hcioem"; return nil }))
	require.Equal(t, map[string]bool{"alice": true, "bob": true, "carol": false, "dave": true}, has())
	assert.Equal(t, []string{"e100999iflmap"}, tn.Snapshot().Role("carol", DefaultRole).ElsewhereOn)
	assert.Empty(t, tn.Snapshot().Role("alice", DefaultRole).ElsewhereOn)
}

// A change that fails leaves no trace in what later changes are worked out from.
func TestAFailedChangeOfRolesIsForgotten(t *testing.T) {
	tn, f := onFailing(t, Config{Roles: []Assignment{{User: "alice", Role: "A"}, {User: "alice", Role: "B"}, {User: "alice", Role: "C"}}})
	f.err = errors.New("the disk is full")
	_, err := tn.UnassignAll(Assignment{User: "alice", Role: "A"}, Assignment{User: "alice", Role: "B"})
	require.ErrorIs(t, err, f.err)
	require.ErrorIs(t, tn.Assign(Assignment{User: "alice", Role: "X"}), f.err)
	f.err = nil
	require.NoError(t, tn.Assign(Assignment{User: "alice", Role: "D"}))
	for _, role := range []string{"A", "B", "C", "D"} {
		assert.True(t, tn.Snapshot().Role("alice", role).Has, role)
	}
	assert.False(t, tn.Snapshot().Role("alice", "X").Has)
}

func TestTheAuthorizationGroupIsNamedAfterOtherRoles(t *testing.T) {
	tn := newTenant(t, Config{Roles: []Assignment{{User: "alice", Role: "Custom"}, {User: "alice", Role: "AuthGroup.Administrator"}, {User: "bob", Role: "Custom"}}})
	assert.Equal(t, "AuthGroup.Administrator", tn.Snapshot().Role("alice", DefaultRole).AuthGroup)
	assert.Empty(t, tn.Snapshot().Role("bob", DefaultRole).AuthGroup)
}

func TestMappingsAreEqualInEverything(t *testing.T) {
	m := Mapping{Certificate: der(1), User: "a", CreatedBy: "b", LastModifiedBy: "c", Created: noon, LastModified: noon}
	assert.True(t, m.equal(m.clone()))
	assert.True(t, m.equal(Mapping{der(1), "a", "b", "c", noon.In(time.FixedZone("", 3600)), noon}), "the same moment elsewhere")
	for _, change := range []func(*Mapping){
		func(m *Mapping) { m.Certificate = der(2) }, func(m *Mapping) { m.User = "x" },
		func(m *Mapping) { m.CreatedBy = "x" }, func(m *Mapping) { m.LastModifiedBy = "x" },
		func(m *Mapping) { m.Created = noon.Add(1) }, func(m *Mapping) { m.LastModified = noon.Add(1) },
	} {
		other := m.clone()
		change(&other)
		assert.False(t, m.equal(other))
		assert.False(t, other.equal(m))
	}
}

// What a seed keeps beside the configuration is there at the next start, and nothing else is.
func TestWhatASeedKeeps(t *testing.T) {
	store := NewMemory()
	start := func(want, keep map[string][]byte) *Tenant {
		tn, err := OpenWith(t.Context(), store, func(before map[string][]byte) (Config, map[string][]byte, error) {
			assert.Equal(t, want, before)
			return good(), keep, nil
		}, at(noon))
		require.NoError(t, err)
		return tn
	}
	assert.False(t, start(map[string][]byte{}, map[string][]byte{"b": {2}, "a": {1}}).Restored())
	assert.True(t, start(map[string][]byte{"a": {1}, "b": {2}}, map[string][]byte{"c": {3}}).Restored())
	start(map[string][]byte{"c": {3}}, nil)
	start(map[string][]byte{}, nil)
	failed := errors.New("no seed")
	_, err := OpenWith(t.Context(), store, func(map[string][]byte) (Config, map[string][]byte, error) { return Config{}, nil, failed }, at(noon))
	require.ErrorIs(t, err, failed)
}

// stuck is a store that cannot be closed.
type stuck struct {
	Memory
	closed int
}

func (s *stuck) Close() error { s.closed++; return context.Canceled }

func TestClosingAStoreFails(t *testing.T) {
	s := &stuck{Memory: *NewMemory()} //nolint:govet // the lock is not in use yet
	tn, err := Open(t.Context(), s, good(), at(noon))
	require.NoError(t, err)
	require.ErrorIs(t, tn.Close(), context.Canceled)
	require.NoError(t, tn.Close(), "closed already")
	assert.Equal(t, 1, s.closed)
}

func TestTableRowsThatCannotBeRead(t *testing.T) {
	cert := named(t, name("sender"), name("ca"))
	right := DNPairOf(cert)
	assert.True(t, right.Matches(cert.RawSubject, cert.RawIssuer))
	for _, wrong := range []DNPair{{Subject: "sender", Issuer: right.Issuer}, {Subject: right.Subject, Issuer: "ca"}, {Subject: right.Issuer, Issuer: right.Subject}, {}} {
		assert.False(t, wrong.Matches(cert.RawSubject, cert.RawIssuer), wrong)
		assert.False(t, wrong.Matches(nil, nil), wrong)
	}
	assert.False(t, right.Matches([]byte{1}, cert.RawIssuer))
	assert.False(t, right.Matches(cert.RawSubject, []byte{1}))
}

func TestLettersOfAnAddress(t *testing.T) {
	for _, address := range []string{"/http/azAZ09_/~-.$x", "/HTTP/x", "/cxf/azAZ09"} {
		assert.Equal(t, address == "/HTTP/x", checkAddress(address, "") != "", address)
	}
	for _, r := range "@[`{:#%&+,;=!'()\"\\|^<> é" {
		assert.NotEmpty(t, checkAddress("/http/a"+string(r), ""), "%q", r)
	}
	c := Config{Channels: []Channel{{Address: "/http/*"}, {Address: "/http/a/*"}, {Address: "/http/a/b"}}}
	assert.Len(t, c.Validate(), 2, "what two stars cover is told once")
}
