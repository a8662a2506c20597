package steps

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

// otherRoot is a CA that the load balancer does not trust unless a step says so.
var otherRoot = pki.Description{Name: "other-root", Subject: "CN=Other Root CA, O=Other, C=DE", CA: true}

var senderSteps = []Definition{
	step("sender", `a sender "([^"]*)" that is let in`, `a sender "warehouse" that is let in`, `A sender whose certificate is mapped to a user (the name in capitals) with the role ESBMessaging.send. It really calls /http/orders once and must get in: the good twin of what follows.`,
		func(w *world) any {
			return func(ctx context.Context, name string) error { return w.letIn(ctx, name, baseChannel) }
		}),
	step("sender", `a sender "([^"]*)" that is let in at "([^"]*)"`, `a sender "warehouse" that is let in at "/cxf/stock"`, "The same, at another channel.",
		func(w *world) any { return w.letIn }),
	step("sender", `a sender "([^"]*)"`, `a sender "warehouse"`, "A sender with a certificate of a trusted CA that is not mapped, so that its principal has no role.",
		func(w *world) any {
			return func(ctx context.Context, name string) error {
				_, err := w.newActor(ctx, name, "CN="+name+".example, O=Example, L=Munich, ST=Bavaria, C=DE")
				return err
			}
		}),
	step("sender", `a sender "([^"]*)" with the subject "([^"]*)"`, `a sender "warehouse" with the subject "CN=any name at all, C=DE"`, "The same with a subject DN of one's own (RFC 4514).",
		func(w *world) any {
			return func(ctx context.Context, name, subject string) error {
				_, err := w.newActor(ctx, name, subject)
				return err
			}
		}),
	step("sender", `a sender "([^"]*)" with a key of type "([^"]*)"`, `a sender "warehouse" with a key of type "RSA-2048"`, "The same with another type of key.",
		func(w *world) any {
			return func(ctx context.Context, name, kind string) error {
				key, err := pki.ParseKeyType(kind)
				if err != nil {
					return err
				}
				_, err = w.newActor(ctx, name, "CN="+name+".example, O=Example, C=DE", key)
				return err
			}
		}),
	step("sender", `a sender "([^"]*)" without a certificate`, `a sender "stranger" without a certificate`, "A sender that has none.",
		func(w *world) any {
			return func(ctx context.Context, name string) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				w.addActor(name, nil, sim.NewSender(name, nil))
				return nil
			}
		}),
	step("sender", `"([^"]*)" (keeps its connection|resumes its TLS session|keeps its cookies|URL-encodes its cookies|fetches a CSRF token|offers its certificate only if its issuer is named)`, `"warehouse" keeps its cookies`, "A habit of the sender, in all calls that follow.",
		func(w *world) any {
			return func(name, habit string) error {
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				a.from = a.from.With(habits[habit])
				w.opened = append(w.opened, a.from)
				return nil
			}
		}),
	step("sender", `"([^"]*)" (leaves out its certificate for now|has its certificate again)`, `"warehouse" leaves out its certificate for now`, "The same system, with the TLS sessions it keeps, first configured without and then with its certificate.",
		func(w *world) any {
			return func(name, state string) error {
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				// Nothing calls meanwhile: a scenario's steps follow one another.
				a.from.Keystore = sender.Keystore{}
				if state == "has its certificate again" {
					a.from.Keystore = sender.FromPKI(a.certificate)
				}
				return nil
			}
		}),
}

var habits = map[string]func(*sender.Sender){
	"keeps its connection":                               func(s *sender.Sender) { s.KeepAlive = true },
	"resumes its TLS session":                            func(s *sender.Sender) { s.Resume = true },
	"keeps its cookies":                                  func(s *sender.Sender) { s.Cookies = true },
	"URL-encodes its cookies":                            func(s *sender.Sender) { s.EncodeCookies = true },
	"fetches a CSRF token":                               func(s *sender.Sender) { s.CSRF = true },
	"offers its certificate only if its issuer is named": func(s *sender.Sender) { s.OnlyIfIssuerNamed = true },
}

func (w *world) addActor(name string, certificate *pki.Certificate, from *sender.Sender) *actor {
	a := &actor{name: name, certificate: certificate, from: from}
	w.actors[name] = a
	w.opened = append(w.opened, from)
	return a
}

// newActor mints a sender's certificate.
func (w *world) newActor(ctx context.Context, name, subject string, more ...pki.Option) (*actor, error) {
	sim, err := w.start(ctx)
	if err != nil {
		return nil, err
	}
	certificate, err := pki.Create(w.issuing(), pki.Client, name, w.options(append(more, pki.Subject(subject))...)...)
	if err != nil {
		return nil, fmt.Errorf("minting the certificate of %q: %w", name, err)
	}
	if err := sim.Certificates().Add(name, certificate); err != nil {
		return nil, err
	}
	return w.addActor(name, certificate, sim.NewSender(name, certificate)), nil
}

// letIn makes a sender, maps its certificate, gives the user the role and proves it with a call.
func (w *world) letIn(ctx context.Context, name, path string) error {
	a, err := w.newActor(ctx, name, "CN="+name+".example, O=Example, L=Munich, ST=Bavaria, C=DE")
	if err != nil {
		return err
	}
	a.user = strings.ToUpper(name)
	if err := w.sim.Tenant().MapCertificate(a.certificate.DER(), a.user); err != nil {
		return err
	}
	if err := w.sim.Tenant().Assign(tenant.Assignment{User: a.user, Role: defaultRole}); err != nil {
		return err
	}
	// A call on a connection of its own: it must not warm up what the scenario looks at.
	probe := a.from.With(nil)
	defer probe.Close()
	c, err := w.perform(ctx, a, probe, sender.Call{URL: path, Method: http.MethodPost, Body: []byte("<order/>"), Header: http.Header{"Content-Type": {"text/xml"}}})
	if err != nil {
		return err
	}
	if !isLetIn(c) {
		return fmt.Errorf("the good twin is not let in, so nothing that follows would prove anything: %w", c.differs("a call that is let in", describeEnd(c)))
	}
	return nil
}

// mintInto adds a root of its own to the certificates, once.
func mintInto(w *world, name string) error {
	if _, have := w.sim.Certificates().Get(name); have {
		return nil
	}
	root, err := pki.Create(nil, pki.CA, name, w.options(pki.Subject(otherRoot.Subject))...)
	if err != nil {
		return err
	}
	return w.sim.Certificates().Add(name, root)
}
