package sender

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Call is one message to be sent.
type Call struct {
	// URL is https://host[:port]/path?query. The port is 443 by default.
	URL string
	// Address ("host:port") is where to connect to in place of the URL's host, which is asked for
	// and named in the request all the same. Default: host and port of the URL.
	Address string
	// Method is the HTTP method. Default: GET, or POST if there is a body.
	Method string
	// Path replaces path and query of the URL, byte for byte: it is not cleaned nor escaped.
	Path string
	// Header is sent with the names spelled as they are here, whatever their case. Its values for
	// Host, User-Agent, Authorization, Cookie, Content-Length, Transfer-Encoding and X-CSRF-Token
	// take the place of the sender's own.
	Header http.Header
	// RawHeader are lines ("ssl_client_cert: x", without the line end) that follow the others byte
	// for byte, in this order, even if the same name stands there twice.
	RawHeader []string
	// Body is the message. Nil and empty differ: empty is a body of no bytes.
	Body []byte
	// BodyFrom is the message as a stream, in place of Body. It is sent in chunks, unless Header has
	// a Content-Length. As it cannot be sent twice it does not go with WaitForChallenge. If it is an
	// io.Closer it is closed when the call ends; if it is not, and a Read never returns, the
	// goroutine that waits for it stays.
	BodyFrom io.Reader
}

// target is a call that was checked: where it goes and what is asked for there.
type target struct {
	call    Call
	url     *url.URL
	address string // to connect to
	host    string // the URL's, without port: what a certificate must be for
	sni     string
	path    string
	method  string
}

func (s *Sender) target(call Call) (target, error) {
	t := target{call: call}
	u, err := url.Parse(call.URL)
	if err != nil {
		return t, fmt.Errorf("the URL cannot be read: %w", err)
	}
	switch {
	case !strings.EqualFold(u.Scheme, "https"):
		return t, fmt.Errorf("the URL %q is not one of https", call.URL)
	case u.Hostname() == "":
		return t, fmt.Errorf("the URL %q names no host", call.URL)
	case u.User != nil:
		return t, errors.New("the URL holds a logon; use Basic of the sender")
	case call.Body != nil && call.BodyFrom != nil:
		return t, errors.New("the call has both Body and BodyFrom, expected one at most")
	case call.BodyFrom != nil && s.Basic != nil && s.WaitForChallenge:
		return t, errors.New("BodyFrom cannot be sent again after a challenge; use Body")
	}
	t.url, t.host = u, u.Hostname()
	t.address = call.Address
	if t.address == "" {
		port := u.Port()
		if port == "" {
			port = "443"
		}
		t.address = net.JoinHostPort(t.host, port)
	} else if _, _, err := net.SplitHostPort(t.address); err != nil {
		return t, fmt.Errorf("the address to connect to is not host:port: %w", err)
	}
	t.sni = t.host
	if s.ServerName != nil {
		t.sni = *s.ServerName
	}
	t.path = call.Path
	if t.path == "" {
		t.path = u.RequestURI()
	}
	if !strings.HasPrefix(t.path, "/") || hasBlank(t.path) {
		return t, fmt.Errorf("the path %q does not begin with / or holds blanks or control characters", t.path)
	}
	t.method = call.Method
	if t.method == "" {
		t.method = http.MethodGet
		if call.Body != nil || call.BodyFrom != nil {
			t.method = http.MethodPost
		}
	}
	if !isToken(t.method) {
		return t, fmt.Errorf("the method %q is not one of HTTP", t.method)
	}
	return t, checkHeader(call)
}

// checkHeader refuses what would break out of its line: who wants to try that writes the whole
// request on a connection of their own.
func checkHeader(call Call) error {
	for name, values := range call.Header {
		if !isToken(name) {
			return fmt.Errorf("the header name %q is not one of HTTP; RawHeader sends any line", name)
		}
		for _, value := range values {
			if strings.ContainsAny(value, "\r\n\x00") {
				return fmt.Errorf("a value of the header %s holds a line end or a zero byte", name)
			}
		}
	}
	for _, line := range call.RawHeader {
		if line == "" || strings.ContainsAny(line, "\r\n") {
			return fmt.Errorf("the raw header line %q is empty or holds a line end", line)
		}
	}
	return nil
}

// message is one request as it goes over the wire.
type message struct {
	method string
	head   []byte
	body   []byte
	stream io.Reader
	chunks bool // the stream is sent in chunks
}

// message writes down the request. Of a token fetch, only method and header differ.
func (t target) message(fetch bool, token string, authorization, cookies string) message {
	m := message{method: t.method, body: t.call.Body, stream: t.call.BodyFrom}
	if fetch {
		m = message{method: http.MethodGet}
	}
	var own [][2]string
	add := func(name, value string) {
		if value != "" && !hasHeader(t.call.Header, name) {
			own = append(own, [2]string{name, value})
		}
	}
	add("Host", t.url.Host)
	add("User-Agent", "gatehouse-sender")
	add("Authorization", authorization)
	add("Cookie", cookies)
	if fetch {
		add("X-CSRF-Token", "Fetch")
	} else {
		add("X-CSRF-Token", token)
		switch {
		case m.stream != nil && !hasHeader(t.call.Header, "Content-Length"):
			m.chunks = true
			add("Transfer-Encoding", "chunked")
		case m.stream == nil && !hasHeader(t.call.Header, "Transfer-Encoding") &&
			(m.body != nil || m.method == http.MethodPost || m.method == http.MethodPut):
			add("Content-Length", strconv.Itoa(len(m.body)))
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", m.method, t.path)
	line := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	for _, h := range own {
		line(h[0], h[1])
	}
	for _, name := range slices.Sorted(maps.Keys(t.call.Header)) {
		if fetch && isAbout(name, "Content-Length", "Transfer-Encoding", "Content-Type", "Expect") {
			continue // a fetch has no body
		}
		for _, value := range t.call.Header[name] {
			line(name, value)
		}
	}
	for _, raw := range t.call.RawHeader {
		b.WriteString(raw + "\r\n")
	}
	b.WriteString("\r\n")
	m.head = b.Bytes()
	return m
}

// authorization is the value of the header of the same name, "" if there is no logon.
func (s *Sender) authorization() string {
	switch {
	case s.Basic != nil:
		pair := s.Basic.User + ":" + s.Basic.Password
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	case s.Bearer != "":
		return "Bearer " + s.Bearer
	}
	return ""
}

func hasHeader(h http.Header, name string) bool {
	for n := range h {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func isAbout(name string, others ...string) bool {
	return slices.ContainsFunc(others, func(o string) bool { return strings.EqualFold(name, o) })
}

// modifies tells whether a channel may demand a CSRF token of the method.
func modifies(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func hasBlank(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}
