package verify

import (
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// mutate changes a few octets.
func mutate(rng *mathrand.Rand, der []byte) []byte {
	der = slices.Clone(der)
	for range 1 + rng.IntN(2) {
		i := rng.IntN(len(der))
		switch rng.IntN(4) {
		case 0:
			der[i] ^= 1 << rng.IntN(8)
		case 1:
			der[i] = byte(rng.IntN(256))
		case 2:
			der[i]++
		default:
			der[i] = pick[byte](rng, 0, 1, 2, 3, 4, 5, 6, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0x80, 0xa0, 0xa3, 0xff)
		}
	}
	return der
}

// Octets changed at random, mostly so that something does not decode: the reader of
// certificates against OpenSSL's. What only BER explains is counted apart; BER inside of
// extensions cannot be told from DER without knowing them, so that a few may differ: see Limits.
func TestOracleMutatedChainsLibrary(t *testing.T) {
	lib := startLibrary(t)
	start := seed(t)
	rng := mathrand.New(mathrand.NewPCG(start, 3))
	total, agreed, readable, ber, failed := chainsToTry(t), 0, 0, 0, 0
	for range total {
		j, _ := randomJob(rng)
		for range 3 {
			at := rng.IntN(len(j.chain))
			m := j
			m.chain = slices.Clone(j.chain)
			m.chain[at] = mutate(rng, j.chain[at])
			ours, theirs := m.ours(t), lib.ask(t, m)
			if theirs.unreadable < 0 {
				readable++
			}
			switch {
			case agree(ours, theirs):
				agreed++
			case ours.unreadable >= 0 && theirs.unreadable < 0 && !strictDER(m.chain[ours.unreadable]):
				ber++
			default:
				t.Logf("seed %d: ours %s, OpenSSL %s; see %s", start, ours, theirs, m.reproduce(t, ours, theirs, nil))
				if failed++; failed > 20 {
					t.Fatal("too many disagreements")
				}
			}
		}
	}
	assert.LessOrEqual(t, failed, 1+3*total/10000, "more disagreements than BER inside of extensions explains")
	t.Logf("%d of %d changed chains agree; %d more are BER that only OpenSSL reads; OpenSSL reads %d", agreed, 3*total, ber, readable)
}

// strictDER tells whether all lengths and tags are such as DER has them; values inside OCTET
// STRINGs and BIT STRINGs are not looked at.
func strictDER(b cryptobyte.String) bool {
	for !b.Empty() {
		var content cryptobyte.String
		var tag asn1.Tag
		if !b.ReadAnyASN1(&content, &tag) {
			return false
		}
		constructed := tag&0x20 != 0
		if number := tag & 0x1f; tag < 0x40 && constructed != (number == tagSequence || number == tagSet) {
			return false
		}
		if constructed && !strictDER(content) {
			return false
		}
	}
	return true
}
