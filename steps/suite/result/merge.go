package result

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MergeError says why reports cannot be joined.
type MergeError struct{ Message string }

func (e *MergeError) Error() string { return "the reports cannot be joined: " + e.Message }

// Source is a report with the name of where it came from.
type Source struct {
	Name   string
	Report *Report
}

// Merge joins the reports of the shards of one run. That a shard is missing is told in the result,
// whose verdict is then error; that one is there twice, or that the reports are not of one run, is
// an error. Close the result, not the parts.
func Merge(parts ...Source) (*Report, error) {
	if len(parts) == 0 {
		return nil, &MergeError{"none was given"}
	}
	first := parts[0]
	total := shardOf(first.Report).Total
	out := &Report{
		Gatehouse: first.Report.Gatehouse, Target: first.Report.Target, Began: first.Report.Began,
		Selection: first.Report.Selection,
	}
	of := map[int]string{}
	scenarios := map[string]string{}
	for _, part := range parts {
		r, shard := part.Report, shardOf(part.Report)
		switch {
		case len(r.Parts) > 0:
			return nil, &MergeError{fmt.Sprintf("%s is a merged report: give the parts themselves", part.Name)}
		case shard.Total != total:
			return nil, &MergeError{fmt.Sprintf("%s is shard %s and %s is shard %s: all must be of a run with the same number of shards", first.Name, shardOf(first.Report), part.Name, shard)}
		case of[shard.Index] != "":
			return nil, &MergeError{fmt.Sprintf("%s and %s are both shard %s: leave one out", of[shard.Index], part.Name, shard)}
		case r.Target != out.Target:
			return nil, &MergeError{fmt.Sprintf("%s ran against %q and %s against %q", first.Name, out.Target, part.Name, r.Target)}
		case r.Selection.Plan != out.Selection.Plan:
			return nil, &MergeError{fmt.Sprintf("%s and %s chose other scenarios: all shards need the same features, paths, --tags, --name and --durations", first.Name, part.Name)}
		}
		of[shard.Index] = part.Name
		for i := range r.Results {
			result := r.Results[i]
			id := result.Scenario.ID()
			if other, twice := scenarios[id]; twice {
				return nil, &MergeError{fmt.Sprintf("scenario %s is in %s and in %s: all shards need the same --durations", id, other, part.Name)}
			}
			scenarios[id] = part.Name
			calls, err := r.Calls(&r.Results[i])
			if err != nil {
				return nil, fmt.Errorf("joining reports: %w", err)
			}
			result.kept, result.calls = ref{}, calls
			out.Results = append(out.Results, result)
		}
		out.Parts = append(out.Parts, Part{Shard: shard, Scenarios: len(r.Results), Duration: r.Duration})
		out.Duration = max(out.Duration, r.Duration)
		out.Began = earlier(out.Began, r.Began)
		for _, note := range r.Notes {
			out.Notes = append(out.Notes, "shard "+shard.String()+": "+note)
		}
		if r.Reason != "" {
			out.Reason = join(out.Reason, "shard "+shard.String()+": "+r.Reason)
		}
	}
	slices.SortFunc(out.Parts, func(a, b Part) int { return a.Shard.Index - b.Shard.Index })
	slices.SortFunc(out.Results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.Scenario.File, b.Scenario.File), a.Scenario.Line-b.Scenario.Line)
	})
	for i := 1; i <= total; i++ {
		if of[i] == "" {
			out.Missing = append(out.Missing, i)
		}
	}
	if len(out.Missing) > 0 {
		out.Reason = join(out.Reason, missing(out.Missing, total))
	} else if n := out.Selection.Planned; n != len(out.Results) {
		out.Reason = join(out.Reason, fmt.Sprintf("%d scenarios were planned and %d are in the reports", n, len(out.Results)))
	}
	return out, out.Sum()
}

func shardOf(r *Report) Shard {
	if r.Shard == nil {
		return Shard{1, 1}
	}
	return *r.Shard
}

func missing(shards []int, total int) string {
	names := make([]string, len(shards))
	for i, n := range shards {
		names[i] = Shard{n, total}.String()
	}
	if len(names) == 1 {
		return "the report of shard " + names[0] + " is missing"
	}
	return "the reports of the shards " + strings.Join(names, ", ") + " are missing"
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
