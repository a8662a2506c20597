package suite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/suite/result"
)

// Two shards of the bundled suite take, by the durations of a real run, at most 0.55 of the whole.
func TestTwoShardsTakeHalf(t *testing.T) {
	all, err := suite.All()
	require.NoError(t, err)
	durations := map[string]time.Duration{}
	var whole time.Duration
	for i, s := range all {
		// As in a real run: most take some milliseconds, a few many times that.
		durations[s.ID()] = time.Duration(5+i%7) * time.Millisecond
		if i%50 == 0 {
			durations[s.ID()] = 700 * time.Millisecond
		}
		whole += durations[s.ID()]
	}
	for index := 1; index <= 2; index++ {
		chosen, err := suite.Select(suite.Config{Shard: result.Shard{Index: index, Total: 2}, Durations: durations})
		require.NoError(t, err)
		var mine time.Duration
		for _, s := range chosen {
			mine += durations[s.ID()]
		}
		assert.LessOrEqual(t, mine.Seconds(), 0.55*whole.Seconds())
	}
}

func TestMoreShardsThanScenariosAreRefused(t *testing.T) {
	_, err := suite.Select(suite.Config{Paths: []string{empty(t, 3)}, Shard: result.Shard{Index: 1, Total: 4}})
	require.ErrorIs(t, err, suite.ErrNothingSelected)
	assert.ErrorContains(t, err, "use 3 at most")
}

func TestShardIsFoundInTheVariablesOfSystems(t *testing.T) {
	for name, one := range map[string]struct {
		env  map[string]string
		want string
	}{
		"GitLab":              {map[string]string{"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "5"}, "2/5"},
		"GitLab, not divided": {map[string]string{"CI_NODE_TOTAL": "1"}, "1/1"},
		"CircleCI":            {map[string]string{"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "4"}, "1/4"},
		"Buildkite":           {map[string]string{"BUILDKITE_PARALLEL_JOB": "3", "BUILDKITE_PARALLEL_JOB_COUNT": "4"}, "4/4"},
		"Azure":               {map[string]string{"SYSTEM_JOBPOSITIONINPHASE": "1", "SYSTEM_TOTALJOBSINPHASE": "2"}, "1/2"},
		"Semaphore":           {map[string]string{"SEMAPHORE_JOB_INDEX": "2", "SEMAPHORE_JOB_COUNT": "2"}, "2/2"},
		"Bitbucket":           {map[string]string{"BITBUCKET_PARALLEL_STEP": "0", "BITBUCKET_PARALLEL_STEP_COUNT": "2"}, "1/2"},
		"Kubernetes":          {map[string]string{"JOB_COMPLETION_INDEX": "4", suite.ShardTotal: "5"}, "5/5"},
	} {
		got, system, err := suite.DetectShard(func(key string) string { return one.env[key] })
		require.NoError(t, err, name)
		assert.Equal(t, one.want, got.String(), name)
		assert.NotEmpty(t, system)
	}
	for name, env := range map[string]map[string]string{
		"nothing is set":               {},
		"set GATEHOUSE_SHARD_TOTAL to": {"JOB_COMPLETION_INDEX": "4"},
		"the index from 1":             {"CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "5"},
		"the index from 0":             {"CIRCLE_NODE_INDEX": "4", "CIRCLE_NODE_TOTAL": "4"},
		"expected whole numbers":       {"BUILDKITE_PARALLEL_JOB": "x", "BUILDKITE_PARALLEL_JOB_COUNT": "4"},
	} {
		_, _, err := suite.DetectShard(func(key string) string { return env[key] })
		if name == "nothing is set" {
			name = "no part is set"
		}
		assert.ErrorContains(t, err, name)
	}
}

func TestParseShard(t *testing.T) {
	got, err := suite.ParseShard("2/5")
	require.NoError(t, err)
	assert.Equal(t, result.Shard{Index: 2, Total: 5}, got)
	for _, text := range []string{"", "2", "0/5", "6/5", "2/0", "a/b", "2/5/6", "-1/5", "1/99999999", fmt.Sprintf("1/%d", suite.MaxShards+1)} {
		_, err := suite.ParseShard(text)
		assert.Error(t, err, text)
	}
}
