package simulator

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

// Validate finds everything that is wrong with the landscape: names that nothing has, values out
// of range, addresses that exclude each other. The error is a document.Problems, with positions
// if the landscape was read from a document. A landscape without problems starts, if its address
// is free.
func (l Landscape) Validate() error {
	v := validator{l: l, names: map[string]bool{}}
	v.certificates()
	v.tenant()
	v.loadBalancer()
	v.channels()
	v.people()
	v.senders()
	return v.problems.Err()
}

type validator struct {
	l        Landscape
	problems document.Problems
	names    map[string]bool
	list     []string
}

func (v *validator) fail(path, format string, args ...any) {
	v.problems = append(v.problems, v.l.source.Problem(path, format, args...))
}

func (v *validator) certificates() {
	for _, d := range v.l.PKI {
		if d.Name != "" && !v.names[d.Name] {
			v.names[d.Name] = true
			v.list = append(v.list, d.Name)
		}
	}
	for _, p := range pki.Validate(v.l.PKI) {
		v.fail(fmt.Sprintf("pki[%d].%s", p.Index, p.Field), "%s", p.Message)
	}
}

// certificate checks that the pki section has a certificate of that name.
func (v *validator) certificate(path, name string) {
	if v.names[name] {
		return
	}
	if len(v.list) == 0 {
		v.fail(path, "no certificate is called %q: the pki section is empty, describe one there", name)
		return
	}
	v.fail(path, "no certificate is called %q%s; the pki section has %s", name, document.DidYouMean(name, v.list), enumerate(v.list))
}

func (v *validator) certificateList(path string, names []string) {
	for i, name := range names {
		v.certificate(fmt.Sprintf("%s[%d]", path, i), name)
	}
}

// oneOf checks a value against the words that are known; empty is the default.
func (v *validator) oneOf(path, value string, words ...string) {
	if value != "" && !slices.Contains(words, value) {
		v.fail(path, "found %q, expected one of %s%s", value, strings.Join(words, ", "), document.DidYouMean(value, words))
	}
}

func (v *validator) tenant() {
	t := v.l.Tenant
	v.oneOf("tenant.profile", t.Profile, "iflmap", "hcioem")
	if t.Nodes < 0 || t.Nodes > maxNodes {
		v.fail("tenant.nodes", "found %d, expected 1 to %d", t.Nodes, maxNodes)
	}
	nodes := t.withDefaults().Nodes
	for i, n := range t.NodesDown {
		if n < 1 || n > nodes {
			v.fail(fmt.Sprintf("tenant.nodesDown[%d]", i), "found %d, expected a node from 1 to %d", n, nodes)
		}
	}
	if t.Account != "" && strings.Trim(t.Account, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		v.fail("tenant.account", "found %q, expected lower-case letters and digits such as e100999", t.Account)
	}
	v.host("tenant.host", t.Host)
}

// host checks a host name as far as certificates and log lines need it.
func (v *validator) host(path, name string) {
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if bad || len(name) > 253 || strings.HasPrefix(name, ".") || strings.Contains(name, "..") || strings.HasSuffix(name, ".") {
		v.fail(path, "found %q, expected a host name such as e100999-iflmap.hcisbt.eu1.hana.ondemand.com", name)
	}
}

