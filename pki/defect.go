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

// Defect is one way in which a certificate or its chain can be broken, with all else as in a good
// one. If a leaf is given a defect of a CA, it gets twins of its CAs, of the same names with keys
// of their own, of which one has the defect; the good ones stay as they are.
type Defect struct {
	// ID is a stable word such as "intermediate-expired".
	ID string
	// Title says what is wrong, in half a sentence.
	Title string
	// Level says where it is.
	Level Level
	// Code is OpenSSL's verify result (first error; numbering of 3.x, security level 2, purpose
	// sslclient) for a leaf below one intermediate whose root is trusted and whose whole chain is
	// presented. 0: OpenSSL does not mind.
	Code int
	// Depth is where OpenSSL reports it; 0 is the leaf.
	Depth int
	// InLife says how it comes about and what the one who is hit by it sees.
	InLife string

	// alsoCA: a defect of a leaf that a CA can be given as its own just as well.
	alsoCA bool
	// needsNoIssuer: a leaf with it can do without an issuer.
	needsNoIssuer bool

	// What the defect does; one of the three is set.

	// change changes what the certificate at Level is made from.
	change func(*settings) error
	// signed changes the certificate after it was signed. It may change its argument.
	signed func(der []byte) []byte
	// present changes the chain that is presented, leaf first, root left out.
	present func(chain []*Certificate) []*Certificate
}

// applyTo breaks the certificate that is to be made from the settings.
func (d *Defect) applyTo(s *settings) error {
	s.signed = d.signed
	if d.change == nil {
		return nil
	}
	return d.change(s)
}

// Defects lists the catalogue of defects, those of leaves first, then those of CAs and of chains.
func Defects() []Defect { return slices.Clone(defects) }

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
	switch own := t.kind.level(); {
	case d.Level == own || d.Level == AtChain || own == AtLeaf:
	case d.Level == AtLeaf && d.alsoCA:
		return own, nil
	default:
		return "", fmt.Errorf("defect %s concerns the %s of a chain and cannot be given to the %s", d.ID, d.Level, own)
	}
	if t.kind != leafKind || d.Level != AtIntermediate && d.Level != AtChain {
		return d.Level, nil
	}
	if t.issuer == nil || t.issuer.issuer == nil {
		return "", fmt.Errorf("defect %s needs an intermediate CA between leaf and root", d.ID)
	}
	return d.Level, nil
}
