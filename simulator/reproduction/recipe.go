package reproduction

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
)

// who tells as whom the failing call is recognised.
type who int

const (
	nobody who = iota
	user
	certificate // one that is not mapped: <CN>@<CN of the issuer> [C]
)

// recipe tells how to bring a cause about, and what it looks like where the evidence does not tell.
type recipe struct {
	// status is the HTTP status; 0 if no answer comes. code is the verify result, 0 if none is told.
	status, code int
	principal    who
	// path is one that shows the cause, if the usual one does not.
	path string
	// address is the address of the channel for a path that is called. Default: the path.
	address func(path string) string
	// domain: it takes a custom domain.
	domain bool
	// reason is that of the landscape's record. Default: the cause's.
	reason journey.Reason
	// make breaks one of the two good landscapes of the draft.
	make func(d *draft)
}

// recipes are those of all stations, by the cause's id.
var recipes = sync.OnceValue(func() map[string]recipe {
	all := map[string]recipe{}
	for _, some := range []map[string]recipe{handshakeRecipes(), chainRecipes(), defectRecipes(), identityRecipes(), endpointRecipes(), mappingRecipes(), roleRecipes(), tableRecipes(), flowRecipes()} {
		maps.Copy(all, some)
	}
	return all
})

// sender changes the caller of the landscape with the cause.
func sender(change func(s *simulator.Sender)) func(*draft) {
	return func(d *draft) { change(&d.broken.Senders[0]) }
}

// way lets the failing call be made in a way.
func way(words string) func(*draft) {
	return func(d *draft) { d.call.ways = append(d.call.ways, words) }
}

// handshakeRecipes are those of calls that end before HTTP.
func handshakeRecipes() map[string]recipe {
	return map[string]recipe{
		"server-not-trusted": {make: func(d *draft) {
			stranger(&d.broken)
			d.broken.Senders[0].Trusts = []string{strangerRoot}
		}},
		"server-name-differs": {make: func(d *draft) { d.call.host = "wrong.example" }},
		"not-tls": {make: func(d *draft) {
			d.instead = []string{
				`When a connection does "plain-http"`, `Then the call is refused at the load balancer because of "not-tls"`,
				"And there is no HTTP answer", "And the access log has no line of the call",
			}
		}},
		"tls-version-too-old": {make: sender(func(s *simulator.Sender) { s.TLS = "1.1" })},
		"key-does-not-fit": {make: func(d *draft) {
			d.broken.PKI = append(d.broken.PKI, pki.Description{Name: "another", Subject: "CN=another.example, O=Example, C=DE", Issuer: rootName})
			d.broken.Senders[0].KeyOf = "another"
		}},
		"leaf-not-first": {reason: journey.KeyDoesNotFit, make: sender(func(s *simulator.Sender) { s.Sends = "leaf-last" })},
		"domain-requires-certificate": {domain: true, make: func(d *draft) {
			d.both(func(l *simulator.Landscape) { require(l) })
			d.broken.Senders[0].Certificate = ""
		}},
		"domain-refuses-certificate": {domain: true, make: func(d *draft) {
			d.both(func(l *simulator.Landscape) { require(l) })
			stranger(&d.broken)
			d.trust(&d.broken, strangerRoot)
		}},
		"certificate-unreadable": {make: defect("malformed-san", flaw{})},
	}
}

func require(l *simulator.Landscape) {
	if len(l.LoadBalancer.Domains) > 0 {
		l.LoadBalancer.Domains[0].Mode = "require"
	}
}

// unlisted lets the load balancer trust another CA than the caller's. In the mended landscape the
// caller has a certificate of that one, with the same subject.
func unlisted(d *draft) {
	d.both(stranger)
	d.trust(&d.broken, strangerRoot)
	d.trust(&d.mended, strangerRoot)
	entry(&d.mended, callerName).Issuer = strangerRoot
	if d.known.Code == 19 {
		// A self-signed certificate in the chain: the sender sends its root too.
		d.broken.Senders[0].Sends = "with-root"
	}
	d.last(21)
	d.invent("%s stands for a CA that the load balancer trusts.", strangerRoot)
}

