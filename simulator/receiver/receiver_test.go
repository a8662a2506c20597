package receiver_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/receiver"
	"example.com/gatehouse/simulator/sender"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for a call that must come.
const patience = 20 * time.Second

// authority is a PKI for the tests, made once.
type authority struct {
	root, upper, issuing, client *pki.Certificate
	identity                     *receiver.Identity
}

var testPKI = sync.OnceValue(func() authority {
	a := authority{root: pki.NewRoot("Example Root CA")}
	a.upper = a.root.Intermediate("Example Upper CA")
	a.issuing = a.upper.Intermediate("Example Issuing CA")
	a.client = a.issuing.Client("warehouse.example")
	var err error
	if a.identity, err = receiver.NewIdentity([]string{"tenant.example"}, time.Now); err != nil {
		panic(err)
	}
	return a
})

func trusting(certs ...*pki.Certificate) check.Trust {
	var t check.Trust
	for _, c := range certs {
		t.Certificates = append(t.Certificates, c.DER())
	}
	return t
}

type house struct {
	*receiver.Receiver
	t    testing.TB
	pki  authority
	seen int
}

// open starts a receiver that trusts the test's root.
func open(t testing.TB, change func(*receiver.Config)) *house {
	t.Helper()
	h := &house{t: t, pki: testPKI()}
	c := receiver.Config{Trust: trusting(h.pki.root), Identity: h.pki.identity}
	if change != nil {
		change(&c)
	}
	var err error
	h.Receiver, err = receiver.Start(context.WithoutCancel(t.Context()), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

// next waits for the next call.
func (h *house) next() receiver.Call {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	c, err := h.Next(ctx, h.seen)
	require.NoError(h.t, err)
	h.seen = c.Number
	return c
}

// as makes a sender with the certificate; nil has none.
func (h *house) as(c *pki.Certificate) *sender.Sender {
	s := &sender.Sender{Keystore: sender.FromPKI(c), Trust: sender.TrustRoots(rootsOf(h)), Timeout: patience}
	h.t.Cleanup(func() { assert.NoError(h.t, s.Close()) })
	return s
}

// call sends a message and returns what the receiver says of it.
func (h *house) call(s *sender.Sender, c sender.Call) (receiver.Call, sender.Result) {
	h.t.Helper()
	if c.URL == "" {
		c.URL = "https://tenant.example/http/orders"
	}
	c.Address = h.Addr().String()
	if c.Method == "" && c.Body == nil {
		c.Body = []byte("<order/>")
	}
	result, err := send(h.t.Context(), s, c)
	require.NoError(h.t, err)
	return h.next(), result
}

// point finds the points of a name in a checklist.
func point(t testing.TB, c receiver.Call, name string) receiver.Check {
	t.Helper()
	for _, one := range c.Checks {
		if one.Point == name {
			return one
		}
	}
	require.Fail(t, "no such point", "%s in %+v", name, c.Checks)
	return receiver.Check{}
}

func TestGoodCallHasNothingBad(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	c, result := h.call(h.as(h.pki.client), sender.Call{})
	assert.Equal(t, http.StatusAccepted, result.Status)
	assert.True(t, c.Accepted)
	assert.Equal(t, receiver.Answered, c.Ended)
	assert.Empty(t, c.Bad())
	assert.Empty(t, c.Hints)
	assert.Contains(t, point(t, c, receiver.PointTLS).Found, "TLS 1.3")
	assert.Contains(t, point(t, c, receiver.PointCipher).Found, "TLS_")
	assert.Equal(t, "tenant.example", point(t, c, receiver.PointServerName).Found)
	assert.Contains(t, point(t, c, receiver.PointSent).Found, "3 certificates")
	assert.Contains(t, point(t, c, receiver.PointChain).Found, "CN=Example Root CA (in the trust list)")
	assert.Equal(t, receiver.Good, point(t, c, receiver.PointRoot).Mark)
	assert.Equal(t, receiver.Good, point(t, c, receiver.PointOrder).Mark)
	assert.Equal(t, receiver.Good, point(t, c, receiver.PointCommonName).Mark)
	assert.Contains(t, point(t, c, receiver.PointVerdict).Found, "accepted")
	assert.Equal(t, "POST", point(t, c, receiver.PointMethod).Found)
	own := point(t, c, receiver.PointCertificate)
	assert.Regexp(t, `CN=warehouse.example, issued by CN=Example Issuing CA; valid .*; (RSA|EC).*; signed with .*clientAuth`, own.Found)
	assert.Len(t, c.Certificates, 3)

	// What the tenant would do, by what is configured in it.
	require.Len(t, c.Outcomes, 4)
	assert.Equal(t, []int{202, 403, 403, 403}, statuses(c))
	assert.Equal(t, "warehouse.example@Example Issuing CA", c.Outcomes[1].User)
	assert.Equal(t, journey.NotMapped, c.Outcomes[1].Reason)
	assert.Equal(t, journey.RoleMissing, c.Outcomes[2].Reason)
	assert.Equal(t, journey.CSRFTokenMissing, c.Outcomes[3].Reason)
	assert.Regexp(t, `^10\.0\.0\.14 \(127\.0\.0\.1\) - warehouse\.example@Example Issuing CA \[.*\] POST /http/orders HTTP/1\.1 403 `, c.Outcomes[1].AccessLog)
	assert.Regexp(t, ` - MAPPED_USER \[.*\] POST /http/orders HTTP/1\.1 202 - `, c.Outcomes[0].AccessLog)
}

func statuses(c receiver.Call) []int {
	var out []int
	for _, o := range c.Outcomes {
		out = append(out, o.Status)
	}
	return out
}

// Each way to be wrong shows at its own point, and nowhere else as bad.
func TestWhatIsWrongIsFound(t *testing.T) {
	t.Parallel()
	a := testPKI()
	foreign := pki.NewRoot("Foreign Root CA").Intermediate("Foreign CA").Client("foreign.example")
	for name, one := range map[string]struct {
		certificate *pki.Certificate
		change      func(*sender.Sender)
		bad         []string // points
		found       string   // in the first
		status      int
		verdict     int
		hint        string // in a hint for STRUST
	}{
		"no certificate":  {nil, nil, []string{"certificate-sent"}, "asked for, with the names of 1 trusted CA, and the sender sent none", 401, 0, "not ANONYM"},
		"leaf only":       {a.client, func(s *sender.Sender) { s.Sends = sender.LeafOnly }, []string{"chain", "verdict"}, `its issuer "CN=Example Issuing CA" was neither sent`, 401, 20, "whole chain"},
		"without upper":   {a.client, func(s *sender.Sender) { s.Without = []string{"Example Upper CA"} }, []string{"chain", "verdict"}, `"CN=Example Upper CA" was neither sent`, 401, 20, "whole chain"},
		"foreign":         {foreign, func(s *sender.Sender) { s.Sends = sender.WithRoot }, []string{"certificate", "verdict"}, "verify result 19", 401, 19, "signed by a supported CA"},
		"self-signed":     {a.issuing.Client("x", pki.WithDefect("self-signed")), nil, []string{"chain", "certificate", "verdict"}, "self-signed", 401, 18, "Self-signed"},
		"expired":         {a.issuing.Client("x", pki.Expired()), nil, []string{"certificate", "verdict"}, "expired", 401, 10, "beside the old"},
		"server only":     {a.issuing.Client("x", pki.ServerOnly()), nil, []string{"certificate", "verdict"}, "serverAuth", 401, 26, "client authentication"},
		"trailing space":  {a.issuing.Client("x", pki.TrailingSpaceCN()), nil, []string{"common-name"}, `ends in a space`, 401, 0, "must not end in a space"},
		"intermediate":    {a.issuing.Client("x", pki.IntermediateExpired()), nil, []string{"certificate", "verdict"}, "expired", 401, 10, "beside the old"},
		"issuer is no CA": {a.issuing.Client("x", pki.IssuerNotCA()), nil, []string{"certificate", "verdict"}, "", 401, 79, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			s := h.as(one.certificate)
			if one.change != nil {
				one.change(s)
			}
			c, result := h.call(s, sender.Call{})
			assert.Equal(t, one.status, result.Status)
			assert.False(t, c.Accepted)
			points := map[string]bool{}
			for _, b := range c.Bad() {
				points[b.Point] = true
			}
			for _, p := range one.bad {
				assert.True(t, points[p], "%s is bad in %+v", p, c.Checks)
				delete(points, p)
			}
			assert.Empty(t, points, "nothing else is bad in %+v", c.Bad())
			var all strings.Builder
			for _, b := range c.Bad() {
				all.WriteString(b.Found + "\n")
				if b.Point != receiver.PointCertificate {
					assert.NotEmpty(t, b.Todo)
				}
			}
			assert.Contains(t, all.String(), one.found)
			if one.certificate != nil {
				require.NotNil(t, c.Verdict)
				assert.Equal(t, one.verdict, c.Verdict.Code)
			}
			if one.hint != "" {
				require.NotEmpty(t, c.Hints)
				found := false
				for _, hint := range c.Hints {
					found = found || hint.System == receiver.SM59 && strings.Contains(hint.Text, one.hint)
				}
				assert.True(t, found, "%q in %+v", one.hint, c.Hints)
			}
			assert.Equal(t, "-", c.Outcomes[0].User)
			assert.Contains(t, c.Outcomes[0].AccessLog, " 401 5 ")
			if one.verdict != 0 {
				require.Len(t, c.Outcomes[0].Trace, 2)
				assert.Contains(t, c.Outcomes[0].Trace[1], "OpenSSL verify result code: "+itoa(one.verdict))
			}
		})
	}
}

func TestWhatIsNeedlessIsNoted(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s := h.as(h.pki.client)
	s.Sends = sender.WithRoot
	c, _ := h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	root := point(t, c, receiver.PointRoot)
	assert.Equal(t, receiver.Note, root.Mark)
	assert.Equal(t, 4, root.Certificate)
	assert.Contains(t, root.Found, `"CN=Example Root CA" was sent, needlessly`)

	s = h.as(h.pki.client)
	s.Sends = sender.WrongOrder
	c, _ = h.call(s, sender.Call{})
	assert.True(t, c.Accepted, "OpenSSL does not mind the order")
	assert.Equal(t, receiver.Warning, point(t, c, receiver.PointOrder).Mark)

	s = h.as(h.pki.client)
	s.Duplicate = true
	c, _ = h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	assert.Contains(t, point(t, c, receiver.PointOrder).Found, "same certificate")

	s = h.as(h.pki.client)
	s.Extra = [][]byte{pki.NewRoot("Unrelated").Intermediate("Other").DER()}
	c, _ = h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	assert.Contains(t, point(t, c, receiver.PointOrder).Found, "nothing to do with the chain")

	// Control: the plain call has none of these.
	c, _ = h.call(h.as(h.pki.client), sender.Call{})
	assert.Equal(t, receiver.Good, point(t, c, receiver.PointOrder).Mark)
}

func TestRequestIsLookedAt(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	for name, one := range map[string]struct {
		call     sender.Call
		point    string
		mark     receiver.Mark
		found    string
		status   int
		accepted bool
	}{
		"no prefix":       {sender.Call{URL: "https://tenant.example/orders"}, receiver.PointPath, receiver.Bad, "does not begin with /http/", 404, false},
		"prefix alone":    {sender.Call{URL: "https://tenant.example/http/"}, receiver.PointPath, receiver.Bad, "no channel", 404, false},
		"deep path":       {sender.Call{URL: "https://tenant.example/http/orders/a@b"}, receiver.PointPath, receiver.Good, "/http/orders/a@b", 202, true},
		"AS2":             {sender.Call{URL: "https://tenant.example/as2/as2/partner"}, receiver.PointPath, receiver.Good, "/as2/as2/partner", 202, true},
		"ping of SOAP":    {sender.Call{URL: "https://tenant.example/cxf/orders", Method: "HEAD"}, receiver.PointMethod, receiver.Note, "answered with 405", 405, true},
		"ping of HTTPS":   {sender.Call{Method: "HEAD"}, receiver.PointMethod, receiver.Note, "no message", 202, true},
		"GET":             {sender.Call{Method: "GET"}, receiver.PointMethod, receiver.Note, "messages are sent with POST", 202, true},
		"no token":        {sender.Call{}, receiver.PointCSRF, receiver.Note, "no token was sent", 202, true},
		"credentials too": {sender.Call{RawHeader: []string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("EVE:s3cret"))}}, receiver.PointCredentials, receiver.Warning, "Basic credentials (not shown, not checked)", 202, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, result := h.call(h.as(h.pki.client), one.call)
			assert.Equal(t, one.status, result.Status)
			assert.Equal(t, one.accepted, c.Accepted)
			found := point(t, c, one.point)
			assert.Equal(t, one.mark, found.Mark)
			assert.Contains(t, found.Found, one.found)
		})
	}
}

