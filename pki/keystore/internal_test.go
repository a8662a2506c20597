package keystore

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/privatekey/pbe"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"
)

// What follows encodes chains that no certificate of package pki has.

func EncodePKCS12ForTest(key crypto.Signer, chain [][]byte, password string) ([]byte, error) {
	o := Options{Rand: rand.Reader, Password: password}
	return encodePKCS12(&o, pbe.Modern, "odd", key, chain, 0, nil)
}

func EncodeJKSForTest(key crypto.Signer, chain [][]byte, password string) ([]byte, error) {
	o := Options{Rand: rand.Reader, Password: password, Now: time.Now}
	return encodeJKS(&o, "odd", key, chain, nil)
}

func EncodePKCS7ForTest(ders [][]byte) ([]byte, error) { return encodePKCS7(ders) }

// toBER writes DER with lengths that are not known beforehand, and OCTET STRINGs in pieces.
// Certificates stay as they are, since they are DER wherever they stand.
func toBER(t require.TestingT, der []byte) []byte {
	in := cryptobyte.String(der)
	var out []byte
	for !in.Empty() {
		var whole, content cryptobyte.String
		var tag cbasn1.Tag
		peek := in
		require.True(t, peek.ReadAnyASN1Element(&whole, &tag))
		require.True(t, in.ReadAnyASN1(&content, &tag))
		switch {
		case recognize(whole) == isCertificate:
			out = append(out, whole...)
		case tag&0x20 != 0:
			out = append(append(append(out, byte(tag), 0x80), toBER(t, content)...), 0, 0)
		case tag == cbasn1.OCTET_STRING && len(content) > 1:
			var b cryptobyte.Builder
			b.AddASN1OctetString(content[:1])
			b.AddASN1OctetString(content[1:])
			out = append(append(append(out, octetPieces, 0x80), b.BytesOrPanic()...), 0, 0)
		default:
			out = append(out, whole...)
		}
	}
	return out
}

// Some browsers and Windows write BER.
func TestBERBecomesDER(t *testing.T) {
	leaf := pki.NewRoot("root").Client("warehouse")
	for _, e := range []Export{PKCS7File, PKCS12File, LegacyPKCS12File} {
		der, err := Encode(leaf, e, Options{Password: "secret"})
		require.NoError(t, err)
		ber := toBER(t, der)
		require.NotEqual(t, der, ber)
		back, err := definite(ber)
		require.NoError(t, err)
		require.Equal(t, der, back)
		expected, err := Read(der, "secret")
		require.NoError(t, err)
		s, err := Read(ber, "secret")
		require.NoError(t, err)
		require.Equal(t, expected, s)
		_, err = Read(ber[:len(ber)-4], "secret")
		require.ErrorContains(t, err, "cut off or damaged")
	}
	// Ciphertext in pieces, as NSS writes it.
	pieces := []byte{0xa0, 0x80, 4, 1, 7, 4, 1, 8, 0, 0}
	back, rest, err := fromBER(pieces, 0)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.Equal(t, []byte{0xa0, 6, 4, 1, 7, 4, 1, 8}, back)
	whole, err := joined(back[2:])
	require.NoError(t, err)
	require.Equal(t, []byte{7, 8}, whole)
}

func TestBERIsBounded(t *testing.T) {
	_, err := definite(bytes.Repeat([]byte{0x30, 0x80}, MaxSize/2))
	require.EqualError(t, err, "the BER is cut off or damaged")
}

// Whatever DER is, its BER becomes it again.
func TestBERRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var element func(depth int) []byte
		element = func(depth int) []byte {
			var b cryptobyte.Builder
			if depth == 4 || rapid.Bool().Draw(t, "leaf") {
				b.AddASN1OctetString(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "content"))
			} else {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					for range rapid.IntRange(0, 3).Draw(t, "children") {
						b.AddBytes(element(depth + 1))
					}
				})
			}
			return b.BytesOrPanic()
		}
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(element(0)) })
		der := b.BytesOrPanic()
		back, err := definite(toBER(t, der))
		require.NoError(t, err)
		require.Equal(t, der, back)
	})
}
