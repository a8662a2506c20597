package systemlog

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSinceReturnsWhatWasWrittenSince(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "logs"))
	mark, err := dir.Mark()
	require.NoError(t, err, "a folder that is not there is empty")
	lines, records, err := dir.Since(mark)
	require.NoError(t, err)
	assert.Empty(t, lines)
	assert.Empty(t, records)

	clock := clockAt(time.Date(2021, 4, 12, 12, 0, 0, 0, time.UTC))
	var writers []*Writer
	for _, node := range []string{"aaaaaaa", "bbbbbbb"} {
		w, err := New(string(dir), node, clock.Now)
		require.NoError(t, err)
		defer w.Close()
		writers = append(writers, w)
		require.NoError(t, w.Access(AccessLine{User: "one"}))
	}
	users := func(mark Mark) (all []string) {
		t.Helper()
		lines, records, err := dir.Since(mark)
		require.NoError(t, err)
		for _, line := range lines {
			all = append(all, line.Node+" "+line.User)
		}
		for _, record := range records {
			all = append(all, record.Node+" "+record.Text)
		}
		return all
	}
	assert.Equal(t, []string{"aaaaaaa one", "bbbbbbb one"}, users(mark))
	second, err := dir.Mark()
	require.NoError(t, err)
	assert.Empty(t, users(second))

	require.NoError(t, writers[1].Access(AccessLine{User: "two"}))
	require.NoError(t, writers[1].Trace(TraceRecord{Text: "a\nb"}))
	clock.Set(clock.Now().Add(24 * time.Hour))
	require.NoError(t, writers[0].Access(AccessLine{User: "three"}))
	want := []string{"bbbbbbb two", "aaaaaaa three", "bbbbbbb a\nb"}
	assert.Equal(t, want, users(second))
	assert.Equal(t, want, users(second), "a mark can be used again")
	assert.Equal(t, append([]string{"aaaaaaa one", "bbbbbbb one"}, want...), users(Mark{}))

	var followed []string
	next := second
	for _, user := range []string{"", "four", "five"} {
		if user != "" {
			require.NoError(t, writers[0].Access(AccessLine{User: user}))
		}
		var lines []NodeLine
		lines, _, next, err = dir.Next(next)
		require.NoError(t, err)
		for _, line := range lines {
			followed = append(followed, line.User)
		}
	}
	assert.Equal(t, []string{"two", "three", "four", "five"}, followed)
}

func TestSinceWaitsForTheEndOfALine(t *testing.T) {
	path := t.TempDir()
	dir := Dir(path)
	add := func(name, text string) {
		f, err := os.OpenFile(filepath.Join(path, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = io.WriteString(f, text)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	line, record := string(userLine("x")), string(textRecord("a\nb\nc"))
	var mark Mark
	for _, step := range []struct {
		name, text     string
		lines, records int
	}{
		{accessA, line[:20], 0, 0},
		{accessA, line[20:] + line + line[:5], 2, 0},
		{accessA, line[5:], 1, 0},
		{traceA, record[:len(record)-3], 0, 0},
		{traceA, record[len(record)-3:] + record[:len(record)-1], 0, 1},
		{traceA, "\n", 0, 1},
	} {
		add(step.name, step.text)
		lines, records, next, err := dir.Next(mark)
		require.NoError(t, err)
		assert.Len(t, lines, step.lines)
		assert.Len(t, records, step.records)
		mark = next
	}
}

func TestSinceHandsOnUnreadableLines(t *testing.T) {
	dir := folder(t, map[string][]byte{
		accessA: append([]byte("nonsense\n"), userLine("x")...), traceA: append([]byte("nonsense\n"), textRecord("y")...), "notes.txt": []byte("x"),
		accessB + ".gz": gzipped(t, "", userLine("packed")),
	})
	lines, records, err := Dir(dir).Since(Mark{})
	assert.Len(t, lines, 1)
	assert.Len(t, records, 1)
	assert.ErrorContains(t, err, accessA+" line 1: ")
	assert.ErrorContains(t, err, traceA+" line 1: ")
}

func TestSinceBeginsAgainWithAnotherFile(t *testing.T) {
	path := folder(t, map[string][]byte{accessA: bytes.Repeat(userLine("old"), 3)})
	mark, err := Dir(path).Mark()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(path, accessA), userLine("new"), 0o600))
	lines, _, err := Dir(path).Since(mark)
	require.NoError(t, err)
	require.Len(t, lines, 1)
	assert.Equal(t, "new", lines[0].User)
	require.NoError(t, os.Remove(filepath.Join(path, accessA)))
	lines, _, err = Dir(path).Since(mark)
	require.NoError(t, err)
	assert.Empty(t, lines)
}

func BenchmarkMarkAndSince(b *testing.B) {
	dir := Dir(b.TempDir())
	w := newWriter(b, string(dir), clockAt(samples[0].Time))
	b.ReportAllocs()
	for b.Loop() {
		mark, err := dir.Mark()
		require.NoError(b, err)
		require.NoError(b, w.Access(samples[1]))
		lines, _, err := dir.Since(mark)
		if err != nil || len(lines) != 1 {
			b.Fatal(lines, err)
		}
	}
}
