package target

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
)

// What a consultant would read out of status, line and trace. Where they do not tell, nothing is
// guessed.
func TestDeduce(t *testing.T) {
	line := func(user string) []systemlog.NodeLine {
		return []systemlog.NodeLine{{Node: "0123abc", AccessLine: systemlog.AccessLine{User: user}}}
	}
	record := func(texts ...string) (out []systemlog.NodeRecord) {
		for _, text := range texts {
			out = append(out, systemlog.NodeRecord{TraceRecord: systemlog.TraceRecord{Text: text}})
		}
		return out
	}
	answered := func(status int, sent bool) sender.Result {
		r := sender.Result{Status: status, Stage: sender.StageDone, CertificateSent: sent, Header: http.Header{}}
		if sent {
			r.Sent = [][]byte{[]byte("a certificate")}
		}
		return r
	}
	refused := answered(403, true)
	refused.Header.Set("X-CSRF-Token", "Required")
	for name, c := range map[string]struct {
		call    Call
		logon   bool
		station journey.Station
		reason  journey.Reason
		code    int
	}{
		"chain not sent":     {call: Call{Result: answered(401, true), Lines: line(""), Records: record(systemlog.CertificateReceived("CN=x"), systemlog.CertificateStatus(20))}, station: journey.LoadBalancer, reason: journey.CertificateNotAccepted, code: 20},
		"no certificate":     {call: Call{Result: answered(401, false), Lines: line("")}, station: journey.RuntimeNode, reason: journey.NoIdentity},
		"not mapped":         {call: Call{Result: answered(403, true), Lines: line("shop@CA")}, station: journey.Authorization, reason: journey.NotMapped},
		"role missing":       {call: Call{Result: answered(403, true), Lines: line("SHOP")}, station: journey.Authorization, reason: journey.RoleMissing},
		"user with an at":    {call: Call{Result: answered(403, false), Lines: line("erika@example")}, logon: true, station: journey.Authorization, reason: journey.RoleMissing},
		"not in the table":   {call: Call{Result: answered(403, true), Lines: line("shop@CA"), Records: record(systemlog.NotInTable("CN=a", "CN=b"))}, station: journey.Authorization, reason: journey.DNsNotInTable},
		"CSRF":               {call: Call{Result: refused, Lines: line("SHOP")}, station: journey.Authorization, reason: journey.CSRFTokenMissing},
		"nothing there":      {call: Call{Result: answered(404, true), Lines: line("SHOP")}, station: journey.Endpoint, reason: journey.NothingDeployed},
		"ping":               {call: Call{Result: answered(405, true), Lines: line("SHOP")}, station: journey.Endpoint, reason: journey.MethodNotAllowed},
		"too large":          {call: Call{Result: answered(413, true), Lines: line("SHOP")}, station: journey.Flow, reason: journey.BodyTooLarge},
		"fails":              {call: Call{Result: answered(500, true), Lines: line("SHOP")}, station: journey.Flow, reason: journey.FlowFailed},
		"no node":            {call: Call{Result: answered(503, false)}, station: journey.LoadBalancer, reason: journey.NoNodeAvailable},
		"restarting":         {call: Call{Result: answered(503, true), Lines: line("SHOP")}, station: journey.Endpoint, reason: journey.FlowRestarting},
		"let in":             {call: Call{Result: answered(200, true), Lines: line("SHOP")}},
		"password unknown":   {call: Call{Result: answered(401, false), Lines: line("")}, logon: true, reason: "?"},
		"accepted, no user":  {call: Call{Result: answered(401, true), Lines: line("")}, reason: "?"},
		"no line":            {call: Call{Result: answered(403, true)}, reason: "?"},
		"a status of nobody": {call: Call{Result: answered(418, true), Lines: line("SHOP")}, reason: "?"},
	} {
		c.call.remote = &remoteCall{credentials: c.logon}
		j, err := deduce(&c.call)
		if c.reason == "?" {
			var unsupported *UnsupportedError
			require.ErrorAs(t, err, &unsupported, name)
			continue
		}
		require.NoError(t, err, name)
		cause, bad := j.Cause()
		assert.Equal(t, c.reason != "", bad, name)
		assert.Equal(t, c.station, cause.Station, name)
		assert.Equal(t, c.reason, cause.Reason, name)
		assert.Equal(t, c.code, j.Verification.Code, name)
	}
}

