package pki_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/require"
)

// noon is the time of all tests that are not about the clock.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// openSSL is the path of the openssl command. Without it the tests fail, so that nobody takes a
// run without the oracle for a full one.
func openSSL(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
			t.Skip("openssl is not installed and GATEHOUSE_SKIP_ORACLES is set: nothing was compared")
		}
		t.Fatal("openssl is not installed; install it, or set GATEHOUSE_SKIP_ORACLES=1 to skip the comparison")
	}
	return path
}

// run runs openssl and returns what it printed.
func run(t testing.TB, arguments ...string) string {
	t.Helper()
	out, err := exec.Command(openSSL(t), arguments...).CombinedOutput()
	require.NoError(t, err, "openssl %s\n%s", strings.Join(arguments, " "), out)
	return string(out)
}

func writePEM(t testing.TB, path string, ders ...[]byte) string {
	t.Helper()
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	require.NoError(t, os.WriteFile(path, out, 0o600))
	return path
}

var errorLine = regexp.MustCompile(`(?m)^error (\d+) at (\d+) depth lookup`)

// verdict is openssl's first error for a presented chain and the depth of it; 0, 0 if it accepts.
func verdict(t testing.TB, presented, trusted [][]byte, extra ...string) (code, depth int) {
	t.Helper()
	dir := t.TempDir()
	arguments := []string{"verify", "-purpose", "sslclient", "-auth_level", "2",
		"-attime", strconv.FormatInt(noon.Unix(), 10),
		"-trusted", writePEM(t, filepath.Join(dir, "trusted.pem"), trusted...)}
	if len(presented) > 1 {
		arguments = append(arguments, "-untrusted", writePEM(t, filepath.Join(dir, "untrusted.pem"), presented[1:]...))
	}
	arguments = append(arguments, extra...)
	arguments = append(arguments, writePEM(t, filepath.Join(dir, "leaf.pem"), presented[0]))
	out, err := exec.Command(openSSL(t), arguments...).CombinedOutput()
	found := errorLine.FindStringSubmatch(string(out))
	if err == nil {
		require.Nil(t, found, "%s", out)
		require.Contains(t, string(out), "OK")
		return 0, 0
	}
	require.NotNil(t, found, "openssl said neither OK nor which error: %s", out)
	code, err = strconv.Atoi(found[1])
	require.NoError(t, err)
	depth, err = strconv.Atoi(found[2])
	require.NoError(t, err)
	return code, depth
}

// raw lists the DER of certificates.
func raw(certificates ...*pki.Certificate) [][]byte {
	var out [][]byte
	for _, c := range certificates {
		out = append(out, c.DER())
	}
	return out
}
