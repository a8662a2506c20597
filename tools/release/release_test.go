package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tiny is a source of a program that builds in a moment, with what a release takes along.
func tiny(t *testing.T) source {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/tiny\n\ngo 1.26\n",
		"main.go": "package main\n\nvar releaseVersion, releaseCommit, releaseTime string\n\nfunc main() { println(releaseVersion, releaseCommit, releaseTime) }\n",
		"LICENSE": "Apache License Version 2.0", "README.md": "# Tiny\n", "CHANGELOG.md": "# Changes\n", "simulator/example.yaml": "tenant: {}\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return source{dir: dir, version: "v1.2.3+x", commit: "abc", date: time.Date(2026, 11, 26, 1, 2, 4, 0, time.UTC), program: "."}
}

// on is the one target that is built: each further one costs a build of the standard library.
var on = target{"linux", "amd64"}

func release(t *testing.T, s source, on target) []file {
	t.Helper()
	out, err := s.release(t.Context(), on)
	require.NoError(t, err)
	return out
}

// once builds the tiny program a single time for all tests that look at what comes out.
var built struct {
	sync.Once
	source source
	files  []file
}

func once(t *testing.T) (source, []file) {
	t.Helper()
	built.Do(func() {
		built.source = tiny(t)
		built.files = release(t, built.source, on)
	})
	require.NotEmpty(t, built.files, "it was not built")
	return built.source, built.files
}

// entry is a file in an archive.
type entry struct {
	*tar.Header
	data []byte
}

func unpack(t *testing.T, archive []byte) map[string]*entry {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	require.NoError(t, err)
	assert.Empty(t, unzipped.Name)
	assert.True(t, unzipped.ModTime.IsZero())
	out := map[string]*entry{}
	for reader := tar.NewReader(unzipped); ; {
		h, err := reader.Next()
		if err == io.EOF {
			return out
		}
		require.NoError(t, err)
		data, err := io.ReadAll(reader)
		require.NoError(t, err)
		out[h.Name] = &entry{h, data}
	}
}

func TestReleaseIsTheSameTwice(t *testing.T) {
	t.Parallel()
	_, first := once(t)
	assert.NoError(t, sameFiles(first, release(t, tiny(t), on)), "another folder")

	// Control: a difference is seen.
	changed := tiny(t)
	require.NoError(t, os.WriteFile(filepath.Join(changed.dir, "main.go"), []byte("package main\n\nfunc main() { println(1) }\n"), 0o644))
	assert.ErrorContains(t, sameFiles(first, release(t, changed, on)), "differs from byte")
}

// The real program, with all that a release of it holds, comes out the same in another folder. The
// compiler's cache is shared here; "make reproducible" does without.
func TestProgramIsTheSameElsewhere(t *testing.T) {
	t.Parallel()
	s, err := findSource(t.Context(), filepath.Join("..", ".."), "v0")
	require.NoError(t, err)
	elsewhere := s
	elsewhere.dir = filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, s.copyTo(t.Context(), elsewhere.dir))
	assert.NoError(t, sameFiles(release(t, s, on), release(t, elsewhere, on)))
}

func TestArchives(t *testing.T) {
	t.Parallel()
	s, files := once(t)
	require.Len(t, files, 2)
	assert.Equal(t, "gatehouse-v1.2.3+x-linux-amd64.tar.gz", files[0].name)
	content := unpack(t, files[0].data)
	const folder = "gatehouse-v1.2.3+x-linux-amd64/"
	require.Len(t, content, 5)
	program := content[folder+"gatehouse"]
	require.NotNil(t, program)
	assert.Equal(t, int64(0o755), program.Mode)
	assert.True(t, program.ModTime.Equal(s.date))
	assert.Zero(t, program.Uid)
	for _, name := range []string{"README.md", "LICENSE", "CHANGELOG.md", "THIRD-PARTY-LICENCES.txt"} {
		require.Contains(t, content, folder+name)
		assert.Equal(t, int64(0o644), content[folder+name].Mode)
	}

	data, err := zipped("folder", []file{{name: "gatehouse.exe", data: []byte("MZ"), mode: 0o755}, {name: "README.md", data: []byte("#"), mode: 0o644}}, s.date)
	require.NoError(t, err)
	reader, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, reader.File, 2)
	assert.Equal(t, "folder/README.md", reader.File[0].Name)
	assert.Equal(t, "folder/gatehouse.exe", reader.File[1].Name)
	for _, f := range reader.File {
		assert.True(t, f.Modified.Equal(s.date), f.Name)
	}
}

