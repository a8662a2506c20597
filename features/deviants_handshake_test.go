package features_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"sync"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/steps/target"
)

// handshakeDeviants are load balancers that shake hands wrongly.
func handshakeDeviants() []deviant {
	resumed := "A resumed session keeps "
	return []deviant{
		{"demands a certificate on the default host", "LB-1", "A sender without a certificate completes the handshake and gets an HTTP answer", func() simulator.Parts {
			return simulator.Parts{Host: func(h loadbalancer.Host) loadbalancer.Host {
				h.Mode = loadbalancer.Require
				return h
			}}
		}, false},
		{"never asks for a certificate", "SND-1", "A sender with a trusted certificate and its whole chain gets in", shaking(func(_ loadbalancer.Host, c *tls.Config) { c.ClientAuth = tls.NoClientCert }), true},
		{"names no CA", "LB-2", "The load balancer names its root certificates and nothing else", shaking(func(_ loadbalancer.Host, c *tls.Config) { c.ClientCAs = nil }), false},
		{"offers TLS 1.1", "LB-17", "TLS 1.1 is refused", shaking(func(_ loadbalancer.Host, c *tls.Config) { c.MinVersion = tls.VersionTLS10 }), false},
		{"offers TLS 1.3 only", "LB-17", "TLS 1.2 is offered", shaking(func(_ loadbalancer.Host, c *tls.Config) { c.MinVersion = tls.VersionTLS13 }), false},
		{"does not offer TLS 1.3", "LB-17", "TLS 1.3 is offered", shaking(func(_ loadbalancer.Host, c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), false},
		{"resumes no session", "LB-15", resumed + "an accepted certificate", shaking(func(_ loadbalancer.Host, c *tls.Config) { c.SessionTicketsDisabled = true }), false},
		{"lets everybody in where a certificate is required", "DOM-2", "In mode require a call without certificate ends in the handshake", shaking(func(h loadbalancer.Host, c *tls.Config) {
			if h.Mode == loadbalancer.Require {
				c.ClientAuth, c.VerifyConnection = tls.RequestClientCert, nil
			}
		}), false},
		{"lets any certificate in where one is required", "DOM-2", "In mode require a certificate that has expired ends the handshake", shaking(func(h loadbalancer.Host, c *tls.Config) {
			if h.Mode == loadbalancer.Require {
				c.VerifyConnection = nil
			}
		}), false},
		{"insists where a certificate is requested", "DOM-1", "In mode request the domain does not insist", shaking(func(h loadbalancer.Host, c *tls.Config) {
			if h.Name != target.BaseHost {
				c.ClientAuth = tls.RequireAnyClientCert
			}
		}), false},
		{"asks for a certificate in mode none", "DOM-3", "In mode none no certificate is asked for", shaking(func(h loadbalancer.Host, c *tls.Config) {
			if h.Mode == loadbalancer.None {
				c.ClientAuth = tls.RequestClientCert
			}
		}), false},
		{"forgets the certificate of a resumed session", "LB-15", resumed + "an accepted certificate", forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			if p.TLS.Resumed {
				p.Identity = forwarding.Identity{}
			}
			honest(h, p)
		}), false},
		{"resumes a session with the certificate of another", "LB-15", resumed + "its own certificate, whoever called in between", func() simulator.Parts {
			var mu sync.Mutex
			var newest forwarding.Identity
			return forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
				mu.Lock()
				defer mu.Unlock()
				if p.TLS.Resumed {
					p.Identity = newest
				}
				newest = p.Identity
				honest(h, p)
			})()
		}, false},
		{"accepts a refused certificate when the session is resumed", "LB-15", resumed + "the refusal of a certificate", func() simulator.Parts {
			var mu sync.Mutex
			var good forwarding.Identity
			return forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
				mu.Lock()
				defer mu.Unlock()
				if p.Identity.Accepted() {
					good = p.Identity
				} else if p.TLS.Resumed && p.Identity.Presented() {
					p.Identity = good
				}
				honest(h, p)
			})()
		}, false},
		{"takes every host for the default one", "LB-23", "A custom domain is picked by its name", forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			p.Host = target.BaseHost
			honest(h, p)
		}), false},
	}
}

