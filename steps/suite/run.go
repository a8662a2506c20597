// Package suite selects scenarios, divides them over machines, runs them with godog and hands what
// came out to package result. It does not know what a step does, and draws no reports.
//
// godog parses, matches and runs one scenario at a time; the suite schedules. So nothing of a
// scenario stays in memory when it is over, a step that hangs cannot stop the others, and the run
// can end early without losing what is there.
package suite

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/cucumber/godog"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite/report"
	"example.com/gatehouse/steps/suite/result"
	"example.com/gatehouse/steps/target"
)

// The model of results has its own package; these are its words for those who run a suite.
type (
	// Report is what came out of a run.
	Report = result.Report
	// Result is what came out of one scenario.
	Result = result.Result
	// StepResult is what came out of one step.
	StepResult = result.StepResult
	// Status is what came out of a step or a scenario.
	Status = result.Status
	// Tally counts scenarios.
	Tally = result.Counts
)

// The statuses; see package result.
const (
	Passed       = result.Passed
	Failed       = result.Failed
	Error        = result.Error
	NotSupported = result.NotSupported
	Skipped      = result.Skipped
	Pending      = result.Pending
)

// Every wait of a run.
const (
	// DefaultStepTimeout is how long a step may take: longer than a target may take to write a log
	// line, shorter than the patience of a CI job.
	DefaultStepTimeout = 2 * time.Minute
	// SanityLimit is how long the sanity check may take.
	SanityLimit = time.Minute
)

// abandonAfter is how long a step whose time is up, or whose run was interrupted, has to come to an
// end before it is left behind. Only tests change it.
var abandonAfter = 5 * time.Second

// maxCalls is how many calls of one scenario are kept as evidence; the newest win.
const maxCalls = 50

// Config says what to run and how. The zero value runs the whole bundled suite on the embedded
// simulator and prints nothing.
type Config struct {
	// Paths are feature files, folders, patterns and "file:line". Default: the bundled suite, or the
	// paths of the report in Rerun.
	Paths []string
	// Tags is a tag expression. Default: everything.
	Tags string
	// Names are regular expressions, of which the name of a scenario must match one, in whatever
	// case. Default: everything.
	Names []string
	// Rerun is an earlier report: only scenarios run that did not come out as they should. RerunName
	// is the report's name. Default: everything.
	Rerun     *result.Report
	RerunName string
	// Shard is the part to run. Default: all of it.
	Shard result.Shard
	// Durations of scenarios, by id, balance the shards; see DurationsOf. Default: all scenarios
	// count the same.
	Durations map[string]time.Duration
	// Order is the order in which scenarios begin. Default: that of files and lines.
	Order Order
	// Expected are the failures that are known.
	Expected []Expectation

	// Concurrency is how many scenarios run at once. Default: the number of cores.
	Concurrency int
	// FailFast begins no more scenarios once one came out as it should not.
	FailFast bool
	// StepTimeout is how long one step may take. Default: DefaultStepTimeout.
	StepTimeout time.Duration
	// Target is what the scenarios run against. Default: the embedded simulator, unless there is an
	// Initializer; then nothing is asked and nothing is checked.
	Target Target
	// Initializer adds steps. Default: the whole vocabulary, on the target if it is one of package
	// target, else on the embedded simulator.
	Initializer func(*godog.ScenarioContext)

	// Finish is called once, when no scenario runs any more, even after an interruption: the target
	// puts back what was changed on it. What it returns are notes in the report. Default: nothing.
	Finish func(ctx context.Context) []string

	// Output gets what did not pass, and the summary. Default: nothing is printed.
	Output io.Writer
	// Style makes a status on Output stand out. Default: plain text.
	Style func(of result.Status, text string) string
	// Verbose prints a line for each scenario, not only for those that did not pass.
	Verbose bool
	// Progress is told how many scenarios are done, by one goroutine at a time. Default: nobody.
	Progress func(done, total int)
	// AllEvidence keeps the calls of scenarios that passed, too.
	AllEvidence bool
	// Secrets must not appear in any report.
	Secrets []string
	// Version is that of the program, for reports.
	Version string
	// Again makes the command that runs just this scenario. Default: gatehouse test FILE:LINE.
	Again func(Scenario) string
}

func (c Config) withDefaults() Config {
	if c.Target == nil && c.Initializer == nil {
		embedded := target.Embedded(simulator.Options{})
		c.Target, c.Initializer = embedded, steps.RegisterOn(embedded)
	}
	if c.Initializer == nil {
		c.Initializer = steps.Register
		if vocabulary, ok := c.Target.(target.Target); ok {
			c.Initializer = steps.RegisterOn(vocabulary)
		}
	}
	if c.Concurrency < 1 {
		c.Concurrency = runtime.GOMAXPROCS(0)
	}
	if c.StepTimeout <= 0 {
		c.StepTimeout = DefaultStepTimeout
	}
	if c.Again == nil {
		c.Again = func(s Scenario) string { return "gatehouse test " + Quote(s.ID()) }
	}
	return c
}

