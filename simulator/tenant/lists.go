package tenant

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// lists are the lists that a snapshot makes when they are first asked for.
type lists struct {
	mappings  sync.Once
	mapped    []Mapping
	artifacts sync.Once
	designed  []Artifact
	index     map[string]int
}

// Mappings lists the certificate-to-user mappings in the order in which they were made. The list
// is the snapshot's own and not to be changed, nor are the certificates in it.
func (s *Snapshot) Mappings() []Mapping {
	s.lists.mappings.Do(func() { s.lists.mapped = s.mappings.values() })
	return s.lists.mapped
}

// MappingByID returns the mapping with that id; see MappingID. Letter case does not count. Its
// certificate is not to be changed.
func (s *Snapshot) MappingByID(id string) (Mapping, bool) {
	e, ok := s.mappings.get(strings.ToLower(id))
	if !ok {
		return Mapping{}, false
	}
	return e.value, true
}

// MappingCount is how many certificates are mapped.
func (s *Snapshot) MappingCount() int { return s.mappings.len() }

// Credentials lists the User Credentials artifacts.
func (s *Snapshot) Credentials() []Credential { return s.credentials.values() }

// Keystore lists the entries of the tenant keystore. Their certificates are not to be changed.
func (s *Snapshot) Keystore() []KeystoreEntry { return s.keystore.values() }

// ClientScopes returns the scopes of an OAuth client; none if there is no such client. They are not
// to be changed.
func (s *Snapshot) ClientScopes(id string) []string {
	e, ok := s.clients.get(id)
	if !ok {
		return nil
	}
	return e.value.Scopes
}

// Groups lists the groups. Their users are not to be changed.
func (s *Snapshot) Groups() []Group { return s.groups.values() }

// Assignments lists the role assignments.
func (s *Snapshot) Assignments() []Assignment { return s.roles.values() }

// ApplicationRoles lists the custom roles.
func (s *Snapshot) ApplicationRoles() []ApplicationRole { return s.applicationRoles.values() }

// Channels lists the deployed channels, with their defaults. Their tables are not to be changed.
func (s *Snapshot) Channels() []Channel {
	out := make([]Channel, 0, s.channels.len())
	for _, e := range s.channels.ordered() {
		out = append(out, e.value.withDefaults())
	}
	return out
}

// Packages lists the integration packages, LandscapePackage among them if an artifact is in it.
func (s *Snapshot) Packages() []Package {
	out := s.packages.values()
	listed := func(p Package) bool { return p.ID == LandscapePackage }
	inside := func(a Artifact) bool { return a.Package == LandscapePackage }
	if !slices.ContainsFunc(out, listed) && slices.ContainsFunc(s.Artifacts(), inside) {
		out = append(out, Package{ID: LandscapePackage, Name: "Landscape", Version: DefaultVersion,
			Description: "Integration flows whose channels were configured directly"})
	}
	return out
}

// Artifacts lists the designtime versions of the integration flows, with their defaults: those that
// were uploaded, and one for each deployed flow that was configured directly. The list is the
// snapshot's own and not to be changed.
func (s *Snapshot) Artifacts() []Artifact {
	s.lists.artifacts.Do(s.makeArtifacts)
	return s.lists.designed
}

// Artifact returns the artifact with that ID.
func (s *Snapshot) Artifact(id string) (Artifact, bool) {
	all := s.Artifacts()
	i, ok := s.lists.index[id]
	if !ok {
		return Artifact{}, false
	}
	return all[i], true
}

func (s *Snapshot) makeArtifacts() {
	index := make(map[string]int)
	var out []Artifact
	for _, e := range s.artifacts.ordered() {
		index[e.key] = len(out)
		out = append(out, e.value.withDefaults())
	}
	uploaded := len(out)
	for _, e := range s.channels.ordered() {
		flow := e.value.flow()
		if _, deleted := s.withoutDesign.get(flow); deleted {
			continue
		}
		i, there := index[flow]
		if !there {
			i = len(out)
			index[flow] = i
			out = append(out, Artifact{ID: flow}.withDefaults())
		}
		if i >= uploaded {
			c := e.value
			if design, changed := s.designs.get(e.key); changed {
				c = design.value.Channel
			}
			c.Flow = flow
			out[i].Channels = append(out[i].Channels, c.withDefaults())
		}
	}
	s.lists.designed, s.lists.index = out, index
}

// Runtime lists the deployed integration flows: those with channels in the order of these, then
// those that have none. Which of them are starting depends on the tenant's clock.
func (s *Snapshot) Runtime() []RuntimeFlow {
	now := s.cache.now()
	index := make(map[string]int)
	var out []RuntimeFlow
	flow := func(id string) *RuntimeFlow {
		i, there := index[id]
		if !there {
			i = len(out)
			index[id] = i
			f := RuntimeFlow{ID: id, Name: id, Version: DefaultVersion, Status: FlowStarted}
			if e, ok := s.deployments.get(id); ok {
				d := e.value
				f.Name, f.Version = cmp.Or(d.Name, id), cmp.Or(d.Version, DefaultVersion)
				f.DeployedBy, f.DeployedOn, f.Error = d.By, d.On, d.Error
				if d.Error != "" {
					f.Status = FlowError
				}
			}
			out = append(out, f)
		}
		return &out[i]
	}
	for _, e := range s.channels.ordered() {
		f := flow(e.value.flow())
		if until, ok := s.restarting[e.key]; ok && now.Before(until) {
			f.Status = FlowStarting
		}
	}
	for _, e := range s.deployments.ordered() {
		flow(e.key)
	}
	return out
}
