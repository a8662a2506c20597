package keystore_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadWhatWasWritten(t *testing.T) {
	root, issuing, leaf := chain()
	p12, err := keystore.PKCS12(leaf, password)
	require.NoError(t, err)
	key, err := keystore.KeyPEM(leaf.Key())
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(leaf.Key().(*ecdsa.PrivateKey))
	require.NoError(t, err)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, []byte("a line of text\n")) }
	one := func(c *pki.Certificate) []byte { return keystore.CertificatePEM(c) }

	cases := []struct {
		name  string
		data  []byte
		chain []*pki.Certificate
		key   bool
	}{
		{"DER", leaf.DER(), []*pki.Certificate{leaf}, false},
		{"PEM", one(leaf), []*pki.Certificate{leaf}, false},
		{"chain", keystore.ChainPEM(leaf), []*pki.Certificate{leaf, issuing}, false},
		{"full chain", keystore.FullChainPEM(leaf), []*pki.Certificate{leaf, issuing, root}, false},
		{"root first", join(one(root), one(issuing), one(leaf)), []*pki.Certificate{leaf, issuing, root}, false},
		{"key in the middle", join(one(issuing), key, one(root), one(leaf)), []*pki.Certificate{leaf, issuing, root}, true},
		{"key last, CA first", join(one(root), one(leaf), key), []*pki.Certificate{leaf, root}, true},
		{"key of SEC 1 with parameters", join(block("EC PARAMETERS", []byte{6, 1, 1}), block("EC PRIVATE KEY", sec1), one(leaf)), []*pki.Certificate{leaf}, true},
		{"Windows line ends", bytes.ReplaceAll(keystore.ChainPEM(leaf), []byte("\n"), []byte("\r\n")), []*pki.Certificate{leaf, issuing}, false},
		{"key alone, PEM", key, nil, true},
		{"key alone, PKCS#8", pkcs8(t, leaf), nil, true},
		{"key alone, SEC 1", sec1, nil, true},
		{"PKCS#12", p12, []*pki.Certificate{leaf, issuing}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := keystore.Read(c.data, password)
			require.NoError(t, err)
			var expected [][]byte
			for _, one := range c.chain {
				expected = append(expected, one.DER())
			}
			assert.Equal(t, expected, s.RawChain)
			assert.Len(t, s.Chain, len(c.chain))
			if c.key {
				require.NotNil(t, s.Key)
				assert.Equal(t, leaf.Key().Public(), s.Key.Public())
			} else {
				assert.Nil(t, s.Key)
			}
			if len(c.chain) > 0 {
				assert.Equal(t, leaf.DER(), s.Leaf().Raw)
			} else {
				assert.Nil(t, s.Leaf())
				_, err = keystore.ReadCertificates(c.data, password)
				assert.EqualError(t, err, "found a private key, expected a certificate")
			}
		})
	}
	rsaLeaf := issuing.Client("rsa", pki.RSA2048)
	s, err := keystore.Read(x509.MarshalPKCS1PrivateKey(rsaLeaf.Key().(*rsa.PrivateKey)), "")
	require.NoError(t, err)
	assert.Equal(t, rsaLeaf.Key().Public(), s.Key.Public())
}

