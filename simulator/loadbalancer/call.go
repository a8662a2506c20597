package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"example.com/gatehouse/simulator/journey"
)

// errCallTooLong is the cause with which the context of a call ends that reached its time limit.
var errCallTooLong = errors.New("the call reached its time limit")

// serve takes one call to a runtime node and keeps its record.
func (lb *LoadBalancer) serve(w http.ResponseWriter, r *http.Request) {
	c, ok := r.Context().Value(connectionKey{}).(*connection)
	if !ok || !lb.tracker.begin(c.wire) {
		panic(http.ErrAbortHandler) // closing: the connection ends without an answer
	}
	c.inCall.Store(true)
	number := int(c.requests.Add(1))
	began := lb.now()

	end := time.Now().Add(lb.limits.Call)
	ctx, cancel := context.WithDeadlineCause(r.Context(), end, errCallTooLong)
	defer cancel()
	_ = c.SetWriteDeadline(end)

	at := c.stop
	at.At = began
	recorder := journey.NewRecorder(journey.Journey{
		ID:           c.wire.id + "-" + strconv.Itoa(number),
		Started:      began,
		Client:       c.wire.RemoteAddr().String(),
		Request:      number,
		Host:         hostOf(c.site, r),
		Method:       r.Method,
		Path:         r.URL.Path,
		TLS:          c.tls,
		Verification: c.verification,
	})

	// Full duplex stays off: with it net/http keeps connections in use whose body was not read to
	// its end, and takes the rest of the body for the next request.
	body := guardBody(r, c, lb.limits.BodyStall, end)
	defer body.release()
	answer := &response{ResponseWriter: w, body: body, draining: &lb.draining}

	if r.ProtoMajor != 1 { // net/http lets the preface of HTTP/2 through
		at.Verdict, at.Reason, at.Fix = journey.Refused, journey.BadRequest, ""
		at.Decided = fmt.Sprintf("the request is %s, only HTTP/1.1 is spoken; answered with 505 and closed", r.Proto)
		recorder.Stop(at)
		lb.keepCall(recorder, http.StatusHTTPVersionNotSupported)
		// net/http ends the connection after this answer.
		answer.refuse(http.StatusHTTPVersionNotSupported, "Only HTTP/1.1 is spoken here.")
		return
	}
	// What is configured may have changed since the connection began.
	now := lb.sites.Load()
	affinity := now.find(c.site.name).affinity
	wanted := affinity.wanted(r)
	got, err := now.backends.pick(wanted)
	if err != nil {
		at.Verdict, at.Reason, at.Fix = journey.Refused, journey.NoNodeAvailable, ""
		at.Decided = fmt.Sprintf("none of %d runtime nodes is up; answered with 503", len(now.backends.backends))
		at.Took = lb.now().Sub(began)
		recorder.Stop(at)
		lb.keepCall(recorder, http.StatusServiceUnavailable)
		answer.refuse(http.StatusServiceUnavailable, "No runtime node is available.")
		return
	}
	at.Took = lb.now().Sub(began)
	recorder.Stop(at)
	backend := now.backends.backends[got]
	recorder.Set(func(j *journey.Journey) { j.Node = backend.ID() })
	answer.setCookie = affinity.setCookie(wanted, got)

	forwarded := lb.forward(r, c, body)
	fault := callBackend(backend, answer, forwarded.WithContext(journey.NewContext(ctx, recorder)))
	// A read of the body ends at the same moment as the context does, and may be noticed first.
	tooLong := errors.Is(context.Cause(ctx), errCallTooLong) || !time.Now().Before(end)
	lb.finish(recorder, answer, fault, tooLong)
}

// finish ends a call after its node has returned: fault is what the node panicked with, if it
// did, and tooLong tells that the call reached its time limit.
func (lb *LoadBalancer) finish(recorder *journey.Recorder, answer *response, fault any, tooLong bool) {
	switch {
	case tooLong:
		// The write deadline has passed as well: whatever the node answered does not arrive whole.
		recorder.Stop(journey.Stop{
			Station: journey.LoadBalancer, At: lb.now(), Verdict: journey.Refused, Reason: journey.RequestTimeout,
			Decided: fmt.Sprintf("the call was not finished after %s and was cut", lb.limits.Call),
		})
		fallthrough
	case fault == http.ErrAbortHandler:
		lb.keepCall(recorder, 0)
		panic(http.ErrAbortHandler)
	case fault != nil:
		lb.log.Error("a runtime node panicked", "call", recorder.Journey().ID, "panic", fmt.Sprint(fault), "stack", answer.stack)
		if answer.status != 0 {
			lb.keepCall(recorder, 0)
			panic(http.ErrAbortHandler)
		}
		lb.keepCall(recorder, http.StatusBadGateway)
		answer.refuse(http.StatusBadGateway, "The runtime node failed.")
	case answer.status == 0 && lb.base.Err() != nil:
		// The load balancer ends and has cut the call: the sender gets no answer.
		lb.keepCall(recorder, 0)
		panic(http.ErrAbortHandler)
	default:
		if answer.status == 0 {
			answer.WriteHeader(http.StatusOK)
		}
		lb.keepCall(recorder, answer.status)
	}
}

// keepCall keeps the record of a call. This happens before the last bytes of all but large
// answers leave, so that whoever has read the answer finds the record.
func (lb *LoadBalancer) keepCall(recorder *journey.Recorder, status int) {
	if !lb.records() {
		return
	}
	j := recorder.Journey()
	j.Ended = lb.now()
	j.Status = status
	lb.keep(j)
}

// callBackend calls the node and returns what it panicked with.
func callBackend(b Backend, answer *response, r *http.Request) (fault any) {
	defer func() {
		if fault = recover(); fault != nil {
			answer.stack = string(debug.Stack())
		}
	}()
	b.ServeHTTP(answer, r)
	return nil
}

// hostOf is the name of the virtual host; one without a name is called as the sender does.
func hostOf(s *site, r *http.Request) string {
	if s.host.Name != "" {
		return s.host.Name
	}
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		return name
	}
	return r.Host
}

// forward makes the request as the runtime node gets it. The header map is the request's own:
// nobody else reads it afterwards.
func (lb *LoadBalancer) forward(r *http.Request, c *connection, body *body) *http.Request {
	out := *r
	// The order matters: what the sender names in Connection is removed before our headers are
	// set, so it cannot remove them.
	removeHopByHop(out.Header)
	passing := Passing{Identity: c.identity, Client: c.wire.clientIP(), Host: hostOf(c.site, r), TLS: c.tls}
	if lb.config.Parts.Forward != nil {
		lb.config.Parts.Forward(out.Header, passing, passOn)
	} else {
		passOn(out.Header, passing)
	}
	// Trailers could carry what was stripped from the header.
	out.Trailer = nil
	out.TLS = nil // it ends here
	_, port, _ := net.SplitHostPort(c.wire.RemoteAddr().String())
	out.RemoteAddr = net.JoinHostPort(lb.config.Address, port)
	if body != nil {
		out.Body = body
	}
	return &out
}
