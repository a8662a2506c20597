package simulator

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

// Reloaded says what became of the certificates when a landscape was reloaded.
type Reloaded struct {
	// Kept are as they were, with their keys; Minted are new or described otherwise, or below one
	// that is; Gone are in the document no longer.
	Kept, Minted, Gone []string
}

// Reload lets a running landscape be as another document says, without the loss of a call: calls
// under way end as they began, connections stay open and keep the verdict on their certificate, and
// everything that comes after is treated by the new document. A certificate whose description has
// not changed, nor any above it, stays as it is, so that senders can go on with the keys they have.
//
// The tenant is as the new document says: what was changed in it while it ran is replaced. What is
// bound to the start (the clock, the addresses, the limits, the names of tenant and host, the number of nodes,
// the calls of the management node) cannot be changed so. The error is a document.Problems if the
// document is wrong or asks for that; nothing has changed then.
func (s *Simulator) Reload(ctx context.Context, l Landscape) (Reloaded, error) {
	if err := l.Validate(); err != nil {
		return Reloaded{}, err
	}
	s.reloading.Lock()
	defer s.reloading.Unlock()
	old := s.Landscape()
	if err := old.fixed(l); err != nil {
		return Reloaded{}, err
	}
	next := &Simulator{
		landscape: l, host: s.host, clock: s.clock, nodes: s.nodes, journeys: s.journeys, log: s.log, rand: s.rand,
		observer: s.observer, parts: s.parts, servers: s.servers, trust: map[string][]string{},
	}
	result, err := s.mintNext(ctx, next)
	if err != nil {
		return Reloaded{}, err
	}
	s.mu.Lock()
	if s.manager != nil { // it goes on calling, and is let in
		next.landscape.LoadBalancer.Trust = append(slices.Clip(l.LoadBalancer.Trust), managementCertificate+"-ca")
	}
	s.mu.Unlock()
	config, err := next.loadBalancerConfig()
	if err != nil {
		return Reloaded{}, err
	}
	next.landscape = l
	configured, err := l.tenantConfig(next.set)
	if err != nil {
		return Reloaded{}, err
	}
	before := s.tenant.Config()
	if err := s.tenant.Update(func(c *tenant.Config) error { *c = configured; return nil }); err != nil {
		return Reloaded{}, next.tenantProblems(err)
	}
	if err := s.balancer.Reconfigure(loadbalancer.Settings{
		Default: config.Default, Domains: config.Domains, Backends: config.Backends, Verification: config.Verification,
	}); err != nil {
		return Reloaded{}, errors.Join(err, s.tenant.Update(func(c *tenant.Config) error { *c = before; return nil }))
	}
	s.adopt(next, old)
	return result, nil
}

// mintNext makes the certificates of the next landscape; those that have not changed are taken over.
func (s *Simulator) mintNext(ctx context.Context, next *Simulator) (Reloaded, error) {
	l, old, have := next.landscape, s.Landscape(), s.Certificates()
	kept := unchanged(old.PKI, l.PKI)
	existing := map[string]pki.Existing{}
	for name := range kept {
		c, ok := have.Get(name)
		if !ok {
			continue
		}
		e := pki.Existing{DER: c.DER(), Key: c.Key(), Above: c.Above()}
		if extra := c.Extra(); extra != nil {
			e.Extra = extra.DER()
		}
		existing[name] = e
	}
	set, err := pki.Mint(ctx, l.PKI, pki.Options{Now: s.clock.Now, Rand: s.rand, Load: l.load, Existing: existing})
	if err != nil {
		if ctx.Err() != nil {
			return Reloaded{}, fmt.Errorf("minting the certificates: %w", err)
		}
		return Reloaded{}, next.mintProblems(err)
	}
	var result Reloaded
	for _, d := range l.PKI {
		if kept[d.Name] {
			result.Kept = append(result.Kept, d.Name)
		} else {
			result.Minted = append(result.Minted, d.Name)
		}
	}
	described := map[string]bool{}
	for _, d := range old.PKI {
		described[d.Name] = true
		if _, still := set.Get(d.Name); !still {
			result.Gone = append(result.Gone, d.Name)
		}
	}
	// What was added while it ran is not the document's to take away.
	for _, name := range have.Names() {
		if c, ok := have.Get(name); ok && !described[name] {
			if _, taken := set.Get(name); !taken {
				if err := set.Add(name, c); err != nil {
					return Reloaded{}, err
				}
			}
		}
	}
	next.set = set
	return result, nil
}

