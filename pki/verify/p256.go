package verify

import (
	"encoding/binary"
	word "math/bits"
)

// field256 is a number below the prime of P-256, the lowest 64 bits first.
type field256 [4]uint64

// The prime p of P-256, 2^512 mod p, and the curve's b [C: FIPS 186-4, D.1.2.3].
var (
	prime256  = field256{0xffffffffffffffff, 0x00000000ffffffff, 0, 0xffffffff00000001}
	square256 = field256{0x0000000000000003, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd}
	b256      = field256{0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7}
)

// onP256 tells whether a point in uncompressed form, 65 octets, is on the curve P-256: y² = x³ - 3x + b.
// crypto/ecdh tells the same, and allocates a key for it; a sender's key is asked for nothing else, and
// nothing here is secret.
func onP256(point []byte) bool {
	x, ok := read256(point[1:33])
	if !ok {
		return false
	}
	y, ok := read256(point[33:65])
	if !ok {
		return false
	}
	// times divides by 2^256; a factor that was multiplied with square256 makes up for that.
	xr, yr := times256(x, square256), times256(y, square256)
	left := times256(yr, y)
	for range 3 {
		left = plus256(left, x)
	}
	right := plus256(times256(xr, times256(xr, x)), b256)
	return left == right
}

// read256 reads 32 octets; false if the number is not below p.
func read256(b []byte) (field256, bool) {
	n := field256{
		binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b),
	}
	_, below := minus256(n, prime256)
	return n, below == 1
}

// minus256 subtracts; borrow is 1 if the result is below zero.
func minus256(x, y field256) (out field256, borrow uint64) {
	for i := range out {
		out[i], borrow = word.Sub64(x[i], y[i], borrow)
	}
	return out, borrow
}

// reduced256 is carry·2^256 + x, which is below 2p, modulo p.
func reduced256(x field256, carry uint64) field256 {
	if less, borrow := minus256(x, prime256); carry == 1 || borrow == 0 {
		return less
	}
	return x
}

func plus256(x, y field256) field256 {
	var carry uint64
	for i := range x {
		x[i], carry = word.Add64(x[i], y[i], carry)
	}
	return reduced256(x, carry)
}

// times256 is x·y/2^256 modulo p: Montgomery's multiplication. The lowest 64 bits of p are all ones, so
// that the lowest ones of the sum say how often p must be added for them to become zero.
func times256(x, y field256) field256 {
	var sum [6]uint64
	for _, factor := range y {
		addTimes(&sum, x, factor)
		addTimes(&sum, prime256, sum[0])
		copy(sum[:], sum[1:])
		sum[5] = 0
	}
	return reduced256(field256(sum[:4]), sum[4])
}

// addTimes adds x·factor.
func addTimes(sum *[6]uint64, x field256, factor uint64) {
	var carry uint64
	for i, digit := range x {
		high, low := word.Mul64(digit, factor)
		var c uint64
		low, c = word.Add64(low, carry, 0)
		high += c
		sum[i], c = word.Add64(sum[i], low, 0)
		carry = high + c
	}
	var c uint64
	sum[4], c = word.Add64(sum[4], carry, 0)
	sum[5] += c
}
