package simulator

import (
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/tenant"
)

// Exported is a file of an exported landscape.
type Exported struct {
	// Path is relative to the folder of the document, with slashes.
	Path string
	Data []byte
}

// Export writes the present state of a tenant as a landscape document: everything that the document
// itself says of what is not the tenant's, such as the load balancer and the senders, stays as it is.
// Starting a landscape from what Export returns gives the same tenant, and senders with the same
// certificates; that is tried before Export returns, and an error says what a document cannot hold.
//
// kept are the certificates that were minted (tenant.Tenant.Kept). name is the path of the document to
// be written; the other files go into a folder beside it. The first file is the document. All of them
// hold secrets and are for their owner only.
func (l Landscape) Export(c tenant.Config, kept map[string][]byte, name string) ([]Exported, error) {
	base := filepath.Base(name)
	x := &exporter{
		from: l, to: l, config: c,
		beside: strings.TrimSuffix(base, filepath.Ext(base)) + ".files",
		names:  make(map[string]string),
	}
	x.to.source, x.to.folder = nil, filepath.Dir(name)
	if err := x.certificates(kept); err != nil {
		return nil, err
	}
	x.tenant()
	x.people()
	x.flows()
	data, err := x.to.YAML()
	if err != nil {
		return nil, err
	}
	if len(data) > document.MaxSize {
		return nil, fmt.Errorf("exporting the landscape: the document would have %d bytes, and may have %d: the tenant holds too much for one (%d mappings)", len(data), document.MaxSize, len(c.Mappings))
	}
	files := append([]Exported{{Path: base, Data: data}}, x.files...)
	if err := x.prove(files); err != nil {
		return nil, err
	}
	return files, nil
}

// TenantAccount is the account of the landscape's tenant.
func (l Landscape) TenantAccount() string { return l.Tenant.withDefaults().Account }

type exporter struct {
	from, to Landscape
	config   tenant.Config
	beside   string
	files    []Exported
	names    map[string]string // of certificates of the pki section, by their DER
}

// file adds a file beside the document and returns its path.
func (x *exporter) file(folder, name string, data []byte) string {
	p := path.Join(x.beside, folder, name)
	x.files = append(x.files, Exported{Path: p, Data: data})
	return p
}

// certificates finds the names of the certificates that were minted, and keeps these.
func (x *exporter) certificates(kept map[string][]byte) error {
	x.to.PKI = slices.Clone(x.from.PKI)
	for i := range x.to.PKI {
		d := &x.to.PKI[i]
		for _, p := range []*string{&d.File, &d.KeyFile, &d.Export.PasswordFile} {
			*p = x.moved(*p)
		}
	}
	// The digests are of the descriptions as they will be read.
	again := make(map[string][]byte)
	for _, d := range x.to.PKI {
		m, ok := readKept(kept[keptPrefix+d.Name])
		if !ok || m.Of != digest(x.from.PKI, d.Name) {
			continue
		}
		x.names[string(m.Certificate)] = d.Name
		m.Of = digest(x.to.PKI, d.Name)
		if err := m.keep(again, keptPrefix+d.Name); err != nil {
			return err
		}
	}
	for _, d := range serverCAs() {
		if data, ok := kept[d.Name]; ok {
			again[d.Name] = data
		}
	}
	x.to.Minted = ""
	if len(again) > 0 {
		data, err := writeMinted(again)
		if err != nil {
			return err
		}
		x.to.Minted = x.file("", "minted.json", data)
	}
	return nil
}

// moved is a path of the old document as the new one has it.
func (x *exporter) moved(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	p = x.from.at(p)
	from, err := filepath.Abs(p)
	if err != nil {
		return p
	}
	to, err := filepath.Abs(x.to.folder)
	if err != nil {
		return from
	}
	if rel, err := filepath.Rel(to, from); err == nil {
		return filepath.ToSlash(rel)
	}
	return from // on another drive
}

