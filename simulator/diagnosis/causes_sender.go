package diagnosis

import (
	"fmt"
	"strings"

	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/journey"
)

// noAnswer tells whether the client had no HTTP answer and the logs know nothing of the call.
func (v *view) noAnswer() bool {
	return v.group == nil && !v.absent && v.out != nil && v.out.Status == 0
}

// complained makes the rule of a cause that the client's own message tells.
func complained(of symptom) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		if v.missing {
			said.fits("A call that ends before HTTP leaves no line.")
			return
		}
		if !v.noAnswer() {
			return
		}
		if q, ok := v.out.shows(of); ok {
			said.proves("The client says it.", q)
			return
		}
		if len(v.out.symptoms) == 0 && v.out.Alert == nil {
			said.fits("The client got no answer.")
		}
	}
}

// senderCauses are those that the sender itself sees, before or while it connects.
func senderCauses() []Cause {
	return []Cause{
		{
			ID: "server-not-trusted", Station: journey.Sender, Reason: journey.ServerNotTrusted, also: []journey.Reason{journey.SenderEndedHandshake}, common: 8,
			Title:       "The sender does not trust the load balancer's root certificate",
			Symptom:     "The sender reports an untrusted peer (SSSLERR_PEER_CERT_UNTRUSTED, PKIX path building failed, SSL certificate problem); the tenant's logs are empty.",
			Evidence:    "The sender's own message. No line in any access log.",
			Why:         "The sender ends the handshake itself, so that nothing reaches the tenant.",
			Fix:         "Put the root certificate of the load balancer into the sender's trust store (ABAP: transaction STRUST, the SSL client PSE). Operations View → Manage Security → Connectivity Tests, TLS, the tenant's host, without Validate Server Certificate: Download gives it; \"gatehouse connect\" does the same.",
			Check:       "Look into the sender's own log for a message about an untrusted certificate.",
			Requirement: "SND-2", Scenario: "FLD-10", Needs: "what the sender's client says",
			judge: func(v *view, said *verdict) {
				complained(untrustedServer)(v, said)
				if v.out != nil && (v.out.Tool == toolOpenSSL || v.out.Tool == toolConnect) && said.level == 3 {
					said.against("This tool judges by the trust store of its own machine, and not by the sender's.")
				}
			},
		},
		{
			ID: "server-name-differs", Station: journey.Sender, Reason: journey.ServerNameDiffers, also: []journey.Reason{journey.SenderEndedHandshake}, common: 3,
			Title:       "The sender calls another host name than the load balancer's certificate is for",
			Symptom:     "The sender reports that the name does not match (SSSLERR_SERVER_CERT_MISMATCH, no alternative certificate subject name matches).",
			Evidence:    "The sender's own message. No line in any access log.",
			Why:         "The tenant is called by its address, by an alias, or through a proxy that presents a certificate of its own.",
			Fix:         "Call the tenant by the host of its endpoint, <tenant>-iflmap.<data center>.hana.ondemand.com, as Manage Integration Content shows it, or by the custom domain.",
			Check:       "Compare the host in the sender's destination (ABAP: SM59, target host) with that of the endpoint.",
			Requirement: "SND-2", Needs: "what the sender's client says", Mark: confirms, Source: "RFC 9110, section 4.3.4",
			judge: complained(otherName),
		},
		{
			ID: "host-unknown", Station: journey.Sender, Reason: journey.CannotConnect, common: 3,
			Title:       "The sender does not find the host's address",
			Symptom:     "The sender reports an unknown host (Could not resolve host, NIEHOST_UNKNOWN).",
			Evidence:    "The sender's own message. No line in any access log.",
			Why:         "The host name is wrong, or the sender's network resolves no names of the internet and needs a proxy.",
			Fix:         "Correct the host name, or name the proxy in the sender's destination.",
			Check:       "Resolve the host's name on the sender's machine.",
			Requirement: "SND-1", Needs: "what the sender's client says",
			judge: complained(unknownHost),
		},
		{
			ID: "cannot-connect", Station: journey.Sender, Reason: journey.CannotConnect, common: 4,
			Title:       "The sender cannot connect",
			Symptom:     "The sender reports a refused connection or none in time.",
			Evidence:    "The sender's own message. No line in any access log.",
			Why:         "A firewall or a proxy stands between, or the port is wrong.",
			Fix:         "Open the way to port 443 of the tenant's host, or name the proxy in the sender's destination.",
			Check:       "Open a connection to port 443 of the host on the sender's machine.",
			Requirement: "SND-1", Needs: "what the sender's client says",
			judge: complained(noConnection),
		},
		{
			ID: "not-tls", Station: journey.LoadBalancer, Reason: journey.NotTLS, common: 2,
			Title:       "One side speaks TLS and the other does not",
			Symptom:     "\"wrong version number\", SSSLERR_NO_SSL_RESPONSE, or a connection that ends at once.",
			Evidence:    "The sender's own message. No line in any access log.",
			Why:         "The sender calls http instead of https or the wrong port, or a proxy answers in plain text.",
			Fix:         "Call https on port 443 (ABAP: SM59, Logon & Security, SSL active), and name the proxy if there is one.",
			Check:       "See whether the sender's destination says https and port 443.",
			Requirement: "LB-19", Needs: "what the sender's client says", Mark: chosen, Source: "F5",
			judge: complained(notTLS),
		},
		{
			ID: "tls-version-too-old", Station: journey.LoadBalancer, Reason: journey.TLSVersionNotOffered, common: 3,
			Title:       "The sender offers no TLS version that the load balancer speaks",
			Symptom:     "The handshake ends with the alert protocol_version (70).",
			Evidence:    "The alert, in the sender's message. No line in any access log.",
			Why:         "Old systems offer TLS 1.0 and 1.1 only.",
			Fix:         "Enable TLS 1.2 or newer in the sender (ABAP: profile parameter ssl/client_ciphersuites and a current CommonCryptoLib; Java 8 or newer).",
			Check:       "See which TLS versions the sender offers.",
			Requirement: "LB-17", Needs: "what the sender's client says", Mark: infers, Source: "F5",
			judge: func(v *view, said *verdict) {
				if v.noAnswer() && v.out.alerted("protocol_version") {
					said.proves(fmt.Sprintf("The load balancer ended the handshake with %s.", v.out.Alert), v.out.quotes...)
					return
				}
				complained(oldTLS)(v, said)
			},
		},
	}
}

