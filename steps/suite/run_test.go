package suite_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The bundled suite passes on the embedded simulator, and nothing of it is skipped.
func TestBundledSuitePasses(t *testing.T) {
	var out strings.Builder
	report, err := suite.Run(t.Context(), suite.Config{Output: &out})
	require.NoError(t, err)
	require.True(t, report.OK(), out.String())
	assert.GreaterOrEqual(t, report.Passed, 150)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	assert.Regexp(t, `^\d+ passed, 0 failed, 0 skipped$`, lines[len(lines)-1])
}

// settleLimit is how long goroutines and files of a closed landscape may take to be gone.
const settleLimit = 10 * time.Second

// After each scenario the goroutines and, where the system tells them, the open files are what
// they were before it.
func TestNothingLeaks(t *testing.T) {
	goroutines, files := runtime.NumGoroutine(), openFiles()
	report, err := suite.Run(t.Context(), suite.Config{Concurrency: 1, Tags: "not @slow and not @LB-19", Initializer: func(sc *godog.ScenarioContext) {
		steps.Register(sc)
		sc.After(func(ctx context.Context, s *godog.Scenario, err error) (context.Context, error) {
			// The run itself has a few goroutines of its own, and one connection may be ending.
			const own = 4
			ok := assert.Eventually(t, func() bool {
				return runtime.NumGoroutine() <= goroutines+own && openFiles() <= files+1
			}, settleLimit, time.Millisecond, "%s: %d goroutines, %d files; before %d, %d", s.Name, runtime.NumGoroutine(), openFiles(), goroutines, files)
			if !ok {
				t.Log(s.Uri)
			}
			return ctx, err
		})
	}})
	require.NoError(t, err)
	assert.True(t, report.OK())
}

func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// write puts a feature into a folder of the test.
func write(tb testing.TB, text string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "x.feature")
	require.NoError(tb, os.WriteFile(file, []byte(text), 0o600))
	return filepath.ToSlash(file)
}

const three = `Feature: three
  @LB-1
  Scenario: one
    Given a sender "warehouse"
    When "warehouse" calls
    Then the response status is 403

  @LB-2 @slow
  Scenario Outline: two <status>
    Given a sender "warehouse"
    When "warehouse" calls
    Then the response status is <status>

    Examples:
      | status |
      | 403    |
      | 200    |

  Rule: a rule
    @LB-3
    Scenario: three
      Given a sender "warehouse" that is let in
`

func TestSelection(t *testing.T) {
	file := write(t, three)
	for given, want := range map[string][]int{
		"@LB": {3, 16, 17, 21}, "@LB-1": {3}, "@slow": {16, 17}, "not @slow": {3, 21}, "@LB and not @slow": {3, 21},
		"@LB-1 or @LB-3": {3, 21}, "not (@LB-1 or @slow)": {21}, "": {3, 16, 17, 21},
	} {
		chosen, err := suite.Select(suite.Config{Paths: []string{file}, Tags: given})
		require.NoError(t, err, given)
		var lines []int
		for _, s := range chosen {
			lines = append(lines, s.Line)
		}
		assert.Equal(t, want, lines, given)
	}
	chosen, err := suite.Select(suite.Config{Paths: []string{file + ":17", file + ":3", file + ":17"}})
	require.NoError(t, err)
	require.Len(t, chosen, 2)
	assert.Equal(t, "two 200", chosen[0].Name)
	chosen, err = suite.Select(suite.Config{Paths: []string{file + ":9"}})
	require.NoError(t, err)
	assert.Len(t, chosen, 2, "the line of an outline's keyword chooses all its rows")

	// The bundled suite is not on disk, and its places lead there all the same.
	all, err := suite.All()
	require.NoError(t, err)
	chosen, err = suite.Select(suite.Config{Paths: []string{all[7].ID()}})
	require.NoError(t, err)
	assert.Equal(t, all[7:8], chosen)
	chosen, err = suite.Select(suite.Config{Paths: []string{"features"}})
	require.NoError(t, err)
	assert.Len(t, chosen, len(all))
}

