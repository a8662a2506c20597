package suite

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"example.com/gatehouse/features"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/steps/suite/result"
	"example.com/gatehouse/steps/target"
)

// ErrNothingSelected says that no scenario was chosen: a run that proves nothing is not green.
var ErrNothingSelected = errors.New("nothing was selected")

// NameError is a pattern of names that cannot be used.
type NameError struct {
	Pattern string
	Err     error
}

func (e *NameError) Error() string { return fmt.Sprintf("name %q: %v", e.Pattern, e.Err) }

func (e *NameError) Unwrap() error { return e.Err }

// plan is what was chosen for a run.
type plan struct {
	scenarios []planned // of this shard, in the order of files and lines
	selection result.Selection
	notes     []string
}

// Select returns the scenarios that a run with this configuration would take, in the order in
// which it would begin them.
func Select(config Config) ([]Scenario, error) {
	p, err := makePlan(config)
	if err != nil {
		return nil, err
	}
	out := make([]Scenario, len(p.scenarios))
	for i, at := range config.Order.arrange(len(p.scenarios)) {
		out[i] = p.scenarios[at].Scenario
	}
	return out, nil
}

// All returns the scenarios of paths, whatever their tags; without a path those of the bundled
// suite.
func All(paths ...string) ([]Scenario, error) {
	all, err := load(paths)
	out := make([]Scenario, len(all))
	for i := range all {
		out[i] = all[i].Scenario
	}
	return out, err
}

func load(paths []string) ([]planned, error) {
	if len(paths) == 0 {
		return bundled(features.FS())
	}
	return fromPaths(paths)
}

func makePlan(config Config) (*plan, error) {
	expression, err := ParseTags(config.Tags)
	if err != nil {
		return nil, err
	}
	names, err := compileNames(config.Names)
	if err != nil {
		return nil, err
	}
	paths := config.Paths
	if len(paths) == 0 && config.Rerun != nil {
		paths = config.Rerun.Selection.Paths
	}
	all, err := load(paths)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: there is no scenario in %s", ErrNothingSelected, strings.Join(paths, ", "))
	}
	if err := expression.check(tagsOf(all)); err != nil {
		return nil, err
	}
	if err := checkNeeds(config.Target, all); err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(s planned) bool { return !expression.Match(s.Tags) || !matchesName(names, s.Name) })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%w: none of %s has %s", ErrNothingSelected, count(len(all), "scenario"), wanted(config))
	}
	p := &plan{selection: result.Selection{Paths: paths, Tags: config.Tags, Names: config.Names, Order: config.Order.String()}}
	if config.Rerun != nil {
		p.selection.Rerun = config.RerunName
		if chosen, p.notes, err = again(config.Rerun, chosen); err != nil {
			return nil, err
		}
	}
	p.selection.Planned, p.selection.Plan = len(chosen), fingerprint(chosen)
	p.scenarios, err = shard(chosen, config.Shard, config.Durations)
	return p, err
}

// wanted tells what was asked for.
func wanted(config Config) string {
	var parts []string
	if config.Tags != "" {
		parts = append(parts, "tags as in "+config.Tags)
	}
	if len(config.Names) > 0 {
		parts = append(parts, fmt.Sprintf("a name as in %q", config.Names))
	}
	return strings.Join(parts, " and ")
}

func tagsOf(all []planned) []string {
	var known []string
	for _, s := range all {
		known = append(known, s.Tags...)
	}
	return known
}

func compileNames(patterns []string) ([]*regexp.Regexp, error) {
	var out []*regexp.Regexp
	for _, pattern := range patterns {
		expr, err := regexp.Compile("(?i)" + pattern)
		if err != nil {
			return nil, &NameError{pattern, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))}
		}
		out = append(out, expr)
	}
	return out, nil
}

func matchesName(names []*regexp.Regexp, name string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(expr *regexp.Regexp) bool { return expr.MatchString(name) })
}

// fingerprint is the same for the same scenarios, in whatever order.
func fingerprint(chosen []planned) string {
	ids := make([]string, len(chosen))
	for i, s := range chosen {
		ids[i] = s.ID() + " " + s.Name
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	return hex.EncodeToString(sum[:8])
}

// again chooses the scenarios that did not come out as they should. A scenario that stands on
// another line by now is found by its name.
func again(report *result.Report, chosen []planned) ([]planned, []string, error) {
	var open []Scenario
	for _, r := range report.Results {
		switch {
		case r.Expected != "" && r.Status == result.Passed:
		case r.Status == result.Passed, r.Status == result.NotSupported, r.Expected != "" && r.Status == result.Failed:
			continue
		}
		open = append(open, r.Scenario)
	}
	if len(open) == 0 {
		return nil, nil, fmt.Errorf("%w: every scenario of the report came out as it should, there is nothing to run again", ErrNothingSelected)
	}
	var out []planned
	var gone []string
	for _, want := range open {
		at := slices.IndexFunc(chosen, func(s planned) bool { return s.ID() == want.ID() && s.Name == want.Name })
		if at < 0 {
			at = slices.IndexFunc(chosen, func(s planned) bool { return s.File == want.File && s.Name == want.Name })
		}
		if at < 0 {
			gone = append(gone, fmt.Sprintf("%s (%s) is not there any more, or was not chosen", want.Name, want.ID()))
			continue
		}
		if !slices.ContainsFunc(out, func(s planned) bool { return s.ID() == chosen[at].ID() }) {
			out = append(out, chosen[at])
		}
	}
	if len(out) == 0 {
		return nil, nil, fmt.Errorf("%w: of the scenarios to run again none is there: %s", ErrNothingSelected, strings.Join(gone, "; "))
	}
	return out, gone, nil
}

// checkNeeds finds tags "@needs-…" that name a feature which no target has: the scenario would never
// run.
func checkNeeds(on Target, all []planned) error {
	known := target.Names()
	if namer, ok := on.(interface{ Features() []string }); ok {
		known = namer.Features()
	}
	for _, s := range all {
		for _, need := range needs(s.Tags) {
			if !slices.Contains(known, need) {
				return &InputError{s.ID(), fmt.Sprintf("the tag @needs-%s names no feature of a target%s; there are %s", need, document.DidYouMean(need, known), strings.Join(known, ", "))}
			}
		}
	}
	return nil
}

// needs are the features that tags name.
func needs(tags []string) []string {
	var out []string
	for _, tag := range tags {
		if need, ok := strings.CutPrefix(tag, "@"+target.TagPrefix); ok {
			out = append(out, need)
		}
	}
	return out
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
