package systemlog

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// collect reads all, with the errors one after the other.
func collectAccess(r io.Reader, limit int) (lines []AccessLine, errs []error) {
	for line, err := range readAccess(r, limit) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		lines = append(lines, line)
	}
	return lines, errs
}

func collectTrace(r io.Reader, limit int) (records []TraceRecord, errs []error) {
	for record, err := range readTrace(r, limit) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		records = append(records, record)
	}
	return records, errs
}

func lineError(t *testing.T, err error) *LineError {
	t.Helper()
	var line *LineError
	require.ErrorAs(t, err, &line)
	return line
}

func TestReadAccessGoesOnAfterUnreadableLines(t *testing.T) {
	text := "\ufeff" + samples[0].String() + "\r\n\n nonsense \x1b[2J\n" + samples[1].String() + "\n   \n" + samples[2].String()
	lines, errs := collectAccess(strings.NewReader(text), 0)
	assert.Equal(t, samples[:3], lines)
	require.Len(t, errs, 1)
	got := lineError(t, errs[0])
	assert.Equal(t, int64(3), got.Line)
	assert.Equal(t, 1, got.Lines)
	assert.Equal(t, " nonsense \x1b[2J", got.Text)
	assert.Equal(t, `line 3: no address of a load balancer at the beginning: " nonsense \x1b[2J"`, got.Error())
}

func TestReadersDoNotDependOnHowTheStreamComes(t *testing.T) {
	access, err := os.ReadFile("testdata/http_access_1a2b3c4_2021-04-12.log")
	require.NoError(t, err)
	trace, err := os.ReadFile("testdata/generic_trace.log")
	require.NoError(t, err)
	wantRecords, errs := collectTrace(bytes.NewReader(trace), 0)
	require.Empty(t, errs)
	require.Len(t, wantRecords, 2)
	for name, slow := range map[string]func(io.Reader) io.Reader{
		"one byte": iotest.OneByteReader, "half": iotest.HalfReader, "end with data": iotest.DataErrReader,
	} {
		lines, errs := collectAccess(slow(bytes.NewReader(access)), 0)
		assert.Empty(t, errs, name)
		assert.Equal(t, samples, lines, name)
		records, errs := collectTrace(slow(bytes.NewReader(trace)), 0)
		assert.Empty(t, errs, name)
		assert.Equal(t, wantRecords, records, name)
	}
}

func TestReadersAcrossBlocks(t *testing.T) {
	const n = 3000 // several blocks
	var access, trace []byte
	for i := range n {
		access = append(AccessLine{Status: i % 1000, URI: strings.Repeat("x", i%700)}.AppendTo(access), '\n')
		trace = append(TraceRecord{Text: strings.Repeat("x\n", i%300), Tenant: "a"}.AppendTo(trace), '\n')
	}
	lines, errs := collectAccess(bytes.NewReader(access), 0)
	require.Empty(t, errs)
	require.Len(t, lines, n)
	records, errs := collectTrace(bytes.NewReader(trace), 0)
	require.Empty(t, errs)
	require.Len(t, records, n)
	for i := range n {
		require.Equal(t, i%1000, lines[i].Status)
		require.Len(t, lines[i].URI, i%700)
		require.Len(t, records[i].Text, 2*(i%300))
	}
}

func TestReadersHandOnWhatTheStreamFailsWith(t *testing.T) {
	broken := errors.New("broken")
	lines, errs := collectAccess(io.MultiReader(strings.NewReader(samples[0].String()+"\n"), iotest.ErrReader(broken)), 0)
	assert.Equal(t, samples[:1], lines)
	assert.Equal(t, []error{broken}, errs)
	pair := refusedPair()
	records, errs := collectTrace(io.MultiReader(strings.NewReader(pair[0].String()+"\n"), iotest.ErrReader(broken)), 0)
	assert.Equal(t, pair[:1], records)
	assert.Equal(t, []error{broken}, errs)
	_, errs = collectAccess(stuckReader{}, 0)
	assert.Equal(t, []error{io.ErrNoProgress}, errs)
}

// stuckReader gives nothing, without end.
type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

func TestReadersStopWhenNoMoreIsWanted(t *testing.T) {
	access := strings.NewReader(samples[0].String() + "\nnonsense\n" + samples[1].String())
	n := 0
	for range ReadAccess(access) {
		if n++; n == 2 {
			break
		}
	}
	assert.Equal(t, 2, n)
	for stop := 1; stop <= 4; stop++ {
		n := 0
		for range ReadTrace(strings.NewReader("stray\n" + TraceRecord{}.String() + "\n" + "0001 01 01 00:00:00#\n" + TraceRecord{}.String())) {
			if n++; n == stop {
				break
			}
		}
		assert.Equal(t, stop, n)
	}
}

