// Package forwarding is the contract between load balancer and runtime node: the headers in
// which the load balancer passes on who the sender is. Both sides use it, and neither knows the
// other. It writes and reads those headers; it verifies nothing and decides nothing.
package forwarding

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The headers between load balancer and runtime node.
const (
	// CertificateHeader is the Base64 of the DER of the sender's certificate; set only when
	// the load balancer accepted it. [C] SAP-docs/btp-integration-suite, docs/ci.
	CertificateHeader = "SSL_CLIENT_CERT"
	// UserHeader goes with CertificateHeader. Its content is not documented; choice: the
	// subject DN in the shape of the trace. [C] for the name, [?] for the content.
	UserHeader = "SSL_CLIENT_USER"
	// SubjectHeader is the Base64 of the subject DN of a certificate that was not accepted.
	// [?] The name is not published: a choice.
	SubjectHeader = "SSL_CLIENT_SUBJECT"
	// ResultHeader is the verify result of a certificate that was not accepted, in decimal.
	// [?] The name is not published: a choice.
	ResultHeader = "SSL_CLIENT_VERIFY_RESULT"
	// ClientAddressHeader carries the sender's address. [I]
	ClientAddressHeader = "X-Forwarded-For"
	// ProtocolHeader tells that the sender used https. [I]
	ProtocolHeader = "X-Forwarded-Proto"
	// HostHeader names the load balancer's host that took the call, which the access log shows. It
	// is not what the sender wrote into its own Host header. [I]
	HostHeader = "X-Forwarded-Host"
)

// Identity is what the load balancer tells the runtime node of the sender's certificate.
// The zero value says: none was presented.
type Identity struct {
	// Certificate is the DER of an accepted certificate.
	Certificate []byte
	// Subject is the subject DN, in the order of the certificate ("C=DE, O=Example, CN=x").
	Subject string
	// Result is the verify result of a certificate that was not accepted; never 0 then.
	Result int
}

// Presented tells whether the sender presented a certificate.
func (i Identity) Presented() bool { return i.Accepted() || i.Result != 0 }

// Accepted tells whether the load balancer accepted the certificate.
func (i Identity) Accepted() bool { return len(i.Certificate) > 0 }

// Set writes the identity to the headers. It does not remove what is there: Strip does.
func Set(h http.Header, i Identity) {
	switch {
	case i.Accepted():
		h.Set(CertificateHeader, base64.StdEncoding.EncodeToString(i.Certificate))
		h.Set(UserHeader, printable(i.Subject))
	case i.Result != 0:
		h.Set(SubjectHeader, base64.StdEncoding.EncodeToString([]byte(i.Subject)))
		h.Set(ResultHeader, strconv.Itoa(i.Result))
	}
}

// Read reads the identity from the headers. Headers that contradict each other, stand twice or
// do not decode are an error; nobody may be let in on their word.
func Read(h http.Header) (Identity, error) {
	one := func(name string) (string, bool, error) {
		values := h.Values(name)
		switch len(values) {
		case 0:
			return "", false, nil
		case 1:
			return values[0], true, nil
		default:
			return "", false, fmt.Errorf("header %s stands %d times, expected once at most", name, len(values))
		}
	}
	cert, hasCert, err := one(CertificateHeader)
	if err != nil {
		return Identity{}, err
	}
	user, hasUser, err := one(UserHeader)
	if err != nil {
		return Identity{}, err
	}
	subject, hasSubject, err := one(SubjectHeader)
	if err != nil {
		return Identity{}, err
	}
	result, hasResult, err := one(ResultHeader)
	if err != nil {
		return Identity{}, err
	}
	switch {
	case hasCert && (hasSubject || hasResult):
		return Identity{}, errors.New("a certificate is forwarded as accepted and as not accepted at once")
	case hasCert:
		der, err := base64.StdEncoding.DecodeString(cert)
		if err != nil || len(der) == 0 {
			return Identity{}, fmt.Errorf("header %s is not the Base64 of a certificate", CertificateHeader)
		}
		return Identity{Certificate: der, Subject: user}, nil
	case hasUser:
		return Identity{}, fmt.Errorf("header %s without %s", UserHeader, CertificateHeader)
	case hasSubject != hasResult:
		return Identity{}, fmt.Errorf("headers %s and %s go together, only one is there", SubjectHeader, ResultHeader)
	case hasResult:
		code, err := strconv.Atoi(result)
		if err != nil || code <= 0 || code > 999 {
			return Identity{}, fmt.Errorf("header %s is not a verify result from 1 to 999", ResultHeader)
		}
		dn, err := base64.StdEncoding.DecodeString(subject)
		if err != nil {
			return Identity{}, fmt.Errorf("header %s is not the Base64 of a subject DN", SubjectHeader)
		}
		return Identity{Subject: string(dn), Result: code}, nil
	}
	return Identity{}, nil
}

// Strip removes every header that only the load balancer may set, in whatever spelling a sender
// used: case does not matter, and "-" counts as "_", because servers behind take one for the
// other. [I] Any other behaviour would let everybody in.
func Strip(h http.Header) (removed []string) {
	for name := range h {
		if reserved(name) {
			removed = append(removed, name)
			delete(h, name)
		}
	}
	return removed
}

func reserved(name string) bool {
	folded := strings.ReplaceAll(strings.ToUpper(strings.TrimSpace(name)), "-", "_")
	if strings.HasPrefix(folded, "SSL_CLIENT") || strings.HasPrefix(folded, "X_FORWARDED_") {
		return true
	}
	switch folded {
	case "FORWARDED", "X_REAL_IP", "X_CLIENT_IP", "X_SSL_CLIENT_CERT", "CLIENT_CERT", "CLIENT_CERT_CHAIN":
		return true
	}
	return false
}

// printable makes a value fit for a header: what is not printable ASCII becomes "?".
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
}
