package steps

import (
	"context"
	"strconv"
	"time"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/tenant"
	"example.com/gatehouse/steps/target"
)

var channelSteps = []Definition{
	withPhrases(step("channel", `a channel "([^"]*)"(?: (.+))?`, `a channel "/http/returns" that demands the role "Returns.send"`, "A sender channel is deployed at the address; HTTPS channels are not CSRF-protected unless said. Properties are joined by and.",
		func(w *world) any { return w.channel }).needs(target.Channels), &channelProperties),
	step("channel", `the table of "([^"]*)" is changed to hold the certificate of "([^"]*)"`, `the table of "/http/orders" is changed to hold the certificate of "shop"`, "The designtime channel changes; without a deployment it has no effect.",
		func(w *world) any {
			return func(ctx context.Context, address, name string) error {
				a, err := w.holder(name)
				if err != nil {
					return err
				}
				pair, err := pairOf(a.keystore.Certificate)
				if err != nil {
					return err
				}
				return w.session.Design(ctx, address, func(c *tenant.Channel) {
					c.Authorization = tenant.Authorization{Table: []tenant.DNPair{pair}}
				})
			}
		}).needs(target.Channels),
	step("channel", `the channel "([^"]*)" is changed to demand the role "([^"]*)"`, `the channel "/http/orders" is changed to demand the role "Orders.send"`, "The designtime channel changes; without a deployment it has no effect.",
		func(w *world) any {
			return func(ctx context.Context, address, role string) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				return s.Design(ctx, address, func(c *tenant.Channel) { c.Authorization = tenant.Authorization{UserRole: role} })
			}
		}).needs(target.Channels),
	step("channel", `the flow of "([^"]*)" is deployed with a downtime of (\d+) seconds?`, `the flow of "/http/orders" is deployed with a downtime of 30 seconds`, "The designtime channel becomes the runtime one; until the downtime has passed it serves no calls.",
		func(w *world) any {
			return func(ctx context.Context, address string, seconds int) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				return s.Deploy(ctx, address, time.Duration(seconds)*time.Second)
			}
		}).needs(target.Channels),
}

var channelProperties = []phrase[*simulator.Channel]{
	say(`that demands the role "([^"]*)"`, `that demands the role "Returns.send"`, func(_ context.Context, _ *world, c *simulator.Channel, args []string) error {
		c.Authorization.UserRole = args[0]
		return nil
	}),
	say(`of the adapter "([^"]*)"`, `of the adapter "IDoc"`, func(_ context.Context, _ *world, c *simulator.Channel, args []string) error {
		c.Adapter = args[0]
		return nil
	}),
	say(`of the flow "([^"]*)"`, `of the flow "Returns"`, func(_ context.Context, _ *world, c *simulator.Channel, args []string) error {
		c.Flow = args[0]
		return nil
	}),
	say(`of an old adapter version`, `of an old adapter version`, func(_ context.Context, _ *world, c *simulator.Channel, _ []string) error {
		c.OldAdapter = true
		return nil
	}),
	say(`that is CSRF-protected`, `that is CSRF-protected`, func(_ context.Context, _ *world, c *simulator.Channel, _ []string) error {
		c.CSRFProtected = nil // the default of HTTPS channels
		return nil
	}),
	say(`with a body limit of (\d+) MB`, `with a body limit of 1 MB`, func(_ context.Context, _ *world, c *simulator.Channel, args []string) (err error) {
		c.MaximumBodySize, err = strconv.Atoi(args[0])
		return err
	}),
	say(`whose flow answers "([^"]*)"`, `whose flow answers "oneWay"`, func(_ context.Context, _ *world, c *simulator.Channel, args []string) error {
		c.Answer = args[0]
		return nil
	}),
	say(`whose table holds the certificate of "([^"]*)"`, `whose table holds the certificate of "shop"`, func(_ context.Context, w *world, c *simulator.Channel, args []string) error {
		a, err := w.holder(args[0])
		if err != nil {
			return err
		}
		return addRow(c, a.keystore.Certificate)
	}),
	say(`whose table holds the certificate of the CA`, `whose table holds the certificate of the CA`, func(ctx context.Context, w *world, c *simulator.Channel, _ []string) error {
		issuing, err := w.issuing(ctx)
		if err != nil {
			return err
		}
		return addRow(c, issuing.DER())
	}).needs(target.MintTrusted),
	say(`whose table holds the subject "([^"]*)" of the issuer "([^"]*)"`, `whose table holds the subject "CN=a" of the issuer "CN=b"`, func(_ context.Context, _ *world, c *simulator.Channel, args []string) error {
		c.Authorization.ClientCertificates = append(c.Authorization.ClientCertificates, simulator.TableRow{Subject: args[0], Issuer: args[1]})
		return nil
	}),
	say(`whose table is empty`, `whose table is empty`, func(_ context.Context, _ *world, c *simulator.Channel, _ []string) error {
		c.Authorization.ClientCertificates = []simulator.TableRow{}
		return nil
	}),
}

// addRow adds what uploading the certificate to the channel adds.
func addRow(c *simulator.Channel, certificate []byte) error {
	pair, err := pairOf(certificate)
	if err != nil {
		return err
	}
	c.Authorization.ClientCertificates = append(c.Authorization.ClientCertificates, simulator.TableRow{Subject: pair.Subject, Issuer: pair.Issuer})
	return nil
}

// channel deploys a channel: in the landscape before it runs, in the running tenant after.
func (w *world) channel(ctx context.Context, address, properties string) error {
	off := false
	c := simulator.Channel{Address: address, CSRFProtected: &off}
	for _, property := range split(properties) {
		if err := apply(ctx, w, channelProperties, &c, property); err != nil {
			return err
		}
	}
	if w.session == nil && w.setup.Landscape == nil {
		w.setup.Channels = append(w.setup.Channels, c)
		return nil
	}
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	return s.PutChannel(ctx, c)
}
