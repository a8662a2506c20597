package suite

import (
	"fmt"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/document"
)

// Expectation says that scenarios fail, and why that is known.
type Expectation struct {
	// Scenario is "file:line", or the name of the scenario.
	Scenario string `yaml:"scenario,omitempty"`
	// Tags is a tag expression, in place of a scenario.
	Tags string `yaml:"tags,omitempty"`
	// Reason says why: a ticket, a decision. It stands in the reports.
	Reason string `yaml:"reason"`

	expression TagExpression
}

// ReadExpectations reads a document with expected failures:
//
//	expectedFailures:
//	  - {scenario: "features/loadbalancer/nodes.feature:25", reason: "GH-12"}
//	  - {tags: "@LB-14 and @slow", reason: "GH-13"}
func ReadExpectations(file string) ([]Expectation, error) {
	var read struct {
		ExpectedFailures []Expectation `yaml:"expectedFailures"`
	}
	source, err := document.ReadFile(file, &read)
	if err != nil {
		return nil, err
	}
	var problems document.Problems
	for i := range read.ExpectedFailures {
		e := &read.ExpectedFailures[i]
		at := fmt.Sprintf("expectedFailures[%d]", i)
		if (e.Scenario == "") == (e.Tags == "") {
			problems = append(problems, source.Problem(at, "expected either scenario (\"file:line\" or a name) or tags (an expression)"))
		}
		if strings.TrimSpace(e.Reason) == "" {
			problems = append(problems, source.Problem(at, "found no reason: say why the failure is expected, such as the number of a ticket"))
		}
		if e.Tags != "" {
			if e.expression, err = ParseTags(e.Tags); err != nil {
				problems = append(problems, source.Problem(at+".tags", "%v", err))
			}
		}
	}
	if len(read.ExpectedFailures) == 0 && len(problems) == 0 {
		problems = append(problems, source.Problem("", "holds no expected failure: list some under expectedFailures, or leave the file out"))
	}
	return read.ExpectedFailures, problems.Err()
}

func (e *Expectation) matches(s *planned) bool {
	if e.Tags != "" {
		if e.expression.match == nil {
			e.expression, _ = ParseTags(e.Tags)
		}
		return e.expression.match != nil && e.expression.Match(s.Tags)
	}
	return e.Scenario == s.ID() || e.Scenario == s.Name
}

// expect finds the reason for which each scenario is expected to fail. What chooses no scenario of
// the run is noted: a misspelt or outdated entry must not go unseen.
func expect(expectations []Expectation, chosen []planned) (map[string]string, []string) {
	reasons := map[string]string{}
	var notes []string
	for i := range expectations {
		e := &expectations[i]
		found := false
		for j := range chosen {
			if e.matches(&chosen[j]) {
				found = true
				id := chosen[j].ID()
				reasons[id] = strings.TrimPrefix(reasons[id]+"; "+e.Reason, "; ")
			}
		}
		if !found {
			var names []string
			for _, s := range chosen {
				names = append(names, s.ID(), s.Name)
			}
			slices.Sort(names)
			what := e.Scenario + e.Tags
			notes = append(notes, fmt.Sprintf("the expected failure %q chooses no scenario of this run%s", what, document.DidYouMean(what, slices.Compact(names))))
		}
	}
	return reasons, notes
}
