package target

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/management/client"
	"example.com/gatehouse/simulator/tenant"
)

func (s *remoteSession) Map(ctx context.Context, certificate []byte, user string) error {
	if err := errors.Join(s.remote.needs(Mappings), s.owns(Mappings, string(certificate))); err != nil {
		return err
	}
	api, name := s.remote.api, s.names.user(user)
	_, before, had, err := api.mapped(ctx, certificate)
	if err != nil {
		return &FaultError{"looking for the mapping of a certificate", err}
	}
	if had && before == name {
		return nil
	}
	// It may have been made even if the answer did not arrive.
	err = s.attempt("the mapping of a certificate to "+name, func(ctx context.Context) error {
		if had {
			return api.mapCertificate(ctx, certificate, before)
		}
		id, _, there, err := api.mapped(ctx, certificate)
		if err != nil || !there {
			return err
		}
		return api.unmap(ctx, id)
	}, func() error { return api.mapCertificate(ctx, certificate, name) })
	var refused *refusedError
	if errors.As(err, &refused) && !refused.forbidden {
		return fmt.Errorf("mapping a certificate to %s: %w", name, err) // what a scenario may be about
	}
	return said(err, "mapping a certificate to "+name)
}

func (s *remoteSession) Unmap(ctx context.Context, certificate []byte) (bool, error) {
	if err := errors.Join(s.remote.needs(Mappings), s.owns(Mappings, string(certificate))); err != nil {
		return false, err
	}
	api := s.remote.api
	id, before, had, err := api.mapped(ctx, certificate)
	if err != nil || !had {
		return false, said(err, "looking for the mapping of a certificate")
	}
	s.changed("the removal of the mapping of "+before, func(ctx context.Context) error { return api.mapCertificate(ctx, certificate, before) })
	return true, said(api.unmap(ctx, id), "removing the mapping of "+before)
}

func (s *remoteSession) Update(context.Context, func([]tenant.Mapping) []tenant.Mapping) error {
	return s.remote.needs(Landscape)
}

// onTarget is the assignment with the target's names.
func (s *remoteSession) onTarget(a tenant.Assignment) (application, user string, err error) {
	if err := s.remote.needs(Roles); err != nil {
		return "", "", err
	}
	if a.Group != "" && !s.groups[a.Group] {
		return "", "", &UnsupportedError{Feature: Roles, Reason: "roles of groups that the scenario did not make are not changed on a target that others use"}
	}
	if err := s.owns(Roles, a.User); err != nil {
		return "", "", err
	}
	r := s.remote
	switch application = a.Application; {
	case application == "" && strings.HasPrefix(a.Role, "AuthGroup."):
		application = r.account() + "tmn" // [C] blog: the authorization groups are those of the management node
	case application == "":
		application = r.application()
	case strings.HasPrefix(application, "e100999"): // the account of scenarios
		application = r.account() + strings.TrimPrefix(application, "e100999")
	}
	if a.Group != "" {
		return application, s.names.user(a.Group), nil
	}
	return application, s.names.user(a.User), nil
}

// has tells whether a user has a role. Of users that only this scenario has, nobody need be asked:
// the platform API takes 100 requests a minute. [C]
func (s *remoteSession) has(ctx context.Context, application, role, user string) (bool, error) {
	if s.names.isOwn(user) {
		return s.roles[tenant.Assignment{User: user, Role: role, Application: application}], nil
	}
	users, err := s.remote.api.usersOfRole(ctx, application, role)
	return slices.Contains(users, user), said(err, fmt.Sprintf("looking up who has the role %s on %s", role, application))
}

func (s *remoteSession) Assign(ctx context.Context, a tenant.Assignment) error {
	application, user, err := s.onTarget(a)
	if err != nil {
		return err
	}
	api, role := s.remote.api, a.Role
	doing := fmt.Sprintf("assigning the role %s on %s to %s", role, application, user)
	if a.Group != "" { // goes with the group
		return unknown(api.assignGroup(ctx, application, role, user), doing)
	}
	if has, err := s.has(ctx, application, role, user); has || err != nil {
		return err
	}
	err = s.attempt(fmt.Sprintf("the assignment of the role %s on %s to %s", role, application, user), func(ctx context.Context) error {
		if s.names.isOwn(user) && !s.roles[tenant.Assignment{User: user, Role: role, Application: application}] {
			return nil // taken away again
		}
		return api.unassign(ctx, application, role, user)
	}, func() error {
		s.note(application, role, user, true)
		return api.assign(ctx, application, role, user)
	})
	return unknown(err, doing)
}

// unknown tells a tenant that has no such application, or whose application has no such role, from a
// fault: nothing can be assigned there, whoever asks.
func unknown(err error, doing string) error {
	var refused *refusedError
	if errors.As(err, &refused) && errors.Is(err, client.ErrNotFound) {
		return &UnsupportedError{Feature: Roles, Reason: fmt.Sprintf("%s: %v", doing, err)}
	}
	return said(err, doing)
}

