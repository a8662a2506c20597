package folder

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds a file of ours that is read back, in bytes.
const maxFile = 64 << 20

// temporaryPrefix begins the name of a file that is not complete yet.
const temporaryPrefix = ".gatehouse-"

// disk is what is in the folder. All access goes through an [os.Root], so that no link leads out
// of it.
type disk struct {
	dir   string
	root  *os.Root               // nil: there is no such folder yet
	names map[string]fs.FileMode // type of everything that is there
	read  map[string]content
}

type content struct {
	data []byte
	hash string
}

func openDisk(dir string) (*disk, error) {
	d := &disk{dir: dir, names: map[string]fs.FileMode{}, read: map[string]content{}}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, nil
	case err != nil:
		return nil, fmt.Errorf("looking at the folder %s: %w", dir, err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a folder, expected one or nothing", dir)
	}
	if d.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("opening the folder %s: %w", dir, err)
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listing the folder %s: %w", dir, err), d.root.Close())
	}
	for _, entry := range list {
		d.names[entry.Name()] = entry.Type()
	}
	return d, nil
}

func (d *disk) close() {
	if d.root != nil {
		d.root.Close()
		d.root = nil
	}
}

// open opens the folder again after close.
func (d *disk) open() error {
	if d.root != nil {
		return nil
	}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return fmt.Errorf("opening the folder %s: %w", d.dir, err)
	}
	d.root = root
	return nil
}

// create makes the folder if it is not there.
func (d *disk) create() error {
	if d.root != nil {
		return nil
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("making the folder %s: %w", d.dir, err)
	}
	return d.open()
}

// has tells whether there is anything of that name.
func (d *disk) has(name string) bool {
	_, there := d.names[name]
	return there
}

// content reads a file; its hash is empty if it is not there, and "-" if it is not a regular file.
func (d *disk) content(name string) (content, error) {
	if c, known := d.read[name]; known {
		return c, nil
	}
	kind, there := d.names[name]
	var c content
	switch {
	case !there:
	case !kind.IsRegular():
		c.hash = "-"
	default:
		if err := d.open(); err != nil {
			return c, err
		}
		f, err := d.root.Open(name)
		if err != nil {
			return c, fmt.Errorf("reading %s: %w", filepath.Join(d.dir, name), err)
		}
		defer f.Close()
		if c.data, err = io.ReadAll(io.LimitReader(f, maxFile+1)); err != nil {
			return c, fmt.Errorf("reading %s: %w", filepath.Join(d.dir, name), err)
		}
		c.hash = hashOf(c.data)
		if len(c.data) > maxFile {
			c.data, c.hash = nil, "-"
		}
	}
	d.read[name] = c
	return c, nil
}

// ofTheSystem are files that a desktop puts into every folder.
var ofTheSystem = []string{".DS_Store", "Thumbs.db", "desktop.ini"}

// isTemporary tells whether the name is one that put gives to incomplete files.
func isTemporary(name string) bool {
	rest, found := strings.CutPrefix(name, temporaryPrefix)
	return found && len(rest) == len(rand.Text()) && !strings.ContainsFunc(rest, func(r rune) bool { return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", r) })
}

// foreign lists what is there and is not ours.
func (d *disk) foreign(ours map[string][]string, beside []string) []string {
	var out []string
	for name, kind := range d.names {
		switch {
		case ours[name] != nil, name == ManifestName, slices.Contains(ofTheSystem, name), slices.Contains(beside, name):
		case isTemporary(name) && kind.IsRegular():
		default:
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// put writes a file whole: under another name first, then under its own. What was there of that
// name is replaced; a link is replaced, not followed.
func put(root *os.Root, name string, data []byte, mode fs.FileMode) error {
	temporary := temporaryPrefix + rand.Text()
	out, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	if err = errors.Join(err, out.Close()); err == nil {
		err = root.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return nil
}

// remove removes a file that may be gone already.
func remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
