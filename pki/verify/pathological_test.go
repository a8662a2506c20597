package verify

import (
	"crypto"
	"encoding/binary"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// pathology is a chain that is made to cost much.
type pathology struct {
	name    string
	trusted [][]byte
	chain   [][]byte
	crls    [][]byte
	// beyondOpenSSL: OpenSSL needs gigabytes or minutes for it, and is not asked.
	beyondOpenSSL bool
}

// crossSigned are n intermediates of one name that certify each other. Each has expired, a day
// later than the one before, so that all have to be looked at to find the best. None is
// self-signed: with identifiers each names the key of the next one, without them a key of one
// kind is always certified by one of the other.
func crossSigned(n int, oneKey, identifiers bool) [][]byte {
	rng, pool := mathrand.New(mathrand.NewPCG(3, uint64(n))), keyPool()
	one := simpleName("Example CA")
	key := func(i int) *testKey {
		name := "p256" + string(rune('a'+i/2%8))
		if !identifiers && i%2 == 1 {
			name = "rsa2048" + string(rune('a'+i/2%2))
		}
		if oneKey {
			name = name[:len(name)-1] + "a"
		}
		return pool[name]
	}
	number := func(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) }
	leaf := leafTemplate(simpleName("sender.example"), one, pool["p256h"], key(0), rng)
	leaf.drop(oidAuthorityKeyID)
	chain := [][]byte{leaf.mint()}
	for i := n - 1; i >= 0; i-- {
		m := caTemplate(one, one, key(i), key(i+1), rng)
		m.drop(oidSubjectKeyID)
		m.drop(oidAuthorityKeyID)
		if identifiers {
			m.set(oidSubjectKeyID, false, octets(number(i)))
			m.set(oidAuthorityKeyID, false, seq(tlv(contextual(0), number((i+1)%n))))
		}
		m.notAfter = utcTime(testTime.AddDate(0, 0, -i))
		chain = append(chain, m.mint())
	}
	return chain
}

// sameNamed are n roots of one name, of which only the last one fits the leaf.
func sameNamed(n int) (trusted, chain [][]byte) {
	rng, pool := mathrand.New(mathrand.NewPCG(5, 5)), keyPool()
	name := simpleName("Example Root CA")
	for i := range n {
		m := caTemplate(name, name, pool["p256a"], pool["p256a"], rng)
		m.drop(oidAuthorityKeyID)
		m.set(oidSubjectKeyID, false, octets(binary.BigEndian.AppendUint32(nil, uint32(i))))
		trusted = append(trusted, m.mint())
	}
	leaf := leafTemplate(simpleName("sender.example"), name, pool["p256h"], pool["p256a"], rng)
	leaf.set(oidAuthorityKeyID, false, seq(tlv(contextual(0), binary.BigEndian.AppendUint32(nil, uint32(n-1)))))
	return trusted, [][]byte{leaf.mint()}
}

// constrained is a path of n intermediates that each have many constraints and many names.
func constrained(n, trees, names int) [][]byte {
	rng, pool := mathrand.New(mathrand.NewPCG(6, 6)), keyPool()
	var bases, alt [][]byte
	for i := range trees {
		bases = append(bases, seq(ia5(kindDNS, fmt.Sprintf("x%d", i))))
	}
	for i := range names {
		alt = append(alt, ia5(kindDNS, fmt.Sprintf("y%d", i)))
	}
	subject := func(i int) []byte { return simpleName(fmt.Sprintf("Example CA %d", i)) }
	leaf := leafTemplate(simpleName("sender.example"), subject(0), pool["p256h"], pool["p256a"], rng)
	leaf.set(oidSubjectAltName, false, seq(alt...))
	chain := [][]byte{leaf.mint()}
	for i := range n {
		m := caTemplate(subject(i), subject(i+1), pool["p256a"], pool["p256a"], rng)
		m.set(oidNameConstraints, true, seq(tlv(explicit(1), bases...)))
		m.set(oidSubjectAltName, false, seq(alt...))
		chain = append(chain, m.mint())
	}
	return chain
}

