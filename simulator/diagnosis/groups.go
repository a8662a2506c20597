package diagnosis

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/gatehouse/simulator/systemlog"
)

// event is one access log line on its way through the gathering.
type event struct {
	systemlog.AccessLine
	node  string
	place systemlog.Place
	path  string
	left  *traced
	// unsure: within this second more calls failed than left records, or different ones.
	unsure bool
	// near is what the same client did shortly before.
	near near
}

func (e *event) quote() Quote { return quoteOf(e.place, e.AccessLine) }

// near is what the same client did at the same path within a minute before.
type near struct {
	fetched     bool
	fetchedNode string
}

// groupKey tells failures apart. Empty fields do not tell.
type groupKey struct {
	status                   int
	user, method, path, host string
	client                   string
	told                     string
}

// group is calls that failed in the same way.
type group struct {
	key         groupKey
	left        *traced // of the first call
	count       int
	unsure      int
	untraced    int // calls at a node and day of which there is no trace
	first, last time.Time
	nodes       []string
	clients     []string
	minutes     map[int64]int
	samples     []event
	// answered counts calls after which the same client was let in at the same path within
	// seconds; fetchedHere and fetchedElsewhere those before which it had fetched a token.
	answered, fetchedHere, fetchedElsewhere int
	slow                                    int // over 10 minutes
}

const (
	mostGroups  = 5_000
	mostSamples = 3
	mostNames   = 16
	otherPaths  = "(other paths)"
)

// groups collects failures.
type groups struct {
	by map[groupKey]*group
	// coarse counts calls whose paths and clients were not told apart, since there were too many.
	coarse int
	cells  int
}

// mostCells bounds over all groups the minutes in which calls are counted. Beyond a quarter of it
// whole hours are counted.
const mostCells = 400_000

// tick counts a call of the group in its minute.
func (gs *groups) tick(g *group, minute int64) {
	if gs.cells > mostCells/4 {
		if _, has := g.minutes[minute]; !has {
			minute -= minute % 60
		}
	}
	if _, has := g.minutes[minute]; !has {
		if gs.cells >= mostCells {
			return
		}
		gs.cells++
	}
	g.minutes[minute]++
}

func (gs *groups) add(e *event) *group {
	key := groupKey{status: e.Status, user: e.User, method: e.Method, path: e.path, host: e.Host}
	if t := e.left; t != nil {
		switch {
		case t.rejected():
			key.told = "rejected " + strconv.Itoa(t.code) + " " + t.subject
		case t.table[0] != "":
			key.told = "table " + t.table[0] + "; " + t.table[1]
		case t.own != "":
			key.told = "own " + t.own
		}
	}
	if key.user == "" && key.told == "" {
		key.client = e.Client
	}
	if gs.by == nil {
		gs.by = map[groupKey]*group{}
	}
	g := gs.by[key]
	if g == nil && len(gs.by) >= mostGroups {
		gs.coarse++
		key = groupKey{status: e.Status, path: otherPaths}
		g = gs.by[key]
	}
	if g == nil {
		key.told = strings.Clone(key.told)
		g = &group{key: key, left: e.left, first: e.Time, minutes: map[int64]int{}}
		gs.by[key] = g
	}
	g.count++
	if e.Time.Before(g.first) {
		g.first = e.Time
	}
	if e.Time.After(g.last) {
		g.last = e.Time
	}
	gs.tick(g, e.Time.Unix()/60)
	g.nodes = addName(g.nodes, e.node)
	g.clients = addName(g.clients, e.Client)
	if e.unsure {
		g.unsure++
	}
	if e.Duration >= 10*time.Minute {
		g.slow++
	}
	switch {
	case !e.near.fetched:
	case e.near.fetchedNode == e.node:
		g.fetchedHere++
	default:
		g.fetchedElsewhere++
	}
	if len(g.samples) < mostSamples {
		g.samples = append(g.samples, *e)
	}
	return g
}

// addName adds a name to a short list, if it is new.
func addName(names []string, name string) []string {
	if name == "" || len(names) >= mostNames || slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// sorted lists the groups, those with most calls first.
func (gs *groups) sorted() []*group {
	out := make([]*group, 0, len(gs.by))
	for _, g := range gs.by {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int {
		if a.count != b.count {
			return b.count - a.count
		}
		if c := a.first.Compare(b.first); c != 0 {
			return c
		}
		return strings.Compare(a.key.path+a.key.user+a.key.client+a.key.told, b.key.path+b.key.user+b.key.client+b.key.told)
	})
	return out
}

// quotes are the lines of the first sample: from the access log, and from the trace.
func (g *group) quotes() []Quote {
	if len(g.samples) == 0 {
		return nil
	}
	out := []Quote{g.samples[0].quote()}
	if g.left != nil {
		out = append(out, g.left.quotes...)
	}
	return out
}
