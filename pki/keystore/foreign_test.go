package keystore_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	"software.sslmate.com/src/go-pkcs12"
)

func TestReadWhatOpenSSLWrote(t *testing.T) {
	t.Parallel()
	_, issuing, leaf := chain()
	dir := t.TempDir()
	_, err := keystore.Write(dir, leaf, keystore.Options{})
	require.NoError(t, err)
	at := func(suffix string) string { return filepath.Join(dir, "warehouse"+suffix) }
	export := []string{"pkcs12", "-export", "-inkey", at(".key"), "-in", at("-chain.pem"), "-passout", "pass:" + password, "-name", "Ärger"}
	for name, extra := range map[string][]string{
		"modern": nil,
		"sha1":   {"-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"},
		"legacy": {"-legacy"},
		"rc2":    {"-legacy", "-keypbe", "PBE-SHA1-RC2-128", "-certpbe", "PBE-SHA1-RC2-40"},
		"sha512": {"-macalg", "sha512", "-iter", "600000"},
		"no MAC": {"-nomac"},
		"plain":  {"-keypbe", "NONE", "-certpbe", "NONE"},
	} {
		out := filepath.Join(dir, name+".p12")
		tool(t, "openssl", append(append(slices.Clone(export), extra...), "-out", out)...)
		s, err := keystore.Read(readFile(t, out), password)
		require.NoError(t, err, name)
		assert.Equal(t, leaf.Presented(), s.RawChain, name)
		assert.Equal(t, leaf.Presented(), s.Presented, name)
		assert.Equal(t, "Ärger", s.Entries[0].Alias, name)
		_, err = keystore.Read(readFile(t, out), "wrong")
		assert.ErrorIs(t, err, keystore.ErrWrongPassword, name)
	}
	greedy := filepath.Join(dir, "greedy.p12")
	tool(t, "openssl", append(export, "-iter", "1000001", "-out", greedy)...)
	_, err = keystore.Read(readFile(t, greedy), password)
	assert.EqualError(t, err, "the PKCS#12 file asks for more than 1000000 iterations")

	crl := revoked(t, issuing)
	require.NoError(t, os.WriteFile(at(".crl"), block("X509 CRL", crl), 0o600))
	for _, form := range []string{"PEM", "DER"} {
		tool(t, "openssl", "crl2pkcs7", "-in", at(".crl"), "-certfile", at("-chain.pem"), "-outform", form, "-out", at(".p7"))
		s, err := keystore.Read(readFile(t, at(".p7")), "")
		require.NoError(t, err, form)
		assert.Equal(t, keystore.PKCS7Format, s.Format)
		assert.Equal(t, leaf.Presented(), s.Presented)
		assert.Equal(t, [][]byte{crl}, s.CRLs())
	}
	// Other names of the same, and signed data that streams, which is BER.
	data := readFile(t, at(".p7b"))
	for _, kind := range []string{"PKCS7", "PKCS #7 SIGNED DATA", "CMS", "CERTIFICATE"} {
		s, err := keystore.Read(block(kind, data), "")
		require.NoError(t, err, kind)
		assert.Len(t, s.Presented, 3)
	}
	require.NoError(t, os.WriteFile(at("-issuing.pem"), keystore.CertificatePEM(issuing), 0o600))
	tool(t, "openssl", "cms", "-sign", "-stream", "-nodetach", "-in", at(".pem"), "-signer", at(".pem"), "-inkey", at(".key"), "-certfile", at("-issuing.pem"),
		"-outform", "DER", "-out", at(".cms"))
	require.Equal(t, []byte{0x30, 0x80}, readFile(t, at(".cms"))[:2], "expected BER, to see that it is read")
	s, err := keystore.Read(readFile(t, at(".cms")), "")
	require.NoError(t, err)
	assert.Equal(t, leaf.Presented(), s.RawChain)

	tool(t, "openssl", "x509", "-in", at(".pem"), "-trustout", "-addtrust", "clientAuth", "-out", at("-trusted.pem"))
	s, err = keystore.Read(readFile(t, at("-trusted.pem")), "")
	require.NoError(t, err)
	assert.Equal(t, [][]byte{leaf.DER()}, s.Presented)
}

