package request

import (
	"fmt"
	"slices"
	"strings"

	"example.com/gatehouse/pki"
)

// Kind says what a finding is about. The words are stable.
type Kind string

// The kinds of findings.
const (
	WeakKeyPair   Kind = "weak-key"
	WeakSignature Kind = "weak-signature"
	EmptyName     Kind = "empty-name"
	NoCommonName  Kind = "no-common-name"
	TrailingSpace Kind = "trailing-space"
	SeveralCNs    Kind = "several-common-names"
	OtherOrder    Kind = "name-order"
	NotForClients Kind = "not-for-clients"
	AsksForCA     Kind = "asks-for-ca"
)

// Finding is something that will make trouble, or that the requester may not have meant.
type Finding struct {
	Kind Kind `json:"kind"`
	// Text says what was found and what to do.
	Text string `json:"text"`
}

// Findings lists what will make trouble on the way to the tenant, in a fixed order; nil if there is
// nothing to say. None of it keeps a request from being signed here.
func (r *Request) Findings() []Finding {
	var out []Finding
	add := func(kind Kind, format string, args ...any) {
		out = append(out, Finding{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	if weak := WeakKey(r.PublicKey); weak != "" {
		add(WeakKeyPair, "%s: the load balancer refuses it (verify result 66); make a new key pair and a new request", weak)
	}
	if digest := WeakDigest(r.SignatureAlgorithm); digest != "" {
		add(WeakSignature, "the request is signed with %s: public CAs refuse such requests; set the sender to SHA-256. What is issued here is signed with SHA-256 or better all the same", digest)
	}
	r.nameFindings(add)
	if len(r.asks.Usage) > 0 && !slices.Contains(r.asks.Usage, ClientAuth) {
		add(NotForClients, "the request asks for %s and not for clientAuth: a CA that follows it issues a certificate that the load balancer refuses (verify result 26); have the usage clientAuth asked for. What is issued here has it all the same", strings.Join(r.asks.Usage, ", "))
	}
	if r.asks.CA {
		add(AsksForCA, "the request asks for a CA certificate (basic constraints CA:TRUE): a sender needs an ordinary one. What is issued here is no CA")
	}
	return out
}

func (r *Request) nameFindings(add func(kind Kind, format string, args ...any)) {
	dn, err := pki.ParseRawDN(r.RawSubject)
	if err != nil {
		return // x509 has read it; what it read otherwise than we do shows in the subject
	}
	for _, p := range NameProblems(dn) {
		add(p.Kind, "%s", p.Text)
	}
	if len(dn) > 1 && orderOf(dn) == commonNameFirst {
		add(OtherOrder, "the name stands in the other order than usual, common name first and country last (%s): the load balancer's trace and the tenant's channel table show it as it stands", dn.Trace())
	}
}

// NameProblems lists what is wrong with the subject of a sender's certificate or request.
func NameProblems(dn pki.DN) []Finding {
	if len(dn) == 0 {
		return []Finding{{EmptyName, "the name is empty: without a common name the tenant cannot tell the sender; give the subject a CN"}}
	}
	var out []Finding
	names := commonNames(dn)
	switch {
	case len(names) == 0:
		out = append(out, Finding{NoCommonName, "the name has no common name (CN), by which the tenant names the sender; give the subject a CN"})
	case len(names) > 1:
		out = append(out, Finding{SeveralCNs, fmt.Sprintf("the name has %d common names (CN): which of them counts is different from system to system; give the subject one", len(names))})
	}
	for _, name := range names {
		switch {
		case name == "" || strings.TrimSpace(name) == "" && name != "":
			out = append(out, Finding{NoCommonName, "the common name (CN) is empty, and by it the tenant names the sender; give the subject a CN"})
		case strings.TrimRight(name, " ") != name:
			out = append(out, Finding{TrailingSpace, "the common name (CN) ends in a space: the load balancer takes that, the tenant does not; make the request again without it"})
		}
	}
	return out
}

func commonNames(dn pki.DN) []string {
	var out []string
	for _, rdn := range dn {
		for _, a := range rdn {
			if a.Type == oidCommonName {
				out = append(out, a.Value)
			}
		}
	}
	return out
}

const (
	oidCommonName = "2.5.4.3"
	oidCountry    = "2.5.4.6"
)

type nameOrder int

const (
	unclearOrder nameOrder = iota
	countryFirst
	commonNameFirst
)

// orderOf tells which way round a name is, as far as country and common name show it.
func orderOf(dn pki.DN) nameOrder {
	cn, c := -1, -1
	for i, rdn := range dn {
		for _, a := range rdn {
			switch a.Type {
			case oidCommonName:
				cn = i
			case oidCountry:
				c = i
			}
		}
	}
	switch {
	case cn < 0 || c < 0 || cn == c:
		return unclearOrder
	case cn < c:
		return commonNameFirst
	default:
		return countryFirst
	}
}
