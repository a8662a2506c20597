package verify

import (
	"crypto"
	"crypto/rsa"
	"math/big"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
)

// smallCurves are curves over so small a field that all their points can be listed. The second has
// a point of order two.
func smallCurves(t *testing.T) []*primeCurve {
	t.Helper()
	var all []*primeCurve
	for _, c := range [][6]int64{{23, 1, 1}, {19, 1, 0}, {11, 1, 6}} {
		curve := &primeCurve{p: big.NewInt(c[0]), a: big.NewInt(c[1]), b: big.NewInt(c[2])}
		curve.n = big.NewInt(int64(len(pointsOf(curve)) + 1))
		all = append(all, curve)
	}
	return all
}

func pointsOf(c *primeCurve) []affine {
	p, a, b := c.p.Int64(), c.a.Int64(), c.b.Int64()
	var all []affine
	for x := range p {
		for y := range p {
			if (y*y-x*x*x-a*x-b)%p == 0 {
				all = append(all, affine{big.NewInt(x), big.NewInt(y)})
			}
		}
	}
	return all
}

// schoolbook adds two points as it stands in the textbook; nil is infinity.
func schoolbook(c *primeCurve, q, r *affine) *affine {
	if q == nil {
		return r
	}
	if r == nil {
		return q
	}
	p, a := c.p.Int64(), c.a.Int64()
	mod := func(n int64) int64 { return (n%p + p) % p }
	inverse := func(n int64) int64 { return new(big.Int).ModInverse(big.NewInt(mod(n)), c.p).Int64() }
	x1, y1, x2, y2 := q.x.Int64(), q.y.Int64(), r.x.Int64(), r.y.Int64()
	var slope int64
	switch {
	case x1 == x2 && mod(y1+y2) == 0:
		return nil
	case x1 == x2:
		slope = mod((3*x1*x1 + a) % p * inverse(2*y1))
	default:
		slope = mod((y2 - y1) * inverse(x2-x1))
	}
	x := mod(slope*slope - x1 - x2)
	return &affine{big.NewInt(x), big.NewInt(mod(slope*(x1-x) - y1))}
}

func (c *primeCurve) plain(t *testing.T, q jacobian) *affine {
	t.Helper()
	if q.z.Sign() == 0 {
		return nil
	}
	inverse := new(big.Int).ModInverse(q.z, c.p)
	require.NotNil(t, inverse)
	square := c.mul(inverse, inverse)
	return &affine{c.mul(q.x, square), c.mul(q.y, c.mul(square, inverse))}
}

// Every sum of two points, infinity among them and each in several forms, is that of the textbook.
func TestSumsOfPoints(t *testing.T) {
	for _, c := range smallCurves(t) {
		all := []*affine{nil}
		for _, q := range pointsOf(c) {
			all = append(all, &q)
		}
		form := func(q *affine, z int64) jacobian {
			if q == nil {
				return jacobian{big.NewInt(z), big.NewInt(z + 1), new(big.Int)}
			}
			factor := big.NewInt(z)
			square := c.mul(factor, factor)
			return jacobian{c.mul(q.x, square), c.mul(q.y, c.mul(square, factor)), factor}
		}
		for _, q := range all {
			for _, r := range all {
				want := schoolbook(c, q, r)
				for _, z := range [][2]int64{{1, 1}, {3, 1}, {2, 5}} {
					require.Equal(t, want, c.plain(t, c.add(form(q, z[0]), form(r, z[1]))), "%v + %v modulo %s", q, r, c.p)
				}
			}
			for _, z := range []int64{1, 4} {
				require.Equal(t, schoolbook(c, q, q), c.plain(t, c.double(form(q, z))), "twice %v modulo %s", q, c.p)
			}
		}
	}
}

