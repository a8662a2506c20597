package suite

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/steps/suite/result"
)

// However many shards there are and whatever the durations: each scenario is in exactly one, every
// machine comes to the same parts, and no part has more to do than another by more than one
// scenario.
func TestShardsDivideEvenly(t *testing.T) {
	const scenarios = 23
	all := make([]planned, scenarios)
	for i := range all {
		all[i].File, all[i].Line = "a.feature", i+1
	}
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(1, scenarios).Draw(t, "total")
		durations := map[string]time.Duration{}
		longest := time.Duration(0)
		for _, s := range all {
			d := time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond
			durations[s.ID()] = d
			longest = max(longest, d)
		}
		seen := map[string]int{}
		loads := make([]time.Duration, total)
		for i := range total {
			mine, err := shard(all, result.Shard{Index: i + 1, Total: total}, durations)
			require.NoError(t, err)
			again, err := shard(slices.Clone(all), result.Shard{Index: i + 1, Total: total}, maps.Clone(durations))
			require.NoError(t, err)
			assert.Equal(t, mine, again)
			for _, s := range mine {
				seen[s.ID()]++
				loads[i] += durations[s.ID()]
			}
		}
		assert.Len(t, seen, scenarios)
		for id, n := range seen {
			assert.Equal(t, 1, n, id)
		}
		assert.LessOrEqual(t, slices.Max(loads)-slices.Min(loads), longest)
	})
}