func (s *remoteSession) Unassign(ctx context.Context, a tenant.Assignment) (bool, error) {
	application, user, err := s.onTarget(a)
	if err != nil {
		return false, err
	}
	if a.Group != "" {
		return false, &UnsupportedError{Feature: Roles, Reason: "a role is not taken from a group: the scenario's groups are removed as a whole"}
	}
	api, role := s.remote.api, a.Role
	if has, err := s.has(ctx, application, role, user); !has || err != nil {
		return false, err
	}
	doing := fmt.Sprintf("taking the role %s on %s from %s", role, application, user)
	if s.names.isOwn(user) {
		if err := api.unassign(ctx, application, role, user); err != nil {
			return false, said(err, doing)
		}
		s.note(application, role, user, false)
		return true, nil
	}
	s.changed(fmt.Sprintf("the removal of the role %s on %s of %s", role, application, user), func(ctx context.Context) error {
		return api.assign(ctx, application, role, user)
	})
	return true, said(api.unassign(ctx, application, role, user), doing)
}

// note remembers a role of a user that only this scenario has.
func (s *remoteSession) note(application, role, user string, has bool) {
	if s.roles == nil {
		s.roles = map[tenant.Assignment]bool{}
	}
	s.roles[tenant.Assignment{User: user, Role: role, Application: application}] = has
}

// AddGroup makes a group that nobody else has.
func (s *remoteSession) AddGroup(ctx context.Context, group, user string) error {
	if err := errors.Join(s.remote.needs(Roles), s.owns(Roles, user)); err != nil {
		return err
	}
	name := s.names.user(group)
	err := s.attempt("the group "+name, func(ctx context.Context) error { return s.remote.api.removeGroup(ctx, name) }, func() error {
		return s.remote.api.addGroup(ctx, name, s.names.user(user))
	})
	if err != nil {
		return said(err, "making the group "+name)
	}
	if s.groups == nil {
		s.groups = map[string]bool{}
	}
	s.groups[group] = true
	return nil
}

// AddUser takes a declared user for the part; a running simulator gets one of that name.
func (s *remoteSession) AddUser(ctx context.Context, user, given string) error {
	if err := s.remote.needs(Users); err != nil {
		return err
	}
	if s.passwords == nil {
		s.passwords = map[string]password{}
	}
	for _, d := range s.remote.document.Users {
		if d.Plays != "" && d.Plays != user {
			continue
		}
		actual, err := s.remote.document.secret(d.Secret)
		if err != nil {
			return &FaultError{"reading the password of a user of the target document", err}
		}
		s.names.plays(user, d.Name)
		s.passwords[user] = password{given, actual}
		return nil
	}
	if s.remote.own == nil {
		return &UnsupportedError{Feature: Users, Reason: fmt.Sprintf("the target document declares no user that may play %q", user)}
	}
	name := s.names.user(user)
	s.passwords[user] = password{given, given}
	return said(s.attempt("the user "+name, func(ctx context.Context) error { return s.remote.own.removeUser(ctx, name) }, func() error {
		return s.remote.own.putUser(ctx, name, given)
	}), "making the user "+name)
}

// AddCredential deploys an artifact that nobody else has, for a user that only this scenario has.
func (s *remoteSession) AddCredential(ctx context.Context, user, password string) error {
	if err := s.remote.needs(Credentials); err != nil {
		return err
	}
	name := "GH_" + s.names.run + "_" + s.remote.id(3)
	return said(s.attempt("the User Credentials artifact "+name, func(ctx context.Context) error { return s.remote.api.removeCredential(ctx, name) }, func() error {
		return s.remote.api.addCredential(ctx, name, s.names.user(user), password)
	}), "deploying the User Credentials artifact "+name)
}

// AddClient takes a declared client for the part; a running simulator gets one.
func (s *remoteSession) AddClient(ctx context.Context, id string) error {
	if err := s.remote.needs(OAuthClients); err != nil {
		return err
	}
	if s.clients == nil {
		s.clients = map[string]oauthClient{}
	}
	for _, d := range s.remote.document.OAuthClients {
		if d.Plays == "" || d.Plays == id {
			secret, err := s.remote.document.secret(d.Secret)
			if err != nil {
				return &FaultError{"reading the secret of an OAuth client of the target document", err}
			}
			s.clients[id] = oauthClient{d.ID, secret, d.TokenURL}
			s.names.plays(tenant.ClientUserPrefix+id, tenant.ClientUserPrefix+d.ID)
			return nil
		}
	}
	if s.remote.own == nil {
		return &UnsupportedError{Feature: OAuthClients, Reason: fmt.Sprintf("the target document declares no OAuth client that may play %q", id)}
	}
	c := oauthClient{"gh" + s.names.run + id, s.remote.id(16), s.remote.document.Management.URL + "/oauth2/api/v1/token"}
	s.clients[id] = c
	s.names.plays(tenant.ClientUserPrefix+id, tenant.ClientUserPrefix+c.id)
	return said(s.attempt("the OAuth client "+c.id, func(ctx context.Context) error { return s.remote.own.removeClient(ctx, c.id) }, func() error {
		return s.remote.own.putClient(ctx, c.id, c.secret)
	}), "making the OAuth client "+c.id)
}

