// Package request reads certificate signing requests (PKCS#10) as real sender systems make them:
// STRUST and sapgenpse, keytool, OpenSSL, Windows. It says what a request asks for, checks that
// whoever made it has the private key, and finds what will make trouble later.
//
// What is not here: the signing (pki.Certificate.SignRequest), and files that hold something else
// (packages keystore and inspect).
package request

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"example.com/gatehouse/pki/keystore"
)

// The limits of [Parse]: of the file, of the request in it, of an RSA key in bits, and of the
// alternative names that are asked for.
const (
	MaxSize  = keystore.MaxSize
	maxDER   = 64 << 10
	maxRSA   = 16384
	maxNames = 1_000
)

// ErrNotSignedByItsKey: the signature of the request is not that of its own key, so that nothing
// shows that the requester has the private key; or the file was changed on its way.
var ErrNotSignedByItsKey = errors.New("the request is not signed with its own key: it was damaged or changed, or made for somebody else's key; have it made again")

// Request is a certificate signing request whose signature has been checked.
type Request struct {
	// The parsed request. Its Extensions and names hold what is asked for in either way, that of
	// PKCS#9 and that of Microsoft. It must not be changed.
	*x509.CertificateRequest
	// Raw is the DER of the request.
	Raw []byte

	asks Asks
}

// The types of PEM blocks that hold a request.
const (
	requestBlock    = "CERTIFICATE REQUEST"
	newRequestBlock = "NEW CERTIFICATE REQUEST"
)

// Parse reads a request: PEM with or without text around it, DER, or base64 without PEM's lines.
// Text may be UTF-16 or begin with a byte order mark, as Windows writes it, and its lines may be
// indented. There must be one request and no other.
//
// The error says what was found and what was expected; it is [ErrNotSignedByItsKey] if only the
// signature is wrong. It never repeats key material, nor a challenge password.
func Parse(data []byte) (*Request, error) {
	der, err := find(data)
	if err != nil {
		return nil, err
	}
	return ParseDER(der)
}

// ParseDER reads a request in DER. The errors are those of [Parse].
func ParseDER(der []byte) (*Request, error) {
	if len(der) > maxDER {
		return nil, fmt.Errorf("the certificate signing request has %d bytes, expected %d at most", len(der), maxDER)
	}
	parsed, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("the certificate signing request is damaged or not supported: %s", strings.TrimPrefix(err.Error(), "x509: "))
	}
	if key, isRSA := parsed.PublicKey.(*rsa.PublicKey); isRSA && key.N.BitLen() > maxRSA {
		return nil, fmt.Errorf("the RSA key of the certificate signing request has %d bits, expected %d at most", key.N.BitLen(), maxRSA)
	}
	r := &Request{CertificateRequest: parsed, Raw: bytes.Clone(der)}
	if err := r.readAttributes(); err != nil {
		return nil, err
	}
	if err := checkSignature(parsed); err != nil {
		return nil, err
	}
	return r, nil
}

// find finds the DER of the one request in a file.
func find(data []byte) ([]byte, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("the file has %d bytes, expected a certificate signing request, %d at most", len(data), MaxSize)
	}
	if looksLikeRequest(data) {
		return data, nil
	}
	text := plainText(data)
	if der := decodeBase64(text); looksLikeRequest(der) {
		return der, nil
	}
	if !bytes.Contains(text, []byte("-----BEGIN ")) {
		return nil, expected(data)
	}
	text = unindented(text)
	var found [][]byte
	blocks := 0
	for rest := text; ; blocks++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == requestBlock || block.Type == newRequestBlock {
			found = append(found, block.Bytes)
		}
	}
	begun := bytes.Count(text, []byte("-----BEGIN "))
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("found %d certificate signing requests, expected one", len(found))
	case begun > blocks:
		return nil, fmt.Errorf("the PEM is cut off or damaged: %d blocks begin, %d can be read; expected a certificate signing request", begun, blocks)
	default:
		return nil, expected(text)
	}
}

// expected says what was found in place of a request.
func expected(data []byte) error {
	const wanted = "expected a certificate signing request (PEM, DER or base64)"
	store, err := keystore.Inspect(data, "")
	switch {
	case errors.Is(err, keystore.ErrPasswordNeeded) || errors.Is(err, keystore.ErrWrongPassword):
		return errors.New("found an encrypted private key or keystore, " + wanted)
	case err != nil:
		// What package keystore expected is something else.
		found, _, _ := strings.Cut(err.Error(), "expected a certificate")
		found = strings.TrimRight(found, " ,;")
		if found == "" {
			found = "found something else"
		}
		return errors.New(found + "; " + wanted)
	}
	for _, e := range store.Entries {
		switch {
		case e.Key != nil:
			return errors.New("found a private key, " + wanted + "; the private key stays with the sender")
		case e.Kind == keystore.CRLEntry:
			return errors.New("found a certificate revocation list (CRL), " + wanted)
		}
	}
	return errors.New("found a certificate, " + wanted + "; a certificate is what comes back when the request has been signed")
}

// looksLikeRequest tells whether the DER has the outline of a request: a sequence of which the
// first element begins with version, name, key and attributes, and not with a validity.
func looksLikeRequest(der []byte) bool {
	in := cryptobyte.String(der)
	var outer, info cryptobyte.String
	var version int
	return in.ReadASN1(&outer, cbasn1.SEQUENCE) && in.Empty() && outer.ReadASN1(&info, cbasn1.SEQUENCE) &&
		info.ReadASN1Integer(&version) && version == 0 && info.SkipASN1(cbasn1.SEQUENCE) && info.SkipASN1(cbasn1.SEQUENCE) &&
		(info.Empty() || info.PeekASN1Tag(attributesTag)) &&
		outer.SkipASN1(cbasn1.SEQUENCE) && outer.SkipASN1(cbasn1.BIT_STRING) && outer.Empty()
}

// plainText takes away a byte order mark, and makes UTF-8 of UTF-16.
func plainText(data []byte) []byte {
	little, big := bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff})
	if !little && !big {
		return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	}
	var units []uint16
	for i := 2; i+1 < len(data); i += 2 {
		if little {
			units = append(units, uint16(data[i])|uint16(data[i+1])<<8)
		} else {
			units = append(units, uint16(data[i])<<8|uint16(data[i+1]))
		}
	}
	return []byte(string(utf16.Decode(units)))
}

// unindented takes the blanks at both ends of each line away: requests travel in mails.
func unindented(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		out = append(append(out, bytes.TrimSpace(line)...), '\n')
	}
	return out
}

// decodeBase64 decodes text that is base64 and nothing else; nil if it is not.
func decodeBase64(text []byte) []byte {
	packed := bytes.TrimRight(bytes.Join(bytes.Fields(text), nil), "=")
	der, err := base64.RawStdEncoding.AppendDecode(nil, packed)
	if err != nil {
		return nil
	}
	return der
}
