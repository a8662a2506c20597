package tenant

import (
	"hash/maphash"
	"iter"
	"maps"
)

// shards is into how many maps a sharded map is cut: a change of one entry copies one of them, at
// 100,000 entries some 400.
const shards = 256

var shardSeed = maphash.MakeSeed()

func shardOf(key string) int { return int(maphash.String(shardSeed, key) % shards) }

// sharded is a map that never changes. A changed one shares with it all shards in which nothing
// changed, so that a change costs the same however many snapshots are still in use, and finding a
// key costs what it costs in a Go map. The zero value is empty.
type sharded[V any] struct {
	maps  *[shards]map[string]V
	count int
}

func (s sharded[V]) get(key string) (V, bool) {
	if s.count == 0 {
		var none V
		return none, false
	}
	v, ok := s.maps[shardOf(key)][key]
	return v, ok
}

// all yields the entries in no order.
func (s sharded[V]) all() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		if s.count == 0 {
			return
		}
		for _, m := range s.maps {
			for k, v := range m {
				if !yield(k, v) {
					return
				}
			}
		}
	}
}

// edit begins a changed map. The editor belongs to one goroutine.
func (s sharded[V]) edit() *shardEditor[V] {
	e := &shardEditor[V]{count: s.count}
	if s.maps != nil {
		e.maps = *s.maps
	}
	return e
}

// shardEditor collects changes; each shard is copied the first time something in it changes.
type shardEditor[V any] struct {
	maps  [shards]map[string]V
	owned [shards]bool
	count int
}

func (e *shardEditor[V]) get(key string) (V, bool) {
	v, ok := e.maps[shardOf(key)][key]
	return v, ok
}

// own returns the shard of a key, which may be changed.
func (e *shardEditor[V]) own(key string) map[string]V {
	i := shardOf(key)
	if !e.owned[i] {
		e.owned[i] = true
		if e.maps[i] = maps.Clone(e.maps[i]); e.maps[i] == nil {
			e.maps[i] = make(map[string]V)
		}
	}
	return e.maps[i]
}

func (e *shardEditor[V]) put(key string, v V) {
	m := e.own(key)
	before := len(m)
	m[key] = v
	e.count += len(m) - before
}

func (e *shardEditor[V]) remove(key string) {
	if _, ok := e.get(key); ok {
		delete(e.own(key), key)
		e.count--
	}
}

// done is the changed map. The editor must not be used any more.
func (e *shardEditor[V]) done() sharded[V] { return sharded[V]{maps: &e.maps, count: e.count} }
