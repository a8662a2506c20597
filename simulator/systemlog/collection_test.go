package systemlog

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func gzipped(t testing.TB, name string, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Name = name
	_, err := z.Write(content)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

type member struct {
	name    string
	content []byte
}

func zipped(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, m := range members {
		w, err := z.Create(m.name)
		require.NoError(t, err)
		_, err = w.Write(m.content)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return out.Bytes()
}

// folder makes a folder with these files.
func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	return dir
}

func userLine(user string) []byte { return append(AccessLine{User: user}.AppendTo(nil), '\n') }

func textRecord(text string) []byte { return append(TraceRecord{Text: text}.AppendTo(nil), '\n') }

// contents tells what a collection holds, as "node user" and "node text", and with which errors.
func contents(c *Collection) (found []string, errs []error) {
	for line, err := range c.Access() {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, line.Node+" "+line.User)
	}
	for record, err := range c.Trace() {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, record.Node+" "+record.Text)
	}
	return found, errs
}

const (
	accessA = "http_access_aaaaaaa_2021-04-12.log"
	accessB = "http_access_bbbbbbb_2021-04-12.log"
	laterA  = "http_access_aaaaaaa_2021-04-13.log"
	traceA  = "ljs_trace_aaaaaaa_2021-04-12.log"
)

