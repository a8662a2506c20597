package verify

import (
	"crypto"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"slices"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// gridPuzzles put everything of one list together with everything of another.
func gridPuzzles() []puzzle {
	return []puzzle{datePuzzle(), issuerPuzzle(), pathPuzzle(), crlPuzzle(), namePuzzle(), algorithmPuzzle(), sizePuzzle(), pointPuzzle()}
}

// plainly makes a puzzle of which all jobs can be agreed on.
func plainly(name string, jobs func(put func(about string, j job))) puzzle {
	return puzzle{name, func(put func(string, job, func() string)) {
		jobs(func(about string, j job) {
			if j.at.IsZero() {
				j.at = testTime
			}
			put(about, j, nil)
		})
	}}
}

// fixedChain is goodChain with keys that are the same each time; they pass at level 1.
func fixedChain() (root, intermediate, leaf *mintable) {
	rng, a, b, c := mathrand.New(mathrand.NewPCG(1, 2)), fixedKey(1), fixedKey(2), fixedKey(3)
	rootName, caName := dnOf(text(oidCommonName, "Root")), dnOf(text(oidCommonName, "CA"))
	root = caTemplate(rootName, rootName, a, a, rng)
	intermediate = caTemplate(caName, rootName, b, a, rng)
	leaf = leafTemplate(dnOf(text(oidCommonName, "leaf.example")), caName, c, b, rng)
	return root, intermediate, leaf
}

func (m *mintable) clone() *mintable {
	c := *m
	c.exts = slices.Clone(m.exts)
	return &c
}

// alone is a self-signed certificate that is trusted: nothing but itself is looked at.
func alone(level int, change func(*mintable)) job {
	root, _, _ := fixedChain()
	root.exts = nil
	change(root)
	der := [][]byte{root.mint()}
	return job{level: level, trusted: der, chain: der}
}

// datePuzzle are dates at the limits of each field, in all forms that could be one.
func datePuzzle() puzzle {
	var dates []timeText
	for _, s := range []string{
		"261123090000Z", "261123085959Z", "261123090001Z", "2611230900Z", "26112309Z", "261123Z", "Z", "", "261123090000", "261123090000z", "2611230900000Z",
		"261123090000+0000", "261123090000-0000", "261123090000+1200", "261123090000+1300", "261123090000+1259", "261123090000+1260", "261123090000+01", "261123090000+010", "261123090000+01000",
		"261123090000.5Z", "26112309000.Z", "2611230900.5Z", "26112309000Z", "26112309000000Z", "2a1123090000Z", "26a123090000Z", "261a23090000Z", "26112a090000Z", "2611230a0000Z", "261123090a00Z", "26112309000aZ", "26112309000/Z", "26112309000:Z",
		"260023090000Z", "260123090000Z", "261223090000Z", "261323090000Z", "261100090000Z", "261101090000Z", "261130090000Z", "261131090000Z", "261231090000Z", "261232090000Z",
		"260228090000Z", "260229090000Z", "280229090000Z", "280230090000Z", "000229090000Z", "260430090000Z", "260431090000Z", "260631090000Z", "260931090000Z",
		"261123230000Z", "261123240000Z", "261123095900Z", "261123096000Z", "261123090059Z", "261123090060Z", "490101000000Z", "491231235959Z", "500101000000Z", "991231235959Z", "000101000000Z",
	} {
		dates = append(dates, timeText{asn1.UTCTime, s}, timeText{asn1.GeneralizedTime, "20" + s})
		if len(s) == 13 {
			dates = append(dates, timeText{asn1.GeneralizedTime, "19" + s}, timeText{asn1.GeneralizedTime, "21" + s}, timeText{asn1.GeneralizedTime, s})
		}
	}
	for _, s := range []string{"20261123090000.25Z", "20261123090000.Z", "20261123090000.5", "20261123090000.5+0100", "99991231235959Z", "00000101000000Z", "19700101000000Z", "19691231235959Z", "21000229000000Z", "20000229000000Z", "2026112309", "20261123090000,5Z"} {
		dates = append(dates, timeText{asn1.GeneralizedTime, s})
	}
	return plainly("dates", func(put func(string, job)) {
		for _, d := range dates {
			put("notBefore "+d.text, alone(1, func(m *mintable) { m.notBefore = d }))
			put("notAfter "+d.text, alone(1, func(m *mintable) { m.notAfter = d }))
		}
		// Of two expired issuers the one that expires later is taken; the other has another key.
		root, ca, leaf := fixedChain()
		leaf.drop(oidAuthorityKeyID)
		leafDER := leaf.mint()
		for _, d := range dates {
			for _, end := range []timeText{{asn1.UTCTime, "261123085959Z"}, {asn1.UTCTime, "2611230858Z"}} {
				one, other := ca.clone(), ca.clone()
				one.notAfter, other.notAfter, other.key = d, end, fixedKey(4)
				put(fmt.Sprintf("issuers that ended %s and %s", d.text, end.text),
					job{level: 1, trusted: [][]byte{root.mint()}, chain: [][]byte{leafDER, other.mint(), one.mint()}})
			}
		}
	})
}

// variants are changes that a CA may have.
func variants() []defect {
	all := []defect{
		{"good", func(*mathrand.Rand, *mintable) {}},
		{"expired", func(_ *mathrand.Rand, m *mintable) { m.notAfter = utcTime(testTime.AddDate(0, 0, -1)) }},
		{"expired before", func(_ *mathrand.Rand, m *mintable) { m.notAfter = utcTime(testTime.AddDate(0, 0, -2)) }},
		{"expires this second", func(_ *mathrand.Rand, m *mintable) { m.notAfter = utcTime(testTime) }},
		{"valid from this second", func(_ *mathrand.Rand, m *mintable) { m.notBefore = utcTime(testTime) }},
		{"not yet valid", func(_ *mathrand.Rand, m *mintable) { m.notBefore = utcTime(testTime.AddDate(0, 0, 1)) }},
		{"no date", func(_ *mathrand.Rand, m *mintable) { m.notAfter = timeText{asn1.UTCTime, "x"} }},
		{"another key", func(_ *mathrand.Rand, m *mintable) { m.key = fixedKey(4) }},
		{"another key identifier", func(_ *mathrand.Rand, m *mintable) { m.set(oidSubjectKeyID, false, octets([]byte{1})) }},
		{"no key identifier", func(_ *mathrand.Rand, m *mintable) { m.drop(oidSubjectKeyID) }},
		{"another serial number", func(_ *mathrand.Rand, m *mintable) { m.serial = []byte{9} }},
		{"self-signed", func(_ *mathrand.Rand, m *mintable) {
			m.issuer, m.signer = m.subject, m.key
			m.set(oidAuthorityKeyID, false, seq(tlv(contextual(0), m.key.id)))
		}},
		{"self-issued", func(_ *mathrand.Rand, m *mintable) { m.issuer = m.subject }},
		{"wrong signature", func(_ *mathrand.Rand, m *mintable) { m.corrupt = true }},
		{"invalid", func(_ *mathrand.Rand, m *mintable) { m.set(oidKeyUsage, true, bits(0)) }},
		{"unreadable key", func(_ *mathrand.Rand, m *mintable) { m.spki = seq(seq(oid("\x2a\x03")), bits(0, 1)) }},
	}
	for n := range int64(3) {
		all = append(all, defect{fmt.Sprintf("path length %d", n), func(_ *mathrand.Rand, m *mintable) {
			m.set(oidBasicConstraints, true, seq(boolean(0xff), integer(n)))
		}})
	}
	return all
}

// issuerPuzzle are two certificates of one CA, each changed in one way, presented or trusted.
func issuerPuzzle() puzzle {
	return plainly("two issuers", func(put func(string, job)) {
		root, ca, leaf := fixedChain()
		leaf.set(oidAuthorityKeyID, false, seq(tlv(contextual(0), ca.key.id)))
		bySerial := leaf.clone()
		bySerial.set(oidAuthorityKeyID, false, seq(tlv(explicit(1), general(kindDirectory, root.subject)), tlv(contextual(2), ca.serial)))
		rootDER := root.mint()
		var minted [][]byte
		for _, v := range variants() {
			m := ca.clone()
			v.apply(nil, m)
			minted = append(minted, m.mint())
		}
		all := variants()
		for _, l := range []*mintable{leaf, bySerial} {
			der := l.mint()
			for i, a := range minted {
				for k, b := range minted {
					about := all[i].name + ", " + all[k].name
					put("presented: "+about, job{level: 1, trusted: [][]byte{rootDER}, chain: [][]byte{der, a, b}})
					put("trusted: "+about, job{level: 1, trusted: [][]byte{a, b, rootDER}, chain: [][]byte{der}})
					put("trusted and presented: "+about, job{level: 1, trusted: [][]byte{a}, chain: [][]byte{der, b, b, rootDER}})
				}
			}
		}
	})
}

// pathPuzzle are paths of four certificates, each of which may or may not be a CA or a proxy, and
// may limit the length of the path.
func pathPuzzle() puzzle {
	basic := func(value ...[]byte) func(*mintable) {
		return func(m *mintable) { m.set(oidBasicConstraints, true, seq(value...)) }
	}
	proxy := func(value ...[]byte) func(*mintable) {
		return func(m *mintable) {
			m.set(oidProxyInfo, true, seq(append(value, seq(oid("\x2b\x06\x01\x05\x05\x07\x15\x01")))...))
			m.drop(oidBasicConstraints)
			m.set(oidKeyUsage, true, bits(7, usageDigitalSignature))
			m.subject = seq(m.issuer[2:], tlv(asn1.SET, seq(oid(oidCommonName), tlv(tagUTF8String, []byte("p")))))
		}
	}
	without := func(more ...extItem) func(*mintable) {
		return func(m *mintable) {
			m.drop(oidBasicConstraints)
			m.drop(oidKeyUsage)
			m.exts = append(m.exts, more...)
		}
	}
	kinds := []struct {
		name   string
		change func(*mintable)
	}{
		{"plain", func(*mintable) {}},
		{"path length 0", basic(boolean(0xff), integer(0))},
		{"path length 1", basic(boolean(0xff), integer(1))},
		{"large path length", basic(boolean(0xff), tlv(asn1.INTEGER, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0}))},
		{"self-issued", func(m *mintable) { m.subject = m.issuer }},
		{"proxy", proxy()},
		{"proxy, 0", proxy(integer(0))},
		{"proxy, 1", proxy(integer(1))},
		{"proxy of another name", func(m *mintable) {
			proxy()(m)
			m.subject = dnOf(text(oidCommonName, "other"), text(oidCommonName, "p"))
		}},
		{"no CA", basic()},
		{"v1", func(m *mintable) { m.version, m.exts = 0, nil }},
		{"no basic constraints", func(m *mintable) { m.drop(oidBasicConstraints) }},
		{"Netscape SSL CA", without(extItem{oidNetscapeCertType, false, bits(2, netscapeSSLCA)})},
		{"Netscape e-mail CA", without(extItem{oidNetscapeCertType, false, bits(1, 2)})},
		{"Netscape client", without(extItem{oidNetscapeCertType, false, bits(7, netscapeClient)})},
		{"no keyCertSign", func(m *mintable) { m.set(oidKeyUsage, true, bits(7, usageDigitalSignature)) }},
		{"server", func(m *mintable) { m.set(oidExtKeyUsage, false, seq(oid("\x2b\x06\x01\x05\x05\x07\x03\x01"))) }},
		{"unknown critical", func(m *mintable) { m.set("\x2a\x03", true, nil) }},
	}
	return plainly("paths", func(put func(string, job)) {
		root, ca, leaf := fixedChain()
		for _, r := range kinds {
			top := root.clone()
			r.change(top)
			if r.name != "self-issued" && r.name != "plain" {
				top.issuer = top.subject
			}
			for i, a := range kinds {
				for k, b := range kinds {
					if r.name != "plain" && r.name != "path length 0" && r.name != "path length 1" && (i+k)%7 != 0 {
						continue
					}
					upper := ca.clone()
					upper.issuer = top.subject
					a.change(upper)
					lower := ca.clone()
					lower.issuer, lower.subject, lower.key, lower.signer = upper.subject, dnOf(text(oidCommonName, "Sub")), fixedKey(4), upper.key
					for _, m := range []*mintable{top, upper, lower} {
						m.drop(oidAuthorityKeyID)
						m.drop(oidSubjectKeyID)
					}
					b.change(lower)
					end := leaf.clone()
					end.issuer, end.signer = lower.subject, lower.key
					end.drop(oidAuthorityKeyID)
					put(fmt.Sprintf("%s, %s, %s", r.name, a.name, b.name),
						job{level: 1, trusted: [][]byte{top.mint()}, chain: [][]byte{end.mint(), lower.mint(), upper.mint()}})
				}
			}
		}
	})
}

