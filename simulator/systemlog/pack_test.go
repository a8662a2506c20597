package systemlog

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written makes a folder with the logs of two nodes on two days, by a clock of its own.
func written(t *testing.T) (Dir, time.Time) {
	t.Helper()
	dir := Dir(t.TempDir())
	begin := time.Date(2021, 4, 12, 12, 0, 0, 0, time.UTC)
	clock := clockAt(begin)
	for _, node := range []string{"aaaaaaa", "bbbbbbb"} {
		clock.Set(begin)
		w, err := New(string(dir), node, clock.Now)
		require.NoError(t, err)
		require.NoError(t, w.Access(AccessLine{User: "one", Time: begin}))
		clock.Set(begin.Add(24 * time.Hour))
		require.NoError(t, w.Access(AccessLine{User: "two", Time: clock.Now()}))
		require.NoError(t, w.Trace(TraceRecord{Text: "a\nb", Time: clock.Now()}))
		require.NoError(t, w.Close())
	}
	return dir, begin
}

func TestListTellsTheTimeOfTheNewestLine(t *testing.T) {
	dir, begin := written(t)
	require.NoError(t, os.WriteFile(filepath.Join(string(dir), "notes.txt"), []byte("x"), 0o600))
	files, err := dir.List()
	require.NoError(t, err)
	require.Len(t, files, 6)
	for _, f := range files {
		info, err := os.Stat(filepath.Join(string(dir), f.Name))
		require.NoError(t, err)
		assert.Equal(t, info.Size(), f.Size)
		want := begin
		if f.Date.Day() == 13 {
			want = begin.Add(24 * time.Hour)
		}
		assert.True(t, want.Equal(f.Modified), "%s: %s", f.Name, f.Modified)
	}
	files, err = Dir(filepath.Join(string(dir), "none")).List()
	assert.NoError(t, err)
	assert.Empty(t, files)
	files, err = Dir("").List()
	assert.NoError(t, err)
	assert.Empty(t, files)
}

func TestListOfALogLongerThanItsTail(t *testing.T) {
	dir, begin := written(t)
	name := filepath.Join(string(dir), FileName(HTTP, "aaaaaaa", begin))
	line := AccessLine{User: "many", Time: begin.Add(time.Hour)}.String()
	require.NoError(t, os.WriteFile(name, bytes.Repeat([]byte(line+"\n"), tailBytes/len(line)+9), 0o600))
	files, err := dir.List()
	require.NoError(t, err)
	assert.True(t, begin.Add(time.Hour).Equal(files[0].Modified), "%s", files[0].Modified)

	require.NoError(t, os.WriteFile(name, []byte("rubbish\n"), 0o600))
	files, err = dir.List()
	require.NoError(t, err)
	assert.False(t, files[0].Modified.IsZero(), "that of the file")
}

func TestGzip(t *testing.T) {
	dir, begin := written(t)
	name := FileName(HTTP, "aaaaaaa", begin)
	var out bytes.Buffer
	require.NoError(t, dir.WriteGzip(&out, name))
	z, err := gzip.NewReader(&out)
	require.NoError(t, err)
	assert.Equal(t, name, z.Name)
	got, err := io.ReadAll(z)
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join(string(dir), name))
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))

	for _, name := range []string{FileName(HTTP, "ccccccc", begin), name + ".gz", "../" + name, "/etc/passwd", ""} {
		assert.ErrorIs(t, dir.WriteGzip(io.Discard, name), fs.ErrNotExist, name)
	}
}

func TestZip(t *testing.T) {
	dir, _ := written(t)
	files, err := dir.List()
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(string(dir), files[0].Name)))
	var out bytes.Buffer
	require.NoError(t, dir.WriteZip(&out, files))
	path := filepath.Join(t.TempDir(), "logs.zip")
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
	c, err := Open(path)
	require.NoError(t, err)
	assert.Len(t, c.Files(), 5, "one was removed")
	assert.Empty(t, c.Skipped())

	out.Reset()
	require.NoError(t, dir.WriteZip(&out, nil))
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	assert.Empty(t, r.File)
}