// shaking changes the settings of handshakes.
func shaking(change func(loadbalancer.Host, *tls.Config)) func() simulator.Parts {
	return func() simulator.Parts {
		return simulator.Parts{LoadBalancer: loadbalancer.Parts{TLS: change}}
	}
}

type forward = func(http.Header, loadbalancer.Passing)

// forwardingAs exchanges what writes the headers for the node.
func forwardingAs(exchange func(h http.Header, p loadbalancer.Passing, honest forward)) func() simulator.Parts {
	return func() simulator.Parts {
		return simulator.Parts{LoadBalancer: loadbalancer.Parts{Forward: exchange}}
	}
}

// forwardingDeviants are load balancers that tell the node the wrong things.
func forwardingDeviants() []deviant {
	header := func(name string) string {
		return "A certificate that a sender writes into the header " + name + " lets nobody in"
	}
	unseen := func(name string) string { return "The header " + name + " of a sender does not reach the flow" }
	return []deviant{
		{"keeps the client's own headers", "LB-9", header("SSL_CLIENT_CERT"), keeping(func(string) bool { return true }), false},
		{"removes only the exact spelling of a header", "LB-9", header("SSL-Client-Cert"), forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			// A server behind takes "-" for "_".
			sent := h.Get("SSL-Client-Cert")
			honest(h, p)
			if sent != "" && !p.Identity.Presented() {
				h.Set(forwarding.CertificateHeader, sent)
			}
		}), false},
		{"prefers a certificate in the client's header", "LB-9", "A sender's own certificate goes before one that it writes into the header", forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			sent := h.Get(forwarding.CertificateHeader)
			honest(h, p)
			if sent != "" && p.Identity.Accepted() {
				h.Set(forwarding.CertificateHeader, sent)
			}
		}), false},
		{"lets a header replace a refused certificate", "LB-9", "A refused certificate cannot be replaced by a header", forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			sent := h.Get(forwarding.CertificateHeader)
			if sent != "" && p.Identity.Result != 0 {
				p.Identity = forwarding.Identity{}
			}
			honest(h, p)
			if sent != "" && !p.Identity.Presented() {
				h.Set(forwarding.CertificateHeader, sent)
			}
		}), false},
		{"keeps X-Real-IP", "LB-9", unseen("X-Real-IP"), keeping(func(name string) bool { return name == "X-Real-Ip" }), false},
		{"keeps Forwarded", "LB-9", unseen("Forwarded"), keeping(func(name string) bool { return name == "Forwarded" }), false},
		{"lets a sender choose its address", "LB-12", "A sender cannot choose the address that is logged", keeping(func(name string) bool { return name == "X-Forwarded-For" }), false},
		{"does not pass the sender's address on", "LB-12", "The sender's address is passed on", forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			honest(h, p)
			h.Del(forwarding.ClientAddressHeader)
		}), false},
		{"passes no SSL_CLIENT_USER", "LB-8", "An accepted certificate is passed on as a whole", forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			honest(h, p)
			h.Del(forwarding.UserHeader)
		}), false},
		{"says nothing of a refused certificate", "LB-10", "Of a refused certificate the node learns subject and verify result, and the flow nothing", forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			if p.Identity.Result != 0 {
				p.Identity = forwarding.Identity{}
			}
			honest(h, p)
		}), false},
		{"turns the subject DN round", "TRC-5", "The subject DN stands in the order of the certificate", forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
			parts := strings.Split(p.Identity.Subject, ", ")
			for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
				parts[i], parts[j] = parts[j], parts[i]
			}
			p.Identity.Subject = strings.Join(parts, ", ")
			honest(h, p)
		}), false},
	}
}

// keeping keeps those of the reserved headers that the sender wrote.
func keeping(keep func(name string) bool) func() simulator.Parts {
	return forwardingAs(func(h http.Header, p loadbalancer.Passing, honest forward) {
		sent := h.Clone()
		honest(h, p)
		for name, values := range sent {
			if keep(name) {
				h[name] = values
			}
		}
	})
}
