package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cucumber/godog"
	"github.com/cucumber/godog/formatters"
	messages "github.com/cucumber/messages/go/v21"

	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite/result"
	"example.com/gatehouse/steps/target"
)

const formatName = "gatehouse"

var (
	serial  atomic.Uint64
	running sync.Map // of *execution, by the suite's name: godog makes formatters by name only
)

func init() {
	godog.Format(formatName, "the result model of gatehouse", func(suite string, _ io.Writer) formatters.Formatter {
		if e, ok := running.Load(suite); ok {
			return e.(*execution)
		}
		return &execution{}
	})
}

// execution is one scenario while it runs; it is the formatter that godog tells what happens.
type execution struct {
	run      *run
	scenario *planned
	stop     context.CancelCauseFunc // of the step that runs

	mu          sync.Mutex
	result      Result
	calls       []evidence.Call
	at          int       // the step that runs, or is next
	began       time.Time // of that step
	raw         error     // what that step answered
	took        time.Duration
	hook        error // what came behind the last step: closing the scenario
	interrupted bool
	hung        string // where a step was when its time was up
	goroutine   string
	over        bool // nobody waits for the scenario any more
}

// one runs a scenario and waits for its end, though not for ever.
func (r *run) one(s *planned) (Result, []evidence.Call) {
	e := &execution{run: r, scenario: s, result: Result{Scenario: s.Scenario, Began: time.Now().UTC()}}
	if r.config.Target != nil {
		for _, need := range needs(s.Tags) {
			if ok, reason := r.config.Target.Supports(need); !ok {
				e.result = notRun(s, NotSupported, (&target.UnsupportedError{Feature: need, Reason: reason}).Error())
				return e.result, nil
			}
		}
	}
	began := time.Now()
	e.began = began
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.godog()
	}()
	e.wait(done)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true // what comes later is not listened to
	e.complete()
	e.result.Duration = time.Since(began)
	return e.result, e.calls
}

// notRun is the result of a scenario that was not begun.
func notRun(s *planned, status Status, reason string) Result {
	out := Result{Scenario: s.Scenario, Status: status, Reason: reason}
	for _, step := range s.steps {
		out.Steps = append(out.Steps, StepResult{Keyword: step.keyword, Text: step.text, Line: step.line, Status: Skipped})
	}
	return out
}

// godog runs the scenario.
func (e *execution) godog() {
	defer func() {
		// godog takes panics of steps only, not those of hooks.
		if fault := recover(); fault != nil {
			e.mu.Lock()
			defer e.mu.Unlock()
			if !e.over {
				e.fault(fmt.Sprintf("a panic outside of steps: %v\n%s", fault, debug.Stack()))
			}
		}
	}()
	e.mu.Lock()
	e.goroutine = goroutineID()
	e.mu.Unlock()
	name := "gatehouse " + strconv.FormatUint(serial.Add(1), 10)
	running.Store(name, e)
	defer running.Delete(name)
	godog.TestSuite{
		Name: name,
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			sc.StepContext().Before(e.beforeStep)
			e.run.config.Initializer(sc)
			sc.StepContext().After(e.afterStep)
			sc.After(e.afterScenario)
		},
		Options: &godog.Options{
			Format: formatName, Output: io.Discard, Concurrency: 1, Strict: true, NoColors: true,
			FeatureContents: []godog.Feature{{Name: e.scenario.File, Contents: e.scenario.content()}},
			DefaultContext:  evidence.WithRecorder(e.run.ctx, e.record),
		},
	}.Run()
}

func (e *execution) record(c evidence.Call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return
	}
	if len(e.calls) == maxCalls {
		e.calls = e.calls[1:]
	}
	e.calls = append(e.calls, c)
}

