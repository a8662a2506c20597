package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mutant is one change to one file.
type mutant struct {
	file     string // with slashes, from the top of the module
	line     int
	column   int
	source   string // the line
	from, to int    // offsets of what is replaced
	with     string
	change   string
}

func (m mutant) place() string {
	return fmt.Sprintf("%s:%06d:%06d:%s", m.file, m.line, m.column, m.change)
}
func (m mutant) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", m.file, m.line, m.column, m.change, m.source)
}

// key finds the mutant in the list of equivalent ones.
func (m mutant) key() string { return strings.Join([]string{m.file, m.source, m.change}, " ¦ ") }

// mutantsOf makes all mutants of the files of a package, without its tests.
func mutantsOf(folder string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s has no Go files: run it at the top of the module", folder)
	}
	var out []mutant
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found, err := mutate(filepath.ToSlash(file), source)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b mutant) int { return strings.Compare(a.place(), b.place()) })
	return out, nil
}

// swaps are the operators that take each other's place.
var swaps = map[token.Token][]token.Token{
	token.LSS: {token.LEQ}, token.LEQ: {token.LSS}, token.GTR: {token.GEQ}, token.GEQ: {token.GTR},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL}, token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL},
	token.AND: {token.OR}, token.OR: {token.AND}, token.SHL: {token.SHR}, token.SHR: {token.SHL},
}

// mutator collects the mutants of one file.
type mutator struct {
	file   string
	source []byte
	lines  []string
	set    *token.FileSet
	out    []mutant
}

func mutate(file string, source []byte) ([]mutant, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	m := &mutator{file: file, source: source, lines: strings.Split(string(source), "\n"), set: set}
	for _, d := range parsed.Decls {
		// Only what runs: declarations of types and constants are left as they are.
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			ast.Inspect(f.Body, m.look)
		}
	}
	return m.out, nil
}

func (m *mutator) offset(p token.Pos) int { return m.set.Position(p).Offset }

func (m *mutator) add(from, to token.Pos, with, change string) {
	at := m.set.Position(from)
	m.out = append(m.out, mutant{
		file: m.file, line: at.Line, column: at.Column, source: strings.TrimSpace(m.lines[at.Line-1]),
		from: m.offset(from), to: m.offset(to), with: with, change: change,
	})
}

func (m *mutator) text(n ast.Node) string {
	return string(m.source[m.offset(n.Pos()):m.offset(n.End())])
}

func (m *mutator) look(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		for _, other := range swaps[n.Op] {
			m.add(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other.String(), fmt.Sprintf("%s becomes %s", n.Op, other))
		}
	case *ast.CallExpr:
		// How much room a slice gets changes no answer.
		if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "make" && len(n.Args) == 3 {
			ast.Inspect(n.Args[1], m.look)
			return false
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			m.add(n.OpPos, n.OpPos+1, "", "! is left out")
		}
	case *ast.IfStmt:
		condition := m.text(n.Cond)
		m.add(n.Cond.Pos(), n.Cond.End(), "false && ("+condition+")", "the condition is never true")
		m.add(n.Cond.Pos(), n.Cond.End(), "true || ("+condition+")", "the condition is always true")
	case *ast.IncDecStmt:
		other := map[token.Token]string{token.INC: "--", token.DEC: "++"}[n.Tok]
		m.add(n.TokPos, n.TokPos+2, other, fmt.Sprintf("%s becomes %s", n.Tok, other))
	case *ast.BasicLit:
		if number, err := strconv.ParseInt(n.Value, 0, 64); n.Kind == token.INT && err == nil {
			m.add(n.Pos(), n.End(), strconv.FormatInt(number+1, 10), fmt.Sprintf("%s becomes %d", n.Value, number+1))
		}
	case *ast.Ident:
		if other, ok := map[string]string{"true": "false", "false": "true"}[n.Name]; ok {
			m.add(n.Pos(), n.End(), other, fmt.Sprintf("%s becomes %s", n.Name, other))
		}
	case *ast.BranchStmt:
		if other, ok := map[token.Token]string{token.BREAK: "continue", token.CONTINUE: "break"}[n.Tok]; ok && n.Label == nil {
			m.add(n.Pos(), n.End(), other, fmt.Sprintf("%s becomes %s", n.Tok, other))
		}
	case *ast.BlockStmt:
		for _, s := range n.List {
			m.statement(s)
		}
	case *ast.CaseClause:
		for _, s := range n.Body {
			m.statement(s)
		}
	}
	return true
}

// statement leaves out a statement that is no declaration, so that the rest still compiles if the
// names in it are used elsewhere.
func (m *mutator) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		m.add(s.Pos(), s.End(), "", "the call is left out")
	case *ast.AssignStmt:
		if !slices.ContainsFunc(s.Lhs, func(e ast.Expr) bool { n, ok := e.(*ast.Ident); return !ok || n.Name != "_" }) {
			m.add(s.Pos(), s.End(), "", "the call is left out")
			return
		}
		if s.Tok != token.DEFINE {
			// The values are still used, so that the change compiles.
			m.add(s.Pos(), s.End(), strings.Repeat("_, ", len(s.Rhs)-1)+"_ = "+m.values(s), "the assignment is left out")
		}
	case *ast.DeferStmt:
		m.add(s.Pos(), s.End(), "", "the deferred call is left out")
	}
}

func (m *mutator) values(s *ast.AssignStmt) string {
	var out []string
	for _, v := range s.Rhs {
		out = append(out, m.text(v))
	}
	return strings.Join(out, ", ")
}
