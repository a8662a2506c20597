package report_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	messages "github.com/cucumber/messages/go/v21"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite/report"
	"example.com/gatehouse/steps/suite/result"
)

func render(tb testing.TB, name string, r *result.Report) string {
	tb.Helper()
	f, ok := report.Find(name)
	require.True(tb, ok, name)
	var b bytes.Buffer
	require.NoError(tb, f.Write(&b, r))
	return b.String()
}

// Whatever is known of a run stands in every format.
func TestEveryFactIsInEveryFormat(t *testing.T) {
	var facts []string
	r := whole(t, collect(&facts))
	facts = append(facts, "random:4711", "4242", "0123456789abcdef", "2026-11-26", "10:11:12", "3/17", "31", result.Schema, "1.111", "4.444", "7.65")
	for i := range r.Results {
		s := r.Results[i].Scenario
		facts = append(facts, s.File, fmt.Sprint(s.Line))
		facts = append(facts, s.Tags...)
	}
	for _, c := range r.Requirements {
		facts = append(facts, c.ID, c.Station, c.Mark, c.Sentence, c.Source, c.Why, string(c.Verdict))
	}
	for _, s := range result.Statuses() {
		facts = append(facts, string(s))
	}
	facts = append(facts, "certificate-not-accepted", "no-identity", "withheld", "refused", "2020-01-02", "2031-03-04", string(r.Verdict))
	require.Greater(t, len(facts), 500)
	for _, name := range formats() {
		text := html.UnescapeString(render(t, name, r))
		if name == "json" || name == "messages" {
			// Durations are nanoseconds, a shard two numbers.
			text = strings.NewReplacer("1111000000", "1.111", "4444000000", "4.444", "7654000000", "7.654").Replace(text)
			assert.Regexp(t, `\\?"index\\?": ?3,\s*\\?"total\\?": ?17`, text)
			text += "3/17"
			text = strings.NewReplacer(`\"`, `"`, `\\u003c`, "<", `\\u003e`, ">", `\\u0026`, "&", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(text)
		}
		missing := 0
		for _, f := range facts {
			if !strings.Contains(text, f) {
				missing++
				t.Errorf("%s: %q is missing", name, f)
			}
		}
		t.Logf("%s: %d facts, %d missing, %d bytes", name, len(facts), missing, len(text))
	}
}

// The terminal shows the same of every scenario that did not pass.
func TestTerminalTellsEverythingOfWhatDidNotPass(t *testing.T) {
	r := whole(t, fact)
	var b strings.Builder
	p := report.Printer{W: &b}
	for i := range r.Results {
		require.NoError(t, p.Scenario(r, &r.Results[i]))
	}
	require.NoError(t, p.Summary(r))
	text := b.String()
	for _, f := range []string{
		"failed-name", "failed-message", "failed-line", "failed-again", "failed-call-sent", "failed-call-access", "failed-call-trace", "failed-call-subject", "failed-call-fix",
		"error-message", "closing-reason", "unsupported-reason", "skipped-reason", "pending-message", "known-expectation", "known-message", "surprise-expectation",
		"run-reason", "note-one", "note-two", "rerun",
	} {
		assert.Contains(t, text, fact(f))
	}
	assert.NotContains(t, text, fact("passed-given"), "of what passed one line is enough")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	assert.Equal(t, "1 passed, 1 failed, 1 skipped, 2 errors, 1 not supported, 1 pending, 1 failed as expected, 1 passed unexpectedly", lines[len(lines)-1])
	assert.Contains(t, text, "failed as expected "+fact("known-name")+" (features/known.feature:77)")
	assert.Contains(t, text, "passed unexpectedly "+fact("surprise-name"))
}

// A line that a step's message has already is not told again with the call.
func TestTerminalTellsLinesOnce(t *testing.T) {
	r := &result.Report{}
	one := result.Result{Scenario: result.Scenario{File: "a.feature", Line: 1, Name: "x"}, Status: result.Failed,
		Steps: []result.StepResult{{Text: "y", Status: result.Failed, Message: "expected a\n   found b\nlog     the line"}}}
	require.NoError(t, r.Keep(&one, []evidence.Call{{Sender: "s", AccessLines: []string{"the line", "another line"}}}))
	defer r.Close()
	r.Results = []result.Result{one}
	var b strings.Builder
	require.NoError(t, report.Printer{W: &b}.Scenario(r, &r.Results[0]))
	assert.Equal(t, 1, strings.Count(b.String(), "the line"))
	assert.Equal(t, 1, strings.Count(b.String(), "another line"))
}

// hostile is what a caller or a feature file may say: markup, an end of a script, control
// characters, a change of the direction of writing, bytes that are no UTF-8.
func hostile(name string) string {
	return `</script><script>alert("` + name + `")</script><img src=x onerror=alert(1)>` + "\x1b[2J\x00\u202e\xff]]>'"
}

// without demands that none of the words stands in a text that is too long to be shown.
func without(t *testing.T, name, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if at := strings.Index(text, word); at >= 0 {
			t.Errorf("%s: %q stands there: …%q…", name, word, text[max(0, at-60):min(len(text), at+60)])
		}
	}
}

