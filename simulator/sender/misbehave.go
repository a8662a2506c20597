package sender

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"example.com/gatehouse/simulator/journey"
)

// Misbehaviour is something that no honest sender does to a load balancer.
type Misbehaviour string

const (
	// Garbage: random bytes that are not the beginning of a TLS record.
	Garbage Misbehaviour = "garbage"
	// PlainHTTP: an HTTP request without TLS.
	PlainHTTP Misbehaviour = "plain-http"
	// HalfHandshake: the first half of a ClientHello, then silence.
	HalfHandshake Misbehaviour = "half-handshake"
	// Silent: a connection on which nothing is ever sent.
	Silent Misbehaviour = "silent"
	// SlowHeader: after the handshake a request header that comes byte by byte and never ends.
	SlowHeader Misbehaviour = "slow-header"
	// HugeHeader: after the handshake a request with one header of many bytes.
	HugeHeader Misbehaviour = "huge-header"
	// StalledBody: after the handshake a request whose body stops half-way.
	StalledBody Misbehaviour = "stalled-body"
)

// Misbehaviours lists all of them.
func Misbehaviours() []Misbehaviour {
	return []Misbehaviour{Garbage, PlainHTTP, HalfHandshake, Silent, SlowHeader, HugeHeader, StalledBody}
}

// Defaults of [Manner].
const (
	DefaultGarbage    = 1 << 10
	DefaultHugeHeader = 10 << 20
	DefaultBody       = 1 << 10
	DefaultInterval   = 10 * time.Millisecond
)

// Manner says how exactly to misbehave. The zero value does, in the way the defaults say.
type Manner struct {
	// ServerName is the name that is asked for (SNI), and the host of the request.
	// Default: none, and "gatehouse.invalid".
	ServerName string
	// Path is the path of the request. Default: "/".
	Path string
	// Certificate is offered in the handshake. Default: none.
	Certificate tls.Certificate
	// Header are lines, without line ends, that the request has besides its own: a logon, for
	// instance, so that a stalled body gets as far as the flow. Default: none.
	Header []string
	// Size is how much there is of it: of garbage ([DefaultGarbage]), of the header
	// ([DefaultHugeHeader]), or of the body that is announced and sent by half ([DefaultBody]), in
	// bytes.
	Size int
	// Interval is the pause between two bytes of a slow header. Default: [DefaultInterval].
	Interval time.Duration
	// Rand is where garbage and the ClientHello's random come from. Default: crypto/rand.
	Rand io.Reader
}

// Ending is how a connection on which somebody misbehaved came to its end.
type Ending string

const (
	// NotConnected: there was no connection, or its handshake failed before the misbehaviour.
	NotConnected Ending = "not connected"
	// Answered: an HTTP status came.
	Answered Ending = "answered"
	// Alerted: a TLS alert came that tells of an error.
	Alerted Ending = "alert"
	// Closed: the other side closed the connection in good order.
	Closed Ending = "closed"
	// Reset: the other side broke the connection off.
	Reset Ending = "reset"
	// TimedOut: the context ended first; the other side still held the connection.
	TimedOut Ending = "timeout"
)

// Outcome is what came of a misbehaviour.
type Outcome struct {
	How    Misbehaviour
	Ending Ending
	// Alert is set if the other side sent one, close_notify excepted.
	Alert *journey.Alert
	// Status is the HTTP status; 0 if there was no answer.
	Status int
	// Received is the beginning of what came back, 4 KiB at most; decrypted if there was TLS.
	Received []byte
	// Sent is how many bytes of the misbehaviour went out.
	Sent int64
	// LocalAddr ("ip:port") is this end of the connection: Client of the journey.
	LocalAddr string
	// Took is how long the other side bore it, by the real clock.
	Took time.Duration
	// Err is what reading the answer ended with; nil when there was one.
	Err error
}

