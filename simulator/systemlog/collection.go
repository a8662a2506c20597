package systemlog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// ErrNoLogs: there is no system log where one was looked for.
var ErrNoLogs = errors.New("no system log found")

// Limits bounds what is read from downloads. The zero value has the defaults.
type Limits struct {
	// LineBytes is the longest line or record. Default: DefaultLineBytes, 1 MiB.
	LineBytes int
	// Files is how many files a folder or a collection may hold. Default: 10,000.
	Files int
	// TotalBytes is how much is read in one pass over all files, after unpacking. Default: 4 GiB.
	TotalBytes int64
}

func (l Limits) withDefaults() Limits {
	if l.LineBytes <= 0 {
		l.LineBytes = DefaultLineBytes
	}
	if l.Files <= 0 {
		l.Files = 10_000
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = 4 << 30
	}
	return l
}

// NodeLine is an access log line with the node that wrote it.
type NodeLine struct {
	// Node is empty where the file's name does not tell.
	Node string
	AccessLine
}

// NodeRecord is a trace record with the node that wrote it.
type NodeRecord struct {
	// Node is empty where the file's name does not tell.
	Node string
	TraceRecord
}

// Skipped is a file that a Collection does not read, and why.
type Skipped struct {
	Name string
	Err  error
}

// FileError says that a file could not be opened, or not be read to its end. The files after it
// are read all the same.
type FileError struct {
	File string
	Err  error
}

func (e *FileError) Error() string {
	return fmt.Sprintf("read the log %s: %v", clipName(e.File), e.Err)
}
func (e *FileError) Unwrap() error { return e.Err }

