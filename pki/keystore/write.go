package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"example.com/gatehouse/pki"
)

// Modes of the files. Whatever holds a private key is for its owner only.
const (
	publicMode  fs.FileMode = 0o644
	privateMode fs.FileMode = 0o600
)

// File is a file of a certificate.
type File struct {
	// Export is what the file is.
	Export Export
	// Name is the name without a folder, the certificate's name with a suffix.
	Name string
	Data []byte
	// Mode is 0600 for whatever holds a private key, otherwise 0644.
	Mode fs.FileMode
}

// Write writes the files of a certificate into the directory, which is made if need be, and
// returns their paths, in the order of [Exports]. By default these are:
//
//	<name>.cer            the certificate, DER
//	<name>.pem            the certificate, PEM
//	<name>-chain.pem      with its intermediates, as a sender presents them
//	<name>-fullchain.pem  with its intermediates and the root
//	<name>.key            the private key, PKCS#8 in PEM, not encrypted, mode 0600
//	<name>.p7b            with its intermediates and the root, PKCS#7
//	<name>.p12            key and chain, PKCS#12, mode 0600; only with a password
//
// A certificate without a private key gets no .key and no .p12. Without Force, nothing is written
// if one of the files is there already. If one cannot be written, new ones that were written before
// it are removed again. Nothing is written outside of the directory, not through links either.
//
// Each file appears whole or not at all, even if the process is killed in between: its content is
// complete under another name (".gatehouse-" and random letters) before it gets its own. What a
// killed process can leave behind is one file of such a name.
func Write(dir string, c *pki.Certificate, options Options) ([]string, error) {
	files, err := Files(c, options)
	if err != nil {
		return nil, fmt.Errorf("writing the files of %q: %w", c.Name(), err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory %s: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the directory %s: %w", dir, err)
	}
	defer root.Close()
	if !options.Force {
		if err := nothingThere(root, dir, files); err != nil {
			return nil, err
		}
	}
	var paths []string
	for i, f := range files {
		if err := put(root, f, options.Force); err != nil {
			if !options.Force {
				for _, written := range files[:i] {
					err = errors.Join(err, root.Remove(written.Name))
				}
			}
			return nil, fmt.Errorf("writing %s: %w", filepath.Join(dir, f.Name), err)
		}
		paths = append(paths, filepath.Join(dir, f.Name))
	}
	return paths, nil
}

// Files are the files that [Write] writes, without writing them.
func Files(c *pki.Certificate, o Options) ([]File, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkFileName(c.Name()); err != nil {
		return nil, err
	}
	return filesOf(c, &o)
}

// filesOf encodes the wanted files in the order of the exports, the archive last.
func filesOf(c *pki.Certificate, o *Options) ([]File, error) {
	wanted, archived, err := wantedExports(c, o)
	if err != nil {
		return nil, err
	}
	files, err := encodeAll(c, wanted, o)
	if err != nil || !archived {
		return files, err
	}
	archive, err := archiveOf(c, files, o)
	if err != nil {
		return nil, err
	}
	return append(files, archive), nil
}

func encodeAll(c *pki.Certificate, wanted []Export, o *Options) ([]File, error) {
	var out []File
	for _, e := range wanted {
		data, err := encode(c, e, o)
		if err != nil {
			return nil, fmt.Errorf("encoding it as %s: %w", e, err)
		}
		info := e.Info()
		f := File{Export: e, Name: c.Name() + info.Suffix, Data: data, Mode: publicMode}
		if info.Private {
			f.Mode = privateMode
		}
		out = append(out, f)
	}
	return out, nil
}

// archiveOf packs the files, or those of the default if there are none.
func archiveOf(c *pki.Certificate, files []File, o *Options) (File, error) {
	if len(files) == 0 {
		var err error
		if files, err = encodeAll(c, defaultExports(c, o), o); err != nil {
			return File{}, err
		}
	}
	f := File{Export: ArchiveFile, Name: c.Name() + ArchiveFile.Info().Suffix, Mode: publicMode}
	if slices.ContainsFunc(files, func(f File) bool { return f.Mode == privateMode }) {
		f.Mode = privateMode
	}
	var err error
	f.Data, err = encodeArchive(c.Name(), slices.Clone(files), o.Now())
	return f, err
}

// wantedExports puts what is asked for into order; archived tells that the archive is wanted too.
func wantedExports(c *pki.Certificate, o *Options) (wanted []Export, archived bool, err error) {
	if len(o.Exports) == 0 {
		return defaultExports(c, o), false, nil
	}
	for _, e := range o.Exports {
		if e.Info().ID == noExport {
			_, err := ParseExport(string(e))
			return nil, false, err
		}
	}
	for _, info := range exports {
		switch {
		case !slices.Contains(o.Exports, info.ID):
		case info.ID == ArchiveFile:
			archived = true
		default:
			wanted = append(wanted, info.ID)
		}
	}
	return wanted, archived, nil
}

func defaultExports(c *pki.Certificate, o *Options) []Export {
	usual := []Export{DERFile, PEMFile, ChainFile, FullChainFile, KeyFile, PKCS7File, PKCS12File}
	possible := PossibleExports(c, *o)
	return slices.DeleteFunc(usual, func(e Export) bool { return !slices.Contains(possible, e) })
}

// checkFileName accepts names that mean one file in the directory on every system.
func checkFileName(name string) error {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	device := len(base) == 4 && (base[:3] == "COM" || base[:3] == "LPT") && '0' <= base[3] && base[3] <= '9'
	switch {
	case name == "" || len(name) > 100:
		return fmt.Errorf("%q cannot be a file name: expected 1 to 100 bytes", name)
	case strings.ContainsAny(name, `<>:"/\|?*`) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf(`%q cannot be a file name: expected printable characters without <>:"/\|?*`, name)
	case strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.TrimSpace(name) != name:
		return fmt.Errorf("%q cannot be a file name: it begins or ends with a dot or a blank", name)
	case base == "CON" || base == "PRN" || base == "AUX" || base == "NUL" || device:
		return fmt.Errorf("%q cannot be a file name: it is reserved on Windows", name)
	default:
		return nil
	}
}

// nothingThere returns an error if one of the files is there, whatever it is.
func nothingThere(root *os.Root, dir string, files []File) error {
	for _, f := range files {
		switch _, err := root.Lstat(f.Name); {
		case err == nil:
			return fmt.Errorf("%s is there already, and nothing was written; choose another directory, or force it to be replaced: %w",
				filepath.Join(dir, f.Name), fs.ErrExist)
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("looking for %s: %w", filepath.Join(dir, f.Name), err)
		}
	}
	return nil
}

// put writes the file under another name and then gives it its own.
func put(root *os.Root, f File, force bool) (err error) {
	temporary := ".gatehouse-" + rand.Text()
	out, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode)
	if err != nil {
		return err
	}
	defer func() {
		if removeErr := root.Remove(temporary); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}()
	_, err = out.Write(f.Data)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if force {
		return root.Rename(temporary, f.Name)
	}
	// A link fails if somebody made a file of that name in the meantime; renaming would replace it.
	err = root.Link(temporary, f.Name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return putDirectly(root, f) // no links on this file system
}

func putDirectly(root *os.Root, f File) error {
	out, err := root.OpenFile(f.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode)
	if err != nil {
		return err
	}
	_, err = out.Write(f.Data)
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, root.Remove(f.Name))
	}
	return nil
}
