package verify

import (
	"crypto"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// elementsOf splits a string of DER elements; nil if it is none.
func elementsOf(b []byte) [][]byte {
	var all [][]byte
	for s := cryptobyte.String(b); !s.Empty(); {
		var e cryptobyte.String
		if !s.ReadAnyASN1Element(&e, new(asn1.Tag)) {
			return nil
		}
		all = append(all, e)
	}
	return all
}

// parts calls visit for an element and for each element inside, those in OCTET STRINGs and BIT
// STRINGs too. whole makes the whole again, with something else in the place of the element.
func parts(element []byte, whole func([]byte) []byte, visit func(element []byte, whole func([]byte) []byte)) {
	visit(element, whole)
	s := cryptobyte.String(element)
	var content cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&content, &tag) {
		return
	}
	var prefix []byte
	switch {
	case tag&0x20 != 0:
	case tag == asn1.BIT_STRING && len(content) > 2 && content[0] == 0 && content[1] == 0x30:
		prefix, content = content[:1], content[1:]
	case tag == asn1.OCTET_STRING && len(content) > 1 && content[0] != 0: // not the octets of a number or a point
	default:
		return
	}
	inside := elementsOf(content)
	for i, e := range inside {
		parts(e, func(instead []byte) []byte {
			return whole(tlv(tag, prefix, slices.Concat(inside[:i]...), instead, slices.Concat(inside[i+1:]...)))
		}, visit)
	}
}

// otherTags are tags that stand somewhere in certificates.
var otherTags = []byte{0x02, 0x04, 0x05, 0x0c, 0x1e, 0x30, 0x80, 0xa0}

// alterations are the ways in which one element can be another: left out, doubled, empty, of
// another type, a little longer or shorter, at the limits of what its type allows.
func alterations(element []byte) [][]byte {
	s := cryptobyte.String(element)
	var content cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&content, &tag) {
		return nil
	}
	null := []byte{5, 0}
	all := [][]byte{
		nil, slices.Concat(element, element), slices.Concat(element, null), slices.Concat(null, element), tlv(tag), element[:len(element)-1],
	}
	for _, other := range append([]byte{byte(tag) ^ 0x20, byte(tag) + 1, byte(tag) - 1}, otherTags...) {
		if asn1.Tag(other) != tag && other&0x1f != 0x1f {
			all = append(all, tlv(asn1.Tag(other), content))
		}
	}
	if tag&0x20 != 0 {
		all = append(all, tlv(tag, content, null), tlv(tag, null, content))
		if inside := elementsOf(content); len(inside) > 1 {
			all = append(all, tlv(tag, inside[1], inside[0], slices.Concat(inside[2:]...)))
		}
		return all
	}
	n := len(content)
	for _, b := range []byte{0, 1, 7, 8, 0x7f, 0x80, 0xff} {
		all = append(all, tlv(tag, []byte{b}))
		if n > 0 && b != 1 && b != 8 {
			all = append(all, tlv(tag, []byte{b}, content[1:]))
		}
	}
	for _, b := range []byte{0, 0x80, 0xff} {
		all = append(all, tlv(tag, []byte{b}, content), tlv(tag, content, []byte{b}))
		if n > 0 {
			all = append(all, tlv(tag, content[:n-1], []byte{b}))
		}
	}
	if n > 1 {
		all = append(all, tlv(tag, content[1:]), tlv(tag, content[:n-1]))
	}
	return all
}

// question is a job in which one certificate or CRL has parts to be altered.
type question struct {
	name   string
	part   []byte // what is altered
	levels []int
	job    func(part []byte) job
}