// Nothing that a sender sends as a secret is in what is kept of its call.
func TestCredentialsAreNeverKept(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	const user, password, token, key = "EVE-THE-USER", "s3cret-word", "t0ken-t0ken", "k3y-k3y"
	encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	for name, one := range map[string]struct {
		certificate *pki.Certificate
		header      string
		outcomes    []int
	}{
		"basic alone":       {nil, "Authorization: Basic " + encoded, []int{401, 202}},
		"bearer alone":      {nil, "Authorization: Bearer " + token, []int{401, 202}},
		"other alone":       {nil, "Authorization: Digest " + token, []int{401}},
		"basic beside":      {h.pki.client, "Authorization: Basic " + encoded, []int{202, 403, 403, 403}},
		"an API key beside": {h.pki.client, "X-API-Key: " + key, []int{202, 403, 403, 403}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := h.call(h.as(one.certificate), sender.Call{
				URL: "https://tenant.example/http/orders?apikey=" + key + "&" + password, RawHeader: []string{one.header}, Body: []byte(password),
			})
			assert.Equal(t, one.outcomes, statuses(c))
			written, err := json.Marshal(c)
			require.NoError(t, err)
			for _, secret := range []string{user, password, token, key, encoded} {
				assert.NotContains(t, string(written), secret)
			}
			assert.Contains(t, string(written), "apikey=***", "control: the name of the parameter is there")
		})
	}
}

