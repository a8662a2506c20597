package steps_test

import (
	"os"
	"testing"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps"
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
