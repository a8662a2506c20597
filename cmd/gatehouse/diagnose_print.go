package main

import (
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
)

// diagnosisText is a report for people. All that came from the evidence is made printable.
func diagnosisText(r *diagnosis.Report, all bool) string {
	var b strings.Builder
	readText(&b, r)
	for i, c := range r.Cases {
		b.WriteByte('\n')
		caseText(&b, i+1, c, all)
	}
	if r.MoreCases > 0 {
		fmt.Fprintf(&b, "\nand %d more failures with fewer calls: --cases tells of more\n", r.MoreCases)
	}
	if r.Summary.Calls > 1 {
		b.WriteByte('\n')
		summaryText(&b, r.Summary)
	}
	return b.String()
}

func readText(b *strings.Builder, r *diagnosis.Report) {
	read := r.Read
	fmt.Fprintf(b, "Read %s and %s", counted(read.AccessLines, "access log line"), counted(read.TraceRecords, "trace record"))
	if len(read.Nodes) > 0 {
		fmt.Fprintf(b, " of %s (%s)", counted(len(read.Nodes), "runtime node"), clean(strings.Join(read.Nodes, ", ")))
	}
	if !read.From.IsZero() {
		fmt.Fprintf(b, ", %s to %s UTC", second(read.From), second(read.To))
	}
	b.WriteString(".\n")
	if len(read.Outputs) > 0 {
		fmt.Fprintf(b, "Read what clients wrote: %s.\n", clean(strings.Join(read.Outputs, ", ")))
	}
	if read.Mended > 0 {
		fmt.Fprintf(b, "%s had been broken or had typographic characters.\n", counted(read.Mended, "line"))
	}
	if read.UnreadableLines+read.UnreadableFiles > 0 {
		fmt.Fprintf(b, "%s\n", bad.Render(fmt.Sprintf("Not readable: %s, %s.", counted(read.UnreadableLines, "line"), counted(read.UnreadableFiles, "file"))))
		for _, e := range read.Examples {
			fmt.Fprintf(b, "  %s\n", faint.Render(clean(clip(e, maxShown))))
		}
	}
	for _, s := range read.Skipped {
		fmt.Fprintf(b, "  %s\n", faint.Render("skipped "+clean(clip(s, maxShown))))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(b, "Note: %s\n", clean(n))
	}
}

func caseText(b *strings.Builder, number int, c diagnosis.Case, all bool) {
	fmt.Fprintf(b, "%s\n", heading.Render(fmt.Sprintf("%d  %s", number, clean(clip(c.What, 3*maxShown)))))
	if c.Calls > 0 {
		line := counted(c.Calls, "call") + ", " + second(c.First)
		if !c.Last.Equal(c.First) {
			line += " to " + second(c.Last)
		}
		if len(c.Nodes) > 0 {
			line += ", at " + strings.Join(c.Nodes, ", ")
		}
		if len(c.Clients) > 0 {
			line += ", from " + strings.Join(c.Clients, ", ")
		}
		fmt.Fprintf(b, "   %s\n", clean(line))
	}
	for _, q := range c.Quotes {
		fmt.Fprintf(b, "   %s\n", faint.Render("│ "+quoteText(q)))
	}
	if len(c.Causes) == 0 {
		fmt.Fprintf(b, "   %s  no cause that is known fits; the message processing log and the sender's own log may tell\n", bad.Render("not known"))
		return
	}
	var merely []string
	for i, f := range c.Causes {
		tied := i == 0
		for _, id := range c.Apart {
			tied = tied || id == f.Cause.ID
		}
		if !all && !tied && f.Likelihood == diagnosis.Possible || !all && i >= mostCauses {
			merely = append(merely, f.Cause.ID)
			continue
		}
		causeText(b, f, i == 0 || all || len(c.Apart) == 0 || f.Likelihood != diagnosis.Possible)
	}
	if len(merely) > 0 {
		fmt.Fprintf(b, "   %-8s  %s\n", "also", strings.Join(merely, ", "))
	}
	if len(c.Apart) > 0 {
		fmt.Fprintf(b, "   This evidence does not tell apart: %s.\n", strings.Join(c.Apart, ", "))
	}
	if len(c.Next) > 0 {
		b.WriteString("   Look next:\n")
		for _, n := range c.Next {
			fmt.Fprintf(b, "     - %s\n", clean(n))
		}
	}
	if len(c.Journeys) > 0 {
		fmt.Fprintf(b, "   The way of the call: %s\n", wayText(c.Journeys[0]))
	}
}

// mostCauses is how many causes of a case are told at length.
const mostCauses = 8

