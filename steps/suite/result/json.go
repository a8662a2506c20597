package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/gatehouse/steps/evidence"
)

// MaxReport is how large a report may be that is read, in bytes.
const MaxReport = 512 << 20

// written is a result as it stands in a report: with its calls.
type written struct {
	Result
	Calls []evidence.Call `json:"calls,omitempty"`
}

// WriteJSON writes the report with everything that was kept, scenario by scenario.
func (r *Report) WriteJSON(w io.Writer) error {
	head := *r
	head.Results = nil
	data, err := json.MarshalIndent(struct {
		Report
		Results *struct{} `json:"results,omitempty"` // they follow
	}{Report: head}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	begin := append(bytes.TrimRight(data, "}\n "), ",\n  \"results\": ["...)
	if _, err := w.Write(begin); err != nil {
		return err
	}
	for i := range r.Results {
		one := written{Result: r.Results[i]}
		if one.Calls, err = r.Calls(&r.Results[i]); err != nil {
			return err
		}
		data, err := json.MarshalIndent(one, "    ", "  ")
		if err != nil {
			return fmt.Errorf("writing the result of %s: %w", one.Scenario.ID(), err)
		}
		between := ",\n    "
		if i == 0 {
			between = "\n    "
		}
		if _, err := fmt.Fprintf(w, "%s%s", between, data); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "\n  ]\n}\n")
	return err
}

// InvalidError is a file that is no report, or one that contradicts itself.
type InvalidError struct {
	File    string
	Message string
}

func (e *InvalidError) Error() string { return e.File + ": " + e.Message }

// ReadFile reads a report that was written as JSON.
func ReadFile(file string) (*Report, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, &InvalidError{file, "cannot be read: " + plain(err)}
	}
	defer f.Close()
	return Read(file, f)
}

// Read reads a report from JSON; name is used in messages only.
func Read(name string, from io.Reader) (*Report, error) {
	data, err := io.ReadAll(io.LimitReader(from, MaxReport+1))
	if err != nil {
		return nil, &InvalidError{name, "cannot be read: " + plain(err)}
	}
	if len(data) > MaxReport {
		return nil, &InvalidError{name, fmt.Sprintf("has more than %d bytes: is it a report at all?", MaxReport)}
	}
	var form struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &form); err != nil {
		return nil, &InvalidError{name, "is not a report as JSON: " + position(data, err) + "; make one with gatehouse test --report json=FILE"}
	}
	if form.Schema != Schema {
		return nil, &InvalidError{name, fmt.Sprintf("has the schema %q, expected %q: make it with this version of gatehouse test --report json=FILE", form.Schema, Schema)}
	}
	var all struct {
		Report
		Results []written `json:"results"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, &InvalidError{name, "is not a report as JSON: " + position(data, err)}
	}
	report := all.Report
	report.Results = make([]Result, len(all.Results))
	seen := map[string]bool{}
	for i, one := range all.Results {
		id := one.Scenario.ID()
		switch {
		case one.Status.rank() == 0:
			return nil, &InvalidError{name, fmt.Sprintf("scenario %s has the status %q, expected one of %v", id, one.Status, Statuses())}
		case seen[id]:
			return nil, &InvalidError{name, fmt.Sprintf("scenario %s stands twice", id)}
		}
		seen[id] = true
		one.calls = one.Calls
		report.Results[i] = one.Result
	}
	if s := report.Shard; s != nil && (s.Index < 1 || s.Index > s.Total) {
		return nil, &InvalidError{name, fmt.Sprintf("shard: found %s, expected 1/%d to %d/%d", s, s.Total, s.Total, s.Total)}
	}
	// What somebody changed by hand must not be taken for a result.
	if counts, verdict := report.judge(); counts != report.Counts || verdict != report.Verdict {
		return nil, &InvalidError{name, fmt.Sprintf("contradicts itself: it says %s (%s), and its scenarios are %s (%s)", report.Verdict, report.Counts, verdict, counts)}
	}
	return &report, nil
}

// position says where JSON is wrong, with line and column where that is known.
func position(data []byte, err error) string {
	offset := int64(-1)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		offset = max(0, syntax.Offset-1)
	}
	if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
		offset = kind.Offset
	}
	if offset < 0 || offset > int64(len(data)) {
		return err.Error()
	}
	before := data[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d: %v", line, len(before)-bytes.LastIndexByte(before, '\n'), err)
}

func plain(err error) string {
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}
