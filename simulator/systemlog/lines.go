package systemlog

import (
	"bytes"
	"hash/maphash"
	"io"
	"strings"
)

const (
	// DefaultLineBytes is the longest line or trace record that is read when nothing else is said.
	DefaultLineBytes = 1 << 20

	readBlock     = 64 << 10
	shownBytes    = 200 // how much of an unreadable line is kept
	emptyReads    = 100
	internedBytes = 256 // longer values are not kept for the next line
	byteOrderMark = "\ufeff"
)

// lineReader cuts a stream into lines. It turns whole blocks into strings and hands out parts of
// these, so that a line costs no allocation; who keeps a part longer must clone it.
type lineReader struct {
	r     io.Reader
	limit int // the longest line, without its end

	buf      []byte // what was read and is in no block yet
	searched int    // so much of buf holds no line feed
	block    string // whole lines, not handed out yet
	tail     error  // what ended the stream
	line     int64  // number of the line that was handed out last
	empty    int    // reads in a row that gave nothing
}

func newLineReader(r io.Reader, limit int) *lineReader {
	if limit <= 0 {
		limit = DefaultLineBytes
	}
	return &lineReader{r: r, limit: limit, buf: make([]byte, 0, readBlock)}
}

// next returns the next line without its line feed. tooLong tells that it exceeds the limit: text
// is then its beginning only. At the end err is io.EOF, or what the stream failed with.
func (l *lineReader) next() (text string, tooLong bool, err error) {
	if l.block == "" {
		tooLong, err = l.fill()
		if err != nil {
			return "", false, err
		}
	}
	l.line++
	if end := strings.IndexByte(l.block, '\n'); end >= 0 {
		text, l.block = l.block[:end], l.block[end+1:]
	} else {
		text, l.block = l.block, ""
	}
	if l.line == 1 {
		text = strings.TrimPrefix(text, byteOrderMark)
	}
	if tooLong || len(text) > l.limit {
		return text[:min(len(text), shownBytes)], true, nil
	}
	return text, false, nil
}

// fill reads on until there is a whole line, or the last one. tooLong tells that the block is the
// beginning of a line that exceeds the limit; the rest of it is gone.
func (l *lineReader) fill() (tooLong bool, err error) {
	for {
		if end := bytes.LastIndexByte(l.buf[l.searched:], '\n'); end >= 0 {
			end += l.searched + 1
			l.block = string(l.buf[:end])
			l.buf = l.buf[:copy(l.buf, l.buf[end:])]
			l.searched = len(l.buf)
			return false, nil
		}
		l.searched = len(l.buf)
		switch {
		case len(l.buf) > l.limit:
			l.block = string(l.buf[:min(len(l.buf), shownBytes)])
			l.skipLine()
			return true, nil
		case l.tail != nil && len(l.buf) == 0:
			return false, l.tail
		case l.tail != nil:
			l.block, l.buf, l.searched = string(l.buf), l.buf[:0], 0
			return false, nil
		}
		l.read()
	}
}

// read appends to buf what one read gives, and sets tail at the end.
func (l *lineReader) read() {
	if cap(l.buf)-len(l.buf) < readBlock/2 {
		l.buf = append(make([]byte, 0, 2*cap(l.buf)), l.buf...)
	}
	n, err := l.r.Read(l.buf[len(l.buf):cap(l.buf)])
	l.buf = l.buf[:len(l.buf)+n]
	if n > 0 {
		l.empty = 0
	} else if l.empty++; err == nil && l.empty >= emptyReads {
		err = io.ErrNoProgress
	}
	l.tail = err
}

// skipLine drops what is left of a line; what was read of the next ones stays in buf.
func (l *lineReader) skipLine() {
	l.searched = 0
	for l.tail == nil {
		l.buf = l.buf[:0]
		l.read()
		if end := bytes.IndexByte(l.buf, '\n'); end >= 0 {
			l.buf = l.buf[:copy(l.buf, l.buf[end+1:])]
			return
		}
	}
	l.buf = l.buf[:0]
}

// interner hands out one string for equal values that come again and again (addresses, users,
// hosts, loggers), so that kept values hold no block in memory and a line costs no allocation.
// It forgets: a value takes the place of another with the same hash. Its size is bounded.
type interner struct {
	seed   maphash.Seed
	values [1024]string
}

func newInterner() *interner { return &interner{seed: maphash.MakeSeed()} }

func (t *interner) own(s *string) {
	if len(*s) > internedBytes {
		*s = strings.Clone(*s)
		return
	}
	place := &t.values[maphash.String(t.seed, *s)%uint64(len(t.values))]
	if *place != *s {
		*place = strings.Clone(*s)
	}
	*s = *place
}
