package keystore

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"example.com/gatehouse/pki/privatekey"
	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	"golang.org/x/crypto/cryptobyte"
)

var jksMagic = []byte{0xfe, 0xed, 0xfe, 0xed}

// jksEntry is the outline of an entry.
type jksEntry struct {
	alias        string
	created      time.Time
	key          []byte // encrypted; nil for a trusted certificate
	certificates [][]byte
}

var errDamagedJKS = errors.New("the JKS file is cut off or damaged")

// readJKS reads the outline itself and leaves passwords to the library, which believes whatever
// lengths a file announces and forgets the order of the entries.
func readJKS(data []byte, password string) (*contents, error) {
	outline, err := jksOutline(data)
	if err != nil {
		return nil, fmt.Errorf("opening the JKS file: %w", err)
	}
	if len(outline) == 0 {
		return nil, fmt.Errorf("the JKS file holds nothing, %w", errNoCertificate)
	}
	store := jks.New(jks.WithCaseExactAliases())
	// Without a password certificates can be read; Java does the same. Then nothing proves that
	// they are unchanged.
	secret, expressible := latin1(password)
	if password != "" {
		if err := store.Load(bytes.NewReader(data), secret); err != nil || !expressible {
			// The outline is right, so that it is the digest over password and content.
			return nil, fmt.Errorf("opening the JKS file: %w, or the file is damaged", ErrWrongPassword)
		}
	}
	c := &contents{format: JKSFormat}
	for _, one := range outline {
		if err := c.addJKS(store, one, secret); err != nil {
			return nil, fmt.Errorf("opening the JKS file: entry %s: %w", shown(one.alias), err)
		}
	}
	return c, nil
}

func (c *contents) addJKS(store jks.KeyStore, one jksEntry, secret []byte) error {
	if one.key == nil {
		return c.addCertificate(one.certificates[0], one.alias, one.created)
	}
	if len(secret) == 0 {
		return ErrPasswordNeeded
	}
	if err := c.countKey(); err != nil {
		return err
	}
	e := Entry{Kind: KeyPairEntry, Alias: one.alias, Created: one.created}
	for _, der := range one.certificates {
		raw, err := c.certificate(der)
		if err != nil {
			return err
		}
		e.Chain = append(e.Chain, raw)
	}
	if len(e.Chain) == 0 {
		e.Kind = PrivateKeyEntry
	}
	pair, err := store.GetPrivateKeyEntry(one.alias, secret)
	if err != nil {
		return fmt.Errorf("its key has another password than the file, or another encryption than Java's: %w", ErrWrongPassword)
	}
	if e.Key, err = privatekey.Parse(pair.PrivateKey); err != nil {
		return err
	}
	c.entries = append(c.entries, e)
	return nil
}

// jksOutline reads a file without any password, in bounds.
func jksOutline(data []byte) ([]jksEntry, error) {
	in := cryptobyte.String(data[len(jksMagic):])
	var version, count uint32
	if !in.ReadUint32(&version) || !in.ReadUint32(&count) {
		return nil, errDamagedJKS
	}
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("found version %d, expected 1 or 2", version)
	}
	if count > maxEntries {
		return nil, fmt.Errorf("found more than %d entries", maxEntries)
	}
	var out []jksEntry
	seen := map[string]bool{}
	for range count {
		e, err := jksOutlineEntry(&in, version)
		if err != nil {
			return nil, err
		}
		if seen[e.alias] {
			return nil, fmt.Errorf("found two entries with the alias %s", shown(e.alias))
		}
		seen[e.alias] = true
		out = append(out, e)
	}
	const digest = 20
	if len(in) != digest {
		return nil, errDamagedJKS
	}
	return out, nil
}

