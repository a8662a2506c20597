package reproduction

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// What is used where the evidence does not tell.
const (
	callerName = "caller"
	// rootName and issuingName are those of the vocabulary for the CA of a scenario's senders, so that
	// none is added to the landscape.
	rootName       = "example-root"
	issuingName    = "example-issuing"
	defaultUser    = "CALLER"
	defaultPath    = "/http/orders"
	defaultSubject = "CN=caller.example, O=Example, C=DE"
	defaultIssuer  = "CN=Example Issuing CA, O=Example, C=DE"
	defaultRoot    = "CN=Example Root CA, O=Example, C=DE"
	strangerRoot   = "stranger-root"
	inventedWord   = "opensesame" // a password; it protects nothing
	oauthPrefix    = "oauth_client_"
)

// call is the call of a scenario.
type call struct {
	path, host string
	// ways follow the path, see the vocabulary.
	ways []string
}

// draft is a reproduction that is being made: two good landscapes at first, of which a recipe breaks
// one, and sometimes changes both.
type draft struct {
	known  Known
	recipe recipe

	broken, mended simulator.Landscape
	// path is that of the channel; user the one to which the caller's certificate is mapped.
	path, user string
	call       call
	mendedCall call
	// before are steps between the caller and its call, and after those that end the mended scenario.
	before, mendedBefore []string
	// instead takes the place of the failing call and what is said of it.
	instead []string
	// said are steps that say more of the outcome.
	said     []string
	invented []string
	none     map[string][]string
	domain   string
}

func (d *draft) invent(format string, args ...any) {
	d.invented = append(d.invented, fmt.Sprintf(format, args...))
}

// both changes both landscapes.
func (d *draft) both(change func(l *simulator.Landscape)) {
	change(&d.broken)
	change(&d.mended)
}

func newDraft(k Known, r recipe) *draft {
	d := &draft{known: k, recipe: r}
	d.none = map[string][]string{}
	d.place()
	d.broken = d.good()
	d.none = map[string][]string{}
	d.mended = d.good()
	d.mendedCall = d.call
	return d
}

// tenantHost is a default host: <account>-<application>.…hana.ondemand.com [C].
var tenantHost = regexp.MustCompile(`^([a-z0-9]{1,63})-(iflmap|hcioem)\.[a-z0-9.-]{1,180}\.ondemand\.com$`)

// place works out what is called, and as whom.
func (d *draft) place() {
	d.usable()
	k := &d.known
	d.path = k.Path
	if d.path == "" {
		d.path = or(d.recipe.path, defaultPath)
		if k.Evidence {
			d.invent("The path %s: the evidence tells none that a channel can serve.", d.path)
		}
	}
	d.user = defaultUser
	if _, _, certificate := k.certificateUser(); k.User != "" && !certificate {
		if nameOK(k.User) {
			d.user = k.User
		} else {
			d.invent("The user: that of the evidence cannot be one.")
		}
	}
	if host := strings.ToLower(k.Host); host != "" && !strings.HasSuffix(host, ".ondemand.com") {
		d.domain = host
	} else if d.recipe.domain && host == "" {
		d.domain = "orders.example"
	}
	d.call = call{path: d.path, host: d.domain}
	if m := knownMethod(or(k.Method, http.MethodPost)); m != http.MethodPost {
		d.call.ways = append(d.call.ways, fmt.Sprintf("with the method %q", m))
	}
}

