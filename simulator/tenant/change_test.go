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
	first := start(map[string][]byte{}, map[string][]byte{"b": {2}, "a": {1}})
	assert.False(t, first.Restored())
	kept := first.Kept()
	assert.Equal(t, map[string][]byte{"b": {2}, "a": {1}}, kept)
	kept["a"][0] = 7
	assert.Equal(t, []byte{1}, first.Kept()["a"], "a copy was handed out")
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
	right, nameless := DNPairOf(cert), []byte{0x30, 0}
	assert.True(t, right.Matches(cert.RawSubject, cert.RawIssuer))
	for _, wrong := range []DNPair{{Subject: "sender", Issuer: right.Issuer}, {Subject: right.Subject, Issuer: "ca"}, {Subject: right.Issuer, Issuer: right.Subject}, {}} {
		assert.False(t, wrong.Matches(cert.RawSubject, cert.RawIssuer), wrong)
		assert.False(t, wrong.Matches(nil, nil), wrong)
		// A certificate without names is that of an empty row, and of none that cannot be read.
		assert.Equal(t, wrong == DNPair{}, wrong.Matches(nameless, nameless), wrong)
		assert.False(t, wrong.Matches(nameless, cert.RawIssuer), wrong)
		assert.False(t, wrong.Matches(cert.RawSubject, nameless), wrong)
		assert.False(t, wrong.Matches([]byte{1}, nameless), wrong)
		assert.False(t, wrong.Matches(nameless, []byte{1}), wrong)
	}
	row := &entry[Channel]{value: Channel{Authorization: Authorization{Table: []DNPair{{Subject: "sender", Issuer: "ca"}, right}}}}
	assert.Len(t, deploy(row).table, 1, "a row that cannot be read is none")
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

func TestNamesOfFlows(t *testing.T) {
	for address, want := range map[string]string{
		"/http/orders": "orders", "/http/a/b/": "a_b", "/http/all/*": "all", "/http/*": "flow", "/gw/odata/SAP/ORDERS": "SAP_ORDERS", "orders/new": "orders_new", "": "flow",
	} {
		assert.Equal(t, want, flowName(address), address)
	}
	assert.NotContains(t, checkAddress("orders", ""), "did you mean")
	assert.Contains(t, checkAddress("/orders", ""), `did you mean "/http/orders"?`)
	assert.Equal(t, "azmü", lowerASCII("AZmü"))
	assert.Equal(t, "a@[`{", lowerASCII("A@[`{"))
	assert.Equal(t, "zz", lowerASCII("ZZ"))
}

// What is wrong with an artifact is told when it is uploaded, apart from its channels.
func TestAnArtifactIsCheckedWhenItIsUploaded(t *testing.T) {
	tn := newTenant(t, Config{Packages: []Package{{ID: "Shop"}}, Channels: []Channel{{Address: "/http/orders", Flow: "Orders"}}})
	require.ErrorContains(t, tn.PutArtifact("alice", Artifact{ID: "A", Package: "None"}), `there is no package "None"`)
	require.ErrorContains(t, tn.PutArtifact("alice", Artifact{}), "expected a name")
	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "A", Package: "Shop"}), "the good twin")
	assert.Len(t, tn.Snapshot().Packages(), 2, "the other flow is in the landscape's own")

	listed := newTenant(t, Config{Packages: []Package{{ID: LandscapePackage, Name: "given"}}, Channels: []Channel{{Address: "/http/orders"}}})
	assert.Equal(t, []Package{{ID: LandscapePackage, Name: "given"}}, listed.Snapshot().Packages(), "it stands there once")
	assert.Empty(t, newTenant(t, Config{}).Snapshot().Packages())
}

