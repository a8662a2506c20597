package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidCRLPoints        = asn1.ObjectIdentifier{2, 5, 29, 31}
	oidAuthorityInfo    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}
)

// The methods of an authorityInfoAccess: to an OCSP responder, and to the issuer's certificate.
const (
	accessByOCSP      = "1.3.6.1.5.5.7.48.1"
	accessToCAIssuers = "1.3.6.1.5.5.7.48.2"
)

// The extended key usages that a description can name.
const (
	usageAny             = "2.5.29.37.0"
	usageServerAuth      = "1.3.6.1.5.5.7.3.1"
	usageClientAuth      = "1.3.6.1.5.5.7.3.2"
	usageCodeSigning     = "1.3.6.1.5.5.7.3.3"
	usageEmailProtection = "1.3.6.1.5.5.7.3.4"
	usageTimeStamping    = "1.3.6.1.5.5.7.3.8"
	usageOCSPSigning     = "1.3.6.1.5.5.7.3.9"
)

var usageByKnownName = map[string]string{
	"clientAuth":      usageClientAuth,
	"serverAuth":      usageServerAuth,
	"codeSigning":     usageCodeSigning,
	"emailProtection": usageEmailProtection,
	"timeStamping":    usageTimeStamping,
	"ocspSigning":     usageOCSPSigning,
	"any":             usageAny,
}

var usageByConstant = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageAny:             usageAny,
	x509.ExtKeyUsageServerAuth:      usageServerAuth,
	x509.ExtKeyUsageClientAuth:      usageClientAuth,
	x509.ExtKeyUsageCodeSigning:     usageCodeSigning,
	x509.ExtKeyUsageEmailProtection: usageEmailProtection,
	x509.ExtKeyUsageTimeStamping:    usageTimeStamping,
	x509.ExtKeyUsageOCSPSigning:     usageOCSPSigning,
}

// allExtensions are the template's extensions in the order in which public CAs write them.
func (t template) allExtensions(keyID, authority []byte) ([]pkix.Extension, error) {
	var out []pkix.Extension
	var failed error
	given := slices.Clone(t.given)
	add := func(oid asn1.ObjectIdentifier, critical bool, write func(*cryptobyte.Builder)) {
		if i := slices.IndexFunc(given, func(e pkix.Extension) bool { return e.Id.Equal(oid) }); i >= 0 {
			out, given = append(out, given[i]), slices.Delete(given, i, i+1)
			return
		}
		b := cryptobyte.NewBuilder(make([]byte, 0, 64))
		write(b)
		der, err := b.Bytes()
		if err != nil && failed == nil {
			failed = fmt.Errorf("encoding extension %s: %w", oid, err)
		}
		out = append(out, pkix.Extension{Id: oid, Critical: critical, Value: der})
	}
	if c := t.basicConstraints; c != nil {
		add(oidBasicConstraints, true, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				if c.ca {
					b.AddASN1Boolean(true)
				}
				if c.pathLen >= 0 {
					b.AddASN1Int64(int64(c.pathLen))
				}
			})
		})
	}
	if t.keyUsage != 0 {
		add(oidKeyUsage, true, func(b *cryptobyte.Builder) { addKeyUsage(b, t.keyUsage) })
	}
	if len(t.usages) > 0 {
		add(oidExtKeyUsage, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, usage := range t.usages {
					addOID(b, usage)
				}
			})
		})
	}
	if len(t.dns)+len(t.ips)+len(t.emails)+len(t.uris) > 0 {
		add(oidSubjectAltName, len(t.subject) == len(emptyName), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, name := range t.dns {
					b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(b *cryptobyte.Builder) {
						b.AddBytes([]byte(name))
					})
				}
				for _, address := range t.emails {
					b.AddASN1(cbasn1.Tag(1).ContextSpecific(), func(b *cryptobyte.Builder) {
						b.AddBytes([]byte(address))
					})
				}
				for _, uri := range t.uris {
					addAddress(b, uri)
				}
				for _, ip := range t.ips {
					b.AddASN1(cbasn1.Tag(7).ContextSpecific(), func(b *cryptobyte.Builder) {
						if v4 := ip.To4(); v4 != nil {
							ip = v4
						}
						b.AddBytes(ip)
					})
				}
			})
		})
	}
	add(oidSubjectKeyID, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(keyID) })
	if len(authority) > 0 {
		add(oidAuthorityKeyID, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) {
					b.AddBytes(authority)
				})
			})
		})
	}
	if len(t.crlAt) > 0 {
		add(oidCRLPoints, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, url := range t.crlAt {
					addDistributionPoint(b, url)
				}
			})
		})
	}
	if len(t.ocspAt)+len(t.caIssuersAt) > 0 {
		add(oidAuthorityInfo, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, url := range t.ocspAt {
					addAccess(b, accessByOCSP, url)
				}
				for _, url := range t.caIssuersAt {
					addAccess(b, accessToCAIssuers, url)
				}
			})
		})
	}
	return append(append(out, given...), t.extensions...), failed
}

// addDistributionPoint writes DistributionPoint { distributionPoint [0] { fullName [0] … } }.
func addDistributionPoint(b *cryptobyte.Builder, url string) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
				addAddress(b, url)
			})
		})
	})
}

// addAccess writes an AccessDescription of authorityInfoAccess.
func addAccess(b *cryptobyte.Builder, method, url string) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, method)
		addAddress(b, url)
	})
}

// addAddress writes a GeneralName of the kind uniformResourceIdentifier.
func addAddress(b *cryptobyte.Builder, url string) {
	b.AddASN1(cbasn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(url)) })
}

// usageList is the DER of an extended key usage.
func usageList(usages ...string) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, usage := range usages {
			addOID(b, usage)
		}
	})
	return b.BytesOrPanic()
}

func addExtension(b *cryptobyte.Builder, e pkix.Extension) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(e.Id)
		if e.Critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1OctetString(e.Value)
	})
}

// addKeyUsage writes the named bit list, without trailing zero bits as DER wants it.
// Bit 0 of the list is the most significant one of the first byte.
func addKeyUsage(b *cryptobyte.Builder, usage x509.KeyUsage) {
	raw := []byte{bits.Reverse8(byte(usage)), bits.Reverse8(byte(usage >> 8))}
	if raw[1] == 0 {
		raw = raw[:1]
	}
	unused := bits.TrailingZeros8(raw[len(raw)-1])
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(unused))
		b.AddBytes(raw)
	})
}

func addOID(b *cryptobyte.Builder, dotted string) {
	content, err := oidContent(dotted)
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(content) })
}

// oidContent is the content of the encoded object identifier. The components may be of any size.
func oidContent(dotted string) ([]byte, error) {
	oid, err := x509.ParseOID(dotted)
	if err != nil {
		return nil, fmt.Errorf("%q is not an object identifier", dotted)
	}
	return oid.MarshalBinary()
}
