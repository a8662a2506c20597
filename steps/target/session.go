package target

import (
	"context"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// Session is the target as one scenario has it. Names of users, hosts, channels and CAs are the
// scenario's: what they are called on the target is the session's business, both in what it does
// and in what it tells. A method that needs a feature which the target lacks returns an
// *UnsupportedError; the way to the target failing is a *FaultError. A session belongs to one
// goroutine.
type Session interface {
	Senders
	Configuration
	Landscaping
	Calls
	// Close ends the scenario: what was changed on a shared target is put back. The error tells what
	// could not be.
	Close(ctx context.Context) error
}

// Senders are the calling systems of a scenario.
type Senders interface {
	// Now is the time by which certificates are minted and judged.
	Now() time.Time
	// Good is a sender that is let in at /http/orders as a user of its own: its certificate is
	// trusted and mapped, and the user has the role. Needs GoodSender.
	Good(ctx context.Context, name string) (Party, error)
	// Unmapped is a sender with a trusted certificate that is not mapped. An empty subject is any.
	// Needs MintTrusted.
	Unmapped(ctx context.Context, name, subject string, options ...pki.Option) (Party, error)
	// Declared is the sender of that name in the landscape or target document. Needs GoodSender.
	Declared(ctx context.Context, name string) (*sender.Sender, Party, error)
	// Issuing is the CA below which the scenario's senders have their certificates. Needs MintTrusted.
	Issuing(ctx context.Context) (*pki.Certificate, error)
	// Sender makes a calling system that trusts the target and has the keystore. The session closes
	// it.
	Sender(name string, keystore sender.Keystore) *sender.Sender
	// TrustTwin has the load balancer trust what a broken twin of a trusted certificate needs, so that
	// nothing but its defect stands in the way.
	TrustTwin(ctx context.Context, name string, twin *pki.Certificate) error
}

// Party is who sends.
type Party struct {
	Name string
	// User is the user that its certificate is mapped to; empty if none.
	User string
	// Keystore is what it has of its own.
	Keystore sender.Keystore
	// Certificate is its certificate if it was minted; nil for a declared key pair, of which no twin
	// can be made.
	Certificate *pki.Certificate
}

// Configuration is what is configured in the tenant.
type Configuration interface {
	// Map and Unmap change the certificate-to-user mapping. Need Mappings.
	Map(ctx context.Context, certificate []byte, user string) error
	Unmap(ctx context.Context, certificate []byte) (removed bool, err error)
	// Update changes all mappings at once, or none. Needs Landscape.
	Update(ctx context.Context, change func([]tenant.Mapping) []tenant.Mapping) error
	// Assign and Unassign change role assignments. Need Roles.
	Assign(ctx context.Context, a tenant.Assignment) error
	Unassign(ctx context.Context, a tenant.Assignment) (removed bool, err error)
	// AddGroup makes a group with one user. Needs Roles.
	AddGroup(ctx context.Context, group, user string) error
	// AddUser makes a user of the identity provider. Needs Users.
	AddUser(ctx context.Context, user, password string) error
	// AddCredential deploys a User Credentials artifact. Needs Credentials.
	AddCredential(ctx context.Context, user, password string) error
	// AddClient makes an OAuth client, Token fetches a token of it. Need OAuthClients.
	AddClient(ctx context.Context, id string) error
	Token(ctx context.Context, client string) (string, error)
	// AddToKeystore puts a certificate into the tenant keystore. Needs Keystore.
	AddToKeystore(ctx context.Context, alias string, certificate []byte) error
	// PutChannel deploys a sender channel, in place of one with the same address. Needs Channels.
	PutChannel(ctx context.Context, c simulator.Channel) error
	// Design changes a channel without deploying it, Deploy deploys it. Need Channels.
	Design(ctx context.Context, address string, change func(*tenant.Channel)) error
	Deploy(ctx context.Context, address string, downtime time.Duration) error
}

// Landscaping is what can be done to a landscape that runs.
type Landscaping interface {
	// Advance moves the clock. Needs Clock.
	Advance(ctx context.Context, by time.Duration) error
	// Distrust takes the CA of the scenario's senders off the default host's trust list. Needs
	// CustomTrust.
	Distrust(ctx context.Context) error
	// SetNodeUp takes a runtime node, counted from 1, up or down. Needs Nodes.
	SetNodeUp(ctx context.Context, n int, up bool) error
	// NodeIDs are the ids of the runtime nodes. Needs Nodes.
	NodeIDs(ctx context.Context) ([]string, error)
	// CheckNodes lets the management node call each runtime node; the call is what it left in the
	// logs. Needs Nodes.
	CheckNodes(ctx context.Context) (*Call, error)
	// ManagementHost is the host of the management node, which its lines show.
	ManagementHost() string
	// LinesOfDay counts the lines in the access logs of one day, of all nodes together. Needs
	// AccessLog.
	LinesOfDay(ctx context.Context, day string) (lines, files int, err error)
	// TraceFiles lists the names of the trace files. Needs Trace.
	TraceFiles(ctx context.Context) ([]string, error)
}

// Calls are made and looked at.
type Calls interface {
	// URL is the address of a path on a host; on the default host if that is empty.
	URL(host, path string) (string, error)
	// Do makes a call. Whatever became of it on the way stands in the Call.
	Do(ctx context.Context, from *sender.Sender, message sender.Call) (*Call, error)
	// Misbehave opens a connection that no honest sender opens. Needs Limits.
	Misbehave(ctx context.Context, how sender.Misbehaviour, manner sender.Manner) (*Call, error)
	// Observe makes sure that the call holds what the feature (AccessLog, Trace or Stations) lets one
	// see of it, and waits for it, up to a limit.
	Observe(ctx context.Context, c *Call, feature string) error
}

// Call is one call with what it left behind.
type Call struct {
	// Result is what the sender saw.
	Result sender.Result
	// Journey is what the stations tell. On a target that keeps no such record it is worked out from
	// what the sender and the logs show, and Deduced says so.
	Journey journey.Journey
	Deduced bool
	// Lines and Records are what the logs got for the call.
	Lines   []systemlog.NodeLine
	Records []systemlog.NodeRecord

	remote *remoteCall // nil in an embedded landscape
}
