package loadbalancer

import (
	"bytes"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/simulator/journey"
)

// two opens a load balancer with two nodes.
func two(t *testing.T) (*house, [2]*fakeNode) {
	nodes := [2]*fakeNode{{id: "aaaaaaa"}, {id: "bbbbbbb"}}
	h := open(t, func(c *Config) {
		c.Backends = []Backend{nodes[0], nodes[1]}
		c.Domains = []Host{testPKI().host(ordersHost, None)}
	})
	return h, nodes
}

// cookieOf returns name and value of the affinity cookie of an answer.
func cookieOf(t *testing.T, a answer) (name, value string) {
	t.Helper()
	lines := a.header["Set-Cookie"]
	require.Len(t, lines, 1)
	cookie, err := http.ParseSetCookie(lines[0])
	require.NoError(t, err)
	assert.True(t, cookie.HttpOnly)
	assert.True(t, cookie.Secure)
	assert.Equal(t, "/", cookie.Path)
	return cookie.Name, cookie.Value
}

// LB-13.
func TestCookieKeepsTheNode(t *testing.T) {
	h, nodes := two(t)
	first, j := h.call(t, h.as(nil))
	name, value := cookieOf(t, first)
	assert.Equal(t, "BIGipServer"+tenantHost, name)
	assert.Regexp(t, `^![A-Za-z0-9+/]{43}=$`, value)
	for range 4 {
		a, again := h.call(t, h.as(nil), "Cookie: JSESSIONID=x; "+name+"="+value)
		assert.Equal(t, j.Node, again.Node)
		assert.Empty(t, a.header["Set-Cookie"], "the client has it already")
	}
	seen := map[string]bool{}
	for range 4 {
		_, j := h.call(t, h.as(nil))
		seen[j.Node] = true
	}
	assert.Len(t, seen, 2, "without the cookie, in turn")
	all := append(nodes[0].requests(), nodes[1].requests()...)
	passed := 0
	for _, r := range all {
		if strings.Contains(r.Header.Get("Cookie"), value) {
			passed++
		}
	}
	assert.Equal(t, 4, passed, "the node gets the cookie, too")
}

// LB-14 (note 2681175): a value that was URL-encoded, or that is not ours, names no node.
func TestCookieThatIsNotOurs(t *testing.T) {
	h, nodes := two(t)
	a, _ := h.call(t, h.as(nil))
	name, value := cookieOf(t, a)
	for what, cookie := range map[string]string{
		"encoded":      name + "=" + url.QueryEscape(value),
		"quoted":       name + `="` + value + `"`,
		"of no node":   name + "=!AAAA=",
		"a node id":    name + "=" + nodes[0].id,
		"empty":        name + "=",
		"another name": "BIGipServerother=" + value,
		"of a domain":  "BIGipServer" + ordersHost + "=" + value,
	} {
		t.Run(what, func(t *testing.T) {
			seen := map[string]bool{}
			for range 2 {
				a, j := h.call(t, h.as(nil), "Cookie: "+cookie)
				seen[j.Node] = true
				cookieOf(t, a)
			}
			assert.Len(t, seen, 2, "calls go round")
		})
	}
	t.Run("the right one among wrong ones", func(t *testing.T) {
		seen := map[string]bool{}
		for range 3 {
			_, j := h.call(t, h.as(nil), "Cookie: "+name+"=!AAAA=; "+name+"="+value)
			seen[j.Node] = true
		}
		assert.Len(t, seen, 1)
	})
	t.Run("of another instance", func(t *testing.T) {
		other, _ := two(t)
		a, _ := other.call(t, other.as(nil))
		_, foreign := cookieOf(t, a)
		assert.NotEqual(t, value, foreign)
	})
}

// Each host has a cookie of its own, which stays good when the load balancer is configured anew, also
// on a connection that is alive.
func TestCookieOutlivesAConfiguration(t *testing.T) {
	h, nodes := two(t)
	config := h.as(nil)
	config.ServerName = ordersHost
	c := h.dial(t, config)
	a, err := say(c, get(ordersHost))
	require.NoError(t, err)
	name, value := cookieOf(t, a)
	assert.Equal(t, "BIGipServer"+ordersHost, name)
	node := h.record(t, c, 1).Node
	require.NoError(t, h.Reconfigure(Settings{
		Default:  h.pki.host(tenantHost, Request, h.pki.trust()...),
		Domains:  []Host{h.pki.host(ordersHost, None)},
		Backends: []Backend{nodes[0], nodes[1]},
	}))
	for _, c := range []net.Conn{c, h.dial(t, config)} {
		for range 2 {
			a, err = say(c, get(ordersHost, "Cookie: "+name+"="+value))
			require.NoError(t, err)
			assert.Equal(t, node+":", a.body)
			assert.Empty(t, a.header["Set-Cookie"])
		}
	}
}

