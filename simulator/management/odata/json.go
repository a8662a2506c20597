package odata

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// writer appends answers. Base is the service root with its final slash, which addresses of
// entities begin with.
type writer struct {
	base      string
	namespace string
	options   Options
	updated   time.Time
	out       []byte
}

// keyOf writes the key predicate of an entity, percent-encoded as Olingo does. [C: endpoints]
func (t *EntityType) keyOf(entity any) string {
	var b strings.Builder
	b.WriteByte('(')
	for i, name := range t.Keys {
		p, _ := t.property(name)
		value, _ := p.Get(entity).(string)
		if i > 0 {
			b.WriteByte(',')
		}
		if len(t.Keys) > 1 {
			b.WriteString(name)
			b.WriteByte('=')
		}
		b.WriteByte('\'')
		b.WriteString(escapeKey(strings.ReplaceAll(value, "'", "''")))
		b.WriteByte('\'')
	}
	b.WriteByte(')')
	return b.String()
}

// escapeKey percent-encodes all that is not unreserved, except the quote.
func escapeKey(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = isLetter(c) || isDigit(c) || c == '-' || c == '.' || c == '~' || c == '\''
	}
	if plain {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "%27", "'")
}

// Location is the address of an entity.
func Location(base string, t *EntityType, entity any) string {
	return base + t.Set + t.keyOf(entity)
}

func (w *writer) raw(s string) { w.out = append(w.out, s...) }

// name writes a string of JSON and a colon.
func (w *writer) name(s string) {
	w.out = appendString(w.out, s)
	w.out = append(w.out, ':')
}

// jsonFeed writes the entities of a collection.
func (w *writer) jsonFeed(t *EntityType, entities []any, count int) {
	w.raw(`{"d":{`)
	if w.options.InlineCount {
		w.raw(`"__count":"`)
		w.out = strconv.AppendInt(w.out, int64(count), 10)
		w.raw(`",`)
	}
	w.raw(`"results":`)
	w.jsonList(t, entities, true)
	w.raw("}}")
}

func (w *writer) jsonList(t *EntityType, entities []any, top bool) {
	w.raw("[")
	for i, e := range entities {
		if i > 0 {
			w.raw(",")
		}
		before := len(w.out)
		w.jsonEntity(t, e, top)
		if i == 0 { // the others are about as long
			w.out = slices.Grow(w.out, (len(w.out)-before+64)*(len(entities)-1))
		}
	}
	w.raw("]")
}

// jsonEntity writes one entity. top tells that $select and $expand are about it.
func (w *writer) jsonEntity(t *EntityType, entity any, top bool) {
	location := Location(w.base, t, entity)
	w.raw(`{"__metadata":{"id":`)
	w.out = appendString(w.out, location)
	w.raw(`,"uri":`)
	w.out = appendString(w.out, location)
	w.raw(`,"type":`)
	w.out = appendString(w.out, w.namespace+"."+t.Name)
	if t.Media {
		w.raw(`,"content_type":`)
		w.out = appendString(w.out, t.ContentType(entity))
		w.raw(`,"media_src":`)
		w.out = appendString(w.out, location+"/$value")
		w.raw(`,"edit_media":`)
		w.out = appendString(w.out, location+"/$value")
	}
	w.raw("}")
	for i := range t.Properties {
		p := &t.Properties[i]
		if top && !w.selected(p.Name) {
			continue
		}
		w.raw(",")
		w.name(p.Name)
		w.jsonProperty(p, entity)
	}
	for i := range t.Navigations {
		n := &t.Navigations[i]
		if top && !w.selected(n.Name) {
			continue
		}
		w.raw(",")
		w.name(n.Name)
		if top && slices.Contains(w.options.Expand, n.Name) {
			w.jsonExpanded(n, entity)
			continue
		}
		w.raw(`{"__deferred":{"uri":`)
		w.out = appendString(w.out, location+"/"+n.Name)
		w.raw("}}")
	}
	w.raw("}")
}

func (w *writer) selected(name string) bool {
	return w.options.Select == nil || slices.Contains(w.options.Select, name)
}

func (w *writer) jsonExpanded(n *Navigation, entity any) {
	to := n.Get(entity)
	switch {
	case n.Many:
		w.raw(`{"results":`)
		w.jsonList(n.To, to, false)
		w.raw("}")
	case len(to) == 0:
		w.raw("null")
	default:
		w.jsonEntity(n.To, to[0], false)
	}
}

func (w *writer) jsonProperty(p *Property, entity any) {
	value := p.value(entity)
	if p.Complex == nil || value == nil {
		w.out = appendJSON(w.out, p.Type, value)
		return
	}
	w.raw(`{"__metadata":{"type":`)
	w.out = appendString(w.out, w.namespace+"."+p.Complex.Name)
	w.raw("}")
	for i := range p.Complex.Properties {
		part := &p.Complex.Properties[i]
		w.raw(",")
		w.name(part.Name)
		w.jsonProperty(part, value)
	}
	w.raw("}")
}

// appendJSON writes a value: Int64 as a string, points in time as /Date(ms)/ [C].
func appendJSON(out []byte, t Type, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendString(out, v)
	case bool:
		return strconv.AppendBool(out, v)
	case int64:
		if t == Int64 {
			out = append(out, '"')
			out = strconv.AppendInt(out, v, 10)
			return append(out, '"')
		}
		return strconv.AppendInt(out, v, 10)
	case time.Time:
		out = append(out, `"/Date(`...)
		out = strconv.AppendInt(out, v.UnixMilli(), 10)
		return append(out, `)/"`...)
	case []byte:
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, v)
		return append(out, '"')
	}
	return append(out, "null"...)
}

// appendString writes a string of JSON. What is no UTF-8 becomes U+FFFD.
func appendString(out []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	out = append(out, '"')
	begin := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				out = append(append(out, s[begin:i]...), `\ufffd`...)
				begin = i + 1
			}
			i += size
			continue
		}
		out = append(out, s[begin:i]...)
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		begin = i
	}
	return append(append(out, s[begin:]...), '"')
}
