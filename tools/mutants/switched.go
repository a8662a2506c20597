package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Compiling and linking take most of the time that a mutant takes. So all mutants that can be are
// put into one program, each beside the original, and a variable chooses at run time which of them
// is in force. The unit that is doubled is the smallest of: the condition of an if or for; a
// statement; or, for a declaration, all from there to the end of its block.

// variable of the environment that chooses the mutant, and the one of the program that keeps it.
const (
	variable = "GATEHOUSE_MUTANT"
	chosenID = "mutantInForce"
)

// unit is a piece of a file that stands in the program once as it is, and once for each mutant.
type unit struct {
	from, to  int
	condition bool
}

func (u unit) holds(m mutant) bool { return u.from <= m.from && m.to <= u.to }

// unitsOf finds the units of a file, the smallest first.
func unitsOf(source []byte) ([]unit, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("reading the source again: %w", err)
	}
	var out []unit
	add := func(from, to token.Pos, condition bool) {
		out = append(out, unit{set.Position(from).Offset, set.Position(to).Offset, condition})
	}
	list := func(statements []ast.Stmt) {
		for _, s := range statements {
			end := s.End()
			switch s := s.(type) {
			case *ast.CaseClause, *ast.CommClause:
				continue // of the body of a switch or select
			case *ast.DeclStmt:
				end = statements[len(statements)-1].End()
			case *ast.AssignStmt:
				if s.Tok == token.DEFINE {
					end = statements[len(statements)-1].End()
				}
			}
			add(s.Pos(), end, false)
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			add(n.Cond.Pos(), n.Cond.End(), true)
		case *ast.ForStmt:
			if n.Cond != nil {
				add(n.Cond.Pos(), n.Cond.End(), true)
			}
		case *ast.BlockStmt:
			list(n.List)
		case *ast.CaseClause:
			list(n.Body)
		case *ast.CommClause:
			list(n.Body)
		}
		return true
	})
	slices.SortStableFunc(out, func(a, b unit) int { return cmp.Compare(a.to-a.from, b.to-b.from) })
	return out, nil
}

// switched writes a file in which each of the mutants can be put in force by its number.
func switched(source []byte, mutants map[int]mutant) (string, error) {
	units, err := unitsOf(source)
	if err != nil {
		return "", err
	}
	in := map[unit][]int{}
	for _, id := range slices.Sorted(maps.Keys(mutants)) {
		if i := slices.IndexFunc(units, func(u unit) bool { return u.holds(mutants[id]) }); i >= 0 {
			in[units[i]] = append(in[units[i]], id)
		}
	}
	used := slices.SortedFunc(maps.Keys(in), func(a, b unit) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to))
	})
	return render(source, 0, len(source), used, in, mutants), nil
}

// render writes a piece of the source. The mutants of inner units stand only in the copy that is the
// original's.
func render(source []byte, from, to int, units []unit, in map[unit][]int, mutants map[int]mutant) string {
	var out strings.Builder
	at := from
	for i, u := range units {
		if u.from < at || u.to > to {
			continue // inside one that is written already
		}
		out.Write(source[at:u.from])
		inner := units[i+1:]
		original := render(source, u.from, u.to, inner, in, mutants)
		none := "true"
		for n, id := range in[u] {
			m := mutants[id]
			changed := string(source[u.from:m.from]) + m.with + string(source[m.to:u.to])
			switch {
			case u.condition:
				fmt.Fprintf(&out, "%s == %d && (%s) || ", chosenID, id, changed)
				none += fmt.Sprintf(" && %s != %d", chosenID, id)
			case n > 0:
				fmt.Fprintf(&out, " else if %s == %d {\n%s\n}", chosenID, id, changed)
			default:
				fmt.Fprintf(&out, "if %s == %d {\n%s\n}", chosenID, id, changed)
			}
		}
		if u.condition {
			fmt.Fprintf(&out, "(%s) && (%s)", none, original)
		} else {
			fmt.Fprintf(&out, " else {\n%s\n}", original)
		}
		at = u.to
	}
	out.Write(source[at:to])
	return out.String()
}

