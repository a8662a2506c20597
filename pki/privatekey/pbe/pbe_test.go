package pbe

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"
)

// The cases of RFC 2268, section 5, whose effective length is that of the key.
func TestRC2(t *testing.T) {
	for _, c := range [][3]string{
		{"ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
		{"88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
	} {
		var parts [3][]byte
		for i, text := range c {
			parts[i], _ = hex.DecodeString(text)
		}
		block, out := newRC2(parts[0]), make([]byte, 8)
		block.Encrypt(out, parts[1])
		assert.Equal(t, c[2], hex.EncodeToString(out))
		block.Decrypt(out, out)
		assert.Equal(t, c[1], hex.EncodeToString(out))
	}
}

func TestRC2DecryptsWhatItEncrypted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block := newRC2(rapid.SliceOfN(rapid.Byte(), 1, 128).Draw(t, "key"))
		plain := rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "plain")
		out := make([]byte, 8)
		block.Encrypt(out, plain)
		block.Decrypt(out, out)
		require.Equal(t, plain, out)
	})
}

// modern is an algorithm with these numbers.
func modern(t testing.TB, kdf string, numbers ...int64) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oidPBES2)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addOID(b, kdf)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1OctetString([]byte("salt"))
					for _, n := range numbers {
						b.AddASN1Int64(n)
					}
				})
			})
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addOID(b, oidAES256)
				b.AddASN1OctetString(make([]byte, 16))
			})
		})
	})
	out, err := b.Bytes()
	require.NoError(t, err)
	return out
}

func TestWorkIsBounded(t *testing.T) {
	for name, algorithm := range map[string][]byte{
		"count":                 modern(t, oidPBKDF2, MaxIterations+1),
		"count of 31 bits":      bytes.Replace(modern(t, oidPBKDF2, 0x11223344), []byte{2, 4, 0x11, 0x22, 0x33, 0x44}, []byte{2, 4, 0x7f, 0xff, 0xff, 0xff}, 1),
		"scrypt, memory":        modern(t, oidScrypt, 1<<30, 8, 1),
		"scrypt, block size":    modern(t, oidScrypt, 2, 1<<40, 1),
		"scrypt, parallel work": modern(t, oidScrypt, 1<<14, 8, 1<<20),
	} {
		_, err := NewOpener("x").Decrypt(algorithm, make([]byte, 16))
		assert.ErrorIs(t, err, ErrTooMuchWork, name)
	}
	for name, algorithm := range map[string][]byte{
		"no count": modern(t, oidPBKDF2), "zero": modern(t, oidPBKDF2, 0), "negative": modern(t, oidPBKDF2, -1),
		"length": modern(t, oidPBKDF2, 1, 16), "scrypt, no power of two": modern(t, oidScrypt, 3, 1, 1), "scrypt, zero": modern(t, oidScrypt, 2, 0, 1),
	} {
		_, err := NewOpener("x").Decrypt(algorithm, make([]byte, 16))
		assert.EqualError(t, err, "the parameters of the encryption are damaged", name)
	}
	// Each part is in bounds, all together are not.
	o := NewOpener("x")
	require.NoError(t, o.spend(MaxIterations))
	o.spent = maxTotal - 10
	_, err := o.Decrypt(modern(t, oidPBKDF2, 11), make([]byte, 16))
	assert.ErrorIs(t, err, ErrTooMuchWork)
}

func TestUnknownAlgorithms(t *testing.T) {
	_, err := NewOpener("x").Decrypt(modern(t, "1.2.3.4"), make([]byte, 16))
	assert.EqualError(t, err, "the key derivation uses algorithm 1.2.3.4, which is not supported")
	_, err = NewOpener("x").Decrypt([]byte{0x30, 3, 6, 1, 0x2a}, make([]byte, 16))
	assert.EqualError(t, err, "the encryption uses algorithm 1.2, which is not supported")
	var unsupported *UnsupportedError
	require.ErrorAs(t, err, &unsupported)
	assert.Equal(t, "1.2", unsupported.Algorithm)
}

func TestMAC(t *testing.T) {
	for _, scheme := range []Scheme{Modern, Legacy} {
		mac, err := MAC(rand.Reader, scheme, "secret", []byte("content"))
		require.NoError(t, err)
		require.NoError(t, NewOpener("secret").CheckMAC(mac, []byte("content")))
		require.ErrorIs(t, NewOpener("Secret").CheckMAC(mac, []byte("content")), ErrWrongPassword)
		require.ErrorIs(t, NewOpener("secret").CheckMAC(mac, []byte("Content")), ErrWrongPassword)
	}
}

func TestPasswordsForWriting(t *testing.T) {
	for secret, message := range map[string]string{"": "the password is empty, expected one", "\xff": "the password is not text in UTF-8", "a\x00": "the password is not text in UTF-8"} {
		_, _, err := Encrypt(rand.Reader, Modern, secret, nil)
		assert.EqualError(t, err, message)
		_, err = MAC(rand.Reader, Modern, secret, nil)
		assert.EqualError(t, err, message)
	}
	_, _, err := Encrypt(bytes.NewReader(nil), Modern, "x", nil)
	assert.EqualError(t, err, "reading randomness: EOF")
}

func FuzzDecrypt(f *testing.F) {
	for _, scheme := range []Scheme{Modern, Legacy} {
		algorithm, ciphertext, err := Encrypt(rand.Reader, scheme, "x", []byte("plain"))
		require.NoError(f, err)
		f.Add(algorithm, ciphertext)
		mac, err := MAC(rand.Reader, scheme, "x", ciphertext)
		require.NoError(f, err)
		f.Add(mac, ciphertext)
	}
	f.Add(modern(f, oidScrypt, 2, 1, 1), make([]byte, 16))
	f.Fuzz(func(t *testing.T, parameters, data []byte) {
		o := NewOpener("x")
		o.spent = maxTotal - 5000 // what is allowed is not what this is about
		if plain, err := o.Decrypt(parameters, data); err == nil {
			require.Less(t, len(plain), len(data))
		}
		_ = o.CheckMAC(parameters, data)
		require.LessOrEqual(t, o.spent, maxTotal)
	})
}

func ExampleEncrypt() {
	algorithm, ciphertext, err := Encrypt(rand.Reader, Modern, "secret", []byte("plain"))
	if err != nil {
		fmt.Println(err)
		return
	}
	plain, err := NewOpener("secret").Decrypt(algorithm, ciphertext)
	fmt.Println(string(plain), err)
	// Output: plain <nil>
}

func ExampleMAC() {
	mac, err := MAC(rand.Reader, Modern, "secret", []byte("content"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(NewOpener("secret").CheckMAC(mac, []byte("content")))
	fmt.Println(NewOpener("guess").CheckMAC(mac, []byte("content")))
	// Output:
	// <nil>
	// the password is wrong
}
