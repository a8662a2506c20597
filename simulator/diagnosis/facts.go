package diagnosis

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// facts is all that was read, in the form in which rules ask for it.
type facts struct {
	evidence Evidence
	read     Reading
	notes    []string
	unread   systemlog.Tally

	trace   *traceIndex
	groups  groups
	outputs []*Output
	joined  int
	again   bool // the second reading: what could not be read was counted before

	// clients holds what each client did last, letIn who was let in where and when.
	clients map[string]*caller
	letIn   map[where]*letIn
	full    bool // one of these is full, and nothing new goes in
	counts  counts

	chain *chainFacts
	// routes finds the channel of a path; nil if the known channels do not go together.
	routes *tenant.Snapshot
	// lost are the users of the mapping that were seen before, and whose clients all came with a
	// certificate that is not mapped from some time on.
	lost []lostMapping
}

// where is a client at a path.
type where struct{ client, path string }

// letIn tells of calls that were let in.
type letIn struct {
	user        string
	count       int
	first, last time.Time
	// users are all users that were seen.
	users []string
}

// caller is what one client did lately.
type caller struct {
	recent [6]recent
	next   int
	// as are the users as which it was let in.
	as []seenAs
	// last is where it was let in last: most clients call one path.
	last     *letIn
	lastPath string
}

type recent struct {
	at         time.Time
	method     string
	path, node string
	status     int
	group      *group
	// answered: the client was let in within seconds after.
	answered bool
}

type seenAs struct {
	user        string
	first, last time.Time
	count       int
}

// mostKept bounds how many clients, and clients at paths, are remembered.
const mostKept = 50_000

func newFacts(e Evidence) *facts {
	return &facts{
		evidence: e, trace: newTraceIndex(),
		clients: map[string]*caller{}, letIn: map[where]*letIn{}, counts: newCounts(),
	}
}

// startOver forgets the access logs, and moves the trace.
func (f *facts) startOver(shift int64) {
	fresh := newFacts(f.evidence)
	f.groups, f.clients, f.letIn, f.counts, f.full, f.joined, f.again = groups{}, fresh.clients, fresh.letIn, fresh.counts, false, 0, true
	f.read.From, f.read.To = time.Time{}, time.Time{}
	f.trace.shift = shift
	for _, entries := range f.trace.at {
		for _, t := range entries {
			t.used = false
		}
	}
}

func (f *facts) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// other tells whether there is evidence beside logs.
func (f *facts) other() bool {
	e := f.evidence
	return len(e.Texts) > 0 || e.Sender != nil || len(e.Mapped) > 0 || len(e.Channels) > 0 || e.Assignments != nil
}

// see notes what is remembered of every call. It tells the event what the client did before.
func (f *facts) see(e *event) {
	if f.read.From.IsZero() || e.Time.Before(f.read.From) {
		f.read.From = e.Time
	}
	if e.Time.After(f.read.To) {
		f.read.To = e.Time
	}
	f.counts.add(e)
	c := f.clients[e.Client]
	if c == nil {
		if len(f.clients) >= mostKept {
			f.full = true
			return
		}
		c = &caller{}
		f.clients[e.Client] = c
	}
	if e.Status < 400 {
		f.welcome(e, c)
	} else if e.Status == 403 {
		e.near = c.near(e)
	}
	c.recent[c.next] = recent{at: e.Time, method: e.Method, path: e.path, node: e.node, status: e.Status}
	c.next = (c.next + 1) % len(c.recent)
}

// answeredWithin is how soon a sender repeats a call with the credentials that were asked for.
const answeredWithin = 10 * time.Second

// welcome notes a call that was let in.
func (f *facts) welcome(e *event, c *caller) {
	for i := range c.recent {
		r := &c.recent[i]
		if r.status == 401 && r.path == e.path && !r.answered && e.User != "" && e.Time.Sub(r.at) <= answeredWithin {
			r.answered = true
			if r.group != nil {
				r.group.answered++
			}
			break
		}
	}
	l := c.last
	if l == nil || c.lastPath != e.path {
		at := where{e.Client, e.path}
		if l = f.letIn[at]; l == nil {
			if len(f.letIn) >= mostKept {
				f.full = true
				return
			}
			l = &letIn{user: e.User, first: e.Time}
			f.letIn[at] = l
		}
		c.last, c.lastPath = l, e.path
	}
	l.count++
	l.last = e.Time
	if e.User != l.user || l.users == nil {
		l.users = addName(l.users, e.User)
	}
	if e.User == "" {
		return
	}
	for i := range c.as {
		if c.as[i].user == e.User {
			c.as[i].last = e.Time
			c.as[i].count++
			return
		}
	}
	if len(c.as) < mostNames {
		c.as = append(c.as, seenAs{user: e.User, first: e.Time, last: e.Time, count: 1})
	}
}

