package request_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/request"
)

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// newRequest is a request for a subject, with whatever else the template says.
func newRequest(t testing.TB, key crypto.Signer, subject string, template x509.CertificateRequest) []byte {
	t.Helper()
	if subject != "" {
		dn, err := pki.ParseDN(subject)
		require.NoError(t, err)
		template.RawSubject, err = dn.Marshal()
		require.NoError(t, err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	require.NoError(t, err)
	return der
}

func armoured(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func kinds(r *request.Request) []request.Kind {
	var out []request.Kind
	for _, f := range r.Findings() {
		out = append(out, f.Kind)
	}
	return out
}

func TestGoodRequestHasNoFindings(t *testing.T) {
	der := newRequest(t, newKey(t), "CN=warehouse, O=Example, C=DE", x509.CertificateRequest{DNSNames: []string{"warehouse.example"}})
	r, err := request.Parse(armoured("CERTIFICATE REQUEST", der))
	require.NoError(t, err)
	assert.Equal(t, der, r.Raw)
	assert.Empty(t, r.Findings())
	assert.Equal(t, request.Asks{
		Subject: "CN=warehouse, O=Example, C=DE", Trace: "C=DE, O=Example, CN=warehouse",
		Key: "EC P-256", Signature: "SHA-256 with ECDSA", DNS: []string{"warehouse.example"},
	}, r.Asks())
}

// The same request in each wrapping that it arrives in.
func TestWrappings(t *testing.T) {
	der := newRequest(t, newKey(t), "CN=warehouse", x509.CertificateRequest{})
	text := string(armoured("CERTIFICATE REQUEST", der))
	utf := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		utf = append(utf, byte(u), byte(u>>8))
	}
	for name, data := range map[string]string{
		"PEM":             text,
		"NEW":             string(armoured("NEW CERTIFICATE REQUEST", der)),
		"CRLF":            strings.ReplaceAll(text, "\n", "\r\n"),
		"DER":             string(der),
		"base64":          base64.StdEncoding.EncodeToString(der),
		"base64 in lines": strings.Join(strings.Split(text, "\n")[1:strings.Count(text, "\n")-1], "\n"),
		"mail":            "Dear CA team,\n\nplease sign:\n\n    " + strings.ReplaceAll(text, "\n", "  \n    ") + "\nKind regards\n",
		"BOM":             "\xef\xbb\xbf" + text,
		"UTF-16":          string(utf),
		"no line end":     strings.TrimSpace(text),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := request.Parse([]byte(data))
			require.NoError(t, err)
			assert.Equal(t, der, r.Raw)
		})
	}
}

func TestMistakesSayWhatWasFound(t *testing.T) {
	key := newKey(t)
	der := newRequest(t, key, "CN=warehouse", x509.CertificateRequest{})
	text := string(armoured("CERTIFICATE REQUEST", der))
	root := pki.NewRoot("Example Root CA")
	private, err := keystore.KeyPEM(root.Key())
	require.NoError(t, err)
	other := newRequest(t, newKey(t), "CN=other", x509.CertificateRequest{})
	for name, c := range map[string]struct{ data, message string }{
		"empty":             {"", "the file is empty; expected a certificate signing request"},
		"blank":             {" \n", "the file is empty; expected a certificate signing request"},
		"text":              {"Hello there, world", `found text that begins with "Hello there, world", neither PEM nor DER; expected a certificate signing request`},
		"certificate":       {string(keystore.CertificatePEM(root)), "found a certificate, expected a certificate signing request"},
		"certificate, DER":  {string(root.DER()), "found a certificate, expected a certificate signing request"},
		"key":               {string(private), "found a private key, expected a certificate signing request"},
		"cut off":           {text[:len(text)/2], "the PEM is cut off or damaged: 1 blocks begin, 0 can be read; expected a certificate signing request"},
		"DER cut off":       {string(der[:len(der)-10]), "cut off or damaged"},
		"two":               {text + string(armoured("CERTIFICATE REQUEST", other)), "found 2 certificate signing requests, expected one"},
		"block of nonsense": {string(armoured("CERTIFICATE REQUEST", []byte("nonsense"))), "the certificate signing request is damaged or not supported"},
		"too large":         {strings.Repeat("x", request.MaxSize+1), "expected a certificate signing request, 1048576 at most"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := request.Parse([]byte(c.data))
			require.ErrorContains(t, err, c.message)
			assert.NotContains(t, err.Error(), "MII")
		})
	}
}

