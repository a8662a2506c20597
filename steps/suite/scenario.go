package suite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"
)

// Scenario is one scenario, or one row of a scenario outline.
type Scenario struct {
	// File and Line name the scenario; the line is that of the row for an outline.
	File string
	Line int
	// Feature and Name are what stands behind the keywords.
	Feature string
	Name    string
	// Tags are the scenario's own and those of feature, rule and examples, with "@".
	Tags []string

	source  *source
	keyLine int // of the keyword, which the lines of a row differ from
}

// ID is "file:line".
func (s Scenario) ID() string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// source is a feature file.
type source struct {
	file  string
	lines []string
	// spans are the lines of each scenario, by the line of its keyword.
	spans map[int]span
	// rows are the lines of all rows of examples, by the line of the outline's keyword.
	rows map[int][]int
	end  int
}

// span is from the first tag to the line before what comes next.
type span struct{ from, to int }

// InputError is a feature file or a path that cannot be used.
type InputError struct {
	File    string
	Message string
}

func (e *InputError) Error() string { return e.File + ": " + e.Message }

const maxFeature = 4 << 20

// bundled reads the scenarios of an embedded file system.
func bundled(fsys fs.FS) ([]Scenario, error) {
	var out []Scenario
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".feature") {
			return err
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		found, err := parse(path.Join("features", p), data)
		out = append(out, found...)
		return err
	})
	return out, err
}

// fromPaths reads the scenarios of files and folders; "file:line" chooses one scenario or row.
func fromPaths(paths []string) ([]Scenario, error) {
	var out []Scenario
	for _, given := range paths {
		file, line := given, 0
		if i := strings.LastIndexByte(given, ':'); i > 1 {
			if n, err := strconv.Atoi(given[i+1:]); err == nil {
				file, line = given[:i], n
			}
		}
		found, err := fromPath(file)
		if err != nil {
			return nil, err
		}
		if line > 0 {
			all := found
			found = slices.DeleteFunc(slices.Clone(all), func(s Scenario) bool {
				return s.Line != line && s.keyLine != line
			})
			if len(found) == 0 {
				var lines []string
				for _, s := range all {
					lines = append(lines, strconv.Itoa(s.Line))
				}
				return nil, &InputError{given, fmt.Sprintf("no scenario begins at line %d; scenarios begin at %s", line, strings.Join(lines, ", "))}
			}
		}
		for _, s := range found {
			if !slices.ContainsFunc(out, func(have Scenario) bool { return have.ID() == s.ID() }) {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

func fromPath(file string) ([]Scenario, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, &InputError{file, "cannot be read: " + reason(err)}
	}
	if !info.IsDir() {
		return fromFile(file)
	}
	var out []Scenario
	err = filepath.WalkDir(file, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".feature") {
			return err
		}
		found, err := fromFile(p)
		out = append(out, found...)
		return err
	})
	return out, err
}

func fromFile(file string) ([]Scenario, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxFeature {
		return nil, &InputError{file, fmt.Sprintf("has %d bytes, expected at most %d", info.Size(), maxFeature)}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, &InputError{file, "cannot be read: " + reason(err)}
	}
	return parse(filepath.ToSlash(file), data)
}

func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// parse reads a feature.
func parse(file string, data []byte) ([]Scenario, error) {
	ids := (&messages.Incrementing{}).NewId
	doc, err := gherkin.ParseGherkinDocument(bytes.NewReader(data), ids)
	if err != nil {
		return nil, &InputError{file, "is not Gherkin: " + strings.TrimSpace(strings.TrimPrefix(err.Error(), "Parser errors:"))}
	}
	if doc.Feature == nil {
		return nil, &InputError{file, "holds no feature"}
	}
	src := &source{file: file, lines: strings.Split(string(data), "\n"), spans: map[int]span{}, rows: map[int][]int{}}
	src.end = len(src.lines)
	lineOf := map[string]int{} // of scenarios and rows, by id
	var starts []int
	scenario := func(s *messages.Scenario) {
		key := int(s.Location.Line)
		from := key
		for _, t := range s.Tags {
			from = min(from, int(t.Location.Line))
		}
		lineOf[s.Id] = key
		src.spans[key] = span{from: from}
		starts = append(starts, from)
		for _, e := range s.Examples {
			for _, row := range e.TableBody {
				lineOf[row.Id] = int(row.Location.Line)
				src.rows[key] = append(src.rows[key], int(row.Location.Line))
			}
		}
	}
	for _, child := range doc.Feature.Children {
		switch {
		case child.Scenario != nil:
			scenario(child.Scenario)
		case child.Rule != nil:
			from := int(child.Rule.Location.Line)
			for _, t := range child.Rule.Tags {
				from = min(from, int(t.Location.Line))
			}
			starts = append(starts, from)
			for _, c := range child.Rule.Children {
				if c.Scenario != nil {
					scenario(c.Scenario)
				}
			}
		}
	}
	slices.Sort(starts)
	for key, sp := range src.spans {
		sp.to = src.end
		if i, _ := slices.BinarySearch(starts, sp.from+1); i < len(starts) {
			sp.to = starts[i] - 1
		}
		src.spans[key] = sp
	}
	var out []Scenario
	for _, pickle := range gherkin.Pickles(*doc, file, ids) {
		s := Scenario{File: file, Feature: doc.Feature.Name, Name: pickle.Name, source: src}
		s.keyLine = lineOf[pickle.AstNodeIds[0]]
		s.Line = lineOf[pickle.AstNodeIds[len(pickle.AstNodeIds)-1]]
		if len(pickle.Steps) == 0 {
			return nil, &InputError{file, fmt.Sprintf("line %d: the scenario %q has no steps and would prove nothing: add some, or remove it", s.Line, s.Name)}
		}
		for _, t := range pickle.Tags {
			s.Tags = append(s.Tags, t.Name)
		}
		out = append(out, s)
	}
	return out, nil
}

// content is the feature with this scenario alone: the lines of all others are empty, so that
// every line keeps its number.
func (s Scenario) content() []byte {
	lines := slices.Clone(s.source.lines)
	for key, sp := range s.source.spans {
		if key != s.keyLine {
			for i := sp.from; i <= sp.to; i++ {
				lines[i-1] = ""
			}
		}
	}
	for _, row := range s.source.rows[s.keyLine] {
		if row != s.Line {
			lines[row-1] = ""
		}
	}
	return []byte(strings.Join(lines, "\n"))
}
