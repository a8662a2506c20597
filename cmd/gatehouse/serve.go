package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
)

type serveOptions struct {
	file, logFolder, listen, management, keys, state string
	allowRemote                                      bool
	flows                                            flowOptions
}

func newServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Runs a landscape until it is interrupted",
		Long: `Runs the landscape: prints its URLs, where the logs and the senders' key pairs are, and a curl line
that works; then one line for each call, and below a refused one what is wrong and what to do. Ctrl-C
(SIGINT) or SIGTERM ends it, with exit code 0.

With --iflow the sender channels of exported integration flows are served beside those of the
document. What of them could not be read or resolved is told with file and key.

The tenant's own interfaces are served too, at a second address: OData under /api/v1, the platform
API under /authorization/v1, the token services, and what Gatehouse adds under /gatehouse/v1. Log on
there as a user of the document that has AuthGroup.Administrator or another AuthGroup on the
application <account>tmn.

With --state, everything that is changed in the tenant, and the certificates that are minted, outlive
the end; "gatehouse export" writes them as a document again. Without it they end with the landscape.

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
	flags.StringVar(&o.keys, "keys", "", "the folder for the senders' key pairs and the load balancer's root (default: a temporary one, removed at the end)")
	o.flows.flags(cmd)
	stateFlag(cmd, &o.state, "the file that keeps what is changed in the tenant; made if it is not there (default: nothing is kept)")
	return cmd
}

func (o serveOptions) run(cmd *cobra.Command) (err error) {
	l, err := readLandscape(o.file)
	if err != nil {
		return err
	}
	l, said, err := o.flows.add(l)
	if err != nil {
		return err
	}
	if err := show(cmd.ErrOrStderr(), said); err != nil {
		return err
	}
	if err := o.addresses(&l); err != nil {
		return err
	}
	logs, err := o.logs()
	if err != nil {
		return err
	}
	sim, err := o.start(cmd, l, logs)
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
	out := cmd.OutOrStdout()
	if err := show(out, banner(o, sim, present(l, sim), keys, logs)); err != nil {
		return err
	}
	explain := explainer(sim)
	calls := &follower{log: sim.Journeys(), print: func(j journey.Journey) error { return show(out, callLine(j)+explain(j)) }}
	if err := calls.follow(cmd.Context()); err != nil {
		return err
	}
	closing := sim.Close()
	// Calls that were under way have ended now.
	if err := calls.flush(); err != nil {
		return err
	}
	if closing != nil {
		return unreachable("%w", closing)
	}
	return show(out, fmt.Sprintf("stopped after %d calls\n", calls.count))
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
func (o serveOptions) start(cmd *cobra.Command, l simulator.Landscape, logs string) (*simulator.Simulator, error) {
	logger := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	options := simulator.Options{LogFolder: logs, Management: true, Logger: logger}
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