func TestReadWhatKeytoolWrote(t *testing.T) {
	t.Parallel()
	root, issuing, leaf := chain()
	other := issuing.Client("other")
	dir := t.TempDir()
	_, err := keystore.Write(dir, root, keystore.Options{})
	require.NoError(t, err)
	for _, kind := range []string{"PKCS12", "JKS"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			trust := filepath.Join(dir, "trust."+kind)
			tool(t, "keytool", "-importcert", "-noprompt", "-alias", "root", "-file", filepath.Join(dir, "example-root.cer"),
				"-storetype", kind, "-keystore", trust, "-storepass", password)
			s, err := keystore.Read(readFile(t, trust), password)
			require.NoError(t, err)
			assert.Nil(t, s.Key)
			assert.Equal(t, [][]byte{root.DER()}, s.RawChain)
			assert.Equal(t, "root", s.Entries[0].Alias)

			target := filepath.Join(dir, "target."+kind)
			for _, c := range []*pki.Certificate{leaf, other} {
				source := writeTemp(t, "source.p12", encoded(t, c, keystore.PKCS12File))
				tool(t, "keytool", "-importkeystore", "-noprompt", "-srckeystore", source, "-srcstorepass", password, "-srcstoretype", "PKCS12",
					"-destkeystore", target, "-deststoretype", kind, "-deststorepass", password)
				if c == leaf {
					s, err := keystore.Read(readFile(t, target), password)
					require.NoError(t, err)
					assert.Equal(t, leaf.Presented(), s.RawChain)
				}
			}
			tool(t, "keytool", "-importcert", "-noprompt", "-alias", "root", "-file", filepath.Join(dir, "example-root.cer"),
				"-storetype", kind, "-keystore", target, "-storepass", password)
			severalEntries(t, readFile(t, target), root, leaf, other)
		})
	}
}

// severalEntries reads a store with two keys and a trusted root.
func severalEntries(t *testing.T, data []byte, root, leaf, other *pki.Certificate) {
	_, err := keystore.Read(data, password)
	require.ErrorContains(t, err, "found 2 private keys, expected one; choose an entry by its alias (")
	assert.ErrorContains(t, err, `"warehouse"`)
	assert.ErrorContains(t, err, `"other"`)
	for alias, c := range map[string]*pki.Certificate{"warehouse": leaf, "OTHER": other} {
		s, err := keystore.ReadEntry(data, password, alias)
		require.NoError(t, err)
		assert.Equal(t, c.Key().Public(), s.Key.Public())
		assert.Equal(t, c.Presented(), s.Presented)
		assert.Equal(t, c.Presented(), s.RawChain)
		require.Len(t, s.Entries, 3)
	}
	s, err := keystore.ReadEntry(data, password, "root")
	require.NoError(t, err)
	assert.Nil(t, s.Key)
	assert.Equal(t, [][]byte{root.DER()}, s.RawChain)
	_, err = keystore.ReadEntry(data, password, "nobody")
	assert.ErrorContains(t, err, `found no entry with the alias "nobody", expected one of "`)
	_, err = keystore.ReadEntry(data, password, "")
	assert.ErrorContains(t, err, "found 2 private keys")

	s, err = keystore.Inspect(data, password)
	require.NoError(t, err)
	kinds := map[string]keystore.EntryKind{}
	for _, e := range s.Entries {
		kinds[e.Alias] = e.Kind
		assert.False(t, e.Created.IsZero() && e.Key != nil)
	}
	assert.Equal(t, map[string]keystore.EntryKind{"warehouse": keystore.KeyPairEntry, "other": keystore.KeyPairEntry, "root": keystore.CertificateEntry}, kinds)
	assert.Nil(t, s.Key)
	assert.Nil(t, s.Chain)
}

func encoded(t testing.TB, c *pki.Certificate, e keystore.Export) []byte {
	t.Helper()
	data, err := keystore.Encode(c, e, keystore.Options{Password: password})
	require.NoError(t, err)
	return data
}

