package loadbalancer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
)

func TestAffinityNeedsTwoNodes(t *testing.T) {
	key := func() *strings.Reader { return strings.NewReader(strings.Repeat("k", 32)) }
	one, two := &fakeNode{id: "a"}, &fakeNode{id: "b"}
	s, err := newSpread([]Backend{one}, key())
	require.NoError(t, err)
	r := httptest.NewRequest("GET", "/", nil)
	assert.Equal(t, affinity{}, s.affinityFor("h"))
	assert.Empty(t, affinity{}.setCookie(-1, 0))
	assert.Equal(t, -1, affinity{}.wanted(r))

	s, err = newSpread([]Backend{one, two}, key())
	require.NoError(t, err)
	a := s.affinityFor("h")
	assert.Equal(t, -1, a.wanted(r))
	cookie := a.setCookie(-1, 1)
	assert.Regexp(t, `^BIGipServerh=![A-Za-z0-9+/]{43}=; path=/; Httponly; Secure$`, cookie)
	assert.Equal(t, cookie, a.setCookie(0, 1))
	assert.Empty(t, a.setCookie(1, 1))
	assert.NotEqual(t, cookie, a.setCookie(1, 0))
	r.Header.Set("Cookie", strings.TrimSuffix(cookie, "; path=/; Httponly; Secure"))
	assert.Equal(t, 1, a.wanted(r))
	assert.Equal(t, -1, s.affinityFor("other").wanted(r))

	// In turn, from the one that is wanted or the next that is up.
	pick := func(wanted int) int {
		at, err := s.pick(wanted)
		require.NoError(t, err)
		return at
	}
	assert.Equal(t, []int{0, 1, 0, 1, 1, 1}, []int{pick(-1), pick(-1), pick(-1), pick(-1), pick(1), pick(1)})
	one.down.Store(true)
	assert.Equal(t, []int{1, 1, 1}, []int{pick(0), pick(-1), pick(-1)})
	two.down.Store(true)
	_, err = s.pick(0)
	require.ErrorIs(t, err, errNoBackend)
	_, err = spread{}.pick(-1)
	require.ErrorIs(t, err, errNoBackend)
}

func TestHeadersOfOneConnectionEndHere(t *testing.T) {
	h := http.Header{}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings", "X-Named", "X-Too"} {
		h.Set(name, "a")
	}
	h["Connection"] = []string{"close,, x-named", " X-Too ,"}
	h.Set("X-Kept", "b")
	h[""] = []string{"a name that is none"}
	removeHopByHop(h)
	assert.Equal(t, http.Header{"X-Kept": {"b"}, "": {"a name that is none"}}, h)
}

// However the records are cut into reads, the first alert in the clear is found.
func TestAlertIsFoundInPieces(t *testing.T) {
	alert := []byte{21, 3, 3, 0, 2, 2, 48}
	handshake := append([]byte{22, 3, 3, 1, 4}, make([]byte, 260)...)
	empty := []byte{22, 3, 3, 0, 0}
	encrypted := append([]byte{21, 3, 3, 0, 26}, make([]byte, 26)...)
	for name, row := range map[string]struct {
		stream []byte
		number int
	}{
		"alone": {alert, 48}, "behind a handshake": {append(append([]byte{}, handshake...), alert...), 48},
		"behind an empty record": {append(append([]byte{}, empty...), alert...), 48}, "encrypted": {encrypted, -1}, "handshake": {handshake, -1},
		"a long one":              {append([]byte{21, 3, 3, 2, 2}, make([]byte, 514)...), -1},
		"behind an encrypted one": {append(append([]byte{}, encrypted...), alert...), 48}, "cut off": {alert[:6], -1},
		"two": {append(append([]byte{}, alert...), 21, 3, 3, 0, 2, 1, 0), 48}, "two octets of a handshake": {[]byte{22, 3, 3, 0, 2, 2, 48}, -1},
	} {
		for _, piece := range []int{1, 2, 3, 5, 6, 7, 1000} {
			var r records
			for at := 0; at < len(row.stream); at += piece {
				r.see(row.stream[at:min(at+piece, len(row.stream))])
			}
			if row.number < 0 {
				assert.Nil(t, r.alert, "%s by %d", name, piece)
				continue
			}
			if assert.NotNil(t, r.alert, "%s by %d", name, piece) {
				assert.Equal(t, journey.Alert{From: journey.SenderSide, Number: uint8(row.number), Name: "unknown_ca"}, *r.alert)
			}
		}
	}
	after := records{done: true}
	after.see(alert)
	assert.Nil(t, after.alert)
}

func TestFirstBytesOfTLS(t *testing.T) {
	for b := range 256 {
		assert.Equal(t, b == 22 || b == 21 || b == 128, beginsTLS(byte(b)), b)
	}
	w := &wire{Conn: &halfOpen{rest: strings.NewReader("garbage")}}
	n, err := w.Read(make([]byte, 4))
	assert.Zero(t, n, "nothing of it is taken for TLS")
	require.ErrorIs(t, err, errNotTLS)
}

// What is said about the calls of a connection.
func TestWhatTheLoadBalancerSays(t *testing.T) {
	h := open(t, func(c *Config) { c.Domains = []Host{testPKI().host("open.example", None)} })
	asking, silent := h.sites.Load().fallback, h.sites.Load().find("OPEN.example.")
	none := journey.Verification{}
	presented := journey.Verification{Presented: true, SenderSubject: "CN=a", SenderIssuer: "CN=b", Fingerprint: "00", Chain: []string{"CN=a", "CN=b"}}
	refused := presented
	refused.Code = 20
	bad := verify.Result{Code: 20, Text: "no issuer", Depth: 1, Subject: "CN=a"}
	for decided, got := range map[string]journey.Stop{
		"the host does not ask for a client certificate; the call goes on without one":             stop(silent, verify.Result{}, none),
		"a client certificate was asked for, and none was presented; the call goes on without one": stop(asking, verify.Result{}, none),
		"verify result 0 (ok): certificate of CN=a passed on":                                      stop(asking, verify.Result{}, presented),
		"verify result 20 (no issuer) at depth 1: CN=a; certificate not passed on":                 stop(asking, bad, refused),
	} {
		assert.Equal(t, decided, got.Decided)
		assert.Equal(t, strings.HasSuffix(decided, "not passed on"), got.Verdict == journey.Withheld)
		assert.Equal(t, got.Verdict == journey.Withheld, got.Fix != "")
	}
	assert.Empty(t, facts(journey.TLS{}, none))
	assert.Equal(t, []journey.Fact{
		{Name: "TLS version", Value: "TLS 1.3"}, {Name: "cipher suite", Value: "X"}, {Name: "server name", Value: "h"}, {Name: "session", Value: "resumed"},
		{Name: "certificate 0", Value: "CN=a"}, {Name: "certificate 1", Value: "CN=b"}, {Name: "issuer of certificate 0", Value: "CN=b"}, {Name: "SHA-256 of certificate 0", Value: "00"},
	}, facts(journey.TLS{Version: "TLS 1.3", Cipher: "X", ServerName: "h", Resumed: true}, presented))
}
