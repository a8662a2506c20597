package diagnosis

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"example.com/gatehouse/simulator/journey"
)

// Output is what a client told of a call: curl -v, openssl s_client, Java with debugging, or the
// trace of an ABAP system.
type Output struct {
	Name   string
	Tool   string
	Host   string
	Method string
	Path   string
	// Status is that of the last answer; 0 if none came.
	Status int
	At     time.Time
	// Alert is the TLS alert that the load balancer sent; nil if none is told.
	Alert *journey.Alert
	// Asked: the load balancer asked for a certificate. Sent: one was sent; only known if Asked.
	Asked, Sent, SentKnown bool
	// Named are the CAs that the load balancer named.
	Named []string
	// User logged on with Basic; Bearer: a token was sent.
	User   string
	Bearer bool
	// CSRFRequired: the answer demands a CSRF token.
	CSRFRequired bool
	// Cookies: the answer before set an affinity cookie, and the call sent cookies.
	EncodedCookie bool

	symptoms map[symptom]Quote
	quotes   []Quote
}

// Tools whose trust store is not the sender's.
const (
	toolOpenSSL = "openssl"
	toolConnect = "connectivity test"
)

// symptom is something that a client's message means, whoever's words it is in.
type symptom string

const (
	untrustedServer symptom = "the sender does not trust the load balancer"
	otherName       symptom = "the load balancer's certificate is for another name"
	unknownHost     symptom = "the host name is not known"
	noConnection    symptom = "no connection"
	notTLS          symptom = "what answered is not TLS"
	keyMismatch     symptom = "key and certificate do not belong together"
	noKey           symptom = "the private key is missing"
	nothingSent     symptom = "the sender had no certificate to send"
	nothingToSend   symptom = "nothing is configured that could be sent"
	notNamed        symptom = "the load balancer names no issuer of the certificate"
	emptyReply      symptom = "the connection ended without an answer"
	oldTLS          symptom = "no common TLS version"
	timedOut        symptom = "no answer in time"
)

// messages are what clients write [C: the tools' own texts]. The first one in a line counts.
var messages = []struct {
	pattern *regexp.Regexp
	means   symptom
}{
	{regexp.MustCompile(`(?i)SSSLERR_PEER_CERT_UNTRUSTED|PKIX path building failed|unable to find valid certification path|SSL certificate problem: (unable to get (local )?issuer|self[- ]signed)|SEC_ERROR_UNKNOWN_ISSUER|CERTIFICATE_VERIFY_FAILED|certificate signed by unknown authority|UntrustedRoot|unable to verify the first certificate`), untrustedServer},
	{regexp.MustCompile(`(?i)SSSLERR_SERVER_CERT_MISMATCH|no alternative certificate subject name matches|No subject alternative (DNS )?names? (present|matching)|No name matching .* found|does not match target host name|Hostname/IP does not match|certificate is valid for .*, not `), otherName},
	{regexp.MustCompile(`(?i)Could not resolve host|NIEHOST_UNKNOWN|UnknownHostException|Name or service not known|nodename nor servname|getaddrinfo ENOTFOUND|no such host`), unknownHost},
	{regexp.MustCompile(`(?i)Connection refused|Failed to connect to|Connection timed out|NIECONN_REFUSED|ICM_HTTP_CONNECTION_FAILED|ECONNREFUSED|ETIMEDOUT|No route to host|connect: `), noConnection},
	{regexp.MustCompile(`(?i)wrong version number|SSSLERR_NO_SSL_RESPONSE|Unsupported or unrecognized SSL message|first record does not look like a TLS handshake|what answered there is not TLS`), notTLS},
	{regexp.MustCompile(`(?i)key values mismatch|private key does not match|does not match the private key|The private key and the certificate do not|PKCS12 and certificate do not`), keyMismatch},
	{regexp.MustCompile(`(?i)unable to set private key file|could not load PEM client certificate|no private key|private key is missing|Cannot retrieve key|No private key found|NO_START_LINE`), noKey},
	{regexp.MustCompile(`(?i)use empty Certificate message instead|No X.509 certificate for client authentication|no client certificate (was )?(sent|available|selected)|SSL_CTX_get_client_cert_cb.*none|Sending an empty client certificate`), nothingSent},
	{regexp.MustCompile(`(?i)unsupported protocol|protocol_version|no protocols available|SSLHandshakeException: No appropriate protocol|tlsv1 alert protocol version`), oldTLS},
	{regexp.MustCompile(`(?i)Empty reply from server|Remote host (closed|terminated) (connection|the handshake)|unexpected eof|Recv failure: Connection reset|ECONNRESET|Connection reset by peer`), emptyReply},
	{regexp.MustCompile(`(?i)Operation timed out|ICM_HTTP_TIMEOUT|Read timed out|SocketTimeoutException`), timedOut},
}

