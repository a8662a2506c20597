package suite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/suite/result"
	"example.com/gatehouse/steps/target"
)

// fake is a target that scripts decide about.
type fake struct {
	insane  error
	lacks   map[string]string
	secrets []string
}

func (f fake) Name() string                 { return "the fake" }
func (f fake) Sanity(context.Context) error { return f.insane }
func (f fake) Secrets() []string            { return f.secrets }
func (f fake) Features() []string           { return []string{"clock", "trace", "roles"} }
func (f fake) Supports(feature string) (bool, string) {
	reason, lacks := f.lacks[feature]
	return !lacks, reason
}

// outcomes are steps that come out in every way.
func outcomes(sc *godog.ScenarioContext) {
	sc.Step(`^it passes$`, func() error { return nil })
	sc.Step(`^it fails$`, func() error { return &evidence.Mismatch{Expected: "HTTP 401", Found: "HTTP 200", More: "more"} })
	sc.Step(`^the target lacks the clock$`, func() error {
		return fmt.Errorf("moving the clock: %w", &target.UnsupportedError{Feature: "clock", Reason: "it is a real tenant"})
	})
	sc.Step(`^the way to the target breaks$`, func() error {
		return &target.FaultError{Doing: "reading the access log", Err: errors.New("connection refused")}
	})
	sc.Step(`^it panics$`, func() error { panic("wheel came off") })
	sc.Step(`^it is skipped$`, func() error { return fmt.Errorf("no trace today: %w", godog.ErrSkip) })
	sc.Step(`^it is pending$`, func() error { return godog.ErrPending })
	sc.Step(`^it is twice$`, func() error { return nil })
	sc.Step(`^it is tw[i]ce$`, func() error { return nil })
	sc.Step(`^it calls$`, func(ctx context.Context) error {
		evidence.Record(ctx, evidence.Call{Sender: "warehouse", Saw: "HTTP 401", AccessLines: []string{"a line"},
			Journey: journey.Journey{Stops: []journey.Stop{{Station: journey.Sender, Decided: "sent with password=opensesame"}}}})
		return nil
	})
	sc.Step(`^it closes badly$`, func() error { return nil })
	sc.After(func(ctx context.Context, s *godog.Scenario, _ error) (context.Context, error) {
		if strings.Contains(s.Name, "closes badly") {
			return ctx, errors.New("the landscape does not close")
		}
		return ctx, nil
	})
}

// ways is a feature with one scenario of each outcome; the name is the step.
func ways(steps ...string) string {
	var b strings.Builder
	b.WriteString("Feature: ways\n")
	for _, s := range steps {
		fmt.Fprintf(&b, "\n  @LB-1\n  Scenario: %s\n    Given it calls\n    When %s\n    Then it passes\n", s, s)
	}
	return b.String()
}

func run(t *testing.T, text string, change func(*suite.Config)) (suite.Report, error) {
	t.Helper()
	config := suite.Config{Paths: []string{write(t, text)}, Initializer: outcomes, Target: fake{}}
	if change != nil {
		change(&config)
	}
	report, err := suite.Run(t.Context(), config)
	t.Cleanup(func() { assert.NoError(t, report.Close()) })
	return report, err
}

// byName finds a scenario by its name.
func byName(t *testing.T, r *suite.Report, name string) suite.Result {
	t.Helper()
	for _, one := range r.Results {
		if one.Scenario.Name == name {
			return one
		}
	}
	require.Fail(t, "no such scenario", name)
	return suite.Result{}
}

