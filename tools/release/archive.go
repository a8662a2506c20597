package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is a file of a release.
type file struct {
	name string
	data []byte
	mode fs.FileMode
	// uid is the owner within an image.
	uid int
	// dir: it is a folder.
	dir bool
}

// sorted are the files by name, each below a folder.
func sorted(folder string, files []file) []file {
	out := slices.Clone(files)
	for i := range out {
		if folder != "" {
			out[i].name = folder + "/" + out[i].name
		}
	}
	slices.SortFunc(out, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return out
}

// writeTar writes files in the order of their names; nothing of this machine is in it.
func writeTar(files []file, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: int64(f.mode.Perm()), Size: int64(len(f.data)), ModTime: at, Format: tar.FormatUSTAR, Uid: f.uid, Gid: f.uid, Typeflag: tar.TypeReg}
		if f.mode&fs.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
		if f.dir {
			h.Typeflag, h.Name, h.Size = tar.TypeDir, f.name+"/", 0
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// compressed is a text as gzip, without name and time.
func compressed(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// tarred is a .tar.gz with one folder.
func tarred(folder string, files []file, at time.Time) ([]byte, error) {
	data, err := writeTar(sorted(folder, files), at)
	if err != nil {
		return nil, err
	}
	return compressed(data)
}

// zipped is a .zip with one folder.
func zipped(folder string, files []file, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range sorted(folder, files) {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
		h.SetMode(f.mode)
		to, err := w.CreateHeader(h)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if _, err := to.Write(f.data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// checksums is the name of the file with the checksums, in the form that sha256sum -c reads.
const checksums = "SHA256SUMS"

// writeChecksums adds the checksums of the files to those that are there of other files.
func writeChecksums(folder string, names []string) error {
	sums := map[string]string{}
	have, err := os.ReadFile(filepath.Join(folder, checksums))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for line := range strings.Lines(string(have)) {
		if sum, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
				sums[name] = sum
			}
		}
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		sums[name] = digest(data)
	}
	var lines []string
	for name, sum := range sums {
		lines = append(lines, sum+"  "+name+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return os.WriteFile(filepath.Join(folder, checksums), []byte(strings.Join(lines, "")), 0o644)
}

// digest is a SHA-256 in hexadecimal.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
