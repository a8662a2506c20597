package simulator_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
)

// storePassword is that of every key store of the test.
const storePassword = "changeit"

// clientFiles is where what the clients are given lies.
type clientFiles struct {
	dir     string
	address string // of the load balancer
	port    string
}

func (f clientFiles) path(name string) string { return filepath.Join(f.dir, name) }

// url is what a client calls. Its host is in no name service.
func (f clientFiles) url(w way) string { return "https://" + w.host + ":" + f.port + w.path }

// trust is the file of roots for a way, with the suffix of its format.
func (f clientFiles) trust(w way, suffix string) string {
	if w.trust == "" {
		return f.path("load-balancer" + suffix)
	}
	return f.path(w.trust + suffix)
}

// certificate and key are the files for a way; empty for none.
func (f clientFiles) certificate(w way) string {
	if w.certificate == "" {
		return ""
	}
	return f.path(w.certificate + "-chain.pem")
}

func (f clientFiles) key(w way) string {
	switch {
	case w.certificate == "" || w.keyless:
		return ""
	case w.keyOf != "":
		return f.path(w.keyOf + ".key")
	}
	return f.path(w.certificate + ".key")
}

// store is the key store for a way, with the suffix of its format.
func (f clientFiles) store(w way, suffix string) string {
	switch {
	case w.certificate == "":
		return ""
	case w.keyless:
		return f.path(w.certificate + "-keyless" + suffix)
	case w.keyOf != "":
		return f.path(w.certificate + "-mixed" + suffix)
	}
	return f.path(w.certificate + suffix)
}

func writeClientFiles(t *testing.T, sim *simulator.Simulator) clientFiles {
	t.Helper()
	f := clientFiles{dir: t.TempDir(), address: sim.Address()}
	_, f.port, _ = net.SplitHostPort(f.address)
	write := func(name string, data []byte) { require.NoError(t, os.WriteFile(f.path(name), data, 0o600)) }
	trusts := func(name string, root *pki.Certificate) {
		write(name+".pem", keystore.CertificatePEM(root))
		for suffix, e := range map[string]keystore.Export{".p12": keystore.PKCS12TrustFile, ".jks": keystore.JKSTrustFile} {
			data, err := keystore.Encode(root, e, keystore.Options{Password: storePassword})
			require.NoError(t, err)
			write(name+suffix, data)
		}
	}
	trusts("load-balancer", sim.Root())
	other, _ := sim.Certificates().Get("other-root")
	trusts("other-root", other)
	named := func(name string) *pki.Certificate {
		c, ok := sim.Certificates().Get(name)
		require.True(t, ok, name)
		return c
	}
	for _, w := range waysIn {
		if w.certificate == "" {
			continue
		}
		c := named(w.certificate)
		write(w.certificate+"-chain.pem", keystore.ChainPEM(c))
		key, err := keystore.KeyPEM(c.Key())
		require.NoError(t, err)
		write(w.certificate+".key", key)
		for suffix, e := range map[string]keystore.Export{".p12": keystore.PKCS12File, ".jks": keystore.JKSFile} {
			data, err := keystore.Encode(c, e, keystore.Options{Password: storePassword})
			require.NoError(t, err)
			write(w.certificate+suffix, data)
			if w.keyless {
				data, err := keystore.Encode(c, map[string]keystore.Export{".p12": keystore.PKCS12TrustFile, ".jks": keystore.JKSTrustFile}[suffix],
					keystore.Options{Password: storePassword, Roots: []*pki.Certificate{c}})
				require.NoError(t, err)
				write(w.certificate+"-keyless"+suffix, data)
			}
		}
		if w.keyOf != "" {
			var above []*x509.Certificate
			above = append(above, c.Chain()[1:]...)
			mixed, err := pkcs12.Modern.Encode(named(w.keyOf).Key(), c.X509(), above, storePassword)
			require.NoError(t, err)
			write(w.certificate+"-mixed.p12", mixed)
		}
	}
	return f
}

