package tenant

import (
	"slices"
	"time"
)

// DefaultRole is the role that a channel with User Role authorization demands if it names none
// [C: SAP Community blog on secure HTTP inbound connections].
const DefaultRole = "ESBMessaging.send"

// DefaultAccount is the account of a Config that names none. It is invented.
const DefaultAccount = "e100999"

// DefaultBodySize is the largest body, in bytes, of a channel that names no limit: 40 MB
// [C: logs of real tenants].
const DefaultBodySize int64 = 40 << 20

// DefaultMappingStore is how many bytes of certificates the certificate-to-user mapping holds:
// 2 MB, about 2,000 certificates [C: SAP-docs/btp-integration-suite, docs/ci].
const DefaultMappingStore int64 = 2 << 20

// Config is all that is configured in a tenant. It is a plain value: a Tenant copies what it is
// given and what it hands out. The zero value is a tenant without users, channels and mappings.
type Config struct {
	// Account is the technical name of the subaccount. Default: DefaultAccount.
	Account string
	// Application is the application of the worker node, on which sending roles count.
	// Default: the account with "iflmap"; in another profile it ends in "hcioem" [C].
	Application string
	// MappingStore limits the certificates of all mappings together, in bytes.
	// Default: DefaultMappingStore; negative: no limit.
	MappingStore int64
	// RoleCache turns the role cache on: a user with more than RoleCacheRequests requests within
	// RoleCacheWindow keeps the roles of that moment for RoleCacheLifetime, so that a new
	// assignment takes effect late [C: platform API documentation]. Default: off.
	RoleCache bool

	// Mappings is the certificate-to-user mapping.
	Mappings []Mapping
	// Users are those of the identity provider; only they can log on with a password [C].
	Users []User
	// Credentials are deployed User Credentials artifacts. They serve outbound calls and let
	// nobody in [C].
	Credentials []Credential
	// Clients are OAuth clients.
	Clients []Client
	Groups  []Group
	Roles   []Assignment
	// ApplicationRoles are custom roles of applications. A role need not stand here to be assigned.
	ApplicationRoles []ApplicationRole
	// Channels are the sender channels of the deployed integration flows.
	Channels []Channel
	// Deployments tell more of deployed integration flows.
	Deployments []Deployment
	// Designs are changed channels that are not deployed yet. They are dropped with their channel.
	Designs []Design
	// Packages are integration packages; LandscapePackage need not be listed.
	Packages []Package
	// Artifacts are integration flows at designtime. A deployed flow without artifact has one all
	// the same, made from its channels (see Snapshot.Artifacts), unless WithoutDesign lists it.
	Artifacts []Artifact
	// WithoutDesign lists deployed flows whose designtime artifact was deleted.
	WithoutDesign []string
	// Keystore is the tenant keystore. It has no effect on inbound calls [C].
	Keystore []KeystoreEntry
}

// Mapping is one entry of the certificate-to-user mapping: who sends exactly this certificate is
// that user. Several certificates may map to one user; one certificate maps to one user [C].
type Mapping struct {
	// Certificate is the DER of the whole certificate.
	Certificate []byte
	// User need not exist in the identity provider [C].
	User string
	// CreatedBy and LastModifiedBy are the users who did so through an interface; empty, and the
	// times zero, for a mapping that was configured directly.
	CreatedBy, LastModifiedBy string
	Created, LastModified     time.Time
}

// User is a user of the identity provider. Names are compared exactly [?].
type User struct {
	Name string
	// Password; a user with an empty one cannot log on with a password.
	Password string
}

// String hides the password.
func (u User) String() string { return "{" + u.Name + " ***}" }

// GoString hides the password.
func (u User) GoString() string { return u.String() }

// Credential is a deployed User Credentials artifact.
type Credential struct {
	// Name is that of the artifact, User the user name in it.
	Name        string
	User        string
	Password    string
	Description string
}

// String hides the password.
func (c Credential) String() string { return "{" + c.Name + " " + c.User + " ***}" }

// GoString hides the password.
func (c Credential) GoString() string { return c.String() }

// Client is an OAuth client. Its principal is oauth_client_<ID> [C], which roles may be
// assigned to as to any user.
type Client struct {
	ID     string
	Secret string
	// Scopes make it a client of the platform API, and of that alone; see Scopes.
	Scopes []string
}

// String hides the secret.
func (c Client) String() string { return "{" + c.ID + " ***}" }

// GoString hides the secret.
func (c Client) GoString() string { return c.String() }

// The scopes of the platform API: to change and to read users, groups and roles. [C: platform API]
const (
	ScopeManage = "hcp.manageAuthorizationSettings"
	ScopeRead   = "hcp.readAuthorizationSettings"
)

// Scopes lists the scopes of the platform API.
func Scopes() []string { return []string{ScopeManage, ScopeRead} }

// ClientUserPrefix and a client's ID make the user name of an OAuth client [C].
const ClientUserPrefix = "oauth_client_"

// Group is a group of users. Group names are compared without regard to letter case. A group
// with the name of an authorization group (see AuthGroups) brings its roles.
type Group struct {
	Name  string
	Users []string
}

// Assignment gives a role on an application to a user or to a group.
type Assignment struct {
	// Exactly one of User and Group is set.
	User  string
	Group string
	// Role is the role's name, compared exactly, or the name of an authorization group.
	Role string
	// Application. Default: the application of the worker node.
	Application string
}

// KeystoreEntry is an entry of the tenant keystore.
type KeystoreEntry struct {
	Alias string
	// Certificate is the DER.
	Certificate []byte
}

// Adapter is the kind of a sender channel.
type Adapter string

