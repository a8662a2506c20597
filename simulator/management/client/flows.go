package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	artifactSet = "IntegrationDesigntimeArtifacts"
	runtimeSet  = "IntegrationRuntimeArtifacts"
	// activeVersion is the version that designtime artifacts are addressed by [C].
	activeVersion = "active"
	// maxContent bounds the zip of a flow, in bytes.
	maxContent = 128 << 20
)

// The statuses of a deployment and of a runtime artifact [C].
const (
	Deploying = "DEPLOYING"
	Success   = "SUCCESS"
	Fail      = "FAIL"

	Starting = "STARTING"
	Started  = "STARTED"
	Failed   = "ERROR"
)

// Artifact is an integration flow at designtime.
type Artifact struct {
	ID, Version, Package, Name, Description string
}

type artifactEntity struct {
	ID          string `json:"Id"`
	Version     string `json:"Version"`
	PackageID   string `json:"PackageId"`
	Name        string `json:"Name"`
	Description string `json:"Description"`
}

func (e artifactEntity) artifact() Artifact {
	return Artifact{ID: e.ID, Version: e.Version, Package: e.PackageID, Name: e.Name, Description: e.Description}
}

// Artifact reads the designtime artifact of a flow.
func (c *Client) Artifact(ctx context.Context, id string) (Artifact, error) {
	e, err := entity[artifactEntity](ctx, c, artifactKey(id), nil)
	if err != nil {
		return Artifact{}, fmt.Errorf("reading the integration flow %s: %w", id, err)
	}
	return e.artifact(), nil
}

func artifactKey(id string) string { return key(artifactSet, "Id", id, "Version", activeVersion) }

// Upload makes a designtime artifact of the zip of a flow, or replaces the one with that id.
func (c *Client) Upload(ctx context.Context, a Artifact, zip []byte) error {
	content := base64.StdEncoding.EncodeToString(zip)
	_, err := entity[artifactEntity](ctx, c, artifactKey(a.ID), nil)
	switch {
	case err == nil:
		err = c.modify(ctx, http.MethodPut, artifactKey(a.ID), nil, map[string]string{"Name": a.Name, "ArtifactContent": content}, nil)
	case errors.Is(err, ErrNotFound):
		err = c.modify(ctx, http.MethodPost, artifactSet, nil, map[string]string{"Id": a.ID, "Name": a.Name, "PackageId": a.Package, "ArtifactContent": content}, nil)
	}
	if err != nil {
		return fmt.Errorf("uploading the integration flow %s: %w", a.ID, err)
	}
	return nil
}

// Download reads the zip of a flow's designtime artifact.
func (c *Client) Download(ctx context.Context, id string) ([]byte, error) {
	body, err := c.media(ctx, artifactKey(id)+"/$value", nil)
	if err == nil {
		defer body.Close()
		var data []byte
		if data, err = readAll(body, maxContent); err == nil {
			return data, nil
		}
	}
	return nil, fmt.Errorf("downloading the integration flow %s: %w", id, err)
}

// RemoveArtifact removes the designtime artifact of a flow; what is deployed stays.
func (c *Client) RemoveArtifact(ctx context.Context, id string) error {
	if err := c.modify(ctx, http.MethodDelete, artifactKey(id), nil, nil, nil); err != nil {
		return fmt.Errorf("removing the integration flow %s: %w", id, err)
	}
	return nil
}

// Configuration is an externalized parameter of a flow.
type Configuration struct {
	Key      string `json:"ParameterKey"`
	Value    string `json:"ParameterValue"`
	DataType string `json:"DataType"`
}

// Configurations lists the externalized parameters of a flow.
func (c *Client) Configurations(ctx context.Context, id string) ([]Configuration, error) {
	out, err := list[Configuration](ctx, c, artifactKey(id)+"/Configurations", nil)
	if err != nil {
		return nil, fmt.Errorf("listing the parameters of the integration flow %s: %w", id, err)
	}
	return out, nil
}

// Deploy deploys the designtime version of a flow and returns the id of the task; the flow is
// restarting for a while then [C]. See WaitDeployed.
func (c *Client) Deploy(ctx context.Context, id string) (task string, err error) {
	answer, err := c.do(ctx, request{
		method: http.MethodPost, path: "DeployIntegrationDesigntimeArtifact", accept: "*/*",
		query: url.Values{"Id": {quoted(id)}, "Version": {quoted(activeVersion)}},
	})
	if err == nil {
		defer answer.Body.Close()
		var data []byte
		if data, err = readAll(answer.Body, maxError); err == nil {
			if task = strings.Trim(strings.TrimSpace(string(data)), `"`); task == "" {
				err = errors.New("the answer holds no task id")
			}
		}
	}
	if err != nil {
		return "", fmt.Errorf("deploying the integration flow %s: %w", id, err)
	}
	return clip(task), nil
}

