package connectivity_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/connectivity"
)

// limit is how long one test of a connection may take on a busy machine.
const limit = 30 * time.Second

var moment = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chain is a server's certificate with its CAs.
type chain struct{ root, issuing, server *pki.Certificate }

func mint(t *testing.T, options ...pki.Option) chain {
	t.Helper()
	clock := pki.Clock(func() time.Time { return moment })
	mintOne := func(issuer *pki.Certificate, role pki.Role, name string, options ...pki.Option) *pki.Certificate {
		c, err := pki.Create(issuer, role, name, append([]pki.Option{clock}, options...)...)
		require.NoError(t, err)
		return c
	}
	root := mintOne(nil, pki.CA, "Example Root CA", pki.Subject("CN=Example Root CA, O=Example, C=DE"))
	issuing := mintOne(root, pki.CA, "Example Issuing CA")
	server := mintOne(issuing, pki.Server, "tenant.example", append([]pki.Option{pki.DNS("tenant.example", "localhost"), pki.IP(net.IPv4(127, 0, 0, 1))}, options...)...)
	return chain{root, issuing, server}
}

func (c chain) presented(certificates ...*pki.Certificate) tls.Certificate {
	out := tls.Certificate{PrivateKey: c.server.Key()}
	for _, one := range certificates {
		out.Certificate = append(out.Certificate, one.DER())
	}
	return out
}

// listen accepts connections and hands them to serve until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(limit))
				serve(conn)
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func serveTLS(t *testing.T, config *tls.Config) string {
	return listen(t, func(raw net.Conn) {
		conn := tls.Server(raw, config)
		if conn.Handshake() == nil {
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	})
}

func options(c chain) connectivity.Options {
	return connectivity.Options{Trusted: []*x509.Certificate{c.root.X509()}, ServerName: "tenant.example", Now: func() time.Time { return moment }, Timeout: limit}
}

func try(t *testing.T, address string, o connectivity.Options) connectivity.Result {
	t.Helper()
	r, err := connectivity.Test(t.Context(), address, o)
	require.NoError(t, err)
	assert.Equal(t, len(r.Failures) == 0, r.OK)
	return r
}

// failed demands one failure, at that step.
func failed(t *testing.T, r connectivity.Result, step connectivity.Step, message string) {
	t.Helper()
	require.Len(t, r.Failures, 1, "%+v", r)
	assert.Equal(t, step, r.Failures[0].Step)
	assert.Contains(t, r.Failures[0].Message, message)
}

func TestWell(t *testing.T) {
	t.Parallel()
	c := mint(t)
	address := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}})
	r := try(t, address, options(c))
	assert.True(t, r.OK, "%+v", r.Failures)
	assert.True(t, r.Validated)
	assert.Equal(t, address, r.Connected)
	assert.Equal(t, "TLS 1.3", r.Version)
	assert.Equal(t, connectivity.NotAsked, r.ClientCertificate)
	require.Len(t, r.Chain, 3)
	assert.Equal(t, []connectivity.Kind{connectivity.Server, connectivity.Intermediate, connectivity.Root}, []connectivity.Kind{r.Chain[0].Kind, r.Chain[1].Kind, r.Chain[2].Kind})
	assert.True(t, r.Chain[1].Presented)
	assert.False(t, r.Chain[2].Presented, "the root comes from the trust store")
	assert.Equal(t, "CN=Example Root CA, O=Example, C=DE", r.Chain[2].Subject)
	assert.Equal(t, c.server.X509().NotAfter.UTC(), r.Chain[0].NotAfter)
	assert.Regexp(t, `^([0-9A-F]{2}:){31}[0-9A-F]{2}$`, r.Chain[0].SHA256)
	assert.Regexp(t, `^([0-9A-F]{2}:){19}[0-9A-F]{2}$`, r.Chain[0].SHA1)
	assert.Equal(t, "3_Example_Root_CA.cer", r.RootFile)
	assert.Contains(t, r.Advice, "Add 3_Example_Root_CA.cer, the root certificate, to the sender's trust store")
}

func TestByIPAddress(t *testing.T) {
	t.Parallel()
	c := mint(t)
	o := options(c)
	o.ServerName = ""
	r := try(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}}), o)
	assert.True(t, r.OK, "%+v", r.Failures)
	assert.Equal(t, "127.0.0.1", r.ServerName)
}

func TestDownload(t *testing.T) {
	t.Parallel()
	c := mint(t)
	r := try(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}}), options(c))
	data, err := r.Zip(moment)
	require.NoError(t, err)
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	want := []*pki.Certificate{c.server, c.issuing, c.root}
	require.Len(t, z.File, 3)
	for i, f := range z.File {
		assert.Equal(t, []string{"1_tenant.example.cer", "2_Example_Issuing_CA.cer", "3_Example_Root_CA.cer"}[i], f.Name)
		in, err := f.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(in)
		require.NoError(t, err)
		block, rest := pem.Decode(text)
		require.NotNil(t, block)
		assert.Empty(t, rest)
		assert.Equal(t, want[i].DER(), block.Bytes)
	}
	again, err := r.Zip(moment)
	require.NoError(t, err)
	assert.Equal(t, data, again)
}

