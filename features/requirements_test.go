package features_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/features"
	"example.com/gatehouse/simulator/journey"
)

var tag = regexp.MustCompile(`@([A-Z]+-\d+)\b`)

// Every requirement has a scenario, every scenario has a requirement, and what the reasons say of
// requirements is true.
func TestRequirementsAndScenariosBelongTogether(t *testing.T) {
	requirements, err := features.Requirements()
	require.NoError(t, err)
	known := map[string]bool{}
	for _, r := range requirements {
		assert.False(t, known[r.ID], "%s stands twice", r.ID)
		known[r.ID] = true
		assert.Regexp(t, `^[A-Z]+-\d+$`, r.ID)
		assert.Contains(t, []string{"confirmed", "inferred", "conflicting", "choice"}, r.Mark, r.ID)
		assert.Contains(t, journey.Stations(), journey.Station(r.Station), r.ID)
		assert.NotEmpty(t, r.Source, r.ID)
		assert.NotEmpty(t, r.Sentence, r.ID)
		if r.Mark != "confirmed" {
			assert.NotEmpty(t, r.Why, "%s is %s: the catalogue says why", r.ID, r.Mark)
		}
	}
	proved := map[string]bool{}
	scenarios := 0
	err = fs.WalkDir(features.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(features.FS(), path)
		if err != nil {
			return err
		}
		before := ""
		for i, line := range strings.Split(string(data), "\n") {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "Scenario") {
				scenarios++
				ids := tag.FindAllStringSubmatch(before, -1)
				assert.NotEmpty(t, ids, "%s:%d: a scenario without a requirement", path, i+1)
				for _, id := range ids {
					assert.True(t, known[id[1]], "%s:%d: there is no requirement %s", path, i+1, id[1])
					proved[id[1]] = true
				}
			}
			if line != "" {
				before = line
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Positive(t, scenarios)
	for id := range known {
		assert.True(t, proved[id], "requirement %s has no scenario", id)
	}
	for _, reason := range journey.Reasons() {
		assert.True(t, known[reason.Requirement()], "reason %s: there is no requirement %s", reason, reason.Requirement())
	}
}
