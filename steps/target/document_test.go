package target_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/steps/target"
)

// Everything that is wrong with a document is told at once, with position and remedy.
func TestDocumentIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		"call: {url: https://a.example}\nmanagment: {}": `2:1: unknown key "managment", did you mean "management"?`,
		"name: x":                                                                                          "call.url: is missing",
		"call: {url: 'http://a.example'}":                                                                  "expected https://host",
		"call: {url: 'https://u:p@a.example'}":                                                             "holds a user or password",
		"call: {url: https://a.example, address: here}":                                                    `1:41: call.address: found "here", expected host:port`,
		"call: {url: https://a.example, trust: none.pem}":                                                  "there is no file",
		"call: {url: https://a.example}\nfeatures: {clok: true}":                                           `there is no feature "clok", did you mean "clock"?`,
		"call: {url: https://a.example}\nmanagement: {url: https://b.example}":                             "has neither user nor client",
		"call: {url: https://a.example}\nmanagement: {url: https://b.example, user: x}":                    "has no secret: name the environment variable",
		"call: {url: https://a.example}\nusers: [{name: x, passwordEnv: GATEHOUSE_NOT_SET}]":               "the environment variable GATEHOUSE_NOT_SET is not set",
		"call: {url: https://a.example}\nusers: [{name: x, password: secret}]":                             `unknown key "password", did you mean "passwordEnv"?`,
		"call: {url: https://a.example}\nsenders: [{name: x}]":                                             "names no key pair",
		"call: {url: https://a.example}\ndomains: [{plays: a, host: b, mode: requre}]":                     `did you mean "require"?`,
		"call: {url: https://a.example}\nfeatures: {mappings: true}":                                       "cannot be declared, it is found out: only echo, clock, nodes",
		"call: {url: https://a.example}\nlimits: {log: -1s}":                                               "limits.log: is negative",
		"call: {url: https://a.example}\nchannels: [{plays: orders, address: /http/x}]":                    "expected the full address",
		"call: {url: https://a.example}\nplatform: {url: https://b.example, client: c, passwordEnv: PATH}": "stands without management",
	} {
		_, err := target.ParseDocument("target.yaml", []byte(text), t.TempDir())
		require.Error(t, err, text)
		assert.ErrorContains(t, err, want, text)
		assert.ErrorContains(t, err, "target.yaml", text)
	}
}

// Secrets come from the environment or from files, are listed so that reports can leave them out, and
// stand in no error.
func TestSecretsAreNamedAndNotTold(t *testing.T) {
	t.Setenv("GATEHOUSE_TEST_SECRET", "from the environment")
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "secret.txt"), []byte("from a file\r\nsecond line"), 0o600))
	d, err := target.ParseDocument("target.yaml", []byte(`
call: {url: https://a.example}
management: {url: https://b.example, user: x, passwordEnv: GATEHOUSE_TEST_SECRET}
users: [{name: y, passwordFile: secret.txt}]
`), folder)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"from the environment", "from a file"}, d.Secrets())
}

// A target that cannot be reached, or does not let one in, is a fault of the way and no verdict.
func TestTargetThatCannotBeReached(t *testing.T) {
	var fault *target.FaultError
	d, err := target.ParseDocument("target.yaml", []byte("call: {url: https://localhost, address: '127.0.0.1:1'}"), t.TempDir())
	require.NoError(t, err)
	_, err = target.Remote(t.Context(), d)
	require.ErrorAs(t, err, &fault)
	assert.ErrorContains(t, err, "calling localhost")

	r := start(t)
	t.Setenv("GATEHOUSE_TEST_OPERATOR", "not the password")
	_, err = target.Remote(t.Context(), r.document(t, strings.Split(whole, "\nplatform")[0]))
	require.ErrorAs(t, err, &fault)
	assert.ErrorContains(t, err, "logging on to the target")
	assert.NotContains(t, err.Error(), "not the password")

	// Who answers there is not whom the document trusts.
	r.write(t, "lb.pem", string(keystore.CertificatePEM(pki.NewRoot("Another Root CA"))))
	_, err = target.Remote(t.Context(), r.document(t, ""))
	require.ErrorAs(t, err, &fault)
	assert.ErrorContains(t, err, "unknown authority")
}

func FuzzParseDocument(f *testing.F) {
	f.Add("call: {url: https://a.example}")
	f.Add("call: {url: https://a.example}\nsenders: [{keystore: x.p12, passwordEnv: PATH, user: y}]\nfeatures: {echo: true}")
	f.Add("channels: [{plays: /http/x, address: /http/y, csrfProtected: true}]\ndomains: [{plays: a, host: b, mode: none}]")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := target.ParseDocument("target.yaml", []byte(text), t.TempDir())
		if err != nil && errors.Unwrap(err) == nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
	})
}
