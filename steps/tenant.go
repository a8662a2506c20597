package steps

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/tenant"
	"example.com/gatehouse/steps/target"
)

var tenantSteps = []Definition{
	step("mapping", `the certificate of "([^"]*)" is mapped to the user "([^"]*)"`, `the certificate of "warehouse" is mapped to the user "WAREHOUSE"`, "A certificate-to-user mapping is added.",
		func(w *world) any {
			return func(ctx context.Context, name, user string) error {
				a, err := w.holder(name)
				if err != nil {
					return err
				}
				a.user = user
				return w.session.Map(ctx, a.keystore.Certificate, user)
			}
		}).needs(target.Mappings),
	step("mapping", `a renewed certificate of "([^"]*)" is mapped to the user "([^"]*)"`, `a renewed certificate of "warehouse" is mapped to the user "WAREHOUSE"`, "Another certificate with the same names is mapped; the sender goes on with its own.",
		func(w *world) any {
			return func(ctx context.Context, name, user string) error {
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				own, err := w.mintedActor(a)
				if err != nil {
					return err
				}
				renewed, err := twin(own, w.name(name), w.options()...)
				if err != nil {
					return err
				}
				return w.session.Map(ctx, renewed.DER(), user)
			}
		}).needs(target.Mappings, target.MintTrusted),
	step("mapping", `the certificate of "([^"]*)" is no longer mapped`, `the certificate of "warehouse" is no longer mapped`, "Its certificate-to-user mapping is removed.",
		func(w *world) any {
			return func(ctx context.Context, name string) error {
				a, err := w.holder(name)
				if err != nil {
					return err
				}
				removed, err := w.session.Unmap(ctx, a.keystore.Certificate)
				if err == nil && !removed {
					err = fmt.Errorf("the certificate of %q was not mapped", name)
				}
				return err
			}
		}).needs(target.Mappings),
	step("mapping", `the former certificate of "([^"]*)" is no longer mapped`, `the former certificate of "warehouse" is no longer mapped`, "The mapping of the certificate that a sender had before its renewal is removed.",
		func(w *world) any {
			return func(ctx context.Context, name string) error {
				a, err := w.actor(name)
				if err != nil {
					return err
				}
				if a.former == nil {
					return fmt.Errorf("the sender %q was not renewed: \"now uses a renewed certificate\" must stand before", name)
				}
				removed, err := w.session.Unmap(ctx, a.former)
				if err == nil && !removed {
					err = fmt.Errorf("the former certificate of %q was not mapped", name)
				}
				return err
			}
		}).needs(target.Mappings, target.MintTrusted),
	step("mapping", `the certificate of the CA is mapped to the user "([^"]*)"`, `the certificate of the CA is mapped to the user "WAREHOUSE"`, "The CA's certificate is mapped in place of a sender's.",
		func(w *world) any {
			return func(ctx context.Context, user string) error {
				issuing, err := w.issuing(ctx)
				if err != nil {
					return err
				}
				return w.session.Map(ctx, issuing.DER(), user)
			}
		}).needs(target.Mappings, target.MintTrusted),
	step("mapping", `the certificate-to-user mapping is full`, `the certificate-to-user mapping is full`, "It holds as many bytes of certificates as fit, but for a few.",
		func(w *world) any { return w.fillMapping }).needs(target.Landscape),
	step("mapping", `mapping the certificate of "([^"]*)" to the user "([^"]*)" is refused with "([^"]*)"`, `mapping the certificate of "shop" to the user "SHOP" is refused with "mapping store"`, "The tenant refuses the mapping, and says this.",
		func(w *world) any {
			return func(ctx context.Context, name, user, want string) error {
				a, err := w.holder(name)
				if err != nil {
					return err
				}
				return refusal(w.session.Map(ctx, a.keystore.Certificate, user), want)
			}
		}).needs(target.Mappings),
	step("mapping", `a change of many mappings of which the last one is wrong is refused with "([^"]*)"`, `a change of many mappings of which the last one is wrong is refused with "one certificate maps to one user"`, "All mappings are replaced at once, the last one maps a certificate that is mapped already.",
		func(w *world) any { return w.bulkUpdate }).needs(target.Landscape),
	step("keystore", `the certificate of "([^"]*)" is in the tenant keystore`, `the certificate of "warehouse" is in the tenant keystore`, "It is put where outbound certificates are.",
		func(w *world) any {
			return func(ctx context.Context, name string) error {
				a, err := w.holder(name)
				if err != nil {
					return err
				}
				return w.session.AddToKeystore(ctx, name, a.keystore.Certificate)
			}
		}).needs(target.Keystore),
	step("role", `the user "([^"]*)" has the role "([^"]*)"`, `the user "WAREHOUSE" has the role "ESBMessaging.send"`, "A role on the application of the worker node is assigned.",
		func(w *world) any {
			return func(ctx context.Context, user, role string) error {
				return w.assign(ctx, tenant.Assignment{User: user, Role: role})
			}
		}).needs(target.Roles),
	step("role", `the user "([^"]*)" has the role "([^"]*)" on the application "([^"]*)"`, `the user "WAREHOUSE" has the role "ESBMessaging.send" on the application "provision"`, "A role on another application is assigned.",
		func(w *world) any {
			return func(ctx context.Context, user, role, application string) error {
				return w.assign(ctx, tenant.Assignment{User: user, Role: role, Application: application})
			}
		}).needs(target.Roles),
	step("role", `the user "([^"]*)" no longer has the role "([^"]*)"`, `the user "WAREHOUSE" no longer has the role "ESBMessaging.send"`, "A role assignment is removed.",
		func(w *world) any {
			return func(ctx context.Context, user, role string) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				removed, err := s.Unassign(ctx, tenant.Assignment{User: user, Role: role})
				if err == nil && !removed {
					err = fmt.Errorf("the user %q did not have the role %q", user, role)
				}
				return err
			}
		}).needs(target.Roles),
	step("role", `the group "([^"]*)" with the user "([^"]*)" has the role "([^"]*)"`, `the group "Senders" with the user "WAREHOUSE" has the role "ESBMessaging.send"`, "A role is assigned to a group.",
		func(w *world) any {
			return func(ctx context.Context, group, user, role string) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				if err := s.AddGroup(ctx, group, user); err != nil {
					return err
				}
				return s.Assign(ctx, tenant.Assignment{Group: group, Role: role})
			}
		}).needs(target.Roles),
	step("user", `the identity provider has the user "([^"]*)" with the password "([^"]*)"`, `the identity provider has the user "erika" with the password "opensesame"`, "A user who can log on with a password.",
		inTenant(func(ctx context.Context, s target.Session, user, password string) error {
			return s.AddUser(ctx, user, password)
		})).needs(target.Users),
	step("user", `a deployed User Credentials artifact has the user "([^"]*)" with the password "([^"]*)"`, `a deployed User Credentials artifact has the user "erika" with the password "opensesame"`, "Credentials for outbound calls.",
		inTenant(func(ctx context.Context, s target.Session, user, password string) error {
			return s.AddCredential(ctx, user, password)
		})).needs(target.Credentials),
	step("user", `an OAuth client "([^"]*)"`, `an OAuth client "d2c1"`, "A client that may call with a bearer token.",
		func(w *world) any {
			return func(ctx context.Context, id string) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				return s.AddClient(ctx, id)
			}
		}).needs(target.OAuthClients),
	step("management node", `the management node calls the runtime nodes`, `the management node calls the runtime nodes`, "As it does every 30 seconds; what the logs got is looked at as that of a call.",
		func(w *world) any {
			return func(ctx context.Context) error {
				s, err := w.start(ctx)
				if err != nil {
					return err
				}
				c, err := s.CheckNodes(ctx)
				if err == nil {
					w.calls = append(w.calls, &call{Call: c})
				}
				return err
			}
		}).needs(target.Nodes),
}

