package keystore_test

import (
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const password = "correct horse"

func clock() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// tool runs a command that reads the files as other software does. Without it the test fails, so
// that nobody takes a run without the oracle for a full one.
func tool(t testing.TB, name string, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
			t.Skipf("%s is not installed and GATEHOUSE_SKIP_ORACLES is set: nothing was compared", name)
		}
		t.Fatalf("%s is not installed; install it, or set GATEHOUSE_SKIP_ORACLES=1 to skip the comparison", name)
	}
	if name == "keytool" { // it runs for a moment only: what Java does at its start counts
		arguments = append([]string{"-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC"}, arguments...)
	}
	out, err := exec.Command(path, arguments...).CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", name, strings.Join(arguments, " "), out)
	return string(out)
}

func chain(options ...pki.Option) (root, issuing, leaf *pki.Certificate) {
	root = pki.NewRoot("example-root", pki.Clock(clock))
	issuing = root.Intermediate("example-issuing")
	return root, issuing, issuing.Client("warehouse", options...)
}

var allFiles = []string{"warehouse.cer", "warehouse.pem", "warehouse-chain.pem", "warehouse-fullchain.pem", "warehouse.key", "warehouse.p7b", "warehouse.p12"}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	dir := t.TempDir()
	_, _, leaf := chain()
	_, err := keystore.Write(dir, leaf, keystore.Options{Password: password})
	require.NoError(t, err)
	for _, name := range allFiles {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		private := strings.HasSuffix(name, ".key") || strings.HasSuffix(name, ".p12")
		assert.Equal(t, private, info.Mode().Perm()&0o077 == 0, "%s has %s", name, info.Mode())
	}
}

func TestWriteReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	_, _, leaf := chain()
	taken := filepath.Join(dir, "warehouse.key") // not the first that is written
	require.NoError(t, os.WriteFile(taken, []byte("mine"), 0o600))

	paths, err := keystore.Write(dir, leaf, keystore.Options{})
	require.ErrorIs(t, err, fs.ErrExist)
	assert.ErrorContains(t, err, taken+" is there already, and nothing was written")
	assert.Nil(t, paths)
	assert.Equal(t, []string{"warehouse.key"}, list(t, dir))
	assert.Equal(t, "mine", string(readFile(t, taken)))

	_, err = keystore.Write(dir, leaf, keystore.Options{Force: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"warehouse-chain.pem", "warehouse-fullchain.pem", "warehouse.cer", "warehouse.key", "warehouse.p7b", "warehouse.pem"}, list(t, dir), "no password, no PKCS#12, nothing left behind")
	assert.Contains(t, string(readFile(t, taken)), "PRIVATE KEY")
}

func TestWriteStaysInItsDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	outside, dir := t.TempDir(), t.TempDir()
	_, _, leaf := chain()
	victim := filepath.Join(outside, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("untouched"), 0o600))
	require.NoError(t, os.Symlink(victim, filepath.Join(dir, "warehouse.pem")))
	_, err := keystore.Write(dir, leaf, keystore.Options{})
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = keystore.Write(dir, leaf, keystore.Options{Force: true})
	require.NoError(t, err)
	assert.Equal(t, "untouched", string(readFile(t, victim)))
}

func TestWriteLeavesNoTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	_, _, leaf := chain()
	// A folder in the place of a file cannot be replaced, not by force either.
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "warehouse.key", "x"), 0o755))
	_, err := keystore.Write(dir, leaf, keystore.Options{Force: true})
	require.ErrorContains(t, err, "writing "+filepath.Join(dir, "warehouse.key"))
	for _, name := range list(t, dir) {
		assert.False(t, strings.HasPrefix(name, "."), "%s was left behind", name)
	}
}

func TestFileNames(t *testing.T) {
	root := pki.NewRoot("r")
	for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, "a:b", "con", "NUL.txt", "Com1", "lpt9.x", "aux ", "x.", ".x", "a\x00b", "a\nb", "a*b", strings.Repeat("x", 101)} {
		dir := t.TempDir()
		_, err := keystore.Write(dir, root.Client(name), keystore.Options{})
		assert.ErrorContains(t, err, "cannot be a file name", "%q", name)
		assert.Empty(t, list(t, dir))
	}
	for _, name := range []string{"a", "Example Issuing CA", "ware.house", "console", "com10", "ä"} {
		_, err := keystore.Write(t.TempDir(), root.Client(name), keystore.Options{})
		assert.NoError(t, err, name)
	}
}

func TestWriteWithoutKey(t *testing.T) {
	_, _, leaf := chain()
	set, err := pki.Mint(t.Context(), []pki.Description{{Name: "stored", File: "x"}},
		pki.Options{Load: func(string) ([]byte, error) { return leaf.DER(), nil }})
	require.NoError(t, err)
	stored, _ := set.Get("stored")
	dir := t.TempDir()
	_, err = keystore.Write(dir, stored, keystore.Options{Password: password})
	require.NoError(t, err)
	assert.Equal(t, []string{"stored-chain.pem", "stored-fullchain.pem", "stored.cer", "stored.p7b", "stored.pem"}, list(t, dir))
	_, err = keystore.PKCS12(stored, password)
	assert.EqualError(t, err, "there is no private key, only a certificate")
	_, err = keystore.KeyPEM(nil)
	assert.EqualError(t, err, "there is no private key, only a certificate")
	_, err = keystore.PKCS12(leaf, "")
	assert.EqualError(t, err, "a PKCS#12 file needs a password")
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

func list(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	slices.Sort(out)
	return out
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(t testing.TB, c *pki.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.Key())
	require.NoError(t, err)
	return der
}
