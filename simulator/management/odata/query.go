package odata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxQuery bounds a query string in bytes, and maxOptions in options. [?]
	maxQuery   = 16 << 10
	maxOptions = 64
)

// Order is one part of $orderby.
type Order struct {
	Property   *Property
	Descending bool
}

// Options are the system query options of a request. The zero value asks for everything.
type Options struct {
	Filter *Filter
	// Select names the properties and navigations that are wanted; nil is all.
	Select []string
	// Expand names the navigations whose entities come with the answer.
	Expand  []string
	OrderBy []Order
	// Top is the number of entities that are wanted at most; -1 is all.
	Top  int
	Skip int
	// InlineCount adds the number of entities without Top and Skip.
	InlineCount bool
	// Format is $format; empty if none is given.
	Format string
	// Custom are the options without a dollar sign, by name.
	Custom map[string]string
}

// allowed tells which system options make sense of a resource.
func (r Resource) allowed() []string {
	switch {
	case r.Root, r.Metadata, r.Function != nil, r.Ending == Links:
		return []string{"$format"}
	case r.Ending == Content:
		return nil
	case r.Property != nil:
		return []string{"$format"}
	case r.Ending == Count:
		return []string{"$filter", "$top", "$skip"}
	case r.Collection():
		return []string{"$format", "$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$inlinecount"}
	}
	return []string{"$format", "$select", "$expand"}
}

// known are the system options of OData 2.
var known = []string{"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$inlinecount", "$format", "$skiptoken"}

// ParseOptions reads the query of a request for the resource. change tells that the request is to
// change it: then there is nothing to filter or select. custom names the options without a dollar
// sign that the resource has.
//
// $select may be repeated, as some clients do [C]; its values add up. Any other option that is
// repeated is an error, and so is every option that the resource does not have.
func ParseOptions(query string, r Resource, change bool, custom []string) (Options, *Error) {
	o := Options{Top: -1}
	pairs, err := Pairs(query)
	if err != nil {
		return o, err
	}
	allowed := r.allowed()
	if change {
		allowed = []string{"$format"}
	}
	var seen []string
	for _, pair := range pairs {
		name, value := pair[0], pair[1]
		if slices.Contains(seen, name) && name != "$select" {
			return o, badRequest("The query option %q is given more than once.", clip(name))
		}
		seen = append(seen, name)
		switch {
		case !strings.HasPrefix(name, "$"):
			if !slices.Contains(custom, name) {
				return o, badRequest("The query option %q is not known here.", clip(name))
			}
			if o.Custom == nil {
				o.Custom = map[string]string{}
			}
			o.Custom[name] = value
			continue
		case !slices.Contains(known, name):
			return o, badRequest("The system query option %q is not known: OData 2 has %s.", clip(name), strings.Join(known, ", "))
		case name == "$skiptoken":
			return o, notImplemented("$skiptoken is not supported: answers are not cut into pages.")
		case !slices.Contains(allowed, name):
			return o, badRequest("The system query option %q makes no sense for this resource.", name)
		}
		if err := o.set(name, value, r); err != nil {
			return o, err
		}
	}
	return o, o.checkExpand()
}

// set reads one system option.
func (o *Options) set(name, value string, r Resource) (err *Error) {
	switch t := r.Type(); name {
	case "$filter":
		o.Filter, err = ParseFilter(value, t)
	case "$select":
		return o.addSelect(value, t)
	case "$expand":
		return o.setExpand(value, t)
	case "$orderby":
		return o.setOrder(value, t)
	case "$top":
		o.Top, err = number(name, value)
	case "$skip":
		o.Skip, err = number(name, value)
	case "$inlinecount":
		if value != "allpages" && value != "none" {
			return badRequest("Found $inlinecount=%q, expected allpages or none.", clip(value))
		}
		o.InlineCount = value == "allpages"
	case "$format":
		o.Format = value
		if value == "" {
			return badRequest("Found an empty $format, expected json, atom or xml.")
		}
	}
	return err
}

