package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/neighbour"
)

// behindOptions put a real load balancer in front of the runtime nodes.
type behindOptions struct {
	kind, listen, folder, seenAs, nodeHost, nodesSeenAt string
}

func (o *behindOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.kind, "behind", "", "haproxy or nginx: open the runtime nodes to such a load balancer, too, and write its configuration")
	flags.StringVar(&o.listen, "behind-listen", "127.0.0.1:8443", "the address that it is told to listen on")
	flags.StringVar(&o.folder, "behind-folder", "", `the folder for its configuration (default: "haproxy" or "nginx" beside the document)`)
	flags.StringVar(&o.seenAs, "behind-seen-as", "", "that folder as the load balancer sees it, in a container for instance (default: the same)")
	flags.StringVar(&o.nodeHost, "node-host", "127.0.0.1", "the address that the runtime nodes listen on for it")
	flags.StringVar(&o.nodesSeenAt, "nodes-seen-at", "", "the host under which it reaches them (default: --node-host)")
	_ = cmd.RegisterFlagCompletionFunc("behind", cobra.FixedCompletions([]string{string(neighbour.HAProxy), string(neighbour.Nginx)}, cobra.ShellCompDirectiveNoFileComp))
}

// behindMarker stands in a folder that a configuration was written to. Only there are files
// replaced.
const behindMarker = ".gatehouse-neighbour"

// check says what is wrong with the flags, given with --behind or without.
func (o *behindOptions) check(file string, allowRemote bool) error {
	if o.kind == "" {
		if o.folder != "" || o.seenAs != "" || o.nodesSeenAt != "" {
			return invocation("--behind-folder, --behind-seen-as and --nodes-seen-at go with --behind haproxy or --behind nginx")
		}
		return nil
	}
	if _, err := neighbour.ParseKind(o.kind); err != nil {
		return invocation("--behind: %w", err)
	}
	if _, port, err := net.SplitHostPort(o.listen); err != nil || port == "0" || port == "" {
		return invocation("--behind-listen: found %q, expected address:port such as 127.0.0.1:8443; the port cannot be left to chance", o.listen)
	}
	for flag, address := range map[string]string{"--behind-listen": o.listen, "--node-host": net.JoinHostPort(o.nodeHost, "0")} {
		if !allowRemote && !loopback(address) {
			return invocation("%s: %s is not an address on loopback, and other machines could call: listen on 127.0.0.1, or allow it with --allow-remote", flag, address)
		}
	}
	if o.folder == "" {
		o.folder = filepath.Join(filepath.Dir(file), o.kind)
	}
	folder, err := filepath.Abs(o.folder)
	if err != nil {
		return invocation("--behind-folder: %w", err)
	}
	o.folder = folder
	return nil
}

// start opens the nodes and writes the configuration. Without --behind it does nothing.
func (o *behindOptions) start(ctx context.Context, sim *simulator.Simulator) (*simulator.Behind, error) {
	if o.kind == "" {
		return &simulator.Behind{}, nil
	}
	if err := o.claim(); err != nil {
		return nil, err
	}
	behind, err := sim.PutBehind(context.WithoutCancel(ctx), simulator.BehindOptions{
		Kind: neighbour.Kind(o.kind), Listen: o.listen, Folder: o.folder, SeenAs: o.seenAs, NodeHost: o.nodeHost, NodesSeenAt: o.nodesSeenAt,
	})
	if err != nil {
		return nil, invocation("--behind: %w", err)
	}
	return behind, nil
}

// claim makes the folder one of ours. Files that somebody else put there are not touched.
func (o *behindOptions) claim() error {
	entries, err := os.ReadDir(o.folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return invocation("--behind-folder: %w", err)
	}
	marker := filepath.Join(o.folder, behindMarker)
	if _, err := os.Lstat(marker); err != nil && len(entries) > 0 {
		return invocation("--behind-folder: %s holds files that gatehouse did not write: choose another folder, or an empty one", o.folder)
	}
	if err := os.MkdirAll(o.folder, 0o700); err != nil {
		return invocation("--behind-folder: %w", err)
	}
	if err := os.WriteFile(marker, []byte("Configuration of a load balancer in front of gatehouse. \"gatehouse serve --behind\" replaces the files in this folder.\n"), 0o600); err != nil {
		return invocation("--behind-folder: %w", err)
	}
	return nil
}

// lines are what the banner says of it.
func (o *behindOptions) lines(behind *simulator.Behind) []string {
	if o.kind == "" {
		return nil
	}
	words := make([]string, len(behind.Command))
	for i, word := range behind.Command {
		words[i] = shellQuote(word)
	}
	out := []string{fmt.Sprintf("%s, told to listen on %s; start it with: %s", o.kind, o.listen, strings.Join(words, " "))}
	for _, n := range behind.Nodes {
		out = append(out, fmt.Sprintf("runtime node %s listens for it on %s, and for nobody else", n.ID, n.Address))
	}
	return out
}
