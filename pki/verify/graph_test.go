package verify

import (
	"crypto"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// authority is one CA of a random landscape: a name and a key, and the certificates it has.
type authority struct {
	name  []byte
	key   *testKey
	certs []*mintable
}

// randomJob makes a landscape of authorities that certify each other, puts up to three defects
// into it, and picks what is trusted and what is presented. It returns the names of the defects.
func randomJob(rng *mathrand.Rand) (job, []string) {
	authorities := make([]*authority, 2+rng.IntN(4))
	for i := range authorities {
		key := "p256" + string(rune('a'+i))
		if rng.IntN(6) == 0 {
			key = pick(rng, keyNames()...)
		}
		cn := fmt.Sprintf("Example CA %d", i)
		if i > 0 && rng.IntN(12) == 0 {
			cn = fmt.Sprintf("Example CA %d", i-1) // two authorities of one name
		}
		authorities[i] = &authority{name: simpleName(cn), key: keyPool()[key]}
	}
	certify := func(subject, issuer *authority) {
		m := caTemplate(subject.name, issuer.name, subject.key, issuer.key, rng)
		if rng.IntN(5) == 0 {
			m.drop(oidAuthorityKeyID)
		}
		subject.certs = append(subject.certs, m)
	}
	roots := 1 + rng.IntN(2)
	for i, a := range authorities {
		if i < roots || rng.IntN(10) == 0 {
			certify(a, a)
		}
		if i >= roots {
			certify(a, authorities[rng.IntN(i)])
		}
		if rng.IntN(4) == 0 {
			certify(a, authorities[rng.IntN(len(authorities))]) // a cross-certificate
		}
	}
	last := authorities[len(authorities)-1]
	leafKey := keyPool()["p256h"]
	if rng.IntN(6) == 0 {
		leafKey = keyPool()[pick(rng, keyNames()...)]
	}
	leaf := leafTemplate(simpleName("sender.example"), last.name, leafKey, last.key, rng)
	if rng.IntN(25) == 0 { // a self-signed leaf
		leaf = leafTemplate(leaf.subject, leaf.subject, leafKey, leafKey, rng)
	}

	all := []*mintable{leaf}
	for _, a := range authorities {
		all = append(all, a.certs...)
	}
	var names []string
	for range rng.IntN(4) {
		d := pick(rng, defects...)
		at := 0
		if rng.IntN(3) > 0 {
			at = rng.IntN(len(all))
		}
		d.apply(rng, all[at])
		names = append(names, fmt.Sprintf("%s at %d", d.name, at))
	}

	j := job{level: pick(rng, 0, 1, 2, 2, 2, 2, 3, 4, 5), depth: defaultDepth, at: testTime}
	if rng.IntN(12) == 0 {
		j.depth = 1 + rng.IntN(3)
	}
	j.chain = [][]byte{leaf.mint()}
	for i, a := range authorities {
		for _, m := range a.certs {
			der := m.mint()
			self := string(m.subject) == string(m.issuer)
			switch {
			case self && i < roots && rng.IntN(8) > 0, rng.IntN(12) == 0:
				j.trusted = append(j.trusted, der)
				if rng.IntN(3) == 0 {
					j.chain = append(j.chain, der)
				}
			case rng.IntN(7) > 0:
				j.chain = append(j.chain, der)
				if rng.IntN(15) == 0 {
					j.chain = append(j.chain, der)
				}
			}
		}
	}
	rest := j.chain[1:]
	switch rng.IntN(3) {
	case 0:
		slices.Reverse(rest)
	case 1:
		rng.Shuffle(len(rest), func(a, b int) { rest[a], rest[b] = rest[b], rest[a] })
	}
	if rng.IntN(4) == 0 {
		rng.Shuffle(len(j.trusted), func(a, b int) { j.trusted[a], j.trusted[b] = j.trusted[b], j.trusted[a] })
	}
	if rng.IntN(4) == 0 {
		j.crlCheck = pick(rng, CRLLeaf, CRLAll)
		for _, a := range authorities {
			for range 1 + rng.IntN(2)*rng.IntN(2) {
				if rng.IntN(6) > 0 {
					j.crls = append(j.crls, randomCRL(rng, a, all))
				}
			}
		}
	}
	return j, names
}

// randomCRL makes a CRL of an authority, mostly a good one.
func randomCRL(rng *mathrand.Rand, a *authority, all []*mintable) []byte {
	odd := func() bool { return rng.IntN(12) == 0 }
	signer, issuer := a.key, a.name
	if odd() {
		signer = keyPool()[pick(rng, keyNames()...)]
	}
	if odd() {
		issuer = respell(rng, issuer)
	}
	this, next := utcTime(testTime.AddDate(0, 0, -1-rng.IntN(3))), utcTime(testTime.AddDate(0, 0, 7))
	if odd() {
		this = pick(rng, utcTime(testTime.AddDate(0, 0, 1)), timeText{asn1.UTCTime, "2611220900Z"}, timeText{asn1.UTCTime, "x"})
	}
	if odd() {
		next = pick(rng, utcTime(testTime.AddDate(0, 0, -1)), timeText{asn1.UTCTime, "2612220900Z"}, timeText{asn1.UTCTime, ""})
	}
	alg := algorithmFor(signer.kind, crypto.SHA256, false)
	parts := [][]byte{integer(1), alg, issuer, this.der()}
	if !odd() {
		parts = append(parts, next.der())
	}
	var entries [][]byte
	for _, m := range all {
		if rng.IntN(6) != 0 {
			continue
		}
		entry := [][]byte{tlv(asn1.INTEGER, m.serial), this.der()}
		if rng.IntN(4) == 0 {
			entry = append(entry, seq(pick(rng,
				ext(oidReason, false, tlv(asn1.ENUM, []byte{1})), ext(oidReason, false, tlv(asn1.ENUM, []byte{reasonRemoveFromCRL})),
				ext(oidCertIssuer, true, seq(general(kindDirectory, m.issuer))), ext("\x2a\x03", true, seq()))))
		}
		entries = append(entries, seq(entry...))
	}
	if len(entries) > 0 {
		parts = append(parts, seq(entries...))
	}
	var exts [][]byte
	if rng.IntN(2) == 0 {
		exts = append(exts, ext(oidAuthorityKeyID, false, seq(tlv(contextual(0), pick(rng, a.key.id, a.key.id, a.key.id, []byte{1})))))
	}
	if rng.IntN(3) == 0 {
		var idp [][]byte
		if rng.IntN(2) == 0 {
			idp = append(idp, tlv(explicit(0), pick(rng,
				tlv(explicit(0), ia5(kindURI, "http://crl.example/a")),
				tlv(explicit(1), seq(oid(oidCommonName), tlv(tagUTF8String, []byte("crl")))))))
		}
		for n := uint8(1); n <= 5; n++ {
			if rng.IntN(8) == 0 {
				if n == 3 {
					idp = append(idp, tlv(contextual(n), []byte{0, 0x60}))
				} else {
					idp = append(idp, tlv(contextual(n), []byte{0xff}))
				}
			}
		}
		exts = append(exts, ext(oidIssuingPoint, true, seq(idp...)))
	}
	if odd() {
		exts = append(exts, pick(rng, ext("\x2a\x03", true, seq()), ext(oidCRLNumber, false, integer(1)), ext(oidDeltaCRL, true, integer(1))))
	}
	if len(exts) > 0 {
		parts = append(parts, tlv(explicit(0), seq(exts...)))
	}
	tbs := seq(parts...)
	return seq(tbs, alg, bits(0, signer.sign(crypto.SHA256, false, tbs)...))
}

// chainsToTry is how many random chains are compared: GATEHOUSE_ORACLE, default 2000.
func chainsToTry(t testing.TB) int {
	t.Helper()
	text := os.Getenv("GATEHOUSE_ORACLE")
	if text == "" {
		return 2000
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "GATEHOUSE_ORACLE is a number of chains")
	require.Positive(t, n, "GATEHOUSE_ORACLE is a number of chains")
	return n
}

// seed is printed with a disagreement; GATEHOUSE_ORACLE_SEED repeats a run.
func seed(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv("GATEHOUSE_ORACLE_SEED")
	switch {
	case text == "" && os.Getenv("GATEHOUSE_ORACLE") == "":
		return 20261123 // the short run draws the same chains each time; the long one draws new ones
	case text == "":
		return uint64(time.Now().UnixNano())
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, "GATEHOUSE_ORACLE_SEED is a number")
	return n
}

// atRandom draws random jobs on all processors, each with a generator of its own, and waits.
// salt makes the chains of each test different.
func atRandom(t *testing.T, salt uint64, total int, worker func(t *testing.T, about string) func(*mathrand.Rand, job, string) int) {
	t.Helper()
	start, workers := seed(t), runtime.GOMAXPROCS(0)
	t.Run("workers", func(t *testing.T) {
		for w := range workers {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				about := fmt.Sprintf("GATEHOUSE_ORACLE_SEED=%d, worker %d of %d", start, w, workers)
				put := worker(t, about)
				rng := mathrand.New(mathrand.NewPCG(start+uint64(w), salt))
				for n := 0; n < (total+workers-1)/workers; {
					j, defects := randomJob(rng)
					n += put(rng, j, fmt.Sprintf("%s, chain %d, defects %q", about, n, defects))
				}
			})
		}
	})
}

