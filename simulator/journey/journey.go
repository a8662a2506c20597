// Package journey holds the record of one call on its way through the stations of the
// inbound path: sender, load balancer, runtime node, endpoint, channel authorization, flow.
//
// Each station writes down what it saw and what it decided. The command line, the reports and
// the diagnosis show this record and never work it out again. The package knows the stations'
// names and the reasons for which a call can be refused, and keeps finished journeys; it does
// not decide anything itself.
package journey

import (
	"time"
)

// Station is a place that a call passes on its way.
type Station string

// The stations in the order in which a call passes them.
const (
	Sender        Station = "sender"
	LoadBalancer  Station = "load balancer"
	RuntimeNode   Station = "runtime node"
	Endpoint      Station = "endpoint"
	Authorization Station = "channel authorization"
	Flow          Station = "flow"
)

// Stations lists all stations in the order of the way.
func Stations() []Station {
	return []Station{Sender, LoadBalancer, RuntimeNode, Endpoint, Authorization, Flow}
}

// Verdict says what a station did with a call.
type Verdict string

const (
	// Passed: the station let the call go on.
	Passed Verdict = "passed"
	// Withheld: the call went on, but the station did not pass the sender's certificate on.
	Withheld Verdict = "withheld"
	// Refused: the call ended at the station.
	Refused Verdict = "refused"
	// Answered: the station answered the call, neither letting it on nor refusing it
	// (a CSRF token fetched, for instance).
	Answered Verdict = "answered"
)

// Fact is one thing that a station saw, as a name and a value for people to read.
// Values may come from a caller and are not escaped: whoever shows them does that.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Stop is what one station wrote down about a call.
type Stop struct {
	Station Station   `json:"station"`
	At      time.Time `json:"at"`
	Verdict Verdict   `json:"verdict"`
	// Reason is set unless the verdict is Passed.
	Reason Reason `json:"reason,omitempty"`
	// Decided is one sentence: what was decided, with the names that matter.
	Decided string `json:"decided"`
	// Fix says what to change, and where. Default: the fix of the reason.
	Fix  string        `json:"fix,omitempty"`
	Saw  []Fact        `json:"saw,omitempty"`
	Took time.Duration `json:"took,omitempty"`
}

// Remedy is the stop's own fix, or else that of its reason.
func (s Stop) Remedy() string {
	if s.Fix != "" {
		return s.Fix
	}
	return s.Reason.Fix()
}

