package tenant

import (
	"maps"
	"slices"
	"strings"
)

// Single roles of the management side [C: SAP-docs/btp-integration-suite, docs/ci].
const (
	RoleServerRead            = "IntegrationOperationServer.read"
	RoleNodeRead              = "NodeManager.read"
	RoleDeploySecurityContent = "NodeManager.deploysecuritycontent"
	RoleDeployContent         = "NodeManager.deploycontent"
	RoleWorkspaceRead         = "WebToolingWorkspace.Read"
	RoleConfigureFlow         = "WebTooling.IntegrationFlowConfigure"
	RoleGenerateAndBuild      = "GenerationAndBuild.generationandbuildcontent"
	RoleAuditLogRead          = "AuditLog.Read"
)

// authGroups are the authorization groups, one for each persona, and their single roles, as far
// as the simulator has use for them [C for what the tasks need; [I] for the names of the last two].
// DefaultRole is in none of them: AuthGroup.Administrator does not include sending [C].
var authGroups = map[string][]string{
	"AuthGroup.Administrator":        {RoleServerRead, RoleNodeRead, RoleDeploySecurityContent, RoleAuditLogRead},
	"AuthGroup.IntegrationDeveloper": {RoleServerRead, RoleNodeRead, RoleWorkspaceRead, RoleConfigureFlow, RoleGenerateAndBuild, RoleDeployContent},
	"AuthGroup.BusinessExpert":       {RoleServerRead, RoleNodeRead},
	"AuthGroup.ReadOnly":             {RoleServerRead, RoleNodeRead},
}

// adminAlias is how the blog writes AuthGroup.Administrator [C].
const adminAlias = "AuthGroup.Admin"

// AuthGroups returns the authorization groups with their single roles, a copy.
func AuthGroups() map[string][]string {
	out := maps.Clone(authGroups)
	for name, roles := range out {
		out[name] = slices.Clone(roles)
	}
	return out
}

// authGroup finds an authorization group by its name, in any case.
func authGroup(name string) (string, bool) {
	const begin = "authgroup."
	if len(name) < len(begin) || !strings.EqualFold(name[:len(begin)], begin) {
		return "", false
	}
	if strings.EqualFold(name, adminAlias) {
		return "AuthGroup.Administrator", true
	}
	for known := range authGroups {
		if strings.EqualFold(name, known) {
			return known, true
		}
	}
	return "", false
}

// RoleAnswer says whether a user has a role on the worker node's application, and how.
type RoleAnswer struct {
	Has bool
	// Through is the group through which the user has the role; empty if directly.
	Through string
	// AuthGroup is the authorization group that brings the role; or, if the user lacks the role,
	// an authorization group that the user has and that does not include it.
	AuthGroup string
	// ElsewhereOn names the other applications on which the user has the role, where it has no
	// effect; sorted.
	ElsewhereOn []string
}

// grant is a role of a user on an application.
type grant struct{ user, application, role string }

// origin tells how a user came to a role.
type origin struct{ group, authGroup string }

// people is the part of a snapshot that knows who has which role. It is not changed once built.
type people struct {
	application string
	roles       map[grant]origin
	// elsewhere lists for a user and a role (application empty) the applications other than the
	// worker node's; authGroups for a user (the rest empty) the authorization groups.
	elsewhere  map[grant][]string
	authGroups map[string][]string
}

func newPeople(c Config) *people {
	p := &people{
		application: c.Application,
		roles:       make(map[grant]origin, len(c.Roles)),
		elsewhere:   make(map[grant][]string),
		authGroups:  make(map[string][]string),
	}
	members := make(map[string]Group, len(c.Groups))
	for _, g := range c.Groups {
		members[strings.ToLower(g.Name)] = g
	}
	// What was assigned directly comes first, so that an answer names a group only if it takes one.
	for _, a := range c.Roles {
		if a.User != "" {
			p.assign(a.User, a, "")
		}
	}
	for _, a := range c.Roles {
		if a.Group == "" {
			continue
		}
		g := members[strings.ToLower(a.Group)]
		for _, user := range g.Users {
			p.assign(user, a, g.Name)
		}
	}
	for _, g := range c.Groups {
		if name, ok := authGroup(g.Name); ok {
			for _, user := range g.Users {
				p.assign(user, Assignment{Role: name}, g.Name)
			}
		}
	}
	return p
}

func (p *people) assign(user string, a Assignment, group string) {
	application := a.Application
	if application == "" {
		application = p.application
	}
	p.grant(grant{user, application, a.Role}, origin{group: group})
	name, ok := authGroup(a.Role)
	if !ok {
		return
	}
	if !slices.Contains(p.authGroups[user], name) {
		p.authGroups[user] = append(p.authGroups[user], name)
	}
	for _, role := range authGroups[name] {
		p.grant(grant{user, application, role}, origin{group: group, authGroup: name})
	}
}

func (p *people) grant(g grant, from origin) {
	if _, has := p.roles[g]; has {
		return
	}
	p.roles[g] = from
	if g.application != p.application {
		k := grant{user: g.user, role: g.role}
		at, _ := slices.BinarySearch(p.elsewhere[k], g.application)
		p.elsewhere[k] = slices.Insert(p.elsewhere[k], at, g.application)
	}
}

// answer looks a role up. The slices in it belong to the snapshot and are not to be changed.
func (p *people) answer(user, role string) RoleAnswer {
	from, has := p.roles[grant{user, p.application, role}]
	out := RoleAnswer{Has: has, Through: from.group, AuthGroup: from.authGroup, ElsewhereOn: p.elsewhere[grant{user: user, role: role}]}
	if !has {
		if groups := p.authGroups[user]; len(groups) > 0 {
			out.AuthGroup = groups[0]
		}
	}
	return out
}