// clipName is a file name for an error: as it is if it is harmless, else quoted.
func clipName(name string) string {
	if quoted := clip(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// Collection is a set of log files of any number of nodes, days and both kinds: plain, gzip (the
// download of one file) and zip (the download of a collection) [C]. It holds no file open between
// readings, and what it hands out is no more than what its Limits allow.
type Collection struct {
	limits  Limits
	logs    []log
	skipped []Skipped
	names   map[string]bool // of those logs whose names tell day and node
}

// log is a file of a collection: on disk, or in the zip file at path.
type log struct {
	File
	path string
	// member and place are the name and the place, from 1, in the zip file's directory; place 0 is
	// the file at path itself.
	member string
	place  int
}

// shown is the log's name for people.
func (l log) shown() string {
	if l.place == 0 {
		return l.path
	}
	return l.path + ": " + l.member
}

// Open looks for logs at path: a file or a folder. It is OpenAll with the default limits.
func Open(path string) (*Collection, error) { return OpenAll(Limits{}, path) }

// OpenAll looks for logs at each of the paths, files and folders with all below them. Kind, node
// and date come from a file's name; where that does not tell, the kind comes from its first lines,
// and node and date are not known. Packing is recognised by content, not by name. A log that is
// there twice, packed and unpacked, is read once.
//
// What is no log is listed by Skipped. If no log is left, the error is ErrNoLogs.
func OpenAll(limits Limits, paths ...string) (*Collection, error) {
	c := &Collection{limits: limits.withDefaults(), names: map[string]bool{}}
	for _, path := range paths {
		if err := c.look(path); err != nil {
			return nil, fmt.Errorf("open logs: %w", err)
		}
	}
	if len(c.logs) == 0 {
		err := fmt.Errorf("%w in %q: expected files such as %s, also as .gz, or a .zip of these", ErrNoLogs, paths, exampleName)
		if len(c.skipped) > 0 {
			first := c.skipped[0]
			err = fmt.Errorf("%w; %d files were skipped, the first, %s, because: %w", err, len(c.skipped), clipName(first.Name), first.Err)
		}
		return nil, err
	}
	slices.SortStableFunc(c.logs, func(a, b log) int {
		return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return c, nil
}

// look adds the logs at path.
func (c *Collection) look(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return c.lookAt(path, info.Mode())
	}
	return filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			c.skip(at, err)
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		// A link to a file is followed, one to a folder is not.
		info, err := os.Stat(at)
		if err != nil {
			c.skip(at, err)
			return nil
		}
		return c.lookAt(at, info.Mode())
	})
}

func (c *Collection) skip(name string, err error) {
	c.skipped = append(c.skipped, Skipped{Name: name, Err: err})
}

var (
	errTooManyFiles = errors.New("too many files")
	errFoundBefore  = errors.New("the same log was found before")
	errNotRegular   = errors.New("not a regular file")
)

// room is an error once the limit of files is reached.
func (c *Collection) room() error {
	if len(c.logs)+len(c.skipped) >= c.limits.Files {
		return fmt.Errorf("%w: expected %d at most", errTooManyFiles, c.limits.Files)
	}
	return nil
}

// lookAt adds the file at path, or the logs in it. The error ends the search; what is wrong with
// this one file only is noted.
func (c *Collection) lookAt(path string, mode fs.FileMode) error {
	if err := c.room(); err != nil {
		return err
	}
	if !mode.IsRegular() {
		c.skip(path, errNotRegular)
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		c.skip(path, err)
		return nil
	}
	defer file.Close()
	if isZip(file) {
		return c.lookInto(path, file)
	}
	c.add(log{path: path}, file)
	return nil
}

// add adds a log of which r gives the content, packed or not.
func (c *Collection) add(l log, r io.Reader) {
	var err error
	name := l.path
	if l.place > 0 {
		name = l.member
	}
	if l.File, err = recognise(name, r); err != nil {
		c.skip(l.shown(), err)
		return
	}
	if !l.Date.IsZero() {
		same := FileName(l.Kind, l.Node, l.Date)
		if c.names[same] {
			c.skip(l.shown(), errFoundBefore)
			return
		}
		c.names[same] = true
	}
	c.logs = append(c.logs, l)
}

// Files lists the logs in the order in which they are read: by day, then node, then kind.
func (c *Collection) Files() []File {
	files := make([]File, len(c.logs))
	for i, l := range c.logs {
		files[i] = l.File
	}
	return files
}

// Skipped lists the files that are not read.
func (c *Collection) Skipped() []Skipped { return slices.Clone(c.skipped) }

// Access reads all access logs, file by file. Unreadable lines come as *LineError, unreadable
// files as *FileError, and reading goes on after both (a Tally counts them); ErrTooLarge, in a
// *FileError, ends it.
func (c *Collection) Access() iter.Seq2[NodeLine, error] {
	return func(yield func(NodeLine, error) bool) {
		c.each(HTTP, func(l log, r io.Reader) (bool, error) {
			for line, err := range readAccess(r, c.limits.LineBytes) {
				if err != nil && !named(err, l.Name) {
					return true, err
				}
				if !yield(NodeLine{Node: l.Node, AccessLine: line}, err) {
					return false, nil
				}
			}
			return true, nil
		}, func(err error) bool { return yield(NodeLine{}, err) })
	}
}

// Trace reads all traces, file by file, as Access reads the access logs.
func (c *Collection) Trace() iter.Seq2[NodeRecord, error] {
	return func(yield func(NodeRecord, error) bool) {
		c.each(Trace, func(l log, r io.Reader) (bool, error) {
			for record, err := range readTrace(r, c.limits.LineBytes) {
				if err != nil && !named(err, l.Name) {
					return true, err
				}
				if !yield(NodeRecord{Node: l.Node, TraceRecord: record}, err) {
					return false, nil
				}
			}
			return true, nil
		}, func(err error) bool { return yield(NodeRecord{}, err) })
	}
}

// named puts the file's name into a *LineError; false if the error is none.
func named(err error, file string) bool {
	line := (*LineError)(nil)
	if !errors.As(err, &line) {
		return false
	}
	line.File = file
	return true
}

// each opens the logs of a kind one after the other. read tells whether to go on, and what
// the file failed with; failed hands that out and tells whether to go on.
func (c *Collection) each(kind Kind, read func(log, io.Reader) (bool, error), failed func(error) bool) {
	archives := openArchives{limits: c.limits}
	defer archives.close()
	left := c.limits.TotalBytes
	for _, l := range c.logs {
		if l.Kind != kind {
			continue
		}
		r, err := archives.open(l)
		more := true
		if err == nil {
			more, err = read(l, &boundedReader{r: r, left: &left})
			r.Close()
		}
		if !more || err != nil && !failed(&FileError{File: l.Name, Err: err}) || errors.Is(err, ErrTooLarge) {
			return
		}
	}
}

// boundedReader fails once more than left bytes were read.
type boundedReader struct {
	r    io.Reader
	left *int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	// One byte more than allowed tells a log that fits exactly from one that does not.
	if int64(len(p)) > *b.left+1 {
		p = p[:*b.left+1]
	}
	n, err := b.r.Read(p)
	if int64(n) > *b.left {
		n = int(*b.left)
		err = fmt.Errorf("%w of bytes in all", ErrTooLarge)
	}
	*b.left -= int64(n)
	return n, err
}
