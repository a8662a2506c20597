package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/steps/target"
)

var senderSteps = []Definition{
	step("sender", `a sender "([^"]*)" that is let in`, `a sender "warehouse" that is let in`, `A sender whose certificate is mapped to a user (the name in capitals) with the role ESBMessaging.send. It really calls /http/orders once and must get in: the good twin of what follows.`,
		func(w *world) any {
			return func(ctx context.Context, name string) error { return w.letIn(ctx, name, target.BaseChannel) }
		}).needs(target.GoodSender),
	step("sender", `a sender "([^"]*)" that is let in at "([^"]*)"`, `a sender "warehouse" that is let in at "/cxf/stock"`, "The same, at another channel.",
		func(w *world) any { return w.letIn }).needs(target.GoodSender),
	step("sender", `a sender "([^"]*)"`, `a sender "warehouse"`, "A sender with a certificate of a trusted CA that is not mapped, so that its principal has no role.",
		func(w *world) any {
			return func(ctx context.Context, name string) error { return w.newActor(ctx, name, "") }
		}).needs(target.MintTrusted),
	step("sender", `a sender "([^"]*)" with the subject "([^"]*)"`, `a sender "warehouse" with the subject "CN=any name at all, C=DE"`, "The same with a subject DN of one's own (RFC 4514).",
		func(w *world) any {
			return func(ctx context.Context, name, subject string) error { return w.newActor(ctx, name, subject) }
		}).needs(target.MintTrusted),
	step("sender", `a sender "([^"]*)" with a key of type "([^"]*)"`, `a sender "warehouse" with a key of type "RSA-2048"`, "The same with another type of key.",
		func(w *world) any {
			return func(ctx context.Context, name, kind string) error {
				key, err := pki.ParseKeyType(kind)
				if err != nil {
					return err
				}
				return w.newActor(ctx, name, "", key)
			}
		}).needs(target.MintTrusted),
	step("sender", `a sender "([^"]*)" whose certificate is valid for (\d+) days?`, `a sender "warehouse" whose certificate is valid for 30 days`, "The same with another validity; a year unless said.",
		func(w *world) any {
			return func(ctx context.Context, name string, days int) error {
				return w.newActor(ctx, name, "", pki.ValidFor(time.Duration(days)*units["day"]))
			}
		}).needs(target.MintTrusted),
	step("sender", `a sender "([^"]*)" without a certificate`, `a sender "stranger" without a certificate`, "A sender that has none.",
		func(w *world) any {
			return func(ctx context.Context, name string) error { return w.addActor(ctx, target.Party{Name: name}) }
		}),
	step("sender", `a sender "([^"]*)" with a certificate of a CA that nobody trusts`, `a sender "intruder" with a certificate of a CA that nobody trusts`, "A good certificate but for that: it is minted below a root of its own, which is on no list. It needs nothing of the target but its URL.",
		func(w *world) any {
			return func(ctx context.Context, name string) error { return w.stranger(ctx, name) }
		}),
	step("sender", `a sender "([^"]*)" with a certificate of a CA that nobody trusts and the defect "([^"]*)"`, `a sender "intruder" with a certificate of a CA that nobody trusts and the defect "self-signed"`, "The same, broken in a second way (see the list of defects).",
		func(w *world) any {
			return func(ctx context.Context, name, defect string) error {
				return w.stranger(ctx, name, pki.WithDefect(defect))
			}
		}),
	step("sender", `the sender "([^"]*)" of the document`, `the sender "warehouse" of the document`, "A sender that the landscape document or the target document describes, with all its settings.",
		func(w *world) any {
			return func(ctx context.Context, name string) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				from, p, err := s.Declared(ctx, name)
				if err != nil {
					return err
				}
				w.actors[name] = &actor{name: name, certificate: p.Certificate, keystore: p.Keystore, user: p.User, from: from}
				return nil
			}
		}).needs(target.GoodSender),
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
	step("sender", `"([^"]*)" logs on as "([^"]*)" with the password "([^"]*)"`, `"warehouse" logs on as "erika" with the password "opensesame"`, "From now on the same system, with the TLS sessions and cookies it keeps, sends user and password with every call.",
		func(w *world) any {
			return func(name, user, password string) error {
				return w.logOn(name, &sender.Credentials{User: user, Password: password})
			}
		}),
	step("sender", `"([^"]*)" no longer logs on with a password`, `"warehouse" no longer logs on with a password`, "From now on the same system sends no user and password.",
		func(w *world) any {
			return func(name string) error { return w.logOn(name, nil) }
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
					a.from.Keystore = a.keystore
				}
				return nil
			}
		}),
	step("sender", `"([^"]*)" now uses a renewed certificate`, `"warehouse" now uses a renewed certificate`, "The sender is switched to another certificate with the same names and another key, which is not mapped unless a step maps it afterwards.",
		func(w *world) any {
			return func(name string) error {
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				old, err := w.mintedActor(a)
				if err != nil {
					return err
				}
				renewed, err := twin(old, w.name(name), w.options()...)
				if err != nil {
					return err
				}
				a.former, a.certificate = a.keystore.Certificate, renewed
				a.keystore, a.user = sender.FromPKI(renewed), ""
				a.from = a.from.With(func(s *sender.Sender) { s.Keystore = a.keystore })
				w.opened = append(w.opened, a.from)
				return nil
			}
		}).needs(target.MintTrusted),
}