// unchanged are the names of the descriptions that stand in both lists alike, with all that they
// refer to. What comes from a file is read anew.
func unchanged(old, now []pki.Description) map[string]bool {
	before := map[string]pki.Description{}
	for _, d := range old {
		before[d.Name] = d
	}
	kept := map[string]bool{}
	for _, d := range now {
		was, ok := before[d.Name]
		kept[d.Name] = ok && reflect.DeepEqual(was, d) && d.File == "" && d.KeyFile == ""
	}
	for again := true; again; {
		again = false
		for _, d := range now {
			for _, on := range []string{d.Issuer, d.Like, d.CrossSigns} {
				if kept[d.Name] && on != "" && !kept[on] {
					delete(kept, d.Name)
					again = true
				}
			}
		}
	}
	for name, same := range kept {
		if !same {
			delete(kept, name)
		}
	}
	return kept
}

// adopt takes over what was made for the next landscape.
func (s *Simulator) adopt(next *Simulator, old Landscape) {
	s.mu.Lock()
	senders := s.senders
	s.senders, s.trust = map[string]*sender.Sender{}, next.trust
	s.current.Lock()
	s.landscape, s.set, s.root, s.servers = next.landscape, next.set, next.root, next.servers
	s.current.Unlock()
	s.mu.Unlock()
	for _, one := range senders {
		_ = one.Close() // connections only
	}
	l := next.landscape
	if !slices.Equal(l.Tenant.NodesDown, old.Tenant.NodesDown) {
		for i, n := range s.nodes {
			n.SetUp(!slices.Contains(l.Tenant.NodesDown, i+1))
		}
	}
}

// fixed says what of a new document takes effect only with a new start.
func (l Landscape) fixed(next Landscape) error {
	var problems document.Problems
	same := func(path string, have, found any) {
		if !reflect.DeepEqual(have, found) {
			problems = append(problems, next.source.Problem(path,
				"found %v, while the landscape runs with %v: this takes effect with a new start only; put it back, or end the landscape and start it again", shownAs(found), shownAs(have)))
		}
	}
	a, b := l.Tenant.withDefaults(), next.Tenant.withDefaults()
	same("clock", l.Clock.UTC(), next.Clock.UTC())
	same("tenant.account", a.Account, b.Account)
	same("tenant.host", a.Host, b.Host)
	same("tenant.profile", a.Profile, b.Profile)
	same("tenant.nodes", a.Nodes, b.Nodes)
	same("tenant.managementCalls", a.ManagementCalls, b.ManagementCalls)
	same("management.listen", l.Management.Listen, next.Management.Listen)
	same("management.downtime", l.Management.Downtime, next.Management.Downtime)
	same("management.platformRequests", l.Management.PlatformRequests, next.Management.PlatformRequests)
	same("loadBalancer.listen", l.LoadBalancer.Listen, next.LoadBalancer.Listen)
	same("loadBalancer.address", l.LoadBalancer.Address, next.LoadBalancer.Address)
	x, y := l.LoadBalancer.Limits, next.LoadBalancer.Limits
	same("loadBalancer.limits.handshake", x.Handshake, y.Handshake)
	same("loadBalancer.limits.header", x.Header, y.Header)
	same("loadBalancer.limits.headerBytes", x.HeaderBytes, y.HeaderBytes)
	same("loadBalancer.limits.bodyStall", x.BodyStall, y.BodyStall)
	same("loadBalancer.limits.call", x.Call, y.Call)
	same("loadBalancer.limits.idle", x.Idle, y.Idle)
	return problems.Err()
}

// shownAs is a value as a problem names it.
func shownAs(value any) string {
	if at, ok := value.(time.Time); ok && !at.IsZero() {
		return at.Format(time.RFC3339)
	}
	if reflect.ValueOf(value).IsZero() {
		return "the default"
	}
	return fmt.Sprintf("%q", fmt.Sprint(value))
}

// Shutdown ends the landscape without the loss of a call: those under way, and those that come
// while it waits, are answered. When ctx ends, what is left is cut, and the error says so.
func (s *Simulator) Shutdown(ctx context.Context) error {
	if s.stop != nil {
		s.stop()
	}
	s.tasks.Wait()
	var drained error
	if s.balancer != nil {
		drained = s.balancer.Drain(ctx)
	}
	return errors.Join(drained, s.Close())
}
