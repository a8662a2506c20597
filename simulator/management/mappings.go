package management

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"net/http"
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

// mappingType is CertificateUserMapping. [C: $metadata of a real tenant]
var mappingType = &odata.EntityType{
	Name: "CertificateUserMapping", Set: "CertificateUserMappings", Keys: []string{"Id"},
	Properties: []odata.Property{
		{Name: "Id", Type: odata.String, NotNull: true, MaxLength: 32, Get: odata.Field(func(m tenant.Mapping) any { return tenant.MappingID(m.Certificate) })},
		{Name: "User", Type: odata.String, NotNull: true, MaxLength: maxUser, Filter: true, Get: odata.Field(func(m tenant.Mapping) any { return m.User })},
		{Name: "Certificate", Type: odata.Binary, NotNull: true, MaxLength: maxCertificate, Get: odata.Field(func(m tenant.Mapping) any { return pemOf(m.Certificate) })},
		{Name: "LastModifiedBy", Type: odata.String, MaxLength: 150, Get: odata.Field(func(m tenant.Mapping) any { return orNull(m.LastModifiedBy) })},
		{Name: "LastModifiedTime", Type: odata.DateTime, Get: odata.Field(func(m tenant.Mapping) any { return m.LastModified })},
		{Name: "CreatedBy", Type: odata.String, MaxLength: 150, Get: odata.Field(func(m tenant.Mapping) any { return orNull(m.CreatedBy) })},
		{Name: "CreatedTime", Type: odata.DateTime, Get: odata.Field(func(m tenant.Mapping) any { return m.Created })},
		{Name: "ValidUntil", Type: odata.Int64, Get: odata.Field(func(m tenant.Mapping) any {
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

// pemOf is the PEM text of a certificate, as the interface shows it. [C]
func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
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
	return end, skipTime(&validity) && readTime(&validity, &end)
}

func skipTime(s *cryptobyte.String) bool {
	var ignored time.Time
	return readTime(s, &ignored)
}

func readTime(s *cryptobyte.String, out *time.Time) bool {
	if s.PeekASN1Tag(asn1.UTCTime) {
		return s.ReadASN1UTCTime(out)
	}
	return s.ReadASN1GeneralizedTime(out)
}

// mappings is the entity set CertificateUserMappings. [C: list, read, POST, DELETE, and no PUT]
func (s *Server) mappings() *resource {
	return &resource{
		typ: mappingType, read: viewMappings, change: changeMappings,
		list: func(q *request) ([]any, *odata.Error) { return odata.Entities(q.snapshot.Mappings()), nil },
		get: func(q *request, key odata.Key) (any, *odata.Error) {
			m, ok := q.snapshot.MappingByID(key.Get("Id"))
			if !ok {
				return nil, odata.NotFound()
			}
			return m, nil
		},
		create: createMapping,
		remove: func(q *request, entity any) (odata.Answer, *odata.Error) {
			m := entity.(tenant.Mapping)
			removed, err := s.config.Tenant.UnmapByID(q.user, tenant.MappingID(m.Certificate))
			switch {
			case err != nil:
				return odata.Answer{}, q.refused("Removing the mapping", err)
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
		return odata.Answer{}, q.refused("Mapping the certificate", err)
	}
	m, ok := q.server.config.Tenant.Snapshot().MappingByID(tenant.MappingID(der))
	if !ok { // removed by somebody else just now
		m = tenant.Mapping{Certificate: der, User: user}
	}
	return q.service.Entity(http.StatusCreated, mappingType, m), nil
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
