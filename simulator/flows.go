package simulator

import (
	"fmt"
	"slices"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/tenant"
)

// flow is an integration flow that stands beside the document.
type flow struct {
	iflow.Flow
	// failure says why it does not start; empty if it does.
	failure string
}

// NotStarted is an integration flow that the landscape has and that does not start.
type NotStarted struct {
	Flow string
	// Reason says what was found, and what stands in the way.
	Reason string
}

// WithFlows is the landscape with integration flows deployed beside those of the document: their
// channels are added, and the tenant has them as artifacts. A flow does not start, and none of its
// channels is served, if one of its addresses is in use already [C: a duplicate address keeps the
// second flow from starting], or if its id is.
func (l Landscape) WithFlows(flows ...iflow.Flow) (Landscape, []NotStarted) {
	l.Channels = slices.Clone(l.Channels)
	l.flows = slices.Clone(l.flows)
	ids := map[string]bool{}
	for _, f := range l.flows {
		ids[f.ID] = true
	}
	running := l.tenantConfig(nil).Channels
	for _, c := range running {
		ids[c.FlowName()] = true
	}
	var not []NotStarted
	for _, f := range flows {
		next := append(slices.Clip(running), f.Channels...)
		if ids[f.ID] {
			not = append(not, NotStarted{f.ID, fmt.Sprintf("another flow has the id %q already", f.ID)})
			continue // there is no second artifact of that id either
		}
		ids[f.ID] = true
		if problems := (tenant.Config{Channels: next}).Validate(); len(problems) > 0 {
			reason := problems[0].Message
			not = append(not, NotStarted{f.ID, reason})
			l.flows = append(l.flows, flow{f, reason})
			continue
		}
		running = next
		l.flows = append(l.flows, flow{f, ""})
		for _, c := range f.Channels {
			l.Channels = append(l.Channels, channelOf(c))
		}
	}
	return l, not
}

// channelOf is a channel as it stands in a document.
func channelOf(c tenant.Channel) Channel {
	out := Channel{
		Address: c.Address, Adapter: string(c.Adapter), Flow: c.Flow, OldAdapter: c.OldAdapter,
		Authorization:   Authorization{UserRole: c.Authorization.UserRole},
		CSRFProtected:   &c.CSRFProtected,
		MaximumBodySize: int(c.MaximumBodySize >> 20), Answer: string(c.Answer),
	}
	if c.Adapter != tenant.HTTPS {
		out.CSRFProtected = nil
	}
	if c.Authorization.ClientCertificate() {
		out.Authorization.ClientCertificates = []TableRow{}
		for _, row := range c.Authorization.Table {
			out.Authorization.ClientCertificates = append(out.Authorization.ClientCertificates, TableRow{Subject: row.Subject, Issuer: row.Issuer})
		}
	}
	return out
}

// addFlows adds artifacts and deployments to the tenant's configuration.
func (l Landscape) addFlows(config *tenant.Config) {
	for _, f := range l.flows {
		parameters := make(map[string]string, len(f.Parameters))
		for _, p := range f.Parameters {
			if p.Source != iflow.Missing {
				parameters[p.Key] = p.Value
			}
		}
		config.Artifacts = append(config.Artifacts, tenant.Artifact{
			ID: f.ID, Name: f.Name, Version: f.Version, Content: f.Content, Parameters: parameters, Channels: f.Channels,
		})
		config.Deployments = append(config.Deployments, tenant.Deployment{Flow: f.ID, Name: f.Name, Version: f.Version, Error: f.failure})
	}
}
