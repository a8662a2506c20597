// Package document reads the YAML documents that people write for Gatehouse: strictly, and with
// answers that name file, line, column, what was found, what was expected and the nearest valid
// word. It knows nothing of what a document means: whoever reads one adds its own problems, at
// positions that this package finds.
package document

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// MaxSize is how large a document may be, in bytes.
const MaxSize = 4 << 20

// maxValues bounds a document after its aliases are expanded.
const maxValues = 200_000

// Problem is one thing that is wrong with a document.
type Problem struct {
	File         string
	Line, Column int
	// Path names the place as "channels[1].address"; empty for the whole document.
	Path string
	// Message says what was found, what was expected and what to do.
	Message string
}

func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems are all the things that are wrong with a document.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err is the problems as an error, or nil if there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Source is a document that was read: it finds the position of what a path names.
type Source struct {
	File string
	root ast.Node
}

// ReadFile reads a document from a file into the value; see Read.
func ReadFile(file string, into any) (*Source, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, Problems{{File: file, Message: "cannot be read: " + plain(err)}}
	}
	if info.Size() > MaxSize {
		return nil, Problems{tooLarge(file, info.Size())}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, Problems{{File: file, Message: "cannot be read: " + plain(err)}}
	}
	return Read(file, data, into)
}

// Read reads a document into the value, a pointer to a struct with yaml tags. It is strict:
// unknown and repeated keys, values of another type and second documents are problems, and all
// of them are told at once. file is used in messages only.
func Read(file string, data []byte, into any) (*Source, error) {
	if len(data) > MaxSize {
		return nil, Problems{tooLarge(file, int64(len(data)))}
	}
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, Problems{syntaxProblem(file, err)}
	}
	source := &Source{File: file}
	for _, doc := range parsed.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if source.root != nil {
			return nil, Problems{source.problem(doc.Body, "", "a second document begins here, expected one only: remove the line \"---\" above or what follows")}
		}
		source.root = doc.Body
	}
	if source.root == nil {
		return source, nil // empty: all defaults
	}
	check := checker{source: source, anchors: map[string]ast.Node{}}
	check.value(source.root, reflect.TypeOf(into).Elem(), "")
	if len(check.problems) > 0 {
		return source, check.problems
	}
	if err := yaml.UnmarshalWithOptions(data, into, yaml.Strict()); err != nil {
		return source, Problems{syntaxProblem(file, err)}
	}
	return source, nil
}

func tooLarge(file string, size int64) Problem {
	return Problem{File: file, Message: fmt.Sprintf("has %d bytes, expected at most %d: is it a landscape at all?", size, MaxSize)}
}

// plain leaves the path out of a file error: the problem names it already.
func plain(err error) string {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

func syntaxProblem(file string, err error) Problem {
	p := Problem{File: file}
	var y yaml.Error
	if errors.As(err, &y) {
		p.Message = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
		return p
	}
	p.Message = err.Error()
	return p
}

// Problem makes a problem at the place that the path names ("mappings[1].user"); a place that is
// not in the document gets the position of the nearest one around it.
func (s *Source) Problem(path, format string, args ...any) Problem {
	p := Problem{Path: path, Message: fmt.Sprintf(format, args...)}
	if s == nil {
		p.File = "landscape"
		return p
	}
	p.File = s.File
	if node := s.find(path); node != nil {
		p.Line, p.Column = position(node)
	}
	return p
}

func (s *Source) problem(node ast.Node, path, format string, args ...any) Problem {
	line, column := position(node)
	return Problem{File: s.File, Line: line, Column: column, Path: path, Message: fmt.Sprintf(format, args...)}
}

// position is where a value begins; that of a mapping is its first key, not the colon.
func position(node ast.Node) (line, column int) {
	for {
		switch n := node.(type) {
		case *ast.MappingNode:
			if len(n.Values) > 0 && !n.IsFlowStyle {
				node = n.Values[0]
				continue
			}
		case *ast.MappingValueNode:
			node = n.Key
			continue
		}
		break
	}
	if t := node.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line, t.Position.Column
	}
	return 0, 0
}

// find walks down a path as far as it goes.
func (s *Source) find(path string) ast.Node {
	node := s.root
	for _, step := range splitPath(path) {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	return node
}

func splitPath(path string) []string {
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' })
}

func child(node ast.Node, step string) ast.Node {
	switch n := unwrap(node).(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if keyOf(v) == step {
				return v.Value
			}
		}
	case *ast.MappingValueNode:
		if keyOf(n) == step {
			return n.Value
		}
	case *ast.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Values) {
			return n.Values[i]
		}
	}
	return nil
}

func unwrap(node ast.Node) ast.Node {
	for {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		default:
			return node
		}
	}
}

func keyOf(v *ast.MappingValueNode) string {
	if t := v.Key.GetToken(); t != nil {
		return t.Value
	}
	return v.Key.String()
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
