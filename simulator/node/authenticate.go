package node

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/logon"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// principal is who a call comes from.
type principal struct {
	// user is the name in logs, and the one that roles are looked up for.
	user string
	// certificate is the one that was forwarded, if the principal came by it.
	certificate *certificate
	// mapped tells whether user comes from the certificate-to-user mapping. A principal that came
	// by a certificate and is not mapped has no roles, whatever its name happens to be.
	mapped bool
}

// traceText is a trace record that is due: who writes it, and what.
type traceText struct{ logger, text string }

// authentication is what the authentication filter decided.
type authentication struct {
	who    principal
	reason journey.Reason // empty: somebody was recognised
	// decided is the sentence for the record of the call, fix what to do if not the reason's own.
	decided, fix string
	traces       []traceText
}

// authenticate finds out who a call comes from. [C: SAP Community blog;
// SAP-docs/btp-integration-suite, docs/ci; order of the steps: I]
//
//  1. An accepted certificate stands for the mapped user, or else for <CN>@<CN of the issuer>. One
//     whose CN ends in a space is not accepted.
//  2. A certificate that the load balancer did not accept is traced, and does not count.
//  3. Basic credentials of a user of the identity provider, or the token of an OAuth client.
//  4. Nobody.
func authenticate(id forwarding.Identity, header []string, s Lookups, now time.Time) authentication {
	var out authentication
	var before string // what was decided about a certificate that does not count
	var because journey.Reason
	switch {
	case id.Accepted():
		cert, err := readCertificate(id.Certificate)
		if err != nil {
			return authentication{reason: journey.ForwardedBadly, decided: err.Error() + "; nobody is let in on its word"}
		}
		if !strings.HasSuffix(cert.commonName, " ") {
			out.who, out.decided = identify(id.Certificate, cert, s)
			return out
		}
		because = journey.TrailingSpaceInCN
		before = fmt.Sprintf("the common name %q of the certificate ends in a space, so the certificate does not count; ", clip(cert.commonName))
		out.traces = append(out.traces, traceText{authenticationLogger,
			fmt.Sprintf("Client certificate is not accepted: its common name %q ends in a space (subject: %s).", clip(cert.commonName), pki.TraceDN(cert.subject))})
	case id.Presented():
		because = journey.NoIdentity
		before = fmt.Sprintf("the load balancer did not accept the certificate of %q (verify result %d); ", clip(id.Subject), id.Result)
		out.traces = append(out.traces,
			traceText{systemlog.AuthenticationFilter, systemlog.CertificateReceived(id.Subject)},
			traceText{systemlog.AuthenticationFilter, systemlog.CertificateStatus(id.Result)})
	}

	given := logon.ReadCredentials(header)
	switch given.Scheme {
	case logon.Basic:
		out.basic(given, s)
	case logon.Bearer:
		out.bearer(given, s, now)
	default:
		out.reason = journey.NoIdentity
		if because != "" {
			out.reason = because
		}
		switch {
		case given.Scheme == logon.Unreadable:
			out.decided = "found " + given.Problem + ", which count as none"
		case before != "":
			out.decided = "no credentials were sent beside it"
		default:
			out.decided = "neither a certificate was forwarded nor credentials were sent"
		}
		if because == journey.NoIdentity {
			out.fix = "Correct what the load balancer refused in the certificate"
		}
	}
	out.decided = before + out.decided
	return out
}

// identify is who sends an accepted certificate, and the sentence that says so.
func identify(der []byte, cert *certificate, s Lookups) (principal, string) {
	if user, ok := s.Mapped(der); ok {
		return principal{user: user, certificate: cert, mapped: true},
			fmt.Sprintf("the certificate of %q is mapped to user %q", clip(cert.principal()), user)
	}
	return principal{user: cert.principal(), certificate: cert},
		fmt.Sprintf("the certificate is not mapped to a user and stands for %q", clip(cert.principal()))
}

