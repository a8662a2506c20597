package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// source is a working copy, and what a release says of it.
type source struct {
	dir     string
	version string
	commit  string
	// date is that of the commit: every time in a release is this one.
	date time.Time
	// cache is the build cache; empty: the user's.
	cache string
	// program is the package that is built.
	program string
}

// unknownDate is the date of sources that are in no repository: the first that a zip can hold.
var unknownDate = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// validVersion keeps out what could not stand in a file name or a linker flag.
var validVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$`)

// findSource finds out about the sources in a folder. SOURCE_DATE_EPOCH, where it is set, is the
// date (https://reproducible-builds.org/specs/source-date-epoch/).
func findSource(ctx context.Context, dir, version string) (source, error) {
	s := source{dir: dir, version: version, date: unknownDate, program: "./cmd/gatehouse"}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return s, fmt.Errorf("there is no go.mod here: run it in the folder of the sources: %w", err)
	}
	if commit, err := s.output(ctx, "git", "rev-parse", "HEAD"); err == nil {
		s.commit = commit
		seconds, err := s.output(ctx, "git", "log", "-1", "--format=%ct")
		if err != nil {
			return s, err
		}
		if s.date, err = epoch(seconds); err != nil {
			return s, err
		}
		if s.version == "" {
			if s.version, err = s.output(ctx, "git", "describe", "--tags", "--always", "--dirty"); err != nil {
				return s, err
			}
		}
	}
	if s.version == "" {
		s.version = "devel"
	}
	if !validVersion.MatchString(s.version) {
		return s, fmt.Errorf("version %q: expected letters, digits and . + _ - only, such as v1.2.3", s.version)
	}
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		date, err := epoch(text)
		if err != nil {
			return s, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		s.date = date
	}
	return s, nil
}

func epoch(text string) (time.Time, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("found %q, expected seconds since 1970", text)
	}
	if at := time.Unix(seconds, 0).UTC(); at.After(unknownDate) {
		return at, nil
	}
	return unknownDate, nil
}

// output runs a program in the folder of the sources.
func (s source) output(ctx context.Context, name string, arguments ...string) (string, error) {
	return s.outputFor(ctx, target{}, name, arguments...)
}

// outputFor is output for a target.
func (s source) outputFor(ctx context.Context, t target, name string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Dir = s.dir
	cmd.Env = s.environment(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(arguments, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// environment is the machine's, but for what could change a build.
func (s source) environment(t target) []string {
	var out []string
	for _, one := range os.Environ() {
		name, _, _ := strings.Cut(one, "=")
		switch name {
		case "GOFLAGS", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GODEBUG", "CGO_ENABLED", "GOFIPS140", "GOWORK":
			continue
		}
		out = append(out, one)
	}
	out = append(out, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	if t.os != "" {
		out = append(out, "GOOS="+t.os, "GOARCH="+t.arch)
	}
	if s.cache != "" {
		out = append(out, "GOCACHE="+s.cache)
	}
	return out
}

// build makes the program, and returns its bytes. They depend on the sources, the version and the
// version of Go, and on nothing else: no path, no time, no state of a repository.
func (s source) build(ctx context.Context, t target) ([]byte, error) {
	folder, err := os.MkdirTemp("", "gatehouse-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	binary := filepath.Join(folder, t.binary())
	link := fmt.Sprintf("-s -w -buildid= -X main.releaseVersion=%s -X main.releaseCommit=%s -X main.releaseTime=%s", s.version, s.commit, s.date.Format(time.RFC3339))
	if _, err := s.outputFor(ctx, t, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", link, "-o", binary, s.program); err != nil {
		return nil, err
	}
	return os.ReadFile(binary)
}

// compare builds each target twice, and tells whether every file is the same.
func (s source) compare(ctx context.Context, list []target, out io.Writer) error {
	folder, err := os.MkdirTemp("", "gatehouse-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	elsewhere := s
	elsewhere.dir, elsewhere.cache = filepath.Join(folder, "sources"), filepath.Join(folder, "cache")
	if err := s.copyTo(ctx, elsewhere.dir); err != nil {
		return err
	}
	for _, t := range list {
		first, err := s.release(ctx, t)
		if err != nil {
			return err
		}
		second, err := elsewhere.release(ctx, t)
		if err != nil {
			return err
		}
		if err := sameFiles(first, second); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		for _, f := range first {
			fmt.Fprintf(out, "the same twice: %s\n", f.name)
		}
	}
	return nil
}

func sameFiles(first, second []file) error {
	if len(first) != len(second) || len(first) == 0 {
		return fmt.Errorf("%d files the first time, %d the second", len(first), len(second))
	}
	for i, f := range first {
		if f.name != second[i].name {
			return fmt.Errorf("%s the first time, %s the second", f.name, second[i].name)
		}
		if at := differAt(f.data, second[i].data); at >= 0 {
			return fmt.Errorf("%s differs from byte %d on (%d bytes and %d bytes)", f.name, at, len(f.data), len(second[i].data))
		}
	}
	return nil
}

// differAt is where two texts differ first; -1: nowhere.
func differAt(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// copyTo copies the files that are part of the sources.
func (s source) copyTo(ctx context.Context, dir string) error {
	list, err := s.output(ctx, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return fmt.Errorf("listing the sources: %w", err)
	}
	count := 0
	for name := range strings.SplitSeq(list, "\n") {
		data, err := os.ReadFile(filepath.Join(s.dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
		count++
	}
	if count == 0 {
		return errors.New("listing the sources: there are none")
	}
	return nil
}
