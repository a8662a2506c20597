package iflow

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The namespaces of an .iflw file. [C: exported flows; the second really has three slashes]
const (
	bpmnNamespace = "http://www.omg.org/spec/BPMN/20100524/MODEL"
	iflNamespace  = "http:///com.sap.ifl.model/Ifl.xsd"
)

// model is what matters here of an .iflw file.
type model struct {
	participants map[string]element // by id
	messageFlows []element
}

// element is a participant or a message flow with its properties.
type element struct {
	id, name, source string
	properties       []property
	repeated         []string // keys that stand there more than once
	seen             map[string]bool
}

// get is the value of a property; of a key that stands there twice the first counts.
func (e element) get(key string) (string, bool) {
	for _, p := range e.properties {
		if p.key == key {
			return p.value, true
		}
	}
	return "", false
}

// parseModel reads the collaboration of an .iflw file, BPMN 2 with SAP's extension:
// definitions/collaboration/messageFlow/extensionElements/property/{key,value} [C: exported flows].
// Document types are refused, so there are no entities but those of XML itself.
func parseModel(data []byte, most limits) (model, error) {
	p := &modelParser{
		decoder: xml.NewDecoder(bytes.NewReader(data)),
		model:   model{participants: map[string]element{}},
		limits:  most,
	}
	p.decoder.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("found the encoding %q, expected UTF-8", clip(charset))
	}
	if err := p.parse(); err != nil {
		line, column := p.decoder.InputPos()
		if syntax := (*xml.SyntaxError)(nil); errors.As(err, &syntax) {
			return model{}, fmt.Errorf("is not well-formed XML: line %d: %s", syntax.Line, syntax.Msg)
		}
		return model{}, fmt.Errorf("line %d, column %d: %w", line, column, err)
	}
	return p.model, nil
}

type modelParser struct {
	decoder *xml.Decoder
	model   model
	path    []xml.Name
	count   int
	limits  limits

	current *element // the participant or message flow that is being read
	pair    *property
	text    strings.Builder
}

func (p *modelParser) parse() error {
	root := false
	for {
		token, err := p.decoder.Token()
		if err == io.EOF {
			if !root {
				return errors.New("holds no XML element, expected bpmn2:definitions")
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.Directive:
			return errors.New("found a document type or declaration (<!…>), which no exported flow has: it is refused")
		case xml.StartElement:
			if len(p.path) == 0 && t.Name != (xml.Name{Space: bpmnNamespace, Local: "definitions"}) {
				return fmt.Errorf("found the element %q of the namespace %q, expected definitions of %s: it is no integration flow", clip(t.Name.Local), clip(t.Name.Space), bpmnNamespace)
			}
			if root && len(p.path) == 0 {
				return errors.New("found a second element definitions, expected one only")
			}
			root = true
			if p.count++; p.count > p.limits.elements {
				return fmt.Errorf("has more than %d elements", p.limits.elements)
			}
			if len(p.path) == p.limits.depth {
				return fmt.Errorf("is nested deeper than %d elements", p.limits.depth)
			}
			p.path = append(p.path, t.Name)
			p.start(t)
		case xml.EndElement:
			p.end()
			p.path = p.path[:len(p.path)-1]
		case xml.CharData:
			if p.inText() {
				p.text.Write(t)
			}
		}
	}
}

// The depths at which things stand in the path.
const (
	elementDepth  = 3 // definitions/collaboration/messageFlow
	propertyDepth = 5 // …/extensionElements/property
	textDepth     = 6 // …/key
)

func (p *modelParser) start(t xml.StartElement) {
	switch len(p.path) {
	case elementDepth:
		if p.path[1] != (xml.Name{Space: bpmnNamespace, Local: "collaboration"}) || t.Name.Space != bpmnNamespace ||
			t.Name.Local != "messageFlow" && t.Name.Local != "participant" {
			return
		}
		p.current = &element{id: attribute(t, "id"), name: attribute(t, "name"), source: attribute(t, "sourceRef"), seen: map[string]bool{}}
	case propertyDepth:
		if p.current != nil && p.path[3] == (xml.Name{Space: bpmnNamespace, Local: "extensionElements"}) &&
			t.Name == (xml.Name{Space: iflNamespace, Local: "property"}) {
			p.pair = &property{}
		}
	case textDepth:
		p.text.Reset()
	}
}

// inText tells whether text belongs to a key or a value.
func (p *modelParser) inText() bool {
	return p.pair != nil && len(p.path) == textDepth && p.path[textDepth-1].Space == ""
}

func (p *modelParser) end() {
	switch len(p.path) {
	case textDepth:
		if !p.inText() {
			return
		}
		switch p.path[textDepth-1].Local {
		case "key":
			p.pair.key = strings.TrimSpace(p.text.String())
		case "value":
			p.pair.value = p.text.String()
		}
	case propertyDepth:
		if p.pair == nil {
			return
		}
		if p.current.seen[p.pair.key] {
			p.current.repeated = append(p.current.repeated, p.pair.key)
		} else {
			p.current.seen[p.pair.key] = true
			p.current.properties = append(p.current.properties, *p.pair)
		}
		p.pair = nil
	case elementDepth:
		if p.current == nil {
			return
		}
		if p.path[elementDepth-1].Local == "participant" {
			p.model.participants[p.current.id] = *p.current
		} else {
			p.model.messageFlows = append(p.model.messageFlows, *p.current)
		}
		p.current = nil
	}
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
