package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Option changes what a constructor makes. A [KeyType] is an option too.
type Option interface {
	apply(*settings) error
}

// settings is what a certificate is made from and with.
type settings struct {
	template
	now      func() time.Time
	rand     io.Reader
	validFor func(from time.Time) time.Time // nil: the lifetime of the kind
	defect   *Defect
	existing *Existing               // nil: the certificate is to be made
	signed   func(der []byte) []byte // changes the signed certificate; usually nil
	extra    *Certificate            // presented too; usually nil
	below    []byte                  // the subject of the leaf that a twin of a CA is made for
}

type option func(*settings) error

func (o option) apply(s *settings) error { return o(s) }

// Subject gives the subject as an RFC 4514 string, "CN=Example Root CA, O=Example, C=DE" for
// instance. Default: a CN alone, the first argument of the constructor.
func Subject(dn string) Option {
	return option(func(s *settings) error {
		parsed, err := ParseDN(dn)
		if err != nil {
			return fmt.Errorf("subject %q: %w", dn, err)
		}
		s.subject, err = parsed.Marshal()
		return err
	})
}

// Clock gives the time on which the default validity, the defects of validity and relative dates
// rest. Default: the issuer's clock, for a root time.Now.
func Clock(now func() time.Time) Option {
	return option(func(s *settings) error {
		s.now = now
		return nil
	})
}

// Rand gives the randomness for key and serial number; with the same bytes, clock and options
// the same certificate comes out. It is read by one goroutine at a time; which bytes a certificate
// gets is certain only if certificates are made one after the other. Default: the issuer's
// source, for a root crypto/rand.
func Rand(r io.Reader) Option {
	return option(func(s *settings) error {
		s.rand = nil
		if r != nil {
			s.rand = &lockedReader{reader: r}
		}
		return nil
	})
}

// lockedReader lets certificates be made concurrently from one source.
type lockedReader struct {
	mu     sync.Mutex
	reader io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reader.Read(p)
}

// NotBefore gives the beginning of the validity, to the second. Default: one hour ago; for a
// certificate whose NotAfter is earlier than that, the default lifetime before NotAfter.
func NotBefore(t time.Time) Option {
	return option(func(s *settings) error {
		s.notBefore = t
		return nil
	})
}

// NotAfter gives the end of the validity, to the second. Default: for a root 10 years from now,
// for an intermediate 5 years, for a leaf 1 year.
func NotAfter(t time.Time) Option {
	return option(func(s *settings) error {
		s.notAfter = t
		return nil
	})
}

// ValidFor gives the end of the validity as a time after its beginning, in place of NotAfter.
func ValidFor(d time.Duration) Option {
	return option(func(s *settings) error {
		if d < time.Second {
			return fmt.Errorf("valid for %s: expected a second at least", d)
		}
		s.validFor = func(from time.Time) time.Time { return from.Add(d) }
		return nil
	})
}

// Usage gives the extended key usages in place of the default (clientAuth for a client,
// serverAuth for a server, none for a CA). Without an argument there is no such extension.
func Usage(usages ...x509.ExtKeyUsage) Option {
	return option(func(s *settings) error {
		s.usages = nil
		for _, usage := range usages {
			oid, known := usageByConstant[usage]
			if !known {
				return fmt.Errorf("extended key usage %v is not supported", usage)
			}
			s.usages = append(s.usages, oid)
		}
		return nil
	})
}

// DNS gives the host names of the subject alternative name, which may begin with "*.". Default:
// for a server its name, if that is a host name; for all others none.
func DNS(names ...string) Option {
	return option(func(s *settings) error {
		for _, name := range names {
			if !isHostName(name) {
				return fmt.Errorf("%q is not a host name", name)
			}
		}
		s.dns = slices.Clone(names)
		return nil
	})
}

// IP gives the addresses of the subject alternative name. Default: for a server its name, if that
// is an address; for all others none.
func IP(addresses ...net.IP) Option {
	return option(func(s *settings) error {
		for _, ip := range addresses {
			if ip.To16() == nil {
				return errors.New("not an IP address")
			}
		}
		s.ips = slices.Clone(addresses)
		return nil
	})
}

// Serial gives the serial number: positive, 20 bytes at most. Default: 128 random bits.
func Serial(n *big.Int) Option {
	return option(func(s *settings) error {
		if n == nil || n.Sign() <= 0 || n.BitLen() > 159 {
			return errors.New("a serial number is positive and has 159 bits at most")
		}
		s.serial = new(big.Int).Set(n)
		return nil
	})
}

