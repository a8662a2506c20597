package diagnosis

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Summary counts calls.
type Summary struct {
	Calls   int `json:"calls"`
	Refused int `json:"refused"`
	// Pings are the management node's own calls, which count among Calls and no sender's.
	Pings int `json:"managementCalls,omitempty"`
	// Statuses counts by HTTP status.
	Statuses map[int]int `json:"statuses,omitempty"`
	// BySender counts by whoever was recognised; by client where nobody was. Those with most
	// refused calls come first.
	BySender []SenderCount `json:"bySender,omitempty"`
	// ByCause counts refused calls by the first cause of their case.
	ByCause []CauseCount `json:"byCause,omitempty"`
	// OverTime counts in steps of equal length; empty steps are there too.
	OverTime []TimeCount `json:"overTime,omitempty"`
	// Step is the length of a step.
	Step time.Duration `json:"step,omitempty"`
}

// SenderCount counts the calls of one sender.
type SenderCount struct {
	// Sender is the user column, or "client <address>" for calls of which nobody was recognised.
	Sender  string    `json:"sender"`
	Calls   int       `json:"calls"`
	Refused int       `json:"refused"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// CauseCount counts the refused calls of one cause.
type CauseCount struct {
	// Cause is the id, or "" for calls of which no cause is known.
	Cause string `json:"cause"`
	Calls int    `json:"calls"`
	// Sure: the cause stands alone in all of its cases.
	Sure bool `json:"sure"`
	// OverTime counts in the steps of the summary.
	OverTime []int `json:"overTime,omitempty"`
}

// TimeCount counts the calls of one step.
type TimeCount struct {
	From    time.Time `json:"from"`
	Calls   int       `json:"calls"`
	Refused int       `json:"refused"`
}

// counts gathers a summary while lines are read. Its size is bounded.
type counts struct {
	summary  Summary
	statuses [1000]int
	// last is the cell of the minute that was counted last: lines come in the order of time.
	last       *[2]int
	lastMinute int64

	senders map[string]*SenderCount
	minutes map[int64]*[2]int // all, refused
	hourly  map[int64]*[2]int // once there are too many minutes
}

const (
	mostSenders = 20_000
	mostMinutes = 50_000
	otherSender = "(others)"
)

func newCounts() counts {
	return counts{
		senders: map[string]*SenderCount{}, minutes: map[int64]*[2]int{}, hourly: map[int64]*[2]int{},
	}
}

// managementPing is what the management node calls every 30 seconds [C: logs].
const managementPing = "/cxf/index.html"

func (c *counts) add(e *event) {
	c.summary.Calls++
	if e.Status >= 0 && e.Status < len(c.statuses) {
		c.statuses[e.Status]++
	}
	refused := e.Status >= 400
	if refused {
		c.summary.Refused++
	}
	if e.Method == http.MethodGet && e.path == managementPing && !refused {
		c.summary.Pings++
	} else {
		c.sender(e, refused)
	}
	minute := e.Time.Unix() / 60
	cell := c.last
	if cell == nil || minute != c.lastMinute {
		cell = c.minutes[minute]
	}
	if cell == nil {
		if len(c.minutes) < mostMinutes {
			cell = &[2]int{}
			c.minutes[minute] = cell
		} else if cell = c.hourly[minute/60]; cell == nil {
			if len(c.hourly) >= mostMinutes {
				return
			}
			cell = &[2]int{}
			c.hourly[minute/60] = cell
		}
	}
	c.last, c.lastMinute = cell, minute
	cell[0]++
	if refused {
		cell[1]++
	}
}

func (c *counts) sender(e *event, refused bool) {
	name := e.User
	if name == "" {
		name = "client " + or(e.Client, "not told")
	}
	s := c.senders[name]
	if s == nil {
		if len(c.senders) >= mostSenders {
			name = otherSender
			s = c.senders[name]
		}
		if s == nil {
			s = &SenderCount{Sender: name, First: e.Time}
			c.senders[name] = s
		}
	}
	s.Calls++
	s.Last = e.Time
	if refused {
		s.Refused++
	}
}

// mostSteps bounds the steps of the plot.
const mostSteps = 48

// finish makes the summary. causes tells the cause of each group, and whether it stands alone.
func (c *counts) finish(from, to time.Time, causes map[*group]Finding, apart map[*group]bool) Summary {
	s := c.summary
	s.Statuses = map[int]int{}
	for status, n := range c.statuses {
		if n > 0 {
			s.Statuses[status] = n
		}
	}
	s.BySender = make([]SenderCount, 0, len(c.senders))
	for _, one := range c.senders {
		s.BySender = append(s.BySender, *one)
	}
	slices.SortFunc(s.BySender, func(a, b SenderCount) int {
		return cmp.Or(b.Refused-a.Refused, b.Calls-a.Calls, cmp.Compare(a.Sender, b.Sender))
	})
	s.Step = step(to.Sub(from))
	if s.Calls > 0 {
		c.steps(&s, from, to)
	}
	by := map[string]*CauseCount{}
	for g, finding := range causes {
		id := finding.Cause.ID
		count := by[id]
		if count == nil {
			count = &CauseCount{Cause: id, Sure: true, OverTime: make([]int, len(s.OverTime))}
			by[id] = count
		}
		count.Calls += g.count
		count.Sure = count.Sure && !apart[g] && id != ""
		for minute, n := range g.minutes {
			if i := s.at(minute * 60); i >= 0 {
				count.OverTime[i] += n
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(by)) {
		s.ByCause = append(s.ByCause, *by[id])
	}
	slices.SortStableFunc(s.ByCause, func(a, b CauseCount) int { return b.Calls - a.Calls })
	return s
}

// step is a round length of which not too many make the whole.
func step(whole time.Duration) time.Duration {
	for _, d := range []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour} {
		if whole/d < mostSteps {
			return d
		}
	}
	days := int64(whole/(24*time.Hour))/mostSteps + 1
	return time.Duration(days) * 24 * time.Hour
}

func (c *counts) steps(s *Summary, from, to time.Time) {
	from = from.Truncate(s.Step)
	for at := from; !at.After(to) && len(s.OverTime) < mostSteps+2; at = at.Add(s.Step) {
		s.OverTime = append(s.OverTime, TimeCount{From: at})
	}
	put := func(unix int64, cell *[2]int) {
		if i := s.at(unix); i >= 0 {
			s.OverTime[i].Calls += cell[0]
			s.OverTime[i].Refused += cell[1]
		}
	}
	for minute, cell := range c.minutes {
		put(minute*60, cell)
	}
	for hour, cell := range c.hourly {
		put(hour*3600, cell)
	}
}

// at is the step in which a second lies; that of an hour which begins before the first step is the
// first.
func (s *Summary) at(unix int64) int {
	if len(s.OverTime) == 0 {
		return -1
	}
	i := int((unix - s.OverTime[0].From.Unix()) / int64(s.Step/time.Second))
	return min(max(i, 0), len(s.OverTime)-1)
}
