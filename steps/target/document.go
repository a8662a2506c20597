package target

import (
	"path/filepath"
	"time"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
)

// Document describes a target that is not in this process: a running "gatehouse serve", or a real
// tenant. It is what a target.yaml holds. Secrets never stand in it: an entry names the environment
// variable or the file that holds one. Files are relative to the document's folder.
type Document struct {
	// Name is what people call the target, for reports. Default: the host of call.url.
	Name string `yaml:"name,omitempty" json:"name,omitempty"`
	// Call is where senders call.
	Call Endpoint `yaml:"call" json:"call"`
	// Management is where the tenant's own interfaces are. Without it nothing is changed, and no log
	// is read.
	Management *Interface `yaml:"management,omitempty" json:"management,omitempty"`
	// Platform is the platform API, for roles; it is asked by a client, not by a user. A running
	// simulator serves it at the address of management.
	Platform *Interface `yaml:"platform,omitempty" json:"platform,omitempty"`
	// Account is the technical name of the subaccount. Default: e100999.
	Account string `yaml:"account,omitempty" json:"account,omitempty"`
	// ProviderAccount is the subaccount that provides the applications, for the platform API. Default:
	// not named.
	ProviderAccount string `yaml:"providerAccount,omitempty" json:"providerAccount,omitempty"`
	// Application is the application of the worker node, on which sending roles count.
	// Default: <account>iflmap.
	Application string `yaml:"application,omitempty" json:"application,omitempty"`
	// Issuing is a CA of which the load balancer trusts the root, and of which certificates may be
	// minted for the scenarios' senders. Default: none.
	Issuing *IssuingCA `yaml:"issuing,omitempty" json:"issuing,omitempty"`
	// Senders are key pairs that the target trusts.
	Senders []DeclaredSender `yaml:"senders,omitempty" json:"senders,omitempty"`
	// Users are users of the identity provider.
	Users []DeclaredUser `yaml:"users,omitempty" json:"users,omitempty"`
	// OAuthClients may fetch tokens.
	OAuthClients []DeclaredClient `yaml:"oauthClients,omitempty" json:"oauthClients,omitempty"`
	// Channels tell which sender channel plays the part of which channel of the scenarios.
	Channels []Part `yaml:"channels,omitempty" json:"channels,omitempty"`
	// Domains tell which custom domain plays the part of which one of the scenarios.
	Domains []PlayedDomain `yaml:"domains,omitempty" json:"domains,omitempty"`
	// Package is the id of an integration package of the target, into which flows of scenarios are
	// uploaded. Default: that of the landscape document in a running simulator; in a real tenant none,
	// and no flow is deployed.
	Package string `yaml:"package,omitempty" json:"package,omitempty"`
	// Nodes is how many runtime nodes the tenant has. Default: not known.
	Nodes int `yaml:"nodes,omitempty" json:"nodes,omitempty"`
	// Features says of a feature that the target has it (true), where that cannot be found out, or
	// that scenarios must not use it (false). Default: what the rest of the document makes possible
	// and a look at the target confirms.
	Features map[string]bool `yaml:"features,omitempty" json:"features,omitempty"`
	// Limits are how long things may take.
	Limits Waits `yaml:"limits,omitempty" json:"limits,omitzero"`

	source *document.Source
	folder string
}

// Endpoint is an https address.
type Endpoint struct {
	// URL is https://host[:port].
	URL string `yaml:"url" json:"url"`
	// Address is where to connect in place of the URL's host, "127.0.0.1:8443". Default: the URL's.
	Address string `yaml:"address,omitempty" json:"address,omitempty"`
	// Trust names a file with the root certificates that the server's certificate is checked with; "system"
	// are those of this machine. Default: system.
	Trust string `yaml:"trust,omitempty" json:"trust,omitempty"`
}

// Interface is an endpoint with a logon: as a user, or as an OAuth client.
type Interface struct {
	Endpoint `yaml:",inline"`
	// User logs on with Basic and the password.
	User string `yaml:"user,omitempty" json:"user,omitempty"`
	// Secret is the user's password, or the client's secret.
	Secret `yaml:",inline"`
	// Client is the id of an OAuth client, in place of a user.
	Client string `yaml:"client,omitempty" json:"client,omitempty"`
	// TokenURL is where the client's tokens come from.
	TokenURL string `yaml:"tokenURL,omitempty" json:"tokenURL,omitempty"`
}

// Secret says where a secret is.
type Secret struct {
	// PasswordEnv names the environment variable that holds it.
	PasswordEnv string `yaml:"passwordEnv,omitempty" json:"passwordEnv,omitempty"`
	// PasswordFile names the file whose first line is it.
	PasswordFile string `yaml:"passwordFile,omitempty" json:"passwordFile,omitempty"`
}

// KeyPair names the files of a certificate with its chain and its private key, in any format that
// "gatehouse pki inspect" reads.
type KeyPair struct {
	// Keystore is a file with everything.
	Keystore string `yaml:"keystore,omitempty" json:"keystore,omitempty"`
	// Certificate and Key are two files, in place of Keystore. The certificate's file holds the chain too.
	Certificate string `yaml:"certificate,omitempty" json:"certificate,omitempty"`
	Key         string `yaml:"key,omitempty" json:"key,omitempty"`
	// Secret is the password of the files.
	Secret `yaml:",inline"`
}

