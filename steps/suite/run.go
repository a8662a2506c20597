// Package suite selects scenarios, runs them with godog and keeps what came out: one result model,
// from which every report is made. It does not know what a step does.
package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cucumber/godog"
	"github.com/cucumber/godog/formatters"
	messages "github.com/cucumber/messages/go/v21"

	"example.com/gatehouse/features"
	"example.com/gatehouse/steps"
)

// ErrNothingSelected says that no scenario was chosen: a run that proves nothing is not green.
var ErrNothingSelected = errors.New("nothing was selected: no scenario has these paths, tags and names")

// Config says what to run and how. The zero value runs the whole bundled suite and prints nothing.
type Config struct {
	// Paths are feature files, folders and "file:line". Default: the bundled suite.
	Paths []string
	// Tags is a tag expression. Default: everything.
	Tags string
	// Concurrency is how many scenarios run at once. Default: the number of cores.
	Concurrency int
	// Output gets progress and summary. Default: nothing is printed.
	Output io.Writer
	// Verbose prints a line for each scenario, not only for those that did not pass.
	Verbose bool
	// Initializer adds steps. Default: the whole vocabulary.
	Initializer func(*godog.ScenarioContext)
}

// Select returns the scenarios that a run with this configuration would take.
func Select(config Config) ([]Scenario, error) {
	expression, err := ParseTags(config.Tags)
	if err != nil {
		return nil, err
	}
	var all []Scenario
	if len(config.Paths) == 0 {
		all, err = bundled(features.FS())
	} else {
		all, err = fromPaths(config.Paths)
	}
	if err != nil {
		return nil, err
	}
	var known []string
	for _, s := range all {
		known = append(known, s.Tags...)
	}
	if len(all) > 0 {
		if err := expression.check(known); err != nil {
			return nil, err
		}
	}
	var chosen []Scenario
	for _, s := range all {
		if expression.Match(s.Tags) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, ErrNothingSelected
	}
	return chosen, nil
}

// Run runs the scenarios that are selected. The error tells that the run could not be made, or was
// interrupted; failed scenarios are in the report.
func Run(ctx context.Context, config Config) (Report, error) {
	chosen, err := Select(config)
	if err != nil {
		return Report{}, err
	}
	began := time.Now()
	r := &run{ctx: ctx, config: config, results: map[string]*Result{}, pickles: map[string]*Result{}, printer: printer{out: config.Output, verbose: config.Verbose}}
	contents := make([]godog.Feature, 0, len(chosen))
	for _, s := range chosen {
		r.results[s.ID()] = &Result{Scenario: s}
		contents = append(contents, godog.Feature{Name: s.ID(), Contents: s.content()})
	}
	name := "gatehouse " + strconv.FormatUint(serial.Add(1), 10)
	runs.Store(name, r)
	defer runs.Delete(name)
	if config.Concurrency < 1 {
		config.Concurrency = runtime.GOMAXPROCS(0)
	}
	initialize := config.Initializer
	if initialize == nil {
		initialize = steps.Register
	}
	status := godog.TestSuite{
		Name: name,
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			sc.Before(r.begin)
			initialize(sc)
			sc.After(r.end)
			sc.StepContext().Before(r.beforeStep)
		},
		Options: &godog.Options{
			Format: formatName, Output: io.Discard, FeatureContents: contents, Concurrency: config.Concurrency,
			Strict: true, DefaultContext: ctx, NoColors: true,
		},
	}.Run()
	report := r.report(chosen)
	report.Duration = time.Since(began)
	if err := ctx.Err(); err != nil {
		return report, fmt.Errorf("the run was interrupted after %d of %d scenarios: %w", report.Passed+report.Failed, len(chosen), err)
	}
	for _, result := range report.Results {
		if result.Status == "" {
			return report, fmt.Errorf("scenario %s was planned and not run (godog ended with %d)", result.Scenario.ID(), status)
		}
	}
	r.printer.summary(report)
	return report, nil
}

var (
	serial atomic.Uint64
	runs   sync.Map // of *run, by the suite's name: godog makes formatters by name only
)

const formatName = "gatehouse"

func init() {
	godog.Format(formatName, "the result model of gatehouse", func(suite string, _ io.Writer) formatters.Formatter {
		if r, ok := runs.Load(suite); ok {
			return r.(*run)
		}
		return &run{results: map[string]*Result{}, pickles: map[string]*Result{}}
	})
}

// run is one run; it is the formatter that godog tells what happens.
type run struct {
	ctx     context.Context
	config  Config
	printer printer

	mu      sync.Mutex
	results map[string]*Result // by scenario
	pickles map[string]*Result // by godog's id
}

func (r *run) begin(ctx context.Context, p *godog.Scenario) (context.Context, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(p).began = time.Now()
	return ctx, nil
}

// end comes after the scenario's landscape was closed, which counts too.
func (r *run) end(ctx context.Context, p *godog.Scenario, _ error) (context.Context, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	result := r.of(p)
	result.Duration = time.Since(result.began)
	return ctx, nil
}

// beforeStep ends a run that was interrupted at the next step.
func (r *run) beforeStep(ctx context.Context, _ *godog.Step) (context.Context, error) {
	if err := r.ctx.Err(); err != nil {
		return ctx, fmt.Errorf("the run was interrupted: %w", err)
	}
	return ctx, nil
}

func (r *run) of(p *messages.Pickle) *Result {
	if result, ok := r.pickles[p.Id]; ok {
		return result
	}
	result, ok := r.results[p.Uri]
	if !ok {
		result = &Result{}
	}
	r.pickles[p.Id] = result
	return result
}

func (r *run) step(p *messages.Pickle, s *messages.PickleStep, status Status, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	result := r.of(p)
	result.Steps = append(result.Steps, StepResult{Text: s.Text, Status: status, Message: message})
	result.Status = worst(result.Status, status)
	if len(result.Steps) == len(p.Steps) {
		r.printer.scenario(*result)
	}
}

func (r *run) TestRunStarted()                                                            {}
func (r *run) Feature(*messages.GherkinDocument, string, []byte)                          {}
func (r *run) Pickle(*messages.Pickle)                                                    {}
func (r *run) Defined(*messages.Pickle, *messages.PickleStep, *formatters.StepDefinition) {}
func (r *run) Summary()                                                                   {}

func (r *run) Passed(p *messages.Pickle, s *messages.PickleStep, _ *formatters.StepDefinition) {
	r.step(p, s, Passed, "")
}

func (r *run) Failed(p *messages.Pickle, s *messages.PickleStep, _ *formatters.StepDefinition, err error) {
	r.step(p, s, Failed, err.Error())
}

func (r *run) Skipped(p *messages.Pickle, s *messages.PickleStep, _ *formatters.StepDefinition) {
	r.step(p, s, Skipped, "")
}

func (r *run) Undefined(p *messages.Pickle, s *messages.PickleStep, _ *formatters.StepDefinition) {
	r.step(p, s, Failed, undefined(s.Text))
}

func (r *run) Pending(p *messages.Pickle, s *messages.PickleStep, _ *formatters.StepDefinition) {
	r.step(p, s, Failed, "the step is pending")
}

func (r *run) Ambiguous(p *messages.Pickle, s *messages.PickleStep, _ *formatters.StepDefinition, err error) {
	r.step(p, s, Failed, err.Error())
}