func TestEveryOutcomeHasItsStatus(t *testing.T) {
	report, err := run(t, ways("it passes", "it fails", "the target lacks the clock", "the way to the target breaks", "it panics", "it is skipped", "it is pending", "it is twice", "it is mispelt", "it closes badly"), nil)
	require.NoError(t, err)
	for name, want := range map[string]struct {
		status suite.Status
		origin result.Origin
		says   string
	}{
		"it passes":                    {suite.Passed, "", ""},
		"it fails":                     {suite.Failed, "", "expected HTTP 401"},
		"the target lacks the clock":   {suite.NotSupported, "", "it is a real tenant"},
		"the way to the target breaks": {suite.Error, result.OfTarget, "reading the access log: connection refused"},
		"it panics":                    {suite.Error, result.OfHarness, "wheel came off"},
		"it is skipped":                {suite.Skipped, "", "no trace today"},
		"it is pending":                {suite.Pending, "", "not written yet"},
		"it is twice":                  {suite.Error, result.OfFeature, "ambiguous"},
		"it is mispelt":                {suite.Error, result.OfFeature, `no step understands "it is mispelt"`},
		"it closes badly":              {suite.Error, result.OfHarness, "the landscape does not close"},
	} {
		one := byName(t, &report, name)
		assert.Equal(t, want.status, one.Status, name)
		assert.Equal(t, want.origin, one.Origin, name)
		require.Len(t, one.Steps, 3, name)
		assert.Contains(t, one.Steps[1].Message+one.Reason, want.says, name)
		assert.Equal(t, suite.Passed, one.Steps[0].Status, name)
		calls, err := report.Calls(&one)
		require.NoError(t, err)
		if want.status == suite.Passed {
			assert.Empty(t, calls, "%s: what passed needs no evidence", name)
			continue
		}
		require.Len(t, calls, 1, name)
		assert.Equal(t, "sent with password=***", calls[0].Journey.Stops[0].Decided, "secrets do not get as far as a file")
	}
	failed := byName(t, &report, "it fails")
	assert.Equal(t, "HTTP 401", failed.Steps[1].Expected)
	assert.Equal(t, "HTTP 200", failed.Steps[1].Found)
	assert.Equal(t, suite.Skipped, failed.Steps[2].Status)
	assert.Equal(t, 12, failed.Steps[1].Line, "the line in the file")
	assert.Equal(t, "1 passed, 1 failed, 1 skipped, 5 errors, 1 not supported, 1 pending", report.Counts.String())
	assert.Equal(t, result.VerdictFailed, report.Verdict)
	assert.Equal(t, "gatehouse test "+failed.Scenario.ID(), failed.Again)
}

// What the target cannot do is known from the tags, and nothing of the scenario runs.
func TestWhatATargetLacksIsNotSupported(t *testing.T) {
	text := "Feature: x\n  @needs-clock\n  Scenario: moves\n    Given it fails\n  @needs-trace\n  Scenario: reads\n    Given it passes\n"
	report, err := run(t, text, func(c *suite.Config) {
		c.Target = fake{lacks: map[string]string{"clock": "nobody moves a real clock"}}
	})
	require.NoError(t, err)
	moves := byName(t, &report, "moves")
	assert.Equal(t, suite.NotSupported, moves.Status)
	assert.Contains(t, moves.Reason, "nobody moves a real clock")
	assert.Len(t, moves.Steps, 1)
	assert.Equal(t, suite.Passed, byName(t, &report, "reads").Status)
	assert.Equal(t, result.VerdictPartial, report.Verdict, "never passed")
	assert.False(t, report.OK())

	_, err = run(t, strings.ReplaceAll(text, "clock", "clokc"), nil)
	var input *suite.InputError
	require.ErrorAs(t, err, &input)
	assert.ErrorContains(t, err, `did you mean "clock"?`)
}

func TestSanityComesFirst(t *testing.T) {
	ran := atomic.Bool{}
	report, err := run(t, ways("it passes", "it fails"), func(c *suite.Config) {
		c.Target = fake{insane: errors.New("HTTP 403 for the good call")}
		c.Initializer = func(sc *godog.ScenarioContext) { ran.Store(true); outcomes(sc) }
	})
	var insane *suite.SanityError
	require.ErrorAs(t, err, &insane)
	assert.ErrorContains(t, err, "HTTP 403 for the good call")
	assert.False(t, ran.Load())
	assert.Equal(t, result.VerdictError, report.Verdict)
	assert.Equal(t, 2, report.Skipped, "each scenario has a result")
	assert.Equal(t, "not run: the target failed its sanity check", report.Results[1].Reason)
	assert.Contains(t, report.Reason, "HTTP 403")
}

