package systemlog

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// StoredFile is a log file of a Dir.
type StoredFile struct {
	File
	// Size is that of the file as it lies there, in bytes.
	Size int64
	// Modified is the time of the newest line, by the clock that the lines were written by; for a
	// file without a readable line that of the file.
	Modified time.Time
}

// List lists the log files, by day, node and kind. A folder that does not exist yet is an empty
// one.
func (d Dir) List() ([]StoredFile, error) {
	if d == "" {
		return nil, nil
	}
	files, err := d.files()
	if err != nil {
		return nil, err
	}
	out := make([]StoredFile, 0, len(files))
	for _, file := range files {
		stored, err := d.stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed just now
		}
		if err != nil {
			return nil, fmt.Errorf("list the logs: %w", err)
		}
		out = append(out, stored)
	}
	return out, nil
}

// tailBytes is how much of a file's end is searched for its newest line.
const tailBytes = 64 << 10

func (d Dir) stat(file File) (StoredFile, error) {
	f, err := os.Open(filepath.Join(string(d), file.Name))
	if err != nil {
		return StoredFile{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return StoredFile{}, err
	}
	out := StoredFile{File: file, Size: info.Size(), Modified: info.ModTime()}
	from := max(0, info.Size()-tailBytes)
	tail, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return StoredFile{}, err
	}
	if from > 0 { // the first line may be a part of one
		tail = tail[bytes.IndexByte(tail, '\n')+1:]
	}
	if newest := newest(file.Kind, tail); !newest.IsZero() {
		out.Modified = newest
	}
	return out, nil
}

// newest is the time of the last line or record that can be read; zero if there is none.
func newest(kind Kind, lines []byte) (at time.Time) {
	if kind == Trace {
		for record, err := range ReadTrace(bytes.NewReader(lines)) {
			if err == nil {
				at = record.Time
			}
		}
		return at
	}
	for len(lines) > 0 {
		lines = bytes.TrimRight(lines, "\r\n")
		begin := bytes.LastIndexByte(lines, '\n') + 1
		if line, err := ParseAccessLine(string(lines[begin:])); err == nil {
			return line.Time
		}
		lines = lines[:begin]
	}
	return time.Time{}
}

// WriteGzip writes the file of that name, packed with gzip, as the product's download of one file
// is [C]. The error is fs.ErrNotExist if there is no log file of that name.
func (d Dir) WriteGzip(w io.Writer, name string) error {
	file, ok := ParseFileName(name)
	if !ok || name != FileName(file.Kind, file.Node, file.Date) || d == "" {
		return fmt.Errorf("pack the log %s: %w", clipName(name), fs.ErrNotExist)
	}
	z := gzip.NewWriter(w)
	z.Name = file.Name
	if err := d.copy(z, file.Name); err != nil {
		return fmt.Errorf("pack the log %s: %w", file.Name, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack the log %s: %w", file.Name, err)
	}
	return nil
}

// WriteZip writes the files as a zip archive, as the product's download of a collection is [C]. A
// file that was removed in the meantime is left out; an archive of nothing is one without files.
func (d Dir) WriteZip(w io.Writer, files []StoredFile) error {
	z := zip.NewWriter(w)
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(string(d), file.Name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		entry, err := z.CreateHeader(&zip.FileHeader{Name: file.Name, Method: zip.Deflate, Modified: file.Modified.UTC()})
		if err == nil {
			err = d.copy(entry, file.Name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("pack the log %s: %w", file.Name, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack the logs: %w", err)
	}
	return nil
}

// copy copies what is in the file now; what is written meanwhile does not count.
func (d Dir) copy(w io.Writer, name string) error {
	f, err := os.Open(filepath.Join(string(d), name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, io.NewSectionReader(f, 0, info.Size()))
	return err
}
