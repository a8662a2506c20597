package pbe

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The schemes that derive key and initialization vector from password, salt and count alone.
const (
	oidMD5DES        = "1.2.840.113549.1.5.3"
	oidSHA1DES       = "1.2.840.113549.1.5.10"
	oidSHA1TripleDES = "1.2.840.113549.1.12.1.3"
	oidSHA1TwoKeyDES = "1.2.840.113549.1.12.1.4"
	oidSHA1RC2of128  = "1.2.840.113549.1.12.1.5"
	oidSHA1RC2of40   = "1.2.840.113549.1.12.1.6"
)

// pbes1 is the cipher of PBES1 and of PKCS#12.
func (o *Opener) pbes1(oid string, parameters cryptobyte.String) (cipher.Block, []byte, error) {
	switch oid {
	case oidMD5DES, oidSHA1DES, oidSHA1TripleDES, oidSHA1TwoKeyDES, oidSHA1RC2of128, oidSHA1RC2of40:
	default:
		return nil, nil, &UnsupportedError{What: "encryption", Algorithm: oid}
	}
	var body, salt cryptobyte.String
	if !parameters.ReadASN1(&body, cbasn1.SEQUENCE) || !parameters.Empty() ||
		!body.ReadASN1(&salt, cbasn1.OCTET_STRING) {
		return nil, nil, errDamaged
	}
	count, err := readIterations(&body)
	if err != nil {
		return nil, nil, err
	}
	if err := o.spend(count); err != nil {
		return nil, nil, err
	}
	derive := func(id byte, size int) []byte {
		return deriveKey(sha1.New, o.bmp(), salt, count, id, size)
	}
	var block cipher.Block
	switch oid {
	case oidMD5DES, oidSHA1DES:
		h := md5.New
		if oid == oidSHA1DES {
			h = sha1.New
		}
		key := derivePBKDF1(h, []byte(o.password), salt, count)
		block, err = des.NewCipher(key[:8])
		return block, key[8:16], err
	case oidSHA1TripleDES:
		block, err = des.NewTripleDESCipher(derive(keyPurpose, 24))
	case oidSHA1TwoKeyDES:
		two := derive(keyPurpose, 16)
		block, err = des.NewTripleDESCipher(append(two[:16:16], two[:8]...))
	case oidSHA1RC2of128:
		block = newRC2(derive(keyPurpose, 16))
	case oidSHA1RC2of40:
		block = newRC2(derive(keyPurpose, 5))
	}
	return block, derive(ivPurpose, 8), err
}

// derivePBKDF1 is PBKDF1 of RFC 8018, section 5.1, with the whole hash for its result.
func derivePBKDF1(h func() hash.Hash, password, salt []byte, count int) []byte {
	digest := h()
	digest.Write(password)
	digest.Write(salt)
	out := digest.Sum(nil)
	for range count - 1 {
		digest.Reset()
		digest.Write(out)
		out = digest.Sum(out[:0])
	}
	return out
}

// What a derived key is for; RFC 7292, appendix B.3.
const (
	keyPurpose byte = 1
	ivPurpose  byte = 2
	macPurpose byte = 3
)

// deriveKey is the key derivation of RFC 7292, appendix B.2.
func deriveKey(h func() hash.Hash, password, salt []byte, count int, purpose byte, size int) []byte {
	digest := h()
	v := digest.BlockSize()
	diversifier := make([]byte, v)
	for i := range diversifier {
		diversifier[i] = purpose
	}
	input := append(repeated(salt, v), repeated(password, v)...)
	var out []byte
	for {
		digest.Reset()
		digest.Write(diversifier)
		digest.Write(input)
		a := digest.Sum(nil)
		for range count - 1 {
			digest.Reset()
			digest.Write(a)
			a = digest.Sum(a[:0])
		}
		if out = append(out, a...); len(out) >= size {
			return out[:size]
		}
		// Each block of the input becomes itself plus the hash plus one, in v bytes.
		b := repeated(a, v)[:v]
		for at := 0; at < len(input); at += v {
			carry := 1
			for i := v - 1; i >= 0; i-- {
				sum := int(input[at+i]) + int(b[i]) + carry
				input[at+i] = byte(sum)
				carry = sum >> 8
			}
		}
	}
}

// repeated repeats the pattern up to the next multiple of v; nothing stays nothing.
func repeated(pattern []byte, v int) []byte {
	size := (len(pattern) + v - 1) / v * v
	out := make([]byte, size)
	for i := range out {
		out[i] = pattern[i%len(pattern)]
	}
	return out
}
