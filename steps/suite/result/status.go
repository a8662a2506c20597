package result

import "fmt"

// Status is what came out of a step or a scenario.
type Status string

// The statuses.
const (
	// Passed: the target did what the scenario says.
	Passed Status = "passed"
	// Failed: the target is wrong.
	Failed Status = "failed"
	// Error: the harness, the feature file or the way to the target is wrong; nothing is proved about
	// the target.
	Error Status = "error"
	// NotSupported: the target cannot do what the scenario needs.
	NotSupported Status = "not supported"
	// Skipped: the scenario, or the rest of it, was not run; the reason says why.
	Skipped Status = "skipped"
	// Pending: a step says of itself that it is not written yet.
	Pending Status = "pending"
)

// Statuses lists all statuses, from the one that proves most to the worst.
func Statuses() []Status { return []Status{Passed, Skipped, Pending, NotSupported, Error, Failed} }

func (s Status) rank() int {
	for i, known := range Statuses() {
		if s == known {
			return i + 1
		}
	}
	return 0
}

// Worst is the worse of two statuses: a status moves only downwards. That the target is wrong
// stays, even if the harness fails afterwards.
func Worst(a, b Status) Status {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Origin tells whose fault an error is.
type Origin string

// The origins of errors.
const (
	// OfFeature: a step that nothing understands, or that two understand.
	OfFeature Origin = "feature"
	// OfTarget: the way to the target, or a step that did not end in time.
	OfTarget Origin = "target"
	// OfHarness: a panic of a step, a landscape that cannot be closed.
	OfHarness Origin = "harness"
)

// Verdict is what came out of a run.
type Verdict string

// The verdicts.
const (
	// VerdictPassed: everything that was selected was run and came out as it should.
	VerdictPassed Verdict = "passed"
	// VerdictFailed: the target is wrong, or an expected failure passed.
	VerdictFailed Verdict = "failed"
	// VerdictError: the run proves nothing, or not enough, because the harness or the way to the
	// target failed.
	VerdictError Verdict = "error"
	// VerdictPartial: nothing failed, but something was not run.
	VerdictPartial Verdict = "partial"
)

// Counts counts scenarios. Each is counted once.
type Counts struct {
	Passed       int `json:"passed"`
	Failed       int `json:"failed"`
	Errors       int `json:"errors"`
	NotSupported int `json:"notSupported"`
	Skipped      int `json:"skipped"`
	Pending      int `json:"pending"`
	// ExpectedFailures failed as an expectation says.
	ExpectedFailures int `json:"expectedFailures"`
	// UnexpectedPasses passed although an expectation says that they fail.
	UnexpectedPasses int `json:"unexpectedPasses"`
}

// Tally is another word for counts.
type Tally = Counts

// Add counts a scenario; one without a status is not counted.
func (c *Counts) Add(r *Result) {
	switch {
	case r.Expected != "" && r.Status == Passed:
		c.UnexpectedPasses++
	case r.Expected != "" && r.Status == Failed:
		c.ExpectedFailures++
	case r.Status == Passed:
		c.Passed++
	case r.Status == Failed:
		c.Failed++
	case r.Status == Error:
		c.Errors++
	case r.Status == NotSupported:
		c.NotSupported++
	case r.Status == Skipped:
		c.Skipped++
	case r.Status == Pending:
		c.Pending++
	}
}

// Total is all of them.
func (c Counts) Total() int {
	return c.Passed + c.Failed + c.Errors + c.NotSupported + c.Skipped + c.Pending + c.ExpectedFailures + c.UnexpectedPasses
}

// String is "N passed, N failed, N skipped", with whatever else there is behind it.
func (c Counts) String() string {
	text := fmt.Sprintf("%d passed, %d failed, %d skipped", c.Passed, c.Failed, c.Skipped)
	for _, one := range []struct {
		n         int
		one, many string
	}{
		{c.Errors, "error", "errors"},
		{c.NotSupported, "not supported", "not supported"},
		{c.Pending, "pending", "pending"},
		{c.ExpectedFailures, "failed as expected", "failed as expected"},
		{c.UnexpectedPasses, "passed unexpectedly", "passed unexpectedly"},
	} {
		switch {
		case one.n == 1:
			text += ", 1 " + one.one
		case one.n > 1:
			text += fmt.Sprintf(", %d %s", one.n, one.many)
		}
	}
	return text
}

// Verdict is what the counts say, worst first.
func (c Counts) Verdict() Verdict {
	switch {
	case c.Failed+c.UnexpectedPasses > 0:
		return VerdictFailed
	case c.Errors > 0:
		return VerdictError
	case c.NotSupported+c.Skipped+c.Pending > 0 || c.Total() == 0:
		return VerdictPartial
	}
	return VerdictPassed
}
