package tenant

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxName bounds names of users, groups, roles and the like, in bytes. [?] A choice.
const maxName = 1024

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Path names the place: "channels[1].address".
	Path string
	// Message says what was found, what was expected and, where it is known, what to do.
	Message string
}

func (p Problem) String() string { return p.Path + ": " + p.Message }

// ProblemsError is the error of a configuration that was not accepted.
type ProblemsError struct{ Problems []Problem }

func (e *ProblemsError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return "the tenant's configuration is not accepted: " + strings.Join(lines, "\n")
}

// Problems returns the problems in an error of New, Update or Deploy; nil if there are none.
func Problems(err error) []Problem {
	if e, ok := errors.AsType[*ProblemsError](err); ok {
		return e.Problems
	}
	return nil
}

// Validate says everything that is wrong with the configuration, in its order. A configuration
// without problems is accepted by New.
func (c Config) Validate() []Problem {
	v := &validation{}
	given := c.Application != ""
	c = c.withDefaults()
	v.word("account", c.Account)
	if given {
		v.word("application", c.Application)
	}
	v.mappings(c)
	v.people(c)
	v.roles(c)
	v.channels(c)
	v.content(c)
	seen := make(map[string]int)
	for i, e := range c.Keystore {
		at := fmt.Sprintf("keystore[%d].alias", i)
		v.name(at, e.Alias)
		v.unique(at, strings.ToLower(e.Alias), "keystore", seen, i)
	}
	return v.problems
}

type validation struct{ problems []Problem }

func (v *validation) add(path, format string, arguments ...any) {
	v.problems = append(v.problems, Problem{Path: path, Message: fmt.Sprintf(format, arguments...)})
}

// err is the error of what was found, if anything was.
func (v *validation) err() error {
	if len(v.problems) > 0 {
		return &ProblemsError{Problems: v.problems}
	}
	return nil
}