// Who has not got the private key cannot make the request.
func TestProofOfPossession(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"EC": newKey(t), "RSA": newRSA(t, 2048)} {
		t.Run(name, func(t *testing.T) {
			der := newRequest(t, key, "CN=warehouse", x509.CertificateRequest{})
			_, err := request.ParseDER(der)
			require.NoError(t, err, "positive control")
			changed := bytes.Replace(der, []byte("warehouse"), []byte("warehousf"), 1)
			_, err = request.ParseDER(changed)
			assert.ErrorIs(t, err, request.ErrNotSignedByItsKey)
			// The signature of another key.
			parsed, err := x509.ParseCertificateRequest(der)
			require.NoError(t, err)
			forged := signed(t, newRSA(t, 2048), crypto.SHA256, parsed.RawTBSCertificateRequest, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11})
			_, err = request.ParseDER(forged)
			assert.ErrorIs(t, err, request.ErrNotSignedByItsKey)
		})
	}
}

func newRSA(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return key
}

// signed puts a signature under the signed part of a request.
func signed(t testing.TB, key *rsa.PrivateKey, hash crypto.Hash, tbs []byte, algorithm asn1.ObjectIdentifier) []byte {
	t.Helper()
	h := hash.New()
	h.Write(tbs)
	signature, err := rsa.SignPKCS1v15(nil, key, hash, h.Sum(nil))
	require.NoError(t, err)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(algorithm)
			b.AddASN1NULL()
		})
		b.AddASN1BitString(signature)
	})
	return b.BytesOrPanic()
}

// tbs is the signed part of a request with attributes of one's own.
func tbs(t testing.TB, key crypto.Signer, attributes func(b *cryptobyte.Builder)) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	name, err := pki.DN{{{Type: "2.5.4.3", Value: "warehouse"}}}.Marshal()
	require.NoError(t, err)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddBytes(name)
		b.AddBytes(spki)
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), attributes)
	})
	return b.BytesOrPanic()
}

func attribute(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, value func(b *cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(cbasn1.SET, value)
	})
}

func TestWhatIsAskedForInEitherWay(t *testing.T) {
	key := newRSA(t, 2048)
	names, err := asn1.Marshal([]asn1.RawValue{
		{Class: asn1.ClassContextSpecific, Tag: 2, Bytes: []byte("warehouse.example")},
		{Class: asn1.ClassContextSpecific, Tag: 7, Bytes: []byte{192, 0, 2, 1}},
		{Class: asn1.ClassContextSpecific, Tag: 1, Bytes: []byte("a@warehouse.example")},
		{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte("urn:warehouse")},
		{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: []byte{6, 1, 42}},
	})
	require.NoError(t, err)
	usages, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 1}, {1, 2, 3, 4}})
	require.NoError(t, err)
	extensions, err := asn1.Marshal([]pkix.Extension{
		{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: names},
		{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: []byte{3, 2, 5, 0xa0}},
		{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Value: usages},
		{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}},
		{Id: asn1.ObjectIdentifier{2, 5, 29, 14}, Value: []byte{4, 1, 1}},
	})
	require.NoError(t, err)
	for way, oid := range map[string]asn1.ObjectIdentifier{
		"PKCS#9": {1, 2, 840, 113549, 1, 9, 14}, "Microsoft": {1, 3, 6, 1, 4, 1, 311, 2, 1, 14},
	} {
		t.Run(way, func(t *testing.T) {
			der := signed(t, key, crypto.SHA256, tbs(t, key, func(b *cryptobyte.Builder) {
				attribute(b, oid, func(b *cryptobyte.Builder) { b.AddBytes(extensions) })
				attribute(b, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte("s3cr3t")) })
				})
				attribute(b, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 13, 2, 3}, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte("10.0")) })
				})
			}), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11})
			r, err := request.ParseDER(der)
			require.NoError(t, err)
			assert.Equal(t, request.Asks{
				Subject: "CN=warehouse", Trace: "CN=warehouse", Key: "RSA 2048", Signature: "SHA-256 with RSA",
				DNS: []string{"warehouse.example"}, IP: []string{"192.0.2.1"}, Email: []string{"a@warehouse.example"},
				URI: []string{"urn:warehouse"}, OtherNames: 1,
				KeyUsage: []string{"digitalSignature", "keyEncipherment"}, Usage: []string{"serverAuth", "1.2.3.4"}, CA: true,
				Extensions: []string{"2.5.29.14"}, Attributes: []string{"1.3.6.1.4.1.311.13.2.3"}, ChallengePassword: true,
			}, r.Asks())
			assert.Equal(t, []string{"warehouse.example"}, r.DNSNames)
			assert.Equal(t, []request.Kind{request.NotForClients, request.AsksForCA}, kinds(r))
		})
	}
}

