package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.com/gatehouse/simulator/journey"
)

// maxProblems bounds what is told of a document that is refused, in bytes.
const maxProblems = 64 << 10

// Handler serves
//
//	GET  /metrics   what was counted, in the format of Prometheus
//	GET  /healthz   200 as long as the process answers
//	GET  /readyz    200 if calls are taken, else 503; both with the reason in the body
//	POST /-/reload  reloads the landscape: 200, or 422 with what is wrong with it
//
// Reload may be nil, and is then not served. It is called by one request at a time.
func (m *Metrics) Handler(reload func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := m.Ready(); err != nil {
			say(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		say(w, http.StatusOK, "ok")
	})
	if reload != nil {
		one := make(chan struct{}, 1)
		mux.HandleFunc("POST /-/reload", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
				say(w, http.StatusForbidden, "not for pages of a browser")
				return
			}
			select {
			case one <- struct{}{}:
				defer func() { <-one }()
			case <-r.Context().Done():
				return
			}
			if err := reload(r.Context()); err != nil {
				say(w, http.StatusUnprocessableEntity, "the landscape goes on as it was:\n"+err.Error())
				return
			}
			say(w, http.StatusOK, "reloaded")
		})
	}
	return mux
}

// Ready tells whether calls are taken; the error says why not.
func (m *Metrics) Ready() error {
	l, ending := m.landscape()
	switch {
	case ending:
		return errors.New("the landscape is ending")
	case l == nil:
		return errors.New("the landscape has not started yet")
	}
	nodes := l.Nodes()
	for _, n := range nodes {
		if n.Up() {
			return nil
		}
	}
	return fmt.Errorf("none of %d runtime nodes is up", len(nodes))
}

// say answers with a text, made printable line by line.
func say(w http.ResponseWriter, status int, text string) {
	if len(text) > maxProblems {
		text = text[:maxProblems]
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = journey.Printable(line)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, strings.Join(lines, "\n")+"\n")
}
