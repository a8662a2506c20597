package sender

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
)

// Stage is how far a call came.
type Stage string

const (
	// StageDial: the connection was being opened.
	StageDial Stage = "dial"
	// StageTLS: the TLS handshake was under way. With TLS 1.3 the load balancer's verdict may come
	// after the sender thinks that it is done; that counts as handshake too.
	StageTLS Stage = "tls"
	// StageRequest: the request was being sent.
	StageRequest Stage = "request"
	// StageResponse: the request was sent, and the answer was waited for or being read.
	StageResponse Stage = "response"
	// StageDone: an HTTP answer was read.
	StageDone Stage = "done"
)

// Purpose says why a request was sent that is not the call itself.
type Purpose string

const (
	// Challenge: the request without credentials, answered with 401 and the challenge.
	Challenge Purpose = "challenge"
	// TokenFetch: the request that fetched the CSRF token.
	TokenFetch Purpose = "token fetch"
	// Stale: a request on a kept connection that the other side had closed meanwhile; it was sent
	// again on a new one.
	Stale Purpose = "stale connection"
)

// Attempt is a request that went before the one that the Result tells of.
type Attempt struct {
	Purpose Purpose
	Method  string
	// Status is 0 if no answer came; Err says why then.
	Status int
	Err    error
	// LocalAddr and Request join it to the load balancer's record, as in [Result].
	LocalAddr string
	Request   int
}

// Result tells what happened to a call.
type Result struct {
	// Err is nil when an HTTP answer was read, whatever its status.
	Err   error
	Stage Stage
	// Alert is the TLS alert that ended the connection; nil if none did.
	Alert *journey.Alert
	// TLS is what is known of the connection. ServerName is what was asked for.
	TLS journey.TLS
	// ServerChain is what the load balancer presented, its own certificate first.
	ServerChain []*x509.Certificate

	// CertificateAsked tells whether the load balancer asked for a certificate; false in a resumed
	// session, and when the handshake ended before it could be seen.
	CertificateAsked bool
	// AcceptableCAs are the DNs that it named, in the order of the certificate (C=…, O=…, CN=…).
	AcceptableCAs []string
	// CertificateSent tells whether a certificate was sent; Sent is what was sent (DER).
	CertificateSent bool
	Sent            [][]byte

	// Method and URL are what was called.
	Method string
	URL    string
	// Status is the HTTP status; 0 if there was no answer.
	Status int
	Header http.Header
	// Body is the beginning of the answer's body, 1 MiB at most; Truncated says that there was more.
	Body      []byte
	Truncated bool

	// LocalAddr ("ip:port") is the sender's end of the connection: Client of the journey.
	LocalAddr string
	// Request counts the requests on the connection from 1; 0 means that none was sent, or that the
	// load balancer had not finished the handshake.
	Request int
	// Attempts are the requests that went before: challenge, token fetch.
	Attempts []Attempt
	// At is when the call began by the sender's clock; Took is how long it took, by the real one.
	At   time.Time
	Took time.Duration

	from      string // the sender's name
	address   string
	unsent    string // why no certificate was sent
	misfit    bool   // the key does not belong to the first certificate sent
	unchecked bool   // nothing was checked of the load balancer
}

// Answered tells whether an HTTP answer came, whatever its status.
func (r Result) Answered() bool { return r.Err == nil && r.Status != 0 }

// Stop is the sender's own stop in the journey: passed when an HTTP answer came, whatever its
// status, and refused with the reason otherwise.
func (r Result) Stop() journey.Stop {
	stop := journey.Stop{Station: journey.Sender, At: r.At, Verdict: journey.Passed, Took: r.Took, Saw: r.facts()}
	if r.Err == nil {
		stop.Decided = fmt.Sprintf("%s, %s, and got HTTP %d", r.trusted(), r.sentence(), r.Status)
		return stop
	}
	stop.Verdict = journey.Refused
	stop.Reason, stop.Decided, stop.Fix = r.refusal()
	return stop
}

// refusal is reason, sentence and, where the reason's own does not fit, the fix.
func (r Result) refusal() (reason journey.Reason, decided, fix string) {
	var verification *tls.CertificateVerificationError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case r.Stage == StageDial:
		return journey.CannotConnect, fmt.Sprintf("could not connect to %s: %v", r.address, r.Err), ""

	case errors.As(r.Err, &verification) && errors.As(r.Err, &name):
		return journey.ServerNameDiffers, fmt.Sprintf("ended the handshake with %s: the certificate %s is not for the host called: %v",
			r.alert(), r.server(), name), ""
	case errors.As(r.Err, &verification) && errors.As(r.Err, &invalid):
		return journey.ServerNotTrusted, fmt.Sprintf("ended the handshake with %s: the certificate of the load balancer is not valid: %v",
			r.alert(), invalid), fixOfInvalid(invalid)
	case errors.As(r.Err, &verification):
		return journey.ServerNotTrusted, fmt.Sprintf("ended the handshake with %s: the trust store does not vouch for %s, issued by %s: %v",
			r.alert(), r.server(), r.issuer(), verification.Err), ""

	case errors.As(r.Err, &record):
		return journey.CannotConnect, fmt.Sprintf("connected to %s, but what answered there is not TLS: it began with %q",
			r.address, record.RecordHeader[:]), ""

	case r.Stage == StageTLS && r.misfit && r.proofRejected():
		return journey.KeyDoesNotFit, fmt.Sprintf("sent the certificate %s and signed with a key that does not belong to it; the load balancer answered with %s",
			subject(r.Sent[0]), r.alert()), ""
	case r.Stage == StageTLS && r.Alert != nil && r.Alert.From == journey.LoadBalancerSide:
		return journey.HandshakeEnded, fmt.Sprintf("%s; the load balancer ended the handshake with %s", r.sentence(), r.alert()), ""
	case r.Stage == StageTLS && isTimeout(r.Err):
		return journey.NoAnswer, fmt.Sprintf("the TLS handshake with %s was not finished in time: %v", r.address, r.Err), ""
	case r.Stage == StageTLS && isClosed(r.Err):
		return journey.HandshakeEnded, fmt.Sprintf("the connection was closed during the handshake, without an alert: %v", r.Err), ""
	case r.Stage == StageTLS:
		return journey.HandshakeFailed, fmt.Sprintf("ended the handshake with %s: %v", r.alert(), r.Err), ""

	case r.Alert != nil:
		return journey.NoAnswer, fmt.Sprintf("%s; the connection was ended with %s before an answer came", r.sentence(), r.alert()), ""
	case r.Status != 0:
		return journey.NoAnswer, fmt.Sprintf("the answer began with HTTP %d and broke off: %v", r.Status, r.Err), ""
	}
	return journey.NoAnswer, fmt.Sprintf("%s; no answer came: %v", r.sentence(), r.Err), ""
}