// Verification is the load balancer's judgement of the certificates that a sender presented.
type Verification struct {
	// Code is OpenSSL's verify result; 0 with Presented false means that nothing was judged.
	Code int    `json:"code"`
	Name string `json:"name"`
	Text string `json:"text"`
	// Depth counts from the sender's certificate (0) upwards. With DepthUnknown nobody told it, as
	// where a load balancer passes the code on and nothing else, and Depth is 0.
	Depth        int    `json:"depth"`
	DepthUnknown bool   `json:"depthUnknown,omitempty"`
	Subject      string `json:"subject,omitempty"`
	// Presented tells whether the sender sent a certificate at all.
	Presented bool `json:"presented"`
	// Chain holds the subject DNs as presented, the sender's own first.
	Chain []string `json:"chain,omitempty"`
	// SenderSubject and SenderIssuer are the DNs of the sender's own certificate.
	SenderSubject string `json:"senderSubject,omitempty"`
	SenderIssuer  string `json:"senderIssuer,omitempty"`
	// Fingerprint is the SHA-256 of the sender's own certificate, lower-case hex.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Accepted tells whether a certificate was presented and verified without an error
// (OpenSSL's result is 0 too when nothing was presented).
func (v Verification) Accepted() bool { return v.Presented && v.Code == 0 }

// TLS is what the load balancer or the sender knows of the connection.
type TLS struct {
	Version string `json:"version,omitempty"`
	Cipher  string `json:"cipher,omitempty"`
	// ServerName is the name that the sender asked for (SNI); empty if it named none.
	ServerName string `json:"serverName,omitempty"`
	Resumed    bool   `json:"resumed,omitempty"`
	// Alert is the alert that ended the handshake or the connection, if one did.
	Alert *Alert `json:"alert,omitempty"`
}

// Journey is the record of one call. It is handed around by value and not changed once kept.
type Journey struct {
	// ID is unique within a landscape.
	ID      string    `json:"id"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Client is the address and port that the load balancer saw: with Request it joins this
	// record to what the sender knows of the same call.
	Client string `json:"client"`
	// Request counts the calls of one connection from 1; 0 means that no request came.
	Request int `json:"request"`

	Host   string `json:"host,omitempty"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Node is the id of the runtime node that answered, if one did.
	Node string `json:"node,omitempty"`
	// User is the principal that the runtime node recognised; empty if none.
	User string `json:"user,omitempty"`
	// Status is 0 when no HTTP answer was given.
	Status int `json:"status,omitempty"`

	TLS          TLS          `json:"tls"`
	Verification Verification `json:"verification"`
	Stops        []Stop       `json:"stops"`
	// AccessLog is the line that the node wrote for the call, without the line end; Trace holds
	// its trace records.
	AccessLog string   `json:"accessLog,omitempty"`
	Trace     []string `json:"trace,omitempty"`
}

// At returns what the station wrote down, and whether the call got there.
func (j Journey) At(s Station) (Stop, bool) {
	for _, stop := range j.Stops {
		if stop.Station == s {
			return stop, true
		}
	}
	return Stop{}, false
}

// End returns the last stop, where the call was answered or refused.
func (j Journey) End() (Stop, bool) {
	if len(j.Stops) == 0 {
		return Stop{}, false
	}
	return j.Stops[len(j.Stops)-1], true
}

// Succeeded tells whether the call was not refused anywhere. A certificate that was withheld
// on the way does not matter if the call got in by other means.
func (j Journey) Succeeded() bool {
	end, ok := j.End()
	return ok && end.Verdict != Refused && end.Verdict != Withheld
}

// Cause returns the stop to which a refused call owes its refusal: the first that withheld the
// certificate or refused the call. A call that the runtime node answers with 401 because the
// load balancer did not accept the certificate has its cause at the load balancer; so has one
// whose sender only saw the connection end.
func (j Journey) Cause() (Stop, bool) {
	if j.Succeeded() {
		return Stop{}, false
	}
	var seen Stop
	found := false
	for _, stop := range j.Stops {
		if stop.Verdict != Withheld && stop.Verdict != Refused {
			continue
		}
		if !found {
			seen, found = stop, true
		}
		if stop.Reason != NoAnswer && stop.Reason != HandshakeEnded {
			return stop, true
		}
	}
	return seen, found
}

// Requirement is the id of the requirement that the cause of a refusal belongs to; empty for a
// call that was let in. That of a certificate which was not accepted depends on the verify result.
func (j Journey) Requirement() string {
	cause, refused := j.Cause()
	if !refused {
		return ""
	}
	if cause.Reason != CertificateNotAccepted {
		return cause.Reason.Requirement()
	}
	switch v := j.Verification; v.Code {
	case 20, 21:
		if v.Depth > 0 {
			return "LB-5"
		}
		return "LB-3"
	case 18:
		return "LB-4"
	case 2, 19:
		return "LB-5"
	case 9, 10:
		return "LB-6"
	case 26:
		return "LB-7"
	}
	return "LB-11"
}

// WithSender returns the journey with the sender's own stop put in front, in place of one that
// is there already.
func (j Journey) WithSender(stop Stop) Journey {
	stop.Station = Sender
	stops := make([]Stop, 0, len(j.Stops)+1)
	stops = append(stops, stop)
	for _, s := range j.Stops {
		if s.Station != Sender {
			stops = append(stops, s)
		}
	}
	j.Stops = stops
	return j
}
