// Package report draws what came out of a run: text for a terminal, JSON, JUnit, Cucumber Messages
// and one HTML page. All of them show the one model of package result and leave nothing of it out;
// none of them works out a verdict of its own. It reads evidence scenario by scenario, so that a
// large run needs no more memory than a small one.
package report

import (
	"bufio"
	"fmt"
	"io"

	"example.com/gatehouse/steps/suite/result"
)

// Format is a form of a report in a file.
type Format struct {
	// Name is the word for it, as in --report json=FILE.
	Name string
	// About says for whom it is.
	About string

	write func(io.Writer, *result.Report) error
}

var formats = []Format{
	{"json", "everything, for programs, for gatehouse report merge, --rerun and --durations", func(w io.Writer, r *result.Report) error { return r.WriteJSON(w) }},
	{"junit", "JUnit XML, for CI systems", writeJUnit},
	{"messages", "Cucumber Messages (ndjson), for the tools around Cucumber", writeMessages},
	{"html", "one page for people, with pictures, filters and no other files", writeHTML},
	{"text", "what the terminal shows, with every scenario", writeText},
}

// Formats lists the formats.
func Formats() []Format { return formats }

// Find finds a format by name.
func Find(name string) (Format, bool) {
	for _, f := range formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Write writes the report.
func (f Format) Write(w io.Writer, r *result.Report) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	if err := f.write(buffered, r); err != nil {
		return fmt.Errorf("writing the report as %s: %w", f.Name, err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("writing the report as %s: %w", f.Name, err)
	}
	return nil
}