func TestCollectionReadsEveryPacking(t *testing.T) {
	want := []string{"aaaaaaa first", "bbbbbbb second", "aaaaaaa third", "aaaaaaa text"}
	for name, files := range map[string]map[string][]byte{
		"plain": {accessA: userLine("first"), accessB: userLine("second"), laterA: userLine("third"), traceA: textRecord("text")},
		"gzip": {
			accessA + ".gz": gzipped(t, "", userLine("first")), "download": gzipped(t, accessB, userLine("second")),
			"sub/" + laterA: gzipped(t, "", userLine("third")), traceA + ".gz": gzipped(t, "", textRecord("text")),
		},
		"zip": {
			"http.zip":  zipped(t, member{"x/" + accessB, userLine("second")}, member{laterA, userLine("third")}, member{"dir/", nil}, member{accessA + ".gz", gzipped(t, "", userLine("first"))}),
			"trace.bin": zipped(t, member{`..\..\` + traceA, textRecord("text")}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Open(folder(t, files))
			require.NoError(t, err)
			assert.Empty(t, c.Skipped())
			for range 2 { // and again
				found, errs := contents(c)
				assert.Empty(t, errs)
				assert.Equal(t, want, found)
			}
			var listed []string
			for _, file := range c.Files() {
				listed = append(listed, strings.TrimSuffix(file.Name, ".gz"))
			}
			assert.Equal(t, []string{accessA, traceA, accessB, laterA}, listed)
		})
	}
}

func TestCollectionTellsLogsByTheirFirstLines(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"a.txt":   append([]byte("copied from the browser\n\n"), userLine("by content")...),
		"b.txt":   textRecord("by record"),
		"c.txt":   []byte("FILE_TYPE:1\nHEADER_END\n\n" + string(textRecord("by header"))),
		"d.txt":   []byte("10.0.0.14 - short [12/Apr/2021:00:00:05 +0000] POST /http/orders HTTP/1.1 200"),
		"README":  []byte("nothing of that kind\n"),
		"empty":   nil,
		"e.gz":    gzipped(t, "", gzipped(t, "", userLine("twice packed"))),
		"f.gz":    zipped(t, member{"g.zip", zipped(t, member{accessA, userLine("x")})}),
		"bad.gz":  {0x1f, 0x8b, 1, 2},
		"bad.zip": []byte("PK\x03\x04 and nothing"),
	})
	c, err := Open(dir)
	require.NoError(t, err)
	found, errs := contents(c)
	assert.ElementsMatch(t, []string{" by content", " short", " by record", " by header"}, found)
	require.Len(t, errs, 1, "the first line of a.txt")
	assert.Equal(t, "a.txt", lineError(t, errs[0]).File)
	assert.Equal(t, File{Name: "a.txt", Kind: HTTP}, c.Files()[0])

	skipped := map[string]error{}
	for _, s := range c.Skipped() {
		skipped[strings.TrimPrefix(s.Name, dir+string(filepath.Separator))] = s.Err
	}
	assert.Len(t, skipped, 6)
	assert.ErrorIs(t, skipped["README"], errNoLog)
	assert.ErrorIs(t, skipped["empty"], errNoLog)
	assert.ErrorIs(t, skipped["e.gz"], errArchiveInside)
	assert.ErrorIs(t, skipped["f.gz: g.zip"], errArchiveInside)
	assert.ErrorIs(t, skipped["bad.gz"], io.ErrUnexpectedEOF)
	assert.ErrorIs(t, skipped["bad.zip"], zip.ErrFormat)
}

func TestCollectionReadsALogOnce(t *testing.T) {
	dir := folder(t, map[string][]byte{
		accessA: userLine("once"), accessA + ".gz": gzipped(t, "", userLine("once")), "http.zip": zipped(t, member{accessA, userLine("once")}, member{accessB, userLine("other")}),
		"copy 1.txt": userLine("unnamed"), "copy 2.txt": userLine("unnamed"),
	})
	c, err := OpenAll(Limits{}, dir, filepath.Join(dir, accessA))
	require.NoError(t, err)
	found, errs := contents(c)
	assert.Empty(t, errs)
	assert.ElementsMatch(t, []string{"aaaaaaa once", "bbbbbbb other", " unnamed", " unnamed"}, found[:4])
	require.Len(t, c.Skipped(), 3)
	for _, s := range c.Skipped() {
		assert.ErrorIs(t, s.Err, errFoundBefore)
	}
}

func TestOpenSaysWhatItDidNotFind(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "missing"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(t.TempDir())
	assert.ErrorIs(t, err, ErrNoLogs)
	assert.ErrorContains(t, err, "expected files such as http_access_1a2b3c4_2021-04-12.log")
	_, err = OpenAll(Limits{})
	assert.ErrorIs(t, err, ErrNoLogs)
	_, err = Open(folder(t, map[string][]byte{"README": []byte("x")}))
	assert.ErrorIs(t, err, ErrNoLogs)
	assert.ErrorIs(t, err, errNoLog)
	assert.ErrorContains(t, err, "1 files were skipped")
}

func TestCollectionGoesOnAfterABrokenFile(t *testing.T) {
	long := bytes.Repeat(userLine("whole"), 2000)
	packed := gzipped(t, "", long)
	zip := zipped(t, member{laterA, long})
	broken := bytes.Clone(zip)
	broken[len(laterA)+100] ^= 0xff // within the packed data
	for name, files := range map[string]map[string][]byte{
		"a gzip file that was cut": {accessA: packed[:len(packed)-9], laterA: userLine("after")},
		"a zip file that is false": {"a.zip": broken, "http_access_aaaaaaa_2021-04-14.log": userLine("after")},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Open(folder(t, files))
			require.NoError(t, err)
			found, errs := contents(c)
			require.NotEmpty(t, errs)
			var file *FileError
			require.ErrorAs(t, errs[len(errs)-1], &file)
			for _, err := range errs[:len(errs)-1] {
				lineError(t, err) // the line within which it breaks off
			}
			assert.Equal(t, "aaaaaaa after", found[len(found)-1])
		})
	}
	c, err := Open(folder(t, map[string][]byte{"a.zip": zip}))
	require.NoError(t, err)
	found, errs := contents(c)
	assert.Empty(t, errs, "the control")
	assert.Len(t, found, 2000)
}

func TestCollectionWhoseFilesAreGone(t *testing.T) {
	dir := folder(t, map[string][]byte{accessA: userLine("gone"), "http.zip": zipped(t, member{laterA, userLine("gone")}, member{accessB, userLine("gone")})})
	c, err := Open(dir)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, accessA)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "http.zip"), zipped(t, member{accessB, userLine("there")}), 0o600))
	found, errs := contents(c)
	assert.Empty(t, found)
	require.Len(t, errs, 3, "%v", errs)
	assert.ErrorIs(t, errs[0], os.ErrNotExist)
	assert.ErrorContains(t, errs[1], accessB+": the zip file has changed")
	assert.ErrorContains(t, errs[2], laterA+": the zip file has changed")
}

// bomb is a packed access log of two lines and n times the byte behind them.
func bomb(t testing.TB, n int, b byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	require.NoError(t, err)
	_, err = z.Write([]byte(strings.Repeat(AccessLine{}.String()+"\n", 2)))
	require.NoError(t, err)
	block := bytes.Repeat([]byte{b}, 1<<20)
	for range n >> 20 {
		_, err := z.Write(block)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return out.Bytes()
}

func TestBombsAreBounded(t *testing.T) {
	for name, b := range map[string]byte{"one endless line": 0, "blank lines": '\n'} {
		t.Run(name, func(t *testing.T) {
			packed := bomb(t, 128<<20, b)
			require.Less(t, len(packed), 1<<20)
			c, err := OpenAll(Limits{TotalBytes: 32 << 20}, folder(t, map[string][]byte{accessA: packed, laterA: userLine("after")}))
			require.NoError(t, err)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			found, errs := contents(c)
			runtime.ReadMemStats(&after)
			assert.Len(t, found, 2, "nothing more is read after the limit")
			require.NotEmpty(t, errs)
			assert.ErrorIs(t, errs[len(errs)-1], ErrTooLarge)
			assert.Less(t, int64(after.HeapInuse)-int64(before.HeapInuse), int64(32<<20))
		})
	}
}

func TestTotalLimitIsExact(t *testing.T) {
	line := userLine("x")
	dir := folder(t, map[string][]byte{accessA: line, laterA: line})
	c, err := OpenAll(Limits{TotalBytes: int64(2 * len(line))}, dir)
	require.NoError(t, err)
	found, errs := contents(c)
	assert.Empty(t, errs)
	assert.Len(t, found, 2)
	c, err = OpenAll(Limits{TotalBytes: int64(2*len(line)) - 1}, dir)
	require.NoError(t, err)
	_, errs = contents(c)
	require.Len(t, errs, 1)
	assert.ErrorIs(t, errs[0], ErrTooLarge)
}

func TestTooManyFiles(t *testing.T) {
	files, members := map[string][]byte{}, []member{}
	for i := range 20 {
		name := fmt.Sprintf("http_access_aaaaa%02x_2021-04-12.log", i)
		files[name] = userLine("x")
		members = append(members, member{name, userLine("x")})
	}
	plain, archive := folder(t, files), folder(t, map[string][]byte{"a.zip": zipped(t, members...)})
	for _, dir := range []string{plain, archive} {
		c, err := OpenAll(Limits{Files: 20}, dir)
		require.NoError(t, err)
		assert.Len(t, c.Files(), 20)
		_, err = OpenAll(Limits{Files: 19}, dir)
		assert.ErrorIs(t, err, errTooManyFiles)
	}
}

func TestZipWithAHugeDirectoryIsNotRead(t *testing.T) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := range 30_000 {
		_, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i)})
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	dir := folder(t, map[string][]byte{"many.zip": out.Bytes(), accessA: userLine("x")})
	c, err := OpenAll(Limits{Files: 100}, dir)
	require.NoError(t, err)
	require.Len(t, c.Skipped(), 1)
	assert.ErrorIs(t, c.Skipped()[0].Err, errTooManyFiles)
	assert.ErrorContains(t, c.Skipped()[0].Err, "directory is too large")
	assert.Len(t, c.Files(), 1)
}

func TestCollectionFollowsLinksToFilesOnly(t *testing.T) {
	dir := folder(t, map[string][]byte{accessA: userLine("linked")})
	other := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, accessA), filepath.Join(other, accessB)); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	require.NoError(t, os.Symlink(dir, filepath.Join(other, "folder")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "missing"), filepath.Join(other, "nowhere")))
	c, err := Open(other)
	require.NoError(t, err)
	found, _ := contents(c)
	assert.Equal(t, []string{"bbbbbbb linked"}, found)
	assert.Len(t, c.Skipped(), 2)
}

func TestIterationsOverACollectionCanEndEarly(t *testing.T) {
	c, err := Open(folder(t, map[string][]byte{"a.zip": zipped(t, member{accessA, userLine("a")}, member{accessB, userLine("b")}, member{traceA, bytes.Repeat(textRecord("c"), 2)})}))
	require.NoError(t, err)
	n := 0
	for range c.Access() {
		n++
		break
	}
	for range c.Trace() {
		n++
		break
	}
	assert.Equal(t, 2, n)
}

func FuzzOpenZip(f *testing.F) {
	f.Add(zipped(f, member{accessA, userLine("x")}, member{traceA + ".gz", gzipped(f, "", textRecord("y"))}))
	f.Add(gzipped(f, accessA, userLine("x")))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "download")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		c, err := OpenAll(Limits{TotalBytes: 1 << 20, LineBytes: 1000, Files: 10}, path)
		if err != nil {
			return
		}
		_, _ = contents(c)
	})
}

func BenchmarkCollectionAccessGzip(b *testing.B) {
	log := accessLog(8 << 20)
	c, err := Open(folder(b, map[string][]byte{accessA: gzipped(b, "", log)}))
	require.NoError(b, err)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range c.Access() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
