package report

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"

	messages "github.com/cucumber/messages/go/v21"

	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite/result"
)

// messageWriter writes Cucumber Messages, one JSON object a line.
type messageWriter struct {
	encoder *json.Encoder
	ids     int
	hook    string // the id of the hook that stands for the end of a scenario
	err     error
}

func (m *messageWriter) id() string {
	m.ids++
	return strconv.Itoa(m.ids)
}

func (m *messageWriter) send(e messages.Envelope) {
	if m.err == nil {
		m.err = m.encoder.Encode(&e)
	}
}

// writeMessages writes Cucumber Messages. The features are told as far as they were chosen; a row
// of examples is a scenario there. What Cucumber has no words for (reason, expectation, coverage,
// calls) is attached as JSON: that of the run to the run, that of a scenario to the scenario.
func writeMessages(w io.Writer, r *result.Report) error {
	m := &messageWriter{encoder: json.NewEncoder(w)}
	m.encoder.SetEscapeHTML(false)
	m.send(messages.Envelope{Meta: &messages.Meta{
		ProtocolVersion: "21.0.1", Implementation: &messages.Product{Name: "gatehouse", Version: r.Gatehouse},
		Runtime: &messages.Product{Name: "go", Version: runtime.Version()}, Os: &messages.Product{Name: runtime.GOOS}, Cpu: &messages.Product{Name: runtime.GOARCH},
	}})
	pickles := make([]*messages.Pickle, len(r.Results))
	for begin := 0; begin < len(r.Results); {
		end := begin
		for end < len(r.Results) && r.Results[end].Scenario.File == r.Results[begin].Scenario.File {
			end++
		}
		m.feature(r.Results[begin:end], pickles[begin:end])
		begin = end
	}
	m.hook = m.id()
	m.send(messages.Envelope{Hook: &messages.Hook{Id: m.hook, Name: "the end of the scenario", SourceReference: &messages.SourceReference{Uri: "gatehouse"}}})
	m.send(messages.Envelope{TestRunStarted: &messages.TestRunStarted{Timestamp: timestamp(r.Began)}})
	head := *r
	head.Results = nil
	m.attach("", "application/json", "gatehouse-run.json", &head)
	for i := range r.Results {
		if err := m.scenario(r, &r.Results[i], pickles[i]); err != nil {
			return err
		}
	}
	m.send(messages.Envelope{TestRunFinished: &messages.TestRunFinished{Success: r.OK(), Message: r.Reason, Timestamp: timestamp(r.Began.Add(r.Duration))}})
	return m.err
}

// feature tells the scenarios of one file.
func (m *messageWriter) feature(results []result.Result, pickles []*messages.Pickle) {
	first := results[0].Scenario
	feature := &messages.Feature{Location: &messages.Location{Line: 1}, Keyword: "Feature", Name: first.Feature, Language: "en", Tags: []*messages.Tag{}}
	rules := map[string]*messages.Rule{}
	for i := range results {
		s := results[i].Scenario
		scenario := &messages.Scenario{Id: m.id(), Location: &messages.Location{Line: int64(s.Line)}, Keyword: "Scenario", Name: s.Name, Tags: []*messages.Tag{}, Steps: []*messages.Step{}, Examples: []*messages.Examples{}}
		pickle := &messages.Pickle{Id: m.id(), Uri: s.File, Name: s.Name, Language: "en", AstNodeIds: []string{scenario.Id}, Steps: []*messages.PickleStep{}, Tags: []*messages.PickleTag{}}
		for _, tag := range s.Tags {
			one := &messages.Tag{Id: m.id(), Location: &messages.Location{Line: int64(max(1, s.Line-1))}, Name: tag}
			scenario.Tags = append(scenario.Tags, one)
			pickle.Tags = append(pickle.Tags, &messages.PickleTag{Name: tag, AstNodeId: one.Id})
		}
		for _, step := range results[i].Steps {
			line := step.Line
			if line == 0 {
				line = s.Line
			}
			one := &messages.Step{Id: m.id(), Location: &messages.Location{Line: int64(line)}, Keyword: step.Keyword + " ", Text: step.Text}
			scenario.Steps = append(scenario.Steps, one)
			pickle.Steps = append(pickle.Steps, &messages.PickleStep{Id: m.id(), AstNodeIds: []string{one.Id}, Text: step.Text})
		}
		pickles[i] = pickle
		if s.Rule == "" {
			feature.Children = append(feature.Children, &messages.FeatureChild{Scenario: scenario})
			continue
		}
		if rules[s.Rule] == nil {
			rules[s.Rule] = &messages.Rule{Id: m.id(), Location: &messages.Location{Line: int64(max(1, s.Line-1))}, Keyword: "Rule", Name: s.Rule, Tags: []*messages.Tag{}}
			feature.Children = append(feature.Children, &messages.FeatureChild{Rule: rules[s.Rule]})
		}
		rules[s.Rule].Children = append(rules[s.Rule].Children, &messages.RuleChild{Scenario: scenario})
	}
	m.send(messages.Envelope{GherkinDocument: &messages.GherkinDocument{Uri: first.File, Feature: feature, Comments: []*messages.Comment{}}})
	for _, p := range pickles {
		m.send(messages.Envelope{Pickle: p})
	}
}

