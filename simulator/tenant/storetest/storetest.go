// Package storetest is the conformance test of the stores of a tenant: whatever keeps a tenant's state
// must pass it. It is for tests only.
package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/simulator/tenant"
)

// Open opens a store. Called again, after the store was closed, it opens one with the same contents.
type Open func() (tenant.Store, error)

// TB is what a new place for a store needs of a test.
type TB interface {
	require.TestingT
	Helper()
	TempDir() string
	Context() context.Context
}

// Run is the conformance test. fresh makes a new place for a store that holds nothing.
func Run(t *testing.T, fresh func(TB) Open) {
	t.Run("a new store holds nothing", func(t *testing.T) {
		p := newPlace(t, fresh(t))
		found, err := p.store.Load(t.Context(), func(r tenant.Record) error { return fmt.Errorf("found %v", r) })
		require.NoError(t, err)
		assert.False(t, found)
		p.reopen()
		assert.Empty(t, p.load())
	})
	t.Run("every record comes back as it was", func(t *testing.T) { everyRecord(t, newPlace(t, fresh(t))) })
	t.Run("a record is replaced and removed by kind and key", func(t *testing.T) { replacing(t, newPlace(t, fresh(t))) })
	t.Run("a change that fails changes nothing", func(t *testing.T) {
		p := newPlace(t, fresh(t))
		p.save(tenant.Change{Put: []tenant.Record{record("a", "1", 1)}})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		err := p.store.Save(ended, tenant.Change{Put: []tenant.Record{record("a", "2", 2)}, Remove: []tenant.RecordID{{Kind: "a", Key: "1"}}})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, []tenant.Record{record("a", "1", 1)}, p.load())
		p.save(tenant.Change{Put: []tenant.Record{record("a", "3", 3)}})
		p.reopen()
		assert.Equal(t, []tenant.Record{record("a", "1", 1), record("a", "3", 3)}, p.load())
	})
	t.Run("a store keeps nothing of the caller's", func(t *testing.T) {
		p := newPlace(t, fresh(t))
		r := record("a", "1", 1)
		p.save(tenant.Change{Put: []tenant.Record{r}})
		r.Data[0], r.Blob[0] = 'X', 'X'
		got := p.load()
		require.Equal(t, []tenant.Record{record("a", "1", 1)}, got)
		got[0].Data[0], got[0].Blob[0] = 'X', 'X'
		assert.Equal(t, []tenant.Record{record("a", "1", 1)}, p.load())
	})
	t.Run("loading ends with the error of whoever reads", func(t *testing.T) {
		p := newPlace(t, fresh(t))
		p.save(tenant.Change{Put: []tenant.Record{record("a", "1", 1), record("a", "2", 2)}})
		stop := errors.New("stop")
		calls := 0
		found, err := p.store.Load(t.Context(), func(tenant.Record) error { calls++; return stop })
		assert.False(t, found, "that what is there was not read counts as nothing")
		require.ErrorIs(t, err, stop)
		assert.Equal(t, 1, calls)
		assert.Len(t, p.load(), 2, "it can be loaded again")
	})
	t.Run("a closed store refuses", func(t *testing.T) {
		p := newPlace(t, fresh(t))
		require.NoError(t, p.store.Close())
		require.NoError(t, p.store.Close(), "closing twice is no error")
		assert.Error(t, p.store.Save(t.Context(), tenant.Change{Put: []tenant.Record{record("a", "1", 1)}}))
		found, err := p.store.Load(t.Context(), func(tenant.Record) error { return nil })
		assert.False(t, found)
		assert.Error(t, err)
	})
	t.Run("any changes add up", func(t *testing.T) { anyChanges(t, fresh) })
	t.Run("a tenant comes back as it was", func(t *testing.T) { wholeTenant(t, fresh(t)) })
}

// place is a store that can be closed and opened again.
type place struct {
	t     TB
	open  Open
	store tenant.Store
}

func newPlace(t *testing.T, open Open) *place {
	t.Helper()
	p := &place{t: t, open: open}
	t.Cleanup(func() {
		if p.store != nil {
			assert.NoError(t, p.store.Close())
		}
	})
	p.opened()
	return p
}

func (p *place) opened() {
	var err error
	p.store, err = p.open()
	require.NoError(p.t, err)
}

func (p *place) reopen() {
	require.NoError(p.t, p.store.Close())
	p.opened()
}

func (p *place) save(c tenant.Change) { require.NoError(p.t, p.store.Save(p.t.Context(), c)) }

func (p *place) load() []tenant.Record {
	var out []tenant.Record
	found, err := p.store.Load(p.t.Context(), func(r tenant.Record) error {
		out = append(out, r)
		return nil
	})
	require.NoError(p.t, err)
	require.Equal(p.t, len(out) > 0, found)
	slices.SortFunc(out, func(a, b tenant.Record) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
	})
	return out
}

