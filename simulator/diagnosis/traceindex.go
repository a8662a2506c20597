package diagnosis

import (
	"fmt"
	"strings"

	"example.com/gatehouse/simulator/systemlog"
)

// traced is what one call left in the trace: records of the same node, second and thread.
type traced struct {
	thread string
	// subject and code are those of a certificate that the load balancer did not accept; code -1
	// is not told.
	subject string
	code    int
	// table holds subject and issuer DN of a certificate that is in no row of a channel's table.
	table [2]string
	// own is a text that the simulator words itself; other are texts that nobody here knows.
	own    string
	other  []string
	quotes []Quote
	used   bool
}

func (t *traced) rejected() bool { return t.subject != "" || t.code >= 0 }

// fitsStatus tells whether a call with that status can have left the records.
func (t *traced) fitsStatus(status int) bool {
	switch {
	case t.table[0] != "":
		return status == 403
	case strings.HasPrefix(t.own, "Forbidden."):
		return status == 403
	case t.own != "", t.rejected():
		return status == 401
	}
	return status >= 400
}

type nodeSecond struct {
	node   string
	second int64
}

// traceIndex finds what calls left in the trace by node and second. [C: both records of a pair
// have the same thread and second; the file's name tells the node]
type traceIndex struct {
	at map[nodeSecond][]*traced
	// kept counts what is in it, beyond what was left out once it was full.
	kept, beyond int
	records      int
	// days are the nodes and days of which there is a trace: "node 2026-11-23".
	days map[string]bool
	any  bool
	// shift is added to the time of records: in seconds, where a log is in another time zone and
	// does not say so.
	shift int64
}

// mostTraced bounds the index: some 100 MB of records at the very most.
const (
	mostTraced     = 100_000
	mostQuotes     = 4
	quotedBytes    = 600
	loggerOfOurOwn = "gatehouse."
)

func newTraceIndex() *traceIndex {
	return &traceIndex{at: map[nodeSecond][]*traced{}, days: map[string]bool{}}
}

// add puts a record into the index.
func (x *traceIndex) add(node string, r systemlog.TraceRecord, quote Quote) {
	x.records++
	x.any = true
	if len(x.days) < mostTraced {
		x.days[node+" "+r.Time.UTC().Format("2006-01-02")] = true
	}
	key := nodeSecond{node, r.Time.Unix()}
	var entry *traced
	for _, t := range x.at[key] {
		if t.thread == r.Thread {
			entry = t
		}
	}
	subject, isSubject := systemlog.ParseCertificateReceived(r.Text)
	if entry != nil && isSubject && entry.subject != "" {
		entry = nil // the thread has taken the next call within the second
	}
	if entry == nil {
		if x.kept >= mostTraced {
			x.beyond++
			return
		}
		x.kept++
		entry = &traced{thread: strings.Clone(r.Thread), code: -1}
		x.at[key] = append(x.at[key], entry)
	}
	if len(entry.quotes) < mostQuotes {
		quote.Text = cut(quote.Text, quotedBytes)
		entry.quotes = append(entry.quotes, quote)
	}
	if isSubject {
		entry.subject = cut(subject, quotedBytes)
		return
	}
	if code, ok := systemlog.ParseCertificateStatus(r.Text); ok {
		entry.code = code
		return
	}
	if s, i, ok := systemlog.ParseNotInTable(r.Text); ok {
		entry.table = [2]string{cut(s, quotedBytes), cut(i, quotedBytes)}
		return
	}
	text := cut(r.Text, quotedBytes)
	if strings.HasPrefix(r.Logger, loggerOfOurOwn) {
		entry.own = text
	} else if len(entry.other) < mostQuotes {
		entry.other = append(entry.other, text)
	}
}

// find returns what calls with the status can have left at a node within a second; the second
// before and the next ones, as long as the call took, count too if there is nothing in it.
func (x *traceIndex) find(node string, second, took int64, status int) []*traced {
	if !x.any {
		return nil
	}
	offsets := []int64{0, -1, 1}
	for s := int64(2); s <= min(took+1, 5); s++ {
		offsets = append(offsets, s)
	}
	for _, by := range offsets {
		var out []*traced
		for _, n := range x.nodesFor(node) {
			for _, t := range x.at[nodeSecond{n, second + by - x.shift}] {
				if !t.used && t.fitsStatus(status) {
					out = append(out, t)
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// nodesFor are the names under which a node's records can stand: pasted texts do not tell theirs.
func (x *traceIndex) nodesFor(node string) []string {
	if node != "" {
		return []string{node, ""}
	}
	nodes := []string{""}
	for day := range x.days {
		if n, _, _ := strings.Cut(day, " "); n != "" {
			nodes = append(nodes, n)
		}
		if len(nodes) > 64 {
			break
		}
	}
	return nodes
}

// has tells whether there is a trace of the node for the day; of a pasted one the node is not
// known, and any counts.
func (x *traceIndex) has(node, day string) bool {
	return x.days[node+" "+day] || x.days[" "+day] || node == "" && x.any
}

// cut shortens a text to so many bytes, and lets go of the longer one.
func cut(s string, most int) string {
	if len(s) <= most {
		return strings.Clone(s)
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// quoteOf quotes a place.
func quoteOf(p systemlog.Place, text fmt.Stringer) Quote {
	return Quote{File: p.File, Line: p.Line, Text: text.String()}
}
