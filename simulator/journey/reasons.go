package journey

import "slices"

// Reason tells why a station did not simply let a call pass. It is a stable word: suites and
// programs compare it, people read its sentence.
type Reason string

// The reasons, by station.
const (
	// Sender.
	CannotConnect     Reason = "cannot-connect"
	ServerNotTrusted  Reason = "server-not-trusted"
	ServerNameDiffers Reason = "server-name-differs"
	HandshakeEnded    Reason = "handshake-ended"
	NoAnswer          Reason = "no-answer"
	KeyDoesNotFit     Reason = "key-does-not-fit"
	// Load balancer.
	CertificateNotAccepted Reason = "certificate-not-accepted"
	CertificateRequired    Reason = "certificate-required"
	CertificateUnreadable  Reason = "certificate-unreadable"
	TLSVersionNotOffered   Reason = "tls-version-not-offered"
	NotTLS                 Reason = "not-tls"
	HandshakeTimeout       Reason = "handshake-timeout"
	HandshakeFailed        Reason = "handshake-failed"
	SenderEndedHandshake   Reason = "sender-ended-handshake"
	HeaderTooLarge         Reason = "header-too-large"
	BadRequest             Reason = "bad-request"
	RequestTimeout         Reason = "request-timeout"
	NoNodeAvailable        Reason = "no-node-available"
	// Runtime node.
	NoIdentity            Reason = "no-identity"
	TrailingSpaceInCN     Reason = "trailing-space-in-cn"
	ForwardedBadly        Reason = "forwarded-badly"
	PasswordWrong         Reason = "password-wrong"
	UserUnknown           Reason = "user-unknown"
	UserOnlyInMapping     Reason = "user-only-in-mapping"
	UserOnlyInCredentials Reason = "user-only-in-credentials"
	TokenNotValid         Reason = "token-not-valid"
	// Endpoint.
	NothingDeployed  Reason = "nothing-deployed"
	MethodNotAllowed Reason = "method-not-allowed"
	FlowRestarting   Reason = "flow-restarting"
	// Channel authorization.
	RoleMissing           Reason = "role-missing"
	NotMapped             Reason = "not-mapped"
	DNsNotInTable         Reason = "dns-not-in-table"
	NoCertificateForTable Reason = "no-certificate-for-table"
	CSRFTokenMissing      Reason = "csrf-token-missing"
	CSRFTokenFetched      Reason = "csrf-token-fetched"
	// Flow.
	BodyTooLarge Reason = "body-too-large"
	BodyStalled  Reason = "body-stalled"
	FlowFailed   Reason = "flow-failed"
)

// About is what the catalogue says of a reason.
type About struct {
	Station Station
	// Sentence says what happened, without the names of one call.
	Sentence string
	// Fix says what to change and where.
	Fix string
	// Requirement is the id in the requirement catalogue.
	Requirement string
}

// Reasons lists all reasons in alphabetical order.
func Reasons() []Reason {
	out := make([]Reason, 0, len(catalogue))
	for r := range catalogue {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

// About returns what the catalogue says of the reason, and whether it knows it.
func (r Reason) About() (About, bool) {
	a, ok := catalogue[r]
	return a, ok
}

// Sentence says what the reason means, or repeats an unknown one.
func (r Reason) Sentence() string {
	if a, ok := catalogue[r]; ok {
		return a.Sentence
	}
	return string(r)
}

// Fix says what to change; empty for an unknown reason.
func (r Reason) Fix() string { return catalogue[r].Fix }

// Requirement is the requirement that the reason belongs to; empty for an unknown reason.
func (r Reason) Requirement() string { return catalogue[r].Requirement }
