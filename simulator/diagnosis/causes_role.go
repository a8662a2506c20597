package diagnosis

import (
	"fmt"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// group0 is the group, or an empty one.
func (v *view) group0() *group {
	if v.group == nil {
		return &group{}
	}
	return v.group
}

// roleless makes the rule of the causes for which a user lacks a role.
func roleless(more func(v *view, said *verdict, a *Assignments)) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		if !v.forbidden() || !v.asUser() || v.byTable() {
			return
		}
		if t := v.left(); t != nil && t.table[0] != "" {
			return
		}
		if v.fetchedToken() {
			return // the role was there a moment before
		}
		said.fits("The user column shows the user "+v.user()+": it was recognised, and was not allowed in.", v.access()...)
		if text, ok := v.tracesRole(); ok {
			// [C blog: the trace says "that the user does not have the role assigned"; its wording is
			// not known]
			said.points("A trace record of this node and second speaks of a role: "+text, v.left().quotes...)
		}
		if v.out != nil && v.out.CSRFRequired {
			said.exclude()
		}
		if a := v.f.evidence.Assignments; a != nil && len(a.Roles) > 0 {
			more(v, said, a)
		} else {
			more(v, said, nil)
		}
	}
}

// tracesRole finds a trace text that is not known here and speaks of a role.
func (v *view) tracesRole() (string, bool) {
	if t := v.left(); t != nil {
		for _, text := range t.other {
			if strings.Contains(strings.ToLower(text), "role") {
				return text, true
			}
		}
	}
	return "", false
}

// fetchedToken tells whether the same client was let in at the path shortly before, with a GET.
func (v *view) fetchedToken() bool {
	g := v.group0()
	return g.count > 0 && g.fetchedHere+g.fetchedElsewhere == g.count
}

