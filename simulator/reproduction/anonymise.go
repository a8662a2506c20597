package reproduction

import (
	"fmt"
	"net/netip"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// Anonymise replaces every name of the evidence: those in DNs, users, hosts, paths, roles and
// addresses. The same name becomes the same one wherever it stands, so that what belonged together
// still does. Names that everybody has stay: ESBMessaging.send, the prefixes of paths, the domain of
// the tenant hosts. Times, statuses, usages and types of keys are no names and stay too.
func Anonymise(k Known) Known {
	a := &anonymiser{names: map[string]string{}, counts: map[string]int{}}
	k.Subject, k.Issuer = a.dn(k.Subject), a.dn(k.Issuer)
	chain := make([]Described, len(k.Chain))
	for i, c := range k.Chain {
		c.Subject, c.Issuer = a.dn(c.Subject), a.dn(c.Issuer)
		c.DNS, c.IP = each(c.DNS, a.host), numbered(c.IP, "192.0.2.%d")
		c.Email = each(c.Email, a.mail)
		c.URI = numbered(c.URI, "https://host-%d.example/")
		c.Usage = each(c.Usage, a.usage)
		chain[i] = c
	}
	if k.Chain != nil {
		k.Chain = chain
	}
	k.User = a.user(k)
	k.Host, k.Path, k.Method = a.host(k.Host), a.path(k.Path), a.method(k.Method)
	k.LoadBalancer = address(k.LoadBalancer)
	texts := make([]string, len(k.Texts))
	for i, t := range k.Texts {
		texts[i] = a.text(t)
	}
	k.Texts = texts
	if c := k.Channel; c != nil {
		changed := *c
		changed.Address, changed.Role = a.path(c.Address), a.role(c.Role)
		if c.Table != nil {
			changed.Table = make([]tenant.DNPair, len(c.Table))
			for i, row := range c.Table {
				changed.Table[i] = tenant.DNPair{Subject: a.dn(row.Subject), Issuer: a.dn(row.Issuer)}
			}
		}
		k.Channel = &changed
	}
	roles := make([]diagnosis.AssignedRole, len(k.Roles))
	for i, r := range k.Roles {
		roles[i] = diagnosis.AssignedRole{User: k.User, Role: a.role(r.Role), Application: a.application(r.Application)}
	}
	k.Roles = roles
	return k
}

// anonymiser gives names away.
type anonymiser struct {
	names  map[string]string
	counts map[string]int
}

// name is the new name for an old one; shape has a place for a number.
func (a *anonymiser) name(old, shape string) string {
	if old == "" {
		return ""
	}
	if known, ok := a.names[old]; ok {
		return known
	}
	a.counts[shape]++
	fresh := fmt.Sprintf(shape, a.counts[shape])
	if strings.EqualFold(fresh, strings.TrimSpace(old)) {
		a.counts[shape]++
		fresh = fmt.Sprintf(shape, a.counts[shape])
	}
	if strings.HasSuffix(old, " ") {
		fresh += " " // it is what is wrong with some names
	}
	a.names[old] = fresh
	return fresh
}

// each replaces all of a list; a list that is nil stays so.
func each(list []string, replace func(string) string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = replace(s)
	}
	return out
}

func numbered(list []string, shape string) []string {
	n := 0
	return each(list, func(string) string { n++; return fmt.Sprintf(shape, n) })
}

// The attributes of DNs that have a shape of their own; all others are texts.
const (
	countryType = "2.5.4.6"
	domainType  = "0.9.2342.19200300.100.1.25"
	mailType    = "1.2.840.113549.1.9.1"
	cnType      = "2.5.4.3"
)

var shapes = map[string]string{cnType: "name-%d", "2.5.4.10": "Organisation %d", "2.5.4.11": "Unit %d", "2.5.4.7": "City %d", "2.5.4.8": "State %d"}

// dn replaces the values of a DN. One that cannot be read is dropped.
func (a *anonymiser) dn(dn string) string {
	if dn == "" {
		return ""
	}
	parsed, err := pki.ParseDN(dn)
	if err != nil {
		return ""
	}
	for i := range parsed {
		for j := range parsed[i] {
			parsed[i][j] = a.attribute(parsed[i][j])
		}
	}
	return parsed.String()
}

func (a *anonymiser) attribute(at pki.Attribute) pki.Attribute {
	if at.Raw != nil {
		// The DER of something that is no text: a text takes its place.
		return pki.Attribute{Type: at.Type, Value: a.name(string(at.Raw), "value-%d")}
	}
	switch at.Type {
	case countryType:
		// AA, and XA to XZ, are for everybody's own use (ISO 3166-1).
		at.Value = a.country(at.Value)
	case mailType:
		at.Value = a.mail(at.Value)
	case domainType:
		at.Value = a.name(at.Value, "domain%d")
	default:
		shape, ok := shapes[at.Type]
		if !ok {
			shape = "value-%d"
		}
		if at.Type == cnType && strings.Contains(at.Value, ".") && !strings.Contains(strings.TrimSpace(at.Value), " ") {
			shape = "host-%d.example"
		}
		at.Value = a.name(at.Value, shape)
	}
	return at
}

