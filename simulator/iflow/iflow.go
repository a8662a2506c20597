// Package iflow reads exported integration flows: the export of a package (.zip), the zip of one
// flow, and a bare .iflw file, and makes the sender channels that a runtime node would serve. It
// also writes such files from a description, for tests and for flows that came from nowhere else.
//
// What is read is hostile until it is checked: archives are never unpacked to disk, sizes, depths
// and numbers are bounded, document types and names that leave the archive are refused, and nothing
// in a flow is executed. What could not be read or resolved is told with file and key.
//
// What a channel means to a call is not decided here but in packages tenant and node.
//
// Source of the format: exported flows and packages, and SAP-docs/btp-integration-suite [C].
package iflow

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/tenant"
)

// MaxSize is how large an exported file may be, in bytes. [?] A choice, far above what is met in
// practice, like the other limits.
const MaxSize = 64 << 20

// limits bound what is read of one file.
type limits struct {
	// unpacked bounds what is unpacked of it, in bytes, however it is nested.
	unpacked int64
	// flow, xml and text bound single files within, in bytes.
	flow, xml, text int64
	// entries bounds the files of an archive, those of archives within it included; flows the flows
	// of a package.
	entries, flows int
	// depth bounds how deep XML elements are nested, elements how many there are.
	depth, elements int
}

var usual = limits{
	unpacked: 256 << 20, flow: 64 << 20, xml: 16 << 20, text: 1 << 20,
	entries: 20_000, flows: 1_000, depth: 128, elements: 500_000,
}

// Export is what an exported file holds.
type Export struct {
	Flows []Flow
	// Findings are about the file as a whole: what in it is no flow. Those about a flow are there.
	Findings []Finding
}

// Flow is one integration flow.
type Flow struct {
	// ID is the artifact's id: Bundle-SymbolicName of the manifest. Default: the file's name.
	ID string
	// Name is the name that people see: Bundle-Name. Default: ID.
	Name string
	// Version is Bundle-Version. Default: 1.0.0.
	Version string
	// Channels are the sender channels that calls can reach, in the order of the file. Channels
	// that poll, and those of which too little is known, are not among them.
	Channels []tenant.Channel
	// Parameters are those of parameters.prop in the order of the file, and then those that the
	// channels use and that are not there.
	Parameters []Parameter
	// Findings are what could not be read or resolved, or is not what it seems.
	Findings []Finding
	// Content is the zip of this flow as it was read; for a bare .iflw one is made.
	Content []byte
}

// Parameter is an externalized parameter of a flow.
type Parameter struct {
	Key   string
	Value string
	// Source says where the value comes from.
	Source Source
}

// Source is where the value of a parameter comes from.
type Source string

const (
	// Given: the user gave the value.
	Given Source = "given"
	// PropertiesFile: the value stands in parameters.prop.
	PropertiesFile Source = "parameters.prop"
	// Missing: the flow uses the parameter, and nobody gives it a value.
	Missing Source = "missing"
)

// Finding is one thing that could not be read or resolved, or that somebody should know.
type Finding struct {
	// File is the file within the archive, Key the property or parameter; it may be empty.
	File string `json:"file"`
	Key  string `json:"key,omitempty"`
	// Message says what was found, what was expected, and what follows from it.
	Message string `json:"message"`
}

func (f Finding) String() string {
	if f.Key == "" {
		return f.File + ": " + f.Message
	}
	return f.File + ": " + f.Key + ": " + f.Message
}

// Channels are the channels of all flows.
func (e Export) Channels() []tenant.Channel {
	var out []tenant.Channel
	for _, f := range e.Flows {
		out = append(out, f.Channels...)
	}
	return out
}

// AllFindings are the findings about the file and about its flows.
func (e Export) AllFindings() []Finding {
	out := slices.Clone(e.Findings)
	for _, f := range e.Flows {
		out = append(out, f.Findings...)
	}
	return out
}

// ParameterNames are the keys of all parameters of all flows, sorted and each once.
func (e Export) ParameterNames() []string {
	names := map[string]bool{}
	for _, f := range e.Flows {
		for _, p := range f.Parameters {
			names[p.Key] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Unused are the keys of what was given that are no parameter of any flow, sorted: most often they
// are misspelt.
func (e Export) Unused(given map[string]string) []string {
	known := map[string]bool{}
	for _, f := range e.Flows {
		for _, p := range f.Parameters {
			known[p.Key], known[f.ID+"/"+p.Key] = true, true
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(given)), func(key string) bool { return known[key] })
}

// Read reads an exported file: the zip of a package or of one flow, or an .iflw. What it is shows
// in the bytes; name is used in messages, and for the id of a flow without a manifest.
//
// given are values of parameters, which win over those of parameters.prop. A key counts for every
// flow that has the parameter; "<id of a flow>/<key>" counts for that flow only.
//
// The error is a document.Problems. It tells of a file that is none of the three, that is broken,
// or that exceeds a limit; whatever is wrong with a single channel or parameter is a Finding.
func Read(name string, data []byte, given map[string]string) (Export, error) {
	return read(name, data, given, usual)
}

func read(name string, data []byte, given map[string]string, most limits) (Export, error) {
	r := &reader{name: name, given: given, limits: most, left: most.unpacked}
	switch {
	case len(data) == 0:
		return Export{}, r.problem("", "is empty, expected an exported integration flow or package (.zip) or an .iflw file")
	case len(data) > MaxSize:
		return Export{}, r.problem("", "has %d bytes, expected at most %d", len(data), MaxSize)
	case isZip(data):
		return r.zip(data)
	case looksLikeXML(data):
		return r.bare(data)
	}
	return Export{}, r.problem("", "is neither a zip file nor XML: expected an exported integration flow or package (.zip) or an .iflw file")
}

// reader reads one exported file.
type reader struct {
	name  string
	given map[string]string
	limits
	left int64 // how much may still be unpacked
}

func (r *reader) problem(file, format string, args ...any) error {
	if file == "" {
		file = r.name
	} else {
		file = r.name + "!" + file
	}
	return document.Problems{{File: file, Message: fmt.Sprintf(format, args...)}}
}

// bare reads an .iflw file that stands alone.
func (r *reader) bare(data []byte) (Export, error) {
	if int64(len(data)) > r.xml {
		return Export{}, r.problem("", "has %d bytes, expected an .iflw file of at most %d", len(data), r.xml)
	}
	id := idFromFile(r.name)
	flow := Flow{ID: id, Name: id, Version: defaultVersion}
	m, err := parseModel(data, r.limits)
	if err != nil {
		return Export{}, r.problem("", "%v", err)
	}
	r.channels(&flow, path.Base(slashed(r.name)), m, nil)
	content, err := Description{ID: id}.around(data)
	if err != nil {
		return Export{}, err
	}
	flow.Content = content
	return Export{Flows: []Flow{flow}}, nil
}

// idFromFile makes an artifact id from the name of a file.
func idFromFile(name string) string {
	base := path.Base(slashed(name))
	base = strings.TrimSuffix(base, path.Ext(base))
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '_'
	}, base)
	if strings.Trim(id, "._") == "" {
		return "flow"
	}
	return clip(id)
}

func slashed(name string) string { return strings.ReplaceAll(name, `\`, "/") }

func looksLikeXML(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("<"))
}
