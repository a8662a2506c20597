package verify

import (
	"crypto"
	"encoding/hex"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// defect changes one thing of a certificate.
type defect struct {
	name  string
	apply func(*mathrand.Rand, *mintable)
}

func pick[T any](rng *mathrand.Rand, all ...T) T { return all[rng.IntN(len(all))] }

// general makes a GeneralName.
func general(kind uint8, content []byte) []byte {
	if kind == kindDirectory || kind == kindOther || kind == kindX400 || kind == kindEDI {
		return tlv(explicit(kind), content)
	}
	return tlv(contextual(kind), content)
}

func ia5(kind uint8, s string) []byte { return general(kind, []byte(s)) }

var (
	hosts  = []string{"sender.example", "a.sender.example", "Sender.EXAMPLE", "other.test", ".example", "example", "", "x"}
	mails  = []string{"a@sender.example", "A@SENDER.example", "b@a.sender.example", "nobody", "@sender.example", "a@", "a@b@sender.example"}
	uris   = []string{"https://sender.example/x", "https://a.sender.example:8443", "ftp://other.test", "mailto:x", "x://", "https://sender.example/a:b"}
	mailNC = []string{"sender.example", ".sender.example", "a@sender.example", "", "@sender.example", ".example"}
)

func randomAddress(rng *mathrand.Rand) []byte {
	return pick(rng, []byte{10, 0, 0, 1}, []byte{10, 0, 1, 1}, []byte{1}, make([]byte, 16))
}

func randomOther(rng *mathrand.Rand) []byte {
	if rng.IntN(2) == 0 {
		return general(kindOther, slices.Concat(oid(oidSmtpUTF8Mailbox),
			tlv(explicit(0), tlv(pick(rng, asn1.UTF8String, asn1.PrintableString), []byte(pick(rng, mails...))))))
	}
	return general(kindOther, slices.Concat(oid("\x2a\x03"), tlv(explicit(0), integer(1))))
}

func randomGeneral(rng *mathrand.Rand) []byte {
	switch rng.IntN(9) {
	case 0, 1, 2:
		return ia5(kindDNS, pick(rng, hosts...))
	case 3:
		return ia5(kindEmail, pick(rng, mails...))
	case 4:
		return ia5(kindURI, pick(rng, uris...))
	case 5:
		return general(kindIP, randomAddress(rng))
	case 6:
		return general(kindDirectory, pick(rng, simpleName("sender.example"), dnOf(text("\x55\x04\x0a", "Example"))))
	case 7:
		return general(kindOID, []byte("\x2a\x03"))
	default:
		return randomOther(rng)
	}
}

func randomSubtree(rng *mathrand.Rand) []byte {
	var base []byte
	switch rng.IntN(10) {
	case 0, 1, 2:
		base = ia5(kindDNS, pick(rng, hosts...))
	case 3, 4:
		base = ia5(kindEmail, pick(rng, mailNC...))
	case 5:
		base = ia5(kindURI, pick(rng, hosts...))
	case 6:
		base = general(kindIP, pick(rng, []byte{10, 0, 0, 0, 255, 255, 255, 0}, []byte{10, 0, 0, 0, 255, 0, 0, 255}, []byte{1, 2}, make([]byte, 32)))
	case 7, 8:
		base = general(kindDirectory, pick(rng,
			dnOf([]rdnPart{{"\x55\x04\x06", tagPrintableString, []byte("de")}}), dnOf(),
			dnOf([]rdnPart{{"\x55\x04\x06", tagPrintableString, []byte("DE")}}, text("\x55\x04\x0a", " EXAMPLE ")),
			dnOf(text("\x55\x04\x0a", "Example"))))
	default:
		base = randomGeneral(rng)
	}
	switch rng.IntN(12) {
	case 0:
		return seq(base, tlv(contextual(0), []byte{0}))
	case 1:
		return seq(base, tlv(contextual(0), []byte{1}))
	case 2:
		return seq(base, tlv(contextual(1), []byte{9}))
	}
	return seq(base)
}

func randomConstraints(rng *mathrand.Rand) []byte {
	var lists [][]byte
	for n := uint8(0); n < 2; n++ {
		if rng.IntN(2) == 0 {
			continue
		}
		var trees [][]byte
		for range 1 + rng.IntN(3) {
			trees = append(trees, randomSubtree(rng))
		}
		lists = append(lists, tlv(explicit(n), trees...))
	}
	return seq(lists...)
}

// respell writes a name that is made of simple attributes in another way: mostly one that is
// canonically the same.
func respell(rng *mathrand.Rand, raw []byte) []byte {
	var sets [][]rdnPart
	last := -1
	(name{raw: raw}).attributes(func(a attribute) bool {
		p := rdnPart{string(a.oid), a.tag, slices.Clone(a.value)}
		s := string(p.value)
		switch rng.IntN(9) {
		case 0:
			s = strings.ToUpper(s)
		case 1:
			s = " " + strings.ReplaceAll(s, " ", " \t  ") + "  "
		case 2:
			p.tag = pick(rng, asn1.Tag(tagPrintableString), tagUTF8String, tagT61String, tagIA5String, tagNumericString)
		case 3:
			if p.tag != tagBMPString && p.tag != tagUniversalString {
				p.tag = tagBMPString
				var b []byte
				for _, u := range utf16.Encode([]rune(s)) {
					b = append(b, byte(u>>8), byte(u))
				}
				s = string(b)
			}
		case 4:
			if p.tag != tagBMPString && p.tag != tagUniversalString {
				p.tag = tagUniversalString
				var b []byte
				for _, r := range s {
					b = append(b, 0, byte(r>>16), byte(r>>8), byte(r))
				}
				s = string(b)
			}
		}
		p.value = []byte(s)
		if a.set == last {
			sets[len(sets)-1] = append(sets[len(sets)-1], p)
		} else {
			sets = append(sets, []rdnPart{p})
		}
		last = a.set
		return true
	})
	if rng.IntN(20) == 0 && len(sets) > 1 { // two RDNs as one: another name
		sets[0] = append(sets[0], sets[1]...)
		sets = slices.Delete(sets, 1, 2)
	}
	for _, s := range sets {
		if len(s) > 1 && rng.IntN(2) == 0 {
			slices.Reverse(s)
		}
	}
	return dnOf(sets...)
}

func brokenValue(rng *mathrand.Rand) []byte {
	return pick(rng, []byte{}, []byte{5, 0}, []byte{0x30, 0x03, 1}, seq(integer(1)), seq(), octets([]byte{1}), []byte{3, 1, 0}, []byte{3, 1, 8}, []byte{3, 2, 7, 0xff})
}

var knownExtensions = []string{
	oidBasicConstraints, oidKeyUsage, oidExtKeyUsage, oidNetscapeCertType, oidSubjectKeyID, oidAuthorityKeyID,
	oidSubjectAltName, oidNameConstraints, oidCRLPoints, oidIPBlocks, oidASNumbers, oidProxyInfo,
	oidPolicies, oidPolicyConstraint, oidPolicyMappings, oidInhibitAny, oidOCSPNoCheck, oidIssuerAltName, "\x2a\x03\x04",
}

// defects are the changes that random certificates get.
var defects = []defect{
	{"expired", func(_ *mathrand.Rand, m *mintable) { m.notAfter = utcTime(testTime.AddDate(0, 0, -1)) }},
	{"expires this second", func(_ *mathrand.Rand, m *mintable) { m.notAfter = utcTime(testTime) }},
	{"expires next second", func(_ *mathrand.Rand, m *mintable) { m.notAfter = utcTime(testTime.Add(time.Second)) }},
	{"not yet valid", func(_ *mathrand.Rand, m *mintable) { m.notBefore = utcTime(testTime.AddDate(0, 1, 0)) }},
	{"valid from this second", func(_ *mathrand.Rand, m *mintable) { m.notBefore = utcTime(testTime) }},
	{"odd date", func(rng *mathrand.Rand, m *mintable) {
		t := pick(rng,
			timeText{asn1.UTCTime, "2611230859Z"}, timeText{asn1.UTCTime, "991231235959Z"}, timeText{asn1.UTCTime, "491231235959Z"},
			timeText{asn1.UTCTime, "271123090000+0100"}, timeText{asn1.UTCTime, "2711230900+0100"}, timeText{asn1.UTCTime, "270230000000Z"},
			timeText{asn1.UTCTime, "271323090000Z"}, timeText{asn1.UTCTime, "27112309000AZ"}, timeText{asn1.UTCTime, ""},
			timeText{asn1.UTCTime, "271123240000Z"}, timeText{asn1.UTCTime, "271123235960Z"}, timeText{asn1.UTCTime, "280229000000Z"},
			timeText{asn1.GeneralizedTime, "20271123090000Z"}, timeText{asn1.GeneralizedTime, "202711230900Z"},
			timeText{asn1.GeneralizedTime, "20271123090000.5Z"}, timeText{asn1.GeneralizedTime, "20271123090000-0100"},
			timeText{asn1.GeneralizedTime, "99991231235959Z"}, timeText{asn1.GeneralizedTime, "00000101000000Z"},
			timeText{asn1.GeneralizedTime, "20271123"}, timeText{asn1.GeneralizedTime, "20281123090000.Z"},
			timeText{asn1.GeneralizedTime, "20261123090000Z"}, timeText{asn1.GeneralizedTime, "19700101000000Z"})
		if rng.IntN(2) == 0 {
			m.notAfter = t
		} else {
			m.notBefore = t
		}
	}},
	{"signature corrupted", func(_ *mathrand.Rand, m *mintable) { m.corrupt = true }},
	{"unused bits in signature", func(_ *mathrand.Rand, m *mintable) { m.unused = 1 }},
	{"signed by another key", func(rng *mathrand.Rand, m *mintable) { m.signer = keyPool()[pick(rng, keyNames()...)] }},
	{"another digest", func(rng *mathrand.Rand, m *mintable) {
		if m.signer.kind == rsaKey {
			m.hash = pick(rng, crypto.MD5, crypto.SHA1, crypto.SHA224, crypto.SHA384, crypto.SHA512, crypto.RIPEMD160, crypto.SHA3_256)
		} else {
			m.hash = pick(rng, crypto.SHA1, crypto.SHA224, crypto.SHA384, crypto.SHA512)
		}
	}},
	{"PSS", func(rng *mathrand.Rand, m *mintable) {
		m.pss = true
		m.hash = pick(rng, crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512)
	}},
	{"algorithm identifiers", func(rng *mathrand.Rand, m *mintable) {
		a := pick(rng, seq(oid(oidRSAPSS)), seq(oid("\x2a\x03\x04")), seq(oid("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02")),
			seq(oid("\x2a\x86\x48\xce\x3d\x04\x03\x02"), []byte{5, 0}), seq(oid("\x2a\x86\x48\xce\x3d\x04\x03\x02")),
			seq(oid("\x2a\x86\x48\xce\x3d\x04\x02")), seq(oid("\x2b\x0e\x03\x02\x1d")), seq(oid(oidEd25519)), seq(oid(oidEd25519), []byte{5, 0}),
			seq(oid("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")), seq(oid(oidRSAPSS), seq()), seq(oid("\x2a\x86\x48\xce\x38\x04\x03")),
			seq(oid("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x03"), []byte{5, 0}))
		switch rng.IntN(3) {
		case 0:
			m.innerAlg = a
		case 1:
			m.outerAlg = a
		default:
			m.innerAlg, m.outerAlg = a, a
		}
	}},
	{"another key", func(rng *mathrand.Rand, m *mintable) { m.key = keyPool()[pick(rng, keyNames()...)] }},
	{"odd key", func(rng *mathrand.Rand, m *mintable) {
		p256, _ := hex.DecodeString("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
		m.spki = pick(rng,
			seq(seq(oid(oidRSA), []byte{5, 0}), bits(0, 1, 2, 3)),
			seq(seq(oid(oidRSA)), bits(0, seq(integer(1<<40+1), integer(3))...)),
			seq(seq(oid("\x2a\x03\x04")), bits(0, 1)),
			seq(seq(oid(oidEC), oid(oidP256)), bits(0, 4, 1, 2)),
			seq(seq(oid(oidEC), oid(oidP256)), bits(0, p256...)),
			seq(seq(oid(oidEC), oid(oidP256)), bits(0, 0)),
			seq(seq(oid(oidEC)), bits(0, 4)),
			seq(seq(oid(oidEd25519)), bits(0, make([]byte, 32)...)),
			seq(seq(oid(oidEd25519), []byte{5, 0}), bits(0, make([]byte, 32)...)),
			seq(seq(oid(oidEd448)), bits(0, make([]byte, 57)...)),
			seq(seq(oid(oidX25519)), bits(0, make([]byte, 32)...)),
			seq(seq(oid(oidX448)), bits(0, make([]byte, 56)...)))
	}},
	{"version", func(rng *mathrand.Rand, m *mintable) { m.version = pick(rng, 0, 0, 1, 3) }},
	{"v1 without extensions", func(_ *mathrand.Rand, m *mintable) { m.version, m.exts = 0, nil }},
	{"serial number", func(rng *mathrand.Rand, m *mintable) {
		m.serial = pick(rng, []byte{0}, []byte{0xff}, []byte{0x80}, make20(), []byte{1}, []byte{1})
	}},
	{"no basic constraints", func(_ *mathrand.Rand, m *mintable) { m.drop(oidBasicConstraints) }},
	{"basic constraints", func(rng *mathrand.Rand, m *mintable) {
		m.set(oidBasicConstraints, rng.IntN(2) == 0, pick(rng,
			seq(), seq(boolean(0)), seq(boolean(1)), seq(boolean(0xff), integer(0)), seq(boolean(0xff), integer(1)),
			seq(boolean(0xff), integer(-1)), seq(integer(0)), seq(boolean(0xff), integer(0), integer(0)),
			seq(boolean(0xff), tlv(asn1.INTEGER, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0})), append(seq(boolean(0xff)), 1, 2)))
	}},
	{"path length 0", func(_ *mathrand.Rand, m *mintable) {
		m.set(oidBasicConstraints, true, seq(boolean(0xff), integer(0)))
	}},
	{"no key usage", func(_ *mathrand.Rand, m *mintable) { m.drop(oidKeyUsage) }},
	{"key usage", func(rng *mathrand.Rand, m *mintable) {
		m.set(oidKeyUsage, rng.IntN(2) == 0, pick(rng, bits(7, 0x80), bits(3, 8), bits(5, 0x20), bits(2, 4), bits(1, 2), bits(0), bits(0, 0), bits(7, 0, 0x80), bits(1, 6), bits(7, 0x7f)))
	}},
	{"no extended key usage", func(_ *mathrand.Rand, m *mintable) { m.drop(oidExtKeyUsage) }},
	{"extended key usage", func(rng *mathrand.Rand, m *mintable) {
		server, anyUsage, client := oid("\x2b\x06\x01\x05\x05\x07\x03\x01"), oid("\x55\x1d\x25\x00"), oid(oidClientAuth)
		m.set(oidExtKeyUsage, rng.IntN(2) == 0, pick(rng, seq(server), seq(anyUsage), seq(server, client), seq(client), seq(), seq(oid("\x2a\x03"))))
	}},
	{"Netscape type", func(rng *mathrand.Rand, m *mintable) {
		m.set(oidNetscapeCertType, false, pick(rng, bits(7, 0x80), bits(6, 0x40), bits(2, 4), bits(0, 1), bits(0), bits(1, 2)))
		if rng.IntN(2) == 0 {
			m.drop(oidBasicConstraints)
			m.drop(oidKeyUsage)
		}
	}},
	{"no subject key identifier", func(_ *mathrand.Rand, m *mintable) { m.drop(oidSubjectKeyID) }},
	{"subject key identifier", func(rng *mathrand.Rand, m *mintable) {
		m.set(oidSubjectKeyID, rng.IntN(5) == 0, octets(pick(rng, nil, []byte{1}, m.key.id)))
	}},
	{"no authority key identifier", func(_ *mathrand.Rand, m *mintable) { m.drop(oidAuthorityKeyID) }},
	{"authority key identifier", func(rng *mathrand.Rand, m *mintable) {
		var parts [][]byte
		if rng.IntN(2) == 0 {
			parts = append(parts, tlv(contextual(0), pick(rng, []byte{1}, nil, m.signer.id, m.key.id)))
		}
		if rng.IntN(2) == 0 {
			var names [][]byte
			if rng.IntN(3) == 0 {
				names = append(names, randomGeneral(rng))
			}
			names = append(names, general(kindDirectory, pick(rng, m.issuer, m.subject, simpleName("x"), respell(rng, m.issuer))))
			parts = append(parts, tlv(explicit(1), names...))
		}
		if rng.IntN(2) == 0 {
			parts = append(parts, tlv(contextual(2), pick(rng, []byte{1}, m.serial, []byte{0, 1})))
		}
		m.set(oidAuthorityKeyID, rng.IntN(6) == 0, seq(parts...))
	}},
	{"unknown critical extension", func(_ *mathrand.Rand, m *mintable) { m.set("\x2a\x03\x04", true, seq()) }},
	{"known extension made critical", func(rng *mathrand.Rand, m *mintable) {
		if len(m.exts) > 0 {
			m.exts[rng.IntN(len(m.exts))].critical = true
		}
	}},
	{"extension that does not decode", func(rng *mathrand.Rand, m *mintable) {
		m.set(pick(rng, knownExtensions...), rng.IntN(3) == 0, brokenValue(rng))
	}},
	{"extension twice", func(rng *mathrand.Rand, m *mintable) {
		if len(m.exts) > 0 {
			m.exts = append(m.exts, m.exts[rng.IntN(len(m.exts))])
		}
	}},
	{"trailing octets in an extension", func(rng *mathrand.Rand, m *mintable) {
		if len(m.exts) > 0 {
			e := &m.exts[rng.IntN(len(m.exts))]
			e.value = append(slices.Clone(e.value), 0, 1)
		}
	}},
	{"proxy", func(rng *mathrand.Rand, m *mintable) {
		policy := seq(oid("\x2b\x06\x01\x05\x05\x07\x15\x01"))
		m.set(oidProxyInfo, true, pick(rng, seq(policy), seq(integer(0), policy), seq(integer(1), policy), seq(policy, policy)))
		if rng.IntN(2) == 0 {
			m.drop(oidBasicConstraints)
		}
		if rng.IntN(3) == 0 {
			m.subject = extendName(m.issuer, rng)
		}
	}},
	{"alternative names", func(rng *mathrand.Rand, m *mintable) {
		var names [][]byte
		for range rng.IntN(4) {
			names = append(names, randomGeneral(rng))
		}
		m.set(oidSubjectAltName, rng.IntN(3) == 0, seq(names...))
	}},
	{"name constraints", func(rng *mathrand.Rand, m *mintable) {
		m.set(oidNameConstraints, rng.IntN(2) == 0, randomConstraints(rng))
	}},
	{"name constraints and names", func(rng *mathrand.Rand, m *mintable) {
		m.set(oidNameConstraints, rng.IntN(2) == 0, randomConstraints(rng))
		m.set(oidSubjectAltName, false, seq(randomGeneral(rng)))
	}},
	{"respelled subject", func(rng *mathrand.Rand, m *mintable) { m.subject = respell(rng, m.subject) }},
	{"respelled issuer", func(rng *mathrand.Rand, m *mintable) { m.issuer = respell(rng, m.issuer) }},
	{"another subject", func(rng *mathrand.Rand, m *mintable) {
		m.subject = pick(rng, dnOf(), m.issuer, simpleName("sender.example"),
			dnOf(text(oidCommonName, "a.sender.example"), text(oidCommonName, "b-.x")),
			dnOf(text(oidCommonName, pick(rng, hosts...))),
			dnOf([]rdnPart{{oidEmailAddress, tagIA5String, []byte(pick(rng, mails...))}}, text(oidCommonName, "x")),
			dnOf([]rdnPart{{oidEmailAddress, tagUTF8String, []byte(pick(rng, mails...))}}, text(oidCommonName, "x")),
			dnOf([]rdnPart{{oidCommonName, tagBMPString, []byte("\x00a\x00.\x00b")}}),
			dnOf([]rdnPart{{oidCommonName, tagT61String, []byte("M\xfcnchen.de")}}),
			dnOf([]rdnPart{{oidCommonName, tagPrintableString, []byte("a_b@c.d\x00")}}))
	}},
	{"name that does not decode", func(rng *mathrand.Rand, m *mintable) {
		m.subject = dnOf([]rdnPart{pick(rng,
			rdnPart{oidCommonName, tagUTF8String, []byte("\xff")}, rdnPart{oidCommonName, tagBMPString, []byte("abc")},
			rdnPart{oidCommonName, tagBMPString, []byte("\xd8\x00")}, rdnPart{oidCommonName, tagUniversalString, []byte("\x00\x11\x00\x00")},
			rdnPart{oidCommonName, tagVisibleString, []byte("x")}, rdnPart{oidCommonName, asn1.INTEGER, []byte{1}},
			rdnPart{oidCommonName, asn1.BIT_STRING, []byte{0, 1}}, rdnPart{oidCommonName, tagNumericString, []byte("1 2")},
			rdnPart{oidCommonName, asn1.SEQUENCE, []byte{5, 0}}, rdnPart{oidCommonName, tagUTF8String, nil})})
	}},
	{"CRL points", func(rng *mathrand.Rand, m *mintable) {
		m.set(oidCRLPoints, false, pick(rng, seq(point(rng, m)), seq(point(rng, m), point(rng, m)), seq(), seq(seq())))
	}},
	{"resources", func(rng *mathrand.Rand, m *mintable) {
		m.set(oidASNumbers, true, pick(rng, seq(integer(1)), seq(tlv(explicit(0), integer(1))), seq(tlv(explicit(2), []byte{5, 0}))))
	}},
}

func make20() []byte {
	b := make([]byte, 20)
	b[0] = 0x7f
	return b
}

func extendName(base []byte, rng *mathrand.Rand) []byte {
	return seq(base[2:], tlv(asn1.SET, seq(oid(pick(rng, oidCommonName, oidCommonName, "\x55\x04\x0a")), tlv(tagUTF8String, []byte("proxy")))))
}

// point makes a DistributionPoint.
func point(rng *mathrand.Rand, m *mintable) []byte {
	var parts [][]byte
	if rng.IntN(4) > 0 {
		parts = append(parts, tlv(explicit(0), pick(rng,
			tlv(explicit(0), ia5(kindURI, "http://crl.example/a")), tlv(explicit(0), ia5(kindURI, "http://crl.example/b")),
			tlv(explicit(1), seq(oid(oidCommonName), tlv(tagUTF8String, []byte("crl")))))))
	}
	if rng.IntN(4) == 0 {
		parts = append(parts, tlv(contextual(1), pick(rng, []byte{0, 0x60}, []byte{0, 0xff, 0xff}, []byte{0})))
	}
	if rng.IntN(4) == 0 {
		parts = append(parts, tlv(explicit(2), general(kindDirectory, pick(rng, m.issuer, m.subject))))
	}
	return seq(parts...)
}
