package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// KeyType is the type of a certificate's key pair. It is an [Option], so that
// issuing.Client("warehouse", pki.RSA2048) says all. The zero value is P256.
type KeyType int

// The key types. RSA keys take from a tenth of a second (2048 bits) to some seconds (4096 bits)
// to make, the others some microseconds.
const (
	P256 KeyType = iota
	P384
	P521
	RSA2048
	RSA3072
	RSA4096
	Ed25519

	// By way of a defect only.
	rsa512
	rsa1023
	rsa1024
	rsa1536
	rsa2047
	rsaExponent3
	p224
)

// keyTypeNames are the names that a description uses; the first is the one that is printed.
var keyTypeNames = map[KeyType][]string{
	P256:    {"P-256", "ecdsa-p256", "ec256", "prime256v1", "secp256r1"},
	P384:    {"P-384", "ecdsa-p384", "ec384", "secp384r1"},
	P521:    {"P-521", "ecdsa-p521", "ec521", "secp521r1"},
	RSA2048: {"RSA-2048"},
	RSA3072: {"RSA-3072"},
	RSA4096: {"RSA-4096"},
	Ed25519: {"Ed25519"},

	rsa512: {"RSA-512"}, rsa1023: {"RSA-1023"}, rsa1024: {"RSA-1024"}, rsa1536: {"RSA-1536"},
	rsa2047: {"RSA-2047"}, rsaExponent3: {"RSA-2048 with exponent 3"}, p224: {"P-224"},
}

// KeyTypes lists the key types that can be asked for.
func KeyTypes() []KeyType {
	return []KeyType{P256, P384, P521, RSA2048, RSA3072, RSA4096, Ed25519}
}

// String is the name of the key type, "P-256" for instance.
func (t KeyType) String() string {
	if names := keyTypeNames[t]; len(names) > 0 {
		return names[0]
	}
	return fmt.Sprintf("KeyType(%d)", int(t))
}

// ParseKeyType reads the name of a key type. Case, blanks, '-', '_', ':' and '.' do not matter, and
// OpenSSL's names of the curves are known too. Empty is P256.
func ParseKeyType(s string) (KeyType, error) {
	if s == "" {
		return P256, nil
	}
	var names []string
	for _, t := range KeyTypes() {
		names = append(names, t.String())
		for _, name := range keyTypeNames[t] {
			if plainKeyName(name) == plainKeyName(s) {
				return t, nil
			}
		}
	}
	return 0, fmt.Errorf("unknown key type %q, expected one of %s", s, strings.Join(names, ", "))
}

func plainKeyName(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", ":", "", ".", "", " ", "").Replace(s))
}

func (t KeyType) apply(s *settings) error {
	if _, known := keyTypeNames[t]; !known {
		return fmt.Errorf("unknown key type %d", int(t))
	}
	s.keyType = t
	return nil
}

func (t KeyType) rsaBits() int {
	switch t {
	case rsa512:
		return 512
	case rsa1023:
		return 1023
	case rsa1024:
		return 1024
	case rsa1536:
		return 1536
	case rsa2047:
		return 2047
	case RSA2048, rsaExponent3:
		return 2048
	case RSA3072:
		return 3072
	case RSA4096:
		return 4096
	default:
		return 0
	}
}

// rsaExponent is the public exponent.
func (t KeyType) rsaExponent() int {
	if t == rsaExponent3 {
		return 3
	}
	return 65537
}

// standardRSA tells whether the standard library makes such keys.
func (t KeyType) standardRSA() bool {
	return t == RSA2048 || t == RSA3072 || t == RSA4096 || t == rsa1024 || t == rsa1536
}

func (t KeyType) curve() elliptic.Curve {
	switch t {
	case P256:
		return elliptic.P256()
	case P384:
		return elliptic.P384()
	case P521:
		return elliptic.P521()
	case p224:
		return elliptic.P224()
	default:
		return nil
	}
}

