package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite/result"
)

// Printer prints for people on a terminal.
type Printer struct {
	W io.Writer
	// Style makes the word of a status stand out. Default: plain text.
	Style func(of result.Status, text string) string

	whole bool // with the details of what passed, and with the sources of requirements
}

func (p Printer) style(of result.Status, text string) string {
	if p.Style == nil {
		return text
	}
	return p.Style(of, text)
}

// writeText writes everything: what a terminal shows, and what is of no use there.
func writeText(w io.Writer, r *result.Report) error {
	p := Printer{W: w, whole: true}
	if _, err := io.WriteString(w, about(r)); err != nil {
		return err
	}
	for i := range r.Results {
		if err := p.Scenario(r, &r.Results[i]); err != nil {
			return err
		}
	}
	return p.Summary(r)
}

// about says what ran, when and against what.
func about(r *result.Report) string {
	s := r.Selection
	chosen := "the bundled suite"
	if len(s.Paths) > 0 {
		chosen = strings.Join(s.Paths, " ")
	}
	if s.Tags != "" {
		chosen += ", tags " + s.Tags
	}
	for _, name := range s.Names {
		chosen += ", name " + name
	}
	return fmt.Sprintf("gatehouse %s\ntarget    %s\nbegan     %s\nchosen    %s: %s, plan %s\norder     %s\nverdict   %s\ntook      %.3fs\nform      %s\n\n",
		journey.Printable(r.Gatehouse), journey.Printable(r.Target), r.Began.UTC().Format(time.RFC3339), journey.Printable(chosen), count(s.Planned, "scenario"), s.Plan, s.Order, r.Verdict, r.Duration.Seconds(), r.Schema)
}

// Scenario prints a scenario: one line if it passed or was not run, else all that is known of it.
func (p Printer) Scenario(r *result.Report, of *result.Result) error {
	text := fmt.Sprintf("%s %s (%s)\n", p.style(of.Status, fmt.Sprintf("%-7s", word(of))), journey.Printable(of.Scenario.Name), journey.Printable(of.Scenario.ID()))
	if notRun := of.Status == result.NotSupported || of.Status == result.Skipped; notRun && !p.whole {
		text = strings.TrimSuffix(text, "\n") + ": " + journey.Printable(firstLine(of.Reason)) + "\n"
	} else if p.whole || of.Status != result.Passed || of.Expected != "" {
		calls, err := r.Calls(of)
		if err != nil {
			return err
		}
		text += indent(detail(of, calls, p.whole), "        ")
	}
	_, err := io.WriteString(p.W, text)
	return err
}

// word is the status of a scenario for people.
func word(of *result.Result) string {
	switch {
	case of.Expected != "" && of.Status == result.Failed:
		return "failed as expected"
	case of.Expected != "" && of.Status == result.Passed:
		return "passed unexpectedly"
	}
	return string(of.Status)
}

// detail tells everything about a scenario. All texts are printable. If it is not to be whole, calls
// before the last are told in a line, and what stations saw is left to reports.
func detail(of *result.Result, calls []evidence.Call, whole bool) string {
	var b strings.Builder
	s := of.Scenario
	fmt.Fprintf(&b, "in      %s\n", journey.Printable(place(s)))
	if len(s.Tags) > 0 {
		fmt.Fprintf(&b, "tags    %s\n", journey.Printable(strings.Join(s.Tags, " ")))
	}
	if of.Expected != "" {
		fmt.Fprintf(&b, "known   expected to fail: %s\n", journey.Printable(of.Expected))
	}
	if of.Reason != "" {
		b.WriteString("reason  " + strings.TrimLeft(indent(printable(of.Reason), "        "), " "))
	}
	told := map[string]bool{}
	for _, step := range of.Steps {
		fmt.Fprintf(&b, "%-7s %s\n", step.Status, journey.Printable(strings.TrimSpace(step.Keyword+" "+step.Text)))
		if step.Message != "" && step.Message != of.Reason {
			b.WriteString(indent(printable(step.Message), "        "))
		}
		if step.Expected != "" && !strings.Contains(step.Message, step.Expected) {
			fmt.Fprintf(&b, "        expected %s\n           found %s\n", journey.Printable(step.Expected), journey.Printable(step.Found))
		}
		for _, line := range strings.Split(printable(step.Message), "\n") {
			told[strings.TrimSpace(line)] = true
		}
	}
	for i, c := range calls {
		if !whole && i < len(calls)-1 {
			fmt.Fprintf(&b, "call %d  %s: %s\n", i+1, journey.Printable(c.Sender), journey.Printable(saw(c)))
			continue
		}
		b.WriteString(callText(i, c, told, whole))
	}
	if of.Duration > 0 {
		fmt.Fprintf(&b, "took    %s\n", of.Duration.Round(time.Millisecond))
	}
	if of.Again != "" {
		fmt.Fprintf(&b, "again   %s\n", journey.Printable(of.Again))
	}
	return b.String()
}

// place names feature and rule.
func place(s result.Scenario) string {
	if s.Rule != "" {
		return s.Feature + " / " + s.Rule
	}
	return s.Feature
}

