package target

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/gatehouse/simulator/systemlog"
)

// probe finds out what the target can do: from the document, and by a look at what it makes
// possible.
func (r *remote) probe(ctx context.Context) error {
	if err := r.answers(ctx); err != nil {
		return err
	}
	r.lacks = map[string]string{}
	lacks := func(reason string, features ...string) {
		for _, f := range features {
			if _, known := r.lacks[f]; !known {
				r.lacks[f] = reason
			}
		}
	}
	d := r.document
	lacks("a target that scenarios share cannot be described by one", Landscape)
	lacks("bad connections are tried on the embedded simulator only, not on a target that others use", Limits)
	lacks("the interfaces of a tenant have no way to put a certificate into the keystore", Keystore)
	lacks("the trust list of the load balancer cannot be changed from here", CustomTrust)
	if r.api == nil {
		lacks("the target document has no management section", Mappings, Roles, AccessLog, Trace, Credentials)
	} else if err := r.probeInterfaces(ctx, lacks); err != nil {
		return err
	}
	if r.issuing == nil {
		lacks("the target document has no issuing section with a CA that the target trusts", MintTrusted)
	}
	if _, declared := r.declared("", true, nil); !declared {
		for _, f := range []string{MintTrusted, Mappings, Roles} {
			if reason, missing := r.lacks[f]; missing {
				lacks("the target document declares no sender with a user, and none can be made: "+reason, GoodSender)
			}
		}
	}
	if len(d.Users) == 0 {
		lacks("the target document declares no users", Users)
	}
	if len(d.OAuthClients) == 0 {
		lacks("the target document declares no oauthClients", OAuthClients)
	}
	if len(d.Channels) < 2 && r.api == nil {
		lacks("the target document declares no channels beside /http/orders, and none can be deployed", Channels)
	}
	if len(d.Domains) == 0 {
		lacks("the target document declares no domains", Domains)
	}
	if r.own == nil {
		lacks("the clock of a real tenant cannot be moved", Clock)
		lacks("the runtime nodes of a real tenant cannot be taken up and down", Nodes)
		lacks("the target document does not say that the flow behind /http/orders tells what reached it", Echo)
		for _, f := range []string{AccessLog, Trace} {
			if reason, missing := r.lacks[f]; missing {
				lacks("it would have to be worked out from the logs: "+reason, Stations)
			}
		}
	} else {
		lacks("runtime nodes are taken up and down on the embedded simulator only", Nodes)
	}
	for f, has := range d.Features {
		switch {
		case !has:
			r.lacks[f] = "the target document says so"
		case f == Echo || f == Channels || f == Stations:
			delete(r.lacks, f)
		}
	}
	if _, missing := r.lacks[AccessLog]; !missing {
		r.logs = newFollower(r.api, r.now().Add(-time.Minute))
	}
	return nil
}

// probeInterfaces asks each interface something harmless. One that cannot be reached is a fault;
// one that refuses is a feature that the target lacks.
func (r *remote) probeInterfaces(ctx context.Context, lacks func(string, ...string)) error {
	ask := func(err error, features ...string) error {
		var refused *refusedError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused):
			lacks(fmt.Sprintf("the tenant refused to tell: %v", err), features...)
			return nil
		}
		return &FaultError{"finding out what the target can do", err}
	}
	_, _, _, err := r.api.mapped(ctx, []byte("none"))
	if err := ask(err, Mappings); err != nil {
		return err
	}
	_, err = r.api.usersOfRole(ctx, r.application(), BaseRole)
	if err := ask(err, Roles); err != nil {
		return err
	}
	for kind, feature := range map[systemlog.Kind]string{systemlog.HTTP: AccessLog, systemlog.Trace: Trace} {
		_, err := r.api.logFiles(ctx, kind)
		if err := ask(err, feature); err != nil {
			return err
		}
	}
	if r.own == nil {
		return nil
	}
	now, err := r.own.now(ctx)
	if err := ask(err, Clock); err != nil {
		return err
	}
	if err == nil {
		r.offset = time.Until(now)
	}
	return nil
}

// refusedError is an answer with which an interface refused: 401, 403, 404 or 501.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }

func (e *refusedError) Unwrap() error { return e.err }

// application is that of the worker node.
func (r *remote) application() string {
	if r.document.Application != "" {
		return r.document.Application
	}
	return r.account() + "iflmap"
}

func (r *remote) account() string {
	if r.document.Account != "" {
		return r.document.Account
	}
	return "e100999"
}