func TestTrust(t *testing.T) {
	t.Parallel()
	c, other := mint(t), mint(t)
	config := func(certificates ...*pki.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{c.presented(certificates...)}}
	}
	noTrust := options(other)

	r := try(t, serveTLS(t, config(c.server, c.issuing)), noTrust)
	failed(t, r, connectivity.Trust, "no trusted certificate of the issuer CN=Example Root CA, O=Example, C=DE is known")
	assert.Len(t, r.Chain, 2, "the chain is listed all the same")
	assert.Empty(t, r.RootFile)
	assert.Contains(t, r.Advice, `get the certificate of "CN=Example Root CA, O=Example, C=DE" from its CA`)

	r = try(t, serveTLS(t, config(c.server, c.issuing, c.root)), noTrust)
	failed(t, r, connectivity.Trust, "the root CN=Example Root CA, O=Example, C=DE is not trusted")
	assert.Equal(t, "3_Example_Root_CA.cer", r.RootFile, "that it is not trusted is what the download is for")

	r = try(t, serveTLS(t, config(c.server)), options(c))
	failed(t, r, connectivity.Trust, "no trusted certificate of the issuer CN=Example Issuing CA is known")
	assert.Contains(t, r.Failures[0].Fix, "leaves out an intermediate certificate")

	noTrust.SkipValidation = true
	r = try(t, serveTLS(t, config(c.server, c.issuing)), noTrust)
	assert.True(t, r.OK, "validation is off")
	assert.False(t, r.Validated)
	assert.Len(t, r.Chain, 2)

	r = try(t, serveTLS(t, config(c.server, other.issuing, c.issuing)), options(c))
	assert.True(t, r.OK, "something unrelated does not harm")
	assert.Equal(t, connectivity.Unrelated, r.Chain[1].Kind)
	assert.Equal(t, connectivity.Intermediate, r.Chain[2].Kind)
}

func TestSelfSigned(t *testing.T) {
	t.Parallel()
	c := mint(t, pki.SelfSigned())
	r := try(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server)}}), options(c))
	failed(t, r, connectivity.Trust, "is self-signed")
	assert.Contains(t, r.Advice, "only who adds 1_tenant.example.cer itself")
}

func TestTime(t *testing.T) {
	t.Parallel()
	c := mint(t)
	address := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}})
	o := options(c)
	o.Now = func() time.Time { return c.server.X509().NotAfter.Add(time.Hour) }
	r := try(t, address, o)
	failed(t, r, connectivity.Trust, "the certificate of CN=tenant.example expired on")
	assert.Equal(t, "3_Example_Root_CA.cer", r.RootFile, "the root is known all the same")
	o.Now = func() time.Time { return c.root.X509().NotBefore.Add(-time.Hour) }
	failed(t, try(t, address, o), connectivity.Trust, "is not valid before")
}

func TestHostName(t *testing.T) {
	t.Parallel()
	c := mint(t)
	address := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}})
	o := options(c)
	o.ServerName = "other.example"
	failed(t, try(t, address, o), connectivity.HostName, "the certificate is not for other.example: it is for tenant.example, localhost, 127.0.0.1")

	o.Trusted = []*x509.Certificate{}
	r := try(t, address, o)
	require.Len(t, r.Failures, 2, "both are told")
	assert.Equal(t, connectivity.Trust, r.Failures[0].Step)
	assert.Equal(t, connectivity.HostName, r.Failures[1].Step)
	first, ok := r.Failed()
	assert.True(t, ok)
	assert.True(t, first.Validation())
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	c := mint(t)
	pool := x509.NewCertPool()
	pool.AddCert(c.root.X509())
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for mode, want := range map[tls.ClientAuthType]connectivity.ClientCertificate{
			tls.NoClientCert: connectivity.NotAsked, tls.RequestClientCert: connectivity.Asked, tls.RequireAnyClientCert: connectivity.Demanded,
		} {
			r := try(t, serveTLS(t, &tls.Config{
				Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}, ClientAuth: mode, ClientCAs: pool, MinVersion: version, MaxVersion: version,
			}), options(c))
			assert.Equal(t, want, r.ClientCertificate, "%s %v", tls.VersionName(version), mode)
			assert.True(t, r.OK, "the chain was presented and is good: %+v", r.Failures)
			assert.Len(t, r.Chain, 3)
			if mode != tls.NoClientCert {
				assert.Equal(t, []string{"CN=Example Root CA, O=Example, C=DE"}, r.AcceptableCAs)
			}
		}
	}
}