// String is the outcome on one line.
func (o Outcome) String() string {
	switch {
	case o.Alert != nil:
		return fmt.Sprintf("%s: %s after %s", o.How, o.Alert, o.Took.Round(time.Millisecond))
	case o.Status != 0:
		return fmt.Sprintf("%s: HTTP %d after %s", o.How, o.Status, o.Took.Round(time.Millisecond))
	case o.Err != nil:
		return fmt.Sprintf("%s: %s after %s: %v", o.How, o.Ending, o.Took.Round(time.Millisecond), o.Err)
	}
	return fmt.Sprintf("%s: %s after %s", o.How, o.Ending, o.Took.Round(time.Millisecond))
}

// maxReceived is how much of an answer an Outcome holds.
const maxReceived = 4 << 10

// Misbehave connects to the address ("host:port"), misbehaves, and waits until the other side
// answers or closes the connection, or the context ends. Without a deadline in the context it
// waits for as long as the other side does. The load balancer's certificate is not checked.
func Misbehave(ctx context.Context, address string, how Misbehaviour, manner Manner) (o Outcome) {
	o = Outcome{How: how, Ending: NotConnected}
	begun := time.Now()
	defer func() { o.Took = time.Since(begun) }()
	act, overTLS, err := manner.plan(how)
	if err != nil {
		o.Err = err
		return o
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		o.Err = explain(ctx, "connecting", err)
		return o
	}
	defer raw.Close()
	o.LocalAddr = raw.LocalAddr().String()
	release := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer release()

	conn := raw
	if overTLS {
		secured := tls.Client(raw, manner.config())
		if err := secured.Handshake(); err != nil {
			if alert, ok := journey.ReceivedAlert(err, journey.LoadBalancerSide); ok {
				o.Alert = &alert
			}
			o.Err = explain(ctx, "in the TLS handshake", err)
			return o
		}
		conn = secured
	}
	counted := &counter{to: conn}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		act(counted, stop)
	}()
	o.listen(ctx, conn, overTLS)
	close(stop)
	_ = raw.Close()
	<-stopped
	o.Sent = counted.n
	return o
}

// plan returns what is done on the connection, and whether that comes after a TLS handshake. An
// act may end when it likes; the connection stays open until the other side has had enough.
func (m Manner) plan(how Misbehaviour) (act func(io.Writer, <-chan struct{}), overTLS bool, err error) {
	write := func(b []byte) func(io.Writer, <-chan struct{}) {
		return func(w io.Writer, _ <-chan struct{}) { _, _ = w.Write(b) }
	}
	switch how {
	case Garbage:
		b, err := m.garbage()
		return write(b), false, err
	case PlainHTTP:
		return write([]byte(m.head("GET") + "\r\n")), false, nil
	case HalfHandshake:
		hello, err := m.clientHello()
		return write(hello[:len(hello)/2]), false, err
	case Silent:
		return func(io.Writer, <-chan struct{}) {}, false, nil
	case SlowHeader:
		return m.slowHeader, true, nil
	case HugeHeader:
		return m.hugeHeader, true, nil
	case StalledBody:
		size := or(m.Size, DefaultBody)
		head := m.head("POST") + "Content-Length: " + strconv.Itoa(size) + "\r\n\r\n"
		return write(append([]byte(head), bytes.Repeat([]byte("x"), size/2)...)), true, nil
	}
	return nil, false, fmt.Errorf("the misbehaviour %q is not known", string(how))
}

func (m Manner) garbage() ([]byte, error) {
	b := make([]byte, or(m.Size, DefaultGarbage))
	if _, err := io.ReadFull(m.rand(), b); err != nil {
		return nil, fmt.Errorf("making garbage: %w", err)
	}
	// Neither the type of a TLS record (20 to 24), nor an SSL 2 header, nor a letter of a request.
	b[0] = b[0]&0x3 | 0x4
	return b, nil
}

// clientHello is the first record that crypto/tls sends.
func (m Manner) clientHello() ([]byte, error) {
	var hello recorded
	_ = tls.Client(&hello, m.config()).Handshake() // ends when it reads
	if hello.sent.Len() < 2 {
		return nil, errors.New("making a ClientHello failed")
	}
	return hello.sent.Bytes(), nil
}

