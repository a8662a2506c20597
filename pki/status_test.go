package pki_test

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"
)

// lists says what the CRLs for a certificate say.
func lists(t testing.TB, c *pki.Certificate) string {
	t.Helper()
	var out strings.Builder
	crls := c.CRLs()
	for ca := c.Issuer(); ca != nil; ca = ca.Issuer() {
		var signed []string
		for _, der := range crls {
			l, err := x509.ParseRevocationList(der)
			require.NoError(t, err)
			if string(l.RawIssuer) != string(ca.X509().RawSubject) {
				continue
			}
			right := ca.X509().CheckSignature(l.SignatureAlgorithm, l.RawTBSRevocationList, l.Signature) == nil
			var reasons []int
			for _, e := range l.RevokedCertificateEntries {
				reasons = append(reasons, e.ReasonCode)
			}
			signed = append(signed, fmt.Sprint(l.ThisUpdate, l.NextUpdate, l.Number, reasons, len(l.Extensions), right))
		}
		fmt.Fprintf(&out, "%q ", signed)
	}
	return out.String()
}

// status says what the OCSP response for a certificate says.
func status(t testing.TB, c *pki.Certificate) string {
	t.Helper()
	var out []string
	for _, der := range c.OCSPResponses() {
		r, err := ocsp.ParseResponse(der, nil)
		require.NoError(t, err)
		out = append(out, fmt.Sprint(r.Status, r.RevocationReason, r.ThisUpdate, r.NextUpdate, r.ProducedAt))
	}
	return fmt.Sprint(out)
}

func TestCRL(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA")
	lost, other := issuing.Client("lost"), issuing.Client("other")
	der, err := issuing.CRL([]*pki.Certificate{lost}, pki.CRLNumber(7), pki.KeyCompromise,
		pki.ThisUpdate(noon.Add(-time.Minute)), pki.NextUpdate(noon.Add(time.Hour)), pki.RevokedAt(noon.Add(-2*time.Hour)))
	require.NoError(t, err)
	l, err := x509.ParseRevocationList(der)
	require.NoError(t, err)
	assert.NoError(t, l.CheckSignatureFrom(issuing.X509()))
	assert.Equal(t, big.NewInt(7), l.Number)
	assert.Equal(t, issuing.X509().SubjectKeyId, l.AuthorityKeyId)
	assert.WithinDuration(t, noon.Add(-time.Minute), l.ThisUpdate, 0)
	assert.WithinDuration(t, noon.Add(time.Hour), l.NextUpdate, 0)
	require.Len(t, l.RevokedCertificateEntries, 1)
	entry := l.RevokedCertificateEntries[0]
	assert.Equal(t, lost.X509().SerialNumber, entry.SerialNumber)
	assert.Equal(t, 1, entry.ReasonCode)
	assert.WithinDuration(t, noon.Add(-2*time.Hour), entry.RevocationTime, 0)

	above, err := root.CRL(nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"23@0"}, ours(t, lost, root, der, above))
	lines, _ := theirs(t, lost, root, der, above)
	assert.Equal(t, []string{"23@0"}, lines)
	assert.Empty(t, ours(t, other, root, der, above))
	lines, _ = theirs(t, other, root, der, above)
	assert.Empty(t, lines)

	assert.Len(t, lost.CRLs(), 2, "one of each CA above it")
	assert.Len(t, root.CRLs(), 1, "its own")
}