func causeText(b *strings.Builder, f diagnosis.Finding, atLength bool) {
	style := bad
	if strings.HasPrefix(f.Cause.Title, "No fault") {
		style = good
	}
	fmt.Fprintf(b, "   %s  %s (%s, %s)\n", style.Render(fmt.Sprintf("%-8s", f.Likelihood)), f.Cause.Title, f.Cause.ID, f.Cause.Requirement)
	if !atLength {
		return
	}
	line := func(name, text string) { fmt.Fprintf(b, "     %-8s %s\n", name, clean(text)) }
	for _, p := range f.For {
		line("for", p.Text)
	}
	for _, p := range f.Against {
		line("against", p.Text)
	}
	line("to do", f.Fix)
}

// wayText tells the stations of a call that was rebuilt.
func wayText(j journey.Journey) string {
	var stops []string
	for _, s := range j.Stops {
		stops = append(stops, fmt.Sprintf("%s %s", s.Station, s.Verdict))
	}
	return strings.Join(stops, " → ")
}

func quoteText(q diagnosis.Quote) string {
	text := clean(clip(q.Text, 2*maxShown))
	if q.File == "" {
		return text
	}
	if q.Line == 0 {
		return fmt.Sprintf("%s  %s", clean(q.File), text)
	}
	return fmt.Sprintf("%s:%d  %s", clean(q.File), q.Line, text)
}

// summaryRows bounds the tables on a terminal.
const summaryRows = 15

func summaryText(b *strings.Builder, s diagnosis.Summary) {
	fmt.Fprintf(b, "%s\n", heading.Render(fmt.Sprintf("%s, %d refused", counted(s.Calls, "call"), s.Refused)))
	if s.Pings > 0 {
		fmt.Fprintf(b, "%d of them are the management node's\n", s.Pings)
	}
	plotText(b, s)
	if len(s.ByCause) > 0 {
		var cells [][]string
		for _, c := range s.ByCause[:min(len(s.ByCause), summaryRows)] {
			name, title := c.Cause, "not known"
			if cause, ok := diagnosis.ByID(c.Cause); ok {
				title = cause.Title
			}
			if !c.Sure && name != "" {
				title += " (or another)"
			}
			cells = append(cells, []string{fmt.Sprint(c.Calls), sparks(c.OverTime), name, title})
		}
		b.WriteByte('\n')
		b.WriteString(rows([]string{"REFUSED", "OVER TIME", "CAUSE", ""}, cells))
	}
	var cells [][]string
	for _, one := range s.BySender[:min(len(s.BySender), summaryRows)] {
		cells = append(cells, []string{clip(one.Sender, 60), fmt.Sprint(one.Calls), fmt.Sprint(one.Refused), second(one.First), second(one.Last)})
	}
	if len(cells) > 0 {
		b.WriteByte('\n')
		b.WriteString(rows([]string{"SENDER", "CALLS", "REFUSED", "FIRST", "LAST"}, cells))
	}
	if more := len(s.BySender) - summaryRows; more > 0 {
		fmt.Fprintf(b, "and %d more\n", more)
	}
}

// plotWidth is the width of the longest bar.
const plotWidth = 50

// plotText draws a bar for each step: what was refused, and what was let in.
func plotText(b *strings.Builder, s diagnosis.Summary) {
	most := 0
	for _, t := range s.OverTime {
		most = max(most, t.Calls)
	}
	if most == 0 || len(s.OverTime) < 2 {
		return
	}
	layout := "15:04"
	if s.OverTime[len(s.OverTime)-1].From.Sub(s.OverTime[0].From) >= 24*time.Hour {
		layout = "01-02 15:04"
	}
	b.WriteByte('\n')
	for i, t := range s.OverTime {
		if t.Calls == 0 && i > 0 && s.OverTime[i-1].Calls == 0 {
			if i == 1 || s.OverTime[i-2].Calls != 0 {
				b.WriteString("  ⋮\n")
			}
			continue
		}
		width := func(n int) int {
			w := n * plotWidth / most
			if n > 0 {
				w = max(w, 1)
			}
			return w
		}
		refused := width(t.Refused)
		let := max(width(t.Calls)-refused, 0)
		fmt.Fprintf(b, "%s  %s%s%s %s\n", t.From.UTC().Format(layout), bad.Render(strings.Repeat("█", refused)), strings.Repeat("░", let),
			strings.Repeat(" ", max(plotWidth-refused-let, 0)), faint.Render(fmt.Sprintf("%d refused of %d", t.Refused, t.Calls)))
	}
}

// sparks draws numbers as a line of small bars.
func sparks(values []int) string {
	const bars = "▁▂▃▄▅▆▇█"
	most := 0
	for _, v := range values {
		most = max(most, v)
	}
	var b strings.Builder
	for _, v := range values {
		if v == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune([]rune(bars)[(v*7+most/2)/most])
	}
	return b.String()
}

// counted is a number with a word in its singular or plural.
func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func second(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
