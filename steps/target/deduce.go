package target

import (
	"fmt"
	"net/http"
	"strings"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
)

// deduce works out where a call ended, from what the sender saw and what the logs got: what a
// support consultant does by hand. A call of which they do not tell is an *UnsupportedError; nothing
// is guessed.
func deduce(c *Call) (journey.Journey, error) {
	j := c.Journey
	j.Stops = nil
	add := func(station journey.Station, verdict journey.Verdict, reason journey.Reason, decided string) {
		j.Stops = append(j.Stops, journey.Stop{Station: station, Verdict: verdict, Reason: reason, Decided: decided, At: c.Result.At})
	}
	done := func() (journey.Journey, error) { return j.WithSender(c.Result.Stop()), nil }
	unknown := func(why string) (journey.Journey, error) {
		return c.Journey, &UnsupportedError{Feature: Stations, Reason: why}
	}
	if a := c.Result.Alert; !c.Result.Answered() && c.remote.required && a != nil && a.From == journey.LoadBalancerSide && aboutCertificate(a.Number, c.Result.CertificateSent) {
		j.Verification.Presented = c.Result.CertificateSent
		add(journey.LoadBalancer, journey.Refused, journey.CertificateRequired, "the host is in mode require, and the load balancer ended the handshake with "+a.String())
		return done()
	}
	if !c.Result.Answered() {
		return done() // the sender's own stop says what there is to say
	}
	accepted := loadBalancerStop(c, &j, add)
	status := c.Result.Status
	switch {
	case status == http.StatusUnauthorized && c.remote.credentials:
		return unknown("a 401 to user and password does not tell what was wrong with them")
	case status == http.StatusUnauthorized && accepted:
		return unknown("a 401 to a certificate that the load balancer did not refuse has no reason in the logs")
	case status == http.StatusUnauthorized:
		add(journey.RuntimeNode, journey.Refused, journey.NoIdentity, "HTTP 401 and user - in the access log: nobody was recognised")
		return done()
	case len(c.Lines) == 0:
		if status == http.StatusServiceUnavailable {
			add(journey.LoadBalancer, journey.Refused, journey.NoNodeAvailable, "HTTP 503 and no access log line: no runtime node got the call")
			return done()
		}
		return unknown(fmt.Sprintf("HTTP %d without an access log line", status))
	}
	add(journey.RuntimeNode, journey.Passed, "", "the access log shows "+c.Lines[len(c.Lines)-1].User)
	return nodeStops(c, add, done, unknown)
}

// aboutCertificate tells whether an alert says that the sender's certificate is not good, or that there
// is none (RFC 8446 and RFC 5246, section 7.2).
func aboutCertificate(alert uint8, sent bool) bool {
	const handshakeFailure, badCertificate, certificateUnknown, unknownCA, certificateRequired = 40, 42, 46, 48, 116
	if !sent {
		return alert == certificateRequired || alert == handshakeFailure // before TLS 1.3 there was no other
	}
	return alert >= badCertificate && alert <= certificateUnknown || alert == unknownCA
}

// loadBalancerStop tells what the trace says of the load balancer's verdict; accepted is true if a
// certificate was sent and nothing says that it was refused.
func loadBalancerStop(c *Call, j *journey.Journey, add func(journey.Station, journey.Verdict, journey.Reason, string)) (accepted bool) {
	for _, r := range c.Records {
		if code, ok := systemlog.ParseCertificateStatus(r.Text); ok {
			j.Verification = journey.Verification{Presented: true, Code: code, DepthUnknown: true}
			add(journey.LoadBalancer, journey.Withheld, journey.CertificateNotAccepted, fmt.Sprintf("the trace shows verify result %d", code))
			return false
		}
	}
	if c.Result.CertificateSent {
		j.Verification = journey.Verification{Presented: true}
		add(journey.LoadBalancer, journey.Passed, "", "a certificate was sent, and the trace has no record of a refusal")
		return true
	}
	add(journey.LoadBalancer, journey.Passed, "", "no certificate was sent")
	return false
}

// nodeStops is what becomes of a call that was recognised.
func nodeStops(c *Call, add func(journey.Station, journey.Verdict, journey.Reason, string), done func() (journey.Journey, error), unknown func(string) (journey.Journey, error)) (journey.Journey, error) {
	user := c.Lines[len(c.Lines)-1].User
	status := c.Result.Status
	said := fmt.Sprintf("HTTP %d", status)
	switch {
	case status < 300:
		add(journey.Flow, journey.Passed, "", said)
	case status == http.StatusForbidden:
		add(journey.Endpoint, journey.Passed, "", said)
		switch {
		case strings.EqualFold(c.Result.Header.Get("X-CSRF-Token"), "Required"):
			add(journey.Authorization, journey.Refused, journey.CSRFTokenMissing, said+" and X-CSRF-Token: Required")
		case notInTable(c.Records):
			add(journey.Authorization, journey.Refused, journey.DNsNotInTable, said+", and the trace says that the DNs are not in the table")
		case strings.Contains(user, "@") && c.Result.CertificateSent:
			add(journey.Authorization, journey.Refused, journey.NotMapped, said+", and the user column shows a certificate: "+user)
		default:
			add(journey.Authorization, journey.Refused, journey.RoleMissing, said+" to user "+user)
		}
	case status == http.StatusNotFound:
		add(journey.Endpoint, journey.Refused, journey.NothingDeployed, said)
	case status == http.StatusMethodNotAllowed:
		add(journey.Endpoint, journey.Refused, journey.MethodNotAllowed, said)
	case status == http.StatusServiceUnavailable:
		add(journey.Endpoint, journey.Refused, journey.FlowRestarting, said)
	case status == http.StatusRequestEntityTooLarge:
		add(journey.Flow, journey.Refused, journey.BodyTooLarge, said)
	case status == http.StatusRequestTimeout:
		add(journey.Flow, journey.Refused, journey.BodyStalled, said)
	case status == http.StatusInternalServerError:
		add(journey.Flow, journey.Refused, journey.FlowFailed, said)
	default:
		return unknown(said + " does not tell where the call ended")
	}
	return done()
}

func notInTable(records []systemlog.NodeRecord) bool {
	for _, r := range records {
		if _, _, ok := systemlog.ParseNotInTable(r.Text); ok {
			return true
		}
	}
	return false
}
