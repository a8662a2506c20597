package tenant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// failing is a store that fails when it is told to, and counts what it is given.
type failing struct {
	Memory
	err     error
	saved   int
	changes []Change
}

func (f *failing) Save(ctx context.Context, c Change) error {
	if f.err != nil {
		return f.err
	}
	f.saved++
	f.changes = append(f.changes, c)
	return f.Memory.Save(ctx, c)
}

func onFailing(t *testing.T, c Config) (*Tenant, *failing) {
	t.Helper()
	f := &failing{Memory: *NewMemory()} //nolint:govet // the lock is not in use yet
	tn, err := Open(t.Context(), f, c, at(noon))
	require.NoError(t, err)
	f.changes = nil
	return tn, f
}

// A change is acknowledged only if the store has it, and is not seen otherwise.
func TestAChangeThatIsNotSavedDidNotHappen(t *testing.T) {
	tn, f := onFailing(t, good())
	before, config := tn.Snapshot(), tn.Config()
	full := errors.New("the disk is full")
	f.err = full
	calls := map[string]func(tn *Tenant) error{
		"map":      func(tn *Tenant) error { return tn.MapCertificate(der(50), "A") },
		"change":   func(tn *Tenant) error { return tn.ChangeMappings("x", nil, []string{MappingID(der(1))}) },
		"unmap":    func(tn *Tenant) error { _, err := tn.UnmapByID("x", MappingID(der(1))); return err },
		"assign":   func(tn *Tenant) error { return tn.Assign(Assignment{User: "A", Role: "B"}) },
		"unassign": func(tn *Tenant) error { _, err := tn.UnassignAll(good().Roles[0]); return err },
		"update":   func(tn *Tenant) error { return tn.Update(func(c *Config) error { c.Users = nil; return nil }) },
		"put":      func(tn *Tenant) error { return tn.PutArtifact("x", Artifact{ID: "A"}) },
		"deploy":   func(tn *Tenant) error { return tn.Deploy("/http/orders", 0) },
		"undeploy": func(tn *Tenant) error { _, err := tn.Undeploy("x", "orders"); return err },
		"design":   func(tn *Tenant) error { return tn.Design("/http/orders", func(c *Channel) { c.Answer = Fail }) },
		"audit":    func(tn *Tenant) error { return tn.Audit(AuditEntry{User: "x"}) },
		"settings": func(tn *Tenant) error { return tn.Configure(-1, true) },
	}
	for name, call := range calls {
		require.ErrorIs(t, call(tn), full, name)
		assert.Same(t, before, tn.Snapshot(), name)
	}
	assert.False(t, tn.Unmap(der(1)))
	assert.Equal(t, config, tn.Config())
	assert.Empty(t, tn.AuditLog())
	for name, call := range calls {
		twin, _ := onFailing(t, good())
		require.NoError(t, call(twin), "%s: the good twin", name)
	}
}

// A change writes what it changes and nothing else.
func TestChangesAreSavedAsDeltas(t *testing.T) {
	tn, f := onFailing(t, good())
	require.NoError(t, tn.MapCertificateAs("alice", der(50), "A"))
	require.NoError(t, tn.Update(func(c *Config) error { c.Users = append(c.Users, User{Name: "new"}); return nil }))
	require.NoError(t, tn.Update(func(c *Config) error { c.Mappings = c.Mappings[1:]; return nil }))
	require.NoError(t, tn.Update(func(*Config) error { return nil }))
	require.NoError(t, tn.Update(func(c *Config) error { // the same moment elsewhere
		c.Mappings[2].Created = c.Mappings[2].Created.In(time.FixedZone("", 3600))
		return nil
	}))
	require.NoError(t, tn.Configure(0, false))
	require.Len(t, f.changes, 3, "nothing to change is nothing to save")
	require.Len(t, f.changes[0].Put, 1)
	assert.Equal(t, "mapping", f.changes[0].Put[0].Kind)
	assert.Equal(t, MappingID(der(50)), f.changes[0].Put[0].Key)
	assert.Equal(t, der(50), f.changes[0].Put[0].Blob)
	assert.Equal(t, int64(len(good().Mappings)), f.changes[0].Put[0].Order, "the next place")
	require.Len(t, f.changes[1].Put, 1)
	assert.Equal(t, "new", f.changes[1].Put[0].Key)
	assert.Equal(t, Change{Remove: []RecordID{{"mapping", MappingID(der(1))}}}, f.changes[2])
}

