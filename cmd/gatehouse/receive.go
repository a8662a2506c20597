package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/receiver"
)

type receiveOptions struct {
	verify      verifyOptions
	listen      string
	hosts       []string
	allowRemote bool
	calls       int
	expect      string
	within      time.Duration
	keys        string
	output      format
}

// The values of --expect.
const (
	expectAccepted = "accepted"
	expectRefused  = "refused"
)

// received is what the command tells programs.
type received struct {
	Address string `json:"address"`
	// Trust says in words what the calls were judged against.
	Trust string `json:"trust"`
	// Expected is the value of --expect; Met tells whether every call was as expected, and enough
	// of them came.
	Expected string `json:"expected,omitempty"`
	Met      bool   `json:"met"`
	// Count is how many calls came; the newest of them are listed.
	Count int             `json:"count"`
	Calls []receiver.Call `json:"calls"`
}

func newReceive() *cobra.Command {
	var o receiveOptions
	cmd := &cobra.Command{
		Use:   "receive",
		Short: "Checks the calls of a real sender, in place of the load balancer",
		Long: `Stands in for the load balancer and waits for calls of a real sender system: SM59, SOAMANAGER, Java,
Postman, curl. For each call it prints a checklist: TLS, whether a certificate was sent when asked,
the chain and each certificate in it, the verdict of a load balancer that trusts --trust, method,
path and credentials; then what the real tenant would answer and log, and what to change in that
system. Connections that end in the handshake count as calls, mere looks whether the port is open
do not. Credentials and bodies are never kept nor shown.

--trust is a file with the trusted root certificates, or a list that the load balancers of the Neo
environment supported: neo (the one in force at --at), neo-2022 or neo-until-2022.

The sender must trust the receiver's root certificate, as it must that of the real load balancer.
With --keys it stays the same from one start to the next, so that it is imported only once.

It ends after --calls calls, after --within, or with Ctrl-C. The exit code is 1 if a call is not as
--expect says, 4 if fewer calls than --calls came, or none at all where one was expected, and
otherwise 0. It listens on loopback only, unless --allow-remote is given.`,
		Example: `  gatehouse receive --keys receiver-keys
  gatehouse receive --listen 0.0.0.0:8443 --allow-remote --host gatehouse.corp.example --keys receiver-keys
  gatehouse receive --trust roots.pem --calls 1 --expect accepted --within 2m --output json`,
		Args: arguments(0, 0, ""),
		RunE: classified(func(cmd *cobra.Command, _ []string) error { return o.run(cmd) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.verify.trust, "trust", roots.Neo, "the trusted roots: a file, neo, neo-2022 or neo-until-2022")
	flags.StringVar(&o.verify.at, "at", "", "the time to judge at, RFC 3339 such as 2027-01-31T12:00:00Z or 2027-01-31 (default: that of the call)")
	flags.IntVar(&o.verify.level, "level", 2, "OpenSSL's security level, 0 to 5")
	flags.StringVar(&o.listen, "listen", "", "the address to listen on, such as 127.0.0.1:8443 (default: a free port on loopback)")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "allow to listen on an address that other machines reach")
	flags.StringArrayVar(&o.hosts, "host", nil, "a name or address by which the sender calls, besides localhost (may be repeated; default: this machine's name)")
	flags.IntVar(&o.calls, "calls", 0, "end after so many calls (default: 1 with --expect, otherwise none)")
	flags.StringVar(&o.expect, "expect", "", "how every call must come out: accepted or refused")
	flags.DurationVar(&o.within, "within", 0, "how long to wait for the calls, such as 2m (default: until it is interrupted)")
	flags.StringVar(&o.keys, "keys", "", "the folder that keeps the receiver's root certificate and key (default: a temporary one, removed at the end)")
	outputFlag(cmd, &o.output)
	_ = cmd.RegisterFlagCompletionFunc("trust", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return roots.Names(), cobra.ShellCompDirectiveDefault
	})
	_ = cmd.RegisterFlagCompletionFunc("expect", cobra.FixedCompletions([]string{expectAccepted, expectRefused}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagDirname("keys")
	return cmd
}

func (o *receiveOptions) run(cmd *cobra.Command) (err error) {
	if err := o.check(cmd); err != nil {
		return err
	}
	config, err := o.config(cmd)
	if err != nil {
		return err
	}
	keys, temporary, err := o.identity(&config)
	if err != nil {
		return err
	}
	if temporary {
		defer func() { err = errors.Join(err, removedFolder(keys)) }()
	}
	// Ctrl-C ends the waiting; calls under way get their time from Close.
	r, err := receiver.Start(context.WithoutCancel(cmd.Context()), config)
	if err != nil {
		return unreachable("%w", err)
	}
	defer func() {
		if closing := r.Close(); err == nil && closing != nil {
			err = unreachable("%w", closing)
		}
	}()
	out := cmd.OutOrStdout()
	tell := func(text string) error { return show(out, text) }
	if o.output == jsonFormat {
		// The result goes to the standard output, and how to call to the other one.
		tell = func(text string) error { return show(cmd.ErrOrStderr(), text) }
	}
	if err := tell(receiveBanner(r, config, keys, temporary, o.hosts)); err != nil {
		return err
	}
	result := received{Address: r.Addr().String(), Trust: config.Against, Expected: o.expect, Calls: []receiver.Call{}}
	waited := o.wait(cmd.Context(), r, &result, func(c receiver.Call) error {
		if o.output == jsonFormat {
			return nil
		}
		return show(out, receivedText(c))
	})
	if failed := (*failure)(nil); errors.As(waited, &failed) && failed.code != exitInterrupted {
		return waited
	}
	result.Met = waited == nil && (o.expect == "" || o.met(result.Calls))
	if o.output == jsonFormat {
		if err := showJSON(out, result); err != nil {
			return err
		}
	} else if err := show(out, receivedEnd(result, o.expect)); err != nil {
		return err
	}
	switch {
	case waited != nil:
		return waited
	case !result.Met:
		return &failure{code: exitFailed}
	}
	return nil
}

// check says what is wrong with the flags.
func (o *receiveOptions) check(cmd *cobra.Command) error {
	switch o.expect {
	case "", expectAccepted, expectRefused:
	default:
		return invocation("--expect: found %q, expected %s or %s%s", o.expect, expectAccepted, expectRefused,
			document.DidYouMean(o.expect, []string{expectAccepted, expectRefused}))
	}
	if o.calls < 0 || cmd.Flags().Changed("calls") && o.calls == 0 {
		return invocation("--calls: found %d, expected 1 or more", o.calls)
	}
	if o.expect != "" && o.calls == 0 {
		o.calls = 1
	}
	if o.within < 0 || cmd.Flags().Changed("within") && o.within == 0 {
		return invocation("--within: found %s, expected a time such as 2m", o.within)
	}
	if o.listen != "" {
		if _, _, err := net.SplitHostPort(o.listen); err != nil {
			return invocation("--listen: found %q, expected address:port such as 127.0.0.1:8443", o.listen)
		}
	}
	if !o.allowRemote && !loopback(o.listen) {
		return invocation("%s is not an address on loopback, and other machines could call: listen on 127.0.0.1, or allow it with --allow-remote", o.listen)
	}
	if len(o.hosts) == 0 {
		if name, err := os.Hostname(); err == nil && validName(name) {
			o.hosts = []string{name}
		}
		return nil
	}
	for _, host := range o.hosts {
		if net.ParseIP(host) == nil && !validName(host) {
			return invocation("--host: found %q, expected a host name or an IP address, without scheme and port", host)
		}
	}
	return nil
}

// validName tells whether a certificate can be for the name.
func validName(host string) bool {
	if host == "" || len(host) > 253 || host[0] == '.' || host[0] == '-' {
		return false
	}
	return !slices.ContainsFunc([]byte(host), func(c byte) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.')
	})
}

func (o *receiveOptions) config(cmd *cobra.Command) (receiver.Config, error) {
	options, err := o.verify.options()
	if err != nil {
		return receiver.Config{}, err
	}
	trust, against, err := o.verify.readTrust(options.At, "")
	if err != nil {
		return receiver.Config{}, err
	}
	config := receiver.Config{
		Listen: o.listen, Trust: trust, Against: against, Level: options.Level,
		Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if o.verify.at != "" {
		config.At = options.At
	}
	return config, nil
}

// identity reads or makes the receiver's certificate, and returns its folder.
func (o *receiveOptions) identity(config *receiver.Config) (dir string, temporary bool, err error) {
	if o.keys == "" {
		if dir, err = os.MkdirTemp("", "gatehouse-receiver-"); err != nil {
			return "", false, unreachable("making a folder for the keys: %w", err)
		}
		temporary = true
	} else if dir, err = filepath.Abs(o.keys); err != nil {
		return "", false, invocation("--keys: %w", err)
	}
	if config.Identity, _, err = receiver.OpenIdentity(dir, o.hosts, time.Now); err != nil {
		err = invocation("--keys: %w", err)
		if temporary {
			err = errors.Join(err, removedFolder(dir))
		}
		return "", false, err
	}
	return dir, temporary, nil
}

func removedFolder(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return unreachable("removing the temporary keys: %w", err)
	}
	return nil
}

// wait shows calls as they come, until there are enough or the time is over. It is no failure to
// be interrupted where no number of calls was asked for.
func (o *receiveOptions) wait(ctx context.Context, r *receiver.Receiver, result *received, each func(receiver.Call) error) error {
	limited := ctx
	if o.within > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, o.within)
		defer cancel()
	}
	last := 0
	for o.calls == 0 || result.Count < o.calls {
		c, err := r.Next(limited, last)
		if err != nil {
			return o.over(ctx, result.Count)
		}
		result.Count += c.Number - last // calls that were forgotten count, too
		last = c.Number
		if len(result.Calls) == receiver.DefaultKept {
			result.Calls = result.Calls[1:]
		}
		result.Calls = append(result.Calls, c)
		if err := each(c); err != nil {
			return err
		}
	}
	return nil
}

// over is the end of the waiting before enough calls came.
func (o *receiveOptions) over(ctx context.Context, count int) error {
	interrupted := ctx.Err() != nil
	switch {
	case o.calls == 0 && (interrupted || count > 0):
		return nil
	case interrupted:
		return unreachable("interrupted: %d of %d calls came", count, o.calls)
	case count == 0:
		return unreachable("no call came within %s: see that the sender calls this address, and that nothing stands between", o.within)
	}
	return unreachable("%d of %d calls came within %s", count, o.calls, o.within)
}

// met tells whether every call was as expected.
func (o *receiveOptions) met(calls []receiver.Call) bool {
	return len(calls) > 0 && !slices.ContainsFunc(calls, func(c receiver.Call) bool { return c.Accepted != (o.expect == expectAccepted) })
}

// portOf is the port of a listening address.
func portOf(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return strconv.Itoa(tcp.Port)
	}
	return fmt.Sprint(a)
}
