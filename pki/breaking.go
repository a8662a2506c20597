package pki

import (
	"bytes"
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What defects do to the settings of a certificate. Each function makes one change.

// A month is long enough that no clock that is a little wrong hides the defect.
const month = 30 * 24 * time.Hour

// unknownCritical is a critical extension that nobody knows. Its object identifier is of the arc
// for examples, RFC 5612.
var unknownCritical = pkix.Extension{
	Id:       asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1},
	Critical: true,
	Value:    asn1.NullBytes,
}

// endedAMonthAgo moves the validity, as long as it is, into the past.
func endedAMonthAgo(s *settings) error {
	lifetime := s.notAfter.Sub(s.notBefore)
	s.notAfter = second(s.now()).Add(-month)
	s.notBefore = s.notAfter.Add(-lifetime)
	return nil
}

// beginsInAMonth moves the validity, as long as it is, into the future.
func beginsInAMonth(s *settings) error {
	lifetime := s.notAfter.Sub(s.notBefore)
	s.notBefore = second(s.now()).Add(month)
	s.notAfter = s.notBefore.Add(lifetime)
	return nil
}

func onlyUsages(usages ...string) func(*settings) error {
	return func(s *settings) error {
		s.usages = usages
		return nil
	}
}

// editExtensions changes the list of extensions before it is written.
func editExtensions(edit func([]pkix.Extension) ([]pkix.Extension, error)) func(*settings) error {
	return func(s *settings) error {
		s.raw.extensions = edit
		return nil
	}
}

// editExtension changes one extension, which must be there.
func editExtension(oid asn1.ObjectIdentifier, edit func(*pkix.Extension)) func(*settings) error {
	return editExtensions(func(list []pkix.Extension) ([]pkix.Extension, error) {
		for i := range list {
			if list[i].Id.Equal(oid) {
				edit(&list[i])
				return list, nil
			}
		}
		return nil, fmt.Errorf("the certificate has no extension %s that could be changed", oid)
	})
}

// putExtension puts an extension in the place of the one with its identifier, or at the end.
func putExtension(e pkix.Extension) func(*settings) error {
	return editExtensions(func(list []pkix.Extension) ([]pkix.Extension, error) {
		return append(without(list, e.Id), e), nil
	})
}

func removeExtensions(oids ...asn1.ObjectIdentifier) func(*settings) error {
	return editExtensions(func(list []pkix.Extension) ([]pkix.Extension, error) { return without(list, oids...), nil })
}

func without(list []pkix.Extension, oids ...asn1.ObjectIdentifier) []pkix.Extension {
	return slices.DeleteFunc(list, func(e pkix.Extension) bool {
		return slices.ContainsFunc(oids, func(oid asn1.ObjectIdentifier) bool { return e.Id.Equal(oid) })
	})
}

func critical(e *pkix.Extension)    { e.Critical = true }
func notCritical(e *pkix.Extension) { e.Critical = false }

// usageBits is the DER of a key usage with the bits of the first octet, bit 0 being the highest.
func usageBits(octet byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		if octet == 0 {
			b.AddUint8(0)
			return
		}
		unused := uint8(0)
		for octet>>unused&1 == 0 {
			unused++
		}
		b.AddUint8(unused)
		b.AddUint8(octet)
	})
	return b.BytesOrPanic()
}

// The bits of a key usage in its first octet.
const (
	bitDigitalSignature = 0x80
	bitNonRepudiation   = 0x40
	bitKeyEncipherment  = 0x20
	bitKeyAgreement     = 0x08
	bitCertSign         = 0x04
	bitCRLSign          = 0x02
)

// onlyKeyUsage puts a key usage in the place of the certificate's.
func onlyKeyUsage(octet byte, isCritical bool) func(*settings) error {
	return putExtension(pkix.Extension{Id: oidKeyUsage, Critical: isCritical, Value: usageBits(octet)})
}

var errNoCommonName = errors.New("the subject has no common name")

// editName changes the subject's elements.
func editName(edit func(DN) (DN, error)) func(*settings) error {
	return func(s *settings) error {
		dn, err := ParseRawDN(s.subject)
		if err != nil {
			return err
		}
		if dn, err = edit(dn); err != nil {
			return err
		}
		s.subject, err = dn.Marshal()
		return err
	}
}

