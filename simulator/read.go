package simulator

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/tenant"
)

// ReadFile reads and validates a landscape document. Paths in it are relative to its folder. The
// error is a document.Problems and tells everything that is wrong at once.
func ReadFile(file string) (Landscape, error) {
	var l Landscape
	source, err := document.ReadFile(file, &l)
	if err != nil {
		return Landscape{}, err
	}
	l.source, l.folder = source, filepath.Dir(file)
	return l, l.Validate()
}

// Read is ReadFile for a document in memory; name is used in messages. Paths in it are relative to
// the working folder.
func Read(name string, data []byte) (Landscape, error) {
	var l Landscape
	source, err := document.Read(name, data, &l)
	if err != nil {
		return Landscape{}, err
	}
	l.source = source
	return l, l.Validate()
}

// YAML writes the landscape as a document.
func (l Landscape) YAML() ([]byte, error) {
	var b bytes.Buffer
	if err := yaml.NewEncoder(&b, yaml.UseLiteralStyleIfMultiline(true)).Encode(l); err != nil {
		return nil, fmt.Errorf("writing the landscape: %w", err)
	}
	return b.Bytes(), nil
}

// load reads a file that the document names.
func (l Landscape) load(path string) ([]byte, error) { return l.loadUpTo(path, document.MaxSize) }

func (l Landscape) loadUpTo(path string, most int64) ([]byte, error) {
	if data, ok := l.files[path]; ok {
		return data, nil
	}
	path = l.at(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, expected at most %d", path, info.Size(), most)
	}
	return os.ReadFile(path)
}

// at is where a path of the document leads.
func (l Landscape) at(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.folder, path)
}

// Runtime is the channel as the tenant has it. Rows of its table that name a certificate need the set
// that holds it; they are left out with a nil one.
func (c Channel) Runtime(set *pki.Set) tenant.Channel {
	out := tenant.Channel{
		Address: c.Address, Adapter: tenant.Adapter(c.Adapter), Flow: c.Flow,
		Authorization: tenant.Authorization{UserRole: c.Authorization.UserRole},
		OldAdapter:    c.OldAdapter, CSRFProtected: c.https(),
		MaximumBodySize: int64(c.MaximumBodySize) << 20, Answer: tenant.Answer(c.Answer),
	}
	if c.CSRFProtected != nil {
		out.CSRFProtected = *c.CSRFProtected
	}
	if rows := c.Authorization.ClientCertificates; rows != nil {
		out.Authorization.Table = []tenant.DNPair{}
		for _, row := range rows {
			pair := tenant.DNPair{Subject: row.Subject, Issuer: row.Issuer}
			if row.Certificate != "" {
				if set == nil {
					continue
				}
				certificate, ok := set.Get(row.Certificate)
				if !ok {
					continue
				}
				pair = tenant.DNPairOf(certificate.X509())
			}
			out.Authorization.Table = append(out.Authorization.Table, pair)
		}
	}
	return out
}

// channels are channels as the tenant has them.
func channels(list []Channel, set *pki.Set) []tenant.Channel {
	var out []tenant.Channel
	for _, c := range list {
		out = append(out, c.Runtime(set))
	}
	return out
}

func secret(value, env string) string {
	if env != "" {
		return os.Getenv(env)
	}
	return value
}
