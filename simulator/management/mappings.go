package management

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

const (
	maxUser        = 150     // of a mapping [C: $metadata]
	maxCertificate = 2095152 // as Base64 of PEM [C: $metadata]
)

// mapping is a mapping with its id, which is worked out once for each answer.
type mapping struct {
	tenant.Mapping
	id string
}

func newMapping(m tenant.Mapping) *mapping { return &mapping{m, tenant.MappingID(m.Certificate)} }

// mappingType is CertificateUserMapping. [C: $metadata of a real tenant]
var mappingType = &odata.EntityType{
	Name: "CertificateUserMapping", Set: "CertificateUserMappings", Keys: []string{"Id"},
	Properties: []odata.Property{
		{Name: "Id", Type: odata.String, NotNull: true, MaxLength: 32, Get: odata.Field(func(m *mapping) any { return m.id })},
		{Name: "User", Type: odata.String, NotNull: true, MaxLength: maxUser, Filter: true, Get: odata.Field(func(m *mapping) any { return m.User })},
		{Name: "Certificate", Type: odata.Binary, NotNull: true, MaxLength: maxCertificate, Get: odata.Field(func(m *mapping) any { return pemOf(m.Certificate) })},
		{Name: "LastModifiedBy", Type: odata.String, MaxLength: 150, Get: odata.Field(func(m *mapping) any { return orNull(m.LastModifiedBy) })},
		{Name: "LastModifiedTime", Type: odata.DateTime, Get: odata.Field(func(m *mapping) any { return m.LastModified })},
		{Name: "CreatedBy", Type: odata.String, MaxLength: 150, Get: odata.Field(func(m *mapping) any { return orNull(m.CreatedBy) })},
		{Name: "CreatedTime", Type: odata.DateTime, Get: odata.Field(func(m *mapping) any { return m.Created })},
		{Name: "ValidUntil", Type: odata.Int64, Get: odata.Field(func(m *mapping) any {
			end, ok := validUntil(m.Certificate)
			if !ok {
				return nil
			}
			return end.UnixMilli()
		})},
	},
}

// orNull is a string, or null for one that is not known.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// pemOf is the PEM text of a certificate, as the interface shows it [C]. A list needs it of all, so it
// is written without the buffers of encoding/pem.
func pemOf(der []byte) []byte {
	const (
		begin = "-----BEGIN CERTIFICATE-----\n"
		end   = "-----END CERTIFICATE-----\n"
		line  = 48 // bytes, which are 64 letters
	)
	out := make([]byte, 0, len(begin)+len(end)+base64.StdEncoding.EncodedLen(len(der))+len(der)/line+1)
	out = append(out, begin...)
	for chunk := range slices.Chunk(der, line) {
		out = append(base64.StdEncoding.AppendEncode(out, chunk), '\n')
	}
	return append(out, end...)
}

// validUntil reads the end of a certificate's validity, and nothing else of it: a list of mappings
// needs it of all.
func validUntil(der []byte) (end time.Time, ok bool) {
	var certificate, tbs, validity cryptobyte.String
	in := cryptobyte.String(der)
	if !in.ReadASN1(&certificate, asn1.SEQUENCE) || !certificate.ReadASN1(&tbs, asn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(asn1.Tag(0).Constructed().ContextSpecific()) || // version
		!tbs.SkipASN1(asn1.INTEGER) || !tbs.SkipASN1(asn1.SEQUENCE) || !tbs.SkipASN1(asn1.SEQUENCE) || // serial number, algorithm, issuer
		!tbs.ReadASN1(&validity, asn1.SEQUENCE) {
		return time.Time{}, false
	}
	if _, ok = readTime(&validity); !ok {
		return time.Time{}, false
	}
	return readTime(&validity)
}

// readTime reads a point in time. The two forms that certificates have are read without the
// library, which takes far longer.
func readTime(s *cryptobyte.String) (at time.Time, ok bool) {
	var text cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&text, &tag) {
		return at, false
	}
	switch {
	case tag == asn1.UTCTime && len(text) == len("060102150405Z"):
		century := 1900
		if text[0] < '5' { // RFC 5280, section 4.1.2.5.1
			century = 2000
		}
		return readDigits(text, century, 2)
	case tag == asn1.GeneralizedTime && len(text) == len("20060102150405Z"):
		return readDigits(text, 0, 4)
	}
	return at, false
}