// The designtime version of a flow that is deployed, or is not, is removed once.
func TestRemovingADesigntimeVersion(t *testing.T) {
	tn, f := onFailing(t, Config{Channels: []Channel{{Address: "/http/a", Flow: "A"}, {Address: "/http/b", Flow: "B"}}})
	require.NoError(t, tn.PutArtifact("x", Artifact{ID: "C"}))
	for _, id := range []string{"A", "C"} {
		removed, err := tn.RemoveArtifact("x", id)
		require.NoError(t, err)
		assert.True(t, removed, id)
	}
	assert.Equal(t, []string{"A"}, tn.Config().WithoutDesign, "C is nowhere any more")
	left := tn.Snapshot().Artifacts()
	require.Len(t, left, 1)
	assert.Equal(t, "B", left[0].ID)
	saved := len(f.changes)
	for _, id := range []string{"A", "C", "none"} {
		removed, err := tn.RemoveArtifact("x", id)
		require.NoError(t, err)
		assert.False(t, removed, id)
	}
	assert.Len(t, f.changes, saved, "nothing is written")
}

// With its channels a flow goes, and so does what is known of its designtime version.
func TestRemovedChannelsAreForgotten(t *testing.T) {
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/a", Flow: "A"}, {Address: "/http/b", Flow: "B"}, {Address: "/http/c", Flow: "C"}}})
	for _, id := range []string{"A", "B"} {
		_, err := tn.RemoveArtifact("x", id)
		require.NoError(t, err)
	}
	require.NoError(t, tn.Update(func(c *Config) error { c.Channels = c.Channels[1:]; return nil }))
	assert.Equal(t, []string{"B"}, tn.Config().WithoutDesign)
}

// Of a flow that is undeployed only the designtime version is left, untouched if it was uploaded.
func TestWhatUndeployingWrites(t *testing.T) {
	tn, f := onFailing(t, Config{})
	require.NoError(t, tn.PutArtifact("x", Artifact{ID: "A", Channels: []Channel{{Address: "/http/a"}}}))
	_, err := tn.DeployFlow("x", "A", 0)
	require.NoError(t, err)
	f.changes = nil
	removed, err := tn.Undeploy("x", "A")
	require.NoError(t, err)
	assert.True(t, removed)
	assert.Empty(t, tn.Config().Deployments)
	assert.Empty(t, tn.Snapshot().Runtime())
	require.Len(t, f.changes, 1)
	assert.Empty(t, f.changes[0].Put)
}

func TestUndeployingWhatIsNotThere(t *testing.T) {
	tn, f := onFailing(t, good())
	before := tn.Snapshot()
	removed, err := tn.Undeploy("x", "none")
	require.NoError(t, err)
	assert.False(t, removed)
	assert.Equal(t, before.Artifacts(), tn.Snapshot().Artifacts())
	assert.Empty(t, f.changes, "nothing is written")
}

// A flow keeps the channels that it had and has still, at their place, and they are its own.
func TestWithFlow(t *testing.T) {
	channels := []Channel{{Address: "/http/1", Flow: "A"}, {Address: "/http/x"}, {Address: "/http/2", Flow: "A"}, {Address: "/http/3", Flow: "A"}}
	all, keys := withFlow(channels, Artifact{ID: "A", Channels: []Channel{{Address: "/http/new", Flow: "other"}, {Address: "/http/2", Answer: Fail}, {Address: "/http/1"}}})
	assert.Equal(t, []Channel{
		{Address: "/http/1", Flow: "A"}, {Address: "/http/x"}, {Address: "/http/2", Flow: "A", Answer: Fail}, {Address: "/http/new", Flow: "A"},
	}, all)
	assert.Equal(t, []string{"/http/new", "/http/2", "/http/1"}, keys)
	all, keys = withFlow(nil, Artifact{ID: "A", Channels: []Channel{{Address: "/http/1"}, {Address: "/http/1"}, {Address: "/http/2"}}})
	assert.Len(t, all, 3, "the validation says that it stands there twice")
	assert.Equal(t, []string{"/http/1", "/http/1", "/http/2"}, keys)
}

