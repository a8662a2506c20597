package management

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// activeVersion stands for the version of an artifact that there is. [C] Letter case does not count:
// clients write both.
const activeVersion = "active"

// configurationType is Configuration, an externalized parameter. [C]
var configurationType = &odata.EntityType{
	Name: "Configuration", Set: "Configurations", Keys: []string{"ParameterKey"},
	Properties: []odata.Property{
		{Name: "ParameterKey", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(p iflow.Parameter) any { return p.Key })},
		{Name: "ParameterValue", Type: odata.String, Filter: true, Get: odata.Field(func(p iflow.Parameter) any { return p.Value })},
		{Name: "DataType", Type: odata.String, Get: func(any) any { return "xsd:string" }},
	},
}

// artifactType is IntegrationDesigntimeArtifact. [C]
var artifactType = &odata.EntityType{
	Name: "IntegrationDesigntimeArtifact", Set: "IntegrationDesigntimeArtifacts", Keys: []string{"Id", "Version"}, Media: true,
	ContentType: func(any) string { return "application/octet-stream" }, // [C: recorded; $value itself is application/zip]
	Same: func(property, has, asked string) bool {
		return has == asked || property == "Version" && strings.EqualFold(asked, activeVersion)
	},
	Properties: []odata.Property{
		{Name: "Id", Type: odata.String, NotNull: true, MaxLength: maxName, Filter: true, Get: odata.Field(func(a tenant.Artifact) any { return a.ID })},
		{Name: "Version", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(a tenant.Artifact) any { return a.Version })},
		{Name: "PackageId", Type: odata.String, Filter: true, Get: odata.Field(func(a tenant.Artifact) any { return a.Package })},
		{Name: "Name", Type: odata.String, Filter: true, Get: odata.Field(func(a tenant.Artifact) any { return a.Name })},
		{Name: "Description", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "Sender", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "Receiver", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "ArtifactContent", Type: odata.Binary, Get: func(any) any { return nil }}, // it is behind $value
	},
	Navigations: []odata.Navigation{
		{Name: "Configurations", To: configurationType, Many: true, Get: odata.Many(parameters)},
		{Name: "Resources", To: resourceType, Many: true, Get: odata.Many(resources)},
	},
}

// parameters are those of a flow, with the values that count.
func parameters(a tenant.Artifact) []iflow.Parameter {
	if a.Content != nil {
		if f, err := readFlow(a.ID, a.Content, a.Parameters); err == nil {
			return f.Parameters
		}
	}
	var out []iflow.Parameter
	for _, key := range slices.Sorted(maps.Keys(a.Parameters)) {
		out = append(out, iflow.Parameter{Key: key, Value: a.Parameters[key], Source: iflow.Given})
	}
	return out
}

// readFlow reads the zip of one flow.
func readFlow(id string, content []byte, given map[string]string) (iflow.Flow, *odata.Error) {
	export, err := iflow.Read(id+".zip", content, given)
	if err != nil {
		message := err.Error()
		if problems := (document.Problems)(nil); errors.As(err, &problems) && len(problems) > 0 {
			message = problems[0].Message
		}
		return iflow.Flow{}, odata.Errorf(http.StatusBadRequest, "The artifact's content is no integration flow: %s.", strings.TrimSuffix(message, "."))
	}
	if len(export.Flows) != 1 {
		return iflow.Flow{}, odata.Errorf(http.StatusBadRequest, "The artifact's content holds %d integration flows, expected the zip of one.", len(export.Flows))
	}
	return export.Flows[0], nil
}

// artifacts is the entity set IntegrationDesigntimeArtifacts. [C: POST with 201, PUT and DELETE with
// 200, $value, Configurations; that the set can be listed: ?]
func (s *Server) artifacts() *resource {
	return &resource{
		typ: artifactType, read: viewFlows, change: deployFlows, bodyLimit: maxFlowBody,
		list: func(q *request) ([]any, *odata.Error) { return odata.Entities(q.snapshot.Artifacts()), nil },
		get: func(q *request, key odata.Key) (any, *odata.Error) {
			a, ok := q.snapshot.Artifact(key.Get("Id"))
			if !ok || !artifactType.Same("Version", a.Version, key.Get("Version")) {
				return nil, odata.NotFound()
			}
			return a, nil
		},
		create: createArtifact,
		update: func(q *request, entity any, body odata.Body) (odata.Answer, *odata.Error) {
			a := entity.(tenant.Artifact)
			if id, ok := body["Id"]; ok && id != a.ID {
				return odata.Answer{}, odata.Errorf(http.StatusBadRequest, "Found the Id %q, expected that of the entity, %q.", clip(id), a.ID)
			}
			if name := body["Name"]; name != "" {
				a.Name = name
			}
			encoded, err := required(body, "ArtifactContent", maxFlowBody)
			if err != nil {
				return odata.Answer{}, err
			}
			if err := fill(&a, encoded); err != nil {
				return odata.Answer{}, err
			}
			return q.putArtifact(a)
		},
		remove: func(q *request, entity any) (odata.Answer, *odata.Error) {
			removed, err := s.config.Tenant.RemoveArtifact(q.user, entity.(tenant.Artifact).ID)
			switch {
			case err != nil:
				return odata.Answer{}, q.server.refused("Deleting the integration flow", err)
			case !removed:
				return odata.Answer{}, odata.NotFound()
			}
			return status(http.StatusOK), nil
		},
		link: map[string]func(*request, any, odata.Key, []byte) (odata.Answer, *odata.Error){"Configurations": setParameter},
		content: func(q *request, entity any) *odata.Error {
			a := entity.(tenant.Artifact)
			content := a.Content
			if content == nil {
				var err error
				if content, err = iflow.Describe(a.ID, a.Name, a.Channels).Zip(); err != nil {
					s.log.Error("an integration flow cannot be written", "id", a.ID, "error", err)
					return odata.Errorf(http.StatusInternalServerError, "The integration flow cannot be written.")
				}
			}
			return q.send("application/zip", a.ID+".zip", content)
		},
	}
}