// scenario tells what came out of one scenario.
func (m *messageWriter) scenario(r *result.Report, of *result.Result, pickle *messages.Pickle) error {
	calls, err := r.Calls(of)
	if err != nil {
		return err
	}
	test := &messages.TestCase{Id: m.id(), PickleId: pickle.Id, TestSteps: []*messages.TestStep{}}
	for _, step := range pickle.Steps {
		test.TestSteps = append(test.TestSteps, &messages.TestStep{Id: m.id(), PickleStepId: step.Id, StepDefinitionIds: []string{}})
	}
	end := endOf(of)
	if end != "" {
		test.TestSteps = append(test.TestSteps, &messages.TestStep{Id: m.id(), HookId: m.hook})
	}
	m.send(messages.Envelope{TestCase: test})
	began := of.Began
	if began.IsZero() {
		began = r.Began
	}
	started := m.id()
	m.send(messages.Envelope{TestCaseStarted: &messages.TestCaseStarted{Id: started, TestCaseId: test.Id, Timestamp: timestamp(began)}})
	at := began
	for i, step := range of.Steps {
		m.step(started, test.TestSteps[i].Id, at, step.Duration, messageStatus(of, step), step.Message)
		at = at.Add(step.Duration)
	}
	if end != "" {
		m.step(started, test.TestSteps[len(of.Steps)].Id, at, 0, messages.TestStepResultStatus_FAILED, end)
	}
	m.attach(started, "application/json", "gatehouse-scenario.json", struct {
		*result.Result
		Calls []evidence.Call `json:"calls,omitempty"`
	}{of, calls})
	if of.Status != result.Passed || of.Expected != "" {
		m.attachText(started, detail(of, calls, true))
	}
	m.send(messages.Envelope{TestCaseFinished: &messages.TestCaseFinished{TestCaseStartedId: started, Timestamp: timestamp(began.Add(of.Duration))}})
	return m.err
}

func (m *messageWriter) step(test, id string, at time.Time, took time.Duration, status messages.TestStepResultStatus, message string) {
	m.send(messages.Envelope{TestStepStarted: &messages.TestStepStarted{TestCaseStartedId: test, TestStepId: id, Timestamp: timestamp(at)}})
	m.send(messages.Envelope{TestStepFinished: &messages.TestStepFinished{
		TestCaseStartedId: test, TestStepId: id, Timestamp: timestamp(at.Add(took)),
		TestStepResult: &messages.TestStepResult{Status: status, Message: message, Duration: duration(took)},
	}})
}

// endOf says why a scenario turns the run red though none of its steps does.
func endOf(of *result.Result) string {
	switch {
	case of.Expected != "" && of.Status == result.Passed:
		return reason(of)
	case of.Status != result.Error:
		return ""
	}
	for _, step := range of.Steps {
		if step.Status == result.Error {
			return ""
		}
	}
	return of.Reason
}

// messageStatus is the nearest of Cucumber's statuses. An error of the harness is a failure there,
// as nothing else turns a run red; a failure that was expected is skipped, so that it does not.
func messageStatus(of *result.Result, step result.StepResult) messages.TestStepResultStatus {
	switch step.Status {
	case result.Passed:
		return messages.TestStepResultStatus_PASSED
	case result.Failed:
		if of.Expected != "" {
			return messages.TestStepResultStatus_SKIPPED
		}
		return messages.TestStepResultStatus_FAILED
	case result.Error:
		if of.Origin == result.OfFeature {
			return messages.TestStepResultStatus_UNDEFINED
		}
		return messages.TestStepResultStatus_FAILED
	case result.Pending:
		return messages.TestStepResultStatus_PENDING
	case result.Skipped, result.NotSupported:
		return messages.TestStepResultStatus_SKIPPED
	}
	return messages.TestStepResultStatus_UNKNOWN
}

func (m *messageWriter) attach(to, media, name string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		m.err = fmt.Errorf("attaching %s: %w", name, err)
		return
	}
	m.send(messages.Envelope{Attachment: &messages.Attachment{Body: string(data), ContentEncoding: messages.AttachmentContentEncoding_IDENTITY, FileName: name, MediaType: media, TestCaseStartedId: to}})
}

func (m *messageWriter) attachText(to, text string) {
	m.send(messages.Envelope{Attachment: &messages.Attachment{Body: text, ContentEncoding: messages.AttachmentContentEncoding_IDENTITY, MediaType: "text/plain", TestCaseStartedId: to}})
}

func timestamp(t time.Time) *messages.Timestamp {
	return &messages.Timestamp{Seconds: t.Unix(), Nanos: int64(t.Nanosecond())}
}

func duration(d time.Duration) *messages.Duration {
	return &messages.Duration{Seconds: int64(d / time.Second), Nanos: int64(d % time.Second)}
}