func record(kind, key string, order int64) tenant.Record {
	return tenant.Record{Kind: kind, Key: key, Order: order, Data: fmt.Appendf(nil, `{"of":%q}`, key), Blob: []byte("blob of " + key)}
}

func everyRecord(t *testing.T, p *place) {
	want := []tenant.Record{
		{Kind: "k", Key: "", Order: 0, Data: []byte(`""`)},
		{Kind: "k", Key: "a\x00b\x00", Order: 1, Data: []byte(`{}`), Blob: []byte{}},
		{Kind: "k", Key: "a\x00c", Order: 1<<62 + 1, Data: []byte(`null`), Blob: []byte{0}},
		{Kind: "k", Key: "großes Ä 🙂 '\"%_", Order: 7, Data: []byte(`"🙂"`), Blob: []byte{0xff, 0, 0xfe}},
		{Kind: "k", Key: strings.Repeat("x", 4096), Order: 3, Data: []byte(`[]`), Blob: bytes.Repeat([]byte{1, 2, 3, 0}, 1<<20)},
	}
	p.save(tenant.Change{Put: want})
	slices.SortFunc(want, func(a, b tenant.Record) int { return cmp.Compare(a.Key, b.Key) })
	for range 2 {
		got := p.load()
		require.Len(t, got, len(want))
		for i := range want {
			assert.Equal(t, want[i].Kind, got[i].Kind)
			assert.Equal(t, want[i].Key, got[i].Key)
			assert.Equal(t, want[i].Order, got[i].Order)
			assert.Equal(t, string(want[i].Data), string(got[i].Data))
			assert.Equal(t, want[i].Blob == nil, got[i].Blob == nil, "nothing and an empty blob are kept apart")
			assert.True(t, bytes.Equal(want[i].Blob, got[i].Blob))
		}
		p.reopen()
	}
}

func replacing(t *testing.T, p *place) {
	p.save(tenant.Change{Put: []tenant.Record{record("a", "1", 1), record("b", "1", 2), record("a", "2", 3)}})
	changed := tenant.Record{Kind: "a", Key: "1", Order: 9, Data: []byte(`"changed"`)}
	p.save(tenant.Change{Put: []tenant.Record{changed}, Remove: []tenant.RecordID{{Kind: "b", Key: "2"}, {Kind: "a", Key: "2"}}})
	assert.Equal(t, []tenant.Record{changed, record("b", "1", 2)}, p.load(), "removing what is not there is no error")
	p.reopen()
	assert.Equal(t, []tenant.Record{changed, record("b", "1", 2)}, p.load())
	p.save(tenant.Change{Remove: []tenant.RecordID{{Kind: "a", Key: "1"}, {Kind: "b", Key: "1"}}})
	p.reopen()
	assert.Empty(t, p.load())
}

// anyChanges compares the store with a map.
func anyChanges(t *testing.T, fresh func(TB) Open) {
	rapid.Check(t, func(rt *rapid.T) {
		p := &place{t: &checked{rt, t}, open: fresh(t)}
		p.opened()
		defer func() { assert.NoError(rt, p.store.Close()) }()
		model := map[tenant.RecordID]tenant.Record{}
		id := rapid.Custom(func(rt *rapid.T) tenant.RecordID {
			return tenant.RecordID{Kind: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "kind"), Key: rapid.StringMatching(`[xyz]{0,2}`).Draw(rt, "key")}
		})
		for range rapid.IntRange(1, 4).Draw(rt, "changes") {
			var c tenant.Change
			for _, id := range rapid.SliceOfNDistinct(id, 0, 6, func(id tenant.RecordID) tenant.RecordID { return id }).Draw(rt, "ids") {
				if rapid.Bool().Draw(rt, "remove") {
					c.Remove = append(c.Remove, id)
					delete(model, id)
					continue
				}
				r := record(id.Kind, id.Key, rapid.Int64Min(0).Draw(rt, "order"))
				c.Put = append(c.Put, r)
				model[id] = r
			}
			p.save(c)
			if rapid.IntRange(0, 3).Draw(rt, "reopen") == 0 {
				p.reopen()
			}
			got := map[tenant.RecordID]tenant.Record{}
			for _, r := range p.load() {
				got[tenant.RecordID{Kind: r.Kind, Key: r.Key}] = r
			}
			require.True(rt, maps.EqualFunc(model, got, func(a, b tenant.Record) bool {
				return a.Order == b.Order && bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Blob, b.Blob)
			}), "expected %v, got %v", model, got)
		}
	})
}

// checked reports to a property and takes everything else from the test around it.
type checked struct {
	require.TestingT
	t *testing.T
}

func (c *checked) Helper()                  {}
func (c *checked) TempDir() string          { return c.t.TempDir() }
func (c *checked) Context() context.Context { return c.t.Context() }
