package diagnosis

import (
	"fmt"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/journey"
)

// unrecognised makes the rule of causes of a 401 without records of a refused certificate. All of
// them look the same in the logs; more says what tells them apart.
func unrecognised(more func(v *view, said *verdict)) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		if !v.nobody() {
			return
		}
		switch {
		case v.silent():
			said.fits("401 without a user, and the node's trace shows nothing of a refused certificate.", v.access()...)
		case v.logged():
			said.fits("401 without a user.", v.access()...)
		default:
			said.fits("401.", v.out.quotes...)
		}
		if q, ok := v.letInOtherwise(); ok {
			said.against(q)
		}
		if g := v.group; g != nil && g.answered == g.count {
			said.exclude() // the challenge, and nothing else
		}
		more(v, said)
	}
}

// letInOtherwise tells whether the same client is let in at the same path at other times, so that
// what it sends in general is right.
func (v *view) letInOtherwise() (string, bool) {
	l, ok := v.f.sameCaller(v.group)
	if !ok || l.user == "" {
		return "", false
	}
	if l.last.Before(v.group.first) {
		return "", false // it was right once
	}
	return fmt.Sprintf("The same client was let in as %s at the same path, %d times from %s to %s.",
		l.user, l.count, l.first.UTC().Format("2006-01-02 15:04:05"), l.last.UTC().Format("15:04:05")), true
}

// sentCredentials tells what the client's output says of a logon.
func (v *view) sentCredentials() (user string, ok bool) {
	if v.out == nil {
		return "", false
	}
	return v.out.User, v.out.User != "" || v.out.Bearer
}

// withoutCertificate: the client's output says that it was asked for a certificate and sent none.
func (v *view) withoutCertificate() bool {
	o := v.out
	if o == nil {
		return false
	}
	_, nothing := o.shows(nothingSent)
	return nothing || o.Asked && o.SentKnown && !o.Sent
}