// near looks for a token that was fetched before.
func (c *caller) near(e *event) near {
	for _, r := range c.recent {
		if reads(r.method) && r.status == http.StatusOK && r.path == e.path && !reads(e.Method) && e.Time.Sub(r.at) <= time.Minute {
			return near{fetched: true, fetchedNode: r.node}
		}
	}
	return near{}
}

// reads tells whether a token may be fetched with the method.
func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// failed counts a failure that was joined to the trace.
func (f *facts) failed(e *event) {
	g := f.groups.add(e)
	if !f.trace.has(e.node, e.Time.UTC().Format(time.DateOnly)) {
		g.untraced++
	}
	if c := f.clients[e.Client]; c != nil && e.Status == 401 {
		for i := range c.recent {
			if r := &c.recent[i]; r.status == 401 && r.path == e.path && r.at.Equal(e.Time) && r.group == nil {
				if r.group = g; r.answered {
					g.answered++
				}
				break
			}
		}
	}
}

// guessShift looks for a difference between the two logs' clocks of whole half hours, at which
// at least four of five refused certificates stand beside a 401.
func (f *facts) guessShift() int64 {
	seconds := map[int64]bool{}
	for _, g := range f.groups.by {
		if g.key.status == 401 {
			for _, s := range g.samples {
				seconds[s.Time.Unix()] = true
			}
		}
	}
	all := 0
	found := map[int64]int{}
	const half = 30 * 60
	for key, entries := range f.trace.at {
		for _, t := range entries {
			if !t.rejected() {
				continue
			}
			if all++; all > 2000 {
				break
			}
			for by := int64(-28); by <= 28; by++ {
				if seconds[key.second+by*half] {
					found[by*half]++
				}
			}
		}
	}
	best, second := int64(0), 0
	for by, n := range found {
		if n > found[best] || n == found[best] && best != 0 && abs(by) < abs(best) {
			best = by
		}
	}
	for by, n := range found {
		if by != best {
			second = max(second, n)
		}
	}
	if best == 0 || found[best]*5 < min(all, len(seconds))*4 || second >= found[best] {
		return 0
	}
	return best
}

func abs(n int64) int64 { return max(n, -n) }

// lostMapping is a sender that lost its mapping.
type lostMapping struct {
	user, certificate string
	at                time.Time
}

// derive works out what rules ask for more than once.
func (f *facts) derive() {
	f.chain = newChainFacts(f)
	for _, g := range f.groups.sorted() {
		if g.key.status != 403 || !strings.Contains(g.key.user, "@") {
			continue
		}
		if before, ok := f.userBefore(g); ok {
			f.lost = append(f.lost, lostMapping{before.user, g.key.user, g.first})
		}
	}
	if f.routes = f.evidence.Routes; f.routes != nil {
		return
	}
	if t, err := tenant.New(tenant.Config{Channels: f.evidence.Channels}, nil); err == nil {
		f.routes = t.Snapshot()
	}
}

// userBefore is the mapped user as which a client of the group was let in before it failed for the
// first time, and never after.
func (f *facts) userBefore(g *group) (seenAs, bool) {
	for _, name := range g.clients {
		c := f.clients[name]
		if c == nil {
			continue
		}
		for _, as := range c.as {
			if !strings.Contains(as.user, "@") && !as.first.After(g.first) && !as.last.After(g.first) {
				return as, true
			}
		}
	}
	return seenAs{}, false
}

// sameCaller finds calls that were let in from a client of the group at its path.
func (f *facts) sameCaller(g *group) (letIn, bool) {
	if g == nil {
		return letIn{}, false
	}
	var out letIn
	for _, name := range g.clients {
		if l := f.letIn[where{name, g.key.path}]; l != nil {
			if out.count == 0 || l.first.Before(out.first) {
				out.first = l.first
			}
			if l.last.After(out.last) {
				out.last = l.last
			}
			out.count += l.count
			out.user = l.user
			for _, u := range l.users {
				out.users = addName(out.users, u)
			}
		}
	}
	return out, out.count > 0
}

// likePath finds a path at which calls were let in, other than the given one.
func (f *facts) likePath(path string, like func(other string) bool) (string, bool) {
	var found []string
	for at := range f.letIn {
		if at.path != path && like(at.path) {
			found = append(found, at.path)
		}
	}
	if len(found) == 0 {
		return "", false
	}
	slices.Sort(found)
	return found[0], true
}
