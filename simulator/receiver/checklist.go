package receiver

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/loadbalancer"
)

// Mark says how a point of the checklist came out.
type Mark string

const (
	// Good: as it should be.
	Good Mark = "good"
	// Note: neither good nor bad, but worth knowing.
	Note Mark = "note"
	// Warning: it works today, and will or may not elsewhere or later.
	Warning Mark = "warning"
	// Bad: it keeps the sender out.
	Bad Mark = "bad"
	// Open: it could not be found out, since the call ended before.
	Open Mark = "open"
)

// The points of the checklist, in its order. A certificate has one of its own.
const (
	PointTLS         = "tls-version"
	PointCipher      = "cipher"
	PointServerName  = "server-name"
	PointHandshake   = "handshake"
	PointSent        = "certificate-sent"
	PointChain       = "chain"
	PointRoot        = "root-sent"
	PointOrder       = "order"
	PointCertificate = "certificate"
	PointCommonName  = "common-name"
	PointVerdict     = "verdict"
	PointComing      = "coming"
	PointMethod      = "method"
	PointPath        = "path"
	PointCredentials = "credentials"
	PointCSRF        = "csrf-token"
	PointBody        = "body"
)

// Points lists the points in the order of the checklist.
func Points() []string {
	return []string{PointTLS, PointCipher, PointServerName, PointHandshake, PointSent, PointChain, PointRoot, PointOrder,
		PointCertificate, PointCommonName, PointVerdict, PointComing, PointMethod, PointPath, PointCredentials, PointCSRF, PointBody}
}

// Check is one point of the checklist.
type Check struct {
	Point string `json:"point"`
	Mark  Mark   `json:"mark"`
	// Found says what was found.
	Found string `json:"found"`
	// Todo says what to change; empty if nothing is.
	Todo string `json:"todo,omitempty"`
	// Certificate is the place of the certificate that the point is about among those presented,
	// from 1; 0 if it is about none.
	Certificate int `json:"certificate,omitempty"`

	cause cause
}

// Bad are the points that keep the sender out.
func (c Call) Bad() []Check {
	var out []Check
	for _, one := range c.Checks {
		if one.Mark == Bad {
			out = append(out, one)
		}
	}
	return out
}

// list collects points.
type list struct{ checks []Check }

func (l *list) add(point string, mark Mark, todo string, format string, args ...any) *Check {
	l.checks = append(l.checks, Check{Point: point, Mark: mark, Todo: todo, Found: fmt.Sprintf(format, args...)})
	return &l.checks[len(l.checks)-1]
}

// checklist goes through a call point by point.
func (r *Receiver) checklist(c *connection, call Call) []Check {
	l := &list{}
	l.connection(c.handshake, call)
	r.certificate(l, c, call)
	if call.Ended == Answered {
		l.request(call)
	}
	return l.checks
}

// connection: TLS itself, and how the handshake ended.
func (l *list) connection(h loadbalancer.Handshake, call Call) {
	end, _ := call.Journey.End()
	switch {
	case h.Version == tls.VersionTLS12 && !slices.Contains(h.Offered, tls.VersionTLS13):
		l.add(PointTLS, Good, "", "TLS 1.2; the sender offers nothing newer")
	case h.Version != 0:
		l.add(PointTLS, Good, "", "%s", tls.VersionName(h.Version))
	case end.Reason == journey.TLSVersionNotOffered:
		l.add(PointTLS, Bad, end.Remedy(), "%s", end.Decided).cause = oldTLS
	default:
		l.add(PointTLS, Open, "", "no version was agreed on%s", offered(h.Offered))
	}
	if h.Cipher != 0 && h.Version != 0 {
		l.add(PointCipher, Good, "", "%s", tls.CipherSuiteName(h.Cipher))
	}
	switch {
	case h.ServerName != "":
		l.add(PointServerName, Good, "", "%s", h.ServerName)
	case len(h.Offered) > 0:
		l.add(PointServerName, Warning, "have the sender call the host by its name and send the name (SNI): without it, it gets the default host, and never a custom domain",
			"the sender named no server").cause = noServerName
	}
	if call.Ended != InHandshake {
		resumed := ""
		if h.Resumed {
			resumed = "; it resumed an earlier session, with the certificates of that one"
		}
		l.add(PointHandshake, Good, "", "the sender trusts this receiver's certificate, and finished the handshake%s", resumed)
		if call.Ended == WithoutRequest {
			l.add(PointMethod, Bad, "see what the sender tells of the connection: it may compare the host name after the handshake, or it was a mere test of the connection", "%s", end.Decided)
		}
		return
	}
	todo, why := end.Remedy(), notKnown
	switch end.Reason {
	case journey.SenderEndedHandshake:
		why = notTrusted
		todo = "import this receiver's root certificate into the sender's trust store, as that of the real load balancer must be; it also must be called by a name that its certificate has"
	case journey.TLSVersionNotOffered:
		why = oldTLS
	case journey.NotTLS:
		why = plainHTTP
	case journey.HandshakeFailed:
		if len(h.Presented) > 0 {
			why = keyMismatch
		}
	}
	text := end.Decided
	if alert := call.TLS.Alert; alert != nil {
		if meaning := meaningOf(*alert); meaning != "" {
			text += ": " + meaning
		}
	}
	l.add(PointHandshake, Bad, todo, "%s", text).cause = why
}

