package tenant

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A snapshot has many futures, and none of them is seen in another, or in the snapshot itself.
func TestFuturesOfASnapshot(t *testing.T) {
	s := newTenant(t, Config{
		Groups: []Group{{"Senders", []string{"alice"}}},
		Roles: []Assignment{{User: "alice", Role: "A"}, {User: "alice", Role: "B"}, {User: "alice", Role: "C"},
			{Group: "Senders", Role: "D"}, {Group: "Senders", Role: "E"}},
	}).Snapshot()
	has := func(s *Snapshot) (out string) {
		for _, role := range []string{"A", "B", "C", "D", "E", "F", "G"} {
			if s.Role("alice", role).Has {
				out += role
			}
		}
		return out
	}
	future := func(change func(d *draft)) *Snapshot {
		d := newDraft(s.contents)
		change(d)
		require.NoError(t, d.done(nil))
		return s.with(d, s.cache)
	}
	without := future(func(d *draft) {
		remove(d, roleKind, Assignment{User: "alice", Role: "A"}.key())
		remove(d, roleKind, Assignment{User: "alice", Role: "B"}.key())
		remove(d, roleKind, Assignment{Group: "Senders", Role: "D"}.key())
	})
	more := future(func(d *draft) {
		put(d, roleKind, Assignment{User: "alice", Role: "F"})
		put(d, roleKind, Assignment{Group: "Senders", Role: "G"})
	})
	again := future(func(d *draft) { put(d, roleKind, Assignment{User: "alice", Role: "G"}) })
	require.Equal(t, []string{"CE", "ABCDEFG", "ABCDEG", "ABCDE"}, []string{has(without), has(more), has(again), has(s)})
}

