package verify

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"slices"
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
		if !ecdsa.VerifyASN1(root.key().standard(), caSum[:], intermediate.signature.octets) ||
			!ecdsa.VerifyASN1(intermediate.key().standard(), leafSum[:], leaf.signature.octets) {
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
// so that what else the machine does hits both, and reports the ratio of their times: x-bare, the
// median of the ratios of all rounds, since such machines change their speed from one moment to the
// next; x-bare-mean, of the means, in which garbage collection and interruptions count too; and
// x-bare-undisturbed, of the tenth percentiles, which other work on the machine hardly reaches. The bare
// checks have their keys and parsed certificates for nothing; x-bare-parsed is the ratio for a
// verification that has them for nothing as well, and x-bare-next-sender that for one more sender of
// a CA of which a sender was accepted before, as nearly all are.
func BenchmarkOverhead(b *testing.B) {
	list, chain := good(b)
	v := New(list, Options{Now: atTestTime, CacheSize: -1})
	parsed := &run{}
	_, err := parsed.read(chain, nil)
	require.NoError(b, err)
	for _, c := range parsed.presented {
		c.prepare()
	}
	root, intermediate, leaf := list.Certificates()[0], parsed.presented[1], parsed.presented[0]
	senders := chainsOfOneCA(64)
	next := New(list, Options{Now: atTestTime, CacheSize: 2}) // never asked for a sender that it remembers
	var bare, whole, rules, others []time.Duration
	for b.Loop() {
		sender := senders[len(bare)%len(senders)]

		start := time.Now()
		leafSum, caSum := sha256.Sum256(leaf.tbs), sha256.Sum256(intermediate.tbs)
		if !ecdsa.VerifyASN1(root.key().standard(), caSum[:], intermediate.signature.octets) ||
			!ecdsa.VerifyASN1(intermediate.key().standard(), leafSum[:], leaf.signature.octets) {
			b.Fatal("signature wrong")
		}
		bare = append(bare, time.Since(start))

		start = time.Now()
		if r := v.Verify(chain); !r.OK() {
			b.Fatal(r)
		}
		whole = append(whole, time.Since(start))

		start = time.Now()
		r := run{trust: list, now: testTime.Unix(), maxDepth: defaultDepth, presented: parsed.presented, twin: parsed.twin}
		r.verify()
		if res := r.result(&Options{}); !res.OK() {
			b.Fatal(res)
		}
		rules = append(rules, time.Since(start))

		start = time.Now()
		if r, remembered := next.VerifyCached(sender); !r.OK() || remembered {
			b.Fatal(r, remembered)
		}
		others = append(others, time.Since(start))
	}
	b.ReportMetric(medianRatio(others, bare), "x-bare-next-sender")
	b.ReportMetric(medianRatio(whole, bare), "x-bare")
	b.ReportMetric(percentile(whole, 10)/percentile(bare, 10), "x-bare-undisturbed")
	b.ReportMetric(mean(whole)/mean(bare), "x-bare-mean")
	b.ReportMetric(medianRatio(rules, bare), "x-bare-parsed")
}

// chainsOfOneCA are chains of different senders below the CA of goodChain.
func chainsOfOneCA(n int) [][][]byte {
	_, intermediate, leaf := goodChain()
	ca := intermediate.mint()
	out := make([][][]byte, n)
	for i := range out {
		leaf.serial = serialOf(uint64(i + 1))
		out[i] = [][]byte{leaf.mint(), ca}
	}
	return out
}

// medianRatio is the median of the ratios of times that were measured one after the other.
func medianRatio(times, others []time.Duration) float64 {
	ratios := make([]float64, len(times))
	for i := range times {
		ratios[i] = float64(times[i]) / float64(others[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

func percentile(times []time.Duration, p int) float64 {
	times = slices.Sorted(slices.Values(times))
	return float64(times[len(times)*p/100])
}

func mean(times []time.Duration) float64 {
	sum := time.Duration(0)
	for _, t := range times {
		sum += t
	}
	return float64(sum) / float64(len(times))
}