// DeployStatus is the status of a deployment: Deploying, Success or Fail.
func (c *Client) DeployStatus(ctx context.Context, task string) (string, error) {
	e, err := entity[struct{ Status string }](ctx, c, key("BuildAndDeployStatus", "TaskId", task), nil)
	if err != nil {
		return "", fmt.Errorf("asking for the deployment %s: %w", task, err)
	}
	return e.Status, nil
}

// WaitDeployed asks at intervals until a deployment has ended or ctx has. That it failed is an
// error.
func (c *Client) WaitDeployed(ctx context.Context, task string, every time.Duration) error {
	ticker := time.NewTicker(max(every, time.Millisecond))
	defer ticker.Stop()
	for {
		status, err := c.DeployStatus(ctx, task)
		switch {
		case err != nil:
			return err
		case status == Success:
			return nil
		case status != Deploying:
			return fmt.Errorf("the deployment %s ended with status %s", task, clip(status))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the deployment %s: %w", task, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// RuntimeFlow is a deployed integration flow.
type RuntimeFlow struct {
	ID, Version, Name string
	// Status is Starting, Started or Failed.
	Status     string
	DeployedBy string
	DeployedOn time.Time
}

type runtimeEntity struct {
	ID         string `json:"Id"`
	Version    string `json:"Version"`
	Name       string `json:"Name"`
	Status     string `json:"Status"`
	DeployedBy string `json:"DeployedBy"`
	DeployedOn moment `json:"DeployedOn"`
}

func (e runtimeEntity) flow() RuntimeFlow {
	return RuntimeFlow{ID: e.ID, Version: e.Version, Name: e.Name, Status: e.Status, DeployedBy: e.DeployedBy, DeployedOn: time.Time(e.DeployedOn)}
}

// RuntimeFlows lists what is deployed.
func (c *Client) RuntimeFlows(ctx context.Context) ([]RuntimeFlow, error) {
	entities, err := list[runtimeEntity](ctx, c, runtimeSet, nil)
	if err != nil {
		return nil, fmt.Errorf("listing the deployed integration flows: %w", err)
	}
	out := make([]RuntimeFlow, len(entities))
	for i, e := range entities {
		out[i] = e.flow()
	}
	return out, nil
}

// RuntimeFlow reads one deployed flow.
func (c *Client) RuntimeFlow(ctx context.Context, id string) (RuntimeFlow, error) {
	e, err := entity[runtimeEntity](ctx, c, key(runtimeSet, id), nil)
	if err != nil {
		return RuntimeFlow{}, fmt.Errorf("reading the deployed integration flow %s: %w", id, err)
	}
	return e.flow(), nil
}

// Undeploy removes a deployed flow; its designtime artifact stays.
func (c *Client) Undeploy(ctx context.Context, id string) error {
	if err := c.modify(ctx, http.MethodDelete, key(runtimeSet, id), nil, nil, nil); err != nil {
		return fmt.Errorf("undeploying the integration flow %s: %w", id, err)
	}
	return nil
}

// Endpoint is an address at which a deployed flow can be called.
type Endpoint struct {
	ID, Name, Title, Version, Protocol string
	// URLs are those of its entry points.
	URLs []string
}

// ServiceEndpoints lists the endpoints of all deployed flows.
func (c *Client) ServiceEndpoints(ctx context.Context) ([]Endpoint, error) {
	type entryPoint struct {
		URL string `json:"Url"`
	}
	type endpoint struct {
		ID          string `json:"Id"`
		Name        string `json:"Name"`
		Title       string `json:"Title"`
		Version     string `json:"Version"`
		Protocol    string `json:"Protocol"`
		EntryPoints struct {
			Results []entryPoint `json:"results"`
		} `json:"EntryPoints"`
	}
	entities, err := list[endpoint](ctx, c, "ServiceEndpoints", url.Values{"$expand": {"EntryPoints"}})
	if err != nil {
		return nil, fmt.Errorf("listing the endpoints: %w", err)
	}
	out := make([]Endpoint, len(entities))
	for i, e := range entities {
		out[i] = Endpoint{ID: e.ID, Name: e.Name, Title: e.Title, Version: e.Version, Protocol: e.Protocol}
		for _, p := range e.EntryPoints.Results {
			out[i].URLs = append(out[i].URLs, p.URL)
		}
	}
	return out, nil
}
