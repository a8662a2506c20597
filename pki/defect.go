package pki

import (
	"fmt"
	"slices"
)

// Level is the place in a chain that a defect concerns.
type Level string

// The levels.
const (
	// AtLeaf: the certificate itself.
	AtLeaf Level = "leaf"
	// AtIntermediate: the CA that issued it, which must not be the root.
	AtIntermediate Level = "intermediate"
	// AtRoot: the root above it.
	AtRoot Level = "root"
	// AtChain: no certificate, but the chain as it is presented.
	AtChain Level = "chain"
)

func (k kind) level() Level {
	switch k {
	case rootKind:
		return AtRoot
	case intermediateKind:
		return AtIntermediate
	default:
		return AtLeaf
	}
}

// Group is a part of the catalogue.
type Group string

// The groups, in the order of the catalogue.
const (
	Time       Group = "time"
	Names      Group = "names"
	Usages     Group = "usage"
	CARules    Group = "CA rules"
	Signatures Group = "signatures"
	Keys       Group = "keys"
	Serials    Group = "serials"
	Extensions Group = "extensions"
	ChainSent  Group = "chain"
	Trust      Group = "trust"
	Revocation Group = "revocation"
)

// Groups lists the groups in the order of the catalogue.
func Groups() []Group {
	return []Group{Time, Names, Usages, CARules, Signatures, Keys, Serials, Extensions, ChainSent, Trust, Revocation}
}

// GoVerdict is what crypto/x509 answers to the defect, for the key usage ClientAuth and with the
// presented certificates as intermediates.
type GoVerdict string

// The verdicts of crypto/x509. It has no code for a revoked certificate: it reads no CRL unless
// the caller does.
const (
	GoAccepted          GoVerdict = "accepted"
	GoUnparsable        GoVerdict = "cannot be parsed"
	GoExpired           GoVerdict = "expired" // too early has the same reason
	GoUnknownAuthority  GoVerdict = "unknown authority"
	GoIncompatibleUsage GoVerdict = "incompatible usage"
	GoNotCA             GoVerdict = "not authorized to sign"
	GoTooManyAbove      GoVerdict = "too many intermediates"
	GoUnhandledCritical GoVerdict = "unhandled critical extension"
	GoNoValidChain      GoVerdict = "no valid chain" // a certificate policy is required and there is none
)

// Handshake is what becomes of a TLS handshake between crypto/tls on both sides, where the server
// asks for a certificate and looks at nothing but what crypto/tls itself wants.
type Handshake string

// The outcomes.
const (
	// HandshakeCompletes: the server has the presented chain and can judge it.
	HandshakeCompletes Handshake = "completes"
	// HandshakeEnds: the server ends the handshake, most often since crypto/tls parses every
	// presented certificate before anything else may look at it. A server that uses OpenSSL may
	// well complete it and report a verify result.
	HandshakeEnds Handshake = "ends"
	// HandshakeWithout: the client cannot sign with the key in any way that the server offers, and
	// presents nothing. A client with OpenSSL or Java may well present it.
	HandshakeWithout Handshake = "without certificate"
)

// Finding is one error of OpenSSL's: a verify result and the depth at which it is reported.
type Finding struct {
	// Code is the verify result, 21 for instance.
	Code int `json:"code"`
	// Depth counts from the leaf, which is 0.
	Depth int `json:"depth"`
}

// String is the finding as "21@0".
func (f Finding) String() string { return fmt.Sprintf("%d@%d", f.Code, f.Depth) }

