package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGoodChain(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Subject("CN=Example Root CA, O=Example, C=DE"), pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA", pki.PathLen(0))
	leaf := issuing.Client("warehouse")

	assert.Equal(t, "C=DE, O=Example, CN=Example Root CA", pki.TraceDN(root.X509().RawSubject))
	assert.Equal(t, []*x509.Certificate{leaf.X509(), issuing.X509()}, leaf.Chain())
	assert.Equal(t, []*x509.Certificate{leaf.X509(), issuing.X509(), root.X509()}, leaf.FullChain())
	assert.Equal(t, [][]byte{leaf.DER(), issuing.DER()}, leaf.Presented())
	assert.Same(t, root, leaf.Root())
	assert.Same(t, root, root.Root())
	assert.Same(t, issuing, leaf.Issuer())
	assert.Nil(t, root.Issuer())
	assert.Nil(t, leaf.TwinOf())
	assert.Empty(t, leaf.Defect())
	assert.Equal(t, []*x509.Certificate{root.X509()}, root.Chain(), "a root stands alone")
	assert.True(t, root.IsCA() && issuing.IsCA())
	assert.False(t, leaf.IsCA())

	code, _ := verdict(t, leaf.Presented(), raw(root), "-x509_strict")
	assert.Zero(t, code, "accepted by the strict rules of RFC 5280 too")
}

func TestExtensions(t *testing.T) {
	root := pki.NewRoot("Example Root CA", pki.Clock(atNoon))
	issuing := root.Intermediate("Example Issuing CA", pki.PathLen(0))
	leaf, server := issuing.Client("warehouse"), issuing.Server("gateway.example", pki.RSA2048)

	for _, ca := range []*x509.Certificate{root.X509(), issuing.X509()} {
		assert.True(t, ca.IsCA && ca.BasicConstraintsValid)
		assert.Equal(t, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, ca.KeyUsage)
		assert.Empty(t, ca.ExtKeyUsage)
		assert.Equal(t, root.X509().SubjectKeyId, ca.AuthorityKeyId)
	}
	assert.Equal(t, -1, root.X509().MaxPathLen)
	assert.True(t, issuing.X509().MaxPathLenZero)

	c := leaf.X509()
	assert.Equal(t, x509.KeyUsageDigitalSignature, c.KeyUsage)
	assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, c.ExtKeyUsage)
	assert.Equal(t, issuing.X509().SubjectKeyId, c.AuthorityKeyId)
	assert.Len(t, c.SubjectKeyId, 20)
	assert.False(t, c.BasicConstraintsValid)
	assert.Empty(t, c.DNSNames)

	s := server.X509()
	assert.Equal(t, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment, s.KeyUsage)
	assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, s.ExtKeyUsage)
	assert.Equal(t, []string{"gateway.example"}, s.DNSNames)

	critical := map[string]bool{}
	for _, e := range issuing.X509().Extensions {
		critical[e.Id.String()] = e.Critical
	}
	assert.Equal(t, map[string]bool{"2.5.29.19": true, "2.5.29.15": true, "2.5.29.14": false, "2.5.29.35": false}, critical)
}

func TestServerNames(t *testing.T) {
	root := pki.NewRoot("r", pki.Clock(atNoon))
	assert.Equal(t, []string{"127.0.0.1"}, ips(root.Server("127.0.0.1")))
	assert.Equal(t, []string{"::1"}, ips(root.Server("::1")))
	assert.Empty(t, root.Server("the gateway").X509().DNSNames)
	both := root.Server("gateway", pki.DNS("*.example", "b.example"), pki.IP(net.IPv4(10, 0, 0, 1)))
	assert.Equal(t, []string{"*.example", "b.example"}, both.X509().DNSNames)
	assert.Equal(t, []string{"10.0.0.1"}, ips(both))
}