// PathLen limits the number of intermediate certificates below a CA. Default: no limit.
func PathLen(n int) Option {
	return option(func(s *settings) error {
		if s.basicConstraints == nil {
			return errors.New("only a CA has a path length")
		}
		if n < 0 {
			return fmt.Errorf("path length %d: expected 0 or more", n)
		}
		s.basicConstraints.pathLen = n
		return nil
	})
}

// CRLAt gives the addresses of the issuer's CRL, for the extension cRLDistributionPoints. Nothing
// here fetches from them; [Certificate.CRL] makes what could be served there. Default: none.
func CRLAt(urls ...string) Option {
	return option(func(s *settings) error {
		if err := checkAddresses(urls); err != nil {
			return fmt.Errorf("address of a CRL: %w", err)
		}
		s.crlAt = slices.Clone(urls)
		return nil
	})
}

// OCSPAt gives the addresses of the issuer's OCSP responder, for the extension
// authorityInfoAccess. Nothing here asks there; [Certificate.OCSPResponse] makes what could be
// answered. Default: none.
func OCSPAt(urls ...string) Option {
	return option(func(s *settings) error {
		if err := checkAddresses(urls); err != nil {
			return fmt.Errorf("address of an OCSP responder: %w", err)
		}
		s.ocspAt = slices.Clone(urls)
		return nil
	})
}

func checkAddresses(urls []string) error {
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "ldap"}, u.Scheme) {
			return fmt.Errorf("%q: expected one such as http://crl.example.com/issuing.crl", clip(text))
		}
		for _, c := range []byte(text) {
			if c <= ' ' || c > '~' {
				return fmt.Errorf("%q: expected ASCII, with all else escaped as %%XX", clip(text))
			}
		}
	}
	return nil
}

// Extension puts one more extension on the certificate, behind the others. It is not checked.
func Extension(e pkix.Extension) Option {
	return option(func(s *settings) error {
		s.extensions = append(s.extensions, e)
		return nil
	})
}

// WithDefect breaks the certificate, or a CA above it, in the way that the catalogue has under
// this id; see [Defects]. The empty id is no defect.
func WithDefect(id string) Option {
	return option(func(s *settings) error {
		if id == "" {
			s.defect = nil
			return nil
		}
		d, err := defectByID(id)
		if err != nil {
			return err
		}
		s.defect = d
		return nil
	})
}

// Expired makes a certificate that ended thirty days ago.
func Expired() Option { return WithDefect("expired") }

// NotYetValid makes a certificate that begins in thirty days.
func NotYetValid() Option { return WithDefect("not-yet-valid") }

// SelfSigned makes a certificate that its own key signed.
func SelfSigned() Option { return WithDefect("self-signed") }

// NoClientAuth makes a certificate for code signing and e-mail only.
func NoClientAuth() Option { return WithDefect("no-client-auth") }

// ServerOnly makes a certificate for servers only.
func ServerOnly() Option { return WithDefect("server-only") }

// TrailingSpaceCN makes a certificate whose common name ends in a space.
func TrailingSpaceCN() Option { return WithDefect("trailing-space-cn") }

// WrongSigner makes a certificate that somebody else signed in the issuer's name.
func WrongSigner() Option { return WithDefect("wrong-signer") }

// IssuerNotCA makes a certificate whose issuer is not a CA.
func IssuerNotCA() Option { return WithDefect("issuer-not-ca") }

// IntermediateExpired makes a certificate whose issuer has expired.
func IntermediateExpired() Option { return WithDefect("intermediate-expired") }

// RootExpired makes a certificate whose root has expired.
func RootExpired() Option { return WithDefect("root-expired") }

// BrokenSignature makes a certificate whose signature is damaged.
func BrokenSignature() Option { return WithDefect("broken-signature") }

// ChainNotSent makes a certificate that is presented without the intermediate certificates.
func ChainNotSent() Option { return WithDefect("chain-not-sent") }

// UnknownCA makes a certificate of a CA that nobody trusts, with the names of its own.
func UnknownCA() Option { return WithDefect("unknown-ca") }

// Revoked makes a certificate that its issuer has revoked; [Certificate.CRLs] has the list that
// says so.
func Revoked() Option { return WithDefect("revoked") }

// isHostName is strict enough to catch a slip and lenient enough for names of test machines.
func isHostName(s string) bool {
	s = strings.TrimPrefix(s, "*.")
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
			if !alphanumeric && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
