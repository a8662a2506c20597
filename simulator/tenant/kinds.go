package tenant

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"time"
)

// MappingID is the id of the mapping of a certificate, given as its DER: 32 lower-case hex digits.
// It identifies the mapping in the management interface [C], which does not say how it is computed:
// MD5 of the DER is a choice [?]. It is a name and protects nothing: whether a certificate is mapped
// is decided by comparing all of it.
func MappingID(der []byte) string {
	sum := md5.Sum(der)
	return hex.EncodeToString(sum[:])
}

// settings are what a tenant has only one of.
type settings struct {
	Account      string
	Application  string
	MappingStore int64
	RoleCache    bool
}

// restart is a deployed channel that is restarting, until then.
type restart struct {
	Channel string // its key
	Until   time.Time
}

// secretKey is what signs the tenant's tokens.
type secretKey struct{ Key []byte }

// attachment is what somebody else keeps beside the tenant.
type attachment struct {
	Name string
	Data []byte
}

// contents is all that a tenant keeps: its configuration, and what goes on in it. Nothing in it
// ever changes; a draft makes changed ones.
type contents struct {
	settings         *collection[settings]
	mappings         *collection[Mapping]
	users            *collection[User]
	credentials      *collection[Credential]
	clients          *collection[Client]
	groups           *collection[Group]
	roles            *collection[Assignment]
	applicationRoles *collection[ApplicationRole]
	channels         *collection[Channel]
	deployments      *collection[Deployment]
	designs          *collection[Design]
	packages         *collection[Package]
	artifacts        *collection[Artifact]
	withoutDesign    *collection[string]
	keystore         *collection[KeystoreEntry]

	restarts *collection[restart]
	tasks    *collection[Task]
	secrets  *collection[secretKey]

	attachments *collection[attachment]
}

// kind says how one kind of item is told apart, compared, copied and kept. Its name stands in state
// files and never changes; neither do the names of the fields of the items.
type kind[T any] struct {
	name string
	in   func(*contents) **collection[T]
	key  func(T) string
	// clone copies an item so deeply that nothing is shared. nil: assigning does.
	clone func(T) T
	// equal compares items. nil: reflect.DeepEqual.
	equal func(a, b T) bool
	// blob is the part of an item that is kept as it is and not as JSON. nil: there is none.
	blob func(*T) *[]byte
}

func (k *kind[T]) copied(v T) T {
	if k.clone == nil {
		return v
	}
	return k.clone(v)
}

func (k *kind[T]) same(a, b T) bool {
	if k.equal == nil {
		return reflect.DeepEqual(a, b)
	}
	return k.equal(a, b)
}

func only[T any](T) string { return "" }

