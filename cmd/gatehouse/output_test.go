package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

func FuzzPrintableJSON(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x1b[2J", "a\u202eb", "\u009b31m", "\U000e0041", "\u2028\u00a0\u200b", "\"\\\n", "\xff\xfe", "żółw 😀"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		encoded, err := json.Marshal(map[string]string{"value": s})
		require.NoError(t, err)
		text := printableJSON(string(encoded))
		assert.Equal(t, journey.Printable(text), text, "nothing in it can forge output")
		var want, got map[string]string
		require.NoError(t, json.Unmarshal(encoded, &want))
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		assert.Equal(t, want, got, "it means the same")
	})
}

func TestRowsAreAlignedAndPrintable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, show(&b, rows([]string{"ID", "TITLE"}, [][]string{{"a", "first"}, {"longer", "sec\x1b[31mond"}})))
	assert.Equal(t, "ID      TITLE\na       first\nlonger  sec\\u001b[31mond\n", b.String())
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"version", "--output", "json"}, {"pki", "defects"}, {"test", "--tags", "@LB-3"}, {"test", "--list"}, {"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"completion", "powershell"}} {
		var stdout, stderr strings.Builder
		assert.Equal(t, exitOK, run(t.Context(), args, nil, &stdout, &stderr), "positive control: %s", stderr.String())
		assert.NotEmpty(t, stdout.String())
		stderr.Reset()
		assert.Equal(t, exitInterrupted, run(t.Context(), args, nil, fullDisk{}, &stderr), args)
		assert.Contains(t, stderr.String(), "writing the output: no space left on device")
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "abc", clip("abc", 3))
	assert.Equal(t, "ab…", clip("abcd", 3))
	assert.Equal(t, "żó…", clip("żółw", 3))
	assert.True(t, utf8.ValidString(clip(strings.Repeat("ż", 500), maxShown)))
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, one := range []struct{ system, word, want string }{
		{"linux", "/tmp/keys/root.pem", "/tmp/keys/root.pem"},
		{"linux", "", "''"},
		{"linux", "my keys", "'my keys'"},
		{"linux", "it's $(me)", `'it'\''s $(me)'`},
		{"linux", `C:\keys`, `'C:\keys'`},
		{"windows", `C:\keys\root.pem`, `C:\keys\root.pem`},
		{"windows", `C:\my keys`, `"C:\my keys"`},
		{"windows", `a%b`, `"a%b"`},
	} {
		assert.Equal(t, one.want, quoteFor(one.system, one.word), "%s: %s", one.system, one.word)
	}
}
