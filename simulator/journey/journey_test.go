package journey_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

func letIn() journey.Journey {
	return journey.Journey{Status: 200, User: "WAREHOUSE", Stops: []journey.Stop{
		{Station: journey.LoadBalancer, Verdict: journey.Passed, Decided: "certificate accepted"},
		{Station: journey.RuntimeNode, Verdict: journey.Passed, Decided: "mapped to WAREHOUSE"},
		{Station: journey.Flow, Verdict: journey.Passed, Decided: "200"},
	}}
}

func chainMissing() journey.Journey {
	return journey.Journey{Status: 401, Verification: journey.Verification{Presented: true, Code: 20}, Stops: []journey.Stop{
		{Station: journey.LoadBalancer, Verdict: journey.Withheld, Reason: journey.CertificateNotAccepted, Decided: "verify result 20"},
		{Station: journey.RuntimeNode, Verdict: journey.Refused, Reason: journey.NoIdentity, Decided: "401"},
	}}
}

func TestCauseIsTheFirstStationThatDidNotPassTheIdentityOn(t *testing.T) {
	_, refused := letIn().Cause()
	assert.False(t, refused)
	assert.True(t, letIn().Succeeded())

	cause, refused := chainMissing().Cause()
	require.True(t, refused)
	assert.Equal(t, journey.LoadBalancer, cause.Station)
	assert.Equal(t, journey.CertificateNotAccepted, cause.Reason)
	end, _ := chainMissing().End()
	assert.Equal(t, journey.RuntimeNode, end.Station)
}

func TestWithheldCertificateDoesNotMatterIfTheCallGotIn(t *testing.T) {
	j := chainMissing()
	j.Stops[1] = journey.Stop{Station: journey.RuntimeNode, Verdict: journey.Passed, Decided: "Basic"}
	_, refused := j.Cause()
	assert.False(t, refused)
}

func TestSenderThatSawTheConnectionEndIsNotTheCause(t *testing.T) {
	j := journey.Journey{Stops: []journey.Stop{{Station: journey.LoadBalancer, Verdict: journey.Refused, Reason: journey.CertificateRequired}}}
	j = j.WithSender(journey.Stop{Verdict: journey.Refused, Reason: journey.HandshakeEnded})
	cause, _ := j.Cause()
	assert.Equal(t, journey.CertificateRequired, cause.Reason)

	j.Stops = j.Stops[:1]
	cause, _ = j.Cause()
	assert.Equal(t, journey.HandshakeEnded, cause.Reason, "nobody else tells why")
}

func TestRequirementOfARefusedCertificateFollowsTheVerifyResult(t *testing.T) {
	for want, v := range map[string]journey.Verification{
		"LB-3": {Code: 20}, "LB-4": {Code: 18}, "LB-5": {Code: 20, Depth: 1}, "LB-6": {Code: 10}, "LB-7": {Code: 26}, "LB-11": {Code: 7},
	} {
		j := chainMissing()
		j.Verification = v
		assert.Equal(t, want, j.Requirement())
	}
	assert.Empty(t, letIn().Requirement())
}

func TestWithSenderStandsInFront(t *testing.T) {
	j := letIn().WithSender(journey.Stop{Verdict: journey.Passed, Decided: "sent"})
	assert.Equal(t, journey.Sender, j.Stops[0].Station)
	j = j.WithSender(journey.Stop{Verdict: journey.Passed, Decided: "again"})
	require.Len(t, j.Stops, 4)
	assert.Equal(t, "again", j.Stops[0].Decided)
}

func TestEveryReasonIsExplained(t *testing.T) {
	require.NotEmpty(t, journey.Reasons())
	for _, r := range journey.Reasons() {
		about, ok := r.About()
		require.True(t, ok)
		assert.NotEmpty(t, about.Sentence, r)
		assert.NotEmpty(t, about.Fix, r)
		assert.NotEmpty(t, about.Requirement, r)
		assert.Contains(t, journey.Stations(), about.Station, r)
	}
	assert.Equal(t, "unheard-of", journey.Reason("unheard-of").Sentence())
}

func TestTextNamesCauseAndFix(t *testing.T) {
	var b strings.Builder
	require.NoError(t, journey.WriteText(&b, chainMissing()))
	assert.Contains(t, b.String(), "ended at  runtime node, HTTP 401")
	assert.Contains(t, b.String(), "(certificate-not-accepted, LB-3)")
	assert.Contains(t, b.String(), "to do     Send a certificate of a supported CA")
	b.Reset()
	require.NoError(t, journey.WriteText(&b, letIn()))
	assert.Contains(t, b.String(), "let in    flow, HTTP 200 as WAREHOUSE")
	assert.NotContains(t, b.String(), "to do")
}