// Random chains: the whole sequence of errors against the OpenSSL library.
func TestOracleRandomChainsLibrary(t *testing.T) {
	requireOpenSSL3(t)
	tally := newTally()
	atRandom(t, 1, chainsToTry(t), func(t *testing.T, _ string) func(*mathrand.Rand, job, string) int {
		both := withLibrary(t, startLibrary(t), thisPackage)
		return func(_ *mathrand.Rand, j job, about string) int {
			tally.put(t, j, about, both, nil)
			return 1
		}
	})
	t.Logf("OpenSSL library, random chains, whole sequence of errors: %s", tally)
	assert.Greater(t, tally.accepted, tally.compared/50, "too few chains that pass: the comparison says little")
	assert.Greater(t, len(tally.kinds), 100, "too few kinds of answer: the comparison says little")
}

// Random chains: every line that the openssl command prints.
func TestOracleRandomChainsCommand(t *testing.T) {
	requireOpenSSL3(t)
	tally := newTally()
	atRandom(t, 2, chainsToTry(t), func(t *testing.T, _ string) func(*mathrand.Rand, job, string) int {
		both := withCommand(t, thisPackage)
		return func(_ *mathrand.Rand, j job, about string) int {
			j, ok := j.forCommand()
			if !ok {
				return 0
			}
			tally.put(t, j, about, both, nil)
			return 1
		}
	})
	t.Logf("openssl command, random chains, every line it prints: %s", tally)
	assert.Greater(t, tally.accepted, tally.compared/50, "too few chains that pass: the comparison says little")
	assert.Greater(t, len(tally.kinds), 15, "too few kinds of answer: the comparison says little")
}
