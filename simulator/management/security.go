package management

import (
	"crypto/dsa" //nolint:staticcheck // old entries may have such a key, which is shown
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// maxName bounds names of artifacts, users and descriptions, in bytes. [?] A choice.
const maxName = 255

// descriptorType tells of an artifact of the security material. [C]
var descriptorType = &odata.ComplexType{Name: "SecurityArtifactDescriptor", Properties: []odata.Property{
	{Name: "Type", Type: odata.String, Get: func(any) any { return "CREDENTIALS" }},
	{Name: "DeployedBy", Type: odata.String, Get: func(any) any { return nil }},
	{Name: "DeployedOn", Type: odata.DateTime, Get: func(any) any { return nil }},
	{Name: "Status", Type: odata.String, Get: func(any) any { return "DEPLOYED" }},
}}

// credentialType is UserCredential. [C] The password is null when it is read.
var credentialType = &odata.EntityType{
	Name: "UserCredential", Set: "UserCredentials", Keys: []string{"Name"},
	Properties: []odata.Property{
		{Name: "Name", Type: odata.String, NotNull: true, MaxLength: maxName, Filter: true, Get: odata.Field(func(c tenant.Credential) any { return c.Name })},
		{Name: "Kind", Type: odata.String, Get: func(any) any { return "default" }},
		{Name: "Description", Type: odata.String, Get: odata.Field(func(c tenant.Credential) any { return c.Description })},
		{Name: "User", Type: odata.String, Filter: true, Get: odata.Field(func(c tenant.Credential) any { return c.User })},
		{Name: "Password", Type: odata.String, Get: func(any) any { return nil }},
		{Name: "CompanyId", Type: odata.String, Get: func(any) any { return nil }},
		{Name: "SecurityArtifactDescriptor", Complex: descriptorType, Get: func(entity any) any { return entity }},
	},
}

// credentials is the entity set UserCredentials. [C: list, read, POST with 202, 409 for a name
// that is there; PUT and DELETE: ?, 202 as POST]
func (s *Server) credentials() *resource {
	change := func(q *request, doing string, do func(*tenant.Config) error) (odata.Answer, *odata.Error) {
		if err := s.config.Tenant.Update(do); err != nil {
			return odata.Answer{}, q.server.refused(doing, err)
		}
		return status(http.StatusAccepted), nil
	}
	read := func(body odata.Body) (tenant.Credential, *odata.Error) {
		c := tenant.Credential{Password: body["Password"], Description: body["Description"]}
		if kind, ok := body["Kind"]; ok && kind != "default" {
			return c, odata.Errorf(http.StatusNotImplemented, "Found Kind %q, expected default: other kinds are not supported.", kind)
		}
		if len(c.Password) > maxName || len(c.Description) > maxName {
			return c, odata.Errorf(http.StatusBadRequest, "Password and Description may have %d bytes.", maxName)
		}
		var err *odata.Error
		if c.Name, err = required(body, "Name", maxName); err == nil {
			c.User, err = required(body, "User", maxName)
		}
		return c, err
	}
	return &resource{
		typ: credentialType, read: viewSecurity, change: changeSecurity,
		list: func(q *request) ([]any, *odata.Error) { return odata.Entities(q.snapshot.Credentials()), nil },
		create: func(q *request, body odata.Body) (odata.Answer, *odata.Error) {
			c, err := read(body)
			if err != nil {
				return odata.Answer{}, err
			}
			taken := false
			a, err := change(q, "Deploying the credentials", func(config *tenant.Config) error {
				taken = slices.ContainsFunc(config.Credentials, func(other tenant.Credential) bool { return other.Name == c.Name })
				if !taken {
					config.Credentials = append(config.Credentials, c)
				}
				return nil
			})
			if taken {
				return odata.Answer{}, odata.Errorf(http.StatusConflict, "There is an artifact with the name %q already.", c.Name)
			}
			return a, err
		},
		update: func(q *request, entity any, body odata.Body) (odata.Answer, *odata.Error) {
			name := entity.(tenant.Credential).Name
			if given, ok := body["Name"]; ok && given != name {
				return odata.Answer{}, odata.Errorf(http.StatusBadRequest, "Found the name %q, expected that of the entity, %q.", given, name)
			}
			body["Name"] = name
			c, err := read(body)
			if err != nil {
				return odata.Answer{}, err
			}
			return change(q, "Updating the credentials", func(config *tenant.Config) error {
				for i := range config.Credentials {
					if config.Credentials[i].Name == name {
						config.Credentials[i] = c
					}
				}
				return nil
			})
		},
		remove: func(q *request, entity any) (odata.Answer, *odata.Error) {
			name := entity.(tenant.Credential).Name
			return change(q, "Removing the credentials", func(config *tenant.Config) error {
				config.Credentials = slices.DeleteFunc(config.Credentials, func(c tenant.Credential) bool { return c.Name == name })
				return nil
			})
		},
	}
}

// keystoreEntry is an entry of the tenant keystore with its certificate read.
type keystoreEntry struct {
	tenant.KeystoreEntry
	// x is nil if the certificate cannot be read.
	x *x509.Certificate
}

// of makes a property of the certificate; null if it cannot be read.
func of(read func(*x509.Certificate) any) func(any) any {
	return odata.Field(func(e keystoreEntry) any {
		if e.x == nil {
			return nil
		}
		return read(e.x)
	})
}

func fingerprint[T [20]byte | [32]byte | [64]byte](hash func([]byte) T) func(any) any {
	return odata.Field(func(e keystoreEntry) any {
		sum := hash(e.Certificate)
		var b []byte
		switch s := any(sum).(type) {
		case [20]byte:
			b = s[:]
		case [32]byte:
			b = s[:]
		case [64]byte:
			b = s[:]
		}
		return hex.EncodeToString(b)
	})
}

// certificateType is the certificate behind a keystore entry: its content is PEM. [C]
var certificateType = &odata.EntityType{
	Name: "CertificateResource", Set: "CertificateResources", Keys: []string{"Hexalias"}, Media: true,
	ContentType: func(any) string { return "application/pkix-cert" },
	Same:        sameHex,
	Properties: []odata.Property{
		{Name: "Hexalias", Type: odata.String, NotNull: true, Get: odata.Field(func(e keystoreEntry) any { return hexAlias(e.Alias) })},
	},
}

// keystoreType is KeystoreEntry. [C]
var keystoreType = &odata.EntityType{
	Name: "KeystoreEntry", Set: "KeystoreEntries", Keys: []string{"Hexalias"},
	Same: sameHex,
	Properties: []odata.Property{
		{Name: "Hexalias", Type: odata.String, NotNull: true, Filter: true, Get: odata.Field(func(e keystoreEntry) any { return hexAlias(e.Alias) })},
		{Name: "Alias", Type: odata.String, Filter: true, Get: odata.Field(func(e keystoreEntry) any { return e.Alias })},
		{Name: "KeyType", Type: odata.String, Get: of(func(x *x509.Certificate) any { kind, _ := keyOf(x); return orNull(kind) })},
		{Name: "KeySize", Type: odata.Int32, Get: of(func(x *x509.Certificate) any {
			if _, size := keyOf(x); size > 0 {
				return int64(size)
			}
			return nil
		})},
		{Name: "ValidNotBefore", Type: odata.DateTime, Get: of(func(x *x509.Certificate) any { return x.NotBefore })},
		{Name: "ValidNotAfter", Type: odata.DateTime, Get: of(func(x *x509.Certificate) any { return x.NotAfter })},
		{Name: "SerialNumber", Type: odata.String, Get: of(func(x *x509.Certificate) any { return x.SerialNumber.Text(16) })},
		{Name: "SignatureAlgorithm", Type: odata.String, Get: of(func(x *x509.Certificate) any { return x.SignatureAlgorithm.String() })},
		{Name: "SubjectDN", Type: odata.String, Get: of(func(x *x509.Certificate) any { return pki.FormatDN(x.RawSubject) })},
		{Name: "IssuerDN", Type: odata.String, Get: of(func(x *x509.Certificate) any { return pki.FormatDN(x.RawIssuer) })},
		{Name: "FingerprintSha1", Type: odata.String, Get: fingerprint(sha1.Sum)},
		{Name: "FingerprintSha256", Type: odata.String, Get: fingerprint(sha256.Sum256)},
		{Name: "FingerprintSha512", Type: odata.String, Get: fingerprint(sha512.Sum512)},
		{Name: "Type", Type: odata.String, Get: func(any) any { return "Certificate" }},
		{Name: "Owner", Type: odata.String, Get: func(any) any { return "Tenant Administrator" }},
		{Name: "Status", Type: odata.String, Get: func(any) any { return "Deployed" }},
	},
	Navigations: []odata.Navigation{
		{Name: "Certificate", To: certificateType, Get: func(entity any) []any { return []any{entity} }},
	},
}

// hexAlias is the key of an entry: the alias in upper-case hex [C]. Lower case is understood too.
func hexAlias(alias string) string { return strings.ToUpper(hex.EncodeToString([]byte(alias))) }

func sameHex(_, has, asked string) bool { return strings.EqualFold(has, asked) }

// keyOf is the kind of a certificate's key and its size in bits.
func keyOf(x *x509.Certificate) (kind string, bits int) {
	switch k := x.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA", k.N.BitLen()
	case *ecdsa.PublicKey:
		return "EC", k.Params().BitSize
	case ed25519.PublicKey:
		return "Ed25519", 256
	case *dsa.PublicKey:
		return "DSA", k.P.BitLen()
	}
	return "", 0
}

// keystore is the entity set KeystoreEntries. The keystore has nothing to do with inbound calls [C];
// it is here because people expect that it has.
func (s *Server) keystore() *resource {
	return &resource{
		typ: keystoreType, read: viewSecurity, change: changeSecurity, custom: []string{"keystoreName"}, contentCustom: []string{"keystoreName"},
		list: func(q *request) ([]any, *odata.Error) {
			if name, ok := q.service.Options.Custom["keystoreName"]; ok && name != "system" {
				return nil, odata.Errorf(http.StatusNotFound, "There is no keystore %q, only system.", name)
			}
			var out []any
			for _, e := range q.snapshot.Keystore() {
				x, err := x509.ParseCertificate(e.Certificate)
				if err != nil {
					x = nil
				}
				out = append(out, keystoreEntry{KeystoreEntry: e, x: x})
			}
			return out, nil
		},
	}
}

// certificates writes the content behind keystore entries.
func (s *Server) certificates() *resource {
	return &resource{typ: certificateType, content: func(q *request, entity any) *odata.Error {
		e := entity.(keystoreEntry)
		return q.send("application/pkix-cert", fmt.Sprintf("%s.cer", hexAlias(e.Alias)), pemOf(e.Certificate))
	}}
}
