package keystore_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
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

func TestReadWhatOpenSSLWrote(t *testing.T) {
	_, _, leaf := chain()
	dir := t.TempDir()
	_, err := keystore.Write(dir, leaf, keystore.Options{})
	require.NoError(t, err)
	at := func(suffix string) string { return filepath.Join(dir, "warehouse"+suffix) }
	export := []string{"pkcs12", "-export", "-inkey", at(".key"), "-in", at("-chain.pem"), "-passout", "pass:" + password}
	for name, extra := range map[string][]string{
		"modern": nil,
		"sha1":   {"-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"},
	} {
		out := filepath.Join(dir, name+".p12")
		tool(t, "openssl", append(append(export, extra...), "-out", out)...)
		s, err := keystore.Read(readFile(t, out), password)
		require.NoError(t, err, name)
		assert.Equal(t, leaf.Presented(), s.RawChain, name)
	}
	greedy := filepath.Join(dir, "greedy.p12")
	tool(t, "openssl", append(export, "-iter", "1000001", "-out", greedy)...)
	_, err = keystore.Read(readFile(t, greedy), password)
	assert.EqualError(t, err, "the PKCS#12 file asks for more than 1000000 iterations")

	tool(t, "openssl", "crl2pkcs7", "-nocrl", "-certfile", at("-chain.pem"), "-out", at(".p7b"))
	_, err = keystore.Read(readFile(t, at(".p7b")), "")
	assert.ErrorContains(t, err, "found PKCS#7")
	tool(t, "openssl", "crl2pkcs7", "-nocrl", "-certfile", at("-chain.pem"), "-outform", "DER", "-out", at(".p7c"))
	_, err = keystore.Read(readFile(t, at(".p7c")), "")
	assert.ErrorContains(t, err, "found PKCS#7")
	for _, form := range []string{"PEM", "DER"} {
		tool(t, "openssl", "pkcs8", "-topk8", "-in", at(".key"), "-passout", "pass:x", "-outform", form, "-out", at(".enc"))
		_, err = keystore.Read(readFile(t, at(".enc")), "")
		assert.ErrorContains(t, err, "the private key is encrypted", form)
	}
}

