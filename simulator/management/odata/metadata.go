package odata

import (
	"strconv"
)

// metadata writes the model as an EDMX document.
func (w *writer) metadata(m *Model) {
	types := m.types()
	w.raw(xmlHead + `<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">` +
		`<edmx:DataServices m:DataServiceVersion="1.0" xmlns:m="` + nsMetadata + `">` +
		`<Schema Namespace="` + m.Namespace + `" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">`)
	var complexes []*ComplexType
	for _, t := range types {
		w.entityType(m, t)
		for _, p := range t.Properties {
			if p.Complex != nil {
				complexes = append(complexes, p.Complex)
			}
		}
	}
	for _, c := range complexes {
		w.raw(`<ComplexType Name="` + c.Name + `">`)
		for i := range c.Properties {
			w.propertyType(m, &c.Properties[i])
		}
		w.raw("</ComplexType>")
	}
	for _, t := range types {
		for _, n := range t.Navigations {
			many := "0..1"
			if n.Many {
				many = "*"
			}
			w.raw(`<Association Name="` + association(t, n) + `">` +
				`<End Type="` + m.Namespace + "." + t.Name + `" Multiplicity="1" Role="` + fromRole(t, n) + `"/>` +
				`<End Type="` + m.Namespace + "." + n.To.Name + `" Multiplicity="` + many + `" Role="` + toRole(t, n) + `"/></Association>`)
		}
	}
	w.container(m, types)
	w.raw("</Schema></edmx:DataServices></edmx:Edmx>")
}

func association(t *EntityType, n Navigation) string { return t.Name + "_" + n.Name }
func fromRole(t *EntityType, n Navigation) string    { return t.Name + "_" + n.Name + "_From" }
func toRole(t *EntityType, n Navigation) string      { return t.Name + "_" + n.Name + "_To" }

func (w *writer) entityType(m *Model, t *EntityType) {
	w.raw(`<EntityType Name="` + t.Name + `"`)
	if t.Media {
		w.raw(` m:HasStream="true"`)
	}
	w.raw("><Key>")
	for _, k := range t.Keys {
		w.raw(`<PropertyRef Name="` + k + `"/>`)
	}
	w.raw("</Key>")
	for i := range t.Properties {
		w.propertyType(m, &t.Properties[i])
	}
	for _, n := range t.Navigations {
		w.raw(`<NavigationProperty Name="` + n.Name + `" Relationship="` + m.Namespace + "." + association(t, n) +
			`" FromRole="` + fromRole(t, n) + `" ToRole="` + toRole(t, n) + `"/>`)
	}
	w.raw("</EntityType>")
}

func (w *writer) propertyType(m *Model, p *Property) {
	typ := string(p.Type)
	if p.Complex != nil {
		typ = m.Namespace + "." + p.Complex.Name
	}
	w.raw(`<Property Name="` + p.Name + `" Type="` + typ + `"`)
	if p.NotNull {
		w.raw(` Nullable="false"`)
	}
	if p.MaxLength > 0 {
		w.raw(` MaxLength="` + strconv.Itoa(p.MaxLength) + `"`)
	}
	w.raw("/>")
}

// container lists the sets, with one for each type that others lead to, and the functions.
func (w *writer) container(m *Model, types []*EntityType) {
	w.raw(`<EntityContainer Name="` + m.Container + `" m:IsDefaultEntityContainer="true">`)
	for _, t := range types {
		w.raw(`<EntitySet Name="` + t.Set + `" EntityType="` + m.Namespace + "." + t.Name + `"/>`)
	}
	for _, t := range types {
		for _, n := range t.Navigations {
			w.raw(`<AssociationSet Name="` + association(t, n) + `" Association="` + m.Namespace + "." + association(t, n) + `">` +
				`<End EntitySet="` + t.Set + `" Role="` + fromRole(t, n) + `"/>` +
				`<End EntitySet="` + n.To.Set + `" Role="` + toRole(t, n) + `"/></AssociationSet>`)
		}
	}
	for _, f := range m.Functions {
		w.raw(`<FunctionImport Name="` + f.Name + `" ReturnType="` + string(f.Returns) + `" m:HttpMethod="` + f.Method + `">`)
		for _, p := range f.Parameters {
			w.raw(`<Parameter Name="` + p.Name + `" Type="` + string(p.Type) + `" Mode="In"/>`)
		}
		w.raw("</FunctionImport>")
	}
	w.raw("</EntityContainer>")
}

// services writes the service document: the sets that can be read [C].
func (w *writer) services(m *Model, format Format) {
	if format == JSON {
		w.raw(`{"d":{"EntitySets":[`)
		for i, s := range m.Sets {
			if i > 0 {
				w.raw(",")
			}
			w.out = appendString(w.out, s.Name)
		}
		w.raw("]}}")
		return
	}
	w.raw(xmlHead + `<service xml:base="`)
	w.text(w.base)
	w.raw(`" xmlns="http://www.w3.org/2007/app" xmlns:atom="` + nsAtom + `"><workspace><atom:title>Default</atom:title>`)
	for _, s := range m.Sets {
		w.raw(`<collection href="` + s.Name + `">`)
		w.element("atom:title", s.Name)
		w.raw("</collection>")
	}
	w.raw("</workspace></service>")
}
