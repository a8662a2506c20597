package reproduction

import (
	"strings"
	"time"
	"unicode"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
)

// stallLimit is how long a body may pause where that is shown.
const stallLimit = 200 * time.Millisecond

// mappingRecipes are those of certificates that are accepted and not mapped.
func mappingRecipes() map[string]recipe {
	unmapped := func(change func(l *simulator.Landscape, user string)) recipe {
		return recipe{status: 403, principal: certificate, make: func(d *draft) {
			d.broken.Mappings = nil
			if change != nil {
				change(&d.broken, d.user)
			}
		}}
	}
	return map[string]recipe{
		"not-mapped":    unmapped(nil),
		"mappings-lost": unmapped(nil),
		"renewed-not-mapped": unmapped(func(l *simulator.Landscape, user string) {
			l.PKI = append(l.PKI, pki.Description{Name: "before-renewal", Like: callerName})
			l.Mappings = []simulator.Mapping{{Certificate: "before-renewal", User: user}}
		}),
		"ca-mapped": unmapped(func(l *simulator.Landscape, user string) {
			l.Mappings = []simulator.Mapping{{Certificate: entry(l, callerName).Issuer, User: user}}
		}),
		"other-certificate-mapped": unmapped(func(l *simulator.Landscape, user string) {
			l.PKI = append(l.PKI, pki.Description{Name: "another", Subject: "CN=another.example, O=Example, C=DE", Issuer: rootName})
			l.Mappings = []simulator.Mapping{{Certificate: "another", User: user}}
		}),
		"only-in-tenant-keystore": unmapped(func(l *simulator.Landscape, _ string) { l.Keystore = []string{callerName} }),
	}
}

// roleRecipes are those of users that lack the channel's role. What the user has, as far as that is
// known, it has in the landscape.
func roleRecipes() map[string]recipe {
	lacks := func(roles func(d *draft) []simulator.Role) recipe {
		return recipe{status: 403, principal: user, make: func(d *draft) {
			d.broken.Roles = roles(d)
			d.mended.Roles = append(d.mended.Roles, d.broken.Roles...)
		}}
	}
	return map[string]recipe{
		"role-missing": lacks(func(d *draft) []simulator.Role { return d.has(nil) }),
		"role-on-other-application": lacks(func(d *draft) []simulator.Role {
			return d.has([]simulator.Role{{User: d.user, Role: d.mended.Roles[0].Role, Application: "provision"}})
		}),
		"administrator-only": lacks(func(d *draft) []simulator.Role {
			return d.has([]simulator.Role{{User: d.user, Role: "AuthGroup.Administrator"}})
		}),
		"role-of-another-user": lacks(func(d *draft) []simulator.Role {
			return []simulator.Role{{User: otherCase(d.user), Role: d.mended.Roles[0].Role}}
		}),
		"channel-demands-other-role": {status: 403, principal: user, make: func(d *draft) {
			role := d.mended.Channels[0].Authorization.UserRole
			if role == "" {
				role = "Orders.send"
				d.invent("The role %s of the channel.", role)
			}
			d.both(func(l *simulator.Landscape) { l.Channels[0].Authorization.UserRole = role })
			d.broken.Roles = []simulator.Role{{User: d.user, Role: "ESBMessaging.send"}}
			d.mended.Roles = append([]simulator.Role{{User: d.user, Role: role}}, d.broken.Roles...)
		}},
		"old-adapter-version": {status: 403, principal: user, make: func(d *draft) {
			d.both(func(l *simulator.Landscape) { l.Channels[0].OldAdapter = true })
			d.broken.Roles = d.has([]simulator.Role{{User: d.user, Role: "Orders.send"}})
			d.mended.Roles = append([]simulator.Role{{User: d.user, Role: "ESBMessaging.send"}}, d.broken.Roles...)
		}},
	}
}

// has are the roles of the user that are known and do not let it in, or else those that the recipe
// gives.
func (d *draft) has(invented []simulator.Role) []simulator.Role {
	var out []simulator.Role
	for _, r := range d.known.Roles {
		if one := (simulator.Role{User: d.user, Role: r.Role, Application: r.Application}); !lets(d, r) {
			out = append(out, one)
		}
	}
	if len(out) == 0 {
		if len(invented) > 0 {
			d.invent("The role %s that the user has.", invented[0].Role)
		}
		return invented
	}
	return out
}