// readDigits reads year, month, day, hour, minute and second, each of two digits but the year.
func readDigits(text []byte, century, yearDigits int) (at time.Time, ok bool) {
	if text[len(text)-1] != 'Z' {
		return at, false
	}
	var parts [6]int
	for i, digits := range [6]int{yearDigits, 2, 2, 2, 2, 2} {
		for _, c := range text[:digits] {
			if c < '0' || c > '9' {
				return at, false
			}
			parts[i] = parts[i]*10 + int(c-'0')
		}
		text = text[digits:]
	}
	at = time.Date(century+parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], 0, time.UTC)
	// A date that does not exist became another one.
	return at, at.Month() == time.Month(parts[1]) && at.Day() == parts[2] && at.Hour() == parts[3] && at.Minute() == parts[4] && at.Second() == parts[5]
}

// mappings is the entity set CertificateUserMappings. [C: list, read, POST, DELETE, and no PUT]
func (s *Server) mappings() *resource {
	return &resource{
		typ: mappingType, read: viewMappings, change: changeMappings,
		list: func(q *request) ([]any, *odata.Error) {
			all := q.snapshot.Mappings()
			rows, out := make([]mapping, len(all)), make([]any, len(all))
			for i, m := range all {
				rows[i] = mapping{m, tenant.MappingID(m.Certificate)}
				out[i] = &rows[i]
			}
			return out, nil
		},
		get: func(q *request, key odata.Key) (any, *odata.Error) {
			m, ok := q.snapshot.MappingByID(key.Get("Id"))
			if !ok {
				return nil, odata.NotFound()
			}
			return newMapping(m), nil
		},
		create: createMapping,
		remove: func(q *request, entity any) (odata.Answer, *odata.Error) {
			removed, err := s.config.Tenant.UnmapByID(q.user, entity.(*mapping).id)
			switch {
			case err != nil:
				return odata.Answer{}, q.server.refused("Removing the mapping", err)
			case !removed: // by somebody else just now
				return odata.Answer{}, odata.NotFound()
			}
			return status(http.StatusNoContent), nil
		},
	}
}

// createMapping maps a certificate. One that is mapped already only changes its user. [C] What the
// client says of the other properties does not count: the server computes them.
func createMapping(q *request, body odata.Body) (odata.Answer, *odata.Error) {
	user, err := required(body, "User", maxUser)
	if err != nil {
		return odata.Answer{}, err
	}
	encoded, err := required(body, "Certificate", maxCertificate)
	if err != nil {
		return odata.Answer{}, err
	}
	der, problem := readCertificate(encoded)
	if problem != "" {
		return odata.Answer{}, odata.Errorf(http.StatusInternalServerError, "[NodeManagerApi][CONTENT_STORE][No509Certificate]: %s.", problem)
	}
	if err := q.server.config.Tenant.MapCertificateAs(q.user, der, user); err != nil {
		return odata.Answer{}, q.server.refused("Mapping the certificate", err)
	}
	m, ok := q.server.config.Tenant.Snapshot().MappingByID(tenant.MappingID(der))
	if !ok { // removed by somebody else just now
		m = tenant.Mapping{Certificate: der, User: user}
	}
	return q.service.Entity(http.StatusCreated, mappingType, newMapping(m)), nil
}

// readCertificate reads Base64 of the PEM text of one certificate [C]; line ends within the Base64
// are passed over.
func readCertificate(encoded string) (der []byte, problem string) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, "the property Certificate is not Base64"
	}
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, "the property Certificate holds no PEM text: it is the Base64 of a text that begins with -----BEGIN CERTIFICATE-----"
	case block.Type != "CERTIFICATE":
		return nil, "the PEM text holds something other than a certificate"
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, "the PEM text holds more than one certificate: only the sender's own is mapped"
	}
	if _, ok := validUntil(block.Bytes); !ok {
		return nil, "what the PEM text holds is no X.509 certificate"
	}
	return block.Bytes, ""
}
