package systemlog

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// Reasons for which a line, a record or a file was not read, to be asked for with errors.Is.
var (
	// ErrTooLong: the line or record is longer than the limit.
	ErrTooLong = errors.New("longer than the limit")
	// ErrNoRecord: lines between records that belong to none.
	ErrNoRecord = errors.New("no trace record begins here")
	// ErrTooLarge: the logs hold more than the limit in all; nothing more is read.
	ErrTooLarge = errors.New("more than the limit")
)

// LineError says that a line, or some lines in a row, could not be read. Reading goes on after it.
type LineError struct {
	// File is the name of the file; empty if it is not known.
	File string
	// Line is the number of the first line, from 1; Lines is how many they are.
	Line  int64
	Lines int
	// Text is how the first line begins, as found: whoever shows it must escape it, as Error does.
	Text string
	Err  error
}

func (e *LineError) Error() string {
	where := fmt.Sprintf("line %d", e.Line)
	if e.Lines > 1 {
		where = fmt.Sprintf("lines %d to %d", e.Line, e.Line+int64(e.Lines)-1)
	}
	if e.File != "" {
		where = e.File + " " + where
	}
	return fmt.Sprintf("%s: %v: %s", where, e.Err, clip(e.Text))
}

func (e *LineError) Unwrap() error { return e.Err }

func newLineError(line int64, lines int, text string, err error) *LineError {
	text, _, _ = strings.Cut(text, "\n")
	return &LineError{Line: line, Lines: lines, Text: strings.Clone(text[:min(len(text), shownBytes)]), Err: err}
}

// ReadAccess reads an access log line by line. What is no such line is handed out as a *LineError,
// and reading goes on; blank lines are passed over. Any other error, of r, is the last thing that
// is handed out. Memory use does not grow with the log; lines longer than DefaultLineBytes are not
// read.
func ReadAccess(r io.Reader) iter.Seq2[AccessLine, error] { return readAccess(r, 0) }

func readAccess(r io.Reader, limit int) iter.Seq2[AccessLine, error] {
	return readAccessAt(r, limit, new(int64))
}

