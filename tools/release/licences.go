package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// moduleFolders are the folders of the modules that are linked into the program, by their paths;
// the program's own is not among them.
func (s source) moduleFolders(ctx context.Context, t target) (map[string]string, error) {
	text, err := s.outputFor(ctx, t, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", s.program)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if path, dir, ok := strings.Cut(line, "\t"); ok {
			out[path] = dir
		}
	}
	return out, nil
}

// licenceTexts reads the licences in a module's folder.
func licenceTexts(dir string) []file {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []file
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "UNLICENSE", "COPYING", "NOTICE"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		if data, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			out = append(out, file{name: e.Name(), data: data})
		}
	}
	return out
}

// licenceMarks are sentences that tell licences apart; the first that fits is it.
var licenceMarks = []struct{ id, mark string }{
	{"Apache-2.0", "apache license version 2.0"},
	{"MPL-2.0", "mozilla public license version 2.0"},
	{"MPL-2.0", "mozilla public license, version 2.0"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose"},
	{"BSD-3-Clause", "neither the name of"},
	{"BSD-3-Clause", "may be used to endorse or promote products"},
	{"BSD-2-Clause", "redistributions in binary form must reproduce"},
	{"MIT", "permission is hereby granted, free of charge"},
	{"Unlicense", "this is free and unencumbered software"},
}

// licenceID recognises a licence; empty if it is none of those that are known.
func licenceID(texts []file) string {
	for _, f := range texts {
		if strings.HasPrefix(strings.ToUpper(f.name), "NOTICE") {
			continue
		}
		folded := strings.ToLower(strings.Join(strings.Fields(string(f.data)), " "))
		for _, m := range licenceMarks {
			if strings.Contains(folded, m.mark) {
				return m.id
			}
		}
	}
	return ""
}

// licences are the texts that have to go with the program, one module after the other. A module
// without one is an error: its program must not be handed on.
func (s source) licences(ctx context.Context, t target) ([]byte, error) {
	folders, err := s.moduleFolders(ctx, t)
	if err != nil {
		return nil, err
	}
	paths := make([]string, 0, len(folders))
	for path := range folders {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	var b bytes.Buffer
	fmt.Fprintf(&b, "The program contains the following modules, and the Go standard library.\n")
	root, err := s.output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	add := func(name, dir string) error {
		texts := licenceTexts(dir)
		if len(texts) == 0 {
			return fmt.Errorf("module %s has no licence in %s: it must not be handed on", name, dir)
		}
		for _, f := range texts {
			fmt.Fprintf(&b, "\n%s\n%s: %s\n%s\n\n%s\n", strings.Repeat("=", 80), name, f.name, strings.Repeat("=", 80), bytes.TrimSpace(f.data))
		}
		return nil
	}
	if err := add("Go standard library", root); err != nil {
		// Some distributions of Go keep it one folder up, or not at all; its text is well known.
		fmt.Fprintf(&b, "\n%s\nGo standard library: https://go.dev/LICENSE\n%s\n", strings.Repeat("=", 80), strings.Repeat("=", 80))
	}
	for _, path := range paths {
		if err := add(path, folders[path]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
