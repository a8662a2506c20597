package diagnosis

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

const (
	mappingMenu = "Operations View → Manage Security → Certificate-to-User Mappings"
	roleMenu    = "cockpit → Subscriptions → the application that ends in iflmap or hcioem → Roles"
	channelMenu = "the integration flow → sender channel → Connection → Authorization"
)

// forbidden tells whether the call was refused with 403.
func (v *view) forbidden() bool { return v.status() == http.StatusForbidden }

// unmapped makes the rule of the causes for which a certificate stands in the user column.
func unmapped(more func(v *view, said *verdict)) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		if !v.forbidden() || !v.asCertificate() || v.byTable() {
			return
		}
		if t := v.left(); t != nil && t.table[0] != "" {
			return
		}
		said.fits("The user column shows "+v.user()+", a certificate's name and its issuer's, and no user of the mapping.", v.access()...)
		if looksLikeMail(v.user()) {
			said.against("It may be a user whose name is a mail address.")
		}
		more(v, said)
	}
}

// mappedAs finds a mapped certificate by its relation to the one that came: to the sender's chain,
// or without that to the names in the user column.
func (v *view) mappedAs(wanted relation) (Mapped, bool) {
	for _, m := range v.f.evidence.Mapped {
		if v.relation(m) == wanted {
			return m, true
		}
	}
	return Mapped{}, false
}

func (v *view) relation(m Mapped) relation {
	if c := v.f.chain; c != nil && c.leaf != nil && (v.group == nil || principal(c.leaf) == v.user()) {
		return c.relationTo(m.DER)
	}
	cert, err := x509.ParseCertificate(m.DER)
	if err != nil {
		return unrelated
	}
	_, issuer, _ := strings.Cut(v.user(), "@")
	switch {
	case principal(cert) == v.user():
		return renewal // it has the names, and was not recognised
	case pki.CommonName(cert.RawSubject) == issuer:
		return issuerCA
	}
	return unrelated
}

func (m Mapped) shown() string {
	if m.User != "" {
		return m.Name + ", mapped to " + m.User
	}
	return m.Name
}

