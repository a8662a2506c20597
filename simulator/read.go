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
func (l Landscape) load(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.folder, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > document.MaxSize {
		return nil, fmt.Errorf("%s has %d bytes, expected at most %d", path, info.Size(), document.MaxSize)
	}
	return os.ReadFile(path)
}

// tenantConfig makes the tenant's configuration. Without certificates (nil) mappings, tables and
// keystore entries that name one are left out.
func (l Landscape) tenantConfig(set *pki.Set) tenant.Config {
	t := l.Tenant.withDefaults()
	der := func(name string) []byte {
		if set != nil {
			if c, ok := set.Get(name); ok {
				return c.DER()
			}
		}
		return nil
	}
	config := tenant.Config{Account: t.Account, Application: t.Application()}
	for _, m := range l.Mappings {
		if d := der(m.Certificate); d != nil {
			config.Mappings = append(config.Mappings, tenant.Mapping{Certificate: d, User: m.User})
		}
	}
	for _, u := range l.Users {
		config.Users = append(config.Users, tenant.User{Name: u.Name, Password: secret(u.Password, u.PasswordEnv)})
	}
	for _, u := range l.Credentials {
		config.Credentials = append(config.Credentials, tenant.Credential{Name: u.Name, User: u.Name, Password: secret(u.Password, u.PasswordEnv)})
	}
	for _, c := range l.OAuthClients {
		config.Clients = append(config.Clients, tenant.Client{ID: c.ID, Secret: c.Secret})
	}
	for _, g := range l.Groups {
		config.Groups = append(config.Groups, tenant.Group{Name: g.Name, Users: g.Users})
	}
	for _, r := range l.Roles {
		config.Roles = append(config.Roles, tenant.Assignment{User: r.User, Group: r.Group, Role: r.Role, Application: r.Application})
	}
	for _, c := range l.Channels {
		config.Channels = append(config.Channels, c.Runtime(set))
	}
	for _, name := range l.Keystore {
		if d := der(name); d != nil {
			config.Keystore = append(config.Keystore, tenant.KeystoreEntry{Alias: name, Certificate: d})
		}
	}
	l.addFlows(&config)
	return config
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

func secret(value, env string) string {
	if env != "" {
		return os.Getenv(env)
	}
	return value
}
