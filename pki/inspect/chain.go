package inspect

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/request"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/pki/verify"
)

// chain is what a sender with the file would present.
type chain struct {
	entries []int // indexes into the report's entries, the sender's own first
	withKey bool
}

// chains finds the chains of the file: that of each key pair, or else all certificates in their
// order, if one of them is a sender's. A file with nothing but CAs is a trust list.
func (v *view) chains() []chain {
	var out []chain
	var alone []int
	hasKey, hasLeaf := false, false
	for i := range v.report.Entries {
		switch e := &v.report.Entries[i]; {
		case e.Kind == keystore.KeyPairEntry:
			if e.der != nil {
				out = append(out, chain{entries: []int{i}, withKey: true})
			}
		case e.PairOf > 0:
			for c := range out {
				if v.report.Entries[out[c].entries[0]].Number == e.PairOf {
					out[c].entries = append(out[c].entries, i)
				}
			}
		case e.Kind == keystore.CertificateEntry:
			alone = append(alone, i)
			// Nobody asks for a CA that is a client, except for themselves.
			hasLeaf = hasLeaf || !e.CA || slices.Contains(e.Usage, request.ClientAuth)
		case e.Kind == keystore.PrivateKeyEntry:
			hasKey = true
		}
	}
	if len(out) > 0 || len(alone) == 0 || !hasLeaf && !hasKey {
		return out
	}
	if v.store.Format == keystore.PKCS7Format {
		v.inOrder(alone)
	}
	return []chain{{entries: alone, withKey: hasKey}}
}

// inOrder puts entries into the order of the chain. What is in PKCS#7 has none: it is a set
// (RFC 5652, 10.2.3).
func (v *view) inOrder(entries []int) {
	at := func(i int) int {
		return slices.IndexFunc(v.store.RawChain, func(der []byte) bool { return bytes.Equal(der, v.report.Entries[i].der) })
	}
	slices.SortStableFunc(entries, func(a, b int) int { return at(a) - at(b) })
}

// at is an entry of the chain.
func (v *view) at(c chain, i int) *Entry { return &v.report.Entries[c.entries[i]] }

// checkChain says what is wrong with a chain.
func (v *view) checkChain(c chain) error {
	presented := make([][]byte, len(c.entries))
	for i := range c.entries {
		presented[i] = v.at(c, i).der
	}
	v.ownCertificate(c)
	path := v.path(c)
	v.shape(c, path)
	trust, against := v.trustFor(c, path)
	// What can be said without a trust list: as if the roots in the file were trusted.
	if err := v.faults(c, presented, check.Trust{Certificates: v.rootsOf(c)}, true); err != nil {
		return err
	}
	if against == "" {
		return nil
	}
	report, err := check.Chain(presented, trust, check.Options{At: v.options.At, CRLs: v.crls()})
	if err != nil {
		return err
	}
	if v.report.Verdict == nil {
		v.report.Verdict, v.report.Against = &report, against
	}
	for _, note := range report.Notes {
		v.note("%s", note)
	}
	// A certificate alone, without a key, is what the tenant gets, and needs no issuer beside it.
	return v.faults(c, presented, trust, len(presented) == 1 && !c.withKey)
}

// endUnknown are the verify results that only say that the end of the chain is not there, or not
// trusted.
var endUnknown = []int{
	verify.UnableToGetIssuerCert, verify.UnableToGetIssuerCertLocally, verify.UnableToVerifyLeafSignature,
	verify.SelfSignedCertInChain,
}

// crls are the CRLs in the file; none if one cannot be read, which is a finding of its own.
func (v *view) crls() [][]byte {
	crls := v.store.CRLs()
	if (verify.Options{CRLs: crls}).CheckCRLs() != nil {
		return nil
	}
	return crls
}

