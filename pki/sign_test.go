package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/pki"
)

// requestFor is a signing request for the key.
func requestFor(t testing.TB, key crypto.Signer, subject string, template x509.CertificateRequest) *x509.CertificateRequest {
	t.Helper()
	dn, err := pki.ParseDN(subject)
	require.NoError(t, err)
	template.RawSubject, err = dn.Marshal()
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificateRequest(der)
	require.NoError(t, err)
	return parsed
}

func requesterKeys(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return map[string]crypto.Signer{"P-256": p256, "RSA-2048": rsa2048, "Ed25519": ed}
}

func TestSignRequest(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA")
	for name, key := range requesterKeys(t) {
		t.Run(name, func(t *testing.T) {
			csr := requestFor(t, key, "CN=warehouse, O=Example, C=DE", x509.CertificateRequest{
				DNSNames: []string{"warehouse.example"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1).To4()}, EmailAddresses: []string{"a@warehouse.example"},
				// What it asks for beside is not followed.
				ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}}},
			})
			c, err := issuing.SignRequest("warehouse", csr)
			require.NoError(t, err)
			assert.Nil(t, c.Key(), "the private key stays with the requester")
			assert.Equal(t, "warehouse", c.Name())
			assert.Equal(t, csr.RawSubject, c.X509().RawSubject)
			assert.Equal(t, csr.RawSubjectPublicKeyInfo, c.X509().RawSubjectPublicKeyInfo)
			assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, c.X509().ExtKeyUsage)
			assert.Equal(t, []string{"warehouse.example"}, c.X509().DNSNames)
			assert.Equal(t, []string{"a@warehouse.example"}, c.X509().EmailAddresses)
			assert.Len(t, c.X509().IPAddresses, 1)
			assert.False(t, c.X509().IsCA)
			assert.Len(t, c.Presented(), 2)
			code, _ := verdict(t, c.Presented(), raw(root))
			assert.Zero(t, code)
			// It is a renewal's good twin like any other; that one has a key of its own.
			assert.NotNil(t, c.Twin("renewed").Key())
		})
	}
}

func TestSignRequestOptionsWin(t *testing.T) {
	issuing := pki.NewRoot("Example Root CA", pki.Clock(atNoon)).Intermediate("Example Issuing CA")
	csr := requestFor(t, requesterKeys(t)["P-256"], "CN=warehouse", x509.CertificateRequest{DNSNames: []string{"warehouse.example"}})
	c, err := issuing.SignRequest("warehouse", csr, pki.Subject("CN=other"), pki.DNS("other.example"),
		pki.Usage(x509.ExtKeyUsageServerAuth), pki.NotAfter(noon.AddDate(0, 0, 90)))
	require.NoError(t, err)
	assert.Equal(t, "CN=other", pki.FormatDN(c.X509().RawSubject))
	assert.Equal(t, []string{"other.example"}, c.X509().DNSNames)
	assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, c.X509().ExtKeyUsage)
	assert.Equal(t, noon.AddDate(0, 0, 90), c.X509().NotAfter)
}

// Every defect is either in what comes back, with the requester's key in it, or refused with the
// reason. Those that need another key are the ones that name the key as what differs.
func TestSignRequestWithEachDefect(t *testing.T) {
	t.Parallel()
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA")
	key := requesterKeys(t)["P-256"]
	csr := requestFor(t, key, "CN=warehouse", x509.CertificateRequest{})
	for _, d := range pki.Defects() {
		t.Run(d.ID, func(t *testing.T) {
			c, err := issuing.SignRequest("warehouse", csr, pki.WithDefect(d.ID))
			switch {
			case d.ID == "self-signed":
				require.ErrorContains(t, err, "only the requester has the private key")
			case d.Group == pki.Keys && d.Level == pki.AtLeaf:
				require.ErrorContains(t, err, "needs another key than the requester's")
			default:
				require.NoError(t, err)
				assert.Equal(t, d.ID, c.Defect())
				assert.Nil(t, c.Key())
				assert.Contains(t, string(c.DER()), string(csr.RawSubjectPublicKeyInfo))
			}
		})
	}
}