// roleCauses are those for which the user is recognised and lacks the role.
func roleCauses() []Cause {
	own := []string{"Forbidden. User"}
	const symptom = "403; the access log shows the user."
	const needs = "the role assignments"
	return []Cause{
		{
			ID: "role-missing", Station: journey.Authorization, Reason: journey.RoleMissing, common: 8, own: own,
			Title:       "The user lacks the role that the channel demands",
			Symptom:     symptom,
			Evidence:    "The user column shows a user, and the role assignments do not have it with the channel's role.",
			Why:         "The role, ESBMessaging.send by default, was not assigned.",
			Fix:         "Assign the channel's role to the user: " + roleMenu + ".",
			Check:       "Look in the " + roleMenu + " whether exactly this user has exactly the channel's role.",
			Requirement: "CHN-2", Needs: needs, Mark: confirms, Source: "IS",
			judge: roleless(func(v *view, said *verdict, a *Assignments) {
				said.instead(fmt.Sprintf("Assign the role %s to the user %s: %s.", v.role(), v.user(), roleMenu))
				switch {
				case a == nil:
				case a.has(v.user(), v.role()):
					said.against(fmt.Sprintf("The assignments say that %s has %s.", v.user(), v.role()))
				case len(a.held(v.user())) == 0 && len(v.likeUsers(a)) == 0:
					said.proves(fmt.Sprintf("%s has no role at all in the assignments.", v.user()))
				case len(v.elsewhere(a)) > 0 || v.administrates(a) || len(v.likeUsers(a)) > 0 || v.otherRole(a):
					said.exclude()
				default:
					said.proves(fmt.Sprintf("The assignments do not have %s with %s.", v.user(), v.role()))
				}
			}),
		},
		{
			ID: "role-on-other-application", Station: journey.Authorization, Reason: journey.RoleMissing, common: 5, own: own,
			Title:       "The user has the role on another application than that of the worker node",
			Symptom:     symptom,
			Evidence:    "The role assignments name another application, such as provision or one that ends in tmn.",
			Why:         "Roles count on one application each: only those on the worker node's let a sender in.",
			Fix:         "Assign the role on the application that ends in iflmap or hcioem: " + roleMenu + ".",
			Check:       "See on which application the role is assigned.",
			Requirement: "CHN-3", Scenario: "FLD-6", Needs: needs,
			judge: roleless(func(v *view, said *verdict, a *Assignments) {
				if a == nil {
					return
				}
				if on := v.elsewhere(a); len(on) > 0 {
					said.proves(fmt.Sprintf("%s has %s on %s.", v.user(), v.role(), quoted(on)))
				} else {
					said.exclude()
				}
			}),
		},
		{
			ID: "administrator-only", Station: journey.Authorization, Reason: journey.RoleMissing, common: 4, own: own,
			Title:       "The user is in AuthGroup.Administrator, which does not include sending",
			Symptom:     symptom,
			Evidence:    "The role assignments have the user in an authorization group, without the channel's role.",
			Why:         "Authorization groups are for people who manage the tenant; none of them holds ESBMessaging.send.",
			Fix:         "Assign the role ESBMessaging.send, or the channel's own, to the user as well: " + roleMenu + ".",
			Check:       "See whether the user has the role itself, and not an authorization group.",
			Requirement: "CHN-4", Scenario: "FLD-6", Needs: needs,
			judge: roleless(func(v *view, said *verdict, a *Assignments) {
				if a == nil {
					return
				}
				if v.administrates(a) && !a.has(v.user(), v.role()) && len(v.elsewhere(a)) == 0 {
					said.proves(fmt.Sprintf("%s has an authorization group, and not %s.", v.user(), v.role()))
				} else {
					said.exclude()
				}
			}),
		},
		{
			ID: "channel-demands-other-role", Station: journey.Authorization, Reason: journey.RoleMissing, common: 3, own: own,
			Title:       "The channel demands a role of its own, and the user has the default one",
			Symptom:     symptom,
			Evidence:    "The channel's field User Role names another role than ESBMessaging.send.",
			Why:         "Since May 2018 a channel can name the role; then the default one no longer counts for it.",
			Fix:         "Assign the channel's role to the user: " + roleMenu + " → New Role; or set User Role in " + channelMenu + " back to ESBMessaging.send and deploy.",
			Check:       "Look at the field User Role in " + channelMenu + ".",
			Requirement: "CHN-14", Needs: "the role assignments and the integration flow",
			judge: roleless(func(v *view, said *verdict, a *Assignments) {
				c, ok := v.channel()
				switch {
				case !ok:
					if a != nil && !a.has(v.user(), tenant.DefaultRole) {
						said.exclude()
					} else if a != nil {
						said.points(fmt.Sprintf("%s has %s, and was not allowed in.", v.user(), tenant.DefaultRole))
					}
				case c.Role() == tenant.DefaultRole:
					said.exclude()
				case a == nil || !a.has(v.user(), c.Role()):
					said.proves(fmt.Sprintf("The channel %s demands %s.", c.Address, c.Role()))
					said.instead(fmt.Sprintf("Assign the role %s to the user %s: %s → New Role.", c.Role(), v.user(), roleMenu))
				default:
					said.exclude()
				}
			}),
		},
		{
			ID: "old-adapter-version", Station: journey.Authorization, Reason: journey.RoleMissing, common: 2, own: own,
			Title:       "The adapter version is old and has no role entry: the default role is needed",
			Symptom:     symptom,
			Evidence:    "The flow holds the authorization on the sender participant; the user has another role than ESBMessaging.send.",
			Why:         "Channels of old adapter versions know the default role only.",
			Fix:         "Assign ESBMessaging.send to the user: " + roleMenu + "; or replace the channel by one of the current adapter version, which has the field for the role.",
			Check:       "See whether the channel offers the field User Role at all.",
			Requirement: "CHN-11", Scenario: "FLD-17", Needs: "the role assignments and the integration flow",
			judge: roleless(func(v *view, said *verdict, a *Assignments) {
				c, ok := v.channel()
				switch {
				case !ok:
					if a != nil && a.has(v.user(), tenant.DefaultRole) {
						said.exclude()
					}
				case !c.OldAdapter:
					said.exclude()
				case a != nil && a.has(v.user(), tenant.DefaultRole):
					said.exclude()
				case a == nil || len(a.held(v.user())) > 0:
					said.proves("The channel " + c.Address + " is of an old adapter version.")
				}
			}),
		},
		{
			ID: "role-of-another-user", Station: journey.Authorization, Reason: journey.RoleMissing, common: 3, own: own,
			Title:       "The role is assigned to a user of nearly the same name",
			Symptom:     symptom,
			Evidence:    "The role assignments have the role for a name that differs from the user column in its case or in a letter.",
			Why:         "The user of the mapping is a free text; the role needs exactly the same.",
			Fix:         "Assign the role to exactly the user that the access log shows, or correct the user under " + mappingMenu + ".",
			Check:       "Compare the user column letter by letter with the user in the role assignment.",
			Requirement: "CHN-2", Needs: needs, Mark: chosen, Source: "how user names are compared is not published",
			judge: roleless(func(v *view, said *verdict, a *Assignments) {
				if a == nil {
					return
				}
				if like := v.likeUsers(a); len(like) > 0 && !a.has(v.user(), v.role()) {
					said.proves(fmt.Sprintf("%s is assigned to %q.", v.role(), like[0]))
				} else {
					said.exclude()
				}
			}),
		},
	}
}

// elsewhere are the applications on which the user has the channel's role without effect.
func (v *view) elsewhere(a *Assignments) []string {
	if a.has(v.user(), v.role()) {
		return nil
	}
	var on []string
	for _, r := range a.held(v.user()) {
		if r.Role == v.role() && !a.workerNode(r.Application) {
			on = addName(on, r.Application)
		}
	}
	return on
}

// administrates tells whether the user has an authorization group.
func (v *view) administrates(a *Assignments) bool {
	for _, r := range a.held(v.user()) {
		if strings.HasPrefix(strings.ToLower(r.Role), "authgroup.") {
			return true
		}
	}
	for _, g := range a.Groups {
		if strings.HasPrefix(strings.ToLower(g.Name), "authgroup.") && contains(g.Users, v.user()) {
			return true
		}
	}
	return false
}

// otherRole tells whether the channel is known to demand something that has a cause of its own.
func (v *view) otherRole(a *Assignments) bool {
	c, ok := v.channel()
	return ok && !a.has(v.user(), c.Role()) && (c.Role() != tenant.DefaultRole || c.OldAdapter && len(a.held(v.user())) > 0)
}

// likeUsers are users with the channel's role whose names are nearly the user's.
func (v *view) likeUsers(a *Assignments) []string {
	if len(a.held(v.user())) > 0 {
		return nil
	}
	var out []string
	for _, r := range a.Roles {
		if r.User != "" && r.User != v.user() && r.Role == v.role() &&
			(strings.EqualFold(strings.TrimSpace(r.User), v.user()) || len(r.User) > 3 && pki.Nearest(v.user(), []string{r.User}) != "") {
			out = addName(out, r.User)
		}
	}
	return out
}
