package suite

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"example.com/gatehouse/features"
	"example.com/gatehouse/simulator/journey"
)

// printer tells people on a terminal how a run goes.
type printer struct {
	mu      sync.Mutex
	out     io.Writer
	verbose bool
}

// scenario prints one that did not pass with all that is known of it; others on request.
func (p *printer) scenario(r Result) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Status == Passed {
		if p.verbose {
			fmt.Fprintf(p.out, "passed  %s (%s)\n", journey.Printable(r.Scenario.Name), r.Scenario.ID())
		}
		return
	}
	fmt.Fprintf(p.out, "%-7s %s (%s)\n", r.Status, journey.Printable(r.Scenario.Name), r.Scenario.ID())
	if failure, ok := r.Failure(); ok {
		fmt.Fprintf(p.out, "        at  %s\n", journey.Printable(failure.Text))
		for _, line := range strings.Split(failure.Message, "\n") {
			fmt.Fprintf(p.out, "            %s\n", journey.Printable(line))
		}
	}
}

// summary prints the table by station and requirement, and the closing line.
func (p *printer) summary(r Report) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	requirements, err := features.Requirements()
	if err != nil {
		fmt.Fprintln(p.out, err)
	}
	counts := r.ByRequirement()
	station := ""
	slices.SortStableFunc(requirements, func(a, b features.Requirement) int { return order(a.Station) - order(b.Station) })
	for _, req := range requirements {
		t := counts[req.ID]
		if t.Total() == 0 {
			continue
		}
		if req.Station != station {
			station = req.Station
			fmt.Fprintf(p.out, "\n%s: %s\n", station, r.byStation(requirements, station))
		}
		verdict := "passed"
		switch {
		case t.Failed > 0:
			verdict = "FAILED"
		case t.Skipped > 0:
			verdict = "skipped"
		}
		fmt.Fprintf(p.out, "  %-7s %-7s %2d  %-11s %s\n", req.ID, verdict, t.Total(), req.Mark, req.Sentence)
	}
	fmt.Fprintf(p.out, "\n%s in %.1fs, median %d ms\n", count(len(r.Results), "scenario"), r.Duration.Seconds(), r.Median().Milliseconds())
	fmt.Fprintf(p.out, "%d passed, %d failed, %d skipped\n", r.Passed, r.Failed, r.Skipped)
}

// order is the place of a station on the way.
func order(station string) int { return slices.Index(journey.Stations(), journey.Station(station)) }

// byStation sums up the scenarios of a station, each counted once.
func (r Report) byStation(requirements []features.Requirement, station string) string {
	var t Tally
	for _, result := range r.Results {
		if slices.ContainsFunc(requirements, func(req features.Requirement) bool {
			return req.Station == station && slices.Contains(result.Scenario.Tags, "@"+req.ID)
		}) {
			t.add(result.Status)
		}
	}
	return fmt.Sprintf("%d of %s passed", t.Passed, count(t.Total(), "scenario"))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
