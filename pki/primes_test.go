package pki

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// Division by one prime after the other says the same.
func TestSmallFactors(t *testing.T) {
	var primes []int64
	for n := int64(3); n < 4096; n += 2 {
		if big.NewInt(n).ProbablyPrime(0) {
			primes = append(primes, n)
		}
	}
	var inGroups []int64
	for _, group := range smallPrimes() {
		for _, prime := range group.primes {
			inGroups = append(inGroups, int64(prime))
		}
	}
	assert.Equal(t, primes, inGroups)
	rapid.Check(t, func(t *rapid.T) {
		n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 8, 128).Draw(t, "number"))
		n.SetBit(n, 64, 1).SetBit(n, 0, 1)
		expected := false
		for _, prime := range primes {
			expected = expected || new(big.Int).Mod(n, big.NewInt(prime)).Sign() == 0
		}
		assert.Equal(t, expected, hasSmallFactor(n))
	})
	for bits, text := range map[int]string{13: "4099", 127: "170141183460469231731687303715884105727"} {
		prime, _ := new(big.Int).SetString(text, 10)
		assert.False(t, hasSmallFactor(prime), "the prime of %d bits", bits)
	}
}
