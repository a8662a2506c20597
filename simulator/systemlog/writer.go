package systemlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultRetain is for how many days files are kept when Writer.Retain is 0 [C].
const DefaultRetain = 7

const secondsPerDay = 24 * 60 * 60

// Writer writes the two logs of one runtime node, one file for each day of its clock, in UTC.
// A file is made when its first line is due: a node without errors has no trace file [C].
//
// Every call is one write to the file, done before the method returns: whoever has the answer of
// a call can read its line, and lines of concurrent calls do not mix. It is safe for use by many
// goroutines. Make one with New.
type Writer struct {
	// Retain is for how many days a file is kept after its own; with the first line of a day the
	// older files of this node are removed. Default: DefaultRetain; negative: all are kept.
	// It must not be changed once something was written.
	Retain int

	dir, node string
	now       func() time.Time

	mu     sync.Mutex
	closed bool
	access dayFile
	trace  dayFile
	swept  int64 // the day on which old files were last removed
}

// dayFile is an open log file and the day, counted from 1970, for which it is.
type dayFile struct {
	file *os.File
	day  int64
}

// New makes the writer of a node's logs. The folder dir is made with the first line. node is the
// id of the runtime node, seven lower-case hex digits (see NodeID); now is the clock, time.Now by
// default.
func New(dir, node string, now func() time.Time) (*Writer, error) {
	if !validNode(node) {
		return nil, fmt.Errorf("log writer: node id %s: expected seven lower-case hex digits", clip(node))
	}
	if dir == "" {
		return nil, errors.New("log writer: no folder given")
	}
	if now == nil {
		now = time.Now
	}
	return &Writer{dir: dir, node: node, now: now}, nil
}

// Node is the id of the node whose logs are written.
func (w *Writer) Node() string { return w.node }

var lineBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// Access writes a line to the access log. A line without time gets that of the clock.
func (w *Writer) Access(line AccessLine) error {
	if line.Time.IsZero() {
		line.Time = w.now()
	}
	buf := lineBuffers.Get().(*[]byte)
	defer lineBuffers.Put(buf)
	*buf = append(line.AppendTo((*buf)[:0]), '\n')
	return w.write(HTTP, &w.access, *buf)
}

// Trace writes the records of one call together. Records without time get that of the clock, all
// the same.
func (w *Writer) Trace(records ...TraceRecord) error {
	if len(records) == 0 {
		return nil
	}
	var now time.Time
	buf := lineBuffers.Get().(*[]byte)
	defer lineBuffers.Put(buf)
	*buf = (*buf)[:0]
	for _, record := range records {
		if record.Time.IsZero() {
			if now.IsZero() {
				now = w.now()
			}
			record.Time = now
		}
		*buf = append(record.AppendTo(*buf), '\n')
	}
	return w.write(Trace, &w.trace, *buf)
}

func (w *Writer) write(kind Kind, to *dayFile, lines []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fmt.Errorf("write the %s log of node %s: %w", kind, w.node, os.ErrClosed)
	}
	now := w.now()
	if day := dayOf(now); to.file == nil || to.day != day {
		if err := w.rotate(kind, to, now, day); err != nil {
			return fmt.Errorf("write the %s log of node %s: %w", kind, w.node, err)
		}
	}
	if _, err := to.file.Write(lines); err != nil {
		// Part of a line may be in the file: opening it again mends that.
		to.close()
		return fmt.Errorf("write the %s log of node %s: %w", kind, w.node, err)
	}
	return nil
}

// dayOf counts days from 1970, also backwards.
func dayOf(t time.Time) int64 {
	s := t.Unix()
	if s < 0 {
		s -= secondsPerDay - 1
	}
	return s / secondsPerDay
}

// rotate closes the file of another day and opens that of this day.
func (w *Writer) rotate(kind Kind, to *dayFile, now time.Time, day int64) error {
	to.close()
	if err := os.MkdirAll(w.dir, 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(w.dir, FileName(kind, w.node, now)), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	if err := endLastLine(file); err != nil {
		file.Close()
		return err
	}
	to.file, to.day = file, day
	if w.swept != day {
		w.swept = day
		w.removeOld(now)
	}
	return nil
}

// endLastLine ends a line that was written only in part, by a process that was killed or onto a
// disk that was full, so that the next line stands for itself.
func endLastLine(file *os.File) error {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	var last [1]byte
	if _, err := file.ReadAt(last[:], info.Size()-1); err != nil {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	_, err = file.Write([]byte{'\n'})
	return err
}

// removeOld removes this node's files that are older than Retain days. A file that cannot be
// removed now, since somebody reads it for instance, is tried again on the next day: that is no
// reason to refuse a line.
func (w *Writer) removeOld(now time.Time) {
	retain := w.Retain
	if retain < 0 {
		return
	}
	if retain == 0 {
		retain = DefaultRetain
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return
	}
	today := dayOf(now)
	for _, entry := range entries {
		file, ok := ParseFileName(entry.Name())
		if ok && file.Node == w.node && entry.Type().IsRegular() && today-dayOf(file.Date) > int64(retain) {
			_ = os.Remove(filepath.Join(w.dir, entry.Name()))
		}
	}
}

// Close closes the files. Writing afterwards is an error that is os.ErrClosed; closing again is
// none.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return errors.Join(w.access.close(), w.trace.close())
}

func (d *dayFile) close() error {
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	d.file = nil
	return err
}
