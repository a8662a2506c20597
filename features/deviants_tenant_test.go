package features_test

import (
	"bytes"
	"crypto/x509"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/simulator/tenant"
)

// lookups answers like the snapshot, but for what is exchanged.
type lookups struct {
	*tenant.Snapshot
	mapped   func(der []byte) (string, bool)
	password func(user, given string) tenant.PasswordVerdict
	token    func(token string) (string, bool)
	route    func(path string) (tenant.Channel, tenant.RouteAnswer)
	role     func(user, role string) tenant.RoleAnswer
	inTable  func(c tenant.Channel, subject, issuer []byte) bool
	restarts func(tenant.Channel) bool
}

func (l lookups) Mapped(der []byte) (string, bool) {
	if l.mapped != nil {
		return l.mapped(der)
	}
	return l.Snapshot.Mapped(der)
}

func (l lookups) Password(user, given string) tenant.PasswordVerdict {
	if l.password != nil {
		return l.password(user, given)
	}
	return l.Snapshot.Password(user, given)
}

func (l lookups) Token(token string, now time.Time) (string, bool) {
	if l.token != nil {
		return l.token(token)
	}
	return l.Snapshot.Token(token, now)
}

func (l lookups) Route(path string) (tenant.Channel, tenant.RouteAnswer) {
	if l.route != nil {
		return l.route(path)
	}
	return l.Snapshot.Route(path)
}

func (l lookups) Role(user, role string) tenant.RoleAnswer {
	if l.role != nil {
		return l.role(user, role)
	}
	return l.Snapshot.Role(user, role)
}

func (l lookups) InTable(c tenant.Channel, subject, issuer []byte) bool {
	if l.inTable != nil {
		return l.inTable(c, subject, issuer)
	}
	return l.Snapshot.InTable(c, subject, issuer)
}

func (l lookups) Restarting(c tenant.Channel, now time.Time) bool {
	if l.restarts != nil {
		return l.restarts(c)
	}
	return l.Snapshot.Restarting(c, now)
}

// looking exchanges answers about the tenant's configuration.
func looking(exchange func(t *tenant.Tenant, s *tenant.Snapshot, l *lookups)) func() simulator.Parts {
	return func() simulator.Parts {
		return simulator.Parts{Lookups: func(t *tenant.Tenant, s *tenant.Snapshot) node.Lookups {
			l := lookups{Snapshot: s}
			exchange(t, s, &l)
			return l
		}}
	}
}

// mappingDeviants compare something else than whole certificates.
func mappingDeviants() []deviant {
	const renewed, sameKey = "A renewed certificate with the same names is another certificate", "A renewed certificate for the same key is another certificate too"
	const sameSerial = "A renewed certificate of the same serial number is another certificate too"
	by := func(what func(*x509.Certificate) []byte) func() simulator.Parts {
		return looking(func(t *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.mapped = func(der []byte) (string, bool) {
				sent, err := x509.ParseCertificate(der)
				if err != nil {
					return "", false
				}
				for _, m := range t.Config().Mappings {
					if c, err := x509.ParseCertificate(m.Certificate); err == nil && bytes.Equal(what(c), what(sent)) {
						return m.User, true
					}
				}
				return "", false
			}
		})
	}
	return []deviant{
		{"maps by subject", "AUT-2", renewed, by(func(c *x509.Certificate) []byte { return c.RawSubject }), false},
		{"maps by common name", "AUT-2", renewed, by(func(c *x509.Certificate) []byte { return []byte(c.Subject.CommonName) }), false},
		{"maps by public key", "AUT-2", sameKey, by(func(c *x509.Certificate) []byte { return c.RawSubjectPublicKeyInfo }), false},
		{"maps by issuer and serial number", "AUT-2", sameSerial, by(func(c *x509.Certificate) []byte {
			return append(slices.Clone(c.RawIssuer), c.SerialNumber.Bytes()...)
		}), false},
		{"maps whatever a mapped CA issued", "FLD-5", "403 although a certificate is mapped: it is the CA's", looking(func(t *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.mapped = func(der []byte) (string, bool) {
				if user, ok := s.Mapped(der); ok {
					return user, true
				}
				sent, err := x509.ParseCertificate(der)
				for _, m := range t.Config().Mappings {
					if c, err2 := x509.ParseCertificate(m.Certificate); err == nil && err2 == nil && bytes.Equal(c.RawSubject, sent.RawIssuer) {
						return m.User, true
					}
				}
				return "", false
			}
		}), false},
		{"keeps stale mappings", "CHN-6", "An accepted certificate without a mapping has no role", func() simulator.Parts {
			var known sync.Map
			return looking(func(_ *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
				l.mapped = func(der []byte) (string, bool) {
					if user, ok := s.Mapped(der); ok {
						known.Store(string(der), user)
						return user, true
					}
					user, ok := known.Load(string(der))
					if !ok {
						return "", false
					}
					return user.(string), true
				}
			})()
		}, false},
		{"does not see that a mapping changed its user", "AUT-4", "Mapping a certificate again only changes its user", func() simulator.Parts {
			var known sync.Map
			return looking(func(_ *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
				l.mapped = func(der []byte) (string, bool) {
					user, ok := s.Mapped(der)
					if !ok {
						return "", false
					}
					first, _ := known.LoadOrStore(string(der), user)
					return first.(string), true
				}
			})()
		}, false},
		{"maps one certificate to a user only", "AUT-4", "Two certificates map to one user", looking(func(t *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.mapped = func(der []byte) (string, bool) {
				user, ok := s.Mapped(der)
				for _, m := range t.Config().Mappings {
					if m.User == user {
						return user, ok && bytes.Equal(m.Certificate, der)
					}
				}
				return user, ok
			}
		}), false},
		{"takes the tenant keystore for mappings", "AUT-13", "The tenant keystore does not help", looking(func(t *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.mapped = func(der []byte) (string, bool) {
				for _, e := range t.Config().Keystore {
					if bytes.Equal(e.Certificate, der) {
						return "WAREHOUSE", true
					}
				}
				return s.Mapped(der)
			}
		}), false},
		{"wants mapped users in the identity provider", "AUT-5", "The mapped user is unknown to the identity provider", looking(func(_ *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.mapped = func(der []byte) (string, bool) {
				user, ok := s.Mapped(der)
				return user, ok && s.Password(user, "") != tenant.MappingOnly
			}
		}), true},
		{"takes the common name for a user", "AUT-3", "An accepted certificate without a mapping stands for the names of sender and issuer", looking(func(_ *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.mapped = func(der []byte) (string, bool) {
				if user, ok := s.Mapped(der); ok {
					return user, true
				}
				c, err := x509.ParseCertificate(der)
				return pki.CommonName(c.RawSubject), err == nil
			}
		}), false},
	}
}