// On a small curve every signature there can be is verified as the definition of ECDSA says.
func TestSignaturesOnASmallCurve(t *testing.T) {
	c := &primeCurve{p: big.NewInt(43), a: big.NewInt(2), b: big.NewInt(3)}
	points := pointsOf(c)
	order := func(q affine) int64 {
		n, sum := int64(1), &q
		for sum != nil {
			sum = schoolbook(c, sum, &q)
			n++
		}
		return n
	}
	base := slices.IndexFunc(points, func(q affine) bool { n := order(q); return n > 12 && big.NewInt(n).ProbablyPrime(10) })
	require.GreaterOrEqual(t, base, 0)
	g := points[base]
	n := order(g)
	c.gx, c.gy, c.n = g.x, g.y, big.NewInt(n)
	// multiples are none, one, two… of a point.
	multiples := func(q *affine) []*affine {
		all := []*affine{nil}
		for range n - 1 {
			all = append(all, schoolbook(c, all[len(all)-1], q))
		}
		return all
	}
	ofBase := multiples(&g)
	good := 0
	for _, d := range []int64{1, 2, n / 2, n - 1} {
		q := ofBase[d]
		ofKey, key := multiples(q), &curvePoint{curve: c, x: q.x, y: q.y}
		for _, sum := range [][]byte{{0}, {5}, {0xff}, {0x12, 0x34}} {
			e := new(big.Int).SetBytes(sum)
			if excess := 8*len(sum) - c.n.BitLen(); excess > 0 {
				e.Rsh(e, uint(excess))
			}
			for r := int64(-1); r <= n+1; r++ {
				for s := int64(-1); s <= n+1; s += 1 + n/16 {
					want := false
					if r > 0 && r < n && s > 0 && s < n {
						w := new(big.Int).ModInverse(big.NewInt(s), c.n).Int64()
						p := schoolbook(c, ofBase[e.Int64()%n*w%n], ofKey[r*w%n])
						want = p != nil && p.x.Int64()%n == r
					}
					if key.verifies(sum, big.NewInt(r), big.NewInt(s)) != want {
						t.Fatalf("d %d, %x, r %d, s %d: not %t", d, sum, r, s, want)
					}
					if want {
						good++
					}
				}
				// The two ends, whatever the steps are.
				for _, s := range []int64{0, n} {
					if key.verifies(sum, big.NewInt(r), big.NewInt(s)) {
						t.Fatalf("d %d, %x, r %d, s %d", d, sum, r, s)
					}
				}
			}
		}
	}
	assert.Greater(t, good, 10, "control")
}

