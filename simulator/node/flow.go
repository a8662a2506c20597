package node

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// logIDHeader carries the id of the message processing log [C]. Its case is the product's.
const logIDHeader = "SAP_MessageProcessingLogID"

// errBodyTooLarge: the body is larger than the channel's limit.
var errBodyTooLarge = errors.New("the body is larger than the limit")

// process reads the body and lets the flow answer.
//
// The flow is a stand-in. With the answer "echo" it shows what reached it: the body of POST, PUT,
// PATCH and DELETE comes back as it is; every other method, and an empty body together with "Accept:
// application/json", gets an Echoed as JSON.
func (c *call) process(who principal, channel tenant.Channel) answer {
	r := c.request
	stop := journey.Stop{Station: journey.Flow, Verdict: journey.Passed}
	refuse := func(a answer, reason journey.Reason, format string, arguments ...any) answer {
		stop.Verdict, stop.Reason = journey.Refused, reason
		stop.Decided = fmt.Sprintf(format, arguments...)
		c.stop(stop)
		return a
	}

	limit := channel.BodyLimit()
	body, size, err := readBody(r.Body, r.ContentLength, limit, channel.Answer == tenant.Echo)
	if c.record != nil {
		stop.Saw = sawMessage(r, who, size)
	}
	switch {
	case errors.Is(err, errBodyTooLarge):
		return refuse(page(http.StatusRequestEntityTooLarge), journey.BodyTooLarge,
			"the body is larger than the %d bytes that channel %q takes", limit, channel.Address)
	case err != nil && cut(r.Context()):
		// The call as a whole took too long. It is the load balancer that ends it, and that
		// writes down why: the flow refuses nothing.
		return page(http.StatusRequestTimeout)
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return refuse(page(http.StatusRequestTimeout), journey.BodyStalled, "after %d bytes the body stalled: %v", size, err)
	case err != nil:
		// The sender is gone, or broke its own framing; hardly anybody reads this answer.
		return refuse(page(http.StatusBadRequest), journey.BodyStalled, "after %d bytes the body broke off: %v", size, err)
	}

	logID := c.node.logID()
	var a answer
	switch channel.Answer {
	case tenant.OneWay:
		a.status = http.StatusAccepted
	case tenant.NoContent:
		a.status = http.StatusNoContent
	case tenant.Fail:
		a = answer{status: http.StatusInternalServerError, contentType: "text/plain;charset=UTF-8",
			body: []byte("The integration flow failed. Its message processing log has the id " + logID + ".\n")}
		a.add(logIDHeader, logID)
		return refuse(a, journey.FlowFailed, "flow %q failed; its message processing log is %s", channel.Flow, logID)
	default:
		a = echo(r, who, body)
	}
	a.add(logIDHeader, logID)
	stop.Decided = fmt.Sprintf("flow %q processed %d bytes from user %q; its message processing log is %s", channel.Flow, size, clip(who.user), logID)
	c.stop(stop)
	return a
}

// cut tells whether the time that the caller of the node gave the call is over. A read of the body
// that ends at that moment may come back before the context notices; the deadline is one of the
// real clock, not of the landscape's.
func cut(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || limited && time.Until(deadline) <= 0
}

// readBody reads a body to its end, or a little over the limit, and keeps it if asked to. The
// announced length is used to refuse early, and otherwise not believed.
func readBody(from io.Reader, announced, limit int64, keep bool) (body []byte, size int64, err error) {
	if from == nil || from == http.NoBody {
		return nil, 0, nil
	}
	if announced > limit {
		return nil, 0, errBodyTooLarge
	}
	from = &atMost{from: from, left: limit}
	if !keep {
		size, err = io.Copy(io.Discard, from)
		return nil, size, err
	}
	const ahead = 64 << 10
	var buffer bytes.Buffer
	buffer.Grow(int(min(max(announced, 0), ahead)) + bytes.MinRead)
	size, err = buffer.ReadFrom(from)
	return buffer.Bytes(), size, err
}

// atMost reads up to a limit and fails on the first byte beyond it.
type atMost struct {
	from io.Reader
	left int64
}

func (r *atMost) Read(p []byte) (int, error) {
	if int64(len(p)) > r.left {
		p = p[:r.left+1]
	}
	n, err := r.from.Read(p)
	if int64(n) > r.left {
		return int(r.left), errBodyTooLarge
	}
	r.left -= int64(n)
	return n, err
}

// Echoed is what the flow behind an echo channel tells of a call.
type Echoed struct {
	Method string `json:"method"`
	// Path is as it came over the wire, Query without "?".
	Path  string `json:"path"`
	Query string `json:"query"`
	// Headers are those that reached the flow, the forwarding headers among them; without
	// credentials and cookies.
	Headers map[string][]string `json:"headers"`
	User    string              `json:"user"`
	// Certificate is the one that the load balancer accepted and the user was recognised by.
	Certificate *EchoedCertificate `json:"certificate,omitempty"`
}

// EchoedCertificate holds the names of a certificate in the form of RFC 4514.
type EchoedCertificate struct {
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
}

// secretHeaders do not go on to the flow. [?] A choice: no credentials in what a flow shows.
var secretHeaders = []string{"Authorization", "Cookie", "Proxy-Authorization", csrfCanonical}

const csrfCanonical = "X-Csrf-Token"

func echo(r *http.Request, who principal, body []byte) answer {
	asJSON := true
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		asJSON = len(body) == 0 && strings.Contains(r.Header.Get("Accept"), "application/json")
	}
	if !asJSON {
		contentType := r.Header.Get("Content-Type")
		if contentType == "" {
			contentType = "application/octet-stream"
		}
		return answer{status: http.StatusOK, contentType: contentType, body: body}
	}
	told := Echoed{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, User: who.user,
		Headers: make(map[string][]string, len(r.Header)),
	}
	for name, values := range r.Header {
		if !slices.Contains(secretHeaders, name) {
			told.Headers[name] = values
		}
	}
	if who.certificate != nil {
		told.Certificate = &EchoedCertificate{Subject: pki.FormatDN(who.certificate.subject), Issuer: pki.FormatDN(who.certificate.issuer)}
	}
	text, err := json.Marshal(told)
	if err != nil { // there is nothing in it that could fail
		panic(fmt.Errorf("writing what reached the flow: %w", err))
	}
	return answer{status: http.StatusOK, contentType: "application/json", body: append(text, '\n')}
}

// sawMessage tells what reached the flow: user, size and headers, in alphabetical order, without
// secrets, bounded in number and length.
func sawMessage(r *http.Request, who principal, size int64) []journey.Fact {
	const most = 50
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		if !slices.Contains(secretHeaders, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	facts := make([]journey.Fact, 0, len(names)+2)
	facts = append(facts, journey.Fact{Name: "user", Value: clip(who.user)}, journey.Fact{Name: "body", Value: fmt.Sprintf("%d bytes", size)})
	for _, name := range names[:min(len(names), most)] {
		facts = append(facts, journey.Fact{Name: "header " + clip(name), Value: clip(strings.Join(r.Header[name], ", "))})
	}
	return facts
}

// logID makes the id of a message processing log, in the look of the product's: 28 characters of
// URL-safe Base64 that begin with AG [I].
func (n *Node) logID() string {
	var raw [21]byte
	n.read(raw[:])
	raw[0], raw[1] = 0, 0x60|raw[1]&0x0f
	return base64.RawURLEncoding.EncodeToString(raw[:])
}
