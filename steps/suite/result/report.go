// Package result is what comes out of a run of a suite: one model, from which every report is
// made. It counts, sums up by requirement, joins the parts of a run on many machines, leaves out
// secrets, and is written and read as JSON. It does not run anything and draws no pages.
package result

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/steps/evidence"
)

// Schema names the form of a report as JSON. A form in which a known key is missing or means
// something else gets another number.
const Schema = "gatehouse.report/1"

// Report is what came out of a run.
type Report struct {
	// Schema is the constant of that name.
	Schema string `json:"schema"`
	// Gatehouse is the version of the program that ran the suite.
	Gatehouse string `json:"gatehouse,omitempty"`
	// Target is the name of what the suite ran against.
	Target string `json:"target"`
	// Began is when the run began, by the clock of the machine.
	Began time.Time `json:"began"`
	// Duration is how long the run took; of a merged report, how long its longest part took.
	Duration time.Duration `json:"durationNanoseconds"`
	// Verdict is what came out of the run as a whole.
	Verdict Verdict `json:"verdict"`
	// Reason says why the verdict is error or partial where no scenario says it: the target failed its
	// sanity check, the run was interrupted, a part is missing.
	Reason string `json:"reason,omitempty"`
	// Notes are what a reader must know beyond the scenarios, such as what could not be put back on
	// a shared target.
	Notes     []string  `json:"notes,omitempty"`
	Selection Selection `json:"selection"`
	// Shard is the part of the run that this report is about. Default: all of it.
	Shard *Shard `json:"shard,omitempty"`
	// Parts are the reports that a merged report was made of.
	Parts []Part `json:"parts,omitempty"`
	// Missing are the shards that a merged report lacks.
	Missing []int `json:"missing,omitempty"`
	Counts  `json:"counts"`
	// Requirements is the coverage of the catalogue, in its order.
	Requirements []Coverage `json:"requirements"`
	// Results are the scenarios, in the order in which they stand in files and folders.
	Results []Result `json:"results"`

	store *Store
}

// Selection says what was chosen for a run.
type Selection struct {
	// Paths are files, folders and "file:line"; none stands for the bundled suite.
	Paths []string `json:"paths,omitempty"`
	Tags  string   `json:"tags,omitempty"`
	Names []string `json:"names,omitempty"`
	// Rerun is the report whose scenarios were run again.
	Rerun string `json:"rerun,omitempty"`
	// Order is "defined", or "random:" and the seed that gives the same order again.
	Order string `json:"order"`
	// Planned is how many scenarios were chosen, in all shards together.
	Planned int `json:"planned"`
	// Plan is a hash of what was chosen: the shards of one run have the same.
	Plan string `json:"plan"`
}

// Shard is one of the parts into which a run is divided, counted from 1.
type Shard struct {
	Index int `json:"index"`
	Total int `json:"total"`
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Total) }

// Part is a report that went into a merged one.
type Part struct {
	Shard     Shard         `json:"shard"`
	Scenarios int           `json:"scenarios"`
	Duration  time.Duration `json:"durationNanoseconds"`
}

// Scenario is one scenario, or one row of a scenario outline.
type Scenario struct {
	// File and Line name the scenario; the line is that of the row for an outline.
	File string `json:"file"`
	Line int    `json:"line"`
	// Feature, Rule and Name are what stands behind the keywords.
	Feature string `json:"feature"`
	Rule    string `json:"rule,omitempty"`
	Name    string `json:"name"`
	// Tags are the scenario's own and those of feature, rule and examples, with "@".
	Tags []string `json:"tags,omitempty"`
}

// ID is "file:line".
func (s Scenario) ID() string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// Folder is the folder of the feature file, which groups scenarios that have no requirement.
func (s Scenario) Folder() string { return path.Dir(s.File) }

// StepResult is what came out of one step.
type StepResult struct {
	// Keyword is Given, When, Then, And, But or *, or the word of another language.
	Keyword string `json:"keyword,omitempty"`
	Text    string `json:"text"`
	// Line is where the step stands in the feature file.
	Line    int    `json:"line,omitempty"`
	Status  Status `json:"status"`
	Message string `json:"message,omitempty"`
	// Expected and Found stand beside each other where the step compared two things.
	Expected string        `json:"expected,omitempty"`
	Found    string        `json:"found,omitempty"`
	Duration time.Duration `json:"durationNanoseconds"`
}

