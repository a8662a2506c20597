// Command release makes what users download: archives for each system with checksums and a bill of
// materials, and a container image. It needs Go and nothing else, no network beyond Go's own, and no
// container engine; the same sources and the same Go give the same bytes on every machine.
//
//	go run ./tools/release dist [-o dist] [-targets linux/amd64,…]
//	go run ./tools/release image [-o dist] [-arch amd64,arm64]
//	go run ./tools/release compare [-targets linux/amd64,…]
//
// compare builds twice, the second time from a copy of the sources elsewhere and with an empty build
// cache, and fails if one byte differs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

// targets are the systems that users have.
var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, ".", os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run is the whole command, in the folder of the sources.
func run(ctx context.Context, dir string, arguments []string, out io.Writer) error {
	if len(arguments) == 0 {
		return errors.New("which? expected dist, image or compare")
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	folder := flags.String("o", "dist", "the folder to write to")
	version := flags.String("version", "", "the version (default: that of git describe)")
	wanted := flags.String("targets", "", "systems such as linux/amd64, separated by commas (default: all)")
	arch := flags.String("arch", "amd64,arm64", "the processors of the images, separated by commas")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	src, err := findSource(ctx, dir, *version)
	if err != nil {
		return err
	}
	switch arguments[0] {
	case "dist":
		list, err := parseTargets(*wanted, targets)
		if err != nil {
			return err
		}
		return src.dist(ctx, *folder, list, out)
	case "image":
		var list []target
		for _, a := range strings.Split(*arch, ",") {
			list = append(list, target{"linux", a})
		}
		if list, err = parseTargets(joined(list), targets); err != nil {
			return err
		}
		return src.images(ctx, *folder, list, out)
	case "compare":
		list, err := parseTargets(*wanted, targets)
		if err != nil {
			return err
		}
		return src.compare(ctx, list, out)
	}
	return fmt.Errorf("found %q, expected dist, image or compare", arguments[0])
}

// target is a system and its processor.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

// binary is the name of the program's file.
func (t target) binary() string {
	if t.os == "windows" {
		return "gatehouse.exe"
	}
	return "gatehouse"
}

func joined(list []target) string {
	var out []string
	for _, t := range list {
		out = append(out, t.String())
	}
	return strings.Join(out, ",")
}

func parseTargets(text string, otherwise []target) ([]target, error) {
	if text == "" {
		return otherwise, nil
	}
	var out []target
	for one := range strings.SplitSeq(text, ",") {
		i := slices.IndexFunc(targets, func(t target) bool { return t.String() == one })
		if i < 0 {
			return nil, fmt.Errorf("target %q: expected some of %s", one, joined(targets))
		}
		out = append(out, targets[i])
	}
	return out, nil
}

// dist writes an archive and a bill of materials for each target, and the checksums of all.
func (s source) dist(ctx context.Context, folder string, list []target, out io.Writer) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var written []string
	for _, t := range list {
		r, err := s.release(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		for _, f := range r {
			if err := os.WriteFile(filepath.Join(folder, f.name), f.data, 0o644); err != nil {
				return err
			}
			written = append(written, f.name)
			fmt.Fprintf(out, "%s  %d bytes\n", f.name, len(f.data))
		}
	}
	return writeChecksums(folder, written)
}

// release makes the files of one target.
func (s source) release(ctx context.Context, t target) ([]file, error) {
	program, err := s.build(ctx, t)
	if err != nil {
		return nil, err
	}
	base := fmt.Sprintf("gatehouse-%s-%s-%s", s.version, t.os, t.arch)
	bill, err := s.billOfMaterials(ctx, t, program)
	if err != nil {
		return nil, err
	}
	licences, err := s.licences(ctx, t)
	if err != nil {
		return nil, err
	}
	content := []file{{name: t.binary(), data: program, mode: 0o755}, {name: "THIRD-PARTY-LICENCES.txt", data: licences, mode: 0o644}}
	for _, name := range []string{"CHANGELOG.md", "LICENSE", "README.md"} {
		data, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			return nil, err
		}
		content = append(content, file{name: name, data: data, mode: 0o644})
	}
	archive := file{name: base + ".tar.gz"}
	if t.os == "windows" {
		archive.name = base + ".zip"
		archive.data, err = zipped(base, content, s.date)
	} else {
		archive.data, err = tarred(base, content, s.date)
	}
	if err != nil {
		return nil, err
	}
	return []file{archive, {name: base + ".cdx.json", data: bill}}, nil
}
