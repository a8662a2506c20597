package tenant

import (
	"cmp"
	"slices"
	"strings"
)

// people is the part of a snapshot that knows who has which role. It never changes; a changed one
// works out anew only the users whom the change is about.
type people struct {
	application string
	persons     sharded[*person]
	// held lists the assignments to each user and group, in their order. See holder.
	held sharded[[]*entry[Assignment]]
	// memberOf lists the groups of each user, in the order of the groups.
	memberOf map[string][]*entry[Group]
}

// person is one user with all roles. It never changes.
type person struct {
	roles []granted // sorted
	// elsewhere lists for a role the applications other than the worker node's, sorted.
	elsewhere map[string][]string
	// authGroup is the first of the user's authorization groups.
	authGroup string
}

// applied is a role on an application.
type applied struct{ application, role string }

func (a applied) compare(b applied) int {
	return cmp.Or(strings.Compare(a.role, b.role), strings.Compare(a.application, b.application))
}

// granted is a role that a user has. Most users have one or two: a map for each would take more
// memory than all else.
type granted struct {
	applied
	origin
}

// find looks a role up in the sorted list, or tells where it belongs.
func (one *person) find(a applied) (int, bool) {
	return slices.BinarySearchFunc(one.roles, a, func(g granted, a applied) int { return g.compare(a) })
}

// origin tells how a user came to a role.
type origin struct{ group, authGroup string }

// holder is whom an assignment is for.
func (a Assignment) holder() string {
	if a.User != "" {
		return "u" + a.User
	}
	return "g" + strings.ToLower(a.Group)
}

// with is what people knows after the draft.
func (p *people) with(d *draft, application string) *people {
	roles, groups := touchedBy(d, roleKind), touchedBy(d, groupKind)
	if p.memberOf != nil && len(roles) == 0 && len(groups) == 0 && application == p.application {
		return p
	}
	next := &people{application: application, held: p.held, memberOf: p.memberOf, persons: p.persons}
	about := make(map[string]bool) // users to be worked out anew
	if len(groups) > 0 || next.memberOf == nil {
		next.memberOf = make(map[string][]*entry[Group])
		for _, g := range d.groups.ordered() {
			for _, user := range g.value.Users {
				if list := next.memberOf[user]; len(list) == 0 || list[len(list)-1] != g {
					next.memberOf[user] = append(list, g)
				}
			}
		}
	}
	members := func(g *entry[Group]) {
		if g != nil {
			for _, user := range g.value.Users {
				about[user] = true
			}
		}
	}
	for _, t := range groups {
		members(t.before)
		members(t.after)
	}
	if len(roles) > 0 {
		next.hold(roles)
		for _, t := range roles {
			for _, e := range []*entry[Assignment]{t.before, t.after} {
				switch {
				case e == nil:
				case e.value.User != "":
					about[e.value.User] = true
				default:
					g, _ := d.groups.get(strings.ToLower(e.value.Group))
					members(g)
				}
			}
		}
	}
	if application != p.application {
		for user := range next.memberOf {
			about[user] = true
		}
		for holder := range next.held.all() {
			if user, ok := strings.CutPrefix(holder, "u"); ok {
				about[user] = true
			}
		}
	}
	persons := next.persons.edit()
	for user := range about {
		if one := next.work(user); one != nil {
			persons.put(user, one)
		} else {
			persons.remove(user)
		}
	}
	next.persons = persons.done()
	return next
}

// hold brings the lists of assignments up to date.
func (p *people) hold(touched []touch[Assignment]) {
	held := p.held.edit()
	fresh := make(map[string]bool) // lists that belong to this change alone
	change := func(holder string, do func([]*entry[Assignment]) []*entry[Assignment]) {
		list, _ := held.get(holder)
		if !fresh[holder] {
			fresh[holder] = true
			list = slices.Clone(list)
		}
		if list = do(list); len(list) == 0 {
			held.remove(holder)
			return
		}
		held.put(holder, list)
	}
	for _, t := range touched {
		if t.before != nil {
			change(t.before.value.holder(), func(list []*entry[Assignment]) []*entry[Assignment] {
				return slices.DeleteFunc(list, func(e *entry[Assignment]) bool { return e == t.before })
			})
		}
		if t.after != nil {
			change(t.after.value.holder(), func(list []*entry[Assignment]) []*entry[Assignment] {
				at, _ := slices.BinarySearchFunc(list, t.after.order, func(e *entry[Assignment], order int64) int {
					return cmp.Compare(e.order, order)
				})
				return slices.Insert(list, at, t.after)
			})
		}
	}
	p.held = held.done()
}

// work works out what one user has; nil is nothing.
func (p *people) work(user string) *person {
	direct, _ := p.held.get("u" + user)
	groups := p.memberOf[user]
	if len(direct) == 0 && len(groups) == 0 {
		return nil
	}
	one := &person{roles: make([]granted, 0, len(direct))}
	// What was assigned directly comes first, so that an answer names a group only if it takes one.
	for _, a := range direct {
		one.assign(p.application, a.value, "")
	}
	type through struct {
		assignment *entry[Assignment]
		group      string
	}
	var indirect []through
	for _, g := range groups {
		list, _ := p.held.get("g" + g.key)
		for _, a := range list {
			indirect = append(indirect, through{a, g.value.Name})
		}
	}
	slices.SortStableFunc(indirect, func(a, b through) int { return cmp.Compare(a.assignment.order, b.assignment.order) })
	for _, t := range indirect {
		one.assign(p.application, t.assignment.value, t.group)
	}
	for _, g := range groups {
		if name, ok := authGroup(g.value.Name); ok {
			one.assign(p.application, Assignment{Role: name}, g.value.Name)
		}
	}
	return one
}

func (one *person) assign(worker string, a Assignment, group string) {
	application := a.Application
	if application == "" {
		application = worker
	}
	one.grant(worker, applied{application, a.Role}, origin{group: group})
	name, _ := authGroup(a.Role) // of any other role "", which brings nothing
	one.authGroup = cmp.Or(one.authGroup, name)
	for _, role := range authGroups[name] {
		one.grant(worker, applied{application, role}, origin{group: group, authGroup: name})
	}
}

func (one *person) grant(worker string, g applied, from origin) {
	at, has := one.find(g)
	if has {
		return
	}
	one.roles = slices.Insert(one.roles, at, granted{g, from})
	if g.application != worker {
		if one.elsewhere == nil {
			one.elsewhere = make(map[string][]string)
		}
		at, _ := slices.BinarySearch(one.elsewhere[g.role], g.application)
		one.elsewhere[g.role] = slices.Insert(one.elsewhere[g.role], at, g.application)
	}
}

// answer looks a role up on an application; nil is a user without any. The slices in it belong to
// the snapshot and are not to be changed.
func (one *person) answer(application, role string) RoleAnswer {
	if one == nil {
		return RoleAnswer{}
	}
	var from origin
	at, has := one.find(applied{application, role})
	if has {
		from = one.roles[at].origin
	}
	out := RoleAnswer{Has: has, Through: from.group, AuthGroup: from.authGroup, ElsewhereOn: one.elsewhere[role]}
	if !has {
		out.AuthGroup = one.authGroup
	}
	return out
}
