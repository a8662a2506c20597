// Package sender is the calling system: the first station of the way into the tenant. It opens
// the TLS connection itself and speaks HTTP/1.1 on it, so that it can tell exactly what happened:
// that nobody answered, which alert ended the handshake and which side sent it, or which HTTP
// status came back.
//
// A [Sender] is configured as a real one is, with a keystore, a trust store and a way to log on,
// and can be misconfigured as real ones are: without its intermediate certificates, with the key
// of another certificate, with a trust store that lacks the load balancer's root. [Misbehave]
// opens connections that no honest sender opens, to try the limits of a load balancer.
//
// What is not here: minting certificates (package pki), judging a sender's certificate (that is
// the load balancer's work), and following redirects or speaking HTTP/2, which the senders of
// this path do not do.
package sender

import (
	"crypto"
	"crypto/tls"
	"sync"
	"time"
)

// DefaultTimeout is how long [Sender.Do] may take when Timeout is 0.
const DefaultTimeout = 10 * time.Second

// Credentials are a user and a password for Basic authentication.
type Credentials struct {
	User     string
	Password string
}

// String shows the user only.
func (c Credentials) String() string { return c.User + ":***" }

// GoString is String, so that %#v shows no password either.
func (c Credentials) GoString() string { return c.String() }

// Sender is a calling system. The zero value works: it has no certificate and no credentials, and
// trusts nothing, so that it ends every handshake with [journey.ServerNotTrusted] until it is
// given a Trust.
//
// Set the fields before the first call; after that they must not change ([Sender.With] makes a
// changed copy). A Sender must not be copied after its first call. It is safe for use by many
// goroutines: with KeepAlive it keeps one connection, and a call that finds it in use opens
// another one, of which at most one is kept.
type Sender struct {
	// Name is what people call the sender. Default: "sender".
	Name string

	// Keystore holds the sender's certificate and key. Default: none, so none is sent.
	Keystore Keystore
	// Sends says which certificates of the keystore are sent, in which order. Default: [Chain].
	Sends Sends
	// Without names intermediate certificates, by the common name of their subject, that are left
	// out of what Sends picks. A name that is not in the chain is an error.
	Without []string
	// Extra certificates (DER) are sent after the others. They need not be related, nor readable.
	Extra [][]byte
	// Duplicate sends everything that Sends and Without pick twice, one chain after the other.
	Duplicate bool
	// OnlyIfIssuerNamed offers the certificate only if the load balancer names the issuer of one of
	// the certificates that would be sent, or names none at all, as Java and ABAP senders do. [I:
	// RFC 8446, section 4.4.2, and how those clients choose a certificate]
	OnlyIfIssuerNamed bool
	// WrongKey signs the handshake in place of the key in the keystore. It need not belong to the
	// certificate.
	WrongKey crypto.Signer

	// Trust is the trust store. Default: empty, nothing is trusted; the system's roots are never
	// used.
	Trust Trust
	// ServerName is the name that is asked for (SNI). Default (nil): the host of the URL; a pointer
	// to "" asks for none. Addresses are no names and are never asked for (RFC 6066, section 3).
	ServerName *string
	// CheckHostName also demands that the load balancer's certificate is for the host of the URL,
	// whatever ServerName says. Default: any name will do.
	CheckHostName bool
	// MinTLS and MaxTLS bound the TLS versions offered (tls.VersionTLS12 and so on).
	// Default: TLS 1.2 to TLS 1.3.
	MinTLS, MaxTLS uint16

	// Basic is a logon with user and password, sent with the first request unless WaitForChallenge
	// is set. Not together with Bearer. Default: none.
	Basic *Credentials
	// WaitForChallenge sends the first request without credentials, and again with them when the
	// answer is 401 and asks for Basic; it leaves two lines in the access log. [C: logs]
	WaitForChallenge bool
	// Bearer is an OAuth access token. Default: none.
	Bearer string

	// Resume keeps TLS sessions and resumes them. A resumed session sends no certificate again.
	Resume bool
	// KeepAlive keeps the connection for the next call. Without it, the requests of one call share
	// a connection, which is closed with the call's end.
	KeepAlive bool
	// Cookies keeps the cookies of answers and sends them again.
	Cookies bool
	// EncodeCookies sends cookie values URL-encoded, as some ABAP senders do [C: note 2681175].
	// Implies Cookies.
	EncodeCookies bool
	// CSRF fetches a token before a modifying request. The cookies of that answer go with the
	// request even without Cookies.
	CSRF bool

	// Now is the sender's clock: it decides whether the load balancer's certificate, a TLS session
	// and a cookie are still valid. Default: time.Now.
	Now func() time.Time
	// Timeout is for one call with all its requests. Default: [DefaultTimeout]; negative: none but
	// that of the context.
	Timeout time.Duration
	// LocalAddr is the address to call from, with or without a port. Default: the system picks it.
	LocalAddr string

	live live
}