func TestFailFastBeginsNoMore(t *testing.T) {
	report, err := run(t, ways("it passes", "it fails", "it is pending", "it is twice"), func(c *suite.Config) { c.FailFast, c.Concurrency = true, 1 })
	require.NoError(t, err)
	assert.Equal(t, 1, report.Passed)
	assert.Equal(t, 1, report.Failed)
	assert.Equal(t, 2, report.Skipped)
	assert.Contains(t, report.Results[3].Reason, "--fail-fast after "+report.Results[1].Scenario.ID())
}

func TestExpectedFailures(t *testing.T) {
	file := t.TempDir() + "/known.yaml"
	require.NoError(t, os.WriteFile(file, []byte("expectedFailures:\n  - {scenario: it fails, reason: GH-12}\n  - {scenario: it passes, reason: GH-13}\n  - {tags: \"@LB-2\", reason: GH-14}\n  - {scenario: the way to the target breaks, reason: GH-15}\n"), 0o600))
	known, err := suite.ReadExpectations(file)
	require.NoError(t, err)
	report, err := run(t, ways("it passes", "it fails", "the way to the target breaks"), func(c *suite.Config) { c.Expected = known })
	require.NoError(t, err)
	assert.Equal(t, result.Counts{ExpectedFailures: 1, UnexpectedPasses: 1, Errors: 1}, report.Counts, "an error is no failure that anybody expected")
	assert.Equal(t, result.VerdictFailed, report.Verdict, "an unexpected pass is red")
	assert.Equal(t, "GH-12", byName(t, &report, "it fails").Expected)
	require.Len(t, report.Notes, 1)
	assert.Contains(t, report.Notes[0], `"@LB-2" chooses no scenario`)
	calls, err := report.Calls(&report.Results[0])
	require.NoError(t, err)
	assert.Len(t, calls, 1, "a pass that nobody expected is looked into")

	report, err = run(t, ways("it fails"), func(c *suite.Config) { c.Expected = known[:1] })
	require.NoError(t, err)
	assert.True(t, report.OK())
	assert.Equal(t, suite.Failed, report.Requirements[slices.IndexFunc(report.Requirements, func(c result.Coverage) bool { return c.ID == "LB-1" })].Verdict, "the requirement is not met all the same")

	for text, want := range map[string]string{
		"expectedFailures: []":                                            "holds no expected failure",
		"expectedFailures:\n  - {scenario: x}":                            "found no reason",
		"expectedFailures:\n  - {scenario: x, tags: \"@y\", reason: z}":   "expected either scenario",
		"expectedFailures:\n  - {tags: \"@y and\", reason: z}":            "2:12: expectedFailures[0].tags: tag expression",
		"expectedFailures:\n  - {scenari: x, reason: z}":                  `did you mean "scenario"?`,
		"expectedFailure:\n  - {scenario: x, reason: z}":                  `did you mean "expectedFailures"?`,
		"expectedFailures:\n  - {scenario: x, reason: \"  \"}\nmore: yes": "unknown key",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := suite.ReadExpectations(file)
		assert.ErrorContains(t, err, want, text)
	}
}

// hanging are steps that do not come to an end by themselves.
func hanging(t *testing.T) (func(*godog.ScenarioContext), func()) {
	release := make(chan struct{})
	var left atomic.Int32
	return func(sc *godog.ScenarioContext) {
			outcomes(sc)
			sc.Step(`^it waits for what never comes$`, func(ctx context.Context) error { return waitsForWhatNeverComes(ctx) })
			sc.Step(`^it heeds nobody$`, func() error {
				left.Add(1)
				defer left.Add(-1)
				heedsNobody(release)
				return nil
			})
		}, func() {
			close(release)
			require.Eventually(t, func() bool { return left.Load() == 0 }, settleLimit, time.Millisecond)
		}
}

