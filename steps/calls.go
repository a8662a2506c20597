package steps

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/steps/target"
)

var callSteps = []Definition{
	withPhrases(step("call", `"([^"]*)" calls(?: "([^"]*)")?(?: (.+))?`, `"warehouse" calls "/http/orders" without its intermediate certificates`, "A sender calls: POST to /http/orders with a small body unless said otherwise. Ways to call are joined by and.",
		func(w *world) any { return w.call }), &ways),
	step("call", `a connection does "([^"]*)"`, `a connection does "garbage"`, "A connection that no honest sender opens: garbage, plain-http, half-handshake, silent, slow-header, huge-header or stalled-body.",
		func(w *world) any { return w.misbehave }).needs(target.Limits),
}

// attempt is a call that is being put together.
type attempt struct {
	actor  *actor
	call   sender.Call
	host   string
	change []func(*sender.Sender)
	times  int
	// bare: what finds the call in a target's logs must not add anything but to its query.
	bare bool
}

var ways = []phrase[*attempt]{
	say(`with the method "([^"]*)"`, `with the method "HEAD"`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		c.call.Method = args[0]
		if args[0] == http.MethodGet || args[0] == http.MethodHead {
			c.call.Body = nil
		}
		return nil
	}),
	say(`with the header "([^":]*): ([^"]*)"`, `with the header "X-CSRF-Token: Fetch"`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		c.call.RawHeader = append(c.call.RawHeader, args[0]+": "+args[1])
		return nil
	}),
	say(`with the certificate of "([^"]*)" in the header "([^"]*)"`, `with the certificate of "warehouse" in the header "SSL_CLIENT_CERT"`, func(_ context.Context, w *world, c *attempt, args []string) error {
		a, err := w.holder(args[0])
		if err != nil {
			return err
		}
		c.call.RawHeader = append(c.call.RawHeader, args[1]+": "+base64Of(a.keystore.Certificate))
		return nil
	}),
	say(`with an SAP passport`, `with an SAP passport`, func(_ context.Context, _ *world, c *attempt, _ []string) error {
		c.call.RawHeader = append(c.call.RawHeader, "sap-passport: "+hex.EncodeToString(passport()))
		return nil
	}),
	say(`with the body "([^"]*)"`, `with the body "<order/>"`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		c.call.Body = []byte(args[0])
		return nil
	}),
	say(`without an SAP passport`, `without an SAP passport`, func(_ context.Context, _ *world, c *attempt, _ []string) error {
		c.bare = true
		return nil
	}),
	say(`with a body of (\d+) bytes`, `with a body of 2000000 bytes`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		n, err := strconv.Atoi(args[0])
		c.call.Body = bytes.Repeat([]byte("x"), n)
		return err
	}),
	say(`with a chunked body of (\d+) bytes`, `with a chunked body of 2000000 bytes`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		n, err := strconv.Atoi(args[0])
		c.call.Body, c.call.BodyFrom = nil, bytes.NewReader(bytes.Repeat([]byte("x"), n))
		return err
	}),
	say(`with a body that stalls`, `with a body that stalls`, func(_ context.Context, w *world, c *attempt, _ []string) error {
		reader, writer := io.Pipe()
		go func() { _, _ = writer.Write([]byte("<order>")) }()
		c.call.Body, c.call.BodyFrom = nil, reader
		c.call.Header.Set("Content-Length", "1000")
		return nil
	}),
	say(`to the host "([^"]*)"`, `to the host "orders.example"`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		c.host = args[0]
		return nil
	}),
	say(`naming the server "([^"]*)"`, `naming the server "nobody.example"`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		return c.sender(func(s *sender.Sender) { s.ServerName = &args[0]; s.CheckHostName = false })
	}),
	say(`naming no server`, `naming no server`, func(_ context.Context, _ *world, c *attempt, _ []string) error {
		none := ""
		return c.sender(func(s *sender.Sender) { s.ServerName = &none })
	}),
	say(`with TLS (1\.[0123])`, `with TLS 1.1`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		v := map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[args[0]]
		return c.sender(func(s *sender.Sender) { s.MinTLS, s.MaxTLS = v, v })
	}),
	say(`without a certificate`, `without a certificate`, func(_ context.Context, _ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Keystore = sender.Keystore{} })
	}),
	say(`without its intermediate certificates`, `without its intermediate certificates`, sends(sender.LeafOnly)),
	say(`with its root certificate too`, `with its root certificate too`, sends(sender.WithRoot)),
	say(`with its chain in the wrong order`, `with its chain in the wrong order`, sends(sender.WrongOrder)),
	say(`with its own certificate last`, `with its own certificate last`, sends(sender.LeafLast)),
	say(`with its chain twice`, `with its chain twice`, func(_ context.Context, _ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Duplicate = true })
	}),
	say(`with an unrelated certificate in its chain`, `with an unrelated certificate in its chain`, func(_ context.Context, w *world, c *attempt, _ []string) error {
		other, err := pki.Create(nil, pki.CA, "unrelated", w.options()...)
		if err != nil {
			return err
		}
		return c.sender(func(s *sender.Sender) { s.Extra = [][]byte{other.DER()} })
	}),
	say(`with only the public part of its key pair`, `with only the public part of its key pair`, func(_ context.Context, _ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Keystore.Key = nil })
	}),
	say(`with the private key of another certificate`, `with the private key of another certificate`, func(_ context.Context, w *world, c *attempt, _ []string) error {
		other, err := pki.Create(nil, pki.CA, "another", w.options()...) // only its key counts
		if err != nil {
			return err
		}
		return c.sender(func(s *sender.Sender) { s.WrongKey = other.Key() })
	}),
	say(`with a certificate that has the defect "([^"]*)"`, `with a certificate that has the defect "expired"`, func(ctx context.Context, w *world, c *attempt, args []string) error {
		certificate, err := w.defective(ctx, c.actor, pki.WithDefect(args[0]))
		return errors.Join(err, c.keystore(certificate))
	}).needs(target.MintTrusted, target.Mappings),
	say(`with a renewed certificate`, `with a renewed certificate`, func(_ context.Context, w *world, c *attempt, _ []string) error {
		own, err := w.mintedActor(c.actor)
		if err != nil {
			return err
		}
		renewed, err := twin(own, w.name(c.actor.name), w.options()...)
		return errors.Join(err, c.keystore(renewed))
	}).needs(target.MintTrusted),
	say(`with a renewed certificate for the same key`, `with a renewed certificate for the same key`, func(_ context.Context, w *world, c *attempt, _ []string) error {
		own, err := w.mintedActor(c.actor)
		if err != nil {
			return err
		}
		request := &x509.CertificateRequest{
			RawSubject: own.X509().RawSubject, PublicKey: own.X509().PublicKey, RawSubjectPublicKeyInfo: own.X509().RawSubjectPublicKeyInfo,
		}
		renewed, err := own.Issuer().SignRequest(w.name(c.actor.name), request, w.options()...)
		if err != nil {
			return err
		}
		keystore := sender.FromPKI(renewed)
		keystore.Key = own.Key()
		return c.sender(func(s *sender.Sender) { s.Keystore = keystore })
	}).needs(target.MintTrusted),
	say(`with a renewed certificate of the same serial number`, `with a renewed certificate of the same serial number`, func(_ context.Context, w *world, c *attempt, _ []string) error {
		own, err := w.mintedActor(c.actor)
		if err != nil {
			return err
		}
		renewed, err := twin(own, w.name(c.actor.name), w.options(pki.Serial(own.X509().SerialNumber))...)
		return errors.Join(err, c.keystore(renewed))
	}).needs(target.MintTrusted),
	say(`with a certificate of an unknown CA`, `with a certificate of an unknown CA`, func(ctx context.Context, w *world, c *attempt, _ []string) error {
		certificate, err := w.ofUnknownCA(ctx, c.actor)
		return errors.Join(err, c.keystore(certificate))
	}).needs(target.Mappings),
	say(`with a certificate of an unknown CA with its root certificate too`, `with a certificate of an unknown CA with its root certificate too`, func(ctx context.Context, w *world, c *attempt, _ []string) error {
		certificate, err := w.ofUnknownCA(ctx, c.actor)
		return errors.Join(err, c.keystore(certificate), c.sender(func(s *sender.Sender) { s.Sends = sender.WithRoot }))
	}).needs(target.Mappings),
	say(`trusting another CA`, `trusting another CA`, func(_ context.Context, w *world, c *attempt, _ []string) error {
		other, err := pki.Create(nil, pki.CA, "another", w.options()...)
		if err != nil {
			return err
		}
		return c.sender(func(s *sender.Sender) { s.Trust = sender.TrustRoots([]*x509.Certificate{other.X509()}) })
	}),
	say(`trusting nothing`, `trusting nothing`, func(_ context.Context, _ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Trust = sender.TrustNone() })
	}),
	say(`as "([^"]*)" with the password "([^"]*)"`, `as "erika" with the password "opensesame"`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		return c.sender(func(s *sender.Sender) { s.Basic = &sender.Credentials{User: args[0], Password: args[1]} })
	}),
	say(`waiting for the challenge`, `waiting for the challenge`, func(_ context.Context, _ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.WaitForChallenge = true })
	}),
	say(`with a token of the OAuth client "([^"]*)"`, `with a token of the OAuth client "d2c1"`, func(ctx context.Context, w *world, c *attempt, args []string) error {
		token, err := w.session.Token(ctx, args[0])
		if err != nil {
			return err
		}
		return c.sender(func(s *sender.Sender) { s.Bearer = token })
	}).needs(target.OAuthClients),
	say(`with the token "([^"]*)"`, `with the token "nonsense"`, func(_ context.Context, _ *world, c *attempt, args []string) error {
		return c.sender(func(s *sender.Sender) { s.Bearer = args[0] })
	}),
	say(`(\d+) times`, `4 times`, func(_ context.Context, _ *world, c *attempt, args []string) (err error) {
		c.times, err = strconv.Atoi(args[0])
		return err
	}),
}

