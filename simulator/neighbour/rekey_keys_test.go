package neighbour_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	_ "crypto/md5" // recorded signatures use it
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // see above
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of keys and of what they sign with.
const (
	oidRSAKey  = "1.2.840.113549.1.1.1"
	oidPSS     = "1.2.840.113549.1.1.10"
	oidECKey   = "1.2.840.10045.2.1"
	oidEd25519 = "1.3.101.112"
	oidEd448   = "1.3.101.113"
)

// scheme is how a signature is made: the AlgorithmIdentifier of a certificate, read.
type scheme struct {
	key  string // the object identifier of the keys that sign so
	hash crypto.Hash
	pss  bool
	salt int
}

// schemes are those whose identifier says all.
var schemes = map[string]scheme{
	"1.2.840.113549.1.1.4":  {key: oidRSAKey, hash: crypto.MD5},
	"1.2.840.113549.1.1.5":  {key: oidRSAKey, hash: crypto.SHA1},
	"1.2.840.113549.1.1.11": {key: oidRSAKey, hash: crypto.SHA256},
	"1.2.840.113549.1.1.12": {key: oidRSAKey, hash: crypto.SHA384},
	"1.2.840.113549.1.1.13": {key: oidRSAKey, hash: crypto.SHA512},
	"1.2.840.10045.4.1":     {key: oidECKey, hash: crypto.SHA1},
	"1.2.840.10045.4.3.2":   {key: oidECKey, hash: crypto.SHA256},
	"1.2.840.10045.4.3.3":   {key: oidECKey, hash: crypto.SHA384},
	"1.2.840.10045.4.3.4":   {key: oidECKey, hash: crypto.SHA512},
	oidEd25519:              {key: oidEd25519},
}

// readScheme reads an AlgorithmIdentifier. The error says which it does not know.
func readScheme(algorithm []byte) (scheme, error) {
	oid, parameters, err := readAlgorithm(algorithm)
	if err != nil {
		return scheme{}, err
	}
	if s, ok := schemes[oid]; ok {
		return s, nil
	}
	if oid != oidPSS {
		return scheme{}, fmt.Errorf("signature algorithm %s is not one of those that can be made again", oid)
	}
	var pss struct {
		Hash struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		} `asn1:"explicit,tag:0"`
		Mask asn1.RawValue `asn1:"explicit,tag:1"`
		Salt int           `asn1:"explicit,tag:2"`
	}
	if rest, err := asn1.Unmarshal(parameters, &pss); err != nil || len(rest) > 0 {
		return scheme{}, errors.New("the parameters of RSA-PSS do not decode")
	}
	if digest := pss.Hash.OID.String(); digest != "2.16.840.1.101.3.4.2.1" {
		return scheme{}, fmt.Errorf("RSA-PSS with digest %s, expected SHA-256", digest)
	}
	return scheme{key: oidRSAKey, hash: crypto.SHA256, pss: true, salt: pss.Salt}, nil
}

// readAlgorithm splits an AlgorithmIdentifier. The parameters are one element, or nothing.
func readAlgorithm(der cryptobyte.String) (oid string, parameters []byte, err error) {
	var content cryptobyte.String
	var id asn1.ObjectIdentifier
	if !der.ReadASN1(&content, cbasn1.SEQUENCE) || !der.Empty() || !content.ReadASN1ObjectIdentifier(&id) {
		return "", nil, errors.New("an algorithm identifier does not decode")
	}
	return id.String(), content, nil
}

func (s scheme) digest(message []byte) []byte {
	if s.hash == 0 {
		return message
	}
	h := s.hash.New()
	h.Write(message)
	return h.Sum(nil)
}

func (s scheme) options() crypto.SignerOpts {
	if s.pss {
		return &rsa.PSSOptions{SaltLength: s.salt, Hash: s.hash}
	}
	return s.hash
}

// recordedKey is a public key of a recorded certificate.
type recordedKey struct {
	spki       []byte
	algorithm  []byte // its AlgorithmIdentifier
	kind       string // the object identifier in it
	parameters []byte
	// public is the key for Go; nil for the kinds that only OpenSSL knows.
	public crypto.PublicKey
	// subjects are the names (DER) of those who have the key.
	subjects [][]byte
}

// readKey reads a SubjectPublicKeyInfo.
func readKey(spki []byte) (*recordedKey, error) {
	k := &recordedKey{spki: spki}
	in := cryptobyte.String(spki)
	var content, algorithm cryptobyte.String
	var bits asn1.BitString
	if !in.ReadASN1(&content, cbasn1.SEQUENCE) || !content.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) || !content.ReadASN1BitString(&bits) {
		return nil, errors.New("a public key does not decode")
	}
	k.algorithm = algorithm
	var err error
	if k.kind, k.parameters, err = readAlgorithm(algorithm); err != nil {
		return nil, err
	}
	if k.public, err = x509.ParsePKIXPublicKey(spki); err == nil {
		return k, nil
	}
	k.public = nil
	if k.explicitP256() {
		if k.public, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), bits.Bytes); err != nil {
			return nil, fmt.Errorf("reading a public key with the parameters of P-256: %w", err)
		}
	}
	return k, nil
}

// explicitP256 tells whether an EC key spells out the parameters of P-256 in place of its name.
func (k *recordedKey) explicitP256() bool {
	p := elliptic.P256().Params()
	return k.kind == oidECKey && len(k.parameters) > 0 && k.parameters[0] == byte(cbasn1.SEQUENCE) &&
		bytes.Contains(k.parameters, p.P.Bytes()) && bytes.Contains(k.parameters, p.B.Bytes()) &&
		bytes.Contains(k.parameters, p.Gx.Bytes()) && bytes.Contains(k.parameters, p.N.Bytes())
}

