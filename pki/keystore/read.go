package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxSize bounds what [Read] accepts, in bytes.
const MaxSize = 1 << 20

// maxCertificates bounds the certificates of one store.
const maxCertificates = 1_000

// Store is what a file holds.
type Store struct {
	// Key is the private key; nil if there is none.
	Key crypto.Signer
	// Chain begins with the certificate of the key, or without a key with the first one that
	// issued none of the others; then its issuers upward as far as they are there, then all
	// others in the order of the file. Of a certificate that crypto/x509 cannot read only Raw is
	// set.
	Chain []*x509.Certificate
	// RawChain is the DER of the chain.
	RawChain [][]byte
}

// Leaf is the first certificate of the chain; nil if there is none.
func (s *Store) Leaf() *x509.Certificate {
	if len(s.Chain) == 0 {
		return nil
	}
	return s.Chain[0]
}

// ErrWrongPassword: the password does not open the PKCS#12 file.
var ErrWrongPassword = errors.New("the password is wrong")

// Read reads a file's bytes: PEM with certificates and at most one private key in any order, one
// certificate or private key in DER, or PKCS#12, for which alone the password is. An error says
// what was found, and never repeats key material.
func Read(data []byte, password string) (*Store, error) {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return nil, errors.New("the file is empty, expected a certificate (PEM, DER or PKCS#12)")
	case len(data) > MaxSize:
		return nil, fmt.Errorf("the file has %d bytes, expected %d at most", len(data), MaxSize)
	case bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return nil, errors.New("found a Java keystore (JKS), expected PEM, DER or PKCS#12; convert it with keytool -importkeystore -deststoretype pkcs12")
	case bytes.Contains(data, []byte(pemBegin)):
		return readPEM(data)
	case data[0] == byte(cbasn1.SEQUENCE):
		return readDER(data, password)
	default:
		return nil, errors.New("found neither PEM nor DER, expected a certificate (PEM, DER or PKCS#12)")
	}
}

// ReadCertificates is [Read] for files that must hold a certificate; one with a private key alone
// is an error.
func ReadCertificates(data []byte, password string) (*Store, error) {
	s, err := Read(data, password)
	if err != nil {
		return nil, err
	}
	if len(s.Chain) == 0 {
		return nil, errors.New("found a private key, expected a certificate")
	}
	return s, nil
}

const pemBegin = "-----BEGIN "

func readPEM(data []byte) (*Store, error) {
	var key crypto.Signer
	var chain []*x509.Certificate
	var others []string
	blocks := 0
	for rest := data; ; blocks++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case certificateBlock, "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
			if len(chain) == maxCertificates {
				return nil, fmt.Errorf("found more than %d certificates", maxCertificates)
			}
			c, err := parseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("certificate %d: %w", len(chain)+1, err)
			}
			chain = append(chain, c)
		case privateKeyBlock, "RSA PRIVATE KEY", "EC PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return nil, errEncrypted
			}
			if key != nil {
				return nil, errors.New("found two private keys, expected one at most")
			}
			var err error
			if key, err = parseKey(block.Bytes); err != nil {
				return nil, err
			}
		case "ENCRYPTED PRIVATE KEY":
			return nil, errEncrypted
		case "PKCS7":
			return nil, errPKCS7
		default:
			others = append(others, block.Type)
		}
	}
	if begun := bytes.Count(data, []byte(pemBegin)); begun > blocks {
		return nil, fmt.Errorf("the PEM is cut off or damaged: %d blocks begin, %d can be read", begun, blocks)
	}
	if key == nil && len(chain) == 0 {
		return nil, fmt.Errorf("found %s, expected a certificate", listed(others))
	}
	return newStore(key, chain)
}

var (
	errEncrypted = errors.New("the private key is encrypted, which is not read here; decrypt it (openssl pkey), or use PKCS#12")
	errPKCS7     = errors.New("found PKCS#7, expected PEM, DER or PKCS#12; convert it with openssl pkcs7 -print_certs")
)

// listed names PEM blocks as they stand in a file, in bounds and without control characters.
func listed(types []string) string {
	if len(types) == 0 {
		return "nothing that can be read"
	}
	name := types[0]
	if len(name) > 40 {
		name = name[:40]
	}
	return fmt.Sprintf("%q", name)
}

