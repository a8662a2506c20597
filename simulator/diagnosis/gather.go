package diagnosis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/systemlog"
)

// gatherer reads evidence into facts.
type gatherer struct {
	facts *facts
	// waiting are the failures of the second that is being read.
	waiting []*event
	read    *Reading
	done    func() error
	lines   int
}

// smallLog is up to which size a plain log file is read as a pasted text, in which lines may be
// broken.
const smallLog = 4 << 20

// gather reads all evidence.
func gather(ctx context.Context, e Evidence, o Options) (*facts, error) {
	f := newFacts(e)
	g := &gatherer{facts: f, read: &f.read, done: ctx.Err}
	logs, texts, err := g.sort(e)
	if err != nil {
		return nil, err
	}
	g.hosts(e)
	var c *systemlog.Collection
	if len(logs) > 0 {
		c, err = systemlog.OpenAll(o.Limits, logs...)
		switch {
		case errors.Is(err, systemlog.ErrNoLogs) && f.other():
			f.note("%v", err)
		case err != nil:
			return nil, err
		default:
			g.files(c)
		}
	}
	var pastes []pasted
	for _, t := range texts {
		p := readPasted(t, nodeOf(t.Name))
		g.text(t, p)
		pastes = append(pastes, p)
	}
	if err := g.traces(c, pastes); err != nil {
		return nil, err
	}
	if err := g.access(c, pastes); err != nil {
		return nil, err
	}
	if f.trace.any && f.joined == 0 {
		if shift := f.guessShift(); shift != 0 {
			// The same again, with the trace moved.
			f.startOver(shift)
			g.waiting, f.read.AccessLines, g.lines = nil, 0, 0
			f.note("No trace record stands at the time of a failed call, but with %s between the two logs they fit; one of them is in another time zone and does not say so.", time.Duration(shift)*time.Second)
			if err := g.access(c, pastes); err != nil {
				return nil, err
			}
		}
	}
	g.finish()
	return f, nil
}

// hosts takes what failed when a host was looked at for what a client would complain of.
func (g *gatherer) hosts(e Evidence) {
	for _, h := range e.Hosts {
		out := &Output{Name: "the connectivity test of " + h.Address, Tool: toolConnect, Host: h.ServerName, Named: h.AcceptableCAs, symptoms: map[symptom]Quote{}}
		for _, failure := range h.Failures {
			means, known := map[connectivity.Step]symptom{
				connectivity.Name: unknownHost, connectivity.Dial: noConnection, connectivity.Trust: untrustedServer, connectivity.HostName: otherName,
			}[failure.Step]
			if known {
				out.symptoms[means] = Quote{File: out.Name, Text: failure.Message}
				out.keep(out.symptoms[means])
			}
		}
		if len(out.symptoms) > 0 {
			g.facts.outputs = append(g.facts.outputs, out)
		}
	}
}

// sort tells large and packed logs, which are read as streams, from small ones, which may be
// pasted.
func (g *gatherer) sort(e Evidence) (logs []string, texts []Text, err error) {
	texts = slices.Clone(e.Texts)
	for _, path := range e.Logs {
		info, err := os.Stat(path)
		if err != nil {
			return nil, nil, fmt.Errorf("read the evidence: %w", err)
		}
		if !info.Mode().IsRegular() || info.Size() > smallLog {
			logs = append(logs, path)
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("read the evidence: %w", err)
		}
		if packed(data) {
			logs = append(logs, path)
			continue
		}
		texts = append(texts, Text{Name: base(path), Data: data})
	}
	return logs, texts, nil
}

func packed(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || bytes.HasPrefix(data, []byte("PK\x03\x04")) || bytes.HasPrefix(data, []byte("PK\x05\x06"))
}