// Of a handshake that the load balancer ended, the alert tells only of a host in mode require that it was
// the certificate.
func TestDeduceFromAlerts(t *testing.T) {
	for name, one := range map[string]struct {
		alert          uint8
		sent, required bool
		want           journey.Reason
	}{
		"none, TLS 1.3":            {116, false, true, journey.CertificateRequired},
		"none, TLS 1.2":            {40, false, true, journey.CertificateRequired},
		"none, no common cipher":   {40, true, true, journey.HandshakeEnded},
		"not good":                 {42, true, true, journey.CertificateRequired},
		"expired":                  {45, true, true, journey.CertificateRequired},
		"unknown CA":               {48, true, true, journey.CertificateRequired},
		"wrong key":                {51, true, true, journey.HandshakeEnded},
		"not good, mode request":   {42, true, false, journey.HandshakeEnded},
		"another server's quarrel": {70, true, true, journey.HandshakeEnded},
	} {
		alert := &journey.Alert{From: journey.LoadBalancerSide, Number: one.alert, Name: journey.AlertName(one.alert)}
		c := Call{
			Result: sender.Result{Stage: sender.StageTLS, Err: errors.New("remote error"), Alert: alert, CertificateSent: one.sent, CertificateAsked: true},
			remote: &remoteCall{required: one.required},
		}
		if one.sent {
			c.Result.Sent = [][]byte{[]byte("a certificate")}
		}
		j, err := deduce(&c)
		require.NoError(t, err, name)
		cause, bad := j.Cause()
		require.True(t, bad, name)
		assert.Equal(t, one.want, cause.Reason, name)
	}
}

// At which depth a chain failed does not stand in the trace: a step about it is not supported, and
// neither right nor wrong.
func TestDepthIsNotDeduced(t *testing.T) {
	c := Call{
		Result: sender.Result{Status: 401, Stage: sender.StageDone, CertificateSent: true, Sent: [][]byte{[]byte("a certificate")}},
		Lines:  []systemlog.NodeLine{{}}, Records: []systemlog.NodeRecord{{TraceRecord: systemlog.TraceRecord{Text: systemlog.CertificateStatus(20)}}},
		remote: &remoteCall{},
	}
	j, err := deduce(&c)
	require.NoError(t, err)
	assert.Equal(t, 20, j.Verification.Code)
	assert.True(t, j.Verification.DepthUnknown)
}

func TestNames(t *testing.T) {
	n := newNames("0a1b2c")
	n.channel(BaseChannel, "/http/tests/orders")
	n.channel("/http/depot/*", "/http/gh1/depot/*")
	n.hosts[BaseHost] = "somebody.example"
	n.issuers["Example Issuing CA"] = "Somebody's CA"
	for scenario, target := range map[string]string{
		"/http/orders":           "/http/tests/orders",
		"/http/orders?x=/http/y": "/http/tests/orders?x=/http/y",
		"/http/ORDERS":           "/http/TESTS/ORDERS",
		"/http/orders/north":     "/http/tests/orders/north",
		"/http/ordersX":          "/http/ordersX",
		"/http/depot/a/b":        "/http/gh1/depot/a/b",
		"/http/nothing":          "/http/nothing",
		"/":                      "/",
	} {
		assert.Equal(t, target, n.path(scenario))
	}
	user := n.user("WAREHOUSE")
	assert.Equal(t, "GH-0a1b2c-WAREHOUSE", user)
	assert.True(t, n.isOwn(user))
	n.plays("erika", "P2000")
	assert.Equal(t, "P2000", n.user("erika"))
	assert.False(t, n.isOwn("P2000"))
	assert.Equal(t, "erika", n.backUser("P2000"))
	assert.Equal(t, "WAREHOUSE", n.backUser(user))
	assert.Equal(t, "a b@Example Issuing CA", n.backUser("a b@Somebody's CA"))
	assert.Equal(t, "a b@Another CA", n.backUser("a b@Another CA"))
	assert.Equal(t, "who is GH-0a1b2c-SHOP", n.back("who is GH-0a1b2c-SHOP"), "a user that nobody named is left as it is")
	l := n.line(systemlog.NodeLine{AccessLine: systemlog.AccessLine{User: user, URI: "/http/tests/orders?gatehouse=00ff", Host: "somebody.example:443", Passport: "AA/BB/1/CC"}}, "gatehouse=00ff", "aa/bb/1/cc")
	assert.Equal(t, "/http/orders", l.URI)
	assert.Equal(t, "WAREHOUSE", l.User)
	assert.Equal(t, BaseHost+":443", l.Host)
	assert.Empty(t, l.Passport)
	l = n.line(systemlog.NodeLine{AccessLine: systemlog.AccessLine{URI: "/http/tests/orders?id=4711&x=%20&gatehouse=00ff"}}, "gatehouse=00ff", "")
	assert.Equal(t, "/http/orders?id=4711&x=%20", l.URI)
}
