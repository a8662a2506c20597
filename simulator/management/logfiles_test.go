package management_test

import (
	"archive/zip"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLogFiles(t *testing.T) {
	f := start(t, setup(t))
	assert.Empty(t, f.admin().do("GET", "LogFiles", "").is(200).results(), "no logs yet")
	f.writeLogs()
	all := f.admin().do("GET", "LogFiles", "").is(200).results()
	require.Len(t, all, 8)
	one := all[0]
	name := "http_access_aaaaaaa_2021-04-11.log"
	assert.Equal(t, name, one["Name"])
	assert.Equal(t, iflmap, one["Application"])
	assert.Equal(t, "application/gzip", one["ContentType"])
	assert.Equal(t, "http", one["LogFileType"])
	assert.Equal(t, "worker", one["NodeScope"])
	assert.Equal(t, "/Date(1618142400000)/", one["LastModified"], "by the landscape's clock")
	data, err := os.ReadFile(filepath.Join(string(f.logs), name))
	require.NoError(t, err)
	assert.Equal(t, itoa(len(data)), one["Size"])
	metadata := one["__metadata"].(map[string]any)
	assert.Equal(t, "application/gzip", metadata["content_type"])
	assert.Equal(t, metadata["uri"].(string)+"/$value", metadata["media_src"])
	assert.Equal(t, metadata["media_src"], metadata["edit_media"])

	// The address in the answer leads to the file.
	path := strings.TrimPrefix(metadata["media_src"].(string), "https://e100999-tmn.example:443/api/v1/")
	assert.Equal(t, "LogFiles(Name='"+name+"',Application='e100999iflmap')/$value", path)
	a := f.admin().do("GET", path, "").is(200)
	assert.Equal(t, "application/gzip", a.header.Get("Content-Type"))
	assert.Equal(t, "attachment; filename="+name+".gz", a.header.Get("Content-Disposition"))
	z, err := gzip.NewReader(strings.NewReader(a.body))
	require.NoError(t, err)
	got, err := io.ReadAll(z)
	require.NoError(t, err)
	assert.Equal(t, string(data), string(got))

	assert.Len(t, f.admin().do("GET", "LogFiles?$filter=LogFileType%20eq%20'trace'%20and%20NodeScope%20eq%20'worker'", "").is(200).results(), 4)
	for _, path := range []string{
		"LogFiles(Name='http_access_ccccccc_2021-04-11.log',Application='e100999iflmap')/$value", "LogFiles(Name='" + name + "',Application='e100999tmn')",
		"LogFiles(Name='../" + name + "',Application='e100999iflmap')/$value", "LogFiles(Name='%2Fetc%2Fpasswd',Application='e100999iflmap')/$value",
	} {
		f.admin().do("GET", path, "").is(404).says("could not be found")
	}
	f.admin().do("DELETE", "LogFiles(Name='"+name+"',Application='e100999iflmap')", "").is(405)
}

// Exactly four archives, each with the right files.
func TestLogFileArchives(t *testing.T) {
	f := start(t, setup(t))
	f.writeLogs()
	assert.Len(t, f.admin().do("GET", "LogFileArchives", "").is(200).results(), 4)
	names := func(key, query string) (out []string) {
		t.Helper()
		a := f.admin().do("GET", "LogFileArchives("+key+")/$value"+query, "").is(200)
		assert.Equal(t, "application/zip", a.header.Get("Content-Type"))
		z, err := zip.NewReader(strings.NewReader(a.body), int64(len(a.body)))
		require.NoError(t, err)
		for _, file := range z.File {
			out = append(out, file.Name)
		}
		return out
	}
	assert.Equal(t, []string{"http_access_aaaaaaa_2021-04-11.log", "http_access_bbbbbbb_2021-04-11.log", "http_access_aaaaaaa_2021-04-12.log", "http_access_bbbbbbb_2021-04-12.log"},
		names("Scope='all',LogFileType='http',NodeScope='worker'", ""))
	assert.Equal(t, []string{"ljs_trace_aaaaaaa_2021-04-12.log", "ljs_trace_bbbbbbb_2021-04-12.log"}, names("Scope='latest',LogFileType='trace',NodeScope='worker'", ""))
	for _, query := range []string{"?modifiedAfter=2021-04-11T13:00:00Z", "?ModifiedAfter=2021-04-11T13:00:00Z"} {
		assert.Equal(t, []string{"http_access_aaaaaaa_2021-04-12.log", "http_access_bbbbbbb_2021-04-12.log"}, names("LogFileType='http',Scope='all',NodeScope='worker'", query))
	}
	assert.Empty(t, names("Scope='all',LogFileType='http',NodeScope='worker'", "?modifiedAfter=2022-01-01T00:00:00Z"), "an archive without files")

	f.admin().do("GET", "LogFileArchives(Scope='all',LogFileType='http',NodeScope='worker')/$value?modifiedAfter=yesterday", "").is(400).says("expected a time such as")
	f.admin().do("GET", "LogFileArchives(Scope='all',LogFileType='http',NodeScope='worker')/$value?since=1", "").is(400).says("not known")
	f.admin().do("GET", "LogFileArchives(Scope='some',LogFileType='http',NodeScope='worker')/$value", "").is(404)
	f.admin().do("GET", "LogFileArchives('all')", "").is(400)
	a := f.admin().do("HEAD", "LogFileArchives(Scope='all',LogFileType='http',NodeScope='worker')/$value", "").is(200)
	assert.Empty(t, a.body)
	assert.Contains(t, f.auditText(), "admin download")
}
