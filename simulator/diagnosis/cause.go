package diagnosis

import (
	"slices"
	"sync"

	"example.com/gatehouse/simulator/journey"
)

// Cause is an entry of the catalogue: one thing that is wrong, or is taken for wrong.
type Cause struct {
	// ID is a stable word.
	ID      string          `json:"id"`
	Station journey.Station `json:"station"`
	// Title says in one sentence what is wrong.
	Title string `json:"title"`
	// Symptom is what people see.
	Symptom string `json:"symptom"`
	// Evidence is what shows it, in the logs and elsewhere.
	Evidence string `json:"evidence"`
	// Why explains it.
	Why string `json:"why"`
	// Fix says what to change and where, with the menu or command.
	Fix string `json:"fix"`
	// Check says how to make sure, where other causes look the same.
	Check string `json:"check"`
	// Requirement is the id in the requirement catalogue.
	Requirement string `json:"requirement"`
	// Scenario names the requirement whose scenarios of the bundled suite show the failure and the
	// mended state.
	Scenario string `json:"scenario"`
	// Mark says how well the real system's behaviour is known: confirmed, inferred, conflicting or
	// choice; Source where it is said.
	Mark   string `json:"mark"`
	Source string `json:"source"`
	// Needs says what is needed beside the logs to tell it from the causes that look the same;
	// empty if the logs tell.
	Needs string `json:"needs,omitempty"`
	// Reason is the word of a station's record for it; empty if no station can know.
	Reason journey.Reason `json:"reason,omitempty"`

	// also are further reasons that a station's record gives where it knows less.
	also []journey.Reason
	// own are beginnings of the simulator's own trace texts that tell the cause, or some causes among
	// which it is. Real tenants do not have these texts.
	own []string
	// judge weighs the cause for a case.
	judge func(*view, *verdict)
	// common orders causes between which the evidence does not decide: what happens more often in
	// the field comes first. 0 to 9.
	common int
}

// Sources, short as in the requirement catalogue.
const (
	srcBlog  = "blog, comments"
	confirms = "confirmed"
	infers   = "inferred"
	differs  = "conflicting"
	chosen   = "choice"
)

// catalogue is put together from the stations' parts.
var catalogue = sync.OnceValue(func() []Cause {
	all := slices.Concat(senderCauses(), handshakeCauses(), chainCauses(), certificateCauses(), identityCauses(),
		credentialCauses(), endpointCauses(), mappingCauses(), roleCauses(), tableCauses(), flowCauses(), logCauses())
	for i := range all {
		c := &all[i]
		c.Scenario = or(c.Scenario, c.Requirement)
		c.Mark, c.Source = or(c.Mark, confirms), or(c.Source, srcBlog)
	}
	return all
})

// Causes lists the catalogue in the order of the way of a call.
func Causes() []Cause {
	all := slices.Clone(catalogue())
	stations := journey.Stations()
	slices.SortStableFunc(all, func(a, b Cause) int { return slices.Index(stations, a.Station) - slices.Index(stations, b.Station) })
	return all
}

// recordedAs tells whether a station's record can give the reason for the cause.
func (c Cause) recordedAs(r journey.Reason) bool { return c.Reason == r || slices.Contains(c.also, r) }

// ByID finds a cause.
func ByID(id string) (Cause, bool) {
	for _, c := range catalogue() {
		if c.ID == id {
			return c, true
		}
	}
	return Cause{}, false
}

// verdict is what a rule says of a cause in a case.
type verdict struct {
	level    int // 0: does not fit, 1 possible, 2 likely, 3 certain
	excluded bool
	pro, con []Point
	fix      string
}

// fits says that the case looks like the cause.
func (v *verdict) fits(text string, quotes ...Quote) { v.raise(1, text, quotes) }

// points says that something points to the cause in particular.
func (v *verdict) points(text string, quotes ...Quote) { v.raise(2, text, quotes) }

// proves says that nothing else known explains it.
func (v *verdict) proves(text string, quotes ...Quote) { v.raise(3, text, quotes) }

func (v *verdict) raise(level int, text string, quotes []Quote) {
	v.level = max(v.level, level)
	if text != "" {
		v.pro = append(v.pro, Point{Text: text, Quotes: quotes})
	}
}

// against says what makes the cause less likely; it is ranked behind those of its level.
func (v *verdict) against(text string, quotes ...Quote) {
	v.con = append(v.con, Point{Text: text, Quotes: quotes})
}

// exclude says what rules the cause out.
func (v *verdict) exclude() { v.excluded = true }

// instead gives the fix with the names of the case.
func (v *verdict) instead(fix string) { v.fix = fix }
