package target

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/management/client"
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
	lacks("others use the load balancer's trust list too: it is changed in the embedded simulator only", CustomTrust)
	if r.api == nil {
		lacks("the target document has no management section", Mappings, Roles, Credentials, Keystore, AccessLog, Trace)
	} else if err := r.probeInterfaces(ctx, lacks); err != nil {
		return err
	}
	if r.issuing == nil && r.facts != nil {
		if err := r.mintIssuing(ctx); err != nil {
			lacks("the running simulator makes no CA that its load balancer trusts: "+err.Error(), MintTrusted)
		}
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
	if len(d.Users) == 0 && r.facts == nil {
		lacks("the target document declares no users", Users)
	}
	if len(d.OAuthClients) == 0 && r.facts == nil {
		lacks("the target document declares no oauthClients", OAuthClients)
	}
	switch {
	case r.api == nil:
		r.noUpload = "the target document has no management section"
	case r.uploads() == "":
		r.noUpload = "the target document names no package into which flows could be uploaded"
	}
	if len(d.Channels) < 2 && r.noUpload != "" {
		lacks("the target document declares no channels beside /http/orders, and none can be deployed: "+r.noUpload, Channels)
	}
	if len(d.Domains) == 0 {
		lacks("the target document declares no domains", Domains)
	}
	if r.nodes() == 0 {
		lacks("the target document does not say how many runtime nodes there are", Nodes)
	}
	if r.facts == nil {
		lacks("the clock of a real tenant cannot be moved", Clock)
		lacks("no interface of a real tenant that is known here puts a certificate into the keystore", Keystore)
		lacks("that a deployed User Credentials artifact could be removed again is not known of a real tenant", Credentials)
		lacks("the target document does not say that the flow behind /http/orders tells what reached it", Echo)
		for _, f := range []string{AccessLog, Trace} {
			if reason, missing := r.lacks[f]; missing {
				lacks("it would have to be worked out from the logs: "+reason, Stations)
			}
		}
	} else if !d.Features[Clock] {
		lacks("others live by the target's clock too (in a running simulator that is yours alone, set features.clock: true and run with --concurrency 1)", Clock)
	}
	for f, has := range d.Features {
		switch {
		case !has:
			r.lacks[f] = "the target document says so"
		case f == Echo:
			delete(r.lacks, f)
		}
	}
	if _, missing := r.lacks[AccessLog]; !missing {
		r.logs = newFollower(r.api, r.now().Add(-time.Minute))
	}
	return nil
}

// flows stands for the right to upload flows while the target is probed. It is no feature of its own.
const flows = "flows"

// probeInterfaces asks each interface something harmless. One that cannot be reached is a fault;
// one that refuses is a feature that the target lacks.
func (r *remote) probeInterfaces(ctx context.Context, lacks func(string, ...string)) error {
	ask := func(err error, features ...string) error {
		var refused *refusedError
		switch {
		case err == nil:
			return nil
		case errors.Is(err, client.ErrUnauthorized):
			return &FaultError{"logging on to the target", err} // the document is wrong, not the target's means
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
	if !r.api.hasPlatform() {
		lacks("the target document has no platform section", Roles)
	} else {
		_, err = r.api.usersOfRole(ctx, r.application(), BaseRole)
		if err := ask(err, Roles); err != nil {
			return err
		}
	}
	for kind, feature := range map[systemlog.Kind]string{systemlog.HTTP: AccessLog, systemlog.Trace: Trace} {
		_, err := r.api.logFiles(ctx, kind)
		if err := ask(err, feature); err != nil {
			return err
		}
	}
	if err := ask(r.api.viewFlows(ctx), flows); err != nil {
		return err
	}
	r.noUpload = r.lacks[flows]
	delete(r.lacks, flows)
	facts, err := r.own.facts(ctx)
	var refused *refusedError
	switch {
	case errors.As(err, &refused):
		r.own.close()
		r.own = nil // a real tenant has no such interface
	case err != nil:
		return &FaultError{"finding out what the target can do", err}
	default:
		r.facts, r.offset = facts, time.Until(facts.Clock)
	}
	return nil
}

// mintIssuing has a running simulator make a CA below a root that its default host trusts, with
// which certificates are minted here.
func (r *remote) mintIssuing(ctx context.Context) error {
	i := slices.IndexFunc(r.facts.Hosts, func(h management.Host) bool { return h.Name == r.facts.Host })
	if i < 0 || len(r.facts.Hosts[i].Trust) == 0 {
		return errors.New("its default host trusts nothing")
	}
	var failed error
	for _, root := range r.facts.Hosts[i].Trust {
		name := "gatehouse-test-issuing-" + r.id(4)
		made, err := r.own.mint(ctx, map[string]any{"name": name, "issuer": root, "subject": "CN=Gatehouse Test Issuing CA " + name[len(name)-8:] + ", O=Example, C=DE", "ca": true})
		if err == nil && len(made) == 1 && made[0].Key != "" {
			r.issuing, err = authorityOf([]byte(made[0].FullChain), []byte(made[0].Key), r.now)
		}
		if err == nil && r.issuing != nil {
			return nil
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// refusedError is an answer with which an interface refused: 401, 403, 404 or 501.
type refusedError struct {
	err error
	// forbidden: it was who asked that was refused, not what was asked.
	forbidden bool
}

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
