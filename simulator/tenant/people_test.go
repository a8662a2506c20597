package tenant

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPassword(t *testing.T) {
	c := good()
	c.Users = append(c.Users, User{"nopassword", ""}, User{"SHOP", "of-shop"}, User{"BACKEND2", "x"})
	c.Credentials = append(c.Credentials, Credential{Name: "both", User: "WAREHOUSE"}, Credential{Name: "x", User: "BACKEND2"})
	s := newTenant(t, c).Snapshot()
	for _, row := range []struct {
		user, password string
		want           PasswordVerdict
	}{
		{"alice", "secret-of-alice", Right},
		{"alice", "Secret-of-alice", Wrong},
		{"alice", "", Wrong},
		{"Alice", "secret-of-alice", UnknownUser},
		{"nopassword", "", Wrong},
		{"WAREHOUSE", "", MappingOnly},
		{"WAREHOUSE", "secret", MappingOnly},
		{"SHOP", "of-shop", Right},
		{"SHOP", "other", Wrong},
		{"BACKEND", "secret-of-backend", CredentialOnly},
		{"backend", "secret-of-backend", CredentialOnly},
		{"BACKEND2", "x", Right},
		{"", "", UnknownUser},
		{"bob", "bob", UnknownUser},
	} {
		assert.Equal(t, row.want, s.Password(row.user, row.password), "%v", row)
	}
}

// One user more, and two fewer: the passwords are those of the users that there are.
func TestPasswordsFollowTheUsers(t *testing.T) {
	tn := newTenant(t, Config{Users: []User{{"a", "1"}, {"b", "2"}, {"c", "3"}}, Credentials: []Credential{{Name: "without a user"}}})
	passwords := func() (out []PasswordVerdict) {
		for _, u := range []User{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}} {
			out = append(out, tn.Snapshot().Password(u.Name, u.Password))
		}
		return out
	}
	require.NoError(t, tn.Update(func(c *Config) error { c.Users = append(c.Users, User{"d", "4"}); return nil }))
	assert.Equal(t, []PasswordVerdict{Right, Right, Right, Right}, passwords())
	require.NoError(t, tn.Update(func(c *Config) error { c.Users = []User{{"a", "1"}, {"d", "5"}}; return nil }))
	assert.Equal(t, []PasswordVerdict{Right, UnknownUser, UnknownUser, Wrong}, passwords())
	assert.Equal(t, UnknownUser, tn.Snapshot().Password("", ""), "no artifact names this user")
}

func TestRoles(t *testing.T) {
	s := newTenant(t, Config{
		Account: "e100999",
		Groups:  []Group{{"Senders", []string{"alice", "bob"}}, {"AUTHGROUP.administrator", []string{"admin2"}}, {"Elsewhere", []string{"carol"}}},
		Roles: []Assignment{
			{User: "WAREHOUSE", Role: DefaultRole},
			{Group: "SENDERS", Role: DefaultRole},
			{User: "bob", Role: DefaultRole},
			{User: "carol", Role: DefaultRole, Application: "e100999tmn"},
			{Group: "elsewhere", Role: DefaultRole, Application: "provision"},
			{User: "dave", Role: DefaultRole, Application: "e100999iflmap"},
			{User: "admin", Role: "AuthGroup.Administrator"},
			{User: "admin3", Role: "AuthGroup.Admin"},
			{User: "developer", Role: "AuthGroup.IntegrationDeveloper"},
			{User: "custom", Role: "Orders.send"},
		},
	}).Snapshot()
	for _, row := range []struct {
		user, role string
		want       RoleAnswer
	}{
		{"WAREHOUSE", DefaultRole, RoleAnswer{Has: true}},
		{"warehouse", DefaultRole, RoleAnswer{}},
		{"WAREHOUSE", "esbmessaging.send", RoleAnswer{}},
		{"WAREHOUSE", "Orders.send", RoleAnswer{}},
		{"custom", "Orders.send", RoleAnswer{Has: true}},
		{"custom", DefaultRole, RoleAnswer{}},
		{"alice", DefaultRole, RoleAnswer{Has: true, Through: "Senders"}},
		{"bob", DefaultRole, RoleAnswer{Has: true}},
		{"carol", DefaultRole, RoleAnswer{ElsewhereOn: []string{"e100999tmn", "provision"}}},
		{"dave", DefaultRole, RoleAnswer{Has: true}},
		{"admin", DefaultRole, RoleAnswer{AuthGroup: "AuthGroup.Administrator"}},
		{"admin2", DefaultRole, RoleAnswer{AuthGroup: "AuthGroup.Administrator"}},
		{"admin3", DefaultRole, RoleAnswer{AuthGroup: "AuthGroup.Administrator"}},
		{"admin", RoleDeploySecurityContent, RoleAnswer{Has: true, AuthGroup: "AuthGroup.Administrator"}},
		{"admin2", RoleDeploySecurityContent, RoleAnswer{Has: true, Through: "AUTHGROUP.administrator", AuthGroup: "AuthGroup.Administrator"}},
		{"developer", RoleDeploySecurityContent, RoleAnswer{AuthGroup: "AuthGroup.IntegrationDeveloper"}},
		{"developer", RoleDeployContent, RoleAnswer{Has: true, AuthGroup: "AuthGroup.IntegrationDeveloper"}},
		{"nobody", DefaultRole, RoleAnswer{}},
	} {
		assert.Equal(t, row.want, s.Role(row.user, row.role), "%s %s", row.user, row.role)
	}
	assert.Equal(t, "e100999iflmap", s.Application())
	assert.Equal(t, "e100999", s.Account())
}