func TestNameAndDial(t *testing.T) {
	t.Parallel()
	c := mint(t)
	o := options(c)
	fails := func(err error) connectivity.Options {
		o := o
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
		return o
	}
	failed(t, try(t, "nosuch.invalid:443", fails(&net.DNSError{Err: "no such host", Name: "nosuch.invalid", IsNotFound: true})), connectivity.Name, "the name nosuch.invalid cannot be resolved: there is no such host")
	failed(t, try(t, "nosuch.invalid:443", fails(&net.DNSError{Err: "server misbehaving", IsTemporary: true})), connectivity.Name, "cannot be resolved: server misbehaving")
	failed(t, try(t, "a.example:443", fails(errors.New("no route to host"))), connectivity.Dial, "no connection to a.example:443: no route to host")
	failed(t, try(t, "a.example:443", fails(context.DeadlineExceeded)), connectivity.Dial, "a.example:443 did not answer in time")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := l.Addr().String()
	require.NoError(t, l.Close())
	r := try(t, closed, o)
	failed(t, r, connectivity.Dial, "refused the connection: nothing listens on port")
	assert.False(t, r.Reached())
	assert.False(t, r.Failures[0].Validation())
}

func TestWhatIsNoTLS(t *testing.T) {
	t.Parallel()
	c := mint(t)
	say := func(text string) string {
		return listen(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, text)
		})
	}
	failed(t, try(t, say("HTTP/1.1 400 Bad Request\r\n\r\n"), options(c)), connectivity.TLS, "does not speak TLS but plain HTTP")
	failed(t, try(t, say("SSH-2.0-OpenSSH_9.6\r\n"), options(c)), connectivity.TLS, "does not speak TLS")
	failed(t, try(t, say(""), options(c)), connectivity.TLS, "closed the connection during the handshake")

	old := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server)}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return nil, errors.New("not for you")
	}})
	failed(t, try(t, old, options(c)), connectivity.TLS, "the server ended the handshake: ")

	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	o := options(c)
	o.Timeout = 50 * time.Millisecond
	failed(t, try(t, silent, o), connectivity.TLS, "did not finish the handshake in time")
}

// A server that sends without end is left.
func TestEndlessServer(t *testing.T) {
	t.Parallel()
	c := mint(t)
	endless := listen(t, func(conn net.Conn) {
		// Handshake records of type certificate status fragments, for ever.
		record := append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 0x4000)...)
		for {
			if _, err := conn.Write(record); err != nil {
				return
			}
		}
	})
	r := try(t, endless, options(c))
	require.NotEmpty(t, r.Failures)
	assert.Equal(t, connectivity.TLS, r.Failures[0].Step)
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := connectivity.Test(ctx, "127.0.0.1:1", connectivity.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]string{
		"a.example:8443": {"a.example", "8443"}, "a.example": {"a.example", "443"}, "[::1]:443": {"::1", "443"}, "::1": {"::1", "443"}, "[::1]": {"::1", "443"},
	} {
		host, port, err := connectivity.ParseAddress(address)
		require.NoError(t, err, address)
		assert.Equal(t, want, [2]string{host, port}, address)
	}
	for address, want := range map[string]string{
		"":                       "expected HOST:PORT",
		":443":                   "expected HOST:PORT",
		"a.example:":             `found the port ""`,
		"a.example:https":        `found the port "https", expected a number from 1 to 65535`,
		"a.example:0":            "expected a number from 1 to 65535",
		"a.example:65536":        "expected a number from 1 to 65535",
		"https://a.example/x":    `found a URL (https://…), expected HOST:PORT such as`,
		"a b:443":                "expected HOST:PORT",
		"a.example/x:443":        "expected HOST:PORT",
		"user@a.example:443":     "expected HOST:PORT",
		"a.example:443:443":      "expected HOST:PORT",
		strings.Repeat("a", 254): "expected HOST:PORT",
	} {
		_, _, err := connectivity.ParseAddress(address)
		assert.ErrorContains(t, err, want, address)
	}
	_, _, err := connectivity.ParseAddress("https://a.example:8443/x")
	assert.ErrorContains(t, err, `try "a.example:8443"`)
}

// What a certificate calls itself cannot become a path.
func TestFileNames(t *testing.T) {
	t.Parallel()
	for cn, want := range map[string]string{
		`../../etc/passwd`: "1_etc_passwd.cer", `C:\x`: "1_C__x.cer", "*.example.com": "1_example.com.cer", "äöü": "1_certificate.cer", strings.Repeat("x", 64): "1_" + strings.Repeat("x", 60) + ".cer",
	} {
		c := mint(t, pki.Subject("CN="+strings.ReplaceAll(cn, `\`, `\\`)))
		r := try(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}}), options(c))
		assert.Equal(t, want, r.Chain[0].File, cn)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	c := mint(t)
	r := try(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}}), options(c))
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var back connectivity.Result
	require.NoError(t, json.Unmarshal(data, &back))
	for i := range r.Chain {
		r.Chain[i].DER = nil
	}
	assert.Equal(t, r, back)
	assert.Contains(t, string(data), `"failures":[]`)
}

// The system's roots, or Mozilla's, do not know a test's root.
func TestSystemRoots(t *testing.T) {
	t.Parallel()
	c := mint(t)
	o := options(c)
	o.Trusted = nil
	r := try(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{c.presented(c.server, c.issuing)}}), o)
	failed(t, r, connectivity.Trust, "no trusted certificate of the issuer")
}