func TestTokenExchangeWorks(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s := h.as(h.pki.client)
	s.CSRF = true
	first, result := h.call(s, sender.Call{})
	assert.Equal(t, http.StatusAccepted, result.Status)
	assert.True(t, first.Request.CSRFToken)
	second := h.next()
	assert.True(t, second.Accepted)
	assert.Equal(t, "the sender knows of CSRF tokens", point(t, second, receiver.PointCSRF).Found)
	assert.Equal(t, "POST", second.Request.Method)
}

func TestCallsThatEndInTheHandshake(t *testing.T) {
	t.Parallel()
	a := testPKI()
	for name, one := range map[string]struct {
		change func(*sender.Sender)
		reason journey.Reason
		found  string
		hint   string
	}{
		"does not trust us": {func(s *sender.Sender) { s.Trust = sender.TrustNone() }, journey.SenderEndedHandshake, "the sender ended the handshake with alert ", "SSSLERR_PEER_CERT_UNTRUSTED"},
		"old TLS":           {func(s *sender.Sender) { s.MinTLS, s.MaxTLS = tls.VersionTLS10, tls.VersionTLS11 }, journey.TLSVersionNotOffered, "the sender offers TLS 1.1, TLS 1.0", "ssl/client_ciphersuites"},
		"another key":       {func(s *sender.Sender) { s.WrongKey = a.issuing.Client("other").Key() }, journey.HandshakeFailed, "did not prove that it has the private key", "any other has another key"},
		"leaf last":         {func(s *sender.Sender) { s.Sends = sender.LeafLast }, journey.HandshakeFailed, "did not prove", "any other has another key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			s := h.as(a.client)
			one.change(s)
			c, result := h.call(s, sender.Call{})
			assert.False(t, result.Answered())
			assert.False(t, c.Accepted)
			assert.Equal(t, receiver.InHandshake, c.Ended)
			end, _ := c.Journey.End()
			assert.Equal(t, one.reason, end.Reason)
			handshake := point(t, c, receiver.PointHandshake)
			assert.Equal(t, receiver.Bad, handshake.Mark)
			assert.Contains(t, handshake.Found, one.found)
			require.Len(t, c.Outcomes, 1)
			assert.Zero(t, c.Outcomes[0].Status)
			assert.Empty(t, c.Outcomes[0].AccessLog, "no line is written")
			require.NotEmpty(t, c.Hints)
			assert.Contains(t, c.Hints[0].Text, one.hint)
			if one.reason == journey.SenderEndedHandshake {
				require.NotNil(t, c.TLS.Alert)
				assert.Equal(t, "bad_certificate", c.TLS.Alert.Name, "that of crypto/tls; curl and openssl send unknown_ca")
				assert.Contains(t, handshake.Found, "its root is not trusted")
			}
			// Its good twin.
			good, _ := h.call(h.as(a.client), sender.Call{})
			assert.True(t, good.Accepted)
		})
	}
}