func lets(d *draft, r diagnosis.AssignedRole) bool {
	return r.Application == "" && r.Role == d.mended.Roles[0].Role
}

// otherCase is the name in another case, or another name.
func otherCase(name string) string {
	if lower := strings.ToLower(name); lower != name {
		return lower
	}
	if strings.ContainsFunc(name, unicode.IsLower) {
		return strings.ToUpper(name)
	}
	return name + "2"
}

// tableRecipes are those of channels that compare certificates. In the mended landscape the channel's
// table holds the caller's.
func tableRecipes() map[string]recipe {
	lacks := func(rows func(d *draft) []simulator.TableRow) recipe {
		return recipe{status: 403, principal: certificate, make: func(d *draft) {
			d.compares()
			d.table(rows(d))
		}}
	}
	another := func(d *draft) []simulator.TableRow {
		d.both(func(l *simulator.Landscape) {
			l.PKI = append(l.PKI, pki.Description{Name: "another", Subject: "CN=another.example, O=Example, C=DE", Issuer: rootName})
		})
		return []simulator.TableRow{{Certificate: "another"}}
	}
	return map[string]recipe{
		"dns-not-in-table": lacks(func(d *draft) []simulator.TableRow {
			if c := d.known.Channel; c != nil && len(c.Table) > 0 {
				var rows []simulator.TableRow
				for _, r := range c.Table[:min(len(c.Table), mostRoles)] {
					if r.Subject == "" || r.Issuer == "" {
						continue
					}
					rows = append(rows, simulator.TableRow{Subject: r.Subject, Issuer: r.Issuer})
				}
				if len(rows) > 0 {
					return rows
				}
			}
			return another(d)
		}),
		"ca-in-table": lacks(func(d *draft) []simulator.TableRow {
			return []simulator.TableRow{{Certificate: entry(&d.broken, callerName).Issuer}}
		}),
		"table-outdated": lacks(func(d *draft) []simulator.TableRow {
			leaf := entry(&d.broken, callerName)
			former := commonNameOnly(commonName(leaf.Subject)) + ", OU=Former"
			d.invent("The subject DN of the earlier certificate.")
			return []simulator.TableRow{{Subject: former, Issuer: entry(&d.broken, leaf.Issuer).Subject}}
		}),
		"table-not-deployed": {status: 403, principal: certificate, make: func(d *draft) {
			d.compares()
			d.table(another(d))
			d.mended.Channels = d.broken.Channels
			changed := quoted("And the table of %q is changed to hold the certificate of %q", d.broken.Channels[0].Address, callerName)
			d.before = []string{changed}
			d.mendedBefore = []string{changed, quoted("And the flow of %q is deployed with a downtime of 1 seconds", d.broken.Channels[0].Address), "And 2 seconds pass"}
		}},
		"no-certificate-for-table": {status: 403, principal: user, make: func(d *draft) {
			d.table(another(d))
			d.mended.Channels[0].Authorization = simulator.Authorization{ClientCertificates: []simulator.TableRow{{Certificate: callerName}}}
			d.mended.Senders[0] = simulator.Sender{Name: callerName, Certificate: callerName}
			d.broken.Mappings = nil
			d.broken.Senders[0] = simulator.Sender{Name: callerName, User: d.user}
			d.broken.Users = []simulator.User{{Name: d.user, Password: inventedWord}}
		}},
	}
}

// compares lets the channel of both landscapes compare certificates, that of the mended one with the
// caller's; the certificate is mapped only if the evidence shows a user.
func (d *draft) compares() {
	_, _, asCertificate := d.known.certificateUser()
	d.both(func(l *simulator.Landscape) {
		if asCertificate || !d.known.Logged {
			l.Mappings, l.Roles = nil, nil
		}
		l.Channels[0].OldAdapter = false
	})
	d.mended.Channels[0].Authorization = simulator.Authorization{ClientCertificates: []simulator.TableRow{{Certificate: callerName}}}
}

func (d *draft) table(rows []simulator.TableRow) {
	d.broken.Channels[0].Authorization = simulator.Authorization{ClientCertificates: rows}
}
