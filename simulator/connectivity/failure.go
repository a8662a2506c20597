package connectivity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"example.com/gatehouse/pki"
)

// Step is a step of the test at which it can fail.
type Step string

const (
	// Name: the name of the host could not be resolved.
	Name Step = "name"
	// Dial: no connection could be opened.
	Dial Step = "dial"
	// TLS: the handshake failed for another reason than the chain.
	TLS Step = "TLS"
	// Trust: the chain does not lead to a trusted root, or is not valid.
	Trust Step = "trust"
	// HostName: the certificate is for another host.
	HostName Step = "host name"
)

// Failure is a step that failed.
type Failure struct {
	Step Step `json:"step"`
	// Message says what was found, Fix what to do.
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

// Validation tells whether the server was reached and its chain not accepted.
func (f Failure) Validation() bool { return f.Step == Trust || f.Step == HostName }

func dialFailure(address string, err error) Failure {
	host, port, _ := net.SplitHostPort(address)
	var name *net.DNSError
	var address0 *net.AddrError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return Failure{Name, fmt.Sprintf("the name %s cannot be resolved: there is no such host", host), "Check the spelling of the host, and that this machine asks the right name server"}
	case errors.As(err, &name):
		return Failure{Name, fmt.Sprintf("the name %s cannot be resolved: %s", host, name.Err), "Check that this machine reaches a name server"}
	case errors.As(err, &address0):
		return Failure{Name, fmt.Sprintf("%s is no address to connect to: %s", address, address0.Err), "Check the spelling of the address"}
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, errorConnRefused):
		return Failure{Dial, fmt.Sprintf("%s refused the connection: nothing listens on port %s there", host, port), "Check the port; for a tenant it is 443"}
	case timedOut(err):
		return Failure{Dial, fmt.Sprintf("%s did not answer in time", address), "Check whether a firewall or a proxy stands between: this test connects directly"}
	}
	return Failure{Dial, fmt.Sprintf("no connection to %s: %s", address, innermost(err)), "Check whether this machine reaches the host: this test connects directly, without a proxy"}
}

// errorConnRefused is how Windows numbers a refused connection; package syscall has a name for it
// there only, and other systems do not use the number.
const errorConnRefused = syscall.Errno(10061)

// innermost leaves out what the sentence says already.
func innermost(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		var call *os.SyscallError
		if errors.As(op.Err, &call) {
			return call.Err.Error()
		}
		return op.Err.Error()
	}
	return err.Error()
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

func tlsFailure(err error) Failure {
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		message := "what answers does not speak TLS"
		if strings.HasPrefix(string(record.RecordHeader[:]), "HTTP/") {
			message += " but plain HTTP"
		}
		return Failure{TLS, message, "Check the port; for a tenant it is 443"}
	case errors.Is(err, errTooMuch):
		return Failure{TLS, err.Error(), ""}
	case timedOut(err):
		return Failure{TLS, "the server did not finish the handshake in time", "Check whether what listens there speaks TLS"}
	case isAlert(err):
		return Failure{TLS, "the server ended the handshake: " + strings.TrimPrefix(innermost(err), "tls: "), "Check the server name (SNI) that is asked for; a server may also want another TLS version or cipher suite"}
	case endedByServer(err):
		return Failure{TLS, "the server closed the connection during the handshake", "Check whether what listens there speaks TLS, and the server name (SNI) that is asked for"}
	}
	return Failure{TLS, "the handshake failed: " + innermost(err), ""}
}

func trustFailure(err error, chain []*x509.Certificate, now time.Time) Failure {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	leaf := chain[0]
	top := chain[len(chain)-1]
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return outOfTime(invalid.Cert, now)
	case errors.As(err, &unknown) && len(chain) == 1 && selfIssued(leaf):
		return Failure{Trust, fmt.Sprintf("the server's certificate is self-signed (%s) and not trusted", pki.FormatDN(leaf.RawSubject)),
			"Use a server certificate that was issued by a CA, or trust this very certificate"}
	case errors.As(err, &unknown) && selfIssued(top):
		return Failure{Trust, fmt.Sprintf("the root %s is not trusted", pki.FormatDN(top.RawSubject)), "Add the root certificate to the trust store"}
	case errors.As(err, &unknown):
		return Failure{Trust, fmt.Sprintf("no trusted certificate of the issuer %s is known", pki.FormatDN(top.RawIssuer)),
			"Add the root certificate to the trust store; if that is done, the server leaves out an intermediate certificate"}
	}
	return Failure{Trust, "the chain is not valid: " + strings.TrimPrefix(err.Error(), "x509: "), ""}
}

func outOfTime(c *x509.Certificate, now time.Time) Failure {
	subject := pki.FormatDN(c.RawSubject)
	if now.Before(c.NotBefore) {
		return Failure{Trust, fmt.Sprintf("the certificate of %s is not valid before %s", subject, c.NotBefore.UTC().Format(time.RFC3339)), "Check the clock of this machine"}
	}
	return Failure{Trust, fmt.Sprintf("the certificate of %s expired on %s", subject, c.NotAfter.UTC().Format(time.RFC3339)), "The owner of the server has to renew it"}
}

// maxNames bounds how many names of a certificate are told.
const maxNames = 10

func hostNameFailure(leaf *x509.Certificate, asked string) Failure {
	var names []string
	names = append(names, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	is := "it names no host at all"
	if len(names) > 0 {
		more := ""
		if len(names) > maxNames {
			more = fmt.Sprintf(" and %d more", len(names)-maxNames)
			names = names[:maxNames]
		}
		is = "it is for " + strings.Join(names, ", ") + more
	}
	return Failure{HostName, fmt.Sprintf("the certificate is not for %s: %s", asked, is), "Call the host by a name that is in the certificate, or give that name as the server name"}
}
