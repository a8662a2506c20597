package sender

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// guarded is a server that wants user and password, and says so with the challenge given.
func guarded(t *testing.T, challenge string) *server {
	return serve(t, func(s *server) {
		s.answer = func(r request) string {
			if r.header.Get("Authorization") != "Basic dTpw" {
				return "HTTP/1.1 401 Unauthorized\r\n" + challenge + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
			}
			return ok
		}
	})
}

const basicChallenge = "WWW-Authenticate: Basic realm=\"x\"\r\n"

func TestBasic(t *testing.T) {
	lb := guarded(t, basicChallenge)
	r := letIn(t, good().With(func(s *Sender) { s.Basic = &Credentials{"u", "p"} }), lb.call())
	assert.Empty(t, r.Attempts)
	assert.Len(t, lb.seen(), 1)

	r = do(t, good().With(func(s *Sender) { s.Basic = &Credentials{"u", "wrong"} }), lb.call())
	assert.Equal(t, 401, r.Status)
}

func TestWaitForChallenge(t *testing.T) {
	lb := guarded(t, basicChallenge)
	s := good().With(func(s *Sender) { s.Basic, s.WaitForChallenge = &Credentials{"u", "p"}, true })
	call := lb.call()
	call.Body = []byte("twice")
	r := letIn(t, s, call)
	seen := lb.seen()
	require.Len(t, seen, 2)
	assert.Empty(t, seen[0].header.Get("Authorization"))
	assert.Equal(t, "twice", string(seen[0].body))
	assert.Equal(t, "twice", string(seen[1].body))
	assert.Equal(t, 2, r.Request)
	assert.Equal(t, []Attempt{{Purpose: Challenge, Method: "POST", Status: 401, LocalAddr: r.LocalAddr, Request: 1}}, r.Attempts)

	t.Run("each on its own connection if the server closes", func(t *testing.T) {
		lb := guarded(t, basicChallenge+"Connection: close\r\n")
		r := letIn(t, s, lb.call())
		require.Len(t, r.Attempts, 1)
		assert.NotEqual(t, r.LocalAddr, r.Attempts[0].LocalAddr)
		assert.Equal(t, 1, r.Request)
	})
	t.Run("another scheme is no challenge", func(t *testing.T) {
		lb := guarded(t, "WWW-Authenticate: Bearer realm=\"Basic\"\r\n")
		r := do(t, s, lb.call())
		assert.Equal(t, 401, r.Status)
		assert.Len(t, lb.seen(), 1)
		assert.Empty(t, r.Attempts)
	})
	t.Run("not challenged, not sent", func(t *testing.T) {
		lb := serve(t, nil)
		letIn(t, s, lb.call())
		assert.NotContains(t, lb.last().raw, "Authorization")
		assert.Len(t, lb.seen(), 1)
	})
}

func TestBearer(t *testing.T) {
	lb := serve(t, nil)
	letIn(t, good().With(func(s *Sender) { s.Bearer = "token" }), lb.call())
	assert.Equal(t, "Bearer token", lb.last().header.Get("Authorization"))
	letIn(t, good(), lb.call())
	assert.NotContains(t, lb.last().raw, "Authorization")
}

func TestNoSecretIsShown(t *testing.T) {
	lb := serve(t, nil)
	s := good().With(func(s *Sender) { s.Basic = &Credentials{"user", "pa55word"} })
	r := letIn(t, s, lb.call())
	shown := fmt.Sprintf("%v %+v %#v %v %s %+v", *s.Basic, s.Basic, *s.Basic, r, r, r.Stop())
	assert.NotContains(t, shown, "pa55word")
}

