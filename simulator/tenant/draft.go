package tenant

import "fmt"

// draft is a change of a tenant's contents that is being made. It belongs to one goroutine.
type draft struct {
	contents
	editors map[string]any // by kind: *editor[T]
	finish  []func(*Change) error
}

func newDraft(c contents) *draft { return &draft{contents: c, editors: make(map[string]any)} }

// editorOf returns the editor of a kind's collection.
func editorOf[T any](d *draft, k *kind[T]) *editor[T] {
	if e, ok := d.editors[k.name]; ok {
		return e.(*editor[T])
	}
	e := (*k.in(&d.contents)).edit()
	d.editors[k.name] = e
	d.finish = append(d.finish, func(change *Change) error {
		e.touched = netOf(e.touched)
		*k.in(&d.contents) = e.done()
		if change == nil {
			return nil
		}
		for _, t := range e.touched {
			if t.after == nil {
				change.Remove = append(change.Remove, RecordID{k.name, t.before.key})
				continue
			}
			r, err := k.record(t.after)
			if err != nil {
				return err
			}
			change.Put = append(change.Put, r)
		}
		return nil
	})
	return e
}

// put sets an item, which the draft keeps from now on: at its place, or at the end if it is new.
func put[T any](d *draft, k *kind[T], v T) { editorOf(d, k).put(k.key(v), -1, v) }

// remove removes the item with the key and tells whether there was one.
func remove[T any](d *draft, k *kind[T], key string) bool { return editorOf(d, k).remove(key) }

// replace makes the items those of the list, in its order, with as few changes as it takes. Keys
// that repeat, where the validation lets them, get a number.
func replace[T any](d *draft, k *kind[T], items []T) {
	old := *k.in(&d.contents)
	next, last := int64(0), int64(-1)
	there := make(map[string]bool, len(items))
	for _, v := range items {
		key := k.key(v)
		for n := 1; there[key]; n++ {
			key = repeated(k.key(v), n)
		}
		there[key] = true
		e, known := old.get(key)
		order := next
		if known && e.order > last {
			order = e.order
		}
		if !known || order != e.order || !k.same(e.value, v) {
			editorOf(d, k).put(key, order, k.copied(v))
		}
		last, next = order, max(next, order+1)
	}
	if old.len() == 0 {
		return
	}
	for key := range old.entries.all() {
		if !there[key] {
			remove(d, k, key)
		}
	}
}

// repeated is the key of the item that is there n times already.
func repeated(key string, n int) string { return fmt.Sprintf("%s\x00#%d", key, n) }

// touchedBy is what the draft did to the items of a kind, once it is done.
func touchedBy[T any](d *draft, k *kind[T]) []touch[T] {
	if e, ok := d.editors[k.name]; ok {
		return e.(*editor[T]).touched
	}
	return nil
}

// touches tells whether the draft did anything to the items of a kind.
func touches[T any](d *draft, k *kind[T]) bool { return len(touchedBy(d, k)) > 0 }

// done ends the draft: its contents are complete. What is to be saved is added to the change, if
// one is given.
func (d *draft) done(change *Change) error {
	for _, f := range d.finish {
		if err := f(change); err != nil {
			return err
		}
	}
	d.finish = nil
	return nil
}

// netOf leaves of all that happened to each entry only what it comes to.
func netOf[T any](touched []touch[T]) []touch[T] {
	if len(touched) < 2 {
		return touched
	}
	at := make(map[string]int, len(touched))
	out := touched[:0]
	for _, t := range touched {
		key := t.key()
		if i, again := at[key]; again {
			out[i].after = t.after
			continue
		}
		at[key] = len(out)
		out = append(out, t)
	}
	net := out[:0]
	for _, t := range out {
		if t.before != nil || t.after != nil {
			net = append(net, t)
		}
	}
	return net
}

func (t touch[T]) key() string {
	if t.after != nil {
		return t.after.key
	}
	return t.before.key
}