func TestLinesLongerThanTheLimit(t *testing.T) {
	const limit = 1000
	good := samples[1].String()
	fits := AccessLine{URI: strings.Repeat("x", limit-len(AccessLine{URI: "/"}.String())+1)}
	require.Len(t, fits.String(), limit)
	for _, length := range []int{limit + 1, 2 * limit, 5 * readBlock} {
		for _, slow := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.HalfReader, iotest.OneByteReader} {
			text := good + "\n" + fits.String() + "\n" + strings.Repeat("x", length) + "\n" + good + "\n" + good
			lines, errs := collectAccess(slow(strings.NewReader(text)), limit)
			require.Len(t, lines, 4, length)
			require.Len(t, errs, 1)
			got := lineError(t, errs[0])
			assert.ErrorIs(t, got, ErrTooLong)
			assert.Equal(t, int64(3), got.Line)
			assert.Len(t, got.Text, shownBytes)
		}
	}
	lines, errs := collectAccess(strings.NewReader(good+"\n"+strings.Repeat("x", 3*readBlock)), limit)
	assert.Len(t, lines, 1, "without a line end behind")
	assert.Len(t, errs, 1)
}

func TestReadTraceAcceptsAHeader(t *testing.T) {
	file, err := os.Open("testdata/generic_trace.log")
	require.NoError(t, err)
	defer file.Close()
	records, errs := collectTrace(file, 0)
	assert.Empty(t, errs)
	assert.Equal(t, []TraceRecord{
		{Time: time.Date(2014, 1, 31, 12, 7, 9, 0, time.UTC), Zone: "+01", Level: "INFO", Logger: "example.Servlet", Component: "EX-1", User: "alice",
			Thread: "http-bio-8041-exec-1", Bundle: "bundle", Space: "account", Tenant: "application", Passport: [3]string{"web", "null", "null"}, PassportFlag: "account", Text: "hello"},
		{Time: time.Date(2014, 1, 31, 12, 8, 30, 0, time.UTC), Zone: "+00", Level: "ERROR", Logger: "example.Servlet",
			Thread: "http-bio-8041-exec-3", Space: "account", Tenant: "application", Passport: [3]string{"web", "null", "null"}, PassportFlag: "account",
			Text: "It failed:\njava.lang.IllegalStateException: #1 | C:\\temp\n\tat example.Servlet.doGet(Servlet.java:7)"},
	}, records)
	records, errs = collectTrace(strings.NewReader("#2.0#\n"+TraceRecord{}.String()), 0)
	assert.Empty(t, errs)
	assert.Len(t, records, 1)
}

