package diagnosis

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// OfJourney diagnoses a refused call of which the whole record is there, as a simulator has it.
// known is what is configured: channels, assignments, mapped certificates. The answer is false for
// a call that was not refused.
//
// The stations' record decides between causes that the logs do not tell apart.
func OfJourney(j journey.Journey, known Evidence) (Case, bool) {
	cause, refused := j.Cause()
	if !refused {
		return Case{}, false
	}
	e := known
	e.Logs, e.Texts = nil, nil
	if j.AccessLog != "" {
		text := j.AccessLog + "\n" + strings.Join(j.Trace, "\n")
		e.Texts = []Text{{Name: "log", Data: []byte(text)}}
	}
	e.At = j.Started
	f, err := gather(context.Background(), e, Options{Now: func() time.Time { return j.Started }})
	if err != nil {
		return Case{}, false // there is no file to be read
	}
	v := &view{f: f, record: &j, out: outputOf(j)}
	for _, g := range f.groups.sorted() {
		v.group = g
		if f.trace.any || len(j.Trace) == 0 {
			g.untraced = 0 // all that was traced is there
		}
	}
	c := f.diagnose(v)
	c.decide(j, cause)
	return c, true
}

// outputOf is what the sender saw, where the logs do not tell of the call.
func outputOf(j journey.Journey) *Output {
	o := &Output{Name: "the sender", Tool: "sender", Host: j.Host, Method: j.Method, Path: j.Path, Status: j.Status, At: j.Started, symptoms: map[symptom]Quote{}}
	switch alert := j.TLS.Alert; {
	case alert == nil:
	case alert.From == journey.LoadBalancerSide:
		o.Alert = alert
	case alert.Name == "unknown_ca": // other alerts about a certificate may be about its name
		o.symptoms[untrustedServer] = Quote{Text: "The sender ended the handshake with the alert " + alert.String()}
	}
	if stop, ok := j.At(journey.Sender); ok && stop.Verdict == journey.Refused {
		for _, m := range messages {
			if m.pattern.MatchString(stop.Decided) && stop.Reason == journey.CannotConnect {
				o.symptoms[m.means] = Quote{Text: stop.Decided}
				return o
			}
		}
		for reason, means := range map[journey.Reason]symptom{
			journey.ServerNotTrusted: untrustedServer, journey.ServerNameDiffers: otherName, journey.CannotConnect: noConnection,
		} {
			if stop.Reason == reason {
				o.symptoms[means] = Quote{Text: stop.Decided}
			}
		}
	}
	if stop, ok := j.At(journey.Sender); ok {
		o.unsent(stop)
	}
	return o
}

// unsent takes over what the sender itself says of a certificate that it did not send.
func (o *Output) unsent(stop journey.Stop) {
	for _, fact := range stop.Saw {
		switch {
		case fact.Name == "certificate" && fact.Value == "asked for":
			o.Asked, o.SentKnown = true, true
		case strings.HasPrefix(fact.Name, "sent certificate"):
			o.Sent, o.SentKnown = true, true
		case fact.Name != "no certificate sent":
		case strings.Contains(fact.Value, "private key"):
			o.symptoms[noKey] = Quote{Text: fact.Value}
		case strings.Contains(fact.Value, "names no issuer"):
			o.symptoms[notNamed] = Quote{Text: fact.Value}
		case strings.Contains(fact.Value, "keystore is empty"), strings.Contains(fact.Value, "set to send none"):
			o.symptoms[nothingToSend] = Quote{Text: fact.Value}
		}
	}
}

// decide takes the causes that the record names, and puts the record's own words first.
func (c *Case) decide(j journey.Journey, cause journey.Stop) {
	named := slices.DeleteFunc(slices.Clone(c.Causes), func(f Finding) bool {
		// What the sender complained of in so many words counts too.
		return !f.Cause.recordedAs(cause.Reason) && (cause.Station != journey.Sender || f.level < 3)
	})
	if len(named) == 0 {
		for _, one := range catalogue() {
			if one.recordedAs(cause.Reason) && (one.Reason != journey.CertificateNotAccepted || one.ID == "malformed-certificate") {
				named = append(named, Finding{Cause: one, Fix: one.Fix, Likelihood: Likely, level: 2})
			}
		}
	}
	if len(named) == 0 {
		return
	}
	c.Causes = named
	decided := Point{Text: "The " + string(cause.Station) + " recorded: " + cause.Decided + "."}
	for i := range c.Causes {
		c.Causes[i].For = slices.Insert(c.Causes[i].For, 0, decided)
	}
	c.Apart = nil
	for _, f := range named {
		if f.rank() == named[0].rank() {
			c.Apart = append(c.Apart, f.Cause.ID)
		}
	}
	c.Next = nextOf(named)
	if len(c.Apart) == 1 {
		c.Apart, c.Next = nil, nil
		c.Causes[0].Likelihood = Certain
		if cause.Fix != "" && c.Causes[0].Fix == c.Causes[0].Cause.Fix {
			c.Causes[0].Fix = strings.TrimSuffix(cause.Fix, ".") + ". " + c.Causes[0].Cause.Fix
		}
	}
	c.Journeys = []journey.Journey{j}
}

// recordSays is chainSays for a call of which the load balancer's own record is there.
func (v *view) recordSays() chainSays {
	w := v.record.Verification
	if !w.Presented {
		return chainUnknown
	}
	switch {
	case len(w.Chain) == 1:
		return chainAlone
	case w.Code == verify.SelfSignedCertInChain:
		return chainPrivate
	case w.DepthUnknown:
		return chainUnknown
	case w.Depth == 0:
		return chainMisfit
	}
	return chainOpen
}

// Configured is what a tenant knows of itself, as evidence: its channels, assignments, mapped
// certificates and keystore.
func Configured(t *tenant.Tenant) Evidence {
	config := t.Config()
	e := Evidence{Whole: true, Channels: config.Channels, Routes: t.Snapshot(), Assignments: AssignmentsOf(config)}
	for _, m := range config.Mappings {
		e.Mapped = append(e.Mapped, Mapped{Name: "the mapping", User: m.User, DER: m.Certificate})
	}
	for _, k := range config.Keystore {
		e.Keystore = append(e.Keystore, k.Certificate)
	}
	return e
}

// Live diagnoses the refused calls of a running tenant. It is safe for use by many goroutines.
type Live struct {
	tenant *tenant.Tenant

	mu    sync.Mutex
	seen  *tenant.Snapshot // what known was made from
	known Evidence
}

// NewLive makes a Live.
func NewLive(t *tenant.Tenant) *Live { return &Live{tenant: t} }

// Diagnose diagnoses a call by its record; false for one that was not refused. It knows what is
// configured now, which may have changed since the call.
func (l *Live) Diagnose(j journey.Journey) (Case, bool) {
	if j.Succeeded() {
		return Case{}, false
	}
	l.mu.Lock()
	if now := l.tenant.Snapshot(); l.seen != now {
		l.seen, l.known = now, Configured(l.tenant)
	}
	known := l.known
	l.mu.Unlock()
	return OfJourney(j, known)
}
