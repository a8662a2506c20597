package verify

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One name against one subtree, as nc_match_single of OpenSSL 3.0 decides: 0 is inside.
func TestNamesWithinSubtrees(t *testing.T) {
	const in, out, syntax = 0, PermittedViolation, UnsupportedNameSyntax
	for kind, match := range map[string]func(name, base []byte) int{"email": emailWithin, "uri": uriWithin} {
		for row, want := range map[string]map[[2]string]int{
			"email": {
				{"a@example.com", "example.com"}: in, {"a@EXAMPLE.com", "example.COM"}: in, {"a@sub.example.com", "example.com"}: out,
				{"a@example.com", "a@example.com"}: in, {"A@example.com", "a@example.com"}: out, {"ab@example.com", "a@example.com"}: out,
				{"a@sub.example.com", ".example.com"}: in, {"a@example.com", ".example.com"}: out, {".example.com", ".example.com"}: syntax,
				{"@.example.com", "@.example.com"}: in, {"a@x", "@x"}: in, {"b@x", "@x"}: in, {"example.com", "example.com"}: syntax,
				{"a\x00@x", "b\x00@x"}: syntax, {"a@b@x", "x"}: in, {"a@x", ""}: out, {"a@", ""}: in, {"a\x00@x", "ab@x"}: syntax, {"ab@x", "a\x00@x"}: syntax,
			},
			"uri": {
				{"https://example.com/a", "example.com"}: in, {"https://example.com:8443/a", "example.com"}: in, {"https://Example.com", "eXample.com"}: in,
				{"https://sub.example.com", "example.com"}: out, {"https://sub.example.com", ".example.com"}: in, {"https://example.com", ".example.com"}: out,
				{"https://.example.com", ".example.com"}: out, {"mailto:a", "a"}: syntax, {"https:/example.com", "example.com"}: syntax, {"https:", ""}: syntax,
				{"https://", ""}: syntax, {"https:///a", ""}: syntax, {"example.com", "example.com"}: syntax, {"a:/", ""}: syntax, {"a:bb/x", "x"}: syntax, {"a:/bx", "x"}: syntax,
				{"://x", "x"}: in, {"https://x/a:b", "x/a"}: in,
			},
		}[kind] {
			assert.Equal(t, want, match([]byte(row[0]), []byte(row[1])), "%s %q within %q", kind, row[0], row[1])
		}
	}
	four, mask := []byte{192, 0, 2, 7}, []byte{192, 0, 2, 0, 255, 255, 255, 0}
	sixteen := append([]byte{0x20, 1, 0xd, 0xb8}, make([]byte, 12)...)
	assert.Equal(t, in, addressWithin(four, mask))
	assert.Equal(t, in, addressWithin(four, []byte{192, 0, 2, 99, 255, 255, 255, 0}), "what the mask leaves out of the network does not matter")
	assert.Equal(t, out, addressWithin([]byte{192, 0, 3, 7}, mask))
	assert.Equal(t, out, addressWithin([]byte{193, 0, 2, 7}, mask))
	assert.Equal(t, in, addressWithin(sixteen, append(bytes.Clone(sixteen), bytes.Repeat([]byte{255}, 16)...)))
	assert.Equal(t, out, addressWithin(sixteen, append(make([]byte, 16), bytes.Repeat([]byte{255}, 16)...)))
	assert.Equal(t, in, addressWithin(sixteen, make([]byte, 32)))
	assert.Equal(t, out, addressWithin(four, make([]byte, 32)))
	assert.Equal(t, out, addressWithin(sixteen, mask))
	for _, n := range []int{0, 3, 5, 15, 17} {
		assert.Equal(t, syntax, addressWithin(make([]byte, n), mask), n)
	}
	for _, n := range []int{0, 4, 7, 9, 16, 31, 33} {
		assert.Equal(t, syntax, addressWithin(four, make([]byte, n)), n)
	}

	mailbox := func(s string) []byte { return tlv(0x0c, []byte(s)) }
	for row, want := range map[[2]string]int{
		{"ü@example.com", "EXAMPLE.com"}: in, {"ü@sub.example.com", "example.com"}: out, {"ü@sub.example.com", ".example.com"}: out, {"ü@sub..example.com", ".EXAMPLE.com"}: in,
		{"ü@example.com", ".example.com"}: out, {"example.com", "example.com"}: syntax, {".example.com@", ".example.com@"}: out, {"ü@a", "a\x00"}: syntax, {"a@", ""}: in,
	} {
		assert.Equal(t, want, mailboxWithin(mailbox(row[0]), []byte(row[1])), "mailbox %q within %q", row[0], row[1])
	}
	assert.Equal(t, syntax, mailboxWithin([]byte{0x16, 1, 'a'}, nil))
}