// mappingCauses are those for which the certificate is accepted and stands for no user.
func mappingCauses() []Cause {
	own := []string{"Forbidden. The certificate of"}
	const symptom = "403; the access log shows <CN>@<issuer CN> as user."
	const needs = "the mapped certificates and the sender's chain"
	return []Cause{
		{
			ID: "not-mapped", Station: journey.Authorization, Reason: journey.NotMapped, common: 8, own: own,
			Title:       "The certificate is not in the certificate-to-user mapping",
			Symptom:     symptom,
			Evidence:    "The user column.",
			Why:         "Nobody entered it. A certificate without a mapping has no role.",
			Fix:         "Add the sender's own certificate under " + mappingMenu + " → Add: user name and certificate.",
			Check:       "Look under " + mappingMenu + " which certificates are there, and compare serial number and dates with the sender's.",
			Requirement: "CHN-6", Scenario: "AUT-3", Needs: needs, Mark: infers,
			judge: unmapped(func(v *view, said *verdict) {
				if len(v.f.evidence.Mapped) > 0 {
					said.exclude() // one of the others
				}
				if as, ok := v.f.userBefore(v.group0()); ok {
					said.against("The same client came as " + as.user + " before.")
				}
				if v.f.evidence.Assignments != nil && v.f.evidence.Assignments.Mappings != nil && len(v.f.evidence.Assignments.Mappings) == 0 {
					said.proves("The mapping is empty.")
				}
			}),
		},
		{
			ID: "renewed-not-mapped", Station: journey.Authorization, Reason: journey.NotMapped, common: 7, own: own,
			Title:       "The certificate was renewed, and the mapping still holds the old one",
			Symptom:     "403 since the renewal; the access log shows <CN>@<issuer CN>, where it showed a user before.",
			Evidence:    "The same client was let in as a user before; the mapped certificate has the same names as the new one.",
			Why:         "The whole certificate is compared: a renewed one is another certificate, with another serial number and dates.",
			Fix:         "Add the new certificate for the same user under " + mappingMenu + ", and remove the old one. Next time: add it before the sender changes.",
			Check:       "Compare serial number and dates of the mapped certificate with the sender's.",
			Requirement: "AUT-2", Scenario: "FLD-5", Needs: needs,
			judge: unmapped(func(v *view, said *verdict) {
				if as, ok := v.f.userBefore(v.group0()); ok {
					said.points("The same client was let in as " + as.user + " until " + as.last.UTC().Format("2006-01-02 15:04:05") + ".")
				}
				for _, kind := range []relation{renewal, sameKey} {
					if m, ok := v.mappedAs(kind); ok {
						said.proves("The mapped certificate (" + m.shown() + ") has the same names or key and is another certificate.")
						return
					}
				}
				if len(v.f.evidence.Mapped) > 0 {
					said.exclude()
				}
			}),
		},
		{
			ID: "ca-mapped", Station: journey.Authorization, Reason: journey.NotMapped, common: 4, own: own,
			Title:       "The certificate of the CA is mapped, and not the sender's own",
			Symptom:     symptom,
			Evidence:    "The mapped certificate is that of the issuer.",
			Why:         "The mapping compares the sender's own certificate; one of a CA lets nobody in.",
			Fix:         "Map the sender's own certificate, the first of its chain, under " + mappingMenu + ".",
			Check:       "Compare the subject of the mapped certificate with the sender's.",
			Requirement: "AUT-2", Scenario: "FLD-5", Needs: needs,
			judge: unmapped(func(v *view, said *verdict) {
				if m, ok := v.mappedAs(issuerCA); ok {
					said.proves("The mapped certificate (" + m.shown() + ") is that of the issuer.")
				} else if len(v.f.evidence.Mapped) > 0 {
					said.exclude()
				}
			}),
		},
		{
			ID: "other-certificate-mapped", Station: journey.Authorization, Reason: journey.NotMapped, common: 5, own: own,
			Title:       "Another certificate is mapped than the sender sends",
			Symptom:     symptom,
			Evidence:    "The mapped certificate has other names than the user column shows.",
			Why:         "The sender has several key pairs, and the one that is mapped is not the one of this destination.",
			Fix:         "Map the certificate that is sent under " + mappingMenu + ", or let the sender use the key pair that is mapped (ABAP: the PSE in SM59, Logon & Security).",
			Check:       "Compare the names in the user column with the mapped certificate's.",
			Requirement: "AUT-2", Scenario: "FLD-5", Needs: needs,
			judge: unmapped(func(v *view, said *verdict) {
				mapped := v.f.evidence.Mapped
				if len(mapped) == 0 {
					return
				}
				for _, m := range mapped {
					if v.relation(m) != unrelated {
						said.exclude()
						return
					}
				}
				said.proves("The mapped certificate (" + mapped[0].shown() + ") has other names than the one that came.")
			}),
		},
		{
			ID: "only-in-tenant-keystore", Station: journey.Authorization, Reason: journey.NotMapped, common: 3, own: own,
			Title:       "The certificate was put into the tenant keystore, where it does nothing for inbound calls",
			Symptom:     symptom,
			Evidence:    "The certificate is in the tenant keystore.",
			Why:         "The tenant keystore serves outbound calls and signatures.",
			Fix:         "Add the certificate under " + mappingMenu + ". In the keystore it can go.",
			Check:       "Look under Operations View → Manage Security → Keystore whether the sender's certificate is there.",
			Requirement: "AUT-13", Scenario: "FLD-16", Needs: "the certificates of the tenant keystore",
			judge: unmapped(func(v *view, said *verdict) {
				if len(v.f.evidence.Keystore) == 0 {
					return
				}
				for _, der := range v.f.evidence.Keystore {
					if v.relation(Mapped{DER: der}) == sameCertificate {
						said.proves("The sender's certificate is in the tenant keystore.")
						return
					}
					if c, err := x509.ParseCertificate(der); err == nil && principal(c) == v.user() {
						said.proves("A certificate of these names is in the tenant keystore.")
						return
					}
				}
				said.exclude()
			}),
		},
		{
			ID: "mappings-lost", Station: journey.Authorization, Reason: journey.NotMapped, common: 1, own: own,
			Title:       "The mappings of several senders were lost at once",
			Symptom:     "403 for several senders since the same time; the access log shows <CN>@<issuer CN> where it showed users before.",
			Evidence:    "Three senders or more were let in as users and came as unmapped certificates soon after one another.",
			Why:         "A bulk update that failed half-way emptied the mapping store before a patch, or somebody removed them.",
			Fix:         "Enter the mappings again under " + mappingMenu + ", from a copy; the audit log tells who changed them.",
			Check:       "See whether other senders are refused since the same time.",
			Requirement: "AUT-15", Scenario: "FLD-19", Mark: confirms, Source: "SAP notes, patched since",
			judge: unmapped(func(v *view, said *verdict) {
				var users []string
				for _, l := range v.f.lost {
					if d := l.at.Sub(v.group0().first); d < time.Hour && d > -time.Hour {
						users = addName(users, l.user)
					}
				}
				if len(users) < 3 {
					said.exclude()
					return
				}
				said.proves("Within an hour the certificates of several users were no longer mapped: " + quoted(users) + ".")
			}),
		},
	}
}

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