// Misbehaving senders are told of, and harm nobody.
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *receiver.Config) {
		c.Limits = loadbalancer.Limits{HandshakeTimeout: 300 * time.Millisecond, HeaderTimeout: 300 * time.Millisecond, BodyStall: 300 * time.Millisecond}
	})
	for how, reason := range map[sender.Misbehaviour]journey.Reason{
		sender.Garbage: journey.NotTLS, sender.PlainHTTP: journey.NotTLS, sender.HalfHandshake: journey.HandshakeTimeout,
		sender.SlowHeader: journey.RequestTimeout, sender.HugeHeader: journey.HeaderTooLarge, sender.StalledBody: journey.BodyStalled,
	} {
		t.Run(string(how), func(t *testing.T) {
			sender.Misbehave(t.Context(), h.Addr().String(), how, sender.Manner{
				ServerName: "tenant.example", Path: "/http/orders", Certificate: h.pki.client.TLSCertificate(), Interval: 5 * time.Millisecond,
			})
			c := h.next()
			assert.False(t, c.Accepted)
			end, _ := c.Journey.End()
			assert.Equal(t, reason, end.Reason)
			assert.NotEmpty(t, c.Bad(), "%+v", c.Checks)
		})
	}
	c, _ := h.call(h.as(h.pki.client), sender.Call{})
	assert.True(t, c.Accepted, "control: it still takes calls")
}