// beforeStep begins the time of a step, and ends a run that was interrupted.
func (e *execution) beforeStep(ctx context.Context, s *godog.Step) (context.Context, error) {
	if s.Id == "" {
		return ctx, nil // a step within a step
	}
	limit, stop := context.WithCancelCause(e.run.ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop, e.began, e.raw, e.took = stop, time.Now(), nil, 0
	if err := e.run.ctx.Err(); err != nil {
		e.interrupted = true
		return ctx, fmt.Errorf("the run was interrupted: %w", err)
	}
	return &stepContext{Context: values(ctx), limit: limit}, nil
}

// afterStep keeps what a step answered. The context that goes on is without the step's limit.
func (e *execution) afterStep(ctx context.Context, s *godog.Step, _ godog.StepResultStatus, err error) (context.Context, error) {
	if s.Id == "" {
		return ctx, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.raw, e.took = err, time.Since(e.began)
	e.interrupted = e.interrupted || err != nil && e.run.ctx.Err() != nil
	e.stop(nil)
	e.began = time.Now() // what comes behind the step has its own time
	return &stepContext{Context: values(ctx), limit: e.run.ctx}, nil
}

// afterScenario comes after the scenario's landscape was closed.
func (e *execution) afterScenario(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil && (e.raw == nil || err.Error() != e.raw.Error()) {
		e.hook = err
	}
	return ctx, nil
}

// step takes the result of the step that runs, unless nobody waits for it any more.
func (e *execution) step(status Status, origin result.Origin, message string, err error) {
	if !e.over && e.at < len(e.scenario.steps) {
		e.add(status, origin, message, err)
	}
}

func (e *execution) add(status Status, origin result.Origin, message string, err error) {
	from := e.scenario.steps[e.at]
	one := StepResult{Keyword: from.keyword, Text: from.text, Line: from.line, Status: status, Message: cutMessage(message), Duration: e.took}
	if status == Failed {
		if expected, found, ok := evidence.Difference(err); ok {
			one.Expected, one.Found = cutMessage(expected), cutMessage(found)
		}
	}
	e.result.Steps = append(e.result.Steps, one)
	if worse := result.Worst(e.result.Status, status); worse != e.result.Status {
		e.result.Status, e.result.Origin = worse, ""
		if status == Error {
			e.result.Origin = origin
		}
	}
	e.at++
	e.took, e.hung = 0, ""
}

// fault makes the scenario an error of the harness.
func (e *execution) fault(text string) {
	e.result.Status = result.Worst(e.result.Status, Error)
	if e.result.Status == Error {
		e.result.Origin = result.OfHarness
	}
	e.result.Reason = cutMessage(strings.TrimPrefix(e.result.Reason+"; "+text, "; "))
}

// complete gives those steps a result that did not come to one.
func (e *execution) complete() {
	for e.at < len(e.scenario.steps) {
		e.add(Skipped, "", "", nil)
	}
	if e.interrupted && e.result.Status != Failed && e.result.Status != Error {
		e.result.Status, e.result.Reason = Skipped, "the run was interrupted while the scenario ran"
	}
	if e.hook != nil && e.result.Status != Skipped {
		e.fault("closing the scenario: " + plainHook(e.hook))
	}
	if e.result.Status == NotSupported || e.result.Status == Skipped || e.result.Status == Pending {
		for _, s := range e.result.Steps {
			if e.result.Reason == "" && s.Status == e.result.Status {
				e.result.Reason = s.Message
			}
		}
	}
}

func plainHook(err error) string {
	return strings.TrimPrefix(err.Error(), "after scenario hook failed: ")
}

// What godog tells of a scenario as a whole is not needed.

func (e *execution) TestRunStarted()                                                            {}
func (e *execution) Feature(*messages.GherkinDocument, string, []byte)                          {}
func (e *execution) Pickle(*messages.Pickle)                                                    {}
func (e *execution) Defined(*messages.Pickle, *messages.PickleStep, *formatters.StepDefinition) {}
func (e *execution) Summary()                                                                   {}

func (e *execution) Passed(*messages.Pickle, *messages.PickleStep, *formatters.StepDefinition) {
	e.locked(func() {
		if e.hung != "" {
			e.step(Error, result.OfTarget, e.late(nil), nil)
			return
		}
		e.step(Passed, "", "", nil)
	})
}

func (e *execution) Failed(_ *messages.Pickle, _ *messages.PickleStep, _ *formatters.StepDefinition, err error) {
	e.locked(func() { e.failed(err) })
}

func (e *execution) failed(err error) {
	unsupported, fault := (*target.UnsupportedError)(nil), (*target.FaultError)(nil)
	raw := e.raw
	switch {
	case e.hung != "":
		e.step(Error, result.OfTarget, e.late(raw), nil)
	case e.interrupted:
		e.step(Skipped, "", "the run was interrupted", nil)
	case raw == nil && e.hook != nil:
		// The step did what it should; what came behind it did not, and is told with the scenario.
		e.step(Passed, "", "", nil)
	case raw == nil:
		e.step(Error, result.OfHarness, err.Error(), nil) // a hook before the step
	case errors.As(raw, &unsupported):
		e.step(NotSupported, "", unsupported.Error(), nil)
	case errors.As(raw, &fault):
		e.step(Error, result.OfTarget, raw.Error(), nil)
	case fmt.Sprintf("%T", raw) == "*godog.traceError":
		e.step(Error, result.OfHarness, fmt.Sprintf("a panic in the step: %+v", raw), nil)
	default:
		e.step(Failed, "", raw.Error(), raw)
	}
}

func (e *execution) Skipped(*messages.Pickle, *messages.PickleStep, *formatters.StepDefinition) {
	e.locked(func() {
		reason := ""
		if e.raw != nil {
			reason = strings.TrimSuffix(strings.TrimSuffix(e.raw.Error(), godog.ErrSkip.Error()), ": ")
			if reason == "" {
				reason = "a step says so and gives no reason"
			}
		}
		e.step(Skipped, "", reason, nil)
	})
}

func (e *execution) Undefined(_ *messages.Pickle, s *messages.PickleStep, _ *formatters.StepDefinition) {
	e.locked(func() {
		if e.at < len(e.scenario.steps) {
			e.step(Error, result.OfFeature, fmt.Sprintf("%s:%d: %s", e.scenario.File, e.scenario.steps[e.at].line, Undefined(s.Text)), nil)
		}
	})
}

func (e *execution) Pending(*messages.Pickle, *messages.PickleStep, *formatters.StepDefinition) {
	e.locked(func() { e.step(Pending, "", "the step is not written yet", nil) })
}

func (e *execution) Ambiguous(_ *messages.Pickle, _ *messages.PickleStep, _ *formatters.StepDefinition, err error) {
	e.locked(func() {
		if e.at < len(e.scenario.steps) {
			e.step(Error, result.OfFeature, fmt.Sprintf("%s:%d: %v", e.scenario.File, e.scenario.steps[e.at].line, err), nil)
		}
	})
}

func (e *execution) locked(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

// maxMessage is how many bytes of a message are kept.
const maxMessage = 32 << 10

func cutMessage(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + fmt.Sprintf("… (%d bytes are not kept)", len(text)-maxMessage)
}
