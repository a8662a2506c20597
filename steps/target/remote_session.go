package target

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

// remoteSession is a scenario on a target that others use too. It keeps what has to be put back.
type remoteSession struct {
	remote *remote
	names  *names
	opened []*sender.Sender
	// passwords of users that play a part, by the scenario's name.
	passwords map[string]password
	clients   map[string]oauthClient
	taken     map[int]bool // declared senders that play a part in this scenario
	borrowed  map[string]bool
	roles     map[tenant.Assignment]bool // of users that only this scenario has
	groups    map[string]bool            // that only this scenario has
	nodes     int                        // how many the scenario takes the tenant to have
	undo      []undo
	closed    bool
}

// password is a password as the scenario writes it, and the one on the target.
type password struct{ scenario, target string }

// borrow notes a certificate or a user of a declared sender, which is not to be changed.
func (s *remoteSession) borrow(what string) {
	if s.borrowed == nil {
		s.borrowed = map[string]bool{}
	}
	s.borrowed[what] = true
}

// owns is an *UnsupportedError for a certificate or user that is only borrowed.
func (s *remoteSession) owns(feature, what string) error {
	if s.borrowed[what] {
		return &UnsupportedError{Feature: feature, Reason: "the sender is declared in the target document and other scenarios use it at the same time: it is not changed (add an issuing section, so that senders can be minted)"}
	}
	return nil
}

// undo puts one thing back.
type undo struct {
	what string
	do   func(context.Context) error
}

// changed notes how to put back what was changed.
func (s *remoteSession) changed(what string, do func(context.Context) error) {
	s.undo = append(s.undo, undo{what, do})
}

// attempt changes one thing and notes how to put it back: before it is tried, since it may have been
// done even if the answer did not arrive. What the tenant refused has not been done.
func (s *remoteSession) attempt(what string, back func(context.Context) error, do func() error) error {
	s.changed(what, back)
	err := do()
	var refused *refusedError
	if errors.As(err, &refused) {
		s.undo = s.undo[:len(s.undo)-1]
	}
	return err
}

// Close puts back what was changed, last change first.
func (s *remoteSession) Close(ctx context.Context) error {
	if s.closed {
		return nil
	}
	s.closed = true
	for _, one := range s.opened {
		_ = one.Close() // connections only
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), RestoreLimit)
	defer cancel()
	var errs []error
	for _, u := range slices.Backward(s.undo) {
		if err := u.do(limit); err != nil {
			errs = append(errs, fmt.Errorf("%s could not be undone: %w", u.what, err))
		}
	}
	r := s.remote
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
	r.left = append(r.left, errs...)
	if err := errors.Join(errs...); err != nil {
		return &FaultError{"putting back what the scenario changed on the target", err}
	}
	return nil
}

// settle checks that the target is what the scenario asks for.
func (s *remoteSession) settle(setup Setup) error {
	r, d := s.remote, s.remote.document
	switch {
	case setup.Landscape != nil:
		return r.needs(Landscape)
	case setup.Limits != (simulator.Limits{}):
		return r.needs(Limits)
	case setup.Report == "last":
		return &UnsupportedError{Feature: Landscape, Reason: "which of several errors the load balancer reports cannot be set"}
	case setup.Nodes != 0 && setup.Nodes != r.nodes():
		return &UnsupportedError{Feature: Nodes, Reason: fmt.Sprintf("the scenario needs %d runtime nodes, and the target has %d", setup.Nodes, r.nodes())}
	case setup.Profile != "" && r.application() != r.account()+setup.Profile:
		return &UnsupportedError{Feature: Landscape, Reason: fmt.Sprintf("the scenario needs the profile %s, and the application of the worker node is %s", setup.Profile, r.application())}
	case setup.RoleCache:
		return &UnsupportedError{Feature: Landscape, Reason: "whether the tenant caches roles cannot be set"}
	case !setup.Clock.IsZero():
		return &UnsupportedError{Feature: Clock, Reason: "the clock of a target that scenarios share can be moved on, and not be set to a date"}
	}
	s.nodes = max(1, setup.Nodes) // as an embedded landscape has
	s.names.hosts[BaseHost] = r.defaultHost()
	for _, want := range setup.Domains {
		i := slices.IndexFunc(d.Domains, func(p PlayedDomain) bool {
			return p.Plays == want.Host && p.Mode == want.Mode && p.OtherBundle == want.OtherBundle
		})
		if i < 0 {
			return &UnsupportedError{Feature: Domains, Reason: fmt.Sprintf("the target document has no domain that plays %q in mode %s", want.Host, want.Mode)}
		}
		s.names.hosts[want.Host] = d.Domains[i].Host
	}
	if i := slices.IndexFunc(d.Channels, func(p Part) bool { return p.Plays == BaseChannel }); i >= 0 {
		s.names.channel(BaseChannel, d.Channels[i].Address)
	}
	if r.issuing != nil {
		s.names.issuers["Example Issuing CA"] = pki.CommonName(r.issuing.X509().RawSubject)
	}
	return nil
}

