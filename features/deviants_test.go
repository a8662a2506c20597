package features_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/target"
)

// deviant is a landscape that is wrong in one way, in which real gateways are wrong.
type deviant struct {
	// does says what is wrong with it.
	does string
	// requirement is the rule that it breaks, scenario the name of the one that must notice.
	requirement, scenario string
	// parts makes the wrong part; it is called for each landscape.
	parts func() simulator.Parts
	// hopeless: not even a good call gets the right answer, so its scenario may fail at its Given.
	hopeless bool
}

func deviants() []deviant {
	return slices.Concat(verifyingDeviants(), handshakeDeviants(), forwardingDeviants(), spreadingDeviants(),
		identityDeviants(), mappingDeviants(), roleDeviants(), tableDeviants(), endpointDeviants(), answerDeviants(), accessLogDeviants(), traceDeviants())
}

// leastDeviants is how many the suite promises to notice.
const leastDeviants = 40

// The suite notices each deviant, in the scenario that names the rule, and because something else
// was found than the scenario says. With the honest parts the same scenarios pass.
func TestSuiteNoticesEveryDeviant(t *testing.T) {
	all := deviants()
	require.GreaterOrEqual(t, len(all), leastDeviants)

	t.Run("honest parts", func(t *testing.T) {
		t.Parallel()
		var tags, names []string
		for _, d := range all {
			tags, names = append(tags, "@"+d.requirement), append(names, exactly(d.scenario))
		}
		slices.Sort(tags)
		report := run(t, strings.Join(slices.Compact(tags), " or "), names, target.Embedded(simulator.Options{}))
		for _, d := range all {
			assert.Equal(t, suite.Passed, find(t, &report, d).Status, d.scenario)
		}
	})
	for _, d := range all {
		t.Run(d.does, func(t *testing.T) {
			t.Parallel()
			wrong := target.Embedded(simulator.Options{Parts: d.parts})
			report := run(t, "@"+d.requirement, []string{exactly(d.scenario)}, wrong)
			result := find(t, &report, d)
			require.Equal(t, suite.Failed, result.Status, "the suite lets this one pass")
			failure, _ := result.Failure()
			assert.Contains(t, failure.Message, "expected ", "the target is wrong, not the harness")
			if !d.hopeless {
				assert.NotContains(t, failure.Message, "the good twin is not let in")
			}
			// It is wrong in one way only: a good call gets in. Most scenarios begin with one.
			begins := slices.ContainsFunc(result.Steps, func(s suite.StepResult) bool { return strings.Contains(s.Text, "that is let in") })
			if !d.hopeless && !begins {
				require.NoError(t, wrong.Sanity(t.Context()))
			}
		})
	}
}

// run runs scenarios one after the other: the deviants run side by side.
func run(t *testing.T, tags string, names []string, on target.Target) suite.Report {
	t.Helper()
	report, err := suite.Run(t.Context(), suite.Config{Tags: tags, Names: names, Concurrency: 1, Initializer: steps.RegisterOn(on)})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, report.Close()) })
	return report
}

// exactly matches one name.
func exactly(name string) string { return "^" + regexp.QuoteMeta(name) + "$" }

func find(t *testing.T, report *suite.Report, d deviant) *suite.Result {
	t.Helper()
	for i, r := range report.Results {
		if r.Scenario.Name == d.scenario && slices.Contains(r.Scenario.Tags, "@"+d.requirement) {
			return &report.Results[i]
		}
	}
	require.Failf(t, "there is no such scenario", "%s %q", d.requirement, d.scenario)
	return nil
}
