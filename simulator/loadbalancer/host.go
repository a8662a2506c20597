package loadbalancer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki/verify"
)

// MaxTrust is how many certificates a CA bundle holds at most. [X] One page says 150, another 120.
const MaxTrust = 150

// Mode says what a host wants of client certificates. The zero value is Request.
type Mode uint8

// The modes. [C] SAP-docs/btp-neo-environment, set-ssl-host.
const (
	// Request asks for a certificate and lets the call go on without a valid one.
	Request Mode = iota
	// Require ends the handshake without a valid certificate.
	Require
	// None never asks for a certificate.
	None
)

var modeNames = []string{Request: "request", Require: "require", None: "none"}

func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// ParseMode reads "request", "require" or "none"; the empty text is Request.
func ParseMode(text string) (Mode, error) {
	if text == "" {
		return Request, nil
	}
	if i := slices.Index(modeNames, text); i >= 0 {
		return Mode(i), nil
	}
	return Request, fmt.Errorf("mode %q: request, require or none expected", text)
}

// MarshalText writes the mode's name.
func (m Mode) MarshalText() ([]byte, error) {
	if int(m) >= len(modeNames) {
		return nil, fmt.Errorf("%s is unknown", m)
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what ParseMode reads.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}

// Host is a host name under which the tenant is reached.
type Host struct {
	// Name is the host name; case and a trailing dot do not matter. It may be empty for the default
	// host only, whose records then show the name that the sender called.
	Name string
	// Certificate is the server certificate with its chain and private key.
	Certificate tls.Certificate
	// Mode says what the host wants of client certificates. Default: Request.
	Mode Mode
	// Trust is the CA bundle, MaxTrust certificates at most. Without one, mode Request never asks
	// for a certificate [C], and mode Require is an error.
	Trust []*x509.Certificate
}

// site is a host as it is served: built once, never changed, exchanged as a whole.
type site struct {
	host     Host
	name     string // folded
	config   *tls.Config
	verifier Verifier
	affinity affinity
}

// asks tells whether a sender is asked for a certificate.
func (s *site) asks() bool { return s.config.ClientAuth != tls.NoClientCert }

// directory finds a site by name. It is immutable.
type directory struct {
	byName   map[string]*site // without the default host
	fallback *site
	backends spread
	judging  verify.Options
}

// find returns the site for a server name; the default host for none and for unknown ones.
func (d *directory) find(serverName string) *site {
	if s, ok := d.byName[serverName]; ok {
		return s
	}
	if s, ok := d.byName[foldName(serverName)]; ok {
		return s
	}
	return d.fallback
}

func foldName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// newDirectory makes a directory; the spread before it, if there was one, lends its key, so that
// affinity cookies stay good.
func (lb *LoadBalancer) newDirectory(settings Settings, before spread) (*directory, error) {
	d := &directory{byName: make(map[string]*site, len(settings.Domains)), judging: settings.Verification}
	var err error
	if d.backends, err = newSpread(settings.Backends, lb.rand); err != nil {
		return nil, err
	}
	if before.next != nil {
		d.backends.key = before.key
	}
	fallback, err := lb.newSite(settings.Default, d)
	if err != nil {
		return nil, fmt.Errorf("default host %q: %w", settings.Default.Name, err)
	}
	d.fallback = fallback
	for i, host := range settings.Domains {
		s, err := lb.newSite(host, d)
		if err != nil {
			return nil, fmt.Errorf("custom domain %q: %w", host.Name, err)
		}
		if s.name == "" {
			return nil, fmt.Errorf("custom domain %d: it has no name", i+1)
		}
		if _, twice := d.byName[s.name]; twice || s.name == fallback.name {
			return nil, fmt.Errorf("custom domain %q: there is another host of that name", host.Name)
		}
		d.byName[s.name] = s
	}
	return d, nil
}

func (lb *LoadBalancer) newSite(host Host, d *directory) (*site, error) {
	s := &site{host: host, name: foldName(host.Name)}
	if !validHostName(s.name) {
		return nil, errors.New("the name is no host name: letters, digits, hyphens and dots expected")
	}
	if len(host.Certificate.Certificate) == 0 || host.Certificate.PrivateKey == nil {
		return nil, errors.New("certificate and private key of the server are missing")
	}
	if len(host.Trust) > MaxTrust {
		return nil, fmt.Errorf("the CA bundle holds %d certificates, %d are allowed at most: leave out those of CAs that issue no sender's certificate",
			len(host.Trust), MaxTrust)
	}
	if slices.Contains(host.Trust, nil) {
		return nil, errors.New("the CA bundle holds a nil certificate")
	}
	auth := tls.RequestClientCert
	switch host.Mode {
	case Request:
		if len(host.Trust) == 0 {
			auth = tls.NoClientCert
		}
	case Require:
		if len(host.Trust) == 0 {
			return nil, errors.New("mode require needs a CA bundle: without one nobody gets in")
		}
		// RequireAnyClientCert makes crypto/tls send certificate_required in TLS 1.3.
		auth = tls.RequireAnyClientCert
	case None:
		auth = tls.NoClientCert
	default:
		return nil, fmt.Errorf("%s: request, require or none expected", host.Mode)
	}
	s.host.Trust = slices.Clone(host.Trust)

	trust, err := verify.NewTrustListFrom(s.host.Trust)
	if err != nil {
		return nil, fmt.Errorf("reading the CA bundle: %w", err)
	}
	options := d.judging
	if options.Now == nil {
		options.Now = lb.now
	}
	s.verifier = verify.New(trust, options)
	if lb.config.Parts.Verifier != nil {
		s.verifier = lb.config.Parts.Verifier(s.host, s.verifier)
	}

	s.config = &tls.Config{
		Certificates: []tls.Certificate{host.Certificate},
		ClientAuth:   auth,
		MinVersion:   lb.config.MinVersion,
		NextProtos:   []string{"http/1.1"},
		Time:         lb.now,
	}
	if auth != tls.NoClientCert {
		// Only names: what is trusted is decided by the verifier. [C] blog
		s.config.ClientCAs = x509.NewCertPool()
		for _, root := range s.host.Trust {
			s.config.ClientCAs.AddCert(root)
		}
	}
	if host.Mode == Require {
		s.config.VerifyConnection = s.verifyConnection
	}
	// Keys of its own for every site: a session that was begun with another host, mode or trust
	// list is not resumed, and so carries no certificate to where it was not judged.
	var key [32]byte
	if _, err := io.ReadFull(lb.rand, key[:]); err != nil {
		return nil, fmt.Errorf("making the key of session tickets: %w", err)
	}
	s.config.SetSessionTicketKeys([][32]byte{key})
	if lb.config.Parts.TLS != nil {
		lb.config.Parts.TLS(s.host, s.config)
	}
	s.affinity = d.backends.affinityFor(s.name)
	return s, nil
}

// validHostName is deliberately wide; it keeps out what would break headers and cookie names.
func validHostName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return true
}

