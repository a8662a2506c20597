package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// What the authorization of a channel says: how a role came, what stands in the way, what to do.
func TestWhatIsSaidOfARole(t *testing.T) {
	f := newFixture(t)
	s := f.tenant.Snapshot()
	channel := tenant.Channel{Address: "/http/orders"}
	who := principal{user: "alice"}
	for how, answer := range map[string]tenant.RoleAnswer{
		"directly":                         {Has: true},
		`through group "Senders"`:          {Has: true, Through: "Senders", AuthGroup: "AuthGroup.X"},
		"through AuthGroup.X":              {Has: true, AuthGroup: "AuthGroup.X"},
		"directly; so says the role cache": {Has: true, Cached: true},
	} {
		p := authorize(who, channel, roleIs{s, answer})
		assert.False(t, p.refused())
		assert.Contains(t, p.stop.Decided, ", "+how)
		assert.Equal(t, answer.Cached, strings.Contains(p.stop.Decided, "role cache"))
	}

	p := authorize(who, channel, roleIs{s, tenant.RoleAnswer{}})
	require.True(t, p.refused())
	assert.Equal(t, "Assign role ESBMessaging.send on application e100999iflmap to user alice: cockpit → Subscriptions → e100999iflmap → Roles", p.stop.Fix)
	assert.Empty(t, p.stop.Saw)
	p = authorize(who, channel, roleIs{s, tenant.RoleAnswer{Cached: true, ElsewhereOn: []string{"provision", "tmn"}}})
	assert.Contains(t, p.stop.Fix, "; if it is assigned already, wait until the cache ends")
	assert.Equal(t, []journey.Fact{{Name: "role on other applications", Value: "provision, tmn"}}, p.stop.Saw)
}

// roleIs is a snapshot with another answer about roles.
type roleIs struct {
	*tenant.Snapshot
	answer tenant.RoleAnswer
}

func (r roleIs) Role(string, string) tenant.RoleAnswer { return r.answer }

func TestTheCertificateOfTheCAIsNamedOnce(t *testing.T) {
	f := newFixture(t)
	row := tenant.DNPair{Subject: "CN=" + issuer + ", C=DE", Issuer: "CN=Example Root CA, C=DE"}
	cert, err := readCertificate(f.unmapped.Raw)
	require.NoError(t, err)
	channel := tenant.Channel{Address: "/http/tableca", Authorization: tenant.Authorization{Table: []tenant.DNPair{row, row}}}
	p := authorize(principal{user: "a", certificate: cert}, channel, f.tenant.Snapshot())
	assert.Equal(t, 1, strings.Count(p.stop.Decided, "certificate of its CA"))
}

func TestWhatIsSaidOfACSRFToken(t *testing.T) {
	f := newFixture(t)
	who := accepted(f.warehouse)
	token, cookie := f.csrfToken(who)
	other, otherCookie := f.csrfToken(who)
	assert.NotEqual(t, token, other)
	assert.NotEqual(t, cookie, otherCookie)
	assert.NotEqual(t, token, strings.TrimPrefix(cookie, "JSESSIONID="), "the token is not to be seen in the cookie")

	in := func(cookie string) option { return header("Cookie", cookie) }
	for problem, options := range map[string][]option{
		"none was sent":                                            {in(cookie)},
		"a token is fetched by GET or HEAD only":                   {in(cookie), header("X-CSRF-Token", "fetch")},
		"a token was sent without the session's cookie":            {header("X-CSRF-Token", token)},
		"the token is not that of a session which this node knows": {in(cookie), header("X-CSRF-Token", other)},
	} {
		o := f.call("POST", "/http/csrf", append(options, who)...).endsWith(403, "WAREHOUSE", journey.CSRFTokenMissing)
		assert.Equal(t, `channel "/http/csrf" demands a CSRF token of POST: `+problem, o.stop(journey.Authorization).Decided)
		assert.Equal(t, []string{`Forbidden. Channel "/http/csrf" demands a CSRF token of POST by user "WAREHOUSE": ` + problem + "."}, o.texts())
		assert.Equal(t, "Required", o.response.Header.Get("X-CSRF-Token"))
	}
	assert.Contains(t, f.call("POST", "/http/csrf", who, in(cookie), header("X-CSRF-Token", token)).stop(journey.Authorization).Decided, "; the CSRF token is valid")
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE"} {
		assert.Contains(t, f.call(method, "/http/csrf", who).stop(journey.Authorization).Decided, "; "+method+" needs no CSRF token")
	}
}