func (x *exporter) tenant() {
	c := x.config
	x.to.Tenant.Account, x.to.Tenant.RoleCache, x.to.Tenant.MappingStore = c.Account, c.RoleCache, c.MappingStore
	x.to.Tenant.Profile = strings.TrimPrefix(c.Application, c.Account)
	x.to.Mappings = nil
	for _, m := range c.Mappings {
		out := Mapping{User: m.User, CreatedBy: m.CreatedBy, Created: m.Created, LastModifiedBy: m.LastModifiedBy, LastModified: m.LastModified}
		if out.Certificate = x.names[string(m.Certificate)]; out.Certificate == "" {
			out.File = x.file("mappings", tenant.MappingID(m.Certificate)+".pem", certificatePEM(m.Certificate))
		}
		x.to.Mappings = append(x.to.Mappings, out)
	}
	x.to.Keystore, x.to.KeystoreEntries = nil, nil
	for i, e := range c.Keystore {
		// Names come before files, so only those at the beginning can be names.
		if name := x.names[string(e.Certificate)]; name == e.Alias && len(x.to.Keystore) == i {
			x.to.Keystore = append(x.to.Keystore, name)
			continue
		}
		file := x.file("keystore", fmt.Sprintf("%03d-%s.pem", i+1, fileName(e.Alias)), certificatePEM(e.Certificate))
		x.to.KeystoreEntries = append(x.to.KeystoreEntries, KeystoreEntry{Alias: e.Alias, File: file})
	}
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

var oddLetters = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// fileName makes a part of a file's name of any text.
func fileName(s string) string {
	s = oddLetters.ReplaceAllString(s, "-")
	return s[:min(len(s), 40)]
}

func (x *exporter) people() {
	c := x.config
	// A password that came from the environment goes on to come from there.
	fromEnv := func(env, password string) (string, string) {
		if env != "" && secret("", env) == password {
			return "", env
		}
		return password, ""
	}
	env := make(map[string]string)
	for _, u := range x.from.Users {
		env["user "+u.Name] = u.PasswordEnv
	}
	for _, u := range x.from.Credentials {
		env["credential "+u.Name] = u.PasswordEnv
	}
	x.to.Users, x.to.Credentials, x.to.OAuthClients, x.to.Groups, x.to.Roles, x.to.ApplicationRoles = nil, nil, nil, nil, nil, nil
	for _, u := range c.Users {
		out := User{Name: u.Name}
		out.Password, out.PasswordEnv = fromEnv(env["user "+u.Name], u.Password)
		x.to.Users = append(x.to.Users, out)
	}
	for _, u := range c.Credentials {
		out := Credential{Name: u.Name, User: u.User, Description: u.Description}
		out.Password, out.PasswordEnv = fromEnv(env["credential "+u.Name], u.Password)
		x.to.Credentials = append(x.to.Credentials, out)
	}
	for _, o := range c.Clients {
		x.to.OAuthClients = append(x.to.OAuthClients, OAuthClient{ID: o.ID, Secret: o.Secret, Scopes: o.Scopes})
	}
	for _, g := range c.Groups {
		x.to.Groups = append(x.to.Groups, Group{Name: g.Name, Users: g.Users})
	}
	for _, r := range c.Roles {
		x.to.Roles = append(x.to.Roles, Role{User: r.User, Group: r.Group, Role: r.Role, Application: r.Application})
	}
	for _, r := range c.ApplicationRoles {
		x.to.ApplicationRoles = append(x.to.ApplicationRoles, ApplicationRole{Application: r.Application, Name: r.Name})
	}
}

func (x *exporter) flows() {
	c := x.config
	x.to.Channels = documentChannels(c.Channels)
	x.to.Packages, x.to.Artifacts, x.to.Deployments, x.to.Designs, x.to.WithoutDesign = nil, nil, nil, nil, c.WithoutDesign
	for _, p := range c.Packages {
		x.to.Packages = append(x.to.Packages, Package{ID: p.ID, Name: p.Name, Description: p.Description, Version: p.Version})
	}
	for i, a := range c.Artifacts {
		out := Artifact{
			ID: a.ID, Name: a.Name, Package: a.Package, Version: a.Version, Parameters: maps.Clone(a.Parameters), Channels: documentChannels(a.Channels),
			CreatedBy: a.CreatedBy, Created: a.Created, ModifiedBy: a.ModifiedBy, Modified: a.Modified,
		}
		if a.Content != nil {
			out.Content = x.file("artifacts", fmt.Sprintf("%03d-%s.zip", i+1, fileName(a.ID)), a.Content)
		}
		x.to.Artifacts = append(x.to.Artifacts, out)
	}
	for _, d := range c.Deployments {
		x.to.Deployments = append(x.to.Deployments, Deployment{Flow: d.Flow, Name: d.Name, Version: d.Version, By: d.By, On: d.On, Error: d.Error})
	}
	for _, d := range c.Designs {
		x.to.Designs = append(x.to.Designs, Design{Address: d.Address, Channel: documentChannel(d.Channel)})
	}
}

func documentChannels(list []tenant.Channel) []Channel {
	var out []Channel
	for _, c := range list {
		out = append(out, documentChannel(c))
	}
	return out
}

// documentChannel is the channel as a document has it, the opposite of Channel.Runtime.
func documentChannel(c tenant.Channel) Channel {
	out := Channel{
		Address: c.Address, Adapter: string(c.Adapter), Flow: c.Flow, OldAdapter: c.OldAdapter,
		Authorization:   Authorization{UserRole: c.Authorization.UserRole},
		MaximumBodySize: int(c.MaximumBodySize >> 20), Answer: string(c.Answer),
	}
	if out.https() || c.CSRFProtected {
		out.CSRFProtected = &c.CSRFProtected
	}
	if c.Authorization.Table != nil {
		out.Authorization.ClientCertificates = []TableRow{}
		for _, pair := range c.Authorization.Table {
			out.Authorization.ClientCertificates = append(out.Authorization.ClientCertificates, TableRow{Subject: pair.Subject, Issuer: pair.Issuer})
		}
	}
	return out
}

// IsZero tells what a document leaves out: an empty table is there.
func (a Authorization) IsZero() bool { return a.UserRole == "" && a.ClientCertificates == nil }

// MarshalYAML keeps an empty table, which lets nobody in, apart from none.
func (a Authorization) MarshalYAML() (any, error) {
	var out yaml.MapSlice
	if a.UserRole != "" {
		out = append(out, yaml.MapItem{Key: "userRole", Value: a.UserRole})
	}
	if a.ClientCertificates != nil {
		out = append(out, yaml.MapItem{Key: "clientCertificates", Value: a.ClientCertificates})
	}
	return out, nil
}

// prove reads the exported files back and compares.
func (x *exporter) prove(files []Exported) error {
	l, err := Read(files[0].Path, files[0].Data)
	if err != nil {
		return fmt.Errorf("exporting the landscape: a document cannot hold this tenant: %w", err)
	}
	names := make(map[string][]byte, len(x.names))
	for der, name := range x.names {
		names[name] = []byte(der)
	}
	l.files = make(map[string][]byte, len(files))
	for _, f := range files {
		l.files[f.Path] = f.Data
	}
	m := configMaker{l: l, set: &pki.Set{}, named: func(name string) []byte { return names[name] }}
	got, err := m.config()
	if err != nil {
		return fmt.Errorf("exporting the landscape: %w", err)
	}
	a, b := reflect.ValueOf(x.config), reflect.ValueOf(got)
	var differs []string
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			differs = append(differs, a.Type().Field(i).Name)
		}
	}
	if len(differs) > 0 {
		return errors.New("exporting the landscape: a document cannot hold all that this tenant has under " + strings.Join(differs, ", "))
	}
	return nil
}
