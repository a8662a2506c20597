package odata

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Format is the form of an answer.
type Format int

const (
	// Atom is XML, the default [C].
	Atom Format = iota
	// JSON is the verbose JSON of OData 2.
	JSON
)

// Negotiate chooses the format of an answer: $format if it is given, else what the Accept header
// prefers, else Atom [C]. Java's clients send "*" alone for "anything", which is understood.
func Negotiate(format string, accept []string) (Format, *Error) {
	switch strings.ToLower(format) {
	case "":
	case "json":
		return JSON, nil
	case "atom", "xml":
		return Atom, nil
	default:
		// "+" in a media type may have become a blank on its way through the query.
		if f, ok := formatOf(strings.ReplaceAll(format, " xml", "+xml")); ok {
			return f, nil
		}
		return Atom, Errorf(http.StatusNotAcceptable, "Found $format=%q, expected json, atom or xml.", clip(format))
	}
	header := strings.Join(accept, ",")
	if strings.TrimSpace(header) == "" {
		return Atom, nil
	}
	best, found, quality := Atom, false, 0.0
	for part := range strings.SplitSeq(header, ",") {
		f, ok := formatOf(part)
		if !ok {
			continue
		}
		if q := qualityOf(part); q > quality {
			best, found, quality = f, true, q
		}
	}
	if !found {
		return Atom, Errorf(http.StatusNotAcceptable, "Found Accept: %q, expected application/json, application/atom+xml or application/xml.", clip(header))
	}
	return best, nil
}

// formatOf is the format that a media type asks for.
func formatOf(mediaType string) (Format, bool) {
	name, _, _ := strings.Cut(mediaType, ";")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "application/json":
		return JSON, true
	case "application/atom+xml", "application/atomsvc+xml", "application/xml", "text/xml", "application/*", "*/*", "*":
		return Atom, true
	}
	return Atom, false
}

// qualityOf is the q of a media type, 1 if it has none, and 0 if it cannot be read.
func qualityOf(mediaType string) float64 {
	_, parameters, _ := strings.Cut(mediaType, ";")
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// The content types of answers. [I: Olingo]
const (
	contentJSON     = "application/json"
	contentFeed     = "application/atom+xml;type=feed;charset=utf-8"
	contentEntry    = "application/atom+xml;type=entry;charset=utf-8"
	contentXML      = "application/xml;charset=utf-8"
	contentServices = "application/atomsvc+xml;charset=utf-8"
	contentText     = "text/plain;charset=utf-8"
)

// bodyFormat is the format of a request's body by its content type; JSON if it names none, as some
// clients leave it out.
func bodyFormat(contentType string) (Format, *Error) {
	if contentType == "" {
		return JSON, nil
	}
	name, _, err := mime.ParseMediaType(contentType)
	if err == nil {
		switch name {
		case "application/json":
			return JSON, nil
		case "application/atom+xml", "application/xml", "text/xml":
			return Atom, nil
		}
	}
	return Atom, Errorf(http.StatusUnsupportedMediaType, "Found the content type %q, expected application/json, application/atom+xml or application/xml.", clip(contentType))
}
