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
	"net/http"
	"strconv"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
)

var callSteps = []Definition{
	step("call", `"([^"]*)" calls(?: "([^"]*)")?(?: (.+))?`, `"warehouse" calls "/http/orders" without its intermediate certificates`, "A sender calls: POST to /http/orders with a small body unless said otherwise. Ways to call are joined by and.",
		func(w *world) any { return w.call }),
	step("call", `a connection does "([^"]*)"`, `a connection does "garbage"`, "A connection that no honest sender opens: garbage, plain-http, half-handshake, silent, slow-header, huge-header or stalled-body.",
		func(w *world) any { return w.misbehave }),
}

// attempt is a call that is being put together.
type attempt struct {
	actor  *actor
	call   sender.Call
	host   string
	change []func(*sender.Sender)
	times  int
}

var ways = []phrase[*attempt]{
	say(`with the method "([^"]*)"`, `with the method "HEAD"`, func(_ *world, c *attempt, args []string) error {
		c.call.Method = args[0]
		if args[0] == http.MethodGet || args[0] == http.MethodHead {
			c.call.Body = nil
		}
		return nil
	}),
	say(`with the header "([^":]*): ([^"]*)"`, `with the header "X-CSRF-Token: Fetch"`, func(_ *world, c *attempt, args []string) error {
		c.call.RawHeader = append(c.call.RawHeader, args[0]+": "+args[1])
		return nil
	}),
	say(`with the certificate of "([^"]*)" in the header "([^"]*)"`, `with the certificate of "warehouse" in the header "SSL_CLIENT_CERT"`, func(w *world, c *attempt, args []string) error {
		a, err := w.actor(args[0])
		if err != nil {
			return err
		}
		c.call.RawHeader = append(c.call.RawHeader, args[1]+": "+base64Of(a.certificate.DER()))
		return nil
	}),
	say(`with an SAP passport`, `with an SAP passport`, func(_ *world, c *attempt, _ []string) error {
		c.call.RawHeader = append(c.call.RawHeader, "sap-passport: "+hex.EncodeToString(passport()))
		return nil
	}),
	say(`with a body of (\d+) bytes`, `with a body of 2000000 bytes`, func(_ *world, c *attempt, args []string) error {
		n, err := strconv.Atoi(args[0])
		c.call.Body = bytes.Repeat([]byte("x"), n)
		return err
	}),
	say(`with a chunked body of (\d+) bytes`, `with a chunked body of 2000000 bytes`, func(_ *world, c *attempt, args []string) error {
		n, err := strconv.Atoi(args[0])
		c.call.Body, c.call.BodyFrom = nil, bytes.NewReader(bytes.Repeat([]byte("x"), n))
		return err
	}),
	say(`with a body that stalls`, `with a body that stalls`, func(w *world, c *attempt, _ []string) error {
		reader, writer := io.Pipe()
		go func() { _, _ = writer.Write([]byte("<order>")) }()
		c.call.Body, c.call.BodyFrom = nil, reader
		c.call.Header.Set("Content-Length", "1000")
		return nil
	}),
	say(`to the host "([^"]*)"`, `to the host "orders.example"`, func(_ *world, c *attempt, args []string) error {
		c.host = args[0]
		return nil
	}),
	say(`naming the server "([^"]*)"`, `naming the server "nobody.example"`, func(_ *world, c *attempt, args []string) error {
		return c.sender(func(s *sender.Sender) { s.ServerName = &args[0]; s.CheckHostName = false })
	}),
	say(`naming no server`, `naming no server`, func(_ *world, c *attempt, _ []string) error {
		none := ""
		return c.sender(func(s *sender.Sender) { s.ServerName = &none })
	}),
	say(`with TLS (1\.[0123])`, `with TLS 1.1`, func(_ *world, c *attempt, args []string) error {
		v := map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[args[0]]
		return c.sender(func(s *sender.Sender) { s.MinTLS, s.MaxTLS = v, v })
	}),
	say(`without a certificate`, `without a certificate`, func(_ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Keystore = sender.Keystore{} })
	}),
	say(`without its intermediate certificates`, `without its intermediate certificates`, sends(sender.LeafOnly)),
	say(`with its root certificate too`, `with its root certificate too`, sends(sender.WithRoot)),
	say(`with its chain in the wrong order`, `with its chain in the wrong order`, sends(sender.WrongOrder)),
	say(`with its own certificate last`, `with its own certificate last`, sends(sender.LeafLast)),
	say(`with its chain twice`, `with its chain twice`, func(_ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Duplicate = true })
	}),
	say(`with an unrelated certificate in its chain`, `with an unrelated certificate in its chain`, func(w *world, c *attempt, _ []string) error {
		other, err := pki.Create(nil, pki.CA, "unrelated", w.options()...)
		if err != nil {
			return err
		}
		return c.sender(func(s *sender.Sender) { s.Extra = [][]byte{other.DER()} })
	}),
	say(`with only the public part of its key pair`, `with only the public part of its key pair`, func(_ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Keystore.Key = nil })
	}),
	say(`with the private key of another certificate`, `with the private key of another certificate`, func(w *world, c *attempt, _ []string) error {
		other, err := pki.Create(w.issuing(), pki.Client, "another", w.options()...)
		if err != nil {
			return err
		}
		return c.sender(func(s *sender.Sender) { s.WrongKey = other.Key() })
	}),
	say(`with a certificate that has the defect "([^"]*)"`, `with a certificate that has the defect "expired"`, func(w *world, c *attempt, args []string) error {
		certificate, err := w.defective(c.actor, pki.WithDefect(args[0]))
		return errors.Join(err, c.keystore(certificate))
	}),
	say(`with a renewed certificate`, `with a renewed certificate`, func(w *world, c *attempt, _ []string) error {
		return c.keystore(c.actor.certificate.Twin(w.name(c.actor.name)))
	}),
	say(`with a certificate of an unknown CA`, `with a certificate of an unknown CA`, func(w *world, c *attempt, _ []string) error {
		certificate, err := w.ofUnknownCA(c.actor)
		return errors.Join(err, c.keystore(certificate))
	}),
	say(`with a certificate of an unknown CA with its root certificate too`, `with a certificate of an unknown CA with its root certificate too`, func(w *world, c *attempt, _ []string) error {
		certificate, err := w.ofUnknownCA(c.actor)
		return errors.Join(err, c.keystore(certificate), c.sender(func(s *sender.Sender) { s.Sends = sender.WithRoot }))
	}),
	say(`trusting another CA`, `trusting another CA`, func(w *world, c *attempt, _ []string) error {
		other, err := pki.Create(nil, pki.CA, "another", w.options()...)
		if err != nil {
			return err
		}
		return c.sender(func(s *sender.Sender) { s.Trust = sender.TrustRoots([]*x509.Certificate{other.X509()}) })
	}),
	say(`trusting nothing`, `trusting nothing`, func(_ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.Trust = sender.TrustNone() })
	}),
	say(`as "([^"]*)" with the password "([^"]*)"`, `as "erika" with the password "opensesame"`, func(_ *world, c *attempt, args []string) error {
		return c.sender(func(s *sender.Sender) { s.Basic = &sender.Credentials{User: args[0], Password: args[1]} })
	}),
	say(`waiting for the challenge`, `waiting for the challenge`, func(_ *world, c *attempt, _ []string) error {
		return c.sender(func(s *sender.Sender) { s.WaitForChallenge = true })
	}),
	say(`with a token of the OAuth client "([^"]*)"`, `with a token of the OAuth client "d2c1"`, func(w *world, c *attempt, args []string) error {
		token, err := w.sim.Tenant().IssueToken(args[0], tokenLifetime, nil)
		if err != nil {
			return err
		}
		return c.sender(func(s *sender.Sender) { s.Bearer = token })
	}),
	say(`with the token "([^"]*)"`, `with the token "nonsense"`, func(_ *world, c *attempt, args []string) error {
		return c.sender(func(s *sender.Sender) { s.Bearer = args[0] })
	}),
	say(`(\d+) times`, `4 times`, func(_ *world, c *attempt, args []string) (err error) {
		c.times, err = strconv.Atoi(args[0])
		return err
	}),
}

