package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"example.com/gatehouse/pki"
)

// Options of [Write]. The zero value writes no PKCS#12 file and replaces nothing.
type Options struct {
	// Force replaces files that are there.
	Force bool
	// Password is that of the PKCS#12 file. Default: no such file is written.
	Password string
}

// Modes of the files. Whatever holds a private key is for its owner only.
const (
	publicMode  fs.FileMode = 0o644
	privateMode fs.FileMode = 0o600
)

type file struct {
	name string
	data []byte
	mode fs.FileMode
}

// Write writes the files of a certificate into the directory, which is made if need be, and
// returns their paths:
//
//	<name>.cer            the certificate, DER
//	<name>.pem            the certificate, PEM
//	<name>-chain.pem      with its intermediates, as a sender presents them
//	<name>-fullchain.pem  with its intermediates and the root
//	<name>.key            the private key, PKCS#8 in PEM, not encrypted, mode 0600
//	<name>.p12            key and chain, PKCS#12, mode 0600; only with a password
//
// A certificate without a private key gets no .key and no .p12. Without Force, nothing is written
// if one of the files is there already. Each file appears whole or not at all; if one cannot be
// written, new ones that were written before it are removed again. Nothing is written outside of
// the directory, not through links either.
func Write(dir string, c *pki.Certificate, options Options) ([]string, error) {
	files, err := filesOf(c, options.Password)
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
					err = errors.Join(err, root.Remove(written.name))
				}
			}
			return nil, fmt.Errorf("writing %s: %w", filepath.Join(dir, f.name), err)
		}
		paths = append(paths, filepath.Join(dir, f.name))
	}
	return paths, nil
}

func filesOf(c *pki.Certificate, password string) ([]file, error) {
	name := c.Name()
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	files := []file{
		{name + ".cer", c.DER(), publicMode},
		{name + ".pem", CertificatePEM(c), publicMode},
		{name + "-chain.pem", ChainPEM(c), publicMode},
		{name + "-fullchain.pem", FullChainPEM(c), publicMode},
	}
	if c.Key() == nil {
		return files, nil
	}
	key, err := KeyPEM(c.Key())
	if err != nil {
		return nil, err
	}
	files = append(files, file{name + ".key", key, privateMode})
	if password == "" {
		return files, nil
	}
	p12, err := PKCS12(c, password)
	if err != nil {
		return nil, err
	}
	return append(files, file{name + ".p12", p12, privateMode}), nil
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
func nothingThere(root *os.Root, dir string, files []file) error {
	for _, f := range files {
		switch _, err := root.Lstat(f.name); {
		case err == nil:
			return fmt.Errorf("%s is there already, and nothing was written; choose another directory, or force it to be replaced: %w",
				filepath.Join(dir, f.name), fs.ErrExist)
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("looking for %s: %w", filepath.Join(dir, f.name), err)
		}
	}
	return nil
}

// put writes the file under another name and then gives it its own.
func put(root *os.Root, f file, force bool) (err error) {
	temporary := ".gatehouse-" + rand.Text()
	out, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return err
	}
	defer func() {
		if removeErr := root.Remove(temporary); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}()
	_, err = out.Write(f.data)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if force {
		return root.Rename(temporary, f.name)
	}
	// A link fails if somebody made a file of that name in the meantime; renaming would replace it.
	err = root.Link(temporary, f.name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return putDirectly(root, f) // no links on this file system
}

func putDirectly(root *os.Root, f file) error {
	out, err := root.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return err
	}
	_, err = out.Write(f.data)
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, root.Remove(f.name))
	}
	return nil
}