func TestNothingIsShownUnescaped(t *testing.T) {
	r := whole(t, hostile)
	for _, name := range formats() {
		text := render(t, name, r)
		without(t, name, text, "\x1b", "\x00")
		switch name {
		case "html":
			without(t, name, text, "<script>alert", "<img", "\u202e")
			assert.Equal(t, 1, strings.Count(text, "<script>"), "its own")
			assert.Equal(t, 1, strings.Count(text, "</script>"))
			assert.False(t, regexp.MustCompile(`(src|href)="[^#]`).MatchString(text), "nothing is loaded from anywhere")
			without(t, "control", strings.ReplaceAll(text, "default-src &#39;none&#39;", ""), "default-src")
		case "text", "junit":
			without(t, name, text, "\u202e")
		case "json":
			assert.True(t, json.Valid([]byte(text)))
		}
	}
	wellFormed(t, render(t, "junit", r))
	decodeMessages(t, render(t, "messages", r))
}

// secret is a text with secrets of every form.
const (
	keyLines  = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49-key-body\n-----END PRIVATE KEY-----"
	basic     = "Basic ZXJpa2E6b3BlbnNlc2FtZQ=="
	bearer    = "Bearer eyJhbGciOi.token-body"
	password  = "opensesame-4711"
	knownText = "told-by-the-target"
)

func secret(name string) string {
	return name + " Authorization: " + basic + "\nAuthorization: " + bearer + " and " + bearer + ", password=" + password + `, "client_secret": "client-body", token: token-word-1` +
		"\nSet-Cookie: JSESSIONID=cookie-body; Path=/\nX-CSRF-Token: csrf-body\nhttps://user:url-body@host/ " + knownText + " a password \"step-word\" and step-word again\n" + keyLines
}