// basic: only users of the identity provider can log on with a password [C].
func (a *authentication) basic(given logon.Credentials, s Lookups) {
	user := clip(given.User)
	switch v := s.Password(given.User, given.Password); v {
	case tenant.Right:
		a.who = principal{user: given.User}
		a.decided = fmt.Sprintf("user %q of the identity provider logged on with its password", user)
		return
	case tenant.Wrong:
		a.reason = journey.PasswordWrong
		a.decided = fmt.Sprintf("the password is not that of user %q of the identity provider", user)
	case tenant.MappingOnly:
		a.reason = journey.UserOnlyInMapping
		a.decided = fmt.Sprintf("user %q exists only in the certificate-to-user mapping and cannot log on with a password", user)
	case tenant.CredentialOnly:
		a.reason = journey.UserOnlyInCredentials
		a.decided = fmt.Sprintf("user %q exists only as a deployed User Credentials artifact, which is no logon for inbound calls", user)
	default:
		a.reason = journey.UserUnknown
		a.decided = fmt.Sprintf("the identity provider has no user %q", user)
	}
	a.traces = append(a.traces, traceText{authenticationLogger, "Basic authentication failed: " + a.decided + "."})
}

// bearer: the token of a known OAuth client stands for oauth_client_<client id> [C].
func (a *authentication) bearer(given logon.Credentials, s Lookups, now time.Time) {
	if client, ok := s.Token(given.Token, now); ok {
		a.who = principal{user: tenant.ClientUserPrefix + client}
		a.decided = fmt.Sprintf("the bearer token is that of OAuth client %q", client)
		return
	}
	a.reason = journey.TokenNotValid
	a.decided = "the bearer token was not issued here, has expired, or its client is gone"
	a.traces = append(a.traces, traceText{authenticationLogger, "Bearer authentication failed: " + a.decided + "."})
}

// authenticated runs the authentication filter for the call. It returns an answer for a call that
// ends here.
func (c *call) authenticated() (principal, *answer) {
	header := c.request.Header
	id, err := forwarding.Read(header)
	var a authentication
	if err != nil {
		a = authentication{reason: journey.ForwardedBadly, decided: err.Error() + "; nobody is let in on their word"}
	} else {
		a = authenticate(id, header["Authorization"], c.snapshot, c.began)
	}
	for _, t := range a.traces {
		c.trace(t.logger, t.text)
	}
	stop := journey.Stop{Station: journey.RuntimeNode, Verdict: journey.Passed, Decided: a.decided, Fix: a.fix}
	if c.record != nil {
		stop.Saw = sawIdentity(id, a.who, len(header["Authorization"]) > 0)
	}
	if a.reason == "" {
		c.user = a.who.user
		c.stop(stop)
		return a.who, nil
	}
	stop.Verdict, stop.Reason = journey.Refused, a.reason
	c.stop(stop)
	if a.reason == journey.ForwardedBadly {
		bad := page(http.StatusBadRequest)
		return principal{}, &bad
	}
	unauthorized := challenge()
	return principal{}, &unauthorized
}

// sawIdentity tells what the filter saw, without secrets.
func sawIdentity(id forwarding.Identity, who principal, credentials bool) []journey.Fact {
	facts := make([]journey.Fact, 0, 4)
	switch {
	case who.certificate != nil:
		facts = append(facts, journey.Fact{Name: "certificate subject", Value: pki.FormatDN(who.certificate.subject)},
			journey.Fact{Name: "certificate issuer", Value: pki.FormatDN(who.certificate.issuer)})
	case id.Accepted():
		facts = append(facts, journey.Fact{Name: "certificate", Value: "forwarded, does not count"})
	case id.Presented():
		facts = append(facts, journey.Fact{Name: "certificate", Value: fmt.Sprintf("not accepted by the load balancer, verify result %d", id.Result)})
	default:
		facts = append(facts, journey.Fact{Name: "certificate", Value: "none forwarded"})
	}
	if credentials {
		facts = append(facts, journey.Fact{Name: "Authorization header", Value: "sent"})
	}
	if who.user != "" {
		facts = append(facts, journey.Fact{Name: "principal", Value: who.user})
	}
	return facts
}
