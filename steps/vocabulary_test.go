package steps_test

import (
	"os"
	"strings"
	"testing"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/target"
)

// Each example is understood by its own step and by no other: a sentence has one meaning.
func TestVocabularyIsUnambiguous(t *testing.T) {
	vocabulary := steps.Vocabulary()
	require.NotEmpty(t, vocabulary)
	for i, d := range vocabulary {
		assert.NotEmpty(t, d.Noun, d.Example)
		assert.NotEmpty(t, d.Meaning, d.Example)
		for j, other := range vocabulary {
			assert.Equal(t, i == j, other.Matches(d.Example), "%q and %s", d.Example, other.Expression())
		}
	}
}

func ExampleRegister() {
	status := godog.TestSuite{
		Name:                "my own suite",
		ScenarioInitializer: steps.Register,
		Options: &godog.Options{
			Format: "progress", Output: discard{}, Strict: true,
			FeatureContents: []godog.Feature{{Name: "my.feature", Contents: []byte(`Feature: mine
  Scenario: The warehouse gets in
    Given a sender "warehouse" that is let in
    When "warehouse" calls "/http/orders"
    Then the call is let in as "WAREHOUSE"
`)}},
		},
	}.Run()
	os.Stdout.WriteString([]string{"passed", "failed"}[status])
	// Output: passed
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// A team's own suite against a target of its choice: here the embedded simulator once more, elsewhere
// what target.Remote makes of a target document.
func ExampleRegisterOn() {
	status := godog.TestSuite{
		Name:                "my own suite",
		ScenarioInitializer: steps.RegisterOn(target.Embedded(simulator.Options{})),
		Options: &godog.Options{
			Format: "progress", Output: discard{}, Strict: true,
			FeatureContents: []godog.Feature{{Name: "my.feature", Contents: []byte(`Feature: mine
  @needs-good-sender @needs-stations
  Scenario: The warehouse stays out without its chain
    Given a sender "warehouse" that is let in
    When "warehouse" calls "/http/orders" without its intermediate certificates
    Then the call is refused at the load balancer with verify result 20
`)}},
		},
	}.Run()
	os.Stdout.WriteString([]string{"passed", "failed"}[status])
	// Output: passed
}

// What a sentence needs of a target is that of its step and of its phrases.
func TestNeeds(t *testing.T) {
	for sentence, want := range map[string][]string{
		`"warehouse" calls`: nil,
		`"warehouse" calls with a certificate that has the defect "expired" and with TLS 1.2`: {"mappings", "mint-trusted"},
		`a channel "/http/x" whose table holds the certificate of the CA`:                     {"channels", "mint-trusted"},
		`the response status is 401`: nil,
		`400 days pass`:              {"clock"},
	} {
		got, understood := steps.Needs(sentence)
		assert.True(t, understood, sentence)
		assert.Equal(t, want, got, sentence)
	}
	_, understood := steps.Needs("what is this")
	assert.False(t, understood)
	for _, d := range steps.Vocabulary() {
		for _, f := range d.Needs {
			assert.True(t, target.Known(f), "%s needs %q", d.Example, f)
		}
		if _, understood := steps.Needs(d.Example); !understood {
			t.Errorf("nothing understands %q", d.Example)
		}
	}
}

// A scenario that needs what the target lacks ends before its first step.
func TestTagOfAFeatureThatTheTargetLacks(t *testing.T) {
	var out strings.Builder
	status := godog.TestSuite{
		Name:                "lacking",
		ScenarioInitializer: steps.RegisterOn(lacking{target.Embedded(simulator.Options{})}),
		Options: &godog.Options{
			Format: "pretty", Output: &out, Strict: true, NoColors: true,
			FeatureContents: []godog.Feature{{Name: "my.feature", Contents: []byte("Feature: x\n  @needs-clock\n  Scenario: y\n    Given 3 days pass\n")}},
		},
	}.Run()
	assert.Equal(t, 1, status)
	assert.Contains(t, out.String(), `the target does not support "clock": it has none`)
}

type lacking struct{ target.Target }

func (lacking) Supports(feature string) (bool, string) { return feature != "clock", "it has none" }