// readAccessAt is readAccess, and sets at to the number of the line that is handed out.
func readAccessAt(r io.Reader, limit int, at *int64) iter.Seq2[AccessLine, error] {
	return func(yield func(AccessLine, error) bool) {
		lines, known := newLineReader(r, limit), newInterner()
		for {
			text, tooLong, err := lines.next()
			*at = lines.line
			if err != nil {
				if err != io.EOF {
					yield(AccessLine{}, err)
				}
				return
			}
			if !tooLong && strings.TrimSpace(text) == "" {
				continue
			}
			var line AccessLine
			if tooLong {
				err = ErrTooLong
			} else if line, err = ParseAccessLine(text); err == nil {
				for _, s := range []*string{&line.LoadBalancer, &line.Client, &line.User, &line.Method, &line.URI, &line.Protocol, &line.Host, &line.Passport} {
					known.own(s)
				}
			}
			if err != nil {
				line, err = AccessLine{}, newLineError(lines.line, 1, text, err)
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// ReadTrace reads a trace record by record. A header as generic traces have it is passed over, and
// so are blank lines between records. What is no record (the rest of one at the beginning of a file
// that was cut, one that was not ended) is handed out as a *LineError, and reading goes on with
// the next line that begins a record. Any other error, of r, is the last thing that is handed out.
// Records longer than DefaultLineBytes are not read.
func ReadTrace(r io.Reader) iter.Seq2[TraceRecord, error] { return readTrace(r, 0) }

func readTrace(r io.Reader, limit int) iter.Seq2[TraceRecord, error] {
	return readTraceAt(r, limit, new(int64))
}

// readTraceAt is readTrace, and sets at to the number of the line in which the record begins that
// is handed out.
func readTraceAt(r io.Reader, limit int, at *int64) iter.Seq2[TraceRecord, error] {
	return func(yield func(TraceRecord, error) bool) {
		t := traceReader{lines: newLineReader(r, limit), known: newInterner(), yield: yield, at: at}
		for {
			text, tooLong, err := t.lines.next()
			switch {
			case err == nil:
				if !t.take(text, tooLong) {
					return
				}
				continue
			case !t.end():
				return
			case err != io.EOF:
				yield(TraceRecord{}, err)
			}
			return
		}
	}
}

// traceReader puts lines together to records.
type traceReader struct {
	lines *lineReader
	known *interner
	yield func(TraceRecord, error) bool
	at    *int64

	// The record that was begun and not ended: its first line, or all of them in more.
	open  bool
	begun int64
	first string
	more  []byte

	// Lines that belong to no record.
	stray *LineError
}

// take takes one line; false: the consumer wants no more.
func (t *traceReader) take(text string, tooLong bool) bool {
	switch {
	case startsRecord(text):
		// A record begins, whatever went before.
		if !t.end() {
			return false
		}
		t.open, t.begun, t.first, t.more = true, t.lines.line, text, t.more[:0]
	case t.open:
		if len(t.more) == 0 {
			t.more = append(t.more, t.first...)
		}
		t.more = append(append(t.more, '\n'), text...)
	case !tooLong && t.stray == nil && (strings.TrimSpace(text) == "" || headerLine(text)):
		return true
	default:
		t.addStray(text, tooLong)
		return true
	}
	if tooLong || len(t.more) > t.lines.limit {
		t.open = false
		t.stray = newLineError(t.begun, int(t.lines.line-t.begun+1), t.first, ErrTooLong)
		return true
	}
	if endsRecord(strings.TrimSuffix(text, "\r")) {
		return t.record()
	}
	return true
}

func (t *traceReader) addStray(text string, tooLong bool) {
	if t.stray == nil {
		err := ErrNoRecord
		if tooLong {
			err = ErrTooLong
		}
		t.stray = newLineError(t.lines.line, 0, text, err)
	}
	t.stray.Lines++
}

// end hands out what is left before a new record or the end of the stream.
func (t *traceReader) end() bool {
	if t.open {
		return t.record()
	}
	if stray := t.stray; stray != nil {
		t.stray = nil
		return t.yield(TraceRecord{}, stray)
	}
	return true
}

// record hands out the record that is open.
func (t *traceReader) record() bool {
	t.open = false
	*t.at = t.begun
	text := t.first
	if len(t.more) > 0 {
		text = string(t.more)
	}
	// An escaped "|" ends a record too if a new one begins behind it: a system that does not
	// escape the backslash writes a text so that ends in one.
	body, ended := strings.CutSuffix(strings.TrimSuffix(text, "\r"), "|")
	var r TraceRecord
	err := errNotEnded
	if ended {
		r, err = parseTraceBody(body)
	}
	if err != nil {
		return t.yield(TraceRecord{}, newLineError(t.begun, strings.Count(text, "\n")+1, text, err))
	}
	for _, s := range []*string{&r.Zone, &r.Level, &r.Logger, &r.Component, &r.User, &r.Thread, &r.Bundle, &r.Space,
		&r.Tenant, &r.Passport[0], &r.Passport[1], &r.Passport[2], &r.PassportFlag, &r.Text} {
		t.known.own(s)
	}
	return t.yield(r, nil)
}

// headerLine tells whether a line belongs to the header of a generic trace: a name in capitals
// with a colon, HEADER_END, or a version such as "#2.0#".
func headerLine(text string) bool {
	text = strings.TrimSuffix(text, "\r")
	if text == "HEADER_END" || strings.HasPrefix(text, "#") {
		return true
	}
	name, _, ok := strings.Cut(text, ":")
	return ok && name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

// examplesKept is how many errors a Tally keeps.
const examplesKept = 5

// Tally counts what was not read and keeps the first errors for showing. The zero value is ready
// for use; it is not safe for use by many goroutines.
type Tally struct {
	// Lines is the number of unreadable lines.
	Lines int
	// Files is the number of files that could not be read, or not to their end.
	Files int
	// Examples holds the first errors, five at most.
	Examples []error
}

// Note counts an error that ReadAccess, ReadTrace or a Collection handed out; nil is no error.
func (t *Tally) Note(err error) {
	if err == nil {
		return
	}
	if line := (*LineError)(nil); errors.As(err, &line) {
		t.Lines += line.Lines
	} else {
		t.Files++
	}
	if len(t.Examples) < examplesKept {
		t.Examples = append(t.Examples, err)
	}
}

// String says in one sentence what was not read; empty if all was.
func (t *Tally) String() string {
	if t.Lines == 0 && t.Files == 0 {
		return ""
	}
	return fmt.Sprintf("not readable: %d lines, %d files; first: %v", t.Lines, t.Files, t.Examples[0])
}
