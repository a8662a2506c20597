package guide_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/guide"
	"example.com/gatehouse/pki/keystore"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

const password = "changeit"

// everything are all exports that are possible.
func item(t testing.TB, c *pki.Certificate, exports ...keystore.Export) guide.Item {
	t.Helper()
	o := keystore.Options{Password: password, Now: atNoon, Exports: exports}
	if len(exports) == 0 {
		o.Exports = keystore.PossibleExports(c, o)
	}
	files, err := keystore.Files(c, o)
	require.NoError(t, err)
	return guide.Item{Certificate: c, Files: files}
}

// signed is a certificate for somebody else's key.
func signed(t testing.TB, ca *pki.Certificate) *pki.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "erp"}}, key)
	require.NoError(t, err)
	csr, err := x509.ParseCertificateRequest(der)
	require.NoError(t, err)
	c, err := ca.SignRequest("erp", csr)
	require.NoError(t, err)
	return c
}

func folders(t testing.TB) map[string][]guide.Item {
	t.Helper()
	root := pki.NewRoot("example-root", pki.Subject("CN=Example Root CA, O=Example, C=DE"), pki.Clock(atNoon))
	issuing := root.Intermediate("example-issuing")
	leaf := issuing.Client("warehouse", pki.Subject("CN=warehouse, O=Example, C=DE"))
	return map[string][]guide.Item{
		"everything": {
			item(t, root), item(t, issuing), item(t, leaf), item(t, issuing.Server("host.example")),
			item(t, leaf.Twin("warehouse-expired", pki.Expired())),
			item(t, leaf.Twin("warehouse-unknown", pki.UnknownCA()), keystore.DERFile, keystore.ChainFile, keystore.KeyFile),
			item(t, signed(t, issuing)),
		},
		"leaf": {item(t, leaf, keystore.DERFile, keystore.PEMFile, keystore.ChainFile, keystore.FullChainFile, keystore.KeyFile)},
		"nokeys": {
			item(t, root, keystore.DERFile, keystore.PEMFile),
			item(t, leaf, keystore.DERFile, keystore.PEMFile, keystore.ChainFile, keystore.PKCS7File),
		},
	}
}

func TestReadmeIsAsRecorded(t *testing.T) {
	for name, items := range folders(t) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name+".txt")
			got := guide.Readme(items, noon)
			if os.Getenv("GATEHOUSE_GOLDEN") == "write" {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, got, 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), "GATEHOUSE_GOLDEN=write rewrites it")
			assert.NotContains(t, string(got), password)
			assert.NotContains(t, string(got), "\r")
		})
	}
}

// Every file stands in the table once, with somebody that it goes to.
func TestEveryFileStandsInTheTableOnce(t *testing.T) {
	for name, items := range folders(t) {
		_, after, _ := strings.Cut(string(guide.Readme(items, noon)), "GOES TO\n")
		table, _, _ := strings.Cut(after, "\n\n\n")
		lines := map[string]int{}
		for line := range strings.Lines(table) {
			if fields := strings.Fields(line); len(fields) > 0 {
				lines[fields[0]]++
			}
		}
		for _, i := range items {
			for _, f := range i.Files {
				assert.Equal(t, 1, lines[f.Name], "%s: %s", name, f.Name)
			}
		}
	}
}

// A private key goes to the sender, the server or nobody, never to the tenant.
func TestPrivateKeysStayWhereTheyBelong(t *testing.T) {
	for name, items := range folders(t) {
		text := string(guide.Readme(items, noon))
		for line := range strings.Lines(text) {
			if strings.Contains(line, "PRIVATE KEY") {
				assert.Regexp(t, `  (sender|server|nobody)$`, strings.TrimSuffix(line, "\n"), name)
			}
		}
		_, tenant, found := strings.Cut(text, "To the tenant\n")
		require.True(t, found, name)
		tenant, _, _ = strings.Cut(tenant, "\n\n\n")
		for _, private := range []string{".key", ".p12", ".pfx", ".jks"} {
			assert.NotContains(t, tenant, private, name)
		}
	}
}

func TestNoCertificates(t *testing.T) {
	text := string(guide.Readme(nil, time.Time{}))
	assert.Contains(t, text, "There are none.")
	assert.NotContains(t, text, "made by gatehouse on")
}

func TestManySendersAreSummedUp(t *testing.T) {
	root := pki.NewRoot("example-root", pki.Clock(atNoon))
	var items []guide.Item
	for n := range 12 {
		items = append(items, item(t, root.Client(fmt.Sprintf("sender-%d", n)), keystore.DERFile, keystore.ChainFile, keystore.KeyFile))
	}
	text := string(guide.Readme(items, noon))
	assert.Equal(t, 10, strings.Count(text, "\n    curl "))
	assert.Contains(t, text, "The other 2 senders")
}

