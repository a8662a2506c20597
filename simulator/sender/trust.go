package sender

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// Trust is a sender's trust store. The zero value trusts nothing.
type Trust struct {
	pool *x509.CertPool
	size int
	all  bool
}

// TrustRoots trusts what was issued below these certificates.
func TrustRoots(roots []*x509.Certificate) Trust {
	t := Trust{pool: x509.NewCertPool()}
	for _, root := range roots {
		if root != nil {
			t.pool.AddCert(root)
			t.size++
		}
	}
	return t
}

// TrustNone trusts nothing: a sender that has it ends every handshake. It is the zero value.
func TrustNone() Trust { return Trust{} }

// TrustAll checks nothing, as senders do that were set to "insecure".
func TrustAll() Trust { return Trust{all: true} }

// Everything tells whether nothing is checked.
func (t Trust) Everything() bool { return t.all }

// Size is how many certificates the trust store holds; 0 for those of this machine, which cannot be
// counted.
func (t Trust) Size() int { return t.size }

// verify judges the certificates of the load balancer: the chain first, then the host, which is
// not compared if it is empty. The error is a *tls.CertificateVerificationError.
func (t Trust) verify(chain []*x509.Certificate, host string, now time.Time) error {
	if t.all || len(chain) == 0 {
		return nil
	}
	options := x509.VerifyOptions{
		Roots:         t.pool,
		Intermediates: x509.NewCertPool(),
		CurrentTime:   now,
	}
	if options.Roots == nil {
		options.Roots = x509.NewCertPool() // nil would mean the system's
	}
	for _, cert := range chain[1:] {
		options.Intermediates.AddCert(cert)
	}
	_, err := chain[0].Verify(options)
	if err == nil && host != "" {
		err = chain[0].VerifyHostname(host)
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// TrustSystem trusts the root certificates of this machine, for calls to load balancers whose
// certificate a public CA issued. Nothing but a call of this function makes a sender trust them.
func TrustSystem() (Trust, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return Trust{}, fmt.Errorf("reading the root certificates of this machine: %w", err)
	}
	return Trust{pool: pool}, nil
}