func sends(what sender.Sends) func(context.Context, *world, *attempt, []string) error {
	return func(_ context.Context, _ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Sends = what })
	}
}

func (c *attempt) sender(change func(*sender.Sender)) error {
	c.change = append(c.change, change)
	return nil
}

func (c *attempt) keystore(certificate *pki.Certificate) error {
	return c.sender(func(s *sender.Sender) { s.Keystore = sender.FromPKI(certificate) })
}

// ofUnknownCA mints a certificate with the names of the actor's below a CA that nobody trusts, and
// maps it.
func (w *world) ofUnknownCA(ctx context.Context, a *actor) (*pki.Certificate, error) {
	own, err := x509.ParseCertificate(a.keystore.Certificate)
	if err != nil {
		return nil, fmt.Errorf("the sender %q has no certificate whose names could be taken: %w", a.name, err)
	}
	issuing, err := w.unknownCA()
	if err != nil {
		return nil, err
	}
	certificate, err := pki.Create(issuing, pki.Client, w.name(a.name), w.options(pki.Subject(pki.FormatDN(own.RawSubject)))...)
	if err != nil || a.user == "" {
		return certificate, err
	}
	return certificate, w.session.Map(ctx, certificate.DER(), a.user)
}

// call lets a sender call in a way.
func (w *world) call(ctx context.Context, name, path, way string) error {
	a, err := w.actor(name)
	if err != nil {
		return err
	}
	try := &attempt{actor: a, times: 1, call: target.Order("")}
	for _, part := range split(way) {
		if err := apply(ctx, w, ways, try, part); err != nil {
			return err
		}
	}
	if path == "" {
		path = target.BaseChannel
	}
	if try.call.URL, err = w.session.URL(try.host, path); err != nil {
		return err
	}
	from := a.from
	if len(try.change) > 0 {
		// What the sender keeps between calls, it keeps only as long as it stays the same.
		from = w.changed(a, try.change)
	}
	if try.bare {
		ctx = target.WithoutPassport(ctx)
	}
	for range try.times {
		if _, err := w.perform(ctx, a, from, try.call); err != nil {
			return err
		}
	}
	if closer, ok := try.call.BodyFrom.(io.Closer); ok {
		_ = closer.Close()
	}
	return nil
}

