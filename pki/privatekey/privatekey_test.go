package privatekey_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/privatekey"
	"example.com/gatehouse/pki/privatekey/pbe"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const password = "correct hörse"

func openssl(t testing.TB, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
			t.Skip("openssl is not installed and GATEHOUSE_SKIP_ORACLES is set: nothing was compared")
		}
		t.Fatal("openssl is not installed; install it, or set GATEHOUSE_SKIP_ORACLES=1 to skip the comparison")
	}
	out, err := exec.Command(path, arguments...).CombinedOutput()
	require.NoError(t, err, "openssl %s\n%s", strings.Join(arguments, " "), out)
	return string(out)
}

// The same key, encrypted in every way that OpenSSL knows and we claim to read.
func TestReadWhatOpenSSLEncrypted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, keyType := range []pki.KeyType{pki.P256, pki.RSA2048, pki.Ed25519} {
		key := pki.NewRoot("x", keyType).Key()
		der, err := privatekey.Marshal(key)
		require.NoError(t, err)
		plain := filepath.Join(dir, keyType.String()+".key")
		require.NoError(t, os.WriteFile(plain, pem.EncodeToMemory(&pem.Block{Type: privatekey.PKCS8Block, Bytes: der}), 0o600))

		ways := map[string][]string{
			"scrypt": {"pkcs8", "-topk8", "-scrypt"}, "small scrypt": {"pkcs8", "-topk8", "-scrypt", "-scrypt_N", "2048", "-scrypt_r", "4", "-scrypt_p", "2"},
			"defaults": {"pkcs8", "-topk8"},
		}
		for _, cipher := range []string{"aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"} {
			for _, prf := range []string{"hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"} {
				ways[cipher+" "+prf] = []string{"pkcs8", "-topk8", "-v2", cipher, "-v2prf", prf}
			}
		}
		for _, scheme := range []string{"PBE-MD5-DES", "PBE-SHA1-DES", "PBE-SHA1-3DES", "PBE-SHA1-2DES", "PBE-SHA1-RC2-128", "PBE-SHA1-RC2-40"} {
			ways[scheme] = []string{"pkcs8", "-topk8", "-v1", scheme, "-provider", "legacy", "-provider", "default"}
		}
		if keyType != pki.Ed25519 {
			for _, cipher := range []string{"-aes128", "-aes256", "-des3"} {
				ways["old way"+cipher] = []string{map[pki.KeyType]string{pki.P256: "ec", pki.RSA2048: "rsa"}[keyType], cipher}
				if keyType == pki.RSA2048 {
					ways["old way"+cipher] = append(ways["old way"+cipher], "-traditional")
				}
			}
		}
		for name, way := range ways {
			t.Run(keyType.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "key")
				openssl(t, append(append([]string{}, way...), "-in", plain, "-out", file, "-passout", "pass:"+password)...)
				data, err := os.ReadFile(file)
				require.NoError(t, err)
				block, _ := pem.Decode(data)
				require.NotNil(t, block)
				assert.True(t, privatekey.IsEncrypted(block))
				read, err := privatekey.Decrypt(block, password)
				require.NoError(t, err)
				assert.Equal(t, key.Public(), read.Public())

				_, err = privatekey.Decrypt(block, "")
				require.ErrorIs(t, err, privatekey.ErrPasswordNeeded)
				assert.EqualError(t, err, "the private key is encrypted: a password is needed")
				_, err = privatekey.Decrypt(block, "wrong")
				require.ErrorIs(t, err, privatekey.ErrWrongPassword)
				assert.EqualError(t, err, "the private key is encrypted: the password is wrong")
			})
		}
	}
}

func TestOpenSSLReadsWhatWasEncrypted(t *testing.T) {
	for _, keyType := range []pki.KeyType{pki.P256, pki.P521, pki.RSA2048, pki.Ed25519} {
		for scheme, name := range map[pbe.Scheme]string{pbe.Modern: "aes-256-cbc", pbe.Legacy: "pbeWithSHA1And3-KeyTripleDES-CBC"} {
			key := pki.NewRoot("x", keyType).Key()
			der, err := privatekey.Encrypt(rand.Reader, scheme, key, password)
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "key")
			require.NoError(t, os.WriteFile(file, der, 0o600))
			public, err := x509.MarshalPKIXPublicKey(key.Public())
			require.NoError(t, err)
			expected := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
			assert.Equal(t, expected, openssl(t, "pkey", "-inform", "DER", "-in", file, "-passin", "pass:"+password, "-pubout"))
			assert.Contains(t, openssl(t, "asn1parse", "-inform", "DER", "-in", file), name)
			read, err := privatekey.DecryptDER(der, password)
			require.NoError(t, err)
			assert.Equal(t, key.Public(), read.Public())
		}
	}
}

