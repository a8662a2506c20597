package suite

import (
	"bytes"
	"testing"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/features"
)

const tricky = `# a comment
@LB-1
Feature: tricky
  Words of a description, @not-a-tag
  * and more words

  Background:
    Given a

  @x
  # a comment between tag and keyword
  @y
  Scenario: first
    When b:
      """
      Scenario: only a text
      @z
      """
  Scenario Outline: rows <v> and <w>
    When b:
      | <v> |
    @e1
    Examples: one
      | v | w |
      | 1 | 2 |
      | 3 | 4 |
    @e2
    Examples: two
      | v | w |
      | 5 | 6 |
  @r
  Rule: a rule
    Background:
      And c
    Scenario: in the rule
      When d
    Example: in the rule, too
      When e
  Rule: another
    Scenario: last
      When f
`

// What is handed to godog for a scenario holds that scenario and no other, with all that belongs
// to it: background, tags, rule, tables and texts.
func TestContentIsTheScenarioAlone(t *testing.T) {
	all, err := bundled(features.FS())
	require.NoError(t, err)
	own, err := parse("tricky.feature", []byte(tricky))
	require.NoError(t, err)
	require.Len(t, own, 7)
	for _, s := range append(own, all...) {
		ids := (&messages.Incrementing{}).NewId
		doc, err := gherkin.ParseGherkinDocument(bytes.NewReader(s.content()), ids)
		require.NoError(t, err, s.ID())
		pickles := gherkin.Pickles(*doc, s.File, ids)
		require.Len(t, pickles, 1, s.ID())
		assert.Equal(t, s.Name, pickles[0].Name)
		var tags, steps, planned []string
		for _, tag := range pickles[0].Tags {
			tags = append(tags, tag.Name)
		}
		for _, step := range pickles[0].Steps {
			steps = append(steps, step.Text)
		}
		for _, step := range s.steps {
			planned = append(planned, step.text)
			assert.NotZero(t, step.line, s.ID())
			assert.NotEmpty(t, step.keyword, s.ID())
		}
		assert.Equal(t, s.Tags, tags, s.ID())
		assert.Equal(t, planned, steps, s.ID())
	}
	assert.Equal(t, "a rule", own[4].Rule)
	assert.Equal(t, "rows 5 and 6", own[3].Name)
	assert.Equal(t, 30, own[3].Line)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(tricky))
	f.Add([]byte("# language: de\nFunktionalität: x\n  Szenario: y\n    Angenommen a\n"))
	f.Add([]byte("Feature: x\n Scenario Outline: <a>\n  Given a\n  Examples:\n   |a|\n   |1|\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parse("x.feature", data)
		if err != nil {
			return
		}
		for i := range all {
			all[i].content()
			all[i].Requirements()
		}
	})
}
