package steps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/receiver"
)

// receiverSteps check a sender that is not of the scenario: a real system, which is told to call the
// receiver's address while the scenario waits. They need no landscape and no tenant.
var receiverSteps = []Definition{
	step("real sender", `a receiver on "([^"]*)" that trusts "([^"]*)" and keeps its keys in "([^"]*)"`, `a receiver on "127.0.0.1:8443" that trusts "neo-2022" and keeps its keys in "receiver-keys"`,
		"Stands in for the load balancer. It trusts neo, neo-2022, neo-until-2022 or the certificates in a file. The real sender must trust load-balancer/root.pem in the folder, which stays the same from one run to the next.",
		func(w *world) any { return w.real.open }),
	step("real sender", `a real sender calls within (\d+) (seconds?|minutes?)`, `a real sender calls within 2 minutes`, "Waits for the next call of a real system at the receiver; a call that ends in the handshake counts.",
		func(w *world) any { return w.real.wait }),
	step("real sender", `the real sender is (accepted|refused)`, `the real sender is accepted`, "Whether the load balancer takes its certificate and the tenant would let the call in, were the certificate mapped to a user with the channel's role.",
		func(w *world) any { return w.real.is }),
	step("real sender", `the point "([^"]*)" of the real sender is (good|a warning|bad)`, `the point "chain" of the real sender is good`, "A point of the checklist of gatehouse receive. Good includes points that are only noted; of several of that name the worst counts.",
		func(w *world) any { return w.real.point }),
	step("real sender", `the real sender gets verify result (\d+)`, `the real sender gets verify result 20`, "The answer of the load balancer to the chain that it presented; 0 is good.",
		func(w *world) any { return w.real.result }),
}

// realSender is a receiver and the newest call at it. The zero value has none.
type realSender struct {
	receiver *receiver.Receiver
	call     *receiver.Call
}

func (s *realSender) open(ctx context.Context, address, trust, keys string) error {
	if s.receiver != nil {
		return errors.New("the scenario has a receiver already")
	}
	config := receiver.Config{Listen: address, Against: trust}
	if list, known := roots.ByName(trust, time.Now()); known {
		config.Trust = check.Trust{List: list}
	} else {
		data, err := os.ReadFile(trust)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("the receiver trusts %q: there is no such file, and no list of that name%s", trust, document.DidYouMean(trust, roots.Names()))
		}
		if err != nil {
			return fmt.Errorf("reading what the receiver trusts: %w", err)
		}
		store, err := keystore.ReadCertificates(data, "")
		if err != nil {
			return fmt.Errorf("reading what the receiver trusts: %s: %w", trust, err)
		}
		config.Trust = check.Trust{Certificates: store.Presented}
	}
	hosts := []string{}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	var err error
	if config.Identity, _, err = receiver.OpenIdentity(keys, hosts, time.Now); err != nil {
		return err
	}
	s.receiver, err = receiver.Start(context.WithoutCancel(ctx), config)
	return err
}

func (s *realSender) wait(ctx context.Context, n int, unit string) error {
	if s.receiver == nil {
		return errors.New("no receiver waits for it: a Given must name one first")
	}
	limit := time.Duration(n) * time.Second
	if strings.HasPrefix(unit, "minute") {
		limit = time.Duration(n) * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last := 0
	if s.call != nil {
		last = s.call.Number
	}
	call, err := s.receiver.Next(ctx, last)
	if err != nil {
		return fmt.Errorf("no real sender called %s within %s", s.receiver.Addr(), limit)
	}
	s.call = &call
	return nil
}

// made is the newest call.
func (s *realSender) made() (receiver.Call, error) {
	if s.call == nil {
		return receiver.Call{}, errors.New("no real sender has called yet: a When must stand before")
	}
	return *s.call, nil
}

// differs says what was found instead, with all that is wrong.
func (s *realSender) differs(expected, found string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "expected %s\n   found %s\n", expected, found)
	for _, one := range s.call.Bad() {
		fmt.Fprintf(&b, "%s: %s\n", one.Point, journey.Printable(one.Found))
		if one.Todo != "" {
			fmt.Fprintf(&b, "  to do: %s\n", journey.Printable(one.Todo))
		}
	}
	return errors.New(strings.TrimSpace(b.String()))
}

func (s *realSender) is(expected string) error {
	c, err := s.made()
	if err != nil {
		return err
	}
	found := "refused"
	if c.Accepted {
		found = "accepted"
	}
	if found != expected {
		return s.differs("the real sender "+expected, found)
	}
	return nil
}

func (s *realSender) point(name, expected string) error {
	c, err := s.made()
	if err != nil {
		return err
	}
	worst, found := "", false
	order := []string{"good", "a warning", "bad"}
	for _, one := range c.Checks {
		if one.Point != name {
			continue
		}
		found = true
		mark := map[receiver.Mark]string{receiver.Good: "good", receiver.Note: "good", receiver.Warning: "a warning", receiver.Bad: "bad"}[one.Mark]
		if slices.Index(order, mark) >= slices.Index(order, worst) {
			worst = mark
		}
	}
	switch {
	case !slices.Contains(receiver.Points(), name):
		return fmt.Errorf("the checklist has no point %q%s; it has %s", name, document.DidYouMean(name, receiver.Points()), strings.Join(receiver.Points(), ", "))
	case !found || worst == "":
		return s.differs(fmt.Sprintf("the point %q is %s", name, expected), "it could not be looked at, since the call ended before")
	case worst != expected:
		return s.differs(fmt.Sprintf("the point %q is %s", name, expected), "it is "+worst)
	}
	return nil
}

func (s *realSender) result(code int) error {
	c, err := s.made()
	if err != nil {
		return err
	}
	switch {
	case c.Verdict == nil:
		return s.differs(fmt.Sprintf("verify result %d", code), "no certificate was presented")
	case c.Verdict.Code != code:
		return s.differs(fmt.Sprintf("verify result %d", code), fmt.Sprintf("%d (%s)", c.Verdict.Code, c.Verdict.Text))
	}
	return nil
}

func (s *realSender) close() error {
	if s.receiver == nil {
		return nil
	}
	return s.receiver.Close()
}