// alerted makes the rule of a cause that a TLS alert of the load balancer points to.
func alerted(names ...string) func(*view, *verdict) bool {
	return func(v *view, said *verdict) bool {
		switch {
		case v.missing:
			said.fits("A call that ends in the handshake leaves no line.")
		case v.noAnswer() && v.out.alerted(names...):
			said.points(fmt.Sprintf("The load balancer ended the handshake with %s.", v.out.Alert), v.out.quotes...)
			return true
		case v.noAnswer() && v.out.Alert == nil && len(v.out.symptoms) == 0:
			said.fits("The client got no answer.")
		}
		return false
	}
}

// handshakeCauses are those for which the load balancer ends the handshake.
func handshakeCauses() []Cause {
	proof := alerted("decrypt_error", "illegal_parameter")
	demands := alerted("certificate_required", "handshake_failure", "no_certificate")
	refuses := alerted("bad_certificate", "unknown_ca", "certificate_unknown", "certificate_expired", "unsupported_certificate", "certificate_revoked")
	return []Cause{
		{
			ID: "key-does-not-fit", Station: journey.Sender, Reason: journey.KeyDoesNotFit, also: []journey.Reason{journey.HandshakeFailed, journey.SenderEndedHandshake}, common: 4,
			Title:       "The private key does not belong to the certificate that is sent",
			Symptom:     "The handshake ends with the alert decrypt_error (51), or the client refuses its own files (key values mismatch).",
			Evidence:    "The alert or the client's message. No line in any access log.",
			Why:         "The certificate was renewed with a new key, and the key file stayed; or the response of the CA was put beside the wrong request.",
			Fix:         "Give the sender the key pair: the certificate and the private key of the request that the CA answered, made together (ABAP: STRUST, import the certificate response into the PSE of the request).",
			Check:       "Look whether key and certificate belong together: gatehouse pki inspect FILE.",
			Requirement: "SND-3", Needs: "the alert that the sender's client saw, and its chain",
			judge: func(v *view, said *verdict) {
				if q, ok := v.out.shows(keyMismatch); ok && v.noAnswer() {
					said.proves("The client says it.", q)
					return
				}
				if q, ok := v.out.shows(noKey); ok && v.noAnswer() {
					said.points("The client could not use its key.", q)
					if c := v.f.chain; c != nil && !c.keyed {
						said.exclude()
					}
					return
				}
				if !proof(v, said) {
					return
				}
				if c := v.f.chain; c != nil && !c.leafFirst() {
					said.exclude()
				} else if c != nil {
					said.proves("The sender's own certificate is the first of its file, so that it is the key that is wrong.")
				}
			},
		},
		{
			ID: "leaf-not-first", Station: journey.Sender, Reason: journey.HandshakeFailed, common: 2,
			Title:       "The sender's own certificate is not the first of those sent",
			Symptom:     "The handshake ends with the alert decrypt_error (51).",
			Evidence:    "The alert, and the order of the sender's chain file. No line in any access log.",
			Why:         "The first certificate is taken for the sender's own, and the proof of its key fails.",
			Fix:         "Put the sender's own certificate first into the file, then the one that issued it, and so on.",
			Check:       "Look at the order of the certificates: gatehouse pki inspect FILE.",
			Requirement: "LB-22", Needs: "the alert that the sender's client saw, and its chain", Mark: confirms, Source: "RFC 8446, section 4.4.2",
			judge: func(v *view, said *verdict) {
				if !proof(v, said) {
					return
				}
				if c := v.f.chain; c != nil && c.leafFirst() {
					said.exclude()
				} else if c != nil {
					said.proves("The first certificate of " + c.name + " is not the sender's own.")
				}
			},
		},
		{
			ID: "domain-requires-certificate", Station: journey.LoadBalancer, Reason: journey.CertificateRequired, common: 5,
			Title:       "The custom domain requires a client certificate, and the sender presented none",
			Symptom:     "The handshake ends with the alert certificate_required (116), with TLS 1.2 handshake_failure (40); no HTTP status, and no line in the access log.",
			Evidence:    "The alert, in the sender's message.",
			Why:         "The mode of the custom domain is require; default hosts would let the call go on and answer 401.",
			Fix:         "Configure the sender's certificate with its private key. If calls without certificate are wanted, set the mode of the SSL host to request (neo set-ssl-host).",
			Check:       "See whether the host is a custom domain, and its mode (neo list-ssl-hosts).",
			Requirement: "DOM-2", Needs: "the alert that the sender's client saw", Mark: confirms, Source: "NEO set-ssl-host",
			judge: func(v *view, said *verdict) {
				if demands(v, said) && v.out.alerted("certificate_required") {
					said.proves("This alert says that a certificate is mandatory and that none came.")
				} else if h, ok := v.lookedAt(); ok && h.ClientCertificate == connectivity.Demanded && said.level > 1 {
					said.proves("The host was looked at, and demands a certificate.")
				}
			},
		},
		{
			ID: "domain-refuses-certificate", Station: journey.LoadBalancer, Reason: journey.CertificateRequired, common: 4,
			Title:       "The custom domain requires a valid client certificate, and does not accept the sender's",
			Symptom:     "The handshake ends with an alert about the certificate (bad_certificate 42, unknown_ca 48); no HTTP status, and no line in the access log.",
			Evidence:    "The alert, in the sender's message; the CA bundle of the domain.",
			Why:         "In mode require an invalid certificate ends the handshake. A custom domain has a CA bundle of its own, which need not hold the roots of the default hosts.",
			Fix:         "Send a certificate of a CA in the custom domain's bundle with its whole chain, or add its root to the bundle (neo set-ssl-host with the bundle).",
			Check:       "Check the chain against the domain's CA bundle: gatehouse verify CHAIN --trust BUNDLE.",
			Requirement: "DOM-4", Scenario: "DOM-2", Needs: "the alert that the sender's client saw, and its chain", Mark: confirms, Source: "NEO set-ssl-host",
			judge: func(v *view, said *verdict) {
				if !refuses(v, said) {
					return
				}
				if c := v.f.chain; c != nil && c.report != nil && !c.report.OK && c.report.Unreadable == "" {
					said.proves(fmt.Sprintf("The chain %s does not pass: verify result %d, %s.", c.name, c.report.Code, c.report.Text))
					said.instead(c.report.Advice + " Or add the root to the CA bundle of the custom domain.")
				}
			},
		},
		{
			ID: "certificate-unreadable", Station: journey.LoadBalancer, Reason: journey.CertificateUnreadable, common: 1,
			Title:       "A certificate that the sender presents cannot be read",
			Symptom:     "The handshake ends with the alert decode_error (50) or bad_certificate (42).",
			Evidence:    "The alert, and the chain. No line in any access log.",
			Why:         "The certificate does not follow RFC 5280, or was damaged when it was copied.",
			Fix:         "Have the certificate issued again in a form that follows RFC 5280, and copy its file as it is.",
			Check:       "Look whether each certificate of the chain can be read: gatehouse pki inspect FILE.",
			Requirement: "LB-11", Needs: "the alert that the sender's client saw, and its chain", Mark: infers, Source: "RFC 8446, section 4.4.2",
			judge: func(v *view, said *verdict) {
				if !alerted("decode_error", "bad_certificate", "unsupported_certificate")(v, said) {
					return
				}
				c := v.f.chain
				switch {
				case c == nil:
				case c.report != nil && c.report.Unreadable != "":
					said.proves("A certificate of " + c.name + " cannot be read: " + c.report.Unreadable + ".")
				case len(c.certs) < len(c.presented):
					said.proves("A certificate of " + c.name + " cannot be read by every program.")
				default:
					said.exclude()
				}
			},
		},
	}
}

// leafFirst tells whether the first certificate that is presented is the sender's own.
func (c *chainFacts) leafFirst() bool {
	return len(c.presented) == 0 || c.leaf == nil || string(c.presented[0]) == string(c.leaf.Raw)
}

// quoted lists names for a sentence.
func quoted(names []string) string { return strings.Join(names, ", ") }
