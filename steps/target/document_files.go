package target

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/sender"
)

const (
	// systemTrust stands for the root certificates of this machine.
	systemTrust = "system"
	// maxSecret bounds the file of a secret, in bytes.
	maxSecret = 4096
)

// secret reads a secret; empty if none is named.
func (d Document) secret(s Secret) (string, error) {
	if s.PasswordFile == "" {
		return os.Getenv(s.PasswordEnv), nil
	}
	data, err := readBounded(d.path(s.PasswordFile), maxSecret)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("the first line of %s is empty, expected the password", s.PasswordFile)
	}
	return line, nil
}

// Secrets are the secrets that the document names, so that reports can leave them out.
func (d Document) Secrets() []string {
	var all []Secret
	for _, i := range []*Interface{d.Management, d.Platform} {
		if i != nil {
			all = append(all, i.Secret)
		}
	}
	if d.Issuing != nil {
		all = append(all, d.Issuing.Secret)
	}
	for _, s := range d.Senders {
		all = append(all, s.Secret)
	}
	for _, u := range d.Users {
		all = append(all, u.Secret)
	}
	for _, c := range d.OAuthClients {
		all = append(all, c.Secret)
	}
	var out []string
	for _, s := range all {
		if value, err := d.secret(s); err == nil && value != "" {
			out = append(out, value)
		}
	}
	return out
}

// roots reads the root certificates that an endpoint's certificate is checked with; nil stands for
// those of this machine.
func (d Document) roots(e Endpoint) ([]*x509.Certificate, error) {
	if e.Trust == "" || e.Trust == systemTrust {
		return nil, nil
	}
	data, err := readBounded(d.path(e.Trust), keystore.MaxSize)
	if err != nil {
		return nil, err
	}
	store, err := keystore.ReadCertificates(data, "")
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", e.Trust, err)
	}
	if len(store.Chain) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", e.Trust)
	}
	return store.Chain, nil
}

// store reads the files of a key pair.
func (d Document) store(k KeyPair) (sender.Keystore, error) {
	password, err := d.secret(k.Secret)
	if err != nil {
		return sender.Keystore{}, err
	}
	var out sender.Keystore
	for _, file := range []string{k.Keystore, k.Certificate, k.Key} {
		if file == "" {
			continue
		}
		data, err := readBounded(d.path(file), keystore.MaxSize)
		if err != nil {
			return sender.Keystore{}, err
		}
		store, err := keystore.Read(data, password)
		if err != nil {
			return sender.Keystore{}, fmt.Errorf("reading %s: %w", file, err)
		}
		if out.Key == nil {
			out.Key = store.Key
		}
		if file != k.Key {
			out = withChain(out, store.RawChain)
		}
	}
	switch {
	case len(out.Certificate) == 0:
		return sender.Keystore{}, errors.New("there is no certificate in the files")
	case out.Key == nil:
		return sender.Keystore{}, errors.New("there is no private key in the files: a sender needs the key pair")
	}
	return out, nil
}

// withChain divides a chain into the sender's own certificate, those above it, and the root.
func withChain(k sender.Keystore, chain [][]byte) sender.Keystore {
	for i, der := range chain {
		c, err := x509.ParseCertificate(der)
		switch {
		case i == 0:
			k.Certificate = der
		case err == nil && string(c.RawIssuer) == string(c.RawSubject):
			k.Root = der
		default:
			k.Chain = append(k.Chain, der)
		}
	}
	return k
}

// authority reads the CA that mints for scenarios.
func (d Document) authority(ca IssuingCA, options pki.Options) (*pki.Certificate, error) {
	store, err := d.store(ca.KeyPair)
	if err != nil {
		return nil, err
	}
	keys := []crypto.Signer{store.Key}
	if ca.IssuerKey != "" {
		password, err := d.secret(ca.Secret)
		if err != nil {
			return nil, err
		}
		data, err := readBounded(d.path(ca.IssuerKey), keystore.MaxSize)
		if err != nil {
			return nil, err
		}
		above, err := keystore.Read(data, password)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading %s: %w", ca.IssuerKey, err)
		case above.Key == nil:
			return nil, fmt.Errorf("there is no private key in %s, expected that of the CA above the issuing one", ca.IssuerKey)
		}
		keys = append(keys, above.Key)
	}
	chain := append([][]byte{store.Certificate}, store.Chain...)
	if store.Root != nil {
		chain = append(chain, store.Root)
	}
	return pki.Authority(chain, keys, options)
}

// authorityOf is the CA of a chain and a key in PEM.
func authorityOf(chain, key []byte, now func() time.Time) (*pki.Certificate, error) {
	store, err := keystore.Read(slices.Concat(chain, key), "")
	if err != nil {
		return nil, err
	}
	return pki.Authority(store.RawChain, []crypto.Signer{store.Key}, pki.Options{Now: now})
}

func readBounded(file string, most int64) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, expected at most %d", file, info.Size(), most)
	}
	return os.ReadFile(file)
}