// A certificate that is cut off, or with more after it, is none.
func TestReadCertificateTakesAWholeOne(t *testing.T) {
	der := mint(t, "warehouse", issuer).Raw
	_, err := readCertificate(der)
	require.NoError(t, err)
	_, err = readCertificate(append(der[:len(der):len(der)], 0))
	require.ErrorIs(t, err, errNoCertificate)
	_, err = readCertificate(der[:len(der)-1])
	require.ErrorIs(t, err, errNoCertificate)

	element := func(tag byte, content ...[]byte) []byte {
		out := []byte{tag, 0}
		for _, c := range content {
			out = append(out, c...)
		}
		out[1] = byte(len(out) - 2)
		return out
	}
	sequence := func(content ...[]byte) []byte { return element(0x30, content...) }
	name := sequence(element(0x31, sequence(element(6, []byte{0x55, 4, 3}), element(12, []byte("a")))))
	parts := [][]byte{element(0xa0, element(2, []byte{2})), element(2, []byte{1}), sequence(), name, sequence(), name, sequence()}
	got, err := readCertificate(sequence(sequence(parts...)))
	require.NoError(t, err)
	require.Equal(t, "a@a", got.principal())
	_, err = readCertificate(sequence(sequence(parts[1:]...)))
	require.NoError(t, err, "the version may be missing")
	for i := 1; i < len(parts); i++ {
		for what, instead := range map[string][]byte{"left out": {}, "of another type": element(4), "a name that is none": sequence(element(4))} {
			if what == "a name that is none" && i != 3 && i != 5 {
				continue
			}
			spoiled := append(append(append([][]byte{}, parts[:i]...), instead), parts[i+1:]...)
			_, err := readCertificate(sequence(sequence(spoiled...)))
			require.ErrorIs(t, err, errNoCertificate, "part %d %s", i, what)
		}
	}
}

// What the answers have in common on the wire.
func TestHeadersOnTheWire(t *testing.T) {
	f := newFixture(t)
	request := func(path, content string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: a\r\nAuthorization: " + basicHeader("alice:right") + "\r\nContent-Length: " +
			strconv.Itoa(len(content)) + "\r\nConnection: close\r\n\r\n" + content
	}
	large := strings.Repeat("a", 100_000) // more than net/http would count by itself
	answer := f.wire(request("/http/orders", large))
	head, rest, _ := strings.Cut(answer, "\r\n\r\n")
	assert.Contains(t, head, "Content-Length: 100000")
	assert.Contains(t, head, "X-Content-Type-Options: nosniff")
	assert.Contains(t, head, "Content-Type: application/octet-stream")
	assert.Contains(t, head, "SAP_MessageProcessingLogID: AG")
	assert.Equal(t, large, rest)

	answer = f.wire(request("/http/oneway", ""))
	assert.Contains(t, answer, "Content-Length: 0")
	assert.NotContains(t, answer, "Content-Type:")
	assert.Contains(t, answer, "SAP_MessageProcessingLogID: AG")
	assert.Contains(t, f.wire(request("/http/fail", "")), "SAP_MessageProcessingLogID: AG")
}

// A call is cut off when its time is over, whatever the context says already.
func TestCut(t *testing.T) {
	assert.False(t, cut(t.Context()), "no limit")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	assert.False(t, cut(gone), "the sender is gone: nothing to do with time")
	later, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	assert.False(t, cut(later))
	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	assert.True(t, cut(over))
	assert.True(t, cut(deadlineOnly{t.Context()}), "the context has not noticed yet")
}

type deadlineOnly struct{ context.Context }

func (deadlineOnly) Deadline() (time.Time, bool) { return time.Now().Add(-time.Second), true }

func TestDefaultsOfANode(t *testing.T) {
	tn, err := tenant.New(tenant.Config{}, nil)
	require.NoError(t, err)
	n, err := New(Config{Tenant: tn})
	require.NoError(t, err)
	assert.Equal(t, slog.Default(), n.config.Logger)
	assert.NotNil(t, n.config.Now)
	assert.NotNil(t, n.config.Rand)
	assert.NoError(t, errors.Join(n.config.Log.Access(systemlog.AccessLine{}), n.config.Log.Trace()))
	for _, id := range []string{"a0000000z", "A00000000", "{00000000"} {
		_, err := New(Config{Tenant: tn, TenantID: id})
		assert.Error(t, err, id)
	}
	for _, id := range []string{"a00000000", "z00000000"} {
		_, err := New(Config{Tenant: tn, TenantID: id})
		assert.NoError(t, err, id)
	}
}

