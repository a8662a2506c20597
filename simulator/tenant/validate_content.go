package tenant

import "fmt"

// maxContent bounds the zip of an integration flow, and its parameters together, in bytes. [?] A
// choice.
const (
	maxContent    = 64 << 20
	maxParameters = 1 << 20
)

// content checks packages, artifacts and what is known of deployments.
func (v *validation) content(c Config) {
	seen := make(map[string]int)
	for i, p := range c.Packages {
		at := fmt.Sprintf("packages[%d].id", i)
		v.word(at, p.ID)
		v.unique(at, p.ID, "packages", seen, i)
	}
	known := func(id string) bool { _, ok := seen[id]; return ok }
	artifacts := make(map[string]int)
	for i, a := range c.Artifacts {
		v.artifact(i, a, known)
		v.unique(fmt.Sprintf("artifacts[%d].id", i), a.ID, "artifacts", artifacts, i)
	}
	flows := make(map[string]bool)
	for _, ch := range c.Channels {
		flows[ch.flow()] = true
	}
	deployments := make(map[string]int)
	for i, d := range c.Deployments {
		at := fmt.Sprintf("deployments[%d]", i)
		v.name(at+".flow", d.Flow)
		v.unique(at+".flow", d.Flow, "deployments", deployments, i)
		if d.Error != "" && flows[d.Flow] {
			v.add(at+".error", "found an error of flow %q, which has channels: a flow that did not start has none", d.Flow)
		}
	}
	designs := make(map[string]int)
	for i, d := range c.Designs {
		at := fmt.Sprintf("designs[%d].address", i)
		if !c.hasChannel(Channel{Address: d.Address}.key()) {
			v.add(at, "no channel has the address %q", d.Address)
		}
		v.unique(at, Channel{Address: d.Address}.key(), "designs", designs, i)
	}
	without := make(map[string]int)
	for i, id := range c.WithoutDesign {
		at := fmt.Sprintf("withoutDesign[%d]", i)
		if _, uploaded := artifacts[id]; uploaded {
			v.add(at, "flow %q has a designtime artifact", id)
		} else if !flows[id] {
			v.add(at, "no channel belongs to a flow %q", id)
		}
		v.unique(at, id, "withoutDesign", without, i)
	}
	roles := make(map[string]int)
	for i, r := range c.ApplicationRoles {
		at := fmt.Sprintf("applicationRoles[%d]", i)
		v.word(at+".application", r.Application)
		v.name(at+".name", r.Name)
		v.unique(at, joined(r.Application, r.Name), "applicationRoles", roles, i)
	}
}

// artifact checks an artifact alone; known tells whether there is a package with that ID. Channels are
// checked when they are deployed.
func (v *validation) artifact(i int, a Artifact, known func(id string) bool) {
	at := fmt.Sprintf("artifacts[%d]", i)
	v.name(at+".id", a.ID)
	if a.Name != "" {
		v.name(at+".name", a.Name)
	}
	if a.Version != "" {
		v.name(at+".version", a.Version)
	}
	if a.Package != "" && a.Package != LandscapePackage && !known(a.Package) {
		v.add(at+".package", "there is no package %q; define it under packages", a.Package)
	}
	if len(a.Content) > maxContent {
		v.add(at+".content", "has %d bytes, expected %d at most", len(a.Content), maxContent)
	}
	size := 0
	for key, value := range a.Parameters {
		size += len(key) + len(value)
	}
	if size > maxParameters {
		v.add(at+".parameters", "have %d bytes together, expected %d at most", size, maxParameters)
	}
}
