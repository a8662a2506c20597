package tenant

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"time"
)

// Snapshot is what was configured at one moment. It never changes and is safe for use by many
// goroutines without locks; a call reads one snapshot from beginning to end. A lookup costs the
// same however much is configured.
type Snapshot struct {
	contents
	config settings // with defaults

	mappingBytes int64
	mappedUsers  sharded[int] // how many certificates are mapped to each user
	passwords    sharded[password]
	logins       map[string]struct{} // names of and in User Credentials artifacts
	secrets      map[string]tokenKey // by OAuth client
	people       *people
	routes       *routes
	restarting   map[string]time.Time

	cache *roleCache
	lists *lists
}

// password is kept as a hash only so that comparing takes the same time for all.
type password struct {
	hash   [sha256.Size]byte
	usable bool
}

// with is the snapshot after the draft, which is done. It works out anew only what the draft
// touched.
func (s *Snapshot) with(d *draft, cache *roleCache) *Snapshot {
	out := *s
	out.contents, out.cache, out.lists = d.contents, cache, &lists{}
	first := s.routes == nil
	if touches(d, settingsKind) || first {
		out.config = out.raw().withDefaults()
	}
	if touched := touchedBy(d, mappingKind); len(touched) > 0 {
		users := s.mappedUsers.edit()
		for _, t := range touched {
			if t.before != nil {
				out.mappingBytes -= int64(len(t.before.value.Certificate))
				count(users, t.before.value.User, -1)
			}
			if t.after != nil {
				out.mappingBytes += int64(len(t.after.value.Certificate))
				count(users, t.after.value.User, 1)
			}
		}
		out.mappedUsers = users.done()
	}
	if touched := touchedBy(d, userKind); len(touched) > 0 {
		passwords := s.passwords.edit()
		for _, t := range touched {
			if t.after == nil {
				passwords.remove(t.before.value.Name)
				continue
			}
			u := t.after.value
			passwords.put(u.Name, password{sha256.Sum256([]byte(u.Password)), u.Password != ""})
		}
		out.passwords = passwords.done()
	}
	if touches(d, credentialKind) {
		out.logins = make(map[string]struct{})
		for _, e := range out.credentials.ordered() {
			out.logins[e.value.Name] = struct{}{}
			if e.value.User != "" {
				out.logins[e.value.User] = struct{}{}
			}
		}
	}
	if touches(d, clientKind) || touches(d, secretKind) {
		out.secrets = make(map[string]tokenKey)
		for _, e := range out.clients.ordered() {
			out.secrets[e.value.ID] = newTokenKey(out.signingKey(), e.value)
		}
	}
	if first {
		out.people = (&people{}).with(d, out.config.Application)
	} else {
		out.people = s.people.with(d, out.config.Application)
	}
	if touches(d, channelKind) || first {
		out.routes = newRoutes(out.channels.ordered(), s.routes)
	}
	if touches(d, restartKind) {
		out.restarting = make(map[string]time.Time)
		for _, e := range out.restarts.ordered() {
			out.restarting[e.value.Channel] = e.value.Until
		}
	}
	return &out
}

// count adds to a number and forgets it when nothing is left.
func count(numbers *shardEditor[int], key string, by int) {
	n, _ := numbers.get(key)
	if n += by; n == 0 {
		numbers.remove(key)
		return
	}
	numbers.put(key, n)
}

// raw are the settings as they were given.
func (s *Snapshot) raw() settings {
	if e, ok := s.settings.get(""); ok {
		return e.value
	}
	return settings{}
}

func (s *Snapshot) signingKey() (key [sha256.Size]byte) {
	if e, ok := s.contents.secrets.get(""); ok {
		copy(key[:], e.value.Key)
	}
	return key
}

// Account is the technical name of the subaccount.
func (s *Snapshot) Account() string { return s.config.Account }

// Application is the application of the worker node, on which sending roles count.
func (s *Snapshot) Application() string { return s.config.Application }

// Mapped returns the user that a certificate, given as its DER, is mapped to. The whole
// certificate is compared, not its names or its key [C].
func (s *Snapshot) Mapped(der []byte) (user string, ok bool) {
	e, ok := s.mappings.get(MappingID(der))
	if !ok || !bytes.Equal(e.value.Certificate, der) {
		return "", false
	}
	return e.value.User, true
}

// MappedUser tells whether any certificate is mapped to the user.
func (s *Snapshot) MappedUser(name string) bool {
	_, ok := s.mappedUsers.get(name)
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
	if p, known := s.passwords.get(name); known {
		hash := sha256.Sum256([]byte(given))
		if subtle.ConstantTimeCompare(hash[:], p.hash[:]) == 1 && p.usable {
			return Right
		}
		return Wrong
	}
	if s.MappedUser(name) {
		return MappingOnly
	}
	if _, ok := s.logins[name]; ok {
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
	key, known := s.secrets[t.client]
	if !known || !t.signedWith(key) || !now.Before(t.expires) {
		return "", false
	}
	return t.client, true
}

// Role tells whether the user has the role on the worker node's application; roles on other
// applications have no effect [C]. Role names are compared exactly. With Config.RoleCache it counts
// as a request of the user, and the answer may be that of some minutes ago.
func (s *Snapshot) Role(user, role string) RoleAnswer {
	present, _ := s.people.persons.get(user)
	if !s.config.RoleCache {
		return present.answer(s.config.Application, role)
	}
	roles, cached := s.cache.request(user, present)
	answer := roles.answer(s.config.Application, role)
	answer.Cached = cached
	return answer
}

// RoleOn tells whether the user has the role on an application. It does not know of the role
// cache, and names no other applications.
func (s *Snapshot) RoleOn(application, user, role string) RoleAnswer {
	present, _ := s.people.persons.get(user)
	answer := present.answer(application, role)
	answer.ElsewhereOn = nil
	return answer
}

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