// Whoever is in several groups has what each of them brings, however often a group names its members.
func TestAUserInSeveralGroups(t *testing.T) {
	s := newTenant(t, Config{
		Groups: []Group{{"First", []string{"alice", "bob", "alice"}}, {"Second", []string{"alice"}}, {"AuthGroup.ReadOnly", []string{"carol", "alice"}}},
		Roles:  []Assignment{{Group: "Second", Role: "B"}, {Group: "First", Role: "A"}, {Group: "Second", Role: "A"}},
	}).Snapshot()
	assert.Equal(t, RoleAnswer{Has: true, Through: "First", AuthGroup: ""}, s.Role("alice", "A"), "the first assignment counts")
	assert.Equal(t, RoleAnswer{Has: true, Through: "Second"}, s.Role("alice", "B"))
	assert.Equal(t, RoleAnswer{Has: true, Through: "AuthGroup.ReadOnly", AuthGroup: "AuthGroup.ReadOnly"}, s.Role("alice", RoleNodeRead))
	assert.True(t, s.Role("bob", "A").Has)
	assert.False(t, s.Role("bob", "B").Has)
	assert.False(t, s.Role("carol", "A").Has)
	assert.False(t, s.Role("bob", "").Has, "a group of its own name brings nothing more")
	assert.Equal(t, "AuthGroup.ReadOnly", s.Role("carol", "A").AuthGroup)
}

func TestNoAuthorizationGroupIncludesSending(t *testing.T) {
	groups := AuthGroups()
	assert.Len(t, groups, 4, "one for each persona")
	for name, roles := range groups {
		assert.NotContains(t, roles, DefaultRole, name)
		assert.Contains(t, roles, RoleServerRead, "%s: everybody may view mappings", name)
		assert.Contains(t, roles, RoleNodeRead, name)
	}
	for name, roles := range groups {
		assert.Equal(t, roles, SingleRoles(strings.ToUpper(name)))
	}
	assert.Equal(t, groups["AuthGroup.Administrator"], SingleRoles(adminAlias))
	assert.Nil(t, SingleRoles("AuthGroup.None"))
	groups["AuthGroup.Administrator"][0] = "changed"
	assert.Contains(t, AuthGroups()["AuthGroup.Administrator"], RoleServerRead, "a copy was handed out")
}

func TestApplicationOfTheOtherProfile(t *testing.T) {
	s := newTenant(t, Config{Account: "e1", Application: "e1hcioem", Roles: []Assignment{
		{User: "a", Role: DefaultRole}, {User: "b", Role: DefaultRole, Application: "e1iflmap"},
	}}).Snapshot()
	assert.True(t, s.Role("a", DefaultRole).Has)
	assert.Equal(t, RoleAnswer{ElsewhereOn: []string{"e1iflmap"}}, s.Role("b", DefaultRole))
}