// Run runs the scenarios that are selected. The error tells that the run could not be made, or was
// interrupted; what came out of scenarios is in the report in any case. The report keeps evidence
// in a file: close it.
func Run(ctx context.Context, config Config) (Report, error) {
	config = config.withDefaults()
	p, err := makePlan(config)
	if err != nil {
		return Report{}, err
	}
	r := newRun(ctx, config, p)
	began := time.Now()
	sane := r.sanity()
	if sane == nil {
		r.all()
	}
	if config.Finish != nil {
		r.report.Notes = append(r.report.Notes, config.Finish(context.WithoutCancel(ctx))...)
	}
	r.finish(sane)
	r.report.Duration = time.Since(began)
	if err := r.report.Sum(); err != nil {
		return r.report, err
	}
	if config.Output != nil {
		if err := r.printer().Summary(&r.report); err != nil {
			return r.report, err
		}
	}
	if err := ctx.Err(); err != nil {
		return r.report, fmt.Errorf("the run was interrupted after %d of %s: %w", r.done, count(len(p.scenarios), "scenario"), err)
	}
	if sane != nil {
		return r.report, sane
	}
	return r.report, nil
}

// run is one run.
type run struct {
	ctx      context.Context
	config   Config
	plan     *plan
	expected map[string]string
	redact   result.Redactor

	mu     sync.Mutex
	report Report
	done   int
	ended  string // the scenario after which no more is begun
}

func newRun(ctx context.Context, config Config, p *plan) *run {
	r := &run{ctx: ctx, config: config, plan: p}
	r.redact.Know(config.Secrets...)
	if keeper, ok := config.Target.(interface{ Secrets() []string }); ok {
		r.redact.Know(keeper.Secrets()...)
	}
	var notes []string
	r.expected, notes = expect(config.Expected, p.scenarios)
	r.report = Report{
		Gatehouse: config.Version, Target: "a suite of your own", Began: time.Now().UTC(), Selection: p.selection,
		Notes: append(p.notes, notes...), Results: make([]Result, len(p.scenarios)),
	}
	if config.Target != nil {
		r.report.Target = config.Target.Name()
	}
	if config.Shard.Total > 1 {
		r.report.Shard = &config.Shard
	}
	for i := range p.scenarios {
		r.report.Results[i] = Result{Scenario: p.scenarios[i].Scenario}
	}
	return r
}

func (r *run) printer() report.Printer {
	return report.Printer{W: r.config.Output, Style: r.config.Style}
}

// sanity makes the one good call.
func (r *run) sanity() error {
	if r.config.Target == nil || r.ctx.Err() != nil {
		return nil
	}
	limit, cancel := context.WithTimeout(r.ctx, SanityLimit)
	defer cancel()
	if err := r.config.Target.Sanity(limit); err != nil && r.ctx.Err() == nil {
		return &SanityError{r.config.Target.Name(), err}
	}
	return nil
}

// all runs every scenario of the plan, several at once.
func (r *run) all() {
	queue := make(chan int)
	var workers sync.WaitGroup
	for range min(r.config.Concurrency, len(r.plan.scenarios)) {
		workers.Go(func() {
			for at := range queue {
				if r.over() {
					continue // it ended while the scenario waited for its turn
				}
				one, calls := r.one(&r.plan.scenarios[at])
				r.ready(at, one, calls)
			}
		})
	}
	for _, at := range r.config.Order.arrange(len(r.plan.scenarios)) {
		if r.over() {
			break
		}
		select {
		case queue <- at:
		case <-r.ctx.Done():
		}
	}
	close(queue)
	workers.Wait()
}

// over tells whether no more scenarios are begun.
func (r *run) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended != "" || r.ctx.Err() != nil
}

// ready takes the result of a scenario in.
func (r *run) ready(at int, one Result, calls []evidence.Call) {
	one.Expected = r.expected[one.Scenario.ID()]
	r.redact.Result(&one, calls)
	one.Again = r.config.Again(one.Scenario)
	r.mu.Lock()
	defer r.mu.Unlock()
	wrong := unwanted(&one)
	if one.Status != Passed || wrong || r.config.AllEvidence {
		if err := r.report.Keep(&one, calls); err != nil {
			r.report.Notes = append(r.report.Notes, err.Error())
		}
	}
	r.report.Results[at] = one
	r.done++
	if wrong && r.config.FailFast && r.ended == "" {
		r.ended = one.Scenario.ID()
	}
	if r.config.Output != nil && (r.config.Verbose || one.Status != Passed || wrong) {
		// Whoever gave the writer looks at its errors.
		_ = r.printer().Scenario(&r.report, &r.report.Results[at])
	}
	if r.config.Progress != nil {
		r.config.Progress(r.done, len(r.plan.scenarios))
	}
}

// unwanted tells whether a scenario turns the run red.
func unwanted(one *Result) bool {
	switch one.Status {
	case Failed:
		return one.Expected == ""
	case Passed:
		return one.Expected != ""
	}
	return one.Status == Error
}

// finish gives those scenarios a result that were not run, and says why.
func (r *run) finish(sane error) {
	why := ""
	switch {
	case r.ctx.Err() != nil:
		why = "not run: the run was interrupted"
		r.report.Reason = "the run was interrupted"
	case sane != nil:
		why = "not run: the target failed its sanity check"
		r.report.Reason = r.redact.Text(sane.Error())
	case r.ended != "":
		why = "not run: --fail-fast after " + r.ended
	}
	for i := range r.report.Results {
		one := &r.report.Results[i]
		if one.Status != "" {
			continue
		}
		*one = notRun(&r.plan.scenarios[i], Skipped, why)
		one.Expected = r.expected[one.Scenario.ID()]
		if why == "" {
			// Every path above gives a result; one that does not is our own fault, and is told.
			one.Status, one.Origin, one.Reason = Error, result.OfHarness, "was planned and not run"
		}
		r.redact.Result(one, nil)
		one.Again = r.config.Again(one.Scenario)
	}
	r.redact.Strings(&r.report.Notes)
	r.redact.Strings(&r.report.Selection)
}