var (
	settingsKind = &kind[settings]{name: "settings", in: func(c *contents) **collection[settings] { return &c.settings }, key: only[settings]}
	mappingKind  = &kind[Mapping]{
		name: "mapping", in: func(c *contents) **collection[Mapping] { return &c.mappings },
		key:   func(m Mapping) string { return MappingID(m.Certificate) },
		clone: Mapping.clone, equal: Mapping.equal, blob: func(m *Mapping) *[]byte { return &m.Certificate },
	}
	userKind       = &kind[User]{name: "user", in: func(c *contents) **collection[User] { return &c.users }, key: func(u User) string { return u.Name }}
	credentialKind = &kind[Credential]{name: "credential", in: func(c *contents) **collection[Credential] { return &c.credentials }, key: func(c Credential) string { return c.Name }}
	clientKind     = &kind[Client]{name: "client", in: func(c *contents) **collection[Client] { return &c.clients }, key: func(c Client) string { return c.ID },
		clone: func(c Client) Client { c.Scopes = slices.Clone(c.Scopes); return c }}
	groupKind = &kind[Group]{
		name: "group", in: func(c *contents) **collection[Group] { return &c.groups },
		key: func(g Group) string { return strings.ToLower(g.Name) }, clone: Group.clone,
	}
	roleKind            = &kind[Assignment]{name: "role", in: func(c *contents) **collection[Assignment] { return &c.roles }, key: Assignment.key, equal: func(a, b Assignment) bool { return a == b }}
	applicationRoleKind = &kind[ApplicationRole]{
		name: "applicationRole", in: func(c *contents) **collection[ApplicationRole] { return &c.applicationRoles },
		key: func(r ApplicationRole) string { return joined(r.Application, r.Name) },
	}
	channelKind = &kind[Channel]{
		name: "channel", in: func(c *contents) **collection[Channel] { return &c.channels },
		key: Channel.key, clone: Channel.clone,
	}
	deploymentKind = &kind[Deployment]{name: "deployment", in: func(c *contents) **collection[Deployment] { return &c.deployments }, key: func(d Deployment) string { return d.Flow }}
	designKind     = &kind[Design]{
		name: "design", in: func(c *contents) **collection[Design] { return &c.designs },
		key: func(d Design) string { return Channel{Address: d.Address}.key() }, clone: Design.clone,
	}
	packageKind  = &kind[Package]{name: "package", in: func(c *contents) **collection[Package] { return &c.packages }, key: func(p Package) string { return p.ID }}
	artifactKind = &kind[Artifact]{
		name: "artifact", in: func(c *contents) **collection[Artifact] { return &c.artifacts },
		key: func(a Artifact) string { return a.ID }, clone: Artifact.clone, blob: func(a *Artifact) *[]byte { return &a.Content },
	}
	withoutDesignKind = &kind[string]{name: "withoutDesign", in: func(c *contents) **collection[string] { return &c.withoutDesign }, key: func(s string) string { return s }}
	keystoreKind      = &kind[KeystoreEntry]{
		name: "keystore", in: func(c *contents) **collection[KeystoreEntry] { return &c.keystore },
		key:   func(e KeystoreEntry) string { return strings.ToLower(e.Alias) },
		clone: KeystoreEntry.clone, blob: func(e *KeystoreEntry) *[]byte { return &e.Certificate },
	}
	restartKind    = &kind[restart]{name: "restart", in: func(c *contents) **collection[restart] { return &c.restarts }, key: func(r restart) string { return r.Channel }}
	taskKind       = &kind[Task]{name: "task", in: func(c *contents) **collection[Task] { return &c.tasks }, key: func(t Task) string { return t.ID }}
	attachmentKind = &kind[attachment]{
		name: "attachment", in: func(c *contents) **collection[attachment] { return &c.attachments },
		key:  func(a attachment) string { return a.Name },
		blob: func(a *attachment) *[]byte { return &a.Data },
	}
	secretKind = &kind[secretKey]{name: "secret", in: func(c *contents) **collection[secretKey] { return &c.secrets }, key: only[secretKey]}
)

// handler is a kind of which the type of its items does not matter.
type handler interface {
	kindName() string
	load(d *draft, r Record) error
}

func (k *kind[T]) kindName() string { return k.name }

var kinds = func() map[string]handler {
	out := make(map[string]handler)
	for _, h := range []handler{
		settingsKind, mappingKind, userKind, credentialKind, clientKind, groupKind, roleKind, applicationRoleKind, channelKind,
		deploymentKind, designKind, packageKind, artifactKind, withoutDesignKind, keystoreKind, restartKind, taskKind, secretKind, attachmentKind,
	} {
		out[h.kindName()] = h
	}
	return out
}()

// joined makes one key of several names. Names hold no control characters.
func joined(names ...string) string { return strings.Join(names, "\x00") }

func (a Assignment) key() string {
	return joined(a.User, strings.ToLower(a.Group), a.Role, a.Application)
}

func (m Mapping) clone() Mapping {
	m.Certificate = bytes.Clone(m.Certificate)
	return m
}

func (m Mapping) equal(o Mapping) bool {
	return m.User == o.User && m.CreatedBy == o.CreatedBy && m.LastModifiedBy == o.LastModifiedBy &&
		m.Created.Equal(o.Created) && m.LastModified.Equal(o.LastModified) && bytes.Equal(m.Certificate, o.Certificate)
}

func (g Group) clone() Group {
	g.Users = slices.Clone(g.Users)
	return g
}

func (e KeystoreEntry) clone() KeystoreEntry {
	e.Certificate = bytes.Clone(e.Certificate)
	return e
}
