package keystore_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var keyTypes = []pki.KeyType{pki.P256, pki.RSA2048, pki.Ed25519}

// revoked is a CRL of the issuing CA.
func revoked(t testing.TB, issuer *pki.Certificate) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: clock(), NextUpdate: clock().AddDate(0, 1, 0),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: clock()}},
	}, issuer.X509(), issuer.Key())
	require.NoError(t, err)
	return der
}

// keytool lists a store as Java sees it.
func keytool(t testing.TB, kind, path string) string {
	t.Helper()
	return tool(t, "keytool", "-J-Duser.language=en", "-J-Duser.timezone=UTC", "-list", "-v", "-storetype", kind, "-storepass", password, "-keystore", path)
}

var javaKeys = map[pki.KeyType]string{
	pki.P256: `256-bit EC \(secp256r1\) key`, pki.RSA2048: "2048-bit RSA key", pki.Ed25519: "255-bit (Ed25519|EdDSA) key",
}

// Every export is read by OpenSSL and, if it is for Java, by Java.
func TestExportsAreReadByOthers(t *testing.T) {
	t.Parallel()
	for _, keyType := range keyTypes {
		t.Run(keyType.String(), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "new", "folder")
			root, issuing, leaf := chain(keyType)
			o := keystore.Options{Password: password, Alias: "Sender-1", CRL: revoked(t, issuing), Now: clock}
			o.Exports = keystore.PossibleExports(leaf, o)
			traditional := keyType != pki.Ed25519
			assert.Equal(t, traditional, slices.Contains(o.Exports, keystore.TraditionalFile))
			paths, err := keystore.Write(dir, leaf, o)
			require.NoError(t, err)
			require.Len(t, paths, len(o.Exports))
			at := func(e keystore.Export) string { return filepath.Join(dir, "warehouse"+e.Info().Suffix) }
			pass := "pass:" + password

			const subject = "subject=CN = warehouse"
			assert.Contains(t, tool(t, "openssl", "x509", "-inform", "DER", "-in", at(keystore.DERFile), "-noout", "-subject"), subject)
			assert.Contains(t, tool(t, "openssl", "x509", "-in", at(keystore.PEMFile), "-noout", "-subject"), subject)
			assert.Contains(t, tool(t, "openssl", "verify", "-purpose", "sslclient", "-attime", "1795435200", "-CAfile", at(keystore.FullChainFile),
				"-untrusted", at(keystore.ChainFile), at(keystore.PEMFile)), "OK")
			assert.Equal(t, 2, bytes.Count(readFile(t, at(keystore.ChainFile)), []byte("BEGIN CERTIFICATE")))
			assert.Equal(t, 3, bytes.Count(readFile(t, at(keystore.FullChainFile)), []byte("BEGIN CERTIFICATE")))

			public := tool(t, "openssl", "x509", "-in", at(keystore.PEMFile), "-noout", "-pubkey")
			assert.Equal(t, public, tool(t, "openssl", "pkey", "-in", at(keystore.KeyFile), "-pubout"))
			assert.Equal(t, public, tool(t, "openssl", "pkey", "-in", at(keystore.EncryptedKeyFile), "-passin", pass, "-pubout"))
			assert.Contains(t, string(readFile(t, at(keystore.EncryptedKeyFile))), "BEGIN ENCRYPTED PRIVATE KEY")
			if traditional {
				assert.Equal(t, public, tool(t, "openssl", "pkey", "-in", at(keystore.TraditionalFile), "-pubout"))
				assert.Regexp(t, "BEGIN (RSA|EC) PRIVATE KEY", string(readFile(t, at(keystore.TraditionalFile))))
			}

			out := tool(t, "openssl", "pkcs7", "-inform", "DER", "-in", at(keystore.PKCS7File), "-print_certs", "-noout")
			assert.Equal(t, []string{"CN = warehouse", "CN = example-issuing", "CN = example-root"}, submatches(`subject=(.*)`, out))
			assert.Equal(t, []string{"CN=warehouse", "CN=example-issuing", "CN=example-root"},
				submatches(`Owner: (.*)`, tool(t, "keytool", "-J-Duser.language=en", "-printcert", "-file", at(keystore.PKCS7File))))
			assert.Contains(t, tool(t, "openssl", "crl", "-inform", "DER", "-in", at(keystore.CRLFile), "-noout", "-issuer"), "CN = example-issuing")

			for e, cipher := range map[keystore.Export]string{
				keystore.PKCS12File: "AES-256-CBC", keystore.PFXFile: "AES-256-CBC", keystore.LegacyPKCS12File: "pbeWithSHA1And3-KeyTripleDES-CBC",
			} {
				out := tool(t, "openssl", "pkcs12", "-info", "-in", at(e), "-passin", pass, "-nodes")
				assert.Equal(t, 2, strings.Count(out, "BEGIN CERTIFICATE"), "the certificate and its intermediate, not the root")
				assert.Equal(t, 1, strings.Count(out, "BEGIN PRIVATE KEY"))
				assert.Equal(t, 2, strings.Count(out, "friendlyName: Sender-1"), "on the key and its certificate")
				assert.Contains(t, out, cipher)
				checkJava(t, keytool(t, "PKCS12", at(e)), javaKeys[keyType])
			}
			checkJava(t, keytool(t, "JKS", at(keystore.JKSFile)), javaKeys[keyType])
			for e, kind := range map[keystore.Export]string{keystore.PKCS12TrustFile: "PKCS12", keystore.JKSTrustFile: "JKS"} {
				out := keytool(t, kind, at(e))
				assert.Equal(t, []string{"sender-1"}, submatches(`Alias name: (.*)`, out))
				assert.Contains(t, out, "Entry type: trustedCertEntry")
				assert.Contains(t, out, "Owner: CN=example-root")
			}
			out = tool(t, "openssl", "pkcs12", "-info", "-in", at(keystore.PKCS12TrustFile), "-passin", pass, "-nokeys")
			assert.Contains(t, out, "friendlyName: Sender-1")
			assert.Contains(t, out, "subject=CN = example-root")

			checkArchive(t, at(keystore.ArchiveFile), dir, paths)
			checkReadBack(t, dir, root, issuing, leaf, o)
		})
	}
}

