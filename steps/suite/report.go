package suite

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/steps"
)

// Status is what came out of a step or a scenario.
type Status string

const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// worst moves a status only downwards: a scenario that failed does not pass any more, and one
// that skipped a step did not pass.
func worst(a, b Status) Status {
	order := map[Status]int{"": 0, Passed: 1, Skipped: 2, Failed: 3}
	if order[b] > order[a] {
		return b
	}
	return a
}

// StepResult is what came out of one step.
type StepResult struct {
	Text    string
	Status  Status
	Message string
}

// Result is what came out of one scenario. An empty status means that it was not run.
type Result struct {
	Scenario Scenario
	Status   Status
	Steps    []StepResult
	// Duration is from the first step to the end of the scenario's landscape.
	Duration time.Duration

	began time.Time
}

// Failure is the step that failed.
func (r Result) Failure() (StepResult, bool) {
	for _, s := range r.Steps {
		if s.Status == Failed {
			return s, true
		}
	}
	return StepResult{}, false
}

// Report is what came out of a run.
type Report struct {
	Results                 []Result
	Passed, Failed, Skipped int
	Duration                time.Duration
}

// OK tells whether something was run and everything passed.
func (r Report) OK() bool { return r.Passed > 0 && r.Failed == 0 && r.Skipped == 0 }

// Median is the median duration of the scenarios.
func (r Report) Median() time.Duration {
	durations := make([]time.Duration, 0, len(r.Results))
	for _, result := range r.Results {
		durations = append(durations, result.Duration)
	}
	if len(durations) == 0 {
		return 0
	}
	slices.Sort(durations)
	return durations[len(durations)/2]
}

// Tally counts scenarios.
type Tally struct{ Passed, Failed, Skipped int }

func (t *Tally) add(s Status) {
	switch s {
	case Passed:
		t.Passed++
	case Skipped:
		t.Skipped++
	default:
		t.Failed++
	}
}

// Total is all of them.
func (t Tally) Total() int { return t.Passed + t.Failed + t.Skipped }

// ByRequirement counts the scenarios of each requirement.
func (r Report) ByRequirement() map[string]Tally {
	out := map[string]Tally{}
	for _, result := range r.Results {
		for _, tag := range result.Scenario.Tags {
			id := strings.TrimPrefix(tag, "@")
			t := out[id]
			t.add(result.Status)
			out[id] = t
		}
	}
	return out
}

func (r *run) report(chosen []Scenario) Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	var report Report
	var tally Tally
	for _, s := range chosen {
		result := *r.results[s.ID()]
		report.Results = append(report.Results, result)
		if result.Status != "" {
			tally.add(result.Status)
		}
	}
	report.Passed, report.Failed, report.Skipped = tally.Passed, tally.Failed, tally.Skipped
	return report
}

// undefined answers a step that nothing understands with the nearest one.
func undefined(text string) string {
	var examples []string
	for _, d := range steps.Vocabulary() {
		examples = append(examples, d.Example)
	}
	return fmt.Sprintf("no step understands %q%s", text, document.DidYouMean(text, examples))
}