// live is what a sender gathers while it works.
type live struct {
	mu         sync.Mutex
	kept       *connection
	generation int // counts the calls of Close
	sessions   tls.ClientSessionCache
	jar        jar
	// The names of the CAs as they came last, since they seldom change.
	casRaw   [][]byte
	casNames []string
}

// With returns a copy of the sender's configuration after change was applied to it. The copy
// shares neither connections nor TLS sessions nor cookies with the original.
func (s *Sender) With(change func(*Sender)) *Sender {
	c := &Sender{
		Name: s.Name, Keystore: s.Keystore, Sends: s.Sends, Without: s.Without, Extra: s.Extra,
		Duplicate: s.Duplicate, OnlyIfIssuerNamed: s.OnlyIfIssuerNamed, WrongKey: s.WrongKey,
		Trust: s.Trust, ServerName: s.ServerName, CheckHostName: s.CheckHostName,
		MinTLS: s.MinTLS, MaxTLS: s.MaxTLS, Basic: s.Basic, WaitForChallenge: s.WaitForChallenge,
		Bearer: s.Bearer, Resume: s.Resume, KeepAlive: s.KeepAlive, Cookies: s.Cookies,
		EncodeCookies: s.EncodeCookies, CSRF: s.CSRF, Now: s.Now, Timeout: s.Timeout,
		LocalAddr: s.LocalAddr,
	}
	if change != nil {
		change(c)
	}
	return c
}

// Close closes the connection that is kept and forgets TLS sessions and cookies. The sender can
// be used again. Calls that are under way go on; their connections are not kept.
func (s *Sender) Close() error {
	s.live.mu.Lock()
	kept := s.live.kept
	s.live.kept = nil
	s.live.generation++
	s.live.sessions = nil
	s.live.jar = jar{}
	s.live.mu.Unlock()
	if kept != nil {
		kept.close()
	}
	return nil
}

func (s *Sender) name() string {
	if s.Name == "" {
		return "sender"
	}
	return s.Name
}

func (s *Sender) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// sessionCache is nil unless sessions are to be resumed.
func (s *Sender) sessionCache() tls.ClientSessionCache {
	if !s.Resume {
		return nil
	}
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	if s.live.sessions == nil {
		s.live.sessions = tls.NewLRUClientSessionCache(0)
	}
	return s.live.sessions
}

// take hands out the kept connection if it leads to the same place.
func (s *Sender) take(key string) (*connection, int) {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	kept := s.live.kept
	if kept == nil || kept.key != key {
		return nil, s.live.generation
	}
	s.live.kept = nil
	return kept, s.live.generation
}

// keep stores a connection for the next call; what was stored before is closed.
func (s *Sender) keep(c *connection, generation int) {
	s.live.mu.Lock()
	old := c
	if s.KeepAlive && generation == s.live.generation {
		old, s.live.kept = s.live.kept, c
	}
	s.live.mu.Unlock()
	if old != nil {
		old.close()
	}
}