// Result is what came out of one scenario. An empty status means that it was not run.
type Result struct {
	Scenario Scenario `json:"scenario"`
	Status   Status   `json:"status"`
	// Reason says why the status is what it is, where no step says it.
	Reason string `json:"reason,omitempty"`
	// Origin tells whose fault an error is.
	Origin Origin `json:"origin,omitempty"`
	// Expected is the reason for which the scenario was expected to fail; empty if it was not.
	Expected string       `json:"expectedFailure,omitempty"`
	Steps    []StepResult `json:"steps,omitempty"`
	Began    time.Time    `json:"began,omitzero"`
	// Duration is from the first step to the end of the scenario's landscape.
	Duration time.Duration `json:"durationNanoseconds"`
	// Again is the command that runs just this scenario.
	Again string `json:"again,omitempty"`

	kept ref // where the calls are
	// calls are those of a report that was read.
	calls []evidence.Call
}

// Failure is the step that did not pass and by which the scenario ended.
func (r *Result) Failure() (StepResult, bool) {
	worst := StepResult{}
	for _, s := range r.Steps {
		if s.Status != Passed && s.Status.rank() > worst.Status.rank() {
			worst = s
		}
	}
	return worst, worst.Status != "" && worst.Message != ""
}

// Requirements are the ids of the requirements that the scenario proves: its tags that look like
// one.
func (s Scenario) Requirements() []string {
	var out []string
	for _, tag := range s.Tags {
		id := strings.TrimPrefix(tag, "@")
		if group, number, ok := strings.Cut(id, "-"); ok && group != "" && strings.ToUpper(group) == group &&
			number != "" && strings.Trim(number, "0123456789") == "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// OK tells whether something was run and everything came out as it should.
func (r *Report) OK() bool { return r.Verdict == VerdictPassed }

// Result finds a scenario by its id.
func (r *Report) Result(id string) (*Result, bool) {
	for i := range r.Results {
		if r.Results[i].Scenario.ID() == id {
			return &r.Results[i], true
		}
	}
	return nil, false
}

// Median is the median duration of the scenarios that were run.
func (r *Report) Median() time.Duration {
	var durations []time.Duration
	for _, result := range r.Results {
		if result.Duration > 0 {
			durations = append(durations, result.Duration)
		}
	}
	if len(durations) == 0 {
		return 0
	}
	slices.Sort(durations)
	return durations[len(durations)/2]
}

// Sum counts the results, covers the requirements and finds the verdict. It is called once all
// results are there.
func (r *Report) Sum() error {
	r.Schema = Schema
	r.Counts, r.Verdict = r.judge()
	var err error
	r.Requirements, err = cover(r.Results)
	return err
}

// judge counts the results and finds the verdict.
func (r *Report) judge() (Counts, Verdict) {
	counts := Counts{}
	for i := range r.Results {
		counts.Add(&r.Results[i])
	}
	verdict := counts.Verdict()
	if r.Reason != "" && verdict != VerdictFailed {
		verdict = VerdictError
	}
	return counts, verdict
}

// Calls are the calls of a scenario, read from where the run keeps them.
func (r *Report) Calls(of *Result) ([]evidence.Call, error) {
	if of.calls != nil || of.kept.length == 0 {
		return of.calls, nil
	}
	return r.store.get(of.kept)
}

// Keep keeps the calls of a scenario in a file until Close. of must be, or become, one of the
// report's results.
func (r *Report) Keep(of *Result, calls []evidence.Call) error {
	if len(calls) == 0 {
		return nil
	}
	if r.store == nil {
		r.store = &Store{}
	}
	var err error
	of.kept, err = r.store.put(calls)
	return err
}

// Close removes the file in which the calls are kept; Calls cannot be used afterwards.
func (r *Report) Close() error {
	if r.store == nil {
		return nil
	}
	return r.store.Close()
}
