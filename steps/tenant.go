package steps

import (
	"context"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/tenant"
)

var tenantSteps = []Definition{
	step("mapping", `the certificate of "([^"]*)" is mapped to the user "([^"]*)"`, `the certificate of "warehouse" is mapped to the user "WAREHOUSE"`, "A certificate-to-user mapping is added.",
		inTenant(func(t *tenant.Tenant, w *world, name, user string) error {
			a, err := w.actor(name)
			if err != nil {
				return err
			}
			a.user = user
			return t.MapCertificate(a.certificate.DER(), user)
		})),
	step("mapping", `a renewed certificate of "([^"]*)" is mapped to the user "([^"]*)"`, `a renewed certificate of "warehouse" is mapped to the user "WAREHOUSE"`, "Another certificate with the same names is mapped; the sender goes on with its own.",
		inTenant(func(t *tenant.Tenant, w *world, name, user string) error {
			a, err := w.actor(name)
			if err != nil {
				return err
			}
			return t.MapCertificate(a.certificate.Twin(w.name(name)).DER(), user)
		})),
	step("mapping", `the certificate of "([^"]*)" is no longer mapped`, `the certificate of "warehouse" is no longer mapped`, "Its certificate-to-user mapping is removed.",
		func(w *world) any {
			return func(name string) error {
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				if !w.sim.Tenant().Unmap(a.certificate.DER()) {
					return fmt.Errorf("the certificate of %q was not mapped", name)
				}
				return nil
			}
		}),
	step("mapping", `the certificate of "([^"]*)" is in the tenant keystore`, `the certificate of "warehouse" is in the tenant keystore`, "It is put where outbound certificates are.",
		func(w *world) any {
			return func(name string) error {
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				return w.sim.Tenant().Update(func(c *tenant.Config) error {
					c.Keystore = append(c.Keystore, tenant.KeystoreEntry{Alias: name, Certificate: a.certificate.DER()})
					return nil
				})
			}
		}),
	step("mapping", `the certificate of the CA is mapped to the user "([^"]*)"`, `the certificate of the CA is mapped to the user "WAREHOUSE"`, "The CA's certificate is mapped in place of a sender's.",
		func(w *world) any {
			return func(ctx context.Context, user string) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				return sim.Tenant().MapCertificate(w.issuing().DER(), user)
			}
		}),
	step("mapping", `the certificate-to-user mapping is full`, `the certificate-to-user mapping is full`, "It holds as many bytes of certificates as fit, but for a few.",
		func(w *world) any { return w.fillMapping }),
	step("mapping", `mapping the certificate of "([^"]*)" to the user "([^"]*)" is refused with "([^"]*)"`, `mapping the certificate of "shop" to the user "SHOP" is refused with "mapping store"`, "The tenant refuses the mapping, and says this.",
		func(w *world) any {
			return func(name, user, want string) error {
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				return refusal(w.sim.Tenant().MapCertificate(a.certificate.DER(), user), want)
			}
		}),
	step("mapping", `a change of many mappings of which the last one is wrong is refused with "([^"]*)"`, `a change of many mappings of which the last one is wrong is refused with "one certificate maps to one user"`, "All mappings are replaced at once, the last one maps a certificate that is mapped already.",
		func(w *world) any { return w.bulkUpdate }),
	step("role", `the user "([^"]*)" has the role "([^"]*)"`, `the user "WAREHOUSE" has the role "ESBMessaging.send"`, "A role on the application of the worker node is assigned.",
		inTenant(func(t *tenant.Tenant, _ *world, user, role string) error {
			return t.Assign(tenant.Assignment{User: user, Role: role})
		})),
	step("role", `the user "([^"]*)" has the role "([^"]*)" on the application "([^"]*)"`, `the user "WAREHOUSE" has the role "ESBMessaging.send" on the application "provision"`, "A role on another application is assigned.",
		func(w *world) any {
			return func(ctx context.Context, user, role, application string) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				return sim.Tenant().Assign(tenant.Assignment{User: user, Role: role, Application: application})
			}
		}),
	step("role", `the user "([^"]*)" no longer has the role "([^"]*)"`, `the user "WAREHOUSE" no longer has the role "ESBMessaging.send"`, "A role assignment is removed.",
		inTenant(func(t *tenant.Tenant, _ *world, user, role string) error {
			if !t.Unassign(tenant.Assignment{User: user, Role: role}) {
				return fmt.Errorf("the user %q did not have the role %q", user, role)
			}
			return nil
		})),
	step("role", `the group "([^"]*)" with the user "([^"]*)" has the role "([^"]*)"`, `the group "Senders" with the user "WAREHOUSE" has the role "ESBMessaging.send"`, "A role is assigned to a group.",
		func(w *world) any {
			return func(ctx context.Context, group, user, role string) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				return sim.Tenant().Update(func(c *tenant.Config) error {
					c.Groups = append(c.Groups, tenant.Group{Name: group, Users: []string{user}})
					c.Roles = append(c.Roles, tenant.Assignment{Group: group, Role: role})
					return nil
				})
			}
		}),
	step("user", `the identity provider has the user "([^"]*)" with the password "([^"]*)"`, `the identity provider has the user "erika" with the password "opensesame"`, "A user who can log on with a password.",
		inTenant(func(t *tenant.Tenant, _ *world, user, password string) error {
			return t.Update(func(c *tenant.Config) error {
				c.Users = append(c.Users, tenant.User{Name: user, Password: password})
				return nil
			})
		})),
	step("user", `a deployed User Credentials artifact has the user "([^"]*)" with the password "([^"]*)"`, `a deployed User Credentials artifact has the user "erika" with the password "opensesame"`, "Credentials for outbound calls.",
		inTenant(func(t *tenant.Tenant, _ *world, user, password string) error {
			return t.Update(func(c *tenant.Config) error {
				c.Credentials = append(c.Credentials, tenant.Credential{Name: user, User: user, Password: password})
				return nil
			})
		})),
	step("user", `an OAuth client "([^"]*)"`, `an OAuth client "d2c1"`, "A client that may call with a bearer token.",
		func(w *world) any {
			return func(ctx context.Context, id string) error {
				sim, err := w.start(ctx)
				if err != nil {
					return err
				}
				return sim.Tenant().Update(func(c *tenant.Config) error {
					c.Clients = append(c.Clients, tenant.Client{ID: id, Secret: "secret of " + id})
					return nil
				})
			}
		}),
	step("management node", `the management node calls the runtime nodes`, `the management node calls the runtime nodes`, "As it does every 30 seconds; what the logs got is looked at as that of a call.",
		func(w *world) any { return w.managementCalls }),
}

