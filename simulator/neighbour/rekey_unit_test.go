package neighbour_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"

	"example.com/gatehouse/pki"
)

// Of each recorded certificate the keys, the dates and the signature change, and no octet else.
func TestRekeyingChangesNothingElse(t *testing.T) {
	cases, ring := recordedKeys(t)
	const day = 24 * time.Hour
	still, moved := ring.rekey(0), ring.rekey(day)
	newKey, oldKey, seen := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, c := range cases {
		for _, der := range append(append([][]byte{}, c.chain...), c.trusted...) {
			if seen[string(der)] {
				continue
			}
			seen[string(der)] = true
			old, err := takeApart(der)
			require.NoError(t, err)
			der1, err := still.certificate(der)
			require.NoError(t, err)
			new1, err := takeApart(der1)
			require.NoError(t, err)
			der2, err := moved.certificate(der)
			require.NoError(t, err)
			new2, err := takeApart(der2)
			require.NoError(t, err)

			require.Len(t, new1.parts, len(old.parts))
			for i := range old.parts {
				switch i - old.first {
				case partKey:
					assert.NotEqual(t, old.parts[i], new1.parts[i])
					assert.Equal(t, new1.parts[i], new2.parts[i], "one key has one successor")
				case partValidity:
					assert.Equal(t, old.parts[i], new1.parts[i])
					assert.Len(t, new2.parts[i], len(old.parts[i]))
				default:
					assert.Equal(t, old.parts[i], new1.parts[i], "%s, part %d", c.Case, i)
					assert.Equal(t, old.parts[i], new2.parts[i], "%s, part %d", c.Case, i)
				}
			}
			assert.Equal(t, old.algorithm, new1.algorithm)
			assert.NotEqual(t, old.signature, new1.signature)

			before, err := readKey(old.spki())
			require.NoError(t, err)
			after, err := readKey(new1.spki())
			require.NoError(t, err)
			assert.Equal(t, before.algorithm, after.algorithm, "kind, curve and parameters as they stood")
			assert.Equal(t, strength(before), strength(after))
			known, ok := newKey[string(old.spki())]
			assert.True(t, !ok || known == string(new1.spki()), "the same key becomes the same key")
			known, ok = oldKey[string(new1.spki())]
			assert.True(t, !ok || known == string(old.spki()), "other keys become other keys")
			newKey[string(old.spki())], oldKey[string(new1.spki())] = string(new1.spki()), string(old.spki())

			again, err := still.certificate(bytes.Clone(der))
			require.NoError(t, err)
			assert.Equal(t, der1, again, "the same octets become the same octets")
		}
	}
	assert.Len(t, newKey, len(ring.successors))
	assert.Len(t, oldKey, len(newKey))
}

// strength is the length of a key, in bits.
func strength(k *recordedKey) int {
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen()
	case *ecdsa.PublicKey:
		return public.Curve.Params().BitSize
	}
	return 8 * len(k.spki)
}

// damaged is a certificate whose signature was changed after it had been made.
func damaged(t testing.TB, der []byte, d damage) []byte {
	t.Helper()
	c, err := takeApart(der)
	require.NoError(t, err)
	return element(cbasn1.SEQUENCE, c.raw, c.algorithm, element(cbasn1.BIT_STRING, []byte{0}, d.apply(c.signature)))
}

// A chain that is good is good with new keys, whatever keys it has, and a signature that was damaged
// is damaged in the same octet.
func TestSignaturesAreMadeAgain(t *testing.T) {
	for _, kind := range []pki.KeyType{pki.P256, pki.P384, pki.P521, pki.RSA2048, pki.Ed25519} {
		t.Run(kind.String(), func(t *testing.T) {
			root := pki.NewRoot("Root", kind)
			issuing := root.Intermediate("Issuing", kind)
			leaf := issuing.Client("warehouse.example")
			other := issuing.Client("other.example")
			d := damage{fromEnd: 5, mask: 0x80}
			wrong := damaged(t, other.DER(), d)
			list, err := issuing.CRL([]*pki.Certificate{other})
			require.NoError(t, err)

			ring, err := newKeyring(leaf.DER(), issuing.DER(), root.DER(), wrong)
			require.NoError(t, err)
			r := ring.rekey(time.Minute)
			parsed := func(der []byte) *x509.Certificate {
				out, err := r.certificate(der)
				require.NoError(t, err)
				c, err := x509.ParseCertificate(out)
				require.NoError(t, err)
				return c
			}
			top, ca, end, bad := parsed(root.DER()), parsed(issuing.DER()), parsed(leaf.DER()), parsed(wrong)
			assert.NoError(t, top.CheckSignatureFrom(top))
			assert.NoError(t, ca.CheckSignatureFrom(top))
			assert.NoError(t, end.CheckSignatureFrom(ca))
			assert.Error(t, end.CheckSignatureFrom(issuing.X509()), "the old key did not sign the new certificate")
			assert.Equal(t, leaf.X509().NotAfter.Add(time.Minute), end.NotAfter)

			assert.Error(t, bad.CheckSignatureFrom(ca))
			mended, err := x509.ParseCertificate(damaged(t, bad.Raw, d))
			require.NoError(t, err)
			assert.NoError(t, mended.CheckSignatureFrom(ca), "the damage is that of the recorded signature")

			der, err := r.crl(list)
			require.NoError(t, err)
			crl, err := x509.ParseRevocationList(der)
			require.NoError(t, err)
			assert.NoError(t, crl.CheckSignatureFrom(ca))
			old, err := x509.ParseRevocationList(list)
			require.NoError(t, err)
			assert.Equal(t, old.NextUpdate.Add(time.Minute), crl.NextUpdate)
			assert.Equal(t, old.RevokedCertificateEntries, crl.RevokedCertificateEntries)
		})
	}
}