// plainName tells quickly whether a name is one of those that are always right.
func plainName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// name checks a name that ends up in logs and headers.
func (v *validation) name(path, name string) bool {
	switch {
	case strings.TrimSpace(name) == "":
		v.add(path, "found nothing, expected a name")
	case len(name) > maxName:
		v.add(path, "is %d bytes long, expected %d at most", len(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		v.add(path, "%q holds control characters or is not UTF-8", name)
	default:
		return true
	}
	return false
}

// word checks a technical name: letters, digits, "-", "_" and ".".
func (v *validation) word(path, name string) {
	bad := func(r rune) bool { return !addressLetter(r) || r == '/' || r == '~' || r == '$' }
	if v.name(path, name) && strings.ContainsFunc(name, bad) {
		v.add(path, "found %q, expected letters, digits, -, _ and . only", name)
	}
}

func (v *validation) unique(path, key, list string, seen map[string]int, i int) {
	if j, ok := seen[key]; ok {
		v.add(path, "stands already in %s[%d]", list, j)
		return
	}
	seen[key] = i
}

func (v *validation) mappings(c Config) {
	var total int64
	seen := make(map[string]int, len(c.Mappings))
	for i, m := range c.Mappings {
		total += int64(len(m.Certificate))
		if !v.mapping(i, m) {
			continue
		}
		id := MappingID(m.Certificate)
		first, twice := seen[id]
		if !twice {
			seen[id] = i
			continue
		}
		other := c.Mappings[first]
		at := fmt.Sprintf("mappings[%d].certificate", i)
		switch {
		case !bytes.Equal(other.Certificate, m.Certificate):
			v.sameID(i, id)
		case other.User == m.User:
			v.add(at, "is mapped to user %q in mappings[%d] already; remove one of them", m.User, first)
		default:
			v.add(at, "is mapped to user %q in mappings[%d] already and cannot also be user %q: one certificate maps to one user", other.User, first, m.User)
		}
	}
	v.mappingStore(total, c.MappingStore)
}

// mapping checks a mapping alone and tells whether its certificate is one.
func (v *validation) mapping(i int, m Mapping) bool {
	if !plainName(m.User) {
		v.name(fmt.Sprintf("mappings[%d].user", i), m.User)
	}
	what := checkDER(m.Certificate)
	if what != "" {
		v.add(fmt.Sprintf("mappings[%d].certificate", i), "%s", what)
	}
	return what == ""
}

// sameID: somebody made two certificates with the same MD5.
func (v *validation) sameID(i int, id string) {
	v.add(fmt.Sprintf("mappings[%d].certificate", i), "has the id %s of another certificate that is mapped; remove that one, or map a renewed one", id)
}

func (v *validation) mappingStore(total, limit int64) {
	if limit > 0 && total > limit {
		v.add("mappings", "the certificates take %d bytes, and the mapping store holds %d; remove mappings that are no longer used", total, limit)
	}
}

// checkDER finds what is often uploaded in place of a certificate. It looks at the outermost
// structure only: a mapping compares bytes, and what a certificate says is not its concern.
func checkDER(der []byte) string {
	if len(der) == 0 {
		return "found nothing, expected a certificate"
	}
	if strings.HasPrefix(string(der), "-----BEGIN") {
		return "found PEM text, expected the DER bytes of a certificate"
	}
	in := cryptobyte.String(der)
	var body cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() {
		return "is not the DER of a certificate"
	}
	return ""
}

func (v *validation) people(c Config) {
	seen := make(map[string]int)
	for i, u := range c.Users {
		at := fmt.Sprintf("users[%d].name", i)
		if v.name(at, u.Name) && strings.Contains(u.Name, ":") {
			v.add(at, "found a colon in %q, which Basic credentials cannot carry", u.Name)
		}
		v.unique(at, u.Name, "users", seen, i)
	}
	clear(seen)
	for i, cr := range c.Credentials {
		at := fmt.Sprintf("credentials[%d].name", i)
		v.name(at, cr.Name)
		v.unique(at, cr.Name, "credentials", seen, i)
	}
	clear(seen)
	for i, cl := range c.Clients {
		at := fmt.Sprintf("clients[%d]", i)
		v.word(at+".id", cl.ID)
		v.unique(at+".id", cl.ID, "clients", seen, i)
		if cl.Secret == "" {
			v.add(at+".secret", "found none, expected one: anybody could fetch tokens")
		}
		for j, scope := range cl.Scopes {
			if !slices.Contains(Scopes(), scope) {
				v.add(fmt.Sprintf("%s.scopes[%d]", at, j), "found %q, expected one of %s", scope, strings.Join(Scopes(), ", "))
			}
		}
	}
}

func (v *validation) roles(c Config) {
	seen := make(map[string]int, len(c.Groups))
	for i, g := range c.Groups {
		at := fmt.Sprintf("groups[%d]", i)
		v.name(at+".name", g.Name)
		v.unique(at+".name", strings.ToLower(g.Name), "groups", seen, i)
		for j, u := range g.Users {
			v.name(fmt.Sprintf("%s.users[%d]", at, j), u)
		}
	}
	known := func(group string) bool {
		_, ok := seen[strings.ToLower(group)]
		return ok
	}
	for i, a := range c.Roles {
		v.assignment(i, a, known)
	}
}

// assignment checks a role assignment; known tells whether there is a group of that name.
func (v *validation) assignment(i int, a Assignment, known func(group string) bool) {
	at := fmt.Sprintf("roles[%d]", i)
	switch {
	case a.User == "" && a.Group == "":
		v.add(at, "found neither user nor group, expected one of them")
	case a.User != "" && a.Group != "":
		v.add(at, "found user %q and group %q, expected only one of them", a.User, a.Group)
	case a.Group != "":
		if !known(a.Group) {
			v.add(at+".group", "there is no group %q; define it under groups", a.Group)
		}
	default:
		v.name(at+".user", a.User)
	}
	v.name(at+".role", a.Role)
	if a.Application != "" {
		v.word(at+".application", a.Application)
	}
}

func (v *validation) channels(c Config) {
	report := func(i int, field, format string, arguments ...any) {
		v.add(fmt.Sprintf("channels[%d].%s", i, field), format, arguments...)
	}
	for i, ch := range c.Channels {
		if ch.Adapter != "" && !slices.Contains(Adapters(), ch.Adapter) {
			report(i, "adapter", "found %q, expected one of %s", ch.Adapter, list(Adapters()))
		}
		if what := checkAddress(ch.Address, ch.Adapter); what != "" {
			report(i, "address", "%s", what)
		}
		if ch.Answer != "" && !slices.Contains(Answers(), ch.Answer) {
			report(i, "answer", "found %q, expected one of %s", ch.Answer, list(Answers()))
		}
		if ch.Flow != "" {
			v.name(fmt.Sprintf("channels[%d].flow", i), ch.Flow)
		}
		if ch.MaximumBodySize < 0 {
			report(i, "maximumBodySize", "found %d, expected bytes, or 0 for 40 MB", ch.MaximumBodySize)
		}
		if ch.CSRFProtected && ch.withDefaults().Adapter != HTTPS {
			report(i, "csrfProtected", "is a setting of HTTPS channels only, and %q is none", ch.Address)
		}
		v.authorization(i, ch)
	}
	checkAddresses(c.Channels, func(i int, field, message string) { report(i, field, "%s", message) })
}

func (v *validation) authorization(i int, ch Channel) {
	at := fmt.Sprintf("channels[%d].authorization", i)
	a := ch.Authorization
	if a.UserRole != "" {
		v.name(at+".userRole", a.UserRole)
		switch {
		case a.ClientCertificate():
			v.add(at, "found userRole and table, expected only one of them")
		case ch.OldAdapter && a.UserRole != DefaultRole:
			v.add(at+".userRole", "found %q, but an old adapter version offers no role entry: the default role %s applies", a.UserRole, DefaultRole)
		}
	}
	for j, pair := range a.Table {
		if _, err := pair.key(); err != nil {
			v.add(fmt.Sprintf("%s.table[%d]", at, j), "%v", err)
		} else if pair.Subject == "" && pair.Issuer == "" {
			v.add(fmt.Sprintf("%s.table[%d]", at, j), "found neither subject nor issuer, expected both DNs of the sender's certificate")
		}
	}
}

func list[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