// Every part of a certificate and of a CRL, altered in every simple way: the answer is OpenSSL's.
// Signatures are not made again; both find that they are wrong, and go on. The short run leaves out
// most of it, and GATEHOUSE_ORACLE=N asks for all.
func TestOracleEveryPartLibrary(t *testing.T) {
	lib := startLibrary(t)
	both := func(j job) (string, string, bool) {
		mine, theirs := j.ours(t), withoutResources(lib.ask(t, j))
		return mine.String(), theirs.String(), agree(mine, theirs)
	}
	every := 11
	if os.Getenv("GATEHOUSE_ORACLE") != "" {
		every = 1
	}
	for _, q := range questions(t) {
		t.Run(q.name, func(t *testing.T) {
			tally := newTally()
			tally.put(t, q.job(q.part), "unchanged", both, nil)
			require.Equal(t, 1, tally.agreed)
			n := 0
			parts(q.part, func(b []byte) []byte { return b }, func(element []byte, whole func([]byte) []byte) {
				for i, instead := range alterations(element) {
					if n++; n%every != 0 {
						continue
					}
					for _, level := range q.levels {
						j := q.job(whole(instead))
						j.level = level
						about := fmt.Sprintf("alteration %d of %s: %s", i, hex.EncodeToString(element), hex.EncodeToString(instead))
						tally.put(t, j, about, both, func(j job) string { return whyDifferent(j, element, instead) })
						if t.Failed() {
							t.FailNow()
						}
					}
				}
			})
			t.Logf("OpenSSL library, parts of %s: %s", q.name, tally)
			assert.Greater(t, len(tally.kinds), 1, "too few kinds of answer: the comparison says little")
		})
	}
}

// withoutResources leaves out what OpenSSL says of resources that do not nest: see Limits.
func withoutResources(s sequence) sequence {
	s.errors = slices.DeleteFunc(s.errors, func(e string) bool { return strings.HasPrefix(e, "41@") || strings.HasPrefix(e, "46@") })
	if s.final == 41 || s.final == UnnestedResource {
		s.final = 0
		if n := len(s.errors); n > 0 {
			_, _ = fmt.Sscanf(s.errors[n-1], "%d@", &s.final)
		}
	}
	return s
}

// whyDifferent tells why the two cannot agree on a job in which an element was altered: see Limits.
func whyDifferent(j job, element, instead []byte) string {
	inPieces := func(b []byte) bool { return len(b) > 0 && b[0]&0xe0 == 0xa0 }
	if len(instead) > 2 && instead[0] != element[0] && (inPieces(instead) || inPieces(instead[2:])) {
		return "a string in pieces, which is BER and not DER"
	}
	for _, der := range slices.Concat(j.trusted, j.chain) {
		if reason := notDER(der); reason != "" {
			return reason
		}
		c, err := ParseCertificate(der)
		if err == nil && slices.ContainsFunc(c.info().crlPoints, func(p distributionPoint) bool { return p.isRelative && !p.resolved }) {
			return "a distribution point whose relative name is no valid string"
		}
	}
	for _, der := range j.crls {
		if !strictDER(der) {
			return "BER that is not DER in a CRL"
		}
	}
	return ""
}

