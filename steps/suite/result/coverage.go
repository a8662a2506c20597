package result

import (
	"fmt"
	"slices"
	"sync"

	"example.com/gatehouse/features"
)

// NotRun is the verdict on a requirement none of whose scenarios is in the report.
const NotRun Status = "not run"

// Coverage is a requirement with the scenarios that prove it.
type Coverage struct {
	features.Requirement
	// Scenarios are the ids of the scenarios in the report.
	Scenarios []string `json:"scenarios,omitempty"`
	// Verdict is the worst that came out of one of them, or "not run". A failure that was expected
	// is a failure here: the requirement is not met.
	Verdict Status `json:"verdict"`
	Counts  Counts `json:"counts"`
}

// catalogue is read once: reading it takes longer than running a scenario.
var catalogue = sync.OnceValues(features.Requirements)

// cover sums up results by requirement, in the order of the catalogue. Requirements that are not
// in it are not told.
func cover(results []Result) ([]Coverage, error) {
	catalogue, err := catalogue()
	if err != nil {
		return nil, fmt.Errorf("covering the requirements: %w", err)
	}
	out := make([]Coverage, len(catalogue))
	place := map[string]int{}
	for i, requirement := range catalogue {
		out[i] = Coverage{Requirement: requirement}
		place[requirement.ID] = i
	}
	for i := range results {
		r := &results[i]
		for _, id := range r.Scenario.Requirements() {
			at, known := place[id]
			if !known || r.Status == "" {
				continue
			}
			c := &out[at]
			c.Scenarios = append(c.Scenarios, r.Scenario.ID())
			c.Verdict = Worst(c.Verdict, r.Status)
			c.Counts.Add(r)
		}
	}
	for i := range out {
		if out[i].Verdict == "" {
			out[i].Verdict = NotRun
		}
	}
	return out, nil
}

// ByRequirement counts the scenarios of each requirement that has some.
func (r *Report) ByRequirement() map[string]Counts {
	out := map[string]Counts{}
	for _, c := range r.Requirements {
		if c.Counts.Total() > 0 {
			out[c.ID] = c.Counts
		}
	}
	return out
}

// Station counts the scenarios that prove a requirement of the station, each once.
func (r *Report) Station(station string) Counts {
	var ids []string
	for _, c := range r.Requirements {
		if c.Station == station {
			ids = append(ids, c.ID)
		}
	}
	var counts Counts
	for i := range r.Results {
		if slices.ContainsFunc(r.Results[i].Scenario.Requirements(), func(id string) bool { return slices.Contains(ids, id) }) {
			counts.Add(&r.Results[i])
		}
	}
	return counts
}

// Gap is something that the catalogue and the scenarios do not agree on.
type Gap struct {
	// ID is the requirement, Scenario the scenario that the gap is about; one may be empty.
	ID       string `json:"id,omitempty"`
	Scenario string `json:"scenario,omitempty"`
	// Message says what is missing and what to do.
	Message string `json:"message"`
}

// Gaps finds requirements that no scenario proves, scenarios that prove none, and scenarios that
// name a requirement which the catalogue does not know.
func Gaps(catalogue []features.Requirement, scenarios []Scenario) []Gap {
	var out []Gap
	proved := map[string]bool{}
	known := map[string]bool{}
	for _, r := range catalogue {
		known[r.ID] = true
	}
	for _, s := range scenarios {
		ids := s.Requirements()
		if len(ids) == 0 {
			out = append(out, Gap{Scenario: s.ID(), Message: "the scenario proves no requirement: give it the tag of one"})
		}
		for _, id := range ids {
			proved[id] = true
			if !known[id] {
				out = append(out, Gap{ID: id, Scenario: s.ID(), Message: "the catalogue has no requirement " + id + ": correct the tag, or add the requirement"})
			}
		}
	}
	for _, r := range catalogue {
		if !proved[r.ID] {
			out = append(out, Gap{ID: r.ID, Message: "no scenario proves it: write one with the tag @" + r.ID})
		}
	}
	return out
}
