package pki

import (
	"math/big"
	"math/bits"
	"sync"
)

// smallPrimes are the odd primes below 4096 in groups, each with the product of its primes, which
// fits into 64 bits: one long division of a candidate tells about the whole group.
var smallPrimes = sync.OnceValue(func() []primeGroup {
	const limit = 4096
	var composite [limit]bool
	groups := []primeGroup{{product: 1}}
	for n := uint64(3); n < limit; n += 2 {
		if composite[n] {
			continue
		}
		for multiple := n * n; multiple < limit; multiple += 2 * n {
			composite[multiple] = true
		}
		last := &groups[len(groups)-1]
		if high, _ := bits.Mul64(last.product, n); high != 0 {
			groups = append(groups, primeGroup{product: 1})
			last = &groups[len(groups)-1]
		}
		last.product *= n
		last.primes = append(last.primes, n)
	}
	return groups
})

type primeGroup struct {
	product uint64
	primes  []uint64
}

// hasSmallFactor tells whether a number above 4096 is a multiple of an odd prime below. It changes
// nothing in which numbers are taken for prime, and spares most composite ones the costly test.
func hasSmallFactor(n *big.Int) bool {
	var product, rest big.Int
	for _, group := range smallPrimes() {
		remainder := rest.Mod(n, product.SetUint64(group.product)).Uint64()
		for _, prime := range group.primes {
			if remainder%prime == 0 {
				return true
			}
		}
	}
	return false
}