func questions(t *testing.T) []question {
	t.Helper()
	pool := keyPool()
	alg := algorithmFor(ecKey, crypto.SHA256, false)
	signed := func(tbs []byte) []byte {
		return seq(tbs, alg, bits(0, pool["p256b"].sign(crypto.SHA256, false, tbs)...))
	}
	dns, mail, uri := ia5(kindDNS, "a.example"), ia5(kindEmail, "a@b.example"), ia5(kindURI, "http://a.example/x")
	directory := general(kindDirectory, dnOf(text("\x55\x04\x0a", "x")))
	other := general(kindOther, slices.Concat(oid("\x2a\x03"), tlv(explicit(0), integer(1))))
	edi := general(kindEDI, slices.Concat(tlv(explicit(0), tlv(tagUTF8String, []byte("a"))), tlv(explicit(1), tlv(tagPrintableString, []byte("b")))))
	x400 := general(kindX400, seq())
	registered := general(kindOID, []byte("\x2a\x03"))
	address := general(kindIP, []byte{10, 0, 0, 1})
	subtrees := func(n uint8, bases ...[]byte) []byte {
		var all [][]byte
		for _, b := range bases {
			all = append(all, seq(b))
		}
		return tlv(explicit(n), all...)
	}

	fragment := tlv(explicit(1), seq(oid(oidCommonName), tlv(tagUTF8String, []byte("crl"))))
	points := seq(
		seq(tlv(explicit(0), tlv(explicit(0), uri)), tlv(contextual(1), []byte{1, 0x60}), tlv(explicit(2), directory)),
		seq(tlv(explicit(0), fragment)))
	version := tlv(explicit(0), integer(2))
	validity := seq(utcTime(testTime.AddDate(-1, 0, 0)).der(), timeText{asn1.GeneralizedTime, "20271123090000Z"}.der())
	rootName := dnOf(text(oidCommonName, "Root"))
	multi := dnOf([]rdnPart{{"\x55\x04\x06", tagPrintableString, []byte("DE")}},
		[]rdnPart{{"\x55\x04\x0a", tagBMPString, []byte("\x00O")}, {"\x55\x04\x0b", tagUniversalString, []byte("\x00\x00\x00U")}, {"\x55\x04\x0b", tagT61String, []byte("t\xe9")}},
		[]rdnPart{{oidEmailAddress, tagIA5String, []byte("a@b.example")}}, text(oidCommonName, "a.example"))
	tbsOf := func(serial int64, issuer, subject, spki []byte, more ...[]byte) []byte {
		return seq(append([][]byte{version, integer(serial), alg, issuer, validity, subject, spki}, more...)...)
	}
	extensions := func(all ...[]byte) []byte { return tlv(explicit(3), seq(all...)) }
	rootKey, leafKey := pool["p256b"], pool["p256c"]

	// A root with what a CA can have, and a leaf with what a leaf can have.
	root := tbsOf(5, rootName, rootName, rootKey.spki,
		tlv(contextual(1), []byte{0, 1}), tlv(contextual(2), []byte{0, 2}),
		extensions(
			ext(oidBasicConstraints, true, seq(boolean(0xff), integer(3))),
			ext(oidKeyUsage, true, bits(1, usageCertSign|usageCRLSign)),
			ext(oidNetscapeCertType, false, bits(0, 7)),
			ext(oidExtKeyUsage, false, seq(oid("\x55\x1d\x25\x00"), oid(oidClientAuth))),
			ext(oidSubjectKeyID, false, octets([]byte{0, 1, 2})),
			ext(oidAuthorityKeyID, false, seq(tlv(contextual(0), []byte{0, 1, 2}), tlv(explicit(1), general(kindDirectory, rootName)), tlv(contextual(2), []byte{5}))),
			ext(oidNameConstraints, true, seq(
				subtrees(0, ia5(kindDNS, "example"), ia5(kindEmail, "b.example"), general(kindIP, []byte{10, 0, 0, 0, 255, 0, 0, 0})),
				subtrees(1, ia5(kindURI, "x.example"), general(kindDirectory, dnOf(text(oidCommonName, "z"))))))))
	leaf := tbsOf(6, rootName, multi, leafKey.spki,
		extensions(
			ext(oidKeyUsage, true, bits(7, usageDigitalSignature)),
			ext(oidNetscapeCertType, false, bits(7, netscapeClient)),
			ext(oidExtKeyUsage, false, seq(oid(oidClientAuth))),
			ext(oidAuthorityKeyID, false, seq(tlv(contextual(0), []byte{0, 1, 2}), tlv(explicit(1), dns, general(kindDirectory, rootName)), tlv(contextual(2), []byte{5}))),
			ext(oidSubjectAltName, false, seq(dns, mail, uri, directory, address, registered, edi, x400, other)),
			ext(oidIssuerAltName, false, seq(dns)),
			ext(oidCRLPoints, false, points)))
	rootDER, leafDER := signed(root), signed(leaf)
	small := func(spki []byte, exts ...[]byte) []byte { return tbsOf(7, rootName, rootName, spki, exts...) }

	all := []question{
		{"a root", root, []int{2}, func(part []byte) job {
			return job{at: testTime, level: 2, trusted: [][]byte{signed(part)}, chain: [][]byte{leafDER}}
		}},
		{"a leaf", leaf, []int{2}, func(part []byte) job {
			return job{at: testTime, level: 2, trusted: [][]byte{rootDER}, chain: [][]byte{signed(part)}}
		}},
	}
	// CRLs of the root, in which the leaf is revoked.
	when := utcTime(testTime.AddDate(0, 0, -1)).der()
	revoked := seq(
		seq(integer(5), when, seq(ext(oidReason, false, tlv(asn1.ENUM, []byte{reasonRemoveFromCRL})), ext("\x2a\x03", false, nil))),
		seq(integer(6), when, seq(ext(oidReason, false, tlv(asn1.ENUM, []byte{1})), ext(oidCertIssuer, true, seq(dns, general(kindDirectory, rootName))))),
		seq(integer(6), when))
	for name, exts := range map[string][][]byte{
		"a CRL with a full name": {
			ext(oidAuthorityKeyID, false, seq(tlv(contextual(0), []byte{0, 1, 2}), tlv(explicit(1), general(kindDirectory, rootName)), tlv(contextual(2), []byte{5}))),
			ext(oidIssuingPoint, true, seq(tlv(explicit(0), tlv(explicit(0), dns, uri)), tlv(contextual(1), []byte{0xff}), tlv(contextual(2), []byte{0}), tlv(contextual(4), []byte{0}), tlv(contextual(5), []byte{0}))),
			ext(oidCRLNumber, false, integer(1)),
		},
		"a CRL with a relative name": {ext(oidIssuingPoint, true, seq(tlv(explicit(0), fragment))), ext(oidDeltaCRL, true, integer(1))},
		"a CRL for some reasons":     {ext(oidIssuingPoint, false, seq(tlv(contextual(3), []byte{1, 0x60})))},
	} {
		tbs := seq(integer(1), alg, rootName, when, timeText{asn1.GeneralizedTime, "20261223090000Z"}.der(), revoked, tlv(explicit(0), seq(exts...)))
		all = append(all, question{name, tbs, []int{2}, func(part []byte) job {
			return job{at: testTime, crlCheck: CRLLeaf, trusted: [][]byte{rootDER}, chain: [][]byte{leafDER}, crls: [][]byte{signed(part)}}
		}})
	}
	alone := func(name string, levels []int, part []byte, tbs func([]byte) []byte) {
		all = append(all, question{name, part, levels, func(part []byte) job {
			der := signed(tbs(part))
			return job{at: testTime, level: 2, trusted: [][]byte{der}, chain: [][]byte{der}}
		}})
	}
	for name, value := range map[string][]byte{
		"address blocks": ext(oidIPBlocks, true, seq(
			seq(octets([]byte{0, 1}), seq(bits(0, 10, 0), seq(bits(0, 10, 2), bits(0, 10, 5)))),
			seq(octets([]byte{0, 2}), []byte{5, 0}))),
		"AS numbers":     ext(oidASNumbers, true, seq(tlv(explicit(0), seq(integer(1), seq(integer(3), integer(5)))), tlv(explicit(1), []byte{5, 0}))),
		"proxy":          ext(oidProxyInfo, true, seq(integer(3), seq(oid("\x2b\x06\x01\x05\x05\x07\x15\x01"), octets([]byte{1})))),
		"bounded trees":  ext(oidNameConstraints, false, seq(tlv(explicit(0), seq(dns, tlv(contextual(0), []byte{0}), tlv(contextual(1), []byte{2}))))),
		"another ending": ext("\x2a\x03", true, seq()),
	} {
		alone(name, []int{2}, value, func(part []byte) []byte { return small(rootKey.spki, extensions(part)) })
	}
	number := func(n *big.Int) []byte { return build(func(b *cryptobyte.Builder) { b.AddASN1BigInt(n) }) }
	for name, spki := range map[string][]byte{
		"RSA key":       pool["rsa1024"].spki,
		"RSA-PSS key":   seq(seq(oid(oidRSAPSS), seq(tlv(explicit(0), seq(oid(digestOIDs[crypto.SHA256]), []byte{5, 0})), tlv(explicit(1), seq(oid(oidMGF1), seq(oid(digestOIDs[crypto.SHA256])))), tlv(explicit(2), integer(32)), tlv(explicit(3), integer(1)))), bits(0, seq(number(new(big.Int).Lsh(big.NewInt(5), 2100)), integer(65537))...)),
		"P-256 key":     pool["p256a"].spki,
		"P-224 key":     pool["p224"].spki,
		"another curve": pool["secp256k1"].spki,
		"explicit key":  pool["explicit"].spki,
		"Ed25519 key":   pool["ed25519a"].spki,
		"DSA key":       newDSAKey(t).spki,
	} {
		alone(name, []int{1, 2}, spki, func(part []byte) []byte { return small(part) })
	}
	return all
}