// oauthClient is a client that plays a part.
type oauthClient struct{ id, secret, tokenURL string }

func (s *remoteSession) Token(ctx context.Context, client string) (string, error) {
	c, ok := s.clients[client]
	if !ok {
		return "", fmt.Errorf("the scenario has no OAuth client %q: a Given must name it first", client)
	}
	token, err := s.remote.token(ctx, c.tokenURL, c.id, c.secret)
	return token, said(err, "fetching a token of the OAuth client "+c.id)
}

// AddToKeystore puts the certificate in under an alias that nobody else has.
func (s *remoteSession) AddToKeystore(ctx context.Context, alias string, certificate []byte) error {
	if err := s.remote.needs(Keystore); err != nil {
		return err
	}
	name := "gh" + s.names.run + "-" + alias
	return said(s.attempt("the keystore entry "+name, func(ctx context.Context) error { return s.remote.own.removeFromKeystore(ctx, name) }, func() error {
		return s.remote.own.putIntoKeystore(ctx, name, certificate)
	}), "putting a certificate into the tenant keystore as "+name)
}

// PutChannel takes the declared channel that has the same properties, or else deploys a flow with it.
func (s *remoteSession) PutChannel(ctx context.Context, c simulator.Channel) error {
	r := s.remote
	for _, p := range r.document.Channels {
		if sameChannel(p.channel(), c) {
			s.names.channel(c.Address, p.Address)
			return nil
		}
	}
	if err := r.needs(Channels); err != nil {
		return err
	}
	if r.noUpload != "" {
		return &UnsupportedError{Feature: Channels, Reason: fmt.Sprintf("the target document has no channel that plays %q with these properties, and none can be deployed: %s", c.Address, r.noUpload)}
	}
	if c.Adapter == "OData" {
		return &UnsupportedError{Feature: Channels, Reason: "the address of an OData channel does not stand in its flow: declare the channel in the target document"} // [C] .iflw format
	}
	if c.Answer != "" && c.Answer != "echo" {
		return &UnsupportedError{Feature: Channels, Reason: fmt.Sprintf("no flow that answers %q can be deployed: declare a channel with that answer in the target document", c.Answer)}
	}
	for i, row := range c.Authorization.ClientCertificates {
		if row.Issuer == baseIssuingDN && r.issuing != nil {
			c.Authorization.ClientCertificates[i].Issuer = pki.FormatDN(r.issuing.X509().RawSubject)
		}
	}
	runtime := c.Runtime(nil)
	runtime.Address = ownAddress(c.Address, s.names.run)
	s.names.channel(c.Address, runtime.Address)
	id := "GH_" + s.names.run + "_" + r.id(3)
	limit, cancel := context.WithTimeout(ctx, r.waits.Change)
	defer cancel()
	doing := "deploying an integration flow with the channel " + runtime.Address
	err := s.attempt("the integration flow "+id, func(ctx context.Context) error { return r.api.remove(ctx, id) }, func() error {
		return r.api.upload(limit, r.uploads(), id, []tenant.Channel{runtime})
	})
	if err != nil {
		return said(err, doing)
	}
	return said(s.attempt("the deployment of the integration flow "+id, func(ctx context.Context) error { return r.api.undeploy(ctx, id) }, func() error {
		return r.api.deploy(limit, id)
	}), doing)
}

// baseIssuingDN is the CA below which scenarios' senders have their certificates, as scenarios write
// it.
const baseIssuingDN = "CN=Example Issuing CA, O=Example, C=DE"

// ownAddress puts the run's id behind the prefix, so that the address is nobody else's.
func ownAddress(address, run string) string {
	for _, prefix := range []string{"/http/", "/cxf/", "/as2/as2/", "/as2/mdn/", "/gw/odata/"} {
		if rest, ok := strings.CutPrefix(address, prefix); ok {
			return prefix + "gh" + run + "/" + rest
		}
	}
	return address
}

func (s *remoteSession) Design(context.Context, string, func(*tenant.Channel)) error {
	return &UnsupportedError{Feature: Channels, Reason: "a flow is changed without a deployment in the embedded simulator only"}
}

func (s *remoteSession) Deploy(context.Context, string, time.Duration) error {
	return &UnsupportedError{Feature: Channels, Reason: "the downtime of a deployment cannot be chosen on a target that scenarios share"}
}

// said makes a fault of what hindered a scenario from being set up.
func said(err error, doing string) error {
	if err == nil {
		return nil
	}
	return &FaultError{doing, err}
}

// uploads is the package into which flows are uploaded; empty if there is none.
func (r *remote) uploads() string {
	if r.document.Package == "" && r.facts != nil {
		return tenant.LandscapePackage
	}
	return r.document.Package
}
