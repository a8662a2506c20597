package simulator

import (
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
)

// Landscape describes everything that takes part in a call: certificates, the tenant with its
// mappings, users, roles and channels, the load balancer before it, and senders. It is what a
// landscape.yaml holds. The zero value is a tenant with one runtime node and no channel.
type Landscape struct {
	// Clock is the time at which the landscape begins, RFC 3339. Default: the machine's time.
	Clock time.Time `yaml:"clock,omitempty" json:"clock,omitzero"`
	// Tenant is the tenant itself.
	Tenant Tenant `yaml:"tenant,omitempty" json:"tenant,omitzero"`
	// PKI lists the certificates that are minted at the start.
	PKI []pki.Description `yaml:"pki,omitempty" json:"pki,omitempty"`
	// Minted is a file with certificates and private keys that were minted before, which "gatehouse
	// export" wrote: entries of pki that have not changed since are taken from it. Default: all
	// entries are minted at the start.
	Minted string `yaml:"minted,omitempty" json:"minted,omitempty"`
	// LoadBalancer stands before the tenant.
	LoadBalancer LoadBalancer `yaml:"loadBalancer,omitempty" json:"loadBalancer,omitzero"`
	// Channels are the sender channels of deployed integration flows.
	Channels []Channel `yaml:"channels,omitempty" json:"channels,omitempty"`
	// Mappings are the certificate-to-user mappings.
	Mappings []Mapping `yaml:"mappings,omitempty" json:"mappings,omitempty"`
	// Users are those of the identity provider; only they can log on with a password.
	Users []User `yaml:"users,omitempty" json:"users,omitempty"`
	// OAuthClients may call with a bearer token.
	OAuthClients []OAuthClient `yaml:"oauthClients,omitempty" json:"oauthClients,omitempty"`
	// Credentials are deployed User Credentials artifacts. They serve outbound calls; nobody can
	// log on with them.
	Credentials []Credential `yaml:"credentials,omitempty" json:"credentials,omitempty"`
	// Keystore names certificates in the tenant keystore, which has nothing to do with inbound
	// calls.
	Keystore []string `yaml:"keystore,omitempty" json:"keystore,omitempty"`
	// KeystoreEntries are more entries of the tenant keystore: those of certificates in files.
	KeystoreEntries []KeystoreEntry `yaml:"keystoreEntries,omitempty" json:"keystoreEntries,omitempty"`
	// Groups give their roles to their users.
	Groups []Group `yaml:"groups,omitempty" json:"groups,omitempty"`
	// Roles are role assignments.
	Roles []Role `yaml:"roles,omitempty" json:"roles,omitempty"`
	// ApplicationRoles are custom roles of applications. A role need not stand here to be assigned.
	ApplicationRoles []ApplicationRole `yaml:"applicationRoles,omitempty" json:"applicationRoles,omitempty"`
	// Packages are integration packages.
	Packages []Package `yaml:"packages,omitempty" json:"packages,omitempty"`
	// Artifacts are integration flows at designtime. A flow that only has channels needs none.
	Artifacts []Artifact `yaml:"artifacts,omitempty" json:"artifacts,omitempty"`
	// Deployments tell who deployed a flow, and when.
	Deployments []Deployment `yaml:"deployments,omitempty" json:"deployments,omitempty"`
	// Designs are changed channels that are not deployed yet.
	Designs []Design `yaml:"designs,omitempty" json:"designs,omitempty"`
	// WithoutDesign lists deployed flows whose designtime artifact was deleted.
	WithoutDesign []string `yaml:"withoutDesign,omitempty" json:"withoutDesign,omitempty"`
	// Management is where the tenant's own interfaces are served: OData, the platform API, and what
	// Gatehouse adds. Default: "gatehouse serve" serves them, others do not.
	Management Management `yaml:"management,omitempty" json:"management,omitzero"`
	// Senders are calling systems.
	Senders []Sender `yaml:"senders,omitempty" json:"senders,omitempty"`

	// source finds positions in the document that the landscape was read from, if it was.
	source *document.Source
	// folder is where the paths of the document begin.
	folder string
	// files are read in place of those on the disk.
	files map[string][]byte
}