// identityDeviants let the wrong people log on.
func identityDeviants() []deviant {
	right := func(instead ...tenant.PasswordVerdict) func() simulator.Parts {
		return looking(func(_ *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.password = func(user, given string) tenant.PasswordVerdict {
				if v := s.Password(user, given); !slices.Contains(instead, v) {
					return v
				}
				return tenant.Right
			}
		})
	}
	return []deviant{
		{"lets mapping users log on with Basic", "AUT-7", "A user of a mapping has no password", right(tenant.MappingOnly), false},
		{"lets deployed credentials log on", "AUT-8", "A deployed User Credentials artifact is no logon", right(tenant.CredentialOnly), false},
		{"does not look at passwords", "AUT-6", "A wrong password is refused", right(tenant.Wrong), false},
		{"lets unknown users log on", "AUT-6", "An unknown user is refused", right(tenant.UnknownUser), false},
		{"lets nobody log on with Basic", "AUT-6", "User and password of the identity provider", looking(func(_ *tenant.Tenant, _ *tenant.Snapshot, l *lookups) {
			l.password = func(string, string) tenant.PasswordVerdict { return tenant.UnknownUser }
		}), false},
		{"takes any token", "AUT-9", "A token that nobody issued is refused", looking(func(t *tenant.Tenant, _ *tenant.Snapshot, l *lookups) {
			l.token = func(string) (string, bool) { return t.Config().Clients[0].ID, true }
		}), false},
	}
}