func jksOutlineEntry(in *cryptobyte.String, version uint32) (jksEntry, error) {
	const keyTag, certificateTag = 1, 2
	var e jksEntry
	var tag uint32
	var alias cryptobyte.String
	var millis uint64
	if !in.ReadUint32(&tag) || !in.ReadUint16LengthPrefixed(&alias) || !in.ReadUint64(&millis) {
		return e, errDamagedJKS
	}
	e.alias, e.created = string(alias), time.UnixMilli(int64(millis)).UTC()
	if err := checkAlias(e.alias); err != nil {
		return e, err
	}
	count := uint32(1)
	switch tag {
	case certificateTag:
	case keyTag:
		key, ok := jksBytes(in)
		// Frame, salt and digest alone take more than this.
		if !ok || len(key) < 60 || !in.ReadUint32(&count) || !jksKeySane(key) {
			return e, errDamagedJKS
		}
		e.key = key
	default:
		return e, fmt.Errorf("found an entry of kind %d, expected a private key (1) or a trusted certificate (2)", tag)
	}
	if count > maxCertificates {
		return e, fmt.Errorf("found more than %d certificates", maxCertificates)
	}
	for range count {
		if version == 2 {
			var kind cryptobyte.String
			if !in.ReadUint16LengthPrefixed(&kind) {
				return e, errDamagedJKS
			}
			if string(kind) != jksCertificateType {
				return e, fmt.Errorf("found a certificate of type %s, expected %s", shown(string(kind)), jksCertificateType)
			}
		}
		der, ok := jksBytes(in)
		if !ok {
			return e, errDamagedJKS
		}
		e.certificates = append(e.certificates, der)
	}
	return e, nil
}

// jksBytes reads bytes behind their length of four bytes.
func jksBytes(in *cryptobyte.String) ([]byte, bool) {
	var length uint32
	var out []byte
	if !in.ReadUint32(&length) || uint64(length) > uint64(len(*in)) || !in.ReadBytes(&out, int(length)) {
		return nil, false
	}
	return out, true
}

// jksKeySane tells whether a key is long enough for the salt and digest that the library cuts off.
func jksKeySane(der []byte) bool {
	const salt, digest = 20, 20
	if recognize(der) != isEncryptedKey {
		return false
	}
	head, _ := header(der)
	if head == 0 {
		return false
	}
	inner := der[head:]
	algorithmHead, algorithm := header(inner)
	if algorithmHead == 0 || algorithmHead+algorithm > len(inner) {
		return false
	}
	_, length := header(inner[algorithmHead+algorithm:])
	return length > salt+digest
}

const jksCertificateType = "X.509"

// latin1 is a password as the library takes it, one byte a character; false if a character does
// not fit. Java uses two bytes, of which the library writes the upper one as zero.
func latin1(password string) ([]byte, bool) {
	out := []byte{}
	for _, r := range password {
		if r > 0xff {
			return nil, false
		}
		out = append(out, byte(r))
	}
	return out, true
}

// encodeJKS builds a JKS file of a key pair or of trusted certificates. Java keeps the aliases of
// JKS in lower case and would not find others.
func encodeJKS(o *Options, alias string, key crypto.Signer, chain [][]byte, trust []trusted) ([]byte, error) {
	secret, expressible := latin1(o.Password)
	if !expressible {
		return nil, errors.New("the password has characters outside of Latin-1, which JKS does not take; choose another password or PKCS#12")
	}
	store := jks.New(jks.WithOrderedAliases(), jks.WithCustomRandomNumberGenerator(fullReader{o.Rand}))
	now := o.Now()
	if key != nil {
		der, err := privatekey.Marshal(key)
		if err != nil {
			return nil, err
		}
		entry := jks.PrivateKeyEntry{CreationTime: now, PrivateKey: der}
		for _, one := range chain {
			entry.CertificateChain = append(entry.CertificateChain, jks.Certificate{Type: jksCertificateType, Content: one})
		}
		if err := store.SetPrivateKeyEntry(strings.ToLower(alias), entry, secret); err != nil {
			return nil, err
		}
	}
	for _, t := range trust {
		entry := jks.TrustedCertificateEntry{CreationTime: now, Certificate: jks.Certificate{Type: jksCertificateType, Content: t.der}}
		if err := store.SetTrustedCertificateEntry(strings.ToLower(t.alias), entry); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if err := store.Store(&out, secret); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// fullReader fills what it is given to the end or returns an error.
type fullReader struct{ io.Reader }

func (r fullReader) Read(p []byte) (int, error) { return io.ReadFull(r.Reader, p) }
