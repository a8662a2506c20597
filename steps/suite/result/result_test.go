package result_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/features"
	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite/result"
)

// A status moves only downwards, in whatever order the steps come.
func TestStatusMovesOnlyDownwards(t *testing.T) {
	statuses := result.Statuses()
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.SampledFrom(statuses), 1, 10).Draw(t, "statuses")
		var forwards, backwards result.Status
		for i := range drawn {
			forwards = result.Worst(forwards, drawn[i])
			backwards = result.Worst(backwards, drawn[len(drawn)-1-i])
		}
		assert.Equal(t, forwards, backwards)
		for _, s := range drawn {
			assert.Equal(t, forwards, result.Worst(forwards, s))
		}
	})
}

func TestVerdict(t *testing.T) {
	for want, list := range map[result.Verdict][]result.Counts{
		result.VerdictPassed:  {{Passed: 1}, {ExpectedFailures: 1}, {Passed: 1, ExpectedFailures: 1}},
		result.VerdictFailed:  {{Passed: 9, Failed: 1}, {UnexpectedPasses: 1}, {Failed: 1, Errors: 9}},
		result.VerdictError:   {{Passed: 9, Errors: 1}, {Errors: 1, NotSupported: 1}},
		result.VerdictPartial: {{}, {Passed: 9, NotSupported: 1}, {Passed: 9, Skipped: 1}, {Passed: 9, Pending: 1}},
	} {
		for _, counts := range list {
			assert.Equal(t, want, counts.Verdict(), counts.String())
		}
	}
}

func TestRequirementsOfAScenario(t *testing.T) {
	s := result.Scenario{Tags: []string{"@LB-3", "@slow", "@needs-clock", "@LB-3", "@GH-", "@x-1", "@CHN-12"}}
	assert.Equal(t, []string{"LB-3", "CHN-12"}, s.Requirements())
}

func TestGaps(t *testing.T) {
	catalogue := []features.Requirement{{ID: "LB-1"}, {ID: "LB-2"}}
	gaps := result.Gaps(catalogue, []result.Scenario{
		{File: "a.feature", Line: 1, Tags: []string{"@LB-1"}}, {File: "a.feature", Line: 2}, {File: "a.feature", Line: 3, Tags: []string{"@LB-9"}},
	})
	var said []string
	for _, g := range gaps {
		said = append(said, g.Scenario+" "+g.ID)
	}
	assert.Equal(t, []string{"a.feature:2 ", "a.feature:3 LB-9", " LB-2"}, said)
	assert.Empty(t, result.Gaps(catalogue[:1], []result.Scenario{{Tags: []string{"@LB-1"}}}))
}

// report is one part of a run of n scenarios over some shards.
func report(tb testing.TB, index, total, n int) *result.Report {
	tb.Helper()
	r := &result.Report{
		Target: "t", Began: time.Date(2026, 1, 1, 0, 0, index, 0, time.UTC), Duration: time.Duration(index) * time.Second,
		Selection: result.Selection{Plan: "p", Planned: n, Order: "defined"},
	}
	if total > 1 {
		r.Shard = &result.Shard{Index: index, Total: total}
	}
	for i := range n {
		if i%total == index-1 {
			one := result.Result{Scenario: result.Scenario{File: "a.feature", Line: i + 1, Name: "x", Tags: []string{"@LB-1"}}, Status: result.Passed, Duration: time.Millisecond}
			require.NoError(tb, r.Keep(&one, []evidence.Call{{Sender: fmt.Sprint("sender ", i+1)}}))
			r.Results = append(r.Results, one)
		}
	}
	require.NoError(tb, r.Sum())
	tb.Cleanup(func() { r.Close() })
	return r
}

func sources(reports ...*result.Report) []result.Source {
	var out []result.Source
	for i, r := range reports {
		out = append(out, result.Source{Name: fmt.Sprintf("part-%d.json", i+1), Report: r})
	}
	return out
}

