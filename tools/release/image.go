package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// user is the owner of the process in a container: not root, and nobody in particular.
const user = 65532

// maxImage is how large an image may be, in bytes.
const maxImage = 30 << 20

// images writes an image for each target: a tar that docker load, podman load and skopeo take, in
// the layout of OCI (image-spec 1.1) with the manifest of docker save beside it. It is made without
// an engine.
func (s source) images(ctx context.Context, folder string, list []target, out io.Writer) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var written []string
	for _, t := range list {
		program, err := s.build(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		licences, err := s.licences(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		example, err := os.ReadFile(filepath.Join(s.dir, "simulator", "example.yaml"))
		if err != nil {
			return err
		}
		own, err := os.ReadFile(filepath.Join(s.dir, "LICENSE"))
		if err != nil {
			return err
		}
		if licences, err = compressed(licences); err != nil { // a quarter of a megabyte, which nobody reads in a container
			return err
		}
		data, err := s.image(t, contents(program, example, own, licences))
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		if len(data) > maxImage {
			return fmt.Errorf("the image for %s has %d bytes, expected at most %d", t, len(data), maxImage)
		}
		name := fmt.Sprintf("gatehouse-%s-image-%s-%s.tar", s.version, t.os, t.arch)
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return err
		}
		written = append(written, name)
		fmt.Fprintf(out, "%s  %d bytes; load it with: docker load -i %s\n", name, len(data), filepath.Join(folder, name))
	}
	return writeChecksums(folder, written)
}

// contents are the files of an image: the program, a landscape to begin with, and what a process
// needs to run that is not root.
func contents(program, example, own, licences []byte) []file {
	return []file{
		{name: "etc", dir: true, mode: 0o755},
		{name: "etc/group", data: []byte("root:x:0:\ngatehouse:x:65532:\n"), mode: 0o644},
		{name: "etc/passwd", data: []byte("root:x:0:0:root:/:/nowhere\ngatehouse:x:65532:65532:gatehouse:/data:/nowhere\n"), mode: 0o644},
		{name: "gatehouse", data: program, mode: 0o755},
		{name: "licences", dir: true, mode: 0o755},
		{name: "licences/LICENSE", data: own, mode: 0o644},
		{name: "licences/THIRD-PARTY-LICENCES.txt.gz", data: licences, mode: 0o644},
		{name: "tmp", dir: true, mode: 0o777 | fs.ModeSticky},
		{name: "data", dir: true, mode: 0o755, uid: user},
		{name: "data/landscape.yaml", data: example, mode: 0o644, uid: user},
	}
}

