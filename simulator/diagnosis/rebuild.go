package diagnosis

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
)

// absentMargin is how far clocks of client and tenant may differ.
const absentMargin = 2 * time.Minute

// rebuild makes the record of a call as far as the evidence goes. Stations of which it does not
// tell are left out; a cause is named at its station if it stands alone.
func (f *facts) rebuild(v *view, e *event, causes []Finding, several bool) journey.Journey {
	started := e.Time
	j := journey.Journey{
		ID:      fmt.Sprintf("%s:%d", or(e.place.File, "log"), e.place.Line),
		Started: started, Ended: started.Add(e.Duration), Client: e.Client, Request: 1,
		Method: e.Method, Path: e.path, Node: e.node, User: e.User, Status: e.Status, AccessLog: e.AccessLine.String(),
	}
	j.Host, _, _ = strings.Cut(e.Host, ":")
	var reason journey.Reason
	fix := ""
	if len(causes) > 0 && !several {
		reason, fix = causes[0].Cause.Reason, causes[0].Fix
	}
	stop := func(s journey.Station, verdict journey.Verdict, decided string) {
		one := journey.Stop{Station: s, At: started, Verdict: verdict, Decided: decided}
		if verdict != journey.Passed {
			if about, ok := reason.About(); ok && about.Station == s {
				one.Reason, one.Fix = reason, fix
			}
		}
		j.Stops = append(j.Stops, one)
	}
	t := e.left
	if t != nil {
		for _, q := range t.quotes {
			j.Trace = append(j.Trace, q.Text)
		}
	}
	switch {
	case t != nil && t.rejected():
		code := max(t.code, 0)
		j.Verification = journey.Verification{Code: code, Name: verify.Name(code), Text: verify.Text(code), Presented: true, SenderSubject: t.subject}
		stop(journey.LoadBalancer, journey.Withheld, fmt.Sprintf("verify result %d (%s); certificate of %s not passed on", code, verify.Text(code), or(t.subject, "an unknown subject")))
		if last := &j.Stops[len(j.Stops)-1]; last.Reason == "" {
			last.Reason = journey.CertificateNotAccepted
		}
	case strings.Contains(e.User, "@"):
		stop(journey.LoadBalancer, journey.Passed, "a certificate was accepted and passed on")
	default:
		stop(journey.LoadBalancer, journey.Passed, "the call was passed on to the node; whether with a certificate the logs do not tell")
	}
	if e.User == "" && e.Status == http.StatusUnauthorized {
		stop(journey.RuntimeNode, journey.Refused, "nobody was recognised")
		return j
	}
	stop(journey.RuntimeNode, journey.Passed, fmt.Sprintf("the call was recognised as %q", e.User))
	switch e.Status {
	case http.StatusNotFound:
		stop(journey.Endpoint, journey.Refused, "nothing is deployed at the path")
	case http.StatusMethodNotAllowed:
		stop(journey.Endpoint, journey.Refused, "the method is not taken")
	case http.StatusServiceUnavailable:
		stop(journey.Endpoint, journey.Refused, "the flow did not serve the call")
	case http.StatusForbidden:
		stop(journey.Endpoint, journey.Passed, "a channel serves the path")
		stop(journey.Authorization, journey.Refused, "the channel did not let the principal in")
	default:
		stop(journey.Endpoint, journey.Passed, "a channel serves the path")
		stop(journey.Authorization, journey.Passed, "the principal may send")
		stop(journey.Flow, journey.Refused, fmt.Sprintf("the answer was HTTP %d", e.Status))
	}
	return j
}
