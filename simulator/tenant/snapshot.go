package tenant

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"
)

// Snapshot is what was configured at one moment. It never changes and is safe for use by many
// goroutines without locks; a call reads one snapshot from beginning to end. A lookup costs the
// same however much is configured.
type Snapshot struct {
	account     string
	application string

	mapped      map[[sha256.Size]byte]string
	mappedUsers map[string]struct{}
	passwords   map[string]password
	credentials map[string]struct{}
	clients     map[string]tokenKey
	people      *people
	routes      *routes
	restarting  map[string]time.Time
}

// password is kept as a hash only so that comparing takes the same time for all.
type password struct {
	hash   [sha256.Size]byte
	usable bool
}

// newSnapshot builds the snapshot of a configuration that is valid and has its defaults. Nothing
// in it is shared with the configuration that could change, except strings.
func newSnapshot(c Config, tokens [sha256.Size]byte, running []deployment) *Snapshot {
	s := &Snapshot{
		account:     c.Account,
		application: c.Application,
		mapped:      make(map[[sha256.Size]byte]string, len(c.Mappings)),
		mappedUsers: make(map[string]struct{}, len(c.Mappings)),
		passwords:   make(map[string]password, len(c.Users)),
		credentials: make(map[string]struct{}, len(c.Credentials)),
		clients:     make(map[string]tokenKey, len(c.Clients)),
		people:      newPeople(c),
	}
	for _, m := range c.Mappings {
		s.mapped[sha256.Sum256(m.Certificate)] = m.User
		s.mappedUsers[m.User] = struct{}{}
	}
	for _, u := range c.Users {
		s.passwords[u.Name] = password{sha256.Sum256([]byte(u.Password)), u.Password != ""}
	}
	for _, cr := range c.Credentials {
		s.credentials[cr.Name] = struct{}{}
		if cr.User != "" {
			s.credentials[cr.User] = struct{}{}
		}
	}
	for _, cl := range c.Clients {
		s.clients[cl.ID] = newTokenKey(tokens, cl)
	}
	return s.withChannels(c.Channels, running)
}

// withChannels is the same snapshot with other channels.
func (s *Snapshot) withChannels(channels []Channel, running []deployment) *Snapshot {
	out := *s
	out.routes = newRoutes(channels)
	out.restarting = make(map[string]time.Time, len(running))
	for _, d := range running {
		out.restarting[d.address] = d.until
	}
	return &out
}

// Account is the technical name of the subaccount.
func (s *Snapshot) Account() string { return s.account }

// Application is the application of the worker node, on which sending roles count.
func (s *Snapshot) Application() string { return s.application }

// Mapped returns the user that a certificate, given as its DER, is mapped to. The whole
// certificate is compared, not its names or its key [C].
func (s *Snapshot) Mapped(der []byte) (user string, ok bool) {
	user, ok = s.mapped[sha256.Sum256(der)]
	return user, ok
}

// MappedUser tells whether any certificate is mapped to the user.
func (s *Snapshot) MappedUser(name string) bool {
	_, ok := s.mappedUsers[name]
	return ok
}

// PasswordVerdict is what a tenant says of a user name and a password.
type PasswordVerdict int

const (
	// UnknownUser: nobody has that name.
	UnknownUser PasswordVerdict = iota
	// Right: it is the password of this user of the identity provider.
	Right
	// Wrong: the identity provider has the user, and the password is another.
	Wrong
	// MappingOnly: certificates are mapped to the user, but the identity provider has none of
	// that name [C: no logon].
	MappingOnly
	// CredentialOnly: the name is only that of a deployed User Credentials artifact, or of the
	// user in one [C: no logon].
	CredentialOnly
)

// String is the verdict in words.
func (v PasswordVerdict) String() string {
	switch v {
	case Right:
		return "right password"
	case Wrong:
		return "wrong password"
	case MappingOnly:
		return "user of the certificate-to-user mapping only"
	case CredentialOnly:
		return "user of a deployed User Credentials artifact only"
	}
	return "unknown user"
}

// Password checks a user name and a password. How long comparing takes tells nothing about the
// password. The verdicts are for the record of the call; a caller is told nothing but 401.
func (s *Snapshot) Password(name, given string) PasswordVerdict {
	if p, known := s.passwords[name]; known {
		hash := sha256.Sum256([]byte(given))
		if subtle.ConstantTimeCompare(hash[:], p.hash[:]) == 1 && p.usable {
			return Right
		}
		return Wrong
	}
	if s.MappedUser(name) {
		return MappingOnly
	}
	if _, ok := s.credentials[name]; ok {
		return CredentialOnly
	}
	return UnknownUser
}

// Token checks a bearer token and returns the OAuth client that it was issued to. A token ends at
// its time, when its client is removed, and when the client's secret changes.
func (s *Snapshot) Token(token string, now time.Time) (clientID string, ok bool) {
	t, ok := parseToken(token)
	if !ok {
		return "", false
	}
	key, known := s.clients[t.client]
	if !known || !t.signedWith(key) || !now.Before(t.expires) {
		return "", false
	}
	return t.client, true
}

// Role tells whether the user has the role on the worker node's application; roles on other
// applications have no effect [C]. Role names are compared exactly.
func (s *Snapshot) Role(user, role string) RoleAnswer { return s.people.answer(user, role) }

// Route finds the channel that serves a request path, given as on the wire and without query.
//
//   - /http: the address, without regard to case; "/path/*" serves /path and everything below
//     it; the longest wins [C].
//   - /cxf and the others: the address and everything below it, segment by segment; the longest
//     wins [C for /cxf, else choice]; case matters.
//
// The prefix itself is compared with its case [?]. The table in the channel is the snapshot's own
// and not to be changed.
func (s *Snapshot) Route(path string) (Channel, RouteAnswer) {
	clean, err := CleanPath(path)
	if err != nil {
		return Channel{}, RouteAnswer{Refused: err}
	}
	d := s.routes.route(clean)
	if d == nil {
		return Channel{}, RouteAnswer{Path: clean, Hint: s.routes.hint(clean)}
	}
	base, _ := wildcardBase(d.channel.Address)
	return d.channel, RouteAnswer{Found: true, Path: clean, Below: clean[min(len(base), len(clean)):]}
}

// Channel returns the deployed channel with that address.
func (s *Snapshot) Channel(address string) (Channel, bool) {
	if d := s.routes.at(address); d != nil {
		return d.channel.clone(), true
	}
	return Channel{}, false
}

// InTable tells whether the names of a certificate, as encoded in it, are a row of the channel's
// table.
func (s *Snapshot) InTable(c Channel, rawSubject, rawIssuer []byte) bool {
	d := s.routes.at(c.Address)
	if d == nil {
		return false
	}
	k, ok := keyOfNames(rawSubject, rawIssuer)
	if !ok {
		return false
	}
	_, in := d.table[k]
	return in
}

// Restarting tells whether the channel's flow is being redeployed at that time.
func (s *Snapshot) Restarting(c Channel, now time.Time) bool {
	if len(s.restarting) == 0 {
		return false
	}
	until, ok := s.restarting[c.key()]
	return ok && now.Before(until)
}

func (r *routes) at(address string) *deployed {
	if d := r.below[address]; d != nil {
		return d
	}
	lower := lowerASCII(address)
	if base, ok := wildcardBase(lower); ok {
		return r.wild[base]
	}
	return r.exact[lower]
}