func TestReadWhatKeytoolWrote(t *testing.T) {
	root, _, leaf := chain()
	dir := t.TempDir()
	_, err := keystore.Write(dir, root, keystore.Options{})
	require.NoError(t, err)
	p12, err := keystore.PKCS12(leaf, password)
	require.NoError(t, err)
	source := filepath.Join(dir, "source.p12")
	require.NoError(t, os.WriteFile(source, p12, 0o600))

	trust := filepath.Join(dir, "trust.p12")
	tool(t, "keytool", "-importcert", "-noprompt", "-alias", "root", "-file", filepath.Join(dir, "example-root.cer"),
		"-storetype", "PKCS12", "-keystore", trust, "-storepass", password)
	s, err := keystore.Read(readFile(t, trust), password)
	require.NoError(t, err)
	assert.Nil(t, s.Key)
	assert.Equal(t, [][]byte{root.DER()}, s.RawChain)

	for _, kind := range []string{"PKCS12", "JKS"} {
		target := filepath.Join(dir, "target."+kind)
		tool(t, "keytool", "-importkeystore", "-noprompt", "-srckeystore", source, "-srcstorepass", password, "-srcstoretype", "PKCS12",
			"-destkeystore", target, "-deststoretype", kind, "-deststorepass", password)
		s, err := keystore.Read(readFile(t, target), password)
		if kind == "JKS" {
			assert.ErrorContains(t, err, "found a Java keystore (JKS)")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, leaf.Presented(), s.RawChain)
	}
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

	cases := []struct {
		name, password string
		data           []byte
		message        string
	}{
		{"empty", "", nil, "the file is empty, expected a certificate (PEM, DER or PKCS#12)"},
		{"blanks", "", []byte(" \n"), "the file is empty"},
		{"too big", "", make([]byte, keystore.MaxSize+1), "the file has 1048577 bytes, expected 1048576 at most"},
		{"text", "", []byte("hello"), "found neither PEM nor DER"},
		{"PEM cut off", "", certificate[:len(certificate)-40], "the PEM is cut off or damaged: 1 blocks begin, 0 can be read"},
		{"second PEM cut off", "", append(bytes.Clone(certificate), certificate[:100]...), "2 blocks begin, 1 can be read"},
		{"DER cut off", "", leaf.DER()[:100], "the DER is cut off or damaged"},
		{"something behind the DER", "", append(bytes.Clone(leaf.DER()), 0), "1 bytes stand behind the end of the DER"},
		{"certificate of rubbish", "", block("CERTIFICATE", []byte("rubbish")), "certificate 1: not a certificate: "},
		{"key of rubbish", "", block("PRIVATE KEY", []byte("rubbish")), "neither a certificate nor a private key"},
		{"signing request", "", block("CERTIFICATE REQUEST", csr), `found "CERTIFICATE REQUEST", expected a certificate`},
		{"signing request, DER", "", csr, "not a certificate"},
		{"two keys", "", append(bytes.Clone(key), key...), "found two private keys"},
		{"foreign key", "", append(bytes.Clone(other), certificate...), "the private key belongs to none of the certificates (1)"},
		{"encrypted key", "", block("ENCRYPTED PRIVATE KEY", []byte{1}), "the private key is encrypted"},
		{"encrypted the old way", "", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES"}, Bytes: []byte{1}}), "the private key is encrypted"},
		{"wrong password", "wrong", p12, "opening the PKCS#12 file: the password is wrong"},
		{"no password", "", p12, "opening the PKCS#12 file: the password is wrong"},
		{"PKCS#12 damaged", password, damaged(p12), "opening the PKCS#12 file: "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := keystore.Read(c.data, c.password)
			require.ErrorContains(t, err, c.message)
			assert.Nil(t, s)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	_, err = keystore.Read(p12, "wrong")
	assert.ErrorIs(t, err, keystore.ErrWrongPassword)
	_, err = keystore.Read(bytes.Repeat(certificate, 1001), "")
	assert.ErrorContains(t, err, "found more than 1000 certificates")
}

// damaged has a content that is no DER behind an intact frame.
func damaged(p12 []byte) []byte {
	out := bytes.Clone(p12)
	clear(out[40:120])
	return out
}

// A certificate that crypto/x509 refuses is still of interest.
func TestReadUnreadableCertificates(t *testing.T) {
	_, issuing, leaf := chain()
	odd := bytes.Clone(leaf.DER())
	at := bytes.Index(odd, []byte{0x02, 0x10})
	require.Positive(t, at)
	odd[at+2] |= 0x80 // a negative serial number
	_, err := x509.ParseCertificate(odd)
	require.Error(t, err)

	key, err := keystore.KeyPEM(leaf.Key())
	require.NoError(t, err)
	data := bytes.Join([][]byte{key, keystore.CertificatePEM(issuing), block("CERTIFICATE", odd)}, nil)
	s, err := keystore.Read(data, "")
	require.NoError(t, err)
	assert.Equal(t, [][]byte{odd, issuing.DER()}, s.RawChain)
	assert.Equal(t, odd, s.Leaf().Raw)
}

func FuzzRead(f *testing.F) {
	_, _, leaf := chain()
	p12, err := keystore.PKCS12(leaf, "x")
	require.NoError(f, err)
	key, err := keystore.KeyPEM(leaf.Key())
	require.NoError(f, err)
	for _, seed := range [][]byte{nil, leaf.DER(), p12, key, keystore.FullChainPEM(leaf), append(key, keystore.ChainPEM(leaf)...),
		{0x30, 0x80}, {0x30, 0x03, 0x02, 0x01, 0x03}, []byte("-----BEGIN CERTIFICATE-----\n"), {0xfe, 0xed, 0xfe, 0xed}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := keystore.Read(data, "x")
		if err != nil {
			require.Nil(t, s)
			require.Less(t, len(err.Error()), 1000)
			return
		}
		require.True(t, s.Key != nil || len(s.Chain) > 0)
		require.Len(t, s.RawChain, len(s.Chain))
		for i, c := range s.Chain {
			require.Equal(t, s.RawChain[i], c.Raw)
		}
	})
}
