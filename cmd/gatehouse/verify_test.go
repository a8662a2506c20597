package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// verifyFiles is a folder with a chain in every format, and its root.
func verifyFiles(t *testing.T) (dir string, root, leaf *pki.Certificate) {
	t.Helper()
	dir = t.TempDir()
	root = pki.NewRoot("Example Root CA")
	leaf = root.Intermediate("Example Issuing CA").Client("warehouse")
	put := func(name string, data []byte, err error) {
		require.NoError(t, err, name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	o := keystore.Options{Password: "secret-of-the-test"}
	for _, e := range []keystore.Export{keystore.ChainFile, keystore.PKCS7File, keystore.PKCS12File, keystore.LegacyPKCS12File, keystore.JKSFile} {
		data, err := keystore.Encode(leaf, e, o)
		put("chain-"+string(e), data, err)
	}
	put("root", root.DER(), nil)
	truststore, err := keystore.Encode(leaf, keystore.JKSTrustFile, o)
	put("truststore", truststore, err)
	put("password", []byte(o.Password+"\n"), nil)
	put("wrong", []byte("another\n"), nil)
	return dir, root, leaf
}

func verdictOf(t *testing.T, args ...string) (code int, answer map[string]any, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"verify", "--output", "json"}, args...), nil, &out, &errs)
	if out.Len() > 0 {
		require.NoError(t, json.Unmarshal(out.Bytes(), &answer))
	}
	return code, answer, errs.String()
}

func TestVerifyReadsEveryFormat(t *testing.T) {
	t.Parallel()
	dir, _, _ := verifyFiles(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"chain-chain", "chain-p7b", "chain-p12", "chain-p12-legacy", "chain-jks"} {
		t.Run(name, func(t *testing.T) {
			code, answer, stderr := verdictOf(t, at(name), "--trust", at("root"), "--password-file", at("password"))
			require.Equal(t, exitOK, code, stderr)
			assert.Equal(t, true, answer["ok"])
			assert.Len(t, answer["path"], 3)
			code, answer, _ = verdictOf(t, at(name), "--trust", at("truststore"), "--password-file", at("password"))
			assert.Equal(t, exitOK, code)
			assert.Equal(t, true, answer["ok"])
			// The good twin of the next: another root.
			code, answer, _ = verdictOf(t, at(name), "--trust", "neo", "--password-file", at("password"))
			assert.Equal(t, exitFailed, code)
			// The bag holds the root too.
			assert.Equal(t, map[bool]float64{false: 20, true: 19}[name == "chain-p7b"], answer["code"])
		})
	}
	for _, name := range []string{"chain-p12", "chain-p12-legacy", "chain-jks"} {
		t.Run(name+" with the wrong password", func(t *testing.T) {
			code, answer, stderr := verdictOf(t, at(name), "--trust", at("root"), "--password-file", at("wrong"))
			assert.Equal(t, exitDocument, code)
			assert.Nil(t, answer)
			assert.Contains(t, stderr, "password is wrong")
			assert.NotContains(t, stderr, "another")
			code, _, stderr = verdictOf(t, at(name), "--trust", at("root"))
			assert.Equal(t, exitDocument, code)
			assert.Contains(t, stderr, "--password-env")
		})
		t.Run(name+" cut off", func(t *testing.T) {
			data, err := os.ReadFile(at(name))
			require.NoError(t, err)
			cut := filepath.Join(t.TempDir(), "cut")
			require.NoError(t, os.WriteFile(cut, data[:len(data)/2], 0o600))
			code, _, stderr := verdictOf(t, cut, "--trust", at("root"), "--password-file", at("password"))
			assert.Equal(t, exitDocument, code)
			assert.NotEmpty(t, stderr)
		})
	}
}

// A PKCS#7 bag has no order: whatever stands first in it, the sender's own certificate leads. PEM
// is taken as it stands.
func TestVerifyPutsABagIntoOrder(t *testing.T) {
	t.Parallel()
	dir, root, leaf := verifyFiles(t)
	var upsideDown []byte
	for _, c := range []*pki.Certificate{root, leaf.Issuer(), leaf} {
		upsideDown = append(upsideDown, keystore.CertificatePEM(c)...)
	}
	pemFile, bag := filepath.Join(dir, "upside-down.pem"), filepath.Join(dir, "upside-down.p7b")
	require.NoError(t, os.WriteFile(pemFile, upsideDown, 0o600))
	if out, err := exec.Command("openssl", "crl2pkcs7", "-nocrl", "-certfile", pemFile, "-outform", "DER", "-out", bag).CombinedOutput(); err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") == "1" {
			t.Skip("openssl is not installed (GATEHOUSE_SKIP_ORACLES=1)")
		}
		t.Fatalf("openssl makes the bag: %v %s; install it, or set GATEHOUSE_SKIP_ORACLES=1", err, out)
	}
	code, answer, stderr := verdictOf(t, bag, "--trust", filepath.Join(dir, "root"))
	require.Equal(t, exitOK, code, stderr)
	assert.Equal(t, "CN=warehouse", answer["subject"])
	assert.Nil(t, answer["notes"])
	_, answer, _ = verdictOf(t, pemFile, "--trust", filepath.Join(dir, "root"))
	require.NotEmpty(t, answer["notes"])
	assert.Contains(t, answer["notes"].([]any)[0], "The first certificate, \"CN=Example Root CA\", is a CA certificate")
}

// The recorded cases of the verifier, by way of the command.
func TestVerifyAnswersTheRecordedCases(t *testing.T) {
	t.Parallel()
	cases := filepath.Join("..", "..", "pki", "verify", "testdata", "cases")
	data, err := os.ReadFile(filepath.Join(cases, "cases.json"))
	require.NoError(t, err)
	var recorded struct {
		Cases []struct {
			Case  string
			At    string
			CRL   bool
			First struct {
				Code, Depth int
				Text        string
			}
			FirstAtLevel1 int `json:"first_at_level_1"`
		}
	}
	require.NoError(t, json.Unmarshal(data, &recorded))
	require.NotEmpty(t, recorded.Cases)
	tried := 0
	for _, c := range recorded.Cases {
		dir := filepath.Join(cases, c.Case)
		args := []string{filepath.Join(dir, "chain.pem"), "--trust", filepath.Join(dir, "roots.pem"), "--at", c.At}
		if crl := filepath.Join(dir, "crl.pem"); c.CRL {
			if _, err := os.Stat(crl); err != nil {
				continue // without a list nothing is looked up
			}
			args = append(args, "--crl", crl)
		}
		tried++
		for level, code := range map[string]int{"2": c.First.Code, "1": c.FirstAtLevel1} {
			exit, answer, stderr := verdictOf(t, append(args, "--level", level)...)
			assert.Equal(t, map[bool]int{true: exitOK, false: exitFailed}[code == 0], exit, "%s: %s", c.Case, stderr)
			assert.EqualValues(t, code, answer["code"], c.Case)
			if level == "2" {
				assert.EqualValues(t, c.First.Depth, answer["depth"], c.Case)
				assert.Equal(t, c.First.Text, answer["text"], c.Case)
				assert.Equal(t, code == 0, answer["advice"] == "", c.Case)
			}
		}
	}
	assert.Greater(t, tried, 85)
}
