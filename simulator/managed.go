package simulator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/management"
)

// managed is the landscape as package management shows and changes it.
type managed struct{ s *Simulator }

var _ management.Landscape = managed{}

func (m managed) Journeys() *journey.Log { return m.s.journeys }

func (m managed) SetClock(to time.Time) { m.s.clock.Set(to) }

func (m managed) SetTrust(host string, names ...string) error { return m.s.SetTrust(host, names...) }

// Facts tell how the landscape is called, and what it has.
func (m managed) Facts() management.Facts {
	s := m.s
	snapshot := s.tenant.Snapshot()
	f := management.Facts{
		Account: snapshot.Account(), Application: snapshot.Application(), Host: s.host, ManagementHost: s.ManagementHost(),
		CallAddress: s.Address(), Root: string(keystore.CertificatePEM(s.root)), Clock: s.clock.Now().UTC(), Certificates: s.set.Names(),
		Features: []string{"access-log", "channels", "clock", "custom-trust", "mappings", "mint-trusted", "nodes", "roles", "trace"},
	}
	f.Hosts = append(f.Hosts, management.Host{Name: s.host, Mode: "request", Trust: notNil(s.Trust(s.host))})
	for _, d := range s.landscape.LoadBalancer.Domains {
		mode := d.Mode
		if mode == "" {
			mode = "request"
		}
		f.Hosts = append(f.Hosts, management.Host{Name: d.Host, Mode: mode, Trust: notNil(s.Trust(d.Host))})
	}
	if len(f.Hosts) > 1 {
		f.Features = append(f.Features, "domains")
		slices.Sort(f.Features)
	}
	for i, n := range s.nodes {
		f.Nodes = append(f.Nodes, management.Node{Number: i + 1, ID: n.ID(), Up: n.Up()})
	}
	return f
}

func notNil(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

func (m managed) SetNode(number int, up bool) error {
	if number < 1 || number > len(m.s.nodes) {
		return fmt.Errorf("there is no runtime node %d: this tenant has %d, counted from 1", number, len(m.s.nodes))
	}
	m.s.nodes[number-1].SetUp(up)
	return nil
}

// maxMinted bounds how many certificates are added to a landscape while it runs.
const maxMinted = 5000

// Mint makes certificates beside those of the landscape, which they may refer to by name. They stay
// for as long as the landscape runs. All of them are made, or none.
func (s *Simulator) Mint(ctx context.Context, descriptions []pki.Description, load func(string) ([]byte, error)) ([]*pki.Certificate, error) {
	s.adding.Lock()
	defer s.adding.Unlock()
	if len(s.added)+len(descriptions) > maxMinted {
		return nil, fmt.Errorf("minting certificates: %d were added already, and %d is the most", len(s.added), maxMinted)
	}
	var known []pki.Description
	for _, d := range append(slices.Clone(s.landscape.PKI), s.added...) {
		d.File, d.KeyFile, d.Export = "", "", pki.ExportDescription{} // it is there already
		known = append(known, d)
	}
	for _, d := range descriptions {
		if _, taken := s.set.Get(d.Name); taken {
			return nil, fmt.Errorf("minting certificates: there is a certificate %q already", d.Name)
		}
		if d.Export.PasswordEnv != "" || d.Export.PasswordFile != "" {
			return nil, fmt.Errorf("minting certificate %q: export has no effect here, remove it", d.Name)
		}
	}
	before := make(map[string]pki.Existing, len(known))
	for _, d := range known {
		c, ok := s.set.Get(d.Name)
		if !ok {
			continue
		}
		e := pki.Existing{DER: c.DER(), Key: c.Key(), Above: c.Above()}
		if extra := c.Extra(); extra != nil {
			e.Extra = extra.DER()
		}
		before[d.Name] = e
	}
	all := append(known, descriptions...)
	// Only what the new ones depend on has to be looked at.
	names := make([]string, len(descriptions))
	for i, d := range descriptions {
		names[i] = d.Name
	}
	if pki.Validate(all) == nil {
		all = pki.EntriesFor(all, names...)
	}
	set, err := pki.Mint(ctx, all, pki.Options{Now: s.clock.Now, Rand: s.rand, Load: load, Existing: before})
	if err != nil {
		return nil, mintError(err, len(known))
	}
	var made []*pki.Certificate
	for _, name := range names {
		c, _ := set.Get(name)
		made = append(made, c)
		if err := s.set.Add(name, c); err != nil {
			return nil, err
		}
	}
	s.added = append(s.added, descriptions...)
	return made, s.trustTwins()
}

// trustTwins trusts what was minted since in the place of a trusted certificate, see pki.Set.TrustFor.
func (s *Simulator) trustTwins() error {
	s.mu.Lock()
	hosts := make([]string, 0, len(s.trust))
	for host := range s.trust {
		hosts = append(hosts, host)
	}
	s.mu.Unlock()
	for _, host := range hosts {
		if err := s.SetTrust(host, s.Trust(host)...); err != nil {
			return err
		}
	}
	return nil
}

// mintError counts the descriptions of a request from 0, and not those of the landscape before them.
func mintError(err error, before int) error {
	var problems pki.Problems
	if !errors.As(err, &problems) {
		return err
	}
	var texts []string
	for _, p := range problems {
		texts = append(texts, fmt.Sprintf("certificates[%d].%s: %s", p.Index-before, p.Field, p.Message))
	}
	return errors.New(strings.Join(texts, "; "))
}

func (m managed) Mint(ctx context.Context, descriptions []pki.Description, load func(string) ([]byte, error)) ([]*pki.Certificate, error) {
	return m.s.Mint(ctx, descriptions, load)
}