func checkJava(t testing.TB, out, key string) {
	t.Helper()
	assert.Equal(t, []string{"sender-1"}, submatches(`Alias name: (.*)`, out))
	assert.Contains(t, out, "Entry type: PrivateKeyEntry")
	assert.Contains(t, out, "Certificate chain length: 2")
	assert.Contains(t, out, "Owner: CN=warehouse")
	assert.Regexp(t, "Subject Public Key Algorithm: "+key, out)
}

func submatches(pattern, text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		out = append(out, strings.TrimSpace(m[1]))
	}
	return out
}

func checkArchive(t testing.TB, path, dir string, paths []string) {
	t.Helper()
	r, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer r.Close()
	var names []string
	private := 0
	for _, f := range r.File {
		names = append(names, f.Name)
		in, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(in)
		require.NoError(t, err)
		if f.Name == "warehouse-READ-ME.txt" {
			assert.Contains(t, string(data), "  warehouse.key\n")
			assert.NotContains(t, string(data), "warehouse.cer")
			continue
		}
		assert.Equal(t, readFile(t, filepath.Join(dir, f.Name)), data, f.Name)
		if f.Comment == "private key" {
			private++
			assert.EqualValues(t, 0o600, f.Mode().Perm())
		}
	}
	var expected []string
	for _, p := range paths[:len(paths)-1] {
		expected = append(expected, filepath.Base(p))
	}
	assert.Equal(t, append(expected, "warehouse-READ-ME.txt"), names)
	assert.GreaterOrEqual(t, private, 6)
}