// faults adds what OpenSSL finds, each to the certificate that it is about. anyEnd leaves out that
// the end of the chain is not trusted.
func (v *view) faults(c chain, presented [][]byte, trust check.Trust, anyEnd bool) error {
	list, err := verify.NewTrustList(trusted(trust, presented)...)
	if err != nil {
		return err
	}
	options := verify.Options{Now: func() time.Time { return v.options.At }, CacheSize: -1, CRLs: v.crls()}
	if len(options.CRLs) > 0 {
		options.CRLCheck = verify.CRLAll
	}
	result := verify.New(list, options).Verify(presented)
	if result.Unreadable != "" {
		return nil // told at the entry
	}
	for _, e := range result.Errors {
		switch {
		case anyEnd && slices.Contains(endUnknown, e.Code), e.Code == verify.UnableToVerifyLeafSignature && e.Code != result.Code:
			continue
		case e.Code == verify.UnableToGetCRL:
			continue // a file need not have the CRLs of all its CAs
		}
		one := result
		one.Code, one.Name, one.Text, one.Depth, one.Subject = e.Code, e.Name, e.Text, e.Depth, e.Subject
		text := fmt.Sprintf("verify result %d at depth %d, %s: %s", e.Code, e.Depth, e.Text, verify.Advice(one))
		if entry := v.entryAt(c, e); entry != nil {
			entry.find(VerifyResult, e.Code, "%s", text)
		} else {
			v.find(VerifyResult, e.Code, "%s", text)
		}
	}
	return nil
}

// trusted are the certificates of a trust list, those included that are known once they are
// presented.
func trusted(t check.Trust, presented [][]byte) [][]byte {
	out := slices.Clone(t.Certificates)
	if t.List == nil {
		return out
	}
	out = append(out, t.List.Certificates()...)
	for _, der := range presented {
		if _, found := t.List.Find(der); found {
			out = append(out, der)
		}
	}
	return out
}

// entryAt is the entry that an error is about: the first is at depth 0, all others are found by
// their names. Nil if it is in the trust list and not in the file.
func (v *view) entryAt(c chain, e verify.Error) *Entry {
	if e.Depth == 0 {
		return v.at(c, 0)
	}
	for i := range c.entries {
		if i == 0 {
			continue
		}
		if one := v.at(c, i); one.read != nil && one.read.Subject() == e.Subject {
			return one
		}
	}
	return nil
}

// ownCertificate says what is wrong with the first certificate as a sender's own.
func (v *view) ownCertificate(c chain) {
	own := v.at(c, 0)
	switch {
	case own.CA && c.withKey:
		own.find(LeafIsCA, 0, "it is a CA certificate in the place of the sender's own: a CA should not call anybody; have an ordinary client certificate issued")
	case own.CA:
		own.find(LeafIsCA, 0, "it stands first and is a CA certificate: a chain begins with the sender's own certificate, and the others follow upward")
	}
	readable := own.public != nil && !own.CA
	if readable && len(own.Usage) == 0 {
		own.find(NoUsage, 0, "it names no extended key usage: OpenSSL takes that, other servers may not; ask for clientAuth when it is renewed")
	}
	if readable && len(own.KeyUsage) > 0 && !slices.Contains(own.KeyUsage, "digitalSignature") {
		own.find(NoUsage, 0, "its key usage lacks digitalSignature, with which a client proves that it has the key; have it issued again")
	}
	if len(own.Usage) > 0 && !slices.Contains(own.Usage, request.ClientAuth) {
		own.find(VerifyResult, verify.InvalidPurpose, "its extended key usage lacks clientAuth, so that it is not one for clients (verify result 26): ask your CA for a client certificate")
	}
}

// path follows the issuers from the first certificate upward, by name; the result holds positions
// in the chain.
func (v *view) path(c chain) []int {
	out := []int{0}
	used := make([]bool, len(c.entries))
	used[0] = true
	for {
		top := v.at(c, out[len(out)-1]).read
		if top == nil || top.SelfIssued() {
			return out
		}
		next := -1
		for i := range c.entries {
			if used[i] {
				continue
			}
			if read := v.at(c, i).read; read != nil && bytes.Equal(read.RawSubject(), top.RawIssuer()) {
				next = i
				break
			}
		}
		if next < 0 {
			return out
		}
		used[next] = true
		out = append(out, next)
	}
}

