package management

import (
	"fmt"
	"io"
	"mime"
	"net/http"

	"example.com/gatehouse/simulator/management/odata"
)

// send answers with the content of a media entity.
func (q *request) send(contentType, fileName string, data []byte) *odata.Error {
	q.head(contentType, fileName)
	q.w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(data) // a client that went away misses nothing
	return nil
}

// stream answers with content that is made while it is sent, so that its size does not matter. If
// making it fails before its first byte, there is an answer that says so; later the connection is
// cut, so that nobody takes a part for the whole.
func (q *request) stream(contentType, fileName string, write func(io.Writer) error) *odata.Error {
	q.head(contentType, fileName)
	q.server.audit(q.user, "download", q.http.URL.EscapedPath(), nil, fileName)
	out := &counter{w: q.w}
	if q.http.Method == http.MethodHead {
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	if err := write(out); err != nil {
		q.server.log.Error("a download failed", "file", fileName, "error", err)
		if out.n > 0 {
			panic(http.ErrAbortHandler)
		}
		q.content = false
		q.w.Header().Del("Content-Disposition")
		return odata.Errorf(http.StatusInternalServerError, "The file cannot be read.")
	}
	return nil
}

func (q *request) head(contentType, fileName string) {
	q.content = true
	h := q.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName}))
}

// counter counts what went through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
