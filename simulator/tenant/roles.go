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
	// Cached tells that the answer comes from the role cache (see Config.RoleCache) and may be out
	// of date.
	Cached bool
}

// SingleRoles returns the single roles of an authorization group, whose name is given in any case;
// nil if there is none of that name. The slice is not to be changed.
func SingleRoles(group string) []string {
	name, _ := authGroup(group)
	return authGroups[name]
}
