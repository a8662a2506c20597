package diagnosis

import (
	"time"

	"example.com/gatehouse/simulator/journey"
)

// Report is what the evidence says.
type Report struct {
	// Read tells what was read, and what could not be.
	Read Reading `json:"read"`
	// Cases are the failures, those with most calls first.
	Cases []Case `json:"cases"`
	// MoreCases counts failures beyond those listed.
	MoreCases int `json:"moreCases,omitempty"`
	// Summary counts all calls of the logs.
	Summary Summary `json:"summary"`
	// Notes say what the answer rests on where that is not plain.
	Notes []string `json:"notes,omitempty"`
}

// Reading tells what was read.
type Reading struct {
	// AccessLines and TraceRecords count what could be read.
	AccessLines  int `json:"accessLines"`
	TraceRecords int `json:"traceRecords"`
	// Files are the names of the logs, Nodes the ids of the runtime nodes that wrote them.
	Files []string `json:"files,omitempty"`
	Nodes []string `json:"nodes,omitempty"`
	// From and To bound the times of the calls.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Unreadable counts lines that could not be read, and files that could not be read to their
	// end; Examples quotes the first of them.
	UnreadableLines int      `json:"unreadableLines,omitempty"`
	UnreadableFiles int      `json:"unreadableFiles,omitempty"`
	Examples        []string `json:"examples,omitempty"`
	// Skipped are files that are no log, with the reason.
	Skipped []string `json:"skipped,omitempty"`
	// Mended counts lines of pasted texts that were put together again or had typographic
	// characters.
	Mended int `json:"mended,omitempty"`
	// Outputs names the client outputs that were recognised.
	Outputs []string `json:"outputs,omitempty"`
}

// Case is one failure: calls that failed in the same way.
type Case struct {
	// What says what was seen, in one line.
	What string `json:"what"`
	// Calls counts them; 0 if no log line tells of the call.
	Calls int       `json:"calls"`
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`

	Status int    `json:"status,omitempty"`
	User   string `json:"user,omitempty"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Host   string `json:"host,omitempty"`
	// Clients and Nodes are those of the calls, some of them.
	Clients []string `json:"clients,omitempty"`
	Nodes   []string `json:"nodes,omitempty"`

	// Journeys are some of the calls, each rebuilt as far as the evidence goes.
	Journeys []journey.Journey `json:"journeys,omitempty"`
	// Quotes are the lines that tell of the first of them.
	Quotes []Quote `json:"quotes,omitempty"`
	// Causes are in order of likelihood. None: not known.
	Causes []Finding `json:"causes"`
	// Apart lists the ids of the causes that the evidence does not tell apart from the first one;
	// empty if the first one stands alone.
	Apart []string `json:"cannotBeToldApart,omitempty"`
	// Next says what to look at, if more than one cause remains.
	Next []string `json:"next,omitempty"`
}

// Likelihood says how far the evidence goes.
type Likelihood string

const (
	// Possible: the failure looks like it, and nothing points to it in particular.
	Possible Likelihood = "possible"
	// Likely: something points to it in particular.
	Likely Likelihood = "likely"
	// Certain: the evidence leaves no other explanation that is known.
	Certain Likelihood = "certain"
)

// Finding is a cause that fits a case.
type Finding struct {
	Cause      Cause      `json:"cause"`
	Likelihood Likelihood `json:"likelihood"`
	// For is what points to it, Against what speaks against it.
	For     []Point `json:"for,omitempty"`
	Against []Point `json:"against,omitempty"`
	// Fix says what to change with the names of this case. Default: that of the cause.
	Fix string `json:"fix"`

	level int
}

// Point is one thing that speaks for or against a cause. Texts and quotes may hold what came from
// callers and are not escaped: whoever shows them does that.
type Point struct {
	Text   string  `json:"text"`
	Quotes []Quote `json:"quotes,omitempty"`
}

// Quote is a line of the evidence.
type Quote struct {
	// File names where it stands; Line counts from 1, 0 if it is not known.
	File string `json:"file,omitempty"`
	Line int64  `json:"line,omitempty"`
	Text string `json:"text"`
}

// Likeliest returns the most likely cause of the case.
func (c Case) Likeliest() (Finding, bool) {
	if len(c.Causes) == 0 {
		return Finding{}, false
	}
	return c.Causes[0], true
}