// changed is the sender with other settings for one call; it keeps nothing of what the sender
// keeps between calls.
func (w *world) changed(a *actor, changes []func(*sender.Sender)) *sender.Sender {
	from := a.from.With(func(s *sender.Sender) {
		for _, change := range changes {
			change(s)
		}
	})
	w.opened = append(w.opened, from)
	return from
}

// perform makes one call and collects what it left behind.
func (w *world) perform(ctx context.Context, a *actor, from *sender.Sender, message sender.Call) (*call, error) {
	made, err := w.session.Do(ctx, from, message)
	if err != nil {
		return nil, fmt.Errorf("the call of %q cannot be made: %w", a.name, err)
	}
	c := &call{Call: made, actor: a}
	w.calls = append(w.calls, c)
	return c, nil
}

// misbehave opens a bad connection and keeps what became of it.
func (w *world) misbehave(ctx context.Context, how string) error {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	known := []string{}
	for _, m := range sender.Misbehaviours() {
		known = append(known, string(m))
	}
	if !contains(known, how) {
		return fmt.Errorf("no connection does %q%s; there are %s", how, document.DidYouMean(how, known), strings.Join(known, ", "))
	}
	manner := sender.Manner{Path: target.BaseChannel}
	for _, name := range slices.Sorted(maps.Keys(w.actors)) {
		if c := w.actors[name].certificate; c != nil {
			manner.Certificate = c.TLSCertificate()
			break
		}
	}
	made, err := s.Misbehave(ctx, sender.Misbehaviour(how), manner)
	if err != nil {
		return err
	}
	w.calls = append(w.calls, &call{Call: made, actor: &actor{name: how}})
	return nil
}

// passport is always the same one: scenarios look for its ids in the logs.
func passport() []byte {
	var root, connection [16]byte
	for i := range 16 {
		root[i], connection[i] = 0xa0+byte(i), byte(i)
	}
	return target.Passport("00505684ABCD1ED7A5F2C3D4E5F60718", root, connection)
}
