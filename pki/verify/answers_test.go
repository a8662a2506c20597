package verify

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// puzzle is a list of jobs that are the same in each run: their keys are fixed. What OpenSSL answers
// is in testdata/answers.txt, so that each can be compared each time; to ask OpenSSL takes ten times
// as long.
type puzzle struct {
	name string
	// jobs calls put for each job. Where the two do not agree, why may tell why they cannot.
	jobs func(put func(about string, j job, why func() string))
}

// puzzles are all of them.
func puzzles() []puzzle {
	return append(partPuzzles(), gridPuzzles()...)
}

// answers are what OpenSSL answered to the jobs of a puzzle.
type answers struct {
	inputs string   // a digest of the jobs
	given  []string // in the order of the jobs; empty where the two cannot agree
}

const answersFile = "answers.txt"

// octets is a job as the program that asks OpenSSL takes it.
func (j job) octets() []byte {
	var b []byte
	depth := j.depth
	if depth == 0 {
		depth = defaultDepth
	}
	b = binary.BigEndian.AppendUint32(b, uint32(j.level))
	b = binary.BigEndian.AppendUint32(b, uint32(j.crlCheck))
	b = binary.BigEndian.AppendUint32(b, uint32(depth))
	b = binary.BigEndian.AppendUint64(b, uint64(j.at.Unix()))
	for _, list := range [][][]byte{j.trusted, j.chain, j.crls} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
		for _, der := range list {
			b = binary.BigEndian.AppendUint32(b, uint32(len(der)))
			b = append(b, der...)
		}
	}
	return b
}

// mark stands for the nth answer to the jobs of a puzzle; the first is none.
func mark(n int) string { return string([]byte{'a' + byte(n/26), 'a' + byte(n%26)}) }

// write writes the answers: a legend of marks, and a mark for each job.
func (a answers) write(b *bytes.Buffer, name string) {
	fmt.Fprintf(b, "# %s: %d jobs, inputs %s\n", name, len(a.given), a.inputs)
	marks := map[string]string{"": mark(0)}
	var line []string
	for _, s := range a.given {
		if _, ok := marks[s]; !ok {
			marks[s] = mark(len(marks))
			fmt.Fprintf(b, "%s %s\n", marks[s], s)
		}
		line = append(line, marks[s])
	}
	for some := range slices.Chunk(line, 70) {
		fmt.Fprintf(b, "> %s\n", strings.Join(some, ""))
	}
}

func readAnswers(t testing.TB) map[string]answers {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", answersFile))
	require.NoError(t, err)
	all := map[string]answers{}
	var name string
	var legend map[string]string
	for lines := bufio.NewScanner(bytes.NewReader(file)); lines.Scan(); {
		line := lines.Text()
		first, rest, ok := strings.Cut(line, " ")
		require.True(t, ok, line)
		switch first {
		case "#":
			title, after, ok := strings.Cut(rest, ": ")
			require.True(t, ok, line)
			_, inputs, ok := strings.Cut(after, "inputs ")
			require.True(t, ok, line)
			name, legend = title, map[string]string{mark(0): ""}
			all[name] = answers{inputs: inputs}
		case ">":
			a := all[name]
			for ; len(rest) > 1; rest = rest[2:] {
				a.given = append(a.given, legend[rest[:2]])
			}
			all[name] = a
		default:
			legend[first] = rest
		}
	}
	return all
}

// The jobs of each puzzle: the whole sequence of errors is the one that OpenSSL 3.0.19 gave. The short
// run compares a fifth of them, and GATEHOUSE_ORACLE=N all.
func TestAnswersOfOpenSSL(t *testing.T) {
	all, every := readAnswers(t), 5
	if os.Getenv("GATEHOUSE_ORACLE") != "" {
		every = 1
	}
	for _, p := range puzzles() {
		t.Run(p.name, func(t *testing.T) {
			const otherJobs = "other jobs than those that OpenSSL answered: GATEHOUSE_RECORD=1 go test -run TestOracleAnswersLibrary asks again"
			a, n, inputs := all[p.name], 0, sha256.New()
			p.jobs(func(about string, j job, _ func() string) {
				inputs.Write(j.octets())
				require.Less(t, n, len(a.given), otherJobs)
				if want := a.given[n]; n%every == 0 && want != "" && !agree(j.ours(t), parseSequence(want)) {
					require.Equal(t, want, j.ours(t).String(), "job %d, %s", n, about)
				}
				n++
			})
			assert.Len(t, a.given, n, otherJobs)
			assert.Equal(t, a.inputs, hex.EncodeToString(inputs.Sum(nil)[:8]), otherJobs)
		})
	}
}