// Parameters of curves at their limits.
func TestParametersOfCurves(t *testing.T) {
	number := func(n *big.Int) []byte { return build(func(b *cryptobyte.Builder) { b.AddASN1BigInt(n) }) }
	type parameters struct {
		version, field, p, curve, base, n []byte
		more                              [][]byte
	}
	of := func(change func(*parameters)) *primeCurve {
		p := parameters{
			version: integer(1), field: oid(oidPrimeField), p: integer(43), curve: slices.Concat(octets([]byte{2}), octets([]byte{3})),
			base: octets([]byte{4, 0, 13}), n: integer(47), more: [][]byte{integer(1)},
		}
		for _, q := range pointsOf(&primeCurve{p: big.NewInt(43), a: big.NewInt(2), b: big.NewInt(3)}) {
			p.base = octets([]byte{4, byte(q.x.Int64()), byte(q.y.Int64())})
		}
		change(&p)
		return parseCurve(seq(append([][]byte{p.version, seq(p.field, p.p), seq(p.curve), p.base, p.n}, p.more...)...))
	}
	good := of(func(*parameters) {})
	require.NotNil(t, good)
	assert.Equal(t, []int64{43, 2, 3, 47}, []int64{good.p.Int64(), good.a.Int64(), good.b.Int64(), good.n.Int64()})
	reduced := of(func(p *parameters) { p.curve = slices.Concat(octets([]byte{45}), octets([]byte{1, 3})) })
	assert.Nil(t, reduced, "another b, and the base point is not on it")
	reduced = of(func(p *parameters) { p.curve = slices.Concat(octets([]byte{45}), octets([]byte{46})) })
	require.NotNil(t, reduced)
	assert.Equal(t, []int64{2, 3}, []int64{reduced.a.Int64(), reduced.b.Int64()}, "modulo p")
	for name, change := range map[string]func(*parameters){
		"no cofactor": func(p *parameters) { p.more = nil }, "a seed": func(p *parameters) { p.curve = slices.Concat(p.curve, bits(0, 1)) },
		"order with one bit more": func(p *parameters) { p.n = integer(127) }, "coefficients of 165 octets": func(p *parameters) {
			p.curve = slices.Concat(octets(append(make([]byte, 164), 2)), octets(append(make([]byte, 164), 3)))
		},
	} {
		assert.NotNil(t, of(change), name)
	}
	for name, change := range map[string]func(*parameters){
		"binary field": func(p *parameters) { p.field = oid("\x2a\x86\x48\xce\x3d\x01\x02") }, "even": func(p *parameters) { p.p = integer(44) },
		"too small": func(p *parameters) { p.p = integer(3) }, "negative": func(p *parameters) { p.p = integer(-43) }, "behind p": func(p *parameters) { p.p = slices.Concat(p.p, integer(1)) },
		"no order": func(p *parameters) { p.n = integer(0) }, "order with two bits more": func(p *parameters) { p.n = integer(128) }, "two cofactors": func(p *parameters) { p.more = [][]byte{integer(1), integer(1)} },
		"cofactor a string": func(p *parameters) { p.more = [][]byte{octets(nil)} }, "base at infinity": func(p *parameters) { p.base = octets([]byte{0}) }, "base beside": func(p *parameters) { p.base = octets([]byte{4, 1, 1}) },
		"long coefficient": func(p *parameters) {
			p.curve = slices.Concat(octets(append(make([]byte, 165), 2)), octets([]byte{3}))
		},
		"another long coefficient": func(p *parameters) {
			p.curve = slices.Concat(octets([]byte{2}), octets(append(make([]byte, 165), 3)))
		},
		"long order": func(p *parameters) { p.n = number(new(big.Int).Lsh(big.NewInt(1), 1400)) }, "behind the seed": func(p *parameters) { p.curve = slices.Concat(p.curve, bits(0, 1), bits(0, 1)) },
	} {
		assert.Nil(t, of(change), name)
	}
	// The largest field: 661 bits, and a point that is on the curve whatever p is.
	for size, want := range map[int]bool{maxFieldBits: true, maxFieldBits + 1: false} {
		octetsOf := (size + 7) / 8
		c := of(func(p *parameters) {
			p.p = number(new(big.Int).SetBit(big.NewInt(1), size-1, 1)) // odd, if no prime
			p.curve = slices.Concat(octets(nil), octets([]byte{1}))
			p.base = octets(append(append([]byte{4}, make([]byte, 2*octetsOf-1)...), 1)) // 1² = 0³ + 1
		})
		assert.Equal(t, want, c != nil, size)
	}
}

// raw is the private operation of a fixed key on any octets: signatures with any padding.
func raw(t *testing.T, bitLen int) (key *rsaPublicKey, sign func([]byte) []byte) {
	t.Helper()
	rng := mathrand.New(mathrand.NewPCG(5, uint64(bitLen)))
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, q := pseudoRandom(rng, (bitLen+1)/2), pseudoRandom(rng, bitLen/2)
		for !p.ProbablyPrime(10) {
			p.Add(p, big.NewInt(2))
		}
		for !q.ProbablyPrime(10) {
			q.Add(q, big.NewInt(2))
		}
		n, phi := new(big.Int).Mul(p, q), new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if n.BitLen() != bitLen || d == nil {
			continue
		}
		return &rsaPublicKey{n: n, e: e}, func(m []byte) []byte {
			s := new(big.Int).SetBytes(m)
			return s.Exp(s, d, n).FillBytes(make([]byte, (bitLen+7)/8))
		}
	}
}