func TestReadSaysWhatItFound(t *testing.T) {
	_, issuing, leaf := chain()
	p12, err := keystore.PKCS12(leaf, password)
	require.NoError(t, err)
	key, err := keystore.KeyPEM(leaf.Key())
	require.NoError(t, err)
	other, err := keystore.KeyPEM(issuing.Key())
	require.NoError(t, err)
	csr, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{}, leaf.Key())
	require.NoError(t, err)
	certificate := keystore.CertificatePEM(leaf)
	encode := func(e keystore.Export) []byte {
		data, err := keystore.Encode(leaf, e, keystore.Options{Password: password})
		require.NoError(t, err)
		return data
	}
	jks, p7b, encrypted := encode(keystore.JKSFile), encode(keystore.PKCS7File), encode(keystore.EncryptedKeyFile)
	public, err := x509.MarshalPKIXPublicKey(leaf.Key().Public())
	require.NoError(t, err)
	emptyPKCS12, err := keystore.EncodePKCS12ForTest(nil, nil, password)
	require.NoError(t, err)
	emptyJKS, err := keystore.EncodeJKSForTest(nil, nil, password)
	require.NoError(t, err)
	emptyPKCS7, err := keystore.EncodePKCS7ForTest(nil)
	require.NoError(t, err)

	cases := []struct {
		name, password string
		data           []byte
		message        string
	}{
		{"empty", "", nil, "the file is empty, expected a certificate (PEM, DER, PKCS#7, PKCS#12 or JKS)"},
		{"blanks", "", []byte(" \n"), "the file is empty"},
		{"too big", "", make([]byte, keystore.MaxSize+1), "the file has 1048577 bytes, expected 1048576 at most"},
		{"text", "", []byte("hello"), `found text that begins with "hello", neither PEM nor DER; expected a certificate (PEM, DER, PKCS#7, PKCS#12 or JKS)`},
		{"HTML", "", []byte("\n<!DOCTYPE html><title>"), `found text that begins with "<!DOCTYPE html><titl", neither`},
		{"JSON", "", []byte("{\"error\":\n 5}"), `found text that begins with "{\"error\":  5}", neither`},
		{"text that begins as DER", "", []byte("0123 456"), `found text that begins with "0123 456"`},
		{"a long word, perhaps a key", "", []byte("MHcCAQEEIBlahBlahBlahBlah!!"), "found text, neither PEM nor DER"},
		{"binary", "", []byte{1, 2, 3}, "found binary data, neither PEM nor DER"},
		{"end of PEM", "", certificate[100:], "the PEM is cut off at its beginning"},
		{"JCEKS", "", []byte("\xce\xce\xce\xce\x00\x00"), "found a Java keystore of the kind JCEKS; convert it with keytool"},
		{"BKS", "", []byte("\x00\x00\x00\x02\x00\x00\x00\x14xxxx"), "found a Bouncy Castle keystore (BKS); convert it with keytool"},
		{"zip", "", []byte("PK\x03\x04"), "found a zip archive; unpack it"},
		{"PEM cut off", "", certificate[:len(certificate)-40], "the PEM is cut off or damaged: 1 blocks begin, 0 can be read"},
		{"second PEM cut off", "", append(bytes.Clone(certificate), certificate[:100]...), "2 blocks begin, 1 can be read"},
		{"DER cut off", "", leaf.DER()[:100], fmt.Sprintf("the DER is cut off or damaged: its beginning announces %d bytes, found 100", len(leaf.DER()))},
		{"PKCS#12 cut off", password, p12[:100], fmt.Sprintf("the PKCS#12 file is cut off or damaged: its beginning announces %d bytes, found 100", len(p12))},
		{"JKS cut off", password, jks[:100], "opening the JKS file: the JKS file is cut off or damaged"},
		{"JKS too long", password, append(bytes.Clone(jks), 0), "opening the JKS file: the JKS file is cut off or damaged"},
		{"PKCS#7 cut off", "", p7b[:100], "the DER is cut off or damaged"},
		{"something behind the DER", "", append(bytes.Clone(leaf.DER()), 0), "1 bytes stand behind the end of the DER"},
		{"certificate of rubbish", "", block("CERTIFICATE", []byte("rubbish")), "certificate 1: not a certificate: "},
		{"key of rubbish", "", block("PRIVATE KEY", []byte("rubbish")), "neither a certificate nor a private key"},
		{"request of rubbish", "", block("CERTIFICATE REQUEST", []byte("rubbish")), "the certificate signing request is cut off or damaged"},
		{"CRL of rubbish", "", block("X509 CRL", []byte("rubbish")), "the certificate revocation list (CRL) is cut off or damaged"},
		{"PKCS#7 of rubbish", "", block("PKCS7", []byte("rubbish")), "reading PKCS#7: the DER is cut off or damaged"},
		{"request under the name of a certificate", "", block("CERTIFICATE", csr), "certificate 1: found a certificate signing request, expected a certificate"},
		{"key under the name of a certificate", "", block("CERTIFICATE", pkcs8(t, leaf)), "certificate 1: found a private key, expected a certificate"},
		{"public key", "", block("PUBLIC KEY", public), `found "PUBLIC KEY", expected a certificate`},
		{"public key, DER", "", public, "found a public key, expected a certificate"},
		{"OpenSSH", "", block("OPENSSH PRIVATE KEY", []byte("x")), "found a private key of OpenSSH, expected PKCS#8"},
		{"two keys", "", append(bytes.Clone(key), key...), "found 2 private keys, expected one at most"},
		{"foreign key", "", append(bytes.Clone(other), certificate...), "the private key belongs to none of the certificates (1)"},
		{"encrypted key without password", "", encrypted, "the private key is encrypted: a password is needed"},
		{"encrypted key, wrong password", "wrong", encrypted, "the private key is encrypted: the password is wrong"},
		{"encrypted key of rubbish", "x", block("ENCRYPTED PRIVATE KEY", []byte{1}), "the encrypted private key is cut off or damaged"},
		{"encrypted the old way", "", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES"}, Bytes: []byte{1}}), "the private key is encrypted: a password is needed"},
		{"wrong password", "wrong", p12, "opening the PKCS#12 file: the password is wrong"},
		{"no password", "", p12, "opening the PKCS#12 file: a password is needed"},
		{"JKS, wrong password", "wrong", jks, "opening the JKS file: the password is wrong"},
		{"JKS, no password", "", jks, `opening the JKS file: entry "warehouse": a password is needed`},
		{"JKS, no possible password", "пароль", jks, "opening the JKS file: the password is wrong"},
		{"PKCS#12 damaged", password, damaged(p12), "opening the PKCS#12 file: the password is wrong, or the file is damaged"},
		{"PKCS#12 with nothing", password, emptyPKCS12, "the PKCS#12 file holds nothing, expected a certificate"},
		{"JKS with nothing", password, emptyJKS, "the JKS file holds nothing, expected a certificate"},
		{"PKCS#7 with nothing", "", emptyPKCS7, "the PKCS#7 file holds no certificate, expected one at least"},
		{"PKCS#7 of another type", "", []byte{0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3}, "found PKCS#7 of type 1.2.840.113549.1.7.3, expected signed data (1.2.840.113549.1.7.2) with certificates"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := keystore.Read(c.data, c.password)
			require.ErrorContains(t, err, c.message)
			assert.Nil(t, s)
			assert.NotContains(t, err.Error(), "\n")
			assert.Equal(t, strings.Contains(err.Error(), "the password is wrong"), errors.Is(err, keystore.ErrWrongPassword))
			assert.Equal(t, strings.Contains(err.Error(), "a password is needed"), errors.Is(err, keystore.ErrPasswordNeeded))
		})
	}
	_, err = keystore.Read(bytes.Repeat(certificate, 1001), "")
	assert.ErrorContains(t, err, "found more than 1000 certificates")
}