// identityCauses are those for which nobody is recognised although a certificate is meant.
func identityCauses() []Cause {
	return []Cause{
		{
			ID: "challenge-answered", Station: journey.RuntimeNode, Reason: journey.NoIdentity, common: 5,
			Title:       "No fault: the sender waits to be asked for its logon, and then sends it",
			Symptom:     "Each call leaves a line with 401 and user -, and seconds later a line in which it is let in.",
			Evidence:    "Every 401 is followed within seconds by a line of the same client and path with a user.",
			Why:         "Clients that follow RFC 7235 send credentials only after the answer asked for them.",
			Fix:         "Nothing; to save the second call, let the sender log on preemptively.",
			Check:       "Look for the line after the 401.",
			Requirement: "LOG-5", Mark: confirms, Source: "logs",
			judge: func(v *view, said *verdict) {
				g := v.group
				if g == nil || !v.nobody() || g.answered == 0 {
					return
				}
				if g.answered == g.count {
					said.proves(fmt.Sprintf("All %d are followed within %s by a call of the same client that was let in.", g.count, answeredWithin), v.access()...)
				} else {
					said.points(fmt.Sprintf("%d of %d are followed within %s by a call of the same client that was let in.", g.answered, g.count, answeredWithin), v.access()...)
				}
			},
		},
		{
			ID: "no-certificate-sent", Station: journey.RuntimeNode, Reason: journey.NoIdentity, common: 9,
			Title:       "The sender sends no certificate and no credentials",
			Symptom:     "401; the access log shows user - and 5 bytes; the trace shows nothing.",
			Evidence:    "The line with user - and no trace records. The client was asked for a certificate and sent none.",
			Why:         "No certificate is configured in the sender, or not for this destination.",
			Fix:         "Configure the key pair for this destination (ABAP: SM59, Logon & Security, SSL client certificate; SOAMANAGER: X.509 SSL client certificate and its PSE; Postman: Settings → Certificates with host and key; curl: --cert and --key).",
			Check:       "Let the sender call gatehouse receive, or look with curl -v whether a certificate is sent.",
			Requirement: "AUT-10", Needs: "what the sender's client says",
			judge: unrecognised(func(v *view, said *verdict) {
				if _, ok := v.sentCredentials(); ok {
					said.exclude()
				}
				if q, ok := v.out.shows(nothingToSend); ok {
					said.proves("The sender says so.", q)
				} else if v.outKnows() {
					said.exclude()
				} else if v.withoutCertificate() {
					said.points("The client was asked for a certificate and sent none.", v.out.quotes...)
					if c := v.f.chain; (c == nil || c.keyed && c.passes()) && !v.rootUnnamed() {
						said.proves("It has nothing configured that it could send.")
					}
				}
			}),
		},
		{
			ID: "public-part-only", Station: journey.RuntimeNode, Reason: journey.NoIdentity, common: 6,
			Title:       "The sender has only the public part: the certificate without its private key",
			Symptom:     "401; the access log shows user -; the trace shows nothing.",
			Evidence:    "The sender's keystore holds no private key.",
			Why:         "A client without the key cannot prove that the certificate is its own, and sends none. Postman takes a .crt without the key and says nothing.",
			Fix:         "Give the sender the whole key pair: certificate and private key (.p12, or .crt and .key in Postman's Settings → Certificates).",
			Check:       "Look whether the sender's keystore holds the private key: gatehouse pki inspect FILE.",
			Requirement: "SND-3", Scenario: "FLD-9", Needs: "the sender's keystore, and what its client says",
			judge: publicPartOnly(),
		},
		{
			ID: "issuer-not-named", Station: journey.RuntimeNode, Reason: journey.NoIdentity, common: 5,
			Title:       "The sender offers its certificate only to a load balancer that names its issuer, and this one does not",
			Symptom:     "401; the access log shows user -; the trace shows nothing. The certificate is configured.",
			Evidence:    "The issuer of no certificate of the sender's chain is among the CAs that the load balancer names.",
			Why:         "Java and ABAP senders choose a certificate by the CAs that the server names. One whose root is not on the list, or whose chain in the keystore does not reach it, is not sent.",
			Fix:         "Use a certificate of a CA on the list, and put the whole chain into the sender's keystore so that it reaches the root.",
			Check:       "Compare the CAs that openssl s_client -connect HOST:443 lists with the issuers of the sender's chain.",
			Requirement: "SND-6", Needs: "the sender's chain, and what its client says", Mark: infers, Source: "RFC 8446, section 4.4.2",
			judge: unrecognised(func(v *view, said *verdict) {
				if _, ok := v.sentCredentials(); ok {
					said.exclude()
				}
				c := v.f.chain
				switch {
				case v.outShows(notNamed):
					said.proves("The sender says so.")
				case v.outShows(nothingToSend), v.outShows(noKey):
					said.exclude()
				case c == nil:
				case !c.keyed:
					said.exclude()
				case v.rootUnnamed():
					said.proves("The host does not name the root of the sender's chain among the CAs that it accepts, and no certificate was refused.")
				case c.is(noPath...) && (v.silent() || v.withoutCertificate()):
					said.proves(fmt.Sprintf("The chain %s leads to no root on the list, and yet no certificate was refused: it was not sent.", c.name))
				case c.passes():
					said.exclude()
				}
			}),
		},
		{
			ID: "domain-never-asks", Station: journey.LoadBalancer, Reason: journey.NoIdentity, common: 3,
			Title:       "The custom domain does not ask for a client certificate",
			Symptom:     "401 at the custom domain; the access log shows user -; the trace shows nothing.",
			Evidence:    "The host column shows a custom domain. openssl s_client says \"No client certificate CA names sent\".",
			Why:         "An SSL host without a CA bundle never asks, so that no sender can send a certificate.",
			Fix:         "Give the SSL host a CA bundle and the mode request or require (neo set-ssl-host).",
			Check:       "Look with openssl s_client -connect HOST:443 whether CAs are named.",
			Requirement: "DOM-3", Needs: "what a client says", Mark: confirms, Source: "NEO set-ssl-host",
			judge: unrecognised(func(v *view, said *verdict) {
				if !v.customDomain() {
					said.exclude()
				}
				if h, ok := v.lookedAt(); ok && h.ClientCertificate == connectivity.NotAsked {
					said.proves("The host was looked at, and does not ask for a certificate.")
				} else if ok && h.ClientCertificate != "" {
					said.exclude()
				} else if o := v.out; o != nil && o.Tool != "client" && o.Status != 0 && !o.Asked && (o.SentKnown || o.Tool == "curl") {
					said.proves("The handshake in the client's output has no request for a certificate.")
				} else if o != nil && o.Asked {
					said.exclude()
				}
			}),
		},
		{
			ID: "trailing-space", Station: journey.RuntimeNode, Reason: journey.TrailingSpaceInCN, common: 2, own: []string{"Client certificate is not accepted: its common name"},
			Title:       "The common name of the certificate ends in a space",
			Symptom:     "401; the access log shows user -.",
			Evidence:    "The subject of the sender's certificate.",
			Why:         "The common name may be any value, but must not end in a space. Certificates are made so when a name is pasted into a request.",
			Fix:         "Have the certificate issued again, with a common name that does not end in a space.",
			Check:       "Look at the subject of the sender's certificate: gatehouse pki inspect FILE.",
			Requirement: "SND-5", Needs: "the sender's chain", Mark: infers,
			judge: unrecognised(func(v *view, said *verdict) {
				if _, ok := v.sentCredentials(); ok {
					said.exclude()
				}
				c := v.f.chain
				if c == nil || c.leaf == nil {
					return
				}
				if cn := pki.CommonName(c.leaf.RawSubject); strings.HasSuffix(cn, " ") {
					said.proves(fmt.Sprintf("The common name in %s is %q.", c.name, cn))
				} else {
					said.exclude()
				}
			}),
		},
		{
			ID: "session-without-certificate", Station: journey.LoadBalancer, Reason: journey.NoIdentity, common: 4,
			Title:       "Now and then a TLS session is resumed that began without the certificate",
			Symptom:     "401 now and then, between calls of the same sender that are let in.",
			Evidence:    "Lines of the same client and path with a user, before and after.",
			Why:         "The load balancer keeps the certificate with the TLS session. A sender that calls the same host with and without certificate, or with Basic too, resumes the wrong one.",
			Fix:         "Let all calls of the sender to this host use the same logon, or keep their TLS sessions apart (another destination with its own PSE, or session resumption off).",
			Check:       "See whether the sender calls the same host with another logon too.",
			Requirement: "LB-15", Scenario: "FLD-15", Source: "KBA 3584034",
			judge: func(v *view, said *verdict) {
				if !v.nobody() || v.group == nil || v.group.answered == v.group.count {
					return
				}
				if text, ok := v.letInOtherwise(); ok && !v.hasOwn() {
					said.points(text, v.access()...)
				}
			},
		},
	}
}

