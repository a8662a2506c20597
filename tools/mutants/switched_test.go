package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One of each kind of unit: a condition, a statement, a declaration with what follows it, a case,
// an else-if with a declaration, a loop, a function in a declaration.
const units = `package p

func kind(n int) string {
	if n < 0 || n > 100 {
		return "outside"
	} else if half := n / 2; half == 21 {
		return "42"
	}
	limit := 10 // a comment at the end
	count := func(m int) int {
		c := 0
		for i := 0; i < m; i++ {
			if i == 3 {
				continue
			}
			c += 1
		}
		return c
	}
	switch {
	case n == limit:
		return "limit"
	case count(n) == 7:
		return "eight"
	}
	if n == 1 {
		panic("one")
	}
	return "inside"
}
`

func inProgram(t *testing.T, source, test string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for file, content := range map[string]string{
		"go.mod": "module p\n\ngo 1.26\n", "p/p.go": source,
		"p/p_test.go": "package p\n\nimport \"testing\"\n\nfunc TestAll(t *testing.T) { " + test + " }\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
	}
}

// Put in force together or tried alone: each mutant has the same fate.
func TestTogetherAsAlone(t *testing.T) {
	inProgram(t, units, `for n, want := range map[int]string{-1: "outside", 101: "outside", 42: "42", 10: "limit", 8: "eight", 50: "inside", 100: "inside"} { if kind(n) != want { t.Fatal(n) } }`)
	all, err := mutantsOf("p")
	require.NoError(t, err)
	s := subject{"p", []stage{{arguments: []string{"./p", "-run", "All"}}}}
	folder := t.TempDir()
	p, err := build(t.Context(), folder, s, all)
	require.NoError(t, err)
	file, err := p.binary(t.Context(), s.stages[0])
	require.NoError(t, err)
	tr := trier{limit: time.Minute}
	f, said := tr.start(t.Context(), s.stages[0], file, 0, time.Second)
	require.Equal(t, survived, f, said)

	var fates []fate
	alone := 0
	for _, m := range all {
		id, together := p.ids[m.place()]
		if !together {
			alone++
			continue
		}
		f, _, err := tr.inForce(t.Context(), s, p, id, []time.Duration{time.Second})
		require.NoError(t, err)
		fates = append(fates, f)
		if m.change == "the call is left out" || m.change == "continue becomes break" {
			want, _, err := tr.one(t.Context(), s, m)
			require.NoError(t, err)
			assert.Equal(t, want, f, m)
		}
	}
	assert.Less(t, alone, len(all)/5, "most mutants are in the one program")
	assert.Contains(t, fates, killed)
	assert.Contains(t, fates, survived)
}

// A mutant that does not compile is left out of the program and counted as such; the rest goes on.
func TestMutantsThatDoNotCompileAreLeftOut(t *testing.T) {
	inProgram(t, "package p\n\nfunc end(n int) string {\n\tif n == 2 {\n\t\treturn \"a\" + \"b\"\n\t}\n\tpanic(n)\n}\n", `if end(2) != "ab" { t.Fatal() }`)
	all, err := mutantsOf("p")
	require.NoError(t, err)
	var out bytes.Buffer
	result, err := trier{workers: 1, limit: time.Minute, verbose: true, out: &out}.try(t.Context(), subject{"p", []stage{{arguments: []string{"./p"}}}}, all, nil)
	require.NoError(t, err)
	assert.Equal(t, 2, result.broken, "+ becomes -, and the end that is missing")
	assert.Equal(t, 3, result.killed, out.String())
	assert.Contains(t, out.String(), "killed by TestAll")
}

func TestKiller(t *testing.T) {
	assert.Equal(t, "TestA/b", killer("--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n"))
	assert.Equal(t, "the time limit", killer("panic: test timed out after 1s\n--- FAIL: TestA"))
	assert.Equal(t, "a panic", killer("panic: runtime error"))
}
