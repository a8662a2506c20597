package request_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/request"
)

// tool is the path of a program that makes requests. Without it the tests fail, so that nobody
// takes a run without it for a full one.
func tool(t testing.TB, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") == "1" {
			t.Skipf("%s is not installed and GATEHOUSE_SKIP_ORACLES is set: nothing was compared", name)
		}
		t.Fatalf("%s is not installed: install %s, or set GATEHOUSE_SKIP_ORACLES=1 to skip the comparison", name, install)
	}
	return path
}

func run(t testing.TB, path string, arguments ...string) []byte {
	t.Helper()
	out, err := exec.Command(path, arguments...).CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", path, strings.Join(arguments, " "), out)
	return out
}

func read(t testing.TB, path string) *request.Request {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	r, err := request.Parse(data)
	require.NoError(t, err)
	return r
}

func TestRequestsOfOpenSSL(t *testing.T) {
	openSSL := tool(t, "openssl", "the OpenSSL command")
	dir := t.TempDir()
	for name, c := range map[string]struct {
		arguments []string
		key       string
		signature string
	}{
		"rsa":     {[]string{"-newkey", "rsa:2048"}, "RSA 2048", "SHA-256 with RSA"},
		"ec":      {[]string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"}, "EC P-384", "SHA-256 with ECDSA"},
		"ed25519": {[]string{"-newkey", "ed25519"}, "Ed25519", "Ed25519"},
		"pss":     {[]string{"-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"}, "RSA 2048", "SHA-256 with RSA-PSS"},
		"md5":     {[]string{"-newkey", "rsa:2048", "-md5"}, "RSA 2048", "MD5 with RSA"},
		"rsa-512": {[]string{"-newkey", "rsa:512"}, "RSA 512", "SHA-256 with RSA"},
		"der":     {[]string{"-newkey", "rsa:2048", "-outform", "DER"}, "RSA 2048", "SHA-256 with RSA"},
		"text":    {[]string{"-newkey", "rsa:2048", "-text"}, "RSA 2048", "SHA-256 with RSA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(dir, name+".csr")
			run(t, openSSL, append([]string{"req", "-new", "-nodes", "-keyout", file + ".key", "-out", file,
				"-subj", "/C=DE/O=Example/CN=warehouse", "-addext", "subjectAltName=DNS:a.example,email:b@a.example,URI:urn:a,IP:192.0.2.1",
				"-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=clientAuth"}, c.arguments...)...)
			asks := read(t, file).Asks()
			assert.Equal(t, "CN=warehouse, O=Example, C=DE", asks.Subject)
			assert.Equal(t, c.key, asks.Key)
			assert.Equal(t, c.signature, asks.Signature)
			assert.Equal(t, []string{"a.example"}, asks.DNS)
			assert.Equal(t, []string{"192.0.2.1"}, asks.IP)
			assert.Equal(t, []string{"b@a.example"}, asks.Email)
			assert.Equal(t, []string{"urn:a"}, asks.URI)
			assert.Equal(t, []string{"digitalSignature"}, asks.KeyUsage)
			assert.Equal(t, []string{"clientAuth"}, asks.Usage)
		})
	}
}

func TestChallengePasswordIsNotShown(t *testing.T) {
	openSSL := tool(t, "openssl", "the OpenSSL command")
	dir := t.TempDir()
	config := filepath.Join(dir, "req.cnf")
	require.NoError(t, os.WriteFile(config, []byte("[req]\nprompt=no\ndistinguished_name=dn\nattributes=a\n[dn]\nCN=warehouse\n[a]\nchallengePassword=s3cr3t-word\n"), 0o600))
	file := filepath.Join(dir, "a.csr")
	run(t, openSSL, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", filepath.Join(dir, "a.key"), "-out", file, "-config", config)
	asks := read(t, file).Asks()
	assert.True(t, asks.ChallengePassword)
	assert.Empty(t, asks.Attributes)
}

func TestRequestsOfKeytool(t *testing.T) {
	keytool := tool(t, "keytool", "a Java runtime with keytool")
	for name, arguments := range map[string][]string{"RSA": {"-keyalg", "RSA", "-keysize", "2048"}, "EC": {"-keyalg", "EC", "-groupname", "secp256r1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			store, file := filepath.Join(dir, "k.p12"), filepath.Join(dir, "a.csr")
			common := []string{"-alias", "warehouse", "-keystore", store, "-storepass", "changeit"}
			run(t, keytool, append(append([]string{"-genkeypair", "-dname", "CN=warehouse, O=Example, C=DE"}, common...), arguments...)...)
			run(t, keytool, append([]string{"-certreq", "-file", file, "-ext", "san=dns:warehouse.example"}, common...)...)
			r := read(t, file)
			asks := r.Asks()
			assert.Equal(t, "CN=warehouse, O=Example, C=DE", asks.Subject)
			assert.Equal(t, []string{"warehouse.example"}, asks.DNS)
			assert.Empty(t, r.Findings())
		})
	}
}
