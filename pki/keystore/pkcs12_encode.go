package keystore

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"encoding/asn1"
	"unicode/utf16"

	"example.com/gatehouse/pki/privatekey"
	"example.com/gatehouse/pki/privatekey/pbe"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// trusted is a certificate of a trust store.
type trusted struct {
	alias string
	der   []byte
}

// encodePKCS12 builds a PKCS#12 file of a key pair (key and the index of its certificate in the
// chain) or of trusted certificates, in the layout that OpenSSL and Java write: the certificates
// encrypted as a whole, the key for itself.
func encodePKCS12(o *Options, scheme pbe.Scheme, alias string, key crypto.Signer, chain [][]byte, own int, trust []trusted) ([]byte, error) {
	var certificates cryptobyte.Builder
	id := localKeyID(chain, own)
	certificates.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for i, der := range chain {
			addCertBag(b, der, func(b *cryptobyte.Builder) {
				if i == own {
					addFriendlyName(b, alias)
					addLocalKeyID(b, id)
				}
			})
		}
		for _, t := range trust {
			addCertBag(b, t.der, func(b *cryptobyte.Builder) {
				addFriendlyName(b, t.alias)
				addAttribute(b, oidTrusted, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidAnyExtendedKeyUsage) })
			})
		}
	})
	plain, err := certificates.Bytes()
	if err != nil {
		return nil, err
	}
	algorithm, ciphertext, err := pbe.Encrypt(o.Rand, scheme, o.Password, plain)
	if err != nil {
		return nil, err
	}
	var shrouded []byte
	if key != nil {
		if shrouded, err = privatekey.Encrypt(o.Rand, scheme, key, o.Password); err != nil {
			return nil, err
		}
	}
	var safe cryptobyte.Builder
	safe.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addContentInfo(b, oidEncryptedData, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidData)
					b.AddBytes(algorithm)
					b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(ciphertext) })
				})
			})
		})
		if shrouded == nil {
			return
		}
		addContentInfo(b, oidData, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addBag(b, oidShroudedKeyBag, func(b *cryptobyte.Builder) { b.AddBytes(shrouded) }, func(b *cryptobyte.Builder) {
						addFriendlyName(b, alias)
						addLocalKeyID(b, id)
					})
				})
			})
		})
	})
	content, err := safe.Bytes()
	if err != nil {
		return nil, err
	}
	mac, err := pbe.MAC(o.Rand, scheme, o.Password, content)
	if err != nil {
		return nil, err
	}
	var out cryptobyte.Builder
	out.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		addContentInfo(b, oidData, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
		b.AddBytes(mac)
	})
	return out.Bytes()
}

func addContentInfo(b *cryptobyte.Builder, kind asn1.ObjectIdentifier, content func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(kind)
		b.AddASN1(tag0, content)
	})
}

func addBag(b *cryptobyte.Builder, kind asn1.ObjectIdentifier, value, attributes func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(kind)
		b.AddASN1(tag0, value)
		var set cryptobyte.Builder
		attributes(&set)
		if all, err := set.Bytes(); err != nil {
			b.SetError(err)
		} else if len(all) > 0 {
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(all) })
		}
	})
}

func addCertBag(b *cryptobyte.Builder, der []byte, attributes func(*cryptobyte.Builder)) {
	addBag(b, oidCertBag, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidX509Certificate)
			b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(der) })
		})
	}, attributes)
}

func addAttribute(b *cryptobyte.Builder, kind asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(kind)
		b.AddASN1(cbasn1.SET, value)
	})
}

func addFriendlyName(b *cryptobyte.Builder, alias string) {
	addAttribute(b, oidFriendlyName, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(30), func(b *cryptobyte.Builder) {
			for _, unit := range utf16.Encode([]rune(alias)) {
				b.AddUint16(unit)
			}
		})
	})
}

func addLocalKeyID(b *cryptobyte.Builder, id []byte) {
	addAttribute(b, oidLocalKeyID, func(b *cryptobyte.Builder) { b.AddASN1OctetString(id) })
}

// ownIndex is the index of a certificate in a chain; 0 if it is not there.
func ownIndex(der []byte, chain [][]byte) int {
	for i, one := range chain {
		if bytes.Equal(one, der) {
			return i
		}
	}
	return 0
}

// localKeyID ties a key to its certificate: the SHA-1 of the certificate, as others have it.
func localKeyID(chain [][]byte, own int) []byte {
	if own >= len(chain) {
		return nil
	}
	sum := sha1.Sum(chain[own])
	return sum[:]
}
