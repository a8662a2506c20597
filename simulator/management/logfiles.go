package management

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/systemlog"
)

// nodeScope is that of all logs: those of the runtime nodes. [C]
const nodeScope = "worker"

// logFile is a log of a runtime node.
type logFile struct {
	systemlog.StoredFile
	application string
}

// logFileType is LogFile. [C]
var logFileType = &odata.EntityType{
	Name: "LogFile", Set: "LogFiles", Keys: []string{"Name", "Application"}, Media: true,
	ContentType: func(any) string { return "application/gzip" },
	Properties: []odata.Property{
		{Name: "Name", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(f logFile) any { return f.Name })},
		{Name: "Application", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(f logFile) any { return f.application })},
		{Name: "LastModified", Type: odata.DateTimeOffset, Filter: true, Get: odata.Field(func(f logFile) any { return f.Modified })},
		{Name: "ContentType", Type: odata.String, Get: func(any) any { return "application/gzip" }},
		{Name: "LogFileType", Type: odata.String, Filter: true, Get: odata.Field(func(f logFile) any { return string(f.Kind) })},
		{Name: "NodeScope", Type: odata.String, Filter: true, Get: func(any) any { return nodeScope }},
		{Name: "Size", Type: odata.Int64, Filter: true, Get: odata.Field(func(f logFile) any { return f.Size })},
	},
}

// logArchive is a download of several logs.
type logArchive struct {
	scope string
	kind  systemlog.Kind
}

// logArchiveType is LogFileArchive. [C]
var logArchiveType = &odata.EntityType{
	Name: "LogFileArchive", Set: "LogFileArchives", Keys: []string{"Scope", "LogFileType", "NodeScope"}, Media: true,
	ContentType: func(any) string { return "application/zip" },
	Properties: []odata.Property{
		{Name: "Scope", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(a logArchive) any { return a.scope })},
		{Name: "LogFileType", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(a logArchive) any { return string(a.kind) })},
		{Name: "NodeScope", Type: odata.String, NotNull: true, Filter: true, Get: func(any) any { return nodeScope }},
		{Name: "ContentType", Type: odata.String, Get: func(any) any { return "application/zip" }},
	},
}

// The scopes of archives: all files, or the newest of each node. [C]
const (
	scopeAll    = "all"
	scopeLatest = "latest"
)

// archives are the four that there are. [C]
var archives = []logArchive{{scopeAll, systemlog.HTTP}, {scopeAll, systemlog.Trace}, {scopeLatest, systemlog.HTTP}, {scopeLatest, systemlog.Trace}}

func (q *request) storedLogs() ([]systemlog.StoredFile, *odata.Error) {
	files, err := q.server.config.Logs.List()
	if err != nil {
		q.server.log.Error("listing the logs failed", "error", err)
		return nil, odata.Errorf(http.StatusInternalServerError, "The logs cannot be listed.")
	}
	return files, nil
}

// logFiles is the entity set LogFiles.
func (s *Server) logFiles() *resource {
	return &resource{
		typ: logFileType, read: readLogs, change: readLogs,
		list: func(q *request) ([]any, *odata.Error) {
			files, err := q.storedLogs()
			var out []any
			for _, f := range files {
				out = append(out, logFile{f, q.snapshot.Application()})
			}
			return out, err
		},
		content: func(q *request, entity any) *odata.Error {
			f := entity.(logFile)
			return q.stream("application/gzip", f.Name+".gz", func(w io.Writer) error { return s.config.Logs.WriteGzip(w, f.Name) })
		},
	}
}

// logArchives is the entity set LogFileArchives.
func (s *Server) logArchives() *resource {
	return &resource{
		typ: logArchiveType, read: readLogs, change: readLogs, contentCustom: []string{"modifiedAfter", "ModifiedAfter"},
		list: func(*request) ([]any, *odata.Error) { return odata.Entities(archives), nil },
		content: func(q *request, entity any) *odata.Error {
			a := entity.(logArchive)
			after, err := q.modifiedAfter()
			if err != nil {
				return err
			}
			files, err := q.storedLogs()
			if err != nil {
				return err
			}
			files = a.pick(files, after)
			return q.stream("application/zip", fmt.Sprintf("%s_%s_%s.zip", nodeScope, a.kind, a.scope), func(w io.Writer) error {
				return s.config.Logs.WriteZip(w, files)
			})
		},
	}
}

// modifiedAfter reads the option of that name, which is spelled in two ways. [C]
func (q *request) modifiedAfter() (time.Time, *odata.Error) {
	for _, name := range []string{"modifiedAfter", "ModifiedAfter"} {
		text, ok := q.service.Options.Custom[name]
		if !ok {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return at, odata.Errorf(http.StatusBadRequest, "Found %s=%q, expected a time such as 2017-03-25T13:54:51Z.", name, clip(text))
		}
		return at, nil
	}
	return time.Time{}, nil
}

// pick chooses the files of the archive: those of its kind that were changed after that time; of
// these, with scope latest, the newest of each node. The files are ordered by day.
func (a logArchive) pick(files []systemlog.StoredFile, after time.Time) []systemlog.StoredFile {
	var out []systemlog.StoredFile
	at := map[string]int{}
	for _, f := range files {
		if f.Kind != a.kind || !after.IsZero() && !f.Modified.After(after) {
			continue
		}
		if i, have := at[f.Node]; have && a.scope == scopeLatest {
			out[i] = f
			continue
		}
		at[f.Node] = len(out)
		out = append(out, f)
	}
	return out
}

// clip shortens what an error quotes.
func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