// Defect is one way in which a certificate or its chain can be broken, with all else as in a good
// one. If a leaf is given a defect of a CA, it gets twins of its CAs, of the same names with keys
// of their own, of which one has the defect; the good ones stay as they are.
//
// Each defect has a good twin: the same certificate made without it. [Defect.Differs] lists all in
// which the two differ, apart from keys, serial numbers and signatures. That the defect is there,
// and nothing else, is checked whenever one is minted: against the twin part by part, and with
// package verify. A minting whose defect cannot be proved fails.
type Defect struct {
	// ID is a stable word such as "intermediate-expired".
	ID string
	// Title says what is wrong, in half a sentence.
	Title string
	// Group is the part of the catalogue in which it stands.
	Group Group
	// Level says where it is.
	Level Level
	// Clause is the place in a standard that it breaks, or that speaks of it: "RFC 5280 4.1.2.5"
	// for instance.
	Clause string
	// Code is OpenSSL's verify result (first error; numbering of 3.x, security level 2, purpose
	// sslclient) for a leaf below one intermediate whose root is trusted and whose whole chain is
	// presented. 0: OpenSSL does not mind; InLife says who does.
	Code int
	// Depth is where OpenSSL reports it; 0 is the leaf.
	Depth int
	// Followers are the errors that this defect brings with it by nature, in the order in which
	// OpenSSL meets them if it is made to go on. None for most.
	Followers []Finding
	// NeedsCRL: the code counts only where CRLs are looked at, and [Certificate.CRLs] are given to
	// the verifier (openssl verify -crl_check_all). Otherwise it is 0.
	NeedsCRL bool
	// Unreadable: OpenSSL cannot even read the certificate and has no verify result; a TLS server
	// ends the handshake with decode_error. Code is 1 then, as package verify has it.
	Unreadable bool
	// Go is what crypto/x509 answers.
	Go GoVerdict
	// Handshake tells what becomes of a handshake with crypto/tls. [HandshakeEnds] is a limit of
	// a load balancer in Go: it cannot report the code of a certificate that it never gets to see.
	Handshake Handshake
	// Differs lists in what the certificate at Level differs from that of its good twin, by the
	// names that RFC 5280 has for the parts.
	Differs []string
	// Twin says what the good twin has in that place, in half a sentence.
	Twin string
	// InLife says how it comes about, what the one who is hit by it sees and what to do.
	InLife string

	// alsoCA: a defect of a leaf that a CA can be given as its own just as well.
	alsoCA bool
	// needsNoIssuer: a leaf with it can do without an issuer.
	needsNoIssuer bool
	// leafOnly: it is given to a leaf, although it concerns a CA or the chain.
	leafOnly bool
	// needsIntermediate: without a CA between leaf and root it is none.
	needsIntermediate bool

	// What the defect does; one of these is set, present and extra may go with another.

	// change changes what the certificate at Level is made from.
	change func(*settings) error
	// signed changes the certificate after it was signed. It may change its argument.
	signed func(der []byte) []byte
	// issuers gives the leaf other CAs than its own, in s.issuer.
	issuers func(s *settings) error
	// extra makes a certificate that is presented too.
	extra func(s *settings) (*Certificate, error)
	// present changes the chain that is presented, leaf first, root left out.
	present func(c *Certificate, chain []*Certificate) []*Certificate
	// crl changes the CRL that speaks of the certificate at the depth, or withholds it.
	crl func(depth int, of *Certificate, l *statusList) (keep bool)
	// ocsp changes the OCSP response for the leaf.
	ocsp func(r *response)
}

// Expected lists all errors that OpenSSL meets in a chain of the catalogue's shape, one
// intermediate between leaf and root, the first of which is Code. Nil if it does not mind.
func (d Defect) Expected() []Finding {
	if d.Code == 0 {
		return nil
	}
	return append([]Finding{{Code: d.Code, Depth: d.Depth}}, d.Followers...)
}

// inCertificate tells whether the defect is in a certificate, not in what is around it.
func (d *Defect) inCertificate() bool { return d.change != nil || d.signed != nil }

// applyTo breaks the certificate that is to be made from the settings.
func (d *Defect) applyTo(s *settings) error {
	s.signed = d.signed
	if d.change == nil {
		return nil
	}
	return d.change(s)
}

// defects is the catalogue. Ids are never changed, since suites name them.
var defects = slices.Concat(
	timeDefects, nameDefects, usageDefects, caDefects, signatureDefects, keyDefects,
	serialDefects, extensionDefects, chainDefects, trustDefects, revocationDefects,
)

// Defects lists the catalogue of defects, group by group. The list is the caller's own.
func Defects() []Defect {
	out := slices.Clone(defects)
	for i := range out {
		out[i].Followers = slices.Clone(out[i].Followers)
		out[i].Differs = slices.Clone(out[i].Differs)
	}
	return out
}

// DefectIDs lists the ids of the catalogue in its order.
func DefectIDs() []string {
	out := make([]string, len(defects))
	for i := range defects {
		out[i] = defects[i].ID
	}
	return out
}

// defectByID finds a defect of the catalogue.
func defectByID(id string) (*Defect, error) {
	for i := range defects {
		if defects[i].ID == id {
			return &defects[i], nil
		}
	}
	return nil, fmt.Errorf("unknown defect %q%s", id, didYouMean(id, DefectIDs()))
}

// levelFor is the level at which the certificate to be made, or its chain, takes the defect; an
// error if it cannot have it.
func (d *Defect) levelFor(t template) (Level, error) {
	own := t.kind.level()
	if d.leafOnly && own != AtLeaf {
		return "", fmt.Errorf("defect %s is one of a leaf's chain and cannot be given to the %s", d.ID, own)
	}
	switch {
	case d.Level == own || d.Level == AtChain || own == AtLeaf:
	case d.Level == AtLeaf && d.alsoCA:
		return own, nil
	default:
		return "", fmt.Errorf("defect %s concerns the %s of a chain and cannot be given to the %s", d.ID, d.Level, own)
	}
	if t.kind != leafKind || !d.needsIntermediate && d.Level != AtIntermediate && d.Level != AtChain {
		return d.Level, nil
	}
	if t.issuer == nil || t.issuer.issuer == nil {
		return "", fmt.Errorf("defect %s needs an intermediate CA between leaf and root", d.ID)
	}
	return d.Level, nil
}