// last lets the load balancer report the last error where the evidence shows a verify result that
// only comes about so.
func (d *draft) last(code int) {
	if d.known.Code == code {
		d.both(func(l *simulator.Landscape) { l.LoadBalancer.Verification.Report = "last" })
		d.invent("The load balancer reports the last of several errors: only so the verify result is %d.", code)
	}
}

// chainRecipes are those of chains that do not lead to a trusted root.
func chainRecipes() map[string]recipe {
	return map[string]recipe{
		"chain-not-sent": {status: 401, code: 20, make: func(d *draft) {
			d.broken.Senders[0].Sends = "leaf-only"
			d.last(21)
		}},
		"ca-not-listed": {status: 401, code: 20, make: unlisted},
		"internal-ca": {status: 401, code: 19, make: func(d *draft) {
			if !d.known.Logged {
				d.broken.Senders[0].Sends = "with-root"
			}
			unlisted(d)
		}},
		"ca-left-list": {status: 401, code: 20, make: unlisted},
		"sap-passport": {status: 401, code: 20, make: unlisted},
		"intermediate-as-anchor": {status: 401, code: 2, domain: true, make: func(d *draft) {
			d.trust(&d.broken, entry(&d.broken, callerName).Issuer)
		}},
		"domain-bundle-wrong": {status: 401, code: 20, domain: true, make: func(d *draft) {
			stranger(&d.broken)
			d.trust(&d.broken, strangerRoot)
			d.last(21)
		}},
		"path-too-long": {status: 401, code: 25, make: func(d *draft) {
			limited := func(c Described) bool { return c.PathLen != nil }
			if len(d.known.Chain) < 3 || !slices.ContainsFunc(d.known.Chain, limited) {
				none := 0
				issuer := entry(&d.broken, callerName).Issuer
				entry(&d.broken, issuer).PathLen = &none
				deep := below(&d.broken, issuer)
				entry(&d.broken, callerName).Issuer = deep
			}
			for i := range d.mended.PKI {
				d.mended.PKI[i].PathLen = nil
			}
		}},
	}
}

// below adds a CA below another.
func below(l *simulator.Landscape, issuer string) string {
	l.PKI = append(l.PKI, pki.Description{Name: "too-deep", Subject: "CN=Example Sub CA, O=Example, C=DE", Issuer: issuer, CA: true})
	return "too-deep"
}

// flaw is what is wrong with a customer's certificate.
type flaw struct {
	// shows tells whether a certificate of the chain has it by itself; mend takes it away.
	shows func(c Described, at time.Time) bool
	mend  func(c *pki.Description)
	// above: it is looked for in the CAs, and not in the sender's own certificate.
	above bool
}

// in tells whether the customer's chain has the flaw.
func (f flaw) in(k Known) bool {
	if f.shows == nil || len(k.Chain) == 0 {
		return false
	}
	if f.above {
		return slices.ContainsFunc(k.Chain[1:], func(c Described) bool { return f.shows(c, k.At) })
	}
	return f.shows(k.Chain[0], k.At)
}

