package odata

import (
	"net/http"
	"strconv"
	"time"
)

// Answer is what goes back to the client.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
	// Location is the address of an entity that was made.
	Location string
}

// Service writes the answers of a model to one request.
type Service struct {
	Model *Model
	// Base is the service root as the client calls it, with its final slash.
	Base    string
	Format  Format
	Options Options
	// Now is the time that feeds and entries name as their last change.
	Now time.Time
}

func (s Service) writer(size int) *writer {
	return &writer{base: s.Base, namespace: s.Model.Namespace, options: s.Options, updated: s.Now, out: make([]byte, 0, size)}
}

// Entities is the answer with a collection; count is the number that $inlinecount tells.
func (s Service) Entities(t *EntityType, entities []any, count int) Answer {
	w := s.writer(4096)
	if s.Format == JSON {
		w.jsonFeed(t, entities, count)
		return Answer{Status: http.StatusOK, ContentType: contentJSON, Body: w.out}
	}
	w.atomFeed(t, entities, count)
	return Answer{Status: http.StatusOK, ContentType: contentFeed, Body: w.out}
}

// Entity is the answer with one entity; status is 200, or 201 for one that was made.
func (s Service) Entity(status int, t *EntityType, entity any) Answer {
	w := s.writer(4096)
	a := Answer{Status: status}
	if status == http.StatusCreated {
		a.Location = Location(s.Base, t, entity)
	}
	if s.Format == JSON {
		w.raw(`{"d":`)
		w.jsonEntity(t, entity, true)
		w.raw("}")
		a.ContentType = contentJSON
	} else {
		w.atomEntry(t, entity)
		a.ContentType = contentEntry
	}
	a.Body = w.out
	return a
}

// Property is the answer with one property of an entity.
func (s Service) Property(p *Property, entity any) Answer {
	w := s.writer(4096)
	if s.Format == JSON {
		w.raw(`{"d":{`)
		w.name(p.Name)
		w.jsonProperty(p, entity)
		w.raw("}}")
		return Answer{Status: http.StatusOK, ContentType: contentJSON, Body: w.out}
	}
	w.raw(xmlHead)
	w.atomProperty(p, entity, ` xmlns:d="`+nsData+`" xmlns:m="`+nsMetadata+`"`)
	return Answer{Status: http.StatusOK, ContentType: contentXML, Body: w.out}
}

// Value is the answer with the bare value of a property; a property without one is not found.
func Value(p *Property, entity any) (Answer, *Error) {
	value := p.value(entity)
	if value == nil {
		return Answer{}, NotFound()
	}
	if raw, ok := value.([]byte); ok {
		return Answer{Status: http.StatusOK, ContentType: "application/octet-stream", Body: raw}, nil
	}
	return Answer{Status: http.StatusOK, ContentType: contentText, Body: []byte(xmlValue(p.Type, value))}, nil
}

// Number is the answer to $count.
func Number(n int) Answer {
	return Answer{Status: http.StatusOK, ContentType: contentText, Body: strconv.AppendInt(nil, int64(n), 10)}
}

// Text is an answer with a text alone.
func Text(status int, text string) Answer {
	return Answer{Status: status, ContentType: contentText, Body: []byte(text)}
}

// Document is the answer with the service document.
func (s Service) Document() Answer {
	w := s.writer(4096)
	w.services(s.Model, s.Format)
	if s.Format == JSON {
		return Answer{Status: http.StatusOK, ContentType: contentJSON, Body: w.out}
	}
	return Answer{Status: http.StatusOK, ContentType: contentServices, Body: w.out}
}

// Metadata is the answer with $metadata, which is always XML.
func (s Service) Metadata() Answer {
	w := s.writer(16 << 10)
	w.metadata(s.Model)
	return Answer{Status: http.StatusOK, ContentType: contentXML, Body: w.out}
}

// Links is the answer with the addresses of the entities that a navigation leads to.
func (s Service) Links(n *Navigation, entities []any) Answer {
	w := s.writer(1024)
	if s.Format != JSON {
		w.raw(xmlHead)
		if n.Many {
			w.raw(`<links xmlns="` + nsData + `">`)
		}
		for _, e := range entities {
			if n.Many {
				w.element("uri", Location(s.Base, n.To, e))
				continue
			}
			w.raw(`<uri xmlns="` + nsData + `">`)
			w.text(Location(s.Base, n.To, e))
			w.raw("</uri>")
		}
		if n.Many {
			w.raw("</links>")
		}
		return Answer{Status: http.StatusOK, ContentType: contentXML, Body: w.out}
	}
	w.raw(`{"d":`)
	if n.Many {
		w.raw(`{"results":[`)
	}
	for i, e := range entities {
		if i > 0 {
			w.raw(",")
		}
		w.raw(`{"uri":`)
		w.out = appendString(w.out, Location(s.Base, n.To, e))
		w.raw("}")
	}
	if n.Many {
		w.raw("]}")
	}
	w.raw("}")
	return Answer{Status: http.StatusOK, ContentType: contentJSON, Body: w.out}
}

// ErrorAnswer is the answer that tells an error. [C: the form in JSON, and that the code is the
// reason phrase; in XML: as OData 2 says]
func ErrorAnswer(e *Error, format Format) Answer {
	code := http.StatusText(e.Status)
	w := &writer{}
	if format == JSON {
		w.raw(`{"error":{"code":`)
		w.out = appendString(w.out, code)
		w.raw(`,"message":{"lang":"en","value":`)
		w.out = appendString(w.out, e.Message)
		w.raw("}}}")
		return Answer{Status: e.Status, ContentType: contentJSON, Body: w.out}
	}
	w.raw(xmlHead + `<error xmlns="` + nsMetadata + `">`)
	w.element("code", code)
	w.raw(`<message xml:lang="en">`)
	w.text(e.Message)
	w.raw("</message></error>")
	return Answer{Status: e.Status, ContentType: contentXML, Body: w.out}
}