func (s *remoteSession) Now() time.Time { return s.remote.now() }

func (s *remoteSession) Issuing(context.Context) (*pki.Certificate, error) {
	if err := s.remote.needs(MintTrusted); err != nil {
		return nil, err
	}
	return s.remote.issuing, nil
}

// Good takes a declared sender if there is one, since that changes nothing, and else makes one.
func (s *remoteSession) Good(ctx context.Context, name string) (Party, error) {
	if err := s.remote.needs(GoodSender); err != nil {
		return Party{}, err
	}
	mintable := s.remote.needs(MintTrusted, Mappings, Roles) == nil
	if !mintable {
		return s.take(name, true)
	}
	p, err := s.Unmapped(ctx, name, "")
	if err != nil {
		return Party{}, err
	}
	p.User = User(name)
	if err := s.Map(ctx, p.Keystore.Certificate, p.User); err != nil {
		return Party{}, err
	}
	return p, s.Assign(ctx, tenant.Assignment{User: p.User, Role: BaseRole})
}

func (s *remoteSession) Unmapped(_ context.Context, name, subject string, options ...pki.Option) (Party, error) {
	if s.remote.issuing == nil {
		if subject == "" && len(options) == 0 {
			if p, err := s.take(name, false); err == nil {
				return p, nil
			}
		}
		return Party{}, s.remote.needs(MintTrusted)
	}
	if subject == "" {
		subject = Subject(name)
	}
	certificate, err := pki.Create(s.remote.issuing, pki.Client, name, append(options, pki.Clock(s.Now), pki.Subject(subject))...)
	if err != nil {
		return Party{}, fmt.Errorf("minting the certificate of %q: %w", name, err)
	}
	return Party{Name: name, Certificate: certificate, Keystore: sender.FromPKI(certificate)}, nil
}

// declared finds the sender of the document that may play the part; an empty name is any.
func (r *remote) declared(name string, mapped bool, taken map[int]bool) (int, bool) {
	best := -1
	for i, d := range r.document.Senders {
		if (d.User != "") != mapped || taken[i] || d.Name != "" && name != "" && d.Name != name {
			continue
		}
		if best < 0 || d.Name != "" {
			best = i
		}
	}
	return best, best >= 0
}

// take has a declared sender play the part for the rest of the scenario. Other scenarios may have
// it at the same time, so that nothing about it is changed.
func (s *remoteSession) take(name string, mapped bool) (Party, error) {
	r := s.remote
	i, found := r.declared(name, mapped, s.taken)
	if !found {
		return Party{}, &UnsupportedError{Feature: GoodSender, Reason: fmt.Sprintf("the target document declares no sender that may play %q (with a user: %t)", name, mapped)}
	}
	if s.taken == nil {
		s.taken = map[int]bool{}
	}
	s.taken[i] = true
	d := r.document.Senders[i]
	keystore, err := r.document.store(d.KeyPair)
	if err != nil {
		return Party{}, &FaultError{fmt.Sprintf("reading the key pair senders[%d] of the target document", i), err}
	}
	p := Party{Name: name, Keystore: keystore}
	s.borrow(string(keystore.Certificate))
	if mapped {
		s.borrow(User(name))
		p.User = User(name)
		s.names.plays(p.User, d.User)
	}
	return p, nil
}