// The adapters. [C: SAP-docs/btp-integration-suite, docs/ci]
const (
	HTTPS     Adapter = "HTTPS"
	SOAP      Adapter = "SOAP"
	SOAPSAPRM Adapter = "SOAPSAPRM"
	IDoc      Adapter = "IDoc"
	XI        Adapter = "XI"
	AS2       Adapter = "AS2"
	AS2MDN    Adapter = "AS2MDN"
	OData     Adapter = "OData"
)

// Answer is what the flow behind a channel answers.
type Answer string

const (
	// Echo answers 200 and tells what reached the flow. It is the default.
	Echo Answer = "echo"
	// OneWay answers 202 without body.
	OneWay Answer = "oneWay"
	// NoContent answers 204.
	NoContent Answer = "noContent"
	// Fail answers 500: the flow fails.
	Fail Answer = "fail"
)

// Channel is the sender channel of a deployed integration flow.
type Channel struct {
	// Address is the full path with its prefix: "/http/orders", "/cxf/orders", "/as2/as2/x",
	// "/as2/mdn/x", "/gw/odata/X". It identifies the channel.
	Address string
	// Adapter. Default: that of the prefix (SOAP under /cxf).
	Adapter Adapter
	// Flow is the name of the integration flow. Default: made from the address.
	Flow string
	// Authorization says who may send.
	Authorization Authorization
	// OldAdapter: the version of the adapter is old and holds its authorization at the sender
	// participant; there is no role entry, and the default role applies [C].
	OldAdapter bool
	// CSRFProtected (HTTPS only): modifying requests need a CSRF token. In the product it is on
	// by default [C]; here the zero value is off.
	CSRFProtected bool
	// MaximumBodySize is the largest body in bytes. Default: DefaultBodySize.
	MaximumBodySize int64
	// Answer. Default: Echo.
	Answer Answer
}

// Authorization is either User Role or, if Table is not nil, Client Certificate.
type Authorization struct {
	// UserRole is the role that the principal needs. Default: DefaultRole.
	UserRole string
	// Table holds the DN pairs that may send. Not nil, even if empty, it makes the
	// authorization Client Certificate; nobody passes an empty table.
	Table []DNPair
}

// ClientCertificate tells whether the authorization is Client Certificate and not User Role.
func (a Authorization) ClientCertificate() bool { return a.Table != nil }

// Role is the role that the channel demands with User Role authorization.
func (c Channel) Role() string {
	if c.OldAdapter || c.Authorization.UserRole == "" {
		return DefaultRole
	}
	return c.Authorization.UserRole
}

// BodyLimit is the largest body that the channel takes, in bytes.
func (c Channel) BodyLimit() int64 {
	if c.MaximumBodySize == 0 {
		return DefaultBodySize
	}
	return c.MaximumBodySize
}

// clone copies the configuration so deeply that nothing is shared.
func (c Config) clone() Config {
	c.Mappings = slices.Clone(c.Mappings)
	for i := range c.Mappings {
		c.Mappings[i] = c.Mappings[i].clone()
	}
	c.Users = slices.Clone(c.Users)
	c.Credentials = slices.Clone(c.Credentials)
	c.Clients = slices.Clone(c.Clients)
	for i := range c.Clients {
		c.Clients[i].Scopes = slices.Clone(c.Clients[i].Scopes)
	}
	c.Groups = slices.Clone(c.Groups)
	for i := range c.Groups {
		c.Groups[i] = c.Groups[i].clone()
	}
	c.Roles = slices.Clone(c.Roles)
	c.Channels = slices.Clone(c.Channels)
	for i := range c.Channels {
		c.Channels[i] = c.Channels[i].clone()
	}
	c.Keystore = slices.Clone(c.Keystore)
	for i := range c.Keystore {
		c.Keystore[i] = c.Keystore[i].clone()
	}
	c.ApplicationRoles = slices.Clone(c.ApplicationRoles)
	c.Deployments = slices.Clone(c.Deployments)
	c.Designs = slices.Clone(c.Designs)
	for i := range c.Designs {
		c.Designs[i] = c.Designs[i].clone()
	}
	c.Packages = slices.Clone(c.Packages)
	c.Artifacts = slices.Clone(c.Artifacts)
	for i := range c.Artifacts {
		c.Artifacts[i] = c.Artifacts[i].clone()
	}
	c.WithoutDesign = slices.Clone(c.WithoutDesign)
	return c
}

func (d Design) clone() Design {
	d.Channel = d.Channel.clone()
	return d
}

func (c Channel) clone() Channel {
	c.Authorization.Table = slices.Clone(c.Authorization.Table) // an empty table stays one
	return c
}

// withDefaults fills in what stands for itself when left out.
func (c Config) withDefaults() Config {
	d := c.settings().withDefaults()
	c.Account, c.Application, c.MappingStore = d.Account, d.Application, d.MappingStore
	return c
}

// settings are what the configuration has only one of.
func (c Config) settings() settings {
	return settings{Account: c.Account, Application: c.Application, MappingStore: c.MappingStore, RoleCache: c.RoleCache}
}

func (s settings) withDefaults() settings {
	if s.Account == "" {
		s.Account = DefaultAccount
	}
	if s.Application == "" {
		s.Application = s.Account + "iflmap"
	}
	if s.MappingStore == 0 {
		s.MappingStore = DefaultMappingStore
	}
	return s
}

func (c Channel) withDefaults() Channel {
	if c.Adapter == "" {
		c.Adapter = adapterOf(c.Address)
	}
	if c.Flow == "" {
		c.Flow = flowName(c.Address)
	}
	if c.Answer == "" {
		c.Answer = Echo
	}
	return c
}

// flow is the ID of the channel's integration flow.
func (c Channel) flow() string { return c.withDefaults().Flow }
