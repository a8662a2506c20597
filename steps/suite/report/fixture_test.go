package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite/report"
	"example.com/gatehouse/steps/suite/result"
)

// fact makes a text that is found again in a report. Each is another one, with no other inside.
func fact(name string) string { return "fact-" + name + "-tcaf" }

// whole is a report in which everything is set, with one scenario of each kind. The facts are the
// texts that every format must show; mark makes them from names.
func whole(tb testing.TB, mark func(string) string) *result.Report {
	tb.Helper()
	began := time.Date(2026, 11, 26, 10, 11, 12, 0, time.UTC)
	r := &result.Report{
		Gatehouse: mark("version"), Target: mark("target"), Began: began, Duration: 7654 * time.Millisecond, Reason: mark("run-reason"),
		Notes: []string{mark("note-one"), mark("note-two")},
		Selection: result.Selection{
			Paths: []string{mark("path-one"), mark("path-two")}, Tags: mark("tags"), Names: []string{mark("name")}, Rerun: mark("rerun"),
			Order: "random:4711", Planned: 4242, Plan: "0123456789abcdef",
		},
		Shard: &result.Shard{Index: 3, Total: 17},
		Parts: []result.Part{{Shard: result.Shard{Index: 3, Total: 17}, Scenarios: 31, Duration: 2345 * time.Millisecond}},
	}
	add := func(name string, status result.Status, tags []string, change func(*result.Result)) {
		one := result.Result{
			Scenario: result.Scenario{File: "features/" + name + ".feature", Line: len(r.Results) + 70, Feature: mark(name + "-feature"), Rule: mark(name + "-rule"), Name: mark(name + "-name"), Tags: tags},
			Status:   status, Began: began, Duration: time.Duration(len(r.Results)+1) * 1111 * time.Millisecond, Again: "gatehouse test " + mark(name+"-again"),
			Steps: []result.StepResult{{Keyword: "Given", Text: mark(name + "-given"), Line: 71, Status: result.Passed, Duration: time.Millisecond}},
		}
		change(&one)
		require.NoError(tb, r.Keep(&one, []evidence.Call{call(mark, name)}))
		r.Results = append(r.Results, one)
	}
	then := func(name string, status result.Status, message string) func(*result.Result) {
		return func(r *result.Result) {
			r.Steps = append(r.Steps, result.StepResult{Keyword: "Then", Text: mark(name + "-then"), Line: 72, Status: status, Message: message, Duration: time.Millisecond})
		}
	}
	add("passed", result.Passed, []string{"@LB-3", "@slow"}, func(*result.Result) {})
	add("failed", result.Failed, []string{"@LB-4"}, func(one *result.Result) {
		then("failed", result.Failed, mark("failed-message")+"\nsecond "+mark("failed-line"))(one)
		one.Steps[1].Expected, one.Steps[1].Found = mark("failed-expected"), mark("failed-found")
	})
	add("error", result.Error, []string{"@LB-5"}, func(one *result.Result) {
		then("error", result.Error, mark("error-message"))(one)
		one.Origin = result.OfTarget
	})
	add("closing", result.Error, []string{"@CHN-2"}, func(one *result.Result) { one.Reason, one.Origin = mark("closing-reason"), result.OfHarness })
	add("unsupported", result.NotSupported, []string{"@AUT-6"}, func(one *result.Result) { one.Reason = mark("unsupported-reason") })
	add("skipped", result.Skipped, nil, func(one *result.Result) { one.Reason = mark("skipped-reason") })
	add("pending", result.Pending, []string{"@FLW-2"}, then("pending", result.Pending, mark("pending-message")))
	add("known", result.Failed, []string{"@EP-6"}, func(one *result.Result) {
		then("known", result.Failed, mark("known-message"))(one)
		one.Expected = mark("known-expectation")
	})
	add("surprise", result.Passed, []string{"@SND-1"}, func(one *result.Result) { one.Expected = mark("surprise-expectation") })
	require.NoError(tb, r.Sum())
	tb.Cleanup(func() { require.NoError(tb, r.Close()) })
	return r
}

// call is a refused call with everything that can be told of one.
func call(mark func(string) string, name string) evidence.Call {
	name += "-call-"
	return evidence.Call{
		Sender: mark(name + "sender"), Saw: mark(name + "saw"),
		Journey: journey.Journey{
			ID: "1", Status: 401, Path: "/http/orders",
			Stops: []journey.Stop{
				{Station: journey.Sender, Verdict: journey.Passed, Decided: mark(name + "sent")},
				{Station: journey.LoadBalancer, Verdict: journey.Withheld, Reason: journey.CertificateNotAccepted, Decided: mark(name + "decided"), Fix: mark(name + "fix"),
					Saw: []journey.Fact{{Name: mark(name + "fact"), Value: mark(name + "value")}}},
				{Station: journey.RuntimeNode, Verdict: journey.Refused, Reason: journey.NoIdentity, Decided: mark(name + "refused")},
			},
		},
		AccessLines: []string{mark(name + "access")}, TraceRecords: []string{mark(name + "trace")},
		Certificates: []evidence.Certificate{{
			Subject: "CN=" + mark(name+"subject"), Issuer: "CN=" + mark(name+"issuer"), Serial: mark(name + "serial"),
			NotBefore: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2031, 3, 4, 0, 0, 0, 0, time.UTC), SHA256: mark(name + "sha256"),
		}},
	}
}

// names is the function that collects what it is asked for.
func collect(into *[]string) func(string) string {
	return func(name string) string {
		*into = append(*into, fact(name))
		return fact(name)
	}
}

func formats() []string {
	var out []string
	for _, f := range report.Formats() {
		out = append(out, f.Name)
	}
	return out
}