func TestSignRequestMistakes(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	csr := requestFor(t, requesterKeys(t)["P-256"], "CN=warehouse", x509.CertificateRequest{})
	_, err := root.SignRequest("warehouse", nil)
	assert.ErrorContains(t, err, "kind of its public key is not supported")
	_, err = root.SignRequest("warehouse", &x509.CertificateRequest{RawSubject: csr.RawSubject})
	assert.ErrorContains(t, err, "kind of its public key is not supported")
	_, err = root.Client("other").SignRequest("warehouse", csr)
	assert.ErrorContains(t, err, "is not a CA")
	_, err = root.SignRequest("warehouse", csr, pki.WithDefect("expierd"))
	assert.ErrorContains(t, err, `did you mean "expired"`)
	public, err := pki.Authority([][]byte{root.DER()}, []crypto.Signer{root.Key()}, pki.Options{Now: atNoon})
	require.NoError(t, err)
	_, err = public.SignRequest("warehouse", csr)
	assert.NoError(t, err, "positive control")
}

func TestAuthority(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA", pki.RSA2048)
	chain := [][]byte{issuing.DER(), root.DER()}
	stranger := pki.NewRoot("Stranger").Key()
	csr := requestFor(t, requesterKeys(t)["P-256"], "CN=warehouse", x509.CertificateRequest{})

	ca, err := pki.Authority(chain, []crypto.Signer{stranger, issuing.Key()}, pki.Options{Now: atNoon})
	require.NoError(t, err)
	c, err := ca.SignRequest("warehouse", csr)
	require.NoError(t, err)
	assert.Equal(t, [][]byte{c.DER(), issuing.DER()}, c.Presented())
	assert.Equal(t, root.DER(), c.Root().DER())
	code, _ := verdict(t, c.Presented(), raw(root))
	assert.Zero(t, code)

	// A defect in the CA needs the key above it.
	_, err = ca.SignRequest("warehouse", csr, pki.IntermediateExpired())
	assert.ErrorContains(t, err, "the private key of the issuer")
	ca, err = pki.Authority(chain, []crypto.Signer{issuing.Key(), root.Key()}, pki.Options{Now: atNoon})
	require.NoError(t, err)
	c, err = ca.SignRequest("warehouse", csr, pki.IntermediateExpired())
	require.NoError(t, err)
	code, depth := verdict(t, c.Presented(), raw(root))
	assert.Equal(t, []int{10, 1}, []int{code, depth})

	for name, mistake := range map[string]struct {
		chain   [][]byte
		keys    []crypto.Signer
		message string
	}{
		"nothing":      {nil, nil, "found 0 certificates, expected 1 to 20"},
		"no key":       {chain, []crypto.Signer{stranger, root.Key()}, "the private key of the CA is not there"},
		"not a CA":     {[][]byte{root.Client("a").DER()}, nil, `"CN=a" is not a CA`},
		"gap":          {[][]byte{root.Intermediate("A").Intermediate("B").DER(), root.DER()}, nil, `the issuer of "CN=B" is "CN=A", expected its certificate next`},
		"not readable": {[][]byte{[]byte("nonsense")}, nil, "certificate 1: "},
		"endless":      {make([][]byte, 21), nil, "found 21 certificates"},
	} {
		_, err := pki.Authority(mistake.chain, mistake.keys, pki.Options{Now: atNoon})
		if assert.Error(t, err, name) {
			assert.ErrorContains(t, err, mistake.message, name)
		}
	}
}

func TestSafeName(t *testing.T) {
	for text, want := range map[string]string{
		"warehouse": "warehouse", "Warehouse.example ": "warehouse.example", "": "request", "../..": "request",
		"a/b\\c": "a-b-c", "Lager München": "lager-m-nchen", "\x1b[2J": "2j", "*.example.com": "example.com",
	} {
		assert.Equal(t, want, pki.SafeName(text), "%q", text)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := pki.SafeName(rapid.String().Draw(t, "text"))
		assert.Regexp(t, `^[a-z0-9_]([a-z0-9_.-]{0,58}[a-z0-9_])?$`, name)
		assert.Equal(t, name, pki.SafeName(name))
	})
}

func ExampleCertificate_SignRequest() {
	// What arrives from the sender; its private key does not.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "warehouse"}}, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		fmt.Println(err)
		return
	}
	ca := pki.NewRoot("Example Root CA").Intermediate("Example Issuing CA")
	c, err := ca.SignRequest("warehouse", csr, pki.ValidFor(90*24*time.Hour))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pki.FormatDN(c.X509().RawSubject), len(c.Chain()), c.Key() == nil)
	// Output: CN=warehouse 2 true
}
