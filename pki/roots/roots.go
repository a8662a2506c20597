// Package roots holds the lists of root certificates that the load balancers of the Neo
// environment supported [C: published with SHA-1 fingerprints].
//
// The lists name subject, issuer and fingerprint. The certificates themselves come from
// Mozilla's bundle as the Go project keeps it, and, where Mozilla has dropped a root that was in
// use then, from a copy in this package; the fingerprints prove each of them. Of roots that never
// were public, SAP's own above all, only the fingerprint is known: who presents such a root, or
// has its file, can have it recognised with [List.Find].
//
// What is not here: verification (package verify), and what a refusal means for the sender
// (package check).
package roots

import (
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// The names of the lists.
const (
	// Neo is the list that was in force at the time in question: [Neo2022], or before that
	// [NeoUntil2022].
	Neo = "neo"
	// Neo2022 is the list since 9 September 2022, with 31 roots.
	Neo2022 = "neo-2022"
	// NeoUntil2022 is the list before, with 46 roots.
	NeoUntil2022 = "neo-until-2022"
)

// Changed is the day on which the list changed [C].
var Changed = time.Date(2022, time.September, 9, 0, 0, 0, 0, time.UTC)

// Root is an entry of a list.
type Root struct {
	// Subject and Issuer are the names as they were published. Lists write them differently.
	Subject string
	Issuer  string
	// SHA1 is the fingerprint, colons between hexadecimal octets in capitals.
	SHA1 string
	// Certificate is the certificate, DER; nil if only the fingerprint is known. It is shared and
	// must not be changed.
	Certificate []byte
}

// List is a list of supported roots.
type List struct {
	// Name is one of the constants, but never Neo, or that of [NewList].
	Name string
	// Since and Until bound the time in which the list was in force; zero: not bounded.
	Since, Until time.Time
	roots        []Root
}

// Names lists the names that [ByName] knows.
func Names() []string { return []string{Neo, Neo2022, NeoUntil2022} }

// ByName returns a list; [Neo] is the one that was in force at the time. The second result is
// false for an unknown name.
func ByName(name string, at time.Time) (*List, bool) {
	if name == Neo {
		name = Neo2022
		if at.Before(Changed) {
			name = NeoUntil2022
		}
	}
	for _, l := range lists() {
		if l.Name == name {
			return l, true
		}
	}
	return nil, false
}

// NewList makes a list of one's own, in force at all times.
func NewList(name string, entries []Root) *List {
	return &List{Name: name, roots: slices.Clone(entries)}
}

// Roots returns the entries in their published order.
func (l *List) Roots() []Root { return slices.Clone(l.roots) }

// Certificates returns the DER of the roots whose certificates are known, in the order of the
// list.
func (l *List) Certificates() [][]byte {
	var out [][]byte
	for _, r := range l.roots {
		if r.Certificate != nil {
			out = append(out, r.Certificate)
		}
	}
	return out
}

// Find looks a certificate, DER, up by its fingerprint. What it finds has the certificate.
func (l *List) Find(der []byte) (Root, bool) {
	sum := Fingerprint(der)
	for _, r := range l.roots {
		if r.SHA1 == sum {
			r.Certificate = der
			return r, true
		}
	}
	return Root{}, false
}

// ByNameOf returns the entries whose subject is the name, in whatever order and quoting its
// elements are written.
func (l *List) ByNameOf(name string) []Root {
	wanted := elements(name)
	if len(wanted) == 0 {
		return nil
	}
	var out []Root
	for _, r := range l.roots {
		if slices.Equal(elements(r.Subject), wanted) {
			out = append(out, r)
		}
	}
	return out
}

// Left tells when a root of another list was taken off: the end of the latest list that has it,
// if this one has not. The zero time: no list has it, or this one has.
func (l *List) Left(r Root) time.Time {
	var left time.Time
	for _, other := range lists() {
		has := slices.ContainsFunc(other.roots, func(o Root) bool { return o.SHA1 == r.SHA1 })
		switch {
		case has && other == l:
			return time.Time{}
		case has && other.Until.After(left):
			left = other.Until
		}
	}
	return left
}

// Fingerprint is the SHA-1 fingerprint of a certificate in the form of the lists. SHA-1 is what
// the lists were published with; nobody can make a second certificate for a given one, but CAs
// could have made pairs. It identifies, and decides nothing else.
func Fingerprint(der []byte) string {
	sum := sha1.Sum(der)
	var b strings.Builder
	for i, octet := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{octet})))
	}
	return b.String()
}

var (
	//go:embed since-2022-09.psv
	since2022 string
	//go:embed until-2022-09.psv
	until2022 string
	//go:embed former.pem
	former []byte
)

// lists reads the lists when they are first needed. They are part of the program, so that a
// mistake in them is a fault.
var lists = sync.OnceValue(func() []*List {
	known := map[string][]byte{}
	for r := range bundle.Roots() {
		known[Fingerprint(r.Certificate)] = r.Certificate
	}
	for rest := former; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		known[Fingerprint(block.Bytes)] = block.Bytes
	}
	out := []*List{{Name: Neo2022, Since: Changed}, {Name: NeoUntil2022, Until: Changed}}
	for i, text := range []string{since2022, until2022} {
		for number, line := range strings.Split(strings.TrimSpace(text), "\n") {
			fields := strings.Split(strings.TrimSpace(line), "|")
			if len(fields) != 3 || len(fields[2]) != 3*sha1.Size-1 {
				panic(fmt.Sprintf("roots: list %s, line %d: expected subject|issuer|fingerprint", out[i].Name, number+1))
			}
			out[i].roots = append(out[i].roots, Root{
				Subject: fields[0], Issuer: fields[1], SHA1: fields[2], Certificate: known[fields[2]],
			})
		}
	}
	return out
})

// elements are the elements of a written name, sorted: the lists quote some values and not
// others, and one of them has a name the other way round. A comma only separates if a keyword
// follows.
func elements(name string) []string {
	var out []string
	for part := range strings.SplitSeq(name, ",") {
		part = strings.Join(strings.Fields(strings.NewReplacer(`"`, "", `\`, "").Replace(part)), " ")
		keyword, _, found := strings.Cut(part, "=")
		switch {
		case part == "":
		case found && keyword != "" && !strings.Contains(strings.TrimSpace(keyword), " ") || len(out) == 0:
			out = append(out, strings.ToLower(strings.Replace(part, " = ", "=", 1)))
		default:
			out[len(out)-1] += "," + strings.ToLower(part)
		}
	}
	slices.Sort(out)
	return out
}