// outShows tells whether the client said it.
func (v *view) outShows(s symptom) bool {
	_, ok := v.out.shows(s)
	return ok
}

// outKnows tells whether the client said why it sent no certificate although it has one.
func (v *view) outKnows() bool { return v.outShows(notNamed) || v.outShows(noKey) }

// rootUnnamed tells whether the host is known not to name the root of the sender's chain.
func (v *view) rootUnnamed() bool {
	named, known := v.rootNamed()
	return known && !named && (v.silent() || v.withoutCertificate())
}

// publicPartOnly makes the rule of a sender without its private key.
func publicPartOnly() func(*view, *verdict) {
	unseen := unrecognised(func(v *view, said *verdict) {
		if _, ok := v.sentCredentials(); ok {
			said.exclude()
		}
		c := v.f.chain
		_, missing := v.out.shows(noKey)
		switch {
		case v.outShows(nothingToSend), v.outShows(notNamed):
			said.exclude()
		case missing, c != nil && !c.keyed && (c.bundled || v.withoutCertificate()):
			said.proves("The sender's file holds certificates and no private key.")
		case c != nil && !c.keyed && v.silent():
			said.points("The file of the sender that is here holds certificates and no private key.")
		case c != nil && c.keyed:
			said.exclude()
		}
	})
	return func(v *view, said *verdict) {
		q, missing := v.out.shows(noKey)
		if !missing || !v.noAnswer() {
			unseen(v, said)
			return
		}
		said.points("The client could not use its key.", q)
		if c := v.f.chain; c != nil && c.keyed {
			said.exclude()
		} else if c != nil {
			said.proves("The sender's file holds certificates and no private key.")
		}
	}
}
