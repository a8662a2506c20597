package keystore

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/pki/privatekey"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// noTime is the time of entries whose format has none.
var noTime time.Time

func readDER(data []byte, password string) (*contents, error) {
	der, err := definite(data)
	if err != nil {
		return nil, err
	}
	c := &contents{format: DERFormat}
	switch what := recognize(der); what {
	case isPKCS12:
		return readPKCS12(der, password)
	case isPKCS7:
		c.format = PKCS7Format
		return c, c.addPKCS7(der)
	case isKey, isEncryptedKey:
		var key Entry
		if what == isKey {
			key.Key, err = privatekey.Parse(der)
		} else {
			key.Key, err = privatekey.DecryptDER(der, password)
		}
		if err != nil {
			return nil, keyError(err)
		}
		key.Kind = PrivateKeyEntry
		c.entries = append(c.entries, key)
		return c, nil
	case isRequest:
		return c, c.addRaw(RequestEntry, der)
	case isCRL:
		return c, c.addRaw(CRLEntry, der)
	case isPublicKey:
		return nil, fmt.Errorf("found a public key, %w", errNoCertificate)
	}
	parsed, err := parseCertificate(bytes.Clone(der))
	if err != nil {
		return nil, err
	}
	return c, c.addCertificate(parsed.Raw, "", noTime)
}

// structure is what DER holds, as far as its outline tells.
type structure int

const (
	isOther structure = iota
	isCertificate
	isRequest
	isCRL
	isKey
	isEncryptedKey
	isPublicKey
	isPKCS7
	isPKCS12
)

// recognize tells structures apart by what stands at their beginning.
func recognize(der []byte) structure {
	in := cryptobyte.String(der)
	var body, inner cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() {
		return isOther
	}
	var number int
	switch {
	case body.PeekASN1Tag(cbasn1.INTEGER):
		if body.ReadASN1Integer(&number) && number == 3 && body.PeekASN1Tag(cbasn1.SEQUENCE) {
			return isPKCS12
		}
		return isKey
	case body.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER):
		return isPKCS7
	case !body.ReadASN1(&inner, cbasn1.SEQUENCE):
		return isOther
	case body.PeekASN1Tag(cbasn1.OCTET_STRING):
		return isEncryptedKey
	case body.PeekASN1Tag(cbasn1.BIT_STRING):
		return isPublicKey
	case !body.SkipASN1(cbasn1.SEQUENCE) || !body.SkipASN1(cbasn1.BIT_STRING) || !body.Empty():
		return isOther
	}
	return recognizeSigned(inner)
}

// recognizeSigned tells what was signed. A certificate has a validity, which is a sequence, where
// a CRL has a time and a request its attributes or nothing.
func recognizeSigned(inner cryptobyte.String) structure {
	version := cbasn1.Tag(0).Constructed().ContextSpecific()
	if inner.PeekASN1Tag(version) {
		return isCertificate
	}
	number := inner.PeekASN1Tag(cbasn1.INTEGER)
	if number && !inner.SkipASN1(cbasn1.INTEGER) || !inner.SkipASN1(cbasn1.SEQUENCE) || !inner.SkipASN1(cbasn1.SEQUENCE) {
		return isOther
	}
	switch {
	case inner.PeekASN1Tag(cbasn1.UTCTime), inner.PeekASN1Tag(cbasn1.GeneralizedTime):
		return isCRL
	case number && inner.PeekASN1Tag(cbasn1.SEQUENCE):
		return isCertificate
	case number && (inner.Empty() || inner.PeekASN1Tag(version)):
		return isRequest
	default:
		return isOther
	}
}

// found names structures that stand in the place of a certificate.
var found = map[structure]string{
	isRequest: "a certificate signing request", isCRL: "a certificate revocation list (CRL)",
	isKey: "a private key", isEncryptedKey: "an encrypted private key", isPublicKey: "a public key",
	isPKCS7: "PKCS#7", isPKCS12: "PKCS#12",
}

// parseCertificate accepts what at least has the outline of a certificate, since broken ones are
// of interest too.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err == nil {
		return c, nil
	}
	what := recognize(der)
	if what == isCertificate {
		return &x509.Certificate{Raw: der}, nil
	}
	if name := found[what]; name != "" {
		return nil, fmt.Errorf("found %s, expected a certificate", name)
	}
	return nil, fmt.Errorf("not a certificate: %s", strings.TrimPrefix(err.Error(), "x509: "))
}

