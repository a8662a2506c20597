package main

import (
	"bytes"
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/document"
)

// readCA reads the CA with its key and the certificates above it.
func (o *signOptions) readCA(now time.Time) (*pki.Certificate, error) {
	password, err := o.password.read()
	if err != nil {
		return nil, err
	}
	store, err := o.readStore(o.ca, password, o.alias)
	if err != nil {
		return nil, err
	}
	if len(store.RawChain) == 0 {
		return nil, document.Problems{{File: o.ca, Message: "found a private key, expected the certificate of a CA; name the key with --ca-key"}}
	}
	base := caBase(o.ca)
	var keys []crypto.Signer
	if store.Key != nil && o.caKey == "" {
		keys = append(keys, store.Key)
	} else {
		key, err := o.readKey(base, password)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	above := store.RawChain[1:]
	beside := base + "-fullchain.pem"
	if _, err := os.Stat(beside); o.caChain == "" && len(above) == 0 && err == nil {
		o.caChain = beside
	}
	if o.caChain != "" {
		chain, err := o.readStore(o.caChain, "", "")
		if err != nil {
			return nil, err
		}
		above = append(slices.Clone(above), chain.RawChain...)
	}
	if o.defect != "" {
		keys = append(keys, keysBeside(filepath.Dir(o.ca))...)
	}
	ca, err := pki.Authority(pathOf(store.RawChain[0], above), keys, pki.Options{Now: func() time.Time { return now }})
	if err != nil {
		return nil, document.Problems{{File: o.ca, Message: err.Error()}}
	}
	return ca, nil
}

func (o *signOptions) readStore(file, password, alias string) (*keystore.Store, error) {
	data, err := readInput(nil, file)
	if err != nil {
		return nil, err
	}
	store, err := keystore.ReadEntry(data, password, alias)
	if err != nil {
		return nil, unusable(file, err)
	}
	if len(store.Requests())+len(store.CRLs()) > 0 && len(store.RawChain) == 0 {
		return nil, document.Problems{{File: file, Message: "found a signing request or CRL, expected the certificate of a CA"}}
	}
	return store, nil
}

func (o *signOptions) readKey(base, password string) (crypto.Signer, error) {
	file := o.caKey
	if file == "" {
		file = base + ".key"
		if _, err := os.Stat(file); err != nil {
			return nil, document.Problems{{File: o.ca, Message: fmt.Sprintf("found no private key in it, and no file %s beside it; name the key of the CA with --ca-key", filepath.Base(file))}}
		}
	}
	store, err := o.readStore(file, password, "")
	if err != nil {
		return nil, err
	}
	if store.Key == nil {
		return nil, document.Problems{{File: file, Message: "found no private key in it, expected that of the CA"}}
	}
	return store.Key, nil
}

// caBase is the path of a CA's file without what tells its files apart.
func caBase(file string) string {
	for _, suffix := range []string{"-fullchain.pem", "-chain.pem", ".pem", ".cer", ".crt", ".p7b"} {
		if base, found := strings.CutSuffix(file, suffix); found && filepath.Base(base) != "" {
			return base
		}
	}
	return file
}

// pathOf follows the issuers upward from the first certificate by their names.
func pathOf(first []byte, others [][]byte) [][]byte {
	out := [][]byte{first}
	for {
		subject, issuer := namesIn(out[len(out)-1])
		if issuer == nil || bytes.Equal(subject, issuer) {
			return out
		}
		next := slices.IndexFunc(others, func(der []byte) bool {
			name, _ := namesIn(der)
			return bytes.Equal(name, issuer) && !slices.ContainsFunc(out, func(o []byte) bool { return bytes.Equal(o, der) })
		})
		if next < 0 {
			return out
		}
		out = append(out, others[next])
	}
}

// keysBeside reads the private keys of a folder that are not encrypted. What cannot be read is no
// key of ours.
func keysBeside(dir string) []crypto.Signer {
	const most = 1_000
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []crypto.Signer
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".key") || len(out) == most {
			continue
		}
		data, err := readFile(filepath.Join(dir, e.Name()), keystore.MaxSize)
		if err != nil {
			continue
		}
		if store, err := keystore.Read(data, ""); err == nil && store.Key != nil {
			out = append(out, store.Key)
		}
	}
	return out
}

// namesIn are subject and issuer of a certificate, DER; nil if it cannot be read.
func namesIn(der []byte) (subject, issuer []byte) {
	c, err := verify.ParseCertificate(der)
	if err != nil {
		return nil, nil
	}
	return c.RawSubject(), c.RawIssuer()
}