func (m Manner) config() *tls.Config {
	config := &tls.Config{
		InsecureSkipVerify: true, // what the other side is does not matter here
		ServerName:         m.ServerName,
		NextProtos:         []string{"http/1.1"},
		Rand:               m.Rand,
	}
	if len(m.Certificate.Certificate) > 0 {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &m.Certificate, nil
		}
	}
	return config
}

// head is the beginning of a request, without the empty line that ends its header.
func (m Manner) head(method string) string {
	host, path := m.ServerName, m.Path
	if host == "" {
		host = "gatehouse.invalid"
	}
	if path == "" {
		path = "/"
	}
	head := method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n"
	for _, line := range m.Header {
		head += line + "\r\n"
	}
	return head
}

func (m Manner) slowHeader(w io.Writer, stop <-chan struct{}) {
	interval := m.Interval
	if interval <= 0 {
		interval = DefaultInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	head := m.head("GET") + "X-Slow: "
	for i := 0; ; i++ {
		b := byte('x')
		if i < len(head) {
			b = head[i]
		}
		if _, err := w.Write([]byte{b}); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

func (m Manner) hugeHeader(w io.Writer, _ <-chan struct{}) {
	if _, err := io.WriteString(w, m.head("GET")+"X-Huge: "); err != nil {
		return
	}
	part := bytes.Repeat([]byte("x"), 16<<10)
	for left := or(m.Size, DefaultHugeHeader); left > 0; left -= len(part) {
		if _, err := w.Write(part[:min(left, len(part))]); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, "\r\n\r\n")
}

func (m Manner) rand() io.Reader {
	if m.Rand == nil {
		return rand.Reader
	}
	return m.Rand
}

// listen reads until it is clear how the other side took it.
func (o *Outcome) listen(ctx context.Context, conn io.Reader, overTLS bool) {
	buffer := make([]byte, maxReceived)
	reader := bufio.NewReaderSize(conn, maxReceived)
	for {
		n, err := reader.Read(buffer[len(o.Received):])
		o.Received = buffer[:len(o.Received)+n]
		if o.understood(overTLS) {
			return
		}
		if err == nil && len(o.Received) == len(buffer) {
			err = errors.New("what came back is neither an alert nor an HTTP answer")
		}
		if err == nil {
			continue
		}
		o.Err = explain(ctx, "waiting for the other side", err)
		switch alert, ok := journey.ReceivedAlert(err, journey.LoadBalancerSide); {
		case ok:
			o.Alert, o.Ending = &alert, Alerted
		case isTimeout(err):
			o.Ending = TimedOut
		case errors.Is(err, io.EOF):
			o.Ending = Closed
		default:
			o.Ending = Reset
		}
		return
	}
}

// understood tells whether enough was received to know the answer.
func (o *Outcome) understood(overTLS bool) bool {
	if status, ok := statusLine(o.Received); ok {
		o.Status, o.Ending = status, Answered
		return true
	}
	if overTLS || len(o.Received) < 7 {
		return false
	}
	number, ok := alertRecord(o.Received[:7])
	if ok && number != 0 {
		o.Alert, o.Ending = alertOf(journey.LoadBalancerSide, number), Alerted
	}
	return ok && number != 0
}

// statusLine reads the status out of the beginning of an HTTP/1 answer.
func statusLine(b []byte) (int, bool) {
	line, _, whole := bytes.Cut(b, []byte("\n"))
	if !whole || !bytes.HasPrefix(line, []byte("HTTP/1.")) || len(line) < len("HTTP/1.1 200") || line[8] != ' ' {
		return 0, false
	}
	digits := line[9:12]
	if len(line) > 12 && line[12] != ' ' && line[12] != '\r' {
		return 0, false
	}
	status := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		status = status*10 + int(d-'0')
	}
	return status, status >= 100
}

func or(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// counter counts what goes through it.
type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// recorded is a connection that keeps what is written and has nothing to read.
type recorded struct {
	net.Conn
	sent bytes.Buffer
}

func (r *recorded) Write(p []byte) (int, error)      { return r.sent.Write(p) }
func (r *recorded) Read([]byte) (int, error)         { return 0, io.EOF }
func (r *recorded) SetWriteDeadline(time.Time) error { return nil }
func (r *recorded) Close() error                     { return nil }