func waitsForWhatNeverComes(ctx context.Context) error {
	<-ctx.Done()
	return fmt.Errorf("waiting for a log line: %w", ctx.Err())
}

func heedsNobody(release chan struct{}) { <-release }

func TestAStepThatHangsEndsAtItsLimit(t *testing.T) {
	initializer, release := hanging(t)
	defer release()
	report, err := run(t, ways("it waits for what never comes", "it heeds nobody", "it passes"), func(c *suite.Config) {
		c.Initializer, c.StepTimeout, c.Concurrency = initializer, 50*time.Millisecond, 3
		suite.SetAbandonAfter(t, 50*time.Millisecond)
	})
	require.NoError(t, err)
	waits := byName(t, &report, "it waits for what never comes")
	assert.Equal(t, suite.Error, waits.Status)
	assert.Equal(t, result.OfTarget, waits.Origin)
	assert.Contains(t, waits.Steps[1].Message, "did not end within 50ms (--step-timeout): waiting for a log line")
	assert.Contains(t, waits.Steps[1].Message, "suite_test.waitsForWhatNeverComes (verdict_test.go:")
	assert.Equal(t, suite.Skipped, waits.Steps[2].Status)

	heeds := byName(t, &report, "it heeds nobody")
	assert.Equal(t, suite.Error, heeds.Status)
	assert.Contains(t, heeds.Steps[1].Message, "was left behind")
	assert.Contains(t, heeds.Steps[1].Message, "suite_test.heedsNobody (verdict_test.go:")
	assert.Len(t, heeds.Steps, 3)
	assert.Equal(t, suite.Passed, byName(t, &report, "it passes").Status, "the others go on")
}

