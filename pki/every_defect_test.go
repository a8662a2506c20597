package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/verify"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each defect, under CAs of each type of key: the good twin passes with OpenSSL, with package
// verify and with Go; the defective one has the errors of the catalogue and no other ones.
func TestEveryDefect(t *testing.T) {
	t.Parallel()
	openSSL(t)
	for _, key := range []pki.KeyType{pki.P256, pki.RSA2048, pki.Ed25519} {
		t.Run(key.String(), func(t *testing.T) {
			root := pki.NewRoot("Example Root CA", key, pki.Clock(atNoon))
			issuing := root.Intermediate("Example Issuing CA", key)
			names := pki.DNS("warehouse.example")
			good := issuing.Client("warehouse", names)
			assert.Empty(t, ours(t, good, root))
			assert.Empty(t, ours(t, good, root, good.CRLs()...), "with CRLs")
			lines, _ := theirs(t, good, root)
			assert.Empty(t, lines)
			lines, _ = theirs(t, good, root, good.CRLs()...)
			assert.Empty(t, lines, "with CRLs")
			assert.Equal(t, pki.GoAccepted, goVerdict(t, good, root))
			assert.Equal(t, pki.HandshakeCompletes, handshake(t, good))

			for _, d := range pki.Defects() {
				t.Run(d.ID, func(t *testing.T) {
					t.Parallel()
					bad := issuing.Client("warehouse", names, pki.WithDefect(d.ID))
					assert.Equal(t, d.ID, bad.Defect())
					var crls [][]byte
					if d.NeedsCRL {
						crls = bad.CRLs()
						assert.NotEmpty(t, crls)
						assert.Empty(t, ours(t, bad, root), "without CRLs nobody knows")
						lines, _ := theirs(t, bad, root)
						assert.Empty(t, lines, "without CRLs nobody knows")
					}
					expected := words(d.Expected())
					assert.Equal(t, expected, ours(t, bad, root, crls...), "package verify")

					lines, readable := theirs(t, bad, root, crls...)
					assert.Equal(t, d.Unreadable, !readable, "OpenSSL can read it")
					if readable {
						// The command stops at some errors and goes on after others.
						require.Equal(t, len(expected) == 0, len(lines) == 0, "OpenSSL found %v", lines)
						for i := range lines {
							assert.Equal(t, expected[i], lines[i], "OpenSSL")
						}
					}
					assert.Equal(t, d.Go, goVerdict(t, bad, root), "crypto/x509")
					assert.Equal(t, d.Handshake, handshake(t, bad), "crypto/tls")
				})
			}
		})
	}
}

func words(list []pki.Finding) []string {
	var out []string
	for _, f := range list {
		out = append(out, f.String())
	}
	return out
}

// trusting lists what is trusted by who trusts the good root: the root, and its twin.
func trusting(c, root *pki.Certificate) [][]byte {
	out := raw(root)
	if top := c.Root(); top.TwinOf() == root {
		out = append(out, top.DER())
	}
	return out
}

// ours lists the errors that package verify finds.
func ours(t testing.TB, c, root *pki.Certificate, crls ...[]byte) []string {
	t.Helper()
	list, err := verify.NewTrustList(trusting(c, root)...)
	require.NoError(t, err)
	options := verify.Options{Now: atNoon, CRLs: crls}
	if crls != nil {
		options.CRLCheck = verify.CRLAll
		require.NoError(t, options.CheckCRLs())
	}
	var out []string
	for _, e := range verify.New(list, options).Verify(c.Presented()).Errors {
		out = append(out, fmt.Sprintf("%d@%d", e.Code, e.Depth))
	}
	return out
}