func TestSecretsAreInNoFormat(t *testing.T) {
	redact := &result.Redactor{}
	redact.Know(knownText)
	source := whole(t, secret)
	for _, s := range []*string{&source.Gatehouse, &source.Target, &source.Reason, &source.Notes[0], &source.Notes[1], &source.Selection.Paths[0], &source.Selection.Paths[1], &source.Selection.Tags, &source.Selection.Names[0], &source.Selection.Rerun} {
		*s = strings.ReplaceAll(*s, "and step-word again", "") // only a step says so
	}
	r := *source
	r.Notes, r.Selection.Paths, r.Selection.Names = slices.Clone(r.Notes), slices.Clone(r.Selection.Paths), slices.Clone(r.Selection.Names)
	redact.Strings(&r.Notes)
	redact.Strings(&r.Selection)
	r.Gatehouse, r.Target, r.Reason = redact.Text(r.Gatehouse), redact.Text(r.Target), redact.Text(r.Reason)
	r.Results = nil
	for i := range source.Results {
		one := source.Results[i]
		one.Steps = slices.Clone(one.Steps)
		calls, err := source.Calls(&one)
		require.NoError(t, err)
		redact.Result(&one, calls)
		require.NoError(t, r.Keep(&one, calls))
		r.Results = append(r.Results, one)
	}
	for _, name := range formats() {
		plain := render(t, name, source)
		text := render(t, name, &r)
		for _, word := range []string{"key-body", "ZXJpa2E6b3BlbnNlc2FtZQ", "token-body", "opensesame-4711", "client-body", "token-word-1", "cookie-body", "csrf-body", "url-body", "told-by-the-target", "step-word"} {
			assert.True(t, strings.Contains(plain, word), "control: %s would show %q", name, word)
			without(t, name, text, word)
		}
		assert.True(t, strings.Contains(text, result.Redacted), name)
	}
}

func TestJSONMatchesItsSchemaAndIsReadAgain(t *testing.T) {
	r := whole(t, fact)
	text := render(t, "json", r)
	schemaText, err := result.JSONSchema()
	require.NoError(t, err)
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("report.json", schema))
	compiled, err := compiler.Compile("report.json")
	require.NoError(t, err)
	validate := func(text string) error {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		require.NoError(t, err)
		return compiled.Validate(value)
	}
	require.NoError(t, validate(text))
	assert.Error(t, validate(strings.Replace(text, `"verdict": "failed"`, `"verdict": "fine"`, 1)))
	assert.Error(t, validate(strings.Replace(text, `"planned"`, `"plannned"`, 1)))
	assert.Error(t, validate(strings.Replace(text, result.Schema, "gatehouse.report/0", 1)))

	again, err := result.Read("report.json", strings.NewReader(text))
	require.NoError(t, err)
	for _, name := range formats() {
		assert.Equal(t, render(t, name, r), render(t, name, again), "%s of a report that was read", name)
	}
}

// wellFormed reads XML to its end.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else {
			require.NoError(t, err)
		}
	}
}

func TestJUnitCountsAsCISystemsDo(t *testing.T) {
	text := render(t, "junit", whole(t, fact))
	var all struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Tests int    `xml:"tests,attr"`
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(text), &all))
	assert.Equal(t, []int{9, 2, 2, 4}, []int{all.Tests, all.Failures, all.Errors, all.Skipped})
	failures, errs, skipped, cases := 0, 0, 0, 0
	for _, s := range all.Suites {
		assert.Len(t, s.Cases, s.Tests, s.Name)
		for _, c := range s.Cases {
			cases++
			for _, one := range []struct {
				is  bool
				add *int
			}{{c.Failure != nil, &failures}, {c.Error != nil, &errs}, {c.Skipped != nil, &skipped}} {
				if one.is {
					*one.add++
				}
			}
		}
	}
	assert.Equal(t, []int{9, 2, 2, 4}, []int{cases, failures, errs, skipped})
}

// decodeMessages reads messages strictly and checks that everything that refers to something is
// behind it.
func decodeMessages(t *testing.T, text string) []messages.Envelope {
	t.Helper()
	var out []messages.Envelope
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		var e messages.Envelope
		require.NoError(t, d.Decode(&e))
		out = append(out, e)
	}
	require.NoError(t, lines.Err())
	return out
}