func sends(what sender.Sends) func(*world, *attempt, []string) error {
	return func(_ *world, c *attempt, _ []string) error {
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

// ofUnknownCA mints a twin of the actor's certificate below a CA that nobody trusts, and maps it.
func (w *world) ofUnknownCA(a *actor) (*pki.Certificate, error) {
	root, err := pki.Create(nil, pki.CA, "unknown-root", w.options(pki.Subject("CN=Unknown Root CA, O=Unknown, C=DE"))...)
	if err != nil {
		return nil, err
	}
	issuing, err := pki.Create(root, pki.CA, "unknown-issuing", w.options(pki.Subject("CN=Unknown Issuing CA, O=Unknown, C=DE"))...)
	if err != nil {
		return nil, err
	}
	subject := pki.FormatDN(a.certificate.X509().RawSubject)
	certificate, err := pki.Create(issuing, pki.Client, w.name(a.name), w.options(pki.Subject(subject))...)
	if err != nil || a.user == "" {
		return certificate, err
	}
	return certificate, w.sim.Tenant().MapCertificate(certificate.DER(), a.user)
}

// call lets a sender call in a way.
func (w *world) call(ctx context.Context, name, path, way string) error {
	if _, err := w.start(ctx); err != nil {
		return err
	}
	a, err := w.actor(name)
	if err != nil {
		return err
	}
	try := &attempt{actor: a, times: 1, call: sender.Call{
		Method: http.MethodPost, Body: []byte("<order/>"), Header: http.Header{"Content-Type": {"text/xml"}},
	}}
	for _, part := range split(way) {
		if err := w.applyPhrase(part, func() (bool, error) { return apply(w, ways, try, part) }, Ways()); err != nil {
			return err
		}
	}
	if path == "" {
		path = baseChannel
	}
	try.call.URL = w.sim.URL(path)
	if try.host != "" {
		try.call.URL = w.sim.URLOn(try.host, path)
	}
	from := a.from
	if len(try.change) > 0 {
		// What the sender keeps between calls, it keeps only as long as it stays the same.
		from = w.changed(a, try.change)
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
	mark, err := w.sim.Logs().Mark()
	if err != nil {
		return nil, err
	}
	c := &call{actor: a}
	if c.outcome, err = w.sim.Call(ctx, from, message); err != nil {
		return nil, fmt.Errorf("the call of %q cannot be made: %w", a.name, err)
	}
	if c.lines, c.records, err = w.sim.Logs().Since(mark); err != nil {
		return nil, fmt.Errorf("reading the logs: %w", err)
	}
	w.calls = append(w.calls, c)
	return c, nil
}

// misbehave opens a bad connection and keeps what became of it.
func (w *world) misbehave(ctx context.Context, how string) error {
	sim, err := w.start(ctx)
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
	manner := sender.Manner{ServerName: sim.Host(), Path: baseChannel}
	if a, ok := w.actors["warehouse"]; ok {
		manner.Certificate = a.certificate.TLSCertificate()
	}
	mark, err := sim.Logs().Mark()
	if err != nil {
		return err
	}
	out := sender.Misbehave(ctx, sim.Address(), sender.Misbehaviour(how), manner)
	c := &call{actor: &actor{name: how}}
	c.outcome.Result = sender.Result{Status: out.Status, Alert: out.Alert, Err: out.Err, LocalAddr: out.LocalAddr}
	// The record of a bad connection is kept when it ends.
	limit, cancel := context.WithTimeout(ctx, simulator.JourneyLimit)
	defer cancel()
	j, err := sim.Journeys().Wait(limit, func(j journey.Journey) bool { return j.Client == out.LocalAddr })
	if err != nil {
		return fmt.Errorf("the load balancer kept no record of a connection that does %q (%s): %w", how, out, err)
	}
	c.outcome.Journey = j
	if c.lines, c.records, err = sim.Logs().Since(mark); err != nil {
		return err
	}
	w.calls = append(w.calls, c)
	return nil
}

// passport is an SAP passport of version 3: 230 bytes between two marks, with a transaction id at
// 149, a root context id at 186 and a connection id at 202.
func passport() []byte {
	raw := bytes.Repeat([]byte{' '}, 230)
	copy(raw, "*TH*")
	raw[4], raw[5], raw[6] = 3, 0, 230
	copy(raw[149:], "00505684ABCD1ED7A5F2C3D4E5F60718")
	for i := range 16 {
		raw[186+i], raw[202+i] = 0xa0+byte(i), byte(i)
	}
	copy(raw[226:], "*TH*")
	return raw
}
