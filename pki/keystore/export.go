package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/privatekey"
	"example.com/gatehouse/pki/privatekey/pbe"
)

// Export names a kind of file that is written; see [Exports].
type Export string

// The exports.
const (
	DERFile          Export = "cer"
	PEMFile          Export = "pem"
	ChainFile        Export = "chain"
	FullChainFile    Export = "fullchain"
	KeyFile          Export = "key"
	TraditionalFile  Export = "key-traditional"
	EncryptedKeyFile Export = "key-encrypted"
	PKCS7File        Export = "p7b"
	PKCS12File       Export = "p12"
	LegacyPKCS12File Export = "p12-legacy"
	PFXFile          Export = "pfx"
	JKSFile          Export = "jks"
	PKCS12TrustFile  Export = "truststore-p12"
	JKSTrustFile     Export = "truststore-jks"
	CRLFile          Export = "crl"
	ArchiveFile      Export = "zip"
	noExport         Export = ""
)

// ExportInfo tells about an [Export].
type ExportInfo struct {
	ID Export
	// Suffix stands behind the certificate's name in the name of the file.
	Suffix string
	// Meaning is one line on what is in the file.
	Meaning string
	// Private: the file holds the private key, and only certificates with one have it.
	Private bool
	// Password: the file needs a password.
	Password bool
}

var exports = []ExportInfo{
	{ID: DERFile, Suffix: ".cer", Meaning: "the certificate, DER"},
	{ID: PEMFile, Suffix: ".pem", Meaning: "the certificate, PEM"},
	{ID: ChainFile, Suffix: "-chain.pem", Meaning: "with its intermediates as a sender presents them, PEM"},
	{ID: FullChainFile, Suffix: "-fullchain.pem", Meaning: "with its intermediates and the root, PEM"},
	{ID: KeyFile, Suffix: ".key", Meaning: "the private key, PKCS#8 in PEM, not encrypted", Private: true},
	{ID: TraditionalFile, Suffix: "-traditional.key", Meaning: "the private key, PKCS#1 (RSA) or SEC 1 (ECDSA) in PEM, not encrypted", Private: true},
	{ID: EncryptedKeyFile, Suffix: "-encrypted.key", Meaning: "the private key, PKCS#8 in PEM, encrypted with AES-256", Private: true, Password: true},
	{ID: PKCS7File, Suffix: ".p7b", Meaning: "the certificate, its intermediates and the root, PKCS#7 in DER, as a certificate response"},
	{ID: PKCS12File, Suffix: ".p12", Meaning: "key and chain, PKCS#12 with AES-256 and SHA-256", Private: true, Password: true},
	{ID: LegacyPKCS12File, Suffix: "-legacy.p12", Meaning: "key and chain, PKCS#12 with 3DES and SHA-1 for old software", Private: true, Password: true},
	{ID: PFXFile, Suffix: ".pfx", Meaning: "key and chain, PKCS#12 as in .p12, named as on Windows", Private: true, Password: true},
	{ID: JKSFile, Suffix: ".jks", Meaning: "key and chain, Java keystore", Private: true, Password: true},
	{ID: PKCS12TrustFile, Suffix: "-truststore.p12", Meaning: "the root as a trusted certificate of Java, PKCS#12", Password: true},
	{ID: JKSTrustFile, Suffix: "-truststore.jks", Meaning: "the root as a trusted certificate, Java keystore", Password: true},
	{ID: CRLFile, Suffix: ".crl", Meaning: "the certificate revocation list that was given, DER"},
	{ID: ArchiveFile, Suffix: ".zip", Meaning: "all other files that are written, in one archive"},
}

// Exports lists every export, in the order in which files are written.
func Exports() []ExportInfo { return slices.Clone(exports) }

// ParseExport finds an export by its id; case does not matter.
func ParseExport(id string) (Export, error) {
	var ids []string
	for _, e := range exports {
		if strings.EqualFold(string(e.ID), id) {
			return e.ID, nil
		}
		ids = append(ids, string(e.ID))
	}
	return noExport, fmt.Errorf("unknown format %s, expected one of %s", shown(id), strings.Join(ids, ", "))
}