// checkReadBack reads with our own reader what was written.
func checkReadBack(t testing.TB, dir string, root, issuing, leaf *pki.Certificate, o keystore.Options) {
	t.Helper()
	one, presented, full, trust := [][]byte{leaf.DER()}, leaf.Presented(), [][]byte{leaf.DER(), issuing.DER(), root.DER()}, [][]byte{root.DER()}
	expected := map[keystore.Export]struct {
		format keystore.Format
		chain  [][]byte
		alias  string
	}{
		keystore.DERFile: {keystore.DERFormat, one, ""}, keystore.PEMFile: {keystore.PEMFormat, one, ""},
		keystore.ChainFile: {keystore.PEMFormat, presented, ""}, keystore.FullChainFile: {keystore.PEMFormat, full, ""},
		keystore.KeyFile: {keystore.PEMFormat, nil, ""}, keystore.TraditionalFile: {keystore.PEMFormat, nil, ""}, keystore.EncryptedKeyFile: {keystore.PEMFormat, nil, ""},
		keystore.PKCS7File: {keystore.PKCS7Format, full, ""}, keystore.CRLFile: {keystore.DERFormat, nil, ""},
		keystore.PKCS12File: {keystore.PKCS12Format, presented, "Sender-1"}, keystore.PFXFile: {keystore.PKCS12Format, presented, "Sender-1"},
		keystore.LegacyPKCS12File: {keystore.PKCS12Format, presented, "Sender-1"}, keystore.JKSFile: {keystore.JKSFormat, presented, "sender-1"},
		keystore.PKCS12TrustFile: {keystore.PKCS12Format, trust, "Sender-1"}, keystore.JKSTrustFile: {keystore.JKSFormat, trust, "sender-1"},
	}
	for _, e := range o.Exports {
		data := readFile(t, filepath.Join(dir, "warehouse"+e.Info().Suffix))
		if e == keystore.ArchiveFile {
			_, err := keystore.Read(data, password)
			require.ErrorContains(t, err, "found a zip archive; unpack it")
			continue
		}
		x, known := expected[e]
		require.True(t, known, e)
		s, err := keystore.Read(data, password)
		require.NoError(t, err, e)
		assert.Equal(t, x.format, s.Format, e)
		assert.Equal(t, x.chain, s.Presented, e)
		assert.Equal(t, x.chain, s.RawChain, e)
		assert.Equal(t, x.alias, s.Entries[0].Alias, e)
		if e.Info().Private {
			require.NotNil(t, s.Key, e)
			assert.Equal(t, leaf.Key().Public(), s.Key.Public(), e)
		} else {
			assert.Nil(t, s.Key, e)
		}
		if e == keystore.JKSFile || e == keystore.JKSTrustFile {
			assert.Equal(t, clock(), s.Entries[0].Created)
		}
		if e == keystore.CRLFile {
			assert.Equal(t, [][]byte{o.CRL}, s.CRLs())
		}
	}
}

// What is broken is written too: other software shall see it.
func TestEveryDefectCanBeWrittenAndRead(t *testing.T) {
	t.Parallel()
	_, issuing, _ := chain()
	for _, d := range pki.Defects() {
		bad := issuing.Client("bad", pki.WithDefect(d.ID))
		for _, e := range []keystore.Export{keystore.ChainFile, keystore.PKCS12File, keystore.JKSFile} {
			data, err := keystore.Encode(bad, e, keystore.Options{Password: password})
			require.NoError(t, err, d.ID)
			s, err := keystore.Read(data, password)
			require.NoError(t, err, d.ID)
			expected := bad.Presented()
			if e == keystore.PKCS12File {
				// The certificate of the key leads, all others stay as they are.
				own := slices.IndexFunc(expected, func(der []byte) bool { return bytes.Equal(der, bad.DER()) })
				require.GreaterOrEqual(t, own, 0, d.ID)
				expected = slices.Concat(expected[own:own+1], expected[:own], expected[own+1:])
			}
			assert.Equal(t, expected, s.Presented, "%s as %s", d.ID, e)
		}
	}
}