func (s *remoteSession) Declared(_ context.Context, name string) (*sender.Sender, Party, error) {
	for _, mapped := range []bool{true, false} {
		for _, d := range s.remote.document.Senders {
			if d.Name == name && (d.User != "") == mapped {
				p, err := s.take(name, mapped)
				if err != nil {
					return nil, Party{}, err
				}
				return s.Sender(name, p.Keystore), p, nil
			}
		}
	}
	return nil, Party{}, &UnsupportedError{Feature: GoodSender, Reason: fmt.Sprintf("the target document declares no sender %q", name)}
}

func (s *remoteSession) Sender(name string, keystore sender.Keystore) *sender.Sender {
	one := &sender.Sender{Name: name, Keystore: keystore, Trust: s.remote.trust, CheckHostName: true, Now: s.Now}
	s.opened = append(s.opened, one)
	return one
}

// TrustTwin cannot add anything to the trust list: a twin whose root is another than that of the
// issuing CA would be refused for want of trust, and not for its defect.
func (s *remoteSession) TrustTwin(_ context.Context, _ string, twin *pki.Certificate) error {
	root, ours := twin.Root(), s.remote.issuing.Root()
	if root.TwinOf() != nil && root != ours {
		return &UnsupportedError{Feature: CustomTrust, Reason: "the certificate needs a root that the target does not trust: " + s.remote.lacks[CustomTrust]}
	}
	return nil
}

func (s *remoteSession) Advance(ctx context.Context, by time.Duration) error {
	if err := s.remote.needs(Clock); err != nil {
		return err
	}
	s.changed("moving the clock on by "+by.String(), func(ctx context.Context) error {
		s.remote.moved(-by)
		return s.remote.own.advance(ctx, -by)
	})
	if err := s.remote.own.advance(ctx, by); err != nil {
		return said(err, "moving the clock on")
	}
	s.remote.moved(by)
	return nil
}

func (s *remoteSession) Distrust(context.Context) error { return s.remote.needs(CustomTrust) }

func (s *remoteSession) SetNodeUp(ctx context.Context, n int, up bool) error {
	if have := s.remote.nodes(); have != s.nodes {
		return &UnsupportedError{Feature: Nodes, Reason: fmt.Sprintf("the scenario takes nodes down of a tenant with %d, and the target has %d", s.nodes, have)}
	}
	if !s.remote.document.Features[Nodes] || s.remote.own == nil {
		return &UnsupportedError{Feature: Nodes, Reason: "others use the runtime nodes too (in a running simulator that is yours alone, set features.nodes: true and run with --concurrency 1)"}
	}
	if !up {
		s.changed(fmt.Sprintf("taking runtime node %d down", n), func(ctx context.Context) error { return s.setNode(ctx, n, true) })
	}
	return said(s.setNode(ctx, n, up), "taking a runtime node up or down")
}

// setNode takes a node up or down. Another load balancer than the simulator's own asks now and then
// which nodes are up: that it has a node for a call again is waited for.
func (s *remoteSession) setNode(ctx context.Context, n int, up bool) error {
	if err := s.remote.own.setNode(ctx, n, up); err != nil || !up {
		return err
	}
	return waitFor(ctx, s.remote.waits.Change, func() (bool, error) {
		status, err := s.remote.ask(ctx)
		return status != http.StatusServiceUnavailable && status != http.StatusBadGateway, err
	})
}

func (s *remoteSession) NodeIDs(context.Context) ([]string, error) {
	if err := s.remote.needs(Nodes); err != nil {
		return nil, err
	}
	if s.remote.facts == nil {
		return nil, &UnsupportedError{Feature: Nodes, Reason: "the ids of a real tenant's runtime nodes are not known before each has a log file"}
	}
	var ids []string
	for _, n := range s.remote.facts.Nodes {
		ids = append(ids, n.ID)
	}
	return ids, nil
}

func (s *remoteSession) CheckNodes(context.Context) (*Call, error) {
	return nil, &UnsupportedError{Feature: Nodes, Reason: "the management node cannot be told when to call"}
}

func (s *remoteSession) ManagementHost() string {
	return strings.Replace(s.remote.defaultHost(), "-iflmap.", "-tmn.", 1)
}

var _ Session = (*remoteSession)(nil)