// roleDeviants look at the wrong roles.
func roleDeviants() []deviant {
	role := func(answer func(t *tenant.Tenant, s *tenant.Snapshot, user, role string) bool) func() simulator.Parts {
		return looking(func(t *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.role = func(user, role string) tenant.RoleAnswer {
				a := s.Role(user, role)
				a.Has = answer(t, s, user, role)
				return a
			}
		})
	}
	return []deviant{
		{"ignores roles", "CHN-2", "Without the role the call gets 403", role(func(*tenant.Tenant, *tenant.Snapshot, string, string) bool { return true }), false},
		{"looks at another application's roles", "CHN-3", "A role on the application provision has no effect", role(func(_ *tenant.Tenant, s *tenant.Snapshot, user, role string) bool {
			a := s.Role(user, role)
			return a.Has || slices.Contains(a.ElsewhereOn, "provision")
		}), false},
		{"takes the management application for the worker's", "CHN-3", "A role on the application e100999tmn has no effect", role(func(_ *tenant.Tenant, s *tenant.Snapshot, user, role string) bool {
			a := s.Role(user, role)
			return a.Has || slices.Contains(a.ElsewhereOn, "e100999tmn")
		}), false},
		{"knows one profile only", "CHN-15", "In another profile the application is that of the profile", role(func(_ *tenant.Tenant, s *tenant.Snapshot, user, role string) bool {
			a := s.Role(user, role)
			return a.Has || slices.Contains(a.ElsewhereOn, "e100999iflmap")
		}), false},
		{"lets AuthGroup.Administrator send", "CHN-4", "AuthGroup.Administrator does not include sending", role(func(_ *tenant.Tenant, s *tenant.Snapshot, user, role string) bool {
			a := s.Role(user, role)
			return a.Has || a.AuthGroup == "AuthGroup.Administrator"
		}), false},
		{"lets developers send", "CHN-4", "AuthGroup.IntegrationDeveloper does not include sending", role(func(_ *tenant.Tenant, s *tenant.Snapshot, user, role string) bool {
			a := s.Role(user, role)
			return a.Has || a.AuthGroup == "AuthGroup.IntegrationDeveloper"
		}), false},
		{"ignores groups", "CHN-5", "A role may come through a group", role(func(_ *tenant.Tenant, s *tenant.Snapshot, user, role string) bool {
			a := s.Role(user, role)
			return a.Has && a.Through == ""
		}), false},
		{"gives a group's role to everybody", "CHN-5", "A group without the user does not help", role(func(t *tenant.Tenant, s *tenant.Snapshot, user, role string) bool {
			return s.Role(user, role).Has || slices.ContainsFunc(t.Config().Roles, func(a tenant.Assignment) bool { return a.Group != "" && a.Role == role })
		}), false},
		{"demands the default role everywhere", "CHN-14", "A channel may demand another role", role(func(_ *tenant.Tenant, s *tenant.Snapshot, user, _ string) bool {
			return s.Role(user, tenant.DefaultRole).Has
		}), false},
		{"caches no roles where roles are cached", "CHN-16", "A user who calls often keeps its roles for 5 minutes", role(func(t *tenant.Tenant, _ *tenant.Snapshot, user, role string) bool {
			return slices.ContainsFunc(t.Config().Roles, func(a tenant.Assignment) bool { return a.User == user && a.Role == role })
		}), false},
		{"keeps stale roles", "CHN-1", "The default role is ESBMessaging.send", func() simulator.Parts {
			var had sync.Map
			return role(func(_ *tenant.Tenant, s *tenant.Snapshot, user, role string) bool {
				if s.Role(user, role).Has {
					had.Store(user+" "+role, true)
				}
				_, ok := had.Load(user + " " + role)
				return ok
			})()
		}, false},
	}
}

// tableDeviants compare DNs with a channel's table wrongly.
func tableDeviants() []deviant {
	table := func(in func(rows []tenant.DNPair, subject, issuer string) bool) func() simulator.Parts {
		return looking(func(_ *tenant.Tenant, _ *tenant.Snapshot, l *lookups) {
			l.inTable = func(c tenant.Channel, subject, issuer []byte) bool {
				return in(c.Authorization.Table, pki.FormatDN(subject), pki.FormatDN(issuer))
			}
		})
	}
	any := func(same func(row tenant.DNPair, subject, issuer string) bool) func() simulator.Parts {
		return table(func(rows []tenant.DNPair, subject, issuer string) bool {
			return slices.ContainsFunc(rows, func(row tenant.DNPair) bool { return same(row, subject, issuer) })
		})
	}
	cn := func(dn string) string {
		for part := range strings.SplitSeq(dn, ", ") {
			if name, ok := strings.CutPrefix(part, "CN="); ok {
				return name
			}
		}
		return dn
	}
	const row = "A row with another "
	return []deviant{
		{"compares DNs loosely", "CHN-7", row + "letter case does not match", any(func(r tenant.DNPair, subject, issuer string) bool {
			return strings.EqualFold(r.Subject, subject) && strings.EqualFold(r.Issuer, issuer)
		}), false},
		{"compares common names only", "CHN-7", row + "organisation does not match", any(func(r tenant.DNPair, subject, issuer string) bool {
			return cn(r.Subject) == cn(subject) && cn(r.Issuer) == cn(issuer)
		}), false},
		{"does not compare issuers", "CHN-7", row + "issuer does not match", any(func(r tenant.DNPair, subject, _ string) bool { return r.Subject == subject }), false},
		{"takes part of a DN for the whole", "CHN-7", row + "set of elements does not match", any(func(r tenant.DNPair, subject, issuer string) bool {
			for part := range strings.SplitSeq(r.Subject, ", ") {
				if !strings.Contains(subject, part) {
					return false
				}
			}
			return r.Issuer == issuer
		}), false},
		{"lets everybody pass an empty table", "CHN-8", "Nobody passes an empty table", table(func(rows []tenant.DNPair, subject, issuer string) bool {
			return len(rows) == 0 || slices.Contains(rows, tenant.DNPair{Subject: subject, Issuer: issuer})
		}), false},
		{"lets in whom a CA in the table issued", "CHN-9", "The CA's certificate in the table does not let its senders in", any(func(r tenant.DNPair, subject, issuer string) bool {
			return r.Subject == issuer || r.Subject == subject && r.Issuer == issuer
		}), false},
		{"lets a changed table take effect at once", "CHN-10", "A changed table takes effect with the next deployment", looking(func(t *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.inTable = func(c tenant.Channel, subject, issuer []byte) bool {
				designed, _ := t.Designed(c.Address)
				return slices.ContainsFunc(designed.Authorization.Table, func(r tenant.DNPair) bool { return r.Matches(subject, issuer) })
			}
		}), false},
	}
}

