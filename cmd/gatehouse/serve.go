package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
)

type serveOptions struct {
	file, logFolder, listen, management, keys, state string
	allowRemote                                      bool
	flows                                            flowOptions
	behind                                           behindOptions
	metrics                                          string
	logFormat                                        format
	grace                                            time.Duration
}

func newServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Runs a landscape until it is interrupted",
		Long: `Runs the landscape: prints its URLs, where the logs and the senders' key pairs are, and a curl line
that works; then one line for each call, and below a refused one what is wrong and what to do. Ctrl-C
(SIGINT) or SIGTERM ends it, with exit code 0: no new connection is taken, and calls under way are
answered, for --grace at most.

SIGHUP reads the document again and lets the landscape be as it says, without the loss of a call and
with the same keys for certificates whose description has not changed. What was changed in the
tenant while it ran is replaced. A document that is wrong, or that changes what is bound to the
start (such as the addresses), is refused with its positions, and the landscape goes on as it was.
On Windows, and everywhere else: curl -X POST http://ADDRESS/-/reload with the address of --metrics.

With --metrics it serves /metrics for Prometheus, /healthz and /readyz there. On an address that is
not on loopback, which --allow-remote allows, it does not serve /-/reload.

With --iflow the sender channels of exported integration flows are served beside those of the
document. What of them could not be read or resolved is told with file and key.

The tenant's own interfaces are served too, at a second address: OData under /api/v1, the platform
API under /authorization/v1, the token services, and what Gatehouse adds under /gatehouse/v1. Log on
there as a user of the document that has AuthGroup.Administrator or another AuthGroup on the
application <account>tmn.

With --state, everything that is changed in the tenant, and the certificates that are minted, outlive
the end; "gatehouse export" writes them as a document again. Without it they end with the landscape.

With --behind a real load balancer, HAProxy or nginx, stands in front of the runtime nodes, beside
Gatehouse's own: the configuration with which it behaves as the real one does is written, and the
nodes take forwarded certificates from it alone (mutual TLS). It is yours to start; what it does
otherwise stands in docs/neighbours.md. A reload does not write its configuration anew.

It listens on loopback only, unless --allow-remote is given: it is a test tool, whose keys and
passwords protect nothing.`,
		Example: `  gatehouse serve
  gatehouse serve --iflow package.zip --iflow Orders.iflw --parameter 'Sender Path=/orders'`,
		Args: arguments(0, 0, ""),
		RunE: classified(func(cmd *cobra.Command, _ []string) error { return o.run(cmd) }),
	}
	fileFlag(cmd, &o.file)
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "", "the address to listen on, such as 127.0.0.1:8443 (default: that of the document, or a free port on loopback)")
	flags.StringVar(&o.management, "management-listen", "", "the address of the tenant's own interfaces (default: that of the document, or a free port on loopback)")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "allow to listen on an address that other machines reach")
	flags.StringVar(&o.logFolder, "log-folder", "", `the folder for the logs (default: "logs" beside the document)`)
	flags.StringVar(&o.metrics, "metrics", "", "the address for metrics, health and reload, such as 127.0.0.1:9090 (default: none)")
	o.logFormat = textFormat
	flags.Var(&o.logFormat, "log-format", "how calls and faults are told: text for people, json for programs, one object a line")
	_ = cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{string(textFormat), string(jsonFormat)}, cobra.ShellCompDirectiveNoFileComp))
	flags.DurationVar(&o.grace, "grace", 10*time.Second, "how long calls under way may take to end when it is ended")
	flags.StringVar(&o.keys, "keys", "", "the folder for the senders' key pairs and the load balancer's root (default: a temporary one, removed at the end)")
	o.flows.flags(cmd)
	o.behind.flags(cmd)
	stateFlag(cmd, &o.state, "the file that keeps what is changed in the tenant; made if it is not there (default: nothing is kept)")
	return cmd
}

func (o serveOptions) run(cmd *cobra.Command) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	l, said, err := o.read()
	if err != nil {
		return err
	}
	if err := show(cmd.ErrOrStderr(), said); err != nil {
		return err
	}
	logs, err := o.logs()
	if err != nil {
		return err
	}
	tell := newTeller(cmd, o.logFormat)
	operating, err := o.operate(cmd.Context(), tell)
	if err != nil {
		return err
	}
	defer operating.close()
	sim, err := o.start(cmd, l, simulator.Options{LogFolder: logs, Management: true, Logger: tell.faults, Observer: operating.observer()})
	if err != nil {
		return err
	}
	defer func() {
		// Closing twice is no error: this one is for the ways out before the end.
		if closing := sim.Close(); err == nil && closing != nil {
			err = unreachable("%w", closing)
		}
	}()
	keys, err := writeKeys(sim, l, o.keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keys.remove()) }()
	behind, err := o.behind.start(cmd.Context(), sim)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, behind.Close()) }()
	if err := tell.started(o, sim, behind, present(l, sim), keys, logs, operating.address()); err != nil {
		return err
	}
	operating.watch(cmd.Context(), sim, keys, o)
	tell.explain = explainer(sim)
	calls := &follower{log: sim.Journeys(), print: tell.call}
	if err := calls.follow(cmd.Context()); err != nil {
		return err
	}
	operating.ending()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), o.grace)
	defer cancel()
	closing := sim.Shutdown(ctx)
	// Calls that were under way have ended now.
	if err := calls.flush(); err != nil {
		return err
	}
	if closing != nil {
		return unreachable("%w", closing)
	}
	return tell.stopped(calls.count)
}

