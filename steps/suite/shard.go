package suite

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/gatehouse/steps/suite/result"
)

// MaxShards is into how many parts a run can be divided.
const MaxShards = 10_000

// ParseShard reads "2/5".
func ParseShard(text string) (result.Shard, error) {
	index, total, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(total)
	switch {
	case !ok || err != nil || err2 != nil:
		return result.Shard{}, fmt.Errorf("found %q, expected a part and how many there are, such as 2/5, or auto", text)
	case n < 1 || n > MaxShards:
		return result.Shard{}, fmt.Errorf("found %d shards, expected 1 to %d", n, MaxShards)
	case i < 1 || i > n:
		return result.Shard{}, fmt.Errorf("found shard %d of %d, expected 1/%d to %d/%d: shards are counted from 1", i, n, n, n, n)
	}
	return result.Shard{Index: i, Total: n}, nil
}

// division is how a system tells a job which part it is.
type division struct {
	system       string
	index, total string // names of variables
	from         int    // the number of the first part
}

// ShardTotal is the variable that says how many shards there are where a system tells the index
// only: a Kubernetes indexed Job.
const ShardTotal = "GATEHOUSE_SHARD_TOTAL"

// divisions are the variables of the systems, by their documentation. AWS CodeBuild, Jenkins and
// GitHub Actions set none: there the part is given as --shard.
var divisions = []division{
	{"GitLab CI", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1},
	{"CircleCI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0},
	{"Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0},
	{"Azure Pipelines", "SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1},
	{"Semaphore", "SEMAPHORE_JOB_INDEX", "SEMAPHORE_JOB_COUNT", 1},
	{"Bitbucket Pipelines", "BITBUCKET_PARALLEL_STEP", "BITBUCKET_PARALLEL_STEP_COUNT", 0},
	{"a Kubernetes indexed Job", "JOB_COMPLETION_INDEX", ShardTotal, 0},
}

// DetectShard finds the part that a job is in the variables of common systems. The second result
// names the system.
func DetectShard(env func(string) string) (result.Shard, string, error) {
	for _, d := range divisions {
		index, total := env(d.index), env(d.total)
		switch {
		case index == "" && total == "1":
			return result.Shard{Index: 1, Total: 1}, d.system, nil // not divided
		case index == "" || (total == "" && d.total != ShardTotal):
			continue
		case total == "":
			return result.Shard{}, "", fmt.Errorf("%s tells the index only (%s=%s): set %s to the number of completions", d.system, d.index, index, ShardTotal)
		}
		i, err := strconv.Atoi(index)
		n, err2 := strconv.Atoi(total)
		if err != nil || err2 != nil || n > MaxShards || i < d.from || i-d.from >= n {
			return result.Shard{}, "", fmt.Errorf("%s: found %s=%q and %s=%q, expected whole numbers, the index from %d", d.system, d.index, index, d.total, total, d.from)
		}
		return result.Shard{Index: i - d.from + 1, Total: n}, d.system, nil
	}
	var names []string
	for _, d := range divisions {
		names = append(names, d.index+" and "+d.total+" ("+d.system+")")
	}
	return result.Shard{}, "", fmt.Errorf("no part is set: looked for %s; give the part itself, such as 2/5", strings.Join(names, ", "))
}

// shard chooses the scenarios of one part. The longest scenarios are dealt out first, each to the
// part that has the least to do: the parts differ by one scenario's duration at most. Every machine
// comes to the same parts from the same durations. A scenario without a known duration counts as
// the median of the others.
func shard(chosen []planned, part result.Shard, durations map[string]time.Duration) ([]planned, error) {
	if part.Total <= 1 {
		return chosen, nil
	}
	if part.Total > len(chosen) {
		return nil, fmt.Errorf("%w: %s cannot be divided into %d shards: use %d at most", ErrNothingSelected, count(len(chosen), "scenario"), part.Total, len(chosen))
	}
	weights := weigh(chosen, durations)
	order := Order{}.arrange(len(chosen))
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(weights[b], weights[a]), cmp.Compare(chosen[a].ID(), chosen[b].ID()))
	})
	loads := make([]time.Duration, part.Total)
	mine := make([]bool, len(chosen))
	for _, at := range order {
		least := 0
		for i, load := range loads {
			if load < loads[least] {
				least = i
			}
		}
		loads[least] += weights[at]
		mine[at] = least == part.Index-1
	}
	var out []planned
	for i, s := range chosen {
		if mine[i] {
			out = append(out, s)
		}
	}
	return out, nil
}

func weigh(chosen []planned, durations map[string]time.Duration) []time.Duration {
	var known []time.Duration
	for _, s := range chosen {
		if d := durations[s.ID()]; d > 0 {
			known = append(known, d)
		}
	}
	median := time.Millisecond
	if len(known) > 0 {
		slices.Sort(known)
		median = known[len(known)/2]
	}
	out := make([]time.Duration, len(chosen))
	for i, s := range chosen {
		if out[i] = durations[s.ID()]; out[i] <= 0 {
			out[i] = median
		}
	}
	return out
}

// DurationsOf are the durations of an earlier report, by the ids of scenarios.
func DurationsOf(r *result.Report) map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, one := range r.Results {
		if one.Duration > 0 {
			out[one.Scenario.ID()] = one.Duration
		}
	}
	return out
}
