// Package simulator runs a landscape: a tenant with its runtime nodes behind its load balancer,
// and senders that call it over real TLS sockets. One document describes it (Landscape), Start
// runs it, Close ends it.
//
// The rules themselves live below: what the load balancer does in package loadbalancer, what a
// runtime node does in package node, what is configured in package tenant. This package reads the
// document, mints the certificates and puts the parts together. It is a test tool: its
// certificates and keys protect nothing.
package simulator

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// Options are what does not belong into a landscape document. The zero value works.
type Options struct {
	// LogFolder is where the nodes write their logs. Default: a temporary folder that Close
	// removes.
	LogFolder string
	// Rand is where keys, serial numbers and ids come from. Default: crypto/rand.
	Rand io.Reader
	// Store keeps the tenant's state, and the certificates that are minted. What it holds from an
	// earlier landscape takes the place of what the document says of mappings, users, roles, channels
	// and the like; the account must be the same. Close closes it, and so does a Start that fails.
	// Default: the state ends with the landscape.
	Store tenant.Store
	// Management serves the tenant's own interfaces too; see Simulator.ManagementURL. Default: only if
	// the document gives them an address.
	Management bool
	// Logger gets what goes wrong inside. Default: discarded.
	Logger *slog.Logger
	// Parts exchanges parts of the landscape, in tests. It is called once for each landscape, so that
	// what the parts remember is that landscape's own. Default: every part is the honest one.
	Parts func() Parts
}

// Simulator is a running landscape. Its methods are safe for use by many goroutines.
type Simulator struct {
	landscape Landscape
	host      string
	clock     *Clock
	set       *pki.Set
	servers   *pki.Certificate // the CA of server certificates that the document does not name
	root      *pki.Certificate // above the default host's certificate
	tenant    *tenant.Tenant
	store     tenant.Store // nil: the state ends with the landscape
	nodes     []*node.Node
	writers   []*systemlog.Writer
	balancer  *loadbalancer.LoadBalancer
	journeys  *journey.Log
	folder    string
	ownFolder bool
	log       *slog.Logger
	rand      io.Reader
	parts     Parts

	mu      sync.Mutex
	senders map[string]*sender.Sender
	trust   map[string][]string // by host: names of trusted certificates
	manager *sender.Sender      // the management node
	stop    context.CancelFunc  // ends the management calls
	tasks   sync.WaitGroup
	closed  bool

	management *managementServer // nil: not served

	adding sync.Mutex        // guards added, and is held while certificates are minted
	added  []pki.Description // of certificates that were minted since the start
}