// callText tells a call, but for those lines that were told already.
func callText(number int, c evidence.Call, told map[string]bool, whole bool) string {
	var b strings.Builder
	if len(c.Journey.Stops) > 0 {
		_ = journey.WriteText(&b, c.Journey) // a builder takes everything
	}
	for _, stop := range c.Journey.Stops {
		if !whole {
			break
		}
		if stop.Reason != "" {
			fmt.Fprintf(&b, "reason  %s: %s; to do: %s\n", stop.Station, stop.Reason, journey.Printable(stop.Remedy()))
		}
		for _, fact := range stop.Saw {
			fmt.Fprintf(&b, "saw     %s: %s = %s\n", stop.Station, journey.Printable(fact.Name), journey.Printable(fact.Value))
		}
	}
	for _, line := range c.AccessLines {
		fmt.Fprintf(&b, "log     %s\n", journey.Printable(line))
	}
	for _, record := range c.TraceRecords {
		fmt.Fprintf(&b, "trace   %s\n", journey.Printable(record))
	}
	for _, one := range c.Certificates {
		fmt.Fprintf(&b, "certificate %s\n", journey.Printable(certificateText(one)))
	}
	var rest []string
	for _, line := range strings.Split(b.String(), "\n") {
		if clean := strings.TrimSpace(line); clean != "" && !told[clean] {
			rest = append(rest, line)
		}
	}
	head := fmt.Sprintf("call %d  %s: %s\n", number+1, journey.Printable(c.Sender), journey.Printable(saw(c)))
	return head + indent(strings.Join(rest, "\n"), "        ")
}

// saw is what the sender saw of a call.
func saw(c evidence.Call) string {
	switch {
	case c.Saw != "":
		return c.Saw
	case c.Journey.Status != 0:
		return fmt.Sprintf("HTTP %d", c.Journey.Status)
	}
	return "no HTTP answer"
}

func certificateText(c evidence.Certificate) string {
	return fmt.Sprintf("%s, issued by %s, serial %s, valid %s to %s, SHA-256 %s",
		c.Subject, c.Issuer, c.Serial, c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), c.SHA256)
}

// Summary prints the table by station and requirement, what else a reader must know, and the
// closing line.
func (p Printer) Summary(r *result.Report) error {
	var b strings.Builder
	for _, station := range journey.Stations() {
		counts := r.Station(string(station))
		if counts.Total() == 0 && !p.whole {
			continue
		}
		fmt.Fprintf(&b, "\n%s: %d of %s passed\n", station, counts.Passed, count(counts.Total(), "scenario"))
		for _, c := range r.Requirements {
			if c.Station != string(station) || c.Verdict == result.NotRun && !p.whole {
				continue
			}
			fmt.Fprintf(&b, "  %-7s %s %2d  %-11s %s\n", c.ID, p.style(c.Verdict, fmt.Sprintf("%-7s", shout(c.Verdict))), c.Counts.Total(), c.Mark, c.Sentence)
			if p.whole {
				fmt.Fprintf(&b, "          source %s\n", c.Source)
				if c.Why != "" {
					fmt.Fprintf(&b, "          why %s\n", c.Why)
				}
				for _, id := range c.Scenarios {
					fmt.Fprintf(&b, "          scenario %s\n", journey.Printable(id))
				}
			}
		}
	}
	var without result.Counts
	for i := range r.Results {
		if len(known(r, &r.Results[i])) == 0 {
			without.Add(&r.Results[i])
		}
	}
	if n := without.Total(); n > 0 {
		fmt.Fprintf(&b, "\nof no requirement: %d of %s passed\n", without.Passed, count(n, "scenario"))
	}
	b.WriteByte('\n')
	for _, line := range facts(r) {
		fmt.Fprintf(&b, "%-9s %s\n", line.Name, journey.Printable(line.Value))
	}
	fmt.Fprintf(&b, "%s in %.1fs, median %d ms\n%s\n", count(len(r.Results), "scenario"), r.Duration.Seconds(), r.Median().Milliseconds(), p.style(closing(r), r.Counts.String()))
	_, err := io.WriteString(p.W, b.String())
	return err
}

// fact is something about a run that has no other place.
type fact struct{ Name, Value string }

// facts are those of a run that a reader must know and that the counts do not tell; those of a
// plain run that passed are few.
func facts(r *result.Report) []fact {
	s := r.Selection
	out := []fact{}
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	if r.Verdict != result.VerdictPassed && r.Verdict != result.VerdictFailed || r.Reason != "" {
		add("verdict", string(r.Verdict))
	}
	add("reason", r.Reason)
	if s.Order != "defined" {
		add("order", s.Order)
	}
	if r.Shard != nil {
		add("shard", fmt.Sprintf("%s, of %s in all", r.Shard, count(s.Planned, "scenario")))
	}
	for _, p := range r.Parts {
		add("part", fmt.Sprintf("%s: %s in %.1fs", p.Shard, count(p.Scenarios, "scenario"), p.Duration.Seconds()))
	}
	if s.Rerun != "" {
		add("again", "what did not come out as it should in "+s.Rerun)
	}
	for _, note := range r.Notes {
		add("note", note)
	}
	return out
}

// known are the requirements of a scenario that the catalogue has.
func known(r *result.Report, of *result.Result) []string {
	return slices.DeleteFunc(of.Scenario.Requirements(), func(id string) bool {
		return !slices.ContainsFunc(r.Requirements, func(c result.Coverage) bool { return c.ID == id })
	})
}

// closing is the status whose style the last line has.
func closing(r *result.Report) result.Status {
	switch r.Verdict {
	case result.VerdictPassed:
		return result.Passed
	case result.VerdictFailed:
		return result.Failed
	}
	return result.Error
}

func shout(s result.Status) string {
	if s == result.Failed {
		return "FAILED"
	}
	return string(s)
}

// printable makes the lines of a text fit for a terminal.
func printable(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = journey.Printable(strings.ReplaceAll(line, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

// indent puts the space before every line, and ends the last.
func indent(text, space string) string {
	if text == "" {
		return ""
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return space + strings.Join(lines, "\n"+space) + "\n"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
