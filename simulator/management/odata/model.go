package odata

import (
	"slices"
	"time"
)

// Type is a primitive type of the entity data model.
type Type string

// The primitive types that the interface uses, and the Go type of their values.
const (
	String         Type = "Edm.String"         // string
	Boolean        Type = "Edm.Boolean"        // bool
	Int32          Type = "Edm.Int32"          // int64
	Int64          Type = "Edm.Int64"          // int64
	DateTime       Type = "Edm.DateTime"       // time.Time; the zero value is null
	DateTimeOffset Type = "Edm.DateTimeOffset" // time.Time; the zero value is null
	Binary         Type = "Edm.Binary"         // []byte; nil is null
)

// Property is a property of an entity type or of a complex type.
type Property struct {
	Name string
	// Type of its values. Default: that of Complex.
	Type Type
	// Complex is the type of a property that has properties of its own.
	Complex *ComplexType
	// NotNull: the property always has a value.
	NotNull bool
	// MaxLength is the length that $metadata names. Default: none.
	MaxLength int
	// Filter allows the property in $filter.
	Filter bool
	// Get reads the property of an entity. nil is null.
	Get func(entity any) any
}

// Field makes the function that reads a property from the caller's type.
func Field[T any](read func(T) any) func(any) any {
	return func(entity any) any { return read(entity.(T)) }
}

// Many makes the function that reads a navigation from the caller's types.
func Many[T, To any](read func(T) []To) func(any) []any {
	return func(entity any) []any { return Entities(read(entity.(T))) }
}

// Entities makes a list of entities of the caller's values.
func Entities[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// ComplexType is a type of properties.
type ComplexType struct {
	Name       string
	Properties []Property
}

// Navigation leads from an entity to others.
type Navigation struct {
	Name string
	To   *EntityType
	// Many: it leads to a collection, else to one entity or none.
	Many bool
	// Get returns the entities.
	Get func(entity any) []any
}

// EntityType is a type of entities.
type EntityType struct {
	Name string
	// Keys names the properties that tell entities of a set apart.
	Keys        []string
	Properties  []Property
	Navigations []Navigation
	// Media: entities have content of their own behind $value, of the type that ContentType
	// tells.
	Media       bool
	ContentType func(entity any) string
	// Same tells whether a key as it was asked for is the one that an entity has. Default: if
	// they are equal.
	Same func(property, has, asked string) bool
	// Set is the name of the set that the type's entities are addressed in.
	Set string
}

// EntitySet is a collection that is reached by its name.
type EntitySet struct {
	Name string
	Type *EntityType
}

// Parameter is one of a function import, given in the query.
type Parameter struct {
	Name string
	Type Type
}

// FunctionImport is an operation that is reached by its name.
type FunctionImport struct {
	Name       string
	Method     string
	Parameters []Parameter
	Returns    Type
}

// Model is all that a service offers.
type Model struct {
	Namespace string
	Container string
	Sets      []EntitySet
	Functions []FunctionImport
}

// set finds an entity set.
func (m *Model) set(name string) (EntitySet, bool) {
	i := slices.IndexFunc(m.Sets, func(s EntitySet) bool { return s.Name == name })
	if i < 0 {
		return EntitySet{}, false
	}
	return m.Sets[i], true
}

// types lists the entity types, each once: those of the sets and those they lead to.
func (m *Model) types() []*EntityType {
	var out []*EntityType
	var add func(*EntityType)
	add = func(t *EntityType) {
		if slices.Contains(out, t) {
			return
		}
		out = append(out, t)
		for _, n := range t.Navigations {
			add(n.To)
		}
	}
	for _, s := range m.Sets {
		add(s.Type)
	}
	return out
}

// property finds a property by its name.
func (t *EntityType) property(name string) (*Property, bool) {
	for i := range t.Properties {
		if t.Properties[i].Name == name {
			return &t.Properties[i], true
		}
	}
	return nil, false
}

// navigation finds a navigation by its name.
func (t *EntityType) navigation(name string) (*Navigation, bool) {
	for i := range t.Navigations {
		if t.Navigations[i].Name == name {
			return &t.Navigations[i], true
		}
	}
	return nil, false
}

// names lists the properties and navigations.
func (t *EntityType) names() []string {
	var out []string
	for _, p := range t.Properties {
		out = append(out, p.Name)
	}
	for _, n := range t.Navigations {
		out = append(out, n.Name)
	}
	return out
}

// Find returns the entity that has the key.
func (t *EntityType) Find(entities []any, key Key) (any, bool) {
	for _, e := range entities {
		if t.has(e, key) {
			return e, true
		}
	}
	return nil, false
}

func (t *EntityType) has(entity any, key Key) bool {
	for _, name := range t.Keys {
		p, _ := t.property(name)
		value, _ := p.Get(entity).(string) // keys are strings: see Model.checkKey
		asked := key.Get(name)
		if t.Same != nil {
			if !t.Same(name, value, asked) {
				return false
			}
		} else if value != asked {
			return false
		}
	}
	return true
}

// value reads a property; what stands for null becomes nil.
func (p *Property) value(entity any) any {
	switch v := p.Get(entity).(type) {
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v
	case []byte:
		if v == nil {
			return nil
		}
		return v
	default:
		return v
	}
}