// Tenant is the tenant section.
type Tenant struct {
	// Account is the technical name of the subaccount. Default: e100999.
	Account string `yaml:"account,omitempty" json:"account,omitempty"`
	// Host is the host of the tenant's endpoints. Default:
	// <account>-iflmap.hcisbt.eu1.hana.ondemand.com.
	Host string `yaml:"host,omitempty" json:"host,omitempty"`
	// Profile is the application of the worker node without the account: iflmap (default) or
	// hcioem.
	Profile string `yaml:"profile,omitempty" json:"profile,omitempty"`
	// Nodes is how many runtime nodes there are, 1 to 16. Default: 1.
	Nodes int `yaml:"nodes,omitempty" json:"nodes,omitempty"`
	// NodesDown lists the nodes that are down, counted from 1.
	NodesDown []int `yaml:"nodesDown,omitempty" json:"nodesDown,omitempty"`
	// ManagementCalls makes the management node call each runtime node every 30 seconds, as the
	// real one does. Default: false.
	ManagementCalls bool `yaml:"managementCalls,omitempty" json:"managementCalls,omitempty"`
	// RoleCache makes the tenant remember the roles of a user for 5 minutes when it sends more than
	// 20 requests within 2 minutes, as the real one does: a new assignment then takes effect late.
	// Default: false.
	RoleCache bool `yaml:"roleCache,omitempty" json:"roleCache,omitempty"`
	// MappingStore is how many bytes of certificates can be mapped; -1 is no limit. Default: 2097152
	// (2 MB).
	MappingStore int64 `yaml:"mappingStore,omitempty" json:"mappingStore,omitempty"`
}

// LoadBalancer is the loadBalancer section.
type LoadBalancer struct {
	// Listen is the address to listen on. Default: 127.0.0.1:0, a free port on loopback.
	Listen string `yaml:"listen,omitempty" json:"listen,omitempty"`
	// Address is the load balancer's own address as the access log shows it. Default: 10.0.0.14.
	Address string `yaml:"address,omitempty" json:"address,omitempty"`
	// Certificate names the server certificate of the default host. Default: one that is minted
	// below a root of its own.
	Certificate string `yaml:"certificate,omitempty" json:"certificate,omitempty"`
	// Trust names the certificates in the trust list. A real one holds root certificates only.
	Trust []string `yaml:"trust,omitempty" json:"trust,omitempty"`
	// Verification holds settings for what is not known of the real load balancer.
	Verification Verification `yaml:"verification,omitempty" json:"verification,omitzero"`
	// Domains are custom domains.
	Domains []Domain `yaml:"domains,omitempty" json:"domains,omitempty"`
	// Limits bound what one connection may cost.
	Limits Limits `yaml:"limits,omitempty" json:"limits,omitzero"`
}

// Verification is the loadBalancer.verification section.
type Verification struct {
	// Report says which of several errors is the verify result: first (default) or last.
	Report string `yaml:"report,omitempty" json:"report,omitempty"`
	// Numbering says whose codes are used: 3 (default) or 1.1, where a CA that is none is 24.
	Numbering string `yaml:"numbering,omitempty" json:"numbering,omitempty"`
	// Level is the security level, 0 to 5. Default: 2.
	Level *int `yaml:"level,omitempty" json:"level,omitempty"`
}

// Domain is a custom domain.
type Domain struct {
	// Host is the domain's name.
	Host string `yaml:"host" json:"host"`
	// Certificate names its server certificate. Default: one that is minted.
	Certificate string `yaml:"certificate,omitempty" json:"certificate,omitempty"`
	// Mode is request (default), require or none.
	Mode string `yaml:"mode,omitempty" json:"mode,omitempty"`
	// Trust names the certificates of its own CA bundle, 150 at most.
	Trust []string `yaml:"trust,omitempty" json:"trust,omitempty"`
}

// Limits is the loadBalancer.limits section. Durations are written as 10s or 5m.
type Limits struct {
	// Handshake is the time for a TLS handshake. Default: 10s.
	Handshake time.Duration `yaml:"handshake,omitempty" json:"handshake,omitempty"`
	// Header is the time for a request's header. Default: 10s.
	Header time.Duration `yaml:"header,omitempty" json:"header,omitempty"`
	// HeaderBytes is the size of a request's header. Default: 32768.
	HeaderBytes int `yaml:"headerBytes,omitempty" json:"headerBytes,omitempty"`
	// BodyStall is how long a body may pause. Default: 20s.
	BodyStall time.Duration `yaml:"bodyStall,omitempty" json:"bodyStall,omitempty"`
	// Call is how long a call may last. Default: 10m.
	Call time.Duration `yaml:"call,omitempty" json:"call,omitempty"`
	// Idle is how long a connection may wait for its next request. Default: 5m.
	Idle time.Duration `yaml:"idle,omitempty" json:"idle,omitempty"`
}

