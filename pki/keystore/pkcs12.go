package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"example.com/gatehouse/pki/privatekey"
	"example.com/gatehouse/pki/privatekey/pbe"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// PKCS#12 (RFC 7292) is read here and not by a library, since the one that is known gives neither
// aliases nor several keys, and drops a file with a certificate that crypto/x509 cannot read.

// The bags of PKCS#12, what they hold, and their attributes.
var (
	oidKeyBag          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedKeyBag  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidCRLBag          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 4}
	oidSafeContentsBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 6}

	oidX509Certificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidX509CRL         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 23, 1}

	oidFriendlyName = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidLocalKeyID   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	// oidTrusted is Java's mark of a certificate that is trusted; its value is an extended key
	// usage that it is trusted for.
	oidTrusted             = asn1.ObjectIdentifier{2, 16, 840, 1, 113894, 746875, 1, 1}
	oidAnyExtendedKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37, 0}
)

var errDamagedPKCS12 = errors.New("the PKCS#12 file is cut off or damaged")

// bag is a key or certificate in a PKCS#12 file.
type bag struct {
	key     crypto.Signer
	der     []byte // of a certificate
	name    string
	id      string // the local key id
	trusted bool
	created time.Time
}

// pkcs12Reader collects the bags of a file.
type pkcs12Reader struct {
	contents
	opener *pbe.Opener
	bags   []bag
	found  int // bags of every kind
}

func readPKCS12(data []byte, password string) (*contents, error) {
	r := &pkcs12Reader{contents: contents{format: PKCS12Format}, opener: pbe.NewOpener(password)}
	err := r.read(data)
	switch {
	case errors.Is(err, pbe.ErrTooMuchWork):
		return nil, fmt.Errorf("the PKCS#12 file asks for more than %d iterations", pbe.MaxIterations)
	case errors.Is(err, pbe.ErrWrongPassword) && password == "":
		return nil, fmt.Errorf("opening the PKCS#12 file: %w", ErrPasswordNeeded)
	case errors.Is(err, pbe.ErrWrongPassword):
		return nil, fmt.Errorf("opening the PKCS#12 file: %w, or the file is damaged", ErrWrongPassword)
	case err != nil:
		return nil, fmt.Errorf("opening the PKCS#12 file: %w", err)
	}
	r.pair()
	if len(r.entries) == 0 {
		return nil, fmt.Errorf("the PKCS#12 file holds nothing, %w", errNoCertificate)
	}
	return &r.contents, nil
}

func (r *pkcs12Reader) read(data []byte) error {
	in := cryptobyte.String(data)
	var body, info cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.SkipASN1(cbasn1.INTEGER) || !body.ReadASN1Element(&info, cbasn1.SEQUENCE) {
		return errDamagedPKCS12
	}
	kind, content, ok := readContentInfo(info)
	if !ok {
		return errDamagedPKCS12
	}
	if !kind.Equal(oidData) {
		return fmt.Errorf("it is secured by content of type %s, expected a password (%s)", kind, oidData)
	}
	var safe cryptobyte.String
	if !content.ReadASN1(&safe, cbasn1.OCTET_STRING) {
		return errDamagedPKCS12
	}
	// Without a MAC nothing tells a wrong password but what it decrypts.
	if !body.Empty() {
		if err := r.opener.CheckMAC(body, safe); err != nil {
			return err
		}
	}
	infos, err := definiteOr(safe, errDamagedPKCS12)
	if err != nil {
		return err
	}
	for !infos.Empty() {
		var one cryptobyte.String
		if !infos.ReadASN1Element(&one, cbasn1.SEQUENCE) {
			return errDamagedPKCS12
		}
		if err := r.addContent(one); err != nil {
			return err
		}
	}
	return nil
}

// definiteOr is the content of a SEQUENCE that may be BER.
func definiteOr(data []byte, otherwise error) (cryptobyte.String, error) {
	der, err := definite(data)
	if err != nil {
		return nil, otherwise
	}
	in := cryptobyte.String(der)
	var body cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) {
		return nil, otherwise
	}
	return body, nil
}

