package verify

import (
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// What is told of a path: where each certificate came from, who issued it, and what is special.
func TestStepsOfAPath(t *testing.T) {
	const root, ca, leaf = "CN=Root", "CN=CA", "CN=leaf.example"
	rootCert, caCert, leafCert := fixedChain()
	lookAlike := rootCert.clone()
	lookAlike.serial = []byte{77}
	selfSigned := leafCert.clone()
	selfSigned.issuer, selfSigned.signer = selfSigned.subject, selfSigned.key
	selfSigned.drop(oidAuthorityKeyID)
	respelled := leafCert.clone()
	respelled.issuer = dnOf(text(oidCommonName, "ca"))
	twoSpellings := rootCert.clone()
	twoSpellings.issuer = dnOf(text(oidCommonName, "ROOT"))
	mint := func(all ...*mintable) [][]byte {
		var ders [][]byte
		for _, m := range all {
			ders = append(ders, m.mint())
		}
		return ders
	}
	atLeaf := PathStep{Depth: 0, Subject: leaf, Issuer: ca, Origin: FromClient}
	atCA := PathStep{Depth: 1, Subject: ca, Issuer: root, Origin: FromClient}
	for name, row := range map[string]struct {
		trusted, chain [][]byte
		want           []PathStep
	}{
		"good": {mint(rootCert), mint(leafCert, caCert), []PathStep{atLeaf, atCA, {2, root, root, FromTrustList, "trust anchor"}}},
		"the anchor presented too": {mint(rootCert), mint(leafCert, caCert, rootCert), []PathStep{
			atLeaf, atCA, {2, root, root, FromTrustList, "trust anchor"},
		}},
		"trusted and self-signed": {mint(selfSigned), mint(selfSigned), []PathStep{
			{0, leaf, leaf, FromClient, ""}, {0, leaf, leaf, FromTrustList, "trust anchor, was presented too"},
		}},
		"look-alike": {mint(lookAlike), mint(rootCert), []PathStep{
			{0, root, root, FromClient, ""}, {0, root, root, FromTrustList, "has the name of the certificate presented at this depth but is another one"},
			{0, root, root, FromClient, "self-signed and not in the trust list"},
		}},
		"no root": {nil, mint(leafCert, caCert), []PathStep{atLeaf, atCA, {1, ca, root, FromClient, "its issuer is neither in the trust list nor among what was presented"}}},
		"root not trusted": {nil, mint(leafCert, caCert, rootCert), []PathStep{
			atLeaf, atCA, {2, root, root, FromClient, ""}, {2, root, root, FromClient, "self-signed and not in the trust list"},
		}},
		"intermediate trusted": {mint(caCert), mint(leafCert), []PathStep{
			atLeaf, {1, ca, root, FromTrustList, "not self-signed, hence no anchor"},
			{1, ca, root, FromTrustList, "its issuer is neither in the trust list nor among what was presented"},
		}},
		"a root in two spellings": {mint(twoSpellings), mint(leafCert, caCert), []PathStep{atLeaf, atCA, {2, root, root, FromTrustList, "trust anchor"}}},
		"an issuer in another spelling": {mint(rootCert), mint(respelled, caCert), []PathStep{
			{0, leaf, "CN=ca", FromClient, ""}, atCA, {2, root, root, FromTrustList, "trust anchor"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := NewTrustList(row.trusted...)
			require.NoError(t, err)
			r := New(list, Options{Now: atTestTime, Level: Level1}).Verify(row.chain)
			assert.Equal(t, row.want, r.Path)
			for _, s := range r.Path {
				assert.Equal(t, s.Issuer, r.issuerAt(s.Depth))
			}
			assert.Empty(t, r.issuerAt(len(row.want)+1))
		})
	}
}

// The advice names what it is about, and tells a leaf from a CA.
func TestAdviceNamesWhatItIsAbout(t *testing.T) {
	path := []PathStep{{Depth: 0, Issuer: "CN=zero"}, {Depth: 1, Issuer: "CN=one"}, {Depth: 2, Issuer: "CN=two"}}
	of := func(code, depth int, subject string) string {
		return Advice(Result{Presented: true, Code: code, Name: Name(code), Text: Text(code), Depth: depth, Subject: subject, Path: path})
	}
	for want, got := range map[string]string{
		`Renew "CN=x": it has expired.`:                        of(CertHasExpired, 0, "CN=x"),
		`Renew (empty name): it has expired.`:                  of(CertHasExpired, 0, ""),
		`Replace the CRL of "CN=one": its signature is wrong.`: of(CRLSignatureFailure, 1, "CN=x"),
		`Give the load balancer a current CRL of "CN=zero".`:   of(UnableToGetCRL, 0, "CN=x"),
		`Ask your CA for a client certificate (extended key usage clientAuth, key usage digitalSignature): "CN=x" is not one.`:   of(InvalidPurpose, 0, "CN=x"),
		`Use another CA: the CA certificate "CN=x" does not allow client certificates below it (extended key usage clientAuth).`: of(InvalidPurpose, 1, "CN=x"),
		`Have certificate 3 of the presented chain issued again in a form that follows RFC 5280: why.`:                           Advice(Result{Presented: true, Code: 1, Depth: 2, Unreadable: "why"}),
		`Have the chain checked by the CA: unspecified certificate verification error at "CN=x".`:                                of(Unspecified, 0, "CN=x"),
	} {
		assert.Equal(t, want, got)
	}
	assert.Equal(t, "X509_V_ERR_EC_KEY_EXPLICIT_PARAMS", Name(Highest))
	assert.Equal(t, "X509_V_ERR_95", Name(Highest+1))
	assert.Equal(t, "Certificate public key has explicit ECC parameters", Text(Highest))
	assert.Equal(t, "unknown certificate verification error", Text(-1))
	assert.Equal(t, "X509_V_OK", Name(0))
	assert.Equal(t, "ok", Text(0))
	last := Result{Presented: true, Code: 1, Depth: 4, Unreadable: "why"}
	assert.Equal(t, "certificate 4 cannot be read: why", last.String())
}

// Values and types as they are written in names.
func TestValuesAsText(t *testing.T) {
	value := func(tag asn1.Tag, s string) string { return parsed(t, one(tag, s)).String() }
	for want, got := range map[string]string{
		"CN= ~": value(tagUTF8String, " ~"), `CN=\x1F`: value(tagUTF8String, "\x1f"), `CN=\x7F`: value(tagUTF8String, "\x7f"), "CN=ü": value(tagUTF8String, "ü"), `CN=\xC2\x80`: value(tagUTF8String, "\u0080"),
		"CN=�": value(tagUTF8String, "\ufffd"), "CN=12 ": value(tagNumericString, "12 "), "CN=ab": value(tagBMPString, "\x00a\x00b"), `CN=\x00\x61`: value(asn1.BIT_STRING, "\x00a"), "CN=a ": value(tagIA5String, "a "), "CN=é": value(tagT61String, "\xe9"),
		"1.39.1=": parsed(t, dnOf(text("\x4f\x01", ""))).String(), "2.0.1=": parsed(t, dnOf(text("\x50\x01", ""))).String(), "2.1=": parsed(t, dnOf(text("\x51", ""))).String(), "0.39=": parsed(t, dnOf(text("\x27", ""))).String(), "1.0=": parsed(t, dnOf(text("\x28", ""))).String(),
		"1.2.9223372036854775807=": parsed(t, dnOf(text("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", ""))).String(), "1.2?=": parsed(t, dnOf(text("\x2a\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f", ""))).String(),
		"1.2.72057594037927936=": parsed(t, dnOf(text("\x2a\x81\x80\x80\x80\x80\x80\x80\x80\x00", ""))).String(), "1.2.9223372036854775808=": parsed(t, dnOf(text("\x2a\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00", ""))).String(),
	} {
		assert.Equal(t, want, got)
	}
}

// Elements are read as cryptobyte reads them, with short lengths and long ones.
func TestElementsAreReadAsCryptobyteReadsThem(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(1, 1))
	inputs := [][]byte{nil, {0x30}, {0x30, 0}, {0x30, 1}, {0x30, 0x80}, {0x30, 0x81}, {0x30, 0x81, 0x80}, {0x1f, 0}, {0x3f, 0}, {0x3f, 1, 0}, {0xbf, 0x81, 0}, {0x1e, 0}, {0x30, 2, 1, 2, 3}, {0x30, 2, 1}, {0x30, 0x80, 0, 0}}
	for _, n := range []int{0, 1, 126, 127, 128, 129, 255, 256, 300} {
		e := tlv(asn1.SEQUENCE, make([]byte, n))
		inputs = append(inputs, e, e[:len(e)-1], append(slices.Clone(e), 7), append([]byte{0x30, 0x81, byte(n)}, make([]byte, n)...), append([]byte{0x30, 0x82, byte(n >> 8), byte(n)}, make([]byte, n)...), append([]byte{0x30, byte(n)}, make([]byte, n)...))
	}
	for range 300 {
		b := make([]byte, rng.IntN(5))
		for i := range b {
			b[i] = pick[byte](rng, 0, 1, 2, 0x30, 0x1f, 0x3f, 0x80, 0x81, 0x7f)
		}
		inputs = append(inputs, b)
	}
	for _, in := range inputs {
		for _, tag := range []asn1.Tag{asn1.SEQUENCE, 0x1f, 0x3f, 0x1e, 0xbf, 0} {
			ours, theirs := cryptobyte.String(in), cryptobyte.String(in)
			var a, b cryptobyte.String
			got, want := readElement(&ours, &a, tag), theirs.ReadASN1(&b, tag)
			require.Equal(t, want, got, "%x with tag %x", in, tag)
			if want {
				require.Equal(t, []byte(b), []byte(a), "%x", in)
				require.Equal(t, []byte(theirs), []byte(ours), "%x", in)
				require.LessOrEqual(t, cap(a), max(len(a), cap(b)), "what is appended to it goes elsewhere")
			}
		}
	}
}

// Numbers, object identifiers and values of any type at their limits.
func TestContents(t *testing.T) {
	for content, want := range map[string]bool{
		"": false, "\x00": true, "\x7f": true, "\x80": true, "\xff": true, "\x00\x7f": false, "\x00\x80": true, "\x00\x00": false, "\xff\x80": false, "\xff\x7f": true, "\xff\xff": false, "\x01\x00": true, "\xfe\xff": true, "\x00\x80\x00": true, "\x00\x00\x80": false, "\xff\x00\x80": true, "\x00\x01\x80": false,
	} {
		assert.Equal(t, want, minimalInteger([]byte(content)), "%x", content)
	}
	for content, want := range map[string]int64{
		"": -1, "\x00": 0, "\x7f": 127, "\x80": -128, "\xff": -1, "\x01\x00": 256, "\x01\x02\x03": 0x010203, "\x7f\xff\xff\xff\xff\xff\xff\xff": math.MaxInt64, "\x80\x00\x00\x00\x00\x00\x00\x00": math.MinInt64, "\x01\x00\x00\x00\x00\x00\x00\x00\x00": -1, "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00": -1,
	} {
		assert.Equal(t, want, smallInteger([]byte(content)), "%x", content)
	}
	for content, want := range map[string]bool{
		"": false, "\x00": true, "\x2a": true, "\x80": false, "\x2a\x80": false, "\x81\x00": true, "\x80\x01": false, "\x2a\x80\x01": false, "\x2a\x81\x80\x01": true, "\x2a\x81": false, "\x2a\x01\x80\x01": false, "\x81\x80\x00": true, "\x2a\xff\x7f": true,
	} {
		assert.Equal(t, want, validOID([]byte(content)), "%x", content)
	}
	for element, want := range map[string]bool{
		"\x01\x01\x00": true, "\x01\x00": false, "\x01\x02\x00\x00": false, "\x05\x00": true, "\x05\x01\x00": false, "\x06\x01\x2a": true, "\x06\x00": false, "\x02\x01\x00": true, "\x02\x00": false, "\x0a\x01\x00": true, "\x0a\x00": false, "\x0a\x02\x00\x01": false,
		"\x03\x01\x00": true, "\x03\x00": false, "\x03\x02\x07\x00": true, "\x03\x02\x08\x00": false, "\x1e\x02\x00a": true, "\x1e\x01a": false, "\x1c\x04\x00\x00\x00a": true, "\x1c\x02\x00a": false, "\x1c\x00": true, "\x0c\x01\xff": true, "\x04\x00": true, "\x13\x00": true,
		"\x30\x00": true, "\x10\x00": false, "\x31\x00": true, "\x11\x00": false, "\x24\x00": false, "\x22\x01\x00": false, "\x40\x00": true, "\x41\x00": true, "\xa0\x00": true, "\x80\x00": true, "\x00\x00": false, "\x00\x01\x00": true, "\x20\x00": false, "\x20\x01\x00": true, "": false, "\x02": false,
	} {
		assert.Equal(t, want, validAny([]byte(element)), "%x", element)
	}
}

// Names in their canonical form, octet by octet: each RDN with its length, its attributes sorted.
func TestCanonicalFormOfNames(t *testing.T) {
	attributeOf := func(oid string, tag byte, value string) string {
		return fmt.Sprintf("%c%c%s%c%c%c%c%c%s", len(oid)>>8, len(oid)&0xff, oid, tag, 0, 0, len(value)>>8, len(value)&0xff, value)
	}
	rdn := func(attributes ...string) string {
		all := strings.Join(attributes, "")
		return fmt.Sprintf("%c%c%c%c%s", 0, 0, len(all)>>8, len(all)&0xff, all)
	}
	a, b := attributeOf("\x55\x04\x0a", tagUTF8String, "b c"), attributeOf("\x55\x04\x0b", tagUTF8String, "d")
	octetsOf := func(s string) []byte {
		var out []byte
		for _, r := range s {
			out = append(out, byte(r))
		}
		return out
	}
	n := parsed(t, dnOf([]rdnPart{{"\x55\x04\x0b", tagPrintableString, []byte("D")}, {"\x55\x04\x0a", tagIA5String, []byte(" B\t C ")}}, text(oidCommonName, "x")))
	assert.Equal(t, octetsOf(rdn(a, b)+rdn(attributeOf(oidCommonName, tagUTF8String, "x"))), n.canonical)
	assert.Equal(t, 3, n.entries)
	assert.Equal(t, octetsOf(rdn(attributeOf(oidCommonName, tagNumericString, "1 "))), parsed(t, one(tagNumericString, "1 ")).canonical)
	three := parsed(t, dnOf([]rdnPart{{"\x55\x04\x0c", tagUTF8String, []byte("3")}, {"\x55\x04\x0a", tagUTF8String, []byte("1")}, {"\x55\x04\x0b", tagUTF8String, []byte("2")}}))
	assert.Equal(t, octetsOf(rdn(attributeOf("\x55\x04\x0a", tagUTF8String, "1"), attributeOf("\x55\x04\x0b", tagUTF8String, "2"), attributeOf("\x55\x04\x0c", tagUTF8String, "3"))), three.canonical)
	long := strings.Repeat("\x01", 300)
	assert.Equal(t, octetsOf(rdn(attributeOf(long, tagUTF8String, strings.Repeat("y", 300)))), parsed(t, dnOf([]rdnPart{{long, tagUTF8String, []byte(strings.Repeat("Y", 300))}})).canonical)
	for length, want := range map[int]bool{0xffff: true, 0x10000: false} {
		_, ok := appendAttribute(nil, attribute{oid: make([]byte, length), tag: tagUTF8String})
		assert.Equal(t, want, ok, length)
	}
	var sets []int
	parsed(t, dnOf([]rdnPart{{"\x55\x04\x0b", tagUTF8String, nil}, {"\x55\x04\x0a", tagUTF8String, nil}}, text(oidCommonName, "x"))).attributes(func(a attribute) bool {
		sets = append(sets, a.set)
		return true
	})
	assert.Equal(t, []int{0, 0, 1}, sets)

	// Room that is too small by one octet is not used, and what is just large enough is.
	der := simpleName("x")
	for room, used := range map[int]bool{len(der) + 15: false, len(der) + 16: true} {
		space := make([]byte, 0, room)
		s := cryptobyte.String(der)
		n, ok := readNameInto(space, &s)
		require.True(t, ok)
		assert.Equal(t, used, &space[:1][0] == &n.canonical[0], room)
		assert.Equal(t, parsed(t, der).canonical, n.canonical)
		assert.Equal(t, n.canonical, append([]byte(nil), n.canonical...))
	}
	for value, want := range map[string]bool{"\x00\x10\xff\xff": true, "\x00\x11\x00\x00": false, "\x00\x00\xd8\x00": false, "\xff\xff\xff\xff": false, "\x00\x00\x00": false, "": true} {
		_, ok := appendUTF8(nil, tagUniversalString, []byte(value))
		assert.Equal(t, want, ok, "%x", value)
	}
	got, ok := appendUTF8([]byte("x"), tagT61String, []byte("\x7f\x80"))
	assert.True(t, ok)
	assert.Equal(t, "x\x7f\u0080", string(got))
}
