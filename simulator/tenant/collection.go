package tenant

import (
	"cmp"
	"slices"
	"sync"
)

// collection is an ordered set of items with keys that never changes. nil is an empty one.
type collection[T any] struct {
	entries sharded[*entry[T]]
	next    int64 // the order of the next new entry

	once sync.Once
	list []*entry[T]
}

// entry is an item at its place. It never changes.
type entry[T any] struct {
	key   string
	order int64
	value T
}

func (c *collection[T]) get(key string) (*entry[T], bool) {
	if c == nil {
		return nil, false
	}
	return c.entries.get(key)
}

func (c *collection[T]) len() int {
	if c == nil {
		return 0
	}
	return c.entries.count
}

// ordered lists the entries in their order. The list is made once, when it is first asked for, and
// not to be changed.
func (c *collection[T]) ordered() []*entry[T] {
	if c == nil {
		return nil
	}
	c.once.Do(func() {
		c.list = make([]*entry[T], 0, c.entries.count)
		for _, e := range c.entries.all() {
			c.list = append(c.list, e)
		}
		slices.SortFunc(c.list, func(a, b *entry[T]) int { return cmp.Compare(a.order, b.order) })
	})
	return c.list
}

// values lists the items in their order; nil if there are none.
func (c *collection[T]) values() []T {
	entries := c.ordered()
	if len(entries) == 0 {
		return nil
	}
	out := make([]T, len(entries))
	for i, e := range entries {
		out[i] = e.value
	}
	return out
}

// touch is what happened to one entry: before nil is a new one, after nil a removed one.
type touch[T any] struct{ before, after *entry[T] }

// editor collects changes of a collection. It belongs to one goroutine.
type editor[T any] struct {
	shards  *shardEditor[*entry[T]]
	next    int64
	touched []touch[T]
}

func (c *collection[T]) edit() *editor[T] {
	if c == nil {
		return &editor[T]{shards: sharded[*entry[T]]{}.edit()}
	}
	return &editor[T]{shards: c.entries.edit(), next: c.next}
}

// put sets the item with the key. Order negative keeps the place of one that is there, and puts a
// new one at the end.
func (e *editor[T]) put(key string, order int64, v T) *entry[T] {
	before, there := e.shards.get(key)
	switch {
	case order >= 0:
	case there:
		order = before.order
	default:
		order = e.next
	}
	e.next = max(e.next, order+1)
	after := &entry[T]{key: key, order: order, value: v}
	e.shards.put(key, after)
	e.touched = append(e.touched, touch[T]{before, after})
	return after
}

// remove removes the item with the key and tells whether there was one.
func (e *editor[T]) remove(key string) bool {
	before, there := e.shards.get(key)
	if there {
		e.shards.remove(key)
		e.touched = append(e.touched, touch[T]{before: before})
	}
	return there
}

func (e *editor[T]) done() *collection[T] {
	return &collection[T]{entries: e.shards.done(), next: e.next}
}