// Java lets certificates of a JKS file be read without its password.
func TestTrustStoreWithoutPassword(t *testing.T) {
	root, _, leaf := chain()
	s, err := keystore.Read(encoded(t, leaf, keystore.JKSTrustFile), "")
	require.NoError(t, err)
	assert.Equal(t, [][]byte{root.DER()}, s.Presented)
}

// What the known library writes and reads is the same as ours.
func TestSameAsLibrary(t *testing.T) {
	t.Parallel()
	for _, keyType := range keyTypes {
		_, _, leaf := chain(keyType)
		for name, encoder := range map[string]*pkcs12.Encoder{
			"LegacyRC2": pkcs12.LegacyRC2, "LegacyDES": pkcs12.LegacyDES, "Modern2023": pkcs12.Modern2023, "Modern2026": pkcs12.Modern2026, "Passwordless": pkcs12.Passwordless,
		} {
			secret := password
			if name == "Passwordless" {
				secret = ""
			}
			data, err := encoder.Encode(leaf.Key(), leaf.X509(), leaf.Chain()[1:], secret)
			require.NoError(t, err)
			s, err := keystore.Read(data, secret)
			require.NoError(t, err, name)
			assert.Equal(t, leaf.Presented(), s.Presented, name)
			assert.Equal(t, leaf.Key(), s.Key, name)
			if secret != "" {
				_, err = keystore.Read(data, "")
				assert.ErrorIs(t, err, keystore.ErrPasswordNeeded, name)
			}
		}
		// An empty password is none for some, an empty string for others.
		data, err := pkcs12.LegacyDES.Encode(leaf.Key(), leaf.X509(), nil, "")
		require.NoError(t, err)
		s, err := keystore.Read(data, "")
		require.NoError(t, err)
		assert.Equal(t, leaf.Key(), s.Key)

		for _, e := range []keystore.Export{keystore.PKCS12File, keystore.LegacyPKCS12File} {
			key, certificate, others, err := pkcs12.DecodeChain(encoded(t, leaf, e), password)
			require.NoError(t, err)
			assert.Equal(t, leaf.Key(), key)
			assert.Equal(t, leaf.DER(), certificate.Raw)
			assert.Len(t, others, 1)
		}
		roots, err := pkcs12.DecodeTrustStore(encoded(t, leaf, keystore.PKCS12TrustFile), password)
		require.NoError(t, err)
		assert.Equal(t, leaf.Root().DER(), roots[0].Raw)
	}
}

// Windows puts the certificate of the key last, and no order into the rest.
func TestCertificateOfKeyStandsAnywhere(t *testing.T) {
	root, issuing, leaf := chain()
	data, err := pkcs12.Modern.Encode(leaf.Key(), root.X509(), []*x509.Certificate{issuing.X509(), leaf.X509()}, password)
	require.NoError(t, err)
	s, err := keystore.Read(data, password)
	require.NoError(t, err)
	assert.Equal(t, [][]byte{leaf.DER(), issuing.DER(), root.DER()}, s.RawChain)
	assert.Equal(t, [][]byte{leaf.DER(), root.DER(), issuing.DER()}, s.Presented)

	_, _, foreign := chain()
	data, err = pkcs12.Modern.Encode(foreign.Key(), leaf.X509(), nil, password)
	require.NoError(t, err)
	_, err = keystore.Read(data, password)
	assert.EqualError(t, err, "the private key belongs to none of the certificates (1)")
	s, err = keystore.Inspect(data, password)
	require.NoError(t, err)
	require.Len(t, s.Entries, 2)
	assert.Equal(t, keystore.PrivateKeyEntry, s.Entries[0].Kind)
}