func TestAsksForBasic(t *testing.T) {
	for value, want := range map[string]bool{
		`Basic realm="x"`:                      true,
		`basic`:                                true,
		`Bearer, Basic realm="x"`:              true,
		`Bearer realm="a, b", error="c",BASIC`: true,
		`Digest realm="x, Basic y"`:            false,
		`Digest realm="x\", Basic y"`:          false,
		`Digest a=b, basic=c`:                  false,
		`Digest a=b, basic = c`:                false,
		`Basically`:                            false,
		``:                                     false,
	} {
		assert.Equal(t, want, asksForBasic(http.Header{"Www-Authenticate": {value}}), value)
	}
	assert.True(t, asksForBasic(http.Header{"Www-Authenticate": {"Negotiate", "Basic"}}))
}

// cookieValue has all that URL-encoding changes.
const cookieValue = "!a+b/c=="

func setting(cookie string) func(*server) {
	return func(s *server) {
		s.answer = func(request) string {
			return "HTTP/1.1 200 OK\r\nSet-Cookie: " + cookie + "\r\nContent-Length: 0\r\n\r\n"
		}
	}
}

func TestCookies(t *testing.T) {
	twice := func(change func(*Sender), cookie string) string {
		lb := serve(t, setting(cookie))
		s := good().With(change)
		letIn(t, s, lb.call())
		assert.Empty(t, lb.last().header.Get("Cookie"))
		letIn(t, s, lb.call())
		return lb.last().header.Get("Cookie")
	}
	node := "BIGipServerhost.example=" + cookieValue
	assert.Equal(t, node, twice(func(s *Sender) { s.Cookies = true }, node+"; path=/; Httponly; Secure"))
	assert.Equal(t, "BIGipServerhost.example="+url.QueryEscape(cookieValue),
		twice(func(s *Sender) { s.EncodeCookies = true }, node+"; path=/"))
	assert.Empty(t, twice(func(s *Sender) {}, node+"; path=/"))
	assert.Empty(t, twice(func(s *Sender) { s.Cookies = true }, node+"; path=/elsewhere"))
	assert.Empty(t, twice(func(s *Sender) { s.Cookies = true }, node+"; Max-Age=0"))
}