// usable drops what no landscape can hold: whatever callers sent stands in logs.
func (d *draft) usable() {
	k := &d.known
	address := k.Path
	if d.recipe.address != nil && address != "" {
		address = d.recipe.address(address)
	}
	if k.Path != "" && (!addressOK(address) || !printable(k.Path) || !strings.HasPrefix(k.Path, "/") || strings.Contains(k.Path, "//")) {
		k.Path = ""
	}
	if k.Channel != nil && !addressOK(k.Channel.Address) {
		k.Channel = nil
	}
	if k.Channel != nil && k.Channel.Role != "" && !nameOK(k.Channel.Role) {
		k.Channel.Role = ""
	}
	if k.Host != "" && (simulator.Landscape{Tenant: simulator.Tenant{Host: k.Host}}).Validate() != nil {
		d.invent("The host: that of the evidence cannot be one.")
		k.Host = ""
	}
	var roles []diagnosis.AssignedRole
	for _, r := range k.Roles {
		if nameOK(r.Role) && (r.Application == "" || tenantWord.MatchString(r.Application)) {
			roles = append(roles, r)
		}
	}
	k.Roles = roles
	if len(pki.Validate(d.certificates())) > 0 && k.Chain != nil {
		d.invent("The certificates of the chain: such ones cannot be minted. Only the names are taken over.")
		k.Subject, k.Chain = or(k.Subject, k.Chain[0].Subject), nil
	}
	if len(pki.Validate(d.certificates())) > 0 {
		d.invent("The names in the certificates: those of the evidence cannot be minted.")
		k.Subject, k.Issuer = "", ""
	}
	d.none = map[string][]string{}
}

// tenantWord is an application's name.
var tenantWord = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)

// nameOK tells whether a user or role can have the name.
func nameOK(name string) bool { return printable(name) && len(name) <= 1000 }

func addressOK(address string) bool {
	return printable(address) && len(tenant.Config{Channels: []tenant.Channel{{Address: address}}}.Validate()) == 0
}

// good is a landscape in which the caller is let in.
func (d *draft) good() simulator.Landscape {
	k := d.known
	l := simulator.Landscape{PKI: d.certificates()}
	if !k.At.IsZero() {
		l.Clock = k.At.UTC()
	}
	if host := strings.ToLower(k.Host); d.domain == "" && host != "" {
		l.Tenant.Host = host
		if m := tenantHost.FindStringSubmatch(host); m != nil {
			l.Tenant.Account = m[1]
			if m[2] != simulator.DefaultProfile {
				l.Tenant.Profile = m[2]
			}
		}
	}
	l.LoadBalancer.Address = k.LoadBalancer
	l.LoadBalancer.Trust = []string{rootName}
	if d.domain != "" {
		l.LoadBalancer.Domains = []simulator.Domain{{Host: d.domain, Trust: []string{rootName}}}
	}
	l.Channels = []simulator.Channel{d.channel()}
	role := l.Channels[0].Authorization.UserRole
	if l.Channels[0].OldAdapter || role == "" {
		role = tenant.DefaultRole
	}
	if client, ok := strings.CutPrefix(k.User, oauthPrefix); ok && d.recipe.principal == user && tenantWord.MatchString(client) {
		l.OAuthClients = []simulator.OAuthClient{{ID: client, Secret: inventedWord}}
		l.Senders = []simulator.Sender{{Name: callerName, OAuthClient: client}}
	} else {
		l.Senders = []simulator.Sender{{Name: callerName, Certificate: callerName}}
		l.Mappings = []simulator.Mapping{{Certificate: callerName, User: d.user}}
	}
	l.Roles = []simulator.Role{{User: d.user, Role: role}}
	return l
}

// channel is the one that serves the path.
func (d *draft) channel() simulator.Channel {
	off := false
	c := simulator.Channel{Address: d.path}
	if d.recipe.address != nil {
		c.Address = d.recipe.address(d.path)
	}
	if have := d.known.Channel; have != nil && d.known.Path != "" {
		if d.recipe.address == nil {
			c.Address = have.Address
		}
		c.Adapter, c.OldAdapter, c.Authorization.UserRole = have.Adapter, have.OldAdapter, have.Role
	}
	if strings.HasPrefix(strings.ToLower(c.Address), "/http/") {
		c.CSRFProtected = &off
	}
	return c
}

