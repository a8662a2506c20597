package simulator

import (
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/simulator/tenant"
)

// Parts exchanges parts of a landscape for others, each wrong in a way of its own perhaps, so that
// a test can ask whether a suite notices. Each field gets the honest part, around which it can
// build; one that is nil leaves the honest part in place.
//
// It is there for such tests only: nothing that a landscape document or a command can set leads
// here.
type Parts struct {
	// Host changes a host of the load balancer before it starts.
	Host func(loadbalancer.Host) loadbalancer.Host
	// LoadBalancer exchanges what stands behind the hosts.
	LoadBalancer loadbalancer.Parts
	// Node is the runtime node as the load balancer calls it.
	Node func(*node.Node) loadbalancer.Backend
	// Lookups answers what a node asks about the tenant's configuration.
	Lookups func(*tenant.Tenant, *tenant.Snapshot) node.Lookups
	// Logs take what the nodes write, in the order of the nodes. It returns as many as it gets, which
	// are *systemlog.Writer.
	Logs func([]node.Log) []node.Log
}
