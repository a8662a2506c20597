// Package reproduction makes of the evidence of a call that failed, or of a cause by its name, a
// folder that shows the same failure on the spot: a landscape, the same landscape mended, a feature
// file whose scenarios show both, and a README.
//
// What lives here: what is taken over from the evidence (Known), the recipe of each cause that a
// landscape can have, the test certificates of the same make, making names anonymous, writing the
// folder, and comparing what the evidence shows with what the landscape did. What does not: finding
// the cause (package diagnosis), and running the feature file, which whoever wants it does with
// package suite: the simulator stands below the steps.
package reproduction

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
)

// Reproduction is all that goes into the folder.
type Reproduction struct {
	// Known is what was taken over from the evidence.
	Known Known
	// Broken is the landscape with the cause, Mended the one without it.
	Broken, Mended simulator.Landscape
	// Failure and Success are the scenarios that show them.
	Failure, Success Scenario
	// Invented says what the evidence does not tell, and stands in the folder all the same.
	Invented []string
	// none are certificates (by name) and extensions that they must not have, although one would be
	// made by default.
	none map[string][]string
	path string
}

// Scenario is a scenario of the feature file.
type Scenario struct {
	Name string
	Tags []string
	// Steps begin with their keywords.
	Steps []string
}

// ErrNotMade is the error of a cause that no landscape can have.
var ErrNotMade = errors.New("no landscape can have this cause")

// Makable tells whether a landscape can have the cause; if not, why.
func Makable(id string) (ok bool, reason string) {
	if _, ok := recipes()[id]; ok {
		return true, ""
	}
	if reason, ok := notMade[id]; ok {
		return false, reason
	}
	return false, "it is not known how to make it"
}

// notMade are the causes that lie outside of what a landscape describes.
var notMade = map[string]string{
	"host-unknown":       "it lies in the sender's name resolution, before there is a connection",
	"cannot-connect":     "it lies in the network before the load balancer",
	"revoked":            "the simulated load balancer knows no CRL",
	"method-not-allowed": "the simulator's channels take every method but HEAD; which ones a real channel refuses is not known",
	"call-too-long":      "the simulator's flows answer at once",
	"log-of-other-node":  "it is about which log was looked at, and not about a call",
	"log-of-other-day":   "it is about which log was looked at, and not about a call",
	"no-trace-file":      "it is about which log was looked at, and not about a call",
}

// Causes lists the ids of the causes that can be made, in the order of the catalogue.
func Causes() []string {
	var ids []string
	for _, c := range diagnosis.Causes() {
		if ok, _ := Makable(c.ID); ok {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// Make makes a reproduction of what is known. The error is ErrNotMade, with the reason, or about
// evidence that does not go together with the cause.
func Make(k Known) (*Reproduction, error) {
	r, ok := recipes()[k.Cause.ID]
	if !ok {
		_, reason := Makable(k.Cause.ID)
		return nil, fmt.Errorf("%w: %s: %s", ErrNotMade, k.Cause.ID, reason)
	}
	d := newDraft(k, r)
	r.make(d)
	out := d.finish()
	for what, l := range map[string]simulator.Landscape{"with the cause": out.Broken, "mended": out.Mended} {
		if err := l.Validate(); err != nil {
			return nil, fmt.Errorf("what the evidence says does not go together with the cause %s: the landscape %s is wrong: %w", k.Cause.ID, what, err)
		}
	}
	return out, nil
}

// Choice is a case of a report and the cause that is to be made.
type Choice struct {
	Case  diagnosis.Case
	Cause diagnosis.Cause
	// Number counts the case from 1; Passed lists more likely causes that cannot be made.
	Number int
	Passed []string
}

// Choose picks the case and the cause: the case with that number, or with 0 the first one that has
// the cause; the cause with that id, or if empty the likeliest that can be made. found is false if no
// case goes with it.
func Choose(report *diagnosis.Report, number int, cause string) (c Choice, found bool) {
	for i, one := range report.Cases {
		if number > 0 && i+1 != number || number == 0 && cause == "" && !TellsOfCall(one) {
			continue
		}
		c := Choice{Case: one, Number: i + 1}
		for _, f := range one.Causes {
			id := f.Cause.ID
			if cause != "" && id != cause {
				continue
			}
			if ok, _ := Makable(id); !ok {
				c.Passed = append(c.Passed, id)
				continue
			}
			c.Cause = f.Cause
			return c, true
		}
	}
	return Choice{}, false
}

// TellsOfCall tells whether anything in the evidence is of a call: a case can also say that the logs hold
// no refused call, which could have many causes.
func TellsOfCall(c diagnosis.Case) bool { return c.Calls > 0 || c.Status != 0 || len(c.Quotes) > 0 }

// printable tells whether a text can stand between quotation marks in a step.
func printable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r == '"' || r == utf8.RuneError || !unicode.IsPrint(r) }) && strings.TrimSpace(s) == s
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }
