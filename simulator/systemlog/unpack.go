package systemlog

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const exampleName = "http_access_1a2b3c4_2021-04-12.log"

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zipMagics = []string{"PK\x03\x04", "PK\x05\x06"} // a zip file, and one without files

	errArchiveInside = errors.New("an archive within an archive is not read")
	errNoLog         = errors.New("neither the name nor the first lines are those of a system log")
)

func isZip(r io.ReaderAt) bool {
	var head [4]byte
	_, _ = r.ReadAt(head[:], 0)
	return zipMagic(head[:])
}

func zipMagic(head []byte) bool {
	for _, magic := range zipMagics {
		if string(head) == magic {
			return true
		}
	}
	return false
}

// unpacked returns the plain content of r, which may be gzip, and the name that a gzip header has
// for it.
func unpacked(r io.Reader) (plain *bufio.Reader, name string, err error) {
	packed := bufio.NewReaderSize(r, readBlock)
	if head, _ := packed.Peek(len(gzipMagic)); !bytes.Equal(head, gzipMagic) {
		return packed, "", nil
	}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return nil, "", err
	}
	return bufio.NewReaderSize(z, readBlock), z.Name, nil
}

// recognise tells which log it is whose content r gives.
func recognise(name string, r io.Reader) (File, error) {
	plain, inner, err := unpacked(r)
	if err != nil {
		return File{}, err
	}
	head, err := plain.Peek(4)
	if err != nil && err != io.EOF && len(head) == 0 {
		return File{}, err
	}
	if zipMagic(head) || bytes.HasPrefix(head, gzipMagic) {
		return File{}, errArchiveInside
	}
	if file, ok := ParseFileName(name); ok {
		return file, nil
	}
	if file, ok := ParseFileName(inner); ok {
		return file, nil
	}
	head, _ = plain.Peek(readBlock) // as much as there is
	kind, ok := kindOf(string(head))
	if !ok {
		return File{}, errNoLog
	}
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	return File{Name: name, Kind: kind}, nil
}

// kindOf tells from the beginning of a file which log it is: by the first line that belongs to
// one, among the first few.
func kindOf(head string) (Kind, bool) {
	const lines = 50
	n := 0
	for line := range strings.Lines(head) {
		if startsRecord(line) || strings.HasPrefix(line, "FILE_TYPE:") {
			return Trace, true
		}
		if _, err := ParseAccessLine(line); err == nil {
			return HTTP, true
		}
		if n++; n == lines {
			break
		}
	}
	return "", false
}

// lookInto adds the logs in a zip file.
func (c *Collection) lookInto(path string, file *os.File) error {
	archive, err := openZip(file, c.limits.Files)
	if err != nil {
		c.skip(path, err)
		return nil
	}
	for i, member := range archive.File {
		if member.FileInfo().IsDir() {
			continue
		}
		if err := c.room(); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		// What is shown names the archive and the member; the latter is never used as a path.
		r, err := member.Open()
		if err != nil {
			c.skip(path+": "+member.Name, err)
			continue
		}
		c.add(log{path: path, member: member.Name, place: i + 1}, r)
		r.Close()
	}
	return nil
}

// openZip reads the directory of a zip file. That of a hostile one may name millions of files:
// reading it is given up where it is larger than that of the allowed number can be.
func openZip(file *os.File, files int) (*zip.Reader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	const perFile, fixed = 512, 256 << 10
	directory := &budgetReaderAt{r: file, left: fixed + int64(files)*perFile}
	archive, err := zip.NewReader(directory, info.Size())
	directory.left = -1
	if err == nil && len(archive.File) > files {
		err = fmt.Errorf("%w: %d, expected %d at most", errTooManyFiles, len(archive.File), files)
	}
	return archive, err
}

// budgetReaderAt fails once left bytes were read; with left below 0 it has no limit.
type budgetReaderAt struct {
	r    io.ReaderAt
	left int64
}

func (b *budgetReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if b.left < 0 {
		return b.r.ReadAt(p, off)
	}
	if int64(len(p)) > b.left {
		return 0, fmt.Errorf("%w: the zip file's directory is too large", errTooManyFiles)
	}
	n, err := b.r.ReadAt(p, off)
	b.left -= int64(n)
	return n, err
}

// openArchives keeps a few zip files open while their members are read one after the other.
type openArchives struct {
	limits Limits
	// most is how many are kept open. Default: archivesOpen.
	most int
	kept map[string]openArchive
}

type openArchive struct {
	file *os.File
	zip  *zip.Reader
}

const archivesOpen = 8

// open opens a log of a collection for reading its plain content.
func (a *openArchives) open(l log) (io.ReadCloser, error) {
	var packed io.ReadCloser
	if l.place == 0 {
		file, err := os.Open(l.path)
		if err != nil {
			return nil, err
		}
		packed = file
	} else {
		archive, err := a.archive(l.path)
		if err != nil {
			return nil, err
		}
		if l.place > len(archive.File) || archive.File[l.place-1].Name != l.member {
			return nil, errors.New("the zip file has changed since it was opened")
		}
		if packed, err = archive.File[l.place-1].Open(); err != nil {
			return nil, err
		}
	}
	plain, _, err := unpacked(packed)
	if err != nil {
		packed.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, packed}, nil
}

func (a *openArchives) archive(path string) (*zip.Reader, error) {
	if known, ok := a.kept[path]; ok {
		return known.zip, nil
	}
	if len(a.kept) >= max(a.most, archivesOpen) {
		a.close()
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	archive, err := openZip(file, a.limits.Files)
	if err != nil {
		file.Close()
		return nil, err
	}
	if a.kept == nil {
		a.kept = map[string]openArchive{}
	}
	a.kept[path] = openArchive{file, archive}
	return archive, nil
}

func (a *openArchives) close() {
	for _, archive := range a.kept {
		archive.file.Close()
	}
	clear(a.kept)
}
