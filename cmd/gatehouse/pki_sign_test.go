package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// judge runs a program that says whether we are right. Without it the test fails, so that nobody
// takes a run without it for a full one.
func judge(t *testing.T, program, install string, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") == "1" {
			t.Skipf("%s is not installed and GATEHOUSE_SKIP_ORACLES is set: nothing was compared", program)
		}
		t.Fatalf("%s is not installed: install %s, or set GATEHOUSE_SKIP_ORACLES=1 to skip the comparison", program, install)
	}
	out, err := exec.Command(path, arguments...).CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", program, strings.Join(arguments, " "), out)
	return string(out)
}

func openSSL(t *testing.T, arguments ...string) string {
	t.Helper()
	return judge(t, "openssl", "the OpenSSL command", arguments...)
}

func keytool(t *testing.T, arguments ...string) string {
	t.Helper()
	return judge(t, "keytool", "a Java runtime with keytool", arguments...)
}

// command runs gatehouse and demands success.
func command(t *testing.T, arguments ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), arguments, nil, &stdout, &stderr), stderr.String())
	return stdout.String()
}

// testCA is a folder with a root and an issuing CA below it.
func testCA(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "pki.yaml")
	require.NoError(t, os.WriteFile(file, []byte("pki:\n  - {name: root, subject: CN=Example Root CA, ca: true}\n  - {name: issuing, subject: CN=Example Issuing CA, issuer: root, ca: true, key: RSA-2048}\n"), 0o600))
	command(t, "pki", "mint", "-f", file, "-o", filepath.Join(dir, "c"))
	return filepath.Join(dir, "c")
}

// OpenSSL makes the request and judges what comes back.
func TestSignedRequestsOfOpenSSL(t *testing.T) {
	t.Parallel()
	ca := testCA(t)
	for name, arguments := range map[string][]string{
		"rsa": {"rsa:2048"}, "ec": {"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, "ed25519": {"ed25519"}, "der": {"rsa:2048", "-outform", "DER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			in := func(file string) string { return filepath.Join(dir, file) }
			openSSL(t, append([]string{"req", "-new", "-nodes", "-keyout", in("a.key"), "-out", in("a.csr"), "-subj", "/C=DE/O=Example/CN=erp",
				"-addext", "subjectAltName=DNS:erp.example", "-newkey"}, arguments...)...)
			command(t, "pki", "sign", in("a.csr"), "--ca", filepath.Join(ca, "issuing.pem"), "-o", dir)
			out := openSSL(t, "verify", "-purpose", "sslclient", "-auth_level", "2", "-CAfile", filepath.Join(ca, "root.pem"),
				"-untrusted", in("erp-chain.pem"), in("erp.pem"))
			assert.Contains(t, out, "OK")
			// The certificate is for the key of the request.
			assert.Equal(t, openSSL(t, "pkey", "-in", in("a.key"), "-pubout"), openSSL(t, "x509", "-in", in("erp.pem"), "-pubkey", "-noout"))
			assert.Contains(t, openSSL(t, "x509", "-in", in("erp.cer"), "-noout", "-ext", "subjectAltName"), "DNS:erp.example")
			assert.Equal(t, 3, strings.Count(openSSL(t, "pkcs7", "-inform", "DER", "-in", in("erp.p7b"), "-print_certs"), "BEGIN CERTIFICATE"))
		})
	}
}

// keytool makes the request, and takes the reply into the keystore that made it.
func TestSignedRequestsOfKeytool(t *testing.T) {
	t.Parallel()
	ca := testCA(t)
	dir := t.TempDir()
	in := func(file string) string { return filepath.Join(dir, file) }
	store := []string{"-alias", "erp", "-keystore", in("erp.p12"), "-storepass", "changeit"}
	keytool(t, append([]string{"-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=erp, O=Example, C=DE"}, store...)...)
	keytool(t, append([]string{"-certreq", "-file", in("a.csr")}, store...)...)
	before := keytool(t, append([]string{"-list", "-v"}, store...)...)
	require.Contains(t, before, "Certificate chain length: 1", "self-signed until the reply comes")
	command(t, "pki", "sign", in("a.csr"), "--ca", filepath.Join(ca, "issuing.pem"), "-o", dir)
	keytool(t, append([]string{"-importcert", "-noprompt", "-trustcacerts", "-file", in("erp.p7b")}, store...)...)
	after := keytool(t, append([]string{"-list", "-v"}, store...)...)
	assert.Contains(t, after, "Certificate chain length: 3")
	assert.Contains(t, after, "Issuer: CN=Example Issuing CA")
	assert.Contains(t, after, "Entry type: PrivateKeyEntry")

	require.NoError(t, os.WriteFile(in("password"), []byte("changeit\n"), 0o600))
	text := command(t, "pki", "inspect", in("erp.p12"), "--password-file", in("password"), "--trust", filepath.Join(ca, "root.pem"))
	assert.Contains(t, text, "1 key pair")
	assert.Contains(t, text, "chain of 1")
	assert.Contains(t, text, "yes, it passes")
	assert.Contains(t, text, "nothing is wrong with it")
}
