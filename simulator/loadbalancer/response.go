package loadbalancer

import (
	"maps"
	"net/http"
	"sync/atomic"
)

// response is the answer on its way from the node to the sender. It notes the status and adds the
// affinity cookie. It deliberately does not unwrap: deadlines and the connection are the load
// balancer's.
//
// As with net/http in general, a node reads the body before it writes: what of it is left then
// is read and thrown away, up to 256 KiB and for as long as a body may pause.
type response struct {
	http.ResponseWriter
	body      *body
	setCookie string
	draining  *atomic.Bool
	status    int    // 0 before the header is written
	stack     string // of a node that panicked
}

func (r *response) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
		if r.setCookie != "" {
			r.Header().Add("Set-Cookie", r.setCookie)
		}
		if r.draining.Load() {
			r.Header().Set("Connection", "close")
		}
		r.body.release()
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *response) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(p)
}

// Flush sends what was written so far.
func (r *response) Flush() { _ = r.FlushError() }

// FlushError is Flush for http.ResponseController.
func (r *response) FlushError() error {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(r.ResponseWriter).Flush()
}

// refuse answers on the load balancer's own account.
func (r *response) refuse(status int, text string) {
	h := r.Header()
	maps.DeleteFunc(h, func(name string, _ []string) bool { return name != "Connection" })
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	r.setCookie = ""
	r.WriteHeader(status)
	_, _ = r.Write([]byte(text + "\n"))
}
