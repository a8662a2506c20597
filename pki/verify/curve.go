package verify

import (
	"encoding/hex"
	"math/big"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// primeCurve is y² = x³ + ax + b over a prime field: what crypto/elliptic has no constant-time
// code for. Only public values are computed with it.
type primeCurve struct {
	p, a, b, gx, gy, n *big.Int
}

// same tells whether two curves are one.
func (c *primeCurve) same(d *primeCurve) bool {
	for _, pair := range [][2]*big.Int{{c.p, d.p}, {c.a, d.a}, {c.b, d.b}, {c.gx, d.gx}, {c.gy, d.gy}, {c.n, d.n}} {
		if pair[0].Cmp(pair[1]) != 0 {
			return false
		}
	}
	return true
}

// curvePoint is a public key on such a curve; x is nil for the point at infinity.
type curvePoint struct {
	curve *primeCurve
	x, y  *big.Int
}

var namedCurves sync.Map // OID → *primeCurve

func namedCurve(oid []byte) *primeCurve {
	text, ok := primeCurves[string(oid)]
	if !ok {
		return nil
	}
	if c, ok := namedCurves.Load(string(oid)); ok {
		return c.(*primeCurve)
	}
	der, err := hex.DecodeString(text)
	if err != nil {
		return nil
	}
	c := parseCurve(der)
	namedCurves.Store(string(oid), c)
	return c
}

// parseCurve reads explicit parameters (ECParameters) of a curve over a prime field; nil if
// they do not decode or make no curve. Characteristic-two fields are not supported.
func parseCurve(der cryptobyte.String) *primeCurve {
	var s, version, field, curve, base cryptobyte.String
	if !der.ReadASN1(&s, asn1.SEQUENCE) {
		return nil
	}
	// The version may be any number of 32 bits, and nothing at all.
	if !s.ReadASN1(&version, asn1.INTEGER) || len(version) > 4 || len(version) > 0 && !minimalInteger(version) || !s.ReadASN1(&field, asn1.SEQUENCE) {
		return nil
	}
	if oid, ok := readOID(&field, asn1.OBJECT_IDENTIFIER); !ok || string(oid) != oidPrimeField {
		return nil
	}
	c := &primeCurve{}
	var ok bool
	if c.p, ok = readPositive(&field); !ok || !field.Empty() || c.p.BitLen() > maxFieldBits || c.p.Bit(0) == 0 || c.p.BitLen() < 3 {
		return nil
	}
	if !s.ReadASN1(&curve, asn1.SEQUENCE) {
		return nil
	}
	for _, to := range []**big.Int{&c.a, &c.b} {
		var octets cryptobyte.String
		if !curve.ReadASN1(&octets, asn1.OCTET_STRING) || len(octets) > 2*maxFieldBits/8 {
			return nil
		}
		*to = new(big.Int).SetBytes(octets)
		(*to).Mod(*to, c.p)
	}
	if curve.PeekASN1Tag(asn1.BIT_STRING) { // a seed, which must not be empty
		if seed, ok := readBitString(&curve, asn1.BIT_STRING); !ok || len(seed.octets) == 0 {
			return nil
		}
	}
	if !curve.Empty() || !s.ReadASN1(&base, asn1.OCTET_STRING) {
		return nil
	}
	if c.n, ok = readPositive(&s); !ok || c.n.Sign() == 0 || c.n.BitLen() > c.p.BitLen()+1 {
		return nil
	}
	if !s.Empty() { // a cofactor
		if _, ok := readPositive(&s); !ok || !s.Empty() {
			return nil
		}
	}
	g, ok := c.decode(base)
	if !ok || g.x == nil {
		return nil
	}
	c.gx, c.gy = g.x, g.y
	return c
}

func readPositive(s *cryptobyte.String) (*big.Int, bool) {
	content, ok := readInteger(s, asn1.INTEGER)
	if !ok || content[0]&0x80 != 0 || len(content) > 2*maxFieldBits/8 {
		return nil, false
	}
	return new(big.Int).SetBytes(content), true
}

type affine struct{ x, y *big.Int }

// decode reads a point: infinity, compressed, uncompressed or hybrid.
func (c *primeCurve) decode(octets []byte) (affine, bool) {
	if len(octets) == 0 {
		return affine{}, false
	}
	size := (c.p.BitLen() + 7) / 8
	form, rest := octets[0], octets[1:]
	switch form {
	case 0:
		return affine{}, len(rest) == 0
	case 2, 3:
		if len(rest) != size {
			return affine{}, false
		}
		x := new(big.Int).SetBytes(rest)
		if x.Cmp(c.p) >= 0 {
			return affine{}, false
		}
		y := c.root(c.rightSide(x))
		if y == nil {
			return affine{}, false
		}
		if y.Bit(0) != uint(form&1) {
			if y.Sign() == 0 {
				return affine{}, false
			}
			y.Sub(c.p, y)
		}
		return affine{x, y}, c.contains(x, y)
	case 4, 6, 7:
		if len(rest) != 2*size {
			return affine{}, false
		}
		x, y := new(big.Int).SetBytes(rest[:size]), new(big.Int).SetBytes(rest[size:])
		if x.Cmp(c.p) >= 0 || y.Cmp(c.p) >= 0 || form != 4 && y.Bit(0) != uint(form&1) {
			return affine{}, false
		}
		return affine{x, y}, c.contains(x, y)
	default:
		return affine{}, false
	}
}

// root is a square root modulo p; nil if there is none. Explicit parameters can have a p that is
// no prime: then the search of Tonelli and Shanks, which ModSqrt uses for p = 1 modulo 8, need
// not end, and OpenSSL's finds nothing as a rule. The other ways end, and the caller checks that
// the point is on the curve.
func (c *primeCurve) root(square *big.Int) *big.Int {
	if c.p.Bits()[0]&7 == 1 && !c.p.ProbablyPrime(1) {
		return nil
	}
	return new(big.Int).ModSqrt(square, c.p)
}

// rightSide is x³ + ax + b.
func (c *primeCurve) rightSide(x *big.Int) *big.Int {
	r := new(big.Int).Mul(x, x)
	r.Add(r, c.a).Mul(r, x).Add(r, c.b)
	return r.Mod(r, c.p)
}

func (c *primeCurve) contains(x, y *big.Int) bool {
	left := new(big.Int).Mul(y, y)
	return left.Mod(left, c.p).Cmp(c.rightSide(x)) == 0
}

// jacobian is a point as (x/z², y/z³); z = 0 is infinity.
type jacobian struct{ x, y, z *big.Int }

func (c *primeCurve) mul(a, b *big.Int) *big.Int {
	r := new(big.Int).Mul(a, b)
	return r.Mod(r, c.p)
}

func (c *primeCurve) sub(a, b *big.Int) *big.Int {
	r := new(big.Int).Sub(a, b)
	return r.Mod(r, c.p)
}

func (c *primeCurve) double(q jacobian) jacobian {
	if q.z.Sign() == 0 || q.y.Sign() == 0 {
		return jacobian{big.NewInt(1), big.NewInt(1), new(big.Int)}
	}
	yy := c.mul(q.y, q.y)
	s := c.mul(q.x, yy)
	s.Lsh(s, 2).Mod(s, c.p)
	zz := c.mul(q.z, q.z)
	m := c.mul(q.x, q.x)
	m.Mul(m, big.NewInt(3)).Add(m, c.mul(c.a, c.mul(zz, zz))).Mod(m, c.p)
	x := c.mul(m, m)
	x = c.sub(x, new(big.Int).Lsh(s, 1))
	y := c.mul(m, c.sub(s, x))
	y = c.sub(y, new(big.Int).Lsh(c.mul(yy, yy), 3))
	z := c.mul(q.y, q.z)
	return jacobian{x, y, z.Lsh(z, 1).Mod(z, c.p)}
}

func (c *primeCurve) add(q, r jacobian) jacobian {
	if q.z.Sign() == 0 {
		return r
	}
	if r.z.Sign() == 0 {
		return q
	}
	z1z1, z2z2 := c.mul(q.z, q.z), c.mul(r.z, r.z)
	u1, u2 := c.mul(q.x, z2z2), c.mul(r.x, z1z1)
	s1 := c.mul(c.mul(q.y, r.z), z2z2)
	s2 := c.mul(c.mul(r.y, q.z), z1z1)
	h, t := c.sub(u2, u1), c.sub(s2, s1)
	if h.Sign() == 0 {
		if t.Sign() == 0 {
			return c.double(q)
		}
		return jacobian{big.NewInt(1), big.NewInt(1), new(big.Int)}
	}
	hh := c.mul(h, h)
	hhh := c.mul(h, hh)
	v := c.mul(u1, hh)
	x := c.sub(c.sub(c.mul(t, t), hhh), new(big.Int).Lsh(v, 1))
	y := c.sub(c.mul(t, c.sub(v, x)), c.mul(s1, hhh))
	return jacobian{x, y, c.mul(c.mul(q.z, r.z), h)}
}

// verifies checks an ECDSA signature over a digest.
func (p *curvePoint) verifies(digest []byte, r, s *big.Int) bool {
	c := p.curve
	if p.x == nil || r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(c.n) >= 0 || s.Cmp(c.n) >= 0 {
		return false
	}
	w := new(big.Int).ModInverse(s, c.n)
	if w == nil {
		return false
	}
	e := new(big.Int).SetBytes(digest)
	if excess := 8*len(digest) - c.n.BitLen(); excess > 0 {
		e.Rsh(e, uint(excess))
	}
	u1 := e.Mul(e, w)
	u1.Mod(u1, c.n)
	u2 := w.Mul(r, w)
	u2.Mod(u2, c.n)

	one := big.NewInt(1)
	g, q := jacobian{c.gx, c.gy, one}, jacobian{p.x, p.y, one}
	both := c.add(g, q)
	sum := jacobian{one, one, new(big.Int)}
	for i := max(u1.BitLen(), u2.BitLen()) - 1; i >= 0; i-- {
		sum = c.double(sum)
		switch u1.Bit(i) | u2.Bit(i)<<1 {
		case 1:
			sum = c.add(sum, g)
		case 2:
			sum = c.add(sum, q)
		case 3:
			sum = c.add(sum, both)
		}
	}
	if sum.z.Sign() == 0 {
		return false
	}
	inverse := new(big.Int).ModInverse(sum.z, c.p)
	if inverse == nil {
		return false
	}
	x := c.mul(sum.x, c.mul(inverse, inverse))
	return x.Mod(x, c.n).Cmp(r) == 0
}