var habits = map[string]func(*sender.Sender){
	"keeps its connection":                               func(s *sender.Sender) { s.KeepAlive = true },
	"resumes its TLS session":                            func(s *sender.Sender) { s.Resume = true },
	"keeps its cookies":                                  func(s *sender.Sender) { s.Cookies = true },
	"URL-encodes its cookies":                            func(s *sender.Sender) { s.EncodeCookies = true },
	"fetches a CSRF token":                               func(s *sender.Sender) { s.CSRF = true },
	"offers its certificate only if its issuer is named": func(s *sender.Sender) { s.OnlyIfIssuerNamed = true },
}

// logOn changes what a sender sends with every call. Nothing calls meanwhile: a scenario's steps follow
// one another.
func (w *world) logOn(name string, as *sender.Credentials) error {
	a, err := w.actor(name)
	if err == nil {
		a.from.Basic = as
	}
	return err
}

// addActor has the party call in the scenario.
func (w *world) addActor(ctx context.Context, p target.Party) error {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	w.actors[p.Name] = &actor{name: p.Name, certificate: p.Certificate, keystore: p.Keystore, user: p.User, from: s.Sender(p.Name, p.Keystore)}
	return nil
}

// newActor adds a sender with a trusted certificate.
func (w *world) newActor(ctx context.Context, name, subject string, options ...pki.Option) error {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	p, err := s.Unmapped(ctx, name, subject, options...)
	if err != nil {
		return err
	}
	return w.addActor(ctx, p)
}

// letIn adds a sender that is let in, and proves it with a call.
func (w *world) letIn(ctx context.Context, name, path string) error {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	p, err := s.Good(ctx, name)
	if err != nil {
		return err
	}
	if err := w.addActor(ctx, p); err != nil {
		return err
	}
	url, err := s.URL("", path)
	if err != nil {
		return err
	}
	// A call on a connection of its own: it must not warm up what the scenario looks at.
	a := w.actors[name]
	probe := a.from.With(nil)
	defer probe.Close()
	c, err := w.perform(ctx, a, probe, target.Order(url))
	if err != nil {
		return err
	}
	if !isLetIn(c) {
		return fmt.Errorf("the good twin is not let in, so nothing that follows would prove anything: %w", c.differs("a call that is let in", describeEnd(c)))
	}
	return nil
}

// stranger adds a sender whose certificate was minted below a root of its own.
func (w *world) stranger(ctx context.Context, name string, options ...pki.Option) error {
	if _, err := w.start(ctx); err != nil {
		return err
	}
	issuing, err := w.unknownCA()
	if err != nil {
		return err
	}
	certificate, err := pki.Create(issuing, pki.Client, name, w.options(append(options, pki.Subject(target.Subject(name)))...)...)
	if err != nil {
		return fmt.Errorf("minting the certificate of %q: %w", name, err)
	}
	return w.addActor(ctx, target.Party{Name: name, Certificate: certificate, Keystore: sender.FromPKI(certificate)})
}

// unknownCA mints a CA that nobody trusts, with its root.
func (w *world) unknownCA() (*pki.Certificate, error) {
	root, err := pki.Create(nil, pki.CA, "unknown-root", w.options(pki.Subject("CN=Unknown Root CA, O=Unknown, C=DE"))...)
	if err != nil {
		return nil, err
	}
	return pki.Create(root, pki.CA, "unknown-issuing", w.options(pki.Subject("CN=Unknown Issuing CA, O=Unknown, C=DE"))...)
}

// issuing is the CA below which the scenario's senders have their certificates.
func (w *world) issuing(ctx context.Context) (*pki.Certificate, error) {
	s, err := w.start(ctx)
	if err != nil {
		return nil, err
	}
	return s.Issuing(ctx)
}

// defective mints the actor's broken twin, maps it to the actor's user and has the load balancer
// trust what the twin needs: nothing but the defect is in its way.
func (w *world) defective(ctx context.Context, a *actor, options ...pki.Option) (*pki.Certificate, error) {
	good, err := w.mintedActor(a)
	if err != nil {
		return nil, err
	}
	name := w.name(a.name)
	certificate, err := twin(good, name, w.options(options...)...)
	if err != nil {
		return nil, err
	}
	if a.user != "" {
		if err := w.session.Map(ctx, certificate.DER(), a.user); err != nil {
			return nil, err
		}
	}
	return certificate, w.session.TrustTwin(ctx, name, certificate)
}

// twin turns the panic of a senseless option into an error of the scenario. A target may have the key
// of the CA that issues to senders and not of those above it.
func twin(of *pki.Certificate, name string, options ...pki.Option) (c *pki.Certificate, err error) {
	defer func() {
		missing := (*pki.IssuerKeyError)(nil)
		switch r := recover(); {
		case r == nil:
		case errors.As(asError(r), &missing):
			err = &target.UnsupportedError{Feature: "mint-trusted", Reason: missing.Error() + ", which a defect above the sender's own certificate needs"}
		default:
			err = fmt.Errorf("minting a twin of %q: %v", of.Name(), r)
		}
	}()
	return of.Twin(name, options...), nil
}

// asError is a recovered value that is an error; nil if it is none.
func asError(recovered any) error {
	err, _ := recovered.(error)
	return err
}