// An interruption ends the run, keeps what is there and gives each scenario a result.
func TestInterruptionKeepsWhatIsThere(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	initializer, release := hanging(t)
	defer release()
	suite.SetAbandonAfter(t, 50*time.Millisecond)
	var out strings.Builder
	report, err := suite.Run(ctx, suite.Config{
		Paths: []string{write(t, ways("it passes", "it waits for what never comes", "it heeds nobody", "it is twice"))}, Target: fake{}, Output: &out, Concurrency: 2,
		Initializer: func(sc *godog.ScenarioContext) {
			initializer(sc)
			sc.StepContext().Before(func(ctx context.Context, s *godog.Step) (context.Context, error) {
				if s.Text == "it heeds nobody" {
					cancel()
				}
				return ctx, nil
			})
		},
		Finish: func(ctx context.Context) []string {
			return []string{fmt.Sprintf("could not put back a mapping (%v)", ctx.Err())}
		},
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, suite.Passed, report.Results[0].Status)
	for i := 1; i < 4; i++ {
		assert.Equal(t, suite.Skipped, report.Results[i].Status, i)
		assert.Contains(t, report.Results[i].Reason, "interrupted", i)
	}
	assert.Equal(t, result.VerdictError, report.Verdict)
	assert.Equal(t, "the run was interrupted", report.Reason)
	assert.Equal(t, []string{"could not put back a mapping (<nil>)"}, report.Notes)
	assert.Contains(t, out.String(), "1 passed, 0 failed, 3 skipped")
}

// The order of a seed is the same each time, and another than that of the files.
func TestOrder(t *testing.T) {
	order, err := suite.ParseOrder("random:7", nil)
	require.NoError(t, err)
	file := empty(t, 20)
	list := func(o suite.Order) []suite.Scenario {
		chosen, err := suite.Select(suite.Config{Paths: []string{file}, Order: o})
		require.NoError(t, err)
		return chosen
	}
	assert.Equal(t, list(order), list(order))
	assert.NotEqual(t, list(suite.Order{}), list(order))
	assert.ElementsMatch(t, list(suite.Order{}), list(order))
	var began []string
	_, err = suite.Run(t.Context(), suite.Config{Paths: []string{file}, Order: order, Concurrency: 1, Initializer: func(sc *godog.ScenarioContext) {
		quick(sc)
		sc.Before(func(ctx context.Context, s *godog.Scenario) (context.Context, error) {
			began = append(began, s.Name)
			return ctx, nil
		})
	}})
	require.NoError(t, err)
	var want []string
	for _, s := range list(order) {
		want = append(want, s.Name)
	}
	assert.Equal(t, want, began)

	drawn, err := suite.ParseOrder("random", func() uint64 { return 123_456_789 })
	require.NoError(t, err)
	assert.Equal(t, "random:456789", drawn.String())
	for _, text := range []string{"alphabetic", "random:", "random:x", "random:-1", "defined:1"} {
		_, err := suite.ParseOrder(text, nil)
		assert.Error(t, err, text)
	}
}

func TestNamesAndRerun(t *testing.T) {
	text := ways("it passes", "it fails", "it is pending", "the target lacks the clock")
	report, err := run(t, text, func(c *suite.Config) { c.Names = []string{"^IT IS", "fail"} })
	require.NoError(t, err)
	assert.Len(t, report.Results, 2)
	_, err = run(t, text, func(c *suite.Config) { c.Names = []string{"("} })
	var name *suite.NameError
	require.ErrorAs(t, err, &name)
	_, err = run(t, text, func(c *suite.Config) { c.Names = []string{"nobody"} })
	require.ErrorIs(t, err, suite.ErrNothingSelected)
	assert.ErrorContains(t, err, `none of 4 scenarios has a name as in ["nobody"]`)

	all, err := run(t, text, nil)
	require.NoError(t, err)
	again, err := suite.Run(t.Context(), suite.Config{Initializer: outcomes, Rerun: &all, RerunName: "last.json"})
	require.NoError(t, err)
	require.Len(t, again.Results, 2, "the paths come from the report; what passed and what cannot be are left out")
	assert.Equal(t, "it fails", again.Results[0].Scenario.Name)
	assert.Equal(t, "last.json", again.Selection.Rerun)

	moved, err := run(t, strings.Replace(text, "Feature: ways\n", "Feature: ways\n\n\n", 1), func(c *suite.Config) { c.Rerun = &all })
	require.ErrorIs(t, err, suite.ErrNothingSelected, "another file")
	assert.Empty(t, moved.Results)
	green, err := run(t, ways("it passes"), nil)
	require.NoError(t, err)
	_, err = suite.Run(t.Context(), suite.Config{Initializer: outcomes, Rerun: &green})
	require.ErrorIs(t, err, suite.ErrNothingSelected)
	assert.ErrorContains(t, err, "nothing to run again")

	// The same file with the scenarios on other lines.
	file := all.Selection.Paths[0]
	require.NoError(t, os.WriteFile(file, []byte("# a new line\n"+text), 0o600))
	again, err = suite.Run(t.Context(), suite.Config{Initializer: outcomes, Rerun: &all})
	require.NoError(t, err)
	require.Len(t, again.Results, 2)
	assert.Equal(t, "it fails", again.Results[0].Scenario.Name)
}

// Memory does not grow with what scenarios leave behind.
func TestEvidenceIsBounded(t *testing.T) {
	report, err := suite.Run(t.Context(), suite.Config{
		Paths: []string{write(t, "Feature: x\n  Scenario: many\n    Given many calls\n    Then it fails\n")},
		Initializer: func(sc *godog.ScenarioContext) {
			outcomes(sc)
			sc.Step(`^many calls$`, func(ctx context.Context) {
				for i := range 1000 {
					evidence.Record(ctx, evidence.Call{Sender: fmt.Sprint(i)})
				}
			})
		},
	})
	require.NoError(t, err)
	defer report.Close()
	calls, err := report.Calls(&report.Results[0])
	require.NoError(t, err)
	require.Len(t, calls, 50)
	assert.Equal(t, "999", calls[49].Sender, "the newest are kept")
}
