package diagnosis

import (
	"context"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
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
	o := &Output{Name: "the sender", Tool: "sender", Host: j.Host, Method: j.Method, Path: j.Path, Status: j.Status, At: j.Started, Alert: j.TLS.Alert, symptoms: map[symptom]Quote{}}
	if stop, ok := j.At(journey.Sender); ok && stop.Verdict == journey.Refused {
		for reason, means := range map[journey.Reason]symptom{
			journey.ServerNotTrusted: untrustedServer, journey.ServerNameDiffers: otherName, journey.CannotConnect: noConnection,
		} {
			if stop.Reason == reason {
				o.symptoms[means] = Quote{Text: stop.Decided}
			}
		}
	}
	return o
}

// decide takes the causes that the record names, and puts the record's own words first.
func (c *Case) decide(j journey.Journey, cause journey.Stop) {
	named := slices.DeleteFunc(slices.Clone(c.Causes), func(f Finding) bool { return f.Cause.Reason != cause.Reason })
	if len(named) == 0 {
		for _, one := range catalogue() {
			if one.Reason == cause.Reason && (one.Reason != journey.CertificateNotAccepted || one.ID == "malformed-certificate") {
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
	if len(c.Apart) == 1 {
		c.Apart, c.Next = nil, nil
		c.Causes[0].Likelihood = Certain
		if cause.Fix != "" && c.Causes[0].Fix == c.Causes[0].Cause.Fix {
			c.Causes[0].Fix = cause.Fix + ". " + c.Causes[0].Cause.Fix
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
	case w.Depth == 0:
		return chainMisfit
	}
	return chainOpen
}