// shape says what is wrong with a chain as it stands in the file.
func (v *view) shape(c chain, path []int) {
	own, top := v.at(c, 0), v.at(c, path[len(path)-1])
	complete := top.Subject == top.Issuer && top.Subject != "" || v.knownRoot(top.Issuer)
	if outside := v.outside(c, path); outside > 0 && !own.CA {
		if complete || len(path) > 1 {
			v.find(Unrelated, 0, "%s nothing to do with the chain of %q: leave out what does not belong to it", haveOrHas(outside), own.Subject)
		} else {
			v.find(ChainIncomplete, 0, "the chain of %q ends at %q, whose issuer %q is not there, while %s nothing to do with it: add the certificate of that issuer", own.Subject, top.Subject, top.Issuer, haveOrHas(outside))
		}
	} else if !complete && len(path) == 1 && own.Issuer != "" && !own.CA {
		if c.withKey {
			v.find(ChainIncomplete, 0, "only the sender's own certificate is there: the certificate of its issuer %q must be sent too, unless that is a root that the load balancer has. Import the whole chain beside the key", own.Issuer)
		} else {
			v.note("Only the sender's own certificate is there. That is right for the tenant's mapping; a sender must present the certificate of its issuer %q too, unless that is a root.", own.Issuer)
		}
	}
	if !slices.IsSorted(path) {
		v.find(ChainOrder, 0, "the certificates are not in the order of the chain: OpenSSL does not mind, other servers insist on each certifying the one before (RFC 5246, 7.4.2); put them into order")
	}
	if len(path) > 1 && top.Subject == top.Issuer && c.withKey {
		v.note("The root %q is in the chain. It need not be sent, and does no harm.", top.Subject)
	}
	v.outlives(c, path)
}

// outside counts the certificates that are not in the path, nor copies of one that is.
func (v *view) outside(c chain, path []int) int {
	inside := map[string]bool{}
	for _, i := range path {
		inside[string(v.at(c, i).der)] = true
	}
	n := 0
	for i := range c.entries {
		if !inside[string(v.at(c, i).der)] {
			n++
		}
	}
	return n
}

func haveOrHas(n int) string {
	if n == 1 {
		return "1 certificate has"
	}
	return fmt.Sprintf("%d certificates have", n)
}

// outlives says where a certificate is valid longer than the one that issued it.
func (v *view) outlives(c chain, path []int) {
	for i := 1; i < len(path); i++ {
		below, above := v.at(c, path[i-1]), v.at(c, path[i])
		if !above.NotAfter.IsZero() && below.NotAfter.After(above.NotAfter) && above.NotAfter.After(v.options.At) && below.NotBefore.Before(below.NotAfter) {
			below.find(OddDates, 0, "it is valid until %s, longer than its issuer %q, which ends on %s: from then on the chain is refused; renew both by that day",
				day(below.NotAfter), above.Subject, day(above.NotAfter))
		}
	}
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// rootsOf are the self-signed CAs of a chain, apart from its first certificate.
func (v *view) rootsOf(c chain) [][]byte {
	var out [][]byte
	for i := range c.entries {
		e := v.at(c, i)
		if i > 0 && e.read != nil && e.Subject == e.Issuer {
			out = append(out, e.der)
		}
	}
	return out
}

// trustFor is what the chain is checked against, and its name; empty: nothing.
func (v *view) trustFor(c chain, path []int) (check.Trust, string) {
	t := v.options.Trust
	switch {
	case t.List != nil:
		return t, "the list " + t.List.Name
	case len(t.Certificates) > 0:
		return t, "the roots given"
	}
	top := v.at(c, path[len(path)-1])
	if !v.published(top.Issuer) {
		return check.Trust{}, ""
	}
	list, _ := roots.ByName(roots.Neo, v.options.At)
	return check.Trust{List: list}, "the list " + list.Name
}

// published tells whether a root of the name is or was on a published list.
func (v *view) published(name string) bool {
	if name == "" {
		return false
	}
	for _, each := range roots.Names() {
		if list, known := roots.ByName(each, v.options.At); known && len(list.ByNameOf(name)) > 0 {
			return true
		}
	}
	return false
}

// knownRoot tells whether a name is that of a root that is trusted, or on a published list.
func (v *view) knownRoot(name string) bool {
	if v.published(name) {
		return true
	}
	for _, der := range v.options.Trust.Certificates {
		if read, err := verify.ParseCertificate(der); err == nil && pki.FormatDN(read.RawSubject()) == name {
			return true
		}
	}
	return v.options.Trust.List != nil && len(v.options.Trust.List.ByNameOf(name)) > 0
}