// seeded gives the same bytes again.
func seeded() io.Reader { return mathrand.NewChaCha8(sha256.Sum256([]byte("seed"))) }

func TestSameRandomnessSameFiles(t *testing.T) {
	t.Parallel()
	_, issuing, leaf := chain()
	crl := revoked(t, issuing)
	files := func(random io.Reader) []keystore.File {
		o := keystore.Options{Password: password, CRL: crl, Rand: random, Now: clock}
		o.Exports = keystore.PossibleExports(leaf, o)
		out, err := keystore.Files(leaf, o)
		require.NoError(t, err)
		require.Len(t, out, len(keystore.Exports()))
		return out
	}
	assert.Equal(t, files(seeded()), files(seeded()))
	for i, f := range files(nil) {
		secret := f.Export.Info().Password && f.Export != keystore.JKSTrustFile || f.Export == keystore.ArchiveFile
		assert.Equal(t, secret, !bytes.Equal(f.Data, files(seeded())[i].Data), f.Export)
	}
	_, err := keystore.Encode(leaf, keystore.PKCS12File, keystore.Options{Password: password, Rand: bytes.NewReader(make([]byte, 3))})
	assert.EqualError(t, err, `encoding "warehouse" as p12: reading randomness: unexpected EOF`)
	_, err = keystore.Encode(leaf, keystore.JKSFile, keystore.Options{Password: password, Rand: bytes.NewReader(make([]byte, 3))})
	assert.ErrorContains(t, err, "unexpected EOF")
}

func TestFilesAreWhatIsWritten(t *testing.T) {
	_, _, leaf := chain()
	o := keystore.Options{Exports: []keystore.Export{keystore.ArchiveFile, keystore.KeyFile, keystore.DERFile, keystore.KeyFile}, Now: clock}
	files, err := keystore.Files(leaf, o)
	require.NoError(t, err)
	dir := t.TempDir()
	paths, err := keystore.Write(dir, leaf, o)
	require.NoError(t, err)
	var names []string
	for i, f := range files {
		names = append(names, f.Name)
		assert.Equal(t, f.Data, readFile(t, paths[i]))
	}
	assert.Equal(t, []string{"warehouse.cer", "warehouse.key", "warehouse.zip"}, names)

	// An archive alone holds what is written by default.
	data, err := keystore.Encode(leaf, keystore.ArchiveFile, keystore.Options{Now: clock})
	require.NoError(t, err)
	alone, err := keystore.Files(leaf, keystore.Options{Exports: []keystore.Export{keystore.ArchiveFile}, Now: clock})
	require.NoError(t, err)
	require.Len(t, alone, 1)
	assert.Equal(t, data, alone[0].Data)
	assert.EqualValues(t, 0o600, alone[0].Mode)
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	assert.Len(t, r.File, 7)
}