func TestTextCannotBeForged(t *testing.T) {
	j := letIn()
	j.User = "x\x1b[2J\nlet in \u202eevil\xff"
	var b strings.Builder
	require.NoError(t, journey.WriteText(&b, j))
	assert.Contains(t, b.String(), `x\u001b[2J\u000alet in \u202eevil\xff`)
	assert.Equal(t, "Grüße €", journey.Printable("Grüße €"))
}

func TestLogKeepsTheNewest(t *testing.T) {
	l := &journey.Log{Limit: 3}
	for i := range 5 {
		l.Add(journey.Journey{ID: fmt.Sprint(i)})
	}
	var ids []string
	for _, j := range l.All() {
		ids = append(ids, j.ID)
	}
	assert.Equal(t, []string{"2", "3", "4"}, ids)
}

func TestLogWaitsForACall(t *testing.T) {
	var l journey.Log
	found := make(chan journey.Journey)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() {
		j, _ := l.Wait(ctx, journey.Call("127.0.0.1:4711", 2))
		found <- j
	}()
	l.Add(journey.Journey{ID: "other", Client: "127.0.0.1:4711", Request: 1})
	l.Add(journey.Journey{ID: "it", Client: "127.0.0.1:4711", Request: 2})
	assert.Equal(t, "it", (<-found).ID)

	ended, cancel2 := context.WithCancel(t.Context())
	cancel2()
	_, err := l.Wait(ended, journey.Call("127.0.0.1:1", 1))
	assert.ErrorIs(t, err, context.Canceled)
}

func TestRecorder(t *testing.T) {
	r := journey.NewRecorder(journey.Journey{ID: "1"})
	ctx := journey.NewContext(t.Context(), r)
	journey.FromContext(ctx).Stop(journey.Stop{Station: journey.Flow, Verdict: journey.Passed})
	first := r.Journey()
	r.Stop(journey.Stop{Station: journey.Flow, Verdict: journey.Refused})
	assert.Len(t, first.Stops, 1, "a copy does not grow")

	journey.FromContext(t.Context()).Stop(journey.Stop{}) // nobody listens: no panic
	assert.Zero(t, journey.FromContext(t.Context()).Journey().ID)
}

// The alert's type is not exported by crypto/tls; this proves on real connections that its
// number is read all the same.
func TestReceivedAlert(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lb"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}

	handshake := func(client, server *tls.Config) (fromClient, fromServer error) {
		c, s := net.Pipe()
		defer c.Close()
		defer s.Close()
		done := make(chan error, 1)
		tc := tls.Client(c, client)
		ts := tls.Server(s, server)
		go func() {
			err := tc.Handshake()
			if err == nil {
				_, err = tc.Read(make([]byte, 1))
			}
			done <- err
			c.Close()
		}()
		fromServer = ts.Handshake()
		if fromServer == nil {
			ts.Close()
		} else {
			s.Close()
		}
		return <-done, fromServer
	}

	_, err = handshake(&tls.Config{ServerName: "lb"}, &tls.Config{Certificates: []tls.Certificate{certificate}})
	alert, ok := journey.ReceivedAlert(err, journey.SenderSide)
	require.True(t, ok, "%v", err)
	assert.Equal(t, journey.Alert{From: journey.SenderSide, Number: 42, Name: "bad_certificate"}, alert)

	err, _ = handshake(&tls.Config{InsecureSkipVerify: true}, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert})
	alert, ok = journey.ReceivedAlert(fmt.Errorf("reading: %w", err), journey.LoadBalancerSide)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "certificate_required (116) from the load balancer", alert.String())

	_, ok = journey.ReceivedAlert(net.ErrClosed, journey.SenderSide)
	assert.False(t, ok)
	_, ok = journey.ReceivedAlert(nil, journey.SenderSide)
	assert.False(t, ok)
}

func TestAlertNames(t *testing.T) {
	n, ok := journey.AlertNumber("unknown_ca")
	assert.True(t, ok)
	assert.EqualValues(t, 48, n)
	assert.Equal(t, "unknown_ca", journey.AlertName(48))
	assert.Equal(t, "alert 200", journey.AlertName(200))
	_, ok = journey.AlertNumber("no such")
	assert.False(t, ok)
}
