package simulator

import (
	"context"
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/sender"
)

// managementEvery is how often the management node calls each runtime node. [C: logs]
const managementEvery = 30 * time.Second

const managementCertificate = "gatehouse-management-node"

// startManagementCalls gives the management node its certificate and lets it call.
func (s *Simulator) startManagementCalls(ctx context.Context) error {
	if err := s.addManagementNode(); err != nil {
		return err
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.tasks.Go(func() {
		ticker := time.NewTicker(managementEvery)
		defer ticker.Stop()
		for {
			if err := s.CheckNodes(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("the management node could not call every runtime node", "error", err)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

// addManagementNode mints the management node's own certificate and has the default host trust
// it.
func (s *Simulator) addManagementNode() error {
	s.mu.Lock()
	have := s.manager != nil
	s.mu.Unlock()
	if have {
		return nil
	}
	root, err := pki.Create(nil, pki.CA, "Example Management CA", s.minting("CN=Example Management CA, O=Gatehouse, C=DE")...)
	if err != nil {
		return fmt.Errorf("minting the management node's CA: %w", err)
	}
	host := s.ManagementHost()
	own, err := pki.Create(root, pki.Client, host, s.minting("CN="+host+", O=Gatehouse, C=DE")...)
	if err != nil {
		return fmt.Errorf("minting the management node's certificate: %w", err)
	}
	if err := s.Certificates().Add(managementCertificate+"-ca", root); err != nil {
		return err
	}
	if err := s.Certificates().Add(managementCertificate, own); err != nil {
		return err
	}
	if err := s.AddTrust(s.host, managementCertificate+"-ca"); err != nil {
		return err
	}
	s.mu.Lock()
	s.manager = s.NewSender("management node", own)
	s.mu.Unlock()
	return nil
}

// ManagementHost is the host of the tenant's management node.
func (s *Simulator) ManagementHost() string {
	t := s.Landscape().Tenant.withDefaults()
	if rest, ok := strings.CutPrefix(s.host, t.Account+"-"+t.Profile+"."); ok {
		return t.Account + "-tmn." + rest
	}
	return t.Account + "-tmn.hcisbt.eu1.hana.ondemand.com"
}

// CheckNodes lets the management node call each runtime node that is up once, through the load
// balancer and with its own certificate: a line GET /cxf/index.html 200 162 in each node's access
// log. [C: logs] The load balancer chooses the node of a call, so it may take more calls than
// there are nodes.
func (s *Simulator) CheckNodes(ctx context.Context) error {
	if err := s.addManagementNode(); err != nil {
		return err
	}
	missing := map[string]bool{}
	for _, n := range s.nodes {
		if n.Up() {
			missing[n.ID()] = true
		}
	}
	for tries := 4 * len(missing); len(missing) > 0 && tries > 0; tries-- {
		outcome, err := s.Call(ctx, s.manager, sender.Call{URL: "/cxf/index.html"})
		if err != nil {
			return err
		}
		if outcome.Result.Err != nil {
			return fmt.Errorf("calling the runtime nodes: %w", outcome.Result.Err)
		}
		delete(missing, outcome.Journey.Node)
	}
	if len(missing) > 0 {
		return fmt.Errorf("calling the runtime nodes: %d of %d were not reached", len(missing), len(s.nodes))
	}
	return nil
}