// Which common names look like host names, and so fall under constraints of DNS names.
func TestHostsInCommonNames(t *testing.T) {
	for cn, host := range map[string]bool{
		"a.b": true, "sender.example": true, "A_1.Z9": true, "a-b.c": true, "sender": false, "": false, "a b.c": false, ".a.b": false, "a.b.": false,
		"-a.b": false, "a.b-": false, "a..b": false, "a-.b": false, "a.-b": false, "a.b\x00\x00": true, "*.a.b": false, "ü.b": false, "a.b/c": false,
		"@.b": false, "a@.b": false, "z.z": true, "Z.0": true, "a`.b": false, "a{.b": false, "a[.b": false, "a:.b": false, "a/.b": false,
	} {
		got, code := hostInCommonName(attribute{tag: 0x0c, value: []byte(cn)})
		assert.Zero(t, code, "%q", cn)
		if !host {
			assert.Nil(t, got, "%q", cn)
			continue
		}
		assert.Equal(t, strings.TrimRight(cn, "\x00"), string(got))
	}
	_, code := hostInCommonName(attribute{tag: 0x0c, value: []byte("a.b\x00c")})
	assert.Equal(t, UnsupportedNameSyntax, code)
	_, code = hostInCommonName(attribute{tag: 0x02, value: []byte("a.b")})
	assert.Equal(t, undecodable, code, "an INTEGER is no string")
	_, code = hostInCommonName(attribute{tag: 0x1e, value: []byte{0, 'a', 0}})
	assert.Equal(t, undecodable, code, "half a character")
}

// Days are counted as the standard library counts them, over all years that a certificate can name.
func TestDaysAgreeWithTheStandardLibrary(t *testing.T) {
	for year := 0; year < 10_000; year++ {
		for _, day := range [][2]int{{1, 1}, {2, 28}, {3, 1}, {7, 31}, {12, 31}} {
			want := time.Date(year, time.Month(day[0]), day[1], 0, 0, 0, 0, time.UTC).Unix() / 86400
			require.Equal(t, want, daysSince1970(year, day[0], day[1]), "%d-%v", year, day)
		}
		for month := 1; month <= 12; month++ {
			require.Equal(t, time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day(), daysIn(year, month))
		}
	}
}

func TestSmallCacheAndLongChains(t *testing.T) {
	for _, size := range []int{-1, 0, 1, 2, 3} {
		assert.Equal(t, 1, newCache(size).half, size)
	}
	assert.Equal(t, 2, newCache(4).half)
	var length [4]byte
	putLength(&length, 0x01020304)
	assert.Equal(t, [4]byte{1, 2, 3, 4}, length)
	a, b := bytes.Repeat([]byte{'a'}, 300), []byte("b")
	v := &verdict{chain: flatten([][]byte{a, b})}
	assert.Len(t, v.chain, chainSize([][]byte{a, b}))
	assert.Equal(t, 309, chainSize([][]byte{a, b}))
	assert.True(t, v.isFor([][]byte{a, b}))
	for _, other := range [][][]byte{{a}, {b, a}, {a, b, b}, {append(bytes.Clone(a), b...)}, {}, {a, []byte("c")}, {a, nil}} {
		assert.False(t, v.isFor(other))
	}
}

