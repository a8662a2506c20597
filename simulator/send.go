package simulator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
)

// Outcome is what became of a call: what the sender saw, and the record of all stations.
type Outcome struct {
	Result  sender.Result
	Journey journey.Journey
}

// Sender returns the sender of that name from the document, ready to call. It is the same one each
// time, with what it keeps between calls; change it with its With method.
func (s *Simulator) Sender(name string) (*sender.Sender, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.senders[name]; ok {
		return one, nil
	}
	var names []string
	for _, d := range s.Landscape().Senders {
		if d.Name == name {
			one, err := s.newSender(d)
			if err != nil {
				return nil, fmt.Errorf("sender %q: %w", name, err)
			}
			s.senders[name] = one
			return one, nil
		}
		names = append(names, d.Name)
	}
	return nil, fmt.Errorf("no sender is called %q%s; the landscape has %s", name, document.DidYouMean(name, names), orNone(names))
}

// Senders lists the names of the document's senders.
func (s *Simulator) Senders() []string {
	var names []string
	for _, d := range s.Landscape().Senders {
		names = append(names, d.Name)
	}
	return names
}

// NewSender makes a sender that trusts the load balancer and follows the landscape's clock, with
// a certificate or, if nil, without. The caller closes it.
func (s *Simulator) NewSender(name string, certificate *pki.Certificate) *sender.Sender {
	return &sender.Sender{
		Name: name, Keystore: sender.FromPKI(certificate), CheckHostName: true,
		Trust: sender.TrustRoots([]*x509.Certificate{s.Root().X509()}), Now: s.clock.Now,
	}
}

func (s *Simulator) newSender(d Sender) (*sender.Sender, error) {
	var certificate *pki.Certificate
	if d.Certificate != "" {
		certificate, _ = s.Certificates().Get(d.Certificate)
	}
	one := s.NewSender(d.Name, certificate)
	one.Sends = sender.Sends(d.Sends)
	for _, name := range d.Without {
		c, _ := s.Certificates().Get(name)
		one.Without = append(one.Without, pki.CommonName(c.X509().RawSubject))
	}
	for _, name := range d.Extra {
		c, _ := s.Certificates().Get(name)
		one.Extra = append(one.Extra, c.DER())
	}
	if d.KeyOf != "" {
		c, _ := s.Certificates().Get(d.KeyOf)
		one.WrongKey = c.Key()
	}
	if d.Trusts != nil {
		one.Trust = sender.TrustRoots(s.trusted(d.Trusts))
	}
	if d.ServerName != "" {
		name := d.ServerName
		if name == "none" {
			name = ""
		}
		one.ServerName = &name
	}
	if d.TLS != "" {
		one.MaxTLS = tlsVersions[d.TLS]
		one.MinTLS = min(one.MaxTLS, tls.VersionTLS12)
	}
	if d.User != "" {
		one.Basic = &sender.Credentials{User: d.User, Password: s.password(d)}
	}
	if d.OAuthClient != "" {
		token, err := s.tenant.IssueToken(d.OAuthClient, tokenLifetime, s.rand)
		if err != nil {
			return nil, err
		}
		one.Bearer = token
	}
	one.OnlyIfIssuerNamed, one.WaitForChallenge = d.OnlyIfIssuerNamed, d.WaitsForChallenge
	one.KeepAlive, one.Resume, one.Cookies = d.KeepsConnection, d.ResumesSession, d.KeepsCookies
	one.EncodeCookies, one.CSRF = d.EncodesCookies, d.FetchesToken
	return one, nil
}

var tlsVersions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// tokenLifetime is that of the tokens of the tenant's OAuth service.
const tokenLifetime = 25 * time.Minute

func (s *Simulator) password(d Sender) string {
	if d.Password != "" || d.PasswordEnv != "" {
		return secret(d.Password, d.PasswordEnv)
	}
	for _, u := range s.Landscape().Users {
		if u.Name == d.User {
			return secret(u.Password, u.PasswordEnv)
		}
	}
	return ""
}

// Send makes one call with a sender of the document. The call's URL may be a path alone, and its
// address may be left out. The error tells that the call could not be tried; whatever became of
// it on the way stands in the outcome.
func (s *Simulator) Send(ctx context.Context, name string, call sender.Call) (Outcome, error) {
	one, err := s.Sender(name)
	if err != nil {
		return Outcome{}, err
	}
	return s.Call(ctx, one, call)
}

// Call is Send with any sender.
func (s *Simulator) Call(ctx context.Context, from *sender.Sender, call sender.Call) (Outcome, error) {
	if call.URL == "" || strings.HasPrefix(call.URL, "/") {
		call.URL = s.URL(call.URL)
	}
	if call.Address == "" {
		call.Address = s.Address()
	}
	result, err := from.Do(ctx, call)
	if err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Result: result}
	if result.Stage != sender.StageDial {
		limit, cancel := context.WithTimeout(ctx, JourneyLimit)
		defer cancel()
		// Without a record the load balancer never saw the call; the sender's word is all there is.
		if j, err := s.journeys.Wait(limit, journey.Call(result.LocalAddr, result.Request)); err == nil {
			outcome.Journey = j
		}
	}
	outcome.Journey = outcome.Journey.WithSender(result.Stop())
	return outcome, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return enumerate(names)
}
