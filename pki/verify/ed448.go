package verify

import (
	"bytes"
	"crypto/sha3"
	"math/big"
	"slices"
)

// ed448Size is the size of an Ed448 public key in octets; a signature has twice as many.
const ed448Size = 57

// Parameters of edwards448, RFC 8032, section 5.2.
var (
	ed448P = fromDecimal("726838724295606890549323807888004534353641360687318060281490199180612328166730772686396383698676545930088884461843637361053498018365439")
	ed448L = fromDecimal("181709681073901722637330951972001133588410340171829515070372549795146003961539585716195755291692375963310293709091662304773755859649779")
	ed448D = new(big.Int).Sub(ed448P, big.NewInt(39081))
	ed448B = edwardsPoint{
		fromDecimal("224580040295924300187604334099896036246789641632564134246125461686950415467406032909029192869357953282578032075146446173674602635247710"),
		fromDecimal("298819210078481492676017930443930673437544040154080242095928241372331506189835876003536878655418784733982303233503462500531545062832660"),
		big.NewInt(1),
	}
)

func fromDecimal(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic("verify: constant of edwards448 is no number")
	}
	return n
}

// edwardsPoint is a point as (x/z, y/z).
type edwardsPoint struct{ x, y, z *big.Int }

// verifyEd448 verifies a pure Ed448 signature without context, as OpenSSL does: without the
// cofactor.
func verifyEd448(key, message, sig []byte) bool {
	if len(key) != ed448Size || len(sig) != 2*ed448Size {
		return false
	}
	a, ok := decodeEd448(key)
	if !ok {
		return false
	}
	s := littleEndian(sig[ed448Size:])
	if s.Cmp(ed448L) >= 0 {
		return false
	}
	h := sha3.NewSHAKE256()
	for _, part := range [][]byte{[]byte("SigEd448\x00\x00"), sig[:ed448Size], key, message} {
		_, _ = h.Write(part) // never fails
	}
	var sum [2 * ed448Size]byte
	_, _ = h.Read(sum[:])
	k := littleEndian(sum[:])
	k.Mod(k, ed448L)

	a.x = new(big.Int).Sub(ed448P, a.x)
	r := edwardsPoint{new(big.Int), big.NewInt(1), big.NewInt(1)}
	for i := max(s.BitLen(), k.BitLen()) - 1; i >= 0; i-- {
		r = r.add(r)
		if s.Bit(i) == 1 {
			r = r.add(ed448B)
		}
		if k.Bit(i) == 1 {
			r = r.add(a)
		}
	}
	return bytes.Equal(r.encode(), sig[:ed448Size])
}

func littleEndian(b []byte) *big.Int {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

func decodeEd448(b []byte) (edwardsPoint, bool) {
	y := littleEndian(b[:ed448Size-1])
	if y.Cmp(ed448P) >= 0 || b[ed448Size-1]&0x7f != 0 {
		return edwardsPoint{}, false
	}
	// x² = (y² - 1) / (d·y² - 1)
	yy := mulEd448(y, y)
	numerator := new(big.Int).Sub(yy, big.NewInt(1))
	denominator := mulEd448(ed448D, yy)
	denominator.Sub(denominator, big.NewInt(1)).Mod(denominator, ed448P)
	inverse := new(big.Int).ModInverse(denominator, ed448P)
	if inverse == nil {
		return edwardsPoint{}, false
	}
	x := new(big.Int).ModSqrt(mulEd448(numerator.Mod(numerator, ed448P), inverse), ed448P)
	if x == nil {
		return edwardsPoint{}, false
	}
	sign := uint(b[ed448Size-1] >> 7)
	if x.Sign() == 0 && sign == 1 {
		return edwardsPoint{}, false
	}
	if x.Bit(0) != sign {
		x.Sub(ed448P, x)
	}
	return edwardsPoint{x, y, big.NewInt(1)}, true
}

func mulEd448(a, b *big.Int) *big.Int {
	r := new(big.Int).Mul(a, b)
	return r.Mod(r, ed448P)
}

// add adds two points, which may be equal: RFC 8032, section 5.2.4.
func (p edwardsPoint) add(q edwardsPoint) edwardsPoint {
	a := mulEd448(p.z, q.z)
	b := mulEd448(a, a)
	c := mulEd448(p.x, q.x)
	d := mulEd448(p.y, q.y)
	e := mulEd448(ed448D, mulEd448(c, d))
	f := new(big.Int).Sub(b, e)
	g := new(big.Int).Add(b, e)
	h := mulEd448(new(big.Int).Add(p.x, p.y), new(big.Int).Add(q.x, q.y))
	h.Sub(h, c).Sub(h, d)
	x := mulEd448(mulEd448(a, f), h)
	y := mulEd448(mulEd448(a, g), new(big.Int).Sub(d, c))
	return edwardsPoint{x, y, mulEd448(f, g)}
}

func (p edwardsPoint) encode() []byte {
	inverse := new(big.Int).ModInverse(p.z, ed448P)
	if inverse == nil {
		return nil
	}
	b := mulEd448(p.y, inverse).FillBytes(make([]byte, ed448Size))
	slices.Reverse(b)
	b[ed448Size-1] |= byte(mulEd448(p.x, inverse).Bit(0) << 7)
	return b
}
