package simulator

import "time"

// Credential is a deployed User Credentials artifact, with the password from the document or from
// an environment variable.
type Credential struct {
	// Name is that of the artifact.
	Name string `yaml:"name" json:"name"`
	// User is the user name in it. Default: the name of the artifact.
	User string `yaml:"user,omitempty" json:"user,omitempty"`
	// Password in it. Default: none.
	Password string `yaml:"password,omitempty" json:"password,omitempty"`
	// PasswordEnv names the environment variable that holds the password.
	PasswordEnv string `yaml:"passwordEnv,omitempty" json:"passwordEnv,omitempty"`
	// Description is a text for people.
	Description string `yaml:"description,omitempty" json:"description,omitempty"`
}

// KeystoreEntry is an entry of the tenant keystore.
type KeystoreEntry struct {
	Alias string `yaml:"alias" json:"alias"`
	// File is the path of its certificate, PEM or DER.
	File string `yaml:"file" json:"file"`
}

// ApplicationRole is a custom role on an application.
type ApplicationRole struct {
	Application string `yaml:"application" json:"application"`
	Name        string `yaml:"name" json:"name"`
}

// Package is an integration package.
type Package struct {
	ID          string `yaml:"id" json:"id"`
	Name        string `yaml:"name,omitempty" json:"name,omitempty"`
	Description string `yaml:"description,omitempty" json:"description,omitempty"`
	Version     string `yaml:"version,omitempty" json:"version,omitempty"`
}

// Artifact is an integration flow at designtime. It has no effect on calls until it is deployed.
type Artifact struct {
	// ID identifies the flow.
	ID string `yaml:"id" json:"id"`
	// Name. Default: the id.
	Name string `yaml:"name,omitempty" json:"name,omitempty"`
	// Package is the id of its package. Default: landscape.
	Package string `yaml:"package,omitempty" json:"package,omitempty"`
	// Version. Default: 1.0.0.
	Version string `yaml:"version,omitempty" json:"version,omitempty"`
	// Content is the path of the zip that was uploaded. Default: none was.
	Content string `yaml:"content,omitempty" json:"content,omitempty"`
	// Parameters are the values of externalized parameters.
	Parameters map[string]string `yaml:"parameters,omitempty" json:"parameters,omitempty"`
	// Channels are the sender channels that the flow will have once it is deployed.
	Channels []Channel `yaml:"channels,omitempty" json:"channels,omitempty"`
	// CreatedBy, Created, ModifiedBy and Modified tell who made it and changed it last, and when
	// (RFC 3339).
	CreatedBy  string    `yaml:"createdBy,omitempty" json:"createdBy,omitempty"`
	Created    time.Time `yaml:"created,omitempty" json:"created,omitzero"`
	ModifiedBy string    `yaml:"modifiedBy,omitempty" json:"modifiedBy,omitempty"`
	Modified   time.Time `yaml:"modified,omitempty" json:"modified,omitzero"`
}

// Deployment tells more of a deployed integration flow.
type Deployment struct {
	// Flow is the flow of its channels.
	Flow string `yaml:"flow" json:"flow"`
	// Name. Default: the flow.
	Name string `yaml:"name,omitempty" json:"name,omitempty"`
	// Version that is deployed. Default: 1.0.0.
	Version string `yaml:"version,omitempty" json:"version,omitempty"`
	// By and On tell who deployed it, and when (RFC 3339).
	By string    `yaml:"by,omitempty" json:"by,omitempty"`
	On time.Time `yaml:"on,omitempty" json:"on,omitzero"`
	// Error says why the flow did not start; it then has no channels.
	Error string `yaml:"error,omitempty" json:"error,omitempty"`
}

// Design is a changed channel that is not deployed yet.
type Design struct {
	// Address is that of the channel as it is deployed.
	Address string `yaml:"address" json:"address"`
	// Channel is the channel as it will be.
	Channel Channel `yaml:"channel" json:"channel"`
}