// fill gives an artifact its content, and what that says: version, parameters, channels.
func fill(a *tenant.Artifact, encoded string) *odata.Error {
	content, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return odata.Errorf(http.StatusBadRequest, "The property ArtifactContent is not Base64.")
	}
	return fillWith(a, content)
}

func fillWith(a *tenant.Artifact, content []byte) *odata.Error {
	id := a.ID
	if id == "" {
		id = "flow"
	}
	f, err := readFlow(id, content, a.Parameters)
	if err != nil {
		return err
	}
	if a.ID == "" {
		a.ID = f.ID
	}
	if a.Name == "" {
		a.Name = f.Name
	}
	a.Version, a.Content = f.Version, f.Content
	a.Channels = slices.Clone(f.Channels)
	for i := range a.Channels {
		a.Channels[i].Flow = a.ID // the Id that the client gives wins over that of the manifest
	}
	// Values for parameters that the flow no longer has are forgotten.
	a.Parameters = maps.Clone(a.Parameters)
	maps.DeleteFunc(a.Parameters, func(key, _ string) bool {
		return !slices.ContainsFunc(f.Parameters, func(p iflow.Parameter) bool { return p.Key == key })
	})
	return nil
}

func createArtifact(q *request, body odata.Body) (odata.Answer, *odata.Error) {
	a := tenant.Artifact{ID: body["Id"], Name: body["Name"], Package: body["PackageId"]}
	if len(a.ID) > maxName || len(a.Name) > maxName {
		return odata.Answer{}, odata.Errorf(http.StatusBadRequest, "Id and Name may have %d bytes.", maxName)
	}
	if _, err := required(body, "PackageId", maxName); err != nil {
		return odata.Answer{}, err
	}
	if !slices.ContainsFunc(q.packages(), func(p tenant.Package) bool { return p.ID == a.Package }) {
		return odata.Answer{}, odata.Errorf(http.StatusNotFound, "Package ID %s does not exist.", clip(a.Package)) // [C: recorded]
	}
	var err *odata.Error
	if encoded := body["ArtifactContent"]; encoded != "" {
		err = fill(&a, encoded)
	} else {
		// Without content the flow is an empty one. [I]
		if a.ID, err = required(body, "Id", maxName); err == nil {
			content, writing := (iflow.Description{ID: a.ID, Name: a.Name}).Zip()
			if writing != nil {
				return odata.Answer{}, odata.Errorf(http.StatusBadRequest, "An empty integration flow cannot be made: %v.", writing)
			}
			err = fillWith(&a, content)
		}
	}
	if err != nil {
		return odata.Answer{}, err
	}
	if _, taken := q.snapshot.Artifact(a.ID); taken {
		return odata.Answer{}, odata.Errorf(http.StatusConflict, "There is an integration flow with the Id %q already.", clip(a.ID))
	}
	answer, err := q.putArtifact(a)
	if err != nil {
		return odata.Answer{}, err
	}
	if made, ok := q.server.config.Tenant.Snapshot().Artifact(a.ID); ok {
		answer = q.service.Entity(http.StatusCreated, artifactType, made)
	}
	return answer, nil
}

func (q *request) putArtifact(a tenant.Artifact) (odata.Answer, *odata.Error) {
	if err := q.server.config.Tenant.PutArtifact(q.user, a); err != nil {
		return odata.Answer{}, q.server.refused("Saving the integration flow", err)
	}
	return status(http.StatusOK), nil
}

// setParameter gives an externalized parameter another value. It takes effect with the next
// deployment. [C: PUT …/$links/Configurations('key'); 202: recorded clients]
func setParameter(q *request, entity any, key odata.Key, data []byte) (odata.Answer, *odata.Error) {
	a := entity.(tenant.Artifact)
	body, err := odata.ReadBody(data, q.http.Header.Get("Content-Type"), configurationType)
	if err != nil {
		return odata.Answer{}, err
	}
	value, ok := body["ParameterValue"]
	if !ok {
		return odata.Answer{}, odata.Errorf(http.StatusBadRequest, `The property "ParameterValue" is missing.`)
	}
	name := key.Get("ParameterKey")
	if !slices.ContainsFunc(parameters(a), func(p iflow.Parameter) bool { return p.Key == name }) {
		return odata.Answer{}, odata.NotFound()
	}
	a.Parameters = maps.Clone(a.Parameters)
	if a.Parameters == nil {
		a.Parameters = map[string]string{}
	}
	a.Parameters[name] = value
	if a.Content != nil {
		if err := fillWith(&a, a.Content); err != nil {
			return odata.Answer{}, err
		}
	}
	if _, err := q.putArtifact(a); err != nil {
		return odata.Answer{}, err
	}
	return status(http.StatusAccepted), nil
}
