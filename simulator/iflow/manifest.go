package iflow

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	defaultVersion = "1.0.0"
	// maxID bounds ids, names and versions, in bytes; the tenant's own limit is 150 characters [?].
	maxID = 256
)

// parseManifest reads the main section of a MANIFEST.MF: "Name: value", where lines are folded
// after 72 bytes and go on with a blank. [C: specification of the JAR file; exported flows]
func parseManifest(data []byte) map[string]string {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	out := map[string]string{}
	var key string
	var value []byte // characters may be cut by the folding, so bytes are joined
	keep := func() {
		if key != "" {
			if _, twice := out[key]; !twice {
				out[key] = string(bytes.TrimSpace(value))
			}
		}
		key, value = "", nil
	}
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) == 0 {
			break // what follows is about single files
		}
		if line[0] == ' ' {
			value = append(value, line[1:]...)
			continue
		}
		keep()
		name, rest, ok := bytes.Cut(line, []byte(":"))
		if ok {
			key, value = strings.ToLower(string(name)), bytes.Clone(rest)
		}
	}
	keep()
	return out
}

// identify sets id, name and version from the manifest.
func (f *Flow) identify(file string, manifest []byte, there bool, fallback string) {
	f.ID, f.Name, f.Version = fallback, fallback, defaultVersion
	if !there {
		f.Findings = append(f.Findings, Finding{File: file, Message: fmt.Sprintf("is missing; the id of the flow is taken from its file: %q", fallback)})
		return
	}
	attributes := parseManifest(manifest)
	get := func(key string) string {
		value := attributes[strings.ToLower(key)]
		if !utf8.ValidString(value) || len(value) > maxID || strings.ContainsFunc(value, unprintable) {
			f.Findings = append(f.Findings, Finding{File: file, Key: key, Message: fmt.Sprintf("is longer than %d bytes or has characters in it that do not print; it is not used", maxID)})
			return ""
		}
		return value
	}
	// Directives such as ";singleton:=true" are none of the name.
	id, _, _ := strings.Cut(get("Bundle-SymbolicName"), ";")
	if id = strings.TrimSpace(id); id == "" {
		f.Findings = append(f.Findings, Finding{File: file, Key: "Bundle-SymbolicName", Message: fmt.Sprintf("has no value; the id of the flow is taken from its file: %q", fallback)})
		id = fallback
	}
	f.ID, f.Name = id, id
	if name := get("Bundle-Name"); name != "" {
		f.Name = name
	}
	if version := get("Bundle-Version"); version != "" {
		f.Version = version
	}
}

// clip shortens what is shown of a name that somebody else chose.
func clip(s string) string {
	if len(s) <= maxID {
		return s
	}
	s = s[:maxID]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
