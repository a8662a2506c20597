package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// The default validity: from an hour ago, so that clocks that differ a little do not matter.
const headStart = time.Hour

// lifetime is the end of the default validity, seen from now.
func (k kind) lifetime(now time.Time) time.Time {
	switch k {
	case rootKind:
		return now.AddDate(10, 0, 0)
	case intermediateKind:
		return now.AddDate(5, 0, 0)
	default:
		return now.AddDate(1, 0, 0)
	}
}

// Role is what a certificate is for.
type Role int

// The roles.
const (
	// CA issues certificates: a root if it has no issuer, else an intermediate.
	CA Role = iota
	// Client is a leaf for TLS clients.
	Client
	// Server is a leaf for TLS servers.
	Server
)

// Create makes a certificate and returns what is wrong with the options as an error. With issuer
// nil a CA is a root; a leaf without an issuer must have the defect self-signed.
//
// [NewRoot] and the methods [Certificate.Intermediate], [Certificate.Client] and
// [Certificate.Server] do the same for code whose options stand in the code: as
// regexp.MustCompile does, they panic if those make no sense, so that a test needs one line per
// certificate. Whatever comes from a user goes through Create or [Mint].
func Create(issuer *Certificate, role Role, name string, options ...Option) (*Certificate, error) {
	c, err := create(issuer, role, name, options)
	if err != nil {
		return nil, fmt.Errorf("making certificate %q: %w", name, err)
	}
	return c, nil
}

func create(issuer *Certificate, role Role, name string, options []Option) (*Certificate, error) {
	subject, err := commonNameOnly(name)
	if err != nil {
		return nil, err
	}
	s := settings{template: template{subject: subject, issuer: issuer}}
	switch role {
	case CA:
		s.kind = intermediateKind
		if issuer == nil {
			s.kind = rootKind
		}
		s.basicConstraints = &basicConstraints{ca: true, pathLen: -1}
		s.keyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	case Client:
		s.keyUsage = usageOfLeaf
		s.usages = []string{usageClientAuth}
	case Server:
		s.keyUsage = usageOfLeaf
		s.usages = []string{usageServerAuth}
		if ip := net.ParseIP(name); ip != nil {
			s.ips = []net.IP{ip}
		} else if isHostName(name) {
			s.dns = []string{name}
		}
	default:
		return nil, fmt.Errorf("unknown role %d", int(role))
	}
	return s.make(name, options)
}

// NewRoot makes a root. The name is its common name unless [Subject] is given. It panics if the
// options make no sense; see [Create].
func NewRoot(name string, options ...Option) *Certificate {
	return must(Create(nil, CA, name, options...))
}

// Intermediate makes a CA that this one signs. It panics if the options make no sense, or if this
// certificate has no private key; see [Create].
func (c *Certificate) Intermediate(name string, options ...Option) *Certificate {
	return must(Create(c, CA, name, options...))
}

// Client makes a certificate for a TLS client: digitalSignature, clientAuth, and for an RSA key
// keyEncipherment. It panics if the options make no sense; see [Create].
func (c *Certificate) Client(name string, options ...Option) *Certificate {
	return must(Create(c, Client, name, options...))
}

// Server makes a certificate for a TLS server: digitalSignature, serverAuth, and for an RSA key
// keyEncipherment. A name that is a host name or an address is put into the subject alternative
// name, unless [DNS] or [IP] is given. It panics if the options make no sense; see [Create].
func (c *Certificate) Server(name string, options ...Option) *Certificate {
	return must(Create(c, Server, name, options...))
}

// Twin makes a certificate of the same subject, issuer, validity and extensions with another key
// and another serial number: what a renewal brings. A defect of this one is not passed on. It
// panics if the options make no sense; see [Create].
func (c *Certificate) Twin(name string, options ...Option) *Certificate {
	return must(c.twin(name, options))
}

// CrossSign makes a second certificate for this CA's subject and key, issued by another CA. What
// is issued by the result has the same issuer name and signature as if this CA had issued it, but
// presents the other path. It panics if the options make no sense; see [Create].
func (c *Certificate) CrossSign(by *Certificate, options ...Option) *Certificate {
	return must(c.crossSign(by, c.name+"-by-"+by.name, options))
}

func must(c *Certificate, err error) *Certificate {
	if err != nil {
		panic(fmt.Errorf("pki: %w", err))
	}
	return c
}

func (c *Certificate) twin(name string, options []Option) (*Certificate, error) {
	s := settings{template: c.plan.clone(), now: c.now, rand: c.rand}
	s.serial, s.key = nil, nil
	return s.make(name, options)
}

func (c *Certificate) crossSign(by *Certificate, name string, options []Option) (*Certificate, error) {
	if c.key == nil {
		return nil, fmt.Errorf("cross-signing %q: its private key is not there", c.name)
	}
	s := settings{template: c.plan.clone(), now: c.now, rand: c.rand}
	s.serial, s.key, s.issuer = nil, c.key, by
	s.notBefore, s.notAfter = time.Time{}, time.Time{}
	if s.kind == rootKind {
		s.kind = intermediateKind
	}
	return s.make(name, options)
}