// A name that means something to a shell comes through a command as it is.
func TestNamesAreQuoted(t *testing.T) {
	sh := tool(t, "sh", "a POSIX shell")
	root := pki.NewRoot("example-root", pki.Clock(atNoon))
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringMatching(`[-a-z '$;&!()]{0,12}[a-z]`).Filter(func(s string) bool { return keystore.CheckFileName(s) == nil }).Draw(rt, "name")
		c := root.Client(name, pki.Subject("CN=x"))
		text := string(guide.Readme([]guide.Item{item(t, c, keystore.DERFile, keystore.ChainFile, keystore.KeyFile)}, noon))
		_, command, found := strings.Cut(text, "\n    curl --cert ")
		require.True(rt, found)
		command, _, _ = strings.Cut(command, " --key")
		out, err := exec.Command(sh, "-c", "printf %s "+command).CombinedOutput()
		require.NoError(rt, err, "%s", command)
		assert.Equal(rt, strings.TrimPrefix(name+"-chain.pem", "./"), strings.TrimPrefix(string(out), "./"))
	})
}

func tool(t testing.TB, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") == "1" {
			t.Skipf("%s is not installed and GATEHOUSE_SKIP_ORACLES is set: its commands were not tried", name)
		}
		t.Fatalf("%s is not installed: install %s, or set GATEHOUSE_SKIP_ORACLES=1 to skip what needs it", name, install)
	}
	return path
}

// listener is a TLS server that remembers what clients presented.
func listener(t *testing.T) (host string, presented func() [][]byte) {
	var mu sync.Mutex
	var last [][]byte
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "let in") }))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, VerifyConnection: func(state tls.ConnectionState) error {
		mu.Lock()
		defer mu.Unlock()
		last = nil
		for _, c := range state.PeerCertificates {
			last = append(last, c.Raw)
		}
		return nil
	}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "https://"), func() [][]byte {
		mu.Lock()
		defer mu.Unlock()
		out := last
		last = nil
		return out
	}
}

// The commands of the README are carried out as they stand, with the placeholders filled in.
func TestCommandsWork(t *testing.T) {
	for _, name := range []string{"curl", "openssl", "keytool", "sh"} {
		tool(t, name, name)
	}
	root := pki.NewRoot("example-root")
	leaf := root.Intermediate("example-issuing", pki.RSA2048).Client("warehouse", pki.RSA2048)
	dir := t.TempDir()
	i := item(t, leaf)
	for _, f := range i.Files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, f.Name), f.Data, f.Mode))
	}
	host, presented := listener(t)
	tried := map[string]int{}
	for line := range strings.Lines(string(guide.Readme([]guide.Item{i}, noon))) {
		command, isCommand := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		program, _, _ := strings.Cut(command, " ")
		if !isCommand || program != "curl" && program != "openssl" && program != "keytool" {
			continue
		}
		tried[program]++
		command = strings.NewReplacer("HOST:443", host, "https://HOST", "https://"+host, "-servername HOST", "-servername localhost").Replace(command)
		if program == "curl" {
			command += " --insecure --silent --show-error"
		}
		run := exec.Command("sh", "-c", command+" </dev/null")
		run.Dir, run.Env = dir, append(os.Environ(), "PASSWORD="+password)
		out, err := run.CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
		if program == "keytool" {
			continue
		}
		got := presented()
		require.NotEmpty(t, got, "%s\n%s", command, out)
		assert.Equal(t, leaf.DER(), got[0], command)
		assert.Equal(t, leaf.Presented()[1], got[len(got)-1], "the chain was not sent: %s", command)
	}
	assert.Equal(t, map[string]int{"curl": 2, "openssl": 1, "keytool": 1}, tried)
	// What keytool made holds the chain.
	list := exec.Command("keytool", "-list", "-v", "-keystore", filepath.Join(dir, "sender.jks"), "-storepass", password)
	out, err := list.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "Certificate chain length: 2")
}

func ExampleReadme() {
	leaf := pki.NewRoot("example-root").Client("warehouse")
	files, err := keystore.Files(leaf, keystore.Options{Exports: []keystore.Export{keystore.DERFile, keystore.ChainFile, keystore.KeyFile}})
	if err != nil {
		fmt.Println(err)
		return
	}
	text := string(guide.Readme([]guide.Item{{Certificate: leaf, Files: files}}, time.Time{}))
	for line := range strings.Lines(text) {
		if strings.Contains(line, "warehouse.cer ") || strings.Contains(line, "curl -") {
			fmt.Print(strings.TrimSpace(line) + "\n")
		}
	}
	// Output:
	// warehouse.cer        certificate (DER)                       tenant
	// curl --cert warehouse-chain.pem --key warehouse.key https://HOST/http/ADDRESS
}
