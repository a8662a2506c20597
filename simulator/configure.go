package simulator

import (
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/tenant"
)

// maxContent bounds the zip of an integration flow, in bytes.
const maxContent = 64 << 20

// tenantConfig makes the tenant's configuration, and reads the files that it takes. Without
// certificates (nil) no file is read, and mappings, tables and keystore entries that name a certificate
// or a file are left out. The error is a document.Problems.
func (l Landscape) tenantConfig(set *pki.Set) (tenant.Config, error) {
	m := configMaker{l: l, set: set, named: func(name string) []byte {
		if set != nil {
			if c, ok := set.Get(name); ok {
				return c.DER()
			}
		}
		return nil
	}}
	return m.config()
}

func (m *configMaker) config() (tenant.Config, error) {
	t := m.l.Tenant.withDefaults()
	config := tenant.Config{Account: t.Account, Application: t.Application(), MappingStore: t.MappingStore, RoleCache: t.RoleCache}
	m.certificates(&config)
	m.people(&config)
	m.flows(&config)
	return config, m.problems.Err()
}

type configMaker struct {
	l        Landscape
	set      *pki.Set                 // nil: no file is read
	named    func(name string) []byte // the DER of a certificate of the set; nil if there is none
	problems document.Problems
}

// file is the DER of the certificate in a file.
func (m *configMaker) file(at, path string) []byte {
	if m.set == nil || path == "" {
		return nil
	}
	data, err := m.l.load(path)
	if err == nil && len(data) == 0 {
		err = errors.New("the file is empty")
	}
	if err != nil {
		m.problems = append(m.problems, m.l.source.Problem(at, "%v: expected the file of a certificate, PEM or DER", err))
		return nil
	}
	if block, _ := pem.Decode(data); block != nil {
		if block.Type != "CERTIFICATE" {
			m.problems = append(m.problems, m.l.source.Problem(at, "found %s in %s, expected a certificate", block.Type, path))
			return nil
		}
		return block.Bytes
	}
	return data
}

func (m *configMaker) certificates(config *tenant.Config) {
	for i, one := range m.l.Mappings {
		der := m.named(one.Certificate)
		if one.File != "" {
			der = m.file(fmt.Sprintf("mappings[%d].file", i), one.File)
		}
		if der != nil {
			config.Mappings = append(config.Mappings, tenant.Mapping{
				Certificate: der, User: one.User, CreatedBy: one.CreatedBy, Created: one.Created.UTC(),
				LastModifiedBy: one.LastModifiedBy, LastModified: one.LastModified.UTC(),
			})
		}
	}
	for _, name := range m.l.Keystore {
		if der := m.named(name); der != nil {
			config.Keystore = append(config.Keystore, tenant.KeystoreEntry{Alias: name, Certificate: der})
		}
	}
	for i, e := range m.l.KeystoreEntries {
		if der := m.file(fmt.Sprintf("keystoreEntries[%d].file", i), e.File); der != nil {
			config.Keystore = append(config.Keystore, tenant.KeystoreEntry{Alias: e.Alias, Certificate: der})
		}
	}
}

func (m *configMaker) people(config *tenant.Config) {
	for _, u := range m.l.Users {
		config.Users = append(config.Users, tenant.User{Name: u.Name, Password: secret(u.Password, u.PasswordEnv)})
	}
	for _, c := range m.l.Credentials {
		user := c.User
		if user == "" {
			user = c.Name
		}
		config.Credentials = append(config.Credentials, tenant.Credential{Name: c.Name, User: user, Password: secret(c.Password, c.PasswordEnv), Description: c.Description})
	}
	for _, c := range m.l.OAuthClients {
		config.Clients = append(config.Clients, tenant.Client{ID: c.ID, Secret: c.Secret, Scopes: slices.Clone(c.Scopes)})
	}
	for _, g := range m.l.Groups {
		config.Groups = append(config.Groups, tenant.Group{Name: g.Name, Users: g.Users})
	}
	for _, r := range m.l.Roles {
		config.Roles = append(config.Roles, tenant.Assignment{User: r.User, Group: r.Group, Role: r.Role, Application: r.Application})
	}
	for _, r := range m.l.ApplicationRoles {
		config.ApplicationRoles = append(config.ApplicationRoles, tenant.ApplicationRole{Application: r.Application, Name: r.Name})
	}
}

func (m *configMaker) flows(config *tenant.Config) {
	l := m.l
	config.Channels = channels(l.Channels, m.set)
	for _, p := range l.Packages {
		config.Packages = append(config.Packages, tenant.Package{ID: p.ID, Name: p.Name, Description: p.Description, Version: p.Version})
	}
	for i, a := range l.Artifacts {
		out := tenant.Artifact{
			ID: a.ID, Name: a.Name, Package: a.Package, Version: a.Version, Parameters: a.Parameters, Channels: channels(a.Channels, m.set),
			CreatedBy: a.CreatedBy, Created: a.Created.UTC(), ModifiedBy: a.ModifiedBy, Modified: a.Modified.UTC(),
		}
		if a.Content != "" && m.set != nil {
			var err error
			if out.Content, err = l.loadUpTo(a.Content, maxContent); err != nil {
				m.problems = append(m.problems, l.source.Problem(fmt.Sprintf("artifacts[%d].content", i), "%v: expected the zip of the integration flow", err))
			}
		}
		config.Artifacts = append(config.Artifacts, out)
	}
	for _, d := range l.Deployments {
		config.Deployments = append(config.Deployments, tenant.Deployment{Flow: d.Flow, Name: d.Name, Version: d.Version, By: d.By, On: d.On.UTC(), Error: d.Error})
	}
	for _, d := range l.Designs {
		config.Designs = append(config.Designs, tenant.Design{Address: d.Address, Channel: d.Channel.Runtime(m.set)})
	}
	config.WithoutDesign = l.WithoutDesign
}