func ips(c *pki.Certificate) []string {
	var out []string
	for _, ip := range c.X509().IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

func TestValidity(t *testing.T) {
	late := noon.Add(123456789 * time.Nanosecond)
	root := pki.NewRoot("r", pki.Clock(func() time.Time { return late }))
	day := 24 * time.Hour
	cases := []struct {
		name     string
		c        *pki.Certificate
		from, to time.Time
	}{
		{"root", root, noon.Add(-time.Hour), noon.AddDate(10, 0, 0)},
		{"intermediate", root.Intermediate("i"), noon.Add(-time.Hour), noon.AddDate(5, 0, 0)},
		{"leaf", root.Client("c"), noon.Add(-time.Hour), noon.AddDate(1, 0, 0)},
		{"not after", root.Client("c", pki.NotAfter(noon.Add(day))), noon.Add(-time.Hour), noon.Add(day)},
		{"not before", root.Client("c", pki.NotBefore(noon.Add(day))), noon.Add(day), noon.AddDate(1, 0, 0)},
		{"valid for", root.Client("c", pki.ValidFor(day)), noon.Add(-time.Hour), noon.Add(day - time.Hour)},
		{"from and for", root.Client("c", pki.NotBefore(noon), pki.ValidFor(day)), noon, noon.Add(day)},
		{"for and to", root.Client("c", pki.NotAfter(noon), pki.ValidFor(day)), noon.Add(-day), noon},
		{"begins late", root.Client("c", pki.NotBefore(noon.AddDate(3, 0, 0))), noon.AddDate(3, 0, 0), noon.AddDate(4, 0, 0)},
		{"ended", root.Client("c", pki.NotAfter(noon.Add(-day))), noon.Add(-day - 365*day), noon.Add(-day)},
		{"beyond 2050", root.Client("c", pki.NotAfter(noon.AddDate(40, 0, 0))), noon.Add(-time.Hour), noon.AddDate(40, 0, 0)},
		{"expired", root.Client("c", pki.Expired()), noon.Add(-30*day - 365*day - time.Hour), noon.Add(-30 * day)},
		{"other clock", root.Client("c", pki.Clock(func() time.Time { return noon.Add(day) })), noon.Add(day - time.Hour), noon.Add(day).AddDate(1, 0, 0)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			assert.WithinDuration(t, c.from, c.c.X509().NotBefore, 0)
			assert.WithinDuration(t, c.to, c.c.X509().NotAfter, 0)
		})
	}
	_, err := pki.Create(root, pki.Client, "c", pki.NotBefore(noon), pki.NotAfter(noon))
	assert.ErrorContains(t, err, `making certificate "c": notAfter 2026-11-23T12:00:00Z is not after notBefore 2026-11-23T12:00:00Z`)
	_, err = pki.Create(root, pki.Client, "c", pki.NotAfter(noon.AddDate(9000, 0, 0)))
	assert.ErrorContains(t, err, "expected years from 1950 to 9999")
}

func TestKeyTypes(t *testing.T) {
	for _, kt := range pki.KeyTypes() {
		t.Run(kt.String(), func(t *testing.T) {
			t.Parallel()
			root := pki.NewRoot("r", kt, pki.Clock(atNoon))
			leaf := root.Client("c", kt)
			code, _ := verdict(t, leaf.Presented(), raw(root))
			assert.Zero(t, code)
			switch key := leaf.Key().(type) {
			case *ecdsa.PrivateKey:
				assert.Equal(t, kt.String(), key.Curve.Params().Name)
			case *rsa.PrivateKey:
				assert.Equal(t, map[pki.KeyType]int{pki.RSA2048: 2048, pki.RSA3072: 3072, pki.RSA4096: 4096}[kt], key.N.BitLen())
			case ed25519.PrivateKey:
				assert.Equal(t, pki.Ed25519, kt)
			default:
				t.Fatalf("unexpected key %T", key)
			}
		})
	}
	for text, expected := range map[string]pki.KeyType{
		"": pki.P256, "p256": pki.P256, "P-384": pki.P384, "secp521r1": pki.P521, "RSA 2048": pki.RSA2048,
		"rsa:4096": pki.RSA4096, "ED25519": pki.Ed25519, "prime256v1": pki.P256, "ecdsa-p384": pki.P384,
	} {
		kt, err := pki.ParseKeyType(text)
		assert.NoError(t, err, text)
		assert.Equal(t, expected, kt, text)
	}
	_, err := pki.ParseKeyType("rsa-1024")
	assert.EqualError(t, err, `unknown key type "rsa-1024", expected one of P-256, P-384, P-521, RSA-2048, RSA-3072, RSA-4096, Ed25519`)
	_, err = pki.Create(nil, pki.CA, "r", pki.KeyType(99))
	assert.ErrorContains(t, err, "unknown key type 99")
}