// defect breaks the caller's certificate in one way, unless the customer's has the flaw by itself; the
// mended landscape has the same certificates without it.
func defect(id string, f flaw) func(*draft) {
	return func(d *draft) {
		if f.in(d.known) {
			for i := range d.mended.PKI {
				if one := &d.mended.PKI[i]; f.above != (one.Name == callerName) {
					f.mend(one)
				}
			}
		} else {
			entry(&d.broken, callerName).Defect = id
			if len(pki.Validate(d.broken.PKI)) > 0 {
				// What it has of the customer's does not go with the defect.
				d.both(func(l *simulator.Landscape) { plainMake(entry(l, callerName)) })
				entry(&d.broken, callerName).Defect = id
				d.invent("Dates, usages and type of key of the sender's certificate: the customer's do not go with the defect %s.", id)
			}
			delete(d.none, callerName)
		}
		switch d.known.Code {
		case 24: // X509_V_ERR_INVALID_CA until OpenSSL 1.1; 79 since [C openssl-verification.md]
			d.both(func(l *simulator.Landscape) { l.LoadBalancer.Verification.Numbering = "1.1" })
		case 21:
			d.last(21)
		}
	}
}

// defectRecipes are those of certificates that are broken.
func defectRecipes() map[string]recipe {
	refused := func(code int, id string, f flaw) recipe {
		return recipe{status: 401, code: code, make: defect(id, f)}
	}
	noDates := func(c *pki.Description) { c.NotBefore, c.NotAfter = pki.Moment{}, pki.Moment{} }
	expired := func(c Described, at time.Time) bool { return c.NotAfter.Before(at) }
	early := func(c Described, at time.Time) bool { return c.NotBefore.After(at) }
	noClient := func(c Described, _ time.Time) bool {
		return len(c.Usage) > 0 && !contains(c.Usage, "clientAuth") && !contains(c.Usage, "any")
	}
	forServers := flaw{shows: noClient, mend: func(c *pki.Description) { c.Usage = append([]string{"clientAuth"}, c.Usage...) }}
	return map[string]recipe{
		"wrong-intermediate":          refused(20, "wrong-intermediate", flaw{}),
		"self-signed":                 refused(18, "self-signed", flaw{}),
		"certificate-expired":         refused(10, "expired", flaw{shows: expired, mend: noDates}),
		"ca-expired":                  refused(10, "intermediate-expired", flaw{shows: expired, mend: noDates, above: true}),
		"certificate-not-yet-valid":   refused(9, "not-yet-valid", flaw{shows: early, mend: noDates}),
		"server-certificate":          refused(26, "server-only", forServers),
		"renewal-without-client-auth": refused(26, "server-only", forServers),
		"ca-without-client-auth":      refused(26, "ca-server-only", flaw{shows: noClient, mend: withoutUsages, above: true}),
		"broken-signature":            refused(7, "broken-signature", flaw{}),
		"issuer-is-no-ca":             refused(79, "issuer-not-ca", flaw{}),
		"name-not-allowed":            refused(47, "name-not-permitted", flaw{}),
		"weak-key":                    refused(66, "rsa-1024", flaw{}),
		"weak-ca-key":                 refused(67, "ca-rsa-1024", flaw{}),
		"weak-digest":                 refused(68, "sha1", flaw{}),
		"unknown-critical-extension":  refused(34, "unknown-critical-extension", flaw{}),
		"malformed-certificate":       refused(14, "date-without-seconds", flaw{}),
	}
}

// withoutPrefix are the prefixes of endpoints, the longer ones first [C: CI].
var prefixes = []string{"/as2/as2/", "/as2/mdn/", "/gw/odata/", "/http/", "/cxf/"}

// split divides a path into the prefix of its kind of endpoint and the rest.
func splitPath(path string) (prefix, rest string) {
	for _, p := range prefixes {
		if len(path) > len(p) && strings.EqualFold(path[:len(p)], p) {
			return path[:len(p)], path[len(p):]
		}
	}
	return "", path
}

// flip changes the case of a text's first letter that has one.
func flip(s string) string {
	for i, r := range s {
		if up := strings.ToUpper(string(r)); up != string(r) {
			return s[:i] + up + s[i+len(string(r)):]
		}
		if low := strings.ToLower(string(r)); low != string(r) {
			return s[:i] + low + s[i+len(string(r)):]
		}
	}
	return s + "x"
}

func quoted(format string, args ...any) string { return fmt.Sprintf(format, args...) }