func TestMessagesReferToWhatWasToldBefore(t *testing.T) {
	r := whole(t, fact)
	all := decodeMessages(t, render(t, "messages", r))
	ast, pickleSteps, pickles, cases, steps, started, hooks := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	worst := map[string]messages.TestStepResultStatus{}
	finished := 0
	scenario := func(s *messages.Scenario) {
		ast[s.Id] = true
		for _, step := range s.Steps {
			ast[step.Id] = true
		}
	}
	require.NotNil(t, all[0].Meta)
	for _, e := range all {
		switch {
		case e.GherkinDocument != nil:
			for _, c := range e.GherkinDocument.Feature.Children {
				for _, one := range c.Rule.Children {
					scenario(one.Scenario)
				}
			}
		case e.Pickle != nil:
			assert.True(t, ast[e.Pickle.AstNodeIds[0]])
			pickles[e.Pickle.Id] = true
			for _, s := range e.Pickle.Steps {
				assert.True(t, ast[s.AstNodeIds[0]])
				pickleSteps[s.Id] = true
			}
		case e.Hook != nil:
			hooks[e.Hook.Id] = true
		case e.TestCase != nil:
			assert.True(t, pickles[e.TestCase.PickleId])
			cases[e.TestCase.Id] = true
			for _, s := range e.TestCase.TestSteps {
				assert.True(t, pickleSteps[s.PickleStepId] || hooks[s.HookId])
				steps[s.Id] = true
			}
		case e.TestCaseStarted != nil:
			assert.True(t, cases[e.TestCaseStarted.TestCaseId])
			started[e.TestCaseStarted.Id] = true
		case e.TestStepFinished != nil:
			assert.True(t, steps[e.TestStepFinished.TestStepId])
			assert.True(t, started[e.TestStepFinished.TestCaseStartedId])
			if s := e.TestStepFinished.TestStepResult.Status; s != messages.TestStepResultStatus_PASSED {
				worst[e.TestStepFinished.TestCaseStartedId] = s
			}
		case e.Attachment != nil:
			assert.True(t, e.Attachment.TestCaseStartedId == "" || started[e.Attachment.TestCaseStartedId])
		case e.TestCaseFinished != nil:
			assert.True(t, started[e.TestCaseFinished.TestCaseStartedId])
			finished++
		}
	}
	assert.Equal(t, len(r.Results), finished)
	count := map[messages.TestStepResultStatus]int{}
	for _, s := range worst {
		count[s]++
	}
	// Failed: failed, the two errors and the unexpected pass. The expected failure does not turn it red.
	assert.Equal(t, map[messages.TestStepResultStatus]int{"FAILED": 4, "SKIPPED": 1, "PENDING": 1}, count)
	end := all[len(all)-1].TestRunFinished
	require.NotNil(t, end)
	assert.False(t, end.Success)
}

// full is a writer without room.
type full struct{ left int }

func (w *full) Write(data []byte) (int, error) {
	if w.left -= len(data); w.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(data), nil
}

func TestWritingFailsLoudly(t *testing.T) {
	r := whole(t, fact)
	for _, f := range report.Formats() {
		assert.ErrorContains(t, f.Write(&full{1000}, r), "no space left on device", f.Name)
		assert.NotEmpty(t, f.About)
	}
	_, ok := report.Find("pdf")
	assert.False(t, ok)
}

// GATEHOUSE_PAGE=file writes the page of the fixture, to be looked at.
func TestPageToLookAt(t *testing.T) {
	file := os.Getenv("GATEHOUSE_PAGE")
	text := render(t, "html", whole(t, fact))
	assert.Equal(t, 9, strings.Count(text, `<details class="scenario `))
	assert.Equal(t, 9, strings.Count(text, "<svg "))
	if file != "" {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
}

// BenchmarkFormats writes a report of 1,000 scenarios that all failed.
func BenchmarkFormats(b *testing.B) {
	small := whole(b, fact)
	r := &result.Report{Selection: small.Selection}
	for i := range 1000 {
		one := small.Results[1]
		one.Scenario.Line = i + 1
		calls, err := small.Calls(&small.Results[1])
		require.NoError(b, err)
		require.NoError(b, r.Keep(&one, calls))
		r.Results = append(r.Results, one)
	}
	require.NoError(b, r.Sum())
	defer r.Close()
	for _, f := range report.Formats() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, f.Write(io.Discard, r))
			}
		})
	}
}
