package sender

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// bodyError is an error of the caller's reader.
type bodyError struct{ err error }

func (e bodyError) Error() string { return e.err.Error() }
func (e bodyError) Unwrap() error { return e.err }

// faultyBody tells errors of a body from those of the connection it is copied to.
type faultyBody struct{ from io.Reader }

func (b faultyBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err != nil && err != io.EOF {
		err = bodyError{err}
	}
	return n, err
}

// limited is a reader that gives up when more came than is left.
type limited struct {
	from io.Reader
	left int64
}

var errTooLong = errors.New("the answer is longer than the sender reads")

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.from.Read(p)
	l.left -= int64(n)
	return n, err
}

// watched remembers the alert that was written in plain text, since crypto/tls does not say which
// it sent. Later alerts are encrypted.
type watched struct {
	net.Conn
	alert atomic.Uint32 // number + 1
}

func (w *watched) Write(p []byte) (int, error) {
	if number, ok := alertRecord(p); ok && number != 0 {
		w.alert.Store(uint32(number) + 1)
	}
	return w.Conn.Write(p)
}

func (w *watched) sentAlert() (uint8, bool) {
	a := w.alert.Load()
	return uint8(a - 1), a != 0
}

// alertRecord reads a record in plain text that holds one alert (RFC 8446, sections 5.1 and 6).
func alertRecord(p []byte) (uint8, bool) {
	if len(p) != 7 || p[0] != 21 || p[1] != 3 || p[3] != 0 || p[4] != 2 || p[5] < 1 || p[5] > 2 {
		return 0, false
	}
	return p[6], true
}