// Management is the management section.
type Management struct {
	// Listen is the address to listen on. Default: 127.0.0.1:0, a free port on loopback; with an
	// address the interfaces are served wherever the landscape runs.
	Listen string `yaml:"listen,omitempty" json:"listen,omitempty"`
	// Downtime is how long a flow restarts that is deployed through the interfaces. Default: 2s.
	Downtime time.Duration `yaml:"downtime,omitempty" json:"downtime,omitempty"`
	// PlatformRequests is how many requests of the platform API are taken within a minute; one more is
	// answered with 429. At most 100000. Default: 100, as many as the real one takes.
	PlatformRequests int `yaml:"platformRequests,omitempty" json:"platformRequests,omitempty"`
}

// Channel is a sender channel.
type Channel struct {
	// Address is the path with its prefix, such as /http/orders or /cxf/orders.
	Address string `yaml:"address" json:"address"`
	// Adapter is HTTPS, SOAP, SOAPSAPRM, IDoc, XI, AS2, AS2MDN or OData. Default: by the prefix.
	Adapter string `yaml:"adapter,omitempty" json:"adapter,omitempty"`
	// Flow is the name of the integration flow. Default: made from the address.
	Flow string `yaml:"flow,omitempty" json:"flow,omitempty"`
	// Authorization says who may send.
	Authorization Authorization `yaml:"authorization,omitempty" json:"authorization,omitzero"`
	// OldAdapter marks an old adapter version: authorization stands on the participant, and there
	// is no role entry.
	OldAdapter bool `yaml:"oldAdapter,omitempty" json:"oldAdapter,omitempty"`
	// CSRFProtected demands a CSRF token of modifying requests. Default: true for HTTPS channels,
	// as in the product; other adapters have no such protection.
	CSRFProtected *bool `yaml:"csrfProtected,omitempty" json:"csrfProtected,omitempty"`
	// MaximumBodySize is the body limit in MB. Default: 40.
	MaximumBodySize int `yaml:"maximumBodySize,omitempty" json:"maximumBodySize,omitempty"`
	// Answer is what the flow does: echo (default, 200), oneWay (202), noContent (204), fail (500).
	Answer string `yaml:"answer,omitempty" json:"answer,omitempty"`
}

// Authorization is a channel's authorization: a role, or a table of certificates' DNs.
type Authorization struct {
	// UserRole is the role that the caller needs. Default: ESBMessaging.send.
	UserRole string `yaml:"userRole,omitempty" json:"userRole,omitempty"`
	// ClientCertificates is the channel's table; with it there is no role.
	ClientCertificates []TableRow `yaml:"clientCertificates,omitempty" json:"clientCertificates,omitempty"`
}

// TableRow is a row of a channel's table: the two DNs of a named certificate, or DNs as written.
type TableRow struct {
	Certificate string `yaml:"certificate,omitempty" json:"certificate,omitempty"`
	Subject     string `yaml:"subject,omitempty" json:"subject,omitempty"`
	Issuer      string `yaml:"issuer,omitempty" json:"issuer,omitempty"`
}

// Mapping maps a whole certificate to a user.
type Mapping struct {
	// Certificate names a certificate of the pki section.
	Certificate string `yaml:"certificate,omitempty" json:"certificate,omitempty"`
	// File is the path of a certificate, PEM or DER, in place of Certificate.
	File string `yaml:"file,omitempty" json:"file,omitempty"`
	// User is whom the certificate stands for.
	User string `yaml:"user" json:"user"`
	// CreatedBy, Created, LastModifiedBy and LastModified tell who mapped it, and when (RFC 3339).
	CreatedBy      string    `yaml:"createdBy,omitempty" json:"createdBy,omitempty"`
	Created        time.Time `yaml:"created,omitempty" json:"created,omitzero"`
	LastModifiedBy string    `yaml:"lastModifiedBy,omitempty" json:"lastModifiedBy,omitempty"`
	LastModified   time.Time `yaml:"lastModified,omitempty" json:"lastModified,omitzero"`
}

// User is a name with a password, from the document or from an environment variable.
type User struct {
	Name     string `yaml:"name" json:"name"`
	Password string `yaml:"password,omitempty" json:"password,omitempty"`
	// PasswordEnv names the environment variable that holds the password.
	PasswordEnv string `yaml:"passwordEnv,omitempty" json:"passwordEnv,omitempty"`
}

// OAuthClient is a client of the tenant's OAuth service.
type OAuthClient struct {
	ID     string `yaml:"id" json:"id"`
	Secret string `yaml:"secret,omitempty" json:"secret,omitempty"`
	// Scopes make it a client of the platform API, and of nothing else:
	// hcp.manageAuthorizationSettings and hcp.readAuthorizationSettings. Default: a client that may
	// send and administer, as far as its roles allow.
	Scopes []string `yaml:"scopes,omitempty" json:"scopes,omitempty"`
}

