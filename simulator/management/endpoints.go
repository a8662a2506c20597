package management

import (
	"net/url"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// entryPoint is where a channel can be called.
type entryPoint struct{ flow, url string }

// entryPointType is EntryPoint. [C: recorded]
var entryPointType = &odata.EntityType{
	Name: "EntryPoint", Set: "EntryPoints", Keys: []string{"Url"},
	Properties: []odata.Property{
		{Name: "Name", Type: odata.String, Get: odata.Field(func(e entryPoint) any { return e.flow })},
		{Name: "Url", Type: odata.String, NotNull: true, Get: odata.Field(func(e entryPoint) any { return e.url })},
		{Name: "Type", Type: odata.String, Get: func(any) any { return "PROD" }},
		{Name: "AdditionalInformation", Type: odata.String, Get: func(any) any { return "" }},
	},
}

// definitionType is APIDefinition: the WSDL or EDMX of an endpoint [C: recorded]. The simulator has
// none.
var definitionType = &odata.EntityType{
	Name: "APIDefinition", Set: "APIDefinitions", Keys: []string{"Url"},
	Properties: []odata.Property{
		{Name: "Url", Type: odata.String, NotNull: true, Get: func(any) any { return "" }},
		{Name: "Name", Type: odata.String, Get: func(any) any { return "" }},
	},
}

// endpoint is a deployed channel as clients look for it.
type endpoint struct {
	channel tenant.Channel
	flow    tenant.RuntimeFlow
	host    string
}

// below is the channel's address without the prefix of its adapter and the slash.
func (e endpoint) below() string {
	return strings.TrimPrefix(strings.TrimPrefix(e.channel.Address, e.channel.Adapter.Prefix()), "/")
}

func (e endpoint) protocol() string {
	switch e.channel.Adapter {
	case tenant.HTTPS:
		return "REST"
	case tenant.OData:
		return "ODATAV2"
	case tenant.AS2, tenant.AS2MDN:
		return "AS2" // [?]
	}
	return "SOAP"
}

// endpointType is ServiceEndpoint. [C: recorded]
var endpointType = &odata.EntityType{
	Name: "ServiceEndpoint", Set: "ServiceEndpoints", Keys: []string{"Id"},
	Properties: []odata.Property{
		{Name: "Name", Type: odata.String, Filter: true, Get: odata.Field(func(e endpoint) any { return e.flow.ID })},
		{Name: "Id", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(e endpoint) any { return e.flow.ID + "$endpointAddress=" + e.below() })},
		{Name: "Title", Type: odata.String, Get: odata.Field(func(e endpoint) any { return e.flow.Name })},
		{Name: "Version", Type: odata.String, Get: odata.Field(func(e endpoint) any { return e.flow.Version })},
		{Name: "Summary", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "Description", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "LastUpdated", Type: odata.DateTime, Get: odata.Field(func(e endpoint) any { return e.flow.DeployedOn })},
		{Name: "Protocol", Type: odata.String, Filter: true, Get: odata.Field(func(e endpoint) any { return e.protocol() })},
	},
	Navigations: []odata.Navigation{
		{Name: "EntryPoints", To: entryPointType, Many: true, Get: odata.Many(func(e endpoint) []entryPoint {
			u := url.URL{Scheme: "https", Host: e.host, Path: strings.TrimSuffix(e.channel.Address, "/*")}
			return []entryPoint{{e.flow.ID, u.String()}}
		})},
		{Name: "ApiDefinitions", To: definitionType, Many: true, Get: func(any) []any { return nil }},
	},
}

// endpoints is the entity set ServiceEndpoints.
func (s *Server) endpoints() *resource {
	return &resource{
		typ: endpointType, read: viewRuntime, change: viewRuntime,
		list: func(q *request) ([]any, *odata.Error) {
			flows := map[string]tenant.RuntimeFlow{}
			for _, f := range q.snapshot.Runtime() {
				flows[f.ID] = f
			}
			var out []any
			for _, c := range q.snapshot.Channels() {
				out = append(out, endpoint{channel: c, flow: flows[c.Flow], host: s.config.Host})
			}
			return out, nil
		},
	}
}

// profile is the node profile of the runtime nodes, with its roles.
type profile struct {
	name  string
	roles []string
}

// roleType is Role: what the channel's Select button offers. [C: that it does; the form: ?]
var roleType = &odata.EntityType{
	Name: "Role", Set: "Roles", Keys: []string{"Name"},
	Properties: []odata.Property{{Name: "Name", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(r string) any { return r })}},
}

// profileType is NodeProfile. [?: the form]
var profileType = &odata.EntityType{
	Name: "NodeProfile", Set: "NodeProfiles", Keys: []string{"Id"},
	Properties: []odata.Property{
		{Name: "Id", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(p profile) any { return p.name })},
		{Name: "DisplayName", Type: odata.String, Get: odata.Field(func(p profile) any { return p.name })},
	},
	Navigations: []odata.Navigation{{Name: "Roles", To: roleType, Many: true, Get: odata.Many(func(p profile) []string { return p.roles })}},
}

// channelRoles are the roles on the application of the worker node.
func channelRoles(snapshot *tenant.Snapshot) []string {
	out := []string{tenant.DefaultRole}
	for _, r := range snapshot.ApplicationRoles() {
		if r.Application == snapshot.Application() && !slices.Contains(out, r.Name) {
			out = append(out, r.Name)
		}
	}
	return out
}

func (s *Server) profiles() *resource {
	return &resource{
		typ: profileType, read: viewFlows, change: viewFlows,
		list: func(q *request) ([]any, *odata.Error) {
			name := strings.TrimPrefix(q.snapshot.Application(), q.snapshot.Account())
			return []any{profile{name, channelRoles(q.snapshot)}}, nil
		},
	}
}

func (s *Server) roles() *resource {
	return &resource{
		typ: roleType, read: viewFlows, change: viewFlows,
		list: func(q *request) ([]any, *odata.Error) { return odata.Entities(channelRoles(q.snapshot)), nil },
	}
}
