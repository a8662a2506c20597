package verify

import (
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"testing"

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
// certificates against OpenSSL's. What the two cannot agree on is counted by its reason: see
// Limits.
func TestOracleMutatedChainsLibrary(t *testing.T) {
	t.Parallel()
	requireOpenSSL3(t)
	tally := newTally()
	atRandom(t, 3, chainsToTry(t), func(t *testing.T, _ string) func(*mathrand.Rand, job, string) int {
		lib := startLibrary(t)
		both := withLibrary(t, lib, thisPackage)
		return func(rng *mathrand.Rand, j job, about string) int {
			const changes = 3 // of one landscape, since minting one takes longer than all else
			for range changes {
				at := rng.IntN(len(j.chain))
				m := j
				m.chain = slices.Clone(j.chain)
				m.chain[at] = mutate(rng, j.chain[at])
				tally.put(t, m, fmt.Sprintf("%s, certificate %d changed", about, at), both, func(m job) string {
					return notDER(m.chain[at])
				})
			}
			return changes
		}
	})
	t.Logf("OpenSSL library, changed octets, whole sequence of errors: %s", tally)
}

// notDER tells why a certificate is not read as OpenSSL reads it; empty if it should be.
func notDER(der []byte) string {
	if !strictDER(der) {
		return "BER that is not DER"
	}
	c, err := ParseCertificate(der)
	if err != nil {
		return ""
	}
	for _, e := range c.extensions {
		if !strictDER(e.value) {
			return "BER that is not DER in an extension"
		}
	}
	return ""
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