// A channel that gets another address while it restarts leaves nothing behind at the old one.
func TestAChannelIsDeployedAtAnotherAddress(t *testing.T) {
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/old"}, {Address: "/http/other"}}})
	old, _ := tn.Snapshot().Channel("/http/old")
	require.NoError(t, tn.Deploy("/http/old", time.Minute))
	require.True(t, tn.Snapshot().Restarting(old, noon))
	require.NoError(t, tn.Design("/http/old", func(c *Channel) { c.Address = "/http/new" }))
	require.NoError(t, tn.Deploy("/http/old", time.Minute))
	s := tn.Snapshot()
	assert.False(t, s.Restarting(old, noon))
	now, ok := s.Channel("/http/new")
	require.True(t, ok)
	assert.True(t, s.Restarting(now, noon.Add(time.Minute-1)))
	assert.False(t, s.Restarting(now, noon.Add(time.Minute)))
	_, ok = s.Channel("/http/old")
	assert.False(t, ok)
	assert.Equal(t, "/http/new", s.Channels()[0].Address, "it keeps its place")
}

// Who leaves a group loses what came through it, and who enters it gets that.
func TestMembersOfAGroupChange(t *testing.T) {
	tn := newTenant(t, Config{Groups: []Group{{"Senders", []string{"alice", "bob"}}}, Roles: []Assignment{{Group: "Senders", Role: DefaultRole}}})
	require.NoError(t, tn.Update(func(c *Config) error { c.Groups[0].Users = []string{"bob", "carol"}; return nil }))
	for user, has := range map[string]bool{"alice": false, "bob": true, "carol": true} {
		assert.Equal(t, has, tn.Snapshot().Role(user, DefaultRole).Has, user)
	}
	require.NoError(t, tn.Update(func(c *Config) error { c.Groups, c.Roles = nil, nil; return nil }))
	for _, user := range []string{"alice", "bob", "carol"} {
		assert.False(t, tn.Snapshot().Role(user, DefaultRole).Has, user)
	}
}

func TestScopesOfAClient(t *testing.T) {
	s := newTenant(t, Config{Clients: []Client{{ID: "a", Secret: "s", Scopes: []string{ScopeRead}}, {ID: "b", Secret: "s"}}}).Snapshot()
	assert.Equal(t, []string{ScopeRead}, s.ClientScopes("a"))
	assert.Empty(t, s.ClientScopes("b"))
	assert.Empty(t, s.ClientScopes("none"))
}

// The audit log goes on counting where it was, also after entries of one that is empty.
func TestTheAuditLogGoesOn(t *testing.T) {
	store := NewMemory()
	for n := range 3 {
		tn, err := Open(t.Context(), store, Config{}, at(noon))
		require.NoError(t, err)
		require.Len(t, tn.AuditLog(), n)
		require.NoError(t, tn.Audit(AuditEntry{User: "x"}))
		require.EqualValues(t, n+1, tn.audit.next)
	}
}

// Many changes of one thing come to the one that was last, and changes that undo each other to none.
func TestChangesOfOneThingComeToOne(t *testing.T) {
	tn, f := onFailing(t, good())
	require.NoError(t, tn.change(func(_ *Snapshot, d *draft) error {
		for _, user := range []string{"A", "B", "C"} {
			put(d, mappingKind, Mapping{Certificate: der(60), User: user})
			put(d, mappingKind, Mapping{Certificate: der(61), User: user})
		}
		remove(d, mappingKind, mappingKind.key(Mapping{Certificate: der(61)}))
		return nil
	}))
	require.Len(t, f.changes, 1)
	assert.Len(t, f.changes[0].Put, 1)
	assert.Empty(t, f.changes[0].Remove)
	require.NoError(t, tn.change(func(_ *Snapshot, d *draft) error {
		put(d, mappingKind, Mapping{Certificate: der(62), User: "A"})
		remove(d, mappingKind, MappingID(der(62)))
		return nil
	}))
	assert.Len(t, f.changes, 1, "two that undo each other")
	user, ok := tn.Snapshot().Mapped(der(60))
	assert.True(t, ok)
	assert.Equal(t, "C", user)
}