var (
	requestLine  = regexp.MustCompile(`^> ?(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\S+) HTTP/[0-9.]+$`)
	statusLine   = regexp.MustCompile(`^<? ?HTTP/[0-9.]+ ([1-5][0-9][0-9])( |$)`)
	alertNumber  = regexp.MustCompile(`SSL alert number ([0-9]{1,3})`)
	alertWords   = regexp.MustCompile(`(?i)(?:fatal alert: |alert )(certificate[ _]required|handshake[ _]failure|bad[ _]certificate|unsupported[ _]certificate|certificate[ _]expired|certificate[ _]revoked|certificate[ _]unknown|unknown[ _]ca|decrypt[ _]error|decode[ _]error|protocol[ _]version|illegal[ _]parameter|access[ _]denied|insufficient[ _]security|internal[ _]error|unrecognized[ _]name)`)
	basicUser    = regexp.MustCompile(`Server auth using Basic with user '(.*)'$`)
	connectsTo   = regexp.MustCompile(`(?:Connected to|Host) ([A-Za-z0-9.-]{1,253})(?: |:443| \()`)
	openssl      = regexp.MustCompile(`^(CONNECTED\([0-9A-F]+\)|Acceptable client certificate CA names|No client certificate CA names sent|no peer certificate available|Verify return code: [0-9]+|SSL handshake has read )`)
	verifyReturn = regexp.MustCompile(`^\s*Verify return code: ([0-9]+) `)
	sapMark      = regexp.MustCompile(`SSSLERR_|SapSSL|ICM_HTTP|NIECONN|NIEHOST|icm/`)
	javaMark     = regexp.MustCompile(`javax\.net\.ssl|java\.net\.|sun\.security`)
)

// mostOutput bounds what is kept of one output, mostOutputLines what is looked at, in lines.
const (
	mostOutput      = 40
	mostOutputLines = 20_000
)

// readOutput recognises a client's output in lines that are no log; nil if there is none.
func readOutput(name string, lines []Quote) *Output {
	o := &Output{Name: name, symptoms: map[symptom]Quote{}}
	named := false
	for _, q := range lines[:min(len(lines), mostOutputLines)] {
		text := cut(strings.TrimRight(q.Text, " "), 4*quotedBytes)
		o.mark(text)
		o.http(text, q)
		o.handshake(text, q)
		for _, m := range messages {
			if m.pattern.MatchString(text) {
				if _, has := o.symptoms[m.means]; !has {
					o.symptoms[m.means] = q
					o.keep(q)
				}
				break
			}
		}
		switch {
		case strings.HasPrefix(text, "Acceptable client certificate CA names"):
			named = true
		case named && strings.Contains(text, "=") && len(o.Named) < 500:
			o.Named = append(o.Named, text)
		default:
			named = false
		}
	}
	if o.Tool == "" && len(o.symptoms) == 0 && o.Alert == nil && o.Status == 0 {
		return nil
	}
	if o.Tool == "" {
		o.Tool = "client"
	}
	return o
}

func (o *Output) keep(q Quote) {
	if len(o.quotes) < mostOutput {
		o.quotes = append(o.quotes, q)
	}
}

