package node

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// What the stops of a call say is what a user is helped with: each fact, sentence and remedy.

func (o outcome) stop(station journey.Station) journey.Stop {
	o.t.Helper()
	stop, there := o.journey.At(station)
	require.True(o.t, there)
	return stop
}

func TestWhatTheAuthenticationFilterSaw(t *testing.T) {
	f := newFixture(t)
	blank := mint(t, "sender ", issuer)
	for name, row := range map[string]struct {
		options []option
		saw     []journey.Fact
	}{
		"accepted": {[]option{accepted(f.warehouse)}, []journey.Fact{
			{Name: "certificate subject", Value: "CN=warehouse.example, O=Example, C=DE"},
			{Name: "certificate issuer", Value: "CN=Example Issuing CA, C=DE"},
			{Name: "principal", Value: "WAREHOUSE"},
		}},
		"not accepted, with a password": {[]option{notAccepted(20), password("alice", "right")}, []journey.Fact{
			{Name: "certificate", Value: "not accepted by the load balancer, verify result 20"},
			{Name: "Authorization header", Value: "sent"},
			{Name: "principal", Value: "alice"},
		}},
		"does not count": {[]option{accepted(blank)}, []journey.Fact{{Name: "certificate", Value: "forwarded, does not count"}}},
		"nothing":        {nil, []journey.Fact{{Name: "certificate", Value: "none forwarded"}}},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			assert.Equal(t, row.saw, f.call("POST", "/http/orders", row.options...).stop(journey.RuntimeNode).Saw)
		})
	}
}

func TestWhatIsSaidOfACallWithoutIdentity(t *testing.T) {
	f := newFixture(t)
	blank := mint(t, "sender ", issuer)
	for decided, row := range map[string]struct {
		options []option
		fix     string
	}{
		"neither a certificate was forwarded nor credentials were sent": {nil, ""},
		`the load balancer did not accept the certificate of "C=DE, O=Example, CN=sender.example" (verify result 20); no credentials were sent beside it`: {
			[]option{notAccepted(20)}, "Correct what the load balancer refused in the certificate"},
		`the load balancer did not accept the certificate of "C=DE, O=Example, CN=sender.example" (verify result 20); found Basic credentials that are not Base64, which count as none`: {
			[]option{notAccepted(20), header("Authorization", "Basic %")}, "Correct what the load balancer refused in the certificate"},
		`the common name "sender " of the certificate ends in a space, so the certificate does not count; no credentials were sent beside it`: {
			[]option{accepted(blank)}, ""},
	} {
		t.Run(decided, func(t *testing.T) {
			f.t = t
			stop := f.call("POST", "/http/orders", row.options...).stop(journey.RuntimeNode)
			assert.Equal(t, decided, stop.Decided)
			if about, _ := stop.Reason.About(); row.fix == "" {
				assert.Contains(t, []string{"", about.Fix}, stop.Fix, "the reason's own")
			} else {
				assert.Equal(t, row.fix, stop.Fix)
			}
		})
	}
}

// The rows of a channel's table are shown by number, the first ten of them.
func TestRowsOfATableThatAreShown(t *testing.T) {
	f := newFixture(t)
	var rows []tenant.DNPair
	for i := range 12 {
		rows = append(rows, tenant.DNPairOf(mint(t, fmt.Sprintf("other%d.example", i), issuer)))
	}
	channel := tenant.Channel{Address: "/http/many", Authorization: tenant.Authorization{Table: rows}}
	cert, err := readCertificate(f.warehouse.Raw)
	require.NoError(t, err)
	p := authorize(principal{user: "WAREHOUSE", certificate: cert, mapped: true}, channel, f.tenant.Snapshot())
	require.True(t, p.refused())
	require.Len(t, p.stop.Saw, 10)
	assert.Equal(t, "table row 1", p.stop.Saw[0].Name)
	assert.Equal(t, "subject "+rows[0].Subject+"; issuer "+rows[0].Issuer, p.stop.Saw[0].Value)
	assert.Equal(t, "table row 10", p.stop.Saw[9].Name)
	assert.Contains(t, p.stop.Decided, "are not among the 12 rows")
	assert.NotContains(t, p.stop.Decided, "certificate of its CA")
}