func TestReadTraceFindsTheNextRecord(t *testing.T) {
	a, b := refusedPair()[0], refusedPair()[1]
	multi := a
	multi.Text = "first\nsecond"
	short := "2022 10 07 08:06:55#+00#ERROR#too few|"
	for name, test := range map[string]struct {
		text string
		want []TraceRecord
		errs []LineError
	}{
		"whole":                       {a.String() + "\n" + b.String() + "\n", []TraceRecord{a, b}, nil},
		"without the last line feed":  {a.String() + "\n" + b.String(), []TraceRecord{a, b}, nil},
		"with CRLF":                   {a.String() + "\r\n" + b.String() + "\r\n", []TraceRecord{a, b}, nil},
		"cut at the beginning":        {"ond half\nof a text|\n\n" + a.String(), []TraceRecord{a}, []LineError{{Line: 1, Lines: 3, Text: "ond half", Err: ErrNoRecord}}},
		"cut at the end":              {a.String() + "\n" + b.String()[:30], []TraceRecord{a}, []LineError{{Line: 2, Lines: 1, Text: b.String()[:30], Err: errNotEnded}}},
		"a record that is not ended":  {multi.String()[:len(multi.String())-1] + "\n" + b.String(), []TraceRecord{b}, []LineError{{Line: 1, Lines: 2, Err: errNotEnded}}},
		"a record with too few":       {short + "\n" + b.String(), []TraceRecord{b}, []LineError{{Line: 1, Lines: 1, Text: short}}},
		"stray lines between":         {a.String() + "\nx\ny\n" + b.String(), []TraceRecord{a, b}, []LineError{{Line: 2, Lines: 2, Text: "x", Err: ErrNoRecord}}},
		"stray lines at the end":      {a.String() + "\nx\n", []TraceRecord{a}, []LineError{{Line: 2, Lines: 1, Text: "x", Err: ErrNoRecord}}},
		"nothing but stray lines":     {"x\ny\n", nil, []LineError{{Line: 1, Lines: 2, Text: "x", Err: ErrNoRecord}}},
		"a backslash not escaped":     {strings.Replace(a.String(), a.Text, `C:\`, 1) + "\n" + b.String(), []TraceRecord{withText(a, `C:\`), b}, nil},
		"an empty file":               {"", nil, nil},
		"a header and nothing behind": {"FILE_ID:1\nHEADER_END\n\n", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			records, errs := collectTrace(strings.NewReader(test.text), 0)
			assert.Equal(t, test.want, records)
			require.Len(t, errs, len(test.errs))
			for i, want := range test.errs {
				got := lineError(t, errs[i])
				assert.Equal(t, want.Line, got.Line)
				assert.Equal(t, want.Lines, got.Lines)
				if want.Text != "" {
					assert.Equal(t, want.Text, got.Text)
				}
				if want.Err != nil {
					assert.ErrorIs(t, got, want.Err)
				}
			}
		})
	}
}

func withText(r TraceRecord, text string) TraceRecord {
	r.Text = text
	return r
}

func TestRecordsLongerThanTheLimit(t *testing.T) {
	const limit = 1000
	good := refusedPair()[0]
	for name, text := range map[string]string{
		"in one line":    strings.Repeat("x", 2*limit),
		"over lines":     strings.Repeat("x\n", limit),
		"a line of them": "x\n" + strings.Repeat("x", 2*limit) + "\ny",
	} {
		records, errs := collectTrace(strings.NewReader(good.String()+"\n"+withText(good, text).String()+"\n"+good.String()), limit)
		assert.Equal(t, []TraceRecord{good, good}, records, name)
		require.Len(t, errs, 1, name)
		got := lineError(t, errs[0])
		assert.ErrorIs(t, got, ErrTooLong)
		assert.Equal(t, int64(2), got.Line)
		assert.Equal(t, strings.Count(text, "\n")+1, got.Lines, name)
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	assert.Empty(t, tally.String())
	tally.Note(nil)
	assert.Equal(t, Tally{}, tally)
	for range 9 {
		tally.Note(&LineError{File: "f", Line: 3, Lines: 2, Text: "\x00", Err: ErrNoRecord})
	}
	tally.Note(&FileError{File: "g", Err: io.ErrUnexpectedEOF})
	assert.Equal(t, 18, tally.Lines)
	assert.Equal(t, 1, tally.Files)
	assert.Len(t, tally.Examples, 5)
	assert.Equal(t, `not readable: 18 lines, 1 files; first: f lines 3 to 4: no trace record begins here: "\x00"`, tally.String())
}

func FuzzReadAccess(f *testing.F) {
	sample, err := os.ReadFile("testdata/http_access_1a2b3c4_2021-04-12.log")
	require.NoError(f, err)
	f.Add(sample)
	f.Add([]byte("x\n\n\r\n" + samples[0].String()))
	f.Fuzz(func(t *testing.T, log []byte) {
		const limit = 300
		lines, errs := collectAccess(bytes.NewReader(log), limit)
		again, errsAgain := collectAccess(iotest.OneByteReader(bytes.NewReader(log)), limit)
		require.Equal(t, lines, again)
		require.Len(t, errsAgain, len(errs))
		require.LessOrEqual(t, len(lines)+len(errs), bytes.Count(log, []byte("\n"))+1)
	})
}

func FuzzReadTrace(f *testing.F) {
	for _, name := range []string{"testdata/generic_trace.log", "testdata/ljs_trace_1a2b3c4_2022-10-07.log"} {
		sample, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(sample)
	}
	f.Add([]byte("x\n2022 10 07 08:06:55#+00#\n\n" + TraceRecord{Text: "a\n|\\"}.String()))
	f.Fuzz(func(t *testing.T, log []byte) {
		const limit = 300
		records, errs := collectTrace(bytes.NewReader(log), limit)
		again, errsAgain := collectTrace(iotest.OneByteReader(bytes.NewReader(log)), limit)
		require.Equal(t, records, again)
		require.Len(t, errsAgain, len(errs))
		unread := 0
		for _, err := range errs {
			unread += lineError(t, err).Lines
		}
		require.LessOrEqual(t, len(records)+unread, bytes.Count(log, []byte("\n"))+1)
	})
}

// repeatedLog is a log of about so many bytes.
func repeatedLog(size int, line func(dst []byte, i int) []byte) []byte {
	log := make([]byte, 0, size+1024)
	for i := 0; len(log) < size; i++ {
		log = append(line(log, i), '\n')
	}
	return log
}

func accessLog(size int) []byte {
	return repeatedLog(size, func(dst []byte, i int) []byte { return samples[i%len(samples)].AppendTo(dst) })
}

func traceLog(size int) []byte {
	pair := refusedPair()
	return repeatedLog(size, func(dst []byte, i int) []byte { return pair[i%2].AppendTo(dst) })
}

func BenchmarkReadAccess(b *testing.B) {
	log := accessLog(8 << 20)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range ReadAccess(bytes.NewReader(log)) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.ReportMetric(float64(n), "lines/op")
	}
}

func BenchmarkReadTrace(b *testing.B) {
	log := traceLog(8 << 20)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range ReadTrace(bytes.NewReader(log)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
