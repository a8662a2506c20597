package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const program = `package p

func atLeast(n, limit int) bool { return n >= limit }

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}
`

func TestMutate(t *testing.T) {
	found, err := mutate("p.go", []byte(program))
	require.NoError(t, err)
	var changes []string
	for _, m := range found {
		changes = append(changes, m.change)
		mutated := slices.Concat([]byte(program)[:m.from], []byte(m.with), []byte(program)[m.to:])
		_, err := mutate("p.go", mutated)
		assert.NoError(t, err, "%s is still Go", m)
		assert.NotEqual(t, program, string(mutated))
	}
	assert.ElementsMatch(t, []string{">= becomes >", "< becomes <=", "the condition is never true", "the condition is always true", "0 becomes 1", "1 becomes 2", "1 becomes 2"}, changes)
}

// Tests that look at everything kill every mutant; tests that do not leave survivors, which are
// named; tests that fail anyway prove nothing and are an error.
func TestTry(t *testing.T) {
	for name, one := range map[string]struct {
		test     string
		survivor string
		err      string
	}{
		"thorough":     {"if !atLeast(2, 2) || atLeast(1, 2) || sign(-1) != -1 || sign(0) != 1 || sign(1) != 1 { t.Fatal() }", "", ""},
		"no limit":     {"if !atLeast(3, 2) || atLeast(1, 2) || sign(-1) != -1 || sign(0) != 1 || sign(1) != 1 { t.Fatal() }", ">= becomes >", ""},
		"failing test": {"t.Fatal()", "", "without a mutant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for file, content := range map[string]string{
				"go.mod": "module p\n\ngo 1.26\n", "p/p.go": program,
				"p/p_test.go": "package p\n\nimport \"testing\"\n\nfunc TestAll(t *testing.T) { " + one.test + " }\n",
			} {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
			}
			all, err := mutantsOf("p")
			require.NoError(t, err)
			var out bytes.Buffer
			result, err := trier{workers: 2, limit: time.Minute, out: &out}.try(t.Context(), subject{"p", []stage{{arguments: []string{"./p"}}}}, all, nil)
			if one.err != "" {
				require.ErrorContains(t, err, one.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, len(all), result.killed+result.survived+result.broken)
			if one.survivor == "" {
				assert.Equal(t, 1.0, result.score(), out.String())
				return
			}
			assert.Equal(t, 1, strings.Count(out.String(), "survived"), out.String())
			assert.Contains(t, out.String(), one.survivor)
			ignored := map[string]string{all[slices.IndexFunc(all, func(m mutant) bool { return m.change == one.survivor })].key(): "for the test"}
			result, err = trier{workers: 2, limit: time.Minute, out: &out}.try(t.Context(), subject{"p", []stage{{arguments: []string{"./p"}}}}, all, ignored)
			require.NoError(t, err)
			assert.Equal(t, tally{killed: result.killed, broken: result.broken, equivalent: 1}, result)
		})
	}
}

func TestInvocation(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorContains(t, run(t.Context(), []string{"simulator/nodes"}, &out), "expected one of")
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("tools/mutants", 0o755))
	require.NoError(t, os.WriteFile("tools/mutants/equivalent.txt", []byte("# a comment\na ¦ b\n"), 0o644))
	assert.ErrorContains(t, run(t.Context(), nil, &out), "equivalent.txt:2")
}

// What the list excuses is there: a line whose code has changed would excuse something else one day.
func TestEquivalentMutantsAreThere(t *testing.T) {
	list, err := readEquivalent("equivalent.txt")
	require.NoError(t, err)
	require.NotEmpty(t, list)
	there := map[string]bool{}
	for _, s := range subjects {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(s.folder), "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			all, err := mutate(s.folder+"/"+filepath.Base(file), source)
			require.NoError(t, err)
			for _, m := range all {
				there[m.key()] = true
			}
		}
	}
	for key := range list {
		assert.True(t, there[key], "the program has no such mutant any more: %s", key)
	}
}
