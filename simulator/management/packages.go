package management

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// flowPackage is a package with the flows in it.
type flowPackage struct {
	tenant.Package
	flows []tenant.Artifact
}

// packageType is IntegrationPackage, as recorded. [C]
var packageType = &odata.EntityType{
	Name: "IntegrationPackage", Set: "IntegrationPackages", Keys: []string{"Id"},
	Properties: []odata.Property{
		{Name: "Id", Type: odata.String, NotNull: true, MaxLength: maxName, Filter: true, Get: odata.Field(func(p flowPackage) any { return p.ID })},
		{Name: "Name", Type: odata.String, Filter: true, Get: odata.Field(func(p flowPackage) any { return p.Name })},
		{Name: "Description", Type: odata.String, Get: odata.Field(func(p flowPackage) any { return p.Description })},
		{Name: "ShortText", Type: odata.String, Get: odata.Field(func(p flowPackage) any { return p.Description })},
		{Name: "Version", Type: odata.String, Get: odata.Field(func(p flowPackage) any { return p.Version })},
		{Name: "Vendor", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "PartnerContent", Type: odata.Boolean, Get: func(any) any { return false }},
		{Name: "UpdateAvailable", Type: odata.Boolean, Get: func(any) any { return false }},
		{Name: "Mode", Type: odata.String, Filter: true, Get: func(any) any { return "EDIT_ALLOWED" }},
		{Name: "SupportedPlatform", Type: odata.String, Get: func(any) any { return "SAP Cloud Integration" }},
		{Name: "ModifiedBy", Type: odata.String, Get: odata.Field(func(p flowPackage) any { by, _ := p.changed(); return by })},
		{Name: "CreationDate", Type: odata.String, Get: odata.Field(func(p flowPackage) any { return millis(p.created()) })},
		{Name: "ModifiedDate", Type: odata.String, Get: odata.Field(func(p flowPackage) any { _, at := p.changed(); return millis(at) })},
		{Name: "CreatedBy", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "Products", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "Keywords", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "Countries", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "Industries", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "LineOfBusiness", Type: odata.String, Get: func(any) any { return "" }},
		{Name: "PackageContent", Type: odata.Binary, Get: func(any) any { return nil }},
	},
	Navigations: []odata.Navigation{
		{Name: "IntegrationDesigntimeArtifacts", To: artifactType, Many: true, Get: odata.Many(func(p flowPackage) []tenant.Artifact { return p.flows })},
		{Name: "ValueMappingDesigntimeArtifacts", To: valueMappingType, Many: true, Get: func(any) []any { return nil }},
		{Name: "CustomTags", To: tagType, Many: true, Get: func(any) []any { return nil }},
	},
}

// valueMappingType and tagType are what clients that walk through packages look for too [C:
// recorded]. The simulator has no value mappings and no tags.
var (
	valueMappingType = &odata.EntityType{
		Name: "ValueMappingDesigntimeArtifact", Set: "ValueMappingDesigntimeArtifacts", Keys: []string{"Id", "Version"},
		Properties: []odata.Property{
			{Name: "Id", Type: odata.String, NotNull: true, Get: func(any) any { return "" }},
			{Name: "Version", Type: odata.String, NotNull: true, Get: func(any) any { return "" }},
			{Name: "PackageId", Type: odata.String, Get: func(any) any { return "" }},
			{Name: "Name", Type: odata.String, Get: func(any) any { return "" }},
			{Name: "Description", Type: odata.String, Get: func(any) any { return "" }},
		},
	}
	tagType = &odata.EntityType{
		Name: "CustomTag", Set: "CustomTags", Keys: []string{"Name"},
		Properties: []odata.Property{
			{Name: "Name", Type: odata.String, NotNull: true, Get: func(any) any { return "" }},
			{Name: "Value", Type: odata.String, Get: func(any) any { return "" }},
		},
	}
)

// changed tells who changed a flow of the package last, and when.
func (p flowPackage) changed() (by string, at time.Time) {
	for _, f := range p.flows {
		if f.Modified.After(at) {
			by, at = f.ModifiedBy, f.Modified
		}
	}
	return by, at
}

// created is when the first flow of the package was made.
func (p flowPackage) created() (at time.Time) {
	for _, f := range p.flows {
		if !f.Created.IsZero() && (at.IsZero() || f.Created.Before(at)) {
			at = f.Created
		}
	}
	return at
}

// millis is a time as packages show it: milliseconds as a string [C]; null if it is not known.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// packages lists the packages; the one of flows that nobody uploaded is always there.
func (q *request) packages() []tenant.Package {
	all := q.snapshot.Packages()
	if !slices.ContainsFunc(all, func(p tenant.Package) bool { return p.ID == tenant.LandscapePackage }) {
		all = append(slices.Clone(all), tenant.Package{ID: tenant.LandscapePackage, Name: tenant.LandscapePackage, Version: tenant.DefaultVersion})
	}
	return all
}

// packageSet is the entity set IntegrationPackages, as far as clients walk through it, and POST.
func (s *Server) packageSet() *resource {
	return &resource{
		typ: packageType, read: viewFlows, change: deployFlows,
		list: func(q *request) ([]any, *odata.Error) {
			flows := map[string][]tenant.Artifact{}
			for _, a := range q.snapshot.Artifacts() {
				flows[a.Package] = append(flows[a.Package], a)
			}
			var out []any
			for _, p := range q.packages() {
				out = append(out, flowPackage{p, flows[p.ID]})
			}
			return out, nil
		},
		create: func(q *request, body odata.Body) (odata.Answer, *odata.Error) {
			id, err := required(body, "Id", maxName)
			if err != nil {
				return odata.Answer{}, err
			}
			name, err := required(body, "Name", maxName)
			if err != nil {
				return odata.Answer{}, err
			}
			p := tenant.Package{ID: id, Name: name, Description: body["ShortText"], Version: body["Version"]}
			taken := id == tenant.LandscapePackage
			changing := s.config.Tenant.Update(func(c *tenant.Config) error {
				taken = taken || slices.ContainsFunc(c.Packages, func(other tenant.Package) bool { return other.ID == id })
				if !taken {
					c.Packages = append(c.Packages, p)
				}
				return nil
			})
			switch {
			case changing != nil:
				return odata.Answer{}, q.server.refused("Creating the package", changing)
			case taken:
				return odata.Answer{}, odata.Errorf(http.StatusConflict, "There is a package with the Id %q already.", id)
			}
			return q.service.Entity(http.StatusCreated, packageType, flowPackage{Package: p}), nil
		},
	}
}
