package verify

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// job is one verification, for Verify and for OpenSSL.
type job struct {
	level    int
	crlCheck CRLCheck
	depth    int
	at       time.Time
	trusted  [][]byte
	chain    [][]byte
	crls     [][]byte
}

// sequence is what OpenSSL reports: every error as code@depth, and the code that remains.
type sequence struct {
	unreadable int // index of the certificate that cannot be read, else -1
	errors     []string
	final      int
}

func (s sequence) String() string {
	if s.unreadable >= 0 {
		return fmt.Sprintf("unreadable %d", s.unreadable)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", s.final, strings.Join(s.errors, " ")))
}

// options are those of a job.
func (j job) options() Options {
	level, err := LevelNumber(j.level)
	if err != nil {
		panic(err)
	}
	return Options{
		Now: func() time.Time { return j.at }, Level: level, Depth: j.depth,
		CRLs: j.crls, CRLCheck: j.crlCheck, CacheSize: -1,
	}
}

// list is the trust list of a job, without what cannot be read.
func (j job) list(t testing.TB) *TrustList {
	t.Helper()
	var readable [][]byte
	for _, der := range j.trusted {
		if _, err := ParseCertificate(der); err == nil {
			readable = append(readable, der)
		}
	}
	list, err := NewTrustList(readable...)
	require.NoError(t, err)
	return list
}

// ours verifies with this package.
func (j job) ours(t testing.TB) sequence {
	t.Helper()
	return sequenceOf(thisPackage(t, j))
}

func sequenceOf(r Result) sequence {
	if r.Unreadable != "" {
		return sequence{unreadable: r.Depth}
	}
	s := sequence{unreadable: -1}
	for _, e := range r.Errors {
		s.errors = append(s.errors, fmt.Sprintf("%d@%d", e.Code, e.Depth))
		s.final = e.Code
	}
	return s
}

// library answers jobs with the OpenSSL library: a small C program, built from
// testdata/oracle/oracle.c.
type library struct {
	in  *bufio.Writer
	out *bufio.Reader
}

// oracleMissing ends a test whose oracle is not there, visibly: it fails unless
// GATEHOUSE_SKIP_ORACLES=1 asks for a skip.
func oracleMissing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("GATEHOUSE_SKIP_ORACLES") == "1" {
		t.Skipf(format+" (GATEHOUSE_SKIP_ORACLES=1)", args...)
	}
	t.Fatalf(format+"; set GATEHOUSE_SKIP_ORACLES=1 to run without", args...)
}

func startLibrary(t testing.TB) *library {
	t.Helper()
	requireOpenSSL3(t)
	binary := filepath.Join(t.TempDir(), "oracle")
	build := exec.Command("cc", "-O1", "-o", binary, filepath.Join("testdata", "oracle", "oracle.c"), "-lcrypto")
	if out, err := build.CombinedOutput(); err != nil {
		oracleMissing(t, "the program that asks the OpenSSL library cannot be built: install a C compiler (cc) and OpenSSL's headers (libssl-dev, openssl-devel): %v %s", err, out)
	}
	cmd := exec.Command(binary)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &library{in: bufio.NewWriter(in), out: bufio.NewReader(out)}
}

func (l *library) ask(t testing.TB, j job) sequence {
	t.Helper()
	_, err := l.in.Write(j.octets())
	require.NoError(t, err)
	require.NoError(t, l.in.Flush())
	line, err := l.out.ReadString('\n')
	if err == io.EOF {
		t.Fatal("the OpenSSL library ended")
	}
	require.NoError(t, err)
	s := sequence{unreadable: -1}
	if rest, ok := strings.CutPrefix(line, "unreadable "); ok {
		_, err := fmt.Sscan(rest, &s.unreadable)
		require.NoError(t, err)
		return s
	}
	fields := strings.Fields(line)
	_, err = fmt.Sscan(fields[0], &s.final)
	require.NoError(t, err)
	s.errors = fields[1:]
	if end := len(s.errors); s.final != 0 && (end == 0 || !strings.HasPrefix(s.errors[end-1], fmt.Sprint(s.final)+"@")) {
		// An internal error is not told to the callback. Its depth is not known then.
		s.errors = append(s.errors, fmt.Sprint(s.final)+"@?")
	}
	return s
}

// withLibrary compares a verifier with the OpenSSL library: the whole sequence of errors.
func withLibrary(t testing.TB, lib *library, ours verifier) compare {
	t.Helper()
	return func(j job) (string, string, bool) {
		mine, theirs := sequenceOf(ours(t, j)), lib.ask(t, j)
		return mine.String(), theirs.String(), agree(mine, theirs)
	}
}

// agree compares two sequences; a depth that OpenSSL does not tell matches any.
func agree(ours, theirs sequence) bool {
	if ours.unreadable >= 0 || theirs.unreadable >= 0 {
		return ours.unreadable == theirs.unreadable
	}
	if len(ours.errors) != len(theirs.errors) || ours.final != theirs.final {
		return false
	}
	for i, e := range theirs.errors {
		if code, untold := strings.CutSuffix(e, "@?"); untold {
			if !strings.HasPrefix(ours.errors[i], code+"@") {
				return false
			}
		} else if ours.errors[i] != e {
			return false
		}
	}
	return true
}

func readPEM(t testing.TB, path string) [][]byte {
	t.Helper()
	rest, err := os.ReadFile(path)
	require.NoError(t, err)
	var all [][]byte
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		all = append(all, block.Bytes)
	}
}
