package keystore

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"
)

// maxIterations bounds the work that a PKCS#12 file can ask for: about a second. Tools use from
// 2,000 to 600,000.
const maxIterations = 1_000_000

func readPKCS12(data []byte, password string) (*Store, error) {
	if n, _ := iterations(data, 0); n > maxIterations {
		return nil, fmt.Errorf("the PKCS#12 file asks for more than %d iterations", maxIterations)
	}
	key, leaf, others, err := pkcs12.DecodeChain(data, password)
	if err == nil {
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("a private key of type %T cannot sign", key)
		}
		return newStore(signer, append([]*x509.Certificate{leaf}, others...))
	}
	if errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption) {
		return nil, fmt.Errorf("opening the PKCS#12 file: %w", ErrWrongPassword)
	}
	// Without a key it may be a trust store, as keytool writes it.
	if certificates, trustErr := pkcs12.DecodeTrustStore(data, password); trustErr == nil && len(certificates) > 0 {
		return newStore(nil, certificates)
	}
	return nil, fmt.Errorf("opening the PKCS#12 file: %w", err)
}

// iterations is the largest number of iterations that the file asks for where that can be seen
// from outside: an INTEGER behind an OCTET STRING, which is the salt, in one SEQUENCE. It looks
// into content that is wrapped in OCTET STRINGs; false tells that the bytes are no DER, such as
// encrypted content, whose numbers mean nothing.
func iterations(der []byte, depth int) (int64, bool) {
	const deepest = 24
	if depth > deepest {
		return 0, false
	}
	var most int64
	in := cryptobyte.String(der)
	afterSalt := false
	for !in.Empty() {
		var content cryptobyte.String
		var tag cbasn1.Tag
		whole := in
		if !in.ReadAnyASN1(&content, &tag) {
			return 0, false
		}
		if tag == cbasn1.INTEGER && afterSalt {
			var n int64
			if !whole.ReadASN1Integer(&n) {
				n = maxIterations + 1 // more than 63 bits
			}
			most = max(most, n)
		}
		const constructed = 0x20
		if tag&constructed != 0 || tag == cbasn1.OCTET_STRING {
			n, isDER := iterations(content, depth+1)
			if !isDER && tag&constructed != 0 {
				return 0, false
			}
			if isDER {
				most = max(most, n)
			}
		}
		afterSalt = tag == cbasn1.OCTET_STRING
	}
	return most, true
}
