package verify

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// pssParameters are the parameters of RSASSA-PSS.
type pssParameters struct {
	hash, mask   crypto.Hash
	salt         int
	otherTrailer bool // than 0xbc
}

const oidMGF1 = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"

// parseSignaturePSS reads the RSASSA-PSS-params of a signature.
func parseSignaturePSS(params cryptobyte.String) (*pssParameters, bool) {
	p, ok := parsePSS(params)
	return p, ok && p.salt >= 0 && !p.otherTrailer
}

// parsePSS reads the RSASSA-PSS-params of a key. Absent fields have the defaults of RFC 8017:
// SHA-1, MGF1 with SHA-1, 20 octets of salt. OpenSSL reads a key with a length of salt or a trailer
// that cannot be.
func parsePSS(params cryptobyte.String) (*pssParameters, bool) {
	p := &pssParameters{hash: crypto.SHA1, mask: crypto.SHA1, salt: 20}
	var s cryptobyte.String
	if !params.ReadASN1(&s, asn1.SEQUENCE) {
		return nil, false
	}
	for n := uint8(0); n < 4; n++ {
		if !s.PeekASN1Tag(explicit(n)) {
			continue
		}
		var field cryptobyte.String
		if !s.ReadASN1(&field, explicit(n)) || !p.read(n, field) {
			return nil, false
		}
	}
	return p, s.Empty()
}

func (p *pssParameters) read(field uint8, s cryptobyte.String) bool {
	switch field {
	case 0, 1:
		alg, ok := readAlgorithm(&s)
		if !ok || !s.Empty() {
			return false
		}
		if field == 0 {
			p.hash, ok = digestByOID(alg.oid)
			return ok
		}
		inner := cryptobyte.String(alg.params)
		mask, ok := readAlgorithm(&inner)
		if !ok || string(alg.oid) != oidMGF1 {
			return false
		}
		p.mask, ok = digestByOID(mask.oid)
		return ok
	default:
		content, ok := readInteger(&s, asn1.INTEGER)
		if !ok || !s.Empty() {
			return false
		}
		n := smallInteger(content)
		if field == 3 {
			p.otherTrailer = n != 1
		} else {
			p.salt = min(int(int32(n)), maxRSAModulus) // OpenSSL keeps 32 bits; no signature has so long a one
		}
		return true
	}
}

// allows tells whether a key with restrictions r may have made a signature with p.
func (r *pssParameters) allows(p *pssParameters) bool {
	return r == nil || r.hash == p.hash && r.mask == p.mask && r.salt >= 0 && p.salt >= r.salt
}

func (k *rsaPublicKey) verifyPSS(p *pssParameters, sum, sig []byte) bool {
	if k.std != nil && p.hash == p.mask && p.salt > 0 {
		return rsa.VerifyPSS(k.std, p.hash, sum, sig, &rsa.PSSOptions{SaltLength: p.salt, Hash: p.hash}) == nil
	}
	m, ok := k.open(sig)
	if !ok {
		return false
	}
	// RFC 8017, section 9.1.2: the encoded message has one bit less than the modulus.
	bits := k.n.BitLen() - 1
	if bits%8 == 0 {
		if m[0] != 0 {
			return false
		}
		m = m[1:]
	}
	size := p.hash.Size()
	if len(m) < size+p.salt+2 || m[len(m)-1] != 0xbc {
		return false
	}
	db, h := m[:len(m)-size-1], m[len(m)-size-1:len(m)-1]
	if unused := 8*len(m) - bits; db[0]>>(8-unused) != 0 {
		return false
	}
	for i, c := range mgf1(p.mask, h, len(db)) {
		db[i] ^= c
	}
	db[0] &= 0xff >> (8*len(m) - bits)
	end := len(db) - p.salt - 1
	for _, c := range db[:end] {
		if c != 0 {
			return false
		}
	}
	if db[end] != 1 {
		return false
	}
	check := p.hash.New()
	check.Write(make([]byte, 8))
	check.Write(sum)
	check.Write(db[end+1:])
	return bytes.Equal(check.Sum(nil), h)
}

// mgf1 is the mask generation function of RFC 8017, appendix B.2.1.
func mgf1(hash crypto.Hash, seed []byte, size int) []byte {
	var mask []byte
	for counter := uint32(0); len(mask) < size; counter++ {
		h := hash.New()
		h.Write(seed)
		h.Write(binary.BigEndian.AppendUint32(nil, counter))
		mask = h.Sum(mask)
	}
	return mask[:size]
}
