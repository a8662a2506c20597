package reproduction

import (
	"fmt"
	"strings"

	"example.com/gatehouse/simulator/systemlog"
)

// calls is the sentence of a call.
func (d *draft) calls(c call) string {
	ways := c.ways
	if c.host != "" {
		ways = append([]string{fmt.Sprintf("to the host %q", c.host)}, ways...)
	}
	out := fmt.Sprintf(`"%s" calls "%s"`, callerName, c.path)
	if len(ways) > 0 {
		out += " " + strings.Join(ways, " and ")
	}
	return out
}

// finish makes the scenarios.
func (d *draft) finish() *Reproduction {
	k := d.known
	tags := []string{"@reproduction", "@cause-" + k.Cause.ID}
	if k.Cause.Requirement != "" {
		tags = append(tags, "@"+k.Cause.Requirement)
	}
	given := func(file string) []string {
		return []string{fmt.Sprintf("Given the landscape of the file %q", file), fmt.Sprintf("And the sender %q of the document", callerName)}
	}
	failure := append(given(LandscapeName), d.before...)
	if d.instead != nil {
		failure = append(failure, d.instead...)
	} else {
		failure = append(append(failure, "When "+d.calls(d.call)), d.outcome()...)
	}
	success := append(append(given(MendedName), d.mendedBefore...), "When "+d.calls(d.mendedCall), "Then the call is let in")
	return &Reproduction{
		Known: k, Broken: d.broken, Mended: d.mended, Invented: append(d.invented, k.Notes...), none: d.none, path: d.path,
		Failure: Scenario{Name: "The failure: " + k.Cause.Title, Tags: append(tags, needs(failure)...), Steps: failure},
		Success: Scenario{Name: "Mended: the same call is let in", Tags: append(tags, needs(success)...), Steps: success},
	}
}

// outcome are the steps that say how the call fails: as the evidence shows it, else as the recipe does.
func (d *draft) outcome() []string {
	var out []string
	say := func(format string, args ...any) {
		keyword := "And "
		if len(out) == 0 {
			keyword = "Then "
		}
		out = append(out, keyword+fmt.Sprintf(format, args...))
	}
	if code := d.code(); code != 0 {
		say("the call is refused at the load balancer with verify result %d", code)
	} else {
		station, reason := d.reason()
		say("the call is refused at the %s because of %q", station, string(reason))
	}
	status := d.status()
	if status == 0 {
		say("there is no HTTP answer")
		say("the access log has no line of the call")
		return append(out, d.said...)
	}
	say("the response status is %d", status)
	if d.recipe.principal != nobody || status == 401 {
		say("the access log shows the status %d", status)
		if who := d.principal(); printable(who) {
			say("the access log shows the user \"%s\"", who)
		}
	}
	if code := d.code(); code != 0 {
		say("the trace shows \"OpenSSL verify result code: %d\"", code)
		if dn := d.tracedSubject(); printable(dn) {
			say("the trace shows the subject DN \"%s\"", dn)
		}
	}
	for _, text := range d.known.Texts {
		if _, _, ok := systemlog.ParseNotInTable(text); ok {
			say("the trace shows \"is not contained in the accepted subjectAndIssuers list\"")
		}
	}
	return append(out, d.said...)
}

// tracedSubject is the subject DN in the trace of the evidence.
func (d *draft) tracedSubject() string {
	for _, text := range d.known.Texts {
		if dn, ok := systemlog.ParseCertificateReceived(text); ok {
			return dn
		}
	}
	return ""
}

// needed says which features of a target a step needs, by a part of its words; a test compares it with
// the vocabulary.
var needed = []struct{ words, feature string }{
	{"the landscape of the file", "landscape"}, {"of the document", "good-sender"},
	{"is refused at the", "stations"}, {"the access log", "access-log"}, {"the trace shows", "trace"},
	{"is deployed with a downtime", "channels"}, {"the table of", "channels"}, {"seconds pass", "clock"},
	{"a connection does", "limits"},
}

// needs are the tags of what the steps need.
func needs(steps []string) []string {
	var tags []string
	for _, n := range needed {
		for _, s := range steps {
			if tag := "@needs-" + n.feature; strings.Contains(s, n.words) && !contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

// Feature is the text of the feature file.
func (r *Reproduction) Feature() []byte {
	var b strings.Builder
	c := r.Known.Cause
	fmt.Fprintf(&b, "Feature: %s\n\n  Made by \"gatehouse reproduce\". Cause %s: %s\n", c.Title, c.ID, c.Why)
	for _, s := range []Scenario{r.Failure, r.Success} {
		fmt.Fprintf(&b, "\n  %s\n  Scenario: %s\n", strings.Join(s.Tags, " "), s.Name)
		for _, step := range s.Steps {
			fmt.Fprintf(&b, "    %s\n", step)
		}
	}
	return []byte(b.String())
}
