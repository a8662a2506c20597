package diagnosis_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
)

// domain gives the landscape a custom domain.
func domain(mode string, trust ...string) func(l *simulator.Landscape) {
	return func(l *simulator.Landscape) {
		l.LoadBalancer.Domains = []simulator.Domain{{Host: "orders.example", Mode: mode, Trust: trust}}
	}
}

func onDomain(r *run) func(*sender.Call) {
	return func(c *sender.Call) { c.URL = r.sim.URLOn("orders.example", c.URL) }
}

func ordinary(name string) func(*run) { return func(r *run) { r.call(name, "/http/orders") } }

// changed lets the landscape's first sender be another.
func changed(change func(s *simulator.Sender)) func(*simulator.Landscape) {
	return func(l *simulator.Landscape) { change(&l.Senders[0]) }
}

// senderProofs are those of calls that leave no line.
func senderProofs() []proof {
	return []proof{
		{
			id: "server-not-trusted", reason: journey.ServerNotTrusted, beside: withCurl, calls: ordinary("warehouse"),
			landscape: changed(func(s *simulator.Sender) { s.Trusts = []string{"stranger-root"} }),
		},
		{
			id: "server-name-differs", reason: journey.ServerNameDiffers, beside: withCurl,
			calls: func(r *run) {
				r.call("warehouse", "/http/orders", func(c *sender.Call) { c.URL = "https://wrong.example/http/orders" })
			},
		},
		{
			id: "host-unknown", reason: journey.CannotConnect, beside: withCurl,
			calls: func(r *run) {
				r.call("warehouse", "/http/orders", func(c *sender.Call) { c.Address = "nosuchhost.invalid:443" })
			},
		},
		{
			id: "cannot-connect", reason: journey.CannotConnect, beside: withCurl,
			calls: func(r *run) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(r.t, err)
				require.NoError(r.t, l.Close()) // nobody listens there now
				r.call("warehouse", "/http/orders", func(c *sender.Call) { c.Address = l.Addr().String() })
			},
		},
		{
			id: "not-tls", reason: journey.CannotConnect, beside: withCurl,
			calls: func(r *run) {
				plain := httptest.NewServer(http.NotFoundHandler())
				r.t.Cleanup(plain.Close)
				one, err := r.sim.Sender("warehouse")
				require.NoError(r.t, err)
				result, err := one.Do(r.t.Context(), sender.Call{URL: r.sim.URL("/http/orders"), Address: plain.Listener.Addr().String()})
				require.NoError(r.t, err)
				// The landscape never saw the call: there is the sender's record only.
				r.results = append(r.results, simulator.Outcome{Result: result, Journey: journey.Journey{Started: result.At}.WithSender(result.Stop())})
			},
		},
		{
			id: "tls-version-too-old", reason: journey.TLSVersionNotOffered, beside: withCurl, calls: ordinary("warehouse"),
			landscape: changed(func(s *simulator.Sender) { s.TLS = "1.1" }),
		},
		{
			id: "key-does-not-fit", reason: journey.KeyDoesNotFit, calls: ordinary("warehouse"),
			landscape: changed(func(s *simulator.Sender) { s.KeyOf = "shop" }),
			beside: both(withCurl, func(r *run, e *diagnosis.Evidence) {
				e.Sender = r.store(r.certificate("warehouse").Presented(), nil)
				e.Trust = r.trusts("root")
			}),
		},
		{
			id: "leaf-not-first", calls: ordinary("warehouse"),
			landscape: changed(func(s *simulator.Sender) { s.Sends = "leaf-last" }),
			beside: both(withCurl, func(r *run, e *diagnosis.Evidence) {
				c := r.certificate("warehouse").Presented()
				e.Sender = r.store([][]byte{c[1], c[0]}, r.certificate("warehouse"))
				e.Trust = r.trusts("root")
			}),
		},
		{
			id: "domain-requires-certificate", reason: journey.CertificateRequired, beside: withCurl,
			landscape: domain("require", "root"),
			calls:     func(r *run) { r.call("nobody", "/http/orders", onDomain(r)) },
		},
		{
			id: "domain-refuses-certificate", reason: journey.CertificateRequired,
			landscape: domain("require", "stranger-root"),
			calls:     func(r *run) { r.call("warehouse", "/http/orders", onDomain(r)) },
			beside:    both(withCurl, withChain("warehouse", "stranger-root")),
		},
		{
			id: "certificate-unreadable", reason: journey.CertificateUnreadable, calls: ordinary("warehouse"),
			landscape: broken("serial-negative"), beside: both(withCurl, withChain("broken", "root")),
		},
	}
}

// broken lets the sender use a certificate with a defect, as a renewal of the good one would be.
func broken(defect string) func(*simulator.Landscape) {
	return func(l *simulator.Landscape) {
		l.PKI = append(l.PKI, pki.Description{Name: "broken", Like: "warehouse", Defect: defect})
		l.Senders[0].Certificate = "broken"
	}
}

// refused makes the proof of a cause that a defect brings about: the trace tells its verify result.
func refused(id, defect string, beside func(*run, *diagnosis.Evidence)) proof {
	return proof{id: id, landscape: broken(defect), calls: ordinary("warehouse"), reason: journey.CertificateNotAccepted, beside: beside}
}