func TestBadKeys(t *testing.T) {
	key := pki.NewRoot("x").Key()
	der, err := privatekey.Marshal(key)
	require.NoError(t, err)
	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	noSigner, err := x509.MarshalPKCS8PrivateKey(exchange)
	require.NoError(t, err)
	unknown := bytes.Replace(der, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1}, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 9}, 1)
	encrypted, err := privatekey.Encrypt(rand.Reader, pbe.Modern, key, password)
	require.NoError(t, err)
	greedy := bytes.Replace(encrypted, []byte{2, 2, 8, 0}, []byte{2, 2, 0x7f, 0xff}, 1)
	require.NotEqual(t, encrypted, greedy)
	for name, c := range map[string]struct {
		read    func() error
		message string
	}{
		"nothing":    {func() error { _, err := privatekey.Parse(nil); return err }, "not a private key in PKCS#8, PKCS#1 or SEC 1"},
		"too long":   {func() error { _, err := privatekey.Parse(make([]byte, 16<<10+1)); return err }, "the private key has 16385 bytes, expected 16384 at most"},
		"no signer":  {func() error { _, err := privatekey.Parse(noSigner); return err }, "a private key of type *ecdh.PrivateKey cannot sign"},
		"unknown":    {func() error { _, err := privatekey.Parse(unknown); return err }, "the private key is damaged or not supported (algorithm 1.2.840.10045.2.9), expected RSA, ECDSA with P-224 to P-521, or Ed25519"},
		"cut off":    {func() error { _, err := privatekey.DecryptDER(encrypted[:50], password); return err }, "the encrypted private key is cut off or damaged"},
		"other work": {func() error { _, err := privatekey.DecryptDER(greedy, password); return err }, "the private key is encrypted: the password is wrong"},
		"old way, unknown cipher": {func() error {
			_, err := privatekey.Decrypt(&pem.Block{Type: privatekey.SEC1Block, Headers: map[string]string{"DEK-Info": "X,00"}}, password)
			return err
		}, "the encryption of the private key is damaged or not supported, expected DES, 3DES or AES in CBC mode"},
	} {
		err := c.read()
		require.EqualError(t, err, c.message, name)
		assert.NotContains(t, err.Error(), hex.EncodeToString(der[40:60]), name)
	}
}

// Whatever the password is, what it encrypted comes back with it, and with no other.
func TestRoundTrip(t *testing.T) {
	key := pki.NewRoot("x", pki.Ed25519).Key()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringN(1, 20, 60).Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }).Draw(t, "password")
		scheme := rapid.SampledFrom([]pbe.Scheme{pbe.Modern, pbe.Legacy}).Draw(t, "scheme")
		random := bytes.NewReader(rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "random"))
		der, err := privatekey.Encrypt(random, scheme, key, secret)
		require.NoError(t, err)
		read, err := privatekey.DecryptDER(der, secret)
		require.NoError(t, err)
		require.Equal(t, key, read)
		_, err = privatekey.DecryptDER(der, secret+"x")
		require.ErrorIs(t, err, privatekey.ErrWrongPassword)
	})
}

func FuzzDecryptDER(f *testing.F) {
	key := pki.NewRoot("x").Key()
	for _, scheme := range []pbe.Scheme{pbe.Modern, pbe.Legacy} {
		der, err := privatekey.Encrypt(rand.Reader, scheme, key, "x")
		require.NoError(f, err)
		f.Add(der)
	}
	plain, err := privatekey.Marshal(key)
	require.NoError(f, err)
	f.Add(plain)
	f.Fuzz(func(t *testing.T, der []byte) {
		for _, read := range []func([]byte) (any, error){
			func(der []byte) (any, error) { return privatekey.DecryptDER(der, "x") },
			func(der []byte) (any, error) { return privatekey.Parse(der) },
		} {
			if key, err := read(der); err != nil {
				require.Nil(t, key)
				require.Less(t, len(err.Error()), 500)
			}
		}
	})
}

func ExampleDecrypt() {
	key := pki.NewRoot("Example Root CA").Key()
	der, err := privatekey.Encrypt(rand.Reader, pbe.Modern, key, "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	block := &pem.Block{Type: privatekey.EncryptedBlock, Bytes: der}
	_, err = privatekey.Decrypt(block, "guess")
	fmt.Println(err, errors.Is(err, privatekey.ErrWrongPassword))
	read, err := privatekey.Decrypt(block, "secret")
	fmt.Printf("%T %v\n", read, err)
	// Output:
	// the private key is encrypted: the password is wrong true
	// *ecdsa.PrivateKey <nil>
}

func ExampleParse() {
	_, err := privatekey.Parse([]byte("rubbish"))
	fmt.Println(err)
	// Output: not a private key in PKCS#8, PKCS#1 or SEC 1
}
