package target

import (
	"context"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// tenantInterfaces are the tenant's own interfaces, as far as a target uses them: the OData service
// and the platform API, which real tenants and the simulator have alike.
type tenantInterfaces interface {
	// mapped returns the user that a certificate is mapped to, and the mapping's id.
	mapped(ctx context.Context, certificate []byte) (id, user string, found bool, err error)
	mapCertificate(ctx context.Context, certificate []byte, user string) error
	unmap(ctx context.Context, id string) error
	// hasPlatform tells whether the platform API is known, without which the next three have nobody to
	// ask. usersOfRole and the two that follow are about roles of single users on an application.
	hasPlatform() bool
	usersOfRole(ctx context.Context, application, role string) ([]string, error)
	assign(ctx context.Context, application, role, user string) error
	unassign(ctx context.Context, application, role, user string) error
	// addGroup makes a group with one user, assignGroup gives it a role. removeGroup takes all of it away.
	addGroup(ctx context.Context, group, user string) error
	assignGroup(ctx context.Context, application, role, group string) error
	removeGroup(ctx context.Context, group string) error
	// addCredential deploys a User Credentials artifact.
	addCredential(ctx context.Context, name, user, password string) error
	removeCredential(ctx context.Context, name string) error
	// logFiles lists the files of a kind.
	logFiles(ctx context.Context, kind systemlog.Kind) ([]logFile, error)
	logFile(ctx context.Context, name string) ([]byte, error)
	// viewFlows asks for a flow that is not there.
	viewFlows(ctx context.Context) error
	// upload makes a flow with these channels, deploy starts it and waits until it is started. What
	// removes what they made is no error if nothing is there.
	upload(ctx context.Context, pkg, id string, channels []tenant.Channel) error
	remove(ctx context.Context, id string) error
	deploy(ctx context.Context, id string) error
	undeploy(ctx context.Context, id string) error
	close()
}

// logFile is an entry of the list of log files.
type logFile struct {
	name     string
	size     int64
	modified time.Time
}

// ownInterfaces are what only a running "gatehouse serve" has: what a landscape may be asked and
// told beyond what a tenant can do.
type ownInterfaces interface {
	// facts returns nil if there is no such interface: the target is a real tenant.
	facts(ctx context.Context) (*management.Facts, error)
	// journey waits for the record of a call, up to a limit; nil if there is none.
	journey(ctx context.Context, of wanted, limit time.Duration) (*journey.Journey, error)
	advance(ctx context.Context, by time.Duration) error
	setNode(ctx context.Context, number int, up bool) error
	// mint makes certificates with their keys below those of the landscape.
	mint(ctx context.Context, descriptions ...map[string]any) ([]mintedCertificate, error)
	putUser(ctx context.Context, name, password string) error
	removeUser(ctx context.Context, name string) error
	putClient(ctx context.Context, id, secret string) error
	removeClient(ctx context.Context, id string) error
	// putIntoKeystore puts a certificate, DER, into the tenant keystore.
	putIntoKeystore(ctx context.Context, alias string, certificate []byte) error
	removeFromKeystore(ctx context.Context, alias string) error
	close()
}

// wanted says of which call a record is looked for: the one of a connection, by the sender's address
// and the number of its request; or, where something in between hides that address, the one whose
// access log line holds a text, of several the line-th.
type wanted struct {
	client  string
	request int
	logged  string
	line    int
}

// mintedCertificate is a certificate that a landscape made, in PEM.
type mintedCertificate struct {
	Name      string `json:"name"`
	FullChain string `json:"fullChain"`
	Key       string `json:"key"`
}