// proofRejected tells whether the alert is one with which a stack says that the signature of the
// handshake is wrong (RFC 8446, section 4.4.3), or is of another kind than the certificate's key.
func (r Result) proofRejected() bool {
	return r.Alert != nil && r.Alert.From == journey.LoadBalancerSide &&
		(r.Alert.Name == "decrypt_error" || r.Alert.Name == "illegal_parameter")
}

func fixOfInvalid(invalid x509.CertificateInvalidError) string {
	if invalid.Reason == x509.Expired {
		return "Check the clock of the sender; if it is right, the load balancer's certificate has to be renewed"
	}
	return "The load balancer's certificate has to be issued again"
}

// trusted says why the load balancer was believed.
func (r Result) trusted() string {
	if r.unchecked {
		return "did not check the certificate of the load balancer"
	}
	return "trusted the certificate " + r.server()
}

// sentence says what was sent of certificates.
func (r Result) sentence() string {
	switch {
	case r.CertificateSent && len(r.Sent) == 1:
		return "sent the certificate " + subject(r.Sent[0]) + " alone"
	case r.CertificateSent:
		return fmt.Sprintf("sent %d certificates, %s first", len(r.Sent), subject(r.Sent[0]))
	case r.unsent != "":
		return "sent no certificate (" + r.unsent + ")"
	}
	return "sent no certificate"
}

func (r Result) alert() string {
	if r.Alert == nil {
		return "an alert that is not known"
	}
	return r.Alert.String()
}

func (r Result) server() string {
	if len(r.ServerChain) == 0 {
		return "of the load balancer"
	}
	return pki.TraceDN(r.ServerChain[0].RawSubject)
}

// issuer is who issued the topmost certificate that the load balancer presented.
func (r Result) issuer() string {
	if len(r.ServerChain) == 0 {
		return "an unknown issuer"
	}
	return pki.TraceDN(r.ServerChain[len(r.ServerChain)-1].RawIssuer)
}

func (r Result) facts() []journey.Fact {
	var out []journey.Fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, journey.Fact{Name: name, Value: value})
		}
	}
	add("sender", r.from)
	add("connected to", r.address)
	add("own address", r.LocalAddr)
	add("TLS version", r.TLS.Version)
	add("cipher", r.TLS.Cipher)
	add("server name asked for", r.TLS.ServerName)
	if r.TLS.Resumed {
		add("session", "resumed")
	}
	if r.Alert != nil {
		add("alert", r.Alert.String())
	}
	for i, cert := range r.ServerChain {
		add("load balancer's certificate "+strconv.Itoa(i), pki.TraceDN(cert.RawSubject))
	}
	if r.CertificateAsked {
		add("certificate", "asked for")
	}
	add("CAs named", strings.Join(r.AcceptableCAs, "; "))
	for i, der := range r.Sent {
		add("sent certificate "+strconv.Itoa(i), subject(der))
	}
	if !r.CertificateSent {
		add("no certificate sent", r.unsent)
	}
	for _, a := range r.Attempts {
		value := a.Method + " " + strconv.Itoa(a.Status)
		if a.Err != nil {
			value = a.Method + " " + a.Err.Error()
		}
		add("before: "+string(a.Purpose), value)
	}
	if r.Status != 0 {
		add("answer", "HTTP "+strconv.Itoa(r.Status))
	}
	return out
}

// String is the result on one line.
func (r Result) String() string {
	head := fmt.Sprintf("%s: %s %s: ", r.from, r.Method, r.URL)
	if r.Err == nil {
		return head + fmt.Sprintf("HTTP %d, %s, %s", r.Status, r.TLS.Version, r.sentence())
	}
	reason, decided, _ := r.refusal()
	return head + fmt.Sprintf("%s: %s", reason, strings.ReplaceAll(decided, "\n", " "))
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// isClosed tells whether the other side simply went away.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, errorConnReset) || errors.Is(err, errorConnAborted)
}

// How Windows numbers a connection that was reset or aborted; package syscall has names for them
// there only, and other systems do not use the numbers.
const (
	errorConnAborted = syscall.Errno(10053)
	errorConnReset   = syscall.Errno(10054)
)