func TestTheCookieOfASession(t *testing.T) {
	f := newFixture(t)
	o := f.call("GET", "/http/csrf", accepted(f.warehouse), header("X-CSRF-Token", "Fetch")).endsWith(200, "WAREHOUSE", journey.CSRFTokenFetched)
	cookies := o.response.Cookies()
	require.Len(t, cookies, 1)
	assert.Equal(t, "JSESSIONID", cookies[0].Name)
	assert.Equal(t, "/", cookies[0].Path)
	assert.True(t, cookies[0].Secure)
	assert.True(t, cookies[0].HttpOnly)
	assert.Regexp(t, `^[0-9A-F]{32}$`, cookies[0].Value)
}

func TestWhatTheFlowSaw(t *testing.T) {
	f := newFixture(t)
	facts := func(o outcome) []journey.Fact { return o.stop(journey.Flow).Saw[:2] }
	who := accepted(f.warehouse)
	assert.Equal(t, []journey.Fact{{Name: "user", Value: "WAREHOUSE"}, {Name: "body", Value: "1 bytes"}}, facts(f.call("POST", "/http/small", who, body("a"))))
	assert.Equal(t, "0 bytes", facts(f.call("POST", "/http/small", who, body(strings.Repeat("a", 11))))[1].Value, "refused for what was announced")
	unannounced := func(r *http.Request) { r.ContentLength = -1 }
	assert.Equal(t, "10 bytes", facts(f.call("POST", "/http/small", who, body(strings.Repeat("a", 11)), unannounced))[1].Value, "refused on the way")

	o := f.call("POST", "/http/orders", who, func(r *http.Request) {
		for n := range 60 {
			r.Header.Set(fmt.Sprintf("X-Header-%02d", n), "a")
		}
	})
	saw := o.stop(journey.Flow).Saw
	assert.Len(t, saw, 52, "user, body and 50 headers")
	for _, fact := range saw[2:] {
		assert.NotEmpty(t, fact.Value, fact.Name)
	}
}

// The id of a message is made of all random bytes but those that give it its look.
func TestTheIDOfAMessage(t *testing.T) {
	raw := make([]byte, 21)
	for i := range raw {
		raw[i] = byte(0xf0 - 7*i)
	}
	n := &Node{config: Config{Rand: bytes.NewReader(raw)}}
	id := n.logID()
	raw[0], raw[1] = 0, 0x69
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(raw), id)
	assert.Equal(t, "AG", id[:2])
}

// A body of one byte is one too, and so is one of a piece and a byte.
func TestSmallAnswers(t *testing.T) {
	f := newFixture(t)
	for _, size := range []int{1, lastPiece, lastPiece + 1} {
		sent := strings.Repeat("a", size)
		assert.Equal(t, sent, f.call("POST", "/http/orders", accepted(f.warehouse), body(sent)).body)
	}
}

func TestAddressesAtTheirLimits(t *testing.T) {
	f := newFixture(t)
	without := func(r *http.Request) { r.RemoteAddr = "@" } // that of a socket without a port
	assert.Equal(t, "@", f.call("POST", "/http/orders", without).line.LoadBalancer)
	assert.Equal(t, "10.0.0.14", f.call("POST", "/http/orders").line.LoadBalancer)
	longest := strings.Repeat("a", 253)
	assert.Equal(t, longest+":443", f.call("POST", "/http/orders", header(forwarding.HostHeader, longest)).line.Host)
}

func TestClipCutsBetweenCharacters(t *testing.T) {
	whole := strings.Repeat("a", 200)
	assert.Equal(t, whole, clip(whole))
	assert.Equal(t, whole+"…", clip(whole+"a"))
	assert.Equal(t, whole[:199]+"…", clip(whole[:199]+"é"), "cut before a character that does not fit")
	assert.Equal(t, whole[:197]+"…", clip(whole[:197]+"😀"))
	assert.Equal(t, whole[:196]+"…", clip(whole[:196]+"\x80\x80\x80\x80\x80"), "no character at all")
}
