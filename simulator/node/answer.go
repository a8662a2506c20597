package node

import (
	"fmt"
	"html"
	"net/http"
	"strconv"
)

// answer is a whole answer. It is made before the call's log lines are written and sent after.
type answer struct {
	status      int
	contentType string
	body        []byte
	header      []headerField
	// chunked: the body is empty and sent in chunks.
	chunked bool
}

type headerField struct{ name, value string }

func (a *answer) add(name, value string) { a.header = append(a.header, headerField{name, value}) }

// emptyChunks is what an empty body in chunks takes on the wire: "0", CR LF, CR LF.
const emptyChunks = 5

// realm of the Basic challenge. [?] A choice.
const realm = "Cloud Integration"

// challenge is the 401 of a call without identity: an empty body in chunks [C: real access logs]
// and a Basic challenge [I: transaction SM59 asks for user and password].
func challenge() answer {
	return answer{
		status: http.StatusUnauthorized, chunked: true,
		header: []headerField{{"WWW-Authenticate", `Basic realm="` + realm + `"`}},
	}
}

// page is an answer with a bare page titled as Tomcat's are [C for 403 on Cloud Foundry, the best
// stand-in].
func page(status int) answer {
	title := html.EscapeString(fmt.Sprintf("HTTP Status %d – %s", status, http.StatusText(status)))
	return answer{
		status: status, contentType: "text/html;charset=utf-8",
		body: []byte(`<!doctype html><html lang="en"><head><title>` + title + `</title></head><body><h1>` + title + `</h1></body></html>`),
	}
}

// logged is what the access log shows as bytes of the answer: those of the body on the wire,
// framing included, or -1 ("-") for none. Every 401 counts 5 [C: 222 lines of real tenants], also
// one to HEAD or HTTP/1.0, which has no body.
func (a answer) logged(method string) int64 {
	switch {
	case a.chunked:
		return emptyChunks
	case len(a.body) == 0 || method == http.MethodHead:
		return -1
	}
	return int64(len(a.body))
}

// lastPiece is written on its own: so small that net/http keeps it until the handler returns.
// What those around the node do then is done before the caller can have read the answer.
const lastPiece = 1024

// writeTo sends the answer. A caller that is gone is no concern of the node's.
func (a answer) writeTo(w http.ResponseWriter, method string) {
	h := w.Header()
	for _, f := range a.header {
		// Set and Add would change the case of the product's own headers.
		h[f.name] = append(h[f.name], f.value)
	}
	if a.contentType != "" { // an answer without has no body either, of which net/http could guess
		h["Content-Type"] = []string{a.contentType}
	}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	if !a.chunked && a.status != http.StatusNoContent {
		h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	}
	w.WriteHeader(a.status)
	if a.chunked {
		// Sent before the handler returns, a header without Content-Length announces chunks.
		_ = http.NewResponseController(w).Flush()
		return
	}
	if method == http.MethodHead || len(a.body) == 0 {
		return
	}
	first := max(0, len(a.body)-lastPiece)
	if first > 0 {
		if _, err := w.Write(a.body[:first]); err != nil {
			return
		}
	}
	_, _ = w.Write(a.body[first:])
}