// country gives a code that is for everybody's own use: XA to XZ (ISO 3166-1).
func (a *anonymiser) country(old string) string {
	key := "C=" + old
	if _, known := a.names[key]; !known {
		code := "X" + string(rune('A'+a.counts["country"]%26))
		a.counts["country"]++
		if code == old {
			return a.country(old)
		}
		a.names[key] = code
	}
	return a.names[key]
}

func (a *anonymiser) mail(s string) string { return a.name(s, "mail-%d@mail.example") }

// user replaces the user column.
func (a *anonymiser) user(k Known) string {
	if k.User == "" {
		return ""
	}
	if cn, issuer, ok := k.certificateUser(); ok {
		return a.name(cn, "name-%d") + "@" + a.name(issuer, "name-%d")
	}
	if client, ok := strings.CutPrefix(k.User, oauthPrefix); ok {
		return oauthPrefix + a.name(client, "client%d")
	}
	if strings.Contains(k.User, "@") {
		return a.mail(k.User)
	}
	return a.name(k.User, "USER%d")
}

// host replaces a host. What makes a default host of the tenant stays: its application.
func (a *anonymiser) host(host string) string {
	if host == "" {
		return ""
	}
	if m := tenantHost.FindStringSubmatch(strings.ToLower(host)); m != nil {
		return a.name(m[1], "a%06d") + "-" + m[2] + ".hcisbt.eu1.hana.ondemand.com"
	}
	if strings.HasSuffix(strings.ToLower(host), ".ondemand.com") {
		return a.name(host, "tenant-%d.hana.ondemand.com")
	}
	if strings.HasPrefix(host, "*.") {
		return "*." + a.name(host, "domain-%d.example")
	}
	return a.name(host, "host-%d.example")
}

// path replaces the segments behind the prefix of a path.
func (a *anonymiser) path(path string) string {
	if path == "" {
		return ""
	}
	prefix, rest := splitPath(path)
	parts := strings.Split(rest, "/")
	for i, p := range parts {
		if p != "*" && p != "" {
			parts[i] = a.segment(p)
		}
	}
	return prefix + strings.Join(parts, "/")
}

// segment keeps whether a segment begins in upper case, since that can be what is wrong.
func (a *anonymiser) segment(s string) string {
	lower := a.name("/"+strings.ToLower(s), "path-%d")
	if s != strings.ToLower(s) {
		return strings.ToUpper(lower[:1]) + lower[1:]
	}
	return lower
}

func (a *anonymiser) method(m string) string {
	if m == "" {
		return ""
	}
	return knownMethod(m)
}

// role replaces a role, unless everybody has it [C].
func (a *anonymiser) role(role string) string {
	if role == "" || role == tenant.DefaultRole || strings.HasPrefix(role, "AuthGroup.") && contains(standardGroups, role) {
		return role
	}
	return a.name(role, "Role%d.send")
}

// standardGroups are the persona groups of the product [C: CI].
var standardGroups = []string{"AuthGroup.Administrator", "AuthGroup.IntegrationDeveloper", "AuthGroup.BusinessExpert", "AuthGroup.ReadOnly", "AuthGroup.SystemDeveloper"}

func (a *anonymiser) application(name string) string {
	if name == "" || name == "provision" {
		return name
	}
	return a.name(name, "application%d")
}

// usage keeps the names of usages, and the OIDs that are not a company's own.
func (a *anonymiser) usage(u string) string {
	if strings.HasPrefix(u, "1.3.6.1.4.1.") && !strings.HasPrefix(u, "1.3.6.1.4.1.311.") {
		a.counts["usage"]++
		return fmt.Sprintf("2.25.%d", a.counts["usage"])
	}
	return u
}

// address replaces an address in the network by one that is nobody's.
func address(s string) string {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return ""
	case a.Is6() && !a.Is4In6():
		return "2001:db8::e"
	}
	return "192.0.2.14"
}

// text replaces the names in a trace text of confirmed wording.
func (a *anonymiser) text(text string) string {
	if dn, ok := systemlog.ParseCertificateReceived(text); ok {
		return systemlog.CertificateReceived(a.traced(dn))
	}
	if subject, issuer, ok := systemlog.ParseNotInTable(text); ok {
		return systemlog.NotInTable(a.dn(subject), a.dn(issuer))
	}
	return text
}

// traced replaces a DN in the order of the trace.
func (a *anonymiser) traced(dn string) string {
	parsed, err := pki.ParseDN(a.dn(fromTrace(dn)))
	if err != nil {
		return ""
	}
	return parsed.Trace()
}