func (v *validator) loadBalancer() {
	lb := v.l.LoadBalancer
	if lb.Listen != "" {
		if _, _, err := net.SplitHostPort(lb.Listen); err != nil {
			v.fail("loadBalancer.listen", "found %q, expected address:port such as 127.0.0.1:8443", lb.Listen)
		}
	}
	if listen := v.l.Management.Listen; listen != "" {
		if _, _, err := net.SplitHostPort(listen); err != nil {
			v.fail("management.listen", "found %q, expected address:port such as 127.0.0.1:8444", listen)
		}
	}
	if v.l.Management.Downtime < 0 {
		v.fail("management.downtime", "is negative, expected a time such as 2s")
	}
	if n := v.l.Management.PlatformRequests; n < 0 || n > management.MaxPlatformRequests {
		v.fail("management.platformRequests", "found %d, expected how many requests the platform API takes within a minute: 1 to %d, or nothing for 100, which the real one takes", n, management.MaxPlatformRequests)
	}
	if lb.Address != "" {
		if _, err := netip.ParseAddr(lb.Address); err != nil {
			v.fail("loadBalancer.address", "found %q, expected an IP address such as 10.0.0.14", lb.Address)
		}
	}
	if lb.Certificate != "" {
		v.certificate("loadBalancer.certificate", lb.Certificate)
	}
	v.bundle("loadBalancer.trust", lb.Trust)
	v.oneOf("loadBalancer.verification.report", lb.Verification.Report, "first", "last")
	v.oneOf("loadBalancer.verification.numbering", lb.Verification.Numbering, "3", "1.1")
	if n := lb.Verification.Level; n != nil && (*n < 0 || *n > 5) {
		v.fail("loadBalancer.verification.level", "found %d, expected 0 to 5", *n)
	}
	hosts := map[string]bool{strings.ToLower(v.l.Tenant.withDefaults().Host): true}
	for i, d := range lb.Domains {
		path := fmt.Sprintf("loadBalancer.domains[%d]", i)
		if d.Host == "" {
			v.fail(path+".host", "is missing: give the name of the custom domain")
			continue
		}
		v.host(path+".host", d.Host)
		if hosts[strings.ToLower(d.Host)] {
			v.fail(path+".host", "%q is a host of this load balancer already: give each domain a name of its own", d.Host)
		}
		hosts[strings.ToLower(d.Host)] = true
		if d.Certificate != "" {
			v.certificate(path+".certificate", d.Certificate)
		}
		v.oneOf(path+".mode", d.Mode, "request", "require", "none")
		v.bundle(path+".trust", d.Trust)
	}
	for name, limit := range map[string]int64{"handshake": int64(lb.Limits.Handshake), "header": int64(lb.Limits.Header), "headerBytes": int64(lb.Limits.HeaderBytes), "bodyStall": int64(lb.Limits.BodyStall), "call": int64(lb.Limits.Call), "idle": int64(lb.Limits.Idle)} {
		if limit < 0 {
			v.fail("loadBalancer.limits."+name, "is negative, expected more than 0")
		}
	}
}

// bundle checks a trust list.
func (v *validator) bundle(path string, names []string) {
	v.certificateList(path, names)
	if len(names) > loadbalancer.MaxTrust {
		v.fail(path, "has %d certificates, expected at most %d", len(names), loadbalancer.MaxTrust)
	}
}

func (v *validator) channels() {
	v.channelList("channels", v.l.Channels)
	for i, a := range v.l.Artifacts {
		v.channelList(fmt.Sprintf("artifacts[%d].channels", i), a.Channels)
	}
	for i, d := range v.l.Designs {
		v.channel(fmt.Sprintf("designs[%d].channel", i), d.Channel)
	}
	v.mappings()
	v.certificateList("keystore", v.l.Keystore)
	for i, e := range v.l.KeystoreEntries {
		if e.File == "" {
			v.fail(fmt.Sprintf("keystoreEntries[%d].file", i), "is missing: give the file of the certificate")
		}
	}
	// What the tenant itself knows to be wrong; certificates are not minted yet and play no part.
	config, _ := v.l.tenantConfig(nil) // no file is read
	for _, p := range config.Validate() {
		v.fail(documentPath(p.Path), "%s", p.Message)
	}
}

func (v *validator) channelList(path string, list []Channel) {
	for i, c := range list {
		v.channel(fmt.Sprintf("%s[%d]", path, i), c)
	}
}

func (v *validator) channel(path string, c Channel) {
	a := c.Authorization
	if a.UserRole != "" && a.ClientCertificates != nil {
		v.fail(path+".authorization", "has both userRole and clientCertificates, expected one of them")
	}
	for j, row := range a.ClientCertificates {
		rowPath := fmt.Sprintf("%s.authorization.clientCertificates[%d]", path, j)
		switch {
		case row.Certificate != "" && (row.Subject != "" || row.Issuer != ""):
			v.fail(rowPath, "has both certificate and DNs, expected the name of a certificate, or subject and issuer")
		case row.Certificate != "":
			v.certificate(rowPath+".certificate", row.Certificate)
		case row.Subject == "" || row.Issuer == "":
			v.fail(rowPath, "expected the name of a certificate, or subject and issuer")
		}
	}
	if c.MaximumBodySize < 0 {
		v.fail(path+".maximumBodySize", "found %d, expected MB from 1", c.MaximumBodySize)
	}
	if c.CSRFProtected != nil && *c.CSRFProtected && !c.https() {
		v.fail(path+".csrfProtected", "only HTTPS channels (/http/…) can be CSRF-protected: remove it")
	}
}