// verifies tells whether the key made a signature.
func (k *recordedKey) verifies(s scheme, message, signature []byte) bool {
	sum := s.digest(message)
	if s.key != k.kind {
		return false
	}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		if s.pss {
			return rsa.VerifyPSS(public, s.hash, sum, signature, &rsa.PSSOptions{SaltLength: s.salt}) == nil
		}
		return rsa.VerifyPKCS1v15(public, s.hash, sum, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, sum, signature)
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.spki})
	_, err := opensslRaw(s, block, message, signature)
	return err == nil
}

// successor is the key pair that stands in for a recorded key.
type successor struct {
	spki []byte
	// signer is nil for the kinds that only OpenSSL knows.
	signer crypto.Signer
	// pem is the private key, PKCS#8.
	pem []byte
}

// sign makes a signature as a recorded one was made.
func (n *successor) sign(s scheme, message []byte) ([]byte, error) {
	if n.signer == nil {
		return opensslRaw(s, n.pem, message, nil)
	}
	return n.signer.Sign(rand.Reader, s.digest(message), s.options())
}

// succeed makes a key of the same kind and strength as a recorded one, in the same form. The error
// says what it cannot make.
func (k *recordedKey) succeed() (*successor, error) {
	var err error
	n := &successor{}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		if public.E != 65537 {
			return nil, fmt.Errorf("RSA with exponent %d, expected 65537", public.E)
		}
		n.signer, err = rsa.GenerateKey(rand.Reader, public.N.BitLen())
	case *ecdsa.PublicKey:
		n.signer, err = ecdsa.GenerateKey(public.Curve, rand.Reader)
	case ed25519.PublicKey:
		_, n.signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		return k.succeedByOpenSSL()
	}
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	// The algorithm stays as it stands, with parameters that are spelled out for instance.
	if n.pem, err = privatePEM(n.signer, k.algorithm); err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(n.signer.Public())
	if err != nil {
		return nil, fmt.Errorf("encoding a public key: %w", err)
	}
	n.spki, err = withAlgorithm(spki, k.algorithm)
	return n, err
}

// curves are the names that OpenSSL has for curves that Go has not.
var curves = map[string]string{"1.3.132.0.10": "secp256k1"}

func (k *recordedKey) succeedByOpenSSL() (*successor, error) {
	arguments := []string{"genpkey", "-algorithm"}
	switch k.kind {
	case oidEd448:
		arguments = append(arguments, "ED448")
	case oidECKey:
		var curve asn1.ObjectIdentifier
		if rest, err := asn1.Unmarshal(k.parameters, &curve); err != nil || len(rest) > 0 {
			return nil, errors.New("an EC key with parameters other than those of P-256")
		}
		name, ok := curves[curve.String()]
		if !ok {
			return nil, fmt.Errorf("an EC key on curve %s", curve)
		}
		arguments = append(arguments, "EC", "-pkeyopt", "ec_paramgen_curve:"+name)
	default:
		return nil, fmt.Errorf("no key of kind %s can be made", k.kind)
	}
	n := &successor{}
	var err error
	if n.pem, err = openssl(nil, arguments...); err != nil {
		return nil, err
	}
	spki, err := openssl(n.pem, "pkey", "-pubout", "-outform", "DER")
	if err != nil {
		return nil, err
	}
	n.spki, err = withAlgorithm(spki, k.algorithm)
	return n, err
}

// withAlgorithm is a SubjectPublicKeyInfo with another AlgorithmIdentifier.
func withAlgorithm(spki cryptobyte.String, algorithm []byte) ([]byte, error) {
	var content, bits cryptobyte.String
	if !spki.ReadASN1(&content, cbasn1.SEQUENCE) || !content.SkipASN1(cbasn1.SEQUENCE) || !content.ReadASN1Element(&bits, cbasn1.BIT_STRING) {
		return nil, errors.New("a new public key does not decode")
	}
	return element(cbasn1.SEQUENCE, algorithm, bits), nil
}

// privatePEM is a private key as PKCS#8 with that AlgorithmIdentifier, which is that of its
// certificate: OpenSSL compares them.
func privatePEM(key crypto.Signer, algorithm []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	parts, err := elements(der)
	if err != nil || len(parts) != 3 {
		return nil, errors.New("PKCS#8 has not the parts of PKCS#8")
	}
	parts[1] = algorithm
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: element(cbasn1.SEQUENCE, parts...)}), nil
}

// openssl runs the command and returns what it writes.
func openssl(stdin []byte, arguments ...string) ([]byte, error) {
	command := exec.Command("openssl", arguments...)
	command.Stdin = bytes.NewReader(stdin)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("openssl %s: %w %s", strings.Join(arguments, " "), err, said.Bytes())
	}
	return out, nil
}

// opensslRaw makes a signature with a private key (PEM) that Go does not know, or, if there is one
// already, verifies it with the public key.
func opensslRaw(s scheme, key, message, signature []byte) ([]byte, error) {
	folder, err := os.MkdirTemp("", "rekey")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		err = errors.Join(err, os.WriteFile(path, data, 0o600))
		return path
	}
	arguments := []string{"pkeyutl", "-rawin", "-inkey", file("key.pem", key), "-in", file("message", message)}
	if s.hash != 0 {
		arguments = append(arguments, "-digest", strings.ReplaceAll(s.hash.String(), "-", ""))
	}
	if signature == nil {
		arguments = append(arguments, "-sign")
	} else {
		arguments = append(arguments, "-verify", "-pubin", "-sigfile", file("signature", signature))
	}
	if err != nil {
		return nil, err
	}
	return openssl(nil, arguments...)
}
