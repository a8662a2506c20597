// Package connectivity is the tenant's connectivity test for TLS: it connects to a host, lists the
// chain of certificates that the host presents, says which of their files belongs into the trust
// store of a sender, and which step failed if one did: name, dial, TLS, trust or host name.
//
// With validation off the chain is listed all the same [C: the blog]. The download is a zip file with
// one .cer file a certificate [C: the blog]. What is tested is a server as clients see it; whether a
// load balancer would accept a client's chain is package check of pki.
package connectivity

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// DefaultTimeout is how long a test may take in all.
const DefaultTimeout = 20 * time.Second

// Options say how a test is made. The zero value validates against the system's trusted roots.
type Options struct {
	// ServerName is the name that is asked for (SNI) and compared with the certificate. Default:
	// the host of the address. An IP address is compared but not asked for.
	ServerName string
	// Trusted are the trusted certificates. Default (nil): those of the system, and Mozilla's where
	// the system has none.
	Trusted []*x509.Certificate
	// SkipValidation lists the chain without judging it.
	SkipValidation bool
	// Timeout bounds the whole test. Default: DefaultTimeout.
	Timeout time.Duration
	// Now is the time at which certificates must be valid. Default: time.Now.
	Now func() time.Time
	// Dial opens the connection. Default: that of a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (o Options) withDefaults(host string) Options {
	if o.ServerName == "" {
		o.ServerName = host
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	return o
}

// ClientCertificate says what the server wants of its clients.
type ClientCertificate string

const (
	// NotAsked: the server does not ask for a client certificate.
	NotAsked ClientCertificate = "not asked for"
	// Asked: it asks for one and goes on without (mode request of a load balancer).
	Asked ClientCertificate = "asked for"
	// Demanded: it ended the connection since none came (mode require). That is no failure of the
	// test: the chain was presented before.
	Demanded ClientCertificate = "demanded"
)

// Result is what a test found out.
type Result struct {
	// Address is what was tested, "host:port", and ServerName the name that was asked for.
	Address    string `json:"address"`
	ServerName string `json:"serverName"`
	// Connected is the address that the connection went to, "ip:port"; empty if there was none.
	Connected string `json:"connected,omitempty"`
	// Version and CipherSuite of the connection; empty if the handshake did not end well.
	Version     string `json:"tlsVersion,omitempty"`
	CipherSuite string `json:"cipherSuite,omitempty"`
	// Validated tells whether the chain was to be validated; OK whether nothing failed.
	Validated bool `json:"validated"`
	OK        bool `json:"ok"`
	// Failures are what failed, in the order of the steps; trust and host name can both fail.
	Failures []Failure `json:"failures"`
	// Chain is what the server presented, in its order, and then the certificates that the trust
	// store adds up to the root.
	Chain []Certificate `json:"chain"`
	// RootFile is the file of the download that belongs into the sender's trust store, the root's
	// [C: the blog]; empty if the root is not known. Advice says what to do in words.
	RootFile string `json:"rootFile,omitempty"`
	Advice   string `json:"advice,omitempty"`
	// ClientCertificate, and the DNs of the CAs that the server names as acceptable.
	ClientCertificate ClientCertificate `json:"clientCertificate,omitempty"`
	AcceptableCAs     []string          `json:"acceptableCAs,omitempty"`
}

// Failed returns the first failure.
func (r Result) Failed() (Failure, bool) {
	if len(r.Failures) == 0 {
		return Failure{}, false
	}
	return r.Failures[0], true
}

// Reached tells whether the server could be spoken to: its chain is known, whatever it is worth.
func (r Result) Reached() bool { return len(r.Chain) > 0 }

// ErrAddress is the error of an address that is none.
var ErrAddress = errors.New("expected HOST:PORT such as e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443")

// ParseAddress splits HOST:PORT; without a port it is 443.
func ParseAddress(address string) (host, port string, err error) {
	if scheme, rest, is := strings.Cut(address, "://"); is {
		rest, _, _ = strings.Cut(rest, "/")
		return "", "", fmt.Errorf("found a URL (%s://…), %w: try %q", scheme, ErrAddress, rest)
	}
	host, port, err = net.SplitHostPort(address)
	switch inner := strings.Trim(address, "[]"); {
	case err == nil:
	case net.ParseIP(inner) != nil, !strings.Contains(address, ":"):
		host, port = inner, "443"
	default:
		return "", "", fmt.Errorf("found %q, %w", address, ErrAddress)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	switch {
	case host == "", strings.ContainsAny(host, " /\\@?#\r\n\t\x00"), len(host) > 253:
		return "", "", fmt.Errorf("found %q, %w", address, ErrAddress)
	case err != nil || number == 0:
		return "", "", fmt.Errorf("found the port %q, expected a number from 1 to 65535", port)
	}
	return host, port, nil
}

// Test tests the connection to an address, HOST:PORT. What fails is in the Result; the error is only
// for an address that is none, and for a ctx that ended.
func Test(ctx context.Context, address string, o Options) (Result, error) {
	host, port, err := ParseAddress(address)
	if err != nil {
		return Result{}, err
	}
	o = o.withDefaults(host)
	r := Result{Address: net.JoinHostPort(host, port), ServerName: o.ServerName, Validated: !o.SkipValidation, Failures: []Failure{}, Chain: []Certificate{}}
	within, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	presented := r.probe(within, o)
	if ctx.Err() != nil {
		return Result{}, fmt.Errorf("testing %s: %w", r.Address, context.Cause(ctx))
	}
	if len(presented) > 0 {
		r.judge(presented, o)
	}
	r.OK = len(r.Failures) == 0
	return r, nil
}

// pool is what is trusted.
func (o Options) pool() *x509.CertPool {
	if o.Trusted != nil {
		pool := x509.NewCertPool()
		for _, c := range o.Trusted {
			pool.AddCert(c)
		}
		return pool
	}
	pool, err := x509.SystemCertPool()
	if err == nil && !pool.Equal(x509.NewCertPool()) {
		return pool
	}
	pool = x509.NewCertPool()
	for root := range bundle.Roots() {
		c, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			continue // of this Go version it is not readable; the others still count
		}
		if root.Constraint != nil {
			pool.AddCertWithConstraint(c, root.Constraint)
			continue
		}
		pool.AddCert(c)
	}
	return pool
}