// certificates describes the caller's certificate and the CAs above it.
func (d *draft) certificates() []pki.Description {
	chain := d.known.Chain
	if len(chain) == 0 {
		issuer, root := or(d.known.Issuer, defaultIssuer), defaultRoot
		if issuer == root {
			root = "CN=Example Root CA 2, O=Example, C=DE"
		}
		return []pki.Description{
			{Name: rootName, Subject: root, CA: true},
			{Name: issuingName, Subject: issuer, Issuer: rootName, CA: true},
			{Name: callerName, Subject: or(d.known.Subject, defaultSubject), Issuer: issuingName},
		}
	}
	var out []pki.Description
	add := func(one pki.Description) { out = append([]pki.Description{one}, out...) }
	cas := caNames(chain)
	for i, c := range chain {
		name := callerName
		if i > 0 {
			name = cas[i-1]
		}
		issuer := ""
		if i < len(cas) {
			issuer = cas[i]
		}
		add(c.description(name, issuer, i > 0))
		if i == 0 && c.KeyUsage == nil {
			d.none[name] = append(d.none[name], "keyUsage")
		}
		if i == 0 && c.Usage == nil {
			d.none[name] = append(d.none[name], "usage")
		}
	}
	top := chain[len(chain)-1]
	for i := len(chain) - 1; i < len(cas); i++ {
		// What is above the last certificate, and not in the evidence.
		one := pki.Description{Name: cas[i], Subject: defaultRoot, CA: true}
		if i == len(chain)-1 {
			one.Subject = top.Issuer
		}
		if i+1 < len(cas) {
			one.Issuer = cas[i+1]
		}
		add(one)
	}
	return out
}

// caNames are the names of the CAs above the caller, upward. Of a certificate alone the issuer is an
// intermediate as far as anybody can tell, unless it is on the published lists of roots.
func caNames(chain []Described) []string {
	top := chain[len(chain)-1]
	intermediates := len(chain) - 1
	switch {
	case top.SelfSigned:
		intermediates--
	case len(chain) == 1 && !top.ListedRoot:
		intermediates = 1
	}
	var names []string
	for i := range intermediates {
		name := issuingName
		if i > 0 {
			name = fmt.Sprintf("%s-%d", issuingName, i+1)
		}
		names = append(names, name)
	}
	return append(names, rootName)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// trust sets the trust list of the host that is called.
func (d *draft) trust(l *simulator.Landscape, names ...string) {
	if d.domain != "" {
		l.LoadBalancer.Domains[0].Trust = names
		return
	}
	l.LoadBalancer.Trust = names
}

// stranger adds a root that has nothing to do with the caller.
func stranger(l *simulator.Landscape) {
	l.PKI = append(l.PKI, pki.Description{Name: strangerRoot, Subject: "CN=Stranger Root CA, O=Stranger, C=DE", CA: true})
}

// entry is an entry of the pki section.
func entry(l *simulator.Landscape, name string) *pki.Description {
	for i := range l.PKI {
		if l.PKI[i].Name == name {
			return &l.PKI[i]
		}
	}
	return &pki.Description{}
}

// principal is what the user column of the failing call shows.
func (d *draft) principal() string {
	switch {
	case d.known.Logged:
		return or(d.known.User, "-")
	case d.recipe.principal == nobody:
		return "-"
	case d.recipe.principal == certificate:
		leaf := entry(&d.broken, callerName)
		return commonName(leaf.Subject) + "@" + commonName(entry(&d.broken, leaf.Issuer).Subject)
	}
	return d.user
}

// asItCame lets the principal of the evidence reach the endpoint: a certificate that is not mapped
// passes only a channel that compares certificates.
func (d *draft) asItCame() {
	if _, _, ok := d.known.certificateUser(); !ok {
		return
	}
	d.both(func(l *simulator.Landscape) {
		l.Mappings = nil
		l.Channels[0].Authorization = simulator.Authorization{ClientCertificates: []simulator.TableRow{{Certificate: callerName}}}
	})
	d.invent("The channel compares certificates: only so does a call get past it whose certificate is not mapped.")
}

// code is the verify result that is shown; 0 if none is.
func (d *draft) code() int {
	if d.known.Code != 0 {
		return d.known.Code
	}
	if d.known.Logged {
		return 0
	}
	return d.recipe.code
}

// status is the HTTP status that is shown; 0 if no answer came.
func (d *draft) status() int {
	if d.known.Status != 0 {
		return d.known.Status
	}
	return d.recipe.status
}

// station and reason are what the landscape's record of the call says.
func (d *draft) reason() (journey.Station, journey.Reason) {
	reason := d.known.Cause.Reason
	if d.recipe.reason != "" {
		reason = d.recipe.reason
	}
	if about, ok := reason.About(); ok {
		return about.Station, reason
	}
	return d.known.Cause.Station, reason
}
