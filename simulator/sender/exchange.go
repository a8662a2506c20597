package sender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Do makes one call and tells what happened. Everything that happens on the wire is in the
// Result, a refused connection as well as a status; the error is for a sender or a call that
// makes no sense, and nothing was sent then.
func (s *Sender) Do(ctx context.Context, call Call) (Result, error) {
	t, presented, err := s.prepare(call)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", s.name(), err)
	}
	if timeout := s.timeout(); timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout,
			fmt.Errorf("not finished within %s: %w", timeout, context.DeadlineExceeded))
		defer cancel()
	}
	begun, at := time.Now(), s.now()
	x := &exchange{sender: s, target: t, presented: presented, jar: &s.live.jar, withhold: s.Basic != nil && s.WaitForChallenge}
	if !s.Cookies && !s.EncodeCookies {
		x.jar = nil
		if s.CSRF {
			x.jar = new(jar)
		}
	}
	r := x.run(ctx)
	x.finish()
	r.At, r.Took = at, time.Since(begun)
	r.Attempts = x.attempts
	return r, nil
}

func (s *Sender) prepare(call Call) (target, [][]byte, error) {
	t, err := s.target(call)
	if err != nil {
		return t, nil, err
	}
	switch {
	case s.Basic != nil && s.Bearer != "":
		return t, nil, errors.New("both Basic and Bearer are set, expected one at most")
	case strings.ContainsAny(s.Bearer, " \r\n"):
		return t, nil, errors.New("the bearer token holds a blank or a line end")
	case s.MinTLS != 0 && s.MaxTLS != 0 && s.MinTLS > s.MaxTLS:
		return t, nil, errors.New("MinTLS is above MaxTLS")
	}
	presented, err := s.presented()
	return t, presented, err
}

func (s *Sender) timeout() time.Duration {
	if s.Timeout == 0 {
		return DefaultTimeout
	}
	return s.Timeout
}

// exchange is one call with all its requests.
type exchange struct {
	sender     *Sender
	target     target
	presented  [][]byte
	jar        *jar // nil if cookies are not kept
	withhold   bool // credentials are not sent before a challenge
	attempts   []Attempt
	conn       *connection
	generation int
}

// run sends the call, and before it what the call needs.
func (x *exchange) run(ctx context.Context) Result {
	token := ""
	if x.sender.CSRF && modifies(x.target.method) && !hasHeader(x.target.call.Header, "X-CSRF-Token") {
		r := x.challenged(ctx, true, "")
		token = r.Header.Get("X-CSRF-Token")
		if strings.EqualFold(token, "Required") || strings.ContainsAny(token, "\r\n") {
			token = ""
		}
		// A sender that gets no token because it was refused stops there. One that was let in goes
		// on: a channel without CSRF protection gives none.
		if r.Err != nil || (token == "" && r.Status >= http.StatusBadRequest) {
			return r
		}
		x.attempts = append(x.attempts, attempt(TokenFetch, r))
	}
	return x.challenged(ctx, false, token)
}

// challenged sends a request, and again with credentials if the sender waits to be asked for them.
func (x *exchange) challenged(ctx context.Context, fetch bool, token string) Result {
	if x.withhold {
		r := x.request(ctx, fetch, token, "")
		if r.Err != nil || r.Status != http.StatusUnauthorized || !asksForBasic(r.Header) {
			return r
		}
		x.withhold = false
		x.attempts = append(x.attempts, attempt(Challenge, r))
	}
	return x.request(ctx, fetch, token, x.sender.authorization())
}

// request sends one request. One that met a connection which the other side had closed in the
// meantime is sent again on a new one, as HTTP clients of senders do; Java's even for POST.
func (x *exchange) request(ctx context.Context, fetch bool, token, authorization string) Result {
	host, now := x.target.url.Host, x.sender.now()
	cookies := ""
	if x.jar != nil {
		cookies = x.jar.header(host, x.target.path, x.sender.EncodeCookies, now)
	}
	m := x.target.message(fetch, token, authorization, cookies)
	r, stale := x.once(ctx, m)
	if stale && m.stream == nil && ctx.Err() == nil {
		x.attempts = append(x.attempts, attempt(Stale, r))
		r, _ = x.once(ctx, m)
	}
	if x.jar != nil && r.Err == nil {
		x.jar.set(host, x.target.path, r.Header, now)
	}
	return r
}

// once sends one request on a connection of the exchange, a kept one or a new one. stale says
// that the connection was not new, and nothing at all came back on it.
func (x *exchange) once(ctx context.Context, m message) (r Result, stale bool) {
	s := x.sender
	r = Result{Stage: StageDone, Method: m.method, URL: x.target.call.URL, from: s.name(),
		address: x.target.address, unchecked: s.Trust.all}
	var f *failure
	if x.conn != nil && !x.conn.reusable {
		x.conn.close()
		x.conn = nil
	}
	if x.conn == nil {
		x.conn, x.generation = s.take(x.target.key())
	}
	used := x.conn != nil
	if !used {
		x.conn, f = s.open(ctx, x.target, x.presented)
	}
	if f == nil {
		f = x.conn.send(ctx, m, &r)
	}
	x.conn.fill(&r)
	if f != nil {
		r.Stage, r.Err, r.Alert = f.stage, f.err, f.alert
		r.TLS.Alert = f.alert
		if r.CertificateSent {
			r.misfit = !keyFits(r.Sent[0], s.proof())
		}
	}
	return r, used && f != nil && f.silent && f.alert == nil
}

// finish keeps the connection for the next call or closes it.
func (x *exchange) finish() {
	switch {
	case x.conn == nil:
	case x.conn.reusable:
		x.sender.keep(x.conn, x.generation)
	default:
		x.conn.close()
	}
}

func attempt(why Purpose, r Result) Attempt {
	return Attempt{Purpose: why, Method: r.Method, Status: r.Status, Err: r.Err, LocalAddr: r.LocalAddr, Request: r.Request}
}

// asksForBasic tells whether one of the challenges is of the scheme Basic (RFC 9110, section
// 11.6.1). A comma parts challenges as well as the parameters of one, and may stand in a quoted
// string: a scheme is a word at the beginning of a part that no "=" follows.
func asksForBasic(h http.Header) bool {
	for _, value := range h.Values("WWW-Authenticate") {
		for _, part := range splitUnquoted(value) {
			scheme, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
			if strings.EqualFold(scheme, "Basic") && !strings.HasPrefix(strings.TrimSpace(rest), "=") {
				return true
			}
		}
	}
	return false
}

// splitUnquoted splits at commas outside of quoted strings.
func splitUnquoted(s string) []string {
	var out []string
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}
