package target

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

// Subject is the subject DN of a sender that a scenario gives none.
func Subject(name string) string {
	return "CN=" + name + ".example, O=Example, L=Munich, ST=Bavaria, C=DE"
}

// User is the user to which the certificate of a good sender is mapped.
func User(name string) string { return strings.ToUpper(name) }

func (s *embeddedSession) Now() time.Time { return s.sim.Clock().Now() }

func (s *embeddedSession) Good(ctx context.Context, name string) (Party, error) {
	p, err := s.Unmapped(ctx, name, "")
	if err != nil {
		return Party{}, err
	}
	p.User = User(name)
	if err := s.Map(ctx, p.Certificate.DER(), p.User); err != nil {
		return Party{}, err
	}
	return p, s.Assign(ctx, tenant.Assignment{User: p.User, Role: BaseRole})
}

func (s *embeddedSession) Unmapped(ctx context.Context, name, subject string, options ...pki.Option) (Party, error) {
	issuing, err := s.Issuing(ctx)
	if err != nil {
		return Party{}, err
	}
	if subject == "" {
		subject = Subject(name)
	}
	certificate, err := pki.Create(issuing, pki.Client, name, append(options, pki.Clock(s.Now), pki.Subject(subject))...)
	if err != nil {
		return Party{}, fmt.Errorf("minting the certificate of %q: %w", name, err)
	}
	if err := s.sim.Certificates().Add(name, certificate); err != nil {
		return Party{}, err
	}
	return Party{Name: name, Certificate: certificate, Keystore: sender.FromPKI(certificate)}, nil
}

func (s *embeddedSession) Declared(_ context.Context, name string) (*sender.Sender, Party, error) {
	one, err := s.sim.Sender(name)
	if err != nil {
		return nil, Party{}, err
	}
	p := Party{Name: name, Keystore: one.Keystore}
	for _, known := range s.sim.Certificates().Names() {
		if c, _ := s.sim.Certificates().Get(known); slices.Equal(c.DER(), one.Keystore.Certificate) {
			p.Certificate = c
		}
	}
	p.User, _ = s.tenant().Snapshot().Mapped(one.Keystore.Certificate)
	return one, p, nil
}

func (s *embeddedSession) Issuing(context.Context) (*pki.Certificate, error) {
	if c, ok := s.sim.Certificates().Get(baseIssuing); ok {
		return c, nil
	}
	return nil, fmt.Errorf("the landscape has no certificate %q, below which the scenario's senders would have theirs", baseIssuing)
}

func (s *embeddedSession) Sender(name string, keystore sender.Keystore) *sender.Sender {
	one := s.sim.NewSender(name, nil)
	one.Keystore = keystore
	s.opened = append(s.opened, one)
	return one
}

func (s *embeddedSession) TrustTwin(_ context.Context, name string, twin *pki.Certificate) error {
	if err := s.sim.Certificates().Add(name, twin); err != nil {
		return err
	}
	return s.sim.SetTrust(s.sim.Host(), s.sim.Trust(s.sim.Host())...)
}

func (s *embeddedSession) Advance(_ context.Context, by time.Duration) error {
	s.sim.Clock().Advance(by)
	return nil
}

func (s *embeddedSession) Distrust(context.Context) error {
	if _, have := s.sim.Certificates().Get(otherRoot.Name); !have {
		root, err := pki.Create(nil, pki.CA, otherRoot.Name, pki.Clock(s.Now), pki.Subject(otherRoot.Subject))
		if err != nil {
			return err
		}
		if err := s.sim.Certificates().Add(otherRoot.Name, root); err != nil {
			return err
		}
	}
	return s.sim.SetTrust(s.sim.Host(), otherRoot.Name)
}

func (s *embeddedSession) SetNodeUp(_ context.Context, n int, up bool) error {
	nodes := s.sim.Nodes()
	if n < 1 || n > len(nodes) {
		return fmt.Errorf("there is no runtime node %d: the tenant has %d", n, len(nodes))
	}
	nodes[n-1].SetUp(up)
	return nil
}

func (s *embeddedSession) NodeIDs(context.Context) ([]string, error) {
	var ids []string
	for _, n := range s.sim.Nodes() {
		ids = append(ids, n.ID())
	}
	return ids, nil
}

func (s *embeddedSession) ManagementHost() string { return s.sim.ManagementHost() }

func (s *embeddedSession) CheckNodes(ctx context.Context) (*Call, error) {
	mark, err := s.sim.Logs().Mark()
	if err != nil {
		return nil, &FaultError{"marking the logs", err}
	}
	if err := s.sim.CheckNodes(ctx); err != nil {
		return nil, err
	}
	c := &Call{}
	if c.Lines, c.Records, err = s.sim.Logs().Since(mark); err != nil {
		return nil, &FaultError{"reading the logs", err}
	}
	// The newest record is that of the last node that was called.
	if all := s.sim.Journeys().All(); len(all) > 0 {
		c.Journey = all[len(all)-1]
		c.Result.Status = c.Journey.Status
	}
	return c, nil
}

// sanity makes one good call.
func sanity(ctx context.Context, t Target) (err error) {
	fault := func(err error) error {
		return &FaultError{"making one good call, without which no refusal would prove anything", err}
	}
	s, err := t.Open(ctx, Setup{})
	if err != nil {
		return fault(err)
	}
	defer func() {
		if closing := s.Close(context.WithoutCancel(ctx)); err == nil && closing != nil {
			err = fault(closing)
		}
	}()
	p, err := s.Good(ctx, "warehouse")
	if err != nil {
		return fault(err)
	}
	url, err := s.URL("", BaseChannel)
	if err != nil {
		return fault(err)
	}
	c, err := s.Do(ctx, s.Sender(p.Name, p.Keystore), Order(url))
	switch {
	case err != nil:
		return fault(err)
	case c.Result.Err != nil:
		return fault(c.Result.Err)
	case c.Result.Status >= 300:
		return fault(fmt.Errorf("a sender that should be let in got HTTP %d: %s", c.Result.Status, journey.Printable(c.Result.String())))
	}
	return nil
}

// Order is the message of a call of which a scenario says nothing else.
func Order(url string) sender.Call {
	return sender.Call{URL: url, Method: "POST", Body: []byte("<order/>"), Header: map[string][]string{"Content-Type": {"text/xml"}}}
}

var _ Session = (*embeddedSession)(nil)
