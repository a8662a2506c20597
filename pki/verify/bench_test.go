package verify

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// good is the good chain of three ECDSA certificates, as it is trusted and presented.
func good(t testing.TB) (list *TrustList, chain [][]byte) {
	t.Helper()
	root, intermediate, leaf := goodChain()
	list, err := NewTrustList(root.mint())
	require.NoError(t, err)
	return list, [][]byte{leaf.mint(), intermediate.mint()}
}

func atTestTime() time.Time { return testTime }

// BenchmarkVerify is a chain of three ECDSA certificates, not seen before: two certificates are
// parsed and two signatures verified.
func BenchmarkVerify(b *testing.B) {
	list, chain := good(b)
	v := New(list, Options{Now: atTestTime, CacheSize: -1})
	b.ReportAllocs()
	for b.Loop() {
		if r := v.Verify(chain); !r.OK() {
			b.Fatal(r)
		}
	}
}

// BenchmarkBareSignatures is what BenchmarkVerify cannot do without: the two digests and the two
// ECDSA verifications, with parsed certificates and keys.
func BenchmarkBareSignatures(b *testing.B) {
	list, chain := good(b)
	leaf, err := ParseCertificate(chain[0])
	require.NoError(b, err)
	intermediate, err := ParseCertificate(chain[1])
	require.NoError(b, err)
	root := list.Certificates()[0]
	b.ReportAllocs()
	for b.Loop() {
		leafSum, caSum := sha256.Sum256(leaf.tbs), sha256.Sum256(intermediate.tbs)
		if !ecdsa.VerifyASN1(root.key().ecdsa, caSum[:], intermediate.signature.octets) ||
			!ecdsa.VerifyASN1(intermediate.key().ecdsa, leafSum[:], leaf.signature.octets) {
			b.Fatal("signature wrong")
		}
	}
}

// BenchmarkParse reads the two presented certificates, extensions and keys included.
func BenchmarkParse(b *testing.B) {
	_, chain := good(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, der := range chain {
			c, err := ParseCertificate(der)
			if err != nil {
				b.Fatal(err)
			}
			c.info()
			c.key()
		}
	}
}

// BenchmarkSeenBefore is a chain whose verdict is remembered.
func BenchmarkSeenBefore(b *testing.B) {
	list, chain := good(b)
	v := New(list, Options{Now: atTestTime})
	v.Verify(chain)
	b.SetBytes(int64(chainSize(chain)))
	b.ReportAllocs()
	for b.Loop() {
		if r := v.Verify(chain); !r.OK() {
			b.Fatal(r)
		}
	}
}

// BenchmarkSeenBeforeParallel asks for a remembered verdict from all processors.
func BenchmarkSeenBeforeParallel(b *testing.B) {
	list, chain := good(b)
	v := New(list, Options{Now: atTestTime})
	v.Verify(chain)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r := v.Verify(chain); !r.OK() {
				b.Fatal(r)
			}
		}
	})
}

// BenchmarkOverhead puts a verification beside the bare signature checks, one after the other,
// so that what else the machine does hits both, and reports the ratio of their times. With
// parsing, the bare checks still have their keys and digests for nothing.
func BenchmarkOverhead(b *testing.B) {
	list, chain := good(b)
	v := New(list, Options{Now: atTestTime, CacheSize: -1})
	parsed := &run{}
	_, err := parsed.read(chain)
	require.NoError(b, err)
	for _, c := range parsed.presented {
		c.prepare()
	}
	root, intermediate, leaf := list.Certificates()[0], parsed.presented[1], parsed.presented[0]
	var bare, whole, rules time.Duration
	for b.Loop() {
		start := time.Now()
		leafSum, caSum := sha256.Sum256(leaf.tbs), sha256.Sum256(intermediate.tbs)
		if !ecdsa.VerifyASN1(root.key().ecdsa, caSum[:], intermediate.signature.octets) ||
			!ecdsa.VerifyASN1(intermediate.key().ecdsa, leafSum[:], leaf.signature.octets) {
			b.Fatal("signature wrong")
		}
		bare += time.Since(start)

		start = time.Now()
		if r := v.Verify(chain); !r.OK() {
			b.Fatal(r)
		}
		whole += time.Since(start)

		start = time.Now()
		r := run{trust: list, now: testTime.Unix(), maxDepth: defaultDepth, presented: parsed.presented, twin: parsed.twin}
		r.verify()
		if res := r.result(&Options{}); !res.OK() {
			b.Fatal(res)
		}
		rules += time.Since(start)
	}
	b.ReportMetric(float64(whole)/float64(bare), "with-parsing/bare")
	b.ReportMetric(float64(rules)/float64(bare), "without-parsing/bare")
}
