package request

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"example.com/gatehouse/pki"
)

// Asks is what a request asks for. What is not asked for is empty.
type Asks struct {
	// Subject is the RFC 4514 string of the name, Trace the same in the order of the request.
	Subject string `json:"subject"`
	Trace   string `json:"trace"`
	// Key and Signature say what the key is and how the request is signed.
	Key       string `json:"key"`
	Signature string `json:"signature"`
	// DNS, IP, Email and URI are alternative names, OtherNames counts those of other kinds.
	DNS        []string `json:"dns,omitempty"`
	IP         []string `json:"ip,omitempty"`
	Email      []string `json:"email,omitempty"`
	URI        []string `json:"uri,omitempty"`
	OtherNames int      `json:"otherNames,omitempty"`
	// KeyUsage and Usage are the key usage and the extended key usage.
	KeyUsage []string `json:"keyUsage,omitempty"`
	Usage    []string `json:"usage,omitempty"`
	// CA: the certificate is to be one that issues others.
	CA bool `json:"ca,omitempty"`
	// Extensions are the object identifiers of what else is asked for, Attributes those of what
	// else stands in the request.
	Extensions []string `json:"extensions,omitempty"`
	Attributes []string `json:"attributes,omitempty"`
	// ChallengePassword: the request has one. It is read by CAs that have agreed on one, and is
	// never shown.
	ChallengePassword bool `json:"challengePassword,omitempty"`
}

// Asks says what the request asks for.
func (r *Request) Asks() Asks { return r.asks }

// The attributes that are known. Microsoft's is named szOID_CERT_EXTENSIONS there.
const (
	extensionRequest  = "1.2.840.113549.1.9.14"
	microsoftRequest  = "1.3.6.1.4.1.311.2.1.14"
	challengePassword = "1.2.840.113549.1.9.7"
)

var attributesTag = cbasn1.Tag(0).Constructed().ContextSpecific()

var (
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
)

var errAttributes = errors.New("the attributes of the certificate signing request are damaged")

// readAttributes reads what is asked for beside name and key.
func (r *Request) readAttributes() error {
	r.asks = Asks{
		Subject: pki.FormatDN(r.RawSubject), Trace: pki.TraceDN(r.RawSubject),
		Key: KeyName(r.PublicKey), Signature: SignatureName(r.SignatureAlgorithm),
	}
	in := cryptobyte.String(r.RawTBSCertificateRequest)
	var info, attributes cryptobyte.String
	var present bool
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.SkipASN1(cbasn1.INTEGER) || !info.SkipASN1(cbasn1.SEQUENCE) ||
		!info.SkipASN1(cbasn1.SEQUENCE) || !info.ReadOptionalASN1(&attributes, &present, attributesTag) {
		return errAttributes
	}
	var extensions []pkix.Extension
	for !attributes.Empty() {
		var attribute, values cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !attributes.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) ||
			!attribute.ReadASN1(&values, cbasn1.SET) {
			return errAttributes
		}
		switch dotted := oid.String(); dotted {
		case extensionRequest, microsoftRequest:
			asked, err := readExtensions(values)
			if err != nil {
				return err
			}
			extensions = append(extensions, asked...)
		case challengePassword:
			r.asks.ChallengePassword = true
		default:
			r.asks.Attributes = append(r.asks.Attributes, dotted)
		}
	}
	return r.take(extensions)
}

func readExtensions(values cryptobyte.String) ([]pkix.Extension, error) {
	var list cryptobyte.String
	if !values.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil, errAttributes
	}
	var out []pkix.Extension
	for !list.Empty() {
		var one, value cryptobyte.String
		var e pkix.Extension
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&e.Id) ||
			one.PeekASN1Tag(cbasn1.BOOLEAN) && !one.ReadASN1Boolean(&e.Critical) ||
			!one.ReadASN1(&value, cbasn1.OCTET_STRING) {
			return nil, errAttributes
		}
		e.Value = value
		out = append(out, e)
	}
	return out, nil
}