// A snapshot that came about by any changes, each of which works out only what it touches, answers as
// one that is made of the same configuration at once.
func TestChangedSnapshotsAnswerLikeFreshOnes(t *testing.T) {
	users := []string{"A", "B", "C", "D"}
	roles := []string{DefaultRole, "Orders.send", "AuthGroup.Administrator", RoleNodeRead}
	groups := []string{"Senders", "AUTHGROUP.integrationdeveloper", "Empty"}
	applications := []string{"", DefaultAccount + "iflmap", "tmn"}
	addresses := []string{"/http/a", "/http/B", "/http/c/*", "/cxf/a", "/cxf/a/b", "/http/d"}
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(from []string, label string) string { return rapid.SampledFrom(from).Draw(rt, label) }
		assignment := func() Assignment {
			a := Assignment{Role: pick(roles, "role"), Application: pick(applications, "application")}
			if rapid.Bool().Draw(rt, "to a group") {
				a.Group = pick(groups, "group")
			} else {
				a.User = pick(users, "user")
			}
			return a
		}
		store := NewMemory()
		tn, err := Open(t.Context(), store, Config{MappingStore: 64, Groups: []Group{{Name: groups[0]}, {Name: groups[1]}, {Name: groups[2]}}}, at(noon))
		require.NoError(rt, err)
		changes := map[string]func() error{
			"map":      func() error { return tn.MapCertificate(der(rapid.IntRange(0, 9).Draw(rt, "n")), pick(users, "user")) },
			"unmap":    func() error { tn.Unmap(der(rapid.IntRange(0, 9).Draw(rt, "n"))); return nil },
			"assign":   func() error { return tn.Assign(assignment(), assignment()) },
			"unassign": func() error { tn.Unassign(assignment()); return nil },
			"repeat": func() error {
				return tn.Update(func(c *Config) error { a := assignment(); c.Roles = append(c.Roles, a, a); return nil })
			},
			"reorder": func() error {
				return tn.Update(func(c *Config) error {
					c.Roles = rapid.Permutation(c.Roles).Draw(rt, "roles")
					c.Groups = rapid.Permutation(c.Groups).Draw(rt, "groups")
					c.Mappings = rapid.Permutation(c.Mappings).Draw(rt, "mappings")
					c.Channels = rapid.Permutation(c.Channels).Draw(rt, "channels")
					return nil
				})
			},
			"members": func() error {
				return tn.Update(func(c *Config) error {
					c.Groups[rapid.IntRange(0, 2).Draw(rt, "i")].Users = rapid.SliceOfN(rapid.SampledFrom(users), 0, 3).Draw(rt, "members")
					return nil
				})
			},
			"users": func() error {
				return tn.Update(func(c *Config) error {
					c.Users = nil
					for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(users), 0, 3, rapid.ID).Draw(rt, "users") {
						c.Users = append(c.Users, User{name, pick([]string{"", "x", "y"}, "password")})
					}
					return nil
				})
			},
			"credentials": func() error {
				return tn.Update(func(c *Config) error {
					c.Credentials = []Credential{{Name: pick(users, "name"), User: pick(users, "user")}}
					return nil
				})
			},
			"application": func() error {
				return tn.Update(func(c *Config) error { c.Application = pick(applications, "application"); return nil })
			},
			"channels": func() error {
				return tn.Update(func(c *Config) error {
					c.Channels = nil
					for _, a := range rapid.SliceOfNDistinct(rapid.SampledFrom(addresses), 0, 4, rapid.ID).Draw(rt, "addresses") {
						c.Channels = append(c.Channels, Channel{Address: a, Authorization: Authorization{UserRole: pick(roles, "role")}})
					}
					return nil
				})
			},
			"deploy": func() error {
				id := pick(users, "flow")
				if err := tn.PutArtifact("x", Artifact{ID: id, Channels: []Channel{{Address: pick(addresses, "address")}}}); err != nil {
					return err
				}
				_, err := tn.DeployFlow("x", id, 0)
				return err
			},
			"undeploy": func() error { _, err := tn.Undeploy("x", pick(users, "flow")); return err },
			"remove":   func() error { _, err := tn.RemoveArtifact("x", pick(users, "flow")); return err },
			"reopen": func() error {
				require.NoError(rt, tn.Close())
				store.Reopen()
				var err error
				tn, err = Open(t.Context(), store, Config{}, at(noon))
				return err
			},
		}
		names := make([]string, 0, len(changes))
		for _, name := range []string{"map", "unmap", "assign", "unassign", "repeat", "reorder", "members", "users", "credentials", "application", "channels", "deploy", "undeploy", "remove", "reopen"} {
			if changes[name] != nil {
				names = append(names, name)
			}
		}
		require.Len(rt, names, len(changes))
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			name := pick(names, "change")
			if err := changes[name](); err != nil {
				require.NotEmpty(rt, Problems(err), "%s: %v", name, err) // refused, and nothing changed
			}
		}

		fresh, err := New(tn.Config(), at(noon))
		require.NoError(rt, err, "what came about is valid")
		require.Equal(rt, fresh.Config(), tn.Config())
		got, want := tn.Snapshot(), fresh.Snapshot()
		require.Equal(rt, want.mappingBytes, got.mappingBytes)
		require.Equal(rt, want.Artifacts(), got.Artifacts())
		require.Equal(rt, want.Runtime(), got.Runtime())
		for i := range 10 {
			a, aOK := want.Mapped(der(i))
			b, bOK := got.Mapped(der(i))
			require.Equal(rt, fmt.Sprint(a, aOK), fmt.Sprint(b, bOK))
		}
		for _, user := range users {
			require.Equal(rt, want.MappedUser(user), got.MappedUser(user))
			for _, password := range []string{"", "x", "y"} {
				require.Equal(rt, want.Password(user, password), got.Password(user, password))
			}
			for _, role := range roles {
				require.Equal(rt, want.Role(user, role), got.Role(user, role), "%s %s", user, role)
				require.Equal(rt, want.RoleOn("tmn", user, role), got.RoleOn("tmn", user, role))
			}
		}
		for _, path := range []string{"/http/a", "/http/b", "/http/c/x", "/cxf/a/b/c", "/cxf/a/c", "/http/D", "/none"} {
			a, aAnswer := want.Route(path)
			b, bAnswer := got.Route(path)
			require.Equal(rt, a, b)
			require.Equal(rt, aAnswer, bAnswer)
		}
	})
}
