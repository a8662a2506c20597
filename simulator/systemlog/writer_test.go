package systemlog

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const testNode = "1a2b3c4"

// testClock is a clock that stands until it is moved.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func clockAt(at time.Time) *testClock { return &testClock{at: at} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func newWriter(t testing.TB, dir string, clock *testClock) *Writer {
	t.Helper()
	w, err := New(dir, testNode, clock.Now)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	sort.Strings(names)
	return names
}

func content(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(b)
}

func TestNodeID(t *testing.T) {
	seen := map[string]bool{}
	for _, account := range []string{"", "e100999", "e1009991"} {
		for index := range 12 {
			id := NodeID(account, index)
			assert.Regexp(t, `^[0-9a-f]{7}$`, id)
			assert.Equal(t, id, NodeID(account, index))
			assert.False(t, seen[id], "%s twice", id)
			seen[id] = true
		}
	}
}

func TestFileNames(t *testing.T) {
	at := time.Date(2021, 4, 13, 1, 0, 0, 0, time.FixedZone("", 2*3600)) // still the 12th in UTC
	day := time.Date(2021, 4, 12, 0, 0, 0, 0, time.UTC)
	for kind, name := range map[Kind]string{HTTP: "http_access_1a2b3c4_2021-04-12.log", Trace: "ljs_trace_1a2b3c4_2021-04-12.log"} {
		assert.Equal(t, name, FileName(kind, testNode, at))
		for _, path := range []string{name, name + ".gz", "a/b/" + name, `C:\logs\` + name} {
			got, ok := ParseFileName(path)
			require.True(t, ok, path)
			want := File{Name: name, Kind: kind, Node: testNode, Date: day}
			if path == name+".gz" {
				want.Name = path
			}
			assert.Equal(t, want, got)
		}
	}
	for _, name := range []string{
		"", "http_access_.log", "http_access_1a2b3c4_2021-04-12.txt", "http_access_1a2b3c4_2021-02-30.log", "http_access_1A2B3C4_2021-04-12.log",
		"http_access_1a2b3c_2021-04-12.log", "http_access_1a2b3c4-2021-04-12.log", "xhttp_access_1a2b3c4_2021-04-12.log", "http_access_1a2b3c4_2021-04-12.log.zip",
		"ljs_trace_1a2b3c4_2021-04-12.log.gz.gz", "http_access_../../e_2021-04-12.log",
	} {
		_, ok := ParseFileName(name)
		assert.False(t, ok, name)
	}
}

func FuzzParseFileName(f *testing.F) {
	f.Add("http_access_1a2b3c4_2021-04-12.log")
	f.Add("x/ljs_trace_1a2b3c4_2021-04-12.log.gz")
	f.Fuzz(func(t *testing.T, name string) {
		file, ok := ParseFileName(name)
		if ok && FileName(file.Kind, file.Node, file.Date) != file.Name && FileName(file.Kind, file.Node, file.Date)+".gz" != file.Name {
			t.Fatalf("%q is %+v", name, file)
		}
	})
}

func TestNewRefusesWhatMakesNoFileName(t *testing.T) {
	for _, node := range []string{"", "1a2b3c", "1a2b3c45", "1A2B3C4", "../../x", "1a2b3g4"} {
		_, err := New(t.TempDir(), node, nil)
		assert.ErrorContains(t, err, "expected seven lower-case hex digits", node)
	}
	_, err := New("", testNode, nil)
	assert.ErrorContains(t, err, "no folder given")
	w, err := New(t.TempDir(), testNode, nil)
	require.NoError(t, err)
	assert.Equal(t, testNode, w.Node())
}

func TestWriterMakesFilesWhenTheirFirstLineIsDue(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs", "here")
	w := newWriter(t, dir, clockAt(samples[0].Time))
	assert.NoDirExists(t, dir)
	require.NoError(t, w.Trace())
	assert.NoDirExists(t, dir, "no record, no file")

	for _, sample := range samples {
		require.NoError(t, w.Access(sample))
	}
	assert.Equal(t, []string{"http_access_1a2b3c4_2021-04-12.log"}, namesIn(t, dir), "a node without errors has no trace")
	assert.Equal(t, content(t, "testdata", "http_access_1a2b3c4_2021-04-12.log"), content(t, dir, "http_access_1a2b3c4_2021-04-12.log"))

	require.NoError(t, w.Trace(refusedPair()...))
	assert.Equal(t, content(t, "testdata", "ljs_trace_1a2b3c4_2022-10-07.log"), content(t, dir, "ljs_trace_1a2b3c4_2021-04-12.log"))
}

func TestWriterTakesTimeFromItsClock(t *testing.T) {
	at := time.Date(2021, 4, 12, 8, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	w := newWriter(t, dir, clockAt(at))
	require.NoError(t, w.Access(AccessLine{}))
	require.NoError(t, w.Trace(TraceRecord{Text: "a"}, TraceRecord{Text: "b"}))
	lines, records, err := Dir(dir).Since(Mark{})
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Len(t, records, 2)
	assert.Equal(t, at, lines[0].Time)
	assert.Equal(t, at, records[0].Time)
	assert.Equal(t, at, records[1].Time)
}

func TestWriterRotatesAtMidnightUTC(t *testing.T) {
	dir := t.TempDir()
	clock := clockAt(time.Date(2021, 4, 12, 23, 59, 59, 999, time.UTC))
	w := newWriter(t, dir, clock)
	write := func(user string) {
		require.NoError(t, w.Access(AccessLine{User: user}))
		require.NoError(t, w.Trace(TraceRecord{User: user}))
	}
	write("before")
	clock.Set(time.Date(2021, 4, 13, 2, 0, 0, 0, time.FixedZone("", 2*3600)))
	write("after")
	clock.Set(time.Date(2021, 4, 12, 12, 0, 0, 0, time.UTC))
	write("back")

	assert.Equal(t, []string{
		"http_access_1a2b3c4_2021-04-12.log", "http_access_1a2b3c4_2021-04-13.log", "ljs_trace_1a2b3c4_2021-04-12.log", "ljs_trace_1a2b3c4_2021-04-13.log",
	}, namesIn(t, dir))
	lines, records, err := Dir(dir).Since(Mark{})
	require.NoError(t, err)
	users := func(n int, user func(int) string) (all []string) {
		for i := range n {
			all = append(all, user(i))
		}
		return all
	}
	assert.Equal(t, []string{"before", "back", "after"}, users(len(lines), func(i int) string { return lines[i].User }))
	assert.Equal(t, []string{"before", "back", "after"}, users(len(records), func(i int) string { return records[i].User }))
}

func TestDaysBefore1970(t *testing.T) {
	assert.Equal(t, int64(0), dayOf(time.Date(1970, 1, 1, 23, 59, 59, 0, time.UTC)))
	assert.Equal(t, int64(-1), dayOf(time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)))
	assert.Equal(t, int64(-1), dayOf(time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)))
	assert.Equal(t, int64(-2), dayOf(time.Date(1969, 12, 30, 23, 59, 59, 0, time.UTC)))
}

func TestWriterRemovesItsFilesAfterTheirTime(t *testing.T) {
	for _, test := range []struct {
		retain int
		want   []string // days of April that are left on the 20th
	}{
		{0, []string{"13", "14", "20", "21"}},
		{1, []string{"20", "21"}},
		{8, []string{"12", "13", "14", "20", "21"}},
		{-1, []string{"11", "12", "13", "14", "20", "21"}},
	} {
		t.Run(fmt.Sprint(test.retain), func(t *testing.T) {
			dir := t.TempDir()
			others := []string{"http_access_7654321_2021-04-01.log", "http_access_1a2b3c4_2021-04-01.txt", "notes"}
			for _, name := range others {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
			}
			require.NoError(t, os.Mkdir(filepath.Join(dir, "ljs_trace_1a2b3c4_2021-04-01.log"), 0o700))
			for _, day := range []string{"11", "12", "13", "14", "21"} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "ljs_trace_1a2b3c4_2021-04-"+day+".log"), nil, 0o600))
			}
			w := newWriter(t, dir, clockAt(time.Date(2021, 4, 20, 0, 0, 0, 0, time.UTC)))
			w.Retain = test.retain
			require.NoError(t, w.Trace(TraceRecord{}))
			want := append([]string{"ljs_trace_1a2b3c4_2021-04-01.log"}, others...)
			for _, day := range test.want {
				want = append(want, "ljs_trace_1a2b3c4_2021-04-"+day+".log")
			}
			assert.ElementsMatch(t, want, namesIn(t, dir))
		})
	}
}

func TestWriterRemovesOldFilesAtEachRotation(t *testing.T) {
	dir := t.TempDir()
	clock := clockAt(time.Date(2021, 4, 1, 12, 0, 0, 0, time.UTC))
	w := newWriter(t, dir, clock)
	for range 20 {
		require.NoError(t, w.Access(AccessLine{}))
		clock.Set(clock.Now().Add(24 * time.Hour))
	}
	names := namesIn(t, dir)
	assert.Len(t, names, DefaultRetain+1)
	assert.Equal(t, "http_access_1a2b3c4_2021-04-13.log", names[0])
}

func TestWriterEndsALineThatWasCut(t *testing.T) {
	dir := t.TempDir()
	clock := clockAt(samples[0].Time)
	path := filepath.Join(dir, FileName(HTTP, testNode, clock.Now()))
	require.NoError(t, os.WriteFile(path, []byte("10.0.0.14 (198.51"), 0o600))
	require.NoError(t, newWriter(t, dir, clock).Access(samples[0]))
	require.NoError(t, newWriter(t, dir, clock).Access(samples[1]))
	assert.Equal(t, "10.0.0.14 (198.51\n"+samples[0].String()+"\n"+samples[1].String()+"\n", content(t, path))
}

func TestWriterSaysWhatFailedAndRecovers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	w := newWriter(t, dir, clockAt(samples[0].Time))
	assert.ErrorContains(t, w.Access(samples[0]), "write the http log of node 1a2b3c4: ")
	require.NoError(t, os.Remove(dir))
	require.NoError(t, w.Access(samples[0]))

	require.NoError(t, w.access.file.Close()) // as if the disk were gone
	assert.ErrorIs(t, w.Access(samples[1]), os.ErrClosed)
	require.NoError(t, w.Access(samples[1]))
	assert.Equal(t, samples[0].String()+"\n"+samples[1].String()+"\n", content(t, dir, FileName(HTTP, testNode, samples[0].Time)))

	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	assert.ErrorIs(t, w.Access(samples[0]), os.ErrClosed)
	assert.ErrorIs(t, w.Trace(TraceRecord{}), os.ErrClosed)
}

func TestConcurrentWritersKeepLinesWholeAndPairsTogether(t *testing.T) {
	const callers, calls = 16, 100
	dir := t.TempDir()
	clock := clockAt(samples[0].Time)
	w := newWriter(t, dir, clock)
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for call := range calls {
				name := fmt.Sprintf("caller %d call %d", caller, call)
				assert.NoError(t, w.Trace(TraceRecord{Thread: name, Text: "a\nb"}, TraceRecord{Thread: name, Text: "c"}))
				assert.NoError(t, w.Access(AccessLine{User: name}))
				if call == calls/2 && caller == 0 {
					clock.Set(clock.Now().Add(24 * time.Hour))
				}
			}
		})
	}
	all.Wait()
	lines, records, err := Dir(dir).Since(Mark{})
	require.NoError(t, err)
	seen := map[string]int{}
	for _, line := range lines {
		seen[line.User]++
	}
	assert.Len(t, seen, callers*calls)
	assert.Len(t, lines, callers*calls)
	require.Len(t, records, 2*callers*calls)
	for i := 0; i < len(records); i += 2 {
		require.Equal(t, records[i].Thread, records[i+1].Thread)
		require.Equal(t, "a\nb", records[i].Text)
		require.Equal(t, "c", records[i+1].Text)
	}
}

func TestALineCanBeReadAsSoonAsItIsWritten(t *testing.T) {
	dir := Dir(t.TempDir())
	w := newWriter(t, string(dir), clockAt(samples[0].Time))
	for i := range 50 {
		mark, err := dir.Mark()
		require.NoError(t, err)
		require.NoError(t, w.Access(AccessLine{Status: i}))
		lines, _, err := dir.Since(mark)
		require.NoError(t, err)
		require.Len(t, lines, 1)
		require.Equal(t, i, lines[0].Status)
		require.Equal(t, testNode, lines[0].Node)
	}
}

func BenchmarkWriterAccess(b *testing.B) {
	w := newWriter(b, b.TempDir(), clockAt(samples[0].Time))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Access(samples[2]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriterTracePair(b *testing.B) {
	w := newWriter(b, b.TempDir(), clockAt(samples[0].Time))
	pair := refusedPair()
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Trace(pair...); err != nil {
			b.Fatal(err)
		}
	}
}
