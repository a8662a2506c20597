package client

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// MaxLog bounds one log or archive that is downloaded, unpacked, in bytes.
const MaxLog int64 = 4 << 30

// LogFile is one log file of the tenant.
type LogFile struct {
	Name, Application string
	// Type is http or trace, NodeScope worker.
	Type, NodeScope string
	ContentType     string
	LastModified    time.Time
	Size            int64
}

type logFileEntity struct {
	Name         string `json:"Name"`
	Application  string `json:"Application"`
	LastModified moment `json:"LastModified"`
	ContentType  string `json:"ContentType"`
	LogFileType  string `json:"LogFileType"`
	NodeScope    string `json:"NodeScope"`
	Size         number `json:"Size"`
}

// LogFiles lists the log files of a type ("http" or "trace"), or all if it is empty.
func (c *Client) LogFiles(ctx context.Context, kind string) ([]LogFile, error) {
	var query url.Values
	if kind != "" {
		query = url.Values{"$filter": {"LogFileType eq " + quoted(kind)}}
	}
	entities, err := list[logFileEntity](ctx, c, "LogFiles", query)
	if err != nil {
		return nil, fmt.Errorf("listing the log files: %w", err)
	}
	out := make([]LogFile, len(entities))
	for i, e := range entities {
		out[i] = LogFile{
			Name: e.Name, Application: e.Application, Type: e.LogFileType, NodeScope: e.NodeScope,
			ContentType: e.ContentType, LastModified: time.Time(e.LastModified), Size: int64(e.Size),
		}
	}
	return out, nil
}

// OpenLogFile reads a log file as plain text, unpacked from gzip. It must be closed. Reading ends
// with an error after MaxLog bytes.
func (c *Client) OpenLogFile(ctx context.Context, f LogFile) (io.ReadCloser, error) {
	body, err := c.media(ctx, key("LogFiles", "Name", f.Name, "Application", f.Application)+"/$value", nil)
	if err != nil {
		return nil, fmt.Errorf("downloading the log file %s: %w", f.Name, err)
	}
	packed := bufio.NewReader(body)
	var plain io.Reader = packed
	if head, _ := packed.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(packed)
		if err != nil {
			body.Close()
			return nil, fmt.Errorf("downloading the log file %s: %w", f.Name, err)
		}
		plain = z
	}
	return bounded{&limitedReader{plain, MaxLog}, body}, nil
}

// LogArchive downloads a zip file of logs: scope is all or latest, kind http or trace. Only what was
// modified after a time is in it, unless that is zero. It must be closed.
func (c *Client) LogArchive(ctx context.Context, scope, kind string, modifiedAfter time.Time) (io.ReadCloser, error) {
	var query url.Values
	if !modifiedAfter.IsZero() {
		query = url.Values{"modifiedAfter": {modifiedAfter.UTC().Format("2006-01-02T15:04:05Z")}}
	}
	body, err := c.media(ctx, key("LogFileArchives", "Scope", scope, "LogFileType", kind, "NodeScope", "worker")+"/$value", query)
	if err != nil {
		return nil, fmt.Errorf("downloading the %s %s logs: %w", scope, kind, err)
	}
	return bounded{&limitedReader{body, MaxLog}, body}, nil
}

// media reads a media resource.
func (c *Client) media(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	answer, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query, accept: "*/*"})
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

type bounded struct {
	io.Reader
	io.Closer
}

// limitedReader fails where there is more than it may read; an io.LimitReader would end as if that
// were all.
type limitedReader struct {
	r    io.Reader
	left int64
}

var errTooLarge = errors.New("it is larger than a tenant's log can be")

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
