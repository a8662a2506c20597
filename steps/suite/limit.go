package suite

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// stepContext is the context of one step: it ends with the step's limit and has the values of the
// steps before.
type stepContext struct {
	context.Context // the values
	limit           context.Context
}

func (c *stepContext) Deadline() (time.Time, bool) { return c.limit.Deadline() }
func (c *stepContext) Done() <-chan struct{}       { return c.limit.Done() }
func (c *stepContext) Err() error                  { return c.limit.Err() }

// values is the context without the limits of earlier steps, so that the chain does not grow.
func values(ctx context.Context) context.Context {
	if c, ok := ctx.(*stepContext); ok {
		return c.Context
	}
	return ctx
}

// errTimeUp is the cause for which the context of a step ends.
var errTimeUp = errors.New("the step's time is up")

// wait waits for the end of a scenario. A step that is not over in time is told to end; one that
// does not is left behind, and so is one that goes on after the run was interrupted.
func (e *execution) wait(done <-chan struct{}) {
	limit := e.run.config.StepTimeout
	timer := time.NewTimer(limit)
	defer timer.Stop()
	interrupted := e.run.ctx.Done()
	for {
		select {
		case <-done:
			return
		case <-interrupted:
			interrupted = nil
			timer.Reset(abandonAfter)
		case <-timer.C:
			left, gone := e.look(limit, interrupted == nil)
			if gone {
				return
			}
			timer.Reset(left)
		}
	}
}

// look looks at a scenario that was not over when the timer went off. It returns when to look
// again, or that the scenario was left behind.
func (e *execution) look(limit time.Duration, interrupted bool) (left time.Duration, gone bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if left := limit - time.Since(e.began); left > 0 && !interrupted {
		return left, false // another step by now
	}
	if interrupted {
		e.interrupted = true
		e.abandon()
		return 0, true
	}
	if e.hung != "" {
		e.abandon()
		return 0, true
	}
	e.hung = whereIs(e.goroutine)
	if e.stop != nil {
		e.stop(errTimeUp)
	}
	return abandonAfter, false
}

// abandon leaves a scenario behind whose step does not end.
func (e *execution) abandon() {
	switch {
	case e.interrupted && e.hung == "":
		e.step(Skipped, "", "the run was interrupted, and the step did not end: "+whereIs(e.goroutine), nil)
	case e.at < len(e.scenario.steps):
		e.step(Error, "target", e.late(errors.New("it did not end when it was told to, and was left behind")), nil)
	default:
		e.fault("closing the scenario " + e.late(nil))
	}
	e.over = true
}

// late says that a step took too long, and where it was.
func (e *execution) late(err error) string {
	text := fmt.Sprintf("did not end within %s (--step-timeout)", e.run.config.StepTimeout)
	if err != nil {
		text += ": " + err.Error()
	}
	return text + "\nit was at " + e.hung
}

var goroutineHead = regexp.MustCompile(`^goroutine (\d+) \[`)

// goroutineID is the number of the goroutine that calls it.
func goroutineID() string {
	head := make([]byte, 64)
	head = head[:runtime.Stack(head, false)]
	if found := goroutineHead.FindSubmatch(head); found != nil {
		return string(found[1])
	}
	return ""
}

const maxStacks = 8 << 20

// whereIs tells what a goroutine is doing: the functions from the innermost outwards, up to the
// step. Only numbers of lines and names of functions are told, no values.
func whereIs(goroutine string) string {
	stacks := make([]byte, maxStacks)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, one := range strings.Split(string(stacks), "\n\n") {
		found := goroutineHead.FindStringSubmatch(one)
		if found == nil || found[1] != goroutine {
			continue
		}
		lines := strings.Split(one, "\n")
		_, state, _ := strings.Cut(lines[0], "[")
		out := []string{strings.TrimSuffix(state, "]:")}
		for i := 1; i+1 < len(lines); i += 2 {
			function := lines[i]
			if strings.HasPrefix(function, "reflect.") || strings.Contains(function, "cucumber/godog") {
				break // below is what calls steps
			}
			if at := strings.LastIndex(function, "("); at > 0 {
				function = function[:at]
			}
			place, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +0x")
			out = append(out, "  "+function+" ("+place[strings.LastIndexAny(place, `/\`)+1:]+")")
		}
		return strings.Join(out, "\n")
	}
	return "a place that is not known"
}
