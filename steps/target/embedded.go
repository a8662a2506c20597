package target

import (
	"context"
	"errors"
	"fmt"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

// The certificates of an embedded landscape.
const (
	baseRoot    = "example-root"
	baseIssuing = "example-issuing"
)

// otherRoot is a CA that the load balancer does not trust unless a scenario says so.
var otherRoot = pki.Description{Name: "other-root", Subject: "CN=Other Root CA, O=Other, C=DE", CA: true}

// Embedded is the simulator in this process: each scenario gets a landscape of its own, which ends
// with it. It has every feature. The log folder of the options must be left empty, since landscapes
// do not share one.
func Embedded(options simulator.Options) Target { return &embedded{options: options} }

type embedded struct{ options simulator.Options }

func (e *embedded) Name() string { return "embedded simulator" }

func (e *embedded) Supports(feature string) (bool, string) {
	if !Known(feature) {
		return false, fmt.Sprintf("there is no feature %q", feature)
	}
	return true, ""
}

func (e *embedded) Sanity(ctx context.Context) error { return sanity(ctx, e) }

func (e *embedded) Close(context.Context) error { return nil }

func (e *embedded) Open(ctx context.Context, setup Setup) (Session, error) {
	l, err := setup.landscape()
	if err != nil {
		return nil, err
	}
	// A landscape ends with its session, which is after the context of the step that began it.
	sim, err := simulator.Start(context.WithoutCancel(ctx), l, e.options)
	if err != nil {
		return nil, fmt.Errorf("the landscape of this scenario does not start: %w", err)
	}
	return &embeddedSession{sim: sim}, nil
}

// landscape is the one that the setup describes.
func (s Setup) landscape() (simulator.Landscape, error) {
	if s.Landscape != nil {
		if s.Nodes != 0 || s.Profile != "" || s.RoleCache || !s.Clock.IsZero() || len(s.Domains) > 0 || s.Report != "" || len(s.Channels) > 0 || s.Limits != (simulator.Limits{}) {
			return simulator.Landscape{}, errors.New("the scenario gives a landscape document and describes a landscape too: write everything into the document")
		}
		return withSenderCA(*s.Landscape), nil
	}
	off := false
	l := simulator.Landscape{
		Clock: s.Clock, Tenant: simulator.Tenant{Nodes: s.Nodes, Profile: s.Profile, RoleCache: s.RoleCache},
		LoadBalancer: simulator.LoadBalancer{Verification: simulator.Verification{Report: s.Report}, Limits: s.Limits},
		Channels:     []simulator.Channel{{Address: BaseChannel, CSRFProtected: &off}},
	}
	l = withSenderCA(l)
	for _, d := range s.Domains {
		bundle := baseRoot
		if d.OtherBundle {
			bundle = otherRoot.Name
			l.PKI = append(l.PKI, otherRoot)
		}
		l.LoadBalancer.Domains = append(l.LoadBalancer.Domains, simulator.Domain{Host: d.Host, Mode: d.Mode, Trust: []string{bundle}})
	}
	for _, c := range s.Channels {
		l.Channels = put(l.Channels, c)
	}
	return l, nil
}

// withSenderCA adds the CA of the scenario's senders, unless the landscape has it, and trusts it.
func withSenderCA(l simulator.Landscape) simulator.Landscape {
	have := map[string]bool{}
	for _, d := range l.PKI {
		have[d.Name] = true
	}
	if have[baseRoot] || have[baseIssuing] {
		return l
	}
	l.PKI = append([]pki.Description{
		{Name: baseRoot, Subject: "CN=Example Root CA, O=Example, C=DE", CA: true},
		{Name: baseIssuing, Subject: "CN=Example Issuing CA, O=Example, C=DE", Issuer: baseRoot, CA: true},
	}, l.PKI...)
	l.LoadBalancer.Trust = append([]string{baseRoot}, l.LoadBalancer.Trust...)
	return l
}

// put replaces the channel with the same address, or adds one.
func put(channels []simulator.Channel, c simulator.Channel) []simulator.Channel {
	for i, have := range channels {
		if have.Address == c.Address {
			channels[i] = c
			return channels
		}
	}
	return append(channels, c)
}

// embeddedSession is a scenario with a landscape of its own.
type embeddedSession struct {
	sim    *simulator.Simulator
	opened []*sender.Sender
}

func (s *embeddedSession) Close(context.Context) error {
	for _, one := range s.opened {
		_ = one.Close() // connections only; the load balancer ends them in any case
	}
	return s.sim.Close()
}

func (s *embeddedSession) URL(host, path string) (string, error) {
	if host == "" {
		host = s.sim.Host()
	}
	return s.sim.URLOn(host, path), nil
}

func (s *embeddedSession) Do(ctx context.Context, from *sender.Sender, message sender.Call) (*Call, error) {
	mark, err := s.sim.Logs().Mark()
	if err != nil {
		return nil, &FaultError{"marking the logs", err}
	}
	outcome, err := s.sim.Call(ctx, from, message)
	if err != nil {
		return nil, err
	}
	c := &Call{Result: outcome.Result, Journey: outcome.Journey}
	if c.Lines, c.Records, err = s.sim.Logs().Since(mark); err != nil {
		return nil, &FaultError{"reading the logs", err}
	}
	return c, nil
}

func (s *embeddedSession) Misbehave(ctx context.Context, how sender.Misbehaviour, manner sender.Manner) (*Call, error) {
	mark, err := s.sim.Logs().Mark()
	if err != nil {
		return nil, &FaultError{"marking the logs", err}
	}
	manner.ServerName = s.sim.Host()
	out := sender.Misbehave(ctx, s.sim.Address(), how, manner)
	c := &Call{Result: sender.Result{Status: out.Status, Alert: out.Alert, Err: out.Err, LocalAddr: out.LocalAddr}}
	// The record of a bad connection is kept when it ends.
	limit, cancel := context.WithTimeout(ctx, simulator.JourneyLimit)
	defer cancel()
	if c.Journey, err = s.sim.Journeys().Wait(limit, func(j journey.Journey) bool { return j.Client == out.LocalAddr }); err != nil {
		return nil, fmt.Errorf("the load balancer kept no record of a connection that does %q (%s): %w", how, out, err)
	}
	if c.Lines, c.Records, err = s.sim.Logs().Since(mark); err != nil {
		return nil, &FaultError{"reading the logs", err}
	}
	return c, nil
}

// Observe: everything is there when a call returns.
func (s *embeddedSession) Observe(context.Context, *Call, string) error { return nil }

func (s *embeddedSession) tenant() *tenant.Tenant { return s.sim.Tenant() }

// Features lists the features that Supports knows.
func (e *embedded) Features() []string { return Names() }