// algorithmPuzzle are signature algorithms with keys of each kind, at each level.
func algorithmPuzzle() puzzle {
	ids := []string{"\x2a\x03", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"}
	for id := range signatureAlgorithms {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	algs := [][]byte{seq(oid(oidRSAPSS), seq()), seq(oid(oidEd25519), []byte{5, 0})}
	for _, id := range ids {
		algs = append(algs, seq(oid(id)))
	}
	for _, hash := range []crypto.Hash{crypto.MD5, crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA512_224, crypto.SHA3_512} {
		h := seq(oid(digestOIDs[hash]), []byte{5, 0})
		algs = append(algs, seq(oid(oidRSAPSS), seq(tlv(explicit(0), h), tlv(explicit(1), seq(oid(oidMGF1), h)), tlv(explicit(2), integer(20)))))
	}
	fixedPart := func(id string, params []byte, key ...byte) []byte { return seq(seq(oid(id), params), bits(0, key...)) }
	c := namedCurve([]byte(oidP256))
	point := slices.Concat([]byte{4}, c.gx.FillBytes(make([]byte, 32)), c.gy.FillBytes(make([]byte, 32)))
	ec := fixedPart(oidEC, oid(oidP256), point...)
	rsa := fixedKey(1).spki
	small := seq(integer(23), integer(11), integer(4))
	keys := [][]byte{
		rsa, ec, fixedPart(oidRSAPSS, nil, rsa[22+3:]...), fixedPart(oidEd25519, nil, make([]byte, 32)...), fixedPart(oidEd448, nil, make([]byte, 57)...),
		fixedPart(oidX25519, nil, make([]byte, 32)...), fixedPart(oidX448, nil, make([]byte, 56)...), fixedPart(oidDSA, small, integer(3)...),
	}
	return plainly("algorithms", func(put func(string, job)) {
		for _, alg := range algs {
			for i, key := range keys {
				put(fmt.Sprintf("%x with key %d", alg, i), alone(0, func(m *mintable) { m.innerAlg, m.outerAlg, m.spki = alg, alg, key }))
			}
			root, _, leaf := fixedChain()
			leaf.issuer, leaf.signer, leaf.innerAlg, leaf.outerAlg = root.subject, root.key, alg, alg
			leaf.drop(oidAuthorityKeyID)
			for level := range 6 {
				put(fmt.Sprintf("%x at level %d", alg, level), job{level: level, trusted: [][]byte{root.mint()}, chain: [][]byte{leaf.mint()}})
			}
		}
	})
}

// sizePuzzle are numbers in keys at the limits of the levels.
func sizePuzzle() puzzle {
	number := func(n *big.Int) []byte { return tlv(asn1.INTEGER, append([]byte{0}, n.Bytes()...)) }
	return plainly("sizes of keys", func(put func(string, job)) {
		rng := mathrand.New(mathrand.NewPCG(9, 9))
		at := func(about string, alg string, spki []byte) {
			for level := range 6 {
				put(fmt.Sprintf("%s at level %d", about, level), alone(level, func(m *mintable) {
					m.spki, m.innerAlg, m.outerAlg = spki, seq(oid(alg)), seq(oid(alg))
				}))
			}
		}
		for _, size := range []int{8, 919, 920, 1023, 1024, 1962, 1963, 2670, 2671, 6946, 6947, 8192, 8193, 13913, 13914, 16384, 16385} {
			at(fmt.Sprintf("RSA %d", size), "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", seq(seq(oid(oidRSA), []byte{5, 0}), bits(0, seq(number(pseudoRandom(rng, size)), integer(65537))...)))
		}
		for _, p := range []int{1023, 1024, 2047, 2048, 3071, 3072, 7679, 7680, 9999, 10000, 10001, 15359, 15360} {
			for _, q := range []int{159, 160, 161, 223, 224, 225, 255, 256, 383, 384, 512} {
				at(fmt.Sprintf("DSA %d, %d", p, q), "\x60\x86\x48\x01\x65\x03\x04\x03\x02", seq(seq(oid(oidDSA), seq(number(pseudoRandom(rng, p)), number(pseudoRandom(rng, q)), integer(2))), bits(0, integer(3)...)))
			}
		}
		curves := make([]string, 0, len(primeCurves))
		for id := range primeCurves {
			curves = append(curves, id)
		}
		slices.Sort(curves)
		for _, id := range curves {
			c := namedCurve([]byte(id))
			size := (c.p.BitLen() + 7) / 8
			point := slices.Concat([]byte{4}, c.gx.FillBytes(make([]byte, size)), c.gy.FillBytes(make([]byte, size)))
			at(fmt.Sprintf("curve %x", id), "\x2a\x86\x48\xce\x3d\x04\x03\x02", seq(seq(oid(oidEC), oid(id)), bits(0, point...)))
		}
	})
}

// pointPuzzle are octets that are a point of a curve, or could be taken for one.
func pointPuzzle() puzzle {
	return plainly("points", func(put func(string, job)) {
		for _, id := range []string{oidP224, oidP256, oidP384, oidP521, "\x2b\x81\x04\x00\x0a", "\x2b\x81\x04\x00\x08", oidSM2} {
			c := namedCurve([]byte(id))
			size := (c.p.BitLen() + 7) / 8
			fill := func(n *big.Int) []byte { return n.FillBytes(make([]byte, size)) }
			x, y := fill(c.gx), fill(c.gy)
			parity := byte(c.gy.Bit(0))
			most := fill(new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(c.p.BitLen())), big.NewInt(1)))
			zero := make([]byte, size)
			points := [][]byte{
				{}, {0}, {0, 0}, {1}, {2}, {4}, {5}, {0xff},
				slices.Concat([]byte{2 + parity}, x), slices.Concat([]byte{3 - parity}, x), slices.Concat([]byte{2}, x, []byte{0}), slices.Concat([]byte{2}, x[1:]),
				slices.Concat([]byte{4}, x, y), slices.Concat([]byte{5}, x, y), slices.Concat([]byte{6 + parity}, x, y), slices.Concat([]byte{7 - parity}, x, y), slices.Concat([]byte{8}, x, y),
				slices.Concat([]byte{4}, x, y, []byte{0}), slices.Concat([]byte{4}, x, y[1:]), slices.Concat([]byte{4}, y, x), slices.Concat([]byte{4}, x, zero), slices.Concat([]byte{4}, zero, zero),
				slices.Concat([]byte{2}, fill(c.p)), slices.Concat([]byte{2}, most), slices.Concat([]byte{4}, fill(c.p), y), slices.Concat([]byte{4}, x, fill(c.p)), slices.Concat([]byte{4}, most, most),
				slices.Concat([]byte{3}, fill(new(big.Int).Sub(c.p, big.NewInt(1)))), slices.Concat([]byte{0}, x), slices.Concat([]byte{0x84}, x, y),
			}
			for n := range int64(12) {
				points = append(points, slices.Concat([]byte{2 + byte(n&1)}, fill(big.NewInt(n))))
			}
			for _, point := range points {
				for _, params := range [][]byte{oid(id), unhexed(primeCurves[id])} {
					put(fmt.Sprintf("%x on %x", point, params), alone(1, func(m *mintable) {
						m.spki = seq(seq(oid(oidEC), params), bits(0, point...))
						m.innerAlg = algorithmFor(ecKey, crypto.SHA256, false)
						m.outerAlg = m.innerAlg
					}))
				}
			}
		}
	})
}
