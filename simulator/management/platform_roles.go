package management

import (
	"net/http"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// applications are those that the account has: that of the worker node, that of the management
// node [C], and all that a role was made or assigned on.
func (c *platformCall) applications() []string {
	out := []string{c.snapshot.Application(), managementApplication(c.snapshot.Account())}
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, r := range c.snapshot.ApplicationRoles() {
		add(r.Application)
	}
	for _, a := range c.snapshot.Assignments() {
		add(a.Application)
	}
	return out
}

// applicationOf is the application on which an assignment counts.
func (c *platformCall) applicationOf(a tenant.Assignment) string {
	if a.Application == "" {
		return c.snapshot.Application()
	}
	return a.Application
}

// predefined are the roles that come with an application. [C: ESBMessaging.send on the worker
// node, the authorization groups and single roles on the management node]
func (c *platformCall) predefined(app string) []string {
	switch app {
	case c.snapshot.Application():
		return []string{tenant.DefaultRole}
	case managementApplication(c.snapshot.Account()):
		var out []string
		for group, roles := range tenant.AuthGroups() {
			out = append(out, group)
			out = append(out, roles...)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return nil
}

// roleNames are the roles of an application, those that come with it first: a role that a document
// assigns is there too.
func (c *platformCall) roleNames(app string) []string {
	out := c.predefined(app)
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, r := range c.snapshot.ApplicationRoles() {
		if r.Application == app {
			add(r.Name)
		}
	}
	for _, a := range c.snapshot.Assignments() {
		if c.applicationOf(a) == app {
			add(a.Role)
		}
	}
	return out
}

// appRole is a role of an application. [C]
type appRole struct {
	Name            string `json:"name"`
	Type            string `json:"type"`
	ApplicationRole bool   `json:"applicationRole"`
	Shared          bool   `json:"shared"`
}

func getAppRoles(c *platformCall) (int, any, *odata.Error) {
	predefined := c.predefined(c.app)
	roles := []appRole{}
	for _, name := range c.roleNames(c.app) {
		role := appRole{Name: name, Type: "CUSTOM"}
		if slices.Contains(predefined, name) {
			role = appRole{name, "PREDEFINED", true, true} // [? for the two flags]
		}
		roles = append(roles, role)
	}
	return http.StatusOK, map[string]any{"roles": roles}, nil
}

// postAppRoles makes custom roles; one that is there already is no error. [?]
func postAppRoles(c *platformCall) (int, any, *odata.Error) {
	names, err := c.sent("roles")
	if err != nil {
		return 0, nil, err
	}
	predefined := c.predefined(c.app)
	return http.StatusCreated, nil, c.update("Making the roles", func(config *tenant.Config) {
		for _, name := range names {
			role := tenant.ApplicationRole{Application: c.app, Name: name}
			if !slices.Contains(config.ApplicationRoles, role) && !slices.Contains(predefined, name) {
				config.ApplicationRoles = append(config.ApplicationRoles, role)
			}
		}
	})
}

// deleteAppRoles removes custom roles with their assignments; absent ones are no error. [C]
func deleteAppRoles(c *platformCall) (int, any, *odata.Error) {
	names, err := c.listed("roles")
	if err != nil {
		return 0, nil, err
	}
	for _, name := range names {
		if slices.Contains(c.predefined(c.app), name) {
			return 0, nil, odata.Errorf(http.StatusBadRequest, "The role %q comes with the application and cannot be removed.", name)
		}
	}
	return http.StatusOK, nil, c.update("Removing the roles", func(config *tenant.Config) {
		config.ApplicationRoles = slices.DeleteFunc(config.ApplicationRoles, func(r tenant.ApplicationRole) bool {
			return r.Application == c.app && slices.Contains(names, r.Name)
		})
		config.Roles = slices.DeleteFunc(config.Roles, func(a tenant.Assignment) bool {
			return c.applicationOf(a) == c.app && slices.Contains(names, a.Role)
		})
	})
}

// role is the role of the query, which the application has to have.
func (c *platformCall) role() (string, *odata.Error) {
	name := c.query.Get("roleName")
	if !slices.Contains(c.roleNames(c.app), name) {
		return "", odata.Errorf(http.StatusNotFound, "The application %s has no role %q.", c.app, clip(name))
	}
	return name, nil
}

// getRoleUsers lists the users whom a role is assigned to directly.
func getRoleUsers(c *platformCall) (int, any, *odata.Error) {
	role, err := c.role()
	if err != nil {
		return 0, nil, err
	}
	var users []string
	for _, a := range c.snapshot.Assignments() {
		if a.User != "" && a.Role == role && c.applicationOf(a) == c.app {
			users = append(users, a.User)
		}
	}
	return http.StatusOK, answerNames("users", users), nil
}

// putRoleUsers assigns a role to users, beside those who have it [?]; unknown users are accepted [C].
func putRoleUsers(c *platformCall) (int, any, *odata.Error) {
	role, err := c.role()
	if err != nil {
		return 0, nil, err
	}
	users, err := c.sent("users")
	if err != nil {
		return 0, nil, err
	}
	assignments := make([]tenant.Assignment, len(users))
	for i, user := range users {
		assignments[i] = tenant.Assignment{User: user, Role: role, Application: c.app}
	}
	if err := c.server.config.Tenant.Assign(assignments...); err != nil {
		return 0, nil, c.server.refused("Assigning the role", err)
	}
	return http.StatusCreated, nil, nil
}

func deleteRoleUsers(c *platformCall) (int, any, *odata.Error) {
	role, err := c.role()
	if err != nil {
		return 0, nil, err
	}
	users, err := c.listed("users")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, nil, c.update("Taking the role away", func(config *tenant.Config) {
		config.Roles = slices.DeleteFunc(config.Roles, func(a tenant.Assignment) bool {
			return a.User != "" && slices.Contains(users, a.User) && a.Role == role && c.applicationOf(a) == c.app
		})
	})
}

// userRole is a role of a user or a group. [C]
type userRole struct {
	Name            string `json:"name"`
	ApplicationName string `json:"applicationName"`
	ProviderAccount string `json:"providerAccount"`
}

// rolesOf lists the roles that were assigned to somebody directly.
func (c *platformCall) rolesOf(holder func(tenant.Assignment) bool) any {
	roles := []userRole{}
	for _, a := range c.snapshot.Assignments() {
		if holder(a) {
			roles = append(roles, userRole{a.Role, c.applicationOf(a), c.snapshot.Account()})
		}
	}
	return map[string]any{"roles": roles}
}

func (c *platformCall) user() func(tenant.Assignment) bool {
	user := c.query.Get("userId")
	return func(a tenant.Assignment) bool { return a.User == user }
}

func (c *platformCall) group() func(tenant.Assignment) bool {
	group := c.query.Get("groupName")
	return func(a tenant.Assignment) bool { return a.Group != "" && strings.EqualFold(a.Group, group) }
}

func getUserRoles(c *platformCall) (int, any, *odata.Error) {
	return http.StatusOK, c.rolesOf(c.user()), nil
}

// takeAway removes roles that were assigned to somebody: those of the query by name, * for all.
func (c *platformCall) takeAway(holder func(tenant.Assignment) bool) (int, any, *odata.Error) {
	names, err := c.listed("roles")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, nil, c.update("Taking the roles away", func(config *tenant.Config) {
		config.Roles = slices.DeleteFunc(config.Roles, func(a tenant.Assignment) bool {
			return holder(a) && (slices.Contains(names, "*") || slices.Contains(names, a.Role))
		})
	})
}

func deleteUserRoles(c *platformCall) (int, any, *odata.Error) { return c.takeAway(c.user()) }