// relativePoints is a leaf with a long issuer name and CRL distribution points relative to it.
func relativePoints(length, points int) [][]byte {
	rng, pool := mathrand.New(mathrand.NewPCG(6, 6)), keyPool()
	long := dnOf(text(oidCommonName, string(slices.Repeat([]byte("x"), length))))
	leaf := leafTemplate(simpleName("sender.example"), long, pool["p256h"], pool["p256a"], rng)
	p := seq(tlv(explicit(0), tlv(explicit(1), seq(oid(oidCommonName), tlv(tagUTF8String, []byte("c"))))))
	leaf.set(oidCRLPoints, false, seq(slices.Repeat([][]byte{p}, points)...))
	return [][]byte{leaf.mint()}
}

// manyRevoked is a CRL of that many entries that are not the leaf's.
func manyRevoked(n int) (trusted, chain, crls [][]byte) {
	root, intermediate, leaf := goodChain()
	serials := make([][]byte, n)
	for i := range serials {
		serials[i] = serialOf(uint64(i) + 1<<40)
	}
	crl := crlOf(&authority{name: intermediate.subject, key: intermediate.key},
		testTime.AddDate(0, 0, -1), testTime.AddDate(0, 0, 7), serials...)
	return [][]byte{root.mint()}, [][]byte{leaf.mint(), intermediate.mint()}, [][]byte{crl}
}

// roundabout are two trusted CAs that certify each other, one with a slow key, below which no root
// ever comes: the path goes round until it is too long.
func roundabout() (trusted, chain [][]byte) {
	rng, pool := mathrand.New(mathrand.NewPCG(8, 8)), keyPool()
	one, other := simpleName("Example CA 1"), simpleName("Example CA 2")
	trusted = [][]byte{
		caTemplate(one, other, pool["p256a"], pool["secp160r1"], rng).mint(),
		caTemplate(other, one, pool["secp160r1"], pool["p256a"], rng).mint(),
	}
	return trusted, [][]byte{leafTemplate(simpleName("sender.example"), one, pool["p256h"], pool["p256a"], rng).mint()}
}

// pathologies are the chains that cost the most within the limits of this package.
func pathologies() []pathology {
	var all []pathology
	for _, n := range []int{300, 900} {
		for _, same := range []bool{true, false} {
			for _, identifiers := range []bool{true, false} {
				keys, with := "different keys", "without identifiers"
				if same {
					keys = "one key"
				}
				if identifiers {
					with = "with identifiers"
				}
				all = append(all, pathology{name: fmt.Sprintf("%d cross-signed, %s, %s", n, keys, with), chain: crossSigned(n, same, identifiers)})
			}
		}
	}
	trusted, chain := sameNamed(600)
	all = append(all, pathology{name: "600 roots of one name", trusted: trusted, chain: chain})
	all = append(all,
		pathology{name: "1000 constraints and 1000 names", chain: constrained(1, 1000, 1000)},
		pathology{name: "60 CAs that constrain each other", chain: constrained(60, 700, 700), beyondOpenSSL: true},
		pathology{name: "100,000 alternative names", chain: constrained(1, 1, 50000)},
		pathology{name: "20,000 points relative to a long name", chain: relativePoints(400000, 20000), beyondOpenSSL: true},
		pathology{name: "200 points relative to a long name", chain: relativePoints(4000, 200)})
	trusted, chain = roundabout()
	all = append(all, pathology{name: "two trusted CAs that certify each other", trusted: trusted, chain: chain})
	trusted, chain, crls := manyRevoked(100000)
	all = append(all, pathology{name: "CRL of 100,000 entries", trusted: trusted, chain: chain, crls: crls})
	return all
}

func (p *pathology) verifier(t testing.TB) *Verifier {
	t.Helper()
	list, err := NewTrustList(p.trusted...)
	require.NoError(t, err)
	o := Options{Now: atTestTime, CacheSize: -1, CRLs: p.crls}
	if p.crls != nil {
		o.CRLCheck = CRLLeaf
	}
	require.NoError(t, o.CheckCRLs())
	return New(list, o)
}