// addContent adds the bags of one part of the file, encrypted or not.
func (r *pkcs12Reader) addContent(info []byte) error {
	kind, content, ok := readContentInfo(info)
	if !ok {
		return errDamagedPKCS12
	}
	switch {
	case kind.Equal(oidData):
		var bags cryptobyte.String
		if !content.ReadASN1(&bags, cbasn1.OCTET_STRING) {
			return errDamagedPKCS12
		}
		return r.addBags(bags, 0, errDamagedPKCS12)
	case !kind.Equal(oidEncryptedData):
		return fmt.Errorf("a part of it has content of type %s, expected encryption by a password (%s)", kind, oidEncryptedData)
	}
	var body, encrypted, algorithm, ciphertext cryptobyte.String
	implicit := cbasn1.Tag(0).ContextSpecific()
	if !content.ReadASN1(&body, cbasn1.SEQUENCE) || !body.SkipASN1(cbasn1.INTEGER) || !body.ReadASN1(&encrypted, cbasn1.SEQUENCE) ||
		!encrypted.SkipASN1(cbasn1.OBJECT_IDENTIFIER) || !encrypted.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) {
		return errDamagedPKCS12
	}
	if encrypted.PeekASN1Tag(tag0) { // in pieces
		var pieces cryptobyte.String
		if !encrypted.ReadASN1(&pieces, tag0) {
			return errDamagedPKCS12
		}
		whole, err := joined(pieces)
		if err != nil {
			return errDamagedPKCS12
		}
		ciphertext = whole
	} else if !encrypted.ReadASN1(&ciphertext, implicit) {
		return errDamagedPKCS12
	}
	plain, err := r.opener.Decrypt(algorithm, ciphertext)
	if err != nil {
		return err
	}
	// What a wrong password decrypts is no DER.
	return r.addBags(plain, 0, ErrWrongPassword)
}

// addBags adds the bags of SafeContents. If that is no DER, the error is this one.
func (r *pkcs12Reader) addBags(data []byte, depth int, otherwise error) error {
	const deepest = 4
	bags, err := definiteOr(data, otherwise)
	if err != nil {
		return err
	}
	for !bags.Empty() {
		var one, value cryptobyte.String
		var kind asn1.ObjectIdentifier
		if !bags.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&kind) || !one.ReadASN1(&value, tag0) {
			return errDamagedPKCS12
		}
		if r.found++; r.found > maxCertificates+maxEntries {
			return fmt.Errorf("found more than %d entries", maxCertificates+maxEntries)
		}
		if kind.Equal(oidSafeContentsBag) {
			if depth == deepest {
				return errDamagedPKCS12
			}
			if err := r.addBags(value, depth+1, errDamagedPKCS12); err != nil {
				return err
			}
			continue
		}
		if err := r.addBag(kind, value, one); err != nil {
			return err
		}
	}
	return nil
}

func (r *pkcs12Reader) addBag(kind asn1.ObjectIdentifier, value, attributes cryptobyte.String) error {
	b, err := readAttributes(attributes)
	if err != nil {
		return err
	}
	if kind.Equal(oidKeyBag) || kind.Equal(oidShroudedKeyBag) {
		if err := r.countKey(); err != nil {
			return err
		}
	}
	switch {
	case kind.Equal(oidKeyBag):
		b.key, err = privatekey.Parse(value)
	case kind.Equal(oidShroudedKeyBag):
		b.key, err = privatekey.Open(value, r.opener)
	case kind.Equal(oidCertBag):
		der, ok := readTypedBag(value, oidX509Certificate)
		if !ok {
			return errDamagedPKCS12
		}
		b.der, err = r.certificate(der)
	case kind.Equal(oidCRLBag):
		der, ok := readTypedBag(value, oidX509CRL)
		if !ok || recognize(der) != isCRL {
			return errDamagedPKCS12
		}
		return r.addRaw(CRLEntry, der)
	default:
		return nil // a secret, which is of no interest
	}
	if err != nil {
		return err
	}
	r.bags = append(r.bags, b)
	return nil
}

// readTypedBag reads a CertBag or CRLBag of the X.509 type.
func readTypedBag(value cryptobyte.String, expected asn1.ObjectIdentifier) ([]byte, bool) {
	var body, explicit, der cryptobyte.String
	var kind asn1.ObjectIdentifier
	ok := value.ReadASN1(&body, cbasn1.SEQUENCE) && body.ReadASN1ObjectIdentifier(&kind) && kind.Equal(expected) &&
		body.ReadASN1(&explicit, tag0) && explicit.ReadASN1(&der, cbasn1.OCTET_STRING)
	return der, ok
}

