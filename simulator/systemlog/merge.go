package systemlog

import (
	"errors"
	"io"
	"iter"
)

// Place is where a line stands, for whoever quotes it.
type Place struct {
	// File is the file's name without folders.
	File string
	// Line counts from 1; of a record it is its first line.
	Line int64
}

// PlacedLine is an access log line with its node and place.
type PlacedLine struct {
	NodeLine
	Place Place
}

// PlacedRecord is a trace record with its node and place.
type PlacedRecord struct {
	NodeRecord
	Place Place
}

// mergeMost is how many files are read side by side.
const mergeMost = 64

// AccessByTime reads all access logs as Access does, but those of a day side by side, so that the
// lines of all nodes come in the order of their times: what a caller did at one node and then at
// another stands together. More than 64 files of one day are read in portions.
func (c *Collection) AccessByTime() iter.Seq2[PlacedLine, error] {
	return func(yield func(PlacedLine, error) bool) {
		left := c.limits.TotalBytes
		var day []log
		flush := func() bool {
			more := len(day) == 0 || c.mergeDay(day, &left, yield)
			day = day[:0]
			return more
		}
		for _, l := range c.logs {
			if l.Kind != HTTP {
				continue
			}
			if len(day) > 0 && (!day[0].Date.Equal(l.Date) || len(day) == mergeMost) && !flush() {
				return
			}
			day = append(day, l)
		}
		flush()
	}
}

// source is a log that is being read beside others.
type source struct {
	log  log
	at   int64
	next func() (AccessLine, error, bool)
	stop func()

	line AccessLine
	err  error
}

// mergeDay reads some logs side by side; false: nothing more is to be read.
func (c *Collection) mergeDay(logs []log, left *int64, yield func(PlacedLine, error) bool) bool {
	if len(logs) == 1 {
		return c.readAlone(logs[0], left, yield)
	}
	archives := openArchives{limits: c.limits, most: mergeMost}
	defer archives.close()
	var open []*source
	defer func() {
		for _, s := range open {
			s.stop()
		}
	}()
	for _, l := range logs {
		r, err := archives.open(l)
		if err != nil {
			if !yield(PlacedLine{}, &FileError{File: l.Name, Err: err}) {
				return false
			}
			continue
		}
		defer r.Close()
		s := &source{log: l}
		s.next, s.stop = iter.Pull2(readAccessAt(&boundedReader{r: r, left: left}, c.limits.LineBytes, &s.at))
		open = append(open, s)
		s.advance()
	}
	for {
		// There are as many logs as a tenant has nodes: looking through them is quick.
		var first *source
		for _, s := range open {
			if s.next == nil {
				continue
			}
			// What could not be read has no time, and comes at once.
			if first == nil || s.err != nil || first.err == nil && s.line.Time.Before(first.line.Time) {
				first = s
			}
			if s.err != nil {
				break
			}
		}
		if first == nil {
			return true
		}
		if !first.log.hand(first.line, first.at, first.err, yield) {
			return false
		}
		first.advance()
	}
}

// hand hands out one line; false: nothing more is to be read.
func (l log) hand(line AccessLine, at int64, err error, yield func(PlacedLine, error) bool) bool {
	if err != nil && !named(err, l.Name) {
		err = &FileError{File: l.Name, Err: err}
	}
	return yield(PlacedLine{NodeLine{Node: l.Node, AccessLine: line}, Place{l.Name, at}}, err) && !errors.Is(err, ErrTooLarge)
}

// readAlone is mergeDay for one log, which needs no merging.
func (c *Collection) readAlone(l log, left *int64, yield func(PlacedLine, error) bool) bool {
	archives := openArchives{limits: c.limits}
	defer archives.close()
	r, err := archives.open(l)
	if err != nil {
		return yield(PlacedLine{}, &FileError{File: l.Name, Err: err})
	}
	defer r.Close()
	var at int64
	for line, err := range readAccessAt(&boundedReader{r: r, left: left}, c.limits.LineBytes, &at) {
		if !l.hand(line, at, err, yield) {
			return false
		}
	}
	return true
}

// advance gets the next line; next is nil at the end.
func (s *source) advance() {
	var ok bool
	if s.line, s.err, ok = s.next(); !ok {
		s.next = nil
	}
}

// TracePlaced reads all traces as Trace does, and tells where each record stands.
func (c *Collection) TracePlaced() iter.Seq2[PlacedRecord, error] {
	return func(yield func(PlacedRecord, error) bool) {
		c.each(Trace, func(l log, r io.Reader) (bool, error) {
			var at int64
			for record, err := range readTraceAt(r, c.limits.LineBytes, &at) {
				if err != nil && !named(err, l.Name) {
					return true, err
				}
				if !yield(PlacedRecord{NodeRecord{Node: l.Node, TraceRecord: record}, Place{l.Name, at}}, err) {
					return false, nil
				}
			}
			return true, nil
		}, func(err error) bool { return yield(PlacedRecord{}, err) })
	}
}
