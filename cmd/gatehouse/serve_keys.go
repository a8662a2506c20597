package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
)

// keysMarker stands in a folder that serve wrote keys to. Only there are files replaced, so that
// nobody loses keys of their own.
const keysMarker = ".gatehouse-keys"

// keyFolder is where the senders' key pairs are.
type keyFolder struct {
	dir       string
	temporary bool
}

// root is the file with the root certificate that senders must trust. It has a folder of its own:
// a certificate may have any name, but none with a slash.
func (k keyFolder) root() string { return filepath.Join(k.dir, "load-balancer", "root.pem") }

// managementRoot is the file with the root certificate that clients of the management interfaces
// must trust.
func (k keyFolder) managementRoot() string { return filepath.Join(k.dir, "management", "root.pem") }

func (k keyFolder) chain(name string) string { return filepath.Join(k.dir, name+"-chain.pem") }
func (k keyFolder) key(name string) string   { return filepath.Join(k.dir, name+".key") }

func (k keyFolder) remove() error {
	if !k.temporary {
		return nil
	}
	if err := os.RemoveAll(k.dir); err != nil {
		return unreachable("removing the temporary keys: %w", err)
	}
	return nil
}

// writeKeys writes the key pairs of all senders and the load balancer's root into the folder, or
// if none is named into a temporary one.
func writeKeys(sim *simulator.Simulator, l simulator.Landscape, dir string) (k keyFolder, err error) {
	if dir == "" {
		if k.dir, err = os.MkdirTemp("", "gatehouse-keys-"); err != nil {
			return k, unreachable("making a folder for the keys: %w", err)
		}
		k.temporary = true
	} else if k.dir, err = filepath.Abs(dir); err != nil {
		return k, invocation("--keys: %w", err)
	}
	if err := k.write(sim, l); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%w: choose another folder; files are replaced only where an earlier serve wrote them", err)
		}
		return k, errors.Join(invocation("--keys: %w", err), k.remove())
	}
	return k, nil
}

func (k keyFolder) write(sim *simulator.Simulator, l simulator.Landscape) error {
	marker := filepath.Join(k.dir, keysMarker)
	_, err := os.Lstat(marker)
	ours := err == nil
	for file, root := range map[string]*pki.Certificate{k.root(): sim.Root(), k.managementRoot(): sim.ManagementRoot()} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := writeFile(file, keystore.CertificatePEM(root), ours); err != nil {
			return err
		}
	}
	written := map[string]bool{}
	for _, s := range l.Senders {
		c, ok := certificateOf(sim, s)
		if !ok || written[s.Certificate] {
			continue
		}
		written[s.Certificate] = true
		if _, err := keystore.Write(k.dir, c, keystore.Options{Force: ours}); err != nil {
			return err
		}
	}
	return writeFile(marker, []byte("Keys of a test landscape. \"gatehouse serve\" replaces the files in this folder.\n"), true)
}

func certificateOf(sim *simulator.Simulator, s simulator.Sender) (*pki.Certificate, bool) {
	if s.Certificate == "" {
		return nil, false
	}
	return sim.Certificates().Get(s.Certificate)
}