// definite checks the frame of DER. BER with lengths that are not known beforehand, as some
// browsers and Windows write it, becomes DER.
func definite(data []byte) ([]byte, error) {
	const indefinite = 0x80
	if len(data) > 1 && data[1] == indefinite {
		out, rest, err := fromBER(data, 0)
		if err != nil {
			return nil, err
		}
		data = append(out, rest...)
	}
	in := cryptobyte.String(data)
	var body cryptobyte.String
	if in.ReadASN1(&body, cbasn1.SEQUENCE) {
		if !in.Empty() {
			return nil, fmt.Errorf("%d bytes stand behind the end of the DER", len(in))
		}
		return data, nil
	}
	what, announced := "DER", 0
	if head, n := header(data); n > 0 {
		announced = head + n
		if bytes.HasPrefix(data[min(head, len(data)):], []byte{2, 1, 3}) {
			what = "PKCS#12 file"
		}
	}
	if announced > len(data) {
		return nil, fmt.Errorf("the %s is cut off or damaged: its beginning announces %d bytes, found %d", what, announced, len(data))
	}
	return nil, fmt.Errorf("the %s is cut off or damaged", what)
}

// header is the length of tag and length, and the length itself; zeros if there is none.
func header(data []byte) (head, length int) {
	if len(data) < 2 {
		return 0, 0
	}
	n := int(data[1] & 0x7f)
	if data[1]&0x80 == 0 {
		return 2, n
	}
	if n == 0 || n > 4 || len(data) < 2+n {
		return 0, 0
	}
	for _, b := range data[2 : 2+n] {
		length = length<<8 | int(b)
	}
	return 2 + n, length
}

var errBER = errors.New("the BER is cut off or damaged")

// fromBER makes the first element of BER into DER where lengths are not known beforehand and where
// an OCTET STRING comes in pieces; all else, certificates above all, stays byte by byte.
func fromBER(data []byte, depth int) (der, rest []byte, err error) {
	const deepest, indefinite, constructed = 24, 0x80, 0x20
	if depth > deepest || len(data) < 2 || data[0]&0x1f == 0x1f {
		return nil, nil, errBER
	}
	tag := data[0]
	var content []byte
	if data[1] == indefinite && tag&constructed != 0 {
		for rest = data[2:]; ; {
			if len(rest) < 2 {
				return nil, nil, errBER
			}
			if rest[0] == 0 && rest[1] == 0 {
				rest = rest[2:]
				break
			}
			var one []byte
			if one, rest, err = fromBER(rest, depth+1); err != nil {
				return nil, nil, err
			}
			content = append(content, one...)
		}
	} else {
		head, length := header(data)
		if head == 0 || length > len(data)-head {
			return nil, nil, errBER
		}
		whole := data[:head+length]
		rest = data[head+length:]
		if tag&constructed == 0 || !hasIndefinite(whole[head:], depth) && tag != octetPieces {
			return whole, rest, nil
		}
		for inner := whole[head:]; len(inner) > 0; {
			var one []byte
			if one, inner, err = fromBER(inner, depth+1); err != nil {
				return nil, nil, err
			}
			content = append(content, one...)
		}
	}
	if tag == octetPieces {
		if content, err = joined(content); err != nil {
			return nil, nil, err
		}
		tag = byte(cbasn1.OCTET_STRING)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.Tag(tag), func(b *cryptobyte.Builder) { b.AddBytes(content) })
	der, err = b.Bytes()
	return der, rest, err
}

// octetPieces is the tag of an OCTET STRING that comes in pieces.
const octetPieces = 0x24

// hasIndefinite tells whether one of the elements or what is in them needs [fromBER].
func hasIndefinite(data []byte, depth int) bool {
	for len(data) >= 2 && depth < 24 {
		if data[1] == 0x80 || data[0] == octetPieces {
			return true
		}
		head, length := header(data)
		if head == 0 || length > len(data)-head {
			return false
		}
		if data[0]&0x20 != 0 && hasIndefinite(data[head:head+length], depth+1) {
			return true
		}
		data = data[head+length:]
	}
	return false
}

// joined is the content of the OCTET STRINGs one after the other.
func joined(pieces []byte) ([]byte, error) {
	in := cryptobyte.String(pieces)
	var out []byte
	for !in.Empty() {
		var one cryptobyte.String
		if !in.ReadASN1(&one, cbasn1.OCTET_STRING) {
			return nil, errBER
		}
		out = append(out, one...)
	}
	return out, nil
}