// mark finds out which tool it is.
func (o *Output) mark(text string) {
	switch {
	case o.Tool != "":
	case strings.HasPrefix(text, "curl: (") || strings.HasPrefix(text, "* ") && (strings.Contains(text, "TLS") || strings.Contains(text, "Connected to") || strings.Contains(text, "Trying") || strings.Contains(text, "Host ")):
		o.Tool = "curl"
	case openssl.MatchString(text):
		o.Tool = toolOpenSSL
	case sapMark.MatchString(text):
		o.Tool = "ABAP"
	case javaMark.MatchString(text):
		o.Tool = "Java"
	}
}

func (o *Output) http(text string, q Quote) {
	if m := requestLine.FindStringSubmatch(text); m != nil {
		o.Method, o.Path = m[1], m[2]
		o.keep(q)
		return
	}
	if m := statusLine.FindStringSubmatch(text); m != nil {
		if status, _ := strconv.Atoi(m[1]); status >= 200 {
			o.Status, o.CSRFRequired = status, false
			o.keep(q)
		}
		return
	}
	if m := basicUser.FindStringSubmatch(text); m != nil {
		o.User = m[1]
		return
	}
	if m := connectsTo.FindStringSubmatch(text); m != nil && o.Host == "" && strings.Contains(m[1], ".") {
		o.Host = m[1]
	}
	name, value, ok := strings.Cut(strings.TrimLeft(text, "<> "), ":")
	if !ok {
		return
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(name) {
	case "host":
		if strings.HasPrefix(text, ">") {
			o.Host, _, _ = strings.Cut(value, ":")
		}
	case "authorization":
		// The credentials themselves are never kept.
		o.Bearer = o.Bearer || strings.HasPrefix(strings.ToLower(value), "bearer ")
	case "x-csrf-token":
		if strings.EqualFold(value, "Required") {
			o.CSRFRequired = true
			o.keep(q)
		}
	case "cookie":
		if strings.Contains(value, "BIGipServer") && strings.Contains(value, "=%21") {
			o.EncodedCookie = true // "!" stands at the beginning of the value that was set
		}
	case "date":
		if at, err := http.ParseTime(value); err == nil {
			o.At = at
		}
	}
}

// handshake reads what is told of TLS.
func (o *Output) handshake(text string, q Quote) {
	if m := alertNumber.FindStringSubmatch(text); m != nil {
		if n, err := strconv.ParseUint(m[1], 10, 8); err == nil {
			o.Alert = &journey.Alert{From: journey.LoadBalancerSide, Number: uint8(n), Name: journey.AlertName(uint8(n))}
			o.keep(q)
		}
	} else if m := alertWords.FindStringSubmatch(text); m != nil && o.Alert == nil && !strings.Contains(text, "(OUT)") {
		name := strings.ReplaceAll(strings.ToLower(m[1]), " ", "_")
		if n, ok := journey.AlertNumber(name); ok {
			o.Alert = &journey.Alert{From: journey.LoadBalancerSide, Number: n, Name: name}
			o.keep(q)
		}
	}
	switch {
	case strings.Contains(text, "Request CERT (13)"), strings.HasPrefix(text, "Acceptable client certificate CA names"):
		o.Asked = true
	case strings.Contains(text, "(OUT), TLS handshake, Certificate (11)"):
		o.SentKnown = true // it may be empty: only the proof of the key tells
	case strings.Contains(text, "(OUT), TLS handshake, CERT verify (15)"):
		o.Sent, o.SentKnown = true, true
	}
	if m := verifyReturn.FindStringSubmatch(text); m != nil && m[1] != "0" {
		if _, has := o.symptoms[untrustedServer]; !has {
			o.symptoms[untrustedServer] = q
			o.keep(q)
		}
	}
}

// shows tells whether the client complained of it.
func (o *Output) shows(s symptom) (Quote, bool) {
	if o == nil {
		return Quote{}, false
	}
	q, ok := o.symptoms[s]
	return q, ok
}

// alerted tells whether one of the alerts came from the load balancer.
func (o *Output) alerted(names ...string) bool {
	if o == nil || o.Alert == nil {
		return false
	}
	for _, n := range names {
		if o.Alert.Name == n {
			return true
		}
	}
	return false
}