// Only what was chosen runs, and a report tells of each row by itself.
func TestRunRunsWhatWasChosen(t *testing.T) {
	file := write(t, three)
	report, err := suite.Run(t.Context(), suite.Config{Paths: []string{file + ":16", file + ":21"}})
	require.NoError(t, err)
	assert.Equal(t, 2, report.Passed)
	assert.True(t, report.OK())

	var out strings.Builder
	report, err = suite.Run(t.Context(), suite.Config{Paths: []string{file}, Output: &out})
	require.NoError(t, err)
	assert.Equal(t, 3, report.Passed)
	assert.Equal(t, 1, report.Failed)
	assert.False(t, report.OK())
	assert.Contains(t, out.String(), "failed  two 200 ("+file+":17)")
	assert.Contains(t, out.String(), "expected HTTP 200")
	assert.Contains(t, out.String(), "3 passed, 1 failed, 0 skipped")
	assert.Equal(t, suite.Tally{Passed: 1, Failed: 1}, report.ByRequirement()["LB-2"])
}

func TestNoFalseGreen(t *testing.T) {
	file := write(t, three)
	_, err := suite.Run(t.Context(), suite.Config{Paths: []string{file}, Tags: "@LB-1 and @LB-3"})
	require.ErrorIs(t, err, suite.ErrNothingSelected)
	_, err = suite.Run(t.Context(), suite.Config{Paths: []string{t.TempDir()}})
	require.ErrorIs(t, err, suite.ErrNothingSelected)

	var tag *suite.TagError
	_, err = suite.Run(t.Context(), suite.Config{Paths: []string{file}, Tags: "@LV-1"})
	require.ErrorAs(t, err, &tag)
	assert.ErrorContains(t, err, `did you mean "@LB-1"?`)
	_, err = suite.Run(t.Context(), suite.Config{Paths: []string{file}, Tags: "@LB-1 nor @LB-2"})
	require.ErrorAs(t, err, &tag)
	assert.Equal(t, 7, tag.Column)

	var input *suite.InputError
	_, err = suite.Run(t.Context(), suite.Config{Paths: []string{file + ":4"}})
	require.ErrorAs(t, err, &input)
	assert.ErrorContains(t, err, "scenarios begin at 3, 16, 17, 21")
	_, err = suite.Run(t.Context(), suite.Config{Paths: []string{write(t, "Feature: x\n  Scenario: y\n    Given a\n  what is this\n")}})
	require.ErrorAs(t, err, &input)
	assert.ErrorContains(t, err, "(4:3)")
	_, err = suite.Run(t.Context(), suite.Config{Paths: []string{file + ".gone"}})
	require.ErrorAs(t, err, &input)

	// A misspelt step fails and is answered with the nearest one.
	var out strings.Builder
	report, err := suite.Run(t.Context(), suite.Config{Output: &out, Paths: []string{write(t, "Feature: x\n  Scenario: y\n    Given a sendr \"warehouse\" that is let in\n    Then the call is let in\n")}})
	require.NoError(t, err)
	assert.Equal(t, 1, report.Errors)
	assert.False(t, report.OK())
	assert.Contains(t, out.String(), `did you mean "a sender \"warehouse\" that is let in"?`)

	// A scenario without steps proves nothing.
	_, err = suite.Run(t.Context(), suite.Config{Paths: []string{write(t, "Feature: x\n  Scenario: empty\n")}})
	require.ErrorAs(t, err, &input)
	assert.ErrorContains(t, err, "line 2")
}

func TestInterruptedRunSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := suite.Run(ctx, suite.Config{Paths: []string{write(t, three)}})
	assert.ErrorIs(t, err, context.Canceled)
}

func FuzzParseTags(f *testing.F) {
	for _, s := range []string{"@LB and not @slow", "((@a))", "not not @x or (@y and @z)", "@", "(", "and", "@a\t@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := suite.ParseTags(text)
		if err == nil {
			e.Match([]string{"@LB-3", "@slow"})
		}
	})
}
