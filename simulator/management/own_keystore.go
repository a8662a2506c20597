package management

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// ownPutKeystore puts a certificate into the tenant keystore, in place of one with that alias. It has no
// effect on inbound calls [C: blog], which is what scenarios show with it.
func ownPutKeystore(c *ownCall) (any, *odata.Error) {
	var body struct {
		Certificate string `json:"certificate"`
	}
	if err := c.body(&body); err != nil {
		return nil, err
	}
	block, rest := pem.Decode([]byte(body.Certificate))
	if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
		return nil, odata.Errorf(http.StatusBadRequest, "The certificate is not as expected: PEM of one certificate.")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return nil, odata.Errorf(http.StatusBadRequest, "The certificate cannot be read: %v.", err)
	}
	return struct{}{}, c.update("Putting the certificate into the keystore", func(config *tenant.Config) {
		entry := tenant.KeystoreEntry{Alias: c.rest, Certificate: block.Bytes}
		if i := slices.IndexFunc(config.Keystore, ofAlias(c.rest)); i >= 0 {
			config.Keystore[i] = entry
			return
		}
		config.Keystore = append(config.Keystore, entry)
	})
}

func ownDeleteKeystore(c *ownCall) (any, *odata.Error) {
	return struct{}{}, c.update("Removing the certificate from the keystore", func(config *tenant.Config) {
		config.Keystore = slices.DeleteFunc(config.Keystore, ofAlias(c.rest))
	})
}

// ofAlias matches an entry by its alias, in whatever case.
func ofAlias(alias string) func(tenant.KeystoreEntry) bool {
	return func(e tenant.KeystoreEntry) bool { return strings.EqualFold(e.Alias, alias) }
}