// endpointDeviants find the wrong channel, or have it do the wrong thing.
func endpointDeviants() []deviant {
	route := func(change func(t *tenant.Tenant, s *tenant.Snapshot, path string) (tenant.Channel, tenant.RouteAnswer)) func() simulator.Parts {
		return looking(func(t *tenant.Tenant, s *tenant.Snapshot, l *lookups) {
			l.route = func(path string) (tenant.Channel, tenant.RouteAnswer) { return change(t, s, path) }
		})
	}
	of := func(change func(*tenant.Channel)) func() simulator.Parts {
		return route(func(_ *tenant.Tenant, s *tenant.Snapshot, path string) (tenant.Channel, tenant.RouteAnswer) {
			c, a := s.Route(path)
			change(&c)
			return c, a
		})
	}
	// first serves a path that the snapshot does not find by the first channel that will do.
	first := func(will func(address, path string) bool) func() simulator.Parts {
		return route(func(t *tenant.Tenant, s *tenant.Snapshot, path string) (tenant.Channel, tenant.RouteAnswer) {
			c, a := s.Route(path)
			if a.Found {
				return c, a
			}
			for _, have := range t.Config().Channels {
				if will(have.Address, path) {
					return s.Route(have.Address)
				}
			}
			return c, a
		})
	}
	return []deviant{
		{"protects nothing with CSRF tokens", "CHN-12", "A modifying request without a token gets 403", of(func(c *tenant.Channel) { c.CSRFProtected = false }), false},
		{"has no body limit", "FLW-3", "A body over the channel's limit gets 413", of(func(c *tenant.Channel) { c.MaximumBodySize = math.MaxInt64 }), false},
		{"distinguishes case under /http", "EP-2", "HTTPS addresses are case-insensitive: /http/ORDERS", route(func(t *tenant.Tenant, s *tenant.Snapshot, path string) (tenant.Channel, tenant.RouteAnswer) {
			c, a := s.Route(path)
			if a.Found && strings.HasPrefix(path, "/http/") && !strings.HasPrefix(path, strings.TrimSuffix(c.Address, "*")) {
				return tenant.Channel{}, tenant.RouteAnswer{Path: path}
			}
			return c, a
		}), false},
		{"does not distinguish case under /cxf", "EP-4", "Addresses under /cxf are case-sensitive", first(func(address, path string) bool {
			return strings.HasPrefix(path, "/cxf/") && strings.EqualFold(address, path)
		}), false},
		{"serves below an address without /*", "EP-3", "An address without /* serves nothing below it", first(func(address, path string) bool { return strings.HasPrefix(path, address+"/") }), false},
		{"compares prefixes letter by letter", "EP-5", "A prefix counts by whole segments", first(func(address, path string) bool { return strings.HasPrefix(path, address) }), false},
		{"lets the shortest prefix win", "EP-5", "Under /cxf the longest prefix serves the call", route(func(t *tenant.Tenant, s *tenant.Snapshot, path string) (tenant.Channel, tenant.RouteAnswer) {
			for _, have := range t.Config().Channels {
				if strings.HasPrefix(path, have.Address+"/") {
					return s.Route(have.Address)
				}
			}
			return s.Route(path)
		}), false},
		{"adds the prefix /http of its own accord", "FLD-13", "404: the path lacks /http", first(func(address, path string) bool { return address == "/http"+path }), false},
		{"serves calls during a deployment", "EP-10", "A flow that is being redeployed does not serve calls", looking(func(_ *tenant.Tenant, _ *tenant.Snapshot, l *lookups) {
			l.restarts = func(tenant.Channel) bool { return false }
		}), false},
	}
}