// check says what is wrong with the flags.
func (o *serveOptions) check() error {
	if o.metrics != "" {
		if _, _, err := net.SplitHostPort(o.metrics); err != nil {
			return invocation("--metrics: found %q, expected address:port such as 127.0.0.1:9090", o.metrics)
		}
		if !o.allowRemote && !loopback(o.metrics) {
			return invocation("--metrics: %s is not an address on loopback, and other machines could look: listen on 127.0.0.1, or allow it with --allow-remote", o.metrics)
		}
	}
	if o.grace < 0 {
		return invocation("--grace: found %s, expected 0 or more", o.grace)
	}
	return o.behind.check(o.file, o.allowRemote)
}

// read reads the document, with what the flags say instead and beside it. The text says what of the
// flows could not be read or resolved.
func (o serveOptions) read() (l simulator.Landscape, said string, err error) {
	if l, err = readLandscape(o.file); err != nil {
		return l, "", err
	}
	if l, said, err = o.flows.add(l); err != nil {
		return l, "", err
	}
	return l, said, o.addresses(&l)
}

// addresses puts the addresses of the flags into the landscape, and checks that they are on loopback.
func (o serveOptions) addresses(l *simulator.Landscape) error {
	for _, a := range []struct {
		flag, given, example string
		listen               *string
	}{
		{"--listen", o.listen, "127.0.0.1:8443", &l.LoadBalancer.Listen},
		{"--management-listen", o.management, "127.0.0.1:8444", &l.Management.Listen},
	} {
		if a.given != "" {
			if _, _, err := net.SplitHostPort(a.given); err != nil {
				return invocation("%s: found %q, expected address:port such as %s", a.flag, a.given, a.example)
			}
			*a.listen = a.given
		}
		if !o.allowRemote && !loopback(*a.listen) {
			return invocation("%s is not an address on loopback, and other machines could call: listen on 127.0.0.1, or allow it with --allow-remote", *a.listen)
		}
	}
	return nil
}

// start starts the landscape and says what is wrong with the address in the words of its origin.
func (o serveOptions) start(cmd *cobra.Command, l simulator.Landscape, options simulator.Options) (*simulator.Simulator, error) {
	if o.state != "" {
		store, err := openState(cmd.Context(), o.state)
		if err != nil {
			return nil, err
		}
		options.Store = store
	}
	sim, err := startUntil(cmd.Context(), l, options)
	if err == nil {
		return sim, nil
	}
	err = stateError(err)
	if problems := (document.Problems)(nil); errors.As(err, &problems) {
		for _, p := range problems {
			switch {
			case p.Path == "loadBalancer.listen" && o.listen != "":
				return nil, unreachable("--listen: %s", p.Message)
			case p.Path == "management.listen" && o.management != "":
				return nil, unreachable("--management-listen: %s", p.Message)
			}
		}
	}
	return nil, startFailed(cmd, err)
}

// startUntil starts a landscape. The end of ctx ends the start; once it runs, only Close ends the
// landscape, so that calls under way get their time.
func startUntil(ctx context.Context, l simulator.Landscape, options simulator.Options) (*simulator.Simulator, error) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	undo := context.AfterFunc(ctx, cancel)
	sim, err := simulator.Start(running, l, options)
	if err != nil {
		cancel()
		return nil, err
	}
	if !undo() {
		return nil, errors.Join(context.Cause(ctx), sim.Close())
	}
	return sim, nil
}

// logs makes the folder for the logs and returns its absolute path.
func (o serveOptions) logs() (string, error) {
	folder := o.logFolder
	if folder == "" {
		folder = filepath.Join(filepath.Dir(o.file), "logs")
	}
	folder, err := filepath.Abs(folder)
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err != nil {
		return "", invocation("--log-folder: the folder for the logs cannot be made: %w", err)
	}
	return folder, nil
}

// loopback tells whether only this machine reaches what listens on the address. Empty is the
// default, which is on loopback; a name other than localhost may mean anything.
func loopback(listen string) bool {
	if listen == "" {
		return true
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
