package simulator

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/neighbour"
)

// BehindOptions say how a real load balancer is put in front of the runtime nodes.
type BehindOptions struct {
	// Kind is the program that stands in front.
	Kind neighbour.Kind
	// Listen is the address that it is told to listen on, which senders call.
	Listen string
	// Folder is where its configuration is written. It is made if it is not there.
	Folder string
	// SeenAs is the folder as the load balancer sees it, in a container for instance.
	// Default: Folder.
	SeenAs string
	// NodeHost is the address that the runtime nodes listen on. Default: 127.0.0.1.
	NodeHost string
	// NodesSeenAt is the host under which the load balancer reaches them. Default: NodeHost.
	NodesSeenAt string
}

// Behind is a landscape whose runtime nodes stand behind a real load balancer, too.
type Behind struct {
	// Command starts the load balancer, for people to copy.
	Command []string
	// Files are those that were written, with their folder.
	Files []string
	// Nodes are the doors of the runtime nodes, in their order.
	Nodes []neighbour.Node

	gates []*neighbour.Gate
}

// Close closes the doors of the runtime nodes. Calls under way get neighbour.CloseLimit.
func (b *Behind) Close() error {
	var errs []error
	for _, g := range b.gates {
		errs = append(errs, g.Close())
	}
	return errors.Join(errs...)
}

// PutBehind opens the runtime nodes to a real load balancer of the kind, and to it alone, and
// writes the configuration with which it behaves as the landscape's own load balancer does. It
// starts nothing. The landscape's own load balancer goes on beside it, so that the two can be
// compared. The doors end with ctx, and with Close of what is returned.
func (s *Simulator) PutBehind(ctx context.Context, o BehindOptions) (*Behind, error) {
	if o.SeenAs == "" {
		o.SeenAs = o.Folder
	}
	if o.NodeHost == "" {
		o.NodeHost = "127.0.0.1"
	}
	if o.NodesSeenAt == "" {
		o.NodesSeenAt = o.NodeHost
	}
	var ids []string
	for _, n := range s.nodes {
		ids = append(ids, n.ID())
	}
	identity, err := neighbour.NewIdentity(s.clock.Now, s.rand, ids...)
	if err != nil {
		return nil, err
	}
	b := &Behind{Command: o.Kind.Command(o.SeenAs)}
	for _, n := range s.nodes {
		g, err := neighbour.Listen(ctx, neighbour.GateConfig{
			Address: net.JoinHostPort(o.NodeHost, "0"), Kind: o.Kind, Identity: identity, Node: n,
			Journeys: s.journeys, Now: s.clock.Now, Logger: s.log,
		})
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		b.gates = append(b.gates, g)
		_, port, _ := net.SplitHostPort(g.Addr().String())
		b.Nodes = append(b.Nodes, neighbour.Node{ID: n.ID(), Address: net.JoinHostPort(o.NodesSeenAt, port)})
	}
	if err := s.writeBehind(o, identity, b); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (s *Simulator) writeBehind(o BehindOptions, identity neighbour.Identity, b *Behind) error {
	limits := s.landscape.LoadBalancer.Limits
	config := neighbour.Config{
		Listen: o.Listen, Nodes: b.Nodes, Identity: identity, Folder: o.SeenAs,
		Limits: neighbour.Limits{Header: limits.Header, BodyStall: limits.BodyStall, Call: limits.Call, Idle: limits.Idle},
	}
	for i, h := range s.hosts {
		host, err := neighbourHost(h)
		if err != nil {
			return err
		}
		if i == 0 {
			config.Default = host
		} else {
			config.Domains = append(config.Domains, host)
		}
	}
	files, err := neighbour.Write(o.Kind, config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return fmt.Errorf("making the folder for the configuration of %s: %w", o.Kind, err)
	}
	for _, f := range files {
		mode := fs.FileMode(0o644)
		if f.Secret {
			mode = 0o600
		}
		name := filepath.Join(o.Folder, f.Name)
		// A file that is there may have wider rights, which writing does not take away.
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("writing the configuration of %s: %w", o.Kind, err)
		}
		if err := os.WriteFile(name, f.Data, mode); err != nil {
			return fmt.Errorf("writing the configuration of %s: %w", o.Kind, err)
		}
		b.Files = append(b.Files, name)
	}
	return nil
}

// neighbourHost is a host of the load balancer in the files of a neighbour.
func neighbourHost(h loadbalancer.Host) (neighbour.Host, error) {
	out := neighbour.Host{Name: h.Name, Mode: h.Mode, Trust: h.Trust}
	for _, der := range h.Certificate.Certificate {
		out.Certificate = append(out.Certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	key, err := x509.MarshalPKCS8PrivateKey(h.Certificate.PrivateKey)
	if err != nil {
		return out, fmt.Errorf("encoding the key of host %s: %w", h.Name, err)
	}
	out.Key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return out, nil
}