func TestBillOfMaterials(t *testing.T) {
	t.Parallel()
	_, files := once(t)
	assert.Equal(t, "gatehouse-v1.2.3+x-linux-amd64.cdx.json", files[1].name)
	var b bom
	decoder := json.NewDecoder(bytes.NewReader(files[1].data))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&b))
	assert.Equal(t, "CycloneDX", b.Format)
	assert.Equal(t, "1.6", b.Spec)
	assert.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, b.Serial)
	assert.Equal(t, "2026-11-26T01:02:04Z", b.Metadata.Timestamp)
	assert.Equal(t, "pkg:golang/example.com/tiny@v1.2.3%2Bx", b.Metadata.Component.PURL)
	program := unpack(t, files[0].data)["gatehouse-v1.2.3+x-linux-amd64/gatehouse"]
	require.NotNil(t, program)
	assert.Equal(t, []hash{{"SHA-256", digest(program.data)}}, b.Metadata.Component.Hashes)
	require.Len(t, b.Components, 1)
	assert.Equal(t, "std", b.Components[0].Name)
	refs := map[string]bool{b.Metadata.Component.Ref: true, b.Components[0].Ref: true}
	require.Len(t, b.Dependencies, 2)
	for _, d := range b.Dependencies {
		assert.True(t, refs[d.Ref], d.Ref)
		for _, on := range d.On {
			assert.True(t, refs[on], on)
		}
	}
}

// What is linked into the real program is known, with a licence that is recognised.
func TestModulesOfTheProgram(t *testing.T) {
	t.Parallel()
	s, err := findSource(t.Context(), filepath.Join("..", ".."), "v0")
	require.NoError(t, err)
	folders, err := s.moduleFolders(t.Context(), target{"windows", "arm64"})
	require.NoError(t, err)
	assert.Contains(t, folders, "github.com/spf13/cobra")
	assert.NotContains(t, folders, "github.com/stretchr/testify", "what only tests use is not in it")
	for path, dir := range folders {
		texts := licenceTexts(dir)
		assert.NotEmpty(t, texts, path)
		assert.NotEmpty(t, licenceID(texts), path)
	}
	graph, err := s.graph(t.Context())
	require.NoError(t, err)
	assert.Contains(t, graph["example.com/gatehouse"], "github.com/spf13/cobra")
}

func TestChecksums(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("b.zip", "two")
	write("a.tar.gz", "one")
	require.NoError(t, writeChecksums(dir, []string{"b.zip", "a.tar.gz"}))
	write("b.zip", "three")
	write("c.tar", "four")
	require.NoError(t, os.Remove(filepath.Join(dir, "a.tar.gz")))
	require.NoError(t, writeChecksums(dir, []string{"b.zip", "c.tar"}))
	have, err := os.ReadFile(filepath.Join(dir, checksums))
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("%s  b.zip\n%s  c.tar\n", digest([]byte("three")), digest([]byte("four"))), string(have), "what is gone is left out")
}