// below makes CAs of given names, and lets the sender have a certificate below them.
func below(root, leaf string) func(*simulator.Landscape) {
	return func(l *simulator.Landscape) {
		l.PKI = append(l.PKI,
			pki.Description{Name: "other-root", Subject: root, CA: true},
			pki.Description{Name: "other-issuing", Subject: "CN=Other Issuing CA, O=Other, C=DE", Issuer: "other-root", CA: true},
			pki.Description{Name: "other", Subject: leaf, Issuer: "other-issuing"})
		l.Senders[0].Certificate = "other"
	}
}

// withWholeChain gives a chain with its root.
func withWholeChain(name string, trust ...string) func(*run, *diagnosis.Evidence) {
	return func(r *run, e *diagnosis.Evidence) {
		var chain [][]byte
		for _, c := range r.certificate(name).FullChain() {
			chain = append(chain, c.Raw)
		}
		e.Sender, e.Trust = r.store(chain, r.certificate(name)), r.trusts(trust...)
	}
}

// chainProofs are those of certificates that the load balancer does not accept.
func chainProofs() []proof {
	const leaf = "CN=warehouse.example, O=Example, C=DE"
	own := withChain("broken", "root")
	return []proof{
		{
			id: "chain-not-sent", reason: journey.CertificateNotAccepted, calls: ordinary("warehouse"), beside: withChain("warehouse", "root"),
			landscape: changed(func(s *simulator.Sender) { s.Sends = "leaf-only" }),
		},
		refused("wrong-intermediate", "wrong-intermediate", own),
		{
			id: "ca-not-listed", reason: journey.CertificateNotAccepted, calls: ordinary("warehouse"), beside: withChain("other", "root"),
			landscape: below("CN=ISRG Root X1, O=Internet Security Research Group, C=US", leaf),
		},
		{
			id: "internal-ca", reason: journey.CertificateNotAccepted, calls: ordinary("warehouse"), beside: withWholeChain("other", "root"),
			landscape: below("CN=Corporate Root CA, O=Corporation, C=DE", leaf),
		},
		{
			id: "ca-left-list", reason: journey.CertificateNotAccepted, calls: ordinary("warehouse"), beside: withChain("other", "root"),
			landscape: below("CN=AddTrust External CA Root, OU=AddTrust External TTP Network, O=AddTrust AB, C=SE", leaf),
		},
		{
			id: "sap-passport", reason: journey.CertificateNotAccepted, calls: ordinary("warehouse"),
			landscape: below("CN=SAP Passport CA, O=SAP Trust Community, C=DE", "CN=S0012345678, O=SAP Trust Community, C=DE"),
		},
		refused("self-signed", "self-signed", nil),
		{
			id: "intermediate-as-anchor", reason: journey.CertificateNotAccepted,
			landscape: domain("request", "issuing"),
			calls:     func(r *run) { r.call("warehouse", "/http/orders", onDomain(r)) },
		},
		{
			id: "domain-bundle-wrong", reason: journey.CertificateNotAccepted, beside: withChain("warehouse", "root"),
			landscape: domain("request", "stranger-root"),
			calls:     func(r *run) { r.call("warehouse", "/http/orders", onDomain(r)) },
		},
		refused("certificate-expired", "expired", own),
		refused("ca-expired", "intermediate-expired", own),
		refused("certificate-not-yet-valid", "not-yet-valid", nil),
		refused("server-certificate", "server-only", own),
		{
			id: "renewal-without-client-auth", reason: journey.CertificateNotAccepted,
			landscape: func(l *simulator.Landscape) {
				l.PKI = append(l.PKI, pki.Description{Name: "renewed", Like: "warehouse", Defect: "server-only"})
				l.Senders = append(l.Senders, simulator.Sender{Name: "renewed", Certificate: "renewed"})
			},
			calls: func(r *run) {
				r.call("warehouse", "/http/orders")
				r.sim.Clock().Advance(time.Hour)
				r.call("renewed", "/http/orders")
			},
		},
		refused("ca-without-client-auth", "ca-server-only", own),
		refused("broken-signature", "broken-signature", nil),
		refused("issuer-is-no-ca", "issuer-not-ca", nil),
		{
			id: "path-too-long", reason: journey.CertificateNotAccepted, calls: ordinary("warehouse"),
			landscape: func(l *simulator.Landscape) {
				none := 0
				l.PKI = append(l.PKI,
					pki.Description{Name: "short", Subject: "CN=Example Short CA, O=Example, C=DE", Issuer: "root", CA: true, PathLen: &none},
					pki.Description{Name: "below-short", Subject: "CN=Example Low CA, O=Example, C=DE", Issuer: "short", CA: true},
					pki.Description{Name: "low", Subject: leaf, Issuer: "below-short"})
				l.Senders[0].Certificate = "low"
			},
		},
		refused("name-not-allowed", "name-not-permitted", nil),
		refused("weak-key", "rsa-1024", nil),
		refused("weak-ca-key", "ca-rsa-1024", nil),
		refused("weak-digest", "sha1", nil),
		refused("unknown-critical-extension", "unknown-critical-extension", nil),
		{
			id: "revoked", beside: nil,
			// The landscape's load balancer knows no CRL: the records are written as it would.
			calls: func(r *run) { r.call("warehouse", "/http/orders"); r.traceInstead(23) },
		},
		refused("malformed-certificate", "date-without-seconds", nil),
	}
}