func number(name, value string) (int, *Error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || strings.HasPrefix(value, "+") {
		return 0, badRequest("Found %s=%q, expected a whole number from 0.", name, clip(value))
	}
	return n, nil
}

func (o *Options) addSelect(value string, t *EntityType) *Error {
	if o.Select == nil {
		o.Select = []string{}
	}
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "*":
			for _, p := range t.Properties {
				o.Select = append(o.Select, p.Name)
			}
			continue
		case strings.Contains(name, "/"):
			return notImplemented("$select: the path %q is not supported, only properties of %s itself.", clip(name), t.Name)
		case !slices.Contains(t.names(), name):
			return badRequest("$select: %s has no property %q.", t.Name, clip(name))
		}
		if !slices.Contains(o.Select, name) {
			o.Select = append(o.Select, name)
		}
	}
	return nil
}

func (o *Options) setExpand(value string, t *EntityType) *Error {
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		if strings.Contains(name, "/") {
			return notImplemented("$expand: the path %q is not supported, only navigations of %s itself.", clip(name), t.Name)
		}
		if _, ok := t.navigation(name); !ok {
			return badRequest("$expand: %s has no navigation %q.", t.Name, clip(name))
		}
		if !slices.Contains(o.Expand, name) {
			o.Expand = append(o.Expand, name)
		}
	}
	return nil
}

// checkExpand: what is expanded has to be selected too, if anything is (OData 2, section 4.8).
func (o *Options) checkExpand() *Error {
	if o.Select == nil {
		return nil
	}
	for _, name := range o.Expand {
		if !slices.Contains(o.Select, name) {
			return badRequest("$expand names %q, and $select does not.", name)
		}
	}
	return nil
}

func (o *Options) setOrder(value string, t *EntityType) *Error {
	for part := range strings.SplitSeq(value, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 || len(words) == 2 && words[1] != "asc" && words[1] != "desc" {
			return badRequest("$orderby: found %q, expected a property, and asc or desc behind it.", clip(part))
		}
		p, ok := t.property(words[0])
		switch {
		case strings.Contains(words[0], "/"):
			return notImplemented("$orderby: the path %q is not supported.", clip(words[0]))
		case !ok:
			return badRequest("$orderby: %s has no property %q.", t.Name, clip(words[0]))
		case p.Complex != nil:
			return badRequest("$orderby: the property %q is complex and has no order.", p.Name)
		}
		o.OrderBy = append(o.OrderBy, Order{p, len(words) == 2 && words[1] == "desc"})
	}
	return nil
}

// Pairs takes a query string apart into names and values, in their order. Only "&" separates, so
// that a value may hold semicolons; a plus stands for a blank.
func Pairs(query string) ([][2]string, *Error) {
	if len(query) > maxQuery {
		return nil, Errorf(414, "The query has %d bytes, expected %d at most.", len(query), maxQuery)
	}
	var out [][2]string
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		if len(out) == maxOptions {
			return nil, badRequest("The query has more than %d options.", maxOptions)
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, badRequest("The query is not percent-encoded as it should be.")
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, badRequest("The query is not percent-encoded as it should be.")
		}
		out = append(out, [2]string{n, v})
	}
	return out, nil
}

// Apply filters, orders and cuts the entities. count is how many there are without Top and Skip.
// The slice that is given is not changed.
func (o Options) Apply(entities []any) (page []any, count int) {
	if o.Filter != nil {
		kept := make([]any, 0, len(entities))
		for _, e := range entities {
			if o.Filter.Match(e) {
				kept = append(kept, e)
			}
		}
		entities = kept
	}
	count = len(entities)
	if len(o.OrderBy) > 0 {
		entities = slices.Clone(entities)
		slices.SortStableFunc(entities, func(a, b any) int {
			for _, by := range o.OrderBy {
				if c := compare(by.Property.value(a), by.Property.value(b)); c != 0 {
					if by.Descending {
						return -c
					}
					return c
				}
			}
			return 0
		})
	}
	entities = entities[min(o.Skip, len(entities)):]
	if o.Top >= 0 {
		entities = entities[:min(o.Top, len(entities))]
	}
	return entities, count
}
