package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/cucumber/godog"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/tenant"
)

var channelSteps = []Definition{
	step("channel", `a channel "([^"]*)"(?: (.+))?`, `a channel "/http/returns" that demands the role "Returns.send"`, "A sender channel is deployed at the address; HTTPS channels are not CSRF-protected unless said. Properties are joined by and.",
		func(w *world) any { return w.channel }),
	step("channel", `the table of "([^"]*)" is changed to hold the certificate of "([^"]*)"`, `the table of "/http/orders" is changed to hold the certificate of "shop"`, "The designtime channel changes; without a deployment it has no effect.",
		func(w *world) any {
			return func(ctx context.Context, address, name string) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				return sim.Tenant().Design(address, func(c *tenant.Channel) {
					c.Authorization = tenant.Authorization{Table: []tenant.DNPair{tenant.DNPairOf(a.certificate.X509())}}
				})
			}
		}),
	step("channel", `the flow of "([^"]*)" is deployed with a downtime of (\d+) seconds?`, `the flow of "/http/orders" is deployed with a downtime of 30 seconds`, "The designtime channel becomes the runtime one; until the downtime has passed it serves no calls.",
		func(w *world) any {
			return func(ctx context.Context, address string, seconds int) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				return sim.Tenant().Deploy(address, time.Duration(seconds)*time.Second)
			}
		}),
	step("channel", `the landscape is refused with "([^"]*)"`, `the landscape is refused with "channels[1].address"`, "The landscape document has a problem whose text contains this.",
		func(w *world) any { return w.landscapeIsRefused }),
	step("channel", `the landscape is accepted`, `the landscape is accepted`, "The landscape document has no problem.",
		func(w *world) any {
			return func() error { return w.refusal }
		}),
}

var channelProperties = []phrase[*simulator.Channel]{
	say(`that demands the role "([^"]*)"`, `that demands the role "Returns.send"`, func(_ *world, c *simulator.Channel, args []string) error {
		c.Authorization.UserRole = args[0]
		return nil
	}),
	say(`of the adapter "([^"]*)"`, `of the adapter "IDoc"`, func(_ *world, c *simulator.Channel, args []string) error {
		c.Adapter = args[0]
		return nil
	}),
	say(`of an old adapter version`, `of an old adapter version`, func(_ *world, c *simulator.Channel, _ []string) error {
		c.OldAdapter = true
		return nil
	}),
	say(`that is CSRF-protected`, `that is CSRF-protected`, func(_ *world, c *simulator.Channel, _ []string) error {
		c.CSRFProtected = nil // the default of HTTPS channels
		return nil
	}),
	say(`with a body limit of (\d+) MB`, `with a body limit of 1 MB`, func(_ *world, c *simulator.Channel, args []string) (err error) {
		c.MaximumBodySize, err = strconv.Atoi(args[0])
		return err
	}),
	say(`whose flow answers "([^"]*)"`, `whose flow answers "oneWay"`, func(_ *world, c *simulator.Channel, args []string) error {
		c.Answer = args[0]
		return nil
	}),
	say(`whose table holds the certificate of "([^"]*)"`, `whose table holds the certificate of "shop"`, func(w *world, c *simulator.Channel, args []string) error {
		a, err := w.actor(args[0])
		if err != nil {
			return err
		}
		return addRow(c, a.certificate)
	}),
	say(`whose table holds the certificate of the CA`, `whose table holds the certificate of the CA`, func(w *world, c *simulator.Channel, _ []string) error {
		return addRow(c, w.issuing())
	}),
	say(`whose table holds the subject "([^"]*)" of the issuer "([^"]*)"`, `whose table holds the subject "CN=a" of the issuer "CN=b"`, func(_ *world, c *simulator.Channel, args []string) error {
		c.Authorization.ClientCertificates = append(c.Authorization.ClientCertificates, simulator.TableRow{Subject: args[0], Issuer: args[1]})
		return nil
	}),
	say(`whose table is empty`, `whose table is empty`, func(_ *world, c *simulator.Channel, _ []string) error {
		c.Authorization.ClientCertificates = []simulator.TableRow{}
		return nil
	}),
}

func addRow(c *simulator.Channel, certificate *pki.Certificate) error {
	if certificate == nil {
		return errors.New("that sender has no certificate")
	}
	pair := tenant.DNPairOf(certificate.X509())
	c.Authorization.ClientCertificates = append(c.Authorization.ClientCertificates, simulator.TableRow{Subject: pair.Subject, Issuer: pair.Issuer})
	return nil
}

// channel deploys a channel: in the landscape before it runs, in the running tenant after.
func (w *world) channel(ctx context.Context, address, properties string) error {
	off := false
	c := simulator.Channel{Address: address, CSRFProtected: &off}
	for _, property := range split(properties) {
		if err := w.applyPhrase(property, func() (bool, error) { return apply(w, channelProperties, &c, property) }, ChannelProperties()); err != nil {
			return err
		}
	}
	if w.sim == nil {
		for i, have := range w.landscape.Channels {
			if have.Address == address {
				w.landscape.Channels[i] = c
				return nil
			}
		}
		w.landscape.Channels = append(w.landscape.Channels, c)
		return nil
	}
	return w.sim.Tenant().Update(func(config *tenant.Config) error {
		runtime := c.Runtime(w.sim.Certificates())
		for i, have := range config.Channels {
			if have.Address == address {
				config.Channels[i] = runtime
				return nil
			}
		}
		config.Channels = append(config.Channels, runtime)
		return nil
	})
}

// apply finds the phrase that understands the text.
func apply[T any](w *world, phrases []phrase[T], to T, text string) (bool, error) {
	for _, p := range phrases {
		if m := p.expr.FindStringSubmatch(text); m != nil {
			return true, p.apply(w, to, m[1:])
		}
	}
	return false, nil
}

func (w *world) applyPhrase(text string, try func() (bool, error), known []string) error {
	understood, err := try()
	if err == nil && !understood {
		return unknownPhrase(text, known)
	}
	return err
}

// readLandscape takes a document in place of the scenario's landscape.
func (w *world) readLandscape(doc *godog.DocString) error {
	if w.sim != nil {
		return errors.New("this step describes the landscape and must stand before the first sender")
	}
	l, err := simulator.Read("landscape.yaml", []byte(doc.Content))
	w.landscape, w.refusal = l, err
	return nil
}

func (w *world) landscapeIsRefused(want string) error {
	if w.refusal == nil {
		return errors.New("expected a refusal, found a landscape without problems")
	}
	if !containsText(w.refusal.Error(), want) {
		return fmt.Errorf("expected a refusal that contains %q, found:\n%w", want, w.refusal)
	}
	return nil
}