// Start runs a landscape. It validates it first; nothing is started if anything is wrong. When
// ctx ends the landscape is closed.
func Start(ctx context.Context, l Landscape, options Options) (*Simulator, error) {
	if err := l.Validate(); err != nil {
		if options.Store != nil {
			err = errors.Join(err, options.Store.Close())
		}
		return nil, err
	}
	s := &Simulator{
		landscape: l, host: l.Tenant.withDefaults().Host, clock: &Clock{}, journeys: &journey.Log{},
		folder: options.LogFolder, log: options.Logger, rand: options.Rand,
		senders: map[string]*sender.Sender{}, trust: map[string][]string{}, store: options.Store,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if options.Parts != nil {
		s.parts = options.Parts()
	}
	if !l.Clock.IsZero() {
		s.clock.Set(l.Clock)
	}
	err := s.start(ctx)
	if err == nil && (options.Management || l.Management.Listen != "") {
		err = s.StartManagement()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Simulator) start(ctx context.Context) error {
	l := s.landscape
	if err := s.openTenant(ctx); err != nil {
		return err
	}
	if s.folder == "" {
		folder, err := os.MkdirTemp("", "gatehouse-")
		if err != nil {
			return fmt.Errorf("making a folder for the logs: %w", err)
		}
		s.folder = folder
		s.ownFolder = true
	}
	if err := s.startNodes(); err != nil {
		return err
	}
	if err := s.startLoadBalancer(ctx); err != nil {
		return err
	}
	if l.Tenant.ManagementCalls {
		return s.startManagementCalls(ctx)
	}
	return nil
}

func (s *Simulator) startNodes() error {
	t := s.landscape.Tenant.withDefaults()
	var logs []node.Log
	for i := range t.Nodes {
		writer, err := systemlog.New(s.folder, systemlog.NodeID(t.Account, i+1), s.clock.Now)
		if err != nil {
			return fmt.Errorf("starting runtime node %d: %w", i+1, err)
		}
		s.writers, logs = append(s.writers, writer), append(logs, writer)
	}
	if s.parts.Logs != nil {
		logs = s.parts.Logs(logs)
	}
	for i, w := range s.writers {
		config := node.Config{ID: w.Node(), Host: s.host, Tenant: s.tenant, Log: logs[i], Now: s.clock.Now, Rand: s.rand, Logger: s.log}
		if lookups := s.parts.Lookups; lookups != nil {
			config.Lookups = func(snapshot *tenant.Snapshot) node.Lookups { return lookups(s.tenant, snapshot) }
		}
		n, err := node.New(config)
		if err != nil {
			return fmt.Errorf("starting runtime node %d: %w", i+1, err)
		}
		s.nodes = append(s.nodes, n)
	}
	for _, n := range t.NodesDown {
		s.nodes[n-1].SetUp(false)
	}
	return nil
}

func (s *Simulator) startLoadBalancer(ctx context.Context) error {
	l := s.landscape.LoadBalancer
	server := func(name, host string) (*pki.Certificate, error) {
		if name != "" {
			c, _ := s.set.Get(name)
			return c, nil
		}
		return s.serverCertificate(host)
	}
	c, err := server(l.Certificate, s.host)
	if err != nil {
		return err
	}
	s.root = c.Root()
	s.trust[s.host] = l.Trust
	config := loadbalancer.Config{
		Listen: l.Listen, Address: l.Address, Now: s.clock.Now, Rand: s.rand, Journeys: s.journeys, ErrorLog: s.log,
		Default:      loadbalancer.Host{Name: s.host, Certificate: c.TLSCertificate(), Trust: s.trusted(l.Trust)},
		Verification: l.Verification.options(), Parts: s.parts.LoadBalancer,
		Limits: loadbalancer.Limits{
			HandshakeTimeout: l.Limits.Handshake, HeaderBytes: l.Limits.HeaderBytes, HeaderTimeout: l.Limits.Header,
			BodyStall: l.Limits.BodyStall, Call: l.Limits.Call, Idle: l.Limits.Idle,
		},
	}
	for _, d := range l.Domains {
		c, err := server(d.Certificate, d.Host)
		if err != nil {
			return err
		}
		mode, err := loadbalancer.ParseMode(d.Mode)
		if err != nil {
			return err
		}
		s.trust[d.Host] = d.Trust
		config.Domains = append(config.Domains, loadbalancer.Host{Name: d.Host, Certificate: c.TLSCertificate(), Mode: mode, Trust: s.trusted(d.Trust)})
	}
	for _, n := range s.nodes {
		if s.parts.Node != nil {
			config.Backends = append(config.Backends, s.parts.Node(n))
			continue
		}
		config.Backends = append(config.Backends, n)
	}
	if s.parts.Host != nil {
		config.Default = s.parts.Host(config.Default)
		for i, d := range config.Domains {
			config.Domains[i] = s.parts.Host(d)
		}
	}
	if s.balancer, err = loadbalancer.Start(ctx, config); err != nil {
		if l.Listen != "" {
			return document.Problems{s.landscape.source.Problem("loadBalancer.listen", "%v: choose another address, or port 0 for a free one", err)}
		}
		return err
	}
	return nil
}

// serverLifetime is that of the server certificates that the document does not describe: so long
// that moving the clock past a sender's expiry does not meet theirs first.
const serverLifetime = 4 * 365 * 24 * time.Hour

// minting are the options of every certificate that the document does not describe.
func (s *Simulator) minting(subject string) []pki.Option {
	options := []pki.Option{pki.Clock(s.clock.Now), pki.Subject(subject)}
	if s.rand != nil {
		options = append(options, pki.Rand(s.rand))
	}
	return options
}

func (v Verification) options() verify.Options {
	var o verify.Options
	if v.Report == "last" {
		o.Report = verify.Last
	}
	if v.Numbering == "1.1" {
		o.Numbering = verify.OpenSSL11
	}
	if v.Level != nil {
		o.Level = verify.Level0 + verify.Level(*v.Level)
	}
	return o
}

// trusted collects what trust in the named certificates means.
func (s *Simulator) trusted(names []string) []*x509.Certificate {
	var out []*x509.Certificate
	for _, name := range names {
		out = append(out, s.set.TrustFor(name)...)
	}
	return out
}

// mintProblems gives positions to what minting found wrong.
func (s *Simulator) mintProblems(err error) error {
	var one *pki.MintError
	if errors.As(err, &one) {
		// A file that the entry names cannot be used: the document is wrong all the same.
		return document.Problems{s.landscape.source.Problem(fmt.Sprintf("pki[%d]", one.Index), "%v", one.Err)}
	}
	var problems pki.Problems
	if !errors.As(err, &problems) {
		return fmt.Errorf("minting the certificates: %w", err)
	}
	var out document.Problems
	for _, p := range problems {
		out = append(out, s.landscape.source.Problem(fmt.Sprintf("pki[%d].%s", p.Index, p.Field), "%s", p.Message))
	}
	return out
}

func (s *Simulator) tenantProblems(err error) error {
	var problems *tenant.ProblemsError
	if !errors.As(err, &problems) {
		return fmt.Errorf("configuring the tenant: %w", err)
	}
	var out document.Problems
	for _, p := range problems.Problems {
		out = append(out, s.landscape.source.Problem(documentPath(p.Path), "%s", p.Message))
	}
	return out
}

// Close ends the landscape: no call is accepted any more, the logs are closed and, if they are in
// a temporary folder, removed. It may be called more than once.
func (s *Simulator) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	senders, interfaces := s.senders, s.management
	if s.manager != nil {
		senders["\x00management"] = s.manager
	}
	s.mu.Unlock()
	var errs []error
	if s.stop != nil {
		s.stop()
	}
	s.tasks.Wait()
	for _, one := range senders {
		errs = append(errs, one.Close())
	}
	if interfaces != nil {
		errs = append(errs, interfaces.close())
	}
	if s.balancer != nil {
		errs = append(errs, s.balancer.Close())
	}
	for _, w := range s.writers {
		errs = append(errs, w.Close())
	}
	if s.tenant != nil {
		errs = append(errs, s.tenant.Close())
	} else if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.ownFolder {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing the landscape: %w", err)
	}
	return nil
}

// JourneyLimit is how long Send waits for the record of a call that it has the answer of.
const JourneyLimit = 5 * time.Second
