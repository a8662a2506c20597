package odata

import (
	"time"
)

// parcel and label are entities for the tests.
type parcel struct {
	id, owner, note string
	size            int64
	urgent          bool
	sent            time.Time
	content         []byte
	labels          []label
}

type label struct{ name, text string }

// noted is what the complex property of a parcel has.
type noted struct{ by, text string }

var labelType = &EntityType{
	Name: "Label", Set: "Labels", Keys: []string{"Name"},
	Properties: []Property{
		{Name: "Name", Type: String, NotNull: true, Get: Field(func(l label) any { return l.name })},
		{Name: "Text", Type: String, Get: Field(func(l label) any { return l.text })},
	},
}

var noteType = &ComplexType{Name: "Note", Properties: []Property{
	{Name: "By", Type: String, Get: Field(func(n noted) any { return n.by })},
	{Name: "Text", Type: String, Get: Field(func(n noted) any { return n.text })},
}}

var parcelType = &EntityType{
	Name: "Parcel", Set: "Parcels", Keys: []string{"Id", "Owner"}, Media: true,
	ContentType: func(any) string { return "application/zip" },
	Same: func(property, has, asked string) bool {
		return has == asked || property == "Owner" && asked == "active"
	},
	Properties: []Property{
		{Name: "Id", Type: String, NotNull: true, MaxLength: 32, Filter: true, Get: Field(func(p parcel) any { return p.id })},
		{Name: "Owner", Type: String, NotNull: true, Filter: true, Get: Field(func(p parcel) any { return p.owner })},
		{Name: "Secret", Type: String, Get: Field(func(parcel) any { return nil })},
		{Name: "Size", Type: Int64, Filter: true, Get: Field(func(p parcel) any { return p.size })},
		{Name: "Pieces", Type: Int32, Filter: true, Get: Field(func(p parcel) any { return p.size / 10 })},
		{Name: "Urgent", Type: Boolean, Filter: true, Get: Field(func(p parcel) any { return p.urgent })},
		{Name: "Sent", Type: DateTime, Filter: true, Get: Field(func(p parcel) any { return p.sent })},
		{Name: "SentAt", Type: DateTimeOffset, Filter: true, Get: Field(func(p parcel) any { return p.sent })},
		{Name: "Content", Type: Binary, Filter: true, Get: Field(func(p parcel) any { return p.content })},
		{Name: "Note", Complex: noteType, Get: Field(func(p parcel) any {
			if p.note == "" {
				return nil
			}
			return noted{p.owner, p.note}
		})},
	},
	Navigations: []Navigation{
		{Name: "Labels", To: labelType, Many: true, Get: Many(func(p parcel) []label { return p.labels })},
		{Name: "First", To: labelType, Get: Many(func(p parcel) []label { return p.labels[:min(1, len(p.labels))] })},
	},
}

var model = &Model{
	Namespace: "com.example", Container: "DefaultContainer",
	Sets:      []EntitySet{{"Parcels", parcelType}, {"Labels", labelType}},
	Functions: []FunctionImport{{Name: "Send", Method: "POST", Returns: String, Parameters: []Parameter{{"Id", String}}}},
}

var sent = time.Date(2021, 4, 12, 0, 0, 3, 250e6, time.UTC)

// parcels are the entities that the tests filter, order and write.
func parcels() []any {
	return []any{
		parcel{id: "a", owner: "WAREHOUSE", size: 30, urgent: true, sent: sent, content: []byte{1, 2}, labels: []label{{"x/y", `<"&'>`}, {"z", "two"}}},
		parcel{id: "b", owner: "O'Neill", size: 10, note: "fragile"},
		parcel{id: "c", owner: "SHOP", size: 20, sent: sent.Add(time.Hour)},
	}
}

// ids lists which parcels there are.
func ids(entities []any) string {
	out := ""
	for _, e := range entities {
		out += e.(parcel).id
	}
	return out
}