// take takes over the extensions that are asked for. One that stands twice counts once.
func (r *Request) take(extensions []pkix.Extension) error {
	r.Extensions = nil
	for _, e := range extensions {
		if slices.ContainsFunc(r.Extensions, func(other pkix.Extension) bool { return other.Id.Equal(e.Id) }) {
			continue
		}
		r.Extensions = append(r.Extensions, e)
		var err error
		switch {
		case e.Id.Equal(oidKeyUsage):
			err = r.readKeyUsage(e.Value)
		case e.Id.Equal(oidExtKeyUsage):
			err = r.readUsages(e.Value)
		case e.Id.Equal(oidBasicConstraints):
			err = r.readConstraints(e.Value)
		case e.Id.Equal(oidSubjectAltName):
			err = r.readNames(e.Value)
		default:
			r.asks.Extensions = append(r.asks.Extensions, e.Id.String())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Request) readKeyUsage(der cryptobyte.String) error {
	var bits asn1.BitString
	if !der.ReadASN1BitString(&bits) {
		return fmt.Errorf("%w: key usage", errAttributes)
	}
	var usage x509.KeyUsage
	for i := range 9 {
		if bits.At(i) != 0 {
			usage |= 1 << i
		}
	}
	r.asks.KeyUsage = KeyUsageNames(usage)
	return nil
}

func (r *Request) readUsages(der cryptobyte.String) error {
	var list cryptobyte.String
	if !der.ReadASN1(&list, cbasn1.SEQUENCE) {
		return fmt.Errorf("%w: extended key usage", errAttributes)
	}
	for !list.Empty() {
		var oid asn1.ObjectIdentifier
		if !list.ReadASN1ObjectIdentifier(&oid) {
			return fmt.Errorf("%w: extended key usage", errAttributes)
		}
		r.asks.Usage = append(r.asks.Usage, UsageName(oid.String()))
	}
	return nil
}

func (r *Request) readConstraints(der cryptobyte.String) error {
	var body cryptobyte.String
	if !der.ReadASN1(&body, cbasn1.SEQUENCE) || body.PeekASN1Tag(cbasn1.BOOLEAN) && !body.ReadASN1Boolean(&r.asks.CA) {
		return fmt.Errorf("%w: basic constraints", errAttributes)
	}
	return nil
}

// readNames reads the alternative names. The fields of the parsed request are set as well: that
// of Microsoft's attribute is not in them.
func (r *Request) readNames(der cryptobyte.String) error {
	var list cryptobyte.String
	if !der.ReadASN1(&list, cbasn1.SEQUENCE) {
		return fmt.Errorf("%w: alternative names", errAttributes)
	}
	r.DNSNames, r.EmailAddresses, r.IPAddresses, r.URIs = nil, nil, nil, nil
	for count := 1; !list.Empty(); count++ {
		var name cryptobyte.String
		var tag cbasn1.Tag
		if !list.ReadAnyASN1(&name, &tag) {
			return fmt.Errorf("%w: alternative names", errAttributes)
		}
		if count > maxNames {
			return fmt.Errorf("the certificate signing request asks for more than %d alternative names", maxNames)
		}
		switch tag {
		case cbasn1.Tag(1).ContextSpecific():
			r.asks.Email = append(r.asks.Email, string(name))
			r.EmailAddresses = append(r.EmailAddresses, string(name))
		case cbasn1.Tag(2).ContextSpecific():
			r.asks.DNS = append(r.asks.DNS, string(name))
			r.DNSNames = append(r.DNSNames, string(name))
		case cbasn1.Tag(6).ContextSpecific():
			r.asks.URI = append(r.asks.URI, string(name))
			if u, err := url.Parse(string(name)); err == nil {
				r.URIs = append(r.URIs, u)
			}
		case cbasn1.Tag(7).ContextSpecific():
			if len(name) != net.IPv4len && len(name) != net.IPv6len {
				return fmt.Errorf("%w: an address of %d bytes", errAttributes, len(name))
			}
			r.asks.IP = append(r.asks.IP, net.IP(name).String())
			r.IPAddresses = append(r.IPAddresses, net.IP(name))
		default:
			r.asks.OtherNames++
		}
	}
	return nil
}