// Info tells about the export; the zero value for one that does not exist.
func (e Export) Info() ExportInfo {
	for _, info := range exports {
		if info.ID == e {
			return info
		}
	}
	return ExportInfo{}
}

// PossibleExports lists the exports that can be written for the certificate with these options:
// those of a private key only if it has one, those with a password only with one, key-traditional
// for RSA and ECDSA, crl only with a CRL. It does not look at Options.Exports.
func PossibleExports(c *pki.Certificate, o Options) []Export {
	var out []Export
	for _, e := range exports {
		switch {
		case e.Private && c.Key() == nil, e.Password && o.Password == "", e.ID == CRLFile && len(o.CRL) == 0:
		case e.ID == TraditionalFile && !hasTraditional(c.Key()):
		default:
			out = append(out, e.ID)
		}
	}
	return out
}

// Options of [Write], [Files] and [Encode]. The zero value writes no file with a password and
// replaces nothing.
type Options struct {
	// Force replaces files that are there. It matters to Write only.
	Force bool
	// Password encrypts the files that need one. Default: none of them is written. For JKS it is
	// Latin-1; Java's keytool wants 6 characters at least.
	Password string
	// Alias is the name of the key pair in PKCS#12 and JKS, and of the trusted root in trust
	// stores: 1 to 200 bytes of printable text. Java shows it in lower case, and JKS holds it so.
	// Default: the certificate's name, in trust stores the root's.
	Alias string
	// Exports are the files to write, each once. Default: cer, pem, chain, fullchain, key, p7b and
	// p12, key and p12 only for a certificate with a key, p12 only with a password.
	Exports []Export
	// Roots are the certificates of trust stores. Default: the certificate's root. A second one
	// has the alias with "-2" behind it, and so on.
	Roots []*pki.Certificate
	// CRL is the content of the export crl, DER or PEM. Default: that export is not possible.
	CRL []byte
	// Rand gives salts and initialization vectors; with the same bytes, clock and options the same
	// files come out. Default: crypto/rand.
	Rand io.Reader
	// Now gives the time that JKS and zip write down. Default: time.Now.
	Now func() time.Time
}

// withDefaults fills in what is the same for all exports and checks what can be checked.
func (o Options) withDefaults() (Options, error) {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Alias != "" && !validAlias(o.Alias) {
		return o, fmt.Errorf("the alias %s cannot be used, expected 1 to 200 bytes of printable text", shown(o.Alias))
	}
	return o, nil
}

func validAlias(alias string) bool {
	return alias != "" && len(alias) <= 200 && utf8.ValidString(alias) &&
		!strings.ContainsFunc(alias, func(r rune) bool { return !unicode.IsPrint(r) || r > 0xffff })
}

// Encode is the content of one file of the certificate, as [Files] has it. The export zip holds
// Options.Exports, or their default; the others do not look at those. It returns an error for a
// key that is not there or does not encode in the format, and for a password that is missing.
func Encode(c *pki.Certificate, e Export, o Options) ([]byte, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	data, err := encode(c, e, &o)
	if err != nil {
		return nil, fmt.Errorf("encoding %q as %s: %w", c.Name(), e, err)
	}
	return data, nil
}

