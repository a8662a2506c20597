package pki

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say with what [Mint] works. The zero value is of use.
type Options struct {
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Rand is read once, 32 bytes: with the same bytes and the same clock the same certificates
	// come out, each independently of the other entries. Default: crypto/rand for everything.
	Rand io.Reader
	// Load reads a file that a description names. Default: such descriptions are an error.
	Load func(path string) ([]byte, error)
	// Existing holds certificates by the names of their descriptions that have been minted before:
	// they are taken as they are, and only the others are made.
	Existing map[string]Existing
	// Progress is called after each certificate, one call at a time. Default: nobody is told.
	Progress func(name string)
}

// Mint makes all that is described. The order of the descriptions does not matter. Everything is
// validated before anything is made; the error is then of type [Problems]. What shows only in the
// making is a [*MintError].
func Mint(ctx context.Context, descriptions []Description, options Options) (*Set, error) {
	if problems := Validate(descriptions); len(problems) > 0 {
		return nil, Problems(problems)
	}
	m := &minter{checker: newChecker(descriptions), load: options.Load, existing: options.Existing, made: make([]*Certificate, len(descriptions))}
	if options.Progress != nil {
		var telling sync.Mutex
		m.progress = func(name string) {
			telling.Lock()
			defer telling.Unlock()
			options.Progress(name)
		}
	}
	m.now = options.Now
	if m.now == nil {
		m.now = time.Now
	}
	// One instant for all: equal relative dates come out equal.
	m.instant = m.now()
	if options.Rand != nil {
		m.seed = make([]byte, 32)
		if _, err := io.ReadFull(options.Rand, m.seed); err != nil {
			return nil, fmt.Errorf("reading the seed: %w", err)
		}
	}
	if problems := m.dates(); len(problems) > 0 {
		return nil, problems
	}
	if err := m.run(ctx); err != nil {
		return nil, err
	}
	set := &Set{}
	for i, d := range descriptions {
		if err := set.Add(d.Name, m.made[i]); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// MintError is what went wrong with one certificate although its description is valid: most often
// a file that it names cannot be used.
type MintError struct {
	// Index counts the descriptions from 0; Name is that of the description.
	Index int
	Name  string
	Err   error
}

func (e *MintError) Error() string { return fmt.Sprintf("minting %q: %v", e.Name, e.Err) }

// Unwrap returns the cause.
func (e *MintError) Unwrap() error { return e.Err }

type minter struct {
	*checker
	now     func() time.Time
	instant time.Time
	seed    []byte // nil: the system's randomness
	load    func(path string) ([]byte, error)
	made    []*Certificate

	existing map[string]Existing
	progress func(name string) // nil: nobody is told
}

// dates finds validities whose ends are in the wrong order at this time of the clock.
func (m *minter) dates() Problems {
	var out Problems
	for i, d := range m.all {
		if d.NotBefore.IsZero() || d.NotAfter.IsZero() {
			continue
		}
		from, to := d.NotBefore.At(m.instant), d.NotAfter.At(m.instant)
		if !from.Before(to) {
			out = append(out, Problem{Index: i, Field: "notAfter", Message: fmt.Sprintf("%s (now %s) is not after notBefore %s (%s)",
				d.NotAfter, to.Format(time.RFC3339), d.NotBefore, from.Format(time.RFC3339))})
		}
	}
	return out
}

// run makes the certificates in waves: each wave is what only needs what is there, and its
// certificates are made side by side.
func (m *minter) run(ctx context.Context) error {
	waits := make([]int, len(m.all))    // how many entries an entry still needs
	needed := make([][]int, len(m.all)) // who needs an entry
	wave := make([]int, 0, len(m.all))  // what can be made now
	for i := range m.all {
		_, names := m.dependsOn(i)
		waits[i] = len(names)
		for _, name := range names {
			needed[m.index[name]] = append(needed[m.index[name]], i)
		}
		if len(names) == 0 {
			wave = append(wave, i)
		}
	}
	for len(wave) > 0 {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(runtime.GOMAXPROCS(0))
		for _, i := range wave {
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				c, err := m.make(i)
				if err != nil {
					return &MintError{Index: i, Name: m.all[i].Name, Err: err}
				}
				m.made[i] = c
				if m.progress != nil {
					m.progress(m.all[i].Name)
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		var next []int
		for _, i := range wave {
			for _, j := range needed[i] {
				if waits[j]--; waits[j] == 0 {
					next = append(next, j)
				}
			}
		}
		wave = next
	}
	return ctx.Err()
}

// named is a certificate that has been made; nil for the empty name.
func (m *minter) named(name string) *Certificate {
	if name == "" {
		return nil
	}
	return m.made[m.index[name]]
}

// random is the source for one entry; nil for the system's.
func (m *minter) random(name string) io.Reader {
	if m.seed == nil {
		return nil
	}
	mac := hmac.New(sha256.New, m.seed)
	mac.Write([]byte(name))
	return mathrand.NewChaCha8([32]byte(mac.Sum(nil)))
}

func (m *minter) make(i int) (*Certificate, error) {
	d := m.all[i]
	options, err := m.options(d)
	if err != nil {
		return nil, err
	}
	if e, there := m.existing[d.Name]; there {
		options = append(options, option(func(s *settings) error {
			s.existing = &e
			return nil
		}))
	}
	issuer := m.named(d.Issuer)
	switch {
	case d.File != "":
		return m.fromFile(d, issuer)
	case d.CrossSigns != "":
		return m.named(d.CrossSigns).crossSign(issuer, d.Name, options)
	case d.Like != "":
		like := m.named(d.Like)
		if issuer != nil {
			options = append(options, issuedBy(issuer))
		}
		if d.Defect == "" {
			options = append(options, WithDefect(like.Defect()))
		}
		return like.twin(d.Name, options)
	case d.CA:
		return create(issuer, CA, d.Name, options)
	default:
		return create(issuer, Client, d.Name, options)
	}
}

// issuedBy puts a twin under another CA than the one it is like.
func issuedBy(issuer *Certificate) Option {
	return option(func(s *settings) error {
		s.issuer = issuer
		if s.kind == rootKind {
			s.kind = intermediateKind
		}
		return nil
	})
}

// options turns the fields into options. The descriptions are valid.
func (m *minter) options(d Description) ([]Option, error) {
	out := []Option{
		Clock(m.now), Rand(m.random(d.Name)), dated(d, m.instant), WithDefect(d.Defect),
	}
	if d.Subject != "" {
		out = append(out, Subject(d.Subject))
	}
	if d.Key != "" {
		t, err := ParseKeyType(d.Key)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	if d.Usage != nil {
		usages, err := parseUsages(d.Usage)
		if err != nil {
			return nil, err
		}
		out = append(out, option(func(s *settings) error {
			s.usages = usages
			return nil
		}))
	}
	if d.DNS != nil {
		out = append(out, DNS(d.DNS...))
	}
	if d.IP != nil {
		addresses := make([]net.IP, len(d.IP))
		for i, text := range d.IP {
			addresses[i] = net.ParseIP(text)
		}
		out = append(out, IP(addresses...))
	}
	more, err := d.fieldOptions()
	if err != nil {
		return nil, err
	}
	out = append(out, more...)
	if d.Serial != "" {
		n, err := parseSerial(d.Serial)
		if err != nil {
			return nil, err
		}
		out = append(out, Serial(n))
	}
	if d.PathLen != nil {
		out = append(out, PathLen(*d.PathLen))
	}
	if d.KeyFile != "" && d.File == "" {
		key, err := m.key(d.KeyFile)
		if err != nil {
			return nil, err
		}
		out = append(out, option(func(s *settings) error {
			s.key, s.keyType = key, keyTypeOf(key.Public())
			return nil
		}))
	}
	return out, nil
}

// dated gives the dates of a description. What it does not give stays as it is: unset, or that of
// the entry that it is like, whose length counts from a new beginning.
func dated(d Description, now time.Time) Option {
	return option(func(s *settings) error {
		lifetime := s.notAfter.Sub(s.notBefore)
		from, to := d.NotBefore.At(now), d.NotAfter.At(now)
		if !from.IsZero() {
			if to.IsZero() && !s.notAfter.IsZero() {
				s.notAfter = from.Add(lifetime)
			}
			s.notBefore = from
		}
		if !to.IsZero() {
			s.notAfter = to
			if from.IsZero() && !s.notBefore.Before(to) {
				s.notBefore = time.Time{} // the default fits itself to the end
			}
		}
		if !d.ValidFor.IsZero() {
			s.validFor = d.ValidFor.AddTo
		}
		return nil
	})
}

func (m *minter) read(path string) ([]byte, error) {
	if m.load == nil {
		return nil, fmt.Errorf("reading %s: files are not allowed here", path)
	}
	data, err := m.load(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return data, nil
}

func (m *minter) key(path string) (crypto.Signer, error) {
	data, err := m.read(path)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return key, nil
}

func (m *minter) fromFile(d Description, issuer *Certificate) (*Certificate, error) {
	data, err := m.read(d.File)
	if err != nil {
		return nil, err
	}
	parsed, err := parseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.File, err)
	}
	var key crypto.Signer
	if d.KeyFile != "" {
		if key, err = m.key(d.KeyFile); err != nil {
			return nil, err
		}
		public, comparable := key.Public().(interface{ Equal(crypto.PublicKey) bool })
		if !comparable || !public.Equal(parsed.PublicKey) {
			return nil, fmt.Errorf("the key in %s does not belong to the certificate in %s", d.KeyFile, d.File)
		}
	}
	if d.CA && !parsed.IsCA {
		return nil, fmt.Errorf("the certificate in %s is not a CA, expected one", d.File)
	}
	if issuer != nil && string(issuer.X509().RawSubject) != string(parsed.RawIssuer) {
		return nil, fmt.Errorf("the issuer of the certificate in %s is %q, expected %q",
			d.File, FormatDN(parsed.RawIssuer), FormatDN(issuer.X509().RawSubject))
	}
	return loaded(d, parsed, key, issuer, m.now, m.random(d.Name))
}

// loaded is a certificate from a file. Its plan is what a twin of it is made from.
func loaded(d Description, parsed *x509.Certificate, key crypto.Signer, issuer *Certificate, now func() time.Time, random io.Reader) (*Certificate, error) {
	if len(parsed.Raw) == 0 {
		return nil, errors.New("the certificate is empty")
	}
	plan := template{
		kind: leafKind, subject: parsed.RawSubject, issuer: issuer,
		notBefore: parsed.NotBefore, notAfter: parsed.NotAfter,
		keyType: keyTypeOf(parsed.PublicKey), keyUsage: parsed.KeyUsage,
		dns: parsed.DNSNames, ips: parsed.IPAddresses,
	}
	for _, usage := range parsed.ExtKeyUsage {
		if oid, known := usageByConstant[usage]; known {
			plan.usages = append(plan.usages, oid)
		}
	}
	for _, oid := range parsed.UnknownExtKeyUsage {
		plan.usages = append(plan.usages, oid.String())
	}
	if d.CA {
		plan.kind = intermediateKind
		if string(parsed.RawSubject) == string(parsed.RawIssuer) {
			plan.kind = rootKind
		}
		plan.basicConstraints = &basicConstraints{ca: true, pathLen: parsed.MaxPathLen}
		if parsed.MaxPathLen == 0 && !parsed.MaxPathLenZero {
			plan.basicConstraints.pathLen = -1
		}
	}
	return &Certificate{
		name: d.Name, der: parsed.Raw, key: key, issuer: issuer, plan: plan, now: now, rand: random,
	}, nil
}