// lastCommonName finds the last common name in the order of the certificate.
func lastCommonName(dn DN) (rdn, attribute int, err error) {
	for i := len(dn) - 1; i >= 0; i-- {
		for j := range dn[i] {
			if a := dn[i][j]; a.Type == oidCommonName && a.Raw == nil {
				return i, j, nil
			}
		}
	}
	return 0, 0, errNoCommonName
}

// editCN changes the last common name of the subject.
func editCN(edit func(value string) Attribute) func(*settings) error {
	return editName(func(dn DN) (DN, error) {
		i, j, err := lastCommonName(dn)
		if err != nil {
			return nil, err
		}
		dn[i][j] = edit(dn[i][j].Value)
		return dn, nil
	})
}

// commonName is a common name of the type of string, whether the content fits it or not.
func commonName(tag cbasn1.Tag, content []byte) Attribute {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	return Attribute{Type: oidCommonName, Raw: b.BytesOrPanic()}
}

// wide writes a text with characters of the width in bytes. What has no room becomes a question
// mark.
func wide(text string, width int) []byte {
	var out bytes.Buffer
	for _, r := range text {
		if width == 2 && r > 0xffff {
			r = '?'
		}
		for shift := 8 * (width - 1); shift >= 0; shift -= 8 {
			out.WriteByte(byte(r >> shift))
		}
	}
	return out.Bytes()
}

// ownKey gives the certificate a new key of the type, and leaves its key usage as it is.
func ownKey(t KeyType) func(*settings) error {
	return func(s *settings) error {
		if s.kind == leafKind && s.keyUsage != 0 {
			s.fixUsage()
		}
		s.keyType, s.key = t, nil
		return nil
	}
}

// weakHash signs with a hash. An issuer whose key cannot do that is replaced by a twin of it that
// has an RSA key.
func weakHash(hash crypto.Hash) func(*settings) error {
	return func(s *settings) error {
		s.hash = hash
		if s.issuer == nil || s.issuer.key == nil {
			return nil
		}
		if _, _, err := signatureAlgorithm(s.issuer.key.Public(), hash); err == nil {
			return nil
		}
		replaced := s.issuer
		twin, err := replaced.remade(replaced.issuer, replaced.name+"-rsa", *s, func(s *settings) error {
			s.keyType = RSA2048
			return nil
		})
		if err != nil {
			return fmt.Errorf("making a twin of %q with an RSA key: %w", replaced.name, err)
		}
		twin.twinOf = replaced
		s.issuer = twin
		return nil
	}
}

// directoryName is a GeneralName with a name.
func directoryName(name []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.Tag(4).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(name) })
	return b.BytesOrPanic()
}

// constrainNames puts name constraints on a CA: permitted [0] or excluded [1] names below base.
func constrainNames(s *settings, which uint8, base []byte) error {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(which).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(directoryName(base)) })
		})
	})
	value, err := b.Bytes()
	if err != nil {
		return err
	}
	return putExtension(pkix.Extension{Id: oidNameConstraints, Critical: true, Value: value})(s)
}

// otherCAs puts a complete copy of the CAs above a leaf in their place: other keys, and the
// subjects that subject gives, level 0 being the issuer. Nobody takes them for the good ones' twins.
func otherCAs(subject func(level int, isRoot bool) string) func(*settings) error {
	return func(s *settings) error {
		if s.issuer == nil {
			return errors.New("a certificate without an issuer has no other one")
		}
		path := s.issuer.path()
		var above *Certificate
		for level, good := range slices.Backward(path) {
			text := subject(level, above == nil)
			name := good.name + "-other"
			if text != "" {
				name = text
			}
			other, err := good.remade(above, name, *s, func(s *settings) error {
				if text == "" {
					return nil
				}
				dn, err := ParseDN(text)
				if err != nil {
					return err
				}
				s.subject, err = dn.Marshal()
				return err
			})
			if err != nil {
				return fmt.Errorf("making another CA in place of %q: %w", good.name, err)
			}
			above = other
		}
		s.issuer = above
		return nil
	}
}

// strangersRoot is a root that has nothing to do with the chain.
func strangersRoot(s *settings, name string, change func(*settings)) (*Certificate, error) {
	return create(nil, CA, name, []Option{option(func(o *settings) error {
		o.now, o.rand = s.now, s.rand
		if change != nil {
			change(o)
		}
		return nil
	})})
}

// withRoot puts the root behind the presented chain.
func withRoot(c *Certificate, chain []*Certificate) []*Certificate {
	return append(slices.Clone(chain), c.Root())
}
