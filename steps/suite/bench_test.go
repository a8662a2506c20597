package suite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/suite/result"
)

// BenchmarkSuite runs the whole bundled suite with real sockets. The promise on two cores: under
// 8 s, the median scenario under 25 ms.
func BenchmarkSuite(b *testing.B) {
	for b.Loop() {
		report, err := suite.Run(b.Context(), suite.Config{})
		if err != nil || !report.OK() {
			b.Fatalf("%v, %s", err, report.Counts)
		}
		b.ReportMetric(float64(report.Median().Microseconds())/1000, "median-ms")
		b.ReportMetric(float64(len(report.Results)), "scenarios")
	}
}

// copies writes the bundled suite into a folder as often as it takes to come to n scenarios.
func copies(tb testing.TB, n int) string {
	tb.Helper()
	all, err := suite.All()
	require.NoError(tb, err)
	dir := tb.TempDir()
	require.NoError(tb, os.CopyFS(filepath.Join(dir, "0"), os.DirFS(filepath.Join("..", "..", "features"))))
	for i := 1; i*len(all) < n; i++ {
		require.NoError(tb, os.CopyFS(filepath.Join(dir, fmt.Sprint(i)), os.DirFS(filepath.Join("..", "..", "features"))))
	}
	return filepath.ToSlash(dir)
}

// BenchmarkThousand runs 1,000 scenarios of the bundled suite on the embedded simulator. The
// promise on two cores: under 25 s and 300 MB.
func BenchmarkThousand(b *testing.B) {
	dir := copies(b, 1000)
	for b.Loop() {
		used := cpuTime()
		report, err := suite.Run(b.Context(), suite.Config{Paths: []string{dir}})
		if err != nil || !report.OK() {
			b.Fatalf("%v, %s", err, report.Counts)
		}
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		b.ReportMetric(report.Duration.Seconds()*1000/float64(len(report.Results)), "s/1000-scenarios")
		b.ReportMetric(float64(memory.Sys)/1e6, "MB-from-system")
		b.ReportMetric((cpuTime()-used).Seconds()*1000/float64(len(report.Results)), "cpu-s/1000-scenarios")
	}
}

// expressions are compiled once, like those of the vocabulary: a to e, and others to try.
var expressions = func() []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, d := range steps.Vocabulary() {
		out = append(out, regexp.MustCompile(d.Expression()))
	}
	for _, word := range []string{"a", "b", "c", "d", "e"} {
		out = append(out, regexp.MustCompile("^"+word+"$"))
	}
	return out
}()

// quick registers as many steps as the vocabulary has, none of which does anything.
func quick(sc *godog.ScenarioContext) {
	for _, expr := range expressions {
		sc.Step(expr, func() error { return nil }) // none takes what an expression finds: only a to e are said
	}
}

// empty is a suite of n scenarios with five steps each.
func empty(tb testing.TB, n int) string {
	tb.Helper()
	var b strings.Builder
	b.WriteString("Feature: empty\n")
	for i := range n {
		fmt.Fprintf(&b, "\n  @LB-1\n  Scenario: number %d\n    Given a\n    And b\n    When c\n    Then d\n    And e\n", i)
	}
	return write(tb, b.String())
}

// BenchmarkOwnCost is what a scenario costs without a landscape, with as many step definitions as
// the vocabulary has. The promise: under 1 ms.
func BenchmarkOwnCost(b *testing.B) {
	file := empty(b, 40) // as many as a long feature file has
	n, used := 0, cpuTime()
	for b.Loop() {
		report, err := suite.Run(b.Context(), suite.Config{Paths: []string{file}, Initializer: quick, Concurrency: 1})
		if err != nil || !report.OK() {
			b.Fatalf("%v, %s", err, report.Counts)
		}
		n += len(report.Results)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(n), "ms/scenario")
	b.ReportMetric(float64((cpuTime()-used).Microseconds())/1000/float64(n), "cpu-ms/scenario")
}

// BenchmarkShards runs the bundled suite whole and in two parts, each by itself as on a machine of
// its own. The promise: two shards take at most 0.55 of the time of one. Reported are the medians of
// all rounds, since a round takes seconds only: give it some (-benchtime 5x).
func BenchmarkShards(b *testing.B) {
	run := func(config suite.Config) result.Report {
		report, err := suite.Run(b.Context(), config)
		require.NoError(b, err)
		return report
	}
	earlier := run(suite.Config{}) // as in a pipeline; and all is warm then
	durations := suite.DurationsOf(&earlier)
	var whole, slower []time.Duration
	for b.Loop() {
		whole = append(whole, run(suite.Config{}).Duration)
		var longest time.Duration
		for i := 1; i <= 2; i++ {
			part := run(suite.Config{Shard: result.Shard{Index: i, Total: 2}, Durations: durations})
			longest = max(longest, part.Duration)
		}
		slower = append(slower, longest)
	}
	slices.Sort(whole)
	slices.Sort(slower)
	b.ReportMetric(slower[len(slower)/2].Seconds()/whole[len(whole)/2].Seconds(), "of-one")
}