// What a verification does at most, counted and not timed: no candidate is looked at twice in a
// step, no signature is verified twice, constraints have a budget.
func TestPathologicalChainsAreBounded(t *testing.T) {
	for _, p := range pathologies() {
		t.Run(p.name, func(t *testing.T) {
			require.LessOrEqual(t, len(p.chain), maxPresented)
			require.LessOrEqual(t, chainSize(p.chain), maxChain)
			v := p.verifier(t)
			r := &run{trust: v.Trust(), now: testTime.Unix(), maxDepth: defaultDepth, crls: v.crls, crlCheck: v.opts.CRLCheck}
			_, err := r.read(p.chain, nil)
			require.NoError(t, err)
			r.verify()
			steps := len(r.chain)
			assert.LessOrEqual(t, steps, defaultDepth+2)
			assert.LessOrEqual(t, r.work, (steps+1)*(len(p.chain)+len(p.trusted))+steps, "each step looks at each candidate once")
			assert.LessOrEqual(t, r.signatures, steps+len(p.crls)*steps, "each signature is verified once")
			assert.LessOrEqual(t, r.signatures, len(p.chain)+len(p.trusted)+len(p.crls)*steps, "once, however often it is on the path")
			assert.LessOrEqual(t, len(r.faults), steps*(steps+6), "errors")
			t.Logf("path of %d, %d candidates, %d signatures, %d errors, the first %d", steps, r.work, r.signatures, len(r.faults), v.Verify(p.chain).Code)
		})
	}
}

// The answers to pathological chains are OpenSSL's.
func TestOraclePathologicalChainsLibrary(t *testing.T) {
	t.Parallel()
	both := withLibrary(t, startLibrary(t), thisPackage)
	tally := newTally()
	for _, p := range pathologies() {
		if p.beyondOpenSSL {
			continue
		}
		j := job{level: 2, depth: defaultDepth, at: testTime, trusted: p.trusted, chain: p.chain, crls: p.crls}
		if p.crls != nil {
			j.crlCheck = CRLLeaf
		}
		tally.put(t, j, p.name, both, nil)
	}
	t.Logf("OpenSSL library, pathological chains: %s", tally)
}

// BenchmarkPathological measures a verification of each; ms/op is what to look at.
func BenchmarkPathological(b *testing.B) {
	for _, p := range pathologies() {
		b.Run(p.name, func(b *testing.B) {
			v := p.verifier(b)
			b.ReportAllocs()
			for b.Loop() {
				v.Verify(p.chain)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(time.Millisecond), "ms/op")
		})
	}
}

// slowKeys are keys whose signatures cost much to verify, each with a signature of the right
// form that is not right: to find that out costs as much.
func slowKeys() map[string]*testKey {
	rng := mathrand.New(mathrand.NewPCG(9, 9))
	odd := func(bits int) *big.Int {
		b := make([]byte, bits/8)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		b[0] |= 0x80
		b[len(b)-1] |= 1
		return new(big.Int).SetBytes(b)
	}
	number := func(n *big.Int) []byte { return tlv(asn1.INTEGER, append([]byte{0}, n.Bytes()...)) }
	rsaOf := func(bitLen int, e *big.Int) *testKey {
		n := odd(bitLen)
		return &testKey{
			kind: rsaKey, id: []byte{1},
			spki: seq(seq(oid(oidRSA), []byte{5, 0}), bits(0, seq(number(n), number(e))...)),
			sign: func(crypto.Hash, bool, []byte) []byte { return slices.Repeat([]byte{0x55}, bitLen/8) },
		}
	}
	p, q := odd(10000), odd(256)
	dsaKey := &testKey{
		kind: dsaKey, id: []byte{1},
		spki: seq(seq(oid(oidDSA), seq(number(p), number(q), number(odd(9000)))), bits(0, number(odd(9000))...)),
		sign: func(crypto.Hash, bool, []byte) []byte { return seq(integer(77), integer(78)) },
	}
	all := map[string]*testKey{
		"RSA 16384":               rsaOf(16384, big.NewInt(65537)),
		"RSA 16384, 64-bit e":     rsaOf(16384, odd(64)),
		"RSA 8192":                rsaOf(8192, big.NewInt(65537)),
		"RSA 3072, 3071-bit e":    rsaOf(3072, new(big.Int).Rsh(odd(3072), 1)),
		"RSA 16392":               rsaOf(16392, big.NewInt(65537)),
		"RSA 3080, 65-bit e":      rsaOf(3080, odd(72)),
		"DSA 10000":               dsaKey,
		"brainpoolP512r1":         newCurveKey("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", false),
		"explicit P-256":          keyPool()["explicit"],
		"P-521":                   keyPool()["p521"],
		"RSA 2048, exponent of 1": rsaOf(2048, big.NewInt(1)),
		"RSA 2048, even":          rsaOf(2048, big.NewInt(65536)),
	}
	for _, k := range all {
		if k.sign == nil {
			panic("no signature")
		}
	}
	return all
}

