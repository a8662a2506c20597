package main

import (
	"fmt"
	"strings"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
)

// explained is the JSON of a call with its diagnosis.
type explained struct {
	Journey journey.Journey `json:"journey"`
	// Diagnosis is left out for a call that was let in.
	Diagnosis *diagnosis.Case `json:"diagnosis,omitempty"`
}

// diagnosisOf diagnoses a call of a running landscape; nil if it was let in or nobody asked.
func diagnosisOf(sim *simulator.Simulator, j journey.Journey, asked bool) *diagnosis.Case {
	if !asked {
		return nil
	}
	c, refused := diagnosis.NewLive(sim.Tenant()).Diagnose(j)
	if !refused {
		return nil
	}
	c.Journeys = nil // it stands beside
	return &c
}

// explanation tells the causes of one call at length.
func explanation(c diagnosis.Case) string {
	c.Quotes = nil // they stand above
	var b strings.Builder
	caseText(&b, 1, c, true)
	return b.String()
}

// explainer makes what "gatehouse serve" prints below the line of a refused call: the cause, or
// those that cannot be told apart, and what to do.
func explainer(sim *simulator.Simulator) func(journey.Journey) string {
	live := diagnosis.NewLive(sim.Tenant())
	return func(j journey.Journey) string {
		c, refused := live.Diagnose(j)
		first, known := c.Likeliest()
		if !refused || !known {
			return ""
		}
		var b strings.Builder
		fmt.Fprintf(&b, "  %s  %s (%s, %s)\n", bad.Render(string(first.Likelihood)), first.Cause.Title, first.Cause.ID, first.Cause.Requirement)
		if len(c.Apart) > 1 {
			fmt.Fprintf(&b, "  or      %s\n", strings.Join(c.Apart[1:], ", "))
		}
		fmt.Fprintf(&b, "  to do   %s\n", clean(first.Fix))
		return b.String()
	}
}
