package verify

import (
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// compare puts a job to two verifiers and tells what they answer and whether they agree.
type compare func(job) (ours, theirs string, agree bool)

// shrink leaves out what is not needed for the two to disagree: settings that are not the default,
// certificates, CRLs.
func shrink(j job, both compare) job {
	differs := func(j job) bool {
		_, _, agree := both(j)
		return !agree
	}
	simpler := []func(*job){
		func(j *job) { j.crlCheck = CRLOff }, func(j *job) { j.depth = defaultDepth }, func(j *job) { j.level = 2 },
	}
	for again := true; again; {
		again = false
		for _, change := range simpler {
			other := j
			if change(&other); differs(other) {
				j = other
			}
		}
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

// write writes the files of a job into a folder.
func (j job) write(t testing.TB, dir string) {
	t.Helper()
	for file, content := range map[string][]byte{
		leafFile:  encodePEM("CERTIFICATE", j.chain[:1]),
		chainFile: encodePEM("CERTIFICATE", j.chain),
		rootsFile: encodePEM("CERTIFICATE", j.trusted),
		crlFile:   encodePEM("X509 CRL", j.crls),
	} {
		if file == crlFile && len(j.crls) == 0 {
			continue
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), content, 0o600))
	}
}

// reproduce writes a folder that shows a disagreement and returns its name. The last line of its
// README.txt is a command to be run in the folder.
func (j job) reproduce(t testing.TB, ours, theirs, about string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gatehouse-disagreement-")
	require.NoError(t, err)
	j.write(t, dir)
	note := fmt.Sprintf("What: %s\nSecurity level %d, CRL check %d, depth %d, at %s\n\nours:    %s\nOpenSSL: %s\n\n"+
		"The openssl command stops at some errors after which the library goes on. In this folder:\n\n%s\n",
		about, j.level, j.crlCheck, j.depth, j.at.Format(time.RFC3339), ours, theirs, strings.Join(j.commandLine(), " "))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "README.txt"), []byte(note), 0o600))
	return dir
}

// tally counts what a comparison found. It may be used concurrently.
type tally struct {
	mu               sync.Mutex
	compared, agreed int
	accepted         int
	cannot           map[string]int // by reason
	kinds            map[string]int // by what OpenSSL answered
	folders          []string
}

func newTally() *tally { return &tally{cannot: map[string]int{}, kinds: map[string]int{}} }

// maxDisagreements ends a comparison: what comes then is most often the same.
const maxDisagreements = 10

// progressEvery is after how many comparisons a long run says how it stands.
const progressEvery = 5_000

// put compares one job. Where the two disagree, excuse may give the reason for which they cannot
// agree; otherwise the disagreement is shrunk, written out and makes the test fail.
func (y *tally) put(t testing.TB, j job, about string, both compare, excuse func(job) string) {
	t.Helper()
	ours, theirs, agree := both(j)
	reason := ""
	if !agree && excuse != nil {
		reason = excuse(j)
	}
	first, _, _ := strings.Cut(theirs, ";")
	y.mu.Lock()
	y.kinds[first]++
	switch {
	case agree:
		y.compared++
		y.agreed++
		if theirs == "OK" || theirs == "0" {
			y.accepted++
		}
	case reason != "":
		y.cannot[reason]++
	default:
		y.compared++
	}
	tooMany := len(y.folders) >= maxDisagreements
	progress := ""
	if y.compared%progressEvery == 0 {
		progress = fmt.Sprintf("so far %d of %d agree", y.agreed, y.compared)
	}
	y.mu.Unlock()
	if progress != "" {
		t.Log(progress)
	}
	if agree || reason != "" {
		return
	}
	if tooMany {
		t.Fatal("too many disagreements")
	}
	small := shrink(j, both)
	smallOurs, smallTheirs, _ := both(small)
	dir := small.reproduce(t, smallOurs, smallTheirs, about)
	y.mu.Lock()
	y.folders = append(y.folders, dir)
	y.mu.Unlock()
	t.Errorf("%s:\nours:    %s\nOpenSSL: %s\nthe smallest chain that shows it: %s", about, ours, theirs, dir)
}

