package verify

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whether a point is on the curve is what crypto/ecdh says, for points that are, for others, and for
// numbers that are near the prime or not below it.
func TestPointsOnP256(t *testing.T) {
	curve := ecdh.P256()
	p, _ := new(big.Int).SetString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)
	for range 200 {
		key, err := curve.GenerateKey(rand.Reader)
		require.NoError(t, err)
		point := key.PublicKey().Bytes()
		assert.True(t, onP256(point), "%x", point)
		x, y := new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:])
		negative := append([]byte{4}, point[1:33]...)
		negative = append(negative, new(big.Int).Sub(p, y).FillBytes(make([]byte, 32))...)
		assert.True(t, onP256(negative), "the point on the other side")
		if more := new(big.Int).Add(x, p); more.BitLen() <= 256 {
			assert.False(t, onP256(append(append([]byte{4}, more.Bytes()...), point[33:]...)), "not below the prime")
		}
	}
	numbers := []*big.Int{new(big.Int), big.NewInt(1), big.NewInt(2), big.NewInt(5)}
	for d := range int64(4) {
		numbers = append(numbers, new(big.Int).Add(p, big.NewInt(d-2)), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(d+1)))
	}
	same := func(point []byte) bool {
		_, err := curve.NewPublicKey(point)
		return onP256(point) == (err == nil)
	}
	for _, x := range numbers {
		for _, y := range numbers {
			point := append(x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32))...)
			assert.True(t, same(append([]byte{4}, point...)), "%x", point)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		key, err := curve.NewPrivateKey(append(make([]byte, 24), rapid.SliceOfN(rapid.ByteRange(1, 255), 8, 8).Draw(t, "key")...))
		require.NoError(t, err)
		point := key.PublicKey().Bytes()
		at := rapid.IntRange(1, 64).Draw(t, "octet")
		changed := bytes.Clone(point)
		changed[at] ^= rapid.ByteRange(0, 255).Draw(t, "difference")
		assert.True(t, same(changed), "%x", changed)
	})
}

// The arithmetic is that of numbers of any size.
func TestArithmeticModuloP256(t *testing.T) {
	p := fieldNumber(prime256)
	shift := new(big.Int).ModInverse(new(big.Int).Lsh(big.NewInt(1), 256), p)
	require.Equal(t, new(big.Int).Mod(new(big.Int).Lsh(big.NewInt(1), 512), p), fieldNumber(square256))
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) field256 {
			var f field256
			for i := range f {
				f[i] = rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, 1<<32 - 1, 1 << 32, 1<<64 - 1}), rapid.Uint64()).Draw(t, name)
			}
			return reduced256(f, 0)
		}
		x, y := draw("x"), draw("y")
		a, b := fieldNumber(x), fieldNumber(y)
		sum := new(big.Int).Add(a, b)
		assert.Zero(t, sum.Mod(sum, p).Cmp(fieldNumber(plus256(x, y))), "sum")
		product := new(big.Int).Mul(a, b)
		product.Mul(product, shift)
		assert.Zero(t, product.Mod(product, p).Cmp(fieldNumber(times256(x, y))), "product")
	})
}

func fieldNumber(f field256) *big.Int {
	n := new(big.Int)
	for i := len(f) - 1; i >= 0; i-- {
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(f[i]))
	}
	return n
}