// client is a program that calls.
type client struct {
	name string
	// programs must be there; install says how they get there.
	programs []string
	install  string
	ask      []string // prints the version
	// cannot tells ways that the client cannot be set up for.
	cannot func(way) bool
	// sendsNothingWithoutKey: a certificate without key is as none.
	sendsNothingWithoutKey bool
	// onlyIfIssuerNamed: the client offers its certificate only if the load balancer names a CA of
	// its chain.
	onlyIfIssuerNamed bool
	// start makes the client ready; what it returns lets it call, and is one line of what it said.
	start func(*testing.T, clientFiles) func(way) string
}

var clients = []client{
	{name: "curl", programs: []string{"curl"}, install: "curl", ask: []string{"curl", "--version"}, start: startCurl},
	{name: "openssl s_client", programs: []string{"openssl"}, install: "openssl", ask: []string{"openssl", "version"}, start: startOpenSSL},
	{name: "Java HttpClient, key store PKCS#12", programs: []string{"java", "javac"}, install: "a JDK", ask: []string{"java", "--version"},
		sendsNothingWithoutKey: true, onlyIfIssuerNamed: true, start: startJava(".p12")},
	{name: "Java HttpClient, key store JKS", programs: []string{"java", "javac"}, install: "a JDK", ask: []string{"java", "--version"},
		sendsNothingWithoutKey: true, onlyIfIssuerNamed: true, start: startJava(".jks"),
		cannot: func(w way) bool { return w.keyOf != "" }},
	{name: "Python requests", programs: []string{python}, install: "python3-requests", ask: []string{python, "-c", "import requests, ssl; print('requests', requests.__version__, 'with', ssl.OPENSSL_VERSION)"}, start: startPython},
	{name: "Node.js https", programs: []string{"node"}, install: "nodejs", ask: []string{"node", "-p", "'Node.js ' + process.version + ' with OpenSSL ' + process.versions.openssl"},
		sendsNothingWithoutKey: true, start: startNode},
}

// python is the system's own, which has the modules that the system's packages bring.
const python = "/usr/bin/python3"

func (c client) require(t *testing.T) {
	t.Helper()
	for _, p := range c.programs {
		_, err := exec.LookPath(p)
		if err == nil && p == python {
			err = exec.Command(python, "-c", "import requests").Run()
		}
		if err == nil {
			continue
		}
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
			t.Skipf("%s is not installed and GATEHOUSE_SKIP_ORACLES is set: it called nothing", c.install)
		}
		t.Fatalf("%s is not installed: install it, or set GATEHOUSE_SKIP_ORACLES=1 to skip the comparison", c.install)
	}
}

func (c client) version(t *testing.T) string {
	out, err := exec.Command(c.ask[0], c.ask[1:]...).Output()
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(out), "\n")
	first, _, _ = strings.Cut(first, " (x86")
	return strings.TrimSpace(first)
}

// varying is what differs from call to call.
var varying = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`/[^ '"]*/(TestRealSenders[^ '"/]*/\d+/)?([a-z-]+\.(pem|key|p12|jks))`), "$2"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`(port=|port |example:)\d+`), "${1}PORT"},
	{regexp.MustCompile(`0x[0-9a-f]{6,}`), "0x…"},
	{regexp.MustCompile(`\b[0-9A-F]{12,16}:error:`), "…:error:"},
	{regexp.MustCompile(`(\.\./|/)?[a-z_./-]+\.c:\d+:?`), "…:"},
	{regexp.MustCompile(`\s+`), " "},
}

// shorten is one line of what a program said.
func shorten(lines ...string) string {
	text := strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "" }), "; ")
	for _, v := range varying {
		text = v.what.ReplaceAllString(text, v.with)
	}
	if text = strings.TrimSpace(text); len(text) > 300 {
		text = text[:300] + "…"
	}
	return text
}

func runClient(t *testing.T, stdin string, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "STORE_PASSWORD="+storePassword, "LC_ALL=C")
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // what it says counts
	return out.String(), errs.String()
}