// inTenant is a step with two words that changes the tenant.
func inTenant(change func(ctx context.Context, s target.Session, a, b string) error) func(*world) any {
	return func(w *world) any {
		return func(ctx context.Context, a, b string) error {
			s, err := w.start(ctx)
			if err != nil {
				return err
			}
			return change(ctx, s, a, b)
		}
	}
}

func (w *world) assign(ctx context.Context, a tenant.Assignment) error {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	return s.Assign(ctx, a)
}

// pairOf is the row that uploading a certificate to a channel makes.
func pairOf(der []byte) (tenant.DNPair, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return tenant.DNPair{}, fmt.Errorf("reading the certificate for a channel's table: %w", err)
	}
	return tenant.DNPairOf(c), nil
}

// fillMapping adds mappings of certificates with a large extension until no further one would fit.
func (w *world) fillMapping(ctx context.Context) error {
	issuing, err := w.issuing(ctx)
	if err != nil {
		return err
	}
	large := func(n int) []byte {
		extension := pkix.Extension{Id: asn1.ObjectIdentifier{2, 999, 1}, Value: make([]byte, n)}
		return issuing.Client(w.name("filler"), pki.Extension(extension)).DER()
	}
	const room = 64 << 10
	head := len(large(room)) - room // what a certificate takes beside its extension's value
	return w.session.Update(ctx, func(mappings []tenant.Mapping) []tenant.Mapping {
		left := int(tenant.DefaultMappingStore)
		for _, m := range mappings {
			left -= len(m.Certificate)
		}
		// A few bytes are left for what varies: the lengths of serial number and signature.
		for left > head+16 {
			filler := large(min(room, left-head-16))
			mappings = append(mappings, tenant.Mapping{Certificate: filler, User: "FILLER"})
			left -= len(filler)
		}
		return mappings
	})
}

func (w *world) bulkUpdate(ctx context.Context, want string) error {
	issuing, err := w.issuing(ctx)
	if err != nil {
		return err
	}
	return refusal(w.session.Update(ctx, func([]tenant.Mapping) []tenant.Mapping {
		var mappings []tenant.Mapping
		for i := range 10 {
			mappings = append(mappings, tenant.Mapping{Certificate: issuing.Client(w.name("bulk")).DER(), User: fmt.Sprintf("BULK%d", i)})
		}
		return append(mappings, tenant.Mapping{Certificate: mappings[0].Certificate, User: "ANOTHER"})
	}), want)
}

// refusal is what a step says of an error that it expects. That the target lacks something, or
// could not be reached, is no refusal.
func refusal(err error, want string) error {
	var unsupported *target.UnsupportedError
	var fault *target.FaultError
	switch {
	case err == nil:
		return mismatch(fmt.Sprintf("a refusal that contains %q", want), "none")
	case errors.As(err, &unsupported) || errors.As(err, &fault):
		return err
	case !containsText(err.Error(), want):
		return mismatch(fmt.Sprintf("a refusal that contains %q", want), err.Error())
	}
	return nil
}