// damaged has a content that is no DER behind an intact frame.
func damaged(p12 []byte) []byte {
	out := bytes.Clone(p12)
	clear(out[40:120])
	return out
}

// oddCertificate is the certificate with a negative serial number, which crypto/x509 refuses.
func oddCertificate(t testing.TB, c *pki.Certificate) []byte {
	t.Helper()
	odd := bytes.Clone(c.DER())
	at := bytes.Index(odd, []byte{0x02, 0x10})
	require.Positive(t, at)
	odd[at+2] |= 0x80
	_, err := x509.ParseCertificate(odd)
	require.Error(t, err)
	return odd
}

// A certificate that crypto/x509 refuses is still of interest.
func TestReadUnreadableCertificates(t *testing.T) {
	_, issuing, leaf := chain()
	odd := oddCertificate(t, leaf)
	key, err := keystore.KeyPEM(leaf.Key())
	require.NoError(t, err)
	data := bytes.Join([][]byte{key, keystore.CertificatePEM(issuing), block("CERTIFICATE", odd)}, nil)
	s, err := keystore.Read(data, "")
	require.NoError(t, err)
	assert.Equal(t, [][]byte{odd, issuing.DER()}, s.RawChain)
	assert.Equal(t, [][]byte{issuing.DER(), odd}, s.Presented)
	assert.Equal(t, odd, s.Leaf().Raw)
}
