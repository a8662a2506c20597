package diagnosis

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"example.com/gatehouse/simulator/journey"
)

// oftenSeen are causes that are worth naming where the trace, which would tell, is missing.
const oftenSeen = 6

// weigh ranks the causes of a case.
func weigh(v *view) (causes []Finding, apart []string, next []string) {
	told := v.told()
	for _, c := range catalogue() {
		var said verdict
		if told && !c.tellsItself(v) {
			continue
		}
		c.judge(v, &said)
		if said.level == 0 && v.maybeRejected() && v.f.chain == nil && c.Reason == journey.CertificateNotAccepted && c.common >= oftenSeen {
			said.fits("401 without a user, and the trace of the node is not here.", v.access()...)
		}
		if told && said.level > 0 {
			said.points("The trace says so. (A text of the simulator's own; a real tenant does not have it.)", v.left().quotes...)
		}
		if said.level == 0 || said.excluded {
			continue
		}
		f := Finding{Cause: c, For: said.pro, Against: said.con, Fix: said.fix, level: said.level}
		if f.Fix == "" {
			f.Fix = c.Fix
		}
		causes = append(causes, f)
	}
	slices.SortStableFunc(causes, func(a, b Finding) int {
		if d := b.rank() - a.rank(); d != 0 {
			return d
		}
		return b.Cause.common - a.Cause.common
	})
	for i := range causes {
		causes[i].Likelihood = likelihood(causes, i)
	}
	if len(causes) > 1 && causes[0].rank() == causes[1].rank() {
		for _, f := range causes {
			if f.rank() == causes[0].rank() {
				apart = append(apart, f.Cause.ID)
			}
		}
	}
	if len(causes) > 1 && causes[0].level < 3 {
		next = nextOf(causes)
	}
	return causes, apart, next
}

// nextOf lists what to look at to tell causes apart.
func nextOf(causes []Finding) []string {
	var next []string
	for _, f := range causes {
		if f.Cause.Check != "" && !slices.Contains(next, f.Cause.Check) && len(next) < 6 {
			next = append(next, f.Cause.Check)
		}
	}
	return next
}

// told tells whether a trace text of the simulator's own tells the cause.
func (v *view) told() bool {
	return v.hasOwn() && slices.ContainsFunc(catalogue(), func(c Cause) bool { return c.tellsItself(v) })
}

func (c Cause) tellsItself(v *view) bool {
	return slices.ContainsFunc(c.own, func(text string) bool { _, ok := v.own(text); return ok })
}

// rank puts what speaks against a cause behind what has nothing against it.
func (f Finding) rank() int { return 2*f.level - min(len(f.Against), 1) }

// likelihood of a finding among the others: what is proved is certain only if nothing else is.
func likelihood(all []Finding, i int) Likelihood {
	alone := true
	for j, other := range all {
		if j != i && other.rank() >= all[i].rank() {
			alone = false
		}
	}
	switch {
	case all[i].level == 3 && len(all[i].Against) == 0 && alone:
		return Certain
	case all[i].level >= 2:
		return Likely
	}
	return Possible
}

// report diagnoses everything.
func (f *facts) report(o Options) *Report {
	r := &Report{Read: f.read}
	sorted := f.groups.sorted()
	causes, apart := map[*group]Finding{}, map[*group]bool{}
	used := map[*Output]bool{}
	for _, g := range sorted {
		v := &view{f: f, group: g, out: f.outputFor(g, used)}
		c := f.diagnose(v)
		first, _ := c.Likeliest()
		causes[g], apart[g] = first, len(c.Apart) > 0
		if len(r.Cases) < o.Cases {
			r.Cases = append(r.Cases, c)
		} else {
			r.MoreCases++
		}
	}
	for _, out := range f.outputs {
		if !used[out] && (out.Status == 0 || out.Status >= 400) {
			if out.Status != 0 && f.read.AccessLines > 0 {
				r.Cases = append(r.Cases, f.diagnose(&view{f: f, out: out, absent: true}))
			}
			r.Cases = append(r.Cases, f.diagnose(&view{f: f, out: out}))
		}
	}
	if len(r.Cases) == 0 && (f.read.AccessLines > 0 || f.evidence.Sender != nil || len(f.read.Files) > 0) {
		c := f.diagnose(&view{f: f, missing: true})
		if len(c.Causes) > 0 {
			r.Cases = append(r.Cases, c)
		}
	}
	r.Summary = f.counts.finish(f.read.From, f.read.To, causes, apart)
	r.Notes = append(append(r.Notes, f.evidence.Notes...), f.notes...)
	if f.groups.coarse > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d failures went beyond %d different ones and were counted by status only.", f.groups.coarse, mostGroups))
	}
	if f.full {
		r.Notes = append(r.Notes, fmt.Sprintf("More than %d clients or paths: what a client did before is not known for all.", mostKept))
	}
	return r
}

// outputFor finds the client output that tells of the group's calls.
func (f *facts) outputFor(g *group, used map[*Output]bool) *Output {
	for _, out := range f.outputs {
		path, _, _ := strings.Cut(out.Path, "?")
		if !used[out] && out.Status == g.key.status && (path == "" || path == g.key.path) {
			used[out] = true
			return out
		}
	}
	return nil
}

// diagnose makes the case of a view.
func (f *facts) diagnose(v *view) Case {
	c := Case{What: v.what(), Status: v.status(), Method: v.method(), Path: v.path(), Host: v.host(), User: v.user()}
	c.Causes, c.Apart, c.Next = weigh(v)
	if v.group != nil {
		g := v.group
		c.Calls, c.First, c.Last, c.Clients, c.Nodes = g.count, g.first, g.last, g.clients, g.nodes
		c.Quotes = g.quotes()
		for i := range g.samples {
			c.Journeys = append(c.Journeys, f.rebuild(v, &g.samples[i], c.Causes, len(c.Apart) > 0))
		}
	} else if v.out != nil {
		c.Quotes = v.out.quotes
		if !v.out.At.IsZero() {
			c.First, c.Last = v.out.At, v.out.At
		}
	}
	return c
}

// what says in one line what was seen.
func (v *view) what() string {
	if v.missing {
		return "No refused call stands in these logs. If one is missed, it never came to a runtime node whose log is here."
	}
	if v.absent {
		return fmt.Sprintf("the call in the output of %s, answered with HTTP %d, stands in none of these logs", v.out.Name, v.out.Status)
	}
	if v.group == nil {
		switch {
		case v.out.Status != 0:
			return fmt.Sprintf("HTTP %d in the output of %s", v.out.Status, v.out.Name)
		case v.out.Alert != nil:
			return fmt.Sprintf("no HTTP answer: TLS alert %s in the output of %s", v.out.Alert, v.out.Name)
		}
		return fmt.Sprintf("no HTTP answer, by the output of %s", v.out.Name)
	}
	k := v.group.key
	who := "user -"
	if k.user != "" {
		who = "user " + k.user
	}
	what := fmt.Sprintf("%d %s: %s %s, %s", k.status, http.StatusText(k.status), or(k.method, "any method"), or(k.path, "any path"), who)
	if k.client != "" {
		what += ", from " + k.client
	}
	if code, subject, _, ok := v.rejected(); ok {
		what += ", certificate of " + or(subject, "unknown subject") + " not accepted"
		if code >= 0 {
			what += " (verify result " + strconv.Itoa(code) + ")"
		}
	}
	return what
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
