package systemlog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Dir is a folder into which Writers write, for following what they write: take a Mark, make a
// call, and Since tells what the call left in the logs.
type Dir string

// Mark is a position in all logs of a Dir. The zero value stands before everything that is there.
// It does not change and can be used again.
type Mark struct {
	sizes map[string]int64
}

// sinceBytes is the most that is read from one file at once.
const sinceBytes = 256 << 20

// Mark returns the position after all that was written until now. A folder that does not exist
// yet is an empty one.
func (d Dir) Mark() (Mark, error) {
	files, err := d.files()
	if err != nil {
		return Mark{}, err
	}
	sizes := make(map[string]int64, len(files))
	for _, file := range files {
		info, err := os.Stat(filepath.Join(string(d), file.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed just now
		case err != nil:
			return Mark{}, fmt.Errorf("mark the logs: %w", err)
		default:
			sizes[file.Name] = info.Size()
		}
	}
	return Mark{sizes}, nil
}

// files lists the log files, by day, node and kind.
func (d Dir) files() ([]File, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the logs: %w", err)
	}
	var files []File
	for _, entry := range entries {
		file, ok := ParseFileName(entry.Name())
		if ok && entry.Type().IsRegular() && file.Name == FileName(file.Kind, file.Node, file.Date) {
			files = append(files, file)
		}
	}
	slices.SortFunc(files, func(a, b File) int {
		return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Kind, b.Kind))
	})
	return files, nil
}

// Since returns what was written since the mark, each node's lines in the order in which they were
// written. A line whose end is not written yet does not count. Lines that cannot be read are in
// the error, as *LineError whose line numbers count from the mark; the others are returned all the
// same.
func (d Dir) Since(mark Mark) ([]NodeLine, []NodeRecord, error) {
	lines, records, _, err := d.Next(mark)
	return lines, records, err
}

// Next is Since, and returns the mark that stands after what was returned: the next call with it
// misses nothing and returns nothing twice.
func (d Dir) Next(mark Mark) ([]NodeLine, []NodeRecord, Mark, error) {
	files, err := d.files()
	if err != nil {
		return nil, nil, mark, err
	}
	var (
		lines   []NodeLine
		records []NodeRecord
		errs    []error
	)
	next := Mark{maps.Clone(mark.sizes)}
	if next.sizes == nil {
		next.sizes = map[string]int64{}
	}
	for _, file := range files {
		written, at, err := d.written(file, mark.sizes[file.Name])
		if err != nil {
			errs = append(errs, &FileError{File: file.Name, Err: err})
			continue
		}
		next.sizes[file.Name] = at
		switch file.Kind {
		case HTTP:
			for line, err := range ReadAccess(bytes.NewReader(written)) {
				if err != nil {
					named(err, file.Name)
					errs = append(errs, err)
					continue
				}
				lines = append(lines, NodeLine{file.Node, line})
			}
		case Trace:
			for record, err := range ReadTrace(bytes.NewReader(written)) {
				if err != nil {
					named(err, file.Name)
					errs = append(errs, err)
					continue
				}
				records = append(records, NodeRecord{file.Node, record})
			}
		}
	}
	return lines, records, next, errors.Join(errs...)
}

// written returns the whole lines or records behind from, and where they end.
func (d Dir) written(file File, from int64) (content []byte, end int64, err error) {
	f, err := os.Open(filepath.Join(string(d), file.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil // removed just now
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	size := info.Size()
	if size < from {
		from = 0 // another file than the one that was marked
	}
	if size == from {
		return nil, from, nil
	}
	if size-from > sinceBytes {
		return nil, 0, fmt.Errorf("%d bytes since the mark: %w of %d", size-from, ErrTooLarge, sinceBytes)
	}
	content, err = io.ReadAll(io.NewSectionReader(f, from, size-from))
	if err != nil {
		return nil, 0, err
	}
	end = int64(bytes.LastIndexByte(content, '\n') + 1)
	if file.Kind == Trace {
		end = int64(lastRecordEnd(content))
	}
	return content[:end], from + end, nil
}

// lastRecordEnd is the length of the whole records in content.
func lastRecordEnd(content []byte) int {
	for end := len(content); ; {
		end = bytes.LastIndexByte(content[:end], '\n')
		if end < 0 {
			return 0
		}
		start := bytes.LastIndexByte(content[:end], '\n') + 1
		if endsRecord(string(bytes.TrimSuffix(content[start:end], []byte{'\r'}))) {
			return end + 1
		}
	}
}