// The parts of image-spec 1.1 that are used.
type (
	descriptor struct {
		MediaType   string            `json:"mediaType"`
		Digest      string            `json:"digest"`
		Size        int               `json:"size"`
		Platform    *platform         `json:"platform,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
	}
	platform struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
	}
	imageConfig struct {
		Created      string       `json:"created"`
		Architecture string       `json:"architecture"`
		OS           string       `json:"os"`
		Config       runConfig    `json:"config"`
		RootFS       rootFS       `json:"rootfs"`
		History      []historyRow `json:"history"`
	}
	runConfig struct {
		User         string              `json:"User"`
		ExposedPorts map[string]struct{} `json:"ExposedPorts"`
		Env          []string            `json:"Env"`
		Entrypoint   []string            `json:"Entrypoint"`
		Cmd          []string            `json:"Cmd"`
		WorkingDir   string              `json:"WorkingDir"`
		Labels       map[string]string   `json:"Labels"`
		StopSignal   string              `json:"StopSignal"`
	}
	rootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	}
	historyRow struct {
		Created   string `json:"created"`
		CreatedBy string `json:"created_by"`
	}
	manifest struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Config        descriptor   `json:"config"`
		Layers        []descriptor `json:"layers"`
	}
	index struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Manifests     []descriptor `json:"manifests"`
	}
	saved struct {
		Config   string   `json:"Config"`
		RepoTags []string `json:"RepoTags"`
		Layers   []string `json:"Layers"`
	}
)

// repository is the name of the image.
const repository = "gatehouse"

// image makes the tar of an image.
func (s source) image(t target, files []file) ([]byte, error) {
	layer, err := writeTar(sorted("", files), s.date)
	if err != nil {
		return nil, err
	}
	packed, err := compressed(layer)
	if err != nil {
		return nil, err
	}
	created := s.date.Format(time.RFC3339)
	tag := imageTag(s.version)
	config, err := json.Marshal(imageConfig{
		Created: created, Architecture: t.arch, OS: t.os,
		Config: runConfig{
			User: fmt.Sprintf("%d:%d", user, user), ExposedPorts: map[string]struct{}{"8443/tcp": {}},
			Env: []string{"PATH=/", "HOME=/data"}, WorkingDir: "/data", StopSignal: "SIGTERM",
			Entrypoint: []string{"/gatehouse"},
			// In a container its own network is what others reach; whether they do is for -p to say.
			Cmd: []string{"serve", "--listen", "0.0.0.0:8443", "--allow-remote", "--keys", "keys"},
			Labels: map[string]string{
				"org.opencontainers.image.title": "Gatehouse", "org.opencontainers.image.version": s.version, "org.opencontainers.image.revision": s.commit,
				"org.opencontainers.image.created": created, "org.opencontainers.image.licenses": "Apache-2.0",
				"org.opencontainers.image.description": "Simulates and checks calls with client certificates into an integration tenant",
			},
		},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{"sha256:" + digest(layer)}},
		History: []historyRow{{Created: created, CreatedBy: "go run ./tools/release image"}},
	})
	if err != nil {
		return nil, err
	}
	const family = "application/vnd.oci.image."
	blobs := []file{{name: "blobs", dir: true, mode: 0o755}, {name: "blobs/sha256", dir: true, mode: 0o755}}
	blob := func(kind string, data []byte) descriptor {
		sum := digest(data)
		blobs = append(blobs, file{name: "blobs/sha256/" + sum, data: data, mode: 0o644})
		return descriptor{MediaType: family + kind, Digest: "sha256:" + sum, Size: len(data)}
	}
	about := manifest{SchemaVersion: 2, MediaType: family + "manifest.v1+json", Config: blob("config.v1+json", config), Layers: []descriptor{blob("layer.v1.tar+gzip", packed)}}
	text, err := json.Marshal(about)
	if err != nil {
		return nil, err
	}
	top := blob("manifest.v1+json", text)
	top.Platform = &platform{Architecture: t.arch, OS: t.os}
	top.Annotations = map[string]string{"io.containerd.image.name": "docker.io/library/" + repository + ":" + tag, "org.opencontainers.image.ref.name": tag}
	list, err := json.Marshal(index{SchemaVersion: 2, MediaType: family + "index.v1+json", Manifests: []descriptor{top}})
	if err != nil {
		return nil, err
	}
	inBlobs := func(d descriptor) string { return "blobs/sha256/" + d.Digest[len("sha256:"):] }
	docker, err := json.Marshal([]saved{{Config: inBlobs(about.Config), RepoTags: []string{repository + ":" + tag, repository + ":latest"}, Layers: []string{inBlobs(about.Layers[0])}}})
	if err != nil {
		return nil, err
	}
	return writeTar(sorted("", append(blobs,
		file{name: "index.json", data: list, mode: 0o644}, file{name: "manifest.json", data: docker, mode: 0o644},
		file{name: "oci-layout", data: []byte(`{"imageLayoutVersion":"1.0.0"}`), mode: 0o644})), s.date)
}

// imageTag is a version as a tag can be written.
func imageTag(version string) string {
	out := []byte(version)
	for i, c := range out {
		if c == '+' {
			out[i] = '-'
		}
	}
	return string(out)
}
