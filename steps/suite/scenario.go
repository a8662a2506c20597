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

	"example.com/gatehouse/features"
	"example.com/gatehouse/steps/suite/result"
)

// Scenario is one scenario, or one row of a scenario outline.
type Scenario = result.Scenario

// planned is a scenario with all that is needed to run it.
type planned struct {
	Scenario
	source  *source
	keyLine int // of the keyword, which the lines of a row differ from
	steps   []plannedStep
}

// plannedStep is a step with its place in the file.
type plannedStep struct {
	keyword, text string
	line          int
}

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

// bundledFolder is where the files of the bundled suite seem to be.
const bundledFolder = "features"

// bundled reads the scenarios of an embedded file system.
func bundled(fsys fs.FS) ([]planned, error) {
	var out []planned
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".feature") {
			return err
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		found, err := parse(path.Join(bundledFolder, p), data)
		out = append(out, found...)
		return err
	})
	return out, err
}

// fromPaths reads the scenarios of files and folders; "file:line" chooses one scenario or row.
func fromPaths(paths []string) ([]planned, error) {
	var out []planned
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
			found = slices.DeleteFunc(slices.Clone(all), func(s planned) bool {
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
			if !slices.ContainsFunc(out, func(have planned) bool { return have.ID() == s.ID() }) {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// fromPath reads what is at a path: a file, all files below a folder, or what a pattern with * and ?
// matches, where the shell did not do that. A path of the bundled suite that is not on disk is read
// from the bundled suite.
func fromPath(file string) ([]planned, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		if found, err := fromBundled(file); found != nil || err != nil {
			return found, err
		}
		if matches, _ := filepath.Glob(file); len(matches) > 0 && strings.ContainsAny(file, "*?[") {
			var out []planned
			for _, match := range matches {
				found, err := fromPath(match)
				if err != nil {
					return nil, err
				}
				out = append(out, found...)
			}
			return out, nil
		}
	}
	if err != nil {
		return nil, &InputError{file, "cannot be read: " + reason(err)}
	}
	if !info.IsDir() {
		return fromFile(file)
	}
	var out []planned
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

// fromBundled reads a file or folder of the bundled suite; none is found where there is none.
func fromBundled(file string) ([]planned, error) {
	inside, ok := strings.CutPrefix(path.Clean(filepath.ToSlash(file)), bundledFolder)
	if !ok || (inside != "" && inside[0] != '/') {
		return nil, nil
	}
	all, err := bundled(features.FS())
	if err != nil {
		return nil, err
	}
	clean := bundledFolder + inside
	all = slices.DeleteFunc(all, func(s planned) bool {
		return s.File != clean && !strings.HasPrefix(s.File, clean+"/")
	})
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

func fromFile(file string) ([]planned, error) {
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
func parse(file string, data []byte) ([]planned, error) {
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
	stepOf := map[string]*messages.Step{}
	ruleOf := map[string]string{}
	remember := func(steps []*messages.Step) {
		for _, step := range steps {
			stepOf[step.Id] = step
		}
	}
	scenario := func(s *messages.Scenario, rule string) {
		remember(s.Steps)
		ruleOf[s.Id] = rule
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
			scenario(child.Scenario, "")
		case child.Background != nil:
			remember(child.Background.Steps)
		case child.Rule != nil:
			from := int(child.Rule.Location.Line)
			for _, t := range child.Rule.Tags {
				from = min(from, int(t.Location.Line))
			}
			starts = append(starts, from)
			for _, c := range child.Rule.Children {
				if c.Scenario != nil {
					scenario(c.Scenario, child.Rule.Name)
				}
				if c.Background != nil {
					remember(c.Background.Steps)
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
	var out []planned
	for _, pickle := range gherkin.Pickles(*doc, file, ids) {
		s := planned{Scenario: Scenario{File: file, Feature: doc.Feature.Name, Rule: ruleOf[pickle.AstNodeIds[0]], Name: pickle.Name}, source: src}
		s.keyLine = lineOf[pickle.AstNodeIds[0]]
		s.Line = lineOf[pickle.AstNodeIds[len(pickle.AstNodeIds)-1]]
		if len(pickle.Steps) == 0 {
			return nil, &InputError{file, fmt.Sprintf("line %d: the scenario %q has no steps and would prove nothing: add some, or remove it", s.Line, s.Name)}
		}
		for _, t := range pickle.Tags {
			s.Tags = append(s.Tags, t.Name)
		}
		for _, step := range pickle.Steps {
			one := plannedStep{text: step.Text}
			if from := stepOf[step.AstNodeIds[0]]; from != nil {
				one.keyword, one.line = strings.TrimSpace(from.Keyword), int(from.Location.Line)
			}
			s.steps = append(s.steps, one)
		}
		out = append(out, s)
	}
	return out, nil
}

// content is the feature with this scenario alone. The lines of all others are left out: what godog
// says of lines is not used, and reading them again for each scenario would cost more than running
// it.
func (s *planned) content() []byte {
	drop := make([]bool, len(s.source.lines))
	for key, sp := range s.source.spans {
		if key != s.keyLine {
			for i := sp.from; i <= sp.to; i++ {
				drop[i-1] = true
			}
		}
	}
	for _, row := range s.source.rows[s.keyLine] {
		drop[row-1] = drop[row-1] || row != s.Line
	}
	var out []byte
	for i, line := range s.source.lines {
		if !drop[i] {
			out = append(append(out, line...), '\n')
		}
	}
	return out
}
