package verify

import (
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The parts of a certificate, each left out, doubled or of another type: it is read whole or not
// at all.
func TestPartsOfACertificate(t *testing.T) {
	_, _, leaf := goodChain()
	good, err := ParseCertificate(leaf.mint())
	require.NoError(t, err)
	algorithm := seq(oid("\x2a\x86\x48\xce\x3d\x04\x03\x02"))
	when := tlv(0x17, []byte("261123090000Z"))
	usage := ext(oidKeyUsage, true, bits(7, 0x80))
	parts := [][]byte{tlv(0xa0, integer(2)), integer(5), algorithm, simpleName("ca"), seq(when, when), simpleName("leaf"), good.spki, tlv(0xa3, seq(usage))}
	whole := func(tbs [][]byte) []byte { return seq(seq(tbs...), algorithm, bits(0, 1, 2)) }
	c, err := ParseCertificate(whole(parts))
	require.NoError(t, err)
	assert.Len(t, c.extensions, 1)
	assert.Equal(t, good.subject.entries, c.subject.entries)

	with := func(i int, instead ...[]byte) []byte {
		return whole(append(append(append([][]byte{}, parts[:i]...), instead...), parts[i+1:]...))
	}
	optional := map[int]bool{0: true, 7: true}
	for i := range parts {
		_, err := ParseCertificate(with(i))
		assert.Equal(t, optional[i], err == nil, "without part %d: %v", i, err)
		_, err = ParseCertificate(with(i, tlv(0x04)))
		require.Error(t, err, "part %d of another type", i)
		_, err = ParseCertificate(with(i, parts[i], tlv(0x05)))
		require.Error(t, err, "something behind part %d", i)
	}
	for name, der := range map[string][]byte{
		"nothing":               nil,
		"trailing":              append(whole(parts), 0),
		"no sequence":           tlv(0x04),
		"no signed part":        seq(),
		"signed part a string":  seq(tlv(0x04), algorithm, bits(0, 1)),
		"no algorithm":          seq(seq(parts...), bits(0, 1)),
		"no signature":          seq(seq(parts...), algorithm),
		"signature a string":    seq(seq(parts...), algorithm, tlv(0x04, []byte{0, 1})),
		"behind the signature":  seq(seq(parts...), algorithm, bits(0, 1), tlv(0x05)),
		"version a string":      with(0, tlv(0xa0, tlv(0x04))),
		"behind the version":    with(0, tlv(0xa0, integer(2), integer(2))),
		"no date":               with(4, seq()),
		"one date":              with(4, seq(when)),
		"three dates":           with(4, seq(when, when, when)),
		"extensions a string":   with(7, tlv(0xa3, tlv(0x04))),
		"behind the extensions": with(7, tlv(0xa3, seq(usage), tlv(0x05))),
		"extension a string":    with(7, tlv(0xa3, seq(tlv(0x04)))),
		"behind an extension":   with(7, tlv(0xa3, seq(seq(oid("\x55\x1d\x0f"), octets(nil), tlv(0x05))))),
		"extension without OID": with(7, tlv(0xa3, seq(seq(octets(nil))))),
	} {
		_, err := ParseCertificate(der)
		assert.Error(t, err, name)
	}
}

// What stands once is found, what stands twice is told, and what does not stand there is not.
func TestLookupOfAnExtension(t *testing.T) {
	all := []extension{{oid: []byte("a"), value: []byte("1")}, {oid: []byte("b"), value: []byte("2")}, {oid: []byte("b"), value: []byte("3")}, {oid: []byte("c"), value: []byte("4")}}
	value, found, twice := lookup(all, "a")
	assert.Equal(t, []any{"1", true, false}, []any{string(value), found, twice})
	value, found, twice = lookup(all, "c")
	assert.Equal(t, []any{"4", true, false}, []any{string(value), found, twice})
	value, found, twice = lookup(all, "b")
	assert.Equal(t, []any{"", true, true}, []any{string(value), found, twice})
	value, found, twice = lookup(all, "d")
	assert.Equal(t, []any{"", false, false}, []any{string(value), found, twice})
}

func TestFoldedText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " ": "", "a": "a", " a ": "a", "\t\n\v\f\rA\r": "a", "A  B": "a b", "a \t b": "a b", "@[`{": "@[`{", "AZaz": "azaz", "a\x0e\x08b": "a\x0e\x08b",
	} {
		assert.Equal(t, want, string(appendFolded(nil, []byte(text))), "%q", text)
	}
	assert.True(t, isZeroInteger([]byte{0}))
	for _, other := range [][]byte{nil, {1}, {0, 0}, {0x80}} {
		assert.False(t, isZeroInteger(other))
	}
}

func TestUnusedBitsCountAsZero(t *testing.T) {
	for _, row := range []struct {
		in   bitString
		want []byte
	}{
		{bitString{}, nil}, {bitString{octets: []byte{0xff}, unused: 4}, []byte{0xf0}}, {bitString{octets: []byte{0xff}}, []byte{0xff}},
		{bitString{octets: []byte{0xff, 0xff}, unused: 7}, []byte{0xff, 0x80}}, {bitString{octets: []byte{1, 0xf0}, unused: 4}, []byte{1, 0xf0}},
	} {
		assert.Equal(t, row.want, row.in.masked())
		for i := range 4 {
			want := byte(0)
			if i < len(row.want) {
				want = row.want[i]
			}
			assert.Equal(t, want, row.in.octet(i), i)
		}
	}
}

// Octets that are no point of the curve: too large, with bits that must be zero, without a root.
func TestOctetsThatAreNoPointOfEd448(t *testing.T) {
	point := func(change func(b []byte)) bool {
		b := make([]byte, ed448Size)
		b[0] = 1 // y = 1, x = 0: the neutral element
		change(b)
		_, ok := decodeEd448(b)
		return ok
	}
	assert.True(t, point(func([]byte) {}))
	assert.False(t, point(func(b []byte) { b[ed448Size-1] = 0x80 }), "zero has no sign")
	assert.False(t, point(func(b []byte) { b[ed448Size-1] = 1 }))
	assert.False(t, point(func(b []byte) {
		for i := range ed448Size - 1 {
			b[i] = 0xff
		}
	}), "not below p")
	assert.False(t, point(func(b []byte) {
		copy(b, ed448P.FillBytes(make([]byte, ed448Size-1)))
		slices.Reverse(b[:ed448Size-1])
	}), "p is not below p")
	for _, x := range []*big.Int{ed448B.x, new(big.Int).Sub(ed448P, ed448B.x)} {
		got, ok := decodeEd448(edwardsPoint{x, ed448B.y, big.NewInt(1)}.encode())
		require.True(t, ok)
		assert.Zero(t, x.Cmp(got.x), "the root with the right sign")
		assert.Zero(t, ed448B.y.Cmp(got.y))
	}
	none := slices.Repeat([]byte{0xff}, ed448Size)
	assert.False(t, verifyEd448(none, nil, make([]byte, 2*ed448Size)), "a key that is no point")
	roots := 0
	for y := range 100 {
		if point(func(b []byte) { b[0] = byte(y + 2) }) {
			roots++
		}
	}
	assert.Greater(t, roots, 25, "about half of all have a root")
	assert.Less(t, roots, 75)
}