func TestRequestsAndCRLs(t *testing.T) {
	_, issuing, leaf := chain()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"x"}}, leaf.Key())
	require.NoError(t, err)
	crl := revoked(t, issuing)
	for name, data := range map[string][]byte{
		"DER": csr, "PEM": block("CERTIFICATE REQUEST", csr), "new": block("NEW CERTIFICATE REQUEST", csr), "base64": []byte(base64.StdEncoding.EncodeToString(csr)),
	} {
		s, err := keystore.Read(data, "")
		require.NoError(t, err, name)
		assert.Equal(t, [][]byte{csr}, s.Requests(), name)
		assert.Nil(t, s.Chain)
		_, err = keystore.ReadCertificates(data, "")
		assert.EqualError(t, err, "found a certificate signing request, expected a certificate", name)
	}
	for name, data := range map[string][]byte{"DER": crl, "PEM": block("X509 CRL", crl)} {
		s, err := keystore.Read(data, "")
		require.NoError(t, err, name)
		assert.Equal(t, [][]byte{crl}, s.CRLs(), name)
		_, err = keystore.ReadCertificates(data, "")
		assert.EqualError(t, err, "found a certificate revocation list (CRL), expected a certificate", name)
	}
	s, err := keystore.ReadCertificates(slices.Concat(block("X509 CRL", crl), keystore.CertificatePEM(leaf), block("CERTIFICATE REQUEST", csr)), "")
	require.NoError(t, err)
	var kinds []keystore.EntryKind
	for _, e := range s.Entries {
		kinds = append(kinds, e.Kind)
	}
	assert.Equal(t, []keystore.EntryKind{keystore.CRLEntry, keystore.CertificateEntry, keystore.RequestEntry}, kinds)
}

// Text arrives in many coats.
func TestText(t *testing.T) {
	_, _, leaf := chain()
	utf16LE := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(string(keystore.CertificatePEM(leaf)))) {
		utf16LE = binary.LittleEndian.AppendUint16(utf16LE, unit)
	}
	bare := base64.StdEncoding.EncodeToString(leaf.DER())
	p7b := base64.StdEncoding.EncodeToString(encoded(t, leaf, keystore.PKCS7File))
	for name, data := range map[string][]byte{
		"UTF-16": utf16LE, "byte order mark": append([]byte("\xef\xbb\xbf"), keystore.CertificatePEM(leaf)...),
		"base64": []byte(bare), "base64 in lines": []byte(bare[:64] + "\r\n" + bare[64:] + "\r\n"), "PKCS#7 in base64": []byte(p7b),
	} {
		s, err := keystore.Read(data, "")
		require.NoError(t, err, name)
		assert.Equal(t, leaf.DER(), s.Presented[0], name)
	}
}

func TestEncryptedKeyWithCertificates(t *testing.T) {
	_, _, leaf := chain()
	s, err := keystore.Read(slices.Concat(encoded(t, leaf, keystore.EncryptedKeyFile), keystore.ChainPEM(leaf)), password)
	require.NoError(t, err)
	assert.Equal(t, leaf.Key(), s.Key)
	assert.Equal(t, leaf.Presented(), s.RawChain)
	b, _ := pem.Decode(encoded(t, leaf, keystore.EncryptedKeyFile))
	s, err = keystore.Read(b.Bytes, password)
	require.NoError(t, err)
	assert.Equal(t, leaf.Key(), s.Key)
}

func TestLimits(t *testing.T) {
	_, _, leaf := chain()
	many := slices.Repeat([][]byte{leaf.DER()}, 1001)
	p7b, err := keystore.EncodePKCS7ForTest(many)
	require.NoError(t, err)
	p12, err := keystore.EncodePKCS12ForTest(leaf.Key(), many, password)
	require.NoError(t, err)
	jks, err := keystore.EncodeJKSForTest(leaf.Key(), many, password)
	require.NoError(t, err)
	for _, data := range [][]byte{p7b, p12, jks} {
		_, err := keystore.Read(data, password)
		assert.ErrorContains(t, err, "found more than 1000 certificates")
	}
	_, err = keystore.Read(bytes.Repeat(block("PRIVATE KEY", pkcs8(t, leaf)), 101), "")
	assert.EqualError(t, err, "found more than 100 private keys")
	// Lengths that a JKS file announces are not believed.
	jks = encoded(t, leaf, keystore.JKSFile)
	for _, at := range []int{8, 12 + 4 + 2 + len("warehouse") + 8} { // entries, bytes of the key
		hostile := bytes.Clone(jks)
		binary.BigEndian.PutUint32(hostile[at:], 0xffffffff)
		_, err := keystore.Read(hostile, password)
		assert.Error(t, err)
	}
	long := bytes.Clone(jks[:16])
	long = binary.BigEndian.AppendUint16(long, 1001)
	long = append(long, strings.Repeat("x", 1001)...)
	long = append(long, jks[16+2+len("warehouse"):]...)
	_, err = keystore.Read(long, password)
	assert.EqualError(t, err, "opening the JKS file: found an alias of 1001 bytes, expected 1000 at most")
}

