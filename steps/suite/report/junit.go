package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"example.com/gatehouse/steps/suite/result"
)

// The elements of JUnit XML that CI systems understand.
type (
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitProperties struct {
		Property []junitProperty `xml:"property"`
	}
	junitOutcome struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	junitCase struct {
		XMLName    xml.Name         `xml:"testcase"`
		Name       string           `xml:"name,attr"`
		Classname  string           `xml:"classname,attr"`
		File       string           `xml:"file,attr"`
		Line       int              `xml:"line,attr"`
		Time       string           `xml:"time,attr"`
		Properties *junitProperties `xml:"properties,omitempty"`
		Failure    *junitOutcome    `xml:"failure,omitempty"`
		Error      *junitOutcome    `xml:"error,omitempty"`
		Skipped    *junitOutcome    `xml:"skipped,omitempty"`
		SystemOut  string           `xml:"system-out,omitempty"`
	}
)

// writeJUnit writes JUnit XML: a testsuite for each feature file and, as that form has no place for
// them, one without tests whose properties are the run and the coverage of requirements. What was
// not run, for whatever reason, is skipped there; a failure that was expected is skipped too, and
// one that did not come is a failure.
func writeJUnit(w io.Writer, r *result.Report) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	var files []string
	byFile := map[string][]*result.Result{}
	for i := range r.Results {
		file := r.Results[i].Scenario.File
		if byFile[file] == nil {
			files = append(files, file)
		}
		byFile[file] = append(byFile[file], &r.Results[i])
	}
	all := element("testsuites", attribute("name", "gatehouse"))
	all.Attr = append(all.Attr, totals(r.Results)...)
	all.Attr = append(all.Attr, attribute("time", seconds(r.Duration)))
	if err := e.EncodeToken(all); err != nil {
		return err
	}
	run := element("testsuite", append([]xml.Attr{attribute("name", "gatehouse run")}, totals(nil)...)...)
	if err := e.EncodeElement(junitProperties{runProperties(r)}, inside(e, run)); err != nil {
		return err
	}
	if err := e.EncodeToken(run.End()); err != nil {
		return err
	}
	for _, file := range files {
		results := byFile[file]
		var took time.Duration
		counted := make([]result.Result, len(results))
		for i, one := range results {
			took += one.Duration
			counted[i] = *one
		}
		suite := element("testsuite", append([]xml.Attr{attribute("name", printable(results[0].Scenario.Feature)), attribute("file", file)}, totals(counted)...)...)
		suite.Attr = append(suite.Attr, attribute("time", seconds(took)), attribute("timestamp", r.Began.UTC().Format("2006-01-02T15:04:05")))
		if err := e.EncodeToken(suite); err != nil {
			return err
		}
		for _, one := range results {
			c, err := junitOf(r, one)
			if err != nil {
				return err
			}
			if err := e.Encode(c); err != nil {
				return err
			}
		}
		if err := e.EncodeToken(suite.End()); err != nil {
			return err
		}
	}
	if err := e.EncodeToken(all.End()); err != nil {
		return err
	}
	return e.Close()
}

// inside begins an element and returns the one for its properties.
func inside(e *xml.Encoder, begin xml.StartElement) xml.StartElement {
	_ = e.EncodeToken(begin) // an error comes back with the next token
	return element("properties")
}

func element(name string, attributes ...xml.Attr) xml.StartElement {
	return xml.StartElement{Name: xml.Name{Local: name}, Attr: attributes}
}

func attribute(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}

// totals are the numbers as JUnit counts.
func totals(results []result.Result) []xml.Attr {
	var c result.Counts
	for i := range results {
		c.Add(&results[i])
	}
	number := func(n int) string { return fmt.Sprint(n) }
	return []xml.Attr{
		attribute("tests", number(c.Total())), attribute("failures", number(c.Failed+c.UnexpectedPasses)), attribute("errors", number(c.Errors)),
		attribute("skipped", number(c.Skipped+c.NotSupported+c.Pending+c.ExpectedFailures)),
	}
}

func runProperties(r *result.Report) []junitProperty {
	out := []junitProperty{
		{"schema", r.Schema}, {"gatehouse", r.Gatehouse}, {"target", r.Target}, {"began", r.Began.UTC().Format(time.RFC3339)},
		{"verdict", string(r.Verdict)}, {"counts", r.Counts.String()}, {"order", r.Selection.Order}, {"planned", fmt.Sprint(r.Selection.Planned)}, {"plan", r.Selection.Plan},
		{"paths", strings.Join(r.Selection.Paths, " ")}, {"tags", r.Selection.Tags}, {"names", strings.Join(r.Selection.Names, " ")},
	}
	for _, f := range facts(r) {
		if f.Name != "verdict" && f.Name != "order" {
			out = append(out, junitProperty(f))
		}
	}
	for _, c := range r.Requirements {
		value := fmt.Sprintf("%s; %s; %s; %s (%s)", c.Verdict, c.Station, c.Mark, c.Sentence, c.Source)
		if c.Why != "" {
			value += "; why: " + c.Why
		}
		if len(c.Scenarios) > 0 {
			value += "; scenarios: " + strings.Join(c.Scenarios, " ")
		}
		out = append(out, junitProperty{"requirement " + c.ID, value})
	}
	for i := range out {
		out[i].Value = printable(out[i].Value)
	}
	return out
}

func junitOf(r *result.Report, of *result.Result) (*junitCase, error) {
	calls, err := r.Calls(of)
	if err != nil {
		return nil, err
	}
	s := of.Scenario
	c := &junitCase{
		Name: printable(s.Name), Classname: printable(place(s)), File: s.File, Line: s.Line, Time: seconds(of.Duration),
		SystemOut: detail(of, calls, true),
	}
	if len(s.Tags) > 0 {
		c.Properties = &junitProperties{}
		for _, tag := range s.Tags {
			c.Properties.Property = append(c.Properties.Property, junitProperty{"tag", printable(tag)})
		}
	}
	outcome := &junitOutcome{Type: word(of), Message: printable(reason(of))}
	if failure, ok := of.Failure(); ok {
		outcome.Text = printable(failure.Message)
	}
	switch {
	case of.Expected != "" && of.Status == result.Passed:
		c.Failure = outcome
	case of.Expected != "" && of.Status == result.Failed:
		c.Skipped = outcome
	case of.Status == result.Failed:
		c.Failure = outcome
	case of.Status == result.Error:
		c.Error = outcome
	case of.Status != result.Passed:
		c.Skipped = outcome
	}
	return c, nil
}

// reason is one line that says why a scenario did not simply pass.
func reason(of *result.Result) string {
	switch failure, ok := of.Failure(); {
	case of.Expected != "":
		return word(of) + ": " + of.Expected
	case ok && failure.Expected != "":
		return fmt.Sprintf("expected %s, found %s", failure.Expected, failure.Found)
	case of.Reason != "":
		return firstLine(of.Reason)
	case ok:
		return firstLine(failure.Message)
	}
	return ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