func base(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

func nodeOf(name string) string {
	if file, ok := systemlog.ParseFileName(name); ok {
		return file.Node
	}
	return ""
}

// files notes which logs there are.
func (g *gatherer) files(c *systemlog.Collection) {
	for _, file := range c.Files() {
		g.file(file)
	}
	for _, s := range c.Skipped() {
		if len(g.read.Skipped) < 20 {
			g.read.Skipped = append(g.read.Skipped, fmt.Sprintf("%s: %v", base(s.Name), s.Err))
		}
	}
}

func (g *gatherer) file(file systemlog.File) {
	if len(g.read.Files) < 200 {
		g.read.Files = append(g.read.Files, file.Name)
	}
	if file.Node != "" && !slices.Contains(g.read.Nodes, file.Node) {
		g.read.Nodes = append(g.read.Nodes, file.Node)
	}
	if file.Kind == systemlog.Trace {
		// A file without records tells that there were no errors.
		g.facts.trace.any = true
		if !file.Date.IsZero() {
			g.facts.trace.days[file.Node+" "+file.Date.Format(time.DateOnly)] = true
		}
	}
}

// text notes what stands in a pasted text.
func (g *gatherer) text(t Text, p pasted) {
	f := g.facts
	f.read.Mended += p.mended
	if file, ok := systemlog.ParseFileName(t.Name); ok {
		g.file(file)
	} else if len(p.lines)+len(p.records) > 0 {
		f.read.Files = append(f.read.Files, t.Name)
	}
	if out := readOutput(t.Name, p.rest); out != nil {
		f.outputs = append(f.outputs, out)
		f.read.Outputs = append(f.read.Outputs, t.Name+" ("+out.Tool+")")
		return
	}
	for _, q := range p.rest {
		f.unread.Note(&systemlog.LineError{File: t.Name, Line: q.Line, Lines: 1, Text: q.Text, Err: errNothingKnown})
	}
}

var errNothingKnown = errors.New("neither an access log line nor a trace record")

// interrupted looks now and then whether somebody still waits.
func (g *gatherer) interrupted() error {
	if g.lines++; g.lines&0xfff == 0 {
		return g.done()
	}
	return nil
}

func (g *gatherer) traces(c *systemlog.Collection, pastes []pasted) error {
	x := g.facts.trace
	for _, p := range pastes {
		for _, r := range p.records {
			x.add(r.node, r.TraceRecord, r.quote)
		}
	}
	if c != nil {
		for r, err := range c.TracePlaced() {
			if err != nil {
				g.facts.unread.Note(err)
				continue
			}
			if err := g.interrupted(); err != nil {
				return err
			}
			x.add(r.Node, r.TraceRecord, quoteOf(r.Place, r.TraceRecord))
		}
	}
	g.read.TraceRecords = x.records
	if x.beyond > 0 {
		g.facts.note("The traces hold more than %d calls; %d records beyond that were not joined.", mostTraced, x.beyond)
	}
	return nil
}

func (g *gatherer) access(c *systemlog.Collection, pastes []pasted) error {
	var lines []placedLine
	for _, p := range pastes {
		lines = append(lines, p.lines...)
	}
	slices.SortStableFunc(lines, func(a, b placedLine) int { return a.Time.Compare(b.Time) })
	for _, l := range lines {
		g.line(l.AccessLine, l.node, systemlog.Place{File: l.quote.File, Line: l.quote.Line})
	}
	g.settle()
	if c == nil {
		return nil
	}
	for l, err := range c.AccessByTime() {
		if err := g.interrupted(); err != nil {
			return err
		}
		if err != nil {
			if !g.facts.again {
				g.facts.unread.Note(err)
			}
			continue
		}
		g.line(l.AccessLine, l.Node, l.Place)
	}
	g.settle()
	return nil
}

// line takes one line. A failure waits until its second is over: only then it is known how many
// calls share the records of that second.
func (g *gatherer) line(l systemlog.AccessLine, node string, place systemlog.Place) {
	g.read.AccessLines++
	e := event{AccessLine: l, node: node, place: place}
	e.path, _, _ = strings.Cut(l.URI, "?")
	if len(g.waiting) > 0 && (!g.waiting[0].Time.Equal(l.Time) || len(g.waiting) == 1000) {
		g.settle()
	}
	g.facts.see(&e)
	if l.Status >= 400 {
		e := e
		g.waiting = append(g.waiting, &e)
	}
}

// settle joins the failures of a second to what stands in the trace, and counts them.
func (g *gatherer) settle() {
	f := g.facts
	for i, e := range g.waiting {
		if f.trace.any {
			found := f.trace.find(e.node, e.Time.Unix(), int64(e.Duration/time.Second), e.Status)
			rivals := 0
			for _, other := range g.waiting[i:] {
				if other.node == e.node && other.Status == e.Status {
					rivals++
				}
			}
			if len(found) > 0 {
				e.left, e.unsure = found[0], rivals > len(found) || rivals > 1 && differ(found)
				e.left.used = true
				f.joined++
			}
		}
		f.failed(e)
	}
	g.waiting = g.waiting[:0]
}

// differ tells whether it matters which call left which records.
func differ(found []*traced) bool {
	for _, t := range found[1:] {
		if t.subject != found[0].subject || t.code != found[0].code || t.table != found[0].table || t.own != found[0].own {
			return true
		}
	}
	return false
}

func (g *gatherer) finish() {
	f := g.facts
	f.read.UnreadableLines, f.read.UnreadableFiles = f.unread.Lines, f.unread.Files
	for _, err := range f.unread.Examples {
		f.read.Examples = append(f.read.Examples, cut(err.Error(), quotedBytes))
	}
	slices.Sort(f.read.Nodes)
	f.derive()
}