func TestOpenPortIsNoCall(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	raw, err := net.Dial("tcp", h.Addr().String())
	require.NoError(t, err)
	require.NoError(t, raw.Close())
	c, _ := h.call(h.as(h.pki.client), sender.Call{})
	assert.Equal(t, 1, c.Number, "the connection that sent nothing does not count")
	assert.Equal(t, 1, h.Count())
}

func TestHandshakeWithoutRequest(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s, err := tls.Dial("tcp", h.Addr().String(), &tls.Config{
		ServerName: "tenant.example", RootCAs: pool(h), Certificates: []tls.Certificate{h.pki.client.TLSCertificate()},
	})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	c := h.next()
	assert.Equal(t, receiver.WithoutRequest, c.Ended)
	assert.False(t, c.Accepted)
	assert.Contains(t, point(t, c, receiver.PointVerdict).Found, "accepted")
	assert.Contains(t, point(t, c, receiver.PointMethod).Found, "closed the connection without a request")
}

// Each call of a connection counts, and each has the chain of the connection.
func TestConnectionsThatAreKeptAndResumed(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s := h.as(h.pki.client)
	s.KeepAlive = true
	first, _ := h.call(s, sender.Call{})
	second, _ := h.call(s, sender.Call{})
	assert.Equal(t, first.From, second.From)
	assert.Equal(t, 2, second.Number)
	assert.True(t, second.Accepted)

	s = h.as(h.pki.client)
	s.Resume, s.MaxTLS = true, tls.VersionTLS12
	_, _ = h.call(s, sender.Call{})
	c, _ := h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	assert.Contains(t, point(t, c, receiver.PointHandshake).Found, "resumed an earlier session")
	assert.Contains(t, point(t, c, receiver.PointTLS).Found, "offers nothing newer")
}

func TestNoServerName(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	s := h.as(h.pki.client)
	none := ""
	s.ServerName = &none
	c, _ := h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	assert.Equal(t, receiver.Warning, point(t, c, receiver.PointServerName).Mark)
}

func TestKindOfSenderDecidesTheHints(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	for agent, want := range map[string]receiver.System{
		"SAP NetWeaver Application Server (1.0;757)": receiver.SM59, "PostmanRuntime/7.39.0": receiver.Postman,
		"curl/8.5.0": receiver.Curl, "Java/17.0.9": receiver.Java, "Java-http-client/21": receiver.Java, "something else": "",
	} {
		c, _ := h.call(h.as(nil), sender.Call{Header: http.Header{"User-Agent": {agent}}})
		assert.Equal(t, want, c.System, agent)
		require.NotEmpty(t, c.Hints)
		if want == "" {
			assert.Len(t, c.Hints, len(receiver.Systems()), "all kinds get one")
			continue
		}
		for _, hint := range c.Hints {
			assert.Equal(t, want, hint.System)
		}
	}
	c, _ := h.call(h.as(nil), sender.Call{URL: "https://tenant.example/cxf/orders", Header: http.Header{"User-Agent": {"SAP NetWeaver Application Server (1.0;757)"}}})
	assert.Equal(t, receiver.SOAMANAGER, c.System)
}