func TestImage(t *testing.T) {
	t.Parallel()
	s := source{version: "v1.2.3+x", commit: "abc", date: time.Date(2026, 11, 26, 1, 2, 4, 0, time.UTC)}
	data, err := s.image(on, contents([]byte("program"), []byte("tenant: {}\n"), []byte("own"), []byte("others")))
	require.NoError(t, err)
	content := map[string][]byte{}
	for reader := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := reader.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		content[h.Name], err = io.ReadAll(reader)
		require.NoError(t, err)
	}
	assert.JSONEq(t, `{"imageLayoutVersion":"1.0.0"}`, string(content["oci-layout"]))
	blob := func(d descriptor) []byte {
		t.Helper()
		data, ok := content["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
		require.True(t, ok, d.Digest)
		assert.Equal(t, d.Digest, "sha256:"+digest(data))
		assert.Equal(t, d.Size, len(data))
		return data
	}
	var top index
	require.NoError(t, json.Unmarshal(content["index.json"], &top))
	require.Len(t, top.Manifests, 1)
	assert.Equal(t, &platform{"amd64", "linux"}, top.Manifests[0].Platform)
	assert.Equal(t, "v1.2.3-x", top.Manifests[0].Annotations["org.opencontainers.image.ref.name"])
	var about manifest
	require.NoError(t, json.Unmarshal(blob(top.Manifests[0]), &about))
	var config imageConfig
	require.NoError(t, json.Unmarshal(blob(about.Config), &config))
	assert.Equal(t, "65532:65532", config.Config.User, "not root")
	assert.Equal(t, []string{"/gatehouse"}, config.Config.Entrypoint)
	require.Len(t, about.Layers, 1)
	packed := blob(about.Layers[0])
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	layer, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	assert.Equal(t, []string{"sha256:" + digest(layer)}, config.RootFS.DiffIDs)
	var docker []saved
	require.NoError(t, json.Unmarshal(content["manifest.json"], &docker))
	assert.Equal(t, []string{"gatehouse:v1.2.3-x", "gatehouse:latest"}, docker[0].RepoTags)
	assert.Equal(t, "blobs/sha256/"+strings.TrimPrefix(about.Config.Digest, "sha256:"), docker[0].Config)

	files := unpack(t, packed)
	assert.Equal(t, int64(0o755), files["gatehouse"].Mode)
	assert.Equal(t, user, files["data/"].Uid, "the process may write there")
	assert.Equal(t, int64(0o1777), files["tmp/"].Mode)
	assert.Contains(t, files, "data/landscape.yaml")
	assert.Contains(t, files, "licences/THIRD-PARTY-LICENCES.txt.gz")
	for name, h := range files {
		assert.Zero(t, h.Mode&0o6000, "%s: no set-uid", name)
		assert.False(t, strings.HasPrefix(name, "/") || strings.Contains(name, ".."), name)
	}
	again, err := s.image(on, nil)
	require.NoError(t, err)
	once, err := s.image(on, nil)
	require.NoError(t, err)
	assert.Equal(t, once, again)
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	_, err := findSource(t.Context(), root, "v1; rm -rf")
	assert.ErrorContains(t, err, "expected letters, digits")
	_, err = findSource(t.Context(), t.TempDir(), "v1")
	assert.ErrorContains(t, err, "run it in the folder of the sources")
	_, err = parseTargets("linux/amd64,plan9/386", targets)
	assert.ErrorContains(t, err, `target "plan9/386": expected some of linux/amd64,`)
	list, err := parseTargets("windows/arm64", targets)
	require.NoError(t, err)
	assert.Equal(t, []target{{"windows", "arm64"}}, list)
	for _, arguments := range [][]string{nil, {"dst"}, {"dist", "extra"}, {"dist", "-targets", "x"}, {"image", "-arch", "mips"}, {"image", "-arch", "amd64,"}} {
		// None of these builds anything.
		assert.Error(t, run(t.Context(), root, arguments, io.Discard), "%q", arguments)
	}
	_, err = epoch("yesterday")
	assert.Error(t, err)
	at, err := epoch("0")
	require.NoError(t, err)
	assert.Equal(t, unknownDate, at, "a zip cannot hold an earlier one")
}
