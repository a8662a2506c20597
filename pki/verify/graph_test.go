package verify

import (
	"crypto"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
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

// shrink leaves out what is not needed for differs to stay true.
func shrink(j job, differs func(job) bool) job {
	for again := true; again; {
		again = false
		for _, list := range []*[][]byte{&j.chain, &j.trusted, &j.crls} {
			for i := len(*list) - 1; i >= 0; i-- {
				if list == &j.chain && i == 0 {
					continue
				}
				before := *list
				*list = slices.Delete(slices.Clone(before), i, i+1)
				if differs(j) {
					again = true
				} else {
					*list = before
				}
			}
		}
	}
	return j
}

func encodePEM(kind string, list [][]byte) []byte {
	var b []byte
	for _, der := range list {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	return b
}

func (j job) write(t testing.TB, dir string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chain.pem"), encodePEM("CERTIFICATE", j.chain), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "roots.pem"), encodePEM("CERTIFICATE", j.trusted), 0o600))
	if len(j.crls) > 0 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "crl.pem"), encodePEM("X509 CRL", j.crls), 0o600))
	}
}

// reproduce writes a folder that shows a disagreement and returns its name.
func (j job) reproduce(t testing.TB, ours, theirs any, defects []string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gatehouse-disagreement-")
	require.NoError(t, err)
	j.write(t, dir)
	note := fmt.Sprintf("level %d, CRL check %d, depth %d, at %s\ndefects: %q\nours:    %v\nOpenSSL: %v\n\n"+
		"openssl verify -purpose sslclient -attime %d -auth_level %d -trusted roots.pem -untrusted chain.pem chain.pem\n",
		j.level, j.crlCheck, j.depth, j.at.Format(time.RFC3339), defects, ours, theirs, j.at.Unix(), j.level)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "README.txt"), []byte(note), 0o600))
	return dir
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

// Random chains: the whole sequence of errors against the OpenSSL library.
func TestOracleRandomChainsLibrary(t *testing.T) {
	lib := startLibrary(t)
	total, agreed, accepted, unreadable := chainsToTry(t), 0, 0, 0
	start := seed(t)
	rng := mathrand.New(mathrand.NewPCG(start, 1))
	codes := map[string]int{}
	for n := range total {
		j, names := randomJob(rng)
		ours, theirs := j.ours(t), lib.ask(t, j)
		codes[theirs.first()]++
		if theirs.unreadable >= 0 {
			unreadable++
		} else if theirs.final == 0 {
			accepted++
		}
		if agree(ours, theirs) {
			agreed++
			continue
		}
		small := shrink(j, func(j job) bool { return !agree(j.ours(t), lib.ask(t, j)) })
		dir := small.reproduce(t, small.ours(t), lib.ask(t, small), names)
		t.Errorf("chain %d (seed %d, defects %q): ours %s, OpenSSL %s; see %s", n, start, names, ours, theirs, dir)
		if total-agreed > 100 && n-agreed > 20 {
			t.Fatal("too many disagreements")
		}
	}
	t.Logf("%d of %d chains agree in the whole sequence of errors (%.3f %%); %d accepted, %d unreadable, %d different first errors (code@depth)",
		agreed, total, 100*float64(agreed)/float64(total), accepted, unreadable, len(codes))
	assert.Greater(t, accepted, total/50, "too few chains that pass: the comparison says little")
	assert.Greater(t, len(codes), 12, "too few kinds of error: the comparison says little")
}

// Random chains: every line that the openssl command prints.
func TestOracleRandomChainsCommand(t *testing.T) {
	openssl := requireOpenSSL3(t)
	total := chainsToTry(t)
	start := seed(t)
	workers := runtime.GOMAXPROCS(0)
	t.Run("workers", func(t *testing.T) {
		for w := range workers {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				compareWithCommand(t, openssl, start+uint64(w), (total+workers-1)/workers)
			})
		}
	})
}

func compareWithCommand(t *testing.T, openssl string, start uint64, total int) {
	rng := mathrand.New(mathrand.NewPCG(start, 2))
	dir := t.TempDir()
	agreed := 0
	for n := 0; n < total; {
		j, names := randomJob(rng)
		// The command looks CRLs up in another way and cannot name a file with what it cannot read.
		j.crlCheck, j.crls, j.depth = CRLOff, nil, 0
		if len(j.trusted) == 0 || !allReadable(j) {
			continue
		}
		n++
		list, err := NewTrustList(j.trusted...)
		require.NoError(t, err)
		ask := func(j job) []string {
			j.write(t, dir)
			return command(t, openssl, dir, j)
		}
		result, theirs := New(list, j.options()).Verify(j.chain), ask(j)
		ours := expectPrinted(result.Errors)
		// OpenSSL gives up with an internal error, which it has no code for but "unspecified".
		gaveUp := slices.Equal(theirs, []string{internalError})
		if slices.Equal(ours, theirs) || (gaveUp && result.Code == 1) {
			agreed++
			continue
		}
		t.Errorf("chain %d (seed %d, defects %q): ours %q, OpenSSL %q; see %s", n, start, names, ours, theirs,
			j.reproduce(t, ours, theirs, names))
		if n-agreed > 10 {
			t.Fatal("too many disagreements")
		}
	}
	t.Logf("%d of %d chains agree with the openssl command in every line it prints", agreed, total)
}

func allReadable(j job) bool {
	for _, der := range slices.Concat(j.trusted, j.chain) {
		if _, err := ParseCertificate(der); err != nil {
			return false
		}
	}
	return true
}
