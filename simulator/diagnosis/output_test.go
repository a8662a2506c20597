package diagnosis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func outputOfText(text string) *Output {
	var lines []Quote
	for i, line := range strings.Split(text, "\n") {
		lines = append(lines, Quote{File: "text", Line: int64(i + 1), Text: line})
	}
	return readOutput("text", lines)
}

func TestMessagesOfClientsAreUnderstood(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]symptom{
		"curl: (60) SSL certificate problem: self-signed certificate in certificate chain":                              untrustedServer,
		"javax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid certification path":       untrustedServer,
		"[Thr 140] *** ERROR => SSL handshake failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)":                               untrustedServer,
		"curl: (60) SSL: no alternative certificate subject name matches target host name 'x'":                          otherName,
		"java.security.cert.CertificateException: No subject alternative DNS name matching x found.":                    otherName,
		"curl: (6) Could not resolve host: x.example":                                                                   unknownHost,
		"java.net.UnknownHostException: x.example":                                                                      unknownHost,
		"curl: (7) Failed to connect to x port 443 after 2 ms: Couldn't connect to server":                              noConnection,
		"*** ERROR => IcmConnConnect: NiRawConnect failed: NIECONN_REFUSED(-10)":                                        noConnection,
		"curl: (35) error:0A00010B:SSL routines::wrong version number":                                                  notTLS,
		"curl: (58) unable to set private key file: 'x.key' type PEM":                                                   noKey,
		"curl: (58) error:05800074:x509 certificate routines::key values mismatch":                                      keyMismatch,
		"javax.net.ssl|DEBUG|10|main|CertificateMessage.java|No X.509 certificate for client authentication, use empty": nothingSent,
		"curl: (52) Empty reply from server":                                                                            emptyReply,
	} {
		out := outputOfText(text)
		if assert.NotNil(t, out, text) {
			_, ok := out.shows(want)
			assert.True(t, ok, "%s: %v", text, out.symptoms)
		}
	}
	assert.Nil(t, outputOfText("Dear support,\nnothing works.\nRegards"), "a text that no client wrote")
}

func TestCurlTellsWhetherACertificateWasSent(t *testing.T) {
	t.Parallel()
	const verbose = `* Connected to e100999-iflmap.hcisbt.eu1.hana.ondemand.com (155.56.1.1) port 443
* TLSv1.3 (IN), TLS handshake, Request CERT (13):
* TLSv1.3 (OUT), TLS handshake, Certificate (11):
* Server auth using Basic with user 'ALICE'
> POST /http/orders?x=1 HTTP/1.1
> Host: e100999-iflmap.hcisbt.eu1.hana.ondemand.com
> Authorization: Basic QUxJQ0U6b3BlbnNlc2FtZQ==
< HTTP/1.1 100 Continue
< HTTP/1.1 403 Forbidden
< X-CSRF-Token: Required
< Date: Mon, 23 Nov 2026 09:00:00 GMT`
	out := outputOfText(verbose)
	require.NotNil(t, out)
	assert.Equal(t, "curl", out.Tool)
	assert.True(t, out.Asked && out.SentKnown && !out.Sent)
	assert.Equal(t, "ALICE", out.User)
	assert.Equal(t, 403, out.Status)
	assert.Equal(t, "/http/orders?x=1", out.Path)
	assert.True(t, out.CSRFRequired)
	assert.True(t, morning.Equal(out.At))
	for _, q := range out.quotes {
		assert.NotContains(t, q.Text, "QUxJQ0U6b3BlbnNlc2FtZQ", "credentials are not kept")
	}
	sent := outputOfText(strings.Replace(verbose, "Certificate (11):", "Certificate (11):\n* TLSv1.3 (OUT), TLS handshake, CERT verify (15):", 1))
	assert.True(t, sent.Sent)
}

func TestAlertsAndNamedCAs(t *testing.T) {
	t.Parallel()
	out := outputOfText(`CONNECTED(00000003)
Acceptable client certificate CA names
C = DE, O = Example, CN = Example Root CA
C = US, O = DigiCert Inc, CN = DigiCert Global Root G2
Client Certificate Types: RSA sign
Verify return code: 20 (unable to get local issuer certificate)
40A7:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:ssl/record/rec_layer_s3.c:1590:SSL alert number 42`)
	require.NotNil(t, out)
	assert.Equal(t, "openssl", out.Tool)
	assert.Len(t, out.Named, 2)
	require.NotNil(t, out.Alert)
	assert.Equal(t, "bad_certificate", out.Alert.Name)
	java := outputOfText("javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_required")
	require.NotNil(t, java.Alert)
	assert.EqualValues(t, 116, java.Alert.Number)
}

func TestRootsThatTheHostDoesNotName(t *testing.T) {
	t.Parallel()
	assert.True(t, sameName("C=DE, O=Example, CN=Example Root CA", "CN=Example Root CA, O=Example, C=DE"))
	assert.False(t, sameName("C=DE, O=Example, CN=Example Root CA", "CN=Example Root CA, O=Other, C=DE"))
	assert.True(t, sameName("cn=x,o=y", "CN=x, O=y"))
}

func TestAssignmentsAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"csv":  "user,role,application\nWAREHOUSE,ESBMessaging.send,e1iflmap\n",
		"semi": "\ufeffUser;Group;Role;Application\r\n;Senders;ESBMessaging.send;e1iflmap\r\nWAREHOUSE;;ESBMessaging.send;\r\n\r\n",
		"tab":  "role\tuser\nESBMessaging.send\tWAREHOUSE\n",
		"yaml": "groups:\n  - {name: senders, users: [WAREHOUSE]}\nroles:\n  - {group: Senders, role: ESBMessaging.send}\n",
		"json": `{"roles": [{"user": "WAREHOUSE", "role": "ESBMessaging.send"}]}`,
	} {
		a, err := ReadAssignments(name, []byte(text))
		if assert.NoError(t, err, name) {
			assert.True(t, a.has("WAREHOUSE", "ESBMessaging.send"), name)
			assert.False(t, a.has("WAREHOUSE", "Other"), name)
			assert.False(t, a.has("SHOP", "ESBMessaging.send"), name)
		}
	}
	for text, want := range map[string]string{
		"user,role\nWAREHOUSE\n":           "list:2:1: expected a role",
		"user,role\n,ESBMessaging.send\n":  "list:2:1: expected a role",
		"roles:\n  - {role: x}\n":          "roles[0]: expected either user or group",
		"roles:\n  - {usr: a, role: x}\n":  "usr",
		"user,role,x\n":                    `the column "x" is not known`,
		"user,role\n\"unfinished,x\nb,c\n": "list:",
	} {
		_, err := ReadAssignments("list", []byte(text))
		assert.ErrorContains(t, err, want, "%q", text)
	}
}

func FuzzReadAssignments(f *testing.F) {
	f.Add([]byte("user,role\na,b\n"))
	f.Add([]byte("roles:\n  - {user: a, role: b}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ReadAssignments("fuzz", data)
		if err == nil {
			require.LessOrEqual(t, len(a.Roles), maxAssignments)
		}
	})
}