// The parts of a CRL, each left out, doubled or of another type: it is read whole or not at all.
func TestPartsOfACRL(t *testing.T) {
	algorithm := seq(oid("\x2a\x86\x48\xce\x3d\x04\x03\x02"))
	when := tlv(0x17, []byte("261123090000Z"))
	entry := func(more ...[]byte) []byte { return seq(append([][]byte{integer(5), when}, more...)...) }
	extensions := func(all ...[]byte) []byte { return tlv(0xa0, seq(all...)) }
	delta := ext(oidDeltaCRL, true, integer(1))
	parts := [][]byte{integer(1), algorithm, simpleName("ca"), when, when, seq(entry(), entry(seq(ext(oidReason, false, tlv(0x0a, []byte{1}))))), extensions(delta)}
	whole := func(tbs [][]byte) []byte { return seq(seq(tbs...), algorithm, bits(0, 1, 2)) }
	l, err := parseCRL(whole(parts))
	require.NoError(t, err)
	assert.True(t, l.isDelta)
	assert.True(t, l.hasNextUpdate)
	assert.Len(t, l.revoked, 1)

	optional := map[int]bool{0: true, 4: true, 5: true, 6: true}
	for i := range parts {
		without := append(append([][]byte{}, parts[:i]...), parts[i+1:]...)
		_, err := parseCRL(whole(without))
		assert.Equal(t, optional[i] || i == 3, err == nil, "without part %d: %v", i, err) // of two dates one is enough
		other := append([][]byte{}, parts...)
		other[i] = tlv(0x04)
		_, err = parseCRL(whole(other))
		assert.Error(t, err, "part %d of another type", i)
		_, err = parseCRL(whole(append(append(append([][]byte{}, parts[:i+1]...), tlv(0x05)), parts[i+1:]...)))
		assert.Error(t, err, "something behind part %d", i)
	}
	for name, der := range map[string][]byte{
		"trailing":              append(whole(parts), 0),
		"no sequence":           tlv(0x04),
		"no signed part":        seq(),
		"signed part a string":  seq(tlv(0x04), algorithm, bits(0, 1)),
		"no algorithm":          seq(seq(parts...), bits(0, 1)),
		"no signature":          seq(seq(parts...), algorithm),
		"behind the signature":  seq(seq(parts...), algorithm, bits(0, 1), tlv(0x05)),
		"signature a string":    seq(seq(parts...), algorithm, tlv(0x04, []byte{0, 1})),
		"entry":                 whole([][]byte{parts[0], parts[1], parts[2], when, when, seq(tlv(0x04))}),
		"entry without date":    whole([][]byte{parts[0], parts[1], parts[2], when, when, seq(seq(integer(5)))}),
		"entry without serial":  whole([][]byte{parts[0], parts[1], parts[2], when, when, seq(seq(when))}),
		"behind an entry":       whole([][]byte{parts[0], parts[1], parts[2], when, when, seq(entry(seq(), tlv(0x05)))}),
		"extension of an entry": whole([][]byte{parts[0], parts[1], parts[2], when, when, seq(entry(seq(tlv(0x04))))}),
		"extensions":            whole([][]byte{parts[0], parts[1], parts[2], when, when, seq(), tlv(0xa0, seq(tlv(0x04)))}),
		"behind extensions":     whole([][]byte{parts[0], parts[1], parts[2], when, when, seq(), tlv(0xa0, seq(delta), tlv(0x05))}),
	} {
		_, err := parseCRL(der)
		assert.Error(t, err, name)
	}
}

// A verdict is found in the older half of the cache too, moves to the younger one, and is not taken
// for that of another chain with the same key.
func TestGenerationsOfTheCache(t *testing.T) {
	c := newCache(2)
	chain := [][]byte{[]byte("first")}
	v := &verdict{chain: flatten(chain), from: 10, until: 20}
	c.put(1, v)
	c.put(2, &verdict{chain: flatten([][]byte{[]byte("second")}), until: 20})
	for range 2 {
		got, ok := c.get(1, chain, 10)
		assert.True(t, ok)
		assert.Same(t, v, got)
	}
	assert.Contains(t, c.young, uint64(1))
	assert.NotContains(t, c.old, uint64(1))
	for now, good := range map[int64]bool{9: false, 10: true, 19: true, 20: false} {
		_, ok := c.get(1, chain, now)
		assert.Equal(t, good, ok, now)
	}
	_, ok := c.get(1, [][]byte{[]byte("other")}, 10)
	assert.False(t, ok)
	c.put(3, v)
	c.put(4, v)
	_, ok = c.get(1, chain, 10)
	assert.False(t, ok, "two are kept in each half at most")
	for cut := range len(v.chain) {
		assert.False(t, (&verdict{chain: v.chain[:cut]}).isFor(chain), "a part of a chain")
	}
}
