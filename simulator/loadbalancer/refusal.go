package loadbalancer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
)

// refusal is why a connection ended before a call came.
type refusal struct {
	reason    journey.Reason
	decided   string
	fix       string
	alert     *journey.Alert
	result    verify.Result
	presented []*x509.Certificate
}

// explain finds out why a handshake failed, and which alert ended it.
//
// crypto/tls gives names to few of its errors. What can be told from our own knowledge of the
// connection is told from that; the three texts below are compared because there is nothing else,
// and a text that is not recognised makes the general reason HandshakeFailed.
func (lb *LoadBalancer) explain(w *wire, secured *tls.Conn, err error) refusal {
	alert, ok := journey.ReceivedAlert(err, journey.SenderSide)
	if !ok && w.records.alert != nil {
		alert, ok = *w.records.alert, true
	}
	if ok {
		return refusal{
			reason:  journey.SenderEndedHandshake,
			decided: fmt.Sprintf("the sender ended the handshake with alert %s (%d)", alert.Name, alert.Number),
			alert:   &alert,
		}
	}
	r := refusal{alert: sentAlert(secured)}
	var (
		refused *notAccepted
		record  tls.RecordHeaderError
		network *net.OpError
	)
	text := err.Error()
	switch {
	case errors.As(err, &refused):
		r.reason, r.result, r.presented = journey.CertificateRequired, refused.result, refused.presented
		r.decided = fmt.Sprintf("host %s requires a valid client certificate; %s; the handshake was ended",
			w.site.host.Name, resultSentence(refused.result))
		r.fix = verify.Advice(refused.result)
	case errors.Is(err, errNotTLS), errors.As(err, &record) && record.Conn != nil:
		r.reason, r.decided = journey.NotTLS, w.garbage()
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.reason = journey.HandshakeTimeout
		r.decided = fmt.Sprintf("the handshake was not finished after %s", lb.limits.HandshakeTimeout)
		if w.seen == 0 {
			r.decided = fmt.Sprintf("nothing was sent for %s", lb.limits.HandshakeTimeout)
		}
	case w.first[0] == 0x80, w.site != nil && !lb.speaks(w.versions):
		r.reason = journey.TLSVersionNotOffered
		r.decided = fmt.Sprintf("the sender offers %s; the load balancer speaks %s and newer",
			versionNames(w.versions), tls.VersionName(lb.config.MinVersion))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network) && network.Op != "local error":
		r.reason = journey.SenderEndedHandshake
		r.decided = "the sender closed the connection during the handshake, without an alert"
		if w.seen == 0 {
			r.decided = "the sender closed the connection without sending anything"
		}
	case strings.Contains(text, "client didn't provide a certificate"):
		r.reason = journey.CertificateRequired
		r.decided = fmt.Sprintf("host %s requires a client certificate, and none was presented; the handshake was ended", w.site.host.Name)
	case strings.Contains(text, "failed to parse client certificate"),
		strings.Contains(text, "client sent certificate containing RSA key"),
		strings.Contains(text, "client certificate contains an unsupported public key"):
		r.reason = journey.CertificateUnreadable
		r.decided = "a certificate that was presented cannot be read: " + strings.TrimPrefix(text, "tls: ")
	case strings.Contains(text, "invalid signature by the client certificate"):
		r.reason = journey.HandshakeFailed
		r.decided = "the sender did not prove that it has the private key of its certificate"
		r.fix = "Give the sender the key pair, certificate and private key made together, and put the sender's own certificate first in the chain"
	default:
		r.reason, r.decided = journey.HandshakeFailed, "the handshake failed: "+strings.TrimPrefix(text, "tls: ")
	}
	return r
}

// speaks tells whether one of the versions is offered.
func (lb *LoadBalancer) speaks(versions []uint16) bool {
	return slices.ContainsFunc(versions, func(v uint16) bool {
		return v >= lb.config.MinVersion && v <= tls.VersionTLS13
	})
}

func versionNames(versions []uint16) string {
	if len(versions) == 0 {
		return "SSL 2.0"
	}
	names := make([]string, 0, len(versions))
	for _, v := range versions[:min(len(versions), 10)] {
		names = append(names, tls.VersionName(v))
	}
	return strings.Join(names, ", ")
}

// garbage says what came instead of TLS.
func (w *wire) garbage() string {
	first := w.first[:w.seen]
	method, _, _ := strings.Cut(string(first), " ")
	switch method {
	case "GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS", "CONNECT":
		return "what came was plain HTTP, on a port for HTTPS"
	}
	return fmt.Sprintf("what came was not TLS; it begins with the bytes % x", first)
}

// sentAlert returns the alert with which crypto/tls ended a handshake, or nil. It is given the
// *tls.Conn.
//
// Most errors of crypto/tls do not say which alert went out. It keeps the alert as the error of
// the direction out, since nothing may be sent after it, in a field that is not exported; so it
// is read by reflection. Should the field change, the alert is missing from the record, and the
// tests, which compare it with what senders received, fail.
func sentAlert(secured any) *journey.Alert {
	out := reflect.ValueOf(secured).Elem().FieldByName("out")
	if out.Kind() != reflect.Struct {
		return nil
	}
	v := out.FieldByName("err")
	for range 8 {
		switch v.Kind() { // of a field that is not there: none of these
		case reflect.Interface, reflect.Pointer:
			v = v.Elem()
		case reflect.Struct:
			if op := v.FieldByName("Op"); op.Kind() == reflect.String {
				if op.String() != "local error" {
					return nil
				}
				v = v.FieldByName("Err")
			} else {
				v = v.FieldByName("err")
			}
		case reflect.Uint8:
			number := uint8(v.Uint())
			return &journey.Alert{From: journey.LoadBalancerSide, Number: number, Name: journey.AlertName(number)}
		default:
			return nil
		}
	}
	return nil
}

// keepRefusal writes down a connection that ended before a call came.
func (lb *LoadBalancer) keepRefusal(w *wire, why refusal, secured *tls.Conn) {
	if !lb.records() {
		return
	}
	now := lb.now()
	j := journey.Journey{
		ID:           w.id + "-0",
		Started:      w.started,
		Ended:        now,
		Client:       w.RemoteAddr().String(),
		TLS:          journey.TLS{ServerName: w.serverName, Alert: why.alert},
		Verification: verification(why.result, why.presented),
	}
	if w.site != nil {
		j.Host = w.site.host.Name
	}
	if secured != nil {
		if state := secured.ConnectionState(); state.Version != 0 {
			j.TLS.Version = tls.VersionName(state.Version)
			j.TLS.Resumed = state.DidResume
			if state.CipherSuite != 0 {
				j.TLS.Cipher = tls.CipherSuiteName(state.CipherSuite)
			}
		}
	}
	j.Stops = []journey.Stop{{
		Station: journey.LoadBalancer,
		At:      now,
		Verdict: journey.Refused,
		Reason:  why.reason,
		Decided: why.decided,
		Fix:     why.fix,
		Saw:     facts(j.TLS, j.Verification),
		Took:    now.Sub(w.started),
	}}
	lb.keep(j)
}