func startCurl(t *testing.T, f clientFiles) func(way) string {
	return func(w way) string {
		args := []string{"-sS", "-o", os.DevNull, "-w", "HTTP %{http_code}", "--connect-to", w.host + ":" + f.port + ":" + f.address, "--cacert", f.trust(w, ".pem")}
		if c := f.certificate(w); c != "" {
			args = append(args, "--cert", c)
		}
		if k := f.key(w); k != "" {
			args = append(args, "--key", k)
		}
		out, errs := runClient(t, "", "curl", append(args, f.url(w))...)
		if errs != "" {
			first, _, _ := strings.Cut(errs, "\n")
			return shorten(first)
		}
		return shorten(out)
	}
}

func startOpenSSL(t *testing.T, f clientFiles) func(way) string {
	return func(w way) string {
		args := []string{"s_client", "-quiet", "-connect", f.address, "-servername", w.host, "-verify_hostname", w.host, "-verify_return_error", "-CAfile", f.trust(w, ".pem")}
		if c := f.certificate(w); c != "" {
			args = append(args, "-cert", c, "-cert_chain", c)
		}
		if k := f.key(w); k != "" {
			args = append(args, "-key", k)
		}
		request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", w.path, w.host, f.port)
		out, errs := runClient(t, request, "openssl", args...)
		if rest, ok := strings.CutPrefix(out, "HTTP/1.1 "); ok {
			return "HTTP " + rest[:3]
		}
		var lines []string
		for line := range strings.Lines(errs) {
			if strings.Contains(line, "error") || strings.Contains(line, "Could not") || strings.Contains(line, "unable") {
				lines = append(lines, line)
			}
		}
		return shorten(lines...)
	}
}

func startJava(suffix string) func(*testing.T, clientFiles) func(way) string {
	return func(t *testing.T, f clientFiles) func(way) string {
		hosts := f.path("hosts")
		require.NoError(t, os.WriteFile(hosts, []byte("127.0.0.1 "+strings.Join([]string{tenantHost, demandsHost, "wrong.example"}, "\n127.0.0.1 ")+"\n"), 0o600))
		said, err := exec.Command("javac", "-d", f.dir, filepath.Join("testdata", "clients", "Caller.java")).CombinedOutput()
		require.NoError(t, err, "%s", said)
		ask := converse(t, "java", "-XX:TieredStopAtLevel=1", "-Djdk.net.hosts.file="+hosts, "-cp", f.dir, "Caller")
		return func(w way) string { return ask(f.url(w), f.store(w, suffix), f.trust(w, suffix)) }
	}
}

func startPython(t *testing.T, f clientFiles) func(way) string {
	ask := converse(t, python, filepath.Join("testdata", "clients", "caller.py"))
	return func(w way) string {
		return ask(f.url(w), f.address, f.certificate(w), f.key(w), f.trust(w, ".pem"))
	}
}

func startNode(t *testing.T, f clientFiles) func(way) string {
	ask := converse(t, "node", filepath.Join("testdata", "clients", "caller.js"))
	return func(w way) string {
		return ask(f.url(w), f.address, f.certificate(w), f.key(w), f.trust(w, ".pem"))
	}
}

// converse starts a program that answers a line with a line.
func converse(t *testing.T, name string, args ...string) func(words ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "STORE_PASSWORD="+storePassword, "LC_ALL=C")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	errs, err := os.CreateTemp(t.TempDir(), "said")
	require.NoError(t, err)
	cmd.Stderr = errs
	whatItSaid := func() string { said, _ := os.ReadFile(errs.Name()); return string(said) }
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended: %v\n%s", err, whatItSaid())
		}
		errs.Close()
	})
	lines := bufio.NewScanner(out)
	return func(words ...string) string {
		t.Helper()
		_, err := fmt.Fprintln(in, strings.Join(words, "\t"))
		require.NoError(t, err)
		if !lines.Scan() {
			t.Fatalf("the program ended: %s", whatItSaid())
		}
		return shorten(lines.Text())
	}
}