// What a node is given it works with.
func TestWhatANodeIsGiven(t *testing.T) {
	f := newFixture(t)
	var logged bytes.Buffer
	silent := &written{}
	n, err := New(Config{
		ID: "1a2b3c4", Tenant: f.tenant, LoadBalancer: "10.9.9.9", Log: silent, Host: host,
		Rand: bytes.NewReader(bytes.Repeat([]byte{0xff}, 21)), Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		Now:     func() time.Time { return noon },
		Lookups: func(s *tenant.Snapshot) Lookups { return roleIs{s, tenant.RoleAnswer{Has: true, Through: "the test"}} },
	})
	require.NoError(t, err)
	r := httptest.NewRequest("POST", "https://"+host+"/http/other?a=b", strings.NewReader("hello"))
	accepted(f.warehouse)(r)
	r.RequestURI = "" // as of a request that did not come over a socket
	w := httptest.NewRecorder()
	n.ServeHTTP(w, r)
	assert.Equal(t, 200, w.Code, "the role comes from the exchanged answers")
	assert.Equal(t, "AG__"+strings.Repeat("_", 24), strings.ReplaceAll(map[string][]string(w.Header())[logIDHeader][0], "v", "_"))
	require.Len(t, silent.lines, 1)
	assert.Equal(t, "10.9.9.9", silent.lines[0].LoadBalancer)
	assert.Equal(t, "/http/other?a=b", silent.lines[0].URI)
	assert.Equal(t, noon, silent.lines[0].Time)
	r.RequestURI = "//http/other"
	n.ServeHTTP(httptest.NewRecorder(), r)
	assert.Equal(t, "//http/other", silent.lines[1].URI, "as it came over the wire")
	assert.Empty(t, silent.traces)
	assert.Zero(t, silent.tracing, "without records the trace is not touched")
	assert.Empty(t, logged.String(), "nothing went wrong")
	silent.err = errors.New("disk full")
	n.ServeHTTP(httptest.NewRecorder(), r)
	assert.Contains(t, logged.String(), "disk full")

	f.call("POST", "/http/orders", notAccepted(20))
	assert.Equal(t, 1, f.log.tracing)
}

// A node that is up and is told so again keeps its sessions.
func TestUpAgainKeepsSessions(t *testing.T) {
	f := newFixture(t)
	who := accepted(f.warehouse)
	token, cookie := f.csrfToken(who)
	f.SetUp(true)
	f.call("POST", "/http/csrf", who, header("Cookie", cookie), header("X-CSRF-Token", token)).endsWith(200, "WAREHOUSE", "")
	f.SetUp(false)
	f.call("POST", "/http/csrf", who, header("Cookie", cookie), header("X-CSRF-Token", token)).endsWith(403, "WAREHOUSE", journey.CSRFTokenMissing)
}

// An echo is JSON only if there is no body and JSON is asked for.
func TestWhenAnEchoIsJSON(t *testing.T) {
	f := newFixture(t)
	who, asked := accepted(f.warehouse), header("Accept", "text/html, application/json")
	assert.Equal(t, "hello", f.call("POST", "/http/orders", who, asked, body("hello")).body)
	assert.Empty(t, f.call("POST", "/http/orders", who).body)
	assert.Contains(t, f.call("POST", "/http/orders", who, asked).body, `"method":"POST"`)
}

// Headers are shown in their order; the map that they stand in has none.
func TestHeadersAreShownInOrder(t *testing.T) {
	f := newFixture(t)
	o := f.call("POST", "/http/orders", accepted(f.warehouse), func(r *http.Request) {
		for _, name := range strings.Split("Z Y X W V U T S R Q", " ") {
			r.Header.Set("A-"+name, "a")
		}
	})
	var names []string
	for _, fact := range o.stop(journey.Flow).Saw[2:] {
		names = append(names, fact.Name)
	}
	assert.True(t, slices.IsSorted(names), names)
}

func TestPassportsOfEverySize(t *testing.T) {
	of := func(size int) string {
		raw := append(testPassport()[:passportSize-4], make([]byte, size-passportSize)...)
		raw = append(raw, passportMark...)
		raw[5], raw[6] = byte(size>>8), byte(size)
		return hex.EncodeToString(raw)
	}
	for size, good := range map[int]bool{passportSize: true, passportSize + 1: true, 300: true, 1000: true, maxPassport / 2: true, maxPassport/2 + 1: false} {
		p, ok := parsePassport(of(size))
		assert.Equal(t, good, ok, size)
		assert.Equal(t, good, p != passport{}, size)
	}
	_, ok := parsePassport(" " + of(passportSize) + "\t")
	assert.True(t, ok)
	spoiled := testPassport()
	spoiled[passportTransaction] = 'x'
	_, ok = parsePassport(hex.EncodeToString(spoiled))
	assert.False(t, ok)
}
