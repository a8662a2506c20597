package tenant

import "strings"

// Assign gives roles: all of them or, if one cannot be given, none. An assignment that exists
// already is not made twice.
func (t *Tenant) Assign(assignments ...Assignment) error {
	return t.change(func(s *Snapshot, d *draft) error {
		v := &validation{}
		groups := groupNames(s)
		e := editorOf(d, roleKind)
		for i, a := range assignments {
			v.assignment(i, a, groups)
			there := false
			for _, key := range s.sameKeys(a) {
				_, found := e.shards.get(key)
				there = there || found
			}
			if !there {
				put(d, roleKind, a)
			}
		}
		return v.err()
	})
}

// Unassign takes roles away again, all at once, and tells whether any of them had been given.
func (t *Tenant) Unassign(assignments ...Assignment) (removed bool) {
	removed, _ = t.UnassignAll(assignments...)
	return removed
}

// UnassignAll is Unassign with the error of a store that fails.
func (t *Tenant) UnassignAll(assignments ...Assignment) (removed bool, err error) {
	err = t.change(func(s *Snapshot, d *draft) error {
		for _, a := range assignments {
			for _, base := range s.sameKeys(a) {
				removed = removeRepeated(d, roleKind, base) || removed
			}
		}
		return nil
	})
	return removed && err == nil, err
}

// removeRepeated removes an item, which the configuration may hold several times.
func removeRepeated[T any](d *draft, k *kind[T], key string) bool {
	if !remove(d, k, key) {
		return false
	}
	for n := 1; remove(d, k, repeated(key, n)); n++ {
	}
	return true
}

// sameKeys are the keys under which an assignment that means the same may stand: the application
// of the worker node may be named or left out.
func (s *Snapshot) sameKeys(a Assignment) []string {
	switch a.Application {
	case "", s.config.Application:
		named, unnamed := a, a
		named.Application, unnamed.Application = s.config.Application, ""
		return []string{unnamed.key(), named.key()}
	}
	return []string{a.key()}
}

// groupNames tells which groups there are, by their names in lower case.
func groupNames(s *Snapshot) func(name string) bool {
	return func(name string) bool {
		_, ok := s.groups.get(strings.ToLower(name))
		return ok
	}
}