func TestJar(t *testing.T) {
	var j jar
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	set := func(path string, cookies ...string) { j.set("Host", path, http.Header{"Set-Cookie": cookies}, now) }
	get := func(path string) string { return j.header("hOST", path, false, now) }

	set("/a/b?q=/x/y", "one=1", "two=2; Path=/", "three=3; Max-Age=60", `four="4"; Path=/a/b`)
	assert.Equal(t, `four="4"; one=1; three=3; two=2`, get("/a/b"))
	assert.Equal(t, "two=2", get("/ab"))
	assert.Equal(t, "one=1; three=3; two=2", get("/a?q"))
	assert.Empty(t, j.header("other", "/a", false, now))

	set("/", "two=22; Path=/")
	assert.Equal(t, "two=22", get("/"))
	now = now.Add(61 * time.Second)
	assert.Equal(t, "one=1; two=22", get("/a"))
	set("/", "two=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	assert.Equal(t, "one=1", get("/a"))

	set("/a", "big="+strings.Repeat("x", maxCookieSize))
	for i := range 2 * maxCookies {
		set("/a", fmt.Sprintf("n%d=x; Path=/n", i))
	}
	assert.Equal(t, "one=1", get("/a"))
	assert.Len(t, j.hosts["host"], maxCookies)
	for i := range 2 * maxHosts {
		j.set(fmt.Sprint("h", i), "/", http.Header{"Set-Cookie": {"a=b"}}, now)
	}
	assert.Len(t, j.hosts, maxHosts)
}

func TestJarNeverHandsOutWhatIsNotForThePath(t *testing.T) {
	path := rapid.StringMatching(`(/[ab]{0,2}){1,4}`)
	rapid.Check(t, func(t *rapid.T) {
		set, asked := path.Draw(t, "set"), path.Draw(t, "asked")
		var j jar
		now := time.Unix(1e9, 0)
		j.set("h", "/", http.Header{"Set-Cookie": {"c=v; Path=" + set}}, now)
		got := j.header("h", asked, false, now)
		want := ""
		if asked == set || strings.HasPrefix(asked, strings.TrimSuffix(set, "/")+"/") {
			want = "c=v"
		}
		if got != want {
			t.Fatalf("cookie of %q for %q: %q, expected %q", set, asked, got, want)
		}
	})
}

// protected is a channel with CSRF protection, which ties its tokens to a session.
func protected(t *testing.T) *server {
	return serve(t, func(s *server) {
		s.answer = func(r request) string {
			switch {
			case r.header.Get("X-CSRF-Token") == "Fetch":
				return "HTTP/1.1 200 OK\r\nX-CSRF-Token: t0ken\r\nSet-Cookie: JSESSIONID=s; Path=/; Secure\r\nContent-Length: 0\r\n\r\n"
			case r.method == "GET", r.header.Get("X-CSRF-Token") == "t0ken" && r.header.Get("Cookie") == "JSESSIONID=s":
				return ok
			}
			return "HTTP/1.1 403 Forbidden\r\nX-CSRF-Token: Required\r\nContent-Length: 0\r\n\r\n"
		}
	})
}

func TestCSRF(t *testing.T) {
	lb := protected(t)
	call := lb.call()
	call.Body = []byte("order")
	call.Header = http.Header{"Content-Type": {"text/plain"}}
	fetching := func(s *Sender) { s.CSRF = true }

	assert.Equal(t, 403, do(t, good(), call).Status)
	r := letIn(t, good().With(fetching), call)
	assert.Equal(t, []Attempt{{Purpose: TokenFetch, Method: "GET", Status: 200, LocalAddr: r.LocalAddr, Request: 1}}, r.Attempts)
	seen := lb.seen()
	fetch := seen[len(seen)-2]
	assert.Equal(t, "GET", fetch.method)
	assert.Empty(t, fetch.body)
	assert.NotContains(t, fetch.raw, "Content-Type")
	assert.Equal(t, "order", string(lb.last().body))

	before := len(lb.seen())
	letIn(t, good().With(fetching), lb.call())
	assert.Len(t, lb.seen(), before+1, "a GET needs no token")
}

func TestCSRFTokenNotGiven(t *testing.T) {
	fetching := good().With(func(s *Sender) { s.CSRF = true })
	lb := serve(t, nil)
	call := lb.call()
	call.Body = []byte("order")
	r := letIn(t, fetching, call)
	assert.Len(t, r.Attempts, 1, "a channel without protection gives none and wants none")
	assert.NotContains(t, lb.last().raw, "X-CSRF-Token")

	lb = serve(t, func(s *server) {
		s.answer = func(request) string {
			return "HTTP/1.1 403 Forbidden\r\nX-CSRF-Token: Required\r\nContent-Length: 0\r\n\r\n"
		}
	})
	call.Address = lb.address()
	r = do(t, fetching, call)
	assert.Equal(t, 403, r.Status)
	assert.Equal(t, "GET", r.Method, "refused when it fetched the token, it sends no message")
	assert.Len(t, lb.seen(), 1)
}

func TestChallengeThenToken(t *testing.T) {
	lb := guarded(t, basicChallenge)
	plain := lb.answer
	lb.answer = func(r request) string {
		if a := plain(r); a != ok || r.method != "GET" {
			return a
		}
		return "HTTP/1.1 200 OK\r\nX-CSRF-Token: t\r\nContent-Length: 0\r\n\r\n"
	}
	call := lb.call()
	call.Body = []byte("order")
	r := letIn(t, good().With(func(s *Sender) {
		s.Basic, s.WaitForChallenge, s.CSRF = &Credentials{"u", "p"}, true, true
	}), call)
	var purposes []Purpose
	for _, a := range r.Attempts {
		purposes = append(purposes, a.Purpose)
	}
	assert.Equal(t, []Purpose{Challenge, TokenFetch}, purposes)
	assert.Equal(t, 3, r.Request, "once asked for, the credentials go with every request of the call")
	assert.Equal(t, "t", lb.last().header.Get("X-CSRF-Token"))
}
