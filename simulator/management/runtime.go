package management

import (
	"encoding/json"
	"net/http"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// errorType is what went wrong with a deployed flow; its content is JSON. [C: the navigation and
// $value, recorded clients; the form of the JSON: ?]
var errorType = &odata.EntityType{
	Name: "RuntimeArtifactErrorInformation", Set: "RuntimeArtifactErrorInformations", Keys: []string{"Id"}, Media: true,
	ContentType: func(any) string { return "application/json" },
	Properties: []odata.Property{
		{Name: "Id", Type: odata.String, NotNull: true, Get: odata.Field(func(f tenant.RuntimeFlow) any { return f.ID })},
	},
}

// runtimeType is IntegrationRuntimeArtifact. [C]
var runtimeType = &odata.EntityType{
	Name: "IntegrationRuntimeArtifact", Set: "IntegrationRuntimeArtifacts", Keys: []string{"Id"},
	Properties: []odata.Property{
		{Name: "Id", Type: odata.String, NotNull: true, MaxLength: maxName, Filter: true, Get: odata.Field(func(f tenant.RuntimeFlow) any { return f.ID })},
		{Name: "Version", Type: odata.String, Get: odata.Field(func(f tenant.RuntimeFlow) any { return f.Version })},
		{Name: "Name", Type: odata.String, Filter: true, Get: odata.Field(func(f tenant.RuntimeFlow) any { return f.Name })},
		{Name: "Type", Type: odata.String, Filter: true, Get: func(any) any { return "INTEGRATION_FLOW" }},
		{Name: "DeployedBy", Type: odata.String, Filter: true, Get: odata.Field(func(f tenant.RuntimeFlow) any { return f.DeployedBy })},
		{Name: "DeployedOn", Type: odata.DateTime, Get: odata.Field(func(f tenant.RuntimeFlow) any { return f.DeployedOn })},
		{Name: "Status", Type: odata.String, Filter: true, Get: odata.Field(func(f tenant.RuntimeFlow) any { return string(f.Status) })},
	},
	Navigations: []odata.Navigation{{Name: "ErrorInformation", To: errorType, Get: func(entity any) []any {
		if entity.(tenant.RuntimeFlow).Status != tenant.FlowError {
			return nil
		}
		return []any{entity}
	}}},
}

// runtimeFlows is the entity set IntegrationRuntimeArtifacts. [C: DELETE with 202]
func (s *Server) runtimeFlows() *resource {
	return &resource{
		typ: runtimeType, read: viewRuntime, change: deployFlows,
		list: func(q *request) ([]any, *odata.Error) { return odata.Entities(q.snapshot.Runtime()), nil },
		remove: func(q *request, entity any) (odata.Answer, *odata.Error) {
			removed, err := s.config.Tenant.Undeploy(q.user, entity.(tenant.RuntimeFlow).ID)
			switch {
			case err != nil:
				return odata.Answer{}, q.server.refused("Undeploying the integration flow", err)
			case !removed:
				return odata.Answer{}, odata.NotFound()
			}
			return status(http.StatusAccepted), nil
		},
	}
}

// runtimeErrors writes what went wrong with a flow.
func (s *Server) runtimeErrors() *resource {
	return &resource{typ: errorType, content: func(q *request, entity any) *odata.Error {
		data, err := json.Marshal(map[string][]string{"parameter": {entity.(tenant.RuntimeFlow).Error}})
		if err != nil {
			return odata.Errorf(http.StatusInternalServerError, "The error cannot be written.")
		}
		return q.send("application/json", "error.json", data)
	}}
}

// deployment is how far a deployment is.
type deployment struct {
	id    string
	state tenant.DeployState
}

// deploymentType is BuildAndDeployStatus. [C]
var deploymentType = &odata.EntityType{
	Name: "BuildAndDeployStatus", Set: "BuildAndDeployStatus", Keys: []string{"TaskId"},
	Properties: []odata.Property{
		{Name: "TaskId", Type: odata.String, NotNull: true, Get: odata.Field(func(d deployment) any { return d.id })},
		{Name: "Status", Type: odata.String, Get: odata.Field(func(d deployment) any { return string(d.state) })},
	},
}

// deployments is the entity set BuildAndDeployStatus, which is read by its key only. [C]
func (s *Server) deployments() *resource {
	return &resource{
		typ: deploymentType, read: deployFlows, change: deployFlows, listless: true,
		get: func(_ *request, key odata.Key) (any, *odata.Error) {
			state, ok := s.config.Tenant.DeployStatus(key.Get("TaskId"))
			if !ok {
				return nil, odata.NotFound()
			}
			return deployment{key.Get("TaskId"), state}, nil
		},
	}
}

// deployFunction deploys an integration flow. [C: 202 and the task's id as a text]
var deployFunction = odata.FunctionImport{
	Name: "DeployIntegrationDesigntimeArtifact", Method: http.MethodPost, Returns: odata.String,
	Parameters: []odata.Parameter{{Name: "Id", Type: odata.String}, {Name: "Version", Type: odata.String}},
}

// function calls a function import.
func (q *request) function(f *odata.FunctionImport) (odata.Answer, *odata.Error) {
	if q.method != f.Method {
		return odata.Answer{}, notAllowed(q.method, f.Method)
	}
	if err := allow(q.snapshot, q.user, deployFlows); err != nil {
		return odata.Answer{}, err
	}
	var names []string
	for _, p := range f.Parameters {
		names = append(names, p.Name)
	}
	options, err := odata.ParseOptions(q.http.URL.RawQuery, q.path, true, names)
	if err != nil {
		return odata.Answer{}, err
	}
	given := map[string]string{}
	for _, name := range names {
		value, ok := odata.StringLiteral(options.Custom[name])
		if !ok || value == "" {
			return odata.Answer{}, odata.Errorf(http.StatusBadRequest, "Found the parameter %s=%s, expected a string in quotes: %s?Id='…'&Version='active'.", name, clip(options.Custom[name]), f.Name)
		}
		given[name] = value
	}
	a, ok := q.snapshot.Artifact(given["Id"])
	if !ok || !artifactType.Same("Version", a.Version, given["Version"]) {
		return odata.Answer{}, odata.NotFound()
	}
	task, failed := q.server.config.Tenant.DeployFlow(q.user, a.ID, q.server.config.Downtime)
	if failed != nil {
		return odata.Answer{}, q.server.refused("Deploying the integration flow", failed)
	}
	return odata.Text(http.StatusAccepted, task), nil
}