func offered(versions []uint16) string {
	if len(versions) == 0 {
		return ""
	}
	var names []string
	for _, v := range versions[:min(len(versions), 10)] {
		if v&0x0f0f != 0x0a0a { // GREASE, RFC 8701: a value to be ignored
			names = append(names, tls.VersionName(v))
		}
	}
	return "; the sender offers " + strings.Join(names, ", ")
}

// meaningOf says what an alert of a sender usually means.
func meaningOf(a journey.Alert) string {
	if a.From != journey.SenderSide {
		return ""
	}
	switch a.Name {
	case "unknown_ca", "certificate_unknown":
		return "it does not trust the root of the server's certificate"
	case "bad_certificate":
		return "it does not take the server's certificate: its root is not trusted, or it is for another name"
	case "certificate_expired":
		return "it takes the server's certificate for expired: compare the clocks"
	case "unsupported_certificate":
		return "it does not know the kind of the server's certificate"
	case "handshake_failure", "insufficient_security":
		return "it found no cipher or signature that both sides know"
	case "protocol_version":
		return "it does not want the TLS version that was agreed on"
	case "internal_error":
		return "it failed itself; Java says so if its trust store is empty or its keystore cannot be read"
	case "close_notify", "user_canceled":
		return "it gave up without a reason; senders that do not trust the server often do"
	}
	return ""
}

// request: what came over the connection.
func (l *list) request(call Call) {
	asked := call.Request
	end, _ := call.Journey.End()
	if asked.Method == "" {
		l.add(PointMethod, Bad, end.Remedy(), "%s", end.Decided)
		return
	}
	switch {
	case call.Ping && strings.HasPrefix(asked.Path, "/cxf/"):
		l.add(PointMethod, Note, "", "HEAD: a ping, as SOAMANAGER sends it. It is answered with 405, there as here, and that is no fault of anybody")
	case call.Ping:
		l.add(PointMethod, Note, "", "HEAD: a look whether somebody is there, no message")
	case asked.Method == http.MethodPost || asked.Method == http.MethodPut:
		l.add(PointMethod, Good, "", "%s", asked.Method)
	default:
		l.add(PointMethod, Note, "", "%s: a flow is called with it, too; messages are sent with POST", asked.Method)
	}
	switch {
	case knownPrefix(asked.Path) && call.Journey.Status != http.StatusNotFound:
		l.add(PointPath, Good, "", "%s", asked.Path)
	case knownPrefix(asked.Path):
		l.add(PointPath, Bad, "compare it with the endpoint shown under Manage Integration Content", "%s: no channel can have this address", asked.Path).cause = wrongPath
	default:
		l.add(PointPath, Bad, fmt.Sprintf("put the prefix of the adapter in front: /http%s for HTTPS, /cxf%s for SOAP, IDoc and XI", asked.Path, asked.Path),
			"%s does not begin with /http/, /cxf/, /as2/as2/, /as2/mdn/ or /gw/odata/; the tenant answers 404", asked.Path).cause = wrongPath
	}
	switch asked.Credentials {
	case "":
		l.add(PointCredentials, Good, "", "none beside the certificate")
	default:
		kind := asked.Credentials + " credentials"
		if asked.Credentials == "other" {
			kind = "an Authorization header that is neither Basic nor Bearer"
		}
		todo := "take them out of the sender: with a certificate that is accepted they count for nothing, and without one they hide that it is missing"
		l.add(PointCredentials, Warning, todo, "%s (not shown, not checked)", kind).cause = beside
	}
	if modifies(asked.Method) && strings.HasPrefix(asked.Path, "/http/") && !asked.CSRFToken {
		l.add(PointCSRF, Note, "have the sender fetch a token first (X-CSRF-Token: Fetch), or clear CSRF Protected in the channel",
			"no token was sent; a channel that is CSRF-protected, as HTTPS channels are by default, answers 403")
	} else if asked.CSRFToken {
		l.add(PointCSRF, Note, "", "the sender knows of CSRF tokens")
	}
	switch end.Reason {
	case journey.BodyStalled, journey.BodyTooLarge, journey.RequestTimeout:
		l.add(PointBody, Bad, end.Remedy(), "%s", end.Decided)
	default:
		switch {
		case asked.Length == 1:
			l.add(PointBody, Good, "", "1 byte")
		case asked.Length > 0:
			l.add(PointBody, Good, "", "%d bytes", asked.Length)
		case asked.Length < 0:
			l.add(PointBody, Good, "", "sent in chunks")
		}
	}
}

// prefixes of the endpoints [C: SAP-docs/btp-integration-suite, docs/ci].
var prefixes = []string{"/http/", "/cxf/", "/as2/as2/", "/as2/mdn/", "/gw/odata/"}

func knownPrefix(path string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(path, p) })
}