// keyTypeOf is the key type nearest to a key from a file; it decides what a twin's key is like.
func keyTypeOf(pub crypto.PublicKey) KeyType {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		switch bits := pub.N.BitLen(); {
		case bits <= 2048:
			return RSA2048
		case bits <= 3072:
			return RSA3072
		default:
			return RSA4096
		}
	case *ecdsa.PublicKey:
		switch bits := pub.Curve.Params().BitSize; {
		case bits <= 256:
			return P256
		case bits <= 384:
			return P384
		default:
			return P521
		}
	case ed25519.PublicKey:
		return Ed25519
	default:
		return P256
	}
}

// generateKey makes a key. With a source of randomness of the caller's the key is a function of
// what that source gives. The standard library ignores such a source on purpose, since it is no
// good for keys that protect something; these protect nothing, and a test wants them again.
func generateKey(t KeyType, random io.Reader) (crypto.Signer, error) {
	switch {
	case t.curve() != nil && random == nil:
		return ecdsa.GenerateKey(t.curve(), rand.Reader)
	case t.curve() != nil:
		return seededECDSA(t.curve(), random)
	case t == Ed25519:
		if random == nil {
			random = rand.Reader
		}
		seed := make([]byte, ed25519.SeedSize)
		if _, err := io.ReadFull(random, seed); err != nil {
			return nil, err
		}
		return ed25519.NewKeyFromSeed(seed), nil
	case t.standardRSA() && random == nil:
		return rsa.GenerateKey(rand.Reader, t.rsaBits())
	case t.rsaBits() != 0:
		if random == nil {
			random = rand.Reader
		}
		return seededRSA(t.rsaBits(), t.rsaExponent(), random)
	default:
		return nil, fmt.Errorf("unknown key type %s", t)
	}
}

// The searches for a key in what a caller's source gives are bounded: a source that returns
// nothing but zeros ends in an error. Of scalars nearly every one will do, of odd numbers of the
// length that RSA needs one in some hundreds is prime.
const (
	scalarAttempts = 1_000
	primeAttempts  = 100_000
)

// primeRounds are the rounds of Miller and Rabin that follow the test of Baillie, PSW: FIPS 186-5
// (table B.1) asks for four of primes of 1024 bits that were drawn at random.
const primeRounds = 4

var errPoorSource = errors.New("the source of randomness gives no usable key")

func seededECDSA(curve elliptic.Curve, random io.Reader) (crypto.Signer, error) {
	bits := curve.Params().BitSize
	scalar := make([]byte, (bits+7)/8)
	for range scalarAttempts {
		if _, err := io.ReadFull(random, scalar); err != nil {
			return nil, err
		}
		if odd := bits % 8; odd != 0 {
			scalar[0] &= 1<<odd - 1
		}
		if key, err := ecdsa.ParseRawPrivateKey(curve, scalar); err == nil {
			return key, nil
		}
	}
	return nil, errPoorSource
}

func seededRSA(bits, exponent int, random io.Reader) (crypto.Signer, error) {
	e, one := big.NewInt(int64(exponent)), big.NewInt(1)
	prime := func(bits int) (*big.Int, error) {
		raw := make([]byte, (bits+7)/8)
		for range primeAttempts {
			if _, err := io.ReadFull(random, raw); err != nil {
				return nil, err
			}
			p := new(big.Int).SetBytes(raw)
			p.Rsh(p, uint(len(raw)*8-bits))
			// Both top bits: the product has its full length.
			p.SetBit(p, bits-1, 1).SetBit(p, bits-2, 1).SetBit(p, 0, 1)
			if hasSmallFactor(p) || !p.ProbablyPrime(primeRounds) {
				continue
			}
			if new(big.Int).GCD(nil, nil, new(big.Int).Sub(p, one), e).Cmp(one) == 0 {
				return p, nil
			}
		}
		return nil, errPoorSource
	}
	for range 10 {
		p, err := prime((bits + 1) / 2)
		if err != nil {
			return nil, err
		}
		q, err := prime(bits / 2)
		if err != nil {
			return nil, err
		}
		if p.Cmp(q) == 0 {
			continue
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent},
			D:         new(big.Int).ModInverse(e, phi),
			Primes:    []*big.Int{p, q},
		}
		key.Precompute()
		if err := key.Validate(); err == nil {
			return key, nil
		}
	}
	return nil, errPoorSource
}