// readDER tells the structures apart by what stands at their beginning.
func readDER(data []byte, password string) (*Store, error) {
	in := cryptobyte.String(data)
	var body, inner cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) {
		return nil, errors.New("the DER is cut off or damaged")
	}
	if !in.Empty() {
		return nil, fmt.Errorf("%d bytes stand behind the end of the DER", len(in))
	}
	var number int
	switch {
	case body.PeekASN1Tag(cbasn1.INTEGER):
		if whole := body; whole.ReadASN1Integer(&number) && number == 3 && whole.PeekASN1Tag(cbasn1.SEQUENCE) {
			return readPKCS12(data, password)
		}
		key, err := parseKey(data)
		if err != nil {
			return nil, err
		}
		return newStore(key, nil)
	case body.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER):
		return nil, errPKCS7
	case body.ReadASN1(&inner, cbasn1.SEQUENCE) && body.PeekASN1Tag(cbasn1.OCTET_STRING):
		return nil, errEncrypted
	}
	c, err := parseCertificate(data)
	if err != nil {
		return nil, err
	}
	return newStore(nil, []*x509.Certificate{c})
}

// parseCertificate accepts what at least has the outline of a certificate, since broken ones are
// of interest too.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err == nil {
		return c, nil
	}
	in := cryptobyte.String(der)
	var body, tbs, algorithm, signature cryptobyte.String
	if in.ReadASN1(&body, cbasn1.SEQUENCE) && in.Empty() &&
		body.ReadASN1(&tbs, cbasn1.SEQUENCE) && body.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		body.ReadASN1(&signature, cbasn1.BIT_STRING) && body.Empty() && !tbs.PeekASN1Tag(cbasn1.INTEGER) {
		return &x509.Certificate{Raw: bytes.Clone(der)}, nil
	}
	return nil, fmt.Errorf("not a certificate: %s", strings.TrimPrefix(err.Error(), "x509: "))
}

// parseKey reads PKCS#8, PKCS#1 and SEC 1. What the parsers say is of no help and is dropped, so
// that nothing of a key can get into a message.
func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("a private key of type %T cannot sign", key)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("found neither a certificate nor a private key in PKCS#8, PKCS#1 or SEC 1, or it is damaged")
}

// newStore puts the chain into order.
func newStore(key crypto.Signer, found []*x509.Certificate) (*Store, error) {
	chain, err := ordered(key, found)
	if err != nil {
		return nil, err
	}
	s := &Store{Key: key, Chain: chain}
	for _, c := range chain {
		s.RawChain = append(s.RawChain, c.Raw)
	}
	return s, nil
}

func ordered(key crypto.Signer, found []*x509.Certificate) ([]*x509.Certificate, error) {
	if len(found) == 0 {
		return nil, nil
	}
	first := -1
	if key != nil {
		public, comparable := key.Public().(interface{ Equal(crypto.PublicKey) bool })
		unread := -1
		for i, c := range found {
			switch {
			case c.PublicKey == nil && unread < 0:
				unread = i
			case comparable && c.PublicKey != nil && public.Equal(c.PublicKey):
				first = i
			}
			if first >= 0 {
				break
			}
		}
		if first < 0 {
			first = unread // its key cannot be compared: the benefit of the doubt
		}
		if first < 0 {
			return nil, fmt.Errorf("the private key belongs to none of the certificates (%d)", len(found))
		}
	} else {
		issuers := map[string]bool{}
		for _, c := range found {
			if !bytes.Equal(c.RawIssuer, c.RawSubject) {
				issuers[string(c.RawIssuer)] = true
			}
		}
		first = 0
		for i, c := range found {
			if !issuers[string(c.RawSubject)] {
				first = i
				break
			}
		}
	}
	used := make([]bool, len(found))
	var out []*x509.Certificate
	for next := first; next >= 0; {
		used[next] = true
		top := found[next]
		out = append(out, top)
		next = -1
		for i, c := range found {
			if !used[i] && len(c.RawSubject) > 0 && bytes.Equal(c.RawSubject, top.RawIssuer) {
				next = i
				break
			}
		}
	}
	for i, c := range found {
		if !used[i] {
			out = append(out, c)
		}
	}
	return out, nil
}
