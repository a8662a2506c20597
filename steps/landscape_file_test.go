package steps_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps"
)

// A landscape document beside the feature file is found wherever the suite is started from.
func TestLandscapeBesideTheFeature(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	document := strings.ReplaceAll(strings.Split(own, `"""`)[1], "\n      ", "\n")
	put("good.yaml", document)
	put("wrong.yaml", "chanels: []\n")
	run := func(file, rest string) (string, bool) {
		put("my.feature", "Feature: mine\n  Scenario: one\n    Given the landscape of the file \""+file+"\"\n"+rest)
		var out strings.Builder
		status := godog.TestSuite{
			Name: t.Name(), ScenarioInitializer: steps.Register,
			Options: &godog.Options{Format: "pretty", Output: &out, Strict: true, NoColors: true, Paths: []string{filepath.Join(dir, "my.feature")}},
		}.Run()
		return out.String(), status == 0
	}
	sales := "    And the sender \"till\" of the document\n    When \"till\" calls \"/http/sales\"\n    Then the call is let in as \"TILL\"\n"
	out, passed := run("good.yaml", sales)
	assert.True(t, passed, out)
	for file, found := range map[string]string{"missing.yaml": "cannot be read", "wrong.yaml": "chanels"} {
		out, passed = run(file, sales)
		assert.False(t, passed)
		assert.Contains(t, out, found)
		out, passed = run(file, `    Then the landscape is refused with "`+found+`"`)
		assert.True(t, passed, out)
	}
}
