package odata

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

const (
	// maxMembers bounds the properties of a body, and maxElements the elements of one in XML. [?]
	maxMembers  = 64
	maxElements = 256
)

// Body holds the properties of an entity that a client sends. All that the interface takes are
// strings; null is absent from it.
type Body map[string]string

// ReadBody reads the entity of a request: JSON, {"A":"…"} or {"d":{"A":"…"}}, or an Atom entry.
// Names of properties that the type does not have are an error; __metadata and navigations are
// passed over.
func ReadBody(data []byte, contentType string, t *EntityType) (Body, *Error) {
	format, err := bodyFormat(contentType)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, badRequest("The body is empty, expected a %s.", t.Name)
	}
	var members map[string]*string
	if format == JSON {
		members, err = jsonMembers(data, t)
	} else {
		members, err = atomMembers(data)
	}
	if err != nil {
		return nil, err
	}
	body := Body{}
	for name, value := range members {
		if name == "__metadata" {
			continue
		}
		if _, ok := t.navigation(name); ok {
			continue
		}
		if _, ok := t.property(name); !ok {
			return nil, badRequest("%s has no property %q.", t.Name, clip(name))
		}
		if value != nil {
			body[name] = *value
		}
	}
	return body, nil
}

// jsonMembers reads the members of an object.
func jsonMembers(data []byte, t *EntityType) (map[string]*string, *Error) {
	members, err := jsonObject(data)
	if err != nil {
		return nil, err
	}
	if d, ok := members["d"]; ok && len(members) == 1 {
		if members, err = jsonObject(d); err != nil {
			return nil, err
		}
	}
	out := make(map[string]*string, len(members))
	for name, raw := range members {
		p, ok := t.property(name)
		switch {
		case string(raw) == "null", !ok, p.Complex != nil:
			out[name] = nil
		case raw[0] == '"':
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, badRequest("The value of %q is no string of JSON.", clip(name))
			}
			out[name] = &text
		case raw[0] == '{' || raw[0] == '[' || p.Type == String || p.Type == Binary:
			return nil, badRequest("Found %s for the property %q, expected %s.", clip(string(raw)), name, p.Type)
		default:
			text := string(raw)
			out[name] = &text
		}
	}
	return out, nil
}

func jsonObject(data []byte) (map[string]json.RawMessage, *Error) {
	in := json.NewDecoder(bytes.NewReader(data))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return nil, badRequest("The body is no object of JSON.")
	}
	members := map[string]json.RawMessage{}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, badRequest("The body is no object of JSON.")
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return nil, badRequest("The body is no object of JSON.")
		}
		key, _ := name.(string)
		if _, twice := members[key]; twice {
			return nil, badRequest("The body has the property %q twice.", clip(key))
		}
		if members[key] = value; len(members) > maxMembers {
			return nil, badRequest("The body has more than %d properties.", maxMembers)
		}
	}
	if _, err := in.Token(); err != nil {
		return nil, badRequest("The body is no object of JSON.")
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest("Something is behind the object of JSON in the body.")
	}
	return members, nil
}

// atomMembers reads the properties of an Atom entry. A document type, where entities are declared,
// is refused, and nothing outside of the document is read.
func atomMembers(data []byte) (map[string]*string, *Error) {
	bad := func(what string) (map[string]*string, *Error) {
		return nil, badRequest("The body is no Atom entry: %s.", what)
	}
	in := xml.NewDecoder(bytes.NewReader(data))
	var path []string
	var text strings.Builder
	var null, nested bool
	members := map[string]*string{}
	properties, elements := false, 0
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return bad("its XML cannot be read")
		}
		switch token := token.(type) {
		case xml.Directive:
			return bad("it has a document type")
		case xml.StartElement:
			if elements++; elements > maxElements {
				return bad("it has too many elements")
			}
			if len(path) == 0 && (token.Name.Local != "entry" || token.Name.Space != nsAtom) {
				return bad("its outermost element is not entry of " + nsAtom)
			}
			inProperties := len(path) > 0 && path[len(path)-1] == nsMetadata+" properties"
			nested = properties && !inProperties
			if inProperties {
				text.Reset()
				null = slices.ContainsFunc(token.Attr, func(a xml.Attr) bool {
					return a.Name.Space == nsMetadata && a.Name.Local == "null" && a.Value == "true"
				})
			}
			path = append(path, token.Name.Space+" "+token.Name.Local)
			properties = properties || path[len(path)-1] == nsMetadata+" properties"
		case xml.CharData:
			if properties {
				text.Write(token)
			}
		case xml.EndElement:
			path = path[:len(path)-1]
			if token.Name.Space == nsMetadata && token.Name.Local == "properties" {
				properties = false
			}
			if !properties || len(path) == 0 || path[len(path)-1] != nsMetadata+" properties" {
				continue
			}
			if nested {
				return bad("its property " + clip(token.Name.Local) + " has elements within")
			}
			if _, twice := members[token.Name.Local]; twice {
				return bad("it has the property " + clip(token.Name.Local) + " twice")
			}
			var value *string
			if !null {
				s := text.String()
				value = &s
			}
			members[token.Name.Local] = value
		}
	}
	if elements == 0 || len(path) > 0 {
		return bad("it ends too early")
	}
	return members, nil
}
