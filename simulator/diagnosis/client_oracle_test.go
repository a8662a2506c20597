package diagnosis_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
)

// oracle finds a real client.
func oracle(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
		t.Skipf("SKIPPED: %s is not installed, and GATEHOUSE_SKIP_ORACLES is set", program)
	}
	t.Fatalf("%s is not installed: install it, or set GATEHOUSE_SKIP_ORACLES to go without", program)
	return ""
}

// What real clients write about real failures is understood.
func TestWhatCurlAndOpenSSLWriteIsUnderstood(t *testing.T) {
	t.Parallel()
	curl, openssl := oracle(t, "curl"), oracle(t, "openssl")
	l := goodLandscape()
	domain("require", "root")(&l)
	l.LoadBalancer.Domains = append(l.LoadBalancer.Domains, simulator.Domain{Host: "never.example", Mode: "none"})
	protected(&l)
	sim := simulator.New(t, l)
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	certificate := func(name string) *pki.Certificate {
		c, ok := sim.Certificates().Get(name)
		require.True(t, ok)
		return c
	}
	root := file("root.pem", pemOf(sim.Root().DER()))
	chain := file("chain.pem", keystore.ChainPEM(certificate("warehouse")))
	keyOf := func(name string) string {
		pem, err := keystore.KeyPEM(certificate(name).Key())
		require.NoError(t, err)
		return file(name+".key", pem)
	}
	key, otherKey := keyOf("warehouse"), keyOf("shop")
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()

	port := strconv.Itoa(sim.Port())
	to := func(host string) []string {
		return []string{"-v", "-sS", "--max-time", "20", "--resolve", host + ":" + port + ":127.0.0.1", "--cacert", root, "https://" + host + ":" + port + "/http/orders"}
	}
	own := sim.Host()
	without := func(words []string, drop string) []string {
		var out []string
		for i := 0; i < len(words); i++ {
			if words[i] == drop {
				i++
				continue
			}
			out = append(out, words[i])
		}
		return out
	}
	for name, one := range map[string]struct {
		program string
		words   []string
		want    string
	}{
		"untrusted":       {curl, without(to(own), "--cacert"), "server-not-trusted"},
		"other name":      {curl, to("wrong.example"), "server-name-differs"},
		"refused":         {curl, []string{"-v", "-sS", "https://127.0.0.1:1/"}, "cannot-connect"},
		"unknown host":    {curl, []string{"-v", "-sS", "https://nosuchhost.invalid/"}, "host-unknown"},
		"no TLS":          {curl, []string{"-v", "-sS", strings.Replace(plain.URL, "http:", "https:", 1)}, "not-tls"},
		"no certificate":  {curl, append(to(own), "--tlsv1.3"), "no-certificate-sent"},
		"required":        {curl, append(to("orders.example"), "--tlsv1.3"), "domain-requires-certificate"},
		"wrong key":       {curl, append(to(own), "--cert", chain, "--key", otherKey), "key-does-not-fit"},
		"no key":          {curl, append(to(own), "--cert", chain), "public-part-only"},
		"logon":           {curl, append(to(own), "-u", "sb-0f!b1:secret"), "other-environment"},
		"token":           {curl, append(to(own), "-H", "Authorization: Bearer abc"), "token-not-valid"},
		"CSRF":            {curl, append(to(own), "--cert", chain, "--key", key, "--data", "x"), "csrf-token-missing"},
		"never asked":     {curl, to("never.example"), "domain-never-asks"},
		"openssl, no TLS": {openssl, []string{"s_client", "-connect", strings.TrimPrefix(plain.URL, "http://")}, "not-tls"},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), one.program, one.words...)
			command.Env = append(os.Environ(), "LC_ALL=C", "http_proxy=", "https_proxy=", "HTTPS_PROXY=", "ALL_PROXY=", "CURL_HOME="+dir, "HOME="+dir)
			output, _ := command.CombinedOutput() // it is to fail
			report, err := diagnosis.Diagnose(t.Context(), diagnosis.Evidence{Texts: []diagnosis.Text{{Name: "output", Data: output}}}, diagnosis.Options{})
			require.NoError(t, err)
			require.NotEmpty(t, report.Cases, "%s", output)
			found, ok := report.Cases[0].Likeliest()
			require.True(t, ok, "%s\n%s", told(report), output)
			if one.want == "key-does-not-fit" || one.want == "public-part-only" {
				// curl says the same of both: that it cannot use the key.
				assert.ElementsMatch(t, []string{"key-does-not-fit", "public-part-only"}, report.Cases[0].Apart, "%s\n%s", told(report), output)
			} else {
				assert.Equal(t, one.want, found.Cause.ID, "%s\n%s", told(report), output)
			}
			for _, q := range report.Cases[0].Quotes {
				assert.NotContains(t, q.Text, "Bearer abc")
			}
		})
	}
}
