// Package target is what a suite runs against: the embedded simulator, a running "gatehouse
// serve", or a real tenant at a URL. It says what a target can do, and does what steps ask of it.
// It holds no rules of the simulated system and knows nothing of Gherkin.
package target

import (
	"context"
	"time"

	"example.com/gatehouse/simulator"
)

// Target is something that scenarios run against. It is safe for use by many goroutines: scenarios
// run at the same time, each in a session of its own.
type Target interface {
	// Name is what people call it, for reports.
	Name() string
	// Supports tells whether the target has a feature (see Features), and why not.
	Supports(feature string) (ok bool, reason string)
	// Sanity makes one good call, which must get in. What it returns says why nothing that follows
	// would prove anything; it is a *FaultError.
	Sanity(ctx context.Context) error
	// Open begins a scenario. What the setup asks for and the target cannot give is an
	// *UnsupportedError.
	Open(ctx context.Context, setup Setup) (Session, error)
	// Close ends the target. The error tells what was changed on it and could not be put back.
	Close(ctx context.Context) error
}

// Setup is what a scenario says of a landscape before its first sender. The zero value asks for
// nothing: any tenant with a channel /http/orders will do.
type Setup struct {
	// Landscape, if set, is a whole landscape document in place of the scenario's own.
	Landscape *simulator.Landscape
	// Nodes is how many runtime nodes the tenant must have. Default: any number.
	Nodes int
	// Profile is the application of the worker node, without the account. Default: any.
	Profile string
	// RoleCache: the tenant caches the roles of users who call often. Default: any.
	RoleCache bool
	// Clock is the time at which the scenario begins. Default: now.
	Clock time.Time
	// Domains are the custom domains that the load balancer must have.
	Domains []Domain
	// Report says which of several errors is the verify result: "first", "last" or "" (any).
	Report string
	// Limits are those of the load balancer. Default: any.
	Limits simulator.Limits
	// Channels are the sender channels beside /http/orders.
	Channels []simulator.Channel
}

// Domain is a custom domain that a scenario asks for.
type Domain struct {
	Host string
	// Mode is request, require or none.
	Mode string
	// OtherBundle: its bundle does not hold the CA of the scenario's senders.
	OtherBundle bool
}

// The names with which every scenario begins, whatever they are called on the target.
const (
	// BaseChannel is the address of the channel that every scenario has.
	BaseChannel = "/http/orders"
	// BaseRole is the role that it demands.
	BaseRole = "ESBMessaging.send"
	// BaseHost is the default host as scenarios write it.
	BaseHost = "e100999-iflmap.hcisbt.eu1.hana.ondemand.com"
)