func TestMappingsTellWhoMadeThem(t *testing.T) {
	now := noon
	tn, err := New(Config{Mappings: []Mapping{{Certificate: der(9), User: "FIRST"}}}, func() time.Time { return now })
	require.NoError(t, err)
	require.NoError(t, tn.MapCertificateAs("alice", der(1), "A"))
	now = now.Add(time.Hour)
	require.NoError(t, tn.MapCertificateAs("bob", der(1), "B"))
	id := MappingID(der(1))
	assert.Regexp(t, `^[0-9a-f]{32}$`, id)
	m, ok := tn.Snapshot().MappingByID(strings.ToUpper(id))
	require.True(t, ok)
	assert.Equal(t, Mapping{der(1), "B", "alice", "bob", noon, now}, m)
	assert.Equal(t, []string{"FIRST", "B"}, []string{tn.Snapshot().Mappings()[0].User, tn.Snapshot().Mappings()[1].User}, "in the order of creation")
	assert.True(t, tn.Snapshot().MappedUser("B"))
	assert.False(t, tn.Snapshot().MappedUser("A"))
	require.NoError(t, tn.MapCertificate(der(2), "B"))
	require.NoError(t, tn.ChangeMappings("carol", nil, []string{strings.ToUpper(MappingID(der(2)))}))
	_, ok = tn.Snapshot().Mapped(der(2))
	assert.False(t, ok, "letter case does not count")
	removed, err := tn.UnmapByID("carol", id)
	require.NoError(t, err)
	assert.True(t, removed)
	removed, err = tn.UnmapByID("carol", id)
	require.NoError(t, err)
	assert.False(t, removed)
	_, ok = tn.Snapshot().MappingByID(id)
	assert.False(t, ok)
}

func TestChangeMappingsIsAllOrNothing(t *testing.T) {
	c := good()
	c.MappingStore = 40 // five certificates of 8 bytes, and three are there
	tn := newTenant(t, c)
	before := tn.Snapshot()
	first := MappingID(der(1))
	for name, row := range map[string]struct {
		add  []Mapping
		says string
	}{
		"one is rubbish":  {[]Mapping{{Certificate: der(10), User: "A"}, {Certificate: []byte("x"), User: "A"}}, "mappings[1].certificate: is not the DER"},
		"one has no user": {[]Mapping{{Certificate: der(10), User: "A"}, {Certificate: der(11)}}, "mappings[1].user: found nothing"},
		"too many":        {[]Mapping{{Certificate: der(10), User: "A"}, {Certificate: der(11), User: "A"}, {Certificate: der(12), User: "A"}, {Certificate: der(13), User: "A"}}, "the certificates take 48 bytes, and the mapping store holds 40"},
	} {
		err := tn.ChangeMappings("x", row.add, []string{first})
		require.ErrorContains(t, err, row.says, name)
		assert.Same(t, before, tn.Snapshot(), name)
	}
	require.NoError(t, tn.ChangeMappings("x", []Mapping{{Certificate: der(10), User: "A"}, {Certificate: der(11), User: "B"}, {Certificate: der(10), User: "C"}}, []string{first, "none"}))
	s := tn.Snapshot()
	assert.Equal(t, 4, s.MappingCount())
	user, _ := s.Mapped(der(10))
	assert.Equal(t, "C", user, "the last one counts")
	_, ok := s.Mapped(der(1))
	assert.False(t, ok)
	assert.Equal(t, int64(32), s.mappingBytes)
	require.NoError(t, tn.ChangeMappings("x", []Mapping{{Certificate: der(1), User: "A"}}, []string{first}), "removed and made anew in one change")
}

