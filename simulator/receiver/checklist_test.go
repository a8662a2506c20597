package receiver_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/receiver"
	"example.com/gatehouse/simulator/sender"
)

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