// readAttributes reads what is written on a bag; attributes that are not known do not matter.
func readAttributes(in cryptobyte.String) (bag, error) {
	var b bag
	if in.Empty() {
		return b, nil
	}
	var set cryptobyte.String
	if !in.ReadASN1(&set, cbasn1.SET) {
		return b, errDamagedPKCS12
	}
	for !set.Empty() {
		var one, values, value cryptobyte.String
		var kind asn1.ObjectIdentifier
		if !set.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&kind) || !one.ReadASN1(&values, cbasn1.SET) {
			return b, errDamagedPKCS12
		}
		switch {
		case kind.Equal(oidFriendlyName):
			const bmpString = cbasn1.Tag(30)
			if !values.ReadASN1(&value, bmpString) || len(value)%2 != 0 {
				return b, errDamagedPKCS12
			}
			var units []uint16
			for ; len(value) > 0; value = value[2:] {
				units = append(units, uint16(value[0])<<8|uint16(value[1]))
			}
			b.name = string(utf16.Decode(units))
			if err := checkAlias(b.name); err != nil {
				return b, err
			}
		case kind.Equal(oidLocalKeyID):
			if !values.ReadASN1(&value, cbasn1.OCTET_STRING) {
				return b, errDamagedPKCS12
			}
			b.id = string(value)
			// Java writes the time at which the entry was made.
			if text, is := strings.CutPrefix(b.id, "Time "); is {
				if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
					b.created = time.UnixMilli(ms).UTC()
				}
			}
		case kind.Equal(oidTrusted):
			b.trusted = true
		}
	}
	return b, nil
}

// pair makes entries of keys and certificates. A single key has all certificates that are not
// marked as trusted for its chain; of several, each has its certificate and the issuers above it.
func (r *pkcs12Reader) pair() {
	var keys, certificates []bag
	var parsed []*x509.Certificate
	for _, b := range r.bags {
		if b.key != nil {
			keys = append(keys, b)
		} else {
			certificates = append(certificates, b)
			parsed = append(parsed, r.parsed[string(b.der)])
		}
	}
	leaves := make([]int, len(keys))
	isLeaf := make([]bool, len(certificates))
	for i, k := range keys {
		leaves[i] = ownBag(k, certificates, parsed)
		if leaves[i] >= 0 {
			isLeaf[leaves[i]] = true
		}
	}
	used := make([]bool, len(certificates))
	var pairs []Entry
	for i, k := range keys {
		e := Entry{Kind: PrivateKeyEntry, Alias: k.name, Key: k.key, Created: k.created}
		if own := leaves[i]; own >= 0 {
			e.Kind = KeyPairEntry
			if e.Alias == "" {
				e.Alias = certificates[own].name
			}
			e.Chain = r.chainOf(own, len(keys) == 1, certificates, parsed, isLeaf, used)
		}
		pairs = append(pairs, e)
	}
	for i, c := range certificates {
		if !used[i] {
			pairs = append(pairs, Entry{Kind: CertificateEntry, Alias: c.name, Chain: [][]byte{c.der}, Raw: c.der, Created: c.created})
		}
	}
	r.entries = append(pairs, r.entries...)
}

// chainOf is the chain of a key, its certificate first; it marks in used what it took.
func (r *pkcs12Reader) chainOf(own int, single bool, certificates []bag, parsed []*x509.Certificate, isLeaf, used []bool) [][]byte {
	used[own] = true
	chain := [][]byte{certificates[own].der}
	if single {
		for i, c := range certificates {
			if i != own && !c.trusted {
				used[i] = true
				chain = append(chain, c.der)
			}
		}
		return chain
	}
	taken := make([]bool, len(certificates)) // the chains of two keys may share an issuer
	for i, c := range certificates {
		taken[i] = isLeaf[i] || c.trusted
	}
	for _, one := range path(parsed, own, taken)[1:] {
		chain = append(chain, one.Raw)
	}
	// Java writes a certificate once for each chain that it is in.
	for i, c := range certificates {
		used[i] = used[i] || !c.trusted && slices.ContainsFunc(chain, func(der []byte) bool { return bytes.Equal(der, c.der) })
	}
	return chain
}

// ownBag is the index of the key's certificate: the one with its id, if not its public key says
// otherwise, or the one with its public key; -1 if there is none.
func ownBag(k bag, certificates []bag, parsed []*x509.Certificate) int {
	for i, c := range certificates {
		if k.id != "" && c.id == k.id && (parsed[i].PublicKey == nil || samePublic(k.key, parsed[i])) {
			return i
		}
	}
	return ownCertificate(k.key, parsed)
}