// Paddings of PKCS#1 that are good, and those with one octet wrong.
func TestPaddingOfPKCS1(t *testing.T) {
	for _, size := range []int{512, 513, 1024} {
		key, sign := raw(t, size)
		sum := digest(crypto.SHA256, []byte("message"))
		info := digestInfo(crypto.SHA256, sum)
		length := (size + 7) / 8
		padded := func() []byte {
			m := slices.Repeat([]byte{0xff}, length)
			m[0], m[1], m[length-len(info)-1] = 0, 1, 0
			copy(m[length-len(info):], info)
			return m
		}
		assert.True(t, key.verifyPKCS1(crypto.SHA256, sum, sign(padded())), size)
		for i := range length {
			m := padded()
			m[i] ^= 1
			if i == 0 && size != 513 {
				continue // larger than the modulus
			}
			assert.False(t, key.verifyPKCS1(crypto.SHA256, sum, sign(m)), "%d: octet %d", size, i)
		}
		sig := sign(padded())
		assert.False(t, key.verifyPKCS1(crypto.SHA256, sum, append([]byte{0}, sig...)), "longer than the modulus")
		larger := new(big.Int).Add(new(big.Int).SetBytes(sig), key.n)
		if larger.BitLen() <= 8*length {
			assert.False(t, key.verifyPKCS1(crypto.SHA256, sum, larger.FillBytes(make([]byte, length))), "above the modulus")
		}
		even := &rsaPublicKey{n: new(big.Int).Add(key.n, big.NewInt(1)), e: key.e}
		_, ok := even.open(sig)
		assert.False(t, ok, "an even modulus")
	}
	// Eight octets of padding are the least: 62 octets are enough for a SHA-256, 61 are not.
	for size, want := range map[int]bool{62 * 8: true, 61 * 8: false} {
		key, sign := raw(t, size)
		sum := digest(crypto.SHA256, []byte("message"))
		info := digestInfo(crypto.SHA256, sum)
		m := slices.Repeat([]byte{0xff}, size/8)
		m[0], m[1], m[size/8-len(info)-1] = 0, 1, 0
		copy(m[size/8-len(info):], info)
		assert.Equal(t, want, key.verifyPKCS1(crypto.SHA256, sum, sign(m)), size)
	}
}

// The bounds of OpenSSL for numbers of RSA keys.
func TestBoundsOfRSA(t *testing.T) {
	number := func(bitLen int) *big.Int { return new(big.Int).SetBit(big.NewInt(1), bitLen-1, 1) }
	for _, row := range []struct {
		n, e int
		want bool
	}{{maxRSAModulus, 17, true}, {maxRSAModulus + 1, 17, false}, {smallRSA, 65, true}, {smallRSA + 1, 64, true}, {smallRSA + 1, 65, false}, {smallRSA, smallRSA - 1, true}, {512, 512, false}, {512, 513, false}} {
		m, ok := (&rsaPublicKey{n: number(row.n), e: number(row.e)}).open(append(make([]byte, (row.n+7)/8-1), 1))
		assert.Equal(t, row.want, ok, "modulus of %d bits, exponent of %d", row.n, row.e)
		if ok {
			assert.Equal(t, append(make([]byte, (row.n+7)/8-1), 1), m)
		}
	}
	odd := &rsaPublicKey{n: big.NewInt(35), e: big.NewInt(5)}
	for sig, want := range map[byte]bool{0: true, 34: true, 35: false, 36: false} {
		_, ok := odd.open([]byte{sig})
		assert.Equal(t, want, ok, sig)
	}
}

