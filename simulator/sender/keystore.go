package sender

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/gatehouse/pki"
)

// Keystore is what a sender has of its own: a key pair and the certificates above it. The zero
// value is an empty one. Its slices are shared and must not be changed.
type Keystore struct {
	// Certificate is the DER of the sender's own certificate.
	Certificate []byte
	// Chain holds the intermediate certificates (DER), upwards from the issuer of Certificate.
	Chain [][]byte
	// Root is the DER of the root certificate; only [WithRoot], [WrongOrder] and [LeafLast] may
	// send it.
	Root []byte
	// Key is the private key. Without it no certificate is sent, as nothing could prove that it is
	// the sender's: what happens to those who were given the public part only.
	Key crypto.Signer
}

// FromTLS makes a keystore of a certificate as crypto/tls has it. Root may be nil.
func FromTLS(c tls.Certificate, root *x509.Certificate) Keystore {
	var k Keystore
	if len(c.Certificate) > 0 {
		k.Certificate, k.Chain = c.Certificate[0], c.Certificate[1:]
	}
	if root != nil {
		k.Root = root.Raw
	}
	k.Key, _ = c.PrivateKey.(crypto.Signer)
	return k
}

// FromPKI makes a keystore of a minted certificate, the chain being what it presents: a defect
// of the presented chain shows in the keystore too. A nil certificate gives an empty keystore.
func FromPKI(c *pki.Certificate) Keystore {
	if c == nil {
		return Keystore{}
	}
	var k Keystore
	if presented := c.Presented(); len(presented) > 0 {
		k.Certificate, k.Chain = presented[0], presented[1:]
	}
	if root := c.Root(); root != nil && root != c {
		k.Root = root.DER()
	}
	k.Key = c.Key()
	return k
}

// Sends says which certificates of the keystore a sender sends, and in which order. "" is
// [Chain].
type Sends string

const (
	// Chain: the own certificate, then the intermediates upwards, without the root. This is what
	// the load balancer needs, since it holds root certificates only. [C: blog]
	Chain Sends = "chain"
	// LeafOnly: the own certificate and nothing else.
	LeafOnly Sends = "leaf-only"
	// WithRoot: as Chain, with the root as last.
	WithRoot Sends = "with-root"
	// WrongOrder: the own certificate first, the rest from the top down. With fewer than two
	// intermediates the root goes in as well, so that there is an order to get wrong.
	WrongOrder Sends = "wrong-order"
	// LeafLast: the intermediates upwards and then the own certificate, so that the first one is not
	// that of the key; without intermediates the root stands in their place.
	LeafLast Sends = "leaf-last"
	// Nothing: an empty list, although the keystore has a certificate.
	Nothing Sends = "nothing"
)

// AllSends lists the values of Sends.
func AllSends() []Sends {
	return []Sends{Chain, LeafOnly, WithRoot, WrongOrder, LeafLast, Nothing}
}

// presented is the list of certificates that the sender is set to send. Settings that would have
// no effect are errors: a call that differs from its good twin in nothing proves nothing.
func (s *Sender) presented() ([][]byte, error) {
	k := s.Keystore
	if !slices.Contains(AllSends(), s.Sends) && s.Sends != "" {
		return nil, fmt.Errorf("what is sent is %q, expected one of %s", string(s.Sends), sendsList())
	}
	if len(k.Certificate) == 0 {
		if len(k.Chain) > 0 || k.Key != nil {
			return nil, errors.New("the keystore holds a chain or a key, but no certificate of the sender")
		}
		if s.asksForChain() {
			return nil, errors.New("what is to be sent is set, but the keystore is empty")
		}
		return nil, nil
	}
	chain, err := without(k.Chain, s.Without)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	switch s.Sends {
	case Nothing:
		return nil, nil
	case LeafOnly:
		out = [][]byte{k.Certificate}
	case WithRoot:
		if len(k.Root) == 0 {
			return nil, errors.New("the root is to be sent, but the keystore has none")
		}
		out = slices.Concat([][]byte{k.Certificate}, chain, [][]byte{k.Root})
	case WrongOrder:
		rest := slices.Clone(chain)
		if len(rest) < 2 && len(k.Root) > 0 {
			rest = append(rest, k.Root)
		}
		if len(rest) < 2 {
			return nil, errors.New("the wrong order needs two certificates above the sender's own")
		}
		slices.Reverse(rest)
		out = append([][]byte{k.Certificate}, rest...)
	case LeafLast:
		rest := chain
		if len(rest) == 0 && len(k.Root) > 0 {
			rest = [][]byte{k.Root}
		}
		if len(rest) == 0 {
			return nil, errors.New("sending the own certificate last needs another one above it")
		}
		out = slices.Concat(rest, [][]byte{k.Certificate})
	default:
		out = append([][]byte{k.Certificate}, chain...)
	}
	if s.Duplicate {
		out = append(out, out...)
	}
	return slices.Concat(out, s.Extra), nil
}

func (s *Sender) asksForChain() bool {
	return len(s.Without) > 0 || len(s.Extra) > 0 || s.Duplicate || s.WrongKey != nil ||
		(s.Sends != "" && s.Sends != Chain && s.Sends != Nothing)
}

// without is the chain less the certificates whose subject has one of the common names.
func without(chain [][]byte, names []string) ([][]byte, error) {
	if len(names) == 0 {
		return chain, nil
	}
	found := make(map[string]bool)
	var there []string
	var out [][]byte
	for _, der := range chain {
		name := commonName(der)
		there = append(there, fmt.Sprintf("%q", name))
		if slices.Contains(names, name) {
			found[name] = true
			continue
		}
		out = append(out, der)
	}
	for _, name := range names {
		if !found[name] {
			return nil, fmt.Errorf("the intermediate certificate %q is to be left out, but the chain has only %s",
				name, orNone(there))
		}
	}
	return out, nil
}

// proof is the key that signs the handshake; nil if there is none.
func (s *Sender) proof() crypto.Signer {
	if s.WrongKey != nil {
		return s.WrongKey
	}
	return s.Keystore.Key
}

// keyFits tells whether the key belongs to the certificate; true where that cannot be told.
func keyFits(first []byte, key crypto.Signer) bool {
	cert, err := x509.ParseCertificate(first)
	if err != nil || key == nil {
		return true
	}
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return !ok || public.Equal(key.Public())
}

// issuerNamed tells whether one of the certificates was issued by one of the named CAs.
func issuerNamed(chain, cas [][]byte) bool {
	for _, der := range chain {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		if slices.ContainsFunc(cas, func(ca []byte) bool { return bytes.Equal(ca, cert.RawIssuer) }) {
			return true
		}
	}
	return false
}

func commonName(der []byte) string {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	return pki.CommonName(cert.RawSubject)
}

// subject is the subject DN in the order of the certificate, or a word for what cannot be read.
func subject(der []byte) string {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "unreadable certificate"
	}
	return pki.TraceDN(cert.RawSubject)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func sendsList() string {
	var out []string
	for _, s := range AllSends() {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}