// The same source and clock give the same certificates, whatever the type of key.
func TestRandRepeats(t *testing.T) {
	t.Parallel()
	mint := func(seed byte, kt pki.KeyType) []byte {
		random := mathrand.NewChaCha8([32]byte{seed})
		root := pki.NewRoot("r", kt, pki.Rand(random), pki.Clock(atNoon))
		return bytes.Join(root.Client("c", kt, pki.WrongSigner()).Presented(), root.DER())
	}
	for _, kt := range []pki.KeyType{pki.P256, pki.P384, pki.P521, pki.RSA2048, pki.Ed25519} {
		t.Run(kt.String(), func(t *testing.T) {
			assert.Equal(t, mint(1, kt), mint(1, kt))
			assert.NotEqual(t, mint(1, kt), mint(2, kt))
		})
	}
	_, err := pki.Create(nil, pki.CA, "r", pki.Rand(strings.NewReader("too short")))
	assert.ErrorContains(t, err, "making a key: unexpected EOF")
	_, err = pki.Create(nil, pki.CA, "r", pki.Rand(zeros{}))
	assert.ErrorContains(t, err, "no usable key")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestSerial(t *testing.T) {
	root := pki.NewRoot("r", pki.Clock(atNoon))
	assert.Equal(t, "4711", root.Client("c", pki.Serial(big.NewInt(4711))).X509().SerialNumber.String())
	seen := map[string]bool{}
	for range 50 {
		n := root.Client("c").X509().SerialNumber
		assert.Equal(t, 127, n.BitLen())
		assert.False(t, seen[n.String()])
		seen[n.String()] = true
	}
	for _, bad := range []*big.Int{nil, big.NewInt(0), big.NewInt(-1), new(big.Int).Lsh(big.NewInt(1), 159)} {
		_, err := pki.Create(root, pki.Client, "c", pki.Serial(bad))
		assert.ErrorContains(t, err, "a serial number is positive and has 159 bits at most")
	}
}

func TestCreateSaysWhatIsWrong(t *testing.T) {
	root := pki.NewRoot("r", pki.Clock(atNoon))
	leaf := root.Client("c")
	cases := []struct {
		name    string
		issuer  *pki.Certificate
		role    pki.Role
		option  pki.Option
		message string
	}{
		{"leaf without issuer", nil, pki.Client, pki.P256, "a certificate that is not a root needs an issuer, or the defect self-signed"},
		{"leaf as issuer", leaf, pki.Client, pki.P256, `the issuer "c" is not a CA`},
		{"role", root, pki.Role(7), pki.P256, "unknown role 7"},
		{"subject", root, pki.Client, pki.Subject("CN=x, Y"), `subject "CN=x, Y": column 7: expected ATTRIBUTE=value, found "Y"`},
		{"host name", root, pki.Server, pki.DNS("a b"), `"a b" is not a host name`},
		{"address", root, pki.Server, pki.IP(nil), "not an IP address"},
		{"path length of a leaf", root, pki.Client, pki.PathLen(0), "only a CA has a path length"},
		{"path length", root, pki.CA, pki.PathLen(-1), "expected 0 or more"},
		{"usage", root, pki.Client, pki.Usage(99), "is not supported"},
		{"lifetime", root, pki.Client, pki.ValidFor(0), "valid for 0s: expected a second at least"},
		{"signature of an Ed25519 key", nil, pki.CA, both(pki.Ed25519, pki.WithDefect("sha1")), "no signature algorithm for SHA-1"},
		{"root signed by another", nil, pki.CA, pki.WrongSigner(), "a root has no other signer than itself"},
		{"no common name", root, pki.Client, both(pki.Subject("O=Example"), pki.TrailingSpaceCN()), "the subject has no common name"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			made, err := pki.Create(c.issuer, c.role, "x", options(c.option)...)
			require.ErrorContains(t, err, c.message)
			assert.Nil(t, made)
		})
	}
	_, err := pki.Create(nil, pki.Client, "alone", pki.SelfSigned())
	assert.NoError(t, err)
	assert.PanicsWithError(t, `pki: making certificate "x": unknown defect "expird"; did you mean "expired"?`,
		func() { root.Client("x", pki.WithDefect("expird")) })
}

type pair struct {
	pki.Option
	second pki.Option
}

func both(a, b pki.Option) pki.Option { return pair{a, b} }

func options(o pki.Option) []pki.Option {
	if p, ok := o.(pair); ok {
		return []pki.Option{p.Option, p.second}
	}
	return []pki.Option{o}
}