func TestAuditLogIsBounded(t *testing.T) {
	tn, f := onFailing(t, Config{})
	for i := range MaxAudit + 5 {
		require.NoError(t, tn.Audit(AuditEntry{User: "alice", Detail: fmt.Sprint(i)}))
	}
	log := tn.AuditLog()
	require.Len(t, log, MaxAudit)
	assert.Equal(t, AuditEntry{Time: noon, User: "alice", Detail: "5"}, log[0])
	assert.Equal(t, fmt.Sprint(MaxAudit+4), log[MaxAudit-1].Detail)
	kept := func() (n int) {
		for id := range f.records {
			if id.Kind == auditKind {
				n++
			}
		}
		return n
	}
	assert.Equal(t, MaxAudit, kept(), "the store forgets the oldest ones too")
	again, err := Open(t.Context(), f, Config{}, at(noon))
	require.NoError(t, err)
	require.NoError(t, again.Audit(AuditEntry{Detail: strings.Repeat("x", 5000) + "\xff"}))
	log = again.AuditLog()
	assert.Equal(t, "6", log[0].Detail)
	assert.Equal(t, strings.Repeat("x", maxAuditText)+"…", log[MaxAudit-1].Detail)
	require.NoError(t, again.Audit(AuditEntry{Detail: strings.Repeat("x", maxAuditText)}))
	assert.Len(t, again.AuditLog()[MaxAudit-1].Detail, maxAuditText, "just short enough")
	many := make([]AuditEntry, MaxAudit+1)
	many[0].Detail, many[1].Detail = "first", "second"
	require.NoError(t, again.Audit(many...), "more at once than it keeps")
	log = again.AuditLog()
	assert.Len(t, log, MaxAudit)
	assert.Equal(t, "second", log[0].Detail)
	assert.Equal(t, MaxAudit, kept())
	saved := f.saved
	require.NoError(t, again.Audit())
	assert.Equal(t, saved, f.saved, "no entries are nothing to save")
}

// What cannot be written as JSON is not lost silently.
func TestAChangeThatCannotBeEncoded(t *testing.T) {
	c := good()
	c.Mappings[0].Created = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := Open(t.Context(), NewMemory(), c, at(noon))
	require.ErrorContains(t, err, `encoding mapping "`+MappingID(der(1))+`": `)
	tn, f := onFailing(t, good())
	require.ErrorContains(t, tn.Update(func(next *Config) error { *next = c; return nil }), "encoding mapping ")
	assert.Empty(t, f.changes)
	assert.Equal(t, good(), tn.Config())
}

func TestTheTimeOfAnAuditEntry(t *testing.T) {
	now := noon.Add(1234567 * time.Nanosecond)
	tn, err := New(Config{}, func() time.Time { return now })
	require.NoError(t, err)
	own := noon.AddDate(-1, 0, 0)
	require.NoError(t, tn.Audit(AuditEntry{User: "a"}, AuditEntry{User: "b", Time: own}))
	assert.Equal(t, []AuditEntry{{User: "a", Time: noon.Add(time.Millisecond)}, {User: "b", Time: own}}, tn.AuditLog())
	require.ErrorContains(t, tn.Audit(AuditEntry{User: "c"}, AuditEntry{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}),
		"encoding an audit entry: ", "no interface can show such a year")
	assert.Len(t, tn.AuditLog(), 2, "all of them or none")
}

func TestAClosedTenantRefusesChanges(t *testing.T) {
	tn := newTenant(t, good())
	require.NoError(t, tn.Close())
	require.NoError(t, tn.Close())
	require.ErrorIs(t, tn.MapCertificate(der(50), "A"), errClosed)
	require.ErrorIs(t, tn.Audit(AuditEntry{}), errClosed)
	_, ok := tn.Snapshot().Mapped(der(1))
	assert.True(t, ok, "what it had can still be read")
}

// broken is a store whose contents are not those of a tenant, or cannot be read.
type broken struct {
	Memory
	record Record
	err    error
}

func (b *broken) Load(_ context.Context, yield func(Record) error) (bool, error) {
	if b.err != nil {
		return false, b.err
	}
	return true, yield(b.record)
}

func TestAStoreThatCannotBeRead(t *testing.T) {
	gone := errors.New("the disk is gone")
	_, err := Open(t.Context(), &broken{err: gone}, good(), at(noon))
	require.ErrorIs(t, err, gone)
	require.ErrorContains(t, err, "loading the tenant's state: ")
	_, err = Open(t.Context(), &broken{record: Record{Kind: "planet", Key: "a", Data: []byte("{}")}}, good(), at(noon))
	require.ErrorContains(t, err, `found a record of the kind "planet", which is not known`)
	_, err = Open(t.Context(), &broken{record: Record{Kind: userKind.name, Key: "a", Data: []byte("{")}}, good(), at(noon))
	require.ErrorContains(t, err, `reading `+userKind.name+` "a": `)
	_, err = Open(t.Context(), &broken{record: Record{Kind: auditKind, Key: "1", Data: []byte("{")}}, good(), at(noon))
	require.Error(t, err)
	tn, err := Open(t.Context(), &broken{record: Record{Kind: userKind.name, Key: "a", Data: []byte(`{"Name":"a"}`)}}, good(), at(noon))
	require.NoError(t, err, "the good twin")
	assert.Equal(t, []User{{Name: "a"}}, tn.Config().Users)
	assert.False(t, tn.CheckClient("none", ""), "it has no secret either")
}