func parseSequence(s string) sequence {
	q := sequence{unreadable: -1}
	if rest, ok := strings.CutPrefix(s, "unreadable "); ok {
		_, _ = fmt.Sscan(rest, &q.unreadable)
		return q
	}
	fields := strings.Fields(s)
	_, _ = fmt.Sscan(fields[0], &q.final)
	q.errors = fields[1:]
	return q
}

// The same against the OpenSSL that is installed. The short run asks about a part of the jobs, and
// GATEHOUSE_ORACLE=N about all; GATEHOUSE_RECORD=1 writes testdata/answers.txt.
func TestOracleAnswersLibrary(t *testing.T) {
	record, every := os.Getenv("GATEHOUSE_RECORD") != "", 11
	if record || os.Getenv("GATEHOUSE_ORACLE") != "" {
		every = 1
	}
	lib := startLibrary(t)
	both := func(j job) (string, string, bool) {
		mine, theirs := j.ours(t), withoutResources(lib.ask(t, j))
		return mine.String(), theirs.String(), agree(mine, theirs)
	}
	var file bytes.Buffer
	for _, p := range puzzles() {
		tally, n := newTally(), 0
		var a answers
		inputs := sha256.New()
		p.jobs(func(about string, j job, why func() string) {
			inputs.Write(j.octets())
			if n++; n%every != 0 {
				return
			}
			tally.put(t, j, p.name+", "+about, both, func(job) string {
				if why == nil {
					return ""
				}
				return why()
			})
			if record {
				_, theirs, agreed := both(j)
				if !agreed {
					theirs = ""
				}
				a.given = append(a.given, theirs)
			}
		})
		t.Logf("OpenSSL library, %s: %s", p.name, tally)
		a.inputs = hex.EncodeToString(inputs.Sum(nil)[:8])
		a.write(&file, p.name)
	}
	if record && !t.Failed() {
		require.NoError(t, os.WriteFile(filepath.Join("testdata", answersFile), file.Bytes(), 0o600))
	}
}

// withoutResources leaves out what OpenSSL says of resources that do not nest: see Limits.
func withoutResources(s sequence) sequence {
	var left []string
	for _, e := range s.errors {
		if !strings.HasPrefix(e, "41@") && !strings.HasPrefix(e, "46@") {
			left = append(left, e)
		}
	}
	s.errors = left
	if s.final == 41 || s.final == UnnestedResource {
		s.final = 0
		if n := len(left); n > 0 {
			_, _ = fmt.Sscanf(left[n-1], "%d@", &s.final)
		}
	}
	return s
}

// pseudoRandom is an odd number of that many bits, the same each time.
func pseudoRandom(rng *mathrand.Rand, bitLen int) *big.Int {
	b := make([]byte, (bitLen+7)/8)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	n := new(big.Int).SetBytes(b)
	n.Rsh(n, uint(8*len(b)-bitLen))
	return n.SetBit(n.SetBit(n.SetBit(n, bitLen-1, 1), bitLen-2, 1), 0, 1)
}

// fixedKey is an RSA key of 1024 bits that is the same each time. It is small since its signatures
// are verified thousands of times.
func fixedKey(seed uint64) *testKey {
	if k, ok := fixedKeys.Load(seed); ok {
		return k.(*testKey)
	}
	k := newFixedKey(seed)
	fixedKeys.Store(seed, k)
	return k
}

func newFixedKey(seed uint64) *testKey {
	rng := mathrand.New(mathrand.NewPCG(seed, 1024))
	prime := func() *big.Int {
		for {
			if p := pseudoRandom(rng, 512); p.ProbablyPrime(20) {
				return p
			}
		}
	}
	one, p, q := big.NewInt(1), prime(), prime()
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(big.NewInt(65537), phi), Primes: []*big.Int{p, q},
	}
	key.Precompute()
	number := func(n *big.Int) []byte { return tlv(2, append([]byte{0}, n.Bytes()...)) }
	spki := seq(seq(oid(oidRSA), []byte{5, 0}), bits(0, seq(number(key.N), integer(65537))...))
	return &testKey{
		kind: rsaKey, spki: spki, id: digest(crypto.SHA1, spki),
		sign: func(hash crypto.Hash, _ bool, message []byte) []byte {
			once := fmt.Sprint(seed, hash, string(message))
			if sig, ok := fixedSignatures.Load(once); ok {
				return sig.([]byte)
			}
			sig := must(rsa.SignPKCS1v15(nil, key, 0, digestInfo(hash, digest(hash, message))))
			fixedSignatures.Store(once, sig)
			return sig
		},
	}
}

// fixedKeys are the keys that were made, and fixedSignatures what they have signed.
var fixedKeys, fixedSignatures sync.Map