// A root that is on the list by its fingerprint only is recognised when it is presented, and the
// tenant's answer agrees with the verdict.
func TestRootKnownByFingerprint(t *testing.T) {
	t.Parallel()
	a := testPKI()
	list := roots.NewList("ours", []roots.Root{{Subject: "CN=Example Root CA", Issuer: "CN=Example Root CA", SHA1: roots.Fingerprint(a.root.DER())}})
	h := open(t, func(c *receiver.Config) {
		// Another root has to be trusted, or nobody is asked for a certificate.
		c.Trust = check.Trust{List: list, Certificates: [][]byte{pki.NewRoot("Other Root CA").DER()}}
	})
	s := h.as(a.client)
	s.Sends = sender.WithRoot
	c, result := h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	assert.Equal(t, http.StatusAccepted, result.Status)
	assert.Contains(t, point(t, c, receiver.PointVerdict).Found, "accepted")
	c, result = h.call(h.as(a.client), sender.Call{})
	assert.False(t, c.Accepted)
	assert.Equal(t, http.StatusUnauthorized, result.Status)
	assert.Contains(t, c.Bad()[0].Todo, "only its fingerprint is known here")
}

func TestDateDecidesTheVerdict(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *receiver.Config) { c.At = time.Now().AddDate(30, 0, 0) })
	c, result := h.call(h.as(h.pki.client), sender.Call{})
	assert.False(t, c.Accepted)
	assert.Equal(t, 10, c.Verdict.Code)
	assert.Equal(t, http.StatusUnauthorized, result.Status, "what is answered agrees with the verdict")
	require.Len(t, c.Outcomes[0].Trace, 2)
	assert.Contains(t, c.Outcomes[0].Trace[1], "result code: 10")
}

func TestIdentityIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	first, made, err := receiver.OpenIdentity(dir, []string{"box.example", "192.0.2.7"}, time.Now)
	require.NoError(t, err)
	assert.True(t, made)
	info, err := os.Stat(filepath.Join(dir, "load-balancer", "server.key"))
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	assert.FileExists(t, receiver.RootFile(dir))

	second, made, err := receiver.OpenIdentity(dir, []string{"box.example"}, time.Now)
	require.NoError(t, err)
	assert.False(t, made, "senders that trust the root go on trusting it")
	assert.Equal(t, first.Root.Raw, second.Root.Raw)

	for name, again := range map[string]struct {
		hosts []string
		now   func() time.Time
	}{
		"another host": {[]string{"other.example"}, time.Now},
		"expired":      {nil, func() time.Time { return time.Now().AddDate(20, 0, 0) }},
	} {
		third, made, err := receiver.OpenIdentity(dir, again.hosts, again.now)
		require.NoError(t, err, name)
		assert.True(t, made, name)
		assert.NotEqual(t, first.Root.Raw, third.Root.Raw, name)
	}

	require.NoError(t, os.WriteFile(receiver.RootFile(dir), []byte("nonsense"), 0o600))
	_, _, err = receiver.OpenIdentity(dir, nil, time.Now)
	assert.ErrorContains(t, err, "no certificate in PEM was found: remove the folder")

	own := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(own, "load-balancer"), 0o700))
	mine := filepath.Join(own, "load-balancer", "root.pem")
	require.NoError(t, os.WriteFile(mine, []byte("my own"), 0o600))
	_, _, err = receiver.OpenIdentity(own, nil, time.Now)
	assert.ErrorIs(t, err, os.ErrExist)
	data, err := os.ReadFile(mine)
	require.NoError(t, err)
	assert.Equal(t, "my own", string(data))
}

func TestCallsThatAreKeptAreBounded(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *receiver.Config) { c.Kept = 2 })
	for range 4 {
		_, _ = h.call(h.as(nil), sender.Call{})
	}
	c, err := h.Next(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, 3, c.Number, "the oldest were forgotten")
	assert.Equal(t, 4, h.Count())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Next(ctx, 4)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	_, err := receiver.Start(t.Context(), receiver.Config{Trust: check.Trust{Certificates: [][]byte{[]byte("x")}}})
	assert.ErrorContains(t, err, "trusted certificate 1 of 1")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, err = receiver.Start(t.Context(), receiver.Config{Listen: taken.Addr().String(), Trust: trusting(testPKI().root)})
	assert.ErrorContains(t, err, "listening on")
}