func TestStatusSaysWhatIsWrong(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	leaf := root.Client("warehouse")
	for message, try := range map[string]func() ([]byte, error){
		`making a CRL of "warehouse": it is not a CA`:                                       func() ([]byte, error) { return leaf.CRL(nil) },
		`a certificate to be revoked is not there`:                                          func() ([]byte, error) { return root.CRL([]*pki.Certificate{nil}) },
		`nextUpdate 2026-11-23T12:00:00Z is not after thisUpdate 2026-11-23T12:00:00Z`:      func() ([]byte, error) { return root.CRL(nil, pki.ThisUpdate(noon), pki.NextUpdate(noon)) },
		`CRL number -1: expected 0 or more`:                                                 func() ([]byte, error) { return root.CRL(nil, pki.CRLNumber(-1)) },
		`unknown reason 7 for a revocation`:                                                 func() ([]byte, error) { return root.CRL(nil, pki.Reason(7)) },
		`there is no certificate to sign with`:                                              func() ([]byte, error) { return root.CRL(nil, pki.StatusSignedBy(nil)) },
		`expected years from 1950 to 9999`:                                                  func() ([]byte, error) { return root.CRL(nil, pki.RevokedAt(time.Time{})) },
		`making an OCSP response of "Example Root CA": there is no certificate to speak of`: func() ([]byte, error) { return root.OCSPResponse(nil, pki.OCSPGood) },
		`unknown status 7`: func() ([]byte, error) { return root.OCSPResponse(leaf, 7) },
		`making an OCSP response of "Example Root CA": an OCSP response has no CRL number`: func() ([]byte, error) { return root.OCSPResponse(leaf, pki.OCSPGood, pki.CRLNumber(1)) },
		`making an OCSP response of "warehouse": it is not a CA`:                           func() ([]byte, error) { return leaf.OCSPResponse(leaf, pki.OCSPGood) },
	} {
		der, err := try()
		assert.ErrorContains(t, err, message)
		assert.Nil(t, der)
	}
	for _, bad := range []string{"crl.example.com/x.crl", "ftp://crl.example.com/x", "http://", "http://crl.example.com/\x7f"} {
		_, err := pki.Create(root, pki.Client, "x", pki.CRLAt(bad))
		assert.ErrorContains(t, err, "address of a CRL", bad)
		_, err = pki.Create(root, pki.Client, "x", pki.OCSPAt(bad))
		assert.ErrorContains(t, err, "address of an OCSP responder", bad)
	}
}

func TestAddressesOfCRLAndOCSP(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	c := root.Client("warehouse", pki.CRLAt("http://crl.example.com/a.crl", "ldap://ldap.example.com/cn=ca"), pki.OCSPAt("http://ocsp.example.com"))
	for _, one := range []*x509.Certificate{c.X509(), c.Twin("again").X509()} {
		assert.Equal(t, []string{"http://crl.example.com/a.crl", "ldap://ldap.example.com/cn=ca"}, one.CRLDistributionPoints)
		assert.Equal(t, []string{"http://ocsp.example.com"}, one.OCSPServer)
	}
	code, _ := verdict(t, c.Presented(), raw(root), "-x509_strict")
	assert.Zero(t, code)
	assert.Contains(t, run(t, "x509", "-noout", "-text", "-in", writePEM(t, filepath.Join(t.TempDir(), "c.pem"), c.DER())), "OCSP - URI:http://ocsp.example.com")
}

// What the responses say is what OpenSSL reads in them, and their signatures hold.
func TestOCSPResponses(t *testing.T) {
	openSSL(t)
	for _, key := range []pki.KeyType{pki.P256, pki.RSA2048, pki.Ed25519} {
		t.Run(key.String(), func(t *testing.T) {
			// The command compares with the machine's clock.
			root := pki.NewRoot("Example Root CA", key)
			issuing := root.Intermediate("Example Issuing CA", key)
			for defect, expected := range map[string]string{
				"": "good", "revoked": "revoked", "on-hold": "certificateHold", "ocsp-revoked": "superseded", "ocsp-unknown": "unknown",
			} {
				c := issuing.Client("warehouse", pki.WithDefect(defect))
				answers := c.OCSPResponses()
				require.Len(t, answers, 1)
				out := ask(t, c, root, answers[0])
				assert.Contains(t, out, "Response verify OK", defect)
				assert.Contains(t, out, expected, defect)
				assert.NotContains(t, out, "Status times invalid", defect)
				if key != pki.Ed25519 { // which the library cannot verify
					_, err := ocsp.ParseResponseForCert(answers[0], c.X509(), issuing.X509())
					assert.NoError(t, err)
				}
			}
			late := issuing.Client("warehouse", pki.WithDefect("ocsp-expired"))
			assert.Contains(t, ask(t, late, root, late.OCSPResponses()[0]), "Status times invalid")

			forged, err := issuing.OCSPResponse(late, pki.OCSPGood, pki.StatusSignedBy(late))
			require.NoError(t, err)
			assert.Contains(t, ask(t, late, root, forged), "Response Verify Failure")
		})
	}
	assert.Empty(t, pki.NewRoot("Example Root CA").OCSPResponses())
}

// ask has openssl verify a response and say what is in it.
func ask(t testing.TB, c, root *pki.Certificate, response []byte) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "response.der")
	require.NoError(t, os.WriteFile(file, response, 0o600))
	out, _ := exec.Command(openSSL(t), "ocsp", "-respin", file, "-no_nonce", "-issuer", writePEM(t, filepath.Join(dir, "issuer.pem"), c.Issuer().DER()),
		"-cert", writePEM(t, filepath.Join(dir, "leaf.pem"), c.DER()), "-CAfile", writePEM(t, filepath.Join(dir, "root.pem"), root.DER())).CombinedOutput()
	return string(out)
}
