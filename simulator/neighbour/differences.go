package neighbour

import (
	"crypto/tls"
	"slices"
)

// Difference is something that a neighbour does otherwise than Gatehouse's own load balancer.
type Difference struct {
	// What comes out differently.
	What string
	// Reason says why, and whose doing it is.
	Reason string
	// Defects are the ids of the defects of the catalogue that show it.
	Defects []string
	// Cases are the recorded chains (pki/verify/testdata/cases) that show it.
	Cases []string
	// Version is the version of TLS over which it shows, as crypto/tls numbers it. Default: all.
	Version uint16
}

// unreadableForGo is the same for every neighbour that uses OpenSSL: crypto/tls ends the handshake
// for certificates that it cannot parse, and that is Gatehouse's limit.
var unreadableForGo = Difference{
	What:    "Gatehouse ends the handshake, the other lets the call go on with a verify result",
	Reason:  "Go's crypto/tls reads every presented certificate before anybody can judge it, and refuses what it cannot parse; OpenSSL reads more",
	Defects: []string{"universal-cn", "bad-printable-cn", "algorithms-differ", "ec-explicit-parameters", "duplicate-extension", "malformed-san"},
	Cases:   []string{"53_ec_explicit_params", "56_bad_san", "59_extra_unparseable_for_go", "62_bad_chars_printable"},
}

// notNamed and the three behind it are Gatehouse's limits in the TLS layer, too.
var notNamed = Difference{
	What:    "Gatehouse sees no certificate, the other judges it",
	Reason:  "Go's crypto/tls names neither Ed448 nor those of RSA-PSS keys among the signatures that it takes, so that a sender with such a key sends no certificate",
	Defects: []string{"rsa-pss-key"},
	Cases:   []string{"52_ed448_leaf"},
}

var shortRSA = Difference{
	What:    "Gatehouse ends the handshake, the other answers 401 with verify result 66",
	Reason:  "Go's crypto/rsa verifies no signature of a key below 1024 bits, and so not the sender's proof that it has the key",
	Defects: []string{"rsa-1023"},
}

var shortestRSA = Difference{
	What:    "Over TLS 1.2 that is so with a key of 512 bits, too",
	Reason:  "for the signatures of TLS 1.3 such a key is too short, and no sender sends its certificate there",
	Defects: []string{"rsa-512"},
	Version: tls.VersionTLS12,
}

var oddCurve = Difference{
	What:    "Over TLS 1.2 Gatehouse takes a certificate with a key on P-224, the other ends the handshake",
	Reason:  "OpenSSL takes over TLS 1.2 only keys on curves that it offers for the key exchange (alert illegal_parameter, wrong curve), Go every key that it can read; over TLS 1.3 a sender with such a key sends no certificate to either",
	Defects: []string{"p-224"},
	Cases:   []string{"34b_p224_leaf"},
	Version: tls.VersionTLS12,
}

var depthUnknown = Difference{
	What:   "The record of a call does not tell at which depth the chain failed",
	Reason: "nginx has no variable that holds it",
}

// Differences lists what is known to come out differently. Tests send every defect and every recorded
// chain through both load balancers and find exactly these; others of the tests show the rest.
func Differences(kind Kind) []Difference {
	switch kind {
	case HAProxy:
		return []Difference{unreadableForGo, notNamed, shortRSA, shortestRSA, oddCurve, {
			What:    "HAProxy ends the handshake, Gatehouse answers 401 with the verify result",
			Reason:  "HAProxy 2.6 does not ignore the codes 32 to 63, although it is told to ignore all",
			Defects: []string{"ca-key-usage-missing", "name-not-permitted", "name-excluded", "unknown-critical-extension", "ca-unknown-critical-extension"},
			Cases:   []string{"22c_int_no_certsign", "25b_nc_excluded_violated", "25c_nc_cn_violated", "25e_nc_dirname_violated", "36a_unknown_critical_leaf", "36b_unknown_critical_int", "36g_proxy_cert"},
		}, {
			What:   "On a resumed session the verify result may be that of another refused chain with the same certificate and the same last error",
			Reason: "OpenSSL's session keeps the last error only, and the configuration remembers the first one by certificate and last error, for 10 minutes; the last error stands where it forgot",
		}}
	case Nginx:
		withCritical := unreadableForGo
		withCritical.Defects = append(slices.Clone(unreadableForGo.Defects), "critical-key-identifier")
		return []Difference{withCritical, notNamed, shortRSA, shortestRSA, oddCurve, depthUnknown, {
			What:   "The verify result is the last error, not the first",
			Reason: "nginx shows what is left at the end of the verification; the landscape's setting report: last does the same",
		}, {
			What:   "Custom domains in mode require end the connection after the handshake, without an alert",
			Reason: "nginx judges the certificate when the request has come, and can only close the connection then",
		}, {
			What:   "A call whose Host differs from the server name (SNI) is answered with 421",
			Reason: "nginx does so for hosts that ask for client certificates",
		}}
	default:
		return nil
	}
}
