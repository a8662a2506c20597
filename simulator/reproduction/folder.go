package reproduction

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/document"
)

// ForeignError says that a folder holds what was not written here, or was changed since.
type ForeignError struct {
	Dir   string
	Files []string
}

func (e *ForeignError) Error() string {
	names := e.Files
	more := ""
	if len(names) > 5 {
		more = fmt.Sprintf(" and %d more", len(names)-5)
		names = names[:5]
	}
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = fmt.Sprintf("%q", n)
	}
	return fmt.Sprintf("the folder %s holds files that are not of a reproduction, or were changed since: %s%s; nothing was written. Choose another folder with -o", e.Dir, strings.Join(shown, ", "), more)
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Write writes the folder whole or not at all. A folder that is there must be empty, or hold an
// earlier reproduction that nobody changed, which is replaced. The error is a *ForeignError if it
// holds anything else.
func (r *Reproduction) Write(dir string) (err error) {
	files, err := r.Files()
	if err != nil {
		return err
	}
	if err := ours(dir); err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	fresh, err := os.MkdirTemp(parent, ".gatehouse-*")
	if err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }()
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(fresh, f.Name), f.Data, 0o644); err != nil {
			return fmt.Errorf("writing the folder: %w", err)
		}
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return fmt.Errorf("writing the folder: %w", err)
	}
	if here(dir) {
		// Whoever stands in the folder would stay in the old one.
		for _, f := range files { // the manifest last
			if err := os.Rename(filepath.Join(fresh, f.Name), filepath.Join(dir, f.Name)); err != nil {
				return fmt.Errorf("writing the folder: %w", err)
			}
		}
		return nil
	}
	return exchange(fresh, dir)
}

// here tells whether a folder is the one in which we stand.
func here(dir string) bool {
	a, err1 := os.Stat(dir)
	b, err2 := os.Stat(".")
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// exchange puts a complete folder in the place of another, which is empty, ours or not there.
func exchange(fresh, dir string) error {
	err := os.Rename(fresh, dir)
	if err == nil {
		return nil
	}
	if _, stat := os.Lstat(dir); errors.Is(stat, fs.ErrNotExist) {
		return fmt.Errorf("writing the folder: %w", err)
	}
	old, err := os.MkdirTemp(filepath.Dir(fresh), ".gatehouse-*")
	if err != nil {
		return fmt.Errorf("writing the folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(old) }() // what was there before is ours
	kept := filepath.Join(old, "before")
	if err := os.Rename(dir, kept); err != nil {
		return fmt.Errorf("replacing the folder: %w", err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("replacing the folder: %w", errors.Join(err, os.Rename(kept, dir)))
	}
	return nil
}

// ours tells whether a folder may be written: it is not there, empty, or an earlier reproduction.
func ours(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at the folder: %w", err)
	case !info.IsDir():
		return &ForeignError{Dir: dir, Files: []string{filepath.Base(dir)}}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking at the folder: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	var m manifest
	if data, err := bounded(filepath.Join(dir, ManifestName)); err != nil || json.Unmarshal(data, &m) != nil || m.Schema != manifestSchema {
		m = manifest{}
	}
	var foreign []string
	for _, e := range entries {
		if e.Name() == ManifestName && m.Schema != "" {
			continue
		}
		data, err := bounded(filepath.Join(dir, e.Name()))
		if want := m.Files[e.Name()]; err != nil || want == "" || want != hashOf(data) {
			foreign = append(foreign, e.Name())
		}
	}
	if len(foreign) > 0 {
		slices.Sort(foreign)
		return &ForeignError{Dir: dir, Files: foreign}
	}
	return nil
}

// bounded reads a file that somebody else may have put there.
func bounded(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > document.MaxSize {
		return nil, fmt.Errorf("%s is no file of a reproduction", path)
	}
	return os.ReadFile(path)
}