// switchboard is a program in which many mutants can be put in force. Zero stands for none of them.
type switchboard struct {
	folder   string // for what is built
	overlay  string
	ids      map[string]int // by place
	binaries map[string]string
}

// complaint is a line of the compiler's output.
var complaint = regexp.MustCompile(`(?m)^(?:vet: )?(\S+\.go):(\d+):`)

// build makes the program. A mutant that keeps it from compiling is left out: it is for the caller
// to try it on its own.
func build(ctx context.Context, folder string, s subject, all []mutant) (*switchboard, error) {
	p := &switchboard{folder: folder, overlay: filepath.Join(folder, "overlay.json"), ids: map[string]int{}, binaries: map[string]string{}}
	files := map[string]map[int]mutant{}
	for i, m := range all {
		if files[m.file] == nil {
			files[m.file] = map[int]mutant{}
		}
		files[m.file][i+1] = m
	}
	for {
		written, err := p.write(s, files)
		if err != nil {
			return nil, err
		}
		said, err := exec.CommandContext(ctx, "go", "build", "-gcflags=-e", "-overlay", p.overlay, "./"+s.folder).CombinedOutput()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !leaveOut(string(said), written, files) {
			return nil, fmt.Errorf("building the program with all mutants: %w\n%s", err, said)
		}
	}
	for _, mutants := range files {
		for id, m := range mutants {
			p.ids[m.place()] = id
		}
	}
	return p, nil
}

// write writes the files, and the overlay that puts them in the place of the real ones. It returns
// what it wrote, by the name of the file.
func (p *switchboard) write(s subject, files map[string]map[int]mutant) (map[string][]string, error) {
	replace, out := map[string]string{}, map[string][]string{}
	put := func(file, content string) error {
		original, err := filepath.Abs(filepath.FromSlash(file))
		if err != nil {
			return err
		}
		replace[original] = filepath.Join(p.folder, filepath.Base(file))
		return os.WriteFile(replace[original], []byte(content), 0o600)
	}
	var name string
	for file, mutants := range files {
		source, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			return nil, err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.PackageClauseOnly)
		if err != nil {
			return nil, err
		}
		name = parsed.Name.Name
		content, err := switched(source, mutants)
		if err != nil {
			return nil, err
		}
		out[filepath.Base(file)] = strings.Split(content, "\n")
		if err := put(file, content); err != nil {
			return nil, err
		}
	}
	chooser := fmt.Sprintf("package %s\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\nvar %s, _ = strconv.Atoi(os.Getenv(%q))\n", name, chosenID, variable)
	if err := put(s.folder+"/mutant_in_force.go", chooser); err != nil {
		return nil, err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return nil, err
	}
	return out, os.WriteFile(p.overlay, overlay, 0o600)
}

var marker = regexp.MustCompile(chosenID + ` == (\d+)`)

// leaveOut takes the mutants away that stand at or before the places of which the compiler
// complains. It tells whether there was one.
func leaveOut(said string, written map[string][]string, files map[string]map[int]mutant) bool {
	found := false
	for _, c := range complaint.FindAllStringSubmatch(said, -1) {
		file := filepath.Base(c[1])
		line, err := strconv.Atoi(c[2])
		lines := written[file]
		if err != nil || line > len(lines) {
			continue
		}
		for at := line - 1; at >= 0; at-- {
			ids := marker.FindAllStringSubmatch(lines[at], -1)
			if len(ids) == 0 {
				continue
			}
			for _, match := range ids {
				id, _ := strconv.Atoi(match[1])
				for name, mutants := range files {
					if filepath.Base(name) == file {
						delete(mutants, id)
						found = true
					}
				}
			}
			break
		}
	}
	return found
}

// binary is the test program of a stage.
func (p *switchboard) binary(ctx context.Context, st stage) (string, error) {
	folder := st.arguments[0]
	if p.binaries[folder] == "" {
		file := filepath.Join(p.folder, fmt.Sprintf("stage%d.exe", len(p.binaries)))
		said, err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", p.overlay, "-o", file, folder).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("building the tests of %s with all mutants: %w\n%s", folder, err, said)
		}
		p.binaries[folder] = file
	}
	return p.binaries[folder], nil
}
