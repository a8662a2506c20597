package reproduction

import (
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/simulator/journey"
)

// readme is the README. It is made of what stands in the other files and of the catalogue alone, so
// that no name of the evidence comes in that was to stay out.
func (r *Reproduction) readme(broken, mended string) []byte {
	var b strings.Builder
	c := r.Known.Cause
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s", c.Title)
	line("")
	line("Made by `gatehouse reproduce`: the failure on your own machine, beside the same landscape mended.")
	line("")
	line("- Cause: `%s` (at the %s)", c.ID, c.Station)
	line("- Symptom: %s", plain(c.Symptom))
	line("- Why: %s", plain(c.Why))
	line("- What to change: %s", plain(c.Fix))
	line("- How to make sure: %s", plain(c.Check))
	line("- Requirement: %s; how well the real system's behaviour is known: %s (%s)", c.Requirement, c.Mark, c.Source)
	line("")
	line("## Run it")
	line("")
	line("```")
	line("gatehouse test %s           # both scenarios", FeatureName)
	line("gatehouse serve -f %s      # the landscape with the cause, to call with your own client", LandscapeName)
	line("gatehouse send -f %s %s --to %s --data message --explain", LandscapeName, callerName, r.path)
	line("gatehouse pki mint -f %s   # the certificates as files", LandscapeName)
	line("```")
	line("")
	line("## What the evidence shows")
	line("")
	r.shown(line)
	line("")
	line("## What is different in %s", MendedName)
	line("")
	if d := difference(body(broken), body(mended)); len(d) > 0 {
		line("```diff")
		for _, l := range d {
			line("%s", journey.Printable(l))
		}
		line("```")
	} else {
		line("Nothing: the call is made in another way, see %s.", FeatureName)
	}
	line("")
	line("## What is the customer's, and what is not")
	line("")
	if r.Known.Evidence {
		line("Taken over as far as the evidence tells: time and host, path, method, user, the names in the certificates%s.", chainText(r.Known.Chain))
	} else {
		line("Nothing: it was made from the cause alone.")
	}
	line("Private keys, serial numbers and passwords are invented always.")
	for _, text := range r.Invented {
		line("- %s", text)
	}
	for i, d := range r.Known.Chain {
		if d.Digest != "" && d.Digest != "SHA256" {
			line("- Certificate %d of the chain is signed with %s; the test certificate with the digest that goes with the issuer's key.", i+1, d.Digest)
		}
		if d.Key == "" {
			line("- Certificate %d of the chain has a key of a type that is not minted; the test certificate has one on P-256.", i+1)
		}
	}
	return []byte(b.String())
}

// body is a document without its comments.
func body(document string) string {
	var out []string
	for _, l := range strings.Split(document, "\n") {
		if !strings.HasPrefix(l, "#") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

func chainText(chain []Described) string {
	if len(chain) == 0 {
		return ""
	}
	return fmt.Sprintf(", and the make of %d of them (subject, issuer, usages, dates, type of key)", len(chain))
}

func (r *Reproduction) shown(line func(string, ...any)) {
	k := r.Known
	if !k.Evidence {
		line("There is none: it was made from the cause alone, and nothing was compared.")
		return
	}
	if k.Logged && !k.At.IsZero() {
		line("- Time: %s", k.At.UTC().Format(time.RFC3339))
	}
	for _, c := range r.Shows().expected() {
		line("- %s: %s", strings.ToUpper(c.What[:1])+c.What[1:], code(c.Evidence))
	}
	if k.Others > 0 {
		line("- %d trace records more, whose wording in the real system is not known; they are not compared.", k.Others)
	}
}

// plain keeps a text from being taken for markup.
func plain(s string) string { return strings.NewReplacer("<", `\<`, "*", `\*`).Replace(s) }

// code sets a text as code.
func code(s string) string {
	s = journey.Printable(s)
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}