// RSASSA-PSS with the package's own arithmetic: good paddings of all lengths of salt and modulus, and
// each octet of them changed.
func TestPaddingOfPSS(t *testing.T) {
	for _, size := range []int{1017, 1018, 1023, 1024, 1025} {
		key, sign := raw(t, size)
		most := (size-1+7)/8 - 34
		for _, salt := range []int{0, 20, 32, most} {
			p := &pssParameters{hash: crypto.SHA256, mask: crypto.SHA1, salt: salt}
			sum := digest(crypto.SHA256, []byte("message"))
			bitLen := size - 1
			length := (bitLen + 7) / 8
			padded := func(marker byte, extra byte) []byte {
				s := slices.Repeat([]byte{0x5a}, salt)
				h := digest(crypto.SHA256, slices.Concat(make([]byte, 8), sum, s))
				db := slices.Concat(make([]byte, length-salt-len(h)-2), []byte{marker}, s)
				db[max(0, len(db)-salt-2)] |= extra
				for i, c := range mgf1(crypto.SHA1, h, len(db)) {
					db[i] ^= c
				}
				db[0] &= 0xff >> (8*length - bitLen)
				return slices.Concat(db, h, []byte{0xbc})
			}
			good := padded(1, 0)
			require.True(t, key.verifyPSS(p, sum, sign(good)), "%d bits, salt of %d", size, salt)
			assert.False(t, key.verifyPSS(p, sum, sign(good)[1:]), "a signature that is too short")
			for i, bad := range [][]byte{padded(0, 0), padded(2, 0), padded(1, 1)} {
				if salt == most && i > 0 {
					continue // there is no octet before, or no bit
				}
				assert.False(t, key.verifyPSS(p, sum, sign(bad)), "%d bits, salt of %d", size, salt)
			}
			for _, i := range []int{1, 2, length / 2, length - 34, length - 33, length - 2, length - 1} {
				changed := slices.Clone(good)
				changed[i] ^= 4
				assert.False(t, key.verifyPSS(p, sum, sign(changed)), "%d bits, salt of %d, octet %d", size, salt, i)
			}
			if unused := 8*length - bitLen; unused > 0 {
				changed := slices.Clone(good)
				changed[0] |= 0x80 >> (unused - 1)
				if new(big.Int).SetBytes(changed).Cmp(key.n) < 0 {
					assert.False(t, key.verifyPSS(p, sum, sign(changed)), "%d bits: a bit that must be zero", size)
				}
			}
			if bitLen%8 == 0 {
				assert.False(t, key.verifyPSS(p, sum, sign(append([]byte{1}, good...))), "%d bits: an octet before", size)
			}
		}
		// The longest salt there is room for, and one octet more.
		p := &pssParameters{hash: crypto.SHA256, mask: crypto.SHA1, salt: (size-1+7)/8 - 34}
		assert.False(t, key.verifyPSS(p, make([]byte, 32), sign(append(make([]byte, (size-1+7)/8-1), 0xbc))))
		p.salt++
		assert.False(t, key.verifyPSS(p, make([]byte, 32), sign(append(make([]byte, (size-1+7)/8-1), 0xbc))), "no room")
		p.salt = maxRSAModulus
		assert.False(t, key.verifyPSS(p, make([]byte, 32), sign([]byte{0xbc})), "much too long")
	}
	long := &pssParameters{hash: crypto.SHA256, mask: crypto.SHA256, salt: 20}
	std := &rsaPublicKey{std: &rsa.PublicKey{N: big.NewInt(35), E: 5}, n: big.NewInt(35), e: big.NewInt(5)}
	assert.False(t, std.verifyPSS(long, make([]byte, 32), []byte{1}))
	assert.Equal(t, digest(crypto.SHA1, []byte{1, 0, 0, 0, 0}), mgf1(crypto.SHA1, []byte{1}, 20))
	assert.Equal(t, digest(crypto.SHA1, []byte{1, 0, 0, 0, 1})[:5], mgf1(crypto.SHA1, []byte{1}, 25)[20:])
}