func TestFindings(t *testing.T) {
	key := newKey(t)
	for name, c := range map[string]struct {
		subject string
		want    []request.Kind
	}{
		"good":            {"CN=warehouse, C=DE", nil},
		"trailing space":  {`CN=warehouse\ , C=DE`, []request.Kind{request.TrailingSpace}},
		"empty CN":        {"CN=, C=DE", []request.Kind{request.NoCommonName}},
		"only a space":    {`CN=\ , C=DE`, []request.Kind{request.NoCommonName}},
		"no CN":           {"O=Example, C=DE", []request.Kind{request.NoCommonName}},
		"two CNs":         {"CN=warehouse, CN=b, C=DE", []request.Kind{request.SeveralCNs}},
		"the other order": {"C=DE, O=Example, CN=warehouse", []request.Kind{request.OtherOrder}},
		"nothing":         {"", []request.Kind{request.EmptyName}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := request.ParseDER(newRequest(t, key, c.subject, x509.CertificateRequest{}))
			require.NoError(t, err)
			assert.Equal(t, c.want, kinds(r))
		})
	}
	t.Run("weak", func(t *testing.T) {
		weak := newRSA(t, 1024)
		for oid, hash := range map[int]crypto.Hash{4: crypto.MD5, 5: crypto.SHA1} {
			der := signed(t, weak, hash, tbs(t, weak, func(*cryptobyte.Builder) {}), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, oid})
			r, err := request.ParseDER(der)
			require.NoError(t, err, hash)
			assert.Equal(t, []request.Kind{request.WeakKeyPair, request.WeakSignature}, kinds(r), hash)
		}
	})
}

func TestLimits(t *testing.T) {
	key := newKey(t)
	names := make([]string, 1001)
	for i := range names {
		names[i] = "a.example"
	}
	_, err := request.ParseDER(newRequest(t, key, "CN=a", x509.CertificateRequest{DNSNames: names}))
	assert.ErrorContains(t, err, "asks for more than 1000 alternative names")
	_, err = request.ParseDER(newRequest(t, key, "CN=a", x509.CertificateRequest{DNSNames: names[:1000]}))
	assert.NoError(t, err)
	_, err = request.ParseDER(make([]byte, 64<<10+1))
	assert.ErrorContains(t, err, "expected 65536 at most")
}

// A request that was damaged in one byte is refused, whatever byte that is.
func TestDamagedRequestIsRefused(t *testing.T) {
	der := newRequest(t, newKey(t), "CN=warehouse, O=Example, C=DE", x509.CertificateRequest{DNSNames: []string{"warehouse.example"}})
	sum := sha256.Sum256(der)
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(der)
		changed[rapid.IntRange(0, len(der)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		r, err := request.ParseDER(changed)
		if err == nil {
			// The only parts that nothing signs: a signature has no second form.
			t.Fatalf("accepted: %+v", r.Asks())
		}
	})
	assert.Equal(t, sum, sha256.Sum256(der))
}

func FuzzParse(f *testing.F) {
	key := newKey(f)
	der := newRequest(f, key, "CN=warehouse", x509.CertificateRequest{DNSNames: []string{"warehouse.example"}})
	f.Add(der)
	f.Add(armoured("NEW CERTIFICATE REQUEST", der))
	f.Add([]byte(base64.StdEncoding.EncodeToString(der)))
	f.Add(tbs(f, key, func(b *cryptobyte.Builder) {
		attribute(b, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 14}, func(*cryptobyte.Builder) {})
	}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := request.Parse(data)
		if err != nil {
			return
		}
		again, err := request.ParseDER(r.Raw)
		require.NoError(t, err)
		assert.Equal(t, r.Asks(), again.Asks())
		r.Findings()
	})
}
