package tenant

import (
	"bytes"
	"maps"
	"slices"
	"time"
)

// LandscapePackage is the package of integration flows that nobody uploaded: their channels were
// configured directly, by a landscape document for instance.
const LandscapePackage = "landscape"

// DefaultVersion is the version of artifacts and deployments that name none.
const DefaultVersion = "1.0.0"

// Package is an integration package, which holds artifacts.
type Package struct {
	ID, Name, Description, Version string
}

// Artifact is the designtime version ("active") of an integration flow. It has no effect on calls
// until it is deployed; see Tenant.DeployFlow.
type Artifact struct {
	// ID identifies the flow, at designtime and at runtime.
	ID string
	// Name. Default: the ID.
	Name string
	// Package is the ID of its package. Default: LandscapePackage.
	Package string
	// Version. Default: DefaultVersion.
	Version string
	// Content is the zip as it was uploaded; nil if the flow came from a landscape.
	Content []byte
	// Parameters are the values of externalized parameters.
	Parameters map[string]string
	// Channels are the sender channels that the flow will have once it is deployed. Their Flow is
	// the ID.
	Channels []Channel

	CreatedBy, ModifiedBy string
	Created, Modified     time.Time
}

func (a Artifact) clone() Artifact {
	a.Content = bytes.Clone(a.Content)
	a.Parameters = maps.Clone(a.Parameters)
	a.Channels = slices.Clone(a.Channels)
	for i := range a.Channels {
		a.Channels[i] = a.Channels[i].clone()
	}
	return a
}

// withDefaults fills in what stands for itself when left out.
func (a Artifact) withDefaults() Artifact {
	if a.Name == "" {
		a.Name = a.ID
	}
	if a.Package == "" {
		a.Package = LandscapePackage
	}
	if a.Version == "" {
		a.Version = DefaultVersion
	}
	return a
}

// Deployment tells of a deployed integration flow who deployed it, when, and in which version. A
// flow without one was configured directly.
type Deployment struct {
	// Flow is the ID of the flow, as in Channel.Flow.
	Flow          string
	Name, Version string
	By            string
	On            time.Time
	// Error says why the flow did not start; it then has no channels.
	Error string
}

// Design is a changed channel that is not deployed yet; see Tenant.Design.
type Design struct {
	// Address is that of the runtime version.
	Address string
	// Channel is the designtime version, which may have another address.
	Channel Channel
}

// ApplicationRole is a custom role, made through the platform API, on an application.
type ApplicationRole struct {
	Application, Name string
}

// FlowStatus is the status of a deployed integration flow [C].
type FlowStatus string

// The statuses of a deployed integration flow.
const (
	FlowStarting FlowStatus = "STARTING"
	FlowStarted  FlowStatus = "STARTED"
	FlowError    FlowStatus = "ERROR"
)

// RuntimeFlow is a deployed integration flow.
type RuntimeFlow struct {
	ID, Name, Version string
	Status            FlowStatus
	DeployedBy        string
	// DeployedOn is zero for a flow that was configured directly.
	DeployedOn time.Time
	// Error says why the flow did not start (status ERROR).
	Error string
}

// DeployState is how far a deployment is [C].
type DeployState string

// The states of a deployment.
const (
	Deploying     DeployState = "DEPLOYING"
	DeploySuccess DeployState = "SUCCESS"
	DeployFailed  DeployState = "FAIL"
)

// Task is one deployment, under way or done.
type Task struct {
	ID   string
	Flow string
	// Until is when the downtime ends.
	Until time.Time
	// Error says why the deployment failed; empty if it did not.
	Error string
}

// State is how far the deployment is at that time.
func (t Task) State(now time.Time) DeployState {
	switch {
	case t.Error != "":
		return DeployFailed
	case now.Before(t.Until):
		return Deploying
	}
	return DeploySuccess
}