func TestTwinIsARenewal(t *testing.T) {
	root := pki.NewRoot("r", pki.Clock(atNoon))
	old := root.Client("warehouse", pki.Subject(`CN=warehouse\ , O=Example`), pki.Usage(x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth), pki.DNS("a.example"))
	renewed := old.Twin("warehouse-renewed")
	assert.Equal(t, "warehouse-renewed", renewed.Name())
	assert.Empty(t, differences(old.X509(), renewed.X509()))
	assert.NotEqual(t, old.X509().SerialNumber, renewed.X509().SerialNumber)
	assert.NotEqual(t, old.X509().RawSubjectPublicKeyInfo, renewed.X509().RawSubjectPublicKeyInfo)

	expired := old.Twin("x", pki.Expired())
	assert.Empty(t, differences(old.X509(), expired.Twin("y").X509()), "a defect is not passed on")
}

func TestCrossSign(t *testing.T) {
	oldRoot, newRoot := pki.NewRoot("Old Root", pki.Clock(atNoon)), pki.NewRoot("New Root", pki.Clock(atNoon))
	issuing := oldRoot.Intermediate("Issuing CA")
	cross := issuing.CrossSign(newRoot)
	assert.Equal(t, "Issuing CA-by-New Root", cross.Name())
	assert.Equal(t, issuing.X509().RawSubject, cross.X509().RawSubject)
	assert.Equal(t, issuing.X509().RawSubjectPublicKeyInfo, cross.X509().RawSubjectPublicKeyInfo)
	assert.Equal(t, issuing.X509().SubjectKeyId, cross.X509().SubjectKeyId)
	assert.Equal(t, issuing.Key(), cross.Key())

	leaf := issuing.Client("c")
	overCross := [][]byte{leaf.DER(), cross.DER()}
	code, _ := verdict(t, overCross, raw(newRoot))
	assert.Zero(t, code)
	code, _ = verdict(t, overCross, raw(oldRoot))
	assert.Equal(t, 20, code)
	code, _ = verdict(t, cross.Client("d").Presented(), raw(newRoot))
	assert.Zero(t, code)

	// A root that another one signs is an intermediate then.
	bridge := oldRoot.CrossSign(newRoot)
	code, _ = verdict(t, append(leaf.Presented(), bridge.DER()), raw(newRoot))
	assert.Zero(t, code)
	assert.Equal(t, newRoot.X509().SubjectKeyId, bridge.X509().AuthorityKeyId)
	assert.Len(t, bridge.Chain(), 1)
}

func TestExtensionOption(t *testing.T) {
	oid := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 9}
	c := pki.NewRoot("r").Client("c", pki.Extension(pkix.Extension{Id: oid, Value: []byte{5, 0}})).X509()
	last := c.Extensions[len(c.Extensions)-1]
	assert.Equal(t, pkix.Extension{Id: oid, Value: []byte{5, 0}}, last)
	assert.Empty(t, pki.NewRoot("r").Client("c", pki.Usage()).X509().ExtKeyUsage)
}

func TestTLSHandshake(t *testing.T) {
	root := pki.NewRoot("r")
	issuing := root.Intermediate("i")
	server, client := issuing.Server("gateway.example"), issuing.Client("warehouse")
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	result := make(chan error, 1)
	side := tls.Server(far, &tls.Config{
		Certificates: []tls.Certificate{server.TLSCertificate()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(root.X509()),
	})
	go func() { result <- side.Handshake() }()
	other := tls.Client(near, &tls.Config{
		Certificates: []tls.Certificate{client.TLSCertificate()}, RootCAs: pool(root.X509()), ServerName: "gateway.example",
	})
	require.NoError(t, other.Handshake())
	require.NoError(t, <-result)
	assert.Equal(t, client.DER(), side.ConnectionState().PeerCertificates[0].Raw)
	assert.Same(t, client.X509(), client.TLSCertificate().Leaf)
}

func TestConcurrentUse(t *testing.T) {
	root := pki.NewRoot("r", pki.Rand(mathrand.NewChaCha8([32]byte{})), pki.Clock(atNoon))
	issuing := root.Intermediate("i")
	var wg sync.WaitGroup
	serials := make([]*big.Int, 8)
	for i := range serials {
		wg.Go(func() { serials[i] = issuing.Client("c", pki.RootExpired()).X509().SerialNumber })
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, n := range serials {
		assert.False(t, seen[n.String()])
		seen[n.String()] = true
	}
}
