package verify

import (
	"crypto"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// namePuzzle are names against constraints, permitted and excluded, alone and in pairs.
func namePuzzle() puzzle {
	mailbox := func(tag asn1.Tag, s string) []byte {
		return general(kindOther, slices.Concat(oid(oidSmtpUTF8Mailbox), tlv(explicit(0), tlv(tag, []byte(s)))))
	}
	directory := func(rdns ...[]rdnPart) []byte { return general(kindDirectory, dnOf(rdns...)) }
	mail := func(tag asn1.Tag, s string) []rdnPart { return []rdnPart{{oidEmailAddress, tag, []byte(s)}} }
	type subject struct{ dn, alt []byte }
	var names []subject
	plain := dnOf(text("\x55\x04\x0a", "Example"))
	alts := [][]byte{
		ia5(kindDNS, "a.example"), ia5(kindDNS, "A.Example"), ia5(kindDNS, "ba.example"), ia5(kindDNS, "b.a.example"), ia5(kindDNS, ""),
		ia5(kindEmail, "u@a.example"), ia5(kindEmail, "U@a.example"), ia5(kindEmail, "u@b.a.example"), ia5(kindEmail, "u"), ia5(kindEmail, "@a.example"), ia5(kindEmail, "v\x00@a.example"),
		ia5(kindURI, "https://a.example/x"), ia5(kindURI, "https://b.a.example:1/x"), ia5(kindURI, "https:/a.example"), ia5(kindURI, "https://"), ia5(kindURI, "x://a.example/b:c"), ia5(kindURI, "a.example"),
		general(kindIP, []byte{10, 0, 0, 1}), general(kindIP, []byte{11, 0, 0, 1}), general(kindIP, []byte{10, 0, 1}), general(kindIP, make([]byte, 16)), general(kindIP, slices.Repeat([]byte{1}, 16)),
		directory(text("\x55\x04\x0a", "Example"), text(oidCommonName, "x")), directory(), general(kindOID, []byte("\x2a\x03")), general(kindX400, seq()),
		mailbox(asn1.UTF8String, "ü@a.example"), mailbox(asn1.UTF8String, "ü@b.a.example"), mailbox(asn1.UTF8String, "ü@b..a.example"), mailbox(asn1.UTF8String, "..a.example@"), mailbox(asn1.UTF8String, "@..a.example"), mailbox(asn1.PrintableString, "u@a.example"), mailbox(asn1.UTF8String, "u"),
		general(kindOther, slices.Concat(oid("\x2a\x03"), tlv(explicit(0), integer(1)))), general(kindOther, slices.Concat(oid("\x2a\x04"), tlv(explicit(0), integer(1)))),
		slices.Concat(ia5(kindDNS, "a.example"), ia5(kindEmail, "u@a.example")), slices.Concat(ia5(kindEmail, "u@a.example"), ia5(kindDNS, "c.example")),
	}
	for _, alt := range alts {
		names = append(names, subject{plain, seq(alt)})
	}
	for _, dn := range [][]byte{
		dnOf(), plain, dnOf(text("\x55\x04\x0a", "EXAMPLE"), text(oidCommonName, "a.example")), dnOf(text(oidCommonName, "a.example")), dnOf(text(oidCommonName, "a_b-c.d.example")),
		dnOf(text(oidCommonName, "no host"), text(oidCommonName, "b.a.example")), dnOf(text(oidCommonName, "a.example\x00")), dnOf(text(oidCommonName, "a\x00.example")),
		dnOf([]rdnPart{{oidCommonName, tagNumericString, []byte("1.2")}}), dnOf([]rdnPart{{oidCommonName, asn1.BIT_STRING, []byte{0, 1}}}), dnOf([]rdnPart{{oidCommonName, tagBMPString, []byte("\x00a\x00.\x00b")}}),
		dnOf(mail(tagIA5String, "u@a.example"), text(oidCommonName, "x")), dnOf(mail(tagUTF8String, "u@a.example")), dnOf(mail(tagIA5String, "u"), mail(tagUTF8String, "u")), dnOf(mail(tagIA5String, "u@c.example"), mail(tagIA5String, "u@a.example")),
	} {
		names = append(names, subject{dn, nil}, subject{dn, seq(ia5(kindDNS, "a.example"))}, subject{dn, seq(ia5(kindEmail, "u@a.example"))})
	}
	bases := [][]byte{
		ia5(kindDNS, "a.example"), ia5(kindDNS, ".a.example"), ia5(kindDNS, "EXAMPLE"), ia5(kindDNS, ""), ia5(kindDNS, "other"),
		ia5(kindEmail, "a.example"), ia5(kindEmail, ".a.example"), ia5(kindEmail, "u@a.example"), ia5(kindEmail, "v\x00@a.example"), ia5(kindEmail, "@a.example"), ia5(kindEmail, ""), ia5(kindEmail, "a\x00"),
		ia5(kindURI, "a.example"), ia5(kindURI, ".a.example"), ia5(kindURI, ""),
		general(kindIP, []byte{10, 0, 0, 0, 255, 0, 0, 0}), general(kindIP, []byte{10, 0, 0, 0, 0, 255, 255, 0}), general(kindIP, []byte{10, 0, 0, 0}), general(kindIP, make([]byte, 32)), general(kindIP, slices.Repeat([]byte{1}, 32)),
		directory(text("\x55\x04\x0a", "example")), directory(), directory(text("\x55\x04\x0a", "Example"), text(oidCommonName, "x")), directory(text(oidCommonName, "x")),
		general(kindOID, []byte("\x2a\x03")), general(kindX400, seq()), mailbox(asn1.UTF8String, "a.example"),
		general(kindOther, slices.Concat(oid("\x2a\x03"), tlv(explicit(0), integer(1)))),
	}
	return plainly("names and constraints", func(put func(string, job)) {
		root, _, leaf := fixedChain()
		leaf.issuer, leaf.signer, leaf.corrupt = root.subject, root.key, true
		leaf.drop(oidAuthorityKeyID)
		leaves := make([][]byte, len(names))
		for i, n := range names {
			m := leaf.clone()
			m.subject = n.dn
			if n.alt != nil {
				m.set(oidSubjectAltName, false, n.alt)
			}
			leaves[i] = m.mint()
		}
		against := func(about string, constraints []byte, thin int) {
			m := root.clone()
			m.set(oidNameConstraints, true, constraints)
			der := m.mint()
			for i, l := range leaves {
				if i%thin == 0 {
					put(fmt.Sprintf("names %d, %s", i, about), job{level: 1, trusted: [][]byte{der}, chain: [][]byte{l}})
				}
			}
		}
		for i, base := range bases {
			against(fmt.Sprintf("permitted %d", i), seq(tlv(explicit(0), seq(base))), 1)
			against(fmt.Sprintf("excluded %d", i), seq(tlv(explicit(1), seq(base))), 1)
			against(fmt.Sprintf("minimum 1, permitted %d", i), seq(tlv(explicit(0), seq(base, tlv(contextual(0), []byte{1})))), 5)
			against(fmt.Sprintf("maximum, excluded %d", i), seq(tlv(explicit(1), seq(base, tlv(contextual(1), []byte{1})))), 5)
			for k, other := range bases {
				if (i+k)%3 == 0 {
					against(fmt.Sprintf("permitted %d and %d", i, k), seq(tlv(explicit(0), seq(base), seq(other))), 23)
				} else {
					against(fmt.Sprintf("permitted %d, excluded %d and 1", i, k), seq(tlv(explicit(0), seq(base)), tlv(explicit(1), seq(other), seq(bases[1]))), 37)
				}
			}
		}
	})
}

// crlPuzzle are two CRLs for one certificate, each good or changed in one way.
func crlPuzzle() puzzle {
	root, ca, leaf := fixedChain()
	uri := func(s string) []byte { return tlv(explicit(0), ia5(kindURI, "http://crl.example/"+s)) }
	relative := func(s string) []byte { return tlv(explicit(1), seq(oid(oidCommonName), tlv(tagUTF8String, []byte(s)))) }
	full := func(rdns ...[]rdnPart) []byte { return tlv(explicit(0), general(kindDirectory, dnOf(rdns...))) }
	issuing := func(parts ...[]byte) []byte { return ext(oidIssuingPoint, true, seq(parts...)) }
	named := func(n []byte) []byte { return issuing(tlv(explicit(0), n)) }
	reason := func(b byte) []byte { return seq(ext(oidReason, false, tlv(asn1.ENUM, []byte{b}))) }
	type list struct {
		name       string
		this, next time.Duration // from testTime
		issuer     []byte        // default: the CA
		signer     *testKey      // default: the CA's
		exts       [][]byte
		entry      [][]byte // of the leaf; nil: none
	}
	day := 24 * time.Hour
	akid := func(parts ...[]byte) []byte { return ext(oidAuthorityKeyID, false, seq(parts...)) }
	lists := []list{
		{name: "good"}, {name: "newer", this: -time.Hour}, {name: "older", this: -2 * day}, {name: "expired", next: -time.Hour}, {name: "ends this second", next: -1}, {name: "begins this second", this: 1},
		{name: "not yet valid", this: day}, {name: "signed by another", signer: fixedKey(4)}, {name: "signed by the root", signer: root.key}, {name: "of another", issuer: dnOf(text(oidCommonName, "other"))},
		{name: "of the root", issuer: root.subject, signer: root.key},
		{name: "key identifier", exts: [][]byte{akid(tlv(contextual(0), ca.key.id))}}, {name: "another key identifier", exts: [][]byte{akid(tlv(contextual(0), []byte{1}))}},
		{name: "of the root's key", exts: [][]byte{akid(tlv(contextual(0), root.key.id))}}, {name: "another serial number", exts: [][]byte{akid(tlv(contextual(2), []byte{1}))}},
		{name: "unknown critical", exts: [][]byte{ext("\x2a\x03", true, nil)}}, {name: "unknown", exts: [][]byte{ext("\x2a\x03", false, nil)}}, {name: "delta", exts: [][]byte{ext(oidDeltaCRL, true, integer(1))}},
		{name: "for users", exts: [][]byte{issuing(tlv(contextual(1), []byte{0xff}))}}, {name: "for CAs", exts: [][]byte{issuing(tlv(contextual(2), []byte{0xff}))}}, {name: "for attributes", exts: [][]byte{issuing(tlv(contextual(5), []byte{0xff}))}},
		{name: "for users and CAs", exts: [][]byte{issuing(tlv(contextual(1), []byte{0xff}), tlv(contextual(2), []byte{0xff}))}}, {name: "for users and attributes", exts: [][]byte{issuing(tlv(contextual(1), []byte{0xff}), tlv(contextual(5), []byte{0xff}))}},
		{name: "for CAs and attributes", exts: [][]byte{issuing(tlv(contextual(2), []byte{0xff}), tlv(contextual(5), []byte{0xff}))}},
		{name: "some reasons", exts: [][]byte{issuing(tlv(contextual(3), []byte{1, 0x60}))}}, {name: "indirect", exts: [][]byte{issuing(tlv(contextual(4), []byte{0xff}))}},
		{name: "empty issuing point", exts: [][]byte{issuing()}}, {name: "point a", exts: [][]byte{named(uri("a"))}}, {name: "point b", exts: [][]byte{named(uri("b"))}}, {name: "point a or b", exts: [][]byte{named(tlv(explicit(0), ia5(kindURI, "http://crl.example/b"), ia5(kindURI, "http://crl.example/a")))}},
		{name: "relative", exts: [][]byte{named(relative("c"))}}, {name: "another relative", exts: [][]byte{named(relative("d"))}}, {name: "full", exts: [][]byte{named(full(text(oidCommonName, "CA"), text(oidCommonName, "c")))}},
		{name: "full, of the root", exts: [][]byte{named(full(text(oidCommonName, "Root"), text(oidCommonName, "c")))}}, {name: "undecodable point", exts: [][]byte{ext(oidIssuingPoint, true, seq(integer(1)))}}, {name: "point twice", exts: [][]byte{issuing(), issuing()}},
		{name: "revoked", entry: [][]byte{}}, {name: "revoked, compromised", entry: [][]byte{reason(1)}}, {name: "removed", entry: [][]byte{reason(8)}}, {name: "revoked and newer", this: -time.Hour, entry: [][]byte{}},
		{name: "revoked for another issuer", entry: [][]byte{seq(ext(oidCertIssuer, true, seq(general(kindDirectory, root.subject))))}}, {name: "revoked for the issuer", entry: [][]byte{seq(ext(oidCertIssuer, true, seq(ia5(kindDNS, "x"), general(kindDirectory, ca.subject))))}},
		{name: "critical entry", entry: [][]byte{seq(ext("\x2a\x03", true, nil))}}, {name: "two reasons", entry: [][]byte{seq(ext(oidReason, false, tlv(asn1.ENUM, []byte{8})), ext(oidReason, false, tlv(asn1.ENUM, []byte{8})))}},
	}
	alg := algorithmFor(rsaKey, crypto.SHA256, false)
	mint := func(l list, serial []byte) []byte {
		this, next, issuer, signer := testTime.Add(-day), testTime.Add(7*day), ca.subject, ca.key
		switch {
		case l.this > 1 || l.this < 0:
			this = testTime.Add(l.this)
		case l.this == 1:
			this = testTime
		}
		switch {
		case l.next < -1:
			next = testTime.Add(l.next)
		case l.next == -1:
			next = testTime
		}
		if l.issuer != nil {
			issuer = l.issuer
		}
		if l.signer != nil {
			signer = l.signer
		}
		parts := [][]byte{integer(1), alg, issuer, utcTime(this).der(), utcTime(next).der()}
		if l.entry != nil {
			parts = append(parts, seq(seq(slices.Concat([][]byte{tlv(asn1.INTEGER, serial), utcTime(this).der()}, l.entry)...)))
		}
		if l.exts != nil {
			parts = append(parts, tlv(explicit(0), seq(l.exts...)))
		}
		tbs := seq(parts...)
		return seq(tbs, alg, bits(0, signer.sign(crypto.SHA256, false, tbs)...))
	}
	point := func(parts ...[]byte) []byte { return seq(parts...) }
	at := func(n []byte) []byte { return tlv(explicit(0), n) }
	byIssuer := func(n []byte) []byte { return tlv(explicit(2), general(kindDirectory, n)) }
	points := map[string][]byte{
		"none": nil, "a": seq(point(at(uri("a")))), "b for some reasons, a": seq(point(at(uri("b")), tlv(contextual(1), []byte{1, 0x60})), point(at(uri("a")))), "a for some reasons": seq(point(at(uri("a")), tlv(contextual(1), []byte{1, 0x60}))),
		"relative": seq(point(at(relative("c")))), "relative to the root": seq(point(at(relative("c")), byIssuer(root.subject))), "full": seq(point(at(full(text(oidCommonName, "CA"), text(oidCommonName, "c"))))),
		"by the CA": seq(point(byIssuer(ca.subject))), "by the root": seq(point(at(uri("a")), byIssuer(root.subject))), "for no reason": seq(point(at(uri("a")), tlv(contextual(1), []byte{0}))),
	}
	kinds := make([]string, 0, len(points))
	for kind := range points {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return plainly("CRLs", func(put func(string, job)) {
		rootDER, rootCRL := root.mint(), mint(list{issuer: root.subject, signer: root.key}, nil)
		noSign := ca.clone()
		noSign.set(oidKeyUsage, true, bits(2, usageCertSign))
		for _, kind := range kinds {
			m := leaf.clone()
			if points[kind] != nil {
				m.set(oidCRLPoints, false, points[kind])
			}
			of := func(c *mintable, check CRLCheck, crls ...[]byte) job {
				return job{level: 1, crlCheck: check, trusted: [][]byte{rootDER}, chain: [][]byte{m.mint(), c.mint()}, crls: crls}
			}
			put(kind, of(ca, CRLLeaf))
			for i, a := range lists {
				first := mint(a, leaf.serial)
				put(kind+": "+a.name, of(ca, CRLLeaf, first))
				put(kind+", a CA that may not sign CRLs: "+a.name, of(noSign, CRLLeaf, first))
				put(kind+", all: "+a.name, of(ca, CRLAll, first, rootCRL))
				for k, b := range lists {
					if kind == "a" || kind == "none" && (i+k)%3 == 0 || strings.Contains(kind, "reasons") && (i+k)%5 == 0 {
						put(fmt.Sprintf("%s: %s, %s", kind, a.name, b.name), of(ca, CRLLeaf, first, mint(b, leaf.serial)))
					}
				}
			}
		}
	})
}
