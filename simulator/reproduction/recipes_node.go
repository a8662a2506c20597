package reproduction

import (
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// withoutCertificate lets the caller log on with a password in both landscapes.
func withoutCertificate(d *draft, name string) {
	d.both(func(l *simulator.Landscape) {
		l.Mappings = nil
		l.Senders[0] = simulator.Sender{Name: callerName, User: name, Password: inventedWord}
		l.Roles = []simulator.Role{{User: name, Role: tenant.DefaultRole}}
		if role := l.Channels[0].Authorization.UserRole; role != "" && !l.Channels[0].OldAdapter {
			l.Roles[0].Role = role
		}
	})
	d.invent("The user %s and its password: no log holds them.", name)
}

// identityRecipes are those of calls that the runtime node does not recognise.
func identityRecipes() map[string]recipe {
	// In the mended landscape the caller sends its certificate.
	withPassword := func(name string, change func(l *simulator.Landscape)) func(*draft) {
		return func(d *draft) {
			d.broken.Senders[0] = simulator.Sender{Name: callerName, User: name, Password: inventedWord}
			change(&d.broken)
			d.invent("The user %s and its password: no log holds them.", name)
		}
	}
	return map[string]recipe{
		"challenge-answered": {status: 401, make: func(d *draft) {
			withoutCertificate(d, defaultUser)
			d.both(func(l *simulator.Landscape) { l.Users = []simulator.User{{Name: defaultUser, Password: inventedWord}} })
			d.broken.Senders[0].WaitsForChallenge = true
			d.instead = []string{
				"When " + d.calls(d.call), "Then the response statuses are 401, 200",
				quoted(`And the access log has 2 lines of the call, with the users "-, %s"`, defaultUser),
			}
		}},
		"no-certificate-sent": {status: 401, make: func(d *draft) { d.broken.Senders[0].Certificate = "" }},
		"public-part-only":    {status: 401, make: way("with only the public part of its key pair")},
		"issuer-not-named": {status: 401, make: func(d *draft) {
			stranger(&d.broken)
			d.trust(&d.broken, strangerRoot)
			d.both(func(l *simulator.Landscape) { l.Senders[0].OnlyIfIssuerNamed = true })
		}},
		"domain-never-asks": {status: 401, domain: true, make: func(d *draft) {
			if d.domain != "" {
				d.broken.LoadBalancer.Domains[0].Mode, d.broken.LoadBalancer.Domains[0].Trust = "none", nil
			}
		}},
		"trailing-space": {status: 401, make: defect("trailing-space-cn", flaw{
			shows: func(c Described, _ time.Time) bool { return strings.HasSuffix(commonName(c.Subject), " ") },
			mend:  withoutTrailingSpace,
		})},
		"session-without-certificate": {status: 401, make: func(d *draft) {
			d.before = []string{
				quoted("And %q resumes its TLS session", callerName), quoted("And %q leaves out its certificate for now", callerName),
				"When " + d.calls(d.call), "Then the response status is 401", quoted("Given %q has its certificate again", callerName),
			}
			d.said = []string{"And the TLS session is resumed"}
		}},
		"wrong-password": {status: 401, make: func(d *draft) {
			withoutCertificate(d, defaultUser)
			d.both(func(l *simulator.Landscape) { l.Users = []simulator.User{{Name: defaultUser, Password: inventedWord}} })
			d.broken.Senders[0].Password = "mistyped"
		}},
		"user-unknown": {status: 401, make: func(d *draft) {
			withoutCertificate(d, defaultUser)
			d.mended.Users = []simulator.User{{Name: defaultUser, Password: inventedWord}}
		}},
		"mapping-user-with-password": {status: 401, make: func(d *draft) {
			withPassword(d.user, func(*simulator.Landscape) {})(d)
		}},
		"credential-artifact": {status: 401, make: withPassword("DEPLOYED", func(l *simulator.Landscape) {
			l.Credentials = []simulator.Credential{{Name: "DEPLOYED", Password: inventedWord}}
		})},
		"other-environment": {status: 401, make: withPassword("sb-0a1b2c3d-example!b1", func(*simulator.Landscape) {})},
		"token-not-valid": {status: 401, make: func(d *draft) {
			d.both(func(l *simulator.Landscape) {
				l.Mappings = nil
				l.OAuthClients = []simulator.OAuthClient{{ID: "d2c1", Secret: inventedWord}}
				l.Roles[0].User = oauthPrefix + "d2c1"
				l.Senders[0] = simulator.Sender{Name: callerName, OAuthClient: "d2c1"}
			})
			way(`with the token "expired"`)(d)
		}},
	}
}

// withoutTrailingSpace mends the names in a subject.
func withoutTrailingSpace(c *pki.Description) {
	dn, err := pki.ParseDN(c.Subject)
	if err != nil {
		return
	}
	for _, rdn := range dn {
		for i := range rdn {
			rdn[i].Value = strings.TrimRight(rdn[i].Value, " ")
		}
	}
	c.Subject = dn.String()
}

// endpointRecipes are those of paths that nothing serves.
func endpointRecipes() map[string]recipe {
	elsewhere := func(d *draft) {
		d.asItCame()
		d.broken.Channels[0].Address = otherAddress(d.path)
	}
	return map[string]recipe{
		"nothing-deployed": {status: 404, principal: user, make: elsewhere},
		"flow-undeployed":  {status: 404, principal: user, make: elsewhere},
		"path-lacks-prefix": {status: 404, principal: user, path: "/orders",
			address: func(path string) string {
				if prefix, _ := splitPath(path); prefix != "" {
					return otherAddress(path)
				}
				return "/http" + path
			},
			make: func(d *draft) {
				d.asItCame()
				d.mendedCall.path = d.mended.Channels[0].Address
			}},
		"path-other-case": {status: 404, principal: user, path: "/cxf/Orders",
			address: func(path string) string {
				prefix, rest := splitPath(path)
				return prefix + flip(rest)
			},
			make: func(d *draft) {
				d.asItCame()
				d.mendedCall.path = d.mended.Channels[0].Address
			}},
		"path-below-address": {status: 404, principal: user, path: "/http/orders/4711",
			address: func(path string) string {
				if i := strings.LastIndexByte(path, '/'); i > len("/http") {
					return path[:i]
				}
				return path + "/*"
			},
			make: func(d *draft) {
				d.asItCame()
				d.mended.Channels[0].Address = strings.TrimSuffix(d.mended.Channels[0].Address, "/*") + "/*"
			}},
		"ping-405": {status: 405, principal: user, path: "/cxf/orders", make: func(d *draft) {
			d.asItCame()
			d.call.ways = []string{`with the method "HEAD"`}
			d.mendedCall.ways = nil
		}},
		"flow-restarting": {status: 503, principal: user, make: func(d *draft) {
			d.asItCame()
			deployed := quoted("And the flow of %q is deployed with a downtime of 30 seconds", d.broken.Channels[0].Address)
			d.before = []string{deployed}
			d.mendedBefore = []string{deployed, "And 31 seconds pass"}
		}},
	}
}

// otherAddress is an address of the same kind that does not serve the path.
func otherAddress(path string) string {
	prefix, _ := splitPath(path)
	return or(prefix, "/http/") + "something-else"
}

// flowRecipes are those of calls that are let in, and of what stands in the way of all calls.
func flowRecipes() map[string]recipe {
	return map[string]recipe{
		"csrf-token-missing": {status: 403, principal: user, make: func(d *draft) {
			d.broken.Channels[0].CSRFProtected = nil
			d.asItCame()
		}},
		"cookie-encoded": {status: 403, principal: user, make: func(d *draft) {
			d.asItCame()
			d.both(func(l *simulator.Landscape) {
				l.Tenant.Nodes = 2
				l.Channels[0].CSRFProtected = nil
				l.Senders[0].FetchesToken, l.Senders[0].KeepsCookies = true, true
			})
			d.broken.Senders[0].EncodesCookies = true
			d.instead = []string{
				"When " + d.calls(d.call), `Then the call is refused at the channel authorization because of "csrf-token-missing"`,
				"And the response status is 403",
			}
		}},
		"body-too-large": {status: 413, principal: user, make: func(d *draft) {
			d.asItCame()
			d.broken.Channels[0].MaximumBodySize = 1
			for _, c := range []*call{&d.call, &d.mendedCall} {
				c.ways = append(c.ways, "with a body of 1048577 bytes")
			}
			d.invent("The limit of 1 MB, and a body that is larger by one byte.")
		}},
		"flow-failed": {status: 500, principal: user, make: func(d *draft) {
			d.asItCame()
			d.broken.Channels[0].Answer = "fail"
		}},
		"body-stalled": {status: http.StatusRequestTimeout, principal: user, reason: journey.BodyStalled, make: func(d *draft) {
			d.asItCame()
			d.both(func(l *simulator.Landscape) { l.LoadBalancer.Limits.BodyStall = stallLimit })
			way("with a body that stalls")(d)
			d.invent("The load balancer waits for %s only, and not for 20 seconds, so that nobody has to wait.", stallLimit)
		}},
		"no-node-up": {status: 503, make: func(d *draft) {
			d.broken.Tenant.NodesDown = []int{1}
			d.said = []string{"And the access log has no line of the call"}
		}},
	}
}