func encode(c *pki.Certificate, e Export, o *Options) ([]byte, error) {
	info := e.Info()
	switch {
	case info.ID == noExport:
		_, err := ParseExport(string(e))
		return nil, err
	case info.Private && c.Key() == nil:
		return nil, errNoKey
	case info.Password && o.Password == "":
		return nil, errors.New("it needs a password; give one, from an environment variable or a file")
	}
	switch e {
	case DERFile:
		return c.DER(), nil
	case PEMFile:
		return CertificatePEM(c), nil
	case ChainFile:
		return ChainPEM(c), nil
	case FullChainFile:
		return FullChainPEM(c), nil
	case KeyFile:
		return KeyPEM(c.Key())
	case TraditionalFile:
		return traditionalKey(c.Key())
	case EncryptedKeyFile:
		der, err := privatekey.Encrypt(o.Rand, pbe.Modern, c.Key(), o.Password)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{Type: privatekey.EncryptedBlock, Bytes: der}), nil
	case PKCS7File:
		return encodePKCS7(fullChain(c))
	case CRLFile:
		return encodeCRL(o.CRL)
	case ArchiveFile:
		wanted, _, err := wantedExports(c, o)
		if err != nil {
			return nil, err
		}
		files, err := encodeAll(c, wanted, o)
		if err != nil {
			return nil, err
		}
		archive, err := archiveOf(c, files, o)
		return archive.Data, err
	default:
		return encodeStore(c, e, o)
	}
}

// encodeStore is a key store or trust store. The chain is what the sender presents, be it broken.
func encodeStore(c *pki.Certificate, e Export, o *Options) ([]byte, error) {
	alias := o.Alias
	if alias == "" {
		alias = c.Name()
	}
	if !validAlias(alias) {
		return nil, fmt.Errorf("the name %s cannot be an alias, expected 1 to 200 bytes of printable text; give another alias", shown(alias))
	}
	chain := c.Presented()
	own := ownIndex(c.DER(), chain)
	switch e {
	case PKCS12File, PFXFile:
		return encodePKCS12(o, pbe.Modern, alias, c.Key(), chain, own, nil)
	case LegacyPKCS12File:
		return encodePKCS12(o, pbe.Legacy, alias, c.Key(), chain, own, nil)
	case JKSFile:
		return encodeJKS(o, alias, c.Key(), chain, nil)
	case PKCS12TrustFile:
		return encodePKCS12(o, pbe.Modern, "", nil, nil, 0, trustedBy(c, o))
	default:
		return encodeJKS(o, "", nil, nil, trustedBy(c, o))
	}
}

// trustedBy lists what is in a trust store.
func trustedBy(c *pki.Certificate, o *Options) []trusted {
	roots := o.Roots
	if len(roots) == 0 {
		roots = []*pki.Certificate{c.Root()}
	}
	var out []trusted
	for i, root := range roots {
		alias := o.Alias
		if alias == "" {
			alias = root.Name()
		}
		// Java takes two entries of one alias for one entry.
		if i > 0 && (o.Alias != "" || slices.ContainsFunc(out, func(t trusted) bool { return strings.EqualFold(t.alias, alias) })) {
			alias = fmt.Sprintf("%s-%d", alias, i+1)
		}
		out = append(out, trusted{alias: alias, der: root.DER()})
	}
	return out
}

func hasTraditional(key crypto.Signer) bool {
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
		return true
	default:
		return false
	}
}

func traditionalKey(key crypto.Signer) ([]byte, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return pem.EncodeToMemory(&pem.Block{Type: privatekey.PKCS1Block, Bytes: x509.MarshalPKCS1PrivateKey(key)}), nil
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return nil, errors.New("the key does not encode as SEC 1")
		}
		return pem.EncodeToMemory(&pem.Block{Type: privatekey.SEC1Block, Bytes: der}), nil
	default:
		return nil, fmt.Errorf("a key of type %T has no traditional format, only RSA (PKCS#1) and ECDSA (SEC 1) have; use the export key", key)
	}
}

func encodeCRL(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, errors.New("no certificate revocation list was given")
	}
	if block, rest := pem.Decode(data); block != nil {
		if block.Type != "X509 CRL" || len(bytes.TrimSpace(rest)) > 0 {
			return nil, fmt.Errorf("found PEM with %s, expected one X509 CRL", shown(block.Type))
		}
		data = block.Bytes
	}
	if recognize(data) != isCRL {
		return nil, errors.New("what was given is not a certificate revocation list (CRL)")
	}
	return bytes.Clone(data), nil
}
