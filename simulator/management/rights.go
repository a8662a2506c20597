package management

import (
	"net/http"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// task is something that can be done, and the single roles that it needs, all of them, on the
// application of the management node.
type task struct {
	name  string
	roles []string
}

// The tasks that are documented. [C: SAP-docs/btp-integration-suite, docs/ci, Tasks and Permissions]
var (
	viewMappings   = task{"view certificate-to-user mappings", []string{tenant.RoleServerRead, tenant.RoleNodeRead}}
	changeMappings = task{"change certificate-to-user mappings", []string{tenant.RoleServerRead, tenant.RoleDeploySecurityContent, tenant.RoleNodeRead}}
	deployFlows    = task{"configure and deploy integration flows",
		[]string{tenant.RoleWorkspaceRead, tenant.RoleConfigureFlow, tenant.RoleGenerateAndBuild, tenant.RoleDeployContent}}
	readLogs = task{"read log files", []string{tenant.RoleServerRead, tenant.RoleAuditLogRead}}
)

// The other tasks. [?] Which roles they need is not known here: a choice of those that come next.
var (
	viewSecurity   = task{"view security material and the keystore", viewMappings.roles}
	changeSecurity = task{"change security material", changeMappings.roles}
	viewFlows      = task{"view integration packages and flows", []string{tenant.RoleWorkspaceRead}}
	viewRuntime    = task{"view deployed integration flows", []string{tenant.RoleServerRead, tenant.RoleNodeRead}}
	readAudit      = task{"read the audit log", readLogs.roles}
)

// administer is what Gatehouse's own interface needs, which no real tenant has: what only
// AuthGroup.Administrator holds together.
var administer = task{"control the landscape", []string{tenant.RoleServerRead, tenant.RoleNodeRead, tenant.RoleDeploySecurityContent, tenant.RoleAuditLogRead}}

// managementApplication is the application on which the roles of the tasks count [C].
func managementApplication(account string) string { return account + "tmn" }

// allow is an error if the user lacks a role that the task needs.
func allow(snapshot *tenant.Snapshot, user string, t task) *odata.Error {
	application := managementApplication(snapshot.Account())
	var missing []string
	for _, role := range t.roles {
		if !hasRole(snapshot, application, user, role) {
			missing = append(missing, role)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return odata.Errorf(http.StatusForbidden, "User %q lacks %s on the application %s, which is needed to %s.",
		user, strings.Join(missing, ", "), application, t.name)
}

// hasRole tells whether the user has the role, assigned on the application or by being in a group
// that has the name of an authorization group. [C: the groups; that membership alone suffices: I]
func hasRole(snapshot *tenant.Snapshot, application, user, role string) bool {
	if snapshot.RoleOn(application, user, role).Has {
		return true
	}
	for _, g := range snapshot.Groups() {
		if slices.Contains(g.Users, user) && slices.Contains(tenant.SingleRoles(g.Name), role) {
			return true
		}
	}
	return false
}
