package node

import (
	"fmt"
	"net/http"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// permission is what the authorization of a channel decided.
type permission struct {
	stop   journey.Stop
	traces []string
	// header are what the answer of a call that ends here carries.
	header []headerField
}

func (p permission) refused() bool { return p.stop.Verdict == journey.Refused }

func refusePermission(reason journey.Reason, decided string) permission {
	return permission{stop: journey.Stop{Station: journey.Authorization, Verdict: journey.Refused, Reason: reason, Decided: decided}}
}

func permit(format string, arguments ...any) permission {
	return permission{stop: journey.Stop{Station: journey.Authorization, Verdict: journey.Passed, Decided: fmt.Sprintf(format, arguments...)}}
}

// authorize tells whether the principal may send to the channel.
func authorize(who principal, c tenant.Channel, s Lookups) permission {
	if c.Authorization.ClientCertificate() {
		return authorizeByTable(who, c, s)
	}
	return authorizeByRole(who, c, s)
}

// authorizeByRole: the principal needs the channel's role on the application of the worker node
// [C]. A certificate without a mapping has no role [I]; that holds even if a user happens to have
// the name <CN>@<CN of the issuer>, since anybody could have a certificate issued with such names.
func authorizeByRole(who principal, c tenant.Channel, s Lookups) permission {
	role := c.Role()
	if who.certificate != nil && !who.mapped {
		p := refusePermission(journey.NotMapped, fmt.Sprintf(
			"the certificate of %q is not mapped to a user and so lacks role %q, which channel %q demands", clip(who.user), role, c.Address))
		p.stop.Fix = fmt.Sprintf("Add the sender's own certificate (subject: %s) under Manage Security → Certificate-to-User Mappings, with a user that has role %s on application %s",
			pki.FormatDN(who.certificate.subject), role, s.Application())
		p.traces = []string{fmt.Sprintf("Forbidden. The certificate of %q is not mapped to a user and so does not have role %q on application %q, which channel %q demands.",
			clip(who.user), role, s.Application(), c.Address)}
		return p
	}
	answer := s.Role(who.user, role)
	if !answer.Has {
		return refuseRole(who, role, answer, c, s)
	}
	how := "directly"
	switch {
	case answer.Through != "":
		how = fmt.Sprintf("through group %q", answer.Through)
	case answer.AuthGroup != "":
		how = "through " + answer.AuthGroup
	}
	old := ""
	if c.OldAdapter {
		old = "; the adapter version is old, so the default role applies"
	}
	return permit("user %q has role %q on application %q, %s%s%s", clip(who.user), role, s.Application(), how, old, fromCache(answer))
}

// fromCache says that an answer may be out of date.
func fromCache(answer tenant.RoleAnswer) string {
	if !answer.Cached {
		return ""
	}
	return fmt.Sprintf("; so says the role cache, which has kept the user's roles since it sent more than %d requests within %v, and does so for %v",
		tenant.RoleCacheRequests, tenant.RoleCacheWindow, tenant.RoleCacheLifetime)
}

func refuseRole(who principal, role string, answer tenant.RoleAnswer, c tenant.Channel, s Lookups) permission {
	decided := fmt.Sprintf("user %q lacks role %q on application %q, which channel %q demands", clip(who.user), role, s.Application(), c.Address)
	if len(answer.ElsewhereOn) > 0 {
		decided += fmt.Sprintf("; the user has it on %q, where it has no effect", answer.ElsewhereOn[0])
	}
	if answer.AuthGroup != "" {
		decided += fmt.Sprintf("; %s, which the user has, does not include it", answer.AuthGroup)
	}
	if c.OldAdapter {
		decided += "; the adapter version is old, so the default role applies"
	}
	p := refusePermission(journey.RoleMissing, decided+fromCache(answer))
	p.stop.Fix = fmt.Sprintf("Assign role %s on application %s to user %s: cockpit → Subscriptions → %s → Roles", role, s.Application(), clip(who.user), s.Application())
	if answer.Cached {
		p.stop.Fix += fmt.Sprintf("; if it is assigned already, wait until the cache ends, %v at most", tenant.RoleCacheLifetime)
	}
	p.traces = []string{fmt.Sprintf("Forbidden. User %q does not have role %q on application %q, which channel %q demands.", clip(who.user), role, s.Application(), c.Address)}
	if answer.ElsewhereOn != nil {
		p.stop.Saw = append(p.stop.Saw, journey.Fact{Name: "role on other applications", Value: strings.Join(answer.ElsewhereOn, ", ")})
	}
	return p
}

// authorizeByTable: subject DN and issuer DN of the certificate must be a row of the channel's
// table [C]. A principal without certificate cannot be [?]. The mapping does not matter here.
func authorizeByTable(who principal, c tenant.Channel, s Lookups) permission {
	if who.certificate == nil {
		p := refusePermission(journey.NoCertificateForTable, fmt.Sprintf(
			"channel %q compares certificates, and user %q came without one", c.Address, clip(who.user)))
		p.traces = []string{fmt.Sprintf("Forbidden. Channel %q compares client certificates, and user %q was recognised without one.", c.Address, clip(who.user))}
		return p
	}
	subject, issuer := pki.FormatDN(who.certificate.subject), pki.FormatDN(who.certificate.issuer)
	if s.InTable(c, who.certificate.subject, who.certificate.issuer) {
		return permit("subject %q and issuer %q are in the table of channel %q", clip(subject), clip(issuer), c.Address)
	}
	p := refusePermission(journey.DNsNotInTable, fmt.Sprintf(
		"subject %q and issuer %q are not among the %d rows of channel %q", clip(subject), clip(issuer), len(c.Authorization.Table), c.Address))
	p.traces = []string{systemlog.NotInTable(subject, issuer)}
	for i, row := range c.Authorization.Table {
		if i == 10 {
			break
		}
		p.stop.Saw = append(p.stop.Saw, journey.Fact{Name: fmt.Sprintf("table row %d", i+1), Value: "subject " + row.Subject + "; issuer " + row.Issuer})
	}
	// What was uploaded is often the certificate of the CA [C].
	for _, row := range c.Authorization.Table {
		if (tenant.DNPair{Subject: row.Subject, Issuer: row.Subject}).Matches(who.certificate.issuer, who.certificate.issuer) {
			p.stop.Decided += "; a row holds the certificate of its CA, which does not help"
			break
		}
	}
	return p
}

// answer is that of a call that the authorization ended: 403, under /cxf without a body [C: a line
// of a real log], elsewhere with a bare page [C: Cloud Foundry, the best stand-in]; or 200 if the
// call fetched a CSRF token.
func (p permission) answer(c tenant.Channel) answer {
	var a answer
	switch {
	case p.stop.Verdict == journey.Answered:
		a = answer{status: http.StatusOK}
	case strings.HasPrefix(c.Address, "/cxf/"):
		a = answer{status: http.StatusForbidden}
	default:
		a = page(http.StatusForbidden)
	}
	a.header = append(a.header, p.header...)
	return a
}