// make applies the options and makes the certificate, and before it the CAs that its defect
// concerns.
func (s settings) make(name string, options []Option) (*Certificate, error) {
	if s.issuer != nil && s.now == nil {
		s.now = s.issuer.now
	}
	if s.issuer != nil && s.rand == nil {
		s.rand = s.issuer.rand
	}
	for _, o := range options {
		if err := o.apply(&s); err != nil {
			return nil, err
		}
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.settleValidity()
	if s.issuer != nil && !s.issuer.IsCA() {
		return nil, fmt.Errorf("the issuer %q is not a CA", s.issuer.name)
	}
	if s.issuer == nil && s.kind != rootKind && (s.defect == nil || !s.defect.needsNoIssuer) {
		return nil, errors.New("a certificate that is not a root needs an issuer, or the defect self-signed")
	}
	if s.existing != nil {
		return s.existing.taken(name, s)
	}
	if s.defect == nil {
		return s.finish(name, s.template)
	}
	return s.makeDefective(name)
}

// settleValidity fills in the dates that were not given.
func (s *settings) settleValidity() {
	now := s.now()
	beginsByDefault := s.notBefore.IsZero()
	if beginsByDefault {
		s.notBefore = now.Add(-headStart)
	}
	switch {
	case s.validFor != nil && !s.notAfter.IsZero() && beginsByDefault:
		// Both ends hang together: the lifetime is counted back from the end that was given.
		s.notBefore = s.notAfter.Add(-s.validFor(s.notAfter).Sub(s.notAfter))
	case s.validFor != nil:
		s.notAfter = s.validFor(s.notBefore)
	case s.notAfter.IsZero():
		s.notAfter = s.kind.lifetime(now)
		if !s.notBefore.Before(s.notAfter) {
			s.notAfter = s.kind.lifetime(s.notBefore)
		}
	case beginsByDefault && !s.notBefore.Before(s.notAfter):
		s.notBefore = s.notAfter.Add(-s.kind.lifetime(now).Sub(now))
	}
	s.notBefore, s.notAfter = second(s.notBefore), second(s.notAfter)
}

// makeDefective makes the certificate with its defect, in itself or in what is above it, and
// proves that the defect is there.
func (s settings) makeDefective(name string) (*Certificate, error) {
	c, err := s.breakIt(name)
	if err == nil {
		err = c.prove()
	}
	if err != nil {
		return nil, fmt.Errorf("defect %s: %w", s.defect.ID, err)
	}
	return c, nil
}

func (s settings) breakIt(name string) (*Certificate, error) {
	d := s.defect
	level, err := d.levelFor(s.template)
	if err != nil {
		return nil, err
	}
	broken := s
	broken.template = s.clone()
	switch {
	case d.issuers != nil:
		err = d.issuers(&broken)
	case !d.inCertificate(): // it is in the presented chain, or in what the CA says of it
	case level == s.kind.level():
		err = d.applyTo(&broken)
	default:
		broken.issuer, err = s.issuer.defective(d, level, s)
	}
	if err != nil {
		return nil, err
	}
	if d.extra != nil {
		if broken.extra, err = d.extra(&broken); err != nil {
			return nil, err
		}
	}
	return broken.finish(name, s.template)
}

// defective is a twin of the CA for a chain with a defect at the level: either the CA itself has
// it, or it is issued by one that has. The CA is left as it is. Clock and randomness are those of
// the leaf that the chain is for.
func (c *Certificate) defective(d *Defect, level Level, with settings) (*Certificate, error) {
	twin, err := c.remade(c.issuer, c.name+"-"+d.ID, with, func(s *settings) error {
		s.defect = d
		switch {
		case c.plan.kind.level() == level:
			return d.applyTo(s)
		case c.issuer == nil:
			return fmt.Errorf("above %q there is no %s that could have it", c.name, level)
		}
		above, err := c.issuer.defective(d, level, with)
		s.issuer = above
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("making a twin of %q: %w", c.name, err)
	}
	twin.twinOf = c
	return twin, nil
}

// remade is another certificate from the plan of this CA, changed, with another key and serial
// number. Clock and randomness are those of the certificate that it is made for. It is not the
// twin of anything, unless the caller says so.
func (c *Certificate) remade(issuer *Certificate, name string, with settings, change func(*settings) error) (*Certificate, error) {
	s := settings{template: c.plan.clone(), now: with.now, rand: with.rand, below: with.subject}
	s.serial, s.key, s.issuer = nil, nil, issuer
	if issuer == nil {
		s.kind = rootKind
	}
	if err := change(&s); err != nil {
		return nil, err
	}
	return s.finish(name, c.plan)
}

// finish makes what the settings say. plan is the same without the defect.
func (s settings) finish(name string, plan template) (*Certificate, error) {
	random := &source{reader: s.rand}
	key := s.key
	if key == nil {
		var err error
		if key, err = generateKey(s.keyType, s.rand); err != nil {
			return nil, fmt.Errorf("making a key: %w", err)
		}
	}
	if s.serial == nil {
		var err error
		if s.serial, err = random.serial(); err != nil {
			return nil, err
		}
	}
	var stranger crypto.Signer
	if s.strangerSigns && s.issuer != nil {
		var err error
		if stranger, err = generateKey(s.issuer.plan.keyType, s.rand); err != nil {
			return nil, fmt.Errorf("making a key: %w", err)
		}
	}
	der, err := s.sign(stranger, key, random)
	if err != nil {
		return nil, err
	}
	if s.signed != nil {
		der = s.signed(bytes.Clone(der))
	}
	issuer := s.issuer
	if s.selfSigned {
		issuer = nil
	}
	return &Certificate{
		name: name, der: der, key: key, issuer: issuer, defect: s.defect, extra: s.extra,
		plan: plan, now: s.now, rand: s.rand,
	}, nil
}
