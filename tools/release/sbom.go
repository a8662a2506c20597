package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// The bill of materials is CycloneDX 1.6 (ECMA-424), of which these are the parts that are used.
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string     `json:"timestamp"`
	Component component  `json:"component"`
	Property  []property `json:"properties,omitempty"`
}

type component struct {
	Type     string     `json:"type"`
	Ref      string     `json:"bom-ref"`
	Name     string     `json:"name"`
	Version  string     `json:"version"`
	PURL     string     `json:"purl"`
	Hashes   []hash     `json:"hashes,omitempty"`
	Licenses []licensed `json:"licenses,omitempty"`
	Property []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licensed struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn,omitempty"`
}

// billOfMaterials says what is in a program: what the linker has written into it, and nothing that
// is only in go.mod.
func (s source) billOfMaterials(ctx context.Context, t target, program []byte) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("reading what is in the program: %w", err)
	}
	graph, err := s.graph(ctx)
	if err != nil {
		return nil, err
	}
	folders, err := s.moduleFolders(ctx, t)
	if err != nil {
		return nil, err
	}
	sum := digest(program)
	main := component{
		Type: "application", Name: "gatehouse", Version: s.version, PURL: purl(info.Main.Path, s.version),
		Hashes:   []hash{{"SHA-256", sum}},
		Licenses: licenceOf("Apache-2.0"),
		Property: []property{{"gatehouse:target", t.String()}, {"gatehouse:commit", s.commit}},
	}
	main.Ref = main.PURL
	out := bom{
		Format: "CycloneDX", Spec: "1.6", Serial: serialOf(sum), Version: 1,
		Metadata:   metadata{Timestamp: s.date.Format(time.RFC3339), Component: main},
		Components: []component{},
	}
	refs := map[string]string{info.Main.Path: main.Ref}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	standard := component{Type: "library", Name: "std", Version: goVersion, PURL: purl("std", goVersion), Licenses: licenceOf("BSD-3-Clause")}
	standard.Ref = standard.PURL
	modules := slices.Clone(info.Deps)
	slices.SortFunc(modules, func(a, b *debug.Module) int { return strings.Compare(a.Path, b.Path) })
	for _, m := range modules {
		if m.Replace != nil {
			m = m.Replace
		}
		one := component{Type: "library", Name: m.Path, Version: m.Version, PURL: purl(m.Path, m.Version)}
		one.Ref = one.PURL
		if m.Sum != "" { // of the module's whole tree, not of a file: a property and no hash
			one.Property = []property{{"golang:sum", m.Sum}}
		}
		if id := licenceID(licenceTexts(folders[m.Path])); id != "" {
			one.Licenses = licenceOf(id)
		}
		refs[m.Path] = one.Ref
		out.Components = append(out.Components, one)
	}
	out.Components = append(out.Components, standard)
	paths := append([]string{info.Main.Path}, pathsOf(modules)...)
	for _, path := range paths {
		d := dependency{Ref: refs[path], On: []string{standard.Ref}}
		for _, on := range graph[path] {
			if ref, linked := refs[on]; linked && !slices.Contains(d.On, ref) {
				d.On = append(d.On, ref)
			}
		}
		slices.Sort(d.On)
		out.Dependencies = append(out.Dependencies, d)
	}
	out.Dependencies = append(out.Dependencies, dependency{Ref: standard.Ref})
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

func pathsOf(modules []*debug.Module) []string {
	var out []string
	for _, m := range modules {
		out = append(out, m.Path)
	}
	return out
}

func licenceOf(id string) []licensed {
	out := make([]licensed, 1)
	out[0].License.ID = id
	return out
}

// purl names a module (https://github.com/package-url/purl-spec, type golang).
func purl(path, version string) string {
	return "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")
}

// serialOf makes a UUID of a program's checksum: the same program has the same. Version 8 is for
// UUIDs that are made in a way of one's own (RFC 9562, section 5.8).
func serialOf(sum string) string {
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) < 16 {
		return ""
	}
	raw = raw[:16]
	raw[6], raw[8] = raw[6]&0x0f|0x80, raw[8]&0x3f|0x80
	text := hex.EncodeToString(raw)
	return "urn:uuid:" + strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

// graph says which module asks for which, by their paths.
func (s source) graph(ctx context.Context) (map[string][]string, error) {
	text, err := s.output(ctx, "go", "mod", "graph")
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for line := range strings.SplitSeq(text, "\n") {
		from, to, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		from, _, _ = strings.Cut(from, "@")
		to, _, _ = strings.Cut(to, "@")
		out[from] = append(out[from], to)
	}
	return out, nil
}
