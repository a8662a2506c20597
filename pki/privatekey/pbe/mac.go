package pbe

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The digests of a PKCS#12 file's MAC.
var digests = map[string]func() hash.Hash{
	oidSHA1:                  sha1.New,
	oidSHA256:                sha256.New,
	"2.16.840.1.101.3.4.2.2": sha512.New384,
	"2.16.840.1.101.3.4.2.3": sha512.New,
	"2.16.840.1.101.3.4.2.4": sha256.New224,
}

const (
	oidSHA1   = "1.3.14.3.2.26"
	oidSHA256 = "2.16.840.1.101.3.4.2.1"
)

// CheckMAC checks the MAC of a PKCS#12 file. macData is the DER of its MacData, content what the
// MAC is of. It returns [ErrWrongPassword] if the MAC is another one.
func (o *Opener) CheckMAC(macData, content []byte) error {
	in := cryptobyte.String(macData)
	var body, info, algorithm, expected, salt cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1(&info, cbasn1.SEQUENCE) ||
		!info.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) || !info.ReadASN1(&expected, cbasn1.OCTET_STRING) ||
		!body.ReadASN1(&salt, cbasn1.OCTET_STRING) {
		return errDamaged
	}
	oid, parameters, err := readAlgorithm(algorithm)
	if err != nil {
		return err
	}
	if oid == oidPBMAC1 {
		return o.checkPBMAC1(parameters, expected, content)
	}
	h := digests[oid]
	if h == nil {
		return &UnsupportedError{What: "MAC", Algorithm: oid}
	}
	count := 1
	if !body.Empty() {
		if count, err = readIterations(&body); err != nil {
			return err
		}
	}
	// Some write an empty password as an empty string, some as nothing; what fits the MAC holds
	// for what is encrypted too.
	forms := []bool{false}
	if o.password == "" {
		forms = append(forms, true)
	}
	for _, o.nothing = range forms {
		if err := o.spend(count); err != nil {
			return err
		}
		mac := hmac.New(h, deriveKey(h, o.bmp(), salt, count, macPurpose, h().Size()))
		mac.Write(content)
		if hmac.Equal(mac.Sum(nil), expected) {
			return nil
		}
	}
	return ErrWrongPassword
}

// checkPBMAC1 is the MAC of RFC 9579; salt and count beside it have no meaning.
func (o *Opener) checkPBMAC1(parameters cryptobyte.String, expected, content []byte) error {
	var body, kdf, scheme cryptobyte.String
	if !parameters.ReadASN1(&body, cbasn1.SEQUENCE) ||
		!body.ReadASN1Element(&kdf, cbasn1.SEQUENCE) || !body.ReadASN1Element(&scheme, cbasn1.SEQUENCE) {
		return errDamaged
	}
	oid, _, err := readAlgorithm(scheme)
	if err != nil {
		return err
	}
	h := hmacs[oid]
	if h == nil {
		return &UnsupportedError{What: "MAC", Algorithm: oid}
	}
	key, err := o.derived(kdf, 0)
	if err != nil {
		return err
	}
	mac := hmac.New(h, key)
	mac.Write(content)
	if !hmac.Equal(mac.Sum(nil), expected) {
		return ErrWrongPassword
	}
	return nil
}