// theirs lists the errors that the openssl command prints, and tells whether it could read the
// certificate.
func theirs(t testing.TB, c, root *pki.Certificate, crls ...[]byte) (lines []string, readable bool) {
	t.Helper()
	dir := t.TempDir()
	presented := c.Presented()
	arguments := []string{"verify", "-purpose", "sslclient", "-auth_level", "2",
		"-attime", strconv.FormatInt(noon.Unix(), 10),
		"-trusted", writePEM(t, filepath.Join(dir, "trusted.pem"), trusting(c, root)...)}
	if len(presented) > 1 {
		arguments = append(arguments, "-untrusted", writePEM(t, filepath.Join(dir, "untrusted.pem"), presented[1:]...))
	}
	if crls != nil {
		file := filepath.Join(dir, "crl.pem")
		require.NoError(t, os.WriteFile(file, pemOf("X509 CRL", crls...), 0o600))
		arguments = append(arguments, "-crl_check_all", "-CRLfile", file)
	}
	arguments = append(arguments, writePEM(t, filepath.Join(dir, "leaf.pem"), presented[0]))
	out, err := exec.Command(openSSL(t), arguments...).CombinedOutput()
	for _, found := range errorLine.FindAllStringSubmatch(string(out), -1) {
		lines = append(lines, found[1]+"@"+found[2])
	}
	switch {
	case err == nil:
		require.Empty(t, lines, "%s", out)
		require.Contains(t, string(out), "OK")
	case strings.Contains(string(out), "Unable to load certificate") || strings.Contains(string(out), "Could not read"):
		require.Empty(t, lines, "%s", out)
		return nil, false
	default:
		require.NotEmpty(t, lines, "openssl said neither OK nor which error: %s", out)
	}
	return lines, true
}

// goVerdict is what crypto/x509 says.
func goVerdict(t testing.TB, c, root *pki.Certificate) pki.GoVerdict {
	t.Helper()
	presented := c.Presented()
	leaf, err := x509.ParseCertificate(presented[0])
	if err != nil {
		return pki.GoUnparsable
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: noon,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, der := range trusting(c, root) {
		top, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		options.Roots.AddCert(top)
	}
	for _, der := range presented[1:] {
		if one, err := x509.ParseCertificate(der); err == nil {
			options.Intermediates.AddCert(one)
		}
	}
	_, err = leaf.Verify(options)
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var critical x509.UnhandledCriticalExtension
	switch {
	case err == nil:
		return pki.GoAccepted
	case errors.As(err, &authority):
		return pki.GoUnknownAuthority
	case errors.As(err, &critical):
		return pki.GoUnhandledCritical
	case errors.As(err, &invalid):
		verdict, known := map[x509.InvalidReason]pki.GoVerdict{
			x509.Expired: pki.GoExpired, x509.IncompatibleUsage: pki.GoIncompatibleUsage,
			x509.NotAuthorizedToSign: pki.GoNotCA, x509.TooManyIntermediates: pki.GoTooManyAbove,
			x509.NoValidChains: pki.GoNoValidChain,
		}[invalid.Reason]
		require.True(t, known, "a reason without a verdict: %v", err)
		return verdict
	default:
		t.Fatalf("an error without a verdict: %v", err)
		return ""
	}
}

// handshake is what becomes of a TLS handshake between two ends that are crypto/tls.
func handshake(t testing.TB, c *pki.Certificate) pki.Handshake {
	t.Helper()
	near, far := net.Pipe()
	deadline := time.Now().Add(30 * time.Second)
	require.NoError(t, near.SetDeadline(deadline))
	require.NoError(t, far.SetDeadline(deadline))
	server := tls.Server(far, &tls.Config{
		Certificates: []tls.Certificate{serverCertificate.TLSCertificate()}, ClientAuth: tls.RequestClientCert,
	})
	client := tls.Client(near, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{c.TLSCertificate()}})
	ended := make(chan error, 1)
	go func() {
		err := server.Handshake()
		_ = far.SetDeadline(time.Now()) // frees the client, if it waits
		ended <- err
	}()
	_ = client.Handshake()
	go func() { // the client must read what the server has to say
		_, _ = client.Read(make([]byte, 1))
	}()
	err := <-ended
	_ = near.Close()
	_ = far.Close()
	switch {
	case err != nil:
		return pki.HandshakeEnds
	case len(server.ConnectionState().PeerCertificates) == 0:
		return pki.HandshakeWithout
	default:
		return pki.HandshakeCompletes
	}
}

var serverCertificate = pki.NewRoot("Example Server CA").Server("localhost")

// A private key that Go can use belongs to its certificate.
func TestDefectiveCertificatesHaveTheirKeys(t *testing.T) {
	t.Parallel()
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA")
	for _, d := range pki.Defects() {
		bad := issuing.Client("warehouse", pki.WithDefect(d.ID))
		if public := bad.X509().PublicKey; public != nil {
			assert.Equal(t, public, bad.Key().Public(), d.ID)
		}
	}
}
