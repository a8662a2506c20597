package keystore

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"example.com/gatehouse/pki/privatekey"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxSize bounds what [Read] accepts, in bytes.
const MaxSize = 1 << 20

// maxCertificates bounds the certificates of one store, maxKeys its private keys, maxEntries all
// other entries.
const (
	maxCertificates = 1_000
	maxKeys         = 100
	maxEntries      = 1_000
)

var (
	// ErrWrongPassword: the password does not open the file or a key in it.
	ErrWrongPassword = privatekey.ErrWrongPassword
	// ErrPasswordNeeded: the file or a key in it is encrypted, and the password is empty.
	ErrPasswordNeeded = privatekey.ErrPasswordNeeded
)

// Read reads a file's bytes: PEM with anything in any order, one certificate, private key, signing
// request or CRL in DER, PKCS#7 with certificates, PKCS#12, or a Java keystore (JKS); all of them
// also as base64 alone. It accepts one private key at most; [ReadEntry] chooses among several, and
// [Inspect] lists them. The password is for PKCS#12, JKS and encrypted private keys; nothing else
// looks at it.
//
// An error says what was found and what was expected, and never repeats key material. It is
// [ErrWrongPassword] or [ErrPasswordNeeded] where that is the reason.
func Read(data []byte, password string) (*Store, error) {
	c, err := read(data, password)
	if err != nil {
		return nil, err
	}
	return c.only()
}

// ReadEntry is [Read] for one of several entries of a PKCS#12 or JKS file: a key with its chain, or
// a certificate. Upper and lower case matter only if two aliases differ in nothing else. An empty
// alias is the same as Read.
func ReadEntry(data []byte, password, alias string) (*Store, error) {
	c, err := read(data, password)
	if err != nil {
		return nil, err
	}
	if alias == "" {
		return c.only()
	}
	return c.entry(alias)
}

// ReadCertificates is [Read] for files that must hold a certificate; one with a private key, a
// signing request or a CRL alone is an error.
func ReadCertificates(data []byte, password string) (*Store, error) {
	s, err := Read(data, password)
	if err != nil {
		return nil, err
	}
	if len(s.Chain) == 0 {
		found := "nothing"
		for _, e := range s.Entries {
			found = nameOf(e.Kind)
			if e.Key != nil {
				break
			}
		}
		return nil, fmt.Errorf("found %s, expected a certificate", found)
	}
	return s, nil
}

// Inspect is [Read] for who wants to see what a file holds, whatever it is good for: several keys
// are no error, nor is a key that belongs to none of the certificates. Then Key, Chain, RawChain
// and Presented of the store are nil.
func Inspect(data []byte, password string) (*Store, error) {
	c, err := read(data, password)
	if err != nil {
		return nil, err
	}
	s, err := c.only()
	if err != nil {
		return &Store{Format: c.format, Entries: c.entries}, nil //nolint:nilerr // the entries tell it
	}
	return s, nil
}

func nameOf(kind EntryKind) string {
	switch kind {
	case RequestEntry:
		return "a certificate signing request"
	case CRLEntry:
		return "a certificate revocation list (CRL)"
	case PrivateKeyEntry, KeyPairEntry:
		return "a private key"
	default:
		return "a certificate"
	}
}

// foreign are files that are told by their beginning, and what to do with them.
var foreign = []struct{ beginning, found string }{
	{"\xce\xce\xce\xce", "found a Java keystore of the kind JCEKS; convert it with keytool -importkeystore -srcstoretype jceks -deststoretype pkcs12"},
	{"\x00\x00\x00\x01\x00\x00\x00\x14", "found a Bouncy Castle keystore (BKS); convert it with keytool -importkeystore -srcstoretype bks -deststoretype pkcs12 and Bouncy Castle's provider"},
	{"\x00\x00\x00\x02\x00\x00\x00\x14", "found a Bouncy Castle keystore (BKS); convert it with keytool -importkeystore -srcstoretype bks -deststoretype pkcs12 and Bouncy Castle's provider"},
	{"\x00\x00\x00\x00CERT", "found a serialized certificate store of Windows (.sst); export the certificates as .p7b or .cer"},
	{"PK\x03\x04", "found a zip archive; unpack it and give one of the files in it"},
	{"\x1f\x8b", "found a gzip archive; unpack it and give one of the files in it"},
}

func read(data []byte, password string) (*contents, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("the file has %d bytes, expected %d at most", len(data), MaxSize)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("the file is empty, %w", errNoCertificate)
	}
	for _, f := range foreign {
		if bytes.HasPrefix(data, []byte(f.beginning)) {
			return nil, fmt.Errorf("%s; %w", f.found, errNoCertificate)
		}
	}
	switch {
	case bytes.HasPrefix(data, jksMagic):
		return readJKS(data, password)
	case data[0] == byte(cbasn1.SEQUENCE) && !isText(data):
		return readDER(data, password)
	}
	text := plainText(data)
	switch {
	case bytes.Contains(text, []byte(pemBegin)):
		return readPEM(text, password)
	case bytes.Contains(text, []byte("-----END ")):
		return nil, errors.New("the PEM is cut off at its beginning: found an END line without a BEGIN line")
	}
	if der := decodeBase64(text); der != nil {
		return readDER(der, password)
	}
	return nil, fmt.Errorf("%s, neither PEM nor DER; %w", beginning(text), errNoCertificate)
}

// isText tells whether the data is text, which may begin with '0' as DER does.
func isText(data []byte) bool {
	return utf8.Valid(data) && !bytes.ContainsFunc(data, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) })
}

// plainText takes away the byte order mark that Windows puts in front of text, and makes UTF-8 of
// UTF-16.
func plainText(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	}
	var units []uint16
	for rest := data[2:]; len(rest) >= 2; rest = rest[2:] {
		units = append(units, order.Uint16(rest))
	}
	return []byte(string(utf16.Decode(units)))
}

// decodeBase64 decodes text that is base64 and nothing else, and whose content can be DER. nil
// tells that it is not.
func decodeBase64(text []byte) []byte {
	packed := bytes.Join(bytes.Fields(text), nil)
	packed = bytes.TrimRight(packed, "=")
	der := make([]byte, base64.RawStdEncoding.DecodedLen(len(packed)))
	n, err := base64.RawStdEncoding.Decode(der, packed)
	if err != nil || n < 2 || der[0] != byte(cbasn1.SEQUENCE) {
		return nil
	}
	return der[:n]
}

// beginning says how text begins. A long word without blanks may be key material and is not
// repeated.
func beginning(text []byte) string {
	const most, word = 20, 16
	text = bytes.TrimSpace(text)
	if !isText(text) {
		return "found binary data"
	}
	out, run := []rune{}, 0
	for _, r := range string(text) {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			r = ' '
		}
		if run++; !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+/=-_", r) {
			run = 0
		}
		if run > word {
			return "found text"
		}
		if out = append(out, r); len(out) == most {
			break
		}
	}
	return fmt.Sprintf("found text that begins with %q", string(out))
}
