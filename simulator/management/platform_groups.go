package management

import (
	"net/http"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// inGroup tells whether a group has that name; letter case does not count. [C]
func inGroup(name string) func(tenant.Group) bool {
	return func(g tenant.Group) bool { return strings.EqualFold(g.Name, name) }
}

// theGroup is the group of the query, which has to be there.
func (c *platformCall) theGroup() (tenant.Group, *odata.Error) {
	name := c.query.Get("groupName")
	groups := c.snapshot.Groups()
	i := slices.IndexFunc(groups, inGroup(name))
	if i < 0 {
		return tenant.Group{}, odata.Errorf(http.StatusNotFound, "There is no group %q.", clip(name))
	}
	return groups[i], nil
}

func groupNames(groups []tenant.Group, of func(tenant.Group) bool) []string {
	var names []string
	for _, g := range groups {
		if of(g) {
			names = append(names, g.Name)
		}
	}
	return names
}

func getGroups(c *platformCall) (int, any, *odata.Error) {
	all := func(tenant.Group) bool { return true }
	return http.StatusOK, answerNames("groups", groupNames(c.snapshot.Groups(), all)), nil
}

func getUserGroups(c *platformCall) (int, any, *odata.Error) {
	user := c.query.Get("userId")
	has := func(g tenant.Group) bool { return slices.Contains(g.Users, user) }
	return http.StatusOK, answerNames("groups", groupNames(c.snapshot.Groups(), has)), nil
}

func getGroupUsers(c *platformCall) (int, any, *odata.Error) {
	g, err := c.theGroup()
	return http.StatusOK, answerNames("users", g.Users), err
}

func getGroupRoles(c *platformCall) (int, any, *odata.Error) {
	_, err := c.theGroup()
	return http.StatusOK, c.rolesOf(c.group()), err
}

// postGroups makes groups; one that is there already is no error. [?]
func postGroups(c *platformCall) (int, any, *odata.Error) {
	names, err := c.sent("groups")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, nil, c.update("Making the groups", func(config *tenant.Config) {
		for _, name := range names {
			if !slices.ContainsFunc(config.Groups, inGroup(name)) {
				config.Groups = append(config.Groups, tenant.Group{Name: name})
			}
		}
	})
}

// deleteGroups removes groups and what was assigned to them; absent ones are no error.
func deleteGroups(c *platformCall) (int, any, *odata.Error) {
	names, err := c.listed("groups")
	if err != nil {
		return 0, nil, err
	}
	gone := func(name string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	}
	return http.StatusOK, nil, c.update("Removing the groups", func(config *tenant.Config) {
		config.Groups = slices.DeleteFunc(config.Groups, func(g tenant.Group) bool { return gone(g.Name) })
		config.Roles = slices.DeleteFunc(config.Roles, func(a tenant.Assignment) bool { return a.Group != "" && gone(a.Group) })
	})
}

// changeUsers changes the users of the group of the query.
func (c *platformCall) changeUsers(doing string, change func(users []string) []string) *odata.Error {
	g, err := c.theGroup()
	if err != nil {
		return err
	}
	return c.update(doing, func(config *tenant.Config) {
		if i := slices.IndexFunc(config.Groups, inGroup(g.Name)); i >= 0 {
			config.Groups[i].Users = change(config.Groups[i].Users)
		}
	})
}

func putGroupUsers(c *platformCall) (int, any, *odata.Error) {
	users, err := c.sent("users")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, nil, c.changeUsers("Adding the users", func(have []string) []string {
		for _, user := range users {
			if !slices.Contains(have, user) {
				have = append(have, user)
			}
		}
		return have
	})
}

func deleteGroupUsers(c *platformCall) (int, any, *odata.Error) {
	users, err := c.listed("users")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, nil, c.changeUsers("Removing the users", func(have []string) []string {
		return slices.DeleteFunc(have, func(user string) bool { return slices.Contains(users, user) })
	})
}

// putGroupRoles assigns roles of applications to the group.
func putGroupRoles(c *platformCall) (int, any, *odata.Error) {
	g, err := c.theGroup()
	if err != nil {
		return 0, nil, err
	}
	roles, err := readItems[userRole](c, "roles")
	if err != nil {
		return 0, nil, err
	}
	var assignments []tenant.Assignment
	for _, r := range roles {
		app := r.ApplicationName
		if app == "" {
			app = c.snapshot.Application()
		}
		if !slices.Contains(c.applications(), app) || !slices.Contains(c.roleNames(app), r.Name) {
			return 0, nil, odata.Errorf(http.StatusNotFound, "The application %q has no role %q.", clip(app), clip(r.Name))
		}
		assignments = append(assignments, tenant.Assignment{Group: g.Name, Role: r.Name, Application: app})
	}
	if err := c.server.config.Tenant.Assign(assignments...); err != nil {
		return 0, nil, c.server.refused("Assigning the roles", err)
	}
	return http.StatusCreated, nil, nil
}

func deleteGroupRoles(c *platformCall) (int, any, *odata.Error) {
	if _, err := c.theGroup(); err != nil {
		return 0, nil, err
	}
	return c.takeAway(c.group())
}
