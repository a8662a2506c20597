package verify

import (
	"crypto"
	"encoding/hex"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"slices"

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

// alter makes a puzzle of a part of a job, altered in every simple way. Signatures are not made
// again; both find that they are wrong, and go on.
func alter(name string, part []byte, jobs func(part []byte) []job) puzzle {
	return puzzle{name, func(put func(string, job, func() string)) {
		for _, j := range jobs(part) {
			put("unchanged", j, nil)
		}
		parts(part, func(b []byte) []byte { return b }, func(element []byte, whole func([]byte) []byte) {
			for i, instead := range alterations(element) {
				about := fmt.Sprintf("alteration %d of %x: %x", i, element, instead)
				for _, j := range jobs(whole(instead)) {
					put(about, j, func() string { return whyDifferent(j, element, instead) })
				}
			}
		})
	}}
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

// partPuzzles alter each part of a root, of a leaf, of CRLs, of some more extensions, and of keys.
func partPuzzles() []puzzle {
	rootKey, leafKey := fixedKey(1), fixedKey(2)
	alg := algorithmFor(rsaKey, crypto.SHA256, false)
	signatureOf := func(tbs []byte) []byte { return bits(0, rootKey.sign(crypto.SHA256, false, tbs)...) }
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
	rootSignature, leafSignature := signatureOf(root), signatureOf(leaf)
	rootDER, leafDER := seq(root, alg, rootSignature), seq(leaf, alg, leafSignature)

	one := func(j job) []job {
		j.level, j.at = 1, testTime
		return []job{j}
	}
	all := []puzzle{
		alter("a root", root, func(part []byte) []job {
			return one(job{trusted: [][]byte{seq(part, alg, rootSignature)}, chain: [][]byte{leafDER}})
		}),
		alter("a leaf", leaf, func(part []byte) []job {
			return one(job{trusted: [][]byte{rootDER}, chain: [][]byte{seq(part, alg, leafSignature)}})
		}),
		alter("a whole certificate", rootDER, func(part []byte) []job { return one(job{chain: [][]byte{part}}) }),
	}
	// CRLs of the root, in which the leaf is revoked.
	when := utcTime(testTime.AddDate(0, 0, -1)).der()
	revoked := seq(
		seq(integer(5), when, seq(ext(oidReason, false, tlv(asn1.ENUM, []byte{reasonRemoveFromCRL})), ext("\x2a\x03", false, nil))),
		seq(integer(6), when, seq(ext(oidReason, false, tlv(asn1.ENUM, []byte{1})), ext(oidCertIssuer, true, seq(dns, general(kindDirectory, rootName))))),
		seq(integer(6), when))
	for _, c := range []struct {
		name string
		exts [][]byte
	}{
		{"a CRL with a full name", [][]byte{
			ext(oidAuthorityKeyID, false, seq(tlv(contextual(0), []byte{0, 1, 2}), tlv(explicit(1), general(kindDirectory, rootName)), tlv(contextual(2), []byte{5}))),
			ext(oidIssuingPoint, true, seq(tlv(explicit(0), tlv(explicit(0), dns, uri)), tlv(contextual(1), []byte{0xff}), tlv(contextual(2), []byte{0}), tlv(contextual(4), []byte{0}), tlv(contextual(5), []byte{0}))),
			ext(oidCRLNumber, false, integer(1)),
		}},
		{"a CRL with a relative name", [][]byte{ext(oidIssuingPoint, true, seq(tlv(explicit(0), fragment))), ext(oidDeltaCRL, true, integer(1))}},
		{"a CRL for some reasons", [][]byte{ext(oidIssuingPoint, false, seq(tlv(contextual(3), []byte{1, 0x60})))}},
	} {
		tbs := seq(integer(1), alg, rootName, when, timeText{asn1.GeneralizedTime, "20261223090000Z"}.der(), revoked, tlv(explicit(0), seq(c.exts...)))
		signature := signatureOf(tbs)
		all = append(all, alter(c.name, tbs, func(part []byte) []job {
			return one(job{crlCheck: CRLLeaf, trusted: [][]byte{rootDER}, chain: [][]byte{leafDER}, crls: [][]byte{seq(part, alg, signature)}})
		}))
	}
	for _, c := range []struct {
		name string
		ext  []byte
	}{
		{"address blocks", ext(oidIPBlocks, true, seq(
			seq(octets([]byte{0, 1}), seq(bits(0, 10, 0), seq(bits(0, 10, 2), bits(0, 10, 5)))),
			seq(octets([]byte{0, 2}), []byte{5, 0})))},
		{"AS numbers", ext(oidASNumbers, true, seq(tlv(explicit(0), seq(integer(1), seq(integer(3), integer(5)))), tlv(explicit(1), []byte{5, 0})))},
		{"a proxy", ext(oidProxyInfo, true, seq(integer(3), seq(oid("\x2b\x06\x01\x05\x05\x07\x15\x01"), octets([]byte{1}))))},
		{"bounded trees", ext(oidNameConstraints, false, seq(tlv(explicit(0), seq(dns, tlv(contextual(0), []byte{0}), tlv(contextual(1), []byte{2})))))},
		{"another extension", ext("\x2a\x03", true, seq())},
	} {
		all = append(all, alter(c.name, c.ext, func(part []byte) []job {
			der := seq(tbsOf(7, rootName, rootName, rootKey.spki, extensions(part)), alg, rootSignature)
			return one(job{trusted: [][]byte{der}, chain: [][]byte{der}})
		}))
	}
	return append(all, keyPuzzles()...)
}

// keyPuzzles alter the public key of a certificate that is alone and trusted.
func keyPuzzles() []puzzle {
	rng := mathrand.New(mathrand.NewPCG(7, 7))
	number := func(n *big.Int) []byte { return build(func(b *cryptobyte.Builder) { b.AddASN1BigInt(n) }) }
	odd := func(bitLen int) []byte { return number(pseudoRandom(rng, bitLen)) }
	point := func(curve string) []byte {
		c := namedCurve([]byte(curve))
		q, size := c.times(big.NewInt(12345)), (c.p.BitLen()+7)/8
		return bits(0, slices.Concat([]byte{4}, q.x.FillBytes(make([]byte, size)), q.y.FillBytes(make([]byte, size)))...)
	}
	named := func(curve string) []byte { return seq(seq(oid(oidEC), oid(curve)), point(curve)) }
	sha256 := seq(oid(digestOIDs[crypto.SHA256]), []byte{5, 0})
	pss := seq(tlv(explicit(0), sha256), tlv(explicit(1), seq(oid(oidMGF1), sha256)), tlv(explicit(2), integer(32)), tlv(explicit(3), integer(1)))
	const secp256k1 = "\x2b\x81\x04\x00\x0a"
	rsaAlg, ecAlg := algorithmFor(rsaKey, crypto.SHA256, false), algorithmFor(ecKey, crypto.SHA256, false)
	var all []puzzle
	for _, k := range []struct {
		name      string
		spki, alg []byte
	}{
		{"an RSA key", seq(seq(oid(oidRSA), []byte{5, 0}), bits(0, seq(odd(2048), integer(65537))...)), rsaAlg},
		{"an RSA-PSS key", seq(seq(oid(oidRSAPSS), pss), bits(0, seq(odd(2048), integer(65537))...)), seq(oid(oidRSAPSS), pss)},
		{"a P-256 key", named(oidP256), ecAlg},
		{"a P-224 key", named(oidP224), ecAlg},
		{"a key on another curve", named(secp256k1), ecAlg},
		{"a key with explicit parameters", seq(seq(oid(oidEC), unhexed(primeCurves[oidP256])), point(oidP256)), ecAlg},
		{"an Ed25519 key", seq(seq(oid(oidEd25519)), bits(0, make([]byte, 32)...)), seq(oid(oidEd25519))},
		{"an Ed448 key", seq(seq(oid(oidEd448)), bits(0, make([]byte, 57)...)), seq(oid(oidEd448))},
		{"an X25519 key", seq(seq(oid(oidX25519)), bits(0, make([]byte, 32)...)), ecAlg},
		{"a DSA key", seq(seq(oid(oidDSA), seq(odd(2048), odd(256), odd(2000))), bits(0, odd(2000)...)), seq(oid("\x60\x86\x48\x01\x65\x03\x04\x03\x02"))},
	} {
		all = append(all, alter(k.name, k.spki, func(part []byte) []job {
			name := dnOf(text(oidCommonName, "Root"))
			validity := seq(utcTime(testTime.AddDate(-1, 0, 0)).der(), utcTime(testTime.AddDate(1, 0, 0)).der())
			der := seq(seq(tlv(explicit(0), integer(2)), integer(7), k.alg, name, validity, name, part), k.alg, bits(0, 1))
			one := [][]byte{der}
			return []job{{level: 1, at: testTime, trusted: one, chain: one}, {level: 3, at: testTime, trusted: one, chain: one}}
		}))
	}
	return all
}

func unhexed(s string) []byte { return must(hex.DecodeString(s)) }
