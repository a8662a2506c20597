package verify

import (
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"
)

func parsed(t require.TestingT, der []byte) name {
	s := cryptobyte.String(der)
	n, ok := readName(&s)
	require.True(t, ok)
	return n
}

func one(tag asn1.Tag, value string) []byte {
	return dnOf([]rdnPart{{oidCommonName, tag, []byte(value)}})
}

func TestCanonicalNames(t *testing.T) {
	equal := [][2][]byte{
		{one(tagUTF8String, "Example CA"), one(tagPrintableString, "EXAMPLE ca")},
		{one(tagUTF8String, "Example CA"), one(tagIA5String, "  Example \t\r\n CA ")},
		{one(tagUTF8String, "ab"), one(tagBMPString, "\x00a\x00b")},
		{one(tagUTF8String, "ab"), one(tagUniversalString, "\x00\x00\x00a\x00\x00\x00b")},
		{one(tagUTF8String, "é"), one(tagT61String, "\xe9")},
		{one(tagUTF8String, ""), one(tagPrintableString, "   ")},
		{
			dnOf([]rdnPart{{"\x55\x04\x0a", tagUTF8String, []byte("O")}, {oidCommonName, tagUTF8String, []byte("C")}}),
			dnOf([]rdnPart{{oidCommonName, tagUTF8String, []byte("c")}, {"\x55\x04\x0a", tagUTF8String, []byte("o")}}),
		},
		{seq(), seq(tlv(asn1.SET))},
	}
	for _, pair := range equal {
		assert.True(t, parsed(t, pair[0]).equal(parsed(t, pair[1])), "%s, %s", parsed(t, pair[0]), parsed(t, pair[1]))
	}
	differ := [][2][]byte{
		{one(tagUTF8String, "É"), one(tagUTF8String, "é")}, // only ASCII letters lose their case
		{one(tagNumericString, "1"), one(tagPrintableString, "1")},
		{one(tagUTF8String, "ab"), one(tagUTF8String, "a b")},
		{one(tagUTF8String, "a\u00a0"), one(tagUTF8String, "a")},
		{dnOf(text("\x55\x04\x0a", "x"), text(oidCommonName, "y")), dnOf(text(oidCommonName, "y"), text("\x55\x04\x0a", "x"))},
		{dnOf(text("\x55\x04\x0a", "x")), dnOf(text(oidCommonName, "x"))},
	}
	for _, pair := range differ {
		assert.False(t, parsed(t, pair[0]).equal(parsed(t, pair[1])), "%s, %s", parsed(t, pair[0]), parsed(t, pair[1]))
	}
}

func TestNamesThatDoNotDecode(t *testing.T) {
	for _, der := range [][]byte{
		one(tagUTF8String, "\xff"), one(tagBMPString, "abc"), one(tagBMPString, "\xd8\x00"), one(tagUniversalString, "\x00\x11\x00\x00"),
		one(tagVisibleString, "x"), one(asn1.INTEGER, "\x01"), one(asn1.BIT_STRING, "\x08\x01"), one(asn1.OCTET_STRING, "x"),
		seq(seq()), seq(tlv(asn1.SET, seq(oid(oidCommonName)))), {0x30, 5, 1},
	} {
		s := cryptobyte.String(der)
		_, ok := readName(&s)
		assert.False(t, ok, "%x", der)
	}
}

func TestNameAsText(t *testing.T) {
	for want, der := range map[string][]byte{
		"C=DE, O=Example, CN=sender.example": simpleName("sender.example"),
		"":                                   seq(),
		"CN=":                                one(tagUTF8String, ""),
		"CN=Müller":                          one(tagT61String, "M\xfcller"),
		`CN=a\x0Ab\x00`:                      one(tagPrintableString, "a\nb\x00"),
		`CN=\x01\x02`:                        one(7, "\x01\x02"),
		"O=x+CN=y, CN=z":                     dnOf([]rdnPart{{"\x55\x04\x0a", tagUTF8String, []byte("x")}, {oidCommonName, tagUTF8String, []byte("y")}}, text(oidCommonName, "z")),
		"1.2.3=x":                            dnOf(text("\x2a\x03", "x")),
		"2.999.1=x":                          dnOf(text("\x88\x37\x01", "x")),
		"emailAddress=a@b":                   dnOf([]rdnPart{{oidEmailAddress, tagIA5String, []byte("a@b")}}),
	} {
		assert.Equal(t, want, parsed(t, der).String())
	}
}

// The canonical form has no two names for one: what is a prefix of a name has its RDNs.
func TestPrefixOfNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringMatching(`[a-z]{0,3}`), 0, 4).Draw(t, "values")
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		of := func(values []string) name {
			var rdns [][]rdnPart
			for _, v := range values {
				rdns = append(rdns, text(oidCommonName, v))
			}
			return parsed(t, dnOf(rdns...))
		}
		whole := of(values)
		if !whole.within(of(values[:cut])) {
			t.Fatal("a name is within its first RDNs")
		}
		if len(values) > 0 && whole.within(of(append([]string{values[0] + "x"}, values[1:]...))) {
			t.Fatal("within another name")
		}
	})
}

// Spelling does not change whether two names are equal, other than by type NumericString.
func TestRespelledNames(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(5, 6))
	name := parsed(t, simpleName("Example CA"))
	same := 0
	for range 300 {
		if parsed(t, respell(rng, name.raw)).equal(name) {
			same++
		}
	}
	assert.Greater(t, same, 150)
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"261123090000Z": "2026-11-23T09:00:00Z", "491231235959Z": "2049-12-31T23:59:59Z", "500101000000Z": "1950-01-01T00:00:00Z",
		"2611230900Z": "2026-11-23T09:00:00Z", "261123090000+0130": "2026-11-23T07:30:00Z", "2611230900-0100": "2026-11-23T10:00:00Z",
	} {
		x := newTime(true, []byte(text))
		assert.Equal(t, want, x.time().Format(time.RFC3339Nano), text)
		assert.Equal(t, len(text) == 13 && text[12] == 'Z', x.strict, text)
	}
	for _, text := range []string{"", "2611", "261323090000Z", "260229000000Z", "261123240000Z", "261123236000Z", "261123235960Z", "261123090000", "261123090000z", "261123090000.5Z", "261123090000+01"} {
		x := newTime(true, []byte(text))
		assert.False(t, x.strict, text)
		assert.True(t, x.time().IsZero(), text)
		assert.Zero(t, x.compare(0))
	}
	x := newTime(false, []byte("20261123090000.25Z"))
	assert.False(t, x.strict)
	assert.Equal(t, int64(1795424400), x.time().Unix())
	assert.True(t, newTime(false, []byte("20280229000000Z")).laterThan(x))
	assert.False(t, x.laterThan(newTime(true, []byte("x"))), "what is no time is not compared")
}
