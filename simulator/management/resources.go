package management

import (
	"archive/zip"
	"bytes"
	"path"
	"strings"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// flowResource is a file in a flow that its steps use: a script, a mapping, a schema.
type flowResource struct{ name, kind string }

// resourceType is Resource. [C: recorded] Its content is not offered.
var resourceType = &odata.EntityType{
	Name: "Resource", Set: "Resources", Keys: []string{"Name", "ResourceType"},
	Properties: []odata.Property{
		{Name: "Name", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(r flowResource) any { return r.name })},
		{Name: "ResourceType", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(r flowResource) any { return r.kind })},
		{Name: "ReferencedResourceType", Type: odata.String, Get: func(any) any { return nil }},
		{Name: "ResourceContent", Type: odata.Binary, Get: func(any) any { return nil }},
	},
}

// maxResources bounds how many files of a flow are listed.
const maxResources = 1000

// resources lists the files of a flow, by the directory of its zip. Nothing is unpacked.
func resources(a tenant.Artifact) []flowResource {
	const root = "src/main/resources/"
	files, err := zip.NewReader(bytes.NewReader(a.Content), int64(len(a.Content)))
	if err != nil {
		return nil // a flow that came with a landscape has none
	}
	var out []flowResource
	for _, f := range files.File {
		below, ok := strings.CutPrefix(f.Name, root)
		folder, name, nested := strings.Cut(below, "/")
		if !ok || !nested || folder == "scenarioflows" || name == "" || strings.HasSuffix(name, "/") || len(out) == maxResources {
			continue // parameters and the flow itself are none
		}
		out = append(out, flowResource{path.Base(name), strings.TrimPrefix(path.Ext(name), ".")})
	}
	return out
}