func TestMergeJoinsTheParts(t *testing.T) {
	merged, err := result.Merge(sources(report(t, 3, 3, 10), report(t, 1, 3, 10), report(t, 2, 3, 10))...)
	require.NoError(t, err)
	assert.Equal(t, result.VerdictPassed, merged.Verdict)
	assert.Equal(t, 10, merged.Passed)
	assert.Nil(t, merged.Shard)
	assert.Equal(t, 3*time.Second, merged.Duration)
	assert.Equal(t, 1, merged.Began.Second())
	require.Len(t, merged.Parts, 3)
	assert.Equal(t, 4, merged.Parts[0].Scenarios)
	for i, one := range merged.Results {
		assert.Equal(t, i+1, one.Scenario.Line, "in the order of the files")
		calls, err := merged.Calls(&merged.Results[i])
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint("sender ", i+1), calls[0].Sender)
	}

	alone, err := result.Merge(sources(report(t, 1, 1, 4))...)
	require.NoError(t, err)
	assert.True(t, alone.OK())
}

func TestMergeSaysWhatIsMissing(t *testing.T) {
	merged, err := result.Merge(sources(report(t, 1, 4, 10), report(t, 3, 4, 10))...)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 4}, merged.Missing)
	assert.Equal(t, result.VerdictError, merged.Verdict)
	assert.Equal(t, "the reports of the shards 2/4, 4/4 are missing", merged.Reason)

	lost := report(t, 2, 2, 10)
	lost.Results = lost.Results[1:]
	merged, err = result.Merge(sources(report(t, 1, 2, 10), lost)...)
	require.NoError(t, err)
	assert.Equal(t, "10 scenarios were planned and 9 are in the reports", merged.Reason)
	assert.Equal(t, result.VerdictError, merged.Verdict)
}

func TestMergeRefusesWhatDoesNotBelongTogether(t *testing.T) {
	change := func(do func(*result.Report)) *result.Report {
		r := report(t, 2, 2, 10)
		do(r)
		return r
	}
	same := report(t, 2, 2, 10)
	same.Results[0].Scenario.Line = 1
	whole, err := result.Merge(sources(report(t, 1, 2, 10), report(t, 2, 2, 10))...)
	require.NoError(t, err)
	for want, parts := range map[string][]*result.Report{
		"none was given": {},
		"part-1.json and part-2.json are both shard":   {report(t, 1, 2, 10), report(t, 1, 2, 10)},
		"the same number of shards":                    {report(t, 1, 2, 10), report(t, 2, 3, 10)},
		"chose other scenarios":                        {report(t, 1, 2, 10), change(func(r *result.Report) { r.Selection.Plan = "q" })},
		"and part-2.json against \"u\"":                {report(t, 1, 2, 10), change(func(r *result.Report) { r.Target = "u" })},
		"a.feature:1 is in part-1.json and in part-2":  {report(t, 1, 2, 10), same},
		"part-1.json is a merged report":               {whole, report(t, 2, 2, 10)},
		"part-1.json is shard 1/1 and part-2.json is ": {report(t, 1, 1, 10), report(t, 2, 2, 10)},
	} {
		_, err := result.Merge(sources(parts...)...)
		var merge *result.MergeError
		require.ErrorAs(t, err, &merge, want)
		assert.ErrorContains(t, err, want)
	}
}