// IssuingCA is the key pair of the CA that mints for scenarios.
type IssuingCA struct {
	KeyPair `yaml:",inline"`
	// IssuerKey names the file with the private key of the CA above it. With it, chains can be broken
	// above the sender's certificate, too. Default: it is not there, and scenarios that need it are not
	// supported.
	IssuerKey string `yaml:"issuerKey,omitempty" json:"issuerKey,omitempty"`
}

// DeclaredSender is a key pair that the target trusts.
type DeclaredSender struct {
	// Name is the scenarios' sender that it may be. Default: any.
	Name    string `yaml:"name,omitempty" json:"name,omitempty"`
	KeyPair `yaml:",inline"`
	// User is the user that the certificate is mapped to, who has the role of the channel that plays
	// /http/orders. Without one the certificate is not mapped.
	User string `yaml:"user,omitempty" json:"user,omitempty"`
}

// DeclaredUser is a user of the identity provider.
type DeclaredUser struct {
	// Plays is the scenarios' user that it may be. Default: any.
	Plays string `yaml:"plays,omitempty" json:"plays,omitempty"`
	// Name is the user's name on the target.
	Name   string `yaml:"name" json:"name"`
	Secret `yaml:",inline"`
}

// DeclaredClient is an OAuth client.
type DeclaredClient struct {
	// Plays is the scenarios' client that it may be. Default: any.
	Plays string `yaml:"plays,omitempty" json:"plays,omitempty"`
	// ID is the client's id on the target.
	ID     string `yaml:"id" json:"id"`
	Secret `yaml:",inline"`
	// TokenURL is where its tokens come from.
	TokenURL string `yaml:"tokenURL" json:"tokenURL"`
}

// Part tells which channel of the target plays which one of the scenarios.
type Part struct {
	// Plays is the address as scenarios write it, "/http/orders".
	Plays string `yaml:"plays" json:"plays"`
	// Address is the address on the target.
	Address string `yaml:"address" json:"address"`
	// What it is, as the channel of a landscape document. Defaults: no CSRF protection, and as there.
	Adapter         string `yaml:"adapter,omitempty" json:"adapter,omitempty"`
	UserRole        string `yaml:"userRole,omitempty" json:"userRole,omitempty"`
	OldAdapter      bool   `yaml:"oldAdapter,omitempty" json:"oldAdapter,omitempty"`
	CSRFProtected   bool   `yaml:"csrfProtected,omitempty" json:"csrfProtected,omitempty"`
	MaximumBodySize int    `yaml:"maximumBodySize,omitempty" json:"maximumBodySize,omitempty"`
	Answer          string `yaml:"answer,omitempty" json:"answer,omitempty"`
}

// channel is the channel of which it plays the part.
func (p Part) channel() simulator.Channel {
	return simulator.Channel{
		Address: p.Plays, Adapter: p.Adapter, Authorization: simulator.Authorization{UserRole: p.UserRole}, OldAdapter: p.OldAdapter,
		CSRFProtected: &p.CSRFProtected, MaximumBodySize: p.MaximumBodySize, Answer: p.Answer,
	}
}

// PlayedDomain tells which custom domain of the target plays which one of the scenarios.
type PlayedDomain struct {
	// Plays is the domain as scenarios write it, "orders.example".
	Plays string `yaml:"plays" json:"plays"`
	// Host is the custom domain of the target.
	Host string `yaml:"host" json:"host"`
	// Mode is request, require or none.
	Mode string `yaml:"mode" json:"mode"`
	// OtherBundle: its bundle does not hold the CA of the scenarios' senders.
	OtherBundle bool `yaml:"otherBundle,omitempty" json:"otherBundle,omitempty"`
}

// Waits is the limits section. Durations are written as 30s or 2m.
type Waits struct {
	// Log is how long the access log line of a call may take. Default: 60s.
	Log time.Duration `yaml:"log,omitempty" json:"log,omitempty"`
	// Trace is how long trace records may take once the line is there. Default: 5s.
	Trace time.Duration `yaml:"trace,omitempty" json:"trace,omitempty"`
	// Absence is how long nothing must come before there is no line. Default: 5s.
	Absence time.Duration `yaml:"absence,omitempty" json:"absence,omitempty"`
	// Change is how long a change of the tenant may take to have an effect. Default: 60s.
	Change time.Duration `yaml:"change,omitempty" json:"change,omitempty"`
}

func (w Waits) withDefaults() Waits {
	for wait, value := range map[*time.Duration]time.Duration{
		&w.Log: DefaultLogLimit, &w.Trace: DefaultTraceLimit, &w.Absence: DefaultAbsenceLimit, &w.Change: DefaultChangeLimit,
	} {
		if *wait == 0 {
			*wait = value
		}
	}
	return w
}

// ReadDocument reads and validates a target document. The error is a document.Problems and tells
// everything that is wrong at once, with positions.
func ReadDocument(file string) (Document, error) {
	var d Document
	source, err := document.ReadFile(file, &d)
	if err != nil {
		return Document{}, err
	}
	d.source, d.folder = source, filepath.Dir(file)
	return d, d.Validate()
}

// ParseDocument is ReadDocument for a document in memory; name is used in messages, and files are
// relative to the folder.
func ParseDocument(name string, data []byte, folder string) (Document, error) {
	var d Document
	source, err := document.Read(name, data, &d)
	if err != nil {
		return Document{}, err
	}
	d.source, d.folder = source, folder
	return d, d.Validate()
}