// tokenLifetime is how long the tokens of a scenario's OAuth clients are valid.
const tokenLifetime = 25 * time.Minute

// inTenant is a step with two words that changes the running tenant.
func inTenant(change func(t *tenant.Tenant, w *world, a, b string) error) func(*world) any {
	return func(w *world) any {
		return func(ctx context.Context, a, b string) error {
			sim, err := w.start(ctx)
			if err != nil {
				return err
			}
			return change(sim.Tenant(), w, a, b)
		}
	}
}

func (w *world) managementCalls(ctx context.Context) error {
	sim, err := w.start(ctx)
	if err != nil {
		return err
	}
	mark, err := sim.Logs().Mark()
	if err != nil {
		return err
	}
	if err := sim.CheckNodes(ctx); err != nil {
		return err
	}
	c := &call{outcome: simulator.Outcome{}}
	if c.lines, c.records, err = sim.Logs().Since(mark); err != nil {
		return err
	}
	if all := sim.Journeys().All(); len(all) > 0 {
		c.outcome.Journey = all[len(all)-1]
		c.outcome.Result.Status = c.outcome.Journey.Status
	}
	w.calls = append(w.calls, c)
	return nil
}

// defective mints the actor's broken twin, maps it to the actor's user and has the load balancer
// trust what the twin needs: nothing but the defect is in its way.
func (w *world) defective(a *actor, options ...pki.Option) (*pki.Certificate, error) {
	if a.certificate == nil {
		return nil, fmt.Errorf("the sender %q has no certificate", a.name)
	}
	name := w.name(a.name)
	certificate, err := twin(a.certificate, name, w.options(options...)...)
	if err != nil {
		return nil, err
	}
	if err := w.sim.Certificates().Add(name, certificate); err != nil {
		return nil, err
	}
	if a.user != "" {
		if err := w.sim.Tenant().MapCertificate(certificate.DER(), a.user); err != nil {
			return nil, err
		}
	}
	return certificate, w.sim.SetTrust(w.sim.Host(), w.sim.Trust(w.sim.Host())...)
}

// twin turns the panic of a senseless option into an error of the scenario.
func twin(of *pki.Certificate, name string, options ...pki.Option) (c *pki.Certificate, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("minting a twin of %q: %v", of.Name(), r)
		}
	}()
	return of.Twin(name, options...), nil
}

// fillMapping adds mappings of certificates with a large extension until no further one would fit.
func (w *world) fillMapping(ctx context.Context) error {
	sim, err := w.start(ctx)
	if err != nil {
		return err
	}
	large := func(n int) []byte {
		extension := pkix.Extension{Id: asn1.ObjectIdentifier{2, 999, 1}, Value: make([]byte, n)}
		return w.issuing().Client(w.name("filler"), pki.Extension(extension)).DER()
	}
	const room = 64 << 10
	head := len(large(room)) - room // what a certificate takes beside its extension's value
	return sim.Tenant().Update(func(c *tenant.Config) error {
		left := int(tenant.DefaultMappingStore)
		for _, m := range c.Mappings {
			left -= len(m.Certificate)
		}
		// A few bytes are left for what varies: the lengths of serial number and signature.
		for left > head+16 {
			filler := large(min(room, left-head-16))
			c.Mappings = append(c.Mappings, tenant.Mapping{Certificate: filler, User: "FILLER"})
			left -= len(filler)
		}
		return nil
	})
}

func (w *world) bulkUpdate(ctx context.Context, want string) error {
	sim, err := w.start(ctx)
	if err != nil {
		return err
	}
	return refusal(sim.Tenant().Update(func(c *tenant.Config) error {
		c.Mappings = nil
		for i := range 10 {
			c.Mappings = append(c.Mappings, tenant.Mapping{Certificate: w.issuing().Client(w.name("bulk")).DER(), User: fmt.Sprintf("BULK%d", i)})
		}
		c.Mappings = append(c.Mappings, tenant.Mapping{Certificate: c.Mappings[0].Certificate, User: "ANOTHER"})
		return nil
	}), want)
}

// refusal is what a step says of an error that it expects.
func refusal(err error, want string) error {
	if err == nil {
		return errors.New("expected a refusal, found none")
	}
	if !containsText(err.Error(), want) {
		return fmt.Errorf("expected a refusal that contains %q, found: %w", want, err)
	}
	return nil
}
