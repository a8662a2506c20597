package neighbour

import "slices"

// Difference is something that a neighbour does otherwise than Gatehouse's own load balancer.
type Difference struct {
	// What comes out differently.
	What string
	// Reason says why, and whose doing it is.
	Reason string
	// Defects are the ids of the defects of the catalogue that show it.
	Defects []string
}

// unreadableForGo is the same for every neighbour that uses OpenSSL: crypto/tls ends the handshake
// for certificates that it cannot parse, and that is Gatehouse's limit.
var unreadableForGo = Difference{
	What:    "Gatehouse ends the handshake, the other lets the call go on with a verify result",
	Reason:  "Go's crypto/tls reads every presented certificate before anybody can judge it, and refuses what it cannot parse; OpenSSL reads more",
	Defects: []string{"universal-cn", "bad-printable-cn", "algorithms-differ", "ec-explicit-parameters", "serial-negative", "duplicate-extension", "malformed-san", "chain-with-unreadable-extra"},
}

var depthUnknown = Difference{
	What:   "The record of a call does not tell at which depth the chain failed",
	Reason: "nginx has no variable that holds it",
}

// Differences lists what is known to come out differently. A test sends every defect through both
// load balancers and finds exactly these; others of the tests show the rest.
func Differences(kind Kind) []Difference {
	switch kind {
	case HAProxy:
		return []Difference{unreadableForGo, {
			What:    "HAProxy ends the handshake, Gatehouse answers 401 with the verify result",
			Reason:  "HAProxy 2.6 does not ignore the codes 32 to 63, although it is told to ignore all",
			Defects: []string{"ca-key-usage-missing", "name-not-permitted", "name-excluded", "unknown-critical-extension", "ca-unknown-critical-extension"},
		}, {
			What:   "On a resumed session the verify result may be that of another refused chain with the same certificate and the same last error",
			Reason: "OpenSSL's session keeps the last error only, and the configuration remembers the first one by certificate and last error, for 10 minutes; the last error stands where it forgot",
		}}
	case Nginx:
		withCritical := unreadableForGo
		withCritical.Defects = append(slices.Clone(unreadableForGo.Defects), "critical-key-identifier")
		return []Difference{withCritical, depthUnknown, {
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