func TestReadSaysWhereAReportIsWrong(t *testing.T) {
	var good bytes.Buffer
	require.NoError(t, report(t, 1, 2, 4).WriteJSON(&good))
	_, err := result.Read("good.json", bytes.NewReader(good.Bytes()))
	require.NoError(t, err)
	for want, text := range map[string]string{
		"line 1, column 1":                             "<html>",
		"line 2, column":                               "{\n  \"schema\": }",
		"has the schema \"\"":                          "{}",
		"has the schema \"gatehouse.rep":               `{"schema": "gatehouse.report/99"}`,
		"has the status \"fine\"":                      strings.Replace(good.String(), `"status": "passed"`, `"status": "fine"`, 1),
		"scenario a.feature:1 stands tw":               strings.Replace(good.String(), `"line": 3`, `"line": 1`, 1),
		"contradicts itself: it says passed (2 passed": strings.Replace(good.String(), `"status": "passed"`, `"status": "failed"`, 1),
		"shard: found 7/2":                             strings.Replace(good.String(), `"index": 1`, `"index": 7`, 1),
		"line ":                                        strings.Replace(good.String(), `"planned": 4`, `"planned": "four"`, 1),
	} {
		_, err := result.Read("part.json", strings.NewReader(text))
		var invalid *result.InvalidError
		require.ErrorAs(t, err, &invalid, want)
		assert.ErrorContains(t, err, "part.json: ")
		assert.ErrorContains(t, err, want)
	}
	_, err = result.ReadFile(filepath.Join(t.TempDir(), "gone.json"))
	assert.ErrorContains(t, err, "cannot be read")
	file := filepath.Join(t.TempDir(), "good.json")
	require.NoError(t, os.WriteFile(file, good.Bytes(), 0o600))
	_, err = result.ReadFile(file)
	assert.NoError(t, err)
}

func FuzzRead(f *testing.F) {
	var good bytes.Buffer
	require.NoError(f, report(f, 1, 2, 2).WriteJSON(&good))
	f.Add(good.Bytes())
	f.Add([]byte(`{"schema":"gatehouse.report/1","results":[{"status":"passed","scenario":{}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := result.Read("x", bytes.NewReader(data))
		if err != nil {
			return
		}
		require.NoError(t, r.Sum())
		require.NoError(t, r.WriteJSON(&bytes.Buffer{}))
	})
}

func TestRedactor(t *testing.T) {
	var r result.Redactor
	r.Know("s3cr3t-value", "abc")
	for text, want := range map[string]string{
		"":                        "",
		"nothing to hide":         "nothing to hide",
		"x s3cr3t-value y abc":    "x *** y abc",
		"czNjcjN0LXZhbHVl as b64": "*** as b64",
		"Basic authentication is wanted; a bearer token is unknown":    "Basic authentication is wanted; a bearer token is unknown",
		"WWW-Authenticate: Basic realm":                                "WWW-Authenticate: Basic realm",
		`calls with the header "X-CSRF-Token: Fetch"`:                  `calls with the header "X-CSRF-Token: Fetch"`,
		`calls with the header "X-CSRF-Token: 0A1B2C"`:                 `calls with the header "X-CSRF-Token: ***"`,
		`calls as "erika" with the password "opensesame"`:              `calls as "erika" with the password "***"`,
		`calls with the token "nonsense"`:                              `calls with the token "***"`,
		"authorization: Basic YTpi, x":                                 "authorization: ***",
		"sent Basic YTpi0123 here":                                     "sent Basic *** here",
		"https://erika:pw@host/path":                                   "https://erika:***@host/path",
		"https://host:8443/path@x":                                     "https://host:8443/path@x",
		`{"password":"two words","user":"erika"}`:                      `{"password":***,"user":"erika"}`,
		"?access_token=abc123&x=1":                                     "?access_token=***&x=1",
		"-----BEGIN EC PRIVATE KEY-----\nAAAA\ncut off":                "(a private key) ***",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
	} {
		assert.Equal(t, want, r.Text(text), text)
	}
}

func FuzzRedactor(f *testing.F) {
	for _, s := range []string{"Authorization: Basic YTpi", "password \"x\"", "-----BEGIN PRIVATE KEY-----", "://a:b@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var r result.Redactor
		once := r.Text(text)
		assert.NotContains(t, once, "-----BEGIN PRIVATE KEY-----\nMII")
	})
}