// String is the agreement rate in one line.
func (y *tally) String() string {
	s := fmt.Sprintf("%d of %d agree (%.3f %%), %d of them accepted; %d different answers",
		y.agreed, y.compared, 100*float64(y.agreed)/float64(max(y.compared, 1)), y.accepted, len(y.kinds))
	reasons := make([]string, 0, len(y.cannot))
	for reason, n := range y.cannot {
		reasons = append(reasons, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(reasons)
	if len(reasons) == 0 {
		return s + "; none that cannot agree"
	}
	return s + "; cannot agree: " + strings.Join(reasons, ", ")
}

// forgetful is this package with one thing forgotten: an expired CA is no error to it.
func forgetful(t testing.TB, j job) Result {
	r := thisPackage(t, j)
	r.Errors = slices.DeleteFunc(r.Errors, func(e Error) bool { return e.Code == CertHasExpired && e.Depth == 1 })
	if len(r.Errors) == 0 {
		r.Code = OK
	}
	return r
}

// crowded is a chain with an expired intermediate and much beside it that does not matter.
func crowded(t testing.TB) job {
	t.Helper()
	pool, rng := keyPool(), mathrand.New(mathrand.NewPCG(7, 8))
	root, intermediate, leaf := goodChain()
	intermediate.notAfter = utcTime(testTime.AddDate(0, 0, -1))
	a := &authority{name: intermediate.subject, key: intermediate.key}
	j := job{
		level: 2, depth: 5, at: testTime, crlCheck: CRLLeaf,
		chain: [][]byte{leaf.mint(), intermediate.mint()}, trusted: [][]byte{root.mint()},
		crls: [][]byte{crlOf(a, testTime.AddDate(0, 0, -1), testTime.AddDate(0, 0, 7))},
	}
	for i := range 5 {
		name := simpleName(fmt.Sprintf("Another CA %d", i))
		other := caTemplate(name, name, pool["p256d"], pool["p256d"], rng).mint()
		j.chain, j.trusted = append(j.chain, other), append([][]byte{other}, j.trusted...)
	}
	return j
}

// A wrong verifier is found out, with the smallest chain that shows it, in a folder whose command
// gives OpenSSL's answer.
func TestOracleShrinksAndWritesOut(t *testing.T) {
	t.Parallel()
	lib := startLibrary(t)
	for name, with := range map[string]func(verifier) compare{
		"library": func(v verifier) compare { return withLibrary(t, lib, v) },
		"command": func(v verifier) compare { return withCommand(t, v) },
	} {
		t.Run(name, func(t *testing.T) {
			j := crowded(t)
			ours, theirs, agree := with(thisPackage)(j)
			require.True(t, agree, "control: %s, %s", ours, theirs)

			both := with(forgetful)
			_, _, agree = both(j)
			require.False(t, agree)
			small := shrink(j, both)
			ours, theirs, agree = both(small)
			require.False(t, agree)
			assert.Len(t, small.chain, 2, "leaf and intermediate")
			assert.Len(t, small.trusted, 1, "without the root the date is not looked at")
			assert.Empty(t, small.crls)
			assert.Equal(t, CRLOff, small.crlCheck)
			assert.Equal(t, defaultDepth, small.depth)

			dir := small.reproduce(t, ours, theirs, "a verifier that forgets")
			defer func() { assert.NoError(t, os.RemoveAll(dir)) }()
			note, err := os.ReadFile(filepath.Join(dir, "README.txt"))
			require.NoError(t, err)
			assert.Contains(t, string(note), theirs)
			lines := strings.Split(strings.TrimSpace(string(note)), "\n")
			found := runCommand(t, dir, strings.Fields(lines[len(lines)-1]))
			require.Len(t, found.lines, 1)
			assert.Equal(t, "error 10 at 1 depth lookup: certificate has expired", found.lines[0].String())
			assert.Equal(t, small.chain, readPEM(t, filepath.Join(dir, chainFile)))
			assert.Equal(t, small.trusted, readPEM(t, filepath.Join(dir, rootsFile)))
		})
	}
}

// A command with every setting, and one without anything that is trusted, answer as the library
// does.
func TestOracleCommandWithEverySetting(t *testing.T) {
	lib := startLibrary(t)
	with, without := crowded(t), crowded(t)
	with.crlCheck, with.level, with.depth = CRLAll, 1, 3
	without.trusted = nil
	for name, j := range map[string]job{"every setting": with, "nothing trusted": without} {
		ours, theirs, agree := withCommand(t, thisPackage)(j)
		assert.True(t, agree, "%s: ours %s, the command %s", name, ours, theirs)
		ours, theirs, agree = withLibrary(t, lib, thisPackage)(j)
		assert.True(t, agree, "%s: ours %s, the library %s", name, ours, theirs)
	}
	note := strings.Join(with.commandLine(), " ")
	for _, option := range []string{"-crl_check_all", "-CRLfile crl.pem", "-verify_depth 3", "-auth_level 1"} {
		assert.Contains(t, note, option)
	}
}