func (v *validator) mappings() {
	seen := map[string]int{}
	for i, m := range v.l.Mappings {
		path := fmt.Sprintf("mappings[%d]", i)
		switch {
		case m.File == "":
			v.certificate(path+".certificate", m.Certificate)
		case m.Certificate != "":
			v.fail(path+".file", "stands beside certificate, expected one of them")
		}
		if m.User == "" {
			v.fail(path+".user", "is missing: give the user that the certificate stands for")
		}
		if m.File != "" {
			continue
		}
		if j, twice := seen[m.Certificate]; twice {
			v.fail(path+".certificate", "%q is mapped already, to %q by mappings[%d]: one certificate maps to one user", m.Certificate, v.l.Mappings[j].User, j)
			continue
		}
		seen[m.Certificate] = i
	}
}

// documentPath is the place in the document of what the tenant knows under another name.
func documentPath(path string) string {
	if strings.HasPrefix(path, "clients[") {
		return "oauthC" + path[1:]
	}
	return path
}

func (v *validator) people() {
	for i, u := range v.l.Users {
		v.password(fmt.Sprintf("users[%d]", i), u.Password, u.PasswordEnv)
	}
	for i, c := range v.l.Credentials {
		v.password(fmt.Sprintf("credentials[%d]", i), c.Password, c.PasswordEnv)
	}
}

func (v *validator) password(path, password, env string) {
	if env == "" {
		return
	}
	if password != "" {
		v.fail(path+".passwordEnv", "stands beside password, expected one of them")
	}
	if _, ok := os.LookupEnv(env); !ok {
		v.fail(path+".passwordEnv", "the environment variable %s is not set: set it to the password", env)
	}
}

func (v *validator) senders() {
	seen := map[string]bool{}
	var sends []string
	for _, s := range sender.AllSends() {
		sends = append(sends, string(s))
	}
	var users, clients []string
	for _, u := range v.l.Users {
		users = append(users, u.Name)
	}
	for _, c := range v.l.OAuthClients {
		clients = append(clients, c.ID)
	}
	for i, s := range v.l.Senders {
		path := fmt.Sprintf("senders[%d]", i)
		switch {
		case s.Name == "":
			v.fail(path+".name", "is missing: give the sender a name")
		case seen[s.Name]:
			v.fail(path+".name", "another sender is called %q already", s.Name)
		}
		seen[s.Name] = true
		if s.Certificate != "" {
			v.certificate(path+".certificate", s.Certificate)
		} else if s.Sends != "" || len(s.Without) > 0 || s.KeyOf != "" || len(s.Extra) > 0 {
			v.fail(path, "says how to send a certificate, but has none: add certificate")
		}
		v.oneOf(path+".sends", s.Sends, sends...)
		v.certificateList(path+".without", s.Without)
		v.certificateList(path+".extra", s.Extra)
		v.certificateList(path+".trusts", s.Trusts)
		if s.KeyOf != "" {
			v.certificate(path+".keyOf", s.KeyOf)
		}
		v.oneOf(path+".tls", s.TLS, "1.0", "1.1", "1.2", "1.3")
		v.password(path, s.Password, s.PasswordEnv)
		if s.User != "" && s.Password == "" && s.PasswordEnv == "" && !slices.Contains(users, s.User) {
			v.fail(path+".user", "no user is called %q, and no password is given%s: add it to users, or give password", s.User, document.DidYouMean(s.User, users))
		}
		if s.User != "" && s.OAuthClient != "" {
			v.fail(path+".oauthClient", "stands beside user, expected one way to log on")
		}
		if s.OAuthClient != "" && !slices.Contains(clients, s.OAuthClient) {
			v.fail(path+".oauthClient", "no OAuth client is called %q%s", s.OAuthClient, document.DidYouMean(s.OAuthClient, clients))
		}
	}
}

func (c Channel) https() bool {
	return strings.HasPrefix(strings.ToLower(c.Address), "/http/") && (c.Adapter == "" || c.Adapter == string(tenant.HTTPS))
}

// enumerate lists names, the first dozen of many.
func enumerate(names []string) string {
	if len(names) > 12 {
		return strings.Join(names[:12], ", ") + fmt.Sprintf(" and %d more", len(names)-12)
	}
	return strings.Join(names, ", ")
}