func TestExportMistakes(t *testing.T) {
	_, _, leaf := chain()
	_, _, odd := chain(pki.Ed25519)
	cases := []struct {
		export  keystore.Export
		c       *pki.Certificate
		o       keystore.Options
		message string
	}{
		{"p13", leaf, keystore.Options{}, `encoding "warehouse" as p13: unknown format "p13", expected one of cer, pem, chain, fullchain, key, key-traditional, key-encrypted, p7b, p12, p12-legacy, pfx, jks, truststore-p12, truststore-jks, crl, zip`},
		{keystore.JKSFile, leaf, keystore.Options{}, `encoding "warehouse" as jks: it needs a password; give one, from an environment variable or a file`},
		{keystore.JKSFile, leaf, keystore.Options{Password: "пароль"}, `encoding "warehouse" as jks: the password has characters outside of Latin-1, which JKS does not take; choose another password or PKCS#12`},
		{keystore.TraditionalFile, odd, keystore.Options{}, `encoding "warehouse" as key-traditional: a key of type ed25519.PrivateKey has no traditional format, only RSA (PKCS#1) and ECDSA (SEC 1) have; use the export key`},
		{keystore.CRLFile, leaf, keystore.Options{}, `encoding "warehouse" as crl: no certificate revocation list was given`},
		{keystore.CRLFile, leaf, keystore.Options{CRL: leaf.DER()}, `encoding "warehouse" as crl: what was given is not a certificate revocation list (CRL)`},
		{keystore.CRLFile, leaf, keystore.Options{CRL: keystore.CertificatePEM(leaf)}, `encoding "warehouse" as crl: found PEM with "CERTIFICATE", expected one X509 CRL`},
		{keystore.PKCS12File, leaf, keystore.Options{Password: "\xff"}, `encoding "warehouse" as p12: the password is not text in UTF-8`},
		{keystore.PKCS12File, leaf, keystore.Options{Password: "x", Alias: "a\nb"}, `the alias "a\nb" cannot be used, expected 1 to 200 bytes of printable text`},
	}
	for _, c := range cases {
		_, err := keystore.Encode(c.c, c.export, c.o)
		assert.EqualError(t, err, c.message)
		dir := t.TempDir()
		c.o.Exports = []keystore.Export{keystore.PEMFile, c.export}
		_, err = keystore.Write(dir, c.c, c.o)
		assert.Error(t, err)
		assert.Empty(t, list(t, dir))
	}
	_, err := keystore.ParseExport("P12-Legacy")
	assert.NoError(t, err)
}

func TestExportsAreDescribed(t *testing.T) {
	suffixes := map[string]bool{}
	for _, info := range keystore.Exports() {
		assert.NotEmpty(t, info.Meaning)
		assert.NotContains(t, info.Meaning, "\n")
		assert.False(t, suffixes[info.Suffix], info.Suffix)
		suffixes[info.Suffix] = true
		assert.Equal(t, info, info.ID.Info())
	}
	assert.Zero(t, keystore.Export("x").Info())
}

func TestTrustStoreOfSeveralRoots(t *testing.T) {
	first, second := pki.NewRoot("Root"), pki.NewRoot("root")
	leaf := first.Client("warehouse")
	for e, expected := range map[keystore.Export][]string{keystore.PKCS12TrustFile: {"Root", "root-2"}, keystore.JKSTrustFile: {"root", "root-2"}} {
		data, err := keystore.Encode(leaf, e, keystore.Options{Password: password, Roots: []*pki.Certificate{first, second}})
		require.NoError(t, err)
		s, err := keystore.Read(data, password)
		require.NoError(t, err)
		assert.Equal(t, [][]byte{first.DER(), second.DER()}, s.Presented)
		assert.Equal(t, expected, []string{s.Entries[0].Alias, s.Entries[1].Alias})
	}
}

// Certificates that crypto/x509 refuses go into every file, and come back.
func TestUnreadableCertificatesAreWritten(t *testing.T) {
	_, _, leaf := chain()
	der := oddCertificate(t, leaf)
	for name, encode := range map[string]func() ([]byte, error){
		"PKCS#12": func() ([]byte, error) { return keystore.EncodePKCS12ForTest(leaf.Key(), [][]byte{der}, password) },
		"JKS":     func() ([]byte, error) { return keystore.EncodeJKSForTest(leaf.Key(), [][]byte{der}, password) },
		"PKCS#7":  func() ([]byte, error) { return keystore.EncodePKCS7ForTest([][]byte{der}) },
	} {
		data, err := encode()
		require.NoError(t, err, name)
		s, err := keystore.Read(data, password)
		require.NoError(t, err, name)
		assert.Equal(t, [][]byte{der}, s.Presented, name)
		assert.Equal(t, keystore.Format(name), s.Format)
		assert.Nil(t, s.Leaf().PublicKey, name)
		if name != "PKCS#7" {
			assert.Equal(t, leaf.Key().Public(), s.Key.Public())
		}
	}
}

func writeTemp(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}
