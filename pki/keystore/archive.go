package keystore

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"time"
)

// encodeArchive packs files into a zip archive. They are stored and not compressed: keys and
// certificates hardly shrink, and the bytes do not depend on a version of the compression.
func encodeArchive(name string, files []File, now time.Time) ([]byte, error) {
	if note := privateNote(name, files); note != nil {
		files = append(files, *note)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.Name, Method: zip.Store, Modified: now.UTC()}
		header.SetMode(f.Mode)
		if f.Mode == privateMode {
			header.Comment = "private key"
		}
		entry, err := w.CreateHeader(header)
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
		if _, err := entry.Write(f.Data); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return out.Bytes(), nil
}

// privateNote says which files are for nobody else; nil if none is.
func privateNote(name string, files []File) *File {
	var private []string
	for _, f := range files {
		if f.Mode == privateMode {
			private = append(private, f.Name)
		}
	}
	if len(private) == 0 {
		return nil
	}
	text := "These files hold the private key of " + name + ". Give them to nobody but the system\n" +
		"that is to use them, and let only its user read them:\n\n  " + strings.Join(private, "\n  ") +
		"\n\nThe certificates are for tests. Nothing real may trust them.\n"
	return &File{Name: name + "-READ-ME.txt", Data: []byte(text), Mode: publicMode}
}
