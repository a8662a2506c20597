package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/features"
	"example.com/gatehouse/simulator/diagnosis"
)

// Each cause belongs to a requirement, and is shown by scenarios of one; the suite proves that each
// requirement has a scenario.
func TestCausesBelongToRequirements(t *testing.T) {
	t.Parallel()
	requirements, err := features.Requirements()
	require.NoError(t, err)
	known := map[string]features.Requirement{}
	for _, r := range requirements {
		known[r.ID] = r
	}
	all := diagnosis.Causes()
	require.GreaterOrEqual(t, len(all), 40)
	ids := map[string]bool{}
	for _, c := range all {
		assert.Contains(t, known, c.Requirement, c.ID)
		assert.Contains(t, known, c.Scenario, c.ID)
		assert.False(t, ids[c.ID], "%s stands there twice", c.ID)
		ids[c.ID] = true
		for name, text := range map[string]string{
			"title": c.Title, "symptom": c.Symptom, "evidence": c.Evidence, "why": c.Why, "fix": c.Fix, "check": c.Check, "source": c.Source,
		} {
			assert.NotEmpty(t, text, "%s: %s", c.ID, name)
		}
		assert.Contains(t, []string{"confirmed", "inferred", "conflicting", "choice"}, c.Mark, c.ID)
		if c.Reason != "" {
			_, ok := c.Reason.About()
			assert.True(t, ok, "%s: reason %s", c.ID, c.Reason)
		}
	}
}