// Group is a group of users.
type Group struct {
	Name  string   `yaml:"name" json:"name"`
	Users []string `yaml:"users,omitempty" json:"users,omitempty"`
}

// Role assigns a role to a user or a group.
type Role struct {
	User  string `yaml:"user,omitempty" json:"user,omitempty"`
	Group string `yaml:"group,omitempty" json:"group,omitempty"`
	Role  string `yaml:"role" json:"role"`
	// Application is where the role counts. Default: the application of the worker node.
	Application string `yaml:"application,omitempty" json:"application,omitempty"`
}

// Sender is a calling system.
type Sender struct {
	Name string `yaml:"name" json:"name"`
	// Certificate names the sender's own certificate. Default: none.
	Certificate string `yaml:"certificate,omitempty" json:"certificate,omitempty"`
	// Sends is chain (default), leaf-only, with-root, wrong-order, leaf-last or nothing.
	Sends string `yaml:"sends,omitempty" json:"sends,omitempty"`
	// Without lists certificates that are left out of the chain.
	Without []string `yaml:"without,omitempty" json:"without,omitempty"`
	// Extra lists unrelated certificates that are sent too.
	Extra []string `yaml:"extra,omitempty" json:"extra,omitempty"`
	// KeyOf names a certificate whose private key is used in place of the right one.
	KeyOf string `yaml:"keyOf,omitempty" json:"keyOf,omitempty"`
	// OnlyIfIssuerNamed offers the certificate only if the load balancer names its issuer, as Java
	// and ABAP senders do.
	OnlyIfIssuerNamed bool `yaml:"onlyIfIssuerNamed,omitempty" json:"onlyIfIssuerNamed,omitempty"`
	// Trusts lists certificates in the sender's trust store. Default: the load balancer's root.
	// An empty list trusts nothing.
	Trusts []string `yaml:"trusts,omitempty" json:"trusts,omitempty"`
	// ServerName is the name that is asked for (SNI). Default: the host that is called; "none"
	// asks for no name.
	ServerName string `yaml:"serverName,omitempty" json:"serverName,omitempty"`
	// TLS is the newest version offered: 1.0, 1.1, 1.2 or 1.3 (default).
	TLS string `yaml:"tls,omitempty" json:"tls,omitempty"`
	// User logs on with Basic, with the password of the identity provider's user of that name
	// unless Password gives another one.
	User        string `yaml:"user,omitempty" json:"user,omitempty"`
	Password    string `yaml:"password,omitempty" json:"password,omitempty"`
	PasswordEnv string `yaml:"passwordEnv,omitempty" json:"passwordEnv,omitempty"`
	// WaitsForChallenge logs on only after a 401 asked for it.
	WaitsForChallenge bool `yaml:"waitsForChallenge,omitempty" json:"waitsForChallenge,omitempty"`
	// OAuthClient sends a bearer token of that client.
	OAuthClient string `yaml:"oauthClient,omitempty" json:"oauthClient,omitempty"`
	// KeepsConnection, ResumesSession and KeepsCookies keep what their names say between calls.
	KeepsConnection bool `yaml:"keepsConnection,omitempty" json:"keepsConnection,omitempty"`
	ResumesSession  bool `yaml:"resumesSession,omitempty" json:"resumesSession,omitempty"`
	KeepsCookies    bool `yaml:"keepsCookies,omitempty" json:"keepsCookies,omitempty"`
	// EncodesCookies sends cookie values URL-encoded, as some ABAP senders do.
	EncodesCookies bool `yaml:"encodesCookies,omitempty" json:"encodesCookies,omitempty"`
	// FetchesToken fetches a CSRF token before a modifying request.
	FetchesToken bool `yaml:"fetchesToken,omitempty" json:"fetchesToken,omitempty"`
}

// The defaults of the tenant section.
const (
	DefaultAccount = "e100999"
	DefaultProfile = "iflmap"
	maxNodes       = 16
)

// withDefaults fills in what the tenant section leaves out.
func (t Tenant) withDefaults() Tenant {
	if t.Account == "" {
		t.Account = DefaultAccount
	}
	if t.Profile == "" {
		t.Profile = DefaultProfile
	}
	if t.Host == "" {
		t.Host = t.Account + "-" + t.Profile + ".hcisbt.eu1.hana.ondemand.com"
	}
	if t.Nodes == 0 {
		t.Nodes = 1
	}
	return t
}

// Application is the application of the worker node, on which roles count.
func (t Tenant) Application() string {
	t = t.withDefaults()
	return t.Account + t.Profile
}