// LB-20.
func TestNodesThatAreDown(t *testing.T) {
	h, nodes := two(t)
	a, j := h.call(t, h.as(nil))
	name, value := cookieOf(t, a)
	kept, other := nodes[0], nodes[1]
	if j.Node == other.id {
		kept, other = other, kept
	}
	kept.down.Store(true)
	for range 3 {
		a, j = h.call(t, h.as(nil), "Cookie: "+name+"="+value)
		assert.Equal(t, other.id, j.Node)
		_, fresh := cookieOf(t, a)
		assert.NotEqual(t, value, fresh)
	}
	before := len(nodes[0].requests()) + len(nodes[1].requests())
	other.down.Store(true)
	a, j = h.call(t, h.as(h.pki.client))
	assert.Equal(t, 503, a.status)
	assert.Empty(t, a.header["Set-Cookie"])
	assert.Equal(t, 503, j.Status)
	assert.Empty(t, j.Node)
	require.Len(t, j.Stops, 1)
	assert.Equal(t, journey.Refused, j.Stops[0].Verdict)
	assert.Equal(t, journey.NoNodeAvailable, j.Stops[0].Reason)
	assert.Equal(t, before, len(nodes[0].requests())+len(nodes[1].requests()))
	kept.down.Store(false)
	a, j = h.call(t, h.as(nil))
	assert.Equal(t, 200, a.status)
	assert.Equal(t, kept.id, j.Node)
}

// Calls are spread evenly, and never to a node that is down while another is up.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		up := rapid.SliceOfN(rapid.Bool(), 1, 6).Draw(t, "up")
		var backends []Backend
		anyUp := 0
		for i, isUp := range up {
			n := &fakeNode{id: string(rune('a' + i))}
			n.down.Store(!isUp)
			backends = append(backends, n)
			if isUp {
				anyUp++
			}
		}
		s, err := newSpread(backends, rand.Reader)
		require.NoError(t, err)
		counts := make([]int, len(up))
		for range 10 * len(up) {
			wanted := -1
			if rapid.Bool().Draw(t, "wants") {
				wanted = rapid.IntRange(0, len(up)-1).Draw(t, "wanted")
			}
			got, err := s.pick(wanted)
			if anyUp == 0 {
				require.ErrorIs(t, err, errNoBackend)
				continue
			}
			require.NoError(t, err)
			require.True(t, up[got])
			if wanted >= 0 && up[wanted] {
				require.Equal(t, wanted, got)
			} else {
				counts[got]++
			}
		}
		if anyUp == len(up) {
			for _, n := range counts {
				require.InDelta(t, counts[0], n, 1)
			}
		}
	})
}

// Without anything else to go by, calls go round, and the first one goes to the first node.
func TestCallsGoRound(t *testing.T) {
	s, err := newSpread([]Backend{&fakeNode{id: "a"}, &fakeNode{id: "b"}, &fakeNode{id: "c"}}, rand.Reader)
	require.NoError(t, err)
	for _, want := range []int{0, 1, 2, 0, 1} {
		got, err := s.pick(-1)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

// A node that panics harms its own call only.
func TestNodeThatPanics(t *testing.T) {
	var logged lockedBuffer
	h := open(t, func(c *Config) { c.ErrorLog = slog.New(slog.NewTextHandler(&logged, nil)) })
	h.node.handle = func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/early":
			panic("early")
		case "/late":
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			panic("late")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
	}
	ask := func(path string) (answer, journey.Journey, error) {
		c := h.dial(t, h.as(nil))
		a, err := say(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		return a, h.record(t, c, 1), err
	}
	a, j, err := ask("/early")
	require.NoError(t, err)
	assert.Equal(t, 502, a.status)
	assert.Equal(t, 502, j.Status)
	assert.NotContains(t, a.body, "early", "nothing of the fault is told to the sender")
	assert.Contains(t, logged.String(), `msg="a runtime node panicked" call=`+j.ID+" panic=early stack=")
	for _, path := range []string{"/late", "/abort"} {
		_, j, err = ask(path)
		assert.Error(t, err)
		assert.Zero(t, j.Status)
	}
	assert.Contains(t, logged.String(), "panic=late")
	assert.Contains(t, logged.String(), "loadbalancer.TestNodeThatPanics", "where it did")
	assert.NotContains(t, logged.String(), "panic="+http.ErrAbortHandler.Error(), "which is how a call is cut, and no fault")
	a, _, err = ask("/")
	require.NoError(t, err)
	assert.Equal(t, 200, a.status)
}

// A node that says nothing has answered with 200, which is what the record says; one that says it
// itself is not spoken for again.
func TestNodeThatSaysNothing(t *testing.T) {
	var logged lockedBuffer
	nodes := []Backend{&fakeNode{id: "a", handle: func(http.ResponseWriter, *http.Request) {}}, &fakeNode{id: "b", handle: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(201)
		_, _ = io.WriteString(w, "done")
		w.(http.Flusher).Flush()
	}}}
	h := open(t, func(c *Config) { c.Backends, c.ErrorLog = nodes, slog.New(slog.NewTextHandler(&logged, nil)) })
	for _, want := range []int{200, 201, 200} {
		a, j := h.call(t, h.as(nil))
		assert.Equal(t, want, a.status)
		assert.Equal(t, want, j.Status)
		cookieOf(t, a)
	}
	assert.Empty(t, logged.String())
}

// lockedBuffer is written by the load balancer and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A request that came over none of the load balancer's connections, or over one that is closing, is
// not answered.
func TestServeAnswersItsOwnConnectionsOnly(t *testing.T) {
	h := open(t, nil)
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { h.serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
	assert.Empty(t, h.node.requests())
}