// slowChain is a path of n intermediates, all with one key.
func slowChain(k *testKey, n int) [][]byte {
	rng, pool := mathrand.New(mathrand.NewPCG(6, 6)), keyPool()
	subject := func(i int) []byte { return simpleName(fmt.Sprintf("Example CA %d", i)) }
	mint := func(m *mintable) []byte {
		m.drop(oidAuthorityKeyID)
		m.drop(oidSubjectKeyID)
		return m.mint()
	}
	chain := [][]byte{mint(leafTemplate(simpleName("sender.example"), subject(0), pool["p256h"], k, rng))}
	for i := range n {
		chain = append(chain, mint(caTemplate(subject(i), subject(i+1), k, k, rng)))
	}
	return chain
}

// Keys beyond OpenSSL's bounds, and slow ones within, have OpenSSL's answer.
func TestOracleSlowKeysLibrary(t *testing.T) {
	t.Parallel()
	both := withLibrary(t, startLibrary(t), thisPackage)
	tally := newTally()
	for name, k := range slowKeys() {
		for level := range 3 {
			tally.put(t, job{level: level, depth: defaultDepth, at: testTime, chain: slowChain(k, 2)}, name, both, nil)
		}
	}
	t.Logf("OpenSSL library, slow keys: %s", tally)
}

// BenchmarkSlowKeys measures one signature with each of the slow keys: that is what a chain costs
// for each of its certificates.
func BenchmarkSlowKeys(b *testing.B) {
	for name, k := range slowKeys() {
		b.Run(name, func(b *testing.B) {
			chain := slowChain(k, 1)
			leaf, err := ParseCertificate(chain[0])
			require.NoError(b, err)
			for b.Loop() {
				if key := parsePublicKey(k.spki); key != nil {
					leaf.signedBy(key)
				}
			}
		})
	}
}

// Explicit curve parameters whose p is no prime, and a compressed point: the search for a square
// root must end.
func TestSquareRootModuloAComposite(t *testing.T) {
	for _, p := range []*big.Int{
		big.NewInt(289),     // a square: there is no non-residue by Jacobi's symbol
		big.NewInt(17 * 41), // a product, 1 modulo 8
		new(big.Int).Exp(big.NewInt(1000033), big.NewInt(2), nil),
		new(big.Int).Exp(big.NewInt(3), big.NewInt(400), nil),
	} {
		for x := range int64(20) {
			one := big.NewInt(1)
			c := &primeCurve{p: p, a: big.NewInt(1), b: one, gx: one, gy: one, n: one}
			size := (p.BitLen() + 7) / 8
			_, ok := c.decode(append([]byte{2}, big.NewInt(x).FillBytes(make([]byte, size))...))
			if ok {
				t.Logf("x %d is on the curve modulo %s", x, p)
			}
		}
	}
}