// The order of a PEM file is the order in which its certificates are presented, whatever it is,
// and putting them into order loses none.
func TestOrderOfPEM(t *testing.T) {
	root, issuing, leaf := chain()
	pool := [][]byte{root.DER(), issuing.DER(), leaf.DER(), pki.NewRoot("foreign").DER(), oddCertificate(t, leaf)}
	key, err := keystore.KeyPEM(leaf.Key())
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		chosen := rapid.SliceOfN(rapid.SampledFrom(pool), 1, 12).Draw(t, "certificates")
		at := rapid.IntRange(-1, len(chosen)).Draw(t, "key at")
		own := slices.ContainsFunc(chosen, func(der []byte) bool { return bytes.Equal(der, leaf.DER()) || bytes.Equal(der, pool[4]) })
		var data []byte
		for i := 0; i <= len(chosen); i++ {
			if i == at && own {
				data = append(data, key...)
			}
			if i < len(chosen) {
				data = append(data, block("CERTIFICATE", chosen[i])...)
			}
		}
		s, err := keystore.Read(data, "")
		require.NoError(t, err)
		require.Equal(t, chosen, s.Presented)
		require.ElementsMatch(t, chosen, s.RawChain)
		require.Equal(t, at >= 0 && own, s.Key != nil)
		if s.Key != nil && s.Leaf().PublicKey != nil {
			require.Equal(t, leaf.DER(), s.Leaf().Raw)
		}
	})
}

func FuzzRead(f *testing.F) {
	_, issuing, leaf := chain()
	o := keystore.Options{Password: "secret", CRL: revoked(f, issuing), Rand: seeded(), Now: clock}
	o.Exports = keystore.PossibleExports(leaf, o)
	files, err := keystore.Files(leaf, o)
	require.NoError(f, err)
	for _, file := range files {
		f.Add(file.Data)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, leaf.Key())
	require.NoError(f, err)
	for _, seed := range [][]byte{nil, csr, {0x30, 0x80}, {0x30, 0x03, 0x02, 0x01, 0x03}, []byte("-----BEGIN CERTIFICATE-----\n"), {0xfe, 0xed, 0xfe, 0xed},
		[]byte(base64.StdEncoding.EncodeToString(leaf.DER())), {0xff, 0xfe, '-', 0}, {0x30, 0x80, 0x24, 0x80, 4, 1, 1, 0, 0, 0, 0}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := keystore.Read(data, "secret")
		if err != nil {
			require.Nil(t, s)
			require.Less(t, len(err.Error()), 1000)
			_, _ = keystore.Inspect(data, "secret")
			return
		}
		require.NotEmpty(t, s.Entries)
		require.NotEmpty(t, s.Format)
		require.Len(t, s.RawChain, len(s.Chain))
		require.LessOrEqual(t, len(s.Presented), len(s.RawChain))
		for i, c := range s.Chain {
			require.Equal(t, s.RawChain[i], c.Raw)
		}
		for _, e := range s.Entries {
			require.LessOrEqual(t, len(e.Alias), keystore.MaxAlias)
			require.Equal(t, e.Key != nil, e.Kind == keystore.KeyPairEntry || e.Kind == keystore.PrivateKeyEntry)
		}
	})
}