// judgement is the result of a verification, and how it came about.
type judgement struct {
	result     verify.Result
	remembered bool
	took       time.Duration
}

// judge verifies what was presented to the site.
func (s *site) judge(presented []*x509.Certificate) judgement {
	if len(presented) == 0 {
		return judgement{}
	}
	began := time.Now() // for the duration only
	ders := make([][]byte, len(presented))
	for i, c := range presented {
		ders[i] = c.Raw
	}
	if v, ok := s.verifier.(*verify.Verifier); ok {
		result, remembered := v.VerifyCached(ders)
		return judgement{result, remembered, time.Since(began)}
	}
	return judgement{result: s.verifier.Verify(ders), took: time.Since(began)}
}

// notAccepted ends the handshake of a sender whose certificate a host in mode Require refuses.
type notAccepted struct {
	result    verify.Result
	presented []*x509.Certificate
}

func (e *notAccepted) Error() string {
	return fmt.Sprintf("client certificate not accepted: verify result %d", e.result.Code)
}

// verifyConnection runs for resumed sessions, too, where crypto/tls restores the certificates
// without looking at them again.
func (s *site) verifyConnection(state tls.ConnectionState) error {
	if result := s.judge(state.PeerCertificates).result; !result.OK() {
		return &notAccepted{result: result, presented: state.PeerCertificates}
	}
	return nil
}

// SetTrust exchanges the CA bundle of a host (its name, or "" for the default host). New
// connections are judged by it at once, and sessions begun before are not resumed; connections
// that are alive keep their verdict. Errors: an unknown host, too many certificates (MaxTrust).
func (lb *LoadBalancer) SetTrust(host string, roots []*x509.Certificate) error {
	return lb.change(host, func(h *Host) { h.Trust = roots })
}

// SetMode exchanges the mode of a host (its name, or "" for the default host), with the same
// effect on connections as SetTrust.
func (lb *LoadBalancer) SetMode(host string, mode Mode) error {
	return lb.change(host, func(h *Host) { h.Mode = mode })
}

// Settings are what can be exchanged while a load balancer runs; see the fields of [Config].
type Settings struct {
	Default      Host
	Domains      []Host
	Backends     []Backend
	Verification verify.Options
}

// Reconfigure exchanges all settings at once. New connections find the new hosts. Connections that
// are alive keep the verdict on their certificate, and their next call goes to the new backends; no
// call is cut, and those under way end where they are. If the settings are wrong, the error says
// so, and the old ones stay.
func (lb *LoadBalancer) Reconfigure(settings Settings) error {
	lb.changing.Lock()
	defer lb.changing.Unlock()
	next, err := lb.newDirectory(settings, lb.sites.Load().backends)
	if err != nil {
		return fmt.Errorf("changing the load balancer: %w", err)
	}
	lb.sites.Store(next)
	return nil
}

func (lb *LoadBalancer) change(name string, change func(*Host)) error {
	lb.changing.Lock()
	defer lb.changing.Unlock()
	old := lb.sites.Load()
	folded := foldName(name)
	before := old.fallback
	if folded != "" && folded != old.fallback.name {
		var ok bool
		if before, ok = old.byName[folded]; !ok {
			known := append([]string{old.fallback.name}, slices.Sorted(maps.Keys(old.byName))...)
			return fmt.Errorf("host %q is unknown: %s expected", name, strings.Join(known, ", "))
		}
	}
	host := before.host
	change(&host)
	after, err := lb.newSite(host, old)
	if err != nil {
		return fmt.Errorf("changing host %q: %w", name, err)
	}
	next := &directory{byName: old.byName, fallback: old.fallback, backends: old.backends, judging: old.judging}
	if before == old.fallback {
		next.fallback = after
	} else {
		next.byName = maps.Clone(old.byName)
		next.byName[folded] = after
	}
	lb.sites.Store(next)
	return nil
}

// configFor picks the host by the server name that the sender asks for. [I] RFC 6066, section 3
func (lb *LoadBalancer) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	s := lb.sites.Load().find(hello.ServerName)
	w := hello.Conn.(*wire) // each of our connections is one
	w.site = s
	w.serverName = hello.ServerName
	w.versions = hello.SupportedVersions
	return s.config, nil
}