// What cannot be given new keys is an error that says why.
func TestWhatCannotBeRekeyed(t *testing.T) {
	root := pki.NewRoot("Root")
	leaf := root.Client("warehouse.example")
	defective := func(id string) []byte { return root.Client(id, pki.WithDefect(id)).DER() }
	changed := func(der []byte, from, to string) []byte {
		require.Equal(t, 2, bytes.Count(der, []byte(from)), "inner and outer")
		return bytes.ReplaceAll(der, []byte(from), []byte(to))
	}
	// ecdsa-with-SHA256, and an algorithm that nobody has.
	unknownAlgorithm := changed(leaf.DER(), "\x2a\x86\x48\xce\x3d\x04\x03\x02", "\x2a\x86\x48\xce\x3d\x04\x03\x7f")
	for name, row := range map[string]struct {
		among [][]byte
		der   []byte
		want  string
	}{
		"the good twin":        {[][]byte{root.DER(), leaf.DER()}, leaf.DER(), ""},
		"issuer missing":       {[][]byte{leaf.DER()}, leaf.DER(), "none of the recorded keys made the signature"},
		"key not read before":  {[][]byte{root.DER()}, leaf.DER(), "in none of the certificates that were read before"},
		"unknown algorithm":    {[][]byte{root.DER(), leaf.DER()}, unknownAlgorithm, "signature algorithm 1.2.840.10045.4.3.127"},
		"exponent 3":           {[][]byte{root.DER(), defective("rsa-exponent-3")}, nil, "RSA with exponent 3"},
		"damage of two octets": {[][]byte{root.DER(), leaf.DER()}, damaged(t, damaged(t, leaf.DER(), damage{1, 1}), damage{2, 1}), "not even a damaged one"},
		"no certificate":       {[][]byte{root.DER(), leaf.DER()}, []byte("\x30\x03\x02\x01\x05"), "not a signed part with algorithm and signature"},
	} {
		t.Run(name, func(t *testing.T) {
			ring, err := newKeyring(row.among...)
			require.NoError(t, err)
			if row.der == nil {
				row.der = row.among[1]
			}
			_, err = ring.rekey(0).certificate(row.der)
			if row.want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, row.want)
			}
		})
	}
	_, err := newKeyring(leaf.DER(), []byte("junk"))
	assert.ErrorContains(t, err, "certificate 2 of 2: not a signed part")
	short := element(cbasn1.SEQUENCE, element(cbasn1.SEQUENCE, []byte{2, 1, 1}), element(cbasn1.SEQUENCE), element(cbasn1.BIT_STRING, []byte{0}))
	_, err = newKeyring(short)
	assert.ErrorContains(t, err, "parts of the certificate are missing")
	ring, err := newKeyring(root.DER())
	require.NoError(t, err)
	_, err = ring.rekey(0).crl(short)
	assert.ErrorContains(t, err, "parts of the CRL are missing")
}

func TestDatesKeepTheirForm(t *testing.T) {
	const day = 24 * time.Hour
	utc, generalized := cbasn1.UTCTime, cbasn1.GeneralizedTime
	for _, row := range []struct {
		tag        cbasn1.Tag
		text, want string
		shift      time.Duration
	}{
		{utc, "261123090000Z", "261124090000Z", day},
		{utc, "261123090000Z", "261122090000Z", -day},
		{utc, "991231235959Z", "000101235959Z", day}, // 1999, 2000
		{utc, "491230000000Z", "491231000000Z", day},
		{utc, "491231000000Z", "491231000000Z", day},  // 2050 has another form
		{utc, "500101000000Z", "500101000000Z", -day}, // so has 1949
		{utc, "2611230900Z", "2611230900Z", day},      // without seconds: a defect
		{utc, "261332090000Z", "261332090000Z", day},  // no date
		{utc, "261123090000+0100", "261123090000+0100", day},
		{generalized, "20261123090000Z", "20261124090000Z", day},
		{generalized, "20500101000000Z", "20491231000000Z", -day},
		{generalized, "99991231235959Z", "99991231235959Z", -day},
		{generalized, "20261123090000.5Z", "20261123090000.5Z", day},
		{cbasn1.UTF8String, "261123090000Z", "261123090000Z", day},
	} {
		got := cryptobyte.String(moveDate(element(row.tag, []byte(row.text)), row.shift))
		var text cryptobyte.String
		require.True(t, got.ReadASN1(&text, row.tag), "%s: another form", row.text)
		assert.Equal(t, row.want, string(text), "%s by %s", row.text, row.shift)
	}
	assert.Equal(t, []byte("junk"), moveDate([]byte("junk"), day))
}

// A date that is moved forth and back stands where it stood.
func TestDatesMoveForthAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		date := time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "date"), 0).UTC()
		shift := time.Duration(rapid.IntRange(-1e9, 1e9).Draw(t, "shift")) * time.Second
		der := element(cbasn1.GeneralizedTime, []byte(date.Format(generalizedForm)))
		if date.Year() < 2050 && rapid.Bool().Draw(t, "short") {
			der = element(cbasn1.UTCTime, []byte(date.Format(utcForm)))
		}
		moved := moveDate(der, shift)
		if bytes.Equal(moved, der) {
			return // it would have left the years of its form, or was not moved
		}
		if back := moveDate(moved, -shift); !bytes.Equal(der, back) {
			t.Fatalf("%q by %s is %q, and back %q", der, shift, moved, back)
		}
	})
}
