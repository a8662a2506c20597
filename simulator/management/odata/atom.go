package odata

import (
	"encoding/base64"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The namespaces of OData 2 in XML.
const (
	nsAtom     = "http://www.w3.org/2005/Atom"
	nsData     = "http://schemas.microsoft.com/ado/2007/08/dataservices"
	nsMetadata = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
	nsScheme   = "http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"
	nsRelated  = "http://schemas.microsoft.com/ado/2007/08/dataservices/related/"
	xmlHead    = `<?xml version="1.0" encoding="utf-8"?>`
)

// text writes a text of XML. Characters that XML cannot hold become U+FFFD.
func (w *writer) text(s string) {
	if isPlain(s) {
		w.raw(s)
		return
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))                   // a Builder never fails
	w.raw(strings.ReplaceAll(b.String(), "&#39;", "'")) // keys are full of them
}

func isPlain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c >= 0x7f || c == '<' || c == '>' || c == '&' || c == '"' {
			return false
		}
	}
	return true
}

// element writes an element that holds a text.
func (w *writer) element(name, text string) {
	w.raw("<" + name + ">")
	w.text(text)
	w.raw("</" + name + ">")
}

// namespaces declares what feeds and entries use, and the base of the addresses in them.
func (w *writer) namespaces() {
	w.raw(` xmlns="` + nsAtom + `" xmlns:m="` + nsMetadata + `" xmlns:d="` + nsData + `" xml:base="`)
	w.text(w.base)
	w.raw(`"`)
}

func (w *writer) when() string { return w.updated.UTC().Format("2006-01-02T15:04:05.000Z") }

// atomFeed writes the entities of a collection.
func (w *writer) atomFeed(t *EntityType, entities []any, count int) {
	w.raw(xmlHead + "<feed")
	w.namespaces()
	w.raw(">")
	w.feedBody(t, entities, count, t.Set, true)
	w.raw("</feed>")
}

func (w *writer) feedBody(t *EntityType, entities []any, count int, address string, top bool) {
	w.element("id", w.base+address)
	w.raw(`<title type="text">`)
	w.text(t.Set)
	w.raw("</title>")
	w.element("updated", w.when())
	w.raw(`<author><name/></author><link href="`)
	w.text(address)
	w.raw(`" rel="self" title="`)
	w.text(t.Set)
	w.raw(`"/>`)
	if top && w.options.InlineCount {
		w.element("m:count", strconv.Itoa(count))
	}
	for _, e := range entities {
		w.raw("<entry>")
		w.entryBody(t, e, top)
		w.raw("</entry>")
	}
}

// atomEntry writes one entity as a document.
func (w *writer) atomEntry(t *EntityType, entity any) {
	w.raw(xmlHead + "<entry")
	w.namespaces()
	w.raw(">")
	w.entryBody(t, entity, true)
	w.raw("</entry>")
}

func (w *writer) entryBody(t *EntityType, entity any, top bool) {
	address := t.Set + t.keyOf(entity)
	w.element("id", w.base+address)
	w.raw(`<title type="text">`)
	w.text(t.Set)
	w.raw("</title>")
	w.element("updated", w.when())
	w.raw(`<category term="` + w.namespace + "." + t.Name + `" scheme="` + nsScheme + `"/>`)
	w.link(address, "edit", t.Name)
	if t.Media {
		w.link(address+"/$value", "edit-media", t.Name)
	}
	for i := range t.Navigations {
		n := &t.Navigations[i]
		if !top || w.selected(n.Name) {
			w.atomNavigation(n, entity, address, top)
		}
	}
	if !t.Media {
		w.raw(`<content type="application/xml">`)
		w.atomProperties(t, entity, top)
		w.raw("</content>")
		return
	}
	w.raw(`<content type="`)
	w.text(t.ContentType(entity))
	w.raw(`" src="`)
	w.text(address + "/$value")
	w.raw(`"/>`)
	w.atomProperties(t, entity, top)
}

func (w *writer) link(href, rel, title string) {
	w.raw(`<link href="`)
	w.text(href)
	w.raw(`" rel="` + rel + `" title="` + title + `"/>`)
}

func (w *writer) atomNavigation(n *Navigation, entity any, address string, top bool) {
	kind := "entry"
	if n.Many {
		kind = "feed"
	}
	w.raw(`<link href="`)
	w.text(address + "/" + n.Name)
	w.raw(`" rel="` + nsRelated + n.Name + `" title="` + n.Name + `" type="application/atom+xml;type=` + kind + `"`)
	if !top || !slices.Contains(w.options.Expand, n.Name) {
		w.raw("/>")
		return
	}
	w.raw("><m:inline>")
	switch to := n.Get(entity); {
	case n.Many:
		w.raw("<feed>")
		w.feedBody(n.To, to, len(to), address+"/"+n.Name, false)
		w.raw("</feed>")
	case len(to) > 0:
		w.raw("<entry>")
		w.entryBody(n.To, to[0], false)
		w.raw("</entry>")
	}
	w.raw("</m:inline></link>")
}

func (w *writer) atomProperties(t *EntityType, entity any, top bool) {
	w.raw("<m:properties>")
	for i := range t.Properties {
		if p := &t.Properties[i]; !top || w.selected(p.Name) {
			w.atomProperty(p, entity, "")
		}
	}
	w.raw("</m:properties>")
}

// atomProperty writes a property as an element; attributes are added to it.
func (w *writer) atomProperty(p *Property, entity any, attributes string) {
	value := p.value(entity)
	w.raw("<d:" + p.Name + attributes)
	switch {
	case value == nil:
		w.raw(` m:null="true"/>`)
		return
	case p.Complex != nil:
		w.raw(` m:type="` + w.namespace + "." + p.Complex.Name + `">`)
		for i := range p.Complex.Properties {
			w.atomProperty(&p.Complex.Properties[i], value, "")
		}
	default:
		w.raw(">")
		w.text(xmlValue(p.Type, value))
	}
	w.raw("</d:" + p.Name + ">")
}

// xmlValue writes a value as XML and $value do.
func xmlValue(t Type, value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		s := v.UTC().Format("2006-01-02T15:04:05.999")
		if t == DateTimeOffset {
			s += "Z"
		}
		return s
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	return ""
}
